"""Every check of the catalogue against its cases in tests/cases/<ID>.yaml."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from ruamel.yaml import YAML
from typed_upload import upload

from cdiscx import registry
from cdiscx.model.spec import Study
from cdiscx.model.table import RunContext, StudyData
from cdiscx.tidy import tidy
from cdiscx.tidy.frames import schema_of, tidy_frames
from cdiscx.validate.engine import Engine
from cdiscx.validate.structure import schema_checks
from cdiscx.views import with_views

FOLDER = Path(__file__).parent / "cases"
KINDS = {"failing", "passing", "boundary", "trap", "skipped"}


def load(file: Path) -> dict[str, Any]:
    """A case file with dates and ids left as text."""
    yaml = YAML(typ="safe", pure=True)
    return dict(yaml.load(file.read_text(encoding="utf-8")))


FILES = {f.stem: load(f) for f in sorted(FOLDER.glob("*-*.yaml"))}


def flat() -> list[Any]:
    out = []
    for check_id, spec in FILES.items():
        studies = spec.get("study", "palhep-a")
        for case in spec["cases"]:
            own = case.get("study", studies)
            for study in [own] if isinstance(own, str) else own:
                out.append(pytest.param(check_id, study, spec, case, id=f"{check_id}: {case['name']} [{study}]"))
    return out


def text(value: Any) -> Any:
    return value.isoformat() if isinstance(value, dt.date) else value


def study_data(study: Study, case: dict[str, Any], today: dt.date) -> StudyData:
    """The case's tables as StudyData; what is not given is empty but there. `typed` cases are sheets as sites type them."""
    if "typed" in case:
        given = upload(case["typed"], study=study, absent=case.get("absent", ()), merged=case.get("merged"))
        return tidy(study, [given], today=today)
    frames: dict[str, pl.DataFrame] = {}
    for table, rows in case.get("tables", {}).items():
        assert study.sheet_of(table), f"no table {table} in {study.id}"
        schema = schema_of(study, table)
        for row in rows:
            strange = set(row) - set(schema)
            assert not strange, f"{table} has no column {sorted(strange)}"
        names = list(dict.fromkeys(c for row in rows for c in row))
        plain = dict.fromkeys(names, pl.Utf8)
        data = [{c: None if (v := text(row.get(c))) is None else _cell(v) for c in names} for row in rows]
        frames[table] = pl.DataFrame(data, schema=plain)
    if "subjects" in frames and "SITEID" not in frames["subjects"].columns:
        frames["subjects"] = frames["subjects"].with_columns(SITEID=pl.lit("01"))
    data_ = tidy_frames(study, frames, complete=True)
    away = case.get("absent", [])
    return data_.with_(absent=dict.fromkeys(away, ("frames",))) if away else data_


def _cell(value: Any) -> str:
    if isinstance(value, list):
        return "; ".join(str(v) for v in value)
    if isinstance(value, bool):
        return "Y" if value else "N"
    return str(value)


def given(study_name: str, spec: dict[str, Any], case: dict[str, Any]) -> tuple[StudyData, RunContext]:
    """A case's tables, without views, and the day on which they are judged."""
    study = Study.load(study_name)
    if case.get("parameters"):
        study = study.model_copy(update={"parameters": {**study.parameters, **case["parameters"]}})
    today = case.get("today", spec.get("today", dt.date(2024, 12, 31)))
    today = today if isinstance(today, dt.date) else dt.date.fromisoformat(today)
    cutoff = case.get("cutoff", spec.get("cutoff", today))
    cutoff = cutoff if isinstance(cutoff, dt.date) else dt.date.fromisoformat(cutoff)
    return study_data(study, case, today), RunContext(today, cutoff, True)


def judge(check_id: str, data: StudyData, context: RunContext) -> tuple[Any, list[Any]]:
    """A check's status and findings on data that have their views."""
    checks = [c for c in registry.checks().values() if c.id == check_id or check_id == "all"]
    engine = Engine(data, context, registry.views())
    outcome = engine.validate(checks, [(c, j) for c, j in schema_checks(data) if c.id == check_id])
    return next(r for r in outcome.runs if r.check_id == check_id), list(outcome.findings)


def differences(case: dict[str, Any], status: Any, findings: list[Any], data: StudyData) -> list[str]:
    """What came out otherwise than the case says."""
    if status.traceback is not None:
        return [status.traceback]
    sheets = {name: sheet.holds for name, sheet in data.study.sheets.items()}
    sheets |= {s.sheet: s.table for s in data.upload.sources}
    got = [
        {
            "table": sheets.get(f.sheet or "", f.sheet),
            "row": None if f.row is None else f.row - 1,  # both as frames and as typed: 0-based position in the grid
            "column": f.column,
            "severity": f.severity.value,
            "subject": f.subject,
            "sheet": f.sheet,
            "message": f.message,
            "cells": {
                (sheets.get(r.sheet or "", r.sheet), r.column, None if r.row is None else r.row - 1) for r in f.related
            },
        }
        for f in findings
    ]
    out = [f"a slot was not filled: {g['message']}" for g in got if "{" in g["message"]]
    left = list(got)
    for want in case.get("expect", []):
        column = data.study.header(want["table"], want["column"]) if want.get("column") and want.get("table") else None
        cells = {_cell_of(word, data.study) for word in want["cells"]} if "cells" in want else None
        hit = next((g for g in left if _matches(g, want, column) and cells in (None, g["cells"])), None)
        if hit is None:
            out.append(f"expected {want}, got {got}")
        else:
            left.remove(hit)
    out += [f"not expected: {g}" for g in left]
    if "expect_status" in case and status.status.value != case["expect_status"]:
        out.append(f"status: {status}")
    return out


@pytest.mark.parametrize(("check_id", "study", "spec", "case"), flat())
def test_a_check_finds_exactly_what_its_case_says(
    check_id: str, study: str, spec: dict[str, Any], case: dict[str, Any]
) -> None:
    assert case["kind"] in KINDS
    bare, context = given(study, spec, case)
    data = with_views(bare, context)
    status, findings = judge(check_id, data, context)
    assert differences(case, status, findings, data) == []


def _cell_of(word: str, study: Study) -> tuple[str, str | None, int]:
    """`dosing.EXSTDAT 0`: table, heading and row of a related cell (`dosing 0`: the row as a whole)."""
    place, _, row = word.partition(" ")
    table, _, column = place.partition(".")
    return table, study.header(table, column) if column else None, int(row)


def _matches(got: dict[str, Any], want: dict[str, Any], column: str | None) -> bool:
    for key in ("table", "row", "severity", "subject", "sheet"):
        if key in want and got[key] != want[key]:
            return False
    if column is not None and got["column"] != column:
        return False
    if "without" in want and want["without"] in got["message"]:
        return False
    return "says" not in want or want["says"] in got["message"]


#: judged by pandera schemas compiled from the study file, not by functions of the checks room
BY_SCHEMA = {"STR-003", "STR-009"}


@pytest.mark.parametrize("check_id", sorted(registry.checks()))
def test_every_check_of_the_catalogue_is_there(check_id: str) -> None:
    assert registry.checks()[check_id].parts or check_id in BY_SCHEMA


@pytest.mark.parametrize("check_id", sorted(registry.checks()))
def test_every_check_has_failing_passing_and_boundary_cases(check_id: str) -> None:
    assert check_id in FILES, f"tests/cases/{check_id}.yaml is missing"
    kinds = {case["kind"] for case in FILES[check_id]["cases"]}
    assert {"failing", "passing"} <= kinds
    assert kinds & {"boundary", "trap"}, "a boundary (or trap) case is missing"
