"""One subject's paper: rows per sheet, and the random numbers that decide them.

In: study, subject, site, a seed. Out: `Book.sheets`, every row complete with the sheet's headers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from random import Random
from typing import TypeVar

from cdiscx.samples.layout import HEADERS, Row

T = TypeVar("T")


def plus(day: date, days: int) -> date:
    """`day` moved by whole calendar days."""
    return day + timedelta(days=days)


@dataclass(slots=True)
class Book:
    """The rows of one subject, collected while its story is told."""

    study: str
    subject: str
    site: str
    rng: Random
    cutoff: date
    sheets: dict[str, list[Row]] = field(default_factory=dict)
    # last day on which anything may be recorded: death, withdrawal, loss or the cut-off
    horizon: date = date.max

    def __post_init__(self) -> None:
        self.sheets = {sheet: [] for sheet in HEADERS[self.study]}
        self.horizon = min(self.horizon, self.cutoff)

    def add(self, sheet: str, values: Row) -> Row:
        """Append a row to a sheet; unknown headers are a KeyError (our own slip, never the site's)."""
        headers = HEADERS[self.study][sheet]
        unknown = set(values) - set(headers)
        if unknown:
            raise KeyError(f"{sheet} has no {sorted(unknown)}")
        row: Row = {header: values.get(header) for header in headers}
        row["Subject ID"] = self.subject
        self.sheets[sheet].append(row)
        return row

    def between(self, low: int, high: int) -> int:
        """A whole number, both ends included."""
        return self.rng.randint(low, high)

    def chance(self, share: float) -> bool:
        """True in about `share` of the draws."""
        return self.rng.random() < share

    def one_of(self, choices: Sequence[T]) -> T:
        """One of the choices."""
        return self.rng.choice(choices)

    def weekday(self, day: date, low: date, high: date) -> date:
        """The working day nearest to `day` within low..high, `day` itself where there is none."""
        for step in (0, 1, -1, 2, -2):
            moved = plus(day, step)
            if low <= moved <= high and moved.weekday() < 5:
                return moved
        return day

    def in_window(self, target: date, before: int, after: int) -> date:
        """An actual date near the target and inside target - before .. target + after."""
        low, high = plus(target, -before), plus(target, after)
        spread = max(1, (before + after) // 2)
        drawn = plus(target, round(self.rng.gauss(0, spread / 2)))
        return self.weekday(min(max(drawn, low), high), low, high)
