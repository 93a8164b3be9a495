"""What is known about a subject while its pages are written: one record that the chapters share."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Generic, Protocol, TypeVar

from cdiscx.samples.adverse import Exposure
from cdiscx.samples.book import Book
from cdiscx.samples.dosing import Change
from cdiscx.samples.followup import visit
from cdiscx.samples.labs import Laboratory, sample_day
from cdiscx.samples.people import Person


class _Operable(Protocol):
    surgery: date | None


S = TypeVar("S")
P = TypeVar("P", bound=_Operable)


@dataclass(slots=True)
class Telling(Generic[S, P]):
    """A subject's story (S), its dates (P) and what has been decided so far."""

    book: Book
    story: S
    plan: P
    number: int
    person: Person
    laboratory: Laboratory
    infusions: list[date] = field(default_factory=list)
    end: date | None = None  # last day of study treatment, None while it goes on
    why: str = ""
    progressed: date | None = None
    onset: date | None = None  # of the event for which all treatment was withdrawn
    tablet_onset: date | None = None  # of the event for which the tablets alone were withdrawn
    month3: str | None = None
    changes: list[Change] = field(default_factory=list)
    exposure: Exposure = field(default_factory=Exposure)
    last_infusion: date | None = None
    last_tablet: date | None = None

    @property
    def operated(self) -> bool:
        """Whether the hepatectomy lies within what is recorded."""
        return self.plan.surgery is not None and self.plan.surgery <= self.book.horizon

    @property
    def stop_by(self) -> date:
        """The last day on which a drug may be given."""
        return min(self.book.horizon, self.end or date.max)

    def weight(self) -> float:
        """Body weight at a visit, within five percent of the baseline."""
        return round(self.person.weight * self.book.rng.uniform(0.955, 1.03), 1)

    def ecog(self) -> int:
        """Performance status at a visit."""
        return self.book.one_of((0, 0, 1))

    def seen(self, name: str, day: date, *, markers: bool = False, baseline: bool = False) -> bool:
        """Write a visit with weight, ECOG and laboratory; says whether it lies within the horizon."""
        weight = self.person.weight if baseline else self.weight()
        ecog = self.person.ecog if baseline else self.ecog()
        if not visit(self.book, name, day, weight, ecog):
            return False
        self.laboratory.sample(name, sample_day(self.book, day, baseline=baseline), markers=markers)
        return True
