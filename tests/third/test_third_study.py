"""A foreign study made of YAML and a workbook alone: checked, mapped, derived and exported without a line of Python."""

from __future__ import annotations

import datetime as dt
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import openpyxl
import polars as pl
import pytest
from openpyxl.workbook import Workbook
from openpyxl.worksheet.worksheet import Worksheet

from cdiscx import flow
from cdiscx.model.finding import Report, Severity, Status
from cdiscx.model.spec import Study

HERE = Path(__file__).parent
UPLOAD, STUDY = HERE / "site-31.xlsx", HERE / "lumen-21.yaml"
CUTOFF = dt.date(2025, 6, 30)


def _checked(upload: Path) -> Report:
    study = Study.load(str(STUDY))
    data = flow.tidy(study, flow.read(upload), today=CUTOFF)
    return flow.validate(data, cutoff=CUTOFF, today=CUTOFF, expectations=False)


@pytest.fixture(scope="module")
def clean() -> Report:
    return _checked(UPLOAD)


def test_the_study_extends_nothing_of_the_house() -> None:
    study = Study.load(str(STUDY))
    assert study.extend == ()
    assert {sheet.holds for sheet in study.sheets.values()} >= {"subjects", "targets", "symptoms"}
    assert study.p("max_targets") == 3  # its own number
    assert study.p("implausible_mm") == 300  # one that only the house gives


def test_a_clean_upload_has_nothing_above_a_note(clean: Report) -> None:
    assert [f.message for f in clean if f.severity is not Severity.NOTE] == []
    assert {f.check_id for f in clean} == {"STR-002", "STR-008"}


def test_no_check_crashes_and_what_the_study_lacks_is_skipped_with_a_reason(clean: Report) -> None:
    by_status = {status: [r for r in clean.checks if r.status is status] for status in Status}
    assert by_status[Status.ERRORED] == []
    assert len(by_status[Status.PASSED]) >= 60
    reasons = {run.check_id: run.reason or "" for run in by_status[Status.SKIPPED]}
    assert all(reasons.values())
    assert reasons["SUR-004"] == "this study has no sheet procedures"
    assert reasons["MEA-028"].startswith("this study has no column BCLC of Patienten")
    assert reasons["DOS-004"].startswith("not part of this study: no regimen")
    assert reasons["END-003"] == "not part of this study: no endpoint starts at the diagnosis"
    assert reasons["END-015"] == "not part of this study: there is no event-free rate among its endpoints"


Edit = Callable[[Workbook], None]


def _row(sheet: Worksheet, *starts: object) -> int:
    """The first row that begins with these values."""
    for row in sheet.iter_rows(min_row=4):
        if tuple(c.value for c in row[: len(starts)]) == starts:
            return int(row[0].row)
    raise AssertionError(starts)


def _set(sheet: str, where: tuple[object, ...], column: str, value: object) -> Edit:
    def edit(book: Workbook) -> None:
        page = book[sheet]
        page[f"{column}{_row(page, *where)}"].value = value

    return edit


def _drop(sheet: str, *where: object) -> Edit:
    def edit(book: Workbook) -> None:
        book[sheet].delete_rows(_row(book[sheet], *where))

    return edit


def _twice(sheet: str, *where: object) -> Edit:
    def edit(book: Workbook) -> None:
        page = book[sheet]
        page.append([c.value for c in page[_row(page, *where)]])

    return edit


def _without(sheet: str) -> Edit:
    def edit(book: Workbook) -> None:
        del book[sheet]

    return edit


PLANTED: list[tuple[str, str | None, Edit]] = [
    ("TRM-001", "L31-002", _set("Patienten", ("L31-002",), "C", "unklar")),
    ("DAT-001", "L31-003", _set("Patienten", ("L31-003",), "F", "31.02.2024")),
    ("DAT-005", "L31-004", _set("Termine", ("L31-004", "Zyklus 1 Tag 15"), "C", dt.date(2024, 3, 1))),
    ("VIS-002", "L31-002", _drop("Termine", "L31-002", "Staging Nr. 3")),
    ("DOS-001", "L31-006", _set("Prüfmedikation", ("L31-006", "Keytruda"), "E", 400)),
    ("DOS-003", "L31-007", _set("Prüfmedikation", ("L31-007", "Tabrecta"), "E", 450)),
    ("MEA-001", "L31-008", _set("Zielläsionen", ("L31-008", "Basisuntersuchung", dt.datetime(2024, 11, 10), "T2"), "E", "Lunge")),
    ("MEA-005", "L31-001", _set("Zielläsionen", ("L31-001", "Staging Nr. 2"), "H", 2.4)),
    ("MEA-007", "L31-009", _set("Beurteilung", ("L31-009", "Staging Nr. 1"), "D", 30)),
    ("MEA-015", "L31-006", _set("Beurteilung", ("L31-006", "Staging Nr. 1"), "H", "stabil")),
    ("STR-006", "L31-005", _twice("UE", "L31-005", 1)),
    ("STR-009", "L31-010", _set("UE", ("L31-010", 1), "I", 7)),
    ("DAT-007", "L31-003", _set("Überleben", ("L31-003",), "D", dt.date(2024, 5, 1))),
    ("END-018", "L31-009", _set("Patienten", ("L31-009",), "I", 3)),
    ("STR-001", None, _without("Beurteilung")),
]  # fmt: skip


