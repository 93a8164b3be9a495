"""An upload whose cells and tables wait on disk gives the report of one in memory, and leaves nothing behind."""

from __future__ import annotations

import gc
import stat
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest
from grids import grid_of, write
from spread_kit import DATES, ENV, same
from tangle import tangled

from cdiscx import flow
from cdiscx.model.finding import Report
from cdiscx.model.kept import Kept
from cdiscx.model.spec import Study
from cdiscx.model.table import StudyData
from cdiscx.read.door import LARGE, are_large
from cdiscx.report.changes import write_changes
from cdiscx.report.page import page_data


def uploads(study: str, folder: Path, *seeds: int) -> list[Path]:
    """Workbooks of many defects, a site a seed, that share subjects' numbers."""
    return [write(grid_of(tangled(study, seed=s, subjects=8)), folder / f"site-{s}.xlsx") for s in seeds]


def on_disk(study: str, paths: list[Path], shares: int) -> StudyData:
    files = flow.read(*paths, low_memory=True)
    return flow.tidy(Study.load(study), files, today=DATES["today"], partitions=shares)


@pytest.mark.parametrize("study", ["palhep-a", "neopvtt-b"])
def test_tables_on_disk_give_the_report_of_tables_in_memory(study: str, tmp_path: Path) -> None:
    paths = uploads(study, tmp_path, 1, 2)
    whole = flow.validate(flow.tidy(Study.load(study), flow.read(*paths), today=DATES["today"]), **DATES)
    assert len(whole.findings) > 500
    for shares in (1, 5):
        data = on_disk(study, paths, shares)
        assert all(table.kept for table in data.tidy.values())
        same(whole, flow.validate(data, **DATES))


def test_shares_of_tables_on_disk_are_as_many_as_their_rows_ask_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan, path = Study.load("palhep-a"), uploads("palhep-a", tmp_path, 1)[0]
    rows = sum(table.height for table in flow.tidy(plan, flow.read(path), today=DATES["today"]).tidy.values())
    for most, shares in ((rows, 1), (rows - 1, 2), (rows // 4, 5 if rows % 4 else 4)):
        monkeypatch.setattr(import_module("cdiscx.parts.cut"), "SHARE_ROWS", most)
        assert flow.tidy(plan, flow.read(path, low_memory=True), today=DATES["today"]).shares.number == shares


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_a_change_log_on_disk_is_written_and_shown_as_one_in_memory(lang: str, tmp_path: Path) -> None:
    plan, paths = Study.load("palhep-a"), uploads("palhep-a", tmp_path, 1, 2)
    written = []
    for low in (False, True):
        data = flow.tidy(plan, flow.read(*paths, low_memory=low), today=DATES["today"], partitions=2)
        assert isinstance(data.changes, Kept) is low
        report = Report({}, (), (), changes=data.changes)
        told = flow.translated(report, lang)
        write_changes(told.changes, tmp_path / "changes.csv")
        assert told.changes is not None
        assert told.changes.height > 200
        written.append(((tmp_path / "changes.csv").read_bytes(), page_data(told, {})["changes"]))
    assert written[0] == written[1]


def run(upload: Path, scratch: Path, *words: str) -> subprocess.CompletedProcess[bytes]:
    """`cdiscx validate --low-memory` with a folder of its own for temporary files."""
    start = [sys.executable, "-m", "cdiscx.cli", "validate", str(upload), "--study", "palhep-a", "--quiet"]
    env = {**ENV, "TMPDIR": str(scratch)}
    return subprocess.run(
        [*start, "--low-memory", "--no-expectations", *words], capture_output=True, env=env, check=False
    )


def test_nothing_temporary_is_left_after_a_run_or_an_error(tmp_path: Path) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    upload = uploads("palhep-a", tmp_path, 1)[0]
    done = run(upload, scratch, "--workers", "2", "--report", str(tmp_path / "report"))
    assert done.returncode == 1, done.stderr
    assert list(scratch.iterdir()) == []
    failed = run(upload, scratch, "--cutoff", "2025-06-30", "--only", "NO-SUCH")
    assert failed.returncode == 2, failed.stderr
    assert list(scratch.iterdir()) == []


def test_the_folder_of_temporary_files_is_its_owners_alone(tmp_path: Path) -> None:
    files = flow.read(uploads("palhep-a", tmp_path, 1)[0], low_memory=True)
    kept = files[0].sheets[0].kept
    assert kept is not None
    folder = Path(kept.paths[0]).parent
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    del files, kept
    gc.collect()
    assert not folder.exists()


def test_a_small_upload_stays_in_memory_and_a_large_one_does_not(tmp_path: Path) -> None:
    small = tmp_path / "small.csv"
    small.write_text("a")
    assert not are_large([small])
    large = tmp_path / "large"
    large.mkdir()
    with (large / "Labs.csv").open("wb") as file:
        file.truncate(LARGE)
    assert are_large([large])
    assert are_large([small, large])
