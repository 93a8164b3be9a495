"""Planted defects of adverse events, laboratory and weight (SAF). In: a subject's rows. Out: `Planted`."""

from __future__ import annotations

from cdiscx.samples.book import plus
from cdiscx.samples.defects.dates import quiet_event
from cdiscx.samples.defects.planting import Patient, Planted, amount, as_day, day_of, defect
from cdiscx.samples.layout import Row, Typed

EVENTS, LABS = "Adverse Events", "Labs"


def _event(p: Patient) -> Row | None:
    return quiet_event(p, ended=True)


@defect("SAF-001")
def grade_blank(p: Patient) -> Planted | None:
    """An adverse event without a grade."""
    if (row := _event(p)) is None:
        return None
    row["CTCAE Grade"] = None
    return p.here(EVENTS, row, "CTCAE Grade", "grade blank")


@defect("SAF-001")
def grade_range(p: Patient) -> Planted | None:
    """Two grades in one cell."""
    if (row := _event(p)) is None:
        return None
    row["CTCAE Grade"] = Typed("1-2")
    return p.here(EVENTS, row, "CTCAE Grade", "grade 1-2", "STR-009", "STR-008")


@defect("SAF-001")
def grade_six(p: Patient) -> Planted | None:
    """A grade that does not exist."""
    if (row := _event(p)) is None:
        return None
    row["CTCAE Grade"] = 6
    return p.here(EVENTS, row, "CTCAE Grade", "grade 6", "STR-009")


@defect("SAF-002")
def grade_five_recovered(p: Patient) -> Planted | None:
    """Grade 5, and recovered."""
    if p.death or (row := _event(p)) is None:
        return None
    row["CTCAE Grade"] = 5
    return p.here(EVENTS, row, None, "grade 5, recovered")


@defect("SAF-002")
def fatal_not_so_called(p: Patient) -> Planted | None:
    """Grade 5 with the criterion Death, outcome not fatal."""
    row = p.only(EVENTS, Outcome="Fatal")
    if row is None:
        return None
    row["Outcome"] = "Not recovered"
    return p.here(EVENTS, row, None, "grade 5, outcome not recovered", "SAF-004", "SUR-003", "END-005")


@defect("SAF-002")
def fatal_end_date(p: Patient) -> Planted | None:
    """A fatal event that ended the day before death."""
    row = p.only(EVENTS, Outcome="Fatal")
    if row is None or p.death is None or row["Start Date"] == row["End Date"]:
        return None
    row["End Date"] = plus(p.death, -1)
    return p.here(EVENTS, row, None, "ends the day before death")


@defect("SAF-002")
def outcome_fatal_grade_two(p: Patient) -> Planted | None:
    """Outcome fatal in a subject who lives, grade not 5."""
    row = _event(p)
    if row is None or p.death or row["CTCAE Grade"] == 5:
        return None
    row["Outcome"] = "Fatal"
    return p.here(EVENTS, row, None, "outcome fatal, not grade 5", "END-005", "END-006")


@defect("SAF-003")
def serious_without_criterion(p: Patient) -> Planted | None:
    """Serious, and no criterion."""
    if (row := _event(p)) is None:
        return None
    row["Serious"] = "Y"
    return p.here(EVENTS, row, "Serious", "serious without criterion")


@defect("SAF-003")
def criterion_without_serious(p: Patient) -> Planted | None:
    """A criterion, and not serious."""
    if (row := _event(p)) is None:
        return None
    row["Serious Criterion"] = "Important medical event"
    return p.here(EVENTS, row, "Serious", "criterion without serious")


@defect("SAF-004")
def recovered_when(p: Patient) -> Planted | None:
    """Recovered, nobody knows when."""
    row = _event(p)
    if row is None or row["Outcome"] != "Recovered":
        return None
    row["End Date"] = None
    return p.here(EVENTS, row, None, "recovered without an end date")


@defect("SAF-004")
def ended_not_recovered(p: Patient) -> Planted | None:
    """Not recovered, with an end date."""
    row = _event(p)
    if row is None or row["Outcome"] != "Recovered":
        return None
    row["Outcome"] = "Not recovered"
    return p.here(EVENTS, row, None, "not recovered, with an end date")


@defect("SAF-004")
def same_event_twice(p: Patient) -> Planted | None:
    """A worsened event as a new record that overlaps the old one."""
    row = _event(p)
    if row is None or row["CTCAE Grade"] == 5 or (day_of(row, "End Date") - day_of(row, "Start Date")).days < 4:
        return None
    changes = {"Start Date": plus(day_of(row, "Start Date"), 2), "CTCAE Grade": 1 if row["CTCAE Grade"] == 2 else 2}
    numbers = [int(amount(r, "AE Number")) for r in p.rows(EVENTS)]
    again = p.add(EVENTS, row | changes | {"AE Number": max(numbers) + 1}, after=row)
    return p.here(EVENTS, again, None, "same term, overlapping")


@defect("SAF-005")
def blamed_on_what_comes(p: Patient) -> Planted | None:
    """An event blamed on the operation, which came later."""
    rows = [r for r in p.rows(EVENTS) if (d := as_day(r["Start Date"])) and p.surg and plus(d, 5) < p.surg]
    rows = [r for r in rows if r["Serious"] == "N" and "Drug" not in str(r["Action Taken"])]
    if (row := p.one_of([r for r in rows if "reduced" not in str(r["Action Taken"])])) is None:
        return None
    row["Related To"] = "Hepatectomy"
    return p.here(EVENTS, row, "Related To", "related to a later operation", "TRM-001", "TRM-002")


