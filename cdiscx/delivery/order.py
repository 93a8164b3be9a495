"""What is wanted of a delivery, and what was made."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from pathlib import Path

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


@dataclass(frozen=True, slots=True)
class Delivered:
    """What was made: the folder, its files, and sentences for the person who asked."""

    folder: Path
    files: tuple[Path, ...]
    notes: tuple[str, ...]
