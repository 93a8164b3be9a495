"""`pytest --cdiscx-upload … --cdiscx-study …`: one test item a check, with four outcomes."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from outside_kit import ROOT, installed, python, workbook

#: a check that crashes and a test of the user's own
_CONFTEST = '''
import polars as pl
from cdiscx.registry import check

@check("ZZZ-001", on="subjects", title="A check with a bug")
def bug(subjects: pl.LazyFrame) -> pl.LazyFrame:
    """Never said."""
    raise KeyError("a bug")
'''
_TEST = """
def test_nothing_of_mine(cdiscx_report):
    assert len(cdiscx_report) > 1
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    told = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    target = told["project"]["entry-points"]["pytest11"]["cdiscx"]
    return installed(tmp_path_factory.mktemp("site"), "cdiscx_for_pytest", "pytest11", target, entry="cdiscx")


def run(site: Path, folder: Path, *words: object, **env: str):
    base = (
        "-m",
        "pytest",
        "-p",
        "no:cacheprovider",
        "-p",
        "no:xdist",
        "--rootdir",
        folder,
        "-c",
        folder / "pytest.ini",
    )
    if not (folder / "pytest.ini").exists():
        (folder / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    return python(*base, *words, paths=(site,), cwd=folder, **env)


def test_a_check_passes_fails_is_skipped_or_ends_in_an_error(site: Path, tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text(_CONFTEST, encoding="utf-8")
    (tmp_path / "test_mine.py").write_text(_TEST, encoding="utf-8")
    upload = workbook(tmp_path / "site.xlsx", defects=True)
    junit = tmp_path / "junit.xml"
    words = ("--cdiscx-upload", upload, "--cdiscx-study", "palhep-a", f"--junit-xml={junit}", "--import-mode=importlib")
    done = run(site, tmp_path, *words)
    assert done.status == 1, done.out + done.err
    cases = {case.get("name"): case for case in ET.parse(junit).getroot().iter("testcase")}
    kinds = {name: [child.tag for child in case] for name, case in cases.items()}
    assert len(cases) > 110
    assert kinds["TRM-001"] == kinds["DAT-006"] == ["failure"]
    assert kinds["DOS-011"] == ["skipped"]
    assert kinds["ZZZ-001"] == ["error"]
    assert kinds["STR-001"] == kinds["test_nothing_of_mine"] == []
    assert kinds["DAT-005"] == [] or kinds["DAT-005"] == ["system-out"], "notes fail nothing"
    failure = cases["TRM-001"].find("failure")
    assert failure is not None
    assert re.search(r"error site\.xlsx!Demographics!\w+2: .*unclear", failure.text or "")
    assert "KeyError" in (cases["ZZZ-001"].find("error").text or "")  # type: ignore[union-attr]
    assert "Traceback" not in (failure.text or "")


def test_the_ini_file_names_uploads_and_study_and_the_words_select_checks(site: Path, tmp_path: Path) -> None:
    workbook(tmp_path / "site.xlsx", defects=True)
    ini = "[pytest]\ncdiscx_study = palhep-a\ncdiscx_cutoff = 2025-06-30\ncdiscx_uploads =\n    site.xlsx\n"
    (tmp_path / "pytest.ini").write_text(ini, encoding="utf-8")
    done = run(site, tmp_path, "-k", "TRM-001 or STR-009", "-q")
    assert "1 failed, 1 passed" in done.out
    assert done.status == 1


def test_words_that_make_no_sense_and_files_that_are_not_there_are_told(site: Path, tmp_path: Path) -> None:
    lacking = run(site, tmp_path, "--cdiscx-upload", "site.xlsx")
    assert "needs the study" in lacking.out + lacking.err
    unknown = run(site, tmp_path, "--cdiscx-upload", "site.xlsx", "--cdiscx-study", "no-such")
    assert "no-such" in unknown.out + unknown.err
    absent = run(site, tmp_path, "--cdiscx-upload", "site.xlsx", "--cdiscx-study", "palhep-a", "-k", "TRM-001", "-q")
    assert absent.status == 1
    assert "site.xlsx was not found" in absent.out
    assert "1 error" in absent.out


def test_without_uploads_the_plug_in_does_nothing_and_imports_nothing(site: Path, tmp_path: Path) -> None:
    (tmp_path / "test_mine.py").write_text(
        f"{_TEST}\ndef test_lean():\n    import sys\n    assert 'polars' not in sys.modules\n", encoding="utf-8"
    )
    done = run(site, tmp_path, "-q", "-rs")
    assert "1 passed, 1 skipped" in done.out, done.out + done.err
    assert "no upload" in done.out
