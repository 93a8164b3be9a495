"""Doses as the dosing checks see them: rows with their regimen, sequences, weights, permitted levels, stops."""

from __future__ import annotations

from typing import Any

import polars as pl

from cdiscx.model.spec import Regimen, Study

#: a subject's rows of one drug belong together
KEY = ("SUBJID", "EXTRT")

#: what `stops` reads
STOP_WORDS = (
    "dosing.EXTRT", "dosing.EXSTDAT", "dosing.EXENDAT", "dosing.EXCHG",
    "disposition", "disposition.DSSCOPE", "disposition.DSTRT", "disposition.DSDAT",
)  # fmt: skip

#: what to do about a wrong amount
AMOUNT_FIX = (
    "Check dose, unit and frequency against the pharmacy record: the dose given is wanted, not the volume in ml, grams, "
    "or the number of vials or tablets."
)

_PLAN: dict[str, Any] = {
    "EXTRT": pl.String, "KIND": pl.String, "SYSTEMIC": pl.Boolean, "AMOUNT": pl.Float64, "UNIT": pl.String,
    "PER_TIME": pl.Float64, "INTERVAL": pl.Int64, "WINDOW": pl.Int64, "ERROR_BELOW": pl.Int64,
    "WARN_ABOVE": pl.Int64, "ERROR_ABOVE": pl.Int64, "HOLD": pl.Int64, "HOLD_SEVERITY": pl.String,
    "RESTART_MIN": pl.Int64, "LIGHT_BELOW": pl.Float64, "LIGHT_AMOUNT": pl.Float64, "LIGHT_UNIT": pl.String,
    "LIGHT_PCT": pl.Float64, "START_KG": pl.Float64, "START_BELOW": pl.Float64,
}  # fmt: skip


def plans(study: Study, *judged_by: str, kind: str | None = None) -> pl.LazyFrame:
    """One row per study drug with its regimen; only those whose `plan_check` is listed, where any is."""
    rows = [
        _plan(name, regimen)
        for name, regimen in study.regimens.items()
        if (not judged_by or regimen.plan_check in judged_by) and kind in (None, regimen.kind)
    ]
    return pl.LazyFrame(rows, schema=_PLAN)


def _plan(name: str, regimen: Regimen) -> dict[str, Any]:
    return {
        "EXTRT": name, "KIND": regimen.kind, "SYSTEMIC": regimen.systemic, "AMOUNT": regimen.amount,
        "UNIT": regimen.unit, "PER_TIME": regimen.amount + sum(regimen.also), "INTERVAL": regimen.interval,
        "WINDOW": regimen.window or 0, "ERROR_BELOW": regimen.error_below, "WARN_ABOVE": regimen.warn_above,
        "ERROR_ABOVE": regimen.error_above, "HOLD": regimen.hold_days, "HOLD_SEVERITY": regimen.hold_severity,
        "RESTART_MIN": regimen.restart_min, "LIGHT_BELOW": regimen.light_below_kg,
        "LIGHT_AMOUNT": regimen.light_amount, "LIGHT_UNIT": regimen.light_unit,
        "LIGHT_PCT": regimen.light_tolerance_pct, "START_KG": regimen.start_weight_kg,
        "START_BELOW": regimen.start_amount_below,
    }  # fmt: skip


def given(dosing: pl.LazyFrame, plan: pl.LazyFrame) -> pl.LazyFrame:
    """Rows of the planned drugs that were given, with their plan and `DRUG`, the name for messages.

    A dose of 0 is an interruption, not an exposure (trial A 4.3); a blank dose is DOS-010's and counts as given.
    """
    named = dosing.filter(pl.col("SUBJID").is_not_null()).with_columns(
        # a row without drug could be any drug's: what is read from a sequence of rows is then open
        _nameless=pl.col("EXTRT").is_null().any().over("SUBJID")
    )
    taken = pl.col("EXDOSE").is_null() | (pl.col("EXDOSE") > 0)
    return named.join(plan, on="EXTRT", how="inner").filter(taken).with_columns(DRUG=drug_name(pl.col("EXTRT")))


def drug_name(drug: pl.Expr) -> pl.Expr:
    """`DURVALUMAB` as people write it: `Durvalumab`."""
    return drug.str.to_titlecase()


def sequence(dosing: pl.LazyFrame, plan: pl.LazyFrame) -> pl.LazyFrame:
    """As `given`, but only subjects and drugs whose start dates are all known: gaps are judged on nothing less."""
    rows = given(dosing, plan)
    known = pl.col("EXSTDAT").is_not_null().all().over(KEY) & ~pl.col("_nameless")
    return rows.filter(known).sort("SUBJID", "EXTRT", "EXSTDAT", "_rid")


