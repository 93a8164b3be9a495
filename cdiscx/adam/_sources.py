"""SDTM frames of any sponsor in; frames with text and number columns, qualifiers merged, dates read, cut at the cut-off out."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping

import polars as pl

from cdiscx.standards.dates import earliest, read_iso

_NUMBER = re.compile(
    r"^(?:..(?:SEQ|STRESN|DOSE|DOSTOT|DY|STDY|ENDY|STNRLO|STNRHI)|VISITNUM|VISITDY|TAETORD|AGE|TSSEQ)$"
)
#: an interval that still ran at the cut-off was given up to it (sdtm-mapping 4.2); other ends were not known then
_RUNS_ON = ("EX", "EC", "PR")


def prepared(sdtm: Mapping[str, pl.DataFrame], cutoff: dt.date) -> dict[str, pl.DataFrame]:
    """SDTM frames by upper-case name -> the same, ready to derive from (adam-derivations 1.5).

    Text is String (blank is null), numbers Float64, every complete `--DTC` stands once more as a Date in `--DT`
    (`AESTDTC` -> `AESTDT`); supplemental qualifiers are columns of their parent; records that begin after the
    cut-off are gone. `_from` holds the `_id` of the record and those of its qualifiers.
    """
    named = {name.upper(): frame for name, frame in sdtm.items()}
    offset = 0
    plain: dict[str, pl.DataFrame] = {}
    for name in sorted(named):
        plain[name] = _typed(named[name], offset)
        offset += named[name].height
    out = {}
    for name, frame in plain.items():
        if name.startswith("SUPP"):
            continue
        merged = _with_qualifiers(frame, plain.get(f"SUPP{name}"))
        out[name] = _cut(name, _with_dates(merged), cutoff)
    return out


def number_column(name: str) -> bool:
    """Whether an SDTM variable of this name holds numbers."""
    return _NUMBER.match(name) is not None


def _typed(frame: pl.DataFrame, offset: int) -> pl.DataFrame:
    frame = frame.rename({c: c.upper() for c in frame.columns if not c.startswith("_")})
    columns = [_column(pl.col(c), c, frame.schema[c]) for c in frame.columns if not c.startswith("_")]
    given = "_id" in frame.columns
    key = pl.col("_id").cast(pl.UInt32) if given else (pl.int_range(pl.len()) + offset).cast(pl.UInt32)
    return frame.select(*columns, key.alias("_id")).with_columns(_from=pl.concat_list("_id"))


def _column(value: pl.Expr, name: str, dtype: pl.DataType) -> pl.Expr:
    if number_column(name):
        return (value.str.strip_chars() if dtype == pl.String else value).cast(pl.Float64, strict=False)
    if dtype == pl.String:
        trimmed = value.str.strip_chars_end()
        return pl.when(trimmed != "").then(trimmed).alias(name)
    if isinstance(dtype, pl.Datetime):
        return value.dt.strftime("%Y-%m-%dT%H:%M:%S")
    if dtype.is_float():
        whole = value.cast(pl.Int64, strict=False)
        return pl.when(value == whole).then(whole.cast(pl.String)).otherwise(value.cast(pl.String)).alias(name)
    return value.cast(pl.String)


def _with_qualifiers(frame: pl.DataFrame, supp: pl.DataFrame | None) -> pl.DataFrame:
    """The parent with one column per QNAM; a qualifier never replaces a value of the parent itself."""
    if supp is None or supp.is_empty() or not {"USUBJID", "QNAM", "QVAL"} <= set(supp.columns):
        return frame
    keyed = supp.with_columns(
        _missing(supp, "IDVAR"), _missing(supp, "IDVARVAL"), pl.col("QNAM").str.strip_chars().str.to_uppercase()
    )
    for (idvar,), part in keyed.sort("IDVAR", nulls_last=False).group_by("IDVAR", maintain_order=True):
        on = ["USUBJID"]
        if idvar is not None:
            if idvar not in frame.columns:
                continue
            value = pl.col("IDVARVAL").str.strip_chars()
            part = part.with_columns(value.cast(frame.schema[str(idvar)], strict=False).alias(str(idvar)))
            on.append(str(idvar))
        names = part["QNAM"].drop_nulls().unique().sort().to_list()
        wide = part.drop_nulls([*on, "QNAM"]).group_by(on, maintain_order=True).agg(
            *(pl.col("QVAL").filter(pl.col("QNAM") == q).first().alias(f"_q_{q}") for q in names),
            pl.col("_id").alias("_more"),
        )  # fmt: skip
        none = pl.lit([], dtype=pl.List(pl.UInt32))
        frame = (
            frame.join(wide, on=on, how="left", maintain_order="left")
            .with_columns(
                *(_qualifier(q, frame).alias(q) for q in names),
                _from=pl.concat_list("_from", pl.col("_more").fill_null(none)),
            )
            .drop("_more", *(f"_q_{q}" for q in names))
        )
    return frame


def _qualifier(name: str, frame: pl.DataFrame) -> pl.Expr:
    value = pl.col(f"_q_{name}")
    value = value.cast(pl.Float64, strict=False) if number_column(name) else value
    return pl.coalesce(name, value) if name in frame.columns else value


def _missing(frame: pl.DataFrame, name: str) -> pl.Expr:
    return pl.col(name) if name in frame.columns else pl.lit(None, dtype=pl.String).alias(name)


def _with_dates(frame: pl.DataFrame) -> pl.DataFrame:
    dates = [c for c in frame.columns if c.endswith("DTC") and c[:-1] not in frame.columns]
    return frame.with_columns(read_iso(pl.col(c)).alias(c[:-1]) for c in dates)


def _cut(name: str, frame: pl.DataFrame, cutoff: dt.date) -> pl.DataFrame:
    """Records that begin on or before the cut-off; ends after it are open (or at the cut-off where treatment runs on)."""
    prefix, day = name[:2], pl.lit(cutoff)
    if "USUBJID" not in frame.columns:
        return frame
    if name == "DM":
        late = (earliest(pl.col("DTHDTC")) > day).fill_null(False) if "DTHDTC" in frame.columns else pl.lit(False)
        gone = [c for c in ("DTHDTC", "DTHDT", "DTHFL") if c in frame.columns]
        return frame.with_columns(pl.when(~late).then(c).alias(c) for c in gone)
    begins = [c for c in (f"{prefix}STDTC", f"{prefix}DTC") if c in frame.columns]
    if begins:
        frame = frame.filter((earliest(pl.coalesce(begins)) <= day).fill_null(True))
    ends = f"{prefix}ENDTC"
    if ends in frame.columns:
        late = (earliest(pl.col(ends)) > day).fill_null(False)
        open_end = day if prefix in _RUNS_ON else pl.lit(None, dtype=pl.Date)
        frame = frame.with_columns(
            pl.when(late).then(open_end).otherwise(pl.col(ends[:-1])).alias(ends[:-1]),
            pl.when(~late).then(ends).alias(ends),
        )
    return frame
