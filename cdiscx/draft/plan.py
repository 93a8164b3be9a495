"""Visits and doses of the pages in; schedule and regimens of a study file, as lines of YAML, out."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

import polars as pl

from cdiscx.draft.workbook import Found, Page
from cdiscx.standards.date_text import read_dates

DECIDE = "DECIDE:"
_UNPLANNED = re.compile(r"\s*(unscheduled|unplanned|uns\b|计划外|非计划)", re.IGNORECASE)
_SERIES = re.compile(r"^(?P<base>\D*?)[ -]*(?P<n>\d{1,3})$")


def quoted(text: str) -> str:
    """A text as YAML writes it in one line."""
    plain = re.fullmatch(r"[A-Za-zÄÖÜäöüßÀ-ÿ][\w ./+()%ÄÖÜäöüßÀ-ÿ-]*", text)
    risky = text.strip() != text or text.upper() in {"Y", "N", "YES", "NO", "TRUE", "FALSE", "NULL", "ON", "OFF"}
    return text if plain and not risky else '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


@dataclass(frozen=True, slots=True)
class Seen:
    """One visit name: median day after the first dose, the earliest and latest of them, how many subjects."""

    name: str
    day: int
    low: int
    high: int
    n: int


def dates_of(found: Found | None, order: str | None) -> list[dt.date | None]:
    """The complete days of a column."""
    if found is None:
        return []
    return list(read_dates(pl.Series([*found.values], dtype=pl.String), order=order).get_column("date"))


def first_doses(pages: Sequence[Page], order: str | None) -> dict[str, dt.date]:
    """Subject -> first day in the dosing sheet, else in the visits."""
    for table, column in (("dosing", "EXSTDAT"), ("visits", "VISDAT")):
        page = next((p for p in pages if p.holds == table), None)
        who = page.column("SUBJID") if page else None
        if page is None or who is None or page.column(column) is None:
            continue
        first: dict[str, dt.date] = {}
        for subject, day in zip(who.values, dates_of(page.column(column), order), strict=False):
            if subject and day and (subject not in first or day < first[subject]):
                first[subject] = day
        if first:
            return first
    return {}


def seen_visits(pages: Sequence[Page], order: str | None) -> list[Seen]:
    """Visit names of the visits sheet (else of any) with their days, in order of the median day."""
    first = first_doses(pages, order)
    page = next((p for p in pages if p.holds == "visits"), None)
    visit, who = (page.column("VISIT"), page.column("SUBJID")) if page else (None, None)
    if page is None or visit is None or who is None:
        return []
    days: dict[str, list[int]] = {}
    for name, subject, day in zip(visit.values, who.values, dates_of(page.column("VISDAT"), order), strict=False):
        if name and subject in first and day and not _UNPLANNED.match(name):
            days.setdefault(" ".join(name.split()), []).append((day - first[subject]).days)
    seen = [Seen(n, round(median(d)), min(d), max(d), len(d)) for n, d in days.items()]
    return sorted(seen, key=lambda s: (s.day, s.name))


def schedule_lines(pages: Sequence[Page], order: str | None) -> list[str]:
    """`schedule:` from the visit names that were found."""
    seen = seen_visits(pages, order)
    if not seen:
        return [f"# {DECIDE} no visit names were found; write the schedule here", "schedule: []"]
    series: dict[str, list[tuple[int, Seen]]] = {}
    for visit in seen:
        if found := _SERIES.match(visit.name):
            series.setdefault(found["base"].strip(), []).append((int(found["n"]), visit))
    series = {base: sorted(items) for base, items in series.items() if len(items) > 1 and base}
    in_series = {v.name for items in series.values() for _, v in items}
    lines = ["schedule:   # in order of the median day after the first dose"]
    number, baseline = 0, False
    for visit in seen:
        if visit.name in in_series:
            continue
        number += 1
        first = not baseline and visit.day < 0
        baseline = baseline or first
        lines += _single(visit, number, baseline=first)
    for k, (base, items) in enumerate(series.items()):
        lines += _numbered(base, items, 100 * (k + 1))
    if not baseline:
        lines.append(f"# {DECIDE} no visit lies before the first dose; which one is the baseline (`baseline: true`)?")
    return lines


def _single(visit: Seen, number: int, *, baseline: bool) -> Iterator[str]:
    yield f"  - name: {quoted(visit.name)}   # guess: {visit.n} subjects, day {visit.low} to {visit.high}, median {visit.day}"
    yield f"    num: {number}"
    yield "    anchor: D1"
    if baseline:
        yield f"    from: {min(visit.low, -28)}"
        yield "    to: -1"
        yield f"    baseline: true   # {DECIDE} is this the baseline visit, and is there imaging (`imaging: true`)?"
    else:
        width = max(visit.high - visit.day, visit.day - visit.low, 3 if visit.day else 0)
        yield f"    target: {visit.day}"
        yield f"    window: {width}   # {DECIDE} the protocol's window; the sites kept to {width} days"


def _numbered(base: str, items: list[tuple[int, Seen]], number: int) -> Iterator[str]:
    steps = [(b.day - a.day) / max(1, n - m) for (m, a), (n, b) in pairwise(items)]
    every = max(1, round(median(steps)))
    yield f"  - name: {quoted(base)}   # guess: a series, {base} {items[0][0]} to {base} {items[-1][0]}, about {every} days apart"
    yield f"    num: {number}"
    yield "    anchor: D1"
    yield f"    repeat: follow-up   # {DECIDE} assessment (with `assessments:`), dose (with `drug:`) or follow-up?"
    yield f"    every: {every}"
    yield f"    window: 7   # {DECIDE} the protocol's window"


def regimen_lines(pages: Sequence[Page], order: str | None) -> list[str]:
    """`regimens:` and `components:` from the dosing sheet."""
    page = next((p for p in pages if p.holds == "dosing"), None)
    drug = page.column("EXTRT") if page else None
    if page is None or drug is None:
        return [f"# {DECIDE} no drugs were found; describe them under `regimens:` for the checks of dose and interval"]
    start, end = dates_of(page.column("EXSTDAT"), order), dates_of(page.column("EXENDAT"), order)
    who, dose = page.column("SUBJID"), page.column("EXDOSE")
    lines = ["regimens:"]
    for text in drug.kind.texts:
        rows = [i for i, value in enumerate(drug.values) if value and " ".join(value.split()) == text]
        spans = [(e - s).days for i in rows if i < len(end) and (s := start[i]) and (e := end[i])]
        daily = bool(spans) and median(spans) > 1
        amounts = [_number(dose.values[i]) for i in rows] if dose else []
        amount = median([a for a in amounts if a is not None]) if any(a is not None for a in amounts) else 0
        gaps = _gaps([(who.values[i], start[i]) for i in rows] if who else [])
        daily = daily or (not gaps and not spans)
        how = (
            f"median of {len(spans)} intervals is {median(spans):g} days"
            if spans
            else f"{len(rows)} rows without an end"
        )
        lines += [
            f"  {quoted(text.upper())}:   # guess: {'daily' if daily else 'infusion'}, {how}",
            f"    kind: {'daily' if daily else 'infusion'}",
            f"    component: {quoted(text.upper())}",
            f"    plan_check: {'DOS-003' if daily else 'DOS-001'}",
            f"    amount: {amount:g}   # {DECIDE} the planned dose; this is the median of what was given",
        ]
        if not daily and gaps:
            lines.append(f"    interval: {round(median(gaps))}   # {DECIDE} the planned interval in days")
    lines.append("components:")
    for text in drug.kind.texts:
        name = quoted(text.upper())
        lines.append(f"  {name}: {{label: {quoted(text.lower())}, drugs: [{name}]}}")
    return lines


def _gaps(rows: list[tuple[str | None, dt.date | None]]) -> list[int]:
    out = []
    for subject in dict.fromkeys(s for s, _ in rows):
        days = sorted({d for s, d in rows if s == subject and d})
        out += [(b - a).days for a, b in pairwise(days)]
    return out


def _number(text: str | None) -> float | None:
    found = re.match(r"\s*(\d+(?:[.,]\d+)?)", text or "")
    return float(found[1].replace(",", ".")) if found else None
