"""BCLC stage against the lesions, Child-Pugh score against the laboratory (MEA-028)."""

from __future__ import annotations

import polars as pl

from cdiscx.checks._arithmetic import number_said
from cdiscx.checks._shape import RELATED, nothing
from cdiscx.model.spec import Study
from cdiscx.registry import check
from cdiscx.standards.child_pugh import albumin_points, bilirubin_points, inr_points
from cdiscx.standards.organs import INTRAHEPATIC
from cdiscx.standards.units import lab_value
from cdiscx.views.timepoints import criterion_of

_ORDER = ["0", "A", "B", "C", "D"]
_VESSELS = ("PORTAL VEIN", "HEPATIC VEIN")
#: effusions are not proof of spread (MR-M-8)
_FLUID = r"(?i)ascites|effusion|腹水|积液"
#: an INR above this is a prothrombin time in seconds
_LARGEST_INR = 8
_ITEMS = ("BILI", "ALB", "INR")


@check(
    "MEA-028",
    on="subjects",
    columns=("BCLC",),
    needs=("judged_lesions",),
    uses=("subjects.PVTTCLS",),
    silenced_by=("subjects.BCLC",),
)
def stage_too_low_for_the_lesions(study: Study, subjects: pl.LazyFrame, judged_lesions: pl.LazyFrame) -> pl.LazyFrame:
    """BCLC {BCLC} with {finding}: a tumour in a portal or hepatic vein or outside the liver is at least stage C.

    Why: the stage describes the population and decides on eligibility.
    Fix: ask the site whether the stage or the lesion is wrong.
    Rule: BC-C (response-criteria 5); catalogue MEA-028
    """
    c = criterion_of(study)
    limit = pl.when("PORTA").then(c.porta_hepatis_normal_mm).otherwise(c.node_normal_mm)
    base = judged_lesions.filter(
        pl.col("TP") == 0,
        pl.col("BASETYPE") == "PRE-TREATMENT",
        pl.col("CLASS") != "NEW",
        pl.col("ORGAN").is_not_null(),
    )
    text = pl.col("TUORGAN").fill_null("") + pl.lit(" ") + pl.col("TULOC").fill_null("")
    vessel = pl.col("ORGAN").is_in(list(_VESSELS))
    outside = (~pl.col("ORGAN").is_in(list(INTRAHEPATIC)) | pl.col("NODAL")) & ~text.str.contains(_FLUID)
    normal = (pl.col("NODAL") & (pl.col("SIZE") < limit)).fill_null(False)
    gone = (pl.col("TRSTATUS") == "ABSENT").fill_null(False)
    place = pl.when(pl.col("NODAL")).then(pl.lit("lymph node")).otherwise(pl.col("ORGAN").str.to_lowercase())
    words = (
        pl.when(vessel)
        .then(pl.lit("tumour thrombus ") + pl.col("LESID"))
        .otherwise(pl.lit("extrahepatic lesion ") + pl.col("LESID"))
    )
    seen = (
        base.filter(vessel | outside, ~normal, ~gone)
        .sort("_rid")
        .group_by("SUBJID")
        .agg(
            _said=(words + pl.lit(" (") + place + pl.lit(")")).unique(maintain_order=True).str.join(", "),
            _related=pl.struct(rid=pl.col("_rid"), column=pl.lit("TUORGAN", dtype=pl.String)),
        )
    )
    cls = pl.col("PVTTCLS") if "PVTTCLS" in subjects.collect_schema().names() else pl.lit(None, dtype=pl.String)
    rows = subjects.filter(pl.col("SUBJID").is_not_null(), pl.col("BCLC").is_not_null()).join(
        seen, on="SUBJID", how="left"
    )
    thrombus = pl.when((cls != "NONE").fill_null(False)).then(pl.lit("PVTT class ") + cls)
    finding = pl.concat_list(thrombus, pl.col("_said")).list.drop_nulls()
    low = pl.col("BCLC").is_in(_ORDER[: _ORDER.index("C")])
    return rows.with_columns(finding=finding.list.join(" and "), _related=pl.col("_related").cast(RELATED)).filter(
        low, pl.col("finding") != ""
    )


@check("MEA-028", on="subjects", columns=("BCLC",), silenced_by=("subjects.BCLC",))
def stage_outside_the_trial(study: Study, subjects: pl.LazyFrame) -> pl.LazyFrame:
    """BCLC {BCLC} is not a stage of this trial ({stages}).

    Why: the trial is for these stages; another one is a slip of the pen or an eligibility failure.
    Fix: ask the site to confirm the stage at screening.
    Rule: inclusion criterion on the BCLC stage (trial-a A-INC-01); catalogue MEA-028
    """
    rule = next((e for e in study.eligibility.values() if e.column == "subjects.BCLC" and e.one_of), None)
    if rule is None:
        return nothing()
    stages = list(rule.one_of)
    wrong = pl.col("BCLC").is_not_null() & ~pl.col("BCLC").is_in(stages)
    return subjects.filter(wrong, pl.col("SUBJID").is_not_null()).with_columns(
        stages=pl.lit(" or ".join(stages)), _expected=pl.lit(" or ".join(stages)), _key=pl.lit("trial")
    )


