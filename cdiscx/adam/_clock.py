"""One time-to-event endpoint being measured: its subjects with their start, the readings that count, and what sources return."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import polars as pl

from cdiscx import registry
from cdiscx.adam._context import Context
from cdiscx.adam._readings import ResponseSource
from cdiscx.model.spec import Endpoint

#: what a source says of a subject: when, what happened, and which record says so
EVENT = ("USUBJID", "ADT", "EVNTDESC", "SRCDOM", "SRCVAR", "SRCSEQ", "_from")
CENSORED = (*EVENT, "CNSR", "CNSDTDSC")


@dataclass(frozen=True, slots=True)
class Clock:
    """`subjects`: ADSL of the population with STARTDT (not null), STARTDTF and where it came from (`_dom`, `_var`, `_seq`, and
    `_from`: the records of the start; those of another variable: `decided_by`).

    `readings`: USUBJID, ADT, RESP, PD, EVALUABLE, ASEQ, STARTDT and `_r` (row of `responses`) of the analysis readings on or
    after the start, those of a subject in the order of their dates; `sourced` adds their lineage.
    `responses`: what endpoints read of ADRS (`_tte.counted`). `_who`, the subject's row in ADSL, is in all of them.
    `source`: whose responses count.
    """

    ctx: Context
    name: str
    endpoint: Endpoint
    subjects: pl.DataFrame
    readings: pl.DataFrame
    responses: pl.DataFrame
    source: ResponseSource

    def sourced(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Readings with `_from`, the records that they rest on."""
        return rows.with_columns(_from=self.responses["_from"][rows["_r"]])

    def option(self, name: str, default: object = None) -> object:
        """A switch of the endpoint."""
        return self.endpoint.options.get(name, default)


@dataclass(frozen=True, slots=True)
class EventSource:
    """A named event: whose date of which dataset and variable it is; `rows` finds it (at most one a subject)."""

    name: str
    domain: str
    variable: str
    text: str
    rows: Callable[[Clock], pl.DataFrame]

    def __call__(self, clock: Clock) -> pl.DataFrame:
        found = self.rows(clock).with_columns(SRCDOM=pl.lit(self.domain), SRCVAR=pl.lit(self.variable))
        return _shaped(found, EVENT)


@dataclass(frozen=True, slots=True)
class CensorSource:
    """A named censoring rule: the code it gives and the text; `rows` finds the subjects it applies to.

    `rows` is given the clock and one row a subject with `EVDT`, the date of the first event, and `EVDOM`, its dataset (null
    without one).
    """

    name: str
    code: int
    text: str
    rows: Callable[[Clock, pl.DataFrame], pl.DataFrame]

    def __call__(self, clock: Clock, first: pl.DataFrame) -> pl.DataFrame:
        return _shaped(self.rows(clock, first).with_columns(CNSR=pl.lit(self.code, dtype=pl.Int64)), CENSORED)


def event(name: str, domain: str, variable: str) -> Callable[[Callable[[Clock], pl.DataFrame]], EventSource]:
    """Registers an event that study files may name; the function returns USUBJID, ADT, EVNTDESC, SRCSEQ and `_from`."""

    def register(function: Callable[[Clock], pl.DataFrame]) -> EventSource:
        source = EventSource(name, domain, variable, _first_line(function), function)
        registry.event_source(name)(source)
        return source

    return register


def censoring(name: str, code: int) -> Callable[[Callable[[Clock, pl.DataFrame], pl.DataFrame]], CensorSource]:
    """Registers a censoring rule that study files may name; the function returns the columns of CENSORED but CNSR."""

    def register(function: Callable[[Clock, pl.DataFrame], pl.DataFrame]) -> CensorSource:
        source = CensorSource(name, code, _first_line(function), function)
        registry.censor_source(name)(source)
        return source

    return register


def _first_line(function: Callable[..., object]) -> str:
    return (function.__doc__ or "").strip().partition("\n")[0]


_SHAPE: dict[str, pl.DataType] = {
    "USUBJID": pl.String(), "ADT": pl.Date(), "EVNTDESC": pl.String(), "SRCDOM": pl.String(), "SRCVAR": pl.String(),
    "SRCSEQ": pl.Float64(), "_from": pl.List(pl.UInt32()), "CNSR": pl.Int64(), "CNSDTDSC": pl.String(),
}  # fmt: skip


def _shaped(frame: pl.DataFrame, columns: tuple[str, ...]) -> pl.DataFrame:
    return frame.select((pl.col(c) if c in frame.columns else pl.lit(None)).cast(_SHAPE[c]).alias(c) for c in columns)


def decided_by(subjects: pl.DataFrame, *variables: str) -> pl.Expr:
    """`_from` of the first of these variables of ADSL that keeps the records it rests on; that of the whole subject without one."""
    return pl.coalesce(*(f"_from:{v}" for v in variables if f"_from:{v}" in subjects.columns), "_from")


def nobody(columns: tuple[str, ...] = CENSORED) -> pl.DataFrame:
    """No subject."""
    return pl.DataFrame(schema={c: _SHAPE[c] for c in columns})
