"""One laid-out sheet in, its piece of the tidy table out, with its changes and problems."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from cdiscx.model.spec import Column, Study
from cdiscx.standards.units import OTHER_SCALES
from cdiscx.tidy.cells import COLLECTED, DTYPES, read_cells, shown
from cdiscx.tidy.layout import Layout
from cdiscx.tidy.names import visit_names
from cdiscx.tidy.numbers import UNREADABLE_UNIT
from cdiscx.tidy.observations import CHANGES, PROBLEMS
from cdiscx.tidy.reading import Context
from cdiscx.tidy.rows import Rows
from cdiscx.tidy.words import Lookup, loose


@dataclass(frozen=True, slots=True)
class Piece:
    """What one sheet adds to its table: frame in the table's schema, `_row`s are the ledger's business."""

    frame: pl.DataFrame
    problems: pl.DataFrame
    changes: pl.DataFrame


def schema_of(columns: Mapping[str, Column]) -> dict[str, pl.DataType | type[pl.DataType]]:
    """House columns of a table with their dtypes, `XC` behind each `X` that has one."""
    out: dict[str, pl.DataType | type[pl.DataType]] = {"_rid": pl.UInt32, "_from": pl.List(pl.UInt32)}
    for column in columns.values():
        out[column.is_] = DTYPES[column.type]
        if column.type in COLLECTED:
            out[f"{column.is_}C"] = pl.String
    return out


def unit_columns(columns: Mapping[str, Column]) -> dict[str, Column]:
    """House name -> column, of the columns that hold the unit of another."""
    names = {c.unit_column for c in columns.values() if c.unit_column}
    return {c.is_: c for c in columns.values() if c.is_ in names}


def _with_other_scales(unit: Column, columns: Mapping[str, Column]) -> Column:
    """A unit column that also knows the scales which are brought to one of its terms: MBq beside GBq, g beside mg."""
    if not unit.terms or any(c.unit for c in columns.values() if c.unit_column == unit.is_):
        return unit
    more = {scale: () for scale, standard in OTHER_SCALES.items() if standard in unit.terms and scale not in unit.terms}
    return unit.model_copy(update={"terms": {**unit.terms, **more}})


@dataclass
class SheetReader:
    """Reads the columns of one sheet one after the other; units first, because numbers need them."""

    study: Study
    layout: Layout
    rows: Rows
    first_rid: int
    date_system: int
    today: dt.date

    def __post_init__(self) -> None:
        height = self.rows.frame.height
        self.rids = pl.Series("_rid", range(self.first_rid, self.first_rid + height), dtype=pl.UInt32)
        self.row_numbers = self.rows.frame.get_column("_row").cast(pl.Int64)
        self.values: dict[str, pl.Series] = {}
        self.problems: list[pl.DataFrame] = []
        self.changes: list[pl.DataFrame] = []

    def read(self) -> Piece:
        """Every column of the spec, in its order."""
        columns = self.layout.sheet.columns
        units = unit_columns(columns)
        for header, column in columns.items():
            if column.is_ in units:
                self._read_column(header, _with_other_scales(column, columns))
        typed_units = {name: self.values[name] for name in units}
        for header, column in columns.items():
            if column.is_ not in units:
                self._read_column(header, column, typed_units.get(column.unit_column or ""))
        for header, column in columns.items():
            self._fill_default(header, column)
        self._merged_cells()
        schema = schema_of(columns)
        lineage = {"_rid": self.rids, "_from": self.rids.reshape((-1, 1)).arr.to_list().alias("_from")}
        if not self.rids.len():
            frame = pl.DataFrame(schema=schema)
        else:
            frame = pl.DataFrame({**lineage, **self.values}).select(list(schema)).cast(schema)  # type: ignore[arg-type]
        return Piece(frame, _stack(self.problems, PROBLEMS), _stack(self.changes, CHANGES))

    def _context(self, column: Column) -> Context:
        heading = self.layout.headings.get(column.is_)
        single, series = visit_names(self.study, column) if column.type == "visit" else ({}, ())
        unit_column = unit_columns(self.layout.sheet.columns).get(column.unit_column or "")
        return Context(
            self.today, self.date_system, self.study.date_order, frozenset(map(loose, (*self.study.missing_words, *column.blanks))),
            self.layout.sheet.holds, single, series,
            (heading.unit if heading else None) or self.rows.units.get(column.is_),
            Lookup(unit_column.terms).index if unit_column else None,
        )  # fmt: skip

    def _read_column(self, header: str, column: Column, units: pl.Series | None = None) -> None:
        name = column.is_
        dtype = DTYPES[column.type]
        height = self.rids.len()
        if name not in self.layout.headings:
            self.values[name] = pl.Series(name, [None] * height, dtype=dtype)
            if column.type in COLLECTED:
                self.values[f"{name}C"] = pl.Series(f"{name}C", [None] * height, dtype=pl.String)
            return
        frame = self.rows.frame
        unit = units if units is not None else pl.Series([None] * height, dtype=pl.String)
        cells = pl.DataFrame({"raw": frame[name], "kind": frame[f"{name}#"], "unit": unit})
        context = self._context(column)
        if column.unit_column and units is not None:
            cells = self._unusable_units(cells, column)
        read = read_cells(cells, column, context)
        self.values[name] = read["value"].cast(dtype).alias(name)
        if column.type in COLLECTED:
            self.values[f"{name}C"] = read["typed"].alias(f"{name}C")
        self._record(header, column, read)
        if column.unit_column and "final" in read.columns:
            self._fill_unit(column, read, cells)

    def _unusable_units(self, cells: pl.DataFrame, column: Column) -> pl.DataFrame:
        """Where the row's unit could not be read, the number must not be taken for the default unit."""
        name = column.unit_column or ""
        if name not in self.layout.headings:
            return cells
        bad = self._unreadable_rows(name)
        return cells.with_columns(unit=pl.when(pl.Series(bad)).then(pl.lit(UNREADABLE_UNIT)).otherwise("unit"))

    def _unreadable_rows(self, name: str) -> pl.Series:
        seen = _stack(self.problems, PROBLEMS).filter(pl.col("column") == name, pl.col("kind") != "outside_extensible")
        return self.rids.is_in(seen["_rid"].implode())

    def _fill_unit(self, column: Column, read: pl.DataFrame, cells: pl.DataFrame) -> None:
        """A unit that stands in the cell or the heading belongs into the row's unit column too; logged."""
        name = column.unit_column or ""
        header, spec = next((h, c) for h, c in self.layout.sheet.columns.items() if c.is_ == name)
        now = self.values[name]
        lookup = Lookup(spec.terms)
        terms = {unit: (lookup.find(unit) or unit) for unit in read["final"].drop_nulls().unique()}
        wanted = read["final"].replace(terms) if terms else read["final"]
        # A unit of the house (mm) stays as the site wrote it; amounts without one are brought to the standard scale.
        change = (
            wanted.is_not_null()
            & read["value"].is_not_null()
            & (now.is_null() | (now.ne_missing(wanted) & (column.unit is None)))
        )
        if not change.any():
            return
        heading = self.layout.headings.get(name)
        self.values[name] = now.zip_with(~change, wanted).alias(name)
        frame = pl.DataFrame({"row": self.row_numbers, "before": now, "after": wanted, "raw": read["raw"]}).filter(
            change
        )
        why = (
            pl.when(pl.col("before").is_null())
            .then(pl.lit("unit stated with the number"))
            .otherwise(pl.lit("standard unit"))
        )
        self._log(header, heading.letter if heading else None, frame.with_columns(why=why))

    def _record(self, header: str, column: Column, read: pl.DataFrame) -> None:
        if read["why"].null_count() == read["problem"].null_count() == read.height:
            return
        heading = self.layout.headings[column.is_]
        c = pl.col
        frame = read.with_columns(
            _rid=self.rids, row=self.row_numbers, after=shown(c("value"), read["value"].dtype, c("typed"))
        )
        logged = frame.filter(c("why").is_not_null()).with_columns(before=c("raw"))
        self._log(header, heading.letter, logged)
        found = frame.filter(c("problem").is_not_null())
        if found.height:
            self._report(column.is_, heading.letter, found.with_columns(kind=c("problem")))

    def _report(self, column: str, letter: str, found: pl.DataFrame) -> None:
        raw = self.layout.raw
        self.problems.append(
            found.select(
                "_rid", pl.lit(raw.file).alias("file"), pl.lit(raw.sheet).alias("sheet"),
                pl.lit(self.layout.sheet.holds).alias("table"), pl.lit(column).alias("column"), "kind", "row",
                pl.lit(letter).alias("letter"), "raw", "read_as", "detail",
            ).cast(PROBLEMS)  # type: ignore[arg-type]
        )  # fmt: skip

    def _log(self, header: str, letter: str | None, frame: pl.DataFrame) -> None:
        raw = self.layout.raw
        if frame.height:
            self.changes.append(
                frame.select(
                    pl.lit(raw.file).alias("file"), pl.lit(raw.sheet).alias("sheet"), "row",
                    pl.lit(letter, pl.String).alias("letter"), pl.lit(header).alias("column"), "before", "after", "why",
                ).cast(CHANGES)  # type: ignore[arg-type]
            )  # fmt: skip

    def _fill_default(self, header: str, column: Column) -> None:
        """What a blank means, one entry in the log a column; a cell that could not be read is no blank."""
        if column.default is None or DTYPES[column.type] != pl.String or not self.rids.len():
            return
        now = self.values[column.is_]
        blank = now.is_null() & ~self._unreadable_rows(column.is_)
        if not blank.any():
            return
        self.values[column.is_] = now.zip_with(~blank, pl.Series([column.default])).alias(column.is_)
        heading = self.layout.headings.get(column.is_)
        why = f"blank means {column.default} ({int(blank.sum())} rows)"
        one = pl.DataFrame({"row": [None], "before": [None], "after": [column.default], "why": [why]})
        self._log(header, heading.letter if heading else None, one)

    def _merged_cells(self) -> None:
        """Every mapped cell that a merged range covers, but for its first: the value is not repeated there."""
        by_position = {_position(h.letter): h for h in self.layout.headings.values()}
        for top, left, bottom, right in self.layout.raw.merged:
            inside = (self.row_numbers >= top) & (self.row_numbers <= bottom)
            covered = [p for p in range(left, right + 1) if p in by_position]
            if not covered or not inside.any():
                continue
            for position in covered:
                here = inside & ((self.row_numbers != top) | (position != left))
                heading = by_position[position]
                said = f"Part of a merged cell of rows {top} to {bottom}; only its first cell has the value."
                found = pl.DataFrame({"_rid": self.rids, "row": self.row_numbers}).filter(here)
                if found.height:
                    none = pl.lit(None, pl.String)
                    words = {"raw": none, "read_as": none, "detail": pl.lit(said), "kind": pl.lit("merged")}
                    self._report(heading.column, heading.letter, found.with_columns(**words))


def _position(letter: str) -> int:
    """A -> 1, Z -> 26, AA -> 27."""
    number = 0
    for char in letter:
        number = number * 26 + ord(char) - 64
    return number


def _stack(frames: list[pl.DataFrame], schema: dict[str, type[pl.DataType]]) -> pl.DataFrame:
    return pl.concat(frames) if frames else pl.DataFrame(schema=schema)
