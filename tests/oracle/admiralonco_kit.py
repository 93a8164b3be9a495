"""Numbers that admiralonco computed, beside the same subjects through our ADRS and ADTTE under its conventions."""

from __future__ import annotations

import datetime as dt
from functools import cache
from pathlib import Path

import polars as pl
import pytest

from cdiscx.adam import Context
from cdiscx.adam._sources import prepared
from cdiscx.adam.adrs import derive_responses
from cdiscx.adam.adtte import derive_times
from cdiscx.model.dataset import Dataset, Variable
from cdiscx.model.spec import Endpoint, Study

ORACLES = Path(__file__).parents[3] / "shared" / "reference" / "oracles"
CUTOFF = dt.date(2030, 12, 31)
#: the templates' conventions in our words: SD from day 42 on, no SD between a PR and its confirmation, no censoring rule
#: but the last assessment
PARAMETERS = {"conf_days": 28, "conf_max_ne": 1, "conf_max_sd": 0, "response_source": "SITE"}


def folder(name: str) -> Path:
    """The oracle's folder; skips where the reference numbers are not at hand."""
    path = ORACLES / name
    if not path.is_dir():
        pytest.skip(f"reference numbers of {name} are not at hand")
    return path


def study() -> Study:
    """A study file with admiralonco's endpoints; randomisation stands for enrolment and first treatment."""
    base = Study.load("palhep-a")
    best = {"sd_min_days": 42}
    endpoints = {
        "BOR": Endpoint(kind="response", label="BOR", options=best),
        "CBOR": Endpoint(kind="response", label="CBOR", options={**best, "conf_days": 28}),
        "RSP": Endpoint(kind="proportion", label="RSP", options={"of": "BOR", "responders": ["CR", "PR"]}),
        "OS": Endpoint(
            kind="time_to_event", label="OS", start="D1", events=("death",), censors=("last_known_alive",)
        ),
        "PFS": Endpoint(
            kind="time_to_event", label="PFS", start="D1", events=("progression", "death"),
            censors=("last_evaluable_assessment",),
        ),
    }  # fmt: skip
    return base.model_copy(update={"endpoints": endpoints, "parameters": {**base.parameters, **PARAMETERS}})


def table(path: Path) -> pl.DataFrame:
    """A CSV of the oracle as text, blanks null."""
    return pl.read_csv(path, infer_schema=False)


@cache
def ours(name: str) -> tuple[pl.DataFrame, pl.DataFrame]:
    """ADRS and ADTTE of one oracle's subjects."""
    inputs = folder(name) / "input"
    rs = table(next(inputs.glob("rs.csv*"))).filter(pl.col("RSEVAL") == "INVESTIGATOR")
    adsl = table(inputs / "adsl.csv").filter(pl.col("RANDDT").is_not_null()).sort("USUBJID")
    date = {c: pl.col(c).str.to_date(strict=False) for c in ("RANDDT", "DTHDT", "LSTALVDT")}
    people = adsl.with_columns(**date).select(
        "STUDYID", "USUBJID", SUBJID="USUBJID", TRTSDT="RANDDT", ENRLDT="RANDDT", DTHDT="DTHDT", LSTALVDT="LSTALVDT",
        DTHFL=pl.when(pl.col("DTHDT").is_not_null()).then(pl.lit("Y")), FASFL=pl.lit("Y"), RESFL=pl.lit("N"),
        SURGDT=pl.lit(None, dtype=pl.Date), NACTDT=pl.lit(None, dtype=pl.Date), RSTAT=pl.lit(None, dtype=pl.String),
        _from=pl.concat_list(pl.lit(0, dtype=pl.UInt32)),
    )  # fmt: skip
    described = tuple(Variable(c, c) for c in people.columns if not c.startswith("_"))
    made = {"ADSL": Dataset("ADSL", "", "", "", ("USUBJID",), described, people)}
    ctx = Context(study(), CUTOFF, prepared({"RS": rs}, CUTOFF), made)
    responses = derive_responses(ctx, "SITE")
    assert isinstance(responses, Dataset)
    times = derive_times(ctx, responses.frame, "SITE")
    assert isinstance(times, Dataset)
    return responses.frame, times.frame


def theirs(name: str, dataset: str) -> pl.DataFrame:
    """ADRS or ADTTE of the oracle, one row per subject and parameter, dates read."""
    path = next((folder(name) / "output").glob(f"{dataset}.csv*"))
    frame = table(path).with_columns(pl.col("ADT").str.to_date(strict=False))
    return frame.with_columns(pl.col("CNSR").cast(pl.Int64)) if "CNSR" in frame.columns else frame


def beside(name: str, dataset: str, code: str) -> pl.DataFrame:
    """One parameter of both for randomised subjects: `A` theirs, `B` ours (AVALC, or CNSR as text), dates `AD` and `BD`."""
    value = "AVALC" if dataset == "adrs" else "CNSR"
    own = ours(name)[0 if dataset == "adrs" else 1].filter(pl.col("PARAMCD") == code)
    randomised = ours(name)[0]["USUBJID"].unique().to_list()
    other = theirs(name, dataset).filter(pl.col("PARAMCD") == code, pl.col("USUBJID").is_in(randomised))
    return other.select("USUBJID", A=pl.col(value).cast(pl.String), AD="ADT").join(
        own.select("USUBJID", B=pl.col(value).cast(pl.String), BD="ADT"), on="USUBJID", how="full", coalesce=True
    )


def differing(frame: pl.DataFrame) -> pl.DataFrame:
    """The rows in which value or date are not the same."""
    return frame.filter(pl.col("A").ne_missing(pl.col("B")) | pl.col("AD").ne_missing(pl.col("BD"))).sort("USUBJID")
