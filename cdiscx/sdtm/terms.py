"""Finished datasets in; the codelists that they use, and notes on values that no published list has, out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import polars as pl

from cdiscx.model.dataset import Codelist, Dataset, Term, ValueLevel
from cdiscx.model.kept import copied, pieces
from cdiscx.sdtm.here import Run
from cdiscx.standards import terminology

#: a qualifier with several values, each in SUPP-- (SDTMIG 4.2.8.3); the one exception to closed lists
_SEVERAL = "MULTIPLE"


def used_codelists(run: Run, datasets: Iterable[Dataset]) -> dict[str, Codelist]:
    """Id -> codelist with the terms in use in the published order, then the sponsor's own, marked as extended.

    A value in neither is kept and noted (a closed list says so).
    """
    seen: dict[str, dict[str, list[str]]] = {}
    for dataset in datasets:
        wanted: dict[tuple[str, ...], None] = {(v.name,): None for v in dataset.variables if v.codelist}
        wanted |= {_asked(value): None for value in dataset.values if value.codelist}
        distinct = _distinct(dataset, list(wanted))
        for variable in dataset.variables:
            if variable.codelist:
                place = f"{dataset.name}.{variable.name}"
                _remember(seen, variable.codelist, place, distinct[(variable.name,)].to_series())
        for value in dataset.values:
            if value.codelist:
                rows = distinct[_asked(value)]
                for name, _, values in value.where:
                    rows = rows.filter(pl.col(name).is_in(list(values)))
                place = f"{dataset.name}.{value.variable} ({value.label})"
                _remember(seen, value.codelist, place, rows.get_column(value.variable))
    return {code: made for code in sorted(seen) if (made := _codelist(run, code, seen[code])) is not None}


def _asked(value: ValueLevel) -> tuple[str, ...]:
    """The columns that tell the values of a value level."""
    return tuple(dict.fromkeys([*(name for name, _, _ in value.where), value.variable]))


def _distinct(dataset: Dataset, wanted: Sequence[tuple[str, ...]]) -> dict[tuple[str, ...], pl.DataFrame]:
    """The distinct rows of each of several choices of columns; of a dataset on disk a file at a time."""
    known: dict[tuple[str, ...], pl.DataFrame] = {}
    columns = list(dict.fromkeys(name for names in wanted for name in names))
    for piece in pieces(dataset.held, columns):
        for names in wanted:
            own = copied(piece.select(names).unique())
            known[names] = pl.concat([known[names], own]).unique() if names in known else own
    return {
        names: known.get(names, pl.DataFrame(schema={n: dataset.held.schema[n] for n in names})) for names in wanted
    }


def _remember(seen: dict[str, dict[str, list[str]]], code: str, place: str, values: pl.Series) -> None:
    for value in values.drop_nulls().unique().sort():
        seen.setdefault(code, {}).setdefault(str(value), []).append(place)


def _codelist(run: Run, code: str, used: dict[str, list[str]]) -> Codelist | None:
    published = terminology.codelist(code)
    if published is None:
        return None
    known = {t.value for t in published.terms}
    parts = terminology.UNITED.get(code, ("", (code,)))[1]
    own = {v: meaning for part in (code, *parts) for v, meaning in run.extended.get(part, {}).items()}
    extended = []
    for value, places in used.items():
        if value in known:
            continue
        extended.append(Term(value, own.get(value, "")))
        if value in own or value == _SEVERAL:
            continue
        if published.extensible:
            run.note(f"{places[0]}: '{value}' is no term of {published.name} ({code}); kept as a sponsor's value")
        else:
            run.note(f"{places[0]}: '{value}' is no term of {published.name} ({code}), a closed codelist")
    terms = tuple(t for t in published.terms if t.value in used)
    short = Codelist(published.id, published.name, terms, published.ccode, published.extensible, published.package)
    return terminology.extend(short, extended)
