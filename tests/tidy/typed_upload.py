"""Grids as typed -> UploadFile, for tests: what a reader would make of a workbook that holds these cells."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from cdiscx.model.spec import Study
from cdiscx.model.table import BLANK, BOOL, DATE, ERROR, NO_CACHE, NUMBER, TEXT, TIME, RawSheet, UploadFile, letter


def cell(value: Any) -> tuple[str | None, int]:
    """Text and kind of one cell; `{error: '#N/A'}` and `{formula: '=A1'}` are broken ones."""
    if value is None:
        return None, BLANK
    if isinstance(value, Mapping):
        return (str(value["error"]), ERROR) if "error" in value else (str(value["formula"]), NO_CACHE)
    if isinstance(value, bool):
        return str(value).upper(), BOOL
    if isinstance(value, dt.time):
        return value.isoformat(), TIME
    if isinstance(value, dt.date):
        return value.isoformat(), DATE
    if isinstance(value, int | float):
        return f"{value!r}".removesuffix(".0"), NUMBER
    return str(value), TEXT


def raw_sheet(
    name: str, grid: Sequence[Sequence[Any]], *, file: str = "site.xlsx", merged: Sequence[str] = (), **more: Any
) -> RawSheet:
    """One sheet; the grid's first row is spreadsheet row 1, and rows that hold nothing are left out."""
    width = max((len(row) for row in grid), default=0)
    letters = [letter(i) for i in range(width)]
    full = [[cell(v) for v in row] + [(None, BLANK)] * (width - len(row)) for row in grid]
    used = [i for i, row in enumerate(full) if any(text is not None for text, _ in row)]
    text = {at: pl.Series([full[i][j][0] for i in used], dtype=pl.String) for j, at in enumerate(letters)}
    kinds = {at: pl.Series([full[i][j][1] for i in used], dtype=pl.UInt8) for j, at in enumerate(letters)}
    rows = pl.Series([i + 1 for i in used], dtype=pl.UInt32)
    return RawSheet(
        file, name, pl.DataFrame({"_row": rows, **text}), pl.DataFrame(kinds), tuple(_range(m) for m in merged), **more
    )


def _range(text: str) -> tuple[int, int, int, int]:
    found = re.fullmatch(r"([A-Z])(\d+):([A-Z])(\d+)", text)
    assert found, text
    return int(found[2]), ord(found[1]) - 64, int(found[4]), ord(found[3]) - 64


def upload(
    sheets: Mapping[str, Sequence[Sequence[Any]]],
    *,
    study: Study | None = None,
    absent: Sequence[str] = (),
    merged: Mapping[str, Sequence[str]] | None = None,
    name: str = "site.xlsx",
    date_system: int = 1900,
) -> UploadFile:
    """An upload of these sheets; with `study`, its other sheets are there with their headings alone, but for `absent`."""
    from cdiscx.tidy.books import sheet_index, sheet_key

    made = [raw_sheet(s, grid, file=name, merged=(merged or {}).get(s, ())) for s, grid in sheets.items()]
    if study:
        index = sheet_index(study)
        have = {index.get(sheet_key(s)) for s in sheets}
        for title, sheet in study.sheets.items():
            if title not in have and sheet.holds not in absent:
                made.append(raw_sheet(title, [list(sheet.columns)], file=name))
    return UploadFile(name, "", 0, tuple(made), date_system=date_system)
