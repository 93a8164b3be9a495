"""Readings that look ten times too small or too large: which cell of a lesion's course is the odd one (MEA-005)."""

from __future__ import annotations

from collections.abc import Callable

import polars as pl

from cdiscx.model.spec import Study
from cdiscx.registry import view

_SERIES = ["SUBJID", "EVAL", "LESID", "COL"]
_UNREAD = ("TOO SMALL", "NOT EVALUABLE", "MERGED")
_STATED = {"LDIAM": "LDIAMC", "SAXIS": "SAXISC"}


@view("unit_slips", of=("readings",), requires=("targets", "subjects"))
def unit_slips(study: Study, readings: pl.LazyFrame) -> pl.LazyFrame:
    """One row per target row whose diameter or short axis looks like cm read as mm, or mm read as cm.

    SUBJID, EVAL, LESID, VISIT, _rid, COL (column of the odd cell; a node's short axis before its diameter), X (mm),
    LOW (bool: ten times too small), ONCM (bool: stated in cm), DAY, and REF, REFDAY, REFRID, REFCOL: the reading it is
    compared with (the last good one before it, else the first after it; null where only its size is odd). Viable
    diameters are never looked at; "too small" is an answer, not a slip (R11-C-4).
    """
    rows = _judged(_courses(_cells(readings, study), study), study)
    good = ~pl.col("ODD") & ~pl.col("SELF")
    near = []
    for column in ("X", "DAY", "_rid"):
        known = pl.when(good).then(column)
        near += [
            known.shift(1).forward_fill().over(_SERIES).alias(f"{column}_A"),
            known.shift(-1).backward_fill().over(_SERIES).alias(f"{column}_B"),
        ]
    rows = rows.with_columns(near).with_columns(MID_GOOD=pl.col("X").filter(good).median().over(_SERIES))
    window = _window(study)
    compared = [pl.col("X") / pl.col(c) for c in ("X_A", "X_B", "MID_GOOD", "PREV", "NEXT")]
    slipped = pl.col("SELF") | (pl.col("ODD") & pl.any_horizontal(window(r) for r in compared))
    before = pl.col("X_A").is_not_null()
    found = rows.filter(slipped).with_columns(
        REF=pl.when(before).then("X_A").otherwise("X_B"),
        REFDAY=pl.when(before).then("DAY_A").otherwise("DAY_B"),
        REFRID=pl.when(before).then("_rid_A").otherwise("_rid_B"),
    )
    # both axes of a row are one slip: the cell that enters the sum is named
    own = pl.when("NODAL").then(pl.col("COL") == "SAXIS").otherwise(pl.col("COL") == "LDIAM")
    found = found.with_columns(_own=own).sort("_rid", "_own", descending=[False, True])
    return found.unique("_rid", keep="first", maintain_order=True).select(
        "SUBJID", "EVAL", "LESID", "VISIT", "_rid", "COL", "X", "LOW", "ONCM", "DAY", "REF", "REFDAY", "REFRID",
        REFCOL="COL",
    )  # fmt: skip


def _cells(readings: pl.LazyFrame, study: Study) -> pl.LazyFrame:
    """One row per measured number: COL, X (mm), ONCM, in the order of each lesion's course."""
    rows = readings.filter(
        pl.col("CLASS") == "TARGET", ~pl.col("TRSTATUS").is_in(_UNREAD).fill_null(False), ~pl.col("REMOVED")
    )
    rows = _suspicious(rows, study)
    said_cm = pl.col("TRUNIT").str.to_lowercase() == "cm"
    cells = [
        rows.filter(pl.col(column) > 0).select(
            "SUBJID", "EVAL", "LESID", "VISIT", "_rid", "DAY", "NODAL",
            COL=pl.lit(column), X=column, ONCM=(said_cm | pl.col(typed).str.contains("(?i)cm|厘米")).fill_null(False),
        )
        for column, typed in _STATED.items()
    ]  # fmt: skip
    return pl.concat(cells).sort(*_SERIES, "DAY", "_rid", nulls_last=True)


