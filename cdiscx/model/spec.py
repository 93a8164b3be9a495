"""What people write: one study as data. Frozen pydantic models; a typo is an error with file, line and suggestion."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from cdiscx.model.errors import SpecError


class Node(BaseModel):
    """Base of everything in a study file: no unknown keys, nothing mutable, no silent conversion."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, populate_by_name=True)


def _as_date(value: Any) -> Any:
    return dt.date.fromisoformat(value) if isinstance(value, str) else value


Day = Annotated[dt.date, BeforeValidator(_as_date)]
Text = Annotated[str, BeforeValidator(lambda v: str(v) if isinstance(v, int | float) and not isinstance(v, bool) else v)]
Texts = tuple[Text, ...]
Texts_ = Annotated[Texts, BeforeValidator(lambda v: tuple(v) if isinstance(v, list) else v)]
Number = Annotated[float, BeforeValidator(lambda v: float(v) if isinstance(v, int) and not isinstance(v, bool) else v)]
SeverityName = Literal["error", "warning", "note"]
ColumnType = Literal["id", "date", "num", "yn", "text", "term", "terms", "pairs", "visit", "lesion", "lesions"]


class Column(Node):
    """One column of a site's sheet: what it is in the house's words and how to read it.

    `type`: id (text kept as typed), date, num, yn (-> Y/N), text, term (one of `terms`), terms (semicolon list of terms),
    pairs (`key: term; key: term`), visit (name of the schedule), lesion / lesions (lesion ids).
    """

    is_: str = Field(alias="is", description="Name in the house's words, CDASH-like upper case, e.g. VISDAT")
    type: ColumnType = "text"
    required: bool = Field(False, description="A value is needed in every row (STR-009)")
    mandatory: bool | None = Field(None, description="The column itself must exist (STR-001); default: as `required`")
    partial: bool = Field(False, description="A partial date is in order")
    synonyms: Texts_ = Field((), description="Other headers that mean this column; case, blanks and brackets do not matter")
    terms: Mapping[str, Texts_] = Field({}, description="House term -> other spellings")
    keys: Mapping[str, Texts_] = Field({}, description="type pairs: allowed keys -> other spellings")
    extensible: bool = Field(False, description="Values outside `terms` are kept (TRM-002 note) instead of refused (TRM-001)")
    min: Number | None = None
    max: Number | None = None
    unit: str | None = Field(None, description="Unit the numbers are read into")
    units: Mapping[str, Number] = Field({}, description="Unit in the cell or header -> factor to `unit`")
    unit_column: str | None = Field(None, description="House column that holds the unit of this number")
    default: str | None = Field(None, description="What a blank means")
    blanks: Texts_ = Field((), description="Words that mean the same as a blank here, beside `missing_words`")
    silent_blank: str | None = Field(None, description="Check that owns a blank here, so that STR-009 stays silent")
    silent_where: Mapping[str, Texts_] = Field({}, description="`silent_blank` holds only in rows with these values")
    full_date: str | None = Field(None, description="How a partial date here is imputed, for DAT-003: never, diagnosis, death, …")
    order: Literal["DMY", "MDY", "YMD"] | None = None
    future_ok: bool = False
    codelist: str | None = None
    label: str = ""


class Sheet(Node):
    """One sheet of the upload: the table it holds and its columns by canonical header."""

    holds: str = Field(description="House table, e.g. visits")
    mandatory: bool = True
    synonyms: Texts_ = ()
    key: Texts_ = Field((), description="Natural key, house columns (STR-006)")
    treated_need: bool = Field(False, description="Every treated subject needs a row here (STR-007)")
    columns: Mapping[str, Column]


class Source(Node):
    """Rows to take a date from: `table.COLUMN`, where columns hold one of the listed values."""

    of: str
    where: Mapping[str, Texts_] = {}
    unless: Mapping[str, Texts_] = {}


