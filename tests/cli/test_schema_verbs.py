"""`cdiscx schema` and `cdiscx suite`: a study's rules as files that pandera and Great Expectations read."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest
from command_kit import STUDIES, cdiscx
from ruamel.yaml import YAML

from cdiscx.model.spec import Study


@pytest.mark.parametrize("study", STUDIES)
def test_every_table_has_a_schema_that_is_plain_json(study: str, tmp_path: Path) -> None:
    done = cdiscx("schema", study, "--out", tmp_path)
    assert done.status == 0
    tables = {sheet.holds for sheet in Study.load(study).sheets.values()}
    assert {p.stem for p in tmp_path.iterdir()} == tables
    for path in tmp_path.iterdir():
        json.loads(path.read_text(encoding="utf-8"), parse_constant=lambda word: pytest.fail(f"{word} is no JSON"))
    together = json.loads(cdiscx("schema", study).out)
    assert together == {p.stem: json.loads(p.read_text(encoding="utf-8")) for p in tmp_path.iterdir()}
    assert YAML(typ="safe").load(cdiscx("schema", study, "--format", "yaml").out) == together


def test_pandera_reads_a_schema_and_judges_frames_with_it() -> None:
    import pandera.polars as pa

    told = json.loads(cdiscx("schema", "palhep-a").out)["subjects"]
    schema = pa.DataFrameSchema.from_json(json.dumps(told))
    right = {name: ["x"] for name, column in told["columns"].items() if column["required"]}
    right |= {"SUBJID": ["101"], "ECOG": [1.0], "WEIGHT": [70.0], "AGE": [50.0], "HEIGHT": [170.0], "CPSCORE": [5.0]}
    schema.validate(pl.DataFrame(right), lazy=True)
    wrong = pl.DataFrame(right).with_columns(WEIGHT=pl.lit(700.0), SUBJID=pl.lit("1 0/1"))
    with pytest.raises(pa.errors.SchemaErrors) as error:
        schema.validate(wrong.drop("BCLC"), lazy=True)
    assert {"WEIGHT", "SUBJID"} <= set(error.value.failure_cases.get_column("column").to_list())
    assert "BCLC" in str(error.value)


@pytest.mark.parametrize("study", STUDIES)
def test_every_expectation_of_the_study_file_is_in_a_suite(study: str, tmp_path: Path) -> None:
    assert cdiscx("suite", study, "--out", tmp_path).status == 0
    suites = [json.loads(p.read_text(encoding="utf-8")) for p in tmp_path.iterdir()]
    ids = {e["meta"]["id"] for suite in suites for e in suite["expectations"]}
    assert ids == {f"{study}.{e.id}" for e in Study.load(study).expectations}


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_great_expectations_reads_a_suite() -> None:
    from great_expectations import ExpectationSuite

    told = json.loads(cdiscx("suite", "palhep-a").out)
    for suite in told.values():
        assert len(ExpectationSuite(**suite).expectations) == len(suite["expectations"])


def test_a_folder_that_cannot_be_written_and_a_study_nobody_knows_are_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    assert "cannot be written" in cdiscx("schema", "palhep-a", "--out", tmp_path / "file" / "x").complaint
    assert "no-such" in cdiscx("suite", "no-such").complaint
