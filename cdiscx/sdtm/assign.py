"""Algorithms that take a value from the row or write a constant: the plain words of the mappings."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from cdiscx.registry import algorithm
from cdiscx.sdtm.here import Here, meanings, number_text, replaced
from cdiscx.standards import guide, terminology


def _typed(here: Here, column: str) -> pl.Expr:
    """A number where the variable is numeric, else text."""
    known = guide.variable(here.domain, here.variable)
    kind = here.target.type or (known.type if known else "text")
    dtype = here.rows_of.frame.schema.get(column)
    if kind in ("integer", "float") and dtype is not None and dtype.is_numeric():
        return here.col(column)
    return here.text(column)


@algorithm("assign_no_ct")
def assign_no_ct(here: Here, column: str) -> pl.Expr:
    """The value as it is."""
    here.collected_by_site()
    return _typed(here, column)


@algorithm("assign_ct")
def assign_ct(
    here: Here,
    column: str,
    *,
    map: Mapping[str, str | int | float] | None = None,
    codelist: str | None = None,
    blank: str | None = None,
    other: str | None = None,
    split: str | None = None,
) -> pl.Expr:
    """The codelist's term for the value; `split` makes MULTIPLE of several values and NAME1, NAME2 … beside it."""
    here.collected_by_site()
    code = here.codelist(codelist)
    text = here.text(column)
    own = {str(k): str(v) for k, v in (map or {}).items()}

    def term(value: pl.Expr) -> pl.Expr:
        return replaced(value, _words(here, here.distinct(value), own, code, other))

    if split is not None:
        parts = text.str.normalize("NFKC").str.split(split).list.eval(pl.element().str.strip_chars()).list.drop_nulls()
        several = parts.list.len() > 1
        count = here.rows_of.frame.select(parts.list.len().max()).item() or 0
        if count > 1:
            for i in range(int(count)):
                here.more[f"supp:{here.variable}{i + 1}"] = term(
                    pl.when(several).then(parts.list.get(i, null_on_oob=True))
                )
        text = pl.when(several).then(pl.lit("MULTIPLE")).otherwise(text)
    out = term(text)
    return out if blank is None else out.fill_null(blank)


def _words(
    here: Here, values: list[str], own: Mapping[str, str], code: str | None, other: str | None
) -> dict[str, str]:
    words = meanings([v for v in values if v != "MULTIPLE"], own, code, here.run)
    if other is not None:
        known = set(own.values()) | set(terminology.spellings(code).values() if code else ())
        words = {text: word if word in known else other for text, word in words.items()}
    return words


@algorithm("assign_datetime")
def assign_datetime(here: Here, column: str | tuple[str, ...]) -> pl.Expr:
    """ISO 8601 text of a date as far as it is known; of several columns the first that is filled."""
    here.collected_by_site()
    columns = (column,) if isinstance(column, str) else tuple(column)
    return pl.coalesce([here.collected(c).cast(pl.String) for c in columns])


@algorithm("hardcode_no_ct")
def hardcode_no_ct(here: Here, value: str | int | float) -> pl.Expr:
    """The same value in every record."""
    known = guide.variable(here.domain, here.variable)
    numeric = (here.target.type or (known.type if known else "text")) in ("integer", "float")
    return pl.lit(float(value)) if numeric else pl.lit(str(value))


@algorithm("hardcode_ct")
def hardcode_ct(here: Here, value: str | int | float, *, codelist: str | None = None) -> pl.Expr:
    """The same term of the codelist in every record."""
    return pl.lit(meanings([str(value)], {}, here.codelist(codelist), here.run)[str(value)])


@algorithm("when_filled")
def when_filled(here: Here, column: str, *, value: str | int | float, codelist: str | None = None) -> pl.Expr:
    """The value in records whose column is filled."""
    word = meanings([str(value)], {}, here.codelist(codelist), here.run)[str(value)]
    return pl.when(here.collected(column).is_not_null()).then(pl.lit(word))


@algorithm("by_value")
def by_value(
    here: Here,
    column: str,
    *,
    map: Mapping[str, str | int | float],
    other: str | None = None,
    codelist: str | None = None,
) -> pl.Expr:
    """The text that stands for the value of another column; null where it is not listed."""
    words = {str(k): str(v) for k, v in map.items()}
    code = here.codelist(codelist)
    by_key = {terminology.key(k): meanings([v], {}, code, here.run)[v] for k, v in words.items()}
    text = here.text(column)
    found = {value: by_key[key] for value in here.distinct(text) if (key := terminology.key(value)) in by_key}
    out = text.replace_strict(found, default=None, return_dtype=pl.String) if found else pl.lit(None, pl.String)
    return out if other is None else pl.when(text.is_not_null()).then(out.fill_null(other))


@algorithm("first_filled")
def first_filled(here: Here, columns: tuple[str, ...]) -> pl.Expr:
    """The value of the first column that is filled."""
    here.collected_by_site()
    return pl.coalesce([_typed(here, c) for c in columns])


@algorithm("joined")
def joined(here: Here, columns: tuple[str, ...], *, separator: str = "; ") -> pl.Expr:
    """The texts of several columns one after the other; null where all are blank."""
    here.collected_by_site()
    texts = [here.text(c) for c in columns]
    both = pl.concat_str(texts, separator=separator, ignore_nulls=True)
    return pl.when(pl.any_horizontal([t.is_not_null() for t in texts])).then(both)


@algorithm("yes_only")
def yes_only(here: Here, column: str) -> pl.Expr:
    """Y where it is Y, else null (flags that know no N)."""
    here.collected_by_site()
    return pl.when(here.col(column) == "Y").then(pl.lit("Y"))


@algorithm("listed")
def listed(here: Here, column: str, *, value: str, no: str | None = None) -> pl.Expr:
    """Y where a list has the term; `no` where the list is filled and lacks it, else null."""
    here.collected_by_site()
    if not here.has(column):
        return here.col(column)
    found = here.col(column).list.contains(value)
    return pl.when(found).then(pl.lit("Y")).when(found.not_()).then(pl.lit(no, pl.String))


@algorithm("numbered")
def numbered(here: Here, column: str, *, prefix: str = "") -> pl.Expr:
    """The value behind a prefix, as an id: `1` -> `SP1`."""
    here.collected_by_site()
    return pl.lit(prefix) + here.text(column)


@algorithm("share")
def share(here: Here, column: str, *, of: str, digits: int = 4) -> pl.Expr:
    """A number divided by another of the row, rounded: dose per fraction of a course."""
    here.derived(f"{column} divided by {of}, rounded to {digits} decimals.")
    quotient = (here.col(column) / here.col(of)).round(digits)
    valid = here.col(of) > 0
    known = guide.variable(here.domain, here.variable)
    numeric = (known.type if known else "text") in ("integer", "float")
    return pl.when(valid).then(quotient if numeric else number_text(quotient))
