"""Study data in, shares of the subjects out: each share a run of subjects in the order of their numbers.

Rows without a subject go to the first share; a table that knows no subjects goes to every share whole.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from cdiscx.model.kept import Kept, Scratch, Writers
from cdiscx.model.table import StudyData, Table
from cdiscx.parts.shares import Share, packed, slim

#: rows of all tables that a share has, about: what the checks of one share need stays below some hundred megabytes
SHARE_ROWS = 250_000
#: rows cut at a time
_BATCH = 500_000
_LEDGER = pl.Schema({"_rid": pl.UInt32, "_source": pl.UInt32, "_row": pl.UInt32})


def share_of(subjects: pl.Series, listed: pl.DataFrame | None, number: int) -> pl.DataFrame:
    """`SUBJID`, `_share`: the distinct subjects in the order of site and number (as in USUBJID), in shares of equal size.

    `listed`: the subject list, of which the first row of a subject names its site.
    """
    ids = pl.DataFrame({"SUBJID": subjects.drop_nulls().unique()})
    if listed is not None and {"SUBJID", "SITEID", "_rid"} <= set(listed.columns):
        first = listed.drop_nulls("SUBJID").sort("_rid").unique("SUBJID", keep="first")
        ids = ids.join(first.select("SUBJID", "SITEID"), on="SUBJID", how="left")
    else:
        ids = ids.with_columns(SITEID=pl.lit(None, pl.String))
    site = pl.col("SITEID").fill_null("")
    whole = pl.when(site == "").then(pl.col("SUBJID")).otherwise(site + pl.lit("-") + pl.col("SUBJID"))
    ids = ids.sort(whole, "SUBJID")
    return ids.select("SUBJID", _share=(pl.int_range(pl.len()) * number // max(ids.height, 1)).cast(pl.UInt32))


def _shared(frame: pl.DataFrame, shares: pl.DataFrame) -> pl.Series:
    """The share of each row."""
    found = frame.select("SUBJID").join(shares, on="SUBJID", how="left", maintain_order="left")
    return found.get_column("_share").fill_null(0)


@dataclass(frozen=True, slots=True)
class MemoryShares:
    """Shares of tables that are in memory; each is packed when it is asked for."""

    number: int
    shares: Mapping[str, pl.Series]
    problems: pl.DataFrame
    problem_shares: pl.Series

    def share(self, number: int, data: StudyData) -> Share:
        """One of them."""
        tables = {}
        rids = []
        for name, table in _sheets(data):
            own = table.frame
            if name in self.shares:
                own = own.filter(self.shares[name] == number)
                rids.append(own.select("_rid"))
            tables[name] = (packed(own), table.origin)
        ledger = data.upload.ledger
        if rids and ledger.height:
            ledger = ledger.join(pl.concat(rids), on="_rid", how="semi")
        problems = self.problems.filter(self.problem_shares == number)
        return Share(number, slim(data), tables, packed(problems), packed(ledger))


def _sheets(data: StudyData) -> Iterator[tuple[str, Table]]:
    return ((name, table) for name, table in data.tidy.items() if data.study.sheet_of(name) is not None)


def in_memory(data: StudyData, number: int) -> MemoryShares:
    """Shares of tables in memory."""
    with_subject = {name: table.frame for name, table in _sheets(data) if "SUBJID" in table.columns}
    names = pl.Series("SUBJID", [], dtype=pl.String)
    every = pl.concat([names, *(f.get_column("SUBJID") for f in with_subject.values())])
    shares = share_of(every, with_subject.get("subjects"), number)
    own = {name: _shared(frame, shares) for name, frame in with_subject.items()}
    problems = data.problems if data.problems is not None else pl.DataFrame(schema={"_rid": pl.UInt32})
    seen = problems.filter(pl.col("_rid").is_not_null())
    rows = [f.select("_rid", own[name].alias("_share")) for name, f in with_subject.items()]
    known = pl.concat([pl.DataFrame(schema={"_rid": pl.UInt32, "_share": pl.UInt32}), *rows])
    at = seen.select("_rid").join(known, on="_rid", how="left", maintain_order="left").get_column("_share").fill_null(0)
    return MemoryShares(number, own, seen, at)


@dataclass(frozen=True, slots=True)
class Piece:
    """What one sheet gave to its table: its rows (`_rid` without gaps), and which source they are of."""

    frame: Kept
    source: int


@dataclass(frozen=True, slots=True)
class KeptShares:
    """Shares of tables that wait on disk. `problems`: as of tidy, with the SUBJID of their row."""

    number: int
    tables: Mapping[str, Sequence[Kept]]
    ledger: Sequence[Kept]
    problems: pl.DataFrame
    problem_shares: pl.Series
    #: `_rid`, `SUBJID`, `table`: the first row of each table, subject and source; of subjects that are not listed every row
    rows: pl.DataFrame
    height: int

    def share(self, number: int, data: StudyData) -> Share:
        """One of them."""
        tables = {}
        for name, table in _sheets(data):
            kept = self.tables[name][number] if name in self.tables else table.kept
            tables[name] = (kept if kept is not None else packed(table.frame), table.origin)
        own = self.problems.filter(self.problem_shares == number, pl.col("_rid").is_not_null()).drop("SUBJID")
        return Share(number, slim(data), tables, packed(own), self.ledger[number])


def cut(
    data: StudyData, pieces: Mapping[str, Sequence[Piece]], scratch: Scratch, number: int | None = None
) -> KeptShares:
    """Shares of tables on disk; by default so many that a share has about SHARE_ROWS rows."""
    height = sum(table.height for _, table in _sheets(data))
    number = number or max(1, -(-height // SHARE_ROWS))
    names = [t.lazy().select(pl.col("SUBJID").unique()).collect() for _, t in _sheets(data) if "SUBJID" in t.columns]
    every = pl.concat([pl.Series("SUBJID", [], dtype=pl.String), *(n.to_series() for n in names)])
    people = data.tidy["subjects"].frame if "subjects" in data.tidy else None
    shares = share_of(every, people, number)
    listed = None if people is None else people.select(pl.col("SUBJID").unique())
    problems = data.problems if data.problems is not None else pl.DataFrame(schema={"_rid": pl.UInt32})
    seen = problems.select("_rid").drop_nulls().unique()
    ledger = Writers(scratch, number)
    digest = [pl.DataFrame(schema={"_rid": pl.UInt32, "SUBJID": pl.String, "table": pl.String})]
    named = [pl.DataFrame(schema={"_rid": pl.UInt32, "SUBJID": pl.String})]
    tables: dict[str, Sequence[Kept]] = {}
    for name, table in _sheets(data):
        if "SUBJID" not in table.columns:
            continue
        out = Writers(scratch, number)
        schema = table.kept.schema if table.kept else table.frame.schema
        for batch in _batches(pieces.get(name, ())):
            of = _shared(batch, shares)
            rows = batch.select("_rid", "SUBJID", "_source")
            named.append(rows.select("_rid", "SUBJID").join(seen, on="_rid", how="semi"))
            digest.append(_digest(rows, listed).with_columns(pl.lit(name).alias("table")))
            lines = data.upload.ledger[rows.get_column("_rid")]  # `_rid` is the place in the ledger
            for share, (own, line) in _by_share(batch.drop("_source"), lines.select(list(_LEDGER)), of):
                out.write(share, own)
                ledger.write(share, line)
        tables[name] = out.kept(schema)
    subjects = pl.concat(named).unique("_rid")
    told = problems.join(subjects, on="_rid", how="left", maintain_order="left")
    at = _shared(told, shares)
    return KeptShares(number, tables, ledger.kept(_LEDGER), told, at, pl.concat(digest).sort("_rid"), height)


def _batches(pieces: Sequence[Piece]) -> Iterator[pl.DataFrame]:
    """The pieces of a table, some together, with the `_source` of each row."""
    held: list[pl.DataFrame] = []
    for piece in pieces:
        if piece.frame.height:
            held.append(piece.frame.load().with_columns(pl.lit(piece.source, pl.UInt32).alias("_source")))
        if sum(f.height for f in held) >= _BATCH:
            yield pl.concat(held)
            held = []
    if held:
        yield pl.concat(held)


def _digest(rows: pl.DataFrame, listed: pl.DataFrame | None) -> pl.DataFrame:
    """`_rid`, `SUBJID` that tell of whom a table and a source have rows; every row of a subject that is not listed."""
    first = rows.unique(["SUBJID", "_source"], keep="first", maintain_order=True).select("_rid", "SUBJID")
    if listed is None:
        return first
    strange = rows.select("_rid", "SUBJID").drop_nulls().join(listed, on="SUBJID", how="anti")
    return pl.concat([first, strange]).unique("_rid")


def _by_share(
    batch: pl.DataFrame, lines: pl.DataFrame, of: pl.Series
) -> Iterator[tuple[int, tuple[pl.DataFrame, pl.DataFrame]]]:
    for share in of.unique().sort():
        own = of == share
        yield int(share), (batch.filter(own), lines.filter(own))
