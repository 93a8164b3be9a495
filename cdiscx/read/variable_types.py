"""Name of a variable in, the type that its values have in the house out: what the guides say, or what the name says."""

from __future__ import annotations

from functools import cache

import polars as pl

from cdiscx.model.dataset import VariableType
from cdiscx.standards import guide

_STRUCTURES = ("ADSL", "BDS", "TTE", "OCCDS")
#: a number as programs write it; `007` and `1,5` are text
_NUMBER = r"^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?$"
_ISO_DAY = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"


@cache
def _by_suffix() -> dict[str, VariableType]:
    """`SEQ` -> integer: types of the variables whose names begin with their domain, without it."""
    out: dict[str, VariableType] = {}
    for name in guide.datasets():
        for variable in guide.variables(name):
            if variable.name.startswith(name):
                out.setdefault(variable.name[len(name) :], variable.type)
    return out


@cache
def known_type(dataset: str, name: str) -> VariableType | None:
    """Type of a variable by the guides; None for a variable that they do not have."""
    if not dataset.startswith("AD"):
        exact = guide.variable(dataset, name)
        if exact is not None:
            return exact.type
    elif (adam := _adam_type(name)) is not None:
        return adam
    for domain in guide.datasets():
        if (shared := guide.variable(domain, name)) is not None:
            return shared.type
    if not dataset.startswith("AD") and len(dataset) == 2 and name.startswith(dataset):
        return _by_suffix().get(name[2:])
    return None


def _adam_type(name: str) -> VariableType | None:
    for structure in _STRUCTURES:
        if (found := guide.adam_variable(structure, name)) is not None:
            return found.type
    if name.endswith("DT"):
        return "date"
    return "integer" if name.endswith("DY") else None


def typed(dataset: str, column: pl.Series, *, from_text: bool) -> pl.Series:
    """A column as String, Int64, Float64 or Date, "" as null.

    `from_text`: the file knows no types (CSV). There the guides decide; a variable that they do not know is text in
    SDTM, and in ADaM a number where every value is written as one. A value never gets lost: where one does not fit the
    type, the column keeps the wider one (Float64, else String).
    """
    column = _plain(column)
    kind = known_type(dataset, column.name)
    if column.dtype == pl.String and from_text:
        return _from_text(column, kind, dataset.startswith("AD"))
    if column.dtype == pl.String and kind == "date":
        return _days(column)
    if column.dtype == pl.Float64 and kind == "integer":
        return _whole(column)
    if column.dtype == pl.Int64 and kind == "float":
        return column.cast(pl.Float64)
    return column


def widest(dataset: str, column: pl.Series) -> pl.Series:
    """A column of a file that knows types, in the type that `typed` gives it where some value does not fit a narrower one.

    Of a column in pieces: `typed` where that narrows every piece, else this.
    """
    column = _plain(column)
    return (
        column.cast(pl.Float64) if column.dtype == pl.Int64 and known_type(dataset, column.name) == "float" else column
    )


def _plain(column: pl.Series) -> pl.Series:
    """The column in one of the four types; what a file may hold besides is brought to the nearest."""
    if column.dtype in (pl.Categorical, pl.Enum, pl.Boolean, pl.Time):
        column = column.cast(pl.String)
    elif column.dtype.is_integer():
        column = column.cast(pl.Int64, strict=False) if column.dtype != pl.Int64 else column
    elif column.dtype.is_numeric():
        column = column.cast(pl.Float64)
        column = column.zip_with(column.is_finite().fill_null(True), pl.Series([None], dtype=pl.Float64))
    elif isinstance(column.dtype, pl.Datetime):
        column = column.dt.to_string("%Y-%m-%dT%H:%M:%S")
    elif column.dtype == pl.Null:
        column = column.cast(pl.String)
    if column.dtype == pl.String:
        return column.zip_with(column != "", pl.Series([None], dtype=pl.String)).alias(column.name)
    return column


def _from_text(column: pl.Series, kind: VariableType | None, adam: bool) -> pl.Series:
    if kind in ("integer", "float") or (kind is None and adam):
        numbers = column.str.contains(_NUMBER).fill_null(True)
        if numbers.all() and (kind is not None or column.null_count() < len(column)):
            found = column.cast(pl.Float64)
            return found if kind == "float" else _whole(found)
    return _days(column) if kind == "date" else column


def _whole(numbers: pl.Series) -> pl.Series:
    """Int64 where every number is whole."""
    whole = (numbers == numbers.floor()) & (numbers.abs() <= 2**53)
    return numbers.cast(pl.Int64) if whole.fill_null(True).all() else numbers


def _days(texts: pl.Series) -> pl.Series:
    """Date where every text is a complete ISO 8601 day."""
    if not texts.str.contains(_ISO_DAY).fill_null(True).all():
        return texts
    days = texts.str.to_date("%Y-%m-%d", strict=False)
    return days if days.null_count() == texts.null_count() else texts
