"""A Study -> the references inside it that lead nowhere, and the words in it that have two meanings."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import distribution
from pathlib import Path

from cdiscx.model.spec import Begin, Column, Sheet, Source, Study
from cdiscx.model.spec_yaml import Marks, Path_, dotted

#: `start` of an endpoint that is no anchor: the first CR or PR (adam-derivations 6, DOR)
_STARTS = ("first_response",)
_SLOT = re.compile(r"\{[A-Za-z_][A-Za-z0-9_]*\}")
_BRACKETS = re.compile(r"[(\[（【][^)\]）】]*[)\]）】]")


def heading(text: str) -> str:
    """A heading as it is compared: compatible forms, case, blanks, bracketed units and a trailing colon do not matter."""
    plain = _BRACKETS.sub(" ", unicodedata.normalize("NFKC", text).casefold())
    return " ".join(plain.replace("_", " ").split()).rstrip(":* ") or " ".join(text.casefold().split())


@cache
def _expectations() -> list[str]:
    """Names of the installed library's expectations, by its files: it takes seconds to load."""
    folder = distribution("great-expectations").locate_file("great_expectations/expectations/core")
    return sorted(path.stem for path in Path(str(folder)).glob("*expect*.py"))


def dead_links(study: Study, marks: Marks) -> list[str]:
    """Every reference of a study that leads nowhere, as `file:line:column: path: text`."""
    links = _Links(study, marks)
    links.layout()
    links.dates()
    links.treatments()
    links.judgements()
    links.translations()
    return links.problems


