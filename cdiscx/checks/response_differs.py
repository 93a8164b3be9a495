"""The site's responses against those that its lesions give (MEA-014)."""

from __future__ import annotations

import polars as pl

from cdiscx.checks._arithmetic import (
    later_visits,
    listed,
    operands_said,
    with_cells_of,
    with_own_cells,
    with_target_cells,
)
from cdiscx.checks._consequences import with_consequences
from cdiscx.checks._shape import union
from cdiscx.checks.after_surgery import shrunk_by_surgery
from cdiscx.model.spec import Study
from cdiscx.model.table import RunContext
from cdiscx.registry import check
from cdiscx.standards.overall import overall_from_components
from cdiscx.views.timepoints import criterion_of


def _trusted(name: str) -> pl.Expr:
    return pl.col(name).list.len() == 0


def compared(timepoints: pl.LazyFrame, study: Study) -> pl.LazyFrame:
    """Time points after a baseline with a Response row: T_DIFF, N_DIFF, O_DIFF (component differs), EXPECTED overall.

    EXPECTED goes by the derived target and non-target response and by the site's own new-lesion answer, of which MEA-016
    speaks. O_DIFF alone where both components are recorded and right is MEA-015: only the combination is wrong.
    """
    rows = timepoints.filter(pl.col("TP") > 0, pl.col("RSRID").is_not_null())
    target, derived = pl.col("TRGRESP"), pl.col("DTRGRESP")
    ordered = ~pl.col("BASE_DOUBT") & ~pl.col("ORDER_DOUBT")
    # a reading in question at an earlier visit can only have made the nadir smaller: it may explain a PD of the site
    nadir_known = ~pl.col("PRIOR_DOUBT") | (target != "PD")
    t_sure = _trusted("DOUBTFUL") & ordered & nadir_known
    n_sure = _trusted("NT_DOUBTFUL") & ~pl.col("BASE_DOUBT")
    # a lesion that persists beside one that was not read: R11-N-NN-1 and R11-N-NE-1 both hold
    either = (pl.col("NTRGRESP") == "NON-CR/NON-PD") & (pl.col("DNTRGRESP") == "NE") & (pl.col("NT_PRESENT") > 0)
    other = pl.when(either | pl.col("DNTRGRESP").is_null()).then("NTRGRESP").otherwise("DNTRGRESP")
    expected, rule = overall_from_components(
        criterion_of(study),
        target=pl.col("DTRGRESP"),
        nontarget=other,
        new="NEWLIND",
        has_target=pl.col("HAS_TARGET"),
        has_nontarget=pl.col("HAS_NONTARGET"),
    )
    told = rows.with_columns(
        T_DIFF=((target != derived) & t_sure).fill_null(False),
        N_DIFF=((pl.col("NTRGRESP") != pl.col("DNTRGRESP")) & ~either & n_sure).fill_null(False),
        EXPECTED=expected,
        EXPRULE=rule,
    )
    recorded = (target.is_not_null() | ~pl.col("HAS_TARGET")) & (
        pl.col("NTRGRESP").is_not_null() | ~pl.col("HAS_NONTARGET")
    )
    settled = t_sure & n_sure & pl.col("NEWLIND").is_not_null()
    gap = (pl.col("OVRLRESP") != pl.col("EXPECTED")) & ~recorded & settled
    return told.with_columns(O_DIFF=gap.fill_null(False)).with_columns(
        ANY=pl.any_horizontal("T_DIFF", "N_DIFF", "O_DIFF")
    )


def _before_progression(rows: pl.LazyFrame) -> pl.LazyFrame:
    """AFTER_PD: an earlier visit of the segment is a progression, by the site or by the lesions."""
    sure = _trusted("DOUBTFUL") & ~pl.col("BASE_DOUBT") & ~pl.col("ORDER_DOUBT")
    by_lesions = (pl.col("EXPECTED") == "PD") & sure
    by_site = pl.col("OVRLRESP") == "PD"
    pd_here = (by_lesions | by_site).fill_null(False).cast(pl.Int8)
    return rows.sort("SEG", "TP").with_columns(AFTER_PD=pd_here.cum_max().shift(1, fill_value=0).over("SEG") == 1)


def _sentence() -> pl.Expr:
    """Which response differs, the operands, the rule, and what else follows at this visit."""
    also = pl.when(pl.col("T_DIFF") & pl.col("N_DIFF")).then(
        pl.lit(" Non-target Response is ") + pl.col("NTRGRESP") + pl.lit(", the non-target lesions give ") + pl.col("DNTRGRESP")
        + pl.lit(" (") + pl.col("DNTRGRULE") + pl.lit(").")
    )  # fmt: skip
    overall = pl.when((pl.col("T_DIFF") | pl.col("N_DIFF")) & (pl.col("OVRLRESP") != pl.col("EXPECTED"))).then(
        pl.lit(" The Overall Response would be ") + pl.col("EXPECTED") + pl.lit(" (") + pl.col("EXPRULE") + pl.lit("), recorded is ")
        + pl.col("OVRLRESP") + pl.lit(".")
    )  # fmt: skip
    agrees = pl.when((pl.col("T_DIFF") | pl.col("N_DIFF")) & (pl.col("OVRLRESP") == pl.col("EXPECTED"))).then(
        pl.lit(" The recorded Overall Response ") + pl.col("OVRLRESP") + pl.lit(" is that of the lesions.")
    )
    changes = pl.when(pl.col("CHANGES") != "").then(pl.lit(" This changes ") + pl.col("CHANGES") + pl.lit("."))
    whose = (
        pl.when("T_DIFF")
        .then(pl.lit("Target Response is ") + pl.col("TRGRESP") + pl.lit(", the lesions give ") + pl.col("DTRGRESP"))
        .when("N_DIFF")
        .then(
            pl.lit("Non-target Response is ")
            + pl.col("NTRGRESP")
            + pl.lit(", the non-target lesions give ")
            + pl.col("DNTRGRESP")
        )
        .otherwise(
            pl.lit("Overall Response is ") + pl.col("OVRLRESP") + pl.lit(", the lesions give ") + pl.col("EXPECTED")
        )
    )
    rule = pl.when("T_DIFF").then("DTRGRULE").when("N_DIFF").then("DNTRGRULE").otherwise("EXPRULE")
    why = (
        pl.when("T_DIFF")
        .then(operands_said())
        .when("N_DIFF")
        .then(_others_said())
        .otherwise(
            pl.lit("target ") + pl.col("DTRGRESP").fill_null("none") + pl.lit(", non-target ") + pl.col("DNTRGRESP").fill_null("none")
            + pl.lit("; ") + operands_said()
        )
    )  # fmt: skip
    tail = [e.otherwise(pl.lit("")).fill_null("") for e in (also, overall, agrees, changes)]
    return pl.concat_str(
        pl.col("VISIT"), pl.lit(": "), whose, pl.lit(" ("), why, pl.lit(", new lesion "), pl.col("NEWLIND").fill_null("blank"),
        pl.lit("). Rule "), rule, pl.lit("."), *tail,
    )  # fmt: skip


