"""Reading dates as sites type them: contract section 1, checks DAT-001, DAT-002 and DAT-003."""

from __future__ import annotations

import calendar
import datetime as dt
from collections.abc import Callable

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cdiscx.standards.dates import read_dates

FIFTH = dt.date(2024, 3, 5)


def read_one(text: str | None, **options: object) -> dict[str, object]:
    return read_dates(pl.Series([text], dtype=pl.String), **options).row(0, named=True)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "text",
    [
        "2024-03-05", "2024/3/5", "2024.3.5", "2024 03 05", "05MAR2024", "5-Mar-2024", "05 Mar 2024",
        "Mar 5, 2024", "March 5th, 2024", "05. Mar. 2024", "2024-MAR-05", "2024年3月5日", "2024 年 3 月 5 日",
        "20240305", "2024-03-05T09:30", "2024-03-05T09:30:15.5+08:00", "2024-03-05 00:00:00",
        "2024-03-05 9:30 PM", "20240305T0930", "05MAR2024:09:30:00", "2024年3月5日9:30",
        "2024年3月5日 下午3时30分", "2024-03-05T--:--", "2024-03-05 UN:UN", "  05  mar\u00a02024 ",
        "２０２４／０３／０５", "２０２４年３月５日", "2024–03–05", "45356", "45356.75",
    ],
)  # fmt: skip
def test_every_way_to_write_the_fifth_of_march_is_read(text: str) -> None:
    expected = {"iso": "2024-03-05", "date": FIFTH, "problem": None, "alt1": None, "alt2": None}
    assert read_one(text) == expected


@pytest.mark.parametrize(
    ("text", "iso"),
    [
        ("2024-03", "2024-03"), ("2024/3", "2024-03"), ("03/2024", "2024-03"), ("MAR2024", "2024-03"),
        ("Mar-2024", "2024-03"), ("2024年3月", "2024-03"), ("UN-MAR-2024", "2024-03"),
        ("UNMAR2024", "2024-03"), ("00MAR2024", "2024-03"),
        ("UNK-MAR-2024", "2024-03"), ("UNJUN2024", "2024-06"), ("--MAR2024", "2024-03"),
        ("-- / MAR / 2024", "2024-03"), ("2024-03-UN", "2024-03"), ("2024-03-00", "2024-03"),
        ("2024-03---", "2024-03"), ("2024年3月不详日", "2024-03"),
        ("2024", "2024"), ("2024年", "2024"), ("UN-UNK-2024", "2024"), ("UNUNK2024", "2024"),
        ("unkunk2024", "2024"),
        ("UN/UN/2024", "2024"), ("--/--/2024", "2024"), ("2024-UN-UN", "2024"), ("2024-UNK", "2024"),
        ("2024-00-00", "2024"), ("XX XXX 2024", "2024"),
        ("2024---05", "2024---05"), ("2024-UN-05", "2024---05"), ("05-UNK-2024", "2024---05"),
        ("05UNK2024", "2024---05"), ("UN/25/2024", "2024---25"),
    ],
)  # fmt: skip
def test_a_partial_date_keeps_what_is_known_and_has_no_day(text: str, iso: str) -> None:
    assert read_one(text) == {"iso": iso, "date": None, "problem": None, "alt1": None, "alt2": None}


@pytest.mark.parametrize("text", [None, "", "   ", "\u00a0", "-", ".", "/", "UNK", "UN-UNK-UNKN", "--/--/----"])
def test_a_value_that_says_nothing_is_blank_and_no_problem(text: str | None) -> None:
    assert set(read_one(text).values()) == {None}


@pytest.mark.parametrize(
    "text",
    [
        "2024-02-30", "2023-02-29", "31/04/2024", "2024-13-01", "2024-13", "13/13/2024", "32MAR2024",
        "UN-MAR-UNK", "05MAR", "2024---32", "0000-00-00", "0", "19999", "80001", "202403", "12112012",
        "24-03-05", "25/03/24", "05-Mar-24", "Mar-24", "2024-3-", "2024-03--5", "2024-03 09:30",
        "2024-03-05 25:10", "yesterday", "05MARX2024", "2024-03-05 or 06", "UN/03/2024", "05/UN/2024",
    ],
)  # fmt: skip
def test_an_unusable_value_is_unreadable_not_guessed_dat_001(text: str) -> None:
    expected = {"iso": None, "date": None, "problem": "unreadable", "alt1": None, "alt2": None}
    assert read_one(text) == expected


def test_a_month_behind_a_dot_needs_two_digits_because_a_spreadsheet_turns_2024_10_into_2024_1() -> None:
    assert read_one("2024.10")["iso"] == "2024-10"
    assert read_one("2024.1")["problem"] == "unreadable"


