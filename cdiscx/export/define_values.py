"""Value-level metadata: the mapping's own, else what the data of findings, SUPP--, TS and BDS datasets show."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

import polars as pl

from cdiscx.export.define_words import is_analysis
from cdiscx.model.dataset import Dataset, ValueLevel, Variable
from cdiscx.model.kept import pieces

#: QORIG, older words included -> Origin/@Type
_ORIGINS: Final[Mapping[str, str]] = {
    "CRF": "Collected",
    "EDT": "Collected",
    "COLLECTED": "Collected",
    "DERIVED": "Derived",
    "ASSIGNED": "Assigned",
    "PROTOCOL": "Protocol",
}
Where = tuple[tuple[str, str, tuple[str, ...]], ...]


def value_levels(dataset: Dataset) -> tuple[ValueLevel, ...]:
    """The dataset's value-level metadata that match at least one record; derived from the data where none is given."""
    levels = dataset.values or tuple(_derived(dataset))
    return tuple(v for v in levels if dataset.variable(v.variable) and _matches(dataset, v.where).any())


def rows_of(dataset: Dataset, level: ValueLevel) -> pl.Series:
    """The non-null values of the level's variable in its records."""
    return dataset.column(level.variable).filter(_matches(dataset, level.where)).drop_nulls()


def _matches(dataset: Dataset, where: Where) -> pl.Series:
    held = dataset.held
    conditions = [_condition(*part) for part in where if part[0] in held.columns]
    if len(conditions) < len(where):
        return pl.repeat(False, held.height, dtype=pl.Boolean, eager=True)
    if not conditions:
        return pl.repeat(True, held.height, dtype=pl.Boolean, eager=True)
    rows = pieces(held, list(dict.fromkeys(part[0] for part in where)))
    found = [piece.select(pl.all_horizontal(conditions).alias("_match")).get_column("_match") for piece in rows]
    return pl.concat([pl.Series("_match", [], dtype=pl.Boolean), *found])


def _condition(variable: str, comparator: str, values: tuple[str, ...]) -> pl.Expr:
    inside = pl.col(variable).cast(pl.String).is_in(list(values)).fill_null(False)
    return inside if comparator in ("EQ", "IN") else ~inside


def _derived(dataset: Dataset) -> Iterator[ValueLevel]:
    names = {v.name for v in dataset.variables}
    if {"QNAM", "QVAL"} <= names:
        yield from _supplemental(dataset)
    elif {"TSPARMCD", "TSVAL"} <= names:
        yield from _by(dataset, ("TSPARMCD",), "TSPARM", ("TSVAL",))
    elif {"DSCAT", "DSDECOD"} <= names:
        yield from _by(dataset, ("DSCAT",), "DSCAT", ("DSDECOD",))
    elif "PARAMCD" in names and is_analysis(dataset.standard):
        yield from _by(dataset, ("PARAMCD",), "PARAM", ("AVAL", "AVALC"))
    else:
        test = next((n for n in sorted(names) if n.endswith("TESTCD") and n != "IETESTCD"), None)
        if test:
            prefix = test[:-6]
            keys = (test, f"{prefix}CAT") if _needs_category(dataset, test, f"{prefix}CAT") else (test,)
            yield from _by(dataset, keys, f"{prefix}TEST", (f"{prefix}ORRES", f"{prefix}STRESC"))


def _needs_category(dataset: Dataset, test: str, category: str) -> bool:
    """True where one test code stands in several categories (an overall response under two criteria)."""
    if category not in dataset.held.columns:
        return False
    return bool((dataset.some([test, category]).group_by(test).agg(pl.col(category).n_unique())[category] > 1).any())


def _supplemental(dataset: Dataset) -> Iterator[ValueLevel]:
    columns = [c for c in ("QNAM", "QLABEL", "QORIG") if c in dataset.held.columns]
    value = dataset.variable("QVAL") or Variable("QVAL", "Data Value")
    for row in dataset.some(columns).unique(subset=["QNAM"], keep="first").sort("QNAM").to_dicts():
        origin = _ORIGINS.get((row.get("QORIG") or "").upper(), value.origin)
        source = "Investigator" if origin == "Collected" else "Sponsor"
        where: Where = (("QNAM", "EQ", (row["QNAM"],)),)
        method = value.method if origin == "Derived" else ""
        yield ValueLevel("QVAL", where, row.get("QLABEL") or "", origin=origin, source=source, method=method)


def _by(
    dataset: Dataset, keys: tuple[str, ...], decode: str, variables: tuple[str, ...], *, smallest: int = 2
) -> Iterator[ValueLevel]:
    """One level for every combination of the keys and every variable with a value there; none for fewer than `smallest`."""
    columns = list(dict.fromkeys([*keys, *([decode] if decode in dataset.held.columns else [])]))
    groups = dataset.some(columns).drop_nulls(keys[0]).unique(subset=list(keys), keep="first").sort(keys)
    if groups.height < smallest:
        return
    for name in variables:
        variable = dataset.variable(name)
        if variable is None:
            continue
        for row in groups.to_dicts():
            where: Where = tuple((key, "EQ", (str(row[key]),)) for key in keys if row[key] is not None)
            level = ValueLevel(
                name,
                where,
                row.get(decode) or "",
                variable.type,
                None,
                variable.origin,
                variable.source,
                variable.method,
            )
            if rows_of(dataset, level).len():
                yield level
