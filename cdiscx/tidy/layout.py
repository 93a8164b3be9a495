"""Raw sheets in, layouts out: which table a sheet holds, where its header row is, which column is under which letter."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache

import polars as pl

from cdiscx.model.spec import Sheet
from cdiscx.model.table import RawSheet
from cdiscx.tidy.headings import Aliases, Meaning, is_comment
from cdiscx.tidy.observations import Problem
from cdiscx.tidy.words import clean_of, flat, listed

#: banners stand above the header row; deeper than this nobody looks for one
_SEARCHED_ROWS = 30
_ENOUGH = 2


@dataclass(frozen=True, slots=True)
class Heading:
    """One column that is read: its letter, its heading as typed, the unit the heading states."""

    column: str
    letter: str
    text: str
    unit: str | None


@dataclass(frozen=True, slots=True)
class Layout:
    """How one raw sheet is read. `header_rows` are spreadsheet rows, one or two; none where no header was found."""

    raw: RawSheet
    name: str
    sheet: Sheet
    aliases: Aliases
    header_rows: tuple[int, ...]
    headings: Mapping[str, Heading] = field(default_factory=dict)
    duplicated: frozenset[str] = frozenset()
    problems: tuple[Problem, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Guess:
    """One candidate for the header: rows, heading texts and meanings by letter."""

    rows: tuple[int, ...]
    texts: Mapping[str, str]
    meanings: Mapping[str, Meaning]

    @property
    def score(self) -> int:
        return len({m.column for m in self.meanings.values()})


def _guess(rows: tuple[int, ...], texts: Mapping[str, str], aliases: Aliases) -> _Guess:
    found = {letter: aliases.find(text) for letter, text in texts.items()}
    return _Guess(rows, texts, {letter: m for letter, m in found.items() if m is not None})


def _joined(upper: _Guess, lower: _Guess, aliases: Aliases) -> _Guess | None:
    """Two rows read as one header; None where the lower row holds data (a subject that is no heading)."""
    subject = next((letter for letter, m in upper.meanings.items() if m.column == "SUBJID"), None)
    if subject and subject in lower.texts and subject not in lower.meanings:
        named = aliases.find(f"{upper.texts[subject]} {lower.texts[subject]}")
        if named is None or not named.sure:
            return None
    texts: dict[str, str] = {}
    for letter in dict.fromkeys((*upper.texts, *lower.texts)):
        above, below = upper.texts.get(letter), lower.texts.get(letter)
        both = f"{above} {below}" if above and below else None
        options = [text for text in (both, below, above) if text]
        texts[letter] = next((text for text in options if aliases.find(text)), options[0])
    return _guess((*upper.rows, *lower.rows), texts, aliases)


def find_header(raw: RawSheet, aliases: Aliases) -> _Guess | None:
    """The best-scoring row (or two rows joined) among the first used rows; None where nothing looks like a header."""
    letters = [c for c in raw.text.columns if c != "_row"]
    top = raw.text.head(_SEARCHED_ROWS + 1).with_columns(clean_of(pl.col(letters)))
    filled = [{c: text for c, text in row.items() if text is not None} for row in top.to_dicts()]
    rows = [row for row in filled if len(row) > 1]

    @cache
    def guess(n: int) -> _Guess:
        texts = {letter: flat_lines(rows[n][letter]) for letter in letters if letter in rows[n]}
        return _guess((rows[n]["_row"],), texts, aliases)

    best: _Guess | None = None
    for n, row in enumerate(rows[:_SEARCHED_ROWS]):
        # a row has at most as many headings as cells
        if best is None or (len(row) - 1 > best.score and guess(n).score > best.score):
            best = guess(n)
    for n in range(len(rows[:_SEARCHED_ROWS]) - 1):
        upper, lower = guess(n), guess(n + 1)
        # Below a good header row there are data, and banners above it.
        if best is not None and best.score >= _ENOUGH and upper.rows > best.rows:
            break
        both = _joined(upper, lower, aliases)
        if both is not None and best is not None and both.score > best.score:
            best = both
    return best if best is not None and best.score >= _ENOUGH else None


def flat_lines(text: str) -> str:
    """A heading's text with its line breaks kept (they may divide two languages), other blanks collapsed."""
    return "\n".join(part for part in (flat(line) for line in text.splitlines()) if part)


