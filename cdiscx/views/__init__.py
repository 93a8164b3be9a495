"""House tables that checks and derivations share, each made from tidy tables: dates of reference, lesions, time points."""

from __future__ import annotations

import inspect
import traceback
from collections.abc import Mapping
from dataclasses import replace

import polars as pl

from cdiscx.model.table import RunContext, StudyData, Table
from cdiscx.registry import View, views


def with_views(data: StudyData, run: RunContext) -> StudyData:
    """The same data with every view that can be made of it added to `tidy`; a view that lacks an input is left out."""
    made: dict[str, Table] = dict(data.tidy)
    broken: dict[str, str] = {}
    todo = views()
    while todo:
        ready = [v for v in todo.values() if not any(w in todo for w in _tables(v))]
        if not ready:
            raise RuntimeError(f"views that wait for each other: {', '.join(sorted(todo))}")
        for view in ready:
            del todo[view.name]
            if all(w.partition(".")[0] in made for w in view.requires):
                try:
                    frame = view.function(**_words(view, made, data, run)).collect(engine="in-memory")
                except Exception:  # our bug: what rests on the view is recorded as crashed by the engine, the rest runs
                    broken[view.name] = traceback.format_exc()
                else:
                    made[view.name] = Table(view.name, frame, _origin(view, frame))
            elif cause := next((broken[w] for w in sorted(_tables(view)) if w in broken), None):
                broken[view.name] = cause
    return replace(data, tidy=made, run=run, broken=broken)


def _tables(view: View) -> set[str]:
    return {word.partition(".")[0] for word in (*view.of, *view.requires)}


def _words(view: View, made: Mapping[str, Table], data: StudyData, run: RunContext) -> dict[str, object]:
    words: dict[str, object] = {"study": data.study, "run": run}
    tables = {name: made[name].frame.lazy() for name in sorted(_tables(view)) if name in made}
    words |= {"tables": tables, **tables}
    return {name: words[name] for name in inspect.signature(view.function).parameters}


def _origin(view: View, frame: pl.DataFrame) -> dict[str, tuple[str, ...]]:
    named = {word.partition(".")[2]: word for word in view.of if "." in word}
    return {c: (named[c],) for c in frame.columns if c in named}
