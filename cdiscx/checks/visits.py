"""Visits against the schedule: outside their window, missing, repeated or out of order, and contacts that are overdue."""

from __future__ import annotations

import polars as pl

from cdiscx.checks._anchors import with_anchor_cell
from cdiscx.checks._shape import nothing, related, union
from cdiscx.checks._words import days_said
from cdiscx.model.spec import Study
from cdiscx.model.table import RunContext
from cdiscx.registry import check

#: dates that move the windows: unreadable, they would make other dates look wrong
_ANCHORS = ("dosing.EXSTDAT", "dosing.EXENDAT", "procedures.PRSTDAT", "procedures.PRENDAT")


def _held(visits: pl.LazyFrame) -> pl.LazyFrame:
    """Rows of visits that took place on a known day."""
    return visits.filter(
        pl.col("VISDONE").fill_null("Y") != "N", pl.col("VISDAT").is_not_null(), pl.col("SUBJID").is_not_null()
    )


@check(
    "VIS-001",
    on="visits",
    columns=("VISDAT",),
    needs=("planned",),
    uses=("visits.VISDONE", "rows"),
    silenced_by=_ANCHORS,
)
def visit_outside_its_window(
    study: Study, visits: pl.LazyFrame, planned: pl.LazyFrame, rows: pl.LazyFrame
) -> pl.LazyFrame:
    """{VISIT} on {VISDAT} is {DAYS} {SIDE} (allowed {LO} to {HI}; {ANCHORTXT} {ADATE}).

    Why: assessments are compared at the same time after treatment; a visit outside its window may not count for it.
    Fix: Ask the site to check the visit date and the reference date; if both are right, document the deviation.
    Rule: VIS-001; schedule of the study file, both edges belong to the window; cycles are measured from the actual
    previous dose, and the first cycle after surgery or one whose dose is marked Delayed has no window here
    """
    windows = planned.filter(pl.col("LO").is_not_null()).select(
        "SUBJID", "VISIT", "LO", "HI", "ADATE", "ADATE_RID", "ANCHOR", "ANCHORTXT"
    )
    found = _held(visits).join(windows, on=["SUBJID", "VISIT"], how="inner")
    early = (pl.col("LO") - pl.col("VISDAT")).dt.total_days()
    late = (pl.col("VISDAT") - pl.col("HI")).dt.total_days()
    found = found.with_columns(DAYS=pl.max_horizontal(early, late)).filter(pl.col("DAYS") > 0)
    found = with_anchor_cell(found, rows, study, pl.col("ANCHOR"), "ADATE_RID")
    primary = [v.name for v in study.schedule if v.primary]
    return found.select(
        "SUBJID", "_rid", "VISIT", "VISDAT", "LO", "HI", "ADATE", "ANCHORTXT", "_related",
        DAYS=days_said("DAYS"),
        SIDE=pl.when(early > 0).then(pl.lit("early")).otherwise(pl.lit("late")),
        _severity=pl.when(pl.col("VISIT").is_in(primary)).then(pl.lit("error")),
        _expected=pl.lit("{LO} to {HI}"),
    )  # fmt: skip


@check(
    "VIS-002", on="planned", needs=("visits", "ends"),
    uses=("progression", "survival.SSDAT", "survival.NACTDAT"),
    silenced_by=(*_ANCHORS, "visits.VISIT", "survival.DTHDAT", "disposition.DSDAT"),
)  # fmt: skip
def expected_visit_missing(
    study: Study, run: RunContext, planned: pl.LazyFrame, visits: pl.LazyFrame, ends: pl.LazyFrame, progression: pl.LazyFrame,
    survival: pl.LazyFrame,
) -> pl.LazyFrame:  # fmt: skip
    """{VISIT} was due {LO} to {HI}; nothing recorded and subject was still in the study.

    Why: a visit without record is either missing data or a deviation, and later nobody can tell which.
    Fix: Ask the site to enter the visit, or to record it with Visit Done = N and the reason.
    Rule: VIS-002; rulings 15.15 to 15.18; due date and grace lie before data cut-off, death, withdrawal and study end;
    tumour assessments are expected until progression or new anticancer therapy, visits of the treatment period until
    treatment ends, cycles until treatment disposition; a contact in Survival inside the window is a survival follow-up
    """
    due = _due(study, run, planned, ends, progression, survival).join(visits, on=["SUBJID", "VISIT"], how="anti")
    gap = pl.lit("{VISIT} is not recorded, although treatment or visits went on to {DUE}.")
    return due.select(
        "SUBJID", "VISIT", "LO", "HI", "DUE",
        _rid=pl.lit(None, dtype=pl.UInt32),
        _table=pl.lit("visits"),
        _column=pl.lit(None, dtype=pl.String),
        _key="VISIT",
        _say=pl.when(pl.col("HI").is_null()).then(gap),
        _expected=pl.when(pl.col("HI").is_not_null()).then(pl.lit("{LO} to {HI}")),
    )  # fmt: skip


