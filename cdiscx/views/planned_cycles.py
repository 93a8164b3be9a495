"""Planned visits that follow a drug's doses (continuation and adjuvant cycles): each measured from the dose before it.

In: the visit of the schedule, subjects with their anchors, Dosing, recorded visits. Out: rows for the view `planned`.
"""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from cdiscx.model.spec import Study, Visit
from cdiscx.views.imaging_plan import days_after

_WHO = "SUBJID"


def doses_of(dosing: pl.LazyFrame, drug: str) -> pl.LazyFrame:
    """One row per day on which a drug was given: SUBJID, EXSTDAT, DOSE_RID, I (1-based), PREV and PREV_RID, DELAYED.

    Zero milligrams are not a dose (trial A 4.3).
    """
    has = dosing.collect_schema().names()
    given = dosing.filter(pl.col("EXTRT") == drug, pl.col("EXSTDAT").is_not_null(), pl.col(_WHO).is_not_null())
    if "EXDOSE" in has:
        given = given.filter(pl.col("EXDOSE").fill_null(1) > 0)
    delayed = (pl.col("EXCHG") == "DELAYED").fill_null(False) if "EXCHG" in has else pl.lit(False)
    days = given.group_by(_WHO, "EXSTDAT").agg(DOSE_RID=pl.col("_rid").min(), DELAYED=delayed.any())
    return days.sort(_WHO, "EXSTDAT").with_columns(
        I=pl.int_range(1, pl.len() + 1).over(_WHO),
        PREV=pl.col("EXSTDAT").shift(1).over(_WHO),
        PREV_RID=pl.col("DOSE_RID").shift(1).over(_WHO),
    )


def cycles(
    study: Study, visit: Visit, base: pl.LazyFrame, tables: Mapping[str, pl.LazyFrame], recorded: pl.LazyFrame
) -> pl.LazyFrame | None:
    """The recorded visits of a dose-driven series with their windows, and those that should be there and are not."""
    drug, every = visit.drug, visit.every or visit.target
    if drug is None or not every or "dosing" not in tables:
        return None
    doses = doses_of(tables["dosing"], drug)
    surgery = base.select(
        _WHO, _surg=pl.col("SURG") if "SURG" in base.collect_schema().names() else pl.lit(None, dtype=pl.Date)
    )
    done = _held(visit, every, doses, recorded, surgery)
    numbers = recorded.select(_WHO, "N").unique()
    missing = pl.concat(
        [
            _left_out(visit, done, recorded),
            _unseen(visit, every, doses, done, surgery, tables),
            _overdue(study, visit, drug, every, doses, done, surgery, tables),
        ],
        how="diagonal_relaxed",
    )
    missing = missing.unique([_WHO, "N"], keep="first", maintain_order=True).join(numbers, on=[_WHO, "N"], how="anti")
    known = base.select(_WHO)
    return (
        pl.concat([done, missing.with_columns(EXPECTED=pl.lit(True))], how="diagonal_relaxed")
        .join(known, on=_WHO, how="semi")
        .with_columns(ANCHOR=pl.lit(visit.anchor), ANCHORTXT=pl.lit(f"previous {drug.lower()}"))
    )


def _windows(visit: Visit, every: int, rows: pl.LazyFrame, silent: pl.Expr) -> pl.LazyFrame:
    """TARGET, LO, HI after ADATE; none where `silent` or where there is no dose before."""
    width = visit.window or 0
    day = pl.when(silent.fill_null(False)).then(None).otherwise(pl.col("ADATE"))
    early = visit.before if visit.before is not None else width
    late = visit.after if visit.after is not None else width
    return rows.with_columns(
        TARGET=days_after(day, every), LO=days_after(day, every - early), HI=days_after(day, every + late)
    )


def _held(visit: Visit, every: int, doses: pl.LazyFrame, recorded: pl.LazyFrame, surgery: pl.LazyFrame) -> pl.LazyFrame:
    """Recorded visits: the visit's own dose is the nearest within half an interval, the anchor the dose before that."""
    first = recorded.sort("VISDAT", "_rid").group_by(_WHO, "N", maintain_order=True).first()
    dated = first.filter(pl.col("VISDAT").is_not_null()).sort(_WHO, "VISDAT")
    # asof joins by subject: both sides are sorted by subject and day
    own = dated.join_asof(
        doses.sort(_WHO, "EXSTDAT"), left_on="VISDAT", right_on="EXSTDAT", by=_WHO, strategy="nearest",
        tolerance=f"{every // 2}d", check_sortedness=False,
    )  # fmt: skip
    before = doses.select(_WHO, _day="EXSTDAT", _day_rid="DOSE_RID").sort(_WHO, "_day")
    own = own.join_asof(
        before, left_on="VISDAT", right_on="_day", by=_WHO, strategy="backward", allow_exact_matches=False,
        check_sortedness=False,
    )  # fmt: skip
    own = _aligned(visit, own, doses)
    has_own = pl.col("I").is_not_null()
    own = own.join(surgery, on=_WHO, how="left").with_columns(
        ADATE=pl.when(has_own).then("PREV").otherwise("_day"),
        ADATE_RID=pl.when(has_own).then("PREV_RID").otherwise("_day_rid"),
    )
    # the first cycle after surgery has no window (DOS-017 judges it), nor has one whose dose is recorded as delayed
    fresh = (pl.col("ADATE") <= pl.col("_surg")) & (pl.col("VISDAT") > pl.col("_surg"))
    rows = _windows(visit, every, own, fresh.fill_null(False) | pl.col("DELAYED").fill_null(False))
    return rows.select(
        _WHO, "N", "VISDAT", "ADATE", "ADATE_RID", "TARGET", "LO", "HI", DUE="HI", EXPECTED=pl.lit(False)
    )


