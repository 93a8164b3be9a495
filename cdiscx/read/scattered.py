"""The XML of an .xlsx sheet whose few cells lie far apart in, its cells out, one by one.

Laying out the grid between them would fill the machine; so this one reads what the fast reader may not see.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from lxml import etree

from cdiscx.model.errors import UploadError
from cdiscx.model.table import BOOL, DATE, ERROR, NO_CACHE, NUMBER, TEXT, TIME
from cdiscx.read.archive import Archive
from cdiscx.read.cells import Patches, duration_text, number_text
from cdiscx.read.details import Details, position, too_many_cells
from cdiscx.read.parts import Plan, SheetPart, guard_xml, pad

#: held one by one, about a quarter of a kilobyte each
_MOST = 1_000_000
_LAST_DAY = 2_958_466  # the day after 9999-12-31
_ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")


def cells_of(archive: Archive, part: SheetPart, plan: Plan, details: Details) -> Patches:
    """Reads one sheet cell by cell, and its merged ranges into `details.facts`; `details.patches` win.

    Raises UploadError for more cells than can be held that way. Source: ECMA-376 part 1, 18.3.1.4.
    """
    if details.cells > _MOST:
        raise UploadError(
            f"{archive.name}: the cells of sheet {part.name!r} lie too far apart to be read; delete the empty rows "
            "and columns around the table and upload again"
        )
    sheet = _Reading(archive, plan, details)
    for element in _ended(archive, part.member):
        sheet.take(element)
    found = sheet.cells | details.patches
    limits = archive.limits
    if found:
        rows, columns = {row for row, _ in found}, {column for _, column in found}
        if max(rows) >= limits.rows or max(columns) >= limits.columns:
            raise too_many_cells(archive.name, limits)
        if len(rows) * (max(columns) + 1) > limits.cells:
            raise too_many_cells(archive.name, limits)
    return found


def _ended(archive: Archive, member: str) -> Iterator[etree._Element]:
    """Elements at their end, and rows at their start too (`row` elements come twice)."""
    parser = etree.XMLPullParser(("start", "end"), resolve_entities=False, no_network=True, load_dtd=False)
    try:
        for i, piece in enumerate(archive.pieces(member)):
            if i == 0:
                guard_xml(piece, archive.name)
            parser.feed(piece)
            for event, element in parser.read_events():
                if event == "end" or _local(element) == "row":
                    yield element
        parser.close()
    except etree.XMLSyntaxError as error:
        raise UploadError(
            f"{archive.name} is damaged ({member} is not complete); open it, save it again and upload the new file"
        ) from error


def _local(element: etree._Element) -> str:
    return str(element.tag).rpartition("}")[2]


def _child(element: etree._Element, name: str) -> etree._Element | None:
    return next((child for child in element if _local(child) == name), None)


def _rich(element: etree._Element) -> str:
    """The text of an `is` or `si`: its `t`, or those of its runs; phonetic guides are not text."""
    parts = []
    for child in element:
        if _local(child) == "t":
            parts.append(child.text or "")
        elif _local(child) == "r":
            parts.extend(part.text or "" for part in child if _local(part) == "t")
    return _ESCAPED.sub(lambda match: chr(int(match[1], 16)), "".join(parts))


@dataclass(slots=True)
class _Reading:
    archive: Archive
    plan: Plan
    details: Details
    cells: Patches = field(default_factory=dict)
    row: int = -1
    column: int = -1
    open_row: Any = None
    shared: list[str] | None = None

    def take(self, element: etree._Element) -> None:
        name = _local(element)
        if name == "row":
            if element is self.open_row:
                self.open_row = None
                return
            self.open_row = element
            number = element.get("r") or ""
            self.row = int(number) - 1 if number.isdigit() else self.row + 1
            self.column = -1
        elif name == "c":
            self._cell(element)
            element.clear()  # what is left of a cell is an empty tag
        elif name == "mergeCell":
            first, _, last = (element.get("ref") or "A1").partition(":")
            (top, left), (bottom, right) = position(first), position(last or first)
            self.details.facts.merged.append((top + 1, left + 1, bottom + 1, right + 1))

    def _cell(self, cell: etree._Element) -> None:
        reference = cell.get("r") or ""
        if re.fullmatch(r"[A-Za-z]{1,3}[0-9]{1,7}", reference):
            self.row, self.column = position(reference)
        else:
            self.column += 1
        made = self._value(cell)
        if made is not None:
            self.cells[self.row, self.column] = made

    def _value(self, cell: etree._Element) -> tuple[str, int] | None:
        kind = cell.get("t") or "n"
        value, formula = _child(cell, "v"), _child(cell, "f")
        text = "" if value is None else value.text or ""
        if kind == "inlineStr":
            inline = _child(cell, "is")
            text = _rich(inline) if inline is not None else ""
            return (text, TEXT) if text else None
        if not text:
            if formula is not None and (kind != "str" or value is None):
                return "=" + (formula.text or ""), NO_CACHE
            return None
        if kind == "s":
            text = self._shared(text)
            return (text, TEXT) if text else None
        if kind == "b":
            return ("TRUE" if text.strip() in ("1", "true") else "FALSE"), BOOL
        if kind == "e":
            return text.strip(), ERROR
        if kind == "d":
            return text.removesuffix("T00:00:00"), DATE
        if kind == "str":
            return _ESCAPED.sub(lambda match: chr(int(match[1], 16)), text), TEXT
        return self._number(text, cell.get("s") or "0")

    def _number(self, text: str, style: str) -> tuple[str, int]:
        try:
            value = float(text)
        except ValueError:
            return text, TEXT
        index = int(style) if style.isdigit() else 0
        if index in self.plan.dated:
            return moment(value, self.plan.dated[index], self.plan.date_system)
        shown = pad(self.plan.padded[index], value) if index in self.plan.padded and abs(value) < 2**53 else None
        return shown or number_text(value), NUMBER

    def _shared(self, index: str) -> str:
        if self.shared is None:
            member = next((m for m in self.archive.members if m.lower().endswith("xl/sharedstrings.xml")), None)
            self.shared = []
            for element in _ended(self.archive, member) if member else ():
                if _local(element) == "si":
                    self.shared.append(_rich(element))
                    element.clear()
        if not index.strip().isdigit() or int(index) >= len(self.shared):
            raise UploadError(
                f"{self.archive.name} is damaged (a text is missing); open it, save it again and upload the new file"
            )
        return self.shared[int(index)]


def moment(value: float, code: str, date_system: int) -> tuple[str, int]:
    """A serial number under a date format -> ISO text and kind, as the fast reader does it."""
    if re.search(r"\[[hms]+\]", code, re.IGNORECASE):
        return duration_text(timedelta(days=value)), TIME
    if value < 0 or value >= _LAST_DAY:
        return number_text(value), NUMBER
    if value < 1:
        return duration_text(timedelta(days=min(value, 86_399 / 86_400))), TIME
    # 1900 is no leap year, but its date system counts a 29 February as day 60
    base = datetime(1904, 1, 1) if date_system == 1904 else datetime(1899, 12, 30 if value >= 60 else 31)
    stamp = base + timedelta(milliseconds=round(value * 86_400_000))
    if stamp.time() == datetime.min.time():
        return stamp.date().isoformat(), DATE
    return stamp.isoformat(timespec="milliseconds" if stamp.microsecond else "seconds"), DATE
