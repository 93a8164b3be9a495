"""SARIF and JUnit output has the shape that the programs which read it expect, with and without a ledger."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
from command_kit import cdiscx
from lxml import etree
from machine_shapes import JUNIT, SARIF


@pytest.fixture(scope="module")
def call(bad: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> tuple[object, ...]:
    """A run over every check with findings of all severities, skipped checks and an accepted query."""
    folder = tmp_path_factory.mktemp("shapes")
    call = (
        "validate",
        bad["palhep-a"],
        "--study",
        "palhep-a",
        "--no-expectations",
        "--quiet",
        "--ledger",
        folder / "q.db",
    )
    cdiscx(*call, "--format", "jsonl")
    rows = json.loads(cdiscx("ledger", "show", folder / "q.db", "--format", "json").out)
    assert cdiscx("ledger", "accept", folder / "q.db", rows[0]["query"], "--reason", "known").status == 0
    return call


def test_sarif_is_valid_in_every_object(call: tuple[object, ...]) -> None:
    log = json.loads(cdiscx(*call, "--format", "sarif").out)
    judge = jsonschema.Draft202012Validator(SARIF, format_checker=jsonschema.FormatChecker())
    assert not [f"{list(e.path)}: {e.message}" for e in judge.iter_errors(log)]
    run = log["runs"][0]
    assert {r["level"] for r in run["results"]} == {"error", "warning", "note"}
    assert any("suppressions" in r for r in run["results"])
    assert all(run["tool"]["driver"]["rules"][r["ruleIndex"]]["id"] == r["ruleId"] for r in run["results"])
    without = json.loads(cdiscx(*call[:-2], "--format", "sarif", "--only", "DAT-006").out)
    assert not list(judge.iter_errors(without))
    run["results"][0]["line"] = 3
    run["results"][1]["level"] = "fatal"
    assert len(list(judge.iter_errors(log))) == 2, "the shape refuses what SARIF does not have"


def test_junit_is_valid_in_every_element(call: tuple[object, ...]) -> None:
    schema = etree.XMLSchema(etree.fromstring(JUNIT))
    tree = etree.fromstring(cdiscx(*call, "--format", "junit").out.encode())
    schema.assertValid(tree)
    kinds = {child.tag for child in tree.iter("failure", "skipped", "error")}
    assert kinds >= {"failure", "skipped"}
    suite = tree.find("testsuite")
    assert suite is not None
    for kind, name in (("failure", "failures"), ("skipped", "skipped"), ("error", "errors")):
        assert len(list(tree.iter(kind))) == int(suite.get(name, "-1"))
    suite.remove(suite[-1])
    assert not schema.validate(tree), "the shape refuses a suite without its last element"
