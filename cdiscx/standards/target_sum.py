"""Readings of target lesions in; per time point the measured sum, what is missing, whether all are gone.

This is the part before any threshold: which lesions are expected (R11-S-5), what each contributes (R11-C-1 to
C-7).
"""

import polars as pl

from cdiscx.standards.criterion import Criterion
from cdiscx.standards.exact import nanometres, threshold_nm

SEGMENT = ("SUBJID", "EVAL", "BASETYPE")
_POINT = ("_seg", "TP")
_UNIT = ("_seg", "TP", "ROOT")


def segments_of(*frames: pl.LazyFrame) -> pl.LazyFrame:
    """Every (SUBJID, EVAL, BASETYPE) of the frames, numbered `_seg`."""
    keys = pl.concat([frame.select(SEGMENT) for frame in frames])
    return keys.unique(maintain_order=True).with_row_index("_seg")


def numbered(frame: pl.LazyFrame, segments: pl.LazyFrame) -> pl.LazyFrame:
    """The frame with `_seg` in place of its three keys: one join on words, whole numbers from here on."""
    return frame.join(segments, on=SEGMENT, how="inner", nulls_equal=True).drop(SEGMENT)


def timepoints_of(*frames: pl.LazyFrame) -> pl.LazyFrame:
    """Every distinct (_seg, TP) of the frames."""
    return pl.concat([frame.select(*_POINT) for frame in frames]).unique()


def _readings(values: pl.LazyFrame, segments: pl.LazyFrame) -> pl.LazyFrame:
    """One row a reading: `_NM` (null = no value), `ROOT` = the lesion of the baseline set."""
    if "PARENT" not in values.collect_schema().names():
        values = values.with_columns(pl.lit(None, dtype=pl.String).alias("PARENT"))
    rows = numbered(values.with_columns(nanometres(pl.col("VALUE")).alias("_NM")), segments)
    # A part may be split again (T4 -> T4.1 -> T4.1.1): one step up leads to the lesion that was followed at
    # baseline.
    grandparent = (
        rows.filter(pl.col("PARENT").is_not_null())
        .group_by("_seg", "LESION")
        .agg(pl.col("PARENT").first().alias("_UP"))
        .rename({"LESION": "PARENT"})
    )
    return rows.join(grandparent, on=("_seg", "PARENT"), how="left").with_columns(
        pl.coalesce("_UP", "PARENT", "LESION").alias("ROOT")
    )


def _first_entered(size: str) -> pl.Expr:
    """Of several readings of one lesion the first entered that has a value (MEA-019 reports the others)."""
    return pl.col(size).get(pl.when(pl.col(size).is_not_null()).then("RID").arg_min(), null_on_oob=True)


def _part_units(parts: pl.LazyFrame) -> pl.LazyFrame:
    """Split lesions, a row a time point: sum of the parts, null while a part seen before has no value.

    R11-C-5. A part that was itself split is replaced by its own parts from then on.
    """
    read = parts.group_by(*_UNIT, "LESION").agg(_first_entered("_NM"))
    known = parts.group_by("_seg", "ROOT", "LESION").agg(pl.col("TP").min().alias("_since"))
    split_again = parts.group_by("_seg", "PARENT").agg(pl.col("TP").min().alias("_until")).rename({"PARENT": "LESION"})
    expected = (
        parts.select(*_UNIT)
        .unique()
        .join(known, on=("_seg", "ROOT"))
        .join(split_again, on=("_seg", "LESION"), how="left")
        .filter(
            pl.col("_since") <= pl.col("TP"),
            pl.col("_until").is_null() | (pl.col("TP") < pl.col("_until")),
        )
    )
    no_value = pl.col("_NM").is_null()
    return (
        expected.join(read, on=(*_UNIT, "LESION"), how="left")
        .group_by(_UNIT)
        .agg(
            pl.when(no_value.any()).then(None).otherwise(pl.col("_NM").sum()).alias("_NM"),
            pl.when(~no_value.all()).then(pl.col("_NM").sum()).alias("_PART"),
            pl.col("LESION").filter(no_value).alias("_NOVALUE"),
        )
    )


