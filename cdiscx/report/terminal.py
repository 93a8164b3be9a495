"""A report for the terminal: the summary first, then every finding with its cell, the values and what to do."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Sequence
from unicodedata import east_asian_width

from cdiscx.model.finding import LEFT_OUT, Finding, Report, Severity, Status
from cdiscx.registry import reporter
from cdiscx.report import languages, words

#: a check with more notes than this shows only the first few
NOTES_SHOWN_UP_TO = 50
NOTES_SHOWN = 5
_NO_PART = "not part of this study:"
_MORE = "{n} more; --format json has all of them"
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
        self.tongue = languages.of(report)

    def paint(self, text: str, tone: str) -> str:
        return f"\x1b[{_PAINT[tone]}m{text}\x1b[0m" if self.colour and text else text

    def fold(self, text: str, first: str, rest: str) -> list[str]:
        """Lines of `text` behind a lead; what cannot be broken stays whole."""
        if any(east_asian_width(c) in "WF" for c in text):
            return _folded_wide(words.visible(text), self.width, first, rest)
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
        label, read = self.tongue.label, self.tongue.read
        study, cutoff = run.get("study", "?"), read(words.cutoff_words(report))
        yield f"cdiscx {run.get('version', '')}  {label('study {x}', x=study)}  {label('cut-off {x}', x=cutoff)}"
        for upload in run.get("uploads", ()):
            yield words.visible(f"  {upload['name']}  sha256 {str(upload['sha256'])[:16]}…")
        yield ""
        good = report.ok(Severity.WARNING)
        tone = "good" if good else "error" if not report.ok(Severity.ERROR) else "warning"
        yield self.paint(read(words.verdict(report)), tone)
        if report.ledger:
            yield f"{label('ledger: {x}', x=read(report.ledger.said()))}  (head {report.ledger.head[:24]}…)"
        yield ""
        if report.open:
            yield from self.table("sheet", report.open)
            yield from self.table("site", report.open)

    def table(self, of: str, findings: Sequence[Finding]) -> Iterator[str]:
        """One row a sheet or site, one column a severity."""
        rows = [(words.visible(name) or self.tongue.label(f"(no {of})"), by) for name, by in words.counts(findings, of)]
        title = self.tongue.label(of)
        wide = max(_width(title), *(_width(name) for name, _ in rows))
        heads = [" " * (9 - _width(said)) + said for said in (self.tongue.label(s.value) for s in words.BY_SEVERITY)]
        yield self.paint(f"  {_padded(title, wide)}{''.join(heads)}", "bold")
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
        label = self.tongue.label
        yield label("checks: {x}", x=", ".join(f"{len(by[status])} {label(word)}" for status, word in shown))
        for crashed in by[Status.ERRORED]:
            yield from self.fold(
                f"{crashed.check_id}: {crashed.reason}", self.paint(f"  {label('crashed')}  ", "error"), "           "
            )
        if by[Status.SKIPPED]:
            yield label("not checked:")
        left_out = self.tongue.read(LEFT_OUT)
        for reason, ids in _in_short(words.not_checked(report.checks), self.tongue.read(_NO_PART[:-1])):
            said = self.tongue.read(words.plural(len(ids), "check")) if reason == left_out else ", ".join(ids)
            yield from self.fold(f"{reason}: {said}", "  - ", "    ")
        partly = [c for c in by[Status.FAILED] if c.reason]
        if partly:
            yield label("checked only in part:")
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
                more = "{n} more notes of {id} are left out here; --format json, or --report DIR (report.html), has all of them"
                said = self.tongue.label(more, n=f"{len(same) - NOTES_SHOWN:,}", id=check_id)
                yield from self.fold(said, "... ", "    ")
                yield ""

    def finding(self, finding: Finding) -> Iterator[str]:
        """One finding: id and message, place, the values it rests on, what to do."""
        label = self.tongue.label
        head = f"{finding.check_id} {label(finding.severity.value)}"
        folded = self.fold(finding.message, f"{head}  ", "    ")
        yield self.paint(head, finding.severity.value) + folded[0][len(head) :]
        yield from folded[1:]
        about = label("subject {x}", x=finding.subject) if finding.subject else ""
        about = about or (label("site {x}", x=finding.site) if finding.site else "")
        place = finding.place or label("(no cell: see the message)")
        told = [words.visible(about), self.tongue.read(words.standing(self.report, finding))]
        yield f"  {self.paint('-->', 'dim')} {words.visible(place)}" + "".join(f"      {t}" for t in told if t)
        yield from (f"   {self.paint('|', 'dim')}  {line}" for line in self.values(finding))
        if finding.fix:
            lead, *more = self.fold(finding.fix, "      ", "      ")
            yield f"   {self.paint('=', 'dim')}  {lead.strip()}"
            yield from more
        yield ""

    def values(self, finding: Finding) -> list[str]:
        """The finding's cell and the others it rests on: on one line where they fit, else one a line."""
        label = self.tongue.label
        cells = []
        if finding.column and (finding.value is not None or finding.cell):
            cells.append(f"{finding.column} {label('(blank)') if finding.value is None else finding.value}")
        for other in finding.related:
            value = label("(blank)") if other.value is None else other.value
            where = words.place_of(other)
            said = f"{other.column} {value}" if other.column else label("row {n}", n=other.row) if other.row else ""
            cells.append(f"{said} ({where})" if where and where != said else said)
        cells = [words.visible(cell) for cell in cells if cell]
        if finding.expected:
            cells.append(words.visible(label("expected {x}", x=finding.expected)))
        if len(cells) > 1 and sum(_width(c) + 7 for c in cells) <= self.width:
            return [("       ").join(cells)]
        return cells

    def accepted(self, report: Report) -> Iterator[str]:
        """The findings that the study file accepts, one line each."""
        kept = [f for f in report.findings if f.accepted is not None]
        if kept:
            yield self.tongue.label("accepted:" if report.ledger else "accepted in the study file:")
        for finding in kept[:NOTES_SHOWN_UP_TO]:
            yield from self.fold(f"{finding.check_id} {finding.place}: {finding.accepted}", "  - ", "    ")
        if len(kept) > NOTES_SHOWN_UP_TO:
            yield "  ... " + self.tongue.label(_MORE, n=f"{len(kept) - NOTES_SHOWN_UP_TO:,}")

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
                yield self.tongue.label(title)
            for query in pasts[:NOTES_SHOWN_UP_TO]:
                yield from self.fold(words.past(query), "  - ", "    ")
            if len(pasts) > NOTES_SHOWN_UP_TO:
                yield "  ... " + self.tongue.label(_MORE, n=f"{len(pasts) - NOTES_SHOWN_UP_TO:,}")


