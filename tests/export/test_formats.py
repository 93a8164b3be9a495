"""All formats: the same bytes from the same input, every value there when another reader looks."""

from __future__ import annotations

import csv
import datetime as dt
import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest
from export_kit import FORMATS, STAMP, adverse_events, dataset
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft201909Validator

from cdiscx.export import formats, write
from cdiscx.export.forms import plain_form, xpt_form
from cdiscx.export.verify import verify
from cdiscx.model.errors import ExportError, UsageError
from cdiscx.read.datasets import read_datasets
from cdiscx.registry import exporter

_TEXT = {"type": "string"}
_NAMED = {"type": "string", "minLength": 1}
_MOMENT = {"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?([+-]\d\d:\d\d|Z)?$"}
#: what the specification of Dataset-JSON 1.1 says of the attributes, as a JSON Schema
SCHEMA = {
    "$schema": "https://json-schema.org/draft/2019-09/schema",
    "type": "object",
    "additionalProperties": False,
    "required": ["datasetJSONCreationDateTime", "datasetJSONVersion", "itemGroupOID", "records", "name", "label", "columns"],
    "properties": {
        "datasetJSONCreationDateTime": _MOMENT,
        "datasetJSONVersion": {"type": "string", "pattern": r"^1\.1(\.(0|([1-9][0-9]*)))?$"},
        "fileOID": _NAMED,
        "dbLastModifiedDateTime": _MOMENT,
        "originator": _TEXT,
        "sourceSystem": {
            "type": "object",
            "additionalProperties": False,
            "required": ["name", "version"],
            "properties": {"name": _TEXT, "version": _TEXT},
        },
        "studyOID": _NAMED,
        "metaDataVersionOID": _NAMED,
        "metaDataRef": _TEXT,
        "itemGroupOID": _NAMED,
        "records": {"type": "integer", "minimum": 0},
        "name": _NAMED,
        "label": _TEXT,
        "columns": {
            "type": "array",
            "items": {
                "type": "object",
                "additionalProperties": False,
                "required": ["itemOID", "name", "label", "dataType"],
                "properties": {
                    "itemOID": _NAMED,
                    "name": _NAMED,
                    "label": _TEXT,
                    "dataType": {
                        "enum": [
                            "string", "integer", "decimal", "float", "double", "boolean", "datetime", "date", "time", "URI",
                        ]
                    },
                    "targetDataType": {"enum": ["integer", "decimal"]},
                    "length": {"type": "integer", "minimum": 1},
                    "displayFormat": _TEXT,
                    "keySequence": {"type": "integer", "minimum": 1},
                },
            },
        },
        "rows": {
            "type": "array",
            "items": {"type": "array", "items": {"type": ["string", "integer", "number", "boolean", "null"]}},
        },
    },
}  # fmt: skip
ORDER = list(SCHEMA["properties"])  # type: ignore[call-overload]


def written(folder: Path, **columns: object) -> dict[str, bytes]:
    write({"AE": adverse_events(**columns)}, folder, FORMATS, stamp=STAMP, study="S1", version="0.1")
    return {p.name: p.read_bytes() for p in sorted(folder.iterdir())}


def test_files_are_named_in_lower_case_and_private_columns_stay_here(tmp_path: Path):
    files = written(tmp_path)
    assert list(files) == ["ae.csv", "ae.json", "ae.ndjson", "ae.parquet", "ae.xpt"]
    for data in files.values():
        assert b"_from" not in data
        assert b"_block" not in data
        assert b"_id" not in data


def test_the_same_input_gives_the_same_bytes_twice(tmp_path: Path):
    assert written(tmp_path / "a") == written(tmp_path / "b")


_ELSEWHERE = """
import hashlib, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from export_kit import FORMATS, STAMP, adverse_events
from cdiscx.export import write
for path in write({"AE": adverse_events()}, Path(sys.argv[2]), FORMATS, stamp=STAMP, study="S1", version="0.1"):
    print(path.name, hashlib.sha256(path.read_bytes()).hexdigest())
"""


