"""`--lang zh`: Chinese texts, everything else as in English."""

from __future__ import annotations

import json
import re
from pathlib import Path

from command_kit import cdiscx

FEW = (
    "--no-expectations",
    "--quiet",
    "--only",
    "TRM-001",
    "--only",
    "DAT-006",
    "--only",
    "STR-006",
    "--format",
    "json",
)
TEXTS = {"message", "fix", "expected"}


def test_a_run_in_chinese_has_the_findings_of_the_run_in_english(bad: dict[str, Path]) -> None:
    told = {}
    for lang in ("en", "zh"):
        done = cdiscx("validate", bad["palhep-a"], "--study", "palhep-a", *FEW, "--lang", lang)
        assert done.status == 1
        told[lang] = json.loads(done.out)
    assert told["zh"]["run"].pop("lang") == "zh"
    assert told["en"]["run"] == told["zh"]["run"]
    assert told["en"]["summary"] == told["zh"]["summary"]
    assert told["en"]["findings"]
    for english, chinese in zip(told["en"]["findings"], told["zh"]["findings"], strict=True):
        assert {k: v for k, v in english.items() if k not in TEXTS} == {
            k: v for k, v in chinese.items() if k not in TEXTS
        }
        assert re.search("[\u4e00-\u9fff]", chinese["message"])
        assert not re.search("[\u4e00-\u9fff]", english["fix"])


def test_a_language_that_is_not_there_is_wrong_usage(bad: dict[str, Path]) -> None:
    done = cdiscx("validate", bad["palhep-a"], "--study", "palhep-a", "--lang", "fr")
    assert done.status == 2
    assert "fr" in done.complaint


def test_a_check_is_explained_in_chinese_and_a_wrong_ledger_stops_the_page_before_it_opens(tmp_path: Path) -> None:
    done = cdiscx("explain", "EXP-004", "--study", "palhep-a", "--lang", "zh")
    assert done.status == 0
    assert re.search("[\u4e00-\u9fff]", done.out.splitlines()[0])
    done = cdiscx("serve", "--no-browser", "--ledger", tmp_path / "nowhere" / "queries.sqlite")
    assert done.status == 2
    assert done.complaint.startswith("cdiscx: the folder of the ledger")
