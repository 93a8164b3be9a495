"""A workbook read cell by cell, for the second reading of the protocols: no code of cdiscx, canonical headers only.

In: the path of a plainly written `.xlsx`, or rows in memory. Out: `Person`s: what one subject's rows say up to the
cut-off. Dates are `datetime.date`, partial dates stay text (`2024-12`, `2024`), numbers are exact fractions.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import openpyxl

Row = dict[str, Any]
Sheets = dict[str, list[Row]]

#: the date that decides whether a row lies after the cut-off
DATED = {
    "Visits": "Visit Date",
    "Dosing": "Start Date",
    "Procedures": "Start Date",
    "Pathology": "Specimen Date",
    "Target Lesions": "Assessment Date",
    "Non-target Lesions": "Assessment Date",
    "New Lesions": "Assessment Date",
    "Response": "Assessment Date",
    "Decision": "Decision Date",
    "Adverse Events": "Start Date",
    "Disposition": "Date",
    "Labs": "Sample Date",
}


def plain(value: Any) -> Any:
    """A cell's value: datetimes are days, blank text is nothing."""
    if isinstance(value, dt.datetime):
        return value.date()
    if isinstance(value, str):
        value = value.strip()
        return value or None
    return value


def read_workbook(path: Path) -> Sheets:
    """Sheet name -> rows by header; the header row is the one that begins with `Subject ID`."""
    book = openpyxl.load_workbook(path, read_only=True, data_only=True)
    out: Sheets = {}
    for sheet in book.worksheets:
        header: list[Any] = []
        rows: list[Row] = []
        for cells in sheet.iter_rows(values_only=True):
            values = [plain(cell) for cell in cells]
            if header and any(v is not None for v in values):
                rows.append(dict(zip(header, values, strict=False)))
            elif not header and values and values[0] == "Subject ID":
                header = values
        if header:
            out[sheet.title] = rows
    book.close()
    return out


def day(value: Any) -> dt.date | None:
    """A complete date."""
    return value if isinstance(value, dt.date) else None


def year_month(value: Any) -> tuple[int, int | None] | None:
    """Year and month (None: not known) of a partial date; None for complete and for missing ones."""
    if not isinstance(value, str):
        return None
    year, _, month = value.partition("-")
    return int(year), int(month) if month else None


def number(value: Any) -> Fraction | None:
    """An exact number."""
    return None if value is None else Fraction(str(value))


def said(row: Row, header: str) -> str:
    """Upper-case text of a cell, empty where it is blank."""
    value = row.get(header)
    return "" if value is None else str(value).upper()


def yes(row: Row, header: str) -> bool:
    """Whether a yes/no cell says yes."""
    return said(row, header) in ("Y", "YES", "1")


@dataclass
class Person:
    """One subject's rows up to the cut-off."""

    name: str
    study_b: bool
    cutoff: dt.date
    sheets: Sheets = field(default_factory=dict)

    def rows(self, sheet: str) -> list[Row]:
        """Rows of a sheet that are not after the cut-off (a row without a complete date is kept)."""
        header = DATED.get(sheet)
        found = self.sheets.get(sheet, [])
        return [r for r in found if header is None or not (d := day(r.get(header))) or d <= self.cutoff]

    @property
    def demographics(self) -> Row:
        """The subject's row of Demographics."""
        return self.sheets["Demographics"][0]


def latest_day(sheets: Sheets) -> dt.date:
    """Cut-off where none is stated: the latest date of visits, doses, scans and contacts."""
    headers = {
        "Visits": ["Visit Date"],
        "Dosing": ["Start Date", "End Date"],
        "Procedures": ["Start Date"],
        "Target Lesions": ["Assessment Date"],
        "Non-target Lesions": ["Assessment Date"],
        "New Lesions": ["Assessment Date"],
        "Survival": ["Contact Date"],
    }
    return max(d for sheet, names in headers.items() for r in sheets[sheet] for n in names if (d := day(r.get(n))))


def people(sheets: Sheets, *, study_b: bool, cutoff: dt.date | None = None) -> list[Person]:
    """Every subject of the workbook, in the order of Demographics."""
    last = cutoff or latest_day(sheets)
    out = {r["Subject ID"]: Person(r["Subject ID"], study_b, last) for r in sheets["Demographics"]}
    for sheet, rows in sheets.items():
        for row in rows:
            if row["Subject ID"] in out:
                out[row["Subject ID"]].sheets.setdefault(sheet, []).append(row)
    return list(out.values())
