"""Derived responses: every time point judged from its lesions by the study's criterion, with operands and rule ids."""

from __future__ import annotations

import polars as pl

from cdiscx.model.spec import Study
from cdiscx.registry import view
from cdiscx.standards.criterion import Criterion, criterion
from cdiscx.standards.overall import overall_from_components
from cdiscx.standards.recist import new_lesion_status, nontarget_response, target_response
from cdiscx.views.judged_lesions import POINT, awaiting_baseline, judged_points

_NAMES = pl.List(pl.String)
_KEY = ("SEG", "TP")


def criterion_of(study: Study) -> Criterion:
    """The study's response criterion with its own numbers; RECIST 1.1 where the study names none."""
    if study.criterion is None:
        return criterion("RECIST 1.1")
    return criterion(study.criterion.name, **study.criterion.overrides)


@view("timepoints", of=("judged_lesions", "assessments", "responses.NEWLIND"), requires=("targets", "subjects"))
def timepoints(study: Study, judged_lesions: pl.LazyFrame, assessments: pl.LazyFrame) -> pl.LazyFrame:
    """One row per time point with what the lesions say.

    DTRGRESP, DTRGRULE and the operands (SUM, PSUM, BASE, NADIR, NADIR_TP, NADIR_VISIT, CHG, PCHG, CHGNAD, PCHGNAD,
    N_EXPECTED, N_MISSING, MISSING, EXTRA, RIDS), DNTRGRESP, DNTRGRULE, NT_MISSING, NT_PRESENT, NT_PROGRESSED, NT_RIDS,
    DNEWL, NEWRULE, NEW_LESIONS, NEW_RIDS, CONFIRMED_FROM, NEW_SAID, DOVRLRESP, DOVRLRULE, HAS_TARGET, HAS_NONTARGET;
    lengths in mm, changes in mm and percent.
    What cannot be trusted: DOUBTFUL (targets whose reading other checks question), NT_DOUBTFUL (non-targets), BASE_DOUBT
    (the baseline has such targets, or no lesion row), PRIOR_DOUBT (an earlier time point has), ORDER_DOUBT (dates do
    not agree on the order of the segment's visits, or an operation has no date).
    Source: response-criteria sections 1 and 3; a new lesion that the site flags without a record counts as one
    (MEA-016 asks for the record); one that was known before surgery is none after it (trial-a 7).
    """
    c = criterion_of(study)
    points = judged_points(assessments)
    every = points.select(*_numbers())
    values = judged_lesions.filter(pl.col("CLASS") == "TARGET").select(
        *_numbers(), "NODAL", "PORTA", "VALUE", "PARENT", LESION="LESID", RID="_rid"
    )
    targets = target_response(values, c, every).drop("EVAL", "BASETYPE")
    targets = targets.rename({"SUBJID": "SEG", "TRGRESP": "DTRGRESP", "TRGRULE": "DTRGRULE"})
    states = judged_lesions.filter(pl.col("CLASS") == "NON-TARGET").select(
        *_numbers(), "NODAL", "PORTA", VALUE="SIZE", LESION="LESID", STATE="TRSTATUS", RID="_rid"
    )
    others = nontarget_response(states, c, every, at_baseline=True).select(
        SEG="SUBJID", TP="TP", DNTRGRESP="NTRGRESP", DNTRGRULE="NTRGRULE", NT_EXPECTED="N_EXPECTED", NT_MISSING="MISSING",
        NT_PRESENT="N_PRESENT", NT_PROGRESSED="PROGRESSED", NT_RIDS="RIDS",
    )  # fmt: skip
    joined = points
    for side in (targets, others, _new_lesions(judged_lesions, c), _questioned(judged_lesions)):
        joined = joined.join(side, on=_KEY, how="left")
    joined = _with_new_flag(joined).with_columns(
        HAS_TARGET=(pl.col("N_EXPECTED") > 0).fill_null(False),
        HAS_NONTARGET=(pl.col("NT_EXPECTED") > 0).fill_null(False),
    )
    return _with_doubts(_with_overall(_without_baselines(joined), c))


