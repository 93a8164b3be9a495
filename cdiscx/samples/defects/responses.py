"""Planted defects of the site's response rows (MEA-007, 012, 014 to 018, 021 to 023, 028, 029).

In: a subject's rows. Out: `Planted`.
"""

from __future__ import annotations

from itertools import pairwise

from cdiscx.samples.book import plus
from cdiscx.samples.defects.planting import Patient, Planted, amount, day_of, defect
from cdiscx.samples.defects.rereading import last_of_era, reread
from cdiscx.samples.layout import NEOPVTT, PALHEP, Row

RESPONSE = "Response"


def _summed(p: Patient) -> list[Row]:
    return [r for r in p.responses() if r["Sum of Diameters"] is not None and r["Percent from Nadir"] is not None]


def _calm(p: Patient, *overall: str) -> list[Row]:
    """Responses on which no decision hangs: neither month 3 nor restaging."""
    rows = [r for r in p.responses() if r["Visit"] not in ("MONTH 3 DECISION", "RESTAGING", "POST-OP DAY 30")]
    return [r for r in rows if r["Overall Response"] in overall]


@defect("MEA-007")
def wrong_sum(p: Patient) -> Planted | None:
    """A sum 1 mm too large."""
    if (row := p.one_of(_summed(p))) is None:
        return None
    row["Sum of Diameters"] = amount(row, "Sum of Diameters") + 1
    return p.here(RESPONSE, row, "Sum of Diameters", "sum 1 mm too large")


@defect("MEA-007")
def digits_swapped(p: Patient) -> Planted | None:
    """A sum far from the lesions'."""
    if (row := p.one_of(_summed(p))) is None:
        return None
    row["Sum of Diameters"] = round(amount(row, "Sum of Diameters") * 0.8 + 7, 1)
    return p.here(RESPONSE, row, "Sum of Diameters", "another sum")


@defect("MEA-012")
def wrong_change(p: Patient) -> Planted | None:
    """A percent change from baseline that is one point off."""
    if (row := p.one_of(_summed(p))) is None:
        return None
    row["Percent from Baseline"] = round(amount(row, "Percent from Baseline") + 1, 2)
    return p.here(RESPONSE, row, "Percent from Baseline", "one percentage point off")


@defect("MEA-012")
def baseline_for_nadir(p: Patient) -> Planted | None:
    """The change from baseline in the column of the nadir."""
    rows = [r for r in _summed(p) if abs(amount(r, "Percent from Baseline") - amount(r, "Percent from Nadir")) > 1]
    if (row := p.one_of(rows)) is None:
        return None
    row["Percent from Nadir"] = row["Percent from Baseline"]
    return p.here(RESPONSE, row, "Percent from Nadir", "nadir taken as baseline only")


@defect("MEA-014")
def other_non_target_response(p: Patient) -> Planted | None:
    """A non-target response that the lesion rows do not give; the overall response is the same."""
    rows = [
        r
        for r in p.responses()
        if r["Non-target Response"] == "Non-CR/Non-PD" and r["Overall Response"] in ("SD", "PR")
    ]
    rows = [r for r in rows if r["Target Response"] in ("SD", "PR")]
    if (row := p.one_of(rows)) is None:
        return None
    row["Non-target Response"] = "NE"
    return p.here(RESPONSE, row, "Non-target Response", "NE for Non-CR/Non-PD")


@defect("MEA-014")
def other_response(p: Patient) -> Planted | None:
    """Target and overall response one step better than the sums give."""
    rows = [r for r in _calm(p, "SD") if r["Target Response"] == "SD"]
    if (row := p.one_of(rows)) is None:
        return None
    row["Target Response"] = row["Overall Response"] = "PR"
    return p.here(RESPONSE, row, "Target Response", "PR for SD", "MEA-018")


@defect("MEA-015")
def impossible_sum_of_parts(p: Patient) -> Planted | None:
    """An overall response that its parts cannot give."""
    rows = [r for r in _calm(p, "SD", "PR") if r["Target Response"] == r["Overall Response"]]
    if (row := p.one_of(rows)) is None:
        return None
    row["Overall Response"] = "PR" if row["Overall Response"] == "SD" else "SD"
    return p.here(RESPONSE, row, "Overall Response", "overall differs from target, nothing else speaks for it")


