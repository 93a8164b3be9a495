"""Visits and dates: what cases cannot say: related cells, the view of planned visits, strange studies, many uploads."""

from __future__ import annotations

import datetime as dt

import polars as pl
import pytest

from cdiscx import registry
from cdiscx.model.finding import Finding
from cdiscx.model.spec import Study
from cdiscx.model.table import RunContext, StudyData
from cdiscx.tidy.frames import tidy_frames
from cdiscx.validate.engine import Engine
from cdiscx.views import with_views
from cdiscx.views.imaging_plan import interval_at, origin, planned_day

DAY = dt.date(2024, 12, 31)
MINE = tuple(f"VIS-{n:03d}" for n in range(1, 12)) + tuple(f"DAT-{n:03d}" for n in range(3, 8))
SUBJECT = {"SUBJID": "S1", "SITEID": "01", "RFICDAT": "2024-01-02", "ENRLDAT": "2024-01-08"}


def dose(day: str, drug: str = "DURVALUMAB") -> dict[str, object]:
    return {"SUBJID": "S1", "EXTRT": drug, "EXSTDAT": day, "EXENDAT": day, "EXDOSE": "1500"}


def seen(visit: str, day: str) -> dict[str, object]:
    return {"SUBJID": "S1", "VISIT": visit, "VISDAT": day, "VISDONE": "Y"}


def study_data(study: Study, tables: dict[str, list[dict[str, object]]], cutoff: dt.date = DAY) -> StudyData:
    frames = {name: pl.DataFrame(rows) for name, rows in tables.items()}
    return with_views(tidy_frames(study, frames, complete=True), RunContext(DAY, cutoff, True))


def findings(data: StudyData, *ids: str) -> list[Finding]:
    assert data.run is not None
    checks = [c for c in registry.checks().values() if c.id in ids]
    outcome = Engine(data, data.run, registry.views()).validate(checks)
    assert not [r.traceback for r in outcome.runs if r.traceback]
    return list(outcome.findings)


def test_a_visit_out_of_its_window_names_the_cell_of_its_reference_date():
    study = Study.load("palhep-a")
    local = {"SUBJID": "S1", "PRTRT": "TACE", "PRSTDAT": "2024-01-10"}
    tables = {"subjects": [SUBJECT], "visits": [seen("WEEK 3", "2024-02-20")]}
    from_dose = findings(study_data(study, {**tables, "dosing": [dose("2024-01-10")]}), "VIS-001")
    from_session = findings(study_data(study, {**tables, "procedures": [local]}), "VIS-001")
    assert [(r.sheet, r.column, r.value) for r in from_dose[0].related] == [("Dosing", "Start Date", "2024-01-10")]
    assert [(r.sheet, r.column, r.value) for r in from_session[0].related] == [
        ("Procedures", "Start Date", "2024-01-10")
    ]
    assert from_dose[0].expected == "2024-01-28 to 2024-02-03"


def test_an_unreadable_first_dose_silences_the_windows_that_rest_on_it():
    study = Study.load("palhep-a")
    tables = {"subjects": [SUBJECT], "visits": [seen("WEEK 3", "2024-02-20")]}
    unreadable = {**dose("2024-01-01"), "EXSTDAT": "soon"}
    data = study_data(study, {**tables, "dosing": [dose("2024-01-10"), unreadable]})
    assert findings(data, "VIS-001", "VIS-002") == []


def test_a_missing_visit_keeps_its_fingerprint_when_other_rows_move():
    study = Study.load("palhep-a")
    rows = [seen("SCREENING", "2024-01-05"), seen("DAY 1", "2024-01-10")]
    tables = {"subjects": [SUBJECT], "dosing": [dose("2024-01-10")]}
    cutoff = dt.date(2024, 2, 20)
    one = findings(study_data(study, {**tables, "visits": rows}, cutoff), "VIS-002")
    two = findings(study_data(study, {**tables, "visits": rows[::-1]}, cutoff), "VIS-002")
    assert [f.message[:6] for f in one] == ["WEEK 3"]
    assert [f.fingerprint for f in one] == [f.fingerprint for f in two]


def test_tumour_assessments_are_planned_every_56_days_before_enrolment_plus_548_and_every_84_after():
    plan = Study.load("palhep-a").assessments
    assert plan is not None
    frame = pl.DataFrame({"N": range(1, 12)}).with_columns(
        D1=pl.lit(dt.date(2022, 1, 10)), ENROL=pl.lit(dt.date(2022, 1, 5)), SURG=pl.lit(None, dtype=pl.Date)
    )
    start = origin(plan, restarted=False)
    frame = frame.with_columns(START=start, DAY=planned_day(plan, start, pl.col("N")))
    every, _ = interval_at(plan, start, pl.col("DAY"), restarted=False)
    frame = frame.with_columns(EVERY=every, STEP=(pl.col("DAY").shift(-1) - pl.col("DAY")).dt.total_days())
    limit = dt.date(2022, 1, 5) + dt.timedelta(days=548)
    early = frame.filter(pl.col("DAY") < limit)
    assert early.height == 8
    assert early.get_column("STEP").to_list() == [56] * 7 + [84]
    # the interval in force at an assessment is the one planned after it (ruling 15.7)
    assert frame.filter(pl.col("STEP") != pl.col("EVERY")).is_empty()


