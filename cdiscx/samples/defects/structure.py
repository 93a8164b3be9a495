"""Planted defects of structure and identity (STR). In: uploads. Out: `Planted`; see `planting`."""

from __future__ import annotations

from random import Random

from cdiscx.samples.book import plus
from cdiscx.samples.defects.planting import ANY_ROW, HEADER_ROW, Patient, Planted, day_of, defect, whole
from cdiscx.samples.layout import NEOPVTT, PALHEP, REQUIRED, Row, SampleUpload, Typed

_LOSABLE = (
    ("Adverse Events", "CTCAE Grade"), ("Adverse Events", "Term"), ("Visits", "Visit Done"), ("Visits", "Subject ID"),
    ("Survival", "Status"), ("Disposition", "Date"), ("Response", "Overall Response"), ("Dosing", "Dose"),
    ("Target Lesions", "Lesion ID"), ("Demographics", "Enrolment Date"), ("Procedures", "Start Date"),
    ("Response", "Subject ID"), ("Demographics", "BCLC Stage"), ("Non-target Lesions", "Status"),
)  # fmt: skip


def _planted(upload: SampleUpload, sheet: str, row: int | None, column: str | None, note: str, *also: str) -> Planted:
    return Planted("", None, sheet, row, column, upload.site, note, also)


@whole("STR-001")
def lost_column(upload: SampleUpload, rng: Random) -> Planted | None:
    """A mandatory column is not there."""
    sheet, column = rng.choice(_LOSABLE)
    assert column in REQUIRED[sheet]
    upload.headers[sheet] = [h for h in upload.columns(sheet) if h != column]
    return _planted(upload, sheet, ANY_ROW, column, f"column {column} left out")


@whole("STR-001")
def lost_sheet(upload: SampleUpload, rng: Random) -> Planted | None:
    """A mandatory sheet is not there."""
    sheet = rng.choice(("Visits", "Dosing", "Procedures", "Response", "Adverse Events", "Disposition", "Survival"))
    del upload.sheets[sheet]
    return _planted(upload, sheet, None, None, f"sheet {sheet} left out")


@whole("STR-002")
def unknown_column(upload: SampleUpload, rng: Random) -> Planted | None:
    """A heading that means nothing to anybody (a note)."""
    sheet = rng.choice(("Demographics", "Visits", "Labs", "Adverse Events"))
    upload.headers[sheet] = [*upload.columns(sheet), "Blood group"]
    for row in upload.sheets[sheet]:
        row["Blood group"] = rng.choice(("A", "B", "AB", "O"))
    return _planted(upload, sheet, HEADER_ROW, None, "column 'Blood group' added")


@whole("STR-002")
def column_twice(upload: SampleUpload, rng: Random) -> Planted | None:
    """Two headings that are the same column."""
    sheet, column, other = rng.choice(
        (
            ("Visits", "ECOG", "ECOG PS"),
            ("Demographics", "Height", "Body Height"),
            ("Survival", "New Therapy Name", "New  therapy name:"),
            ("Dosing", "Change Reason", "Reason for Change"),
        )
    )
    upload.headers[sheet] = [*upload.columns(sheet), other]
    for row in upload.sheets[sheet]:
        row[other] = row[column]
    return _planted(upload, sheet, HEADER_ROW, column, f"{column} and {other} side by side")


def _loose_row(p: Patient) -> tuple[str, Row] | None:
    """A row on which nothing else rests: a laboratory value or an everyday adverse event."""
    labs = [r for r in p.rows("Labs") if r["Test"] in ("PLAT", "CREAT")][2:]
    events = [r for r in p.rows("Adverse Events") if r["Serious"] == "N" and "Drug" not in str(r["Action Taken"])]
    events = [r for r in events if r["Surgical Complication"] == "N" and "reduced" not in str(r["Action Taken"])]
    kinds = [(s, rows) for s, rows in (("Labs", labs), ("Adverse Events", events)) if rows]
    if not kinds:
        return None
    sheet, rows = p.rng.choice(kinds)
    return sheet, p.rng.choice(rows)


