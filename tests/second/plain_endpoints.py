"""Endpoints of one subject, read from trial-a 8, trial-b 8 and adam-derivations 5 and 6.

In: a `Person`. Out: `endpoints`: parameter -> what is compared with cdiscx (see `Told`), for the site's or the derived
responses. Flags are "Y"/"N", dates are dates.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from plain_facts import Facts
from plain_sheets import Person, day, said
from plain_tumour import TimePoint

ORDER = ("CR", "PR", "SD", "NON-CR/NON-PD", "NED", "PD", "NE")
RESPONDERS = ("CR", "PR")


@dataclass(frozen=True)
class Seen:
    """One post-baseline time point as the endpoints see it."""

    date: dt.date
    response: str | None
    counts: bool  # evaluable
    visit: str
    first: dt.date  # earliest scan
    scanned: dt.date  # date of the time point itself: a doubtful new lesion moves the progression only


@dataclass(frozen=True)
class Told:
    """A time-to-event parameter."""

    start: dt.date
    end: dt.date
    cnsr: int
    words: str

    @property
    def days(self) -> int:
        """AVAL."""
        return (self.end - self.start).days + 1


def seen(points: list[TimePoint], source: str) -> list[Seen]:
    """Time points with the response of the source; the post-operative baseline counts without one."""
    out = []
    for point in points:
        response = point.site_overall if source == "SITE" else point.overall
        counts = response not in (None, "NE") or (response is None and _new_baseline_read(point, source))
        if response or counts:
            days = point.days
            scanned = days[0] if response == "PD" else days[-1]
            out.append(Seen(point.date(response), response, counts, point.visit, days[0], scanned))
    return sorted(out, key=lambda s: s.date)


def _new_baseline_read(point: TimePoint, source: str) -> bool:
    read = bool(point.targets or point.others)
    return point.unanswered and read and (source != "SITE" or not point.site)


def gap_limit(person: Person, facts: Facts, last: dt.date) -> int:
    """Days after the last evaluable assessment within which an event still counts (trial-a 8.3, trial-b 8.2)."""
    if person.study_b:
        return 196
    assert facts.first
    assert facts.enrolled
    month3 = facts.first + dt.timedelta(91)
    after_surgery = facts.surgery is not None and last > facts.surgery
    if not after_surgery and last < month3 - dt.timedelta(7):
        return 112
    anchor = facts.surgery + dt.timedelta(30) if after_surgery and facts.surgery else month3
    n = 0
    while anchor + dt.timedelta(56 * (n + 1)) < facts.enrolled + dt.timedelta(548):
        n += 1
    return 182 if last >= anchor + dt.timedelta(56 * n - 7) else 126


def time_to_event(
    start: dt.date,
    facts: Facts,
    points: list[Seen],
    first_gap: int,
    limit: Callable[[dt.date], int],
    words: Callable[[dt.date], str],
    *,
    from_start: bool = False,
) -> Told:
    """The algorithm of adam-derivations 6."""
    progressed = [p.date for p in points if p.response == "PD" and (p.date > start or (from_start and p.date == start))]
    deaths = [max(facts.died, start)] if facts.died else []
    event = min([*progressed, *deaths], default=None)
    by_death = event is not None and event not in progressed
    closed = min((p.date for p in points if p.response == "PD"), default=dt.date.max)
    read = [p for p in points if min(p.date, p.first) <= closed]
    evaluable = [p.date for p in read if p.counts and (p.date > start or (from_start and p.date == start))]
    if not evaluable and not (event and (event - start).days <= first_gap):
        return Told(start, start, 2, "NO POST-BASELINE ASSESSMENT")
    nact = facts.new_therapy
    if nact and (event is None or nact < event):
        end = max((d for d in evaluable if d <= nact), default=start)
        return Told(start, end, 3, "NEW ANTI-CANCER THERAPY")
    if event is None:
        return Told(start, max(evaluable), 1, "NO EVENT")
    last = max((d for d in evaluable if d < event or (by_death and d == event)), default=None)
    allowed = first_gap if last is None else limit(last)
    if (event - (last or start)).days > allowed:
        return Told(start, last or start, 4, "EVENT AFTER MISSED ASSESSMENTS")
    return Told(start, event, 0, "DEATH" if by_death else words(event))


def survival(start: dt.date, facts: Facts, no_follow_up: dt.date) -> Told:
    """Overall survival from a start."""
    if facts.died:
        return Told(start, max(facts.died, start), 0, "DEATH")
    end = facts.alive if facts.alive and facts.alive >= start else no_follow_up
    return Told(start, max(end, start), 1, "ALIVE OR STATUS UNKNOWN")


def window(facts: Facts, points: list[Seen]) -> list[Seen]:
    """Assessments that count for the best response (1.7)."""
    first_pd = min((p.date for p in points if p.response == "PD"), default=None)
    out = []
    for p in points:
        late = first_pd is not None and p.first > first_pd and p.date != first_pd
        after = (facts.surgery and p.date >= facts.surgery) or (facts.new_therapy and p.date >= facts.new_therapy)
        if p.response and not late and not after:
            out.append(p)
    return out


def best(facts: Facts, counted: list[Seen], sd_min: int) -> str:
    """BOR."""
    if not counted:
        return "MISSING"
    for wanted in ORDER:
        for p in counted:
            if p.response != wanted:
                continue
            if wanted in ("CR", "PR", "PD", "NE") or _late_enough(facts, p, sd_min):
                return wanted
    return "NE"


def _late_enough(facts: Facts, p: Seen, sd_min: int) -> bool:
    assert facts.first
    return (p.date - facts.first).days >= sd_min


def confirmed(facts: Facts, counted: list[Seen], sd_min: int, conf: int = 28) -> str:
    """CBOR: section 1.7, rows F-1 to F-11; in the order of the scans, since a date moved back moves no response (R11-L-2)."""
    if not counted:
        return "MISSING"
    counted = sorted(counted, key=lambda p: p.scanned)
    for wanted, later, between in (("CR", ("CR",), 0), ("PR", ("CR", "PR"), 1)):
        for i, one in enumerate(counted):
            if one.response != wanted:
                continue
            for k in range(i + 1, len(counted)):
                mid = [p.response for p in counted[i + 1 : k] if p.response not in later]
                fits = mid.count("NE") <= 1 and mid.count("SD") <= between and not set(mid) - {"NE", "SD"}
                if counted[k].response in later and (counted[k].date - one.date).days >= conf and fits:
                    return wanted
    return _unconfirmed(facts, counted, sd_min)


def _unconfirmed(facts: Facts, counted: list[Seen], sd_min: int) -> str:
    complete = [p for p in counted if p.response == "CR"]
    if complete:
        if any(_late_enough(facts, p, sd_min) for p in complete):
            return "SD"
        since = [p for p in counted if p.scanned > complete[0].scanned]
        rest = [p.response for p in since if p.response == "PD" or (p.scanned - complete[0].scanned).days >= 28]
        earlier = [p for p in counted if p.scanned < complete[0].scanned and p.response in ("PR", "SD")]
        if any(_late_enough(facts, p, sd_min) for p in earlier):
            return "SD"
        return "PD" if set(rest) & {"PR", "SD", "PD"} else "NE"
    if any(p.response in ("PR", "SD") and _late_enough(facts, p, sd_min) for p in counted):
        return "SD"
    for wanted in ("NON-CR/NON-PD", "NED"):
        if any(p.response == wanted and _late_enough(facts, p, sd_min) for p in counted):
            return wanted
    return "PD" if any(p.response == "PD" for p in counted) else "NE"


def week6(facts: Facts, points: list[Seen]) -> tuple[str, str]:
    """RSP6W and its reason; one who progressed before any scan in the window is no missing value (R11-X-4)."""
    assert facts.durvalumab
    middle = facts.durvalumab + dt.timedelta(42)
    # an assessment is where its scans are, also where its progression is dated back
    found = [p for p in points if p.response and abs((p.scanned - middle).days) <= 7]
    found = [p for p in found if not (facts.surgery and p.scanned >= facts.surgery)]
    if not found:
        if any(p.response == "PD" and p.date <= middle + dt.timedelta(7) for p in points):
            return "N", "NON-RESPONDER"
        if facts.died and facts.died <= middle + dt.timedelta(7):
            return "N", "DIED"
        return "N", "NO ASSESSMENT IN WINDOW"
    chosen = min(found, key=lambda p: (abs((p.scanned - middle).days), p.scanned))
    progressed = any(p.response == "PD" and p.date < chosen.first for p in points)
    if chosen.response in RESPONDERS and not progressed:
        return "Y", "RESPONDER"
    if chosen.response == "NE" and not progressed:
        return "N", "NOT EVALUABLE"
    return "N", "NON-RESPONDER"


def month3(person: Person, facts: Facts, points: list[Seen]) -> tuple[str | None, dt.date | None, str]:
    """Response, date and branch at the decision (trial-a 5)."""
    decided = [d for r in person.rows("Decision") if (d := day(r.get("Decision Date")))]
    limit = decided[0] if decided else person.cutoff
    if facts.first is None:
        return None, None, "UNKNOWN"
    lo, hi = facts.first + dt.timedelta(77), facts.first + dt.timedelta(105)
    found = [p for p in points if p.response not in (None, "NE") and lo <= p.scanned <= min(hi, limit)]
    if not found:
        return None, None, "UNKNOWN"
    last = max(found, key=lambda p: p.scanned)
    branch = {"CR": "SYSTEMIC", "PR": "SYSTEMIC", "SD": "SURGERY", "PD": "SURGERY", "NON-CR/NON-PD": "SURGERY"}
    return last.response, last.scanned, branch.get(last.response or "", "UNKNOWN")


def pvtt_response(baseline: str, now: str, flow: str) -> str:
    """CHP-1 to CHP-8; main classes only."""
    rank = {"NONE": 0, "I": 1, "II": 2, "III": 3, "IV": 4}
    was, is_ = rank.get(baseline.rstrip("AB")), rank.get(now.rstrip("AB") if now != "NONE" else now)
    if not was or is_ is None:
        return "NE"
    if is_ < was:
        return "PR"
    if is_ > was:
        return "PD"
    return "PR" if flow == "Y" else "SD"


def composite(primary: str | None, thrombus: str) -> str:
    """Matrix of trial-b 8.7."""
    primary = {"NON-CR/NON-PD": "SD", None: "NE"}.get(primary, primary)
    if "PD" in (primary, thrombus):
        return "PD"
    if "NE" in (primary, thrombus):
        return "NE"
    return "SD" if primary == "SD" and thrombus == "SD" else "PR"


def composite_selected(person: Person, facts: Facts, points: list[TimePoint], source: str) -> dict[str, Any]:
    """The selected composite: the last evaluable one before surgery and within D1 + 91; the site's or the derived."""
    assert facts.first
    chosen: dict[str, Any] = {"CRSPB": None, "PRIMRSP": None, "PVTTRSP": None, "ADT": None}
    base = said(person.demographics, "PVTT Class")
    for point in points:
        if not point.site:
            continue
        flow = said(point.site, "Flow Restored")[:1]
        thrombus = pvtt_response(base, said(point.site, "PVTT Class"), flow)
        both = composite(point.primary, thrombus)
        if source == "SITE":
            both = said(point.site, "Composite Response") or both
        date = point.date(None)
        early = facts.first < date <= facts.first + dt.timedelta(91)
        if early and not (facts.surgery and date >= facts.surgery) and both != "NE":
            chosen = {"CRSPB": both, "PRIMRSP": point.primary, "PVTTRSP": thrombus, "ADT": date}
    return chosen


