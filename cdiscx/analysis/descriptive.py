"""One value a subject in, a description out: numbers as n, mean, SD, median, quartiles; words as counts."""

from __future__ import annotations

from typing import Any

import polars as pl

from cdiscx.analysis import words
from cdiscx.analysis.inputs import Inputs, Population
from cdiscx.analysis.proportions import RESPONSES, rate
from cdiscx.analysis.summary import counted, describe
from cdiscx.model.spec import Endpoint
from cdiscx.registry import analysis

#: a description that stands in ADSL, not in a parameter of its own (adam-derivations 2.2)
_ADSL = {"M3DEC": "M3BRANCH"}
_UNITS = {"BPCHG": "%", "LOS": "nights"}


@analysis("descriptive")
def descriptive(inputs: Inputs, name: str, endpoint: Endpoint, population: Population) -> dict[str, Any]:
    """One entry without an interval: a summary of numbers, or counts of categories; for events any event."""
    if f"AD{name}" in inputs.adam:
        return _any_event(inputs, f"AD{name}", population)
    values = _values(inputs, name, population)
    known = values.filter(pl.any_horizontal(pl.col("NUMBER", "TEXT").is_not_null()))
    entry: dict[str, Any] = {"n": known.height, "estimate": None, "ci_lower": None, "ci_upper": None}
    if known.is_empty():
        return entry | {"measure": "description", "method": "Description.", "text": "Nothing to describe: no value."}
    texts = known["TEXT"].drop_nulls()
    if texts.len() and texts.cast(pl.Float64, strict=False).null_count():
        return entry | _categories(known)
    return entry | _numbers(name, known)


def _values(inputs: Inputs, name: str, population: Population) -> pl.DataFrame:
    """USUBJID, NUMBER, TEXT of every subject of the population."""
    _, rows = inputs.parameter(name)
    if rows.is_empty() and _ADSL.get(name) in inputs.subjects.columns:
        rows = inputs.subjects.select("USUBJID", AVALC=_ADSL[name])
    number = pl.col("AVAL").cast(pl.Float64) if "AVAL" in rows.columns else pl.lit(None, pl.Float64)
    text = pl.col("AVALC").cast(pl.String) if "AVALC" in rows.columns else pl.lit(None, pl.String)
    return population.subjects.join(rows.select("USUBJID", NUMBER=number, TEXT=text), on="USUBJID", how="left")


def _categories(known: pl.DataFrame) -> dict[str, Any]:
    # an order code (AVAL) sorts the words; without one the order of responses, then the alphabet
    coded = known.select("TEXT", "NUMBER").drop_nulls().unique().sort("NUMBER", "TEXT")["TEXT"].to_list()
    found = counted(known["TEXT"], tuple(coded) if coded else RESPONSES)
    text = ", ".join(f"{row['category']} {row['n']}" for row in found)
    return {"measure": "counts", "unit": "subjects", "categories": found, "method": "Counts.", "text": text}


def _numbers(name: str, known: pl.DataFrame) -> dict[str, Any]:
    numbers = known.select(pl.coalesce("NUMBER", pl.col("TEXT").cast(pl.Float64, strict=False)))["NUMBER"]
    found = describe(numbers)
    unit = _UNITS.get(name, "")
    shown = f"median {words.number(found['median'], 1)} {unit}".rstrip()
    text = f"{shown} (range {words.number(found['min'], 1)} to {words.number(found['max'], 1)})"
    method = "n, mean, SD, median, quartiles (average of neighbours), range."
    said = {"measure": "median", "unit": unit, "estimate": found["median"], "summary": found}
    return said | {"method": method, "text": text}


def _any_event(inputs: Inputs, dataset: str, population: Population) -> dict[str, Any]:
    frame = inputs.frame(dataset, "USUBJID", "TRTEMFL")
    if "TRTEMFL" not in frame.columns:
        return {"n": 0, "estimate": None, "ci_lower": None, "ci_upper": None, "text": "Nothing to describe: no event."}
    hit = frame.filter(pl.col("TRTEMFL") == "Y").join(population.subjects, on="USUBJID", how="semi")
    found = rate(hit["USUBJID"].n_unique(), population.n)
    method = (
        "Subjects with at least one treatment-emergent event, exact 95 % CI; by term and grade in the table of events."
    )
    return {"measure": "proportion", "unit": "proportion"} | found | {"method": method}
