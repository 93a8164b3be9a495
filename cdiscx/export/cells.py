"""Tidy columns in, the cells of the uploads behind them out: place, header, text as typed, and what tidy made of it."""

from __future__ import annotations

from collections.abc import Iterable
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


@dataclass(slots=True)
class Cells:
    """The cells of one run's uploads by tidy column; the cells of a sheet are put together when first asked for."""

    data: StudyData
    #: the raw rows that are asked about: `_rid`, `_source`, `_row`; None: all
    ledger: pl.DataFrame | None = None
    _sheets: dict[int, dict[str, pl.DataFrame]] = field(default_factory=dict)
    _columns: dict[str, pl.DataFrame] = field(default_factory=dict)
    _changes: dict[tuple[object, ...], pl.DataFrame | Kept] | None = None

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
        if column not in self._columns:
            table, _, name = column.partition(".")
            found = [
                self._sheet(number, source)[name]
                for number, source in enumerate(self.data.upload.sources)
                if source.table == table and name in self._sheet(number, source)
            ]
            self._columns[column] = pl.concat([pl.DataFrame(schema=CELLS), *found])
        return self._columns[column]

    def _sheet(self, number: int, source: Source) -> dict[str, pl.DataFrame]:
        """House column -> its cells in one sheet."""
        if number not in self._sheets:
            self._sheets[number] = self._made(number, source) if source.letters else {}
        return self._sheets[number]

    def _made(self, number: int, source: Source) -> dict[str, pl.DataFrame]:
        rows = self._rows().filter(pl.col("_source") == number).select("_rid", "_row")
        if not rows.height:
            return {}
        letters = list(dict.fromkeys(source.letters.values()))
        text = source.raw.text
        there = [pl.col(c) if c in text.columns else pl.lit(None, pl.String).alias(c) for c in letters]
        wide = rows.join(
            text.select(pl.col("_row").cast(pl.UInt32), *there), on="_row", how="left", maintain_order="left"
        )
        long = wide.unpivot(letters, index=["_rid", "_row"], variable_name="letter", value_name="text").lazy()
        headings = pl.LazyFrame(
            [(letter, name, source.headers.get(name)) for name, letter in source.letters.items()],
            schema={"letter": pl.String, "name": pl.String, "header": pl.String},
            orient="row",
        )
        changed, defaults = self._changes_of(source)
        blank = pl.col("text").is_null() & pl.col("change").is_null()
        cells = (
            long.with_columns(pl.col("_row").cast(pl.Int64).alias("row"))
            .join(headings, on="letter", how="left", maintain_order="left")
            .join(changed, on=["letter", "row"], how="left", maintain_order="left")
            .join(defaults, on="letter", how="left", maintain_order="left", suffix="_default")
            .with_columns(pl.when(blank).then(f"{c}_default").otherwise(c).alias(c) for c in ("read_as", "change"))
            .with_columns(
                pl.lit(source.file).alias("file"),
                pl.lit(source.sheet).alias("sheet"),
                (pl.col("letter") + pl.col("row").cast(pl.String)).alias("cell"),
            )
            .select("name", *CELLS)
            .collect()
        )
        parts = cells.partition_by("name", as_dict=True, include_key=False)
        return {str(name): part.cast(CELLS) for (name,), part in parts.items()}  # type: ignore[arg-type]

    def _changes_of(self, source: Source) -> tuple[pl.LazyFrame, pl.LazyFrame]:
        """Changes of one sheet by letter and row, and what blank cells were read as (logged once for a column)."""
        if self._changes is None:
            self._changes = self._all_changes()
        empty = {"letter": pl.String, "row": pl.Int64, "read_as": pl.String, "change": pl.String}
        own = self._changes.get((source.file, source.sheet))
        if own is None:
            nothing = pl.LazyFrame(schema=empty)
            return nothing, nothing.drop("row")
        mine = own.lazy().filter(pl.col("file") == source.file, pl.col("sheet") == source.sheet)
        said = mine.select(
            "letter", pl.col("row").cast(pl.Int64), pl.col("after").alias("read_as"), pl.col("why").alias("change")
        )
        rule = pl.col("change").unique(maintain_order=True).str.join("; ")
        by_row = said.filter(pl.col("row").is_not_null()).group_by("letter", "row").agg(pl.col("read_as").last(), rule)
        whole = (
            said.filter(pl.col("row").is_null())
            .group_by("letter")
            .agg(pl.col("read_as").last(), pl.col("change").last())
        )
        return by_row, whole
