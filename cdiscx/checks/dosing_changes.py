"""Dose changes and adverse events: every change has its reason, every action its change, every such reason its event."""

from __future__ import annotations

import polars as pl

from cdiscx.checks._doses import KEY, blank, days_between, given, plans, sequence
from cdiscx.checks._reasons import says_adverse_event
from cdiscx.checks._shape import nothing
from cdiscx.model.spec import Study
from cdiscx.model.table import RunContext
from cdiscx.registry import check
from cdiscx.standards.dates import earliest, latest

_ROW = ("dosing.EXTRT", "dosing.EXSTDAT")
_CHANGE = ("dosing.EXCHG", "dosing.EXCHGREAS", "dosing.EXENDAT", "dosing.EXDOSE", "dosing.EXDOSU", "dosing.EXDOSFRQ")
_AE = ("ae.AEACN", "ae.AESTDAT")
_ACTIONS = ("DOSE REDUCED", "DRUG INTERRUPTED", "DRUG WITHDRAWN")


def _with_previous(rows: pl.LazyFrame) -> pl.LazyFrame:
    """Rows in order with PREV (last day before), PREV_DOSE (per day), NEXT, _lower (a lower dose than before)."""
    daily = pl.col("KIND") == "daily"
    per_day = pl.col("EXDOSE") / pl.when(pl.col("EXDOSFRQ") == "QOD").then(2).otherwise(1)
    end = pl.when(daily).then("EXENDAT").otherwise("EXSTDAT")
    rows = rows.with_columns(_end=end, _per_day=pl.when(daily).then(per_day).otherwise("EXDOSE"))
    before = {
        "PREV": "_end",
        "PREV_DOSE": "_per_day",
        "PREV_RID": "_rid",
        "_unit": "EXDOSU",
        "_ended": "EXCHG",
        "_why": "EXCHGREAS",
    }
    rows = rows.with_columns(
        *[pl.col(old).shift(1).over(KEY).alias(new) for new, old in before.items()],
        NEXT=pl.col("EXSTDAT").shift(-1).over(KEY),
    )
    lower = (pl.col("_per_day") < pl.col("PREV_DOSE")) & (pl.col("EXDOSU") == pl.col("_unit"))
    # rows of one day (bolus and infusion) are no change
    return rows.with_columns(_lower=(lower & (pl.col("EXSTDAT") > pl.col("PREV"))).fill_null(False))


# --- a change without a reason -----------------------------------------------------------------------------------------


@check(
    "DOS-015", on="dosing", columns=("EXCHGREAS", "EXCHG", "EXTRT"),
    needs=("dosing.EXSTDAT", "dosing.EXENDAT", "dosing.EXDOSE", "dosing.EXDOSU", "dosing.EXDOSFRQ"),
    silenced_by=("dosing.EXCHG",),
)  # fmt: skip
def dose_change_without_reason(study: Study, dosing: pl.LazyFrame) -> pl.LazyFrame:
    """{DRUG} from {EXSTDAT}: {WHAT}, but no reason is given.

    Why: without the reason nobody can tell toxicity from anything else.
    Fix: Enter the reason in Change Reason.
    Rule: DOS-015; a discontinuation has its reason in Disposition
    """
    rows = _with_previous(given(dosing, plans(study)).sort("SUBJID", "EXTRT", "EXSTDAT", "_rid"))
    known = pl.col("EXSTDAT").is_not_null().all().over(KEY) & ~pl.col("_nameless")
    unmarked = pl.col("EXCHG").is_null() | (pl.col("EXCHG") == "NONE")
    # resumed lower after an interruption with a reason: the reason is known
    told = (pl.col("_ended") == "INTERRUPTED").fill_null(False) & ~blank("_why")
    fell = (pl.col("KIND") == "daily") & known & unmarked & pl.col("_lower") & ~told
    was = pl.col("PREV_DOSE").cast(pl.String).str.strip_suffix(".0")
    now = pl.col("_per_day").cast(pl.String).str.strip_suffix(".0")
    what = (
        pl.when(pl.col("EXCHG").is_in(["REDUCED", "INTERRUPTED", "DELAYED"])).then(pl.lit("marked ") + pl.col("EXCHG").str.to_titlecase())
        .when(fell).then(pl.lit("the dose fell from ") + was + " to " + now + pl.lit(" ") + pl.col("EXDOSU") + pl.lit(" a day"))
    )  # fmt: skip
    return (
        rows.with_columns(WHAT=what)
        .filter(pl.col("WHAT").is_not_null(), blank("EXCHGREAS"))
        .select("SUBJID", "_rid", "DRUG", "EXSTDAT", "WHAT", _expected=pl.lit("a reason"))
    )


# --- adverse events and dosing ------------------------------------------------------------------------------------------


