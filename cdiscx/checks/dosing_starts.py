"""Treatment that should have begun: every component, again after surgery, on after a response at month 3."""

from __future__ import annotations

import polars as pl

from cdiscx.checks._doses import (
    KEY,
    STOP_WORDS,
    blank,
    days_between,
    given,
    left_out,
    plans,
    reason_at_start,
    stops,
    with_anchor,
)
from cdiscx.checks._modalities import choice
from cdiscx.checks._shape import nothing, related, union
from cdiscx.model.spec import Component, Study
from cdiscx.model.table import RunContext
from cdiscx.registry import check

_ROW = ("dosing.EXTRT", "dosing.EXSTDAT")
_STOPS = ("disposition.DSSCOPE", "disposition.DSTRT", "disposition.DSDAT")


# --- DOS-014 --------------------------------------------------------------------------------------------------------


@check(
    "DOS-014", on="subjects", columns=("SUBJID",),
    needs=("dosing.EXTRT", "dosing.EXSTDAT", "dosing.EXDOSE", "procedures.PRTRT", "procedures.PRSTDAT", "anchors", "ends"),
    uses=("dosing.EXCHGREAS", "procedures.PRREAS", *STOP_WORDS),
    silenced_by=(*_ROW, "dosing.EXDOSE", "procedures.PRTRT", "procedures.PRSTDAT", *_STOPS),
)  # fmt: skip
def component_never_started(
    study: Study,
    run: RunContext,
    dosing: pl.LazyFrame,
    procedures: pl.LazyFrame,
    disposition: pl.LazyFrame,
    anchors: pl.LazyFrame,
    ends: pl.LazyFrame,
) -> pl.LazyFrame:
    """{SUBJID} has no {COMPONENT} by day {DAYS} ({DUE}).

    Why: the trial tests all components together; one that is missing is a protocol deviation or a missing record.
    Fix: Enter the first dose or session. If it was left out on purpose, record that with the reason (Disposition of
    scope Treatment, or a dose of 0 with its reason).
    Rule: DOS-014; trial A 4.2, trial B 4.2; a component with a choice of procedures is DOS-013's
    """
    planned = {n: c for n, c in study.components.items() if c.planned and c is not choice(study)}
    if not planned or "D1" not in study.anchors:
        return nothing()
    days = int(study.p("component_start_days"))
    treated = with_anchor(ends.select("SUBJID", "ENDDAT", "TRTEND"), anchors, study, "D1").with_columns(
        DUE=pl.col("D1").dt.offset_by(f"{days}d")
    )
    left = (pl.col("ENDDAT") <= pl.col("DUE")) | (pl.col("TRTEND") <= pl.col("DUE"))
    due = treated.filter(pl.col("DUE") < run.cutoff, ~left.fill_null(False))
    stopped = stops(study, dosing, disposition)
    pieces = [_unstarted(component, due, dosing, procedures, stopped) for component in planned.values()]
    return union(pieces).with_columns(DAYS=pl.lit(days))


def _unstarted(
    component: Component, due: pl.LazyFrame, dosing: pl.LazyFrame, procedures: pl.LazyFrame, stopped: pl.LazyFrame
) -> pl.LazyFrame:
    """Subjects without a first dose or session of the component by the due date."""
    drugs, kinds = list(component.drugs), list(component.procedures)
    doses = dosing.filter(pl.col("EXTRT").is_in(drugs)) if drugs else dosing.filter(False)
    sessions = procedures.filter(pl.col("PRTRT").is_in(kinds)) if kinds else procedures.filter(False)
    none_given = (pl.col("EXDOSE") <= 0).fill_null(False)
    begun = pl.concat([
        doses.filter(~none_given).select("SUBJID", "_rid", FIRST="EXSTDAT", _told=reason_at_start(), _table=pl.lit("dosing"), _column=pl.lit("EXSTDAT")),
        sessions.select("SUBJID", "_rid", FIRST="PRSTDAT", _told=~blank("PRREAS"), _table=pl.lit("procedures"), _column=pl.lit("PRSTDAT")),
    ])  # fmt: skip
    # the first of several rows is not known while one of them has no date
    first = begun.sort("FIRST", "_rid", nulls_last=False).group_by("SUBJID", maintain_order=True).first()
    # a dose of 0 is DOS-010's, with a reason it says why nothing was given
    rows = due.join(doses.filter(none_given).select("SUBJID"), on="SUBJID", how="anti")
    told = left_out(stopped, due, drugs).with_columns(_left_out=pl.lit(True))
    rows = rows.join(first, on="SUBJID", how="left", maintain_order="left").join(
        told, on="SUBJID", how="left", maintain_order="left"
    )
    never = pl.col("_rid").is_null() & pl.col("_left_out").is_null()
    late = (pl.col("FIRST") > pl.col("DUE")) & ~pl.col("_told")
    home = "dosing" if drugs else "procedures"
    say = "{COMPONENT} of {SUBJID} began on {FIRST}, {N} days after the first treatment ({D1}); within {DAYS} days is planned."
    return rows.filter(never | late.fill_null(False)).select(
        "SUBJID", "_rid", "D1", "DUE", "FIRST", "_column",
        _table=pl.col("_table").fill_null(home),
        COMPONENT=pl.lit(component.label),
        N=days_between("D1", "FIRST"),
        _key=pl.lit(component.label),
        _say=pl.when(~never).then(pl.lit(say)),
    )  # fmt: skip


