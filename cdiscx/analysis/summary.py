"""Values in, a descriptive summary out: n, mean, SD, median, quartiles, extremes; counts of categories."""

from __future__ import annotations

from typing import Any

import polars as pl


def describe(values: pl.Series) -> dict[str, Any]:
    """n, missing, mean, sd (n - 1), median, q1, q3, min, max of a numeric column; None where not defined.

    Quartiles follow SAS's default definition 5 (average of two neighbours where n x p is whole), as clinical tables do.
    """
    known = values.cast(pl.Float64).drop_nulls().drop_nans().sort()
    n = known.len()
    ordered = known.to_list()
    return {
        "n": n,
        "missing": values.len() - n,
        "mean": known.mean() if n else None,
        "sd": known.std() if n > 1 else None,
        "median": _quantile(ordered, 2, 4),
        "q1": _quantile(ordered, 1, 4),
        "q3": _quantile(ordered, 3, 4),
        "min": ordered[0] if n else None,
        "max": ordered[-1] if n else None,
    }


def _quantile(ordered: list[float], part: int, of: int) -> float | None:
    """The quantile `part / of` of sorted values, in whole numbers so that n x p is told exactly."""
    if not ordered:
        return None
    whole, rest = divmod(len(ordered) * part, of)
    if rest:
        return ordered[whole]
    return (ordered[whole - 1] + ordered[min(whole, len(ordered) - 1)]) / 2


def counted(values: pl.Series, order: tuple[str, ...] = (), missing: str = "MISSING") -> list[dict[str, Any]]:
    """Every category with its number and its part of all: in `order` first, then by name, blanks last as `missing`."""
    total = values.len()
    counts = values.cast(pl.String).fill_null(missing).value_counts(name="n")
    rows = {str(name): int(n) for name, n in counts.iter_rows()}
    place = {name: i for i, name in enumerate(order)}
    names = sorted(rows, key=lambda name: (name == missing, place.get(name, len(place)), name))
    return [{"category": name, "n": rows[name], "proportion": rows[name] / total} for name in names]
