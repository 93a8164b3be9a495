"""The catalogue's disposition, surgery, decision and survival rules over sample rows (see `sample_audit`)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from sample_audit import Subject, as_day, rule, shift


@rule
def stopping(s: Subject) -> Iterator[str]:
    """DOS-008, END-014, SAF-006, DOS-015."""
    for row in s.sheets["Disposition"]:
        day = as_day(row["Date"])
        for dose in s.sheets["Dosing"]:
            if row["Treatment"] in (None, dose["Drug"]) and as_day(dose["Start Date"]) > day:
                yield f"DOS-008 {dose['Drug']} after {day}"
            if row["Treatment"] in (None, dose["Drug"]) and as_day(dose["End Date"] or dose["Start Date"]) > day:
                yield f"END-014 {dose['Drug']} ends after {day}"
            if row["Treatment"] in (None, dose["Drug"]) and dose["Ongoing"] == "Y":
                yield "END-014 ongoing after the end"
        if not row["Reason"]:
            yield "END-014 no reason"
        if row["Event"] == "Progressive disease" and (s.pd is None or s.pd > day):
            yield "END-014 progression without PD"
        if row["Event"] == "Death" and s.death != day:
            yield "END-006 death dates"
        withdrawn = [r for r in s.sheets["Adverse Events"] if "Drug withdrawn" in str(r["Action Taken"])]
        if row["Event"] == "Adverse event" and not withdrawn:
            yield "END-014 adverse event without withdrawal"
    if s.death and not {"Treatment", "Study"} <= {r["Scope"] for r in s.sheets["Disposition"]}:
        yield "END-014 dead without disposition"
    yield from _actions(s)


def _actions(s: Subject) -> Iterator[str]:
    wanted = {"Dose reduced": "Reduced", "Drug interrupted": "Interrupted", "Drug withdrawn": "Discontinued"}
    matched = set()
    for event in s.sheets["Adverse Events"]:
        for part in str(event["Action Taken"] or "").split("; "):
            drug, _, action = part.partition(": ")
            if action in wanted:
                hits = [
                    r for r in s.drug(drug)
                    if r["Dose Changed"] == wanted[action] and -3 <= (_changed(r) - as_day(event["Start Date"])).days <= 14
                ]  # fmt: skip
                matched |= {id(r) for r in hits}
                if not hits:
                    yield f"DOS-015 {drug} {action} {event['Start Date']}"
            if action == "Drug withdrawn":
                ends = [
                    r
                    for r in s.sheets["Disposition"]
                    if r["Event"] == "Adverse event" and r["Treatment"] in (None, drug)
                ]
                if not any(-3 <= (as_day(r["Date"]) - as_day(event["Start Date"])).days <= 14 for r in ends):
                    yield f"SAF-006 {drug}"
            if action and not s.drug(drug):
                yield f"action for {drug}, never taken"
    for row in s.sheets["Dosing"]:
        if "adverse event" in str(row["Change Reason"]).lower() and id(row) not in matched:
            yield f"DOS-015 {row['Drug']} {row['Dose Changed']} without an event"


def _changed(row: dict[str, object]) -> date:
    starts = row["Dose Changed"] in ("Reduced", "Delayed")
    return as_day(row["Start Date"] if starts else row["End Date"] or row["Start Date"])


@rule
def surgery(s: Subject) -> Iterator[str]:
    """VIS-008, VIS-009, END-007 to END-009, SUR-001 to SUR-005."""
    if s.surg is None or s.operation is None:
        return
    op, surg = s.operation, s.surg
    if not as_day(op["Admission Date"]) <= surg or not op["Residual Tumour"] or not op["Resected Lesions"]:
        yield "SUR-001/END-008"
    out = op["Discharge Date"]
    if out is None and shift(surg, 60) < s.horizon:
        yield "SUR-004 no discharge"
    if out is not None and not 2 <= (as_day(out) - surg).days <= 60:
        yield "SUR-004 stay"
    if op["Readmission Date"] and as_day(op["Readmission Date"]) <= as_day(out):
        yield "SUR-004 readmission"
    specimens = [r for r in s.sheets["Pathology"] if r["Specimen"] == "Resection"]
    if any(r["Specimen Date"] != surg for r in specimens) or (not specimens and shift(surg, 60) < s.cutoff):
        yield "END-009 specimen"
    for r in specimens:
        parts = [int(str(r[h])) for h in ("Viable Tumour %", "Necrosis %", "Fibrosis %")]
        if abs(sum(parts) - 100) > 5:
            yield "END-009 sum"
        if r["Nodule"] == "OVERALL":
            everything = [int(str(x["Viable Tumour %"])) for x in specimens]
            if (r["MPR"] == "Y") != (parts[0] <= 10) or (r["pCR"] == "Y") != (max(everything) == 0):
                yield "END-009 MPR"
    scans = {d for v in s.visits for d in s.scan_days(v)}
    if shift(surg, 45) < s.horizon and not any(shift(surg, 14) <= d <= shift(surg, 45) for d in scans):
        yield "VIS-009"
    if s.is_a:
        decided = as_day(s.sheets["Decision"][0]["Decision Date"])
        if not 0 <= (surg - decided).days <= 42:
            yield "SUR-002"
    else:
        assert s.rt_end is not None
        earlier = [d for d in scans if max(s.rt_end, shift(s.d1, 14)) <= d < surg]
        if not earlier or (surg - max(earlier)).days > 42:
            yield "VIS-008"
        if not 28 <= (surg - s.rt_end).days <= 56:
            yield "SUR-002"
    yield from _complications(s, surg)


def _complications(s: Subject, surg: date) -> Iterator[str]:
    grades = []
    for row in s.sheets["Adverse Events"]:
        if row["Surgical Complication"] == "Y":
            grades.append(row["Clavien-Dindo"])
            if not row["Clavien-Dindo"] or not 0 <= (as_day(row["Start Date"]) - surg).days <= 90:
                yield "SUR-003 grade"
            if (row["Clavien-Dindo"] == "V") != (row["CTCAE Grade"] == 5):
                yield "SUR-003 V"
        elif row["Clavien-Dindo"]:
            yield "SUR-003 graded but not surgical"
    reoperated = [r for r in s.sheets["Procedures"] if r["Procedure"] == "Reoperation"]
    if reoperated and not {"IIIb", "IVa", "IVb", "V"} & {str(g) for g in grades}:
        yield "SUR-003 reoperation"
    contacts = [as_day(r["Contact Date"]) for r in s.sheets["Survival"] if r["Status"] == "Alive"]
    seen = [as_day(r["Visit Date"]) for r in s.visits.values() if r["Visit Date"]]
    if shift(surg, 30) < s.cutoff and not s.death and max([*contacts, *seen]) < shift(surg, 30):
        yield "SUR-005"


@rule
def decision(s: Subject) -> Iterator[str]:
    """END-007, VIS-007, DOS-017's last part."""
    rows = s.sheets.get("Decision", [])
    if not s.is_a:
        return
    if not rows:
        if shift(s.d1, 105) < s.horizon:
            yield "VIS-007 missing"
        return
    row, day = rows[0], as_day(rows[0]["Decision Date"])
    used = [
        r
        for r in s.responses
        if r["Overall Response"] != "NE" and shift(s.d1, 77) <= as_day(r["Assessment Date"]) <= day
    ]
    if not used or used[-1]["Overall Response"] != row["Month 3 Response"] or not 77 <= (day - s.d1).days <= 105:
        yield "VIS-007/END-007"
    responds = row["Month 3 Response"] in ("CR", "PR")
    if responds and (row["Branch"] != "Continue" or row["Poor Efficacy"] != "N" or s.surg):
        yield "END-007 responder"
    if (
        not responds
        and row["Branch"] == "Surgery"
        and (row["Poor Efficacy"] != "Y" or (not s.surg and shift(day, 60) < s.cutoff))
    ):
        yield "END-007 surgery"
    if not responds and row["Branch"] != "Surgery" and not row["Reason"]:
        yield "END-007 reason"
    given = [as_day(r["End Date"] or s.cutoff) for r in s.tablets] + s.infused
    if responds and shift(day, 42) < s.horizon and not any(day <= d for d in given):
        yield "DOS-017"


