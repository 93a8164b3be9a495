"""Small datasets for the export tests."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

import polars as pl

from cdiscx.model.dataset import Dataset, Variable, VariableType

STAMP = dt.datetime(2026, 1, 2, 3, 4, 5)
FORMATS = ("xpt", "json", "ndjson", "parquet", "csv")
_TYPES: Mapping[pl.DataType, VariableType] = {
    pl.String(): "text",
    pl.Int64(): "integer",
    pl.Float64(): "float",
    pl.Date(): "date",
}


def dataset(
    name: str, columns: Mapping[str, Any], keys: tuple[str, ...] = (), *, schema: Any = None, **more: Any
) -> Dataset:
    """A dataset whose variables have the types of its columns; private columns are no variables."""
    frame = pl.DataFrame(columns, schema=schema)
    variables = tuple(
        Variable(c, f"Label of {c}", "isodate" if c.endswith("DTC") else _TYPES[t])
        for c, t in frame.schema.items()
        if not c.startswith("_")
    )
    return Dataset(name, f"Dataset {name}", "EVENTS", "One record per event", keys, variables, frame, **more)


def adverse_events(**columns: Any) -> Dataset:
    """Three events of two subjects; columns may be replaced or added."""
    base: dict[str, Any] = {
        "STUDYID": ["S1"] * 3,
        "DOMAIN": ["AE"] * 3,
        "USUBJID": ["S1-01-001", "S1-01-001", "S1-01-002"],
        "AESEQ": [1, 2, 1],
        "AETERM": ["Fever", 'pain, "severe"', "rash"],
        "AESTDTC": ["2024-03-05", "2024-03", None],
        "AESTDY": [3, None, -1],
        "AEDOSE": [0.1, None, -2.5],
        "ADT": [dt.date(2024, 3, 5), None, dt.date(1959, 12, 31)],
    }
    made = dataset("AE", {**base, **columns}, ("STUDYID", "USUBJID", "AESEQ"))
    private = {
        "_id": pl.Series([10, 11, 12], dtype=pl.UInt32),
        "_from": pl.Series([[0], [1], [2]], dtype=pl.List(pl.UInt32)),
        "_block": pl.Series(["ae"] * 3),
    }
    return made.with_(frame=made.frame.with_columns(**private))
