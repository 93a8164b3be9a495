"""Child-Pugh score: bilirubin, albumin, INR, ascites and encephalopathy in, points 5 to 15 and class A to C out."""

from typing import Literal

import polars as pl

BilirubinUnit = Literal["mg/dL", "umol/L"]
_BILIRUBIN: dict[BilirubinUnit, tuple[float, float]] = {"mg/dL": (2, 3), "umol/L": (34, 51)}
_ALBUMIN_G_DL = (2.8, 3.5)
_INR = (1.7, 2.3)
_ASCITES = {"NONE": 1, "SLIGHT": 2, "MODERATE": 3, "SEVERE": 3}


def _points(value: pl.Expr, low: float, high: float) -> pl.Expr:
    """1 below `low`, 2 from `low` to `high` (both inclusive), 3 above; null stays null."""
    number = value.cast(pl.Float64).fill_nan(None)
    known = pl.when(number < low).then(1).when(number <= high).then(2).when(number > high).then(3)
    return known.otherwise(None).cast(pl.Int8)


def bilirubin_points(value: pl.Expr, unit: BilirubinUnit = "mg/dL") -> pl.Expr:
    """Below 2 mg/dL (34 umol/L) 1, up to 3 (51) 2, above 3."""
    return _points(value, *_BILIRUBIN[unit])


def albumin_points(g_dl: pl.Expr) -> pl.Expr:
    """Above 3.5 g/dL 1, down to 2.8 2, below 3."""
    return pl.lit(4, dtype=pl.Int8) - _points(g_dl, *_ALBUMIN_G_DL)


def inr_points(value: pl.Expr) -> pl.Expr:
    """Below 1.7 1, up to 2.3 2, above 3."""
    return _points(value, *_INR)


def ascites_points(text: pl.Expr) -> pl.Expr:
    """None 1, slight 2, moderate or severe 3; null for anything else."""
    word = text.cast(pl.String).str.strip_chars().str.to_uppercase()
    return word.replace_strict(list(_ASCITES), list(_ASCITES.values()), default=None, return_dtype=pl.Int8)


def encephalopathy_points(grade: pl.Expr) -> pl.Expr:
    """Grade 0 1, grade 1 or 2 2, grade 3 or 4 3; null for anything else."""
    return grade.cast(pl.Int64).replace_strict([0, 1, 2, 3, 4], [1, 2, 2, 3, 3], default=None, return_dtype=pl.Int8)


def child_pugh_points(
    *, bilirubin: pl.Expr, albumin: pl.Expr, inr: pl.Expr, ascites: pl.Expr, encephalopathy: pl.Expr
) -> pl.Expr:
    """Sum of the points of the five items (Int8, 5 to 15); null while one of them is not known."""
    return bilirubin + albumin + inr + ascites + encephalopathy


def child_pugh_class(points: pl.Expr) -> pl.Expr:
    """5-6 A, 7-9 B, 10-15 C; null outside 5 to 15."""
    return (
        pl.when(points.is_between(5, 6))
        .then(pl.lit("A"))
        .when(points.is_between(7, 9))
        .then(pl.lit("B"))
        .when(points.is_between(10, 15))
        .then(pl.lit("C"))
    )