@defect("MEA-015")
def not_evaluable_though_read(p: Patient) -> Planted | None:
    """NE although all parts were read."""
    rows = [r for r in _calm(p, "SD", "PR") if r["Target Response"] == r["Overall Response"]]
    if (row := p.one_of([r for r in rows if str(r["Visit"]).startswith("TUMOR")])) is None:
        return None
    row["Overall Response"] = "NE"
    return p.here(RESPONSE, row, "Overall Response", "NE for a response that was read", "VIS-004")


@defect("MEA-016")
def new_lesion_without_record(p: Patient) -> Planted | None:
    """New lesion Y, no lesion listed, no progression."""
    if (row := p.one_of(_calm(p, "SD", "PR"))) is None:
        return None
    row["New Lesion"] = "Y"
    return p.here(RESPONSE, row, None, "new lesion Y without a lesion", "MEA-015", "MEA-014")


@defect("MEA-016")
def new_lesion_not_answered(p: Patient) -> Planted | None:
    """A new lesion listed, the response says there is none."""
    rows = [r for r in _calm(p, "SD", "PR") if last_of_era(p, r) and not p.rows("New Lesions")]
    if (row := p.one_of(rows)) is None:
        return None
    scans = [r for r in p.scan_rows(str(row["Visit"])) if r["Assessment Date"]]
    values = {
        "Visit": row["Visit"], "Assessment Date": max(day_of(r, "Assessment Date") for r in scans),
        "Evaluator": row["Evaluator"], "Lesion ID": "N1", "Organ": "Lung", "Location": "Left upper lobe",
        "Method": "CT", "Certainty": "Unequivocal", "Diameter": 14,
    }  # fmt: skip
    p.add("New Lesions", values)
    return p.here(RESPONSE, row, None, "a new lesion, but New Lesion is N", "MEA-014", "MEA-015")


@defect("MEA-016")
def new_lesion_lost(p: Patient) -> Planted | None:
    """New lesion Y and progression, but the lesion is listed nowhere."""
    rows = [r for r in p.responses() if r["New Lesion"] == "Y"]
    if len(rows) != 1 or len(p.rows("New Lesions")) != 1:
        return None
    p.remove("New Lesions", p.rows("New Lesions"))
    return p.here(RESPONSE, rows[0], "New Lesion", "new lesion removed", "MEA-014", "MEA-017")


@defect("MEA-017")
def progression_of_nothing(p: Patient) -> Planted | None:
    """PD at the last assessment, and nothing grew."""
    rows = [r for r in _calm(p, "SD", "PR") if last_of_era(p, r) and r["Target Response"] in ("SD", "PR")]
    if not rows or p.pd is not None or (p.is_a and p.treatment_end is not None):
        return None
    row = rows[-1]
    row["Target Response"] = row["Overall Response"] = "PD"
    return p.here(RESPONSE, row, "Overall Response", "PD without growth", "MEA-014", "MEA-022", "DOS-009", "VIS-002")


@defect("MEA-018", PALHEP)
def complete_then_partial(p: Patient) -> Planted | None:
    """A complete response followed by a partial one: a non-target lesion is seen again."""
    rows = p.rows(RESPONSE, Overall_Response="CR")
    last = rows[-1] if len(rows) > 1 else None
    if last is None or not last_of_era(p, last) or last["Non-target Response"] != "CR":
        return None
    other = p.rows("Non-target Lesions", Visit=last["Visit"])[0]
    other["Status"] = "Present"
    last["Non-target Response"], last["Overall Response"] = "Non-CR/Non-PD", "PR"
    return p.here(RESPONSE, last, "Overall Response", "PR after CR", "MEA-009")


@defect("MEA-018")
def stable_after_progression(p: Patient) -> Planted | None:
    """A progression that was stable disease again at the next visit (the first one was typed wrong)."""
    rows = p.responses()
    for row, following in pairwise(rows):
        calm = row in _calm(p, "SD") and following["Overall Response"] in ("SD", "PR")
        if calm and row["Target Response"] == "SD" and str(row["Visit"]).startswith("TUMOR"):
            row["Target Response"] = row["Overall Response"] = "PD"
            also = ("MEA-014", "MEA-017", "MEA-022", "DOS-009", "VIS-002")
            return p.here(RESPONSE, following, "Overall Response", "SD after PD", *also)
    return None


