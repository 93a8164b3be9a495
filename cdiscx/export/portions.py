"""Datasets in, their records by runs of subjects out, so that what is made of them need not be in memory at once.

Datasets that wait on disk are in the files that their derivation wrote, one a run of subjects; those in memory are cut
where the others are, or into runs of about ROWS records.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import polars as pl

from cdiscx.export.records import RECORD
from cdiscx.model.kept import Kept, pieces, selected

#: records of all datasets in a portion, about
ROWS = 250_000
Held = pl.DataFrame | Kept


@dataclass(frozen=True, slots=True)
class Portions:
    """`whole`: the datasets; `last`: the last subject of each portion but the last one; `shares`: of those in memory (and
    those on disk in other files) the portion of every record."""

    whole: Mapping[str, Held]
    last: pl.Series
    shares: Mapping[str, pl.Series]

    @property
    def number(self) -> int:
        """How many portions there are."""
        return len(self.last) + 1

    def scattered(self, name: str) -> bool:
        """Whether the records of a dataset are not in the order of the portions."""
        return name in self.shares and not self.shares[name].is_sorted()

    def __iter__(self) -> Iterator[dict[str, pl.DataFrame]]:
        """Portion by portion the records of each dataset, with their numbers (RECORD); of datasets that know no subjects
        all of them, each time."""
        starts = dict.fromkeys(self.whole, 0)
        for number in range(self.number):
            portion = {}
            for name, held in self.whole.items():
                portion[name] = self._of(name, held, number, starts[name])
                starts[name] += portion[name].height
            yield portion

    def _of(self, name: str, held: Held, number: int, start: int) -> pl.DataFrame:
        numbers = (pl.int_range(1, pl.len() + 1) + start).cast(pl.UInt32).alias(RECORD)
        if name not in self.shares and isinstance(held, Kept) and "USUBJID" in held.columns:
            piece = Kept((held.paths[number],), 0, held.schema) if self.number > 1 else held
            return piece.load().with_columns(numbers)
        frame = held.load() if isinstance(held, Kept) else held
        if name not in self.shares:
            return frame.with_columns(pl.int_range(1, pl.len() + 1, dtype=pl.UInt32).alias(RECORD))
        own = self.shares[name] == number
        records = (pl.int_range(1, pl.len() + 1, dtype=pl.UInt32)).alias(RECORD)
        return frame.lazy().with_columns(records).filter(own).collect()


def portions(whole: Mapping[str, Held], rows: int = ROWS) -> Portions:
    """Runs of subjects of these datasets."""
    about = {name: held for name, held in whole.items() if "USUBJID" in held.columns}
    cut = {name: held for name, held in about.items() if isinstance(held, Kept) and len(held.paths) > 1}
    number = max((len(held.paths) for held in cut.values()), default=0)
    cut = {name: held for name, held in cut.items() if len(held.paths) == number}
    last = _ends(cut, number) if cut else _evenly(about, rows)
    if not len(last):
        return Portions(whole, last, {})
    shares = {name: _shares(selected(held, ["USUBJID"]), last) for name, held in about.items() if name not in cut}
    return Portions(whole, last, shares)


def _shares(frame: pl.DataFrame, last: pl.Series) -> pl.Series:
    """The portion of each record; records of no subject are in the first."""
    known = frame.select(pl.col("USUBJID").cast(pl.String)).unique().drop_nulls()
    known = known.with_columns(last.search_sorted(known.to_series(), side="left").alias("_share"))
    told = frame.select(pl.col("USUBJID").cast(pl.String)).join(known, on="USUBJID", how="left", maintain_order="left")
    return told.get_column("_share").fill_null(0)


def _ends(cut: Mapping[str, Kept], number: int) -> pl.Series:
    """The last subject of each file but the last one."""
    tops: list[str] = [""] * number
    for held in cut.values():
        for n, piece in enumerate(pieces(held, ["USUBJID"])):
            top = piece.get_column("USUBJID").max()
            tops[n] = max(tops[n], top) if isinstance(top, str) else tops[n]
    for n in range(1, number):
        tops[n] = max(tops[n], tops[n - 1])
    return pl.Series(tops[:-1], dtype=pl.String)


def _evenly(about: Mapping[str, Held], rows: int) -> pl.Series:
    """Where to cut datasets in memory: runs of subjects with about `rows` records in all."""
    none = pl.Series([], dtype=pl.String)
    if sum(held.height for held in about.values()) <= rows:
        return none
    texts = [selected(held, ["USUBJID"]).to_series().cast(pl.String) for held in about.values()]
    counts = pl.concat([t.rename("USUBJID") for t in texts]).drop_nulls().sort().to_frame()
    each = counts.group_by("USUBJID", maintain_order=True).len().with_columns(_to=pl.col("len").cum_sum())
    portion = each.with_columns(_portion=(pl.col("_to") - 1) // rows)
    ends = portion.group_by("_portion", maintain_order=True).agg(pl.col("USUBJID").last())
    return ends.get_column("USUBJID").head(-1)
