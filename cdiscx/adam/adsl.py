"""ADSL: one row per subject in DM, with populations, dates, status and baseline values (adam-derivations 2)."""

from __future__ import annotations

import polars as pl

from cdiscx import registry
from cdiscx.adam import _baseline, _life, _milestones, _pathology, _status
from cdiscx.adam._adsl_columns import columns
from cdiscx.adam._context import Context, named, united
from cdiscx.adam._finish import finish
from cdiscx.model.dataset import Dataset
from cdiscx.standards.dates import duration_days, months

_DM = ("STUDYID", "SUBJID", "SITEID", "AGE", "AGEU", "SEX", "RACE", "ETHNIC", "COUNTRY", "ARM", "ACTARM", "RFSTDTC")


@registry.dataset("ADSL")
def adsl(ctx: Context) -> Dataset:
    """Subject-level analysis dataset."""
    subjects = _subjects(ctx)
    consented = _milestones.consent(ctx)
    alive = _life.last_alive(ctx)
    died = _life.deaths(ctx, alive)
    treated = _milestones.treatment(ctx, died)
    operated = _milestones.operations(ctx)
    subjects = _joined(
        subjects,
        consented,
        _milestones.enrolment(ctx, consented),
        _milestones.diagnosis(ctx, consented),
        treated,
        *_milestones.first_doses(ctx, died),
        _milestones.radiotherapy(ctx, died),
        operated,
        _milestones.discharge(ctx, operated),
        died,
        alive,
        _milestones.new_therapy(ctx, treated),
        _status.evaluable(ctx, treated),
        _pathology.r_status(ctx, operated),
        _pathology.pathological_response(ctx, operated).select("USUBJID", "VIABPCT", "MPR", "_from"),
        *_baseline.baselines(ctx, treated).values(),
    )
    subjects = _with_populations(ctx, subjects)
    subjects = _with_ends(ctx, subjects)
    if "M3DEC" in ctx.study.endpoints:
        subjects = _joined(subjects, _status.month3(ctx, treated))
    return finish(
        ctx,
        "ADSL",
        _with_durations(ctx, subjects),
        columns(ctx),
        label="Subject-Level Analysis Dataset",
        klass="SUBJECT LEVEL ANALYSIS DATASET",
        structure="One record per subject",
        keys=("STUDYID", "USUBJID"),
        comment=f"Derived from SDTM as of the data cut-off {ctx.cutoff.isoformat()}.",
    )


def _subjects(ctx: Context) -> pl.DataFrame:
    """One row per USUBJID of DM with the demographics that ADSL copies."""
    dm = ctx.domain("DM", *_DM, "USUBJID").unique("USUBJID", keep="first", maintain_order=True)
    return dm.drop_nulls("USUBJID").select(
        "USUBJID", "_from", *_DM, CUTDT=pl.lit(ctx.cutoff), _study=pl.lit(ctx.study.studyid)
    )  # fmt: skip


def _joined(subjects: pl.DataFrame, *pieces: pl.DataFrame) -> pl.DataFrame:
    """Joins what was found of the subjects; `_from:VARIABLE` keeps which records decided each variable."""
    for piece in pieces:
        subjects = united(subjects, named(piece))
    return subjects


def _with_populations(ctx: Context, subjects: pl.DataFrame) -> pl.DataFrame:
    """Flags are Y or N (rule 1.7)."""
    exposed = list(ctx.study.analysis.exposed)
    entered = pl.col("ENRLDT").is_not_null()
    safe = pl.col("SAFFL") == "Y"
    resected = pl.col("RESFL") == "Y"
    seen = pl.col("VIABPCT").is_not_null() | pl.col("MPR").is_not_null()
    return subjects.with_columns(
        ENRLFL=_flag(entered),
        SAFFL=_flag(safe),
        FASFL=_flag(entered & safe),
        EVALFL=_flag(pl.col("EVALFL") == "Y"),
        RESFL=_flag(resected),
        PATFL=_flag(resected & seen),
        **{flag: _flag(pl.col(flag) == "Y") for flag in exposed},
    )


def _flag(met: pl.Expr) -> pl.Expr:
    return pl.when(met.fill_null(False)).then(pl.lit("Y")).otherwise(pl.lit("N"))


def _with_ends(ctx: Context, subjects: pl.DataFrame) -> pl.DataFrame:
    ended = _status.end_of_study(ctx, subjects.select("USUBJID", "ENRLFL", "DTHFL", "DTHDT"))
    stopped = _status.end_of_treatment(ctx, subjects.select("USUBJID", "SAFFL"), ended)
    return _joined(subjects, ended, stopped)


def _with_durations(ctx: Context, subjects: pl.DataFrame) -> pl.DataFrame:
    """Treatment names, last date alive capped at death, follow-up and treatment duration, Child-Pugh class."""
    given = pl.col("SAFFL") == "Y"
    last = pl.min_horizontal("LSTALVDT", "DTHDT")
    subjects = subjects.with_columns(
        STUDYID=pl.coalesce("STUDYID", "_study"),
        TRT01P="ARM",
        TRT01A=pl.when(given).then(pl.coalesce("ACTARM", "ARM")),
        LSTALVDT=pl.when(pl.col("LSTALVDT").is_not_null()).then(last),
    )
    if {"CPSBL", "CPCLBL"} <= set(subjects.columns):
        subjects = subjects.with_columns(CPCLBL=_baseline.child_pugh_class_of("CPSBL", "CPCLBL"))
    followed = duration_days(pl.col("TRTSDT"), pl.coalesce("DTHDT", "LSTALVDT"))
    return subjects.with_columns(
        TRTDURD=duration_days(pl.col("TRTSDT"), pl.col("TRTEDT")),
        FUPMO=pl.when(followed > 0).then(months(followed)),
    )
