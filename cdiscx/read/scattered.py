"""A sheet whose few cells lie far apart in, its cells out, one by one: laying out its grid would fill the machine."""

from __future__ import annotations

import io
import warnings
import zipfile
from datetime import date, datetime, time, timedelta
from typing import Any

from cdiscx.model.errors import UploadError
from cdiscx.model.table import BOOL, DATE, ERROR, NO_CACHE, NUMBER, TEXT, TIME
from cdiscx.read.cells import Patches, duration_text, number_text
from cdiscx.read.details import Details, too_many_cells
from cdiscx.read.given import Given

#: a full parser holds about half a kilobyte a cell
_MOST = 500_000


def cells_of(given: Given, sheet: str, details: Details) -> tuple[Patches, list[tuple[int, int, int, int]]]:
    """Cells and merged ranges of one .xlsx sheet, read cell by cell; `details.patches` win.

    Raises UploadError for more cells than can be held that way.
    """
    if details.cells > _MOST:
        raise UploadError(
            f"{given.name}: the cells of sheet {sheet!r} lie too far apart to be read; delete the empty rows and "
            "columns around the table and upload again"
        )
    try:
        # openpyxl warns of what it does not keep (validations, drawings); nothing of that is read here
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found, merged = _load(given, sheet)
    # what openpyxl raises on parts it cannot understand
    except (
        KeyError,
        ValueError,
        TypeError,
        IndexError,
        AttributeError,
        SyntaxError,
        zipfile.BadZipFile,
    ) as error:
        raise UploadError(
            f"{given.name} is damaged (sheet {sheet!r}); open it, save it again and upload the new file"
        ) from error
    found.update(details.patches)
    rows, columns = {row for row, _ in found}, {column for _, column in found}
    if found and len(rows) * (max(columns) + 1) > given.limits.cells:
        raise too_many_cells(given.name, given.limits)
    return found, merged


def _load(given: Given, sheet: str) -> tuple[Patches, list[tuple[int, int, int, int]]]:
    import openpyxl

    found: Patches = {}
    values = openpyxl.load_workbook(io.BytesIO(given.data), data_only=True)[sheet]
    formulas = openpyxl.load_workbook(io.BytesIO(given.data))[sheet]
    for (row, column), cell in values._cells.items():
        made = typed(cell.value, cell.data_type)
        if made is not None:
            found[row - 1, column - 1] = made
    for (row, column), cell in formulas._cells.items():
        if cell.data_type == "f" and (row - 1, column - 1) not in found:
            text = cell.value if isinstance(cell.value, str) else getattr(cell.value, "text", None) or "="
            found[row - 1, column - 1] = (text, NO_CACHE)
    merged = [(area.min_row, area.min_col, area.max_row, area.max_col) for area in values.merged_cells.ranges]
    return found, merged


def typed(value: Any, data_type: str = "") -> tuple[str, int] | None:
    """One typed value -> its text and kind; None for a blank cell."""
    if value is None or value == "":
        return None
    if data_type == "e":
        return str(value), ERROR
    if isinstance(value, bool):
        return ("TRUE" if value else "FALSE"), BOOL
    if isinstance(value, int | float):
        return number_text(float(value)), NUMBER
    if isinstance(value, datetime):
        stamp = (value + timedelta(microseconds=500)).replace(microsecond=0)
        return (stamp.date().isoformat() if stamp.time() == time(0) else stamp.isoformat()), DATE
    if isinstance(value, date):
        return value.isoformat(), DATE
    if isinstance(value, time):
        return value.strftime("%H:%M:%S"), TIME
    if isinstance(value, timedelta):
        return duration_text(value), TIME
    return str(value), TEXT
