"""Kaplan-Meier: the worked examples, a second plain implementation, scipy, and figures of R's survival package."""

from __future__ import annotations

import csv
import gzip
import json
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from plain_survival import band, median, steps
from scipy.stats import CensoredData, ecdf

from cdiscx.analysis import survival
from cdiscx.analysis.survival import at, at_risk, normal_quantile, product_limit, quantile

ORACLE = Path(__file__).parents[3] / "shared/reference/oracles/km"
EX_12 = (
    [90, 150, 184, 200, 240, 300, 330, 365, 400, 420, 500, 520],
    [True, False, True, True, False, True, False, True, False, True, False, False],
)


def test_the_normal_quantile_is_not_rounded_to_1_96():
    assert normal_quantile(0.95) == pytest.approx(1.959963984540054, abs=1e-15)


def test_ad_ex_12_curve_median_and_one_year_rate():
    curve = product_limit(*EX_12)
    hit = curve.events > 0
    table = zip(
        *(c[hit].tolist() for c in (curve.time, curve.at_risk, curve.events, curve.survival, curve.lower, curve.upper)),
        strict=True,
    )
    told = [(t, n, d, round(s, 4), round(low, 4), round(high, 4)) for t, n, d, s, low, high in table]
    assert told == [
        (90, 12, 1, 0.9167, 0.5390, 0.9878),
        (184, 10, 1, 0.8250, 0.4609, 0.9533),
        (200, 9, 1, 0.7333, 0.3790, 0.9056),
        (300, 7, 1, 0.6286, 0.2822, 0.8433),
        (365, 5, 1, 0.5029, 0.1751, 0.7624),
        (420, 3, 1, 0.3352, 0.0614, 0.6517),
    ]
    found = quantile(curve)
    assert (found.value, found.lower, found.upper) == (420, 184, None)
    assert round(420 / 30.4375, 2) == 13.80
    year = at(curve, 365)
    assert (year.at_risk, year.reached) == (5, True)


def test_ad_ex_12_literal_reading_takes_every_last_follow_up_as_an_event():
    curve = product_limit(EX_12[0], [True] * 12)
    found = quantile(curve)
    assert (found.value, found.lower, found.upper) == (315, 150, 420)
    year = at(curve, 365)
    assert (round(year.survival, 4), round(year.lower, 4), round(year.upper, 4)) == (0.3333, 0.1027, 0.5884)


def test_ad_ex_13_events_precede_censorings_at_tied_times():
    curve = product_limit([5, 6, 8, 8, 12, 14, 20, 21, 25, 30], [1, 0, 1, 1, 1, 0, 1, 1, 0, 1])
    rate, found = at(curve, 12), quantile(curve)
    assert rate.survival == pytest.approx(0.5625)
    assert (round(rate.lower, 4), round(rate.upper, 4)) == (0.2094, 0.8092)
    assert (found.value, found.lower, found.upper) == (20, 5, None)


def test_ad_ex_14_a_curve_at_exactly_one_half_has_its_median_in_the_middle_of_the_stretch():
    curve = product_limit([10, 20, 30, 40], [True] * 4)
    assert at(curve, 20).survival == 0.5
    assert (quantile(curve).value, quantile(curve).lower) == (25, 10)


def test_ad_ex_26_delayed_entry_counts_only_subjects_who_have_entered():
    exits, events, entries = [300, 200, 400, 150], [True, True, False, True], [100, 50, 250, 10]
    late, plain = product_limit(exits, events, entries), product_limit(exits, events)
    assert [round(at(late, t).survival, 4) for t in (150, 200, 300)] == [0.6667, 0.3333, 0.1667]
    assert [at(plain, t).survival for t in (150, 200, 300)] == [0.75, 0.5, 0.25]
    assert at_risk(late, [10, 11, 51, 150, 151, 251, 400, 401]) == [0, 1, 2, 3, 2, 2, 1, 0]


def test_a_landmark_after_the_last_follow_up_is_marked_as_not_reached():
    rate = at(product_limit([100, 200], [True, False]), 365)
    assert (rate.survival, rate.at_risk, rate.reached) == (0.5, 0, False)
    assert at(product_limit([100], [True]), 365).reached  # the curve has come to 0: more follow-up changes nothing


def test_nobody_gives_no_curve_and_no_median():
    curve = product_limit([], [])
    assert (curve.n, quantile(curve).value, at(curve, 10).reached) == (0, None, False)


@pytest.mark.parametrize("entry", [[5.0, 0.0], [6.0, 0.0]])
def test_who_leaves_before_entering_is_refused(entry: list[float]):
    with pytest.raises(ValueError, match="later than its entry"):
        product_limit([5.0, 9.0], [True, True], entry)


SUBJECT = st.tuples(st.integers(1, 30), st.booleans())
LATE = st.tuples(st.integers(1, 30), st.booleans(), st.integers(-1, 30)).filter(lambda s: s[2] < s[0])


