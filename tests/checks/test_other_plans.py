"""What the cases cannot say because both bundled studies have it so: study files that leave something out or give more."""

from __future__ import annotations

import datetime as dt
from typing import Any

import polars as pl
import pytest

from cdiscx import registry
from cdiscx.checks._consequences import with_consequences
from cdiscx.checks._modalities import choice, modalities
from cdiscx.model.finding import Finding, Status
from cdiscx.model.spec import Column, Study
from cdiscx.model.table import RunContext
from cdiscx.tidy.frames import tidy_frames
from cdiscx.validate.engine import Engine
from cdiscx.validate.structure import schema_checks
from cdiscx.views import with_views
from cdiscx.views.imaging_plan import anchors_of

TODAY = RunContext(dt.date(2025, 6, 1), dt.date(2025, 6, 1), True)


def findings(study: Study, tables: dict[str, list[dict[str, Any]]], *ids: str) -> list[Finding]:
    frames = {name: pl.DataFrame(rows, infer_schema_length=None) for name, rows in tables.items()}
    data = with_views(tidy_frames(study, frames, complete=True), TODAY)
    checks = [registry.checks()[i] for i in ids]
    schemas = [(c, judge) for c, judge in schema_checks(data) if c.id in ids]
    outcome = Engine(data, TODAY, registry.views()).validate(checks, schemas)
    assert [r.traceback for r in outcome.runs if r.status is Status.ERRORED] == []
    return list(outcome.findings)


def with_regimen(drug: str, **other: Any) -> Study:
    study = Study.load("palhep-a")
    return study.model_copy(
        update={"regimens": {**study.regimens, drug: study.regimens[drug].model_copy(update=other)}}
    )


def only(study: Study, kind: str) -> Study:
    kept = {name: regimen for name, regimen in study.regimens.items() if regimen.kind == kind}
    return study.model_copy(update={"regimens": kept})


def dose(drug: str, first: str, last: str | None = None, amount: float = 1500) -> dict[str, Any]:
    return {"SUBJID": "S1", "EXTRT": drug, "EXSTDAT": first, "EXENDAT": last, "EXDOSE": amount, "EXDOSU": "mg",
            "EXDOSFRQ": "QD", "EXCHG": None, "EXCHGREAS": None}  # fmt: skip


SUBJECT = {"SUBJID": "S1", "WEIGHT": 70}


def test_an_infusion_without_a_window_is_planned_to_the_day() -> None:
    study = with_regimen("DURVALUMAB", window=None)
    rows = [dose("DURVALUMAB", d) for d in ("2024-01-01", "2024-01-29", "2024-02-27")]
    found = findings(study, {"subjects": [SUBJECT], "dosing": rows}, "DOS-001")
    assert [(f.row, f.message) for f in found] == [
        (3, "Durvalumab on 2024-02-27 is 29 days after 2024-01-29; 28 to 28 days are planned.")
    ]


def test_an_infusion_without_an_interval_ends_on_its_day() -> None:
    study = with_regimen("DURVALUMAB", interval=None, window=None)
    last = dose("DURVALUMAB", "2024-01-01") | {"EXCHG": "DISCONTINUED", "EXCHGREAS": "Adverse event"}

    def beginning(day: str) -> list[Finding]:
        event = {
            "SUBJID": "S1",
            "AENO": "1",
            "AETERM": "Colitis",
            "AESTDAT": day,
            "AEACN": "DURVALUMAB: DRUG WITHDRAWN",
        }
        return findings(study, {"subjects": [SUBJECT], "dosing": [last], "ae": [event]}, "DOS-015")

    assert beginning("2024-01-04") == []
    assert [f.sheet for f in beginning("2024-01-05")] == ["Dosing"]


@pytest.mark.parametrize(("means", "amounts", "said"), [
    ({"16/12": 14}, (12, 14), ["is above the start dose"]),
    ({"16/12": 14}, (14, 12), []),
    ({"16/12": 14}, (14, 8), ["skips a level"]),
    ({"8/8": 8}, (12, 8, 4), []),
    ({"8/8": 8}, (12, 4), ["skips a level"]),
])  # fmt: skip
def test_an_average_above_every_level_is_half_a_step_up_and_one_that_is_a_level_is_that_level(
    means: dict[str, float], amounts: tuple[float, ...], said: list[str]
) -> None:
    rows = [dose("LENVATINIB", f"2024-0{i}-01", f"2024-0{i}-28", amount) for i, amount in enumerate(amounts, 1)]
    study = with_regimen("LENVATINIB", averages=means)
    found = findings(study, {"subjects": [SUBJECT], "dosing": rows}, "DOS-003")
    assert [f.message.partition(": ")[2].rstrip(".") for f in found] == said


