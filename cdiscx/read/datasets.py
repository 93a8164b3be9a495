"""A folder of SDTM or ADaM datasets in, frames by name out; also datasets that cdiscx did not write.

Transport files (version 5 and 8), Dataset-JSON 1.1 (JSON and NDJSON), Parquet and CSV; file names in any case.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import polars as pl

from cdiscx.model.errors import UploadError
from cdiscx.model.kept import Kept, pieces
from cdiscx.read.archive import open_archive
from cdiscx.read.datasets_binary import (
    broken,
    empty,
    one_member,
    parquet_height,
    parquet_records,
    too_many,
    xpt_layout,
    xpt_records,
)
from cdiscx.read.limits import Limits, human
from cdiscx.read.variable_types import typed

#: what lies beside datasets in a folder of ours and is none
BESIDE = frozenset({"lineage.parquet", "manifest.json", "endpoints.json", "report.json", "conformance.json"})
#: the richer format wins where a dataset is there in several: transport files are ASCII, CSV knows no types
_PREFERENCE = ("parquet", "json", "ndjson", "xpt", "csv")
_NAME = re.compile(r"[A-Z][A-Z0-9]{1,7}")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,31}")


@dataclass(frozen=True, slots=True)
class DatasetLimits:
    """Bounds that keep a hostile or mistaken folder from filling the machine: bytes of a file, files, values in all."""

    file: int = 4 * 1024**3
    files: int = 1_000
    values: int = 2_000_000_000


def read_datasets(folder: str | Path, limits: DatasetLimits | None = None) -> dict[str, pl.DataFrame]:
    """The datasets of a folder (or of a .zip), by upper-case name in alphabetical order.

    Columns are String, Int64, Float64 or Date (numbers with a date format), blank text is null, and `_id` (u32) counts
    the records over all datasets in name order. Where a dataset is there in several formats the first of Parquet, JSON,
    NDJSON, XPT, CSV is read. Raises UploadError, in one line, for what is broken, empty or no dataset.
    """
    bounds = limits or DatasetLimits()
    place = Path(folder)
    found = chosen_files(place, bounds)
    frames: dict[str, pl.DataFrame] = {}
    values = 0
    for shown, load in found:
        name, frame = whole_dataset(shown, load(), bounds.values - values)
        values += frame.height * frame.width
        if name in frames:
            raise twice(shown, name, place)
        frames[name] = frame
    return _numbered(frames)


def whole_dataset(shown: str, data: bytes, room: int) -> tuple[str, pl.DataFrame]:
    """Name and records of the dataset in a file's bytes. Raises UploadError."""
    stem, _, form = shown.rpartition("/")[2].rpartition(".")
    if not data:
        raise empty(shown)
    name, frame, from_text = _READERS[form.lower()](data, stem.upper(), shown, room)
    name, frame = named(name, frame, shown)
    return name, pl.DataFrame([typed(name, c, from_text=from_text) for c in frame.iter_columns()])


def twice(shown: str, name: str, place: Path) -> UploadError:
    """Two files hold one dataset."""
    return UploadError(f"{shown} holds dataset {name}, which another file of {place} holds too; leave one out")


def dataset_files(folder: str | Path) -> list[Path]:
    """The files that `read_datasets` reads of a folder, or the file itself. Raises UploadError."""
    place, bounds = Path(folder), DatasetLimits()
    if not place.is_dir():
        return [place]
    return [place / name for name, _ in chosen_files(place, bounds)]


def latest_day(frames: Mapping[str, pl.DataFrame | Kept], today: dt.date) -> dt.date | None:
    """The latest complete `--DTC` (or Date) of the subjects' records that is not after `today`; None where there is none."""
    latest: list[dt.date] = []
    for held in frames.values():
        if "USUBJID" not in held.columns:
            continue
        told = [n for n, t in held.schema.items() if t == pl.Date or (t == pl.String and n.endswith("DTC"))]
        for column in (c for piece in pieces(held, told) for c in piece.iter_columns()):
            text = column.dtype == pl.String
            days = column.str.head(10).str.to_date("%Y-%m-%d", strict=False) if text else column
            latest += [day for day in [days.filter(days <= today).max()] if isinstance(day, dt.date)]
    return max(latest, default=None)


def _numbered(frames: Mapping[str, pl.DataFrame]) -> dict[str, pl.DataFrame]:
    out, first = {}, 0
    for name in sorted(frames):
        height = frames[name].height
        ids = pl.int_range(first, first + height, dtype=pl.UInt32, eager=True).alias("_id")
        out[name] = frames[name].with_columns(ids)
        first += height
    return out


