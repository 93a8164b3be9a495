"""The cells of a sheet as text in a new workbook: the marked ones as openpyxl's cells, all others straight as XML."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

import polars as pl
from openpyxl.cell.cell import Cell
from openpyxl.utils import column_index_from_string, coordinate_to_tuple, get_column_letter

from cdiscx.model.table import RawSheet
from cdiscx.report import words

#: longest text of a cell; Excel takes 32,767 characters
_LONGEST = 32_000
_ROWS = re.compile(r"<sheetData\s*/>|<sheetData>.*?</sheetData>", re.DOTALL)
_CELL = re.compile(r'<c r="([A-Z]+)([0-9]+)"[^>]*?(?:/>|>.*?</c>)', re.DOTALL)
_NOT_XML = r"[^\t\n\r\x20-\x{d7ff}\x{e000}-\x{fffd}\x{10000}-\x{10ffff}]"
_ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "\r": "&#13;"}


class Plain:
    """The page of a new workbook that shows a sheet as read.

    What findings mark are cells of the page, with their values as text (`show`). The page's own writer writes those, and
    `with_rows` puts all others around them: a cell as an object takes a hundred times as long.
    """

    def __init__(self, page: Any, sheet: RawSheet) -> None:
        self.page = page
        letters = [name for name in sheet.text.columns if name != "_row"]
        self.numbers = sheet.text.get_column("_row").to_list()
        self.places = {row: place for place, row in enumerate(self.numbers)}
        self.texts = {at: _safe(sheet.text.get_column(letter)) for at, letter in enumerate(letters, start=1)}
        for at, text in self.texts.items():
            longest = max([9, *text.drop_nulls().head(200).str.len_chars().to_list()])
            page.column_dimensions[get_column_letter(at)].width = min(longest + 2, 44)
        used = {at: text.is_not_null().arg_true() for at, text in self.texts.items() if text.null_count() < text.len()}
        if used:  # the page's extent; what has neither value nor format is not written
            page.cell(self.numbers[min(places[0] for places in used.values())], min(used))
            page.cell(self.numbers[max(places[-1] for places in used.values())], max(used))

    def show(self, cells: Iterable[str], rows: Iterable[int]) -> None:
        """Makes cells of the page: those named, and in each of `rows` the first that holds anything."""
        wanted = {coordinate_to_tuple(cell) for cell in cells}
        wanted |= {(row, at) for row in rows if (at := next((at for at in self.texts if self._at(row, at)), None))}
        for row, at in wanted:
            if value := self._at(row, at):
                cell = self.page.cell(row, at)
                cell.value, cell.data_type, cell.number_format = value, "s", "@"

    def _at(self, row: int, at: int) -> str | None:
        return self.texts[at][self.places[row]] if row in self.places and at in self.texts else None

    def with_rows(self, written: bytes) -> bytes:
        """The page's XML as its own writer wrote it, with every cell of the sheet in it."""
        page = written.decode()
        held = _ROWS.search(page)
        if held is None:
            raise ValueError(f"{self.page.title}: the page was written without rows")
        marked: dict[int, dict[int, str]] = defaultdict(dict)
        for cell in _CELL.finditer(held[0]):
            marked[column_index_from_string(cell[1])][int(cell[2])] = cell[0]
        numbers = sorted({*self.numbers, *(row for rows in marked.values() for row in rows)})
        places = {row: place for place, row in enumerate(numbers)}
        sheet = pl.DataFrame({"row": self.numbers, **{str(at): text for at, text in self.texts.items()}})
        sheet = pl.DataFrame({"row": numbers}).join(sheet, on="row", how="left", maintain_order="left")
        look = Cell(self.page)
        look.number_format = "@"
        cells = sheet.select("row", *(_xml(at, look.style_id).alias(str(at)) for at in self.texts))
        for at, rows in sorted(marked.items()):
            column = cells.get_column(str(at)) if at in self.texts else pl.Series(str(at), [""] * cells.height)
            cells = cells.with_columns(column.scatter([places[row] for row in rows], list(rows.values())))
        whole = cells.select("row", pl.concat_str(pl.lit(""), pl.exclude("row")).alias("cells")).filter(
            pl.col("cells") != ""
        )
        lines = whole.select(pl.format('<row r="{}">{}</row>', "row", "cells")).to_series().to_list()
        return f"{page[: held.start()]}<sheetData>{''.join(lines)}</sheetData>{page[held.end() :]}".encode()


def _safe(text: pl.Series) -> pl.Series:
    """What XML can hold, and a cell of Excel."""
    text = text.cast(pl.String)
    if text.str.contains(_NOT_XML).any():
        text = pl.Series(text.name, [None if t is None else words.xml_safe(t) for t in text.to_list()], dtype=pl.String)
    return text.str.head(_LONGEST)


def _xml(at: int, style: int) -> pl.Expr:
    """A column's cells as the page's writer would write them; nothing where there is no text."""
    text = pl.col(str(at))
    kept = pl.when(text == text.str.strip_chars()).then(pl.lit("")).otherwise(pl.lit(' xml:space="preserve"'))
    cell = f'<c r="{get_column_letter(at)}{{}}" s="{style}" t="inlineStr"><is><t{{}}>{{}}</t></is></c>'
    said = text.str.replace_many(list(_ESCAPES), list(_ESCAPES.values()))
    return pl.when(text.is_null()).then(pl.lit("")).otherwise(pl.format(cell, "row", kept, said))
