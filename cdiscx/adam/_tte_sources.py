"""Events, censoring rules and starts that the endpoints of study files are composed of (adam-derivations 6)."""

from __future__ import annotations

import polars as pl

from cdiscx import registry
from cdiscx.adam._clock import EVENT, Clock, censoring, decided_by, event, nobody
from cdiscx.adam._composite_rows import composite_endpoint
from cdiscx.adam._tumour_tables import anchors
from cdiscx.views.imaging_plan import gap_limit

NO_EVENT = "NO EVENT"
AT_START = "START DATE"

# --- events ---------------------------------------------------------------------------------------------------------


def _first_progression(clock: Clock, counts: pl.Expr) -> pl.DataFrame:
    """The first PD after the start among the readings that count, with SURGDT.

    Where a reading is the start (duration of response), a PD that is dated back to its day (R11-L-2) counts as well.
    """
    grown = clock.readings.filter("PD")
    known = clock.subjects.select("_who", "SURGDT", "_dom")
    grown = grown.join(known, on="_who", how="left", maintain_order="left")
    after = (pl.col("ADT") > pl.col("STARTDT")) | (pl.col("_dom") == "ADRS")
    first = grown.filter(counts & after.fill_null(False)).drop("_dom").unique("_who", keep="first", maintain_order=True)
    return clock.sourced(first).with_columns(SRCSEQ="ASEQ")


def _past_surgery() -> pl.Expr:
    return (pl.col("ADT") > pl.col("SURGDT")).fill_null(False)


@event("progression", "ADRS", "ADT")
def progression(clock: Clock) -> pl.DataFrame:
    """First progression by the study's criterion; before surgery where relapse after it is an event of its own."""
    if "relapse" not in clock.endpoint.events:
        return _first_progression(clock, pl.lit(True)).with_columns(EVNTDESC=pl.lit("DISEASE PROGRESSION"))
    operated = pl.col("SURGDT").is_not_null()
    what = pl.when(operated).then(pl.lit("PROGRESSION BEFORE SURGERY")).otherwise(pl.lit("PROGRESSION (NO SURGERY)"))
    return _first_progression(clock, ~_past_surgery()).with_columns(EVNTDESC=what)


@event("relapse", "ADRS", "ADT")
def relapse(clock: Clock) -> pl.DataFrame:
    """First progression or relapse by the study's criterion after surgery."""
    return _first_progression(clock, _past_surgery()).with_columns(EVNTDESC=pl.lit("RELAPSE AFTER SURGERY"))


@event("death", "ADSL", "DTHDT")
def death(clock: Clock) -> pl.DataFrame:
    """Death from any cause on or before the cut-off; a death dated before the start counts at the start."""
    died = clock.subjects.filter(pl.col("DTHDT").is_not_null())
    return died.with_columns(
        ADT=pl.max_horizontal("DTHDT", "STARTDT"), EVNTDESC=pl.lit("DEATH"), _from=decided_by(died, "DTHDT")
    )


@event("composite_progression", "ADRS", "ADT")
def composite_progression(clock: Clock) -> pl.DataFrame:
    """First composite PD of tumour and thrombus before surgery (switch `composite_pd`)."""
    found = composite_endpoint(clock.ctx)
    if found is None:
        return nobody(EVENT)
    code = found[0] if clock.source == "SITE" else f"D{found[0]}"[:8]
    rows = clock.responses.filter(pl.col("PARAMCD") == code, pl.col("AVALC") == "PD")
    rows = rows.join(clock.subjects.select("USUBJID", "STARTDT"), on="USUBJID").filter(
        pl.col("ADT") > pl.col("STARTDT")
    )
    first = rows.sort("ADT", "ASEQ", nulls_last=True).unique("USUBJID", keep="first", maintain_order=True)
    return first.with_columns(EVNTDESC=pl.lit("PROGRESSION BEFORE SURGERY"), SRCSEQ="ASEQ")


@event("surgery_not_done", "ADSL", "RTEDT")
def surgery_not_done(clock: Clock) -> pl.DataFrame:
    """No operation by the last planned day of it after radiotherapy (switch `no_surgery_is_event`)."""
    days = int(clock.ctx.p("surgery_after_rt_max_days", 56))
    if "RTEDT" not in clock.subjects.columns:
        return nobody(EVENT)
    late = clock.subjects.filter(pl.col("SURGDT").is_null()).with_columns(ADT=pl.col("RTEDT").dt.offset_by(f"{days}d"))
    due = (pl.col("ADT") <= clock.ctx.cutoff) & (pl.col("ADT") > pl.col("STARTDT"))
    found = late.filter(due.fill_null(False))
    return found.with_columns(EVNTDESC=pl.lit("SURGERY NOT DONE"), _from=decided_by(late, "RTEDT"))


