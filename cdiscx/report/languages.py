"""Findings and reports in other languages: texts are data (`lang/<language>/*.yaml`), English is what the code says.

The key of a text is its English template; `{SLOTS}` stay. A text that has no translation is shown in English. Ids, keys,
severities, places, typed values and fingerprints are the same in every language.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import polars as pl
from ruamel.yaml import YAML

from cdiscx.model.errors import UsageError
from cdiscx.model.finding import Finding, Phrase, Report
from cdiscx.model.kept import Kept, changed
from cdiscx.model.spec import Study
from cdiscx.model.standing import Past, Standings

#: the code's own language, and those that `lang/` has
ENGLISH = "en"
LANGUAGES = (ENGLISH, "zh")
_DATA = Path(__file__).parent / "lang"
#: files of what checks, the lesions' page and the endpoints say; files of the words around it
_TEXTS, _LABELS = ("phrases", "sayings", "checks", "derivations", "results"), ("labels", "serve", "endpoints")
#: slots that hold what somebody typed, or a name: they are never read as words of ours
TYPED = frozenset([
    "raw", "read_as", "value", "AETERM", "other", "EXCHGREAS", "TRREAS", "DECREAS", "therapy", "file", "Sheet",
    "sheet", "_header", "header", "HEADER", "columns", "SUBJID", "shared", "differ", "criterion", "reason",
    "VISIT", "VISIT1", "NEAR", "LESID", "LESIONS", "ORGAN", "PLACE", "DRUG", "PRTRT", "AT", "NADIR_VISIT",
    "WAS_AT", "NEW_AT"
])  # fmt: skip
_SLOT = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")
#: slots that go on after the end of a sentence; any other stands inside one
OPEN = frozenset([
    "tail", "detail", "cause", "more", "HINT", "MUST", "site", "part", "derived", "proposal", "clinical", "hint",
    "why", "said", "sentence", "rest"
])  # fmt: skip
#: slots of `phrases.yaml` that hold one heading or one sheet's name
NAMES = frozenset(("H", "S"))
_LETTERS, _ENGLISH_WORD = re.compile(r"[a-z]{2,}"), re.compile(r"[a-z]{3,}")
_SENTENCE = re.compile(r"(?<=[.?!;]) (?=[A-Z])")
#: a template with fewer letters of its own than this fits too much: its slots must be understood as well
_TELLING, _DEEPEST = 10, 5


@dataclass(frozen=True)
class Language:
    """The texts of one language; `labels` are the reports' own words, `texts` whatever a finding may say."""

    name: str
    texts: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    _known: dict[str, tuple[str, bool]] = field(default_factory=dict, repr=False, compare=False)

    @property
    def tag(self) -> str:
        """The language as pages and browsers call it (BCP 47)."""
        return {"zh": "zh-Hans"}.get(self.name, self.name)

    def label(self, text: str, **slots: object) -> str:
        """A word of the reports, its slots filled."""
        return filled(self.labels.get(text, text), {name: str(value) for name, value in slots.items()})

    def many(self, count: int, word: str) -> str:
        """`1 subject`, `1,200 subjects`: a number of things, by the label of `{n} subject` or `{n} subjects`."""
        return self.label(f"{{n}} {word}{'' if count == 1 else 's'}", n=f"{count:,}")

    def text(self, text: str, phrase: Phrase | None = None) -> str:
        """A text of a check; from its template where that is known and translated, else read as it stands."""
        if phrase is not None and phrase.template in self.texts and self.texts[phrase.template] != "{sentence}":
            values = {name: value if name in TYPED else self.read(value) for name, value in phrase.values}
            return filled(self.texts[phrase.template], values)
        return self.read(text)

    def read(self, text: str) -> str:
        """A text without template, or a slot's: a known one, one that fits a known template, or sentence by sentence."""
        return self._read(text, 0)[0] if self.texts else text

    def _read(self, text: str, depth: int) -> tuple[str, bool]:
        """The text in this language, and whether all of it was understood."""
        if text not in self._known:
            if len(self._known) > 50_000:
                self._known.clear()
            self._known[text] = self._understood(text.strip(), text, depth)
        return self._known[text]

    def _understood(self, bare: str, text: str, depth: int) -> tuple[str, bool]:
        for known in (bare, bare[:1].lower() + bare[1:]):
            if known in self.texts:
                return self.texts[known], True
        if not _LETTERS.search(bare):
            return text, True
        if depth > _DEEPEST:
            return text, False
        for pattern in self._patterns:
            if pattern.landmark in bare and (match := pattern.regex.fullmatch(bare)):
                read = {
                    name: (value, True) if name in NAMES else self._read(value, depth + 1)
                    for name, value in match.groupdict().items()
                }
                if pattern.telling or all(known for _, known in read.values()):
                    return filled(pattern.said, {name: said for name, (said, _) in read.items()}), True
        return self._pieces(bare, text, depth)

    def _pieces(self, bare: str, text: str, depth: int) -> tuple[str, bool]:
        """Sentences, then clauses, one by one; the text as it was where none is understood."""
        for pieces, between in ((_SENTENCE.split(bare), ""), (bare.split("; "), "；"), (bare.split(", "), "，")):
            if len(pieces) > 1:
                read = [self._read(piece, depth + 1) for piece in pieces]
                changed = any(said != piece for (said, _), piece in zip(read, pieces, strict=True))
                if changed and (between != "，" or all(known for _, known in read)):
                    joint = between or " "
                    return _joined([said for said, _ in read], joint), all(known for _, known in read)
        return text, not _ENGLISH_WORD.search(bare)

    def of_study(self, study: Study) -> Language:
        """This language with the study's own texts (`translations`) before the catalogue's."""
        own = dict(study.translations.get(self.name, {}))  # type: ignore[call-overload]
        for item in study.expectations:
            if item.template != item.message and item.message in own:
                own[item.template] = own[item.message] + self.label(" (site {group})")
        for text in [e.label for e in study.analysis.exposed.values() if e.label in own]:
            own[text.removesuffix(" Flag")] = own[text].removesuffix(self.label(" Flag"))
        more = Language(self.name, {**self.texts, **own}, self.labels)
        slotted = [_pattern(template, said) for template, said in own.items() if _SLOT.search(template)]
        more.__dict__["_patterns"] = _in_order([*self._patterns, *slotted])
        return more

    @cached_property
    def _patterns(self) -> tuple[_Pattern, ...]:
        return _in_order(_pattern(template, said) for template, said in self.texts.items() if _SLOT.search(template))


