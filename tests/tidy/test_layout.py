"""Sheets and headings as sites arrange them: every messiness of the contract's section 1 that concerns layout."""

from __future__ import annotations

import datetime as dt
from typing import Any

import polars as pl
import pytest
from typed_upload import raw_sheet, upload

from cdiscx.model.spec import Study
from cdiscx.model.table import StudyData, UploadFile
from cdiscx.tidy import tidy
from cdiscx.tidy.headings import Aliases

STUDY = Study.load("palhep-a")
TODAY = dt.date(2024, 12, 31)
HEAD = ["Subject ID", "Visit", "Visit Date", "Visit Done"]
ROW = ["007", "WEEK 3", "2024-03-05", "Y"]


def read(sheets: dict[str, list[list[Any]]], **more: Any) -> StudyData:
    return tidy(STUDY, [upload(sheets, study=STUDY, **more)], today=TODAY)


def visits(data: StudyData) -> list[str | None]:
    return data.tidy["visits"].frame["SUBJID"].to_list()


def kinds(data: StudyData) -> list[str]:
    assert data.problems is not None
    return data.problems["kind"].to_list()


@pytest.mark.parametrize(
    "name", ["visits", " VISITS ", "1. Visits", "02_Visits", "Visit", "访视", "Ｖｉｓｉｔｓ", "VISITS\u00a0"]
)
def test_a_sheet_is_found_under_any_spelling_of_its_name(name: str):
    data = read({name: [HEAD, ROW]})
    assert visits(data) == ["007"]
    assert "missing_sheet" not in kinds(data)


def test_sheets_may_come_in_any_order_and_others_are_passed_over_with_a_note():
    file = upload({"My notes": [["x"]], "Labs": [["Subject ID"]], "Visits": [HEAD, ROW]}, study=STUDY)
    data = tidy(STUDY, [UploadFile(file.name, "", 0, tuple(reversed(file.sheets)))], today=TODAY)
    assert visits(data) == ["007"]
    assert any("'My notes' is not part of the study and was not read" in note for note in data.notes)


def test_two_sheets_of_one_table_are_both_read_with_a_note():
    data = read({"Visits": [HEAD, ROW], "Visit": [HEAD, ["008", *ROW[1:]]]})
    assert visits(data) == ["007", "008"]
    assert any("both hold Visits" in note for note in data.notes)


def test_a_hidden_sheet_with_hidden_rows_and_columns_is_read_with_notes():
    sheet = raw_sheet("Visits", [HEAD, ROW], hidden=True, hidden_rows=(2,), hidden_columns=("C",))
    data = tidy(STUDY, [UploadFile("site.xlsx", "", 0, (sheet,))], today=TODAY)
    assert visits(data) == ["007"]
    assert len([note for note in data.notes if "hidden" in note]) == 3


def test_ten_banner_rows_and_empty_rows_and_columns_do_not_matter():
    grid = [
        ["Study PALHEP-A", None],
        ["Site", "01"],
        *[[f"line {i}"] for i in range(8)],
        [],
        [None, *HEAD],
        [None, *ROW],
        [],
        [None, "008", *ROW[1:]],
    ]
    data = read({"Visits": grid})
    assert visits(data) == ["007", "008"]
    assert data.upload.ledger.filter(pl.col("_rid") == 1)["_row"].to_list() == [15]
    source = next(s for s in data.upload.sources if s.table == "visits")
    assert (source.header_row, source.letters["SUBJID"]) == (12, "B")


@pytest.mark.parametrize(
    "heading",
    ["visit date", "VISIT  DATE", "Visit\nDate", "Visit\u00a0Date", "Visit Date:", "Visit Date：", "Visit Date *", "Visit_Date",
     "Visit Date (YYYY-MM-DD)", "Visit Date（年-月-日）", "访视日期", "访视日期 / Visit Date", "Visit Date\n访视日期", "访视日期 (Visit Date)",
     "Ｖｉｓｉｔ　Ｄａｔｅ", "3. Visit Date"],
)  # fmt: skip
def test_a_heading_is_known_in_any_dress(heading: str):
    found = Aliases(STUDY.sheets["Visits"]).find(heading)
    assert found is not None
    assert found.column == "VISDAT"


@pytest.mark.parametrize(
    ("heading", "column", "unit"),
    [("Margin mm", "MIMARG", "mm"), ("Margin", "MIMARG", None), ("Margin (cm)", "MIMARG", "cm"), ("margin cm", "MIMARG", "cm"),
     ("Viable Tumour %", "MIVIAB", "%"), ("Viable Tumour", "MIVIAB", None), ("viable tumor (%)", "MIVIAB", "%"), ("Diameter [mm]", "MIDIAM", "mm")],
)  # fmt: skip
def test_a_unit_in_the_heading_is_no_part_of_its_name(heading: str, column: str, unit: str | None):
    found = Aliases(STUDY.sheets["Pathology"]).find(heading)
    assert found is not None
    assert (found.column, found.unit) == (column, unit)


