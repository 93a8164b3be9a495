"""Frames that wait on disk: an upload larger than memory is worked on a sheet and a share of its subjects at a time.

A `Kept` stands for a frame in Arrow IPC files of a private folder; whoever holds it under the name of a frame gets the
frame when the name is read, and nothing stays in memory. The folder goes when the last `Kept` of it does, at the latest
when the program ends, after an error as well.
"""

from __future__ import annotations

import io
import os
import shutil
import tempfile
import weakref
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import compress, count
from pathlib import Path
from typing import Any, overload

import polars as pl

from cdiscx.model.errors import ExportError

#: folders that are not gone yet
_IN_USE: weakref.WeakSet[Scratch] = weakref.WeakSet()


def close_all() -> None:
    """Removes every private folder of this process: it is about to be ended from outside."""
    for scratch in list(_IN_USE):
        scratch.close()


class Scratch:
    """A private folder for frames, only its owner's to read, which goes with the object."""

    def __init__(self) -> None:
        try:
            self.path = tempfile.mkdtemp(prefix="cdiscx-")
        except OSError as error:
            raise _no_room(tempfile.gettempdir(), error) from error
        self._numbers = count()
        self._end = weakref.finalize(self, _removed, self.path, os.getpid())
        _IN_USE.add(self)

    def close(self) -> None:
        """Removes the folder with all its frames now."""
        self._end()

    def place(self) -> str:
        """A path that no other frame has."""
        return os.path.join(self.path, f"{next(self._numbers):06}.arrow")

    @contextmanager
    def room(self) -> Iterator[None]:
        """What is written within may find the disk full: ExportError says which."""
        try:
            yield
        except OSError as error:
            raise _no_room(self.path, error) from error

    def keep(self, frame: pl.DataFrame) -> Kept:
        """Writes a frame. Raises ExportError where the disk is full."""
        path = self.place()
        with self.room():
            frame.write_ipc(path, compression="lz4", record_batch_size=ROWS)
        return Kept((path,), frame.height, frame.schema, self)

    def rewritten(self, pieces: Iterable[pl.DataFrame], schema: pl.Schema) -> Kept:
        """A frame of pieces that are made and written one by one, a file each."""
        written = [self.keep(piece) for piece in pieces]
        return Kept(tuple(k.paths[0] for k in written), sum(k.height for k in written), schema, self)

    def drop(self, frames: Iterable[Kept]) -> None:
        """Removes the files of frames that nobody asks for any more."""
        for kept in frames:
            for path in kept.paths:
                os.unlink(path)


#: rows written as one batch
ROWS = 100_000


def _removed(path: str, owner: int) -> None:
    if os.getpid() == owner:  # a forked child leaves its parent's folder alone
        shutil.rmtree(path, ignore_errors=True)


def _no_room(path: str, error: OSError) -> ExportError:
    said = error.strerror or str(error)
    return ExportError(f"{path} cannot take the temporary files of a large upload: {said}; set TMPDIR to a larger disk")


@dataclass(frozen=True, slots=True)
class Kept:
    """A frame in the files `paths`, one after the other."""

    paths: tuple[str, ...]
    height: int
    schema: pl.Schema
    owner: Scratch | None = field(default=None, compare=False, repr=False)

    def __getstate__(self) -> tuple[Any, ...]:
        return self.paths, self.height, self.schema  # another process reads the files and does not own them

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        for name, value in zip(("paths", "height", "schema"), state, strict=True):
            object.__setattr__(self, name, value)
        object.__setattr__(self, "owner", None)

    @property
    def columns(self) -> list[str]:
        """The names of its columns."""
        return self.schema.names()

    def lazy(self) -> pl.LazyFrame:
        """The frame, read when and as far as it is asked for."""
        if not self.paths:
            return pl.LazyFrame(schema=self.schema)
        return pl.scan_ipc(list(self.paths), glob=False)

    def load(self) -> pl.DataFrame:
        """The whole frame in memory."""
        return self.lazy().collect()


def copied(few: pl.DataFrame) -> pl.DataFrame:
    """A few rows picked from a large frame, with texts of their own: otherwise they hold all texts of the large one."""
    out = io.BytesIO()
    few.write_ipc(out, compat_level=pl.CompatLevel.oldest())  # texts one behind the other, not places in shared ones
    out.seek(0)
    return pl.read_ipc(out).cast(few.schema)


def selected(held: pl.DataFrame | Kept, columns: Sequence[str]) -> pl.DataFrame:
    """Some columns of a frame in memory or on disk; of one on disk the others are not read."""
    return held.select(columns) if isinstance(held, pl.DataFrame) else held.lazy().select(columns).collect()


def pieces(
    held: pl.DataFrame | Kept, columns: Sequence[str] | None = None, wanted: Sequence[bool] | None = None
) -> Iterator[pl.DataFrame]:
    """The frame, or some of its columns, as it is in memory; of one on disk a file at a time. `wanted`: which of them."""
    if isinstance(held, pl.DataFrame):
        if wanted is None or wanted[0]:
            yield held if columns is None else held.select(columns)
        return
    for path in held.paths if wanted is None else compress(held.paths, wanted):
        rows = pl.scan_ipc(path, glob=False)
        yield (rows if columns is None else rows.select(columns)).collect()


