"""Transport files and Parquet: what they are, how many records they hold, and records of them, all or some."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import polars as pl

from cdiscx.model.errors import UploadError

if TYPE_CHECKING:
    from cdiscx.standards.transport import Layout

_MEMBER = b"HEADER RECORD*******MEMB"
#: bytes that the description of a transport file is looked for in
_HEAD = 16 * 1024**2


def broken(shown: str, why: object) -> UploadError:
    panic = isinstance(why, pl.exceptions.PanicException)  # what polars says of itself then helps nobody
    said = "it is damaged" if panic else " ".join(str(why).split())[:160].rstrip(".")
    return UploadError(f"{shown} is no dataset that can be read ({said}); export it again")


def too_many(shown: str) -> UploadError:
    return UploadError(f"{shown} holds more values than can be read at once; it was not read")


def empty(shown: str) -> UploadError:
    """A file without a byte."""
    return UploadError(f"{shown} is empty; export the dataset again")


def xpt_layout(bytes_of: Callable[[int, int], bytes], size: int, shown: str, room: int) -> tuple[Layout, int]:
    """The description of a transport file of `size` bytes, and how many records it holds: `room` values at most.

    Raises UploadError for what is none or is cut off.
    """
    # a workbook needs none of it, and it brings numpy and Arrow along
    from cdiscx.standards.transport import CARD, TransportError, is_transport, read_layout

    try:
        head = bytes_of(0, min(size, _HEAD))
        if not is_transport(head):
            raise TransportError("it does not begin like a SAS transport file")
        layout = read_layout(head)
        if (size - 8 * CARD) % CARD:
            raise TransportError("it is cut off")
        count = layout.records(size, bytes_of(max(size - layout.width - CARD, layout.data), size))
        if layout.data + count * layout.width > size:
            raise TransportError("it is cut off")
    except TransportError as error:
        raise broken(shown, error) from error
    if count * len(layout.fields) > room:
        raise too_many(shown)
    return layout, count


def xpt_records(layout: Layout, data: bytes, shown: str) -> pl.DataFrame:
    """Whole records of a transport file. Raises UploadError."""
    from cdiscx.standards.transport import TransportError, decode

    try:
        return decode(layout, data)
    except TransportError as error:
        raise broken(shown, error) from error


def one_member(data: bytes, start: int, shown: str, place: int = 0) -> None:
    """Raises UploadError where a second dataset begins in these bytes, from `start` on; they are at `place` of the file."""
    from cdiscx.standards.transport import CARD

    at = data.find(_MEMBER, start)
    while at >= 0:
        if (place + at) % CARD == 0:
            raise broken(shown, "it holds several datasets; export one a file")
        at = data.find(_MEMBER, at + 1)


def parquet_records(file: BinaryIO | Path, shown: str, first: int = 0, count: int | None = None) -> pl.DataFrame:
    """Records of a Parquet file, all or some of them. Raises UploadError."""
    try:
        with _quiet():
            return pl.scan_parquet(file, glob=False).slice(first, count).collect()
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
        raise broken(shown, error) from error


@contextmanager
def _quiet() -> Iterator[None]:
    """Standard error is nobody's for a moment: polars tells there, in pages, where its code broke on a damaged file."""
    try:
        saved = os.dup(2)
    except OSError:  # there is no standard error
        yield
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(saved, 2)
        os.close(saved)
        os.close(nowhere)


def parquet_height(file: BinaryIO, shown: str, room: int) -> int:
    """How many records a Parquet file holds: `room` values at most. Raises UploadError for what is none or no dataset."""
    try:
        size = file.seek(0, io.SEEK_END)
        file.seek(max(size - 4, 0))
        end = file.read()
        file.seek(0)
        if file.read(4) != b"PAR1" or end != b"PAR1":
            raise broken(shown, "it is not Parquet, or it is cut off")
        with _quiet():
            file.seek(0)
            schema = pl.read_parquet_schema(file)
            file.seek(0)
            height = int(pl.scan_parquet(file).select(pl.len()).collect().item())
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
        raise broken(shown, error) from error
    nested = [n for n, dtype in schema.items() if dtype.is_nested()]
    if nested:
        raise broken(shown, f"variable {nested[0]} holds lists or records")
    if height * len(schema) > room:
        raise too_many(shown)
    return height
