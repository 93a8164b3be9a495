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
    silent_blank: str | None = Field(None, description="Check that owns a blank here, so that STR-009 stays silent")
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


class Criterion(Node):
    """Response criterion and its parameters by name (see standards.recist)."""

    name: Literal["RECIST 1.1", "MRECIST"]
    overrides: Mapping[str, Number] = {}
    rebaseline_after_surgery: bool = True
    pvtt: bool = False


class Eligibility(Node):
    """One testable inclusion or exclusion criterion (END-018): column and what holds at baseline."""

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
    begins: str | None = None


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
    regimens: Mapping[str, Regimen] = {}
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
