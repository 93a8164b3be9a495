"""What the checks of this room share that read tidy's `problems`: canonical names beside each, and what they rest on."""

from __future__ import annotations

import polars as pl

from cdiscx.model.spec import Study

#: the sheets' tables: without one of them a check of all cells can no longer pass
TABLES = (
    "subjects", "visits", "dosing", "procedures", "pathology", "targets", "nontargets", "newlesions", "responses", "decision",
    "ae", "disposition", "survival", "labs",
)  # fmt: skip
#: all columns of all sheets, and those of one type: a cell that is not there cannot be judged
EVERY = (*TABLES, "*")
DATES = (*TABLES, "*date")
LISTS = (*TABLES, "*term", "*terms", "*pairs", "*yn", "*visit")
NUMBERS = (*TABLES, "*num", "*term")
SUBJECTS = tuple(word for table in TABLES for word in (table, f"{table}.SUBJID"))
_HEADS = {"table": pl.String, "column": pl.String, "_header": pl.String, "is_unit": pl.Boolean}


def with_words(problems: pl.LazyFrame, study: Study) -> pl.LazyFrame:
    """Problems with `_header` (canonical), `Sheet` (canonical), `is_unit` (the column holds a unit), `_table`, `_column`."""
    heads = [
        (sheet.holds, column.is_, header, column.is_ in {c.unit_column for c in sheet.columns.values()})
        for sheet in study.sheets.values()
        for header, column in sheet.columns.items()
    ]
    names = {sheet.holds: name for name, sheet in study.sheets.items()}
    known = pl.LazyFrame(heads, schema=_HEADS, orient="row")
    return (
        problems.join(known, on=["table", "column"], how="left", maintain_order="left")
        .with_columns(
            _table="table",
            _column="column",
            Sheet=pl.col("table").replace(names),
            is_unit=pl.col("is_unit").fill_null(False),
            detail=pl.concat_str(pl.lit(" "), "detail").fill_null(""),
        )
        .sort("file", "sheet", "row", maintain_order=True)
    )


def of_kind(problems: pl.LazyFrame, study: Study, *kinds: str) -> pl.LazyFrame:
    """The problems of some kinds, with words."""
    return with_words(problems.filter(pl.col("kind").is_in(list(kinds))), study)
