"""Event-free at a landmark: answered from the endpoint itself (adam-derivations 5, EFS1Y)."""

from __future__ import annotations

import polars as pl

from cdiscx.adam._best import row
from cdiscx.adam._context import Context
from cdiscx.adam._readings import people, response_source
from cdiscx.adam._tte import counted, derive_param_tte


def derive_param_event_free(ctx: Context, responses: pl.DataFrame) -> list[pl.DataFrame]:
    """One row a subject: N with an event up to the day, Y without one until then, null where nobody knows."""
    out = []
    for name, e in ctx.study.endpoints.items():
        of = ctx.study.endpoints.get(str(e.options.get("of", "")))
        if of is None or of.kind != "time_to_event" or "days" not in e.options:
            continue
        days = int(e.options["days"])
        known = counted(ctx, responses.with_columns(ASEQ=pl.lit(None, dtype=pl.Int64)))
        rows = derive_param_tte(ctx, str(e.options["of"]), of, known, response_source(ctx))
        event, time = pl.col("CNSR") == 0, pl.col("AVAL")
        answer = (
            pl.when(event & (time <= days)).then(pl.lit("N"))
            .when((time > days) | (~event & (time == days))).then(pl.lit("Y"))
        )  # fmt: skip
        numbers = people(ctx).select("SUBJID", "USUBJID")
        rows = rows.join(numbers, on="USUBJID", maintain_order="left")
        piece = rows.select(*row(name, answer, date=pl.col("ADT")), "_from")
        piece = piece.with_columns(
            AVALCAT1=pl.when(pl.col("AVALC").is_null()).then(pl.lit("NOT EVALUABLE")),
            SRCDOM=pl.lit("ADTTE"), SRCVAR=pl.lit("AVAL"),
        )  # fmt: skip
        out.append(piece)
    return out
