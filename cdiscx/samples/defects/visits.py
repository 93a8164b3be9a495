"""Planted defects of visits and scans (VIS). In: a subject's rows. Out: `Planted`; see `planting`."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from itertools import pairwise

from cdiscx.samples.book import plus
from cdiscx.samples.defects.planting import ANY_ROW, Patient, Planted, amount, day_of, defect, latest_sign, shift
from cdiscx.samples.layout import NEOPVTT, PALHEP, Row

SITE_SHEETS = ("Target Lesions", "Non-target Lesions", "New Lesions")


def _move(p: Patient, name: str, day: date | None, note: str) -> Planted | None:
    row = p.visit(name)
    limit = min(x for x in (p.cutoff, p.death) if x is not None)
    if row is None or day is None or day > limit:
        return None
    row["Visit Date"] = day
    return p.here("Visits", row, "Visit Date", note)


@defect("VIS-001", PALHEP)
def week3_early(p: Patient) -> Planted | None:
    """WEEK 3 one day before its window."""
    return _move(p, "WEEK 3", plus(p.d1, 17), "WEEK 3 on D1 + 17")


@defect("VIS-001", NEOPVTT)
def week4_late(p: Patient) -> Planted | None:
    """WEEK 4 one day after its window."""
    return _move(p, "WEEK 4", plus(p.d1, 32), "WEEK 4 on D1 + 32")


@defect("VIS-001")
def postop_late(p: Patient) -> Planted | None:
    """POST-OP DAY 30 one day after its window."""
    return _move(p, "POST-OP DAY 30", p.surg and plus(p.surg, 36), "POST-OP DAY 30 on SURG + 36")


@defect("VIS-001")
def preoperative_early(p: Patient) -> Planted | None:
    """PRE-OPERATIVE one day before its window."""
    return _move(p, "PRE-OPERATIVE", p.surg and plus(p.surg, -8), "PRE-OPERATIVE on SURG - 8")


@defect("VIS-001", PALHEP)
def week8_late(p: Patient) -> Planted | None:
    """WEEK 8 one day after its window."""
    first = day_of(p.doses("Durvalumab")[0], "Start Date")
    return _move(p, "WEEK 8", plus(first, 60), "WEEK 8 on DURVA1 + 60")


@defect("VIS-001", NEOPVTT)
def screening_early(p: Patient) -> Planted | None:
    """SCREENING one day before its range."""
    if plus(p.d1, -29) < p.consent and (p.consent - plus(p.d1, -29)).days > 28:
        return None
    done = _move(p, "SCREENING", plus(p.d1, -29), "SCREENING on D1 - 29")
    return None if done is None else replace(done, also=("DAT-005",))


@defect("VIS-002")
def visit_missing(p: Patient) -> Planted | None:
    """A visit without a scan that nobody recorded."""
    names = ("WEEK 3", "WEEK 8", "WEEK 4", "WEEK 2", "END OF RADIOTHERAPY", "POST-OP DAY 90", "SURVIVAL FOLLOW-UP 1")
    rows = [r for n in names if (r := p.visit(n)) is not None and plus(day_of(r, "Visit Date"), 40) < p.cutoff]
    if (row := p.one_of(rows)) is None or latest_sign(p) < plus(day_of(row, "Visit Date"), 40):
        return None
    p.remove("Visits", [row])
    return p.here("Visits", None, None, f"{row['Visit']} of {row['Visit Date']} removed")


@defect("VIS-003")
def visit_twice(p: Patient) -> Planted | None:
    """A planned visit on two days."""
    names = ("WEEK 3", "WEEK 4", "WEEK 8", "WEEK 2", "POST-OP DAY 30")
    row = p.one_of([r for n in names if (r := p.visit(n)) is not None])
    if row is None or plus(day_of(row, "Visit Date"), 1) > p.cutoff:
        return None
    again = p.add("Visits", row | {"Visit Date": plus(day_of(row, "Visit Date"), 1)}, after=row)
    return p.here("Visits", again, "Visit Date", f"{row['Visit']} twice", "VIS-001")


@defect("VIS-003", PALHEP)
def visits_out_of_order(p: Patient) -> Planted | None:
    """WEEK 8 before WEEK 4 (and so outside its window)."""
    first, row = p.visit("WEEK 4"), p.visit("WEEK 8")
    if row is None or first is None:
        return None
    row["Visit Date"] = plus(day_of(first, "Visit Date"), -2)
    return p.here("Visits", ANY_ROW, None, "WEEK 8 two days before WEEK 4", "VIS-001")


def drop_scan(p: Patient, visit: str) -> None:
    """Take a visit's scans and response away; the visit is recorded as not done."""
    for sheet in SITE_SHEETS:
        p.remove(sheet, p.rows(sheet, Visit=visit))
    p.remove("Response", p.rows("Response", Visit=visit))
    for row in p.rows("Visits", Visit=visit):
        row |= {
            "Visit Date": None,
            "Visit Done": "N",
            "Reason Not Done": "Scanner broken",
            "Weight": None,
            "ECOG": None,
        }
    p.remove("Labs", p.rows("Labs", Visit=visit))


