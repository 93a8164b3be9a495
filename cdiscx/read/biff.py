"""The bytes of an .xls file in, what its fast reader loses out: hidden rows and columns, padded numbers, formulas.

Sources: [MS-CFB] for the container, [MS-XLS] (BIFF8) for the records. Older dialects give nothing here.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from cdiscx.model.table import NUMBER
from cdiscx.read.given import SheetFacts
from cdiscx.read.parts import PERCENT_BUILTIN, pad

_FREE = 0xFFFFFFFA  # sector numbers from here on are marks, not sectors
_BOF, _EOF, _BOUNDSHEET, _DATEMODE, _FORMAT, _XF = 0x809, 0x0A, 0x85, 0x22, 0x41E, 0xE0
_ROW, _COLINFO, _FORMULA, _NUMBER, _RK, _MULRK = 0x208, 0x7D, 0x06, 0x203, 0x27E, 0xBD


class _Container:
    """The sectors of a compound file. Every chain is as long as the file at most, so a loop ends."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.size = 1 << min(struct.unpack_from("<H", data, 30)[0], 16)
        fat_sectors = [s for s in struct.unpack_from("<109I", data, 76) if s < _FREE]
        more, count = struct.unpack_from("<2I", data, 68)
        while more < _FREE and count > 0 and len(fat_sectors) <= len(data) // self.size:
            block = struct.unpack(f"<{self.size // 4}I", self._sector(more))
            fat_sectors.extend(s for s in block[:-1] if s < _FREE)
            more, count = block[-1], count - 1
        self.fat: list[int] = []
        for sector in fat_sectors:
            self.fat.extend(struct.unpack(f"<{self.size // 4}I", self._sector(sector)))

    def _sector(self, number: int) -> bytes:
        start = (number + 1) * self.size
        return self.data[start : start + self.size].ljust(self.size, b"\0")

    def chain(self, number: int) -> bytes:
        """The bytes of a chain of sectors."""
        found: list[bytes] = []
        while number < len(self.fat) and len(found) <= len(self.data) // self.size:
            found.append(self._sector(number))
            number = self.fat[number]
        return b"".join(found)

    def stream(self, wanted: tuple[str, ...]) -> bytes:
        """A named stream, b'' when there is none."""
        (directory,) = struct.unpack_from("<I", self.data, 48)
        (cutoff,) = struct.unpack_from("<I", self.data, 56)
        entries = self.chain(directory)
        root = b""
        for start in range(0, len(entries) - 127, 128):
            length, kind = struct.unpack_from("<HB", entries, start + 64)
            name = entries[start : start + max(length - 2, 0)].decode("utf-16-le", "replace")
            first, size = struct.unpack_from("<IQ", entries, start + 116)
            if kind == 5:
                root = self.chain(first)
            if kind == 2 and name in wanted:
                return self.chain(first)[:size] if size >= cutoff else self._small(root, first, size)
        return b""

    def _small(self, root: bytes, number: int, size: int) -> bytes:
        (start,) = struct.unpack_from("<I", self.data, 60)
        raw = self.chain(start)
        table = struct.unpack(f"<{len(raw) // 4}I", raw[: len(raw) // 4 * 4])
        found: list[bytes] = []
        while number < len(table) and len(found) * 64 < size:
            found.append(root[number * 64 : number * 64 + 64])
            number = table[number]
        return b"".join(found)[:size]


def _records(stream: bytes, start: int) -> Iterator[tuple[int, bytes]]:
    """Records of one substream, up to its end; charts inside it are passed over."""
    depth = 0
    while start + 4 <= len(stream):
        kind, size = struct.unpack_from("<HH", stream, start)
        body = stream[start + 4 : start + 4 + size]
        start += 4 + size
        if kind == _BOF:
            depth += 1
        elif kind == _EOF:
            depth -= 1
            if depth <= 0:
                return
        elif depth == 1:
            yield kind, body


def number_of_rk(value: int) -> float:
    """A number in 32 bits: [MS-XLS] 2.5.217."""
    number = (
        float(value >> 2 if value < 2**31 else (value >> 2) - 2**30)
        if value & 2
        else struct.unpack("<d", struct.pack("<Q", (value & ~3) << 32))[0]
    )
    return float(number / 100 if value & 1 else number)


def _string(body: bytes, start: int, count: int, flags: int) -> str:
    return (
        body[start : start + 2 * count].decode("utf-16-le", "replace")
        if flags & 1
        else body[start : start + count].decode("latin-1")
    )


def facts_of_xls(data: bytes) -> tuple[dict[str, SheetFacts], int] | None:
    """Sheet name -> facts, and the date system; None where the file is of an older dialect or too broken to walk."""
    try:
        stream = _Container(data).stream(("Workbook",))
        if len(stream) < 8 or struct.unpack_from("<H", stream, 4)[0] != 0x600:
            return None
        return _walk(stream)
    except (struct.error, IndexError, OverflowError):
        return None


def _walk(stream: bytes) -> tuple[dict[str, SheetFacts], int]:
    formats: dict[int, str] = dict(PERCENT_BUILTIN)
    styles: list[int] = []
    starts: list[tuple[str, int]] = []
    date_system = 1900
    for kind, body in _records(stream, 0):
        if kind == _BOUNDSHEET:
            offset, _, count, flags = struct.unpack_from("<IHBB", body)
            starts.append((_string(body, 8, count, flags), offset))
        elif kind == _DATEMODE:
            date_system = 1904 if body[:1] == b"\1" else 1900
        elif kind == _FORMAT:
            number, count, flags = struct.unpack_from("<HHB", body)
            formats[number] = _string(body, 5, count, flags)
        elif kind == _XF:
            styles.append(struct.unpack_from("<H", body, 2)[0])
    padded = {i: formats[number] for i, number in enumerate(styles) if pad(formats.get(number, ""), 1.0) is not None}
    return {name: _sheet(stream, start, padded) for name, start in starts}, date_system


def _numbers(kind: int, body: bytes) -> Iterator[tuple[int, int, int, float]]:
    """Row, column, style and value of each number in a record."""
    if kind == _MULRK:
        row, first = struct.unpack_from("<HH", body)
        for i in range((len(body) - 6) // 6):
            style, value = struct.unpack_from("<HI", body, 4 + 6 * i)
            yield row, first + i, style, number_of_rk(value)
    elif kind == _RK:
        row, column, style, value = struct.unpack_from("<HHHI", body)
        yield row, column, style, number_of_rk(value)
    elif kind == _NUMBER or (kind == _FORMULA and body[12:14] != b"\xff\xff"):
        yield struct.unpack_from("<HHHd", body)


def _sheet(stream: bytes, start: int, padded: dict[int, str]) -> SheetFacts:
    facts = SheetFacts()
    for kind, body in _records(stream, start):
        if kind == _ROW:
            if struct.unpack_from("<H", body, 12)[0] & 0x20:
                facts.hidden_rows.append(struct.unpack_from("<H", body)[0] + 1)
        elif kind == _COLINFO:
            first, last, _, _, flags = struct.unpack_from("<5H", body)
            if flags & 1:
                facts.hidden_columns.append((first + 1, last + 1))
        elif kind in (_FORMULA, _NUMBER, _RK, _MULRK):
            facts.formulas += kind == _FORMULA
            if padded:
                for row, column, style, value in _numbers(kind, body):
                    shown = pad(padded[style], value) if style in padded and abs(value) < 2**53 else None
                    if shown is not None:
                        facts.padded[row, column] = (shown, NUMBER)
    return facts
