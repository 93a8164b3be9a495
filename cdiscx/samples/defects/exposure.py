"""Planted defects of dose changes, exposure and restarts (DOS-014 to DOS-017). In: a subject's rows. Out: `Planted`."""

from __future__ import annotations

from cdiscx.samples.book import plus
from cdiscx.samples.defects.planting import ANY_ROW, Patient, Planted, amount, day_of, defect
from cdiscx.samples.layout import Row


@defect("DOS-014")
def tablets_never_started(p: Patient) -> Planted | None:
    """The oral drug was never taken, and nobody says why."""
    rows = p.doses(p.tablet)
    if not p.ongoing or rows[0]["Start Date"] == p.d1 or plus(p.d1, 50) > p.cutoff:
        return None
    for event in p.rows("Adverse Events"):
        if p.tablet in str(event["Related To"]):
            event["Related To"] = "None"
        parts = [x for x in str(event["Action Taken"] or "").split("; ") if x and not x.startswith(p.tablet)]
        event["Action Taken"] = "; ".join(parts) or None
    p.remove("Dosing", rows)
    return p.here("Dosing", None, None, f"no {p.tablet} at all", "END-004", "VIS-001", "VIS-002")


def _changed(p: Patient, kind: str) -> tuple[Row, Row] | None:
    """A dose change with the adverse event that explains it."""
    action = {"Reduced": "Dose reduced", "Interrupted": "Drug interrupted"}[kind]
    events = [r for r in p.rows("Adverse Events") if f"{p.tablet}: {action}" in str(r["Action Taken"])]
    for row in p.doses(p.tablet):
        if row["Dose Changed"] == kind and row["Change Reason"] == "Adverse event":
            day = day_of(row, "Start Date" if kind == "Reduced" else "End Date")
            near = [e for e in events if 0 < (day - day_of(e, "Start Date")).days <= 5]
            if near:
                return row, near[0]
    return None


@defect("DOS-015")
def change_without_reason(p: Patient) -> Planted | None:
    """A dose change that nobody explains."""
    pair = _changed(p, p.rng.choice(("Reduced", "Interrupted")))
    if pair is None:
        return None
    pair[0]["Change Reason"] = None
    return p.here("Dosing", pair[0], "Change Reason", "reason of the change blank", "DOS-005")


@defect("DOS-015")
def action_without_change(p: Patient) -> Planted | None:
    """An adverse event that says the dose was reduced, and no reduction."""
    free = f"{p.tablet}: None"
    rows = [r for r in p.rows("Adverse Events") if free in str(r["Action Taken"]) and r["Serious"] == "N"]
    changes = [day_of(r, c) for r in p.doses(p.tablet) for c in ("Start Date", "End Date") if r[c]]
    alone = [
        r for r in rows
        if not isinstance(r["Start Date"], str) and plus(day_of(r, "Start Date"), 16) < p.cutoff and all(abs((d - day_of(r, "Start Date")).days) > 30 for d in changes)
    ]  # fmt: skip
    if (row := p.one_of(alone)) is None:
        return None
    row["Action Taken"] = str(row["Action Taken"]).replace(free, f"{p.tablet}: Dose reduced")
    return p.here("Adverse Events", row, "Action Taken", "dose reduced, but dosing shows no change")


@defect("DOS-015")
def change_without_event(p: Patient) -> Planted | None:
    """A dose change for an adverse event that nobody recorded as its cause."""
    pair = _changed(p, p.rng.choice(("Reduced", "Interrupted")))
    if pair is None:
        return None
    row, event = pair
    for action in ("Dose reduced", "Drug interrupted"):
        event["Action Taken"] = str(event["Action Taken"]).replace(f"{p.tablet}: {action}", f"{p.tablet}: None")
    return p.here("Dosing", row, "Change Reason", "no adverse event with this action", "DOS-005")


@defect("DOS-016")
def tenfold_dose(p: Patient) -> Planted | None:
    """A dose with a nought too many: more than was planned for the whole period."""
    rows = p.doses(p.infusion)
    if len(rows) > 8:
        return None
    row = p.one_of(rows)
    assert row is not None
    row["Dose"] = amount(row, "Dose") * 10
    return p.here("Dosing", ANY_ROW, None, "ten times the dose", "DOS-001", "DOS-004")


def _restart(p: Patient, drug: str, days: int) -> Planted | None:
    """The first dose after surgery, moved to `days` after it."""
    if p.surg is None:
        return None
    rows = [r for r in p.doses(drug) if day_of(r, "Start Date") > p.surg]
    if not rows:
        return None
    row = rows[0]
    row["Start Date"] = plus(p.surg, days)
    also: tuple[str, ...] = ()
    if drug == p.infusion:
        row["End Date"] = plus(p.surg, days) if row["End Date"] else None
        also = ("DOS-001", "DOS-004", "VIS-001")
    return p.here("Dosing", row, "Start Date", f"{drug} {days} days after surgery", *also)


@defect("DOS-017")
def tablets_too_soon(p: Patient) -> Planted | None:
    """Tablets again one day before the surgeon allows it."""
    return _restart(p, p.tablet, 13 if p.is_a else 27)


@defect("DOS-017")
def infusion_too_soon(p: Patient) -> Planted | None:
    """An infusion again one day before the surgeon allows it."""
    return _restart(p, p.infusion, 20 if p.is_a else 27)
