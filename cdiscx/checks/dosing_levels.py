"""Daily drugs against their ladder: start dose by weight, permitted levels, steps from level to level."""

from __future__ import annotations

import polars as pl

from cdiscx.checks._doses import AMOUNT_FIX, KEY, given, plans, reason_at_start, sequence, with_level, with_weight
from cdiscx.checks._plans import drugs_of
from cdiscx.checks._reasons import says_adverse_event
from cdiscx.checks._shape import related
from cdiscx.model.spec import Study
from cdiscx.registry import check

_ROW = ("dosing.EXTRT", "dosing.EXSTDAT")


@check(
    "DOS-002", on="dosing", columns=("EXDOSE", "EXDOSU", "EXTRT", "EXSTDAT"),
    needs=("subjects.WEIGHT", "dosing.EXCHGREAS", "dosing.EXCHG"), uses=("visits.WEIGHT", "visits.VISDAT"),
    silenced_by=("subjects.WEIGHT", "visits.WEIGHT", "visits.VISDAT", *_ROW),
)  # fmt: skip
def start_dose_does_not_match_weight(
    study: Study, dosing: pl.LazyFrame, subjects: pl.LazyFrame, visits: pl.LazyFrame
) -> pl.LazyFrame:
    """Weight {WEIGHT} kg {WHEN}: expected {WANTED} {UNIT} {DRUG}, given {EXDOSE} {EXDOSU} on {EXSTDAT}.

    Why: the start dose follows the unrounded body weight; a wrong start dose is a protocol deviation.
    Fix: Check the dose of the first row and the weight (in kg, not jin or pounds). If a lower dose was chosen on
    purpose, give the reason in Change Reason.
    Rule: DOS-002; trial A 4.2 (from 60 kg 12 mg, below 8 mg); a weight that is not there is END-004's
    """
    plan = plans(study, kind="daily").filter(pl.col("START_KG").is_not_null())
    rows = sequence(dosing, plan)
    first = rows.filter(pl.col("EXSTDAT") == pl.col("EXSTDAT").min().over(KEY)).with_columns(
        _sum=pl.col("EXDOSE").unique().sum().over(KEY)
    )
    heavy = pl.col("WEIGHT") >= pl.col("START_KG")
    wanted = pl.when(heavy).then("AMOUNT").when(~heavy).then("START_BELOW")
    rows = with_weight(first, subjects, visits).with_columns(WANTED=wanted)
    is_right = (pl.col("EXDOSE") == pl.col("WANTED")) | (pl.col("_sum") == pl.col("WANTED"))
    wrong = rows.filter(pl.col("EXDOSU") == pl.col("UNIT"), ~is_right)
    wrong = wrong.sort("_rid").group_by(KEY, maintain_order=True).first()
    lower = (pl.col("EXDOSE") < pl.col("WANTED")) & reason_at_start()
    on_purpose = "Weight {WEIGHT} kg {WHEN}: expected {WANTED} {UNIT} {DRUG}, started lower with {EXDOSE} {EXDOSU} on {EXSTDAT} ({EXCHGREAS})."
    return wrong.with_columns(related(("W_RID", "WEIGHT"))).select(
        "SUBJID", "_rid", "DRUG", "EXSTDAT", "EXDOSE", "EXDOSU", "UNIT", "WEIGHT", "WHEN", "WANTED", "EXCHGREAS",
        "_related",
        _say=pl.when(lower).then(pl.lit(on_purpose)),
        _severity=pl.when(lower).then(pl.lit("note")),
        _expected=pl.lit("{WANTED} {UNIT}"),
    )  # fmt: skip


def _level_rows(study: Study, judged_by: str, dosing: pl.LazyFrame) -> pl.LazyFrame:
    rows = given(dosing, plans(study, judged_by, kind="daily"))
    rows = with_level(rows, study, judged_by)
    return rows.filter(pl.col("EXDOSU").is_not_null()).sort("SUBJID", "EXTRT", "EXSTDAT", "_rid")


def _ladder(study: Study) -> pl.Expr:
    """`12 mg QD, 8 mg QD, 4 mg QD, 4 mg QOD`: the permitted levels of the row's drug, for messages."""
    texts = {
        drug: ", ".join(f"{level.amount:g} {regimen.unit} {level.frequency}" for level in regimen.levels)
        for drug, regimen in study.regimens.items()
    }
    return pl.col("EXTRT").replace_strict(texts, default=None, return_dtype=pl.String)


def _strange_levels(study: Study, judged_by: str, dosing: pl.LazyFrame) -> pl.LazyFrame:
    rows = _level_rows(study, judged_by, dosing)
    return rows.filter(pl.col("LEVEL").is_null(), pl.col("EXDOSE").is_not_null()).select(
        "SUBJID", "_rid", "DRUG", "EXSTDAT", "EXDOSE", "EXDOSU", "EXDOSFRQ",
        LADDER=_ladder(study),
        _expected=pl.lit("{LADDER}"),
        _fix=pl.lit(AMOUNT_FIX),
    )  # fmt: skip