def test_a_choice_of_two_procedures_is_a_choice_and_one_procedure_is_none() -> None:
    study = Study.load("palhep-a")

    def offering(*procedures: str) -> Study:
        local = study.components["LOCAL"].model_copy(update={"procedures": procedures})
        return study.model_copy(update={"components": {**study.components, "LOCAL": local}})

    assert modalities(offering("TACE", "HAIC")) == ["TACE", "HAIC"]
    assert choice(offering("TACE")) is None


def test_gaps_and_overlaps_are_found_where_every_drug_is_taken_daily_and_asked_for_nowhere_where_none_is() -> None:
    rows = [
        dose("LENVATINIB", "2024-01-01", "2024-01-31", 8),
        dose("LENVATINIB", "2024-01-20", "2024-02-10", 8),
        dose("LENVATINIB", "2024-03-20", "2024-04-10", 8),
    ]
    tables = {"subjects": [SUBJECT], "dosing": rows}
    study = Study.load("palhep-a")
    found = findings(only(study, "daily"), tables, "DOS-005", "DOS-006")
    assert sorted((f.check_id, f.row) for f in found) == [("DOS-005", 3), ("DOS-006", 2)]
    infused = only(study, "infusion")
    bare = {n: v for n, v in study.parameters.items() if not n.startswith(("oral_", "ae_action_"))}
    assert findings(infused.model_copy(update={"parameters": bare}), tables, "DOS-005", "DOS-006") == []


def test_checks_that_a_study_has_nothing_for_are_silent_also_where_it_does_not_turn_them_off() -> None:
    without = Study.load("palhep-a").model_copy(update={"checks": {}})
    course = {"SUBJID": "S1", "PRTRT": "IMRT", "PRSTDAT": "2024-01-01", "PRENDAT": "2024-03-01", "PRDOSE": 8, "PRDOSU": "Gy",
              "PRFRAC": 2, "PRREAS": None}  # fmt: skip
    assert findings(without, {"subjects": [SUBJECT], "procedures": [course]}, "DOS-011", "DOS-012") == []
    from_treatment = Study.load("neopvtt-b").model_copy(update={"checks": {}})
    diagnosed = {"SUBJID": "S1", "DIAGDAT": "2023-01", "RFICDAT": "2024-01-01", "ENRLDAT": "2024-01-02"}
    assert findings(from_treatment, {"subjects": [diagnosed]}, "END-003", "END-016") == []


def test_planned_dates_of_a_study_may_lie_ahead_and_no_others() -> None:
    study = Study.load("palhep-a")
    visits = study.sheets["Visits"]
    ahead = visits.columns["Visit Date"].model_copy(update={"future_ok": True})
    sheet = visits.model_copy(update={"columns": {**visits.columns, "Visit Date": ahead}})
    planned = study.model_copy(update={"sheets": {**study.sheets, "Visits": sheet}})
    tables = {
        "subjects": [SUBJECT],
        "visits": [{"SUBJID": "S1", "VISIT": "WEEK 3", "VISDAT": "2025-06-02"}],
        "dosing": [dose("DURVALUMAB", "2025-06-02")],
    }
    assert [f.sheet for f in findings(planned, tables, "DAT-004")] == ["Dosing"]
    assert sorted(f.sheet or "" for f in findings(study, tables, "DAT-004")) == ["Dosing", "Visits"]


def test_a_study_of_only_the_reference_dates_that_a_check_needs_is_judged_and_one_that_lacks_a_date_is_not() -> None:
    study = Study.load("palhep-a")
    tables = {
        "subjects": [{"SUBJID": "S1", "DIAGDAT": "2024-01-01", "ENRLDAT": "2024-06-01", "RFICDAT": "2024-05-31"}],
        "dosing": [dose("DURVALUMAB", "2024-06-03")],
        "responses": [{"SUBJID": "S1", "VISIT": "WEEK 6 TUMOR ASSESSMENT", "RSDAT": "2024-07-15", "OVRLRESP": "SD"}],
        "survival": [{"SUBJID": "S1", "SSDAT": "2025-03-01", "SSSTAT": "DEAD", "DTHDAT": "2025-03-01"}],
    }
    assert study.assessments is not None
    plan = anchors_of(study.assessments)

    def having(*names: str) -> Study:
        own = {n: study.anchors[n].model_copy(update={"otherwise": None, "needs": "ENROL"}) for n in names}
        return study.model_copy(update={"anchors": own})

    waited = findings(having("DIAG", "ENROL"), tables, "END-016")
    assert [f.message.split(" days")[0] for f in waited] == ["152"]
    assert findings(having("ENROL"), tables, "END-016") == []
    assert [f.check_id for f in findings(having(*plan), tables, "END-013")] == ["END-013"]
    assert findings(having(*plan[1:]), tables, "END-013") == []


