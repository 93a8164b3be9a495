"""ADAE: every adverse event with imputed dates, what it emerged under, its causes and first occurrences (section 7)."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from cdiscx import registry
from cdiscx.adam._adae_columns import COPIED, columns
from cdiscx.adam._context import Absent, Context, after
from cdiscx.adam._finish import finish
from cdiscx.adam._related import actions, any_related, attribution, component_flags
from cdiscx.model.dataset import Dataset
from cdiscx.standards.dates import duration_days, impute_ae_end, impute_ae_start, study_day

_DATES = ("TRTSDT", "LDOSEDT", "SURGDT", "DTHDT")


@registry.dataset("ADAE")
@after("ADSL")
def adae(ctx: Context) -> Dataset | Absent:
    """Adverse events analysis dataset; one record per record of AE."""
    if "AE" not in ctx.sdtm:
        return Absent("there is no AE domain")
    study = ctx.study
    events = ctx.domain("AE", *COPIED, "AESEQ", *attribution(study).values(), *actions(study))
    events = events.join(ctx.adsl.select("USUBJID", *_DATES), on="USUBJID", how="inner", maintain_order="left")
    events = _with_dates(ctx, events)
    events = _with_grade_and_cause(ctx, events)
    events = _with_emergence(ctx, events)
    events = _with_first_occurrences(events)
    return finish(
        ctx,
        "ADAE",
        events,
        columns(ctx),
        label="Adverse Events Analysis Dataset",
        klass="OCCURRENCE DATA STRUCTURE",
        subclass="ADVERSE EVENT",
        structure="One record per subject per adverse event",
        keys=("STUDYID", "USUBJID", "ASTDT", "AESEQ"),
        sort=("ASTDT", "AESEQ"),
    )


def _with_dates(ctx: Context, events: pl.DataFrame) -> pl.DataFrame:
    start = impute_ae_start(pl.col("AESTDTC"), treatment_start=pl.col("TRTSDT"), ae_end=pl.col("AEENDTC"))
    end = impute_ae_end(pl.col("AEENDTC"), death=pl.col("DTHDT"), cutoff=pl.lit(ctx.cutoff))
    events = events.with_columns(ASTDT=start.date, ASTDTF=start.flag, AENDT=end.date, AENDTF=end.flag)
    return events.with_columns(
        ASTDY=study_day(pl.col("ASTDT"), pl.col("TRTSDT")),
        AENDY=study_day(pl.col("AENDT"), pl.col("TRTSDT")),
        ADURN=duration_days(pl.col("ASTDT"), pl.col("AENDT")),
        ADURU=pl.when(pl.col("ASTDT").is_not_null() & pl.col("AENDT").is_not_null()).then(pl.lit("DAYS")),
    )


def _with_grade_and_cause(ctx: Context, events: pl.DataFrame) -> pl.DataFrame:
    """A missing grade is not imputed; ATOXSGRN is the sensitivity reading: 3 for a related event without grade."""
    grade = pl.col("AETOXGR").cast(pl.Float64, strict=False).cast(pl.Int64, strict=False)
    events = events.with_columns(ATOXGRN=pl.when(grade.is_between(1, 5)).then(grade), **component_flags(ctx.study))
    withdrawn = pl.any_horizontal(
        (pl.col(c) == "DRUG WITHDRAWN").fill_null(False) for c in ("AEACN", *actions(ctx.study))
    )
    fatal = (pl.col("AEOUT") == "FATAL").fill_null(False) | (pl.col("AESDTH") == "Y").fill_null(False)
    return events.with_columns(
        ATOXGR=pl.col("ATOXGRN").cast(pl.String),
        AREL=any_related(ctx.study),
        WITHDFL=_flag(withdrawn),
        FATALFL=_flag(fatal),
    ).with_columns(ATOXSGRN=pl.coalesce("ATOXGRN", pl.when(pl.col("AREL") == "Y").then(3)))


def _with_emergence(ctx: Context, events: pl.DataFrame) -> pl.DataFrame:
    """TRTEMFL and APHASE."""
    start, first, surgery = pl.col("ASTDT"), pl.col("TRTSDT"), pl.col("SURGDT")
    days, long = int(ctx.p("teae_days", 30)), int(ctx.p("teae_serious_days", 90))
    complication_days = int(ctx.p("complication_days", 90))
    serious = _is_yes("AESER") | _is_yes("AEIMMFL")
    limit = pl.when(serious).then(pl.lit(long)).otherwise(pl.lit(days))
    until = pl.col("LDOSEDT") + pl.duration(days=limit)
    after_surgery = surgery + pl.duration(days=complication_days)
    until = pl.when(_is_yes("AESURGFL")).then(pl.max_horizontal(until, after_surgery)).otherwise(until)
    events = _with_worsening(events)
    emerged = ((start >= first) & (start <= until)).fill_null(False) | pl.col("_worse")
    phase = (
        pl.when(start.is_null() | first.is_null()).then(None)
        .when(start < first).then(pl.lit("PRE-TREATMENT"))
        .when(surgery.is_null() | (start < surgery)).then(pl.lit(ctx.study.analysis.phase_before_surgery))
        .when(start <= after_surgery).then(pl.lit("POST-OPERATIVE"))
        .otherwise(pl.lit("LATER"))
    )  # fmt: skip
    return events.with_columns(TRTEMFL=_flag(emerged), APHASE=phase)


def _with_worsening(events: pl.DataFrame) -> pl.DataFrame:
    """`_worse`: a record of an event from before treatment, written again with its old start and a higher grade.

    A worsening that is recorded with its own start date is emergent by that date.
    """
    group = ["USUBJID", "AEDECOD", "AESTDTC"]
    events = events.sort("USUBJID", "AESEQ", maintain_order=True)
    lower = pl.col("ATOXGRN").cum_max().shift(1).over(group)
    old = (pl.col("ASTDT") < pl.col("TRTSDT")).fill_null(False)
    goes_on = (pl.col("AENDT") >= pl.col("TRTSDT")).fill_null(True)
    worse = old & goes_on & (pl.col("ATOXGRN") > lower).fill_null(False) & pl.col("AEDECOD").is_not_null()
    return events.with_columns(_worse=worse)


def _with_first_occurrences(events: pl.DataFrame) -> pl.DataFrame:
    """AOCC flags among treatment-emergent events in the order ASTDT, AESEQ; the highest grade first where asked for."""
    events = events.with_columns(
        _soc=pl.coalesce("AESOC", "AEBODSYS"),
        _pt=pl.coalesce("AEDECOD", pl.col("AETERM").str.to_uppercase()),
        _grade=pl.col("ATOXGRN").fill_null(0),
        _emerged=pl.col("TRTEMFL") == "Y",
    )
    first: dict[str, Sequence[str]] = {
        "AOCCFL": ("USUBJID",),
        "AOCCSFL": ("USUBJID", "_soc"),
        "AOCCPFL": ("USUBJID", "_soc", "_pt"),
    }
    worst = {f"{name[:-2]}IFL": group for name, group in first.items()}
    by_date = events.sort("USUBJID", "ASTDT", "AESEQ", nulls_last=True)
    by_date = by_date.with_columns(_first(group).alias(name) for name, group in first.items())
    by_grade = by_date.sort(
        "USUBJID", "_grade", "ASTDT", "AESEQ", descending=[False, True, False, False], nulls_last=True
    )
    return by_grade.with_columns(_first(group).alias(name) for name, group in worst.items())


def _first(group: Sequence[str]) -> pl.Expr:
    emerged = pl.col("_emerged").fill_null(False)
    nth = emerged.cast(pl.Int32).cum_sum().over(list(group))
    named = pl.all_horizontal(pl.col(c).is_not_null() for c in group)
    return _flag(emerged & (nth == 1) & named)


def _is_yes(name: str) -> pl.Expr:
    return (pl.col(name).str.to_uppercase() == "Y").fill_null(False)


def _flag(met: pl.Expr) -> pl.Expr:
    return pl.when(met).then(pl.lit("Y"))
