"""A share that the sheet shows as a percentage is read as that percentage: 0.1 shown as 10 % is MPR, 0.1 % is pCR's neighbour."""

from __future__ import annotations

import datetime as dt

import openpyxl
import pytest

from cdiscx.model.spec import Study
from cdiscx.model.table import NUMBER
from cdiscx.read import read_upload
from cdiscx.tidy import tidy


def workbook(tmp_path, rows):
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "Pathology"
    for r, row in enumerate(rows, 1):
        for c, cell in enumerate(row, 1):
            value, form = cell if isinstance(cell, tuple) else (cell, None)
            sheet.cell(r, c, value)
            if form:
                sheet.cell(r, c).number_format = form
    path = tmp_path / "p.xlsx"
    book.save(path)
    return path


@pytest.mark.parametrize(
    ("value", "form", "text"),
    [(0.1, "0%", "10%"), (0.105, "0.00%", "10.5%"), (0.07, "0%", "7%"), (1, "0%", "100%"), (0, "0%", "0%"), (-0.3333, "0.0%", "-33.33%"),
     (0.1, '0.0"%"', "0.1"), (0.25, "0.00", "0.25")],
)  # fmt: skip
def test_a_percent_format_is_part_of_the_value(tmp_path, value, form, text):
    sheet = read_upload(workbook(tmp_path, [["Viable"], [(value, form)]])).sheets[0]
    assert sheet.text["A"].to_list() == ["Viable", text]
    assert sheet.kinds["A"][1] == NUMBER


def test_a_viable_percentage_typed_as_10_percent_is_10(tmp_path):
    path = workbook(
        tmp_path,
        [
            ["Subject ID", "Specimen Date", "Viable Tumour %"],
            ["S1", dt.datetime(2024, 3, 5), (0.1, "0%")],
            ["S2", dt.datetime(2024, 3, 5), 10],
        ],
    )
    data = tidy(Study.load("neopvtt-b"), [read_upload(path)], today=dt.date(2024, 6, 1))
    assert data.tidy["pathology"].frame["MIVIAB"].to_list() == [10.0, 10.0]
