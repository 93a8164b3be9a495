"""A report for programs: the contract's JSON object, or one finding a line."""

from __future__ import annotations

import json
import re
from dataclasses import asdict

from cdiscx.model.finding import Report
from cdiscx.registry import reporter

# legal inside JSON, but line ends to many readers of lines; halves of a pair cannot be encoded at all
_LINE_ENDS = re.compile("[\x7f-\x9f\u2028\u2029\ud800-\udfff]")


def escaped(text: str) -> str:
    """JSON text in which no character can be taken for a line end."""
    return _LINE_ENDS.sub(lambda m: f"\\u{ord(m[0]):04x}", text)


@reporter("json")
def render_json(report: Report) -> str:
    """The run as one JSON object: run, summary, checks, findings, notes."""
    return escaped(report.to_json()) + "\n"


@reporter("jsonl")
def render_jsonl(report: Report) -> str:
    """One finding a line as JSON, with its standing where there is a ledger; no line at all where there is no finding."""
    standings = report.ledger.findings if report.ledger else {}
    lines = (
        f.to_dict() | ({"ledger": asdict(standings[f.fingerprint])} if f.fingerprint in standings else {})
        for f in report.findings
    )
    return "".join(escaped(json.dumps(line, ensure_ascii=False)) + "\n" for line in lines)
