"""Partial dates compared and imputed, days counted: adam-derivations 1, 3 and 11; DAT-001, DAT-006."""

from __future__ import annotations

import calendar
import datetime as dt

import polars as pl
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from cdiscx.standards import dates
from cdiscx.standards.dates import Imputed

Day = dt.date


def value_of(expression: pl.Expr) -> object:
    return pl.select(expression).item()


def text(iso: str | None) -> pl.Expr:
    return pl.lit(iso, dtype=pl.String)


def day(iso: str | None) -> pl.Expr:
    return pl.lit(dt.date.fromisoformat(iso) if iso else None, dtype=pl.Date)


def imputed(result: Imputed) -> tuple[str | None, str | None]:
    date, flag = pl.select(date=result.date, flag=result.flag).row(0)
    return (date.isoformat() if date else None), flag


# --- bounds and precision -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("iso", "first", "last", "known"),
    [
        ("2024-03-05", Day(2024, 3, 5), Day(2024, 3, 5), "D"),
        ("2024-03-05T09:30", Day(2024, 3, 5), Day(2024, 3, 5), "D"),
        ("2024-02", Day(2024, 2, 1), Day(2024, 2, 29), "M"),
        ("2024", Day(2024, 1, 1), Day(2024, 12, 31), "Y"),
        ("2024---31", Day(2024, 1, 31), Day(2024, 12, 31), "Y"),
        (None, None, None, None),
        ("", None, None, None),
        ("05MAR2024", None, None, None),
        ("2024-3-5", None, None, None),
    ],
)
def test_a_partial_date_lies_between_its_first_and_its_last_day(
    iso: str | None, first: Day | None, last: Day | None, known: str | None
) -> None:
    assert value_of(dates.earliest(text(iso))) == first
    assert value_of(dates.latest(text(iso))) == last
    assert value_of(dates.precision(text(iso))) == known


def test_a_day_that_no_calendar_has_gives_null_bounds() -> None:
    column = pl.DataFrame({"iso": ["2023-02-29", "2024-13", "2024---32"]})
    bounds = column.select(dates.earliest(pl.col("iso")).alias("a"), dates.latest(pl.col("iso")).alias("b"))
    assert bounds.null_count().row(0) == (3, 3)


def test_strict_reading_takes_complete_iso_dates_only() -> None:
    column = pl.DataFrame(
        {
            "iso": [
                "2024-03-05",
                "2024-03-05T09:30",
                "2024-03",
                "2024",
                "2024-3-5",
                "2024-02-30",
                "20240305",
                None,
            ]
        }
    )
    read = column.select(dates.read_iso(pl.col("iso")))["iso"].to_list()
    assert read == [Day(2024, 3, 5), Day(2024, 3, 5)] + [None] * 6


def test_date_columns_are_welcome_where_iso_text_is() -> None:
    frame = pl.DataFrame({"a": [Day(2024, 3, 5)], "b": ["2024-04"]})
    assert frame.select(dates.before(pl.col("a"), pl.col("b"))).item() is True
    assert frame.select(dates.latest(pl.col("a"))).item() == Day(2024, 3, 5)


# --- comparing (DAT-006) ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("a", "b", "is_before", "is_after"),
    [
        ("2023-05", "2023-05-20", False, False),  # the trap of DAT-006
        ("2023-05-20", "2023-05", False, False),
        ("2023", "2023-05-20", False, False),
        ("2023-04", "2023-05-20", True, False),
        ("2024", "2023-05-20", False, True),
        ("2023-05-19", "2023-05-20", True, False),
        ("2023-05-20", "2023-05-20", False, False),
        ("2023-05-20T10:00", "2023-05-20T09:00", False, False),
        ("2023---19", "2023---20", False, False),
        ("2022---19", "2023-01-01", True, False),
        (None, "2023-05-20", None, None),
        ("2023-05-20", None, None, None),
        ("junk", "2023-05-20", None, None),
    ],
)
def test_a_partial_date_compares_only_at_shared_precision(
    a: str | None, b: str | None, is_before: bool | None, is_after: bool | None
) -> None:
    assert value_of(dates.before(text(a), text(b))) is is_before
    assert value_of(dates.after(text(a), text(b))) is is_after


