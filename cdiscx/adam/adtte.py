"""ADTTE: every time-to-event endpoint of the study file, one record per subject and parameter (adam-derivations 6)."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from cdiscx import registry
from cdiscx.adam._adtte_columns import columns, values
from cdiscx.adam._context import Absent, Context, after
from cdiscx.adam._finish import finish
from cdiscx.adam._readings import ResponseSource, response_source
from cdiscx.adam._tte import counted, derive_param_tte, literal_reading, timed_endpoints
from cdiscx.model.dataset import Dataset
from cdiscx.standards.dates import study_day


@registry.dataset("ADTTE")
@after("ADSL", "ADRS")
def adtte(ctx: Context) -> Dataset | Absent:
    """Time-to-event analysis dataset, by the study's source of responses."""
    if "ADRS" not in ctx.made:
        return Absent("there is no ADRS")
    return derive_times(ctx, ctx.made["ADRS"].frame, response_source(ctx))


def derive_times(ctx: Context, responses: pl.DataFrame, source: ResponseSource) -> Dataset | Absent:
    """ADTTE from ADRS made under the same source of responses."""
    pieces: list[pl.DataFrame] = []
    starts: dict[str, tuple[str, ...]] = {}
    responses = counted(ctx, responses)
    for name, endpoint in timed_endpoints(ctx):
        rows = derive_param_tte(ctx, name, endpoint, responses, source)
        literal = literal_reading(name, endpoint, rows)
        pieces += [rows] if literal is None else [rows, literal]
        anchor = ctx.study.anchors.get(endpoint.start or "")
        origin = f"ADSL.{anchor.adsl}" if anchor is not None else "ADRS.ADT"
        codes = {code for piece in (rows, literal) if piece is not None for code in piece["PARAMCD"].unique()}
        starts |= {f"{code}/STARTDT": (origin,) for code in codes}
    if not pieces:
        return Absent("the study file has no time-to-event endpoint")
    frame = pl.concat(pieces).join(
        ctx.adsl.select("USUBJID", _start="TRTSDT"), on="USUBJID", how="left", maintain_order="left"
    )
    frame = frame.with_columns(ADY=study_day(pl.col("ADT"), pl.col("_start")))
    return finish(
        ctx, "ADTTE", frame, columns(), label="Time-to-Event Analysis Dataset", klass="BASIC DATA STRUCTURE",
        subclass="TIME-TO-EVENT", structure="One record per subject and parameter", keys=("STUDYID", "USUBJID", "PARAMCD"),
        sort=("PARAMCD",), values=values(ctx, frame), comment=_switches(ctx), origin=starts,
    )  # fmt: skip


def _switches(ctx: Context) -> str:
    """The active switches as one sentence for define.xml."""
    names = ("last_followup_is", "missed_assessment_rule", "efs_censor_date", "dfs_population", "efs_uses_composite_pd")
    said: Mapping[str, object] = {n: ctx.study.parameters[n] for n in names if n in ctx.study.parameters}
    words = ", ".join(f"{n} {str(v).upper() if isinstance(v, bool) else v}" for n, v in said.items())
    text = f"Active switches: {words}; data cut-off {ctx.cutoff.isoformat()}."
    if said.get("last_followup_is") == "EVENT":
        text += " Parameters ending in LIT read the last follow-up as an event, as the registry text says: not for inference."
    return text
