"""`cdiscx validate --ledger`, `cdiscx ledger` and `cdiscx diff` from outside, and the standing in every format."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from command_kit import cdiscx
from openpyxl import load_workbook

FAST = ("--study", "palhep-a", "--no-expectations", "--quiet")
THREE = ("--only", "TRM-001", "--only", "STR-009", "--only", "DAT-006")


@pytest.fixture(scope="module")
def ledger(bad: dict[str, Path], good: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three runs: three defects, the same in another file, and a run in which two checks were left out."""
    folder = tmp_path_factory.mktemp("ledger")
    again = load_workbook(bad["palhep-a"])
    again.save(folder / "again.xlsx")
    for words in ((bad["palhep-a"], *THREE), (folder / "again.xlsx", *THREE)):
        assert cdiscx("validate", *words, *FAST, "--ledger", folder / "q.db", "--who", "ana").status == 1
    done = cdiscx("validate", good["palhep-a"], *FAST, "--only", "DAT-006", "--ledger", folder / "q.db", "--who", "ben")
    assert done.status == 0, done.err
    return folder / "q.db"


def test_every_format_says_where_a_query_stands(bad: dict[str, Path], tmp_path: Path) -> None:
    call = ("validate", bad["palhep-a"], *FAST, *THREE, "--ledger", tmp_path / "q.db")
    report = json.loads(cdiscx(*call, "--format", "json", "--report", tmp_path / "report").out)
    assert {s["status"] for s in report["ledger"]["findings"].values()} == {"new"}
    assert report["ledger"]["counts"]["new"] == 3
    assert "ledger" not in report["findings"][0], "the keys of a finding stay those of the contract"
    lines = [json.loads(line) for line in cdiscx(*call, "--format", "jsonl").out.splitlines()]
    assert [line["ledger"]["status"] for line in lines] == ["new"] * 3
    text = cdiscx(*call).out
    assert "ledger: 3 new" in text
    assert text.count("      new\n") == 3
    failures = [f.text or "" for f in ET.fromstring(cdiscx(*call, "--format", "junit").out.encode()).iter("failure")]
    assert all(f.startswith("error, new, ") for f in failures)
    results = json.loads(cdiscx(*call, "--format", "sarif").out)["runs"][0]["results"]
    assert [(r["baselineState"], r["properties"]["ledger"]) for r in results] == [("new", "new")] * 3
    page = load_workbook(tmp_path / "report" / "queries.xlsx")["Queries"]
    heads = [c.value for c in page[1]]
    assert [row[heads.index("In the ledger")].value for row in page.iter_rows(min_row=2)] == ["new"] * 3
    assert heads[-1] == "Status"
    html = (tmp_path / "report" / "report.html").read_text(encoding="utf-8")
    assert html.count('"standing":"new"') == 3


def test_show_lists_what_is_open_and_what_was_resolved(ledger: Path) -> None:
    rows = json.loads(cdiscx("ledger", "show", ledger, "--format", "json").out)
    assert {(r["check_id"], r["status"]) for r in rows} == {
        ("TRM-001", "open"),
        ("STR-009", "open"),
        ("DAT-006", "resolved"),
    }
    text = cdiscx("ledger", "show", ledger, "--status", "open", "--study", "palhep-a").out
    assert text.endswith("2 queries\n")
    assert "again.xlsx!Demographics!" in text
    assert cdiscx("ledger", "show", ledger, "--study", "other").out == "0 queries\n"


def test_verify_ends_with_one_where_a_byte_was_changed(ledger: Path, tmp_path: Path) -> None:
    done = cdiscx("ledger", "verify", ledger)
    assert done.status == 0
    head = done.out.split()[-1]
    assert cdiscx("ledger", "verify", ledger, "--head", head).status == 0
    copy = tmp_path / "copy.db"
    copy.write_bytes(ledger.read_bytes().replace(b'"who":"ana"', b'"who":"ann"', 1))
    changed = cdiscx("ledger", "verify", copy)
    assert changed.status == 1
    assert changed.out.endswith("(run) was changed: its seal does not fit\n")
    assert cdiscx("ledger", "show", copy).status == 2
    assert "there is no ledger" in cdiscx("ledger", "verify", tmp_path / "nothing.db").complaint


def test_an_accepted_query_fails_no_run(bad: dict[str, Path], tmp_path: Path) -> None:
    call = ("validate", bad["palhep-a"], *FAST, "--only", "TRM-001", "--ledger", tmp_path / "q.db")
    assert cdiscx(*call).status == 1
    (row,) = json.loads(cdiscx("ledger", "show", tmp_path / "q.db", "--format", "json").out)
    done = cdiscx("ledger", "accept", tmp_path / "q.db", row["query"], "--reason", "asked the site", "--who", "ana")
    assert done.status == 0
    after = cdiscx(*call, "--format", "json")
    assert after.status == 0
    assert json.loads(after.out)["findings"][0]["accepted"].startswith("asked the site (ana, ")
    assert cdiscx("ledger", "withdraw", tmp_path / "q.db", row["query"], "--reason", "no").status == 0
    assert cdiscx(*call).status == 1


def test_a_ledger_that_was_changed_stops_the_run_before_any_report(bad: dict[str, Path], tmp_path: Path) -> None:
    call = ("validate", bad["palhep-a"], *FAST, "--only", "TRM-001", "--ledger", tmp_path / "q.db")
    cdiscx(*call)
    with sqlite3.connect(tmp_path / "q.db") as base:
        base.execute("DELETE FROM cdiscx_ledger WHERE seq = 2")
    base.close()
    done = cdiscx(*call, "--report", tmp_path / "report")
    assert "was changed, nothing is added" in done.complaint
    assert done.status == 2
    assert not (tmp_path / "report").exists()


def test_diff_compares_reports_and_uploads(bad: dict[str, Path], good: dict[str, Path], tmp_path: Path) -> None:
    for name, path in (("a", bad["palhep-a"]), ("b", good["palhep-a"])):
        cdiscx("validate", path, *FAST, *THREE, "--report", tmp_path / name)
    files = tmp_path / "a" / "report.json", tmp_path / "b" / "report.json"
    found = json.loads(cdiscx("diff", *files, "--format", "json").out)
    assert {name: len(pasts) for name, pasts in found.items()} == {"new": 0, "resolved": 3, "open": 0, "unjudged": 0}
    back = cdiscx("diff", files[1], files[0])
    assert back.status == 0
    assert back.out.startswith("new: 3\n  ")
    assert "name its study" in cdiscx("diff", files[0], good["palhep-a"]).complaint
    (tmp_path / "x.json").write_text("[]", encoding="utf-8")
    assert "is no report.json" in cdiscx("diff", files[0], tmp_path / "x.json").complaint


@pytest.mark.slow
def test_diff_reads_folders_of_workbooks_as_one_set(
    bad: dict[str, Path], good: dict[str, Path], tmp_path: Path
) -> None:
    for name, path in (("a", bad["palhep-a"]), ("b", good["palhep-a"])):
        (tmp_path / name).mkdir()
        (tmp_path / name / "site.xlsx").write_bytes(path.read_bytes())
    done = cdiscx("diff", tmp_path / "a", tmp_path / "b", "--study", "palhep-a", "--format", "json")
    resolved = {p["check_id"] for p in json.loads(done.out)["resolved"]}
    assert resolved >= {"TRM-001", "STR-009", "DAT-006"}
