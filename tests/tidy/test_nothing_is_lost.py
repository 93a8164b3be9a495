"""Whatever a site types, tidy raises nothing and loses nothing: each cell is in the table, the changes or the problems."""

from __future__ import annotations

import datetime as dt
from typing import Any

import polars as pl
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typed_upload import upload

from cdiscx.model.spec import Study
from cdiscx.model.table import StudyData
from cdiscx.tidy import tidy

STUDY = Study.load("neopvtt-b")
TODAY = dt.date(2024, 12, 31)
SHEETS = ("Visits", "Dosing", "Target Lesions", "Adverse Events", "Procedures", "Response", "Pathology")

WORDS = [
    "Y", "no", "N/A", "-", "WEEK 2", "Adjuvant cycle 03", "zzz", "2024-03-05", "05MAR2024", "03/04/2024", "UN-MAR-2024", "3.2 cm", "1,234", "12,5", "<5",
    "â‰¥10", "#N/A", "30Gy", "mm", "inch", "mg", "T01", "NL-2", "T1; T2", "Camrelizumab", "Camrelizumab: Dose reduced", "Death; x", " CT ", "是", "Ⅲ型", "PD",
]  # fmt: skip
CELLS = st.one_of(
    st.none(), st.sampled_from(WORDS), st.text(max_size=8), st.integers(-10, 100_000), st.floats(-1e6, 1e6, allow_nan=False), st.booleans(),
    st.dates(dt.date(1895, 1, 1), dt.date(2060, 1, 1)), st.just({"error": "#REF!"}), st.just({"formula": "=A1+B1"}),
)  # fmt: skip


def lost_cells(data: StudyData) -> list[tuple[Any, ...]]:
    """Raw cells of mapped columns in rows of the ledger that no frame of tidy knows of."""
    assert data.changes is not None
    assert data.problems is not None
    changed = set(data.changes.select("file", "sheet", "row", "letter").rows())
    reported = set(data.problems.select("file", "sheet", "row", "letter").rows())
    out = []
    for index, source in enumerate(data.upload.sources):
        own = data.upload.ledger.filter(pl.col("_source") == index)
        raw = source.raw.text.join(own, on="_row", how="inner", maintain_order="left")
        joined = raw.join(data.tidy[source.table].frame, on="_rid", how="left", maintain_order="left")
        assert joined.height == own.height
        for column, letter in source.letters.items():
            for row, typed, value, collected in joined.select(
                "_row",
                letter,
                pl.col(column).alias("value"),
                (pl.col(f"{column}C") if f"{column}C" in joined.columns else pl.lit(None)).alias("collected"),
            ).iter_rows():
                place = (source.file, source.sheet, row, letter)
                if (
                    typed is not None
                    and typed.strip()
                    and value is None
                    and collected is None
                    and place not in changed | reported
                ):
                    out.append((*place, typed))
    return out


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_no_cell_is_lost_whatever_a_site_types(data: st.DataObject):
    sheets = {}
    for name in data.draw(st.lists(st.sampled_from(SHEETS), min_size=1, max_size=2, unique=True)):
        headers = list(STUDY.sheets[name].columns)
        rows = data.draw(st.lists(st.lists(CELLS, min_size=len(headers), max_size=len(headers)), max_size=4))
        sheets[name] = [headers, *rows]
    study_data = tidy(STUDY, [upload(sheets)], today=TODAY)
    assert lost_cells(study_data) == []
    rids = [rid for table in study_data.tidy.values() for rid in table.frame["_rid"].to_list()]
    assert sorted(rids) == list(range(study_data.upload.ledger.height))


def test_a_column_of_every_word_in_every_sheet_loses_nothing():
    for name, sheet in STUDY.sheets.items():
        grid = [list(sheet.columns), *[[f"S{i}", *[word] * (len(sheet.columns) - 1)] for i, word in enumerate(WORDS)]]
        data = tidy(STUDY, [upload({name: grid})], today=TODAY)
        assert data.tidy[sheet.holds].frame.height == len(WORDS)
        assert lost_cells(data) == []


def test_reading_the_same_upload_twice_gives_the_same_frames():
    grid = [list(STUDY.sheets["Visits"].columns), *[["S1", word, word, word, word, word, word] for word in WORDS]]
    one, two = (tidy(STUDY, [upload({"Visits": grid})], today=TODAY) for _ in range(2))
    assert one.tidy["visits"].frame.equals(two.tidy["visits"].frame)
    assert one.changes is not None
    assert two.changes is not None
    assert one.changes.equals(two.changes)
    assert one.problems is not None
    assert two.problems is not None
    assert one.problems.equals(two.problems)
