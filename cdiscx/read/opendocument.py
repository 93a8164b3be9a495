"""An .ods package in, its sheets out: one pass over content.xml, which states the type of every cell itself."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from lxml import etree

from cdiscx.model.errors import UploadError
from cdiscx.model.table import BOOL, DATE, ERROR, NO_CACHE, NUMBER, TEXT, TIME, RawSheet
from cdiscx.read.archive import Archive, open_archive
from cdiscx.read.cells import Patches, frames_of, number_text
from cdiscx.read.given import Found, Given, SheetFacts, raw_sheet
from cdiscx.read.parts import guard_xml, pad
from cdiscx.registry import reader

_OFFICE = "{urn:oasis:names:tc:opendocument:xmlns:office:1.0}"
_TABLE = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
_TEXT = "{urn:oasis:names:tc:opendocument:xmlns:text:1.0}"
_STYLE = "{urn:oasis:names:tc:opendocument:xmlns:style:1.0}"
_CALCEXT = "{urn:org:documentfoundation:names:experimental:calc:xmlns:calcext:1.0}"
_CELLS = (_TABLE + "table-cell", _TABLE + "covered-table-cell")
_HIDDEN = ("collapse", "filter")
#: held one by one, about a quarter of a kilobyte each
_MOST = 3_000_000
_DURATION = re.compile(r"^(-?)P(?:(\d+)D)?T?(?:(\d+)H)?(?:(\d+)M)?(?:([\d.]+)S)?$")
_ERROR = re.compile(r"^(#[A-Z0-9/]+[!?]?|Err:\d+|#N/A)$")


@dataclass(slots=True)
class _Sheet:
    name: str
    facts: SheetFacts = field(default_factory=SheetFacts)
    cells: Patches = field(default_factory=dict)
    row: int = 0
    column: int = 0  # of the column definitions


def _repeat(element: etree._Element, what: str) -> int:
    value = element.get(f"{_TABLE}number-{what}") or "1"
    return max(int(value), 1) if value.isdigit() else 1


def _paragraph(element: etree._Element) -> str:
    """The text of one paragraph; runs of blanks, tabs and line breaks are elements of their own."""
    parts = [element.text or ""]
    for child in element:
        if child.tag == _TEXT + "s":
            count = child.get(_TEXT + "c") or "1"
            parts.append(" " * (min(int(count), 32_767) if count.isdigit() else 1))
        elif child.tag == _TEXT + "tab":
            parts.append("\t")
        elif child.tag == _TEXT + "line-break":
            parts.append("\n")
        elif child.tag in (_TEXT + "span", _TEXT + "a"):
            parts.append(_paragraph(child))
        parts.append(child.tail or "")
    return "".join(parts)


def _clock(value: str) -> str:
    """`PT36H30M00S` -> `36:30:00`; anything else as it is."""
    match = _DURATION.match(value)
    if match is None:
        return value
    sign, days, hours, minutes, seconds = match.groups()
    total = round((int(days or 0) * 24 + int(hours or 0)) * 3600 + int(minutes or 0) * 60 + float(seconds or 0))
    return f"{sign}{total // 3600:02d}:{total // 60 % 60:02d}:{total % 60:02d}"


def _stamp(value: str) -> str:
    """`2024-03-05T00:00:00` -> `2024-03-05`; fractions of zero are dropped."""
    bare = re.sub(r"\.0+$", "", value)
    return bare.removesuffix("T00:00:00")


def _number(value: str, shown: str) -> str:
    try:
        number = float(value)
    except ValueError:
        return shown or value
    if re.fullmatch(r"-?0\d+", shown) and number == int(shown):
        return shown  # the number format pads
    return number_text(number)


def _value(cell: etree._Element) -> tuple[str, int] | None:
    """One cell's text and kind; None when blank. Source: OpenDocument 1.3 part 3, 19.385 office:value-type."""
    shown = "\n".join(_paragraph(child) for child in cell if child.tag == _TEXT + "p")
    formula = cell.get(_TABLE + "formula")
    kind = cell.get(_OFFICE + "value-type") or ""
    if cell.get(_CALCEXT + "value-type") == "error" or (formula and _ERROR.match(shown)):
        return shown or "#VALUE!", ERROR
    if kind == "percentage":
        value = cell.get(_OFFICE + "value") or ""
        try:
            return pad("0%", float(value)) or shown, NUMBER
        except (ValueError, ArithmeticError):
            return shown or value, NUMBER
    if kind in ("float", "currency"):
        return _number(cell.get(_OFFICE + "value") or "", shown), NUMBER
    if kind == "date":
        return _stamp(cell.get(_OFFICE + "date-value") or shown), DATE
    if kind == "time":
        return _clock(cell.get(_OFFICE + "time-value") or shown), TIME
    if kind == "boolean":
        return ("TRUE" if cell.get(_OFFICE + "boolean-value") == "true" else "FALSE"), BOOL
    if formula and not kind and not shown:
        return "=" + formula.split(":", 1)[-1].removeprefix("="), NO_CACHE
    text = shown or cell.get(_OFFICE + "string-value")
    return (text, TEXT) if text else None


