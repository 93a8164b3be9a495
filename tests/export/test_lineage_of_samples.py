"""The lineage of both sample studies: every value of every record against the cells of the workbooks."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from cdiscx import flow
from cdiscx.export.lineage import lineage
from cdiscx.export.long_text import split_long_text
from cdiscx.model.spec import Study
from cdiscx.model.table import StudyData
from cdiscx.sdtm import map_study

UPLOADS = Path(__file__).parents[2] / "sample_exports"
pytestmark = pytest.mark.slow
c = pl.col


@pytest.fixture(scope="module", params=["palhep-a", "neopvtt-b"])
def traced(request: pytest.FixtureRequest) -> tuple[StudyData, pl.DataFrame]:
    study = Study.load(request.param)
    files = flow.read(*sorted((UPLOADS / request.param / "uploads").iterdir()))
    data = flow.prepare(flow.tidy(study, files))
    return data, lineage(split_long_text(map_study(data).datasets), data)


def test_every_cell_is_one_of_the_workbooks_with_the_text_that_stands_there(traced: tuple[StudyData, pl.DataFrame]):
    data, lines = traced
    cells = lines.filter(c("file").is_not_null()).select("file", "sheet", "row", "cell", "text").unique()
    assert cells.height > 10_000
    typed = [
        source.raw.text.unpivot(index="_row", variable_name="letter", value_name="typed").select(
            pl.lit(source.file).alias("file"),
            pl.lit(source.sheet).alias("sheet"),
            (c("letter") + c("_row").cast(pl.String)).alias("cell"),
            "typed",
        )
        for source in data.upload.sources
    ]
    found = cells.join(pl.concat(typed), on=["file", "sheet", "cell"], how="left")
    assert found.height == cells.height
    assert found["typed"].eq_missing(found["text"]).all()


def test_a_change_is_told_where_and_only_where_tidy_logged_one(traced: tuple[StudyData, pl.DataFrame]):
    data, lines = traced
    assert data.changes is not None
    logged = data.changes.filter(c("row").is_not_null()).select(
        "file", "sheet", "row", (c("letter") + c("row").cast(pl.String)).alias("cell")
    )
    cells = lines.filter(c("file").is_not_null(), c("text").is_not_null())
    keys = ["file", "sheet", "cell"]
    assert cells.filter(c("change").is_not_null()).join(logged, on=keys, how="anti").is_empty()
    assert cells.filter(c("change").is_null()).join(logged, on=keys, how="semi").is_empty()


def test_a_collected_value_is_what_its_cells_were_read_as_or_the_same_term_every_time(
    traced: tuple[StudyData, pl.DataFrame],
):
    """A value equals a cell as typed or as read; where the mapping translates it (a term, a unit, a visit's number), then

    the same cell texts of the same test give the same value in every record.
    """
    _, lines = traced
    collected = lines.filter(c("how") == "Collected", c("file").is_not_null())
    read = pl.coalesce("read_as", "text")
    equal = [
        (said.str.to_uppercase() == c("value").str.to_uppercase())
        | (said.cast(pl.Float64, strict=False) == c("value").cast(pl.Float64, strict=False)).fill_null(False)
        for said in (c("text"), read)
    ]
    which = (
        lines.filter(c("variable").str.ends_with("TESTCD") | (c("variable") == "QNAM"))
        .unique(["dataset", "record"])
        .select("dataset", "record", c("value").alias("test"))
    )
    values = (
        collected.with_columns(equal=pl.any_horizontal(*equal).fill_null(False), said=read.fill_null(""))
        .group_by("dataset", "record", "variable", maintain_order=True)
        .agg(c("equal").any(), c("value").first(), c("header").str.join("|"), c("said").str.join("|"))
        .join(which, on=["dataset", "record"], how="left")
    )
    assert values["equal"].mean() > 0.75
    translated = values.filter(~c("equal"))
    terms = translated.group_by("dataset", "variable", "test", "header", "said").agg(c("value").unique().sort())
    assert terms.filter(c("value").list.len() > 1).rows() == []


def test_a_derived_value_names_its_sources_in_records_that_exist(traced: tuple[StudyData, pl.DataFrame]):
    _, lines = traced
    named = lines.filter(c("source_key").is_not_null()).select(
        "source_dataset", "USUBJID", "source_key", "source_variable"
    )
    there = lines.select("dataset", "USUBJID", "key", "variable").unique()
    assert named.height > 100
    missing = named.join(
        there,
        left_on=["source_dataset", "USUBJID", "source_key", "source_variable"],
        right_on=["dataset", "USUBJID", "key", "variable"],
        how="anti",
        nulls_equal=True,
    )
    assert missing.is_empty()
