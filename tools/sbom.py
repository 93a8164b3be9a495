"""Writes the bill of materials of requirements.lock: `python tools/sbom.py > sbom.cdx.json` (CycloneDX 1.5).

Name, version and package URL of every pinned package; its licence where it is installed here. The same lock and the same
installed packages give the same bytes: there is no time stamp, and the serial number is made of the lock.
"""

from __future__ import annotations

import json
import re
import sys
import uuid
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path
from typing import Any

LOCK = Path(__file__).parents[1] / "requirements.lock"
_PIN = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)")


def pins(text: str) -> list[tuple[str, str]]:
    """Name and version of every pinned line, by name. Raises ValueError for a line that pins nothing."""
    found = []
    for line in text.splitlines():
        if not line.strip() or line.lstrip().startswith(("#", "--hash")):
            continue
        pin = _PIN.match(line)
        if pin is None:
            raise ValueError(f"no pin: {line!r}")
        found.append((re.sub(r"[-_.]+", "-", pin[1]).lower(), pin[2]))
    return sorted(found)


def component(name: str, version: str) -> dict[str, Any]:
    """One package in CycloneDX's words."""
    purl = f"pkg:pypi/{name}@{version}"
    said: dict[str, Any] = {"type": "library", "bom-ref": purl, "name": name, "version": version, "purl": purl}
    try:
        facts = metadata(name)
    except PackageNotFoundError:
        return said
    if facts["Version"] != version:
        return said
    classifiers = facts.get_all("Classifier") or []
    licences = [c.rpartition(" :: ")[2] for c in classifiers if c.startswith("License :: OSI")]
    if expression := facts["License-Expression"]:
        said["licenses"] = [{"expression": expression}]
    elif licences:
        said["licenses"] = [{"license": {"name": n}} for n in sorted(set(licences))]
    return said


def bill(text: str) -> dict[str, Any]:
    """The whole document."""
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, text)}",
        "version": 1,
        "metadata": {"component": {"type": "application", "bom-ref": "cdiscx", "name": "cdiscx"}},
        "components": [component(name, version) for name, version in pins(text)],
    }


if __name__ == "__main__":
    sys.stdout.write(json.dumps(bill(LOCK.read_text("utf-8")), indent=1, ensure_ascii=False) + "\n")
