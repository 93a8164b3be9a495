"""The local page in Chinese: no word is left in English; and with a ledger: what became of every query is told."""

from __future__ import annotations

import ast
import inspect
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from cdiscx import history
from cdiscx.model.errors import UsageError
from cdiscx.report.languages import language, of_uploads
from cdiscx.serve import app, curves, guard, pages, telling
from cdiscx.serve.door import choices_of, ready_ledger
from cdiscx.serve.settings import Settings

from .conftest import PORT, Page, _page, small_workbook

ZH = language("zh")
TEMPLATES = sorted((Path(pages.__file__).parent / "templates").glob("*.j2"))
CHINESE, WORD = re.compile("[\u4e00-\u9fff]"), re.compile("[A-Za-z]{3,}")
#: names that are the same in every language
SAME = re.compile(
    r"cdiscx|XPT|Parquet|CSV|Dataset-JSON|queries\.xlsx|report\.(json|html|zip)|changes\.csv|datasets\.zip|UTC"
)


@pytest.mark.parametrize("file", TEMPLATES, ids=lambda f: f.name)
def test_every_word_of_a_page_goes_through_the_catalogue_and_is_in_it(file: Path):
    text = file.read_text(encoding="utf-8")
    asked = re.findall(r'\bt\("((?:[^"\\]|\\.)+)"', text)
    asked += re.findall(r'\bt\("[^"]+" if [^"]+? else "([^"]+)"', text)
    asked += [f"{{n}} {word}{end}" for word in re.findall(r'\bmany\([^"]+, "([^"]+)"\)', text) for end in ("", "s")]
    assert [text for text in asked if text not in ZH.labels] == []
    bare = re.sub(r"\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}", " ", text, flags=re.S)
    told = [*re.findall(r'(?:aria-label|placeholder|title)="([^"]*)"', bare), re.sub(r"<[^>]*>", " ", bare)]
    assert [WORD.findall(SAME.sub("", part)) for part in told if WORD.search(SAME.sub("", part))] == []


def test_what_scripts_states_and_plots_say_is_in_the_catalogue():
    script = (Path(pages.__file__).parent / "templates" / "serve.js").read_text(encoding="utf-8")
    asked = set(re.findall(r'\bT\("([^"]+)"', script)) | {"{n} subject", "{n} subjects"}
    assert asked == set(pages.SCRIPT_WORDS)
    asked |= {word for pair in pages.STATES.values() for word in pair}
    asked |= set(re.findall(r'(?:tongue\.label|say)\("([^"]+)"', inspect.getsource(curves)))
    assert len(asked) > 20
    assert [text for text in asked if text not in ZH.labels] == []


