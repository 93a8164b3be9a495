"""Portal vein thrombus and composite response before surgery, derived from Cheng classes and lesions (trial-b 8.7)."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from cdiscx.model.spec import Study
from cdiscx.registry import view
from cdiscx.standards.nontarget import nontarget_response
from cdiscx.standards.organs import INTRAHEPATIC
from cdiscx.standards.overall import overall_from_components
from cdiscx.standards.pvtt import composite as composite_of
from cdiscx.standards.pvtt import pvtt_response, staging_steps
from cdiscx.views.judged_lesions import POINT
from cdiscx.views.timepoints import criterion_of

THROMBUS = "PORTAL VEIN"
_LIVER = [name for name in INTRAHEPATIC if name != THROMBUS]
_SHAPE = {
    **dict.fromkeys(
        ("SUBJID", "EVAL", "BASETYPE", "VISIT", "BASECLS", "PREVCLS", "PREVVISIT", "PVTTCLS", "FLOWREST", "PVTTRESP",
         "COMPRESP", "DPVTTRESP", "PVTTRULE", "PRIMNTRG", "PRIMNEW", "PRIMRSP", "PRIMRULE", "DCOMPRESP", "CELL",
         "SITEPRIM", "SITECOMP"), pl.String),
    **dict.fromkeys(("RSRID", "BASERID", "PREVRID"), pl.UInt32),
    "TP": pl.Int32, "DAT": pl.Date, "STEPS": pl.Int8, "CHANGE": pl.Int8,
}  # fmt: skip


@view(
    "composite",
    of=("timepoints", "judged_lesions", "subjects.PVTTCLS", "responses.PVTTCLS", "responses.FLOWREST", "responses.PVTTRESP",
        "responses.COMPRESP"),
    requires=("targets", "subjects.PVTTCLS", "responses.PVTTCLS"),
)  # fmt: skip
def composite(
    study: Study, timepoints: pl.LazyFrame, judged_lesions: pl.LazyFrame, tables: Mapping[str, pl.LazyFrame]
) -> pl.LazyFrame:
    """One row per pre-operative assessment with a Response row: classes, PVTT response, primary tumour, composite.

    BASECLS and BASERID (Demographics), PVTTCLS, FLOWREST, PVTTRESP, COMPRESP (the site's), PREVCLS (last class before,
    baseline included), STEPS (classes since baseline) and CHANGE (since PREVCLS), DPVTTRESP and PVTTRULE (CHP-1 to 8;
    without a class the site's own response), PRIMNTRG, PRIMNEW, PRIMRSP, PRIMRULE (mRECIST target and intrahepatic
    non-targets without the thrombus, an unequivocal new intrahepatic lesion is PD; null where no lesion of it was ever
    recorded), DCOMPRESP and CELL; SITEPRIM and SITECOMP: the same with the site's own target response. Source: trial-b 7
    and 8.7.
    """
    columns = ("PVTTCLS", "FLOWREST", "PVTTRESP", "COMPRESP")
    has = tables["responses"].collect_schema().names()
    if "PVTTCLS" not in has or "PVTTCLS" not in tables["subjects"].collect_schema().names():
        return pl.LazyFrame(schema=_SHAPE)
    site = tables["responses"].select(
        pl.col("_rid").alias("RSRID"),
        *(pl.col(c) if c in has else pl.lit(None, dtype=pl.String).alias(c) for c in columns),
    )
    base = tables["subjects"].group_by("SUBJID").agg(BASECLS=pl.col("PVTTCLS").first(), BASERID=pl.col("_rid").first())
    points = timepoints.filter(pl.col("BASETYPE") == "PRE-TREATMENT", pl.col("TP") > 0, pl.col("RSRID").is_not_null())
    rows = points.join(site, on="RSRID", how="left").join(base, on="SUBJID", how="left")
    rows = _with_liver(rows, study, judged_lesions, timepoints)
    return _judged(rows, study).select(*(pl.col(name).cast(dtype) for name, dtype in _SHAPE.items()))


def _with_liver(
    rows: pl.LazyFrame, study: Study, judged_lesions: pl.LazyFrame, timepoints: pl.LazyFrame
) -> pl.LazyFrame:
    """PRIMNTRG, PRIMNEW and _has_nt: what the liver shows without the thrombus."""
    inside = judged_lesions.filter(pl.col("ORGAN").is_in(_LIVER), ~pl.col("NODAL"))
    states = inside.filter(pl.col("CLASS") == "NON-TARGET").select(
        *POINT, "NODAL", "PORTA", VALUE="SIZE", LESION="LESID", STATE="TRSTATUS", RID="_rid"
    )
    others = nontarget_response(states, criterion_of(study), timepoints.select(*POINT)).select(
        *POINT, PRIMNTRG="NTRGRESP", _has_nt=pl.col("N_EXPECTED") > 0
    )
    seen = inside.filter(pl.col("CLASS") == "NEW").group_by(POINT).agg(_liver_new=pl.col("LESID"))
    joined = rows.join(others, on=POINT, how="left", nulls_equal=True).join(
        seen, on=POINT, how="left", nulls_equal=True
    )
    names = pl.col("NEW_LESIONS").fill_null(pl.lit([], dtype=pl.List(pl.String)))
    both = (
        names.list.set_intersection(pl.col("_liver_new").fill_null(pl.lit([], dtype=pl.List(pl.String)))).list.len() > 0
    )
    return joined.with_columns(PRIMNEW=pl.when(both).then(pl.lit("Y")).otherwise(pl.lit("N")))


def _judged(rows: pl.LazyFrame, study: Study) -> pl.LazyFrame:
    subtypes = bool(study.parameters.get("pvtt_use_subtypes", False))
    gone = bool(study.parameters.get("pvtt_gone_is_cr", False))
    base, now = pl.col("BASECLS"), pl.col("PVTTCLS")
    derived, rule = pvtt_response(base, now, pl.col("FLOWREST"), use_subtypes=subtypes)
    by_site = now.is_null() & pl.col("PVTTRESP").is_not_null()
    ordered = rows.sort("SUBJID", "EVAL", "TP").with_columns(
        DPVTTRESP=pl.when(by_site).then("PVTTRESP").otherwise(derived), PVTTRULE=pl.when(~by_site).then(rule)
    )
    who = ("SUBJID", "EVAL")
    last = {
        "PREVCLS": now,
        "PREVVISIT": pl.when(now.is_not_null()).then("VISIT"),
        "PREVRID": pl.when(now.is_not_null()).then("RSRID"),
    }
    ordered = ordered.with_columns(e.forward_fill().shift(1).over(who).alias(n) for n, e in last.items())
    ordered = ordered.with_columns(pl.coalesce("PREVCLS", "BASECLS").alias("PREVCLS"))
    c = criterion_of(study)
    unseen = ~pl.col("HAS_TARGET") & ~pl.col("_has_nt").fill_null(False) & (pl.col("PRIMNEW") == "N")
    for target, response, source in (("DTRGRESP", "PRIMRSP", "PRIMRULE"), ("TRGRESP", "SITEPRIM", "_rule")):
        word, by = overall_from_components(
            c,
            target=target,
            nontarget="PRIMNTRG",
            new="PRIMNEW",
            has_target=pl.col("HAS_TARGET"),
            has_nontarget=pl.col("_has_nt"),
        )
        known = {response: word, source: by}
        ordered = ordered.with_columns(pl.when(~unseen).then(e).alias(n) for n, e in known.items())
    whole, cell = composite_of(pl.col("PRIMRSP"), pl.col("DPVTTRESP"), now=now, gone_is_cr=gone)
    by_target, _ = composite_of(pl.col("SITEPRIM"), pl.col("DPVTTRESP"), now=now, gone_is_cr=gone)
    return ordered.with_columns(
        DCOMPRESP=whole,
        CELL=cell,
        SITECOMP=by_target,
        STEPS=staging_steps(base, now, use_subtypes=subtypes),
        CHANGE=staging_steps(pl.col("PREVCLS"), now, use_subtypes=subtypes),
    )
