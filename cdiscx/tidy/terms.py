"""Terms, yes/no, term lists and key-term pairs: texts of any spelling in, house terms out."""

from __future__ import annotations

import re
from collections.abc import Callable

import polars as pl

from cdiscx.model.spec import Column
from cdiscx.tidy.reading import PAIR, Context, Meaning, meanings
from cdiscx.tidy.words import Lookup, flat, loose

YES_NO = Lookup(
    {
        "Y": ("Yes", "1", "1.0", "True", "是", "有", "✓", "√", "☑"),
        "N": ("No", "0", "0.0", "False", "否", "无", "没有", "×", "✗"),
    }
)
_LIST = re.compile(r"[;；\n|]+")
_COMMA = re.compile(r"[,，、]")
_PAIR = re.compile(r"\s*[:：=]\s*|\s+[-–—]\s+")


def yes_no(column: Column) -> Lookup:
    """The spellings of Y and N, with those that the study file gives as `terms` of the column."""
    own = {term: (*YES_NO.terms[term], *column.terms.get(term, ())) for term in YES_NO.terms}
    return Lookup(own) if column.terms else YES_NO


def read_yes_no(distinct: pl.DataFrame, column: Column, ctx: Context) -> pl.DataFrame:
    """Any yes or no -> Y / N."""
    lookup = yes_no(column)
    return meanings(distinct, [_term(t, lookup, extensible=False) for t in distinct["t"]], pl.String)


def read_terms(distinct: pl.DataFrame, column: Column, ctx: Context) -> pl.DataFrame:
    """Text -> house term; kept as typed where the list is extensible, null where it is closed."""
    lookup = Lookup(column.terms)
    if not column.terms:
        return meanings(distinct, [Meaning(flat(t)) for t in distinct["t"]], pl.String)
    read = [_term(t, lookup, extensible=column.extensible) for t in distinct["t"]]
    return meanings(distinct, read, pl.String)


def own_words(column: Column) -> frozenset[str]:
    """Keys of the spellings that are values of this column, so that they are no missing words in it."""
    if column.type == "yn":
        return frozenset(yes_no(column).index)
    # An action without its treatment says nothing, so that `不详` alone is a blank in pairs.
    return frozenset(Lookup(column.terms).index) if column.type in ("term", "terms") else frozenset()


def _term(text: str, lookup: Lookup, *, extensible: bool) -> Meaning:
    found = lookup.find(text)
    if found is not None:
        return Meaning(found, None if found == text else "spelling of the term")
    near = lookup.near(text)
    allowed = ", ".join(lookup.terms)
    if extensible:
        said = f"Nearest: {near}." if near else f"Standard terms: {allowed}."
        return Meaning(flat(text), None, "outside_extensible", flat(text), said)
    said = f"Allowed: {allowed}." + (f" Nearest: {near}." if near else "")
    return Meaning(None, None, "not_in_list", None, said)


def read_term_lists(distinct: pl.DataFrame, column: Column, ctx: Context) -> pl.DataFrame:
    """`Death; Hospitalization` -> list of house terms; an unknown item is a problem and left out of the list."""
    lookup = Lookup(column.terms)
    read = [_terms(t, lookup, column, ctx.missing) for t in distinct["t"]]
    return meanings(distinct, read, pl.List(pl.String))


def _terms(text: str, lookup: Lookup, column: Column, missing: frozenset[str]) -> Meaning:
    values: list[str] = []
    wrong: list[Meaning] = []
    for piece in split_list(text, lambda p: lookup.find(p) is not None):
        if loose(piece) in missing and lookup.find(piece) is None:
            continue
        read = Meaning(flat(piece)) if not column.terms else _term(piece, lookup, extensible=column.extensible)
        if read.problem:
            wrong.append(Meaning(read.value, None, read.problem, read.read_as, f"'{flat(piece)}': {read.detail}"))
        if read.value is not None:
            values.append(read.value)
    unique = list(dict.fromkeys(values))
    return _listed(text, unique or None, "; ".join(unique), wrong)


def split_list(text: str, known: Callable[[str], bool]) -> list[str]:
    """Items of a semicolon list; a comma divides only what is no item as a whole."""
    out: list[str] = []
    for piece in (p.strip() for p in _LIST.split(text)):
        if not piece:
            continue
        smaller = [p.strip() for p in _COMMA.split(piece) if p.strip()]
        out += smaller if len(smaller) > 1 and not known(piece) and any(map(known, smaller)) else [piece]
    return out


def read_pairs(distinct: pl.DataFrame, column: Column, ctx: Context) -> pl.DataFrame:
    """`Lenvatinib: Dose reduced; Durvalumab: None` -> list of key and term; a bare term has no key."""
    keys, terms = Lookup(column.keys), Lookup(column.terms)
    read = [_pairs(t, keys, terms, column, ctx.missing) for t in distinct["t"]]
    return meanings(distinct, read, pl.List(PAIR))


def _pairs(text: str, keys: Lookup, terms: Lookup, column: Column, missing: frozenset[str]) -> Meaning:
    values: list[dict[str, str | None]] = []
    wrong: list[Meaning] = []
    for piece in split_list(text, lambda p: _one_pair(p, keys, terms)[1] is not None):
        key, term = _one_pair(piece, keys, terms)
        name, _, word = _cut(piece)
        if not word and loose(piece) in missing:
            continue
        if name and key is None and not column.keys:
            key = flat(name)
        if term is None and not column.terms:
            term = flat(word or piece)
        if term is not None and (key is not None or not name):
            values.append({"key": key, "term": term})
            continue
        if name and key is None:
            allowed = ", ".join(column.keys)
            said = f"'{flat(name)}' is not one of: {allowed}."
        else:
            said = f"'{flat(word or piece)}' is not one of: {', '.join(column.terms)}."
        wrong.append(Meaning(None, None, "not_in_list", None, said))
    shown = "; ".join(f"{v['key']}: {v['term']}" if v["key"] else str(v["term"]) for v in values)
    return _listed(text, values or None, shown, wrong)


def _cut(piece: str) -> tuple[str, str, str]:
    """Key, separator, term of one piece; key blank where it has no separator."""
    parts = _PAIR.split(piece, maxsplit=1)
    return (parts[0].strip(), ":", parts[1].strip()) if len(parts) == 2 else ("", "", "")


def _one_pair(piece: str, keys: Lookup, terms: Lookup) -> tuple[str | None, str | None]:
    name, _, word = _cut(piece)
    return (keys.find(name) if name else None), terms.find(word or piece)


def _listed(text: str, values: object, shown: str, wrong: list[Meaning]) -> Meaning:
    why = "spelling of the terms" if values is not None and shown != text else None
    if not wrong:
        return Meaning(values, why or (None if values is not None else "an empty list"), typed=text)
    closed = [w for w in wrong if w.problem == "not_in_list"] or wrong
    detail = " ".join(w.detail or "" for w in closed)
    return Meaning(values, None, closed[0].problem, shown or None, detail, typed=text)
