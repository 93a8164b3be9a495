"""The words that every report shares: safe text, places, titles of checks, what was not checked and why."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from cdiscx import registry
from cdiscx.model.finding import Check, CheckRun, Finding, Related, Report, Severity, Status
from cdiscx.model.standing import Past

#: worst first, as people read
BY_SEVERITY = (Severity.ERROR, Severity.WARNING, Severity.NOTE)

# C0 and C1 controls, line separators, and the marks that reorder text: a cell must not steer a terminal or fake a line
_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
# what XML 1.0, and so every workbook, cannot hold
_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def visible(text: object) -> str:
    """One line of text in which control and reordering characters are spelled out (`\\n`, `\\x1b`)."""
    return _UNSAFE.sub(lambda m: _spelled(m[0]), str(text))


def xml_safe(text: object) -> str:
    """Text that XML can hold: line breaks and tabs stay, illegal characters are spelled out."""
    return _NOT_XML.sub(lambda m: _spelled(m[0]), str(text))


def _spelled(mark: str) -> str:
    named = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}
    return named.get(mark) or (f"\\x{ord(mark):02x}" if ord(mark) < 256 else f"\\u{ord(mark):04x}")


def plural(count: int, word: str) -> str:
    """`1 error`, `1,200 errors`."""
    return f"{count:,} {word}{'' if count == 1 else 's'}"


def place_of(related: Related) -> str:
    """`site-01.xlsx!Demographics!F3`, as far as known."""
    at = related.cell or (str(related.row) if related.row is not None else None)
    return "!".join(str(part) for part in (related.file, related.sheet, at) if part)


def ordered(findings: Iterable[Finding]) -> list[Finding]:
    """Errors, then warnings, then notes; within each as the report has them (file, sheet, row)."""
    return sorted(findings, key=lambda f: -f.severity.rank)


def counts(findings: Sequence[Finding], of: str) -> list[tuple[str, dict[Severity, int]]]:
    """Value of a finding's field -> number per severity, by name; findings without that field last, as ''."""
    table: dict[str, dict[Severity, int]] = {}
    for finding in findings:
        row = table.setdefault(getattr(finding, of) or "", dict.fromkeys(BY_SEVERITY, 0))
        row[finding.severity] += 1
    return sorted(table.items(), key=lambda item: (item[0] == "", item[0]))


def tally(findings: Sequence[Finding]) -> str:
    """`7 errors, 4 warnings, 1 note`."""
    return ", ".join(plural(sum(f.severity is s for f in findings), s.value) for s in BY_SEVERITY)


def known_check(check_id: str) -> Check | None:
    """The check of the running version, or None (an expectation of one study, a plug-in that is gone)."""
    return registry.checks().get(check_id)


def title(check_id: str) -> str:
    """The check's title; empty where this version does not know it."""
    found = known_check(check_id)
    return found.title if found else ""


def not_checked(runs: Iterable[CheckRun]) -> list[tuple[str, list[str]]]:
    """Reason -> ids of the checks that were skipped for it, the reason with most checks first."""
    groups: dict[str, list[str]] = {}
    for run in runs:
        if run.status is Status.SKIPPED:
            groups.setdefault(run.reason or "no reason given", []).append(run.check_id)
    return sorted(groups.items(), key=lambda item: (-len(item[1]), item[1][0]))


def of_status(report: Report, status: Status) -> list[CheckRun]:
    """The checks that ended so."""
    return [c for c in report.checks if c.status is status]


def cutoff_words(report: Report) -> str:
    """`2026-06-30 (as given)`: the cut-off and where it is from."""
    day = report.run.get("cutoff")
    if not day:
        return "not known"
    return f"{day} ({'as given' if report.run.get('cutoff_stated') else 'not stated: latest date in the uploads'})"


def standing(report: Report, finding: Finding) -> str:
    """`new`, `open since 2026-03-01`, `reopened` or `accepted` where the run has a ledger; else nothing."""
    found = report.ledger.findings.get(finding.fingerprint) if report.ledger else None
    return found.said if found else ""


def past(query: Past) -> str:
    """A query that is not among the findings, on one line."""
    said = f"{query.check_id} {query.place or 'no cell'}: {query.message} (since {query.since})"
    return visible(f"{said} [{query.why}]" if query.why else said)


def verdict(report: Report) -> str:
    """The run in one sentence: nothing checked, incomplete, clean, or so many findings."""
    if not report.checked:
        return "Nothing could be checked: no check found the sheets, columns and rows it needs."
    lead = "" if report.complete else "The run is incomplete: a check crashed. "
    accepted = len(report.findings) - len(report.open)
    also = f"; {accepted:,} more accepted{'' if report.ledger else ' in the study file'}" if accepted else ""
    if not report.open:
        passed = len(of_status(report, Status.PASSED))
        return f"{lead}No open finding: {plural(passed, 'check')} passed{also}."
    return f"{lead}{plural(len(report.open), 'finding')}: {tally(report.open)}{also}."


def width(text: str) -> int:
    """Columns that a text takes: two for a wide character, as in Chinese."""
    return len(text) if text.isascii() else sum(2 if ord(c) > 0x2E7F else 1 for c in text)
