"""The small parts of an .xlsx package in, its plan out: sheets and where they stand, date system, number formats."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache

from lxml import etree

from cdiscx.model.errors import UploadError
from cdiscx.read.archive import Archive

_DATE_BUILTIN = frozenset({*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)})
#: the built-in format that counts hours past 24
_DURATIONS = {"46": "[h]:mm:ss"}
#: the built-in formats that show a share as a percentage
PERCENT_BUILTIN = {9: "0%", 10: "0.00%"}
#: a number format of two or more zeros and of literals only: the one that pads (`000`, `00\-000`, `"S"000`)
_PIECES = re.compile(r'"([^"]*)"|\\(.)|([-/:() ])|(0)')


@dataclass(frozen=True, slots=True)
class SheetPart:
    """One sheet of the workbook: its name as on the tab, and the member that holds it."""

    name: str
    member: str
    hidden: bool


@dataclass(frozen=True, slots=True)
class Plan:
    """`padded`: style index -> number format that pads; `dated`: style index -> format that shows a date or time."""

    sheets: tuple[SheetPart, ...]
    other: tuple[str, ...]
    date_system: int
    padded: dict[int, str]
    dated: dict[int, str]


def parse_xml(content: bytes, name: str, member: str) -> etree._Element:
    """The root of a small XML part; entities are not resolved, nothing is fetched."""
    try:
        return etree.fromstring(content, etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False))
    except etree.XMLSyntaxError as error:
        raise UploadError(
            f"{name} is damaged ({member} is not complete); open it, save it again and upload the new file"
        ) from error


def guard_xml(first_piece: bytes, name: str) -> None:
    """Refuses what no spreadsheet program writes and what attacks are made of: document types, foreign encodings."""
    if first_piece[:2] in (b"\xff\xfe", b"\xfe\xff") or b"\x00" in first_piece[:4]:
        raise UploadError(f"{name} is written in an unusual encoding; open it in Excel, save it and upload that file")
    if b"<!DOCTYPE" in first_piece or b"<!ENTITY" in first_piece:
        raise UploadError(
            f"{name} contains XML entity definitions, which spreadsheets never do (like an attack); it was not read"
        )


def _local(element: etree._Element) -> str:
    return etree.QName(element).localname if isinstance(element.tag, str) else ""


def _attribute(element: etree._Element, wanted: str) -> str | None:
    """An attribute by its local name (transitional and strict files differ in the namespace only)."""
    for key, value in element.attrib.items():
        if etree.QName(key).localname == wanted:
            return str(value)
    return None


def relations(archive: Archive, owner: str) -> dict[str, tuple[str, str]]:
    """Relationship id -> (kind, member) of one part."""
    folder, base = posixpath.split(owner)
    member = posixpath.join(folder, "_rels", base + ".rels")
    if member not in archive.members:
        return {}
    targets: dict[str, tuple[str, str]] = {}
    for relation in parse_xml(archive.read(member), archive.name, member):
        if _local(relation) != "Relationship":
            continue
        target = (relation.get("Target") or "").replace("\\", "/")
        whole = target.lstrip("/") if target.startswith("/") else posixpath.normpath(posixpath.join(folder, target))
        kind = (relation.get("Type") or "").rsplit("/", 1)[-1]
        targets[relation.get("Id") or ""] = (kind, whole)
    return targets


def _member(archive: Archive, wanted: str) -> str | None:
    """The member's name as the directory spells it (writers disagree about case)."""
    if wanted in archive.members:
        return wanted
    return next((name for name in archive.members if name.casefold() == wanted.casefold()), None)


