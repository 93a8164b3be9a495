"""What a check's declared inputs come to: which tables and columns, and what is absent of them in this upload."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from cdiscx.model.finding import CheckPart
from cdiscx.model.spec import Study
from cdiscx.model.table import StudyData
from cdiscx.registry import View

#: names a check may ask for that no sheet holds
PSEUDO = frozenset({"problems", "rows"})


@dataclass(frozen=True, slots=True)
class Inputs:
    """The inputs of a part: `columns` per table it may see; what blocks it; what keeps it from passing."""

    columns: Mapping[str, frozenset[str]]
    blocked: str | None
    partial: str | None
    #: uploads that lack something required: their subjects are not judged
    short_files: frozenset[str] = frozenset()


def resolve(part: CheckPart, data: StudyData, views: Mapping[str, View]) -> Inputs:
    """Declared words of a part -> what it may see and what of it is absent.

    Seeing only declared columns is what makes "taking a column away never turns a check into passed" hold by construction.
    """
    study: Study = data.study
    part_uses = tuple(w for word in part.uses for w in _spelled_out(word, study))
    required = (part.on, *(f"{part.on}.{c}" for c in part.columns), *part.needs)
    columns: dict[str, set[str]] = {}
    for word in (*required, *part_uses):
        table, _, column = word.partition(".")
        columns.setdefault(table, set())
        if column:
            columns[table].add(column)
    must = list(_linked(_base(required, views, must=True)))
    may = list(_keyed(_base((*required, *part_uses), views, must=False), study))
    unknown = [w for w in must if _unknown(w, study)]
    leant = _leant_on(part, (*required, *part_uses), views, study) if data.absent else {}
    owed = {w: _owed(w, data) for w in leant if w in data.absent}
    lacking = {**owed, **{w: frozenset(data.absent.get(w, ())) for w in must}}
    total = max(len(data.upload.files), 1)
    blocked = None
    if unknown:
        blocked = f"this study has no {_words(unknown, study)}"
    else:
        gone = [w for w, files in lacking.items() if len(files) >= total]
        if gone:
            blocked = f"not in the upload: {_words(gone, study)}"
    short = [w for w in dict.fromkeys((*must, *may)) if data.absent.get(w)]
    partial = f"checked without {_words(short, study)}, which the upload lacks" if short else None
    files = frozenset(f for names in lacking.values() for f in names)
    return Inputs({t: frozenset(c) for t, c in columns.items()}, blocked, partial, files)


def _base(words: tuple[str, ...], views: Mapping[str, View], *, must: bool) -> dict[str, None]:
    """The sheets' tables and columns behind the words; views are opened (`must`: only what they cannot do without)."""
    out: dict[str, None] = {}
    for word in words:
        table, _, _column = word.partition(".")
        if table in PSEUDO:
            continue
        if table in views:
            view = views[table]
            out |= _base(view.requires if must else view.of, views, must=must)
        else:
            out[table] = None
            out[word] = None
    return out


def _leant_on(part: CheckPart, words: tuple[str, ...], views: Mapping[str, View], study: Study) -> dict[str, None]:
    """What the part's judgement rests on besides the rows it examines, where these come from many sheets."""
    if part.on in PSEUDO:
        return {}
    apart = part.on in views and views[part.on].union
    return _keyed(_base(tuple(w for w in words if not (apart and w == part.on)), views, must=False), study)


def _owed(word: str, data: StudyData) -> frozenset[str]:
    """Uploads that lack a mandatory sheet or column: STR-001 says so, and nothing that rests on it is judged (no cascades)."""
    table, _, column = word.partition(".")
    found = data.study.sheet_of(table)
    if found is None:
        return frozenset()
    if not column:
        return frozenset(data.absent.get(table, ())) if found[1].mandatory else frozenset()
    spec = data.study.column(table, column)
    if spec is None or not (spec.required if spec.mandatory is None else spec.mandatory):
        return frozenset()
    return frozenset(data.absent.get(word, ())) - frozenset(data.absent.get(table, ()))


def _linked(words: Mapping[str, None]) -> dict[str, None]:
    """The words, and of every table the subject: without it no row belongs to anybody."""
    return {w: None for word in words for w in ((word,) if "." in word else (word, f"{word}.SUBJID"))}


def _keyed(words: Mapping[str, None], study: Study) -> dict[str, None]:
    """The words, and of every table subject and natural key, which parts and views see without asking."""
    out = _linked(words)
    for word in words:
        found = study.sheet_of(word)
        out |= {f"{word}.{column}": None for column in (found[1].key if found else ())}
    return out


def _spelled_out(word: str, study: Study) -> tuple[str, ...]:
    """`*` stands for every column of every sheet, `*date` for those of type date; other words for themselves."""
    if not word.startswith("*"):
        return (word,)
    kind = word[1:]
    every = ((sheet.holds, column) for sheet in study.sheets.values() for column in sheet.columns.values())
    return tuple(f"{table}.{column.is_}" for table, column in every if kind in ("", column.type))


def _unknown(word: str, study: Study) -> bool:
    table, _, column = word.partition(".")
    return study.sheet_of(table) is None or bool(column and study.column(table, column) is None)


def _words(names: list[str], study: Study) -> str:
    tables = [n for n in names if "." not in n]
    columns = [n for n in names if "." in n and n.partition(".")[0] not in tables]
    said = [f"sheet {study.sheet_name(t)}" for t in tables]
    for name in columns:
        table, _, column = name.partition(".")
        said.append(f"column {study.header(table, column)} of {study.sheet_name(table)}")
    return ", ".join(said)