def _take_row(row: etree._Element, sheet: _Sheet, given: Given) -> None:
    times = _repeat(row, "rows-repeated")
    held: list[tuple[int, tuple[str, int]]] = []
    column = 0
    for cell in row:
        if cell.tag not in _CELLS:
            continue
        width = _repeat(cell, "columns-repeated")
        value = _value(cell)
        if value is not None:
            if (len(held) + width) * times + len(sheet.cells) > min(_MOST, given.limits.cells):
                raise UploadError(
                    f"{given.name} has more than {min(_MOST, given.limits.cells):,} cells in sheet {sheet.name!r}; "
                    "save it as .xlsx and upload that file"
                )
            held.extend((column + i, value) for i in range(width))
            if cell.get(_TABLE + "formula") and value[1] != NO_CACHE:
                sheet.facts.formulas += width * times
        down, right = _repeat(cell, "rows-spanned"), _repeat(cell, "columns-spanned")
        if down > 1 or right > 1:
            sheet.facts.merged.append((sheet.row + 1, column + 1, sheet.row + down, column + right))
        column += width
    if held and (sheet.row + times > given.limits.rows or held[-1][0] >= given.limits.columns):
        raise UploadError(f"{given.name} has a cell beyond the last row or column a sheet can have; save it again")
    if held:
        for i in range(times):
            sheet.cells.update(((sheet.row + i, place), value) for place, value in held)
            if row.get(_TABLE + "visibility") in _HIDDEN:
                sheet.facts.hidden_rows.append(sheet.row + i + 1)
    sheet.row += times


def _events(archive: Archive) -> Iterator[tuple[str, etree._Element]]:
    parser = etree.XMLPullParser(("start", "end"), resolve_entities=False, no_network=True, load_dtd=False)
    try:
        for i, piece in enumerate(archive.pieces("content.xml")):
            if i == 0:
                guard_xml(piece, archive.name)
            parser.feed(piece)
            yield from parser.read_events()
        parser.close()
        yield from parser.read_events()
    except etree.XMLSyntaxError as error:
        raise UploadError(
            f"{archive.name} is damaged (content.xml is not complete); open it, save it again and upload the new file"
        ) from error


@reader("ods")
def read_ods(given: Given) -> Found:
    """Reads .ods. Raises UploadError with one line for a file that cannot be read."""
    archive = open_archive(given.data, given.name, given.limits)
    if "META-INF/manifest.xml" in archive.members and b"encryption-data" in archive.read("META-INF/manifest.xml"):
        raise UploadError(f"{given.name} is protected with a password; save it without one and upload again")
    sheets: list[RawSheet] = []
    invisible: set[str] = set()
    style = ""
    open_sheets: list[_Sheet] = []  # a table may stand inside another's cell; only the outer one is a sheet
    for event, element in _events(archive):
        if event == "start":
            if element.tag == _TABLE + "table":
                made = _Sheet(element.get(_TABLE + "name") or f"Sheet{len(sheets) + 1}")
                made.facts.hidden = element.get(_TABLE + "style-name") in invisible
                open_sheets.append(made)
            elif element.tag == _STYLE + "style":
                style = element.get(_STYLE + "name") or ""
            elif element.tag == _STYLE + "table-properties" and element.get(_TABLE + "display") == "false":
                invisible.add(style)
        elif element.tag == _TABLE + "table":
            done = open_sheets.pop()
            if not open_sheets:
                text, kinds = frames_of(done.cells)
                sheets.append(raw_sheet(given.name, done.name, text, kinds, done.facts))
            element.clear()
        elif len(open_sheets) == 1:
            _take(element, open_sheets[0], given)
    return Found(tuple(sheets))


def _take(element: etree._Element, sheet: _Sheet, given: Given) -> None:
    """A finished element of the sheet."""
    if element.tag == _TABLE + "table-row":
        _take_row(element, sheet, given)
        parent = element.getparent()
        element.clear()
        if parent is not None:  # rows already taken must not pile up in memory
            while parent[0] is not element:
                del parent[0]
    elif element.tag == _TABLE + "table-column":
        width = _repeat(element, "columns-repeated")
        if element.get(_TABLE + "visibility") in _HIDDEN:
            sheet.facts.hidden_columns.append((sheet.column + 1, sheet.column + width))
        sheet.column += width
