"""Upload files in, the sheets that belong to the study out, with notes on the rest and problems for what is missing."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from cdiscx.model.spec import Study
from cdiscx.model.table import RawSheet, UploadFile
from cdiscx.tidy.headings import Aliases
from cdiscx.tidy.layout import Layout, read_layout
from cdiscx.tidy.observations import Problem
from cdiscx.tidy.words import flat, listed, nearest, tight

_NUMBERING = re.compile(r"^\d+\s*[.)、_:\s-]\s*")


def sheet_key(name: str) -> str:
    """The key sheet names are compared by: tight, no leading number, singular."""
    key = tight(_NUMBERING.sub("", flat(name)))
    return key[:-1] if key.endswith("s") else key


def sheet_index(study: Study) -> dict[str, str]:
    """Key of every known name -> canonical sheet name; canonical names win over synonyms, those over house names."""
    index = {sheet_key(name): name for name in study.sheets}
    for name, sheet in study.sheets.items():
        for synonym in sheet.synonyms:
            index.setdefault(sheet_key(synonym), name)
    for name, sheet in study.sheets.items():
        index.setdefault(sheet_key(sheet.holds), name)
    return index


def read_book(
    study: Study, file: UploadFile, aliases: Mapping[str, Aliases]
) -> tuple[list[Layout], list[Problem], list[str]]:
    """Layouts of a file's sheets in its order, problems of missing sheets, notes. `aliases`: by canonical sheet name."""
    index = sheet_index(study)
    ignored = {sheet_key(name) for name in study.ignore_sheets}
    layouts: list[Layout] = []
    notes = [note if file.name in note else f"{file.name}: {note}" for note in file.notes]
    unknown: list[str] = []
    for raw in file.sheets:
        name = index.get(sheet_key(raw.sheet))
        if name is not None:
            layouts.append(read_layout(raw, name, aliases[name]))
        else:
            if sheet_key(raw.sheet) not in ignored:
                unknown.append(raw.sheet)
            notes.append(f"{file.name}: sheet '{raw.sheet}' is not part of the study and was not read")
    for layout in layouts:
        notes += _hidden(layout.raw)
        notes += layout.notes
    for name in study.sheets:
        twins = [layout.raw.sheet for layout in layouts if layout.name == name]
        if len(twins) > 1:
            said = " and ".join(f"'{t}'" for t in twins)
            notes.append(f"{file.name}: sheets {said} both hold {name}; both were read")
    problems = [p for layout in layouts for p in layout.problems]
    problems += _missing_sheets(study, file, layouts, unknown)
    return layouts, problems, notes


def _hidden(raw: RawSheet) -> list[str]:
    where = f"{raw.file}: sheet '{raw.sheet}'"
    notes = [f"{where} is hidden and was read"] if raw.hidden else []
    if raw.hidden_rows:
        notes.append(f"{where} has {len(raw.hidden_rows)} hidden rows, which were read (first: {raw.hidden_rows[0]})")
    if raw.hidden_columns:
        notes.append(f"{where} has hidden columns, which were read: {', '.join(raw.hidden_columns)}")
    if raw.formulas:
        notes.append(f"{where} has {raw.formulas} formulas; their stored values were read")
    return notes


def _missing_sheets(study: Study, file: UploadFile, layouts: Sequence[Layout], unknown: Sequence[str]) -> list[Problem]:
    have = {layout.name for layout in layouts}
    out = []
    for name, sheet in study.sheets.items():
        if name in have or not sheet.mandatory:
            continue
        near = nearest(name, unknown)
        known = listed((name, *sheet.synonyms))
        hint = f" Is '{near}' meant?" if near else ""
        found = ", ".join(s.sheet for s in file.sheets) or "no sheet at all"
        said = f"Known sheet names are: {known}. Found: {found}.{hint}"
        out.append(Problem("missing_sheet", file.name, name, sheet.holds, detail=said))
    return out
