"""Dates, populations and last proof of life of one subject, read from the protocols (adam-derivations 2 and 3).

In: a `Person`. Out: `Facts`.
"""

from __future__ import annotations

import calendar
import datetime as dt
from dataclasses import dataclass
from fractions import Fraction

from plain_sheets import Person, Row, day, number, said, year_month, yes

LOCAL = ("TACE", "HAIC", "Y90-SIRT", "IMRT")
SYSTEMIC = {False: ("DURVALUMAB", "LENVATINIB"), True: ("CAMRELIZUMAB", "APATINIB")}
DAY = dt.timedelta(days=1)


@dataclass
class Facts:
    """What the endpoints start from; None: not known or not applicable."""

    consent: dt.date | None
    enrolled: dt.date | None
    diagnosed: dt.date | None
    first: dt.date | None
    last: dt.date | None
    last_dose: dt.date | None
    durvalumab: dt.date | None
    surgery: dt.date | None
    operation: Row | None
    died: dt.date | None
    dead: bool
    alive: dt.date | None
    new_therapy: dt.date | None


def month_end(year: int, month: int) -> dt.date:
    """Last day of a month."""
    return dt.date(year, month, calendar.monthrange(year, month)[1])


def doses(person: Person) -> list[Row]:
    """Rows of Dosing that are exposure: a dose of 0 mg is an interruption."""
    return [r for r in person.rows("Dosing") if number(r.get("Dose")) != Fraction(0)]


def dose_end(row: Row, stop: dt.date) -> dt.date | None:
    """Last day of an interval: an ongoing one is closed at `stop` (cut-off or death), a blank end is the start."""
    return day(row.get("End Date")) or (stop if yes(row, "Ongoing") else day(row["Start Date"]))


def _alive(person: Person) -> dt.date | None:
    found: list[dt.date | None] = [day(person.demographics.get(h)) for h in ("Informed Consent Date", "Enrolment Date")]
    found += [day(r.get("Visit Date")) for r in person.rows("Visits") if yes(r, "Visit Done")]
    found += [day(r.get(h)) for r in doses(person) for h in ("Start Date", "End Date")]
    headers = ("Start Date", "End Date", "Discharge Date", "Readmission Date")
    found += [day(r.get(h)) for r in person.rows("Procedures") for h in headers]
    # a stay is a record of its own: one may be in hospital at the cut-off for an operation after it
    found += [day(r.get("Admission Date")) for r in person.sheets.get("Procedures", [])]
    for sheet in ("Target Lesions", "Non-target Lesions", "New Lesions", "Response"):
        found += [day(r.get("Assessment Date")) for r in person.rows(sheet)]
    # a biopsy is a procedure (sdtm-mapping 1), the specimen of a resection is none of its own
    found += [day(r.get("Specimen Date")) for r in person.rows("Pathology") if said(r, "Specimen") == "BIOPSY"]
    found += [day(r.get("Sample Date")) for r in person.rows("Labs")]
    found += [day(r.get("Decision Date")) for r in person.rows("Decision")]
    found += [day(r.get("Start Date")) for r in person.rows("Adverse Events")]
    found += [day(r.get("End Date")) for r in person.rows("Adverse Events") if said(r, "Outcome") != "FATAL"]
    found += [day(r.get("Contact Date")) for r in person.rows("Survival") if said(r, "Status") == "ALIVE"]
    found += [
        day(r.get("Date")) for r in person.rows("Disposition") if said(r, "Event") not in ("DEATH", "LOST TO FOLLOW-UP")
    ]
    return max((d for d in found if d and d <= person.cutoff), default=None)


