"""What of the uploads went into no dataset: sheets, columns and rows, so that every cell that was typed is accounted for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Set
from dataclasses import dataclass, replace
from functools import cached_property

import polars as pl

from cdiscx.model.dataset import Dataset
from cdiscx.model.kept import Kept, pieces
from cdiscx.model.table import Source, StudyData, Table

SHAPE = {
    "file": pl.String, "sheet": pl.String, "header": pl.String, "table": pl.String, "column": pl.String,
    "why": pl.String, "values": pl.Int64, "rows": pl.String,
}  # fmt: skip
#: the reasons, in the order in which they are listed
NO_SHEET = "the sheet is not part of the study"
NO_COLUMN = "the study file has no such column"
NO_MAPPING = "no mapping made anything of the column"
NO_TABLE = "above the headings"
NO_ROW = "the row was not read"
NO_RECORD = "the row gave no record to this column"
NO_VALUE = "no value could be read (N/A and its like, or a finding says why)"
_FIRST = 5


@dataclass(frozen=True, slots=True)
class _Unused:
    """Filled cells of one column of one sheet that went nowhere, for one reason."""

    header: str | None
    table: str | None
    column: str | None
    why: str
    cells: pl.Series  # spreadsheet rows

    def line(self, file: str, sheet: str) -> tuple[str, str, str | None, str | None, str | None, str, int, str]:
        """One line of the list: the first rows stand for all."""
        rows = self.cells.unique().sort()
        said = ", ".join(str(r) for r in rows.head(_FIRST)) + (" ..." if rows.len() > _FIRST else "")
        return file, sheet, self.header, self.table, self.column, self.why, self.cells.len(), said


def unused_columns(data: StudyData, chose: Set[str], mapped: Set[str], datasets: Mapping[str, Dataset]) -> pl.DataFrame:
    """Every filled cell of the uploads that is in no dataset's lineage and chose no row, counted by column and reason.

    `chose`: `table.COLUMN`s that chose rows or said what another value means; `mapped`: those of which a variable was
    made. Sheet and header as typed, table and house
    column (null where unknown), `why`, `values` (number of cells), `rows` (the first of them). Cells of the heading row are
    not data. A column that only chose counts as used in every row.
    """
    covered = _covered(datasets)
    files = {name: iter(table.kept.paths) for name, table in data.tidy.items() if table.kept is not None}
    rows = []
    rows_of = _by_source(data.upload.ledger)
    for number, source in enumerate(data.upload.sources):
        ledger = rows_of(number)
        held = data.tidy.get(source.table)
        if held is not None and held.kept is not None and ledger.height:  # on disk a file a source that has rows
            held = replace(held, frame=Kept((next(files[source.table]),), ledger.height, held.kept.schema))
        rids = ledger.get_column("_rid")
        near = [c.between(rids.min(), rids.max()) for c in covered if source.table in c.tables]
        found = _of_source(source, ledger, held, chose, mapped, near)
        rows += [line.line(source.file, source.sheet) for line in found if line.cells.len()]
    read = {(s.file, s.sheet) for s in data.upload.sources}
    for file in data.upload.files:
        for sheet in file.sheets:
            if (file.name, sheet.sheet) not in read:
                filled = _filled(sheet.text)
                cells = filled.get_column("_row")
                if cells.len():
                    rows.append(_Unused(None, None, None, NO_SHEET, cells).line(file.name, sheet.sheet))
    frame = pl.DataFrame(rows, schema=SHAPE, orient="row")
    return frame.sort("file", "sheet", "header", "table", "column", "why", nulls_last=True)


@dataclass(frozen=True)
class _Cover:
    """Rows of the ledger from which one part of a dataset was made, and the columns that it took of them."""

    columns: frozenset[str]
    #: sorted
    rids: pl.Series

    @cached_property
    def tables(self) -> frozenset[str]:
        """The tables of the columns."""
        return frozenset(c.partition(".")[0] for c in self.columns)

    def between(self, first: object, last: object) -> _Cover:
        """Of the rows only those of a range."""
        if first is None or last is None:
            return _Cover(self.columns, self.rids.clear())
        start = self.rids.search_sorted(first, side="left")  # type: ignore[call-overload]
        end = self.rids.search_sorted(last, side="right")  # type: ignore[call-overload]
        return _Cover(self.columns, self.rids.slice(start, end - start))


def _by_source(ledger: pl.DataFrame) -> Callable[[int], pl.DataFrame]:
    """The rows of the ledger that a source has, by its number: found without looking at all rows where they are in order."""
    numbers = ledger.get_column("_source")
    if not numbers.is_sorted():
        return lambda number: ledger.filter(pl.col("_source") == number).select("_rid", "_row")

    def rows_of(number: int) -> pl.DataFrame:
        start = numbers.search_sorted(number, side="left")
        return ledger.slice(start, numbers.search_sorted(number, side="right") - start).select("_rid", "_row")

    return rows_of


def _covered(datasets: Mapping[str, Dataset]) -> list[_Cover]:
    """What each part of each dataset was made of; of datasets on disk a file is looked at at a time."""
    covers = []
    for dataset in datasets.values():
        lists = [c for c in dataset.held.columns if c == "_from" or c.startswith("_from:")]
        found: dict[str, list[pl.Series]] = {}
        for links in pieces(dataset.held, ["_block", *lists]):
            for block in links.get_column("_block").unique():
                rows = links.filter(pl.col("_block") == block)
                parts = [rows.select(_rid=pl.col(c).explode()).to_series().drop_nulls() for c in lists]
                found.setdefault(block, []).append(pl.concat(parts).unique())
        for block in sorted(found):
            columns = _columns_of(dataset, block)
            if columns:
                rids = pl.concat(found.pop(block)).sort()
                covers.append(_Cover(columns, rids.filter(rids.ne_missing(rids.shift()))))
    return covers


def _columns_of(dataset: Dataset, block: str) -> frozenset[str]:
    """The columns of tidy tables that a part of a dataset is made of."""
    own = (sources for name, sources in dataset.origin.items() if "/" not in name or name.partition("/")[0] == block)
    return frozenset(s for sources in own for s in sources if s.partition(".")[0].islower())


def _filled(text: pl.DataFrame) -> pl.DataFrame:
    """`_row`, `letter` of every cell that holds more than blanks."""
    letters = [c for c in text.columns if c != "_row"]
    if not letters:
        return pl.DataFrame(schema={"_row": pl.UInt32, "letter": pl.String})
    long = text.unpivot(letters, index="_row", variable_name="letter", value_name="t")
    return long.filter(pl.col("t").str.strip_chars() != "").select("_row", "letter")


def _of_source(
    source: Source,
    ledger: pl.DataFrame,
    table: Table | None,
    chose: Set[str],
    mapped: Set[str],
    covered: list[_Cover],
) -> Iterator[_Unused]:
    filled = _filled(source.raw.text).filter(pl.col("_row") != source.header_row)
    cells = filled.join(ledger, on="_row", how="left", maintain_order="left")
    above = pl.col("_row") < source.header_row
    yield _Unused(None, source.table, None, NO_TABLE, cells.filter(above).get_column("_row"))
    left_out = cells.filter(~above, pl.col("_rid").is_null())
    yield _Unused(None, source.table, None, NO_ROW, left_out.get_column("_row"))
    held = cells.drop_nulls("_rid")
    by_letter = {letter: column for column, letter in source.letters.items()}
    heading = source.raw.text.filter(pl.col("_row") == source.header_row)
    for (letter,), own in held.group_by("letter", maintain_order=True):
        column = by_letter.get(str(letter))
        if column is None:
            text = heading.get_column(str(letter)).item(0) if heading.height else None
            yield _Unused(" ".join((text or "").split()) or None, source.table, None, NO_COLUMN, own.get_column("_row"))
            continue
        word, header = f"{source.table}.{column}", source.headers.get(column)
        if word in chose and word not in mapped:
            continue
        rest = own
        for cover in covered:
            if word in cover.columns and rest.height:
                rest = rest.filter(~pl.col("_rid").is_in(cover.rids.implode()))
        said = _with_value(rest, table, column)
        why = NO_RECORD if word in mapped else NO_MAPPING
        yield _Unused(header, source.table, column, why, rest.filter(said).get_column("_row"))
        yield _Unused(header, source.table, column, NO_VALUE, rest.filter(~said).get_column("_row"))


def _with_value(cells: pl.DataFrame, table: Table | None, column: str) -> pl.Series:
    """Whether tidy read something in each cell."""
    kept = f"{column}C" if table is not None and f"{column}C" in table.columns else column
    if table is None or kept not in table.columns or not cells.height:
        return pl.Series([True] * cells.height, dtype=pl.Boolean)
    rids = cells.get_column("_rid")
    near = table.lazy().filter(pl.col("_rid").is_between(rids.min(), rids.max()))
    filled = near.filter(pl.col(kept).is_not_null()).select("_rid").collect().to_series()
    return cells.get_column("_rid").is_in(filled.implode())
