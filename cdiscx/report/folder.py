"""The report folder: page, query log, annotated copies, JSON and change log; it appears whole or not at all."""

from __future__ import annotations

import hashlib
import json
import secrets
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from xlsxwriter.exceptions import XlsxWriterException

from cdiscx.model.errors import ExportError
from cdiscx.model.finding import Finding, Report
from cdiscx.model.spec import Study
from cdiscx.model.table import UploadFile
from cdiscx.report.annotate import annotate
from cdiscx.report.changes import write_changes
from cdiscx.report.copies import Copy
from cdiscx.report.machine import render_json
from cdiscx.report.page import render_page
from cdiscx.report.queries import query_ids, write_queries

#: the file by which a folder is known as a report of ours: its files and their hashes
MARKER = ".cdiscx-report"


def write_folder(
    report: Report, files: Sequence[UploadFile], folder: Path, study: Study, extra: Mapping[str, str] | None = None
) -> list[Path]:
    """Writes `report.html`, `queries.xlsx`, `annotated/<upload>`, `report.json` and `changes.csv` into a folder.

    `extra`: further text files by relative name (the expectation suites).

    They are made in a folder beside it that takes its place at the end. A folder that is there is replaced when it is
    empty or an earlier report in which nothing was changed. Returns the files. Raises ExportError, in one line.
    """
    target = folder.resolve()
    _refuse_foreign(target, folder)
    made = target.parent / f".{target.name}.{secrets.token_hex(4)}.partial"
    try:
        made.mkdir(parents=True)
        written = _write(report, files, made, study)
        for name, text in (extra or {}).items():
            path = made / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text + "\n", encoding="utf-8", newline="\n")
            written.append(path)
        marker = {path.relative_to(made).as_posix(): _digest(path) for path in written}
        (made / MARKER).write_text(
            json.dumps({"made by": "cdiscx", "files": marker}, indent=1) + "\n", encoding="utf-8"
        )
        _put_in_place(made, target)
    except (OSError, XlsxWriterException) as error:
        said = (error.strerror if isinstance(error, OSError) else None) or str(error) or type(error).__name__
        raise ExportError(f"the reports cannot be written to {folder}: {said}; nothing was left there") from error
    finally:
        shutil.rmtree(made, ignore_errors=True)
    return [target / path.relative_to(made) for path in written]


def _write(report: Report, files: Sequence[UploadFile], folder: Path, study: Study) -> list[Path]:
    ids = query_ids(report.findings)
    day = str(report.run.get("day_of_run") or "2000-01-01")
    copies = _copies(report, files, folder / "annotated", day, ids)
    page, queries, data, changes = (folder / n for n in ("report.html", "queries.xlsx", "report.json", "changes.csv"))
    names = {copy.upload: copy.name for copy in copies if copy.name}
    notes = tuple(f"{copy.upload}: {note}" for copy in copies for note in copy.notes)
    page.write_text(render_page(report, names, study.title, notes), encoding="utf-8", newline="\n")
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
    return [annotate(upload, [*nowhere, *by_file.get(upload.name, [])], folder, day, ids) for upload in files]


def _refuse_foreign(target: Path, said: Path) -> None:
    """Raises ExportError unless the folder is missing, empty, or an untouched report of ours."""
    try:
        if not target.exists():
            return
        if not target.is_dir():
            raise ExportError(f"{said} is a file; name a folder for the reports")
        there = {p.relative_to(target).as_posix(): p for p in target.rglob("*") if p.is_file() and p.name != MARKER}
        marker = target / MARKER
        if not marker.is_file():
            if any(target.iterdir()):
                raise ExportError(f"{said} holds other files and is no report of cdiscx; name an empty or a new folder")
            return
        known = json.loads(marker.read_text(encoding="utf-8"))["files"]
        changed = [
            n
            for n, path in sorted(there.items())
            if not path.name.startswith((".", "~")) and known.get(n) != _digest(path)
        ]
    except OSError as error:
        raise ExportError(f"{said} cannot be read: {error.strerror}; name another folder") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ExportError(f"{said}: its {MARKER} file is damaged; delete the folder or name another") from error
    if changed:
        raise ExportError(
            f"{said} is an earlier report in which {changed[0]} was changed or added; move it away or name another folder"
        )


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _put_in_place(made: Path, target: Path) -> None:
    """Renames the new folder over the old; the old one comes back when that fails."""
    if not target.exists():
        made.rename(target)
        return
    old = made.with_suffix(".old")
    target.rename(old)
    try:
        made.rename(target)
    except OSError:
        old.rename(target)
        raise
    shutil.rmtree(old, ignore_errors=True)
