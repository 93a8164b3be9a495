"""A package of somebody else adds a check, a mapping algorithm and an export format without touching the project."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import polars as pl
import pytest
from outside_kit import EXAMPLES, cdiscx, installed, python, workbook

PLUGIN = EXAMPLES / "plugin"


@pytest.fixture(scope="module")
def paths(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ...]:
    told = tomllib.loads((PLUGIN / "pyproject.toml").read_text(encoding="utf-8"))
    target = told["project"]["entry-points"]["cdiscx"]["example"]
    return installed(tmp_path_factory.mktemp("site"), "cdiscx_example", "cdiscx", target), PLUGIN


#: prints what the three lists have
_LISTS = """
import json
from cdiscx import catalogue
print(json.dumps({what: catalogue.listing(what) for what in ("checks", "algorithms", "formats")}))
print(catalogue.explanation(sys.argv[1]) if len(sys.argv) > 1 else "")
"""


def test_what_the_package_adds_stands_in_the_lists(paths: tuple[Path, ...]) -> None:
    given, *said = python("-c", f"import sys{_LISTS}", "EXA-001", paths=paths).out.splitlines()
    without = json.loads(python("-c", f"import sys{_LISTS}").out.splitlines()[0])
    for what, name in (("checks", "EXA-001"), ("algorithms", "assign_upper"), ("formats", "tsv")):
        assert name in {value for row in json.loads(given)[what] for value in row.values()}, what
        assert name not in {value for row in without[what] for value in row.values()}, what
    assert "a Sunday, when the ward is closed" in "\n".join(said)


def test_its_check_finds_cells_like_any_other(paths: tuple[Path, ...], tmp_path: Path) -> None:
    path = workbook(tmp_path / "site.xlsx", defects=False)
    call = (
        "validate",
        path,
        "--study",
        "palhep-a",
        "--quiet",
        "--no-expectations",
        "--only",
        "EXA-*",
        "--format",
        "json",
    )
    done = cdiscx(*call, paths=paths)
    assert done.status == 0, done.err
    report = json.loads(done.out)
    assert report["findings"]
    for finding in report["findings"]:
        assert (finding["check_id"], finding["severity"], finding["sheet"]) == ("EXA-001", "warning", "Visits")
        day = pl.Series([finding["value"]]).str.to_date()
        assert day.dt.weekday()[0] == 7
        assert finding["fingerprint"]
        assert finding["fix"].casefold() == "ask the site for the date of the visit."


def test_its_algorithm_maps_and_its_format_is_written(paths: tuple[Path, ...], tmp_path: Path) -> None:
    path = workbook(tmp_path / "site.xlsx", defects=False)
    call = ("sdtm", path, "--study", "palhep-a", "--out", tmp_path / "out", "--format", "tsv", "--quiet")
    done = cdiscx(*call, "--mappings", PLUGIN / "mappings", paths=paths)
    assert done.status == 0, done.err
    terms = pl.read_csv(tmp_path / "out" / "sdtm" / "ae.tsv", separator="\t", infer_schema=False).get_column("AETERM")
    assert terms.len() > 3
    assert terms.to_list() == [term.upper() for term in terms.to_list()]
    assert any(c.isalpha() for c in terms[0])
    refused = cdiscx(*call, "--mappings", PLUGIN / "mappings")
    assert refused.status == 2
    assert "tsv" in refused.err or "assign_upper" in refused.err


def test_a_package_that_cannot_be_loaded_is_one_line_with_its_name(tmp_path: Path) -> None:
    broken = installed(tmp_path, "broken", "cdiscx", "no_such_module", entry="broken")
    done = cdiscx("list", "checks", paths=(broken,))
    assert done.status == 2
    assert "the plug-in 'broken' (no_such_module) cannot be loaded" in done.err
    assert "Traceback" not in done.err
