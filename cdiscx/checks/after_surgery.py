"""Resected lesions that are still measured, and shrinkage by surgery counted as response (MEA-025)."""

from __future__ import annotations

import polars as pl

from cdiscx.checks._arithmetic import later_visits, number_said
from cdiscx.checks._shape import related
from cdiscx.model.spec import Study
from cdiscx.registry import check
from cdiscx.views.timepoints import criterion_of

_GOOD = ("CR", "PR")


@check(
    "MEA-025",
    on="procedures",
    columns=("RESLES", "PRSTDAT"),
    needs=("lesions",),
    uses=("procedures.PRTRT",),
    silenced_by=("procedures.RESLES", "procedures.PRSTDAT"),
)
def resected_lesion_is_measured(procedures: pl.LazyFrame, lesions: pl.LazyFrame) -> pl.LazyFrame:
    """{LESID} was resected on {PRSTDAT} but is {what} on {TRDAT} ({VISIT}).

    Why: a lesion that was taken out has no size; what grows at its place is a new lesion (R11-L-5).
    Fix: ask the site whether the lesion was resected, whether another lesion was meant, or whether this is a recurrence and
    belongs to New Lesions.
    Rule: R11-C-8, R11-L-5, trial-a 7; catalogue MEA-025
    """
    listed = procedures.select("SUBJID", "PRSTDAT", LESID="RESLES", OPRID="_rid").explode("LESID", empty_as_null=True)
    first = listed.drop_nulls().sort("PRSTDAT", "OPRID").unique(["SUBJID", "LESID"], keep="first", maintain_order=True)
    rows = lesions.filter(pl.col("CLASS") != "NEW", pl.col("TRDAT").is_not_null())
    own = rows.join(first, on=["SUBJID", "LESID"])
    parts = rows.join(first.rename({"LESID": "PARENT"}), on=["SUBJID", "PARENT"])
    both = pl.concat([own, parts.select(own.collect_schema().names())]).unique(
        ["_rid"], keep="first", maintain_order=True
    )
    size = pl.coalesce("SIZE", "LDIAM", "SAXIS", "VDIAM")
    seen = (size > 0).fill_null(False) | pl.col("TRSTATUS").is_in(
        ["MEASURED", "PRESENT", "TOO SMALL", "UNEQUIVOCAL PROGRESSION"]
    )
    bad = both.filter(pl.col("TRDAT") > pl.col("PRSTDAT"), seen)
    typed = pl.col("LDIAM").is_not_null()
    number = pl.when("NODAL").then(pl.coalesce("SAXIS", "LDIAM")).otherwise("LDIAM")
    status = pl.col("TRSTATUS").fill_null("recorded").str.to_lowercase()
    return bad.select(
        "SUBJID", "_rid", "VISIT", "LESID", "PRSTDAT", "TRDAT",
        _table="TABLE",
        _column=pl.when(typed & (pl.col("CLASS") == "TARGET")).then(pl.lit("LDIAM")).otherwise(pl.lit("TRSTATUS")),
        what=pl.when(number > 0).then(pl.lit("measured with ") + number_said(number) + pl.lit(" mm")).otherwise(
            pl.lit("recorded as ") + status),
        _related=related(("OPRID", "RESLES"), ("OPRID", "PRSTDAT")),
    )  # fmt: skip


