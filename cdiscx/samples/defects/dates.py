"""Planted defects of dates (DAT). In: a subject's rows. Out: `Planted`; see `planting`."""

from __future__ import annotations

from datetime import date

from cdiscx.samples.book import plus
from cdiscx.samples.defects.planting import Patient, Planted, as_day, day_of, defect
from cdiscx.samples.layout import NEOPVTT, PALHEP, Row, Typed

# later than any day of a run that tests or the demonstration make, and within the year that dates may reach
FUTURE = date(2025, 9, 12)


def _draw(p: Patient) -> Row | None:
    """A laboratory row on which nothing rests: not the baseline, no tumour marker."""
    rows = [r for r in p.rows("Labs") if r["Test"] in ("PLAT", "CREAT", "ALT") and day_of(r, "Sample Date") > p.d1]
    return p.one_of(rows)


def quiet_event(p: Patient, *, ended: bool) -> Row | None:
    """An everyday adverse event that no dose, stay, complication or death hangs on."""
    rows = [
        r
        for r in p.rows("Adverse Events")
        if r["Serious"] == "N"
        and r["Surgical Complication"] == "N"
        and not any(w in str(r["Action Taken"]) for w in ("reduced", "interrupted", "withdrawn"))
        and as_day(r["Start Date"])
        and bool(r["End Date"]) is ended
    ]
    return p.one_of(rows)


def _sample(p: Patient, text: str | date, note: str, *also: str) -> Planted | None:
    if (row := _draw(p)) is None:
        return None
    row["Sample Date"] = text if isinstance(text, date) else Typed(text)
    return p.here("Labs", row, "Sample Date", note, *also)


@defect("DAT-001")
def no_such_day(p: Patient) -> Planted | None:
    """A day that the calendar does not have."""
    return _sample(p, "2024-02-31", "31 February")


@defect("DAT-001")
def no_date_at_all(p: Patient) -> Planted | None:
    """Words in a date column."""
    if (row := quiet_event(p, ended=True)) is None:
        return None
    row["End Date"] = Typed("after discharge")
    return p.here("Adverse Events", row, "End Date", "words for a date")


@defect("DAT-001")
def before_birth(p: Patient) -> Planted | None:
    """A date from before the subject was born."""
    return _sample(p, date(1925, 3, 4), "before birth")


@defect("DAT-001")
def spreadsheet_epoch(p: Patient) -> Planted | None:
    """The day that a spreadsheet shows for nought or one."""
    return _sample(p, p.rng.choice(("1900-01-01", "1899-12-31", "1904-01-01")), "spreadsheet epoch")


@defect("DAT-001")
def wrong_century(p: Patient) -> Planted | None:
    """A year nobody has reached."""
    row = p.one_of(p.rows("Survival", Status="Alive"))
    if row is None or len(p.rows("Survival")) < 2 or p.rows("Survival")[-1] is row:
        return None
    row["Contact Date"] = Typed(day_of(row, "Contact Date").replace(year=2052).isoformat())
    return p.here("Survival", row, "Contact Date", "year 2052")


@defect("DAT-002")
def ambiguous_sample(p: Patient) -> Planted | None:
    """Day and month that can be read both ways."""
    return _sample(p, f"03/04/{p.cutoff.year - 1}", "03/04")


@defect("DAT-002")
def ambiguous_end(p: Patient) -> Planted | None:
    """An event's last day that can be read both ways."""
    if (row := quiet_event(p, ended=True)) is None:
        return None
    row["End Date"] = Typed(f"05-06-{day_of(row, 'End Date').year}")
    return p.here("Adverse Events", row, "End Date", "05-06")


def _month_only(p: Patient, sheet: str, row: Row | None, column: str, *also: str) -> Planted | None:
    if row is None:
        return None
    row[column] = day_of(row, column).strftime("%Y-%m")
    return p.here(sheet, row, column, f"{column} known to the month", *also)


@defect("DAT-003")
def partial_consent(p: Patient) -> Planted | None:
    """Consent known to the month."""
    return _month_only(p, "Demographics", p.demo, "Informed Consent Date")


@defect("DAT-003")
def partial_infusion(p: Patient) -> Planted | None:
    """An infusion known to the month."""
    rows = p.doses(p.infusion)[1:]
    return _month_only(p, "Dosing", p.one_of(rows), "Start Date")


@defect("DAT-003")
def partial_surgery(p: Patient) -> Planted | None:
    """A hepatectomy known to the month."""
    return _month_only(p, "Procedures", p.operation, "Start Date")


@defect("DAT-003")
def partial_scan(p: Patient) -> Planted | None:
    """The scan of one lesion known to the month."""
    rows = [r for r in p.rows("Target Lesions") if r["Visit"] != "SCREENING"]
    return _month_only(p, "Target Lesions", p.one_of(rows), "Assessment Date")


@defect("DAT-003")
def partial_death(p: Patient) -> Planted | None:
    """A death known to the month."""
    return _month_only(p, "Survival", p.only("Survival", Status="Dead"), "Death Date")


