"""Biomarker records (BDS) in, values at baseline and at resection, their change, and both by responder status out.

Exploratory and descriptive: the protocols prescribe no test, so none is made and no p-value is given.
"""

from __future__ import annotations

from typing import Any

import polars as pl

from cdiscx.analysis.inputs import Inputs, Population
from cdiscx.analysis.proportions import judged_subjects
from cdiscx.analysis.summary import counted, describe

#: datasets that may hold biomarkers; of another dataset the records whose PARCAT1 says so
_DATASETS = ("ADBM", "ADLB", "ADMI")
_CATEGORY = "BIOMARKER"
_NEEDED = {"USUBJID", "PARAMCD", "AVAL"}
NONE = "No biomarker was delivered: nothing to describe."


def biomarkers(inputs: Inputs) -> dict[str, Any]:
    """One entry a biomarker: description of baseline, resection and change, all subjects and by responder status."""
    population = inputs.population("FASFL")
    responder = _responder(inputs, population)
    head = {"population": population.flag, "label": population.label, "N": population.n}
    head |= {"responder": responder[0], "method": "Description only; no formal test is prescribed."}
    records = _records(inputs).join(population.subjects, on="USUBJID", how="semi")
    if records.is_empty():
        return head | {"text": NONE, "markers": []}
    status = records.join(responder[1], on="USUBJID", how="left")
    groups = status.sort("PARAM", "PARAMCD").partition_by("PARAMCD", "PARAM", as_dict=True, maintain_order=True)
    markers = [
        {"paramcd": str(code), "param": str(param), "all": _described(rows)}
        | {
            "responders": _described(rows.filter(pl.col("YES"))),
            "non_responders": _described(rows.filter(~pl.col("YES"))),
        }
        for (code, param), rows in groups.items()
    ]
    return head | {"text": f"{len(markers)} biomarkers.", "markers": markers}


def _responder(inputs: Inputs, population: Population) -> tuple[str, pl.DataFrame]:
    """Which endpoint says who responded (the primary one where it is a response, else the first), and who did."""
    listed = inputs.study.endpoints
    kinds = [n for n, e in listed.items() if e.kind == "response" or (e.kind == "proportion" and n == "RSP")]
    best = next((n for n in kinds if listed[n].primary), next((n for n in kinds if n.endswith("RSPB")), None))
    name = best or ("RSP" if "RSP" in listed else (kinds[0] if kinds else ""))
    if not name:
        return "", population.subjects.with_columns(YES=pl.lit(None, pl.Boolean))
    judged, _ = judged_subjects(inputs, name, listed[name], population)
    return listed[name].label, judged.select("USUBJID", "YES")


def _records(inputs: Inputs) -> pl.DataFrame:
    """USUBJID, PARAMCD, PARAM, WHEN (BASELINE, RESECTION), VALUE, TEXT: one row a subject, marker and moment."""
    parts = [_moments(inputs, found) for found in _sources(inputs)]
    empty = {"USUBJID": pl.String, "PARAMCD": pl.String, "PARAM": pl.String, "WHEN": pl.String}
    return pl.concat(parts) if parts else pl.DataFrame(schema=empty | {"VALUE": pl.Float64, "TEXT": pl.String})


def _sources(inputs: Inputs) -> list[pl.DataFrame]:
    found = []
    for name in _DATASETS:
        frame = inputs.frame(name)
        if not set(frame.columns) >= _NEEDED:
            continue
        if name != _DATASETS[0] and "PARCAT1" in frame.columns:
            frame = frame.filter(pl.col("PARCAT1").str.to_uppercase().str.contains(_CATEGORY, literal=True))
        if frame.height:
            found.append(frame)
    return found


def _moments(inputs: Inputs, frame: pl.DataFrame) -> pl.DataFrame:
    """Baseline: the flagged record; resection: the last record from baseline on, up to the day after surgery."""
    has = set(frame.columns)
    adsl = inputs.subjects
    surgery = pl.col("SURGDT") if "SURGDT" in adsl.columns else pl.lit(None, pl.Date).alias("SURGDT")
    dated = frame.join(adsl.select("USUBJID", _SURG=surgery), on="USUBJID", how="left")
    base = pl.col("ABLFL") == "Y" if "ABLFL" in has else pl.col("AVISIT").str.to_uppercase() == "BASELINE"
    specimen = (
        pl.col("AVISIT").cast(pl.String).str.to_uppercase().str.contains("RESECTION|SURGERY")
        if "AVISIT" in has
        else pl.lit(False)
    )
    near = (pl.col("ADT") <= pl.col("_SURG") + pl.duration(days=1)) if "ADT" in has else pl.lit(False)
    text = pl.col("AVALC").cast(pl.String) if "AVALC" in has else pl.lit(None, pl.String)
    when = pl.when(base).then(pl.lit("BASELINE")).when(specimen | near).then(pl.lit("RESECTION"))
    told = dated.select(
        "USUBJID",
        "PARAMCD",
        PARAM=pl.col("PARAM") if "PARAM" in has else pl.col("PARAMCD"),
        WHEN=when,
        VALUE=pl.col("AVAL").cast(pl.Float64),
        TEXT=text,
        _AT=pl.col("ADT") if "ADT" in has else pl.lit(None, pl.Date),
    ).filter(pl.col("WHEN").is_not_null())
    last = told.sort("USUBJID", "PARAMCD", "WHEN", "_AT", nulls_last=False)
    return last.unique(["USUBJID", "PARAMCD", "WHEN"], keep="last", maintain_order=True).drop("_AT")


def _described(rows: pl.DataFrame) -> dict[str, Any]:
    """Baseline, resection and their change of one marker; words are counted where the values are no numbers."""
    wide = {w: rows.filter(pl.col("WHEN") == w) for w in ("BASELINE", "RESECTION")}
    if rows["VALUE"].null_count() == rows.height and rows["TEXT"].drop_nulls().len():
        return {name.lower(): counted(found["TEXT"]) if found.height else [] for name, found in wide.items()}
    both = wide["BASELINE"].join(wide["RESECTION"], on="USUBJID", suffix="_2")
    change = both.select(CHANGE=pl.col("VALUE_2") - pl.col("VALUE"))["CHANGE"]
    told = {name.lower(): describe(found["VALUE"]) for name, found in wide.items()}
    return told | {"change": describe(change)}