@pytest.mark.parametrize(
    ("limits", "wrong"), [({"min": 30}, [1]), ({"max": 30}, [3]), ({"min": 30, "max": 30}, [1, 3]), ({}, [])]
)
def test_a_number_may_have_one_limit_only(limits: dict[str, float], wrong: list[int]) -> None:
    study = Study.load("palhep-a")
    visits = study.sheets["Visits"]
    weight = Column.model_validate({"is": "WEIGHT", "type": "num", **limits})
    columns = {
        n: weight if c.is_ == "WEIGHT" else c.model_copy(update={"required": False}) for n, c in visits.columns.items()
    }
    sheet = visits.model_copy(update={"columns": columns})
    changed = study.model_copy(update={"sheets": {**study.sheets, "Visits": sheet}})
    rows = [{"SUBJID": "S1", "VISIT": f"WEEK {i}", "WEIGHT": kg} for i, kg in enumerate((29.9, 30, 30.1), 1)]
    assert [f.row for f in findings(changed, {"visits": rows}, "STR-009")] == wrong


def test_text_is_held_against_no_limit_of_numbers() -> None:
    study = Study.load("palhep-a")
    visits = study.sheets["Visits"]
    limited = {
        n: c.model_copy(update={"required": False, **({"min": 5, "max": None} if c.is_ == "VISREAS" else {})})
        for n, c in visits.columns.items()
    }
    sheet = visits.model_copy(update={"columns": limited})
    changed = study.model_copy(update={"sheets": {**study.sheets, "Visits": sheet}})
    rows = [{"SUBJID": "S1", "VISIT": "WEEK 3", "VISREAS": "3"}]
    assert findings(changed, {"visits": rows}, "STR-009") == []


# --- what a differing response changes (MEA-014), where no case can place it -------------------------------------------


def consequences(study: Study, at: dt.date, *, starts: dict[str, dt.date]) -> str:
    """What it changes that the one response, on a day, is PR by the site and SD by the lesions."""
    assessments = pl.LazyFrame({
        "SUBJID": ["S1"], "EVAL": ["INVESTIGATOR"], "RSRID": [1], "OVRLRESP": ["PR"], "FIRSTDAT": [at], "LASTDAT": [at],
        "RSDAT": [at], "TP": [1],
    }, schema_overrides={"RSRID": pl.UInt32})  # fmt: skip
    bad = pl.LazyFrame(
        {"SUBJID": ["S1"], "EVAL": ["INVESTIGATOR"], "RSRID": [1], "DOVRLRESP": ["SD"]},
        schema_overrides={"RSRID": pl.UInt32},
    )
    anchors = pl.LazyFrame({"SUBJID": ["S1"], **{n: [d] for n, d in starts.items()}})
    survival = pl.LazyFrame(schema={"SUBJID": pl.String, "NACTDATC": pl.String})
    told = with_consequences(bad, assessments, anchors, survival, study, pl.lit(TODAY.cutoff))
    return str(told.collect().item(0, "CHANGES"))


def test_a_response_on_the_day_of_first_treatment_is_no_best_response() -> None:
    study = Study.load("neopvtt-b")
    first = dt.date(2024, 1, 10)
    assert "best overall response" not in consequences(study, first, starts={"D1": first})
    assert "the best overall response from PR" in consequences(study, first + dt.timedelta(1), starts={"D1": first})


def test_a_landmark_without_a_window_is_that_day() -> None:
    study = Study.load("palhep-a")
    primary = study.endpoints["RSP6W"]
    options = {n: v for n, v in primary.options.items() if n != "window_days"} | {"target_days": 42}
    exact = study.model_copy(
        update={"endpoints": {**study.endpoints, "RSP6W": primary.model_copy(update={"options": options})}}
    )
    start = dt.date(2024, 1, 10)
    starts = {"D1": start, "DURVA1": start}
    assert "the primary endpoint (RSP6W) from Y to N" in consequences(exact, start + dt.timedelta(42), starts=starts)
    assert "primary" not in consequences(exact, start + dt.timedelta(43), starts=starts)
