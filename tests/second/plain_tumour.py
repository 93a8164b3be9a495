"""Lesion rows to responses, one time point after the other (response-criteria 1, 3; trial-a 7, trial-b 7).

In: a `Person` and its `Facts`. Out: `TimePoint`s with the site's and the derived response. Study B reads mRECIST.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from fractions import Fraction

from plain_facts import Facts
from plain_sheets import Person, Row, day, number, said, yes

LESIONS = ("Target Lesions", "Non-target Lesions", "New Lesions")


@dataclass
class TimePoint:
    """A visit with scans or a response, of one evaluator."""

    visit: str
    targets: dict[str, Row] = field(default_factory=dict)
    others: dict[str, Row] = field(default_factory=dict)
    new: dict[str, Row] = field(default_factory=dict)
    site: Row | None = None
    post_operative: bool = False
    unanswered: bool = False  # new baseline, without a response of its own while a target remains
    total: Fraction | None = None  # sum of the targets
    target: str | None = None
    other: str | None = None
    appeared: dt.date | None = None  # first sight of a new lesion that is certain now
    overall: str | None = None  # derived
    primary: str | None = None  # study B: liver without the thrombus

    @property
    def days(self) -> list[dt.date]:
        """Days of the scans, else of the response."""
        rows = [*self.targets.values(), *self.others.values(), *self.new.values()]
        found = sorted(d for r in rows if (d := day(r.get("Assessment Date"))))
        return found or [d for d in [day((self.site or {}).get("Assessment Date"))] if d]

    @property
    def site_overall(self) -> str | None:
        """The site's overall response."""
        return said(self.site, "Overall Response") or None if self.site else None

    def date(self, response: str | None) -> dt.date:
        """Latest scan; for progression the earliest, or the first sight of a new lesion that became certain."""
        if response != "PD":
            return self.days[-1]
        return min([self.days[0], *([self.appeared] if self.appeared else [])])


def _gather(person: Person, evaluator: str) -> list[TimePoint]:
    found: dict[str, TimePoint] = {}
    for sheet in (*LESIONS, "Response"):
        rows = person.rows(sheet)
        if sheet == "Response":  # two of one time point: of each answer the earlier counts
            rows = sorted(rows, key=lambda r: day(r.get("Assessment Date")) or dt.date.max)
        for row in rows:
            if (said(row, "Evaluator") or "INVESTIGATOR") != evaluator:
                continue
            visit = said(row, "Visit")
            point = found.setdefault(visit, TimePoint(visit))
            if sheet == "Response":
                point.site = {**row, **{k: v for k, v in (point.site or {}).items() if v is not None}}
            else:
                place = {"Target Lesions": point.targets, "Non-target Lesions": point.others, "New Lesions": point.new}
                place[sheet][said(row, "Lesion ID")] = row
    return sorted((p for p in found.values() if p.days), key=lambda p: p.days[-1])


def is_node(row: Row) -> bool:
    """Lymph node: as stated, else by its organ."""
    return yes(row, "Lymph Node") or (not said(row, "Lymph Node") and said(row, "Organ") == "LYMPH NODE")


def is_liver(row: Row) -> bool:
    """Intrahepatic and no node."""
    return said(row, "Organ") == "LIVER" and not is_node(row)


def value(row: Row, study_b: bool) -> Fraction | None:
    """What one row enters into the sum, in mm."""
    status = said(row, "Status")
    viable = study_b and is_liver(row)
    if status == "NOT EVALUABLE" or (viable and said(row, "Arterial Phase") == "N"):
        return None
    if status == "MERGED":
        return Fraction(0)
    size = number(row.get("Short Axis" if is_node(row) else "Viable Diameter" if viable else "Diameter"))
    if size is not None:
        return size * (10 if said(row, "Unit") == "CM" else 1)
    return {"ABSENT": Fraction(0), "TOO SMALL": Fraction(5)}.get(status)


