"""Open errors stop an export, the manifest says what was made of what, and a folder appears whole or not at all."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
from export_kit import STAMP, adverse_events

from cdiscx.export import write
from cdiscx.export.gate import Gate, gate
from cdiscx.export.manifest import EXPORT, manifest, write_manifest
from cdiscx.model.errors import ExportError, UsageError
from cdiscx.model.finding import CheckRun, Finding, Report, Severity, Status
from cdiscx.model.folder import Kind, whole_folder
from cdiscx.model.table import UploadFile

RUN = {
    "study": "S1",
    "study_file": "s",
    "version": "0.1",
    "day_of_run": "2026-01-02",
    "cutoff": "2025-12-31",
    "cutoff_stated": True,
}


def finding(check: str, severity: Severity, accepted: str | None = None) -> Finding:
    return Finding(check, check[:3], severity, "said", accepted=accepted)


def report(*findings: Finding, status: Status = Status.FAILED, rows: int = 5) -> Report:
    return Report({}, (CheckRun("DAT-001", status, rows=rows),), findings)


ERROR, WARNING = finding("DAT-005", Severity.ERROR), finding("VIS-001", Severity.WARNING)


def test_a_report_without_open_errors_passes():
    decided = gate(report(WARNING, finding("DAT-005", Severity.ERROR, accepted="seen (x, 2026-01-01)")))
    assert decided.passed
    assert decided.to_dict()["decision"] == "passed"
    assert (decided.warnings, decided.accepted, decided.errors) == (1, 1, {})


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (
            report(ERROR, ERROR, finding("MEA-001", Severity.ERROR)),
            r"^3 open errors \(DAT-005 2, MEA-001 1\): nothing was exported",
        ),
        (report(ERROR), r"^1 open error \(DAT-005 1\)"),
        (report(status=Status.ERRORED), r"^checks that crashed \(DAT-001\)"),
        (report(status=Status.SKIPPED, rows=0), r"nothing could be checked"),
    ],
)
def test_what_stands_against_an_export_stops_it(given: Report, said: str):
    with pytest.raises(ExportError, match=said) as caught:
        gate(given)
    assert "\n" not in str(caught.value)
    assert "--despite-errors REASON" in str(caught.value)
    decided = gate(given, despite="  interim look, agreed with the sponsor ")
    assert not decided.passed
    assert decided.reason == "interim look, agreed with the sponsor"
    assert decided.to_dict()["decision"] == "exported despite errors"


def test_values_that_no_transport_file_holds_stop_it_too():
    with pytest.raises(ExportError, match="EXP-XPT-006 1"):
        gate(report(), [finding("EXP-XPT-006", Severity.ERROR)])
    decided = gate(report(), [finding("EXP-XPT-006", Severity.ERROR)], despite="known")
    assert decided.lossy
    assert decided.losses == {"EXP-XPT-006": 1}
    spelt = gate(report(), [finding("EXP-XPT-004", Severity.WARNING)])
    assert spelt.passed
    assert not spelt.lossy


def test_a_reason_needs_words_and_is_not_noted_where_none_was_needed():
    with pytest.raises(UsageError, match="needs a reason"):
        gate(report(), despite=" ")
    assert gate(report(), despite="just in case") == gate(report())


def test_datasets_that_were_not_validated_here_are_said_to_be():
    assert gate(None) == Gate(True)
    assert gate(None).to_dict()["decision"] == "not validated"
    assert gate(None).to_dict()["anything_checked"] is None


def test_the_manifest_has_hashes_of_all_that_went_in_and_came_out(tmp_path: Path):
    spec = tmp_path / "specs" / "s.yaml"
    spec.parent.mkdir()
    spec.write_text("id: s\n")
    out = tmp_path / "out"
    written = write({"AE": adverse_events()}, out / "sdtm", ["xpt", "json"], stamp=STAMP)
    upload = UploadFile("site.xlsx", "ab" * 32, 12, ())
    facts = {
        "run": RUN,
        "gate": gate(report(WARNING)),
        "inputs": [upload, spec],
        "specs": [spec],
        "more": {"formats": ["xpt"]},
    }
    path = write_manifest(out, **facts)
    said = json.loads(path.read_text())
    assert said["inputs"][0] == {"name": "site.xlsx", "sha256": "ab" * 32, "bytes": 12}
    assert said["specs"] == [{"name": "specs/s.yaml", "sha256": hashlib.sha256(b"id: s\n").hexdigest()}]
    outputs = {o["name"]: o["sha256"] for o in said["outputs"]}
    assert outputs == {f"sdtm/{p.name}": hashlib.sha256(p.read_bytes()).hexdigest() for p in written}
    assert (said["cutoff"], said["day_of_run"], said["study"], said["formats"]) == (
        "2025-12-31",
        "2026-01-02",
        "S1",
        ["xpt"],
    )
    assert said["gate"]["open_warnings"] == 1
    assert said["made_by"]["cdiscx"] == "0.1"
    assert said["made_by"]["packages"]["polars"]
    assert manifest(out, **facts) == said, "the manifest is no output of itself"


def fill(folder: Path, text: str = "x") -> None:
    with whole_folder(folder, EXPORT) as made:
        (made / "sdtm").mkdir()
        (made / "sdtm" / "dm.xpt").write_text(text)


def names(folder: Path) -> set[str]:
    return {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file() and not p.name.startswith(".")}


def test_a_failed_export_leaves_nothing_and_the_earlier_one_as_it_was(tmp_path: Path):
    class Stop(Exception):
        pass

    def fail(folder: Path) -> None:
        with whole_folder(folder, EXPORT) as made:
            (made / "half.xpt").write_text("half")
            raise Stop

    with pytest.raises(Stop):
        fail(tmp_path / "new")
    assert list(tmp_path.iterdir()) == []
    fill(tmp_path / "out", "first")
    with pytest.raises(Stop):
        fail(tmp_path / "out")
    assert [p.name for p in tmp_path.iterdir()] == ["out"]
    assert (tmp_path / "out" / "sdtm" / "dm.xpt").read_text() == "first"


def test_an_export_replaces_an_earlier_one_that_nobody_touched(tmp_path: Path):
    fill(tmp_path / "out", "first")
    fill(tmp_path / "out", "second")
    assert (tmp_path / "out" / "sdtm" / "dm.xpt").read_text() == "second"
    (tmp_path / "out" / "sdtm" / "dm.xpt").write_text("by hand")
    with pytest.raises(ExportError, match=r"an earlier export in which sdtm/dm\.xpt was changed or added"):
        fill(tmp_path / "out")


def test_parts_made_one_by_one_may_be_replaced_together(tmp_path: Path):
    for part in ("sdtm", "adam"):
        with whole_folder(tmp_path / "out" / part, EXPORT) as made:
            (made / "file").write_text(part)
    fill(tmp_path / "out")
    assert names(tmp_path / "out") == {"sdtm/dm.xpt"}
    with whole_folder(tmp_path / "out" / "sdtm", EXPORT) as made:
        (made / "dm.xpt").write_text("newer")
    fill(tmp_path / "out")
    assert (tmp_path / "out" / "sdtm" / "dm.xpt").read_text() == "x"


def test_somebody_elses_folder_is_refused_and_left_alone(tmp_path: Path):
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter.txt").write_text("years of work")
    with pytest.raises(ExportError, match="holds other files and is no export of cdiscx"):
        fill(tmp_path / "thesis")
    assert names(tmp_path / "thesis") == {"chapter.txt"}
    with pytest.raises(ExportError, match="is a file"):
        fill(tmp_path / "thesis" / "chapter.txt")


def test_a_report_is_not_replaced_by_an_export(tmp_path: Path):
    with whole_folder(tmp_path / "r", Kind("report", "the reports", ".cdiscx-report")) as made:
        (made / "report.html").write_text("x")
    with pytest.raises(ExportError, match="is no export of cdiscx"):
        fill(tmp_path / "r")


def test_a_damaged_marker_is_said(tmp_path: Path):
    fill(tmp_path / "out")
    (tmp_path / "out" / EXPORT.marker).write_text("{")
    with pytest.raises(ExportError, match="file is damaged"):
        fill(tmp_path / "out")
