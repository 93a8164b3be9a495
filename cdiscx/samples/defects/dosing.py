"""Planted defects of drug doses (DOS-001 to DOS-010). In: a subject's rows. Out: `Planted`."""

from __future__ import annotations

from itertools import pairwise

from cdiscx.samples.book import plus
from cdiscx.samples.defects.planting import Patient, Planted, amount, day_of, defect
from cdiscx.samples.layout import NEOPVTT, PALHEP, Row


def _dose(p: Patient, row: Row | None, dose: float | None, note: str, *also: str) -> Planted | None:
    if row is None:
        return None
    row["Dose"] = dose
    return p.here("Dosing", row, "Dose", note, *also)


def _last_infusion(p: Patient, gap: int) -> Row | None:
    """Move the last infusion so that it is `gap` days after the one before, where nothing hangs on its date."""
    rows = p.doses(p.infusion)
    if not p.ongoing or len(rows) < 4:
        return None
    before, row = day_of(rows[-2], "Start Date"), rows[-1]
    if plus(before, gap) > p.cutoff or (p.surg is not None and before <= plus(p.surg, 1)):
        return None
    if p.pd is not None and before < p.pd:
        return None
    row["Start Date"] = plus(before, gap)
    row["End Date"] = plus(before, gap) if row["End Date"] else None
    return row


def _interval(p: Patient, gap: int) -> Planted | None:
    row = _last_infusion(p, gap)
    return None if row is None else p.here("Dosing", row, "Start Date", f"{gap} days after the infusion before")


@defect("DOS-001", PALHEP)
def durvalumab_late(p: Patient) -> Planted | None:
    """An infusion one day beyond the window."""
    return _interval(p, 32)


@defect("DOS-001", PALHEP)
def durvalumab_dose(p: Patient) -> Planted | None:
    """Another dose than 1500 mg."""
    return _dose(p, p.one_of(p.doses("Durvalumab")), 1120, "1120 mg", "DOS-016")


@defect("DOS-001", PALHEP)
def durvalumab_early(p: Patient) -> Planted | None:
    """An infusion one day before the window."""
    return _interval(p, 24)


@defect("DOS-001", PALHEP)
def durvalumab_far_too_early(p: Patient) -> Planted | None:
    """An infusion within three weeks of the one before (an error)."""
    return _interval(p, 20)


@defect("DOS-002", PALHEP)
def start_dose_against_weight(p: Patient) -> Planted | None:
    """The start dose of the other weight class."""
    row = p.only("Dosing", Drug="Lenvatinib")
    if row is None:
        return None
    return _dose(p, row, 20 - amount(row, "Dose"), "start dose of the other weight class", "DOS-016")


@defect("DOS-003", PALHEP)
def no_such_level(p: Patient) -> Planted | None:
    """A dose that is no level, after an interruption."""
    rows = p.doses("Lenvatinib")
    later = [
        b for a, b in pairwise(rows) if a["Dose"] == b["Dose"] and rows[-1] is b and b["Dose Changed"] != "Reduced"
    ]
    return _dose(p, later[0] if later else None, 7, "7 mg is no level", "DOS-016")


@defect("DOS-003", PALHEP)
def level_skipped(p: Patient) -> Planted | None:
    """From 12 mg straight to 4 mg."""
    rows = p.doses("Lenvatinib")
    if len(rows) < 2 or rows[-1]["Dose"] != 8 or rows[-2]["Dose"] != 12:
        return None
    return _dose(p, rows[-1], 4, "12 to 4 mg")


@defect("DOS-003", PALHEP)
def back_up(p: Patient) -> Planted | None:
    """Re-escalated after a reduction for toxicity."""
    rows = p.doses("Lenvatinib")
    if len(rows) < 3 or not amount(rows[0], "Dose") > amount(rows[-2], "Dose") == rows[-1]["Dose"]:
        return None
    return _dose(p, rows[-1], amount(rows[0], "Dose"), "back to the start dose", "DOS-016", "DOS-015")


@defect("DOS-004", NEOPVTT)
def camrelizumab_dose(p: Patient) -> Planted | None:
    """Another dose than 200 mg."""
    return _dose(p, p.one_of(p.doses("Camrelizumab")), 180, "180 mg")


@defect("DOS-004", NEOPVTT)
def camrelizumab_late(p: Patient) -> Planted | None:
    """An infusion one day beyond the window."""
    return _interval(p, 18)


@defect("DOS-004", NEOPVTT)
def camrelizumab_far_too_early(p: Patient) -> Planted | None:
    """An infusion within ten days of the one before (an error)."""
    return _interval(p, 9)


@defect("DOS-004", NEOPVTT)
def apatinib_dose(p: Patient) -> Planted | None:
    """Another dose than 250 mg."""
    return _dose(p, p.one_of(p.doses("Apatinib")), 500, "500 mg", "DOS-016", "DOS-015")


def _pause(p: Patient) -> tuple[Row, Row] | None:
    """Two rows of the tablets with an interruption for toxicity between them."""
    rows = p.doses(p.tablet)
    pairs = [
        (a, b)
        for a, b in pairwise(rows)
        if a["Dose Changed"] == "Interrupted" and a["Change Reason"] == "Adverse event"
    ]
    return pairs[0] if pairs else None


@defect("DOS-005")
def long_gap(p: Patient) -> Planted | None:
    """Tablets taken up again later than 28 days after the interruption."""
    if (pair := _pause(p)) is None:
        return None
    last, row = pair
    day, end = plus(day_of(last, "End Date"), 37), row["End Date"] or p.cutoff
    if str(day) >= str(end):
        return None
    row["Start Date"] = day
    return p.here("Dosing", row, "Start Date", "36 days without tablets", "DOS-016")


