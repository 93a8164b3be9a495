"""What every exporter is told about the run, besides the dataset."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Facts:
    """`stamp`: creation time that is written into the files; `study`: STUDYID; `version`: of the package."""

    stamp: dt.datetime
    study: str = ""
    version: str = ""