@check(
    "VIS-002", on="planned", needs=("visits", "ends", "visits.VISDONE", "visits.VISREAS"),
    uses=("progression", "survival.SSDAT", "survival.NACTDAT"),
    silenced_by=(*_ANCHORS, "visits.VISIT", "survival.DTHDAT", "disposition.DSDAT"),
)  # fmt: skip
def expected_visit_not_done_without_reason(
    study: Study, run: RunContext, planned: pl.LazyFrame, visits: pl.LazyFrame, ends: pl.LazyFrame, progression: pl.LazyFrame,
    survival: pl.LazyFrame,
) -> pl.LazyFrame:  # fmt: skip
    """{VISIT} is marked as not done without a reason.

    Why: a visit that was due and did not take place is a deviation, and its reason is part of the record.
    Fix: Ask the site for the reason, or for the visit's date if it took place.
    Rule: VIS-002: a visit marked not done with a reason is not missing
    """
    rows = visits.with_columns(
        done=pl.col("VISDONE").fill_null("Y") != "N", why=pl.col("VISREAS").str.strip_chars() != ""
    )
    said = rows.filter(pl.col("done") | pl.col("why").fill_null(False)).select("SUBJID", "VISIT")
    bare = (
        rows.join(said, on=["SUBJID", "VISIT"], how="anti").group_by("SUBJID", "VISIT").agg(_rid=pl.col("_rid").first())
    )
    due = _due(study, run, planned, ends, progression, survival).join(bare, on=["SUBJID", "VISIT"], how="inner")
    return due.select("SUBJID", "_rid", "VISIT", _table=pl.lit("visits"), _column=pl.lit("VISREAS"), _key="VISIT")


def _due(
    study: Study,
    run: RunContext,
    planned: pl.LazyFrame,
    ends: pl.LazyFrame,
    progression: pl.LazyFrame,
    survival: pl.LazyFrame,
) -> pl.LazyFrame:
    """Planned visits whose time is over, grace included, while the subject was still in the study."""
    late = pl.max_horizontal("HI", "DUE") + pl.duration(days=study.p("vis_grace_days"))
    rows = planned.filter(pl.col("EXPECTED"), late < run.cutoff)
    rows = rows.join(ends.select("SUBJID", "ENDDAT"), on="SUBJID", how="left")
    # a cycle may be late when treatment is about to end; the other visits of treatment were due once their window closed
    over = pl.when(pl.col("SERIES").is_null()).then("HI").otherwise(late)
    rows = rows.filter((late < pl.col("ENDDAT")).fill_null(True), (over < pl.col("UNTIL")).fill_null(True))
    therapy = survival.group_by("SUBJID").agg(NACTDAT=pl.col("NACTDAT").min())
    rows = rows.join(progression.select("SUBJID", "PDDAT", "PDVISIT"), on="SUBJID", how="left").join(
        therapy, on="SUBJID", how="left"
    )
    # the visit at which progression was seen took place
    ended = (pl.col("HI") >= pl.min_horizontal("PDDAT", "NACTDAT")) & (pl.col("VISIT") != pl.col("PDVISIT")).fill_null(
        True
    )
    until = [v.name for v in study.schedule if v.stops_at_progression]
    rows = rows.filter(
        ~(ended.fill_null(False) & (pl.col("SERIES").is_in(until) | pl.col("VISIT").is_in(until)).fill_null(False))
    )
    calls = [v.name for v in study.schedule if v.repeat == "follow-up"]
    contacts = survival.select("SUBJID", _day="SSDAT").drop_nulls()
    reached = rows.filter(pl.col("SERIES").is_in(calls)).join(contacts, on="SUBJID", how="inner")
    reached = reached.filter(pl.col("_day").is_between("LO", "HI")).select("SUBJID", "VISIT")
    return rows.join(reached, on=["SUBJID", "VISIT"], how="anti")


