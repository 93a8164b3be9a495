"""Numbers and units as sites type them."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typed_upload import upload

from cdiscx.model.spec import Column, Study
from cdiscx.model.table import NUMBER, TEXT, StudyData
from cdiscx.standards.units import factor, lab_factor, read_unit
from cdiscx.tidy import tidy
from cdiscx.tidy.names import _ALL_PREFIXES, lesion_id
from cdiscx.tidy.numbers import parse_number, read_numbers
from cdiscx.tidy.reading import Context

STUDY = Study.load("palhep-a")
TODAY = dt.date(2024, 12, 31)


def read(sheet: str, head: list[str], rows: list[list[Any]]) -> StudyData:
    return tidy(STUDY, [upload({sheet: [["Subject ID", *head], *[["S1", *row] for row in rows]]})], today=TODAY)


def frame(data: StudyData, table: str) -> pl.DataFrame:
    return data.tidy[table].frame


def kinds(data: StudyData, column: str) -> list[str]:
    assert data.problems is not None
    return data.problems.filter(pl.col("column") == column, pl.col("_rid").is_not_null())["kind"].to_list()


@pytest.mark.parametrize(
    ("typed", "value", "kind"),
    [(70, 70.0, None), ("70", 70.0, None), ("70.5", 70.5, None), ("70,5", 70.5, "number_as_text"), ("７０．５", 70.5, "number_as_text"),
     (" 70 ", 70.0, None), ("<70", 70.0, None), ("≤ 70", 70.0, None), (">=70", 70.0, None), ("<70,5", 70.5, "number_as_text"),
     ("â‰¥70", 70.0, "mojibake"), ("70kg", 70.0, "unit_in_cell"), ("70 KG", 70.0, "unit_in_cell"), ("70 公斤", 70.0, "unit_in_cell"),
     ("140斤", 70.0, "unit_in_cell"), ("154.32 lb", 69.998374538, "unit_in_cell"), ("70000 g", 70.0, "unit_in_cell"),
     ("70 stones", None, "unknown_unit"), ("70 cm", None, "unknown_unit"), ("seventy", None, "not_a_number"), ("70-75", None, "not_a_number"),
     ("70 x 80 kg", None, "not_a_number"), ("1,23,4", None, "not_a_number"), ("70 (approx)", None, "not_a_number"),
     (dt.date(2024, 3, 5), None, "not_a_number"), (True, None, "not_a_number"), ({"error": "#DIV/0!"}, None, "error_cell"),
     ("1e400", None, "not_a_number"), ("-70", -70.0, None), ("−70", -70.0, "number_as_text")],
)  # fmt: skip
def test_a_weight_is_read_as_typed(typed: Any, value: float | None, kind: str | None):
    data = read("Visits", ["Visit", "Weight"], [["DAY 1", typed]])
    assert frame(data, "visits")["WEIGHT"].to_list() == [value]
    assert kinds(data, "WEIGHT") == ([kind] if kind else [])
    expected = None if isinstance(typed, dict) else str(typed).upper().strip() if typed is True else str(typed).strip()
    assert frame(data, "visits")["WEIGHTC"].to_list() == [expected]


@pytest.mark.parametrize(
    ("text", "value", "other"),
    [("1,234.5", 1234.5, None), ("1.234,5", 1234.5, None), ("1,234", 1.234, 1234.0), ("1,234,567", 1234567.0, None), ("1.234.567", 1234567.0, None),
     ("1 234,5", 1234.5, None), ("1'234.5", 1234.5, None), ("0,123", 0.123, None), ("12,34", 12.34, None), ("1.234", 1.234, None), (",5", 0.5, None), ("5.", 5.0, None)],
)  # fmt: skip
def test_thousands_are_read_only_where_they_are_certain(text: str, value: float, other: float | None):
    parsed = parse_number(text)
    assert (parsed.value, parsed.other) == (value, other)


def test_a_comma_before_three_digits_is_settled_by_the_range_or_reported_with_both_readings():
    lesions = read("Target Lesions", ["Lesion ID", "Diameter"], [["T1", "12,345"]])
    assert frame(lesions, "targets")["LDIAM"].to_list() == [12.345]
    weights = read("Visits", ["Visit", "Weight"], [["DAY 1", "65,500"]])
    assert frame(weights, "visits")["WEIGHT"].to_list() == [65.5]
    doses = read("Dosing", ["Drug", "Dose", "Dose Unit"], [["Durvalumab", "1,500", "mg"]])
    assert frame(doses, "dosing")["EXDOSE"].to_list() == [None]
    assert kinds(doses, "EXDOSE") == ["ambiguous_number"]
    assert doses.problems is not None
    assert "It could be 1.5 or 1500." in doses.problems["detail"].to_list()


@pytest.mark.parametrize(
    ("heading", "unit", "typed", "value"),
    [("Diameter", None, 32, 32.0), ("Diameter", "mm", 32, 32.0), ("Diameter", "cm", 3.2, 32.0), ("Diameter", "厘米", "3,3", 33.0),
     ("Diameter (cm)", None, 3.3, 33.0), ("Diameter (cm)", "mm", 33, 33.0), ("Diameter", "mm", "3.2 cm", 32.0), ("Diameter", "cm", "32mm", 32.0),
     ("Diameter", "cm", 1.1, 11.0), ("Diameter", "cm", 0.7, 7.0), ("Diameter", None, "32㎜", 32.0)],
)  # fmt: skip
def test_the_unit_of_a_length_is_that_of_the_cell_then_the_row_then_the_heading(
    heading: str, unit: str | None, typed: Any, value: float
):
    data = read("Target Lesions", ["Lesion ID", heading, "Unit"], [["T1", typed, unit]])
    assert frame(data, "targets")["LDIAM"].to_list() == [value]


def test_a_length_in_an_unreadable_unit_is_not_taken_for_millimetres():
    data = read("Target Lesions", ["Lesion ID", "Diameter", "Unit"], [["T1", 3, "inch"], ["T2", "3 cm", "inch"]])
    assert frame(data, "targets")["LDIAM"].to_list() == [None, 30.0]
    assert kinds(data, "TRUNIT") == ["not_in_list", "not_in_list"]
    assert frame(data, "targets")["TRUNIT"].to_list() == [None, "cm"]


def test_a_dose_with_its_own_unit_fills_the_unit_column_and_is_logged():
    data = read(
        "Dosing",
        ["Drug", "Dose", "Dose Unit"],
        [["Durvalumab", "1500 mg", None], ["Durvalumab", "1.5 g", None], ["Durvalumab", "20 mg/kg", None]],
    )
    assert frame(data, "dosing")["EXDOSE"].to_list() == [1500.0, 1500.0, 20.0]
    assert frame(data, "dosing")["EXDOSU"].to_list() == ["mg", "mg", "mg/kg"]
    assert data.changes is not None
    assert data.changes.filter(pl.col("column") == "Dose Unit")["after"].to_list() == ["mg", "mg", "mg/kg"]


def test_doses_of_other_scales_come_to_the_standard_unit():
    data = read(
        "Procedures",
        ["Procedure", "Total Dose", "Dose Unit"],
        [["IMRT", 3000, "cGy"], ["Y90-SIRT", 2100, "MBq"], ["IMRT", "30Gy", None], ["IMRT", "3000 cGy", "Gy"]],
    )
    assert frame(data, "procedures")["PRDOSE"].to_list() == [30.0, 2.1, 30.0, 30.0]
    assert frame(data, "procedures")["PRDOSU"].to_list() == ["Gy", "GBq", "Gy", "Gy"]


def test_a_dose_that_contradicts_its_unit_column_is_a_problem():
    data = read("Dosing", ["Drug", "Dose", "Dose Unit"], [["Durvalumab", "30 Gy", "mg"]])
    assert frame(data, "dosing")["EXDOSE"].to_list() == [None]
    assert kinds(data, "EXDOSE") == ["unit_conflict"]


def test_a_percent_sign_and_a_counting_word_change_nothing():
    path = read("Pathology", ["Specimen Date", "Viable Tumour (%)"], [["2024-03-05", "5%"], ["2024-03-05", "<10 %"]])
    assert frame(path, "pathology")["MIVIAB"].to_list() == [5.0, 10.0]
    ae = read(
        "Adverse Events",
        ["Term", "CTCAE Grade"],
        [["Fever", "3级"], ["Fever", "Grade 2"], ["Fever", "G1"], ["Fever", "severe"]],
    )
    assert frame(ae, "ae")["AETOXGR"].to_list() == [3.0, 2.0, 1.0, None]


@given(st.integers(-10_000, 10_000_000), st.integers(0, 6), st.sampled_from([".", ","]))
def test_a_decimal_number_is_read_exactly_whatever_its_sign(whole: int, places: int, point: str):
    number = Decimal(whole).scaleb(-places)
    text = f"{number:f}".replace(".", point)
    parsed = parse_number(text)
    assert float(number) in (parsed.value, parsed.other if places == 3 else parsed.value)
    assert (parsed.other is None) or (point == "," and places == 3)


@given(st.decimals(0, 10_000, places=3, allow_nan=False, allow_infinity=False))
def test_centimetres_become_millimetres_exactly(size: Decimal):
    column = Column.model_validate({"is": "LDIAM", "type": "num", "unit": "mm"})
    cells = pl.DataFrame({"t": [str(size)], "kind": pl.Series([NUMBER], dtype=pl.UInt8), "unit": ["cm"]})
    out = read_numbers(cells, column, Context(TODAY, 1900, None, frozenset(), "targets", {}, ()))
    assert out["value"].to_list() == [float(size * 10)]


@given(st.lists(st.text(max_size=12), min_size=1, max_size=8))
def test_no_text_makes_the_reader_of_numbers_fail_or_lose_a_cell(texts: list[str]):
    unique = list(dict.fromkeys(texts))
    column = Column.model_validate({"is": "LDIAM", "type": "num", "unit": "mm"})
    cells = pl.DataFrame(
        {
            "t": unique,
            "kind": pl.Series([TEXT] * len(unique), dtype=pl.UInt8),
            "unit": pl.Series([None] * len(unique), dtype=pl.String),
        }
    )
    out = read_numbers(cells, column, Context(TODAY, 1900, None, frozenset(), "targets", {}, ()))
    assert sorted(out["t"].to_list()) == sorted(unique)
    assert out.filter(pl.col("value").is_null() & pl.col("problem").is_null()).height == 0


@given(
    st.sampled_from(["T", "TL", "NT", "N", "NEW"]),
    st.sampled_from(["", "-", " ", "_", "0", "-0"]),
    st.integers(1, 99),
    st.sampled_from(["", ".1", ".2"]),
)
def test_a_lesion_id_has_one_form_whatever_its_signs_and_zeros(prefix: str, gap: str, number: int, part: str):
    first = lesion_id(f"{prefix}{gap}{number}{part}", _ALL_PREFIXES)
    assert first == lesion_id(f"{prefix.lower()}{number}{part}", _ALL_PREFIXES)
    assert lesion_id(first, _ALL_PREFIXES) == first
    assert first.endswith(f"{number}{part}")


@pytest.mark.parametrize(
    ("text", "symbol"),
    [
        ("厘米", "cm"),
        ("MM", "mm"),
        ("Kg.", "kg"),
        ("μg", "ug"),
        ("µg", "ug"),
        ("CGY", "cGy"),
        ("次", ""),
        ("parsec", None),
    ],
)
def test_a_unit_is_known_in_any_spelling(text: str, symbol: str | None):
    assert read_unit(text) == symbol


def test_units_of_different_dimensions_do_not_convert():
    assert factor("cm", "mm") == 10
    assert factor("kg", "mm") is None
    assert factor("mg/kg", "mg") is None
    assert lab_factor("BILI", "mg/dL") == pytest.approx(17.1)
    assert lab_factor("PLAT", "×10⁹/L") == lab_factor("PLAT", "10*9/L") == lab_factor("PLAT", "10^9/L") == 1.0
    assert lab_factor("ALB", "mmol/L") is None
