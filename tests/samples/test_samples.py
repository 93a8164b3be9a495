"""Sample uploads: the same every time, complete, clean by an independent reading, and lossless in every style."""

from __future__ import annotations

import ast
import csv
import io
import subprocess
import sys
import zipfile
from copy import deepcopy
from datetime import date, timedelta
from pathlib import Path

import pytest
import sample_audit_endpoints
import sample_audit_lesions
import sample_audit_safety
import sample_audit_schedule
from sample_audit import A, Subject, audit, subjects_of
from workbook_reader import expected, known_headers, read_workbook

from cdiscx.samples import (
    ENCODINGS,
    HEADERS,
    NEOPVTT,
    PALHEP,
    PLAIN,
    STYLES,
    SampleUpload,
    Style,
    clean,
    random_style,
    write_csv_folder,
    write_csv_zip,
    write_demo,
    write_xlsx,
)

STUDIES = (PALHEP, NEOPVTT)
assert all((sample_audit_endpoints, sample_audit_lesions, sample_audit_safety, sample_audit_schedule))


def test_the_samples_import_nothing_that_judges_them():
    folder = Path(__file__).parents[2] / "cdiscx" / "samples"
    imported = set()
    for path in folder.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom):
                imported.add(node.module or "")
            elif isinstance(node, ast.Import):
                imported |= {name.name for name in node.names}
    house = {m for m in imported if m.startswith("cdiscx")}
    assert house
    assert all(m.startswith("cdiscx.samples") for m in house)


@pytest.mark.parametrize("study", STUDIES)
@pytest.mark.parametrize("seed", [1, 2, 3, 17, 2024])
def test_clean_cohorts_break_no_rule_of_the_catalogue(study: str, seed: int):
    assert audit(clean(study, seed=seed)) == []


@pytest.mark.parametrize("study", STUDIES)
@pytest.mark.parametrize(("sites", "subjects", "cutoff"), [(1, 30, date(2023, 2, 28)), (5, 60, date(2024, 12, 31))])
def test_other_sizes_and_cutoffs_are_clean_too(study: str, sites: int, subjects: int, cutoff: date):
    uploads = clean(study, sites=sites, subjects=subjects, seed=5, cutoff=cutoff)
    assert audit(uploads, cutoff) == []
    assert [u.site for u in uploads] == [f"{n:02d}" for n in range(1, sites + 1)]
    assert sum(len(u.sheets["Demographics"]) for u in uploads) == subjects


@pytest.mark.parametrize("study", STUDIES)
def test_the_same_arguments_give_the_same_uploads_and_another_seed_other_ones(study: str):
    assert clean(study, seed=4) == clean(study, seed=4)
    assert clean(study, seed=4) != clean(study, seed=5)


def test_the_same_seed_gives_the_same_bytes_in_another_process(tmp_path: Path):
    code = (
        "import sys; from pathlib import Path; from cdiscx.samples import *\n"
        "write_xlsx(clean('palhep-a')[0], Path(sys.argv[1]), style=MESSY_EN)"
    )
    files = [tmp_path / "one.xlsx", tmp_path / "two.xlsx"]
    for number, path in enumerate(files):
        environment = {"PYTHONHASHSEED": str(number), "PYTHONPATH": str(Path(__file__).parents[2])}
        subprocess.run([sys.executable, "-c", code, str(path)], check=True, env=environment)
    assert files[0].read_bytes() == files[1].read_bytes()


def test_a_study_without_samples_is_named_with_those_that_have_some():
    with pytest.raises(KeyError, match="palhep-a"):
        clean("palhep-z")
    with pytest.raises(ValueError, match="at least one"):
        clean(PALHEP, sites=0)
    assert clean("PALHEP-A", subjects=3)[0].study == PALHEP


