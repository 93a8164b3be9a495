"""Shapes that checks share: the empty answer, related cells, union of parts."""

from __future__ import annotations

from collections.abc import Iterable

import polars as pl

#: type of the `_related` column
RELATED = pl.List(pl.Struct({"rid": pl.UInt32, "column": pl.String}))


def nothing() -> pl.LazyFrame:
    """No finding: an empty frame of the shape that checks return."""
    return pl.LazyFrame(schema={"SUBJID": pl.String, "_rid": pl.UInt32})


def related(*cells: tuple[str | pl.Expr, str]) -> pl.Expr:
    """`_related` column from (column that holds a row id, house column) pairs; null row ids are left out later."""
    items = [
        pl.struct(
            (pl.col(rid) if isinstance(rid, str) else rid).cast(pl.UInt32).alias("rid"),
            pl.lit(column, dtype=pl.String).alias("column"),
        )
        for rid, column in cells
    ]
    return pl.concat_list(items).cast(RELATED).alias("_related")


def union(frames: Iterable[pl.LazyFrame]) -> pl.LazyFrame:
    """All rows of several answers; columns that one lacks are null. Nothing given: the empty answer."""
    listed = list(frames)
    return pl.concat(listed, how="diagonal_relaxed") if listed else nothing()
