"""Study PALHEP-A: one subject's pages, told forward in time from consent to the cut-off.

In: a story and a Book. Out: the Book with every sheet filled.
"""

from __future__ import annotations

from datetime import date

from cdiscx.samples import surgery
from cdiscx.samples.adverse import Diary
from cdiscx.samples.book import Book, plus
from cdiscx.samples.followup import AfterTreatment, Therapy, disposition, missed, visit
from cdiscx.samples.labs import Laboratory
from cdiscx.samples.palhep_drugs import drugs, infusion_plan, local_therapy
from cdiscx.samples.palhep_plan import Plan, Story, make_plan
from cdiscx.samples.palhep_scans import imaging, lesions_of, removed_by
from cdiscx.samples.people import enrol
from cdiscx.samples.scans import Radiology
from cdiscx.samples.telling import Telling

_REASONS = (
    "Subject refused surgery",
    "Not resectable: future liver remnant too small",
    "Liver function does not allow surgery",
)


def tell(book: Book, story: Story, number: int) -> None:
    """Write all sheets of one subject."""
    plan = make_plan(book, story)
    book.horizon = min(book.cutoff, plan.withdrawn or date.max, plan.death or date.max)
    targets, others = lesions_of(book, story)
    stage = "C" if any(x.organ != "Liver" for x in [*targets, *others]) else "B"
    person = enrol(book, number, consent=plan.consent, enrolment=plan.enrolment, stage=stage)
    t = Telling(book, story, plan, number, person, Laboratory(book, person))
    infusion_plan(t)
    radiology = Radiology(book, targets, others, book.one_of(("INVESTIGATOR", None)))
    scans, t.progressed, t.month3 = imaging(radiology, story, plan)
    _decide_end(t)
    if t.end is not None and story.stop == "":
        book.horizon = min(book.horizon, plan.death or date.max)
    _visits(t)
    for scan in scans[1:]:
        t.seen(scan.visit, scan.day, markers=True)
    drugs(t)
    local_therapy(t)
    _decision(t)
    _surgery_and_events(t, radiology)
    _end(t)


def _decide_end(t: Telling[Story, Plan]) -> None:
    """Fix when and why study treatment ends; a death after it moves the horizon."""
    book, story, plan = t.book, t.story, t.plan
    on = plan.surgery is None or (t.progressed is not None and t.progressed > plan.surgery)
    if story.stop == "ae":
        last = max(d for d in t.infusions if d <= plus(plan.d1, story.stop_day))
        t.onset = plus(last, book.between(1, 3))
        t.end, t.why = plus(t.onset, book.between(0, 4)), "ae"
    elif story.stop == "completed":
        t.end, t.why = plus(plan.d1, story.stop_day), "completed"
    elif story.stop == "physician" and t.operated:
        t.end, t.why = plan.len_hold, "physician"
    elif t.progressed is not None and on:
        t.end, t.why = plus(max(t.progressed, plan.decision), book.between(0, 6)), "pd"
    elif plan.withdrawn or plan.death:
        t.end, t.why = plan.withdrawn or plan.death, story.stop
    if t.end is not None and t.end > book.cutoff:
        t.end, t.why = None, ""
    if t.end is not None and story.fate == "dies":
        plan.death = plus(t.end, book.between(60, 170))
        plan.death = plan.death if plan.death <= book.cutoff else None
        book.horizon = min(book.horizon, plan.death or date.max)


def _visits(t: Telling[Story, Plan]) -> None:
    """Write the visits that carry no scan and no infusion of their own."""
    plan, book = t.plan, t.book
    t.seen("SCREENING", plan.screening, markers=True, baseline=True)
    visit(book, "DAY 1", plan.d1, t.person.weight, t.person.ecog)
    if book.chance(0.05):
        missed(book, "WEEK 3", "Public holiday, subject seen at WEEK 4")
    else:
        t.seen("WEEK 3", plan.week3)
    if plan.surgery is not None:
        if t.operated:
            t.seen("PRE-OPERATIVE", plus(plan.surgery, -book.between(2, 6)))
        visit(book, "SURGERY", plan.surgery)
        if plan.postop is not None:
            t.seen("POST-OP DAY 30", plan.postop, markers=True)
    if book.chance(0.3):
        extra = plus(plan.week3, 1)
        visit(book, "UNSCHEDULED 3.1", extra, t.weight(), t.ecog())