@dataclass
class _Links:
    study: Study
    marks: Marks
    problems: list[str] = field(default_factory=list)

    def say(self, path: Path_, text: str) -> None:
        self.problems.append(f"{self.marks.find(path)}: {dotted(path)}: {text}")

    def known(self, path: Path_, name: str | None, among: Iterable[str], what: str) -> None:
        if name is None or name in (words := list(among)):
            return
        near = difflib.get_close_matches(name, words, n=1, cutoff=0.5)
        self.say(path, f"there is no {what} '{name}'" + (f", did you mean '{near[0]}'?" if near else ""))

    def once(self, path: Path_, words: Iterable[str], what: str) -> None:
        for word, times in Counter(words).items():
            if times > 1:
                self.say(path, f"the {what} '{word}' is given {times} times")

    def cell(self, path: Path_, reference: str | None) -> Column | None:
        """The column that `table.COLUMN` names."""
        if reference is None:
            return None
        table, _, name = reference.partition(".")
        found = self.study.sheet_of(table)
        self.known(path, table, [s.holds for s in self.study.sheets.values()], "table")
        if found:
            self.known(path, name, [c.is_ for c in found[1].columns.values()], f"column of {table}")
        return self.study.column(table, name)

    def layout(self) -> None:
        self.once(("sheets",), [s.holds for s in self.study.sheets.values()], "table")
        self._two_meanings(("sheets",), {n: (n, *s.synonyms) for n, s in self.study.sheets.items()}, "sheet")
        for name, sheet in self.study.sheets.items():
            path: Path_ = ("sheets", name)
            columns = [c.is_ for c in sheet.columns.values()]
            self.once((*path, "columns"), columns, "house column")
            for column in sheet.key:
                self.known((*path, "key"), column, columns, "column")
            self._two_meanings((*path, "columns"), {h: (h, *c.synonyms) for h, c in sheet.columns.items()}, "heading")
            for header, col in sheet.columns.items():
                self._column((*path, "columns", header), sheet, col)

    def _column(self, path: Path_, sheet: Sheet, column: Column) -> None:
        columns = {c.is_: c for c in sheet.columns.values()}
        self.known((*path, "unit_column"), column.unit_column, columns, "column")
        if column.terms and column.default is not None:
            self.known((*path, "default"), column.default, column.terms, "term")
        if column.min is not None and column.max is not None and column.min > column.max:
            self.say((*path, "min"), f"{column.min:g} is more than `max` ({column.max:g})")
        for other, values in column.silent_where.items():
            self.known((*path, "silent_where"), other, columns, "column")
            self._terms((*path, "silent_where", other), values, columns.get(other))
        for what, spellings in (("terms", column.terms), ("keys", column.keys)):
            self._two_meanings((*path, what), {t: (t, *s) for t, s in spellings.items()}, "spelling")

    def _two_meanings(self, path: Path_, spellings: Mapping[str, Iterable[str]], what: str) -> None:
        owner: dict[str, str] = {}
        for name, words in spellings.items():
            for word in words:
                other = owner.setdefault(heading(word), name)
                if other != name:
                    self.say((*path, name), f"the {what} '{word}' already means '{other}'")

    def _terms(self, path: Path_, values: Iterable[str], column: Column | None) -> None:
        if column is not None and (column.terms or column.type == "yn"):
            for value in values:
                self.known(path, value, column.terms or ("Y", "N"), "term")

    def dates(self) -> None:
        study = self.study
        for name, anchor in study.anchors.items():
            path: Path_ = ("anchors", name)
            for i, source in enumerate(anchor.sources):
                self._source((*path, "sources", i), source)
            for i, source in enumerate(anchor.none_if):
                self._source((*path, "none_if", i), source)
            self.cell((*path, "sheet"), anchor.sheet)
            self.known((*path, "otherwise"), anchor.otherwise, study.anchors, "anchor")
            self.known((*path, "needs"), anchor.needs, study.anchors, "anchor")
        self.once(("schedule",), [v.name for v in study.schedule], "visit")
        for i, visit in enumerate(study.schedule):
            path = ("schedule", i)
            self.known((*path, "anchor"), visit.anchor, study.anchors, "anchor")
            self.known((*path, "needs"), visit.needs, study.anchors, "anchor")
            self.known((*path, "drug"), visit.drug, study.regimens, "regimen")
        self._two_meanings(("schedule",), {v.name: (v.name, *v.synonyms) for v in study.schedule}, "visit name")
        if plan := study.assessments:
            self.known(("assessments", "visit"), plan.visit, [v.name for v in study.schedule], "visit")
            self.known(("assessments", "restart_at"), plan.restart_at, study.anchors, "anchor")
            points = [*plan.origins, plan.last, *(p.until for p in plan.phases)]
            for point in points:
                self.known(("assessments",), point.anchor if point else None, study.anchors, "anchor")

    def _source(self, path: Path_, source: Source) -> None:
        self.cell((*path, "of"), source.of)
        table = source.of.partition(".")[0]
        for column, values in (*source.where.items(), *source.unless.items()):
            self._terms(path, values, self.cell(path, f"{table}.{column}"))

    def treatments(self) -> None:
        study = self.study
        drugs, procedures, causes = (
            tuple(c.terms) if (c := study.column(*where)) else ()
            for where in (("dosing", "EXTRT"), ("procedures", "PRTRT"), ("ae", "AEREL"))
        )
        for name, regimen in study.regimens.items():
            self.known(("regimens", name), name, drugs or study.regimens, "drug")
            self.known(
                ("regimens", name, "component"),
                regimen.component,
                study.components or (regimen.component,),
                "component",
            )
        for name, component in study.components.items():
            path: Path_ = ("components", name)
            for words, among, what in (
                (component.drugs, drugs, "drug"),
                (component.procedures, procedures, "procedure"),
                (component.related_to, causes, "cause in Related To"),
            ):
                for word in words:
                    self.known(path, word, among, what)
        self._design((*drugs, *procedures))

    def _design(self, given: tuple[str, ...]) -> None:
        """Elements and arms: anchors, visits, drugs and elements that they name."""
        if (arm := self.study.arm) is None:
            return
        codes = [element.etcd for element in arm.elements]
        self.once(("arm", "elements"), codes, "element")
        for i, element in enumerate(arm.elements):
            for j, begin in enumerate(element.begins):
                self._begin(("arm", "elements", i, "begins", j), begin, given)
        for i, way in enumerate(arm.paths):
            for code in (*way.elements, way.of):
                self.known(("arm", "paths", i), code, codes, "element")

    def _begin(self, path: Path_, begin: Begin, given: tuple[str, ...]) -> None:
        if sum(map(bool, (begin.anchor, begin.first, begin.last))) != 1:
            self.say(path, "one of `anchor`, `first` and `last` is needed")
        for name in (begin.anchor, begin.needs, begin.unless):
            self.known(path, name, self.study.anchors, "anchor")
        for word in (*begin.first, *begin.last):
            self.known(path, word, given or (word,), "drug or procedure")
        for key, bound in (("from", begin.from_), ("after", begin.after), ("before", begin.before)):
            self.known((*path, key, "anchor"), bound.anchor if bound else None, self.study.anchors, "anchor")
        if begin.where is not None:
            self._source((*path, "where"), begin.where)

    def judgements(self) -> None:
        study = self.study
        for name, criterion in study.eligibility.items():
            self._terms(("eligibility", name), criterion.one_of, self.cell(("eligibility", name), criterion.column))
        for name, endpoint in study.endpoints.items():
            self.known(("endpoints", name, "start"), endpoint.start, (*study.anchors, *_STARTS), "anchor")
        self.once(("expectations",), [e.id for e in study.expectations], "expectation")
        for i, expectation in enumerate(study.expectations):
            path: Path_ = ("expectations", i)
            self.known((*path, "table"), expectation.table, [s.holds for s in study.sheets.values()], "table")
            self.known((*path, "type"), expectation.type, _expectations(), "expectation of Great Expectations")
            for key in ("column", "column_A", "column_B"):
                if key in expectation.kwargs:
                    self.cell((*path, "kwargs", key), f"{expectation.table}.{expectation.kwargs[key]}")
            if expectation.group_by is not None:
                everywhere = {c.is_ for s in study.sheets.values() for c in s.columns.values()}
                self.known((*path, "group_by"), expectation.group_by, everywhere, "column")

    def translations(self) -> None:
        """A translation belongs to a text of this study and has its slots: one that is left behind is found."""
        texts = self.study.texts()
        for lang, said in self.study.translations.items():
            for text, other in said.items():
                path: Path_ = ("translations", lang, text)
                self.known(path, text, texts, "text")
                if sorted(_SLOT.findall(text)) != sorted(_SLOT.findall(other)):
                    slots = " ".join(dict.fromkeys(_SLOT.findall(text))) or "none"
                    self.say(path, f"its slots are {slots}, those of the translation are not")
