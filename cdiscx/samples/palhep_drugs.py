"""Study PALHEP-A: durvalumab, lenvatinib and the local therapy of one subject.

In: a Telling. Out: rows of Dosing, Procedures and the infusion visits.
"""

from __future__ import annotations

from datetime import date

from cdiscx.samples.book import plus
from cdiscx.samples.dosing import STOP_REASONS, Tablets, haic, infusion_days, infusions
from cdiscx.samples.followup import visit
from cdiscx.samples.palhep_plan import MODALITIES, Plan, Story
from cdiscx.samples.telling import Telling


def infusion_plan(t: Telling[Story, Plan]) -> None:
    """Draw every durvalumab date up to the horizon; the end of treatment cuts the list later."""
    book, plan = t.book, t.plan
    days = [d for d in plan.durva[:3] if d <= book.horizon]
    if plan.surgery is None:
        days += infusion_days(book, plan.durva[3], 28, book.horizon)
    elif plan.durva_again is not None:
        days += infusion_days(book, plan.durva_again, 28, book.horizon)
    t.infusions = days


def drugs(t: Telling[Story, Plan]) -> None:
    """Write durvalumab with its visits, and lenvatinib with its changes."""
    book, plan = t.book, t.plan
    days = [d for d in t.infusions if d <= t.stop_by]
    rows = infusions(book, "Durvalumab", 1500, "Q4W", days)
    for name, day in zip(("WEEK 4", "WEEK 8"), days[1:3], strict=False):
        visit(book, name, day, t.weight(), t.ecog())
    for cycle, day in enumerate(days[3:], start=1):
        t.seen(f"CONTINUATION CYCLE {cycle}", day)
    t.last_infusion = days[-1]
    if t.end is not None:
        rows[-1] |= {"Dose Changed": "Discontinued", "Change Reason": STOP_REASONS[t.why]}
    t.exposure.drugs = ("Lenvatinib", "Durvalumab")
    t.exposure.first |= {"Durvalumab": days[0], "Lenvatinib": plan.lenvatinib}
    _lenvatinib(t)
    t.exposure.last |= {"Durvalumab": days[-1], "Lenvatinib": t.last_tablet or plan.lenvatinib}


def _lenvatinib(t: Telling[Story, Plan]) -> None:
    """Write lenvatinib in one stretch, or before the hold and after the operation."""
    book, plan = t.book, t.plan
    tablets = Tablets(book, "Lenvatinib", 12 if t.person.weight >= 60 else 8, t.changes)
    eventful = 0.0 if t.story.stop or "lenstop" in t.story.extras else 0.6
    final, why = t.end, t.why
    if "lenstop" in t.story.extras:
        t.tablet_onset = plus(plan.d1, book.between(150, 170))
        final, why = plus(t.tablet_onset, book.between(0, 3)), "ae"
    start = plan.lenvatinib
    if t.operated and plan.len_hold is not None:
        tablets.stretch(start, plan.len_hold, last_day=plan.len_hold, eventful=0.3)
        t.last_tablet = plan.len_hold
        if plan.len_again is None:
            tablets.stop(STOP_REASONS["physician"])
            return
        tablets.hold()
        if plan.len_again > t.stop_by:
            return
        start = plan.len_again
    tablets.stretch(start, final, last_day=book.horizon, eventful=eventful)
    t.last_tablet = final or book.horizon
    if final is not None:
        tablets.stop(STOP_REASONS[why])


def local_therapy(t: Telling[Story, Plan]) -> None:
    """Write the sessions of the one modality that the subject has, all before the month-3 scan."""
    book, plan = t.book, t.plan
    modality = MODALITIES[t.number % len(MODALITIES)]
    until = min(t.stop_by, plus(plan.month3, -6))
    days = [plan.local] if plan.local <= until else []
    wanted = {"TACE": book.between(1, 3), "HAIC": book.between(2, 4), "Y90-SIRT": 1}[modality]
    late = book.between(1, 3) if book.chance(0.3) else 0
    while days and len(days) < wanted:
        gap = book.between(24, 34) if modality == "TACE" else book.between(19, 24)
        if modality == "HAIC" and len(days) == late:
            gap = book.between(27, 33)
        if plus(days[-1], gap) > until:
            break
        days.append(plus(days[-1], gap))
    for number, day in enumerate(days):
        delayed = modality == "HAIC" and number > 0 and (day - days[number - 1]).days > 25
        book.add(
            "Procedures",
            {
                "Procedure": modality,
                "Start Date": day,
                "End Date": day,
                "Location": "Liver",
                "Total Dose": round(book.rng.uniform(1.4, 3.2), 2) if modality == "Y90-SIRT" else None,
                "Dose Unit": "GBq" if modality == "Y90-SIRT" else None,
                "Reason": "Cycle delayed: low neutrophils" if delayed else None,
            },
        )
    if modality == "HAIC":
        haic(book, days)
    if days:
        t.exposure.first[modality], t.exposure.last[modality] = days[0], days[-1]


def last_dose(t: Telling[Story, Plan]) -> date:
    """The last day on which durvalumab or lenvatinib was given."""
    return max(d for d in (t.last_infusion, t.last_tablet) if d is not None)
