"""Rows of an ADaM dataset are put in the order of their sort keys by whole numbers: the same as sorting by the keys."""

from __future__ import annotations

import datetime as dt

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdiscx.adam import Context
from cdiscx.adam._finish import _in_order, _order
from cdiscx.model.dataset import Dataset, Variable
from cdiscx.model.spec import Study

DAY = st.one_of(st.none(), st.dates(dt.date(2020, 1, 1), dt.date(2020, 1, 4)))
WORD = st.one_of(st.none(), st.sampled_from(["OVR", "DOVR", "b", ""]))
NUMBER = st.one_of(st.none(), st.sampled_from([1.0, 2.0, 2.5, 1e12]))
ROW = st.tuples(st.integers(0, 3), WORD, DAY, NUMBER, WORD, NUMBER)
NAMES = ("at", "word", "day", "number", "other", "last")
TYPES = (pl.UInt32, pl.String, pl.Date, pl.Float64, pl.String, pl.Float64)


@given(st.lists(ROW, max_size=40), st.integers(1, len(NAMES)))
def test_the_order_is_that_of_the_keys_with_blanks_last_and_equal_rows_as_they_stood(rows: list, keys: int) -> None:
    frame = pl.DataFrame(rows, schema=dict(zip(NAMES, TYPES, strict=True)), orient="row").select(NAMES[:keys])
    expected = frame.with_row_index("row").sort(NAMES[:keys], nulls_last=True, maintain_order=True)["row"]
    assert _order(frame.get_columns()).to_list() == expected.to_list()


@pytest.mark.parametrize("far", [1, 2**40, 2**61])
def test_keys_that_do_not_fit_into_one_number_are_sorted_by_as_many_as_they_take(far: int) -> None:
    frame = pl.DataFrame({"at": [3, 0, 3, 0], "a": [far, 0, 0, far], "b": [0, far, far, 0], "c": ["x", "y", "y", "x"]})
    expected = frame.with_row_index("row").sort(frame.columns, maintain_order=True)["row"]
    assert _order(frame.get_columns()).to_list() == expected.to_list()


@pytest.mark.parametrize("rows", [1, 3])
def test_rows_that_have_nothing_to_tell_them_apart_are_numbered_as_they_stand(rows: int) -> None:
    people = pl.DataFrame({"USUBJID": ["S1", "S2"], "AGE": [50, 60]})
    adsl = Dataset("ADSL", "", "", "", ("USUBJID",), (Variable("USUBJID", ""), Variable("AGE", "")), people)
    ctx = Context(Study.load("palhep-a"), dt.date(2025, 1, 1), {}, {"ADSL": adsl})
    alike = pl.DataFrame({"USUBJID": ["S2"] * rows, "AVAL": [1.0] * rows, "_from": [None] * rows})
    made = _in_order(ctx, alike, ["AGE"], ["AVAL"])
    assert made.select("USUBJID", "AGE", "AVAL", "ASEQ").rows() == [("S2", 60, 1.0, n + 1) for n in range(rows)]