def _around_screening(study: Study, labs: pl.LazyFrame, visits: pl.LazyFrame) -> pl.LazyFrame:
    """Samples within so many days of the baseline visit; without its date those named after it."""
    names = [v.name for v in study.schedule if v.baseline]
    days = int(study.p("child_pugh_days"))
    screening = visits.filter(pl.col("VISIT").is_in(names), pl.col("VISDAT").is_not_null())
    when = screening.group_by("SUBJID").agg(_when=pl.col("VISDAT").min())
    rows = labs.filter(pl.col("LBTEST").is_in(list(_ITEMS)), pl.col("SUBJID").is_not_null()).join(
        when, on="SUBJID", how="left"
    )
    near = (pl.col("LBDAT") - pl.col("_when")).dt.total_days().abs() <= days
    return rows.filter(pl.when(pl.col("_when").is_not_null()).then(near).otherwise(pl.col("VISIT").is_in(names)))


def _points(labs: pl.LazyFrame) -> pl.LazyFrame:
    """Per subject and test the fewest and the most points of its samples, and the values in words."""
    value = lab_value(pl.col("LBTEST"), pl.col("LBORRES"), pl.col("LBORRESU"))
    points = (
        pl.when(pl.col("LBTEST") == "BILI")
        .then(bilirubin_points(pl.col("_value"), "umol/L"))
        .when(pl.col("LBTEST") == "ALB")
        .then(albumin_points((pl.col("_value") / 10).round(6)))
        .when(pl.col("_value") <= _LARGEST_INR)
        .then(inr_points(pl.col("_value")))
    )
    judged = labs.with_columns(_value=value.cast(pl.Float64)).with_columns(_p=points).filter(pl.col("_p").is_not_null())
    unit = pl.when(pl.col("LBORRESU").is_not_null()).then(pl.lit(" ") + pl.col("LBORRESU")).otherwise(pl.lit(""))
    words = (
        pl.col("LBTEST")
        + pl.lit(" ")
        + number_said("LBORRES")
        + unit
        + pl.lit(" (")
        + pl.col("_p").cast(pl.String)
        + pl.lit(")")
    )
    return judged.sort("LBTEST", "LBDAT", "_rid").group_by("SUBJID", "LBTEST", maintain_order=True).agg(
        _low=pl.col("_p").min().cast(pl.Int32), _high=pl.col("_p").max().cast(pl.Int32), _words=words.str.join(" or "),
        _cells=pl.struct(rid=pl.col("_rid"), column=pl.lit("LBORRES", dtype=pl.String)),
    )  # fmt: skip


@check(
    "MEA-028",
    on="subjects",
    columns=("CPSCORE",),
    needs=("labs", "labs.LBORRES", "labs.LBORRESU", "labs.LBDAT", "visits", "visits.VISDAT"),
    silenced_by=("subjects.CPSCORE", "labs.LBORRES", "labs.LBORRESU"),
)
def score_disagrees_with_the_laboratory(
    study: Study, subjects: pl.LazyFrame, labs: pl.LazyFrame, visits: pl.LazyFrame
) -> pl.LazyFrame:
    """Child-Pugh score {CPSCORE}, recomputed {calc} from {parts}{rest}.

    Why: the score describes the liver function at entry and decides on eligibility.
    Fix: ask the site to recompute the score and to check the units of the laboratory values.
    Rule: response-criteria 5, parameter child_pugh_days; catalogue MEA-028
    Not checked: ascites and encephalopathy (not in the layout): a score that they may explain is a note.
    """
    tests = _points(_around_screening(study, labs, visits))
    both = tests.group_by("SUBJID", maintain_order=True).agg(
        n=pl.len(), _low=pl.col("_low").sum(), _high=pl.col("_high").sum(), parts=pl.col("_words").str.join(", "),
        _related=pl.col("_cells").list.explode(empty_as_null=False),
    )  # fmt: skip
    rows = subjects.filter(pl.col("SUBJID").is_not_null(), pl.col("CPSCORE").is_not_null()).join(both, on="SUBJID")
    # ascites and encephalopathy: at least one point each, at most three; a test that is not there the same
    unknown = len(_ITEMS) - pl.col("n").cast(pl.Int32) + 2
    least, most = pl.col("_low") + unknown, pl.col("_high") + 3 * unknown
    plain = pl.col("_high") + unknown
    score = pl.col("CPSCORE")
    told = rows.with_columns(_least=least, _most=most, _plain=plain).filter(
        (score < pl.col("_least"))
        | (score > pl.col("_most"))
        | ((score > pl.col("_plain")) & (pl.col("n") == len(_ITEMS)))
    )
    low = score < pl.col("_least")
    number = pl.when(low).then("_least").otherwise("_plain")
    return told.with_columns(
        calc=pl.when(low).then(pl.lit("at least ")).otherwise(pl.lit("")) + number.cast(pl.String),
        rest=pl.when(low)
        .then(pl.lit(" with nothing for ascites and encephalopathy"))
        .otherwise(pl.lit(" without ascites and encephalopathy, which are not collected")),
        _severity=pl.when((score <= pl.col("_most")) & ~low).then(pl.lit("note")),
        _expected=number.cast(pl.String),
        _related=pl.col("_related").cast(RELATED),
    )
