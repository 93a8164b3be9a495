"""What a run prints and writes: the machine formats, the keys of a finding, the report folder, names of uploads."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from command_kit import ROOT, cdiscx, shell, with_defects
from openpyxl import load_workbook

from cdiscx.samples import write_csv_folder, write_csv_zip

FAST = ("--no-expectations", "--quiet")
FOUR = ("--only", "TRM-001", "--only", "STR-009", "--only", "DAT-006", "--only", "STR-006")
KEYS = [
    "check_id", "family", "severity", "message", "study", "site", "subject", "visit", "file", "sheet", "row", "column", "cell",
    "value", "expected", "related", "fingerprint",
]  # fmt: skip
FAMILIES = {"STR": 9, "DAT": 7, "TRM": 4, "VIS": 11, "DOS": 17, "MEA": 29, "END": 18, "SUR": 5, "SAF": 10}
IDS = {f"{family}-{n:03d}" for family, count in FAMILIES.items() for n in range(1, count + 1)}


def test_json_has_the_four_parts_and_one_entry_for_each_of_the_110_checks(bad: dict[str, Path]) -> None:
    assert len(IDS) == 110
    done = cdiscx("validate", bad["palhep-a"], "--study", "PALHEP-A", *FAST, "--format", "json")
    assert done.status == 1
    report = json.loads(done.out)
    assert list(report)[:4] == ["run", "summary", "checks", "findings"]
    ids = [c["check_id"] for c in report["checks"]]
    assert set(ids) >= IDS
    assert len(ids) == len(set(ids))
    found = {f["check_id"] for f in report["findings"]}
    for check in report["checks"]:
        assert list(check)[:5] == ["check_id", "status", "reason", "rows", "findings"]
        assert check["status"] in {"passed", "failed", "skipped", "errored"}
        assert check["findings"] == sum(f["check_id"] == check["check_id"] for f in report["findings"])
        assert (check["status"] == "failed") == (check["check_id"] in found)
        if check["status"] == "skipped":
            assert check["reason"], check
        if check["status"] == "passed":
            assert check["rows"] > 0, check
    assert {"TRM-001", "STR-009", "DAT-006", "VIS-003"} <= found, "VIS-003 speaks before STR-006"


@pytest.mark.parametrize("study", ["palhep-a", "neopvtt-b"])
def test_every_finding_has_the_keys_of_the_contract_with_their_types(study: str, bad: dict[str, Path]) -> None:
    done = cdiscx("validate", bad[study], "--study", study, *FAST, "--format", "jsonl")
    findings = [json.loads(line) for line in done.out.splitlines()]
    assert findings
    for finding in findings:
        assert list(finding)[: len(KEYS)] == KEYS
        assert finding["severity"] in {"error", "warning", "note"}
        assert finding["check_id"].startswith(finding["family"] + "-")
        assert finding["row"] is None or isinstance(finding["row"], int)
        for key in ("site", "subject", "visit", "value", "cell", "column", "expected"):
            assert finding[key] is None or isinstance(finding[key], str), key
        assert finding["file"] == f"bad-{study}.xlsx"
        for related in finding["related"]:
            assert set(related) == {"file", "sheet", "row", "cell", "column", "value"}
    assert len({f["fingerprint"] for f in findings}) == len(findings)
    for finding in findings:
        assert finding["message"][0].strip()
        assert "{" not in finding["message"]
        assert "None" not in finding["message"].replace(": None", "")


def test_findings_of_a_planted_cell_point_to_that_cell(bad: dict[str, Path]) -> None:
    done = cdiscx("validate", bad["palhep-a"], "--study", "palhep-a", *FAST, *FOUR, "--format", "jsonl")
    by_id = {f["check_id"]: f for f in map(json.loads, done.out.splitlines())}
    book = load_workbook(bad["palhep-a"])
    sex = by_id["TRM-001"]
    assert book[sex["sheet"]][sex["cell"]].value == "unclear" == sex["value"]
    assert (sex["column"], sex["row"], sex["sheet"]) == ("Sex", 2, "Demographics")
    weight = by_id["STR-009"]
    assert book[weight["sheet"]][weight["cell"]].value == 700
    assert weight["value"] == "700"
    end = by_id["DAT-006"]
    assert end["sheet"] == "Adverse Events"
    assert end["column"] == "End Date"
    assert book[end["sheet"]][end["cell"]].value.date().isoformat() == end["value"]
    start = end["related"][0]
    assert book[start["sheet"]][start["cell"]].value.date().isoformat() == start["value"] > end["value"]
    repeat = by_id["STR-006"]
    assert repeat["row"] == book["Visits"].max_row
    assert repeat["related"][0]["row"] == book["Visits"].max_row - 1


def test_machine_formats_hold_nothing_but_the_format(bad: dict[str, Path]) -> None:
    call = ("validate", bad["palhep-a"], "--study", "palhep-a", "--no-expectations", *FOUR)
    runs = {form: cdiscx(*call, "--format", form) for form in ("json", "jsonl", "junit", "sarif")}
    for form, done in runs.items():
        assert done.status == 1, form
        assert "cut-off" in done.err, form
        assert done.out.endswith("\n")
    assert len(json.loads(runs["json"].out)["findings"]) == len(runs["jsonl"].out.splitlines()) == 4
    suite = ET.fromstring(runs["junit"].out.encode()).find("testsuite")
    assert suite is not None
    assert suite.get("failures") == "4"
    assert len(json.loads(runs["sarif"].out)["runs"][0]["results"]) == 4


def test_quiet_leaves_standard_error_empty(good: dict[str, Path]) -> None:
    done = cdiscx("validate", good["palhep-a"], "--study", "palhep-a", *FAST, "--only", "DAT-006", "--format", "jsonl")
    assert (done.status, done.out, done.err) == (0, "", "")


def test_checks_left_out_are_listed_as_skipped(good: dict[str, Path]) -> None:
    done = cdiscx(
        "validate",
        good["palhep-a"],
        "--study",
        "palhep-a",
        *FAST,
        "--only",
        "dat-*",
        "--skip",
        "DAT-005",
        "--format",
        "json",
    )
    by_id = {c["check_id"]: c for c in json.loads(done.out)["checks"]}
    assert set(by_id) >= IDS
    assert by_id["DAT-005"]["status"] == by_id["STR-001"]["status"] == "skipped"
    assert "--only" in by_id["STR-001"]["reason"]
    assert "--skip" in by_id["DAT-005"]["reason"]
    assert by_id["DAT-006"]["status"] == "passed"


def test_a_stated_cutoff_is_the_one_of_the_run(good: dict[str, Path]) -> None:
    call = ("validate", good["palhep-a"], "--study", "palhep-a", *FAST, "--only", "DAT-006", "--format", "json")
    stated = json.loads(cdiscx(*call, "--cutoff", "2025-03-31").out)["run"]
    found = json.loads(cdiscx(*call).out)["run"]
    assert (stated["cutoff"], stated["cutoff_stated"]) == ("2025-03-31", True)
    assert found["cutoff_stated"] is False
    assert "2025-04-01" < found["cutoff"] <= "2025-06-30"


def test_the_report_folder_holds_page_queries_copies_and_json(tmp_path: Path, bad: dict[str, Path]) -> None:
    report = tmp_path / "out" / "report"
    call = ("validate", bad["palhep-a"], "--study", "palhep-a", *FAST, *FOUR, "--report", report, "--format", "json")
    done = cdiscx(*call)
    assert done.status == 1
    assert {p.name for p in report.iterdir()} >= {"report.html", "queries.xlsx", "report.json", "annotated"}
    assert (report / "report.json").read_text(encoding="utf-8") == done.out
    assert "unclear" in (report / "report.html").read_text(encoding="utf-8")
    copy = load_workbook(report / "annotated" / "bad-palhep-a.xlsx")
    original = load_workbook(bad["palhep-a"])
    assert set(original.sheetnames) <= set(copy.sheetnames)
    queries = load_workbook(report / "queries.xlsx")
    assert any("unclear" in str(cell.value) for row in queries.worksheets[0].iter_rows() for cell in row)
    assert cdiscx(*call).status == 1, "a report may be written over an untouched one"
    (report / "report.html").write_text("mine now", encoding="utf-8")
    again = cdiscx(*call)
    assert again.status == 2
    assert "report.html" in again.err
    assert not again.out


def test_a_report_never_replaces_a_folder_of_other_files(tmp_path: Path, bad: dict[str, Path]) -> None:
    (tmp_path / "thesis.docx").write_text("years of work", encoding="utf-8")
    done = cdiscx("validate", bad["palhep-a"], "--study", "palhep-a", *FAST, *FOUR, "--report", tmp_path)
    assert done.status == 2
    assert "other files" in done.err
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.docx"]


def ids_and_fingerprints(text: str) -> list[tuple[str, str]]:
    return sorted((f["check_id"], f["fingerprint"]) for f in map(json.loads, text.splitlines()))


def test_names_folders_archives_and_tables_of_commas_read_alike(tmp_path: Path, bad: dict[str, Path]) -> None:
    upload = with_defects("palhep-a")
    named = tmp_path / "中心 01" / "site 一.xlsx"
    named.parent.mkdir()
    shutil.copy(bad["palhep-a"], named)
    write_csv_folder(upload, tmp_path / "csv folder")
    write_csv_zip(upload, tmp_path / "csv.zip")
    found = {}
    for path in (named, tmp_path / "csv folder", tmp_path / "csv.zip"):
        done = cdiscx("validate", path, "--study", "PalHep-A", *FAST, *FOUR, "--format", "jsonl")
        assert done.status == 1, done.err
        found[path.name] = ids_and_fingerprints(done.out)
        assert {json.loads(line)["file"] for line in done.out.splitlines()} == {path.name}
    assert len(found["site 一.xlsx"]) == 4
    assert found["site 一.xlsx"] == found["csv folder"] == found["csv.zip"]


def test_one_table_of_commas_alone_is_read_and_the_other_sheets_are_reported_once_each(tmp_path: Path) -> None:
    write_csv_folder(with_defects("palhep-a"), tmp_path)
    done = cdiscx("validate", tmp_path / "Demographics.csv", "--study", "palhep-a", *FAST, "--format", "jsonl")
    assert done.status == 1
    found = [json.loads(line) for line in done.out.splitlines()]
    missing = [f["sheet"] for f in found if f["check_id"] == "STR-001"]
    assert len(missing) == len(set(missing)) == 10
    above = [f for f in found if f["severity"] != "note" and f["check_id"] != "STR-001"]
    assert {f["check_id"] for f in above} == {"TRM-001", "STR-009"}, [f["message"] for f in above]


def test_a_path_is_taken_from_the_folder_one_stands_in(tmp_path: Path, bad: dict[str, Path]) -> None:
    shutil.copy(bad["palhep-a"], tmp_path / "here.xlsx")
    done = shell(
        "validate",
        "here.xlsx",
        "--study",
        "palhep-a",
        *FAST,
        *FOUR,
        "--format",
        "jsonl",
        "--report",
        "out",
        cwd=tmp_path,
    )
    assert done.status == 1
    assert {json.loads(line)["file"] for line in done.out.splitlines()} == {"here.xlsx"}
    assert (tmp_path / "out" / "report.html").is_file()


def test_locale_time_zone_and_hash_seed_change_no_byte(tmp_path: Path, bad: dict[str, Path]) -> None:
    path = tmp_path / "中心.xlsx"
    shutil.copy(bad["neopvtt-b"], path)
    call = ("validate", path, "--study", "neopvtt-b", *FAST, "--format", "json", "--cutoff", "2025-06-30")
    plain = {
        "LC_ALL": "C",
        "LANG": "C",
        "PYTHONUTF8": "0",
        "PYTHONCOERCECLOCALE": "0",
        "TZ": "Pacific/Kiritimati",
        "PYTHONHASHSEED": "1",
    }
    other = {"LC_ALL": "C.UTF-8", "TZ": "America/Los_Angeles", "PYTHONHASHSEED": "2"}
    reports = []
    for env in (plain, other):
        done = shell(*call, env=env)
        assert done.status == 1, done.err
        report = json.loads(done.out)
        report["run"].pop("day_of_run")
        reports.append(json.dumps(report, ensure_ascii=False))
    assert reports[0] == reports[1]


def test_a_text_report_survives_a_plain_locale(tmp_path: Path, bad: dict[str, Path]) -> None:
    path = tmp_path / "中心.xlsx"
    shutil.copy(bad["palhep-a"], path)
    env = {"LC_ALL": "C", "LANG": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    done = shell("validate", path, "--study", "palhep-a", "--no-expectations", *FOUR, env=env)
    assert done.status == 1, done.err
    assert "Traceback" not in done.err
    assert "TRM-001" in done.out


def test_a_closed_standard_input_does_not_matter(bad: dict[str, Path]) -> None:
    words = f'"{sys.executable}" -m cdiscx.cli validate "{bad["palhep-a"]}" --study palhep-a --no-expectations --quiet --only TRM-001 <&-'
    done = subprocess.run(
        ["sh", "-c", words], capture_output=True, env={**os.environ, "PYTHONPATH": str(ROOT)}, check=False
    )
    assert done.returncode == 1
    assert not done.stderr


def test_a_reader_that_goes_away_is_no_drama(bad: dict[str, Path]) -> None:
    words = [
        sys.executable,
        "-m",
        "cdiscx.cli",
        "validate",
        str(bad["palhep-a"]),
        "--study",
        "palhep-a",
        *FAST,
        "--format",
        "json",
    ]
    with subprocess.Popen(
        words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={**os.environ, "PYTHONPATH": str(ROOT)}
    ) as run:
        assert run.stdout is not None
        assert run.stderr is not None
        run.stdout.read(1)
        run.stdout.close()
        said = run.stderr.read().decode()
    assert not said


def test_list_and_explain_know_every_check() -> None:
    for what in ("checks", "studies", "algorithms", "datasets", "formats"):
        done = cdiscx("list", what)
        assert done.status == 0, what
        rows = json.loads(cdiscx("list", what, "--format", "json").out)
        assert all(isinstance(row, dict) for row in rows)
        if what == "checks":
            assert {row["id"] for row in rows} >= IDS
            assert all(row["title"] and row["severity"] in {"error", "warning", "note"} for row in rows)
        if what == "studies":
            assert {row["id"] for row in rows} == {"palhep-a", "neopvtt-b"}
    for study, off in (("palhep-a", "DOS-011"), ("NEOPVTT-B", "VIS-006")):
        rows = json.loads(cdiscx("list", "checks", "--study", study, "--format", "json").out)
        assert {row["id"] for row in rows if row["in_study"] == "no"} >= {off}
    for check in sorted(IDS):
        done = cdiscx("explain", check)
        assert done.status == 0, check
        assert check in done.out
    with_numbers = cdiscx("explain", "vis-010", "--study", "palhep-a").out
    assert "VIS-010" in with_numbers
    assert "parameter" in with_numbers


@pytest.mark.slow
def test_the_demo_writes_clean_uploads_that_are_clean(tmp_path: Path) -> None:
    done = cdiscx("demo", "--out", tmp_path / "demo", "--quiet")
    assert done.status == 0, done.err
    for study in ("palhep-a", "neopvtt-b"):
        report = json.loads(
            (tmp_path / "demo" / study / "export" / "report" / "report.json").read_text(encoding="utf-8")
        )
        above = [f["message"] for f in report["findings"] if f["severity"] != "note"]
        assert not above
        assert report["summary"]["checks"]["errored"] == 0
        assert study in done.out