def _units(rows: pl.LazyFrame) -> pl.LazyFrame:
    """One row a time point and lesion read: `_NM`, `_PART` (a lower bound where parts are missing)."""
    is_part = pl.col("PARENT").is_not_null()
    parts = _part_units(rows.filter(is_part))
    whole = (
        rows.filter(~is_part)
        .group_by(_UNIT)
        .agg(_first_entered("_NM"))
        # Parts replace the parent: its own value beside them would count the tissue twice (MEA-026).
        .join(parts.select(_UNIT), on=_UNIT, how="anti")
        .with_columns(
            pl.col("_NM").alias("_PART"),
            pl.lit(None, dtype=pl.List(pl.String)).alias("_NOVALUE"),
        )
    )
    return pl.concat([whole.select(*_UNIT, "_NM", "_PART", "_NOVALUE"), parts])


def _listed(rows: pl.LazyFrame, lesion: str, name: str) -> pl.LazyFrame:
    return rows.group_by(*_POINT).agg(pl.col(lesion).unique().sort().alias(name))


def sums_by_timepoint(values: pl.LazyFrame, c: Criterion, timepoints: pl.LazyFrame | None = None) -> pl.LazyFrame:
    """One row a time point: keys, `_seg`, TP, N_EXPECTED, N_MISSING, MISSING, EXTRA, RIDS, private columns.

    `_PART` is the sum (nm) of everything measured, null when nothing was; `_GONE` that every non-nodal target
    is 0 and every node normal (R11-T-CR-1); `_BACK` that a non-nodal target is above 0. Columns as in
    `recist.target_response`.
    """
    frames = (values,) if timepoints is None else (values, timepoints)
    segments = segments_of(*frames)
    rows = _readings(values, segments)
    points = timepoints_of(*((rows,) if timepoints is None else (rows, numbered(timepoints, segments))))
    # Nodal status and set are those of the baseline, whatever later rows say (R11-S-5).
    followed = (
        rows.filter(pl.col("TP") == 0)
        .group_by("_seg", "ROOT")
        .agg(pl.col("NODAL").any(), pl.col("PORTA").any())
        .with_columns(
            pl.when("PORTA")
            .then(threshold_nm(c.porta_hepatis_normal_mm))
            .otherwise(threshold_nm(c.node_normal_mm))
            .alias("_NORMAL")
        )
    )
    grid = followed.join(points, on="_seg").join(_units(rows), on=_UNIT, how="left")
    size, nodal = pl.col("_NM"), pl.col("NODAL")
    totals = grid.group_by(_POINT).agg(
        pl.len().alias("N_EXPECTED"),
        size.null_count().alias("N_MISSING"),
        pl.when(pl.col("_PART").count() > 0).then(pl.col("_PART").sum()).alias("_PART"),
        pl.when(nodal).then(size < pl.col("_NORMAL")).otherwise(size == 0).all(ignore_nulls=False).alias("_GONE"),
        (~nodal & (size > 0)).any().alias("_BACK"),
    )
    unread = grid.filter(size.is_null()).with_columns(pl.coalesce("_NOVALUE", pl.concat_list("ROOT")).alias("_NOVALUE"))
    missing = _listed(unread.explode("_NOVALUE"), "_NOVALUE", "MISSING")
    in_set = rows.join(followed, on=("_seg", "ROOT"), how="semi")
    extra = _listed(rows.join(followed, on=("_seg", "ROOT"), how="anti"), "LESION", "EXTRA")
    sources = in_set.group_by(*_POINT).agg(pl.col("RID").unique().sort().alias("RIDS"))
    combined = points.join(segments, on="_seg", how="left")
    for side in (totals, missing, extra, sources):
        combined = combined.join(side, on=_POINT, how="left")
    return combined.with_columns(
        pl.col("N_EXPECTED", "N_MISSING").fill_null(0),
        pl.col("MISSING", "EXTRA", "RIDS").fill_null([]),
        pl.col("_GONE", "_BACK").fill_null(False),
    )
