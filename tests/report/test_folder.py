"""The report folder: whole or not at all, and never over somebody's files."""

from __future__ import annotations

import os
from pathlib import Path

import polars as pl
import pytest

from cdiscx.model.errors import ExportError
from cdiscx.model.finding import Report
from cdiscx.model.spec import Study
from cdiscx.model.table import UploadFile
from cdiscx.report.changes import write_changes
from cdiscx.report.folder import MARKER, write_folder

from .conftest import CHANGES

try:
    import resource
except ImportError:  # Windows
    resource = None  # type: ignore[assignment]

STUDY = Study(id="s", studyid="S", title="A <b>study</b>")
FILES = {"report.html", "queries.xlsx", "report.json", "changes.csv", "annotated/site-01.xlsx"}


def inside(folder: Path) -> set[str]:
    return {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file() and p.name != MARKER}


def test_all_files_appear_and_nothing_else_stays(report: Report, upload: UploadFile, tmp_path: Path):
    target = tmp_path / "deep" / "report"
    written = write_folder(report, [upload], target, STUDY)
    assert {p.relative_to(target).as_posix() for p in written} == FILES
    assert inside(target) == FILES
    assert [p.name for p in target.parent.iterdir()] == ["report"]
    page = (target / "report.html").read_text(encoding="utf-8")
    assert "A &lt;b&gt;study&lt;/b&gt;" in page
    assert '"site-01.xlsx":"site-01.xlsx"' in page


def test_an_earlier_report_is_replaced_with_the_same_bytes(report: Report, upload: UploadFile, tmp_path: Path):
    target = tmp_path / "report"
    write_folder(report, [upload], target, STUDY)
    before = {name: (target / name).read_bytes() for name in FILES}
    write_folder(report, [upload], target, STUDY)
    assert {name: (target / name).read_bytes() for name in FILES} == before
    (target / ".DS_Store").write_text("x")
    write_folder(report, [upload], target, STUDY)
    assert not (target / ".DS_Store").exists()


def test_an_empty_folder_is_used_and_a_foreign_one_is_refused(report: Report, tmp_path: Path):
    empty = tmp_path / "empty"
    empty.mkdir()
    write_folder(report, [], empty, STUDY)
    assert (empty / "report.html").exists()
    foreign = tmp_path / "thesis"
    foreign.mkdir()
    (foreign / "chapter.txt").write_text("years of work")
    with pytest.raises(ExportError, match="is no report of cdiscx"):
        write_folder(report, [], foreign, STUDY)
    assert inside(foreign) == {"chapter.txt"}
    with pytest.raises(ExportError, match="is a file"):
        write_folder(report, [], foreign / "chapter.txt", STUDY)


def test_answers_typed_into_an_earlier_report_are_not_lost(report: Report, tmp_path: Path):
    target = tmp_path / "report"
    write_folder(report, [], target, STUDY)
    (target / "queries.xlsx").write_bytes(b"with answers")
    with pytest.raises(ExportError, match=r"queries\.xlsx was changed or added"):
        write_folder(report, [], target, STUDY)
    assert (target / "queries.xlsx").read_bytes() == b"with answers"


@pytest.mark.skipif(resource is None, reason="needs POSIX limits")
def test_a_disk_that_is_full_half_way_leaves_the_earlier_report_as_it_was(
    report: Report, upload: UploadFile, tmp_path: Path
):
    target = tmp_path / "report"
    write_folder(report, [upload], target, STUDY)
    before = {name: (target / name).read_bytes() for name in FILES}
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(before["report.html"]) // 2, hard))
    try:
        with pytest.raises(ExportError, match="the reports cannot be written") as caught:
            write_folder(report, [upload], target, STUDY)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert "\n" not in str(caught.value)
    assert {name: (target / name).read_bytes() for name in inside(target)} == before
    assert {p.name for p in tmp_path.iterdir()} == {"report", "site-01.xlsx"}


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_place_that_cannot_be_written_is_one_line(report: Report, tmp_path: Path):
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o500)
    with pytest.raises(ExportError, match="cannot be written"):
        write_folder(report, [], closed / "report", STUDY)


def test_a_path_below_a_file_is_one_line(report: Report, tmp_path: Path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(ExportError) as caught:
        write_folder(report, [], tmp_path / "file" / "report", STUDY)
    assert "\n" not in str(caught.value)


def test_the_change_log_cannot_compute(tmp_path: Path):
    path = tmp_path / "c.csv"
    extra = pl.DataFrame({"before": ["\t=1", "\r=1", "＝1", "plain", "+1"], "row": [1, 2, 3, 4, 5]})
    write_changes(extra, path)
    assert path.read_bytes().startswith(b"\xef\xbb\xbf")
    assert pl.read_csv(path)["before"].to_list() == ["'\t=1", "'\r=1", "'＝1", "plain", "'+1"]
    write_changes(CHANGES, path)
    back = pl.read_csv(path)
    assert back["before"].to_list() == ["5-Mar-2024", "'=1+1", "'-3"]
    assert back["after"].to_list() == ["2024-03-05", "WEEK 3", "'@x"]
    write_changes(None, path)
    assert pl.read_csv(path).columns == CHANGES.columns
