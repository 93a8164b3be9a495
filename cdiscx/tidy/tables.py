"""Upload files in, study data out: every sheet's rows numbered, read and put together by table."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import polars as pl

from cdiscx.model.kept import Kept, joined, scratch_of
from cdiscx.model.spec import Study
from cdiscx.model.table import Source, StudyData, Table, Upload, UploadFile
from cdiscx.parts import cut
from cdiscx.parts.cut import Piece as Portion
from cdiscx.tidy.books import read_book
from cdiscx.tidy.headings import Aliases
from cdiscx.tidy.layout import Layout
from cdiscx.tidy.observations import CHANGES, PROBLEMS, problem_frame
from cdiscx.tidy.rows import data_rows
from cdiscx.tidy.sheets import Piece, SheetReader, schema_of


def tidy(study: Study, files: Sequence[UploadFile], *, today: dt.date, partitions: int | None = None) -> StudyData:
    """The uploads of a study, read together, in the house's words.

    Every table of the study is there (empty where no upload has its sheet) with `_rid` (u32, dense over all rows of all
    tables in file, sheet, row order), `_from` (= [_rid]) and every house column: X and, for dates, numbers and pairs, XC as
    collected. `today` limits the years that a date may have. What could not be read is in `problems`, what was changed in
    reading in `changes`; nothing is raised for what a site typed. Where the cells of an upload wait on disk, so do
    the tables, in `partitions` shares of the subjects.
    """
    scratch = scratch_of(sheet.kept for file in files for sheet in file.sheets)
    sources: list[Source] = []
    ledger: list[pl.DataFrame] = []
    pieces: dict[str, list[pl.DataFrame]] = {sheet.holds: [] for sheet in study.sheets.values()}
    portions: dict[str, list[Portion]] = {sheet.holds: [] for sheet in study.sheets.values()}
    problems: list[pl.DataFrame] = []
    changes: list[pl.DataFrame | Kept] = []
    notes: list[str] = []
    absent: dict[str, list[str]] = {}
    next_rid = 0
    aliases = {name: Aliases(sheet) for name, sheet in study.sheets.items()}
    for file in files:
        layouts, found, said = read_book(study, file, aliases)
        notes += said
        problems.append(problem_frame(found))
        _note_absent(study, file, layouts, absent)
        for layout in layouts:
            rows = data_rows(layout)
            notes += rows.notes
            piece: Piece = SheetReader(study, layout, rows, next_rid, file.date_system, today).read()
            ledger.append(_ledger(next_rid, len(sources), rows.frame))
            sources.append(_source(layout))
            if scratch is None:
                pieces[layout.sheet.holds].append(piece.frame)
            else:
                portions[layout.sheet.holds].append(Portion(scratch.keep(piece.frame), len(sources) - 1))
            problems.append(piece.problems)
            changes.append(piece.changes if scratch is None else scratch.keep(piece.changes))
            next_rid += rows.frame.height
    tables = {}
    for sheet in study.sheets.values():
        schema = pl.Schema(schema_of(sheet.columns))
        held = pieces[sheet.holds] if scratch is None else [p.frame for p in portions[sheet.holds]]
        frame = joined(held, schema)
        tables[sheet.holds] = Table(sheet.holds, frame, _origin(sheet.holds, schema.names()))
    upload = Upload(tuple(files), tuple(sources), pl.concat(ledger) if ledger else Upload(()).ledger)
    data = StudyData(
        study,
        upload,
        tables,
        changes=joined(changes, pl.Schema(CHANGES)),
        problems=pl.concat([pl.DataFrame(schema=PROBLEMS), *problems]),
        notes=tuple(dict.fromkeys(notes)),
        absent={name: tuple(dict.fromkeys(names)) for name, names in absent.items()},
    )
    return data if scratch is None else data.with_(shares=cut(data, portions, scratch, partitions))


def _ledger(first: int, source: int, rows: pl.DataFrame) -> pl.DataFrame:
    return rows.select(
        (pl.int_range(pl.len(), dtype=pl.UInt32) + first).cast(pl.UInt32).alias("_rid"),
        pl.lit(source, pl.UInt32).alias("_source"),
        pl.col("_row").cast(pl.UInt32),
    )


def _source(layout: Layout) -> Source:
    headings = layout.headings.values()
    return Source(
        layout.raw.file,
        layout.raw.sheet,
        layout.sheet.holds,
        layout.header_rows[-1] if layout.header_rows else 0,
        {h.column: h.letter for h in headings},
        {h.column: h.text for h in headings},
        layout.raw,
    )


def _origin(table: str, columns: Sequence[str]) -> dict[str, tuple[str, ...]]:
    named = [c for c in columns if not c.startswith("_")]
    has = set(named)
    return {c: (f"{table}.{c[:-1]}" if c.endswith("C") and c[:-1] in has else f"{table}.{c}",) for c in named}


def _note_absent(study: Study, file: UploadFile, layouts: Sequence[Layout], absent: dict[str, list[str]]) -> None:
    """A table is absent where no sheet with a header holds it; a column where none of its sheets has it once."""
    for sheet in study.sheets.values():
        own = [layout for layout in layouts if layout.sheet.holds == sheet.holds and layout.headings]
        if not own:
            absent.setdefault(sheet.holds, []).append(file.name)
        have = {column for layout in own for column in layout.headings}
        for column in sheet.columns.values():
            if column.is_ not in have:
                absent.setdefault(f"{sheet.holds}.{column.is_}", []).append(file.name)
