"""Dates of a subject's way through the trial: consent, enrolment, diagnosis, treatment, operation, new therapy (2.2)."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from cdiscx.adam._context import Context, first_by, named, united
from cdiscx.adam._sources import ENTRY
from cdiscx.model.spec import Records
from cdiscx.standards.dates import earliest, impute_diagnosis, impute_new_therapy_start

_CONSENT = "INFORMED CONSENT OBTAINED"
_NEVER_IN = ("SCREEN FAILURE", "NOT ASSIGNED")
NO_SOURCE = pl.lit([], dtype=pl.List(pl.UInt32))


def consent(ctx: Context) -> pl.DataFrame:
    """USUBJID, RFICDT and `_from`: DM.RFICDTC, else the milestone INFORMED CONSENT OBTAINED."""
    ds = ctx.domain("DS", "DSDECOD", "DSSTDT").filter(pl.col("DSDECOD") == _CONSENT)
    rows = pl.concat(
        [
            ctx.domain("DM", "RFICDT").select("USUBJID", "RFICDT", "_id", "_from", rank=pl.lit(0)),
            ds.select("USUBJID", RFICDT="DSSTDT", _id="_id", _from="_from", rank=pl.lit(1)),
        ]
    ).drop_nulls("RFICDT")
    return first_by(rows, ["rank", "RFICDT"]).select("USUBJID", "RFICDT", "_from")


def enrolment(ctx: Context, consented: pl.DataFrame) -> pl.DataFrame:
    """USUBJID, ENRLDT and `_from` of enrolled subjects: milestone of entry, else eligibility, else consent.

    Consent stands in only where nothing says that the subject was a screen failure, was never assigned, or entered after
    the cut-off; a consent after the cut-off enrols nobody.
    """
    ds = ctx.domain("DS", "DSDECOD", "DSSTDT")
    entry = ds.filter(pl.col("DSDECOD").is_in(ENTRY)).with_columns(
        rank=pl.col("DSDECOD").replace_strict(list(ENTRY), list(range(len(ENTRY))), return_dtype=pl.Int32)
    )
    failed = ds.filter(pl.col("DSDECOD") == "SCREEN FAILURE").select("USUBJID")
    dm = ctx.domain("DM", "ARMNRS", "ARMCD")
    later = pl.col("_later").fill_null(False) if "_later" in dm.columns else pl.lit(False)
    out = dm.filter(pl.col("ARMNRS").is_in(_NEVER_IN) | pl.col("ARMCD").is_in(["SCRNFAIL", "NOTASSGN"]) | later)
    never = pl.concat([failed, out.select("USUBJID")]).unique()
    consented = consented.filter(pl.col("RFICDT") <= ctx.cutoff)
    fallback = consented.join(never, on="USUBJID", how="anti").select(
        "USUBJID", ENRLDT="RFICDT", rank=pl.lit(len(ENTRY), dtype=pl.Int32), _id=pl.col("_from").list.first(), _from="_from"
    )  # fmt: skip
    rows = pl.concat([entry.select("USUBJID", ENRLDT="DSSTDT", rank="rank", _id="_id", _from="_from"), fallback])
    return first_by(rows, ["rank", "ENRLDT"]).select("USUBJID", "ENRLDT", "_from")


def diagnosis(ctx: Context, consented: pl.DataFrame) -> pl.DataFrame:
    """USUBJID, DIAGDT, DIAGDTF and `_from`: the earliest diagnosis; a partial date is imputed, not after consent."""
    rows = ctx.records(ctx.study.analysis.diagnosis, "ST").with_columns(_first=earliest(pl.col("DTC")))
    one = first_by(rows, ["_first"]).select("USUBJID", "DTC", "_from")
    one = one.join(consented.select("USUBJID", "RFICDT"), on="USUBJID", how="left", maintain_order="left")
    date = impute_diagnosis(pl.col("DTC"), consent=pl.col("RFICDT"))
    return one.select("USUBJID", DIAGDT=date.date, DIAGDTF=date.flag, _from="_from").drop_nulls("DIAGDT")


def exposures(ctx: Context, sources: Sequence[Records], died: pl.DataFrame, *columns: str) -> pl.DataFrame:
    """One row per record of treatment: USUBJID, DT, ENDT, DOMAIN, EXTRT, `_id`, `_from`; dates are never imputed.

    `died`: USUBJID and DTHDT.
    A missing end is the start (one administration); an interval collected as ongoing ends at the cut-off or at death.
    """
    rows = ctx.records(sources, "ST", "EXTRT", "EXONGO", *columns)
    rows = rows.join(died.select("USUBJID", "DTHDT"), on="USUBJID", how="left", maintain_order="left")
    running = pl.col("ENDTC").is_null() & (pl.col("EXONGO").str.to_uppercase() == "Y").fill_null(False)
    end = pl.when(running).then(pl.min_horizontal(pl.lit(ctx.cutoff), "DTHDT")).otherwise(pl.col("ENDT"))
    return rows.with_columns(ENDT=pl.max_horizontal("DT", end)).drop("DTHDT", "EXONGO", "DTC", "ENDTC")


def last_dose_sources(ctx: Context) -> tuple[Records, ...]:
    """What the treatment-emergent window counts from: the study file's word, else systemic drugs and radiotherapy."""
    said = ctx.study.analysis.last_dose
    return said or (Records(of="EX", where={}), *ctx.study.analysis.radiotherapy)


