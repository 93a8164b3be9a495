"""Derived responses: every time point judged from its lesions by the study's criterion, with operands and rule ids."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from cdiscx.model.spec import Study
from cdiscx.registry import view
from cdiscx.standards.criterion import Criterion, criterion
from cdiscx.standards.overall import overall_response
from cdiscx.standards.recist import new_lesion_status, nontarget_response, target_response

SEGMENT = ("SUBJID", "EVAL", "BASETYPE")
POINT = (*SEGMENT, "TP")


def criterion_of(study: Study) -> Criterion:
    """The study's response criterion with its own numbers; RECIST 1.1 where the study names none."""
    if study.criterion is None:
        return criterion("RECIST 1.1")
    return criterion(study.criterion.name, **study.criterion.overrides)


def judged_points(assessments: pl.LazyFrame) -> pl.LazyFrame:
    """The time points that enter the response tables: baselines and what follows them."""
    return assessments.filter(pl.col("ROLE") != "PRIOR", pl.col("TP") >= 0)


def _placed(lesions: pl.LazyFrame, points: pl.LazyFrame, resected: pl.LazyFrame) -> pl.LazyFrame:
    """Lesion rows with their segment and time point; what was resected is not of the post-operative set."""
    where = points.select("SUBJID", "EVAL", "VISIT", "BASETYPE", "TP", "ROLE")
    rows = lesions.join(where, on=["SUBJID", "EVAL", "VISIT"], how="inner")
    gone = rows.join(resected, on=["SUBJID", "LESID"], how="left").join(
        resected.rename({"LESID": "PARENT", "_gone": "_parent_gone"}), on=["SUBJID", "PARENT"], how="left"
    )
    out = (pl.col("_gone").fill_null(False) | pl.col("_parent_gone").fill_null(False)) & (
        pl.col("BASETYPE") == "POST-OPERATIVE"
    )
    return gone.filter(~out).drop("_gone", "_parent_gone")


def _resected(tables: Mapping[str, pl.LazyFrame]) -> pl.LazyFrame:
    """SUBJID, LESID of the lesions that an operation is said to have taken away."""
    shape = {"SUBJID": pl.String, "LESID": pl.String, "_gone": pl.Boolean}
    if "procedures" not in tables or "RESLES" not in tables["procedures"].collect_schema().names():
        return pl.LazyFrame(schema=shape)
    listed = tables["procedures"].select("SUBJID", LESID="RESLES").explode("LESID").drop_nulls().unique()
    return listed.with_columns(_gone=pl.lit(True))


@view(
    "timepoints",
    of=("lesions", "assessments", "procedures.RESLES", "responses.NEWLIND"),
    requires=("targets", "subjects"),
)
def timepoints(study: Study, tables: Mapping[str, pl.LazyFrame]) -> pl.LazyFrame:
    """One row per time point with what the lesions say.

    DTRGRESP, DTRGRULE and the operands (SUM, PSUM, BASE, NADIR, NADIR_TP, NADIR_VISIT, CHG, PCHG, CHGNAD, PCHGNAD,
    N_EXPECTED, N_MISSING, MISSING, RIDS), DNTRGRESP, DNTRGRULE, NT_MISSING, NT_PROGRESSED, NT_RIDS, DNEWL, NEWRULE,
    NEW_RIDS, CONFIRMED_FROM, DOVRLRESP, DOVRLRULE, HAS_TARGET, HAS_NONTARGET; lengths in mm, changes in mm and percent.
    Source: response-criteria sections 1 and 3; a new lesion that the site flags without a record counts as one
    (MEA-016 asks for the record).
    """
    c = criterion_of(study)
    points = judged_points(tables["assessments"])
    rows = _placed(tables["lesions"], points, _resected(tables))
    every = points.select(*POINT)
    values = rows.filter(pl.col("CLASS") == "TARGET").select(
        *POINT, "NODAL", "PORTA", "VALUE", "PARENT", LESION="LESID", RID="_rid"
    )
    targets = target_response(values, c, every).rename({"TRGRESP": "DTRGRESP", "TRGRULE": "DTRGRULE"})
    states = rows.filter(pl.col("CLASS") == "NON-TARGET").select(
        *POINT, "NODAL", "PORTA", VALUE="SIZE", LESION="LESID", STATE="TRSTATUS", RID="_rid"
    )
    others = nontarget_response(states, c, every).select(
        *POINT, DNTRGRESP="NTRGRESP", DNTRGRULE="NTRGRULE", NT_EXPECTED="N_EXPECTED", NT_MISSING="MISSING",
        NT_PROGRESSED="PROGRESSED", NT_RIDS="RIDS",
    )  # fmt: skip
    joined = (
        points.join(targets, on=POINT, how="left", nulls_equal=True)
        .join(others, on=POINT, how="left", nulls_equal=True)
        .join(_new_lesions(rows, c), on=POINT, how="left", nulls_equal=True)
    )
    joined = _with_new_flag(joined).with_columns(
        HAS_TARGET=(pl.col("N_EXPECTED") > 0).fill_null(False), HAS_NONTARGET=(pl.col("NT_EXPECTED") > 0).fill_null(False)
    )
    return _with_overall(joined, c, every)