def open_ended() -> pl.Expr:
    """An interval without any end date, not even a partial one."""
    return pl.col("EXENDAT").is_null() & pl.col("EXENDATC").is_null()


def blank(column: str) -> pl.Expr:
    """Text that says nothing."""
    return pl.col(column).is_null() | (pl.col(column).str.strip_chars() == "")


def reason_at_start() -> pl.Expr:
    """A reason that says why the row starts as it does: Interrupted and Discontinued give that of its end (contract 1)."""
    return ~blank("EXCHGREAS") & ~pl.col("EXCHG").is_in(["INTERRUPTED", "DISCONTINUED"]).fill_null(False)


def reason_at_end(change: str, reason: str) -> pl.Expr:
    """A reason that says why a row ends: Reduced and Delayed give that of its start (contract 1)."""
    return ~blank(reason) & ~pl.col(change).is_in(["REDUCED", "DELAYED"]).fill_null(False)


def days_between(earlier: str | pl.Expr, later: str | pl.Expr) -> pl.Expr:
    """Whole days from one date to another; 0 on the same day."""
    first = pl.col(earlier) if isinstance(earlier, str) else earlier
    last = pl.col(later) if isinstance(later, str) else later
    return (last - first).dt.total_days()


def text_date(date: pl.Expr) -> pl.Expr:
    """A Date as ISO text, null where it is null."""
    return date.dt.to_string("iso")


def with_anchor(rows: pl.LazyFrame, anchors: pl.LazyFrame, study: Study, *names: str) -> pl.LazyFrame:
    """Adds the subject's anchor dates (and `<NAME>_RID`); null where the study or the subject has none."""
    known = [n for n in names if n in study.anchors]
    out = rows.join(anchors.select("SUBJID", *known, *[f"{n}_RID" for n in known]), on="SUBJID", how="left")
    other = [n for n in names if n not in study.anchors]
    nulls = [pl.lit(None, dtype=pl.Date).alias(n) for n in other]
    return out.with_columns(*nulls, *[pl.lit(None, dtype=pl.UInt32).alias(f"{n}_RID") for n in other])


def with_weight(rows: pl.LazyFrame, subjects: pl.LazyFrame, visits: pl.LazyFrame) -> pl.LazyFrame:
    """Adds WEIGHT (kg), W_RID and WHEN: the last weight of Visits on or before EXSTDAT, else that of Demographics."""
    seen = (
        visits.filter(pl.col("WEIGHT").is_not_null(), pl.col("VISDAT").is_not_null())
        .select("SUBJID", _when="VISDAT", _kg="WEIGHT", _at="_rid", _on="VISDAT")
        .sort("_when", "_at")
    )
    baseline = (
        subjects.filter(pl.col("SUBJID").is_not_null())
        .group_by("SUBJID", maintain_order=True)
        .agg(_base=pl.col("WEIGHT").first(), _base_at=pl.col("_rid").first())
    )
    # a row without start date comes before every visit, so that it gets the weight of Demographics
    dated = rows.with_columns(_when=pl.col("EXSTDAT").fill_null(pl.date(1800, 1, 1))).sort("_when", "_rid")
    joined = dated.join_asof(seen, on="_when", by="SUBJID", strategy="backward", check_sortedness=False)
    measured = pl.col("_kg").is_not_null()
    return (
        joined.join(baseline, on="SUBJID", how="left")
        .with_columns(
            WEIGHT=pl.coalesce("_kg", "_base"),
            W_RID=pl.when(measured).then("_at").otherwise("_base_at"),
            WHEN=pl.when(measured).then(pl.lit("on ") + text_date(pl.col("_on"))).otherwise(pl.lit("at baseline")),
        )
        .drop("_when", "_kg", "_base", "_at", "_base_at", "_on")
    )


