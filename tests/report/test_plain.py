"""Cells written straight as XML are those that openpyxl would have written."""

from __future__ import annotations

import io
import xml.etree.ElementTree as ET

import polars as pl
import pytest
from openpyxl import Workbook
from openpyxl.comments import Comment
from openpyxl.utils import get_column_letter
from openpyxl.worksheet._writer import WorksheetWriter

from cdiscx.model.table import RawSheet
from cdiscx.report import words
from cdiscx.report.plain import Plain

TEXTS = [
    "007",
    "=1+1",
    "a & b",
    '<c r="A1"/>',
    "</c></row>",
    " ahead",
    "behind\n",
    "\x02",
    "_x000D_",
    "x\ry",
    "\ufffe",
    "ü 𝔘 \u00a0",
    "'",
    "a\tb",
]


def sheet_of(rows: dict[int, list[str | None]]) -> RawSheet:
    width = max(len(cells) for cells in rows.values())
    columns = {
        get_column_letter(at + 1): [cells[at] if at < len(cells) else None for cells in rows.values()]
        for at in range(width)
    }
    text = pl.DataFrame(
        [
            pl.Series("_row", list(rows), dtype=pl.UInt32),
            *(pl.Series(n, v, dtype=pl.String) for n, v in columns.items()),
        ]
    )
    return RawSheet("site-01", "Visits", text, text)


def as_objects(page, rows: dict[int, list[str | None]], marks: dict[str, str]) -> None:
    for row, cells in rows.items():
        for at, text in enumerate(cells, start=1):
            if text is not None:
                cell = page.cell(row, at)
                cell.value, cell.data_type, cell.number_format = words.xml_safe(text)[:32_000], "s", "@"
    marked(page, marks)


def marked(page, marks: dict[str, str]) -> None:
    for at, text in marks.items():
        page[at].comment = Comment(text, "cdiscx")


def written(page) -> bytes:
    writer = WorksheetWriter(page, out=io.BytesIO())
    writer.write()
    return writer.read()


@pytest.mark.parametrize(
    ("rows", "marks"),
    [
        ({1: ["Subject ID", "Visit"], 2: ["101", "WEEK 3"]}, {}),
        ({1: TEXTS, 4: TEXTS[::-1]}, {"A1": "x", "C4": "y", "N4": "z"}),
        ({2: [None, "b", None], 5: [None, None, "c"], 9: [None, "d", None]}, {"B2": "x"}),
        ({1: ["a"], 2: [None], 3: ["b"]}, {"C2": "a cell outside", "A9": "a row behind"}),
        ({1: ["x" * 40_000, None]}, {"A1": "long"}),
    ],
)
def test_the_page_is_what_openpyxl_writes(rows: dict[int, list[str | None]], marks: dict[str, str]):
    ours, theirs = Workbook().active, Workbook().active
    plain = Plain(ours, sheet_of(rows))
    plain.show(marks, [])
    marked(ours, marks)
    as_objects(theirs, rows, marks)
    for at, size in ours.column_dimensions.items():
        theirs.column_dimensions[at].width = size.width
    assert ET.canonicalize(plain.with_rows(written(ours))) == ET.canonicalize(written(theirs))
    assert len(ours._cells) <= len(marks) + 2


def test_a_row_without_a_named_cell_shows_its_first_text():
    page = Workbook().active
    Plain(page, sheet_of({1: ["a", "b"], 2: [None, "c"], 3: [None, None]})).show([], [2, 3, 7])
    assert {at: cell.value for at, cell in page._cells.items() if cell.value is not None} == {(2, 2): "c"}


def test_a_page_without_cells_stays_empty():
    page = Workbook().active
    made = Plain(
        page, RawSheet("site-01", "Visits", pl.DataFrame(schema={"_row": pl.UInt32}), pl.DataFrame())
    ).with_rows(written(page))
    assert [child.tag.split("}")[1] for child in ET.fromstring(made)].count("sheetData") == 1


def test_every_text_is_read_back_as_it_was():
    book = Workbook()
    plain = Plain(book.active, sheet_of({1: [*TEXTS, " \t "]}))
    kept = [t for t in [*TEXTS, " \t "] if not set(t) & set("\x02\ufffe")]
    made = plain.with_rows(written(book.active))
    shown = [t.text for t in ET.fromstring(made).iter() if t.tag.endswith("}t")]
    assert [t for t in shown if t in kept] == kept
    assert len(shown) == len(TEXTS) + 1
