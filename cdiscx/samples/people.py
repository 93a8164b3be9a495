"""Invented people: demographics and baseline facts. No real person, hospital or number is meant.

In: a Book and the dates of consent and enrolment. Out: the Demographics row.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from cdiscx.samples.book import Book, plus
from cdiscx.samples.layout import NEOPVTT, Row


@dataclass(frozen=True, slots=True)
class Person:
    """Baseline facts that other pages need."""

    weight: float
    child_pugh: int
    bilirubin: float  # umol/L
    albumin: float  # g/L
    inr: float
    afp: float  # ng/mL
    ecog: int


def _liver(book: Book) -> tuple[int, float, float, float]:
    """Child-Pugh score with the bilirubin, albumin and INR that give it; no ascites, no encephalopathy."""
    bilirubin = round(book.rng.uniform(7, 26), 1)
    albumin, points = round(book.rng.uniform(37.5, 46), 1), 5
    share = book.rng.random()
    if share < 0.25:
        albumin, points = round(book.rng.uniform(29.5, 33.5), 1), 6
    elif share < 0.35 and book.study != NEOPVTT:
        albumin, bilirubin, points = (
            round(book.rng.uniform(29.5, 33.5), 1),
            round(book.rng.uniform(38, 46), 1),
            7,
        )
    return points, bilirubin, albumin, round(book.rng.uniform(0.92, 1.28), 2)


def enrol(book: Book, number: int, *, consent: date, enrolment: date, stage: str, pvtt: str | None = None) -> Person:
    """Write the Demographics row; `number` spreads the birth dates so that no two people share one."""
    male = book.chance(0.78)
    limit = 75 if book.study == NEOPVTT else 79
    age = book.between(33, limit - 1)
    birth = plus(date(consent.year - age - 1, 1, 1), number * 97 % 365)
    height = book.between(160, 181) if male else book.between(150, 169)
    weight = round(height * height / 10000 * book.rng.uniform(19.5, 27), 1)
    if abs(weight - 60) < 2:
        # both sides of the dose limit are wanted, but no subject may cross it by a kilogram of breakfast
        weight = 57.4 if weight < 60 else 62.6
    points, bilirubin, albumin, inr = _liver(book)
    years = consent.year - birth.year - ((consent.month, consent.day) < (birth.month, birth.day))
    year_only = number % 12 == 7
    ecog = book.one_of((0, 0, 1))
    row: Row = {
        "Site ID": book.site,
        "Sex": "M" if male else "F",
        "Birth Date": str(birth.year) if year_only else birth,
        "Age": years if year_only or book.chance(0.5) else None,
        "Race": "Asian",
        "Ethnicity": "Not Hispanic or Latino",
        "Country": "CHN",
        "Informed Consent Date": consent,
        "Enrolment Date": enrolment,
        "HCC Diagnosis Date": plus(consent, -book.between(6, 75)),
        "BCLC Stage": stage,
        "Child-Pugh Score": points,
        "ECOG": ecog,
        "Height": height,
        "Weight": weight,
    }
    book.add("Demographics", row | ({"PVTT Class": pvtt} if pvtt else {}))
    afp = round(min(10 ** book.rng.uniform(0.5, 3.6), 4000), 1)
    return Person(weight, points, bilirubin, albumin, inr, afp, ecog)
