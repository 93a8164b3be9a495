"""ADEXSUM: exposure per subject and treatment - doses, cumulative dose, relative dose intensity, radiotherapy (section 8)."""

from __future__ import annotations

import polars as pl

from cdiscx import registry
from cdiscx.adam._context import Absent, Context, after
from cdiscx.adam._doses import fractions, totals
from cdiscx.adam._finish import Column, finish
from cdiscx.model.dataset import Dataset, ValueLevel

#: PARAMCD -> PARAM, unit (None: the drug's), method
_DRUG: dict[str, tuple[str, str | None, str]] = {
    "NDOSE": ("Number of Doses", None, "Administrations: days of a daily drug (every second day for QOD), infusions by their dates."),
    "CUMDOSE": ("Cumulative Dose", None, "Sum of dose x administrations."),
    "PLANDOSE": (
        "Planned Cumulative Dose", None,
        "Protocol dose over the days from first to last dose less the days of HOLDDAYS; infusions: days / interval + 1, the "
        "hold counted beyond one interval; start dose by baseline weight where the protocol says so.",
    ),
    "DUR": ("Duration of Exposure (Days)", "DAYS", "Last dose - first dose + 1."),
    "RDI": ("Relative Dose Intensity (%)", "%", "100 x CUMDOSE / PLANDOSE."),
    "NINT": (
        "Number of Interruptions", None,
        "Gaps of a daily drug, and infusions later than interval + window after the last, the hold around surgery left out.",
    ),
    "NRED": ("Number of Dose Reductions", None, "Records with a lower dose (for daily drugs dose a day) than the record before."),
    "HOLDDAYS": ("Days of Hold Around Surgery", "DAYS", "Days without the drug between its last dose before and first dose after surgery."),
}  # fmt: skip
_RADIO: dict[str, tuple[str, str | None, str]] = {
    "RTTOT": ("Total Radiation Dose (Gy)", "Gy", "Sum over fractions, or the course's total."),
    "RTFX": ("Number of Radiotherapy Fractions", None, "Count of fractions, or the course's count."),
    "RTDAYS": ("Overall Radiotherapy Time (Days)", "DAYS", "Last fraction - first fraction + 1."),
}
_OF = {
    "DRUG": ("EX.EXDOSE", "EX.EXDOSFRQ", "EX.EXSTDTC", "EX.EXENDTC"),
    "RADIO": ("PR.PRDOSE", "PR.PRSTDTC", "PR.PRENDTC"),
}


@registry.dataset("ADEXSUM")
@after("ADSL")
def adexsum(ctx: Context) -> Dataset | Absent:
    """Exposure summary; one record per subject, treatment and parameter."""
    if "EX" not in ctx.sdtm and "PR" not in ctx.sdtm:
        return Absent("there is neither an EX nor a PR domain")
    drugs = _long(totals(ctx), _DRUG, "EX").with_columns(
        AVALU=pl.when(pl.col("PARAMCD").is_in(["CUMDOSE", "PLANDOSE"])).then("UNIT").otherwise("AVALU")
    )
    radio = _long(fractions(ctx).with_columns(UNIT=pl.lit(None, dtype=pl.String)), _RADIO, "PR")
    rows = pl.concat([drugs, radio])
    present = [c for c in (*_DRUG, *_RADIO) if c in set(rows["PARAMCD"])]
    return finish(
        ctx,
        "ADEXSUM",
        rows,
        _columns(),
        label="Exposure Summary Analysis Dataset",
        klass="BASIC DATA STRUCTURE",
        structure="One record per subject per treatment per parameter",
        keys=("STUDYID", "USUBJID", "EXTRT", "PARAMCD"),
        sort=("EXTRT", "_n"),
        values=tuple(_level(code) for code in present),
        origin={f"{c}/AVAL": _OF["DRUG" if c in _DRUG else "RADIO"] for c in present},
    )


def _long(wide: pl.DataFrame, parameters: dict[str, tuple[str, str | None, str]], domain: str) -> pl.DataFrame:
    """One row per parameter that has a value."""
    return pl.concat(
        wide.select(
            "USUBJID", "EXTRT", "UNIT", "_from",
            PARAMCD=pl.lit(code), PARAM=pl.lit(label), AVAL=pl.col(code).cast(pl.Float64), AVALU=pl.lit(unit, dtype=pl.String),
            ASTDT="FIRST", AENDT="LAST", SRCDOM=pl.lit(domain), _n=pl.lit(n),
        ).drop_nulls("AVAL")
        for n, (code, (label, unit, _)) in enumerate(parameters.items())
    )  # fmt: skip


def _level(code: str) -> ValueLevel:
    label, _, method = {**_DRUG, **_RADIO}[code]
    kind = "integer" if code in ("NDOSE", "DUR", "NINT", "NRED", "HOLDDAYS", "RTFX", "RTDAYS") else "float"
    return ValueLevel(
        "AVAL", (("PARAMCD", "EQ", (code,)),), label, "integer" if kind == "integer" else "float",
        origin="Derived", source="Sponsor", method=method,
    )  # fmt: skip


def _columns() -> tuple[Column, ...]:
    both = (*_OF["DRUG"], *_OF["RADIO"])
    return (
        Column("EXTRT", "Name of Treatment", of=("EX.EXTRT", "PR.PRTRT"), method="EX.EXTRT or PR.PRTRT in upper case.", core="Perm"),
        Column("PARAMCD", "Parameter Code", core="Req"),
        Column("PARAM", "Parameter", core="Req"),
        Column("AVAL", "Analysis Value", "float", of=both, method="By parameter, see value-level metadata.", core="Cond"),
        Column("AVALU", "Analysis Value Unit", of=("EX.EXDOSU",), method="Unit of AVAL; the drug's for doses."),
        Column("ASTDT", "Analysis Start Date", "date", of=("EX.EXSTDTC", "PR.PRSTDTC"), method="First dose or fraction.", core="Cond"),
        Column(
            "AENDT", "Analysis End Date", "date", of=("EX.EXENDTC", "PR.PRENDTC"), core="Cond",
            method="Last dose or fraction; an interval collected as ongoing ends at the cut-off or at death.",
        ),
        Column("SRCDOM", "Source Data", core="Perm"),
    )  # fmt: skip
