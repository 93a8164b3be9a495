"""Doses given and doses planned, per subject and drug (adam-derivations 8; the same arithmetic as check DOS-016)."""

from __future__ import annotations

import polars as pl

from cdiscx.adam._context import Context
from cdiscx.adam._milestones import exposures
from cdiscx.model.spec import Records
from cdiscx.standards.exact import divided

KEY = ["USUBJID", "EXTRT"]
#: administrations a day of the frequencies that are given several times or every other day
_PER_DAY = {"QD": 1.0, "BID": 2.0, "TID": 3.0, "QID": 4.0, "QOD": 0.5}
#: days from one administration to the next
_EVERY = {"QW": 7, "Q1W": 7, "Q2W": 14, "Q3W": 21, "Q4W": 28, "Q6W": 42}
_PLAN = pl.Schema(
    {"EXTRT": pl.String, "KIND": pl.String, "UNIT": pl.String, "AMOUNT": pl.Float64, "START_KG": pl.Float64,
     "START_BELOW": pl.Float64, "LIGHT_KG": pl.Float64, "LIGHT_AMOUNT": pl.Float64, "INTERVAL": pl.Int64, "WINDOW": pl.Int64}
)  # fmt: skip


def _plans(ctx: Context) -> pl.DataFrame:
    """One row per regimen of the study file; the parts of one administration are added up."""
    rows = [
        {
            "EXTRT": drug, "KIND": r.kind, "UNIT": r.unit, "AMOUNT": float(r.amount) + sum(float(a) for a in r.also),
            "START_KG": _number(r.start_weight_kg), "START_BELOW": _number(r.start_amount_below),
            "LIGHT_KG": _number(r.light_below_kg), "LIGHT_AMOUNT": _number(r.light_amount),
            "INTERVAL": r.interval, "WINDOW": r.window or 0,
        }
        for drug, r in ctx.study.regimens.items()
    ]  # fmt: skip
    return pl.DataFrame(rows, schema=_PLAN)


def _number(value: float | int | None) -> float | None:
    return None if value is None else float(value)


