"""Study NEOPVTT-B: liver lesions, the portal vein thrombus, and what each scan shows.

In: a story and its plan. Out: rows of the lesion sheets and of Response; the first progression.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from cdiscx.samples import reading
from cdiscx.samples.book import Book
from cdiscx.samples.neopvtt_plan import Plan, Story
from cdiscx.samples.scans import Findings, NewLesion, Radiology
from cdiscx.samples.tumour import Lesion, Scan, baseline_scan, follow

SEGMENTS = ("Segment IV", "Segment V", "Segment VI", "Segment VII", "Segment VIII")
_CLASSES = ("NONE", "I", "II", "III")


def baseline_class(book: Book, story: Story) -> str:
    """Cheng class at baseline; where the story needs room to rise or to vanish, one that has it."""
    if story.pvtt == "gone":
        return "I"
    if story.pvtt == "up":
        return book.one_of(("I", "II", "IIa"))
    return book.one_of(("II", "III", "IIb", "IIIa") if story.pvtt == "down" else ("I", "II", "III", "IIa"))


def later_class(story: Story, base: str) -> str:
    """Cheng class at restaging."""
    step = {"same": 0, "down": -1, "up": 1, "gone": -1}[story.pvtt]
    return base if step == 0 else _CLASSES[_CLASSES.index(base.rstrip("ab")) + step]


def lesions_of(book: Book, story: Story) -> tuple[list[Lesion], list[Lesion]]:
    """One or two liver targets, the thrombus, sometimes a satellite nodule."""
    method = book.one_of(("CT", "MRI"))
    slice_mm = book.one_of((1.5, 3, 5)) if method == "CT" else book.one_of((3, 4))
    first, second, third = book.rng.sample(SEGMENTS, k=3)
    size = book.between(80, 190) * 5
    share = book.rng.uniform(0.75, 1.0)
    lead = book.between(0, 1)
    main = Lesion("T1", "Liver", first, method, size, round(size * share / 5) * 5, slice_mm, lead)
    targets = [main]
    if "two" in story.extras or (book.chance(0.35) and "one" not in story.extras):
        other = book.between(44, 80) * 5
        targets.append(replace(main, name="T2", location=second, size=other, viable=round(other * 0.85 / 5) * 5))
    others = [Lesion("NT1", "Portal vein", "Right portal branch", method, lead=lead)]
    if "satellite" in story.extras:
        others.append(Lesion("NT2", "Liver", third, method, lead=lead))
    return targets, others


def removed_by(story: Story, targets: list[Lesion], others: list[Lesion]) -> tuple[str, ...]:
    """Lesion ids that the hepatectomy takes out; R2 leaves the satellite behind."""
    names = [x.name for x in [*targets, *others]]
    return tuple(n for n in names if story.margin != "R2" or n != "NT2")


def _shown(radiology: Radiology, story: Story, scan: Scan, operated: bool) -> Findings:
    """What a scan shows besides the targets."""
    book, base = radiology.book, radiology.pvtt_base
    found = Findings({x.name: "Present" for x in radiology.others})
    if not operated and base is not None:
        found.pvtt = later_class(story, base)
        found.flow = story.flow
        if found.pvtt == "NONE":
            found.non_target["NT1"] = "Absent"
        if story.pvtt == "up":
            found.non_target["NT1"] = "Unequivocal progression"
    if scan.visit == f"TUMOR ASSESSMENT {story.pd_at}":
        organ, place = ("Lung", "Right upper lobe") if "lung" in story.extras else ("Liver", "Segment II")
        method = "CT" if organ == "Lung" else radiology.targets[0].method
        found.new.append(NewLesion("N1", organ, place, method, book.between(12, 26)))
    return found


def imaging(radiology: Radiology, story: Story, plan: Plan) -> tuple[list[Scan], date | None]:
    """Write every scan up to the horizon; returns the scans and the first progression's date."""
    book, targets = radiology.book, radiology.targets
    base = baseline_scan("SCREENING", plan.baseline, targets)
    operated = plan.surgery is not None and plan.surgery <= book.horizon
    before = [Scan("RESTAGING", plan.restaging, story.primary)]
    after: list[Scan] = []
    for number, (name, day) in enumerate(plan.due, start=1):
        if story.pd_at is not None and number > story.pd_at:
            break
        want = story.primary if story.primary != reading.PD else reading.SD
        (after if plan.surgery is not None else before).append(Scan(name, day, want))
    before = [s for s in before if s.day <= book.horizon]
    after = [s for s in after if s.day <= book.horizon] if operated else []
    radiology.write_lesions(base, Findings())
    radiology.set_baseline(base)
    progressed = None
    read = follow(book.rng, targets, base, before, mrecist=True)
    for scan in read:
        found = _shown(radiology, story, scan, operated=False)
        radiology.write_lesions(scan, found)
        if radiology.write_response(scan, found) == reading.PD:
            progressed = progressed or scan.day
    if operated and plan.postop is not None and plan.postop <= book.horizon:
        radiology.surgery = plan.surgery
        radiology.resected = frozenset(removed_by(story, targets, radiology.others))
        # nothing that is measured is left: every visit after surgery has a response (ruling 10)
        after.insert(0, Scan("POST-OP DAY 30", plan.postop, ""))
        for scan in after:
            found = _shown(radiology, story, scan, operated=True)
            radiology.write_lesions(scan, found)
            if radiology.write_response(scan, found) == reading.PD:
                progressed = progressed or scan.day
    return [*read, *after], progressed
