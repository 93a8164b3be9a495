"""Outside referees: absent ones are skipped, broken ones are said to be broken, findings are read in both shapes of CORE."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import polars as pl
import pytest

from cdiscx.conform import as_dict, as_text, conformance, exit_status, referees
from cdiscx.conform.referees import CORE_COMMAND, Remark, Verdict, core, pointblank, read_core
from cdiscx.conform.rules import rules
from cdiscx.model.finding import Status
from cdiscx.registry import discover

SCRIPT = """
import json, sys
a = sys.argv
out = a[a.index("--json") + 1]
rows = [{"rule": "CORE-000001", "dataset": "AE", "n": 2, "message": a[1] + " " + " ".join(a[2:6]), "examples": [{"value": {"AESEQ": 1}}]}]
json.dump({"rows": rows if "bad" in a[1] else [], "ran": ["CORE-000001", "CORE-000002"]}, open(out, "w"))
"""


def _script(folder: Path, text: str = SCRIPT) -> str:
    path = folder / "referee.py"
    path.write_text(text)
    return f"{sys.executable} {path}"


def test_core_is_skipped_when_nobody_says_how_to_start_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv(CORE_COMMAND, raising=False)
    verdict = referees(tmp_path, {}, analysis=True)[0]
    assert (verdict.status, CORE_COMMAND in (verdict.reason or "")) == (Status.SKIPPED, True)


def test_core_is_skipped_when_its_program_is_not_there(tmp_path: Path) -> None:
    verdict = core(tmp_path, "no-such-program-here", analysis=False, define=None)
    assert (verdict.status, verdict.reason) == (Status.SKIPPED, "no-such-program-here is not installed")


def test_core_is_started_on_the_folder_and_its_findings_are_read(tmp_path: Path) -> None:
    folder = tmp_path / "bad sdtm"
    folder.mkdir()
    verdict = core(folder, _script(tmp_path), analysis=False, define=None)
    assert (verdict.status, verdict.rules) == (Status.FAILED, 2)
    assert verdict.remarks == (Remark("CORE-000001", "AE", 2, f"{folder} -s sdtmig -v 3-4", '{"AESEQ": 1}'),)


def test_core_from_the_environment_passes_when_it_finds_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(CORE_COMMAND, _script(tmp_path))
    folder = tmp_path / "adam"
    folder.mkdir()
    verdict = referees(folder, {}, analysis=True)[0]
    assert (verdict.status, verdict.rules, verdict.remarks) == (Status.PASSED, 2, ())


def test_core_that_breaks_is_errored_with_its_last_words(tmp_path: Path) -> None:
    verdict = core(tmp_path, _script(tmp_path, "raise SystemExit('no rules found')"), analysis=False, define=None)
    assert (verdict.status, verdict.reason) == (Status.ERRORED, "exit status 1: no rules found")


def test_placeholders_put_the_arguments_where_another_command_line_wants_them(tmp_path: Path) -> None:
    text = "import json, sys; json.dump({'Issue_Summary': [], 'Rules_Report': [{'status': 'SUCCESS'}]}, open(sys.argv[2] + '.json', 'w'))"
    verdict = core(tmp_path, _script(tmp_path, text) + " {folder} {out}", analysis=False, define=None)
    assert (verdict.status, verdict.rules) == (Status.PASSED, 1)


def test_the_engines_own_report_is_read() -> None:
    answer = {
        "Issue_Summary": [{"dataset": "ae.xpt", "core_id": "CORE-000002", "message": "a\n b", "issues": 3}],
        "Rules_Report": [{"status": "ISSUE REPORTED"}, {"status": "SKIPPED"}],
    }
    assert read_core(answer) == (1, (Remark("CORE-000002", "AE", 3, "a b"),))


def test_pointblank_has_nothing_to_say_about_adam() -> None:
    assert pointblank({}, analysis=True, define=None).status is Status.SKIPPED


def test_pointblank_runs_its_rules_or_says_that_it_is_not_there() -> None:
    subject = pl.DataFrame({"STUDYID": ["A"], "DOMAIN": ["DM"], "USUBJID": ["A-1"], "SEX": ["MALE"], "_id": [1]})
    verdict = pointblank({"DM": subject}, analysis=False, define=None)
    if verdict.status is Status.SKIPPED:
        assert "not installed" in (verdict.reason or "")
    else:
        assert verdict.rules > 100
        assert any(r.dataset == "DM" for r in verdict.remarks)


def test_the_text_groups_records_and_names_what_was_skipped() -> None:
    frame = pl.DataFrame({"STUDYID": ["A"] * 3, "USUBJID": ["A-1"] * 3, "AESTDTC": ["x", "y", "2024"]})
    report = conformance({"AE": frame})
    verdicts = (Verdict("CDISC CORE", Status.SKIPPED, "not set up"), Verdict("pointblank", Status.FAILED, None, 362, (Remark("R", "AE", 2, "wrong", "x"),)))  # fmt: skip
    text = as_text(report, verdicts, examples=1)
    assert "CNF-120 error: A date is no ISO 8601 text; AE.AESTDTC, 2 records" in text
    assert "record 1, A-1: AESTDTC x is no ISO 8601 date\n    and 1 more" in text
    assert "CNF-112 skipped: dataset DM is not there" in text
    assert "CDISC CORE: skipped: not set up" in text
    assert "R AE, 2 records: wrong\n    x" in text


def test_the_plain_values_can_be_written_as_json() -> None:
    report = conformance({"AE": pl.DataFrame({"USUBJID": ["A-1"]})})
    values = json.loads(json.dumps(as_dict(report, (Verdict("CDISC CORE", Status.SKIPPED, "not set up"),))))
    assert values["referees"] == [
        {"referee": "CDISC CORE", "status": "skipped", "reason": "not set up", "rules": 0, "remarks": []}
    ]
    assert {c["status"] for c in values["checks"]} == {"passed", "failed", "skipped"}


def test_the_exit_status_tells_findings_from_a_referee_that_broke() -> None:
    clean = conformance({"XX": pl.DataFrame({"STUDYID": ["A"]})})
    wrong = conformance({"AE": pl.DataFrame({"USUBJID": ["A-1"]})})
    empty = conformance({})
    assert exit_status(clean, ()) == 0
    assert exit_status(wrong, ()) == 1
    assert exit_status(clean, (Verdict("r", Status.FAILED),)) == 1
    assert exit_status(clean, (Verdict("r", Status.SKIPPED),)) == 0
    assert exit_status(clean, (Verdict("r", Status.ERRORED),)) == 3
    assert exit_status(empty, ()) == 3


def test_the_page_counts_the_rules_as_they_are() -> None:
    discover("cdiscx.conform")
    page = (Path(__file__).parents[2] / "docs" / "conformance.md").read_text(encoding="utf-8")
    known = rules().values()
    assert f"| {len(known)} rules `CNF-…`" in page
    assert f"own {sum(r.standard == 'ADaM' for r in known)} rules stand in" in page
