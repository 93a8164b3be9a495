"""A small reader of sample workbooks, so that a style can be shown to lose nothing.

In: a path, the study. Out: sheet -> rows in canonical headers with Python values. It knows the synonyms that the
samples use and nothing of the package's own reader.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import date, datetime
from pathlib import Path

from openpyxl import load_workbook

from cdiscx.samples.layout import DATE_HEADERS, HEADERS, YES_NO_HEADERS, Row
from cdiscx.samples.synonyms import CHINESE, CHINESE_TEXT, COMMENT_HEADERS, ENGLISH, MISSING_WORDS, TOTALS

MONTHS = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"]
CHINESE_BACK = {v: k for k, v in CHINESE_TEXT.items()}
LENGTHS = ("Diameter", "Short Axis", "Viable Diameter")
LISTS = ("Status", "Certainty", "Frequency", "Drug", "Procedure", "Outcome", "Event", "Scope", "Dose Changed", "Branch")


def plain_header(text: str) -> str:
    """A header without case, spaces, colon and a unit in brackets."""
    text = unicodedata.normalize("NFKC", text)
    text = re.sub(r"[(\[](mm|kg|cm|%|years)[)\]]", "", text)
    return re.sub(r"\s+", " ", text).strip().rstrip(":").strip().casefold()


def known_headers(headers: list[str]) -> dict[str, str]:
    """Normalised spelling -> canonical header, for one sheet."""
    out: dict[str, str] = {}
    for header in headers:
        for spelling in (header, *ENGLISH.get(header, ()), *CHINESE.get(header, ())):
            key = plain_header(spelling)
            assert out.get(key, header) == header, f"{spelling} means {out[key]} and {header}"
            out[key] = header
    return out


def read_date(value: object) -> object:
    """A full date as a date, a partial one as YYYY or YYYY-MM."""
    if isinstance(value, datetime):
        return value.date()
    text = str(value).strip().upper()
    if found := re.fullmatch(r"(\d{4})(?:(\d\d)(\d\d)|[-/年](\d{1,2})[-/月](\d{1,2})日?)", text):
        return date(*(int(part) for part in found.groups() if part is not None))
    if found := re.fullmatch(r"(\d{1,2})[- ]?([A-Z]{3})[- ]?(\d{4})", text):
        return date(int(found[3]), MONTHS.index(found[2]) + 1, int(found[1]))
    if (found := re.fullmatch(r"(?:UN-?)?([A-Z]{3})-?(\d{4})", text)) and found[1] in MONTHS:
        return f"{found[2]}-{MONTHS.index(found[1]) + 1:02d}"
    if found := re.fullmatch(r"UNUNK(\d{4})", text):
        return found[1]
    return re.sub(r"-UN$", "", text)


def read_number(value: object, unit: object) -> object:
    """A number from text with another decimal sign, full-width digits or its unit, in mm where it is a length."""
    text = unicodedata.normalize("NFKC", str(value)).replace(",", ".")
    found = re.fullmatch(r"(-?\d+(?:\.\d+)?)\s*(mm|cm)?", text)
    if found is None:
        return value
    number = float(found[1])
    return round(number * 10, 6) if (found[2] or unit) == "cm" else number


def read_sheet(rows: list[tuple[object, ...]], formats: list[list[str]], headers: list[str]) -> list[Row]:
    """The data rows below the header row, totals and empty rows left out."""
    known = known_headers(headers)
    start = next(
        i for i, r in enumerate(rows) if sum(plain_header(str(c)) in known for c in r if c is not None) == len(headers)
    )
    names = [
        known.get(plain_header(str(c))) if c is not None and c not in COMMENT_HEADERS else None for c in rows[start]
    ]
    out = []
    for row, form in zip(rows[start + 1 :], formats[start + 1 :], strict=True):
        filled = [c for c in row if c is not None]
        if not filled or (len(filled) == 1 and filled[0] in TOTALS):
            continue
        cells = {n: (c, f) for n, c, f in zip(names, row, form, strict=True) if n is not None}
        unit = str(cells["Unit"][0]) if "Unit" in headers and cells["Unit"][0] is not None else None
        out.append({h: canonical(h, *cells[h], unit) for h in headers})
    return out


def canonical(header: str, value: object, number_format: str, unit: str | None) -> object:
    """One value back in the words of the contract."""
    if value is None or value in MISSING_WORDS:
        return None
    if header in ("Subject ID", "Site ID"):
        return str(value).zfill(len(number_format)) if set(number_format) == {"0"} else str(value)
    if header in DATE_HEADERS:
        return read_date(value)
    if header in YES_NO_HEADERS:
        return "Y" if str(value).lower() in ("y", "yes", "1", "是") else "N"
    if header == "Sex":
        return "M" if value in ("M", "Male", "男") else "F"
    if header == "Country":
        return "CHN"
    if header in LISTS:
        return str(value).lower()
    if header == "Unit" and value == "cm":
        return "mm"
    if isinstance(value, str) and value in CHINESE_BACK:
        return CHINESE_BACK[value]
    return read_number(value, unit if header in LENGTHS else None)


def read_workbook(path: Path, study: str) -> dict[str, list[Row]]:
    """Every sheet of the study's layout; extra sheets are left out."""
    book = load_workbook(path, data_only=True)
    out = {}
    for sheet, headers in HEADERS[study].items():
        cells = list(book[sheet].iter_rows())
        values = [tuple(c.value for c in row) for row in cells]
        out[sheet] = read_sheet(values, [[c.number_format for c in row] for row in cells], headers)
    return out


def expected(sheet: str, row: Row, *, evaluator: bool) -> Row:
    """A generated row in the words that this reader gives back."""
    out: Row = {}
    for header, value in row.items():
        if header == "Evaluator" and not evaluator:
            value = None
        elif header in LISTS and value is not None:
            value = str(value).lower()
        elif header not in ("Subject ID", "Site ID", *DATE_HEADERS, *YES_NO_HEADERS) and value is not None:
            value = read_number(value, None)
        out[header] = value
    return out
