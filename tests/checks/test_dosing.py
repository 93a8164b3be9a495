"""What the cases of DOS-001 to DOS-017 cannot say: other studies, other parameters, order of rows, size."""

from __future__ import annotations

import datetime as dt
import random
import re
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from cdiscx import registry
from cdiscx.checks._reasons import says, says_adverse_event
from cdiscx.model.finding import Finding, Status
from cdiscx.model.spec import Study
from cdiscx.model.table import RunContext
from cdiscx.tidy.frames import tidy_frames
from cdiscx.validate.engine import Engine, Outcome
from cdiscx.views import with_views

TODAY = RunContext(dt.date(2025, 6, 1), dt.date(2025, 6, 1), True)
CODE = Path(__file__).parents[2] / "cdiscx" / "checks"
MODULES = ("dosing", "dosing_levels", "dosing_gaps", "dosing_ends", "dosing_starts", "dosing_changes", "dosing_intensity",
           "radiotherapy", "local_therapy", "_doses", "_modalities", "_reasons")  # fmt: skip


def validate(study: Study, tables: dict[str, list[dict[str, Any]]]) -> Outcome:
    frames = {name: pl.DataFrame(rows, infer_schema_length=None) for name, rows in tables.items()}
    data = with_views(tidy_frames(study, frames, complete=True), TODAY)
    checks = [c for c in registry.checks().values() if c.family == "DOS"]
    return Engine(data, TODAY, registry.views()).validate(checks)


def day(offset: int) -> str:
    return (dt.date(2024, 1, 1) + dt.timedelta(days=offset)).isoformat()


def infusion(subject: str, drug: str, offset: int, dose: float = 1500) -> dict[str, Any]:
    return {"SUBJID": subject, "EXTRT": drug, "EXSTDAT": day(offset), "EXENDAT": None, "EXDOSE": dose, "EXDOSU": "mg",
            "EXDOSFRQ": "Q4W", "EXCHG": "NONE", "EXCHGREAS": None}  # fmt: skip


def tablets(subject: str, drug: str, first: int, last: int, dose: float) -> dict[str, Any]:
    row = infusion(subject, drug, first, dose)
    return row | {"EXENDAT": day(last), "EXDOSFRQ": "QD"}


def keys(outcome: Outcome) -> list[tuple[str, str | None, str]]:
    return sorted((f.check_id, f.subject, f.message) for f in outcome.findings)


def test_a_study_without_regimens_components_and_parameters_gets_no_finding_and_no_crash() -> None:
    study = Study.load("palhep-a")
    code = " ".join((CODE / f"{module}.py").read_text(encoding="utf-8") for module in MODULES)
    shared = {"month3_target_days"}  # the views of other checks read it too
    kept = {n: v for n, v in study.parameters.items() if f'"{n}"' not in code or n in shared}
    assert len(study.parameters) - len(kept) > 20
    study = study.model_copy(update={"regimens": {}, "components": {}, "parameters": kept, "checks": {}})
    outcome = validate(study, {
        "subjects": [{"SUBJID": "S1", "WEIGHT": 70}],
        "dosing": [infusion("S1", "DURVALUMAB", 0), tablets("S1", "LENVATINIB", 0, 20, 12)],
        "procedures": [{"SUBJID": "S1", "PRTRT": "TACE", "PRSTDAT": day(3)}],
    })  # fmt: skip
    assert [r for r in outcome.runs if r.status is Status.ERRORED] == []
    assert outcome.findings == ()


def test_a_study_without_decision_sheet_and_surgery_anchor_is_judged_by_what_it_has() -> None:
    study = Study.load("neopvtt-b")
    anchors = {name: a for name, a in study.anchors.items() if name not in ("SURG", "D1")}
    outcome = validate(study.model_copy(update={"anchors": anchors}), {
        "subjects": [{"SUBJID": "S1"}],
        "dosing": [infusion("S1", "CAMRELIZUMAB", 0, 200), infusion("S1", "CAMRELIZUMAB", 5, 200)],
    })  # fmt: skip
    assert [r.traceback for r in outcome.runs if r.status is Status.ERRORED] == []
    assert [f.check_id for f in outcome.findings if f.severity == "error"] == ["DOS-004"]


def test_a_new_drug_is_judged_by_its_regimen_alone() -> None:
    study = Study.load("palhep-a")
    regimen = study.regimens["DURVALUMAB"].model_copy(
        update={"amount": 1200.0, "interval": 21, "error_below": 14, "light_below_kg": None}
    )
    study = study.model_copy(update={"regimens": {**study.regimens, "ATEZOLIZUMAB": regimen}})
    outcome = validate(study, {
        "subjects": [{"SUBJID": "S1", "WEIGHT": 70}],
        "dosing": [infusion("S1", "ATEZOLIZUMAB", 0, 1200), infusion("S1", "ATEZOLIZUMAB", 21, 1200),
                   infusion("S1", "ATEZOLIZUMAB", 49, 1500)],
    })  # fmt: skip
    said = [f.message for f in outcome.findings if f.check_id == "DOS-001"]
    assert sorted(said) == [
        "Atezolizumab 1500 mg recorded on 2024-02-19, 1200 mg expected.",
        "Atezolizumab on 2024-02-19 is 28 days after 2024-01-22; 18 to 24 days are planned.",
    ]


