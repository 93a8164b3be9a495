"""Datasets in, one long table out: for every value of every record, where it comes from.

`lineage.parquet` lies beside the datasets. SDTM values lead to cells of the uploads, or to the variable of a dataset that
they are derived from; ADaM values lead to SDTM records or to other ADaM variables. A value that leads nowhere is a
constant, a term of the protocol, or a number that the dataset gives itself (`--SEQ`).

The table has some hundred times the cells of its datasets: it is made a run of subjects and a variable at a time, waits on disk
where there are several runs, and is never in memory whole.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import polars as pl

from cdiscx.export.cells import Cells
from cdiscx.export.portions import Held, Portions, portions
from cdiscx.export.records import Others, record_key
from cdiscx.export.tracing import LINEAGE, Tracing
from cdiscx.model.dataset import Dataset
from cdiscx.model.kept import Scratch, regrouped
from cdiscx.model.table import StudyData

__all__ = [
    "FILE",
    "LINEAGE",
    "Lines",
    "Trace",
    "lineage",
    "lineage_adam",
    "of_adam",
    "of_sdtm",
    "write_lineage",
    "write_traces",
]

#: the file's name, beside the datasets
FILE = "lineage.parquet"
#: lines of a row group
_GROUP = 250_000
_OWNER = {"_rid": pl.UInt32, "table": pl.String}
Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Trace:
    """What the lineage of some datasets is made of: `whole`, all records that they and their sources have; `cells`: where
    values were typed (SDTM); `linked`: datasets whose records `_from` names by `_id` (ADaM)."""

    datasets: Mapping[str, Dataset]
    whole: Mapping[str, Held]
    cells: Cells | None
    linked: frozenset[str] = frozenset()

    def portions(self) -> Portions:
        """The records by runs of subjects."""
        return portions(self.whole)

    def lines(self, by: Portions) -> Iterator[Iterator[tuple[Key, pl.DataFrame]]]:
        """Portion by portion: dataset by dataset and variable by variable the LINEAGE of their records."""
        keys = {
            n: record_key(n, _shape(h), self.datasets[n].keys if n in self.datasets else ())
            for n, h in self.whole.items()
        }
        facts: dict[str, bool] = {}
        for number, frames in enumerate(by):
            others = Others(frames, keys, self.whole, self.linked, facts)
            traced = [n for n in self.datasets if number == 0 or "USUBJID" in frames[n].columns]
            cells = self.cells.of_rows([frames[n] for n in traced]) if self.cells and by.number > 1 else self.cells
            yield self._portion(traced, frames, others, cells)

    def _portion(
        self, traced: list[str], frames: Mapping[str, pl.DataFrame], others: Others, cells: Cells | None
    ) -> Iterator[tuple[Key, pl.DataFrame]]:
        owner = cells.tables() if cells else _ids({n: f for n, f in frames.items() if n in self.linked})
        for name in traced:
            tracing = Tracing(self.datasets[name].with_(frame=frames[name]), others, owner, cells)
            for variable, lines in tracing.lines():
                yield (name, variable), lines
            others.forget()


def _shape(held: Held) -> pl.DataFrame:
    return pl.DataFrame(schema=held.schema)


def _ids(frames: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """`_rid`, `table`: which dataset each `_id` is a record of."""
    ids = [
        f.select(pl.col("_id").cast(pl.UInt32).alias("_rid"), pl.lit(n).alias("table"))
        for n, f in frames.items()
        if "_id" in f.columns
    ]
    return pl.concat([pl.DataFrame(schema=_OWNER), *ids])


def of_sdtm(datasets: Mapping[str, Dataset], data: StudyData) -> Trace:
    """SDTM datasets (with `_from` and `_block`) of one run."""
    return Trace(datasets, {name: dataset.held for name, dataset in datasets.items()}, Cells(data))


def of_adam(datasets: Mapping[str, Dataset], sdtm: Mapping[str, Held]) -> Trace:
    """ADaM datasets (with `_from` = `_id`s of SDTM records) and the SDTM frames they were made of (with `_id`).

    `text` is the value of the variable that a line leads to.
    """
    whole = {**sdtm, **{name: dataset.held for name, dataset in datasets.items()}}
    return Trace(datasets, whole, None, frozenset(sdtm))


def lineage(datasets: Mapping[str, Dataset], data: StudyData) -> pl.DataFrame:
    """LINEAGE of SDTM datasets in memory, in the order of datasets, variables and records."""
    return _in_memory(of_sdtm(datasets, data))


def lineage_adam(datasets: Mapping[str, Dataset], sdtm: Mapping[str, Held]) -> pl.DataFrame:
    """LINEAGE of ADaM datasets in memory, in the order of datasets, variables and records."""
    return _in_memory(of_adam(datasets, sdtm))


def _in_memory(trace: Trace) -> pl.DataFrame:
    return pl.concat([pl.DataFrame(schema=LINEAGE), *(lines for _, lines in _in_order(trace))])


def _in_order(trace: Trace) -> Iterator[tuple[Key, pl.DataFrame]]:
    """The lines in the order of datasets, variables and records; those of several portions wait on disk for each other."""
    by = trace.portions()
    if by.number == 1:
        yield from next(trace.lines(by))
        return
    scratch = Scratch()
    waiting = [_Portion.of(lines, scratch) for lines in trace.lines(by)]
    for name, dataset in trace.datasets.items():
        scattered = by.scattered(name)
        for variable in dataset.variables:
            key = (name, variable.name)
            found = (portion.lines(key) for portion in waiting if key in portion.places)
            if scattered:
                yield key, pl.concat([pl.DataFrame(schema=LINEAGE), *found]).sort("record", maintain_order=True)
            else:
                yield from ((key, lines) for lines in found)


@dataclass(frozen=True, slots=True)
class _Portion:
    """The lines of a portion as they wait: the tables of its variables in one file, and where each of them lies in it.

    Each is a Parquet file of its own within it: a reader of hundreds of row groups would hold what is known of all of them.
    """

    path: str
    scratch: Scratch
    places: Mapping[Key, tuple[int, int]]

    @classmethod
    def of(cls, lines: Iterator[tuple[Key, pl.DataFrame]], scratch: Scratch) -> Self:
        """Writes the lines. Raises ExportError where the disk is full."""
        path, places, end = scratch.place(), {}, 0
        with scratch.room(), open(path, "wb") as file:
            for key, own in lines:
                if own.height:
                    packed = io.BytesIO()
                    own.write_parquet(packed, compression="lz4", statistics=False)
                    places[key] = (end, file.write(packed.getbuffer()))
                    end += places[key][1]
        return cls(path, scratch, places)

    def lines(self, key: Key) -> pl.DataFrame:
        """The lines of one variable."""
        start, size = self.places[key]
        with open(self.path, "rb") as file:
            file.seek(start)
            return pl.read_parquet(io.BytesIO(file.read(size)))


@dataclass(frozen=True, slots=True)
class Lines:
    """A lineage file. `places`: dataset and variable -> first line, and how many there are."""

    path: Path
    places: Mapping[Key, tuple[int, int]]

    def of(self, dataset: str, variable: str) -> pl.LazyFrame:
        """The lines of one variable, in the order of the records."""
        start, height = self.places.get((dataset, variable), (0, 0))
        return pl.scan_parquet(self.path, glob=False).slice(start, height)


def write_traces(traces: Iterable[Trace], folder: Path) -> Lines:
    """Writes `lineage.parquet` of some datasets, then of others, into a folder. The same datasets make the same bytes, in
    memory or on disk. Raises ExportError where the disk is full."""
    return _written((told for trace in traces for told in _in_order(trace)), folder / FILE)


def write_lineage(lines: pl.DataFrame, folder: Path) -> Path:
    """Writes `lineage.parquet` of lines in memory; the same lines make the same bytes."""
    return _written(iter([(("", ""), lines)]), folder / FILE).path


def _written(told: Iterable[tuple[Key, pl.DataFrame]], path: Path) -> Lines:
    places: dict[Key, tuple[int, int]] = {}

    def counted() -> Iterator[pl.DataFrame]:
        total = 0
        yield pl.DataFrame(schema=LINEAGE)
        for key, lines in told:
            start, height = places.get(key, (total, 0))
            places[key] = (start, height + lines.height)
            total += lines.height
            yield lines

    with _writer(str(path)) as writer:
        for rows in regrouped(counted(), _GROUP):
            writer.write_table(_table(rows), row_group_size=_GROUP)
    return Lines(path, places)


def _writer(path: str) -> Any:
    from pyarrow import parquet

    return parquet.ParquetWriter(path, _table(pl.DataFrame(schema=LINEAGE)).schema, compression="zstd")


def _table(lines: pl.DataFrame) -> Any:
    return lines.to_arrow(compat_level=pl.CompatLevel.oldest())
