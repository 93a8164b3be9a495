"""The options and arguments that verbs of the command line share, and the line that says what is being done."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    import datetime as dt


def _date(_ctx: click.Context, _param: click.Parameter, value: str | None) -> dt.date | None:
    import datetime as dt

    if value is None:
        return None
    try:
        return dt.date.fromisoformat(value)
    except ValueError:
        raise click.BadParameter(f"'{value}' is not a date of the form 2024-06-30") from None


def study_option(required: bool = True) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    return click.option("--study", required=required, metavar="STUDY", help="Bundled study or path to a study file.")


uploads = click.argument("uploads", nargs=-1, required=True, metavar="UPLOAD...")
cutoff = click.option(
    "--cutoff", callback=_date, metavar="DATE", help="Data cut-off, e.g. 2024-06-30 (default: latest date)."
)


out = click.option(
    "--out", "folder", type=click.Path(file_okay=False, path_type=Path), required=True, help="Folder to write into."
)
formats = click.option(
    "--format",
    "forms",
    default="xpt",
    show_default=True,
    metavar="LIST",
    help="xpt, json, ndjson, parquet, csv; comma.",
)
mappings = click.option(
    "--mappings",
    type=click.Path(file_okay=False, exists=True, path_type=Path),
    help="Folder with the study's own mappings (default: `mappings` beside the study file).",
)
despite = click.option(
    "--despite-errors", "despite", metavar="REASON", help="Export although errors are open; the manifest states why."
)
lang = click.option(
    "--lang",
    type=click.Choice(("en", "zh")),
    default="en",
    show_default=True,
    help="Language of what people read: messages, reports, pages.",
)
quiet = click.option("--quiet", is_flag=True, help="No progress and no notes on standard error.")


low_memory = click.option(
    "--low-memory/--in-memory",
    "low_memory",
    default=None,
    help="Keep tables on disk while working (default: for uploads of 100 MB of .csv, for SDTM of 400 MB or more).",
)
partitions = click.option(
    "--partitions",
    type=click.IntRange(1, 10_000),
    metavar="N",
    help="Shares of the subjects (default: two a worker, or by their size).",
)


def spread(command: Callable[..., Any]) -> Callable[..., Any]:
    """`--workers`, `--partitions`, `--cluster`, `--low-memory`: how the work is spread; the results are the same."""
    for option in (
        low_memory,
        click.option("--cluster", metavar="ADDRESS", help="Work on the Dask cluster at ADDRESS (extra cdiscx[dask])."),
        partitions,
        click.option("--workers", type=click.IntRange(1, 256), default=1, metavar="N",
                     help="Work in N processes (same results)."),
    ):  # fmt: skip
        command = option(command)
    return command


class Progress:
    """One line on a terminal's standard error that says what is being done; silent elsewhere."""

    def __init__(self, quiet: bool) -> None:
        self.on = not quiet and sys.stderr.isatty()

    def __enter__(self) -> Callable[[str], None]:
        return self.step

    def step(self, what: str) -> None:
        if self.on:
            sys.stderr.write(f"\r\x1b[K{what} ...")
            sys.stderr.flush()

    def __exit__(self, *_: object) -> None:
        if self.on:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
