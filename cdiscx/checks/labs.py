"""Laboratory values and weight: severe values without an event, liver injury, ranges, weight (SAF-007 to SAF-010)."""

from __future__ import annotations

import polars as pl

from cdiscx.checks._shape import related, union
from cdiscx.model.spec import Study
from cdiscx.registry import check
from cdiscx.standards.ctcae import AE_WORDS, severe_grade
from cdiscx.standards.dates import earliest, latest
from cdiscx.standards.units import lab_value

_RESULT = ("LBORRES", "LBORRESU", "LBNRHI", "LBDAT", "LBTEST")


def _dated(anchors: pl.LazyFrame, *names: str) -> pl.LazyFrame:
    """SUBJID and the named anchors; one that the study does not have is null."""
    has = anchors.collect_schema().names()
    return anchors.select("SUBJID", *(pl.col(n) if n in has else pl.lit(None, dtype=pl.Date).alias(n) for n in names))


def _days(expr: pl.Expr, start: pl.Expr) -> pl.Expr:
    return (expr - start).dt.total_days()


@check(
    "SAF-007",
    on="labs",
    columns=_RESULT,
    needs=("anchors", "ae", "ae.AETERM", "ae.AESTDAT"),
    uses=("ae.AEENDAT", "ae.AEDECOD"),
    silenced_by=("ae.AESTDAT",),
)
def severe_value_without_event(
    study: Study, labs: pl.LazyFrame, anchors: pl.LazyFrame, ae: pl.LazyFrame
) -> pl.LazyFrame:
    """{LBTEST} {LBORRES} {LBORRESU} on {LBDAT} is CTCAE grade {grade} ({ratio} x the upper limit): no adverse event reports it.

    Why: a grade 3 or worse laboratory value on treatment is usually an adverse event.
    Fix: ask the site whether the value was clinically relevant, and to report it as an adverse event if so.
    Rule: CTCAE v5.0; values not worse than at baseline and the days after hepatectomy are left out
    """
    limit, around = int(study.p("lab_severe_grade")), int(study.p("lab_ae_days"))
    rows = labs.filter(pl.col("SUBJID").is_not_null(), pl.col("LBDAT").is_not_null()).join(
        _dated(anchors, "D1", "LASTDOSE", "SURG"), on="SUBJID", how="inner"
    )
    value, upper, test = pl.col("LBORRES"), pl.col("LBNRHI"), pl.col("LBTEST")
    rows = rows.with_columns(
        grade=severe_grade(test, value, upper, lab_value(test, value, pl.col("LBORRESU"))), ratio=value / upper
    )
    start = pl.col("D1")
    before_treatment = pl.col("grade").filter(pl.col("LBDAT") <= start).max().over("SUBJID", "LBTEST").fill_null(0)
    on_treatment = (pl.col("LBDAT") > start) & (
        pl.col("LASTDOSE").is_null() | (_days(pl.col("LBDAT"), pl.col("LASTDOSE")) <= int(study.p("lab_on_treatment_days")))
    )
    healing = _days(pl.col("LBDAT"), pl.col("SURG")).is_between(0, int(study.p("postop_lab_days"))).fill_null(False)
    severe = rows.with_columns(_base=before_treatment).filter(
        pl.col("grade") >= limit, pl.col("grade") > pl.col("_base"), on_treatment, ~healing
    )
    return severe.join(_reported(severe, ae, around), on="_rid", how="anti").with_columns(_key=pl.col("LBTEST"))