def treatment(ctx: Context, died: pl.DataFrame) -> pl.DataFrame:
    """USUBJID, TRTSDT, TRTEDT, LDOSEDT and `_from` (the records of first and last treatment) of treated subjects."""
    all_ = exposures(ctx, ctx.study.analysis.treatment, died)
    local = [drug for drug, regimen in ctx.study.regimens.items() if not regimen.systemic]
    dosed = exposures(ctx, last_dose_sources(ctx), died)
    if not ctx.study.analysis.last_dose:
        dosed = dosed.filter(~pl.col("EXTRT").str.to_uppercase().is_in(local).fill_null(False))
    start = first_by(all_, ["DT"]).select("USUBJID", TRTSDT="DT", _from="_from")
    end = first_by(all_, ["ENDT"], last=True).select("USUBJID", TRTEDT="ENDT", _from="_from")
    last = first_by(dosed, ["ENDT"], last=True).select("USUBJID", LDOSEDT="ENDT", _from="_from")
    treated = all_.group_by("USUBJID", maintain_order=True).agg(pl.col("_from").first()).with_columns(SAFFL=pl.lit("Y"))
    for piece in (start, end, last):
        treated = united(treated, named(piece))
    return treated.with_columns(LDOSEDT=pl.coalesce("LDOSEDT", "TRTEDT"))


def first_doses(ctx: Context, died: pl.DataFrame) -> list[pl.DataFrame]:
    """For every population of exposure in the study file: USUBJID, its flag, the first date, `_from`."""
    out = []
    for flag, exposed in ctx.study.analysis.exposed.items():
        rows = exposures(ctx, (Records(of="EX", where={"EXTRT": exposed.drugs}),), died)
        given = rows.sort("DT", "_id", nulls_last=True).group_by("USUBJID", maintain_order=True).first()
        out.append(given.select("USUBJID", pl.lit("Y").alias(flag), pl.col("DT").alias(exposed.first), "_from"))
    return out


def radiotherapy(ctx: Context, died: pl.DataFrame) -> pl.DataFrame:
    """USUBJID, RTSDT, RTEDT and `_from`: first and last fraction."""
    rows = exposures(ctx, ctx.study.analysis.radiotherapy, died)
    start = first_by(rows, ["DT"]).select("USUBJID", RTSDT="DT", _from="_from")
    end = first_by(rows, ["ENDT"], last=True).select("USUBJID", RTEDT="ENDT", _from="_from")
    return united(named(start), named(end))


def operations(ctx: Context) -> pl.DataFrame:
    """USUBJID, RESFL, SURGDT and `_from`: the first index operation; one without a date counts as done."""
    rows = ctx.records(ctx.study.analysis.surgery, "ST").sort("DT", "_id", nulls_last=True)
    first = rows.group_by("USUBJID", maintain_order=True).first()
    return first.select("USUBJID", RESFL=pl.lit("Y"), SURGDT="DT", _from="_from")


def discharge(ctx: Context, operated: pl.DataFrame) -> pl.DataFrame:
    """USUBJID, DISCHDT and `_from`: end of the stay that contains the operation; stays a day apart are one.

    A stay that SDTM calls INDEX SURGERY is the operation's, whatever its admission date says.
    """
    ho = ctx.domain("HO", "HODECOD", "HOCAT", "HOSTDT", "HOENDT", "HOOCCUR")
    ho = ho.filter(
        (pl.col("HODECOD") == "HOSPITAL STAY").fill_null(True) & (pl.col("HOOCCUR") != "N").fill_null(True)
    ).join(operated.select("USUBJID", "SURGDT"), on="USUBJID")
    index = (pl.col("HOCAT").str.to_uppercase() == "INDEX SURGERY").fill_null(False)
    begins = (pl.col("HOSTDT") <= pl.col("SURGDT")).fill_null(False) | index
    within = ho.filter(begins & (pl.col("HOENDT").is_null() | (pl.col("HOENDT") >= pl.col("SURGDT"))))
    open_ = within.filter(pl.col("HOENDT").is_null()).select("USUBJID")
    one = first_by(within, ["HOENDT"], last=True).join(open_, on="USUBJID", how="anti")
    one = one.select("USUBJID", DISCHDT="HOENDT", _from="_from")
    join_days = int(ctx.p("stay_join_days", 1))
    later = ho.join(one.select("USUBJID", "DISCHDT"), on="USUBJID").filter(
        pl.col("HOSTDT").is_between("DISCHDT", pl.col("DISCHDT").dt.offset_by(f"{join_days}d"))
        & (pl.col("HOENDT") > pl.col("DISCHDT"))
        & (pl.col("HOCAT").str.to_uppercase() != "READMISSION").fill_null(True)
    )
    moved = first_by(later, ["HOENDT"], last=True).select("USUBJID", _later="HOENDT", _from="_from")
    return united(one, moved).with_columns(DISCHDT=pl.coalesce("_later", "DISCHDT")).drop("_later")


def new_therapy(ctx: Context, treated: pl.DataFrame) -> pl.DataFrame:
    """USUBJID, NACTDT, NACTDTF and `_from`: earliest anti-cancer therapy outside the protocol after first treatment."""
    rows = ctx.records(ctx.study.analysis.new_therapy, "ST")
    rows = rows.join(treated.select("USUBJID", "TRTSDT"), on="USUBJID", how="left", maintain_order="left")
    date = impute_new_therapy_start(pl.col("DTC"), treatment_start=pl.col("TRTSDT"))
    rows = rows.with_columns(NACTDT=date.date, NACTDTF=date.flag).filter(
        (pl.col("NACTDT") >= pl.col("TRTSDT")).fill_null(True) & (pl.col("NACTDT") <= ctx.cutoff)
    )
    return first_by(rows, ["NACTDT"]).select("USUBJID", "NACTDT", "NACTDTF", "_from")
