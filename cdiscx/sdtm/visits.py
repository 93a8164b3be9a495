"""Visit names of the rows in; VISIT, VISITNUM and VISITDY out, numbered as everywhere in the run (sdtm-mapping 2.11)."""

from __future__ import annotations

import polars as pl

from cdiscx.registry import algorithm
from cdiscx.sdtm.here import Here
from cdiscx.sdtm.visit_plan import visit_plan


@algorithm("visit")
def visit(here: Here, column: str) -> pl.Expr:
    """VISIT of the schedule, with VISITNUM and VISITDY beside it; what nobody planned is UNSCHEDULED n.n."""
    here.collected_by_site()
    here.col(column)
    if not here.has(column):
        return pl.lit(None, pl.String)
    numbers = here.run.visits.rename({"VISIT": column})
    name, number, day = here.lookups(numbers, ["SUBJID", column], ["NAME", "VISITNUM", "VISITDY"])
    here.more |= {"VISITNUM": number, "VISITDY": day}
    return name


@algorithm("baseline_visit")
def baseline_visit(here: Here, _: bool) -> pl.Expr:
    """The visit that the schedule marks as baseline, for rows that name none."""
    name = next((v.name for v in here.study.schedule if v.baseline), None)
    plan = visit_plan(here.run.data).filter(pl.col("VISIT") == (name or ""))
    here.more["VISITNUM"] = pl.lit(plan.get_column("VISITNUM").first(), pl.Float64)
    here.more["VISITDY"] = pl.lit(plan.get_column("VISITDY").first(), pl.Int64)
    return pl.lit(name, pl.String)
