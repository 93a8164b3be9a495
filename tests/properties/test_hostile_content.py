"""Cells that try something: every run ends with a report, soon, and what was typed stays what it is: text."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from grids import Grid, copy_of, with_cells, write
from judging_kit import CUTOFF, TODAY, judged, statuses
from openpyxl import load_workbook

from cdiscx import flow
from cdiscx.model.finding import Report
from cdiscx.model.spec import Study

SECONDS = 20.0


def put(grid: Grid, sheet: str, header: str, row: int, value: object) -> None:
    """One cell changed in place; `row` counts data rows from 0."""
    grid[sheet][row + 1][grid[sheet][0].index(header)] = value


def through_a_file(grid: Grid, folder: Path, report: bool = False) -> Report:
    """The grid written, read, checked and rendered in every format, within the time."""
    path = write(grid, folder / "site.xlsx")
    plan = Study.load("palhep-a")
    start = time.process_time()
    files = flow.read(path)
    data = flow.tidy(plan, files, today=TODAY)
    found = flow.validate(data, cutoff=CUTOFF, today=TODAY, expectations=False)
    if report:
        flow.write_reports(found, files, folder / "report", plan)
    for form in ("text", "json", "jsonl", "junit", "sarif"):
        text = flow.rendered(found, form)
        assert "\x1b" not in text
        text.encode("utf-8")
    assert time.process_time() - start < SECONDS
    statuses(found)
    return found


NASTY = [
    "=HYPERLINK(\"http://example.org\",\"x\")", "+1+1", "@SUM(A1)", "-2+3", "<script>alert(1)</script>", "<img src=x onerror=alert(2)>",
    "]]>&amp;<!--", "\u202eevil\u202c", "\u200fRTL", "\u200bzero\ufeffwidth", "a\x07b", "tab\tnew\nline", "'quoted'", "{SUBJID}",
    "{0}%s%d", "\\n\\u0000", "𝟛𝟚 mm", "Ａ", "null", "NaN", "TRUE", "x" * 32767,
]  # fmt: skip


def test_formulas_markup_marks_and_very_long_cells_stay_text(tmp_path: Path, sound: dict[str, Grid]) -> None:
    grid = copy_of(sound["palhep-a"])
    for n, word in enumerate(NASTY):
        word = "".join(c for c in word if c not in "\x07") if "\x07" in word else word
        put(grid, "Adverse Events", "Term", n, word)
        put(grid, "Adverse Events", "Outcome", n, word)
        put(grid, "Visits", "Visit", n, word)
        put(grid, "Labs", "Result", n, word)
        put(grid, "Target Lesions", "Lesion ID", n, word)
        put(grid, "Visits", "Visit Date", 30 + n, word)
    found = through_a_file(grid, tmp_path, report=True)
    outcomes = [f for f in found if f.check_id == "TRM-001" and f.column == "Outcome"]
    assert {f.value for f in outcomes} >= {"<script>alert(1)</script>", "{SUBJID}", "x" * 32767}
    assert all(len(f.message) < 2000 for f in found), max(found, key=lambda f: len(f.message)).check_id
    page = (tmp_path / "report" / "report.html").read_text(encoding="utf-8")
    assert "<script>alert(1)" not in page
    assert "<img src=x" not in page
    for name in ("queries.xlsx", "annotated/site.xlsx"):
        book = load_workbook(tmp_path / "report" / name)
        formulas = [c.value for sheet in book for row in sheet.iter_rows() for c in row if c.data_type == "f"]
        assert not [f for f in formulas if "SUM(A1)" in str(f) or "1+1" in str(f) or "example.org" in str(f)], name


def wide(grid: Grid) -> Grid:
    rows = grid["Labs"]
    return {**grid, "Labs": [[*row, *[None] * 3000, "far away" if i else "Stray"] for i, row in enumerate(rows)]}


def many_sheets(grid: Grid) -> Grid:
    return {**grid, **{f"Sheet{n}": [["a", "b"], [1, 2]] for n in range(190)}}


def no_rows(grid: Grid) -> Grid:
    return {name: rows[:1] for name, rows in grid.items()}


def nothing_at_all(grid: Grid) -> Grid:
    return {name: [] for name in grid}


def header_twice(grid: Grid) -> Grid:
    return {name: [*rows[:5], rows[0], *rows[5:]] for name, rows in grid.items()}


def two_columns_of_one_name(grid: Grid) -> Grid:
    return {**grid, "Visits": [[*row, row[2]] for row in grid["Visits"]]}


def all_unknown(grid: Grid) -> Grid:
    return {
        name: rows if name == "Demographics" else [rows[0], *([f"X-{row[0]}", *row[1:]] for row in rows[1:])]
        for name, rows in grid.items()
    }


def no_subject(grid: Grid) -> Grid:
    return {name: [rows[0], *([None, *row[1:]] for row in rows[1:])] for name, rows in grid.items()}


def three_thousand_repeats(grid: Grid) -> Grid:
    rows = grid["Labs"]
    return {**grid, "Labs": [*rows, *[rows[1]] * 3000]}


def far_dates(grid: Grid) -> Grid:
    out = copy_of(grid)
    for n, day in enumerate(
        (
            date(9999, 12, 31),
            "0001-01-01",
            "9999-12-31",
            "31DEC0000",
            "2024-02-30",
            "99999999",
            "2024-13-45",
            date(1900, 1, 1),
        )
    ):
        put(out, "Visits", "Visit Date", n, day)
        put(out, "Survival", "Death Date", n, day)
        put(out, "Dosing", "Start Date", n, day)
        put(out, "Demographics", "Birth Date", n, day)
    return out


def far_numbers(grid: Grid) -> Grid:
    out = copy_of(grid)
    for n, number in enumerate((1e308, -1e308, 5e-324, -0.0, "NaN", "inf", "-Infinity", "1e400", "1" * 400, "٣٢", "½")):
        put(out, "Target Lesions", "Diameter", n, number)
        put(out, "Dosing", "Dose", n, number)
        put(out, "Labs", "Result", n, number)
        put(out, "Demographics", "Weight", n, number)
        put(out, "Response", "Sum of Diameters", n, number)
    return out


def odd_sheet_names(grid: Grid) -> Grid:
    out = {
        (" visits " if name == "Visits" else "1. Labs" if name == "Labs" else name): rows for name, rows in grid.items()
    }
    return {**out, 'it\'s "odd" & <b>': [["x"]], "数据字典": [["变量"]], "=1+1": [["a"]]}


def one_huge_text_column(grid: Grid) -> Grid:
    return with_cells(grid, "Visits", "Reason Not Done", lambda i, _: "y" * 20000)


CASES: dict[str, tuple[Callable[[Grid], Grid], set[str]]] = {
    "three thousand empty columns": (wide, set()),
    "two hundred sheets": (many_sheets, set()),
    "a heading twice": (two_columns_of_one_name, {"STR-002"}),
    "a header row again inside": (header_twice, set()),
    "all subjects unknown": (all_unknown, {"STR-004"}),
    "no subject anywhere": (no_subject, {"STR-003"}),
    "three thousand repeats": (three_thousand_repeats, {"STR-006"}),
    "dates at the ends of time": (far_dates, {"DAT-001"}),
    "numbers at the ends of number": (far_numbers, {"STR-009"}),
    "odd names of sheets": (odd_sheet_names, set()),
    "a column of long texts": (one_huge_text_column, set()),
}


@pytest.mark.parametrize("case", CASES)
def test_hostile_workbooks_end_in_a_report_within_the_time(case: str, tmp_path: Path, sound: dict[str, Grid]) -> None:
    change, expected = CASES[case]
    found = through_a_file(change(sound["palhep-a"]), tmp_path)
    above = {f.check_id for f in found if f.severity.rank > 0}
    assert above >= expected
    if not expected:
        assert not above, [f.message for f in found if f.severity.rank > 0]


@pytest.mark.parametrize("change", [no_rows, nothing_at_all])
def test_without_a_single_row_nothing_passes(
    change: Callable[[Grid], Grid], tmp_path: Path, sound: dict[str, Grid]
) -> None:
    found = through_a_file(change(sound["palhep-a"]), tmp_path)
    assert not found.checked
    assert not found.ok()
    assert "passed" not in statuses(found).values()


def test_repeats_are_told_by_group_and_not_row_by_row(tmp_path: Path, sound: dict[str, Grid]) -> None:
    found = through_a_file(three_thousand_repeats(sound["palhep-a"]), tmp_path)
    assert len([f for f in found if f.check_id == "STR-006"]) == 1


def test_a_header_row_inside_the_table_is_passed_over_with_a_note(sound: dict[str, Grid]) -> None:
    found = judged("palhep-a", header_twice(sound["palhep-a"]))
    assert not [f.message for f in found if f.severity.rank > 0]
    assert any("'Labs'" in note and "repeat the headings" in note and "6" in note for note in found.notes)


def test_rows_without_a_subject_are_told_each_in_its_sheet(sound: dict[str, Grid]) -> None:
    found = judged("palhep-a", no_subject(sound["palhep-a"]))
    told = {f.sheet for f in found if f.check_id == "STR-003"}
    assert told == {name for name, rows in sound["palhep-a"].items() if len(rows) > 1}