def chosen_files(place: Path, bounds: DatasetLimits) -> list[tuple[str, Callable[[], bytes]]]:
    """Name and loader of the file of each dataset of a folder or zip. Raises UploadError."""
    return _chosen_of(_files(place, bounds), place, bounds)


def _files(place: Path, bounds: DatasetLimits) -> list[tuple[str, int, Callable[[], bytes]]]:
    """Name, size and loader of each file of the folder or zip, by name."""
    try:
        if place.is_dir():
            paths = sorted(p for p in place.iterdir() if p.is_file())
            found = [(p.name, p.stat().st_size, p.read_bytes) for p in paths]
        elif place.suffix.lower() == ".zip" and place.is_file():
            if place.stat().st_size > bounds.file:
                raise UploadError(f"{place.name} is larger than {human(bounds.file)}; upload the datasets one by one")
            archive = open_archive(place.read_bytes(), place.name, Limits())
            infos = sorted((n, i) for n, i in archive.members.items() if not i.is_dir() and "__MACOSX" not in n)
            found = [(n, i.file_size, lambda n=n: archive.read(n)) for n, i in infos]  # type: ignore[misc]
        elif place.is_file():
            found = [(place.name, place.stat().st_size, place.read_bytes)]
        else:
            raise UploadError(f"there is no folder {place}; name the folder that holds the datasets")
    except OSError as error:
        raise UploadError(f"{place} cannot be read: {error.strerror or error}") from error
    return found


def _chosen_of(
    files: Iterable[tuple[str, int, Callable[[], bytes]]], place: Path, limit: DatasetLimits
) -> list[tuple[str, Callable[[], bytes]]]:
    """One file for each dataset, the best format of those that are there."""
    best: dict[str, tuple[int, str, Callable[[], bytes]]] = {}
    for shown, size, load in files:
        name = shown.rpartition("/")[2].lower()
        stem, _, form = name.rpartition(".")
        if form not in _PREFERENCE or name in BESIDE or name.startswith((".", "~")):
            continue
        if size > limit.file:
            raise UploadError(f"{shown} is larger than {human(limit.file)}; it was not read")
        rank = _PREFERENCE.index(form)
        if stem in best and best[stem][0] == rank:
            raise UploadError(f"{place} holds {shown} twice, in different case; leave one out")
        if stem not in best or rank < best[stem][0]:
            best[stem] = (rank, shown, load)
    if not best:
        inside = next((f"; is it {place / name}?" for name in ("sdtm", "adam") if (place / name).is_dir()), "")
        raise UploadError(f"{place} holds no dataset (.xpt, .json, .ndjson, .parquet or .csv){inside}")
    if len(best) > limit.files:
        raise UploadError(f"{place} holds more than {limit.files} datasets; name the folder of one study")
    return [(shown, load) for _, shown, load in best.values()]


def named(name: str, frame: pl.DataFrame, shown: str) -> tuple[str, pl.DataFrame]:
    """Name and columns in upper case, private columns off; raises UploadError for names that no dataset has."""
    name = name.upper()
    if not _NAME.fullmatch(name):
        raise UploadError(f"{shown} is no dataset: {name[:40]!r} cannot be the name of one")
    if not frame.width:
        raise UploadError(f"{shown} is no dataset: it has no variables")
    odd = next((n for n, c in enumerate(frame.columns, start=1) if not _VARIABLE.fullmatch(c)), None)
    if odd is not None:  # which may be a value, where a file has no line of names: it is not shown
        said = "cannot be the name of a variable (letters, digits and _, 32 at most, no digit first)"
        raise UploadError(f"{shown} is no dataset: what stands over column {odd} {said}")
    upper = [c.upper() for c in frame.columns]
    if len(set(upper)) != len(upper):
        raise UploadError(f"{shown} has the variable {max(upper, key=upper.count)} twice; leave one out")
    frame.columns = upper
    return name, frame.select(c for c in upper if not c.startswith("_"))


def _xpt(data: bytes, stem: str, shown: str, room: int) -> tuple[str, pl.DataFrame, bool]:
    del stem
    layout, count = xpt_layout(lambda start, end: data[start:end], len(data), shown, room)
    one_member(data, layout.data, shown)
    return layout.name, xpt_records(layout, data[layout.data : layout.data + count * layout.width], shown), False


_JSON_TYPES = {"integer": pl.Int64(), "float": pl.Float64(), "double": pl.Float64(), "decimal": pl.Float64()}


