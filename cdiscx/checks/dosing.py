"""Infusions against the regimen: interval and amount; and doses that are missing or not above zero."""

from __future__ import annotations

import polars as pl

from cdiscx.checks._doses import (
    AMOUNT_FIX,
    KEY,
    STOP_WORDS,
    blank,
    days_between,
    drug_name,
    given,
    plans,
    sequence,
    stops,
    with_anchor,
    with_weight,
)
from cdiscx.checks._plans import drugs_of
from cdiscx.checks._shape import related
from cdiscx.model.spec import Study
from cdiscx.registry import check

_ROW = ("dosing.EXTRT", "dosing.EXSTDAT")
_SURGERY = ("procedures.PRSTDAT", "procedures.PRTRT")
_CHANGES = ("dosing.EXCHG", "disposition.DSSCOPE", "disposition.DSTRT", "disposition.DSDAT")


# --- intervals of infusions -----------------------------------------------------------------------------------------


def _intervals(
    study: Study, judged_by: str, dosing: pl.LazyFrame, anchors: pl.LazyFrame, disposition: pl.LazyFrame
) -> pl.LazyFrame:
    """Infusions too soon or too late after the one before; the interval that holds surgery is planned."""
    rows = sequence(dosing, plans(study, judged_by, kind="infusion"))
    # two bags of one day are one infusion
    days = rows.group_by(*KEY, "EXSTDAT", maintain_order=True).agg(
        pl.exclude("EXCHG").first(),
        EXCHG=pl.col("EXCHG").drop_nulls().last(),
        _late=(pl.col("EXCHG") == "DELAYED").any(),
    )
    before = {"PREV": "EXSTDAT", "PREV_RID": "_rid", "_ended": "EXCHG"}
    days = days.with_columns(pl.col(old).shift(1).over(KEY).alias(new) for new, old in before.items())
    days = with_anchor(days, anchors, study, "SURG").filter(
        pl.col("PREV").is_not_null(), ~pl.col("SURG").is_between("PREV", "EXSTDAT").fill_null(False)
    )
    stopped = days.join(stops(study, dosing, disposition).select(*KEY, "STOPDAT"), on=KEY, how="inner").filter(
        pl.col("STOPDAT") >= pl.col("PREV"), pl.col("STOPDAT") < pl.col("EXSTDAT")
    )
    days = days.join(stopped.select("_rid"), on="_rid", how="anti").with_columns(
        N=days_between("PREV", "EXSTDAT"),
        LO=pl.col("INTERVAL") - pl.col("WINDOW"),
        HI=pl.col("INTERVAL") + pl.col("WINDOW"),
    )
    # a row without any amount between the two is DOS-010's: whether something was given is asked there
    nought = dosing.filter(pl.col("EXDOSE") <= 0).select(*KEY, _nought="EXSTDAT")
    asked = days.join(nought, on=KEY, how="inner").filter(
        pl.col("_nought").is_between("PREV", "EXSTDAT"), pl.col("N") <= pl.col("WARN_ABOVE")
    )
    days = days.join(asked.select("_rid"), on="_rid", how="anti")
    documented = (pl.col("_late") | (pl.col("_ended") == "INTERRUPTED")).fill_null(False)
    worst = (pl.col("N") < pl.col("ERROR_BELOW")) | (pl.col("N") > pl.col("ERROR_ABOVE"))
    long = (pl.col("N") > pl.col("HI")) & (~documented | (pl.col("N") > pl.col("WARN_ABOVE")))
    text = pl.lit("{DRUG} on {EXSTDAT} is {N} days after {PREV}; {LO} to {HI} days are planned")
    stop = pl.lit(
        "; after more than {ERROR_ABOVE} days without a dose the drug counts as discontinued, but no end of its treatment is recorded."
    )
    said = pl.when(pl.col("N") > pl.col("ERROR_ABOVE")).then(text + stop).otherwise(text + pl.lit("."))
    return days.filter(worst | long | (pl.col("N") < pl.col("LO"))).select(
        "SUBJID", "_rid", "DRUG", "EXSTDAT", "PREV", "N", "LO", "HI", "ERROR_ABOVE",
        related(("PREV_RID", "EXSTDAT")),
        _say=said,
        _severity=pl.when(worst).then(pl.lit("error")),
        _expected=pl.lit("{LO} to {HI} days after {PREV}"),
        _column=pl.lit("EXSTDAT"),
    )  # fmt: skip


@check(
    "DOS-001", applies=drugs_of("DOS-001"), on="dosing", columns=("EXSTDAT", "EXTRT", "EXDOSE"), needs=("anchors", "dosing.EXCHG"),
    uses=STOP_WORDS,
    silenced_by=(*_ROW, *_SURGERY, *_CHANGES),
)  # fmt: skip
def infusion_interval_off_plan(
    study: Study, dosing: pl.LazyFrame, anchors: pl.LazyFrame, disposition: pl.LazyFrame
) -> pl.LazyFrame:
    """{DRUG} on {EXSTDAT} is {N} days after {PREV}; {LO} to {HI} days are planned.

    Why: the drug works as tested only when it is given at its interval; far too short an interval is an overdose.
    Fix: Ask the site for the right infusion dates. If the infusion was delayed, mark the row Delayed and give the
    reason; if the drug had been stopped, record the end of its treatment.
    Rule: DOS-001; trial A 4.2, 4.3 (28 +/- 3 days, < 21 error, > 56 warning even when marked Delayed, > 84 error)
    """
    return _intervals(study, "DOS-001", dosing, anchors, disposition)


