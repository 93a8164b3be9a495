"""SDTM frames of any sponsor in; frames with text and number columns, qualifiers merged, dates read, cut at the cut-off out."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Mapping

import polars as pl

from cdiscx.standards.dates import earliest, read_iso

_NUMBER = re.compile(
    r"^(?:..(?:SEQ|STRESN|DOSE|DOSTOT|DY|STDY|ENDY|STNRLO|STNRHI)|VISITNUM|VISITDY|TAETORD|AGE|TSSEQ)$"
)
#: an interval that still ran at the cut-off was given up to it (sdtm-mapping 4.2); other ends were not known then
_RUNS_ON = ("EX", "EC", "PR")
#: milestones that stand for entry, best first (trial A 4.1)
ENTRY = ("ENTERED INTO TRIAL", "RANDOMIZED", "ELIGIBILITY CRITERIA MET")


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
    if "DM" in out and "USUBJID" in out["DM"].columns:
        out["DM"] = out["DM"].join(
            _entering_later(plain.get("DS"), cutoff), on="USUBJID", how="left", maintain_order="left"
        )
    return out


def _entering_later(ds: pl.DataFrame | None, cutoff: dt.date) -> pl.DataFrame:
    """USUBJID and `_later`, true, of subjects whose entry into the trial is dated after the cut-off."""
    if ds is None or not {"USUBJID", "DSDECOD", "DSSTDTC"} <= set(ds.columns):
        return pl.DataFrame(schema={"USUBJID": pl.String, "_later": pl.Boolean})
    entry = ds.filter(pl.col("DSDECOD").is_in(ENTRY))
    late = entry.filter((_days(entry, "DSSTDTC", earliest) > cutoff).fill_null(False))
    return late.select("USUBJID", _later=pl.lit(True)).unique("USUBJID", maintain_order=True)


def number_column(name: str) -> bool:
    """Whether an SDTM variable of this name holds numbers."""
    return _NUMBER.match(name) is not None


def _typed(frame: pl.DataFrame, offset: int) -> pl.DataFrame:
    frame = frame.rename({c: c.upper() for c in frame.columns if not c.startswith("_")})
    named = [c for c in frame.columns if not c.startswith("_")]
    blank = _with_blanks(frame, [c for c in named if frame.schema[c] == pl.String and not number_column(c)])
    given = "_id" in frame.columns
    key = pl.col("_id").cast(pl.UInt32) if given else (pl.int_range(pl.len()) + offset).cast(pl.UInt32)
    out = frame.select(*(_column(c, frame.schema[c], c in blank) for c in named), key.alias("_id"))
    return out.with_columns(_from=pl.col("_id").reshape((-1, 1)).arr.to_list())


def _with_blanks(frame: pl.DataFrame, texts: list[str]) -> set[str]:
    """The text columns that hold an empty cell or a blank at the end of one: only these cost the cleaning."""
    if not texts or frame.is_empty():
        return set()
    found = frame.select((pl.col(c).str.ends_with(" ") | (pl.col(c) == "")).any() for c in texts)
    return {c for c in texts if found[c].item()}


def _column(name: str, dtype: pl.DataType, blank: bool) -> pl.Expr:
    value = pl.col(name)
    if number_column(name):
        return (value.str.strip_chars() if dtype == pl.String else value).cast(pl.Float64, strict=False)
    if dtype == pl.String:
        trimmed = value.str.strip_chars_end()
        return pl.when(trimmed != "").then(trimmed).alias(name) if blank else value
    if isinstance(dtype, pl.Datetime):
        return value.dt.strftime("%Y-%m-%dT%H:%M:%S")
    if dtype.is_float():
        whole = value.cast(pl.Int64, strict=False)
        return pl.when(value == whole).then(whole.cast(pl.String)).otherwise(value.cast(pl.String)).alias(name)
    return value.cast(pl.String)


def _with_qualifiers(frame: pl.DataFrame, supp: pl.DataFrame | None) -> pl.DataFrame:
    """The parent with one column per QNAM; a qualifier never replaces a value of the parent itself."""
    asked = {"USUBJID", "QNAM", "QVAL"}
    if supp is None or supp.is_empty() or not asked <= set(supp.columns) or "USUBJID" not in frame.columns:
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
        frame = _beside(frame, part, on)
    return frame


def _beside(frame: pl.DataFrame, part: pl.DataFrame, on: list[str]) -> pl.DataFrame:
    """Qualifiers that share one IDVAR beside their parents; parents are found once and then known by their row."""
    rows = frame.select(on).with_row_index("_row")
    found = part.join(rows, on=on, how="inner", maintain_order="left").select("_row", "QNAM", "QVAL", "_id")
    out = frame.with_row_index("_row")
    for name in found["QNAM"].drop_nulls().unique().sort():
        one = found.filter(pl.col("QNAM") == name).unique("_row", keep="first", maintain_order=True)
        wide = out.join(one.select("_row", _q="QVAL"), on="_row", how="left", maintain_order="left")
        out = wide.with_columns(_qualifier(name, out).alias(name)).drop("_q")
    ids = found.sort("_row").group_by("_row", maintain_order=True).agg(_more="_id")
    out = out.join(ids, on="_row", how="left", maintain_order="left")
    none = pl.lit([], dtype=pl.List(pl.UInt32))
    return out.with_columns(_from=pl.concat_list("_from", pl.col("_more").fill_null(none))).drop("_row", "_more")


def _qualifier(name: str, frame: pl.DataFrame) -> pl.Expr:
    value = pl.col("_q")
    value = value.cast(pl.Float64, strict=False) if number_column(name) else value
    return pl.coalesce(name, value) if name in frame.columns else value


def _missing(frame: pl.DataFrame, name: str) -> pl.Expr:
    return pl.col(name) if name in frame.columns else pl.lit(None, dtype=pl.String).alias(name)


def _with_dates(frame: pl.DataFrame) -> pl.DataFrame:
    dates = [c for c in frame.columns if c.endswith("DTC") and c[:-1] not in frame.columns]
    return frame.with_columns(_days(frame, c, read_iso).alias(c[:-1]) for c in dates)


def _late(frame: pl.DataFrame, column: str, cutoff: dt.date) -> pl.Series:
    """Whether a date cannot be on or before the cut-off; a complete one is read already."""
    day = frame[column[:-1]] if frame.schema.get(column[:-1]) == pl.Date else None
    if day is not None and day.null_count() == frame[column].null_count():
        return (day > cutoff).fill_null(False)
    return (_days(frame, column, earliest) > cutoff).fill_null(False)


def _days(frame: pl.DataFrame, column: str, reading: Callable[[pl.Expr], pl.Expr]) -> pl.Series:
    """Dates of a column of texts; where few texts occur, each is read once."""
    texts = frame[column]
    known = texts.drop_nulls().unique()
    if known.len() * 4 >= texts.len():
        return frame.select(reading(pl.col(column))).to_series()
    return in_words(texts, known, known.to_frame().select(reading(pl.col(column))).to_series())


def in_words(values: pl.Series, words: pl.Series, meanings: pl.Series) -> pl.Series:
    """`values` with `meanings` in their place, which stand in the order of the `words`: every value there is, once each."""
    return meanings[values.cast(pl.Enum(words)).to_physical()].alias(values.name)


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
        first = frame[begins[0]].is_not_null()
        beyond = _late(frame, begins[0], cutoff)
        for other in begins[1:]:
            beyond = beyond | (~first & _late(frame, other, cutoff))
            first = first | frame[other].is_not_null()
        frame = frame.filter(~beyond) if beyond.any() else frame
    ends = f"{prefix}ENDTC"
    if ends in frame.columns:
        late = pl.lit((_days(frame, ends, earliest) > cutoff).fill_null(False))
        open_end = day if prefix in _RUNS_ON else pl.lit(None, dtype=pl.Date)
        frame = frame.with_columns(
            pl.when(late).then(open_end).otherwise(pl.col(ends[:-1])).alias(ends[:-1]),
            pl.when(~late).then(ends).alias(ends),
        )
    return frame
