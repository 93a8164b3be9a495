"""Planted defects of lesion rows (MEA-001 to MEA-011). In: a subject's rows. Out: `Planted`."""

from __future__ import annotations

from cdiscx.samples.defects.planting import Patient, Planted, amount, day_of, defect
from cdiscx.samples.defects.rereading import last_of_era, reread
from cdiscx.samples.layout import NEOPVTT, PALHEP, Row, Typed

TARGETS, OTHERS = "Target Lesions", "Non-target Lesions"


def _only_baseline(p: Patient) -> bool:
    return not p.rows("Response") and bool(p.rows(TARGETS, Visit="SCREENING"))


def _measured(p: Patient, *, baseline: bool, liver: bool = False) -> list[Row]:
    rows = [r for r in p.rows(TARGETS, Status="Measured") if (r["Visit"] == "SCREENING") is baseline]
    return [r for r in rows if r["Organ"] == "Liver"] if liver else rows


@defect("MEA-001")
def third_target_in_the_liver(p: Patient) -> Planted | None:
    """Part of the first target listed as a third target of the liver; every sum stays as it was."""
    rows = p.rows(TARGETS, Lesion_ID="T1")
    liver = {r["Lesion ID"] for r in p.rows(TARGETS, Organ="Liver")}
    lengths = ("Diameter",) if p.is_a else ("Diameter", "Viable Diameter")
    whole = [r for r in rows if "Resected" not in str(r["Reason"])]
    fit = all(r["Status"] == "Measured" and all(amount(r, c) >= 45 for c in lengths) for r in whole)
    if liver != {"T1", "T2"} or not fit or any("T1" in str(r["Reason"]) for r in p.rows(TARGETS)):
        return None
    first: Row | None = None
    for row in rows:
        last = p.rows(TARGETS, Visit=row["Visit"])[-1]
        part = p.add(TARGETS, row | {"Lesion ID": "T9", "Location": "Segment I"}, after=last)
        for column in lengths if row in whole else ():
            part[column] = round(amount(row, column) * 0.4)
            row[column] = amount(row, column) - amount(part, column)
        first = first or part
    if p.operation is not None and "T1" in str(p.operation["Resected Lesions"]):
        p.operation["Resected Lesions"] = f"{p.operation['Resected Lesions']}; T9"
    return None if first is None else p.here(TARGETS, first, "Lesion ID", "three targets in the liver")


@defect("MEA-002")
def thick_slices(p: Patient) -> Planted | None:
    """A baseline scan whose slices are more than half as thick as the target."""
    rows = [r for r in _measured(p, baseline=True) if r["Lymph Node"] == "N" and amount(r, "Diameter") <= 48]
    if (row := p.one_of(rows)) is None:
        return None
    row["Slice Thickness"] = int(amount(row, "Diameter") / 2) + 1
    return p.here(TARGETS, row, "Diameter", f"slices of {row['Slice Thickness']} mm")


@defect("MEA-002")
def too_small_at_baseline(p: Patient) -> Planted | None:
    """A target of 9 mm at baseline, in a subject who has no other scan yet."""
    rows = [r for r in _measured(p, baseline=True) if r["Lymph Node"] == "N"]
    if not _only_baseline(p) or not rows:
        return None
    rows[-1]["Diameter"] = 9
    if not p.is_a:
        rows[-1]["Viable Diameter"] = 8
    return p.here(TARGETS, rows[-1], None if not p.is_a else "Diameter", "9 mm at baseline", "END-018")


@defect("MEA-002")
def seen_by_ultrasound(p: Patient) -> Planted | None:
    """A target followed by ultrasound from the beginning."""
    if (row := p.one_of([r for r in _measured(p, baseline=True) if r["Lymph Node"] == "N"])) is None:
        return None
    for each in p.rows(TARGETS, Lesion_ID=row["Lesion ID"]):
        each["Method"] = "ULTRASOUND"
    return p.here(TARGETS, row, None, "ultrasound", "MEA-024", "END-018")


@defect("MEA-003", PALHEP)
def long_axis_of_a_node(p: Patient) -> Planted | None:
    """A node target of 46 mm short axis, in a subject who has no other scan yet."""
    rows = p.rows(TARGETS)
    if p.rows("Response") or not rows or p.demo["BCLC Stage"] != "C":
        return None
    values = {"Lesion ID": "T6", "Organ": "Lymph node", "Location": "Para-aortic", "Lymph Node": "Y", "Method": "CT"}
    sizes = {"Slice Thickness": 5, "Diameter": 55, "Short Axis": 46}
    row = p.add(TARGETS, rows[-1] | values | sizes, after=rows[-1])
    return p.here(TARGETS, row, "Short Axis", "46 mm short axis")


