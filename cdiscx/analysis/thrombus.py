"""ADSL and ADRS in, the shift of the thrombus class from baseline out (rows baseline, columns the selected assessment)."""

from __future__ import annotations

from typing import Any

import polars as pl

from cdiscx.analysis import words
from cdiscx.analysis.inputs import THROMBUS_CLASS, Inputs
from cdiscx.standards import pvtt

_UNKNOWN = "NOT KNOWN"
MAIN_CLASSES = tuple(pvtt.CHENG_ORDINAL)


def shift(inputs: Inputs) -> dict[str, Any] | None:
    """Main classes at baseline and at the assessment that was selected for the response; None in a study without them.

    `cells`: [baseline, then, n, subjects' numbers]; `order`: classes from none to the most extensive.
    """
    adsl = inputs.subjects
    if "PVTTBL" not in adsl.columns:
        return None
    population = inputs.population("FASFL")
    told = _then(inputs)
    subject = "SUBJID" if "SUBJID" in adsl.columns else "USUBJID"
    rows = (
        adsl.join(population.subjects, on="USUBJID", how="semi")
        .select("USUBJID", SUBJECT=pl.col(subject), BASE=_main(pl.col("PVTTBL")))
        .join(told, on="USUBJID", how="left")
        .with_columns(pl.col("BASE", "THEN").fill_null(_UNKNOWN))
        .sort("SUBJECT", "USUBJID")
    )
    cells = rows.group_by("BASE", "THEN").agg(n=pl.len(), who=pl.col("SUBJECT")).sort("BASE", "THEN")
    order = [*MAIN_CLASSES, _UNKNOWN]
    seen = set(rows["BASE"]) | set(rows["THEN"])
    told_text = f"Class at baseline and at the assessment selected for the response, {words.people(rows.height)}."
    return {
        "population": population.flag,
        "N": population.n,
        "order": [name for name in order if name in seen or name != _UNKNOWN],
        "cells": [{"baseline": b, "then": t, "n": int(n), "subjects": list(who)} for b, t, n, who in cells.iter_rows()],
        "text": told_text if told.height else "No class was recorded after baseline.",
    }


def _main(text: pl.Expr) -> pl.Expr:
    """The main class of an imaging class (IIa is II); null for anything else."""
    return pvtt.cheng_ordinal(text).replace_strict(
        list(pvtt.CHENG_ORDINAL.values()), list(pvtt.CHENG_ORDINAL), default=None, return_dtype=pl.String
    )


def _then(inputs: Inputs) -> pl.DataFrame:
    """USUBJID and THEN, the main class at the selected assessment."""
    _, rows = inputs.parameter(THROMBUS_CLASS)
    if "AVALC" not in rows.columns:
        return pl.DataFrame(schema={"USUBJID": pl.String, "THEN": pl.String})
    return rows.select("USUBJID", THEN=_main(pl.col("AVALC"))).drop_nulls()
