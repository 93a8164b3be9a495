"""A file that was written in, ExportError out when a second reader does not find every value of the dataset in it.

The readers share no code with the writers: transport files are decoded by `standards.transport`, JSON by the standard
library, Parquet by Arrow, CSV by the standard library. All read in slices: memory does not grow with the file.
"""

from __future__ import annotations

import csv
import json
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow.parquet as pq

from cdiscx.model.dataset import DTYPES, Dataset
from cdiscx.model.errors import ExportError
from cdiscx.standards.transport import CARD, TransportError, decode, read_layout

SLICE = 50_000
#: header records of more variables than any dataset has
_HEAD = 2_000_000


def verify(path: Path, form: str, dataset: Dataset) -> None:
    """Compares a file of format `form` with the dataset it was written from, value by value.

    `dataset` is in the form that was written (see `forms`). A format of a plug-in has no reader here and is not read.
    Raises ExportError, naming record and variable.
    """
    reader = _READERS.get(form)
    if reader is None:
        return
    names = [v.name for v in dataset.variables]
    wanted, at, height = Rows(dataset.slices(SLICE)), 0, dataset.held.height
    schema = {name: dataset.held.schema[name] for name in names}
    try:
        for part in reader(path, dataset):
            expected = wanted.take(part.height, schema)
            _compare(part, expected, path.name, at)
            at += part.height
    except (TransportError, ValueError, pl.exceptions.PolarsError) as error:
        raise ExportError(f"{path.name} cannot be read back ({' '.join(str(error).split())[:200]})") from error
    if at != height:
        raise ExportError(f"{path.name} reads back as {at} records instead of {height}")


class Rows:
    """Rows taken from the front of many frames."""

    def __init__(self, frames: Iterator[pl.DataFrame]) -> None:
        self._frames, self._held = frames, deque[pl.DataFrame]()

    def take(self, height: int, schema: Mapping[str, pl.DataType]) -> pl.DataFrame:
        """The next rows, so many where there are, in these columns."""
        found = [pl.DataFrame(schema=schema)]
        while height > 0:
            frame = self._held.popleft() if self._held else next(self._frames, None)
            if frame is None:
                break
            found.append(frame.head(height).select(list(schema)))
            if frame.height > height:
                self._held.append(frame.slice(height))
            height -= found[-1].height
        return pl.concat(found)


def _compare(got: pl.DataFrame, expected: pl.DataFrame, name: str, at: int) -> None:
    if got.columns != expected.columns:
        raise ExportError(f"{name} reads back with the variables {', '.join(got.columns)[:200]}")
    if got.height != expected.height:
        raise ExportError(f"{name} reads back as more than the {at + expected.height} records that were written")
    if got.equals(expected):
        return
    for column in expected.columns:
        same = got[column].cast(expected.schema[column]).eq_missing(expected[column])
        if not same.all():
            row = int((~same).arg_true()[0])
            said = f"{got[column][row]!r} instead of {expected[column][row]!r}"
            raise ExportError(f"{name} reads back with {said} in record {at + row + 1}, {column}")


def _read_xpt(path: Path, dataset: Dataset) -> Iterator[pl.DataFrame]:
    size = path.stat().st_size
    with path.open("rb") as file:
        layout = read_layout(file.read(min(size, _HEAD)))
        _same_description(layout.name, layout.label, dataset)
        for field, variable in zip(layout.fields, dataset.variables, strict=True):
            _same_description(field.label, variable.label, None)
            if field.is_date != (variable.type == "date"):
                raise ExportError(f"{path.name} reads back with another format of {variable.name}")
        file.seek(max(size - layout.width - CARD, layout.data))
        count = layout.records(size, file.read())
        file.seek(layout.data)
        for start in range(0, count, SLICE):
            part = decode(layout, file.read(min(SLICE, count - start) * layout.width))
            yield part.cast({v.name: pl.Int64 for v in dataset.variables if v.type == "integer"})


def _same_description(got: str, expected: str, dataset: Dataset | None) -> None:
    pairs = [(got, dataset.name), (expected, dataset.label)] if dataset else [(got, expected)]
    for read, written in pairs:
        if read != written:
            raise ExportError(f"a transport file reads back with {read!r} instead of {written!r} in its description")


def _frame(rows: list[Any], dataset: Dataset) -> pl.DataFrame:
    """Records as JSON has them -> a frame of the dataset's types; dates are ISO text there."""
    read = {v.name: pl.String() if v.type == "date" else DTYPES[v.type] for v in dataset.variables}
    return _dated(pl.DataFrame(rows, schema=read, orient="row"), dataset)


def _dated(frame: pl.DataFrame, dataset: Dataset) -> pl.DataFrame:
    return frame.with_columns(pl.col(v.name).str.to_date("%Y-%m-%d") for v in dataset.variables if v.type == "date")


def _same_head(head: Any, dataset: Dataset) -> None:
    names = [column["name"] for column in head["columns"]]
    if names != [v.name for v in dataset.variables] or head["records"] != dataset.held.height:
        raise ExportError(f"the file of {dataset.name} reads back with another description")


def _read_json(path: Path, dataset: Dataset) -> Iterator[pl.DataFrame]:
    """The writer puts every record on a line: head, records and end are each parsed whole."""
    with path.open(encoding="utf-8", newline="\n") as file:
        first = file.readline()
        _same_head(json.loads(f"{first}]}}"), dataset)
        while lines := list(islice(file, SLICE)):
            ended = lines[-1] == "]}\n"
            body = "".join(lines[:-1] if ended else lines).rstrip(",\n")
            if rows := json.loads(f"[{body}]"):
                yield _frame(rows, dataset)
            if ended:
                return
    raise ExportError(f"{path.name} reads back without its end")


def _read_ndjson(path: Path, dataset: Dataset) -> Iterator[pl.DataFrame]:
    with path.open(encoding="utf-8", newline="\n") as file:
        _same_head(json.loads(file.readline()), dataset)
        while rows := [json.loads(line) for line in islice(file, SLICE)]:
            yield _frame(rows, dataset)


def _read_parquet(path: Path, dataset: Dataset) -> Iterator[pl.DataFrame]:
    del dataset
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(batch_size=SLICE):
            part = pl.from_arrow(batch)
            assert isinstance(part, pl.DataFrame), "a record batch is a frame"
            yield part


def _read_csv(path: Path, dataset: Dataset) -> Iterator[pl.DataFrame]:
    schema = {v.name: pl.String() if v.type == "date" else DTYPES[v.type] for v in dataset.variables}
    with path.open(encoding="utf-8", newline="") as file:
        records = csv.reader(file, strict=True)
        names = next(records, [])
        if names != list(schema):
            raise ExportError(f"{path.name} reads back with the variables {', '.join(names)[:200]}")
        while rows := list(islice(records, SLICE)):
            lines = rows if len(names) > 1 else [row or [""] for row in rows]
            texts = pl.DataFrame(lines, schema=dict.fromkeys(names, pl.String), orient="row")
            blank = texts.with_columns(pl.when(pl.all() != "").then(pl.all()))
            yield _dated(blank.cast(schema), dataset)  # type: ignore[arg-type]


_READERS: dict[str, Callable[[Path, Dataset], Iterator[pl.DataFrame]]] = {
    "xpt": _read_xpt,
    "json": _read_json,
    "ndjson": _read_ndjson,
    "parquet": _read_parquet,
    "csv": _read_csv,
}
