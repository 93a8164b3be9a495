"""Datasets in, their records as sources of other values out: key, value as text, number."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import polars as pl


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


@dataclass(slots=True)
class Others:
    """The records of all datasets of the run, as sources."""

    frames: Mapping[str, pl.DataFrame]
    keys: Mapping[str, pl.Expr]
    #: datasets that `_from` can name (ADaM only)
    linked: frozenset[str] = frozenset()
    _values: dict[str, pl.DataFrame | None] = field(default_factory=dict)
    _singles: dict[str, bool] = field(default_factory=dict)

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

    def _made(self, name: str, variable: str) -> pl.DataFrame:
        frame = self.frames[name]
        none = pl.lit(None, pl.String)
        held = variable if variable in frame.columns else "QVAL"
        if variable in frame.columns:
            text = as_text(pl.col(variable), frame.schema[variable])
        else:
            text = pl.when(pl.col("QNAM") == variable).then(pl.col("QVAL").cast(pl.String))
        return (
            frame.lazy()
            .with_row_index("record", offset=1)
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
        if name not in self._singles:
            frame = self.frames[name]
            self._singles[name] = "USUBJID" in frame.columns and bool(frame.get_column("USUBJID").is_unique().all())
        return self._singles[name]

    def numbered(self, source: str) -> pl.DataFrame | None:
        """`values` with `number` (i64): the record's `--SEQ` or ASEQ; null where the dataset has neither."""
        name = source.partition(".")[0]
        found = self.values(source)
        if found is None:
            return None
        frame = self.frames[name]
        column = next((c for c in (f"{name}SEQ", "ASEQ") if c in frame.columns), None)
        number = pl.col(column).cast(pl.Int64) if column else pl.lit(None, pl.Int64)
        numbers = frame.with_row_index("record", offset=1).select("record", number.alias("number"))
        return found.join(numbers, on="record", how="left", maintain_order="left")
