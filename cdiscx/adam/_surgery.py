"""The parameters of ADSURG: resected subjects in, one row per subject and parameter out (trial B 8.8).

Every maker takes the context and the resected subjects (ADSL's dates, R status, `_from`) and returns USUBJID, PARAMCD,
AVALC, AVAL, ADT, AVALCAT1, SRCDOM, SRCVAR, SRCSEQ, `_from`. Yes is 1, no is 0; what is not known is null.
"""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from cdiscx.adam._context import Context, first_by, united
from cdiscx.adam._milestones import NO_SOURCE, exposures, last_dose_sources
from cdiscx.adam._pathology import pathological_response
from cdiscx.standards.grades import clavien_grade, clavien_major, clavien_ordinal, is_r0

_SHORT = "FOLLOW-UP SHORTER THAN WINDOW"
_WHOLE = "OBSERVED FOR THE WHOLE WINDOW"


def _rows(
    frame: pl.DataFrame,
    code: str,
    *,
    text: pl.Expr | None = None,
    number: pl.Expr | None = None,
    date: pl.Expr | None = None,
    category: pl.Expr | None = None,
    source: Mapping[str, str | pl.Expr] | None = None,
) -> pl.DataFrame:
    none = pl.lit(None, dtype=pl.String)
    answer = none if text is None else text
    as_number = pl.when(answer == "Y").then(1.0).when(answer == "N").then(0.0) if number is None else number
    words = source or {}
    sequence = words.get("SRCSEQ", pl.lit(None, dtype=pl.Float64))
    return frame.select(
        "USUBJID",
        PARAMCD=pl.lit(code),
        AVALC=answer,
        AVAL=as_number.cast(pl.Float64),
        ADT=pl.lit(None, dtype=pl.Date) if date is None else date,
        AVALCAT1=none if category is None else category,
        SRCDOM=_word(words.get("SRCDOM", "ADSL")),
        SRCVAR=_word(words.get("SRCVAR", "SURGDT")),
        SRCSEQ=(sequence if isinstance(sequence, pl.Expr) else pl.col(sequence)).cast(pl.Int64),
        _from="_from",
    )


def _word(text: str | pl.Expr) -> pl.Expr:
    return pl.lit(text) if isinstance(text, str) else text


def _yes(met: pl.Expr) -> pl.Expr:
    return pl.when(met).then(pl.lit("Y")).when(~met).then(pl.lit("N"))


def _days_after(date: str, anchor: str = "SURGDT") -> pl.Expr:
    return (pl.col(date) - pl.col(anchor)).dt.total_days()


def _plus(anchor: str, days: int) -> pl.Expr:
    return pl.col(anchor) + pl.duration(days=days)


def _observed(days: int, anchor: str = "SURGDT") -> pl.Expr:
    """Whether a subject without the event was followed through the whole window (to its end, or to death)."""
    through = (pl.col("LSTALVDT") >= _plus(anchor, days)) | pl.col("DTHDT").is_not_null()
    return pl.when(through.fill_null(False)).then(pl.lit(_WHOLE)).otherwise(pl.lit(_SHORT))


def mortality(ctx: Context, resected: pl.DataFrame) -> pl.DataFrame:
    """MORT30: death from the day of operation to the limit, inclusive; null while nobody knows how the subject was then."""
    days = int(ctx.p("mortality_days", 30))
    died = _days_after("DTHDT")
    alive = (died > days).fill_null(False) | (
        pl.col("DTHDT").is_null() & (_days_after("LSTALVDT") >= days).fill_null(False)
    )
    answer = pl.when(died.is_between(0, days)).then(pl.lit("Y")).when(alive).then(pl.lit("N"))
    date = pl.when(answer == "Y").then("DTHDT").when(answer == "N").then(_plus("SURGDT", days))
    variable = pl.when((answer == "Y") | (died > days)).then(pl.lit("DTHDT")).otherwise(pl.lit("LSTALVDT"))
    return _rows(resected, "MORT30", text=answer, date=date, source={"SRCVAR": variable})


