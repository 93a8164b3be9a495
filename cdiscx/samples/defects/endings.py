"""Planted defects of dispositions, notes and eligibility (END-014 to END-018). In: a subject's rows. Out: `Planted`."""

from __future__ import annotations

from datetime import date

from cdiscx.samples.book import plus
from cdiscx.samples.defects.planting import Patient, Planted, day_of, defect
from cdiscx.samples.layout import NEOPVTT, PALHEP, Row


@defect("END-014")
def no_end_of_study(p: Patient) -> Planted | None:
    """A subject who died, and no disposition of the study."""
    end = p.study_end
    if end is None or end["Event"] != "Death":
        return None
    p.remove("Disposition", [end])
    return p.here("Disposition", None, None, "death without disposition")


def _treatment(p: Patient, *events: str) -> Row | None:
    row = p.treatment_end
    return row if row is not None and row["Event"] in events else None


@defect("END-014")
def progression_nobody_saw(p: Patient) -> Planted | None:
    """Treatment ended for a progression that no response shows."""
    row = _treatment(p, "Completed", "Physician decision")
    if row is None or p.pd is not None:
        return None
    row["Event"], row["Reason"] = "Progressive disease", "Progression on imaging"
    return p.here("Disposition", row, None, "progressive disease, no PD in Response")


@defect("END-014")
def event_nobody_recorded(p: Patient) -> Planted | None:
    """Treatment ended for an adverse event that no adverse event shows."""
    row = _treatment(p, "Completed", "Physician decision", "Progressive disease")
    if row is None or any("withdrawn" in str(r["Action Taken"]) for r in p.rows("Adverse Events")):
        return None
    row["Event"], row["Reason"] = "Adverse event", "Unacceptable toxicity"
    return p.here("Disposition", row, None, "adverse event, none with drug withdrawn")


@defect("END-014")
def ended_before_the_last_dose(p: Patient) -> Planted | None:
    """Treatment ended three days before the last dose."""
    row = _treatment(p, "Completed", "Physician decision", "Progressive disease")
    ends = [day_of(r, "End Date") for r in p.doses(p.tablet) if r["End Date"]]
    if row is None or not ends or max(ends) != row["Date"]:
        return None
    row["Date"] = plus(day_of(row, "Date"), -3)
    return p.here("Disposition", row, None, "three days before the last tablet", "DOS-008")


@defect("END-015", NEOPVTT)
def one_year_open(p: Patient) -> Planted | None:
    """A subject treated more than a year ago whose last scan was within the first year (a note)."""
    rows, end = p.responses(), p.study_end
    if end is not None or p.pd is not None or len(rows) < 2 or (p.cutoff - p.d1).days <= 395:
        return None
    late = [r for r in rows if (day_of(r, "Assessment Date") - p.d1).days > 330]
    if not late or len(late) == len(rows):
        return None
    for row in late:
        for sheet in ("Target Lesions", "Non-target Lesions", "New Lesions", "Response"):
            p.remove(sheet, p.rows(sheet, Visit=row["Visit"]))
        for each in p.rows("Visits", Visit=row["Visit"]):
            each |= {"Visit Date": None, "Visit Done": "N", "Reason Not Done": "Scanner broken"}
    return p.here("Demographics", p.demo, None, "no scan after day 330", "VIS-004")


@defect("END-016", PALHEP)
def long_wait(p: Patient) -> Planted | None:
    """A diagnosis 91 days before enrolment (a note)."""
    day = plus(day_of(p.demo, "Enrolment Date"), -91)
    if day_of(p.demo, "HCC Diagnosis Date") <= day:
        return None
    p.demo["HCC Diagnosis Date"] = day
    return p.here("Demographics", p.demo, "HCC Diagnosis Date", "91 days before enrolment")


@defect("END-017", NEOPVTT)
def margin_not_free(p: Patient) -> Planted | None:
    """A margin that is not free, in the DFS population (a note)."""
    if p.operation is None or p.operation["Residual Tumour"] != "R0":
        return None
    p.operation["Residual Tumour"] = p.rng.choice(("R1", "RX"))
    return p.here("Procedures", p.operation, "Residual Tumour", "margin not free")


@defect("END-018", PALHEP)
def stage_not_eligible(p: Patient) -> Planted | None:
    """BCLC A."""
    if p.demo["BCLC Stage"] != "B":
        return None
    p.demo["BCLC Stage"] = "A"
    return p.here("Demographics", p.demo, "BCLC Stage", "BCLC A", "MEA-028")


@defect("END-018")
def too_frail(p: Patient) -> Planted | None:
    """ECOG 2 before the first treatment."""
    p.demo["ECOG"] = 2
    for row in p.rows("Visits"):
        if row["Visit"] in ("SCREENING", "DAY 1"):
            row["ECOG"] = 2
    return p.here("Demographics", p.demo, "ECOG", "ECOG 2")


@defect("END-018", PALHEP)
def too_young(p: Patient) -> Planted | None:
    """Seventeen years old at consent."""
    p.demo["Birth Date"], p.demo["Age"] = _birthday(p.consent, 18, 31), None
    return p.here("Demographics", p.demo, None, "17 years old at consent", "STR-009")


def _birthday(day: date, years: int, days: int) -> date:
    """A birth date `years` before a day, and some days more (less, where negative)."""
    return plus(day.replace(year=day.year - years, day=min(day.day, 28)), days)


@defect("END-018", NEOPVTT)
def too_old(p: Patient) -> Planted | None:
    """Seventy-six years old at consent."""
    p.demo["Birth Date"], p.demo["Age"] = _birthday(p.consent, 76, -40), None
    return p.here("Demographics", p.demo, None, "76 years old at consent")


@defect("END-018", NEOPVTT)
def thrombus_too_far(p: Patient) -> Planted | None:
    """Cheng class IV, in a subject who has no other scan yet."""
    if p.rows("Response"):
        return None
    p.demo["PVTT Class"] = "IV"
    return p.here("Demographics", p.demo, "PVTT Class", "class IV")


@defect("END-018", NEOPVTT)
def spread(p: Patient) -> Planted | None:
    """A lesion in the lung at baseline, in a subject who has no other scan yet."""
    rows = p.rows("Non-target Lesions", Visit="SCREENING")
    if p.rows("Response") or not rows:
        return None
    values = {"Lesion ID": "NT5", "Organ": "Lung", "Location": "Left upper lobe", "Method": "CT", "Status": "Present"}
    p.add("Non-target Lesions", rows[-1] | values, after=rows[-1])
    return p.here("Demographics", p.demo, None, "lung metastasis at baseline")
