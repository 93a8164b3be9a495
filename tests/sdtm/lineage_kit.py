"""From a value of a record back to cells of the uploads, by `_from`, `_from:VARIABLE` and `origin` alone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from cdiscx.model.dataset import Dataset
from cdiscx.model.table import StudyData
from cdiscx.sdtm import Mapped


class Cell(NamedTuple):
    """A cell of an upload, the house column it was read into, and what tidy made of it."""

    file: str
    sheet: str
    row: int
    letter: str
    column: str
    text: str | None
    read: str | None


class Tracer:
    """Traces values of a mapping run."""

    def __init__(self, data: StudyData, made: Mapped) -> None:
        self.sources = data.upload.sources
        self.places = {rid: (source, row) for rid, source, row in data.upload.ledger.iter_rows()}
        self.texts = [
            dict(zip(s.raw.text["_row"], s.raw.text.iter_rows(named=True), strict=True)) for s in self.sources
        ]
        assert data.changes is not None
        self.after = {
            (c["file"], c["sheet"], c["row"], c["letter"]): c["after"] for c in data.changes.iter_rows(named=True)
        }
        self.made = made
        self.people: dict[str, dict[str, dict[str, Any]]] = {}

    def sources_of(self, dataset: Dataset, record: dict[str, Any], variable: str) -> tuple[str, ...]:
        """What the dataset says of the origin of a variable in this record, but for the study file's own (trial design)."""
        own = dataset.origin.get(f"{record['_block']}/{variable}")
        found = own if own is not None else dataset.origin.get(variable, ())
        return tuple(s for s in found if s.partition(".")[0] not in ("TA", "TE", "TI", "TS", "TV"))

    def cells(self, dataset: Dataset, record: dict[str, Any], variable: str) -> Iterator[Cell]:
        """Every cell that the value rests on."""
        rows = record.get(f"_from:{variable}")
        rows = record["_from"] if rows is None else rows
        for source in self.sources_of(dataset, record, variable):
            table, _, column = source.partition(".")
            if table.isupper():
                yield from self._elsewhere(table, column, record.get("USUBJID"))
            else:
                yield from self._here(table, column, rows)

    def _here(self, table: str, column: str, rows: list[int]) -> Iterator[Cell]:
        for rid in rows:
            number, row = self.places[rid]
            source = self.sources[number]
            letter = source.letters.get(column)
            if source.table == table and letter is not None:
                text = self.texts[number][row][letter]
                read = self.after.get((source.file, source.sheet, row, letter), text)
                yield Cell(source.file, source.sheet, row, letter, column, text, read)

    def _elsewhere(self, name: str, variable: str, subject: str | None) -> Iterator[Cell]:
        dataset = self.made.datasets[name]
        if name not in self.people:
            known: dict[str, dict[str, Any]] = {}
            for record in dataset.frame.iter_rows(named=True):
                known.setdefault(record["USUBJID"], record)
            self.people[name] = known
        if subject in self.people[name]:
            yield from self.cells(dataset, self.people[name][subject], variable)
