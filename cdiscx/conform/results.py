"""Rules of findings: results and their status, units, standard numbers, baseline flags, specimens, normal ranges."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Final

import polars as pl

from cdiscx.conform.finished import Finished
from cdiscx.conform.rules import broken, rule
from cdiscx.model.finding import Severity
from cdiscx.standards import dates

_NUMBER: Final = r"^-?\d+(\.\d+)?$"
#: domains whose numbers have a unit, and the tests that are ratios or scores
_WITH_UNITS: Final = ("TR", "LB", "VS")
_NO_UNIT: Final = ("INR", "PH", "SPGRAV", "PVFLWIND")


@rule("CNF-150", "SDTM", "A record has neither a result nor a reason, or both")
def result_or_status(data: Finished) -> Iterator[pl.DataFrame]:
    """Mapping rule 2.8: NOT DONE has no result and no unit; a record without a result says NOT DONE."""
    for name, frame in data.findings():
        prefix = name[:2]
        status = pl.col(f"{prefix}STAT") if f"{prefix}STAT" in frame.columns else pl.lit(None, pl.String)
        result, standard = f"{prefix}ORRES", f"{prefix}STRESC"
        test = f"{prefix}TESTCD"
        done = status.ne_missing("NOT DONE")
        yield broken(
            name, frame, ~done & pl.col(result).is_not_null(), result, f"{{{test}}} is NOT DONE and has a result"
        )
        yield broken(
            name, frame, done & pl.col(result).is_null(), result, f"{{{test}}} has no result and is not NOT DONE"
        )
        if standard in frame.columns:
            lost = pl.col(result).is_not_null() & pl.col(standard).is_null()
            yield broken(name, frame, lost, standard, f"{{{test}}} has a result ({{{result}}}) but no standard result")


@rule("CNF-151", "SDTM", "The standard number is not the standard text")
def standard_numbers(data: Finished) -> Iterator[pl.DataFrame]:
    """--STRESN is the number of --STRESC, and null exactly where that is no number."""
    for name, frame in data.findings():
        text, number = f"{name[:2]}STRESC", f"{name[:2]}STRESN"
        if {text, number} <= set(frame.columns):
            right = pl.when(pl.col(text).str.contains(_NUMBER)).then(pl.col(text).cast(pl.Float64, strict=False))
            same = ((pl.col(number) - right).abs() <= 1e-9 * pl.max_horizontal(right.abs(), 1.0)).fill_null(False)
            both_null = pl.col(number).is_null() & right.is_null()
            yield broken(name, frame, ~(same | both_null), number, f"{number} is {{{number}}}, {text} is {{{text}}}")


@rule("CNF-152", "SDTM", "A number has no unit")
def units(data: Finished) -> Iterator[pl.DataFrame]:
    """TR, LB, VS: a numeric standard result has --STRESU, and where collected --ORRESU; ratios have none."""
    for name, frame in data.findings():
        test, number, unit = f"{name[:2]}TESTCD", f"{name[:2]}STRESN", f"{name[:2]}STRESU"
        if name in _WITH_UNITS and {number, unit} <= set(frame.columns):
            bare = pl.col(number).is_not_null() & pl.col(unit).is_null() & ~pl.col(test).is_in(_NO_UNIT)
            yield broken(name, frame, bare, unit, f"{{{test}}} is {{{number}}} without a unit")


def _units(name: str, columns: Collection[str]) -> list[list[str]]:
    """Test, specimen and standard unit of a dataset of findings."""
    test, unit = f"{name[:2]}TESTCD", f"{name[:2]}STRESU"
    return [[c for c in (test, f"{name[:2]}SPEC", unit) if c in columns]] if {test, unit} <= set(columns) else []


@rule("CNF-153", "SDTM", "A test has two standard units", severity=Severity.WARNING, across=_units)
def one_unit(data: Finished) -> Iterator[pl.DataFrame]:
    """One test (and specimen), one standard unit."""
    for name, frame in data.findings():
        test = f"{name[:2]}TESTCD"
        for *keys, unit in _units(name, frame.columns):
            seen = frame.drop_nulls(unit).unique(subset=[*keys, unit], keep="first", maintain_order=True)
            yield broken(name, seen, ~pl.struct(keys).is_first_distinct(), unit, f"{{{test}}} has {{{unit}}} here and another standard unit elsewhere")  # fmt: skip


@rule("CNF-154", "SDTM", "A last-before-exposure flag stands where it cannot", "DM")
def baseline_flags(data: Finished) -> Iterator[pl.DataFrame]:
    """Mapping rule 2.5: one Y per subject, test, lesion, location, method and evaluator; not after RFXSTDTC; on a result."""
    first = data.frames["DM"].select("USUBJID", dates.read_iso(pl.col("RFXSTDTC")).alias("_first")).unique("USUBJID")
    for name, frame in data.findings():
        prefix = name[:2]
        flag, date = f"{prefix}LOBXFL", f"{prefix}DTC"
        if not {flag, date} <= set(frame.columns):
            continue
        parts = ("TESTCD", "CAT", "LNKID", "LOC", "METHOD", "EVAL", "EVALID", "SPEC", "REFID")
        keys = ["USUBJID", *(prefix + p for p in parts if prefix + p in frame.columns)]
        flagged = frame.filter(pl.col(flag) == "Y").join(first, on="USUBJID", how="left", maintain_order="left")
        yield broken(
            name, flagged, ~pl.struct(keys).is_first_distinct(), flag, f"a second {flag} for {{{prefix}TESTCD}}"
        )
        late = dates.read_iso(pl.col(date)) > pl.col("_first")
        yield broken(name, flagged, late, flag, f"{flag} on {{{date}}}, after the first dose ({{_first}})")
        yield broken(name, flagged, pl.col(f"{prefix}ORRES").is_null(), flag, f"{flag} on a record without a result")


@rule("CNF-155", "SDTM", "A microscopic finding has no specimen", "MI")
def specimens(data: Finished) -> Iterator[pl.DataFrame]:
    """MISPEC is required."""
    if data.has("MI", "MISPEC"):
        yield broken("MI", data.frames["MI"], pl.col("MISPEC").is_null(), "MISPEC", "{MITESTCD} has no specimen")


@rule("CNF-156", "SDTM", "A normal range is upside down or the indicator contradicts it", "LB")
def normal_ranges(data: Finished) -> Iterator[pl.DataFrame]:
    """LBSTNRLO is below LBSTNRHI; LBNRIND follows from them."""
    if not data.has("LB", "LBSTNRLO", "LBSTNRHI"):
        return
    frame = data.frames["LB"]
    low, high = pl.col("LBSTNRLO"), pl.col("LBSTNRHI")
    yield broken("LB", frame, low > high, "LBSTNRLO", "normal range of {LBTESTCD} is {LBSTNRLO} to {LBSTNRHI}")
    if data.has("LB", "LBSTRESN", "LBNRIND"):
        value = pl.col("LBSTRESN")
        right = pl.when(value < low).then(pl.lit("LOW")).when(value > high).then(pl.lit("HIGH")).when(
            low.is_not_null() & high.is_not_null() & value.is_not_null()
        ).then(pl.lit("NORMAL"))  # fmt: skip
        wrong = right.is_not_null() & pl.col("LBNRIND").is_in(["LOW", "NORMAL", "HIGH"]) & (pl.col("LBNRIND") != right)
        yield broken("LB", frame, wrong, "LBNRIND", "{LBTESTCD} {LBSTRESN} in {LBSTNRLO} to {LBSTNRHI} is {LBNRIND}")


@rule("CNF-157", "SDTM", "A lesion has no location", "TU", severity=Severity.WARNING)
def lesion_locations(data: Finished) -> Iterator[pl.DataFrame]:
    """TULOC is expected to be filled for every identified lesion."""
    if data.has("TU", "TULOC"):
        yield broken("TU", data.frames["TU"], pl.col("TULOC").is_null(), "TULOC", "lesion {TULNKID} has no location")


@rule("CNF-158", "SDTM", "A response has no category", "RS")
def response_categories(data: Finished) -> Iterator[pl.DataFrame]:
    """RSCAT says by which criteria the response was judged."""
    if data.has("RS", "RSCAT"):
        yield broken("RS", data.frames["RS"], pl.col("RSCAT").is_null(), "RSCAT", "{RSTESTCD} has no RSCAT")
