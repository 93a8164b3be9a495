"""Study NEOPVTT-B: one subject's pages, told forward in time from consent to the cut-off.

In: a story and a Book. Out: the Book with every sheet filled.
"""

from __future__ import annotations

from datetime import date

from cdiscx.samples import surgery
from cdiscx.samples.adverse import Diary
from cdiscx.samples.book import Book, plus
from cdiscx.samples.dosing import STOP_REASONS, Tablets, infusion_days, infusions
from cdiscx.samples.followup import AfterTreatment, Therapy, disposition, missed, visit
from cdiscx.samples.labs import Laboratory
from cdiscx.samples.neopvtt_plan import Plan, Story, make_plan
from cdiscx.samples.neopvtt_scans import baseline_class, imaging, lesions_of, removed_by
from cdiscx.samples.people import enrol
from cdiscx.samples.scans import Radiology
from cdiscx.samples.telling import Telling

Told = Telling[Story, Plan]


def tell(book: Book, story: Story, number: int) -> None:
    """Write all sheets of one subject."""
    plan = make_plan(book, story)
    book.horizon = min(book.cutoff, plan.withdrawn or date.max, plan.death or date.max)
    targets, others = lesions_of(book, story)
    pvtt = baseline_class(book, story)
    person = enrol(book, number, consent=plan.consent, enrolment=plan.enrolment, stage="C", pvtt=pvtt)
    t = Told(book, story, plan, number, person, Laboratory(book, person))
    reader = book.one_of(("INVESTIGATOR", None))
    radiology = Radiology(book, targets, others, reader, mrecist=True, pvtt_base=pvtt)
    scans, t.progressed = imaging(radiology, story, plan)
    _infusion_plan(t)
    _decide_end(t)
    _visits(t)
    for scan in scans:
        if scan.visit != "POST-OP DAY 30":
            t.seen(scan.visit, scan.day, markers=True)
    _radiotherapy(t)
    _drugs(t)
    _surgery_and_events(t, radiology)
    _end(t)


def _infusion_plan(t: Told) -> None:
    """Draw every camrelizumab date up to the horizon; the end of treatment cuts the list later."""
    book, plan = t.book, t.plan
    if plan.surgery is None:
        until = book.horizon if t.story.goes_on else min(book.horizon, plan.decided)
    else:
        until = min(book.horizon, plus(plan.surgery, -14))
    days = [d for d in plan.camrelizumab if d <= until]
    if len(days) == 3:
        days += infusion_days(book, plus(days[-1], 14), 14, until)
    if t.operated and plan.infusion_again is not None:
        days += infusion_days(book, plan.infusion_again, 14, book.horizon)
    t.infusions = days


def _decide_end(t: Told) -> None:
    """Fix when and why study treatment ends; a death after it moves the horizon."""
    book, story, plan = t.book, t.story, t.plan
    if story.stop == "ae":
        last = max(d for d in t.infusions if d <= plus(plan.d1, story.stop_day))
        t.onset = plus(last, book.between(1, 3))
        t.end, t.why = plus(t.onset, book.between(0, 4)), "ae"
    elif story.stop == "completed":
        t.end, t.why = plus(plan.d1, story.stop_day), "completed"
    elif story.stop == "postop" and plan.surgery is not None:
        t.end, t.why = plan.death, "death"
    elif t.progressed is not None:
        t.end, t.why = plus(t.progressed, book.between(1, 5)), "pd"
    elif plan.withdrawn:
        t.end, t.why = plan.withdrawn, "withdrew"
    elif not story.surgery and not story.goes_on:
        t.end, t.why = plan.decided, "physician"
    if t.end is not None and t.end > book.cutoff:
        t.end, t.why = None, ""
    if t.end is not None and story.fate == "dies":
        plan.death = plus(t.end, book.between(60, 170))
        plan.death = plan.death if plan.death <= book.cutoff else None
        book.horizon = min(book.horizon, plan.death or date.max)


def _visits(t: Told) -> None:
    """Write the visits that carry neither a scan of their own nor an infusion."""
    plan, book = t.plan, t.book
    t.seen("SCREENING", plan.screening, markers=True, baseline=True)
    visit(book, "DAY 1", plan.d1, t.person.weight, t.person.ecog)
    t.seen("END OF RADIOTHERAPY", plan.end_rt)
    if plan.surgery is None:
        if plan.decided <= book.horizon and t.story.no_surgery:
            missed(book, "SURGERY", t.story.no_surgery)
        return
    if t.operated:
        t.seen("PRE-OPERATIVE", plus(plan.surgery, -book.between(2, 6)))
    visit(book, "SURGERY", plan.surgery)
    if plan.postop is not None:
        t.seen("POST-OP DAY 30", plan.postop, markers=True)
    t.seen("POST-OP DAY 90", book.in_window(plus(plan.surgery, 90), 6, 6))


def _radiotherapy(t: Told) -> None:
    """Write the course of radiotherapy, one row."""
    days = t.plan.fractions
    short = len(days) < 10
    t.book.add(
        "Procedures",
        {
            "Procedure": "IMRT",
            "Start Date": days[0],
            "End Date": days[-1],
            "Location": "Liver and portal vein",
            "Total Dose": 3 * len(days),
            "Dose Unit": "Gy",
            "Fractions": len(days),
            "Reason": "Stopped early: low platelets" if short else None,
        },
    )
    t.exposure.first["IMRT"], t.exposure.last["IMRT"] = days[0], days[-1]


