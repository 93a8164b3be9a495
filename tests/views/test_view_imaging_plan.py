"""The imaging plan as expressions: planned days, intervals in force, gap limits (cdiscx/views/imaging_plan.py)."""

from __future__ import annotations

import datetime as dt

import polars as pl
import pytest
from view_kit import day

from cdiscx.model.spec import Assessments, Point, Study
from cdiscx.views.imaging_plan import anchors_of, days_after, gap_limit, interval_at, origin, planned_day, point


def plan_of(name: str) -> Assessments:
    plan = Study.load(name).assessments
    assert plan is not None
    return plan


A, B = plan_of("palhep-a"), plan_of("neopvtt-b")


def at(expr: pl.Expr, **anchors: int | None) -> object:
    """What an expression says for one subject whose anchors lie so many days after 1 January 2024."""
    frame = pl.DataFrame(
        {n: [None if v is None else day(v)] for n, v in anchors.items()}, schema=dict.fromkeys(anchors, pl.Date)
    )
    return frame.select(expr.alias("_")).item()


def test_days_are_whole_and_a_point_is_its_anchor_and_offset() -> None:
    assert at(days_after(pl.col("D1"), 28), D1=0) == day(28)
    assert at(days_after(pl.col("D1"), -1), D1=0) == day(-1)
    assert at(point(Point(anchor="D1", offset=91)), D1=2) == day(93)
    assert at(point(Point(anchor="D1", offset=91)), D1=None) is None


def test_the_anchors_of_a_plan_are_its_origins_limits_end_and_restart_each_once() -> None:
    assert anchors_of(A) == ("SURG", "D1", "ENROL")
    assert anchors_of(A.model_copy(update={"restart_at": None, "phases": A.phases[1:]})) == ("SURG", "D1")
    assert anchors_of(A.model_copy(update={"last": Point(anchor="FUSTART", offset=0)})) == (
        "SURG",
        "D1",
        "ENROL",
        "FUSTART",
    )
    assert anchors_of(B) == ("SURG", "RTEND", "D1")


def test_a_series_counts_from_the_first_origin_that_is_there_and_after_the_restart_from_its_own() -> None:
    assert at(origin(A, restarted=False), D1=0, SURG=100) == day(91)
    assert at(origin(A, restarted=True), D1=0, SURG=100) == day(130)
    assert at(origin(A, restarted=True), D1=0, SURG=None) is None
    several = B.model_copy(update={"origins": (*B.origins, Point(anchor="D1", offset=40))})
    assert at(origin(several, restarted=False), D1=0, RTEND=11, SURG=None) == day(39)
    assert at(origin(several, restarted=False), D1=0, RTEND=None, SURG=None) == day(40)
    assert at(origin(A.model_copy(update={"origins": A.origins[:1]}), restarted=False), D1=0, SURG=0) is None


@pytest.mark.parametrize(("number", "enrolled", "expected"), [
    (1, 0, 91 + 56), (8, 0, 91 + 448), (9, 0, 91 + 448 + 84), (10, 0, 91 + 448 + 168),
    # the limit is ENROL + 548: a date on it belongs to the next phase, one a day before to the first
    (8, -9, 91 + 392 + 84), (8, -8, 91 + 448), (9, -8, 91 + 448 + 84),
    # a limit before the series began leaves the first phase empty
    (1, -548, 91 + 84), (1, -458, 91 + 84), (1, -457 + 56, 91 + 84), (1, -457 + 57, 91 + 56),
    (9, None, 91 + 504), (40, None, 91 + 2240),
])  # fmt: skip
def test_assessments_are_planned_every_56_days_while_before_the_limit_and_every_84_from_there(
    number: int, enrolled: int | None, expected: int
) -> None:
    planned = planned_day(A, origin(A, restarted=False), pl.lit(number, dtype=pl.Int64))
    assert at(planned, D1=0, SURG=None, ENROL=enrolled) == day(expected)


def test_a_series_without_its_origin_has_no_planned_day() -> None:
    assert at(planned_day(A, origin(A, restarted=True), pl.lit(1)), D1=0, SURG=None, ENROL=0) is None


@pytest.mark.parametrize(("date", "every"), [(0, 49), (83, 49), (84, 56), (91 + 440, 56), (91 + 441, 84), (2000, 84)])
def test_the_interval_in_force_is_the_one_planned_after_the_assessment_from_a_window_before_the_phase(
    date: int, every: int
) -> None:
    said, window = interval_at(A, origin(A, restarted=False), pl.lit(day(date)), restarted=False)
    assert (at(said, D1=0, SURG=None, ENROL=0), at(window, D1=0, SURG=None, ENROL=0)) == (every, 7)


def test_after_the_restart_the_first_interval_holds_from_the_operation_on() -> None:
    early, _ = interval_at(A, origin(A, restarted=True), pl.lit(day(101)), restarted=True)
    assert at(early, D1=0, SURG=100, ENROL=0) == 56
    unknown, _ = interval_at(A, origin(A, restarted=False), pl.lit(day(101)), restarted=False)
    assert at(unknown, D1=None, SURG=100, ENROL=0) == 49


def test_windows_are_those_of_the_phase() -> None:
    phases = (A.phases[0].model_copy(update={"window": 5}), A.phases[1].model_copy(update={"window": 9}))
    own = A.model_copy(update={"phases": phases})
    windows = [
        interval_at(own, origin(own, restarted=False), pl.lit(day(n)), restarted=False)[1] for n in (85, 86, 530, 539)
    ]
    assert [at(w, D1=0, SURG=None, ENROL=0) for w in windows] == [7, 5, 9, 9]


@pytest.mark.parametrize(("last", "surgery", "limit"), [
    (42, None, 112), (84, None, 126), (91 + 441, None, 182), (100, 100, 126), (101, 100, 126), (42, 200, 112), (42, 41, 126),
    (42, 42, 112),
])  # fmt: skip
def test_the_gap_limit_is_twice_interval_and_window_and_after_surgery_that_of_the_restarted_plan(
    last: int, surgery: int | None, limit: int
) -> None:
    assert at(gap_limit(A, pl.lit(day(last)), ["D1", "SURG", "ENROL"]), D1=0, SURG=surgery, ENROL=0) == limit


def test_a_gap_limit_without_a_restart_or_without_its_date_is_that_of_the_first_plan() -> None:
    assert at(gap_limit(A, pl.lit(day(42)), ["D1", "ENROL"]), D1=0, SURG=41, ENROL=0) == 112
    never = A.model_copy(update={"restart_at": None, "origins": A.origins[1:]})
    assert at(gap_limit(never, pl.lit(day(42)), ["D1", "SURG", "ENROL"]), D1=0, SURG=41, ENROL=0) == 112
    assert (
        at(gap_limit(A.model_copy(update={"gap_factor": 3}), pl.lit(day(42)), ["D1"]), D1=0, SURG=None, ENROL=0) == 168
    )


def test_in_b_every_interval_is_84_days() -> None:
    assert [at(gap_limit(B, pl.lit(d), ["D1", "SURG"]), D1=0, RTEND=11, SURG=60) for d in (day(20), day(100))] == [
        196,
        196,
    ]
    assert isinstance(at(planned_day(B, origin(B, restarted=True), pl.lit(1)), D1=0, RTEND=11, SURG=60), dt.date)
