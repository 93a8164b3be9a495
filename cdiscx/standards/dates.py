"""Partial ISO 8601 dates in; comparisons, imputed days, study days and durations out, as Polars expressions.

An ISO expression is right-truncated text (``2024``, ``2024-03``, ``2024-03-05``, ``2024---05`` with the month
unknown), with or without a time of day behind, or a Date column. Nothing here guesses: what is not such text
gives null.
"""

from __future__ import annotations

from typing import Final, Literal, NamedTuple

import polars as pl

from cdiscx.standards.date_text import ORDERS, read_dates
from cdiscx.standards.exact import divided

__all__ = [
    "DAYS_PER_MONTH",
    "ORDERS",
    "Imputed",
    "after",
    "before",
    "duration_days",
    "earliest",
    "impute",
    "impute_ae_end",
    "impute_ae_start",
    "impute_death",
    "impute_diagnosis",
    "impute_history",
    "impute_new_therapy_start",
    "is_epoch_artefact",
    "latest",
    "months",
    "precision",
    "read_dates",
    "read_iso",
    "study_day",
]

DAYS_PER_MONTH: Final = 30.4375
"""Days in a month of survival time: 365.25 / 12 (adam-derivations 1.8)."""

Position = Literal["first", "middle", "last"]

_SHAPE: Final = r"^[0-9]{4}(?:-[0-9]{2}(?:-[0-9]{2}(?:T.*)?)?|---[0-9]{2})?$"


class Imputed(NamedTuple):
    """A date column completed, and its ADaM flag: D (day imputed), M (month and day imputed) or null."""

    date: pl.Expr
    flag: pl.Expr


# --- reading and bounds -------------------------------------------------------------------------------------


def read_iso(text: pl.Expr) -> pl.Expr:
    """The Date of a complete ISO 8601 text (``2024-03-05``, time of day allowed); anything else is null.

    For dates that are never imputed: doses, scans, surgery, consent (adam-derivations section 3).
    """
    shaped = _iso(text)
    return _day(pl.when(_has_length(shaped, 10)).then(shaped))


def earliest(iso: pl.Expr) -> pl.Expr:
    """The first day (Date) that a full or partial date can mean; null for blank or impossible text."""
    return _first_day(_iso(iso))


def latest(iso: pl.Expr) -> pl.Expr:
    """The last day (Date) that a full or partial date can mean; null for blank or impossible text."""
    return _last_day(_iso(iso))


def precision(iso: pl.Expr) -> pl.Expr:
    """``Y``, ``M`` or ``D``: how far a date is known without a gap (``2024---05`` is ``Y``); null if null."""
    return _precision(_iso(iso))


# --- comparing ----------------------------------------------------------------------------------------------


def before(a: pl.Expr, b: pl.Expr) -> pl.Expr:
    """Whether ``a`` is before ``b`` at the precision that both share (DAT-006); null if either is null.

    ``2023-05`` is neither before nor after ``2023-05-20``. Times of day are not compared.
    """
    left, right = _gapless(_iso(a)), _gapless(_iso(b))
    return left.str.head(right.str.len_bytes()) < right.str.head(left.str.len_bytes())


def after(a: pl.Expr, b: pl.Expr) -> pl.Expr:
    """Whether ``a`` is after ``b`` at the precision that both share; null if either is null. See `before`."""
    return before(b, a)


# --- imputing -----------------------------------------------------------------------------------------------


def impute(
    iso: pl.Expr,
    *,
    day: Position,
    month: Position | None,
    floor: pl.Expr | None = None,
    cap: pl.Expr | None = None,
) -> Imputed:
    """Complete a partial date (adam-derivations section 3); used in ADaM only.

    ``day`` says which day a missing day becomes: the first, the 15th (``middle``) or the last of the month.
    ``month`` says the same for a missing month: 1 January, 1 July or 31 December; None leaves it blank.
    The result is then raised to ``floor`` and lowered to ``cap`` (Date expressions; null is no limit; cap
    wins) but never leaves the month or year that was collected: a limit outside it is another error's
    business. A day known without its month (``2024---05``) is completed like a bare year.

    A complete date is kept as collected, unflagged, whatever the limits; a missing one stays missing.
    """
    period = _gapless(_iso(iso))
    known, start, end = _precision(period), _first_day(period), _last_day(period)
    by_day = {"first": start, "middle": start.dt.offset_by("14d"), "last": end}[day]
    by_month = {None: _no_date(), "first": start, "middle": start.dt.offset_by("6mo"), "last": end}[month]
    chosen = pl.when(known == "M").then(by_day).when(known == "Y").then(by_month)
    limited: pl.Expr = chosen
    if floor is not None:
        limited = pl.max_horizontal(limited, floor)
    if cap is not None:
        limited = pl.min_horizontal(limited, cap)
    inside = pl.max_horizontal(start, pl.min_horizontal(end, limited))
    date = pl.when(known == "D").then(start).when(chosen.is_not_null()).then(inside)
    flag = pl.when(chosen.is_not_null()).then(known.replace({"M": "D", "Y": "M"}))
    return Imputed(date, flag)


def impute_diagnosis(iso: pl.Expr, *, consent: pl.Expr) -> Imputed:
    """Diagnosis: the 15th, or 1 July; not after ``consent`` (RFICDT)."""
    return impute(iso, day="middle", month="middle", cap=consent)