def _drugs(t: Told) -> None:
    """Write camrelizumab with its visits, and apatinib before and after surgery."""
    book, plan = t.book, t.plan
    days = [d for d in t.infusions if d <= t.stop_by]
    rows = infusions(book, "Camrelizumab", 200, "Q2W", days)
    # WEEK 4 is kept even where an early operation leaves no room for its infusion
    for name, day in zip(("WEEK 2", "WEEK 4"), plan.camrelizumab[1:], strict=True):
        t.seen(name, day)
    again = plan.restaging if plan.surgery is None else plan.surgery
    for cycle, day in enumerate((d for d in days if d > again), start=1):
        name = f"ADJUVANT CYCLE {cycle}"
        if cycle % 3 == 1:
            t.seen(name, day)
        else:
            visit(book, name, day, t.weight(), t.ecog())
    if t.end is not None:
        rows[-1] |= {"Dose Changed": "Discontinued", "Change Reason": STOP_REASONS[t.why]}
    t.last_infusion = days[-1]
    t.exposure.drugs = ("Camrelizumab", "Apatinib")
    t.exposure.first |= {"Camrelizumab": days[0], "Apatinib": plan.apatinib}
    _apatinib(t)
    t.exposure.last |= {"Camrelizumab": days[-1], "Apatinib": t.last_tablet or plan.apatinib}


def _apatinib(t: Told) -> None:
    """Write apatinib in one stretch, or before the hold and after the operation."""
    book, plan = t.book, t.plan
    tablets = Tablets(book, "Apatinib", 250, t.changes)
    eventful = 0.0 if t.story.stop or "tabstop" in t.story.extras else 0.6
    final, why, start = t.end, t.why, plan.apatinib
    if "tabstop" in t.story.extras:
        t.tablet_onset = plus(plan.d1, book.between(180, 220))
        final, why = plus(t.tablet_onset, book.between(0, 3)), "ae"
    if t.operated and plan.tablet_hold is not None and plan.tablet_again is not None:
        tablets.stretch(start, plan.tablet_hold, last_day=plan.tablet_hold, eventful=0.2)
        t.last_tablet = plan.tablet_hold
        tablets.hold()
        if plan.tablet_again > t.stop_by:
            return
        start = plan.tablet_again
    tablets.stretch(start, final, last_day=book.horizon, eventful=eventful)
    t.last_tablet = final or book.horizon
    if final is not None:
        tablets.stop(STOP_REASONS[why])


def _surgery_and_events(t: Told, radiology: Radiology) -> None:
    """Write the biopsy, the operation and all adverse events."""
    book, plan, story = t.book, t.plan, t.story
    diary = Diary(book, t.exposure, stay_known=t.operated)
    if book.chance(0.4):
        surgery.biopsy(book, plus(plan.screening, book.between(0, 2)))
    if t.operated and plan.surgery is not None:
        _operation(t, radiology, diary, plan.surgery)
    diary.explain(t.changes)
    if story.stop == "ae" and t.why == "ae" and t.onset is not None:
        diary.withdraw(["Camrelizumab", "Apatinib"], t.onset)
    if t.tablet_onset is not None:
        diary.withdraw(["Apatinib"], t.tablet_onset)
    if story.stop == "postop" and t.why == "death" and plan.death is not None:
        diary.die(plan.death, clavien="V")
    until = min(plus(book.horizon, -6), plus(t.end, 25) if t.end else date.max)
    diary.everyday(plan.d1, until, book.between(2, 6))
    diary.write()


def _operation(t: Told, radiology: Radiology, diary: Diary, day: date) -> None:
    """Write the hepatectomy with its discharge visit, complications and specimen."""
    book, story = t.book, t.story
    operation = surgery.Operation(
        day,
        story.margin,
        removed_by(story, radiology.targets, radiology.others),
        reoperation="reoperation" in story.extras,
        readmission="readmission" in story.extras,
        died=t.plan.death if story.stop == "postop" else None,
    )
    row, discharge = surgery.operate(book, operation)
    if discharge is not None:
        visit(book, "DISCHARGE", discharge, t.weight())
    t.exposure.first["Hepatectomy"] = t.exposure.last["Hepatectomy"] = day
    surgery.complications(book, diary, operation, row)
    if plus(day, 14) <= book.cutoff:
        sizes = [x.size for x in radiology.targets]
        margin = 0 if story.margin != "R0" else book.between(1, 12)
        surgery.specimen(book, operation, sizes, viable=story.viable, thrombus=True, margin_mm=margin)


def _end(t: Told) -> None:
    """Write the end of treatment and what follows it."""
    book, plan, story = t.book, t.plan, t.story
    last = max(d for d in (t.last_infusion, t.last_tablet, plan.fractions[-1]) if d is not None)
    if t.end is not None:
        day = max(last, t.end)
        if t.why == "ae" and t.onset is not None:
            day = plus(t.onset, book.between(5, 9))
        if day <= book.horizon:
            disposition(book, t.why, "Treatment", day)
    if t.tablet_onset is not None and t.last_tablet is not None:
        disposition(book, "ae", "Treatment", plus(t.last_tablet, book.between(1, 4)), "Apatinib")
    therapy = None
    if "therapy" in story.extras and t.end is not None:
        therapy = Therapy("Lenvatinib", plus(t.end, book.between(30, 60)), month_only=t.number % 2 == 0)
    anchor = max(last, plan.surgery) if t.operated and plan.surgery else last
    after = AfterTreatment(book, anchor, last, t.end is not None, withdrawn=plan.withdrawn, therapy=therapy)
    after.death, after.surgery = plan.death, plan.surgery
    after.cause = "Postoperative complication" if story.stop == "postop" else "Hepatocellular carcinoma"
    after.lost_after = 1 if story.fate == "lost" else None
    after.write()