@pytest.mark.parametrize("order", [None, "YMD"])
@pytest.mark.parametrize("text", ["03/04/2024", "3.4.2024", "03-04-2024", "3 4 2024", "03/04/24", "3/4/2024 09:30"])
def test_day_and_month_that_could_change_places_are_ambiguous_dat_002(text: str, order: str | None) -> None:
    expected = {
        "iso": None, "date": None, "problem": "ambiguous",
        "alt1": dt.date(2024, 4, 3), "alt2": dt.date(2024, 3, 4),
    }  # fmt: skip
    assert read_one(text, order=order) == expected


@pytest.mark.parametrize("order", [None, "YMD"])
@pytest.mark.parametrize(
    ("text", "date"),
    [
        ("25/03/2024", dt.date(2024, 3, 25)),
        ("03/25/2024", dt.date(2024, 3, 25)),
        ("4.4.2024", dt.date(2024, 4, 4)),
    ],
)
def test_one_number_over_12_or_both_equal_is_unambiguous_dat_002(text: str, date: dt.date, order: str | None) -> None:
    read = read_one(text, order=order)
    assert (read["date"], read["problem"]) == (date, None)


@pytest.mark.parametrize(
    ("text", "order", "iso", "problem"),
    [
        ("03/04/2024", "DMY", "2024-04-03", None),
        ("03/04/2024", "MDY", "2024-03-04", None),
        ("03/04/24", "DMY", "2024-04-03", None),
        ("03/04/47", "MDY", "1947-03-04", None),
        ("05-Mar-24", "DMY", "2024-03-05", None),
        ("Mar 5, 24", "MDY", "2024-03-05", None),
        ("UN/03/2024", "DMY", "2024-03", None),
        ("05/UN/2024", "MDY", "2024-05", None),
        ("25/03/2024", "MDY", None, "contradicts_order"),
        ("03/25/2024", "DMY", None, "contradicts_order"),
        ("03/25/24", "DMY", None, "contradicts_order"),
        ("30/02/2024", "DMY", None, "unreadable"),
        ("02/30/2024", "DMY", None, "unreadable"),
        ("2024-03-05", "DMY", "2024-03-05", None),
        ("5-Mar-2024", "MDY", "2024-03-05", None),
    ],
)
def test_a_stated_order_decides_and_a_value_against_it_is_an_error_dat_002(
    text: str, order: str, iso: str | None, problem: str | None
) -> None:
    read = read_one(text, order=order)
    assert (read["iso"], read["problem"]) == (iso, problem)


def test_an_order_nobody_knows_is_refused() -> None:
    with pytest.raises(ValueError, match="DMY, MDY, YMD"):
        read_one("2024-03-05", order="DYM")


def test_a_serial_number_is_a_day_of_the_1900_system_unless_told_otherwise_dat_001() -> None:
    assert read_one("45231")["date"] == dt.date(2023, 11, 1)
    assert [read_one(text)["problem"] for text in ("20000", "80000", "19999", "80001")] == [
        None, None, "unreadable", "unreadable",
    ]  # fmt: skip
    assert read_one("45231", serials=False)["problem"] == "unreadable"
    assert read_one("20240305")["date"] == FIFTH


def test_a_column_keeps_its_length_and_order_whatever_repeats() -> None:
    column = pl.Series(["2024", None, "2023-01-02", "2024", "", None, "x"])
    read = read_dates(column)
    assert read["iso"].to_list() == ["2024", None, "2023-01-02", "2024", None, None, None]
    assert read["problem"].to_list() == [None] * 6 + ["unreadable"]
    assert read.schema == {
        "iso": pl.String, "date": pl.Date, "problem": pl.String, "alt1": pl.Date, "alt2": pl.Date,
    }  # fmt: skip


@pytest.mark.parametrize("empty", [pl.Series([], dtype=pl.String), pl.Series([None, None])])
def test_an_empty_or_wholly_blank_column_is_no_special_case(empty: pl.Series) -> None:
    read = read_dates(empty)
    assert read.height == empty.len()
    assert read["iso"].null_count() == empty.len()


# --- properties ---------------------------------------------------------------------------------------------