def _folded_wide(text: str, width: int, first: str, rest: str) -> list[str]:
    """Lines of a text with Chinese in it: it may break between any two of its characters, but not before a mark."""
    lines, line = [], first
    for piece in _UNBROKEN.findall(text):
        if _width(line + piece.rstrip()) > width and line.strip():
            lines.append(line.rstrip())
            line = rest + piece.lstrip()
        else:
            line += piece
    return [*lines, line.rstrip()]


def _in_short(reasons: Sequence[tuple[str, list[str]]], no_part: str) -> list[tuple[str, list[str]]]:
    """The same, with all checks that the study has no use for under one reason; the reports give each its own."""
    kept: dict[str, list[str]] = {}
    for reason, ids in reasons:
        short = no_part if reason.startswith(no_part) else reason
        kept.setdefault(short, []).extend(ids)
    return list(kept.items())


#: a Chinese character with the marks that stay with it, or a word
_UNBROKEN = re.compile(
    "[（“]*[\u2e80-\u9fff\uf900-\ufaff][，。；：？！）、”]*|[^\\s\u2e80-\u9fff\uf900-\ufaff]+\\s*|\\s+"
)


def _width(text: str) -> int:
    """Columns that a terminal needs: Chinese characters take two."""
    return sum(2 if east_asian_width(c) in "WF" else 1 for c in text)


def _padded(text: str, width: int) -> str:
    return text + " " * (width - _width(text))
