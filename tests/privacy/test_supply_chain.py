"""What is installed is pinned, and the bill of materials names all of it."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from importlib.util import module_from_spec, spec_from_file_location
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


def entries() -> dict[str, str]:
    """Name -> what the lock says of it."""
    text = (ROOT / "requirements.lock").read_text("utf-8")
    found = re.findall(r"^[A-Za-z0-9][^\n]*(?:\n[ ]{4}--hash[^\n]*)*", text, re.MULTILINE)
    return {re.split(r"[=; ]", e)[0].lower().replace("_", "-").replace(".", "-"): e for e in found}


def test_every_pin_has_the_digests_of_its_files_and_names_no_place() -> None:
    for name, entry in entries().items():
        first, *digests = entry.splitlines()
        assert re.fullmatch(r"[A-Za-z0-9._-]+==[^\s;]+(?: ; [^\\]+)? \\", first), first
        assert digests, name
        for line in digests:
            assert re.fullmatch(r"    --hash=sha256:[0-9a-f]{64}(?: \\)?", line), (name, line)
    assert "://" not in (ROOT / "requirements.lock").read_text("utf-8")


def test_the_lock_holds_every_extra_and_what_builds_the_package() -> None:
    told = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    wanted = [*told["project"]["dependencies"], *told["build-system"]["requires"], "editables"]
    for extra in told["project"]["optional-dependencies"].values():
        wanted += [d for d in extra if not d.startswith("cdiscx")]
    names = {re.split(r"[\[<>=!~; ]", d)[0].lower().replace("_", "-").replace(".", "-") for d in wanted}
    assert names <= set(entries())


def test_make_installs_by_digest_only() -> None:
    installs = [line for line in (ROOT / "Makefile").read_text("utf-8").splitlines() if "pip install" in line]
    installs = [line for line in installs if line.startswith("\t")]
    assert installs
    assert all("--require-hashes --requirement requirements.lock" in x or "--no-deps" in x for x in installs)


def audit(told: dict[str, object]) -> tuple[int, list[str]]:
    """The verdict of tools/audit.py on an answer of pip-audit."""
    place = spec_from_file_location("audit", ROOT / "tools" / "audit.py")
    assert place is not None
    assert place.loader is not None
    module = module_from_spec(place)
    place.loader.exec_module(module)
    status, lines = module.verdict(told)
    return int(status), list(lines)


def test_a_package_that_no_database_knows_is_no_clean_bill() -> None:
    good = {"name": "a", "version": "1", "vulns": []}
    bad = {"name": "b", "version": "2", "vulns": [{"id": "X-1", "fix_versions": ["3"]}]}
    gone = {"name": "c", "skip_reason": "not found"}
    assert audit({"dependencies": [good]}) == (0, ["1 of 1 packages were looked up, 0 known vulnerabilities"])
    assert audit({"dependencies": [good, gone]})[0] == 2
    assert audit({"dependencies": []})[0] == 2
    status, lines = audit({"dependencies": [good, bad, gone]})
    assert status == 1
    assert lines[0] == "b 2: X-1, mended in 3"
    assert lines[-1] == "not looked up, so nothing is known of them: c"