def read_layout(raw: RawSheet, name: str, aliases: Aliases) -> Layout:
    """Layout of one raw sheet whose headings mean `aliases`; what is wrong with them is in `problems`."""
    sheet = aliases.sheet
    guess = find_header(raw, aliases)
    if guess is None:
        return Layout(raw, name, sheet, aliases, (), problems=(_no_header(raw, sheet, aliases),))
    chosen, doubled, unused = _choose(guess)
    problems = [*_duplicates(raw, name, sheet, guess, doubled), *_missing(raw, name, sheet, aliases, guess, doubled)]
    notes: list[str] = []
    for letter in unused:
        text = flat(guess.texts[letter])
        if is_comment(text):
            notes.append(f"{raw.file}: column '{text}' of sheet '{raw.sheet}' holds remarks and was not read")
        else:
            problems.append(_problem("unknown_column", raw, sheet, row=guess.rows[-1], letter=letter, raw_=text))
    headings = {m.column: Heading(m.column, letter, guess.texts[letter], m.unit) for letter, m in chosen.items()}
    return Layout(raw, name, sheet, aliases, guess.rows, headings, frozenset(doubled), tuple(problems), tuple(notes))


def _choose(guess: _Guess) -> tuple[dict[str, Meaning], dict[str, list[str]], list[str]]:
    """Letters to read, columns claimed twice (letters), letters not used. A full heading beats one in parts."""
    claims: dict[str, list[str]] = {}
    for letter, meaning in guess.meanings.items():
        claims.setdefault(meaning.column, []).append(letter)
    chosen: dict[str, Meaning] = {}
    doubled: dict[str, list[str]] = {}
    unused = [letter for letter in guess.texts if letter not in guess.meanings]
    for column, letters in claims.items():
        sure = [letter for letter in letters if guess.meanings[letter].sure] or letters
        unused += [letter for letter in letters if letter not in sure]
        if len(sure) == 1:
            chosen[sure[0]] = guess.meanings[sure[0]]
        else:
            doubled[column] = sure
    order = list(guess.texts)
    return chosen, doubled, sorted(unused, key=order.index)


def _problem(
    kind: str,
    raw: RawSheet,
    sheet: Sheet,
    *,
    column: str | None = None,
    row: int | None = None,
    letter: str | None = None,
    raw_: str | None = None,
    detail: str | None = None,
) -> Problem:
    return Problem(kind, raw.file, raw.sheet, sheet.holds, column, row, letter, raw_, None, detail)


def _duplicates(
    raw: RawSheet, name: str, sheet: Sheet, guess: _Guess, doubled: Mapping[str, list[str]]
) -> list[Problem]:
    out = []
    for column, letters in doubled.items():
        header = next(h for h, c in sheet.columns.items() if c.is_ == column)
        texts = [f"'{flat(guess.texts[letter])}' (column {letter})" for letter in letters]
        said = f"{' and '.join(texts)} both look like {header}"
        last = letters[-1]
        raw_text = flat(guess.texts[last])
        out.append(
            _problem(
                "duplicate_column",
                raw,
                sheet,
                column=column,
                row=guess.rows[-1],
                letter=last,
                raw_=raw_text,
                detail=said,
            )
        )
    return out


def _missing(
    raw: RawSheet, name: str, sheet: Sheet, aliases: Aliases, guess: _Guess, doubled: Mapping[str, list[str]]
) -> list[Problem]:
    have = {m.column for m in guess.meanings.values()}
    found = ", ".join(flat(text) for text in guess.texts.values())
    out = []
    for column in sheet.columns.values():
        needed = column.required if column.mandatory is None else column.mandatory
        if needed and column.is_ not in have:
            known = listed(aliases.known(column.is_))
            said = f"Known headings are: {known}. Found: {found}."
            out.append(_problem("missing_column", raw, sheet, column=column.is_, detail=said))
    return out


def _no_header(raw: RawSheet, sheet: Sheet, aliases: Aliases) -> Problem:
    letters = [c for c in raw.text.columns if c != "_row"]
    known = ", ".join(sheet.columns)
    if not raw.text.height:
        return _problem(
            "no_header", raw, sheet, detail=f"The sheet is empty. It needs a row with the headings: {known}."
        )
    first = raw.text.select(clean_of(pl.col(letters))).row(0)
    seen = ", ".join(flat(text) for text in first if text)
    return _problem("no_header", raw, sheet, detail=f"Known headings are: {known}. Its first row holds: {seen}.")