def changed(
    held: Kept, change: Callable[[pl.DataFrame, int], pl.DataFrame], first: int = 0, *, keep: bool = False
) -> Kept:
    """Each file of a frame changed (with the number of its first row, from `first` on).

    The files as they were go, or, with `keep`, stay, and the new ones are in a folder of their own, which goes with them.
    """
    scratch = Scratch() if keep or held.owner is None else held.owner
    written, start = [], first
    for piece in pieces(held):
        written.append(scratch.keep(change(piece, start)))
        start += piece.height
    schema = written[0].schema if written else change(pl.DataFrame(schema=held.schema), first).schema
    if held.owner is not None and not keep:
        scratch.drop([held])
    return Kept(tuple(k.paths[0] for k in written), sum(k.height for k in written), schema, scratch)


def regrouped(frames: Iterable[pl.DataFrame], size: int) -> Iterator[pl.DataFrame]:
    """The same rows, `size` at a time (the last time fewer); one frame without rows where there are none but a frame."""
    held: list[pl.DataFrame] = []
    waiting, some = 0, False
    for frame in frames:
        held.append(frame)
        waiting += frame.height
        if waiting >= size:
            rows = pl.concat(held)
            whole = waiting - waiting % size
            yield from (rows.slice(first, size).rechunk() for first in range(0, whole, size))
            held, waiting, some = [rows.slice(whole).rechunk()], waiting - whole, True
    if held and (waiting or not some):
        yield pl.concat(held).rechunk()


class Held:
    """The field of a dataclass that is a frame to whoever reads it, also where a `Kept` was given."""

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = f"_{name}"

    @overload
    def __get__(self, holder: None, owner: type) -> pl.DataFrame: ...

    @overload
    def __get__(self, holder: object, owner: type) -> pl.DataFrame: ...

    def __get__(self, holder: object | None, owner: type) -> pl.DataFrame:
        if holder is None:
            raise AttributeError(self._name)  # no default: the field has to be given
        found = holder.__dict__[self._name]
        return found.load() if isinstance(found, Kept) else found

    def __set__(self, holder: object, value: pl.DataFrame | Kept) -> None:
        holder.__dict__[self._name] = value


class Writers:
    """Several frames of one schema written piece by piece, a file each."""

    def __init__(self, scratch: Scratch, number: int) -> None:
        self.scratch = scratch
        self.paths = [scratch.place() for _ in range(number)]
        self.heights = [0] * number
        self._open: dict[int, Any] = {}
        self._schema: pl.Schema | None = None

    def write(self, number: int, piece: pl.DataFrame) -> None:
        """Adds rows to one of the frames. Raises ExportError where the disk is full."""
        table = piece.to_arrow(compat_level=pl.CompatLevel.newest())
        self._schema = piece.schema
        try:
            if number not in self._open:
                import pyarrow as pa  # only larger uploads come here

                how = pa.ipc.IpcWriteOptions(compression="lz4")
                self._open[number] = pa.ipc.new_file(self.paths[number], table.schema, options=how)
            self._open[number].write_table(table)
        except OSError as error:
            raise _no_room(self.scratch.path, error) from error
        self.heights[number] += piece.height

    def kept(self, schema: pl.Schema) -> list[Kept]:
        """The frames as written, empty ones without a file."""
        try:
            for file in self._open.values():
                file.close()
        except OSError as error:
            raise _no_room(self.scratch.path, error) from error
        return [
            Kept((self.paths[n],) if n in self._open else (), self.heights[n], schema, self.scratch)
            for n in range(len(self.paths))
        ]


def scratch_of(kept: Iterable[Kept | None]) -> Scratch | None:
    """The folder that some frames lie in; None where all are in memory."""
    return next((k.owner for k in kept if k is not None and k.owner is not None), None)


def together(pieces: Sequence[Kept], schema: pl.Schema) -> Kept:
    """Several kept frames of one schema as one."""
    paths = tuple(path for piece in pieces if piece.height for path in piece.paths)
    return Kept(paths, sum(p.height for p in pieces), schema, scratch_of(pieces))


def joined(frames: Sequence[pl.DataFrame | Kept], schema: pl.Schema) -> pl.DataFrame | Kept:
    """Frames of one schema, all in memory or all on disk, as one; an empty one in memory where there is none."""
    kept = [frame for frame in frames if isinstance(frame, Kept)]
    if kept:
        return together(kept, schema)
    return pl.concat([pl.DataFrame(schema=schema), *(f for f in frames if isinstance(f, pl.DataFrame))])


def size_of(path: Path) -> int:
    """Bytes of a file, or of the files of a folder; 0 where it cannot be told."""
    try:
        if path.is_dir():
            return sum(p.stat().st_size for p in path.iterdir() if p.is_file())
        return path.stat().st_size
    except OSError:
        return 0
