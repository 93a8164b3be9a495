"""The site's response rows, worked out again after lesion rows were changed.

In: a subject and its visits. Out: `Response` rows that agree with the changed lesion rows, so that a defect planted in
the lesions stays the only one. Uses the samples' own reading of the criteria, not the engine's.
"""

from __future__ import annotations

from cdiscx.samples import reading
from cdiscx.samples.defects.planting import Patient, day_of
from cdiscx.samples.layout import NEOPVTT, Row
from cdiscx.samples.scans import millimetres

MEASURED, REMOVED = "Measured", "Resected on"


def is_node(row: Row) -> bool:
    """Whether a target is read on its short axis."""
    return row["Lymph Node"] == "Y"


def value_of(row: Row, study: str) -> int | None:
    """What a target row enters into the sum, tenths of a millimetre; None where it was not read."""
    if row["Status"] in ("Absent", "Merged"):
        return 0
    if row["Status"] == "Too small":
        return 50
    viable = study == NEOPVTT and row["Organ"] == "Liver"
    column = "Short Axis" if is_node(row) else "Viable Diameter" if viable else "Diameter"
    value = row[column]
    return round(value * 10) if isinstance(value, int | float) and row["Status"] == MEASURED else None


def targets_at(p: Patient, visit: str) -> list[Row]:
    """The target rows of a visit that were not taken out by surgery."""
    rows = p.rows("Target Lesions", Visit=visit)
    return [r for r in rows if REMOVED not in str(r["Reason"])]


def era(p: Patient, visit: str) -> tuple[str, list[Row]]:
    """The (re-)baseline visit that a response is judged against, and the responses of that era in time order."""
    rows, surg = p.responses(), p.surg
    if surg is None or day_of(p.scan_rows(visit)[0], "Assessment Date") < surg:
        return "SCREENING", [r for r in rows if surg is None or day_of(r, "Assessment Date") < surg]
    return "POST-OP DAY 30", [r for r in rows if day_of(r, "Assessment Date") >= surg]


def reread(p: Patient, visit: str) -> str:
    """Work out sum, percents and responses of one visit again; returns the overall response.

    Only for the last visit of its era: the nadir of later visits is not touched.
    """
    study = p.upload.study
    base_visit, rows = era(p, visit)
    baseline = sum(value_of(r, study) or 0 for r in targets_at(p, base_visit))
    place = next(n for n, r in enumerate(rows) if r["Visit"] == visit)
    sums = [round(s * 10) for r in rows[:place] if isinstance(s := r["Sum of Diameters"], int | float)]
    found = reading.Sums(_total(p, visit), baseline, min([baseline, *sums]))
    nodes = frozenset(str(r["Lesion ID"]) for r in targets_at(p, visit) if is_node(r))
    values = {str(r["Lesion ID"]): value_of(r, study) for r in targets_at(p, visit)}
    had_cr = any(r["Target Response"] == "CR" for r in rows[:place])
    least = 0 if study == NEOPVTT else 50
    target = reading.target_response(values, nodes, baseline, found.nadir, had_cr=had_cr, least=least)
    row = rows[place]
    row["Sum of Diameters"] = None if found.total is None else millimetres(found.total)
    row["Percent from Baseline"], row["Percent from Nadir"] = found.from_baseline, found.from_nadir
    row["Target Response"] = target
    other = row["Non-target Response"]
    overall = reading.overall_response(target, None if other is None else str(other), row["New Lesion"] == "Y")
    row["Overall Response"] = overall
    return overall


def _total(p: Patient, visit: str) -> int | None:
    values = [value_of(r, p.upload.study) for r in targets_at(p, visit)]
    known = [v for v in values if v is not None]
    return sum(known) if known and len(known) == len(values) else None


def last_of_era(p: Patient, row: Row) -> bool:
    """Whether no later response is judged against the same baseline."""
    _, rows = era(p, str(row["Visit"]))
    return bool(rows) and rows[-1] is row
