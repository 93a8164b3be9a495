"""Exposure: infusions one row each, daily tablets one row an interval, with the changes and their causes.

In: the dates between which a drug is given. Out: rows of Dosing, and the changes that an adverse event
has to explain (`Change`), so that the two sheets tell one story.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from cdiscx.samples.book import Book, plus
from cdiscx.samples.layout import Row


@dataclass(frozen=True, slots=True)
class Change:
    """A dose change that an adverse event caused; `onset` is that event's first day."""

    drug: str
    kind: str  # the Action Taken: Dose reduced, Drug interrupted, Drug withdrawn
    onset: date
    day: date


@dataclass(frozen=True, slots=True)
class Level:
    """One step of a dose ladder."""

    dose: float
    frequency: str


LADDERS: dict[tuple[str, int], tuple[Level, ...]] = {
    ("Lenvatinib", 12): (Level(12, "QD"), Level(8, "QD"), Level(4, "QD")),
    ("Lenvatinib", 8): (Level(8, "QD"), Level(4, "QD")),
    ("Apatinib", 250): (Level(250, "QD"), Level(250, "QOD")),
}

STOP_REASONS = {
    "pd": "Progressive disease",
    "death": "Death of the subject",
    "withdrew": "Subject withdrew consent",
    "completed": "Planned treatment duration reached",
    "physician": "Decision of the investigator",
    "ae": "Adverse event",
}
HOLD = "Planned hold before hepatectomy"


def infusions(book: Book, drug: str, dose: float, frequency: str, days: Sequence[date], *, cycle: int = 1) -> list[Row]:
    """Write one row an infusion; sites give the end date or leave it blank."""
    same_day = book.chance(0.6)
    rows = []
    for number, day in enumerate(days, start=cycle):
        rows.append(
            book.add(
                "Dosing",
                {
                    "Drug": drug,
                    "Cycle": number,
                    "Start Date": day,
                    "End Date": day if same_day else None,
                    "Dose": dose,
                    "Dose Unit": "mg",
                    "Frequency": frequency,
                    "Route": "Intravenous",
                    "Ongoing": "N",
                    "Dose Changed": "None",
                },
            )
        )
    return rows


def infusion_days(book: Book, first: date, step: int, until: date) -> list[date]:
    """Infusion dates from `first` on, `step` days apart (one less to three more), not after `until`."""
    days = [first] if first <= until else []
    while days:
        following = plus(days[-1], step + book.one_of((-1, 0, 0, 0, 0, 1, 1, 2)))
        if following > until:
            break
        days.append(following)
    return days


@dataclass(slots=True)
class Tablets:
    """A daily oral drug: keeps the level reached, so that a later stretch goes on from there."""

    book: Book
    drug: str
    start_dose: int
    changes: list[Change]
    step: int = 0
    last: Row | None = None

    @property
    def level(self) -> Level:
        """The level the subject is on."""
        return LADDERS[self.drug, self.start_dose][self.step]

    def _row(self, start: date, end: date | None, changed: str, reason: str | None) -> Row:
        self.last = self.book.add(
            "Dosing",
            {
                "Drug": self.drug,
                "Start Date": start,
                "End Date": end,
                "Dose": self.level.dose,
                "Dose Unit": "mg",
                "Frequency": self.level.frequency,
                "Route": "Oral",
                "Ongoing": "Y" if end is None else "N",
                "Dose Changed": changed,
                "Change Reason": reason,
            },
        )
        return self.last

    def _can_reduce(self) -> bool:
        return self.step + 1 < len(LADDERS[self.drug, self.start_dose])

    def stretch(self, start: date, end: date | None, *, last_day: date, eventful: float = 0.0) -> None:
        """Write the intervals of one stretch; `end` None means ongoing at `last_day`.

        A change falls at least three weeks after the start and three weeks before the end, so that no
        change can be mistaken for another one (DOS-015 matches within -3 .. +14 days).
        """
        begin, changed, reason = start, "None", None
        upto = end or last_day
        day = plus(start, self.book.between(24, 60))
        while day <= plus(upto, -24) and self.book.chance(eventful):
            onset = plus(day, -self.book.between(1, 5))
            if self._can_reduce() and self.book.chance(0.55):
                self._row(begin, plus(day, -1), changed, reason)
                self.step += 1
                begin, changed, reason = day, "Reduced", "Adverse event"
                self.changes.append(Change(self.drug, "Dose reduced", onset, day))
            elif changed == "None":
                self._row(begin, day, "Interrupted", "Adverse event")
                self.changes.append(Change(self.drug, "Drug interrupted", onset, day))
                begin, changed, reason = plus(day, self.book.between(5, 15)), "None", None
            day = plus(day, self.book.between(60, 140))
        self._row(begin, end, changed, reason)

    def hold(self) -> None:
        """Mark the last interval as ended by the planned hold before surgery."""
        self._end("Interrupted", HOLD)

    def stop(self, reason: str) -> None:
        """Mark the last interval as the drug's end."""
        self._end("Discontinued", reason)

    def _end(self, changed: str, reason: str) -> None:
        """Write on the last row how it ended; a row that began reduced keeps that on a row of its own."""
        row = self.last
        assert row is not None
        assert isinstance(row["Start Date"], date)
        assert isinstance(row["End Date"], date)
        if row["Dose Changed"] == "Reduced":
            start, end = row["Start Date"], row["End Date"]
            middle = plus(start, (end - start).days // 2)
            row["End Date"] = middle
            row = self._row(plus(middle, 1), end, "None", None)
        row["Dose Changed"], row["Change Reason"] = changed, reason


def haic(book: Book, days: Sequence[date]) -> None:
    """Write the three drugs of hepatic arterial FOLFOX, fluorouracil as bolus and as 46-hour infusion."""
    drugs = (("Oxaliplatin", 85), ("Leucovorin", 400), ("Fluorouracil", 400), ("Fluorouracil", 2400))
    for number, day in enumerate(days, start=1):
        for drug, dose in drugs:
            book.add(
                "Dosing",
                {
                    "Drug": drug,
                    "Cycle": number,
                    "Start Date": day,
                    "End Date": None if dose == 2400 else day,
                    "Dose": dose,
                    "Dose Unit": "mg/m2",
                    "Frequency": "Q3W",
                    "Route": "Intra-arterial",
                    "Ongoing": "N",
                    "Dose Changed": "None",
                },
            )
