"""Bytes of a SAS transport file (XPT, version 5 and 8) in, its description and its records as a frame out.

Source: SAS technical notes TS-140 (version 5) and "Record layout of a SAS version 8 or 9 data set in SAS transport format".
This reader shares nothing with the writer of the export room: the one is the referee of the other.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

CARD = 80
_V5, _V8 = b"HEADER RECORD*******LIBRARY HEADER", b"HEADER RECORD*******LIBV8   HEADER"
_NAMESTR = struct.Struct(">hhhh8s40s8shhh2s8shhl")
#: days from 1960-01-01, where SAS counts from, to 1970-01-01
SAS_EPOCH_DAYS = 3653
#: display formats of numbers that are dates (days)
DATE_FORMATS = frozenset(
    [
        "DATE",
        "E8601DA",
        "B8601DA",
        "YYMMDD",
        "YYMMDDD",
        "YYMMDDN",
        "YYMMDDP",
        "YYMMDDS",
        "DDMMYY",
        "DDMMYYD",
        "DDMMYYN",
        "DDMMYYP",
        "DDMMYYS",
        "MMDDYY",
        "MMDDYYD",
        "MMDDYYN",
        "MMDDYYP",
        "MMDDYYS",
        "DAY",
        "IS8601DA",
        "MONYY",
        "WORDDATE",
        "WORDDATX",
        "WEEKDATE",
        "WEEKDATX",
        "JULIAN",
        "NENGO",
        "MINGUO",
    ]
)


class TransportError(ValueError):
    """The bytes are no transport file that can be read; the text says why, without the file's name."""


@dataclass(frozen=True, slots=True)
class Field:
    """One variable: `start` and `width` are bytes of its place in a record."""

    name: str
    label: str
    numeric: bool
    start: int
    width: int
    format: str = ""

    @property
    def is_date(self) -> bool:
        """Whether the numbers are days of a calendar."""
        return self.numeric and self.format in DATE_FORMATS


@dataclass(frozen=True, slots=True)
class Layout:
    """The description of a transport file with one member: records begin at byte `data`."""

    version: int
    name: str
    label: str
    fields: tuple[Field, ...]
    data: int
    created: str = ""
    #: number of records, where the file states it (version 8)
    stated: int | None = None

    @property
    def width(self) -> int:
        """Bytes of one record."""
        return sum(field.width for field in self.fields)

    def records(self, size: int, tail: bytes) -> int:
        """How many records a file of `size` bytes holds whose last bytes are `tail` (at least 80 + one record, or all).

        The last card is padded with blanks: blanks that could be a record are taken for padding, as every reader does.
        """
        room = size - self.data
        if self.stated is not None:
            return self.stated
        if self.width == 0 or room <= 0:
            return 0
        count = room // self.width
        while count and room - (count - 1) * self.width <= len(tail):
            last = tail[len(tail) - (room - (count - 1) * self.width) :]
            if last.strip(b" ") or room - (count - 1) * self.width >= CARD + self.width:
                break
            count -= 1
        return count


def _text(raw: bytes) -> str:
    for encoding in ("utf-8", "cp1252"):
        try:
            return raw.decode(encoding).rstrip(" \x00")
        except UnicodeDecodeError:
            continue
    return raw.decode("latin-1").rstrip(" \x00")


def _number(raw: bytes, what: str) -> int:
    try:
        return int(raw)
    except ValueError as error:
        raise TransportError(f"its {what} is no number") from error


def is_transport(head: bytes) -> bool:
    """Whether the first bytes are those of a transport file."""
    return head.startswith((_V5, _V8))


def read_layout(head: bytes) -> Layout:
    """The description from the first bytes of a file (all header records must be within them).

    Raises TransportError for anything else than a transport file with one member, and for a header that is cut off.
    """
    if not is_transport(head):
        raise TransportError("it does not begin like a SAS transport file")
    version = 5 if head.startswith(_V5) else 8
    cards = head[: CARD * 8]
    if len(cards) < CARD * 8:
        raise TransportError("its header is cut off")
    member = cards[3 * CARD : 4 * CARD]
    if b"MEMB" not in member[20:28]:
        raise TransportError("it holds no dataset")
    size = _number(member[74:78], "header size")
    if size not in (136, 140):
        raise TransportError(f"its variable descriptions have {size} bytes")
    first, second = cards[5 * CARD : 6 * CARD], cards[6 * CARD : 7 * CARD]
    count_card = cards[7 * CARD : 8 * CARD]
    if count_card[20:28].strip() not in (b"NAMESTR", b"NAMSTV8"):
        raise TransportError("its variable descriptions are missing")
    count = _number(count_card[54:58] if version == 5 else count_card[50:58], "number of variables")
    length = size * count + (-size * count) % CARD
    block = head[CARD * 8 : CARD * 8 + length]
    if len(block) < length or count > 100_000:
        raise TransportError("its header is cut off")
    at = CARD * 8 + length
    fields = tuple(_field(block[i * size : (i + 1) * size], version) for i in range(count))
    fields = _checked(fields)
    if version == 8:
        fields, at = _long_labels(head, at, fields)
    card = head[at : at + CARD]
    if b"OBS" not in card[20:28]:
        raise TransportError("its records are missing")
    stated = _number(card[48:63].strip() or b"0", "number of records") if version == 8 else None
    name = _text(first[8:16] if version == 5 else first[8:40])
    return Layout(version, name, _text(second[32:72]), fields, at + CARD, _text(first[64:80]), stated)