def _decision(t: Telling[Story, Plan]) -> None:
    """Write the month-3 decision when it was reached."""
    book, plan = t.book, t.plan
    if t.month3 is None or plan.decision > book.horizon:
        return
    responds = t.month3 in ("CR", "PR")
    branch = {"surgery": "Surgery", "other": "Other"}.get(t.story.branch, "Continue")
    book.add(
        "Decision",
        {
            "Decision Date": plan.decision,
            "Month 3 Response": t.month3,
            "Poor Efficacy": "N" if responds or (branch == "Continue" and book.chance(0.5)) else "Y",
            "Branch": branch,
            "Reason": None if responds or branch == "Surgery" else book.one_of(_REASONS),
        },
    )


def _surgery_and_events(t: Telling[Story, Plan], radiology: Radiology) -> None:
    """Write the operation and all adverse events."""
    book, plan, story = t.book, t.plan, t.story
    diary = Diary(book, t.exposure, stay_known=t.operated)
    if t.operated and plan.surgery is not None:
        removed = removed_by(story, radiology.targets, radiology.others)
        margin = "R0" if story.resect == "all" else "R2"
        operation = surgery.Operation(plan.surgery, margin, removed)
        row, _ = surgery.operate(book, operation)
        t.exposure.first["Hepatectomy"] = t.exposure.last["Hepatectomy"] = plan.surgery
        surgery.complications(book, diary, operation, row)
        if plus(plan.surgery, 14) <= book.cutoff:
            sizes = [x.size for x in radiology.targets if x.name in removed]
            viable = book.one_of((0, 5, 8, 10, 25, 40, 60, 85))
            surgery.specimen(book, operation, sizes, viable=viable, thrombus=False, margin_mm=book.between(0, 10))
    diary.explain(t.changes)
    if story.stop == "ae" and t.onset is not None and t.why == "ae":
        diary.withdraw(["Lenvatinib", "Durvalumab"], t.onset)
    if t.tablet_onset is not None:
        diary.withdraw(["Lenvatinib"], t.tablet_onset)
    if story.stop == "death" and plan.death is not None:
        diary.die(plan.death)
    until = min(plus(book.horizon, -6), plus(t.end, 25) if t.end else date.max)
    diary.everyday(plan.d1, until, book.between(2, 6))
    diary.write()


def _end(t: Telling[Story, Plan]) -> None:
    """Write the end of treatment and what follows it."""
    book, plan, story = t.book, t.plan, t.story
    doses = [d for d in (t.last_infusion, t.last_tablet) if d is not None]
    last = max(doses)
    if t.end is not None:
        day = max(last, t.end)
        if t.why == "ae" and t.onset is not None:
            day = plus(t.onset, book.between(5, 9))
        if t.why == "physician" and plan.surgery is not None:
            day = plus(plan.surgery, 21)
        if day <= book.horizon:
            disposition(book, t.why, "Treatment", day)
    if t.tablet_onset is not None and t.last_tablet is not None:
        disposition(book, "ae", "Treatment", plus(t.last_tablet, book.between(1, 4)), "Lenvatinib")
    therapy = None
    if "therapy" in story.extras and t.end is not None:
        therapy = Therapy("Regorafenib", plus(t.end, book.between(30, 60)), month_only=t.number % 2 == 0)
    anchor = max(last, plan.surgery) if t.operated and plan.surgery else last
    after = AfterTreatment(book, anchor, last, t.end is not None, withdrawn=plan.withdrawn, therapy=therapy)
    after.death, after.surgery = plan.death, plan.surgery
    after.cause = "Adverse event" if story.stop == "death" else "Hepatocellular carcinoma"
    after.lost_after = 1 if story.fate == "lost" else None
    after.write()
