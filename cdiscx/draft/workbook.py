"""Raw sheets in; what each holds and what each of its columns is, by the house's synonyms and by content, out."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cache

import polars as pl

from cdiscx.draft.content import Kind, kind_of, order_of
from cdiscx.model.spec import Column, ColumnType, Sheet, Study
from cdiscx.model.spec_file import bundled
from cdiscx.model.table import RawSheet, UploadFile
from cdiscx.tidy.headings import Aliases
from cdiscx.tidy.layout import find_header
from cdiscx.tidy.words import Lookup, flat, tight

#: columns that neither a synonym nor a term tells, with their type, in the order in which sheets have them
_ORDER: dict[str, tuple[tuple[str, ColumnType], ...]] = {
    "visits": (("VISDAT", "date"), ("VISDONE", "yn")),
    "targets": (("TRDAT", "date"), ("LDIAM", "num"), ("SAXIS", "num")),
    "nontargets": (("TRDAT", "date"),),
    "newlesions": (("TRDAT", "date"),),
    "labs": (("LBDAT", "date"),),
    "responses": (("RSDAT", "date"),),
    "dosing": (("EXTRT", "term"), ("EXSTDAT", "date"), ("EXENDAT", "date"), ("EXDOSE", "num")),
    "ae": (("AESTDAT", "date"), ("AEENDAT", "date")),
}
_LESION_TABLES = (("NEW", "newlesions"), ("NL", "newlesions"), ("NT", "nontargets"), ("T", "targets"))
_ENOUGH, _SEARCHED = 3, 15


@dataclass(frozen=True, slots=True)
class Found:
    """One column: heading as typed, what it looks like, and what the house calls it (`sure`: by a synonym)."""

    heading: str
    kind: Kind
    is_: str | None = None
    house: Column | None = None
    sure: bool = False
    values: tuple[str | None, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class Page:
    """One sheet: its table (None: nobody knows), the reason of the guess, its columns."""

    name: str
    holds: str | None
    why: str
    columns: tuple[Found, ...]
    sure: bool = False

    def column(self, is_: str) -> Found | None:
        """The column that the house calls so."""
        return next((c for c in self.columns if c.is_ == is_), None)


@cache
def house_sheets() -> dict[str, tuple[str, Sheet]]:
    """Table -> canonical sheet name and sheet, of every table that a bundled study has."""
    out: dict[str, tuple[str, Sheet]] = {}
    for name in bundled():
        for title, sheet in Study.load(name).sheets.items():
            known = out.get(sheet.holds)
            out[sheet.holds] = (title, sheet if known is None else _united(known[1], sheet))
    return out


def _united(one: Sheet, other: Sheet) -> Sheet:
    return one.model_copy(update={"columns": {**other.columns, **one.columns}})


def read_pages(files: Sequence[UploadFile]) -> tuple[list[Page], str | None]:
    """Pages in the order of the first workbook, and the order of day and month that the dates tell."""
    by_name: dict[str, list[RawSheet]] = {}
    for file in files:
        for sheet in file.sheets:
            if sheet.text.height:
                by_name.setdefault(sheet.sheet, []).append(sheet)
    texts = [
        v for raws in by_name.values() for raw in raws for c in raw.text.columns[1:] for v in raw.text[c].drop_nulls()
    ]
    order = order_of(texts)
    pages = [_page(name, raws, order) for name, raws in by_name.items()]
    return _by_content(pages), order


def _page(name: str, raws: Sequence[RawSheet], order: str | None) -> Page:
    known = {table: (title, sheet, Aliases(sheet)) for table, (title, sheet) in house_sheets().items()}
    named = next(
        (t for t, (title, sheet, _) in known.items() if tight(name) in {tight(n) for n in (title, *sheet.synonyms)}),
        None,
    )
    scored = {table: _score(raws[0], aliases) for table, (_, _, aliases) in known.items()}
    best = max(scored, key=lambda table: (scored[table], table == named))
    table = named if named and scored[named] >= 2 else best if scored[best] >= _ENOUGH else None
    if table is None:
        row = _heading_row(raws[0])
        return Page(name, None, "", tuple(_columns(raws, row, None, order)))
    guess = find_header(raws[0], known[table][2])
    row = guess.rows[-1] if guess else _heading_row(raws[0])
    why = f"its name and {scored[table]} of its headings" if table == named else f"{scored[table]} of its headings"
    return Page(name, table, why, tuple(_columns(raws, row, known[table][2], order)), sure=True)


def _score(raw: RawSheet, aliases: Aliases) -> int:
    guess = find_header(raw, aliases)
    return guess.score if guess else 0


def _heading_row(raw: RawSheet) -> int:
    """The first of the upper rows that is nearly as wide as the widest."""
    letters = [c for c in raw.text.columns if c != "_row"]
    top = raw.text.head(_SEARCHED).select("_row", n=pl.sum_horizontal(pl.col(letters).is_not_null().cast(pl.Int32)))
    widest = int(top.get_column("n").max() or 0)  # type: ignore[arg-type]
    return int(top.filter(pl.col("n") >= max(1, 0.7 * widest)).get_column("_row").item(0))


def _columns(raws: Sequence[RawSheet], row: int, aliases: Aliases | None, order: str | None) -> list[Found]:
    out: list[Found] = []
    taken: set[str] = set()
    headings = raws[0].text.filter(pl.col("_row") == row)
    for letter in (c for c in raws[0].text.columns if c != "_row"):
        text = headings.get_column(letter).item(0) if headings.height else None
        if text is None or not text.strip():
            continue
        below = [
            raw.text.filter(pl.col("_row") > row).get_column(letter).to_list() for raw in raws if letter in raw.text
        ]
        values = tuple(v for part in below for v in part)
        meaning = aliases.find(text) if aliases else None
        name = meaning.column if meaning and meaning.column not in taken else None
        house = next((c for c in aliases.sheet.columns.values() if c.is_ == name), None) if aliases and name else None
        taken |= {name} if name else set()
        out.append(Found(flat(text), kind_of(values, order), name, house, name is not None, values))
    return out


def _by_content(pages: list[Page]) -> list[Page]:
    """What names did not tell: subjects and visits recur from sheet to sheet, lesion ids and terms speak for themselves."""
    people = _recurring(pages, "SUBJID", once=True)
    out = [_named(page, "SUBJID", _first_within(page, people)) for page in pages]
    names = _recurring(out, "VISIT", once=False)
    out = [_named(page, "VISIT", _first_within(page, names)) for page in out]
    guessed: list[Page] = []
    for i, page in enumerate(out):
        guessed.append(_guessed(page, [*guessed, *out[i:]], people))
    return [_in_order(_by_terms(page)) for page in guessed]


def _recurring(pages: list[Page], is_: str, *, once: bool) -> frozenset[str]:
    """The texts of the column that most other sheets repeat; `once`: it names each of them once (one row a subject)."""
    best: tuple[int, int, frozenset[str]] = (0, 0, frozenset())
    fit = [
        [
            c
            for c in page.columns
            if c.is_ in (None, is_) and c.kind.type in ("text", "term", "num") and len(c.kind.texts) > 2
        ]
        for page in pages
    ]
    for i, columns in enumerate(fit):
        for found in columns:
            texts = frozenset(found.kind.texts)
            if (found.kind.type == "num" and found.is_ != is_) or (once and len(texts) < found.kind.cells):
                continue
            others = [c for j, theirs in enumerate(fit) if j != i for c in theirs]
            shared = sum(len(texts & set(c.kind.texts)) >= 0.7 * len(c.kind.texts) for c in others)
            best = max(best, (shared, len(texts) if not once else -len(texts), texts), key=lambda b: b[:2])
    return best[2] if best[0] else frozenset()


def _first_within(page: Page, texts: frozenset[str]) -> Found | None:
    for found in page.columns:
        distinct = set(found.kind.texts)
        if distinct and len(distinct & texts) >= 0.7 * len(distinct) and found.kind.type != "date":
            return found
    return None


def _by_terms(page: Page) -> Page:
    """Columns whose words are terms of a column that the house has in this table."""
    for house in _house(page).values():
        if page.column(house.is_) is not None or not house.terms:
            continue
        lookup = Lookup(house.terms)
        for found in page.columns:
            known = sum(lookup.find(t) is not None for t in found.kind.texts)
            if found.is_ is None and found.kind.type == "term" and known >= 0.6 * len(found.kind.texts):
                page = _named(page, house.is_, found)
                break
    return page


def _in_order(page: Page) -> Page:
    """Columns of a table that only their type and order can tell: dates, doses, diameters."""
    for is_, type_ in _ORDER.get(page.holds or "", ()):
        found = next((c for c in page.columns if c.is_ is None and c.kind.type == type_), None)
        page = _named(page, is_, found)
    return page


def _house(page: Page) -> dict[str, Column]:
    sheet = house_sheets().get(page.holds or "")
    return {c.is_: c for c in sheet[1].columns.values()} if sheet else {}


def _named(page: Page, is_: str, found: Found | None, *, sure: bool = False) -> Page:
    if found is None or page.column(is_) is not None or (found.is_ is not None and found.sure):
        return page
    return replace(page, columns=tuple(replace(c, is_=is_, sure=sure) if c is found else c for c in page.columns))


def _guessed(page: Page, pages: list[Page], people: frozenset[str]) -> Page:
    """Table of a sheet that no name told."""
    if page.holds is not None or page.column("SUBJID") is None:
        return page
    taken = {p.holds for p in pages}
    lesion = next((c for c in page.columns if c.kind.type == "lesion"), None)
    if lesion is not None:
        first = re.sub(r"[^A-Z]", "", lesion.kind.texts[0].upper())
        table = dict(_LESION_TABLES).get(first)
        if table and table not in taken:
            return _named(replace(page, holds=table, why=f"lesion ids such as {lesion.kind.texts[0]}"), "LESID", lesion)
    who, visit = page.column("SUBJID"), page.column("VISIT")
    assert who is not None
    rows = [v for v in who.values if v]
    if visit is None and len(rows) == len(set(rows)) >= 0.9 * len(people) and "subjects" not in taken:
        return replace(page, holds="subjects", why="one row for every subject")
    widest = max((len(c.kind.texts) for p in pages if (c := p.column("VISIT"))), default=0)
    if visit is not None and "visits" not in taken and len(visit.kind.texts) == widest:
        pairs = [pair for pair in zip(who.values, visit.values, strict=False) if all(pair)]
        if len(pairs) == len(set(pairs)):
            return replace(page, holds="visits", why="one row for every subject and visit, and the most visit names")
    doses = next(
        (c for c in page.columns if Lookup({"mg": (), "mg/kg": (), "mg/m2": ()}).find((c.kind.texts or ("",))[0])), None
    )
    if doses is not None and "dosing" not in taken:
        return _named(replace(page, holds="dosing", why=f"doses in {doses.kind.texts[0]}"), "EXDOSU", doses)
    return page


def slug(text: str, taken: set[str]) -> str:
    """A name for a heading in letters that a study file likes: `PD-L1 TPS (%)` -> `PDL1TPS`."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    base = re.sub(r"[^A-Z0-9]", "", plain.upper())[:8] or "COLUMN"
    base = base if base[0].isalpha() else f"X{base}"[:8]
    name, n = base, 2
    while name in taken:
        name, n = f"{base[:7]}{n}", n + 1
    taken.add(name)
    return name
