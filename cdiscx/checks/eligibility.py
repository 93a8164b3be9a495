"""Eligibility at baseline, as far as the upload can test it (END-018)."""

from __future__ import annotations

import polars as pl

from cdiscx.checks._shape import nothing, related, union
from cdiscx.checks._words import said
from cdiscx.model.spec import Eligibility, Study
from cdiscx.registry import check
from cdiscx.standards.dates import earliest, latest
from cdiscx.standards.organs import INTRAHEPATIC


def _age(subjects: pl.LazyFrame) -> pl.LazyFrame:
    """AGE as given, else the fewest whole years at consent that the birth date allows; `_hi`: the most."""

    def years(born: pl.Expr) -> pl.Expr:
        consent = pl.col("RFICDAT")
        had_birthday = (consent.dt.month() > born.dt.month()) | (
            (consent.dt.month() == born.dt.month()) & (consent.dt.day() >= born.dt.day())
        )
        return (consent.dt.year() - born.dt.year() - pl.when(had_birthday).then(0).otherwise(1)).cast(pl.Float64)

    oldest, youngest = years(earliest(pl.col("BRTHDATC"))), years(latest(pl.col("BRTHDATC")))
    return subjects.with_columns(AGE=pl.coalesce("AGE", youngest), _hi=pl.coalesce("AGE", oldest))


def _broken(rule: Eligibility, column: str) -> pl.Expr:
    value = pl.col(column)
    out = pl.lit(False)
    if rule.one_of:
        out = out | ~value.is_in(list(rule.one_of))
    if rule.min is not None:
        out = out | (value < rule.min)
    if rule.max is not None:
        out = out | (value > rule.max)
    return out.fill_null(False)


@check(
    "END-018",
    on="subjects",
    columns=("SUBJID",),
    needs=("anchors",),
    uses=("subjects.BCLC", "subjects.AGE", "subjects.BRTHDAT", "subjects.RFICDAT", "subjects.ECOG", "subjects.CPSCORE",
          "subjects.PVTTCLS", "visits", "visits.ECOG", "visits.VISDAT"),
)  # fmt: skip
def criterion_not_met(
    study: Study, subjects: pl.LazyFrame, visits: pl.LazyFrame, anchors: pl.LazyFrame
) -> pl.LazyFrame:
    """{SUBJID}: {criterion} not met ({header} is {value}{where}).

    Why: a subject who should not have been enrolled is a protocol deviation and may leave the per-protocol set.
    Fix: Ask the site to check the value; if it is right, record the protocol deviation.
    Rule: END-018; values at baseline only; blanks are STR-009's and END-004's; the last ECOG of a visit on or before first
    treatment is the baseline value as well
    Not checked: criteria that the layout does not carry (prior therapy, resectability).
    """
    has = subjects.collect_schema().names()
    listed = subjects.filter(pl.col("SUBJID").is_not_null()).with_columns(
        where=pl.lit(""), _at=pl.lit(None, dtype=pl.UInt32)
    )
    rows = _age(listed) if {"AGE", "BRTHDATC", "RFICDAT"} <= set(has) else listed
    pieces = []
    for name, rule in study.eligibility.items():
        table, _, column = (rule.column or "").partition(".")
        if table != "subjects" or column not in has:
            continue
        fails = _broken(rule, column)
        if (
            column == "AGE" and "_hi" in rows.collect_schema().names()
        ):  # a partial birth date counts only where no day helps
            fails = fails & _broken(rule, "_hi")
        broken = [rows.filter(fails)]
        if column == "ECOG":
            broken.append(_at_visit(rows.filter(~fails), visits, anchors, study, column).filter(fails))
        # an age that was computed stands on the birth date
        cell = (
            pl.when(pl.col("AGEC").is_null()).then(pl.lit("BRTHDAT")).otherwise(pl.lit("AGE"))
            if column == "AGE"
            else pl.lit(column)
        )
        header = "age at consent" if column == "AGE" else study.header("subjects", column)
        pieces.append(
            union(broken).select(
                "SUBJID", "_rid", "where", related(("_at", column)), value=pl.col(column).cast(pl.String).str.replace(r"\.0$", ""),
                criterion=pl.lit(f"{name} ({rule.text})"), header=pl.lit(header), _column=cell,
                _severity=pl.lit(rule.severity), _key=pl.lit(name),
            )
        )  # fmt: skip
    return union(pieces)


def _at_visit(
    rows: pl.LazyFrame, visits: pl.LazyFrame, anchors: pl.LazyFrame, study: Study, column: str
) -> pl.LazyFrame:
    """The subjects with the column's last value of a visit on or before first treatment in its place."""
    if "D1" not in study.anchors:
        return rows.filter(False)
    spec = study.column("visits", column)
    # what is outside the column's range is STR-009's, and no value
    low = spec.min if spec is not None and spec.min is not None else float("-inf")
    high = spec.max if spec is not None and spec.max is not None else float("inf")
    dated = visits.filter(pl.col(column).is_between(low, high)).join(
        anchors.select("SUBJID", "D1"), on="SUBJID", how="inner"
    )
    last = (
        dated.filter(pl.col("VISDAT") <= pl.col("D1"))
        .sort("VISDAT", "_rid")
        .group_by("SUBJID", maintain_order=True)
        .agg(pl.col(column).last(), pl.col("VISIT", "VISDAT").last(), _at=pl.col("_rid").last())
    )
    return (
        rows.drop(column, "_at", "where")
        .join(last, on="SUBJID", how="inner")
        .with_columns(where=said(" at ", pl.col("VISIT"), " on ", pl.col("VISDAT")))
    )


