"""Planted defects of surgery (SUR). In: a subject's rows. Out: `Planted`; see `planting`."""

from __future__ import annotations

from datetime import date

from cdiscx.samples.book import plus
from cdiscx.samples.defects.planting import Patient, Planted, as_day, day_of, defect
from cdiscx.samples.layout import NEOPVTT, PALHEP, Row

EVENTS = "Adverse Events"


@defect("SUR-001")
def other_specimen_date(p: Patient) -> Planted | None:
    """A specimen dated nine days after the operation."""
    row = p.one_of([r for r in p.rows("Pathology", Specimen="Resection") if r["Nodule"] == "OVERALL"])
    if row is None or p.surg is None or plus(p.surg, 9) > p.cutoff:
        return None
    for each in p.rows("Pathology", Specimen="Resection"):
        each["Specimen Date"] = plus(p.surg, 9)
    first = p.rows("Pathology", Specimen="Resection")[0]
    return p.here("Pathology", first, "Specimen Date", "specimen nine days after surgery", "END-009")


@defect("SUR-001")
def admitted_after_surgery(p: Patient) -> Planted | None:
    """Admission two days after the operation."""
    if p.operation is None or p.surg is None or not p.operation["Discharge Date"]:
        return None
    p.operation["Admission Date"] = plus(p.surg, 2)
    return p.here("Procedures", p.operation, "Admission Date", "admitted two days after surgery", "SUR-004")


@defect("SUR-001")
def operated_twice(p: Patient) -> Planted | None:
    """A second hepatectomy, not marked as a second stage."""
    first = p.operation
    if first is None or p.surg is None or plus(p.surg, 12) > min(p.cutoff, p.death or p.cutoff):
        return None
    day = plus(p.surg, 3)
    values = {
        "Start Date": day,
        "End Date": day,
        "Admission Date": None,
        "Discharge Date": None,
        "Readmission Date": None,
    }
    row = p.add("Procedures", first | values, after=first)
    also = ("END-009", "SUR-002", "SUR-004", "DOS-007", "DOS-017", "VIS-009", "VIS-001", "SUR-003")
    return p.here("Procedures", row, "Procedure", "two hepatectomies", *also)


@defect("SUR-002", PALHEP)
def decided_long_before(p: Patient) -> Planted | None:
    """A decision 43 days before the operation."""
    row = p.only("Decision")
    if row is None or p.operation is None or p.surg is None or (p.surg - p.d1).days - 43 < 77:
        return None
    scan = p.only("Response", Visit="MONTH 3 DECISION")
    day = plus(p.surg, -43)
    if scan is None or day_of(scan, "Assessment Date") > day:
        for each in [*p.scan_rows("MONTH 3 DECISION"), *([scan] if scan else [])]:
            moved = (day_of(each, "Assessment Date") - day).days
            if moved > 7:
                return None
    row["Decision Date"] = day
    return p.here(
        "Procedures", p.operation, "Start Date", "43 days after the decision", "END-007", "VIS-007", "MEA-029"
    )


@defect("SUR-002", NEOPVTT)
def operated_too_late(p: Patient) -> Planted | None:
    """An operation 57 days after radiotherapy (whose end was typed too early)."""
    course = p.only("Procedures", Procedure="IMRT")
    if p.operation is None or p.surg is None or course is None:
        return None
    off = 57 - (p.surg - day_of(course, "End Date")).days
    if not 0 < off <= 12:
        return None
    course["End Date"] = plus(day_of(course, "End Date"), -off)
    return p.here(
        "Procedures",
        p.operation,
        "Start Date",
        "57 days after radiotherapy",
        "VIS-001",
        "DOS-012",
        "VIS-003",
        "DOS-011",
    )


def _complications(p: Patient) -> list[Row]:
    return p.rows(EVENTS, Surgical_Complication="Y")


@defect("SUR-003")
def clavien_blank(p: Patient) -> Planted | None:
    """A surgical complication without its grade."""
    if (row := p.one_of([r for r in _complications(p) if r["Outcome"] != "Fatal"])) is None:
        return None
    row["Clavien-Dindo"] = None
    return p.here(EVENTS, row, "Clavien-Dindo", "Clavien-Dindo blank")


