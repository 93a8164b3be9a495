"""The hepatectomy: facts across sheets (SUR-001) and its place in the plan (SUR-002)."""

from __future__ import annotations

import polars as pl

from cdiscx.checks._shape import RELATED, related, union
from cdiscx.checks._words import days_said
from cdiscx.model.spec import Study
from cdiscx.registry import check

_NO_ROW = pl.lit(None, dtype=pl.UInt32)
#: what a reason says of the second of two planned operations
_STAGED = r"(?i)\bstage|staged|\balpps\b|二期|分期|二步|第二阶段"


def hepatectomies(procedures: pl.LazyFrame) -> pl.LazyFrame:
    """Rows of Procedures that are hepatectomies of a subject."""
    return procedures.filter(pl.col("PRTRT") == "HEPATECTOMY", pl.col("SUBJID").is_not_null())


def index_operation(procedures: pl.LazyFrame) -> pl.LazyFrame:
    """The first hepatectomy of each subject: SUBJID, SURG, _surg (its row)."""
    dated = hepatectomies(procedures).filter(pl.col("PRSTDAT").is_not_null()).sort("SUBJID", "PRSTDAT", "_rid")
    return dated.group_by("SUBJID", maintain_order=True).agg(
        SURG=pl.col("PRSTDAT").first(), _surg=pl.col("_rid").first()
    )


# --- SUR-001 --------------------------------------------------------------------------------------------------------


@check(
    "SUR-001",
    on="pathology",
    columns=("MIDAT", "MISPEC"),
    needs=("procedures", "procedures.PRTRT", "procedures.PRSTDAT"),
    silenced_by=("procedures.PRSTDAT", "procedures.PRTRT"),
)
def specimen_of_another_day(study: Study, pathology: pl.LazyFrame, procedures: pl.LazyFrame) -> pl.LazyFrame:
    """Surgery date {SURG} in Procedures, {MIDAT} in Pathology (resection specimen, nodule {MINODULE}).

    Why: the specimen is taken at the operation; two dates make the start of disease-free survival uncertain.
    Fix: Ask the site which date is right, the specimen's or the operation's.
    Rule: SUR-001, END-009; the specimen is dated within one day of the hepatectomy
    """
    tolerance = int(study.p("surgery_date_tolerance_days"))
    operations = hepatectomies(procedures).select("SUBJID", SURG="PRSTDAT", _surg="_rid").drop_nulls("SURG")
    specimens = pathology.filter(pl.col("MISPEC") == "RESECTION", pl.col("MIDAT").is_not_null())
    pairs = specimens.join(operations, on="SUBJID", how="inner")
    away = (pl.col("MIDAT") - pl.col("SURG")).dt.total_days().abs()
    nearest = (
        pairs.with_columns(_away=away).sort("_rid", "_away", "_surg").group_by("_rid", maintain_order=True).first()
    )
    return nearest.filter(pl.col("_away") > tolerance).with_columns(
        related(("_surg", "PRSTDAT")), _key=pl.lit("specimen")
    )


@check(
    "SUR-001",
    on="subjects",
    needs=("procedures", "procedures.PRTRT"),
    uses=(
        "pathology",
        "pathology.MISPEC",
        "pathology.MIDAT",
        "pathology.BIOMARK",
        "visits",
        "visits.VISDAT",
        "visits.VISDONE",
    ),
    silenced_by=("procedures.PRTRT",),
)
def surgery_without_hepatectomy(
    study: Study, subjects: pl.LazyFrame, procedures: pl.LazyFrame, pathology: pl.LazyFrame, visits: pl.LazyFrame
) -> pl.LazyFrame:
    """{said}, but Procedures has no hepatectomy for {SUBJID}.

    Why: a resected subject without an operation is missing from every surgical endpoint.
    Fix: Ask the site for the operation, or to correct the record that speaks of one (a biopsy, a visit that was not done).
    Rule: SUR-001: exactly one index hepatectomy
    """
    surgical = [v.name for v in study.schedule if v.anchor == "SURG" and v.target == 0]
    operated = hepatectomies(procedures).select("SUBJID")
    # a procedure that could not be told apart may be the operation
    unnamed = procedures.filter(pl.col("PRTRT").is_null()).select("SUBJID")
    cut = pathology.filter(pl.col("MISPEC") == "RESECTION", pl.col("BIOMARK").is_null()).sort("_rid").select(
        "SUBJID", "_rid", _at="_rid", _in=pl.lit("MIDAT"), _table=pl.lit("pathology"), _column=pl.lit("MIDAT"), _order=pl.lit(0),
        said=pl.lit("Pathology has a resection specimen of ") + pl.col("MIDATC").fill_null("unknown date"),
    )  # fmt: skip
    again = procedures.filter(pl.col("PRTRT") == "REOPERATION").sort("_rid").select(
        "SUBJID", "_rid", _at="_rid", _in=pl.lit("PRTRT"), _table=pl.lit("procedures"), _column=pl.lit("PRTRT"), _order=pl.lit(1),
        said=pl.lit("Procedures has a reoperation"),
    )  # fmt: skip
    done = visits.filter(pl.col("VISIT").is_in(surgical), pl.col("VISDONE") == "Y").sort("_rid").select(
        "SUBJID", _NO_ROW.alias("_rid"), _at="_rid", _in=pl.lit("VISDAT"), _table=pl.lit("procedures"), _column=pl.lit("PRTRT"), _order=pl.lit(2),
        said=pl.lit("Visits says that ") + pl.col("VISIT") + pl.lit(" took place on ") + pl.col("VISDATC").fill_null("an unknown date"),
    )  # fmt: skip
    told = union([cut, again, done]).join(operated, on="SUBJID", how="anti").join(unnamed, on="SUBJID", how="anti")
    listed = told.join(subjects.select("SUBJID").unique(), on="SUBJID", how="semi")
    first = (
        listed.sort("_order", "_at")
        .group_by("SUBJID", maintain_order=True)
        .agg(
            pl.col("_rid", "_table", "_column", "said").first(),
            _related=pl.struct(rid=pl.col("_at"), column=pl.col("_in")),
        )
    )
    return first.with_columns(pl.col("_related").cast(RELATED), _key=pl.lit("no operation"))


