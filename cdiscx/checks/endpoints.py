"""Endpoints that cannot be derived, or only by a rule: END-001, END-002, END-013, END-015."""

from __future__ import annotations

import polars as pl

from cdiscx.checks._shape import RELATED, nothing, union
from cdiscx.checks._words import said
from cdiscx.model.spec import Endpoint, Study
from cdiscx.model.table import RunContext
from cdiscx.registry import check
from cdiscx.views.imaging_plan import anchors_of, days_after, gap_limit

_NO_ROW = pl.lit(None, dtype=pl.UInt32).alias("_rid")
_NO_DATE = pl.lit(None, dtype=pl.Date)
_AFTER_BASELINE = ("POST-BASELINE", "POST-OPERATIVE BASELINE")


def _investigator(assessments: pl.LazyFrame) -> pl.LazyFrame:
    """The endpoints rest on the investigator's reading; readers are never mixed."""
    return assessments.filter(pl.col("EVAL") == "INVESTIGATOR")


def _cell(rid: str, column: str | None) -> pl.Expr:
    cell = pl.struct(pl.col(rid).cast(pl.UInt32).alias("rid"), pl.lit(column, dtype=pl.String).alias("column"))
    return pl.concat_list(cell).cast(RELATED).alias("_related")


# --- END-001 --------------------------------------------------------------------------------------------------------


@check(
    "END-001",
    on="subjects",
    needs=("anchors", "timepoints", "assessments", "ends"),
    uses=("dated_progression",),
    silenced_by=("targets.TRDAT", "nontargets.TRDAT", "responses.OVRLRESP", "responses.RSDAT", "dosing.EXSTDAT", "targets.LDIAM",
                 "targets.SAXIS", "targets.VDIAM", "targets.TRSTATUS"),
)  # fmt: skip
def primary_endpoint_not_derivable(
    study: Study, run: RunContext, subjects: pl.LazyFrame, anchors: pl.LazyFrame, timepoints: pl.LazyFrame,
    assessments: pl.LazyFrame, ends: pl.LazyFrame, dated_progression: pl.LazyFrame,
) -> pl.LazyFrame:  # fmt: skip
    """{param} for {SUBJID} cannot be derived: missing {what}; counted as {fallback}.

    Why: this is the primary endpoint of the study.
    Fix: Ask the site for what is missing.
    Rule: END-001; a missing reference date is END-004, a missing scan in the response window VIS-006; not due before the
    window closes; a window that death, withdrawal or progression cut short is not asked for
    """
    listed = subjects.select("SUBJID").drop_nulls().unique()
    rows = anchors.join(listed, on="SUBJID", how="semi").join(ends.select("SUBJID", "ENDDAT"), on="SUBJID", how="left")
    rows = rows.join(dated_progression.select("SUBJID", "PDDAT"), on="SUBJID", how="left")
    base = _investigator(timepoints).filter(pl.col("ROLE") == "BASELINE")
    points = _investigator(assessments).filter(pl.col("ROLE").is_in(list(_AFTER_BASELINE)))
    pieces = []
    for name, endpoint in study.endpoints.items():
        start = endpoint.start
        if not endpoint.primary or start is None or start not in study.anchors:
            continue
        asked = rows.filter(pl.col(start).is_not_null()).with_columns(start=pl.col(start))
        by_window = "target_days" in endpoint.options
        made = (
            _no_response(study, run, endpoint, asked, base, points)
            if by_window
            else _no_baseline(study, run, asked, base)
        )
        pieces.append(made.with_columns(param=pl.lit(name), _key=pl.lit(name)))
    return union(pieces).with_columns(_NO_ROW) if pieces else nothing()


