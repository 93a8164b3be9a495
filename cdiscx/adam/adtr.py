"""ADTR: sizes of target lesions, their sums, changes from baseline and nadir, best change (adam-derivations 4)."""

from __future__ import annotations

import polars as pl

from cdiscx import registry
from cdiscx.adam._context import Absent, Context, after
from cdiscx.adam._course import course
from cdiscx.adam._finish import NY, Column, finish
from cdiscx.adam._sums import derive_param_best_change, derive_param_lesions, derive_param_sums
from cdiscx.model.dataset import Dataset, ValueLevel
from cdiscx.standards.dates import study_day

_KINDS = {
    "LD": ("Longest Diameter", "TR.TRSTRESN where TRTESTCD is LDIAM (or DIAMETER of a lesion that is no node)."),
    "SA": ("Short Axis", "TR.TRSTRESN where TRTESTCD is LPERP (or DIAMETER of a lymph node)."),
    "VD": ("Viable Diameter", "TR.TRSTRESN where TRTESTCD is VDIAM."),
}
_FIXED = {
    "SUMDIAM": (
        "Sum of Diameters of Target Lesions (mm)",
        "Sum over the targets of the baseline: longest diameter, short axis of nodes; null where a target has no value.",
    ),
    "SUMVDIA": (
        "Sum of Viable Diameters of Target Lesions (mm)",
        "Sum over the targets of the baseline: viable diameter in the liver, RECIST diameter elsewhere; null where a target has no value.",
    ),
    "NTGT": ("Number of Target Lesions Measured", "Targets of the baseline that have a value at the time point."),
    "BPCHG": (
        "Best Percent Change in Sum of Diameters",
        "Smallest PCHG of the sum that the criterion judges by, up to the earliest of first PD, the day before surgery and new anti-cancer therapy.",
    ),
}


@registry.dataset("ADTR")
@after("ADSL")
def adtr(ctx: Context) -> Dataset | Absent:
    """Tumour measurements analysis dataset."""
    found = course(ctx)
    if found.lesions.is_empty():
        return Absent("no lesion was measured: there are no TR records of lesions")
    sums = derive_param_sums(ctx, found)
    pieces = [*derive_param_lesions(ctx, found), *sums, *derive_param_best_change(ctx, found, sums)]
    filled = [p for p in pieces if p.height]
    if not filled:
        return Absent("no lesion was measured in a subject of ADSL")
    frame = pl.concat(filled, how="diagonal")
    people = ctx.adsl.select(SUBJID="USUBJID", _start="TRTSDT")
    frame = frame.join(people, on="SUBJID", how="inner", maintain_order="left").with_columns(
        USUBJID="SUBJID", EVALR="EVAL", AVISIT="VISIT", AVISITN="VISITNUM", ADY=study_day(pl.col("ADT"), pl.col("_start")),
    )  # fmt: skip
    frame = _labelled(frame)
    return finish(
        ctx, "ADTR", frame, _columns(), label="Tumor Measurements Analysis Dataset", klass="BASIC DATA STRUCTURE",
        structure="One record per subject, parameter, evaluator, baseline type, analysis date and visit",
        keys=("STUDYID", "USUBJID", "PARAMCD", "EVALR", "BASETYPE", "ADT", "AVISITN"),
        sort=("PARAMCD", "ADT", "AVISITN", "EVALR", "BASETYPE", "SRCSEQ"), values=_values(frame),
    )  # fmt: skip


def _labelled(frame: pl.DataFrame) -> pl.DataFrame:
    codes = frame["PARAMCD"].unique().to_list()
    table = {"PARAMCD": codes, "PARAM": [_param(c) for c in codes]}
    category = pl.when(pl.col("PARAMCD").is_in(list(_FIXED))).then(pl.lit("TARGET LESIONS")).otherwise(pl.lit("LESION"))
    named = pl.DataFrame(table, schema={"PARAMCD": pl.String, "PARAM": pl.String})
    return frame.join(named, on="PARAMCD", how="left", maintain_order="left").with_columns(PARCAT1=category)


def _param(code: str) -> str:
    if code in _FIXED:
        return _FIXED[code][0]
    return f"Target Lesion {int(code[2:])} {_KINDS[code[:2]][0]} (mm)"


