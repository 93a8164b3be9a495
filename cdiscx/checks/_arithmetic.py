"""The arithmetic of a response in words, and the cells it rests on, so that a reader can rebuild it from the text."""

from __future__ import annotations

import polars as pl

from cdiscx.checks._shape import RELATED

_KEY = ("SEG", "TP")


def number_said(value: pl.Expr | str) -> pl.Expr:
    """A number with at most two decimals, without trailing zeros: `46`, `70.4`."""
    number = pl.col(value) if isinstance(value, str) else value
    return number.round(2).cast(pl.String).str.strip_suffix(".0")


def percent_said(value: pl.Expr | str) -> pl.Expr:
    """A percent change with sign and two decimals (R11-X-1): `-33.33 %`, `+20.00 %`, `0.00 %`."""
    number = pl.col(value) if isinstance(value, str) else value
    # a branch that is not taken may divide by a nadir of 0
    hundredths = (number * 100).round(0).cast(pl.Int64, strict=False)
    size = hundredths.abs()
    sign = pl.when(hundredths < 0).then(pl.lit("-")).when(hundredths > 0).then(pl.lit("+")).otherwise(pl.lit(""))
    whole, rest = (size // 100).cast(pl.String), (size % 100).cast(pl.String).str.zfill(2)
    return sign + whole + pl.lit(".") + rest + pl.lit(" %")


def change_said(value: pl.Expr | str) -> pl.Expr:
    """A change in mm with its sign: `+12 mm`, `-4.5 mm`."""
    number = pl.col(value) if isinstance(value, str) else value
    return pl.when(number > 0).then(pl.lit("+")).otherwise(pl.lit("")) + number_said(number) + pl.lit(" mm")


def later_visits(count: pl.Expr) -> pl.Expr:
    """` The same holds for 2 later visits.`; empty for none."""
    noun = pl.when(count == 1).then(pl.lit(" later visit.")).otherwise(pl.lit(" later visits."))
    return pl.when(count > 0).then(pl.lit(" The same holds for ") + count.cast(pl.String) + noun).otherwise(pl.lit(""))


def listed(names: str) -> pl.Expr:
    """A list of lesion ids as `T1, T2`."""
    return pl.col(names).list.join(", ")


def sum_said() -> pl.Expr:
    """The sum of a time point: `sum 46 mm`, or which targets have no value and what the others measure."""
    part = pl.when(pl.col("PSUM").is_not_null()).then(
        pl.lit(", the others measure ") + number_said("PSUM") + pl.lit(" mm")
    )
    return (
        pl.when(~pl.col("HAS_TARGET"))
        .then(pl.lit("no target lesion"))
        .when(pl.col("SUM").is_not_null())
        .then(pl.lit("sum ") + number_said("SUM") + pl.lit(" mm"))
        .otherwise(
            pl.lit("no sum (")
            + listed("MISSING")
            + pl.lit(" without a value")
            + part.otherwise(pl.lit(""))
            + pl.lit(")")
        )
    )


def operands_said() -> pl.Expr:
    """Sum, baseline, nadir and where it was, both percentages, the change in mm: the operands of a target response."""
    total = pl.coalesce("SUM", "PSUM")
    growth = total - pl.col("NADIR")
    from_base = pl.when(pl.col("PCHG").is_not_null()).then(pl.lit(" (") + percent_said("PCHG") + pl.lit(")"))
    base = pl.when(pl.col("BASE").is_not_null()).then(
        pl.lit(", baseline ") + number_said("BASE") + pl.lit(" mm") + from_base.otherwise(pl.lit(""))
    )
    ratio = pl.when(pl.col("NADIR") > 0).then(percent_said(100 * growth / pl.col("NADIR")) + pl.lit(", "))
    against = pl.when(growth.is_not_null()).then(
        pl.lit(" (") + ratio.otherwise(pl.lit("")) + change_said(growth) + pl.lit(")")
    )
    nadir = pl.when(pl.col("NADIR").is_not_null()).then(
        pl.lit(", nadir ")
        + number_said("NADIR")
        + pl.lit(" mm at ")
        + pl.col("NADIR_VISIT").fill_null("an earlier visit")
        + against.otherwise(pl.lit(""))
    )
    with_targets = base.otherwise(pl.lit("")) + nadir.otherwise(pl.lit(""))
    return sum_said() + pl.when(pl.col("HAS_TARGET")).then(with_targets).otherwise(pl.lit(""))


def lesions_said(readings: pl.LazyFrame) -> pl.LazyFrame:
    """Per time point (SEG, TP) DETAIL: the targets and what each adds, `T1 34 + T2 12`."""
    targets = readings.filter(pl.col("CLASS") == "TARGET", pl.col("VALUE").is_not_null()).sort("_rid")
    return targets.group_by(_KEY).agg(
        DETAIL=(pl.col("LESID") + pl.lit(" ") + number_said("VALUE")).sort().str.join(" + ")
    )


def _cells(readings: pl.LazyFrame, found: pl.LazyFrame, kind: str, name: str) -> pl.LazyFrame:
    """SEG, TP and a list of the cells that count, in the segments of what was found."""
    rows = (
        readings.filter(pl.col("CLASS") == kind).join(found.select("SEG").unique(), on="SEG", how="semi").sort("_rid")
    )
    return rows.group_by(_KEY, maintain_order=True).agg(
        pl.struct(rid=pl.col("_rid"), column=pl.col("CELL")).alias(name)
    )


def with_target_cells(found: pl.LazyFrame, readings: pl.LazyFrame) -> pl.LazyFrame:
    """Adds `_related`: the targets' cells of this time point, of the baseline and of the nadir (SEG, TP, NADIR_TP needed)."""
    found = found.cache()
    cells = _cells(readings, found, "TARGET", "_c").cache()
    joined = found.with_columns(_nadir=pl.col("NADIR_TP").cast(pl.Int32))
    here = cells.rename({"_c": "_here"})
    base = cells.filter(pl.col("TP") == 0).select("SEG", _base="_c")
    nadir = cells.select("SEG", _nadir="TP", _low="_c")
    joined = (
        joined.join(here, on=_KEY, how="left")
        .join(base, on="SEG", how="left")
        .join(nadir, on=["SEG", "_nadir"], how="left")
    )
    empty = pl.lit([], dtype=RELATED)
    every = pl.concat_list(pl.col(c).cast(RELATED).fill_null(empty) for c in ("_here", "_base", "_low"))
    return joined.with_columns(_related=every.list.unique(maintain_order=True)).drop("_here", "_base", "_low", "_nadir")


def with_cells_of(found: pl.LazyFrame, readings: pl.LazyFrame, kind: str) -> pl.LazyFrame:
    """Adds the cells of another class of lesions (NON-TARGET, NEW) of this time point to `_related`."""
    cells = _cells(readings, found, kind, "_more")
    empty = pl.lit([], dtype=RELATED)
    both = pl.concat_list(pl.col("_related"), pl.col("_more").cast(RELATED).fill_null(empty))
    return found.join(cells, on=_KEY, how="left").with_columns(_related=both).drop("_more")


def with_own_cells(*columns: str) -> pl.Expr:
    """`_related` with further cells of the finding's own row in front."""
    own = pl.concat_list(
        pl.struct(rid=pl.col("_rid").cast(pl.UInt32), column=pl.lit(c, dtype=pl.String)) for c in columns
    )
    return pl.concat_list(own.cast(RELATED), pl.col("_related")).alias("_related")
