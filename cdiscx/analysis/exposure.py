"""ADEXSUM in, the summary of exposure out: every parameter of every treatment described."""

from __future__ import annotations

from typing import Any

import polars as pl

from cdiscx.analysis.inputs import Inputs
from cdiscx.analysis.summary import describe

#: columns that may name the treatment of a record, the first that is there counts
_TREATMENT = ("EXTRT", "PARCAT1", "TRT", "ATRT", "TRTP")


def exposure(inputs: Inputs) -> dict[str, Any]:
    """One row for each treatment and parameter: n, mean, SD, median, quartiles, range."""
    population = inputs.population("SAFFL")
    head = {"population": population.flag, "label": population.label, "N": population.n}
    frame = inputs.frame("ADEXSUM", "USUBJID", "PARAMCD", "PARAM", "AVAL", "AVALU", *_TREATMENT)
    if not {"USUBJID", "PARAMCD", "AVAL"} <= set(frame.columns) or frame.is_empty():
        return head | {"text": "No exposure was derived.", "rows": []}
    treatment = next((c for c in _TREATMENT if c in frame.columns), None)
    param = pl.col("PARAM") if "PARAM" in frame.columns else pl.col("PARAMCD")
    if "AVALU" in frame.columns:  # the unit is part of the parameter: 85 mg/m2 and 150 mg are not averaged
        named = param.str.contains("(", literal=True) | pl.col("AVALU").is_null()
        param = pl.when(named).then(param).otherwise(pl.format("{} ({})", param, "AVALU"))
    rows = frame.join(population.subjects, on="USUBJID", how="semi").select(
        "PARAMCD",
        "AVAL",
        PARAM=param,
        TREATMENT=pl.col(treatment).cast(pl.String).fill_null("") if treatment else pl.lit(""),
    )
    groups = rows.sort("TREATMENT", "PARAMCD", "PARAM").partition_by(
        "TREATMENT", "PARAMCD", "PARAM", as_dict=True, maintain_order=True
    )
    told = [
        {"treatment": str(t), "paramcd": str(code), "param": str(param)} | describe(group["AVAL"])
        for (t, code, param), group in groups.items()
    ]
    return head | {"text": f"{len(told)} parameters of exposure.", "rows": told}
