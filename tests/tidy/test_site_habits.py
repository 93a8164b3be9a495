"""One site's data written in many habits reads as one: samples, reader and tidy together."""

from __future__ import annotations

import datetime as dt
from functools import lru_cache
from pathlib import Path

import polars as pl
import pytest

from cdiscx.model.spec import Study
from cdiscx.model.table import StudyData
from cdiscx.read import read_upload
from cdiscx.samples import PLAIN, STYLES, Style, clean, random_style, write_csv_folder, write_xlsx
from cdiscx.tidy import tidy

TODAY = dt.date(2025, 12, 31)
NOTES = ("unknown_column", "merged", "unit_in_cell", "number_as_text")
HABITS = [*(STYLES.values() if isinstance(STYLES, dict) else STYLES), *(random_style(seed) for seed in (3, 11, 29))]


def read(study: str, path: Path) -> StudyData:
    return tidy(Study.load(study), [read_upload(path)], today=TODAY)


@lru_cache
def plain(study: str, folder: str) -> StudyData:
    path = Path(folder) / f"{study}.xlsx"
    write_xlsx(clean(study, sites=1, subjects=6)[0], path, style=PLAIN)
    return read(study, path)


def same(one: StudyData, other: StudyData) -> None:
    """Equal but for free text (translated) and the text as collected."""
    assert other.problems is not None
    doubts = other.problems.filter(~pl.col("kind").is_in(NOTES))
    assert doubts.height == 0, doubts.head(5).to_dicts()
    for sheet in one.study.sheets.values():
        first, second = one.tidy[sheet.holds].frame, other.tidy[sheet.holds].frame
        assert first.height == second.height, sheet.holds
        for column in sheet.columns.values():
            if column.type != "text" and column.is_ != "TRUNIT":
                assert first[column.is_].to_list() == second[column.is_].to_list(), f"{sheet.holds}.{column.is_}"


@pytest.mark.parametrize("study", ["palhep-a", "neopvtt-b"])
@pytest.mark.parametrize("style", HABITS, ids=lambda style: style.name)
def test_a_site_may_write_as_it_likes(
    study: str, style: Style, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
):
    path = tmp_path / "site.xlsx"
    write_xlsx(clean(study, sites=1, subjects=6)[0], path, style=style)
    same(plain(study, str(tmp_path_factory.getbasetemp())), read(study, path))


def test_a_folder_of_csv_reads_like_the_workbook(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory):
    folder = tmp_path / "site"
    write_csv_folder(clean("palhep-a", sites=1, subjects=6)[0], folder, encoding="gb18030")
    same(plain("palhep-a", str(tmp_path_factory.getbasetemp())), read("palhep-a", folder))
