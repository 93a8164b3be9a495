"""The month-3 decision: branch against response and against what was done (END-007)."""

from __future__ import annotations

import polars as pl

from cdiscx.checks._shape import related, union
from cdiscx.model.spec import Study
from cdiscx.model.table import RunContext
from cdiscx.registry import check

_RESPONDED = ("CR", "PR")
_STABLE_OR_WORSE = ("SD", "PD", "NON-CR/NON-PD")


def _decisions(decision: pl.LazyFrame, anchors: pl.LazyFrame, ends: pl.LazyFrame) -> pl.LazyFrame:
    """Decisions with the hepatectomy (SURG, SURG_RID) and the end of participation (ENDDAT)."""
    has = anchors.collect_schema().names()
    if "SURG" in has:
        surgery = anchors.select("SUBJID", "SURG", "SURG_RID")
    else:
        surgery = anchors.select("SUBJID", SURG=pl.lit(None, dtype=pl.Date), SURG_RID=pl.lit(None, dtype=pl.UInt32))
    rows = decision.filter(pl.col("SUBJID").is_not_null()).join(surgery, on="SUBJID", how="left")
    return rows.join(ends.select("SUBJID", "ENDDAT"), on="SUBJID", how="left").with_columns(
        _responded=pl.col("M3RESP").is_in(list(_RESPONDED)),
        _candidate=pl.col("M3RESP").is_in(list(_STABLE_OR_WORSE)),
        _done=pl.col("SURG").is_not_null(),
    )


@check(
    "END-007",
    on="decision",
    columns=("BRANCH", "M3RESP", "DECDAT"),
    needs=("anchors", "ends"),
    uses=("decision.DECREAS", "decision.POOREFF"),
    silenced_by=("procedures.PRSTDAT", "procedures.PRTRT"),
)
def branch_not_followed(
    study: Study, run: RunContext, decision: pl.LazyFrame, anchors: pl.LazyFrame, ends: pl.LazyFrame
) -> pl.LazyFrame:
    """Month-3 response {M3RESP}, branch {BRANCH}, hepatectomy {SURG}: the protocol expects {expected}.

    Why: the branch after month 3 decides on surgery; a branch that does not follow from the response is a protocol deviation.
    Fix: ask the site to check the month-3 response, the branch and the surgery; without surgery after SD or PD the reason is needed.
    Rule: A-DEC-1 to A-DEC-4, catalogue 15.5
    """
    rows = _decisions(decision, anchors, ends)
    unsaid = pl.col("DECREAS").is_null()
    due = pl.col("DECDAT") + pl.duration(days=int(study.p("decision_surgery_days")))
    waiting = pl.col("ENDDAT").is_null() | (pl.col("ENDDAT") > due)
    shown = pl.when("_done").then(pl.lit("done on ") + pl.col("SURG").cast(pl.String)).otherwise(pl.lit("not done"))
    named = rows.with_columns(shown.alias("SURG"))
    cells = related(("SURG_RID", "PRSTDAT"))
    responded = named.filter("_responded", pl.col("_done") | (pl.col("BRANCH") == "SURGERY")).with_columns(
        cells, expected=pl.lit("no surgery after CR or PR, but continued systemic treatment"), _key=pl.lit("responder"),
        _column=pl.when("_done").then(pl.lit("M3RESP")).otherwise(pl.lit("BRANCH")),
    )  # fmt: skip
    unknown = named.filter((pl.col("M3RESP") == "NE") | pl.col("M3RESP").is_null(), "_done").with_columns(
        cells, expected=pl.lit("an evaluable response before surgery"), _key=pl.lit("not evaluable"), _column=pl.lit("M3RESP")
    )
    other_branch = named.filter("_candidate", ~pl.col("_done"), pl.col("BRANCH").is_in(["CONTINUE", "OTHER"]), unsaid)
    no_surgery = named.filter(
        "_candidate", ~pl.col("_done"), pl.col("BRANCH") == "SURGERY", unsaid, due < run.cutoff, waiting
    )
    missing = union([other_branch, no_surgery]).with_columns(
        expected=pl.lit("hepatectomy after SD or PD, or a reason why not"), _key=pl.lit("reason"), _column=pl.lit("DECREAS")
    )
    continued = named.filter("_candidate", "_done", pl.col("BRANCH") == "CONTINUE").with_columns(
        cells, expected=pl.lit("branch Surgery, since the hepatectomy was done"), _key=pl.lit("branch"), _column=pl.lit("BRANCH")
    )
    return union([responded, unknown, missing, continued])