def test_another_time_zone_language_and_hash_seed_change_no_byte(tmp_path: Path):
    here = {n: hashlib.sha256(b).hexdigest() for n, b in written(tmp_path / "here").items()}
    for number, (zone, language, seed) in enumerate((("Asia/Tokyo", "C", "1"), ("America/Lima", "C.UTF-8", "99"))):
        env = {
            **os.environ,
            "TZ": zone,
            "LC_ALL": language,
            "PYTHONHASHSEED": seed,
            "POLARS_MAX_THREADS": str(number + 1),
        }
        command = [sys.executable, "-c", _ELSEWHERE, str(Path(__file__).parent), str(tmp_path / str(number))]
        done = subprocess.run(command, env=env, capture_output=True, text=True, check=True)
        assert dict(line.split() for line in done.stdout.splitlines()) == here


def test_json_has_the_attributes_of_the_specification_in_its_order(tmp_path: Path):
    whole = json.loads(written(tmp_path)["ae.json"])
    Draft201909Validator(SCHEMA).validate(whole)
    assert list(whole) == [name for name in ORDER if name in whole]
    assert (whole["itemGroupOID"], whole["records"], whole["studyOID"]) == ("IG.AE", 3, "ST.S1")
    assert whole["metaDataVersionOID"] == "MDV.S1.SDTM"
    columns = {c["name"]: c for c in whole["columns"]}
    assert columns["USUBJID"] == {
        "itemOID": "IT.AE.USUBJID", "name": "USUBJID", "label": "Label of USUBJID", "dataType": "string", "length": 9,
        "keySequence": 2,
    }  # fmt: skip
    assert columns["AESEQ"]["dataType"] == "integer"
    assert columns["AEDOSE"]["dataType"] == "float"
    assert columns["AESTDTC"]["dataType"] == "string", "2024-03 is no date"
    assert {k: columns["ADT"][k] for k in ("dataType", "targetDataType", "displayFormat")} == {
        "dataType": "date", "targetDataType": "integer", "displayFormat": "DATE9.",
    }  # fmt: skip
    assert whole["rows"][0] == ["S1", "AE", "S1-01-001", 1, "Fever", "2024-03-05", 3, 0.1, "2024-03-05"]


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (["2024-03-05", None], "date"),
        (["2024-03-05T09:30:00"], "datetime"),
        (["2024-03-05", "2024-03-05T09:30:00"], "string"),
        (["2024---05"], "string"),
    ],
)
def test_a_date_variable_is_a_date_only_where_all_its_values_are(values: list[str], kind: str, tmp_path: Path):
    write({"X": dataset("X", {"XDTC": values})}, tmp_path, ["json"], stamp=STAMP)
    assert json.loads((tmp_path / "x.json").read_bytes())["columns"][0]["dataType"] == kind


def test_ndjson_says_the_same_as_json(tmp_path: Path):
    files = written(tmp_path)
    head, *rows = map(json.loads, files["ae.ndjson"].splitlines())
    whole = json.loads(files["ae.json"])
    assert {**head, "rows": rows} == whole


def test_a_dataset_without_records_is_written_in_every_format(tmp_path: Path):
    schema = {"USUBJID": pl.String, "AEDOSE": pl.Float64, "AESEQ": pl.Int64}
    made = dataset("AE", dict.fromkeys(schema, ()), schema=schema)
    for form in FORMATS:
        write({"AE": made}, tmp_path / form, [form], stamp=STAMP)
        read = read_datasets(tmp_path / form)["AE"].drop("_id")
        assert read.height == 0
        assert read.columns == list(schema)
    Draft201909Validator(SCHEMA).validate(json.loads((tmp_path / "json" / "ae.json").read_bytes()))


