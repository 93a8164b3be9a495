"""Typed Python values in, two frames out: the text of every cell and its kind."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date, datetime, time, timedelta
from itertools import islice
from typing import Any

import polars as pl

from cdiscx.model.table import BLANK, BOOL, DATE, NUMBER, TEXT, TIME, letter

#: rows taken at a time: fewer than the 700 containers that wake Python's garbage collector, small enough for the
#: processor's cache, and a header spoils only its own block
BLOCK = 512
#: below this, every whole number has an exact float
EXACT = 2**53
_UNIX_DAY = date(1970, 1, 1).toordinal()

#: (0-based row, 0-based column) -> (text, kind): what a fast reader lost and a look at the file's details found
Patches = dict[tuple[int, int], tuple[str, int]]


def number_text(value: float) -> str:
    """`7.0` -> `7`, `3.2` -> `3.2`: the shortest text that is exactly this number."""
    return str(int(value)) if value == value and abs(value) < EXACT and value == int(value) else repr(value)


def duration_text(value: timedelta) -> str:
    """36 h 30 min -> `36:30:00`, as a `[h]:mm:ss` cell shows it."""
    seconds = round(value.total_seconds())
    sign, seconds = ("-", -seconds) if seconds < 0 else ("", seconds)
    return f"{sign}{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"


def _numbers(values: pl.Series) -> pl.Series:
    """Float64 -> String, as `number_text` does for one value."""
    column = pl.col("v")
    whole = (column == column.floor()) & (column.abs() < EXACT)
    text = values.to_frame("v").select(
        pl.when(whole)
        .then(pl.when(whole).then(column).cast(pl.Int64).cast(pl.String))
        .otherwise(column.cast(pl.String))
    )["v"]
    odd = text.str.contains(r"[^0-9.\-]").fill_null(False) | (~whole_mask(values) & (values.abs() < 1e-3))
    if not odd.any():
        return text
    # exponents are written differently by Polars (1e20) and Python (1e+20): one house style, Python's
    where = odd.arg_true()
    return text.scatter(where, [number_text(value) for value in values.gather(where)])


def whole_mask(values: pl.Series) -> pl.Series:
    """True where a float is a whole number, or null."""
    return (values == values.floor()).fill_null(True)


def _stamps(values: pl.Series) -> pl.Series:
    """Datetime -> `2024-03-05T09:30:00`; milliseconds only where there are any; midnight is the bare date."""
    # a serial number holds a time to about a microsecond: the millisecond is the last one to believe
    stamp = pl.col("v").dt.round("1ms")
    midnight = stamp.dt.time() == time(0)
    return values.to_frame("v").select(
        pl.when(midnight)
        .then(stamp.dt.strftime("%Y-%m-%d"))
        .when(stamp.dt.millisecond() == 0)
        .then(stamp.dt.strftime("%Y-%m-%dT%H:%M:%S"))
        .otherwise(stamp.dt.strftime("%Y-%m-%dT%H:%M:%S%.3f"))
    )["v"]


def _times(values: pl.Series) -> pl.Series:
    """Time -> `08:30:00`, rounded to the second (`23:59:59.9999` stays on its day)."""
    nanoseconds = pl.col("v").cast(pl.Int64)
    rounded = ((nanoseconds + 500_000_000) // 1_000_000_000).clip(0, 86_399) * 1_000_000_000
    return values.to_frame("v").select(rounded.cast(pl.Time).cast(pl.String).str.slice(0, 8))["v"]


def _durations(values: pl.Series) -> pl.Series:
    return pl.Series([None if value is None else duration_text(value) for value in values], dtype=pl.String)


#: Python type a reader gives -> how its column becomes a Series, how that becomes text, and the kind
_TYPES: dict[type, tuple[pl.DataType | type[pl.DataType], Callable[[pl.Series], pl.Series], int]] = {
    str: (pl.String, lambda values: values.set(values == "", None), TEXT),
    float: (pl.Float64, _numbers, NUMBER),
    int: (pl.Int64, lambda values: values.cast(pl.String), NUMBER),
    date: (pl.Date, lambda values: values.cast(pl.String), DATE),
    datetime: (pl.Datetime("us"), _stamps, DATE),
    bool: (pl.Boolean, lambda values: values.cast(pl.String).str.to_uppercase(), BOOL),
    time: (pl.Time, _times, TIME),
    timedelta: (pl.Duration("us"), _durations, TIME),
}


def _texts(kind: type, values: pl.Series) -> tuple[pl.Series, pl.Series]:
    """A Series made of one Python type -> (text, kinds); null and '' are blank."""
    text = _TYPES[kind][1](values)
    return text, text.is_not_null().cast(pl.UInt8) * _TYPES[kind][2]


def _mixed(values: Sequence[Any]) -> tuple[pl.Series, pl.Series]:
    """Values of several types -> (text, kinds)."""
    text = pl.Series([None] * len(values), dtype=pl.String)
    kinds = pl.repeat(BLANK, len(values), dtype=pl.UInt8, eager=True)
    # names sort, types do not; the order does not matter but must not change between runs
    for kind in sorted(set(map(type, values)) - {type(None)}, key=lambda each: each.__name__):
        part, codes = _texts(kind, pl.Series([v if type(v) is kind else None for v in values], dtype=_TYPES[kind][0]))
        held = part.is_not_null()
        text, kinds = part.zip_with(held, text), codes.zip_with(held, kinds)
    return text, kinds


def _days(values: Sequence[date]) -> pl.Series:
    """Dates -> Date, by their day numbers: half the time of handing over the dates themselves."""
    return (pl.Series([day.toordinal() for day in values], dtype=pl.Int32) - _UNIX_DAY).cast(pl.Date)


class _Column:
    """One column as it comes in, block by block: runs of one type are kept typed and turned to text once."""

    def __init__(self) -> None:
        self._done: list[tuple[pl.Series, pl.Series]] = []
        self._run: list[pl.Series] = []
        self._kind: type = str

    def take(self, values: Sequence[Any]) -> None:
        """The next block's values."""
        types = set(map(type, values))
        kind = types.pop() if len(types) == 1 else None
        if kind is None or kind is type(None):
            self._finish()
            self._done.append(_mixed(values))
            return
        if kind is not self._kind:
            self._finish()
            self._kind = kind
        self._run.append(_days(values) if kind is date else pl.Series(values, dtype=_TYPES[kind][0]))

    def _finish(self) -> None:
        if self._run:
            self._done.append(_texts(self._kind, pl.concat(self._run)))
            self._run = []

    def columns(self) -> tuple[pl.Series, pl.Series]:
        """All of it: (text, kinds)."""
        self._finish()
        return pl.concat([text for text, _ in self._done]), pl.concat([kinds for _, kinds in self._done])


