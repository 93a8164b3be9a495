"""Lesion rows that are judged, and what the lesions of a time point say (judged_lesions, timepoints, readings)."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from view_kit import LATE, Rows, changed, day, made, tables_of, told, view_of

from cdiscx.model.spec import Study
from cdiscx.views.timepoints import criterion_of, new_before_baseline

A = Study.load("palhep-a")
B = Study.load("neopvtt-b")
SURG = 120
BASE, WEEK6, MONTH3, POSTOP, LATER = (
    "SCREENING",
    "WEEK 6 TUMOR ASSESSMENT",
    "MONTH 3 DECISION",
    "POST-OP DAY 30",
    "TUMOR ASSESSMENT 1",
)
DAYS = {
    BASE: 0,
    WEEK6: 52,
    MONTH3: 101,
    "UNSCHEDULED 1": SURG + 9,
    POSTOP: SURG + 30,
    LATER: SURG + 86,
    "TUMOR ASSESSMENT 2": SURG + 142,
}


def lesion(
    visit: str, name: str = "T1", size: float | None = 30, status: str | None = "MEASURED", **more: Any
) -> dict[str, Any]:
    return {"SUBJID": "S1", "VISIT": visit, "TRDAT": day(DAYS[visit]), "LESID": name, "TUORGAN": "Liver", "TRSTATUS": status,
            "LDIAM": size, "SAXIS": None, "VDIAM": None, "TRREAS": None} | more  # fmt: skip


def other(visit: str, status: str | None = "PRESENT", name: str = "NT1", **more: Any) -> dict[str, Any]:
    return {
        "SUBJID": "S1",
        "VISIT": visit,
        "TRDAT": day(DAYS[visit]),
        "LESID": name,
        "TUORGAN": "Liver",
        "TRSTATUS": status,
    } | more


def new(visit: str, certain: str = "UNEQUIVOCAL", name: str = "N1", **more: Any) -> dict[str, Any]:
    return {
        "SUBJID": "S1",
        "VISIT": visit,
        "TRDAT": day(DAYS[visit]),
        "LESID": name,
        "TUORGAN": "Lung",
        "CERTAIN": certain,
        "LDIAM": 12,
    } | more


def given(*targets: dict[str, Any], operated: bool = False, taken: str | None = None, **more: Rows) -> dict[str, Rows]:
    out: dict[str, Rows] = {
        "subjects": [{"SUBJID": "S1"}],
        "dosing": [{"SUBJID": "S1", "EXTRT": d, "EXSTDAT": day(10), "EXDOSE": 200} for d in ("DURVALUMAB", "CAMRELIZUMAB")],
        "targets": list(targets), **more,
    }  # fmt: skip
    if operated or taken:
        out["procedures"] = [{"SUBJID": "S1", "PRTRT": "HEPATECTOMY", "PRSTDAT": day(SURG), "RESLES": taken}]
    return out


def judged(rows: dict[str, Rows], *columns: str, study: Study = A) -> dict[tuple[str, str], Any]:
    frame = view_of("judged_lesions", study, rows)
    values = [r[0] if len(columns) == 1 else r for r in told(frame, *columns)]
    return dict(zip(told(frame, "VISIT", "LESID"), values, strict=True))


# --- rows that are judged ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("row", "doubt"), [
    ({}, False), ({"size": None}, True), ({"size": None, "status": "NOT EVALUABLE"}, False), ({"size": None, "status": "ABSENT"}, False),
    ({"SAXIS": 30}, False), ({"SAXIS": 30.1}, True), ({"VDIAM": 30}, False), ({"VDIAM": 30.1}, True),
    ({"size": 0}, False), ({"size": 0.5}, False), ({"size": -0.5}, True), ({"size": 300}, False), ({"size": 300.5}, True),
    ({"size": None, "SAXIS": 301}, True), ({"size": 30, "VDIAM": -1}, True),
])  # fmt: skip
def test_a_target_is_in_doubt_where_it_says_no_size_or_an_impossible_one(row: dict[str, Any], doubt: bool) -> None:
    study = B if "VDIAM" in row else A  # A has no column for it
    rows = given(lesion(BASE, **({"VDIAM": 1} if study is B else {}) | row))
    assert judged(rows, "DOUBT", study=study) == {(BASE, "T1"): doubt}


def test_a_study_that_states_no_largest_size_takes_300_mm() -> None:
    silent = changed(A, parameters={n: v for n, v in A.parameters.items() if n != "implausible_mm"})
    sizes = [lesion(BASE, f"T{i}", size) for i, size in enumerate((300, 300.5), 1)]
    found = judged(given(*sizes), "DOUBT", study=silent)
    assert found == {(BASE, "T1"): False, (BASE, "T2"): True}


def test_a_non_target_is_in_doubt_without_a_status_only() -> None:
    rows = [other(BASE, None), other(BASE, "PRESENT", "NT2"), other(BASE, "NOT EVALUABLE", "NT3")]
    assert judged(given(lesion(BASE), nontargets=rows), "DOUBT") == {
        (BASE, "T1"): False, (BASE, "NT1"): True, (BASE, "NT2"): False, (BASE, "NT3"): False}  # fmt: skip


@pytest.mark.parametrize(("again", "doubt"), [
    ({}, False), ({"size": 31}, True), ({"status": None}, True), ({"status": "TOO SMALL"}, True), ({"name": "T2"}, False),
])  # fmt: skip
def test_a_lesion_that_is_read_twice_is_in_doubt_where_the_readings_differ(again: dict[str, Any], doubt: bool) -> None:
    found = view_of("judged_lesions", A, given(lesion(BASE), lesion(BASE, **again))).get_column("DOUBT").to_list()
    assert found == [doubt, doubt]


def test_a_new_lesion_that_is_told_twice_is_not_in_doubt_and_names_of_two_classes_are_two_lesions() -> None:
    rows = given(
        lesion(BASE),
        lesion(WEEK6, "X"),
        newlesions=[new(WEEK6), new(WEEK6, "EQUIVOCAL", LDIAM=9)],
        nontargets=[other(WEEK6, "ABSENT", "X")],
    )
    assert set(view_of("judged_lesions", A, rows).get_column("DOUBT")) == {False}


def test_the_cell_that_counts_is_the_number_of_the_lesions_kind_else_the_status() -> None:
    rows = given(
        lesion(BASE, VDIAM=20), lesion(BASE, "T2", TUORGAN="Lymph node", SAXIS=18), lesion(BASE, "T3", None, "ABSENT"),
        lesion(BASE, "T4", TUORGAN="Lung"), nontargets=[other(BASE)], newlesions=[new(BASE)],
    )  # fmt: skip
    cells = {"T1": "LDIAM", "T2": "SAXIS", "T3": "TRSTATUS", "T4": "LDIAM", "NT1": "TRSTATUS", "N1": "CERTAIN"}
    assert {k[1]: v for k, v in judged(rows, "CELL").items()} == cells
    assert {k[1]: v for k, v in judged(rows, "CELL", study=B).items()} == {**cells, "T1": "VDIAM"}
    assert {k[1]: v for k, v in judged(rows, "CELL", study=changed(B, criterion=None)).items()} == cells


def test_a_target_said_to_be_not_evaluable_is_stated_where_it_has_no_number() -> None:
    rows = given(
        lesion(BASE, "T1", None, "NOT EVALUABLE"),
        lesion(BASE, "T2", 20, "NOT EVALUABLE"),
        lesion(BASE, "T3", None, None),
    )
    assert {k[1]: v for k, v in judged(rows, "STATED").items()} == {"T1": True, "T2": False, "T3": False}


def test_points_before_the_baseline_are_not_judged() -> None:
    early = {**lesion(BASE), "VISIT": "UNSCHEDULED 0", "TRDAT": day(-20)}
    assert list(judged(given(early, lesion(BASE), lesion(WEEK6)), "TP").items()) == [
        ((BASE, "T1"), 0),
        ((WEEK6, "T1"), 1),
    ]


# --- surgery -------------------------------------------------------------------------------------------------------------


def test_what_an_operation_lists_or_a_later_row_calls_removed_is_not_of_the_post_operative_set() -> None:
    seen = [lesion(v, n) for v in (BASE, POSTOP, LATER) for n in ("T1", "T2", "T3.1", "T4")]
    seen = [
        {**r, "TRSTATUS": "NOT EVALUABLE", "LDIAM": None, "TRREAS": "Resected"}
        if r["VISIT"] == POSTOP and r["LESID"] == "T4"
        else r
        for r in seen
    ]
    found = judged(given(*seen, taken="T1; T3"), "BASETYPE")
    assert {k for k, v in found.items() if v == "POST-OPERATIVE"} == {(POSTOP, "T2"), (LATER, "T2")}
    assert sorted(k[1] for k, v in found.items() if v == "PRE-TREATMENT") == ["T1", "T2", "T3.1", "T4"]


def test_a_lesion_called_removed_without_a_dated_operation_is_undated_and_not_stated() -> None:
    gone = lesion(WEEK6, "T1", None, "NOT EVALUABLE", TRREAS="Resected")
    assert judged(given(lesion(BASE), gone), "UNDATED", "STATED", "DOUBT")[WEEK6, "T1"] == (True, False, True)
    unread = lesion(WEEK6, "T1", None, "NOT EVALUABLE", TRREAS="Motion")
    assert judged(given(lesion(BASE), unread), "UNDATED", "STATED", "DOUBT")[WEEK6, "T1"] == (False, True, False)


@pytest.mark.parametrize(("later", "reason", "taken", "doubt"), [
    ({"size": None, "status": "NOT EVALUABLE"}, None, None, True),
    ({"size": None, "status": "NOT EVALUABLE"}, "Motion", None, False),
    ({"size": None, "status": "NOT EVALUABLE"}, None, "T9", False),
    ({"size": 1, "status": None}, None, None, False),
    ({"size": 0, "status": None}, None, None, True),
    ({"size": None, "status": None}, None, None, True),
    ({"size": None, "status": "ABSENT"}, None, None, True),
    ({"size": None, "status": "TOO SMALL"}, None, None, False),
])  # fmt: skip
def test_a_lesion_not_evaluable_after_surgery_without_a_reason_may_have_been_taken_out_unless_it_was_read_there(
    later: dict[str, Any], reason: str | None, taken: str | None, doubt: bool
) -> None:
    rows = given(
        lesion(BASE),
        lesion(POSTOP, "T1", None, "NOT EVALUABLE", TRREAS=reason),
        lesion(LATER, **later),
        operated=True,
        taken=taken,
    )
    assert judged(rows, "DOUBT")[POSTOP, "T1"] is doubt


def test_before_surgery_no_reason_is_needed() -> None:
    rows = given(lesion(BASE), lesion(WEEK6, "T1", None, "NOT EVALUABLE"), operated=True)
    assert judged(rows, "DOUBT")[WEEK6, "T1"] is False


def test_between_surgery_and_its_baseline_only_new_lesions_are_judged() -> None:
    rows = given(
        lesion(BASE),
        lesion("UNSCHEDULED 1"),
        lesion(POSTOP),
        operated=True,
        nontargets=[other("UNSCHEDULED 1")],
        newlesions=[new("UNSCHEDULED 1")],
    )
    assert judged(rows, "TP") == {(BASE, "T1"): 0, (POSTOP, "T1"): 0, ("UNSCHEDULED 1", "N1"): -1}


# --- what a time point says ----------------------------------------------------------------------------------------------


def points(rows: dict[str, Rows], *columns: str, study: Study = A) -> dict[str, Any]:
    frame = view_of("timepoints", study, rows)
    values = [r[0] if len(columns) == 1 else r for r in told(frame, *columns)]
    return dict(zip(frame.get_column("VISIT"), values, strict=True))


def answer(visit: str, overall: str | None, flag: str | None = "N", number: int | None = None) -> dict[str, Any]:
    return {"SUBJID": "S1", "VISIT": visit, "RSDAT": day(DAYS[visit] if number is None else number), "OVRLRESP": overall, "NEWLIND": flag,
            "EVAL": "INVESTIGATOR"}  # fmt: skip


def reader(rows: Rows) -> Rows:
    return [{**r, "EVAL": "INVESTIGATOR"} for r in rows]


def test_a_new_lesion_is_told_by_its_record_and_without_one_by_the_site() -> None:
    def said(*records: dict[str, Any], flag: str | None) -> tuple[Any, ...]:
        rows = given(
            *reader([lesion(BASE), lesion(WEEK6)]),
            newlesions=reader(list(records)),
            responses=[answer(WEEK6, "SD", flag)],
        )
        return tuple(points(rows, "DNEWL", "NEW_SAID", "DOVRLRESP")[WEEK6])

    assert said(flag="Y") == ("Y", True, "PD")
    assert said(flag="N") == ("N", False, "SD")
    assert said(flag=None) == ("N", False, "SD")
    assert said(new(WEEK6), flag="N") == ("Y", False, "PD")
    assert said(new(WEEK6, "EQUIVOCAL"), flag="Y") == ("N", False, "SD")


def test_a_new_lesion_known_before_surgery_is_none_after_it() -> None:
    rows = given(
        lesion(BASE),
        lesion(POSTOP),
        lesion(LATER),
        operated=True,
        newlesions=[new(MONTH3), new(LATER), new("TUMOR ASSESSMENT 2", name="N2")],
    )
    assert {v: n for v, n in points(rows, "DNEWL").items() if n == "Y"} == {MONTH3: "Y", "TUMOR ASSESSMENT 2": "Y"}


def test_a_baseline_has_no_response_but_the_post_operative_one_answers_for_non_targets_where_no_target_remains() -> (
    None
):
    rows = given(lesion(BASE), lesion(WEEK6), taken="T1", nontargets=[other(v) for v in (BASE, WEEK6, POSTOP)])
    assert points(rows, "DNTRGRESP") == {BASE: None, WEEK6: "NON-CR/NON-PD", POSTOP: "NON-CR/NON-PD"}
    assert points(rows, "HAS_TARGET") == {BASE: True, WEEK6: True, POSTOP: False}
    assert points(rows, "HAS_NONTARGET") == {BASE: True, WEEK6: True, POSTOP: True}
    with_target = given(lesion(BASE), lesion(POSTOP, "T2"), taken="T1", nontargets=[other(BASE), other(POSTOP)])
    assert points(with_target, "DNTRGRESP")[POSTOP] is None
    assert points(given(lesion(BASE), lesion(WEEK6)), "DOVRLRESP", "HAS_NONTARGET") == {
        BASE: (None, False),
        WEEK6: ("SD", False),
    }


def test_the_nadir_is_named_by_the_visit_that_had_it() -> None:
    rows = given(lesion(BASE, size=100), lesion(WEEK6, size=60), lesion(MONTH3, size=80))
    assert points(rows, "NADIR_VISIT", "NADIR_DAT") == {
        BASE: (None, None), WEEK6: (BASE, day(0)), MONTH3: (WEEK6, day(52))}  # fmt: skip


def test_targets_and_non_targets_that_lack_an_answer_are_doubtful_and_those_said_to_be_not_evaluable_are_not() -> None:
    rows = given(
        lesion(BASE), lesion(BASE, "T2"), lesion(BASE, "T3"), lesion(WEEK6), lesion(WEEK6, "T2", None, "NOT EVALUABLE"),
        lesion(MONTH3), lesion(MONTH3, "T2"), lesion(MONTH3, "T3"), lesion(MONTH3, "T4"),
        nontargets=[other(BASE), other(BASE, name="NT2"), other(BASE, name="NT3"), other(WEEK6), other(WEEK6, "NOT EVALUABLE", "NT2"),
                    other(MONTH3, None), other(MONTH3, name="NT2"), other(MONTH3, name="NT3"), other(MONTH3, name="NT4")],
    )  # fmt: skip
    assert points(rows, "DOUBTFUL", "NT_DOUBTFUL") == {
        BASE: ([], []), WEEK6: (["T3"], ["NT3"]), MONTH3: (["T4"], ["NT1", "NT4"])}  # fmt: skip


def test_doubt_at_the_baseline_or_a_baseline_without_any_lesion_row_is_one_of_the_whole_segment() -> None:
    fine = given(lesion(BASE), lesion(WEEK6), lesion(MONTH3, size=None))
    assert points(fine, "BASE_DOUBT", "PRIOR_DOUBT") == {
        BASE: (False, False),
        WEEK6: (False, False),
        MONTH3: (False, False),
    }
    bad = given(lesion(BASE, size=None), lesion(WEEK6), lesion(MONTH3))
    assert points(bad, "BASE_DOUBT", "PRIOR_DOUBT") == {BASE: (True, False), WEEK6: (True, True), MONTH3: (True, True)}
    assert set(points(given(lesion(WEEK6), lesion(MONTH3)), "BASE_DOUBT").values()) == {True}
    unread = given(lesion(WEEK6), responses=[{"SUBJID": "S1", "VISIT": BASE, "RSDAT": day(0), "OVRLRESP": None}])
    assert set(points(unread, "BASE_DOUBT").values()) == {True}


def test_a_doubt_is_one_for_later_visits_only() -> None:
    rows = given(lesion(BASE), lesion(WEEK6, size=None), lesion(MONTH3))
    assert points(rows, "PRIOR_DOUBT") == {BASE: False, WEEK6: False, MONTH3: True}


def test_dates_that_run_backwards_leave_the_order_of_a_segment_in_doubt() -> None:
    later, said = lesion(MONTH3), reader([lesion(BASE), lesion(WEEK6), lesion(MONTH3)])
    assert set(points(given(lesion(BASE), lesion(WEEK6), later), "ORDER_DOUBT").values()) == {False}
    # the last scan decides the order, the first one runs backwards
    spread = given(lesion(BASE), lesion(WEEK6), later, lesion(MONTH3, "T2", TRDAT=day(51)))
    assert set(points(spread, "ORDER_DOUBT").values()) == {True}
    same_day = given(lesion(BASE), lesion(WEEK6), later, lesion(MONTH3, "T2", TRDAT=day(52)))
    assert set(points(same_day, "ORDER_DOUBT").values()) == {False}
    for second, doubt in ((60, False), (61, False), (59, True)):
        rows = given(*said, responses=[answer(WEEK6, "SD", number=60), answer(MONTH3, "SD", number=second)])
        assert set(points(rows, "ORDER_DOUBT").values()) == {doubt}, second


def test_a_removal_without_a_date_leaves_the_order_in_doubt() -> None:
    rows = given(lesion(BASE), lesion(WEEK6, "T1", None, "NOT EVALUABLE", TRREAS="Resected"))
    assert set(points(rows, "ORDER_DOUBT").values()) == {True}


def test_a_study_without_a_criterion_is_judged_by_recist() -> None:
    assert criterion_of(changed(A, criterion=None)).name == criterion_of(A).name == "RECIST 1.1"
    assert criterion_of(B).is_mrecist


# --- progression as endpoints date it ------------------------------------------------------------------------------------


def dated(rows: dict[str, Rows], study: Study = A) -> list[tuple[Any, ...]]:
    return told(view_of("dated_progression", study, rows), "PDDAT", "PDVISIT")


def test_a_progression_by_a_lesion_that_was_doubtful_at_first_is_dated_at_its_first_sight() -> None:
    seen = reader([lesion(BASE), lesion(WEEK6), lesion(MONTH3)])
    certain = given(
        *seen,
        newlesions=reader([new(WEEK6, "EQUIVOCAL"), new(MONTH3)]),
        responses=[answer(WEEK6, "SD"), answer(MONTH3, "PD", "Y")],
    )
    assert dated(certain) == [(day(52), MONTH3)]
    at_once = given(*seen, newlesions=reader([new(MONTH3)]), responses=[answer(WEEK6, "SD"), answer(MONTH3, "PD", "Y")])
    assert dated(at_once) == [(day(101), MONTH3)]
    elsewhere = [{**answer(MONTH3, "PD"), "EVAL": "INDEPENDENT ASSESSOR"}]
    assert dated(given(*seen, responses=elsewhere)) == []


def test_a_new_lesion_between_surgery_and_its_baseline_is_progression() -> None:
    rows = given(lesion(BASE), lesion(POSTOP), operated=True, newlesions=[new("UNSCHEDULED 1"), new(LATER, name="N2")])
    tables = tables_of(A, rows)
    have = {n: made(n, A, tables).lazy() for n in ("judged_lesions", "assessments")}
    told_ = new_before_baseline(A, have["judged_lesions"], have["assessments"]).collect()
    assert told(told_, "DOVRLRESP", "DOVRLRULE") == [("PD", "R11-O-1")]
    in_b = {n: made(n, B, tables_of(B, rows)).lazy() for n in ("judged_lesions", "assessments")}
    assert told(new_before_baseline(B, in_b["judged_lesions"], in_b["assessments"]).collect(), "DOVRLRULE") == [
        ("MR-O-1",)
    ]


# --- readings at their time point ----------------------------------------------------------------------------------------


def test_a_reading_after_the_operation_that_lists_the_lesion_is_of_a_removed_one() -> None:
    def removed(number: int, name: str = "T1", listed: str = "T1", when: int | None = SURG) -> bool:
        rows = given({**lesion(BASE), "LESID": name}, {**lesion(LATER), "LESID": name, "TRDAT": day(number)})
        rows["procedures"] = [
            {"SUBJID": "S1", "PRTRT": "HEPATECTOMY", "PRSTDAT": None if when is None else day(when), "RESLES": listed}
        ]
        frame = view_of("readings", A, rows, cutoff=LATE)
        return bool(frame.filter(frame["VISIT"] == LATER).item(0, "REMOVED"))

    assert [removed(SURG + n) for n in (-1, 0, 1)] == [False, False, True]
    assert removed(SURG + 9, "T1.2")
    assert removed(SURG + 9, "T1.2.1")
    assert not removed(SURG + 9, "T1", "T2")
    assert not removed(SURG + 9, when=None)


def test_a_reading_has_the_lesion_before_it_split_and_the_day_of_its_scan_or_time_point() -> None:
    rows = given(lesion(BASE, "T4.1"), lesion(BASE, "T5", TRDAT=None), {**lesion(BASE), "LESID": None})
    frame = view_of("readings", A, rows)
    assert sorted(told(frame, "LESID", "ROOT", "DAY")) == [("T4.1", "T4", day(0)), ("T5", "T5", day(0))]
    assert isinstance(frame.item(0, "DAY"), dt.date)