class Anchor(Node):
    """A reference date of a subject: the first or last date over its sources, else that of another anchor."""

    label: str
    take: Literal["first", "last"] = "first"
    sources: tuple[Source, ...] = ()
    otherwise: str | None = Field(None, description="Anchor whose date stands in when there is none")
    required: bool = Field(False, description="END-004 asks for it")
    affects: str = Field("", description="What cannot be computed without it, for the message")
    needs: str | None = Field(None, description="Only asked for in subjects that have this other anchor")
    due: int = Field(0, description="Asked for from this many days after the `needs` anchor (not due yet before)")
    if_row: bool = Field(False, description="Only asked for where a row of its sources exists and its date is blank")
    none_if: tuple[Source, ...] = Field((), description="Rows that mean: not there yet (an ongoing dose); no date then")
    sheet: str | None = Field(None, description="`table.COLUMN` that should hold it")


class Visit(Node):
    """One planned visit, or one numbered series of visits (`repeat`)."""

    name: str
    num: Number
    anchor: str
    target: int | None = Field(None, description="Days after the anchor")
    window: int | None = Field(None, description="Days either side of the target, edges included")
    before: int | None = Field(None, description="Days early that are allowed, where other than `window`")
    after: int | None = None
    from_: int | None = Field(None, alias="from", description="Range visits: first allowed day relative to the anchor")
    to: int | None = None
    repeat: Literal["dose", "assessment", "follow-up"] | None = None
    every: int | None = None
    drug: str | None = Field(None, description="repeat dose: the drug whose previous dose is the anchor")
    needs: str | None = Field(None, description="Anchor that must exist for the visit to apply (SURG)")
    branch: str | None = Field(None, description="Month-3 branch in which the visit applies")
    imaging: bool = False
    baseline: bool = False
    postop_baseline: bool = False
    block: str = "main"
    any_order: str | None = Field(None, description="Visits of one group may come in any order")
    judged_by: str | None = Field(None, description="Check that judges this visit instead of VIS-001 and VIS-002")
    primary: bool = False
    stops_at_progression: bool = False
    mode: str = "IN PERSON"
    content: str = ""
    synonyms: Texts_ = Field((), description="Other names of the visit; `{n}` stands for the number in a series")


class Point(Node):
    """A day: so many days after an anchor."""

    anchor: str
    offset: int = 0


class Phase(Node):
    """A stretch of the imaging plan with one interval."""

    every: int = Field(description="Days from one planned assessment to the next")
    window: int = Field(description="Days either side of a planned date, edges included")
    until: Point | None = Field(None, description="Planned dates before this day belong to the phase; none: for good")


class Assessments(Node):
    """The imaging plan after baseline (VIS-004, END-013, CNSR 2 and 4; trial 6 and 8.3, catalogue 15.7).

    The n-th assessment of the series is planned at the first of `origins` whose anchor the subject has, plus
    `every` x n of the first phase while that date is before the phase's `until`; from the last of these on the next
    phase counts. Before the origin `before_origin` holds. The interval in force at an assessment is the one planned
    after it; an assessment counts to a phase from `window` days before the phase's first planned date (a month-3 scan
    five days early is the month-3 scan). VIS-004 limit: every + 2 x window. Gap limit of END-013 and CNSR 4:
    `gap_factor` x (every + window), reached when exceeded. CNSR 2 uses `no_assessment_days`.
    """

    visit: str = Field(description="Name of the numbered series in the schedule")
    origins: tuple[Point, ...] = Field(description="Where the series starts to count: the first whose anchor exists")
    before_origin: Phase
    phases: tuple[Phase, ...]
    last: Point | None = Field(None, description="No assessment is planned after this day")
    restart_at: str | None = Field(None, description="Anchor at which intervals start afresh (surgery)")
    min_days: int = Field(21, description="Closer assessments are possibly one time point (VIS-004 note)")
    gap_factor: int = Field(2, description="Gap limit = this x (every + window)")
    no_assessment_days: int = Field(description="CNSR 2: days after the endpoint's start without any assessment")

    def gap_limit(self, phase: Phase) -> int:
        """Days since the last evaluable assessment above which assessments count as missed (trial 8.3 CNSR 4)."""
        return self.gap_factor * (phase.every + phase.window)


