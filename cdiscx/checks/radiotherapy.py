"""Radiotherapy: total dose, fractions and overall time of a course against the plan."""

from __future__ import annotations

import polars as pl

from cdiscx.checks._doses import blank, days_between
from cdiscx.checks._shape import nothing, union
from cdiscx.model.spec import Study
from cdiscx.registry import check

#: house term of the Procedures list; one summary row a course (contract 1)
_COURSE = "IMRT"


def _courses(study: Study, procedures: pl.LazyFrame) -> pl.LazyFrame | None:
    """Radiotherapy rows with GY (total dose in Gy, null without a usable unit) and `_single`, a daily record.

    That is a row of one fraction within the days of a summary row, or beside rows of one fraction only; one outside them is
    the end of the course or a boost. None where the study plans no radiotherapy.
    """
    if not any(c.planned and _COURSE in c.procedures for c in study.components.values()):
        return None
    rows = procedures.filter(pl.col("PRTRT") == _COURSE, pl.col("SUBJID").is_not_null())
    gray = pl.when(pl.col("PRDOSU") == "Gy").then("PRDOSE").when(pl.col("PRDOSU") == "cGy").then(pl.col("PRDOSE") / 100)
    one = ((pl.col("PRFRAC") == 1) & (pl.len().over("SUBJID") > 1)).fill_null(False)
    rows = rows.with_columns(GY=gray, _one=one)
    first, last = _span_of_summaries()
    inside = (pl.col("PRSTDAT") >= first).fill_null(True) & (pl.col("PRSTDAT") <= last).fill_null(True)
    return rows.with_columns(_single=pl.col("_one") & inside)


def _span_of_summaries() -> tuple[pl.Expr, pl.Expr]:
    """First and last day of a subject's rows of several fractions; the last is null where one of them has no end."""
    ends = pl.col("PRENDAT").filter(~pl.col("_one"))
    last = pl.when(ends.null_count() == 0).then(ends.max())
    return pl.col("PRSTDAT").filter(~pl.col("_one")).min().over("SUBJID"), last.over("SUBJID")


def _whole(column: str, where: pl.Expr) -> pl.Expr:
    """Sum over the rows of a subject, null where one of them is null."""
    values = pl.col(column).filter(where)
    return pl.when(values.null_count() == 0).then(values.sum())


def _whole_courses(rows: pl.LazyFrame, plan_gy: float, plan_fx: float, slack: float) -> pl.LazyFrame:
    """One row a subject: GY and FX of the course, DAILY (sum of daily records), and what explains a difference."""
    full = ((pl.col("GY") - plan_gy).abs() <= slack * plan_gy + 1e-9) & (pl.col("PRFRAC") == plan_fx)
    # daily records beside a summary row would count the dose twice
    own = ~pl.col("_single") | pl.col("_single").all()
    return rows.sort("SUBJID", "PRSTDAT", "_rid").group_by("SUBJID", maintain_order=True).agg(
        _rid=pl.col("_rid").filter(own).last(),
        GY=_whole("GY", own),
        FX=_whole("PRFRAC", own),
        DAILY=pl.col("GY").filter(pl.col("_single")).sum(),
        _dailies=pl.col("_single").sum(),
        _summaries=(~pl.col("_single")).sum(),
        _frac_blank=pl.col("PRFRACC").filter(own).null_count() > 0,
        _told=(~blank("PRREAS")).any(),
        # a boost beside a complete course is its own matter
        _complete=full.fill_null(False).any(),
    ).with_columns(PLAN_GY=pl.lit(plan_gy), PLAN_FX=pl.lit(plan_fx))  # fmt: skip