@check("END-007", on="decision", columns=("POOREFF", "BRANCH", "M3RESP"))
def efficacy_judgement_contradicts_branch(decision: pl.LazyFrame) -> pl.LazyFrame:
    """Poor Efficacy is {POOREFF}, but the month-3 response is {M3RESP} and the branch {BRANCH}.

    Why: hepatectomy is meant for subjects whose efficacy is poor; the judgement and the response should point the same way.
    Fix: ask the site to check Poor Efficacy; it never overrides the response.
    """
    surgery = pl.col("M3RESP").is_in(["SD", "PD"]) & (pl.col("POOREFF") == "N") & (pl.col("BRANCH") == "SURGERY")
    responder = pl.col("M3RESP").is_in(list(_RESPONDED)) & (pl.col("POOREFF") == "Y")
    return decision.filter(pl.col("SUBJID").is_not_null(), surgery | responder).with_columns(
        _severity=pl.lit("warning"), _key=pl.lit("poor efficacy"), _column=pl.lit("BRANCH")
    )


@check(
    "END-007",
    on="decision",
    columns=("M3RESP", "DECDAT"),
    needs=("assessments", "anchors"),
    silenced_by=("targets.TRDAT", "nontargets.TRDAT", "responses.OVRLRESP", "responses.RSDAT"),
)
def month3_response_is_not_the_last_response(
    study: Study, decision: pl.LazyFrame, assessments: pl.LazyFrame, anchors: pl.LazyFrame
) -> pl.LazyFrame:
    """Month 3 Response is {M3RESP}, but the last evaluable response before the decision is {OVRLRESP} ({VISIT}, {DAT}).

    Why: the branch is derived from the recorded response; the two lead to different branches.
    Fix: ask the site which response was used for the decision and correct the other.
    Rule: trial-a.md section 5: last evaluable overall response on or before the decision, D1 + 77 to D1 + 105
    """
    middle, around = int(study.p("month3_target_days")), int(study.p("month3_window_days"))
    points = assessments.filter(
        pl.col("EVALUABLE"), pl.col("EVAL") == "INVESTIGATOR", pl.col("OVRLRESP").is_not_null(), pl.col("DAT").is_not_null()
    ).select("SUBJID", "VISIT", "DAT", "OVRLRESP", "RSRID")
    rows = (
        decision.filter(pl.col("SUBJID").is_not_null(), pl.col("DECDAT").is_not_null())
        .join(anchors.select("SUBJID", "D1"), on="SUBJID", how="inner")
        .join(points, on="SUBJID", how="inner")
    )
    low = pl.col("D1") + pl.duration(days=middle - around)
    high = pl.col("D1") + pl.duration(days=middle + around)
    used = rows.filter(pl.col("DAT") <= pl.col("DECDAT"), pl.col("DAT").is_between(low, high))
    last = used.sort("DAT").group_by("_rid", maintain_order=True).last()
    mine, theirs = (pl.col(c).is_in(list(_RESPONDED)) for c in ("M3RESP", "OVRLRESP"))
    judged = pl.col("M3RESP").is_not_null() & (pl.col("M3RESP") != "NE")
    return last.filter(judged, mine != theirs).with_columns(related(("RSRID", "OVRLRESP")), _key=pl.lit("response"))
