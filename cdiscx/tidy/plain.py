"""The fast way for columns in which nothing has to be interpreted: answers what `read_cells` would, or None.

Most columns of most workbooks are blank, true dates, plain numbers or plain text throughout. Reading them cell kind by
cell kind costs a score of small operations each; here one look decides that none of these is needed.
"""

from __future__ import annotations

import datetime as dt

import polars as pl

from cdiscx.model.spec import Column
from cdiscx.model.table import DATE, NUMBER, TEXT
from cdiscx.standards.units import standard_unit
from cdiscx.tidy.numbers import UNREADABLE_UNIT
from cdiscx.tidy.reading import Context
from cdiscx.tidy.words import ERROR_TOKEN

#: printable ASCII with single blanks inside: nothing to trim, to normalise or to repair
_PLAIN = r"^[!-~]+( [!-~]+)*$"
_NUMBER = r"^-?[0-9]{1,15}(\.[0-9]{1,15})?$"
_ISO_DAY = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"
_FIRST_SOUND_DAY = dt.date(1910, 1, 1)
_NOTES = ("why", "problem", "read_as", "detail")


def read_plain(
    cells: pl.DataFrame, column: Column, ctx: Context, dtype: pl.DataType | type[pl.DataType]
) -> pl.DataFrame | None:
    """`cells` (`raw`, `kind`, `unit`) -> `raw`, `value`, `typed`, `why`, `problem`, `read_as`, `detail`, or None."""
    raw = cells["raw"]
    if raw.null_count() == raw.len():
        return _answer(raw, pl.Series([None] * raw.len(), dtype=dtype), None)
    kinds = set(cells["kind"].filter(raw.is_not_null()).unique().to_list())
    if column.type == "date" and kinds <= {DATE, TEXT}:
        return _dates(raw, ctx)
    if column.type == "num" and kinds <= {NUMBER, TEXT}:
        return _numbers(cells, column, ctx)
    if column.type in ("text", "id") and kinds <= {TEXT, NUMBER}:
        return _texts(raw, ctx)
    return None


def _answer(raw: pl.Series, value: pl.Series, typed: pl.Series | None) -> pl.DataFrame:
    blank = pl.Series([None] * raw.len(), dtype=pl.String)
    data = {"raw": raw, "value": value, "typed": blank if typed is None else typed}
    return pl.DataFrame({**data, **dict.fromkeys(_NOTES, blank)})


def _dates(raw: pl.Series, ctx: Context) -> pl.DataFrame | None:
    """Whole days of sound years, as the workbook holds them or typed the same way."""
    if not raw.str.contains(_ISO_DAY).all():
        return None
    days = raw.str.to_date("%Y-%m-%d", strict=False)
    first, last = days.min(), days.max()
    if days.null_count() != raw.null_count() or not isinstance(first, dt.date) or not isinstance(last, dt.date):
        return None
    sound = first >= _FIRST_SOUND_DAY and last.year <= ctx.today.year + 1
    return _answer(raw, days, raw) if sound else None


def _numbers(cells: pl.DataFrame, column: Column, ctx: Context) -> pl.DataFrame | None:
    """Plain numbers in the column's own unit."""
    raw, units = cells["raw"], set(cells["unit"].unique().to_list()) - {None}
    if ctx.header_unit not in (None, column.unit) or UNREADABLE_UNIT in units:
        return None
    if column.unit is not None and not units <= {column.unit}:
        return None
    if column.unit is None and any(standard_unit(unit) != unit for unit in units):
        return None
    # a number in a format that shows more than its value (`007`, `25%`) takes the long way
    if not raw.str.contains(_NUMBER).all():
        return None
    values = raw.cast(pl.Float64, strict=False)
    return _answer(raw, values, raw) if values.null_count() == raw.null_count() else None


def _texts(raw: pl.Series, ctx: Context) -> pl.DataFrame | None:
    """Plain ASCII text without a missing word among it."""
    t = pl.col("raw")
    words = [word for word in ctx.missing if word.isascii()]
    facts = raw.to_frame("raw").select(
        plain=t.str.contains(_PLAIN).all(),
        missing=t.str.to_lowercase().is_in(words).any(),
        broken=t.str.contains(ERROR_TOKEN).any(),
    )
    plain, missing, broken = facts.row(0)
    return _answer(raw, raw, None) if plain and not missing and not broken else None