def _new_lesions(rows: pl.LazyFrame, c: Criterion) -> pl.LazyFrame:
    new = rows.filter(pl.col("CLASS") == "NEW").select(
        *POINT, "ORGAN", "NODAL", "PORTA", LESION="LESID", DATE="TRDAT", CERTAINTY="CERTAIN", DIAMETER="LDIAM",
        TYPICAL=pl.when(pl.col("TYPENH").is_not_null()).then(pl.col("TYPENH") == "Y"), RID="_rid",
    )  # fmt: skip
    judged = new_lesion_status(new, c)
    is_new = pl.col("NEWL").fill_null(False)
    return judged.group_by(POINT, maintain_order=True).agg(
        _new=is_new.any(),
        NEWRULE=pl.coalesce(pl.col("NEWRULE").filter(is_new).first(), pl.col("NEWRULE").first()),
        NEW_LESIONS=pl.col("LESION").filter(is_new).sort(),
        NEW_RIDS=pl.col("RID").sort(),
        CONFIRMED_FROM=pl.col("CONFIRMED_FROM").min(),
    )


def _with_new_flag(joined: pl.LazyFrame) -> pl.LazyFrame:
    """DNEWL: Y by the new-lesion records; without any record the site's own Y counts."""
    said = pl.col("_new").is_null() & (pl.col("NEWLIND") == "Y").fill_null(False)
    return joined.with_columns(
        DNEWL=pl.when(pl.col("_new").fill_null(False) | said).then(pl.lit("Y")).otherwise(pl.lit("N")),
        NEW_SAID=said,
    ).drop("_new")


def _with_overall(joined: pl.LazyFrame, c: Criterion, every: pl.LazyFrame) -> pl.LazyFrame:
    words = joined.select(
        *POINT, "HAS_TARGET", "HAS_NONTARGET", TRGRESP="DTRGRESP", NTRGRESP="DNTRGRESP", NEWL="DNEWL", ROLE="ROLE"
    )
    overall = overall_response(words, c)
    at_baseline = pl.col("ROLE") == "BASELINE"
    overall = overall.select(
        *POINT,
        DOVRLRESP=pl.when(~at_baseline).then("OVRLRESP"),
        DOVRLRULE=pl.when(~at_baseline).then("OVRLRULE"),
    )
    names = joined.select(*SEGMENT, NADIR_TP="TP", NADIR_VISIT="VISIT", NADIR_DAT="DAT")
    names = names.with_columns(pl.col("NADIR_TP").cast(pl.Int32))
    return (
        joined.join(overall, on=POINT, how="left", nulls_equal=True)
        .with_columns(pl.col("NADIR_TP").cast(pl.Int32))
        .join(names, on=[*SEGMENT, "NADIR_TP"], how="left", nulls_equal=True)
    )
