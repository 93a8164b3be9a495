"""The lesions and the thrombus that every later assessment is judged against (END-011)."""

from __future__ import annotations

import polars as pl

from cdiscx.checks._shape import nothing, union
from cdiscx.model.spec import Study
from cdiscx.model.table import RunContext
from cdiscx.registry import check
from cdiscx.views.imaging_plan import days_after


@check(
    "END-011", on="subjects", needs=("lesions", "assessments", "anchors"), uses=("responses", "responses.TRGRESP", "responses.NTRGRESP"),
    silenced_by=("targets.TRDAT", "nontargets.TRDAT", "targets.LESID", "dosing.EXSTDAT", "procedures.PRSTDAT"),
)  # fmt: skip
def baseline_lesions_incomplete(
    study: Study,
    run: RunContext,
    lesions: pl.LazyFrame,
    assessments: pl.LazyFrame,
    anchors: pl.LazyFrame,
    responses: pl.LazyFrame,
) -> pl.LazyFrame:
    """Baseline of {SUBJID} (first treatment {D1}) has no {missing}.

    Why: response is judged against the lesions of the baseline; without them no response can be derived.
    Fix: Ask the site for the lesions of the baseline scan. If there were none of that kind, the response to them stays blank.
    Rule: END-011; a subject without target lesions is in order here as long as nothing else speaks of them (END-018 judges
    whether the trial allows it)
    Not checked: the question whether there are non-target lesions (the layout does not ask it).
    """
    if "D1" not in study.anchors:
        return nothing()
    due = days_after(pl.col("D1"), int(study.p("vis_grace_days")))
    treated = anchors.filter(due < run.cutoff).select("SUBJID", "D1")
    base = assessments.filter(pl.col("ROLE") == "BASELINE").select("SUBJID", "EVAL", "VISIT")
    at_base = lesions.join(base, on=["SUBJID", "EVAL", "VISIT"], how="semi", nulls_equal=True)

    def of(frame: pl.LazyFrame, *classes: str) -> pl.LazyFrame:
        return frame.filter(pl.col("CLASS").is_in(list(classes))).select("SUBJID")

    def answered(column: str) -> pl.LazyFrame:
        return responses.filter(pl.col(column).is_not_null()).select("SUBJID")

    none = treated.join(of(at_base, "TARGET", "NON-TARGET"), on="SUBJID", how="anti").with_columns(
        missing=pl.lit("target and no non-target lesions"), _table=pl.lit("targets")
    )
    seen = treated.join(none, on="SUBJID", how="anti")
    spoken_of = pl.concat([of(lesions, "TARGET"), answered("TRGRESP")])
    targets = (
        seen.join(of(at_base, "TARGET"), on="SUBJID", how="anti")
        .join(spoken_of, on="SUBJID", how="semi")
        .with_columns(
            missing=pl.lit("target lesions, although later assessments measure them or give a response to them"),
            _table=pl.lit("targets"),
        )
    )
    # non-target lesions that turn up later are MEA-013's, row by row
    others = (
        seen.join(of(lesions, "NON-TARGET"), on="SUBJID", how="anti")
        .join(answered("NTRGRESP"), on="SUBJID", how="semi")
        .with_columns(
            missing=pl.lit("non-target lesions, although Response gives a response to them"),
            _table=pl.lit("nontargets"),
        )
    )
    return union([none, targets, others]).with_columns(
        _rid=pl.lit(None, dtype=pl.UInt32), _column=pl.lit("LESID"), _key=pl.lit("lesions of ") + pl.col("_table")
    )


@check("END-011", on="subjects", uses=("subjects.PVTTCLS",), silenced_by=("subjects.PVTTCLS",))
def baseline_thrombus_class_missing(study: Study, subjects: pl.LazyFrame) -> pl.LazyFrame:
    """Baseline of {SUBJID}: the PVTT class is blank.

    Why: every later class of the thrombus is compared with that of the baseline.
    Fix: Ask the site for the Cheng class (I to IV) on the baseline scan.
    Rule: END-011, ruling 15.1
    """
    followed = study.criterion is not None and study.criterion.pvtt
    if not followed or "PVTTCLS" not in subjects.collect_schema().names():
        return nothing()
    blank = subjects.filter(pl.col("SUBJID").is_not_null(), pl.col("PVTTCLS").is_null())
    return blank.with_columns(_column=pl.lit("PVTTCLS"), _key=pl.lit("pvtt"))