# --- censoring ------------------------------------------------------------------------------------------------------


def _last_evaluable(clock: Clock, who: pl.DataFrame, counts: pl.Expr, what: str) -> pl.DataFrame:
    """`who` (`_who`, USUBJID, …) censored at the last evaluable reading that counts, else at the start.

    `counts` reads the columns of the readings and of `who`.
    """
    columns = [c for c in who.columns if c not in clock.readings.columns]
    seen = clock.readings.filter("EVALUABLE").join(who.select("_who", *columns), on="_who", maintain_order="left")
    # a subject's readings are in the order of their dates
    last = clock.sourced(seen.filter(counts).unique("_who", keep="last", maintain_order=True)).select(
        "_who", _last="ADT", _aseq="ASEQ", _ids="_from"
    )
    start = clock.subjects.select("_who", "STARTDT", "_dom", "_var", "_seq", "_from")
    joined = who.select("_who", "USUBJID").join(start, on="_who", maintain_order="left")
    joined = joined.join(last, on="_who", how="left", maintain_order="left")
    found = pl.col("_last").is_not_null()
    return joined.select(
        "USUBJID",
        ADT=pl.coalesce("_last", "STARTDT"),
        CNSDTDSC=pl.when(found).then(pl.lit(what)).otherwise(pl.lit(AT_START)),
        SRCDOM=pl.when(found).then(pl.lit("ADRS")).otherwise("_dom"),
        SRCVAR=pl.when(found).then(pl.lit("ADT")).otherwise("_var"),
        SRCSEQ=pl.when(found).then("_aseq").otherwise("_seq"),
        _from=pl.coalesce("_ids", "_from"),
    )


@censoring("no_assessment", 2)
def no_assessment(clock: Clock, first: pl.DataFrame) -> pl.DataFrame:
    """No evaluable assessment after the start and no event within the first gap limit: censored at the start."""
    limit = _first_limit(clock)
    seen = clock.readings.filter("EVALUABLE").select("_who")
    late = ((pl.col("EVDT") - pl.col("STARTDT")).dt.total_days() > limit).fill_null(True)
    unseen = first.join(seen, on="_who", how="anti", maintain_order="left").filter(late)
    rows = _last_evaluable(clock, unseen, pl.lit(False), AT_START)
    return rows.with_columns(EVNTDESC=pl.lit("NO POST-BASELINE ASSESSMENT"))


@censoring("new_anticancer_therapy", 3)
def new_anticancer_therapy(clock: Clock, first: pl.DataFrame) -> pl.DataFrame:
    """New anti-cancer therapy before the event: censored at the last evaluable assessment on or before its start."""
    nact = clock.subjects.select("USUBJID", "NACTDT")
    changed = first.join(nact, on="USUBJID", maintain_order="left").filter(
        pl.col("NACTDT").is_not_null() & (pl.col("NACTDT") < pl.col("EVDT")).fill_null(True)
    )
    what = "LAST EVALUABLE TUMOR ASSESSMENT BEFORE NEW THERAPY"
    rows = _last_evaluable(clock, changed, pl.col("ADT") <= pl.col("NACTDT"), what)
    return rows.with_columns(EVNTDESC=pl.lit("NEW ANTI-CANCER THERAPY"))


