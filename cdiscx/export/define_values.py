"""Value-level metadata: the mapping's own, else what the data of findings, SUPP--, TS and BDS datasets show."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

import polars as pl

from cdiscx.export.define_words import is_analysis
from cdiscx.model.dataset import Dataset, ValueLevel, Variable
from cdiscx.model.kept import copied, pieces

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


@dataclass(frozen=True, slots=True)
class Distinct:
    """A dataset as define.xml looks at it: which values its variables have together, never how often."""

    dataset: Dataset
    _known: dict[tuple[str, ...], pl.DataFrame] = field(default_factory=dict)

    def of(self, *columns: str) -> pl.DataFrame:
        """The combinations of some variables in the order of their first records; of a dataset on disk a file at a time."""
        held, names = self.dataset.held, list(dict.fromkeys(columns))
        if isinstance(held, pl.DataFrame):
            return held.select(names).unique(maintain_order=True)
        found = [copied(piece.unique(maintain_order=True)) for piece in pieces(held, names)]
        return pl.concat([pl.DataFrame(schema=held.schema).select(names), *found]).unique(maintain_order=True)

    def where(self, where: Where, *columns: str) -> pl.DataFrame:
        """The combinations of some variables in records that fulfil conditions."""
        asked = tuple(dict.fromkeys([*(part[0] for part in where), *columns]))
        if not set(asked) <= set(self.dataset.held.columns):
            return pl.DataFrame(schema={c: self.dataset.held.schema[c] for c in columns})
        if asked not in self._known:
            self._known[asked] = self.of(*asked)
        conditions = [_condition(*part) for part in where]
        return self._known[asked].filter(*conditions).select(columns).unique(maintain_order=True)


def value_levels(distinct: Distinct) -> tuple[ValueLevel, ...]:
    """The dataset's value-level metadata that match at least one record; derived from the data where none is given."""
    levels = distinct.dataset.values or tuple(_derived(distinct))
    return tuple(v for v in levels if distinct.dataset.variable(v.variable) and _matches(distinct, v))


def _matches(distinct: Distinct, level: ValueLevel) -> bool:
    columns = list(dict.fromkeys(part[0] for part in level.where)) or [level.variable]
    return distinct.where(level.where, *columns).height > 0


def values_of(distinct: Distinct, level: ValueLevel) -> pl.Series:
    """The values of the level's variable in its records, each once."""
    return distinct.where(level.where, level.variable).to_series().drop_nulls()


def _condition(variable: str, comparator: str, values: tuple[str, ...]) -> pl.Expr:
    inside = pl.col(variable).cast(pl.String).is_in(list(values)).fill_null(False)
    return inside if comparator in ("EQ", "IN") else ~inside


def _derived(distinct: Distinct) -> Iterator[ValueLevel]:
    dataset = distinct.dataset
    names = {v.name for v in dataset.variables}
    if {"QNAM", "QVAL"} <= names:
        yield from _supplemental(distinct)
    elif {"TSPARMCD", "TSVAL"} <= names:
        yield from _by(distinct, ("TSPARMCD",), "TSPARM", ("TSVAL",))
    elif {"DSCAT", "DSDECOD"} <= names:
        yield from _by(distinct, ("DSCAT",), "DSCAT", ("DSDECOD",))
    elif "PARAMCD" in names and is_analysis(dataset.standard):
        yield from _by(distinct, ("PARAMCD",), "PARAM", ("AVAL", "AVALC"))
    else:
        test = next((n for n in sorted(names) if n.endswith("TESTCD") and n != "IETESTCD"), None)
        if test:
            prefix = test[:-6]
            keys = (test, f"{prefix}CAT") if _needs_category(distinct, test, f"{prefix}CAT") else (test,)
            yield from _by(distinct, keys, f"{prefix}TEST", (f"{prefix}ORRES", f"{prefix}STRESC"))


def _needs_category(distinct: Distinct, test: str, category: str) -> bool:
    """True where one test code stands in several categories (an overall response under two criteria)."""
    if category not in distinct.dataset.held.columns:
        return False
    return bool((distinct.of(test, category).group_by(test).agg(pl.col(category).n_unique())[category] > 1).any())


def _supplemental(distinct: Distinct) -> Iterator[ValueLevel]:
    dataset = distinct.dataset
    columns = [c for c in ("QNAM", "QLABEL", "QORIG") if c in dataset.held.columns]
    value = dataset.variable("QVAL") or Variable("QVAL", "Data Value")
    for row in distinct.of(*columns).unique(subset=["QNAM"], keep="first").sort("QNAM").to_dicts():
        origin = _ORIGINS.get((row.get("QORIG") or "").upper(), value.origin)
        source = "Investigator" if origin == "Collected" else "Sponsor"
        where: Where = (("QNAM", "EQ", (row["QNAM"],)),)
        method = value.method if origin == "Derived" else ""
        yield ValueLevel("QVAL", where, row.get("QLABEL") or "", origin=origin, source=source, method=method)


def _by(
    distinct: Distinct, keys: tuple[str, ...], decode: str, variables: tuple[str, ...], *, smallest: int = 2
) -> Iterator[ValueLevel]:
    """One level for every combination of the keys and every variable with a value there; none for fewer than `smallest`."""
    dataset = distinct.dataset
    columns = [*keys, *([decode] if decode in dataset.held.columns else [])]
    groups = distinct.of(*columns).drop_nulls(keys[0]).unique(subset=list(keys), keep="first").sort(keys)
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
            if values_of(distinct, level).len():
                yield level
