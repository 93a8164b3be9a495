"""The report for build servers and for code-scanning tools."""

from __future__ import annotations

import json
from dataclasses import replace
from xml.etree import ElementTree as ET

from cdiscx.model.finding import CheckRun, Report, Status
from cdiscx.report.junit import render_junit
from cdiscx.report.sarif import render_sarif

from .conftest import CHECKS, CONSENT, MISSING, NOTE, make_report


def test_every_check_is_one_test_case_and_the_counts_agree(report: Report):
    crash = CheckRun("MEA-001", Status.ERRORED, "the check crashed: KeyError", traceback="Traceback: \x1b")
    suite = ET.fromstring(render_junit(replace(report, checks=(*report.checks, crash))))[0]
    cases = {case.get("name", "").split()[0]: case for case in suite.findall("testcase")}
    assert list(cases) == [c.check_id for c in (*CHECKS, crash)]
    assert {k: suite.get(k) for k in ("tests", "failures", "errors", "skipped")} == {
        "tests": "7",
        "failures": "2",
        "errors": "1",
        "skipped": "2",
    }
    failure = cases["DAT-005"].find("failure")
    assert failure is not None
    assert failure.get("type") == "error"
    assert "site-01.xlsx!Visits!C3: WEEK 3 on 2024-01-01 is before consent" in (failure.text or "")
    skipped = cases["DOS-001"].find("skipped")
    assert skipped is not None
    assert skipped.get("message") == "sheet Dosing is missing"
    assert len(cases["STR-001"]) == 0


def test_a_check_with_notes_only_is_no_failure_but_its_notes_are_told(report: Report):
    suite = ET.fromstring(render_junit(report))[0]
    case = next(c for c in suite.findall("testcase") if (c.get("name") or "").startswith("TRM-002"))
    assert len(case) == 0
    assert "'Pacific' is not among the known races" in (suite.findtext("system-out") or "")


def test_the_order_of_elements_is_that_of_the_junit_schema(report: Report):
    suite = ET.fromstring(render_junit(report))[0]
    tags = [child.tag for child in suite]
    assert tags == ["properties", *["testcase"] * len(CHECKS), "system-out", "system-err"]
    assert {"name", "timestamp", "hostname", "tests", "failures", "errors", "time", "package", "id"} <= set(
        suite.attrib
    )


def test_hostile_text_leaves_the_xml_well_formed(hostile: Report):
    said = render_junit(hostile)
    assert "<script" not in said
    assert "\x1b" not in said
    assert "\x00" not in said
    assert ET.fromstring(said).tag == "testsuites"


def test_sarif_says_rule_place_level_and_fingerprint(report: Report):
    log = json.loads(render_sarif(report))
    run = log["runs"][0]
    assert log["version"] == "2.1.0"
    result = run["results"][0]
    rule = run["tool"]["driver"]["rules"][result["ruleIndex"]]
    assert (rule["id"], result["ruleId"], result["level"]) == ("DAT-005", "DAT-005", "error")
    place = result["locations"][0]
    assert place["physicalLocation"] == {
        "artifactLocation": {"uri": "site-01.xlsx"},
        "region": {"startLine": 3, "startColumn": 3},
    }
    assert place["logicalLocations"][0]["fullyQualifiedName"] == "site-01.xlsx!Visits!C3"
    assert result["partialFingerprints"] == {"cdiscx/v1": CONSENT.fingerprint}
    assert result["relatedLocations"][0]["message"]["text"] == "Informed Consent Date: 2024-01-07"
    assert [r["level"] for r in run["results"]] == ["error", "warning", "note"]


def test_sarif_survives_names_and_texts_of_any_kind(hostile: Report):
    odd = replace(CONSENT, file="中 心:1#.xlsx", cell="AA3", check_id="PLUG-1", accepted="known (x, 2026)")
    log = json.loads(render_sarif(make_report(odd, *hostile.findings)))
    result = log["runs"][0]["results"][0]
    assert result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "%E4%B8%AD%20%E5%BF%83%3A1%23.xlsx"
    assert result["locations"][0]["physicalLocation"]["region"]["startColumn"] == 27
    assert result["suppressions"][0]["justification"] == "known (x, 2026)"
    assert log["runs"][0]["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == "PLUG-1"


def test_what_was_skipped_or_crashed_is_told_to_sarif_too():
    crash = CheckRun("MEA-001", Status.ERRORED, "the check crashed: KeyError")
    run = json.loads(render_sarif(make_report(MISSING, NOTE, checks=(*CHECKS, crash))))["runs"][0]
    told = {
        n["associatedRule"]["id"]: n["level"]
        for n in run["invocations"][0]["toolExecutionNotifications"]
        if "associatedRule" in n
    }
    assert told == {"DOS-001": "note", "DOS-002": "note", "MEA-001": "error"}
    assert run["invocations"][0]["executionSuccessful"] is False
