"""Expectations of the study file in Great Expectations' own words -> findings (the only door to great_expectations and pandas)."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from cdiscx.model.finding import Check
from cdiscx.model.table import StudyData
from cdiscx.validate.engine import PartRun


def expectation_checks(data: StudyData) -> Iterator[tuple[Check, Callable[[], PartRun]]]:
    """One check per expectation of the study file."""
    yield from ()
