"""Rules of ADaM arithmetic: baseline, change, nadir, study days, imputation flags, dates, occurrence flags."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import polars as pl

from cdiscx.conform.adam_structure import structure_of
from cdiscx.conform.finished import Finished
from cdiscx.conform.rules import broken, rule
from cdiscx.conform.timing import wrong_day
from cdiscx.standards import dates

#: relative difference that two floats of one sum may have
_CLOSE: Final = 1e-9


def differs(value: pl.Expr, right: pl.Expr) -> pl.Expr:
    """True where both numbers are there and are not equal within rounding of a double."""
    return (value - right).abs() > _CLOSE * pl.max_horizontal(right.abs(), pl.lit(1.0))


def _bds(data: Finished, *columns: str) -> Iterator[tuple[str, pl.DataFrame]]:
    for name, frame in data.frames.items():
        if {"USUBJID", "PARAMCD", "AVAL", *columns} <= set(frame.columns):
            yield name, frame.with_columns(pl.col("AVAL", *columns).cast(pl.Float64, strict=False))


@rule("CNF-220", "ADaM", "BASE is not the value of the baseline record")
def baselines(data: Finished) -> Iterator[pl.DataFrame]:
    """One ABLFL = Y per subject, parameter, base type and evaluator; BASE is its AVAL in every record."""
    for name, frame in data.frames.items():
        if not {"USUBJID", "PARAMCD", "AVAL", "BASE", "ABLFL"} <= set(frame.columns):
            continue
        keys = ["USUBJID", "PARAMCD", *(c for c in ("BASETYPE", "EVALR") if c in frame.columns)]
        flagged = frame.filter(pl.col("ABLFL") == "Y")
        yield broken(name, flagged, ~pl.struct(keys).is_first_distinct(), "ABLFL", "a second baseline record for {PARAMCD}")  # fmt: skip
        base = flagged.unique(keys, keep="first").select(*keys, pl.col("AVAL").cast(pl.Float64).alias("_base"))
        joined = frame.join(base, on=keys, how="left", maintain_order="left", nulls_equal=True)
        wrong = differs(pl.col("BASE").cast(pl.Float64), pl.col("_base"))
        yield broken(name, joined, wrong, "BASE", "{PARAMCD}: BASE is {BASE}, the baseline record has {_base}")


@rule("CNF-221", "ADaM", "A change is not the difference that it says")
def changes(data: Finished) -> Iterator[pl.DataFrame]:
    """CHG = AVAL - BASE; PCHG = 100 x CHG / BASE; CHGNAD and PCHGNAD the same against NADIR; never on the baseline record."""
    for change, percent, against in (("CHG", "PCHG", "BASE"), ("CHGNAD", "PCHGNAD", "NADIR")):
        for name, frame in _bds(data, change, against):
            right = pl.col("AVAL") - pl.col(against)
            checked = frame.with_columns(right.alias("_right"))
            say = f"{{PARAMCD}}: {change} is {{{change}}}, AVAL {{AVAL}} minus {against} {{{against}}} is {{_right}}"
            yield broken(name, checked, differs(pl.col(change), right), change, say)
        for name, frame in _bds(data, percent, against):
            right = 100 * (pl.col("AVAL") - pl.col(against)) / pl.col(against)
            checked = frame.with_columns(right.alias("_right"))
            say = (
                f"{{PARAMCD}}: {percent} is {{{percent}}}, AVAL {{AVAL}} against {against} {{{against}}} is {{_right}}"
            )
            possible = pl.col(against) != 0
            yield broken(name, checked, possible & differs(pl.col(percent), right), percent, say)
            yield broken(name, checked, ~possible & pl.col(percent).is_not_null(), percent, f"{percent} of {against} 0")


@rule("CNF-222", "ADaM", "A study day is not the one its date gives", "ADSL")
def study_days(data: Finished) -> Iterator[pl.DataFrame]:
    """ADaM derivations 1.3: date minus TRTSDT, plus 1 from TRTSDT on; no day 0."""
    if not data.has("ADSL", "USUBJID", "TRTSDT"):
        return
    start = data.frames["ADSL"].select("USUBJID", pl.col("TRTSDT").alias("_ref")).unique("USUBJID")
    for name, frame in data.subjects():
        joined = frame.join(start, on="USUBJID", how="left", maintain_order="left")
        for prefix in ("A", "AST", "AEN"):
            day, date = f"{prefix}DY", f"{prefix}DT"
            if {day, date} <= set(frame.columns) and frame.schema[date] == pl.Date:
                yield from wrong_day(name, joined, day, date, "_ref", f"{date} {{{date}}} and TRTSDT {{_ref}}")


@rule("CNF-223", "ADaM", "An imputation flag stands where nothing was imputed")
def imputation_flags(data: Finished) -> Iterator[pl.DataFrame]:
    """*DTF is D, M or Y, only beside a date; with the SDTM at hand, exactly where the collected date is partial."""
    for name, frame in data.frames.items():
        for flag in (c for c in frame.columns if c.endswith("DTF")):
            date = flag[:-1]
            if date not in frame.columns:
                continue
            wrong = ~pl.col(flag).is_in(["D", "M", "Y"])
            yield broken(name, frame, wrong, flag, f"{flag} is {{{flag}}}; it is D, M, Y or blank")
            alone = pl.col(flag).is_not_null() & pl.col(date).is_null()
            yield broken(name, frame, alone, flag, f"{flag} is {{{flag}}} without a date")
    yield from _against(data, "ADSL", ("USUBJID",), "DTHDT", "DM", "DTHDTC")
    yield from _against(data, "ADAE", ("USUBJID", "AESEQ"), "ASTDT", "AE", "AESTDTC")
    yield from _against(data, "ADAE", ("USUBJID", "AESEQ"), "AENDT", "AE", "AEENDTC")


def _against(
    data: Finished, name: str, keys: tuple[str, ...], date: str, domain: str, collected: str
) -> Iterator[pl.DataFrame]:
    """Records whose flag, or whose date where it was complete, disagrees with the collected text."""
    source = data.source.get(domain)
    if source is None or not data.has(name, *keys, date, f"{date}F") or not {*keys, collected} <= set(source.columns):
        return
    plain = [pl.col(k).cast(pl.Float64).alias(k) if k.endswith("SEQ") else pl.col(k) for k in keys]
    texts = source.select(*plain, pl.col(collected).alias("_text")).unique(keys)
    joined = data.frames[name].with_columns(plain).join(texts, on=list(keys), how="inner", maintain_order="left")
    complete = dates.read_iso(pl.col("_text"))
    flag = f"{date}F"
    yield broken(name, joined, complete.is_not_null() & pl.col(flag).is_not_null(), flag, f"{flag} is {{{flag}}}, but {domain}.{collected} {{_text}} is complete")  # fmt: skip
    partial = complete.is_null() & pl.col("_text").is_not_null() & pl.col(date).is_not_null() & pl.col(flag).is_null()
    yield broken(name, joined, partial, flag, f"{date} {{{date}}} comes from {domain}.{collected} {{_text}} without a flag")  # fmt: skip
    moved = complete.is_not_null() & (complete != pl.col(date))
    yield broken(name, joined, moved, date, f"{date} is {{{date}}}, {domain}.{collected} is {{_text}}")


@rule("CNF-224", "ADaM", "A period ends before it starts")
def periods(data: Finished) -> Iterator[pl.DataFrame]:
    """ASTDT and AENDT, TRTSDT and TRTEDT, RTSDT and RTEDT."""
    for name, frame in data.frames.items():
        for start, end in (("ASTDT", "AENDT"), ("TRTSDT", "TRTEDT"), ("RTSDT", "RTEDT")):
            if {start, end} <= set(frame.columns):
                wrong = pl.col(end) < pl.col(start)
                yield broken(name, frame, wrong, end, f"{end} {{{end}}} is before {start} {{{start}}}")


@rule("CNF-225", "ADaM", "Death is told in two ways", "ADSL")
def deaths(data: Finished) -> Iterator[pl.DataFrame]:
    """DTHDT needs DTHFL = Y; nobody is known alive after the death, and nobody is treated after it."""
    frame = data.frames["ADSL"]
    if data.has("ADSL", "DTHDT", "DTHFL"):
        wrong = pl.col("DTHDT").is_not_null() & pl.col("DTHFL").ne_missing("Y")
        yield broken("ADSL", frame, wrong, "DTHFL", "DTHDT is {DTHDT}, DTHFL is {DTHFL}")
    for column in ("LSTALVDT", "TRTEDT"):
        if data.has("ADSL", "DTHDT", column):
            late = pl.col(column) > pl.col("DTHDT")
            yield broken("ADSL", frame, late, column, f"{column} {{{column}}} is after the death on {{DTHDT}}")


@rule("CNF-226", "ADaM", "An occurrence flag stands twice")
def occurrences(data: Finished) -> Iterator[pl.DataFrame]:
    """AOCCFL and AOCCIFL once a subject, AOCCSFL and AOCCSIFL once a SOC, AOCCPFL and AOCCPIFL once a term; treatment-emergent."""
    within = {"": (), "S": ("AEBODSYS",), "P": ("AEBODSYS", "AEDECOD")}
    for name, frame in data.frames.items():
        if structure_of(name, frame) != "OCCDS":
            continue
        for level, columns in within.items():
            for flag in (f"AOCC{level}FL", f"AOCC{level}IFL"):
                if {flag, *columns} <= set(frame.columns):
                    flagged = frame.filter(pl.col(flag) == "Y")
                    again = ~pl.struct("USUBJID", *columns).is_first_distinct()
                    yield broken(name, flagged, again, flag, f"a second {flag}")
                    if "TRTEMFL" in frame.columns:
                        early = pl.col("TRTEMFL").ne_missing("Y")
                        yield broken(name, flagged, early, flag, f"{flag} on a record that is not treatment-emergent")