def test_assessments_after_a_late_surgery_go_on_counting_from_the_surgery():
    study = Study.load("palhep-a")
    data = study_data(
        study,
        {
            "subjects": [SUBJECT],
            "dosing": [dose("2024-01-10")],
            "procedures": [{"SUBJID": "S1", "PRTRT": "HEPATECTOMY", "PRSTDAT": "2024-07-01"}],
            "visits": [seen("TUMOR ASSESSMENT 1", "2024-06-05")],
        },
    )
    plan = data.tidy["planned"].frame.filter(pl.col("SERIES") == "TUMOR ASSESSMENT").sort("N")
    first, second = plan.row(0, named=True), plan.row(1, named=True)
    assert (first["ANCHOR"], first["TARGET"]) == ("D1", dt.date(2024, 6, 5))
    assert (second["ANCHOR"], second["TARGET"]) == ("SURG", dt.date(2024, 9, 25))


@pytest.mark.parametrize("name", ["palhep-a", "neopvtt-b"])
def test_planned_visits_have_one_row_each_and_edges_in_order(name: str):
    study = Study.load(name)
    drug = "DURVALUMAB" if name == "palhep-a" else "CAMRELIZUMAB"
    rows = {
        "subjects": [SUBJECT, {**SUBJECT, "SUBJID": "S2"}],
        "dosing": [dose("2024-01-10", drug), dose("2024-02-07", drug)],
        "procedures": [
            {"SUBJID": "S1", "PRTRT": "HEPATECTOMY", "PRSTDAT": "2024-04-01", "PRENDAT": None},
            {"SUBJID": "S1", "PRTRT": "IMRT", "PRSTDAT": "2024-01-10", "PRENDAT": "2024-01-23"},
        ],
        "visits": [seen("TUMOR ASSESSMENT 99999", "2024-06-01"), seen("SURVIVAL FOLLOW-UP 3", "2024-12-01")],
    }
    plan = study_data(study, rows).tidy["planned"].frame
    assert plan.select(pl.struct("SUBJID", "VISIT").is_unique().all()).item()
    assert plan.filter(pl.col("LO") > pl.col("HI")).is_empty()
    assert plan.filter(pl.col("SUBJID") == "S2").is_empty()  # never treated: no anchor, no plan
    assert plan.height < 60  # a number typed wrong does not plan ten thousand visits


def test_a_study_without_schedule_regimens_and_assessments_is_checked_without_crash():
    bare = Study.load("palhep-a").model_copy(
        update={"schedule": (), "assessments": None, "regimens": {}, "components": {}, "anchors": {}, "criterion": None}
    )
    tables = {"subjects": [SUBJECT], "dosing": [dose("2024-01-10")], "visits": [seen("WEEK 3", "2023-01-05")]}
    found = findings(study_data(bare, tables), *MINE)
    assert {f.check_id for f in found} == {"DAT-005", "VIS-011"}


def test_the_first_of_a_series_stands_at_its_own_number_among_the_visits_of_its_block():
    study = Study.load("palhep-a")
    moved = [
        v.model_copy(update={"num": 19.5, "block": "continuation"}) if v.name == "END OF TREATMENT" else v
        for v in study.schedule
    ]
    study = study.model_copy(update={"schedule": tuple(moved)})
    rows = [seen("CONTINUATION CYCLE 1", "2024-04-03"), seen("END OF TREATMENT", "2024-04-04")]
    found = findings(
        study_data(study, {"subjects": [SUBJECT], "dosing": [dose("2024-01-10")], "visits": rows}), "VIS-003"
    )
    assert [f.visit for f in found] == ["CONTINUATION CYCLE 1"]


def test_an_upload_in_several_parts_with_empty_ones_is_read_as_one():
    study = Study.load("palhep-a")
    parts = [
        pl.DataFrame([{"SUBJID": f"S{n}", "PRTRT": "TACE", "PRSTDAT": "2024-01-10", "HOREADAT": day}])
        for n, day in ((1, None), (2, "2024-02-01"), (3, "2024-02-02"))
    ]
    # three chunks of which a filter empties one: polars 2.1 panics here on pl.format in a lazy query
    procedures = pl.concat([p.with_columns(pl.col("HOREADAT").cast(pl.String)) for p in parts], rechunk=False)
    data = tidy_frames(study, {"subjects": pl.DataFrame([SUBJECT]), "procedures": procedures}, complete=True)
    dates = with_views(data, RunContext(DAY, DAY, True)).tidy["dates"].frame
    assert dates.filter(pl.col("COLUMN") == "HOREADAT").get_column("SUBJID").to_list() == ["S2", "S3"]
