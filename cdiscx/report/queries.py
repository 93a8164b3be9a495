"""The query log: a workbook with one row a query, for the site to answer in; texts are never formulas."""

from __future__ import annotations

import datetime as dt
import io
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from math import ceil
from pathlib import Path
from typing import Any

import xlsxwriter

from cdiscx.model.finding import Finding, Report, Severity, Status
from cdiscx.report import languages, words
from cdiscx.report.copies import Copy

#: Excel follows no more links than this on one sheet, and none longer than this
LINKS, LINK_LENGTH = 65_530, 2_000
#: longest text of a cell (Excel: 32,767) and rows of a sheet (Excel: 1,048,576) that are written
TEXT, ROWS = 32_000, 1_000_000
ANSWERS = ("Open", "Answered", "Corrected at site", "Confirmed as entered", "Closed")
_COLUMNS = {
    "Query": 13,
    "Severity": 9,
    "Check": 9,
    "Site": 8,
    "Subject": 10,
    "Visit": 16,
    "File": 16,
    "Sheet": 15,
    "Cell": 8,
    "Column": 17,
    "Value as typed": 18,
    "What is wrong": 52,
    "Compare with": 36,
    "What to do": 40,
    "Answer": 30,
    "Answered by": 13,
    "Date": 11,
    "Status": 18,
}
#: further column where the run has a ledger
_STANDS = "In the ledger"
_FILLS = {Severity.ERROR: "#FBE3E1", Severity.WARNING: "#FDF0D5", Severity.NOTE: "#E4EEF7"}


def write_queries(report: Report, path: Path, copies: Mapping[str, Copy] | None = None) -> None:
    """Writes the query log; the same report gives the same bytes. `copies`: upload name -> its annotated copy, for links."""
    day = str(report.run.get("day_of_run") or "2000-01-01")
    options = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False, "in_memory": True}
    packed = io.BytesIO()
    book = xlsxwriter.Workbook(packed, options)
    book.set_properties({"title": "Query log", "comments": "Made by cdiscx", "created": dt.datetime.fromisoformat(day)})
    log = _Log(book, copies or {}, query_ids(report.findings), report)
    queries = [f for f in report.open if f.severity is not Severity.NOTE]
    log.findings(
        "Queries", queries, "No query: there is no open error or warning. See Checks for what was not checked."
    )
    log.summary(report)
    log.checks(report)
    log.findings("Notes", [f for f in report.open if f.severity is Severity.NOTE], "No notes.")
    accepted = [f for f in report.findings if f.accepted is not None]
    if accepted:
        log.findings("Accepted", accepted, "")
    log.past(report)
    log.about(report)
    book.close()
    path.write_bytes(packed.getvalue())


def query_ids(findings: Iterable[Finding]) -> dict[str, str]:
    """Fingerprint -> short id: its first ten characters, all of it where two findings would share them."""
    prints = list(dict.fromkeys(f.fingerprint for f in findings))
    short = {p: p.partition("-")[0][:10] + p[16:] for p in prints}
    times = Counter(short.values())
    return {p: s if times[s] == 1 else p for p, s in short.items()}


