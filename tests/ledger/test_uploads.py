"""Workbooks of two sites, upload after upload: a query is neither lost nor doubled by what a site does to its file."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from random import Random

import openpyxl
import pytest
from ledger_kit import day

from cdiscx import flow
from cdiscx.ledger import book
from cdiscx.model.finding import Report
from cdiscx.model.spec import Study
from cdiscx.model.standing import Standings
from cdiscx.samples import SampleUpload, Typed, clean, write_xlsx

STUDY = Study.load("palhep-a")
CHECKS = ("STR-001", "STR-009", "TRM-001", "DAT-006", "VIS-003", "STR-006")
TODAY = date(2025, 7, 15)


def site(number: int, *, planted: bool = True) -> SampleUpload:
    """Some subjects with an unknown sex, a weight of 700 kg, an end before its start and a visit twice."""
    upload = clean("palhep-a", sites=2, subjects=8, seed=5)[number - 1]
    if planted:
        upload.sheets["Demographics"][0]["Sex"] = "unclear"
        upload.sheets["Demographics"][1]["Weight"] = 700
        event = next(row for row in upload.sheets["Adverse Events"] if isinstance(row["End Date"], date))
        event["End Date"] = event["Start Date"] - timedelta(days=5)  # type: ignore[operator]
        upload.sheets["Visits"].append(dict(upload.sheets["Visits"][-1]))
    return upload


def judged(paths: Sequence[Path], **more: object) -> Report:
    words = {"only": CHECKS, "expectations": False, "today": TODAY} | more
    return flow.validate(flow.tidy(STUDY, flow.read(*paths), today=TODAY), **words)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Report]:
    """Both sites' first uploads, as files and judged together."""
    folder = tmp_path_factory.mktemp("first")
    for number in (1, 2):
        write_xlsx(site(number), folder / f"site-0{number}.xlsx")
    return folder, judged(sorted(folder.glob("*.xlsx")))


def entered(report: Report, where: Path, on: int) -> Standings:
    return book.record(report.to_dict(), where, who="ana", when=day(on)).standings


def counts(standings: Standings) -> dict[str, int]:
    return {name: count for name, count in standings.counts().items() if count}


def test_rows_about_rows_more_and_sheets_under_other_names_leave_every_query_as_it_was(
    first: tuple[Path, Report], tmp_path: Path
) -> None:
    folder, report = first
    entered(report, tmp_path / "q.db", 1)
    assert len(report) == 8
    upload = site(1)
    rng = Random(1)
    for rows in upload.sheets.values():
        rng.shuffle(rows)
    more = clean("palhep-a", sites=1, subjects=2, seed=9)[0]
    for name, rows in more.sheets.items():
        upload.sheets[name][:0] = [
            {**row, "Subject ID": f"9{row['Subject ID']}", "Site ID": upload.site} for row in rows
        ]
    path = tmp_path / "from site one, v2.xlsx"
    write_xlsx(upload, path)
    changed = openpyxl.load_workbook(path)
    for name, sheet in STUDY.sheets.items():
        if name in changed.sheetnames and sheet.synonyms:
            changed[name].title = sheet.synonyms[0]
    changed.move_sheet(changed.sheetnames[0], 3)
    changed.save(path)
    told = entered(judged([path, folder / "site-02.xlsx"]), tmp_path / "q.db", 2)
    assert counts(told) == {"open": 8}


def test_what_a_site_corrects_is_resolved_and_the_other_site_s_queries_stay(
    first: tuple[Path, Report], tmp_path: Path
) -> None:
    folder, report = first
    where = tmp_path / "q.db"
    entered(report, where, 1)
    write_xlsx(site(2, planted=False), tmp_path / "site two corrected.xlsx")
    told = entered(judged([tmp_path / "site two corrected.xlsx"]), where, 2)
    assert counts(told) == {"resolved": 4, "not judged": 4}
    assert {p.why[:8] for p in told.unjudged} == {"subject "}
    again = entered(judged([folder / "site-01.xlsx"]), where, 3)
    assert counts(again) == {"open": 4}
    both = entered(report, where, 4)
    assert counts(both) == {"open": 4, "reopened": 4}


def test_a_column_that_is_gone_resolves_nothing_and_asks_once_whatever_the_sheet_is_called(
    first: tuple[Path, Report], tmp_path: Path
) -> None:
    folder, report = first
    where = tmp_path / "q.db"
    entered(report, where, 1)
    for on, name in enumerate(("Demographics", STUDY.sheets["Demographics"].synonyms[0]), start=2):
        lacking = openpyxl.load_workbook(folder / "site-01.xlsx")
        page = lacking["Demographics"]
        page.delete_cols([c.value for c in page[1]].index("Weight") + 1)
        page.title = name
        path = tmp_path / f"upload {on}.xlsx"
        lacking.save(path)
        told = entered(judged([path, folder / "site-02.xlsx"]), where, on)
        word = "new" if on == 2 else "open"
        assert counts(told) == {"new": 1, "open": 7, "not judged": 1} if word == "new" else {"open": 8, "not judged": 1}
        assert "STR-009" in told.unjudged[0].check_id


def test_checks_that_were_left_out_resolve_nothing(first: tuple[Path, Report], tmp_path: Path) -> None:
    folder, report = first
    where = tmp_path / "q.db"
    entered(report, where, 1)
    for number in (1, 2):
        write_xlsx(site(number, planted=False), tmp_path / f"clean-{number}.xlsx")
    paths = sorted(tmp_path.glob("clean-*.xlsx"))
    told = entered(judged(paths, only=("TRM-001",)), where, 2)
    assert counts(told) == {"resolved": 2, "not judged": 6}
    assert counts(entered(judged(paths, skip=("DAT-*",)), where, 3)) == {"resolved": 6, "not judged": 2}
    assert counts(entered(judged(paths), where, 4)) == {"resolved": 8}
    assert folder.is_dir()


def test_an_unreadable_date_hides_no_query(tmp_path: Path) -> None:
    """A dose is missing; then a date of the same subject cannot be read, so that nobody can count the doses."""
    upload = site(1, planted=False)
    subject = upload.sheets["Dosing"][0]["Subject ID"]
    doses = [r for r in upload.sheets["Dosing"] if (r["Subject ID"], r["Drug"]) == (subject, "Durvalumab")]
    upload.sheets["Dosing"].remove(doses[1])
    write_xlsx(upload, tmp_path / "gap.xlsx")
    before = judged([tmp_path / "gap.xlsx"], only=("DOS-*", "DAT-*"))
    gaps = {f.fingerprint for f in before if f.check_id.startswith("DOS") and f.subject == subject}
    assert gaps
    where = tmp_path / "q.db"
    entered(before, where, 1)
    doses[2]["Start Date"] = Typed("03/04/2024")
    write_xlsx(upload, tmp_path / "unreadable.xlsx")
    after = judged([tmp_path / "unreadable.xlsx"], only=("DOS-*", "DAT-*"))
    assert not gaps & {f.fingerprint for f in after}
    told = entered(after, where, 2)
    assert {p.query for p in told.unjudged} >= gaps
    assert not told.resolved
    doses[2]["Start Date"] = doses[2]["End Date"]
    upload.sheets["Dosing"].append(doses[1])
    write_xlsx(upload, tmp_path / "complete.xlsx")
    assert {
        p.query for p in entered(judged([tmp_path / "complete.xlsx"], only=("DOS-*", "DAT-*")), where, 3).resolved
    } >= gaps
