"""Reports made by hand: findings of every kind, hostile texts, checks in all four states."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest
from openpyxl import Workbook
from openpyxl.comments import Comment

from cdiscx.model.finding import CheckRun, Finding, Related, Report, Severity, Status
from cdiscx.model.table import RawSheet, UploadFile

RUN = {
    "study": "PALHEP-A",
    "study_file": "palhep-a",
    "version": "0.1.0",
    "uploads": [{"name": "site-01.xlsx", "sha256": "ab" * 32, "bytes": 12345}],
    "day_of_run": "2026-07-01",
    "cutoff": "2026-06-30",
    "cutoff_stated": False,
    "only": [],
    "skip": [],
    "rows": {"visits": 3, "subjects": 2},
    "subjects": 2,
}

CONSENT = Finding(
    "DAT-005",
    "DAT",
    Severity.ERROR,
    "WEEK 3 on 2024-01-01 is before consent (2024-01-07)",
    study="PALHEP-A",
    site="01",
    subject="102",
    visit="WEEK 3",
    file="site-01.xlsx",
    sheet="Visits",
    row=3,
    column="Visit Date",
    cell="C3",
    value="2024-01-01",
    related=(Related("site-01.xlsx", "Demographics", 3, "F3", "Informed Consent Date", "2024-01-07"),),
    fingerprint="0123456789abcdef",
    fix="ask the site which of the two dates is right",
)
MISSING = Finding(
    "VIS-002",
    "VIS",
    Severity.WARNING,
    "WEEK 6 of subject 101 was due on 2024-02-10 and is not there",
    study="PALHEP-A",
    site="01",
    subject="101",
    visit="WEEK 6",
    file="site-01.xlsx",
    sheet="Visits",
    expected="a visit between 2024-02-07 and 2024-02-13",
    fingerprint="1123456789abcdef",
    fix="enter the visit, or that it was not done and why",
)
NOTE = Finding(
    "TRM-002",
    "TRM",
    Severity.NOTE,
    "'Pacific' is not among the known races",
    study="PALHEP-A",
    site="01",
    subject="101",
    file="site-01.xlsx",
    sheet="Demographics",
    row=2,
    column="Race",
    cell="G2",
    value="Pacific",
    fingerprint="2123456789abcdef",
)
HOSTILE_TEXT = '</script><script>alert(1)</script><img src=x onerror=alert(2)>\u2028=HYPERLINK("http://x")\x1b[31m\x00'
HOSTILE = replace(
    CONSENT,
    message=f"a value {HOSTILE_TEXT} in the cell",
    value="=cmd|' /C calc'!A0" + HOSTILE_TEXT,
    subject="102<b>",
    row=4,
    cell="C4",
    fingerprint="3123456789abcdef",
)
CHECKS = (
    CheckRun("STR-001", Status.PASSED, None, 10, 0),
    CheckRun("DAT-005", Status.FAILED, None, 3, 1, 0.25),
    CheckRun("VIS-002", Status.FAILED, "no schedule for follow-up", 3, 1),
    CheckRun("TRM-002", Status.FAILED, None, 2, 1),
    CheckRun("DOS-001", Status.SKIPPED, "sheet Dosing is missing", 0, 0),
    CheckRun("DOS-002", Status.SKIPPED, "sheet Dosing is missing", 0, 0),
)
CHANGES = pl.DataFrame(
    {
        "file": ["site-01.xlsx", "site-01.xlsx", "site-01.xlsx"],
        "sheet": ["Visits", "Visits", "Labs"],
        "row": [2, 3, 4],
        "letter": ["C", "B", "D"],
        "column": ["Visit Date", "Visit", "Result"],
        "before": ["5-Mar-2024", "=1+1", "-3"],
        "after": ["2024-03-05", "WEEK 3", "@x"],
        "why": ["date", "synonym", "number"],
    }
)


def make_report(*findings: Finding, checks: tuple[CheckRun, ...] = CHECKS, **changes: object) -> Report:
    """A report of these findings; other fields as given."""
    fields: dict[str, object] = {"run": RUN, "notes": ("sheet 'Legend' is ignored",), "changes": CHANGES} | changes
    return Report(checks=checks, findings=tuple(findings), **fields)  # type: ignore[arg-type]


@pytest.fixture
def report() -> Report:
    """One error, one warning without a row, one note."""
    return make_report(CONSENT, MISSING, NOTE)


@pytest.fixture
def hostile() -> Report:
    """A report whose every text tries something."""
    return make_report(HOSTILE, CONSENT, notes=(HOSTILE_TEXT,))


@pytest.fixture
def clean() -> Report:
    """No finding; one check skipped."""
    return make_report(checks=(CHECKS[0], CHECKS[4]))


DATA = {
    "Visits": [["Subject ID", "Visit", "Visit Date"], ["101", "WEEK 0", "2024-01-08"], ["102", "=1+1", "2024-01-01"]],
    "Demographics": [["Subject ID"], ["101"]],
}


def raw(name: str, sheet: str, rows: list[list[str | None]]) -> RawSheet:
    letters = [chr(65 + i) for i in range(max(len(r) for r in rows))]
    text = pl.DataFrame(
        {
            "_row": range(1, len(rows) + 1),
            **{c: [r[i] if i < len(r) else None for r in rows] for i, c in enumerate(letters)},
        },
        schema={"_row": pl.UInt32, **dict.fromkeys(letters, pl.String)},
    )
    return RawSheet(name, sheet, text, text.select("_row", pl.col(letters).is_not_null().cast(pl.UInt8)))


def upload_of(path: Path, data: dict[str, list[list[str | None]]] = DATA) -> UploadFile:
    digest = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
    size = path.stat().st_size if path.is_file() else 0
    return UploadFile(path.name, digest, size, tuple(raw(path.name, s, r) for s, r in data.items()), str(path))


@pytest.fixture
def upload(tmp_path: Path) -> UploadFile:
    """A small workbook with a text that looks like a formula, a comment and merged cells."""
    book = Workbook()
    book.remove(book.active)
    for sheet, rows in DATA.items():
        page = book.create_sheet(sheet)
        for row in rows:
            page.append(row)
    book["Visits"]["B3"].data_type = "s"
    book["Visits"]["C3"].comment = Comment("checked by site", "site")
    book["Visits"].merge_cells("E1:F2")
    book["Visits"]["E1"] = "banner"
    book.save(tmp_path / "site-01.xlsx")
    return upload_of(tmp_path / "site-01.xlsx")