@defect("MEA-021", NEOPVTT)
def gone_without_flow(p: Patient) -> Planted | None:
    """No thrombus left, and no flow."""
    if (row := p.one_of(p.rows(RESPONSE, PVTT_Class="NONE"))) is None:
        return None
    row["Flow Restored"] = "N"
    return p.here(RESPONSE, row, "PVTT Class", "class NONE, flow N")


@defect("MEA-021", NEOPVTT)
def grown_with_flow(p: Patient) -> Planted | None:
    """A thrombus that grew, and flow that came back."""
    row = p.one_of([r for r in p.rows(RESPONSE, PVTT_Response="PD") if r["Flow Restored"] == "N"])
    if row is None:
        return None
    row["Flow Restored"] = "Y"
    return p.here(RESPONSE, row, "PVTT Class", "upstaging with flow restored")


@defect("MEA-021", NEOPVTT)
def two_steps_down(p: Patient) -> Planted | None:
    """A thrombus two classes smaller."""
    if not str(p.demo["PVTT Class"]).startswith("III"):
        return None
    row = p.one_of([r for r in p.rows(RESPONSE, PVTT_Response="PR") if str(r["PVTT Class"]).rstrip("ab") == "II"])
    if row is None or len(p.rows(RESPONSE, PVTT_Response="PR")) != 1:
        return None
    row["PVTT Class"] = "I"
    return p.here(RESPONSE, row, "PVTT Class", "III to I")


@defect("MEA-022", NEOPVTT)
def wrong_composite(p: Patient) -> Planted | None:
    """A composite response that its parts do not give."""
    rows = [r for r in p.rows(RESPONSE) if r["Composite Response"] in ("PR", "SD", "PD")]
    if (row := p.one_of(rows)) is None:
        return None
    row["Composite Response"] = "SD" if row["Composite Response"] != "SD" else "PR"
    return p.here(RESPONSE, row, "Composite Response", "another cell of the matrix")


@defect("MEA-022", NEOPVTT)
def thrombus_read_wrong(p: Patient) -> Planted | None:
    """The composite left blank out of the thrombus: PD of the thrombus, PR as composite."""
    rows = [r for r in p.rows(RESPONSE, PVTT_Response="PD") if r["Composite Response"] == "PD"]
    if (row := p.one_of(rows)) is None:
        return None
    row["Composite Response"] = "PR"
    return p.here(RESPONSE, row, "Composite Response", "PR with a thrombus in progression")


@defect("MEA-023", NEOPVTT)
def small_progression(p: Patient) -> Planted | None:
    """A progression by 4 mm of a small viable rest (a note); sums were written to fit."""
    row, rows = p.only(RESPONSE, Visit="RESTAGING", Target_Response="PD"), p.rows("Target Lesions", Lesion_ID="T1")
    if row is None or len(p.rows(RESPONSE)) != 1 or len(rows) != 2 or len(p.rows("Target Lesions")) != 2:
        return None
    rows[0]["Viable Diameter"], rows[1]["Viable Diameter"] = 18, 22
    reread(p, "RESTAGING")
    return p.here(RESPONSE, row, "Sum of Diameters", "+22 %, but only 4 mm")


@defect("MEA-028")
def stage_too_low(p: Patient) -> Planted | None:
    """BCLC B in a subject with a thrombus or a lesion outside the liver."""
    if p.demo["BCLC Stage"] != "C":
        return None
    p.demo["BCLC Stage"] = "B"
    return p.here("Demographics", p.demo, "BCLC Stage", "BCLC B with vascular invasion or spread")


@defect("MEA-028")
def liver_score_off(p: Patient) -> Planted | None:
    """A Child-Pugh score one point off its laboratory values."""
    score = amount(p.demo, "Child-Pugh Score")
    p.demo["Child-Pugh Score"] = 6 if score != 6 else 5
    return p.here("Demographics", p.demo, "Child-Pugh Score", f"{score} points by the laboratory")


@defect("MEA-029")
def dated_at_the_reading(p: Patient) -> Planted | None:
    """A response dated nine days after the scans."""
    rows = [r for r in _calm(p, "SD", "PR", "Non-CR/Non-PD") if plus(day_of(r, "Assessment Date"), 9) <= p.cutoff]
    limit = p.death or p.cutoff
    if (row := p.one_of([r for r in rows if plus(day_of(r, "Assessment Date"), 9) < limit])) is None:
        return None
    row["Assessment Date"] = plus(day_of(row, "Assessment Date"), 9)
    return p.here(RESPONSE, row, "Assessment Date", "nine days after the scans", "VIS-010")