def holds_no_nadir(p: Patient, row: Row, rows: list[Row]) -> bool:
    """Whether a later nadir, and with it every later response, is the same without this assessment."""
    place = next(n for n, r in enumerate(rows) if r is row)
    if row["Sum of Diameters"] is None or rows[place]["Overall Response"] in ("PD", "CR"):
        return False
    before = [amount(r, "Sum of Diameters") for r in rows[:place] if r["Sum of Diameters"] is not None]
    return not rows[place + 1 :] or (bool(before) and min(before) <= amount(row, "Sum of Diameters"))


def _planned(p: Patient) -> list[Row]:
    return [r for r in p.responses() if str(r["Visit"]).startswith("TUMOR ASSESSMENT")]


@defect("VIS-004")
def gap_between_scans(p: Patient) -> Planted | None:
    """A planned assessment that was not done: the next one comes after twice the interval."""
    for row, following in pairwise(_planned(p)):
        if holds_no_nadir(p, row, p.responses()) and "NE" not in (
            following["Overall Response"],
            row["Overall Response"],
        ):
            drop_scan(p, str(row["Visit"]))
            return p.here("Response", following, "Assessment Date", f"{row['Visit']} not done", "END-013")
    return None


@defect("VIS-005")
def baseline_too_old(p: Patient) -> Planted | None:
    """The baseline scan 30 days before the first treatment (a warning)."""
    rows = p.rows("Target Lesions", Visit="SCREENING")
    days = {r["Assessment Date"] for r in rows}
    if len(rows) != 1 or len(days) != 1:
        return None
    shift(p.scan_rows("SCREENING"), (plus(p.d1, -30) - day_of(rows[0], "Assessment Date")).days)
    return p.here("Target Lesions", rows[0], "Assessment Date", "baseline scan 30 days before D1", "DAT-005")


@defect("VIS-005")
def baseline_after_treatment(p: Patient) -> Planted | None:
    """The baseline scan two days after the first treatment."""
    rows = p.rows("Target Lesions", Visit="SCREENING")
    if len(rows) != 1:
        return None
    shift(p.scan_rows("SCREENING"), (plus(p.d1, 2) - day_of(rows[0], "Assessment Date")).days)
    also = ("END-001", "END-011", "MEA-013", "END-002")
    return p.here("Target Lesions", rows[0], "Assessment Date", "baseline scan two days after D1", *also)


@defect("VIS-006", PALHEP)
def week6_scan_late(p: Patient) -> Planted | None:
    """The WEEK 6 scan one day after the window of the primary endpoint."""
    return _week6(p, 50)


@defect("VIS-006", PALHEP)
def week6_scan_early(p: Patient) -> Planted | None:
    """The WEEK 6 scan one day before the window of the primary endpoint."""
    return _week6(p, 34)


def _week6(p: Patient, after: int) -> Planted | None:
    name = "WEEK 6 TUMOR ASSESSMENT"
    rows = p.scan_rows(name)
    response = p.only("Response", Visit=name)
    if not rows or response is None or response["Overall Response"] == "PD":
        return None
    first = day_of(p.doses("Durvalumab")[0], "Start Date")
    if plus(first, 60) > p.cutoff or (p.death and p.death < plus(first, 60)):
        return None
    days = [day_of(r, "Assessment Date") for r in rows]
    if min(days) != max(days):
        return None
    move = (plus(first, after) - days[0]).days
    shift([*rows, response], move)
    return p.here("Target Lesions", None, None, f"WEEK 6 scan on DURVA1 + {after}", "VIS-004")


