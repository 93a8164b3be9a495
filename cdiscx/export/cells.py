"""Tidy columns in, the cells of the uploads behind them out: place, header, text as typed, and what tidy made of it."""

from __future__ import annotations

from dataclasses import dataclass, field

import polars as pl

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
    """The cells of one run's uploads, looked up a tidy column at a time and kept."""

    data: StudyData
    _known: dict[str, pl.DataFrame] = field(default_factory=dict)
    _changes: pl.DataFrame | None = None

    def tables(self) -> pl.DataFrame:
        """`_rid`, `table`: the tidy table that each raw row belongs to."""
        names = [source.table for source in self.data.upload.sources]
        listed = pl.DataFrame(
            {"_source": range(len(names)), "table": names}, schema={"_source": pl.UInt32, "table": pl.String}
        )
        return self.data.upload.ledger.join(listed, on="_source", how="left").select("_rid", "table")

    def of(self, column: str) -> pl.DataFrame:
        """All cells of `table.COLUMN`, blank ones included, as CELLS in the order of `_rid`."""
        if column not in self._known:
            table, _, name = column.partition(".")
            found = [
                self._of_source(number, source, name)
                for number, source in enumerate(self.data.upload.sources)
                if source.table == table and name in source.letters
            ]
            self._known[column] = pl.concat([pl.DataFrame(schema=CELLS), *found]).sort("_rid")
        return self._known[column]

    def _of_source(self, number: int, source: Source, name: str) -> pl.DataFrame:
        letter = source.letters[name]
        ledger = self.data.upload.ledger.filter(pl.col("_source") == number).select("_rid", "_row")
        text = source.raw.text
        typed = pl.col(letter) if letter in text.columns else pl.lit(None, pl.String)
        cells = ledger.join(
            text.select(pl.col("_row").cast(pl.UInt32), typed.alias("text")),
            on="_row",
            how="left",
            maintain_order="left",
        ).with_columns(row=pl.col("_row").cast(pl.Int64))
        changed, default = self._changes_of(source, letter)
        cells = cells.join(changed, on="row", how="left", maintain_order="left")
        if default is not None:
            blank = pl.col("text").is_null() & pl.col("change").is_null()
            cells = cells.with_columns(
                pl.when(blank).then(pl.lit(default[name])).otherwise(name).alias(name) for name in ("read_as", "change")
            )
        return cells.select(
            "_rid",
            pl.lit(source.file).alias("file"),
            pl.lit(source.sheet).alias("sheet"),
            "row",
            (pl.lit(letter) + pl.col("row").cast(pl.String)).alias("cell"),
            pl.lit(source.headers.get(name)).alias("header"),
            "text",
            "read_as",
            "change",
        ).cast(CELLS)  # type: ignore[arg-type]

    def _changes_of(self, source: Source, letter: str) -> tuple[pl.DataFrame, dict[str, str] | None]:
        """Changes of one column by row, and what a blank cell was read as (logged once for the column)."""
        empty = pl.DataFrame(schema={"row": pl.Int64, "read_as": pl.String, "change": pl.String})
        if self.data.changes is None:
            return empty, None
        own = self.data.changes.filter(
            pl.col("file") == source.file, pl.col("sheet") == source.sheet, pl.col("letter") == letter
        )
        by_row = (
            own.filter(pl.col("row").is_not_null())
            .group_by("row", maintain_order=True)
            .agg(pl.col("after").last().alias("read_as"), pl.col("why").unique(maintain_order=True).str.join("; "))
            .rename({"why": "change"})
        )
        whole = own.filter(pl.col("row").is_null())
        default = {"read_as": whole["after"][-1], "change": whole["why"][-1]} if whole.height else None
        return pl.concat([empty, by_row]), default
