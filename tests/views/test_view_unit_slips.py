"""Readings that look ten times too small or too large (cdiscx/views/unit_slips.py, MEA-005)."""

from __future__ import annotations

from typing import Any

import pytest
from view_kit import Rows, day, told, view_of

from cdiscx.model.spec import Study

A = Study.load("palhep-a")


class Cm(float):
    """A size in mm whose row says that it was read in cm."""


def slips(*sizes: float, study: Study = A, **more: Any) -> dict[int, tuple[Any, ...]]:
    """Place of each odd reading of one lesion -> (too small, the size it is compared with)."""
    rows: Rows = [
        {"SUBJID": "S1", "VISIT": f"UNSCHEDULED {i}", "TRDAT": day(50 * i), "LESID": "T1", "TUORGAN": "Liver", "TRSTATUS": "MEASURED",
         "LDIAM": float(size), "TRUNIT": "cm" if isinstance(size, Cm) else "mm"} | more
        for i, size in enumerate(sizes)
    ]  # fmt: skip
    frame = view_of("unit_slips", study, {"subjects": [{"SUBJID": "S1"}], "targets": rows})
    places = {f"UNSCHEDULED {i}": i for i in range(len(sizes))}
    return {places[visit]: (low, other) for visit, low, other in told(frame, "VISIT", "LOW", "REF")}


def at(*sizes: float, **more: Any) -> list[int]:
    return sorted(slips(*sizes, **more))


# --- what lies a tenfold step apart --------------------------------------------------------------------------------------


@pytest.mark.parametrize(("second", "odd"), [(3.3, []), (3.4, [1]), (4.8, [1]), (4.9, []), (4, [1])])
def test_a_reading_of_an_8_5_to_12_hundredth_of_the_one_before_is_a_slip(second: float, odd: list[int]) -> None:
    assert at(40, second) == odd


@pytest.mark.parametrize(("second", "odd"), [(169, []), (170, [1]), (240, [1]), (241, []), (200, [1])])
def test_a_reading_of_8_5_to_12_times_the_one_before_is_a_slip(second: float, odd: list[int]) -> None:
    assert at(20, second) == odd


def test_a_reading_is_compared_with_the_middle_of_the_lesions_course_too() -> None:
    # 13 is no tenfold step from 3.9, but it is one from the middle of the course
    assert at(41, 39, 40, 13, 3.9) == [4]
    assert at(40, 39, 41, 60, 450) == [4]


def test_the_odd_reading_is_told_with_the_last_good_one_before_it_else_with_the_first_after_it() -> None:
    assert slips(42, 3.9, 38) == {1: (True, 42.0)}
    assert slips(4.2, 41, 38) == {0: (True, 41.0)}
    assert slips(42, 400, 39) == {1: (False, 42.0)}
    assert slips(42, 40, 4.1, 4.0) == {2: (True, 40.0), 3: (True, 40.0)}


# --- a size that is odd by itself ----------------------------------------------------------------------------------------


def test_a_millimetre_or_two_that_is_not_said_to_be_too_small_is_odd_by_itself() -> None:
    assert at(2.9) == [0]
    assert at(3) == []
    assert slips(2) == {0: (True, None)}
    assert at(2, TRSTATUS="TOO SMALL") == []
    assert at(2, TRSTATUS="NOT EVALUABLE") == []
    assert at(2, TRSTATUS="MERGED") == []
    assert at(0) == []


def test_a_size_of_more_than_30_is_odd_where_it_is_said_to_be_in_centimetres() -> None:
    assert slips(Cm(301)) == {0: (False, None)}
    assert at(Cm(300)) == []
    assert at(310) == []
    assert at(310, TRUNIT="CM") == [0]
    assert at(Cm(2)) == []


def test_a_size_of_0_is_none_that_could_be_odd_and_one_of_half_a_millimetre_is() -> None:
    assert at(0, 40, 4) == [2]
    assert at(0.5) == [0]
    assert at(40, 0.5) == [1]


def test_what_just_misses_being_odd_by_itself_is_not_so_beside_another_unit_either() -> None:
    assert at(3, 3.1, 30) == [2]
    assert at(Cm(300), Cm(295), 30) == [2]


# --- which of two groups is the wrong one --------------------------------------------------------------------------------


