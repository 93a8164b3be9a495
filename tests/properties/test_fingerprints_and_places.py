"""A defect keeps its fingerprint wherever its row moves, and its place is the cell where it stands."""

from __future__ import annotations

import csv
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from random import Random

import pytest
from grids import Grid, write
from judging_kit import CUTOFF, STUDIES, TODAY, judged, statuses
from openpyxl import load_workbook

from cdiscx import flow
from cdiscx.model.finding import Finding, Report
from cdiscx.model.spec import Study

#: check of what a sheet looks like, not of what a record says
LOOKS = {"STR-002", "STR-008"}


def shuffled_rows(study: str, grid: Grid) -> Grid:
    rng = Random("rows")
    return {name: [rows[0], *rng.sample(rows[1:], len(rows) - 1)] for name, rows in grid.items()}


def moved_columns(study: str, grid: Grid) -> Grid:
    out = {}
    for name, rows in grid.items():
        order = Random(f"columns {name}").sample(range(len(rows[0])), len(rows[0]))
        out[name] = [[None, *(row[i] for i in order)] for row in rows]
    return out


def banners_and_gaps(study: str, grid: Grid) -> Grid:
    out = {}
    for name, rows in grid.items():
        gaps = [cells for row in rows[1:] for cells in (([], row) if Random(str(row)).random() < 0.1 else (row,))]
        out[name] = [
            ["Study export 2025"],
            [],
            ["Site: north", None, "printed by A. N. Other"],
            rows[0],
            *gaps,
            [],
            ["End of data"],
        ]
    return out


def other_names(study: str, grid: Grid) -> Grid:
    out = {}
    for name, sheet in Study.load(study).sheets.items():
        heads = [next(iter(sheet.columns[str(h)].synonyms), str(h)) for h in grid[name][0]]
        out[next(iter(sheet.synonyms), name)] = [heads, *grid[name][1:]]
    assert any(name not in grid for name in out)
    return out


def more_subjects(study: str, grid: Grid) -> Grid:
    """Every second subject once more under another number, above the first."""
    out = {}
    for name, rows in grid.items():
        again = [[f"8{row[0]}", *row[1:]] for row in rows[1:] if str(row[0]).isdigit() and int(str(row[0])) % 2]
        out[name] = [rows[0], *again, *rows[1:]]
    return out


def marks(report: Report) -> dict[str, Finding]:
    statuses(report)
    return {f.fingerprint: f for f in report if f.check_id not in LOOKS}


@pytest.mark.parametrize("study", STUDIES)
@pytest.mark.parametrize("change", [shuffled_rows, moved_columns, banners_and_gaps, other_names])
def test_a_workbook_rearranged_has_the_same_fingerprints(
    study: str, change: Callable[[str, Grid], Grid], messy: dict[str, Grid], messy_report: dict[str, Report]
) -> None:
    before, after = marks(messy_report[study]), marks(judged(study, change(study, messy[study])))
    assert len(before) > 50
    if change is shuffled_rows:  # of a visit that stands twice the first row counts: here the order is a statement
        before, after = ({k: f for k, f in found.items() if f.check_id != "VIS-003"} for found in (before, after))
    gone = [f"{before[k].check_id} {before[k].message}" for k in before.keys() - after.keys()]
    come = [f"{after[k].check_id} {after[k].message}" for k in after.keys() - before.keys()]
    assert (gone, come) == ([], [])


def test_rows_of_other_subjects_change_no_fingerprint(messy: dict[str, Grid], messy_report: dict[str, Report]) -> None:
    before = marks(messy_report["palhep-a"])
    after = marks(judged("palhep-a", more_subjects("palhep-a", messy["palhep-a"])))
    gone = [f"{before[k].check_id} {before[k].message}" for k in before.keys() - after.keys()]
    assert not gone
    assert len(after) > len(before)


