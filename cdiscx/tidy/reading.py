"""What a reader makes of one distinct text: value, why it changed, what is wrong; and the frame of many."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

#: columns every reader answers with, besides `t` and `kind`
ANSWER = ("value", "typed", "why", "problem", "read_as", "detail")
#: numbered visits: pattern of the key with the number as its group, name of the series
Series = tuple[tuple[re.Pattern[str], str], ...]
PAIR = pl.Struct({"key": pl.String, "term": pl.String})


@dataclass(frozen=True, slots=True)
class Meaning:
    """One text read. `problem` is a kind of the problems frame; `why` says what was changed in reading."""

    value: Any = None
    why: str | None = None
    problem: str | None = None
    read_as: str | None = None
    detail: str | None = None
    typed: str | None = None


@dataclass(frozen=True)
class Context:
    """What reading a cell may depend on besides its text and column."""

    today: dt.date
    date_system: int
    date_order: str | None
    missing: frozenset[str]
    table: str
    visits: Mapping[str, str]
    series: Series
    header_unit: str | None = None
    #: spellings of the column that holds this number's unit
    row_units: Mapping[str, str] | None = None


def meanings(distinct: pl.DataFrame, read: Sequence[Meaning], dtype: pl.DataType | type[pl.DataType]) -> pl.DataFrame:
    """`t`, `kind` of the distinct texts with their meanings beside them; `value` has the given dtype."""
    schema = dict.fromkeys(ANSWER, pl.String) | {"value": dtype}
    data = {name: [getattr(m, name) for m in read] for name in ANSWER}
    return distinct.select("t", "kind").hstack(pl.DataFrame(data, schema=schema))
