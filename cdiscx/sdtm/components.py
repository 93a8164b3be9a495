"""Algorithms over the components of the treatment that the study file names: actions and relations drug by drug (4.7)."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from cdiscx.model.spec import Component
from cdiscx.registry import algorithm
from cdiscx.sdtm.here import Here, meanings, replaced

#: what stands for "none of them" in a list of causes
_NONE = "NONE"


def _terms(here: Here, column: str, map: Mapping[str, str] | None, codelist: str | None) -> pl.Expr:
    """The list of terms of a column with pairs, each as submitted."""
    terms = here.col(column).list.eval(pl.element().struct.field("term"))
    seen = here.rows_of.frame.select(terms.list.explode().alias("x")).get_column("x").drop_nulls().unique().sort()
    words = meanings(seen.to_list(), dict(map or {}), here.codelist(codelist), here.run)
    return terms.list.eval(replaced(pl.element(), words))


@algorithm("same_or_multiple")
def same_or_multiple(
    here: Here,
    column: str,
    *,
    map: Mapping[str, str] | None = None,
    codelist: str | None = None,
    blank: str | None = None,
) -> pl.Expr:
    """The term that all pairs of a cell share, else MULTIPLE; `blank` for an empty cell."""
    here.collected_by_site()
    if not here.has(column):
        return here.col(column)
    terms = _terms(here, column, map, codelist).list.drop_nulls().list.unique(maintain_order=True)
    one = pl.when(terms.list.len() == 1).then(terms.list.first())
    out = one.when(terms.list.len() > 1).then(pl.lit("MULTIPLE"))
    return out.fill_null(blank) if blank else out


def _planned(here: Here) -> dict[str, Component]:
    return dict(here.study.components)


def _blamed(here: Here, column: str, component: Component) -> pl.Expr:
    return here.col(column).list.eval(pl.element().is_in(list(component.related_to))).list.any()


@algorithm("related_or_multiple")
def related_or_multiple(here: Here, column: str) -> pl.Expr:
    """Y where every component of the study is blamed, N where none is, MULTIPLE where some are; null where blank."""
    here.collected_by_site()
    if not here.has(column):
        return here.col(column)
    blamed = [_blamed(here, column, c) for c in _planned(here).values()]
    other = here.col(column).list.eval(pl.element() != _NONE).list.any()
    return (
        pl.when(here.col(column).list.len().fill_null(0) == 0).then(pl.lit(None, pl.String))
        .when(pl.all_horizontal(blamed) if blamed else pl.lit(False)).then(pl.lit("Y"))
        .when(pl.any_horizontal([*blamed, other])).then(pl.lit("MULTIPLE"))
        .otherwise(pl.lit("N"))
    )  # fmt: skip


@algorithm("by_component")
def by_component(
    here: Here,
    column: str,
    *,
    prefix: str,
    map: Mapping[str, str] | None = None,
    codelist: str | None = None,
    only_multiple: bool = True,
) -> pl.Expr | None:
    """One qualifier a component of the study: its action (column with pairs) or Y/N (column with a list of causes).

    The qualifier's name is `prefix` and what the component's attribution flag has behind AREL (`ARELDUR` -> `AEACNDUR`).
    `only_multiple`: only where the components differ, that is where the variable itself is MULTIPLE.
    """
    here.collected_by_site()
    if not here.has(column):
        here.col(column)
        return None
    pairs = isinstance(here.rows_of.frame.schema[column].inner, pl.Struct)  # type: ignore[attr-defined]
    columns: dict[str, pl.Expr] = {}
    for name, component in _planned(here).items():
        suffix = component.arel.removeprefix("AREL") or name[:3]
        if here.target.label:
            here.labels[f"{prefix}{suffix}"] = f"{here.target.label} {component.label.partition(' (')[0]}"[:40]
        if pairs:
            columns[f"{prefix}{suffix}"] = _action(here, column, component, map, codelist)
        else:
            said = here.col(column).list.len().fill_null(0) > 0
            yes = pl.when(_blamed(here, column, component)).then(pl.lit("Y")).otherwise(pl.lit("N"))
            columns[f"{prefix}{suffix}"] = pl.when(said).then(yes)
    several = pl.lit(True)
    if only_multiple and pairs:
        several = _terms(here, column, map, codelist).list.drop_nulls().list.n_unique() > 1
    elif only_multiple:
        several = related_or_multiple(here, column) == "MULTIPLE"
    here.more |= {f"supp:{name}": pl.when(several).then(value) for name, value in columns.items()}
    return None


def _action(
    here: Here, column: str, component: Component, map: Mapping[str, str] | None, codelist: str | None
) -> pl.Expr:
    mine = pl.element().struct.field("key").is_in(list(component.related_to))
    terms = here.col(column).list.eval(pl.when(mine).then(pl.element().struct.field("term"))).list.drop_nulls()
    seen = here.rows_of.frame.select(terms.list.explode().alias("x")).get_column("x").drop_nulls().unique().sort()
    words = meanings(seen.to_list(), dict(map or {}), codelist, here.run)
    told = terms.list.eval(replaced(pl.element(), words)).list.unique(maintain_order=True)
    return pl.when(told.list.len() > 0).then(told.list.join("; "))
