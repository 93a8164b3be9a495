"""The formats that are not .xlsx: OpenDocument, the old binary one and the new binary one."""

from __future__ import annotations

import struct
from pathlib import Path

from read_packages import first, grid, ods, sheet_named, xlsb

from cdiscx.read import read_upload

FIXTURES = Path(__file__).parent / "fixtures"


def cell(kind: str, shown: str = "", **more: str) -> str:
    attributes = "".join(f' {name.replace("__", ":").replace("_", "-")}="{value}"' for name, value in more.items())
    return f'<table:table-cell office:value-type="{kind}"{attributes}><text:p>{shown}</text:p></table:table-cell>'


def test_every_kind_of_ods_cell_keeps_its_kind_and_its_text(tmp_path: Path) -> None:
    cells = [
        cell("string", "<text:s text:c='2'/>a<text:tab/><text:span>b</text:span>"),
        cell("float", "007", office__value="7"),
        cell("float", "3.20", office__value="3.2"),
        cell("date", "5 Mar 24", office__date_value="2024-03-05"),
        cell("date", "", office__date_value="2024-03-05T09:30:00"),
        cell("time", "", office__time_value="PT36H30M00S"),
        cell("boolean", "WAHR", office__boolean_value="true"),
        cell("string", "#DIV/0!", table__formula="of:=1/0", calcext__value_type="error"),
        '<table:table-cell table:formula="of:=[.A1]+1"/>',
        cell("float", "2", office__value="2", table__formula="of:=1+1"),
    ]
    table = f'<table:table table:name="S"><table:table-row>{"".join(cells)}</table:table-row></table:table>'
    upload = read_upload(ods(tmp_path / "a.ods", table))
    assert list(grid(upload.sheets[0]).values()) == [
        ("  a\tb", "text"),
        ("007", "number"),
        ("3.2", "number"),
        ("2024-03-05", "date"),
        ("2024-03-05T09:30:00", "date"),
        ("36:30:00", "time"),
        ("TRUE", "bool"),
        ("#DIV/0!", "error"),
        ("=[.A1]+1", "formula without value"),
        ("2", "number"),
    ]
    assert upload.sheets[0].formulas == 2


def test_repeated_merged_and_hidden_things_of_an_ods_stand_where_they_are_shown(tmp_path: Path) -> None:
    styles = '<style:style style:name="off"><style:table-properties table:display="false"/></style:style>'
    table = (
        '<table:table table:name="Hidden" table:style-name="off">'
        '<table:table-column table:number-columns-repeated="2"/><table:table-column table:visibility="collapse"/>'
        '<table:table-row table:number-rows-repeated="3"><table:table-cell/></table:table-row>'
        '<table:table-row table:visibility="collapse"><table:table-cell table:number-columns-repeated="2"/>'
        f"{cell('string', 'x', table__number_columns_repeated='2')}</table:table-row>"
        f"<table:table-row table:number-rows-repeated='2'>{cell('string', 'y')}</table:table-row>"
        "<table:table-row><table:table-cell table:number-columns-spanned='3' table:number-rows-spanned='2'/>"
        "<table:covered-table-cell table:number-columns-repeated='2'/></table:table-row>"
        '<table:table-row table:number-rows-repeated="1048000"><table:table-cell '
        'table:number-columns-repeated="16384"/></table:table-row></table:table>'
    )
    (sheet,) = read_upload(ods(tmp_path / "a.ods", table, styles=styles)).sheets
    assert grid(sheet) == {"C4": ("x", "text"), "D4": ("x", "text"), "A5": ("y", "text"), "A6": ("y", "text")}
    assert (sheet.hidden, sheet.hidden_rows, sheet.hidden_columns) == (True, (4,), ("C",))
    assert sheet.merged == ((7, 1, 8, 3),)


def test_an_xls_keeps_errors_padding_dates_and_what_is_hidden() -> None:
    upload = read_upload(FIXTURES / "visits.xls")
    visits = sheet_named(upload, "Visits")
    cells = grid(visits)
    assert cells["C4"] == ("2024-03-05", "date")
    assert cells["C5"] == ("2024-03-05T09:30:00", "date")
    assert (cells["C6"], cells["D6"]) == (("#N/A", "error"), ("#DIV/0!", "error"))
    assert (cells["B4"], cells["E4"], cells["E5"]) == (("007", "text"), ("007", "number"), ("012", "number"))
    assert (cells["B5"], cells["B7"]) == (("A-1 ", "text"), ("门静脉", "text"))
    assert (cells["D5"], cells["D7"]) == (("70", "number"), ("0.30000000000000004", "number"))
    assert (cells["F4"], cells["F5"], cells["F6"]) == (("TRUE", "bool"), ("FALSE", "bool"), ("08:30:00", "time"))
    assert visits.merged == ((1, 1, 1, 6),)
    assert (visits.hidden_rows, visits.hidden_columns) == ((5,), ("D",))
    assert [sheet.hidden for sheet in upload.sheets] == [False, True, True]


def test_an_xls_whose_data_start_far_from_a1_keeps_its_places() -> None:
    assert first(FIXTURES / "far_from_a1.xls") == {
        "C5": ("a", "text"),
        "D6": ("#N/A", "error"),
        "E6": ("1", "number"),
    }


def test_an_xls_of_the_1904_system_shows_the_same_days() -> None:
    upload = read_upload(FIXTURES / "dates_1904.xls")
    assert upload.date_system == 1904
    assert grid(upload.sheets[0]) == {"A1": ("2024-03-05", "date")}


def test_an_xlsb_keeps_errors_padding_dates_and_hidden_rows(tmp_path: Path) -> None:
    text = "门静脉"
    rows = {
        2: [(1, 0, 6, struct.pack("<I", len(text)) + text.encode("utf-16-le")), (2, 0, 5, struct.pack("<d", 3.2))],
        3: [(1, 1, 5, struct.pack("<d", 7.0)), (2, 2, 5, struct.pack("<d", 45356.0)), (3, 0, 3, b"\x2a")],
        4: [(3, 0, 4, b"\x01"), (4, 0, 3, b"\x07")],
    }
    upload = read_upload(xlsb(tmp_path / "a.xlsb", rows, hidden=(3,)))
    assert grid(upload.sheets[0]) == {
        "B3": ("门静脉", "text"),
        "C3": ("3.2", "number"),
        "B4": ("007", "number"),
        "C4": ("2024-03-05", "date"),
        "D4": ("#N/A", "error"),
        "D5": ("TRUE", "bool"),
        "E5": ("#DIV/0!", "error"),
    }
    assert upload.sheets[0].hidden_rows == (4,)
