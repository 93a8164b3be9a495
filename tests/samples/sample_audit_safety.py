"""The catalogue's safety and laboratory rules over sample rows (see `sample_audit`)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from itertools import pairwise

from sample_audit import Subject, as_day, rule, shift


@rule
def events(s: Subject) -> Iterator[str]:
    """SAF-001 to SAF-005, TRM-004."""
    stay = None
    if s.operation is not None:
        stay = (as_day(s.operation["Admission Date"]), s.operation["Discharge Date"], s.operation["Readmission Date"])
    given = _given(s)
    terms = [r["Term"] for r in s.sheets["Adverse Events"]]
    if len(set(terms)) != len(terms):
        yield "SAF-004 same term twice"
    for number, row in enumerate(s.sheets["Adverse Events"], start=1):
        if row["AE Number"] != number or not row["Preferred Term"] or not row["System Organ Class"]:
            yield "TRM-004"
        fatal = row["Outcome"] == "Fatal"
        if len({fatal, row["CTCAE Grade"] == 5, "Death" in str(row["Serious Criterion"])}) > 1:
            yield "SAF-002"
        if fatal and row["End Date"] != s.death:
            yield "SAF-002 end"
        if (row["Serious"] == "Y") != (row["Serious Criterion"] is not None):
            yield "SAF-003"
        ended = row["Outcome"] in ("Recovered", "Recovered with sequelae", "Fatal")
        if ended != (row["End Date"] is not None) or (row["Ongoing"] == "Y") == ended:
            yield "SAF-004"
        start = row["Start Date"]
        if not isinstance(start, date):
            if str(start) < str(s.d1)[:7]:
                yield "SAF-004 partial start"
            continue
        if row["Serious Criterion"] == "Hospitalization" and stay is not None:
            near = [d for d in stay if isinstance(d, date)]
            if not any(abs((start - d).days) <= 3 for d in near):
                yield "SAF-003 hospitalisation outside known stays"
        for cause in str(row["Related To"]).split("; "):
            if cause != "None" and not (cause in given and given[cause][0] <= start <= shift(given[cause][1], 90)):
                yield f"SAF-005 {cause} {start} {given.get(cause)}"


def _given(s: Subject) -> dict[str, tuple[date, date]]:
    out: dict[str, tuple[date, date]] = {}
    for sheet, name in (("Dosing", "Drug"), ("Procedures", "Procedure")):
        for row in s.sheets[sheet]:
            first, last = as_day(row["Start Date"]), row["End Date"]
            if row.get("Ongoing") == "Y":
                last = s.cutoff
            known = out.get(str(row[name]), (first, first))
            out[str(row[name])] = (min(known[0], first), max(known[1], as_day(last or first)))
    return out


@rule
def laboratory(s: Subject) -> Iterator[str]:
    """SAF-008, SAF-009, SAF-010, STR-006's partner: the visit exists and took place."""
    done = {n for n, r in s.visits.items() if r["Visit Done"] == "Y"}
    for row in s.sheets["Labs"]:
        value, low, high = (float(str(row[h]).lstrip(">")) for h in ("Result", "Normal Low", "Normal High"))
        if low >= high or not 0.001 <= value / high <= 1000:
            yield f"SAF-009 {row['Test']} {value} {high}"
        if row["Test"] in ("ALT", "AST") and value >= 3 * high:
            yield f"SAF-008 {row['Test']} {value}"
        if row["Visit"] not in done:
            yield f"lab without visit {row['Visit']}"
    weights = [float(str(r["Weight"])) for r in s.sheets["Visits"] if r["Weight"]]
    for one, two in pairwise(weights):
        if abs(two - one) > 0.15 * one or not 30 <= one <= 200:
            yield "SAF-010"
