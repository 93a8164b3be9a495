"""A folder of SDTM datasets in, the same datasets on disk out, cut into shares of the subjects: more than fits in memory.

Transport files and Parquet are read some records at a time; a dataset in JSON or CSV is read whole before it is laid down.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from cdiscx.model.kept import Kept, Scratch, Writers, pieces
from cdiscx.read.datasets import DatasetLimits, chosen_files, named, read_datasets, twice, whole_dataset
from cdiscx.read.datasets_binary import empty, one_member, parquet_height, parquet_records, xpt_layout, xpt_records
from cdiscx.read.variable_types import typed, widest

#: bytes of transport files (of Parquet a tenth of it) from which datasets wait on disk
LARGE = 400 * 1024**2
_PACKED = 10
#: records read at a time, and of all datasets in a share of the subjects, about
ROWS, SHARE_ROWS = 250_000, 500_000
#: bytes of a transport file read at a time at most, and of the next that may belong to a header that begins in them
_BYTES, _ACROSS = 256 * 1024**2, 80


def open_datasets(
    folder: str | Path,
    *,
    low_memory: bool | None = None,
    partitions: int | None = None,
    limits: DatasetLimits | None = None,
) -> Mapping[str, pl.DataFrame | Kept]:
    """The datasets of a folder as `read_datasets` gives them, in memory or, where they are large or with `low_memory`, on disk.

    On disk each dataset with USUBJID is a file for each share of the subjects of DM, in their order, by default of about
    SHARE_ROWS records (`partitions`: how many); records of nobody in DM are in the first. `_id` counts the records as they
    are in the files. Raises UploadError as `read_datasets` does, ExportError where the disk is full.
    """
    place, bounds = Path(folder), limits or DatasetLimits()
    if not place.is_dir() or low_memory is False:
        return read_datasets(place, bounds)
    paths = [place / shown for shown, _ in chosen_files(place, bounds)]
    size = sum(path.stat().st_size * (_PACKED if path.suffix.lower() == ".parquet" else 1) for path in paths)
    if not (low_memory or size >= LARGE):
        return read_datasets(place, bounds)
    scratch = Scratch()
    laid: dict[str, _Laid] = {}
    room = bounds.values
    for path in paths:
        found = _Laid.of(path, room, scratch)
        room -= found.held.height * len(found.held.columns)
        if found.name in laid:
            raise twice(path.name, found.name, place)
        laid[found.name] = found
    number = partitions or max(1, -(-sum(found.held.height for found in laid.values()) // SHARE_ROWS))
    shares = _shares(laid.get("DM"), number)
    out: dict[str, pl.DataFrame | Kept] = {}
    first = 0
    for name in sorted(laid):
        out[name] = laid[name].cut(first, shares, number, scratch)
        first += laid[name].held.height
    return out


@dataclass(frozen=True, slots=True)
class _Laid:
    """A dataset as it was read, on disk in pieces. `narrow`: columns of which every piece fits the narrower type."""

    name: str
    held: Kept
    narrow: frozenset[str]

    @classmethod
    def of(cls, path: Path, room: int, scratch: Scratch) -> _Laid:
        """Reads a file and lays its records down."""
        form = path.suffix.lower()
        if not path.stat().st_size:
            raise empty(path.name)
        if form not in (".xpt", ".parquet"):
            name, frame = whole_dataset(path.name, path.read_bytes(), room)
            return cls(name, scratch.keep(frame), frozenset())
        names: set[str] = set()
        wide: set[str] = set()
        kept = []
        for told, records in (_transport if form == ".xpt" else _parquet)(path, room):
            name, frame = named(told, records, path.name)
            names.add(name)
            plain = [widest(name, column) for column in frame.iter_columns()]
            wide |= {c.name for c in plain if typed(name, c, from_text=False).dtype == c.dtype}
            kept.append(scratch.keep(pl.DataFrame(plain)))
        (name,) = names
        held = Kept(tuple(k.paths[0] for k in kept), sum(k.height for k in kept), kept[0].schema, scratch)
        return cls(name, held, frozenset(held.columns) - wide)

    def cut(self, first: int, shares: pl.DataFrame, number: int, scratch: Scratch) -> Kept:
        """The records with their `_id` (from `first`), in a file for each share; what was laid down goes."""
        whole = "USUBJID" not in self.held.columns
        out = Writers(scratch, 1 if whole else number)
        for piece in pieces(self.held):
            ids = pl.int_range(first, first + piece.height, dtype=pl.UInt32, eager=True).alias("_id")
            rows = pl.DataFrame([*(self._typed(column) for column in piece.iter_columns()), ids])
            first += piece.height
            who = rows.select(pl.lit(None) if whole else pl.col("USUBJID").cast(pl.String).alias("USUBJID"))
            of = pl.repeat(0, rows.height, eager=True) if whole else _share_of(who, shares)
            for share in of.unique().sort() if rows.height else [0]:
                out.write(share, rows.filter(of == share))
        for share in {*range(len(out.paths))} - {n for n, height in enumerate(out.heights) if height}:
            out.write(share, rows.clear())
        scratch.drop([self.held])
        written = out.kept(rows.schema)
        return Kept(tuple(k.paths[0] for k in written), sum(k.height for k in written), rows.schema, scratch)

    def _typed(self, column: pl.Series) -> pl.Series:
        return typed(self.name, column, from_text=False) if column.name in self.narrow else column


def _shares(dm: _Laid | None, number: int) -> pl.DataFrame:
    """`USUBJID`, `_share` of the subjects of DM in their order, in shares of equal size."""
    frame = (
        pl.DataFrame(schema={"USUBJID": pl.String})
        if dm is None or "USUBJID" not in dm.held.columns
        else dm.held.lazy()
    )
    ids = frame.lazy().select(pl.col("USUBJID").cast(pl.String)).drop_nulls().unique().sort("USUBJID").collect()
    return ids.with_columns(_share=pl.int_range(pl.len()) * number // max(ids.height, 1))


def _share_of(who: pl.DataFrame, shares: pl.DataFrame) -> pl.Series:
    found = who.join(shares, on="USUBJID", how="left", maintain_order="left")
    return found.get_column("_share").fill_null(0)


def _transport(path: Path, room: int) -> Iterator[tuple[str, pl.DataFrame]]:
    """The dataset's name with some records at a time, all of the file looked at for a second dataset."""
    with path.open("rb") as file:

        def bytes_of(start: int, end: int) -> bytes:
            file.seek(start)
            return file.read(end - start)

        size = file.seek(0, io.SEEK_END)
        layout, count = xpt_layout(bytes_of, size, path.name, room)
        height = max(1, min(ROWS, _BYTES // max(layout.width, 1)))
        end = layout.data
        for row in range(0, max(count, 1), height):
            start, end = end, layout.data + min(row + height, count) * layout.width
            data = bytes_of(start, min(end + _ACROSS, size))
            one_member(data, 0, path.name, start)
            yield layout.name, xpt_records(layout, data[: end - start], path.name)
        for start in range(end, size, _BYTES):
            one_member(bytes_of(start, start + _BYTES + _ACROSS), 0, path.name, start)


def _parquet(path: Path, room: int) -> Iterator[tuple[str, pl.DataFrame]]:
    """The dataset's name with some records at a time."""
    with path.open("rb") as file:
        height = parquet_height(file, path.name, room)
    for row in range(0, max(height, 1), ROWS):
        yield path.stem.upper(), parquet_records(path, path.name, row, ROWS)
