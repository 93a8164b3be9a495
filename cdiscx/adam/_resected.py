"""What the operation and the specimen answer for the endpoints of resected subjects: R0, MPR, PCR (trial-b 8.5, 8.6)."""

from __future__ import annotations

import polars as pl

from cdiscx.adam._best import population, row
from cdiscx.adam._context import Context
from cdiscx.adam._pathology import pathological_response

_NO_IDS = pl.lit(None, dtype=pl.List(pl.UInt32))


def derive_param_resected(ctx: Context) -> list[pl.DataFrame]:
    """One row a resected subject: R status among those asked for, viable tumour at most the endpoint's percentage.

    A status or a percentage that nobody knows gives no row: who is counted then is the analysis' business.
    """
    out = []
    operated = ctx.adsl.filter(pl.col("RESFL") == "Y")
    found = pathological_response(ctx, operated.select("USUBJID", "SURGDT")) if operated.height else None
    for name, e in ctx.study.endpoints.items():
        members = population(ctx, e).select("SUBJID", "USUBJID", "SURGDT", "RSTAT")
        if "r_status" in e.options:
            known = members.filter(pl.col("RSTAT").is_not_null())
            met = pl.col("RSTAT").is_in(list(e.options["r_status"]))
            piece = known.select(
                *row(name, _answer(met), date=pl.col("SURGDT"), why=pl.col("RSTAT")), _NO_IDS.alias("_from")
            )
            out.append(_sourced(piece, "ADSL", "RSTAT"))
        elif "viable_max_pct" in e.options and found is not None:
            column = "PCR" if float(e.options["viable_max_pct"]) == 0 else "MPR"
            joined = members.join(
                found.select("PATHDT", "_from", "USUBJID", _met=column), on="USUBJID", maintain_order="left"
            )
            answered = joined.filter(pl.col("_met").is_not_null())
            piece = answered.select(*row(name, pl.col("_met"), date=pl.col("PATHDT")), "_from")
            out.append(_sourced(piece, "MI", "MISTRESN"))
    return out


def _answer(met: pl.Expr) -> pl.Expr:
    return pl.when(met).then(pl.lit("Y")).otherwise(pl.lit("N"))


def _sourced(piece: pl.DataFrame, domain: str, variable: str) -> pl.DataFrame:
    return piece.with_columns(SRCDOM=pl.lit(domain), SRCVAR=pl.lit(variable))