def _blocks(rows: Iterable[Sequence[Any]]) -> Iterator[tuple[Sequence[Any], ...]]:
    """Rows -> blocks of columns."""
    feed = iter(rows)
    while block := list(islice(feed, BLOCK)):
        yield tuple(zip(*block, strict=True))


def frames(
    rows: Iterable[Sequence[Any]], patches: Patches | None = None, first_column: int = 0
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Rows of typed values, the first one being row 1 of the sheet -> (`text`, `kinds`) as RawSheet defines them.

    All rows are of one length and start at the 0-based `first_column`. `patches` wins over what stands in `rows`. Rows and trailing columns that hold
    nothing are left out.
    """
    columns: list[_Column] = []
    height = 0
    for block in _blocks(rows):
        columns = columns or [_Column() for _ in block]
        height += len(block[0]) if block else 0
        for column, values in zip(columns, block, strict=True):
            column.take(values)
    blank = _mixed([None] * height)
    pairs = [blank] * (first_column if columns else 0) + [column.columns() for column in columns]
    text = pl.DataFrame({letter(i): part for i, (part, _) in enumerate(pairs)})
    kinds = pl.DataFrame({letter(i): part for i, (_, part) in enumerate(pairs)})
    if patches:
        text, kinds = _patched(text, kinds, patches)
    return _tight(text, kinds)


def frames_of(cells: Patches) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Cells by their place -> (`text`, `kinds`), without ever laying out the rows between them.

    For sheets whose few cells lie far apart, and for readers that meet one cell at a time.
    """
    numbers = sorted({row for row, _ in cells})
    dense = {row: i for i, row in enumerate(numbers)}
    if not numbers:
        return _empty(), _empty()
    moved = {(dense[row], column): value for (row, column), value in cells.items()}
    text, kinds = _patched(pl.DataFrame(), pl.DataFrame(), moved)
    number = pl.Series("_row", [row + 1 for row in numbers], dtype=pl.UInt32)
    return pl.DataFrame([number, *text]), pl.DataFrame([number, *kinds])


def _patched(text: pl.DataFrame, kinds: pl.DataFrame, patches: Patches) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The frames with the patches in place, grown where a patch lies outside."""
    height = max(text.height, 1 + max(row for row, _ in patches))
    width = max(text.width, 1 + max(column for _, column in patches))
    by_column: dict[int, list[tuple[int, str, int]]] = {}
    for (row, column), (value, code) in patches.items():
        by_column.setdefault(column, []).append((row, value, code))
    blank = pl.Series([None] * height, dtype=pl.String), pl.repeat(BLANK, height, dtype=pl.UInt8, eager=True)
    old = dict(zip(text.columns, zip(text, kinds, strict=True), strict=True))
    pairs: list[tuple[pl.Series, pl.Series]] = []
    for i in range(width):
        name = letter(i)
        values, codes = old.get(name, blank)
        if missing := height - values.len():
            values, codes = values.extend_constant(None, missing), codes.extend_constant(BLANK, missing)
        if found := by_column.get(i):
            where = [row for row, _, _ in found]
            values = values.clone().scatter(where, pl.Series([value for _, value, _ in found], dtype=pl.String))
            codes = codes.clone().scatter(where, pl.Series([code for _, _, code in found], dtype=pl.UInt8))
        pairs.append((values.alias(name), codes.alias(name)))
    return pl.DataFrame([values for values, _ in pairs]), pl.DataFrame([codes for _, codes in pairs])


def _tight(text: pl.DataFrame, kinds: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Without empty rows and without empty columns at the right; `_row` counted from 1 before that."""
    used = [i for i, column in enumerate(text) if column.null_count() < text.height]
    letters = text.columns[: used[-1] + 1] if used else []
    if not letters:
        return _empty(), _empty()
    number = pl.int_range(1, text.height + 1, dtype=pl.UInt32, eager=True).alias("_row")
    held = text.select(pl.any_horizontal(pl.col(letters).is_not_null()))[letters[0]]
    text = text.select(letters).insert_column(0, number)
    kinds = kinds.select(letters).insert_column(0, number)
    return (text, kinds) if held.all() else (text.filter(held), kinds.filter(held))


def _empty() -> pl.DataFrame:
    return pl.DataFrame(schema={"_row": pl.UInt32})
