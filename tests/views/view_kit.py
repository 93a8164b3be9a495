"""Views one by one: rows as dictionaries in, the view's rows as dictionaries out; a view is made with what it rests on only."""

from __future__ import annotations

import datetime as dt
import inspect
from collections.abc import Mapping
from typing import Any

import polars as pl

from cdiscx import registry
from cdiscx.model.spec import Study
from cdiscx.model.table import RunContext
from cdiscx.tidy.frames import tidy_frames

Rows = list[dict[str, Any]]


def day(number: int) -> dt.date:
    """Day 0 is 1 January 2024."""
    return dt.date(2024, 1, 1) + dt.timedelta(days=number)


#: a day after everything
LATE = day(1000)


def run_at(cutoff: dt.date) -> RunContext:
    return RunContext(cutoff, cutoff, True)


def changed(study: Study, **what: Any) -> Study:
    return study.model_copy(update=what)


def tables_of(study: Study, given: Mapping[str, Rows], *, all_sheets: bool = True) -> dict[str, pl.LazyFrame]:
    """The tidy tables of an upload with these rows; other sheets are empty, or not there at all."""
    frames = {n: pl.DataFrame([_text(r) for r in rows], infer_schema_length=None) for n, rows in given.items()}
    data = tidy_frames(study, frames, complete=all_sheets)
    return {name: table.frame.lazy() for name, table in data.tidy.items() if all_sheets or name in given}


def _text(row: dict[str, Any]) -> dict[str, str | None]:
    return {c: v.isoformat() if isinstance(v, dt.date) else None if v is None else str(v) for c, v in row.items()}


def view_of(name: str, study: Study, given: Mapping[str, Rows], *, cutoff: dt.date = LATE) -> pl.DataFrame:
    """A view of an upload with these rows, made with the views it rests on."""
    return made(name, study, tables_of(study, given), cutoff)


def made(name: str, study: Study, tables: Mapping[str, pl.LazyFrame], cutoff: dt.date = LATE) -> pl.DataFrame:
    """A view of these tables; what is not among them is not there."""
    have = dict(tables)

    def make(one: str) -> None:
        view = registry.views()[one]
        words = {w.partition(".")[0] for w in (*view.of, *view.requires)}
        for word in sorted(words & set(registry.views()) - set(have)):
            make(word)
        given: dict[str, Any] = {
            "study": study,
            "run": run_at(cutoff),
            "tables": {w: have[w] for w in sorted(words) if w in have},
        }
        given |= given["tables"]
        wanted = inspect.signature(view.function).parameters
        if set(wanted) <= set(given):
            have[one] = view.function(**{n: given[n] for n in wanted}).collect().lazy()

    make(name)
    return have[name].collect()


def told(frame: pl.DataFrame, *columns: str) -> list[tuple[Any, ...]]:
    """The rows of some columns."""
    return frame.select(columns).rows()
