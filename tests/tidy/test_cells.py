"""Cells as sites type them: dates, words for nothing, terms, ids, visits, broken cells, merged cells."""

from __future__ import annotations

import datetime as dt
from typing import Any

import polars as pl
import pytest
from typed_upload import upload

from cdiscx.model.spec import Study
from cdiscx.model.table import StudyData
from cdiscx.tidy import tidy

STUDY = Study.load("palhep-a")
B = Study.load("neopvtt-b")
TODAY = dt.date(2024, 12, 31)


def column(
    sheet: str,
    header: str,
    cells: list[Any],
    *,
    study: Study = STUDY,
    beside: dict[str, Any] | None = None,
    **more: Any,
) -> StudyData:
    """One column of one sheet, a subject before it and the same other cells beside it in every row."""
    beside = beside or {}
    grid = [["Subject ID", *beside, header], *[["S1", *beside.values(), c] for c in cells]]
    return tidy(study, [upload({sheet: grid}, **more)], today=TODAY)


def values(data: StudyData, table: str, name: str) -> list[Any]:
    return data.tidy[table].frame[name].to_list()


def problems(data: StudyData, name: str) -> list[str]:
    assert data.problems is not None
    return data.problems.filter(pl.col("column") == name, pl.col("_rid").is_not_null())["kind"].to_list()


@pytest.mark.parametrize(
    ("typed", "iso"),
    [("2024-03-05", "2024-03-05"), ("2024/3/5", "2024-03-05"), ("05MAR2024", "2024-03-05"), ("5-Mar-2024", "2024-03-05"),
     ("05 Mar 2024", "2024-03-05"), ("2024年3月5日", "2024-03-05"), ("20240305", "2024-03-05"), (20240305, "2024-03-05"),
     (dt.date(2024, 3, 5), "2024-03-05"), (45356, "2024-03-05"), ("45356", "2024-03-05"), ("2024-03", "2024-03"),
     ("MAR2024", "2024-03"), ("UN-MAR-2024", "2024-03"), ("UNMAR2024", "2024-03"), ("UNUNK2024", "2024"), ("2024-03-UN", "2024-03"),
     ("2024", "2024"), (2024, "2024"), ("ND", None), ("-", None), ("UN-UNK-UNKN", None), (11000, "1930-02-11"),
     (dt.datetime(2024, 3, 5, 9, 30), "2024-03-05")],
)  # fmt: skip
def test_a_date_is_read_in_every_style(typed: Any, iso: str | None):
    data = column("Visits", "Visit Date", [typed], beside={"Visit": "DAY 1"})
    assert values(data, "visits", "VISDATC") == [iso]
    whole = dt.date.fromisoformat(iso) if iso and len(iso) == 10 else None
    assert values(data, "visits", "VISDAT") == [whole]
    assert problems(data, "VISDAT") == []


def test_day_counts_of_the_1904_system_are_shifted():
    data = column("Visits", "Visit Date", [43894], beside={"Visit": "DAY 1"}, date_system=1904)
    assert values(data, "visits", "VISDAT") == [dt.date(2024, 3, 5)]


@pytest.mark.parametrize(
    ("typed", "kind"),
    [("03/04/2024", "ambiguous_date"), ("soon", "unreadable_date"), (True, "unreadable_date"), (dt.time(9, 30), "unreadable_date"),
     (0, "implausible_date"), (12, "implausible_date"), (dt.date(1904, 1, 1), "implausible_date"), ("1899-05-01", "implausible_date"),
     ("2026-01-01", "implausible_date"), ("2024-02-30", "unreadable_date"), ({"error": "#N/A"}, "error_cell"), ("#REF!", "error_cell"),
     ({"formula": "=A1"}, "no_cache")],
)  # fmt: skip
def test_what_is_no_date_is_a_problem_and_a_blank(typed: Any, kind: str):
    data = column("Visits", "Visit Date", [typed], beside={"Visit": "DAY 1"})
    assert problems(data, "VISDAT") == [kind]
    assert values(data, "visits", "VISDAT") == [None]
    assert values(data, "visits", "VISDATC") == [None]


def test_the_order_of_day_and_month_that_the_study_states_is_used():
    study = STUDY.model_copy(update={"date_order": "DMY"})
    data = column("Visits", "Visit Date", ["03/04/2024", "04/13/2024"], study=study, beside={"Visit": "DAY 1"})
    assert values(data, "visits", "VISDAT") == [dt.date(2024, 4, 3), None]
    assert problems(data, "VISDAT") == ["contradicts_order"]


