"""Bytes of delimited text in, a sheet of text cells out: encoding and separator found out, no value moved or lost."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterator
from itertools import islice

from cdiscx.model.errors import UploadError
from cdiscx.model.table import RawSheet
from cdiscx.read.cells import frames
from cdiscx.read.given import Found, Given
from cdiscx.read.limits import Limits
from cdiscx.registry import reader

_SEPARATORS = (",", ";", "\t")
_SAMPLE = 200
#: characters looked at to tell the separator: one record may be as long as the file
_SAMPLE_TEXT = 200_000
_BOMS = ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"))


def decoded(data: bytes, name: str) -> tuple[str, str]:
    """Text and the encoding it was in. Raises UploadError when it is none of those that sites use."""
    for mark, encoding in _BOMS:
        if data.startswith(mark):
            return _strict(data[len(mark) :], encoding, name), encoding
    head = data[:4096]
    if b"\x00" in head:
        # UTF-16 without its mark: in mostly Latin text every other byte is zero
        even, odd = head[0::2].count(0), head[1::2].count(0)
        if max(even, odd) * 4 >= len(head) // 2 and min(even, odd) == 0:
            encoding = "utf-16-le" if odd else "utf-16-be"
            return _strict(data, encoding, name), encoding
        raise UploadError(f"{name} is not text; export the sheet as CSV UTF-8 and upload again")
    try:
        return data.decode("utf-8"), "utf-8"
    except UnicodeDecodeError:
        return _strict(data, "gb18030", name), "gb18030"


def _strict(data: bytes, encoding: str, name: str) -> str:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        raise UploadError(
            f"{name} is in an encoding that cannot be told (not UTF-8, UTF-16 or GB18030); "
            "save it as CSV UTF-8 and upload again"
        ) from error


def separator_of(text: str) -> str:
    """`,`, `;` or tab: the one that cuts most of the first rows into the same number of fields, then into most."""
    hint = text[:6].lower()
    if hint.startswith("sep=") and len(hint) > 4 and hint[4] in _SEPARATORS:
        return hint[4]
    best, best_score = ",", (0, 0)
    text = text[:_SAMPLE_TEXT]
    for separator in _SEPARATORS:
        try:
            sample = list(islice(csv.reader(io.StringIO(text, newline=""), delimiter=separator), _SAMPLE))
        except csv.Error:
            continue
        widths = Counter(len(row) for row in sample if len(row) > 1)
        if not widths:
            continue
        width, rows = max(widths.items(), key=lambda item: (item[1], item[0]))
        if (rows, width) > best_score:
            best, best_score = separator, (rows, width)
    return best


def _records(text: str, separator: str, name: str, notes: list[str]) -> list[list[str]]:
    """All records; an empty line is an empty record, so that positions are the rows a spreadsheet shows."""
    records: list[list[str]] = []
    try:
        records.extend(csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True))
        return records
    except csv.Error as error:
        place = f"row {len(records) + 1}"
        if "unexpected end" in str(error):
            raise UploadError(
                f"{name}: the quote opened in {place} is never closed; close it (or save the sheet again as CSV UTF-8)"
            ) from error
        if "field larger" in str(error):
            raise UploadError(
                f"{name}: {place} has a cell of more than {csv.field_size_limit():,} characters, "
                "probably a quote that is not closed; correct it and upload again"
            ) from error
        notes.append(f"{name}: {place} has text after a closing quote; it was kept as it stands")
    try:
        return list(csv.reader(io.StringIO(text, newline=""), delimiter=separator))
    except csv.Error as error:
        raise UploadError(f"{name} cannot be read as CSV ({error}); save it as CSV UTF-8 and upload again") from error


def _padded(records: list[list[str]], width: int) -> Iterator[list[str]]:
    for record in records:
        yield record if len(record) == width else record + [""] * (width - len(record))


def _too_many(shown: str, limits: Limits) -> UploadError:
    return UploadError(f"{shown} has more than {limits.cells:,} cells; split it and upload the parts")


def sheet_of(data: bytes, *, file: str, sheet: str, shown: str, limits: Limits, notes: list[str]) -> RawSheet:
    """One delimited text -> one sheet, all cells TEXT; `shown` names it in messages. Adds to `notes`.

    Rows may differ in length: a longer one has more cells, none moves. Raises UploadError.
    """
    text, encoding = decoded(data, shown)
    if encoding != "utf-8":
        notes.append(f"{shown}: read as {encoding.upper()}")
    separator = separator_of(text)
    if text.count(separator) + text.count("\n") + text.count("\r") > limits.cells:
        raise _too_many(shown, limits)
    records = _records(text, separator, shown, notes)
    if records and records[0] and text[:4].lower() == "sep=":
        records[0] = []
    width = max((len(record) for record in records), default=0)
    if len(records) > limits.rows:
        raise UploadError(f"{shown} has more than {limits.rows:,} rows; split it and upload the parts")
    if width > limits.columns or width * len(records) > limits.cells:
        raise UploadError(
            f"{shown} has a row of {width:,} cells, far longer than a sheet can be; correct it and upload again"
        )
    values, kinds = frames(_padded(records, width))
    return RawSheet(file, sheet, values, kinds)


@reader("csv")
def read_csv(given: Given) -> Found:
    """One .csv is an upload with one sheet, named like the file."""
    notes: list[str] = []
    stem = given.name.rsplit(".", 1)[0] or given.name
    sheet = sheet_of(given.data, file=given.name, sheet=stem, shown=given.name, limits=given.limits, notes=notes)
    return Found((sheet,), tuple(notes))
