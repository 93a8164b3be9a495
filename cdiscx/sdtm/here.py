"""What a mapping algorithm sees: the rows of its block, where their columns come from, the study and its terms."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import polars as pl

from cdiscx.model.mapping import DomainMapping, Target
from cdiscx.model.spec import Study
from cdiscx.model.table import StudyData, Table
from cdiscx.registry import View, views
from cdiscx.sdtm.visit_plan import visit_numbers
from cdiscx.standards import guide, terminology

#: what a subject is known by in every domain: SUBJID, USUBJID, RFSTDT and RFXSTDT (Date), `_n` (u32, place by USUBJID)
PEOPLE = pl.Schema({"SUBJID": pl.String, "USUBJID": pl.String, "RFSTDT": pl.Date, "RFXSTDT": pl.Date, "_n": pl.UInt32})


@dataclass(frozen=True, slots=True)
class Lost:
    """Rows of a domain that give no record: without a subject, and of subjects without a Demographics row."""

    nobody: int
    strangers: Mapping[str, int]

    def plus(self, other: Lost) -> Lost:
        """Both."""
        names = dict.fromkeys((*self.strangers, *other.strangers))
        both = {n: self.strangers.get(n, 0) + other.strangers.get(n, 0) for n in names}
        return Lost(self.nobody + other.nobody, both)


@dataclass
class Run:
    """One mapping run: what is mapped, and what was seen on the way (notes, columns that were used)."""

    data: StudyData
    mappings: Mapping[str, DomainMapping]
    #: C-code -> value -> meaning of the sponsor's own terms
    extended: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    people: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=PEOPLE))
    #: SE as frame (`_n`, EPOCH, SESTDTC, SEENDTC), for EPOCH; None before SE is made
    elements: pl.DataFrame | None = None
    notes: list[str] = field(default_factory=list)
    #: columns that chose rows, or said what another one means
    used: set[str] = field(default_factory=set)
    #: columns that a variable was made of
    mapped: set[str] = field(default_factory=set)
    #: domain -> rows that gave no record
    lost: dict[str, Lost] = field(default_factory=dict)
    #: the same of all subjects, where this run has some of them only
    lost_of_all: Mapping[str, Lost] | None = None

    @property
    def study(self) -> Study:
        """The study that is mapped."""
        study: Study = self.data.study
        return study

    @cached_property
    def visits(self) -> pl.DataFrame:
        """The number and name of every subject's visits (see `cdiscx.sdtm.visit_plan.visit_numbers`)."""
        return visit_numbers(self.data)

    def note(self, text: str) -> None:
        """Remembers a note once."""
        if text not in self.notes:
            self.notes.append(text)


def sources_of(data: StudyData, table: Table, column: str) -> tuple[str, ...]:
    """`table.COLUMN`s that a column of a tidy table or view was made of; every one of them where a view unites tables.

    A column that a view works out (`LASTDAT`) rests on the columns of its name in what the view is made of; a date on all
    dates there.
    """
    known = views()
    if table.name not in known:
        return table.origin.get(column, ())
    bare = column.removesuffix("C")
    words = _words_of(known[table.name].of, known, set())
    named = tuple(w for w in words if w.partition(".")[2] in (column, bare))
    if named or table.frame.schema[column] != pl.Date:
        return named
    return tuple(w for w in words if _is_date(data, w))


def _words_of(words: Sequence[str], known: Mapping[str, View], seen: set[str]) -> tuple[str, ...]:
    """The `table.COLUMN`s behind a view, those of the views it is made of included."""
    out: dict[str, None] = {}
    for word in words:
        if "." in word and word.partition(".")[0] not in known:
            out[word] = None
        elif (view := known.get(word.partition(".")[0])) is not None and view.name not in seen:
            out.update(dict.fromkeys(_words_of(view.of, known, {*seen, view.name})))
    return tuple(out)


def _is_date(data: StudyData, word: str) -> bool:
    table, _, column = word.partition(".")
    return table in data.tidy and data.tidy[table].frame.schema.get(column) == pl.Date


@dataclass
class RowSet:
    """The rows of a block: `frame` (collected) and, for each column, the `table.COLUMN`s behind it."""

    frame: pl.DataFrame
    origin: dict[str, tuple[str, ...]]
    #: joined table -> column with its row's `_from`
    joined: dict[str, str] = field(default_factory=dict)


