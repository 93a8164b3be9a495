"""What a workbook holds that openpyxl cannot write again, found in the zip before it is opened."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from importlib.util import find_spec

#: part of the zip (beginning of its name) -> what is lost with it
_PARTS = {
    "xl/ctrlProps/": "form controls (check boxes, buttons)",
    "xl/activeX/": "ActiveX controls",
    "xl/slicers/": "slicers",
    "xl/timelines/": "timelines",
    "xl/queryTables/": "query tables",
    "xl/connections.xml": "data connections",
    "xl/embeddings/": "embedded files",
    "xl/diagrams/": "SmartArt",
    "xl/threadedComments/": "threaded comments (their text stays as plain comments)",
    "xl/metadata.xml": "dynamic array formulas",
    "xl/richData/": "linked data types and pictures in cells",
    "_xmlsignatures/": "digital signatures",
}
#: (beginning of the part's name, bytes in it, what is lost)
_INSIDE = (
    ("xl/worksheets/", b"sparklineGroup", "sparklines"),
    ("xl/worksheets/", b"x14:conditionalFormatting", "newer conditional formats (data bars, icon sets)"),
    ("xl/worksheets/", b"x14:dataValidation", "drop-down lists that refer to other sheets"),
    ("xl/drawings/", b":sp>", "shapes and text boxes"),
    ("xl/drawings/", b":sp ", "shapes and text boxes"),
    ("xl/drawings/", b":cxnSp", "shapes and text boxes"),
    ("xl/drawings/", b":grpSp", "shapes and text boxes"),
)
_PIECE = 1 << 20


def is_workbook(data: bytes) -> bool:
    """True for what openpyxl can open: a zip with an XML workbook (.xlsx, .xlsm whatever the name says)."""
    if not data.startswith(b"PK"):
        return False
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as book:
            return "xl/workbook.xml" in book.namelist()
    except zipfile.BadZipFile:
        return False


def sheet_bytes(data: bytes) -> int:
    """Unpacked size of all sheets: what opening the workbook costs."""
    with zipfile.ZipFile(io.BytesIO(data)) as book:
        return sum(info.file_size for info in book.infolist() if info.filename.startswith("xl/worksheets/"))


def has_macros(data: bytes) -> bool:
    """True when the workbook carries a macro project."""
    with zipfile.ZipFile(io.BytesIO(data)) as book:
        return "xl/vbaProject.bin" in book.namelist()


def losses(data: bytes, formulas: int, macros_kept: bool) -> tuple[str, ...]:
    """What the copy will not have, one phrase each; `formulas`: cells whose formula has a cached value."""
    found: list[str] = []
    with zipfile.ZipFile(io.BytesIO(data)) as book:
        names = book.namelist()
        if any(n.startswith("xl/media/") for n in names) and find_spec("PIL") is None:
            found.append("pictures")
        if "xl/vbaProject.bin" in names and not macros_kept:
            found.append("macros")
        found += [what for part, what in _PARTS.items() if any(n.startswith(part) for n in names)]
        for begin, mark, what in _INSIDE:
            if what not in found and any(n.startswith(begin) and _holds(book, n, mark) for n in names):
                found.append(what)
    if formulas:
        said = "1 formula" if formulas == 1 else f"{formulas:,} formulas"
        found.append(
            f"the stored results of {said} (the spreadsheet program computes them again when it opens the copy)"
        )
    return tuple(found)


def declares_entities(data: bytes) -> bool:
    """True when a part of the workbook has a document type: no spreadsheet program writes one, attacks do."""
    with zipfile.ZipFile(io.BytesIO(data)) as book:
        parts = [n for n in book.namelist() if n.endswith((".xml", ".rels", ".vml"))]
        return any(_holds(book, n, b"<!DOCTYPE") or _holds(book, n, b"<!ENTITY") for n in parts)


def _holds(book: zipfile.ZipFile, name: str, mark: bytes) -> bool:
    rest = b""
    for piece in _pieces(book, name):
        if mark in rest + piece:
            return True
        rest = piece[-len(mark) :]
    return False


def _pieces(book: zipfile.ZipFile, name: str) -> Iterator[bytes]:
    with book.open(name) as part:
        while piece := part.read(_PIECE):
            yield piece
