"""Random histories: the tables in Polars and the plain reading in `plain_response` must agree on every time point."""

import datetime as dt
import random
from fractions import Fraction

import plain_response as plain
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from plain_response import Lesion, Reading
from response_frames import POINTS, History, frames

from cdiscx.standards.best_response import best_response
from cdiscx.standards.exact import NM_PER_MM
from cdiscx.standards.overall import overall_response
from cdiscx.standards.pvtt import composite, pvtt_response
from cdiscx.standards.recist import MRECIST, RECIST11, Criterion, criterion, nontarget_response, target_response

CRITERIA = (RECIST11, MRECIST, criterion("MRECIST", pd_abs_mm=5))

# Sizes that meet limits often: node limits, 5 mm steps, 20 % and 30 % of each other.
SIZES = [0, 0, 0, 4, 4.9, 5, 7, 8, 9, 9.9, 10, 10.5, 12, 14, 15, 18, 19.9, 20, 24, 24.2, 25, 28, 30, 36, 40, 48, 50]


@st.composite
def a_history(draw: st.DrawFn) -> History:
    size = st.one_of(st.sampled_from(SIZES), st.none(), st.decimals(0, 60, places=2).map(float))
    names = [f"T{i}" for i in range(1, draw(st.integers(0, 4)) + 1)]
    lesions = [Lesion(n, nodal := draw(st.booleans()), nodal and draw(st.booleans())) for n in names]
    times = draw(st.lists(st.integers(1, 6), max_size=6, unique=True).map(sorted))
    readings = [Reading(0, n, draw(size)) for n in names]
    split = {n: draw(st.sampled_from([None, None, 2, 3])) for n in names}
    for tp in times:
        for name in names:
            at = split[name]
            if at is not None and tp >= at:
                for part in range(1, draw(st.integers(1, 3)) + 1):
                    readings.append(Reading(tp, f"{name}.{part}", draw(size), name))
                if draw(st.booleans()):
                    readings.append(Reading(tp, name, draw(size)))
            elif draw(st.integers(0, 9)) > 0:
                readings.append(Reading(tp, name, draw(size)))
    return lesions, readings, [0, *times]


def random_history(rng: random.Random) -> History:
    """A smoother course than `a_history` draws: every lesion wanders, so that nadirs and progressions are common."""
    names = [f"T{i}" for i in range(1, rng.randint(1, 5) + 1)]
    lesions = [Lesion(n, nodal := rng.random() < 0.3, nodal and rng.random() < 0.4) for n in names]
    length = rng.randint(2, 9)
    readings = []
    for name in names:
        size = rng.choice([12.0, 15.0, 20.0, 25.0, 40.0, 50.0])
        split_at = rng.randint(1, 8) if rng.random() < 0.1 else None
        for tp in range(length):
            factor = rng.choice([0, 0.5, 0.7, 0.8, 1, 1, 1.2, 1.2, 1.25, 1.5])
            size = round((size or rng.choice([0, 0, 0, 3.0, 5.0, 6.0])) * (factor if tp else 1), rng.choice([0, 1, 2]))
            value = None if tp and rng.random() < 0.05 else size
            if split_at is not None and tp >= split_at:
                readings += [Reading(tp, f"{name}.1", value, name), Reading(tp, f"{name}.2", 5.0, name)]
            elif value is not None or rng.random() < 0.5:
                readings.append(Reading(tp, name, value))
    return lesions, readings, list(range(length))


def as_mm(value: Fraction | None) -> float | None:
    return None if value is None else int(value * NM_PER_MM) / NM_PER_MM