def _others_said() -> pl.Expr:
    """What the non-target lesions show: which progressed, which were not read, else that all are present or gone."""
    return (
        pl.when(pl.col("NT_PROGRESSED").list.len() > 0)
        .then(listed("NT_PROGRESSED") + pl.lit(" in unequivocal progression"))
        .when(pl.col("NT_MISSING").list.len() > 0)
        .then(listed("NT_MISSING") + pl.lit(" not evaluable"))
        .when(pl.col("NT_PRESENT") > 0)
        .then(
            pl.col("NT_PRESENT").cast(pl.String)
            + pl.lit(" of ")
            + pl.col("NT_EXPECTED").cast(pl.String)
            + pl.lit(" still present, none in progression")
        )
        .otherwise(pl.lit("all absent"))
    )


@check(
    "MEA-014",
    on="responses",
    columns=("OVRLRESP",),
    needs=("timepoints", "judged_lesions", "assessments", "anchors"),
    uses=("responses.TRGRESP", "responses.NTRGRESP", "responses.NEWLIND", "survival", "survival.NACTDAT"),
)
def response_differs_from_the_lesions(
    study: Study,
    run: RunContext,
    timepoints: pl.LazyFrame,
    judged_lesions: pl.LazyFrame,
    assessments: pl.LazyFrame,
    anchors: pl.LazyFrame,
    survival: pl.LazyFrame,
) -> pl.LazyFrame:
    """{sentence}

    Why: endpoints are made of the responses; where site and lesions disagree one of them is wrong.
    Fix: ask the site to look at lesions and response again and to correct what is wrong; nothing is changed by cdiscx.
    Rule: response-criteria 1.4 to 1.6 and 3.2 to 3.4; an error where it changes the primary endpoint, the date of the first
    progression or the best overall response
    Not checked: visits after the first progression beyond one note; visits whose lesions other findings question.
    """  # fmt: skip
    rows = compared(timepoints, study)
    # what surgery made smaller is MEA-025's
    surgery = shrunk_by_surgery(study, timepoints, anchors).select("RSRID")
    marked = _before_progression(rows.join(surgery, on="RSRID", how="anti").with_columns(DOVRLRESP="EXPECTED"))
    # few visits differ: they are picked first, so that their consequences are not planned over the whole study
    marked = marked.filter(pl.col("ANY").any().over("SEG")).collect(engine="in-memory").lazy()
    early = marked.filter("ANY", ~pl.col("AFTER_PD"))
    told = with_consequences(early, assessments, anchors, survival, study, pl.lit(run.cutoff))
    told = told.with_columns(
        _severity=pl.when(pl.col("CHANGES") != "").then(pl.lit("error")).otherwise(pl.lit("warning"))
    )
    found = union([told, _one_note(marked)]).with_columns(
        sentence=_sentence(),
        _rid="RSRID",
        _column=pl.when("T_DIFF")
        .then(pl.lit("TRGRESP"))
        .when("N_DIFF")
        .then(pl.lit("NTRGRESP"))
        .otherwise(pl.lit("OVRLRESP")),
        _expected=pl.when("T_DIFF").then("DTRGRESP").when("N_DIFF").then("DNTRGRESP").otherwise("EXPECTED"),
    )
    found = (
        found.with_columns(sentence=pl.col("sentence") + pl.col("_later").fill_null(""))
        .collect(engine="in-memory")
        .lazy()
    )
    cells = with_cells_of(with_target_cells(found, judged_lesions), judged_lesions, "NON-TARGET").with_columns(
        with_own_cells("OVRLRESP", "NEWLIND")
    )
    return cells.select("SUBJID", "_rid", "VISIT", "sentence", "_column", "_severity", "_expected", "_related")


def _one_note(marked: pl.LazyFrame) -> pl.LazyFrame:
    """At most one note a segment on visits after a progression that site and lesions agree on."""
    agreed = ~(pl.col("ANY") & ~pl.col("AFTER_PD")).any().over("SEG")
    late = marked.filter(agreed).filter("ANY", "AFTER_PD").sort("SEG", "TP")
    more = pl.len().over("SEG") - 1
    said = later_visits(more)
    tail = pl.lit(" This is after the first progression.") + said
    numbered = late.with_columns(_later=tail, CHANGES=pl.lit(""), _severity=pl.lit("note"))
    return numbered.filter(pl.int_range(pl.len()).over("SEG") == 0)