def test_a_corrected_cell_takes_its_own_finding_along_and_no_other(
    messy: dict[str, Grid], messy_report: dict[str, Report]
) -> None:
    before = marks(messy_report["palhep-a"])
    target = next(f for f in before.values() if f.check_id == "TRM-001" and f.column == "Ongoing")
    grid = {name: [list(row) for row in rows] for name, rows in messy["palhep-a"].items()}
    assert target.sheet
    assert target.row
    rows = grid[target.sheet]
    rows[target.row - 1][rows[0].index(target.column)] = "N"
    after = marks(judged("palhep-a", grid))
    assert target.fingerprint not in after
    others = {k for k, f in before.items() if f.subject != target.subject}
    assert others <= after.keys()


def as_typed(value: object) -> str | None:
    """A cell's value as a finding shows it."""
    if isinstance(value, datetime):
        return value.date().isoformat()
    if isinstance(value, float):
        return repr(value).removesuffix(".0")
    return None if value is None or not str(value).strip() else str(value)


def same_cells(path_of: dict[str, Path], report: Report) -> int:
    """Every finding and related cell against the workbook as another library reads it; how many cells were compared."""
    books = {name: load_workbook(path) for name, path in path_of.items()}
    seen = 0
    for finding in report:
        for place in (finding, *finding.related):
            if place.file is None or place.sheet is None:
                continue
            sheet = books[place.file][place.sheet] if place.sheet in books[place.file].sheetnames else None
            if place.cell is None or sheet is None:
                assert place.row is None or sheet is not None
                continue
            cell = sheet[place.cell]
            assert cell.row == place.row, finding
            assert (as_typed(cell.value) or "").strip() == (place.value or "").strip(), finding
            seen += 1
    return seen


@pytest.mark.parametrize("study", STUDIES)
def test_places_are_those_of_the_files_with_banners_moved_columns_hidden_rows_and_several_uploads(
    study: str, tmp_path: Path, messy: dict[str, Grid], sound: dict[str, Grid]
) -> None:
    north = banners_and_gaps(study, moved_columns(study, messy[study]))
    south = {name: [rows[0], *([f"7{row[0]}", *row[1:]] for row in rows[1:])] for name, rows in messy[study].items()}
    paths = {
        "north site.xlsx": write(north, tmp_path / "north site.xlsx"),
        "south.xlsx": write(south, tmp_path / "south.xlsx"),
    }
    book = load_workbook(paths["south.xlsx"])
    for sheet in book.worksheets:
        for row in range(3, 9):
            sheet.row_dimensions[row].hidden = True
        sheet.column_dimensions["B"].hidden = True
    book.save(paths["south.xlsx"])
    plan = Study.load(study)
    data = flow.tidy(plan, flow.read(*paths.values()), today=TODAY)
    report = flow.validate(data, cutoff=CUTOFF, today=TODAY, expectations=False)
    statuses(report)
    assert {f.file for f in report} >= set(paths)
    assert same_cells(paths, report) > 100
    headers = {name: set(sheet.columns) for name, sheet in plan.sheets.items()}
    for finding in report:
        if finding.column and finding.check_id not in LOOKS:
            assert finding.column in headers[finding.sheet or ""], finding
    # a finding of a subject stands in a row of that subject
    for finding in report:
        if finding.subject and finding.row and finding.check_id != "STR-003":
            rows = (north if finding.file == "north site.xlsx" else south)[finding.sheet or ""]
            assert finding.subject in [str(v) for v in rows[finding.row - 1]], finding


def test_a_folder_of_comma_tables_has_the_fingerprints_of_the_workbook(
    tmp_path: Path, messy: dict[str, Grid], messy_report: dict[str, Report]
) -> None:
    for name, rows in messy["palhep-a"].items():
        with (tmp_path / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([[v.isoformat() if isinstance(v, date) else v for v in row] for row in rows])
    data = flow.tidy(Study.load("palhep-a"), flow.read(tmp_path), today=TODAY)
    after = marks(flow.validate(data, cutoff=CUTOFF, today=TODAY, expectations=False))
    before = marks(messy_report["palhep-a"])
    assert after.keys() == before.keys()
    rows = {k: (f.sheet, f.row, f.column) for k, f in before.items()}
    assert rows == {k: (f.sheet, f.row, f.column) for k, f in after.items()}