# --- imputing (adam-derivations section 3) ------------------------------------------------------------------


def test_ad_ex_02_a_diagnosis_without_day_is_the_15th_and_survival_runs_from_it() -> None:
    diagnosis = dates.impute_diagnosis(text("2022-03"), consent=day("2022-06-01"))
    assert imputed(diagnosis) == ("2022-03-15", "D")
    days = dates.duration_days(diagnosis.date, day("2024-01-31"))
    assert value_of(days) == 688
    assert round(float(str(value_of(dates.months(days)))), 4) == 22.6037


@pytest.mark.parametrize(("last_alive", "death"), [("2023-05-12", "2023-05-13"), ("2023-04-20", "2023-05-01")])
def test_ad_ex_19_a_death_without_day_follows_the_last_sign_of_life(last_alive: str, death: str) -> None:
    assert imputed(dates.impute_death(text("2023-05"), last_alive=day(last_alive))) == (death, "D")


def test_ad_ex_20_an_event_in_the_month_of_first_treatment_starts_with_it() -> None:
    start = dates.impute_ae_start(text("2023-02"), treatment_start=day("2023-02-06"))
    assert imputed(start) == ("2023-02-06", "D")


@pytest.mark.parametrize(
    ("iso", "consent", "expected"),
    [
        ("2022-03", "2022-03-10", ("2022-03-10", "D")),
        ("2022", "2022-11-01", ("2022-07-01", "M")),
        ("2022", "2022-02-10", ("2022-02-10", "M")),
        ("2022-03", "2022-02-10", ("2022-03-01", "D")),
        ("2022---20", "2022-11-01", ("2022-07-01", "M")),
        ("2022-03-20", "2022-02-10", ("2022-03-20", None)),
        ("2022-03", None, ("2022-03-15", "D")),
        (None, "2022-02-10", (None, None)),
    ],
)
def test_a_diagnosis_is_imputed_to_mid_month_or_mid_year_but_not_after_consent(
    iso: str | None, consent: str | None, expected: tuple[str | None, str | None]
) -> None:
    assert imputed(dates.impute_diagnosis(text(iso), consent=day(consent))) == expected


@pytest.mark.parametrize(
    ("iso", "last_alive", "cutoff", "expected"),
    [
        ("2023-05", "2023-05-31", None, ("2023-05-31", "D")),
        ("2023-05", "2023-06-10", None, ("2023-05-31", "D")),
        ("2023-05", "2023-05-20", "2023-05-20", ("2023-05-20", "D")),
        ("2023-05", "2023-04-20", "2023-04-25", ("2023-05-01", "D")),  # known to be after the cut-off
        ("2023", "2022-11-20", None, ("2023-01-01", "M")),
        ("2023", "2023-08-20", None, ("2023-08-21", "M")),
        ("2023", "2023-12-31", None, ("2023-12-31", "M")),
        ("2023-05", None, None, ("2023-05-01", "D")),
        ("2023-05-02", "2023-05-12", None, ("2023-05-02", None)),
        (None, "2023-05-12", None, (None, None)),
    ],
)
def test_a_death_is_imputed_after_the_last_sign_of_life_within_the_collected_period(
    iso: str | None, last_alive: str | None, cutoff: str | None, expected: tuple[str | None, str | None]
) -> None:
    death = dates.impute_death(text(iso), last_alive=day(last_alive), cutoff=day(cutoff) if cutoff else None)
    assert imputed(death) == expected


