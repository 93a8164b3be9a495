"""The verb `batch` of the command line."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from cdiscx.cli_options import spread


@click.command()
@click.argument("portfolio", type=click.Path(dir_okay=False, path_type=Path), metavar="PORTFOLIO.yaml")
@click.option(
    "--out", "folder", type=click.Path(file_okay=False, path_type=Path), required=True, help="Folder to write into."
)
@spread
@click.option("--quiet", is_flag=True, help="No progress on standard error.")
def batch(
    portfolio: Path,
    folder: Path,
    workers: int,
    partitions: int | None,
    cluster: str | None,
    low_memory: bool | None,
    quiet: bool,
) -> None:
    """Check many uploads of many studies: reports in OUT/NAME each, and OUT/summary.tsv. The status is the worst of all."""
    from cdiscx import batch as room

    def step(what: str) -> None:
        if not quiet and sys.stderr.isatty():
            click.echo(f"{what} ...", err=True)

    done = room.run(
        portfolio,
        folder,
        workers=workers,
        partitions=partitions,
        cluster=cluster,
        low_memory=low_memory,
        progress=step,
    )
    click.echo(room.table(done), nl=False)
    raise SystemExit(room.worst(done))