@defect("DOS-005")
def never_closed(p: Patient) -> Planted | None:
    """An interval that is still open although another one follows."""
    if (pair := _pause(p)) is None:
        return None
    row = pair[0]
    if p.surg is not None and day_of(row, "Start Date") < p.surg:
        return None
    row["End Date"], row["Ongoing"] = None, "Y"
    return p.here("Dosing", row, "End Date", "open interval, another follows", "DOS-006", "DOS-015")


@defect("DOS-006")
def overlap(p: Patient) -> Planted | None:
    """Two intervals of one drug share days."""
    for first, second in pairwise(p.doses(p.tablet)):
        if second["Dose Changed"] == "Reduced" and first["Dose Changed"] in ("None", "Reduced"):
            first["End Date"] = plus(day_of(second, "Start Date"), 3)
            return p.here("Dosing", second, "Start Date", "overlaps the interval before by four days")
    return None


def _hold_row(p: Patient) -> Row | None:
    """The last row of the tablets before surgery."""
    if p.surg is None:
        return None
    rows = [r for r in p.doses(p.tablet) if r["End Date"] and day_of(r, "End Date") < p.surg]
    return rows[-1] if rows else None


@defect("DOS-007")
def tablets_into_the_hold(p: Patient) -> Planted | None:
    """Tablets six days before surgery."""
    row = _hold_row(p)
    if row is None or p.surg is None:
        return None
    row["End Date"] = plus(p.surg, -6)
    return p.here("Dosing", row, "End Date", "last tablet 6 days before surgery")


@defect("DOS-007")
def tablets_through_surgery(p: Patient) -> Planted | None:
    """Tablets on the day before surgery."""
    row = _hold_row(p)
    if row is None or p.surg is None:
        return None
    row["End Date"] = plus(p.surg, -1)
    return p.here("Dosing", row, "End Date", "last tablet the day before surgery")


@defect("DOS-007", NEOPVTT)
def infusion_into_the_hold(p: Patient) -> Planted | None:
    """Camrelizumab thirteen days before surgery."""
    if p.surg is None:
        return None
    rows = [r for r in p.doses("Camrelizumab") if day_of(r, "Start Date") < p.surg]
    row, day = rows[-1], plus(p.surg, -13)
    if len(rows) < 4 or not 11 <= (day - day_of(rows[-2], "Start Date")).days <= 17:
        return None
    row["Start Date"], row["End Date"] = day, day if row["End Date"] else None
    return p.here("Dosing", row, None, "camrelizumab 13 days before surgery")


def _after_stop(p: Patient, days: int) -> Row | None:
    """The last row of the tablets, ended `days` after the end of treatment was recorded."""
    stop, rows = p.treatment_end, p.doses(p.tablet)
    if stop is None or stop["Event"] in ("Adverse event", "Death", "Withdrew consent") or not rows[-1]["End Date"]:
        return None
    if p.surg is not None and day_of(rows[-1], "End Date") < p.surg:
        return None
    rows[-1]["End Date"] = plus(day_of(stop, "Date"), days)
    return rows[-1]


@defect("DOS-008")
def tablets_after_the_stop(p: Patient) -> Planted | None:
    """Tablets two days after treatment was stopped for good."""
    row = _after_stop(p, 2)
    return None if row is None else p.here("Dosing", row, "End Date", "two days after the stop", "END-014")


@defect("DOS-008")
def infusion_after_death(p: Patient) -> Planted | None:
    """An infusion the day after death."""
    rows = p.doses(p.infusion)
    if p.death is None or plus(p.death, 1) > p.cutoff:
        return None
    day = plus(p.death, 1)
    row = p.add("Dosing", rows[-1] | {"Start Date": day, "End Date": None, "Cycle": len(rows) + 1}, after=rows[-1])
    row["Dose Changed"], row["Change Reason"] = "None", None
    also = (
        "DAT-007",
        "DOS-001",
        "DOS-004",
        "END-014",
        "VIS-001",
        "VIS-002",
        "DOS-009",
        "SAF-006",
        "DOS-017",
        "DOS-016",
    )
    return p.here("Dosing", row, "Start Date", "infusion the day after death", *also)


@defect("DOS-009")
def goes_on_after_progression(p: Patient) -> Planted | None:
    """Treatment for five weeks after progression (a note)."""
    stop = p.treatment_end
    if p.pd is None or p.surg is not None or stop is None or stop["Event"] != "Progressive disease":
        return None
    day = plus(p.pd, 35)
    limit = min(x for x in (p.cutoff, p.death) if x is not None)
    if day >= limit or (row := _after_stop(p, 0)) is None:
        return None
    row["End Date"] = stop["Date"] = day
    return p.here("Dosing", row, "End Date", "tablets until 35 days after progression", "VIS-001", "VIS-002")


@defect("DOS-010")
def dose_blank(p: Patient) -> Planted | None:
    """An infusion without a dose."""
    return _dose(p, p.one_of(p.doses(p.infusion)), None, "dose blank")


@defect("DOS-010")
def dose_zero(p: Patient) -> Planted | None:
    """An infusion of nothing."""
    return _dose(p, p.one_of(p.doses(p.infusion)), 0, "0 mg", "VIS-001")


@defect("DOS-010")
def dose_negative(p: Patient) -> Planted | None:
    """A dose below nothing."""
    row = p.one_of(p.doses(p.tablet))
    return None if row is None else _dose(p, row, -amount(row, "Dose"), "negative dose")
