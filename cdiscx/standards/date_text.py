"""Dates as sites type them, in; ISO 8601 text, calendar days and what is wrong with the rest, out."""

from __future__ import annotations

from functools import cache
from typing import Final

import polars as pl

ORDERS: Final = ("DMY", "MDY", "YMD")

# Excel's own rule for two-digit years, used only where the study states the order: 00-29 is 2000-2029.
_PIVOT: Final = 30
# 20000 is 1954-10-03 and 80000 is 2119-01-11: outside, a five-digit number is more likely something else.
_SERIALS: Final = (20_000, 80_000)
_SERIAL_DAY_ZERO: Final = pl.date(1899, 12, 30)

_MONTHS: Final = (
    "JANUARY", "FEBRUARY", "MARCH", "APRIL", "MAY", "JUNE",
    "JULY", "AUGUST", "SEPTEMBER", "OCTOBER", "NOVEMBER", "DECEMBER",
)  # fmt: skip
# Canonical text: a month name is `@03`, an unknown part `?`, and `#` is UNK, the three letters that stand
# where a month name would stand (CDASH writes UN for a day, UNK for a month). Longer words come first.
_WORDS: Final[dict[str, str]] = (
    {name: f"@{number:02}" for number, name in enumerate(_MONTHS, 1)}
    | {"SEPT": "@09"}
    | {name[:3]: f"@{number:02}" for number, name in enumerate(_MONTHS, 1)}
    | {"UNKNOWN": "?", "UNKN": "?", "UNK": "#", "UN": "?", "NK": "?", "XXXX": "?", "XXX": "?", "XX": "?"}
    | {"不详": "?", "未知": "?", "不明": "?", "????": "?", "???": "?", "??": "?"}
    | {"____": "?", "___": "?", "__": "?", "‐": "-", "‑": "-", "–": "-", "—": "-", "−": "-"}
    | {"日": "日 ", "号": "日 "}
)

_HOUR: Final = r"(?:[01]?[0-9]|2[0-4])"
_BLANK: Final = r"[-?#]{1,3}"
_CLOCK: Final = (
    rf"([0-9?#日])(?:[T :]| ?(?:上午|下午) ?){_HOUR}"
    r"(?:(?::[0-5][0-9]){1,2}(?:[.,][0-9]+)?(?: ?[AP]\.?M\.?)?(?: ?Z| ?[+-][01][0-9]:?[0-5][0-9])?"
    r"|[时点](?:[0-5]?[0-9]分?)?(?:[0-5]?[0-9]秒?)?)$"
)
_ISO_CLOCK: Final = r"([0-9])T(?:[01][0-9]|2[0-4])(?:[0-5][0-9]){0,2}$"
_MINUTES_BLANK: Final = rf"{_HOUR}(?::[0-5][0-9])?(?::{_BLANK}){{1,2}}"
_HOUR_BLANK: Final = rf"{_BLANK}(?::(?:[0-5][0-9]|{_BLANK})){{1,2}}"
_UNKNOWN_CLOCK: Final = rf"([0-9?#日])[T :](?:{_MINUTES_BLANK}|{_HOUR_BLANK})$"

_Y: Final = r"(?<y>[1-9][0-9]{3})"
_N: Final = r"[0-9]{1,2}"
_SEP: Final = r"[-/., ]{0,2}"
_NTH: Final = r"(?:ST|ND|RD|TH)?"
_STYLES: Final = (
    rf"^{_Y}[-/. ](?<m>{_N}|[?#]|-{{1,3}})[-/. ](?<d>{_N}|[?#]|-{{1,3}})$",  # 2024-03-05, 2024---05
    rf"^{_Y}(?:[-/.](?<m>[0-9]{{2}}|[?#]|-{{1,3}}))?$",  # 2024, 2024-03, 2024-UNK
    rf"^{_Y}[-/](?<m>[0-9])$",  # 2024/3; never 2024.1, which a spreadsheet makes of a typed 2024.10
    r"^(?<y>(?:19|20)[0-9]{2})(?<m>[0-9]{2})(?<d>[0-9]{2})$",  # 20240305
    rf"^{_Y} ?年(?: ?(?<m>{_N}|[?#]) ?月(?: ?(?<d>{_N}|[?#]) ?日?)?)?$",  # 2024年3月5日
    rf"^{_Y}{_SEP}@(?<m>[0-9]{{2}})(?:{_SEP}(?<d>{_N}|[?#]))?$",  # 2024-Mar-05
    rf"^(?:(?<d>{_N}|[?#]){_NTH}{_SEP})?@(?<m>[0-9]{{2}}){_SEP}{_Y}$",  # 05MAR2024, UNMAR2024, Mar-2024
    rf"^@(?<m>[0-9]{{2}}){_SEP}(?<d>{_N}|[?#]){_NTH}[-/., ]{{1,2}}{_Y}$",  # Mar 5, 2024
    rf"^(?<m>{_N})[-/]{_Y}$",  # 03/2024
    rf"^(?<m>0[1-9]|1[0-2])\.{_Y}$",  # 03.2024; never 3.2024, which may be a number
    rf"^(?:[?#][-/., ]?){{1,2}}{_Y}$",  # UN-UNK-2024
    rf"^(?<d>{_N})(?:[-/., ]?#[-/., ]?|-{{2,}}){_Y}$",  # 05-UNK-2024
)
# A two-digit year behind a named month (Excel's own `5-Mar-24`): read only where days come before years.
_SHORT_STYLES: Final = (
    rf"^(?<d>{_N}|[?#]){_NTH}{_SEP}@(?<m>[0-9]{{2}}){_SEP}(?<y>[0-9]{{2}})$",
    rf"^@(?<m>[0-9]{{2}}){_SEP}(?<d>{_N}|[?#]){_NTH}[-/., ]{{1,2}}(?<y>[0-9]{{2}})$",
)
_NUMERIC: Final = rf"^(?<a>{_N}|[?#])[-/. ](?<b>{_N}|\?)[-/. ](?<year>[1-9][0-9]{{3}}|[0-9]{{2}})$"


