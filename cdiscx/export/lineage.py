"""Datasets in, one long table out: for every value of every record, where it comes from.

`lineage.parquet` lies beside the datasets. SDTM values lead to cells of the uploads, or to the variable of a dataset that
they are derived from; ADaM values lead to SDTM records or to other ADaM variables. A value that leads nowhere is a
constant, a term of the protocol, or a number that the dataset gives itself (`--SEQ`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from cdiscx.export.cells import CELLS, Cells
from cdiscx.model.dataset import Dataset
from cdiscx.model.table import StudyData

#: the file's name, beside the datasets
FILE = "lineage.parquet"
#: dataset, record (from 1), subject and key of the record; variable and value; how it is known (words of Define-XML);
#: the dataset record it was made of (key null: records of this subject in general); the cell it was typed in
LINEAGE: dict[str, type[pl.DataType]] = {
    "dataset": pl.String,
    "record": pl.UInt32,
    "USUBJID": pl.String,
    "key": pl.String,
    "variable": pl.String,
    "value": pl.String,
    "how": pl.String,
    "source_dataset": pl.String,
    "source_key": pl.String,
    "source_variable": pl.String,
    "file": pl.String,
    "sheet": pl.String,
    "row": pl.Int64,
    "cell": pl.String,
    "header": pl.String,
    "text": pl.String,
    "read_as": pl.String,
    "change": pl.String,
}
_SOURCE = ("source_dataset", "source_key", "source_variable", *(c for c in CELLS if c != "_rid"))


def lineage(datasets: Mapping[str, Dataset], data: StudyData) -> pl.DataFrame:
    """SDTM datasets (with `_from` and `_block`) of one run -> LINEAGE, in the order of datasets, records and variables."""
    cells = Cells(data)
    frames = {name: dataset.frame for name, dataset in datasets.items()}
    others = _Others(frames, {n: record_key(n, f, datasets[n].keys) for n, f in frames.items()})
    pieces = [_Tracing(dataset, others, cells.tables(), cells).lines() for dataset in datasets.values()]
    return pl.concat([pl.DataFrame(schema=LINEAGE), *pieces])


def lineage_adam(datasets: Mapping[str, Dataset], sdtm: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """ADaM datasets (with `_from` = `_id`s of SDTM records) and the SDTM frames they were made of (with `_id`) -> LINEAGE.

    `text` is the value of the variable that the line leads to.
    """
    frames = {**sdtm, **{name: dataset.frame for name, dataset in datasets.items()}}
    keys = {n: record_key(n, f, datasets[n].keys if n in datasets else ()) for n, f in frames.items()}
    ids = [
        f.select(pl.col("_id").cast(pl.UInt32).alias("_rid"), pl.lit(n).alias("table"))
        for n, f in sdtm.items()
        if "_id" in f.columns
    ]
    owner = pl.concat([pl.DataFrame(schema={"_rid": pl.UInt32, "table": pl.String}), *ids])
    others = _Others(frames, keys, frozenset(sdtm))
    pieces = [_Tracing(dataset, others, owner, None).lines() for dataset in datasets.values()]
    return pl.concat([pl.DataFrame(schema=LINEAGE), *pieces])


def write_lineage(lines: pl.DataFrame, folder: Path) -> Path:
    """Writes `lineage.parquet` into the folder of the datasets; the same lines make the same bytes."""
    path = folder / FILE
    lines.rechunk().write_parquet(path, compression="zstd", row_group_size=250_000)
    return path


def record_key(name: str, frame: pl.DataFrame, keys: Sequence[str] = ()) -> pl.Expr:
    """What tells a record of a subject from the others, as text: `TRSEQ=4`, `PARAMCD=PFS`, `AESEQ=2, QNAM=AECDGR`."""
    sequence = f"{name}SEQ"
    if sequence in frame.columns:
        named = [*(k for k in keys if k == "TSPARMCD"), sequence]
    elif {"IDVAR", "IDVARVAL", "QNAM"} <= set(frame.columns):
        parent = pl.concat_str(["IDVAR", "IDVARVAL"], separator="=", ignore_nulls=True)
        own = pl.concat_str([pl.lit("QNAM="), pl.col("QNAM")])
        return pl.when(parent != "").then(pl.concat_str([parent, own], separator=", ")).otherwise(own)
    else:
        named = [k for k in keys if k in frame.columns and k not in ("STUDYID", "USUBJID", "DOMAIN")]
        named += [k for k in ("ASEQ",) if k in frame.columns and k not in named]
    if not named:
        return pl.lit(None, pl.String)
    parts = [pl.concat_str([pl.lit(f"{n}="), as_text(pl.col(n), frame.schema[n])]) for n in named]
    return pl.concat_str(parts, separator=", ", ignore_nulls=True)


def as_text(value: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    """A value as text: whole numbers without `.0`, dates as ISO 8601."""
    if dtype == pl.Float64:
        return value.cast(pl.String).str.replace(r"\.0$", "")
    if dtype == pl.Date:
        return value.dt.to_string("iso")
    return value.cast(pl.String)


@dataclass(slots=True)
class _Others:
    """The records of all datasets of the run, as sources."""

    frames: Mapping[str, pl.DataFrame]
    keys: Mapping[str, pl.Expr]
    #: datasets that `_from` can name (ADaM only)
    linked: frozenset[str] = frozenset()
    _known: dict[str, pl.DataFrame | None] = field(default_factory=dict)

    def values(self, source: str) -> pl.DataFrame | None:
        """`DM.RFSTDTC` -> record, USUBJID, _id, source_*, text of its filled values; None where there is no such variable."""
        if source not in self._known:
            name, _, variable = source.partition(".")
            frame = self.frames.get(name)
            self._known[source] = None if frame is None or variable not in frame.columns else self._made(name, variable)
        return self._known[source]

    def _made(self, name: str, variable: str) -> pl.DataFrame:
        frame = self.frames[name]
        none = pl.lit(None, pl.String)
        return (
            frame.with_row_index("record", offset=1)
            .select(
                "record",
                ("USUBJID" if "USUBJID" in frame.columns else none.alias("USUBJID")),
                (pl.col("_id").cast(pl.UInt32) if "_id" in frame.columns else pl.lit(None, pl.UInt32)).alias("_rid"),
                pl.lit(name).alias("source_dataset"),
                self.keys[name].alias("source_key"),
                pl.lit(variable).alias("source_variable"),
                as_text(pl.col(variable), frame.schema[variable]).alias("text"),
            )
            .filter(pl.col("text").is_not_null())
        )


@dataclass(slots=True)
class _Tracing:
    """One dataset on its way to lines. `owner`: what each `_rid` of `_from` belongs to (tidy table or SDTM dataset)."""

    dataset: Dataset
    others: _Others
    owner: pl.DataFrame
    cells: Cells | None
    links: pl.DataFrame = field(init=False)
    records: pl.DataFrame = field(init=False)

    def __post_init__(self) -> None:
        frame = self.dataset.frame
        none = pl.lit(None, pl.String)
        numbered = frame.with_row_index("record", offset=1)
        self.records = numbered.select(
            "record",
            ("USUBJID" if "USUBJID" in frame.columns else none.alias("USUBJID")),
            self.others.keys[self.dataset.name].alias("key"),
            ("_block" if "_block" in frame.columns else none.alias("_block")),
        )
        self.links = pl.DataFrame(schema={"record": pl.UInt32, "_rid": pl.UInt32, "table": pl.String})
        if "_from" in frame.columns:
            exploded = numbered.select("record", pl.col("_from").cast(pl.List(pl.UInt32))).explode("_from").drop_nulls()
            pairs = exploded.rename({"_from": "_rid"}).unique(maintain_order=True)
            self.links = pairs.join(self.owner, on="_rid", how="left", maintain_order="left")

    def lines(self) -> pl.DataFrame:
        """LINEAGE of the dataset, records in order, variables in order, then file, row and source."""
        pieces = [
            self._variable(v.name, v.origin).with_columns(pl.lit(number, pl.UInt32).alias("_order"))
            for number, v in enumerate(self.dataset.variables)
        ]
        order = ["record", "_order", "source_dataset", "source_key", "source_variable", "file", "sheet", "row", "cell"]
        return pl.concat(pieces).sort(order, maintain_order=True).select(list(LINEAGE))

    def _variable(self, name: str, how: str) -> pl.DataFrame:
        """The lines of one variable: its filled values with their sources, or without one."""
        frame = self.dataset.frame
        value = frame.select(as_text(pl.col(name), frame.schema[name]).alias("value")).to_series()
        filled = self.records.with_columns(value).filter(pl.col("value").is_not_null())
        found = [
            piece
            for sources, blocks in self._sources(name, filled)
            if sources
            for piece in self._found(
                filled.filter(pl.col("_block").is_in(pl.Series(blocks, dtype=pl.String).implode(), nulls_equal=True)),
                sources,
            )
        ]
        schema = {"record": pl.UInt32(), **{c: LINEAGE[c] for c in _SOURCE}}
        hits = pl.concat([pl.DataFrame(schema=schema), *(p.cast(schema) for p in found)]).unique(maintain_order=True)  # type: ignore[arg-type]
        lines = filled.join(hits, on="record", how="left", maintain_order="left")
        return lines.with_columns(
            pl.lit(self.dataset.name).alias("dataset"), pl.lit(name).alias("variable"), pl.lit(how).alias("how")
        ).select(list(LINEAGE)).cast(LINEAGE)  # type: ignore[arg-type]

    def _sources(self, name: str, filled: pl.DataFrame) -> Iterable[tuple[tuple[str, ...], list[str | None]]]:
        """Sources of a variable, and the blocks of records that share them."""
        origin = self.dataset.origin
        variable = self.dataset.variable(name)
        last = (variable.predecessor,) if variable and variable.predecessor else ()
        shared: dict[tuple[str, ...], list[str | None]] = {}
        for block in filled.get_column("_block").unique(maintain_order=True).to_list():
            shared.setdefault(origin.get(f"{block}/{name}", origin.get(name, last)), []).append(block)
        return shared.items()

    def _found(self, filled: pl.DataFrame, sources: Sequence[str]) -> list[pl.DataFrame]:
        """record and _SOURCE for each source that has something to say of these records."""
        typed = [s for s in sources if s[:1].islower()]
        made = [s for s in sources if not s[:1].islower()]
        found = [self._cells(filled, typed)] if typed else []
        linked = [s for s in made if s.partition(".")[0] in self.others.linked]
        if linked:
            found += self._linked(filled, linked)
        found += [self._of_subject(filled, s) for s in made if s not in linked]
        return found

    def _cells(self, filled: pl.DataFrame, columns: Sequence[str]) -> pl.DataFrame:
        """Cells of the record's rows; blank ones only where the record has no filled one."""
        assert self.cells is not None, "only SDTM is made of cells"
        pieces = []
        for column in columns:
            rows = self.links.filter(pl.col("table") == column.partition(".")[0]).select("record", "_rid")
            pieces.append(rows.join(self.cells.of(column), on="_rid", how="inner", maintain_order="left"))
        every = pl.concat(pieces).join(filled.select("record"), on="record", how="semi")
        nothing = (pl.col("text").is_null() & pl.col("read_as").is_null()).alias("_nothing")
        kept = every.with_columns(nothing).filter(~pl.col("_nothing") | pl.col("_nothing").all().over("record"))
        none = pl.lit(None, pl.String)
        return kept.select("record", *(none.alias(c) for c in _SOURCE[:3]), *(c for c in CELLS if c != "_rid"))

    def _linked(self, filled: pl.DataFrame, sources: Sequence[str]) -> list[pl.DataFrame]:
        """SDTM records that `_from` names; of the subject where it names none that the variable is made of."""
        found, reached = [], []
        wanted = self.links.join(filled.select("record"), on="record", how="semi")
        for source in sources:
            values = self.others.values(source)
            if values is not None:
                hits = wanted.select("record", "_rid").join(
                    values.drop("record"), on="_rid", how="inner", maintain_order="left"
                )
                found.append(_source_columns(hits))
                reached.append(hits.select("record"))
        rest = filled.join(pl.concat(reached), on="record", how="anti") if reached else filled
        return [*found, *(self._of_subject(rest, source) for source in sources)] if rest.height else found

    def _of_subject(self, filled: pl.DataFrame, source: str) -> pl.DataFrame:
        """The same record of the own dataset, the subject's only record of another, or the subject's records at large."""
        name, _, variable = source.partition(".")
        values = self.others.values(source)
        if values is not None and name == self.dataset.name:
            return _source_columns(
                filled.select("record").join(values, on="record", how="inner", maintain_order="left")
            )
        subjects = filled.select("record", "USUBJID")
        if values is not None and self._single(name):
            by_subject = subjects.join(values.drop("record"), on="USUBJID", how="inner", maintain_order="left")
            return _source_columns(by_subject)
        if values is not None and values.get_column("USUBJID").null_count() < values.height:
            subjects = subjects.join(values.select("USUBJID"), on="USUBJID", how="semi")
        at_large = subjects.select(
            "record", pl.lit(name).alias("source_dataset"), pl.lit(variable).alias("source_variable")
        )
        return _source_columns(at_large)

    def _single(self, name: str) -> bool:
        """Whether a dataset has one record a subject."""
        frame = self.others.frames[name]
        return "USUBJID" in frame.columns and frame.get_column("USUBJID").is_unique().all()


def _source_columns(hits: pl.DataFrame) -> pl.DataFrame:
    """record and all of _SOURCE, null where the hits have no such column."""
    have = set(hits.columns)
    return hits.select("record", *(c if c in have else pl.lit(None, LINEAGE[c]).alias(c) for c in _SOURCE))