def test_a_header_of_two_rows_is_read_as_one():
    data = read({"Visits": [["Subject", "Visit", "Visit", "Visit"], ["ID", None, "Date", "Done"], ROW]})
    assert visits(data) == ["007"]
    assert data.tidy["visits"].frame["VISDATC"].to_list() == ["2024-03-05"]


def test_the_first_data_row_is_never_taken_for_a_second_header_row():
    data = read({"Visits": [["Subject ID", "Visit", "Visit Date", "Visit Done", "Mood"], [*ROW, "Weight"]]})
    assert visits(data) == ["007"]


def test_a_row_of_units_below_the_header_is_no_data_and_its_units_count():
    data = read({"Visits": [[*HEAD, "Weight"], [None, None, "YYYY-MM-DD", None, "[lb]"], [*ROW, 100]]})
    assert visits(data) == ["007"]
    assert data.tidy["visits"].frame["WEIGHT"].to_list() == [45.359237]


def test_a_repeated_header_is_skipped_with_a_note():
    data = read({"Visits": [HEAD, ROW, ["Subject ID", "VISIT", "Visit Date:", "Visit Done"], ["008", *ROW[1:]]]})
    assert visits(data) == ["007", "008"]
    assert any("repeat the headings" in note for note in data.notes)


@pytest.mark.parametrize(
    "last",
    [
        ["Total", 12],
        ["总计：", 12],
        [None, "Total: 12"],
        ["*** End of data ***"],
        ["数据结束"],
        ["Sum"],
        ["Total 12 records"],
    ],
)
def test_totals_and_end_marks_are_skipped_with_a_note(last: list[Any]):
    data = read({"Visits": [HEAD, ROW, [], last]})
    assert visits(data) == ["007"]
    assert any("totals or an end mark" in note for note in data.notes)


def test_a_row_with_content_but_no_subject_stays():
    data = read({"Visits": [HEAD, ROW, [None, *ROW[1:]]]})
    assert visits(data) == ["007", None]


def test_a_subject_whose_number_begins_like_a_total_stays():
    data = read({"Visits": [HEAD, ["Total-01", *ROW[1:]], ["END7", *ROW[1:]]]})
    assert visits(data) == ["Total-01", "END7"]


def test_two_headings_of_one_column_are_reported_and_neither_is_read():
    data = read({"Visits": [[*HEAD, "访视日期"], [*ROW, "2024-03-06"]]})
    assert data.tidy["visits"].frame["VISDAT"].to_list() == [None]
    assert "duplicate_column" in kinds(data)
    assert data.absent["visits.VISDAT"] == ("site.xlsx",)


def test_a_sheet_without_headings_is_one_problem_and_no_rows():
    data = read({"Visits": [["a", "b"], ["c", "d"]]})
    assert kinds(data) == ["no_header"]
    assert visits(data) == []
    assert data.absent["visits"] == ("site.xlsx",)


def test_every_table_of_the_study_is_there_with_one_schema_whatever_the_upload_lacks():
    nothing = tidy(STUDY, [UploadFile("empty.xlsx", "", 0, ())], today=TODAY)
    full = read({"Visits": [HEAD, ROW]})
    assert set(nothing.tidy) == {sheet.holds for sheet in STUDY.sheets.values()}
    for name, table in nothing.tidy.items():
        assert table.frame.schema == full.tidy[name].frame.schema
    assert kinds(nothing).count("missing_sheet") == sum(s.mandatory for s in STUDY.sheets.values())
    assert tidy(STUDY, [], today=TODAY).upload.ledger.height == 0


def test_rows_of_all_uploads_are_numbered_once_in_reading_order():
    one = upload({"Visits": [HEAD, ROW, ROW], "Labs": [["Subject ID", "Test"], ["007", "AFP"]]}, name="a.xlsx")
    two = upload({"Visits": [HEAD, ROW]}, name="b.xlsx")
    data = tidy(STUDY, [one, two], today=TODAY)
    assert data.upload.ledger.rows() == [(0, 0, 2), (1, 0, 3), (2, 1, 2), (3, 2, 2)]
    assert data.tidy["visits"].frame["_from"].to_list() == [[0], [1], [3]]
    assert data.absent["labs"] == ("b.xlsx",)
    assert data.absent["subjects.SEX"] == ("a.xlsx", "b.xlsx")
