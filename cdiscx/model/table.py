"""What the data are: places, raw sheets as typed, tidy tables with lineage, and the study data that holds them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import polars as pl

from cdiscx.model.dataset import Dataset
from cdiscx.model.kept import Held, Kept

#: what kind of thing stood in a cell (codes of the `kinds` frame of a RawSheet)
BLANK, TEXT, NUMBER, DATE, BOOL, ERROR, NO_CACHE, TIME = range(8)
KIND_NAMES = ("blank", "text", "number", "date", "bool", "error", "formula without value", "time")


def letter(index: int) -> str:
    """0 -> 'A', 25 -> 'Z', 26 -> 'AA': the spreadsheet's name of a column position."""
    name = ""
    index += 1
    while index:
        index, rest = divmod(index - 1, 26)
        name = chr(65 + rest) + name
    return name


@dataclass(frozen=True, slots=True)
class Place:
    """One cell, or one row (column None), or one sheet (row None), of one upload file."""

    file: str
    sheet: str
    row: int | None = None
    column: str | None = None

    @property
    def cell(self) -> str | None:
        """`C17`, or None where row or column is unknown."""
        return f"{self.column}{self.row}" if self.row is not None and self.column else None

    def __str__(self) -> str:
        tail = self.cell or (str(self.row) if self.row is not None else "")
        return "!".join(part for part in (self.file, self.sheet, tail) if part)


@dataclass(frozen=True)
class RawSheet:
    """One sheet as typed.

    `text`: one row per spreadsheet row that holds anything, sorted by `_row` (u32, 1-based row of the sheet),
    then one String column per spreadsheet column, named by its letter, every letter from A to the last used one;
    blank = null. Dates are ISO text, numbers their shortest exact form (`7`, `3.2`; `007` where the number format pads),
    errors their token (`#N/A`).
    `kinds`: same height and order, same letters, UInt8 codes BLANK … TIME of this module.
    Both may wait on disk (`Kept`); reading the field gives the frame.
    """

    file: str
    sheet: str
    text: Held = Held()  # noqa: RUF009  a descriptor
    kinds: Held = Held()  # noqa: RUF009  a descriptor
    merged: tuple[tuple[int, int, int, int], ...] = ()  # first row, first column, last row, last column (1-based)
    hidden: bool = False
    hidden_rows: tuple[int, ...] = ()
    hidden_columns: tuple[str, ...] = ()
    #: cells whose formula has a cached value; the value is read, the fact is kept
    formulas: int = 0

    @property
    def kept(self) -> Kept | None:
        """The text as it waits on disk; None where it is in memory."""
        found = self.__dict__["_text"]
        return found if isinstance(found, Kept) else None

    def moved(self, text: pl.DataFrame | Kept, kinds: pl.DataFrame | Kept) -> RawSheet:
        """The same sheet with its cells elsewhere."""
        return RawSheet(
            self.file, self.sheet, text, kinds, self.merged, self.hidden, self.hidden_rows, self.hidden_columns, self.formulas
        )  # fmt: skip

    def named(self, file: str) -> RawSheet:
        """The same sheet of an upload of another name."""
        held = self.__dict__
        return replace(self.moved(pl.DataFrame(), pl.DataFrame()), file=file).moved(held["_text"], held["_kinds"])


@dataclass(frozen=True, slots=True)
class UploadFile:
    """One upload as given: name without folder, hash of its bytes, its sheets, and notes on how it was read."""

    name: str
    sha256: str
    size: int
    sheets: tuple[RawSheet, ...]
    path: str = ""
    notes: tuple[str, ...] = ()
    date_system: int = 1900


@dataclass(frozen=True, slots=True)
class Source:
    """Where a tidy table's rows come from in one upload: file, sheet, header row, and house column -> letter."""

    file: str
    sheet: str
    table: str
    header_row: int
    letters: Mapping[str, str]
    headers: Mapping[str, str]  # house column -> header text as typed
    raw: RawSheet


@dataclass(frozen=True, slots=True)
class Upload:
    """The uploads of one run, read together.

    `ledger`: `_rid` u32 (dense, from 0), `_source` u32 (index into `sources`), `_row` u32 (spreadsheet row).
    """

    files: tuple[UploadFile, ...]
    sources: tuple[Source, ...] = ()
    ledger: pl.DataFrame = field(
        default_factory=lambda: pl.DataFrame(schema={"_rid": pl.UInt32, "_source": pl.UInt32, "_row": pl.UInt32})
    )


@dataclass(frozen=True)
class Table:
    """A named frame with `_rid`/`_from` lineage, and `origin`: column -> the `table.COLUMN`s it was made of.

    The frame may wait on disk (`Kept`): `lazy`, `height` and `columns` then read no more of it than they must.
    """

    name: str
    frame: Held = Held()  # noqa: RUF009  a descriptor
    origin: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def kept(self) -> Kept | None:
        """The frame as it waits on disk; None where it is in memory."""
        found = self.held
        return found if isinstance(found, Kept) else None

    @property
    def held(self) -> pl.DataFrame | Kept:
        """The frame as it was given: in memory, or on disk."""
        found: pl.DataFrame | Kept = self.__dict__["_frame"]
        return found

    def lazy(self) -> pl.LazyFrame:
        """The frame as a query."""
        kept = self.kept
        return self.frame.lazy() if kept is None else kept.lazy()

    @property
    def height(self) -> int:
        """Its rows."""
        kept = self.kept
        return self.frame.height if kept is None else kept.height

    @property
    def columns(self) -> list[str]:
        """Its columns."""
        kept = self.kept
        return self.frame.columns if kept is None else kept.schema.names()


@dataclass(frozen=True, slots=True)
class RunContext:
    """The dates a run is judged at.

    `today`: day of the run (or `extract_date` of the study file), the limit for future dates;
    `cutoff`: data cut-off, what is overdue is judged at it; `stated`: somebody gave it.
    """

    today: dt.date
    cutoff: dt.date
    stated: bool = False


@dataclass(frozen=True, slots=True)
class StudyData:
    """Everything known at one moment of one run; every verb returns a new one."""

    study: Any
    upload: Upload
    tidy: Mapping[str, Table] = field(default_factory=dict)
    #: tidy's observations: changes made in reading, cells that could not be read, notes on sheets and headers
    changes: pl.DataFrame | Kept | None = None
    problems: pl.DataFrame | None = None
    notes: tuple[str, ...] = ()
    #: `table` or `table.COLUMN` -> names of the uploads that do not have it
    absent: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    run: RunContext | None = None
    #: view -> traceback of what went wrong in making it
    broken: Mapping[str, str] = field(default_factory=dict)
    sdtm: Mapping[str, Dataset] = field(default_factory=dict)
    adam: Mapping[str, Dataset] = field(default_factory=dict)
    results: Mapping[str, Any] = field(default_factory=dict)
    #: the tables by shares of the subjects, where they wait on disk (`cdiscx.parts.Shares`)
    shares: Any = None

    def with_(self, **changes: Any) -> StudyData:
        """A copy with these fields replaced."""
        return replace(self, **changes)