@pytest.mark.parametrize("study", STUDIES)
def test_the_cohort_has_the_variety_that_a_demonstration_needs(study: str):
    uploads = clean(study)
    subjects = subjects_of(uploads)
    assert len(uploads) >= 3
    assert len(subjects) >= 30
    assert sum(s.death is not None for s in subjects) >= 3
    events = {r["Event"] for u in uploads for r in u.sheets["Disposition"]}
    assert events >= {
        "Death",
        "Withdrew consent",
        "Lost to follow-up",
        "Progressive disease",
        "Adverse event",
        "Completed",
    }
    assert any(s.treatment_end is None for s in subjects)
    assert any(s.surg and s.visits.get("POST-OP DAY 30") for s in subjects)
    assert {"Equivocal", "Unequivocal"} >= {r["Certainty"] for u in uploads for r in u.sheets["New Lesions"]} > set()
    if study == A:
        assert {r["Branch"] for u in uploads for r in u.sheets["Decision"]} == {"Surgery", "Continue", "Other"}
        assert {r["Procedure"] for u in uploads for r in u.sheets["Procedures"]} == {
            "TACE",
            "HAIC",
            "Y90-SIRT",
            "Hepatectomy",
        }
        assert any(r["Lymph Node"] == "Y" for u in uploads for r in u.sheets["Target Lesions"])
        overall = {r["Overall Response"] for u in uploads for r in u.sheets["Response"]}
        assert overall == {"CR", "PR", "SD", "PD", "NE", "NED", "Non-CR/Non-PD"}
    else:
        assert {r["Residual Tumour"] for u in uploads for r in u.sheets["Procedures"]} == {"R0", "R1", "R2", None}
        assert {r["pCR"] for u in uploads for r in u.sheets["Pathology"]} == {"Y", "N", None}
        assert {r["Composite Response"] for u in uploads for r in u.sheets["Response"]} == {"PR", "SD", "PD", None}
        assert any(r["Procedure"] == "Reoperation" for u in uploads for r in u.sheets["Procedures"])
        assert any(s.death and s.surg and (s.death - s.surg).days <= 30 for s in subjects)


def _first(uploads: list[SampleUpload], sheet: str, **where: object) -> dict[str, object]:
    return next(r for u in uploads for r in u.sheets[sheet] if all(r[k] == v for k, v in where.items()))


def _later(row: dict[str, object], header: str, days: int) -> None:
    value = row[header]
    assert isinstance(value, date)
    row[header] = value + timedelta(days=days)


PLANTED = [
    ("VIS-001", lambda u: _later(_first(u, "Visits", Visit="WEEK 3", **{"Visit Done": "Y"}), "Visit Date", 12)),
    ("VIS-002", lambda u: u[0].sheets["Visits"].remove(_first(u, "Visits", Visit="WEEK 8"))),
    ("DOS-002", lambda u: _first(u, "Dosing", Drug="Lenvatinib").update(Dose=24)),
    ("DOS-007", lambda u: _later(_first(u, "Dosing", **{"Change Reason": "Planned hold before hepatectomy"}), "End Date", 6)),
    ("MEA-007", lambda u: _first(u, "Response", **{"Target Response": "SD"}).update({"Sum of Diameters": 1.0})),
    ("MEA-014", lambda u: _first(u, "Response", **{"Target Response": "SD"}).update({"Target Response": "PR"})),
    ("MEA-016", lambda u: _first(u, "Response", **{"New Lesion": "N"}).update({"New Lesion": "Y"})),
    ("MEA-005", lambda u: _first(u, "Target Lesions", **{"Lesion ID": "T1", "Visit": "WEEK 6 TUMOR ASSESSMENT"}).update(Diameter=2.9)),
    ("MEA-011", lambda u: _first(u, "Target Lesions", Visit="MONTH 3 DECISION").update(Method="X-RAY")),
    ("DOS-015", lambda u: _first(u, "Dosing", **{"Change Reason": "Adverse event"}).update({"Change Reason": None})),
    ("SAF-002", lambda u: _first(u, "Adverse Events", Outcome="Fatal").update({"CTCAE Grade": 3})),
    ("END-007", lambda u: _first(u, "Decision", **{"Month 3 Response": "PR"}).update(Branch="Surgery")),
    ("END-009", lambda u: _first(u, "Pathology", Nodule="OVERALL").update({"Viable Tumour %": 77})),
    ("DAT-006", lambda u: _later(_first(u, "Procedures", Procedure="TACE"), "End Date", -3)),
    ("STR-006", lambda u: u[0].sheets["Visits"].append(deepcopy(u[0].sheets["Visits"][0]))),
]  # fmt: skip


