"""Ordered grades of surgery, pathology and the liver: Clavien-Dindo, MPR and pCR, R status, BCLC."""

from collections.abc import Sequence
from fractions import Fraction

import polars as pl

CLAVIEN_ORDER = ("I", "II", "IIIa", "IIIb", "IVa", "IVb", "V")
"""CD-1 to CD-5, mild to severe."""

R_ORDER = ("R0", "R1", "R2")
"""RS-0 to RS-2. RX cannot be assessed: it has no rank and never counts as R0."""

BCLC_ORDER = ("0", "A", "B", "C", "D")

_CLAVIEN_RANK = {
    "I": 1, "II": 2, "III": 3, "IIIA": 3, "IIIB": 4, "IV": 5, "IVA": 5, "IVB": 6, "V": 7,
}  # fmt: skip
_CLAVIEN_FORM = r"^(?:GRADE\s*)?(I{1,3}|IV|V)\s*([AB]?)\s*-?\s*(D?)$"
_CENT = 1_000_000  # a percentage as a whole number of millionths, a diameter of micrometres


def _upper(text: pl.Expr) -> pl.Expr:
    return text.cast(pl.String).str.strip_chars().str.to_uppercase()


def _ordinal(text: pl.Expr, order: Sequence[str]) -> pl.Expr:
    return _upper(text).replace_strict(list(order), list(range(len(order))), default=None, return_dtype=pl.Int8)


def clavien_ordinal(grade: pl.Expr) -> pl.Expr:
    """1 (I) to 7 (V), null for blank or unknown; III and IV without letter rank as IIIa and IVa, the suffix d aside."""
    parts = _upper(grade).str.extract_groups(_CLAVIEN_FORM)
    main, letter = parts.struct.field("1"), parts.struct.field("2")
    word = pl.concat_str(main, letter)
    return word.replace_strict(list(_CLAVIEN_RANK), list(_CLAVIEN_RANK.values()), default=None, return_dtype=pl.Int8)


def clavien_disability(grade: pl.Expr) -> pl.Expr:
    """True where the grade carries the suffix d (disability at discharge); null for blank or unknown."""
    suffix = _upper(grade).str.extract_groups(_CLAVIEN_FORM).struct.field("3")
    return pl.when(clavien_ordinal(grade).is_not_null()).then(suffix == "D")


def clavien_major(grade: pl.Expr) -> pl.Expr:
    """IIIa or higher."""
    return clavien_ordinal(grade) >= _CLAVIEN_RANK["IIIA"]


def clavien_grade(ordinal: pl.Expr) -> pl.Expr:
    """The grade of a rank of `clavien_ordinal`, for the highest of several: `clavien_grade(ordinal.max())`."""
    return ordinal.replace_strict(
        list(range(1, len(CLAVIEN_ORDER) + 1)), list(CLAVIEN_ORDER), default=None, return_dtype=pl.String
    )


def r_ordinal(status: pl.Expr) -> pl.Expr:
    """R0 0, R1 1, R2 2; null for RX, blank and unknown."""
    return _ordinal(status, R_ORDER)


def is_r0(status: pl.Expr) -> pl.Expr:
    """R0 or not; RX and blank are not R0 (RS-X)."""
    return (_upper(status) == "R0").fill_null(False)


def bclc_ordinal(stage: pl.Expr) -> pl.Expr:
    """Stage 0 to D as 0 to 4."""
    return _ordinal(stage, BCLC_ORDER)


def bclc_below_c(stage: pl.Expr, *, vascular_invasion: pl.Expr, extrahepatic: pl.Expr) -> pl.Expr:
    """True where the stage is below C although the tumour has vascular invasion or spread outside the liver (BC-C)."""
    spread = vascular_invasion.fill_null(False) | extrahepatic.fill_null(False)
    return (bclc_ordinal(stage) < BCLC_ORDER.index("C")) & spread


def _millionths(percent: pl.Expr) -> pl.Expr:
    value = percent.cast(pl.Float64)
    usable = value.is_finite() & (value >= 0) & (value <= 100)
    return (pl.when(usable).then(value) * _CENT).round(0).cast(pl.Int64)


def mpr(viable_percent: pl.Expr, *, limit: float = 10) -> pl.Expr:
    """Major pathological response: viable tumour at most `limit` percent, inclusive (PT-1); null where not known."""
    return _millionths(viable_percent) <= round(Fraction(str(limit)) * _CENT)


def pcr(viable_percent: pl.Expr) -> pl.Expr:
    """Pathological complete response of one value: 0 percent viable (PT-2). Over a specimen: `pcr(...).all()`."""
    return _millionths(viable_percent) == 0


def _weights(viable_percent: pl.Expr, diameter_mm: pl.Expr) -> tuple[pl.Expr, pl.Expr, pl.Expr]:
    """(sum of percent x diameter, sum of diameters, whether every nodule has both), whole numbers."""
    percent = _millionths(viable_percent)
    size = (diameter_mm.cast(pl.Float64) * 1000).round(0).cast(pl.Int64)
    complete = (percent.is_not_null() & (size > 0).fill_null(False)).all() & (percent.len() > 0)
    return (percent * size).sum(), size.sum(), complete


def weighted_viable_percent(viable_percent: pl.Expr, diameter_mm: pl.Expr) -> pl.Expr:
    """Size-weighted mean viable percent of several nodules, an aggregation; null where a nodule lacks a number."""
    weighted, size, complete = _weights(viable_percent, diameter_mm)
    return pl.when(complete).then(weighted / size / _CENT)


def weighted_mpr(viable_percent: pl.Expr, diameter_mm: pl.Expr, *, limit: float = 10) -> pl.Expr:
    """MPR of the size-weighted mean, decided on whole numbers; an aggregation, null where a nodule lacks a number."""
    weighted, size, complete = _weights(viable_percent, diameter_mm)
    return pl.when(complete).then(weighted <= size * round(Fraction(str(limit)) * _CENT))