def new_before_baseline(study: Study, judged_lesions: pl.LazyFrame, assessments: pl.LazyFrame) -> pl.LazyFrame:
    """PT, DOVRLRESP, DOVRLRULE, CONFIRMED_FROM of the time points between surgery and its baseline that show a new lesion.

    A new lesion is progression without any baseline; nothing else is derived there (trial-a 7, R11-O-1).
    """
    c = criterion_of(study)
    points = assessments.filter(awaiting_baseline())
    seen = _with_new_flag(points.join(_new_lesions(judged_lesions, c), on=_KEY, how="left"))
    rule = pl.lit("MR-O-1" if c.is_mrecist else "R11-O-1")
    told = seen.filter(pl.col("DNEWL") == "Y")
    return told.select("PT", "CONFIRMED_FROM", DOVRLRESP=pl.lit("PD"), DOVRLRULE=rule)


def _numbers() -> tuple[pl.Expr, ...]:
    """The keys of the response tables: what tells segments apart is their number, in one column instead of three."""
    blank = pl.lit(None, dtype=pl.String)
    return pl.col("SEG").alias("SUBJID"), blank.alias("EVAL"), blank.alias("BASETYPE"), pl.col("TP")


def _without_baselines(joined: pl.LazyFrame) -> pl.LazyFrame:
    """A baseline has no non-target response, but for the post-operative one where no target remains (trial-a 7)."""
    own = (pl.col("ROLE") == "POST-OPERATIVE BASELINE") & ~pl.col("HAS_TARGET")
    answered = (pl.col("TP") > 0) | own.fill_null(False)
    return joined.with_columns(pl.when(answered).then(name).alias(name) for name in ("DNTRGRESP", "DNTRGRULE"))


def _new_lesions(rows: pl.LazyFrame, c: Criterion) -> pl.LazyFrame:
    new = rows.filter(pl.col("CLASS") == "NEW").select(
        *POINT, "SEG", "ORGAN", "NODAL", "PORTA", LESION="LESID", DATE="TRDAT", CERTAINTY="CERTAIN", DIAMETER="LDIAM",
        TYPICAL=pl.when(pl.col("TYPENH").is_not_null()).then(pl.col("TYPENH") == "Y"), RID="_rid",
    )  # fmt: skip
    judged = new_lesion_status(new, c)
    is_new = pl.col("NEWL").fill_null(False)
    before = pl.col("BASETYPE") == "PRE-TREATMENT"
    known = (is_new & before).any().over("SUBJID", "EVAL", "LESION")
    return (
        judged.filter(before | ~known)
        .group_by(_KEY, maintain_order=True)
        .agg(
            _new=is_new.any(),
            NEWRULE=pl.coalesce(pl.col("NEWRULE").filter(is_new).first(), pl.col("NEWRULE").first()),
            NEW_LESIONS=pl.col("LESION").filter(is_new).sort(),
            NEW_RIDS=pl.col("RID").sort(),
            CONFIRMED_FROM=pl.col("CONFIRMED_FROM").min(),
        )
    )


def _questioned(rows: pl.LazyFrame) -> pl.LazyFrame:
    """Per time point the lesions said to be not evaluable and those whose row cannot be trusted."""
    target, other = pl.col("CLASS") == "TARGET", pl.col("CLASS") == "NON-TARGET"
    at_baseline = rows.filter(other, pl.col("TP") == 0).select("SEG", "LESID", _known=pl.lit(True)).unique()
    rows = rows.join(at_baseline, on=["SEG", "LESID"], how="left", nulls_equal=True)
    late = other & pl.col("_known").is_null()  # followed without a baseline: MEA-013 speaks
    name = pl.col("LESID")
    return (
        rows.with_columns(_late=late)
        .filter(pl.col("STATED") | pl.col("DOUBT") | pl.col("UNDATED") | pl.col("_late"))
        .group_by(_KEY)
        .agg(
            _stated=name.filter(target & pl.col("STATED")),
            _doubt=name.filter(target & pl.col("DOUBT")),
            _nt_stated=name.filter(other & pl.col("STATED")),
            _nt_doubt=name.filter(other & (pl.col("DOUBT") | pl.col("_late"))),
            _undated=pl.col("UNDATED").any(),
        )
    )