@check(
    "DOS-004", applies=drugs_of("DOS-004"), on="dosing", columns=("EXSTDAT", "EXTRT", "EXDOSE"), needs=("anchors", "dosing.EXCHG"),
    uses=STOP_WORDS,
    silenced_by=(*_ROW, *_SURGERY, *_CHANGES),
)  # fmt: skip
def neoadjuvant_infusion_interval_off_plan(
    study: Study, dosing: pl.LazyFrame, anchors: pl.LazyFrame, disposition: pl.LazyFrame
) -> pl.LazyFrame:
    """{DRUG} on {EXSTDAT} is {N} days after {PREV}; {LO} to {HI} days are planned.

    Why: the drug works as tested only when it is given at its interval; far too short an interval is an overdose.
    Fix: Ask the site for the right infusion dates. If the infusion was delayed, mark the row Delayed and give the
    reason; if the drug had been stopped, record the end of its treatment.
    Rule: DOS-004; trial B 4.2 (14 +/- 3 days, < 10 error, > 42 warning even when marked Delayed, > 84 error)
    """
    return _intervals(study, "DOS-004", dosing, anchors, disposition)


# --- amounts of infusions ---------------------------------------------------------------------------------------------


def _amounts(rows: pl.LazyFrame) -> pl.LazyFrame:
    """Infusions whose dose is not the regimen's; `rows` carry WEIGHT, null where it is not known."""
    rows = rows.filter(pl.col("EXDOSE").is_not_null(), pl.col("EXDOSU").is_not_null()).with_columns(
        # half doses of one day are one dose; an exact repeat is STR-006's
        _sum=pl.col("EXDOSE").unique().sum().over(*KEY, "EXSTDAT", "EXDOSU")
    )
    flat = pl.col("EXDOSU") == pl.col("UNIT")
    light = pl.col("WEIGHT") < pl.col("LIGHT_BELOW")
    by_weight = pl.col("LIGHT_AMOUNT") * pl.col("WEIGHT")
    close = pl.col("LIGHT_PCT") / 100 + 1e-9
    heaviest = pl.col("LIGHT_AMOUNT") * pl.col("LIGHT_BELOW") * (1 + close)

    def right(dose: pl.Expr) -> pl.Expr:
        per_kg = (pl.col("EXDOSU") == pl.col("LIGHT_UNIT")) & (
            (dose - pl.col("LIGHT_AMOUNT")).abs() <= close * pl.col("LIGHT_AMOUNT")
        )
        total = flat & ((dose - by_weight).abs() <= close * by_weight)
        full = flat & (dose == pl.col("AMOUNT"))
        # weight not known: what could be right for a light subject is not questioned (principle 4)
        open_ = full | (pl.col("LIGHT_BELOW").is_not_null() & (per_kg | (flat & (dose <= heaviest))))
        known = pl.when(light).then(per_kg | total).otherwise(full)
        return pl.when(light.is_null()).then(open_).otherwise(known).fill_null(False)

    plain = pl.lit("{AMOUNT} {UNIT}")
    small = pl.lit("{LIGHT_AMOUNT} {LIGHT_UNIT}, which is {TOTAL} {UNIT} at {WEIGHT} kg,")
    expected = pl.when(light.fill_null(False)).then(small).otherwise(plain)
    return rows.filter(~right(pl.col("EXDOSE")) & ~right(pl.col("_sum"))).select(
        "SUBJID", "_rid", "DRUG", "EXSTDAT", "EXDOSE", "EXDOSU", "AMOUNT", "UNIT",
        "LIGHT_AMOUNT", "LIGHT_UNIT", "WEIGHT",
        TOTAL=by_weight,
        _say=pl.lit("{DRUG} {EXDOSE} {EXDOSU} recorded on {EXSTDAT}, ") + expected + pl.lit(" expected."),
        _expected=expected.str.strip_chars_end(","),
        _fix=pl.lit(AMOUNT_FIX),
    )  # fmt: skip


@check(
    "DOS-001", applies=drugs_of("DOS-001"), on="dosing", columns=("EXDOSE", "EXDOSU", "EXTRT", "EXSTDAT"),
    needs=("subjects.WEIGHT",), uses=("visits.WEIGHT", "visits.VISDAT"),
    silenced_by=("subjects.WEIGHT", "visits.WEIGHT"),
)  # fmt: skip
def infusion_amount_off_plan(
    study: Study, dosing: pl.LazyFrame, subjects: pl.LazyFrame, visits: pl.LazyFrame
) -> pl.LazyFrame:
    """{DRUG} {EXDOSE} {EXDOSU} recorded on {EXSTDAT}, {AMOUNT} {UNIT} expected.

    Why: the dose of this drug is never reduced; another number is a wrong dose or a wrong entry.
    Fix: Check dose and unit against the pharmacy record: the dose given is wanted, not the volume in ml or grams.
    Rule: DOS-001; trial A 4.2 (1500 mg; below 30 kg 20 mg/kg +/- 10 %), 4.3 (no dose reduction)
    """
    rows = given(dosing, plans(study, "DOS-001", kind="infusion"))
    return _amounts(with_weight(rows, subjects, visits))


