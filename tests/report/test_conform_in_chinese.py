"""What `cdiscx conform` says, in Chinese: every title, message and reason of a rule of finished datasets."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import polars as pl
import pytest

import cdiscx.conform
from cdiscx.conform import as_text, conformance
from cdiscx.conform.rules import rules
from cdiscx.conform.summary import english
from cdiscx.registry import discover
from cdiscx.report.languages import of_datasets, told_in

ZH = of_datasets("zh")
CHINESE = re.compile("[\u4e00-\u9fff]")
FILES = sorted(Path(cdiscx.conform.__file__).parent.glob("*.py"))


def messages(file: Path) -> list[str]:
    """The sentences of a module with something in each of their slots."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    docs = {id(n.value) for n in ast.walk(tree) if isinstance(n, ast.Expr)}
    parts = {id(v) for n in ast.walk(tree) if isinstance(n, ast.JoinedStr) for v in ast.walk(n) if v is not n}
    said = []
    for node in ast.walk(tree):
        if id(node) in docs | parts:
            continue
        if isinstance(node, ast.JoinedStr):
            text = "".join(v.value if isinstance(v, ast.Constant) else "AVAL" for v in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            text = node.value
        else:
            continue
        filled = re.sub(r"\{[A-Za-z_]\w*\}", "V1", text)
        if re.search(r"[a-z]{2,} [a-zA-Z]", filled) and not re.search(r"\\d|--define|--json|^\W", filled):
            said.append(filled.strip())
    return said


def test_every_title_of_a_rule_has_a_chinese_text() -> None:
    discover("cdiscx.conform")
    assert len(rules()) > 70
    assert [r.title for r in rules().values() if r.title not in ZH.texts] == []


@pytest.mark.parametrize("file", FILES, ids=lambda f: f.stem)
def test_every_message_of_a_rule_is_told_in_chinese(file: Path) -> None:
    pieces = ("same", "as an earlier record")  # of one sentence, which is told below
    missing = [m for m in messages(file) if m not in pieces and not (ZH._read(m, 0)[1] and CHINESE.search(ZH.read(m)))]
    assert missing == []
    assert CHINESE.search(ZH.read("same USUBJID 001, PARAMCD OS as an earlier record"))


def test_the_text_of_a_run_is_chinese_and_names_values_and_counts_stay() -> None:
    frame = pl.DataFrame({"STUDYID": ["X", "X"], "DOMAIN": ["DM", "DM"], "USUBJID": ["1", "1"], "SEX": ["M", None]})
    report = conformance({"DM": frame})
    assert report.findings
    told = told_in(report, ZH)
    text = as_text(told, (), say=ZH.label)
    assert text.startswith("SDTM：1 个数据集，2 条记录\n")
    assert "1 在 DM 中另有记录" in text
    assert not re.search(r"[a-z]{3,} [a-z]{3,}", text), text
    assert [(f.check_id, f.row, f.fingerprint) for f in told] == [(f.check_id, f.row, f.fingerprint) for f in report]
    assert as_text(report, ()) == as_text(report, (), say=english)
    assert "1 has another record in DM" in as_text(report, ())