@defect("MEA-003", PALHEP)
def node_without_short_axis(p: Patient) -> Planted | None:
    """A node whose short axis was not recorded."""
    rows = [r for r in _measured(p, baseline=False) if r["Lymph Node"] == "Y"]
    if not rows:
        return None
    rows[-1]["Short Axis"] = None
    also = ("MEA-007", "MEA-008", "MEA-012", "MEA-014", "END-001")
    return p.here(TARGETS, rows[-1], "Short Axis", "short axis blank", *also)


@defect("MEA-004")
def axes_swapped(p: Patient) -> Planted | None:
    """The perpendicular diameter is the longer one."""
    rows = [r for r in p.rows(TARGETS, Status="Measured") if r["Diameter"] is not None]
    if (row := p.one_of(rows)) is None:
        return None
    if row["Lymph Node"] == "Y":
        row["Diameter"] = amount(row, "Short Axis") - 1
    else:
        row["Short Axis"] = amount(row, "Diameter") + 1
    return p.here(TARGETS, row, "Short Axis", "short axis 1 mm over the long one")


def _last(p: Patient) -> Row | None:
    """The last response that no other one follows, with a sum."""
    rows = [r for r in p.responses() if r["Sum of Diameters"] is not None and last_of_era(p, r)]
    return rows[-1] if rows else None


@defect("MEA-005")
def tenth_of_the_size(p: Patient) -> Planted | None:
    """Centimetres typed as millimetres."""
    last = _last(p)
    if last is None:
        return None
    rows = [r for r in p.rows(TARGETS, Visit=last["Visit"], Status="Measured") if r["Lymph Node"] == "N"]
    seen = [r["Visit"] for r in p.responses()]
    before = seen[-2] if len(seen) > 1 and p.surg is None else "SCREENING"
    slips = []
    for each in rows:
        earlier = p.only(TARGETS, Visit=before, Lesion_ID=each["Lesion ID"], Status="Measured")
        if earlier is not None and 0.86 <= amount(each, "Diameter") / amount(earlier, "Diameter") <= 1.18:
            slips.append(each)
    if (row := p.one_of(slips)) is None:
        return None
    row["Diameter"] = round(amount(row, "Diameter") / 10, 1)
    return p.here(TARGETS, row, "Diameter", "a tenth of the size", "MEA-020")


@defect("MEA-005")
def centimetres_claimed(p: Patient) -> Planted | None:
    """Millimetres with the unit cm."""
    rows = [r for r in _measured(p, baseline=False) if r["Lymph Node"] == "N" and amount(r, "Diameter") > 31]
    row = rows[-1] if rows else None
    if row is None or (last := _last(p)) is None or row["Visit"] != last["Visit"]:
        return None
    for column in ("Diameter", "Viable Diameter"):
        if row.get(column) is not None:
            row[column] = Typed(str(row[column]))
    row["Unit"] = Typed("cm")
    return p.here(TARGETS, row, "Diameter", "more than 30 cm")


@defect("MEA-006")
def giant(p: Patient) -> Planted | None:
    """A lesion of more than 30 cm."""
    rows = [r for r in _measured(p, baseline=True) if r["Lymph Node"] == "N"]
    if not _only_baseline(p) or not rows:
        return None
    rows[0]["Diameter"], rows[0]["Unit"] = Typed("301"), Typed("mm")
    if not p.is_a:
        rows[0]["Viable Diameter"] = Typed(str(rows[0]["Viable Diameter"]))
    return p.here(TARGETS, rows[0], "Diameter", "301 mm")


@defect("MEA-006", NEOPVTT)
def collapse(p: Patient) -> Planted | None:
    """A lesion that lost more than 60 % and 30 mm of its diameter within 60 days; the viable part fits."""
    row = p.only(TARGETS, Visit="RESTAGING", Lesion_ID="T1")
    base = p.only(TARGETS, Visit="SCREENING", Lesion_ID="T1")
    if row is None or base is None or row["Status"] != "Measured":
        return None
    days = (day_of(row, "Assessment Date") - day_of(base, "Assessment Date")).days
    size = round(amount(base, "Diameter") * 0.38)
    if days > 60 or amount(base, "Diameter") - size <= 30 or size < amount(row, "Viable Diameter"):
        return None
    row["Diameter"] = size
    return p.here(TARGETS, row, "Diameter", f"{base['Diameter']} to {size} mm in {days} days")


