"""Whatever grid is written comes back, at the same places, whichever of the two .xlsx readers reads it."""

from __future__ import annotations

import datetime as dt
import io
import string
from pathlib import Path
from typing import Any

import openpyxl
from hypothesis import given, settings
from hypothesis import strategies as st
from read_packages import grid

from cdiscx.model.table import DATE, NUMBER, TEXT, letter
from cdiscx.read import details, read_upload
from cdiscx.read.archive import open_archive
from cdiscx.read.cells import frames, number_text
from cdiscx.read.limits import Limits
from cdiscx.read.parts import pad, plan_of
from cdiscx.read.scattered import cells_of

TEXTS = st.text(string.ascii_letters + string.digits + " .,;#/<>&'\"\n-门静脉１é", min_size=1, max_size=12)
NUMBERS = st.one_of(
    st.integers(-(10**9), 10**9), st.floats(-1e12, 1e12, allow_nan=False).filter(lambda x: x == 0 or abs(x) > 1e-9)
)
DAYS = st.dates(dt.date(1900, 3, 1), dt.date(2999, 12, 31))
MOMENTS = st.datetimes(dt.datetime(1901, 1, 1), dt.datetime(2999, 12, 31)).map(lambda x: x.replace(microsecond=0))
ERRORS = st.sampled_from(["#N/A", "#REF!", "#VALUE!", "#DIV/0!"])
VALUES = st.one_of(TEXTS, NUMBERS, st.booleans(), DAYS, MOMENTS, ERRORS)
PLACES = st.tuples(st.integers(1, 60), st.integers(1, 30))


def expected(value: Any) -> tuple[str, str]:
    if isinstance(value, bool):
        return ("TRUE" if value else "FALSE"), "bool"
    if isinstance(value, dt.datetime):
        midnight = value.time() == dt.time()
        return (value.date().isoformat() if midnight else value.isoformat()), "date"
    if isinstance(value, dt.date):
        return value.isoformat(), "date"
    if isinstance(value, int | float):
        return number_text(float(f"{value:.16g}")), "number"  # openpyxl writes 16 digits
    if value in ("#N/A", "#REF!", "#VALUE!", "#DIV/0!"):
        return value, "error"
    return value, "text"


@settings(max_examples=60, deadline=None)
@given(cells=st.dictionaries(PLACES, VALUES, max_size=40))
def test_a_random_grid_written_by_openpyxl_reads_back_the_same(
    tmp_path_factory: Any, cells: dict[tuple[int, int], Any]
) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    for (row, column), value in cells.items():
        made = sheet.cell(row, column)
        made.value = value
        if isinstance(value, str) and expected(value)[1] == "text":
            made.data_type = "s"
    held = io.BytesIO()
    book.save(held)
    path: Path = tmp_path_factory.mktemp("grid") / "a.xlsx"
    path.write_bytes(held.getvalue())
    wanted = {f"{letter(column - 1)}{row}": expected(value) for (row, column), value in cells.items()}
    assert grid(read_upload(path).sheets[0]) == wanted
    archive = open_archive(held.getvalue(), "a.xlsx", Limits())
    plan = plan_of(archive)
    slow = cells_of(archive, plan.sheets[0], plan, details.Details())
    assert {f"{letter(column)}{row + 1}": text for (row, column), (text, _) in slow.items()} == {
        place: text for place, (text, _) in wanted.items()
    }


@given(values=st.lists(st.one_of(NUMBERS.map(float), st.just(""), st.none()), min_size=1, max_size=50))
def test_a_column_of_numbers_is_written_as_python_writes_each(values: list[Any]) -> None:
    text, kinds = frames([[value, "x"] for value in values])
    assert text["A"].to_list() == [None if v in ("", None) else number_text(v) for v in values]
    assert kinds["A"].to_list() == [0 if v in ("", None) else NUMBER for v in values]
    assert kinds["B"].to_list() == [TEXT] * len(values)


@given(values=st.lists(DAYS, min_size=1, max_size=20))
def test_a_column_of_days_is_iso_text(values: list[dt.date]) -> None:
    text, kinds = frames([[value] for value in values])
    assert text["A"].to_list() == [value.isoformat() for value in values]
    assert kinds["A"].to_list() == [DATE] * len(values)


def test_whole_numbers_are_padded_as_their_format_says_and_others_are_left_alone() -> None:
    assert pad("000", 7) == "007"
    assert pad("000", 1234) == "1234"
    assert pad("000", -7) == "-007"
    assert pad("000;-000", 7) == "007"
    assert pad('"S"000', 7) == "S007"
    assert pad("00\\-000", 1007) == "01-007"
    assert pad("00-000", 1007) == "01-007"
    assert pad("000", 7.5) is None
    assert pad("0", 7) is None
    assert pad("0.00", 7) is None
    assert pad("#,##0", 7) is None
    assert pad("yyyy-mm-dd", 7) is None
    assert pad("General", 7) is None
