"""What one process works on: the tidy tables of a share of the subjects, with all that is known of their upload."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Protocol

import polars as pl

from cdiscx.model.kept import Kept
from cdiscx.model.table import StudyData, Table, Upload

#: a frame on its way to another process: packed, or where it lies
Parcel = bytes | Kept


def packed(frame: pl.DataFrame) -> bytes:
    """A frame as bytes (Arrow IPC)."""
    out = io.BytesIO()
    frame.write_ipc(out, compression="lz4")
    return out.getvalue()


def unpacked(parcel: Parcel) -> pl.DataFrame:
    """The frame of a parcel."""
    return pl.read_ipc(io.BytesIO(parcel)) if isinstance(parcel, bytes) else parcel.load()


@dataclass(frozen=True, slots=True)
class Share:
    """One share of the subjects. `slim`: study, uploads without their cells, what is absent; the dates of the run."""

    number: int
    slim: StudyData
    tables: Mapping[str, tuple[Parcel, Mapping[str, tuple[str, ...]]]]
    #: observations of reading on rows of these subjects
    problems: Parcel
    #: `_rid`, `_source`, `_row` of these subjects' rows
    ledger: Parcel

    def data(self) -> StudyData:
        """The share as study data, without views."""
        tidy = {name: Table(name, unpacked(parcel), origin) for name, (parcel, origin) in self.tables.items()}
        upload = replace(self.slim.upload, ledger=unpacked(self.ledger).sort("_rid"))
        return replace(self.slim, tidy=tidy, upload=upload, problems=unpacked(self.problems))

    def sent(self) -> Share:
        """The same with its frames packed, for a machine that does not see this one's files."""
        tables = {name: (sent(parcel), origin) for name, (parcel, origin) in self.tables.items()}
        return replace(self, tables=tables, problems=sent(self.problems), ledger=sent(self.ledger))


def sent(parcel: Parcel) -> bytes:
    """A parcel packed, wherever it lies."""
    return parcel if isinstance(parcel, bytes) else packed(parcel.load())


class Shares(Protocol):
    """All shares of one run's subjects, in the order of the subjects."""

    @property
    def number(self) -> int:
        """How many there are."""

    def share(self, number: int, data: StudyData) -> Share:
        """One of them, with what `data` knows of the run."""


def slim(data: StudyData) -> StudyData:
    """Study data without rows and cells: what every process must know."""
    bare = tuple(replace(s, raw=s.raw.moved(pl.DataFrame(), pl.DataFrame())) for s in data.upload.sources)
    files = tuple(replace(f, sheets=()) for f in data.upload.files)
    upload = Upload(files, bare, pl.DataFrame(schema=data.upload.ledger.schema))
    return StudyData(data.study, upload, absent=data.absent, run=data.run)