@check("VIS-003", on="visits", columns=("VISDAT",))
def visit_repeated(study: Study, visits: pl.LazyFrame) -> pl.LazyFrame:
    """{VISIT} recorded {TIMES} times.

    Why: one visit has one record; with two of them the wrong one may be analysed.
    Fix: Ask the site which record is right and to remove the other; extra visits are called UNSCHEDULED.
    Rule: VIS-003; unscheduled visits may repeat
    """
    names = [v.name for v in study.schedule if not v.repeat]
    series = [pl.col("VISIT").str.starts_with(f"{v.name} ") for v in study.schedule if v.repeat]
    of_plan = pl.any_horizontal(pl.col("VISIT").is_in(names), *series)
    who = ["SUBJID", "VISIT"]
    rows = visits.filter(of_plan, pl.col("SUBJID").is_not_null()).sort("_rid")
    rows = rows.with_columns(TIMES=pl.len().over(who), FIRST=pl.col("_rid").first().over(who))
    rows = rows.filter(pl.col("TIMES") > 1, pl.col("_rid") != pl.col("FIRST"))
    return rows.select("SUBJID", "_rid", "VISIT", "TIMES", _related=related(("FIRST", "VISDAT")))


@check("VIS-003", on="visits", columns=("VISDAT",), uses=("visits.VISDONE", "planned"), silenced_by=("visits.VISDAT",))
def visits_out_of_order(study: Study, visits: pl.LazyFrame, planned: pl.LazyFrame) -> pl.LazyFrame:
    """{VISIT} ({VISDAT}) is before {VISIT1} ({VISDAT1}).

    Why: a later visit cannot come first; one of the dates or names is wrong.
    Fix: Ask the site to check dates and names of both visits.
    Rule: VIS-003; compared inside one schedule block with the visit planned before; ruling 15.6: visits that may come in
    any order are not compared with each other; visits that keep their own windows are in order whatever their numbers
    """
    order = _order(study)
    if order is None:
        return nothing()
    block, level, repeated = order
    inside = pl.col("VISDAT").is_between("LO", "HI").fill_null(False)
    windows = planned.select("SUBJID", "VISIT", "LO", "HI").unique(
        ["SUBJID", "VISIT"], keep="first", maintain_order=True
    )
    rows = _held(visits).with_columns(BLOCK=block, LEVEL=level, SERIES=repeated).filter(pl.col("LEVEL").is_not_null())
    rows = rows.join(windows, on=["SUBJID", "VISIT"], how="left").with_columns(INSIDE=inside & ~pl.col("SERIES"))
    # of a visit recorded twice the first record counts: the other is `visit_repeated`
    rows = rows.sort("_rid").unique(["SUBJID", "VISIT"], keep="first", maintain_order=True)
    who = ["SUBJID", "BLOCK"]
    levels = rows.sort("VISDAT", "_rid").group_by(*who, "LEVEL", maintain_order=True).agg(
        VISIT1=pl.col("VISIT").last(), VISDAT1=pl.col("VISDAT").last(), RID1=pl.col("_rid").last(), INSIDE1=pl.col("INSIDE").last()
    )  # fmt: skip
    before = levels.sort(*who, "LEVEL").with_columns(LEVEL=pl.col("LEVEL").shift(-1).over(who)).drop_nulls("LEVEL")
    rows = rows.join(before, on=[*who, "LEVEL"], how="inner")
    rows = rows.filter(pl.col("VISDAT") < pl.col("VISDAT1"), ~(pl.col("INSIDE") & pl.col("INSIDE1")))
    return rows.select("SUBJID", "_rid", "VISIT", "VISDAT", "VISIT1", "VISDAT1", _related=related(("RID1", "VISDAT")))


