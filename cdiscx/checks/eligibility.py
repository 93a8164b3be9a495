"""Eligibility at baseline, as far as the upload can test it (END-018)."""

from __future__ import annotations

import polars as pl

from cdiscx.checks._shape import nothing, union
from cdiscx.model.spec import Eligibility, Study
from cdiscx.registry import check
from cdiscx.standards.dates import earliest, latest
from cdiscx.standards.organs import INTRAHEPATIC


def _age(subjects: pl.LazyFrame) -> pl.LazyFrame:
    """AGE as given, else whole years at consent where the birth date leaves no doubt."""

    def years(born: pl.Expr) -> pl.Expr:
        consent = pl.col("RFICDAT")
        had_birthday = (consent.dt.month() > born.dt.month()) | (
            (consent.dt.month() == born.dt.month()) & (consent.dt.day() >= born.dt.day())
        )
        return (consent.dt.year() - born.dt.year() - pl.when(had_birthday).then(0).otherwise(1)).cast(pl.Float64)

    oldest, youngest = years(earliest(pl.col("BRTHDATC"))), years(latest(pl.col("BRTHDATC")))
    sure = pl.when(oldest == youngest).then(oldest)
    return subjects.with_columns(AGE=pl.coalesce("AGE", sure))


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
    uses=("subjects.BCLC", "subjects.AGE", "subjects.BRTHDAT", "subjects.RFICDAT", "subjects.ECOG", "subjects.CPSCORE",
          "subjects.PVTTCLS"),
)  # fmt: skip
def criterion_not_met(study: Study, subjects: pl.LazyFrame) -> pl.LazyFrame:
    """{SUBJID}: {criterion} not met ({header} is {value}).

    Why: a subject who should not have been enrolled is a protocol deviation and may leave the per-protocol set.
    Fix: ask the site to check the value; a real deviation is recorded as such.
    Rule: {rule}
    Not checked: criteria that the layout does not carry (prior therapy).
    """
    has = subjects.collect_schema().names()
    rows = _age(subjects) if {"AGE", "BRTHDATC", "RFICDAT"} <= set(has) else subjects
    pieces = []
    for name, rule in study.eligibility.items():
        table, _, column = (rule.column or "").partition(".")
        if table != "subjects" or column not in has:
            continue
        pieces.append(
            rows.filter(pl.col("SUBJID").is_not_null(), _broken(rule, column)).select(
                "SUBJID", "_rid", value=pl.col(column).cast(pl.String).str.replace(r"\.0$", ""),
                criterion=pl.lit(f"{name} ({rule.text})"), header=pl.lit(study.header("subjects", column)),
                _column=pl.lit(column), _severity=pl.lit(rule.severity), _key=pl.lit(name),
            )
        )  # fmt: skip
    return union(pieces)


@check(
    "END-018",
    on="subjects",
    needs=("lesions", "assessments"),
    silenced_by=("targets.LDIAM", "targets.SAXIS", "targets.VDIAM", "targets.TRSTATUS", "targets.TRDAT"),
)
def no_measurable_lesion(
    study: Study, subjects: pl.LazyFrame, lesions: pl.LazyFrame, assessments: pl.LazyFrame
) -> pl.LazyFrame:
    """{SUBJID}: {criterion} not met (no target lesion with a measurement at baseline).

    Why: without a measurable lesion neither response nor progression by size can be judged.
    Fix: ask the site for the baseline target lesions, or record the deviation.
    """
    rules = {n: r for n, r in study.eligibility.items() if r.rule == "measurable_lesion"}
    if not rules:
        return nothing()
    name, rule = next(iter(rules.items()))
    base = assessments.filter(pl.col("ROLE") == "BASELINE").select("SUBJID", "EVAL", "VISIT")
    at_base = lesions.join(base, on=["SUBJID", "EVAL", "VISIT"], how="semi")
    measured = at_base.filter(pl.col("CLASS") == "TARGET", pl.col("VALUE") > 0)
    if study.criterion is not None and study.criterion.name == "MRECIST":
        measured = measured.filter(pl.col("LIVER"))
    # no baseline scan at all is VIS-005's finding
    scanned = subjects.select("SUBJID", "_rid").unique("SUBJID", keep="first").join(at_base, on="SUBJID", how="semi")
    lacking = scanned.join(measured, on="SUBJID", how="anti")
    return lacking.select(
        "SUBJID", "_rid", criterion=pl.lit(f"{name} ({rule.text})"), _column=pl.lit("SUBJID"),
        _severity=pl.lit(rule.severity), _key=pl.lit(name),
    )  # fmt: skip


@check("END-018", on="subjects", needs=("lesions", "assessments"))
def extrahepatic_disease(
    study: Study, subjects: pl.LazyFrame, lesions: pl.LazyFrame, assessments: pl.LazyFrame
) -> pl.LazyFrame:
    """{SUBJID}: {criterion} present (lesion {LESID}, {ORGAN}, at baseline).

    Why: the trial is for disease that is confined to the liver.
    Fix: ask the site to check the organ of the lesion; a real deviation is recorded as such.
    Rule: nodes at the porta hepatis below 20 mm are no lesion (MR-M-6)
    """
    rules = {n: r for n, r in study.eligibility.items() if r.rule == "no_extrahepatic"}
    if not rules:
        return nothing()
    name, rule = next(iter(rules.items()))
    base = assessments.filter(pl.col("ROLE") == "BASELINE").select("SUBJID", "EVAL", "VISIT")
    outside = lesions.join(base, on=["SUBJID", "EVAL", "VISIT"], how="semi").filter(
        pl.col("ORGAN").is_not_null(), ~pl.col("ORGAN").is_in(list(INTRAHEPATIC)), ~pl.col("NODAL")
    )
    first = outside.sort("_rid").group_by("SUBJID", maintain_order=True).agg(
        pl.col("LESID", "ORGAN").first(), _related=pl.struct(rid=pl.col("_rid").first(), column=pl.lit("TUORGAN")).implode()
    )
    rows = subjects.select("SUBJID", "_rid").unique("SUBJID", keep="first").join(first, on="SUBJID", how="inner")
    return rows.with_columns(
        criterion=pl.lit(f"{name} ({rule.text})"), _column=pl.lit("SUBJID"), _severity=pl.lit(rule.severity), _key=pl.lit(name)
    )
