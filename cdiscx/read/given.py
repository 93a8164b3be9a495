"""What passes between the door and the format readers: the bytes as given, and what a reader made of them."""

from __future__ import annotations

from dataclasses import dataclass, field

from cdiscx.model.table import RawSheet
from cdiscx.read.limits import Limits


@dataclass(frozen=True, slots=True)
class Given:
    """An upload before it is understood. `name` has no folder."""

    name: str
    data: bytes
    limits: Limits


@dataclass(frozen=True, slots=True)
class Found:
    """What a reader found: sheets in the order of the file, and notes a data manager may want to know."""

    sheets: tuple[RawSheet, ...]
    notes: tuple[str, ...] = ()
    date_system: int = 1900


@dataclass(slots=True)
class SheetFacts:
    """What stands beside a sheet's values. Rows are 1-based, columns 1-based and inclusive."""

    hidden_rows: list[int] = field(default_factory=list)
    hidden_columns: list[tuple[int, int]] = field(default_factory=list)
    merged: list[tuple[int, int, int, int]] = field(default_factory=list)
    formulas: int = 0
    hidden: bool = False