def _from_json(head: Any, rows: Any, shown: str, room: int) -> tuple[str, pl.DataFrame, bool]:
    """Attributes and records of Dataset-JSON as a frame. Raises UploadError."""
    if not isinstance(head, dict) or not isinstance(head.get("columns"), list) or not isinstance(head.get("name"), str):
        old = isinstance(head, dict) and ("clinicalData" in head or "referenceData" in head)
        raise broken(shown, "it is Dataset-JSON 1.0, not 1.1" if old else "it is not Dataset-JSON 1.1")
    columns = head["columns"]
    if any(not isinstance(c, dict) or not isinstance(c.get("name"), str) for c in columns):
        raise broken(shown, "a variable has no name")
    names = [c["name"] for c in columns]
    if len(set(names)) != len(names):
        raise broken(shown, "it has two variables of the same name")
    if not isinstance(rows, list) or any(not isinstance(r, list) or len(r) != len(columns) for r in rows):
        raise broken(shown, f"a record has not the {len(columns)} values of its variables")
    if head.get("records") != len(rows):
        raise broken(shown, f"it states {head.get('records')} records and holds {len(rows)}")
    if len(rows) * len(columns) > room:
        raise too_many(shown)
    schema = {c["name"]: _JSON_TYPES.get(str(c.get("dataType")), pl.String()) for c in columns}
    loose = {
        n: (None if str(c.get("dataType")) == "decimal" else schema[n]) for n, c in zip(names, columns, strict=True)
    }
    try:
        frame = pl.DataFrame(rows, schema=loose, orient="row", strict=True, infer_schema_length=None)
        frame = frame.with_columns(
            pl.col(c["name"]).cast(pl.Float64) for c in columns if str(c.get("dataType")) == "decimal"
        )
    except (pl.exceptions.PolarsError, TypeError, ValueError, OverflowError) as error:
        raise broken(shown, f"a value is not of its variable's type: {error}") from error
    days = [c["name"] for c in columns if c.get("dataType") == "date" and c.get("targetDataType") == "integer"]
    return head["name"], frame.with_columns(_iso_day(frame.get_column(n)) for n in days), False


def _iso_day(texts: pl.Series) -> pl.Series:
    days = texts.str.to_date("%Y-%m-%d", strict=False)
    return days if days.null_count() == texts.null_count() else texts


def _json(data: bytes, stem: str, shown: str, room: int) -> tuple[str, pl.DataFrame, bool]:
    del stem
    try:
        whole = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise broken(shown, error) from error
    rows = whole.get("rows", []) if isinstance(whole, dict) else None
    return _from_json(whole, rows, shown, room)


def _ndjson(data: bytes, stem: str, shown: str, room: int) -> tuple[str, pl.DataFrame, bool]:
    del stem
    lines: Iterator[bytes] = (line for line in io.BytesIO(data) if line.strip())
    try:
        head = orjson.loads(next(lines, b"null"))
        rows = [orjson.loads(line) for line in lines]
    except orjson.JSONDecodeError as error:
        raise broken(shown, error) from error
    return _from_json(head, rows, shown, room)


def _parquet(data: bytes, stem: str, shown: str, room: int) -> tuple[str, pl.DataFrame, bool]:
    parquet_height(io.BytesIO(data), shown, room)
    return stem, parquet_records(io.BytesIO(data), shown), False


def _csv(data: bytes, stem: str, shown: str, room: int) -> tuple[str, pl.DataFrame, bool]:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise broken(shown, "it is not UTF-8") from error
    if "\x00" in text:
        raise broken(shown, "it is not text")
    if text.count(",") + text.count("\n") > room:
        raise too_many(shown)
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    except csv.Error as error:
        raise broken(shown, error) from error
    names = rows[0] if rows else []
    if len({n.upper() for n in names}) != len(names):
        raise broken(shown, "it has two variables of the same name")
    body = [row for row in rows[1:] if row] if len(names) > 1 else [row or [""] for row in rows[1:]]
    ragged = next((n for n, row in enumerate(body, 2) if len(row) != len(names)), None)
    if ragged is not None:
        raise broken(shown, f"row {ragged} has not the {len(names)} values of its variables")
    return stem, pl.DataFrame(body, schema=dict.fromkeys(names, pl.String), orient="row"), True


_READERS: dict[str, Callable[[bytes, str, str, int], tuple[str, pl.DataFrame, bool]]] = {
    "xpt": _xpt,
    "json": _json,
    "ndjson": _ndjson,
    "parquet": _parquet,
    "csv": _csv,
}
