"""What of the uploads went into no dataset: columns of the study's sheets, columns and sheets that nobody knows."""

from __future__ import annotations

from collections.abc import Set

import polars as pl

from cdiscx.model.table import Source, StudyData

SHAPE = {"sheet": pl.String, "header": pl.String, "table": pl.String, "column": pl.String, "values": pl.Int64}


def unused_columns(data: StudyData, used: Set[str]) -> pl.DataFrame:
    """Columns that no mapping used: sheet and header as typed, table and house column (null where unknown), `values`.

    `used`: `table.COLUMN`s that are in a dataset's lineage or chose its rows. `values` counts filled cells over all uploads;
    a column without any is not listed. A sheet that the study file does not know has one line without header.
    """
    rows: list[tuple[str, str | None, str | None, str | None, int]] = []
    for number, source in enumerate(data.upload.sources):
        rids = data.upload.ledger.filter(pl.col("_source") == number).get_column("_rid")
        table = data.tidy.get(source.table)
        frame = table.frame.filter(pl.col("_rid").is_in(rids.implode())) if table else None
        rows += _of_source(source, frame, used)
    read = {(s.file, s.sheet) for s in data.upload.sources}
    for file in data.upload.files:
        for sheet in file.sheets:
            if (file.name, sheet.sheet) not in read and sheet.text.height:
                rows.append((sheet.sheet, None, None, None, sheet.text.height))
    frame = pl.DataFrame(rows, schema=SHAPE, orient="row")
    keys = ["sheet", "header", "table", "column"]
    return frame.group_by(keys, maintain_order=True).agg(pl.col("values").sum()).sort(keys, nulls_last=True)


def _of_source(
    source: Source, frame: pl.DataFrame | None, used: Set[str]
) -> list[tuple[str, str | None, str | None, str | None, int]]:
    by_letter = {letter: column for column, letter in source.letters.items()}
    below = source.raw.text.filter(pl.col("_row") > source.header_row)
    heading = source.raw.text.filter(pl.col("_row") == source.header_row)
    rows: list[tuple[str, str | None, str | None, str | None, int]] = []
    for letter in (c for c in below.columns if c != "_row"):
        column = by_letter.get(letter)
        if column is not None and f"{source.table}.{column}" in used:
            continue
        filled = below.height - below.get_column(letter).null_count()
        if column is not None and frame is not None and column in frame.columns:
            kept = f"{column}C" if f"{column}C" in frame.columns else column
            filled = frame.height - frame.get_column(kept).null_count()  # `N/A` is no value
        if not filled:
            continue
        if column is not None:
            rows.append((source.sheet, source.headers.get(column), source.table, column, filled))
        elif heading.height and (said := heading.get_column(letter).item(0)) is not None:
            rows.append((source.sheet, " ".join(said.split()), None, None, filled))
    return rows