class _Log:
    """The workbook being written."""

    def __init__(self, book: Any, copies: Mapping[str, Copy], ids: Mapping[str, str], report: Report) -> None:
        self.book, self.copies, self.ids, self.report = book, copies, ids, report
        self.tongue = languages.of(report)
        edge = {"border": 1, "border_color": "#D5DBE1", "valign": "top"}
        self.head = book.add_format(
            {**edge, "bold": True, "font_color": "#FFFFFF", "bg_color": "#2B4A66", "text_wrap": True}
        )
        self.asked = book.add_format(
            {**edge, "bold": True, "font_color": "#FFFFFF", "bg_color": "#3F6F4F", "text_wrap": True}
        )
        self.text = book.add_format({**edge, "text_wrap": True})
        self.typed = book.add_format({**edge, "text_wrap": True, "font_name": "Consolas", "font_size": 10})
        self.number = book.add_format({**edge, "num_format": "#,##0"})
        self.date = book.add_format({**edge, "num_format": "yyyy-mm-dd"})
        self.link = book.add_format({**edge, "font_color": "#1F5F8B", "underline": 1})
        self.bold = book.add_format({"bold": True, "font_size": 14})
        self.big = book.add_format({"bold": True})
        self.plain = book.add_format({"text_wrap": True, "valign": "top"})
        self.fills = {s: book.add_format({**edge, "bg_color": c, "bold": True}) for s, c in _FILLS.items()}

    def put(self, page: Any, row: int, column: int, value: object, form: Any = None) -> None:
        """Text as text, whatever it begins with; whole numbers as numbers."""
        if isinstance(value, int):
            page.write_number(row, column, value, form or self.number)
        elif value is None or value == "":
            page.write_blank(row, column, None, form or self.text)
        else:
            said = words.xml_safe(value)
            page.write_string(row, column, said if len(said) <= TEXT else said[:TEXT] + " …", form or self.text)

    def findings(self, name: str, findings: Sequence[Finding], nothing: str) -> None:
        """One row a finding, by site and subject, with empty columns for the answer."""
        page = self.book.add_worksheet(self.tongue.label(name))
        answer = name == "Queries"
        told = [*list(_COLUMNS)[:14], *([_STANDS] if self.report.ledger else [])]
        columns = [*told, *(list(_COLUMNS)[14:] if answer else [])]
        for at, column in enumerate(columns):
            page.set_column(at, at, _COLUMNS.get(column, 20))
            self.put(page, 0, at, self.tongue.label(column), self.head if at < len(told) else self.asked)
        page.freeze_panes(1, 1)
        page.set_landscape()
        page.set_paper(8)
        page.fit_to_pages(1, 0)
        page.repeat_rows(0)
        rows = sorted(findings, key=_by_site)
        for number, finding in enumerate(rows[:ROWS], start=1):
            self.finding(page, number, finding, links=number <= LINKS)
            for at in range(len(told), len(columns)):
                page.write_blank(number, at, None, self.date if columns[at] == "Date" else self.text)
        last = max(min(len(rows), ROWS), 1)
        if not rows:
            page.write_string(1, 0, self.tongue.label(nothing))
        page.autofilter(0, 0, last, len(columns) - 1)
        if answer:
            at = len(columns) - 1
            page.data_validation(
                1, at, last, at, {"validate": "list", "source": [self.tongue.label(answer) for answer in ANSWERS]}
            )

    def finding(self, page: Any, row: int, finding: Finding, links: bool) -> None:
        label = self.tongue.label
        related = [
            f"{words.place_of(r)}  {r.column or ''} {label('(blank)') if r.value is None else r.value}"
            for r in finding.related
        ]
        compare = [label("expected {x}", x=finding.expected)] if finding.expected else []
        values = (
            self.ids.get(finding.fingerprint, finding.fingerprint),
            label(finding.severity.value),
            finding.check_id,
            finding.site,
            finding.subject,
            finding.visit,
            finding.file,
            finding.sheet,
            finding.cell or (label("row {n}", n=finding.row) if finding.row else None),
            finding.column,
            finding.value,
            finding.message
            + ("\n" + label("accepted: {x}", x=finding.accepted) if finding.accepted is not None else ""),
            "\n".join([*compare, *related]),
            finding.fix,
            *([self.tongue.read(words.standing(self.report, finding))] if self.report.ledger else []),
        )
        forms = {1: self.fills[finding.severity], 10: self.typed}
        for at, value in enumerate(values):
            self.put(page, row, at, value, forms.get(at))
        copy = self.copies.get(finding.file or "")
        page.set_row(row, 15.0 * min(_lines(values, list(_COLUMNS.values())), 20))
        target = copy.link(finding.sheet, finding.cell, finding.row) if copy and links else None
        if target and len(target) <= LINK_LENGTH:
            page.write_url(row, 8, f"external:{words.xml_safe(target)}", self.link, str(values[8] or label("see list")))

    def past(self, report: Report) -> None:
        """Queries of the ledger that are not among the findings: resolved by this upload, or not judged in this run."""
        if report.ledger is None or not (report.ledger.resolved or report.ledger.unjudged):
            return
        page = self.book.add_worksheet(self.tongue.label("Resolved and not judged"))
        heads = {
            "Query": 18,
            "State": 22,
            "Check": 9,
            "Severity": 9,
            "Subject": 10,
            "Place": 34,
            "What was wrong": 60,
            "Since": 11,
            "Why not judged": 44,
        }
        for at, (head, width) in enumerate(heads.items()):
            page.set_column(at, at, width)
            self.put(page, 0, at, self.tongue.label(head), self.head)
        told = [("resolved", report.ledger.resolved), ("open, not judged", report.ledger.unjudged)]
        pasts = [(word, p) for word, ps in told for p in ps]
        for row, (word, p) in enumerate(pasts[:ROWS], start=1):
            values = (
                p.query,
                self.tongue.label(word),
                p.check_id,
                self.tongue.label(p.severity),
                p.subject,
                p.place,
                p.message,
                p.since,
                p.why,
            )
            page.set_row(row, 15.0 * min(_lines(values, list(heads.values())), 20))
            for at, value in enumerate(values):
                self.put(page, row, at, value)
        page.freeze_panes(1, 1)
        page.autofilter(0, 0, len(pasts), len(heads) - 1)

    def summary(self, report: Report) -> None:
        """Counts by severity, sheet, site and status of the checks."""
        label = self.tongue.label
        page = self.book.add_worksheet(label("Summary"))
        page.set_column(0, 0, 66)
        page.set_column(1, 4, 12)
        page.write_string(
            0, 0, words.xml_safe(label("{study}: findings", study=report.run.get("study", ""))), self.bold
        )
        page.write_string(1, 0, self.tongue.read(words.verdict(report)))
        row = 3
        for what, of in (("Sheet", "sheet"), ("Site", "site"), ("Check", "check_id")):
            for at, head in enumerate((what, "Errors", "Warnings", "Notes")):
                self.put(page, row, at, label(head), self.head)
            for name, by in words.counts(report.open, of):
                row += 1
                self.put(
                    page,
                    row,
                    0,
                    f"{name}  {self.title(name)}".strip() if of == "check_id" else name or label(f"(no {of})"),
                )
                for at, severity in enumerate(words.BY_SEVERITY, start=1):
                    self.put(page, row, at, by[severity])
            row += 2
        for status in Status:
            self.put(page, row, 0, label(f"Checks {'crashed' if status is Status.ERRORED else status.value}"))
            self.put(page, row, 1, len(words.of_status(report, status)))
            row += 1
        self.put(page, row, 0, label("Findings accepted" + ("" if report.ledger else " in the study file")))
        self.put(page, row, 1, len(report.findings) - len(report.open))

    def title(self, check_id: str) -> str:
        """The check's title in the report's language."""
        said = words.title(check_id)
        return self.tongue.texts.get(said, said)

    def checks(self, report: Report) -> None:
        """Every check with its status: what passed, what failed, what was not checked and why."""
        page = self.book.add_worksheet(self.tongue.label("Checks"))
        for at, (head, width) in enumerate(
            (
                ("Check", 10),
                ("What it finds", 52),
                ("Status", 10),
                ("Rows", 9),
                ("Findings", 9),
                ("Reason, or what could not be checked", 70),
            )
        ):
            page.set_column(at, at, width)
            self.put(page, 0, at, self.tongue.label(head), self.head)
        for row, run in enumerate(report.checks, start=1):
            status = "crashed" if run.status is Status.ERRORED else run.status.value
            values = (run.check_id, self.title(run.check_id), self.tongue.label(status), run.rows, run.hits, run.reason)
            page.set_row(row, 15.0 * min(_lines(values, (10, 52, 10, 9, 9, 70)), 20))
            for at, value in enumerate(values):
                self.put(page, row, at, value)
        page.freeze_panes(1, 1)
        page.autofilter(0, 0, max(len(report.checks), 1), 5)

    def about(self, report: Report) -> None:
        """Study, dates, uploads with hashes, and how to use the log."""
        page = self.book.add_worksheet(self.tongue.label("About"))
        page.set_column(0, 0, 22)
        page.set_column(1, 1, 100)
        run = report.run
        facts = [
            ("Study", run.get("study")),
            ("Data cut-off", self.tongue.read(words.cutoff_words(report))),
            ("Judged on", run.get("day_of_run")),
            ("Made by", f"cdiscx {run.get('version', '')}"),
            *(("Upload", f"{u['name']}  ({u['bytes']:,} bytes)  sha256 {u['sha256']}") for u in run.get("uploads", ())),
            *(("Copy", f"{c.upload}: {note}") for c in self.copies.values() for note in c.notes),
            *(("Note", note) for note in report.notes),
            (
                "How to use",
                "Filter by site, answer in the green columns, send back. The query number stays the same for the",
            ),
            (
                "",
                "same record with the same defect in a later upload. The cell links open the coloured copy in `annotated`.",
            ),
        ]
        for row, (name, value) in enumerate(facts):
            self.put(page, row, 0, self.tongue.label(name), self.big)
            self.put(page, row, 1, self.tongue.label(str(value or "")), self.plain)
            page.set_row(row, 15.0 * min(_lines((name, value), (22, 100)), 20))


def _lines(values: Sequence[object], widths: Sequence[int]) -> int:
    """Lines that the longest text of a row needs in its column: not every program finds the height of wrapped text."""
    most = 1
    for value, width in zip(values, widths, strict=False):
        lines = str(value or "").split("\n")
        most = max(most, sum(max(1, ceil(words.width(line) / (width - 1))) for line in lines))
    return most


def _by_site(f: Finding) -> tuple[object, ...]:
    def last(text: str | None) -> tuple[bool, str]:
        return text is None, text or ""

    return (
        last(f.site),
        last(f.subject),
        last(f.file),
        last(f.sheet),
        f.row or 0,
        f.cell or "",
        f.check_id,
        f.fingerprint,
    )