# --- DOS-017 --------------------------------------------------------------------------------------------------------


@check(
    "DOS-017", on="dosing", columns=("EXSTDAT", "EXTRT"), needs=("dosing.EXDOSE", "anchors"),
    silenced_by=(*_ROW, "procedures.PRSTDAT", "procedures.PRTRT"),
)  # fmt: skip
def restart_too_early_after_surgery(study: Study, dosing: pl.LazyFrame, anchors: pl.LazyFrame) -> pl.LazyFrame:
    """{DRUG} restarted {N} days after hepatectomy (min {RESTART_MIN}).

    Why: systemic treatment too soon after surgery disturbs healing.
    Fix: Check the date of the dose and that of the operation. If both are right, record the protocol deviation.
    Rule: DOS-017; trial A 4.4, trial B 4.3; a dose on the day of surgery is DOS-007's
    """
    rows = given(dosing, plans(study).filter(pl.col("RESTART_MIN").is_not_null()))
    rows = with_anchor(rows, anchors, study, "SURG").filter(pl.col("EXSTDAT") > pl.col("SURG"))
    first = rows.sort("SUBJID", "EXTRT", "EXSTDAT", "_rid").group_by(KEY, maintain_order=True).first()
    return first.with_columns(N=days_between("SURG", "EXSTDAT")).filter(pl.col("N") < pl.col("RESTART_MIN")).select(
        "SUBJID", "_rid", "DRUG", "EXSTDAT", "N", "RESTART_MIN", "SURG",
        related(("SURG_RID", "PRSTDAT")),
        _expected=pl.lit("{RESTART_MIN} days or more after {SURG}"),
    )  # fmt: skip


@check(
    "DOS-017", on="dosing", columns=("EXSTDAT", "EXTRT"), needs=("dosing.EXENDAT", "dosing.EXDOSE", "anchors", "ends"),
    # a study without a month-3 decision has nothing to judge here
    uses=("decision.DECDAT", "decision.M3RESP", *STOP_WORDS),
    silenced_by=(*_ROW, "dosing.EXENDAT", "dosing.EXCHG", *_STOPS, "procedures.PRSTDAT", "procedures.PRTRT"),
)  # fmt: skip
def response_but_no_further_treatment(
    study: Study,
    run: RunContext,
    decision: pl.LazyFrame,
    dosing: pl.LazyFrame,
    disposition: pl.LazyFrame,
    anchors: pl.LazyFrame,
    ends: pl.LazyFrame,
) -> pl.LazyFrame:
    """{M3RESP} at month 3 ({DECDAT}) but no further systemic treatment recorded by {DUE}.

    Why: subjects with CR or PR at month 3 go on with systemic treatment.
    Fix: Enter the doses given after the decision, or the end of treatment in Disposition.
    Rule: DOS-017; trial A 5 (A-DEC-2); not asked for after death, withdrawal or surgery
    """
    if study.sheet_of("decision") is None or not study.regimens:
        return nothing()
    days = int(study.p("decision_treatment_days"))
    rows = decision.filter(
        pl.col("M3RESP").is_in(["CR", "PR"]), pl.col("DECDAT").is_not_null(), pl.col("SUBJID").is_not_null()
    )
    rows = rows.with_columns(DUE=pl.col("DECDAT").dt.offset_by(f"{days}d"))
    rows = with_anchor(rows, anchors, study, "SURG").join(ends.select("SUBJID", "ENDDAT"), on="SUBJID", how="left")
    gone = (pl.col("ENDDAT") <= pl.col("DUE")) | pl.col("SURG").is_between("DECDAT", "DUE")
    rows = rows.filter(pl.col("DUE") < run.cutoff, ~gone.fill_null(False))
    drugs = plans(study).filter(pl.col("SYSTEMIC"))
    doses = given(dosing, drugs)
    unsure = doses.filter(pl.col("EXSTDAT").is_null()).select("SUBJID")
    daily = pl.col("KIND") == "daily"
    doses = doses.select(
        "SUBJID",
        _from="EXSTDAT",
        _to=pl.when(daily & pl.col("EXENDAT").is_null())
        .then(pl.lit(run.cutoff))
        .when(daily)
        .then("EXENDAT")
        .otherwise("EXSTDAT"),
    )
    within = (pl.col("_from") <= pl.col("DUE")) & (pl.col("_to") >= pl.col("DECDAT"))
    treated = (
        rows.select("SUBJID", "DECDAT", "DUE").join(doses, on="SUBJID", how="inner").filter(within).select("SUBJID")
    )
    ended = stops(study, dosing, disposition).join(drugs.select("EXTRT"), on="EXTRT", how="semi")
    ended = ended.join(rows.select("SUBJID", "DUE"), on="SUBJID", how="inner").filter(
        pl.col("STOPDAT") <= pl.col("DUE")
    )
    accounted = pl.concat([treated, ended.select("SUBJID"), unsure])
    return rows.join(accounted, on="SUBJID", how="anti").select(
        "SUBJID", "_rid", "M3RESP", "DECDAT", "DUE", _table=pl.lit("decision"), _column=pl.lit("DECDAT")
    )