@given(st.lists(LATE, min_size=1, max_size=40))
def test_the_curve_equals_a_plain_implementation_with_delayed_entry(subjects: list[tuple[int, bool, int]]):
    times, events, entries = (list(c) for c in zip(*subjects, strict=True))
    curve = product_limit(times, events, entries)
    hit = curve.events > 0
    plain = steps(subjects)
    assert curve.time[hit].tolist() == [t for t, *_ in plain]
    assert curve.at_risk[hit].tolist() == [n for _, n, *_ in plain]
    assert curve.survival[hit] == pytest.approx([float(s) for *_, s, _ in plain], abs=1e-12)
    for low, high, (*_, s, total) in zip(curve.lower[hit], curve.upper[hit], plain, strict=True):
        assert [None if np.isnan(v) else v for v in (low, high)] == pytest.approx(list(band(s, total)), abs=1e-9)


@given(st.lists(SUBJECT, min_size=1, max_size=40))
def test_the_median_equals_a_plain_implementation_in_fractions(subjects: list[tuple[int, bool]]):
    told = [(t, e, -1) for t, e in subjects]
    assert quantile(product_limit([t for t, _ in subjects], [e for _, e in subjects])).value == median(told)


@given(st.lists(SUBJECT, min_size=1, max_size=40))
def test_the_curve_equals_scipy(subjects: list[tuple[int, bool]]):
    events, censored = ([float(t) for t, e in subjects if e is flag] for flag in (True, False))
    if not events:
        return
    theirs = ecdf(CensoredData(uncensored=events, right=censored)).sf
    ours = product_limit([t for t, _ in subjects], [e for _, e in subjects])
    times = np.unique(events + censored)
    assert [at(ours, t).survival for t in times] == pytest.approx(theirs.evaluate(times).tolist(), abs=1e-12)


@given(st.lists(SUBJECT, min_size=1, max_size=30), st.randoms(use_true_random=False))
def test_the_order_of_the_subjects_changes_nothing(subjects: list[tuple[int, bool]], shuffle):
    mixed = list(subjects)
    shuffle.shuffle(mixed)
    one, two = (product_limit([t for t, _ in s], [e for _, e in s]) for s in (subjects, mixed))
    assert one.survival.tolist() == two.survival.tolist()


def _sets() -> list[tuple[str, str]]:
    if not ORACLE.exists():
        return []
    with gzip.open(ORACLE / "km_results.json.gz") as f:
        told = json.load(f)
    found = [(name, "overall") for name in told if name != "_meta"]
    return found + [(name, group) for name in told for group in told[name].get("by_group", {})]


@pytest.mark.skipif(not ORACLE.exists(), reason="the figures of R are not here")
@pytest.mark.parametrize(("name", "group"), _sets())
@pytest.mark.parametrize("scale", ["log-log", "log", "plain"])
def test_curve_quantiles_and_landmark_are_those_of_r(name: str, group: str, scale: survival.Scale):
    with gzip.open(ORACLE / "km_results.json.gz") as f:
        told = json.load(f)[name]
    theirs = told["overall"] if group == "overall" else told["by_group"][group]
    with (ORACLE / f"{name}.csv").open() as f:
        rows = [r for r in csv.DictReader(f) if group in ("overall", r["grp"], f"grp={r['grp']}")]
    curve = product_limit([float(r["time"]) for r in rows], [r["event"] == "1" for r in rows], scale=scale)
    assert (curve.n, int(curve.events.sum())) == (theirs["n"], theirs["events"])
    if scale == "log-log" and "curve" in theirs:
        same_curve(curve, theirs["curve"])
    for key, p in (("q25", 0.25), ("median", 0.5), ("q75", 0.75)):
        found, asked = quantile(curve, p), theirs[scale]
        wanted = [asked[key], asked[f"{key}_lower"], asked[f"{key}_upper"]]
        assert [found.value, found.lower, found.upper] == [
            None if w is None else pytest.approx(w, abs=1e-8) for w in wanted
        ]
    landmark = theirs[scale]["landmark"]
    rate = at(curve, landmark["time"])
    assert rate.survival == pytest.approx(landmark["surv"], abs=1e-8)
    assert rate.at_risk == landmark["n_risk"]
    assert rate.reached == (landmark["extend_false_available"] or rate.survival == 0)
    for ours, key in ((rate.lower, "lower"), (rate.upper, "upper")):
        defined = landmark.get(key) is not None and 0 < rate.survival < 1
        assert ours == (pytest.approx(landmark[key], abs=1e-8) if defined else None)


def same_curve(curve: survival.Curve, theirs: list[dict[str, float]]) -> None:
    """Every step of R's curve, to 1e-8."""
    assert curve.time.tolist() == [r["time"] for r in theirs]
    for ours, key in ((curve.at_risk, "n_risk"), (curve.events, "n_event"), (curve.censored, "n_censor")):
        assert ours.tolist() == [r[key] for r in theirs]
    for ours, key in ((curve.survival, "surv"), (curve.lower, "loglog_lower"), (curve.upper, "loglog_upper")):
        wanted = [math.nan if r.get(key) is None else r[key] for r in theirs]
        assert ours.tolist() == pytest.approx(wanted, abs=1e-8, nan_ok=True)
