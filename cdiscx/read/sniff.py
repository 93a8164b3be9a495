"""The first bytes of an upload in, the name of the reader that can read it out."""

from __future__ import annotations

import io
import zipfile

from cdiscx.model.errors import UploadError
from cdiscx.read.delimited import separator_of

_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
#: other things that people upload by mistake
_KNOWN = (
    (b"%PDF", "a PDF"),
    (b"{\\rtf", "a Word (RTF) document"),
    (b"\x89PNG", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
    (b"GIF8", "a picture"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"Rar!", "a RAR archive"),
    (b"7z\xbc\xaf", "a 7-Zip archive"),
    (b"HEADER RECORD*", "a SAS transport file"),
    (b"PAR1", "a Parquet file"),
)
_TEXT_ENDINGS = (".csv", ".tsv", ".txt")
_ADVICE = "open it in Excel, save it as .xlsx and upload that file"


def format_of(data: bytes, name: str) -> str:
    """`xlsx`, `xlsb`, `xls`, `ods`, `zip` or `csv`, by content.

    Raises UploadError for anything else, saying what it is as far as that can be told.
    """
    if data.startswith(_OLE):
        return _inside_ole(data, name)
    if data.startswith((b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")):
        return _inside_zip(data, name)
    for start, what in _KNOWN:
        if data.startswith(start):
            raise UploadError(f"{name} is {what}, not a spreadsheet; upload the workbook itself")
    return _text(data, name)


def _inside_ole(data: bytes, name: str) -> str:
    def holds(stream: str) -> bool:
        return stream.encode("utf-16-le") in data

    if holds("EncryptedPackage"):
        raise UploadError(f"{name} is protected with a password; save it without one and upload again")
    if holds("Workbook") or holds("Book"):
        return "xls"
    if holds("WordDocument"):
        raise UploadError(f"{name} is a Word document, not a spreadsheet; upload the workbook itself")
    raise UploadError(f"{name} is damaged or not a workbook; {_ADVICE}")


def _inside_zip(data: bytes, name: str) -> str:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as opened:
            names = {info.filename.replace("\\", "/").lower() for info in opened.infolist()}
    except Exception:  # whatever is wrong with the directory, the archive door says it in one voice
        return "zip"
    if "xl/workbook.bin" in names:
        return "xlsb"
    if "[content_types].xml" in names:
        if any(member.startswith("xl/") for member in names):
            return "xlsx"
        kind = "a Word document" if any(member.startswith("word/") for member in names) else "an Office document"
        raise UploadError(f"{name} is {kind}, not a spreadsheet; upload the workbook itself")
    if "content.xml" in names and ("mimetype" in names or "meta-inf/manifest.xml" in names):
        return "ods"
    return "zip"


def _text(data: bytes, name: str) -> str:
    ending = name[name.rfind(".") :].lower() if "." in name else ""
    head = data[:4096].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if head.startswith((b"<!doctype html", b"<html")) or b"<html" in head[:1024] or b"<table" in head[:1024]:
        raise UploadError(f"{name} is a web page (HTML), not a workbook; {_ADVICE}")
    if head.startswith(b"<"):
        raise UploadError(f"{name} is an XML file, not a workbook; {_ADVICE}")
    if ending in _TEXT_ENDINGS:
        return "csv"
    if _looks_like_text(data[:4096]):
        text = data[:4096].decode("utf-8", "replace")
        what = "a CSV text file" if separator_of(text) in text else "a text file"
        raise UploadError(f"{name} is {what}, not a workbook; rename it to .csv, or {_ADVICE}")
    raise UploadError(f"{name} is not a spreadsheet (its content is unknown or damaged); {_ADVICE}")


def _looks_like_text(head: bytes) -> bool:
    return not any(byte < 9 or 13 < byte < 32 for byte in head)