def with_level(rows: pl.LazyFrame, study: Study, check: str) -> pl.LazyFrame:
    """Adds DOSE, the dose of the day, and LEVEL, its place in the ladder (0 = highest); null = not a permitted level.

    Tablets of one dose may stand on several rows: the doses of rows with the same start, end and frequency are one
    dose where their sum is a level. A blank frequency reads as once daily. An average (`averages` of the regimen)
    stands half a step below the level above it, one above every level half a step above the first.
    """
    ladder: list[tuple[str, float, str, float]] = []
    for drug, regimen in study.regimens.items():
        if regimen.plan_check != check or not regimen.levels:
            continue
        ladder += [(drug, level.amount, level.frequency, float(i)) for i, level in enumerate(regimen.levels)]
        for mean in regimen.averages.values():
            above = [i for i, v in enumerate(regimen.levels) if v.frequency == "QD" and v.amount > mean]
            ladder.append((drug, mean, "QD", max(above, default=-1) + 0.5))
    names = {"EXTRT": pl.String, "_dose": pl.Float64, "_often": pl.String, "LEVEL": pl.Float64}
    # an average that is a level stands at the level
    levels = pl.LazyFrame(ladder, schema=names, orient="row").unique(
        ["EXTRT", "_dose", "_often"], keep="first", maintain_order=True
    )
    same = [*KEY, "EXSTDAT", "EXENDATC", "EXDOSFRQ", "EXDOSU"]
    often = pl.col("EXDOSFRQ").fill_null("QD")
    rows = rows.with_columns(_often=often, _dose=pl.col("EXDOSE").unique().sum().over(same))
    on = ["EXTRT", "_dose", "_often"]
    rows = rows.join(levels.rename({"LEVEL": "_together"}), on=on, how="left")
    rows = rows.with_columns(_sum="_dose", _dose="EXDOSE").join(levels, on=on, how="left")
    together = pl.col("_together").is_not_null()
    return rows.with_columns(
        DOSE=pl.when(together).then("_sum").otherwise("EXDOSE"),
        LEVEL=pl.when(pl.col("EXDOSU") == pl.col("UNIT")).then(pl.coalesce("_together", "LEVEL")),
    ).drop("_often", "_dose", "_sum", "_together")


def left_out(stopped: pl.LazyFrame, due: pl.LazyFrame, drugs: list[str]) -> pl.LazyFrame:
    """SUBJIDs of `due` (SUBJID, DUE) for whom Disposition ends one of the drugs by name, or all treatment by the due date."""
    own = stopped.filter(pl.col("EXTRT").is_in(drugs) if drugs else pl.lit(False))
    both = own.join(due.select("SUBJID", "DUE"), on="SUBJID", how="inner")
    return both.filter(pl.col("OWN") | (pl.col("STOPDAT") <= pl.col("DUE"))).select("SUBJID").unique()


def drugs_by_name(study: Study) -> list[tuple[str, str]]:
    """(word, drug): what a treatment's name in Disposition means: a drug itself, a component all of its drugs, one of its
    procedures the drugs that are given by it (TACE ends no HAIC)."""
    meaning = [(drug, drug) for drug in study.regimens]
    for name, component in study.components.items():
        groups = {d: study.regimens[d].group for d in component.drugs if d in study.regimens}
        told = any(group in component.procedures for group in groups.values())
        for word in sorted({name, *component.related_to, *component.procedures} - set(study.regimens)):
            own = told and word in component.procedures
            meaning += [(word, drug) for drug in component.drugs if not own or groups.get(drug) == word]
    return meaning


def stops(study: Study, dosing: pl.LazyFrame, disposition: pl.LazyFrame) -> pl.LazyFrame:
    """When a drug was stopped for good: SUBJID, EXTRT, STOPDAT, WHY (words), STOP_RID and its column, OWN (the record names the drug).

    From Disposition of scope Treatment (blank treatment: every drug; a component's name: its drugs) and from dosing
    rows marked Discontinued, which end so.
    """
    meaning = [*drugs_by_name(study), *(("ALL", drug) for drug in study.regimens)]
    named = pl.LazyFrame(meaning, schema={"DSTRT": pl.String, "EXTRT": pl.String}, orient="row")
    said = disposition.filter(
        pl.col("DSSCOPE") == "TREATMENT", pl.col("DSDAT").is_not_null(), pl.col("SUBJID").is_not_null()
    ).with_columns(pl.col("DSTRT").fill_null("ALL"))
    by_sheet = said.join(named, on="DSTRT", how="inner").select(
        *KEY, STOPDAT="DSDAT", STOP_RID="_rid", STOP_COLUMN=pl.lit("DSDAT"), OWN=pl.col("DSTRT") != "ALL",
        WHY=pl.lit("the end of treatment recorded in Disposition"),
    )  # fmt: skip
    marked = dosing.filter(pl.col("EXCHG") == "DISCONTINUED", pl.col("SUBJID").is_not_null())
    last = pl.coalesce("EXENDAT", "EXSTDAT")
    by_dose = marked.filter(last.is_not_null()).select(
        *KEY, STOPDAT=last, STOP_RID="_rid", STOP_COLUMN=pl.lit("EXCHG"), OWN=pl.lit(True),
        WHY=pl.lit("the dose marked Discontinued"),
    )  # fmt: skip
    return pl.concat([by_sheet, by_dose])