@pytest.mark.parametrize(("sizes", "odd"), [
    # the smaller group is the wrong one
    ((42, 3.9, 38), [1]), ((42, 400, 39), [1]), ((42, 3.9, 38, 3.8, 40), [1, 3]),
    # the baseline is not blamed where its tenth would be no target
    ((400, 40, 39), [0]), ((100, 10, 10), [0]), ((99, 9.9, 9.9), [1, 2]), ((4.2, 41, 38), [0]),
    # of two readings the later one, unless the earlier is not plausible at baseline
    ((42, 4.2), [1]), ((4.2, 42), [0]), ((12, 120), [1]), ((10, 100), [1]), ((9.9, 99), [0]), ((300, 30), [1]), ((301, 30.1), [0]),
    # as many of each: as of two
    ((42, 41, 4.2, 4.1), [2, 3]), ((4.2, 4.1, 42, 41), [0, 1]),
])  # fmt: skip
def test_the_wrong_group_is_the_smaller_one_with_the_exceptions_of_the_baseline(
    sizes: tuple[float, ...], odd: list[int]
) -> None:
    assert at(*sizes) == odd


def test_a_number_that_its_own_size_gives_away_decides() -> None:
    # 2.5 and 2.6 mm are odd by themselves, though they are the larger group
    assert at(2.6, 2.5, 25) == [0, 1]
    # 31 and 33 cm are odd by themselves, though there is one reading in millimetres only
    assert at(Cm(310), Cm(330), 32) == [0, 1]
    assert at(310, Cm(330), 32) == [0, 1]


def test_of_as_many_readings_those_said_to_be_in_centimetres_are_the_wrong_ones() -> None:
    assert at(12, Cm(120)) == [1]
    assert at(Cm(250), 25) == [0]
    assert at(250, 25) == [1]
    assert at(Cm(250), 25, 24) == [0]


def test_a_reading_on_the_border_of_two_groups_belongs_to_the_lower() -> None:
    assert at(10, 90, 30, 30) == [1]


def test_a_reading_of_the_wrong_group_is_compared_with_its_neighbours_of_that_group_too() -> None:
    assert at(90, 10, 3, 30) == [1, 2, 3]


# --- axes, lesions and readers -------------------------------------------------------------------------------------------


def columns(rows: Rows) -> list[tuple[Any, ...]]:
    frame = view_of("unit_slips", A, {"subjects": [{"SUBJID": "S1"}], "targets": rows})
    return sorted(told(frame, "VISIT", "COL", "X", "REFCOL"))


def target(number: int, **more: Any) -> dict[str, Any]:
    return {"SUBJID": "S1", "VISIT": f"V{number}", "TRDAT": day(50 * number), "LESID": "T1", "TUORGAN": "Liver", "TRSTATUS": "MEASURED",
            "LDIAM": 40} | more  # fmt: skip


def test_both_axes_of_a_row_are_one_slip_at_the_cell_that_enters_the_sum() -> None:
    node = {"TUORGAN": "Lymph node", "TUNODAL": "Y"}
    assert columns([target(0, SAXIS=22, **node), target(1, LDIAM=3.9, SAXIS=2.1, **node)]) == [
        ("V1", "SAXIS", 2.1, "SAXIS")
    ]
    assert columns([target(0, SAXIS=22), target(1, LDIAM=3.9, SAXIS=2.1)]) == [("V1", "LDIAM", 3.9, "LDIAM")]
    assert columns([target(0, SAXIS=22, **node), target(1, LDIAM=3.9, SAXIS=21, **node)]) == [
        ("V1", "LDIAM", 3.9, "LDIAM")
    ]


def test_each_lesion_of_each_reader_has_its_own_course() -> None:
    assert columns([target(0), target(1, LDIAM=4, LESID="T2")]) == []
    assert columns([target(0, EVAL="INVESTIGATOR"), target(1, LDIAM=4, EVAL="INDEPENDENT ASSESSOR")]) == []
    assert columns([target(0), target(1, LDIAM=4, SUBJID="S2")]) == []


def test_what_an_operation_took_away_is_not_compared() -> None:
    rows: Rows = [target(0), target(1, LDIAM=4)]
    operation = [{"SUBJID": "S1", "PRTRT": "HEPATECTOMY", "PRSTDAT": day(20), "RESLES": "T1"}]
    frame = view_of("unit_slips", A, {"subjects": [{"SUBJID": "S1"}], "targets": rows, "procedures": operation})
    assert frame.height == 0


def test_an_undated_reading_comes_last() -> None:
    found = columns([target(0, LDIAM=41), target(1, LDIAM=40), target(2, LDIAM=4, TRDAT=None)])
    assert found == [("V2", "LDIAM", 4.0, "LDIAM")]
