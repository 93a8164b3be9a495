"""An .xlsb package in, what its fast reader loses out, and whether its cells fill the grid they span.

Source: [MS-XLSB] 2.1.4 (records), 2.4 (their contents).
"""

from __future__ import annotations

import posixpath
import struct
from collections.abc import Iterator

from cdiscx.model.errors import UploadError
from cdiscx.model.table import NUMBER
from cdiscx.read.archive import Archive
from cdiscx.read.biff import number_of_rk
from cdiscx.read.details import too_many_cells
from cdiscx.read.given import SheetFacts
from cdiscx.read.parts import PERCENT_BUILTIN, pad, relations

_ROW, _RK, _REAL, _FORMULA_NUMBER, _COLUMN = 0, 2, 5, 9, 60
_CELLS = frozenset(range(1, 12))
_FORMULAS = frozenset(range(8, 12))
_FORMAT, _XF, _XFS_BEGIN, _XFS_END, _SHEET, _PROPERTIES = 44, 47, 617, 618, 156, 153


def _records(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Kind, start and size of each record; a kind takes one or two bytes, a size one to four, seven bits each."""
    position = 0
    end = len(data)
    while position < end:
        kind = data[position]
        position += 1
        if kind & 0x80:
            kind = (kind & 0x7F) | ((data[position] & 0x7F) << 7)
            position += 1
        size = shift = 0
        while shift < 28:
            byte = data[position]
            position += 1
            size |= (byte & 0x7F) << shift
            shift += 7
            if not byte & 0x80:
                break
        yield kind, position, size
        position += size


def _wide(data: bytes, start: int) -> tuple[str, int]:
    (count,) = struct.unpack_from("<I", data, start)
    if count > 32_767:
        raise IndexError(count)
    end = start + 4 + 2 * int(count)
    return data[start + 4 : end].decode("utf-16-le", "replace"), end


def _padded_styles(data: bytes) -> dict[int, str]:
    formats: dict[int, str] = dict(PERCENT_BUILTIN)
    styles: dict[int, str] = {}
    inside, index = False, 0
    for kind, start, _ in _records(data):
        if kind == _FORMAT:
            formats[struct.unpack_from("<H", data, start)[0]] = _wide(data, start + 2)[0]
        elif kind in (_XFS_BEGIN, _XFS_END):
            inside = kind == _XFS_BEGIN
        elif kind == _XF and inside:
            code = formats.get(struct.unpack_from("<H", data, start + 2)[0], "")
            if pad(code, 1.0) is not None:
                styles[index] = code
            index += 1
    return styles


def facts_of_xlsb(archive: Archive) -> tuple[dict[str, SheetFacts], int]:
    """Sheet name -> facts, and the date system. Raises UploadError for a broken package and for a sheet beyond the limits."""
    try:
        home = "xl/workbook.bin"
        targets = relations(archive, home)
        styles = next((member for kind, member in targets.values() if kind == "styles"), "")
        padded = _padded_styles(archive.read(styles)) if styles in archive.members else {}
        found: dict[str, SheetFacts] = {}
        workbook = archive.read(home)
        date_system = 1900
        for kind, start, _ in _records(workbook):
            if kind == _PROPERTIES and workbook[start] & 1:
                date_system = 1904
            if kind == _SHEET:
                relation, end = _wide(workbook, start + 8)
                name, _ = _wide(workbook, end)
                what, member = targets.get(relation, ("", ""))
                if what == "worksheet" and member in archive.members:
                    found[name] = _sheet(archive, posixpath.normpath(member), padded)
        return found, date_system
    except (struct.error, IndexError) as error:
        raise UploadError(f"{archive.name} is damaged; open it, save it again and upload the new file") from error


def _sheet(archive: Archive, member: str, padded: dict[int, str]) -> SheetFacts:
    data = archive.read(member)
    facts = SheetFacts()
    row = cells = widest = lowest = 0
    for kind, start, _ in _records(data):
        if kind == _ROW:
            (row,) = struct.unpack_from("<I", data, start)
            if data[start + 11] & 0x10:
                facts.hidden_rows.append(row + 1)
        elif kind in _CELLS:
            column, style = struct.unpack_from("<II", data, start)
            cells += 1
            widest, lowest = max(widest, column), max(lowest, row)
            facts.formulas += kind in _FORMULAS
            if padded and (style & 0xFFFFFF) in padded and kind in (_RK, _REAL, _FORMULA_NUMBER):
                value = (
                    number_of_rk(struct.unpack_from("<I", data, start + 8)[0])
                    if kind == _RK
                    else struct.unpack_from("<d", data, start + 8)[0]
                )
                shown = pad(padded[style & 0xFFFFFF], value) if abs(value) < 2**53 else None
                if shown is not None:
                    facts.padded[row, column] = (shown, NUMBER)
        elif kind == _COLUMN:
            first, last, _, _, flags = struct.unpack_from("<4IH", data, start)
            if flags & 1:
                facts.hidden_columns.append((first + 1, last + 1))
    limits = archive.limits
    grid = (lowest + 1) * (widest + 1)
    if lowest >= limits.rows or widest >= limits.columns or grid > limits.cells or cells > limits.cells:
        raise too_many_cells(archive.name, limits)
    if grid > max(8_000_000, 8 * cells):
        raise UploadError(
            f"{archive.name} has a sheet whose cells lie too far apart to be read; delete the empty rows and columns "
            "around the table and upload again"
        )
    return facts
