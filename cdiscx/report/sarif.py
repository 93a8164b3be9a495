"""A report for code-scanning tools: SARIF 2.1.0, one rule a check, one result a finding."""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import quote

from cdiscx.model.finding import CheckRun, Finding, Related, Report, Status
from cdiscx.registry import reporter
from cdiscx.report import words
from cdiscx.report.machine import escaped

_CELL = re.compile(r"([A-Z]+)([0-9]+)")


@reporter("sarif")
def render_sarif(report: Report) -> str:
    """SARIF 2.1.0 (OASIS). Uploads are the artifacts; row and column of the cell are line and column of the region."""
    places = {run.check_id: i for i, run in enumerate(report.checks)}
    extra = sorted({f.check_id for f in report.findings} - places.keys())
    rules = [_rule(run.check_id) for run in report.checks] + [_rule(check_id) for check_id in extra]
    places |= {check_id: len(report.checks) + i for i, check_id in enumerate(extra)}
    version = str(report.run.get("version", "0"))
    log = {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [
            {
                "tool": {"driver": {"name": "cdiscx", "version": version, "rules": rules}},
                "invocations": [_invocation(report, places)],
                "artifacts": [
                    {"location": {"uri": _uri(u["name"])}, "length": u["bytes"], "hashes": {"sha-256": u["sha256"]}}
                    for u in report.run.get("uploads", ())
                ],
                "results": [_result(report, f, places[f.check_id]) for f in words.ordered(report.findings)],
                "columnKind": "unicodeCodePoints",
                "properties": {"run": dict(report.run), "summary": report.summary()} | _of_ledger(report),
            }
        ],
    }
    return escaped(json.dumps(log, ensure_ascii=False, indent=1)) + "\n"


def _rule(check_id: str) -> dict[str, Any]:
    found = words.known_check(check_id)
    if found is None:
        return {"id": check_id, "shortDescription": {"text": check_id}}
    rule: dict[str, Any] = {
        "id": check_id,
        "name": found.title,
        "shortDescription": {"text": found.title},
        "defaultConfiguration": {"level": found.severity.value},
        "properties": {"family": found.family, "tier": found.tier},
    }
    why = " ".join(dict.fromkeys(p.wording.why for p in found.parts if p.wording.why))
    fix = " ".join(dict.fromkeys(p.wording.fix for p in found.parts if p.wording.fix))
    return rule | ({"fullDescription": {"text": why}} if why else {}) | ({"help": {"text": fix}} if fix else {})


def _invocation(report: Report, places: dict[str, int]) -> dict[str, Any]:
    """How the run went: crashed checks as errors, skipped ones as notes, so that silence is never taken for a pass."""
    told = [_told(run, "error", places) for run in words.of_status(report, Status.ERRORED)]
    told += [_told(run, "note", places) for run in words.of_status(report, Status.SKIPPED)]
    told += [{"level": "note", "message": {"text": note}} for note in report.notes]
    return {"executionSuccessful": report.complete and report.checked, "toolExecutionNotifications": told}


def _told(run: CheckRun, level: str, places: dict[str, int]) -> dict[str, Any]:
    rule = {"id": run.check_id, "index": places[run.check_id]}
    return {
        "level": level,
        "message": {"text": f"{run.status.value}: {run.reason or 'no reason given'}"},
        "associatedRule": rule,
    }


def _of_ledger(report: Report) -> dict[str, Any]:
    """The ledger's counts and head, where there is one."""
    return {"ledger": {"head": report.ledger.head, "counts": report.ledger.counts()}} if report.ledger else {}


def _stands(report: Report, finding: Finding) -> dict[str, Any]:
    """The standing as SARIF's `baselineState` (section 3.27.24): what was there in an earlier run is unchanged."""
    found = report.ledger.findings.get(finding.fingerprint) if report.ledger else None
    if found is None:
        return {}
    return {"baselineState": "new" if found.status in ("new", "reopened") else "unchanged"}


def _result(report: Report, finding: Finding, rule: int) -> dict[str, Any]:
    result: dict[str, Any] = {
        "ruleId": finding.check_id,
        "ruleIndex": rule,
        "level": finding.severity.value,
        "message": {"text": f"{finding.message} ({finding.fix})" if finding.fix else finding.message},
        "locations": [_location(finding.file, finding.sheet, finding.row, finding.cell)],
        "partialFingerprints": {"cdiscx/v1": finding.fingerprint},
        "properties": {
            name: getattr(finding, name)
            for name in ("study", "site", "subject", "visit", "column", "value", "expected")
            if getattr(finding, name) is not None
        }
        | ({"ledger": words.standing(report, finding)} if report.ledger else {}),
    } | _stands(report, finding)
    if finding.related:
        result["relatedLocations"] = [_related(i, other) for i, other in enumerate(finding.related)]
    if finding.accepted is not None:
        result["suppressions"] = [{"kind": "external", "justification": finding.accepted}]
    return result


def _related(index: int, other: Related) -> dict[str, Any]:
    said = f"{other.column or 'cell'}: {'(blank)' if other.value is None else other.value}"
    return {"id": index, "message": {"text": said}, **_location(other.file, other.sheet, other.row, other.cell)}


def _location(file: str | None, sheet: str | None, row: int | None, cell: str | None) -> dict[str, Any]:
    out: dict[str, Any] = {}
    if file:
        out["physicalLocation"] = {"artifactLocation": {"uri": _uri(file)}}
        if row:
            out["physicalLocation"]["region"] = {"startLine": row} | _column(cell)
    at = cell or (str(row) if row else None)
    name = "!".join(part for part in (sheet, at) if part)
    if name:
        full = "!".join(part for part in (file, name) if part)
        out["logicalLocations"] = [{"name": name, "fullyQualifiedName": full, "kind": "member"}]
    return out


def _column(cell: str | None) -> dict[str, int]:
    found = _CELL.fullmatch(cell or "")
    if not found:
        return {}
    number = 0
    for mark in found[1]:
        number = number * 26 + ord(mark) - 64
    return {"startColumn": number}


def _uri(name: str) -> str:
    """A file name as a URI reference; what UTF-8 cannot hold is spelled out first."""
    return quote(words.xml_safe(name), safe="/")
