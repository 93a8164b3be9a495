"""What is installed is pinned, and the bill of materials names all of it."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]


def bill() -> dict[str, object]:
    done = subprocess.run([sys.executable, "tools/sbom.py"], cwd=ROOT, capture_output=True, check=True)
    return dict(json.loads(done.stdout))


def test_the_bill_of_materials_has_every_pin_once_and_the_same_bytes_each_time() -> None:
    told = bill()
    assert told == bill()
    assert (told["bomFormat"], told["specVersion"]) == ("CycloneDX", "1.5")
    listed = [c["purl"] for c in told["components"]]  # type: ignore[attr-defined]
    lines = [x for x in (ROOT / "requirements.lock").read_text("utf-8").splitlines() if re.match(r"[A-Za-z0-9]", x)]
    assert len(listed) == len(set(listed)) == len(lines)
    assert all(re.fullmatch(r"pkg:pypi/[a-z0-9-]+@[0-9][^@]*", purl) for purl in listed)


def test_every_dependency_of_the_package_is_pinned() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    wanted = {
        re.split(r"[\[<>=!~; ]", d)[0].lower().replace("_", "-").replace(".", "-") for d in project["dependencies"]
    }
    pinned = {c["name"] for c in bill()["components"]}  # type: ignore[attr-defined]
    assert wanted <= pinned
