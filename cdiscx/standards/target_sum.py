"""Readings of target lesions in; per time point the measured sum, what is missing, whether all are gone.

This is the part before any threshold: which lesions are expected (R11-S-5), what each contributes (R11-C-1 to
C-7).
"""

import polars as pl

from cdiscx.standards.criterion import Criterion
from cdiscx.standards.exact import nanometres, threshold_nm

SEGMENT = ("SUBJID", "EVAL", "BASETYPE")
_POINT = ("_seg", "TP")
_UNIT = ("_seg", "TP", "_lesion")


def segments_of(*frames: pl.LazyFrame) -> pl.LazyFrame:
    """Every (SUBJID, EVAL, BASETYPE) of the frames, numbered `_seg`."""
    keys = pl.concat([frame.select(SEGMENT) for frame in frames])
    # Sorted, so that the number is the same wherever the plan needs this frame again.
    return keys.unique().sort(SEGMENT).with_row_index("_seg").cache()


#: the name of a part, and the lesion whose part it is
_PART_OF_A_PART = r"^(.*?\d)(?:\.\d+)+$"


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
    # A part may be split again (T4 -> T4.1 -> T4.1.1): its name leads to the lesion that was followed at baseline,
    # also where the part in between was never read on its own.
    return rows.with_columns(
        pl.coalesce(pl.col("PARENT").str.extract(_PART_OF_A_PART, 1), "PARENT", "LESION").alias("ROOT")
    )


def _followed(rows: pl.LazyFrame, c: Criterion) -> pl.LazyFrame:
    """The frozen set: one row a lesion of the baseline, numbered `_lesion`, with the limit of a normal node.

    Nodal status is that of the baseline, whatever later rows say (R11-S-5).
    """
    limit = pl.when("PORTA").then(threshold_nm(c.porta_hepatis_normal_mm)).otherwise(threshold_nm(c.node_normal_mm))
    return (
        rows.filter(pl.col("TP") == 0)
        .group_by("_seg", "ROOT")
        .agg(pl.col("NODAL").any(), pl.col("PORTA").any())
        .select("_seg", "ROOT", "NODAL", limit.alias("_NORMAL"))
        .sort("_seg", "ROOT")  # the same number wherever the plan needs this frame again
        .with_row_index("_lesion")
        .cache()
    )


def _first_entered(rows: pl.LazyFrame, *keys: str) -> pl.LazyFrame:
    """Of several readings of one lesion the first entered that has a value (MEA-019 reports the others)."""
    return rows.filter(pl.col("_NM").is_not_null()).sort("RID").unique(keys, keep="first")


def _part_readings(parts: pl.LazyFrame) -> pl.LazyFrame:
    """Every part expected where its lesion was read in parts, `_NM` null without a value (R11-C-5).

    A part once seen is expected from then on; one that was itself split is replaced by its own parts.
    """
    known = parts.group_by("_lesion", "LESION").agg(pl.col("TP").min().alias("_since"))
    split_again = parts.group_by("_seg", "PARENT").agg(pl.col("TP").min().alias("_until"))
    return (
        parts.select(_UNIT)
        .unique()
        .join(known, on="_lesion")
        .join(split_again.rename({"PARENT": "LESION"}), on=("_seg", "LESION"), how="left")
        .filter(pl.col("_since") <= pl.col("TP"), pl.col("_until").is_null() | (pl.col("TP") < pl.col("_until")))
        .join(
            _first_entered(parts, *_UNIT, "LESION").select(*_UNIT, "LESION", "_NM"),
            on=(*_UNIT, "LESION"),
            how="left",
        )
    )


def _units(rows: pl.LazyFrame, part_readings: pl.LazyFrame) -> pl.LazyFrame:
    """One row a time point and lesion with a value: `_NM`, and `_PART`, a lower bound where parts are missing."""
    no_value = pl.col("_NM").is_null()
    parts = part_readings.group_by(_UNIT).agg(
        pl.when(no_value.any()).then(None).otherwise(pl.col("_NM").sum()).alias("_NM"),
        pl.when(~no_value.all()).then(pl.col("_NM").sum()).alias("_PART"),
    )
    whole = (
        _first_entered(rows.filter(pl.col("PARENT").is_null()), *_UNIT)
        # Parts replace the parent: its own value beside them would count the tissue twice (MEA-026).
        .join(parts.select(_UNIT), on=_UNIT, how="anti")
        .with_columns(pl.col("_NM").alias("_PART"))
    )
    return pl.concat([whole.select(*_UNIT, "_NM", "_PART"), parts])


