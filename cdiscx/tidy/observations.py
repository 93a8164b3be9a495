"""What tidy saw: problems and changes, made one by one for headings and sheets, column-wise for cells."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, dataclass

import polars as pl

PROBLEMS: dict[str, type[pl.DataType]] = {
    "_rid": pl.UInt32,
    "file": pl.String,
    "sheet": pl.String,
    "table": pl.String,
    "column": pl.String,
    "kind": pl.String,
    "row": pl.Int64,
    "letter": pl.String,
    "raw": pl.String,
    "read_as": pl.String,
    "detail": pl.String,
}
CHANGES: dict[str, type[pl.DataType]] = {
    "file": pl.String,
    "sheet": pl.String,
    "row": pl.Int64,
    "letter": pl.String,
    "column": pl.String,
    "before": pl.String,
    "after": pl.String,
    "why": pl.String,
}


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that could not be read, or was read with doubt; see PROBLEMS for the columns."""

    kind: str
    file: str
    sheet: str | None
    table: str
    column: str | None = None
    row: int | None = None
    letter: str | None = None
    raw: str | None = None
    read_as: str | None = None
    detail: str | None = None
    rid: int | None = None


def problem_frame(problems: Sequence[Problem]) -> pl.DataFrame:
    """Problems as a frame of PROBLEMS."""
    names = ["kind", "file", "sheet", "table", "column", "row", "letter", "raw", "read_as", "detail", "_rid"]
    schema = {name: PROBLEMS[name] for name in names}
    return pl.DataFrame([astuple(p) for p in problems], schema=schema, orient="row").select(list(PROBLEMS))
