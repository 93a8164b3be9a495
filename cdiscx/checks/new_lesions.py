"""New lesions, the answer New Lesion = Y and progression must agree (MEA-016)."""

from __future__ import annotations

import polars as pl

from cdiscx.checks._arithmetic import number_said
from cdiscx.checks._shape import RELATED
from cdiscx.model.spec import Study
from cdiscx.registry import check
from cdiscx.standards.new_lesion import new_lesion_status
from cdiscx.views.judged_lesions import POINT, awaiting_baseline
from cdiscx.views.timepoints import criterion_of, new_before_baseline

_WHY = {
    "R11-L-2": "equivocal: it counts once it is confirmed, from its first date on",
    "R11-L-4": "a node too small to be a new lesion",
    "MR-L-2": "a liver nodule without the typical pattern: it counts once it is typical or has grown by 10 mm",
    "MR-L-3": "a liver nodule below 10 mm: it does not count yet",
}


def _told(judged_lesions: pl.LazyFrame, study: Study) -> pl.LazyFrame:
    """Per time point the new-lesion records in words: WHERE (those that count), DOUBTED (those that do not), their cells."""
    new = judged_lesions.filter(pl.col("CLASS") == "NEW").with_columns(
        LESION="LESID", DATE="TRDAT", CERTAINTY="CERTAIN", DIAMETER="LDIAM", RID="_rid",
        TYPICAL=pl.when(pl.col("TYPENH").is_not_null()).then(pl.col("TYPENH") == "Y"),
    )  # fmt: skip
    status = new_lesion_status(new, criterion_of(study))
    place = pl.when(pl.col("TULOC").is_not_null()).then(pl.lit(", ") + pl.col("TULOC")).otherwise(pl.lit(""))
    size = (
        pl.when(pl.col("LDIAM").is_not_null())
        .then(pl.lit(", ") + number_said("LDIAM") + pl.lit(" mm"))
        .otherwise(pl.lit(""))
    )
    words = pl.col("LESID") + pl.lit(" (") + pl.col("TUORGAN").fill_null("no organ") + place + size + pl.lit(")")
    why = pl.col("NEWRULE").replace_strict(_WHY, default="not certain", return_dtype=pl.String)
    counts = pl.col("NEWL").fill_null(False)
    doubted = pl.col("NEWL") == False  # noqa: E712 - null is neither
    return (
        status.sort("_rid")
        .group_by(POINT)
        .agg(
            WHERE=words.filter(counts).str.join(", "),
            DOUBTED=(words + pl.lit(" is ") + why).filter(doubted).str.join("; "),
            _n_sure=counts.sum(),
            _n_unsaid=pl.col("NEWL").is_null().sum(),
            RULE=pl.col("NEWRULE").filter(counts).first(),
            SEEN=pl.col("TRDAT").filter(counts).min(),
            _newcells=pl.struct(rid=pl.col("_rid"), column=pl.col("CELL")),
        )
    )


def _cells() -> pl.Expr:
    """The two answers of the response, and the cells of the time point's new lesions."""
    own = pl.concat_list(
        pl.struct(rid=pl.col("RSRID").cast(pl.UInt32), column=pl.lit(c)) for c in ("NEWLIND", "OVRLRESP")
    )
    return pl.concat_list(own.cast(RELATED), pl.col("_newcells").cast(RELATED).fill_null(pl.lit([], dtype=RELATED)))


