"""The site's responses against each other: combination (MEA-015), evidence of progression (MEA-017), order in time (MEA-018)."""

from __future__ import annotations

import polars as pl

from cdiscx.checks._arithmetic import (
    later_visits,
    number_said,
    percent_said,
    with_cells_of,
    with_own_cells,
    with_target_cells,
)
from cdiscx.checks._shape import RELATED, related
from cdiscx.checks.response_differs import compared
from cdiscx.model.spec import Study
from cdiscx.registry import check
from cdiscx.standards.overall import overall_from_components
from cdiscx.views.timepoints import criterion_of


def _blank(column: str) -> pl.Expr:
    return pl.col(column).fill_null("blank")


def _table(study: Study, nontarget: pl.Expr) -> tuple[pl.Expr, pl.Expr]:
    return overall_from_components(
        criterion_of(study), target="TRGRESP", nontarget=nontarget, new="NEWLIND",
        has_target=pl.col("HAS_TARGET"), has_nontarget=pl.col("HAS_NONTARGET"),
    )  # fmt: skip


@check(
    "MEA-015",
    on="responses",
    columns=("OVRLRESP", "TRGRESP", "NEWLIND"),
    needs=("timepoints", "responses.NTRGRESP"),
    uses=("responses.SYMPTDTR",),
    silenced_by=("responses.TRGRESP", "responses.NTRGRESP", "responses.NEWLIND"),
)
def overall_does_not_follow_from_components(study: Study, timepoints: pl.LazyFrame) -> pl.LazyFrame:
    """{VISIT}: target {target}, non-target {nontarget}, new lesion {NEWLIND} cannot give {OVRLRESP}; expected {expected}{rule}.{clinical}

    Why: the overall response is decided by its components; best response and progression are taken from it.
    Fix: ask the site whether the Overall Response or one of its components is wrong.
    Rule: R11-O-1 to R11-O-18, MR-O-1 to MR-O-8; a blank component is judged only where the others decide
    """
    rows = timepoints.filter(
        pl.col("RSRID").is_not_null(), pl.col("ROLE") != "BASELINE", pl.col("NEWLIND").is_not_null()
    )
    said = pl.col("OVRLRESP")
    given, rule = _table(study, pl.col("NTRGRESP"))
    with_cr, _ = _table(study, pl.coalesce("NTRGRESP", pl.lit("CR")))
    with_rest, _ = _table(study, pl.coalesce("NTRGRESP", pl.lit("NON-CR/NON-PD")))
    unknown = pl.col("NTRGRESP").is_null() & pl.col("HAS_NONTARGET")
    possible = unknown & ((said == "PD") | (said == pl.col("_cr")) | (said == pl.col("_rest")))
    told = rows.with_columns(_given=given, _rule=rule)
    # a new lesion without PD is MEA-016's; a blank target beside targets decides nothing
    bad = told.filter(said != pl.col("_given"), pl.col("NEWLIND") != "Y").cache()
    bad = bad.with_columns(_cr=with_cr, _rest=with_rest).filter(~possible.fill_null(False))
    clinical = (pl.col("SYMPTDTR") == "Y").fill_null(False) & (said == "PD")
    wrong = _wrong_component(bad, study)
    bad = bad.join(wrong, on="RSRID", how="anti")
    return bad.select(
        "SUBJID", "VISIT", "NEWLIND", "OVRLRESP",
        _rid="RSRID",
        target=_blank("TRGRESP"),
        nontarget=_blank("NTRGRESP"),
        expected="_given",
        rule=pl.lit(" (rule ") + pl.col("_rule") + pl.lit(")"),
        clinical=pl.when(clinical)
        .then(pl.lit(" Clinical deterioration is no progression by itself; it ends treatment."))
        .otherwise(pl.lit("")),
        _severity=pl.when(clinical).then(pl.lit("note")),
        _expected="_given",
        _related=related(("RSRID", "TRGRESP"), ("RSRID", "NTRGRESP"), ("RSRID", "NEWLIND")),
    )  # fmt: skip


def _wrong_component(timepoints: pl.LazyFrame, study: Study) -> pl.LazyFrame:
    """Rows whose overall response is that of the lesions while a component is not: the component is MEA-014's finding."""
    rows = compared(timepoints, study)
    return rows.filter(pl.col("T_DIFF") | pl.col("N_DIFF"), pl.col("OVRLRESP") == pl.col("EXPECTED")).select("RSRID")


