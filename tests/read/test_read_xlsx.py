"""What a site types into Excel comes out as typed, at its place."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import openpyxl
import pytest
import xlsxwriter
from read_packages import MAIN, first, grid, sheet_named, xlsx

from cdiscx.model.table import RawSheet
from cdiscx.read import read_upload


def test_every_kind_of_cell_keeps_its_kind_and_its_text(tmp_path: Path) -> None:
    cells = {
        2: '<c r="B2" t="inlineStr"><is><t xml:space="preserve"> 7 </t></is></c>',
        3: '<c r="B3"><v>7</v></c>',
        4: '<c r="B4"><v>3.2000000000000002</v></c>',
        5: '<c r="B5" s="1"><v>45356</v></c>',
        6: '<c r="B6" s="6"><v>45356.395833333336</v></c>',
        7: '<c r="B7" t="b"><v>1</v></c>',
        8: '<c r="B8" t="e"><v>#N/A</v></c>',
        9: '<c r="B9"><f>A1+B1</f><v></v></c>',
        10: '<c r="B10" s="2"><v>7</v></c>',
        11: '<c r="B11" s="4"><v>0.354166666666667</v></c>',
        12: '<c r="B12" s="3"><v>1.5</v></c>',
        13: '<c r="B13"><f>0.1+0.2</f><v>0.30000000000000004</v></c>',
        14: '<c r="B14" s="7"><v>1007</v></c>',
        15: '<c r="B15" t="d"><v>2024-03-05</v></c>',
        16: '<c r="B16"><v>1E+20</v></c>',
        17: '<c r="B17" s="2"><v>7.5</v></c>',
        18: '<c r="B18" t="b"><v>0</v></c>',
    }
    path = xlsx(tmp_path / "a.xlsx", "".join(f'<row r="{r}">{c}</row>' for r, c in cells.items()))
    assert first(path) == {
        "B2": (" 7 ", "text"),
        "B3": ("7", "number"),
        "B4": ("3.2", "number"),
        "B5": ("2024-03-05", "date"),
        "B6": ("2024-03-05T09:30:00", "date"),
        "B7": ("TRUE", "bool"),
        "B8": ("#N/A", "error"),
        "B9": ("=A1+B1", "formula without value"),
        "B10": ("007", "number"),
        "B11": ("08:30:00", "time"),
        "B12": ("36:00:00", "time"),
        "B13": ("0.30000000000000004", "number"),
        "B14": ("01-007", "number"),
        "B15": ("2024-03-05", "date"),
        "B16": ("1e+20", "number"),
        "B17": ("7.5", "number"),
        "B18": ("FALSE", "bool"),
    }


@pytest.mark.parametrize("token", ["#N/A", "#REF!", "#VALUE!", "#DIV/0!", "#NAME?", "#NULL!", "#NUM!"])
def test_an_error_cell_is_read_as_its_token_with_or_without_a_formula(tmp_path: Path, token: str) -> None:
    rows = (
        f'<row r="1"><c r="A1" t="e"><v>{token}</v></c></row>'
        f'<row r="2"><c r="A2" t="e"><f>1/0</f><v>{token}</v></c></row>'
    )
    assert first(xlsx(tmp_path / "a.xlsx", rows)) == {"A1": (token, "error"), "A2": (token, "error")}


def test_a_text_that_looks_like_an_error_stays_text(tmp_path: Path) -> None:
    path = xlsx(tmp_path / "a.xlsx", '<row r="1"><c r="A1" t="inlineStr"><is><t>#N/A</t></is></c></row>')
    assert first(path) == {"A1": ("#N/A", "text")}


def test_a_formula_whose_result_is_an_empty_text_is_blank_and_not_without_value(tmp_path: Path) -> None:
    rows = '<row r="1"><c r="A1" t="str"><f>""</f><v></v></c><c r="B1"><f>A1&amp;"x"</f></c></row>'
    upload = read_upload(xlsx(tmp_path / "a.xlsx", rows))
    assert grid(upload.sheets[0]) == {"B1": ('=A1&"x"', "formula without value")}
    assert upload.sheets[0].formulas == 1


def test_a_shared_formula_without_values_is_written_out_for_each_cell(tmp_path: Path) -> None:
    rows = (
        '<row r="1"><c r="A1"><f t="shared" ref="A1:A3" si="0">B1*2</f></c></row>'
        '<row r="2"><c r="A2"><f t="shared" si="0"/></c></row><row r="3"><c r="A3"><f t="shared" si="0"/><v/></c></row>'
    )
    assert {place: text for place, (text, _) in first(xlsx(tmp_path / "a.xlsx", rows)).items()} == {
        "A1": "=B1*2",
        "A2": "=B2*2",
        "A3": "=B3*2",
    }


def test_formulas_that_openpyxl_wrote_have_no_value_and_those_with_one_are_counted(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.active["C3"] = "=A1+B1"
    book.save(tmp_path / "none.xlsx")
    assert first(tmp_path / "none.xlsx") == {"C3": ("=A1+B1", "formula without value")}
    with xlsxwriter.Workbook(str(tmp_path / "some.xlsx")) as made:
        sheet = made.add_worksheet()
        sheet.write_formula("A1", "=1+1", None, 2)
        sheet.write_formula("A2", '="a"&"b"', None, "ab")
    upload = read_upload(tmp_path / "some.xlsx")
    assert grid(upload.sheets[0]) == {"A1": ("2", "number"), "A2": ("ab", "text")}
    assert upload.sheets[0].formulas == 2


def test_dates_of_the_1904_system_are_the_days_that_excel_shows(tmp_path: Path) -> None:
    rows = '<row r="1"><c r="A1" s="1"><v>43894</v></c><c r="B1" s="6"><v>43894.395833333336</v></c></row>'
    upload = read_upload(xlsx(tmp_path / "a.xlsx", rows, date1904=True))
    assert upload.date_system == 1904
    assert grid(upload.sheets[0]) == {"A1": ("2024-03-05", "date"), "B1": ("2024-03-05T09:30:00", "date")}


def test_a_negative_number_under_a_date_format_is_not_turned_into_midnight(tmp_path: Path) -> None:
    path = xlsx(tmp_path / "a.xlsx", '<row r="1"><c r="A1" s="1"><v>-5</v></c></row>')
    assert first(path) == {"A1": ("-5", "number")}


def test_rows_keep_their_numbers_when_empty_rows_and_columns_stand_around_the_table(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    for place, value in {"C5": "Subject ID", "D5": "Visit", "C9": "007", "F12": 1.5}.items():
        sheet[place] = value
    sheet["H3"] = ""
    book.save(tmp_path / "a.xlsx")
    read = read_upload(tmp_path / "a.xlsx").sheets[0]
    assert read.text["_row"].to_list() == [5, 9, 12]
    assert read.text.columns == ["_row", "A", "B", "C", "D", "E", "F"]
    assert grid(read) == {
        "C5": ("Subject ID", "text"),
        "D5": ("Visit", "text"),
        "C9": ("007", "text"),
        "F12": ("1.5", "number"),
    }


def test_merged_hidden_and_very_hidden_things_are_read_and_told(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "Visits"
    sheet["A1"] = "Banner"
    sheet.merge_cells("A1:D2")
    for row in range(3, 7):
        for column in range(1, 5):
            sheet.cell(row, column, f"{row}{column}")
    sheet.row_dimensions[4].hidden = True
    sheet.row_dimensions[40].hidden = True
    sheet.column_dimensions["C"].hidden = True
    sheet.column_dimensions["Z"].hidden = True
    for name, state in (("Hidden", "hidden"), ("Very", "veryHidden")):
        other = book.create_sheet(name)
        other["A1"] = name
        other.sheet_state = state
    book.save(tmp_path / "a.xlsx")
    upload = read_upload(tmp_path / "a.xlsx")
    visits = sheet_named(upload, "Visits")
    assert visits.merged == ((1, 1, 2, 4),)
    assert visits.hidden_rows == (4,)
    assert visits.hidden_columns == ("C",)
    assert [sheet.hidden for sheet in upload.sheets] == [False, True, True]
    assert grid(sheet_named(upload, "Very")) == {"A1": ("Very", "text")}
    assert grid(visits)["C4"] == ("43", "text")


def test_chinese_text_line_breaks_and_blanks_survive_unchanged(tmp_path: Path) -> None:
    texts = ["门静脉", " a ", "two\nlines", "non\u00a0breaking", "\ufeffmark", "１２", "=not a formula", "<a>&\"'"]
    with xlsxwriter.Workbook(str(tmp_path / "a.xlsx")) as book:
        sheet = book.add_worksheet("Entwürfe & 草稿")
        for row, text in enumerate(texts):
            sheet.write_string(row, 0, text)
    upload = read_upload(tmp_path / "a.xlsx")
    assert upload.sheets[0].sheet == "Entwürfe & 草稿"
    assert [text for text, _ in grid(upload.sheets[0]).values()] == texts


def test_a_writer_with_prefixes_and_single_quotes_is_read_like_any_other(tmp_path: Path) -> None:
    sheet = (
        f"<x:worksheet xmlns:x='{MAIN}'><x:sheetData><x:row r='2' hidden='1'>"
        "<x:c r='B2' t='e'><x:v>#REF!</x:v></x:c><x:c s='2' r='C2'><x:v>7</x:v></x:c>"
        "<x:c r='D2'><x:f>A1</x:f></x:c></x:row></x:sheetData></x:worksheet>"
    )
    read = read_upload(xlsx(tmp_path / "a.xlsx", "", worksheet=sheet)).sheets[0]
    assert grid(read) == {
        "B2": ("#REF!", "error"),
        "C2": ("007", "number"),
        "D2": ("=A1", "formula without value"),
    }
    assert read.hidden_rows == (2,)


def test_cells_without_references_stand_where_their_order_puts_them(tmp_path: Path) -> None:
    rows = '<row r="3"><c t="inlineStr"><is><t>a</t></is></c><c><v>2</v></c><c t="e"><v>#N/A</v></c></row>'
    assert first(xlsx(tmp_path / "a.xlsx", rows)) == {
        "A3": ("a", "text"),
        "B3": ("2", "number"),
        "C3": ("#N/A", "error"),
    }


def test_three_cells_at_the_ends_of_a_sheet_are_read_without_laying_out_the_sheet(tmp_path: Path) -> None:
    rows = (
        '<row r="1"><c r="A1"><v>1</v></c><c r="XFD1" t="e"><v>#N/A</v></c></row>'
        '<row r="1048576"><c r="XFD1048576" s="1"><v>45356</v></c></row>'
    )
    path = xlsx(tmp_path / "a.xlsx", rows, head='<dimension ref="A1:XFD1048576"/>')
    assert first(path) == {"A1": ("1", "number"), "XFD1": ("#N/A", "error"), "XFD1048576": ("2024-03-05", "date")}


def test_a_false_claim_about_the_used_range_changes_nothing(tmp_path: Path) -> None:
    rows = '<row r="1"><c r="A1"><v>1</v></c></row><row r="2"><c r="B2"><v>2</v></c><c r="C2"><v>3</v></c></row>'
    path = xlsx(tmp_path / "a.xlsx", rows, head='<dimension ref="A1:XFD1048576"/>')
    assert first(path) == {"A1": ("1", "number"), "B2": ("2", "number"), "C2": ("3", "number")}


def test_a_sheet_without_cells_is_an_empty_sheet(tmp_path: Path) -> None:
    openpyxl.Workbook().save(tmp_path / "a.xlsx")
    (sheet,) = read_upload(tmp_path / "a.xlsx").sheets
    assert sheet.text.height == 0
    assert sheet.text.columns == ["_row"]


def test_a_chart_sheet_is_ignored_with_a_note(tmp_path: Path) -> None:
    with xlsxwriter.Workbook(str(tmp_path / "a.xlsx")) as book:
        book.add_worksheet("Data").write(0, 0, 1)
        chart = book.add_chart({"type": "line"})
        chart.add_series({"values": "=Data!$A$1:$A$1"})
        book.add_chartsheet("Plot").set_chart(chart)
    upload = read_upload(tmp_path / "a.xlsx")
    assert [sheet.sheet for sheet in upload.sheets] == ["Data"]
    assert any("Plot" in note for note in upload.notes)


def test_many_rows_of_many_types_read_back_across_blocks(tmp_path: Path) -> None:
    days = [dt.date(2020, 1, 1) + dt.timedelta(days=i) for i in range(5000)]
    with xlsxwriter.Workbook(str(tmp_path / "a.xlsx")) as book:
        sheet = book.add_worksheet()
        style = book.add_format({"num_format": "yyyy-mm-dd"})
        padded = book.add_format({"num_format": "000"})
        for column, header in enumerate(("id", "day", "value", "number")):
            sheet.write_string(0, column, header)
        for i, day in enumerate(days, 1):
            sheet.write_number(i, 0, i % 1000, padded)
            if i % 3:
                sheet.write_datetime(i, 1, dt.datetime.combine(day, dt.time()), style)
            sheet.write_number(i, 2, i / 8)
            sheet.write_string(i, 3, str(i)) if i % 2 else sheet.write_number(i, 3, i)
    read: RawSheet = read_upload(tmp_path / "a.xlsx").sheets[0]
    assert read.text["A"].to_list() == ["id", *(f"{i % 1000:03d}" for i in range(1, 5001))]
    assert read.text["B"].to_list() == ["day", *(d.isoformat() if i % 3 else None for i, d in enumerate(days, 1))]
    assert [float(v) for v in read.text["C"].to_list()[1:]] == [i / 8 for i in range(1, 5001)]
    assert read.kinds["D"].to_list() == [1, *(1 if i % 2 else 2 for i in range(1, 5001))]
