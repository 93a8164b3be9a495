"""Looks up known vulnerabilities of every package of requirements.lock: `python tools/audit.py [--service osv]`.

Asks pip-audit (`pip install pip-audit`, kept by the packaging authority), which asks the database of the package index, or with
`--service osv` that of OSV. Both are on the network, so this is for a machine that may ask; cdiscx itself never does.
Exit status: 0 every package was looked up and none is known to be vulnerable, 1 some are, 2 not every package could be looked up
(no tool, no network, an index without a database), which is no clean bill: pip-audit itself says "none found" then.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

LOCK = Path(__file__).parents[1] / "requirements.lock"


def verdict(told: dict[str, Any]) -> tuple[int, list[str]]:
    """Exit status and lines, of pip-audit's answer in JSON."""
    packages = told.get("dependencies", [])
    known = [
        f"{p['name']} {p['version']}: {v['id']}"
        + (f", mended in {', '.join(v['fix_versions'])}" if v.get("fix_versions") else "")
        for p in packages
        for v in p.get("vulns", ())
    ]
    missed = [p["name"] for p in packages if "skip_reason" in p]
    asked = len(packages) - len(missed)
    lines = [*known, f"{asked} of {len(packages)} packages were looked up, {len(known)} known vulnerabilities"]
    if missed:
        lines.append("not looked up, so nothing is known of them: " + ", ".join(missed))
    return (1 if known else 2 if missed or not packages else 0), lines


def answer(service: str) -> dict[str, Any] | str:
    """What pip-audit says of the lock, or why it says nothing."""
    tool = shutil.which("pip-audit", path=str(Path(sys.executable).parent)) or shutil.which("pip-audit")
    if tool is None:
        return "pip-audit is not installed: pip install pip-audit"
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "audit.json"
        command = [tool, "--requirement", str(LOCK), "--require-hashes", "--disable-pip", "--vulnerability-service", service,
                   "--progress-spinner", "off", "--timeout", "30", "--format", "json", "--output", str(out)]  # fmt: skip
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=1800)
        except subprocess.TimeoutExpired:
            return "the database did not answer"
        if not out.is_file() or not out.stat().st_size:
            last = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
            return f"no database could be asked ({last[:200]})"
        return dict(json.loads(out.read_text("utf-8")))


def main() -> None:
    """Prints what is known."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--service", choices=("pypi", "osv"), default="pypi")
    told = answer(options.parse_args().service)
    status, lines = (2, [told]) if isinstance(told, str) else verdict(told)
    print("\n".join(lines))
    sys.exit(status)


if __name__ == "__main__":
    main()