def impute_history(iso: pl.Expr) -> Imputed:
    """Medical history and prior therapy: the 15th, or 1 July."""
    return impute(iso, day="middle", month="middle")


def impute_death(iso: pl.Expr, *, last_alive: pl.Expr, cutoff: pl.Expr | None = None) -> Imputed:
    """Death: the day after ``last_alive`` (LSTALVDT) or the first of the month or year, whichever is later.

    Not after the end of the collected month or year, nor after ``cutoff`` (CUTDT) where that lies within it.
    """
    return impute(iso, day="first", month="first", floor=last_alive.dt.offset_by("1d"), cap=cutoff)


def impute_ae_start(iso: pl.Expr, *, treatment_start: pl.Expr, ae_end: pl.Expr | None = None) -> Imputed:
    """AE start: first treatment (TRTSDT) if that is in the same month or year, else the first of it.

    Not after the collected AE end ``ae_end``, an ISO expression which may itself be partial.
    """
    period = _gapless(_iso(iso))
    same_period = treatment_start.is_between(_first_day(period), _last_day(period))
    floor = pl.when(same_period).then(treatment_start)
    cap = None if ae_end is None else latest(ae_end)
    return impute(iso, day="first", month="first", floor=floor, cap=cap)


def impute_ae_end(iso: pl.Expr, *, death: pl.Expr | None = None, cutoff: pl.Expr | None = None) -> Imputed:
    """AE end: the last of the month, or 31 December; not after ``death`` (DTHDT) and ``cutoff`` (CUTDT)."""
    limits = [limit for limit in (death, cutoff) if limit is not None]
    return impute(iso, day="last", month="last", cap=pl.min_horizontal(limits) if limits else None)


def impute_new_therapy_start(iso: pl.Expr, *, treatment_start: pl.Expr) -> Imputed:
    """New anti-cancer therapy: the first of the month, not before ``treatment_start`` (TRTSDT).

    A missing month is not imputed.
    """
    return impute(iso, day="first", month=None, floor=treatment_start)


# --- counting days ------------------------------------------------------------------------------------------


def study_day(date: pl.Expr, reference: pl.Expr) -> pl.Expr:
    """Days since ``reference`` (both Date) as SDTM --DY and ADaM ADY count: 1 is that day, -1 the day before.

    There is no day 0 (SDTMIG 4.4.4, adam-derivations 1.3); null if either is null.
    """
    days = (date - reference).dt.total_days()
    return pl.when(days >= 0).then(days + 1).otherwise(days)


def duration_days(start: pl.Expr, end: pl.Expr) -> pl.Expr:
    """Days from ``start`` to ``end`` (both Date), counting both (adam-derivations 1.8)."""
    return (end - start).dt.total_days() + 1


def months(days: pl.Expr) -> pl.Expr:
    """Days as months of 30.4375 days, unrounded (adam-derivations 1.8)."""
    return divided(days, pl.lit(DAYS_PER_MONTH))


def is_epoch_artefact(date: pl.Expr) -> pl.Expr:
    """Whether a Date is only a spreadsheet's zero: 1899-12-30 to 1900-01-01, or 1904-01-01 (DAT-001)."""
    return date.is_between(pl.date(1899, 12, 30), pl.date(1900, 1, 1)) | (date == pl.date(1904, 1, 1))


# --- ISO text -----------------------------------------------------------------------------------------------


def _iso(iso: pl.Expr) -> pl.Expr:
    """The date part of an ISO expression; null where it has no such shape."""
    text = iso.cast(pl.String)
    return pl.when(text.str.contains(_SHAPE)).then(text.str.head(10))


def _first_day(text: pl.Expr) -> pl.Expr:
    return _filled(text, "-01-01")


def _last_day(text: pl.Expr) -> pl.Expr:
    day = _filled(text, "-12-31")
    return pl.when(_has_length(text, 7)).then(day.dt.month_end()).otherwise(day)


def _filled(text: pl.Expr, rest: str) -> pl.Expr:
    """The Date of an ISO text with what it lacks taken from `rest`, also a month between year and day (`2024---05`)."""
    filled = (text.str.replace("---", rest[:4], literal=True) + rest).str.head(10)
    return _day(pl.when(_has_length(text, 10)).then(text).otherwise(filled))


def _precision(text: pl.Expr) -> pl.Expr:
    return (
        pl.when(_has_length(text, 10)).then(pl.lit("D"))
        .when(_has_length(text, 7)).then(pl.lit("M"))
        .when(text.is_not_null()).then(pl.lit("Y"))
    )  # fmt: skip


def _gapless(text: pl.Expr) -> pl.Expr:
    """ISO text cut where the first part is missing, so that texts compare as dates do."""
    return pl.when(_has_length(text, 9)).then(text.str.head(4)).otherwise(text)


def _day(text: pl.Expr) -> pl.Expr:
    return text.str.to_date("%Y-%m-%d", strict=False)


def _has_length(text: pl.Expr, length: int) -> pl.Expr:
    return text.str.len_bytes() == length


def _no_date() -> pl.Expr:
    return pl.lit(None, dtype=pl.Date)
