"""Lesion rows at their time point: role, segment and order of the visit, and whether an operation had taken the lesion away."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from cdiscx.registry import view

_POINT = ["SUBJID", "EVAL", "VISIT"]
_OPERATIONS: dict[str, pl.DataType | type[pl.DataType]] = {
    "SUBJID": pl.String,
    "PRSTDAT": pl.Date,
    "RESLES": pl.List(pl.String),
}


@view("resected", of=("procedures.RESLES", "procedures.PRSTDAT"), requires=())
def resected(tables: Mapping[str, pl.LazyFrame]) -> pl.LazyFrame:
    """SUBJID, ID, CUT: the first date on which an operation is said to have taken the lesion ID away (may be empty)."""
    frame = tables.get("procedures", pl.LazyFrame(schema=_OPERATIONS))
    has = frame.collect_schema().names()
    columns = [pl.col(c) if c in has else pl.lit(None, dtype=t).alias(c) for c, t in _OPERATIONS.items()]
    listed = frame.select(columns).explode("RESLES", empty_as_null=True).rename({"RESLES": "ID"})
    return listed.drop_nulls().group_by("SUBJID", "ID").agg(CUT=pl.col("PRSTDAT").min())


@view(
    "readings",
    of=("lesions", "assessments", "resected"),
    requires=("targets", "subjects"),
)
def readings(tables: Mapping[str, pl.LazyFrame]) -> pl.LazyFrame:
    """One row per lesion row with a subject, a visit and a lesion id: the columns of `lesions` and of its time point.

    ROOT: the lesion before it split (`T4` of `T4.1`); DAY: the scan's date, else the time point's; ROLE, BASETYPE, TP,
    PT, SEG, PD, OVRLRESP, RSRID, ANYDAT as in `assessments`; REMOVED (bool): an operation before that day lists the lesion, or
    the lesion it is a part of, as resected (R11-C-8).
    """
    points = tables["assessments"].select(
        *_POINT, "ROLE", "BASETYPE", "TP", "PT", "SEG", "PD", "OVRLRESP", "RSRID", "ANYDAT"
    )
    rows = tables["lesions"].filter(pl.col("LESID").is_not_null()).join(points, on=_POINT, how="inner")
    rows = rows.with_columns(
        ROOT=pl.coalesce(pl.col("LESID").str.extract(r"^(.*?\d+)(?:\.\d+)+$", 1), "LESID"),
        DAY=pl.coalesce("TRDAT", "ANYDAT"),
    )
    gone = tables["resected"]
    for column in ("LESID", "PARENT", "ROOT"):
        cut = gone.rename({"ID": column, "CUT": f"_{column}"})
        rows = rows.join(cut, on=["SUBJID", column], how="left")
    first_cut = pl.min_horizontal("_LESID", "_PARENT", "_ROOT")
    removed = (pl.col("DAY") > first_cut).fill_null(False)
    return rows.with_columns(REMOVED=removed).drop("_LESID", "_PARENT", "_ROOT")
