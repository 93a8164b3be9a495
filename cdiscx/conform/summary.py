"""Report and verdicts in, what a person or a program reads out: text and plain values."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from cdiscx.conform.referees import Verdict
from cdiscx.conform.rules import rules
from cdiscx.model.finding import Report, Severity, Status


def as_text(report: Report, verdicts: Sequence[Verdict], *, examples: int = 3) -> str:
    """One paragraph for the project's rules, one for every referee; at most `examples` records of a rule and variable."""
    counts = Counter(c.status for c in report.checks)
    datasets = report.run["datasets"]
    lines = [
        f"{report.run['standard']}: {len(datasets)} datasets, {sum(datasets.values())} records",
        f"cdiscx: {counts[Status.PASSED]} rules passed, {counts[Status.FAILED]} failed, "
        f"{counts[Status.SKIPPED]} skipped, {counts[Status.ERRORED]} crashed",
    ]
    lines += _findings(report, examples)
    lines += [f"  {c.check_id} skipped: {c.reason}" for c in report.checks if c.status is Status.SKIPPED]
    lines += [f"  {c.check_id} crashed: {(c.traceback or '').strip().splitlines()[-1]}" for c in report.checks if c.status is Status.ERRORED]  # fmt: skip
    for verdict in verdicts:
        lines += _verdict(verdict)
    return "\n".join(lines) + "\n"


def _findings(report: Report, examples: int) -> list[str]:
    titles = {r.id: r.title for r in rules().values()}
    groups: dict[tuple[str, str | None, str | None], list[Any]] = {}
    for finding in report.findings:
        groups.setdefault((finding.check_id, finding.sheet, finding.column), []).append(finding)
    lines = []
    for (rule_id, dataset, column), found in groups.items():
        place = f"{dataset}.{column}" if column else dataset
        lines.append(f"  {rule_id} {found[0].severity.value}: {titles.get(rule_id, '')}; {place}, {len(found)} records")
        for finding in found[:examples]:
            where = f"record {finding.row}" if finding.row else "dataset"
            lines.append(f"    {where}{f', {finding.subject}' if finding.subject else ''}: {finding.message}")
        if len(found) > examples:
            lines.append(f"    and {len(found) - examples} more")
    return lines


def _verdict(verdict: Verdict) -> list[str]:
    if verdict.status in (Status.SKIPPED, Status.ERRORED):
        return [f"{verdict.referee}: {verdict.status.value}: {verdict.reason}"]
    lines = [f"{verdict.referee}: {verdict.rules} rules ran, {len(verdict.remarks)} findings (rule and dataset)"]
    for remark in verdict.remarks:
        lines.append(f"  {remark.rule} {remark.dataset}, {remark.records} records: {remark.message}")
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