@pytest.mark.parametrize("module", [app, guard, pages], ids=lambda m: m.__name__)
def test_every_sentence_for_the_person_has_its_chinese(module: object):
    """Sentences of the code: a capital, several words, a full stop at the end; slots stand for anything."""
    tree = ast.parse(inspect.getsource(module))  # type: ignore[arg-type]
    docs = {id(n.value) for n in ast.walk(tree) if isinstance(n, ast.Expr)}
    parts = {id(v) for n in ast.walk(tree) if isinstance(n, ast.JoinedStr) for v in n.values}
    said = []
    for node in ast.walk(tree):
        if id(node) in docs | parts:
            continue
        if isinstance(node, ast.JoinedStr):
            text = "".join(v.value if isinstance(v, ast.Constant) else "7" for v in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            text = node.value
        else:
            continue
        if re.fullmatch(r"[A-Z][a-z]+ .+[.)]", text) and text not in ZH.labels:
            said.append(text)
    assert [text for text in said if not ZH._read(text, 0)[1]] == []


POINT = {
    "TP": 2, "HAS_TARGET": True, "MISSING": [], "SUM": 80.0, "PSUM": 80.0, "BASE": 100.0, "CHG": -20.0, "PCHG": -20.0,
    "NADIR": 65.0, "NADIR_VISIT": "WEEK 6", "NADIR_DAT": None, "CHGNAD": 15.0, "PCHGNAD": 23.1, "DTRGRESP": "PD",
    "DTRGRULE": "R11-T-PD-1", "HAS_NONTARGET": True, "NT_EXPECTED": 2, "NT_PRESENT": 2, "NT_PROGRESSED": [],
    "NT_MISSING": [], "DNTRGRESP": "NON-CR/NON-PD", "DNTRGRULE": "R11-N-NN-1", "DNEWL": "N", "NEWRULE": None,
    "NEW_LESIONS": [], "NEW_SAID": False, "DOVRLRESP": "PD", "DOVRLRULE": "R11-O-7", "DOUBTFUL": [], "NT_DOUBTFUL": [],
    "BASE_DOUBT": False, "PRIOR_DOUBT": False, "ORDER_DOUBT": False,
}  # fmt: skip
COMPOSITE = {
    "BASECLS": "II",
    "PVTTCLS": "I",
    "PVTTRESP": "PR",
    "DPVTTRESP": "PR",
    "PVTTRULE": "P-PR-1",
    "PRIMRSP": "SD",
}
COMPOSITE |= {"PRIMRULE": "R11-O-5", "DCOMPRESP": "PR", "COMPRESP": "SD", "CELL": "SD-PR"}


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"HAS_TARGET": False, "HAS_NONTARGET": False},
        {"MISSING": ["T2"], "SUM": None},
        {"BASE": None, "NADIR": None, "CHG": None},
        {"NT_PROGRESSED": ["NT1"], "NT_MISSING": ["NT2"]},
        {"NT_MISSING": ["NT2"], "DNTRGRESP": None},
        {"DNEWL": "Y", "NEW_LESIONS": ["N1", "N2"], "NEWRULE": "R11-NEW-1"},
        {"DNEWL": "Y", "NEW_SAID": True},
        {"NEWRULE": "HCC-NEW-2"},
        {"DOUBTFUL": ["T1"], "BASE_DOUBT": True, "PRIOR_DOUBT": True, "ORDER_DOUBT": True},
        COMPOSITE,
        COMPOSITE | {"BASECLS": None, "DPVTTRESP": None, "PVTTRULE": None, "PRIMRULE": None, "CELL": None},
    ],
)
def test_every_sentence_of_a_derivation_is_told_in_chinese(change: dict[str, object]):
    from cdiscx.model.spec import Study
    from cdiscx.views.timepoints import criterion_of

    sizes = [("T1", 45.0), ("T2", None if change.get("MISSING") else 35.0)]
    for study in ("palhep-a", "neopvtt-b"):
        criterion = criterion_of(Study.load(study))
        said = telling.derivation(POINT | change, sizes, criterion, "Sum of diameters")
        assert len(said) > 2
        for sentence in said:
            told, understood = ZH._read(sentence, 0)
            assert understood, (sentence, told)
            assert CHINESE.search(told)
            left = re.sub(r"\b(WEEK 6|nadir|mm|[A-Z0-9][A-Z0-9/-]*)\b", "", told)
            assert not WORD.search(left), (sentence, told)


@pytest.fixture(scope="module")
def chinese(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Page, Path]]:
    """A Chinese page with a ledger, signed in."""
    ledger = tmp_path_factory.mktemp("kept") / "queries.sqlite"
    settings = Settings(choices_of((), "zh"), port=PORT, lang="zh", ledger=str(ledger), who="mei")
    for page in _page(tmp_path_factory.mktemp("root"), settings):
        page.sign_in()
        yield page, ledger


