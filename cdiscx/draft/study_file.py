"""Uploads of a study that nobody has described yet in; the text of its study file, with every guess marked, out."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from cdiscx.draft.plan import DECIDE, quoted, regimen_lines, schedule_lines
from cdiscx.draft.workbook import Found, Page, house_sheets, read_pages, slug
from cdiscx.model.spec import Column
from cdiscx.model.table import UploadFile
from cdiscx.tidy.words import Lookup

#: what checks and mappings rest on in any study
_CORE = {
    "subjects": ("SUBJID", "SITEID", "SEX", "RFICDAT", "ENRLDAT"),
    "visits": ("SUBJID", "VISIT", "VISDAT", "VISDONE"),
    "dosing": ("SUBJID", "EXTRT", "EXSTDAT", "EXENDAT", "EXDOSE", "EXDOSU", "EXDOSFRQ"),
    "targets": ("SUBJID", "VISIT", "TRDAT", "LESID", "TUORGAN", "TUMETHOD", "LDIAM", "TRSTATUS"),
    "nontargets": ("SUBJID", "VISIT", "TRDAT", "LESID", "TUORGAN", "TUMETHOD", "TRSTATUS"),
    "newlesions": ("SUBJID", "VISIT", "TRDAT", "LESID", "TUORGAN", "CERTAIN"),
    "responses": ("SUBJID", "VISIT", "RSDAT", "TRGRESP", "NTRGRESP", "NEWLIND", "OVRLRESP"),
    "ae": ("SUBJID", "AENO", "AETERM", "AESTDAT", "AETOXGR", "AESER", "AEOUT"),
    "labs": ("SUBJID", "VISIT", "LBDAT", "LBTEST", "LBORRES", "LBORRESU"),
    "disposition": ("SUBJID", "DSSCOPE", "DSDECOD", "DSDAT"),
    "survival": ("SUBJID", "SSDAT", "SSSTAT", "DTHDAT"),
}
_NOT_YET = "not read until somebody says what it is"
#: what a reference date is called, where it stands
_ANCHORS = (("CONSENT", "informed consent", "RFICDT", "subjects", "RFICDAT"), ("ENROL", "enrolment", "ENRLDT", "subjects", "ENRLDAT"),
            ("D1", "first treatment", "TRTSDT", "dosing", "EXSTDAT"))  # fmt: skip


def draft_study(study_id: str, files: Sequence[UploadFile]) -> str:
    """A study file for these uploads. It loads as it is; what a person must decide stands in lines with `DECIDE:`.

    Sheets and headings are recognised by the house's synonyms, else by what the cells look like; the reason stands
    beside each guess. What nobody recognises is a commented-out proposal.
    """
    pages, order = read_pages(files)
    lines = [
        f"# Drafted by `cdiscx new study` from {', '.join(f.name for f in files)}. Every line with `guess` is to be checked,",
        f"# every line with `{DECIDE}` to be answered; then remove the remark. `cdiscx lint` lists what is still open.",
        f"id: {quoted(study_id)}",
        f"studyid: {quoted(study_id.upper())}   # {DECIDE} the protocol number, as STUDYID in SDTM",
        f"title: {quoted(study_id.upper())}   # {DECIDE} the title of the protocol",
    ]
    if order:
        lines.append(f"date_order: {order}   # guess: some dates read only that way")
    lines += ['missing_words: ["N/A", "NA", "ND", "UNK", "-", "."]   # cells that mean: nothing here', ""]
    lines += [
        *_sheets(pages),
        "",
        *_anchors(pages),
        "",
        *schedule_lines(pages, order),
        "",
        *regimen_lines(pages, order),
        "",
    ]
    return "\n".join([*lines, *_judgement(pages)]) + "\n"


def _sheets(pages: Sequence[Page]) -> Iterator[str]:
    known = house_sheets()
    used: set[str] = set()
    active = [p for p in pages if p.holds and p.holds not in used and not used.add(p.holds)]  # type: ignore[func-returns-value]
    yield "sheets:" if active else "sheets: {}"
    for page in active:
        yield from _sheet(page, known[page.holds or ""][1].key)
    others = [p for p in pages if p not in active]
    if others:
        free = ", ".join(table for table in known if table not in used)
        yield f"# {DECIDE} sheets that were not recognised; remove the # and say what they hold, or leave them out"
        yield f"#  the house's tables that no sheet above holds: {free}"
    for page in others:
        if not any(c.kind.cells for c in page.columns):
            yield f"#  {quoted(page.name)}: no rows below its first line; `ignore_sheets: [{quoted(page.name)}]` passes over it"
            continue
        yield f"#  {quoted(page.name)}:"
        same = f" ({page.why}, as another sheet has)" if page.holds else ""
        yield f"#    holds: {slug(page.name, set()).lower()}   # any name of your own, or one of the house's{same}"
        yield "#    columns:"
        taken: set[str] = set()
        for found in page.columns:
            name = found.is_ or slug(found.heading, taken)
            yield f"#      {_column(found, name, None)}"


def _sheet(page: Page, house_key: tuple[str, ...]) -> Iterator[str]:
    has = {c.is_ for c in page.columns}
    key = [c for c in house_key if c in has]
    yield f"  {quoted(page.name)}:   # {'' if page.sure else 'guess: '}{page.why}"
    yield f"    holds: {page.holds}"
    if not page.sure:
        yield f"    # {DECIDE} does this sheet really hold {page.holds}?"
    yield f"    key: [{', '.join(key)}]"
    yield "    columns:"
    taken = {c.is_ for c in page.columns if c.is_}
    missing = [n for n in _CORE.get(page.holds or "", ()) if n not in has]
    for found in page.columns:
        if found.is_ is not None:
            yield f"      {_column(found, found.is_, found.house or _house_columns(page).get(found.is_))}"
        else:
            name = slug(found.heading, taken)
            yield f"      # {_column(found, name, None)}; {_NOT_YET}"
    for name in missing:
        said = _house_columns(page)[name].type
        heading = _house_heading(page, name)
        yield f"      # {DECIDE} which column is {name} ({heading}, {said})? checks and mappings look for it"


def _house_heading(page: Page, name: str) -> str:
    """What a bundled study's sheet calls the column: people know it by that."""
    columns = house_sheets()[page.holds or ""][1].columns
    return next(heading for heading, column in columns.items() if column.is_ == name)


