"""Units of measurement as sites write them: spellings in, house symbol, dimension and exact factor out."""

from __future__ import annotations

import re
import unicodedata
from fractions import Fraction
from typing import Final

import polars as pl

# symbol: dimension, factor to the first symbol of that dimension, other spellings
_UNITS: Final[tuple[tuple[str, str, str, str], ...]] = (
    ("mm", "length", "1", "millimeter millimeters millimetre millimetres 毫米"),
    ("cm", "length", "10", "cms centimeter centimeters centimetre centimetres 厘米 公分"),
    ("m", "length", "1000", "meter meters metre metres 米"),
    ("um", "length", "0.001", "micron microns micrometer micrometre 微米"),
    ("kg", "mass", "1", "kgs kilo kilos kilogram kilograms 公斤 千克"),
    ("g", "mass", "0.001", "gm gram grams 克"),
    ("mg", "mass", "0.000001", "mgs milligram milligrams 毫克"),
    ("ug", "mass", "0.000000001", "mcg microgram micrograms 微克"),
    ("jin", "mass", "0.5", "斤 市斤"),
    ("lb", "mass", "0.45359237", "lbs pound pounds 磅"),
    ("Gy", "absorbed dose", "1", "gray grays 戈瑞"),
    ("cGy", "absorbed dose", "0.01", "centigray 厘戈瑞"),
    ("GBq", "activity", "1", "gigabecquerel"),
    ("MBq", "activity", "0.001", "megabecquerel"),
    ("days", "time", "1", "day d 天 日"),
    ("weeks", "time", "7", "week wk wks w 周"),
    ("YEARS", "age", "1", "years year yrs yr y 岁 周岁"),
    ("%", "percent", "1", "percent pct 百分比"),
    # Counting words say nothing about scale.
    ("", "count", "1", "级 分 次 个 期 grade points point score fx fr fractions fraction times"),
    ("mg/kg", "dose by weight", "1", "毫克/千克 毫克/公斤"),
    ("mg/m2", "dose by surface", "1", "mg/m^2 毫克/平方米"),
)  # fmt: skip

#: scale -> the unit that amounts in it are brought to, where the column states none
OTHER_SCALES: Final = {"cGy": "Gy", "MBq": "GBq", "g": "mg", "ug": "mg"}

# Laboratory: test -> units that convert to its standard unit (TRM-003), and the factor; first = standard.
_LAB: Final[dict[str, dict[str, str]]] = {
    "AFP": {"ng/mL": "1", "ug/L": "1", "IU/mL": "1.21", "kIU/L": "1.21"},
    "PIVKA-II": {"mAU/mL": "1", "AU/L": "1", "ng/mL": "52.63"},
    "BILI": {"umol/L": "1", "mg/dL": "17.1", "mg/L": "1.71"},
    "ALB": {"g/L": "1", "g/dL": "10"},
    "ALT": {"U/L": "1", "IU/L": "1", "ukat/L": "60", "nkat/L": "0.06"},
    "AST": {"U/L": "1", "IU/L": "1", "ukat/L": "60", "nkat/L": "0.06"},
    "PLAT": {"10^9/L": "1", "10^3/uL": "1", "G/L": "1", "10^12/L": "1000", "/uL": "0.001"},
    "CREAT": {"umol/L": "1", "mg/dL": "88.42", "mmol/L": "1000", "mg/L": "8.842"},
}


def unit_key(text: str) -> str:
    """A unit as written -> the key it is compared by: NFKC, lower case, no blanks, no trailing full stop, one micro."""
    plain = unicodedata.normalize("NFKC", text).lower().replace("μ", "u").replace("µ", "u")
    return re.sub(r"\s+", "", plain).rstrip(".")


_BY_KEY: Final[dict[str, str]] = {
    unit_key(name): symbol for symbol, _, _, more in _UNITS for name in (symbol, *more.split()) if name
}
_MEANING: Final[dict[str, tuple[str, Fraction]]] = {symbol: (kind, Fraction(f)) for symbol, kind, f, _ in _UNITS}


def _lab_key(text: str) -> str:
    """Unit keys of the laboratory: `×10^9/L`, `x10⁹/L`, `10*9/L`, `109/L` and `10E9/L` are one."""
    key = unit_key(re.sub(r"10([⁹³]|¹²)", r"10^\1", text))
    key = re.sub(r"^[x×*]", "", key)
    key = re.sub(r"^10(?:\^|\*\*|\*|e)?(12|9|3)/", r"10^\1/", key)
    return re.sub(r"(?<=/)(cumm|mm3|mm\^3)$", "ul", key)


_LAB_KEYS: Final = {
    test: {_lab_key(unit): (unit, Fraction(factor)) for unit, factor in units.items()} for test, units in _LAB.items()
}


def read_unit(text: str | None) -> str | None:
    """House symbol of a unit as written (`厘米` -> `cm`); "" for a counting word; None where it is not known."""
    return None if text is None else _BY_KEY.get(unit_key(text))


def dimension(symbol: str) -> str | None:
    """`length`, `mass`, ... of a house symbol, or None."""
    found = _MEANING.get(symbol)
    return found[0] if found else None


def factor(symbol: str, target: str) -> Fraction | None:
    """What a number in `symbol` is multiplied with to be in `target` (house symbols); None where they do not convert."""
    if symbol == target:
        return Fraction(1)
    here, there = _MEANING.get(symbol), _MEANING.get(target)
    if here is None or there is None or here[0] != there[0]:
        return None
    return here[1] / there[1]


def standard_unit(symbol: str) -> str:
    """The house's scale for an amount: cGy -> Gy, MBq -> GBq, g -> mg; other units are their own."""
    return OTHER_SCALES.get(symbol, symbol)


def lab_tests() -> tuple[str, ...]:
    """Laboratory tests that have a dimension, so that their results need a unit (TRM-003; INR has none)."""
    return tuple(_LAB)


def lab_standard(test: str) -> str | None:
    """Standard unit of a laboratory test, None for a ratio or an unknown test."""
    return next(iter(_LAB[test])) if test in _LAB else None


def lab_factor(test: str, unit: str) -> float | None:
    """Factor from a unit as written to the test's standard unit; None where it does not convert."""
    found = _LAB_KEYS.get(test, {}).get(_lab_key(unit))
    return float(found[1]) if found else None


def lab_value(test: pl.Expr, value: pl.Expr, unit: pl.Expr) -> pl.Expr:
    """A result in its test's standard unit, as an expression; null where the unit does not convert. Ratios stay as they are."""
    key = (
        unit.str.normalize("NFKC")
        .str.to_lowercase()
        .str.replace_all(r"\s+", "")
        .str.replace_all("[μµ]", "u")
        .str.replace(r"\.$", "")
        .str.replace(r"^[x×*]", "")
        .str.replace(r"^10(?:\^|\*\*|\*|e)?(12|9|3)/", "10^${1}/")
        .str.replace(r"/(cumm|mm3|mm\^3)$", "/ul")
    )
    factors = {f"{name}|{k}": float(f) for name, units in _LAB_KEYS.items() for k, (_, f) in units.items()}
    found = pl.concat_str(test, pl.lit("|"), key).replace_strict(factors, default=None, return_dtype=pl.Float64)
    return pl.when(test.is_in(list(_LAB))).then(value * found).otherwise(value)