def _totals(units: pl.LazyFrame, followed: pl.LazyFrame) -> pl.LazyFrame:
    size, nodal = pl.col("_NM"), pl.col("NODAL")
    gone = pl.when(nodal).then(size < pl.col("_NORMAL")).otherwise(size == 0)
    return (
        units.join(followed.select("_lesion", "NODAL", "_NORMAL"), on="_lesion")
        .with_columns(gone.alias("_gone"), (~nodal & (size > 0)).alias("_back"))
        .group_by(_POINT)
        .agg(
            size.count().alias("_VALUED"),
            pl.col("_PART").sum(),
            pl.col("_PART").count().alias("_MEASURED"),
            pl.col("_gone").all().alias("_GONE"),
            pl.col("_back").any().alias("_BACK"),
        )
        .with_columns(pl.when(pl.col("_MEASURED") > 0).then("_PART").alias("_PART"))
    )


def _missing(
    incomplete: pl.LazyFrame, followed: pl.LazyFrame, units: pl.LazyFrame, part_readings: pl.LazyFrame
) -> pl.LazyFrame:
    """The lesions without a value at each incomplete time point; of a split lesion the parts without one."""
    valued = units.filter(pl.col("_NM").is_not_null()).select(_UNIT)
    lacking = incomplete.join(followed, on="_seg").join(valued, on=_UNIT, how="anti")
    parts = part_readings.filter(pl.col("_NM").is_null()).select(*_UNIT, "LESION")
    named = lacking.join(parts, on=_UNIT, how="left")
    return _listed(named.with_columns(pl.coalesce("LESION", "ROOT").alias("_NAME")), "_NAME", "MISSING")


def _listed(rows: pl.LazyFrame, column: str, name: str) -> pl.LazyFrame:
    return rows.group_by(_POINT).agg(pl.col(column).alias(name)).with_columns(pl.col(name).list.unique().list.sort())


def sums_by_timepoint(values: pl.LazyFrame, c: Criterion, timepoints: pl.LazyFrame | None = None) -> pl.LazyFrame:
    """One row a time point: keys, `_seg`, TP, N_EXPECTED, N_MISSING, MISSING, EXTRA, RIDS, private columns.

    `_PART` is the sum (nm) of everything measured, null when nothing was. `_GONE`: every non-nodal target is 0 and
    every node normal (R11-T-CR-1), to be read only where none is missing. `_BACK`: a non-nodal target is above 0.
    Columns as in `recist.target_response`.
    """
    frames = (values,) if timepoints is None else (values, timepoints)
    segments = segments_of(*frames)
    read = _readings(values, segments).cache()
    points = timepoints_of(*((read,) if timepoints is None else (read, numbered(timepoints, segments))))
    followed = _followed(read, c)
    rows = read.join(followed.select("_seg", "ROOT", "_lesion"), on=("_seg", "ROOT")).cache()
    part_readings = _part_readings(rows.filter(pl.col("PARENT").is_not_null())).cache()
    units = _units(rows, part_readings).cache()
    expected = followed.group_by("_seg").agg(pl.len().alias("N_EXPECTED"))
    counted = (
        points.join(expected, on="_seg", how="left")
        .join(_totals(units, followed), on=_POINT, how="left")
        .with_columns(pl.col("N_EXPECTED", "_VALUED").fill_null(0), pl.col("_GONE", "_BACK").fill_null(False))
        .with_columns((pl.col("N_EXPECTED") - pl.col("_VALUED")).alias("N_MISSING"))
        .cache()
    )
    incomplete = counted.filter(pl.col("N_MISSING") > 0).select(_POINT)
    extra = read.join(followed, on=("_seg", "ROOT"), how="anti")
    combined = counted.join(segments, on="_seg")
    for side in (
        _missing(incomplete, followed, units, part_readings),
        _listed(extra, "LESION", "EXTRA"),
        rows.select(*_POINT, "RID").sort("RID").group_by(_POINT, maintain_order=True).agg(pl.col("RID").alias("RIDS")),
    ):
        combined = combined.join(side, on=_POINT, how="left")
    return combined.with_columns(pl.col("MISSING", "EXTRA", "RIDS").fill_null([]))