@rule
def contacts(s: Subject) -> Iterator[str]:
    """VIS-011, END-005, END-006, END-012."""
    lost = any(r["Status"] == "Lost to follow-up" for r in s.sheets["Survival"])
    left = any(r["Event"] == "Withdrew consent" and r["Scope"] == "Study" for r in s.sheets["Disposition"])
    alive = [as_day(r["Contact Date"]) for r in s.sheets["Survival"] if r["Status"] == "Alive"]
    if not (lost or left or s.death) and (s.cutoff - max(alive)).days > 98:
        yield f"VIS-011 {max(alive)}"
    if s.death and any(d >= s.death for d in alive):
        yield "END-006 alive after death"
    if lost and not any(r["Event"] == "Lost to follow-up" for r in s.sheets["Disposition"]):
        yield "END-014 lost"
    if lost and any(r["Status"] == "Alive" and as_day(r["Contact Date"]) > s.horizon for r in s.sheets["Survival"]):
        yield "alive after loss"
    for row in s.sheets["Survival"]:
        told = row["New Therapy Date"]
        if (row["New Anticancer Therapy"] == "Y") != (told is not None):
            yield "END-012"
        if told is not None and str(told)[:7] > str(row["Contact Date"])[:7]:
            yield "therapy after contact"
    fatal = [r for r in s.sheets["Adverse Events"] if r["Outcome"] == "Fatal"]
    if fatal and not s.death:
        yield "END-005"
