"""The fast way of reading a column answers what the long way answers, or steps aside."""

from __future__ import annotations

import datetime as dt

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cdiscx.model.spec import Column, Study
from cdiscx.model.table import BLANK, DATE, ERROR, NO_CACHE, NUMBER, TEXT
from cdiscx.tidy.cells import DTYPES, _by_expressions, _one_by_one, interpret_cells
from cdiscx.tidy.plain import read_plain
from cdiscx.tidy.reading import Context
from cdiscx.tidy.words import loose

STUDY = Study.load("palhep-a")
CONTEXT = Context(dt.date(2024, 6, 1), 1900, "YMD", frozenset(map(loose, STUDY.missing_words)), "t", {}, ())
COLUMNS = [
    Column(is_="X", type="text"),
    Column(is_="X", type="id"),
    Column(is_="X", type="date"),
    Column(is_="X", type="num", unit="mm", unit_column="U"),
    Column(is_="X", type="num"),
]
TEXTS = st.one_of(
    st.sampled_from(
        [
            "007",
            "S-1",
            "N/A",
            "na",
            "-",
            ".",
            " x",
            "a  b",
            "３",
            "#N/A",
            "unknown",
            "Nausea",
            "≥3",
            "ND",
            "不详",
            "a b",
        ]
    ),
    st.text(max_size=6),
)
CELLS = st.one_of(
    st.just((None, BLANK)),
    st.tuples(TEXTS.filter(bool), st.just(TEXT)),
    st.dates(dt.date(1899, 1, 1), dt.date(2030, 1, 1)).map(lambda d: (d.isoformat(), DATE)),
    st.sampled_from([("2024-03-05T09:30:00", DATE)]),
    st.floats(-1e6, 1e6, allow_nan=False).map(lambda f: (repr(f), NUMBER)),
    st.integers(-100, 100_000).map(lambda i: (str(i), NUMBER)),
    st.sampled_from([("007", NUMBER), ("25%", NUMBER), ("1e-07", NUMBER)]),
)


def frame(cells, unit):
    raw = pl.Series("raw", [c[0] for c in cells], dtype=pl.String)
    kind = pl.Series("kind", [c[1] for c in cells], dtype=pl.UInt8)
    return pl.DataFrame({"raw": raw, "kind": kind, "unit": pl.Series("unit", [unit] * len(cells), dtype=pl.String)})


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(COLUMNS),
    st.one_of(st.lists(CELLS, min_size=1, max_size=6), *(st.lists(c, min_size=1, max_size=6) for c in (
        st.tuples(TEXTS.filter(bool), st.just(TEXT)),
        st.dates(dt.date(1909, 12, 1), dt.date(2026, 2, 1)).map(lambda d: (d.isoformat(), DATE)),
        st.floats(0, 400, allow_nan=False).map(lambda f: (repr(round(f, 2)), NUMBER)),
    ))),
    st.sampled_from([None, "mm", "cm"]),
)  # fmt: skip
def test_the_fast_way_never_answers_otherwise(column, cells, unit):
    given_cells = frame(cells, unit)
    fast = read_plain(given_cells, column, CONTEXT, DTYPES[column.type])
    if fast is None:
        return
    slow = interpret_cells(given_cells, column, CONTEXT)
    names = ["raw", "value", "why", "problem", "detail"]  # read_as is only looked at beside a problem
    names += ["typed"] if column.type in ("num", "date") else []
    assert fast.select(names).equals(slow.select(names).cast(fast.select(names).schema), null_equal=True)


@pytest.mark.parametrize(
    ("column", "cells"),
    [
        (COLUMNS[0], [("Nausea", TEXT), (None, BLANK)]),
        (COLUMNS[1], [("007", TEXT)]),
        (COLUMNS[2], [("2024-03-05", DATE)]),
        (COLUMNS[2], [("2024-03-05", TEXT)]),
        (COLUMNS[3], [("32.5", NUMBER)]),
        (COLUMNS[3], [("32.5", TEXT)]),
    ],
)
def test_plain_columns_take_the_fast_way(column, cells):
    assert read_plain(frame(cells, "mm"), column, CONTEXT, DTYPES[column.type]) is not None


@pytest.mark.parametrize(
    ("column", "cells"),
    [
        (COLUMNS[0], [("N/A", TEXT)]),
        (COLUMNS[2], [("1904-01-01", DATE)]),
        (COLUMNS[2], [("2026-01-01", DATE)]),
        (COLUMNS[3], [("25%", NUMBER)]),
        (COLUMNS[4], [("3 mm", TEXT)]),
        (COLUMNS[2], [("05MAR2024", TEXT)]),
    ],
)
def test_anything_to_interpret_takes_the_long_way(column, cells):
    assert read_plain(frame(cells, "mm"), column, CONTEXT, DTYPES[column.type]) is None


ALL_KINDS = [
    *COLUMNS,
    Column(is_="X", type="yn"),
    Column(is_="X", type="term", terms={"Nausea": ("ND", "S-1"), "C": ("3",)}),
    Column(is_="X", type="terms", terms={"Nausea": ("ND",), "C": ("3",)}),
    Column(is_="X", type="lesion"),
]
ANY_CELL = st.one_of(
    CELLS,
    st.sampled_from(
        [(None, NO_CACHE), ("#N/A", ERROR), ("  ", TEXT), (" #REF!", TEXT), ("05MAR2024 ", TEXT), ("Y", TEXT)]
    ),
)


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(ALL_KINDS), st.lists(ANY_CELL, min_size=1, max_size=8), st.sampled_from([None, "mm", "cm"]))
def test_a_column_read_text_by_text_answers_what_expressions_answer(column, cells, unit):
    given_cells = frame(cells, unit)
    short, long = (way(given_cells, column, CONTEXT) for way in (_one_by_one, _by_expressions))
    assert short.equals(long.select(short.columns), null_equal=True)
