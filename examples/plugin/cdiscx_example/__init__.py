"""What this plug-in adds to cdiscx: a check, a mapping algorithm, an export format. Importing it registers all three."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from cdiscx.export.facts import Facts
from cdiscx.model.dataset import Dataset
from cdiscx.model.finding import Severity
from cdiscx.registry import algorithm, check, exporter
from cdiscx.sdtm.here import Here


@check("EXA-001", on="visits", columns=("VISDAT",), title="Visit on a Sunday", severity=Severity.WARNING)
def visit_on_a_sunday(visits: pl.LazyFrame) -> pl.LazyFrame:
    """{VISIT} took place on {VISDAT}, a Sunday, when the ward is closed.

    Why: a date that cannot be is a slip of the pen.
    Fix: ask the site for the date of the visit.
    Rule: opening hours of the sites.
    """
    return visits.filter(pl.col("VISDAT").dt.weekday() == 7)


@algorithm("assign_upper")
def assign_upper(here: Here, column: str) -> pl.Expr:
    """The value in capital letters."""
    here.collected_by_site()
    return here.text(column).str.to_uppercase()


@exporter("tsv")
def write_tsv(dataset: Dataset, path: Path, facts: Facts) -> None:
    """Tab-separated text, UTF-8, names in the first line."""
    del facts
    dataset.public.write_csv(path, separator="\t", date_format="%Y-%m-%d")
