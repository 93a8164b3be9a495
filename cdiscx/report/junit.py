"""A report for build servers: one JUnit test case a check."""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree as ET

from cdiscx.model.finding import CheckRun, Finding, Report, Severity, Status
from cdiscx.registry import reporter
from cdiscx.report import words

#: findings listed in one failure; the number of all of them is always said
LISTED = 200


@reporter("junit")
def render_junit(report: Report) -> str:
    """JUnit XML. A check fails on open errors and warnings; notes alone and accepted findings stand in `system-out`."""
    open_by: dict[str, list[Finding]] = {}
    for finding in words.ordered(report.open):
        open_by.setdefault(finding.check_id, []).append(finding)
    cases = [_case(report, run, open_by.get(run.check_id, [])) for run in report.checks]
    kinds = [child.tag for case in cases for child in case]
    counts = {
        "tests": str(len(cases)),
        "failures": str(kinds.count("failure")),
        "errors": str(kinds.count("error")),
        "skipped": str(kinds.count("skipped")),
        "time": f"{sum(run.seconds for run in report.checks):.3f}",
    }
    root = ET.Element("testsuites")
    facts = {"name": f"cdiscx {report.run.get('study', '')}", "package": "cdiscx", "id": "0", "hostname": "localhost"}
    # the common schema wants a time of day; the run knows its day only
    stamp = {"timestamp": f"{report.run.get('day_of_run') or '1970-01-01'}T00:00:00"}
    suite = ET.SubElement(root, "testsuite", _safe(facts | stamp | counts))
    properties = ET.SubElement(suite, "properties")
    for name, value in _facts(report).items():
        ET.SubElement(properties, "property", _safe({"name": name, "value": value}))
    suite.extend(cases)
    ET.SubElement(suite, "system-out").text = words.xml_safe("\n".join(_told(report, open_by)))
    ET.SubElement(suite, "system-err").text = ""
    ET.indent(root, " ")
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _case(report: Report, run: CheckRun, findings: list[Finding]) -> ET.Element:
    title = words.title(run.check_id)
    name = f"{run.check_id} {title}".strip()
    family = f"cdiscx.{run.check_id.partition('-')[0]}"
    case = ET.Element("testcase", _safe({"name": name, "classname": family, "time": f"{run.seconds:.3f}"}))
    bad = [f for f in findings if f.severity is not Severity.NOTE]
    if run.status is Status.ERRORED:
        error = ET.SubElement(case, "error", _safe({"message": run.reason or "the check crashed", "type": "crashed"}))
        error.text = words.xml_safe(run.traceback or "")
    elif bad:
        said = f"{words.plural(len(findings), 'finding')}: {words.tally(findings)}"
        failure = ET.SubElement(case, "failure", _safe({"message": said, "type": bad[0].severity.value}))
        failure.text = words.xml_safe("\n".join(_lines(report, findings)))
    elif run.status is Status.SKIPPED:
        skipped = ET.SubElement(case, "skipped", _safe({"message": run.reason or "no reason given"}))
        skipped.text = words.xml_safe(run.reason or "")
    return case


def _lines(report: Report, findings: list[Finding]) -> list[str]:
    lines = [_line(report, f) for f in findings[:LISTED]]
    if len(findings) > LISTED:
        lines.append(f"... {len(findings) - LISTED:,} more; --format json has all of them")
    return lines


def _line(report: Report, finding: Finding) -> str:
    fix = f" = {finding.fix}" if finding.fix else ""
    place = finding.place or "no cell"
    stands = words.standing(report, finding)
    lead = f"{finding.severity.value}, {stands}," if stands else finding.severity.value
    return words.visible(f"{lead} {place}: {finding.message}{fix}")


def _told(report: Report, open_by: dict[str, list[Finding]]) -> list[str]:
    """What is no failure but must not be lost: notes, accepted findings, what was read how."""
    only_notes = [f for fs in open_by.values() if all(f.severity is Severity.NOTE for f in fs) for f in fs]
    accepted = [f"accepted {_line(report, f)} [{f.accepted}]" for f in report.findings if f.accepted is not None]
    partly = [
        f"{c.check_id} was checked only in part: {c.reason}" for c in words.of_status(report, Status.FAILED) if c.reason
    ]
    notes = [f"note: {words.visible(n)}" for n in report.notes]
    ledger = [f"ledger: {report.ledger.said()}"] if report.ledger else []
    gone = [f"resolved {words.past(p)}" for p in report.ledger.resolved[:LISTED]] if report.ledger else []
    return [words.verdict(report), *ledger, *_lines(report, only_notes), *accepted, *gone, *partly, *notes]


def _facts(report: Report) -> dict[str, str]:
    run = report.run
    uploads = {f"upload {u['name']}": f"sha256 {u['sha256']}" for u in run.get("uploads", ())}
    ledger = {"ledger": report.ledger.head} if report.ledger else {}
    return {"version": str(run.get("version", "")), "cutoff": words.cutoff_words(report), **uploads, **ledger}


def _safe(attributes: dict[str, Any]) -> dict[str, str]:
    """Attribute values on one line, without what XML cannot hold."""
    return {name: words.xml_safe(words.visible(value)) for name, value in attributes.items()}
