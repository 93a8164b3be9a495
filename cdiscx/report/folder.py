"""The report folder: page, query log, annotated copies, JSON and change log; it appears whole or not at all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from xlsxwriter.exceptions import XlsxWriterException

from cdiscx.model.finding import Finding, Report
from cdiscx.model.folder import Kind, whole_folder
from cdiscx.model.spec import Study
from cdiscx.model.table import UploadFile
from cdiscx.report import languages
from cdiscx.report.annotate import annotate
from cdiscx.report.changes import write_changes
from cdiscx.report.copies import Copy
from cdiscx.report.machine import render_json
from cdiscx.report.page import render_page
from cdiscx.report.queries import query_ids, write_queries

#: the file by which a folder is known as a report of ours: its files and their hashes
MARKER = ".cdiscx-report"
REPORT = Kind("report", "the reports", MARKER)


def write_folder(
    report: Report, files: Sequence[UploadFile], folder: Path, study: Study, extra: Mapping[str, str] | None = None
) -> list[Path]:
    """Writes `report.html`, `queries.xlsx`, `annotated/<upload>`, `report.json` and `changes.csv` into a folder.

    `extra`: further text files by relative name (the expectation suites).

    They are made in a folder beside it that takes its place at the end. A folder that is there is replaced when it is
    empty or an earlier report in which nothing was changed. Returns the files. Raises ExportError, in one line.
    """
    with whole_folder(folder, REPORT, also=(XlsxWriterException,)) as made:
        written = [*_write(report, files, made, study), *_write_extra(made, extra or {})]
    return [folder.resolve() / path.relative_to(made) for path in written]


def _write_extra(made: Path, extra: Mapping[str, str]) -> list[Path]:
    for name, text in extra.items():
        path = made / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text + "\n", encoding="utf-8", newline="\n")
    return [made / name for name in extra]


def _write(report: Report, files: Sequence[UploadFile], folder: Path, study: Study) -> list[Path]:
    ids = query_ids(report.findings)
    day = str(report.run.get("day_of_run") or "2000-01-01")
    copies = _copies(report, files, folder / "annotated", day, ids)
    page, queries, data, changes = (folder / n for n in ("report.html", "queries.xlsx", "report.json", "changes.csv"))
    names = {copy.upload: copy.name for copy in copies if copy.name}
    notes = tuple(f"{copy.upload}: {note}" for copy in copies for note in copy.notes)
    title = languages.of(report).of_study(study).texts.get(study.title, study.title)
    page.write_text(render_page(report, names, title, notes), encoding="utf-8", newline="\n")
    write_queries(report, queries, {copy.upload: copy for copy in copies})
    data.write_text(render_json(report), encoding="utf-8", newline="\n")
    write_changes(report.changes, changes)
    return [page, queries, *(folder / "annotated" / name for name in names.values()), data, changes]


def _copies(report: Report, files: Sequence[UploadFile], folder: Path, day: str, ids: dict[str, str]) -> list[Copy]:
    """One annotated copy an upload; findings that name no file go to the only upload, where there is only one."""
    by_file: dict[str | None, list[Finding]] = {}
    for finding in report.open:
        by_file.setdefault(finding.file, []).append(finding)
    folder.mkdir()
    nowhere = by_file.get(None, []) if len(files) == 1 else []
    tongue = languages.of(report)
    return [annotate(upload, [*nowhere, *by_file.get(upload.name, [])], folder, day, ids, tongue) for upload in files]
