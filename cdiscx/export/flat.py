"""A dataset in, Parquet or CSV out; dates are dates in Parquet and ISO 8601 text in CSV."""

from __future__ import annotations

import json
from pathlib import Path

from cdiscx.export.facts import Facts
from cdiscx.model.dataset import Dataset
from cdiscx.registry import exporter


@exporter("parquet")
def write_parquet(dataset: Dataset, path: Path, facts: Facts) -> None:
    """Zstandard, row groups of fixed size; study, dataset and labels stand in the file's metadata."""
    said = {
        "study": facts.study,
        "dataset": dataset.name,
        "label": dataset.label,
        "labels": json.dumps({v.name: v.label for v in dataset.variables}, ensure_ascii=False),
    }
    dataset.public.rechunk().write_parquet(path, compression="zstd", row_group_size=250_000, metadata=said)


@exporter("csv")
def write_csv(dataset: Dataset, path: Path, facts: Facts) -> None:
    """UTF-8, names in the first line, missing values empty, lines end in LF; every text that needs them has quotes."""
    del facts
    dataset.public.write_csv(path, quote_style="necessary", date_format="%Y-%m-%d")
