"""Planted defects of lesion rows, second part (MEA-013, 019, 020, 024 to 027). In: a subject's rows. Out: `Planted`."""

from __future__ import annotations

from cdiscx.samples.defects.lesions import OTHERS, TARGETS
from cdiscx.samples.defects.planting import ANY_ROW, Patient, Planted, amount, defect
from cdiscx.samples.defects.rereading import last_of_era, reread, value_of
from cdiscx.samples.layout import NEOPVTT, PALHEP, Row


@defect("MEA-020", NEOPVTT)
def more_alive_than_whole(p: Patient) -> Planted | None:
    """The viable part 1 mm larger than the lesion."""
    rows = [r for r in p.rows(TARGETS, Status="Measured") if amount(r, "Viable Diameter") >= 20]
    rows = [r for r in rows if amount(r, "Diameter") - amount(r, "Viable Diameter") < 25]
    if (row := p.one_of(rows)) is None:
        return None
    row["Diameter"] = amount(row, "Viable Diameter") - 1
    return p.here(TARGETS, row, "Viable Diameter", "viable 1 mm over the total")


@defect("MEA-020", NEOPVTT)
def thrombus_as_target(p: Patient) -> Planted | None:
    """The thrombus as a target lesion, in a subject who has no other scan yet."""
    rows = p.rows(TARGETS, Lesion_ID="T2")
    if p.rows("Response") or not rows:
        return None
    for row in rows:
        row["Organ"], row["Location"] = "Portal vein", "Right portal branch"
    return p.here(TARGETS, rows[0], "Organ", "portal vein as target", "MEA-002", "MEA-024")


@defect("MEA-024", NEOPVTT)
def no_arterial_phase(p: Patient) -> Planted | None:
    """A liver lesion read without the arterial phase."""
    if (row := p.one_of(p.rows(TARGETS, Status="Measured", Organ="Liver"))) is None:
        return None
    for each in p.rows(TARGETS, Visit=row["Visit"], Organ="Liver"):
        each["Arterial Phase"] = "N"
    first = p.rows(TARGETS, Visit=row["Visit"], Organ="Liver")[0]
    also = (
        "MEA-002",
        "MEA-007",
        "MEA-012",
        "MEA-014",
        "MEA-022",
        "END-001",
        "END-002",
        "END-011",
        "END-018",
        "VIS-008",
    )
    return p.here(TARGETS, first, "Arterial Phase", "no arterial phase", *also)


def _resected(p: Patient, sheet: str) -> list[Row]:
    return [r for r in p.rows(sheet, Status="Not evaluable") if "Resected" in str(r["Reason"])]


@defect("MEA-025")
def resected_yet_measured(p: Patient) -> Planted | None:
    """A target that was taken out, measured after surgery."""
    if (row := p.one_of(_resected(p, TARGETS))) is None:
        return None
    row |= {"Status": "Measured", "Diameter": 22, "Unit": "mm", "Reason": None}
    if row["Lymph Node"] == "Y":
        row["Short Axis"] = 18
    if not p.is_a:
        row["Viable Diameter"] = 15
    return p.here(TARGETS, row, None, "resected target measured")


@defect("MEA-025")
def resected_yet_present(p: Patient) -> Planted | None:
    """A non-target lesion that was taken out, present after surgery."""
    if (row := p.one_of(_resected(p, OTHERS))) is None:
        return None
    row |= {"Status": "Present", "Reason": None}
    return p.here(OTHERS, row, "Status", "resected lesion present")


@defect("MEA-026")
def part_without_whole(p: Patient) -> Planted | None:
    """A part of a lesion that does not exist."""
    visits = [r["Visit"] for r in p.responses() if r["Non-target Response"] == "Non-CR/Non-PD"]
    rows = [r for r in p.rows(OTHERS, Status="Present") if visits and r["Visit"] == visits[-1]]
    if not rows:
        return None
    row = p.add(OTHERS, rows[-1] | {"Lesion ID": "NT7.1"}, after=rows[-1])
    return p.here(OTHERS, row, None, "NT7.1 without NT7")


