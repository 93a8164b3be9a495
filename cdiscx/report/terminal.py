"""A report for the terminal: the summary first, then every finding with its cell, the values and what to do."""

from __future__ import annotations

import textwrap
import unicodedata
from collections.abc import Iterator, Sequence

from cdiscx.model.finding import LEFT_OUT, Finding, Report, Severity, Status
from cdiscx.registry import reporter
from cdiscx.report import words

#: a check with more notes than this shows only the first few
NOTES_SHOWN_UP_TO = 50
NOTES_SHOWN = 5
_NO_PART = "not part of this study:"
_PAINT = {"error": "31;1", "warning": "33;1", "note": "36", "dim": "2", "bold": "1", "good": "32;1"}


@reporter("text")
def text(report: Report) -> str:
    """Readable text, 100 columns, no colour."""
    return render_text(report)


def render_text(report: Report, colour: bool = False, width: int = 100) -> str:
    """The report as text that ends in one newline; `colour` adds ANSI colours, `width` is where lines are folded."""
    page = _Page(colour, max(width, 40), report)
    lines = [*page.summary(report), *page.coverage(report), *page.findings(report), *page.accepted(report)]
    lines += page.past(report)
    return "\n".join(line.rstrip() for line in lines).rstrip("\n") + "\n"


class _Page:
    """How lines are folded and coloured."""

    def __init__(self, colour: bool, width: int, report: Report) -> None:
        self.colour, self.width, self.report = colour, width, report

    def paint(self, text: str, tone: str) -> str:
        return f"\x1b[{_PAINT[tone]}m{text}\x1b[0m" if self.colour and text else text

    def fold(self, text: str, first: str, rest: str) -> list[str]:
        """Lines of `text` behind a lead; what cannot be broken stays whole."""
        return textwrap.wrap(
            words.visible(text),
            self.width,
            initial_indent=first,
            subsequent_indent=rest,
            break_long_words=False,
            break_on_hyphens=False,
        ) or [first]

    def summary(self, report: Report) -> Iterator[str]:
        run = report.run
        yield f"cdiscx {run.get('version', '')}  study {run.get('study', '?')}  cut-off {words.cutoff_words(report)}"
        for upload in run.get("uploads", ()):
            yield words.visible(f"  {upload['name']}  sha256 {str(upload['sha256'])[:16]}…")
        yield ""
        good = report.ok(Severity.WARNING)
        tone = "good" if good else "error" if not report.ok(Severity.ERROR) else "warning"
        yield self.paint(words.verdict(report), tone)
        if report.ledger:
            yield f"ledger: {report.ledger.said()}  (head {report.ledger.head[:24]}…)"
        yield ""
        if report.open:
            yield from self.table("sheet", report.open)
            yield from self.table("site", report.open)

    def table(self, of: str, findings: Sequence[Finding]) -> Iterator[str]:
        """One row a sheet or site, one column a severity."""
        rows = [(words.visible(name) or f"(no {of})", by) for name, by in words.counts(findings, of)]
        wide = max(len(of), *(_width(name) for name, _ in rows))
        heads = [s.value.rjust(9) for s in words.BY_SEVERITY]
        yield self.paint(f"  {_padded(of, wide)}{''.join(heads)}", "bold")
        for name, by in rows:
            yield f"  {_padded(name, wide)}" + "".join(
                self.paint(f"{by[s]:>9,}", s.value if by[s] else "dim") for s in words.BY_SEVERITY
            )
        yield ""

    def coverage(self, report: Report) -> Iterator[str]:
        """What was checked, what was not and why, what crashed."""
        by = {status: words.of_status(report, status) for status in Status}
        shown = (
            (Status.PASSED, "passed"),
            (Status.FAILED, "failed"),
            (Status.SKIPPED, "skipped"),
            (Status.ERRORED, "crashed"),
        )
        yield f"checks: {', '.join(f'{len(by[status])} {word}' for status, word in shown)}"
        for crashed in by[Status.ERRORED]:
            yield from self.fold(
                f"{crashed.check_id}: {crashed.reason}", self.paint("  crashed  ", "error"), "           "
            )
        if by[Status.SKIPPED]:
            yield "not checked:"
        for reason, ids in _in_short(words.not_checked(report.checks)):
            said = words.plural(len(ids), "check") if reason == LEFT_OUT else ", ".join(ids)
            yield from self.fold(f"{reason}: {said}", "  - ", "    ")
        partly = [c for c in by[Status.FAILED] if c.reason]
        if partly:
            yield "checked only in part:"
        for run in partly:
            yield from self.fold(f"{run.check_id}: {run.reason}", "  - ", "    ")
        yield ""

    def findings(self, report: Report) -> Iterator[str]:
        notes: dict[str, list[Finding]] = {}
        for finding in words.ordered(report.open):
            if finding.severity is Severity.NOTE:
                notes.setdefault(finding.check_id, []).append(finding)
            else:
                yield from self.finding(finding)
        for check_id, same in notes.items():
            condensed = len(same) > NOTES_SHOWN_UP_TO
            for finding in same[:NOTES_SHOWN] if condensed else same:
                yield from self.finding(finding)
            if condensed:
                more = f"{len(same) - NOTES_SHOWN:,} more notes of {check_id} are left out here;"
                yield from self.fold(
                    f"{more} --format json, or --report DIR (report.html), has all of them", "... ", "    "
                )
                yield ""

    def finding(self, finding: Finding) -> Iterator[str]:
        """One finding: id and message, place, the values it rests on, what to do."""
        head = f"{finding.check_id} {finding.severity.value}"
        folded = self.fold(finding.message, f"{head}  ", "    ")
        yield self.paint(head, finding.severity.value) + folded[0][len(head) :]
        yield from folded[1:]
        about = f"subject {finding.subject}" if finding.subject else f"site {finding.site}" if finding.site else ""
        place = finding.place or "(no cell: see the message)"
        told = [words.visible(about), words.standing(self.report, finding)]
        yield f"  {self.paint('-->', 'dim')} {words.visible(place)}" + "".join(f"      {t}" for t in told if t)
        yield from (f"   {self.paint('|', 'dim')}  {line}" for line in self.values(finding))
        if finding.fix:
            lead, *more = self.fold(finding.fix, "      ", "      ")
            yield f"   {self.paint('=', 'dim')}  {lead.strip()}"
            yield from more
        yield ""

    def values(self, finding: Finding) -> list[str]:
        """The finding's cell and the others it rests on: on one line where they fit, else one a line."""
        cells = []
        if finding.column and (finding.value is not None or finding.cell):
            cells.append(f"{finding.column} {'(blank)' if finding.value is None else finding.value}")
        for other in finding.related:
            value = "(blank)" if other.value is None else other.value
            where = words.place_of(other)
            said = f"{other.column} {value}" if other.column else f"row {other.row}" if other.row else ""
            cells.append(f"{said} ({where})" if where and where != said else said)
        cells = [words.visible(cell) for cell in cells if cell]
        if finding.expected:
            cells.append(words.visible(f"expected {finding.expected}"))
        if len(cells) > 1 and sum(_width(c) + 7 for c in cells) <= self.width:
            return [("       ").join(cells)]
        return cells

    def accepted(self, report: Report) -> Iterator[str]:
        """The findings that the study file accepts, one line each."""
        kept = [f for f in report.findings if f.accepted is not None]
        if kept:
            yield "accepted:" if report.ledger else "accepted in the study file:"
        for finding in kept[:NOTES_SHOWN_UP_TO]:
            yield from self.fold(f"{finding.check_id} {finding.place}: {finding.accepted}", "  - ", "    ")
        if len(kept) > NOTES_SHOWN_UP_TO:
            yield f"  ... {len(kept) - NOTES_SHOWN_UP_TO:,} more; --format json has all of them"

    def past(self, report: Report) -> Iterator[str]:
        """What the ledger has and this run has not: resolved by it, or not judged."""
        told = report.ledger
        for title, pasts in (
            (("resolved by this upload:", told.resolved), ("still open, not judged in this run:", told.unjudged))
            if told
            else ()
        ):
            if pasts:
                yield ""
                yield title
            for query in pasts[:NOTES_SHOWN_UP_TO]:
                yield from self.fold(words.past(query), "  - ", "    ")
            if len(pasts) > NOTES_SHOWN_UP_TO:
                yield f"  ... {len(pasts) - NOTES_SHOWN_UP_TO:,} more; --format json has all of them"


def _in_short(reasons: Sequence[tuple[str, list[str]]]) -> list[tuple[str, list[str]]]:
    """The same, with all checks that the study has no use for under one reason; the reports give each its own."""
    kept: dict[str, list[str]] = {}
    for reason, ids in reasons:
        short = reason.partition(":")[0] if reason.startswith(_NO_PART) else reason
        kept.setdefault(short, []).extend(ids)
    return list(kept.items())


def _width(text: str) -> int:
    """Columns that a terminal needs: Chinese characters take two."""
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def _padded(text: str, width: int) -> str:
    return text + " " * (width - _width(text))