@defect("STR-003")
def blank_key(p: Patient) -> Planted | None:
    """A row without a subject number."""
    if (found := _loose_row(p)) is None:
        return None
    sheet, row = found
    planted = p.here(sheet, row, "Subject ID", "subject number blank")
    row["Subject ID"] = None
    return Planted("", None, *_rest(planted), partner=p.name)


@defect("STR-003")
def malformed_key(p: Patient) -> Planted | None:
    """A subject number with characters that no subject number has."""
    if (found := _loose_row(p)) is None:
        return None
    sheet, row = found
    planted = p.here(sheet, row, "Subject ID", "subject number with a question mark")
    row["Subject ID"] = Typed(f"{p.name} ?/2")
    return Planted("", None, *_rest(planted), partner=p.name)


def _rest(planted: Planted) -> tuple[str, int | None, str | None, str, str, tuple[str, ...]]:
    return planted.sheet, planted.row, planted.column, planted.site, planted.note, planted.also


@defect("STR-004")
def stranger(p: Patient) -> Planted | None:
    """A row of a subject who is not in the subject list."""
    if (found := _loose_row(p)) is None:
        return None
    sheet, row = found
    planted = p.here(sheet, row, "Subject ID", "subject not in the list")
    digits = p.name[-3:]
    unknown = p.name[:-3] + f"{int(digits) + 600:03d}"
    row["Subject ID"] = unknown
    return Planted("", unknown, *_rest(planted), partner=p.name)


@defect("STR-005")
def listed_twice(p: Patient) -> Planted | None:
    """The Demographics row a second time."""
    row = p.add("Demographics", dict(p.demo))
    return p.here("Demographics", row, "Subject ID", "Demographics row repeated")


@defect("STR-005")
def enrolled_twice(p: Patient) -> Planted | None:
    """An earlier subject of the site with the same birth date and sex, consent within a year (a warning)."""
    mine, rows = p.demo, p.upload.sheets["Demographics"]
    for other in rows[: p.index("Demographics", mine)]:
        if str(other["Subject ID"]) in p.avoid:
            continue
        births = mine["Birth Date"], other["Birth Date"]
        near = abs((day_of(other, "Informed Consent Date") - p.consent).days) <= 300
        if near and other["Sex"] == mine["Sex"] and not any(isinstance(b, str) for b in births):
            mine["Birth Date"] = other["Birth Date"]
            mine["Age"] = None
            done = p.here("Demographics", mine, "Subject ID", f"birth date and sex of {other['Subject ID']}")
            return Planted("", p.name, *_rest(done), partner=str(other["Subject ID"]))
    return None


def _repeat(p: Patient, sheet: str, row: Row, **changes: object) -> Planted:
    other = p.add(sheet, row | {k.replace("_", " "): v for k, v in changes.items()}, after=row)
    return p.here(sheet, other, None, f"{sheet} row repeated" + (f" with {changes}" if changes else ""))


@defect("STR-006")
def laboratory_twice(p: Patient) -> Planted | None:
    """One test of one blood draw with two results."""
    row = p.one_of([r for r in p.rows("Labs") if r["Test"] == "PLAT"])
    return None if row is None else _repeat(p, "Labs", row, Result=float(str(row["Result"])) + 6)


@defect("STR-006")
def same_row_twice(p: Patient) -> Planted | None:
    """A row pasted twice, nothing different (a warning)."""
    sheet = p.rng.choice(("Labs", "Survival", "Response", "Disposition"))
    rows = p.rows(sheet)
    if sheet == "Survival":
        rows = [r for r in rows if r["Status"] == "Alive"]
    row = p.one_of(rows)
    return None if row is None else _repeat(p, sheet, row)


@defect("STR-006", PALHEP)
def decided_twice(p: Patient) -> Planted | None:
    """Two decisions that differ in the reason."""
    row = p.only("Decision")
    return None if row is None else _repeat(p, "Decision", row, Reason="Written a second time")