@check(
    "MEA-017",
    on="responses",
    columns=("OVRLRESP",),
    needs=("timepoints", "judged_lesions"),
    uses=("responses.NTRGRESP", "responses.NEWLIND", "responses.SYMPTDTR"),
    silenced_by=("responses.NTRGRESP", "responses.NEWLIND", "responses.SYMPTDTR"),
)
def progression_without_evidence(timepoints: pl.LazyFrame, judged_lesions: pl.LazyFrame) -> pl.LazyFrame:
    """PD on {DAT} ({VISIT}): {growth}, no new lesion, non-target {nontarget}. What shows progression?

    Why: the first PD is an event of the trial; its reason must be seen in the data.
    Fix: ask the site for the growth, the non-target lesion or the new lesion that shows the progression, or to correct the response.
    Rule: R11-O-1 to R11-O-3, MR-O-1 to MR-O-3; a rising thrombus alone belongs to the Composite Response (trial-b 8.2)
    """
    pd_here = (pl.col("OVRLRESP") == "PD").fill_null(False)
    ordered = timepoints.filter(pl.col("ROLE") != "BASELINE").sort("SEG", "TP")
    first = ordered.with_columns(_n=pd_here.cast(pl.Int32).cum_sum().over("SEG")).filter(pd_here, pl.col("_n") == 1)
    evidence = pl.any_horizontal(
        (pl.col(c) == v).fill_null(False)
        for c, v in (
            ("DTRGRESP", "PD"),
            ("NTRGRESP", "PD"),
            ("DNTRGRESP", "PD"),
            ("NEWLIND", "Y"),
            ("DNEWL", "Y"),
            ("SYMPTDTR", "Y"),
        )
    )
    unsure = (pl.col("DOUBTFUL").list.len() > 0) | pl.col("BASE_DOUBT") | pl.col("PRIOR_DOUBT") | pl.col("ORDER_DOUBT")
    by_target = (pl.col("TRGRESP") == "PD").fill_null(False) & unsure
    bad = first.filter(~evidence, ~by_target, pl.col("RSRID").is_not_null())
    growth = (
        pl.when(~pl.col("HAS_TARGET"))
        .then(pl.lit("no target lesion"))
        .when(pl.col("PCHGNAD").is_not_null())
        .then(
            pl.lit("sum ") + number_said("SUM") + pl.lit(" mm is ") + percent_said("PCHGNAD") + pl.lit(" vs the nadir of ")
            + number_said("NADIR") + pl.lit(" mm at ") + pl.col("NADIR_VISIT").fill_null("an earlier visit")
        )
        .when(pl.col("SUM").is_not_null())
        .then(pl.lit("sum ") + number_said("SUM") + pl.lit(" mm"))
        .otherwise(pl.lit("no sum of the targets"))
    )  # fmt: skip
    told = with_cells_of(with_target_cells(bad, judged_lesions), judged_lesions, "NON-TARGET")
    found = told.with_columns(_rid="RSRID", growth=growth, nontarget=pl.col("NTRGRESP").fill_null("not recorded"))
    return found.with_columns(with_own_cells("NTRGRESP", "NEWLIND")).select(
        "SUBJID", "_rid", "VISIT", "DAT", "growth", "nontarget", "_related"
    )


@check("MEA-018", on="responses", columns=("OVRLRESP",), needs=("timepoints",))
def response_improves_after_progression_or_complete_response(timepoints: pl.LazyFrame) -> pl.LazyFrame:
    """{o2} on {d2} ({VISIT}) after {o1} on {d1} ({v1}).{more}

    Why: progression is final for the endpoints, and disease seen after a complete response is progression, not PR or SD.
    Fix: ask the site to confirm both responses; the endpoints keep the first progression.
    Rule: R11-X-4, R11-B-6, R11-T-PD-3; after surgery a new segment begins (trial-a 7); catalogue MEA-018
    """
    word, day = pl.col("OVRLRESP"), pl.col("DAT")
    rows = timepoints.filter(word.is_not_null(), pl.col("RSRID").is_not_null(), pl.col("ROLE") != "BASELINE")
    rows = rows.filter(~pl.col("ORDER_DOUBT")).sort("SEG", "TP")
    pd_, cr = word == "PD", word == "CR"

    def first(what: pl.Expr, value: str) -> pl.Expr:
        return pl.col(value).filter(what).first().over("SEG")

    def seen(what: pl.Expr) -> pl.Expr:
        return what.cast(pl.Int8).cum_max().shift(1, fill_value=0).over("SEG") == 1

    after_pd = seen(pd_) & word.is_in(["CR", "PR", "SD", "NON-CR/NON-PD", "NED"])
    after_cr = seen(cr) & ~seen(pd_) & word.is_in(["PR", "SD"])
    # only a node that grows to 10 mm or more loses CR without being PD (response-criteria 1.4)
    by_node = pl.col("PRIOR_CR") & pl.col("DTRGRESP").is_in(["PR", "SD"]) & (pl.col("TRGRESP") == pl.col("DTRGRESP"))
    shown = after_cr & by_node & (pl.col("DOUBTFUL").list.len() == 0)
    lasting = rows.with_columns(
        _kind=pl.when(after_pd).then(pl.lit("PD")).when(after_cr).then(pl.lit("CR")),
        _shown=shown.fill_null(False),
        **{f"_{k}_{v}": first(e, v) for k, e in (("PD", pd_), ("CR", cr)) for v in ("DAT", "VISIT", "RSRID")},
    ).filter(pl.col("_kind").is_not_null())
    group = ("SEG", "_kind")
    more = pl.len().over(group) - 1
    others = pl.struct(rid=pl.col("RSRID"), column=pl.lit("OVRLRESP")).implode().over(group).cast(RELATED)
    pick = {
        name: pl.when(pl.col("_kind") == "PD").then(f"_PD_{name}").otherwise(f"_CR_{name}")
        for name in ("DAT", "VISIT", "RSRID")
    }
    told = lasting.with_columns(
        o2=word, d2=day, o1="_kind", d1=pick["DAT"], v1=pick["VISIT"], _first=pick["RSRID"],
        more=later_visits(more),
        _others=others,
    ).filter(pl.int_range(pl.len()).over(group) == 0)  # fmt: skip
    cell = pl.concat_list(pl.struct(rid=pl.col("_first").cast(pl.UInt32), column=pl.lit("OVRLRESP"))).cast(RELATED)
    return told.select(
        "SUBJID", "VISIT", "o1", "d1", "v1", "o2", "d2", "more",
        _rid="RSRID",
        _severity=pl.when("_shown").then(pl.lit("note")),
        _related=pl.concat_list(cell, "_others"),
    )  # fmt: skip