def _house_columns(page: Page) -> dict[str, Column]:
    return {c.is_: c for c in house_sheets()[page.holds or ""][1].columns.values()}


def _column(found: Found, name: str, house: Column | None) -> str:
    """`Heading: {is: NAME, type: …}   # guess: …`."""
    kind = found.kind
    type_ = house.type if house is not None else {"SUBJID": "id", "VISIT": "visit"}.get(name, kind.type)
    parts = [f"is: {name}", *([f"type: {type_}"] if type_ != "text" else [])]
    full = kind.cells == len(found.values) and kind.cells > 0
    if (house.required if house else name in ("SUBJID", "VISIT")) and full:
        parts.append("required: true")
    if type_ in ("term", "terms", "yn"):
        parts += [f"terms: {{{', '.join(words)}}}"] if (words := _terms(found, type_, house)) else []
    if type_ == "num" and (unit := (house.unit if house else None) or _unit(found.heading)):
        parts.append(f"unit: {quoted(unit)}")
    if type_ == "date" and any(t and re.fullmatch(r"\d{4}(-\d{2})?|\d{2}[./]\d{4}", t) for t in kind.texts):
        parts.append("partial: true")
    how = "heading known" if found.sure else f"guess: {kind.evidence}"
    doubt = f"; but {kind.evidence}" if found.sure and _odd(type_, kind.type) and kind.cells else ""
    return f"{quoted(found.heading)}: {{{', '.join(parts)}}}   # {how}{doubt}"


def _odd(said: str, looks: str) -> bool:
    return said in ("date", "num", "lesion") and said != looks


def _unit(heading: str) -> str | None:
    found = re.search(r"[(\[](mm|cm|kg|%)[)\]]", heading)
    return found[1] if found else None


def _terms(found: Found, type_: str, house: Column | None) -> list[str]:
    """House terms with the spellings of the data; words that the house does not know are terms of their own."""
    if type_ == "yn":
        if found.kind.yes_no is None or {w.upper() for w in found.kind.yes_no} <= {
            "Y",
            "N",
            "YES",
            "NO",
            "1",
            "0",
            "TRUE",
            "FALSE",
        }:
            return []
        return [f'"{term}": [{quoted(word)}]' for term, word in zip("YN", found.kind.yes_no, strict=True)]
    lookup = Lookup(house.terms) if house else Lookup({})
    pieces = [p.strip() for text in found.kind.texts for p in (text.split(";") if type_ == "terms" else [text])]
    terms: dict[str, list[str]] = {}
    for text in dict.fromkeys(p for p in pieces if p):
        term = lookup.find(text)
        spellings = terms.setdefault(term or text.upper(), [])
        if text not in (term, text.upper() if term is None else None):
            spellings.append(text)
    return [f"{quoted(term)}: [{', '.join(map(quoted, spellings))}]" for term, spellings in terms.items()]


def _anchors(pages: Sequence[Page]) -> Iterator[str]:
    yield "anchors:   # reference dates; study days, windows and endpoints count from them"
    none = True
    for name, label, adsl, table, column in _ANCHORS:
        page = next((p for p in pages if p.holds == table), None)
        found = page.column(column) if page else None
        if found is not None:
            none = False
            yield f"  {name}: {{label: {label}, adsl: {adsl}, sources: [{{of: {table}.{column}}}], sheet: {table}.{column}}}"
        elif name == "D1":
            none = False
            yield f"  {name}: {{label: {label}, adsl: {adsl}}}   # {DECIDE} which column holds it (`sources: [{{of: table.COLUMN}}]`)?"
        else:
            yield f"  # {DECIDE} {name} ({label}): which column of {table} holds it?"
    if none:
        yield "  {}"


def _judgement(pages: Sequence[Page]) -> Iterator[str]:
    tables = {p.holds for p in pages}
    if "targets" in tables:
        yield "criterion:"
        yield f"  name: RECIST 1.1   # {DECIDE} RECIST 1.1 or MRECIST, with which numbers (`overrides:`)?"
        yield ""
    yield f"# {DECIDE} the endpoints, the primary one with `primary: true`; for example"
    yield "#endpoints:"
    yield "#  PFS:"
    yield "#    kind: time_to_event"
    yield "#    label: Progression-Free Survival"
    yield "#    start: D1"
    yield "#    events: [progression, death]"
    yield "#    censors: [no_assessment, new_anticancer_therapy, missed_assessments, last_evaluable_assessment]"
    yield "#    population: SAFFL"
    yield f"# {DECIDE} arm and elements of the design (`arm:`) and the trial summary (`trial_summary:`)"
