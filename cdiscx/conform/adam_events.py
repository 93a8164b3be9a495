"""Rules of time-to-event datasets: one record a parameter, censoring and its words, durations, sources."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from cdiscx.conform.adam_structure import structure_of
from cdiscx.conform.adam_values import differs
from cdiscx.conform.finished import Finished
from cdiscx.conform.rules import broken, rule, whole
from cdiscx.standards.dates import DAYS_PER_MONTH


def _time_to_event(data: Finished) -> Iterator[tuple[str, pl.DataFrame]]:
    for name, frame in data.frames.items():
        if structure_of(name, frame) == "TTE":
            yield name, frame


@rule("CNF-230", "ADaM", "A subject has two records of one time-to-event parameter")
def one_record(data: Finished) -> Iterator[pl.DataFrame]:
    """One record per subject and PARAMCD."""
    for name, frame in _time_to_event(data):
        again = ~pl.struct("USUBJID", "PARAMCD").is_first_distinct()
        yield broken(name, frame, again, "PARAMCD", "a second {PARAMCD} record of the subject")


@rule("CNF-231", "ADaM", "Censoring and its description disagree")
def censoring(data: Finished) -> Iterator[pl.DataFrame]:
    """CNSR is 0 (event: EVNTDESC, no CNSDTDSC) or a positive whole number (censored: both descriptions)."""
    for name, frame in _time_to_event(data):
        number = pl.col("CNSR").cast(pl.Float64)
        bad = number.is_null() | (number < 0) | (number != number.floor())
        yield broken(name, frame, bad, "CNSR", "{PARAMCD}: CNSR is {CNSR}")
        for column in ("EVNTDESC", "CNSDTDSC"):
            if column not in frame.columns:
                yield whole(name, column, f"{name} has no {column}")
        if "EVNTDESC" in frame.columns:
            yield broken(name, frame, pl.col("EVNTDESC").is_null(), "EVNTDESC", "{PARAMCD}: CNSR {CNSR} without EVNTDESC")  # fmt: skip
        if "CNSDTDSC" in frame.columns:
            said = pl.col("CNSDTDSC").is_not_null()
            yield broken(name, frame, (number == 0) & said, "CNSDTDSC", "{PARAMCD}: an event with CNSDTDSC {CNSDTDSC}")
            yield broken(name, frame, (number > 0) & ~said, "CNSDTDSC", "{PARAMCD}: censored ({CNSR}) without CNSDTDSC")
        if "EVNTDESC" in frame.columns:
            both = frame.filter(number.is_not_null()).with_columns((number == 0).alias("_event"))
            mixed = pl.col("_event").n_unique().over("PARAMCD", "EVNTDESC") > 1
            first = both.filter(mixed).unique(["PARAMCD", "EVNTDESC"], keep="first", maintain_order=True)
            yield broken(name, first, pl.lit(True), "EVNTDESC", "{PARAMCD}: {EVNTDESC} is an event in one record and a censoring in another")  # fmt: skip


@rule("CNF-232", "ADaM", "A time to event is not the days from its start to its date")
def durations(data: Finished) -> Iterator[pl.DataFrame]:
    """ADT is not before STARTDT; AVAL = ADT - STARTDT + 1; AVALM = AVAL / 30.4375 (ADaM derivations 1.8)."""
    for name, frame in _time_to_event(data):
        if {"ADT", "STARTDT", "AVAL"} <= set(frame.columns):
            yield broken(name, frame, pl.col("ADT") < pl.col("STARTDT"), "ADT", "{PARAMCD}: ADT {ADT} is before STARTDT {STARTDT}")  # fmt: skip
            days = (pl.col("ADT") - pl.col("STARTDT")).dt.total_days() + 1
            checked = frame.with_columns(days.alias("_days"))
            wrong = pl.col("AVAL").is_null() | differs(
                pl.col("AVAL").cast(pl.Float64), pl.col("_days").cast(pl.Float64)
            )
            yield broken(name, checked, wrong, "AVAL", "{PARAMCD}: AVAL is {AVAL}, {STARTDT} to {ADT} are {_days} days")
        if {"AVAL", "AVALM"} <= set(frame.columns):
            wrong = differs(pl.col("AVALM").cast(pl.Float64), pl.col("AVAL").cast(pl.Float64) / DAYS_PER_MONTH)
            yield broken(name, frame, wrong, "AVALM", "{PARAMCD}: AVALM is {AVALM}, AVAL is {AVAL} days")


@rule("CNF-233", "ADaM", "The source of a time to event is not there")
def sources(data: Finished) -> Iterator[pl.DataFrame]:
    """SRCDOM and SRCVAR are filled together and exist; SRCSEQ finds a record of the subject there."""
    for name, frame in _time_to_event(data):
        if not {"SRCDOM", "SRCVAR"} <= set(frame.columns):
            yield whole(name, "SRCDOM", f"{name} has no SRCDOM and SRCVAR")
            continue
        half = pl.col("SRCDOM").is_null() | pl.col("SRCVAR").is_null()
        yield broken(name, frame, half, "SRCDOM", "{PARAMCD}: source is {SRCDOM}.{SRCVAR}")
        at_hand = {**data.source, **data.frames}
        for key, part in frame.partition_by("SRCDOM", "SRCVAR", as_dict=True, maintain_order=True).items():
            yield from _lost(name, part, str(key[0]), str(key[1]), at_hand.get(str(key[0])))


def _lost(
    name: str, part: pl.DataFrame, domain: str, variable: str, source: pl.DataFrame | None
) -> Iterator[pl.DataFrame]:
    if source is None:
        return
    if variable not in source.columns:
        yield broken(name, part.head(1), pl.lit(True), "SRCVAR", "{PARAMCD}: {SRCDOM} has no {SRCVAR}")
        return
    number = "ASEQ" if "ASEQ" in source.columns else f"{domain[:2]}SEQ"
    if "SRCSEQ" not in part.columns or number not in source.columns:
        return
    known = source.select("USUBJID", pl.col(number).cast(pl.Float64).alias("SRCSEQ"))
    told = part.drop_nulls("SRCSEQ").with_columns(pl.col("SRCSEQ").cast(pl.Float64))
    lost = told.join(known, on=["USUBJID", "SRCSEQ"], how="anti", maintain_order="left")
    yield broken(name, lost, pl.lit(True), "SRCSEQ", "{PARAMCD}: {SRCDOM} has no record {SRCSEQ} of the subject")


@rule("CNF-234", "ADaM", "A time to event lies after the death", "ADSL")
def after_death(data: Finished) -> Iterator[pl.DataFrame]:
    """Neither an event nor a censoring is later than DTHDT."""
    if not data.has("ADSL", "USUBJID", "DTHDT"):
        return
    deaths = data.frames["ADSL"].select("USUBJID", pl.col("DTHDT").alias("_death")).unique("USUBJID")
    for name, frame in _time_to_event(data):
        if "ADT" in frame.columns:
            dated = frame.join(deaths, on="USUBJID", how="left", maintain_order="left")
            yield broken(name, dated, pl.col("ADT") > pl.col("_death"), "ADT", "{PARAMCD}: ADT {ADT} is after the death on {_death}")  # fmt: skip