@check(
    "DOS-011", on="procedures", columns=("PRDOSE", "PRFRAC", "PRTRT", "PRDOSU"), needs=("procedures.PRREAS",),
    uses=("procedures.PRSTDAT", "procedures.PRENDAT"),
    silenced_by=("procedures.PRDOSE", "procedures.PRFRAC", "procedures.PRDOSU"),
)  # fmt: skip
def radiotherapy_dose_inconsistent(study: Study, procedures: pl.LazyFrame) -> pl.LazyFrame:
    """Delivered {GY} Gy in {FX} fractions, planned {PLAN_GY} Gy in {PLAN_FX}.

    Why: the dose of radiotherapy decides on effect and on safety of the operation that follows.
    Fix: Check total dose, its unit (Gy or cGy) and the number of fractions against the radiotherapy report. If the course
    was stopped early, give the reason.
    Rule: DOS-011; trial B 4.2 (30 Gy in 10 fractions of 3 Gy; 95 to 105 %; fewer fractions only with a reason, and then
    their share of the dose)
    Not checked: the dose per fraction, which the layout does not have; a course of several rows is judged as a whole
    """
    rows = _courses(study, procedures)
    if rows is None:
        return nothing()
    plan_gy, plan_fx = float(study.p("rt_total_gy")), float(study.p("rt_fractions"))
    slack = float(study.p("rt_total_tolerance_pct")) / 100
    course = _whole_courses(rows, plan_gy, plan_fx, slack)
    early = (pl.col("FX") < plan_fx) & pl.col("_told")
    share = pl.when(early.fill_null(False)).then(pl.col("FX") * float(study.p("rt_gy_per_fraction"))).otherwise(plan_gy)
    stopped = pl.col("FX").is_null() & pl.col("_told") & (pl.col("GY") < plan_gy)
    judged = course.filter(~pl.col("_complete")).with_columns(SHARE=share)
    fractions = judged.filter(pl.col("FX") != plan_fx, ~early).select(
        pl.all(), _column=pl.lit("PRFRAC"), _expected=pl.lit("{PLAN_FX} fractions")
    )
    off = (pl.col("GY") - pl.col("SHARE")).abs() > slack * pl.col("SHARE") + 1e-9
    total = judged.filter(off, ~stopped).join(fractions.select("_rid"), on="_rid", how="anti").select(
        pl.all(), _column=pl.lit("PRDOSE"), _expected=pl.lit("{SHARE} Gy"),
        _say=pl.when(early).then(pl.lit("Delivered {GY} Gy in {FX} fractions; {SHARE} Gy expected for so many fractions.")),
    )  # fmt: skip
    missing = judged.filter(pl.col("_frac_blank")).select(
        pl.all(),
        _column=pl.lit("PRFRAC"),
        _severity=pl.lit("warning"),
        _say=pl.lit("Radiotherapy without the number of fractions."),
    )
    gap = (pl.col("DAILY") - pl.col("GY")).abs() > float(study.p("rt_tolerance_gy")) + 1e-9
    sums = course.filter(pl.col("_dailies") > 0, pl.col("_summaries") > 0, gap).select(
        pl.all(), _column=pl.lit("PRDOSE"), _say=pl.lit("The daily records add up to {DAILY} Gy, but the course says {GY} Gy."),
        _expected=pl.lit("{DAILY} Gy"), _key=pl.lit("daily"),
    )  # fmt: skip
    shown = ["SUBJID", "_rid", "GY", "FX", "DAILY", "SHARE", "PLAN_GY", "PLAN_FX"]
    return union([fractions, total, missing, sums]).select(*shown, "_column", "_say", "_severity", "_expected", "_key")


@check(
    "DOS-012", on="procedures", columns=("PRENDAT", "PRSTDAT", "PRTRT", "PRFRAC"), needs=("procedures.PRDOSE", "procedures.PRDOSU"),
    silenced_by=("procedures.PRENDAT", "procedures.PRSTDAT", "procedures.PRFRAC"),
)  # fmt: skip
def radiotherapy_schedule_broken(study: Study, procedures: pl.LazyFrame) -> pl.LazyFrame:
    """Radiotherapy of {FX} fractions took {DAYS} days ({FIRST} to {LAST}); at most {MOST} days are planned.

    Why: a course that is stretched loses effect; more than one fraction a day is another treatment.
    Fix: Check first and last day and the number of fractions against the radiotherapy report.
    Rule: DOS-012; trial B 4.2 (one fraction per weekday, interruption of at most 7 days)
    Not checked: gaps inside a course that stands on one row; the fractions of one day
    """
    rows = _courses(study, procedures)
    if rows is None:
        return nothing()
    known = pl.col("PRSTDAT").is_not_null().all() & pl.col("PRENDAT").is_not_null().all()
    dated = rows.filter(known.over("SUBJID"), (pl.col("PRENDAT") >= pl.col("PRSTDAT")).all().over("SUBJID"))
    own = ~pl.col("_single") | pl.col("_single").all()
    last_row = pl.col("_rid").sort_by("PRENDAT", "_rid").last()
    course = dated.group_by("SUBJID", maintain_order=True).agg(
        _rid=last_row, FIRST=pl.col("PRSTDAT").min(), LAST=pl.col("PRENDAT").max(), FX=_whole("PRFRAC", own)
    ).with_columns(
        DAYS=days_between("FIRST", "LAST") + 1,
        MOST=pl.col("FX") * int(study.p("rt_days_per_fraction")) + int(study.p("rt_extra_days")),
    )  # fmt: skip
    long = course.filter(pl.col("DAYS") > pl.col("MOST")).select(pl.all(), _column=pl.lit("PRENDAT"))
    dense = dated.select(
        "SUBJID", "_rid", FX="PRFRAC", FIRST="PRSTDAT", LAST="PRENDAT", DAYS=days_between("PRSTDAT", "PRENDAT") + 1
    ).filter(pl.col("FX") > pl.col("DAYS"))  # fmt: skip
    dense = dense.with_columns(
        _column=pl.lit("PRENDAT"),
        _say=pl.lit("{FX} fractions of radiotherapy in {DAYS} days ({FIRST} to {LAST}); at most one a day."),
    )
    ordered = dated.sort("SUBJID", "PRSTDAT", "_rid").with_columns(
        PREV=pl.col("PRENDAT").cum_max().shift(1).over("SUBJID")
    )
    gaps = ordered.with_columns(DAYS=days_between("PREV", "PRSTDAT")).filter(
        pl.col("DAYS") > int(study.p("rt_gap_days"))
    )
    gaps = gaps.select(
        "SUBJID", "_rid", "DAYS", "PREV", "PRSTDAT", _column=pl.lit("PRSTDAT"),
        _say=pl.lit("Radiotherapy gap of {DAYS} days between {PREV} and {PRSTDAT}."),
    )  # fmt: skip
    return union([long, dense, gaps])
