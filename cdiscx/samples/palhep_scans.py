"""Study PALHEP-A: which lesions a subject has and what each scan shows.

In: a story and its plan. Out: rows of the lesion sheets and of Response; the first progression.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from cdiscx.samples import reading
from cdiscx.samples.book import Book, plus
from cdiscx.samples.palhep_plan import Plan, Story
from cdiscx.samples.scans import Findings, NewLesion, Radiology
from cdiscx.samples.tumour import Lesion, Scan, baseline_scan, follow

SEGMENTS = (
    "Segment II",
    "Segment III",
    "Segment IV",
    "Segment V",
    "Segment VI",
    "Segment VII",
    "Segment VIII",
)
_NEW_PLACES = (
    ("Liver", "Segment I", "MRI"),
    ("Lung", "Right lower lobe", "CT"),
    ("Lymph node", "Retroperitoneal", "CT"),
    ("Bone", "Lumbar vertebra 3", "CT"),
)


def lesions_of(book: Book, story: Story) -> tuple[list[Lesion], list[Lesion]]:
    """Target and non-target lesions at baseline (at most two targets an organ)."""
    method = book.one_of(("CT", "CT", "MRI"))
    slice_mm = book.one_of((1.5, 3, 5)) if method == "CT" else book.one_of((3, 4))
    first, second, third = book.rng.sample(SEGMENTS, k=3)
    small = "small" in story.extras
    size = book.between(40, 54) * 5 if small else book.between(90, 200) * 5
    targets = [Lesion("T1", "Liver", first, method, size, slice_mm=slice_mm, lead=book.between(0, 1))]
    single = {"small", "one", "split"} & story.extras or (story.resect == "rest" and story.branch == "surgery")
    palliative = story.branch == "surgery" and story.resect == "part" and "node" not in story.extras
    if palliative or "two" in story.extras or (not single and book.chance(0.5)):
        second_size = min(book.between(40, 84) * 5, size // 2) if "merged" in story.extras else book.between(44, 90) * 5
        second_size = min(second_size, 270) if "merged" in story.extras else second_size
        targets.append(replace(targets[0], name="T2", location=second, size=second_size))
    if "node" in story.extras:
        place = book.one_of(("Para-aortic", "Portacaval"))
        targets.append(Lesion("T3", "Lymph node", place, "CT", book.between(36, 54) * 5, slice_mm=5, lead=2))
    if "lung" in story.extras:
        targets.append(Lesion("T4", "Lung", "Left upper lobe", "CT", book.between(28, 44) * 5, slice_mm=1.5, lead=2))
    others: list[Lesion] = []
    asked = story.resect == "rest" or {"others", "gone"} & story.extras
    if asked or (not small and book.chance(0.55)):
        others.append(replace(targets[0], name="NT1", location=third, size=0))
    if book.chance(0.3) and not small and story.resect != "all":
        others.append(Lesion("NT2", "Portal vein", "Right portal branch", method, lead=targets[0].lead))
    return targets, others


def _scans(book: Book, story: Story, plan: Plan) -> tuple[list[Scan], list[Scan]]:
    """The wanted readings before surgery (or all of them) and after it, up to the horizon."""
    before = [Scan("WEEK 6 TUMOR ASSESSMENT", plan.week6, story.week6)]
    before.append(Scan("MONTH 3 DECISION", plan.month3, story.month3))
    after: list[Scan] = []
    rest = after if plan.surgery is not None else before
    for number, (name, due, actual) in enumerate(plan.due, start=1):
        want = "SD" if plan.surgery is not None else story.later
        if number == story.pd_at and story.pd_by == "target":
            want = reading.PD
        if "ne" in story.extras and number == 2:
            early = plus(due, -book.between(2, 5))
            rest.append(Scan(name, early, reading.NE))
            rest.append(Scan(f"UNSCHEDULED {49 + number}.1", plus(early, 8), want))
            continue
        rest.append(Scan(name, actual, want))
        if number == story.pd_at:
            break
    if story.pd_at == 0 and plan.surgery is None:
        del before[2:]
    if story.pd_by != "target" and story.pd_at == 0:
        before[1].want = "SD"
    # a progression that is seen by other lesions leaves the target response as it was
    return [s for s in before if s.day <= book.horizon], [s for s in after if s.day <= book.horizon]


def _shown(radiology: Radiology, story: Story, scans: list[Scan]) -> dict[str, Findings]:
    """What the scans show besides the targets: non-target lesions, new ones, an equivocal one first."""
    book, shown = radiology.book, {}
    for scan in scans:
        shown[scan.visit] = Findings({x.name: "Present" for x in radiology.others})
    if "gone" in story.extras:
        for scan in scans[1:]:
            shown[scan.visit].non_target["NT1"] = "Absent"
    if "unread" in story.extras and "MONTH 3 DECISION" in shown and radiology.others:
        shown["MONTH 3 DECISION"].non_target[radiology.others[0].name] = "Not evaluable"
    if story.pd_at is None or story.pd_by == "target":
        return shown
    at = "MONTH 3 DECISION" if story.pd_at == 0 else f"TUMOR ASSESSMENT {story.pd_at}"
    if at not in shown:
        return shown
    if story.pd_by == "other" and (left := [x.name for x in radiology.others if x.name not in radiology.resected]):
        shown[at].non_target[left[0]] = "Unequivocal progression"
        return shown
    organ, place, method = book.one_of(_NEW_PLACES)
    size = book.between(12, 24)
    if organ == "Lymph node":
        size += 8
    shown[at].new.append(NewLesion("N1", organ, place, method, size))
    if story.pd_by == "confirmed":
        earlier = f"TUMOR ASSESSMENT {story.pd_at - 1}"
        shown[earlier].new.append(
            NewLesion("N1", organ, place, method, 8 if organ != "Lymph node" else 11, certain=False)
        )
    return shown


def removed_by(story: Story, targets: list[Lesion], others: list[Lesion]) -> tuple[str, ...]:
    """Lesion ids that the palliative resection takes out."""
    liver = [x.name for x in targets if x.organ == "Liver"]
    if story.resect == "all":
        return tuple(x.name for x in [*targets, *others])
    if story.resect == "rest" or len(targets) > 1:
        return tuple(liver) if len(targets) > len(liver) or story.resect == "rest" else (liver[0],)
    return ()


def imaging(radiology: Radiology, story: Story, plan: Plan) -> tuple[list[Scan], date | None, str | None]:
    """Write every scan; returns the scans, the first progression's date and the month-3 response."""
    book, targets = radiology.book, radiology.targets
    base = baseline_scan("SCREENING", plan.baseline, targets)
    before, after = _scans(book, story, plan)
    operated = plan.surgery is not None and plan.surgery <= book.horizon
    read = follow(book.rng, targets, base, before)
    shown = _shown(radiology, story, [*before, *after])
    _special(radiology, story, base, read)
    radiology.write_lesions(base, Findings())
    radiology.set_baseline(base)
    progressed, month3 = None, None
    for scan in read:
        overall = radiology.write_response(scan, shown[scan.visit]) if _lesions(radiology, scan, shown) else ""
        if overall == reading.PD and progressed is None:
            progressed = scan.day
        if scan.visit == "MONTH 3 DECISION":
            month3 = overall
    if operated and plan.postop is not None and plan.postop <= book.horizon:
        found = _after_surgery(radiology, story, plan, read or [base], after, shown)
        progressed = progressed or found
    return [base, *read, *after], progressed, month3


