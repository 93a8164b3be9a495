"""Plan of the trial in a study file: dates of reference, visits, imaging, regimens and components of the treatment."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pydantic import Field

from cdiscx.model.spec_layout import Node, Number, SeverityName, Texts_


class Point(Node):
    """A day: so many days after an anchor."""

    anchor: str
    offset: int = 0


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
    adsl: str | None = Field(None, description="Variable of ADSL that holds it: where endpoints start (STARTDT)")


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
    first: int = Field(1, description="repeat dose: number of the first visit; 2 where cycle 1 is visits of its own")
    drug: str | None = Field(None, description="repeat dose: the drug whose previous dose is the anchor")
    needs: str | None = Field(None, description="Anchor that must exist for the visit to apply (SURG)")
    branch: str | None = Field(None, description="Month-3 branch in which the visit applies")
    imaging: bool = False
    baseline: bool = False
    postop_baseline: bool = False
    block: str = "main"
    any_order: str | None = Field(None, description="Visits of one group may come in any order")
    judged_by: str | None = Field(
        None, description="Check that owns this visit: where it speaks, VIS-001 and VIS-002 are silent"
    )
    primary: bool = False
    stops_at_progression: bool = False
    mode: str = "IN PERSON"
    content: str = ""
    synonyms: Texts_ = Field((), description="Other names of the visit; `{n}` stands for the number in a series")


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
    start_weight_kg: Number | None = Field(
        None, description="At or above this baseline weight the start dose is `amount`"
    )
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
    also: tuple[Number, ...] = Field(
        (), description="Further parts of one administration (fluorouracil bolus + infusion)"
    )
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
