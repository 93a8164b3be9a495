"""The JSON Schema for editors: written from the models, true of the bundled files, and it finds a typo."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from ruamel.yaml import YAML

from cdiscx.model.schema import schema_text, study_schema
from cdiscx.model.spec_file import data_folder

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted(data_folder("specs").rglob("*.yaml"))


def read(path: Path) -> Any:
    return YAML(typ="safe").load(path.read_text(encoding="utf-8"))


def test_the_schema_in_docs_is_the_schema_of_the_code() -> None:
    stored = (ROOT / "docs" / "study-file.schema.json").read_text(encoding="utf-8")
    assert stored == schema_text(), "write cdiscx.model.schema.schema_text() to docs/study-file.schema.json again"


def test_the_schema_is_a_schema() -> None:
    Draft202012Validator.check_schema(study_schema())


@pytest.mark.parametrize("path", FILES, ids=[f.name for f in FILES])
def test_every_bundled_file_keeps_to_the_schema(path: Path) -> None:
    errors = [
        f"{list(e.path)}: {e.message[:120]}" for e in Draft202012Validator(study_schema()).iter_errors(read(path))
    ]
    assert errors == []


@pytest.mark.parametrize(
    ("change", "at"),
    [
        ({"titel": "x"}, []),
        ({"sheets": {"Visits": {"columns": {"Visit Date": {"tpye": "date"}}}}}, ["sheets"]),
        ({"sheets": {"Visits": {"columns": {"Visit Date": {"type": "day"}}}}}, ["sheets"]),
        ({"schedule": [{"name": "DAY 1", "window": "three"}]}, ["schedule"]),
    ],
)
def test_an_editor_underlines_a_typo(change: dict[str, Any], at: list[str]) -> None:
    errors = list(Draft202012Validator(study_schema()).iter_errors(change))
    assert len(errors) == 1
    assert list(errors[0].path)[:1] == at


def test_people_write_is_and_from_and_the_schema_says_so() -> None:
    definitions = study_schema()["$defs"]
    assert "is" in definitions["Column"]["properties"]
    assert "is_" not in definitions["Column"]["properties"]
    assert "from" in definitions["Visit"]["properties"]


def test_a_parameter_reference_may_stand_for_a_number() -> None:
    validator = Draft202012Validator(study_schema())
    assert validator.is_valid({"schedule": [{"name": "DAY 1", "window": "$slack_days"}]})


def test_every_key_of_a_sheet_and_a_column_has_a_title_for_the_editor() -> None:
    definitions = study_schema()["$defs"]
    for name in ("Sheet", "Column", "Visit", "Anchor", "Regimen", "Assessments"):
        assert definitions[name]["description"], name
        assert all("title" in p or "anyOf" in p for p in definitions[name]["properties"].values()), name
