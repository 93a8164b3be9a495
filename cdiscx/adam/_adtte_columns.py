"""The variables of ADTTE and what each parameter means, written from the endpoint of the study file."""

from __future__ import annotations

from typing import cast

import polars as pl

from cdiscx import registry
from cdiscx.adam._clock import CensorSource, EventSource
from cdiscx.adam._context import Context
from cdiscx.adam._finish import DATE_FLAG, Column
from cdiscx.adam._tte import events_of
from cdiscx.model.dataset import ValueLevel
from cdiscx.model.spec import Endpoint

#: sponsor codelist of CNSR
CENSORINGS = {
    "0": "Event",
    "1": "No event",
    "2": "No post-baseline assessment",
    "3": "New anti-cancer therapy before the event",
    "4": "Event after missed assessments",
}


def columns() -> tuple[Column, ...]:
    """Every variable of ADTTE after ADSL's core."""
    return (
        Column("PARAMCD", "Parameter Code", core="Req"),
        Column("PARAM", "Parameter", core="Req"),
        Column("STARTDT", "Time-to-Event Origin Date for Subject", "date", of=("ADSL.ENRLDT", "ADSL.TRTSDT", "ADSL.SURGDT", "ADSL.DIAGDT", "ADRS.ADT"), core="Perm", method="By parameter, see value level."),
        Column("STARTDTF", "Origin Date Imputation Flag", codelist=DATE_FLAG, core="Cond", method="D or M where the day or the month of the origin was imputed (DIAGDTF)."),
        Column("ADT", "Analysis Date", "date", of=("ADRS.ADT", "ADSL.DTHDT", "ADSL.LSTALVDT"), core="Cond", method="Date of the event, or of the censoring; never before STARTDT."),
        Column("ADY", "Analysis Relative Day", "integer", of=("ADSL.TRTSDT",), core="Perm", method="ADT - TRTSDT + 1 on or after TRTSDT, otherwise ADT - TRTSDT."),
        Column("AVAL", "Analysis Value", "integer", core="Req", method="ADT - STARTDT + 1, in days."),
        Column("AVALM", "Analysis Value (Months)", "float", method="AVAL / 30.4375, not rounded."),
        Column("CNSR", "Censor", "integer", core="Cond", method="; ".join(f"{k} {v}" for k, v in CENSORINGS.items()) + "."),
        Column("EVNTDESC", "Event or Censoring Description", core="Perm"),
        Column("CNSDTDSC", "Censor Date Description", core="Perm"),
        Column("SRCDOM", "Source Data", core="Perm"),
        Column("SRCVAR", "Source Variable", core="Perm"),
        Column("SRCSEQ", "Source Sequence Number", "integer", core="Perm"),
    )  # fmt: skip


def values(ctx: Context, frame: pl.DataFrame) -> tuple[ValueLevel, ...]:
    """Value-level metadata of STARTDT, ADT and AVAL per parameter that the dataset holds."""
    present = set(frame["PARAMCD"].unique().to_list())
    out = []
    for name, e in ctx.study.endpoints.items():
        for code in (name, f"{name}LIT"[:8]):
            if e.kind != "time_to_event" or code not in present:
                continue
            where = (("PARAMCD", "EQ", (code,)),)
            literal = " Last follow-up counts as an event." if code != name else ""
            out += [
                ValueLevel("STARTDT", where, e.label, "date", origin="Derived", source="Sponsor", method=_start(ctx, e)),
                ValueLevel("ADT", where, e.label, "date", origin="Derived", source="Sponsor", method=method(e) + literal),
                ValueLevel("AVAL", where, e.label, "integer", origin="Derived", source="Sponsor", method="ADT - STARTDT + 1, in days."),
            ]  # fmt: skip
    return tuple(out)


def _start(ctx: Context, e: Endpoint) -> str:
    anchor = ctx.study.anchors.get(e.start or "")
    if anchor is None:
        return "Date of the first CR or PR of responders."
    return f"ADSL.{anchor.adsl}: {anchor.label}."


def method(e: Endpoint) -> str:
    """The endpoint in words: events and censoring rules in their order."""
    events, rules = registry.registered("event_source"), registry.registered("censor_source")
    happened = [cast(EventSource, events[n]).text.rstrip(".") for n in events_of(e) if n in events]
    censored = [cast(CensorSource, rules[n]).text.rstrip(".") for n in e.censors if n in rules]
    switches = ", ".join(f"{k} {v}" for k, v in e.options.items() if isinstance(v, bool | int | str))
    text = f"Earliest of: {'; '.join(happened)}. Censoring, the first rule that applies: {'; '.join(censored)}."
    return f"{text} Population {e.population}." + (f" Switches: {switches}." if switches else "")