@dataclass
class _Segment:
    """A baseline and what follows it: before the operation, or after it."""

    study_b: bool
    lesions: dict[str, Row]
    base: Fraction | None = None
    nadir: Fraction | None = None
    had_cr: bool = False
    parts: dict[str, set[str]] = field(default_factory=dict)

    def values(self, point: TimePoint) -> tuple[dict[str, Fraction | None], Fraction | None]:
        """Value of every lesion (None: not known) and what could be measured (None: nothing)."""
        out: dict[str, Fraction | None] = {}
        measured: list[Fraction] = []
        for name in self.lesions:
            pieces = [k for k in point.targets if k.partition(".")[0] == name and "." in k]
            if pieces:
                seen = self.parts.setdefault(name, set())
                seen.update(pieces)
                found = {p: value(point.targets[p], self.study_b) for p in pieces}
                known = [v for v in found.values() if v is not None]
                measured += known
                out[name] = sum(known, Fraction(0)) if all(found.get(p) is not None for p in seen) else None
            else:
                row = point.targets.get(name)
                out[name] = value(row, self.study_b) if row else None
                measured += [out[name]] if out[name] is not None else []  # type: ignore[list-item]
        return out, sum(measured, Fraction(0)) if measured else None

    def progressed(self, total: Fraction) -> bool:
        """20 % above the nadir, with RECIST 1.1 also 5 mm."""
        if self.nadir is None:
            return False
        more = total - self.nadir
        if self.study_b:
            return more > 0 and 10 * total >= 12 * self.nadir
        return more >= 5 and 10 * total >= 12 * self.nadir

    def response(self, values: dict[str, Fraction | None], measured: Fraction | None) -> str | None:
        """Section 1.4 or 3.2, from top to bottom."""
        if not self.lesions:
            return None
        if None in values.values():
            return "PD" if measured is not None and self.progressed(measured) else "NE"
        assert measured is not None
        known = {k: v for k, v in values.items() if v is not None}
        normal = {k: 20 if self.study_b and "PORTA" in said(r, "Location") else 10 for k, r in self.lesions.items()}
        if all(v < normal[k] if is_node(self.lesions[k]) else v == 0 for k, v in known.items()):
            return "CR"
        if self.had_cr and any(v > 0 and not is_node(self.lesions[k]) for k, v in known.items()):
            return "PD"
        if self.progressed(measured):
            return "PD"
        if self.base is None:
            return "NE"
        if 10 * (self.base - measured) >= 3 * self.base:
            return "PR"
        return "SD"

    def read(self, point: TimePoint, *, baseline: bool) -> tuple[str | None, Fraction | None]:
        """Response and sum of one time point; the nadir moves on."""
        values, measured = self.values(point)
        total = measured if values and None not in values.values() else None
        response = None if baseline else self.response(values, measured)
        if baseline:
            self.base = total
        if total is not None:
            self.nadir = total if self.nadir is None else min(self.nadir, total)
        self.had_cr = self.had_cr or response == "CR"
        return response, total


def non_target(names: list[str], point: TimePoint) -> str | None:
    """Section 1.5."""
    if not names:
        return None
    states = [said(point.others[n], "Status") if n in point.others else "" for n in names]
    if "UNEQUIVOCAL PROGRESSION" in states:
        return "PD"
    if all(s == "ABSENT" for s in states):
        return "CR"
    if any(s not in ("PRESENT", "ABSENT") for s in states):
        return "NE"
    return "NON-CR/NON-PD"


def overall(target: str | None, other: str | None, new: bool, *, targets: bool, others: bool) -> str:
    """Section 1.6."""
    if new or target == "PD" or other == "PD":
        return "PD"
    if targets:
        if target == "CR":
            return "CR" if other in ("CR", None) else "PR"
        return target or "NE"
    if others:
        return other or "NE"
    return "NED"


def certain(rows: list[Row], study_b: bool) -> bool:
    """Whether a new lesion is one, by its last row; `rows` are all of it up to now, oldest first."""
    row = rows[-1]
    size, pattern = number(row.get("Diameter")), said(row, "Typical Enhancement")
    if study_b and said(row, "Organ") == "LIVER" and size is not None:
        first = number(rows[0].get("Diameter"))
        grown = first is not None and size - first >= 10
        return size >= 10 and (pattern == "Y" or grown)
    return said(row, "Certainty") == "UNEQUIVOCAL"


def _new_lesions(points: list[TimePoint], study_b: bool) -> dict[str, set[str]]:
    """Visit -> new lesions that are certain there; says of the time points when these were first seen."""
    seen: dict[str, list[Row]] = {}
    out: dict[str, set[str]] = {}
    for point in points:
        out[point.visit] = set()
        for name, row in point.new.items():
            rows = seen.setdefault(name, [])
            rows.append(row)
            if certain(rows, study_b):
                out[point.visit].add(name)
                first = day(rows[0].get("Assessment Date"))
                if first and (point.appeared is None or first < point.appeared):
                    point.appeared = first
    return out


