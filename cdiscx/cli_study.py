"""The verbs of somebody who starts a study: `new study` drafts its file from a workbook, `lint` says what is open in it."""

from __future__ import annotations

from pathlib import Path

import click

from cdiscx.model.errors import ExportError, UsageError


@click.group()
def new() -> None:
    """Start something new from what is there."""


@new.command("study")
@click.argument("study_id", metavar="ID")
@click.option(
    "--from", "uploads", multiple=True, required=True, metavar="UPLOAD", help="Workbook of a site (may be repeated)."
)
@click.option("--out", "file", type=click.Path(dir_okay=False, path_type=Path), help="Study file (default: ID.yaml).")
def new_study(study_id: str, uploads: tuple[str, ...], file: Path | None) -> None:
    """Draft a study file from workbooks: every guess with its reason, every open question in a line with DECIDE."""
    from cdiscx import flow
    from cdiscx.draft import draft_study, lint_study

    target = file or Path(f"{study_id}.yaml")
    if target.exists():
        raise UsageError(f"{target} is there already; give another file with --out, or move it away")
    text = draft_study(study_id, flow.read(*uploads))
    try:
        target.write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise ExportError(f"{target} cannot be written ({error.strerror or error})") from None
    lint = lint_study(str(target))
    guesses = sum("# guess" in line for line in text.splitlines())
    click.echo(f"{target}: {guesses} guesses to check, {len(lint.open)} open points; `cdiscx lint {target}` lists them")


@click.command()
@click.argument("study", metavar="STUDY")
@click.option(
    "--mappings",
    type=click.Path(file_okay=False, exists=True, path_type=Path),
    help="Folder with the study's own mappings (default: `mappings` beside the study file).",
)
def lint(study: str, mappings: Path | None) -> None:
    """Explain what is missing or suspicious in a study file; status 0: nothing, 1: open points, 2: it does not load."""
    from cdiscx.draft import lint_study

    beside = Path(study).parent / "mappings"
    found = lint_study(study, mappings or (beside if Path(study).is_file() and beside.is_dir() else None))
    click.echo(found.text(study), nl=False)
    raise SystemExit(found.status)
