"""Workbooks as plain grids (sheet -> rows of cells, the header first), to be bent in ways that no sample style knows.

A grid is written as a real workbook, or handed over in memory as reading it would give it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path

import polars as pl
from xlsxwriter.workbook import Workbook

from cdiscx.model.table import BLANK, DATE, NUMBER, TEXT, RawSheet, UploadFile, letter
from cdiscx.samples import SampleUpload

Cells = list[list[object]]
Grid = dict[str, Cells]


def grid_of(upload: SampleUpload) -> Grid:
    """One grid a sheet: the canonical headers, then the rows."""
    return {
        name: [list(rows[0]), *([row[h] for h in rows[0]] for row in rows)] if rows else []
        for name, rows in upload.sheets.items()
    }


def copy_of(grid: Grid) -> Grid:
    """A grid that may be changed without changing the other."""
    return {name: [list(row) for row in rows] for name, rows in grid.items()}


def without_column(grid: Grid, sheet: str, header: str) -> Grid:
    """The grid without one column."""
    at = grid[sheet][0].index(header)
    return {**grid, sheet: [row[:at] + row[at + 1 :] for row in grid[sheet]]}


def without_sheet(grid: Grid, sheet: str) -> Grid:
    """The grid without one sheet."""
    return {name: rows for name, rows in grid.items() if name != sheet}


def with_cells(grid: Grid, sheet: str, header: str, change: Callable[[int, object], object]) -> Grid:
    """The grid with `change(row index from 0, value)` applied to the data cells of one column."""
    at = grid[sheet][0].index(header)
    rows = [[*row[:at], change(i, row[at]), *row[at + 1 :]] for i, row in enumerate(grid[sheet][1:])]
    return {**grid, sheet: [grid[sheet][0], *rows]}


def write(grid: Grid, path: Path) -> Path:
    """The grid as a workbook: dates as dates, text as text, whatever it looks like."""
    path.parent.mkdir(parents=True, exist_ok=True)
    book = Workbook(str(path), {"strings_to_numbers": False, "strings_to_formulas": False, "strings_to_urls": False})
    book.set_properties({"created": datetime(2025, 7, 1)})
    day = book.add_format({"num_format": "yyyy-mm-dd"})
    for name, rows in grid.items():
        page = book.add_worksheet(name)
        for r, row in enumerate(rows):
            for c, value in enumerate(row):
                if isinstance(value, date):
                    page.write_datetime(r, c, datetime(value.year, value.month, value.day), day)
                elif isinstance(value, int | float):
                    page.write_number(r, c, value)
                elif value is not None:
                    page.write_string(r, c, str(value))
    book.close()
    return path


def in_memory(grid: Grid, name: str = "site.xlsx") -> UploadFile:
    """The grid as reading a workbook of it would give it."""
    sheets = tuple(_raw(name, sheet, rows) for sheet, rows in grid.items())
    return UploadFile(name, hashlib.sha256(repr(grid).encode()).hexdigest(), 1, sheets)


def _raw(file: str, sheet: str, rows: Cells) -> RawSheet:
    letters = [letter(i) for i in range(max((len(row) for row in rows), default=0))]
    used = [
        (i + 1, row + [None] * (len(letters) - len(row)))
        for i, row in enumerate(rows)
        if any(c is not None for c in row)
    ]
    numbers = pl.Series("_row", [i for i, _ in used], dtype=pl.UInt32)
    columns = list(zip(*(row for _, row in used), strict=True)) or [()] * len(letters)
    text = [
        pl.Series(n, [_text(v) for v in values], dtype=pl.String) for n, values in zip(letters, columns, strict=True)
    ]
    kinds = [
        pl.Series(n, [_kind(v) for v in values], dtype=pl.UInt8) for n, values in zip(letters, columns, strict=True)
    ]
    return RawSheet(file, sheet, pl.DataFrame([numbers, *text]), pl.DataFrame([numbers, *kinds]))


def _text(value: object) -> str | None:
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, float):
        return repr(value).removesuffix(".0")
    return None if value is None else str(value)


def _kind(value: object) -> int:
    if value is None:
        return BLANK
    return DATE if isinstance(value, date) else NUMBER if isinstance(value, int | float) else TEXT
