"""Small SDTM datasets by hand: rows as dicts in, frames as cdiscx.adam.derive wants them out."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from cdiscx.adam import Derived, derive
from cdiscx.adam._sources import number_column
from cdiscx.model.spec import Study

S1 = "PALHEP-A-01-001"
Rows = Sequence[Mapping[str, Any]]


def frames(**domains: Rows) -> dict[str, pl.DataFrame]:
    """`DM=[{...}, ...]` -> SDTM frames; USUBJID defaults to subject S1, --SEQ to the row number, `_id` runs over all."""
    out, start = {}, 0
    for name, rows in domains.items():
        prefix = name[:2]
        whole = [
            {"STUDYID": "X", "USUBJID": S1, **({} if name == "DM" else {f"{prefix}SEQ": i + 1}), **row}
            for i, row in enumerate(rows)
        ]
        columns = list(dict.fromkeys(key for row in whole for key in row))
        schema = {c: pl.Float64() if number_column(c) else pl.String() for c in columns}
        frame = pl.DataFrame([{c: row.get(c) for c in columns} for row in whole], schema=schema)
        out[name] = frame.with_columns((pl.int_range(pl.len()) + start).cast(pl.UInt32).alias("_id"))
        start += len(rows)
    return out


def dm(usubjid: str = S1, **changes: Any) -> dict[str, Any]:
    """A row of DM."""
    row = {"USUBJID": usubjid, "SUBJID": usubjid[-3:], "SITEID": "01", "AGE": 60, "AGEU": "YEARS", "SEX": "M"}
    row |= {"RACE": "ASIAN", "ARM": "The Arm", "ACTARM": "The Arm", "RFICDTC": "2022-05-25"}
    return {**row, **changes}


def entered(day: str, usubjid: str = S1) -> dict[str, Any]:
    """The milestone of enrolment."""
    row = {"DSDECOD": "ENTERED INTO TRIAL", "DSTERM": "ENTERED INTO TRIAL", "DSCAT": "PROTOCOL MILESTONE"}
    return {"USUBJID": usubjid, **row, "DSSTDTC": day}


def hepatectomy(day: str | None, usubjid: str = S1) -> dict[str, Any]:
    """The index operation."""
    return {"USUBJID": usubjid, "PRTRT": "Hepatectomy", "PRDECOD": "HEPATECTOMY", "PRCAT": "SURGERY", "PRSTDTC": day}


def derived(study: str, cutoff: str, only: tuple[str, ...] = (), **domains: Rows) -> Derived:
    """`derive` over hand-made frames: every dataset, or `only` those named and what they rest on."""
    return derive(Study.load(study), frames(**domains), cutoff=dt.date.fromisoformat(cutoff), only=only)


def of_safety(study: str, cutoff: str, **domains: Rows) -> Derived:
    """ADSL and the datasets of safety, surgery and exposure."""
    return derived(study, cutoff, ("ADAE", "ADEXSUM", "ADSURG"), **domains)


def one(made: Derived, dataset: str, **where: Any) -> dict[str, Any]:
    """The only row of a dataset with these values."""
    frame = made[dataset].frame
    for name, value in where.items():
        frame = frame.filter(pl.col(name) == value)
    assert frame.height == 1, f"{dataset} has {frame.height} rows where {where}"
    return frame.row(0, named=True)


def day(text: str) -> dt.date:
    """A date."""
    return dt.date.fromisoformat(text)