@defect("STR-006", NEOPVTT)
def nodule_twice(p: Patient) -> Planted | None:
    """Two readings of one nodule's margin."""
    row = p.one_of([r for r in p.rows("Pathology", Specimen="Resection") if r["Nodule"] == "OVERALL"])
    return None if row is None else _repeat(p, "Pathology", row, Margin_mm=33)


@defect("STR-007")
def no_visits(p: Patient) -> Planted | None:
    """A treated subject without any visit."""
    if plus(p.d1, 20) > p.cutoff:
        return None
    p.remove("Visits", p.rows("Visits"))
    return p.here("Visits", None, None, "all visits removed", "VIS-002")


@defect("STR-008")
def error_cell(p: Patient) -> Planted | None:
    """A broken formula in an optional cell."""
    row = p.one_of([r for r in p.rows("Visits") if r["Weight"] is not None][2:])
    if row is None:
        return None
    row["ECOG"] = Typed(p.rng.choice(("#REF!", "#N/A", "#VALUE!")), "error")
    return p.here("Visits", row, "ECOG", "error cell")


@defect("STR-008")
def error_text(p: Patient) -> Planted | None:
    """The text that a broken formula left when its value was pasted."""
    row = p.one_of(p.rows("Labs", Test="PLAT"))
    if row is None:
        return None
    row["Normal High"] = Typed("#REF!")
    return p.here("Labs", row, "Normal High", "error token as text")


@defect("STR-008")
def never_calculated(p: Patient) -> Planted | None:
    """A formula without a cached value."""
    row = p.one_of(p.rows("Labs", Test="CREAT"))
    if row is None:
        return None
    row["Normal High"] = Typed("", "formula")
    return p.here("Labs", row, "Normal High", "formula without a value")


@defect("STR-008")
def damaged_operator(p: Patient) -> Planted | None:
    """A 'less or equal' read with the wrong code page."""
    row = p.one_of([r for r in p.rows("Labs", Test="PIVKA-II") if not isinstance(r["Result"], str)])
    if row is None:
        return None
    row["Result"] = Typed(f"\u00e2\u2030\u00a5{row['Result']}")
    return p.here("Labs", row, "Result", "mojibake before the number")


_BLANKS = (
    ("Visits", "Visit Done"), ("Dosing", "Frequency"), ("Target Lesions", "Method"), ("Adverse Events", "Serious"),
    ("Adverse Events", "Outcome"), ("Labs", "Test"), ("Survival", "Status"), ("Demographics", "Sex"),
    ("Non-target Lesions", "Method"), ("Demographics", "ECOG"), ("Response", "New Lesion"), ("Labs", "Result"),
)  # fmt: skip


@defect("STR-009")
def required_blank(p: Patient) -> Planted | None:
    """A cell that every row must have is blank."""
    sheet, column = p.rng.choice(_BLANKS)
    row = p.one_of(p.rows(sheet))
    if row is None or row[column] is None:
        return None
    row[column] = None
    return p.here(sheet, row, column, f"{column} blank")


@defect("STR-009")
def no_number(p: Patient) -> Planted | None:
    """Words where a number is wanted."""
    sheet, column = p.rng.choice((("Demographics", "Height"), ("Dosing", "Cycle"), ("Visits", "ECOG")))
    row = p.one_of([r for r in p.rows(sheet) if r[column] is not None])
    if row is None:
        return None
    row[column] = Typed("about so much")
    return p.here(sheet, row, column, "words in a numeric column")


@defect("STR-009")
def out_of_range(p: Patient) -> Planted | None:
    """A number outside the column's range."""
    sheet, column, value = p.rng.choice(
        (("Demographics", "Height", 1.72), ("Visits", "ECOG", 7), ("Demographics", "Age", 145))
    )
    row = p.one_of([r for r in p.rows(sheet) if r[column] is not None])
    if row is None:
        return None
    row[column] = value
    return p.here(sheet, row, column, f"{column} = {value}")