def _order(study: Study) -> tuple[pl.Expr, pl.Expr, pl.Expr] | None:
    """Block, level (order inside the block) and whether it is a dose-driven series, from VISIT; None: no schedule."""
    if not study.schedule:
        return None
    block: pl.Expr = pl.lit(None, dtype=pl.String)
    level: pl.Expr = pl.lit(None, dtype=pl.Float64)
    doses: pl.Expr = pl.lit(False)
    for visit in study.schedule:
        group = [v.num for v in study.schedule if v.any_order is not None and v.any_order == visit.any_order]
        if visit.repeat:
            number = pl.col("VISIT").str.extract(f"^{visit.name} 0*([1-9][0-9]{{0,2}})$").cast(pl.Float64)
            this, at = number.is_not_null(), visit.num - 1 + number
        else:
            this, at = pl.col("VISIT") == visit.name, pl.lit(min([*group, visit.num]), dtype=pl.Float64)
        block = pl.when(this).then(pl.lit(visit.block)).otherwise(block)
        level = pl.when(this).then(at).otherwise(level)
        doses = pl.when(this).then(pl.lit(visit.repeat == "dose")).otherwise(doses)
    return block, level, doses


@check(
    "VIS-011", on="ends", needs=("alive",),
    uses=("anchors", "survival", "survival.SSSTAT", "ae", "ae.AEOUT", "disposition", "disposition.DSDECOD"),
    silenced_by=("survival.SSDAT", "survival.SSSTAT", "survival.DTHDAT", "disposition.DSDAT", "disposition.DSDECOD"),
)  # fmt: skip
def follow_up_gap(
    study: Study, run: RunContext, ends: pl.LazyFrame, alive: pl.LazyFrame, anchors: pl.LazyFrame, survival: pl.LazyFrame,
    ae: pl.LazyFrame, disposition: pl.LazyFrame,
) -> pl.LazyFrame:  # fmt: skip
    """Last contact with {SUBJID} was {LAST}, {DAYS} days before the data cut-off {CUTOFF}; vital status needed.

    Why: survival is censored at the last contact; a silent subject may have died.
    Fix: Ask the site to contact the subject or the family and to add a row to Survival.
    Rule: VIS-011; ruling 15.3: silent for subjects who died, withdrew, were lost or left the study; the latest date in any
    sheet that proves the subject alive counts
    """
    dates = [c for c in ("ENROL", "CONSENT") if c in anchors.collect_schema().names()]
    rows = ends.filter(pl.col("ENDDAT").is_null()).join(alive, on="SUBJID", how="left")
    rows = rows.join(anchors.select("SUBJID", *dates), on="SUBJID", how="left")
    left = pl.col("DSDECOD").is_in(["WITHDREW CONSENT", "LOST TO FOLLOW-UP"])
    dead = [
        survival.filter(pl.col("SSSTAT").is_in(["DEAD", "LOST TO FOLLOW-UP"])).select("SUBJID"),
        ae.filter(pl.col("AEOUT") == "FATAL").select("SUBJID"),
        disposition.filter((pl.col("DSDECOD") == "DEATH") | (left & (pl.col("DSSCOPE") == "STUDY"))).select("SUBJID"),
    ]
    rows = rows.join(union(dead), on="SUBJID", how="anti")
    last = pl.coalesce("LSTALVDAT", *dates)
    rows = rows.with_columns(LAST=last, DAYS=(pl.lit(run.cutoff) - last).dt.total_days())
    return rows.filter(pl.col("DAYS") > study.p("followup_gap_days")).select(
        "SUBJID", "LAST", "DAYS", _rid=pl.lit(None, dtype=pl.UInt32), CUTOFF=pl.lit(run.cutoff), _table=pl.lit("survival"),
        _column=pl.lit(None, dtype=pl.String), _key=pl.lit("last contact"),
    )  # fmt: skip
