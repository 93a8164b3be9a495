"""Cohorts as grids, made once; and a quick way from a grid to a report."""

from __future__ import annotations

from datetime import date

import pytest
from grids import Grid, grid_of, in_memory
from tangle import tangled

from cdiscx import flow
from cdiscx.model.finding import Report
from cdiscx.model.spec import Study
from cdiscx.samples import clean

STUDIES = ("palhep-a", "neopvtt-b")
CUTOFF = date(2025, 6, 30)
TODAY = date(2025, 7, 1)


def judged(study: str, *grids: Grid) -> Report:
    """The report on uploads of one study, at the samples' cut-off."""
    files = [in_memory(grid, f"site-{n}.xlsx") for n, grid in enumerate(grids, 1)]
    data = flow.tidy(Study.load(study), files, today=TODAY)
    return flow.validate(data, cutoff=CUTOFF, today=TODAY, expectations=False)


def statuses(report: Report) -> dict[str, str]:
    """Check -> what became of it; a crash is a failure of the test."""
    crashed = [f"{c.check_id}: {c.traceback}" for c in report.checks if c.status.value == "errored"]
    assert not crashed, crashed[0]
    return {c.check_id: c.status.value for c in report.checks}


@pytest.fixture(scope="session")
def sound() -> dict[str, Grid]:
    """Study -> twelve subjects without a defect."""
    return {study: grid_of(clean(study, sites=1, subjects=12, seed=3)[0]) for study in STUDIES}


@pytest.fixture(scope="session")
def messy() -> dict[str, Grid]:
    """Study -> twelve subjects with all sorts of defects."""
    return {study: grid_of(tangled(study, seed=1)) for study in STUDIES}


@pytest.fixture(scope="session")
def sound_report(sound: dict[str, Grid]) -> dict[str, Report]:
    return {study: judged(study, grid) for study, grid in sound.items()}


@pytest.fixture(scope="session")
def messy_report(messy: dict[str, Grid]) -> dict[str, Report]:
    return {study: judged(study, grid) for study, grid in messy.items()}