DAYS = st.dates(dt.date(1900, 1, 1), dt.date(2099, 12, 31))
WIDE = str.maketrans("0123456789/", "０１２３４５６７８９／")
STYLES: dict[str, Callable[[dt.date], str]] = {
    "iso": lambda d: d.isoformat(),
    "slashes": lambda d: f"{d.year}/{d.month}/{d.day}",
    "dots": lambda d: f"{d.year}.{d.month}.{d.day}",
    "sas": lambda d: f"{d.day:02}{calendar.month_abbr[d.month].upper()}{d.year}",
    "dashes": lambda d: f"{d.day}-{calendar.month_abbr[d.month]}-{d.year}",
    "spaces": lambda d: f" {d.day:02}  {calendar.month_abbr[d.month]}\u00a0{d.year} ",
    "american": lambda d: f"{calendar.month_abbr[d.month]} {d.day}, {d.year}",
    "long": lambda d: f"{d.day} {calendar.month_name[d.month].lower()} {d.year}",
    "chinese": lambda d: f"{d.year}年{d.month}月{d.day}日",
    "compact": lambda d: f"{d.year}{d.month:02}{d.day:02}",
    "wide": lambda d: f"{d.year}/{d.month:02}/{d.day:02}".translate(WIDE),
    "with time": lambda d: f"{d.isoformat()}T23:59:59",
    "as a spreadsheet": lambda d: f"{d.isoformat()} 00:00:00",
}
MONTH_STYLES: dict[str, Callable[[dt.date], str]] = {
    "iso": lambda d: f"{d.year}-{d.month:02}",
    "slash": lambda d: f"{d.year}/{d.month}",
    "name": lambda d: f"{calendar.month_abbr[d.month]}{d.year}",
    "unknown day": lambda d: f"UN-{calendar.month_abbr[d.month]}-{d.year}",
    "unknown day, tight": lambda d: f"UN{calendar.month_abbr[d.month].upper()}{d.year}",
    "unknown day, iso": lambda d: f"{d.year}-{d.month:02}-UN",
    "chinese": lambda d: f"{d.year}年{d.month}月",
}


@settings(deadline=None, max_examples=60)
@given(st.lists(DAYS, min_size=1, max_size=20), st.sampled_from([None, "DMY", "MDY", "YMD"]))
def test_a_day_written_in_any_style_is_read_back_whatever_the_order(days: list[dt.date], order: str) -> None:
    written = [(write(day), day.isoformat()) for write in STYLES.values() for day in days]
    written += [(write(day), day.isoformat()[:7]) for write in MONTH_STYLES.values() for day in days]
    read = read_dates(pl.Series([text for text, _ in written]), order=order)
    assert list(zip([text for text, _ in written], read["iso"], strict=True)) == written
    assert read["date"].to_list() == days * len(STYLES) + [None] * len(days) * len(MONTH_STYLES)


@settings(deadline=None)
@given(st.lists(DAYS, min_size=1, max_size=20), st.sampled_from("/.-"))
def test_a_numeric_date_is_read_by_its_order_and_without_one_never_guessed(days: list[dt.date], sep: str) -> None:
    day_first = pl.Series([f"{d.day:02}{sep}{d.month:02}{sep}{d.year}" for d in days])
    month_first = pl.Series([f"{d.month}{sep}{d.day}{sep}{d.year}" for d in days])
    assert read_dates(day_first, order="DMY")["date"].to_list() == days
    assert read_dates(month_first, order="MDY")["date"].to_list() == days
    for day, by_day, by_month in zip(
        days, read_dates(day_first).rows(named=True), read_dates(month_first).rows(named=True), strict=True
    ):
        if day.day <= 12 and day.day != day.month:
            swapped = day.replace(month=day.day, day=day.month)
            assert (by_day["problem"], by_day["alt1"], by_day["alt2"]) == ("ambiguous", day, swapped)
            assert (by_month["problem"], by_month["alt1"], by_month["alt2"]) == ("ambiguous", swapped, day)
            assert by_day["iso"] is by_month["iso"] is None
        else:
            assert by_day["date"] == by_month["date"] == day


JUNK = st.text(max_size=20) | st.text("0123456789-/., :TUNKMARJ?年月日0240", max_size=14)


@settings(deadline=None, max_examples=200)
@given(st.lists(st.none() | JUNK, max_size=30), st.sampled_from([None, "DMY", "MDY", "YMD"]), st.booleans())
def test_junk_never_raises_and_what_is_read_is_iso_that_reads_as_itself(
    texts: list[str | None], order: str | None, serials: bool
) -> None:
    read = read_dates(pl.Series(texts, dtype=pl.String), order=order, serials=serials)
    assert read.height == len(texts)
    for row in read.rows(named=True):
        assert row["problem"] in {None, "unreadable", "ambiguous", "contradicts_order"}
        assert row["iso"] is None or row["problem"] is None
        assert (row["date"].isoformat() if row["date"] else None) == (
            row["iso"] if row["iso"] and len(row["iso"]) == 10 else None
        )
        assert [row["alt1"] is not None, row["alt2"] is not None] == [row["problem"] == "ambiguous"] * 2
    again = read_dates(read["iso"])
    assert again["iso"].to_list() == read["iso"].to_list()


@settings(deadline=None)
@given(st.lists(JUNK.filter(lambda text: text.strip() != ""), min_size=1, max_size=20))
def test_letters_that_name_nothing_are_never_silently_blank(texts: list[str]) -> None:
    read = read_dates(pl.Series([f"q{text}" for text in texts]))
    assert read["problem"].to_list() == ["unreadable"] * len(texts)