def _reported(severe: pl.LazyFrame, ae: pl.LazyFrame, around: int) -> pl.LazyFrame:
    """The lab rows that some adverse event of a mapped term covers, `around` days either side."""
    events = ae.select(
        "SUBJID",
        _term=pl.concat_str(pl.col("AETERM", "AEDECOD").fill_null(""), separator=" ").str.to_uppercase(),
        _from_=earliest(pl.col("AESTDATC")),
        _to=latest(pl.col("AEENDATC")),
        _open=pl.col("AEENDATC").is_null(),
    )
    pairs = severe.select("_rid", "SUBJID", "LBTEST", "LBDAT").join(events, on="SUBJID", how="inner")
    match = pl.lit(False)
    for test, words in AE_WORDS.items():
        match = match | ((pl.col("LBTEST") == test) & pl.col("_term").str.contains(words))
    margin = pl.duration(days=around)
    covers = (pl.col("_from_") <= pl.col("LBDAT") + margin) & (
        pl.col("_open") | (pl.col("_to") >= pl.col("LBDAT") - margin)
    )
    return pairs.filter(match, covers.fill_null(False)).select("_rid").unique()


@check(
    "SAF-008",
    on="labs",
    columns=_RESULT,
    needs=("anchors",),
    uses=("progression", "procedures.PRTRT", "procedures.PRSTDAT"),
)
def possible_liver_injury(
    study: Study, labs: pl.LazyFrame, anchors: pl.LazyFrame, progression: pl.LazyFrame, procedures: pl.LazyFrame
) -> pl.LazyFrame:
    """Bilirubin {ratio} x the upper limit on {LBDAT} with {enzyme} {enzyme_ratio} x on {enzyme_date}: possible drug-induced liver injury, needs medical review.

    Why: transaminases of 3 times and bilirubin of 2 times the upper limit together (Hy's law) may be a serious liver injury.
    Fix: ask the investigator for a medical review: other causes, the adverse event, the drug's action taken.
    Rule: raised at baseline: 2 x baseline as well; days after TACE, hepatectomy and liver progression are left out
    """
    rows = labs.filter(pl.col("SUBJID").is_not_null(), pl.col("LBDAT").is_not_null(), pl.col("LBNRHI") > 0).join(
        _dated(anchors, "D1", "SURG"), on="SUBJID", how="inner"
    )
    base = pl.col("LBORRES") / pl.col("LBNRHI")
    rows = rows.with_columns(ratio=base).with_columns(
        _base=pl.col("ratio").filter(pl.col("LBDAT") <= pl.col("D1")).last().over("SUBJID", "LBTEST", order_by="LBDAT")
    )
    factor = float(study.p("dili_baseline_factor"))
    raised = (pl.col("_base") > 1).fill_null(False)
    real = ~raised | (pl.col("ratio") >= factor * pl.col("_base"))
    after_start = pl.col("LBDAT") > pl.col("D1")
    alt, bili = float(study.p("dili_alt_uln")), float(study.p("dili_bili_uln"))
    worse = pl.when(raised).then(pl.col("ratio") > alt).otherwise(pl.col("ratio") >= alt)
    enzymes = rows.filter(pl.col("LBTEST").is_in(["ALT", "AST"]), worse, real, after_start).select(
        "SUBJID", enzyme="LBTEST", enzyme_ratio="ratio", enzyme_date="LBDAT", _enzyme="_rid"
    )
    high = rows.filter(pl.col("LBTEST") == "BILI", pl.col("ratio") >= bili, real, after_start)
    pairs = high.join(enzymes, on="SUBJID", how="inner").filter(
        _days(pl.col("LBDAT"), pl.col("enzyme_date")).abs() <= int(study.p("dili_days"))
    )
    first = pairs.sort("_rid", "enzyme_ratio", descending=[False, True]).group_by("_rid", maintain_order=True).first()
    healing = _days(pl.col("LBDAT"), pl.col("SURG")).is_between(0, int(study.p("postop_lab_days"))).fill_null(False)
    tace = procedures.filter(pl.col("PRTRT") == "TACE").select("SUBJID", tace="PRSTDAT")
    span = _days(pl.col("LBDAT"), pl.col("tace")).is_between(0, int(study.p("dili_tace_days")))
    embolised = first.join(tace, on="SUBJID", how="inner").filter(span).select("_rid").unique()
    kept = first.filter(~healing).join(embolised, on="_rid", how="anti").join(
        progression.select("SUBJID", "PDDAT"), on="SUBJID", how="left"
    )
    known = kept.filter(pl.col("PDDAT").is_null() | (pl.col("LBDAT") < pl.col("PDDAT")))
    return known.with_columns(related(("_enzyme", "LBORRES")), _key=pl.lit("dili"))


