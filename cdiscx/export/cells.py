"""Tidy columns in, the cells of the uploads behind them out: place, header, text as typed, and what tidy made of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import polars as pl

from cdiscx.model.kept import Kept, pieces
from cdiscx.model.table import Source, StudyData

#: `_rid` of the tidy row, then the cell; `change` says by which rule the text was read as `read_as` (null: as typed)
CELLS: dict[str, type[pl.DataType]] = {
    "_rid": pl.UInt32,
    "file": pl.String,
    "sheet": pl.String,
    "row": pl.Int64,
    "cell": pl.String,
    "header": pl.String,
    "text": pl.String,
    "read_as": pl.String,
    "change": pl.String,
}
#: columns whose cells are kept for whoever asks next
_REMEMBERED = 4


@dataclass(frozen=True, slots=True)
class _Sheet:
    """One sheet as it waits to be asked about: `_rid`, `row` and its columns by letter; by letter the changes of its cells
    (`row`, `read_as`, `change`), and what its blank cells were read as (logged once for a column)."""

    wide: pl.DataFrame
    changes: Mapping[str, pl.DataFrame]
    defaults: Mapping[str, tuple[str | None, str | None]]


@dataclass(slots=True)
class Cells:
    """The cells of one run's uploads by tidy column. A sheet is read when first asked for, and the cells of a column (ten
    times what was typed in it) are put together each time but for the few that were asked for last."""

    data: StudyData
    #: the raw rows that are asked about: `_rid`, `_source`, `_row`; None: all
    ledger: pl.DataFrame | None = None
    _sheets: dict[int, _Sheet] = field(default_factory=dict)
    _columns: dict[str, pl.DataFrame] = field(default_factory=dict)
    _changes: dict[tuple[object, ...], pl.DataFrame | Kept] | None = None
    _by_source: dict[int, pl.DataFrame] | None = None

    def of_rows(self, frames: Iterable[pl.DataFrame]) -> Cells:
        """The cells of only those raw rows that some records were made of."""
        every = self.data.upload.ledger
        lists = [pl.Series("_rid", [], dtype=pl.UInt32)]
        for frame in frames:
            for column in frame.columns:
                if column == "_from" or column.startswith("_from:"):
                    lists.append(frame.get_column(column).explode().cast(pl.UInt32).unique().alias("_rid"))
        wanted = pl.concat(lists).drop_nulls().unique()
        if self._changes is None:
            self._changes = self._all_changes()
        return Cells(
            self.data,
            every.join(wanted.to_frame(), on="_rid", how="semi", maintain_order="left"),
            _changes=self._changes,
        )

    def _rows(self) -> pl.DataFrame:
        return self.data.upload.ledger if self.ledger is None else self.ledger

    def _all_changes(self) -> dict[tuple[object, ...], pl.DataFrame | Kept]:
        """The change log by file and sheet; of one on disk the files that have a line of the sheet."""
        logged = self.data.changes
        if logged is None:
            return {}
        if isinstance(logged, pl.DataFrame):
            return dict(logged.partition_by("file", "sheet", as_dict=True))
        paths: dict[tuple[object, ...], list[str]] = {}
        for path, lines in zip(logged.paths, pieces(logged, ["file", "sheet"]), strict=True):
            for sheet in lines.unique().iter_rows():
                paths.setdefault(sheet, []).append(path)
        return {sheet: Kept(tuple(own), 0, logged.schema, logged.owner) for sheet, own in paths.items()}

    def tables(self) -> pl.DataFrame:
        """`_rid`, `table`: the tidy table that each raw row belongs to."""
        names = [source.table for source in self.data.upload.sources]
        listed = pl.DataFrame(
            {"_source": range(len(names)), "table": names}, schema={"_source": pl.UInt32, "table": pl.String}
        )
        return self._rows().join(listed, on="_source", how="left").select("_rid", "table")

    def of(self, column: str) -> pl.DataFrame:
        """All cells of `table.COLUMN`, blank ones included, as CELLS in the order of the uploads."""
        made = self._columns.pop(column, None)
        if made is None:
            table, _, name = column.partition(".")
            found = [
                self._made(number, source, name)
                for number, source in enumerate(self.data.upload.sources)
                if source.table == table and name in source.letters and number in self._rows_by_source()
            ]
            made = pl.concat([pl.DataFrame(schema=CELLS), *found])
        while len(self._columns) >= _REMEMBERED:
            del self._columns[next(iter(self._columns))]
        self._columns[column] = made
        return made

    def _rows_by_source(self) -> dict[int, pl.DataFrame]:
        """The rows that are asked about by the number of their source."""
        if self._by_source is None:
            parts = self._rows().partition_by("_source", as_dict=True, include_key=False)
            self._by_source = {int(number): rows for (number,), rows in parts.items()}
        return self._by_source

    def _sheet(self, number: int, source: Source) -> _Sheet:
        if number not in self._sheets:
            rows = self._rows_by_source()[number].select("_rid", "_row")
            letters = list(dict.fromkeys(source.letters.values()))
            text = source.raw.text
            there = [pl.col(c) if c in text.columns else pl.lit(None, pl.String).alias(c) for c in letters]
            typed = text.select(pl.col("_row").cast(pl.UInt32), *there)
            wide = rows.join(typed, on="_row", how="left", maintain_order="left")
            numbered = wide.select("_rid", pl.col("_row").cast(pl.Int64).alias("row"), *letters)
            self._sheets[number] = _Sheet(numbered, *self._changes_of(source))
        return self._sheets[number]

    def _made(self, number: int, source: Source, name: str) -> pl.DataFrame:
        """The cells of one house column in one sheet."""
        sheet, letter = self._sheet(number, source), source.letters[name]
        cells = sheet.wide.lazy().select("_rid", "row", pl.col(letter).alias("text"))
        changed = sheet.changes.get(letter)
        if changed is None:
            said = cells.with_columns(read_as=pl.lit(None, pl.String), change=pl.lit(None, pl.String))
        else:
            said = cells.join(changed.lazy(), on="row", how="left", maintain_order="left")
        if letter in sheet.defaults:
            blank = pl.col("text").is_null() & pl.col("change").is_null()
            others = zip(("read_as", "change"), sheet.defaults[letter], strict=True)
            said = said.with_columns(
                pl.when(blank).then(pl.lit(other, pl.String)).otherwise(c).alias(c) for c, other in others
            )
        placed = said.with_columns(
            pl.lit(source.file).alias("file"),
            pl.lit(source.sheet).alias("sheet"),
            pl.lit(source.headers.get(name), pl.String).alias("header"),
            (pl.lit(letter) + pl.col("row").cast(pl.String)).alias("cell"),
        )
        return placed.select(list(CELLS)).cast(CELLS).collect()  # type: ignore[arg-type]

    def _changes_of(self, source: Source) -> tuple[dict[str, pl.DataFrame], dict[str, tuple[str | None, str | None]]]:
        """Changes of one sheet by letter: of its cells, and of its blank ones at large."""
        if self._changes is None:
            self._changes = self._all_changes()
        own = self._changes.get((source.file, source.sheet))
        if own is None:
            return {}, {}
        mine = own.lazy().filter(pl.col("file") == source.file, pl.col("sheet") == source.sheet)
        said = mine.select(
            "letter", pl.col("row").cast(pl.Int64), pl.col("after").alias("read_as"), pl.col("why").alias("change")
        ).collect()
        rule = pl.col("change").unique(maintain_order=True).str.join("; ")
        by_row = (
            said.filter(pl.col("row").is_not_null(), pl.col("letter").is_not_null())
            .group_by("letter", "row")
            .agg(pl.col("read_as").last(), rule)
        )
        whole = (
            said.filter(pl.col("row").is_null(), pl.col("letter").is_not_null())
            .group_by("letter")
            .agg(pl.col("read_as").last(), pl.col("change").last())
        )
        parts = by_row.partition_by("letter", as_dict=True, include_key=False)
        return (
            {str(letter): rows for (letter,), rows in parts.items()},
            {letter: (read_as, change) for letter, read_as, change in whole.iter_rows()},
        )