class DoseLevel(Node):
    """One permitted dose level of a daily drug."""

    amount: Number
    frequency: str = "QD"


class Regimen(Node):
    """How a study drug is meant to be given."""

    kind: Literal["infusion", "daily"]
    component: str = Field(description="Name of the treatment component for DOS-014")
    plan_check: str = Field(description="Check that judges dose and interval: DOS-001, DOS-003, DOS-004")
    amount: Number
    unit: str = "mg"
    light_below_kg: Number | None = None
    light_amount: Number | None = None
    light_unit: str | None = None
    light_tolerance_pct: Number = 10
    start_weight_kg: Number | None = Field(None, description="At or above this baseline weight the start dose is `amount`")
    start_amount_below: Number | None = None
    levels: tuple[DoseLevel, ...] = ()
    averages: Mapping[str, Number] = Field({}, description="Average doses that stand for alternating levels")
    interval: int | None = None
    window: int | None = None
    error_below: int | None = None
    warn_above: int | None = None
    error_above: int | None = None
    hold_days: int | None = None
    hold_severity: SeverityName = "error"
    restart_min: int | None = None
    restart_max: int | None = None
    start_to: int | None = Field(None, description="Days after D1 within which the first dose is planned")
    immunotherapy: bool = False
    systemic: bool = True
    group: str | None = Field(None, description="Drugs of one group are given together (HAIC)")
    also: tuple[Number, ...] = Field((), description="Further parts of one administration (fluorouracil bolus + infusion)")
    reduced_pct: Number | None = Field(None, description="Permitted reduction, percent of `amount`, once")


class Component(Node):
    """One planned component of the treatment: drugs, procedures, and what attribution may blame (DOS-014, SAF-005)."""

    label: str
    drugs: Texts_ = Field((), description="House terms of Dosing Drug")
    procedures: Texts_ = Field((), description="House terms of Procedures Procedure")
    related_to: Texts_ = Field((), description="House terms of AE Related To and Action Taken that mean it")
    arel: str = Field("", description="ADAE attribution flag, e.g. ARELDUR")
    planned: bool = Field(True, description="DOS-014 asks for a first dose or session")
    late_days: int | None = Field(None, description="Latest onset after the last exposure (SAF-005); none: no limit")


class Criterion(Node):
    """Response criterion and its parameters by name (see standards.recist)."""

    name: Literal["RECIST 1.1", "MRECIST"]
    overrides: Mapping[str, Number] = {}
    rebaseline_after_surgery: bool = True
    pvtt: bool = False


class Eligibility(Node):
    """One inclusion or exclusion criterion: text for TI; with `column` or `rule` END-018 tests it at baseline."""

    text: str
    severity: SeverityName
    category: Literal["INCLUSION", "EXCLUSION"] = "INCLUSION"
    column: str | None = Field(None, description="`subjects.COLUMN` judged")
    one_of: Texts_ = ()
    min: Number | None = None
    max: Number | None = None
    rule: Literal["measurable_lesion", "no_extrahepatic", "consent"] | None = None


class Endpoint(Node):
    """An endpoint as protocol text; see the ADaM room for the words."""

    kind: Literal["time_to_event", "response", "proportion", "descriptive"]
    label: str
    primary: bool = False
    start: str | None = None
    events: Texts_ = ()
    censors: Texts_ = ()
    population: str = "FASFL"
    options: Mapping[str, Any] = {}