@defect("DAT-003", NEOPVTT)
def partial_fractions(p: Patient) -> Planted | None:
    """The last fraction known to the month."""
    return _month_only(p, "Procedures", p.only("Procedures", Procedure="IMRT"), "End Date")


@defect("DAT-003", NEOPVTT)
def partial_diagnosis(p: Patient) -> Planted | None:
    """The diagnosis known to the month."""
    return _month_only(p, "Demographics", p.demo, "HCC Diagnosis Date")


@defect("DAT-004")
def future_sample(p: Patient) -> Planted | None:
    """A blood draw that is still to come."""
    return None if p.death else _sample(p, FUTURE, "sample after the extract")


@defect("DAT-004")
def future_recovery(p: Patient) -> Planted | None:
    """An event that ends after the extract."""
    if p.death or (row := quiet_event(p, ended=True)) is None:
        return None
    row["End Date"] = FUTURE
    return p.here("Adverse Events", row, "End Date", "end after the extract")


@defect("DAT-005")
def sample_before_consent(p: Patient) -> Planted | None:
    """A laboratory value older than routine care explains."""
    row = p.one_of([r for r in p.rows("Labs", Visit="SCREENING") if r["Test"] in ("PLAT", "CREAT")])
    if row is None:
        return None
    row["Sample Date"] = plus(p.consent, -40)
    return p.here("Labs", row, "Sample Date", "40 days before consent")


@defect("DAT-005")
def event_before_consent(p: Patient) -> Planted | None:
    """An adverse event that began before consent."""
    row = quiet_event(p, ended=True)
    if row is None or row["Related To"] != "None":
        return None
    row["Start Date"] = plus(p.consent, -3)
    return p.here("Adverse Events", row, "Start Date", "onset 3 days before consent", "SAF-004")


@defect("DAT-005", PALHEP)
def session_before_consent(p: Patient) -> Planted | None:
    """A session of local therapy dated a month early, before consent: the first treatment moves with it."""
    sessions = p.local()
    if not sessions or sessions[0]["Start Date"] == p.d1 or sessions[0]["Procedure"] == "HAIC" or len(sessions) > 1:
        return None
    sessions[0]["Start Date"] = plus(p.consent, -1)
    sessions[0]["End Date"] = plus(p.consent, -1)
    also = ("VIS-001", "VIS-005", "VIS-007", "DOS-013", "DOS-014", "VIS-004", "SAF-005", "END-004")
    return p.here("Procedures", sessions[0], "Start Date", "session the day before consent", *also)


@defect("DAT-006")
def event_ends_before_start(p: Patient) -> Planted | None:
    """An adverse event over before it began."""
    if (row := quiet_event(p, ended=True)) is None:
        return None
    row["End Date"] = plus(day_of(row, "Start Date"), -1)
    return p.here("Adverse Events", row, "End Date", "ends the day before it starts")


@defect("DAT-006")
def infusion_ends_before_start(p: Patient) -> Planted | None:
    """An infusion over before it began."""
    rows = [r for r in p.doses(p.infusion)[:-1] if r["End Date"]]
    if p.surg is not None:
        rows = [r for r in rows if plus(day_of(r, "Start Date"), 30) < p.surg]
    if (row := p.one_of(rows)) is None:
        return None
    row["End Date"] = plus(day_of(row, "Start Date"), -2)
    return p.here("Dosing", row, "End Date", "ends two days before it starts")


@defect("DAT-006", PALHEP)
def session_ends_before_start(p: Patient) -> Planted | None:
    """A session of local therapy over before it began."""
    if (row := p.one_of(p.local())) is None:
        return None
    row["End Date"] = plus(day_of(row, "Start Date"), -1)
    return p.here("Procedures", row, "End Date", "ends the day before it starts")


def _afterwards(p: Patient, days: int) -> date | None:
    """A day after death and not after the cut-off."""
    return plus(p.death, days) if p.death and plus(p.death, days) <= p.cutoff else None


@defect("DAT-007")
def sample_after_death(p: Patient) -> Planted | None:
    """A blood draw after death."""
    row, day = _draw(p), _afterwards(p, 4)
    if row is None or day is None:
        return None
    row["Sample Date"] = day
    return p.here("Labs", row, "Sample Date", "four days after death")


@defect("DAT-007")
def visit_after_death(p: Patient) -> Planted | None:
    """An unscheduled visit after death."""
    day, rows = _afterwards(p, 1), p.rows("Visits", Visit_Done="Y")
    if day is None:
        return None
    row = p.add("Visits", {"Visit": "UNSCHEDULED 90.1", "Visit Date": day, "Visit Done": "Y"}, after=rows[-1])
    return p.here("Visits", row, "Visit Date", "the day after death")


@defect("DAT-007")
def event_after_death(p: Patient) -> Planted | None:
    """An adverse event that began after death."""
    row, day = quiet_event(p, ended=False), _afterwards(p, 2)
    if row is None or day is None or row["Related To"] != "None":
        return None
    row["Start Date"] = day
    return p.here("Adverse Events", row, "Start Date", "two days after death")