def _aligned(visit: Visit, own: pl.LazyFrame, doses: pl.LazyFrame) -> pl.LazyFrame:
    """The visit's own dose by its place among the neighbouring numbers, where its date alone would mislead.

    A visit typed a month late lies near the next dose; the numbers before and after it tell which dose was its own.
    """
    near = (pl.col("VISDAT") - pl.col("EXSTDAT")).dt.total_days().abs() <= max(visit.window or 0, 1)
    place = pl.when(near).then(pl.col("I") - pl.col("N"))
    rows = own.sort(_WHO, "N").with_columns(_place=place)
    number, at = pl.col("N"), pl.col("I")
    left = pl.when(number.shift(1).over(_WHO) == number - 1).then(pl.col("_place").shift(1).over(_WHO))
    right = pl.when(number.shift(-1).over(_WHO) == number + 1).then(pl.col("_place").shift(-1).over(_WHO))
    rows = rows.with_columns(
        _left=left, _right=right, _twin=(at == at.shift(1).over(_WHO)) | (at == at.shift(-1).over(_WHO))
    )
    both = pl.col("_left") == pl.col("_right")
    alone = pl.coalesce("_left", "_right")
    by_number = (
        pl.when(both.fill_null(False)).then("_left")
        # neighbours that disagree: a dose was left out or given in between; the date decides
        .when(pl.col("_left").is_not_null() & pl.col("_right").is_not_null()).then(None)
        .when(pl.col("_place").is_null() | pl.col("_twin").fill_null(False)).then(alone)
    )  # fmt: skip
    known = doses.select(_WHO, "I", _prev="PREV", _prev_rid="PREV_RID", _delayed="DELAYED", _known=pl.lit(True))
    rows = rows.with_columns(_own=(number + by_number).cast(pl.Int64)).join(
        known.with_columns(pl.col("I").cast(pl.Int64)), left_on=[_WHO, "_own"], right_on=[_WHO, "I"], how="left"
    )
    found = pl.col("_known").fill_null(False)
    return rows.with_columns(
        I=pl.when(found).then("_own").otherwise(pl.col("I").cast(pl.Int64)),
        PREV=pl.when(found).then("_prev").otherwise("PREV"),
        PREV_RID=pl.when(found).then("_prev_rid").otherwise("PREV_RID"),
        DELAYED=pl.when(found).then("_delayed").otherwise("DELAYED"),
    )


def _left_out(visit: Visit, done: pl.LazyFrame, recorded: pl.LazyFrame) -> pl.LazyFrame:
    """Numbers that the series jumps over; a site that starts two or more late has numbering of its own."""
    span = recorded.group_by(_WHO).agg(_low=pl.col("N").min(), _high=pl.col("N").max())
    start = pl.when(pl.col("_low") <= visit.first + 1).then(visit.first).otherwise("_low").cast(pl.Int32)
    every = span.with_columns(N=pl.int_ranges(start, pl.col("_high"), dtype=pl.Int32)).explode("N").drop_nulls("N")
    gaps = every.select(_WHO, "N").join(recorded.select(_WHO, "N").unique(), on=[_WHO, "N"], how="anti").sort("N")
    later = done.select(_WHO, N="N", DUE="VISDAT").sort("N")
    return gaps.join_asof(later, on="N", by=_WHO, strategy="forward", check_sortedness=False).drop_nulls("DUE")


def _last(done: pl.LazyFrame) -> pl.LazyFrame:
    """The last recorded visit of the series that took place: `_n`, `_day`."""
    return (
        done.sort("VISDAT", "N")
        .group_by(_WHO, maintain_order=True)
        .agg(_n=pl.col("N").last(), _day=pl.col("VISDAT").last())
    )


