"""One dataset in, the lines of its variables out: every filled value with the cells or records that it comes from."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import polars as pl

from cdiscx.export.cells import CELLS, Cells
from cdiscx.export.records import Others, as_text, recorded
from cdiscx.model.dataset import Dataset, Variable

#: dataset, record (from 1), subject and key of the record; variable and value; how it is known (words of Define-XML) and
#: by which method;
#: the dataset record it was made of (key null: records of this subject in general); the cell it was typed in
LINEAGE: dict[str, type[pl.DataType]] = {
    "dataset": pl.String,
    "record": pl.UInt32,
    "USUBJID": pl.String,
    "key": pl.String,
    "variable": pl.String,
    "value": pl.String,
    "how": pl.String,
    "method": pl.String,
    "source_dataset": pl.String,
    "source_key": pl.String,
    "source_variable": pl.String,
    **{name: dtype for name, dtype in CELLS.items() if name != "_rid"},
}
_FORMULA, _OPERATOR = re.compile(r"[A-Z0-9 .()*/+x-]+"), re.compile(r" [-+*/x] ")
#: many small queries: planning them costs more than running them as they stand
_AS_WRITTEN = pl.QueryOptFlags.none()
_SOURCE = ("source_dataset", "source_key", "source_variable", *(c for c in CELLS if c != "_rid"))


@dataclass(slots=True)
class Tracing:
    """One dataset on its way to lines. `owner`: what each `_rid` of `_from` belongs to (tidy table or SDTM dataset)."""

    dataset: Dataset
    others: Others
    owner: pl.DataFrame
    cells: Cells | None
    links: pl.DataFrame = field(init=False)
    records: pl.DataFrame = field(init=False)
    blocks: list[str | None] = field(init=False)

    def __post_init__(self) -> None:
        frame = self.dataset.frame
        none = pl.lit(None, pl.String)
        numbered = recorded(frame)
        self.records = numbered.select(
            "record",
            ("USUBJID" if "USUBJID" in frame.columns else none.alias("USUBJID")),
            self.others.keys[self.dataset.name].alias("key"),
            (pl.col("_block").cast(pl.String) if "_block" in frame.columns else none.alias("_block")),
        )
        self.blocks = self.records.get_column("_block").unique(maintain_order=True).to_list()
        self.links = self._links(None)

    def _links(self, variable: str | None) -> pl.DataFrame:
        """record, _rid and table of what `_from` names; of a variable with rows of its own what `_from:VARIABLE` names."""
        frame = self.dataset.frame
        if "_from" not in frame.columns:
            return pl.DataFrame(schema={"record": pl.UInt32, "_rid": pl.UInt32, "table": pl.String})
        own = [pl.col(c) for c in (f"_from:{variable}",) if c in frame.columns]
        rows = pl.coalesce([*own, pl.col("_from")]).cast(pl.List(pl.UInt32)).alias("_rid")
        exploded = recorded(frame).select("record", rows).explode("_rid").drop_nulls()
        pairs = exploded.unique(maintain_order=True)
        return pairs.join(self.owner, on="_rid", how="left", maintain_order="left")

    def lines(self) -> Iterator[tuple[str, pl.DataFrame]]:
        """Each variable in order with its LINEAGE: records in order, sources in the order of the origin."""
        return ((v.name, self._variable(v)) for v in self.dataset.variables)

    def _variable(self, variable: Variable) -> pl.DataFrame:
        """The lines of one variable: its filled values with their sources, or without one."""
        frame, name = self.dataset.frame, variable.name
        every, self.links = self.links, self._links(name) if f"_from:{name}" in frame.columns else self.links
        value = frame.select(as_text(pl.col(name), frame.schema[name]).alias("value")).to_series()
        filled = self.records.with_columns(value).filter(pl.col("value").is_not_null())
        stated = self._stated(filled) if name == "ADT" else None
        rest = filled if stated is None else filled.join(stated, on="record", how="anti", maintain_order="left")
        found = [
            piece
            for sources, blocks in self._sources(name)
            if sources
            for piece in self._found(self._of_blocks(rest, blocks), sources)
        ]
        found += [] if stated is None else [stated.lazy()]
        schema = {"record": pl.UInt32(), **{c: LINEAGE[c] for c in _SOURCE}}
        self.links = every
        hits = pl.concat([pl.LazyFrame(schema=schema), *(p.cast(schema) for p in found)])  # type: ignore[arg-type]
        lines = (
            filled.lazy()
            .join(hits, on="record", how="left", maintain_order="left_right")
            .with_columns(
                pl.lit(self.dataset.name).alias("dataset"),
                pl.lit(name).alias("variable"),
                pl.lit(variable.origin).alias("how"),
                pl.lit(variable.method or None, pl.String).alias("method"),
            )
        )
        return lines.select(list(LINEAGE)).cast(LINEAGE).collect(optimizations=_AS_WRITTEN)  # type: ignore[arg-type]

    def _stated(self, filled: pl.DataFrame) -> pl.DataFrame | None:
        """The record that SRCDOM, SRCVAR and SRCSEQ of a time-to-event record name; None for other datasets."""
        frame = self.dataset.frame
        if not {"SRCDOM", "SRCVAR", "SRCSEQ", "STARTDT", "USUBJID"} <= set(frame.columns):
            return None
        said = recorded(frame).select(
            "record", "USUBJID", "SRCDOM", "SRCVAR", pl.col("SRCSEQ").cast(pl.Int64).alias("number")
        )
        said = said.join(filled, on="record", how="semi", maintain_order="left").drop_nulls(["SRCDOM", "SRCVAR"])
        pieces = [pl.DataFrame(schema={"record": pl.UInt32, **{c: LINEAGE[c] for c in _SOURCE}})]
        for (dataset, variable), rows in said.group_by("SRCDOM", "SRCVAR", maintain_order=True):
            values = self.others.numbered(f"{dataset}.{variable}")
            if values is None:
                continue
            one = self.others.single(str(dataset))
            keys = ["USUBJID"] if one else ["USUBJID", "number"]
            hits = rows.select("record", *keys).join(values.drop("record"), on=keys, how="inner", maintain_order="left")
            pieces.append(_source_columns(hits.lazy()).collect().cast(pieces[0].schema))
        return pl.concat(pieces)

    def _of_blocks(self, filled: pl.DataFrame, blocks: list[str | None]) -> pl.LazyFrame:
        if len(blocks) == len(self.blocks):
            return filled.lazy()
        wanted = pl.Series(blocks, dtype=pl.String).implode()
        return filled.filter(pl.col("_block").is_in(wanted, nulls_equal=True)).lazy()

    def _sources(self, name: str) -> Iterable[tuple[tuple[str, ...], list[str | None]]]:
        """Sources of a variable, and the blocks of records that share them."""
        origin = self.dataset.origin
        variable = self.dataset.variable(name)
        last = (variable.predecessor,) if variable and variable.predecessor else self._formula(name)
        shared: dict[tuple[str, ...], list[str | None]] = {}
        for block in self.blocks:
            sources = origin.get(f"{block}/{name}", origin.get(name, last))
            shared.setdefault(tuple(dict.fromkeys(sources)), []).append(block)
        return shared.items()

    def _formula(self, name: str) -> tuple[str, ...]:
        """Variables of the same record, where the method begins with a formula of them: `ADT - STARTDT + 1, in days`."""
        variable = self.dataset.variable(name)
        formula = _FORMULA.match(variable.method if variable else "")
        if formula is None or not _OPERATOR.search(formula[0]):
            return ()
        own = {v.name for v in self.dataset.variables} - {name}
        return tuple(f"{self.dataset.name}.{word}" for word in re.findall(r"[A-Z][A-Z0-9]*", formula[0]) if word in own)

    def _found(self, filled: pl.LazyFrame, sources: Sequence[str]) -> list[pl.LazyFrame]:
        """record and _SOURCE for each source that has something to say of these records."""
        typed = [s for s in sources if s[:1].islower()]
        made = [s for s in sources if not s[:1].islower()]
        found = [self._cells(filled, typed)] if typed else []
        linked = [s for s in made if s.partition(".")[0] in self.others.linked]
        if linked:
            found += self._linked(filled, linked)
        return [*found, *(self._of_subject(filled, s) for s in made if s not in linked)]

    def _cells(self, filled: pl.LazyFrame, columns: Sequence[str]) -> pl.LazyFrame:
        """Cells of the record's rows; blank ones only where the record has no filled one."""
        assert self.cells is not None, "only SDTM is made of cells"
        pieces = []
        for column in columns:
            rows = self.links.lazy().filter(pl.col("table") == column.partition(".")[0]).select("record", "_rid")
            pieces.append(rows.join(self.cells.of(column).lazy(), on="_rid", how="inner", maintain_order="left"))
        every = pl.concat(pieces).join(filled.select("record"), on="record", how="semi", maintain_order="left")
        nothing = (pl.col("text").is_null() & pl.col("read_as").is_null()).alias("_nothing")
        kept = every.with_columns(nothing).filter(~pl.col("_nothing") | pl.col("_nothing").all().over("record"))
        none = pl.lit(None, pl.String)
        return kept.select("record", *(none.alias(c) for c in _SOURCE[:3]), *(c for c in CELLS if c != "_rid"))

    def _linked(self, filled: pl.LazyFrame, sources: Sequence[str]) -> list[pl.LazyFrame]:
        """SDTM records that `_from` names; of the subject where it names none that the variable is made of."""
        found = []
        wanted = self.links.lazy().join(filled.select("record"), on="record", how="semi", maintain_order="left")
        for source in sources:
            values = self.others.values(source)
            if values is not None:
                pairs = wanted.select("record", "_rid")
                hits = pairs.join(values.lazy().drop("record"), on="_rid", how="inner", maintain_order="left")
                found.append(_source_columns(hits))
        if not found:
            return [self._of_subject(filled, source) for source in sources]
        reached = pl.concat(found).select("record").collect()
        rest = filled.join(reached.lazy(), on="record", how="anti", maintain_order="left").collect()
        return [*found, *(self._of_subject(rest.lazy(), source) for source in sources if rest.height)]

    def _of_subject(self, filled: pl.LazyFrame, source: str) -> pl.LazyFrame:
        """The same record of the own dataset, the subject's only record of another, or the subject's records at large."""
        name, _, variable = source.partition(".")
        found = self.others.values(source)
        subjects = filled.select("record", "USUBJID")
        if found is not None:
            values = found.lazy()
            if name == self.dataset.name:
                own = filled.select("record").join(values, on="record", how="inner", maintain_order="left")
                return _source_columns(own)
            if self.others.single(name):
                only = subjects.join(values.drop("record"), on="USUBJID", how="inner", maintain_order="left")
                return _source_columns(only)
            if self.others.of_subjects(source):
                subjects = subjects.join(values.select("USUBJID"), on="USUBJID", how="semi", maintain_order="left")
        at_large = subjects.select(
            "record", pl.lit(name).alias("source_dataset"), pl.lit(variable).alias("source_variable")
        )
        return _source_columns(at_large)


def _source_columns(hits: pl.LazyFrame) -> pl.LazyFrame:
    """record and all of _SOURCE, null where the hits have no such column."""
    have = set(hits.collect_schema().names())
    return hits.select("record", *(c if c in have else pl.lit(None, LINEAGE[c]).alias(c) for c in _SOURCE))
