"""A dataset in, CDISC Dataset-JSON 1.1 out, as JSON and as NDJSON, written slice by slice.

Source: CDISC Dataset-JSON Specification, version 1.1 (2024-12-05). Every record stands on a line of its own in both
representations, so that either can be read back in slices.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import polars as pl

from cdiscx.export.define_words import is_analysis, oid
from cdiscx.export.facts import Facts
from cdiscx.model.dataset import Dataset, Variable
from cdiscx.registry import exporter

VERSION = "1.1.0"
#: records encoded at a time
SLICE = 20_000
_DATE = r"^\d{4}-\d{2}-\d{2}$"
_DATETIME = r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}$"


def metadata(dataset: Dataset, facts: Facts) -> dict[str, Any]:
    """The top-level attributes in the order of the specification, without `rows`; identifiers are those of define.xml."""
    out: dict[str, Any] = {
        "datasetJSONCreationDateTime": facts.stamp.strftime("%Y-%m-%dT%H:%M:%S"),
        "datasetJSONVersion": VERSION,
        "fileOID": ".".join(filter(None, (facts.study, dataset.name))),
    }
    if facts.version:
        out["sourceSystem"] = {"name": "cdiscx", "version": facts.version}
    if facts.study:
        kind = "ADaM" if is_analysis(dataset.standard) else "SDTM"
        out |= {"studyOID": oid("ST", facts.study), "metaDataVersionOID": oid("MDV", facts.study, kind)}
    out |= {
        "metaDataRef": "define.xml",
        "itemGroupOID": oid("IG", dataset.name),
        "records": dataset.held.height,
        "name": dataset.name,
        "label": dataset.label,
        "columns": [_column(dataset, variable) for variable in dataset.variables],
    }
    return out


def _column(dataset: Dataset, variable: Variable) -> dict[str, Any]:
    values = dataset.column(variable.name)
    out: dict[str, Any] = {
        "itemOID": oid("IT", dataset.name, variable.name),
        "name": variable.name,
        "label": variable.label,
        "dataType": _data_type(variable, values),
    }
    if variable.type == "date":
        out |= {"targetDataType": "integer", "displayFormat": "DATE9."}
    if out["dataType"] == "string":
        longest = values.str.len_chars().max()
        out["length"] = max(longest if isinstance(longest, int) else 1, 1)
    if variable.name in dataset.keys:
        out["keySequence"] = dataset.keys.index(variable.name) + 1
    return out


def _data_type(variable: Variable, values: pl.Series) -> str:
    """`date` and `datetime` only where every value is complete: a partial date is a string."""
    if variable.type == "isodate":
        for kind, pattern in (("date", _DATE), ("datetime", _DATETIME)):
            if values.str.contains(pattern).all():
                return kind
        return "string"
    return {"text": "string", "integer": "integer", "float": "float", "date": "date"}[variable.type]


def _rows(dataset: Dataset) -> Iterator[list[bytes]]:
    """Each record as the text of a JSON array, a list for each slice."""
    dates = [pl.col(v.name).dt.to_string("iso") for v in dataset.variables if v.type == "date"]
    names = [v.name for v in dataset.variables]
    for part in dataset.slices(SLICE):
        yield [orjson.dumps(row) for row in part.select(names).with_columns(dates).iter_rows()]


@exporter("json")
def write_json(dataset: Dataset, path: Path, facts: Facts) -> None:
    """One JSON object; `rows` is its last attribute."""
    with path.open("wb") as file:
        file.write(orjson.dumps(metadata(dataset, facts))[:-1] + b',"rows":[\n')
        first = True
        for rows in _rows(dataset):
            file.write((b"" if first else b",\n") + b",\n".join(rows))
            first = first and not rows
        file.write(b"\n]}\n")


@exporter("ndjson")
def write_ndjson(dataset: Dataset, path: Path, facts: Facts) -> None:
    """The attributes on the first line, then a line for each record."""
    with path.open("wb") as file:
        file.write(orjson.dumps(metadata(dataset, facts)) + b"\n")
        for rows in _rows(dataset):
            file.write(b"".join(row + b"\n" for row in rows))
