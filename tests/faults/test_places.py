"""A disk that is full, a place that cannot be written, an upload that vanishes: one line, and nothing half-made stays."""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from fault_kit import ROOT, cdiscx, contents, whole
from openpyxl import load_workbook

from cdiscx import delivery, flow
from cdiscx.ledger import book
from cdiscx.model.errors import ExportError, UploadError
from cdiscx.model.spec import Study
from cdiscx.samples import clean, write_xlsx

resource = pytest.importorskip("resource", reason="needs POSIX limits")


@pytest.fixture(scope="module")
def ready(tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Any, Any]:
    """Two subjects read, checked and analysed once: files, data, report."""
    path = tmp_path_factory.mktemp("upload") / "site-01.xlsx"
    write_xlsx(clean("palhep-a", sites=1, subjects=2, seed=3)[0], path)
    files = flow.read(path)
    data = flow.tidy(Study.load("palhep-a"), files)
    report = flow.validate(data, expectations=False)
    return files, flow.analyse(flow.to_adam(data), report), report


@contextmanager
def disk_of(size: int) -> Iterator[None]:
    """No file may grow beyond `size` bytes: writing more fails as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    heard = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, heard)


def writers(ready: tuple[Any, Any, Any], form: str) -> Callable[[Path], object]:
    files, data, report = ready
    if form == "report":
        return lambda out: flow.write_reports(report, files, out, data.study)
    order = delivery.Order("palhep-a", (form,), despite="a test")
    return lambda out: delivery.write_all(data, report, files, order, out)


@pytest.mark.parametrize(
    "form", ["report", "xpt", "parquet", *(pytest.param(f, marks=pytest.mark.slow) for f in ("json", "ndjson", "csv"))]
)
def test_a_full_disk_is_one_line_and_leaves_what_was_there(
    form: str, ready: tuple[Any, Any, Any], tmp_path: Path
) -> None:
    write = writers(ready, form)
    write(tmp_path / "full")
    sizes = sorted({len(b) for b in contents(tmp_path / "full").values()})
    tried = {0, sizes[len(sizes) // 2] - 1, sizes[-1] - 1}
    for size in sorted(tried) if form == "report" else [sizes[len(sizes) // 2] - 1]:
        for out in (tmp_path / "new", tmp_path / "full"):
            before = contents(out)
            with disk_of(size), pytest.raises(ExportError) as caught:
                write(out)
            assert "\n" not in str(caught.value)
            assert contents(out) == before
            assert out.exists() == bool(before)
    assert [p.name for p in tmp_path.iterdir()] == ["full"]


def test_a_small_disk_that_is_really_full_is_one_line(ready: tuple[Any, Any, Any], tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(disk)]
    if shutil.which("mount") is None or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("no small disk can be made here")
    try:
        for form in ("report", "xpt", "parquet"):
            with pytest.raises(ExportError, match=r"No space left on device|cannot be written"):
                writers(ready, form)(disk / "out")
            assert not list(disk.iterdir())
    finally:
        subprocess.run(["umount", str(disk)], check=True)


@pytest.mark.parametrize(
    "verb", ["validate", "sdtm", *(pytest.param(v, marks=pytest.mark.slow) for v in ("adam", "export"))]
)
def test_a_place_where_nothing_can_be_written_ends_with_2_and_one_line(verb: str, tmp_path: Path) -> None:
    upload = tmp_path / "a.xlsx"
    write_xlsx(clean("palhep-a", sites=1, subjects=1, seed=3)[0], upload)
    option = "--report" if verb == "validate" else "--out"
    more = ("--no-expectations",) if verb == "validate" else ("--despite-errors", "a test")
    if not Path("/proc").is_dir():
        pytest.skip("needs a place that nobody can write")
    done = cdiscx(verb, upload, "--study", "palhep-a", "--quiet", *more, option, "/proc/cdiscx-out")
    assert "/proc/cdiscx-out" in done.complaint


def test_an_upload_that_vanishes_between_reading_and_writing_is_one_line_or_no_matter(
    ready: tuple[Any, Any, Any], tmp_path: Path
) -> None:
    path = tmp_path / "site-01.xlsx"
    write_xlsx(clean("palhep-a", sites=1, subjects=2, seed=3)[0], path)
    files = flow.read(path)
    report = flow.validate(flow.tidy(Study.load("palhep-a"), files), expectations=False)
    path.unlink()
    said = ""
    try:
        flow.write_reports(report, files, tmp_path / "report", Study.load("palhep-a"))
    except ExportError as error:
        said = str(error)
    made = (tmp_path / "report").exists()
    assert whole(tmp_path / "report", ".cdiscx-report") if made else "site-01.xlsx" in said
    with pytest.raises(UploadError, match=r"site-01\.xlsx was not found"):
        flow.read(path)


def test_an_upload_that_changes_between_reading_and_writing_is_not_passed_off_as_the_one_that_was_checked(
    tmp_path: Path,
) -> None:
    path = tmp_path / "site-01.xlsx"
    write_xlsx(clean("palhep-a", sites=1, subjects=2, seed=3)[0], path)
    files = flow.read(path)
    report = flow.validate(flow.tidy(Study.load("palhep-a"), files), expectations=False)
    write_xlsx(clean("palhep-a", sites=1, subjects=2, seed=4)[0], path)
    flow.write_reports(report, files, tmp_path / "report", Study.load("palhep-a"))
    assert whole(tmp_path / "report", ".cdiscx-report")
    page = (tmp_path / "report" / "report.html").read_text("utf-8")
    assert "the upload was changed or closed after it was read" in page
    copy = load_workbook(tmp_path / "report" / "annotated" / "site-01.xlsx")["Demographics"]
    as_read = next(s for s in files[0].sheets if s.sheet == "Demographics").text
    typed = [[c.value for c in row] for row in copy.iter_rows(min_row=2, max_col=4)]
    assert typed == [list(row[1:5]) for row in as_read.rows()[1:]]


def test_the_clock_is_read_in_one_place_only() -> None:
    """So that a wrong clock changes the day of the run, which every report states, and nothing else."""
    reads = re.compile(r"\b(?:date\.today|datetime\.now|datetime\.utcnow|time\.time|time\.localtime|time\.strftime)\(")
    found = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "cdiscx").rglob("*.py")
        if reads.search(path.read_text("utf-8"))
    }
    assert found == {"cdiscx/flow.py"}


@pytest.mark.parametrize("year", [1970, 2025, 2199])
def test_a_clock_that_is_wrong_by_years_makes_a_complete_report_that_states_its_day_and_says_more_not_less(
    year: int, tmp_path: Path
) -> None:
    path = tmp_path / "site-01.xlsx"
    write_xlsx(clean("palhep-a", sites=1, subjects=2, seed=3)[0], path)
    files, study, day = flow.read(path), Study.load("palhep-a"), date(year, 1, 1)
    report = flow.validate(flow.tidy(study, files, today=day), today=day, expectations=False)
    assert report.complete, [c.traceback for c in report.checks if c.traceback]
    assert report.run["day_of_run"] == day.isoformat()
    told = [f for f in report if f.check_id in ("DAT-001", "DAT-004") and f.severity.value == "error"]
    assert (len(told) > 90) == (year < 2026), (
        "with a clock that is behind nearly every date is told, with one ahead none"
    )


def test_a_ledger_written_by_a_clock_that_was_set_back_keeps_its_order_and_every_query(tmp_path: Path) -> None:
    path = tmp_path / "site-01.xlsx"
    upload = clean("palhep-a", sites=1, subjects=2, seed=3)[0]
    upload.sheets["Demographics"][0]["Sex"] = "unclear"
    write_xlsx(upload, path)
    data = flow.tidy(Study.load("palhep-a"), flow.read(path), today=date(2025, 7, 1))
    told = flow.validate(data, only=["TRM-001", "DAT-006"], expectations=False).to_dict()
    where = tmp_path / "queries.db"
    for n, when in enumerate(("2026-03-02T12:00:00Z", "1999-01-01T00:00:00Z", "2026-03-03T12:00:00Z")):
        told["run"]["uploads"][0]["sha256"] = f"{n}"
        standing = book.record(told, where, who="a", when=when).standings
        assert sum(standing.counts().values()) == 1, standing.counts()
    found, problems = book.verify(where)
    assert not problems
    assert [e.body["when"][:4] for e in found.entries if e.kind == "run"] == ["2026", "1999", "2026"]


@pytest.mark.skipif(sys.platform == "win32", reason="locales and zones of POSIX")
@pytest.mark.slow
def test_an_export_has_the_same_bytes_in_every_locale_zone_and_hash_order(tmp_path: Path) -> None:
    """Of a study that states the day its data were extracted: else the report states the day of the run, which zones have apart."""
    upload, study = tmp_path / "a.xlsx", tmp_path / "neopvtt-b.yaml"
    write_xlsx(clean("neopvtt-b", sites=1, subjects=2, seed=3)[0], upload)
    study.write_text("extract_date: 2025-07-01\n" + (ROOT / "specs" / "neopvtt-b.yaml").read_text("utf-8"), "utf-8")
    shutil.copytree(ROOT / "mappings" / "neopvtt-b", tmp_path / "mappings")
    made = []
    for n, around in enumerate(
        (
            {"LC_ALL": "C", "TZ": "Pacific/Kiritimati", "PYTHONHASHSEED": "1", "POLARS_MAX_THREADS": "1"},
            {"LC_ALL": "C.UTF-8", "TZ": "America/Adak", "PYTHONHASHSEED": "2", "POLARS_MAX_THREADS": "2"},
            {"LC_ALL": "zh_CN.UTF-8", "TZ": "Asia/Shanghai", "PYTHONHASHSEED": "3"},
        )
    ):
        out = tmp_path / str(n) / "out"
        words = ("--study", study, "--quiet", "--despite-errors", "a test", "--cutoff", "2024-06-30")
        done = cdiscx("export", upload, *words, "--out", out, env=around)
        assert done.status == 0, done.err
        made.append(contents(out))
    for other in made[1:]:
        assert [n for n in made[0] if made[0][n] != other.get(n)] == []
        assert set(other) == set(made[0])
