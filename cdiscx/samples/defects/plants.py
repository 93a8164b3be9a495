"""Planting one defect, many, or the demonstration's.

In: uploads (copied, never changed) or a study and a seed. Out: uploads and what was planted in them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from copy import deepcopy
from dataclasses import replace
from random import Random

from cdiscx.samples.cohort import clean
from cdiscx.samples.defects.planting import DEFECTS, Planted
from cdiscx.samples.layout import Row, SampleUpload

Choice = tuple[str, int]

# about 25 that a reader can follow, one a subject, from all families
DEMO: tuple[Choice, ...] = (
    ("VIS-006", 0), ("END-007", 2), ("MEA-020", 0), ("MEA-022", 0), ("DOS-011", 0), ("DOS-007", 0), ("SUR-001", 1),
    ("END-009", 1), ("DAT-007", 0), ("MEA-016", 2), ("DOS-015", 2), ("DOS-001", 0), ("DOS-004", 1), ("VIS-010", 0),
    ("STR-005", 1), ("MEA-015", 0), ("MEA-007", 0), ("MEA-005", 0), ("VIS-001", 0), ("VIS-002", 0), ("END-003", 1),
    ("SAF-001", 0), ("SAF-003", 0), ("DAT-001", 0), ("DAT-002", 0), ("DAT-003", 1), ("DAT-005", 0), ("DAT-006", 0),
    ("STR-003", 0), ("STR-006", 0), ("STR-008", 0), ("TRM-001", 0), ("TRM-003", 0), ("TRM-004", 0),
)  # fmt: skip


def plant_many(
    uploads: Sequence[SampleUpload], choices: Iterable[Choice], seed: str
) -> tuple[list[SampleUpload], list[tuple[Choice, Planted]]]:
    """A copy of the uploads with one defect a subject; choices that find no place are left out.

    A choice is a check id and the number of its variant; `seed` decides subjects and rows.
    """
    grown = deepcopy(list(uploads))
    taken: set[str] = set()
    placed: list[tuple[Choice, Planted, Row | None]] = []
    for check_id, variant in choices:
        planter, rng = DEFECTS[check_id][variant], Random(f"{seed} {check_id} {variant}")
        done = planter(grown, rng, grown[0].study, frozenset(taken))
        if done is None:
            continue
        taken |= {name for name in (done.subject, done.partner) if name}
        row = None
        if done.row is not None and done.row >= 0:
            row = next(u for u in grown if u.site == done.site).sheets[done.sheet][done.row]
        placed.append(((check_id, variant), done, row))
    return grown, [(choice, _where(grown, done, row)) for choice, done, row in placed]


def _where(uploads: Sequence[SampleUpload], done: Planted, row: Row | None) -> Planted:
    """The planted record with the row number that holds after everything was planted."""
    if row is None:
        return done
    rows = next(u for u in uploads if u.site == done.site).sheets[done.sheet]
    return replace(done, row=next(n for n, r in enumerate(rows) if r is row))


def plant_one(study: str, check_id: str, seed: int, variant: int = 0) -> tuple[list[SampleUpload], Planted] | None:
    """A site of twelve subjects with one defect, or None where this cohort offers no place for it.

    KeyError for a check without planters, IndexError for a variant that does not exist.
    """
    grown = clean(study, sites=1, subjects=12, seed=seed)
    planter, rng = DEFECTS[check_id][variant], Random(f"{check_id} {variant} {seed}")
    done = planter(grown, rng, grown[0].study)
    return None if done is None else (grown, done)


def planted(uploads: Sequence[SampleUpload]) -> tuple[list[SampleUpload], list[Planted]]:
    """The demonstration's defects: a copy of the uploads with about 25 of them, and what they are."""
    chosen = [c for c in DEMO if c[0] in DEFECTS and c[1] < len(DEFECTS[c[0]])]
    grown, done = plant_many(uploads, chosen, "demo")
    return grown, [record for _, record in done]


def plant(uploads: Sequence[SampleUpload]) -> list[SampleUpload]:
    """A copy of the uploads with the demonstration's defects planted; the hook of `write_demo`."""
    return planted(uploads)[0]
