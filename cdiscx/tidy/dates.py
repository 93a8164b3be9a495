"""Date cells of every kind in; calendar days and ISO text as collected out."""

from __future__ import annotations

import datetime as dt

import polars as pl

from cdiscx.model.spec import Column
from cdiscx.model.table import DATE, NUMBER, TEXT
from cdiscx.standards.dates import is_epoch_artefact, read_dates
from cdiscx.tidy.reading import Context

#: days from the zero of the 1900 system to that of the 1904 system
_SHIFT = 1462
_FIRST_SERIAL_YEAR = 1910
_LAST_SERIAL = 80_000


def read_date_cells(distinct: pl.DataFrame, column: Column, ctx: Context) -> pl.DataFrame:
    """Distinct cells (`t`, `kind`) -> `value` (Date, complete real dates only), `typed` (ISO, may be partial).

    A number is a spreadsheet's day count in the file's date system, except that four digits of a year and eight digits
    are what they look like. Years before 1900 or after next year, and a spreadsheet's zero, are no dates (DAT-001).
    """
    c = pl.col
    number = c("t").cast(pl.Float64, strict=False)
    # A bare count as text is only taken for one where it has the five digits of our times.
    counted = (c("kind") == NUMBER) | ((c("kind") == TEXT) & c("t").str.contains(r"^[2-7][0-9]{4}(\.[0-9]+)?$"))
    year = number.is_between(1900, ctx.today.year + 1) & (number == number.floor())
    serial = counted & number.is_between(0, _LAST_SERIAL) & ~year
    shift = _SHIFT if ctx.date_system == 1904 else 0
    day = pl.lit(dt.date(1899, 12, 30)) + pl.duration(days=number.floor().cast(pl.Int64) + shift)
    frame = distinct.with_columns(serial=pl.when(serial).then(day.cast(pl.Date)))
    as_text = c("serial").is_null() & c("kind").is_in([TEXT, DATE, NUMBER])
    texts = frame.select(pl.when(as_text).then("t")).to_series()
    read = read_dates(texts, order=column.order or ctx.date_order, serials=False, distinct=True)
    joined = frame.lazy().with_columns(*read.get_columns()).with_columns(
        pl.coalesce("serial", "date").alias("date"), pl.coalesce(c("serial").cast(pl.String), "iso").alias("iso")
    )  # fmt: skip
    return _judged(joined, ctx).collect(engine="in-memory")


def _judged(frame: pl.LazyFrame, ctx: Context) -> pl.LazyFrame:
    c = pl.col
    first = c("iso").str.head(4).cast(pl.Int32, strict=False)
    early = c("serial").is_not_null() & (c("serial").dt.year() < _FIRST_SERIAL_YEAR)
    implausible = (first < 1900) | (first > ctx.today.year + 1) | is_epoch_artefact(c("date")) | early
    wrong_kind = ~c("kind").is_in([TEXT, DATE, NUMBER])
    kind = (
        pl.when(wrong_kind | (c("problem") == "unreadable")).then(pl.lit("unreadable_date"))
        .when(c("problem") == "ambiguous").then(pl.lit("ambiguous_date"))
        .when(c("problem") == "contradicts_order").then(pl.lit("contradicts_order"))
        .when(implausible.fill_null(False)).then(pl.lit("implausible_date"))
    )  # fmt: skip
    sound = kind.is_null()
    detail = (
        pl.when(kind == "ambiguous_date").then(pl.concat_str(pl.lit("It could be "), c("alt1").cast(pl.String), pl.lit(" or "), c("alt2").cast(pl.String), pl.lit(".")))
        .when(kind == "contradicts_order").then(pl.lit("It is no date in the order that the study states."))
        .when(early.fill_null(False)).then(pl.concat_str(pl.lit("As a spreadsheet's day count it would be "), c("iso"), pl.lit(".")))
        .when(kind == "implausible_date").then(pl.concat_str(pl.lit("It reads as "), c("iso"), pl.lit(".")))
    )  # fmt: skip
    why = (
        pl.when(sound & c("serial").is_not_null()).then(pl.lit("spreadsheet day count"))
        .when(sound & c("iso").is_null()).then(pl.lit("nothing known"))
        .when(sound & (c("iso") != c("t")) & (c("kind") == DATE)).then(pl.lit("time of day not used"))
        .when(sound & (c("iso") != c("t"))).then(pl.lit("date written as text"))
    )  # fmt: skip
    none = pl.lit(None, pl.String)
    return frame.select(
        "t", "kind", pl.when(sound).then("date").alias("value"), pl.when(sound).then("iso").alias("typed"),
        why.alias("why"), kind.alias("problem"), none.alias("read_as"), detail.alias("detail"),
    )  # fmt: skip
