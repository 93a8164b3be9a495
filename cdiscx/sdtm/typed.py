"""Numbers as sites typed them in; the text without its unit, and the operator before it, out (--ORRES)."""

from __future__ import annotations

import re
import unicodedata

import polars as pl

from cdiscx.sdtm.here import RowSet
from cdiscx.standards.units import read_unit

_NUMBER = re.compile(
    r"^(?P<op>[<>=≤≥≦≧~≈约]{0,2})\s*(?P<n>[-+−–]?\s*[0-9][0-9.,'’ ]*(?:[eE][-+]?[0-9]+)?|[-+]?[.,][0-9]+)"
)


def as_collected(
    rows: RowSet, column: str, value: pl.Expr, typed: pl.Expr
) -> tuple[pl.Expr, pl.Expr | None, pl.Expr | None]:
    """The text as typed without its unit, the operator before it, the unit behind it; odd texts are read once each."""
    pairs = rows.frame.select(typed.alias("t"), value.alias("v")).filter(
        pl.col("t").is_not_null() & ~(pl.col("t").cast(pl.Float64, strict=False).is_finite().fill_null(False))
    )
    if not pairs.height:
        return typed, None, None
    odd = pairs.unique().sort("t", "v", nulls_last=True)
    read = [_bare(t, v) for t, v in odd.iter_rows()]
    own = f"_{column}."
    there = odd.select(
        pl.col("t").alias(f"{own}t"), pl.col("v").alias(f"{own}v"),
        pl.Series(f"{own}shown", [r[0] for r in read], pl.String), pl.Series(f"{own}op", [r[1] for r in read], pl.String),
        pl.Series(f"{own}unit", [r[2] for r in read], pl.String),
    )  # fmt: skip
    if f"{own}shown" not in rows.frame.columns:
        keyed = rows.frame.with_columns(typed.alias("_typed"), value.alias("_value"))
        keyed = keyed.join(there, left_on=["_typed", "_value"], right_on=[f"{own}t", f"{own}v"], how="left",
                           nulls_equal=True, maintain_order="left")  # fmt: skip
        rows.frame = keyed.drop("_typed", "_value")
    return pl.coalesce(f"{own}shown", typed), pl.col(f"{own}op"), pl.col(f"{own}unit")


def _bare(text: str, value: float | None) -> tuple[str, str | None, str | None]:
    """`３.2 cm` -> `3.2`; `<5` -> `<5` and `<`; `3,2` -> `3.2`; anything that is no number stays as typed."""
    plain = unicodedata.normalize("NFKC", text).strip()
    cut = _NUMBER.match(plain)
    if cut is None or value is None:
        return plain, None, None
    digits = re.sub(r"\s", "", cut["n"]).replace("−", "-").replace("–", "-").rstrip(".,'’")
    if re.search(r"[,'’]", digits):
        near = [digits.replace(",", "."), re.sub(r"[,'’]", "", digits), re.sub(r"[.'’]", "", digits).replace(",", ".")]
        digits = next((d for d in near if _same(d, value)), digits)
    operator = cut["op"].replace("≤", "<=").replace("≥", ">=").replace("≦", "<=").replace("≧", ">=") or None
    unit = read_unit(plain[cut.end() :].strip(" )]）"))
    return f"{operator or ''}{digits}", operator if operator not in ("=", None) else None, unit or None


def _same(digits: str, value: float) -> bool:
    try:
        number = float(digits)
    except ValueError:
        return False
    return any(abs(number * by - value) < 1e-6 * max(1.0, abs(value)) for by in (1, 10, 0.1, 0.01, 100, 1000, 0.001))
