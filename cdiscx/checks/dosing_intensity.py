"""Dose intensity: what was given against what was planned over the same days."""

from __future__ import annotations

import polars as pl

from cdiscx.checks._doses import KEY, days_between, open_ended, plans, sequence, with_anchor, with_weight
from cdiscx.checks._shape import nothing
from cdiscx.model.spec import Study
from cdiscx.model.table import RunContext
from cdiscx.registry import check
from cdiscx.standards.exact import divided


@check(
    "DOS-016", on="dosing", columns=("EXDOSE", "EXTRT", "EXSTDAT", "EXENDAT"),
    needs=("dosing.EXDOSU", "dosing.EXDOSFRQ", "anchors", "ends", "subjects.WEIGHT"), uses=("visits.WEIGHT", "visits.VISDAT"),
    silenced_by=("dosing.EXTRT", "dosing.EXSTDAT", "dosing.EXENDAT", "dosing.EXDOSE", "dosing.EXDOSU", "dosing.EXDOSFRQ",
                 "procedures.PRSTDAT", "procedures.PRTRT"),
)  # fmt: skip
def dose_intensity_implausible(
    study: Study,
    run: RunContext,
    dosing: pl.LazyFrame,
    anchors: pl.LazyFrame,
    ends: pl.LazyFrame,
    subjects: pl.LazyFrame,
    visits: pl.LazyFrame,
) -> pl.LazyFrame:
    """{DRUG}: {GIVEN} {UNIT} from {FIRST} to {LAST} is a dose intensity of {RDI} %; {LOW} to {HIGH} % is plausible.

    Why: an intensity this far from the plan is more often a wrong dose, date or frequency than treatment.
    Fix: Check the doses, dates and frequencies of all {DRUG} rows of this subject.
    Rule: DOS-016; adam-derivations 8 (given / planned x 100, planned = protocol dose over the days from first to last dose
    less the hold around surgery); an interval without end date counts to the cut-off
    Not checked: the site's own cumulative dose, which the layout does not have
    """
    if not study.regimens:
        return nothing()
    rows = with_anchor(sequence(dosing, plans(study)), anchors, study, "SURG")
    rows = rows.join(ends.select("SUBJID", "ENDDAT"), on="SUBJID", how="left")
    # a repeated record is STR-006's and would count twice
    rows = rows.unique(subset=[*KEY, "EXSTDAT", "EXDOSE", "EXROUTE"], keep="first", maintain_order=True)
    rows = rows.sort("SUBJID", "EXTRT", "EXSTDAT", "_rid")
    daily = pl.col("KIND") == "daily"
    last_row = pl.int_range(pl.len()).over(KEY) == pl.len().over(KEY) - 1
    running = pl.min_horizontal(pl.lit(run.cutoff), "ENDDAT")
    end = pl.when(daily & open_ended() & last_row).then(running).when(daily).then("EXENDAT").otherwise("EXSTDAT")
    rows = with_weight(rows.with_columns(_end=end), subjects, visits).sort("SUBJID", "EXTRT", "EXSTDAT", "_rid")
    reach = pl.col("_end").cum_max().shift(1).over(KEY)
    usable = (
        (pl.col("EXDOSU") == pl.col("UNIT"))
        & pl.col("EXDOSE").is_not_null()
        & (pl.col("_end") >= pl.col("EXSTDAT"))  # DAT-006, DOS-005 and partial dates
        & ~(daily & (pl.col("EXSTDAT") <= reach)).fill_null(False)  # DOS-006
        & (~daily | pl.col("EXDOSFRQ").is_in(["QD", "QOD"]))
    ).fill_null(False)
    rows = rows.filter(usable.all().over(KEY))
    return _intensity(study, rows)


def _intensity(study: Study, rows: pl.LazyFrame) -> pl.LazyFrame:
    """One row per subject and drug whose relative dose intensity is out of bounds."""
    daily = pl.col("KIND") == "daily"
    days = days_between("EXSTDAT", "_end") + 1
    # every other day: the first day and each second one after it
    doses = pl.when(daily & (pl.col("EXDOSFRQ") == "QOD")).then((days + 1) // 2).when(daily).then(days).otherwise(1)
    before, surgery = pl.col("_end") <= pl.col("SURG"), pl.col("SURG")
    total = rows.with_columns(_given=pl.col("EXDOSE") * doses).group_by(KEY, maintain_order=True).agg(
        pl.col("_rid", "DRUG", "KIND", "UNIT", "AMOUNT", "PER_TIME", "INTERVAL", "SURG", "WEIGHT", "START_KG", "START_BELOW",
               "LIGHT_BELOW", "LIGHT_AMOUNT").first(),
        GIVEN=pl.col("_given").sum(),
        FIRST=pl.col("EXSTDAT").min(),
        LAST=pl.col("_end").max(),
        _stop=pl.col("_end").filter(before).max(),
        _again=pl.col("EXSTDAT").filter(pl.col("EXSTDAT") >= surgery).min(),
    )  # fmt: skip
    infusion = pl.col("KIND") == "infusion"
    held = days_between("_stop", "_again").fill_null(0)  # planned hold: no planned days
    span = days_between("FIRST", "LAST")
    # daily: the days in between; infusions: the hold less the one interval that would have been there anyway
    slots = (
        pl.when(infusion)
        .then(divided(span - pl.max_horizontal(held - pl.col("INTERVAL"), 0), pl.col("INTERVAL")) + 1)
        .otherwise(span + 1 - pl.max_horizontal(held - 1, 0))
    )
    by_start = pl.when(pl.col("WEIGHT") < pl.col("START_KG")).then("START_BELOW").otherwise("PER_TIME")
    light = pl.col("WEIGHT") < pl.col("LIGHT_BELOW")
    each = pl.when(light.fill_null(False)).then(pl.col("LIGHT_AMOUNT") * pl.col("WEIGHT")).otherwise(by_start)
    low, high = float(study.p("rdi_min_pct")), float(study.p("rdi_max_pct"))
    rated = total.with_columns(RDI=divided(100 * pl.col("GIVEN"), slots * each), LOW=pl.lit(low), HIGH=pl.lit(high))
    out = (pl.col("RDI") < low - 1e-9) | (pl.col("RDI") > high + 1e-9)
    return rated.filter(out).select(
        "SUBJID",
        "_rid",
        "DRUG",
        "GIVEN",
        "UNIT",
        "FIRST",
        "LAST",
        "RDI",
        "LOW",
        "HIGH",
        _expected=pl.lit("{LOW} to {HIGH} %"),
    )