@pytest.mark.parametrize("word", ["N/A", "ND", "NK", "UNK", "-", ".", "/", "未做", "不详", " n/a ", "Ｎ／Ａ", "", "  "])
def test_words_for_nothing_are_blanks_in_every_type_and_logged(word: str):
    for sheet, header, table, name, beside in (
        ("Visits", "Weight", "visits", "WEIGHT", "ECOG"), ("Visits", "Visit Date", "visits", "VISDAT", "ECOG"), ("Visits", "Visit", "visits", "VISIT", "ECOG"),
        ("Visits", "Visit Done", "visits", "VISDONE", "ECOG"), ("Visits", "Reason Not Done", "visits", "VISREAS", "ECOG"),
        ("Target Lesions", "Lesion ID", "targets", "LESID", "Slice Thickness"), ("Adverse Events", "Related To", "ae", "AEREL", "CTCAE Grade"),
        ("Adverse Events", "Action Taken", "ae", "AEACN", "CTCAE Grade"), ("Procedures", "Resected Lesions", "procedures", "RESLES", "Fractions"),
    ):  # fmt: skip
        data = column(sheet, header, [word], beside={beside: 1})
        assert values(data, table, name) == [None], (sheet, header)
        assert problems(data, name) == []
        assert data.changes is not None
        logged = data.changes.filter(pl.col("column") == header)["why"].to_list()
        assert logged == (["missing word"] if word.strip() else []), header


def test_a_term_of_the_column_wins_over_a_word_for_nothing():
    assert "UNKNOWN" in [w.upper() for w in STUDY.missing_words]
    data = column("Adverse Events", "Outcome", ["Unknown", "UNKNOWN", "N/A"], beside={"Term": "Fever"})
    assert values(data, "ae", "AEOUT") == ["UNKNOWN", "UNKNOWN", None]


@pytest.mark.parametrize(
    ("typed", "flag"),
    [("Y", "Y"), ("yes", "Y"), (1, "Y"), ("是", "Y"), (True, "Y"), ("No", "N"), (0, "N"), ("否", "N"), (False, "N")],
)
def test_yes_and_no_in_any_spelling(typed: Any, flag: str):
    assert values(column("Visits", "Visit Done", [typed], beside={"Visit": "DAY 1"}), "visits", "VISDONE") == [flag]


def test_a_closed_list_refuses_with_the_nearest_term():
    data = column("Demographics", "Sex", ["Male", "女", "f", "Femail"], beside={"Site ID": "01"})
    assert values(data, "subjects", "SEX") == ["M", "F", "F", None]
    assert problems(data, "SEX") == ["not_in_list"]
    assert data.problems is not None
    assert "Nearest: F" in data.problems.filter(pl.col("kind") == "not_in_list")["detail"][0]


def test_lists_and_pairs_of_terms():
    criteria = column(
        "Adverse Events",
        "Serious Criterion",
        ["death;Hospitalization", "Life-threatening；死亡", "None"],
        beside={"Term": "Fever"},
    )
    assert values(criteria, "ae", "AESCRIT")[:2] == [["DEATH", "HOSPITALIZATION"], ["LIFE THREATENING", "DEATH"]]
    typed = "lenvatinib: dose reduced; 度伐利尤单抗：None"
    actions = column("Adverse Events", "Action Taken", [typed, "Aspirin: None"], beside={"Term": "Fever"})
    assert values(actions, "ae", "AEACN") == [
        [{"key": "LENVATINIB", "term": "DOSE REDUCED"}, {"key": "DURVALUMAB", "term": "NONE"}], None,
    ]  # fmt: skip
    assert values(actions, "ae", "AEACNC") == [typed, "Aspirin: None"]
    assert problems(actions, "AEACN") == ["not_in_list"]


@pytest.mark.parametrize(
    ("sheet", "table", "typed", "lesion"),
    [("Target Lesions", "targets", "T01", "T1"), ("Target Lesions", "targets", "TL-1", "T1"), ("Target Lesions", "targets", "t 1", "T1"),
     ("Target Lesions", "targets", "T4.1", "T4.1"), ("Target Lesions", "targets", 4.1, "4.1"), ("Target Lesions", "targets", "N1", "N1"),
     ("Target Lesions", "targets", "Ｔ１", "T1"), ("Target Lesions", "targets", "T10", "T10"), ("Target Lesions", "targets", "靶病灶1", "T1"),
     ("Non-target Lesions", "nontargets", "NT01", "NT1"), ("Non-target Lesions", "nontargets", "ntl 2", "NT2"),
     ("New Lesions", "newlesions", "NL1", "N1"), ("New Lesions", "newlesions", "NEW1", "N1"), ("New Lesions", "newlesions", "N01", "N1"),
     ("Target Lesions", "targets", "left lobe", "LEFT LOBE")],
)  # fmt: skip
def test_a_lesion_id_belongs_to_its_sheet(sheet: str, table: str, typed: Any, lesion: str):
    assert values(column(sheet, "Lesion ID", [typed], beside={"Organ": "Liver"}), table, "LESID") == [lesion]


