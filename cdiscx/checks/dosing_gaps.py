"""Daily drugs over time: gaps, intervals without end, overlaps, and the hold of every drug before surgery."""

from __future__ import annotations

import polars as pl

from cdiscx.checks._doses import (
    KEY,
    STOP_WORDS,
    days_between,
    given,
    open_ended,
    plans,
    reason_at_end,
    reason_at_start,
    sequence,
    stops,
    with_anchor,
)
from cdiscx.checks._modalities import modalities
from cdiscx.checks._reasons import says_emergency
from cdiscx.checks._shape import nothing, related, union
from cdiscx.model.spec import Study
from cdiscx.registry import check

_ROW = ("dosing.EXTRT", "dosing.EXSTDAT", "dosing.EXENDAT")
_SURGERY = ("procedures.PRSTDAT", "procedures.PRTRT")
_STOPS = ("disposition.DSSCOPE", "disposition.DSTRT", "disposition.DSDAT")


def _daily(study: Study, dosing: pl.LazyFrame) -> pl.LazyFrame:
    """Intervals of daily drugs in order, and what of earlier rows of the drug reaches furthest (LAST_…)."""
    rows = sequence(dosing, plans(study, kind="daily"))
    backwards = (pl.col("EXENDAT") < pl.col("EXSTDAT")).fill_null(False).any().over(KEY)  # DAT-006 speaks
    # a repeated record is STR-006's
    record = [*KEY, "EXSTDAT", "EXDOSE", "EXROUTE"]
    rows = rows.filter(~backwards).unique(subset=record, keep="first", maintain_order=True)
    rows = rows.sort("SUBJID", "EXTRT", "EXSTDAT", "_rid")
    furthest = pl.col("EXENDAT") == pl.col("EXENDAT").cum_max()
    carried = {"LAST_RID": "_rid", "LAST_START": "EXSTDAT", "LAST_DOSE": "EXDOSE", "LAST_OFTEN": "EXDOSFRQ",
               "LAST_CHANGE": "EXCHG", "LAST_REASON": "EXCHGREAS"}  # fmt: skip
    return rows.with_columns(
        pl.col("EXENDAT").cum_max().forward_fill().shift(1).over(KEY).alias("LAST"),
        pl.col("EXENDAT").is_null().shift(1, fill_value=False).cum_max().over(KEY).alias("_unknown"),
        *[
            pl.when(furthest).then(pl.col(old)).forward_fill().shift(1).over(KEY).alias(new)
            for new, old in carried.items()
        ],
    )


# --- DOS-005 --------------------------------------------------------------------------------------------------------


