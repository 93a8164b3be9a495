"""Planned visits per subject: the schedule of the study file laid on the subject's own reference dates."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from cdiscx.model.spec import Study, Visit
from cdiscx.model.table import RunContext
from cdiscx.registry import view
from cdiscx.views.imaging_plan import anchors_of, days_after, origin, planned_day, point
from cdiscx.views.planned_cycles import cycles, doses_of

#: columns of the view
SHAPE: dict[str, pl.DataType | type[pl.DataType]] = {
    "SUBJID": pl.String, "VISIT": pl.String, "VISITNUM": pl.Float64, "SERIES": pl.String, "N": pl.Int32, "BLOCK": pl.String,
    "ANCHOR": pl.String, "ANCHORTXT": pl.String, "ADATE": pl.Date, "ADATE_RID": pl.UInt32, "TARGET": pl.Date,
    "LO": pl.Date, "HI": pl.Date, "DUE": pl.Date, "EXPECTED": pl.Boolean, "UNTIL": pl.Date,
}  # fmt: skip
#: numbers of a series beyond this are typing errors, not plans
_MOST = 400


@view(
    "planned",
    of=("anchors", "ends", "subjects", "visits", "visits.VISDAT", "visits.VISDONE", "dosing", "dosing.EXSTDAT", "dosing.EXTRT",
        "dosing.EXDOSE", "dosing.EXCHG", "disposition", "disposition.DSDAT", "disposition.DSSCOPE", "disposition.DSTRT",
        "decision", "decision.DECDAT", "decision.BRANCH"),
    requires=("subjects",),
)  # fmt: skip
def planned(study: Study, run: RunContext, tables: Mapping[str, pl.LazyFrame]) -> pl.LazyFrame:
    """One row per subject and planned visit that applies; visits without their anchor have no row.

    VISIT, VISITNUM, BLOCK; SERIES and N of numbered visits; ANCHOR (name), ANCHORTXT (words), ADATE, ADATE_RID (its row);
    TARGET, LO, HI (Dates, edges allowed; null: no window of its own, as for the first cycle after surgery); DUE: the day
    by which it should be there (HI, or the dose or cycle that shows it was left out); EXPECTED: its absence counts;
    UNTIL: not expected from that day on (end of treatment). Death, withdrawal and study end are in `ends`, not here.
    Source: study file `schedule` and `assessments`; catalogue VIS-001, VIS-002, rulings 15.7 and 15.18.
    """
    base = tables["anchors"].join(tables["ends"].select("SUBJID", "TRTEND"), on="SUBJID", how="left")
    has = set(base.collect_schema().names())
    pieces = [pl.LazyFrame(schema=SHAPE)]
    for visit in study.schedule:
        if visit.repeat == "assessment":
            made = _assessments(study, visit, base, tables, run) if _can_count(study, visit, has) else None
        elif visit.anchor not in has or (visit.needs is not None and visit.needs not in has):
            made = None
        elif visit.repeat == "follow-up":
            made = _follow_up(study, visit, visit.every, base, tables, run) if visit.every else None
        elif visit.repeat == "dose":
            made = cycles(study, visit, base, tables, recorded(visit, tables))
        else:
            made = _fixed(study, visit, base, tables)
        if made is not None:
            pieces.append(_shaped(study, visit, made))
    return pl.concat(pieces).sort("SUBJID", "VISITNUM", "VISIT")


def offsets(visit: Visit) -> tuple[int | None, int, int]:
    """Days after the anchor: target (None for a range), first and last allowed day."""
    if visit.from_ is not None and visit.to is not None:
        return visit.target, visit.from_, visit.to
    target, width = visit.target or 0, visit.window or 0
    early = visit.before if visit.before is not None else width
    late = visit.after if visit.after is not None else width
    return target, target - early, target + late


def recorded(visit: Visit, tables: Mapping[str, pl.LazyFrame]) -> pl.LazyFrame:
    """Rows of Visits that belong to a numbered series: SUBJID, N (i32), VISDAT (null where not done), `_rid`."""
    if "visits" not in tables:
        return pl.LazyFrame(schema={"SUBJID": pl.String, "N": pl.Int32, "VISDAT": pl.Date, "_rid": pl.UInt32})
    number = pl.col("VISIT").str.extract(f"^{visit.name} 0*([1-9][0-9]{{0,2}})$").cast(pl.Int32)
    rows = tables["visits"].with_columns(N=number).filter(pl.col("N") <= _MOST, pl.col("SUBJID").is_not_null())
    taken_place = pl.when(pl.col("VISDONE").fill_null("Y") != "N").then("VISDAT")
    return rows.select("SUBJID", "N", VISDAT=taken_place, _rid="_rid")


def _shaped(study: Study, visit: Visit, made: pl.LazyFrame) -> pl.LazyFrame:
    """The view's columns from whatever a kind of visit made of them."""
    anchor = study.anchors.get(visit.anchor)
    made = made.with_columns(BLOCK=pl.lit(visit.block))
    has = made.collect_schema().names()
    if visit.repeat:
        made = made.with_columns(
            SERIES=pl.lit(visit.name),
            VISIT=pl.lit(f"{visit.name} ") + pl.col("N").cast(pl.String),
            VISITNUM=visit.num - 1 + pl.col("N"),
        )
    else:
        made = made.with_columns(
            SERIES=pl.lit(None), N=pl.lit(None), VISIT=pl.lit(visit.name), VISITNUM=pl.lit(visit.num)
        )
    if "ANCHOR" not in has:
        made = made.with_columns(
            ANCHOR=pl.lit(visit.anchor), ANCHORTXT=pl.lit(anchor.label if anchor else visit.anchor)
        )
    for name in ("TARGET", "UNTIL"):
        made = made if name in has else made.with_columns(pl.lit(None).alias(name))
    made = made if "DUE" in has else made.with_columns(DUE="HI")
    return made.select(pl.col(name).cast(dtype) for name, dtype in SHAPE.items())