#: the code's own words
PLAIN = Language(ENGLISH)


@dataclass(frozen=True, slots=True)
class _Pattern:
    """A template as a regular expression; `landmark` its longest own text, `letters` the length of all of it."""

    regex: re.Pattern[str]
    said: str
    landmark: str
    letters: int

    @property
    def telling(self) -> bool:
        return self.letters >= _TELLING


def _in_order(patterns: Iterable[_Pattern]) -> tuple[_Pattern, ...]:
    """The most telling first."""
    return tuple(sorted((p for p in patterns if p.letters > 1), key=lambda p: -p.letters))


def _pattern(template: str, said: str) -> _Pattern:
    own = _SLOT.split(template)[::2]
    seen: set[str] = set()
    regex = ""
    for index, piece in enumerate(_SLOT.split(template)):
        if index % 2 == 0:
            regex += re.escape(piece)
        else:
            any_ = "." if piece in OPEN else "[^,;]" if piece in NAMES else "(?![.?!] [A-Z])."
            regex += f"(?P={piece})" if piece in seen else f"(?P<{piece}>(?:{any_})*?)"
            seen.add(piece)
    return _Pattern(re.compile(regex, re.DOTALL), said, max(own, key=len), sum(len(p.strip()) for p in own))


def _joined(pieces: list[str], between: str) -> str:
    out = ""
    for piece in pieces:
        ends = out[-1:] in "。？！；" if between == " " else False
        out += piece if not out or ends else f"{between}{piece}"
    return out