@pytest.mark.parametrize(
    ("iso", "treatment_start", "ae_end", "expected"),
    [
        ("2023-03", "2023-02-06", None, ("2023-03-01", "D")),
        ("2023-01", "2023-02-06", None, ("2023-01-01", "D")),
        ("2023", "2023-02-06", None, ("2023-02-06", "M")),
        ("2024", "2023-02-06", None, ("2024-01-01", "M")),
        ("2022", "2023-02-06", None, ("2022-01-01", "M")),
        ("2023---20", "2023-02-06", None, ("2023-02-06", "M")),
        ("2023-02", "2023-02-06", "2023-02-03", ("2023-02-03", "D")),
        ("2023-02", "2023-02-06", "2023-02", ("2023-02-06", "D")),
        ("2023", "2023-02-06", "2023-01", ("2023-01-31", "M")),
        ("2023-02", None, None, ("2023-02-01", "D")),
        (None, "2023-02-06", "2023-02-10", (None, None)),
    ],
)
def test_an_event_starts_with_treatment_in_the_same_period_but_not_after_its_end(
    iso: str | None, treatment_start: str | None, ae_end: str | None, expected: tuple[str | None, str | None]
) -> None:
    start = dates.impute_ae_start(text(iso), treatment_start=day(treatment_start), ae_end=text(ae_end))
    assert imputed(start) == expected


@pytest.mark.parametrize(
    ("iso", "death", "cutoff", "expected"),
    [
        ("2024-02", None, None, ("2024-02-29", "D")),
        ("2024", None, None, ("2024-12-31", "M")),
        ("2024-02", "2024-02-20", "2024-02-25", ("2024-02-20", "D")),
        ("2024", "2024-09-20", "2024-06-25", ("2024-06-25", "M")),
        ("2024-02-28", "2024-02-20", None, ("2024-02-28", None)),
        (None, "2024-02-20", None, (None, None)),
    ],
)
def test_an_event_ends_with_its_month_or_year_death_or_cutoff(
    iso: str | None, death: str | None, cutoff: str | None, expected: tuple[str | None, str | None]
) -> None:
    assert imputed(dates.impute_ae_end(text(iso), death=day(death), cutoff=day(cutoff))) == expected


def test_an_event_end_needs_no_limits() -> None:
    assert imputed(dates.impute_ae_end(text("2023-02"))) == ("2023-02-28", "D")


@pytest.mark.parametrize(
    ("iso", "treatment_start", "expected"),
    [
        ("2023-04", "2023-02-06", ("2023-04-01", "D")),
        ("2023-02", "2023-02-06", ("2023-02-06", "D")),
        ("2023", "2023-02-06", (None, None)),
        ("2023---04", "2023-02-06", (None, None)),
        ("2023-01-04", "2023-02-06", ("2023-01-04", None)),
    ],
)
def test_a_new_therapy_without_month_is_not_imputed(
    iso: str, treatment_start: str, expected: tuple[str | None, str | None]
) -> None:
    assert imputed(dates.impute_new_therapy_start(text(iso), treatment_start=day(treatment_start))) == expected


def test_history_is_imputed_to_the_middle() -> None:
    read = [imputed(dates.impute_history(text(iso))) for iso in ("2019-02", "2019", "2019-02-03", None)]
    assert read == [("2019-02-15", "D"), ("2019-07-01", "M"), ("2019-02-03", None), (None, None)]


# --- counting days ------------------------------------------------------------------------------------------


def test_ad_ex_28_study_day_has_no_day_0() -> None:
    column = pl.DataFrame({"d": [Day(2023, 2, 6), Day(2023, 2, 5), Day(2023, 1, 30), Day(2023, 3, 20), None]})
    days = column.select(dates.study_day(pl.col("d"), day("2023-02-06")))["d"].to_list()
    assert days == [1, -1, -7, 43, None]


def test_a_duration_counts_both_ends_ad_ex_01() -> None:
    assert value_of(dates.duration_days(day("2022-01-10"), day("2023-05-20"))) == 496
    assert value_of(dates.duration_days(day("2022-01-10"), day("2022-01-10"))) == 1