def read_dates(
    text: pl.Series, *, order: str | None = None, serials: bool = True, distinct: bool = False
) -> pl.DataFrame:
    """Read dates as typed by sites; one row for each value, in the same order.

    Columns of the answer:

    - ``iso`` (String): ISO 8601 cut at what is known: ``2024``, ``2024-03``, ``2024-03-05``, or ``2024---05``
      when the day is known and the month is not; null where blank or not readable.
    - ``date`` (Date): the calendar day of a complete value, else null. A time of day is cut off.
    - ``problem`` (String): null, ``unreadable`` (DAT-001), ``ambiguous`` or ``contradicts_order`` (DAT-002).
    - ``alt1``, ``alt2`` (Date): an ambiguous value read day first and month first; both filled exactly
      where ``problem`` is ``ambiguous``.

    ``order`` is the day/month order that the study states for a column: ``DMY``, ``MDY`` or ``YMD``. It
    governs only values that do not speak for themselves: a named month or a leading four-digit year is read
    in any case.

    - ``DMY``, ``MDY``: ``03/04/2024`` is read so, as are two-digit years (00-29 is 20xx, 30-99 is 19xx); a
      value that makes a day only the other way round is ``contradicts_order``.
    - ``YMD`` (the default of DAT-002) says nothing about texts that end with the year; they are treated as
      with None: one number over 12, or both equal, is read; both up to 12 is ``ambiguous``, never guessed;
      a two-digit year is never read.

    A value all of whose parts are unknown (``UN-UNK-UNKN``, ``-``) is blank, not a problem; a day or month
    known without a year is unreadable. Day or month ``00`` means unknown. With ``serials``, five-digit
    numbers from 20000 to 80000 are days of Excel's 1900 system. Years are not judged here: that is the
    business of DAT-001's limits. ``distinct`` says that hardly any text stands twice: each is then read by itself.

    Raises ValueError for an order that is none of the three.
    """
    if order is not None and order not in ORDERS:
        raise ValueError(f"order must be one of {', '.join(ORDERS)} or None, not {order!r}")
    typed = pl.DataFrame({"text": text.cast(pl.String)})
    if distinct:
        return _read_distinct(typed.lazy(), order, serials).collect(engine="in-memory").drop("text")
    # Columns of millions of rows hold some thousands of different texts: each is read once.
    meanings = _read_distinct(typed.lazy().unique(), order, serials).collect(engine="in-memory")
    return typed.join(meanings, on="text", how="left", maintain_order="left").drop("text")


def _read_distinct(texts: pl.LazyFrame, order: str | None, serials: bool) -> pl.LazyFrame:
    *steps, answer = _steps(order, serials)
    for step in steps:
        texts = texts.with_columns(step)
    return texts.select(answer)


@cache
def _steps(order: str | None, serials: bool) -> tuple[list[pl.Expr], ...]:
    """The expressions of `_read_distinct`, one list a step, the last one the answer; made once, they never change."""
    c = pl.col
    styles = _STYLES + (_SHORT_STYLES if order in ("DMY", "MDY") else ())
    # Only numbers, the year last: the one form that the order decides.
    bare = c("iso").is_null() & c("y").is_null()
    numeric, ambiguous, contradicts = _numeric_verdict(order)
    read = pl.coalesce("iso", pl.when(bare).then(numeric))
    if serials:
        read = pl.coalesce(read, _serial(c("t")))
    blank = c("t").is_null() | c("t").str.contains(r"^[-?#/., ]*$")
    problem = (
        pl.when(blank | c("iso").is_not_null()).then(None)
        .when(bare & ambiguous).then(pl.lit("ambiguous"))
        .when(bare & contradicts).then(pl.lit("contradicts_order"))
        .otherwise(pl.lit("unreadable"))
    )  # fmt: skip
    return (
        [_canonical(c("text")).alias("t0")],
        [c("t0").str.replace(_CLOCK, "$1").str.replace(_ISO_CLOCK, "$1").alias("t")],
        [_settled(c("t")).alias("t"), (c("t") != c("t0")).alias("clock")],
        _parts(c("t"), styles),
        [c("t").str.extract_groups(_NUMERIC).struct.field(n) for n in ("a", "b", "year")],
        [_year("y"), _year("year"), *map(_known, "mdab"), (c("year").str.len_bytes() == 2).alias("short")],
        [_reading("y", "m", "d").alias("iso"), _reading("year", "b", "a").alias("dmy"), _reading("year", "a", "b").alias("mdy")],
        [read.alias("iso")],
        # A time of day behind half a date is no date that a site meant to write.
        [pl.when(~c("clock") | (c("iso").str.len_bytes() == 10)).then("iso").alias("iso")],
        [problem.alias("problem")],
        [
            c("text"), c("iso"), _day(c("iso")).alias("date"), c("problem"),
            *(pl.when(c("problem") == "ambiguous").then(_day(c(reading))).alias(alt)
              for reading, alt in (("dmy", "alt1"), ("mdy", "alt2"))),
        ],
    )  # fmt: skip


