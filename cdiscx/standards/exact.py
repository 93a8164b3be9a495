"""Millimetres in, whole nanometres out: integers, so that a threshold is decided exactly (R11-X-1)."""

from fractions import Fraction

import polars as pl

NM_PER_MM = 1_000_000
_LARGEST_MM = 1_000_000.0  # beyond this a number is no diameter, and the integers below could overflow


def divided(number: pl.Expr, by: pl.Expr) -> pl.Expr:
    """``number / by``, rounded once, whatever the shape of the data (`by` null: null; `number` is finite).

    Polars multiplies by the inverse where all rows have one divisor and it knows so (a constant, a join with one row), but
    not in a single row: the last digit of a percentage would hang on who else is in the table. The sum makes a column of it.
    """
    return number / (by + number * 0)


def threshold_nm(mm: float | str | Fraction) -> int:
    """A limit of a rule in whole nanometres; `4.2` means 4.2 and not its binary neighbour."""
    exact = mm if isinstance(mm, Fraction) else Fraction(str(mm))
    return round(exact * NM_PER_MM)


def nanometres(mm: pl.Expr) -> pl.Expr:
    """Diameters (mm, any number type) as Int64 nanometres.

    A number that cannot be a diameter (NaN, infinite, negative, above 1 km) is no value: null, never 0
    (R11-C-7).
    """
    value = mm.cast(pl.Float64)
    usable = value.is_finite() & (value >= 0) & (value <= _LARGEST_MM)
    return (pl.when(usable).then(value) * NM_PER_MM).round(0).cast(pl.Int64)


def millimetres(nm: pl.Expr) -> pl.Expr:
    """Int64 nanometres back as Float64 millimetres, for display and for datasets."""
    return (nm / NM_PER_MM).round(6)  # polars divides by a constant through its reciprocal: 107.67999999999999