class Expectation(Node):
    """One expectation in Great Expectations' own words over one house table."""

    id: str
    table: str
    type: str
    kwargs: Mapping[str, Any] = {}
    severity: SeverityName = "note"
    message: str
    fix: str = ""
    group_by: str | None = Field(None, description="Judge each group (e.g. SITEID) on its own")
    min_rows: int = Field(1, description="Fewer rows than this: not judged")


class Accepted(Node):
    """A finding that somebody accepted; shown as accepted, never hidden."""

    check: str
    subject: str | None = None
    fingerprint: str | None = None
    reason: str
    who: str
    when: Day


class CheckSetting(Node):
    """A study's own word on one check."""

    severity: SeverityName | None = None
    off: str | None = Field(None, description="Why the check does not belong to this study")


class Element(Node):
    """One element of the trial design (TE)."""

    etcd: str
    element: str
    epoch: str
    start: str
    end: str
    duration: str | None = None
    transition: str = ""
    begins: str | None = Field(None, description="Anchor at which the element starts, where one does")
    branch: str = Field("", description="Text of TABRANCH: who goes on to this element")


class Arm(Node):
    """The planned arm."""

    armcd: str
    arm: str
    elements: tuple[Element, ...] = ()


class Study(Node):
    """One study: everything cdiscx needs to know about it."""

    id: str
    studyid: str
    title: str
    extend: Texts_ = ()
    parameters: Mapping[str, Any] = Field({}, description="Every numeric parameter and switch by name")
    sheets: Mapping[str, Sheet] = {}
    anchors: Mapping[str, Anchor] = {}
    schedule: tuple[Visit, ...] = ()
    assessments: Assessments | None = None
    regimens: Mapping[str, Regimen] = {}
    components: Mapping[str, Component] = {}
    criterion: Criterion | None = None
    eligibility: Mapping[str, Eligibility] = {}
    endpoints: Mapping[str, Endpoint] = {}
    expectations: tuple[Expectation, ...] = ()
    checks: Mapping[str, CheckSetting] = {}
    accepted: tuple[Accepted, ...] = ()
    arm: Arm | None = None
    trial_summary: tuple[Mapping[str, Any], ...] = ()
    missing_words: Texts_ = Field((), description="Cell texts that mean: nothing here")
    ignore_sheets: Texts_ = ()
    unscheduled: Texts_ = Field(("UNSCHEDULED",), description="First words of unscheduled visits: `UNSCHEDULED 5.1`")
    date_order: Literal["DMY", "MDY", "YMD"] | None = None
    extract_date: Day | None = None
    subject_id_regex: str = "^[A-Za-z0-9]+(-[A-Za-z0-9]+)*$"
    options: Mapping[str, Any] = {}

    def sheet_of(self, table: str) -> tuple[str, Sheet] | None:
        """Canonical sheet name and sheet that holds a table, or None."""
        return next(((name, sheet) for name, sheet in self.sheets.items() if sheet.holds == table), None)

    def sheet_name(self, table: str) -> str:
        """Canonical sheet name of a table, or the table's own name."""
        found = self.sheet_of(table)
        return found[0] if found else table

    def header(self, table: str, column: str) -> str:
        """Canonical header of a house column, or the column's own name."""
        found = self.sheet_of(table)
        if found:
            for header, spec in found[1].columns.items():
                if spec.is_ == column:
                    return header
        return column

    def column(self, table: str, column: str) -> Column | None:
        """The column's description, or None."""
        found = self.sheet_of(table)
        return next((c for c in found[1].columns.values() if c.is_ == column), None) if found else None

    def p(self, name: str) -> Any:
        """A parameter by name; SpecError when the study file does not give it."""
        if name not in self.parameters:
            raise SpecError(f"study {self.id}: parameter '{name}' is not given under `parameters:`")
        return self.parameters[name]

    @classmethod
    def load(cls, name: str) -> Study:
        """A bundled study's name in any case, or a path to a study file. Raises SpecError."""
        from cdiscx.model.spec_file import load_study

        return load_study(name)
