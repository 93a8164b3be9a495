"""The annotated copy: the workbook with colours and comments, the upload untouched, and every loss said."""

from __future__ import annotations

import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
from openpyxl import load_workbook

from cdiscx.model.table import UploadFile
from cdiscx.report import annotate as room
from cdiscx.report.annotate import annotate
from cdiscx.report.copies import FRONT
from cdiscx.report.losses import losses
from cdiscx.report.marks import COMMENT

from .conftest import CONSENT, HOSTILE, MISSING, NOTE, upload_of

DAY = "2026-07-01"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "annotated"
    made.mkdir()
    return made


def test_cells_are_coloured_and_commented_and_the_upload_stays_as_it_is(upload: UploadFile, folder: Path):
    before = Path(upload.path).read_bytes()
    copy = annotate(upload, [CONSENT, replace(NOTE, sheet="Visits", cell="C3", row=3)], folder, DAY, {})
    assert Path(upload.path).read_bytes() == before
    book = load_workbook(folder / copy.name)
    assert book.sheetnames == [FRONT, "Visits", "Demographics"]
    cell = book["Visits"]["C3"]
    assert cell.value == "2024-01-01"
    assert cell.fill.start_color.rgb == "FFF4B6B1"
    said = cell.comment.text
    assert said.startswith("checked by site\n\nERROR DAT-005: WEEK 3 on 2024-01-01 is before consent (2024-01-07)")
    assert "What to do: ask the site which of the two dates is right\n\nNOTE TRM-002:" in said
    assert book["Visits"]["C2"].fill.fill_type is None
    assert book["Visits"]["B3"].data_type == "s"
    assert [p.sheet_view.tabSelected for p in book.worksheets] == [True, False, False]


def test_the_first_sheet_lists_findings_without_a_row_first_and_links_to_the_others(upload: UploadFile, folder: Path):
    annotate(upload, [CONSENT, MISSING], folder, DAY, {CONSENT.fingerprint: "q1"})
    page = load_workbook(folder / "site-01.xlsx")[FRONT]
    rows = {row[1].value: row for row in page.iter_rows(min_row=5) if row[1].value}
    assert list(rows)[:3] == ["Check", "VIS-002", "DAT-005"]
    assert rows["DAT-005"][6].hyperlink.location == "'Visits'!C3"
    assert rows["DAT-005"][11].value == "q1"
    assert rows["VIS-002"][6].value == "no row"


def test_a_finding_in_merged_cells_or_without_a_column_is_marked_where_it_can_be_seen(upload: UploadFile, folder: Path):
    findings = [
        replace(CONSENT, cell="F2", row=2, fingerprint="1"),
        replace(CONSENT, cell=None, column=None, row=2, fingerprint="2"),
    ]
    annotate(upload, findings, folder, DAY, {})
    page = load_workbook(folder / "site-01.xlsx")["Visits"]
    assert page["E1"].comment is not None
    assert page["A2"].comment is not None


def test_hostile_texts_stay_texts_and_long_ones_point_to_the_list(upload: UploadFile, folder: Path):
    long = replace(CONSENT, message="long " * 400, cell="C2", row=2, fingerprint="9")
    annotate(upload, [HOSTILE, long, replace(HOSTILE, subject="=1+1", cell="C3", row=3)], folder, DAY, {})
    book = load_workbook(folder / "site-01.xlsx")
    comment = book["Visits"]["C2"].comment.text
    assert len(comment) <= COMMENT
    assert comment.endswith(f"… more on the sheet '{FRONT}'")
    assert all(cell.data_type != "f" for row in book[FRONT].iter_rows() for cell in row)
    assert "\\x1b" in book["Visits"]["C3"].comment.text


def test_the_same_upload_gives_the_same_bytes(upload: UploadFile, tmp_path: Path):
    made = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        annotate(upload, [CONSENT, MISSING, NOTE], tmp_path / name, DAY, {})
        made.append((tmp_path / name / "site-01.xlsx").read_bytes())
    assert made[0] == made[1]


