"""The cell that a reference date of a subject came from, as a related cell of a finding."""

from __future__ import annotations

import polars as pl

from cdiscx.checks._shape import RELATED, related
from cdiscx.model.spec import Study


def with_anchor_cell(
    found: pl.LazyFrame, rows: pl.LazyFrame, study: Study, anchor: pl.Expr | str, rid: str
) -> pl.LazyFrame:
    """Adds `_related`: the row `rid` of `anchor` (a name, or an expression of names), under the date column of its table.

    `rows` is the table of all rows (`_rid`, `table`); an anchor may come from several tables, the row tells which.
    """
    name = pl.lit(anchor) if isinstance(anchor, str) else anchor
    cells: list[tuple[str | pl.Expr, str]] = []
    for known, spec in study.anchors.items():
        columns = {s.of.partition(".")[0]: s.of.partition(".")[2] for s in spec.sources}
        for table, column in columns.items():
            here = (name == known) & (pl.col("_at") == table)
            cells.append((pl.when(here).then(rid).otherwise(None), column))
    if not cells:
        return found.with_columns(pl.lit(None, dtype=RELATED).alias("_related"))
    places = rows.select(pl.col("_rid").alias(rid), _at="table")
    return found.join(places, on=rid, how="left").with_columns(related(*cells)).drop("_at")
