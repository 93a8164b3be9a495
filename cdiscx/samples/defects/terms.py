"""Planted defects of terminology and units (TRM). In: a subject's rows. Out: `Planted`; see `planting`."""

from __future__ import annotations

from cdiscx.samples.book import plus
from cdiscx.samples.defects.planting import Patient, Planted, as_day, defect
from cdiscx.samples.layout import NEOPVTT, PALHEP, Typed

_CLOSED = (
    ("Adverse Events", "Outcome", "Gone fishing"), ("Demographics", "Sex", "X"), ("Demographics", "BCLC Stage", "E"),
    ("Visits", "Visit Done", "perhaps"), ("Dosing", "Frequency", "now and then"), ("Labs", "Test", "Blood stuff"),
    ("Target Lesions", "Status", "Seen"), ("Non-target Lesions", "Status", "Fuzzy"),
    ("Response", "Target Response", "MR"), ("Survival", "Status", "Somewhere"), ("Adverse Events", "Serious", "a bit"),
    ("Dosing", "Dose Changed", "Tweaked"), ("Disposition", "Event", "Moved house"), ("Target Lesions", "Method", "PHOTO"),
)  # fmt: skip


@defect("TRM-001")
def outside_a_closed_list(p: Patient) -> Planted | None:
    """A word that the list of the column does not have."""
    sheet, column, word = p.rng.choice(_CLOSED)
    row = p.one_of([r for r in p.rows(sheet) if r[column] is not None])
    if row is None:
        return None
    row[column] = Typed(word)
    return p.here(sheet, row, column, f"{column} = {word}")


@defect("TRM-001")
def race_unknown_to_cdisc(p: Patient) -> Planted | None:
    """A race that the codelist does not have."""
    p.demo["Race"] = Typed("Islander of nowhere")
    return p.here("Demographics", p.demo, "Race", "Race outside C74457")


@defect("TRM-001")
def action_unknown(p: Patient) -> Planted | None:
    """An action taken that the codelist does not have."""
    rows = [r for r in p.rows("Adverse Events") if str(r["Action Taken"]).endswith(": None")]
    if (row := p.one_of(rows)) is None:
        return None
    row["Action Taken"] = Typed(str(row["Action Taken"]).removesuffix("None") + "Drank tea")
    return p.here("Adverse Events", row, "Action Taken", "action outside C66767")


@defect("TRM-002")
def route_of_its_own(p: Patient) -> Planted | None:
    """A route that no list has (a note)."""
    if (row := p.one_of(p.doses(p.infusion))) is None:
        return None
    row["Route"] = Typed("By garden hose")
    return p.here("Dosing", row, "Route", "unknown route")


@defect("TRM-003")
def laboratory_without_unit(p: Patient) -> Planted | None:
    """A laboratory number without its unit."""
    rows = [r for r in p.rows("Labs")[12:] if r["Test"] in ("PLAT", "CREAT", "AST")]
    if (row := p.one_of(rows)) is None:
        return None
    row["Unit"] = None
    return p.here("Labs", row, "Unit", "unit blank")


@defect("TRM-003")
def laboratory_in_a_foreign_unit(p: Patient) -> Planted | None:
    """A unit that nothing converts to the test's own."""
    rows = [r for r in p.rows("Labs")[12:] if r["Test"] in ("CREAT", "ALB")]
    if (row := p.one_of(rows)) is None:
        return None
    row["Unit"] = Typed(p.rng.choice(("furlong", "mmHg")))
    return p.here("Labs", row, "Unit", "unit of another world")


@defect("TRM-003")
def dose_without_unit(p: Patient) -> Planted | None:
    """A dose without its unit."""
    if (row := p.one_of(p.doses(p.infusion))) is None:
        return None
    row["Dose Unit"] = None
    return p.here("Dosing", row, "Dose Unit", "unit blank", "DOS-010")


@defect("TRM-003", PALHEP)
def activity_without_unit(p: Patient) -> Planted | None:
    """Radioactivity without its unit."""
    if (row := p.only("Procedures", Procedure="Y90-SIRT")) is None:
        return None
    row["Dose Unit"] = None
    return p.here("Procedures", row, "Dose Unit", "unit blank", "DOS-010")


@defect("TRM-003", NEOPVTT)
def grays_without_unit(p: Patient) -> Planted | None:
    """A radiation dose without its unit."""
    if (row := p.only("Procedures", Procedure="IMRT")) is None:
        return None
    row["Dose Unit"] = None
    return p.here("Procedures", row, "Dose Unit", "unit blank", "DOS-010")


@defect("TRM-004")
def event_not_coded(p: Patient) -> Planted | None:
    """An adverse event of months ago without a preferred term."""
    rows = p.rows("Adverse Events")
    old = [r for r in rows if (d := as_day(r["Start Date"])) and plus(d, 45) < p.cutoff]
    if (row := p.one_of(old)) is None:
        return None
    row["Preferred Term"] = None
    return p.here("Adverse Events", row, "Preferred Term", "not coded")


@defect("TRM-004")
def other_without_words(p: Patient) -> Planted | None:
    """An 'Other' as reason for the end of treatment, and no text."""
    row = p.treatment_end
    if row is None or row["Event"] not in ("Physician decision", "Completed"):
        return None
    row["Event"], row["Reason"] = "Other", None
    return p.here("Disposition", row, "Reason", "Other without text")


@defect("TRM-004")
def other_procedure(p: Patient) -> Planted | None:
    """A procedure 'Other' that says nothing."""
    day = plus(p.d1, 30)
    if latest_treatment(p) is None or day > p.cutoff or (p.death and day > p.death):
        return None
    values = {"Procedure": "Other", "Start Date": day, "End Date": day}
    return p.here("Procedures", p.add("Procedures", dict(values)), "Procedure", "Other without text")


def latest_treatment(p: Patient) -> object:
    """The last infusion's row; None where the subject never had one."""
    rows = p.doses(p.infusion)
    return rows[-1] if rows else None