def one_year(told: Told) -> str | None:
    """EFS1Y."""
    if told.cnsr == 0 and told.days <= 365:
        return "N"
    if told.days > 365 or (told.cnsr and told.days == 365):
        return "Y"
    return None


def tte(person: Person, facts: Facts, points: list[Seen]) -> dict[str, Told]:
    """Every time-to-event parameter of the subject."""
    out: dict[str, Told] = {}
    if not (facts.enrolled and facts.first):
        return out

    def limit(last: dt.date) -> int:
        return gap_limit(person, facts, last)

    def plainly(_: dt.date) -> str:
        return "DISEASE PROGRESSION"

    def worded(date: dt.date) -> str:
        if facts.surgery is None:
            return "PROGRESSION (NO SURGERY)"
        return "RELAPSE AFTER SURGERY" if date > facts.surgery else "PROGRESSION BEFORE SURGERY"

    if person.study_b:
        out["OS"] = survival(facts.first, facts, facts.first)
        out["EFS"] = time_to_event(facts.first, facts, points, 196, limit, worded)
        if facts.surgery:
            after = [p for p in points if p.date > facts.surgery]
            out["DFS"] = time_to_event(facts.surgery, facts, after, 196, limit, worded)
    else:
        if facts.diagnosed:
            out["OS"] = survival(facts.diagnosed, facts, facts.enrolled)
        out["OSENR"] = survival(facts.enrolled, facts, facts.enrolled)
        out["PFS"] = time_to_event(facts.enrolled, facts, points, 112, limit, plainly)
    counted = window(facts, points)
    if best(facts, counted, 0) in RESPONDERS:
        start = min(p.date for p in counted if p.response in RESPONDERS)
        before = [p for p in points if not (facts.surgery and p.date >= facts.surgery)]
        out["DOR"] = time_to_event(start, facts, before, 9999, limit, plainly, from_start=True)
    return out