def _lesions(radiology: Radiology, scan: Scan, shown: dict[str, Findings]) -> bool:
    radiology.write_lesions(scan, shown[scan.visit])
    return True


def _special(radiology: Radiology, story: Story, base: Scan, read: list[Scan]) -> None:
    """Choose the visit from which a lesion is in two parts or has gone up in another."""
    if len(read) < 2:
        return
    if "split" in story.extras and all((s.size["T1"] or 0) >= 300 for s in read):
        radiology.split = ("T1", read[1].visit)
    if "merged" in story.extras and "T2" in base.size:
        radiology.merged = ("T1", "T2", read[1].visit)


def _after_surgery(
    radiology: Radiology,
    story: Story,
    plan: Plan,
    read: list[Scan],
    after: list[Scan],
    shown: dict[str, Findings],
) -> date | None:
    """Write the post-operative baseline and the scans after it (section 7); returns a progression."""
    book = radiology.book
    assert plan.postop is not None
    radiology.surgery = plan.surgery
    radiology.resected = frozenset(removed_by(story, radiology.targets, radiology.others))
    left = [x for x in radiology.targets if x.name not in radiology.resected]
    latest = read[-1].size
    anew = Scan("POST-OP DAY 30", plan.postop, "")
    anew.size = {x.name: round((latest[x.name] or 0) * book.rng.uniform(0.97, 1.03) / 10) * 10 for x in left}
    radiology.write_lesions(anew, Findings())
    radiology.set_baseline(anew)
    if not left:
        radiology.write_response(anew, Findings())
    progressed = None
    for scan in follow(book.rng, left, anew, after):
        radiology.write_lesions(scan, shown[scan.visit])
        if radiology.write_response(scan, shown[scan.visit]) == reading.PD:
            progressed = progressed or scan.day
    return progressed