def _fixed(study: Study, visit: Visit, base: pl.LazyFrame, tables: Mapping[str, pl.LazyFrame]) -> pl.LazyFrame:
    """A visit with one window after its anchor."""
    target, early, late = offsets(visit)
    rows = base.filter(pl.col(visit.anchor).is_not_null())
    if visit.needs is not None:
        rows = rows.filter(pl.col(visit.needs).is_not_null())
    rows = rows.with_columns(ADATE=visit.anchor, ADATE_RID=f"{visit.anchor}_RID", _shift=pl.lit(0))
    rows = _moved(study, visit, rows, tables)
    ended = pl.col("TRTEND") <= days_after(pl.col("ADATE"), late)
    moving = bool(study.anchors[visit.anchor].none_if)
    stays = visit.needs is None and not moving and visit.block == "main"
    day = pl.col("ADATE")
    return rows.with_columns(
        TARGET=pl.lit(None, dtype=pl.Date) if target is None else days_after(day, target - pl.col("_shift")),
        LO=days_after(day, early - pl.col("_shift")),
        HI=days_after(day, late - pl.col("_shift")),
        # the last dose is final only when somebody said that treatment has ended, and not long after it
        EXPECTED=ended.fill_null(False) if moving else pl.lit(True),
        # visits of the treatment period are not held after its end; those after surgery are
        UNTIL=pl.col("TRTEND") if stays else pl.lit(None, dtype=pl.Date),
    )


