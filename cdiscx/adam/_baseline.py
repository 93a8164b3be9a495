"""Baseline values per subject: last non-missing value on or before first treatment (adam-derivations 2.3)."""

from __future__ import annotations

import polars as pl

from cdiscx.adam._context import Context, first_by
from cdiscx.model.spec import Baseline
from cdiscx.standards.child_pugh import child_pugh_class


def baselines(ctx: Context, treated: pl.DataFrame) -> dict[str, pl.DataFrame]:
    """Variable of ADSL -> USUBJID, the value and `_from`. A record without a date counts when its visit is the baseline's.

    A result that is no number (`>1210`) is the last value all the same: the number is null then, not an older one.
    """
    return {name: _value(ctx, name, spec, treated) for name, spec in ctx.study.analysis.baseline.items()}


def is_number(spec: Baseline) -> bool:
    """Whether a baseline value is a number."""
    return spec.value.endswith("STRESN")


def _value(ctx: Context, name: str, spec: Baseline, treated: pl.DataFrame) -> pl.DataFrame:
    p = spec.of[:2]
    text = f"{p}STRESC"
    rows = ctx.domain(spec.of, spec.value, text, f"{p}DT", f"{p}DTC", f"{p}STAT", f"{p}LOBXFL", "VISIT", *spec.where)
    for column, values in spec.where.items():
        rows = rows.filter(pl.col(column).str.to_uppercase().is_in([v.upper() for v in values]))
    value = pl.coalesce(spec.value, pl.col(text).cast(pl.Float64, strict=False)) if is_number(spec) else spec.value
    first_visits = [v.name for v in ctx.study.schedule if v.baseline]
    undated = pl.col(f"{p}DTC").is_null() & (
        pl.col("VISIT").str.to_uppercase().is_in(first_visits) | (pl.col(f"{p}LOBXFL") == "Y")
    )
    rows = (
        rows.with_columns((pl.col(value) if isinstance(value, str) else value).alias(name))
        .filter(pl.col(name).is_not_null() | (pl.col(text).is_not_null() & pl.lit(is_number(spec))))
        .join(treated.select("USUBJID", "TRTSDT"), on="USUBJID")
        .filter((pl.col(f"{p}DT") <= pl.col("TRTSDT")).fill_null(False) | undated.fill_null(False))
        .with_columns(_dated=pl.col(f"{p}DT").is_not_null(), _day=pl.col(f"{p}DT").fill_null(pl.date(1, 1, 1)))
    )
    return first_by(rows, ["_dated", "_day"], last=True).select("USUBJID", name, "_from")


def child_pugh_class_of(score: str, cls: str) -> pl.Expr:
    """The class as collected, else that of the score."""
    return pl.coalesce(cls, child_pugh_class(pl.col(score)))
