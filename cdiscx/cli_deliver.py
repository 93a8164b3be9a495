"""The verbs that make datasets: `sdtm`, `adam`, `export`, `conform`, `demo`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from cdiscx import cli_options as options
from cdiscx.model.process import keep_freed_memory


@click.command()
@options.uploads
@options.study_option()
@options.out
@options.formats
@options.cutoff
@options.mappings
@options.despite
@options.spread
@options.quiet
def sdtm(uploads: tuple[str, ...], folder: Path, quiet: bool, **words: Any) -> None:
    """Map uploads to SDTM: datasets, define.xml, lineage and manifest in OUT/sdtm."""
    from cdiscx import delivery

    with options.Progress(quiet) as step:
        made = delivery.deliver_sdtm(uploads, _order(step, **words), folder)
    _delivered(made, quiet)


@click.command()
@click.argument("uploads", nargs=-1, metavar="[UPLOAD...]")
@click.option(
    "--sdtm",
    "source",
    type=click.Path(path_type=Path),
    help="Folder of SDTM datasets (XPT, Dataset-JSON, Parquet or CSV) instead of uploads.",
)
@options.study_option()
@options.out
@options.formats
@options.cutoff
@options.mappings
@options.despite
@options.spread
@options.quiet
def adam(uploads: tuple[str, ...], source: Path | None, folder: Path, quiet: bool, **words: Any) -> None:
    """Derive ADaM from uploads, or from SDTM datasets of anybody: datasets, define.xml, lineage in OUT/adam."""
    if source is not None:  # all of it is derived in memory
        keep_freed_memory()
    from cdiscx import delivery

    with options.Progress(quiet) as step:
        made = delivery.deliver_adam(uploads, source, _order(step, **words), folder)
    _delivered(made, quiet)


@click.command()
@options.uploads
@options.study_option()
@options.out
@options.formats
@options.cutoff
@options.mappings
@options.despite
@options.lang
@options.spread
@options.quiet
def export(uploads: tuple[str, ...], folder: Path, quiet: bool, **words: Any) -> None:
    """Validate, map to SDTM, derive ADaM and compute the endpoints: everything in OUT, with hashes in manifest.json."""
    from cdiscx import delivery

    with options.Progress(quiet) as step:
        made = delivery.deliver_all(uploads, _order(step, **words), folder)
    _delivered(made, quiet)


def _order(step: Callable[[str], None], *, study: str, forms: str, mappings: Path | None, **words: Any) -> Any:
    from cdiscx.delivery import Order

    wanted = tuple(dict.fromkeys(form.strip().lower() for form in forms.split(",") if form.strip()))
    beside = Path(study).parent / "mappings"
    own = mappings or (beside if Path(study).is_file() and beside.is_dir() else None)
    return Order(study=study, formats=wanted, mappings=own, progress=step, **words)


def _delivered(made: Any, quiet: bool) -> None:
    if not quiet:
        for note in made.notes:
            click.echo(f"note: {note}", err=True)
    beside = {"define", "lineage", "manifest"}
    datasets = {p.stem for p in made.files if p.parent.name in ("sdtm", "adam") and p.stem.isalnum()} - beside
    manifest = next((p for p in reversed(made.files) if p.name.startswith("manifest")), made.folder)
    click.echo(f"{made.folder}: {len(made.files)} files, {len(datasets)} datasets; {manifest.name} has their hashes")


@click.command()
@click.argument("folder", type=click.Path(path_type=Path), metavar="DIR")
@options.study_option(required=False)
@click.option(
    "--format",
    "form",
    type=click.Choice(("text", "json")),
    default="text",
    show_default=True,
    help="Format of what is printed.",
)
@options.lang
@options.partitions
@options.low_memory
@options.quiet
def conform(
    folder: Path,
    study: str | None,
    form: str,
    lang: str,
    low_memory: bool | None,
    partitions: int | None,
    quiet: bool,
) -> None:
    """Check finished SDTM or ADaM datasets in DIR: own rules, and the referees that are installed."""
    import json

    from cdiscx import delivery
    from cdiscx.conform import as_dict, as_text, exit_status
    from cdiscx.report.languages import of_datasets

    with options.Progress(quiet) as step:
        report, verdicts = delivery.conform(
            folder, study, lang=lang, low_memory=low_memory, partitions=partitions, progress=step
        )
    told = as_dict(report, verdicts)
    spoken = as_text(report, verdicts, say=of_datasets(lang).label)
    said = spoken if form == "text" else json.dumps(told, ensure_ascii=False, indent=1) + "\n"
    click.echo(said.encode() if form == "json" else said, nl=False)
    raise SystemExit(exit_status(report, verdicts))


@click.command()
@click.option(
    "--out", "folder", type=click.Path(file_okay=False, path_type=Path), required=True, help="Folder to write into."
)
@click.option("--quiet", is_flag=True, help="No progress.")
def demo(folder: Path, quiet: bool) -> None:
    """Write sample uploads of both studies, check them, write the reports, and export the clean ones."""
    from cdiscx import delivery

    with options.Progress(quiet) as step:
        lines = delivery.demo(folder, progress=step)
    for line in lines:
        click.echo(line)
