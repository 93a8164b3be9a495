"""The house's own words: which column of which table is of which type, as the bundled studies have them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

import polars as pl

from cdiscx.model.spec import ColumnType, Study
from cdiscx.model.spec_file import bundled

_DTYPES: dict[ColumnType, pl.DataType] = {
    "num": pl.Float64(),
    "date": pl.Date(),
    "terms": pl.List(pl.String),
    "lesions": pl.List(pl.String),
    "pairs": pl.List(pl.Struct({"key": pl.String, "term": pl.String})),
}
#: types whose text as collected stands in a second column `XC`
_COLLECTED = ("num", "date", "pairs")


@cache
def house_types() -> Mapping[tuple[str, str], ColumnType]:
    """(table, column) -> type, of every column that a bundled study has."""
    sheets = [sheet for name in bundled() for sheet in Study.load(name).sheets.values()]
    return {(sheet.holds, c.is_): c.type for sheet in sheets for c in sheet.columns.values()}


@cache
def house_key(table: str) -> frozenset[str]:
    """Columns of the natural key that a bundled study gives the table: checks tell records apart by them."""
    found = [Study.load(name).sheet_of(table) for name in bundled()]
    return frozenset(column for pair in found if pair for column in pair[1].key)


def blank_columns(table: str, column: str) -> dict[str, pl.DataType]:
    """Names and dtypes of a house column that a study does not have, as an empty one would be.

    A column that no bundled study has is a date by its name (`…DAT`), else a text.
    """
    kind = house_types().get((table, column), "date" if column.endswith("DAT") else "text")
    collected = {f"{column}C": pl.String()} if kind in _COLLECTED else {}
    return {column: _DTYPES.get(kind, pl.String()), **collected}
