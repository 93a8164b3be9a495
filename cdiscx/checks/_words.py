"""Words that messages share."""

from __future__ import annotations

import polars as pl


def days_said(days: pl.Expr | str) -> pl.Expr:
    """`1 day`, `12 days` from a whole number of days; null where null."""
    # not pl.format: polars 2.1 panics on it in a lazy query when one of a column's chunks is empty
    number = pl.col(days) if isinstance(days, str) else days
    return number.cast(pl.String) + pl.when(number == 1).then(pl.lit(" day")).otherwise(pl.lit(" days"))


def said(*parts: str | pl.Expr) -> pl.Expr:
    """Text from pieces, as pl.format would make it: dates read ISO, a null piece reads "blank" (see `days_said` for why)."""
    pieces = [pl.lit(p) if isinstance(p, str) else p.cast(pl.String).fill_null("blank") for p in parts]
    return pl.concat_str(pieces)
