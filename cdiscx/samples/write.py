"""Sample uploads as files: workbooks and CSV folders or archives, byte for byte the same every time.

In: a `SampleUpload`, a path, a `Style`. Out: the file or folder at that path.
"""

from __future__ import annotations

import csv
import io
import zipfile
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from xlsxwriter.format import Format
from xlsxwriter.workbook import Workbook
from xlsxwriter.worksheet import Worksheet

from cdiscx.samples.cells import Cell
from cdiscx.samples.layout import SampleUpload
from cdiscx.samples.pages import Page, layout
from cdiscx.samples.style import PLAIN, Style

CREATED = datetime(2025, 7, 1, 8, 0, 0)
ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "gb18030")


@dataclass(frozen=True, slots=True)
class Landing:
    """Where a sheet's records landed, as Excel counts rows (from 1): `rows` in the upload's order."""

    header: int
    rows: tuple[int, ...]
    columns: dict[str, int]  # canonical header -> column, counted from 1


def write_xlsx(upload: SampleUpload, path: Path, *, style: Style = PLAIN) -> dict[str, Landing]:
    """Write the upload as one workbook and say where its records landed, sheet by sheet.

    The same upload and style give the same bytes.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    book = Workbook(str(path), {"date_1904": style.epoch_1904, "strings_to_numbers": False})
    try:
        book.set_properties({"created": CREATED, "title": f"{upload.study} site {upload.site}"})
        formats: dict[str, Format] = {}
        pages = layout(upload, style)
        for page in pages:
            _sheet(book, page, formats)
    finally:
        book.close()
    return {p.name: _landing(p) for p in pages if p.columns}


def _landing(page: Page) -> Landing:
    columns = {header: number + 1 for header, number in page.columns.items()}
    return Landing(page.header + 1, tuple(n + 1 for n in page.records), columns)


def _format(book: Workbook, formats: dict[str, Format], key: str) -> Format:
    if key not in formats:
        formats[key] = book.add_format({"num_format": key} if key != "bold" else {"bold": True, "text_wrap": True})
    return formats[key]


def _sheet(book: Workbook, page: Page, formats: dict[str, Format]) -> None:
    """Write one page; text is always written as text, so that nothing becomes a formula."""
    sheet: Worksheet = book.add_worksheet(page.name)
    merged = {(row, first): last for row, first, last in page.merges}
    for r, line in enumerate(page.rows):
        for c, cell in enumerate(line):
            value = cell.value
            if value is None:
                continue
            if (r, c) in merged:
                sheet.merge_range(r, c, r, merged[r, c], str(value), _format(book, formats, "bold"))
            elif isinstance(value, str):
                _text(sheet, r, c, value, cell)
            elif isinstance(value, date):
                noon = datetime(value.year, value.month, value.day)
                sheet.write_datetime(r, c, noon, _format(book, formats, cell.number_format or "yyyy-mm-dd"))
            elif cell.formula:
                sheet.write_formula(r, c, f"=ROUND({value},2)", None, value)
            elif cell.number_format:
                sheet.write_number(r, c, value, _format(book, formats, cell.number_format))
            else:
                sheet.write_number(r, c, value)
    for row in sorted(page.hidden_rows):
        sheet.set_row(row, None, None, {"hidden": True})
    for column in sorted(page.hidden_columns):
        sheet.set_column(column, column, None, None, {"hidden": True})
    if page.hidden:
        sheet.hide()


def _text(sheet: Worksheet, r: int, c: int, value: str, cell: Cell) -> None:
    """Text as text; an error as the error cell that a broken formula leaves; a formula never calculated."""
    if cell.formula:
        sheet.write_formula(r, c, "=NA()" if value.startswith("#") else "=SUM(A1,B1)", None, value)
    else:
        sheet.write_string(r, c, value)


def _csv_text(page: Page) -> str:
    """One page as CSV text; CSV knows no merged cells and nothing hidden."""
    out = io.StringIO()
    width = max((len(line) for line in page.rows), default=0)
    writer = csv.writer(out, lineterminator="\r\n")
    for line in page.rows:
        writer.writerow([*(cell.text() for cell in line), *[""] * (width - len(line))])
    return out.getvalue()


def _csv_pages(upload: SampleUpload, style: Style, encoding: str) -> list[tuple[str, bytes]]:
    if encoding not in ENCODINGS:
        raise ValueError(f"encoding {encoding!r} is none of {', '.join(ENCODINGS)}")
    return [(f"{p.name}.csv", _csv_text(p).encode(encoding)) for p in layout(upload, style) if not p.hidden]


def write_csv_folder(upload: SampleUpload, folder: Path, *, style: Style = PLAIN, encoding: str = "utf-8") -> None:
    """Write the upload as a folder of CSV files named like the sheets; ValueError for another encoding."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in _csv_pages(upload, style, encoding):
        (folder / name).write_bytes(content)


def write_csv_zip(upload: SampleUpload, path: Path, *, style: Style = PLAIN, encoding: str = "utf-8") -> None:
    """Write the upload as a ZIP archive of CSV files; ValueError for another encoding."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in _csv_pages(upload, style, encoding):
            archive.writestr(zipfile.ZipInfo(name, CREATED.timetuple()[:6]), content, zipfile.ZIP_DEFLATED)