def given(ctx: Context) -> pl.DataFrame:
    """One row per subject, drug and interval (or day of administration), in order of time.

    EXTRT (upper case), DT, ENDT, KIND, DOSES (administrations), DOSE (in UNIT), RATE (dose a day, or a time), BEFORE
    (DT of this row minus the latest end before, days), the plan's columns, SURGDT, WEIGHTBL, `_from`. A dose in mg/kg is
    turned into mg by the baseline weight; any other unit than the plan's leaves DOSE null.
    """
    adsl = ctx.adsl
    weight = pl.col("WEIGHTBL") if "WEIGHTBL" in adsl.columns else pl.lit(None, dtype=pl.Float64).alias("WEIGHTBL")
    subject = adsl.select("USUBJID", "DTHDT", "SURGDT", weight)
    rows = exposures(ctx, (Records(of="EX", where={}),), subject, "EXDOSE", "EXDOSU", "EXDOSFRQ").drop_nulls("DT")
    rows = rows.with_columns(pl.col("EXTRT").str.to_uppercase(), FRQ=pl.col("EXDOSFRQ").str.to_uppercase())
    rows = rows.drop_nulls("EXTRT").join(_plans(ctx), on="EXTRT", how="left", maintain_order="left")
    rows = rows.join(subject.drop("DTHDT"), on="USUBJID", how="inner", maintain_order="left")
    days = (pl.col("ENDT") - pl.col("DT")).dt.total_days() + 1
    rate = pl.col("FRQ").replace_strict(list(_PER_DAY), list(_PER_DAY.values()), default=None, return_dtype=pl.Float64)
    every = pl.col("FRQ").replace_strict(list(_EVERY), list(_EVERY.values()), default=None, return_dtype=pl.Int64)
    daily = rate.is_not_null() | (pl.col("FRQ").is_null() & (pl.col("KIND") == "daily").fill_null(False))
    per_day = rate.fill_null(1.0)
    times = pl.when(daily).then((days * per_day).ceil()).when(every.is_not_null()).then((days - 1) // every + 1)
    same_unit = (
        pl.col("UNIT").is_null() | pl.col("EXDOSU").is_null() | (pl.col("EXDOSU") == pl.col("UNIT"))
    ).fill_null(False)
    by_weight = (pl.col("EXDOSU") == "mg/kg") & (pl.col("UNIT") == "mg")
    dose = pl.when(same_unit).then("EXDOSE").when(by_weight).then(pl.col("EXDOSE") * pl.col("WEIGHTBL"))
    rows = rows.with_columns(
        DOSES=times.fill_null(1.0), DOSE=dose, UNIT=pl.coalesce("UNIT", "EXDOSU"), DAILY=daily
    ).with_columns(RATE=pl.when("DAILY").then(pl.col("DOSE") * per_day).otherwise("DOSE"))
    return _in_order(rows)


def _in_order(rows: pl.DataFrame) -> pl.DataFrame:
    """Parts of one administration (same day, not daily) become one row; then the gap to what was before."""
    day = [*KEY, "DT", "ENDT", "DAILY"]
    same = rows.sort(*KEY, "DT", "ENDT", "_id").group_by(day, maintain_order=True).agg(
        pl.col("KIND", "UNIT", "AMOUNT", "START_KG", "START_BELOW", "LIGHT_KG", "LIGHT_AMOUNT", "INTERVAL", "WINDOW",
               "SURGDT", "WEIGHTBL").first(),
        DOSES=pl.col("DOSES").max(),
        GIVEN=pl.when(pl.col("DOSE").is_not_null().all()).then((pl.col("DOSE") * pl.col("DOSES")).sum()),
        RATE=pl.col("RATE").sum(),
        _from=pl.col("_from").list.explode(),
    )  # fmt: skip
    reach = pl.col("ENDT").cum_max().shift(1).over(KEY)
    return same.with_columns(REACH=reach, BEFORE=(pl.col("DT") - reach).dt.total_days())


def totals(ctx: Context) -> pl.DataFrame:
    """One row per subject and drug: NDOSE, CUMDOSE, PLANDOSE, DUR, RDI, NINT, NRED, HOLDDAYS, UNIT, FIRST, LAST, `_from`.

    Planned: protocol dose over the days from first to last dose less the hold around the operation. Interruptions: days
    without a daily drug, or more than interval + window since the last infusion, the hold left out.
    """
    rows = given(ctx)
    daily = pl.col("DAILY")
    surgical = ((pl.col("REACH") <= pl.col("SURGDT")) & (pl.col("DT") >= pl.col("SURGDT"))).fill_null(False)
    late = pl.when(daily).then(pl.col("BEFORE") > 1).otherwise(pl.col("BEFORE") > pl.col("INTERVAL") + pl.col("WINDOW"))
    lower = pl.col("RATE") < pl.col("RATE").shift(1).over(KEY)
    out = rows.with_columns(_hold=surgical, _late=late.fill_null(False) & ~surgical, _lower=lower.fill_null(False)).group_by(
        KEY, maintain_order=True
    ).agg(
        pl.col("KIND", "UNIT", "AMOUNT", "START_KG", "START_BELOW", "LIGHT_KG", "LIGHT_AMOUNT", "INTERVAL", "WEIGHTBL").first(),
        NDOSE=pl.col("DOSES").sum(),
        CUMDOSE=pl.when(pl.col("GIVEN").is_not_null().all()).then(pl.col("GIVEN").sum()),
        FIRST=pl.col("DT").min(),
        LAST=pl.col("ENDT").max(),
        NINT=pl.col("_late").sum(),
        NRED=pl.col("_lower").sum(),
        HELD=pl.col("BEFORE").filter(pl.col("_hold")).first(),
        _from=pl.col("_from").list.explode(),
    )  # fmt: skip
    span = (pl.col("LAST") - pl.col("FIRST")).dt.total_days()
    held = pl.col("HELD").fill_null(0)
    slots = (
        pl.when(pl.col("KIND") == "infusion")
        .then(divided(span - pl.max_horizontal(held - pl.col("INTERVAL"), 0), pl.col("INTERVAL")) + 1)
        .when(pl.col("KIND") == "daily")
        .then(span + 1 - pl.max_horizontal(held - 1, 0))
    )
    by_start = pl.when(pl.col("WEIGHTBL") < pl.col("START_KG")).then("START_BELOW").otherwise("AMOUNT")
    unknown = pl.col("START_KG").is_not_null() & pl.col("WEIGHTBL").is_null()
    light = (pl.col("WEIGHTBL") < pl.col("LIGHT_KG")).fill_null(False)
    each = pl.when(light).then(pl.col("LIGHT_AMOUNT") * pl.col("WEIGHTBL")).when(unknown).then(None).otherwise(by_start)
    return out.with_columns(PLANDOSE=slots * each, DUR=span + 1, HOLDDAYS=pl.col("HELD") - 1).with_columns(
        RDI=divided(100 * pl.col("CUMDOSE"), pl.col("PLANDOSE"))
    )


def fractions(ctx: Context) -> pl.DataFrame:
    """One row per subject with radiotherapy: EXTRT, RTTOT (Gy), RTFX, RTDAYS, FIRST, LAST, `_from`.

    A record is one fraction, or a course with its count in PRNFRAC and its total in PRDOSTOT (unit PRTOTU).
    """
    source = ctx.study.analysis.radiotherapy
    rows = exposures(
        ctx, source, ctx.adsl.select("USUBJID", "DTHDT"), "PRTRT", "PRDECOD", "PRDOSE", "PRDOSU", "PRNFRAC", "PRDOSTOT", "PRTOTU"
    ).drop_nulls("DT")  # fmt: skip
    count = pl.col("PRNFRAC").cast(pl.Float64, strict=False)
    gray = (pl.coalesce("PRTOTU", "PRDOSU") == "Gy").fill_null(True)
    rows = rows.with_columns(
        _n=count.fill_null(1.0),
        _gy=pl.when(gray).then(pl.coalesce("PRDOSTOT", pl.col("PRDOSE") * count.fill_null(1.0))),
    )
    return rows.group_by("USUBJID", maintain_order=True).agg(
        EXTRT=pl.coalesce("PRTRT", "PRDECOD").first().str.to_uppercase(),
        RTTOT=pl.when(pl.col("_gy").is_not_null().all()).then(pl.col("_gy").sum()),
        RTFX=pl.col("_n").sum(),
        FIRST=pl.col("DT").min(),
        LAST=pl.col("ENDT").max(),
        _from=pl.col("_from").list.explode(),
    ).with_columns(RTDAYS=(pl.col("LAST") - pl.col("FIRST")).dt.total_days() + 1)  # fmt: skip