def test_the_zeros_of_spreadsheets_are_artefacts_dat_001() -> None:
    zeros = [Day(1899, 12, 30), Day(1899, 12, 31), Day(1900, 1, 1), Day(1904, 1, 1)]
    real = [Day(1899, 12, 29), Day(1900, 1, 2), Day(1903, 12, 31), Day(1904, 1, 2), Day(2024, 3, 5)]
    column = pl.DataFrame({"d": [*zeros, *real, None]})
    found = column.select(dates.is_epoch_artefact(pl.col("d")))["d"].to_list()
    assert found == [True] * 4 + [False] * 5 + [None]


# --- properties ---------------------------------------------------------------------------------------------

DAYS = st.dates(Day(1950, 1, 1), Day(2059, 12, 31))


@st.composite
def iso_dates(draw: st.DrawFn) -> str:
    iso = draw(DAYS).isoformat()
    return draw(st.sampled_from([iso, iso[:7], iso[:4], f"{iso[:4]}---{iso[8:]}"]))


def days_meant(iso: str) -> list[str]:
    """Every calendar day that an ISO text may mean, counted without the code under test."""
    year = int(iso[:4])
    days = [
        f"{year}-{month:02}-{number:02}"
        for month in range(1, 13)
        for number in range(1, calendar.monthrange(year, month)[1] + 1)
    ]
    return [d for d in days if (d[8:] == iso[7:] if len(iso) == 9 else d.startswith(iso))]


@settings(deadline=None)
@given(iso_dates())
def test_bounds_are_the_first_and_last_of_the_days_meant(iso: str) -> None:
    meant = days_meant(iso)
    assert str(value_of(dates.earliest(text(iso)))) == meant[0]
    assert str(value_of(dates.latest(text(iso)))) == meant[-1]


@settings(deadline=None)
@given(st.lists(st.tuples(iso_dates(), iso_dates()), min_size=1, max_size=30))
def test_before_is_antisymmetric_and_true_only_when_all_days_meant_are_before(
    pairs: list[tuple[str, str]],
) -> None:
    frame = pl.DataFrame(pairs, schema=["a", "b"], orient="row")
    a, b = pl.col("a"), pl.col("b")
    compared = frame.select("a", "b", before=dates.before(a, b), after=dates.after(a, b), reverse=dates.before(b, a))
    for row in compared.rows(named=True):
        assert not (row["before"] and row["after"])
        assert row["after"] == row["reverse"]
        shared = min(4 if len(iso) == 9 else len(iso) for iso in (row["a"], row["b"]))
        assert row["before"] == (row["a"][:shared] < row["b"][:shared])
        if row["before"]:
            assert days_meant(row["a"])[-1] < days_meant(row["b"])[0]


@settings(deadline=None)
@given(iso_dates(), st.none() | DAYS, st.none() | DAYS, st.sampled_from(["first", "middle", "last"]))
def test_an_imputed_day_never_leaves_what_was_collected(
    iso: str, floor: Day | None, cap: Day | None, position: dates.Position
) -> None:
    limits = {"floor": pl.lit(floor, dtype=pl.Date), "cap": pl.lit(cap, dtype=pl.Date)}
    date, flag = imputed(dates.impute(text(iso), day=position, month=position, **limits))
    assert date is not None
    period = days_meant(iso[:4] if len(iso) == 9 else iso)
    assert date in period
    assert flag == {10: None, 7: "D", 9: "M", 4: "M"}[len(iso)]
    if len(iso) != 10 and cap is not None and cap.isoformat() >= period[0]:
        assert date <= cap.isoformat()
    if len(iso) != 10 and cap is None and floor is not None and floor.isoformat() <= period[-1]:
        assert date >= floor.isoformat()


@settings(deadline=None)
@given(DAYS, DAYS)
def test_study_day_is_never_0_and_one_more_each_day(date: Day, reference: Day) -> None:
    number = value_of(dates.study_day(pl.lit(date), pl.lit(reference)))
    assert isinstance(number, int)
    assert number != 0
    assert (number > 0) == (date >= reference)
    assert number - (number > 0) == (date - reference).days
    assume(date >= reference)
    assert number == value_of(dates.duration_days(pl.lit(reference), pl.lit(date)))
