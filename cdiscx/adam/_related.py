"""Causality of adverse events: what blames which component of the treatment (adam-derivations 7)."""

from __future__ import annotations

import polars as pl

from cdiscx.model.spec import Study

_YES = ("Y", "YES", "RELATED", "POSSIBLE", "POSSIBLY RELATED", "PROBABLE", "PROBABLY RELATED", "DEFINITE",
        "DEFINITELY RELATED", "CERTAIN")  # fmt: skip
_NO = ("N", "NO", "NOT RELATED", "UNRELATED", "NONE", "UNLIKELY", "UNLIKELY RELATED", "REMOTE")


def attribution(study: Study) -> dict[str, str]:
    """ADAE flag -> supplemental qualifier of AE, per component of the treatment: `ARELDUR` -> `AERELDUR`."""
    flags = [c.arel for c in study.components.values() if c.arel]
    return {flag: f"AE{flag[1:]}" for flag in flags}


def actions(study: Study) -> tuple[str, ...]:
    """Supplemental qualifiers that hold the action taken with one component: `AEACNDUR`."""
    return tuple(f"AEACN{flag[4:]}" for flag in attribution(study))


def yes_or_no(text: pl.Expr) -> pl.Expr:
    """Y or N of a causality in a sponsor's words; null for `MULTIPLE` and what is not known."""
    word = text.str.strip_chars().str.to_uppercase()
    return pl.when(word.is_in(_YES)).then(pl.lit("Y")).when(word.is_in(_NO)).then(pl.lit("N"))


def component_flags(study: Study) -> dict[str, pl.Expr]:
    """ADAE flag -> expression over AE with qualifiers: the component's own answer, else AEREL where that is one answer."""
    return {
        flag: pl.coalesce(yes_or_no(pl.col(qualifier)), yes_or_no(pl.col("AEREL")))
        for flag, qualifier in attribution(study).items()
    }


def any_related(study: Study) -> pl.Expr:
    """AREL: Y if AEREL or any component says so, N if none does and at least one denies it."""
    parts = [yes_or_no(pl.col("AEREL")), *(pl.col(flag) for flag in attribution(study))]
    yes = pl.any_horizontal((p == "Y").fill_null(False) for p in parts)
    known = pl.any_horizontal(p.is_not_null() for p in parts)
    return pl.when(yes).then(pl.lit("Y")).when(known).then(pl.lit("N"))