def _spans(study: Study, dosing: pl.LazyFrame) -> pl.LazyFrame:
    """Every change of dosing as a span of days: SUBJID, EXTRT, CHANGE (kind), LO, HI, with the row's own columns.

    LO is the first and HI the last day on which the cause of the change can have shown itself: of a reduction the day it
    starts (after a gap: from the gap's first day), of an interruption the days without the drug, of a late infusion the
    days since the one before, of the end of the drug everything from then on.
    """
    rows = _with_previous(sequence(dosing, plans(study)))
    daily = pl.col("KIND") == "daily"
    off = pl.col("PREV").dt.offset_by("1d")
    gap = (
        pl.when(~daily | (days_between("PREV", "EXSTDAT") > 1))
        .then(pl.min_horizontal(off, "EXSTDAT"))
        .otherwise("EXSTDAT")
    )
    late = ~daily & (days_between("PREV", "EXSTDAT") > pl.col("INTERVAL") + pl.col("WINDOW"))
    never = pl.lit("9999-12-31").str.to_date()
    kinds = [
        ("REDUCED", (pl.col("EXCHG") == "REDUCED") | pl.col("_lower"), pl.coalesce(gap, "EXSTDAT"), pl.col("EXSTDAT")),
        ("INTERRUPTED", pl.col("EXCHG") == "INTERRUPTED", pl.coalesce("_end", "EXSTDAT"), pl.coalesce("NEXT", never)),
        ("INTERRUPTED", daily & (days_between("PREV", "EXSTDAT") > 1), off, pl.col("EXSTDAT")),
        ("INTERRUPTED", (pl.col("EXCHG") == "DELAYED") | late, pl.coalesce(gap, "EXSTDAT"), pl.col("EXSTDAT")),
        ("STOPPED", pl.col("EXCHG") == "DISCONTINUED", pl.coalesce("_end", "EXSTDAT"), never),
        ("STOPPED", pl.col("NEXT").is_null() & pl.col("_end").is_not_null(), pl.col("_end"), never),
    ]
    pieces = [
        rows.filter(which.fill_null(False)).with_columns(CHANGE=pl.lit(kind), LO=lo, HI=hi)
        for kind, which, lo, hi in kinds
    ]
    skipped = dosing.filter(pl.col("EXDOSE") == 0, pl.col("EXSTDAT").is_not_null()).select(
        *KEY, CHANGE=pl.lit("INTERRUPTED"), LO="EXSTDAT", HI=pl.coalesce("EXENDAT", "EXSTDAT")
    )
    return pl.concat([*pieces, skipped], how="diagonal_relaxed")


def _actions(ae: pl.LazyFrame) -> pl.LazyFrame:
    """One row per adverse event, treatment and action: SUBJID, AE_RID, AETERM, AESTDATC, AELO, AEHI, ITEM, ACTION."""
    listed = (
        ae.filter(pl.col("SUBJID").is_not_null(), pl.col("AESTDATC").is_not_null()).explode("AEACN").unnest("AEACN")
    )
    return listed.select(
        "SUBJID", "AETERM", "AESTDATC", AE_RID="_rid", ITEM="key", ACTION="term",
        AELO=earliest(pl.col("AESTDATC")), AEHI=latest(pl.col("AESTDATC")),
    ).filter(pl.col("ITEM").is_not_null())  # fmt: skip


def _meets(study: Study) -> pl.Expr:
    """The change lies from 3 days before the event's start to 14 days after it; a partial start date meets generously."""
    before, after = int(study.p("ae_action_before_days")), int(study.p("ae_action_after_days"))
    return (pl.col("LO") <= pl.col("AEHI").dt.offset_by(f"{after}d")) & (
        pl.col("HI") >= pl.col("AELO").dt.offset_by(f"-{before}d")
    )


