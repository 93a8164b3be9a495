"""One column of raw cells in, one column of house values out, with what was changed and what could not be read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import polars as pl

from cdiscx.model.spec import Column
from cdiscx.model.table import ERROR, NO_CACHE
from cdiscx.tidy.dates import read_date_cells
from cdiscx.tidy.names import read_lesion_lists, read_lesions, read_visits
from cdiscx.tidy.numbers import read_numbers
from cdiscx.tidy.plain import read_plain
from cdiscx.tidy.reading import PAIR, Context
from cdiscx.tidy.terms import own_words, read_pairs, read_term_lists, read_terms, read_yes_no
from cdiscx.tidy.words import (
    ERROR_TOKEN,
    MOJIBAKE_OPERATORS,
    MOJIBAKE_TEXT,
    clean,
    clean_of,
    is_error,
    loose,
    loose_of,
    tight,
    tight_of,
)

Reader = Callable[[pl.DataFrame, Column, Context], pl.DataFrame]

#: type of a column -> dtype of its house value
DTYPES: dict[str, pl.DataType | type[pl.DataType]] = {
    "id": pl.String,
    "text": pl.String,
    "term": pl.String,
    "yn": pl.String,
    "visit": pl.String,
    "lesion": pl.String,
    "num": pl.Float64,
    "date": pl.Date,
    "terms": pl.List(pl.String),
    "lesions": pl.List(pl.String),
    "pairs": pl.List(PAIR),
}
#: cells up to which a column is sorted out text by text
_SHORT = 20_000
#: types whose text as collected is kept in a second column `XC`
COLLECTED = frozenset({"num", "date", "pairs"})


def _read_text(distinct: pl.DataFrame, column: Column, ctx: Context) -> pl.DataFrame:
    """Text as typed; identifiers in plain digits; operators damaged by a wrong code page repaired and reported."""
    t = pl.col("t")
    none = pl.lit(None, pl.String)
    plain = t.str.normalize("NFKC") if column.type == "id" else t
    value = plain.str.replace_many(MOJIBAKE_OPERATORS)
    operator = t.str.contains_any(list(MOJIBAKE_OPERATORS))
    damaged = operator | t.str.contains(MOJIBAKE_TEXT)
    return distinct.select(
        "t", "kind", value.alias("value"), none.alias("typed"),
        pl.when((value != t) & ~operator).then(pl.lit("full-width characters")).alias("why"),
        pl.when(damaged).then(pl.lit("mojibake")).alias("problem"),
        pl.when(operator).then(value).alias("read_as"),
        pl.when(damaged & ~operator).then(pl.lit("Characters were damaged by a wrong code page.")).alias("detail"),
    )  # fmt: skip


READERS: dict[str, Reader] = {
    "id": _read_text,
    "text": _read_text,
    "date": read_date_cells,
    "num": read_numbers,
    "yn": read_yes_no,
    "term": read_terms,
    "terms": read_term_lists,
    "pairs": read_pairs,
    "visit": read_visits,
    "lesion": read_lesions,
    "lesions": read_lesion_lists,
}


def read_cells(cells: pl.DataFrame, column: Column, ctx: Context) -> pl.DataFrame:
    """Cells of one column of one sheet (`raw` String, `kind` UInt8, `unit` String), same height and order out.

    Answers `value`, `typed`, `why`, `problem`, `read_as`, `detail` (and `final`, the unit, for numbers). A cell is read
    once for each distinct text; error tokens and formulas without value are problems, missing words are blanks.
    """
    fast = read_plain(cells, column, ctx, DTYPES[column.type])
    return interpret_cells(cells, column, ctx) if fast is None else fast


def interpret_cells(cells: pl.DataFrame, column: Column, ctx: Context) -> pl.DataFrame:
    """The long way of `read_cells`: each distinct text is read once by its column's type.

    A short column is sorted out text by text in Python, a long one by expressions; both answer the same.
    """
    return (_one_by_one if cells.height <= _SHORT else _by_expressions)(cells, column, ctx)


def _one_by_one(cells: pl.DataFrame, column: Column, ctx: Context) -> pl.DataFrame:
    """`interpret_cells` for some thousands of cells, where the fixed cost of an expression is more than its work."""
    names = ["raw", "kind", "unit"] if column.type == "num" else ["raw", "kind"]
    place: dict[tuple[Any, ...], int] = {}
    where = [place.setdefault(row, len(place)) for row in cells.select(names).iter_rows()]
    own = own_words(column)
    sound: dict[tuple[Any, ...], int] = {}
    at: list[int | None] = []
    broken: list[str | None] = []
    why: list[str | None] = []
    for raw, kind, *unit in place:
        t = clean(raw)
        fault = "no_cache" if kind == NO_CACHE else "error_cell" if kind == ERROR or is_error(t) else None
        nothing = fault is None and t is not None and loose(t) in ctx.missing and tight(t) not in own
        readable = t is not None and fault is None and not nothing
        at.append(sound.setdefault((t, kind, *unit), len(sound)) if readable else None)
        broken.append(fault)
        why.append("missing word" if nothing else "blanks trimmed" if t is not None and t != raw else None)
    keys = ["t", *names[1:]]
    schema = {"t": pl.String, "kind": pl.UInt8, "unit": pl.String}
    distinct = pl.DataFrame(list(sound), schema={k: schema[k] for k in keys}, orient="row")
    read = READERS[column.type](distinct, column, ctx)
    if column.type == "num":  # the one reader that answers in an order of its own
        order = {row: i for i, row in enumerate(read.select(keys).iter_rows())}
        to = [order[row] for row in sound]
        at = [None if i is None else to[i] for i in at]
    said = {name: read[name].to_list() for name in ("why", "problem", "detail")}
    problem = [b or (None if i is None else said["problem"][i]) for i, b in zip(at, broken, strict=True)]
    told = {
        "why": [w if w == "missing word" else _why(i, w, said) for i, w in zip(at, why, strict=True)],
        "problem": problem,
        "detail": [
            _BROKEN[b] if b else None if i is None else said["detail"][i] for i, b in zip(at, broken, strict=True)
        ],
    }
    kept = [n for n in ("value", "typed", "read_as", "final") if n in read.columns]
    values = read.select(pl.col(kept).gather(pl.Series(at, dtype=pl.UInt32)))
    each = values.hstack(pl.DataFrame(told, schema=dict.fromkeys(told, pl.String)))
    out = [n for n in ("value", "typed", "why", "problem", "read_as", "detail", "final") if n in each.columns]
    return each.select(pl.col(out).gather(pl.Series(where, dtype=pl.UInt32))).insert_column(0, cells["raw"])


def _why(place: int | None, own: str | None, said: dict[str, list[str | None]]) -> str | None:
    """The reader's own word on what it changed, else that blanks were trimmed from a text without a problem."""
    if place is None:
        return own
    return said["why"][place] or (own if said["problem"][place] is None else None)


