"""Dates that prove a subject alive, and the date of death, per subject (adam-derivations 2.2 and 3)."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from cdiscx.adam._context import Context, first_by, named, took_place, united
from cdiscx.standards.dates import impute_death

#: (domain, its dates, what else must hold): records that prove life; loss to follow-up and a fatal end prove nothing
_PROOFS: tuple[tuple[str, tuple[str, ...], pl.Expr | None], ...] = (
    ("SV", ("SVSTDT", "SVENDT"), pl.col("SVOCCUR").is_null() | (pl.col("SVOCCUR") == "Y")),
    ("EX", ("EXSTDT", "EXENDT"), None),
    ("PR", ("PRSTDT", "PRENDT"), None),
    ("TU", ("TUDT",), None),
    ("TR", ("TRDT",), None),
    ("LB", ("LBDT",), None),
    ("VS", ("VSDT",), None),
    ("AE", ("AESTDT",), None),
    ("AE", ("AEENDT",), (pl.col("AEOUT") != "FATAL").fill_null(True)),
    ("HO", ("HOSTDT", "HOENDT"), None),
    ("SS", ("SSDT",), pl.col("SSSTRESC") == "ALIVE"),
    ("DS", ("DSSTDT",), ~pl.col("DSDECOD").is_in(["DEATH", "LOST TO FOLLOW-UP"])),
)
_ALSO = {"SV": ("SVOCCUR",), "AE": ("AEOUT",), "SS": ("SSSTRESC",), "DS": ("DSDECOD",)}

LIFE_METHOD = (
    "Latest complete date on or before the cut-off that proves life: visit that took place (no specimen), exposure, procedure, scan, "
    "laboratory sample, vital signs, start or end of an adverse event, hospital stay, contact with status ALIVE, "
    "disposition other than death or loss to follow-up; not after the date of death."
)
LIFE_SOURCES = tuple(
    dict.fromkeys(f"{domain}.{day}C" for domain, days, _ in _PROOFS for day in days)
)  # the text --DTC is what SDTM holds


def last_alive(ctx: Context) -> pl.DataFrame:
    """USUBJID, LSTALVDT (not yet capped at death), LSTALVSR (`SV.SVSTDTC`) and `_from`, of subjects with any proof.

    Of several proofs of one day the first of `_PROOFS` is told, wherever the SDTM came from.
    """
    parts = []
    for later, (domain, days, proof) in enumerate(_PROOFS):
        frame = ctx.domain(domain, *days, *(f"{d}C" for d in days), *_ALSO.get(domain, ()), *_happened(domain))
        frame = frame.filter(took_place(domain) if proof is None else took_place(domain) & proof)
        frame = _without_specimens(ctx, frame) if domain == "SV" else frame
        parts += [
            frame.filter(pl.col(f"{day}C").is_not_null())  # an end after the cut-off was not known then
            .select("USUBJID", LSTALVDT=day, LSTALVSR=pl.lit(f"{domain}.{day}C"), _rank=pl.lit(-later), _id="_id")
            .drop_nulls()
            .filter(pl.col("LSTALVDT") <= ctx.cutoff)
            for day in days
        ]
    return first_by(pl.concat(parts), ["LSTALVDT", "_rank"], last=True).select(
        "USUBJID", "LSTALVDT", "LSTALVSR", _from=pl.concat_list("_id")
    )


def _without_specimens(ctx: Context, visits: pl.DataFrame) -> pl.DataFrame:
    """Visits without an end that is the day of a specimen: pathology looks at it later; a biopsy is a record of PR."""
    seen = ctx.domain("MI", "MIDT").select("USUBJID", SVENDT="MIDT", _specimen=pl.lit(True)).drop_nulls().unique()
    later = pl.col("_specimen").fill_null(False) & (pl.col("SVENDT") > pl.col("SVSTDT")).fill_null(False)
    joined = visits.join(seen, on=["USUBJID", "SVENDT"], how="left", maintain_order="left")
    return joined.with_columns(SVENDT=pl.when(~later).then("SVENDT"))


def _happened(domain: str) -> Sequence[str]:
    return tuple(f"{domain}{word}" for word in ("OCCUR", "STAT", "DOSE", "TRT"))


def deaths(ctx: Context, alive: pl.DataFrame) -> pl.DataFrame:
    """USUBJID, DTHFL, DTHDT, DTHDTF, DTHCAUS and `_from` of subjects who died on or before the cut-off.

    The date is DM's, else that of the disposition event DEATH; imputed after the last date known alive. A death whose
    date nobody knows has DTHFL and no DTHDT.
    """
    dm = ctx.domain("DM", "DTHDTC", "DTHFL").filter(
        pl.col("DTHDTC").is_not_null() | (pl.col("DTHFL").str.to_uppercase() == "Y")
    )
    told = ctx.domain("DS", "DSDECOD", "DSSTDTC").filter(pl.col("DSDECOD") == "DEATH")
    contact = ctx.domain("SS", "SSSTRESC").filter(pl.col("SSSTRESC") == "DEAD")
    rows = pl.concat(
        [
            dm.select("USUBJID", ISO="DTHDTC", rank=pl.lit(0), _id="_id", _from="_from"),
            told.select("USUBJID", ISO="DSSTDTC", rank=pl.lit(1), _id="_id", _from="_from"),
            contact.select("USUBJID", ISO=pl.lit(None, dtype=pl.String), rank=pl.lit(2), _id="_id", _from="_from"),
        ]
    )
    known = rows.with_columns(_no=pl.col("ISO").is_null())
    one = first_by(known, ["_no", "rank"]).select("USUBJID", "ISO", "_from")
    one = one.join(alive.select("USUBJID", "LSTALVDT"), on="USUBJID", how="left", maintain_order="left")
    date = impute_death(pl.col("ISO"), last_alive=pl.col("LSTALVDT"), cutoff=pl.lit(ctx.cutoff))
    out = one.select("USUBJID", DTHFL=pl.lit("Y"), DTHDT=date.date, DTHDTF=date.flag, _from="_from")
    cause = ctx.domain("DD", "DDTESTCD", "DDSTRESC", "DDORRES").filter(pl.col("DDTESTCD") == "PRCDTH")
    cause = cause.with_columns(DTHCAUS=pl.coalesce("DDSTRESC", "DDORRES"))
    return united(named(out), named(first_by(cause, ["DTHCAUS"]).select("USUBJID", "DTHCAUS", "_from")))