def test_a_ledger_tells_what_is_new_open_accepted_and_resolved(chinese: tuple[Page, Path]):
    page, ledger = chinese
    first = page.send(("site.xlsx", small_workbook()))
    assert page.finished(first) == "done", page.desk.runs[first.rpartition("/")[2]].jobs["check"].why
    told = page.desk.runs[first.rpartition("/")[2]].jobs["check"].facts["queries"]["counts"]
    assert told["new"] > 5
    assert told["open"] == told["resolved"] == told["accepted"] == 0
    rows = history.queries(ledger)
    history.accept(ledger, next(r["query"] for r in rows if r["severity"] == "error"), "by protocol", "mei")
    ledger_says = {row["first_seen"] for row in rows}
    assert len(ledger_says) == 1
    second = page.send(("site.xlsx", small_workbook()))
    assert page.finished(second) == "done"
    run = page.desk.runs[second.rpartition("/")[2]].jobs["check"].facts
    assert run["queries"]["counts"]["open"] == told["new"] - 1
    assert run["queries"]["counts"]["accepted"] == 1
    text = page.client.get(second).text
    for said in ("台账中的质疑", "仍未关闭", "已接受", "#is-accepted", "#is-open", str(ledger)):
        assert said in text
    assert '<html lang="zh-Hans">' in text
    report = json.loads(page.client.get(f"{second}/files/report.json").text)
    assert report["run"]["lang"] == "zh"
    assert report["ledger"]["counts"]["accepted"] == 1
    assert not history.verify(ledger)[1]


def test_the_ledger_is_no_secret_of_the_page_but_its_password_is():
    assert Settings((), ledger="postgresql://mei:secret@db/queries").keeps == "postgresql://mei:***@db/queries"
    assert Settings((), ledger="/data/queries.sqlite").keeps == "/data/queries.sqlite"
    assert Settings(()).keeps == ""


def test_a_ledger_that_cannot_be_one_is_refused_before_anything_is_served(tmp_path: Path):
    (tmp_path / "no.sqlite").write_bytes(b"this is no ledger at all, and it is longer than a header" * 40)
    with pytest.raises(UsageError, match="ledger"):
        ready_ledger(str(tmp_path / "no.sqlite"))
    with pytest.raises(UsageError, match="folder"):
        ready_ledger(str(tmp_path / "nowhere" / "queries.sqlite"))
    assert ready_ledger(str(tmp_path / "new.sqlite")) == str(tmp_path / "new.sqlite")
    assert ready_ledger(None) is None


def test_why_an_upload_could_not_be_read_is_told_in_chinese():
    """Every UploadError of the readers of workbooks, with something in each of its slots."""
    zh, missing, seen = of_uploads("zh"), [], 0
    for file in sorted(Path("cdiscx/read").glob("*.py")):
        if file.stem.startswith("datasets"):  # SDTM and ADaM that a program made; the page takes none
            continue
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if not (isinstance(node, ast.Call) and getattr(node.func, "id", "") == "UploadError"):
                continue
            said = node.args[0]
            if not isinstance(said, ast.JoinedStr):
                continue
            text = "".join(v.value if isinstance(v, ast.Constant) else "site.xlsx" for v in said.values)
            text = text.replace("; site.xlsx", "; open it in Excel, save it as .xlsx and upload that file")
            text = text.replace("or site.xlsx", "or open it in Excel, save it as .xlsx and upload that file")
            seen += 1
            told = zh.read(text)
            if not CHINESE.search(told) or re.search("[a-z]{3,} [a-z]{3,}", told):
                missing.append((text, told))
    assert seen > 40
    assert missing == []


def test_a_file_that_is_no_workbook_is_refused_in_chinese(chinese: tuple[Page, Path]):
    page, _ = chinese
    run = page.send(("site.xlsx", b"PK\x03\x04 broken"))
    assert page.finished(run) == "failed"
    text = page.client.get(run).text
    assert "已损坏" in text
    assert "上传另一个工作簿" in text


@pytest.mark.slow
def test_what_the_ledger_accepted_does_not_stop_the_datasets(chinese: tuple[Page, Path]):
    page, ledger = chinese
    first = page.send(("site.xlsx", small_workbook()))
    assert page.finished(first) == "done"
    for row in history.queries(ledger, "open"):
        if row["severity"] == "error":
            history.accept(ledger, row["query"], "interim look", "mei")
    second = page.send(("site.xlsx", small_workbook()))
    assert page.finished(second) == "done"
    assert page.desk.runs[second.rpartition("/")[2]].jobs["check"].facts["counts"]["error"] == 0
    assert page.post(f"{second}/datasets", format="csv") == 303
    assert page.finished(second, "datasets") == "done", page.client.get(second).text[-3000:]
    assert '<html lang="zh-Hans">' in page.client.get(f"{second}/endpoints/").text