@check("SUR-001", on="procedures", columns=("PRTRT", "PRSTDAT"), uses=("procedures.PRREAS",))
def more_than_one_hepatectomy(procedures: pl.LazyFrame) -> pl.LazyFrame:
    """A second hepatectomy on {PRSTDAT}, after the one of {first}; there is exactly one index operation.

    Why: survival from hepatectomy and 30-day safety start at one date.
    Fix: Ask the site whether this is a second stage (say so in Reason), a reoperation, or a repeat of the same record.
    Rule: SUR-001; a second stage that its Reason names is in order
    """
    rows = hepatectomies(procedures).filter(pl.col("PRSTDAT").is_not_null()).sort("SUBJID", "PRSTDAT", "_rid")
    rows = rows.with_columns(
        first=pl.col("PRSTDAT").first().over("SUBJID"), _first=pl.col("_rid").first().over("SUBJID")
    )
    planned = pl.col("PRREAS").str.contains(_STAGED).fill_null(False)
    # the same date twice is STR-006
    later = rows.filter(pl.col("_rid") != pl.col("_first"), pl.col("PRSTDAT") != pl.col("first"), ~planned)
    return later.with_columns(related(("_first", "PRSTDAT")), _key=pl.lit("second"))


@check("SUR-001", on="procedures", columns=("HOADMDAT", "PRTRT", "PRSTDAT"), uses=("procedures.HODISDAT",))
def admitted_after_the_operation(procedures: pl.LazyFrame) -> pl.LazyFrame:
    """Surgery date {PRSTDAT}, but its hospital stay began on {HOADMDAT} ({n} later).

    Why: length of stay and 30-day outcomes are counted from this stay.
    Fix: Ask the site to check the dates of operation and admission.
    Rule: SUR-001: the stay contains the operation; a discharge before the operation is SUR-004
    """
    n = (pl.col("HOADMDAT") - pl.col("PRSTDAT")).dt.total_days()
    late = hepatectomies(procedures).filter(pl.col("HOADMDAT") > pl.col("PRSTDAT"))
    return late.with_columns(related(("_rid", "PRSTDAT")), n=days_said(n), _key=pl.lit("stay"))


# --- SUR-002 --------------------------------------------------------------------------------------------------------


@check(
    "SUR-002",
    on="procedures",
    columns=("PRSTDAT", "PRTRT"),
    needs=("anchors",),
    uses=("procedures.PRREAS",),
    silenced_by=("procedures.PRENDAT", "decision.DECDAT"),
)
def surgery_outside_plan(study: Study, procedures: pl.LazyFrame, anchors: pl.LazyFrame) -> pl.LazyFrame:
    """Hepatectomy {PRSTDAT} is {n} {side} {anchor} ({adate}); the plan is {span} after it.

    Why: the interval before surgery is part of the protocol.
    Fix: Ask the site to check the two dates; if both are right, record the protocol deviation.
    Rule: SUR-002; trial B 4.3: 28 to 56 days after the last fraction; trial A: within 42 days after the decision
    """
    plans = {
        "RTEND": (int(study.p("surgery_after_rt_min_days")), int(study.p("surgery_after_rt_max_days"))),
        "DECISION": (0, int(study.p("surgery_after_decision_days"))),
    }
    pieces = []
    for name, (low, high) in plans.items():
        if name not in study.anchors:
            continue
        rows = index_operation(procedures).join(
            anchors.select("SUBJID", adate=name, _arid=f"{name}_RID"), on="SUBJID", how="inner"
        )
        days = (pl.col("SURG") - pl.col("adate")).dt.total_days()
        label = study.anchors[name].label
        column = (study.anchors[name].sheet or "").partition(".")[2] or None
        pieces.append(
            rows.filter((days < low) | (days > high)).select(
                "SUBJID", "adate", _rid="_surg", PRSTDAT="SURG", n=days_said(days.abs()),
                side=pl.when(days < 0).then(pl.lit("before")).otherwise(pl.lit("after")), anchor=pl.lit(f"the {label}"),
                span=pl.lit(f"{low} to {high} days"), _related=related(("_arid", column or "")), _key=pl.lit(name),
            )
        )  # fmt: skip
    return union(pieces)