def complications(ctx: Context, resected: pl.DataFrame) -> pl.DataFrame:
    """COMPANY, COMPMAJ, CDGRMAX: surgical complications with onset in the window; null without adverse events at all."""
    days = int(ctx.p("complication_days", 90))
    if "ADAE" not in ctx.made:
        unknown = [_rows(resected, code) for code in ("COMPANY", "COMPMAJ", "CDGRMAX")]
        return pl.concat(unknown)
    rank = clavien_ordinal(pl.col("AECDGR"))
    surgical = (pl.col("AESURGFL") == "Y").fill_null(False) | rank.is_not_null()
    events = ctx.made["ADAE"].frame.filter(surgical).join(resected.select("USUBJID", "SURGDT"), on="USUBJID")
    events = events.filter(_days_after("ASTDT").is_between(0, days)).with_columns(
        rank=rank, major=clavien_major(pl.col("AECDGR")).fill_null(False)
    )
    counted = resected.select("USUBJID", "SURGDT", "LSTALVDT", "DTHDT", _from=NO_SOURCE)
    out = []
    for code, rows, by in (
        ("COMPANY", events, ["ASTDT", "ASEQ"]),
        ("COMPMAJ", events.filter(pl.col("major")), ["ASTDT", "ASEQ"]),
        ("CDGRMAX", events.filter(pl.col("rank").is_not_null()), ["_order", "ASTDT", "ASEQ"]),
    ):
        ordered = rows.with_columns(_order=-pl.col("rank").cast(pl.Int32)).sort("USUBJID", *by)
        one = ordered.group_by("USUBJID", maintain_order=True).first()
        found = united(counted, one.select("USUBJID", "ASTDT", "ASEQ", "rank", "_from"))
        has = pl.col("ASTDT").is_not_null()
        source: dict[str, str | pl.Expr] = {
            "SRCDOM": pl.when(has).then(pl.lit("ADAE")).otherwise(pl.lit("ADSL")),
            "SRCVAR": pl.when(has).then(pl.lit("AECDGR" if code == "CDGRMAX" else "ASTDT")).otherwise(pl.lit("SURGDT")),
            "SRCSEQ": "ASEQ",
        }
        known = pl.col("SURGDT").is_not_null()
        graded = pl.coalesce(clavien_grade(pl.col("rank")), pl.lit("NONE"))
        text = pl.when(known).then(graded if code == "CDGRMAX" else _yes(has))
        number = pl.when(known).then(pl.col("rank").fill_null(0)) if code == "CDGRMAX" else None
        category = pl.when(known & ~has).then(_observed(days))
        out.append(_rows(found, code, text=text, number=number, date=pl.col("ASTDT"), category=category, source=source))
    return pl.concat(out)


def reoperation(ctx: Context, resected: pl.DataFrame) -> pl.DataFrame:
    """REOP: return to theatre under anaesthesia after the index operation, within the window."""
    days = int(ctx.p("reoperation_days", 90))
    rows = ctx.records(ctx.study.analysis.reoperation, "ST", "PRSEQ", "PRANESTH")
    rows = rows.join(resected.select("USUBJID", "SURGDT"), on="USUBJID").filter(
        _days_after("DT").is_between(0, days) & (pl.col("PRANESTH").str.to_uppercase() != "N").fill_null(True)
    )
    one = first_by(rows, ["DT"]).select("USUBJID", "DT", "PRSEQ", "DOMAIN", "_from")
    found = united(resected.with_columns(_from=NO_SOURCE), one)
    has = pl.col("DT").is_not_null()
    return _rows(
        found,
        "REOP",
        text=pl.when(pl.col("SURGDT").is_not_null()).then(_yes(has)),
        date=pl.col("DT"),
        category=pl.when(~has & pl.col("SURGDT").is_not_null()).then(_observed(days)),
        source={
            "SRCDOM": pl.coalesce("DOMAIN", pl.lit("ADSL")),
            "SRCVAR": pl.when(has).then(pl.lit("PRSTDTC")).otherwise(pl.lit("SURGDT")),
            "SRCSEQ": "PRSEQ",
        },
    )


def _stays(ctx: Context) -> pl.DataFrame:
    ho = ctx.domain("HO", "HODECOD", "HOCAT", "HOOCCUR", "HOSTDT", "HOENDT", "HOSEQ")
    return ho.filter(
        (pl.col("HODECOD") == "HOSPITAL STAY").fill_null(True) & (pl.col("HOOCCUR") != "N").fill_null(True)
    )


def stay(ctx: Context, resected: pl.DataFrame) -> pl.DataFrame:
    """LOS: nights from the operation to discharge; to death where the subject died in hospital (AVALCAT1 says so)."""
    open_ = _stays(ctx).join(resected.select("USUBJID", "SURGDT"), on="USUBJID").filter(
        pl.col("HOENDT").is_null() & (pl.col("HOSTDT") <= pl.col("SURGDT")).fill_null(pl.col("HOCAT") == "INDEX SURGERY")
    )  # fmt: skip
    inside = resected.join(open_.select("USUBJID", _open=pl.lit(True)).unique(), on="USUBJID", how="left")
    died = (pl.col("DISCHDT") >= pl.col("DTHDT")).fill_null(False) | (
        pl.col("DISCHDT").is_null() & pl.col("_open").fill_null(False) & pl.col("DTHDT").is_not_null()
    )
    end = pl.when(died).then("DTHDT").otherwise("DISCHDT")
    frame = inside.sort("USUBJID", maintain_order=True).with_columns(_end=end, _died=died)
    return _rows(
        frame,
        "LOS",
        number=_days_after("_end"),
        date=pl.col("_end"),
        category=pl.when("_died").then(pl.lit("DIED IN HOSPITAL")),
        source={"SRCVAR": pl.when("_died").then(pl.lit("DTHDT")).otherwise(pl.lit("DISCHDT"))},
    )


