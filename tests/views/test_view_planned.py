"""Planned visits: windows on a subject's own dates, moved anchors, follow-up, assessments, cycles (planned, planned_cycles)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

import pytest
from view_kit import LATE, Rows, changed, day, made, tables_of, told, view_of

from cdiscx.model.spec import Study, Visit
from cdiscx.views.planned import offsets, recorded
from cdiscx.views.planned_cycles import doses_of

A = Study.load("palhep-a")
B = Study.load("neopvtt-b")
WHO: Rows = [{"SUBJID": "S1", "ENRLDAT": day(-3)}]


def visit_of(name: str, study: Study = A) -> Visit:
    return next(v for v in study.schedule if v.name == name)


def with_visit(name: str, study: Study = A, **what: Any) -> Study:
    return changed(study, schedule=tuple(v.model_copy(update=what) if v.name == name else v for v in study.schedule))


def durva(*numbers: int, **more: Any) -> Rows:
    return [
        {"SUBJID": "S1", "EXTRT": "DURVALUMAB", "EXSTDAT": day(n), "EXDOSE": 1500, "EXCHG": None} | more
        for n in numbers
    ]


def seen(name: str, number: int | None, done: str = "Y") -> dict[str, Any]:
    return {"SUBJID": "S1", "VISIT": name, "VISDAT": None if number is None else day(number), "VISDONE": done}


def ended(number: int, drug: str | None = None) -> dict[str, Any]:
    return {"SUBJID": "S1", "DSSCOPE": "TREATMENT", "DSDECOD": "COMPLETED", "DSDAT": day(number), "DSTRT": drug}


def operation(number: int) -> Rows:
    return [{"SUBJID": "S1", "PRTRT": "HEPATECTOMY", "PRSTDAT": day(number), "HODISDAT": None}]


def plan(given: Mapping[str, Rows], study: Study = A, cutoff: dt.date = LATE) -> dict[str, dict[str, Any]]:
    """Visit -> its row, dates as days after 1 January 2024."""
    frame = view_of("planned", study, {"subjects": WHO, **given}, cutoff=cutoff)
    return {
        r["VISIT"]: {n: (v - day(0)).days if isinstance(v, dt.date) else v for n, v in r.items()}
        for r in frame.to_dicts()
    }


def of(row: Mapping[str, Any], *names: str) -> tuple[Any, ...]:
    return tuple(row[n] for n in names)


EDGES = ("TARGET", "LO", "HI")


# --- visits with one window ----------------------------------------------------------------------------------------------


def test_the_edges_of_a_visit_are_its_range_or_its_target_with_a_window_that_may_differ_on_either_side() -> None:
    assert offsets(visit_of("SCREENING")) == (None, -28, -1)
    assert offsets(visit_of("WEEK 3")) == (21, 18, 24)
    assert offsets(visit_of("END OF RADIOTHERAPY", B)) == (0, 0, 3)
    week = visit_of("WEEK 3")
    assert offsets(week.model_copy(update={"before": 1})) == (21, 20, 24)
    assert offsets(week.model_copy(update={"window": None})) == (21, 21, 21)
    assert offsets(week.model_copy(update={"from_": 20})) == (21, 18, 24)
    assert offsets(week.model_copy(update={"target": None})) == (0, -3, 3)


def test_a_visit_is_planned_from_its_anchor_and_has_no_row_without_it() -> None:
    rows = plan({"dosing": durva(10)})
    assert of(rows["WEEK 3"], *EDGES, "ADATE", "DUE", "EXPECTED", "UNTIL", "ANCHOR") == (
        31,
        28,
        34,
        10,
        34,
        True,
        None,
        "D1",
    )
    assert of(rows["SCREENING"], *EDGES) == (None, -18, 9)
    assert rows["WEEK 4"]["ANCHORTXT"] == A.anchors["DURVA1"].label
    assert not {"SURGERY", "POST-OP DAY 30", "END OF TREATMENT"} & set(rows) - {"END OF TREATMENT"}
    assert "WEEK 4" not in plan({"procedures": [{"SUBJID": "S1", "PRTRT": "TACE", "PRSTDAT": day(10)}]})
    assert plan({}) == {}
    assert set(plan({"dosing": durva(10), "procedures": operation(100)})) >= {"SURGERY", "POST-OP DAY 30"}


def test_visits_of_the_treatment_period_are_expected_until_its_end_and_those_after_surgery_whatever_happens() -> None:
    rows = plan({"dosing": durva(10), "procedures": operation(100), "disposition": [ended(60)]})
    assert (rows["WEEK 3"]["UNTIL"], rows["POST-OP DAY 30"]["UNTIL"], rows["END OF TREATMENT"]["UNTIL"]) == (
        60,
        None,
        None,
    )


@pytest.mark.parametrize(("end", "expected"), [(None, False), (47, True), (48, False), (30, True)])
def test_the_visit_after_the_last_dose_is_expected_once_treatment_has_ended_by_the_end_of_its_window(
    end: int | None, expected: bool
) -> None:
    rows = plan({"dosing": durva(10), "disposition": [] if end is None else [ended(end)]})
    assert of(rows["END OF TREATMENT"], *EDGES, "EXPECTED") == (40, 33, 47, expected)


# --- anchors moved by a delayed dose -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("second", "anchor", "middle"), [(28, 0, 56), (31, 0, 56), (32, 32, 60), (42, 42, 70), (43, 0, 56)]
)
def test_a_visit_of_the_third_dose_counts_from_the_second_where_that_came_after_its_window_but_before_half_an_interval(
    second: int, anchor: int, middle: int
) -> None:
    row = plan({"dosing": durva(0, second)})["WEEK 8"]
    assert of(row, "ADATE", *EDGES) == (anchor, middle, middle - 3, middle + 3)
    assert row["ANCHORTXT"] == ("previous durvalumab" if anchor else A.anchors["DURVA1"].label)


def test_only_visits_a_whole_number_of_intervals_after_the_first_dose_move_and_by_the_dose_before_them() -> None:
    rows = plan({"dosing": durva(0, 35)})
    assert (rows["WEEK 8"]["ADATE"], rows["WEEK 6 TUMOR ASSESSMENT"]["ADATE"], rows["WEEK 4"]["ADATE"]) == (35, 0, 0)
    later = plan({"dosing": durva(0, 28, 60)}, with_visit("WEEK 8", target=84))["WEEK 8"]
    assert of(later, "ADATE", "TARGET") == (60, 88)
    exact = with_visit("WEEK 8", window=None, before=3, after=3)
    assert plan({"dosing": durva(0, 28)}, exact)["WEEK 8"]["ADATE"] == 0
    assert plan({"dosing": durva(0, 29)}, exact)["WEEK 8"]["ADATE"] == 29
    few = {n: t for n, t in tables_of(A, {"subjects": WHO, "dosing": durva(0, 35)}).items() if n == "subjects"}
    assert made("planned", A, few).height == 0


def test_a_visit_from_the_first_dose_of_either_drug_or_from_the_last_dose_does_not_move() -> None:
    two = A.anchors["DURVA1"].sources[0].model_copy(update={"where": {"EXTRT": ("DURVALUMAB", "LENVATINIB")}})
    either = changed(A, anchors={**A.anchors, "DURVA1": A.anchors["DURVA1"].model_copy(update={"sources": (two,)})})
    assert plan({"dosing": durva(0, 35)}, either)["WEEK 8"]["ADATE"] == 0
    last = changed(A, anchors={**A.anchors, "DURVA1": A.anchors["DURVA1"].model_copy(update={"take": "last"})})
    assert of(plan({"dosing": durva(0, 35)}, last)["WEEK 8"], "ADATE", "ANCHORTXT") == (35, A.anchors["DURVA1"].label)
    known = changed(
        A, regimens={**A.regimens, "DURVALUMAB": A.regimens["DURVALUMAB"].model_copy(update={"interval": None})}
    )
    assert plan({"dosing": durva(0, 35)}, known)["WEEK 8"]["ADATE"] == 0


# --- numbered series -----------------------------------------------------------------------------------------------------


def test_recorded_visits_of_a_series_are_read_by_their_number_and_a_typing_error_of_a_number_is_none() -> None:
    names = ["TUMOR ASSESSMENT 1", "TUMOR ASSESSMENT 01", "TUMOR ASSESSMENT 400", "TUMOR ASSESSMENT 401", "TUMOR ASSESSMENT 0",
             "TUMOR ASSESSMENT", "OTHER 3"]  # fmt: skip
    tables = tables_of(
        A, {"subjects": WHO, "visits": [*(seen(n, 5) for n in names), seen("TUMOR ASSESSMENT 2", 6, "N")]}
    )
    rows = recorded(visit_of("TUMOR ASSESSMENT"), tables).collect()
    assert sorted(told(rows, "N", "VISDAT"), key=str) == [(1, day(5)), (1, day(5)), (2, None), (400, day(5))]
    assert recorded(visit_of("TUMOR ASSESSMENT"), {}).collect().height == 0


def series(rows: Mapping[str, Mapping[str, Any]], name: str) -> dict[int, Mapping[str, Any]]:
    return {r["N"]: r for r in rows.values() if r["SERIES"] == name}


def test_follow_up_is_planned_as_often_as_windows_have_opened_by_the_cutoff_and_expected_after_treatment() -> None:
    given: dict[str, Rows] = {
        "dosing": durva(0),
        "disposition": [ended(20)],
        "visits": [seen("SURVIVAL FOLLOW-UP 5", 400)],
    }
    opening = series(plan(given, cutoff=day(2 * 84 - 14)), "SURVIVAL FOLLOW-UP")
    assert sorted(opening) == [1, 2, 5]
    assert of(opening[2], *EDGES, "VISITNUM", "EXPECTED") == (168, 154, 182, 101.0, True)
    assert sorted(series(plan(given, cutoff=day(2 * 84 - 15)), "SURVIVAL FOLLOW-UP")) == [1, 5]
    late = series(plan({"dosing": durva(0), "disposition": [ended(98 + 84)]}, cutoff=day(400)), "SURVIVAL FOLLOW-UP")
    assert [late[n]["EXPECTED"] for n in (1, 2)] == [False, True]
    assert not any(r["EXPECTED"] for r in series(plan({"dosing": durva(0)}), "SURVIVAL FOLLOW-UP").values())


def test_follow_up_begins_with_its_first_window_and_is_planned_where_it_has_an_interval() -> None:
    given: dict[str, Rows] = {"dosing": durva(0), "disposition": [ended(20)]}
    assert sorted(series(plan(given, cutoff=day(84 - 15)), "SURVIVAL FOLLOW-UP")) == []
    assert sorted(series(plan(given, cutoff=day(84 - 14)), "SURVIVAL FOLLOW-UP")) == [1]
    assert sorted(series(plan(given, cutoff=day(-50)), "SURVIVAL FOLLOW-UP")) == []
    exact = series(plan(given, with_visit("SURVIVAL FOLLOW-UP", window=None), day(84)), "SURVIVAL FOLLOW-UP")
    assert of(exact[1], *EDGES) == (84, 84, 84)
    assert series(plan(given, with_visit("SURVIVAL FOLLOW-UP", every=None)), "SURVIVAL FOLLOW-UP") == {}


def test_follow_up_from_a_date_that_is_final_is_expected_at_once() -> None:
    final = with_visit("SURVIVAL FOLLOW-UP", anchor="D1")
    assert all(r["EXPECTED"] for r in series(plan({"dosing": durva(0)}, final), "SURVIVAL FOLLOW-UP").values())


def test_assessments_count_from_month_three_and_after_surgery_from_thirty_days_with_numbers_that_go_on() -> None:
    rows = series(plan({"dosing": durva(0)}, cutoff=day(300)), "TUMOR ASSESSMENT")
    assert [rows[n]["TARGET"] for n in (1, 2, 3)] == [147, 203, 259]
    assert of(rows[1], "LO", "HI", "ADATE", "ANCHOR", "EXPECTED") == (140, 154, 0, "D1", True)
    assert rows[1]["ANCHORTXT"] == f"{A.anchors['D1'].label} + 91 days"
    assert sorted(rows) == [1, 2, 3, 4]
    operated: dict[str, Rows] = {
        "dosing": durva(0),
        "procedures": operation(160),
        "visits": [seen("TUMOR ASSESSMENT 1", 147)],
    }
    again = series(plan(operated, cutoff=day(400)), "TUMOR ASSESSMENT")
    assert [of(again[n], "TARGET", "ANCHOR") for n in (1, 2, 3)] == [(147, "D1"), (246, "SURG"), (302, "SURG")]


@pytest.mark.parametrize(("number", "done"), [(147, 1), (160, 0), (159, 1), (119, 1), (118, 0)])
def test_only_an_assessment_near_its_day_and_before_surgery_counts_as_one_of_before_it(number: int, done: int) -> None:
    given: dict[str, Rows] = {
        "dosing": durva(0),
        "procedures": operation(160),
        "visits": [seen("TUMOR ASSESSMENT 1", number)],
    }
    rows = series(plan(given, cutoff=day(500)), "TUMOR ASSESSMENT")
    assert rows[1 + done]["TARGET"] == 160 + 30 + 56


def test_assessments_beyond_the_last_day_of_the_plan_are_not_expected() -> None:
    given: dict[str, Rows] = {
        "dosing": [{**durva(0)[0], "EXTRT": "CAMRELIZUMAB", "EXDOSE": 200}],
        "procedures": [{"SUBJID": "S1", "PRTRT": "IMRT", "PRSTDAT": day(0), "PRENDAT": day(30)}],
    }
    rows = series(plan(given, B, cutoff=day(1000)), "TUMOR ASSESSMENT")
    assert [of(rows[n], "TARGET", "EXPECTED") for n in (8, 9)] == [(58 + 672, True), (58 + 756, False)]


def test_a_study_without_an_imaging_plan_or_one_for_another_visit_plans_no_assessments() -> None:
    assert A.assessments is not None
    given = {"dosing": durva(0)}
    assert series(plan(given, changed(A, assessments=None)), "TUMOR ASSESSMENT") == {}
    other = A.assessments.model_copy(update={"visit": "WEEK 3"})
    assert series(plan(given, changed(A, assessments=other)), "TUMOR ASSESSMENT") == {}


def test_the_numbers_of_visits_of_a_series_follow_that_of_the_first() -> None:
    rows = plan({"dosing": durva(0)}, cutoff=day(300))
    assert [rows[f"TUMOR ASSESSMENT {n}"]["VISITNUM"] for n in (1, 2)] == [50.0, 51.0]
    assert of(rows["WEEK 3"], "VISITNUM", "SERIES", "N", "BLOCK") == (3.0, None, None, "main")


# --- cycles that follow the doses ----------------------------------------------------------------------------------------


def test_days_with_a_dose_are_numbered_and_know_the_one_before() -> None:
    rows = [
        *durva(28, 0),
        *durva(28, EXCHG="DELAYED"),
        *durva(40, EXDOSE=0),
        *durva(56, EXDOSE=None),
        *durva(60, EXTRT="LENVATINIB"),
    ]
    tables = tables_of(A, {"subjects": WHO, "dosing": [*rows, {**durva(70)[0], "SUBJID": None}]})
    rids = tables["dosing"].collect().get_column("_rid").to_list()
    assert told(doses_of(tables["dosing"], "DURVALUMAB").collect(), "EXSTDAT", "DOSE_RID", "I", "PREV", "PREV_RID", "DELAYED") == [
        (day(0), rids[1], 1, None, None, False), (day(28), rids[0], 2, day(0), rids[1], True), (day(56), rids[4], 3, day(28), rids[0], False),
    ]  # fmt: skip
    bare = tables["dosing"].drop("EXDOSE", "EXCHG")
    assert told(doses_of(bare, "DURVALUMAB").collect(), "I", "DELAYED") == [
        (1, False),
        (2, False),
        (3, False),
        (4, False),
    ]


def cycle(number: int, at: int | None, done: str = "Y") -> dict[str, Any]:
    return seen(f"CONTINUATION CYCLE {number}", at, done)


def cycles(doses: Rows, visits: Rows, study: Study = A, **more: Rows) -> dict[int, Mapping[str, Any]]:
    return series(plan({"dosing": doses, "visits": visits, **more}, study), "CONTINUATION CYCLE")


def test_a_cycle_is_measured_from_the_dose_before_its_own() -> None:
    rows = cycles(durva(0, 28, 56), [cycle(1, 28), cycle(2, 57)])
    assert of(rows[1], "ADATE", *EDGES, "DUE", "EXPECTED") == (0, 28, 25, 31, 31, False)
    assert of(rows[2], "ADATE", *EDGES) == (28, 56, 53, 59)
    assert of(rows[1], "ANCHOR", "ANCHORTXT") == ("DURVA1", "previous durvalumab")


@pytest.mark.parametrize(("at", "anchor"), [(42, 0), (43, 28), (28, 0), (14, 0), (15, 0), (13, None)])
def test_the_own_dose_of_a_cycle_is_the_nearest_within_half_an_interval_without_one_the_dose_before_it_counts(
    at: int, anchor: int | None
) -> None:
    # at day 14 both doses are as near; at 13 the first dose is its own, and none is before that
    assert cycles(durva(0, 28), [cycle(1, at)])[1]["ADATE"] == anchor


def test_the_edges_of_a_cycle_may_differ_from_side_to_side() -> None:
    study = with_visit("CONTINUATION CYCLE", before=1, after=5)
    assert of(cycles(durva(0, 28), [cycle(1, 28)], study)[1], *EDGES) == (28, 27, 33)
    bare = with_visit("CONTINUATION CYCLE", window=None)
    assert of(cycles(durva(0, 28), [cycle(1, 28)], bare)[1], *EDGES) == (28, 28, 28)
    by_target = with_visit("CONTINUATION CYCLE", every=None, target=21)
    assert cycles(durva(0, 28), [cycle(1, 28)], by_target)[1]["TARGET"] == 21


def test_the_first_cycle_after_surgery_and_one_of_a_delayed_dose_have_no_window() -> None:
    rows = cycles(durva(0, 28, 100, 128), [cycle(1, 100), cycle(2, 128)], procedures=operation(60))
    assert [of(rows[n], "ADATE", "LO") for n in (1, 2)] == [(28, None), (100, 125)]
    on_the_day = cycles(durva(0, 60, 100), [cycle(1, 60), cycle(2, 100)], procedures=operation(60))
    assert [of(on_the_day[n], "ADATE", "LO") for n in (1, 2)] == [(0, 25), (60, None)]
    the_day_after = cycles(durva(0, 61, 100), [cycle(2, 100)], procedures=operation(60))
    assert of(the_day_after[2], "ADATE", "LO") == (61, 86)
    delayed = cycles([*durva(0), *durva(50, EXCHG="DELAYED")], [cycle(1, 50)])
    assert of(delayed[1], "ADATE", "LO") == (0, None)


def test_a_cycle_typed_a_month_late_keeps_the_dose_that_its_neighbours_give_it() -> None:
    rows = cycles(durva(0, 28, 56, 84, 112), [cycle(1, 28), cycle(2, 84), cycle(3, 84), cycle(4, 112)])
    assert [rows[n]["ADATE"] for n in (1, 2, 3, 4)] == [0, 28, 56, 84]


def test_where_the_neighbours_disagree_or_there_are_none_the_date_decides() -> None:
    # a dose was left out between 28 and 84: the neighbours' places are 1 and 0
    rows = cycles(durva(0, 28, 84, 112), [cycle(1, 28), cycle(2, 83), cycle(3, 84)])
    assert [rows[n]["ADATE"] for n in (1, 2, 3)] == [0, 28, 84]
    alone = cycles(durva(0, 28, 56), [cycle(1, 28), cycle(3, 57)])
    assert [alone[n]["ADATE"] for n in (1, 3)] == [0, 28]


def test_a_cycle_far_from_any_dose_gets_its_place_from_one_neighbour() -> None:
    rows = cycles(durva(0, 28, 56, 84), [cycle(1, 28), cycle(2, 66)])
    assert rows[2]["ADATE"] == 28
    before = cycles(durva(0, 28, 56, 84), [cycle(1, 38), cycle(2, 56)])
    assert before[1]["ADATE"] == 0
    # a series without a window knows a dose of its own by a day either side
    exact = with_visit("CONTINUATION CYCLE", window=None)
    by_day = {n: cycles(durva(0, 28, 56, 84), [cycle(1, 28), cycle(2, n)], exact)[2]["ADATE"] for n in (84, 85, 86)}
    assert by_day == {84: 56, 85: 56, 86: 28}
    # within three days of a dose the date is its own place
    near = cycles(durva(0, 28, 56, 84), [cycle(1, 28), cycle(2, 87)])
    assert near[2]["ADATE"] == 56


def test_numbers_that_the_series_jumps_over_are_missing_and_due_by_the_next_visit() -> None:
    rows = cycles(durva(0, 28, 56, 84), [cycle(1, 28), cycle(3, 84)])
    assert of(rows[2], "DUE", "EXPECTED", "LO") == (84, True, None)
    assert sorted(cycles(durva(0, 28, 56, 84), [cycle(2, 28)])) == [1, 2, 3, 4]
    own_numbers = cycles(durva(0, 28), [cycle(3, 28)])
    assert sorted(own_numbers) == [3]
    not_done = cycles(durva(0, 28, 56), [cycle(1, 28), cycle(2, None, "N"), cycle(3, 56)])
    assert 2 not in not_done


@pytest.mark.parametrize(("dose", "missing"), [(42, []), (43, [2])])
def test_a_dose_more_than_half_an_interval_after_the_last_cycle_on_which_nobody_was_seen_is_a_cycle_left_out(
    dose: int, missing: list[int]
) -> None:
    rows = cycles(durva(0, 28, dose), [cycle(1, 28)])
    assert [n for n, r in rows.items() if r["EXPECTED"]] == missing
    if missing:
        assert of(rows[2], "ADATE", *EDGES, "DUE") == (28, 56, 53, 59, dose)


@pytest.mark.parametrize(("other", "missing"), [(56, []), (59, []), (60, [2]), (53, []), (52, [2])])
def test_whoever_was_seen_within_the_window_of_a_dose_was_seen(other: int, missing: list[int]) -> None:
    rows = cycles(durva(0, 28, 56), [cycle(1, 28), seen("UNSCHEDULED 1", other)])
    assert [n for n, r in rows.items() if r["EXPECTED"]] == missing


@pytest.mark.parametrize(("other", "missing"), [(57, []), (58, [2])])
def test_in_a_series_without_a_window_a_day_either_side_is_seen(other: int, missing: list[int]) -> None:
    exact = with_visit("CONTINUATION CYCLE", window=None)
    rows = cycles(durva(0, 28, 56), [cycle(1, 28), seen("UNSCHEDULED 1", other)], exact)
    assert [n for n, r in rows.items() if r["EXPECTED"]] == missing


def test_doses_belong_to_the_cycles_after_surgery_or_once_a_cycle_was_recorded() -> None:
    assert cycles(durva(0, 28, 56), []) == {}
    after = cycles(durva(0, 60, 100, 128), [], procedures=operation(60))
    assert [of(r, "N", "DUE", "LO") for r in after.values()] == [(1, 100, None), (2, 128, 125)]
    unseen_delayed = cycles([*durva(0, 28), *durva(70, EXCHG="DELAYED")], [cycle(1, 28)])
    assert of(unseen_delayed[2], "ADATE", "LO") == (28, None)


def test_the_cycle_after_the_last_dose_is_due_until_treatment_has_ended() -> None:
    rows = cycles(
        durva(0, 28), [cycle(1, 28)], disposition=[ended(90, "DURVALUMAB"), ended(80, "LENVATINIB"), ended(95)]
    )
    assert of(rows[2], "ADATE", *EDGES, "DUE", "EXPECTED", "UNTIL") == (28, 56, 53, 59, 59, True, 90)
    assert cycles(durva(0, 28), [cycle(1, 28)], disposition=[ended(90, "ALL")])[2]["UNTIL"] == 90
    assert sorted(cycles(durva(0, 28), [cycle(1, 28)], disposition=[ended(90, "LENVATINIB")])) == [1]
    in_study = {**ended(90), "DSSCOPE": "STUDY"}
    assert sorted(cycles(durva(0, 28), [cycle(1, 28)], disposition=[in_study])) == [1]


@pytest.mark.parametrize(("last_seen", "due"), [(14, [1, 2]), (13, [1])])
def test_the_next_cycle_is_due_only_where_the_last_one_was_that_of_the_last_dose(
    last_seen: int, due: list[int]
) -> None:
    rows = cycles(durva(0, 28), [cycle(1, last_seen), seen("UNSCHEDULED 1", 28)], disposition=[ended(90)])
    assert sorted(rows) == due


def test_no_cycle_is_due_after_the_dose_that_was_the_last_or_while_surgery_waits() -> None:
    stopped = [*durva(0), *durva(28, EXCHG="DISCONTINUED")]
    assert sorted(cycles(stopped, [cycle(1, 28)], disposition=[ended(90)])) == [1]
    other = [*durva(0, 28), *durva(29, EXTRT="LENVATINIB", EXCHG="DISCONTINUED")]
    assert sorted(cycles(other, [cycle(1, 28)], disposition=[ended(90)])) == [1, 2]
    decided: Rows = [{"SUBJID": "S1", "DECDAT": day(50), "BRANCH": "SURGERY"}]
    assert sorted(cycles(durva(0, 28), [cycle(1, 28)], disposition=[ended(90)], decision=decided)) == [1]
    going_on: Rows = [{"SUBJID": "S1", "DECDAT": day(50), "BRANCH": "CONTINUE"}]
    assert sorted(cycles(durva(0, 28), [cycle(1, 28)], disposition=[ended(90)], decision=going_on)) == [1, 2]
    operated = cycles(
        durva(0, 100), [cycle(1, 100)], disposition=[ended(190)], decision=decided, procedures=operation(60)
    )
    assert sorted(operated) == [1, 2]


def test_a_series_without_its_drug_or_interval_or_an_upload_without_doses_plans_no_cycle() -> None:
    visits = [cycle(1, 28), cycle(3, 84)]
    assert cycles(durva(0, 28), visits, with_visit("CONTINUATION CYCLE", drug=None)) == {}
    assert cycles(durva(0, 28), visits, with_visit("CONTINUATION CYCLE", every=None, target=None)) == {}
    tables = tables_of(A, {"subjects": WHO, "dosing": durva(0, 28), "visits": visits})
    known = {n: tables[n] for n in ("subjects", "visits")} | {"anchors": made("anchors", A, tables).lazy()}
    assert "CONTINUATION CYCLE" not in made("planned", A, known).get_column("SERIES").to_list()