@check(
    "DOS-015", on="ae", columns=("AEACN", "AESTDAT"), needs=("ae.AETERM", *_ROW, *_CHANGE), silenced_by=(*_ROW, *_CHANGE, *_AE),
)  # fmt: skip
def action_not_seen_in_dosing(study: Study, run: RunContext, ae: pl.LazyFrame, dosing: pl.LazyFrame) -> pl.LazyFrame:
    """AE {AETERM} ({AESTDATC}) says {ACTION} for {DRUG}, but dosing shows no change from {FROM} to {TO}.

    Why: the action for an adverse event and the exposure must tell one story.
    Fix: Ask the site which is right: correct the Action Taken, or enter the changed interval in Dosing.
    Rule: DOS-015 (-3 .. +14 days of the event's start); an interrupted infusion is a late next one; a drug that the
    subject never took is not judged, nor is an event whose 14 days are not over at the cut-off
    """
    if not study.regimens:
        return nothing()
    before, after = int(study.p("ae_action_before_days")), int(study.p("ae_action_after_days"))
    wanted = _actions(ae).filter(pl.col("ACTION").is_in(list(_ACTIONS))).with_columns(
        EXTRT="ITEM",
        FROM=pl.col("AELO").dt.offset_by(f"-{before}d"),
        TO=pl.col("AEHI").dt.offset_by(f"{after}d"),
    )  # fmt: skip
    wanted = wanted.filter(pl.col("TO") < run.cutoff)
    taken = sequence(dosing, plans(study)).group_by(KEY, maintain_order=True).agg(
        pl.col("DRUG").first(), _first=pl.col("EXSTDAT").min()
    )  # fmt: skip
    wanted = wanted.join(taken, on=KEY, how="inner").filter(pl.col("_first") <= pl.col("TO"))
    fits = pl.col("ACTION").replace_strict(
        {"DOSE REDUCED": ["REDUCED"], "DRUG INTERRUPTED": ["INTERRUPTED", "STOPPED"], "DRUG WITHDRAWN": ["STOPPED"]},
        default=None, return_dtype=pl.List(pl.String),
    )  # fmt: skip
    spans = _spans(study, dosing).select(*KEY, "CHANGE", "LO", "HI")
    matched = wanted.join(spans, on=KEY, how="inner").filter(_meets(study), fits.list.contains(pl.col("CHANGE")))
    return wanted.join(matched, on=["AE_RID", "EXTRT", "ACTION"], how="anti").select(
        "SUBJID", "AETERM", "AESTDATC", "DRUG", "FROM", "TO",
        _rid="AE_RID",
        ACTION=pl.col("ACTION").str.to_lowercase(),
        _key="EXTRT",
    )  # fmt: skip


@check(
    "DOS-015", on="dosing", columns=("EXCHGREAS", "EXCHG", "EXTRT", "EXSTDAT"),
    needs=("dosing.EXENDAT", "dosing.EXDOSE", "dosing.EXDOSU", "dosing.EXDOSFRQ", *_AE), uses=("ae.AETERM",),
    silenced_by=(*_ROW, "dosing.EXENDAT", "dosing.EXCHG", *_AE),
)  # fmt: skip
def change_without_its_adverse_event(study: Study, dosing: pl.LazyFrame, ae: pl.LazyFrame) -> pl.LazyFrame:
    """{DRUG} {WHAT} on {DAY} because of "{EXCHGREAS}", but no adverse event around that day has an action for it.

    Why: the adverse event behind a dose change must be in the database, with the action taken.
    Fix: Enter the adverse event, or its Action Taken for this drug, or correct the Change Reason.
    Rule: DOS-015, 15.16 (a reason is an adverse event when it says so); the event starts from 14 days before to 3 days
    after the change
    """
    if not study.regimens:
        return nothing()
    marked = {"REDUCED": "REDUCED", "INTERRUPTED": "INTERRUPTED", "DELAYED": "INTERRUPTED", "DISCONTINUED": "STOPPED"}
    own = pl.col("EXCHG").replace_strict(marked, default=None, return_dtype=pl.String)
    spans = _spans(study, dosing).filter(pl.col("CHANGE") == own, says_adverse_event(pl.col("EXCHGREAS"), study))
    # a daily drug ends with its last day, an infusion by not giving the next one
    planned = pl.col("INTERVAL").fill_null(0) + pl.col("WINDOW")
    due = pl.col("LO") + pl.duration(days=pl.when(pl.col("KIND") == "daily").then(1).otherwise(planned))
    spans = spans.with_columns(HI=pl.when(pl.col("CHANGE") == "STOPPED").then(due).otherwise("HI"))
    names = [(drug, word) for drug, r in study.regimens.items() for word in _words(study, drug, r.component)]
    meaning = pl.LazyFrame(names, schema={"EXTRT": pl.String, "ITEM": pl.String}, orient="row")
    acted = _actions(ae).filter((pl.col("ACTION") != "NONE").fill_null(False)).join(meaning, on="ITEM")
    explained = spans.join(acted.select(*KEY, "AELO", "AEHI"), on=KEY, how="inner").filter(_meets(study)).select("_rid")
    rows = spans.join(explained, on="_rid", how="anti").sort("_rid").group_by("_rid", maintain_order=True).first()
    return rows.select(
        "SUBJID", "_rid", "DRUG", "EXCHGREAS",
        WHAT=pl.col("EXCHG").str.to_lowercase(),
        DAY=pl.when(pl.col("EXCHG").is_in(["REDUCED", "DELAYED"])).then("EXSTDAT").otherwise(pl.coalesce("_end", "EXSTDAT")),
    )  # fmt: skip


def _words(study: Study, drug: str, component: str) -> list[str]:
    """Keys of Action Taken that can mean the drug: itself, and the local therapy it belongs to."""
    found = study.components.get(component)
    alone = found is None or list(found.drugs) == [drug]
    return [drug] if alone or found is None else list(dict.fromkeys([drug, *found.related_to]))