@check(
    "DOS-005", on="dosing", columns=("EXSTDAT", "EXENDAT", "EXTRT"),
    needs=("dosing.EXDOSE", "dosing.EXCHG", "dosing.EXCHGREAS", "dosing.EXDOSFRQ", "anchors"),
    uses=("procedures", "procedures.PRTRT", "procedures.PRSTDAT", "ae", "ae.AEACN", "ae.AESTDAT", *STOP_WORDS),
    silenced_by=(*_ROW, "dosing.EXCHG", *_SURGERY, *_STOPS),
)  # fmt: skip
def gap_in_daily_dosing(
    study: Study,
    dosing: pl.LazyFrame,
    anchors: pl.LazyFrame,
    procedures: pl.LazyFrame,
    ae: pl.LazyFrame,
    disposition: pl.LazyFrame,
) -> pl.LazyFrame:
    """No {DRUG} recorded from {FROM} to {TO} ({N} days); reason?

    Why: exposure is counted from these intervals; more than {LIMIT} days without the drug ends it for good.
    Fix: Ask the site what was taken in between. If nothing: mark the row before the gap Interrupted and give the reason.
    Rule: DOS-005; trial A 4.3, trial B 4.2 (interruption of at most 28 days)
    """
    if not any(r.kind == "daily" for r in study.regimens.values()):
        return nothing()
    # every other day: one day without the drug lies between two doses
    pause = pl.when(pl.col("LAST_OFTEN") == "QOD").then(1).otherwise(0)
    gaps = _daily(study, dosing).filter(~pl.col("_unknown")).with_columns(
        N=days_between("LAST", "EXSTDAT") - 1, FROM=pl.col("LAST").dt.offset_by("1d"), TO=pl.col("EXSTDAT").dt.offset_by("-1d")
    )  # fmt: skip
    gaps = with_anchor(gaps.filter(pl.col("N") > pause), anchors, study, "SURG")
    planned = pl.col("SURG").is_between("LAST", "EXSTDAT").fill_null(False)
    stopped = gaps.join(stops(study, dosing, disposition).select(*KEY, "STOPDAT"), on=KEY, how="inner")
    stopped = stopped.filter(pl.col("STOPDAT") >= pl.col("LAST"), pl.col("STOPDAT") < pl.col("EXSTDAT"))
    gaps = gaps.filter(~planned).join(
        stopped.select("_rid"), on="_rid", how="anti"
    )  # DOS-008 judges a dose after the stop
    marked = (pl.col("LAST_CHANGE") == "INTERRUPTED") | (
        pl.col("EXCHG") == "DELAYED"
    )  # a reason that is missing is DOS-015's
    told = marked | reason_at_end("LAST_CHANGE", "LAST_REASON") | reason_at_start()
    explained = union(_explanations(study, gaps, dosing, procedures, ae)).unique().with_columns(_explained=pl.lit(True))
    gaps = gaps.join(explained, on="_rid", how="left", maintain_order="left")
    limit = int(study.p("oral_gap_days"))
    long = pl.col("N") > limit
    open_question = ~told.fill_null(False) & pl.col("_explained").is_null()
    too_long = "No {DRUG} recorded from {FROM} to {TO} ({N} days); at most {LIMIT} days may be missed in a row."
    return gaps.filter(long | open_question).select(
        "SUBJID", "_rid", "DRUG", "FROM", "TO", "N",
        related(("LAST_RID", "EXENDAT")),
        LIMIT=pl.lit(limit),
        _say=pl.when(long).then(pl.lit(too_long)),
        _severity=pl.when(~long).then(pl.lit("note")),
    )  # fmt: skip


def _explanations(
    study: Study, gaps: pl.LazyFrame, dosing: pl.LazyFrame, procedures: pl.LazyFrame, ae: pl.LazyFrame
) -> list[pl.LazyFrame]:
    """`_rid`s of gaps that something else explains: a local therapy, a documented dose of 0, an adverse event's action."""
    gap = gaps.select("_rid", *KEY, "LAST", "EXSTDAT", "FROM")
    local = procedures.filter(pl.col("PRTRT").is_in(modalities(study))).select("SUBJID", _day="PRSTDAT")
    zero = dosing.filter(pl.col("EXDOSE") == 0).select(*KEY, _day="EXSTDAT")
    acted = ae.explode("AEACN").unnest("AEACN").filter(pl.col("term").is_in(["DRUG INTERRUPTED", "DRUG WITHDRAWN"]))
    acted = acted.select("SUBJID", EXTRT="key", _day="AESTDAT")
    inside = pl.col("_day").is_between("LAST", "EXSTDAT")
    before, after = int(study.p("ae_action_before_days")), int(study.p("ae_action_after_days"))
    near = days_between("_day", "FROM").is_between(-before, after)
    return [
        gap.join(local, on="SUBJID", how="inner").filter(inside).select("_rid"),
        gap.join(zero, on=KEY, how="inner").filter(inside).select("_rid"),
        gap.join(acted, on=KEY, how="inner").filter(near | inside).select("_rid"),
    ]