@censoring("missed_assessments", 4)
def missed_assessments(clock: Clock, first: pl.DataFrame) -> pl.DataFrame:
    """Event after two or more missed assessments: censored at the last evaluable one before the gap (rule CENSOR).

    The limit is that of the plan in force after that assessment; without one the gap counts from the start. An event that is
    no reading itself (a death) is not after a gap where it falls on the day of an evaluable assessment.
    """
    plan = clock.ctx.study.assessments
    if str(clock.option("missed_assessment_rule", "CENSOR")) != "CENSOR" or plan is None:
        return nobody()
    happened = first.filter(pl.col("EVDT").is_not_null())
    same_day = (pl.col("ADT") == pl.col("EVDT")) & (pl.col("EVDOM") != "ADRS")
    before = ((pl.col("ADT") < pl.col("EVDT")) | same_day) & (pl.col("ADT") >= pl.col("STARTDT"))
    rows = _last_evaluable(clock, happened, before, "LAST EVALUABLE TUMOR ASSESSMENT BEFORE GAP")
    named = anchors(clock.ctx).rename({"SUBJID": "USUBJID"})
    known = [c for c in named.columns if c != "USUBJID"]
    timed = rows.join(named, on="USUBJID", how="left", maintain_order="left").join(
        happened.select("USUBJID", "EVDT"), on="USUBJID", maintain_order="left"
    )
    absent = [a for a in clock.ctx.study.anchors if a not in known]
    timed = timed.with_columns(pl.lit(None, dtype=pl.Date).alias(a) for a in absent)
    limit = (
        pl.when(pl.col("CNSDTDSC") == AT_START)
        .then(_first_limit(clock))
        .otherwise(gap_limit(plan, pl.col("ADT"), known))
    )
    gap = (pl.col("EVDT") - pl.col("ADT")).dt.total_days()
    return timed.filter(gap > limit).with_columns(EVNTDESC=pl.lit("EVENT AFTER MISSED ASSESSMENTS"))


def _first_limit(clock: Clock) -> int:
    """Days after the start without any assessment that are still in order (`no_assessment_days`)."""
    plan = clock.ctx.study.assessments
    default = plan.no_assessment_days if plan is not None else clock.ctx.p("no_assessment_days", 112)
    return int(str(clock.option("no_assessment_days", default)))


@censoring("last_evaluable_assessment", 1)
def last_evaluable_assessment(clock: Clock, first: pl.DataFrame) -> pl.DataFrame:
    """No event: censored at the last evaluable assessment, or at the last follow-up (switch `censor_date`)."""
    free = first.filter(pl.col("EVDT").is_null())
    if str(clock.option("censor_date", "")) == "LAST_FOLLOW_UP":
        return _last_alive(clock, free, "LAST FOLLOW-UP").with_columns(EVNTDESC=pl.lit(NO_EVENT))
    rows = _last_evaluable(clock, free, pl.lit(True), "LAST EVALUABLE TUMOR ASSESSMENT")
    return rows.with_columns(EVNTDESC=pl.lit(NO_EVENT))


@censoring("last_known_alive", 1)
def last_known_alive(clock: Clock, first: pl.DataFrame) -> pl.DataFrame:
    """Not known to be dead: censored when last known alive, else at the start (or the day the study names)."""
    free = first.filter(pl.col("EVDT").is_null())
    return _last_alive(clock, free, "LAST KNOWN ALIVE").with_columns(EVNTDESC=pl.lit("ALIVE OR STATUS UNKNOWN"))


def _last_alive(clock: Clock, who: pl.DataFrame, what: str) -> pl.DataFrame:
    people = who.select("USUBJID").join(clock.subjects, on="USUBJID", maintain_order="left")
    followed = (pl.col("LSTALVDT") > pl.col("STARTDT")).fill_null(False)
    anchor = clock.ctx.study.anchors.get(str(clock.option("no_followup_date", "")))
    other = anchor.adsl if anchor is not None and anchor.adsl in people.columns else None
    later = pl.max_horizontal("STARTDT", other) if other else pl.col("STARTDT")
    named = pl.lit(other) if other else pl.col("_var")
    return people.select(
        "USUBJID",
        ADT=pl.when(followed)
        .then(pl.max_horizontal("LSTALVDT", later) if other else pl.col("LSTALVDT"))
        .otherwise(later),
        CNSDTDSC=pl.when(followed).then(pl.lit(what)).otherwise(pl.lit(AT_START)),
        SRCDOM=pl.when(followed).then(pl.lit("ADSL")).otherwise("_dom"),
        SRCVAR=pl.when(followed).then(pl.lit("LSTALVDT")).otherwise(named),
        SRCSEQ=pl.when(~followed).then("_seq"),
        _from=pl.when(followed)
        .then(decided_by(people, "LSTALVDT"))
        .otherwise(decided_by(people, other) if other else pl.col("_from")),
    )


# --- starts ---------------------------------------------------------------------------------------------------------


@registry.start_source("first_response")
def first_response(population: str, responses: pl.DataFrame) -> pl.DataFrame:
    """USUBJID, STARTDT, `_seq`, `_sfrom`: the first response of subjects for whom the parameter is Y."""
    rows = responses.filter(pl.col("PARAMCD") == population, pl.col("AVALC") == "Y", pl.col("ADT").is_not_null())
    return rows.select("USUBJID", STARTDT="ADT", _seq="ASEQ", _sfrom="_from")