@check(
    "END-018",
    on="subjects",
    needs=("lesions", "assessments"),
    uses=("responses", "responses.TRGRESP"),
    silenced_by=("targets.LDIAM", "targets.SAXIS", "targets.VDIAM", "targets.TRSTATUS", "targets.TRDAT"),
)
def no_measurable_lesion(
    study: Study, subjects: pl.LazyFrame, lesions: pl.LazyFrame, assessments: pl.LazyFrame, responses: pl.LazyFrame
) -> pl.LazyFrame:
    """{SUBJID}: {criterion} not met (no {kind} with a measurement at baseline).

    Why: without a measurable lesion neither response nor progression by size can be judged.
    Fix: Ask the site whether a target lesion was left out at baseline; otherwise record the protocol deviation.
    Rule: END-018; a target that is too small is MEA-002's, one without a number MEA-008's, a baseline without rows of
    targets that later assessments measure END-011's
    """
    rules = {n: r for n, r in study.eligibility.items() if r.rule == "measurable_lesion"}
    if not rules:
        return nothing()
    name, rule = next(iter(rules.items()))
    base = assessments.filter(pl.col("ROLE") == "BASELINE").select("SUBJID", "EVAL", "VISIT")
    at_base = lesions.join(base, on=["SUBJID", "EVAL", "VISIT"], how="semi", nulls_equal=True)
    liver = study.criterion is not None and study.criterion.name == "MRECIST"
    targets = lesions.filter(pl.col("CLASS") == "TARGET")
    targets_at_base = at_base.filter(pl.col("CLASS") == "TARGET")
    # a size that is not known may be large enough: its blank has a finding of its own
    measurable = targets_at_base.filter(pl.col("VALUE").is_null() | (pl.col("VALUE") > 0))
    measurable = measurable.filter(pl.col("LIVER")) if liver else measurable
    spoken_of = pl.concat(
        [targets.select("SUBJID"), responses.filter(pl.col("TRGRESP").is_not_null()).select("SUBJID")]
    )
    left_out = spoken_of.join(targets_at_base, on="SUBJID", how="anti")
    # no baseline scan at all is VIS-005's and END-011's finding
    scanned = (
        subjects.select("SUBJID", "_rid")
        .unique("SUBJID", keep="first", maintain_order=True)
        .join(at_base, on="SUBJID", how="semi")
    )
    lacking = scanned.join(measurable, on="SUBJID", how="anti").join(left_out, on="SUBJID", how="anti")
    return lacking.select(
        "SUBJID", "_rid", criterion=pl.lit(f"{name} ({rule.text})"), kind=pl.lit("target lesion in the liver" if liver else "target lesion"),
        _column=pl.lit("SUBJID"), _severity=pl.lit(rule.severity), _key=pl.lit(name),
    )  # fmt: skip


@check("END-018", on="subjects", needs=("lesions", "assessments"))
def extrahepatic_disease(
    study: Study, subjects: pl.LazyFrame, lesions: pl.LazyFrame, assessments: pl.LazyFrame
) -> pl.LazyFrame:
    """{SUBJID}: {criterion} present at baseline (lesion {LESID}, {ORGAN}).

    Why: the trial is for disease that is confined to the liver.
    Fix: Ask the site to check the organ of the lesion; if it is right, record the protocol deviation.
    Rule: END-018; lymph nodes are left to the investigator (MR-M-6)
    """
    rules = {n: r for n, r in study.eligibility.items() if r.rule == "no_extrahepatic"}
    if not rules:
        return nothing()
    name, rule = next(iter(rules.items()))
    base = assessments.filter(pl.col("ROLE") == "BASELINE").select("SUBJID", "EVAL", "VISIT")
    outside = lesions.join(base, on=["SUBJID", "EVAL", "VISIT"], how="semi", nulls_equal=True).filter(
        pl.col("CLASS") != "NEW",
        pl.col("ORGAN").is_not_null(),
        ~pl.col("ORGAN").is_in(list(INTRAHEPATIC)),
        ~pl.col("NODAL"),
    )
    first = (
        outside.sort("_rid")
        .group_by("SUBJID", maintain_order=True)
        .agg(pl.col("LESID").first(), ORGAN=pl.col("TUORGAN").first(), _lesion=pl.col("_rid").first())
    )
    rows = (
        subjects.select("SUBJID", "_rid")
        .unique("SUBJID", keep="first", maintain_order=True)
        .join(first, on="SUBJID", how="inner")
    )
    return rows.with_columns(
        related(("_lesion", "TUORGAN")),
        criterion=pl.lit(f"{name} ({rule.text})"), _column=pl.lit("SUBJID"), _severity=pl.lit(rule.severity), _key=pl.lit(name),
    )  # fmt: skip
