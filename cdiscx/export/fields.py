"""How the variables of a dataset lie in a record of a transport file: bytes, widths, formats and labels."""

from __future__ import annotations

import struct
from dataclasses import dataclass

import polars as pl

from cdiscx.model.dataset import Dataset
from cdiscx.model.kept import pieces

_NAMESTR = struct.Struct(">hhhh8s40s8shhh2s8shhl52s")
#: longest character value, name and label of version 5, in bytes
TEXT, NAME, LABEL = 200, 8, 40


@dataclass(frozen=True, slots=True)
class XptField:
    """One variable: `start` and `width` are bytes of its place in a record; `number` counts from 1."""

    number: int
    name: str
    label: str
    numeric: bool
    start: int
    width: int
    #: name, width and decimals of its display format
    format: tuple[str, int, int] = ("", 0, 0)

    def namestr(self) -> bytes:
        """The 140 bytes that describe the variable."""
        name, width, decimals = self.format
        form = name.encode("ascii").ljust(8)
        return _NAMESTR.pack(
            1 if self.numeric else 2, 0, self.width, self.number, self.name.encode("ascii").ljust(8),
            self.label.encode("ascii").ljust(40), form, width, decimals, int(self.numeric), b"\0\0",
            b" " * 8, 0, 0, self.start, b"\0" * 52,
        )  # fmt: skip


def longest(texts: pl.Series) -> int:
    """Bytes of the longest text; 0 where there is none."""
    found = texts.str.len_bytes().max()
    return found if isinstance(found, int) else 0


def widths(dataset: Dataset) -> dict[str, int]:
    """Variable -> bytes of its longest value (at least 1) for text, 8 for numbers; of the frame as it stands."""
    names = [v.name for v in dataset.variables]
    texts = [name for name in names if dataset.held.schema[name] == pl.String]
    most = dict.fromkeys(texts, 1)
    for piece in pieces(dataset.held, texts):
        most = {name: max(most[name], longest(piece[name])) for name in texts}
    return {name: most.get(name, 8) for name in names}


def xpt_fields(dataset: Dataset) -> tuple[XptField, ...]:
    """The variables in their order, without gaps between them."""
    fields, start = [], 0
    schema, sizes = dataset.held.schema, widths(dataset)
    for number, variable in enumerate(dataset.variables, 1):
        numeric = schema[variable.name] != pl.String
        form = ("DATE", 9, 0) if schema[variable.name] == pl.Date else ("", 0, 0)
        width = sizes[variable.name]
        fields.append(XptField(number, variable.name, variable.label, numeric, start, width, form))
        start += width
    return tuple(fields)
