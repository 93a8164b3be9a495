"""A dataset in, Parquet or CSV out; dates are dates in Parquet and ISO 8601 text in CSV."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pyarrow as pa
from pyarrow import parquet

from cdiscx.export.facts import Facts
from cdiscx.model.dataset import Dataset
from cdiscx.model.kept import regrouped
from cdiscx.registry import exporter

#: records of a row group
GROUP = 250_000


@exporter("parquet")
def write_parquet(dataset: Dataset, path: Path, facts: Facts) -> None:
    """Zstandard, row groups of fixed size; study, dataset and labels stand in the file's metadata."""
    said = {
        "study": facts.study,
        "dataset": dataset.name,
        "label": dataset.label,
        "labels": json.dumps({v.name: v.label for v in dataset.variables}, ensure_ascii=False),
    }
    names = [v.name for v in dataset.variables]
    schema = dataset.held.schema
    empty = pl.DataFrame(schema={name: schema[name] for name in names})
    arrow = _arrow(empty).schema.with_metadata(said)
    with parquet.ParquetWriter(path, arrow, compression="zstd") as writer:
        for rows in regrouped((part.select(names) for part in dataset.slices(GROUP)), GROUP):
            writer.write_table(_arrow(rows).cast(arrow), row_group_size=GROUP)


def _arrow(rows: pl.DataFrame) -> pa.Table:
    return rows.to_arrow(compat_level=pl.CompatLevel.oldest())


@exporter("csv")
def write_csv(dataset: Dataset, path: Path, facts: Facts) -> None:
    """UTF-8, names in the first line, missing values empty, lines end in LF; every text that needs them has quotes."""
    del facts
    names = [v.name for v in dataset.variables]
    with path.open("wb") as file:
        pl.DataFrame(schema=dict.fromkeys(names, pl.String)).write_csv(file, quote_style="necessary")
        for part in dataset.slices(GROUP):
            part.select(names).write_csv(file, include_header=False, quote_style="necessary", date_format="%Y-%m-%d")