def readmission(ctx: Context, resected: pl.DataFrame) -> pl.DataFrame:
    """READM: a new stay that begins after discharge and within the window (from discharge, or from the operation)."""
    from_surgery = str(ctx.p("readmission_from", "DISCHARGE")).upper() == "SURGERY"
    anchor = "SURGDT" if from_surgery else "DISCHDT"
    days = int(ctx.p("complication_days", 90) if from_surgery else ctx.p("readmission_days", 30))
    stays = _stays(ctx).join(resected.select("USUBJID", "SURGDT", "DISCHDT"), on="USUBJID")
    new = stays.filter((pl.col("HOSTDT") > pl.col("DISCHDT")) & (pl.col("HOSTDT") <= _plus(anchor, days)))
    one = first_by(new, ["HOSTDT"]).select("USUBJID", "HOSTDT", "HOSEQ", "_from")
    found = united(resected.with_columns(_from=NO_SOURCE), one)
    has = pl.col("HOSTDT").is_not_null()
    left = (
        pl.col("DISCHDT").is_not_null() & (pl.col("DTHDT").is_null() | (pl.col("DTHDT") > pl.col("DISCHDT")))
    ).fill_null(False)
    return _rows(
        found,
        "READM",
        text=pl.when(left | has).then(_yes(has)),
        date=pl.col("HOSTDT"),
        category=pl.when(left & ~has).then(_observed(days, anchor)),
        source={
            "SRCDOM": pl.when(has).then(pl.lit("HO")).otherwise(pl.lit("ADSL")),
            "SRCVAR": pl.when(has).then(pl.lit("HOSTDTC")).otherwise(pl.lit("DISCHDT")),
            "SRCSEQ": "HOSEQ",
        },
    )


def residual(ctx: Context, resected: pl.DataFrame) -> pl.DataFrame:
    """RSTAT and R0: RX and a missing status are not R0 (RS-X)."""
    status = pl.col("RSTAT")
    rank = status.replace_strict(["R0", "R1", "R2"], [0.0, 1.0, 2.0], default=None, return_dtype=pl.Float64)
    source = {"SRCVAR": "RSTAT"}
    unknown = pl.when(status.is_null()).then(pl.lit("STATUS MISSING")).when(status == "RX").then(pl.lit("STATUS RX"))
    return pl.concat(
        [
            _rows(resected, "RSTAT", text=status, number=rank, date=pl.col("SURGDT"), source=source),
            _rows(resected, "R0", text=_yes(is_r0(status)), date=pl.col("SURGDT"), category=unknown, source=source),
        ]
    )


def pathology(ctx: Context, resected: pl.DataFrame) -> pl.DataFrame:
    """VIABPCT, MPR, PCR: null where no specimen was examined."""
    seen = pathological_response(ctx, resected.select("USUBJID", "SURGDT"))
    found = united(resected.with_columns(_from=NO_SOURCE), seen)
    source = {"SRCDOM": "MI", "SRCVAR": "MISTRESN"}
    date = pl.col("PATHDT")
    return pl.concat(
        [
            _rows(found, "VIABPCT", number=pl.col("VIABPCT"), date=date, source=source),
            _rows(found, "MPR", text=pl.col("MPR"), date=date, source=source),
            _rows(found, "PCR", text=pl.col("PCR"), date=date, source=source),
        ]
    )


def interval(ctx: Context, resected: pl.DataFrame) -> pl.DataFrame:
    """SURGINT: days from the last pre-operative dose or fraction to the operation."""
    rows = exposures(ctx, last_dose_sources(ctx), ctx.adsl.select("USUBJID", "DTHDT"))
    local = [] if ctx.study.analysis.last_dose else [d for d, r in ctx.study.regimens.items() if not r.systemic]
    rows = rows.filter(~pl.col("EXTRT").str.to_uppercase().is_in(local).fill_null(False))
    rows = rows.join(resected.select("USUBJID", "SURGDT"), on="USUBJID").filter(pl.col("DT") < pl.col("SURGDT"))
    rows = rows.with_columns(LAST=pl.min_horizontal("ENDT", "SURGDT"))
    one = first_by(rows, ["LAST"], last=True).select("USUBJID", "LAST", "DOMAIN", "_from")
    found = united(resected.with_columns(_from=NO_SOURCE), one)
    variable = pl.when(pl.col("DOMAIN").is_not_null()).then(pl.col("DOMAIN") + "ENDTC").otherwise(pl.lit("SURGDT"))
    days = (pl.col("SURGDT") - pl.col("LAST")).dt.total_days()
    source = {"SRCDOM": pl.coalesce("DOMAIN", pl.lit("ADSL")), "SRCVAR": variable}
    return _rows(found, "SURGINT", number=days, date=pl.col("LAST"), source=source)
