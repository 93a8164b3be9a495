"""The query log: one row a query, links into the annotated copies, nothing that a spreadsheet program would compute."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from zipfile import ZipFile

from openpyxl import load_workbook

from cdiscx.model.finding import Report
from cdiscx.report.copies import Copy
from cdiscx.report.queries import ANSWERS, query_ids, write_queries

from .conftest import CONSENT, MISSING, NOTE, make_report

COPIES = {
    "site-01.xlsx": Copy(
        "site-01.xlsx", "site-01.xlsx", {"Visits": "Visits", "Demographics": "Demographics"}, ("no charts",)
    )
}


def cells(path: Path, sheet: str) -> list[list[object]]:
    return [list(row) for row in load_workbook(path)[sheet].iter_rows(values_only=True)]


def test_one_row_a_query_notes_apart(report: Report, tmp_path: Path):
    path = tmp_path / "q.xlsx"
    write_queries(report, path, COPIES)
    book = load_workbook(path)
    assert book.sheetnames == ["Queries", "Summary", "Checks", "Notes", "About"]
    head, *rows = cells(path, "Queries")
    first, second = (dict(zip(head, row, strict=True)) for row in rows)
    assert (first["Subject"], second["Subject"]) == ("101", "102")
    assert second["Query"] == CONSENT.fingerprint[:10]
    assert (second["Cell"], second["Value as typed"], second["What to do"]) == ("C3", "2024-01-01", CONSENT.fix)
    assert "site-01.xlsx!Demographics!F3  Informed Consent Date 2024-01-07" in str(second["Compare with"])
    assert [second[c] for c in ("Answer", "Answered by", "Date", "Status")] == [None] * 4
    assert [row[2] for row in cells(path, "Notes")[1:]] == ["TRM-002"]
    page = book["Queries"]
    assert page.freeze_panes == "B2"
    assert page.auto_filter.ref == "A1:R3"
    validation = page.data_validations.dataValidation[0]
    assert str(validation.sqref) == "R2:R3"
    assert validation.formula1 == f'"{",".join(ANSWERS)}"'


def test_a_cell_links_to_the_same_cell_of_the_annotated_copy(report: Report, tmp_path: Path):
    path = tmp_path / "q.xlsx"
    write_queries(report, path, COPIES)
    link = load_workbook(path)["Queries"]["I3"].hyperlink
    assert link is not None
    assert link.target.replace("\\", "/") == "annotated/site-01.xlsx"
    assert link.location == "'Visits'!C3"
    no_row = load_workbook(path)["Queries"]["I2"].hyperlink
    assert no_row is not None
    assert no_row.location == "'cdiscx findings'!A1"


def test_names_that_a_link_could_stumble_over_are_escaped():
    copy = Copy("x", "site 1#2 100%.xlsx", {"It's": "It's"})
    assert copy.link("It's", "C3", 3) == "annotated/site%201%232%20100%25.xlsx#'It''s'!C3"
    assert copy.link("It's", None, 7) == "annotated/site%201%232%20100%25.xlsx#'It''s'!A7"
    assert Copy("x", "").link("It's", "C3", 3) is None


def test_no_text_of_an_upload_becomes_a_formula_or_breaks_the_file(hostile: Report, tmp_path: Path):
    path = tmp_path / "q.xlsx"
    bad = [
        replace(f, **dict.fromkeys(("site", "subject", "visit", "column", "expected"), "@SUM(1)\ud800"))
        for f in hostile.findings
    ]
    long = replace(CONSENT, message="x" * 50_000, fingerprint="f" * 16)
    write_queries(make_report(*bad, long, notes=("=1+1",), run={**hostile.run, "study": "=2"}), path)
    book = load_workbook(path)
    kinds = {cell.data_type for page in book for row in page.iter_rows() for cell in row}
    assert "f" not in kinds
    assert max(len(str(c.value)) for row in book["Queries"].iter_rows() for c in row) <= 32_767
    assert any("=cmd|" in str(c.value) for c in book["Queries"]["K"])


def test_the_same_report_gives_the_same_bytes(report: Report, tmp_path: Path):
    one, two = tmp_path / "1.xlsx", tmp_path / "2.xlsx"
    write_queries(report, one, COPIES)
    write_queries(report, two, COPIES)
    assert one.read_bytes() == two.read_bytes()
    with ZipFile(one) as book:
        assert book.testzip() is None


def test_query_ids_are_short_and_never_shared():
    same = [
        replace(CONSENT, fingerprint=p)
        for p in ("0123456789abcdef", "0123456789ffffff", "aaaaaaaaaaaaaaaa", "aaaaaaaaaaaaaaaa-1")
    ]
    ids = query_ids(same)
    assert len(set(ids.values())) == 4
    assert ids["aaaaaaaaaaaaaaaa"] == "aaaaaaaaaa"
    assert ids["aaaaaaaaaaaaaaaa-1"] == "aaaaaaaaaa-1"


def test_links_stop_where_excel_stops_following_them(monkeypatch, tmp_path: Path):
    monkeypatch.setattr("cdiscx.report.queries.LINKS", 2)
    path = tmp_path / "q.xlsx"
    write_queries(make_report(*[replace(CONSENT, fingerprint=f"{n:016x}") for n in range(5)]), path, COPIES)
    page = load_workbook(path)["Queries"]
    assert [page.cell(row, 9).hyperlink is not None for row in range(2, 7)] == [True, True, False, False, False]
    assert page["I6"].value == "C3"


def test_a_clean_run_says_so_and_accepted_findings_have_their_sheet(clean: Report, tmp_path: Path):
    write_queries(clean, tmp_path / "c.xlsx")
    assert "there is no open error or warning" in str(cells(tmp_path / "c.xlsx", "Queries")[1][0])
    write_queries(make_report(NOTE, replace(MISSING, accepted="known (AB)")), tmp_path / "a.xlsx")
    assert "accepted: known (AB)" in str(cells(tmp_path / "a.xlsx", "Accepted")[1][11])
    about = cells(tmp_path / "a.xlsx", "About")
    assert any("sha256 " + "ab" * 32 in str(row[1]) for row in about)
