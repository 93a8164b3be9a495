"""The annotated copy of an upload: the workbook itself with colours and comments, or its cells in a new workbook."""

from __future__ import annotations

import datetime as dt
import hashlib
import io
import re
import warnings
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from openpyxl import Workbook, load_workbook
from openpyxl.drawing.spreadsheet_drawing import SpreadsheetDrawing
from openpyxl.worksheet._writer import WorksheetWriter
from openpyxl.writer.excel import ExcelWriter

from cdiscx.model.finding import Finding
from cdiscx.model.table import UploadFile
from cdiscx.report import losses, marks, words
from cdiscx.report.copies import FRONT, Copy
from cdiscx.report.languages import PLAIN, Language
from cdiscx.report.plain import Plain

#: a larger upload is not copied: openpyxl needs some 400 bytes of memory a cell
ROWS, SHEET_BYTES = 200_000, 120 * 1024**2
_FIRST_DAY = (1980, 1, 1, 0, 0, 0)
_MODIFIED = re.compile(rb"(<dcterms:(created|modified)[^>]*>)[^<]*(</dcterms:)")
_NOT_IN_TITLES = re.compile(r"[\[\]:*?/\\\x00-\x1f\ud800-\udfff\ufffe\uffff]")


def annotate(
    upload: UploadFile,
    findings: Sequence[Finding],
    folder: Path,
    day: str,
    ids: Mapping[str, str],
    tongue: Language = PLAIN,
) -> Copy:
    """Writes the annotated copy of one upload into a folder; the upload is only read.

    `findings`: the open ones of this upload; `day`: ISO date that the file is stamped with, so that the same input gives
    the same bytes; `ids`: fingerprint -> query id; `tongue`: of comments and of the first sheet. A copy that cannot be made has an empty name and the reason in its
    notes. Raises OSError when the folder cannot be written.
    """
    rows = sum(sheet.text.height for sheet in upload.sheets)
    data = _bytes(upload)
    if rows > ROWS or (data is not None and losses.is_workbook(data) and losses.sheet_bytes(data) > SHEET_BYTES):
        said = "no coloured copy: {n} rows are too many to copy; report.html and queries.xlsx name every cell"
        said = tongue.label(said, n=f"{rows:,}")
        return Copy(upload.name, "", {}, (said,))
    say = tongue.label
    opened = _opened(upload, data, tongue)
    book, sheets, notes = opened or _new(upload, data, tongue)
    plain = [] if opened else _plain(book, upload, sheets, findings)
    tally = say(", ").join(tongue.many(sum(f.severity is s for f in findings), s.value) for s in words.BY_SEVERITY)
    facts = [
        say("cdiscx: findings in {x}", x=words.visible(upload.name)),
        say("{findings} in this file: {tally}.", findings=tongue.many(len(findings), "open finding"), tally=tally),
        say("A copy for review: red is an error, amber a warning, blue a note; the comments say what is wrong."),
        say("The upload itself was not changed. Correct there, not here."),
        *notes,
    ]
    front = marks.add_front(book, facts, findings, sheets, ids, tongue)
    name = _free_name(upload.name, folder, macros=book.vba_archive is not None)
    (folder / name).write_bytes(_same_bytes(book, plain, day))
    return Copy(upload.name, name, sheets, tuple(notes), front)


def _free_name(upload: str, folder: Path, macros: bool) -> str:
    """The upload's name; `.xlsx` behind it where the copy is none of its kind, a number before where it is taken."""
    plain = upload.replace("/", "_").replace("\\", "_")
    name = plain if plain.lower().endswith(".xlsm" if macros else ".xlsx") else f"{plain}.xlsx"
    tries = [name, *(f"{n}_{name}" for n in range(2, 10_000))]
    return next(t for t in tries if not (folder / t).exists())


def _bytes(upload: UploadFile) -> bytes | None:
    """The upload's bytes, where it is one file and still the one that was read."""
    path = Path(upload.path)
    try:
        data = path.read_bytes() if upload.path and path.is_file() else None
    except OSError:
        return None
    return data if data is not None and hashlib.sha256(data).hexdigest() == upload.sha256 else None


