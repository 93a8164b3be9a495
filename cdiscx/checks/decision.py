"""The month-3 decision: branch against response and against what was done (END-007)."""

from __future__ import annotations

import polars as pl

from cdiscx.checks._shape import nothing, related
from cdiscx.checks._words import said
from cdiscx.model.spec import Study
from cdiscx.model.table import RunContext
from cdiscx.registry import check

_RESPONDED = ["CR", "PR"]
_CANDIDATE = ["SD", "PD", "NON-CR/NON-PD"]
_INPUTS = ("anchors", "ends", "assessments", "procedures.PRTRT", "procedures.PRSTDAT")
_SILENCED = ("procedures.PRSTDAT", "procedures.PRTRT", "decision.M3RESP", "decision.BRANCH", "decision.DECDAT")


def _class(response: str) -> pl.Expr:
    """What a response leads to: responder, candidate (for surgery), or null where it does not say."""
    value = pl.col(response)
    return (
        pl.when(value.is_in(_RESPONDED))
        .then(pl.lit("responder"))
        .when(value.is_in(_CANDIDATE))
        .then(pl.lit("candidate"))
    )


def _facts(
    study: Study,
    decision: pl.LazyFrame,
    anchors: pl.LazyFrame,
    ends: pl.LazyFrame,
    assessments: pl.LazyFrame,
    procedures: pl.LazyFrame,
) -> pl.LazyFrame:
    """Decisions with `_done`, the hepatectomy (SURG, SURG_RID), ENDDAT, and the response read before it (USED, AT, ON, RSRID).

    USED: last evaluable overall response on or before the decision with its date in D1 + 77 .. D1 + 105 (trial A 5).
    """
    middle, around = int(study.p("month3_target_days")), int(study.p("month3_window_days"))
    has = anchors.collect_schema().names()
    day1 = anchors.select("SUBJID", D1="D1" if "D1" in has else pl.lit(None, dtype=pl.Date))
    surgery = procedures.filter(pl.col("PRTRT") == "HEPATECTOMY", pl.col("SUBJID").is_not_null()).sort(
        "PRSTDAT", "_rid", nulls_last=True
    )
    surgery = surgery.group_by("SUBJID", maintain_order=True).agg(
        SURG=pl.col("PRSTDAT").first(), SURG_RID=pl.col("_rid").first(), _done=pl.lit(True)
    )
    rows = (
        decision.filter(pl.col("SUBJID").is_not_null())
        .join(day1, on="SUBJID", how="left")
        .join(surgery, on="SUBJID", how="left")
    )
    points = assessments.filter(
        pl.col("EVALUABLE"),
        pl.col("EVAL") == "INVESTIGATOR",
        pl.col("OVRLRESP").is_not_null(),
        pl.col("DAT").is_not_null(),
    ).select("SUBJID", USED="OVRLRESP", AT="VISIT", ON="DAT", RSRID="RSRID")
    low, high = (pl.col("D1") + pl.duration(days=middle + sign * around) for sign in (-1, 1))
    used = (
        rows.select("_rid", "SUBJID", "D1", "DECDAT")
        .join(points, on="SUBJID", how="inner")
        .filter(pl.col("ON") <= pl.col("DECDAT"), pl.col("ON").is_between(low, high))
    )
    used = (
        used.sort("ON", "RSRID").group_by("_rid", maintain_order=True).agg(pl.col("USED", "AT", "ON", "RSRID").last())
    )
    rows = rows.join(used, on="_rid", how="left").join(ends.select("SUBJID", "ENDDAT"), on="SUBJID", how="left")
    when = (
        pl.when(pl.col("SURG").is_not_null())
        .then(said("hepatectomy on ", pl.col("SURG")))
        .otherwise(pl.lit("hepatectomy"))
    )
    done = pl.col("_done").fill_null(False)
    return rows.with_columns(
        _done=done,
        _is=_class("M3RESP"),
        _read=_class("USED"),
        surgery=pl.when(done).then(when).otherwise(pl.lit("no hepatectomy")),
    )