def time_points(person: Person, facts: Facts, evaluator: str = "INVESTIGATOR") -> list[TimePoint]:
    """Post-baseline time points in order, with derived responses; none for a subject who was never treated."""
    if facts.first is None:
        return []
    first = facts.first
    points = _gather(person, evaluator)
    before = [p for p in points if p.days[-1] <= first and (p.targets or p.others)]
    after = [p for p in points if p.days[-1] > first]
    baseline = before[-1] if before else TimePoint("")
    confirmed = _new_lesions(after, person.study_b)
    if not any(p.targets or p.others or p.new for p in points):
        return after  # a reader who sent no lesion at all did not say that there is none
    removed = _resected(facts)
    segment = _Segment(person.study_b, dict(baseline.targets))
    liver = _Segment(person.study_b, {k: r for k, r in baseline.targets.items() if is_liver(r)})
    others = list(baseline.others)
    for part in (segment, liver):
        part.read(baseline, baseline=True)
    restarted = False
    waits = any(_is_new_baseline(p, after, facts.surgery) for p in after) if facts.surgery else False
    for point in after:
        restart = False
        if facts.surgery and point.days[-1] > facts.surgery:
            point.post_operative = True
            restart = not restarted and _is_new_baseline(point, after, facts.surgery)
            if restart:
                restarted = True
                removed |= _said_resected(after, facts.surgery)
                segment = _Segment(person.study_b, {k: r for k, r in segment.lesions.items() if k not in removed})
                others = [n for n in others if n not in removed]
                point.unanswered = bool(segment.lesions)
        # what the site says of new lesions counts where it sent no record of any (decisions)
        new = bool(confirmed[point.visit]) or bool(not point.new and point.site and yes(point.site, "New Lesion"))
        if point.post_operative and waits and not restarted:
            point.overall = "PD" if new else None  # before the new baseline nothing can be compared, what is new is new
            continue
        rebase = restart and bool(segment.lesions)
        point.target, point.total = segment.read(point, baseline=rebase)
        point.other = non_target(others, point)
        shape = {"targets": bool(segment.lesions), "others": bool(others)}
        point.overall = overall(point.target, point.other, new, **shape)
        if rebase:
            point.overall = "PD" if new else None
        if person.study_b and not point.post_operative:
            point.primary = _primary(point, liver, baseline, confirmed[point.visit])
    return after


def _primary(point: TimePoint, liver: _Segment, baseline: TimePoint, confirmed: set[str]) -> str | None:
    """Response of the primary liver tumour, the thrombus left out (trial-b 7)."""
    names = [n for n, r in baseline.others.items() if said(r, "Organ") == "LIVER"]
    target, _ = liver.read(point, baseline=False)
    new = any(said(point.new[n], "Organ") == "LIVER" for n in confirmed)
    shape = {"targets": bool(liver.lesions), "others": bool(names)}
    if not (new or liver.lesions or names):
        return None  # no primary tumour was ever recorded
    return overall(target, non_target(names, point), new, **shape)


def _resected(facts: Facts) -> set[str]:
    text = str((facts.operation or {}).get("Resected Lesions") or "")
    return {part.strip().upper() for part in text.split(";") if part.strip()}


def _said_resected(points: list[TimePoint], surgery: dt.date) -> set[str]:
    """Lesions whose row after the operation says so."""
    rows = [(k, r) for p in points if p.days[-1] > surgery for k, r in (*p.targets.items(), *p.others.items())]
    return {k for k, r in rows if said(r, "Status") == "NOT EVALUABLE" and "RESECT" in said(r, "Reason")}


def _is_new_baseline(point: TimePoint, points: list[TimePoint], surgery: dt.date) -> bool:
    """POST-OP DAY 30 is the new baseline; where it was not scanned, the first scan after the operation."""
    scanned = [p for p in points if p.days[-1] > surgery and (p.targets or p.others)]
    planned = [p for p in scanned if p.visit == "POST-OP DAY 30"]
    return point is (planned or scanned or [point])[0]
