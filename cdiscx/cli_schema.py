"""Verbs that give a study's rules to other programs: `cdiscx schema` (pandera) and `cdiscx suite` (Great Expectations)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import click

_study = click.argument("study", metavar="STUDY")
_out = click.option(
    "--out",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder, one file a table (default: print).",
)


@click.command()
@_study
@_out
@click.option(
    "--format",
    "form",
    type=click.Choice(("json", "yaml")),
    default="json",
    show_default=True,
    help="Format of the schemas.",
)
def schema(study: str, folder: Path | None, form: str) -> None:
    """Write the pandera schemas of a study's tables in the house's words.

    They hold what STR-003 and STR-009 look at: required columns, subject numbers, ranges of numbers. Checks that compare
    rows or tables are code and in no schema. Load one with pandera.polars.DataFrameSchema.from_json and validate eager Polars frames.
    """
    from cdiscx import portable

    _written(portable.schemas(study, form), folder, form)


@click.command()
@_study
@_out
def suite(study: str, folder: Path | None) -> None:
    """Write the Great Expectations suites of a study's tables in the house's words.

    They hold the study file's expectations; groups (`by site`) are cdiscx's own and in no suite.
    """
    from cdiscx import portable

    _written(portable.suites(study), folder, "json")


def _written(texts: Mapping[str, str], folder: Path | None, ending: str) -> None:
    """Files in the folder, or the texts on standard output: one JSON object or YAML mapping of all tables."""
    from cdiscx import portable

    if folder is None:
        click.echo(portable.together(texts, ending), nl=False)
        return
    from cdiscx.model.errors import ExportError

    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in texts.items():
            (folder / f"{name}.{ending}").write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise ExportError(f"{folder} cannot be written: {error.strerror or error}") from error
    click.echo(f"{folder}: {len(texts)} files, {', '.join(f'{name}.{ending}' for name in texts)}")