@defect("MEA-026", PALHEP)
def whole_and_parts(p: Patient) -> Planted | None:
    """A lesion with a value of its own although its parts are listed too."""
    parts = p.rows(TARGETS, Lesion_ID="T1.1", Status="Measured")
    if not parts:
        return None
    row = p.add(TARGETS, parts[-1] | {"Lesion ID": "T1", "Reason": None}, after=parts[-1])
    also = ("MEA-007", "MEA-012", "MEA-014", "MEA-005", "MEA-006")
    return p.here(TARGETS, ANY_ROW, None, f"T1 beside T1.1 at {row['Visit']}", *also)


@defect("MEA-026", PALHEP)
def merged_with_nobody(p: Patient) -> Planted | None:
    """A merged lesion that names no partner, and no partner names it."""
    rows = p.rows(TARGETS, Status="Merged")
    if not rows:
        return None
    for row in p.rows(TARGETS):
        if "Merged with" in str(row["Reason"]):
            row["Reason"] = None
    return p.here(TARGETS, ANY_ROW, None, "merged, partner not named", "MEA-008")


@defect("MEA-027")
def copied_forward(p: Patient) -> Planted | None:
    """All targets the same to the millimetre at three assessments; sums and responses were written to fit."""
    rows = [r for r in p.responses() if str(r["Visit"]).startswith("TUMOR ASSESSMENT")][-3:]
    if len(rows) < 3 or not last_of_era(p, rows[-1]) or any(r["Overall Response"] not in ("SD", "PR") for r in rows):
        return None
    first = [r for r in p.rows(TARGETS, Visit=rows[0]["Visit"]) if "Resected" not in str(r["Reason"])]
    known = all(r["Status"] == "Measured" and not r["Reason"] for r in first)
    if len(first) < 2 or not known or any(value_of(r, p.upload.study) is None for r in first):
        return None
    pairs = [(r, p.only(TARGETS, Visit=row["Visit"], Lesion_ID=r["Lesion ID"])) for row in rows[1:] for r in first]
    if any(other is None or other["Reason"] for _, other in pairs):
        return None
    for old, other in pairs:
        assert other is not None
        for column in ("Diameter", "Short Axis", "Viable Diameter", "Status", "Unit"):
            if column in other:
                other[column] = old[column]
    for row in rows[1:]:
        reread(p, str(row["Visit"]))
    return p.here(TARGETS, ANY_ROW, None, f"copied from {rows[0]['Visit']}")


@defect("MEA-013")
def never_identified(p: Patient) -> Planted | None:
    """A non-target lesion that nobody identified at baseline."""
    visits = [r["Visit"] for r in p.responses() if r["Non-target Response"] == "Non-CR/Non-PD"]
    rows = [r for r in p.rows(OTHERS, Status="Present") if visits and r["Visit"] == visits[-1]]
    if not rows:
        return None
    row = p.add(OTHERS, rows[-1] | {"Lesion ID": "NT8"}, after=rows[-1])
    return p.here(OTHERS, row, "Lesion ID", "NT8 has no baseline row")


@defect("MEA-013")
def identified_but_not_at_baseline(p: Patient) -> Planted | None:
    """A non-target lesion whose baseline row is lost."""
    rows = p.rows(OTHERS, Visit="SCREENING")
    if len(rows) < 2 or not p.rows("Response"):
        return None
    row = rows[-1]
    later = [r for r in p.rows(OTHERS, Lesion_ID=row["Lesion ID"]) if r is not row]
    if not later:
        return None
    p.remove(OTHERS, [row])
    return p.here(OTHERS, later[0], "Lesion ID", f"{row['Lesion ID']} without a baseline row", "MEA-014")


@defect("MEA-019")
def read_twice(p: Patient) -> Planted | None:
    """A target with two values at one visit."""
    rows = [r for r in p.rows(TARGETS, Status="Measured") if r["Lymph Node"] == "N" and amount(r, "Diameter") > 20]
    if (row := p.one_of(rows)) is None:
        return None
    again = p.add(TARGETS, row | {"Diameter": amount(row, "Diameter") + 3}, after=row)
    return p.here(TARGETS, again, "Lesion ID", "two values at one visit", "MEA-007", "MEA-012", "MEA-014")


@defect("MEA-019")
def non_target_twice(p: Patient) -> Planted | None:
    """A non-target lesion with two rows at one visit."""
    if (row := p.one_of(p.rows(OTHERS, Status="Present"))) is None:
        return None
    again = p.add(OTHERS, dict(row), after=row)
    return p.here(OTHERS, again, "Lesion ID", "two rows at one visit")
