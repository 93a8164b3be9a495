"""An .xls or .xlsb workbook in, its sheets out. Error cells are found by a second reader, which names them."""

from __future__ import annotations

import io
import re
import warnings

import fastexcel
import python_calamine

from cdiscx.model.table import ERROR, RawSheet
from cdiscx.read.archive import open_archive
from cdiscx.read.biff import facts_of_xls
from cdiscx.read.cells import Patches, frames
from cdiscx.read.given import Found, Given, SheetFacts, raw_sheet
from cdiscx.read.probe import probe
from cdiscx.read.records import facts_of_xlsb
from cdiscx.read.workbook import check_parts, merged_ranges, parser_errors
from cdiscx.registry import reader

#: how the second reader spells an error, and how a spreadsheet does
_TOKENS = {
    "NA": "#N/A",
    "Ref": "#REF!",
    "Value": "#VALUE!",
    "Div0": "#DIV/0!",
    "Name": "#NAME?",
    "Null": "#NULL!",
    "Num": "#NUM!",
    "GettingData": "#GETTING_DATA",
}
_ERROR = re.compile(r"Error\((\w+)\)")


def errors_of(second: fastexcel.ExcelReader, sheet: str, first_column: int) -> Patches:
    """Error cells of one sheet: asked for text only, the reader complains of each error by its place."""
    loaded = second.load_sheet(sheet, header_row=None, skip_rows=0, dtypes="string")
    _, complaints = loaded.to_arrow_with_errors()
    found: Patches = {}
    for complaint in complaints.errors if complaints is not None else ():
        match = _ERROR.search(complaint.detail)
        if match:
            row, column = complaint.position
            found[row, column + first_column] = (_TOKENS.get(match[1], "#" + match[1].upper()), ERROR)
    return found


def _sheets(given: Given, facts: dict[str, SheetFacts]) -> tuple[tuple[RawSheet, ...], tuple[str, ...]]:
    sheets: list[RawSheet] = []
    notes: list[str] = []
    probe(given.data, given.name)
    with parser_errors(given.name), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the readers warn of sheets without cells
        workbook = python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(given.data))
        second = fastexcel.read_excel(given.data)
        for meta in workbook.sheets_metadata:
            if meta.typ != python_calamine.SheetTypeEnum.WorkSheet:
                notes.append(f"{meta.name}: not a sheet of cells (a chart or a macro sheet), ignored")
                continue
            sheet = workbook.get_sheet_by_name(meta.name)
            fact = facts.get(meta.name, SheetFacts())
            fact.hidden = meta.visible != python_calamine.SheetVisibleEnum.Visible
            if sheet.start is None:
                text, kinds = frames([])
            else:
                fact.merged = merged_ranges(sheet)
                patches = errors_of(second, meta.name, sheet.start[1])
                patches.update(fact.padded)
                text, kinds = frames(sheet.iter_rows(), patches, sheet.start[1])
            sheets.append(raw_sheet(given.name, meta.name, text, kinds, fact))
    return tuple(sheets), tuple(notes)


@reader("xls")
def read_xls(given: Given) -> Found:
    """Reads .xls (Excel 97 to 2003; of older ones the values only). Raises UploadError with one line."""
    seen = facts_of_xls(given.data)
    facts, date_system = seen or ({}, 1900)
    sheets, notes = _sheets(given, facts)
    if seen is None:
        notes += (f"{given.name}: an old kind of .xls; hidden rows and columns in it cannot be seen",)
    return Found(sheets, notes, date_system)


@reader("xlsb")
def read_xlsb(given: Given) -> Found:
    """Reads .xlsb. Raises UploadError with one line for a file that cannot be read."""
    archive = open_archive(given.data, given.name, given.limits)
    check_parts(archive, endings=(".xml", ".rels", ".bin"))
    facts, date_system = facts_of_xlsb(archive)
    sheets, notes = _sheets(given, facts)
    return Found(sheets, notes, date_system)