def _columns() -> tuple[Column, ...]:
    """Every variable of ADTR after ADSL's core."""
    return (
        Column("PARAMCD", "Parameter Code", core="Req"),
        Column("PARAM", "Parameter", core="Req"),
        Column("PARCAT1", "Parameter Category 1", core="Perm"),
        Column("TRLNKID", "Link ID", of=("TR.TRLNKID",)),
        Column("EVALR", "Evaluator", of=("TR.TREVAL", "TR.TREVALID"), method="The named assessor, else the evaluator; investigator where none is named."),
        Column("BASETYPE", "Baseline Type", core="Cond", method="POST-OPERATIVE for assessments after the hepatectomy, which have a baseline of their own; PRE-TREATMENT for those before."),
        Column("AVISIT", "Analysis Visit", of=("TR.VISIT",), core="Cond"),
        Column("AVISITN", "Analysis Visit (N)", "float", of=("TR.VISITNUM",), core="Perm"),
        Column("ADT", "Analysis Date", "date", of=("TR.TRDTC", "RS.RSDTC"), core="Cond", method="Lesions: date of the scan. Sums: earliest scan date of the time point for progression, latest otherwise."),
        Column("ADY", "Analysis Relative Day", "integer", of=("ADSL.TRTSDT",), core="Cond", method="ADT - TRTSDT + 1 on or after TRTSDT, otherwise ADT - TRTSDT."),
        Column("AVAL", "Analysis Value", "float", of=("TR.TRSTRESN",), core="Cond", method="By parameter, see value level."),
        Column("ABLFL", "Baseline Record Flag", codelist=NY, core="Cond", method="Y on the baseline of the record's BASETYPE: last assessment on or before first treatment; first imaging after surgery."),
        Column("BASE", "Baseline Value", "float", core="Cond", method="AVAL where ABLFL = Y, of the same parameter, evaluator and BASETYPE."),
        Column("CHG", "Change from Baseline", "float", core="Cond", method="AVAL - BASE."),
        Column("PCHG", "Percent Change from Baseline", "float", core="Perm", method="100 x (AVAL - BASE) / BASE."),
        Column("NADIR", "Nadir Value", "float", method="Smallest complete AVAL at earlier time points of the same BASETYPE, baseline included."),
        Column("CHGNAD", "Change from Nadir", "float", method="AVAL - NADIR."),
        Column("PCHGNAD", "Percent Change from Nadir", "float", method="100 x (AVAL - NADIR) / NADIR; null where NADIR is 0."),
        Column("PSUM", "Partial Sum", "float", method="Sum of what was measured, where a target has no value."),
        Column("AVALSITE", "Analysis Value by Site", "float", of=("TR.TRSTRESN",), method="The sum that the site delivered (TRTESTCD SUMDIAM or SUMVDIAM)."),
        Column("SITEDIFF", "Difference from Site Value", "float", method="AVAL - AVALSITE."),
        Column("CRIT1", "Analysis Criterion 1", core="Perm"),
        Column("CRIT1FL", "Criterion 1 Evaluation Result Flag", codelist=NY, core="Cond", method="Y where CRIT1 is met, decided on unrounded values."),
        Column("CRIT2", "Analysis Criterion 2", core="Perm"),
        Column("CRIT2FL", "Criterion 2 Evaluation Result Flag", codelist=NY, core="Cond", method="Y where CRIT2 is met, decided on unrounded values."),
        Column("ANL01FL", "Analysis Flag 01", codelist=NY, core="Cond", method="Y where AVAL is complete at an assessment that counts."),
        Column("SRCDOM", "Source Data", core="Perm"),
        Column("SRCVAR", "Source Variable", core="Perm"),
        Column("SRCSEQ", "Source Sequence Number", "integer", core="Perm"),
    )  # fmt: skip


def _values(frame: pl.DataFrame) -> tuple[ValueLevel, ...]:
    """Value-level metadata of AVAL per parameter that the dataset holds."""
    out = []
    for code in sorted(frame["PARAMCD"].unique().to_list()):
        text = _FIXED[code][1] if code in _FIXED else _KINDS[code[:2]][1]
        out.append(
            ValueLevel(
                "AVAL", (("PARAMCD", "EQ", (code,)),), _param(code), "integer" if code == "NTGT" else "float",
                origin="Derived", source="Sponsor", method=text,
            )
        )  # fmt: skip
    return tuple(out)