@defect("MEA-006", PALHEP)
def collapse_of_a_responder(p: Patient) -> Planted | None:
    """A target that lost more than 60 % and 30 mm within 60 days; sum and response were written to fit."""
    last, rows = _last(p), p.responses()
    if last is None or last["Target Response"] != "PR" or len(rows) < 2:
        return None
    for row in p.rows(TARGETS, Visit=last["Visit"], Status="Measured"):
        before = p.only(TARGETS, Visit=rows[-2]["Visit"], Lesion_ID=row["Lesion ID"])
        if before is None or before["Status"] != "Measured" or row["Lymph Node"] == "Y" or row["Reason"]:
            continue
        days = (day_of(row, "Assessment Date") - day_of(before, "Assessment Date")).days
        size = round(amount(before, "Diameter") * 0.37)
        if days <= 60 and amount(before, "Diameter") - size > 30:
            row["Diameter"] = size
            reread(p, str(last["Visit"]))
            return p.here(TARGETS, row, "Diameter", f"{before['Diameter']} to {size} mm in {days} days")
    return None


@defect("MEA-008", PALHEP)
def unread_without_reason(p: Patient) -> Planted | None:
    """A lesion that was not read, and nobody says why."""
    rows = [(s, r) for s in (TARGETS, OTHERS) for r in p.rows(s, Status="Not evaluable")]
    rows = [(s, r) for s, r in rows if "Resected" not in str(r["Reason"])]
    if not rows:
        return None
    sheet, row = p.rng.choice(rows)
    row["Reason"] = None
    return p.here(sheet, row, None, "not evaluable, reason blank")


@defect("MEA-008")
def lesion_left_out(p: Patient) -> Planted | None:
    """A non-target lesion without a row at one visit."""
    visits = {r["Visit"] for r in p.responses() if r["Overall Response"] in ("SD", "PR")}
    rows = [r for r in p.rows(OTHERS, Status="Present") if r["Visit"] in visits]
    if (row := p.one_of(rows)) is None:
        return None
    p.remove(OTHERS, [row])
    return p.here(OTHERS, None, None, f"{row['Lesion ID']} without a row at {row['Visit']}", "MEA-014")


@defect("MEA-008")
def diameter_blank(p: Patient) -> Planted | None:
    """A measured target without a diameter."""
    visits = [r["Visit"] for r in p.responses()]
    rows = [r for r in _measured(p, baseline=False) if r["Lymph Node"] == "N" and r["Visit"] in visits]
    if (row := p.one_of(rows)) is None:
        return None
    column = "Diameter" if p.is_a else "Viable Diameter"
    row[column] = None
    also = ("MEA-007", "MEA-012", "MEA-014", "MEA-022", "END-001", "END-002")
    return p.here(TARGETS, row, None, f"{column} blank", *also)


@defect("MEA-009")
def comes_back(p: Patient) -> Planted | None:
    """A non-target lesion absent at one visit and present again at the next."""
    visits = [r["Visit"] for r in p.responses() if r["Overall Response"] != "PD"]
    for name in ("NT2", "NT1"):
        rows = [r for r in p.rows(OTHERS, Lesion_ID=name, Status="Present") if r["Visit"] in visits]
        if len(rows) >= 3:
            rows[-2]["Status"] = "Absent"
            return p.here(OTHERS, rows[-1], "Status", "absent one visit before", "MEA-014")
    return None


@defect("MEA-010")
def wandering(p: Patient) -> Planted | None:
    """A non-target lesion that is in another organ at a later visit."""
    rows = [r for r in p.rows(OTHERS, Organ="Liver") if r["Visit"] != "SCREENING"]
    row = p.one_of(rows)
    if row is None:
        return None
    row["Organ"] = "Bone"
    return p.here(OTHERS, row, "Organ", "liver at baseline, bone now", "MEA-022", "MEA-014")


@defect("MEA-010", PALHEP)
def target_in_another_organ(p: Patient) -> Planted | None:
    """A target that is in another organ at a later visit."""
    rows = [r for r in p.rows(TARGETS, Organ="Liver") if r["Visit"] != "SCREENING" and "." not in str(r["Lesion ID"])]
    if (row := p.one_of(rows)) is None:
        return None
    row["Organ"] = "Spleen"
    return p.here(TARGETS, row, "Organ", "liver at baseline, spleen now")


@defect("MEA-011")
def other_method(p: Patient) -> Planted | None:
    """A target read by the other method at a later visit."""
    rows = [
        r
        for r in p.rows(TARGETS, Organ="Liver", Status="Measured")
        if r["Visit"] not in ("SCREENING", "POST-OP DAY 30")
    ]
    if (row := p.one_of(rows)) is None:
        return None
    row["Method"] = "MRI" if row["Method"] == "CT" else "CT"
    return p.here(TARGETS, row, "Method", "method changed")
