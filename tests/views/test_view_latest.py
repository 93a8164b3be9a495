"""The day up to which an upload tells of its subjects (cdiscx/views/latest.py)."""

from __future__ import annotations

import datetime as dt

import polars as pl
from view_kit import Rows, day

from cdiscx.model.spec import Study
from cdiscx.tidy.frames import tidy_frames
from cdiscx.views.latest import latest_date


def latest(today: int, *, complete: bool = True, **tables: Rows) -> dt.date:
    frames = {n: pl.DataFrame([{c: str(v) for c, v in r.items()} for r in rows]) for n, rows in tables.items()}
    return latest_date(tidy_frames(Study.load("palhep-a"), frames, complete=complete), day(today))


VISIT = {"SUBJID": "S1", "VISIT": "WEEK 3", "VISDAT": day(30)}
DOSE = {"SUBJID": "S1", "EXTRT": "LENVATINIB", "EXSTDAT": day(10), "EXENDAT": day(40)}


def test_it_is_the_latest_date_of_any_sheet_that_tells_of_subjects() -> None:
    assert latest(100, visits=[VISIT]) == day(30)
    assert latest(100, visits=[VISIT], dosing=[DOSE]) == day(40)
    assert latest(100, visits=[VISIT], survival=[{"SUBJID": "S1", "SSDAT": day(50), "DTHDAT": day(60)}]) == day(50)


def test_the_day_of_the_run_counts_what_is_after_it_does_not_and_without_any_date_it_is_that_day() -> None:
    assert latest(40, visits=[VISIT], dosing=[DOSE]) == day(40)
    assert latest(39, visits=[VISIT], dosing=[DOSE]) == day(30)
    assert latest(9, visits=[VISIT], dosing=[DOSE]) == day(9)


def test_sheets_that_are_not_there_are_passed_over() -> None:
    assert latest(100, complete=False, subjects=[{"SUBJID": "S1"}]) == day(100)
    assert latest(100, complete=False, visits=[VISIT]) == day(30)