def _opened(upload: UploadFile, data: bytes | None, tongue: Language) -> tuple[Any, dict[str, str], list[str]] | None:
    """The workbook itself, its sheets and what it loses; None where openpyxl cannot open it as it was read."""
    if data is None or not losses.is_workbook(data) or losses.declares_entities(data):
        return None
    macros = losses.has_macros(data) and upload.name.lower().endswith(".xlsm")
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        try:
            book = load_workbook(io.BytesIO(data), keep_vba=macros, rich_text=True)
        except Exception:  # openpyxl raises anything on files that other programs open; the fallback needs none of them
            return None
    sheets = {sheet.sheet: sheet.sheet for sheet in upload.sheets}
    if not set(sheets) <= {page.title for page in book.worksheets}:
        return None
    lost = losses.losses(data, sum(sheet.formulas for sheet in upload.sheets), macros)
    parts = tongue.label(", ").join(tongue.read(part) for part in lost)
    notes = [tongue.label("This copy does not have: {x}.", x=parts)] if lost else []
    warned = dict.fromkeys(str(w.message) for w in told)
    notes += [tongue.label("On copying: {x}", x=words.visible(said)) for said in warned]
    return book, sheets, notes


def _new(upload: UploadFile, data: bytes | None, tongue: Language) -> tuple[Any, dict[str, str], list[str]]:
    """A new workbook with a page for each sheet, still empty."""
    book = Workbook()
    book.remove(book.active)
    sheets: dict[str, str] = {}
    for sheet in upload.sheets:
        if sheet.sheet not in sheets:
            sheets[sheet.sheet] = _title(sheet.sheet, {t.casefold() for t in sheets.values()})
            book.create_sheet(sheets[sheet.sheet])
    why = (
        "the upload is no .xlsx workbook"
        if data is None or not losses.is_workbook(data)
        else "its workbook cannot be copied as it is"
    )
    if data is None and upload.path and Path(upload.path).is_file():
        why = "the upload was changed or closed after it was read"
    told = "A new workbook with every cell as text at its place, without formats and formulas: {why}."
    notes = [tongue.label(told, why=tongue.label(why))]
    renamed = {old: new for old, new in sheets.items() if old != new}
    said = "Sheet '{old}' is named '{new}' here."
    notes += [tongue.label(said, old=words.visible(old), new=new) for old, new in renamed.items()]
    return book, sheets, notes


def _plain(book: Any, upload: UploadFile, sheets: Mapping[str, str], findings: Sequence[Finding]) -> list[Plain]:
    """The pages of a new workbook, with every cell as read, as text, at the same coordinates."""
    plain: dict[str, Plain] = {}
    for sheet in upload.sheets:
        if sheet.sheet not in plain:  # of two with one name the first
            plain[sheet.sheet] = page = Plain(book[sheets[sheet.sheet]], sheet)
            here = [f for f in findings if f.sheet == sheet.sheet and f.row is not None]
            page.show({f.cell for f in here if f.cell}, {f.row for f in here if f.row and not f.cell})
    return list(plain.values())


def _title(name: str, taken: set[str]) -> str:
    """A sheet name that Excel takes: no `[]:*?/\\`, 31 characters, not twice."""
    base = _NOT_IN_TITLES.sub("_", name).strip("'")[:31] or "Sheet"
    title, number = base, 2
    while title.casefold() in taken or title.casefold() in ("history", FRONT.casefold()):
        title = f"{base[:26]} ({number})"
        number += 1
    return title


class _InMemory(ExcelWriter):  # type: ignore[misc]
    """openpyxl's writer without its temporary files: no cell of a subject lies in them when a run is killed."""

    plain: Mapping[Any, Plain] = {}

    def write_worksheet(self, ws: Any) -> None:
        """One sheet, as the parent writes it (openpyxl 3.1)."""
        ws._drawing = SpreadsheetDrawing()
        ws._drawing.charts, ws._drawing.images = ws._charts, ws._images
        writer = WorksheetWriter(ws, out=io.BytesIO())
        writer.write()
        ws._rels = writer._rels
        written = writer.read()
        self._archive.writestr(ws.path[1:], self.plain[ws].with_rows(written) if ws in self.plain else written)
        self.manifest.append(ws)


def _same_bytes(book: Any, plain: Sequence[Plain], day: str) -> bytes:
    """The workbook's bytes without the clock in them."""
    raw, out = io.BytesIO(), io.BytesIO()
    with zipfile.ZipFile(raw, "w", zipfile.ZIP_STORED, allowZip64=True) as archive:
        writer = _InMemory(book, archive)
        writer.plain = {page.page: page for page in plain}
        writer.save()
    stamp = dt.date.fromisoformat(day).strftime("%Y-%m-%dT00:00:00Z").encode()
    with zipfile.ZipFile(raw) as made, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as stamped:
        for info in made.infolist():
            content = made.read(info)
            if info.filename == "docProps/core.xml":
                content = _MODIFIED.sub(lambda m: m[1] + stamp + m[3], content)
            stamped.writestr(zipfile.ZipInfo(info.filename, _FIRST_DAY), content, zipfile.ZIP_DEFLATED)
    return out.getvalue()
