"""Laboratory values: severe values without an event, liver injury, ranges (SAF-007 to SAF-009)."""

from __future__ import annotations

import polars as pl

from cdiscx.checks._shape import related, union
from cdiscx.model.spec import Study
from cdiscx.registry import check
from cdiscx.standards.ctcae import AE_WORDS, severe_grade
from cdiscx.standards.dates import earliest, latest
from cdiscx.standards.exact import divided
from cdiscx.standards.units import lab_value

_RESULT = ("LBORRES", "LBORRESU", "LBNRHI", "LBDAT", "LBTEST")


def _dated(anchors: pl.LazyFrame, *names: str) -> pl.LazyFrame:
    """SUBJID and the named anchors; one that the study does not have is null."""
    has = anchors.collect_schema().names()
    return anchors.select("SUBJID", *(pl.col(n) if n in has else pl.lit(None, dtype=pl.Date).alias(n) for n in names))


#: liver enzymes, which peak after embolisation and resection; tests of which a low value is severe
_ENZYMES = ["ALT", "AST"]
_LOW = ["PLAT", "ALB"]


def _healing(study: Study) -> pl.Expr:
    """Whether LBDAT lies in the week after the hepatectomy (SURG)."""
    return _days(pl.col("LBDAT"), pl.col("SURG")).is_between(0, int(study.p("postop_lab_days"))).fill_null(False)


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
    """{LBTEST} {LBORRES} {LBORRESU} on {LBDAT} ({shown}) is CTCAE grade {grade}: no adverse event within {around} days reports it.

    Why: a grade 3 or worse laboratory value on treatment is usually an adverse event.
    Fix: Ask the site whether the value was clinically relevant, and to report it as an adverse event if so.
    Rule: SAF-007; CTCAE v5.0; from the day after first treatment to 30 days after the last dose; left out are grades not
    worse than at baseline and transaminases in the week after hepatectomy
    """
    limit, around = int(study.p("lab_severe_grade")), int(study.p("lab_ae_days"))
    rows = labs.filter(pl.col("SUBJID").is_not_null(), pl.col("LBDAT").is_not_null()).join(
        _dated(anchors, "D1", "LASTDOSE", "SURG"), on="SUBJID", how="inner"
    )
    value, upper, test = pl.col("LBORRES"), pl.col("LBNRHI"), pl.col("LBTEST")
    rows = rows.with_columns(
        grade=severe_grade(test, value, upper, lab_value(test, value, pl.col("LBORRESU"))), ratio=divided(value, upper)
    )
    start = pl.col("D1")
    before_treatment = pl.col("grade").filter(pl.col("LBDAT") <= start).max().over("SUBJID", "LBTEST").fill_null(0)
    on_treatment = (pl.col("LBDAT") > start) & (
        pl.col("LASTDOSE").is_null()
        | (_days(pl.col("LBDAT"), pl.col("LASTDOSE")) <= int(study.p("lab_on_treatment_days")))
    )
    healing = pl.col("LBTEST").is_in(_ENZYMES) & _healing(study)
    shown = (
        pl.when(pl.col("LBTEST").is_in(_LOW)).then(pl.lit("too low"))
        .when(pl.col("ratio").is_not_null()).then(pl.col("ratio").round(1).cast(pl.String) + pl.lit(" x the upper limit"))
        .otherwise(pl.lit("no upper limit given"))
    )  # fmt: skip
    severe = rows.with_columns(_base=before_treatment, shown=shown, around=pl.lit(around)).filter(
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
    return pairs.filter(match, _covers(around)).select("_rid").unique()


def _covers(around: int) -> pl.Expr:
    """Whether an event (`_from_`, `_to`, `_open`) covers LBDAT, `around` days either side."""
    margin = pl.duration(days=around)
    begun = pl.col("_from_") <= pl.col("LBDAT") + margin
    return (begun & (pl.col("_open") | (pl.col("_to") >= pl.col("LBDAT") - margin))).fill_null(False)


#: words in an adverse event's term that explain both values by obstructed bile ducts
_OBSTRUCTION = r"(?i)obstruct|cholangitis|cholestas|bile duct|biliary|胆管|胆道|梗阻|胆汁淤积"


@check(
    "SAF-008",
    on="labs",
    columns=_RESULT,
    needs=("anchors",),
    uses=("progression", "procedures.PRTRT", "procedures.PRSTDAT", "ae", "ae.AETERM", "ae.AESTDAT", "ae.AEENDAT"),
)
def possible_liver_injury(
    study: Study,
    labs: pl.LazyFrame,
    anchors: pl.LazyFrame,
    progression: pl.LazyFrame,
    procedures: pl.LazyFrame,
    ae: pl.LazyFrame,
) -> pl.LazyFrame:
    """{enzyme} {enzyme_ratio} x ULN ({enzyme_date}) and bilirubin {ratio} x ULN on {LBDAT}: possible drug-induced liver injury, needs medical review.

    Why: transaminases of 3 times and bilirubin of 2 times the upper limit together (Hy's law) may be a serious liver injury.
    Fix: Ask the investigator for a medical review: other causes, the adverse event, the drug's action taken.
    Rule: SAF-008; both within 14 days; a value raised at baseline counts from twice the baseline (enzymes: and above 3 x
    ULN); left out: the week after TACE and after hepatectomy, obstruction, and values from the first progression on
    Not checked: whether the progression was in the liver.
    """
    rows = labs.filter(
        pl.col("SUBJID").is_not_null(),
        pl.col("LBDAT").is_not_null(),
        pl.col("LBNRHI") > 0,
        pl.col("LBTEST").is_in([*_ENZYMES, "BILI"]),
    ).join(_dated(anchors, "D1", "SURG"), on="SUBJID", how="inner")
    rows = rows.with_columns(ratio=divided(pl.col("LBORRES"), pl.col("LBNRHI"))).with_columns(
        _base=pl.col("ratio")
        .filter(pl.col("LBDAT") <= pl.col("D1"))
        .last()
        .over("SUBJID", "LBTEST", order_by=["LBDAT", "_rid"])
    )
    raised = (pl.col("_base") > 1).fill_null(False)
    real = ~raised | (pl.col("ratio") >= float(study.p("dili_baseline_factor")) * pl.col("_base"))
    alt, bili = float(study.p("dili_alt_uln")), float(study.p("dili_bili_uln"))
    high_enzyme = pl.when(raised).then(pl.col("ratio") > alt).otherwise(pl.col("ratio") >= alt)
    high = pl.when(pl.col("LBTEST") == "BILI").then(pl.col("ratio") >= bili).otherwise(high_enzyme)
    rows = rows.filter(high, real, pl.col("LBDAT") > pl.col("D1"), ~_healing(study))
    rows = rows.join(_embolised(study, rows, procedures), on="_rid", how="anti")
    enzymes = rows.filter(pl.col("LBTEST") != "BILI").select(
        "SUBJID", enzyme="LBTEST", enzyme_ratio="ratio", enzyme_date="LBDAT", _enzyme="_rid"
    )
    pairs = (
        rows.filter(pl.col("LBTEST") == "BILI")
        .join(enzymes, on="SUBJID", how="inner")
        .filter(_days(pl.col("LBDAT"), pl.col("enzyme_date")).abs() <= int(study.p("dili_days")))
    )
    first = (
        pairs.sort("_rid", "enzyme_ratio", "_enzyme", descending=[False, True, False])
        .group_by("_rid", maintain_order=True)
        .first()
    )
    blocked = ae.filter(pl.col("AETERM").str.contains(_OBSTRUCTION)).select(
        "SUBJID",
        _from_=earliest(pl.col("AESTDATC")),
        _to=latest(pl.col("AEENDATC")),
        _open=pl.col("AEENDATC").is_null(),
    )
    explained = first.join(blocked, on="SUBJID", how="inner").filter(_covers(int(study.p("dili_days")))).select("_rid")
    kept = first.join(explained, on="_rid", how="anti").join(
        progression.select("SUBJID", "PDDAT"), on="SUBJID", how="left"
    )
    known = kept.filter(pl.col("PDDAT").is_null() | (pl.col("LBDAT") < pl.col("PDDAT")))
    return known.with_columns(related(("_enzyme", "LBORRES")), _key=pl.lit("dili"))


def _embolised(study: Study, rows: pl.LazyFrame, procedures: pl.LazyFrame) -> pl.LazyFrame:
    """Values (`_rid`) in the week after a TACE, when embolisation itself raises them."""
    tace = procedures.filter(pl.col("PRTRT") == "TACE").select("SUBJID", tace="PRSTDAT")
    near = _days(pl.col("LBDAT"), pl.col("tace")).is_between(0, int(study.p("dili_tace_days")))
    return (
        rows.select("_rid", "SUBJID", "LBDAT").join(tace, on="SUBJID", how="inner").filter(near).select("_rid").unique()
    )


#: plausible upper limits of normal in the test's standard unit, wide enough for any laboratory; outside them value and
#: range are in different units (mg/dL against umol/L, g/dL against g/L)
_UPPER_LIMITS: dict[str, tuple[float, float]] = {
    "BILI": (5, 60), "ALB": (30, 90), "CREAT": (30, 300), "PLAT": (100, 1000), "ALT": (10, 200), "AST": (10, 200),
}  # fmt: skip


@check("SAF-009", on="labs", columns=("LBNRLO", "LBORRES", "LBNRHI", "LBTEST"), uses=("labs.LBORRESU",))
def range_or_unit_conflict(study: Study, labs: pl.LazyFrame) -> pl.LazyFrame:
    """{LBTEST}: value {LBORRES} {LBORRESU}, range {LBNRLO} to {LBNRHI}: the low limit must be below the high one.

    Why: ratios to the upper limit and CTCAE grades rest on the range of the laboratory.
    Fix: Ask the site for the laboratory's range and unit of this test.
    Rule: SAF-009; ranges may differ from site to site; tumour markers may exceed their limit a thousandfold
    """
    rows = labs.filter(pl.col("SUBJID").is_not_null())
    upside = rows.filter(pl.col("LBNRLO") >= pl.col("LBNRHI")).with_columns(_key=pl.lit("range"))
    sound = rows.filter(pl.col("LBNRHI") > 0, pl.col("LBNRLO").is_null() | (pl.col("LBNRLO") < pl.col("LBNRHI")))
    ratio = divided(pl.col("LBORRES"), pl.col("LBNRHI"))
    low, high = float(study.p("uln_ratio_min")), float(study.p("uln_ratio_max"))
    far = (ratio < low) | ((ratio > high) & ~pl.col("LBTEST").is_in(["AFP", "PIVKA-II"]))
    odd = sound.filter(far).with_columns(
        ratio=ratio,
        _key=pl.lit("ratio"),
        _say=pl.lit(
            "{LBTEST}: value {LBORRES} {LBORRESU} is {ratio} times the upper limit {LBNRHI}: value and range look like different units."
        ),
    )
    strange = pl.lit(False)
    for test, (least, most) in _UPPER_LIMITS.items():
        strange = strange | ((pl.col("LBTEST") == test) & ~pl.col("_upper").is_between(least, most))
    upper = lab_value(pl.col("LBTEST"), pl.col("LBNRHI"), pl.col("LBORRESU"))
    near = sound.filter(~far.fill_null(False)).with_columns(_upper=upper)
    other_unit = (
        near.filter(strange.fill_null(False))
        .drop("_upper")
        .with_columns(
            _key=pl.lit("unit"),
            _say=pl.lit(
                "{LBTEST}: range {LBNRLO} to {LBNRHI} is no normal range in {LBORRESU}: the range (or the unit) belongs to another unit than {LBORRES} {LBORRESU}."
            ),
        )
    )
    return union([upside, odd, other_unit])
