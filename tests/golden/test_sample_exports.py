"""The worked examples in `sample_exports/` are rebuilt byte for byte from the generator and their uploads."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from rebuild import HOME, deliver, rebuild

from cdiscx.samples import write_demo

STUDIES = sorted(p.name for p in HOME.iterdir() if p.is_dir())
KEPT = ("report.json", "report.html", "queries.xlsx", "changes.csv")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return write_demo(tmp_path_factory.mktemp("samples"))


@pytest.mark.parametrize("study", STUDIES)
def test_the_generator_writes_the_bundled_uploads(made, study):
    for path in made.planted[study]:
        assert path.read_bytes() == (HOME / study / "uploads" / path.name).read_bytes(), "run: make samples"


@pytest.mark.parametrize("study", STUDIES)
def test_the_report_on_the_bundled_uploads_is_rebuilt_byte_for_byte(study, tmp_path: Path):
    uploads = sorted((HOME / study / "uploads").glob("*.xlsx"))
    rebuild(study, tmp_path / "report", uploads)
    for name in KEPT:
        new, old = (tmp_path / "report" / name).read_bytes(), (HOME / study / "report" / name).read_bytes()
        if name == "report.json" and new != old:
            was, now = ({f["fingerprint"]: f for f in json.loads(b)["findings"]} for b in (old, new))
            changed = [k for k in was.keys() | now.keys() if was.get(k) != now.get(k)]
            pytest.fail(
                f"{len(changed)} findings differ, e.g. {[(was.get(k), now.get(k)) for k in changed[:2]]}; run: make samples"
            )
        assert new == old, f"{name} differs; run: make samples"


@pytest.mark.parametrize("study", STUDIES)
def test_the_datasets_and_endpoints_of_the_clean_upload_are_rebuilt_byte_for_byte(made, study, tmp_path: Path):
    home = HOME / study / "clean"
    upload = home / made.clean[study][0].name
    assert upload.read_bytes() == made.clean[study][0].read_bytes(), "run: make samples"
    new = {p.relative_to(tmp_path): p for p in deliver(study, tmp_path, upload)}
    old = {p.relative_to(home): p for p in home.rglob("*") if p.is_file() and p != upload}
    assert new.keys() == old.keys(), "run: make samples"
    changed = [str(name) for name in new if new[name].read_bytes() != old[name].read_bytes()]
    assert not changed, "run: make samples"
