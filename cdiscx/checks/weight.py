"""Weights that cannot be, or that change too fast (SAF-010)."""

from __future__ import annotations

import polars as pl

from cdiscx.checks._shape import related, union
from cdiscx.checks._words import days_said
from cdiscx.model.spec import Study
from cdiscx.registry import check


@check("SAF-010", on="visits", columns=("WEIGHT", "VISDAT"))
def weight_implausible_or_changed(study: Study, visits: pl.LazyFrame) -> pl.LazyFrame:
    """Weight {WEIGHT} kg at {VISIT} is outside {low} to {high} kg.

    Why: weight decides the start dose by weight; a fast change is ascites, oedema or a typing error (jin, pounds).
    Fix: Ask the site to check the weight and its unit.
    Rule: SAF-010; compared with the visit before; a weight that goes back to the one before an outlier is in order
    """
    low, high, pct = (float(study.p(n)) for n in ("weight_min_kg", "weight_max_kg", "weight_change_pct"))
    kg = pl.col("WEIGHT")
    rows = visits.filter(pl.col("SUBJID").is_not_null(), kg.is_not_null())
    outside = rows.filter(~kg.is_between(low, high)).with_columns(
        low=pl.lit(low), high=pl.lit(high), _key=pl.lit("range")
    )

    def jumps(other: str) -> pl.Expr:
        """More than the permitted part of the other weight, on numbers as typed (10 g)."""
        return ((kg - pl.col(other)).abs() * 100).round(4) > (pl.col(other) * pct).round(4)

    ordered = (
        rows.filter(pl.col("VISDAT").is_not_null(), kg.is_between(low, high))
        .sort("SUBJID", "VISDAT", "_rid")
        .with_columns(
            before=kg.shift(1).over("SUBJID"),
            earlier=kg.shift(2).over("SUBJID"),
            _prev=pl.col("_rid").shift(1).over("SUBJID"),
            days=days_said((pl.col("VISDAT") - pl.col("VISDAT").shift(1).over("SUBJID")).dt.total_days()),
        )
    )
    ordered = ordered.with_columns(_jump=jumps("before").fill_null(False)).with_columns(
        _after_jump=pl.col("_jump").shift(1).over("SUBJID")
    )
    back = pl.col("_after_jump").fill_null(False) & ~jumps("earlier").fill_null(True)
    changed = ordered.filter(pl.col("_jump"), ~back).with_columns(
        related(("_prev", "WEIGHT")),
        pct=pl.lit(pct),
        _key=pl.lit("change"),
        _say=pl.lit("Weight {before} -> {WEIGHT} kg in {days}, at {VISIT} on {VISDAT} (more than {pct} %)."),
    )
    return union([outside, changed])
