"""Planted defects of survival follow-up (VIS-011). In: a subject's rows. Out: `Planted`; see `planting`."""

from __future__ import annotations

from datetime import date

from cdiscx.samples.defects.planting import Patient, Planted, day_of, defect, latest_sign
from cdiscx.samples.layout import Row


@defect("VIS-011")
def nobody_called(p: Patient) -> Planted | None:
    """The last follow-up not done, and no call before the cut-off."""
    if p.death or p.study_end or p.treatment_end is None:
        return None
    calls = [r for r in p.rows("Visits", Visit_Done="Y") if str(r["Visit"]).startswith("SURVIVAL FOLLOW-UP")]
    if not calls:
        return None
    last = max(day_of(r, "Visit Date") for r in calls)
    late = [r for r in p.rows("Survival") if day_of(r, "Contact Date") >= last]
    rest = Patient(p.upload, p.name, p.rng, p.cutoff)
    before = _without(rest, [*late, *[r for r in calls if r["Visit Date"] == last]])
    if not 98 < (p.cutoff - before).days < 180 or any(r["New Anticancer Therapy"] == "Y" for r in late):
        return None
    p.remove("Survival", late)
    for row in calls:
        if row["Visit Date"] == last:
            row |= {
                "Visit Date": None,
                "Visit Done": "N",
                "Reason Not Done": "Nobody had time",
                "Weight": None,
                "ECOG": None,
            }
    return p.here("Survival", None, None, f"no sign of life after {before}")


def _without(p: Patient, gone: list[Row]) -> date:
    """The last sign of life when some rows were not there."""
    out = {id(r) for r in gone}
    kept = {s: [r for r in rows if id(r) not in out] for s, rows in p.upload.sheets.items()}
    bare = type(p.upload)(p.upload.study, p.upload.site, kept)
    return latest_sign(Patient(bare, p.name, p.rng, p.cutoff))