def test_a_list_of_resected_lesions():
    data = column("Procedures", "Resected Lesions", ["T1; TL-02；NT1", "t1"], beside={"Procedure": "Hepatectomy"})
    assert values(data, "procedures", "RESLES") == [["T1", "T2", "NT1"], ["T1"]]


@pytest.mark.parametrize(
    ("typed", "name"),
    [("week 3", "WEEK 3"), ("WEEK-03", "WEEK 3"), ("Week 6 Tumour Assessment", "WEEK 6 TUMOR ASSESSMENT"), ("POST OP DAY 30 ", "POST-OP DAY 30"),
     ("CONTINUATION CYCLE 2", "CONTINUATION CYCLE 2"), ("Continuation Cycle 02", "CONTINUATION CYCLE 2"), ("Tumor  Assessment 10", "TUMOR ASSESSMENT 10"),
     ("survival follow up 1", "SURVIVAL FOLLOW-UP 1"), ("Unscheduled 5.1", "UNSCHEDULED 5.1"), ("unscheduled", "UNSCHEDULED"), ("第2次肿瘤评估", "TUMOR ASSESSMENT 2"),
     ("筛选期", "SCREENING")],
)  # fmt: skip
def test_a_visit_name_is_found_in_the_schedule(typed: str, name: str):
    data = column("Visits", "Visit", [typed], beside={"Reason": "x"})
    assert values(data, "visits", "VISIT") == [name]
    assert problems(data, "VISIT") == []


def test_an_unknown_visit_is_kept_in_upper_case_and_reported():
    data = column("Visits", "Visit", ["Week 33", "tumor assessment"], beside={"Reason": "x"})
    assert values(data, "visits", "VISIT") == ["WEEK 33", "TUMOR ASSESSMENT"]
    assert problems(data, "VISIT") == ["visit_not_in_schedule"] * 2


def test_subject_numbers_keep_their_zeros_and_lose_only_blanks_and_full_width():
    grid = [
        ["Subject ID", "Visit"],
        ["007", "DAY 1"],
        [" 007 ", "DAY 1"],
        ["００７", "DAY 1"],
        [7, "DAY 1"],
        ["\u200b008", "DAY 1"],
    ]
    data = tidy(STUDY, [upload({"Visits": grid})], today=TODAY)
    assert values(data, "visits", "SUBJID") == ["007", "007", "007", "7", "008"]


def test_a_blank_evaluator_is_the_investigator_also_where_the_column_is_absent():
    there = column("Target Lesions", "Evaluator", [None, "Central", {"error": "#N/A"}], beside={"Lesion ID": "T1"})
    assert values(there, "targets", "EVAL") == ["INVESTIGATOR", "Central", None]
    gone = column("Target Lesions", "Organ", ["Liver"], beside={"Lesion ID": "T1"})
    assert values(gone, "targets", "EVAL") == ["INVESTIGATOR"]
    assert gone.changes is not None
    assert any("INVESTIGATOR (1 rows)" in why for why in gone.changes["why"])


def test_a_merged_cell_keeps_its_value_in_its_first_row_and_is_not_filled():
    grid = [["Subject ID", "Visit", "Weight"], ["S1", "DAY 1", 70], ["S1", "WEEK 3", None], ["S1", "WEEK 4", None]]
    data = tidy(STUDY, [upload({"Visits": grid}, merged={"Visits": ["C2:C4"]})], today=TODAY)
    assert values(data, "visits", "WEIGHT") == [70.0, None, None]
    assert problems(data, "WEIGHT") == ["merged", "merged"]


def test_study_b_reads_its_own_columns():
    grid = [
        ["Subject ID", "Visit", "PVTT Class", "Flow Restored"],
        ["S1", "RESTAGING", "Ⅲ型", "是"],
        ["S1", "RESTAGING", "IIa", "0"],
    ]
    data = tidy(B, [upload({"Response": grid})], today=TODAY)
    assert values(data, "responses", "PVTTCLS") == ["III", "IIa"]
    assert values(data, "responses", "FLOWREST") == ["Y", "N"]