def _wrong(study: Study, run: RunContext, rows: pl.LazyFrame) -> pl.LazyFrame:
    """Decisions that do not follow; each with `_column` and either `expected` or its own `_say`."""
    done, branch, response = pl.col("_done"), pl.col("BRANCH"), pl.col("M3RESP")
    responder, candidate = pl.col("_is") == "responder", pl.col("_is") == "candidate"
    unsaid = pl.col("DECREAS").fill_null("").str.strip_chars() == ""
    due = pl.col("DECDAT") + pl.duration(days=int(study.p("decision_surgery_days")))
    overdue = (due < run.cutoff) & (pl.col("ENDDAT").is_null() | (pl.col("ENDDAT") > due))
    unknown = (response == "NE") | response.is_null() | (response == "NED")
    differs = pl.col("_is").is_not_null() & pl.col("_read").is_not_null() & (pl.col("_is") != pl.col("_read"))
    # the first that applies speaks: a response that is not the one read explains a wrong branch
    cases: list[tuple[pl.Expr, str, str]] = [
        (differs, "M3RESP", "response"),
        (unknown & (done | (branch == "SURGERY")), "M3RESP", "not evaluable"),
        (responder & (branch == "SURGERY"), "BRANCH", "responder"),
        (responder & done, "M3RESP", "responder"),
        (responder & (branch == "OTHER") & unsaid, "DECREAS", "reason"),
        (candidate & done & branch.is_in(["CONTINUE", "OTHER"]), "BRANCH", "branch"),
        (candidate & ~done & branch.is_in(["CONTINUE", "OTHER"]) & unsaid, "DECREAS", "reason"),
        (candidate & ~done & unsaid & overdue, "DECREAS", "reason"),
    ]
    expected = {
        "not evaluable": "an evaluable response (CR, PR, SD or PD) before surgery is decided on",
        "responder": "no surgery after CR or PR, but continued systemic treatment (branch Continue)",
        "branch": "branch Surgery, since the hepatectomy was done",
        "reason": "hepatectomy after SD or PD, continued treatment after CR or PR, or the reason why not",
    }
    column = pl.lit(None, dtype=pl.String)
    key = pl.lit(None, dtype=pl.String)
    for applies, where, name in reversed(cases):
        column = pl.when(applies.fill_null(False)).then(pl.lit(where)).otherwise(column)
        key = pl.when(applies.fill_null(False)).then(pl.lit(name)).otherwise(key)
    wrong = rows.with_columns(_column=column, _key=key).filter(pl.col("_column").is_not_null())
    other = pl.lit(
        "Month 3 Response is {M3RESP}, but the last evaluable response on or before the decision ({DECDAT}) is {USED} ({AT}, {ON}); the two lead to different branches."
    )
    return wrong.with_columns(
        related(("SURG_RID", "PRSTDAT"), ("RSRID", "OVRLRESP")),
        expected=pl.col("_key").replace_strict(expected, default=None, return_dtype=pl.String),
        branch=branch.str.to_titlecase(),
        _say=pl.when(pl.col("_key") == "response").then(other),
    )


@check(
    "END-007", on="decision", columns=("BRANCH", "M3RESP", "DECDAT"), needs=_INPUTS, uses=("decision.DECREAS",),
    silenced_by=(*_SILENCED, "targets.TRDAT", "nontargets.TRDAT", "responses.OVRLRESP", "responses.RSDAT"),
)  # fmt: skip
def branch_not_followed(
    study: Study, run: RunContext, decision: pl.LazyFrame, anchors: pl.LazyFrame, ends: pl.LazyFrame, assessments: pl.LazyFrame,
    procedures: pl.LazyFrame,
) -> pl.LazyFrame:  # fmt: skip
    """Month-3 response {M3RESP}, branch {branch}, {surgery}: the protocol expects {expected}.

    Why: the branch after month 3 decides on surgery; a branch that does not follow from the response is a protocol deviation.
    Fix: Ask the site to check the month-3 response, the branch and the surgery; without surgery after SD or PD the reason is needed.
    Rule: END-007; A-DEC-1 to A-DEC-4; ruling 15.5: SD or PD without surgery is in order with branch Other or Continue and a
    reason; a response read after the decision does not count
    """
    wrong = _wrong(study, run, _facts(study, decision, anchors, ends, assessments, procedures))
    return wrong.filter(pl.col("_key") != "reason")


