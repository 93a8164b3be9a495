"""The month-3 decision: recorded, in time, and based on an assessment of that time."""

from __future__ import annotations

import polars as pl

from cdiscx.checks._anchors import with_anchor_cell
from cdiscx.checks._shape import nothing, union
from cdiscx.checks.visits_imaging import owned
from cdiscx.model.spec import Study
from cdiscx.model.table import RunContext
from cdiscx.registry import check
from cdiscx.views.imaging_plan import days_after

_PROGRESSION = r"(?i)progress|\bPD\b|进展"


@check(
    "VIS-007", on="anchors", needs=("decision.DECDAT", "assessments", "ends"),
    uses=("decision.BRANCH", "decision.M3RESP", "decision.DECREAS", "progression", "rows"),
    silenced_by=("dosing.EXSTDAT", "procedures.PRSTDAT", "decision.DECDAT", "targets.TRDAT", "nontargets.TRDAT", "responses.RSDAT"),
)  # fmt: skip
def month3_decision(
    study: Study, run: RunContext, anchors: pl.LazyFrame, decision: pl.LazyFrame, assessments: pl.LazyFrame, ends: pl.LazyFrame,
    progression: pl.LazyFrame, rows: pl.LazyFrame,
) -> pl.LazyFrame:  # fmt: skip
    """Month-3 decision for {SUBJID} is on day {DAY} ({DECDAT}), outside {LO} to {HI}.

    Why: the branch (surgery or continued treatment) rests on the response three months after the start.
    Fix: Ask the site for the decision and its right date; where surgery came earlier because of progression, the reason
    says so.
    Rule: VIS-007; trial A 5 (response of D1 + 77 .. D1 + 105); an early decision for surgery because of progression, with
    its reason, is a note; not asked for after death, withdrawal or study end, or when treatment ended before the window
    """
    visit = owned(study, "VIS-007")
    if visit is None or visit.anchor not in anchors.collect_schema().names():
        return nothing()
    target, width = study.p("month3_target_days"), study.p("month3_window_days")
    start = pl.col(visit.anchor)
    due = anchors.filter(start.is_not_null()).select(
        "SUBJID",
        START=start,
        START_RID=f"{visit.anchor}_RID",
        LO=days_after(start, target - width),
        HI=days_after(start, target + width),
    )
    due = due.join(ends.select("SUBJID", "ENDDAT", "TRTEND"), on="SUBJID", how="left")
    due = due.join(progression.select("SUBJID", "PDDAT"), on="SUBJID", how="left")
    made = due.join(decision, on="SUBJID", how="inner").filter(pl.col("DECDAT").is_not_null())
    days = (pl.col("DECDAT") - pl.col("START")).dt.total_days()
    made = made.with_columns(
        DAY=pl.when(days >= 0).then(days + 1).otherwise(days), _out=~pl.col("DECDAT").is_between("LO", "HI")
    )
    reason = pl.col("DECREAS").fill_null("").str.strip_chars()
    known = (pl.col("PDDAT") <= pl.col("DECDAT")) | (pl.col("M3RESP") == "PD")
    early = (pl.col("DECDAT") < pl.col("LO")) & (pl.col("BRANCH") == "SURGERY") & (reason != "")
    early = early.fill_null(False) & (reason.str.contains(_PROGRESSION) | known.fill_null(False))
    note = pl.lit(
        "Month-3 decision for {SUBJID} is on day {DAY} ({DECDAT}), before {LO}: surgery after early progression ({DECREAS})."
    )
    out = made.filter("_out").with_columns(
        _severity=pl.when(early).then(pl.lit("note")), _say=pl.when(early).then(note)
    )
    bare = _without_assessment(made.filter(~pl.col("_out")), assessments)
    wrong = with_anchor_cell(union([out, bare]), rows, study, visit.anchor, "START_RID")
    return union([_placed(wrong, visit.name), _missing(run, due, decision, visit.name)])


def _placed(rows: pl.LazyFrame, visit: str) -> pl.LazyFrame:
    return rows.select(
        "SUBJID", "_rid", "DAY", "DECDAT", "DECREAS", "LO", "HI", "_severity", "_say", "_related", VISIT=pl.lit(visit),
        _table=pl.lit("decision"), _column=pl.lit("DECDAT"), _key=pl.lit(visit), _expected=pl.lit("{LO} to {HI}"),
    )  # fmt: skip


def _without_assessment(made: pl.LazyFrame, assessments: pl.LazyFrame) -> pl.LazyFrame:
    """Decisions in time without an assessment in the window; after an earlier progression none is needed."""
    scans = assessments.filter(pl.col("DAT").is_not_null()).select("SUBJID", _day="ANYDAT", _first="FIRSTDAT")
    inside = pl.col("_day").is_between("LO", "HI") | pl.col("_first").is_between("LO", "HI").fill_null(False)
    met = made.select("SUBJID", "LO", "HI").join(scans, on="SUBJID", how="inner").filter(inside).select("SUBJID")
    progressed = (pl.col("PDDAT") < pl.col("LO")).fill_null(False)
    said = pl.lit("Month-3 decision for {SUBJID} on {DECDAT} has no assessment between {LO} and {HI}.")
    return made.filter(~progressed).join(met, on="SUBJID", how="anti").with_columns(_say=said)


def _missing(run: RunContext, due: pl.LazyFrame, decision: pl.LazyFrame, visit: str) -> pl.LazyFrame:
    """Subjects past the window, still in the study and under treatment when it opened, without a decision."""
    rows = due.join(decision.select("SUBJID"), on="SUBJID", how="anti").filter(
        pl.col("HI") < run.cutoff,
        (pl.col("HI") < pl.col("ENDDAT")).fill_null(True),
        (pl.col("LO") <= pl.col("TRTEND")).fill_null(True),
    )
    return rows.select(
        "SUBJID", "LO", "HI", _rid=pl.lit(None, dtype=pl.UInt32), VISIT=pl.lit(visit), _table=pl.lit("decision"),
        _column=pl.lit(None, dtype=pl.String), _key=pl.lit(visit), _expected=pl.lit("a decision from {LO} to {HI}"),
        _say=pl.lit("Month-3 decision for {SUBJID} is missing; it was due {LO} to {HI}."),
    )  # fmt: skip