@pytest.mark.parametrize(("check", "subject", "edit"), PLANTED, ids=[check for check, _, _ in PLANTED])
def test_a_planted_defect_is_found_where_it_is(check: str, subject: str | None, edit: Edit, tmp_path: Path) -> None:
    book = openpyxl.load_workbook(UPLOAD)
    edit(book)
    book.save(tmp_path / "site-31.xlsx")
    found = _checked(tmp_path / "site-31.xlsx")
    assert found.complete
    assert (check, subject) in {(f.check_id, f.subject) for f in found if f.severity is not Severity.NOTE}


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The whole way through the command line, in a process of its own; the mappings beside the study file are found."""
    folder = tmp_path_factory.mktemp("third") / "out"
    words = ["export", str(UPLOAD), "--study", str(STUDY), "--cutoff", CUTOFF.isoformat(), "--out", str(folder)]
    ran = subprocess.run(
        [sys.executable, "-m", "cdiscx.cli", *words, "--format", "xpt,parquet"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    return folder


def _sdtm(folder: Path, name: str) -> pl.DataFrame:
    return pl.read_parquet(folder / "sdtm" / f"{name}.parquet")


def test_the_export_is_whole(exported: Path) -> None:
    sdtm = {p.stem for p in (exported / "sdtm").glob("*.xpt")}
    assert sdtm >= {
        "dm",
        "ex",
        "tu",
        "tr",
        "rs",
        "ae",
        "ds",
        "lb",
        "fa",
        "mh",
        "vs",
        "se",
        "sv",
        "ta",
        "te",
        "tv",
        "ts",
        "suppdm",
        "relrec",
    }
    assert {p.stem for p in (exported / "adam").glob("*.xpt")} >= {"adsl", "adae", "adtr", "adrs", "adtte", "adexsum"}
    for part in ("sdtm", "adam"):
        assert (exported / part / "define.xml").stat().st_size > 10_000
    manifest = json.loads((exported / "manifest.json").read_text("utf-8"))
    assert manifest["gate"]["decision"] == "passed"
    assert "mappings/dm.yaml" in {m["name"] for m in manifest["mappings"]}


def test_an_overridden_domain_and_a_domain_of_its_own(exported: Path) -> None:
    assert set(_sdtm(exported, "lb").get_column("LBTESTCD")) == {"HGB", "LDH", "TSH", "CEA"}
    assert set(_sdtm(exported, "mh").get_column("MHTERM")) == {"NON-SMALL CELL LUNG CANCER"}
    scores = _sdtm(exported, "fa")
    assert set(scores.get_column("FAOBJ")) == {"COUGH", "DYSPNEA"}
    assert scores.height == 55  # 29 rows, three scores of breathlessness not asked
    smoking = _sdtm(exported, "suppdm").filter(pl.col("QNAM") == "SMOKSTAT")
    assert (smoking.height, set(smoking.get_column("QVAL"))) == (10, {"NEVER", "FORMER", "CURRENT"})


def test_values_in_german_are_published_terms(exported: Path) -> None:
    subjects = _sdtm(exported, "dm")
    assert set(subjects.get_column("SEX")) == {"M", "F"}
    assert set(subjects.get_column("COUNTRY")) == {"DEU"}
    assert set(_sdtm(exported, "tu").get_column("TULOC")) == {"LUNG", "LYMPH NODE", "PLEURA", "LIVER"}
    assert set(_sdtm(exported, "ex").get_column("EXDOSFRQ")) == {"ONCE", "BID"}
    weight = _sdtm(exported, "vs")
    assert set(weight.get_column("VISIT")) == {"BASELINE"}  # as this study calls it
    assert set(weight.get_column("VSDY")) == {-6}


def test_endpoints_of_its_own_composition_have_the_numbers_of_the_workbook(exported: Path) -> None:
    told = {e["id"]: e for e in json.loads((exported / "endpoints.json").read_text("utf-8"))["endpoints"]}
    assert list(told) == ["CBOR", "CRSP", "PFS", "OS", "CDOR", "DCR", "AE"]
    assert told["CRSP"]["primary"]
    assert (told["CRSP"]["n"], told["CRSP"]["N"]) == (4, 10)  # patients 1, 4, 6 and 8
    assert (told["PFS"]["events"], told["PFS"]["N"]) == (3, 10)  # patients 1, 3 and 5
    assert (told["OS"]["events"], told["OS"]["N"]) == (2, 10)  # patients 3 and 5
    assert (told["CDOR"]["events"], told["CDOR"]["N"]) == (1, 4)  # patient 1
    times = pl.read_parquet(exported / "adam" / "adtte.parquet").filter(pl.col("PARAMCD") == "PFS")
    third = (
        times.filter(pl.col("SUBJID") == "L31-003")
        if "SUBJID" in times.columns
        else times.filter(pl.col("USUBJID").str.ends_with("L31-003"))
    )
    assert third.get_column("AVAL").to_list() == [42.0]  # first dose on 2024-05-18, scan on 2024-06-28


def test_no_line_of_the_package_knows_this_study() -> None:
    words = ("lumen", "capmatinib", "pembrolizumab", "Prüfmedikation", "Zielläsionen", "SMOKSTAT", "Pat.-Nr")
    package = Path(flow.__file__).parent
    named = {p.name for p in package.rglob("*.py") for w in words if w.lower() in p.read_text("utf-8").lower()}
    assert named == set()
