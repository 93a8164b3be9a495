"""Time points in; the same with their role, segment and order in it, by subject, reader and date."""

from __future__ import annotations

from functools import partial

import polars as pl

from cdiscx.model.spec import Study

BASE, REBASE = "BASELINE", "POST-OPERATIVE BASELINE"


def placed(study: Study, points: pl.LazyFrame) -> pl.LazyFrame:
    """Time points with their ROLE, segment (BASETYPE) and order in it (TP), sorted by subject, reader, segment and date.

    `points`: SUBJID, EVAL, VISIT, ANYDAT, D1, SURG. The baseline is the last time point on or before D1, else the
    schedule's baseline visit; after surgery the schedule's post-operative baseline, else the first scan; where SCANNED is
    known, a time point without any row of a target or non-target lesion is no scan. TP: 0 at the
    segment's baseline, then 1.. by date; earlier time points get negative numbers.
    PT (u32) numbers the rows; SEG (u32) is twice the number of subject and reader, and one more for PRE-TREATMENT.
    """
    made = {"ROLE": pl.String(), "BASETYPE": pl.String(), "TP": pl.Int32(), "PT": pl.UInt32(), "SEG": pl.UInt32()}
    schema = pl.Schema({**points.collect_schema(), **made})
    # one step on whole columns: what one finds (that rows are in order already, that nobody was operated on) spares the next
    return points.map_batches(partial(_placed, study), schema=schema)


def _placed(study: Study, points: pl.DataFrame) -> pl.DataFrame:
    rebase = study.criterion is None or study.criterion.rebaseline_after_surgery
    date, at_baseline = pl.col("ANYDAT"), pl.col("VISIT").is_in([v.name for v in study.schedule if v.baseline])
    early = (date <= pl.col("D1")).fill_null(False)
    after = (date > pl.col("SURG")).fill_null(False) & pl.lit(rebase) & ~early & ~at_baseline
    postop = pl.col("VISIT").is_in([v.name for v in study.schedule if v.postop_baseline])
    scanned = pl.col("SCANNED") if "SCANNED" in points.columns else pl.lit(True)
    rows = points.select(
        "ANYDAT", _early=early, _named=at_baseline & ~early, _after=after, _flagged=after & postop & scanned,
        _read=after & scanned,
    )  # fmt: skip
    rows = rows.with_columns(_numbers(points, rows["_after"]))
    if not rows["_key"].is_sorted():
        rows = rows.with_row_index("_i").sort("_key")
        # the wide rows move once
        points = points[rows["_i"]]
    who = pl.col("_who").rle_id()
    rows = rows.with_columns(_seg=who * 2 + (~pl.col("_after")).cast(pl.UInt32))
    return points.with_columns(_ordered(_with_roles(rows)).get_columns())


def _numbers(points: pl.DataFrame, after: pl.Series) -> list[pl.Series]:
    """`_who` numbers subject and reader, `_seg` the segments, `_key` the whole order: segment, date (blank last) and visit.

    POST-OPERATIVE stands before PRE-TREATMENT, as the words do. One whole number is sorted several times faster than four
    keys; it holds as long as subjects times readers times visit names times days of the data stay below 2**62.
    """
    (subject, _), (reader, readers), (visit, visits) = (_ranks(points[c]) for c in ("SUBJID", "EVAL", "VISIT"))
    day = points["ANYDAT"].to_physical().cast(pl.Int64).rename("_day")
    frame = pl.DataFrame([subject, reader, visit, day, after])
    low, high = pl.col("_day").min(), pl.col("_day").max()
    date = (pl.col("_day") - low).fill_null(high - low + 1).fill_null(0)
    who = pl.col("SUBJID") * readers + pl.col("EVAL")
    segment, days = who * 2 + (~pl.col("_after")).cast(pl.Int64), (high - low + 2).fill_null(1)
    return frame.select(_who=who, _seg=segment, _key=(segment * days + date) * visits + pl.col("VISIT")).get_columns()


