"""Frames in, a few subjects out who show all that the description of a dataset depends on.

What define.xml says of a dataset (which variables it has, their types, code lists, the notes on it) follows from which
values there are, not from how many. One subject for each of them is enough to describe all of them in the same way.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import polars as pl

from cdiscx.model.kept import copied

#: distinct texts of a column up to which each has its witness, and how many subjects there must be for each beyond a
#: score: a column of more is free text, or names the subjects; dates are no words
_MOST, _FEW, _EACH = 500, 20, 4
_DATE = r"^[0-9]{4}(-[0-9]{2}){0,2}(T[0-9:]+)?$"
#: `subject` is the witness of `key`
WITNESSES = pl.Schema({"key": pl.String, "subject": pl.String})


def witnesses(
    frames: Mapping[str, pl.DataFrame], subject: str, groups: Mapping[str, str] | None = None
) -> pl.DataFrame:
    """WITNESSES of every column that is filled, of every distinct text of short lists, of the longest text, and of numbers,
    whole numbers and words among texts.

    `subject`: the column that names the subject. `groups`: frame -> column whose values are witnessed one by one (test codes).
    """
    pieces = [pl.DataFrame(schema=WITNESSES)]
    for name, frame in frames.items():
        if subject not in frame.columns or not frame.height:
            continue
        known = frame.filter(pl.col(subject).is_not_null())
        by = (groups or {}).get(name)
        by = by if by in known.columns else None
        for column in known.columns:
            if column.startswith("_from") or column in ("_rid", subject) or isinstance(known.schema[column], pl.Struct):
                continue
            pieces += _of_column(known, name, column, subject, by)
    return copied(pl.concat(pieces).unique("key", keep="first", maintain_order=True))


def chosen(told: Iterable[pl.DataFrame]) -> pl.Series:
    """The witnesses of several frames, one for each key, sorted."""
    every = pl.concat([pl.DataFrame(schema=WITNESSES), *told])
    return every.unique("key", keep="first", maintain_order=True).get_column("subject").unique().sort()


def _of_column(frame: pl.DataFrame, name: str, column: str, subject: str, by: str | None) -> list[pl.DataFrame]:
    dtype: Any = frame.schema[column]
    value = pl.col(column)
    if isinstance(dtype, pl.List):
        frame = frame.select(subject, *([by] if by and by != column else []), value).explode(column)
        dtype = dtype.inner
        if isinstance(dtype, pl.Struct):
            frame = frame.with_columns(value.struct.json_encode())
            dtype = pl.String()
    place = f"{name}.{column}"
    group = pl.col(by).fill_null("").cast(pl.String) if by and by != column and by in frame.columns else pl.lit("")
    rows = frame.select(pl.col(subject).alias("subject"), group.alias("g"), value.alias("v")).filter(
        pl.col("v").is_not_null()
    )
    if dtype != pl.String:
        return [_named(place, "filled", rows)]
    # each text once, with the first who has it, in the order in which they come: what follows looks at these only
    texts = rows.group_by("g", "v", maintain_order=True).agg(pl.col("subject").first())
    text = pl.col("v")
    facts = texts.with_columns(
        word=text.cast(pl.Float64, strict=False).is_null(),
        whole=text.str.contains(r"^-?[0-9]+$"),
        size=text.str.len_chars(),
    )
    out = [
        _named(place, "filled", texts),
        _named(place, "word", facts.filter("word")),
        _named(place, "number", facts.filter(~pl.col("word") & ~pl.col("whole"))),
        _named(place, "longest", facts.filter(pl.col("size") == pl.col("size").max())),
        _named(place, "whole", facts.filter("whole")),
    ]
    words = texts.filter(~text.str.contains(_DATE))
    most = max(_FEW, min(_MOST, frame.get_column(subject).n_unique() // _EACH))
    if words.get_column("v").n_unique() <= most:
        key = pl.format("{}={}|{}", pl.lit(place), "v", "g").alias("key")
        out.append(words.select(key, "subject").cast(WITNESSES))
    return out


def _named(place: str, kind: str, rows: pl.DataFrame) -> pl.DataFrame:
    """Who is the first to show a kind of value, in each group."""
    first = rows.group_by("g", maintain_order=True).agg(pl.col("subject").first())
    key = pl.format("{}|{}|{}", pl.lit(place), pl.lit(kind), "g").alias("key")
    return first.select(key, "subject").cast(WITNESSES)
