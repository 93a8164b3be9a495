"""Exact intervals and descriptions: worked examples, R's figures, scipy, and the defining equations."""

from __future__ import annotations

import json
import statistics
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom, binomtest

from cdiscx.analysis.proportion import clopper_pearson
from cdiscx.analysis.proportions import rate
from cdiscx.analysis.summary import counted, describe

ORACLE = Path(__file__).parents[3] / "shared/reference/oracles/km/clopper_pearson.json"


@pytest.mark.parametrize(
    ("n", "total", "text"),
    [
        (12, 40, "12/40 = 30.0 % (95 % CI 16.6 to 46.5)"),
        (7, 25, "7/25 = 28.0 % (95 % CI 12.1 to 49.4)"),
        (0, 20, "0/20 = 0.0 % (95 % CI 0.0 to 16.8)"),
        (20, 20, "20/20 = 100.0 % (95 % CI 83.2 to 100.0)"),
    ],
)
def test_ad_ex_15_exact_intervals(n: int, total: int, text: str):
    assert rate(n, total)["text"] == text


def test_ad_ex_16_both_denominators_of_the_resection_rate():
    assert rate(25, 28)["text"] == "25/28 = 89.3 % (95 % CI 71.8 to 97.7)"
    assert rate(25, 35)["text"] == "25/35 = 71.4 % (95 % CI 53.7 to 85.4)"


def test_nobody_gives_no_interval():
    assert clopper_pearson(0, 0) is None
    assert rate(0, 0)["text"] == "Nothing to estimate: no subject in this population."


@pytest.mark.parametrize(("n", "total"), [(3, 2), (-1, 5)])
def test_more_successes_than_subjects_are_refused(n: int, total: int):
    with pytest.raises(ValueError, match="is no proportion"):
        clopper_pearson(n, total)


@given(st.integers(1, 400).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_the_interval_equals_scipy_and_solves_its_equations(case: tuple[int, int]):
    n, total = case
    low, high = clopper_pearson(n, total)
    theirs = binomtest(n, total).proportion_ci(0.95, "exact")
    assert (low, high) == pytest.approx((theirs.low, theirs.high), abs=1e-10)
    assert low == 0 if n == 0 else binom.sf(n - 1, total, low) == pytest.approx(0.025, rel=1e-6)
    assert high == 1 if n == total else binom.cdf(n, total, high) == pytest.approx(0.025, rel=1e-6)


@pytest.mark.skipif(not ORACLE.exists(), reason="the figures of R are not here")
@pytest.mark.parametrize("level", [80, 90, 95, 99])
def test_the_interval_is_that_of_r(level: int):
    for row in json.loads(ORACLE.read_text()):
        wanted = (row[f"lower{level}"], row[f"upper{level}"])
        assert clopper_pearson(row["k"], row["n"], level / 100) == pytest.approx(wanted, abs=1e-8)


@given(st.lists(st.integers(-50, 50), min_size=2, max_size=60))
def test_a_description_equals_the_statistics_module(values: list[int]):
    told = describe(pl.Series(values, dtype=pl.Float64))
    assert told["mean"] == pytest.approx(statistics.mean(values))
    assert told["sd"] == pytest.approx(statistics.stdev(values))
    assert told["median"] == statistics.median(values)
    assert (told["min"], told["max"], told["n"]) == (min(values), max(values), len(values))


def test_quartiles_follow_definition_5_of_sas():
    assert [describe(pl.Series(range(1, n + 1)))["q1"] for n in (4, 5, 8)] == [1.5, 2, 2.5]
    assert [describe(pl.Series(range(1, n + 1)))["q3"] for n in (4, 5, 8)] == [3.5, 4, 6.5]


def test_missing_values_are_counted_and_not_described():
    told = describe(pl.Series([None, 3.0, None]))
    assert (told["n"], told["missing"], told["mean"], told["sd"]) == (1, 2, 3.0, None)
    assert describe(pl.Series([], dtype=pl.Float64))["median"] is None


def test_categories_stand_in_the_order_asked_for_and_blanks_last():
    told = counted(pl.Series(["PD", None, "CR", "PD", "odd"]), ("CR", "PR", "PD"))
    assert [(row["category"], row["n"]) for row in told] == [("CR", 1), ("PD", 2), ("odd", 1), ("MISSING", 1)]