def _ranks(values: pl.Series) -> tuple[pl.Series, int]:
    """Whole numbers from 0 on in the order of the values (a blank first), and how many there are at most."""
    if values.dtype.is_integer():
        numbers = values.cast(pl.Int64)
    else:
        numbers = values.cast(pl.Enum(values.drop_nulls().unique().sort())).to_physical().cast(pl.Int64)
    blank = int(values.has_nulls())
    numbers = (numbers + blank).fill_null(0)
    highest = numbers.max()
    return numbers, highest + 1 if isinstance(highest, int) else 1


def _with_roles(rows: pl.DataFrame) -> pl.DataFrame:
    """`rows` with ROLE and `_zero`, at which a segment begins to count."""
    date, flagged = pl.col("ANYDAT"), pl.col("_flagged")
    # most rows are later than the baseline and before an operation: they say nothing of their subject
    telling = rows.filter(pl.col("_early") | pl.col("_after"))
    marks = telling.group_by("_who").agg(
        _last_early=pl.when("_early").then(date).max(),
        _first_after=pl.coalesce(pl.when("_read").then(date).min(), pl.when("_after").then(date).min()),
        _any_read=pl.col("_read").any(),
        _first_flagged=pl.when(flagged).then(date).min(),
        _any_flagged=flagged.any(),
        _any_early=pl.col("_early").any(),
    )
    rows = rows.join(marks, on="_who", how="left", maintain_order="left")
    rows = rows.with_columns(pl.col("_any_read", "_any_flagged", "_any_early").fill_null(False))
    base = pl.when("_any_early").then(pl.col("_early") & (date == pl.col("_last_early"))).otherwise("_named")
    first = pl.when("_any_read").then("_read").otherwise("_after") & (date == pl.col("_first_after"))
    postbase = pl.when("_any_flagged").then("_flagged").otherwise(first)
    start = pl.when("_any_flagged").then("_first_flagged").otherwise("_first_after")
    rows = rows.with_columns(_base=base.fill_null(False), _postbase=postbase.fill_null(False), _start=start)
    prior = (pl.col("_early") | pl.col("_named")) & ~pl.col("_base")
    waiting = pl.col("_after") & ~pl.col("_postbase") & (date < pl.col("_start")).fill_null(False)
    place = pl.when("_base").then(0).when("_postbase").then(1).when(prior | waiting).then(2).otherwise(3)
    return rows.select("_seg", "_after", _zero=pl.col("_base") | pl.col("_postbase"), _role=place.cast(pl.UInt8))


def _ordered(rows: pl.DataFrame) -> pl.DataFrame:
    """ROLE, BASETYPE, TP, PT (this order) and SEG of rows in the order of subject, reader, segment and date."""
    row = pl.int_range(pl.len(), dtype=pl.Int32)
    rows = rows.with_columns(_row=row)
    starts = rows.group_by(pl.col("_seg").set_sorted()).agg(
        _first=pl.col("_row").first(),
        _at_zero=pl.when("_zero").then("_row").min(),
        _at_one=pl.when(pl.col("_role") == 3).then("_row").min(),
    )
    begins = pl.coalesce("_at_zero", pl.col("_at_one") - 1, "_first")
    counted = rows.join(starts.select("_seg", _begins=begins), on="_seg", how="left", maintain_order="left")
    roles = pl.Series("ROLE", [BASE, REBASE, "PRIOR", "POST-BASELINE"])
    segments = pl.Series("BASETYPE", ["PRE-TREATMENT", "POST-OPERATIVE"])
    return pl.DataFrame(
        [
            roles[rows["_role"]], segments[rows["_after"].cast(pl.UInt8)],
            *counted.select(TP=pl.col("_row") - pl.col("_begins"), PT=pl.col("_row").cast(pl.UInt32), SEG="_seg"),
        ]
    )  # fmt: skip