def _suspicious(rows: pl.LazyFrame, study: Study) -> pl.LazyFrame:
    """The rows of lesions with a number that is odd by itself, or with two that lie a tenfold step apart; most have none."""
    step = 0.99 * min(study.p("unit_mix_ratio_min"), 1 / study.p("unit_mix_ratio_low_max"))
    small, large = study.p("unit_mix_small_mm"), study.p("unit_mix_large_cm") * 10
    odd = pl.lit(False)
    for column in _STATED:
        x = pl.col(column).filter(pl.col(column) > 0)
        odd = odd | ((x.min() < small) | (x.max() > large) | (x.max() >= step * x.min())).fill_null(False)
    one = [(pl.col("SEG") // 2).alias("_who"), pl.col("LESID")]
    found = rows.group_by(one).agg(_odd=odd).filter("_odd")
    marked = rows.with_columns(_who=pl.col("SEG") // 2)
    return marked.join(found, on=["_who", "LESID"], how="semi", maintain_order="left").drop("_who")


def _window(study: Study) -> Callable[[pl.Expr], pl.Expr]:
    low, high = (
        (study.p("unit_mix_ratio_low_min"), study.p("unit_mix_ratio_low_max")),
        (study.p("unit_mix_ratio_min"), study.p("unit_mix_ratio_max")),
    )

    def tenfold(ratio: pl.Expr) -> pl.Expr:
        exact = ratio.round(9)  # 3.4 / 40 is 0.085, whatever its last binary digit
        return (exact.is_between(*low) | exact.is_between(*high)).fill_null(False)

    return tenfold


def _courses(cells: pl.LazyFrame, study: Study) -> pl.LazyFrame:
    """Adds PREV, NEXT, SELF (odd by its own size), HIGH (in the upper of two groups a tenfold step apart, else null)."""
    small, large = study.p("unit_mix_small_mm"), study.p("unit_mix_large_cm") * 10
    x = pl.col("X")
    rows = cells.with_columns(
        PREV=x.shift(1).over(_SERIES), NEXT=x.shift(-1).over(_SERIES), MID=x.median().over(_SERIES),
        SELF=((x < small) & ~pl.col("ONCM")) | ((x > large) & pl.col("ONCM")),
    )  # fmt: skip
    window = _window(study)
    step, apart = window(x / pl.col("PREV")), window(x / pl.col("MID"))
    other = pl.when(step).then("PREV").when(apart).then("MID")
    cut = (x * other).sqrt().drop_nulls().first().over(_SERIES)
    return rows.with_columns(HIGH=x > cut)


def _judged(rows: pl.LazyFrame, study: Study) -> pl.LazyFrame:
    """Adds ODD (of the group that is in the wrong unit) and LOW.

    The smaller group is the wrong one, with three exceptions: a number that its own size gives away decides; the
    baseline is not blamed where its tenth would be no target; and of two readings the later one is blamed unless the
    earlier is not plausible at baseline.
    """
    least, most = study.p("min_target_mm"), study.p("implausible_mm")
    high = pl.col("HIGH")
    first_high, first = high.first().over(_SERIES), pl.col("X").first().over(_SERIES)
    n_high = high.sum().over(_SERIES).cast(pl.Int64)
    n_low = (~high).sum().over(_SERIES).cast(pl.Int64)
    low_self = (pl.col("SELF") & ~pl.col("ONCM") & ~high).any().over(_SERIES)
    high_self = (pl.col("SELF") & pl.col("ONCM") & high).any().over(_SERIES)
    cm_high = (pl.col("ONCM") & high).any().over(_SERIES)
    high_is_odd = (
        pl.when(low_self)
        .then(False)
        .when(high_self)
        .then(True)
        .when(n_high < n_low)
        .then(~first_high | (first >= 10 * least))
        .when(n_high > n_low)
        .then(False)
        .when(cm_high)
        .then(True)
        .when(first_high)
        .then(first > most)
        .otherwise(first >= least)
    )
    return rows.with_columns(
        ODD=(high == high_is_odd).fill_null(False),
        LOW=pl.when("SELF").then(~pl.col("ONCM")).otherwise(~high),
    )
