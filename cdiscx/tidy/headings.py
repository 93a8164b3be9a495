"""A heading as typed in, the house column it means out (and the unit it states): the aliases of one sheet."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from cdiscx.model.spec import Sheet
from cdiscx.standards.units import read_unit
from cdiscx.tidy.words import flat, tight

_BRACKETS = re.compile(r"[(\[{【〔]([^()\[\]{}【】〔〕]*)[)\]}】〕]")
_TRAILING_UNIT = re.compile(r"^(.*\S)[\s_,]*\b(mm|cm|m|kg|g|mg|lb|gy|gbq|days)$|^(.*\S)\s*(%)$", re.IGNORECASE)
_NUMBERING = re.compile(r"^\d+\s*[.)、:]\s*")
_ENDS = " :：*#?.,;、，。"
_COMMENT = re.compile(r"comment|remark|备注|注释|说明|^notes?$")


@dataclass(frozen=True, slots=True)
class Meaning:
    """The house column a heading means, its unit, and whether the heading says so in full."""

    column: str
    unit: str | None
    sure: bool


def _forms(text: str) -> Iterator[tuple[str, str | None, bool]]:
    """Ways to read a heading, the most literal first: text, unit in it, whether it is the whole heading."""
    whole = flat(text).strip(_ENDS)
    insides = [inside.strip() for inside in _BRACKETS.findall(whole)]
    bare = flat(_BRACKETS.sub(" ", whole)).strip(_ENDS)
    cut = _TRAILING_UNIT.match(bare)
    units = [inside for inside in (*insides, *(cut.groups() if cut else ())) if read_unit(inside)]
    unit = units[0] if units else None
    yield whole, unit, True
    yield bare, unit, True
    for form in (bare, _NUMBERING.sub("", bare)):
        yield form, unit, True
        if cut := _TRAILING_UNIT.match(form):
            yield cut[1] or cut[3], unit or cut[2] or cut[4], True
    # A heading in two languages, or with its code in brackets, speaks in any of its parts.
    parts = [*re.split(r"[/|\\;\n]", text), *insides]
    parts += [" ".join(re.findall(r"[^\W\d_一-鿿][^一-鿿]*", bare)), "".join(re.findall(r"[一-鿿]+", bare))]
    for part in parts:
        yield flat(_BRACKETS.sub(" ", part)).strip(_ENDS), unit, False


#: longer texts are sentences, not headings
_LONGEST = 200


@dataclass(frozen=True)
class Aliases:
    """Every heading that the spec knows for one sheet."""

    sheet: Sheet
    index: dict[str, str] = field(init=False)
    seen: dict[str, Meaning | None] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        index: dict[str, str] = {}
        columns = self.sheet.columns
        for header, column in columns.items():
            index[tight(header.strip(_ENDS))] = column.is_
        for column in columns.values():
            for synonym in column.synonyms:
                index.setdefault(tight(synonym.strip(_ENDS)), column.is_)
        for header, column in columns.items():
            for name in (header, *column.synonyms):
                bare = flat(_BRACKETS.sub(" ", flat(name))).strip(_ENDS)
                index.setdefault(tight(bare), column.is_)
                if column.type == "num" and (cut := _TRAILING_UNIT.match(bare)):
                    index.setdefault(tight(cut[1] or cut[3]), column.is_)
        for column in columns.values():
            index.setdefault(tight(column.is_), column.is_)
        index.pop("", None)
        object.__setattr__(self, "index", index)

    def find(self, text: str | None) -> Meaning | None:
        """What a heading means; None where no part of it is known or its parts mean different columns."""
        if not text or len(text) > _LONGEST or not text.strip():
            return None
        if text not in self.seen:
            self.seen[text] = self._find(text)
        return self.seen[text]

    def _find(self, text: str) -> Meaning | None:
        parts: dict[str, Meaning] = {}
        for form, unit, sure in _forms(text):
            column = self.index.get(tight(form))
            if column is None:
                continue
            found = Meaning(column, read_unit(unit), sure)
            if sure:
                return found
            parts.setdefault(column, found)
        return next(iter(parts.values())) if len(parts) == 1 else None

    def known(self, column: str) -> list[str]:
        """The headings that mean a column: canonical, then synonyms."""
        return [
            text
            for header, spec in self.sheet.columns.items()
            if spec.is_ == column
            for text in (header, *spec.synonyms)
        ]


def is_comment(text: str) -> bool:
    """Whether a heading announces free remarks: such a column is normal and no finding (STR-002)."""
    return bool(_COMMENT.search(flat(text).lower()))