def test_the_code_of_the_dosing_checks_names_no_study_and_no_drug() -> None:
    names = {d for s in ("palhep-a", "neopvtt-b") for d in Study.load(s).regimens} | {"PALHEP", "NEOPVTT"}
    for module in MODULES:
        text = (CODE / f"{module}.py").read_text(encoding="utf-8")
        literals = " ".join(re.findall(r'"[^"\n]*"', re.sub(r'"""(?s:.*?)"""', "", text))).upper()
        assert not [n for n in names if n in literals], module


def story() -> dict[str, list[dict[str, Any]]]:
    """Two subjects with one defect of several kinds each."""
    return {
        "subjects": [{"SUBJID": "S1", "WEIGHT": 70}, {"SUBJID": "S2", "WEIGHT": 50}],
        "survival": [{"SUBJID": "S2", "SSDAT": day(60), "SSSTAT": "DEAD", "DTHDAT": day(60)}],
        "procedures": [
            {"SUBJID": "S1", "PRTRT": "TACE", "PRSTDAT": day(2)},
            {"SUBJID": "S1", "PRTRT": "TACE", "PRSTDAT": day(12)},
            {"SUBJID": "S2", "PRTRT": "HAIC", "PRSTDAT": day(4)},
        ],
        "dosing": [
            infusion("S1", "DURVALUMAB", 0),
            infusion("S1", "DURVALUMAB", 40),
            tablets("S1", "LENVATINIB", 0, 20, 8),
            tablets("S1", "LENVATINIB", 15, 40, 12),
            infusion("S2", "DURVALUMAB", 1),
            tablets("S2", "LENVATINIB", 0, 70, 8),
        ],
    }


def test_findings_do_not_depend_on_the_order_of_the_rows() -> None:
    study, tables = Study.load("palhep-a"), story()
    expected = keys(validate(study, tables))
    assert {c for c, _, _ in expected} >= {"DOS-001", "DOS-002", "DOS-003", "DOS-006", "DOS-008", "DOS-013"}
    shuffler = random.Random(7)
    for _ in range(5):
        mixed = {name: shuffler.sample(rows, k=len(rows)) for name, rows in tables.items()}
        assert keys(validate(study, mixed)) == expected


def test_fingerprints_stay_when_rows_move() -> None:
    study, tables = Study.load("palhep-a"), story()
    before = {f.fingerprint for f in validate(study, tables).findings}
    after = {f.fingerprint for f in validate(study, {n: rows[::-1] for n, rows in tables.items()}).findings}
    assert before == after


def test_every_finding_says_what_to_do_and_where() -> None:
    findings: list[Finding] = list(validate(Study.load("palhep-a"), story()).findings)
    assert findings
    for finding in findings:
        assert finding.fix, finding
        assert finding.sheet, finding
        assert "{" not in finding.message + finding.fix + (finding.expected or ""), finding


def test_a_trial_that_gives_the_infusion_every_three_weeks_is_judged_so() -> None:
    study = Study.load("neopvtt-b")
    every_21 = study.regimens["CAMRELIZUMAB"].model_copy(update={"interval": 21})
    study = study.model_copy(update={"regimens": {**study.regimens, "CAMRELIZUMAB": every_21}})
    rows = [infusion("S1", "CAMRELIZUMAB", 0, 200), infusion("S1", "CAMRELIZUMAB", 21, 200)]
    tables = {"subjects": [{"SUBJID": "S1"}], "dosing": rows}
    assert [f for f in validate(study, tables).findings if f.check_id == "DOS-004"] == []
    found = [f.check_id for f in validate(Study.load("neopvtt-b"), tables).findings if f.check_id == "DOS-004"]
    assert found == ["DOS-004"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Adverse event", True), ("adverse events", True), ("AE", True), ("ae", True), ("SAE", True), ("irAE grade 3", True),
        ("Liver toxicity", True), ("不良事件", True), ("due to AE.", True), ("Palaeontology", False), ("Planned hold", False),
        ("Patient's wish", False), (None, False), ("", False),
    ],
)  # fmt: skip
def test_a_reason_is_an_adverse_event_when_it_says_so(text: str | None, expected: bool) -> None:
    frame = pl.DataFrame({"R": [text]}, schema={"R": pl.String})
    assert frame.select(says_adverse_event(pl.col("R"), Study.load("palhep-a"))).item() is expected


def test_no_words_mean_that_nothing_is_said() -> None:
    assert pl.DataFrame({"R": ["AE", None]}).select(
        pl.repeat(False, 2).alias("x") | says(pl.col("R"), [])
    ).to_series().to_list() == [False, False]


def test_an_unreadable_cell_silences_what_it_leaves_open() -> None:
    """An end date that cannot be read is DAT-001's: the gap after it is not reported as well."""
    rows = [tablets("S1", "LENVATINIB", 0, 20, 12), tablets("S1", "LENVATINIB", 60, 90, 12)]
    tables = {"subjects": [{"SUBJID": "S1", "WEIGHT": 70}], "dosing": rows}
    study = Study.load("palhep-a")
    assert "DOS-005" in {f.check_id for f in validate(study, tables).findings}
    data = tidy_frames(study, {n: pl.DataFrame(r, infer_schema_length=None) for n, r in tables.items()}, complete=True)
    bad = pl.DataFrame(
        {
            "_rid": pl.Series([1], dtype=pl.UInt32),
            "table": ["dosing"],
            "column": ["EXENDAT"],
            "kind": ["unreadable_date"],
        }
    )
    assert data.problems is not None
    data = with_views(data.with_(problems=pl.concat([data.problems, bad], how="diagonal_relaxed")), TODAY)
    checks = [c for c in registry.checks().values() if c.id == "DOS-005"]
    assert Engine(data, TODAY, registry.views()).validate(checks).findings == ()
