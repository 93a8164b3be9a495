"""The report on standard output: text for people, JSON for programs."""

from __future__ import annotations

import json
import re
from dataclasses import replace

from cdiscx.model.finding import CheckRun, Report, Severity, Status
from cdiscx.report.machine import render_json, render_jsonl
from cdiscx.report.terminal import render_text

from .conftest import CHECKS, CONSENT, MISSING, NOTE, make_report

CONTRACT_KEYS = [
    "check_id",
    "family",
    "severity",
    "message",
    "study",
    "site",
    "subject",
    "visit",
    "file",
    "sheet",
    "row",
    "column",
    "cell",
    "value",
    "expected",
    "related",
    "fingerprint",
]


def test_a_finding_reads_as_the_design_shows_it(report: Report):
    said = render_text(report)
    assert (
        "DAT-005 error  WEEK 3 on 2024-01-01 is before consent (2024-01-07)\n"
        "  --> site-01.xlsx!Visits!C3      subject 102\n"
        "   |  Visit Date 2024-01-01       Informed Consent Date 2024-01-07 (site-01.xlsx!Demographics!F3)\n"
        "   =  ask the site which of the two dates is right\n"
    ) in said
    assert said.endswith("\n")
    assert not said.endswith("\n\n")
    assert "\x1b" not in said


def test_the_summary_comes_first_and_the_worst_finding_before_the_others():
    said = render_text(make_report(NOTE, MISSING, CONSENT))
    places = [
        said.index(part)
        for part in ("3 findings: 1 error, 1 warning, 1 note", "DAT-005 error", "VIS-002 warning", "TRM-002 note")
    ]
    assert places == sorted(places)
    assert said.index("checks: 1 passed, 3 failed, 2 skipped, 0 crashed") < places[1]
    rows = [line.split() for line in said.splitlines()]
    assert ["Demographics", "0", "0", "1"] in rows
    assert ["Visits", "1", "1", "0"] in rows
    assert ["01", "1", "1", "1"] in rows


def test_what_was_not_checked_is_said_with_its_reason_once(clean: Report):
    said = render_text(make_report(CONSENT))
    assert said.count("sheet Dosing is missing: DOS-001, DOS-002") == 1
    assert "VIS-002: no schedule for follow-up" in said
    assert "No open finding: 1 check passed." in render_text(clean)
    assert "sheet Dosing is missing: DOS-001" in render_text(clean)


def test_a_run_that_checked_nothing_does_not_read_as_clean():
    said = render_text(make_report(checks=(CHECKS[4],)))
    assert "Nothing could be checked" in said
    assert "No open finding" not in said


def test_a_crash_is_said():
    crash = CheckRun("MEA-001", Status.ERRORED, "the check crashed: KeyError: 'x'", traceback="Traceback ...")
    said = render_text(make_report(CONSENT, checks=(*CHECKS, crash)))
    assert "The run is incomplete: a check crashed." in said
    assert "MEA-001: the check crashed: KeyError: 'x'" in said


def test_more_than_fifty_notes_of_one_check_are_condensed_and_said_so():
    notes = [replace(NOTE, row=n, cell=f"G{n}") for n in range(60)]
    said = render_text(make_report(*notes))
    assert said.count("TRM-002 note") == 5
    assert "55 more notes of TRM-002 are left out here" in said
    assert render_text(make_report(*notes[:50])).count("TRM-002 note") == 50
    errors = [replace(CONSENT, row=n) for n in range(60)]
    assert render_text(make_report(*errors)).count("DAT-005 error") == 60


def test_accepted_findings_are_counted_apart():
    said = render_text(make_report(CONSENT, replace(MISSING, accepted="holiday (AB, 2026-01-01)")))
    assert "1 finding: 1 error, 0 warnings, 0 notes; 1 more accepted in the study file." in said
    assert "VIS-002 warning" not in said
    assert "holiday (AB, 2026-01-01)" in said


def test_a_cell_cannot_steer_the_terminal(hostile: Report):
    said = render_text(hostile)
    assert not {c for c in said if c != "\n" and (ord(c) < 32 or c in "\u2028\x7f")}
    assert "\\x1b[31m" in said


def test_colour_only_when_asked(report: Report):
    plain, painted = render_text(report), render_text(report, colour=True)
    assert "\x1b[31;1m" in painted
    assert re.sub(r"\x1b\[[0-9;]*m", "", painted) == plain


def test_lines_are_folded_at_the_width():
    long = replace(CONSENT, message="word " * 60, fix="do " * 80, related=CONSENT.related * 4)
    said = render_text(make_report(long), width=80)
    assert max(len(line) for line in said.splitlines()) <= 90  # a place is never broken
    assert all(len(line) <= 80 for line in said.splitlines() if line.lstrip().startswith(("word", "do")))


def test_json_is_the_contracts_object(report: Report):
    out = json.loads(render_json(report))
    assert list(out)[:4] == ["run", "summary", "checks", "findings"]
    assert {"check_id", "status", "reason", "rows", "findings"} <= set(out["checks"][0])
    assert list(out["findings"][0])[: len(CONTRACT_KEYS)] == CONTRACT_KEYS
    assert list(out["findings"][0]["related"][0]) == ["file", "sheet", "row", "cell", "column", "value"]
    assert out["findings"][0]["severity"] == Severity.ERROR.value
    assert render_json(report).endswith("}\n")


def test_jsonl_is_one_finding_a_line_whatever_the_text(hostile: Report):
    said = render_jsonl(hostile)
    lines = said.splitlines()
    assert len(lines) == 2
    assert json.loads(lines[0])["value"] == hostile.findings[0].value
    assert render_jsonl(make_report()) == ""


def test_half_a_surrogate_pair_does_not_stop_the_output():
    odd = make_report(replace(CONSENT, value="\ud800"))
    for said in (render_text(odd), render_json(odd), render_jsonl(odd)):
        assert said.encode("utf-8")
