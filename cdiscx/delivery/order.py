"""What is wanted of a delivery, and what was made."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cdiscx import flow

FORMATS = ("xpt",)


@dataclass(frozen=True, slots=True)
class Order:
    """What is wanted: study file as named, formats, where own mappings lie, why open errors do not stop it, and the
    language of what people read of it (reports, endpoint page; never of datasets and their metadata).

    `stamp` of the files is the data cut-off, or SOURCE_DATE_EPOCH where that is set: the same input makes the same bytes.
    """

    study: str
    formats: tuple[str, ...] = FORMATS
    cutoff: dt.date | None = None
    mappings: Path | None = None
    despite: str | None = None
    progress: flow.Progress = field(default=flow._quiet)
    lang: str = "en"
    #: how the work is spread: processes, shares of the subjects, a cluster; whether tables wait on disk (None: large ones)
    workers: int = 1
    partitions: int | None = None
    cluster: str | None = None
    low_memory: bool | None = None

    @property
    def spread(self) -> dict[str, Any]:
        """The words by which the verbs of `flow` spread their work."""
        return {"workers": self.workers, "partitions": self.partitions, "cluster": self.cluster}


@dataclass(frozen=True, slots=True)
class Delivered:
    """What was made: the folder, its files, and sentences for the person who asked."""

    folder: Path
    files: tuple[Path, ...]
    notes: tuple[str, ...]
