"""Planted defects of endpoint completeness (END). In: a subject's rows. Out: `Planted`; see `planting`."""

from __future__ import annotations

from cdiscx.samples.book import plus
from cdiscx.samples.defects.planting import Patient, Planted, amount, as_day, day_of, defect
from cdiscx.samples.defects.visits import drop_scan, holds_no_nadir
from cdiscx.samples.layout import NEOPVTT, PALHEP, Row

TARGETS, OTHERS = "Target Lesions", "Non-target Lesions"


def _unread(p: Patient, visit: str) -> Row | None:
    """Make the first target of a visit not evaluable, and the response with it."""
    row, rows = p.only("Response", Visit=visit), p.rows(TARGETS, Visit=visit)
    if row is None or not rows or row["Overall Response"] not in ("SD", "PR"):
        return None
    blank = dict.fromkeys(("Diameter", "Short Axis", "Viable Diameter", "Unit"))
    rows[0].update({k: v for k, v in blank.items() if k in rows[0]})
    rows[0] |= {"Status": "Not evaluable", "Reason": "Motion artefact, lesion not readable"}
    row |= {"Sum of Diameters": None, "Percent from Baseline": None, "Percent from Nadir": None}
    row |= {"Target Response": "NE", "Overall Response": "NE"}
    return row


@defect("END-001", PALHEP)
def week6_not_evaluable(p: Patient) -> Planted | None:
    """The only scan of the primary endpoint's window could not be read."""
    name, rows = "WEEK 6 TUMOR ASSESSMENT", p.responses()
    first = p.only("Response", Visit=name)
    if first is None or len(rows) < 2 or p.rows(TARGETS, Visit=name, Status="Merged"):
        return None
    base = sum(
        amount(r, "Short Axis" if r["Lymph Node"] == "Y" else "Diameter") for r in p.rows(TARGETS, Visit="SCREENING")
    )
    second = rows[1]["Sum of Diameters"]
    lowest = min(base, second) if isinstance(second, int | float) else base
    if amount(first, "Sum of Diameters") < lowest or _unread(p, name) is None:
        return None
    return p.here("Response", None, None, "week 6 scan not evaluable", "MEA-014", "VIS-006", "MEA-012")


@defect("END-002")
def nothing_evaluable(p: Patient) -> Planted | None:
    """The only scan after baseline could not be read, and the subject left the study."""
    rows = p.responses()
    if len(rows) != 1 or not (p.study_end and p.study_end["Event"] == "Withdrew consent") or plus(p.d1, 90) > p.cutoff:
        return None
    if _unread(p, str(rows[0]["Visit"])) is None:
        return None
    if not p.is_a:
        rows[0]["Composite Response"] = "NE" if rows[0]["PVTT Response"] != "PD" else "PD"
    return p.here("Response", None, None, "no evaluable scan after baseline", "END-001")


@defect("END-003", PALHEP)
def diagnosis_blank(p: Patient) -> Planted | None:
    """No date of diagnosis."""
    p.demo["HCC Diagnosis Date"] = None
    return p.here("Demographics", p.demo, "HCC Diagnosis Date", "diagnosis date blank")


@defect("END-003", PALHEP)
def diagnosis_partial(p: Patient) -> Planted | None:
    """A diagnosis known to the month (a warning)."""
    p.demo["HCC Diagnosis Date"] = day_of(p.demo, "HCC Diagnosis Date").strftime("%Y-%m")
    return p.here("Demographics", p.demo, "HCC Diagnosis Date", "diagnosis known to the month")


@defect("END-003", PALHEP)
def diagnosis_after_consent(p: Patient) -> Planted | None:
    """A diagnosis later than the consent to the study."""
    p.demo["HCC Diagnosis Date"] = plus(p.consent, 1)
    return p.here("Demographics", p.demo, "HCC Diagnosis Date", "diagnosis the day after consent")


def _blank(p: Patient, sheet: str, row: Row | None, column: str, *also: str) -> Planted | None:
    if row is None:
        return None
    row[column] = None
    return p.here(sheet, row, column, f"{column} blank", *also)


@defect("END-004")
def consent_blank(p: Patient) -> Planted | None:
    """No date of consent."""
    return _blank(p, "Demographics", p.demo, "Informed Consent Date")