@check("SAF-009", on="labs", columns=("LBNRLO", "LBORRES", "LBNRHI", "LBTEST"), uses=("labs.LBORRESU",))
def range_or_unit_conflict(study: Study, labs: pl.LazyFrame) -> pl.LazyFrame:
    """{LBTEST}: the normal range {LBNRLO} to {LBNRHI} is not a range: the low limit must be below the high one.

    Why: ratios to the upper limit and CTCAE grades rest on the range of the laboratory.
    Fix: ask the site for the laboratory's range and unit of this test.
    """
    rows = labs.filter(pl.col("SUBJID").is_not_null())
    upside = rows.filter(pl.col("LBNRLO") >= pl.col("LBNRHI")).with_columns(_key=pl.lit("range"))
    ratio = pl.col("LBORRES") / pl.col("LBNRHI")
    low, high = float(study.p("uln_ratio_min")), float(study.p("uln_ratio_max"))
    far = (pl.col("LBNRHI") > 0) & (pl.col("LBORRES") > 0) & ~ratio.is_between(low, high)
    sound = pl.col("LBNRLO").is_null() | (pl.col("LBNRLO") < pl.col("LBNRHI"))
    # a tumour marker may exceed its limit a thousandfold and more
    odd = rows.filter(far, sound, ~pl.col("LBTEST").is_in(["AFP", "PIVKA-II"]) | (ratio < low)).with_columns(
        ratio=ratio,
        _key=pl.lit("ratio"),
        _say=pl.lit(
            "{LBTEST}: value {LBORRES} {LBORRESU} is {ratio} times the upper limit {LBNRHI}; value and range look like different units."
        ),
    )
    return union([upside, odd])


@check("SAF-010", on="visits", columns=("WEIGHT", "VISDAT"))
def weight_implausible_or_changed(study: Study, visits: pl.LazyFrame) -> pl.LazyFrame:
    """Weight {WEIGHT} kg at {VISIT} is outside {low} to {high} kg.

    Why: weight decides the lenvatinib start dose; a change of more than 15 % is ascites, oedema or a typing error (jin, pounds).
    Fix: ask the site to check the weight and its unit.
    """
    low, high, pct = (float(study.p(n)) for n in ("weight_min_kg", "weight_max_kg", "weight_change_pct"))
    rows = visits.filter(pl.col("SUBJID").is_not_null(), pl.col("WEIGHT").is_not_null())
    outside = rows.filter(~pl.col("WEIGHT").is_between(low, high)).with_columns(
        low=pl.lit(low), high=pl.lit(high), _key=pl.lit("range")
    )
    ordered = rows.filter(pl.col("VISDAT").is_not_null(), pl.col("WEIGHT").is_between(low, high)).sort("SUBJID", "VISDAT", "_rid")
    ordered = ordered.with_columns(
        before=pl.col("WEIGHT").shift(1).over("SUBJID"),
        _prev=pl.col("_rid").shift(1).over("SUBJID"),
        days=_days(pl.col("VISDAT"), pl.col("VISDAT").shift(1).over("SUBJID")),
    )
    change = 100 * (pl.col("WEIGHT") - pl.col("before")).abs() > pct * pl.col("before")
    changed = ordered.filter(change).with_columns(
        related(("_prev", "WEIGHT")),
        _key=pl.lit("change"),
        _say=pl.lit("Weight {before} -> {WEIGHT} kg in {days} days (more than 15 %) at {VISIT}.".replace("15", f"{pct:g}")),
    )
    return union([outside, changed])