def _with_new_flag(joined: pl.LazyFrame) -> pl.LazyFrame:
    """DNEWL: Y by the new-lesion records; without any record the site's own Y counts."""
    said = pl.col("_new").is_null() & (pl.col("NEWLIND") == "Y").fill_null(False)
    return joined.with_columns(
        DNEWL=pl.when(pl.col("_new").fill_null(False) | said).then(pl.lit("Y")).otherwise(pl.lit("N")),
        NEW_SAID=said,
    ).drop("_new")


def _with_overall(joined: pl.LazyFrame, c: Criterion) -> pl.LazyFrame:
    response, rule = overall_from_components(
        c,
        target="DTRGRESP",
        nontarget="DNTRGRESP",
        new="DNEWL",
        has_target=pl.col("HAS_TARGET"),
        has_nontarget=pl.col("HAS_NONTARGET"),
    )
    later = pl.col("ROLE") != "BASELINE"
    names = joined.select("SEG", NADIR_TP="TP", NADIR_VISIT="VISIT", NADIR_DAT="DAT")
    return joined.with_columns(
        DOVRLRESP=pl.when(later).then(response),
        DOVRLRULE=pl.when(later).then(rule),
        NADIR_TP=pl.col("NADIR_TP").cast(pl.Int32),
    ).join(names, on=["SEG", "NADIR_TP"], how="left")


def _with_doubts(joined: pl.LazyFrame) -> pl.LazyFrame:
    empty = pl.lit([], dtype=_NAMES)
    lists = {
        c: pl.col(c).fill_null(empty)
        for c in ("MISSING", "EXTRA", "NT_MISSING", "_stated", "_doubt", "_nt_stated", "_nt_doubt")
    }
    unsaid = lists["MISSING"].list.set_difference(lists["_stated"])
    questioned = unsaid.list.set_union(lists["_doubt"]).list.set_union(lists["EXTRA"])
    others = lists["NT_MISSING"].list.set_difference(lists["_nt_stated"]).list.set_union(lists["_nt_doubt"])
    # few time points have any such lesion: lists are compared at these alone
    joined = joined.cache()
    some = joined.filter(pl.any_horizontal(pl.col(c).list.len() > 0 for c in lists))
    named = some.select("PT", DOUBTFUL=questioned.list.sort(), NT_DOUBTFUL=others.list.sort())
    ordered = joined.join(named, on="PT", how="left").sort("SEG", "TP")
    ordered = ordered.with_columns(pl.col("DOUBTFUL", "NT_DOUBTFUL").fill_null(empty))
    here = pl.col("DOUBTFUL").list.len() > 0
    first = pl.col("TP") == 0
    rooted = (first & pl.col("LESRID").is_not_null()).any().over("SEG")
    backwards = pl.any_horizontal(
        (pl.col(c) < pl.col(c).cum_max().shift(1).over("SEG")).fill_null(False) for c in ("FIRSTDAT", "RSDAT")
    )
    return ordered.with_columns(
        BASE_DOUBT=(first & here).any().over("SEG") | ~rooted,
        PRIOR_DOUBT=here.cast(pl.Int8).cum_max().shift(1, fill_value=0).over("SEG") == 1,
        ORDER_DOUBT=(backwards | pl.col("_undated").fill_null(False)).any().over("SEG"),
    ).drop("_stated", "_doubt", "_nt_stated", "_nt_doubt", "_undated")


@view("dated_progression", of=("assessments", "timepoints"), requires=("targets", "subjects"))
def dated_progression(assessments: pl.LazyFrame, timepoints: pl.LazyFrame) -> pl.LazyFrame:
    """First PD by the investigator's overall response as endpoints date it: SUBJID, PDDAT, PDVISIT, PDRID.

    A PD by a lesion that was doubtful at first is dated at its first sight (R11-L-2, MR-L-4); `progression` has the day on
    which the site knew of it, which is what visits and treatment went by.
    """
    rows = assessments.filter(pl.col("PD"), pl.col("EVAL") == "INVESTIGATOR", pl.col("DAT").is_not_null())
    sights = timepoints.select("PT", "CONFIRMED_FROM").drop_nulls()
    dated = rows.join(sights, on="PT", how="left").with_columns(DAT=pl.min_horizontal("DAT", "CONFIRMED_FROM"))
    first = dated.sort("DAT", "RSRID").group_by("SUBJID", maintain_order=True).first()
    return first.select("SUBJID", PDDAT="DAT", PDVISIT="VISIT", PDRID="RSRID")