#: what is wrong with a cell that holds no text to read
_BROKEN = {
    "no_cache": "The formula has no stored value.",
    "error_cell": "The cell holds an error and no value.",
}


def _by_expressions(cells: pl.DataFrame, column: Column, ctx: Context) -> pl.DataFrame:
    """`interpret_cells` for any number of cells."""
    c = pl.col
    missing = loose_of(c("t")).is_in(sorted(ctx.missing)) & ~tight_of(c("t")).is_in(sorted(own_words(column)))
    base = cells.with_columns(t=clean_of(c("raw"))).with_columns(
        broken=pl.when(c("kind") == NO_CACHE).then(pl.lit("no_cache"))
        .when((c("kind") == ERROR) | c("t").str.contains(ERROR_TOKEN)).then(pl.lit("error_cell"))
    )  # fmt: skip
    base = base.with_columns(nothing=(c("broken").is_null() & missing).fill_null(False))
    keys = ["t", "kind", "unit"] if column.type == "num" else ["t", "kind"]
    distinct = (
        base.filter(c("t").is_not_null(), c("broken").is_null(), ~c("nothing")).select(keys).unique(maintain_order=True)
    )
    read = READERS[column.type](distinct, column, ctx)
    joined = base.join(read, on=keys, how="left", nulls_equal=True, maintain_order="left")
    trimmed = c("problem").is_null() & (c("t") != c("raw"))
    why = (
        pl.when("nothing").then(pl.lit("missing word"))
        .when(c("why").is_not_null()).then("why")
        .when(trimmed).then(pl.lit("blanks trimmed"))
    )  # fmt: skip
    joined = joined.with_columns(
        problem=pl.coalesce("broken", "problem"),
        why=why,
        detail=pl.coalesce(c("broken").replace_strict(_BROKEN, default=None, return_dtype=pl.String), "detail"),
    )
    out = ["raw", "value", "typed", "why", "problem", "read_as", "detail"]
    return joined.select(*out, *(["final"] if "final" in joined.columns else []))


def shown(value: pl.Expr, dtype: pl.DataType, typed: pl.Expr) -> pl.Expr:
    """A house value as text, for the log of changes."""
    if dtype == pl.Float64:
        return value.cast(pl.String).str.replace(r"\.0$", "")
    if dtype == pl.Date:
        return typed
    if isinstance(dtype, pl.List):
        if isinstance(dtype.inner, pl.Struct):
            item = pl.element()
            pair = pl.concat_str(
                [item.struct.field("key"), item.struct.field("term")], separator=": ", ignore_nulls=True
            )
            return value.list.eval(pair).list.join("; ")
        return value.list.join("; ")
    return value
