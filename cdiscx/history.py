"""What became of the findings: a run into a ledger, two uploads or reports side by side. The clock is flow's."""

from __future__ import annotations

import getpass
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from cdiscx import flow
from cdiscx.ledger import book
from cdiscx.model.errors import UsageError
from cdiscx.model.finding import Report
from cdiscx.model.spec import Study
from cdiscx.model.standing import Past

_BOOKS = (".xlsx", ".xlsm", ".xls", ".ods")


def record(report: Report, where: str | Path, *, who: str | None = None) -> Report:
    """The report with the standing of every finding (`Report.ledger`), after its run was added to the ledger.

    `where`: path of an SQLite file, made where there is none, or a database URL; `who`: default the user of the system.
    Findings whose query was accepted by hand are accepted in the report. Raises UsageError.
    """
    done = book.record(report.to_dict(), where, who=who or user(), when=_when())
    findings = tuple(
        replace(f, accepted=done.reasons[f.fingerprint]) if f.accepted is None and f.fingerprint in done.reasons else f
        for f in report.findings
    )
    return replace(report, findings=findings, ledger=done.standings)


def accept(where: str | Path, query: str, reason: str, who: str | None = None) -> str:
    """Accepts an open query of a ledger, with a reason; a sentence that says so. Raises UsageError."""
    state = book.accept(where, query, reason, who=who or user(), when=_when())
    return f"{state.query.key} is accepted: {state.why}"


def withdraw(where: str | Path, query: str, reason: str, who: str | None = None) -> str:
    """Opens an accepted query of a ledger again; a sentence that says so. Raises UsageError."""
    state = book.withdraw(where, query, reason, who=who or user(), when=_when())
    return f"{state.query.key} is open again"


def queries(where: str | Path, status: str | None = None, study: str | None = None) -> list[dict[str, Any]]:
    """Queries of a ledger as rows (see `ledger.book.queries`); `study`: its id or name in any case. Raises UsageError."""
    rows = book.queries(where, status)
    return [row for row in rows if study is None or row["study"].casefold() == study.casefold()]


def verify(where: str | Path, heads: Sequence[str] = ()) -> tuple[str, list[str]]:
    """Head of a ledger as `COUNT:HASH`, and what proves that somebody changed it. Raises UsageError."""
    found, problems = book.verify(where, heads)
    return found.head, problems


def diff(before: str | Path, after: str | Path, study: str | None = None) -> dict[str, list[Past]]:
    """Two report.json files, or two uploads of `study` -> `new`, `resolved`, `open` and `unjudged` queries.

    An upload is a workbook, a zip or folder of csv, or a folder of workbooks that are read together. Raises UsageError.
    """
    return book.compare(_told(Path(before), study), _told(Path(after), study))


def _told(path: Path, study: str | None) -> Mapping[str, Any]:
    """A report's JSON object: read, or made by checking the upload."""
    if path.suffix.lower() == ".json":
        try:
            told = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
            raise UsageError(f"{path} cannot be read as a report: {error}") from error
        if not isinstance(told, dict):
            raise UsageError(f"{path} is no report.json")
        return told
    if study is None:
        raise UsageError(f"{path} is an upload: name its study with --study")
    plan = Study.load(study)
    return flow.validate(flow.tidy(plan, flow.read(*uploads_of(path)))).to_dict()


def uploads_of(path: Path) -> list[Path]:
    """The workbooks of a folder, by name; the path itself where it is an upload."""
    books = sorted(p for p in path.iterdir() if p.suffix.lower() in _BOOKS) if path.is_dir() else []
    return [p for p in books if not p.name.startswith("~$")] or [path]


def user() -> str:
    """The name of the user of this system."""
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):  # a user without a name, as in some containers
        return "unknown"


def _when() -> str:
    return flow.now().strftime("%Y-%m-%dT%H:%M:%SZ")
