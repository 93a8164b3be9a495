"""Visit names and lesion ids: as sites write them in, as the schedule and the lesion sheets call them out."""

from __future__ import annotations

import re
from collections.abc import Mapping

import polars as pl

from cdiscx.model.spec import Column, Study
from cdiscx.tidy.reading import Context, Meaning, Series, meanings
from cdiscx.tidy.words import flat, nearest, tight

_LESION = re.compile(r"^(?P<prefix>[^\d.]*?)[-_ .:#]*0*(?P<number>\d+)(?P<part>(?:\.\d+)*)(?P<letter>[A-Z]?)$")
_LESION_LIST = re.compile(r"[;；,，、|/\n]+|\s+(?:and|&)\s+|和|及")

_TARGET = ("T", "TL", "TARGET", "TARGETLESION", "靶病灶", "靶")
_NON_TARGET = ("NT", "NTL", "NONTARGET", "NONTARGETLESION", "非靶病灶", "非靶")
_NEW = ("N", "NL", "NEW", "NEWLESION", "新病灶", "新发病灶")
_PREFIXES: Mapping[str, Mapping[str, str]] = {
    "targets": dict.fromkeys(_TARGET, "T"),
    "nontargets": dict.fromkeys(_NON_TARGET, "NT"),
    "newlesions": dict.fromkeys(_NEW, "N"),
}
_ALL_PREFIXES = {prefix: letter for known in _PREFIXES.values() for prefix, letter in known.items()}


def visit_key(name: str) -> str:
    """The key of a visit name: tight, without full stops and signs, and no number in it has leading zeros."""
    key = re.sub(r"(?<!\d)\.|\.(?!\d)|[#:：,，]", "", tight(name))
    return re.sub(r"(?<![\d.])0+(?=\d)", "", key)


def visit_names(study: Study, column: Column | None = None) -> tuple[dict[str, str], Series]:
    """Key -> name of the single visits, and the numbered series (pattern of the key, name) of a study's schedule."""
    single: dict[str, str] = {}
    series: list[tuple[re.Pattern[str], str]] = []
    for visit in study.schedule:
        if visit.repeat:
            series += [(_pattern(s), visit.name) for s in (visit.name, *visit.synonyms)]
        else:
            for spelling in (visit.name, *visit.synonyms):
                single.setdefault(visit_key(spelling), visit.name)
    for term, spellings in (column.terms if column else {}).items():
        for spelling in (term, *spellings):
            single.setdefault(visit_key(spelling), term)
    series += [(_pattern(word, decimals=True), study.unscheduled[0].upper()) for word in study.unscheduled]
    return single, tuple(series)


def _pattern(spelling: str, *, decimals: bool = False) -> re.Pattern[str]:
    """Pattern of a series' keys; the number stands at `{n}`, else at the end, and only unscheduled visits may lack it."""
    before, _, after = spelling.partition("{n}") if "{n}" in spelling else (spelling, "", "")
    number = r"(\d+(?:\.\d+)*)?" if decimals else r"(\d+)"
    return re.compile(f"{re.escape(visit_key(before))}{number}{re.escape(visit_key(after))}")


def read_visits(distinct: pl.DataFrame, column: Column, ctx: Context) -> pl.DataFrame:
    """Text -> name of the schedule; an unknown name is kept in upper case with a problem."""
    return meanings(distinct, [_visit(t, ctx.visits, ctx.series) for t in distinct["t"]], pl.String)


def _visit(text: str, single: Mapping[str, str], series: Series) -> Meaning:
    key = visit_key(text)
    name = single.get(key)
    if name is None:
        for pattern, known in series:
            if found := pattern.fullmatch(key):
                name = f"{known} {found[1]}" if found[1] else known
                break
    if name is not None:
        return Meaning(name, None if name == text else "visit name as in the schedule")
    kept = flat(text).upper()
    numberless = next((known for pattern, known in series if pattern.fullmatch(f"{key}1")), None)
    if numberless:
        said = f"It needs its number, as in {numberless} 1."
    else:
        near = nearest(text, (*single.values(), *(f"{known} 1" for _, known in series)))
        said = f"Nearest: {near}." if near else "The schedule has no visit of a similar name."
    return Meaning(kept, None, "visit_not_in_schedule", kept, said)


def read_lesions(distinct: pl.DataFrame, column: Column, ctx: Context) -> pl.DataFrame:
    """`TL-01` -> `T1`; a prefix of another sheet's lesions is left as it is."""
    prefixes = _PREFIXES.get(ctx.table, _ALL_PREFIXES)
    return meanings(distinct, [_lesion(t, prefixes) for t in distinct["t"]], pl.String)


def lesion_id(text: str, prefixes: Mapping[str, str]) -> str:
    """A lesion id in upper case without blanks and leading zeros, its prefix as the sheet calls it."""
    plain = flat(text).upper()
    cut = _LESION.match(plain)
    if cut is None:
        return plain
    prefix = re.sub(r"[-_ .:#]", "", cut["prefix"])
    part = re.sub(r"\.0+(?=\d)", ".", cut["part"])
    return f"{prefixes.get(prefix, prefix)}{cut['number']}{part}{cut['letter']}"


def _lesion(text: str, prefixes: Mapping[str, str]) -> Meaning:
    value = lesion_id(text, prefixes)
    return Meaning(value, None if value == text else "lesion id")


def read_lesion_lists(distinct: pl.DataFrame, column: Column, ctx: Context) -> pl.DataFrame:
    """`T1; TL-02` -> list of lesion ids."""
    read = []
    for text in distinct["t"]:
        items = [lesion_id(p, _ALL_PREFIXES) for p in _LESION_LIST.split(text) if p.strip()]
        ids = list(dict.fromkeys(items))
        read.append(Meaning(ids or None, None if "; ".join(ids) == text else "lesion ids"))
    return meanings(distinct, read, pl.List(pl.String))