@pytest.mark.parametrize(("check", "plant"), PLANTED, ids=[c for c, _ in PLANTED])
def test_the_audit_notices_a_planted_defect(check: str, plant):
    uploads = clean(PALHEP)
    plant(uploads)
    assert any(check in text for text in audit(uploads))


def _styles() -> list[Style]:
    return [*STYLES.values(), *(random_style(n) for n in range(8))]


@pytest.mark.parametrize("style", _styles(), ids=lambda s: s.name)
def test_no_style_changes_what_the_data_say(tmp_path: Path, style: Style):
    for study in STUDIES:
        upload = clean(study, subjects=10, sites=1, seed=3)[0]
        path = tmp_path / f"{study}.xlsx"
        write_xlsx(upload, path, style=style)
        got = read_workbook(path, study)
        for sheet, rows in upload.sheets.items():
            assert got[sheet] == [expected(sheet, r, evaluator=style.evaluator != "blank") for r in rows], sheet


def test_random_styles_are_reproducible_and_differ():
    assert random_style(3) == random_style(3)
    assert len({repr(random_style(n)).split(",", 2)[2] for n in range(30)}) == 30


@pytest.mark.parametrize("study", STUDIES)
def test_no_synonym_means_two_headers_of_one_sheet(study: str):
    for headers in HEADERS[study].values():
        assert set(known_headers(headers).values()) == set(headers)


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_csv_folders_and_archives_hold_the_same_sheets(tmp_path: Path, encoding: str):
    upload = clean(NEOPVTT, subjects=3)[0]
    style = STYLES["messy-zh"]
    write_csv_folder(upload, tmp_path / "site", style=style, encoding=encoding)
    write_csv_zip(upload, tmp_path / "site.zip", style=style, encoding=encoding)
    write_csv_zip(upload, tmp_path / "again.zip", style=style, encoding=encoding)
    assert (tmp_path / "site.zip").read_bytes() == (tmp_path / "again.zip").read_bytes()
    with zipfile.ZipFile(tmp_path / "site.zip") as archive:
        assert set(HEADERS[NEOPVTT]) <= {n.removesuffix(".csv") for n in archive.namelist()}
        for name in archive.namelist():
            assert archive.read(name) == (tmp_path / "site" / name).read_bytes()
    text = (tmp_path / "site" / "Visits.csv").read_bytes().decode(encoding)
    assert any(upload.sheets["Visits"][0]["Subject ID"] in line for line in csv.reader(io.StringIO(text)))


def test_csv_refuses_an_encoding_that_it_does_not_know(tmp_path: Path):
    with pytest.raises(ValueError, match="gb18030"):
        write_csv_folder(clean(PALHEP, subjects=3)[0], tmp_path, encoding="latin-1")


def test_the_demonstration_writes_clean_sites_and_whatever_a_planter_makes_of_them(tmp_path: Path):
    def plant(uploads: list[SampleUpload]) -> list[SampleUpload]:
        uploads[0].sheets["Visits"].clear()
        return uploads

    demo = write_demo(tmp_path, plant=plant)
    for study in STUDIES:
        assert [p.name for p in demo.clean[study]] == ["site-01.xlsx", "site-02.xlsx", "site-03.xlsx"]
        assert read_workbook(demo.clean[study][0], study)["Visits"]
        assert read_workbook(demo.planted[study][0], study)["Visits"] == []


def test_subjects_with_a_hepatectomy_have_a_stay_a_specimen_and_a_hold():
    for study in STUDIES:
        operated: list[Subject] = [s for s in subjects_of(clean(study)) if s.surg is not None]
        assert len(operated) >= 8
        for subject in operated:
            assert subject.surg is not None
            before = [d for d in subject.infused if d < subject.surg]
            assert (subject.surg - before[-1]).days >= (7 if study == PALHEP else 14)
            assert not any(subject.surg - timedelta(days=7) < d <= subject.surg for d in subject.infused)


def test_the_plain_style_is_the_default(tmp_path: Path):
    upload = clean(PALHEP, subjects=3)[0]
    write_xlsx(upload, tmp_path / "a.xlsx")
    write_xlsx(upload, tmp_path / "b.xlsx", style=PLAIN)
    assert (tmp_path / "a.xlsx").read_bytes() == (tmp_path / "b.xlsx").read_bytes()
