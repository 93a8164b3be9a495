"""Laboratory pages: each site has its own analysers, so units and ranges differ between sites.

In: visits with dates. Out: rows of Labs, none of them far enough from normal to ask for an adverse event.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from cdiscx.samples.book import Book, plus
from cdiscx.samples.people import Person


@dataclass(frozen=True, slots=True)
class Assay:
    """One test of one laboratory: factor from the house unit, range in the reported unit."""

    unit: str | None
    factor: float
    low: float
    high: float
    digits: int = 1
    most: int | None = None  # above it the analyser says only "more than"


_SI: dict[str, Assay] = {
    "BILI": Assay("umol/L", 1, 3.4, 20.5),
    "ALB": Assay("g/L", 1, 40, 55),
    "ALT": Assay("U/L", 1, 9, 50, 0),
    "AST": Assay("U/L", 1, 15, 40, 0),
    "INR": Assay(None, 1, 0.8, 1.2, 2),
    "PLAT": Assay("10^9/L", 1, 125, 350, 0),
    "CREAT": Assay("umol/L", 1, 57, 97, 0),
    "AFP": Assay("ng/mL", 1, 0, 7),
    "PIVKA-II": Assay("mAU/mL", 1, 0, 40, 0),
}
_CONVENTIONAL = _SI | {
    "BILI": Assay("mg/dL", 1 / 17.1, 0.2, 1.2, 2),
    "ALB": Assay("g/dL", 0.1, 4.0, 5.5, 2),
    "CREAT": Assay("mg/dL", 1 / 88.4, 0.64, 1.1, 2),
}
_OLDER = _SI | {
    "BILI": Assay("umol/L", 1, 5.1, 22.2),
    "ALB": Assay("g/L", 1, 35, 52),
    "ALT": Assay("U/L", 1, 5, 40, 0),
    "AFP": Assay("ug/L", 1, 0, 20, most=1210),
}
LABORATORIES: tuple[dict[str, Assay], ...] = (_SI, _CONVENTIONAL, _OLDER)


class Laboratory:
    """The laboratory of a subject's site, with the subject's own usual values."""

    def __init__(self, book: Book, person: Person) -> None:
        self.book = book
        self.assays = LABORATORIES[(int("".join(c for c in book.site if c.isdigit())) - 1) % 3]
        self._sampled: set[date] = set()
        self._marker = 1.0
        self.usual = {
            "BILI": person.bilirubin,
            "ALB": person.albumin,
            "ALT": book.rng.uniform(18, 62),
            "AST": book.rng.uniform(20, 66),
            "INR": person.inr,
            "PLAT": book.rng.uniform(105, 240),
            "CREAT": book.rng.uniform(58, 92),
            "AFP": person.afp,
            "PIVKA-II": min(person.afp * book.rng.uniform(2, 6) + 30, 20000),
        }

    def sample(self, visit: str, day: date, *, markers: bool) -> None:
        """Write the panel of one visit, with the tumour markers (which drift) where a scan asks for them."""
        if day in self._sampled:
            return  # two visits on one day share the blood that was drawn
        self._sampled.add(day)
        if markers:
            self._marker = min(1.2, max(0.2, self._marker * self.book.rng.uniform(0.75, 1.1)))
        for test, assay in self.assays.items():
            if test in ("AFP", "PIVKA-II") and not markers:
                continue
            scale = self._marker if test in ("AFP", "PIVKA-II") else 1.0
            # 3 % keeps every baseline value on its side of the Child-Pugh limits
            value = self.usual[test] * scale * self.book.rng.uniform(0.97, 1.03) * assay.factor
            read: float | int = round(value, assay.digits) if assay.digits else max(1, round(value))
            self.book.add(
                "Labs",
                {
                    "Visit": visit,
                    "Sample Date": day,
                    "Test": test,
                    "Result": read if assay.most is None or read <= assay.most else f">{assay.most}",
                    "Unit": assay.unit,
                    "Normal Low": assay.low,
                    "Normal High": assay.high,
                },
            )


def sample_day(book: Book, visit: date, *, baseline: bool) -> date:
    """Blood is drawn on the visit's day, at baseline sometimes a day or two before it."""
    return plus(visit, -book.between(0, 2)) if baseline else visit
