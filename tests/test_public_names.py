"""`import cdiscx`: the public names are verbs and nouns, whatever rooms have been imported."""

from __future__ import annotations

import datetime as dt

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import cdiscx
from cdiscx.model.errors import UploadError, UsageError

SUBJECTS = {"SUBJID": ["S1"], "SITEID": ["01"], "RFICDAT": ["2024-01-07"]}
VISITS = {"SUBJID": ["S1"], "VISIT": ["WEEK 3"], "VISDAT": ["2024-01-01"], "VISDONE": ["Y"]}


def test_a_room_does_not_take_the_place_of_its_verb():
    import cdiscx.read
    import cdiscx.tidy
    import cdiscx.validate.engine

    assert callable(cdiscx.read)
    assert callable(cdiscx.tidy)
    assert callable(cdiscx.validate)
    assert all(hasattr(cdiscx, name) for name in cdiscx.__all__)


@pytest.mark.parametrize("frame", [pl.DataFrame, pd.DataFrame, pa.table, lambda d: pl.DataFrame(d).lazy()])
def test_frames_of_every_kind_are_checked(frame):
    study = cdiscx.Study.load("palhep-a")
    report = cdiscx.validate({"subjects": frame(SUBJECTS), "visits": frame(VISITS)}, study, today=dt.date(2024, 6, 1))
    found = [f for f in report if f.check_id == "DAT-005"]
    assert [(f.subject, f.sheet, f.row, f.value, f.severity) for f in found] == [
        ("S1", "Visits", 1, "2024-01-01", cdiscx.Severity.ERROR)
    ]
    assert not report.ok("error")
    assert report.to_polars().height == len(report)


def test_frames_without_a_study_are_a_usage_error():
    with pytest.raises(UsageError, match="study is needed"):
        cdiscx.validate({"subjects": pl.DataFrame(SUBJECTS)})


def test_a_table_the_study_does_not_have_is_named():
    with pytest.raises(UploadError, match="no table 'subject'"):
        cdiscx.validate({"subject": pl.DataFrame(SUBJECTS)}, cdiscx.Study.load("palhep-a"))