def _moved(study: Study, visit: Visit, rows: pl.LazyFrame, tables: Mapping[str, pl.LazyFrame]) -> pl.LazyFrame:
    """Anchor moved to the previous actual dose where that dose was delayed beyond its own window (VIS-001).

    Only for visits planned a whole number of dosing intervals after the first dose of a drug.
    """
    drug = _drug_of(study, visit.anchor)
    every = study.regimens[drug].interval if drug else None
    if (
        drug is None
        or not every
        or not visit.target
        or visit.target % every
        or visit.target // every < 2
        or "dosing" not in tables
    ):
        return rows
    doses = doses_of(tables["dosing"], drug).filter(pl.col("I") == visit.target // every)
    late = pl.col("EXSTDAT") - pl.col(visit.anchor)
    plan = visit.target - every
    delayed = (
        late.dt.total_days().is_between(plan + (visit.window or 0), plan + every // 2, closed="right").fill_null(False)
    )
    rows = rows.join(doses.select("SUBJID", "EXSTDAT", DOSE_RID="DOSE_RID"), on="SUBJID", how="left")
    return rows.with_columns(
        ADATE=pl.when(delayed).then("EXSTDAT").otherwise("ADATE"),
        ADATE_RID=pl.when(delayed).then("DOSE_RID").otherwise("ADATE_RID"),
        _shift=pl.when(delayed).then(plan).otherwise(0),
        ANCHOR=pl.lit(visit.anchor),
        ANCHORTXT=pl.when(delayed)
        .then(pl.lit(f"previous {drug.lower()}"))
        .otherwise(pl.lit(study.anchors[visit.anchor].label)),
    )


def _drug_of(study: Study, anchor: str) -> str | None:
    """The drug whose first dose an anchor is, if it is that."""
    found = study.anchors[anchor]
    if found.take != "first" or len(found.sources) != 1 or found.sources[0].of != "dosing.EXSTDAT":
        return None
    drugs = found.sources[0].where.get("EXTRT", ())
    return drugs[0] if len(drugs) == 1 and drugs[0] in study.regimens else None


def _can_count(study: Study, visit: Visit, has: set[str]) -> bool:
    plan = study.assessments
    return plan is not None and plan.visit == visit.name and all(a in has for a in anchors_of(plan))


def _numbers(visit: Visit, last: pl.Expr, rows: pl.LazyFrame, tables: Mapping[str, pl.LazyFrame]) -> pl.LazyFrame:
    """Each row with every number N that is planned (1 .. `last`) or recorded."""
    due = (
        rows.with_columns(N=pl.int_ranges(1, last.clip(0, _MOST).fill_null(0) + 1, dtype=pl.Int32))
        .explode("N")
        .drop_nulls("N")
    )
    known = recorded(visit, tables).select("SUBJID", "N").unique()
    return pl.concat([due, rows.join(known, on="SUBJID", how="inner")]).unique(
        ["SUBJID", "N"], keep="first", maintain_order=True
    )


def _follow_up(
    study: Study, visit: Visit, every: int, base: pl.LazyFrame, tables: Mapping[str, pl.LazyFrame], run: RunContext
) -> pl.LazyFrame:
    """Visits every so many days after the anchor, which is final once treatment has ended."""
    width = visit.window or 0
    rows = base.filter(pl.col(visit.anchor).is_not_null()).with_columns(
        ADATE=visit.anchor, ADATE_RID=f"{visit.anchor}_RID"
    )
    left = (pl.lit(run.cutoff) - pl.col("ADATE")).dt.total_days() + width
    rows = _numbers(visit, left // every, rows, tables)
    rows = rows.with_columns(TARGET=days_after(pl.col("ADATE"), pl.col("N").cast(pl.Int64) * every))
    rows = rows.with_columns(LO=days_after(pl.col("TARGET"), -width), HI=days_after(pl.col("TARGET"), width))
    moving = bool(study.anchors[visit.anchor].none_if)
    return rows.with_columns(EXPECTED=(pl.col("TRTEND") <= pl.col("HI")).fill_null(False) if moving else pl.lit(True))


def _assessments(
    study: Study, visit: Visit, base: pl.LazyFrame, tables: Mapping[str, pl.LazyFrame], run: RunContext
) -> pl.LazyFrame:
    """The numbered tumour assessments; after a restart (surgery) numbers go on, days count from the new origin."""
    plan = study.assessments
    assert plan is not None
    restart = pl.col(plan.restart_at) if plan.restart_at else pl.lit(None, dtype=pl.Date)
    own = base.with_columns(_restart=restart, _early=origin(plan, restarted=False), _late=origin(plan, restarted=True))
    known = recorded(visit, tables).join(own, on="SUBJID", how="inner")
    # a date typed a year too early must not shift the numbers: only assessments near their day before surgery count
    days = (pl.col("VISDAT") - planned_day(plan, pl.col("_early"), pl.col("N").cast(pl.Int64))).dt.total_days().abs()
    near = (pl.col("VISDAT") < pl.col("_restart")) & (days <= plan.phases[0].every // 2)
    done = known.filter(near).group_by("SUBJID").agg(_done=pl.col("N").max())
    own = own.join(done, on="SUBJID", how="left").with_columns(pl.col("_done").fill_null(0))
    width = plan.phases[-1].window
    reach = pl.coalesce(pl.when(pl.col("_restart").is_not_null()).then("_late").otherwise("_early"), "_early")
    shortest = min(p.every for p in plan.phases)
    last = (pl.lit(run.cutoff) - reach).dt.total_days() // shortest + 1 + pl.col("_done")
    rows = _numbers(visit, last, own, tables)
    first = pl.col("_restart").is_null() | (pl.col("N") <= pl.col("_done"))
    rows = rows.with_columns(_first=first, _start=pl.when(first).then("_early").otherwise("_late"))
    number = pl.col("N").cast(pl.Int64) - pl.when("_first").then(0).otherwise("_done")
    rows = rows.with_columns(TARGET=planned_day(plan, pl.col("_start"), number)).drop_nulls("TARGET")
    rows = rows.with_columns(LO=days_after(pl.col("TARGET"), -width), HI=days_after(pl.col("TARGET"), width))
    beyond = (pl.col("TARGET") > point(plan.last)).fill_null(False) if plan.last else pl.lit(False)
    return _named_origin(study, rows).with_columns(EXPECTED=~beyond)


def _named_origin(study: Study, rows: pl.LazyFrame) -> pl.LazyFrame:
    """ANCHOR, ANCHORTXT, ADATE, ADATE_RID of the anchor that the assessments count from."""
    plan = study.assessments
    assert plan is not None
    name: pl.Expr = pl.lit(None, dtype=pl.String)
    text, date, rid = name, pl.lit(None, dtype=pl.Date), pl.lit(None, dtype=pl.UInt32)
    for at in reversed(plan.origins):
        label = study.anchors[at.anchor].label
        counts = pl.col(at.anchor).is_not_null() & (pl.col("_first") != pl.lit(at.anchor == plan.restart_at))
        name = pl.when(counts).then(pl.lit(at.anchor)).otherwise(name)
        text = pl.when(counts).then(pl.lit(f"{label} + {at.offset} days")).otherwise(text)
        date = pl.when(counts).then(at.anchor).otherwise(date)
        rid = pl.when(counts).then(f"{at.anchor}_RID").otherwise(rid)
    return rows.with_columns(ANCHOR=name, ANCHORTXT=text, ADATE=date, ADATE_RID=rid)
