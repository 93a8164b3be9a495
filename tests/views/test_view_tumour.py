"""Lesion rows, time points with role, segment and order, and the first progression (cdiscx/views/tumour.py)."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest
from view_kit import Rows, changed, day, made, tables_of, told, view_of

from cdiscx.model.spec import Study

A = Study.load("palhep-a")
B = Study.load("neopvtt-b")
D1, SURG = 10, 120
TREATED: dict[str, Rows] = {
    "subjects": [{"SUBJID": "S1"}],
    "dosing": [{"SUBJID": "S1", "EXTRT": "DURVALUMAB", "EXSTDAT": day(D1), "EXDOSE": 1500}],
}
OPERATED: dict[str, Rows] = {**TREATED, "procedures": [{"SUBJID": "S1", "PRTRT": "HEPATECTOMY", "PRSTDAT": day(SURG)}]}


def target(visit: str | None, number: int | None, **more: Any) -> dict[str, Any]:
    row = {"SUBJID": "S1", "VISIT": visit, "TRDAT": None if number is None else day(number), "LESID": "T1", "TUORGAN": "Liver",
           "TRSTATUS": "MEASURED", "LDIAM": 30}  # fmt: skip
    return row | more


def lesion(study: Study = A, **more: Any) -> dict[str, Any]:
    return view_of("lesions", study, {"targets": [target("SCREENING", 0, **more)]}).row(0, named=True)


# --- lesions -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("given", "size"), [
    ({}, 30.0),
    ({"TRSTATUS": None}, 30.0),
    ({"TRSTATUS": "ABSENT", "LDIAM": None}, 0.0), ({"TRSTATUS": "ABSENT", "LDIAM": 4}, 4.0),
    ({"TRSTATUS": "TOO SMALL", "LDIAM": None}, 5.0), ({"TRSTATUS": "TOO SMALL", "LDIAM": 6}, 6.0),
    ({"TRSTATUS": "MERGED", "LDIAM": 12}, 0.0),
    ({"TRSTATUS": "NOT EVALUABLE", "LDIAM": 12}, None),
    ({"LDIAM": None}, None),
    ({"TUORGAN": "Lymph node", "SAXIS": 18}, 18.0), ({"TUNODAL": "Y", "SAXIS": 18}, 18.0), ({"TUNODAL": "N", "SAXIS": 18}, 30.0),
    ({"TUORGAN": "Lymph node", "TUNODAL": "N", "SAXIS": 18}, 30.0),
])  # fmt: skip
def test_the_size_of_a_lesion_is_the_diameter_of_its_kind_as_its_status_says(
    given: dict[str, Any], size: float | None
) -> None:
    found = lesion(**given)
    assert (found["SIZE"], found["VALUE"]) == (size, size)


@pytest.mark.parametrize(("given", "value"), [
    ({"VDIAM": 12}, 12.0), ({"VDIAM": 12, "ARTPHASE": "Y"}, 12.0), ({"VDIAM": 12, "ARTPHASE": "N"}, None),
    ({"VDIAM": None}, None), ({"VDIAM": None, "TRSTATUS": "ABSENT"}, 0.0), ({"VDIAM": None, "TRSTATUS": "TOO SMALL"}, 5.0),
    ({"VDIAM": 12, "TUORGAN": "Lung"}, 30.0), ({"VDIAM": 12, "TUNODAL": "Y", "SAXIS": 17}, 17.0),
])  # fmt: skip
def test_under_mrecist_a_lesion_of_the_liver_enters_with_its_viable_part_seen_in_the_arterial_phase(
    given: dict[str, Any], value: float | None
) -> None:
    assert lesion(B, **given)["VALUE"] == value
    assert lesion(A, **given)["VALUE"] == lesion(A, **given)["SIZE"]
    assert lesion(changed(B, criterion=None), **given)["VALUE"] == lesion(A, **given)["SIZE"]


def test_nodes_the_liver_and_the_porta_hepatis_are_told_apart_by_organ_and_place() -> None:
    told_ = {n: lesion(**g) for n, g in {
        "liver": {}, "node": {"TUORGAN": "Lymph node", "TULOC": "Porta hepatis"}, "other": {"TUORGAN": "Lymph node", "TULOC": "Neck"},
        "liver node": {"TUNODAL": "Y"}, "lung": {"TUORGAN": "Lung"}, "nowhere": {"TUORGAN": None},
    }.items()}  # fmt: skip
    kinds = {n: (r["NODAL"], r["LIVER"], r["PORTA"]) for n, r in told_.items()}
    assert kinds == {
        "liver": (False, True, False), "node": (True, False, True), "other": (True, False, False),
        "liver node": (True, False, False), "lung": (False, False, False), "nowhere": (False, False, False),
    }  # fmt: skip


def test_a_part_names_its_parent_and_every_sheet_of_lesions_gives_its_class() -> None:
    assert [lesion(LESID=i)["PARENT"] for i in ("T1", "T1.2", "T1.2.3", "T", "T1.")] == [None, "T1", "T1.2", None, None]
    given: dict[str, Rows] = {
        "targets": [target("SCREENING", 0), target("SCREENING", 0, SUBJID=None)],
        "nontargets": [{"SUBJID": "S1", "VISIT": "SCREENING", "LESID": "NT1", "TRSTATUS": "PRESENT"}],
        "newlesions": [{"SUBJID": "S1", "VISIT": "WEEK 3", "LESID": "N1", "CERTAIN": "EQUIVOCAL", "LDIAM": 9}],
    }
    frame = view_of("lesions", A, given)
    assert told(frame, "TABLE", "CLASS", "LESID", "SIZE") == [
        ("targets", "TARGET", "T1", 30.0), ("nontargets", "NON-TARGET", "NT1", None), ("newlesions", "NEW", "N1", 9.0)]  # fmt: skip
    only = {"targets": tables_of(A, given)["targets"]}
    assert told(made("lesions", A, only), "CLASS") == [("TARGET",)]


# --- time points ---------------------------------------------------------------------------------------------------------


def points(given: dict[str, Rows], study: Study = A) -> list[tuple[Any, ...]]:
    frame = view_of("assessments", study, given).sort("PT")
    return told(frame, "VISIT", "ROLE", "BASETYPE", "TP")


def scans(*seen: tuple[str, int | None]) -> Rows:
    return [target(visit, number) for visit, number in seen]


def test_the_baseline_is_the_last_time_point_on_or_before_first_treatment_and_what_is_before_it_prior() -> None:
    seen = scans(("UNSCHEDULED 1", D1 + 1), ("SCREENING", D1 - 9), ("DAY 1", D1), ("UNSCHEDULED 0", D1 - 20))
    assert points({**TREATED, "targets": seen}) == [
        ("UNSCHEDULED 0", "PRIOR", "PRE-TREATMENT", -2), ("SCREENING", "PRIOR", "PRE-TREATMENT", -1),
        ("DAY 1", "BASELINE", "PRE-TREATMENT", 0), ("UNSCHEDULED 1", "POST-BASELINE", "PRE-TREATMENT", 1),
    ]  # fmt: skip


def test_where_nothing_was_read_by_then_the_baseline_is_the_visit_of_that_name() -> None:
    assert points({**TREATED, "targets": scans(("SCREENING", D1 + 1), ("WEEK 6 TUMOR ASSESSMENT", D1 + 42))}) == [
        ("SCREENING", "BASELINE", "PRE-TREATMENT", 0), ("WEEK 6 TUMOR ASSESSMENT", "POST-BASELINE", "PRE-TREATMENT", 1)]  # fmt: skip
    untreated: dict[str, Rows] = {"subjects": TREATED["subjects"]}
    assert points({**untreated, "targets": scans(("SCREENING", None), ("WEEK 3", 50))}) == [
        ("WEEK 3", "POST-BASELINE", "PRE-TREATMENT", -1), ("SCREENING", "BASELINE", "PRE-TREATMENT", 0)]  # fmt: skip
    # a visit of that name beside an earlier scan is not the baseline, and not one of after it either
    assert points({**TREATED, "targets": scans(("DAY 1", D1), ("SCREENING", D1 + 5), ("WEEK 3", D1 + 21))}) == [
        ("DAY 1", "BASELINE", "PRE-TREATMENT", 0), ("SCREENING", "PRIOR", "PRE-TREATMENT", 1), ("WEEK 3", "POST-BASELINE", "PRE-TREATMENT", 2)]  # fmt: skip


def test_without_a_baseline_the_first_time_point_after_it_is_number_one() -> None:
    assert points({**TREATED, "targets": scans(("WEEK 3", D1 + 21), ("WEEK 6 TUMOR ASSESSMENT", D1 + 42))}) == [
        ("WEEK 3", "POST-BASELINE", "PRE-TREATMENT", 1), ("WEEK 6 TUMOR ASSESSMENT", "POST-BASELINE", "PRE-TREATMENT", 2)]  # fmt: skip


def test_a_scan_on_the_day_of_surgery_is_before_it_and_the_first_after_it_is_the_new_baseline() -> None:
    seen = scans(
        ("SCREENING", 0), ("PRE-OPERATIVE", SURG), ("UNSCHEDULED 1", SURG + 1), ("TUMOR ASSESSMENT 1", SURG + 60)
    )
    assert points({**OPERATED, "targets": seen}) == [
        ("UNSCHEDULED 1", "POST-OPERATIVE BASELINE", "POST-OPERATIVE", 0), ("TUMOR ASSESSMENT 1", "POST-BASELINE", "POST-OPERATIVE", 1),
        ("SCREENING", "BASELINE", "PRE-TREATMENT", 0), ("PRE-OPERATIVE", "POST-BASELINE", "PRE-TREATMENT", 1),
    ]  # fmt: skip


def test_the_visit_planned_for_it_is_the_new_baseline_and_what_was_read_between_waits_for_it() -> None:
    seen = scans(("SCREENING", 0), ("UNSCHEDULED 1", SURG + 9), ("POST-OP DAY 30", SURG + 30), ("UNSCHEDULED 2", SURG + 30),
                 ("TUMOR ASSESSMENT 1", SURG + 60))  # fmt: skip
    assert [p for p in points({**OPERATED, "targets": seen}) if p[2] == "POST-OPERATIVE"] == [
        ("UNSCHEDULED 1", "PRIOR", "POST-OPERATIVE", -1), ("POST-OP DAY 30", "POST-OPERATIVE BASELINE", "POST-OPERATIVE", 0),
        ("UNSCHEDULED 2", "POST-BASELINE", "POST-OPERATIVE", 1), ("TUMOR ASSESSMENT 1", "POST-BASELINE", "POST-OPERATIVE", 2),
    ]  # fmt: skip


def test_a_visit_after_surgery_without_any_lesion_row_is_no_new_baseline_unless_none_has_any() -> None:
    answered = [response("POST-OP DAY 30", SURG + 30, "NE")]
    seen = {**OPERATED, "targets": scans(("SCREENING", 0), ("TUMOR ASSESSMENT 1", SURG + 60)), "responses": answered}
    assert [p for p in points(seen) if p[2] == "POST-OPERATIVE"] == [
        ("POST-OP DAY 30", "PRIOR", "POST-OPERATIVE", -1),
        ("TUMOR ASSESSMENT 1", "POST-OPERATIVE BASELINE", "POST-OPERATIVE", 0),
    ]
    unread = {**OPERATED, "targets": scans(("SCREENING", 0)), "responses": answered}
    assert [p for p in points(unread) if p[2] == "POST-OPERATIVE"] == [
        ("POST-OP DAY 30", "POST-OPERATIVE BASELINE", "POST-OPERATIVE", 0)
    ]


def test_a_study_that_takes_no_new_baseline_after_surgery_has_one_segment() -> None:
    assert A.criterion is not None
    kept = changed(A, criterion=A.criterion.model_copy(update={"rebaseline_after_surgery": False}))
    seen = scans(("SCREENING", 0), ("POST-OP DAY 30", SURG + 30), ("TUMOR ASSESSMENT 1", SURG + 60))
    assert [p[2:] for p in points({**OPERATED, "targets": seen}, kept)] == [("PRE-TREATMENT", n) for n in (0, 1, 2)]
    assert [p[2:] for p in points({**OPERATED, "targets": seen}, changed(A, criterion=None))] == [
        ("POST-OPERATIVE", 0), ("POST-OPERATIVE", 1), ("PRE-TREATMENT", 0)]  # fmt: skip


def test_surgery_before_treatment_and_a_late_screening_open_no_segment_of_their_own() -> None:
    early = {**TREATED, "procedures": [{"SUBJID": "S1", "PRTRT": "HEPATECTOMY", "PRSTDAT": day(2)}]}
    assert points({**early, "targets": scans(("UNSCHEDULED 1", 5), ("DAY 1", D1))}) == [
        ("UNSCHEDULED 1", "PRIOR", "PRE-TREATMENT", -1), ("DAY 1", "BASELINE", "PRE-TREATMENT", 0)]  # fmt: skip
    assert points({**OPERATED, "targets": scans(("SCREENING", SURG + 5), ("WEEK 3", D1 + 21))}) == [
        ("WEEK 3", "POST-BASELINE", "PRE-TREATMENT", -1), ("SCREENING", "BASELINE", "PRE-TREATMENT", 0)]  # fmt: skip


def test_readers_and_subjects_have_their_own_segments_in_one_row_of_numbers() -> None:
    seen = [
        target("SCREENING", 0, EVAL="INVESTIGATOR"),
        target("SCREENING", 0, EVAL="INDEPENDENT ASSESSOR"),
        target("SCREENING", 0, SUBJID="S2"),
    ]
    frame = view_of(
        "assessments", A, {**OPERATED, "targets": [*seen, target("TUMOR ASSESSMENT 1", SURG + 60, EVAL="INVESTIGATOR")]}
    ).sort("PT")
    assert frame.get_column("PT").to_list() == [0, 1, 2, 3]
    assert frame.get_column("SEG").n_unique() == 4
    pairs = frame.filter((pl.col("SUBJID") == "S1") & (pl.col("EVAL") == "INVESTIGATOR"))
    assert told(pairs, "VISIT", "BASETYPE") == [
        ("TUMOR ASSESSMENT 1", "POST-OPERATIVE"),
        ("SCREENING", "PRE-TREATMENT"),
    ]
    first, second = pairs.get_column("SEG").to_list()
    assert second == first + 1
    assert first % 2 == 0


def test_undated_time_points_come_last_and_visits_of_one_day_by_name() -> None:
    seen = scans(("SCREENING", 0), ("B", None), ("C", 50), ("A", 50), ("D", 60))
    assert [p[0] for p in points({**TREATED, "targets": seen})] == ["SCREENING", "A", "C", "D", "B"]
    assert [p[0] for p in points({**TREATED, "targets": scans(("B", None), ("A", None))})] == ["A", "B"]


# --- dates of a time point -----------------------------------------------------------------------------------------------


def response(visit: str, number: int | None, overall: str | None, **more: Any) -> dict[str, Any]:
    return {
        "SUBJID": "S1",
        "VISIT": visit,
        "RSDAT": None if number is None else day(number),
        "OVRLRESP": overall,
        **more,
    }


@pytest.mark.parametrize(("overall", "seen", "said", "expected"), [
    ("SD", (40, 44), 50, (44, 44, False, True)),
    ("PD", (40, 44), 50, (40, 44, True, True)),
    ("PD", (), 50, (50, 50, True, True)),
    (None, (40, 44), None, (44, 44, False, False)),
    ("NE", (40,), 50, (40, 40, False, False)),
])  # fmt: skip
def test_a_time_point_is_dated_by_its_latest_scan_a_progression_by_its_earliest_and_without_scans_by_the_response(
    overall: str | None, seen: tuple[int, ...], said: int | None, expected: tuple[Any, ...]
) -> None:
    rows = [target("WEEK 3", n, LESID=f"T{i}") for i, n in enumerate(seen, 1)]
    answers = [response("WEEK 3", said, overall)] if said is not None or overall else []
    frame = view_of("assessments", A, {**TREATED, "targets": rows, "responses": answers})
    dat, anydat, pd, evaluable = expected
    assert told(frame, "DAT", "ANYDAT", "PD", "EVALUABLE") == [(day(dat), day(anydat), pd, evaluable)]


def test_the_post_operative_baseline_is_evaluable_without_a_response() -> None:
    frame = view_of("assessments", A, {**OPERATED, "targets": scans(("SCREENING", 0), ("POST-OP DAY 30", SURG + 30))})
    assert dict(told(frame, "VISIT", "EVALUABLE")) == {"SCREENING": False, "POST-OP DAY 30": True}


def test_a_time_point_knows_its_rows_the_latest_scan_and_the_first_of_two_responses() -> None:
    given: dict[str, Rows] = {
        **TREATED, "targets": [target("WEEK 3", 44), target("WEEK 3", 40, LESID="T2")],
        "responses": [response("WEEK 3", 50, "SD"), response("WEEK 3", 50, "PD"), response("WEEK 4", 60, "PR")],
    }  # fmt: skip
    tables = tables_of(A, given)
    rids = {n: tables[n].collect().get_column("_rid").to_list() for n in ("targets", "responses")}
    frame = view_of("assessments", A, given).sort("VISIT")
    assert told(frame, "OVRLRESP", "RSRID", "LESRID", "LESTABLE", "_rid") == [
        ("SD", rids["responses"][0], rids["targets"][0], "targets", rids["responses"][0]),
        ("PR", rids["responses"][2], None, None, rids["responses"][2]),
    ]  # fmt: skip
    assert sorted(frame.item(0, "_from")) == sorted([*rids["targets"], rids["responses"][0]])


def test_a_time_point_has_what_the_site_said_of_it() -> None:
    said = {"TRGRESP": "SD", "NTRGRESP": "NON-CR/NON-PD", "NEWLIND": "N", "SYMPTDTR": "N"}
    frame = view_of("assessments", A, {**TREATED, "responses": [response("WEEK 3", 50, "SD", **said)]})
    assert told(frame, "RSDAT", "OVRLRESP", *said) == [(day(50), "SD", *said.values())]


def test_an_undated_time_point_of_one_subject_stays_before_the_first_of_the_next() -> None:
    given: dict[str, Rows] = {
        "subjects": [{"SUBJID": "S1"}, {"SUBJID": "S2"}],
        "procedures": [{"SUBJID": "S2", "PRTRT": "HEPATECTOMY", "PRSTDAT": day(1)}],
        "targets": [target("Z", None), target("Z0", 500), target("A", 2, SUBJID="S2")],
    }
    frame = view_of("assessments", A, given).sort("PT")
    assert told(frame, "SUBJID", "VISIT", "TP") == [("S1", "Z0", 1), ("S1", "Z", 2), ("S2", "A", 0)]


def test_rows_without_a_visit_make_no_time_point_and_an_upload_without_responses_has_scans_only() -> None:
    given = {**TREATED, "targets": [target(None, 40), target("WEEK 3", 40)]}
    assert [p[0] for p in points(given)] == ["WEEK 3"]
    tables = {n: t for n, t in tables_of(A, given).items() if n in ("subjects", "dosing", "targets")}
    assert told(made("assessments", A, tables), "VISIT", "OVRLRESP") == [("WEEK 3", None)]


# --- first progression ---------------------------------------------------------------------------------------------------


def test_the_first_progression_is_the_investigators_earliest_dated_one() -> None:
    given: dict[str, Rows] = {
        **TREATED, "targets": [target("A", 62, EVAL="INVESTIGATOR"), target("A", 55, LESID="T2", EVAL="INVESTIGATOR")],
        "responses": [
            response("A", 70, "PD", EVAL="INVESTIGATOR"), response("B", 60, "PD", EVAL="INVESTIGATOR"),
            response("C", 30, "PD", EVAL="INDEPENDENT ASSESSOR"), response("D", 20, "SD", EVAL="INVESTIGATOR"),
            response("E", None, "PD", EVAL="INVESTIGATOR"),
        ],
    }  # fmt: skip
    assert told(view_of("progression", A, given), "SUBJID", "PDDAT", "PDVISIT") == [("S1", day(55), "A")]