def _in_series(frame: pl.LazyFrame, done: pl.LazyFrame, surgery: pl.LazyFrame) -> pl.LazyFrame:
    """Doses that belong to the series: after surgery, or (without surgery) once a visit of it was recorded."""
    rows = frame.join(surgery, on=_WHO, how="left").join(_last(done), on=_WHO, how="left")
    after = (
        pl.when(pl.col("_surg").is_not_null())
        .then(pl.col("EXSTDAT") > pl.col("_surg"))
        .otherwise(pl.col("_day").is_not_null())
    )
    return rows.filter(after)


def _unseen(
    visit: Visit,
    every: int,
    doses: pl.LazyFrame,
    done: pl.LazyFrame,
    surgery: pl.LazyFrame,
    tables: Mapping[str, pl.LazyFrame],
) -> pl.LazyFrame:
    """Doses after the last recorded visit of the series on which the subject was not seen at all."""
    rows = _in_series(doses, done, surgery).filter(
        pl.col("_day").is_null() | (pl.col("EXSTDAT") > days_after(pl.col("_day"), every // 2))
    )
    seen = pl.LazyFrame(schema={_WHO: pl.String, "_seen": pl.Date})
    if "visits" in tables:
        seen = tables["visits"].select(_WHO, _seen="VISDAT").drop_nulls().sort(_WHO, "_seen")
    rows = rows.sort(_WHO, "EXSTDAT").with_columns(
        N=(pl.col("_n").fill_null(0) + pl.int_range(1, pl.len() + 1).over(_WHO)).cast(pl.Int32)
    )
    rows = rows.join_asof(
        seen, left_on="EXSTDAT", right_on="_seen", by=_WHO, strategy="nearest", tolerance=f"{max(visit.window or 0, 1)}d",
        check_sortedness=False,
    ).filter(pl.col("_seen").is_null()).with_columns(ADATE="PREV", ADATE_RID="PREV_RID")  # fmt: skip
    rows = _windows(visit, every, rows, (pl.col("ADATE") <= pl.col("_surg")) | pl.col("DELAYED"))
    return rows.select(_WHO, "N", "ADATE", "ADATE_RID", "TARGET", "LO", "HI", DUE="EXSTDAT")


def _overdue(
    study: Study,
    visit: Visit,
    drug: str,
    every: int,
    doses: pl.LazyFrame,
    done: pl.LazyFrame,
    surgery: pl.LazyFrame,
    tables: Mapping[str, pl.LazyFrame],
) -> pl.LazyFrame:
    """The one visit due after the last dose while treatment had not ended (ruling 15.18)."""
    shape = {_WHO: pl.String, "N": pl.Int32}
    if "disposition" not in tables:
        return pl.LazyFrame(schema=shape)
    stops = tables["disposition"].filter(
        pl.col("DSSCOPE") == "TREATMENT", pl.col("DSDAT").is_not_null(), pl.col("DSTRT").is_null() | (pl.col("DSTRT") == drug) | (pl.col("DSTRT") == "ALL")
    ).group_by(_WHO).agg(UNTIL=pl.col("DSDAT").min())  # fmt: skip
    last = _in_series(doses, done, surgery).sort(_WHO, "EXSTDAT").group_by(_WHO, maintain_order=True).last()
    rows = last.join(stops, on=_WHO, how="inner").with_columns(ADATE="EXSTDAT", ADATE_RID="DOSE_RID")
    rows = rows.join(_closed(study, drug, tables), on=_WHO, how="anti")
    seen = done.group_by(_WHO).agg(_count=pl.col("N").max())
    rows = rows.join(seen, on=_WHO, how="inner").with_columns(N=(pl.col("_count") + 1).cast(pl.Int32))
    # the last recorded visit must be the one of the last dose, else `_unseen` speaks
    rows = rows.filter(pl.col("_day") >= days_after(pl.col("EXSTDAT"), -(every // 2)))
    rows = _windows(visit, every, rows, pl.lit(False))
    return rows.select(_WHO, "N", "ADATE", "ADATE_RID", "TARGET", "LO", "HI", "UNTIL", DUE="HI")


def _closed(study: Study, drug: str, tables: Mapping[str, pl.LazyFrame]) -> pl.LazyFrame:
    """Subjects for whom no further cycle is planned: a dose marked as the last one, or a decision for surgery not yet done."""
    out = pl.LazyFrame(schema={_WHO: pl.String})
    dosing = tables["dosing"]
    if "EXCHG" in dosing.collect_schema().names():
        out = dosing.filter(pl.col("EXTRT") == drug, pl.col("EXCHG") == "DISCONTINUED").select(_WHO)
    if "decision" in tables and study.column("decision", "BRANCH") is not None:
        waiting = tables["decision"].filter(pl.col("BRANCH") == "SURGERY").select(_WHO)
        if study.sheet_of("procedures") is not None and "SURG" in study.anchors and "anchors" in tables:
            operated = tables["anchors"].filter(pl.col("SURG").is_not_null()).select(_WHO)
            waiting = waiting.join(operated, on=_WHO, how="anti")
        out = pl.concat([out, waiting])
    return out.drop_nulls().unique()