def assert_targets_agree(histories: list[History], c: Criterion) -> None:
    values, points = frames(histories)
    got = target_response(values, c, points).sort(pl.col("SUBJID").cast(pl.Int64), "TP").collect()
    expected = [
        {"SUBJID": str(subject), **row}
        for subject, (lesions, readings, times) in enumerate(histories)
        for row in plain.target(lesions, readings, times, mrecist=c.is_mrecist, pd_abs=Fraction(str(c.pd_abs_mm)))
    ]
    for row in expected:
        row.update({k: as_mm(row[k]) for k in ("SUM", "PSUM", "NADIR", "BASE")})
    assert got.select(list(expected[0])).to_dicts() == expected


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(st.lists(a_history(), min_size=1, max_size=6), st.sampled_from(CRITERIA))
def test_target_response_and_its_sums_agree_with_the_plain_reading(histories, c):
    assert_targets_agree(histories, c)


@pytest.mark.parametrize("c", CRITERIA, ids=["RECIST 1.1", "mRECIST", "mRECIST with 5 mm"])
def test_target_response_agrees_on_two_hundred_wandering_histories(c):
    rng = random.Random(20240612)
    assert_targets_agree([random_history(rng) for _ in range(200)], c)


@pytest.mark.parametrize("c", CRITERIA, ids=["RECIST 1.1", "mRECIST", "mRECIST with 5 mm"])
def test_target_response_agrees_on_two_thousand_wandering_histories(c):
    rng = random.Random(20240611)
    assert_targets_agree([random_history(rng) for _ in range(2000)], c)


STATES = ["PRESENT", "PRESENT", "ABSENT", "ABSENT", "UNEQUIVOCAL PROGRESSION", "NOT EVALUABLE", None]


@pytest.mark.parametrize("c", [RECIST11, MRECIST])
def test_non_target_response_agrees_on_random_states_with_rows_left_out(c):
    rng = random.Random(7)
    rows, points, expected = [], [], []
    for subject in range(800):
        lesions = [f"NT{i}" for i in range(rng.randint(0, 3))]
        rows += [(str(subject), "I", "P", 0, name, "PRESENT", False, len(rows)) for name in lesions]
        points.append((str(subject), "I", "P", 0))
        for tp in range(1, rng.randint(1, 4) + 1):
            points.append((str(subject), "I", "P", tp))
            states = [rng.choice(STATES) for _ in lesions]
            for name, state in zip(lesions, states, strict=True):
                if state is not None or rng.random() < 0.5:
                    rows.append((str(subject), "I", "P", tp, name, state, False, len(rows)))
            expected.append((str(subject), tp, plain.nontarget(states)))
    schema = {**POINTS, "LESION": pl.String, "STATE": pl.String, "NODAL": pl.Boolean, "RID": pl.UInt32}
    got = nontarget_response(
        pl.LazyFrame(rows, schema=schema, orient="row"), c, pl.LazyFrame(points, schema=POINTS, orient="row")
    )
    later = got.filter(pl.col("TP") > 0).sort(pl.col("SUBJID").cast(pl.Int64), "TP")
    assert later.select("SUBJID", "TP", "NTRGRESP").collect().rows() == expected


@pytest.mark.parametrize("c", [RECIST11, MRECIST])
def test_overall_response_agrees_on_every_combination_of_components(c):
    rows = [
        (t, n, new, has_target, has_non)
        for t in ("CR", "PR", "SD", "PD", "NE", None)
        for n in ("CR", "NON-CR/NON-PD", "PD", "NE", None)
        for new in ("Y", "N", None)
        for has_target in (True, False)
        for has_non in (True, False)
        if (has_target or t is None) and (has_non or n is None)
    ]
    names = ["TRGRESP", "NTRGRESP", "NEWL", "HAS_TARGET", "HAS_NONTARGET"]
    got = overall_response(pl.LazyFrame(rows, schema=names, orient="row"), c).collect()
    assert got["OVRLRESP"].to_list() == [plain.overall(*row) for row in rows]
    assert (got["OVRLRESP"].is_null() == got["OVRLRULE"].is_null()).all()


