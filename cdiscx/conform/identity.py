"""Rules of identity: keys, sequence numbers, subjects, codes and their decodes."""

from __future__ import annotations

from collections.abc import Collection, Iterator

import polars as pl

from cdiscx.conform.finished import Finished
from cdiscx.conform.rules import broken, rule
from cdiscx.model.finding import Severity
from cdiscx.standards import guide

#: code and name that go together one to one
_PAIRS = (("ARMCD", "ARM"), ("ACTARMCD", "ACTARM"), ("ETCD", "ELEMENT"), ("IETESTCD", "IETEST"), ("TSPARMCD", "TSPARM"), ("QNAM", "QLABEL"))  # fmt: skip

#: what tells records of the same natural keys apart, after the domain's two letters
_TELLING = ("SCAT", "GRPID", "SPID", "LNKID", "DOSE", "TERM", "LOC", "SPEC", "TSTDTL", "EVALID", "TPTNUM")


@rule("CNF-110", "SDTM", "Two records have the same keys")
def duplicate_keys(data: Finished) -> Iterator[pl.DataFrame]:
    """The declared keys identify a record; where none are declared, the guide's with every qualifier that tells records apart."""
    for name, frame in data.frames.items():
        yield from same_keys(name, frame, keys_of(data, name, frame))


def keys_of(data: Finished, name: str, frame: pl.DataFrame) -> list[str]:
    """Declared keys, else the guide's and the columns of `_TELLING` that are there."""
    facts = guide.dataset(name)
    if name in data.keys:
        wanted: list[str] = list(data.keys[name])
    elif facts is None:
        return []
    else:
        wanted = [*facts.keys, "VISITNUM", *(name[:2] + part for part in _TELLING)]
    return [k for k in dict.fromkeys(wanted) if k in frame.columns]


def same_keys(name: str, frame: pl.DataFrame, keys: list[str]) -> Iterator[pl.DataFrame]:
    """The second and further records with the same values of `keys`."""
    if keys:
        again = ~pl.struct(keys).is_first_distinct()
        say = "same " + ", ".join(f"{k} {{{k}}}" for k in keys if k != "STUDYID") + " as an earlier record"
        yield broken(name, frame, again, keys[-1], say)


@rule("CNF-111", "SDTM", "--SEQ is not a whole number, unique within the subject")
def sequence(data: Finished) -> Iterator[pl.DataFrame]:
    """SDTMIG 3.4, 4.1: --SEQ is unique within USUBJID."""
    for name, frame in data.domains():
        column = f"{name[:2]}SEQ"
        if column in frame.columns:
            yield from wrong_sequence(name, frame, column, "TSPARMCD" if name == "TS" else "USUBJID")


def wrong_sequence(name: str, frame: pl.DataFrame, column: str, within: str) -> Iterator[pl.DataFrame]:
    """Sequence numbers that are blank, below 1, not whole, or used twice `within`."""
    number = pl.col(column).cast(pl.Float64, strict=False)
    whole_number = number.is_not_null() & (number >= 1) & (number == number.floor())
    yield broken(name, frame, ~whole_number, column, f"{column} is {{{column}}}, not a whole number from 1")
    if within in frame.columns:
        twice = number.is_not_null() & ~pl.struct(within, column).is_first_distinct()
        yield broken(name, frame, twice, column, f"{column} {{{column}}} stands twice for {{{within}}}")


@rule("CNF-112", "SDTM", "A subject is not in DM", "DM")
def subject_without_dm(data: Finished) -> Iterator[pl.DataFrame]:
    """Every subject-level record has its DM record."""
    known = data.frames["DM"].get_column("USUBJID").drop_nulls().unique().to_list()
    for name, frame in data.subjects():
        missing = ~pl.col("USUBJID").is_in(known)
        yield broken(name, frame, missing, "USUBJID", "subject {USUBJID} has no record in DM")


@rule("CNF-113", "SDTM", "A subject has more than one DM record", "DM")
def subject_twice(data: Finished) -> Iterator[pl.DataFrame]:
    """One DM record a subject."""
    frame = data.frames["DM"]
    yield broken("DM", frame, ~pl.col("USUBJID").is_first_distinct(), "USUBJID", "{USUBJID} has another record in DM")


def _pairs(name: str, columns: Collection[str]) -> list[list[str]]:
    """The codes and names of a dataset."""
    test = f"{name[:2]}TESTCD"
    return [[code, label] for code, label in (*_PAIRS, (test, test[:-2])) if {code, label} <= set(columns)]


@rule("CNF-114", "SDTM", "A code and its name do not go together one to one", across=_pairs)
def pairs(data: Finished) -> Iterator[pl.DataFrame]:
    """--TESTCD and --TEST, ARMCD and ARM, QNAM and QLABEL: one code, one name, and the other way round."""
    for name, frame in data.frames.items():
        for code, label in _pairs(name, frame.columns):
            yield from not_one_to_one(name, frame, code, label)


def not_one_to_one(name: str, frame: pl.DataFrame, code: str, label: str, *within: str) -> Iterator[pl.DataFrame]:
    """The first record of every code that has a second name, and of every name that has a second code."""
    for one, other in ((code, label), (label, code)):
        distinct = frame.unique(subset=[*within, one, other], keep="first", maintain_order=True).filter(
            pl.col(one).is_not_null()
        )
        again = distinct.filter(~pl.struct(*within, one).is_first_distinct())
        yield broken(name, again, pl.lit(True), other, f"{one} {{{one}}} goes with {other} {{{other}}} here and with another elsewhere")  # fmt: skip


def _visits(name: str, columns: Collection[str]) -> list[list[str]]:
    return [["VISITNUM", "VISIT"]] if {"VISITNUM", "VISIT"} <= set(columns) else []


@rule("CNF-115", "SDTM", "A visit has two names or two numbers", severity=Severity.WARNING, across=_visits)
def visit_names(data: Finished) -> Iterator[pl.DataFrame]:
    """One VISITNUM, one VISIT, in every dataset and over all of them (unscheduled visits by their number)."""
    frames = [
        f.select(pl.lit(n).alias("_dataset"), "_row", "USUBJID", pl.col("VISITNUM").cast(pl.Float64), "VISIT")
        for n, f in data.subjects()
        if {"VISITNUM", "VISIT"} <= set(f.columns)
    ]
    if not frames:
        return
    united = pl.concat(frames).drop_nulls(["VISITNUM", "VISIT"])
    seen = united.unique(subset=["VISITNUM", "VISIT"], keep="first", maintain_order=True)
    again = seen.filter(~pl.col("VISITNUM").is_first_distinct() | ~pl.col("VISIT").is_first_distinct())
    for name, part in again.partition_by("_dataset", as_dict=True, maintain_order=True).items():
        yield broken(str(name[0]), part, pl.lit(True), "VISIT", "VISITNUM {VISITNUM} is {VISIT} here and something else elsewhere")  # fmt: skip