def plan_of(archive: Archive) -> Plan:
    """Reads workbook, relationships and styles. Raises UploadError when the package is incomplete."""
    home = next(
        (whole for kind, whole in relations(archive, "").values() if kind == "officeDocument"),
        "xl/workbook.xml",
    )
    workbook = _member(archive, home)
    if workbook is None:
        raise UploadError(f"{archive.name} is damaged (it holds no workbook); save it again and upload the new file")
    root = parse_xml(archive.read(workbook), archive.name, workbook)
    targets = relations(archive, workbook)
    date_system = 1900
    sheets: list[SheetPart] = []
    other: list[str] = []
    for element in root.iter():
        if _local(element) == "workbookPr" and (element.get("date1904") or "").lower() in ("1", "true", "on"):
            date_system = 1904
        if _local(element) != "sheet":
            continue
        name = element.get("name") or ""
        kind, whole = targets.get(_attribute(element, "id") or "", ("", ""))
        if kind not in ("worksheet", ""):
            other.append(name)
            continue
        member = _member(archive, whole)
        if member is None:
            raise UploadError(f"{archive.name} is damaged (sheet {name!r} is missing); save it again and upload it")
        sheets.append(SheetPart(name, member, (element.get("state") or "visible") != "visible"))
    styles = next((_member(archive, whole) for kind, whole in targets.values() if kind == "styles"), None)
    padded, dated = _formats(archive, styles) if styles else ({}, {})
    return Plan(tuple(sheets), tuple(other), date_system, padded, dated)


def _formats(archive: Archive, member: str) -> tuple[dict[int, str], dict[int, str]]:
    root = parse_xml(archive.read(member), archive.name, member)
    codes: dict[str, str] = {}
    padded: dict[int, str] = {}
    dated: dict[int, str] = {}
    for element in root.iter():
        if _local(element) == "numFmt" and _local(element.getparent()) == "numFmts":
            codes[element.get("numFmtId") or ""] = element.get("formatCode") or ""
    formats = next((element for element in root if _local(element) == "cellXfs"), None)
    for index, style in enumerate(formats if formats is not None else ()):
        number = style.get("numFmtId") or "0"
        code = codes.get(number, "") or (PERCENT_BUILTIN.get(int(number), "") if number.isdigit() else "")
        if pad(code, 1.0) is not None:
            padded[index] = code
        elif is_date_format(code) or (not code and number.isdigit() and int(number) in _DATE_BUILTIN):
            dated[index] = code or _DURATIONS.get(number, "")
    return padded, dated


@lru_cache(maxsize=1024)
def is_date_format(code: str) -> bool:
    """Whether a number format shows a date or a time: `d m y h s` outside of quotes, escapes and colours."""
    bare = re.sub(r'"[^"]*"|\\.|_.|\*.|\[(?![hms]+\])[^\]]*\]', "", code.lower())
    return "general" not in bare and bool(re.search(r"[dmyhs]", bare))


@lru_cache(maxsize=1024)
def _pad_template(code: str) -> tuple[str, ...] | None:
    """`00\\-000` -> ('', '', '-', '', '', '') with one None-like '' a digit; None where the format does not pad."""
    section = re.sub(r"_.|\*.|\[[^\]]*\]", "", code.split(";")[0])
    pieces: list[str] = []
    position = 0
    while position < len(section):
        match = _PIECES.match(section, position)
        if match is None:
            return None
        pieces.append("" if match[4] else (match[1] or match[2] or match[3] or ""))
        position = match.end()
    return tuple(pieces) if section.count("0") >= 2 and pieces.count("") >= 2 else None


@lru_cache(maxsize=1024)
def is_percent_format(code: str) -> bool:
    """Whether a number format shows a share as a percentage: `%` outside of quotes and escapes."""
    return "%" in re.sub(r'"[^"]*"|\\.|\[[^\]]*\]', "", code.split(";")[0])


def pad(code: str, value: float) -> str | None:
    """7 in `000` -> `007`, 0.105 in `0%` -> `10.5%`: a number whose format tells more than its value.

    None where the format neither pads nor shows a percentage, or the number to pad is not whole (its decimals must
    stay). A percentage keeps all its digits, whatever the format rounds them to.
    """
    if is_percent_format(code):
        return f"{(Decimal(repr(value)) * 100).normalize():f}%"
    template = _pad_template(code)
    if template is None or value != int(value):
        return None
    digits = list(str(abs(int(value))).zfill(template.count("")))
    shown: list[str] = []
    left = template.count("")
    for piece in reversed(template):
        if piece:
            shown.append(piece)
        else:
            left -= 1
            shown.append(digits.pop() if left else "".join(digits))
    return ("-" if value < 0 else "") + "".join(reversed(shown))
