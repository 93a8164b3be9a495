"""What define.xml says of a column's storage, measured on its values: data type, length, decimals, display format."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

import polars as pl

from cdiscx.model.dataset import VariableType

_NUMBER: Final = r"^-?\d+(\.\d+)?$"
_DATE: Final = r"^\d{4}-\d{2}-\d{2}$"
_TIME: Final = r"T\d{2}:\d{2}(:\d{2}(\.\d+)?)?$"
_GAP: Final = r"--"
_DURATION: Final = r"^-?P(\d+W|(\d+Y)?(\d+M)?(\d+D)?(T(\d+H)?(\d+M)?(\d+(\.\d+)?S)?)?)$"
#: digits kept of a float: what a double can tell
_DIGITS: Final = 12


@dataclass(frozen=True, slots=True)
class Storage:
    """`data_type` of Define-XML; `length` in bytes (text) or digits (numbers), None for dates; `decimals` of a float."""

    data_type: str
    length: int | None = None
    decimals: int | None = None
    display: str | None = None


def storage(values: pl.Series, kind: VariableType, *, name: str = "", measured: bool = False) -> Storage:
    """Measures one column. `measured`: text that holds nothing but numbers is called a number (value-level metadata)."""
    present = values.drop_nulls()
    if kind == "date":
        days = present.cast(pl.Int32) if present.len() else pl.Series([0])
        return Storage("integer", max(_digits((days + 3653).cast(pl.Int64)), 1), display="DATE9.")
    if kind == "integer":
        return Storage("integer", max(_digits(present.cast(pl.Int64)), 1))
    if kind == "float":
        return _float(present.cast(pl.Float64))
    text = present.cast(pl.String)
    text = text.filter(text != "")
    if kind == "isodate":
        return Storage(_date_type(text))
    if re.search(r"(DUR|ELM)$", name) and text.len() and text.str.contains(_DURATION).all():
        return Storage("durationDatetime")
    if measured and text.len() and text.str.contains(_NUMBER).all():
        return _float(text.cast(pl.Float64))
    return Storage("text", max(_maximum(text.str.len_bytes()), 1))


def _maximum(numbers: pl.Series) -> int:
    top = numbers.max()
    return top if isinstance(top, int) else 0


def _digits(numbers: pl.Series) -> int:
    return _maximum(numbers.abs().cast(pl.String).str.len_bytes())


def _float(numbers: pl.Series) -> Storage:
    finite = numbers.filter(numbers.is_finite())
    if finite.len() == 0:
        return Storage("float", 1, 0)
    whole = max(_digits(finite.abs().floor().cast(pl.Int64, strict=False)), 1)
    decimals = _maximum(
        (finite.abs() - finite.abs().floor())
        .round(_DIGITS)
        .cast(pl.String)
        .str.extract(r"\.(\d*?)0*$", 1)
        .fill_null("")
        .str.len_bytes()
    )
    return Storage("integer", whole) if decimals == 0 else Storage("float", whole + decimals, decimals)


def _date_type(text: pl.Series) -> str:
    """The narrowest ISO 8601 type that all values fit: date, partialDate, datetime, partialDatetime, incompleteDatetime."""
    if text.len() == 0 or text.str.contains(_DATE).all():
        return "date"
    timed = text.str.contains("T", literal=True).any()
    if text.str.contains(_GAP, literal=True).any():
        return "incompleteDatetime"
    if not timed:
        return "partialDate"
    return "datetime" if text.str.contains(_TIME).all() else "partialDatetime"
