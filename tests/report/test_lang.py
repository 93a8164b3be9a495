"""Chinese reports: every title and main message has a Chinese text, and nothing but texts depends on the language."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from cdiscx import registry
from cdiscx.model.errors import UsageError
from cdiscx.model.finding import CheckRun, Finding, Phrase, Report, Severity, Status
from cdiscx.model.spec import Study
from cdiscx.model.spec_file import bundled
from cdiscx.model.standing import Past, Standing, Standings
from cdiscx.report import languages
from cdiscx.report.languages import filled, language, translated
from cdiscx.report.page import page_data, render_page
from cdiscx.report.terminal import render_text

ZH = language("zh")
SLOTS = re.compile(r"\{([A-Za-z_]\w*)\}")
CHINESE = re.compile("[\u4e00-\u9fff]")
PARTS = [part for check in registry.checks().values() for part in check.parts if check.id.partition("-")[0] != "EXP"]


def finding(message: str, told: Phrase | None = None, **more: object) -> Finding:
    facts = {"check_id": "MEA-014", "family": "MEA", "severity": Severity.ERROR, "message": message}
    return Finding(**{**facts, **more, "told": (told, None, None)})  # type: ignore[arg-type]


def report(*findings: Finding, **more: object) -> Report:
    run = {"study": "X", "cutoff": "2024-06-30", "day_of_run": "2024-07-01", "uploads": [], "version": "1"}
    return Report(run, (CheckRun("MEA-014", Status.FAILED, None, 3, len(findings)),), findings, **more)  # type: ignore[arg-type]


def test_every_title_of_the_catalogue_has_a_chinese_text() -> None:
    assert [c.title for c in registry.checks().values() if c.title not in ZH.texts] == []


@pytest.mark.parametrize("of", ["message", "why", "fix", "not_checked"])
def test_every_message_why_fix_and_omission_of_the_catalogue_has_a_chinese_text(of: str) -> None:
    texts = {getattr(part.wording, of): part.check_id for part in PARTS}
    missing = {check: text for text, check in texts.items() if text and text not in ZH.texts}
    assert missing == {}, f"cdiscx/report/lang/zh/checks.yaml has no text for these {of} templates"


def _wordings() -> dict[str, str]:
    """Templates that checks choose by `_say`, `_fix` or `_expected`: literals with slots that are not f-strings."""
    import ast

    found: dict[str, str] = {}
    for file in sorted(Path("cdiscx/checks").glob("*.py")):
        tree = ast.parse(file.read_text(encoding="utf-8"))
        inside = {id(v) for n in ast.walk(tree) if isinstance(n, ast.JoinedStr) for v in n.values}
        docs = {
            id(n.body[0].value)
            for n in ast.walk(tree)
            if isinstance(n, ast.FunctionDef | ast.Module) and n.body and isinstance(n.body[0], ast.Expr)
        }
        for node in ast.walk(tree):
            if not isinstance(node, ast.Constant) or not isinstance(node.value, str) or id(node) in inside | docs:
                continue
            if SLOTS.search(node.value) and re.search("[a-z]{2,} ", node.value) and len(node.value) > 12:
                found[node.value] = file.name
    return found


def test_nine_in_ten_of_the_other_wordings_have_a_chinese_text() -> None:
    wordings = _wordings()
    missing = {text: file for text, file in wordings.items() if text not in ZH.texts}
    assert len(wordings) > 60
    assert len(missing) <= len(wordings) // 10, missing


@pytest.mark.parametrize("file", sorted(p.name for p in Path("cdiscx/report/lang/zh").glob("*.yaml")))
def test_a_translation_has_the_slots_of_its_template(file: str) -> None:
    texts = YAML(typ="safe").load(Path("cdiscx/report/lang/zh") / file)
    wrong = {en: zh for en, zh in texts.items() if set(SLOTS.findall(en)) != set(SLOTS.findall(zh or ""))}
    assert wrong == {}


def test_every_label_of_the_page_has_a_chinese_text() -> None:
    folder = Path("cdiscx/report/templates")
    asked = re.findall(r'\bt\("([^"]+)"', (folder / "report.html.j2").read_text(encoding="utf-8"))
    asked += re.findall(r'\bT\("([^"]+)"', (folder / "report.js").read_text(encoding="utf-8"))
    assert len(asked) > 60
    assert [
        text
        for text in dict.fromkeys(asked)
        if text not in ZH.labels and not text.startswith(("Open findings by ", "(no ", "Cells that"))
    ] == []


def test_a_message_is_filled_from_its_template_and_typed_text_stays_as_typed() -> None:
    template = "{Sheet}: {_header} = {raw} is not a usable date.{detail}"
    values = (
        ("Sheet", "Labs"),
        ("_header", "Sample Date"),
        ("raw", "none"),
        ("detail", " It could be 2024-04-03 or 2024-03-04."),
    )
    said = ZH.text(filled(template, dict(values)), Phrase(template, values))
    assert said == "Labs：Sample Date = none 不是可用的日期。可能是 2024-04-03 或 2024-03-04。"


def test_a_composed_message_is_read_piece_by_piece() -> None:
    said = ZH.read(
        "WEEK 6: Target Response is PD, the lesions give PR (sum 40 mm, baseline 70, nadir 50 at SCREENING, new lesion N). "
        "Rule R11-T-PR-1. The Overall Response would be PR (R11-O-7), recorded is PD. This changes the best overall response."
    )
    assert said == (
        "WEEK 6：靶病灶疗效（Target Response）为 PD，由病灶推导为 PR（总和 40 mm，基线 70，最小值（nadir）50（SCREENING），新病灶 N）。"
        "规则 R11-T-PR-1。总体疗效应为 PR（R11-O-7），记录为 PD。这会改变最佳总体疗效。"
    )


def test_a_text_without_translation_is_shown_in_english_and_whole() -> None:
    text = "The moon is made to order; nobody knows, or so they say"
    assert ZH.read(text) == text


def test_a_short_template_does_not_fit_any_sentence_with_its_word_in_it() -> None:
    text = "somebody walked to the moon"
    assert ZH.read(text) == text
    assert ZH.read("2024-01-01 to 2024-01-08") == "2024-01-01 至 2024-01-08"


def test_ids_places_values_and_fingerprints_are_the_same_in_every_language() -> None:
    english = report(
        finding("S1 on 2024-01-01: no dose.", fingerprint="ab12", value="blank", sheet="Dosing", row=3, cell="C3")
    )
    chinese = translated(english, "zh")
    texts = {"message", "fix", "expected"}
    for before, after in zip(english.findings, chinese.findings, strict=True):
        assert before.to_dict().keys() == after.to_dict().keys()
        assert {k: v for k, v in before.to_dict().items() if k not in texts} == {
            k: v for k, v in after.to_dict().items() if k not in texts
        }
        assert CHINESE.search(after.message)
    assert english.summary() == chinese.summary()
    assert set(json.loads(chinese.to_json())) == set(json.loads(english.to_json()))
    assert "told" not in english.findings[0].to_dict()
    assert "told" not in english.to_polars().columns


def test_english_is_the_report_itself() -> None:
    english = report(finding("x"))
    assert translated(english, "en") is english
    assert "lang" not in english.run
    assert languages.of(english).label("Severity") == "Severity"


def test_an_unknown_language_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="no language 'fr'; there are en, zh"):
        language("fr")


def test_queries_of_the_ledger_are_told_in_chinese_though_the_ledger_is_english() -> None:
    past = Past("q1", "DOS-010", "error", "001", "a.xlsx!Dosing!C3", "Lenvatinib on 2024-01-01: no dose.", "2024-01-05")
    stands = Standings("1:abc", {"ab12": Standing("q2", "open", "2024-01-05", "2024-01-05", "2024-02-01")}, (past,))
    chinese = translated(report(finding("x", fingerprint="ab12"), ledger=stands), "zh")
    assert chinese.ledger is not None
    assert chinese.ledger.resolved[0].message == "2024-01-01 的 Lenvatinib：没有剂量。"
    assert "自 2024-01-05 起未关闭" in render_text(chinese)
    assert "已由本次上传解决" in render_text(chinese)


def test_the_page_and_the_text_speak_chinese() -> None:
    chinese = translated(report(finding("WEEK 6 recorded 2 times.", subject="001")), "zh")
    page = render_page(chinese)
    assert '<html lang="zh-Hans">' in page
    assert "数据截止日" in page
    assert "Data cut-off<" not in page
    data = page_data(chinese, {})
    assert data["findings"][0]["message"] == "WEEK 6 记录了 2 次。"
    assert data["checks"]["MEA-014"]["title"] == "研究中心疗效与推导疗效不一致"
    text = render_text(chinese)
    assert "MEA-014 错误  WEEK 6 记录了 2 次。" in text
    assert "受试者 001" in text


def test_lines_of_chinese_text_are_folded_at_the_width_of_the_terminal() -> None:
    long = "WEEK 6 recorded " + "9" * 3 + " times. " + "This changes the best overall response. " * 6
    text = render_text(translated(report(finding(long.strip())), "zh"), width=60)
    lines = text.splitlines()
    first = next(n for n, line in enumerate(lines) if line.startswith("MEA-014 错误"))
    told = lines[first : next(n for n, line in enumerate(lines) if "-->" in line)]
    wide = [sum(2 if ord(c) > 0x2E7F else 1 for c in line) for line in told]
    assert len(told) > 2
    assert max(wide) <= 62  # a mark may hang over the edge
    assert "".join(line.strip() for line in told).count("这会改变最佳总体疗效") == 6


def test_the_query_log_has_chinese_headings_and_the_same_numbers(tmp_path: Path) -> None:
    from openpyxl import load_workbook

    from cdiscx.report.queries import write_queries

    english = report(finding("WEEK 6 recorded 2 times.", subject="001", fingerprint="ab12cd34ef56ab78"))
    rows = {}
    for name in ("en", "zh"):
        write_queries(translated(english, name), tmp_path / f"{name}.xlsx")
        sheet = load_workbook(tmp_path / f"{name}.xlsx").worksheets[0]
        rows[name] = [[c.value for c in row] for row in sheet.iter_rows(max_row=2)]
    assert rows["zh"][0][:5] == ["质疑编号", "严重程度", "核查", "中心", "受试者"]
    assert all(CHINESE.search(str(head)) for head in rows["zh"][0])
    assert rows["zh"][1][0] == rows["en"][1][0]
    assert rows["zh"][1][11] == "WEEK 6 记录了 2 次。"


@pytest.mark.parametrize("name", sorted(bundled()))
def test_every_text_of_a_bundled_study_has_its_chinese_in_the_study_file(name: str) -> None:
    study = Study.load(name)
    assert len(study.expectations) > 10
    assert [text for text in study.texts() if text not in study.translations.get("zh", {})] == []


def test_an_expectation_is_told_in_the_study_files_chinese_with_its_site() -> None:
    study = Study.load("palhep-a")
    item = next(e for e in study.expectations if e.group_by == "SITEID")
    said = filled(item.template, {"group": "01"})
    english = report(finding(said, Phrase(item.template, (("group", "01"),)), fix=item.fix))
    chinese = translated(english, "zh", study).findings[0]
    assert chinese.message == study.translations["zh"][item.message] + "（中心 01）"
    assert chinese.fix == study.translations["zh"][item.fix]
    assert translated(english, "zh").findings[0].message == said  # without the study nothing is guessed
    stored = translated(report(finding(said)), "zh", study).findings[0]  # as the ledger keeps it: without template
    assert stored.message == chinese.message


def test_no_text_of_a_language_stands_twice() -> None:
    folder = Path("cdiscx/report/lang/zh")
    for files in (("phrases", "sayings", "checks", "derivations", "results"), ("labels", "serve", "endpoints")):
        keys = [key for name in files for key in YAML(typ="safe").load(folder / f"{name}.yaml")]
        assert len(keys) == len(set(keys))


def test_every_reason_of_the_change_log_has_its_chinese() -> None:
    said = set()
    for file in Path("cdiscx/tidy").glob("*.py"):
        text = file.read_text(encoding="utf-8")
        found = re.findall(
            r'"((?:[a-z-]+ )*[a-z-]+)"',
            "\n".join(line for line in text.splitlines() if "why" in line or "Meaning(" in line or "pl.lit(" in line),
        )
        said |= {word for word in found if " " in word}
    assert {"missing word", "date written as text", "spelling of the term", "visit name as in the schedule"} <= said
    assert [word for word in sorted(said) if word not in ZH.texts] == []


def test_the_change_log_and_the_page_tell_why_in_chinese(tmp_path: Path) -> None:
    import polars as pl

    from cdiscx.report.changes import write_changes

    row = {"file": "a.xlsx", "sheet": "Labs", "row": 3, "letter": "C", "column": "Test", "before": "ndx", "after": None}
    english = report(
        finding("x"), changes=pl.DataFrame([row | {"why": "missing word"}, row | {"why": "blank means N (2 rows)"}])
    )
    chinese = translated(english, "zh")
    write_changes(chinese.changes, tmp_path / "changes.csv")
    assert [line.rpartition(",")[2] for line in (tmp_path / "changes.csv").read_text("utf-8-sig").splitlines()] == [
        "why", "表示缺失的词", "空白表示 N（2 行）",
    ]  # fmt: skip
    assert page_data(chinese, {})["changes"][0][-1] == "表示缺失的词"
    assert page_data(chinese, {})["change_columns"][-1] == "原因"


def test_an_annotated_copy_speaks_chinese_and_keeps_every_cell(tmp_path: Path) -> None:
    from openpyxl import Workbook, load_workbook

    from cdiscx.read import read_upload
    from cdiscx.report.annotate import annotate

    book = Workbook()
    book.active.title = "Visits"
    book.active.append(["Subject ID", "Visit Date"])
    book.active.append(["001", "soon"])
    book.save(tmp_path / "site.xlsx")
    found = finding(
        "WEEK 6 recorded 2 times.",
        sheet="Visits",
        row=2,
        cell="B2",
        value="soon",
        fix=PARTS[0].wording.fix,
        fingerprint="ab12",
    )
    (tmp_path / "out").mkdir()
    copy = annotate(
        read_upload(tmp_path / "site.xlsx"),
        translated(report(found), "zh").findings,
        tmp_path / "out",
        "2024-07-01",
        {},
        ZH,
    )
    made = load_workbook(tmp_path / "out" / copy.name)
    assert made["Visits"]["B2"].value == "soon"
    assert made["Visits"]["B2"].comment.text.startswith("错误 MEA-014：WEEK 6 记录了 2 次。")
    front = made[copy.front]
    told = [cell.value for row in front.iter_rows() for cell in row if isinstance(cell.value, str)]
    assert told[0] == "cdiscx：site.xlsx 中的发现"
    assert told[1] == "本文件有 1 项未关闭的发现：1 个错误，0 个警告，0 个提示。"
    same = {"site.xlsx", "MEA-014", "Visits", "B2", "soon", "ab12"}
    assert [text for text in told if text not in same and not CHINESE.search(text)] == []


@pytest.mark.parametrize("check_id", ["DOS-001", "MEA-014", "EXP-004"])
def test_a_check_and_an_expectation_are_explained_in_chinese(check_id: str) -> None:
    from cdiscx.catalogue import explanation

    english, chinese = (explanation(check_id, "palhep-a", lang) for lang in ("en", "zh"))
    assert len(english.splitlines()) == len(chinese.splitlines())
    for line in chinese.splitlines():
        kept = line.split()[:1] in (["规则"], ["读取"])  # a citation, and names of tables and columns
        assert not line or kept or CHINESE.search(line) or line.startswith("  参数"), line
    assert "{sentence}" not in english


def test_an_expectation_is_explained_only_with_its_study() -> None:
    from cdiscx.catalogue import explanation

    with pytest.raises(UsageError, match="name the study file it stands in with --study"):
        explanation("EXP-004")
    with pytest.raises(UsageError, match="has no expectation of that id"):
        explanation("EXP-999", "palhep-a")


def test_a_report_folder_has_the_title_of_the_study_in_its_language(tmp_path: Path) -> None:
    from cdiscx.report.folder import write_folder

    study = Study.load("palhep-a")
    for lang, title in (("en", study.title), ("zh", study.translations["zh"][study.title])):
        write_folder(translated(report(finding("x")), lang, study), (), tmp_path / lang, study)
        assert f"<small>{title}</small>" in (tmp_path / lang / "report.html").read_text("utf-8")
