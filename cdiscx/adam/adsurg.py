"""ADSURG: surgical safety and the result of the operation, resected subjects (trial B 8.5, 8.6, 8.8; adam-derivations 8)."""

from __future__ import annotations

import polars as pl

from cdiscx import registry
from cdiscx.adam import _surgery as s
from cdiscx.adam._adsurg_columns import METHODS, ORIGIN, columns, parameters
from cdiscx.adam._context import Absent, Context, after
from cdiscx.adam._finish import finish
from cdiscx.model.dataset import Dataset, ValueLevel
from cdiscx.standards.dates import study_day

_TEXT = ("CDGRMAX", "RSTAT")
_WHOLE = ("LOS", "SURGINT")


@registry.dataset("ADSURG")
@after("ADSL", "ADAE")
def adsurg(ctx: Context) -> Dataset | Absent:
    """One record per resected subject and parameter; a parameter is made when the study names it among its endpoints.

    The length of the pre-operative interval goes with any of them, R status with R0, viable tumour with MPR or pCR; MPR,
    pCR and viable tumour also where a specimen was examined although the study does not ask for them.
    """
    asked = parameters(ctx)
    if not asked:
        return Absent("the study file has no endpoint of the operation")
    resected = ctx.adsl.filter(pl.col("RESFL") == "Y").select(
        "USUBJID", "SURGDT", "DISCHDT", "DTHDT", "DTHFL", "LSTALVDT", "RSTAT", "TRTSDT", "_from"
    )
    makers = {
        "MORT30": s.mortality,
        "COMPANY": s.complications,
        "CDGRMAX": s.complications,
        "COMPMAJ": s.complications,
        "REOP": s.reoperation,
        "LOS": s.stay,
        "READM": s.readmission,
        "RSTAT": s.residual,
        "R0": s.residual,
        "VIABPCT": s.pathology,
        "MPR": s.pathology,
        "PCR": s.pathology,
        "SURGINT": s.interval,
    }
    wanted = dict.fromkeys(makers[code] for code in asked)
    rows = pl.concat([maker(ctx, resected) for maker in wanted]).filter(pl.col("PARAMCD").is_in(list(asked)))
    rows = rows.join(resected.select("USUBJID", "TRTSDT", "SURGDT"), on="USUBJID", maintain_order="left").with_columns(
        PARAM=pl.col("PARAMCD").replace_strict(asked, default=None, return_dtype=pl.String),
        ADY=study_day(pl.col("ADT"), pl.col("TRTSDT")),
        _n=pl.col("PARAMCD").replace_strict({c: i for i, c in enumerate(asked)}, default=None, return_dtype=pl.Int32),
    )
    return finish(
        ctx,
        "ADSURG",
        rows,
        columns(ctx),
        label="Surgical Outcome Analysis Dataset",
        klass="BASIC DATA STRUCTURE",
        structure="One record per subject per parameter",
        keys=("STUDYID", "USUBJID", "PARAMCD"),
        sort=("_n",),
        values=tuple(v for code, label in asked.items() for v in _levels(ctx, code, label)),
        origin={f"{code}/AVAL": ORIGIN[code] for code in asked} | {f"{code}/AVALC": ORIGIN[code] for code in asked},
    )


def _levels(ctx: Context, code: str, label: str) -> tuple[ValueLevel, ...]:
    method = METHODS[code](ctx)
    where = (("PARAMCD", "EQ", (code,)),)
    text = ValueLevel(
        "AVALC", where, label, "text", codelist=None if code in _TEXT else "C66742", origin="Derived", source="Sponsor", method=method
    )  # fmt: skip
    number = ValueLevel(
        "AVAL", where, label, "float" if code == "VIABPCT" else "integer", origin="Derived", source="Sponsor", method=method
    )  # fmt: skip
    return (number,) if code in _WHOLE or code == "VIABPCT" else (text, number)
