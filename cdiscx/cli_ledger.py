"""Verbs for queries that live across uploads: `cdiscx ledger verify|show|accept|withdraw` and `cdiscx diff`."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from cdiscx.model.standing import Past

_STATUSES = ("open", "new", "reopened", "accepted", "resolved")
_form = click.option(
    "--format",
    "form",
    type=click.Choice(("text", "json")),
    default="text",
    show_default=True,
    help="Format of what is printed.",
)
_file = click.argument("file", metavar="LEDGER")
_query = click.argument("query", metavar="QUERY")
_who = click.option("--who", metavar="NAME", help="Who says so (default: the user of this system).")


@click.group()
def ledger() -> None:
    """Read and verify the ledger of queries that `cdiscx validate --ledger` keeps.

    LEDGER is a file (SQLite) or a database URL, e.g. postgresql+psycopg://host/base.
    """


@ledger.command()
@_file
@click.option("--head", "heads", multiple=True, metavar="COUNT:HASH", help="A head noted earlier (may be repeated).")
def verify(file: str, heads: tuple[str, ...]) -> None:
    """Find any entry that was changed, added in between or taken away; status 1 where there is one.

    Somebody who may write the file can rewrite it from some entry on and seal it anew: that is found only with a head
    noted elsewhere. Every report names the head of its run; give it with --head.
    """
    from cdiscx import history

    head, problems = history.verify(file, heads)
    for problem in problems:
        click.echo(f"changed: {problem}")
    if problems:
        raise SystemExit(1)
    count = int(head.partition(":")[0])
    click.echo(f"{file}: {count:,} entries, none changed\nhead {head}")


@ledger.command()
@_file
@click.option("--status", type=click.Choice(_STATUSES), help="Only these; `open` has new and reopened ones too.")
@click.option("--study", metavar="STUDY", help="Only queries of this study.")
@_form
def show(file: str, status: str | None, study: str | None, form: str) -> None:
    """List the queries of a ledger with status, dates and place."""
    from cdiscx import history

    rows = history.queries(file, status, study)
    if form == "json":
        click.echo(json.dumps(rows, ensure_ascii=False, indent=1))
        return
    for row in rows:
        click.echo(_line(row))
    click.echo(f"{len(rows):,} {'query' if len(rows) == 1 else 'queries'}")


def _line(row: dict[str, Any]) -> str:
    from cdiscx.report.words import visible

    about = f"subject {row['subject']}" if row["subject"] else f"site {row['site']}" if row["site"] else ""
    first = f"{row['query']}  {row['status']} since {row['since']}, last seen {row['last_seen']}"
    second = "  ".join(part for part in (row["check_id"], row["severity"], about, row["place"]) if part)
    third = f"    {row['message']}" + (f"\n    accepted: {row['accepted']}" if row["accepted"] else "")
    return f"{visible(first)}\n    {visible(second)}\n" + "\n".join(visible(line) for line in third.split("\n"))


@ledger.command()
@_file
@_query
@click.option("--reason", required=True, metavar="TEXT", help="Why the query needs no correction.")
@_who
def accept(file: str, query: str, reason: str, who: str | None) -> None:
    """Accept an open query with a reason; QUERY is its number or the beginning of it."""
    from cdiscx import history

    click.echo(history.accept(file, query, reason, who))


@ledger.command()
@_file
@_query
@click.option("--reason", required=True, metavar="TEXT", help="Why the query waits for an answer again.")
@_who
def withdraw(file: str, query: str, reason: str, who: str | None) -> None:
    """Open an accepted query again."""
    from cdiscx import history

    click.echo(history.withdraw(file, query, reason, who))


@click.command()
@click.argument("before", type=click.Path(exists=True, path_type=Path), metavar="A")
@click.argument("after", type=click.Path(exists=True, path_type=Path), metavar="B")
@click.option("--study", metavar="STUDY", help="Needed where A or B is an upload.")
@_form
def diff(before: Path, after: Path, study: str | None, form: str) -> None:
    """Compare two report.json, or two uploads of a study: what is new in B, what was resolved, what is still open.

    An upload is a workbook, a zip or folder of csv, or a folder of workbooks. What B could not judge is neither.
    """
    from cdiscx import history

    found = history.diff(before, after, study)
    if form == "json":
        plain = {name: [asdict(past) for past in pasts] for name, pasts in found.items()}
        click.echo(json.dumps(plain, ensure_ascii=False, indent=1))
        return
    titles = {"new": "new", "resolved": "resolved", "open": "still open", "unjudged": "not judged by B"}
    for name, title in titles.items():
        click.echo(f"{title}: {len(found[name]):,}")
        for past in found[name]:
            click.echo(_past(past))


def _past(past: Past) -> str:
    from cdiscx.report.words import visible

    lines = [f"  {past.check_id} {past.severity}  {visible(past.place)}", f"      {visible(past.message)}"]
    return "\n".join([*lines, *([f"      because {visible(past.why)}"] if past.why else [])])