def _no_response(
    study: Study, run: RunContext, endpoint: Endpoint, asked: pl.LazyFrame, base: pl.LazyFrame, points: pl.LazyFrame
) -> pl.LazyFrame:
    """A response in a window: the baseline sum and one evaluable assessment inside."""
    middle, width = int(endpoint.options["target_days"]), int(endpoint.options["window_days"])
    start = pl.col("start")
    rows = asked.with_columns(LO=days_after(start, middle - width), HI=days_after(start, middle + width)).filter(
        pl.col("HI") < run.cutoff
    )
    sums = (
        base.filter(pl.col("BASE").is_not_null() | pl.col("SUM").is_not_null())
        .select("SUBJID", _sum=pl.lit(True))
        .unique()
    )
    seen = points.filter(pl.col("EVALUABLE")).join(rows.select("SUBJID", "LO", "HI"), on="SUBJID", how="inner")
    seen = (
        seen.filter(pl.col("DAT").is_between(pl.col("LO"), pl.col("HI"))).select("SUBJID", _seen=pl.lit(True)).unique()
    )
    rows = rows.join(sums, on="SUBJID", how="left").join(seen, on="SUBJID", how="left")
    # dead, gone or progressed before the window closed: not responding is known, nothing is missing
    settled = ((pl.col("ENDDAT") <= pl.col("HI")) | (pl.col("PDDAT") < pl.col("LO"))).fill_null(False)
    no_sum, unseen = pl.col("_sum").is_null(), pl.col("_seen").is_null()
    span = said("an evaluable assessment from ", pl.col("LO"), " to ", pl.col("HI"))
    what = (
        pl.when(no_sum & unseen).then(said("the baseline sum of target lesions and ", span))
        .when(no_sum).then(pl.lit("the baseline sum of target lesions"))
        .otherwise(span)
    )  # fmt: skip
    left_out = str(endpoint.options.get("population_rule", "")) == "EVALUABLE"
    return rows.filter(no_sum | unseen, ~settled).select(
        "SUBJID", what=what, fallback=pl.lit("not evaluable and left out of the rate" if left_out else "non-responder"),
        _table=pl.when(no_sum).then(pl.lit("targets")).otherwise(pl.lit("responses")),
        _column=pl.when(no_sum).then(pl.lit("LDIAM")).otherwise(pl.lit("OVRLRESP")),
    )  # fmt: skip


def _no_baseline(study: Study, run: RunContext, asked: pl.LazyFrame, base: pl.LazyFrame) -> pl.LazyFrame:
    """A time to an event: a baseline assessment against which progression is judged."""
    due = days_after(pl.col("start"), int(study.p("vis_grace_days")))
    rows = asked.filter(due < run.cutoff, (pl.col("ENDDAT") > due).fill_null(True))
    read = base.filter(pl.col("LESRID").is_not_null()).select("SUBJID")
    return rows.join(read, on="SUBJID", how="anti").select(
        "SUBJID", what=pl.lit("the baseline assessment"), fallback=pl.lit("censored on day 1 unless the subject dies"),
        _table=pl.lit("targets"), _column=pl.lit("LDIAM"),
    )  # fmt: skip


# --- END-002 --------------------------------------------------------------------------------------------------------


