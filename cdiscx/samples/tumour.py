"""How a subject's target lesions grow and shrink.

In: lesions with a baseline size and the response wanted at each assessment. Out: one size a lesion and
assessment (tenths of a millimetre), free of everything that would look like a slip of the pen:
a tenfold jump (MEA-005), a leap between two scans (MEA-006, MEA-003), copied readings (MEA-027).
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from random import Random
from statistics import median

from cdiscx.samples import reading

TOO_SMALL = 50  # R11-C-4: a visible lesion too small to measure counts 5 mm


@dataclass(frozen=True, slots=True)
class Lesion:
    """A lesion as it is identified at baseline; `size` and `viable` in tenths of a millimetre."""

    name: str
    organ: str
    location: str
    method: str
    size: int = 0
    viable: int = 0
    slice_mm: float = 5
    lead: int = 0  # its scan is so many days before the last scan of the visit

    @property
    def node(self) -> bool:
        """Lymph nodes are read on the short axis."""
        return self.organ == "Lymph node"


@dataclass(slots=True)
class Scan:
    """One assessment: what the story wants there, and what was then read."""

    visit: str
    day: date
    want: str
    size: dict[str, int | None] = field(default_factory=dict)
    viable: dict[str, int | None] = field(default_factory=dict)


def _factor(rng: Random, want: str, now: float, nadir: float) -> float:
    """The sum's next size relative to baseline, for the response wanted."""
    if want == reading.PD:
        return nadir * rng.uniform(1.28, 1.5)
    if want == reading.PR:
        if now > 0.7:
            return rng.uniform(0.45, 0.66)
        return min(0.68, nadir * 1.1, now * rng.uniform(0.88, 1.08))
    return min(max(now * rng.uniform(0.92, 1.07), 0.76), nadir * 1.12, 1.12)


def _snap(value: float, *, whole: bool, node: bool = False) -> int:
    """A reading as a radiologist types it: whole or half millimetres; under 8 mm 'too small' (5 mm).

    The short axis of a node is always measured (MEA-003 asks for it).
    """
    step = 10 if whole else 5
    read = round(value / step) * step
    if node:
        return max(read, 60)
    return read if read >= 80 else TOO_SMALL


def _leaps(before: int, after: int, days: int) -> bool:
    """A change that a reader would query: more than 55 % and 28 mm within nine weeks."""
    change = abs(after - before)
    return days <= 63 and change > 280 and change > 0.55 * before


def _tenfold(values: Sequence[int]) -> bool:
    """Any reading near a tenth or ten times the reading before it or the lesion's median."""
    sized = [v for v in values if v]
    if not sized:
        return False
    references = {median(sized), median(values), sized[0]}
    pairs = list(itertools.pairwise(values))
    ratios = [after / before for before, after in pairs if before and after]
    ratios += [v / m for v in sized for m in references if m]
    return any(0.075 <= r <= 0.13 or 7.5 <= r <= 13 for r in ratios)


def plausible(lesions: Sequence[Lesion], base: Scan, scans: Sequence[Scan]) -> bool:
    """Whether no reading of the series would make a data manager ask for a slip of the pen."""
    course = [base, *scans]
    for lesion in lesions:
        read = [(s.day, v) for s in course if (v := s.size[lesion.name]) is not None]
        values = [v for _, v in read]
        if _tenfold(values):
            return False
        for (d1, v1), (d2, v2) in itertools.pairwise(read):
            if _leaps(v1, v2, (d2 - d1).days) or (v1 == 0 and v2 > 0):
                return False
            if lesion.node and v2 > 1.4 * max(v1, 70):
                return False
        if lesion.node and max(values, default=0) > 390:
            return False
    if len(lesions) > 1:
        for one, two in itertools.pairwise(course):
            if one.size == two.size:
                return False
    return True


def _read_once(
    rng: Random, lesions: Sequence[Lesion], base: Scan, scans: Sequence[Scan], whole: bool, mrecist: bool
) -> list[Scan] | None:
    """One try at a course with the responses wanted; None when a reading came out otherwise."""
    nodes = frozenset(lesion.name for lesion in lesions if lesion.node)
    out: list[Scan] = []
    entered = base.viable if mrecist else base.size
    baseline = sum(v or 0 for v in entered.values())
    nadir, now, lowest, had_cr = baseline, 1.0, 1.0, False
    for scan in scans:
        skipped = rng.choice([lesion.name for lesion in lesions]) if scan.want == reading.NE else None
        factor = now if skipped else _factor(rng, scan.want, now, lowest)
        size: dict[str, int | None] = {}
        viable: dict[str, int | None] = {}
        for lesion in lesions:
            start = (base.viable if mrecist else base.size)[lesion.name] or 0
            value = _snap(start * factor * rng.uniform(0.96, 1.04), whole=whole, node=lesion.node)
            if scan.want == reading.CR:
                value = rng.choice((60, 65, 70, 75, 80, 85)) if lesion.node and not mrecist else 0
            if lesion.name == skipped:
                size[lesion.name] = viable[lesion.name] = None
            elif mrecist:
                viable[lesion.name] = value
                before = (out[-1] if out else base).size[lesion.name] or base.size[lesion.name] or 0
                size[lesion.name] = max(value, _snap(before * rng.uniform(0.88, 1.0), whole=whole), 120)
            else:
                size[lesion.name] = value
        taken = viable if mrecist else size
        got = reading.target_response(taken, nodes, baseline, nadir, had_cr=had_cr, least=0 if mrecist else 50)
        if got != scan.want:
            return None
        had_cr = had_cr or got == reading.CR
        out.append(replace(scan, size=size, viable=viable))
        if skipped is None:
            total = sum(v or 0 for v in taken.values())
            now = total / baseline if baseline else 0.0
            nadir, lowest = min(nadir, total), min(lowest, now)
    return out


def follow(
    rng: Random, lesions: Sequence[Lesion], base: Scan, scans: Sequence[Scan], *, mrecist: bool = False
) -> list[Scan]:
    """The scans with sizes filled in so that each has the target response it wants.

    Raises ValueError when no plausible course was found, which means that the story itself asks
    for something that does not happen (a complete response of a 90 mm lesion in six weeks).
    """
    if not lesions:
        return [replace(scan) for scan in scans]
    for attempt in range(4000):
        read = _read_once(rng, lesions, base, scans, whole=attempt % 2 == 0, mrecist=mrecist)
        if read is not None and plausible(lesions, base, read):
            return read
    raise ValueError(f"no plausible course for {[s.want for s in scans]} from {base.size} / {base.viable}")


def baseline_scan(visit: str, day: date, lesions: Sequence[Lesion]) -> Scan:
    """The baseline reading of the lesions."""
    return Scan(visit, day, "", {x.name: x.size for x in lesions}, {x.name: x.viable for x in lesions})
