"""A report as one HTML page: everything inside it, nothing from a network, no text of an upload read as markup."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import jinja2
import polars as pl

from cdiscx.model.finding import Finding, Report, Severity, Status
from cdiscx.model.kept import Kept
from cdiscx.report import languages, words
from cdiscx.report.languages import Language

#: changes made in reading that the page holds; changes.csv has all
CHANGES_SHOWN = 5_000
_TEMPLATES = Path(__file__).parent / "templates"
# inside a script element only these can end it, or a line of it; as JSON escapes they are the same text
_ESCAPES = str.maketrans({"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"})
_CHANGE_COLUMNS = {
    "file": "File",
    "sheet": "Sheet",
    "cell": "Cell",
    "column": "Column",
    "before": "As typed",
    "after": "Read as",
    "why": "Why",
}


def render_page(
    report: Report,
    annotated: Mapping[str, str] | None = None,
    title: str = "",
    copy_notes: Sequence[str] = (),
) -> str:
    """The report as a self-contained HTML page.

    `annotated`: upload name -> file name of its copy in `annotated/`; `title`: the study's; `copy_notes`: what those
    copies do not have.
    """
    tongue = languages.of(report)
    style = (_TEMPLATES / "report.css").read_text(encoding="utf-8")
    script = (_TEMPLATES / "report.js").read_text(encoding="utf-8")
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATES), autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True
    )
    run = {"only": [], "skip": [], "uploads": [], "subjects": 0, "day_of_run": "", "cutoff": "", "cutoff_stated": False}
    page = environment.get_template("report.html.j2").render(
        run=_without_surrogates(run | {"study": "Study", "version": ""} | dict(report.run)),
        rows=sum((report.run.get("rows") or {}).values()),
        t=tongue.label,
        lang=tongue.tag,
        verdict=tongue.read(words.verdict(report)),
        ledger=report.ledger,
        ledger_said=tongue.read(report.ledger.said()) if report.ledger else "",
        tone="error" if not report.ok(Severity.ERROR) else "good" if report.ok(Severity.WARNING) else "warning",
        not_run=sum(c.status in (Status.SKIPPED, Status.ERRORED) or bool(c.reason) for c in report.checks),
        all_checks=len(report.checks),
        severities=_severities(report, tongue),
        statuses=_statuses(report, tongue),
        by_sheet=_matrix(report, "sheet"),
        by_site=_matrix(report, "site"),
        style=style,
        script=script,
        style_hash=content_hash(style),
        script_hash=content_hash(script),
        title=title,
        data=embedded(page_data(report, annotated or {}, copy_notes)),
    )
    return str(page)


def content_hash(text: str) -> str:
    """`sha256-…` of an inline script or style, as a content security policy names it (CSP level 3, section 2.3.1)."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def embedded(data: Any) -> str:
    """JSON that may stand inside a script element: no `<`, `>`, `&`, line separator or half of a surrogate pair."""
    said = json.dumps(data, ensure_ascii=False, separators=(",", ":")).translate(_ESCAPES)
    return said.encode("utf-8", "backslashreplace").decode("utf-8")


def page_data(report: Report, annotated: Mapping[str, str], copy_notes: Sequence[str] = ()) -> dict[str, Any]:
    """What the page's script shows: findings, checks with their wording, changes, notes."""
    ids = dict.fromkeys([*(c.check_id for c in report.checks), *(f.check_id for f in report.findings)])
    columns, changes, total = _changes(report.changes)
    tongue = languages.of(report)
    return {
        "findings": [_finding(f) | _stands(report, f) for f in report.findings],
        "ledger": _past(report),
        "runs": [
            {"id": c.check_id, "status": c.status.value, "reason": c.reason or "", "rows": c.rows, "findings": c.hits}
            for c in report.checks
        ],
        "checks": {check_id: _about(check_id, tongue) for check_id in ids},
        **({"labels": dict(tongue.labels)} if tongue.labels else {}),
        "change_columns": [tongue.label(c) for c in columns],
        "changes": changes,
        "changes_total": total,
        "notes": [*report.notes, *(tongue.label("annotated copy of {x}", x=note) for note in copy_notes)],
        "annotated": dict(annotated),
    }


