"""One column of raw cells in, one column of house values out, with what was changed and what could not be read."""

from __future__ import annotations

from collections.abc import Callable

import polars as pl

from cdiscx.model.spec import Column
from cdiscx.model.table import ERROR, NO_CACHE
from cdiscx.tidy.dates import read_date_cells
from cdiscx.tidy.names import read_lesion_lists, read_lesions, read_visits
from cdiscx.tidy.numbers import read_numbers
from cdiscx.tidy.plain import read_plain
from cdiscx.tidy.reading import PAIR, Context
from cdiscx.tidy.terms import own_words, read_pairs, read_term_lists, read_terms, read_yes_no
from cdiscx.tidy.words import ERROR_TOKEN, MOJIBAKE_OPERATORS, MOJIBAKE_TEXT, clean_of, loose_of, tight_of

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
    """The long way of `read_cells`: each distinct text is read once by its column's type."""
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
        detail=pl.when(c("broken") == "no_cache").then(pl.lit("The formula has no stored value."))
        .when(c("broken") == "error_cell").then(pl.lit("The cell holds an error and no value.")).otherwise("detail"),
    )  # fmt: skip
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