@defect("END-004")
def enrolment_blank(p: Patient) -> Planted | None:
    """No date of enrolment."""
    return _blank(p, "Demographics", p.demo, "Enrolment Date")


@defect("END-004")
def surgery_blank(p: Patient) -> Planted | None:
    """A hepatectomy without its date."""
    return _blank(p, "Procedures", p.operation, "Start Date")


@defect("END-004", NEOPVTT)
def last_fraction_blank(p: Patient) -> Planted | None:
    """Radiotherapy without its end."""
    return _blank(p, "Procedures", p.only("Procedures", Procedure="IMRT"), "End Date")


@defect("END-005")
def death_date_blank(p: Patient) -> Planted | None:
    """A subject who is dead, and no date of death."""
    if p.rows("Adverse Events", Outcome="Fatal"):
        return None
    return _blank(p, "Survival", p.only("Survival", Status="Dead"), "Death Date", "STR-009")


@defect("END-005")
def death_not_reported(p: Patient) -> Planted | None:
    """Death as end of study, nothing about it in the survival sheet."""
    dead, end = p.only("Survival", Status="Dead"), p.study_end
    if dead is None or end is None or p.rows("Adverse Events", Outcome="Fatal"):
        return None
    p.remove("Survival", [dead])
    return p.here("Disposition", end, None, "Dead row of Survival removed", "VIS-011")


@defect("END-006")
def other_death_date(p: Patient) -> Planted | None:
    """Two dates of one death."""
    end = p.study_end
    if end is None or end["Event"] != "Death" or p.death is None or plus(p.death, 3) > p.cutoff:
        return None
    end["Date"] = plus(p.death, 3)
    return p.here("Disposition", end, None, "Disposition three days after Survival", "DAT-007")


@defect("END-006")
def alive_after_death(p: Patient) -> Planted | None:
    """A contact with a subject who had died."""
    dead = p.only("Survival", Status="Dead")
    if dead is None or p.death is None or plus(p.death, 15) > p.cutoff:
        return None
    values = {"Contact Date": plus(p.death, 15), "Status": "Alive", "New Anticancer Therapy": "N"}
    row = p.add("Survival", dict(values), after=dead)
    return p.here("Survival", row, None, "alive 15 days after death", "DAT-007")


def _decision(p: Patient, *responses: str) -> Row | None:
    row = p.only("Decision")
    return row if row is not None and row["Month 3 Response"] in responses else None


@defect("END-007", PALHEP)
def response_on_the_decision(p: Patient) -> Planted | None:
    """A month-3 response that the response sheet does not have."""
    row = _decision(p, "SD", "PD")
    if row is None or p.surg is None:
        return None
    row["Month 3 Response"] = "PR"
    return p.here("Decision", row, None, "PR, the response sheet and the operation say otherwise")


@defect("END-007", PALHEP)
def responder_operated(p: Patient) -> Planted | None:
    """A responder whose decision says surgery."""
    row = _decision(p, "PR", "CR")
    if row is None or p.surg is not None:
        return None
    row["Branch"] = "Surgery"
    return p.here("Decision", row, "Branch", "CR or PR, branch Surgery")


@defect("END-007", PALHEP)
def no_surgery_no_reason(p: Patient) -> Planted | None:
    """Stable or progressive disease, no surgery, no reason."""
    row = _decision(p, "SD", "PD")
    if row is None or p.surg is not None or plus(day_of(row, "Decision Date"), 75) > min(p.cutoff, p.death or p.cutoff):
        return None
    row["Reason"] = None
    return p.here("Decision", row, "Reason", "reason blank")


@defect("END-007", PALHEP)
def operated_though_effective(p: Patient) -> Planted | None:
    """Surgery although efficacy was not poor (a warning)."""
    row = _decision(p, "SD", "PD")
    if row is None or row["Branch"] != "Surgery":
        return None
    row["Poor Efficacy"] = "N"
    return p.here("Decision", row, None, "Poor Efficacy N, branch Surgery")


@defect("END-008")
def margin_blank(p: Patient) -> Planted | None:
    """A hepatectomy of more than a month ago without its margin."""
    if p.surg is None or plus(p.surg, 45) > p.cutoff:
        return None
    return _blank(p, "Procedures", p.operation, "Residual Tumour")