@check(
    "END-002",
    on="subjects",
    needs=("anchors", "assessments", "ends"),
    silenced_by=("responses.OVRLRESP", "responses.RSDAT", "targets.TRDAT", "nontargets.TRDAT"),
)
def no_evaluable_assessment(
    study: Study, run: RunContext, anchors: pl.LazyFrame, assessments: pl.LazyFrame, ends: pl.LazyFrame
) -> pl.LazyFrame:
    """No evaluable scan after baseline for {SUBJID}, treated since {D1}{gone}: {endpoint} is censored on day 1.

    Why: a subject without any evaluable scan adds nothing to the progression endpoint.
    Fix: Ask the site for the scans and responses after baseline, or for the reason why there are none.
    Rule: END-002, CNSR 2; a death before the first scan is an event, not this finding
    """
    if "D1" not in study.anchors:
        return nothing()
    rows = anchors.filter(pl.col("D1").is_not_null()).join(ends, on="SUBJID", how="left")
    off = (pl.col("ENDDAT") <= run.cutoff).fill_null(False)
    long = days_after(pl.col("D1"), int(study.p("no_scan_days"))) <= run.cutoff
    evaluable = _investigator(assessments).filter(
        pl.col("EVALUABLE"),
        pl.col("ROLE").is_in(list(_AFTER_BASELINE)),
        (pl.col("ANYDAT") <= run.cutoff).fill_null(True),
    )
    missing = rows.filter(long | off, pl.col("DTHHI").is_null()).join(
        evaluable.select("SUBJID"), on="SUBJID", how="anti"
    )
    progression = next((n for n, e in study.endpoints.items() if "progression" in e.events), "the progression endpoint")
    gone = pl.when(off).then(said(" and off study since ", pl.col("ENDDAT"))).otherwise(pl.lit(""))
    return missing.select(
        "SUBJID", "D1", _NO_ROW, _cell("D1_RID", None), gone=gone, endpoint=pl.lit(progression), _table=pl.lit("responses"),
        _column=pl.lit("OVRLRESP"), _key=pl.lit("none"),
    )  # fmt: skip


# --- END-013 --------------------------------------------------------------------------------------------------------


@check("END-013", on="subjects", needs=("anchors", "assessments", "dated_progression", "deaths"))
def event_after_missed_assessments(
    study: Study, run: RunContext, subjects: pl.LazyFrame, anchors: pl.LazyFrame, assessments: pl.LazyFrame,
    dated_progression: pl.LazyFrame, deaths: pl.LazyFrame,
) -> pl.LazyFrame:  # fmt: skip
    """{What} on {event} is {n} days after the last evaluable scan of {last} (limit {limit}): censored at {last} under rule CENSOR; rule EVENT would count an event on {event}.

    Why: an event after two or more missed assessments has no known date; the rule decides between event and censoring.
    Fix: Ask the site for assessments in the gap; otherwise the statistician decides.
    Rule: END-013; CNSR 4 of trial A 8.3 and B 8.2: more than 2 x (interval + window) days, with the interval planned after
    the last evaluable assessment; a progression by a lesion that was doubtful at first is dated at its first sight
    """
    plan = study.assessments
    if plan is None or not set(anchors_of(plan)) <= set(study.anchors):
        return nothing()
    grown = dated_progression.filter(pl.col("PDDAT") <= run.cutoff).select(
        "SUBJID", event="PDDAT", What=pl.lit("Progression"), _e="PDRID", _rank=pl.lit(0)
    )
    died = deaths.filter(pl.col("DTHDAT") <= run.cutoff).select(
        "SUBJID", event="DTHDAT", What=pl.lit("Death"), _e="_rid", _rank=pl.lit(1)
    )
    first = union([died, grown]).sort("SUBJID", "event", "_rank").group_by("SUBJID", maintain_order=True).first()
    points = _investigator(assessments).filter(pl.col("EVALUABLE"), pl.col("ROLE").is_in(list(_AFTER_BASELINE)))
    # a scan on the day of death leaves no gap, one that shows the progression does
    died_then = (pl.col("ANYDAT") == pl.col("event")) & (pl.col("What") == "Death")
    earlier = points.join(first, on="SUBJID", how="inner").filter((pl.col("ANYDAT") < pl.col("event")) | died_then)
    last = (
        earlier.sort("ANYDAT")
        .group_by("SUBJID", maintain_order=True)
        .agg(pl.col("event", "What", "_e", "_rank").first(), last=pl.col("ANYDAT").last())
    )
    limit = gap_limit(plan, pl.col("last"), study.anchors)
    names = list(anchors_of(plan))
    rows = last.join(anchors.select("SUBJID", *names), on="SUBJID", how="left").with_columns(
        n=(pl.col("event") - pl.col("last")).dt.total_days(), limit=limit
    )
    far = rows.filter(pl.col("n") > pl.col("limit"))
    counted = pl.lit(
        "{What} on {event} is {n} days after the last evaluable scan of {last} (limit {limit}): counted as an event on {event} under rule EVENT; rule CENSOR would censor at {last}."
    )
    listed = subjects.select("SUBJID", "_rid").unique("SUBJID", keep="first", maintain_order=True)
    return far.join(listed, on="SUBJID", how="inner").with_columns(
        _column=pl.lit("SUBJID"), _key=pl.lit("gap"), _say=counted if study.p("missed_assessment_rule") == "EVENT" else pl.lit(None, dtype=pl.String)
    )  # fmt: skip