def _finding(finding: Finding) -> dict[str, Any]:
    """A finding without its blanks: 20,000 of them have to travel."""
    names = ("site", "subject", "visit", "file", "sheet", "row", "column", "cell", "value", "expected", "accepted")
    told = {name: getattr(finding, name) for name in names if getattr(finding, name) is not None}
    return {
        "check": finding.check_id,
        "severity": finding.severity.value,
        "message": finding.message,
        "fix": finding.fix,
        "fingerprint": finding.fingerprint,
        "related": [
            {"file": r.file, "sheet": r.sheet, "row": r.row, "cell": r.cell, "column": r.column, "value": r.value}
            for r in finding.related
        ],
    } | told


def _stands(report: Report, finding: Finding) -> dict[str, str]:
    said = words.standing(report, finding)
    return {"standing": languages.of(report).read(said), "since": said.partition(" ")[0]} if said else {}


def _past(report: Report) -> list[list[str]]:
    """Queries of the ledger that are not among the findings: what became of them, and their place and message."""
    if report.ledger is None:
        return []
    told = [("resolved by this upload", report.ledger.resolved), ("still open, not judged", report.ledger.unjudged)]
    label = languages.of(report).label
    return [
        [label(word), p.check_id, p.subject or "", p.place, p.message, p.since, p.why] for word, ps in told for p in ps
    ]


def _about(check_id: str, tongue: Language) -> dict[str, str]:
    found = words.known_check(check_id)
    if found is None:
        return {"title": ""}
    said = {
        name: [tongue.texts.get(text := getattr(p.wording, name), text) for p in found.parts]
        for name in ("why", "fix", "rule", "not_checked")
    }
    joined = {name: " ".join(dict.fromkeys(text for text in texts if text)) for name, texts in said.items()}
    return {"title": tongue.texts.get(found.title, found.title)} | {name: text for name, text in joined.items() if text}


def _changes(frame: pl.DataFrame | Kept | None) -> tuple[list[str], list[list[Any]], int]:
    if frame is None or not frame.height:
        return [], [], 0
    shown = frame.lazy().head(CHANGES_SHOWN).collect()
    if {"letter", "row"} <= set(shown.columns):
        shown = shown.with_columns(cell=pl.col("letter").fill_null("") + pl.col("row").cast(pl.String).fill_null(""))
    names = [name for name in _CHANGE_COLUMNS if name in shown.columns]
    rows = shown.select(pl.col(names).cast(pl.String)).rows()
    return [_CHANGE_COLUMNS[name] for name in names], [list(row) for row in rows], frame.height


def _severities(report: Report, tongue: Language) -> list[tuple[str, int, str]]:
    numbers = {s: sum(f.severity is s for f in report.open) for s in words.BY_SEVERITY}
    return [(s.value, n, tongue.label(s.value if n == 1 else f"{s.value}s")) for s, n in numbers.items()]


def _statuses(report: Report, tongue: Language) -> list[tuple[str, int, str]]:
    shown = (
        (Status.PASSED, "passed"),
        (Status.FAILED, "failed"),
        (Status.SKIPPED, "skipped"),
        (Status.ERRORED, "crashed"),
    )
    numbers = [(status.value, len(words.of_status(report, status)), word) for status, word in shown]
    return [(name, n, tongue.label(f"check{'' if n == 1 else 's'} {word}")) for name, n, word in numbers]


def _matrix(report: Report, of: str) -> list[tuple[str, dict[str, int]]]:
    return [
        (_without_surrogates(name), {s.value: n for s, n in row.items()}) for name, row in words.counts(report.open, of)
    ]


def _without_surrogates(value: Any) -> Any:
    """The same value, with halves of surrogate pairs spelled out: the page is UTF-8."""
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode("utf-8")
    if isinstance(value, Mapping):
        return {name: _without_surrogates(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_without_surrogates(item) for item in value]
    return value