def filled(template: str, values: Mapping[str, str]) -> str:
    """The template with its slots replaced in one pass; slots without a value stay."""
    return _SLOT.sub(lambda m: values.get(m[1], m[0]), template)


@cache
def of_datasets(name: str) -> Language:
    """A language for what is said of finished datasets (`cdiscx conform`): their messages are no one else's."""
    known = language(name)
    own = {} if name == ENGLISH else _loaded(_DATA / name / "conform.yaml")
    return Language(name, own, {**known.labels, **own})


@cache
def of_uploads(name: str) -> Language:
    """A language that knows, beside all of its texts, why an upload could not be read."""
    known = language(name)
    own = {} if name == ENGLISH else _loaded(_DATA / name / "uploads.yaml")
    return Language(name, {**known.texts, **own}, known.labels)


@cache
def language(name: str) -> Language:
    """A language with its texts. Raises UsageError for one that is not there."""
    if name not in LANGUAGES:
        raise UsageError(f"no language '{name}'; there are {', '.join(LANGUAGES)}")
    if name == ENGLISH:
        return Language(name)
    texts: dict[str, str] = {}
    for file in _TEXTS:
        texts |= _loaded(_DATA / name / f"{file}.yaml")
    labels: dict[str, str] = {}
    for file in _LABELS:
        labels |= _loaded(_DATA / name / f"{file}.yaml")
    return Language(name, texts, labels)


def _loaded(path: Path) -> dict[str, str]:
    read: Callable[[Path], Any] = YAML(typ="safe").load
    return {str(key): str(value or "") for key, value in read(path).items()}


def of(report: Report) -> Language:
    """The language that the report's texts are in."""
    return language(str(report.run.get("lang", ENGLISH)))


def translated(report: Report, name: str, study: Study | None = None) -> Report:
    """The report with its texts in another language; `run["lang"]` says which, nothing else of it changes.

    `study`: whose own texts (`translations`) are known too.
    """
    tongue = language(name)
    if name == ENGLISH:
        return report
    return told_in(report, tongue.of_study(study) if study is not None else tongue)


def told_in(report: Report, tongue: Language) -> Report:
    """The report with its texts in a language, of whatever kind its checks are."""
    return replace(
        report,
        run={**report.run, "lang": tongue.name},
        checks=tuple(replace(c, reason=tongue.read(c.reason)) if c.reason else c for c in report.checks),
        findings=tuple(_finding(f, tongue) for f in report.findings),
        notes=tuple(tongue.read(note) for note in report.notes),
        changes=_changed(report.changes, tongue),
        ledger=_standings(report.ledger, tongue) if report.ledger else None,
    )


def _finding(finding: Finding, tongue: Language) -> Finding:
    message, fix, expected = finding.told
    return replace(
        finding,
        message=tongue.text(finding.message, message),
        fix=tongue.text(finding.fix, fix) if finding.fix else "",
        expected=tongue.text(finding.expected, expected) if finding.expected else finding.expected,
    )


def _changed(changes: pl.DataFrame | Kept | None, tongue: Language) -> pl.DataFrame | Kept | None:
    """The change log with its reasons in the language."""
    if changes is None or "why" not in changes.columns:
        return changes
    whys = changes.lazy().select(pl.col("why").drop_nulls().unique()).collect().to_series().to_list()
    told = pl.col("why").replace({why: tongue.read(why) for why in whys})
    if isinstance(changes, Kept):
        return changed(changes, lambda piece, _: piece.with_columns(told), keep=True)
    return changes.with_columns(told)


def _standings(standings: Standings, tongue: Language) -> Standings:
    def said(past: Past) -> Past:
        return replace(past, message=tongue.read(past.message), why=tongue.read(past.why) if past.why else "")

    return replace(
        standings,
        resolved=tuple(said(p) for p in standings.resolved),
        unjudged=tuple(said(p) for p in standings.unjudged),
    )