@check(
    "END-007", on="decision", columns=("BRANCH", "M3RESP", "DECDAT", "DECREAS"), needs=_INPUTS,
    silenced_by=(*_SILENCED, "targets.TRDAT", "nontargets.TRDAT", "responses.OVRLRESP", "responses.RSDAT"),
)  # fmt: skip
def branch_without_reason(
    study: Study, run: RunContext, decision: pl.LazyFrame, anchors: pl.LazyFrame, ends: pl.LazyFrame, assessments: pl.LazyFrame,
    procedures: pl.LazyFrame,
) -> pl.LazyFrame:  # fmt: skip
    """Month-3 response {M3RESP}, branch {branch}, {surgery}: the protocol expects {expected}.

    Why: the branch after month 3 decides on surgery; a branch that does not follow from the response is a protocol deviation.
    Fix: Ask the site to check the month-3 response, the branch and the surgery; without surgery after SD or PD the reason is needed.
    Rule: END-007; ruling 15.5; not judged where the upload has no column for the reason
    """
    wrong = _wrong(study, run, _facts(study, decision, anchors, ends, assessments, procedures))
    return wrong.filter(pl.col("_key") == "reason")


@check(
    "END-007", on="decision", columns=("BRANCH", "M3RESP", "POOREFF"), needs=(*_INPUTS, "decision.DECDAT"), uses=("decision.DECREAS",),
    silenced_by=("decision.M3RESP", "decision.BRANCH"),
)  # fmt: skip
def efficacy_judgement_contradicts_branch(
    study: Study, run: RunContext, decision: pl.LazyFrame, anchors: pl.LazyFrame, ends: pl.LazyFrame, assessments: pl.LazyFrame,
    procedures: pl.LazyFrame,
) -> pl.LazyFrame:  # fmt: skip
    """Poor Efficacy is {POOREFF}, but the month-3 response is {M3RESP} and the branch {branch}.

    Why: hepatectomy is meant for subjects whose efficacy is poor; the judgement and the response should point the same way.
    Fix: Ask the site to check Poor Efficacy against the response; it never overrides the response.
    Rule: END-007; trial A 5; silent where the branch itself is in question
    """
    rows = _facts(study, decision, anchors, ends, assessments, procedures)
    good = (pl.col("_is") == "candidate") & (pl.col("POOREFF") == "N") & (pl.col("BRANCH") == "SURGERY")
    poor = (pl.col("_is") == "responder") & (pl.col("POOREFF") == "Y")
    found = rows.filter((good | poor).fill_null(False)).join(
        _wrong(study, run, rows).select("_rid"), on="_rid", how="anti"
    )
    return found.with_columns(
        related(("_rid", "POOREFF")),
        branch=pl.col("BRANCH").str.to_titlecase(),
        _severity=pl.lit("warning"),
        _key=pl.lit("poor efficacy"),
        _column=pl.when(good).then(pl.lit("BRANCH")).otherwise(pl.lit("M3RESP")),
    )


@check(
    "END-007", on="procedures", columns=("PRTRT", "PRSTDAT"), needs=("decision", "anchors"),
    silenced_by=("procedures.PRTRT", "decision.SUBJID"),
)  # fmt: skip
def surgery_without_decision(study: Study, procedures: pl.LazyFrame, decision: pl.LazyFrame) -> pl.LazyFrame:
    """Hepatectomy on {PRSTDAT}, but Decision has no month-3 decision for {SUBJID}: the protocol expects one before surgery.

    Why: the month-3 response and decision say whether surgery was the branch to take.
    Fix: Ask the site for the decision with the response it rests on.
    Rule: END-007; a decision that is overdue is VIS-007
    """
    if "DECISION" not in study.anchors:
        return nothing()
    operated = procedures.filter(pl.col("PRTRT") == "HEPATECTOMY", pl.col("SUBJID").is_not_null()).sort(
        "PRSTDAT", "_rid"
    )
    lacking = (
        operated.join(decision.select("SUBJID"), on="SUBJID", how="anti")
        .group_by("SUBJID", maintain_order=True)
        .first()
    )
    placed = lacking.select(
        "SUBJID",
        "PRSTDAT",
        related(("_rid", "PRSTDAT")),
        _table=pl.lit("decision"),
        _column=pl.lit("BRANCH"),
        _key=pl.lit("no decision"),
    )
    return placed.with_columns(_rid=pl.lit(None, dtype=pl.UInt32))