def _death(person: Person, alive: dt.date | None) -> tuple[dt.date | None, bool]:
    """Date of death by section 3, and whether the subject is dead; a death after the cut-off has not happened."""
    dates = [r.get("Death Date") for r in person.sheets.get("Survival", []) if r.get("Death Date")]
    dates += [r.get("Date") for r in person.sheets.get("Disposition", []) if said(r, "Event") == "DEATH"]
    dead = bool(dates) or any(said(r, "Status") == "DEAD" for r in person.sheets.get("Survival", []))
    if not dates:
        return None, dead
    value = dates[0]
    found = day(value)
    partial = year_month(value)
    if partial:
        year, month = partial
        first = dt.date(year, month or 1, 1)
        if first > person.cutoff:
            return None, False
        last = month_end(year, month or 12)
        found = min(max(first, alive + DAY) if alive else first, last, person.cutoff)
    if found and found > person.cutoff:
        return None, False
    return found, True


def _diagnosed(person: Person, consent: dt.date | None) -> dt.date | None:
    """Section 3: the middle of the month or year, not after consent. What is dropped at the cut-off is the record, and only
    where no day that its date can mean is before (1.5); the imputed day has no limit but the consent."""
    value = person.demographics.get("HCC Diagnosis Date")
    partial = year_month(value)
    if partial is None:
        known = day(value)
        return known if known and known <= person.cutoff else None
    year, month = partial
    if dt.date(year, month or 1, 1) > person.cutoff:
        return None
    found = dt.date(year, month or 7, 15 if month else 1)
    return min(found, consent) if consent else found


def _new_therapy(person: Person, first: dt.date | None) -> dt.date | None:
    found = []
    for row in person.sheets.get("Survival", []):
        if not yes(row, "New Anticancer Therapy"):
            continue
        value = row.get("New Therapy Date")
        partial = year_month(value)
        start = day(value)
        if partial and partial[1]:
            start = dt.date(partial[0], partial[1], 1)
            if first and month_end(partial[0], partial[1]) >= first:
                start = max(start, first)
        if start and first and first <= start <= person.cutoff:
            found.append(start)
    return min(found, default=None)


def facts(person: Person) -> Facts:
    """The dates of one subject."""
    consent = day(person.demographics.get("Informed Consent Date"))
    enrolled = day(person.demographics.get("Enrolment Date")) or consent
    alive = _alive(person)
    died, dead = _death(person, alive)
    stop = min(d for d in (person.cutoff, died) if d)
    given = doses(person)
    local = [r for r in person.rows("Procedures") if said(r, "Procedure") in LOCAL]
    starts = [d for r in [*given, *local] if (d := day(r["Start Date"]))]
    ends = [min(d, person.cutoff) for r in given if (d := dose_end(r, stop))]
    ends += [min(d, person.cutoff) for r in local if (d := day(r.get("End Date")) or day(r["Start Date"]))]
    systemic = [r for r in given if said(r, "Drug") in SYSTEMIC[person.study_b]]
    fractions = [r for r in local if said(r, "Procedure") == "IMRT"]
    dosed = [min(d, person.cutoff) for r in systemic if (d := dose_end(r, stop))]
    dosed += [min(d, person.cutoff) for r in fractions if (d := day(r.get("End Date")) or day(r["Start Date"]))]
    operations = [r for r in person.rows("Procedures") if said(r, "Procedure") == "HEPATECTOMY"]
    operations.sort(key=lambda r: day(r["Start Date"]) or dt.date.max)
    first, last = min(starts, default=None), max(ends, default=None)
    return Facts(
        consent=consent,
        enrolled=enrolled if enrolled and enrolled <= person.cutoff else None,
        diagnosed=_diagnosed(person, consent),
        first=first,
        last=last,
        last_dose=max(dosed, default=last),
        durvalumab=min((day(r["Start Date"]) for r in given if said(r, "Drug") == "DURVALUMAB"), default=None),  # type: ignore[type-var]
        surgery=day(operations[0]["Start Date"]) if operations else None,
        operation=operations[0] if operations else None,
        died=died,
        dead=dead,
        alive=min(alive, died) if alive and died else alive,
        new_therapy=_new_therapy(person, first),
    )