# --- END-015 --------------------------------------------------------------------------------------------------------


def _event_free_rate(study: Study) -> str | None:
    """None where an endpoint asks who is free of events after so many days, else why END-015 has nothing to protect."""
    rates = (e for e in study.endpoints.values() if e.kind == "response" and {"of", "days"} <= set(e.options))
    return None if any(True for _ in rates) else "there is no event-free rate among its endpoints"


@check(
    "END-015",
    on="subjects",
    needs=("anchors", "assessments", "ends", "progression", "deaths"),
    applies=_event_free_rate,
)
def one_year_status_open(
    study: Study, run: RunContext, subjects: pl.LazyFrame, anchors: pl.LazyFrame, assessments: pl.LazyFrame,
    ends: pl.LazyFrame, progression: pl.LazyFrame, deaths: pl.LazyFrame,
) -> pl.LazyFrame:  # fmt: skip
    """{SUBJID} last assessed on day {day}: the one-year event-free status is open, although one year was over on {YEAR}{gone}.

    Why: the primary endpoint is the event-free rate at one year.
    Fix: Ask the site for the assessments around one year; subjects who withdrew or were lost are listed only.
    Rule: END-015; censored before day 365
    """
    year, grace = int(study.p("one_year_days")), int(study.p("one_year_grace_days"))
    if "D1" not in study.anchors:
        return nothing()
    rows = anchors.filter(pl.col("D1").is_not_null()).select("SUBJID", "D1", YEAR=days_after(pl.col("D1"), year))
    rows = rows.filter((pl.lit(run.cutoff) - pl.col("D1")).dt.total_days() > year + grace)
    events = union([
        progression.filter(pl.col("PDDAT") <= run.cutoff).select("SUBJID"),
        deaths.filter(pl.col("DTHLO") <= run.cutoff).select("SUBJID"),
    ])  # fmt: skip
    seen = _investigator(assessments).filter(
        pl.col("EVALUABLE"), pl.col("ROLE").is_in(list(_AFTER_BASELINE)), pl.col("ANYDAT") <= run.cutoff
    )
    last = seen.group_by("SUBJID").agg(last=pl.col("ANYDAT").max())
    open_ = (
        rows.join(events, on="SUBJID", how="anti")
        .join(last, on="SUBJID", how="left")
        .join(ends.select("SUBJID", "ENDDAT", "STUDYENDWHY"), on="SUBJID", how="left")
    )
    day = (pl.coalesce("last", "D1", _NO_DATE) - pl.col("D1")).dt.total_days() + 1
    why = pl.col("STUDYENDWHY").fill_null("lost to follow-up").str.to_lowercase()
    gone = (
        pl.when(pl.col("ENDDAT").is_not_null())
        .then(said("; off study since ", pl.col("ENDDAT"), " (", why, "), no query"))
        .otherwise(pl.lit(""))
    )
    listed = subjects.select("SUBJID", "_rid").unique("SUBJID", keep="first", maintain_order=True)
    return (
        open_.with_columns(day=day, gone=gone)
        .filter(pl.col("day") < year)
        .join(listed, on="SUBJID", how="inner")
        .with_columns(_column=pl.lit("SUBJID"), _key=pl.lit("one year"))
    )