@check(
    "DOS-005", on="dosing", columns=("EXENDAT", "EXSTDAT", "EXTRT"),
    needs=("dosing.EXDOSE", "anchors"), uses=("dosing.EXONGO", "dosing.EXCHG"), silenced_by=(*_ROW, *_SURGERY),
)  # fmt: skip
def daily_interval_without_end(study: Study, dosing: pl.LazyFrame, anchors: pl.LazyFrame) -> pl.LazyFrame:
    """{DRUG} from {EXSTDAT} has no end date, but {WHAT}; when did this interval end?

    Why: an interval without end is counted to the data cut-off, together with whatever follows it.
    Fix: Enter the last day on which this dose was taken.
    Rule: DOS-005 (open interval followed by another), DOS-007 (open interval across surgery); contract 1 (an interval
    without end date is ongoing)
    """
    rows = sequence(dosing, plans(study, kind="daily")).unique(
        subset=[*KEY, "EXSTDAT", "EXDOSE", "EXROUTE"], keep="first", maintain_order=True
    )
    rows = rows.sort("SUBJID", "EXTRT", "EXSTDAT", "_rid").with_columns(
        NEXT=pl.col("EXSTDAT").shift(-1).over(KEY), NEXT_RID=pl.col("_rid").shift(-1).over(KEY)
    )
    rows = with_anchor(rows.filter(open_ended()), anchors, study, "SURG")
    followed = pl.col("NEXT").is_not_null()
    across = pl.col("SURG") >= pl.col("EXSTDAT")
    what = (
        pl.when(followed).then(pl.lit("the next interval begins on ") + pl.col("NEXT").dt.to_string("iso"))
        .when(across).then(pl.lit("hepatectomy was on ") + pl.col("SURG").dt.to_string("iso"))
        .when(pl.col("EXONGO") == "N").then(pl.lit("Ongoing is N"))
        .when(pl.col("EXCHG").is_in(["INTERRUPTED", "DISCONTINUED"])).then(pl.lit("it is marked ") + pl.col("EXCHG").str.to_titlecase())
    )  # fmt: skip
    return rows.with_columns(WHAT=what).filter(pl.col("WHAT").is_not_null()).select(
        "SUBJID", "_rid", "DRUG", "EXSTDAT", "WHAT",
        related(("NEXT_RID", "EXSTDAT"), (pl.when(~followed & across).then("SURG_RID"), "PRSTDAT")),
        _severity=pl.when(followed | across).then(pl.lit("error")),
    )  # fmt: skip


# --- DOS-006 --------------------------------------------------------------------------------------------------------


@check(
    "DOS-006", on="dosing", columns=("EXSTDAT", "EXENDAT", "EXTRT", "EXDOSE"),
    needs=("dosing.EXDOSFRQ", "dosing.EXCHG", "dosing.EXCHGREAS"), silenced_by=_ROW,
)  # fmt: skip
def overlapping_intervals(study: Study, dosing: pl.LazyFrame) -> pl.LazyFrame:
    """{DRUG} {LAST_DOSE} mg ({LAST_START} to {LAST}) overlaps {EXDOSE} mg ({EXSTDAT} to {EXENDAT}).

    Why: a day that stands in two intervals of one drug is counted twice.
    Fix: Ask the site on which day the dose changed: an interval ends the day before the next one begins.
    Rule: DOS-006; the end date entered as the next start at a dose change is a note
    """
    rows = _daily(study, dosing).filter(pl.col("EXSTDAT") <= pl.col("LAST"))
    if not any(r.kind == "daily" for r in study.regimens.values()):
        return nothing()
    changed = (pl.col("EXDOSE") != pl.col("LAST_DOSE")) | (pl.col("EXDOSFRQ") != pl.col("LAST_OFTEN"))
    shared = days_between("EXSTDAT", "LAST") + 1
    one_day = (shared <= int(study.p("oral_boundary_days"))) & changed.fill_null(False)
    boundary = "{DRUG} {LAST_DOSE} mg ends on {LAST}, the day on which {EXDOSE} mg begins."
    return rows.select(
        "SUBJID", "_rid", "DRUG", "EXSTDAT", "EXENDAT", "EXDOSE", "LAST", "LAST_START", "LAST_DOSE",
        related(("LAST_RID", "EXENDAT")),
        _say=pl.when(one_day).then(pl.lit(boundary)),
        _severity=pl.when(one_day).then(pl.lit("note")),
        _expected=pl.lit("after {LAST}"),
    )  # fmt: skip


