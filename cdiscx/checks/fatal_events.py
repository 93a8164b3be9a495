"""Adverse events that were fatal: grade, outcome, criterion, end and cause of death (SAF-002)."""

from __future__ import annotations

import polars as pl

from cdiscx.checks._shape import related
from cdiscx.registry import check
from cdiscx.standards.dates import after, before


def fatal_facts(ae: pl.LazyFrame) -> pl.LazyFrame:
    """Adds what a record says about death: `_g5`, `_fatal`, `_death` (criterion) - null where it does not say -, `_dead`, `_disagree`."""
    schema = ae.collect_schema()
    if schema.get("AESCRIT") != pl.List(pl.String):  # a study without the column
        ae = ae.with_columns(AESCRIT=pl.lit(None, dtype=pl.List(pl.String)))
    named = pl.col("AESCRIT").list.len().fill_null(0) > 0
    silent = (pl.col("AESER") == "Y").fill_null(False) & ~named  # SAF-003 asks for the criteria
    facts = ae.with_columns(
        _g5=pl.col("AETOXGR").cast(pl.Float64) == 5,
        _fatal=pl.col("AEOUT") == "FATAL",
        _death=pl.when(~silent).then(pl.col("AESCRIT").list.contains("DEATH").fill_null(False)),
    )
    said = [pl.col("_g5"), pl.col("_fatal"), pl.col("_death")]
    some = pl.any_horizontal([s.fill_null(False) for s in said])
    every = pl.all_horizontal([s.fill_null(True) for s in said])
    return facts.with_columns(_dead=(pl.col("_g5") | pl.col("_fatal")).fill_null(False), _disagree=some & ~every)


@check(
    "SAF-002", on="ae", columns=("AEOUT", "AETERM"), needs=("problems",), uses=("ae.AETOXGR", "ae.AESER", "ae.AESCRIT"),
)  # fmt: skip
def fatal_fields_disagree(ae: pl.LazyFrame, problems: pl.LazyFrame) -> pl.LazyFrame:
    """Adverse event "{AETERM}": CTCAE grade {AETOXGR}, outcome {AEOUT} and seriousness criterion Death ({crit}) disagree about death.

    Why: grade 5, outcome Fatal and the criterion Death mean the same; one without the others makes the death uncertain.
    Fix: Ask the site whether the event was fatal, and correct grade, outcome and criterion together.
    Rule: SAF-002; CTCAE v5.0 grade 5; ruling 15.8; a death from progression needs no adverse event
    """
    unread = problems.filter(
        pl.col("table") == "ae",
        pl.col("column").is_in(["AETOXGR", "AESCRIT", "AESER"]),
        pl.col("unreadable"),
        pl.col("_rid").is_not_null(),
    )
    facts = (
        fatal_facts(ae).filter(pl.col("SUBJID").is_not_null(), pl.col("_disagree")).join(unread, on="_rid", how="anti")
    )
    shown = (
        pl.when("_death")
        .then(pl.lit("named"))
        .when(~pl.col("_death"))
        .then(pl.lit("not named"))
        .otherwise(pl.lit("not stated"))
    )
    return facts.with_columns(
        related(("_rid", "AETOXGR"), ("_rid", "AESCRIT")), crit=shown, _key=pl.lit("fatal fields")
    )


@check("SAF-002", on="ae", columns=("AEENDAT", "AETERM", "AEOUT"), needs=("deaths",))
def fatal_event_ends_on_another_day(ae: pl.LazyFrame, deaths: pl.LazyFrame) -> pl.LazyFrame:
    """Fatal adverse event "{AETERM}" ends on {AEENDATC}, but the death date in Survival is {DTHDATC}.

    Why: a fatal event ends with the death; two dates make the survival time uncertain.
    Fix: Ask the site which date is right and correct the other.
    Rule: SAF-002; compared at the precision that both dates have
    """
    fatal = ae.filter(pl.col("AEOUT") == "FATAL").join(
        deaths.select("SUBJID", "DTHDATC", dth_rid="_rid"), on="SUBJID", how="inner"
    )
    end, death = pl.col("AEENDATC"), pl.col("DTHDATC")
    return fatal.filter(before(end, death) | after(end, death)).with_columns(
        related(("dth_rid", "DTHDAT")), _key=pl.lit("fatal end")
    )


@check("SAF-002", on="ae", columns=("AEOUT", "AETERM"))
def two_fatal_events(ae: pl.LazyFrame) -> pl.LazyFrame:
    """Adverse event "{AETERM}" has the outcome Fatal, as "{other}" has; only one of the {n} can be the cause of death of {SUBJID}.

    Why: one death has one primary cause; the others were not recovered when the subject died.
    Fix: Ask the site which event was the primary cause of death; the others get the outcome Not recovered and no end date.
    Rule: SAF-002
    """
    fatal = ae.filter(pl.col("AEOUT") == "FATAL", pl.col("SUBJID").is_not_null()).sort("SUBJID", "_rid")
    counted = fatal.with_columns(
        n=pl.len().over("SUBJID"),
        _first=pl.col("_rid").first().over("SUBJID"),
        other=pl.col("AETERM").first().over("SUBJID"),
    )
    return counted.filter(pl.col("_rid") != pl.col("_first")).with_columns(
        related(("_first", "AEOUT")), _key=pl.lit("two fatal")
    )
