"""The cases of the checks that read tidy's problems: grids as typed in, findings out (tests/cases, key `typed`)."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML
from typed_upload import upload

from cdiscx import registry
from cdiscx.model.spec import Study
from cdiscx.model.table import RunContext, StudyData
from cdiscx.tidy import tidy
from cdiscx.tidy.frames import tidy_frames
from cdiscx.validate.engine import Engine
from cdiscx.views import with_views

FOLDER = Path(__file__).parent.parent / "cases"
IDS = (
    "STR-001",
    "STR-002",
    "STR-004",
    "STR-005",
    "STR-006",
    "STR-007",
    "STR-008",
    "DAT-001",
    "DAT-002",
    "TRM-001",
    "TRM-002",
    "TRM-003",
)


def cases() -> list[Any]:
    yaml = YAML(typ="safe", pure=True)
    out = []
    for check_id in IDS:
        spec = yaml.load((FOLDER / f"{check_id}.yaml").read_text(encoding="utf-8"))
        assert spec["check"] == check_id
        kinds = {case["kind"] for case in spec["cases"]}
        assert {"failing", "passing", "boundary"} <= kinds, check_id
        for case in spec["cases"]:
            out.append(pytest.param(check_id, spec, case, id=f"{check_id}: {case['name']}"))
    return out


def study_data(study: Study, case: dict[str, Any], today: dt.date) -> StudyData:
    if "typed" in case:
        file = upload(case["typed"], study=study, absent=case.get("absent", ()), merged=case.get("merged"))
        return tidy(study, [file], today=today)
    frames = {t: [{c: str(v) for c, v in row.items()} for row in rows] for t, rows in case["tables"].items()}
    for row in frames.get("subjects", []):
        row.setdefault("SITEID", "01")
    data = tidy_frames(study, frames, complete=True)
    return data.with_(absent=dict.fromkeys(case["absent"], ("frames",))) if "absent" in case else data


@pytest.mark.parametrize(("check_id", "spec", "case"), cases())
def test_a_check_of_structure_finds_exactly_what_its_case_says(
    check_id: str, spec: dict[str, Any], case: dict[str, Any]
) -> None:
    study = Study.load(case.get("study", spec.get("study", "palhep-a")))
    today = case.get("today", dt.date(2024, 12, 31))
    run = RunContext(today, case.get("cutoff", today), True)
    data = with_views(study_data(study, case, today), run)
    outcome = Engine(data, run, registry.views()).validate([registry.checks()[check_id]])
    assert outcome.runs[0].traceback is None, outcome.runs[0].traceback
    tables = {s.sheet: s.table for s in data.upload.sources}
    got = [
        {
            "table": tables.get(f.sheet or "", f.sheet), "sheet": f.sheet, "row": None if f.row is None else f.row - 1,
            "column": f.column, "severity": f.severity.value, "subject": f.subject, "message": f.message,
        }
        for f in outcome.findings
    ]  # fmt: skip
    left = list(got)
    for want in case["expect"]:
        head = (
            study.header(want["table"], want["column"])
            if want.get("column") and want.get("table")
            else want.get("column")
        )
        hit = next((g for g in left if _matches(g, want, head)), None)
        assert hit is not None, f"expected {want}, got {got}"
        left.remove(hit)
    assert not left, f"not expected: {left}"
    if "expect_status" in case:
        assert outcome.runs[0].status.value == case["expect_status"], outcome.runs[0]
    assert not [g for g in got if "{" in str(g["message"])]


def _matches(got: dict[str, Any], want: dict[str, Any], header: str | None) -> bool:
    if any(got[k] != want[k] for k in ("table", "row", "severity", "subject", "sheet") if k in want):
        return False
    return (header is None or got["column"] == header) and want.get("says", "") in got["message"]
