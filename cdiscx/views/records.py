"""Every row of every sheet as one table: its natural key as text and the cells of rows that share a key as hashes, to find repeats (STR-006)."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from cdiscx.model.spec import Sheet, Study
from cdiscx.registry import view

_KEYS: dict[str, tuple[str, ...]] = {
    "visits": ("VISIT",),
    "dosing": ("EXTRT", "EXSTDAT"),
    "procedures": ("PRTRT", "PRSTDAT"),
    "pathology": ("MIDAT",),
    "targets": ("VISIT", "LESID"),
    "nontargets": ("VISIT", "LESID"),
    "newlesions": ("VISIT", "LESID"),
    "responses": ("VISIT",),
    "decision": (),
    "ae": ("AENO",),
    "disposition": ("DSSCOPE", "DSDECOD", "DSDAT"),
    "survival": ("SSDAT",),
    "labs": ("VISIT", "LBDAT", "LBTEST"),
}
_WORDS = tuple(
    word for table, key in _KEYS.items() for word in (table, f"{table}.SUBJID", *(f"{table}.{c}" for c in key))
)


@view("records", of=_WORDS, union=True)
def records(study: Study, tables: Mapping[str, pl.LazyFrame]) -> pl.LazyFrame:
    """One row per row of a sheet: `_rid`, `table`, `SUBJID`, `key` (text), `cells` (list of u64, one a house column;
    null where the key stands once).

    `key` is null where a required part of the natural key is blank: such a row repeats nothing, its blank is reported.
    """
    empty = pl.LazyFrame(
        schema={
            "_rid": pl.UInt32,
            "table": pl.String,
            "SUBJID": pl.String,
            "key": pl.String,
            "cells": pl.List(pl.UInt64),
        }
    )
    pieces = [
        _records(sheet, tables[sheet.holds]) for sheet in study.sheets.values() if sheet.holds in tables and sheet.key
    ]
    return pl.concat([empty, *pieces])


def _records(sheet: Sheet, frame: pl.LazyFrame) -> pl.LazyFrame:
    has = set(frame.collect_schema().names())
    columns = [c for c in sheet.columns.values() if c.is_ in has]
    texts = {c.is_: _as_text(c.is_, c.type) for c in columns}
    needed = [c.is_ for c in columns if c.is_ in sheet.key and c.required]
    parts = [texts[name].fill_null("") for name in sheet.key if name in texts]
    whole = pl.all_horizontal(texts[name].is_not_null() for name in needed) if needed else pl.lit(True)
    key = pl.when(whole).then(pl.concat_str(parts, separator="\x1f"))
    # two keys that share a number cost two rows of hashes, no more
    repeated = pl.struct("SUBJID", key.alias("key")).hash().is_duplicated()
    cells = pl.concat_list(texts[c.is_].hash() for c in columns).alias("cells")
    hashed = frame.filter(repeated).select("_rid", cells)
    rows = frame.select("_rid", pl.lit(sheet.holds).alias("table"), "SUBJID", key.alias("key"))
    return rows.join(hashed, on="_rid", how="left", maintain_order="left")


def _as_text(name: str, kind: str) -> pl.Expr:
    """A house value as text: two cells are the same when they mean the same."""
    if kind in ("date", "pairs"):
        return pl.col(f"{name}C")
    return pl.col(name).list.join("; ") if kind in ("terms", "lesions") else pl.col(name).cast(pl.String)