@check(
    "DOS-003",
    applies=drugs_of("DOS-003"),
    on="dosing",
    columns=("EXDOSE", "EXDOSU", "EXTRT", "EXDOSFRQ"),
    needs=("dosing.EXENDAT",),
)
def dose_level_not_permitted(study: Study, dosing: pl.LazyFrame) -> pl.LazyFrame:
    """{DRUG} {EXDOSE} {EXDOSU} {EXDOSFRQ} from {EXSTDAT} is not a permitted level; permitted: {LADDER}.

    Why: the drug is given at the protocol's levels only.
    Fix: Check dose, unit and frequency against the prescription.
    Rule: DOS-003; trial A 4.3; an average such as 6 mg means alternating levels and is in order
    """
    return _strange_levels(study, "DOS-003", dosing)


@check(
    "DOS-004",
    applies=drugs_of("DOS-004"),
    on="dosing",
    columns=("EXDOSE", "EXDOSU", "EXTRT", "EXDOSFRQ"),
    needs=("dosing.EXENDAT",),
)
def daily_dose_off_plan(study: Study, dosing: pl.LazyFrame) -> pl.LazyFrame:
    """{DRUG} {EXDOSE} {EXDOSU} {EXDOSFRQ} from {EXSTDAT}: expected {LADDER}.

    Why: the drug is given at the protocol's levels only.
    Fix: Check dose, unit, frequency and tablet strength against the prescription: the daily dose is wanted.
    Rule: DOS-004; trial B 4.2 (250 mg daily or every other day)
    """
    return _strange_levels(study, "DOS-004", dosing)


@check(
    "DOS-003", applies=drugs_of("DOS-003"), on="dosing", columns=("EXDOSE", "EXDOSU", "EXTRT", "EXDOSFRQ", "EXSTDAT"),
    needs=("dosing.EXENDAT", "dosing.EXCHG", "dosing.EXCHGREAS"), uses=("ae", "ae.AEACN", "ae.AESTDAT"),
    silenced_by=(*_ROW, "dosing.EXDOSE", "dosing.EXDOSU", "dosing.EXDOSFRQ"),
)  # fmt: skip
def dose_step_not_permitted(study: Study, dosing: pl.LazyFrame, ae: pl.LazyFrame) -> pl.LazyFrame:
    """{DRUG} {WAS} -> {NOW} on {EXSTDAT}: {WHAT}.

    Why: the dose goes down one level at a time and not up again after a toxicity reduction.
    Fix: Ask the site for the dose really taken in between, or for the reason of the step.
    Rule: DOS-003; trial A 4.3. A reduction is for toxicity when its reason says so, when no reason is given, or when
    an adverse event has the action Dose reduced for the drug
    """
    known = pl.col("EXSTDAT").is_not_null().all().over(KEY) & ~pl.col("_nameless")
    rows = _level_rows(study, "DOS-003", dosing).filter(known)
    # a level that is not permitted was reported; a blank dose (DOS-010) breaks the chain
    rows = rows.filter(pl.col("LEVEL").is_not_null() | pl.col("EXDOSE").is_null())
    now = pl.concat_str(
        pl.col("DOSE").cast(pl.String).str.strip_suffix(".0"), "UNIT", pl.col("EXDOSFRQ").fill_null("QD"), separator=" "
    )
    rows = rows.with_columns(NOW=now).with_columns(
        pl.col("LEVEL").shift(1).over(KEY).alias("_before"),
        pl.col("NOW").shift(1).over(KEY).alias("WAS"),
        pl.col("_rid").shift(1).over(KEY).alias("PREV_RID"),
        _start=pl.col("LEVEL").first().over(KEY),
    )
    reduced_for_ae = (
        ae.explode("AEACN").unnest("AEACN").filter(pl.col("term") == "DOSE REDUCED")
        .select("SUBJID", EXTRT="key", _reported=pl.lit(True)).unique()
    )  # fmt: skip
    step = pl.col("LEVEL") - pl.col("_before")
    reason = pl.col("EXCHGREAS")
    rows = rows.join(reduced_for_ae, on=KEY, how="left").sort("SUBJID", "EXTRT", "EXSTDAT", "_rid")
    toxic = (step > 0) & (~reason_at_start() | says_adverse_event(reason, study) | pl.col("_reported").fill_null(False))
    after_toxicity = toxic.fill_null(False).cum_max().over(KEY)
    what = (
        pl.when(step > 1).then(pl.lit("skips a level"))
        .when((step < 0) & (pl.col("LEVEL") < pl.col("_start"))).then(pl.lit("is above the start dose"))
        .when((step < 0) & after_toxicity).then(pl.lit("goes up again after a reduction for toxicity"))
    )  # fmt: skip
    return (
        rows.with_columns(WHAT=what)
        .filter(pl.col("WHAT").is_not_null())
        .select("SUBJID", "_rid", "DRUG", "EXSTDAT", "WAS", "NOW", "WHAT", related(("PREV_RID", "EXDOSE")))
    )