@check("DOS-004", applies=drugs_of("DOS-004"), on="dosing", columns=("EXDOSE", "EXDOSU", "EXTRT", "EXSTDAT"))
def neoadjuvant_infusion_amount_off_plan(study: Study, dosing: pl.LazyFrame) -> pl.LazyFrame:
    """{DRUG} {EXDOSE} {EXDOSU} recorded on {EXSTDAT}, {AMOUNT} {UNIT} expected.

    Why: the dose of this drug is never reduced; another number is a wrong dose or a wrong entry.
    Fix: Check dose and unit against the pharmacy record: the dose given is wanted, not the volume in ml or grams.
    Rule: DOS-004; trial B 4.2 (200 mg flat, no reduction)
    """
    rows = given(dosing, plans(study, "DOS-004", kind="infusion"))
    return _amounts(rows.with_columns(WEIGHT=pl.lit(None, dtype=pl.Float64)))


# --- doses that are not there -------------------------------------------------------------------------------------------


@check("DOS-010", on="dosing", columns=("EXDOSE", "EXTRT", "EXSTDAT"), needs=("dosing.EXCHGREAS", "dosing.EXCHG"))
def dose_missing_or_zero(dosing: pl.LazyFrame) -> pl.LazyFrame:
    """{DRUG} on {EXSTDAT}: no dose.

    Why: an administration without a dose cannot be counted; a skipped dose is a gap, not a dose of 0.
    Fix: Enter the dose given. If nothing was given, remove the row, mark the row before it Interrupted (or the next one
    Delayed) and give the reason.
    Rule: DOS-010; trial A 4.3 (a dose of 0 is an interruption); the unit is TRM-003's, the start date STR-009's
    """
    missing = pl.col("EXDOSE").is_null() & pl.col("EXDOSEC").is_null()
    # a dose of 0 documents an interruption when something was interrupted; a reduction or stop has another reason
    other = pl.col("EXCHG").is_in(["REDUCED", "DISCONTINUED"]).fill_null(False)
    begun = pl.col("EXSTDAT").filter(pl.col("EXDOSE") > 0).min().over("SUBJID", "EXTRT") < pl.col("EXSTDAT")
    skipped = (pl.col("EXDOSE") == 0) & ~blank("EXCHGREAS") & ~other & pl.col("_begun")
    rows = dosing.with_columns(_begun=begun.fill_null(False)).filter(
        missing | (pl.col("EXDOSE") <= 0), pl.col("SUBJID").is_not_null()
    )
    say = (
        pl.when(skipped).then(pl.lit("{DRUG} on {EXSTDAT}: a dose of 0 ({EXCHGREAS}) was read as an interruption."))
        .when(pl.col("EXDOSE") <= 0).then(pl.lit("{DRUG} on {EXSTDAT}: the dose is {EXDOSE}; a dose is above 0."))
    )  # fmt: skip
    return rows.select(
        "SUBJID", "_rid", "EXSTDAT", "EXDOSE", "EXCHGREAS",
        DRUG=drug_name(pl.col("EXTRT")),
        _say=say,
        _severity=pl.when(skipped).then(pl.lit("note")),
        _expected=pl.lit("a dose above 0"),
    )  # fmt: skip


@check("DOS-010", on="procedures", columns=("PRDOSE", "PRTRT", "PRSTDAT"))
def procedure_dose_missing_or_zero(study: Study, procedures: pl.LazyFrame) -> pl.LazyFrame:
    """{PRTRT} on {PRSTDAT}: no dose.

    Why: radiation without its dose or activity cannot be counted.
    Fix: Enter the total dose (Gy) or the administered activity (GBq) with its unit.
    Rule: DOS-010; trial A 4.2 (90Y-SIRT: activity), trial B 4.2 (IMRT: total dose)
    """
    missing = pl.col("PRDOSE").is_null() & pl.col("PRDOSEC").is_null()
    dosed = pl.col("PRTRT").is_in(list(study.parameters.get("dosed_procedures", ())))
    rows = procedures.filter(dosed, missing | (pl.col("PRDOSE") <= 0), pl.col("SUBJID").is_not_null())
    say = pl.when(pl.col("PRDOSE") <= 0).then(pl.lit("{PRTRT} on {PRSTDAT}: the dose is {PRDOSE}; a dose is above 0."))
    return rows.select("SUBJID", "_rid", "PRTRT", "PRSTDAT", "PRDOSE", _say=say, _expected=pl.lit("a dose above 0"))