def shrunk_by_surgery(study: Study, timepoints: pl.LazyFrame, anchors: pl.LazyFrame) -> pl.LazyFrame:
    """Time points after surgery with a CR or PR that is new since surgery and that the remaining lesions do not show.

    At the post-operative baseline there is nothing to compare with. Later the derived response goes by that baseline; a
    CR or PR that the baseline before treatment would give, and that the site gave from the first visit on, was made by
    the surgeon. A site that once judged against the new baseline has re-baselined: what it says later is MEA-014's.
    """
    who = ("SUBJID", "EVAL")
    # a study without the operation has no row after it
    known = "SURG_RID" in anchors.collect_schema().names()
    row = pl.col("SURG_RID") if known else pl.lit(None, dtype=pl.UInt32).alias("SURG_RID")
    dated = timepoints.filter(pl.col("SURG").is_not_null()).join(anchors.select("SUBJID", row), on="SUBJID")
    after = (pl.col("ANYDAT") > pl.col("SURG")).fill_null(False)
    said = pl.col("OVRLRESP").is_not_null() & (pl.col("OVRLRESP") != "NE")
    good = pl.col("OVRLRESP").is_in(list(_GOOD)).fill_null(False)
    first_sum = pl.col("SUM").filter((pl.col("BASETYPE") == "PRE-TREATMENT") & (pl.col("TP") == 0))
    ordered = dated.sort("SUBJID", "EVAL", "ANYDAT", "VISIT", nulls_last=True).with_columns(
        OLD=pl.col("OVRLRESP").filter(~after & said).last().over(who),
        _first=first_sum.first().over(who),
        _other=(after & said & ~good).fill_null(False).cast(pl.Int8).cum_max().shift(1, fill_value=0).over(who) == 1,
    )
    new_base = pl.col("ROLE") == "POST-OPERATIVE BASELINE"
    unsure = (pl.col("DOUBTFUL").list.len() > 0) | (pl.col("BASE_DOUBT") & ~new_base)
    shown = (
        pl.col("DOVRLRESP").is_in(list(_GOOD)).fill_null(False) & (pl.col("BASETYPE") == "POST-OPERATIVE") & ~new_base
    )
    fall = pl.col("_first") - pl.col("SUM")
    by_old = (fall >= float(criterion_of(study).pr_rel) * pl.col("_first") - 1e-9).fill_null(pl.col("SUM").is_null())
    fresh = ~pl.col("OLD").is_in(list(_GOOD)).fill_null(False)
    return ordered.filter(after & good & fresh & ~shown & ~unsure & ~pl.col("_other") & (new_base | by_old))


@check(
    "MEA-025",
    on="responses",
    columns=("OVRLRESP",),
    needs=("timepoints", "anchors", "procedures.PRSTDAT"),
    silenced_by=("procedures.RESLES", "procedures.PRSTDAT"),
)
def response_made_by_surgery(study: Study, timepoints: pl.LazyFrame, anchors: pl.LazyFrame) -> pl.LazyFrame:
    """{OVRLRESP} on {DAT} ({VISIT}) only after surgery on {SURG}; before it the response was {OLD}.{derived}{more}

    Why: what the surgeon took out is no response to treatment; after surgery the remaining lesions are judged against the
    post-operative scan.
    Fix: ask the site to judge the response against the post-operative baseline; that visit itself has no response while a
    target remains.
    Rule: trial-a 7, trial-b 7 (re-baseline), catalogue MEA-025 and ruling 15.10
    """
    found = shrunk_by_surgery(study, timepoints, anchors).sort("SUBJID", "EVAL", "TP")
    who = ("SUBJID", "EVAL")
    derived = (
        pl.when(pl.col("ROLE") == "POST-OPERATIVE BASELINE")
        .then(pl.lit(" This visit is the post-operative baseline."))
        .when(pl.col("DOVRLRESP").is_not_null())
        .then(pl.lit(" Against the post-operative baseline it is ") + pl.col("DOVRLRESP") + pl.lit("."))
    )
    count = pl.len().over(who) - 1
    more = later_visits(count)
    return (
        found.with_columns(
            derived=derived.otherwise(pl.lit("")), more=more, _rid="RSRID",
            OLD=pl.col("OLD").fill_null("not recorded"),
        )
        .filter(pl.int_range(pl.len()).over(who) == 0)
        .select("SUBJID", "_rid", "VISIT", "OVRLRESP", "DAT", "SURG", "OLD", "derived", "more",
                _related=related(("SURG_RID", "PRSTDAT")))
    )  # fmt: skip
