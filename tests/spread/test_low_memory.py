"""An upload whose cells and tables wait on disk gives the report of one in memory, and leaves nothing behind."""

from __future__ import annotations

from pathlib import Path

import pytest
from grids import grid_of, write
from spread_kit import DATES, same
from tangle import tangled

from cdiscx import flow
from cdiscx.model.spec import Study
from cdiscx.model.table import StudyData


def uploads(study: str, folder: Path, *seeds: int) -> list[Path]:
    """Workbooks of many defects, a site a seed, that share subjects' numbers."""
    return [write(grid_of(tangled(study, seed=s, subjects=8)), folder / f"site-{s}.xlsx") for s in seeds]


def on_disk(study: str, paths: list[Path], shares: int) -> StudyData:
    files = flow.read(*paths, low_memory=True)
    return flow.tidy(Study.load(study), files, today=DATES["today"], partitions=shares)


@pytest.mark.parametrize("study", ["palhep-a", "neopvtt-b"])
def test_tables_on_disk_give_the_report_of_tables_in_memory(study: str, tmp_path: Path) -> None:
    paths = uploads(study, tmp_path, 1, 2)
    whole = flow.validate(flow.tidy(Study.load(study), flow.read(*paths), today=DATES["today"]), **DATES)
    assert len(whole.findings) > 500
    for shares in (1, 5):
        data = on_disk(study, paths, shares)
        assert all(table.kept for table in data.tidy.values())
        same(whole, flow.validate(data, **DATES))