@st.composite
def a_course(draw: st.DrawFn) -> list[plain.Assessment]:
    gaps = draw(st.lists(st.sampled_from([1, 7, 14, 27, 28, 29, 35, 42, 56]), max_size=8))
    responses = ["CR", "CR", "PR", "PR", "SD", "SD", "NE", "NE", "NON-CR/NON-PD", "NED", "PD"]
    day, course = dt.date(2023, 3, 1), []
    for gap in gaps:
        day += dt.timedelta(days=gap)
        course.append((day, draw(st.sampled_from(responses))))
    return course


START = dt.date(2023, 3, 1)


def assert_best_agree(courses: list[list[plain.Assessment]], sd_min: int, conf: int) -> None:
    rows = [
        (str(i), "I", date, response, START)
        for i, course in enumerate(courses)
        for date, response in (course or [(None, None)])
    ]
    schema = {"SUBJID": pl.String, "EVAL": pl.String, "DATE": pl.Date, "OVRLRESP": pl.String, "REF": pl.Date}
    frame = pl.LazyFrame(random.Random(len(rows)).sample(rows, len(rows)), schema=schema, orient="row")
    got = best_response(frame, sd_min_days=sd_min, conf_days=conf).collect().sort(pl.col("SUBJID").cast(pl.Int64))
    assert got["BOR"].to_list() == [plain.best(course, START, sd_min) for course in courses]
    assert got["CBOR"].to_list() == [plain.confirmed_best(course, START, sd_min, conf) for course in courses]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(a_course(), min_size=1, max_size=20), st.sampled_from([1, 28, 35]), st.sampled_from([21, 28]))
def test_best_and_confirmed_best_response_agree_with_brute_force_over_all_pairs(courses, sd_min, conf):
    assert_best_agree(courses, sd_min, conf)


@pytest.mark.parametrize("sd_min", [28, 35])
def test_best_responses_agree_on_five_thousand_random_courses(sd_min):
    rng = random.Random(11)
    responses = ["CR", "PR", "SD", "NE", "CR", "PR", "SD", "NE", "NON-CR/NON-PD", "PD"]

    def course() -> list[plain.Assessment]:
        days = sorted(rng.sample(range(10, 220, 7), rng.randint(0, 7)))
        return [(START + dt.timedelta(days=day), rng.choice(responses)) for day in days]

    assert_best_agree([course() for _ in range(5000)], sd_min, 28)


def test_pvtt_response_and_composite_agree_with_the_plain_reading_on_every_combination():
    classes = ["NONE", "I0", "I", "II", "III", "IV", None]
    rows = [(b, n, f) for b in classes for n in classes for f in ("Y", "N", None)]
    frame = pl.DataFrame(rows, schema=["b", "n", "f"], orient="row")
    response, rule = pvtt_response(pl.col("b"), pl.col("n"), pl.col("f"))
    got = frame.select(response.alias("r"), rule.alias("id"))
    assert got["r"].to_list() == [plain.pvtt(*row) for row in rows]
    assert got["id"].null_count() == 0
    words = ["CR", "PR", "SD", "PD", "NE"]
    pairs = [(p, v) for p in words for v in words[1:]]
    both = pl.DataFrame(pairs, schema=["p", "v"], orient="row")
    combined, _ = composite(pl.col("p"), pl.col("v"))
    assert both.select(combined.alias("c"))["c"].to_list() == [plain.composite(*pair) for pair in pairs]


def test_the_order_of_the_rows_handed_over_changes_nothing():
    rng = random.Random(3)
    values, points = frames([random_history(rng) for _ in range(300)])
    shuffled = values.collect().sample(fraction=1, shuffle=True, seed=5).lazy()
    assert (
        target_response(shuffled, RECIST11, points)
        .collect()
        .equals(target_response(values, RECIST11, points).collect())
    )


def test_no_rows_in_give_no_rows_out_with_the_same_columns():
    values, points = frames([random_history(random.Random(1))])
    some = target_response(values, RECIST11, points).collect()
    none = target_response(values.filter(False), RECIST11, points.filter(False)).collect()
    assert (none.height, none.schema) == (0, some.schema)