def _disagreements(counted: pl.Expr) -> list[tuple[pl.Expr, pl.Expr, str, pl.Expr]]:
    """What can disagree at a time point, the weightiest first: when it does, the sentence, the cell and what it should say.

    `counted`: a new lesion of the time point counts as progression.
    """
    flag, overall = pl.col("NEWLIND"), pl.col("OVRLRESP")
    on = pl.lit(" on ") + pl.col("SEEN").cast(pl.String).fill_null("an unknown date")
    not_pd = (
        pl.lit("New lesion ")
        + pl.col("WHERE")
        + on
        + pl.lit(", but the overall response at ")
        + pl.col("VISIT")
        + pl.lit(" is ")
        + overall
    )
    no_flag = (
        pl.lit("New lesion ")
        + pl.col("WHERE")
        + on
        + pl.lit(", but New Lesion at ")
        + pl.col("VISIT")
        + pl.lit(" is N.")
    )
    alone = (
        pl.lit("New Lesion = Y at ")
        + pl.col("VISIT")
        + pl.lit(" without a lesion record; the overall response is ")
        + overall.fill_null("blank")
    )
    doubt = pl.lit("New Lesion = Y at ") + pl.col("VISIT") + pl.lit(", but ") + pl.col("DOUBTED")
    flagged = pl.lit("New Lesion = Y at ") + pl.col("VISIT") + pl.lit(", but the overall response is ") + overall
    rule = pl.lit(" (rule ") + pl.col("RULE") + pl.lit(").")
    new_here = counted & ~pl.col("_pd")
    listed = pl.col("_n_sure").is_not_null()
    return [
        (new_here & (overall != "PD"), not_pd + rule, "OVRLRESP", pl.lit("PD")),
        (new_here & (flag == "N"), no_flag, "NEWLIND", pl.lit("Y")),
        ((flag == "Y") & ~listed & ~pl.col("_old"), alone + pl.lit("."), "NEWLIND", pl.lit("a row in New Lesions, or N")),
        ((flag == "Y") & (pl.col("_n_sure") == 0) & (pl.col("_n_unsaid") == 0) & ~pl.col("_pd"), doubt + pl.lit("."), "NEWLIND", pl.lit("N")),
        ((flag == "Y") & (overall != "PD") & ~pl.col("_pd"), flagged + pl.lit("."), "OVRLRESP", pl.lit("PD")),
    ]  # fmt: skip


@check(
    "MEA-016",
    on="responses",
    columns=("NEWLIND", "OVRLRESP"),
    needs=("timepoints", "judged_lesions", "newlesions.CERTAIN", "newlesions.LDIAM"),
    uses=("newlesions.TYPENH",),
    silenced_by=("responses.NEWLIND", "responses.OVRLRESP", "newlesions.CERTAIN"),
)
def new_lesion_and_progression_disagree(
    study: Study, timepoints: pl.LazyFrame, judged_lesions: pl.LazyFrame
) -> pl.LazyFrame:
    """A new lesion and the response do not agree.

    Why: an unequivocal new lesion is progression, whatever the other lesions do; without a record nobody can check it.
    Fix: ask the site for the missing record, or to correct New Lesion, Overall Response or the lesion's certainty.
    Rule: R11-L-1 to R11-L-5, MR-L-1 to MR-L-5, R11-O-1, MR-O-1; catalogue MEA-016
    Not checked: findings marked as not tumour (no such column); blank dates and organs are STR-009's.
    """
    rows = timepoints.filter(pl.col("RSRID").is_not_null(), pl.col("ROLE") != "BASELINE")
    rows = rows.join(_told(judged_lesions, study), on=POINT, how="left", nulls_equal=True).sort("SEG", "TP")
    listed = pl.col("_n_sure").is_not_null()
    pd_here = (pl.col("OVRLRESP") == "PD").fill_null(False)
    earlier = {
        "_old": listed.cast(pl.Int8).cum_max().shift(1, fill_value=0).over("SUBJID", "EVAL") == 1,
        "_pd": pd_here.cast(pl.Int8).cum_max().shift(1, fill_value=0).over("SEG") == 1,
    }
    rows = rows.sort("SUBJID", "EVAL", "ANYDAT", "VISIT", nulls_last=True).with_columns(**earlier)
    flag = pl.col("NEWLIND")
    counted = pl.col("NEW_LESIONS").fill_null(pl.lit([], dtype=pl.List(pl.String))).list.len() > 0
    rows = rows.filter((flag == "Y").fill_null(False) | counted)  # the others cannot disagree
    say, column, expected = (pl.lit(None, dtype=pl.String) for _ in range(3))
    for holds, text, cell, want in reversed(_disagreements(counted)):
        here = holds.fill_null(False)
        say = pl.when(here).then(text).otherwise(say)
        column = pl.when(here).then(pl.lit(cell)).otherwise(column)
        expected = pl.when(here).then(want).otherwise(expected)
    told = rows.with_columns(_say=say, _column=column, _expected=expected, _related=_cells())
    found = told.filter(pl.col("_say").is_not_null())
    return found.select("SUBJID", "VISIT", "_say", "_column", "_expected", "_related", _rid="RSRID")