def test_an_upload_that_is_no_workbook_gets_a_new_one_with_its_cells_as_text(tmp_path: Path, folder: Path):
    (tmp_path / "site-04").mkdir()
    data = {
        "Visits": [["Subject ID", "Visit", "Visit Date"], ["007", "=1+1", None], ["102", "x\x02", "2024-01-01"]],
        "a/b" * 20: [["x"]],
    }
    copy = annotate(upload_of(tmp_path / "site-04", data), [CONSENT], folder, DAY, {})
    assert copy.name == "site-04.xlsx"
    book = load_workbook(folder / copy.name)
    assert book["Visits"]["A2"].value == "007"
    assert book["Visits"]["B2"].value == "=1+1"
    assert book["Visits"]["B2"].data_type == "s"
    assert book["Visits"]["C3"].fill.start_color.rgb == "FFF4B6B1"
    assert len(book.sheetnames[2]) <= 31
    assert "is no .xlsx workbook" in copy.notes[0]
    assert any("is named" in note for note in copy.notes)
    link = copy.link("a/b" * 20, "A1", 1)
    assert link is not None
    assert book.sheetnames[2] in link


def test_a_workbook_that_changed_after_it_was_read_is_not_mixed_with_its_findings(upload: UploadFile, folder: Path):
    book = load_workbook(upload.path)
    book["Visits"]["C3"] = "something else"
    book.save(upload.path)
    copy = annotate(upload, [CONSENT], folder, DAY, {})
    assert load_workbook(folder / copy.name)["Visits"]["C3"].value == "2024-01-01"
    assert "changed or closed after it was read" in copy.notes[0]


def test_a_workbook_that_openpyxl_cannot_open_still_gets_a_copy(tmp_path: Path, folder: Path):
    path = tmp_path / "odd.xlsx"
    with zipfile.ZipFile(path, "w") as broken:
        broken.writestr("xl/workbook.xml", "<workbook/>")
    copy = annotate(upload_of(path), [CONSENT], folder, DAY, {})
    assert load_workbook(folder / copy.name)["Visits"]["C3"].comment is not None
    assert "cannot be copied as it is" in copy.notes[0]


def test_an_upload_too_large_is_skipped_with_the_reason(upload: UploadFile, folder: Path, monkeypatch):
    monkeypatch.setattr(room, "ROWS", 3)
    copy = annotate(upload, [CONSENT], folder, DAY, {})
    assert copy.name == ""
    assert "5 rows are too many" in copy.notes[0]
    assert list(folder.iterdir()) == []


def test_what_the_copy_loses_is_found_in_the_zip_and_said(upload: UploadFile, folder: Path):
    with zipfile.ZipFile(upload.path, "a") as book:
        book.writestr("xl/ctrlProps/ctrlProp1.xml", "<formControlPr/>")
        book.writestr("xl/vbaProject.bin", b"macro")
        book.writestr(
            "xl/worksheets/sheet9.xml",
            "<worksheet><extLst>" + " " * 2_000_000 + "<x14:sparklineGroups/></extLst></worksheet>",
        )
        book.writestr("xl/drawings/drawing9.xml", "<xdr:wsDr><xdr:sp macro=''/></xdr:wsDr>")
    data = Path(upload.path).read_bytes()
    lost = losses(data, 3, macros_kept=False)
    assert set(lost) == {
        "macros",
        "form controls (check boxes, buttons)",
        "sparklines",
        "shapes and text boxes",
        "the stored results of 3 formulas (the spreadsheet program computes them again when it opens the copy)",
    }
    copy = annotate(upload_of(Path(upload.path)), [CONSENT], folder, DAY, {})
    assert "sparklines" in copy.notes[0]
    page = load_workbook(folder / copy.name)[FRONT]
    assert any("This copy does not have: " in str(row[0].value) for row in page.iter_rows(max_row=8))
    assert losses(data, 0, macros_kept=True) == lost[1:-1]


def test_two_uploads_of_one_name_do_not_overwrite_each_other(upload: UploadFile, folder: Path):
    twin = replace(upload, name="north/site-01.xlsx")
    names = [annotate(u, [], folder, DAY, {}).name for u in (upload, upload, twin)]
    assert names == ["site-01.xlsx", "2_site-01.xlsx", "north_site-01.xlsx"]
