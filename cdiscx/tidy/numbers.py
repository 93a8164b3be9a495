"""Numbers as sites type them, and the units around them, in; exact amounts in the house unit out."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

import polars as pl

from cdiscx.model.spec import Column
from cdiscx.model.table import NUMBER, TEXT
from cdiscx.standards.units import factor, read_unit, standard_unit, unit_key
from cdiscx.tidy.reading import Context
from cdiscx.tidy.words import MOJIBAKE_OPERATORS, tight

_REGULAR = r"^[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?$"
_CELL = re.compile(
    r"^(?P<op><=|>=|=<|=>|[<>≤≥≦≧=~≈约]?)\s*(?P<sign>[-+−–]?)\s*"
    r"(?P<digits>[0-9](?:[0-9.,'’ ]*[0-9])?[.,]?|[.,][0-9]+)(?P<exp>[eE][+-]?[0-9]+(?![a-z]))?\s*(?P<unit>\D.*)?$"
)
_PREFIXED = re.compile(r"^(?:grade|gr|g|ecog|ps|score|cycle|cyc|c)\s*[:=.-]?\s*(?=\d+$)", re.IGNORECASE)
_UNIT_LIKE = re.compile(r"^[^\W\d_]{1,12}(?:[/^*.·][^\W_]{1,8}){0,3}$|^%$")
#: stands for the unit of a row whose unit cell could not be read
UNREADABLE_UNIT = "?"
#: beyond these no reading of an amount makes sense; only used to tell `12,345` from 12345
_LARGEST = {"mm": 1000.0, "cm": 300.0, "kg": 700.0, "Gy": 300.0, "YEARS": 130.0}


@dataclass(frozen=True, slots=True)
class Parsed:
    """One text: `value`, or two readings where a comma may be either sign; the unit in the cell as written."""

    value: float | None = None
    other: float | None = None
    unit: str | None = None
    operator: str = ""
    mojibake: bool = False


def parse_number(text: str) -> Parsed:
    """`3,2 cm` -> 3.2 and `cm`; `<5` -> 5 and `<`; `1,234` -> 1.234 or 1234; value None where it is no number."""
    plain, damaged = text, False
    for wrong, right in MOJIBAKE_OPERATORS.items():
        if wrong in plain:
            plain, damaged = plain.replace(wrong, right), True
    plain = " ".join(unicodedata.normalize("NFKC", plain).replace("⁄", "/").split())
    cut = _CELL.match(_PREFIXED.sub("", plain))
    if cut is None:
        return Parsed(mojibake=damaged)
    readings = _readings(cut["digits"])
    sign = "-" if cut["sign"] in ("-", "−", "–") and cut["sign"] else ""
    values = [_exact(sign + digits + (cut["exp"] or "")) for digits in readings]
    if not values or values[0] is None:
        return Parsed(mojibake=damaged)
    unit = (cut["unit"] or "").strip() or None
    return Parsed(values[0], values[1] if len(values) > 1 else None, unit, cut["op"], damaged)


def _exact(text: str) -> float | None:
    try:
        value = Decimal(text)
    except InvalidOperation:
        return None
    return float(value) if abs(value) < Decimal("1e300") else None


def _readings(digits: str) -> list[str]:
    """The numbers that a run of digits and separators can be: none, one, or two (decimal comma first)."""
    if re.fullmatch(r"\d+\.?\d*|\.\d+", digits):
        return [digits]
    if re.fullmatch(r"\d*,\d+", digits):
        decimal = digits.replace(",", ".")
        if re.fullmatch(r"[1-9]\d{0,2},\d{3}", digits):
            return [decimal, digits.replace(",", "")]
        return [decimal]
    # Groups of three, all by one sign, then at most one decimal sign of another kind: thousands for certain.
    for group, point in ((",", "."), (r"\.", ","), (r"[ '’]", r"[.,]")):
        if re.fullmatch(rf"\d{{1,3}}(?:{group}\d{{3}})+(?:{point}\d+)?", digits):
            grouped = re.match(rf"\d{{1,3}}(?:{group}\d{{3}})+", digits)
            whole = grouped.group() if grouped else digits
            rest = digits[len(whole) :]
            return [re.sub(r"\D", "", whole) + rest.replace(",", ".")]
    return []


@dataclass(frozen=True, slots=True)
class Scale:
    """How an amount comes to its house unit: factor, unit afterwards, what is wrong with its units."""

    factor: float | None
    final: str | None
    problem: str | None = None
    detail: str | None = None


def resolve(cell: str | None, row: str | None, column: Column, ctx: Context) -> Scale:
    """Unit in the cell, unit of the row, heading's unit, column's unit, in this order -> scale (`row` as house term)."""
    known = ctx.row_units or {}
    stated = None if cell is None else _symbol(cell, column, known)
    if cell is not None and stated is None:
        return Scale(None, None, "unknown_unit", f"'{cell}' is not a unit that can be used here.")
    stated = stated or None
    if row == UNREADABLE_UNIT:
        if stated is None:
            return Scale(None, None, "unknown_unit", "The row's unit cannot be read.")
        row = None
    if column.unit is not None:
        used = stated or row or ctx.header_unit or column.unit
        by = _factor(used, column)
        if by is None and used == ctx.header_unit and not (stated or row):
            by = 1.0
        if by is None:
            return Scale(None, None, "unknown_unit", f"{used} cannot be converted to {column.unit}.")
        return Scale(by, used)
    if stated and row:
        by_row = factor(stated, row)
        if by_row is None:
            return Scale(None, None, "unit_conflict", f"The cell says {stated}, the row's unit is {row}.")
        final = standard_unit(row)
        return Scale(float(by_row * (factor(row, final) or 1)), final)
    used_ = stated or row or ctx.header_unit
    if used_ is None:
        return Scale(1.0, None)
    final = standard_unit(used_)
    return Scale(float(factor(used_, final) or 1), final)


def _symbol(text: str, column: Column, known: Mapping[str, str]) -> str | None:
    own = {unit_key(unit): unit for unit in column.units}
    if column.unit is not None and unit_key(text) == unit_key(column.unit):
        return column.unit
    return own.get(unit_key(text)) or known.get(tight(text)) or read_unit(text)


def _factor(unit: str, column: Column) -> float | None:
    if unit in column.units:
        return float(column.units[unit])
    target = column.unit or unit
    exact = factor(read_unit(unit) or unit, read_unit(target) or target)
    return None if exact is None else float(exact)


def read_numbers(distinct: pl.DataFrame, column: Column, ctx: Context) -> pl.DataFrame:
    """Distinct cells (`t`, `kind`, `unit`: the row's unit as house term) -> amounts in the house unit.

    Answers `value` (Float64), `typed` (text as typed), `final` (unit that the row's unit column should hold) and the
    usual words. Thousands are read only when certain: `1,234` is a problem unless the column's range, or the size of
    anything measured in its unit, allows one reading only.
    """
    regular = pl.col("kind").is_in([NUMBER, TEXT]) & pl.col("t").str.contains(_REGULAR)
    plain = distinct.filter(regular).with_columns(
        value=pl.col("t").cast(pl.Float64, strict=False), other=pl.lit(None, pl.Float64), cell=pl.lit(None, pl.String),
        mojibake=pl.lit(False), odd=pl.lit(False), is_text=pl.lit(False), number=pl.lit(True),
    )  # fmt: skip
    odd = distinct.filter(~regular)
    # a NUMBER that is not regular shows more than its value: `25%`
    parsed = [
        parse_number(t) if kind in (TEXT, NUMBER) else Parsed() for t, kind in zip(odd["t"], odd["kind"], strict=True)
    ]
    parsed = [p if p.unit is None or _is_unit(p.unit, column, ctx) else Parsed(mojibake=p.mojibake) for p in parsed]
    schema = {"value": pl.Float64, "other": pl.Float64, "cell": pl.String, "mojibake": pl.Boolean}
    words = {"value": [p.value for p in parsed], "other": [p.other for p in parsed],
             "cell": [p.unit for p in parsed], "mojibake": [p.mojibake for p in parsed]}  # fmt: skip
    strange = odd.hstack(pl.DataFrame(words, schema=schema)).with_columns(
        odd=pl.lit(True),
        # A plain number behind `<` is how laboratories report, not a spreadsheet's artefact (STR-008).
        is_text=~pl.col("t").str.strip_chars_start("<>≤≥= ").str.contains(_REGULAR),
        number=pl.col("value").is_not_null(),
    )
    both = pl.concat([plain, strange], how="vertical").filter(pl.col("value").is_finite() | pl.col("value").is_null())
    lost = distinct.join(both, on=["t", "kind", "unit"], how="anti", nulls_equal=True)
    both = pl.concat([both, lost], how="diagonal").with_columns(
        pl.col("number", "is_text", "mojibake", "odd").fill_null(False)
    )
    scales = both.filter("number").select("cell", "unit").unique()
    resolved = [resolve(cell, unit, column, ctx) for cell, unit in scales.iter_rows()]
    frame = pl.DataFrame(
        {"factor": [s.factor for s in resolved], "final": [s.final for s in resolved],
         "unit_problem": [s.problem for s in resolved], "unit_detail": [s.detail for s in resolved]},
        schema={"factor": pl.Float64, "final": pl.String, "unit_problem": pl.String, "unit_detail": pl.String},
    )  # fmt: skip
    joined = both.join(scales.hstack(frame), on=["cell", "unit"], how="left", nulls_equal=True)
    return _judge(joined, column)


def _is_unit(text: str, column: Column, ctx: Context) -> bool:
    return _symbol(text, column, ctx.row_units or {}) is not None or bool(_UNIT_LIKE.match(text))


def _judge(frame: pl.DataFrame, column: Column) -> pl.DataFrame:
    """Scales the readings, settles an ambiguous comma by the column's range, words what was done."""
    c = pl.col
    low = column.min if column.min is not None else float("-inf")
    high = column.max if column.max is not None else _LARGEST.get(column.unit or "", float("inf"))
    fits = [c(name).is_between(low, high) for name in ("value", "other")]
    scaled = frame.with_columns(_scaled("value"), _scaled("other")).with_columns(
        chosen=pl.when(c("other").is_null() | (fits[0] & ~fits[1])).then("value").when(fits[1] & ~fits[0]).then("other")
    )
    ambiguous = c("other").is_not_null() & c("chosen").is_null()
    value = pl.when(c("number") & c("unit_problem").is_null()).then("chosen")
    unit = pl.lit(column.unit) if column.unit is not None else c("final")
    problem = (
        pl.when(~c("number")).then(pl.lit("not_a_number"))
        .when(c("unit_problem").is_not_null()).then("unit_problem")
        .when(ambiguous).then(pl.lit("ambiguous_number"))
        .when("mojibake").then(pl.lit("mojibake"))
        .when(c("cell").is_not_null() & (c("kind") == TEXT)).then(pl.lit("unit_in_cell"))
        .when(c("is_text") & (c("kind") == TEXT)).then(pl.lit("number_as_text"))
    )  # fmt: skip
    readings = pl.concat_str(
        pl.lit("It could be "), _shown(c("value")), pl.lit(" or "), _shown(c("other")), pl.lit(".")
    )
    detail = pl.when(~c("number")).then(pl.lit(None, pl.String)).when(ambiguous).then(readings).otherwise("unit_detail")
    in_unit = pl.concat_str([_shown(value), unit], separator=" ", ignore_nulls=True)
    read_as = pl.when(value.is_not_null()).then(in_unit)
    converted = value.is_not_null() & (c("factor") != 1)
    why = (
        pl.when(converted)
        .then(pl.lit("unit converted"))
        .when(value.is_not_null() & c("odd"))
        .then(pl.lit("number written as text"))
    )
    return scaled.select(
        "t", "kind", "unit", value.alias("value"), c("t").alias("typed"), why.alias("why"), problem.alias("problem"),
        read_as.alias("read_as"), detail.alias("detail"), pl.when(value.is_not_null()).then("final").alias("final"),
    )  # fmt: skip


def _scaled(name: str) -> pl.Expr:
    """Times the factor; rounded so that 1.1 cm is 11 mm and not 11.000000000000002."""
    by = pl.col("factor").fill_null(1.0)
    return pl.when(by == 1).then(name).otherwise((pl.col(name) * by).round(9)).alias(name)


def _shown(value: pl.Expr) -> pl.Expr:
    """A number as people write it: 32, not 32.0."""
    return value.cast(pl.String).str.replace(r"\.0$", "")