@check(
    "MEA-016",
    on="newlesions",
    columns=("LESID", "CERTAIN"),
    needs=("timepoints", "judged_lesions", "responses"),
    silenced_by=("responses.VISIT", "newlesions.VISIT", "newlesions.CERTAIN"),
)
def new_lesion_without_a_response(study: Study, timepoints: pl.LazyFrame, judged_lesions: pl.LazyFrame) -> pl.LazyFrame:
    """New lesion {WHERE} on {SEEN}, but there is no Response row at {VISIT}.

    Why: the progression that a new lesion means is nowhere recorded, so no endpoint sees it.
    Fix: ask the site for the response of this visit.
    Rule: R11-O-1, trial-a 7 (a new lesion is PD also at the post-operative baseline); catalogue MEA-016
    """
    rows = timepoints.filter(pl.col("ROLE") != "BASELINE").sort("SUBJID", "EVAL", "ANYDAT", "VISIT", nulls_last=True)
    pd_here = (pl.col("OVRLRESP") == "PD").fill_null(False)
    known = rows.with_columns(_pd=pd_here.any().over("SEG"))
    open_ = known.filter(pl.col("RSRID").is_null(), ~pl.col("_pd"), pl.col("NEW_LESIONS").list.len() > 0)
    # a visit that only New Lesions knows is a slip in its name, not an assessment without response
    read = judged_lesions.filter(pl.col("CLASS") != "NEW").select(*POINT).unique()
    told = open_.join(read, on=POINT, how="semi", nulls_equal=True).join(
        _told(judged_lesions, study), on=POINT, nulls_equal=True
    )
    once = told.filter(pl.int_range(pl.len()).over("SEG") == 0)
    return once.select(
        "SUBJID", "VISIT", "WHERE", "SEEN",
        _rid=pl.lit(None, dtype=pl.UInt32), _table=pl.lit("responses"), _column=pl.lit(None, dtype=pl.String), _key="VISIT",
        _related=pl.col("_newcells").cast(RELATED),
    )  # fmt: skip


@check(
    "MEA-016",
    on="responses",
    columns=("NEWLIND", "OVRLRESP"),
    needs=("assessments", "judged_lesions", "newlesions.CERTAIN", "newlesions.LDIAM"),
    uses=("newlesions.TYPENH",),
    silenced_by=("responses.NEWLIND", "responses.OVRLRESP", "newlesions.CERTAIN"),
)
def new_lesion_before_the_new_baseline(
    study: Study, assessments: pl.LazyFrame, judged_lesions: pl.LazyFrame
) -> pl.LazyFrame:
    """New lesion {WHERE} on {SEEN}, before the post-operative baseline, but the overall response at {VISIT} is {OVRLRESP}.

    Why: a new lesion is progression also between the operation and its baseline; it needs none.
    Fix: ask the site to correct Overall Response, New Lesion or the lesion's certainty.
    Rule: R11-O-1, MR-O-1; trial-a 7: between the operation and its baseline only a new lesion can be judged
    """
    given = assessments.filter(pl.col("OVRLRESP").is_not_null(), awaiting_baseline())
    pd_here = pl.col("OVRLRESP") == "PD"
    earlier = pd_here.cast(pl.Int8).cum_max().shift(1, fill_value=0).over("SEG") == 1
    rows = given.sort("SEG", "TP").filter(~earlier, ~pd_here)
    new = new_before_baseline(study, judged_lesions, assessments).select("PT")
    told = rows.join(new, on="PT", how="semi")
    told = told.join(_told(judged_lesions, study), on=POINT, how="left", nulls_equal=True)
    said = pl.lit(
        "New Lesion = Y at {VISIT}, before the post-operative baseline, but the overall response is {OVRLRESP}."
    )
    return told.select(
        "SUBJID", "VISIT", "WHERE", "SEEN", "OVRLRESP", _rid="RSRID", _column=pl.lit("OVRLRESP"), _expected=pl.lit("PD"),
        _say=pl.when(pl.col("WHERE").fill_null("") == "").then(said), _related=_cells(), _key=pl.lit("before baseline"),
    )  # fmt: skip
