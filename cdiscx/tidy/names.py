"""Visit names and lesion ids: as sites write them in, as the schedule and the lesion sheets call them out."""

from __future__ import annotations

import re
from collections.abc import Mapping

import polars as pl

from cdiscx.model.spec import Column, Study
from cdiscx.tidy.reading import Context, Meaning, meanings
from cdiscx.tidy.words import flat, nearest, tight

_NUMBERED = re.compile(r"^(.*?[^\d.])0*(\d+(?:\.\d+)?)$")
_UNSCHEDULED = "UNSCHEDULED"
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
    """The key of a visit name: tight, and no number in it has leading zeros."""
    return re.sub(r"(?<![\d.])0+(?=\d)", "", tight(name).replace("#", ""))


def visit_names(study: Study, column: Column | None = None) -> tuple[dict[str, str], dict[str, str]]:
    """Key -> name of the single visits, and key -> name of the numbered series, of a study's schedule."""
    single: dict[str, str] = {}
    series: dict[str, str] = {visit_key(_UNSCHEDULED): _UNSCHEDULED}
    for visit in study.schedule:
        name = re.sub(r"\s+[nN]$", "", visit.name)
        known = series if visit.repeat else single
        for spelling in (name, *getattr(visit, "synonyms", ())):
            known.setdefault(visit_key(re.sub(r"\s+[nN]$", "", spelling)), name)
    for term, spellings in (column.terms if column else {}).items():
        for spelling in (term, *spellings):
            single.setdefault(visit_key(spelling), term)
    return single, series


def read_visits(distinct: pl.DataFrame, column: Column, ctx: Context) -> pl.DataFrame:
    """Text -> name of the schedule; an unknown name is kept in upper case with a problem."""
    return meanings(distinct, [_visit(t, ctx.visits, ctx.series) for t in distinct["t"]], pl.String)


def _visit(text: str, single: Mapping[str, str], series: Mapping[str, str]) -> Meaning:
    key = visit_key(text)
    name = single.get(key)
    if name is None and key in series and series[key] == _UNSCHEDULED:
        name = _UNSCHEDULED
    if name is None and (cut := _NUMBERED.match(key)) and cut[1] in series:
        number = cut[2]
        if "." not in number or series[cut[1]] == _UNSCHEDULED:
            name = f"{series[cut[1]]} {number}"
    if name is not None:
        return Meaning(name, None if name == text else "visit name as in the schedule")
    kept = flat(text).upper()
    if key in series:
        return Meaning(kept, None, "visit_not_in_schedule", kept, f"write its number, as in {series[key]} 1")
    near = nearest(text, (*single.values(), *(f"{s} 1" for s in series.values())))
    said = f"nearest: {near}" if near else "the schedule has no visit of a similar name"
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