def _field(raw: bytes, version: int) -> Field:
    kind, _, width, _, name, label, form, form_width, _, _, _, _, _, _, start = _NAMESTR.unpack(raw[: _NAMESTR.size])
    long_name = raw[88:120] if version == 8 else b""
    del form_width
    shown = _text(long_name) or _text(name)
    return Field(shown, _text(label), kind == 1, start, width, _text(form).strip().upper().rstrip("0123456789"))


def _checked(fields: tuple[Field, ...]) -> tuple[Field, ...]:
    """The fields in the order of their bytes; raises TransportError where they overlap or have impossible widths."""
    place = 0
    for field in sorted(fields, key=lambda f: f.start):
        if field.start != place or field.width < 1 or (field.numeric and not 2 <= field.width <= 8):
            raise TransportError(f"the description of variable {field.name!r} is damaged")
        place += field.width
    if len({f.name.upper() for f in fields}) != len(fields):
        raise TransportError("it has two variables of the same name")
    return fields


def _long_labels(head: bytes, at: int, fields: tuple[Field, ...]) -> tuple[tuple[Field, ...], int]:
    """Version 8 keeps labels of more than 40 and formats of more than 8 characters in a block of their own."""
    card = head[at : at + CARD]
    if b"LABELV" not in card[20:28]:
        return fields, at
    nine = card[26:27] == b"9"
    count = _number(card[48:63].strip() or b"0", "number of labels")
    at += CARD
    start, known = at, list(fields)
    for _ in range(count):
        sizes = struct.Struct(">5h" if nine else ">3h")
        if len(head) < at + sizes.size:
            raise TransportError("its header is cut off")
        position, *lengths = sizes.unpack(head[at : at + sizes.size])
        at += sizes.size
        name, label = head[at : at + lengths[0]], head[at + lengths[0] : at + lengths[0] + lengths[1]]
        at += sum(lengths)
        if 1 <= position <= len(known):
            known[position - 1] = replace(known[position - 1], name=_text(name), label=_text(label))
    return tuple(known), start + (at - start) + (-(at - start)) % CARD


def decode(layout: Layout, data: bytes) -> pl.DataFrame:
    """Whole records as a frame: String (blank = null), Float64 (missing = null) and, for date formats, Date.

    Text that is not UTF-8 is read as Windows-1252. Vectorised over the records.
    """
    rows = len(data) // layout.width if layout.width else 0
    grid = np.frombuffer(data, dtype=np.uint8, count=rows * layout.width).reshape(rows, layout.width)
    columns = []
    for field in layout.fields:
        cells = np.ascontiguousarray(grid[:, field.start : field.start + field.width])
        columns.append(_numbers(field, cells) if field.numeric else _texts(field, cells))
    return pl.DataFrame(columns)


def _numbers(field: Field, cells: npt.NDArray[np.uint8]) -> pl.Series:
    """IBM hexadecimal floats (base 16, excess 64, 56 bits) as IEEE doubles; `.`, `._`, `.A` to `.Z` are missing."""
    full = np.zeros((len(cells), 8), dtype=np.uint8)
    full[:, : cells.shape[1]] = cells
    bits = full.view(">u8").astype(np.uint64).reshape(-1)
    first = full[:, 0]
    fraction = bits & np.uint64(0x00FF_FFFF_FFFF_FFFF)
    missing = (fraction == 0) & ((first == 0x2E) | (first == 0x5F) | ((first >= 0x41) & (first <= 0x5A)))
    exponent = (first & 0x7F).astype(np.int32)
    values = np.ldexp(fraction.astype(np.float64), 4 * (exponent - 64) - 56)
    values = np.where(first & 0x80, -values, values)
    series = pl.Series(field.name, values)
    if missing.any():
        series = series.zip_with(pl.Series(~missing), pl.Series([None], dtype=pl.Float64))
    if field.is_date:
        return (series.floor() - SAS_EPOCH_DAYS).cast(pl.Int32, strict=False).cast(pl.Date).alias(field.name)
    return series.alias(field.name)


def _texts(field: Field, cells: npt.NDArray[np.uint8]) -> pl.Series:
    rows, width = cells.shape
    offsets = np.arange(rows + 1, dtype=np.int64) * width
    buffers = [None, pa.py_buffer(offsets.tobytes()), pa.py_buffer(cells.tobytes())]
    raw = pl.Series(field.name, pl.from_arrow(pa.Array.from_buffers(pa.large_binary(), rows, buffers)))
    if rows and int(cells.max()) > 127:
        try:
            text = raw.cast(pl.String)
        except pl.exceptions.PolarsError:
            text = _western(raw)
    else:
        text = raw.cast(pl.String)
    text = text.str.strip_chars_end(" \x00")
    return text.zip_with(text != "", pl.Series([None], dtype=pl.String)).alias(field.name)


def _western(raw: pl.Series) -> pl.Series:
    """Bytes that are not UTF-8 as Windows-1252; each distinct text is decoded once."""
    distinct = raw.unique(maintain_order=True).to_list()
    known = {cell: _text(cell) for cell in distinct}
    frame = pl.DataFrame({"raw": distinct, "text": list(known.values())}, schema={"raw": pl.Binary, "text": pl.String})
    return pl.DataFrame({"raw": raw}).join(frame, on="raw", how="left", maintain_order="left").get_column("text")
