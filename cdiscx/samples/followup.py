"""What comes after treatment: end of treatment, survival contacts, loss, death and their records.

In: the dates that the story has fixed. Out: rows of Visits, Survival and Disposition.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from cdiscx.samples.book import Book, plus
from cdiscx.samples.layout import Row

EVENTS = {
    "pd": ("Progressive disease", "Progression on imaging"),
    "death": ("Death", "Death of the subject"),
    "withdrew": ("Withdrew consent", "Subject did not wish to continue"),
    "completed": ("Completed", "Planned treatment duration reached"),
    "physician": ("Physician decision", "Investigator saw no further benefit"),
    "ae": ("Adverse event", "Unacceptable toxicity"),
}


@dataclass(frozen=True, slots=True)
class Therapy:
    """A treatment given after the study's, at some day."""

    name: str
    day: date
    month_only: bool = False


def visit(book: Book, name: str, day: date, weight: float | None = None, ecog: int | None = None) -> bool:
    """Write a visit that took place, unless it lies past the subject's horizon; says whether it did."""
    if day > book.horizon:
        return False
    book.add("Visits", {"Visit": name, "Visit Date": day, "Visit Done": "Y", "Weight": weight, "ECOG": ecog})
    return True


def missed(book: Book, name: str, reason: str) -> None:
    """Write a visit that did not take place."""
    book.add("Visits", {"Visit": name, "Visit Done": "N", "Reason Not Done": reason})


def disposition(book: Book, kind: str, scope: str, day: date, drug: str | None = None) -> None:
    """Write one disposition record."""
    event, reason = EVENTS[kind]
    book.add("Disposition", {"Event": event, "Scope": scope, "Treatment": drug, "Date": day, "Reason": reason})


def contact(book: Book, day: date, therapy: Therapy | None = None) -> Row:
    """Write a survival contact with a subject who is alive."""
    row: Row = {"Contact Date": day, "Status": "Alive", "New Anticancer Therapy": "N"}
    if therapy is not None:
        row["New Anticancer Therapy"] = "Y"
        row["New Therapy Date"] = therapy.day.strftime("%Y-%m") if therapy.month_only else therapy.day
        row["New Therapy Name"] = therapy.name
    return book.add("Survival", row)


@dataclass(slots=True)
class AfterTreatment:
    """The follow-up of one subject: `anchor` is the later of last dose and surgery, None on treatment."""

    book: Book
    anchor: date | None
    last_dose: date | None
    treatment_ended: bool
    death: date | None = None
    cause: str | None = None
    lost_after: int | None = None  # number of the last survival follow-up that reached the subject
    withdrawn: date | None = None
    therapy: Therapy | None = None
    surgery: date | None = None

    def write(self) -> None:
        """Write end of treatment visit, survival contacts and what ended the follow-up."""
        book = self.book
        if self.treatment_ended and self.last_dose is not None:
            visit(book, "END OF TREATMENT", book.in_window(plus(self.last_dose, 30), 5, 5))
        if self.treatment_ended and self.anchor is not None:
            self._visits(self.anchor)
        if self.death is not None and self.death <= book.cutoff:
            told = plus(self.death, book.between(0, 9))
            book.add(
                "Survival",
                {
                    "Contact Date": told if told <= book.cutoff else self.death,
                    "Status": "Dead",
                    "Death Date": self.death,
                    "Cause of Death": self.cause,
                },
            )
            disposition(book, "death", "Study", self.death)
        elif self.withdrawn is not None and self.withdrawn <= book.cutoff:
            contact(book, self.withdrawn)
            disposition(book, "withdrew", "Study", self.withdrawn)
        elif self.lost_after is None:
            self._sweep()

    def _visits(self, anchor: date) -> None:
        """Survival follow-up visits every 84 days, until the horizon or until the subject is lost."""
        book, number = self.book, 1
        while plus(anchor, 84 * number - 14) <= book.horizon:
            name, due = f"SURVIVAL FOLLOW-UP {number}", plus(anchor, 84 * number)
            if self.lost_after is not None and number > self.lost_after:
                self._lose(anchor)
                return
            day = book.in_window(due, 9, 9)
            if (self.death is None or day < self.death) and visit(book, name, day):
                contact(book, day, self._news(day))
            number += 1
        if self.lost_after is not None:
            raise ValueError("a subject is lost only where the cut-off is late enough to notice it")

    def _lose(self, anchor: date) -> None:
        """Two contacts that failed, then the record of the loss."""
        book, first = self.book, (self.lost_after or 0) + 1
        for number in (first, first + 1):
            missed(book, f"SURVIVAL FOLLOW-UP {number}", "Telephone not answered, letter returned")
        gone = plus(anchor, 84 * (first + 1) + 15)
        book.add("Survival", {"Contact Date": gone, "Status": "Lost to follow-up"})
        book.add(
            "Disposition",
            {"Event": "Lost to follow-up", "Scope": "Study", "Date": gone, "Reason": "Three calls failed"},
        )

    def _news(self, day: date) -> Therapy | None:
        """The new therapy, told at the first contact after its start."""
        if self.therapy is None or self.therapy.day > day:
            return None
        told, self.therapy = self.therapy, None
        return told

    def _sweep(self) -> None:
        """The call before the cut-off that every site makes for subjects who are alive."""
        book = self.book
        day = plus(book.cutoff, -book.between(0, 20))
        if self.surgery is not None and plus(self.surgery, 30) <= book.cutoff:
            day = max(day, plus(self.surgery, 30))  # alive on day 30 has to be proven (SUR-005)
        known = {row["Contact Date"] for row in book.sheets["Survival"]}
        latest = max((d for d in known if isinstance(d, date)), default=date.min)
        if day > latest:
            contact(book, day, self._news(day))
