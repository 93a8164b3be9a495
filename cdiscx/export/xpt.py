"""A dataset in, a SAS transport file of version 5 out: the same bytes for the same input.

Source: SAS technical note TS-140. The bytes are those that ReadStat writes (a test compares them), made column-wise in
slices, so that memory stays flat and a value is never cut or changed in silence: what the format cannot hold is decided
in `limits` before, and this writer refuses it.
"""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import IO

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

from cdiscx.export.facts import Facts
from cdiscx.export.fields import XptField, xpt_fields
from cdiscx.model.dataset import Dataset
from cdiscx.model.errors import ExportError
from cdiscx.registry import exporter

_CARD = 80
#: records encoded at a time
SLICE = 100_000
#: the byte of a missing number (`.`), then seven zeros
_MISSING = np.uint64(0x2E00_0000_0000_0000)
#: days from 1960-01-01, where SAS counts from, to 1970-01-01
_EPOCH = 3653
_MONTHS = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"]


@exporter("xpt")
def write_xpt(dataset: Dataset, path: Path, facts: Facts) -> None:
    """Writes `path`. `dataset` has been through `limits.fitted`: ASCII text of at most 200 bytes, numbers in range.

    Raises ExportError for what the format cannot hold.
    """
    fields = xpt_fields(dataset)
    with path.open("wb") as file:
        file.write(_head(dataset, fields, facts.stamp))
        size = 0
        for part in dataset.slices(SLICE):
            size += _write_records(file, dataset.name, part, fields)
        file.write(b" " * (-size % _CARD))


def _card(text: str) -> bytes:
    return text.encode("ascii").ljust(_CARD)


def _stamp(moment: dt.datetime) -> str:
    """`28NOV26:22:39:32`, in no language but SAS's own."""
    return f"{moment.day:02}{_MONTHS[moment.month - 1]}{moment.year % 100:02}:{moment:%H:%M:%S}"


def _head(dataset: Dataset, fields: tuple[XptField, ...], moment: dt.datetime) -> bytes:
    zeros = "0" * 30
    stamp = _stamp(moment)
    system = "6.06".ljust(8) + "bsd4.2".ljust(8) + " " * 24
    cards = [
        f"HEADER RECORD*******LIBRARY HEADER RECORD!!!!!!!{zeros}",
        f"{'SAS':<8}{'SAS':<8}{'SASLIB':<8}{system}{stamp}",
        stamp,
        "HEADER RECORD*******MEMBER  HEADER RECORD!!!!!!!000000000000000001600000000140",
        f"HEADER RECORD*******DSCRPTR HEADER RECORD!!!!!!!{zeros}",
        f"{'SAS':<8}{dataset.name:<8}{'SASDATA':<8}{system}{stamp}",
        f"{stamp}{'':16}{dataset.label:<40}",
        f"HEADER RECORD*******NAMESTR HEADER RECORD!!!!!!!000000{len(fields):04}00000000000000000000",
    ]
    described = b"".join(field.namestr() for field in fields)
    described += b" " * (-len(described) % _CARD)
    return b"".join(map(_card, cards)) + described + _card(f"HEADER RECORD*******OBS     HEADER RECORD!!!!!!!{zeros}")


def _write_records(file: IO[bytes], name: str, part: pl.DataFrame, fields: tuple[XptField, ...]) -> int:
    width = sum(field.width for field in fields)
    grid = np.empty((part.height, width), dtype=np.uint8)
    for field in fields:
        column = part.get_column(field.name)
        cells = _numbers(column) if field.numeric else _texts(column, field.width)
        if cells is None:
            raise ExportError(
                f"{name}.{field.name} holds a value that a SAS transport file cannot keep; run `limits` before `xpt`"
            )
        grid[:, field.start : field.start + field.width] = cells
    data = grid.tobytes()
    file.write(data)
    return len(data)


def _texts(column: pl.Series, width: int) -> npt.NDArray[np.uint8] | None:
    """Fixed-width bytes, padded with blanks; None where a value is not ASCII or too wide."""
    padded = column.fill_null("").str.pad_end(width).rechunk()
    array = padded.to_arrow(compat_level=pl.CompatLevel.oldest())
    if not len(column):
        return np.empty((0, width), dtype=np.uint8)
    offsets, data = array.cast(pa.large_string()).buffers()[1:]
    span = np.frombuffer(offsets, dtype=np.int64)[array.offset : array.offset + len(array) + 1]
    cells = np.frombuffer(data, dtype=np.uint8)[span[0] : span[-1]]
    if cells.size != len(column) * width or not bool((np.diff(span) == width).all()) or int(cells.max()) > 127:
        return None
    return cells.reshape(len(column), width)


def _numbers(column: pl.Series) -> npt.NDArray[np.uint8] | None:
    """IBM hexadecimal floats, exact for every double in range; None where a value is out of range or no number.

    A double is m * 2^e with 53 bits of m; base 16 keeps 56 bits and moves the point by four, so nothing is rounded.
    """
    days = column.dtype == pl.Date
    plain = column.cast(pl.Int32).cast(pl.Float64) + _EPOCH if days else column.cast(pl.Float64)
    values = plain.fill_null(0.0).to_numpy()
    if not bool(np.isfinite(values).all()):
        return None
    mantissa, exponent = np.frexp(np.abs(values))
    hexes = -(-exponent // 4)
    fraction = np.ldexp(mantissa, 56 - (4 * hexes - exponent)).astype(np.uint64)
    excess = hexes + 64
    some = fraction != 0
    if bool((some & ((excess < 0) | (excess > 127))).any()):
        return None
    lead = np.where(values < 0, 128, 0) + np.where(some, excess, 0)
    words = (lead.astype(np.uint64) << np.uint64(56)) | fraction
    words = np.where(column.is_null().to_numpy(), _MISSING, words)
    return words.astype(">u8").view(np.uint8).reshape(len(column), 8)
