"""Texts in, keys out: how headings, sheet names, terms and missing words are compared, once for Python, once for Polars."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

import polars as pl

#: invisible characters that Excel and web forms leave behind
_INVISIBLE = "[\u200b-\u200f\u2060\ufeff\u00ad]"
#: what Polars strips: white space of Unicode without the four separators that Python also counts
_BLANKS = "\t\n\x0b\x0c\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000"
_TIGHT = r"[\s_\-‐‑–—−]+"
_ENGLISH = (
    ("tumour", "tumor"),
    ("anaesth", "anesth"),
    ("enrolment", "enrollment"),
    ("centre", "center"),
    ("haem", "hem"),
)

#: UTF-8 operators read with the wrong code page, and what they were
MOJIBAKE_OPERATORS = {
    "Ã¢â€°Â¥": ">=", "Ã¢â€°Â¤": "<=", "â‰¥": ">=", "â‰¤": "<=", "â\u0089¥": ">=", "â\u0089¤": "<=",
}  # fmt: skip
#: other traces of a wrong code page: kept as typed, decided per file (STR-008)
MOJIBAKE_TEXT = "�|锟斤拷|â€[™œ“”\u009d\u0093\u0094]|Ã[\u0080-¿]|Â[°±µ²³·]|ï¼[\u0080-¿]|[ä-é][\u0080-¿–—‘-„•…‰™œž][\u0080-¿–—‘-„•…‰™œž]"
ERROR_TOKEN = (
    r"^#(?:N/A|REF!|VALUE!|DIV/0!|NAME\?|NUM!|NULL!|SPILL!|CALC!|FIELD!|BUSY!|CONNECT!|BLOCKED!|UNKNOWN!|GETTING_DATA)$"
)


@lru_cache(maxsize=1 << 16)
def flat(text: str) -> str:
    """NFKC, no invisible characters, every run of blanks and line breaks one blank, ends trimmed."""
    return " ".join(re.sub(_INVISIBLE, "", unicodedata.normalize("NFKC", text)).split())


@lru_cache(maxsize=1 << 16)
def tight(text: str) -> str:
    """The key of a heading, sheet or term: flat, lower case, without blanks, hyphens and underscores."""
    key = re.sub(_TIGHT, "", flat(text).lower())
    for british, american in _ENGLISH:
        key = key.replace(british, american)
    return key


def tight_of(text: pl.Expr) -> pl.Expr:
    """`tight` for a String expression."""
    key = text.str.normalize("NFKC").str.replace_all(_INVISIBLE, "").str.to_lowercase().str.replace_all(_TIGHT, "")
    for british, american in _ENGLISH:
        key = key.str.replace_all(british, american, literal=True)
    return key


def loose(text: str) -> str:
    """The key of a missing word: flat and lower case; hyphens and dots are the words themselves."""
    return flat(text).lower()


def loose_of(text: pl.Expr) -> pl.Expr:
    """`loose` for a String expression that `clean_of` has trimmed."""
    return text.str.normalize("NFKC").str.to_lowercase().str.replace_all(r"\s+", " ").str.strip_chars()


def clean_of(text: pl.Expr) -> pl.Expr:
    """Text without invisible characters and blanks at its ends; null where nothing is left."""
    done = text.str.replace_all(_INVISIBLE, "").str.strip_chars()
    return pl.when(done != "").then(done)


def clean(text: str | None) -> str | None:
    """`clean_of` for one text."""
    return (re.sub(_INVISIBLE, "", text).strip(_BLANKS) or None) if text is not None else None


def is_error(text: str | None) -> bool:
    """Whether a clean text is a spreadsheet's error token."""
    return text is not None and _ERROR.match(text) is not None


def listed(words: Iterable[str], most: int = 8) -> str:
    """The first words of a list for a message, and how many more there are."""
    all_words = list(words)
    more = len(all_words) - most
    return ", ".join(all_words[:most]) + (f" and {more} more" if more > 0 else "")


def nearest(text: str, choices: Iterable[str]) -> str | None:
    """The choice most like a text that is none of them, or None."""
    by_key = {tight(choice): choice for choice in choices}
    near = difflib.get_close_matches(tight(text), list(by_key), n=1, cutoff=0.6)
    return by_key[near[0]] if near else None


_ERROR = re.compile(ERROR_TOKEN.removesuffix("$") + r"\Z")
_AFFIX = re.compile(r"^(?:stage|type|grade|class|category)|(?:stage|type|class|期|型|级|类)$")


@dataclass(frozen=True)
class Lookup:
    """A list of house terms with their spellings: find one, or the nearest."""

    terms: Mapping[str, tuple[str, ...]]
    index: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        index = {tight(term): term for term in self.terms}
        for term, spellings in self.terms.items():
            for spelling in spellings:
                index.setdefault(tight(spelling), term)
        object.__setattr__(self, "index", index)

    def find(self, text: str) -> str | None:
        """House term of a text in any of its spellings; `Stage B` and `B期` are `B`."""
        key = tight(text)
        return self.index.get(key) or self.index.get(_AFFIX.sub("", key.rstrip(".:;,。"), count=1))

    def near(self, text: str) -> str | None:
        """The house term whose spelling is most like the text, or None."""
        near = difflib.get_close_matches(tight(text), list(self.index), n=1, cutoff=0.6)
        return self.index[near[0]] if near else None