TEXTS = st.text(st.characters(exclude_categories=("Cs",)), max_size=30)
DAYS = st.dates(dt.date(1582, 10, 15), dt.date(9999, 12, 31))
FLOATS = st.floats(allow_nan=False, allow_infinity=False)
INTEGERS = st.integers(-(2**53), 2**53)
ROWS = st.lists(
    st.tuples(st.none() | TEXTS, st.none() | FLOATS, st.none() | INTEGERS, st.none() | DAYS), min_size=0, max_size=12
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=ROWS)
def test_whatever_is_written_reads_back(rows: list[tuple[object, ...]], tmp_path: Path):
    schema = {"AETERM": pl.String, "AEDOSE": pl.Float64, "AESEQ": pl.Int64, "ADT": pl.Date}
    frame = pl.DataFrame(rows, schema=schema, orient="row")
    columns = {c: frame[c] for c in schema}
    numbered = {"USUBJID": [f"S-{i}" for i in range(len(rows))], **columns}
    made = dataset("AE", numbered, schema={"USUBJID": pl.String, **schema})
    write({"AE": made}, tmp_path, FORMATS, stamp=STAMP, lossy=True)
    plain = plain_form(made).public
    for form in ("json", "ndjson", "parquet"):
        folder = tmp_path / form
        folder.mkdir(exist_ok=True)
        (tmp_path / f"ae.{form}").replace(folder / f"ae.{form}")
        assert read_datasets(folder)["AE"].drop("_id").equals(plain)
    folder = tmp_path / "xpt"
    folder.mkdir(exist_ok=True)
    (tmp_path / "ae.xpt").replace(folder / "ae.xpt")
    assert read_datasets(folder)["AE"].drop("_id").equals(xpt_form(made, lossy=True).public)


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("what", ["a value", "the last record", "the end"])
def test_a_file_that_differs_by_one_value_is_noticed(form: str, what: str, tmp_path: Path):
    made = adverse_events()
    write({"AE": made}, tmp_path, [form], stamp=STAMP)
    path = tmp_path / f"ae.{form}"
    ready = xpt_form(made) if form == "xpt" else plain_form(made)
    verify(path, form, ready)
    if what == "a value":
        other = ready.with_(frame=ready.frame.with_columns(AETERM=pl.Series(["Fever", 'pain, "severe"', "rush"])))
    elif what == "the last record":
        other = ready.with_(frame=ready.frame.head(2))
    else:
        path.write_bytes(path.read_bytes()[:-90])
        other = ready
    with pytest.raises(ExportError):
        verify(path, form, other)


def test_texts_that_spreadsheets_and_separators_trip_over_stay_as_they_are(tmp_path: Path):
    hostile = ['a,"b"\nc', "=1+1", " lead", "\r\n", "a;b\tc", "'quoted'", "\\", "NA", "null", "0012", "1e5"]
    made = dataset("X", {"USUBJID": [str(i) for i in range(len(hostile))], "XTERM": hostile})
    write({"X": made}, tmp_path, ["csv", "json", "ndjson", "parquet"], stamp=STAMP)
    with (tmp_path / "x.csv").open(newline="", encoding="utf-8") as file:
        assert [row[1] for row in csv.reader(file)][1:] == hostile


def test_numbers_that_are_none_stop_every_format(tmp_path: Path):
    made = {"X": dataset("X", {"A": [float("nan")]})}
    for form in FORMATS:
        with pytest.raises(ExportError, match="NaN or infinite"):
            write(made, tmp_path, [form], stamp=STAMP)
    write(made, tmp_path, FORMATS, stamp=STAMP, lossy=True)
    assert json.loads((tmp_path / "x.json").read_bytes())["rows"] == [[None]]


def test_a_column_that_is_not_of_its_type_is_one_line(tmp_path: Path):
    made = adverse_events()
    wrong = made.with_(frame=made.frame.with_columns(AESEQ=pl.lit("one")))
    with pytest.raises(ExportError, match="dataset AE: a column is not of the type") as caught:
        write({"AE": wrong}, tmp_path, ["xpt"], stamp=STAMP)
    assert "\n" not in str(caught.value)
    with pytest.raises(ExportError, match="has no column AESEQ"):
        write({"AE": made.with_(frame=made.frame.drop("AESEQ"))}, tmp_path, ["xpt"], stamp=STAMP)


def test_an_unknown_format_names_those_that_there_are(tmp_path: Path):
    with pytest.raises(UsageError, match=r"no format xls; there are: csv, json, ndjson, parquet, xpt"):
        write({}, tmp_path, ["xls"], stamp=STAMP)
    assert set(formats()) >= set(FORMATS)


def test_a_plug_in_adds_a_format_with_one_function(tmp_path: Path):
    @exporter("count")
    def write_count(made, path, facts):
        path.write_text(f"{made.name} {made.frame.height} {facts.study}")

    try:
        (path,) = write({"AE": adverse_events()}, tmp_path, ["count"], stamp=STAMP, study="S1")
        assert path.name == "ae.count"
        assert path.read_text() == "AE 3 S1"
    finally:
        from cdiscx import registry

        registry._KINDS["exporter"].pop("count")