@defect("VIS-006", PALHEP)
def week6_scan_missing(p: Patient) -> Planted | None:
    """No WEEK 6 scan at all; the visit is recorded as not done."""
    rows, name = p.responses(), "WEEK 6 TUMOR ASSESSMENT"
    row = p.only("Response", Visit=name)
    if row is None or len(rows) < 2 or not holds_no_nadir(p, row, [{**row, "Sum of Diameters": _baseline(p)}, *rows]):
        return None
    if row["Overall Response"] == "PD":
        return None
    drop_scan(p, name)
    return p.here("Target Lesions", None, None, "WEEK 6 scan not done", "VIS-004")


def _baseline(p: Patient) -> float:
    """The baseline sum of a RECIST subject, from the site's own rows."""
    total = 0.0
    for row in p.rows("Target Lesions", Visit="SCREENING"):
        total += amount(row, "Short Axis" if row["Lymph Node"] == "Y" else "Diameter")
    return total


@defect("VIS-007", PALHEP)
def decision_missing(p: Patient) -> Planted | None:
    """No decision although month 3 is long over."""
    row = p.only("Decision")
    if row is None or p.surg is not None or plus(p.d1, 125) > min(p.cutoff, p.death or p.cutoff):
        return None
    p.remove("Decision", [row])
    return p.here("Decision", None, None, "decision removed")


@defect("VIS-007", PALHEP)
def decision_late(p: Patient) -> Planted | None:
    """The decision one day after its window."""
    row = p.only("Decision")
    if row is None or p.surg is not None or plus(p.d1, 125) > min(p.cutoff, p.death or p.cutoff):
        return None
    row["Decision Date"] = plus(p.d1, 106)
    return p.here("Decision", row, "Decision Date", "decision on D1 + 106")


@defect("VIS-008", NEOPVTT)
def restaging_missing(p: Patient) -> Planted | None:
    """A hepatectomy without a scan after radiotherapy."""
    if p.operation is None or p.only("Response", Visit="RESTAGING") is None:
        return None
    drop_scan(p, "RESTAGING")
    return p.here("Procedures", p.operation, "Start Date", "restaging not done", "END-002", "END-001")


@defect("VIS-008", NEOPVTT)
def restaging_too_early(p: Patient) -> Planted | None:
    """The last scan before surgery 43 days before it."""
    row, end = p.only("Response", Visit="RESTAGING"), p.only("Procedures", Procedure="IMRT")
    if p.operation is None or p.surg is None or row is None or end is None or row["Overall Response"] == "PD":
        return None
    scans = p.scan_rows("RESTAGING")
    latest = max(day_of(r, "Assessment Date") for r in scans)
    earliest = min(day_of(r, "Assessment Date") for r in scans)
    move = (plus(p.surg, -43) - latest).days
    if plus(earliest, move) < day_of(end, "End Date"):
        return None
    shift([*scans, row], move)
    return p.here("Procedures", p.operation, "Start Date", "last scan 43 days before surgery")


@defect("VIS-009")
def postoperative_scan_late(p: Patient) -> Planted | None:
    """The post-operative scan one day after its window."""
    scans = p.scan_rows("POST-OP DAY 30")
    if p.operation is None or p.surg is None or not scans or plus(p.surg, 60) > min(p.cutoff, p.death or p.cutoff):
        return None
    earliest = min(day_of(r, "Assessment Date") for r in scans)
    rows = [*scans, *p.rows("Response", Visit="POST-OP DAY 30")]
    shift(rows, (plus(p.surg, 46) - earliest).days)
    return p.here("Procedures", p.operation, "Start Date", "post-operative scan on SURG + 46")


@defect("VIS-010")
def scans_far_apart(p: Patient) -> Planted | None:
    """One lesion's scan 16 days before the others of the visit."""
    for row in reversed(_planned(p)):
        scans = p.scan_rows(str(row["Visit"]))
        if len(scans) > 1 and row["Overall Response"] != "PD":
            latest = max(day_of(r, "Assessment Date") for r in scans)
            keep = [r for r in scans if r["Assessment Date"] == latest]
            if len(keep) == len(scans):
                scans[-1]["Assessment Date"] = plus(latest, -16)
                return p.here("Response", row, "Assessment Date", "one lesion 16 days earlier", "MEA-029")
    return None
