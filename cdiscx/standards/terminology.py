"""CDISC controlled terminology: codelists and terms by C-code, other spellings of a term, names of test codes.

Published lists stand in `data/sdtm-ct-2025-03-28.tsv` and `data/adam-ct-2025-09-26.tsv` (only lists that cdiscx uses),
other spellings in `data/spellings.tsv`. A sponsor's own values are no part of this module: mappings name them
(`extend_codelists`), and `extend` adds them to a published list.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import replace
from functools import cache
from typing import Final

from cdiscx.model.dataset import Codelist, Term
from cdiscx.standards.blocks import cell, read_blocks

#: name and version of the packages
PACKAGE: Final = ("SDTM", "2025-03-28")
ADAM_PACKAGE: Final = ("ADaM", "2025-09-26")
_SDTM_FILE: Final = "sdtm-ct-2025-03-28.tsv"
_ADAM_FILE: Final = "adam-ct-2025-09-26.tsv"
_SPELLINGS_FILE: Final = "spellings.tsv"

#: variables for which the guide names several lists, or that hold terms of several -> their lists. A value of the second
#: list of RSTESTCD and so on belongs to one clinical classification (ECOG, Child-Pugh, AJCC).
UNITED: Final[dict[str, tuple[str, tuple[str, ...]]]] = {
    "DSDECOD": ("Standardized Disposition Term", ("C66727", "C114118", "C150811")),
    "RSTESTCD": ("Response and Classification Test Code", ("C96782", "C101815", "C120989", "C141655")),
    "RSTEST": ("Response and Classification Test Name", ("C96781", "C101816", "C120988", "C141654")),
    "RSCAT": ("Category of Response or Classification", ("C124298", "C118971")),
}


@cache
def codelist(ccode: str) -> Codelist | None:
    """A published codelist by its C-code, or a united one by its name (`DSDECOD`); None where it is not known here.

    In a list of test codes the decode of a term is its test name; a list of test names has no decodes.
    """
    if ccode in UNITED:
        return _united(ccode)
    package, block = PACKAGE, read_blocks(_SDTM_FILE).get(ccode)
    if block is None:
        package, block = ADAM_PACKAGE, read_blocks(_ADAM_FILE).get(ccode)
    if block is None:
        return None
    name, extensible, codes = block.head[1], block.head[2] == "+", cell(list(block.head), 3)
    if codes:  # names of the test codes of that list
        partner = codelist(codes)
        terms = tuple(Term(t.decode, "", t.ccode) for t in partner.terms) if partner else ()
    else:
        terms = tuple(Term(row[1], cell(row, 2), "C" + row[0]) for row in block.rows)
    return Codelist(ccode, name, terms, ccode, extensible, package)


@cache
def submission_name(ccode: str) -> str | None:
    """Short name of a published codelist (`C66742` -> `NY`), or None."""
    block = read_blocks(_SDTM_FILE).get(ccode) or read_blocks(_ADAM_FILE).get(ccode)
    return block.head[0] if block else None


@cache
def ccode_of(name: str) -> str | None:
    """C-code of a codelist by its short name (`NY` -> `C66742`), or None."""
    return next(
        (
            code
            for file in (_SDTM_FILE, _ADAM_FILE)
            for code, block in read_blocks(file).items()
            if block.head[0] == name
        ),
        None,
    )


def _united(name: str) -> Codelist:
    title, parts = UNITED[name]
    lists = [found for part in parts if (found := codelist(part)) is not None]
    terms = {term.value: term for found in reversed(lists) for term in found.terms}
    ordered = {term.value: terms[term.value] for found in lists for term in found.terms}
    return Codelist(name, title, tuple(ordered.values()), None, any(found.extensible for found in lists), PACKAGE)


def extend(base: Codelist, own: Iterable[Term]) -> Codelist:
    """A codelist with a sponsor's own terms behind the published ones, marked as extended; known values stay as they are."""
    known = {term.value for term in base.terms}
    return replace(base, terms=base.terms + tuple(replace(t, extended=True) for t in own if t.value not in known))


def key(text: str) -> str:
    """What spellings are compared by: NFKC, one blank between words, no blank at the ends, upper case."""
    return re.sub(r"\s+", " ", unicodedata.normalize("NFKC", text)).strip().upper()


@cache
def _index(ccode: str) -> tuple[dict[str, Term], dict[str, Term]]:
    """Terms by exact value, and by key where the key is one term's alone; other spellings come after the terms."""
    found = codelist(ccode)
    if found is None:
        return {}, {}
    exact = {term.value: term for term in found.terms}
    several: dict[str, list[Term]] = {}
    for term in found.terms:
        several.setdefault(key(term.value), []).append(term)
    keyed = {spelling: terms[0] for spelling, terms in several.items() if len(terms) == 1}
    lists = UNITED[ccode][1] if ccode in UNITED else (ccode,)
    blocks = read_blocks(_SPELLINGS_FILE)
    for block in (blocks[part] for part in lists if part in blocks):
        for row in block.rows:
            for spelling in row[1:]:
                if key(spelling) not in several:
                    keyed.setdefault(key(spelling), exact[row[0]])
    return exact, keyed


def term(ccode: str, text: str | None) -> Term | None:
    """The term that a text means: its value exactly, else without regard to case, else another spelling; or None.

    Two terms that differ by case alone (`mU`, `MU`) are told apart only when written exactly.
    """
    if text is None:
        return None
    exact, keyed = _index(ccode)
    return exact.get(text) or keyed.get(key(text))


def spellings(ccode: str) -> dict[str, str]:
    """Every key (see `key`) that `term` understands, with the value it means: for joins instead of calls."""
    exact, keyed = _index(ccode)
    return {spelling: meant.value for spelling, meant in keyed.items()} | {value: value for value in exact}


@cache
def test_name(ccode: str, code: str) -> str | None:
    """Test name of a test code in a list of test codes (`C96779`, `LDIAM` -> `Longest Diameter`), or None."""
    found = term(ccode, code)
    return found.decode or None if found else None
