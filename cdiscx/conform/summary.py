"""Report and verdicts in, what a person or a program reads out: text and plain values."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any

from cdiscx.conform.referees import Verdict
from cdiscx.conform.rules import rules
from cdiscx.model.finding import Report, Severity, Status

Say = Callable[..., str]


def english(text: str, **slots: object) -> str:
    """A template with its slots filled: the words as they stand here. Another language has a callable like it."""
    return text.format(**slots) if slots else text


def as_text(report: Report, verdicts: Sequence[Verdict], *, examples: int = 3, say: Say = english) -> str:
    """One paragraph for the project's rules, one for every referee; at most `examples` records of a rule and variable.

    `say`: template and slots -> words of a language; messages and reasons stand in the report as they are to be read.
    """
    counts = Counter(c.status for c in report.checks)
    datasets = report.run["datasets"]
    names = (Status.PASSED, Status.FAILED, Status.SKIPPED, Status.ERRORED)
    standard, records = report.run["standard"], sum(datasets.values())
    lines = [
        say("{standard}: {n} datasets, {m} records", standard=standard, n=len(datasets), m=records),
        say(
            "cdiscx: {a} rules passed, {b} failed, {c} skipped, {d} crashed",
            **dict(zip("abcd", (counts[name] for name in names), strict=True)),
        ),
    ]
    lines += _findings(report, examples, say)
    lines += [
        "  " + say("{id} skipped: {x}", id=c.check_id, x=c.reason) for c in report.checks if c.status is Status.SKIPPED
    ]
    for run in (c for c in report.checks if c.status is Status.ERRORED):
        last = (run.traceback or "").strip().splitlines()[-1]
        lines.append("  " + say("{id} crashed: {x}", id=run.check_id, x=last))
    for verdict in verdicts:
        lines += _verdict(verdict, say)
    return "\n".join(lines) + "\n"


def _findings(report: Report, examples: int, say: Say) -> list[str]:
    titles = {r.id: r.title for r in rules().values()}
    groups: dict[tuple[str, str | None, str | None], list[Any]] = {}
    for finding in report.findings:
        groups.setdefault((finding.check_id, finding.sheet, finding.column), []).append(finding)
    lines = []
    for (rule_id, dataset, column), found in groups.items():
        place = f"{dataset}.{column}" if column else dataset
        severity, title = say(found[0].severity.value), say(titles.get(rule_id, ""))
        head = "{id} {severity}: {title}; {place}, {n} records"
        lines.append("  " + say(head, id=rule_id, severity=severity, title=title, place=place, n=len(found)))
        for finding in found[:examples]:
            where = say("record {n}", n=finding.row) if finding.row else say("dataset")
            told = "{where}, {who}: {x}" if finding.subject else "{where}: {x}"
            lines.append("    " + say(told, where=where, who=finding.subject, x=finding.message))
        if len(found) > examples:
            lines.append("    " + say("and {n} more", n=len(found) - examples))
    return lines


def _verdict(verdict: Verdict, say: Say) -> list[str]:
    if verdict.status in (Status.SKIPPED, Status.ERRORED):
        status = say(verdict.status.value)
        return [say("{referee}: {status}: {x}", referee=verdict.referee, status=status, x=verdict.reason)]
    head = "{referee}: {n} rules ran, {m} findings (rule and dataset)"
    lines = [say(head, referee=verdict.referee, n=verdict.rules, m=len(verdict.remarks))]
    for remark in verdict.remarks:
        told = "{rule} {dataset}, {n} records: {x}"
        lines.append("  " + say(told, rule=remark.rule, dataset=remark.dataset, n=remark.records, x=remark.message))
        if remark.example:
            lines.append(f"    {remark.example}")
    return lines


def as_dict(report: Report, verdicts: Sequence[Verdict]) -> dict[str, Any]:
    """The report's plain values with `referees` beside them."""
    judged = [{**asdict(v), "status": v.status.value} for v in verdicts]
    return {**report.to_dict(), "referees": judged}


def exit_status(report: Report, verdicts: Sequence[Verdict]) -> int:
    """0 nothing of severity error, 1 errors of the project's rules or an outside referee's findings, 3 something crashed or nothing ran."""
    if not report.complete or not report.checked or any(v.status is Status.ERRORED for v in verdicts):
        return 3
    outside = any(v.status is Status.FAILED for v in verdicts)
    return int(outside or not report.ok(Severity.ERROR))