@defect("SUR-003")
def clavien_of_the_dead(p: Patient) -> Planted | None:
    """Grade V in a subject who lives."""
    rows = [r for r in _complications(p) if r["Outcome"] == "Recovered"]
    if p.death is not None or not rows or p.rows("Procedures", Procedure="Reoperation"):
        return None
    rows[0]["Clavien-Dindo"] = "V"
    return p.here(EVENTS, rows[0], "Clavien-Dindo", "grade V, subject alive", "SAF-002", "END-005")


@defect("SUR-003", NEOPVTT)
def reoperation_graded_low(p: Patient) -> Planted | None:
    """A reoperation under anaesthesia, and no complication of grade IIIb."""
    rows = [r for r in _complications(p) if r["Clavien-Dindo"] == "IIIb"]
    if len(rows) != 1 or not p.rows("Procedures", Procedure="Reoperation"):
        return None
    rows[0]["Clavien-Dindo"] = "II"
    return p.here(EVENTS, rows[0], "Clavien-Dindo", "reoperation, highest grade II")


@defect("SUR-004")
def never_discharged(p: Patient) -> Planted | None:
    """No discharge two months after the operation."""
    row = p.operation
    if row is None or p.surg is None or not row["Discharge Date"] or row["Readmission Date"]:
        return None
    if plus(p.surg, 75) > min(p.cutoff, p.death or p.cutoff):
        return None
    row["Discharge Date"] = None
    return p.here("Procedures", row, "Discharge Date", "discharge blank")


@defect("SUR-004", PALHEP)
def home_the_next_day(p: Patient) -> Planted | None:
    """A hepatectomy with one night in hospital."""
    if p.operation is None or p.surg is None or not p.operation["Discharge Date"]:
        return None
    p.operation["Discharge Date"] = plus(p.surg, 1)
    return p.here("Procedures", p.operation, "Discharge Date", "one night")


@defect("SUR-004", PALHEP)
def two_months_in_hospital(p: Patient) -> Planted | None:
    """A stay of 61 nights."""
    if p.operation is None or p.surg is None or not p.operation["Discharge Date"]:
        return None
    if plus(p.surg, 61) > min(p.cutoff, p.death or p.cutoff):
        return None
    p.operation["Discharge Date"] = plus(p.surg, 61)
    return p.here("Procedures", p.operation, "Discharge Date", "61 nights")


@defect("SUR-004", NEOPVTT)
def back_before_leaving(p: Patient) -> Planted | None:
    """Readmitted before the discharge."""
    if p.operation is None or (home := as_day(p.operation["Discharge Date"])) is None:
        return None
    if not p.operation["Readmission Date"]:
        return None
    p.operation["Readmission Date"] = plus(home, -1)
    return p.here("Procedures", p.operation, "Readmission Date", "readmitted before discharge", "DAT-006")


@defect("SUR-005", NEOPVTT)
def day_30_unknown(p: Patient) -> Planted | None:
    """Nothing is known of the subject from the thirtieth day after surgery on."""
    if p.surg is None or p.death or p.study_end or plus(p.surg, 33) > p.cutoff or (p.cutoff - p.surg).days > 200:
        return None
    if any(p.surg < day_of(r, "Start Date") < plus(p.surg, 30) for r in p.rows("Dosing")):
        return None
    if any(isinstance(r["Start Date"], str) for r in p.rows(EVENTS)):
        return None
    limit = plus(p.surg, 30)
    for sheet in p.upload.sheets:
        p.remove(sheet, [r for r in p.rows(sheet) if _dated_from(r, limit)])
    for event in p.rows(EVENTS):
        if isinstance(event["End Date"], date) and event["End Date"] >= limit:
            event |= {"End Date": None, "Ongoing": "Y", "Outcome": "Not recovered"}
    also = ("VIS-001", "VIS-002", "VIS-009", "VIS-011", "MEA-008", "END-002", "DOS-005")
    return p.here("Survival", None, None, "nothing recorded from SURG + 30 on", *also)


def _dated_from(row: Row, limit: date) -> bool:
    """Whether a row tells of something that happened on or after a day."""
    columns = ("Visit Date", "Start Date", "Assessment Date", "Sample Date", "Contact Date", "Specimen Date")
    days = [d for c in columns if (d := as_day(row.get(c))) is not None]
    return bool(days) and min(days) >= limit