@dataclass
class Here:
    """One target of one block, while its algorithm runs.

    An algorithm is `algorithm(here, of, *, option=…)` and answers an expression over the block's rows; more variables may be
    put into `more`, and `rows[VARIABLE]` names the raw rows (list[u32] or u32) that decided a value of another row.
    """

    run: Run
    domain: str
    block: str
    variable: str
    target: Target
    rows_of: RowSet
    used: dict[str, None] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)
    more: dict[str, pl.Expr] = field(default_factory=dict)
    rows: dict[str, pl.Expr] = field(default_factory=dict)
    #: labels of supplemental qualifiers in `more`, where each has one of its own
    labels: dict[str, str] = field(default_factory=dict)
    origin: str = "Assigned"
    source: str = "Sponsor"
    method: str = ""

    @property
    def study(self) -> Study:
        """The study that is mapped."""
        return self.run.study

    def has(self, column: str) -> bool:
        """Whether the block's rows have a column."""
        return column in self.rows_of.frame.columns

    def col(self, column: str) -> pl.Expr:
        """A column of the rows, remembered as the origin of the variable; null where the study has no such column."""
        if not self.has(column):
            self.missing.append(column)
            return pl.lit(None, pl.String)
        self.used.update(dict.fromkeys(self.rows_of.origin.get(column, ())))
        return pl.col(column)

    def collected(self, column: str) -> pl.Expr:
        """The column as collected (`XC`: ISO text of a date, a number as typed), else the column itself."""
        return self.col(f"{column}C") if self.has(f"{column}C") else self.col(column)

    def text(self, column: str) -> pl.Expr:
        """The column as text: a number in its shortest form, a date as ISO 8601, a list joined by `; `."""
        dtype = self.rows_of.frame.schema.get(column, pl.String())
        return as_text(self.col(column), dtype)

    def distinct(self, expression: pl.Expr) -> list[str]:
        """The distinct texts of an expression over the rows, sorted."""
        found = self.rows_of.frame.select(expression.alias("x")).get_column("x").drop_nulls().unique()
        return sorted(str(value) for value in found)

    def lookup(self, frame: pl.DataFrame, on: Sequence[str], name: str) -> pl.Expr:
        """Joins a frame that is unique in `on` to the rows; answers its column `name` (kept under a private name)."""
        return self.lookups(frame, on, [name])[0]

    def lookups(self, frame: pl.DataFrame, on: Sequence[str], names: Sequence[str]) -> list[pl.Expr]:
        """The same for several columns of the frame at once."""
        own = {name: f"_{self.block}.{self.variable}.{name}" for name in names}
        there = frame.select(*on, *[pl.col(name).alias(private) for name, private in own.items()])
        kept = self.rows_of.frame.drop(own.values(), strict=False)
        self.rows_of.frame = kept.join(there, on=list(on), how="left", maintain_order="left")
        return [pl.col(private) for private in own.values()]

    def codelist(self, given: str | None = None) -> str | None:
        """The codelist of the variable by the guide, or the one that is given."""
        if given is not None:
            return given
        known = guide.variable(self.domain, self.variable)
        return known.codelist if known else None

    def collected_by_site(self) -> None:
        """Says that the value is as the investigator gave it."""
        self.origin, self.source = "Collected", "Investigator"

    def derived(self, method: str) -> None:
        """Says that the value is derived, and how."""
        self.origin, self.source, self.method = "Derived", "Sponsor", method


def as_text(value: pl.Expr, dtype: pl.DataType | type[pl.DataType]) -> pl.Expr:
    """A column of any tidy type as text."""
    if dtype == pl.Float64:
        return number_text(value)
    if isinstance(dtype, pl.List):
        item = pl.element()
        if isinstance(dtype.inner, pl.Struct):
            item = pl.concat_str(
                [item.struct.field("key"), item.struct.field("term")], separator=": ", ignore_nulls=True
            )
        return value.list.eval(item).list.join("; ")
    if dtype != pl.String:
        return value.cast(pl.String)
    text = value.str.strip_chars()
    return pl.when(text != "").then(text)


def number_text(value: pl.Expr) -> pl.Expr:
    """A Float64 in its shortest form: `32`, `3.2`."""
    return value.cast(pl.String).str.replace(r"\.0$", "")


def meanings(values: Iterable[str], own: Mapping[str, str], codelist: str | None, run: Run) -> dict[str, str]:
    """Distinct texts -> what is submitted: the mapping's word, the codelist's term, a sponsor's term, else the text."""
    by_key = {terminology.key(text): term for text, term in own.items()}
    extended = {terminology.key(value): value for value in run.extended.get(codelist or "", {})}
    out: dict[str, str] = {}
    for text in values:
        key = terminology.key(text)
        word = by_key.get(key, text)
        found = terminology.term(codelist, word) if codelist else None
        own_term = extended.get(terminology.key(word))
        if found is not None and found.value != word and own_term == word:
            found = None
        out[text] = found.value if found else own_term or word
    return out


def replaced(expression: pl.Expr, words: Mapping[str, Any]) -> pl.Expr:
    """The expression with texts replaced; nothing to do for words that stay as they are."""
    changed = {a: b for a, b in words.items() if a != b}
    return expression.replace(changed) if changed else expression
