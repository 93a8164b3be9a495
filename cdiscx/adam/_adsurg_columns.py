"""The variables and parameters of ADSURG: labels, sources and methods, as the study's windows make them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from cdiscx.adam._context import Context
from cdiscx.adam._finish import Column
from cdiscx.adam._words import sources, where

#: parameter -> its text, in order; the endpoint's own label stands in where the study gives one
_PARAMS: Mapping[str, str] = {
    "MORT30": "Death Within 30 Days of Surgery",
    "COMPANY": "Any Surgical Complication",
    "COMPMAJ": "Major Surgical Complication",
    "CDGRMAX": "Highest Clavien-Dindo Grade",
    "REOP": "Reoperation",
    "LOS": "Length of Stay After Surgery (Nights)",
    "READM": "Readmission",
    "RSTAT": "Residual Tumor Status",
    "R0": "R0 Resection",
    "MPR": "Major Pathological Response",
    "PCR": "Pathological Complete Response",
    "VIABPCT": "Viable Tumor in Specimen (%)",
    "SURGINT": "Days from Last Pre-operative Dose to Surgery",
}
_WITH = {"RSTAT": ("R0",), "VIABPCT": ("MPR", "PCR")}
_OWN_LABEL = ("LOS", "RSTAT", "VIABPCT", "SURGINT")
_SPECIMEN = ("MPR", "PCR", "VIABPCT")

ORIGIN: Mapping[str, tuple[str, ...]] = {
    "MORT30": ("ADSL.DTHDT", "ADSL.SURGDT", "ADSL.LSTALVDT"),
    "COMPANY": ("AE.AESTDTC", "ADSL.SURGDT"),
    "COMPMAJ": ("SUPPAE.AECDGR", "AE.AESTDTC", "ADSL.SURGDT"),
    "CDGRMAX": ("SUPPAE.AECDGR", "AE.AESTDTC", "ADSL.SURGDT"),
    "REOP": ("PR.PRSTDTC", "ADSL.SURGDT"),
    "LOS": ("ADSL.DISCHDT", "ADSL.DTHDT", "ADSL.SURGDT"),
    "READM": ("HO.HOSTDTC", "ADSL.DISCHDT", "ADSL.SURGDT"),
    "RSTAT": ("ADSL.RSTAT",),
    "R0": ("ADSL.RSTAT",),
    "MPR": ("MI.MISTRESN",),
    "PCR": ("MI.MISTRESN",),
    "VIABPCT": ("MI.MISTRESN",),
    "SURGINT": ("EX.EXENDTC", "PR.PRENDTC", "ADSL.SURGDT"),
}


def parameters(ctx: Context) -> dict[str, str]:
    """PARAMCD -> PARAM of the parameters that are made for this study, in order; none when it has no such endpoint."""
    named = [code for code in _PARAMS if code in ctx.study.endpoints]
    if not named:
        return {}
    specimen = _SPECIMEN if ctx.sdtm.get("MI") is not None else ()
    made = [
        code
        for code in _PARAMS
        if code in named or code == "SURGINT" or code in specimen or any(w in named for w in _WITH.get(code, ()))
    ]
    return {code: _label(ctx, code) for code in made}


def _label(ctx: Context, code: str) -> str:
    endpoint = ctx.endpoint(code)
    return endpoint.label if endpoint is not None and code not in _OWN_LABEL else _PARAMS[code]


def _complication(ctx: Context) -> str:
    days = int(ctx.p("complication_days", 90))
    return f"ADAE record with AESURGFL = Y or a Clavien-Dindo grade and ASTDT from SURGDT to SURGDT + {days} days"


def _readmission(ctx: Context) -> str:
    if str(ctx.p("readmission_from", "DISCHARGE")).upper() == "SURGERY":
        limit = f"SURGDT + {int(ctx.p('complication_days', 90))} days"
    else:
        limit = f"DISCHDT + {int(ctx.p('readmission_days', 30))} days"
    return f"Y if a hospital stay begins after DISCHDT and on or before {limit}; N otherwise; null for subjects who were not discharged."


def _mpr(ctx: Context) -> str:
    return (
        f"Y if viable tumor is at most {ctx.p('mpr_max_pct', 10)} %, boundary included: overall value, else size-weighted mean "
        "of the nodules; known without sizes where all nodules stand on one side."
    )


METHODS: Mapping[str, Callable[[Context], str]] = {
    "MORT30": lambda c: (
        f"Y if 0 <= DTHDT - SURGDT <= {int(c.p('mortality_days', 30))}; N if known alive then or dead later; otherwise null."
    ),
    "COMPANY": lambda c: f"Y if any {_complication(c)}; otherwise N.",
    "COMPMAJ": lambda c: f"Y if any {_complication(c)} has grade IIIa or higher; otherwise N.",
    "CDGRMAX": lambda c: f"Highest grade of any {_complication(c)}; AVAL 1 (I) to 7 (V); NONE (0) without one.",
    "REOP": lambda c: (
        f"Y if {sources(c.study.analysis.reoperation)} under anesthesia from SURGDT to SURGDT + "
        f"{int(c.p('reoperation_days', 90))} days; otherwise N."
    ),
    "LOS": lambda c: "DISCHDT - SURGDT; to DTHDT for a subject who died in hospital.",
    "READM": _readmission,
    "RSTAT": lambda c: "ADSL.RSTAT; AVAL 0, 1, 2 for R0, R1, R2.",
    "R0": lambda c: "Y if RSTAT is R0; N otherwise, RX and missing included.",
    "MPR": _mpr,
    "PCR": lambda c: "Y if viable tumor is 0 % in everything examined, thrombus included; otherwise N.",
    "VIABPCT": lambda c: (
        f"MISTRESN where MITESTCD is {where(c.study.analysis.viable)}: overall value, else the only nodule's, else "
        "sum(percent x diameter) / sum(diameter)."
    ),
    "SURGINT": lambda c: "SURGDT - last dose or fraction before SURGDT.",
}


def columns(ctx: Context) -> tuple[Column, ...]:
    """Every variable of ADSURG after identifiers and core."""
    of = tuple(dict.fromkeys(v for code in parameters(ctx) for v in ORIGIN[code]))
    by = "By parameter, see value-level metadata."
    return (
        Column("PARAMCD", "Parameter Code", core="Req"),
        Column("PARAM", "Parameter", core="Req"),
        Column("AVAL", "Analysis Value", "float", of=of, method=f"{by} Y is 1, N is 0.", core="Cond"),
        Column("AVALC", "Analysis Value (C)", of=of, method=by, core="Cond"),
        Column(
            "AVALCAT1", "Analysis Value Category 1", of=("ADSL.LSTALVDT", "ADSL.DTHDT", "ADSL.RSTAT"), core="Perm",
            method="For an N within a window: whether the subject was followed for all of it; LOS: died in hospital; R0: why not.",
        ),
        Column("SURGDT", "Date of Index Surgery", "date", of=("ADSL.SURGDT",)),
        Column("ADT", "Analysis Date", "date", of=of, method="Date of the record that gave AVAL; for an N of MORT30 the last day of the window.", core="Cond"),
        Column(
            "ADY", "Analysis Relative Day", "integer", of=("ADSL.TRTSDT",), core="Cond",
            method="ADT - TRTSDT + 1 from TRTSDT on, otherwise ADT - TRTSDT; there is no day 0.",
        ),
        Column("SRCDOM", "Source Data", core="Perm"),
        Column("SRCVAR", "Source Variable", core="Perm"),
        Column("SRCSEQ", "Source Sequence Number", "integer", core="Perm"),
    )  # fmt: skip
