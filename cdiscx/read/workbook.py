"""An .xlsx or .xlsm package in, its sheets out: values by a fast reader, the rest from the package's XML."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import fastexcel
import python_calamine

from cdiscx.model.errors import UploadError
from cdiscx.model.table import RawSheet
from cdiscx.read.archive import Archive, open_archive
from cdiscx.read.cells import frames, frames_of
from cdiscx.read.details import look
from cdiscx.read.given import Found, Given, raw_sheet
from cdiscx.read.parts import guard_xml, plan_of
from cdiscx.read.scattered import cells_of
from cdiscx.registry import reader


@contextmanager
def parser_errors(name: str) -> Iterator[None]:
    """The one door where a foreign parser's complaint becomes an UploadError."""
    try:
        yield
    except python_calamine.PasswordError as error:
        raise UploadError(f"{name} is protected with a password; save it without one and upload again") from error
    except (python_calamine.CalamineError, fastexcel.FastExcelError) as error:
        detail = " ".join(str(error).split())[:200]
        raise UploadError(f"{name} is damaged ({detail}); open it, save it again and upload the new file") from error
    except BaseException as error:
        # a panic in the Rust reader arrives as pyo3_runtime.PanicException, which is no Exception and cannot be
        # imported; it means a file that its authors did not foresee. Everything else is ours and passes.
        if (type(error).__module__, type(error).__name__) != ("pyo3_runtime", "PanicException"):
            raise
        raise UploadError(f"{name} is damaged; open it, save it again and upload the new file") from error


def check_parts(
    archive: Archive, skip: Iterable[str] = (), endings: tuple[str, ...] = (".xml", ".rels", ".vml")
) -> None:
    """Unpacks every XML part that a parser might read, to prove its size and to see its first bytes."""
    passed = set(skip)
    for member in archive.members:
        if member in passed or not member.lower().endswith(endings):
            continue
        for i, piece in enumerate(archive.pieces(member)):
            if i == 0 and not member.lower().endswith(".bin"):
                guard_xml(piece, archive.name)


def merged_ranges(sheet: python_calamine.CalamineSheet) -> list[tuple[int, int, int, int]]:
    """1-based first row, first column, last row, last column of every merged range."""
    return [
        (top + 1, left + 1, bottom + 1, right + 1) for (top, left), (bottom, right) in sheet.merged_cell_ranges or ()
    ]


@reader("xlsx")
def read_xlsx(given: Given) -> Found:
    """Reads .xlsx and .xlsm. Raises UploadError with one line for a file that cannot be read."""
    archive = open_archive(given.data, given.name, given.limits)
    plan = plan_of(archive)
    check_parts(archive, skip=(sheet.member for sheet in plan.sheets))
    sheets: list[RawSheet] = []
    with parser_errors(given.name):
        workbook = python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(given.data))
    for part in plan.sheets:
        details = look(archive, part.member, plan)
        details.facts.hidden = part.hidden
        if details.scattered:
            text, kinds = frames_of(cells_of(archive, part, plan, details))
        else:
            with parser_errors(given.name):
                sheet = workbook.get_sheet_by_name(part.name)
                details.facts.merged = merged_ranges(sheet)
                text, kinds = frames(sheet.iter_rows(), details.patches, sheet.start[1] if sheet.start else 0)
                del sheet
        sheets.append(raw_sheet(given.name, part.name, text, kinds, details.facts))
    notes = tuple(f"{name}: not a sheet of cells (a chart or a macro sheet), ignored" for name in plan.other)
    return Found(tuple(sheets), notes, plan.date_system)
