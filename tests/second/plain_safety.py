"""Adverse events and surgical outcome of one subject (adam-derivations 3, 7, 8; trial-b 8.5, 8.6, 8.8)."""

from __future__ import annotations

import datetime as dt
from fractions import Fraction
from typing import Any

from plain_facts import Facts, month_end
from plain_sheets import Person, Row, day, number, said, year_month, yes

GRADES = ("I", "II", "IIIA", "IIIB", "IVA", "IVB", "V")
DAY = dt.timedelta(days=1)


def ae_dates(row: Row, facts: Facts, cutoff: dt.date) -> tuple[dt.date | None, dt.date | None]:
    """Imputed start and end of an adverse event."""
    start, end = day(row.get("Start Date")), day(row.get("End Date"))
    end = end if end and end <= cutoff else None
    collected_end = end
    partial = year_month(row.get("Start Date"))
    if partial:
        year, month = partial
        first = facts.first
        start = dt.date(year, month or 1, 1)
        if first and first.year == year and month in (None, first.month):
            start = first
        if collected_end:
            start = min(start, collected_end)
    partial = year_month(row.get("End Date"))
    if partial and dt.date(partial[0], partial[1] or 1, 1) <= cutoff:  # one that lies after it was not known then
        end = min(d for d in (month_end(partial[0], partial[1] or 12), facts.died, cutoff) if d)
        end = max(end, dt.date(partial[0], partial[1] or 1, 1))  # imputing adds a day to what was collected
    return start, end


def surgical(row: Row) -> bool:
    """A complication of the operation."""
    return yes(row, "Surgical Complication")


def emergent(row: Row, start: dt.date | None, end: dt.date | None, facts: Facts) -> bool:
    """TRTEMFL by its window (worsening records have their own start)."""
    if not (start and facts.first and facts.last_dose) or start < facts.first:
        return False
    limit = facts.last_dose + dt.timedelta(90 if yes(row, "Serious") else 30)
    if surgical(row) and facts.surgery:
        limit = max(limit, facts.surgery + dt.timedelta(90))
    return start <= limit


def events(person: Person, facts: Facts, order: dict[str, int]) -> dict[str, dict[str, Any]]:
    """AE number -> dates and flags; `order` is the sequence that settles ties (AE number -> AESEQ)."""
    out: dict[str, dict[str, Any]] = {}
    for row in person.rows("Adverse Events"):
        start, end = ae_dates(row, facts, person.cutoff)
        if start and start > person.cutoff:
            continue
        key = str(row["AE Number"])
        out[key] = {"ASTDT": start, "AENDT": end, "TRTEMFL": "Y" if emergent(row, start, end, facts) else None}
        out[key] |= {"grade": int(row["CTCAE Grade"]) if row.get("CTCAE Grade") is not None else -1, "row": row}
    kept = sorted((k for k, e in out.items() if e["TRTEMFL"]), key=lambda k: (out[k]["ASTDT"], order[k]))
    levels = {"": lambda r: (), "S": lambda r: (said(r, "System Organ Class"),)}
    levels["P"] = lambda r: (said(r, "System Organ Class"), said(r, "Preferred Term"))
    for letter, level in levels.items():
        first: dict[Any, str] = {}
        worst: dict[Any, str] = {}
        for k in kept:
            group = level(out[k]["row"])
            first.setdefault(group, k)
            if group not in worst or out[k]["grade"] > out[worst[group]]["grade"]:
                worst[group] = k
        for k in out:
            out[k][f"AOCC{letter}FL"] = "Y" if k in first.values() else None
            out[k][f"AOCC{letter}IFL"] = "Y" if k in worst.values() else None
    return out


def specimens(person: Person, surgery: dt.date) -> list[Row]:
    """Rows of the resection's specimen."""
    found = []
    for row in person.rows("Pathology"):
        taken = day(row.get("Specimen Date"))
        if said(row, "Specimen") in ("", "RESECTION") and taken and -1 <= (taken - surgery).days <= 60:
            found.append(row)
    return found


def viable(rows: list[Row]) -> Fraction | None:
    """The pathologist's overall value, else the size-weighted mean of the nodules."""
    told = [(said(r, "Nodule"), number(r.get("Viable Tumour %")), number(r.get("Diameter"))) for r in rows]
    whole = [v for n, v, _ in told if n == "OVERALL" and v is not None]
    if whole:
        return whole[0]
    nodules = [(v, d) for n, v, d in told if v is not None and (n != "PVTT" or d is not None)]
    if len(nodules) == 1:
        return nodules[0][0]
    if not nodules:
        return None
    if any(d is None for _, d in nodules):
        return None
    return sum((v * d for v, d in nodules if d), Fraction(0)) / sum((d for _, d in nodules if d), Fraction(0))


def surgery(person: Person, facts: Facts) -> dict[str, Any]:
    """ADSURG: parameter -> AVALC or AVAL; nothing without an operation."""
    if facts.surgery is None or facts.operation is None:
        return {}
    cut, op = facts.surgery, facts.operation
    till = cut + dt.timedelta(90)
    out: dict[str, Any] = {}
    died = facts.died
    if died and 0 <= (died - cut).days <= 30:
        out["MORT30"] = "Y"
    else:
        known = (died and died > cut) or (facts.alive and facts.alive >= cut + dt.timedelta(30))
        out["MORT30"] = "N" if known else None
    grades = []
    complications = False
    for row in person.rows("Adverse Events"):
        start, _ = ae_dates(row, facts, person.cutoff)
        if surgical(row) and start and cut <= start <= till:
            complications = True
            if said(row, "Clavien-Dindo") in GRADES:
                grades.append(GRADES.index(said(row, "Clavien-Dindo")))
    out["COMPANY"] = "Y" if complications else "N"
    out["COMPMAJ"] = "Y" if grades and max(grades) >= 2 else "N"
    out["CDGRMAX"] = GRADES[max(grades)] if grades else "NONE"
    again = [
        day(r["Start Date"])
        for r in person.rows("Procedures")
        if said(r, "Procedure") == "REOPERATION" and said(r, "Anaesthesia") != "N"
    ]
    out["REOP"] = "Y" if any(d and cut <= d <= till for d in again) else "N"
    out |= _stay(op, facts, person.cutoff)
    status = said(op, "Residual Tumour") or None
    out["RSTAT"], out["R0"] = status, ("Y" if status == "R0" else "N")
    rows = specimens(person, cut)
    share = viable(rows)
    out["VIABPCT"] = share
    out["MPR"] = None if share is None else "Y" if share <= 10 else "N"
    every = [v for r in rows if (v := number(r.get("Viable Tumour %"))) is not None]
    if share is None and every and len({v <= 10 for v in every}) == 1:
        out["MPR"] = "Y" if every[0] <= 10 else "N"
    out["PCR"] = None if not every else "Y" if all(v == 0 for v in every) else "N"
    return out


def _stay(op: Row, facts: Facts, cutoff: dt.date) -> dict[str, Any]:
    assert facts.surgery
    left = day(op.get("Discharge Date"))
    if left and left > cutoff:
        left = None
    died = facts.died
    stayed = died if died and (left is None or died <= left) else left
    out: dict[str, Any] = {"LOS": (stayed - facts.surgery).days if stayed else None}
    again = day(op.get("Readmission Date"))
    if again and again > cutoff:
        again = None
    back = again is not None and left is not None and 0 < (again - left).days <= 30
    discharged = left is not None and not (died and died <= left)
    out["READM"] = "Y" if back else "N" if discharged else None
    return out
