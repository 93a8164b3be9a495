"""The XML of one .xlsx sheet in, what the fast reader loses out: errors, formulas without a value, hidden, padded.

A sheet has millions of cells and few of these; so the bytes are searched, not parsed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from html import unescape

from cdiscx.model.errors import UploadError
from cdiscx.model.table import ERROR, NO_CACHE, NUMBER, letter
from cdiscx.read.archive import Archive
from cdiscx.read.cells import Patches, number_text
from cdiscx.read.given import SheetFacts
from cdiscx.read.limits import Limits
from cdiscx.read.parts import Plan, guard_xml, pad

_CHUNK = 4 << 20
_LONGEST_ROW = 64 << 20
#: from this size on, a grid must be filled by its cells to an eighth, or it is read cell by cell
_DENSE = 8_000_000
#: any reference beyond Z999999: only then the extent must be looked at closely
_FAR = re.compile(rb"""["'](?:[A-Za-z]{2,}[0-9]+|[A-Za-z][0-9]{7,})["']""")
_FAR_PLAIN = re.compile(rb"""r="[A-Z](?:[A-Z]|[0-9]{7})""")
_REFERENCE = re.compile(rb"""["']([A-Za-z]{1,3})([0-9]{1,7})["']""")
#: no sheet has so many columns or rows; the fast reader would ask for a grid of that size and be ended by the system
_BEYOND = re.compile(rb"""\br\s*=\s*["'](?:[A-Za-z]{4,}[0-9]+|[A-Za-z]+[0-9]{8,})["']""")
_ROOT = re.compile(rb"<(?:([A-Za-z_][\w.-]*):)?worksheet[\s>]")
_ATTRIBUTE = re.compile(rb"""([\w:]+)\s*=\s*(?:"([^"]*)"|'([^']*)')""")


@dataclass(frozen=True, slots=True)
class Words:
    """The byte patterns of one writer, who may put a prefix before every element (`<x:c r=…`)."""

    cell: tuple[bytes, bytes, bytes]
    cell_first: bytes
    row_end: bytes
    formula: tuple[bytes, bytes]
    hidden_row: re.Pattern[bytes]
    column: re.Pattern[bytes]
    referred: re.Pattern[bytes]
    error: re.Pattern[bytes]
    bare: re.Pattern[bytes]
    number: str


@lru_cache(maxsize=16)
def _words(prefix: bytes) -> Words:
    p = re.escape(prefix).decode()
    formula = rf"(?:\s*<{p}f(?:\s[^<>]*)?(?:/>|>[^<]*</{p}f>))?\s*"
    value = rf"<{p}v(?:\s[^<>]*)?>([^<]*)</{p}v>"
    return Words(
        cell=(b"<" + prefix + b"c ", b"<" + prefix + b"c>", b"<" + prefix + b"c/>"),
        cell_first=b"<" + prefix + b'c r="',
        row_end=b"</" + prefix + b"row>",
        formula=(b"<" + prefix + b"f>", b"<" + prefix + b"f "),
        hidden_row=re.compile(rf"""<{p}row\s([^<>]*\bhidden\s*=\s*["'](?:1|true)["'][^<>]*)>""".encode()),
        column=re.compile(rf"<{p}col\s([^<>]*)>".encode()),
        referred=re.compile(rf"""<{p}c\s(?:[^<>]*\s)?r\s*=\s*["']""".encode()),
        error=re.compile(rf"""<{p}c\s([^<>]*\bt\s*=\s*["']e["'][^<>]*)>{formula}{value}""".encode()),
        bare=re.compile(
            (
                rf"<{p}c\s([^<>]*)>\s*<{p}f((?:\s[^<>]*?)?)(?:/>|>([^<]*)</{p}f>)"
                rf"\s*(<{p}v(?:\s[^<>]*)?(?:/>|>\s*</{p}v>))?\s*</{p}c>"
            ).encode()
        ),
        number=rf"""<{p}c\s([^<>]*\bs\s*=\s*["'](?:%s)["'][^<>]*)>{formula}{value}""",
    )


@dataclass(slots=True)
class Details:
    """What the search found. `cells` counts cell elements; `scattered`: too few of them for the grid they span."""

    facts: SheetFacts = field(default_factory=SheetFacts)
    patches: Patches = field(default_factory=dict)
    cells: int = 0
    scattered: bool = False
    #: shared formulas without a value: cell -> group; groups' first cell and text
    shared: dict[tuple[int, int], str] = field(default_factory=dict)
    masters: dict[str, tuple[str, str]] = field(default_factory=dict)


def attributes(text: bytes) -> dict[str, str]:
    """The attributes of a tag's inside."""
    return {
        match[1].decode("ascii", "replace"): unescape((match[2] or match[3] or b"").decode("utf-8", "replace"))
        for match in _ATTRIBUTE.finditer(text)
    }


def position(reference: str) -> tuple[int, int]:
    """`C17` -> (16, 2), both from 0."""
    bare = reference.upper()
    digits = bare.lstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
    column = 0
    for character in bare[: len(bare) - len(digits)]:
        column = column * 26 + ord(character) - 64
    return int(digits) - 1, column - 1


def _row_chunks(archive: Archive, member: str) -> Iterator[tuple[bytes, Words]]:
    """The part in chunks that end where a row ends."""
    words: Words | None = None
    carry = b""
    gathered: list[bytes] = []
    size = 0
    for piece in archive.pieces(member):
        gathered.append(piece)
        size += len(piece)
        if words is not None and size < _CHUNK:
            continue
        chunk = carry + b"".join(gathered)
        gathered, size = [], 0
        if words is None:
            guard_xml(chunk, archive.name)
            root = _ROOT.search(chunk)
            words = _words(root[1] + b":" if root and root[1] else b"")
        cut = chunk.rfind(words.row_end)
        if cut < 0:
            if len(chunk) > _LONGEST_ROW:
                raise UploadError(f"{archive.name} has a row too large to read ({member}); remove it and upload again")
            carry = chunk
            continue
        cut += len(words.row_end)
        yield chunk[:cut], words
        carry = chunk[cut:]
    yield carry + b"".join(gathered), words or _words(b"")


def look(archive: Archive, member: str, plan: Plan) -> Details:
    """Searches one sheet. Raises UploadError for a sheet beyond the limits or with broken markup.

    Values come from the fast reader; `patches` holds the cells it gets wrong. Source: ECMA-376 part 1, 18.3.1.
    """
    found = Details()
    far = False
    last_row = 0
    for chunk, words in _row_chunks(archive, member):
        plain = _count(chunk, words, found)
        if found.cells > archive.limits.cells:
            raise too_many_cells(archive.name, archive.limits)
        far = far or (_FAR_PLAIN if plain else _FAR).search(chunk) is not None
        last = _REFERENCE.search(chunk, max(chunk.rfind(words.cell[0]), 0))
        last_row = max(last_row, int(last[2]) if last else 0)
        if _has(chunk, b"hidden"):
            _rows_and_columns(chunk, words, found)
        if _has(chunk, b'"e"') or (b"'" in chunk and b"'e'" in chunk):
            _errors(chunk, words, found)
        if _has(chunk, words.formula[0][:-1]):
            _formulas(chunk, words, found)
        if plan.padded:
            _padded(chunk, words, plan, found)
        if plan.dated and b"-" in chunk and _has(chunk, b">-"):
            _before_time(chunk, words, plan, found)
    _resolve_shared(found)
    if (far or last_row * 26 > max(_DENSE, 8 * found.cells)) and not found.scattered:
        _measure(archive, member, found)
    return found


def _has(chunk: bytes, word: bytes) -> bool:
    """Whether a word stands in the chunk; looked for from the end, which takes half the time of `in` where it does not."""
    return chunk.rfind(word) >= 0


def _count(chunk: bytes, words: Words, found: Details) -> bool:
    """Adds the chunk's cells; True where all are written as Excel does, so that a plainer search finds them all."""
    named = chunk.count(words.cell_first)
    # a colon alone is found faster than a colon and a letter, and few chunks have one
    prefixed = b":" in chunk and _has(chunk, b":c")
    if words.cell_first == b'<c r="' and not prefixed and named == chunk.count(b"<c"):
        found.cells += named
        return True
    count = sum(chunk.count(word) for word in words.cell)
    found.cells += count
    if named != count and len(words.referred.findall(chunk)) != count:
        found.scattered = True  # cells without a reference: only a full parser counts them right
    return False


def too_many_cells(name: str, limits: Limits) -> UploadError:
    """The error of a sheet with more cells than the limit."""
    return UploadError(f"{name} has a sheet with more than {limits.cells:,} cells; split it and upload the parts")


def _beyond(name: str, limits: Limits) -> UploadError:
    """The error of a cell where no sheet has one."""
    return UploadError(
        f"{name} has a cell beyond {letter(limits.columns - 1)}{limits.rows}, the last one a sheet can have; save it again "
        "in Excel and upload that file"
    )


def _measure(archive: Archive, member: str, found: Details) -> None:
    """Whether the cells fill the grid they span: the fast reader lays out the whole grid, blank cells included."""
    limits = archive.limits
    last_row, letters = 0, {b"A"}
    for chunk, _ in _row_chunks(archive, member):
        if _BEYOND.search(chunk):
            raise _beyond(archive.name, limits)
        references = _REFERENCE.findall(chunk)
        if references:
            columns, rows = zip(*references, strict=True)
            letters.update(columns)
            last_row = max(last_row, *map(int, set(rows)))
    width = max(position(f"{column.decode()}1")[1] + 1 for column in letters)
    if last_row > limits.rows or width > limits.columns:
        raise _beyond(archive.name, limits)
    grid = last_row * width
    found.scattered = grid > max(_DENSE, 8 * found.cells)
    if not found.scattered and grid > limits.cells:
        raise too_many_cells(archive.name, limits)


def _rows_and_columns(chunk: bytes, words: Words, found: Details) -> None:
    for match in words.hidden_row.finditer(chunk):
        row = attributes(match[1]).get("r", "")
        if row.isdigit():
            found.facts.hidden_rows.append(int(row))
    for match in words.column.finditer(chunk):
        given = attributes(match[1])
        first, last = given.get("min", ""), given.get("max", "")
        if given.get("hidden") in ("1", "true") and first.isdigit() and last.isdigit():
            found.facts.hidden_columns.append((int(first), int(last)))


def _errors(chunk: bytes, words: Words, found: Details) -> None:
    for match in words.error.finditer(chunk):
        reference = attributes(match[1]).get("r")
        if reference:
            found.patches[position(reference)] = (
                unescape(match[2].decode("utf-8", "replace")).strip(),
                ERROR,
            )


def _formulas(chunk: bytes, words: Words, found: Details) -> None:
    found.facts.formulas += chunk.count(words.formula[0]) + chunk.count(words.formula[1])
    if b'"shared"' in chunk or b"'shared'" in chunk:
        _masters(chunk, words, found)
    for match in words.bare.finditer(chunk):
        cell, formula = attributes(match[1]), attributes(match[2])
        reference = cell.get("r")
        if not reference or (cell.get("t") == "str" and match[4] is not None):
            continue  # `t="str"` with an empty value is a formula whose result is an empty text
        found.facts.formulas -= 1
        text = unescape((match[3] or b"").decode("utf-8", "replace"))
        if text or formula.get("t") != "shared":
            found.patches[position(reference)] = ("=" + text, NO_CACHE)
        else:
            found.shared[position(reference)] = formula.get("si", "")


def _masters(chunk: bytes, words: Words, found: Details) -> None:
    prefix = words.cell_first[1:-5].decode()
    master = rf"""<{prefix}c\s([^<>]*)>\s*<{prefix}f\s([^<>]*\bt\s*=\s*["']shared["'][^<>]*)>([^<]+)</{prefix}f>"""
    for match in re.finditer(master.encode(), chunk):
        group = attributes(match[2]).get("si", "")
        text = unescape(match[3].decode("utf-8", "replace"))
        found.masters[group] = (attributes(match[1]).get("r", "A1"), "=" + text)


def _resolve_shared(found: Details) -> None:
    """Writes out the formulas that a sheet states once for many cells."""
    if not found.shared:
        return
    from openpyxl.formula.translate import Translator

    for (row, column), group in found.shared.items():
        origin, text = found.masters.get(group, ("A1", "="))
        moved = Translator(text, origin=origin).translate_formula(f"{letter(column)}{row + 1}")
        found.patches[row, column] = (str(moved), NO_CACHE)


@lru_cache(maxsize=64)
def _numbers_styled(pattern: str, styles: frozenset[int]) -> re.Pattern[bytes]:
    return re.compile((pattern % "|".join(map(str, sorted(styles)))).encode())


def _styled(chunk: bytes, words: Words, styles: frozenset[int]) -> Iterator[tuple[tuple[int, int], int, float]]:
    """Numeric cells of these styles: position, style, value."""
    for match in _numbers_styled(words.number, styles).finditer(chunk):
        given = attributes(match[1])
        try:
            value = float(match[2])
        except ValueError:
            continue  # not a number: the fast reader says what it is
        if given.get("t", "n") == "n" and "r" in given and abs(value) < 2**53:
            yield position(given["r"]), int(given["s"]), value


def _padded(chunk: bytes, words: Words, plan: Plan, found: Details) -> None:
    for place, style, value in _styled(chunk, words, frozenset(plan.padded)):
        shown = pad(plan.padded[style], value)
        if shown is not None:
            found.patches[place] = (shown, NUMBER)


def _before_time(chunk: bytes, words: Words, plan: Plan, found: Details) -> None:
    """Negative numbers under a date format: the fast reader makes midnight of them, Excel shows `####`."""
    for place, _, value in _styled(chunk, words, frozenset(plan.dated)):
        if value < 0:
            found.patches[place] = (number_text(value), NUMBER)
