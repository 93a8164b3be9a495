"""Rules of time: ISO 8601 texts, study days without a day 0, epochs, order of dates, death."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import polars as pl

from cdiscx.conform.finished import Finished
from cdiscx.conform.rules import broken, rule
from cdiscx.model.finding import Severity
from cdiscx.standards import dates

_CLOCK: Final = r"T([01]\d|2[0-3])(:[0-5]\d(:[0-5]\d(\.\d+)?)?)?(Z|[+-]\d{2}:\d{2})?"
_ISO: Final = rf"^(\d{{4}}(-(0[1-9]|1[0-2])(-(0[1-9]|[12]\d|3[01])({_CLOCK})?)?)?|\d{{4}}---(0[1-9]|[12]\d|3[01]))$"


def _dates_of(name: str, frame: pl.DataFrame) -> list[str]:
    return [c for c in frame.columns if c.endswith("DTC") and frame.schema[c] == pl.String]


def record_date(name: str, frame: pl.DataFrame) -> str | None:
    """The variable that places a record in time: --STDTC, else --DTC; None where the dataset has neither."""
    prefix = name[:2]
    return next((c for c in (f"{prefix}STDTC", f"{prefix}DTC") if c in frame.columns), None)


@rule("CNF-120", "SDTM", "A date is no ISO 8601 text")
def iso_dates(data: Finished) -> Iterator[pl.DataFrame]:
    """Complete, right-truncated or with an unknown month (`2024---05`); 30 February is no date."""
    for name, frame in data.frames.items():
        for column in _dates_of(name, frame):
            text = pl.col(column)
            impossible = (
                (text.str.len_bytes() >= 10) & ~text.str.contains("---", literal=True) & dates.read_iso(text).is_null()
            )
            yield broken(
                name, frame, ~text.str.contains(_ISO) | impossible, column, f"{column} {{{column}}} is no ISO 8601 date"
            )


@rule("CNF-121", "SDTM", "A study day is not the one its date gives", "DM")
def study_days(data: Finished) -> Iterator[pl.DataFrame]:
    """SDTMIG 3.4, 4.4.4: date minus RFSTDTC, plus 1 from RFSTDTC on; no day 0; null where a date is partial or missing."""
    reference = data.frames["DM"].select("USUBJID", dates.read_iso(pl.col("RFSTDTC")).alias("_ref")).unique("USUBJID")
    for name, frame in data.subjects():
        prefix = name[:2]
        for day, date in (("DY", "DTC"), ("STDY", "STDTC"), ("ENDY", "ENDTC")):
            column, source = prefix + day, prefix + date
            if column in frame.columns and source in frame.columns and frame.schema[source] == pl.String:
                joined = frame.join(reference, on="USUBJID", how="left").with_columns(
                    dates.read_iso(pl.col(source)).alias("_date")
                )
                yield from wrong_day(name, joined, column, "_date", "_ref", f"{source} {{{source}}}")


def wrong_day(
    name: str, frame: pl.DataFrame, column: str, date: str, reference: str, said: str
) -> Iterator[pl.DataFrame]:
    """Study days that are 0, missing, or differ from what the two Dates give."""
    right = dates.study_day(pl.col(date), pl.col(reference))
    checked = frame.with_columns(right.cast(pl.Int64).alias("_right"), pl.col(column).cast(pl.Float64).alias("_day"))
    yield broken(name, checked, pl.col("_day") == 0, column, f"{column} is 0: there is no day 0")
    wrong = (pl.col("_day") != 0).fill_null(True) & pl.col("_day").ne_missing(pl.col("_right").cast(pl.Float64))
    yield broken(name, checked, wrong, column, f"{column} is {{{column}}}, but {said} gives {{_right}}")


@rule("CNF-122", "SDTM", "EPOCH is not that of the element in which the record falls", "SE")
def epochs(data: Finished) -> Iterator[pl.DataFrame]:
    """The SE element with SESTDTC <= date < SEENDTC; the last one includes its end. Partial dates are not judged."""
    if not data.has("SE", "USUBJID", "SESTDTC", "EPOCH"):
        return
    order = [c for c in ("SESTDTC", "TAETORD") if c in data.frames["SE"].columns]
    elements = (
        data.frames["SE"]
        .sort("USUBJID", *order)
        .select("USUBJID", dates.read_iso(pl.col("SESTDTC")).alias("_date"), pl.col("EPOCH").alias("_right"),
                dates.read_iso(pl.col("SEENDTC") if "SEENDTC" in data.frames["SE"].columns else pl.lit(None, pl.String)).alias("_end"))
        .drop_nulls("_date")
        .sort("_date", maintain_order=True)
    )  # fmt: skip
    for name, frame in data.subjects():
        date = record_date(name, frame)
        if date is None or "EPOCH" not in frame.columns or name == "SE":
            continue
        dated = frame.with_columns(dates.read_iso(pl.col(date)).alias("_date")).drop_nulls("_date").sort("_date")
        placed = dated.join_asof(elements, on="_date", by="USUBJID", strategy="backward", check_sortedness=False)
        inside = pl.col("_end").is_null() | (pl.col("_date") <= pl.col("_end"))
        wrong = inside & pl.col("EPOCH").ne_missing(pl.col("_right"))
        say = f"EPOCH is {{EPOCH}}, but {date} {{{date}}} falls into {{_right}}"
        yield broken(name, placed.sort("_row"), wrong, "EPOCH", say)


@rule("CNF-123", "SDTM", "A record ends before it starts")
def end_before_start(data: Finished) -> Iterator[pl.DataFrame]:
    """--STDTC is not after --ENDTC, at the precision that both have."""
    for name, frame in data.frames.items():
        start, end = f"{name[:2]}STDTC", f"{name[:2]}ENDTC"
        if {start, end} <= set(frame.columns):
            wrong = dates.before(pl.col(end), pl.col(start))
            yield broken(name, frame, wrong, end, f"{end} {{{end}}} is before {start} {{{start}}}")


@rule("CNF-124", "SDTM", "Something happened to a subject after death", "DM")
def after_death(data: Finished) -> Iterator[pl.DataFrame]:
    """No dose, procedure, scan, laboratory value or start of an event after DM.DTHDTC."""
    deaths = data.frames["DM"].select("USUBJID", pl.col("DTHDTC").alias("_death")).drop_nulls().unique("USUBJID")
    for name in ("EX", "PR", "TU", "TR", "LB", "VS", "AE", "CM", "HO"):
        if name not in data.frames:
            continue
        frame = data.frames[name]
        date = record_date(name, frame)
        if date is not None:
            late = frame.join(deaths, on="USUBJID", how="inner", maintain_order="left")
            say = f"{date} {{{date}}} is after the death on {{_death}}"
            yield broken(name, late, dates.after(pl.col(date), pl.col("_death")), date, say)


@rule("CNF-125", "SDTM", "A date has a day but no month", severity=Severity.WARNING)
def missing_month(data: Finished) -> Iterator[pl.DataFrame]:
    """PR, MH and CM: `2024---05` is allowed, but a question to the site."""
    for name in ("PR", "MH", "CM"):
        if name in data.frames:
            frame = data.frames[name]
            for column in _dates_of(name, frame):
                unknown = pl.col(column).str.contains("---", literal=True)
                yield broken(name, frame, unknown, column, f"{column} {{{column}}} has a day but no month")


@rule("CNF-126", "SDTM", "Visits of a series are not in the order of their numbers", "SV", severity=Severity.WARNING)
def visit_order(data: Finished) -> Iterator[pl.DataFrame]:
    """`CYCLE 3` does not start before `CYCLE 2`. Series run side by side, so VISITNUM over all visits is no order of time."""
    if not data.has("SV", "USUBJID", "VISITNUM", "VISIT", "SVSTDTC"):
        return
    numbered = pl.col("VISIT").str.extract(r"^(.*?)\s*\d+$", 1).alias("_series")
    dated = data.frames["SV"].with_columns(numbered, dates.read_iso(pl.col("SVSTDTC")).alias("_date"))
    ordered = (
        dated.drop_nulls(["_series", "_date"])
        .sort("USUBJID", "_series", pl.col("VISITNUM").cast(pl.Float64))
        .with_columns(pl.col("_date").shift().over("USUBJID", "_series").alias("_before"))
    )
    say = "{VISIT} starts on {SVSTDTC}, the visit before it in the series on {_before}"
    yield broken("SV", ordered, pl.col("_date") < pl.col("_before"), "SVSTDTC", say)


@rule("CNF-127", "SDTM", "Elements leave a gap or overlap", "SE")
def element_gaps(data: Finished) -> Iterator[pl.DataFrame]:
    """The end of an element is the start of the next."""
    if not data.has("SE", "USUBJID", "SESTDTC", "SEENDTC", "TAETORD"):
        return
    ordered = data.frames["SE"].sort("USUBJID", "SESTDTC", "TAETORD").with_columns(
        pl.col("SESTDTC").shift(-1).over("USUBJID").alias("_next")
    )  # fmt: skip
    wrong = pl.col("_next").is_not_null() & pl.col("SEENDTC").ne_missing(pl.col("_next"))
    yield broken("SE", ordered, wrong, "SEENDTC", "the element ends on {SEENDTC}, the next starts on {_next}")