def _overall(p: Patient) -> Row | None:
    return p.only("Pathology", Nodule="OVERALL", Specimen="Resection")


@defect("END-009")
def no_pathology(p: Patient) -> Planted | None:
    """A hepatectomy of more than two months ago without a specimen."""
    rows = p.rows("Pathology", Specimen="Resection")
    if p.surg is None or p.operation is None or not rows or plus(p.surg, 75) > p.cutoff:
        return None
    p.remove("Pathology", rows)
    return p.here("Procedures", p.operation, None, "no pathology")


@defect("END-009")
def wrong_mpr(p: Patient) -> Planted | None:
    """MPR against the viable percentage."""
    if (row := _overall(p)) is None or row["Viable Tumour %"] == 0:
        return None
    row["MPR"] = "N" if row["MPR"] == "Y" else "Y"
    return p.here("Pathology", row, "MPR", f"viable {row['Viable Tumour %']} %, MPR {row['MPR']}")


@defect("END-009")
def wrong_pcr(p: Patient) -> Planted | None:
    """pCR although tumour was alive, or none although it was not."""
    if (row := _overall(p)) is None:
        return None
    row["pCR"] = "N" if row["pCR"] == "Y" else "Y"
    return p.here("Pathology", row, "pCR", f"viable {row['Viable Tumour %']} %, pCR {row['pCR']}")


@defect("END-009")
def more_than_everything(p: Patient) -> Planted | None:
    """Percentages that add up to 106."""
    if (row := _overall(p)) is None or amount(row, "Fibrosis %") > 90:
        return None
    row["Fibrosis %"] = amount(row, "Fibrosis %") + 6
    return p.here("Pathology", row, None, "viable, necrosis and fibrosis add up to 106")


@defect("END-010", NEOPVTT)
def flow_blank(p: Patient) -> Planted | None:
    """A thrombus of the same class, and no word about the flow."""
    base = str(p.demo["PVTT Class"]).rstrip("ab")
    rows = [r for r in p.rows("Response", PVTT_Response="SD") if str(r["PVTT Class"]).rstrip("ab") == base]
    return _blank(p, "Response", p.one_of(rows), "Flow Restored")


@defect("END-011", NEOPVTT)
def thrombus_not_classified(p: Patient) -> Planted | None:
    """No class of the thrombus at baseline."""
    return _blank(p, "Demographics", p.demo, "PVTT Class", "MEA-022", "MEA-021", "MEA-014", "END-018")


@defect("END-011")
def no_lesion(p: Patient) -> Planted | None:
    """No lesion at all, target or not, in a subject who has no other scan yet."""
    if p.rows("Response") or plus(p.d1, 20) > p.cutoff:
        return None
    p.remove(TARGETS, p.rows(TARGETS))
    p.remove(OTHERS, p.rows(OTHERS))
    return p.here(TARGETS, None, None, "no lesion at baseline", "END-001", "END-018", "STR-007", "VIS-005")


@defect("END-012")
def therapy_undated(p: Patient) -> Planted | None:
    """A new therapy that began nobody knows when."""
    return _blank(p, "Survival", p.only("Survival", New_Anticancer_Therapy="Y"), "New Therapy Date")


@defect("END-012")
def therapy_of_a_year(p: Patient) -> Planted | None:
    """A new therapy known to the year."""
    row = p.only("Survival", New_Anticancer_Therapy="Y")
    if row is None:
        return None
    row["New Therapy Date"] = str(row["New Therapy Date"])[:4]
    return p.here("Survival", row, "New Therapy Date", "known to the year")


@defect("END-013", PALHEP)
def event_after_a_gap(p: Patient) -> Planted | None:
    """A progression after two assessments that were not done (a note)."""
    rows = p.responses()
    if len(rows) < 4 or rows[-1]["Overall Response"] != "PD":
        return None
    gone = rows[-3:-1]
    planned = all(str(r["Visit"]).startswith("TUMOR") for r in gone)
    if not planned or not all(holds_no_nadir(p, r, rows) for r in gone):
        return None
    since = as_day(rows[-4]["Assessment Date"])
    if since is None or (p.surg is not None and since < p.surg):
        return None
    for row in gone:
        drop_scan(p, str(row["Visit"]))
    return p.here("Demographics", p.demo, None, "two assessments before the progression not done", "VIS-004")