@defect("SAF-005")
def blamed_on_the_next_drug(p: Patient) -> Planted | None:
    """An event blamed on a drug that was first given later."""
    first = {d: day_of(p.doses(d)[0], "Start Date") for d in (p.infusion, p.tablet) if p.doses(d)}
    for row in p.rows(EVENTS):
        start = as_day(row["Start Date"])
        late = [d for d, day in first.items() if start and start < day]
        if late and row["Related To"] == "None":
            row["Related To"] = late[0]
            return p.here(EVENTS, row, "Related To", f"{late[0]} was given later")
    return None


@defect("SAF-006")
def withdrawn_yet_given(p: Patient) -> Planted | None:
    """A drug withdrawn for an event, and given as if nothing had been."""
    free = f"{p.tablet}: None"
    rows = [
        r for r in p.rows(EVENTS) if free in str(r["Action Taken"]) and r["Serious"] == "N" and as_day(r["Start Date"])
    ]
    if not p.ongoing or (row := p.one_of(rows)) is None:
        return None
    row["Action Taken"] = str(row["Action Taken"]).replace(free, f"{p.tablet}: Drug withdrawn")
    return p.here(EVENTS, row, "Action Taken", "withdrawn, but still given", "DOS-015", "END-014", "DOS-008")


@defect("SAF-006")
def withdrawn_disposition_lost(p: Patient) -> Planted | None:
    """A drug withdrawn for an event, and no disposition of it."""
    row = p.only("Disposition", Event="Adverse event", Treatment=p.tablet)
    events = [r for r in p.rows(EVENTS) if f"{p.tablet}: Drug withdrawn" in str(r["Action Taken"])]
    if row is None or len(events) != 1:
        return None
    p.remove("Disposition", [row])
    return p.here(EVENTS, events[0], "Action Taken", "disposition removed", "END-014")


def _quiet_draw(p: Patient) -> list[Row]:
    """The rows of one blood draw on treatment, far from local therapy, surgery and liver events; ALT unremarkable."""
    sessions = [day_of(r, "Start Date") for r in p.local()] if p.is_a else []
    liver = ("lanine", "epat", "ilirubin", "mbolisation", "eath")
    events = [as_day(r["Start Date"]) for r in p.rows(EVENTS) if any(w in str(r["Preferred Term"]) for w in liver)]
    if any(e is None for e in events) or p.pd is not None:
        return []
    for day in sorted({day_of(r, "Sample Date") for r in p.rows(LABS, Test="ALT")}, reverse=True):
        early = day < plus(p.d1, 14) or any(0 <= (day - s).days <= 16 for s in sessions)
        near = any(e is not None and abs((day - e).days) <= 20 for e in events)
        operated = p.surg is not None and abs((day - p.surg).days) <= 10
        if not early and not near and not operated and p.ongoing:
            return p.rows(LABS, Sample_Date=day)
    return []


def _times(rows: list[Row], test: str, factor: float) -> Row:
    row = next(r for r in rows if r["Test"] == test)
    row["Result"] = round(amount(row, "Normal High") * factor, 2)
    return row


@defect("SAF-007")
def severe_value(p: Patient) -> Planted | None:
    """ALT six times the upper limit, and no adverse event (a note)."""
    if not (rows := _quiet_draw(p)):
        return None
    return p.here(LABS, _times(rows, "ALT", 6), "Result", "ALT 6 x ULN, no adverse event")


@defect("SAF-008")
def liver_injury(p: Patient) -> Planted | None:
    """ALT four times and bilirubin two and a half times the upper limit."""
    if not (rows := _quiet_draw(p)):
        return None
    _times(rows, "ALT", 4.5)
    row = _times(rows, "BILI", 2.6)
    return p.here(LABS, row, "Result", "ALT 4.5 x ULN with bilirubin 2.6 x ULN")


@defect("SAF-009")
def limits_swapped(p: Patient) -> Planted | None:
    """A range whose lower limit is the higher one."""
    if (row := p.one_of([r for r in p.rows(LABS)[9:] if r["Test"] in ("PLAT", "CREAT")])) is None:
        return None
    row["Normal Low"], row["Normal High"] = row["Normal High"], row["Normal Low"]
    return p.here(LABS, row, "Normal Low", "limits swapped")


@defect("SAF-009")
def range_of_another_unit(p: Patient) -> Planted | None:
    """A value and a range that cannot share a unit."""
    if (row := p.one_of([r for r in p.rows(LABS)[9:] if r["Test"] == "CREAT"])) is None:
        return None
    row["Normal Low"], row["Normal High"] = 0.00004, 0.00007
    return p.here(LABS, row, "Normal Low", "range a million times smaller")


@defect("SAF-010")
def weight_lost(p: Patient) -> Planted | None:
    """A fifth of the weight gone at one visit (a note)."""
    rows = [r for r in p.rows("Visits") if r["Weight"] is not None]
    if len(rows) < 5:
        return None
    row = p.rng.choice(rows[2:])
    row["Weight"] = round(amount(p.demo, "Weight") * 0.78, 1)
    return p.here("Visits", row, "Weight", "22 % lighter than at baseline")
