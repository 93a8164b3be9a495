"""Endpoints of the study file and ADRS in; one time-to-event record per subject and parameter out (adam-derivations 6)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import cast

import polars as pl

from cdiscx import registry
from cdiscx.adam._clock import CENSORED, EVENT, CensorSource, Clock, EventSource, decided_by, nobody
from cdiscx.adam._context import Context
from cdiscx.adam._readings import ResponseSource
from cdiscx.model.errors import SpecError
from cdiscx.model.spec import Endpoint
from cdiscx.standards.dates import duration_days, months

TIME = ("PARAMCD", "PARAM", *CENSORED, "STARTDT", "STARTDTF", "AVAL", "AVALM")
_READINGS = ("OVR", "DOVR", "POSTBASE")
_FAR = 1 << 23
"""More days than any date is away from 1970, in whole numbers."""
#: residual tumour that a `population_rule` lets into the population of an endpoint after surgery
_RESIDUAL = {"R0": ["R0"], "R0_R1": ["R0", "R1"]}


def timed_endpoints(ctx: Context) -> Iterator[tuple[str, Endpoint]]:
    """The time-to-event endpoints of the study file, in its order."""
    return ((n, e) for n, e in ctx.study.endpoints.items() if e.kind == "time_to_event")


def derive_param_tte(
    ctx: Context, name: str, endpoint: Endpoint, responses: pl.DataFrame, source: ResponseSource
) -> pl.DataFrame:
    """The records of one endpoint: USUBJID and the columns of TIME; none where its start is not held by ADSL.

    `responses`: of ADRS what `counted` gives. The earliest event counts, of two on
    one day the one the endpoint names first; the first censoring rule that applies to a subject comes before it.
    """
    registry.discover("cdiscx.adam")
    subjects = _subjects(ctx, endpoint, responses)
    clock = Clock(ctx, name, endpoint, subjects, _readings(endpoint, subjects, responses), responses, source)
    events = _first_events(clock)
    first = subjects.select("_who", "USUBJID", "STARTDT").join(
        events.select("USUBJID", EVDT="ADT", EVDOM="SRCDOM"), on="USUBJID", how="left", maintain_order="left"
    )
    censored = _first_rules(clock, first)
    happened = events.join(censored, on="USUBJID", how="anti", maintain_order="left").with_columns(
        CNSR=pl.lit(0, dtype=pl.Int64), CNSDTDSC=pl.lit(None, dtype=pl.String)
    )
    both = pl.concat([happened.select(CENSORED), censored.select(CENSORED)])
    start = subjects.select("USUBJID", "STARTDT", "STARTDTF")
    days = duration_days(pl.col("STARTDT"), pl.col("ADT")).cast(pl.Float64)
    return (
        start.join(both, on="USUBJID", how="inner", maintain_order="left")
        .with_columns(ADT=pl.max_horizontal("ADT", "STARTDT"))
        .with_columns(PARAMCD=pl.lit(name), PARAM=pl.lit(endpoint.label), AVAL=days, AVALM=months(days))
        .select(TIME)
    )


def literal_reading(name: str, endpoint: Endpoint, rows: pl.DataFrame) -> pl.DataFrame | None:
    """The endpoint as the registry text has it, last follow-up as an event: a parameter of its own (`last_followup_is`)."""
    if str(endpoint.options.get("last_followup_is", "CENSOR")) != "EVENT":
        return None
    ended = pl.col("CNSR") == 1
    return rows.with_columns(
        PARAMCD=pl.lit(f"{name}LIT"[:8]),
        PARAM=pl.lit(f"{endpoint.label}, Literal Definition"),
        EVNTDESC=pl.when(ended).then(pl.lit("LAST FOLLOW-UP (LITERAL DEFINITION)")).otherwise("EVNTDESC"),
        CNSDTDSC=pl.when(~ended).then("CNSDTDSC"),
        CNSR=pl.when(ended).then(0).otherwise("CNSR").cast(pl.Int64),
    )


def counted(ctx: Context, responses: pl.DataFrame) -> pl.DataFrame:
    """The rows and columns of ADRS that endpoints read: flagged readings and what is answered once a subject.

    `_who` is the subject's row in ADSL, `_ANL01FL` and `_ANL03FL` tell the flagged readings. Rows are in the order of subjects
    and dates (a blank date first), those of one day as they stood.
    """
    reading = pl.col("PARAMCD").is_in(list(_READINGS))
    unread = reading | pl.col("PARAMCD").is_in(["TRGR", "NTRGR", "NEWL", "DTRGR"])
    flags = {f: pl.col(f).is_not_null() for f in ("ANL01FL", "ANL03FL")}
    people = ctx.adsl.select("USUBJID").with_row_index("_who")
    # one whole number a subject and day, nearly in order already: sorted in a moment; the wide rows move once
    day = (pl.col("ADT").to_physical().cast(pl.Int64) + _FAR).fill_null(0)
    narrow = responses.select("USUBJID", "ADT", _read=pl.any_horizontal(flags.values()) | ~unread).with_row_index(
        "_row"
    )
    narrow = narrow.filter("_read").join(people, on="USUBJID", how="inner", maintain_order="left")
    order = narrow.sort(pl.col("_who").cast(pl.Int64) * (4 * _FAR) + day, maintain_order=True).select("_row", "_who")
    read = responses.select("USUBJID", "PARAMCD", "ADT", "AVALC", "ANL01FL", "ANL03FL", "ASEQ", "_from")[order["_row"]]
    flagged = ((reading & (pl.col(f) == "Y")).fill_null(False).alias(f"_{f}") for f in flags)
    return read.with_columns(order["_who"], *flagged).drop(*flags)


def events_of(endpoint: Endpoint) -> tuple[str, ...]:
    """Names of the events of an endpoint with those that its switches add."""
    added = (
        ("composite_progression",) if endpoint.options.get("composite_pd") else (),
        ("surgery_not_done",) if endpoint.options.get("no_surgery_is_event") else (),
    )
    return (*endpoint.events, *added[0], *added[1])


def _subjects(ctx: Context, endpoint: Endpoint, responses: pl.DataFrame) -> pl.DataFrame:
    """ADSL of the population with STARTDT, STARTDTF and where the start came from; nobody without a start is in it."""
    adsl = _members(ctx, endpoint, responses)
    start = endpoint.start or ""
    blank = pl.lit(None, dtype=pl.String)
    sources = registry.registered("start_source")
    if start in sources:
        find = cast("Callable[[str, pl.DataFrame], pl.DataFrame]", sources[start])
        found = find(endpoint.population, responses)
        adsl = adsl.drop("STARTDT", strict=False).join(found, on="USUBJID", how="inner", maintain_order="left")
        return adsl.with_columns(
            STARTDTF=blank,
            _dom=pl.lit("ADRS"),
            _var=pl.lit("ADT"),
            _seq=pl.col("_seq").cast(pl.Float64),
            _from="_sfrom",
        )
    anchor = ctx.study.anchors.get(start)
    if anchor is None:
        raise SpecError(f"study {ctx.study.id}: endpoint start '{start}' is no anchor and no registered start")
    name = anchor.adsl
    if name is None or name not in adsl.columns:
        return adsl.clear().with_columns(
            STARTDT=pl.lit(None, dtype=pl.Date),
            STARTDTF=blank,
            _dom=blank,
            _var=blank,
            _seq=pl.lit(None, dtype=pl.Float64),
        )
    imputed = pl.col(f"{name}F") if f"{name}F" in adsl.columns else blank
    return adsl.filter(pl.col(name).is_not_null()).with_columns(
        STARTDT=name, STARTDTF=imputed, _dom=pl.lit("ADSL"), _var=pl.lit(name), _seq=pl.lit(None, dtype=pl.Float64),
        _from=decided_by(adsl, name),
    )  # fmt: skip


def _members(ctx: Context, endpoint: Endpoint, responses: pl.DataFrame) -> pl.DataFrame:
    """ADSL of the subjects whose population flag is Y, or for whom the response parameter of that name is."""
    adsl, name = ctx.adsl.with_row_index("_who"), endpoint.population
    residual = _RESIDUAL.get(str(endpoint.options.get("population_rule", "")))
    if residual is not None:
        adsl = adsl.filter(pl.col("RSTAT").is_in(residual))
    if name in adsl.columns:
        return adsl.filter(pl.col(name) == "Y")
    met = responses.filter(pl.col("PARAMCD") == name, pl.col("AVALC") == "Y").select("USUBJID")
    return adsl.join(met, on="USUBJID", how="semi", maintain_order="left")


def _readings(endpoint: Endpoint, subjects: pl.DataFrame, responses: pl.DataFrame) -> pl.DataFrame:
    """The flagged readings of these subjects on or after their start; before surgery only where the endpoint says so."""
    flag = "_ANL03FL" if endpoint.options.get("after_surgery") else "_ANL01FL"
    rows = (
        responses.select("_who", "USUBJID", "PARAMCD", "ADT", "AVALC", "ASEQ", flag).with_row_index("_r").filter(flag)
    )
    rows = rows.select("_who", "USUBJID", "ADT", "ASEQ", "_r", again=pl.col("PARAMCD") == "POSTBASE", RESP="AVALC")
    said, date = pl.col("RESP"), pl.col("ADT")
    known = subjects.select("_who", "STARTDT", "SURGDT")
    early = (date < pl.col("SURGDT")).fill_null(True) | pl.lit(not endpoint.options.get("before_surgery"))
    return (
        rows.join(known, on="_who", how="inner", maintain_order="left")
        .filter(date >= pl.col("STARTDT"), early)
        .with_columns(PD=~pl.col("again") & (said == "PD"), EVALUABLE=pl.col("again") | (said != "NE"))
        .drop("again", "SURGDT")
    )


def _first_events(clock: Clock) -> pl.DataFrame:
    """The earliest event of each subject; on one day the event that the endpoint names first."""
    known = registry.registered("event_source")
    found = []
    for rank, name in enumerate(events_of(clock.endpoint)):
        if name not in known:
            raise SpecError(f"study {clock.ctx.study.id}: endpoint {clock.name} names the unknown event '{name}'")
        found.append(cast(EventSource, known[name])(clock).with_columns(_rank=pl.lit(rank)))
    if not found:
        return nobody(EVENT)
    ordered = pl.concat(found).filter(pl.col("ADT").is_not_null()).sort("ADT", "_rank", maintain_order=True)
    return ordered.unique("USUBJID", keep="first", maintain_order=True).drop("_rank")


def _first_rules(clock: Clock, first: pl.DataFrame) -> pl.DataFrame:
    """The first censoring rule that applies to each subject; without any rule for it, a subject is censored at the start."""
    known = registry.registered("censor_source")
    found = [nobody()]
    for name in clock.endpoint.censors:
        if name not in known:
            raise SpecError(f"study {clock.ctx.study.id}: endpoint {clock.name} names the unknown censoring '{name}'")
        decided = cast(CensorSource, known[name])(clock, first)
        found.append(decided)
        first = first.join(decided, on="USUBJID", how="anti", maintain_order="left")
    left = first.filter(pl.col("EVDT").is_null()).select("USUBJID")
    rest = left.join(clock.subjects, on="USUBJID", maintain_order="left").select(
        "USUBJID", ADT="STARTDT", EVNTDESC=pl.lit("NO EVENT"), SRCDOM="_dom", SRCVAR="_var", SRCSEQ="_seq", _from="_from",
        CNSR=pl.lit(1, dtype=pl.Int64), CNSDTDSC=pl.lit("START DATE"),
    )  # fmt: skip
    return pl.concat([*found, rest])