# --- DOS-007 --------------------------------------------------------------------------------------------------------


@check(
    "DOS-007", on="dosing", columns=("EXENDAT", "EXSTDAT", "EXTRT"), needs=("dosing.EXDOSE", "anchors", "procedures"),
    uses=("procedures.PRREAS",), silenced_by=(*_ROW, *_SURGERY),
)  # fmt: skip
def dose_inside_preoperative_hold(
    study: Study, dosing: pl.LazyFrame, anchors: pl.LazyFrame, procedures: pl.LazyFrame
) -> pl.LazyFrame:
    """{DRUG} last taken {LAST}, {N} days before hepatectomy ({SURG}); at least {HOLD} required.

    Why: systemic treatment shortly before surgery raises the risk of bleeding and of poor healing.
    Fix: Check the last dose before surgery and the date of the operation. If both are right, this is a protocol
    deviation: record it as such.
    Rule: DOS-007; trial A 4.4 (source: one week), trial B 4.3; an operation whose reason says emergency is a warning
    """
    rows = given(dosing, plans(study).filter(pl.col("HOLD").is_not_null()))
    rows = with_anchor(rows, anchors, study, "SURG").filter(pl.col("EXSTDAT") <= pl.col("SURG"))
    rows = rows.filter(~(pl.col("EXENDAT") < pl.col("EXSTDAT")).fill_null(False))  # DAT-006 speaks
    daily = pl.col("KIND") == "daily"
    rows = rows.sort("SUBJID", "EXTRT", "EXSTDAT", "_rid").with_columns(
        NEXT=pl.col("EXSTDAT").shift(-1).over(KEY), _spans=daily & open_ended()
    )
    # an open interval goes on to the next one, else through surgery; a partial end date is not judged
    upto = pl.when("_spans").then(pl.coalesce(pl.col("NEXT").dt.offset_by("-1d"), "SURG")).otherwise("EXENDAT")
    last = pl.when(daily).then(pl.min_horizontal(upto, "SURG")).otherwise("EXSTDAT")
    known = ~daily | pl.col("_spans") | pl.col("EXENDAT").is_not_null()
    rows = rows.filter(known).with_columns(LAST=last)
    rows = rows.sort("SUBJID", "EXTRT", "LAST", "EXSTDAT", "_rid").group_by(KEY, maintain_order=True).last()
    through = daily & (pl.col("_spans") | (pl.col("EXENDAT") > pl.col("SURG"))) & (pl.col("LAST") == pl.col("SURG"))
    reasons = procedures.select(SURG_RID="_rid", PRREAS="PRREAS")
    rows = rows.with_columns(N=days_between("LAST", "SURG")).filter(pl.col("N") < pl.col("HOLD"))
    emergency = says_emergency(pl.col("PRREAS"), study)
    text = "{DRUG} from {EXSTDAT} has no stop before hepatectomy ({SURG}); at least {HOLD} days without it required."
    return rows.join(reasons, on="SURG_RID", how="left", maintain_order="left").select(
        "SUBJID", "_rid", "DRUG", "LAST", "N", "SURG", "HOLD", "EXSTDAT",
        related(("SURG_RID", "PRSTDAT")),
        _column=pl.when(daily).then(pl.lit("EXENDAT")).otherwise(pl.lit("EXSTDAT")),
        _say=pl.when(through).then(pl.lit(text)),
        _severity=pl.when(emergency).then(pl.lit("warning")).otherwise("HOLD_SEVERITY"),
        _expected=pl.lit("{HOLD} days or more before {SURG}"),
    )  # fmt: skip
