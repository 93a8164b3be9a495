"""What passes between the door and the format readers: the bytes as given, and what a reader made of them."""

from __future__ import annotations

from dataclasses import dataclass, field

import polars as pl

from cdiscx.model.table import RawSheet, letter
from cdiscx.read.cells import Patches
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
    padded: Patches = field(default_factory=dict)


def raw_sheet(file: str, sheet: str, text: pl.DataFrame, kinds: pl.DataFrame, facts: SheetFacts) -> RawSheet:
    """The sheet with its facts clipped to what it holds: a hidden `C:XFD` of a narrow sheet hides nothing."""
    letters = [name for name in text.columns if name != "_row"]
    rows = set(text["_row"].to_list()) if facts.hidden_rows else set()
    return RawSheet(
        file,
        sheet,
        text,
        kinds,
        merged=tuple(sorted(facts.merged)),
        hidden=facts.hidden,
        hidden_rows=tuple(sorted(rows.intersection(facts.hidden_rows))),
        hidden_columns=tuple(
            letter(i)
            for i in range(len(letters))
            if any(first <= i + 1 <= last for first, last in facts.hidden_columns)
        ),
        formulas=facts.formulas,
    )
