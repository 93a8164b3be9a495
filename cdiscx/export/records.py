"""Datasets in, their records as sources of other values out: key, value as text, number."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import polars as pl

from cdiscx.model.kept import Kept, pieces

#: column of a frame that is some records of a dataset: their numbers in all of it, from 1
RECORD = "_record"


def record_key(name: str, frame: pl.DataFrame, keys: Sequence[str] = ()) -> pl.Expr:
    """What tells a record of a subject from the others, as text: `TRSEQ=4`, `PARAMCD=PFS, ASEQ=2`, `AESEQ=2, QNAM=AECDGR`."""
    sequence = f"{name}SEQ"
    if sequence in frame.columns:
        named = [*(k for k in keys if k == "TSPARMCD"), sequence]
    elif {"IDVAR", "IDVARVAL", "QNAM"} <= set(frame.columns):
        parent = pl.concat_str(["IDVAR", "IDVARVAL"], separator="=", ignore_nulls=True)
        own = pl.concat_str([pl.lit("QNAM="), pl.col("QNAM")])
        return pl.when(parent != "").then(pl.concat_str([parent, own], separator=", ")).otherwise(own)
    elif "ASEQ" in frame.columns:
        named = [k for k in ("PARAMCD", "ADT") if k in keys and k in frame.columns] + ["ASEQ"]
    else:
        named = [k for k in keys if k in frame.columns and k not in ("STUDYID", "USUBJID", "DOMAIN")]
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


def recorded(frame: pl.DataFrame) -> pl.DataFrame:
    """The frame with `record`, the number of each record in its whole dataset: from 1, or as `_record` says of some of them."""
    return frame.rename({RECORD: "record"}) if RECORD in frame.columns else frame.with_row_index("record", offset=1)


@dataclass(slots=True)
class Others:
    """Records of the datasets of a run, as sources. `whole`: the datasets that `frames` may be some records of."""

    frames: Mapping[str, pl.DataFrame]
    keys: Mapping[str, pl.Expr]
    whole: Mapping[str, pl.DataFrame | Kept]
    #: datasets that `_from` can name (ADaM only)
    linked: frozenset[str] = frozenset()
    #: what is known of whole datasets and their variables; portions of one run share it
    facts: dict[str, bool] = field(default_factory=dict)
    _values: dict[str, pl.DataFrame | None] = field(default_factory=dict)

    def values(self, source: str) -> pl.DataFrame | None:
        """`DM.RFSTDTC` -> record, USUBJID, _rid, source_*, text of its filled values; None where there is no such variable.

        `SUPPAE.AECDGR` means QVAL of the records whose QNAM is AECDGR.
        """
        if source not in self._values:
            name, _, variable = source.partition(".")
            frame = self.frames.get(name)
            known = frame is not None and (variable in frame.columns or {"QNAM", "QVAL"} <= set(frame.columns))
            self._values[source] = self._made(name, variable) if known else None
        return self._values[source]

    def forget(self) -> None:
        """Drops the values that were asked for; they are made again for whoever asks."""
        self._values.clear()

    def _made(self, name: str, variable: str) -> pl.DataFrame:
        frame = self.frames[name]
        none = pl.lit(None, pl.String)
        held = variable if variable in frame.columns else "QVAL"
        if variable in frame.columns:
            text = as_text(pl.col(variable), frame.schema[variable])
        else:
            text = pl.when(pl.col("QNAM") == variable).then(pl.col("QVAL").cast(pl.String))
        return (
            recorded(frame)
            .lazy()
            .select(
                "record",
                ("USUBJID" if "USUBJID" in frame.columns else none.alias("USUBJID")),
                (pl.col("_id").cast(pl.UInt32) if "_id" in frame.columns else pl.lit(None, pl.UInt32)).alias("_rid"),
                pl.lit(name).alias("source_dataset"),
                self.keys[name].alias("source_key"),
                pl.lit(held).alias("source_variable"),
                text.alias("text"),
            )
            .filter(pl.col("text").is_not_null())
            .collect()
        )

    def single(self, name: str) -> bool:
        """Whether a dataset has one record a subject."""
        if name not in self.facts:
            self.facts[name] = "USUBJID" in self.whole[name].columns and _one_each(self.whole[name])
        return self.facts[name]

    def of_subjects(self, source: str) -> bool:
        """Whether any record with a value of a variable (as of `values`) names its subject."""
        if source not in self.facts:
            name, _, variable = source.partition(".")
            whole = self.whole[name]
            value = pl.col(variable) if variable in whole.columns else pl.col("QVAL")
            wanted = [] if variable in whole.columns else [pl.col("QNAM") == variable]
            filled = pl.all_horizontal(value.is_not_null(), pl.col("USUBJID").is_not_null(), *wanted)
            columns = ["USUBJID", *([variable] if variable in whole.columns else ["QNAM", "QVAL"])]
            self.facts[source] = "USUBJID" in whole.columns and any(
                bool(piece.select(filled.any()).item()) for piece in pieces(whole, list(dict.fromkeys(columns)))
            )
        return self.facts[source]

    def numbered(self, source: str) -> pl.DataFrame | None:
        """`values` with `number` (i64): the record's `--SEQ` or ASEQ; null where the dataset has neither."""
        name = source.partition(".")[0]
        found = self.values(source)
        if found is None:
            return None
        frame = self.frames[name]
        column = next((c for c in (f"{name}SEQ", "ASEQ") if c in frame.columns), None)
        number = pl.col(column).cast(pl.Int64) if column else pl.lit(None, pl.Int64)
        numbers = recorded(frame).select("record", number.alias("number"))
        return found.join(numbers, on="record", how="left", maintain_order="left")


def _one_each(whole: pl.DataFrame | Kept) -> bool:
    """Whether no subject has two records; of most datasets on disk the first file tells that some has."""
    seen = []
    for piece in pieces(whole, ["USUBJID"]):
        own = piece.get_column("USUBJID")
        if own.n_unique() < len(own):
            return False
        seen.append(own)
    return len(seen) < 2 or pl.concat(seen).n_unique() == whole.height
