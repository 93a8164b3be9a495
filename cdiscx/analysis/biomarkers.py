"""Biomarker records (BDS) in, values at baseline and at resection, their change, and both by responder status out.

Exploratory and descriptive: the protocols prescribe no test, so none is made and no p-value is given.
"""

from __future__ import annotations

from typing import Any

import polars as pl

from cdiscx.analysis.inputs import Inputs, Population
from cdiscx.analysis.proportions import judged_subjects
from cdiscx.analysis.summary import counted, describe

_DATASET = "ADBM"
_NEEDED = {"USUBJID", "PARAMCD", "AVAL", "AVISIT"}
_MOMENTS = ("BASELINE", "RESECTION")
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
    return head | {"text": f"{len(markers)} marker{'' if len(markers) == 1 else 's'}.", "markers": markers}


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
    frame = inputs.frame(_DATASET, "USUBJID", "PARAMCD", "PARAM", "AVISIT", "ADT", "ASEQ", "AVAL", "AVALC")
    has = set(frame.columns)
    if not has >= _NEEDED:
        return pl.DataFrame(
            schema={"USUBJID": pl.String, "PARAMCD": pl.String, "PARAM": pl.String, "WHEN": pl.String}
            | {"VALUE": pl.Float64, "TEXT": pl.String}
        )
    when = pl.col("AVISIT").cast(pl.String).str.to_uppercase()
    order = [c for c in ("USUBJID", "PARAMCD", "AVISIT", "ADT", "ASEQ") if c in has]
    rows = frame.filter(when.is_in(_MOMENTS)).sort(order)
    return rows.unique(["USUBJID", "PARAMCD", "AVISIT"], keep="last", maintain_order=True).select(
        "USUBJID",
        "PARAMCD",
        PARAM=pl.col("PARAM") if "PARAM" in has else pl.col("PARAMCD"),
        WHEN=when,
        VALUE=pl.col("AVAL").cast(pl.Float64),
        TEXT=pl.col("AVALC").cast(pl.String) if "AVALC" in has else pl.lit(None, pl.String),
    )


def _described(rows: pl.DataFrame) -> dict[str, Any]:
    """Baseline, resection and their change of one marker; words are counted where the values are no numbers."""
    wide = {w: rows.filter(pl.col("WHEN") == w) for w in _MOMENTS}
    if rows["VALUE"].null_count() == rows.height and rows["TEXT"].drop_nulls().len():
        return {name.lower(): counted(found["TEXT"]) if found.height else [] for name, found in wide.items()}
    both = wide["BASELINE"].join(wide["RESECTION"], on="USUBJID", suffix="_2")
    change = both.select(CHANGE=pl.col("VALUE_2") - pl.col("VALUE"))["CHANGE"]
    told = {name.lower(): describe(found["VALUE"]) for name, found in wide.items()}
    return told | {"change": describe(change)}