def _canonical(text: pl.Expr) -> pl.Expr:
    """Full-width and non-breaking characters made plain, month names and unknown parts made tokens."""
    plain = text.str.normalize("NFKC").str.to_uppercase().str.replace_many(_WORDS, leftmost=True)
    return plain.str.replace_all(r"\s+", " ").str.strip_chars(" ")


def _settled(text: pl.Expr) -> pl.Expr:
    """The date part alone: an unknown time cut off, separators without spaces, `--` as an unknown part."""
    return (
        text.str.replace(_UNKNOWN_CLOCK, "$1")
        .str.replace_all(r" ?([-/.,]) ?", "$1")
        .str.replace_all(r"(^|[/.])-{2,}", "$1?")
        .str.strip_chars(" ")
    )


def _parts(text: pl.Expr, styles: tuple[str, ...]) -> list[pl.Expr]:
    """Columns y, m, d as written, from the one style that fits; null where it has no such part."""
    fits = [(style, text.str.extract_groups(style)) for style in styles]
    return [
        pl.coalesce(fit.struct.field(part) for style, fit in fits if f"<{part}>" in style).alias(part)
        for part in ("y", "m", "d")
    ]


def _year(name: str) -> pl.Expr:
    number = pl.col(name).cast(pl.Int32, strict=False)
    century = pl.when(number < _PIVOT).then(2000).when(number < 100).then(1900).otherwise(0)
    return (number + century).alias(name)


def _known(name: str) -> pl.Expr:
    """The number of a day or month; null where it is unknown, also when written 00."""
    number = pl.col(name).cast(pl.Int8, strict=False)
    return pl.when(number > 0).then(number).alias(name)


def _reading(year: str, month: str, day: str) -> pl.Expr:
    """ISO text of three numbers of which month and day may be unknown; null where no calendar has it."""
    y, m, d = (pl.col(name) for name in (year, month, day))
    yyyy, mm, dd = (part.cast(pl.String).str.zfill(width) for part, width in ((y, 4), (m, 2), (d, 2)))
    return (
        pl.when(m.is_null() & d.is_null()).then(yyyy)
        .when(d.is_null()).then(pl.when(m <= 12).then(yyyy + "-" + mm))
        .when(m.is_null()).then(pl.when(d <= 31).then(yyyy + "---" + dd))
        .otherwise(_day(yyyy + "-" + mm + "-" + dd).cast(pl.String))
    )  # fmt: skip


def _day(iso: pl.Expr) -> pl.Expr:
    return pl.when(iso.str.len_bytes() == 10).then(iso).str.to_date("%Y-%m-%d", strict=False)


def _numeric_verdict(order: str | None) -> tuple[pl.Expr, pl.Expr, pl.Expr]:
    """What `03/04/2024` is under the stated order: its ISO text, whether ambiguous, whether contradicting."""
    c = pl.col
    never = pl.lit(False)
    if order in ("DMY", "MDY"):
        stated, other = (c("dmy"), c("mdy")) if order == "DMY" else (c("mdy"), c("dmy"))
        return stated, never, stated.is_null() & other.is_not_null()
    both = c("dmy").is_not_null() & c("mdy").is_not_null()
    differ = both & (c("dmy") != c("mdy"))
    # Two different partial readings (UN/03/2024) are unreadable: no two days could be named.
    ambiguous = differ & c("a").is_not_null() & c("b").is_not_null()
    return pl.when(~differ & ~c("short")).then(pl.coalesce("dmy", "mdy")), ambiguous, never


def _serial(text: pl.Expr) -> pl.Expr:
    number = text.str.extract(r"^([0-9]{5})(?:\.[0-9]+)?$").cast(pl.Int32, strict=False)
    day = _SERIAL_DAY_ZERO + pl.duration(days=number)
    return pl.when(number.is_between(*_SERIALS)).then(day.cast(pl.Date).cast(pl.String))
