"""Local therapy by choice (TACE, HAIC or 90Y-SIRT): given at all, one kind only, in time, well spaced."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from cdiscx.checks._doses import STOP_WORDS, blank, days_between, left_out, reason_at_start, stops, with_anchor
from cdiscx.checks._modalities import choice, modalities
from cdiscx.checks._shape import nothing, related, union
from cdiscx.model.spec import Study
from cdiscx.model.table import RunContext
from cdiscx.registry import check

_SESSION = ("procedures.PRTRT", "procedures.PRSTDAT")
_STOPS = ("disposition.DSSCOPE", "disposition.DSTRT", "disposition.DSDAT")


@dataclass(frozen=True, slots=True)
class Spacing:
    """Names of the parameters that limit one modality; None = no such limit."""

    least: str | None = None
    most: str | None = None
    most_with_reason: str | None = None
    sessions: str | None = None
    too_many: str | None = "warning"  # severity; None = that of the check


#: trial A 4.2 and catalogue DOS-013; the number of TACE and HAIC sessions is a warning, the single SIRT is the rule's
_LIMITS = {
    "TACE": Spacing("tace_min_days", sessions="tace_max_sessions"),
    "HAIC": Spacing("haic_min_days", "haic_max_days", "haic_delay_max_days", "haic_max_cycles"),
    "Y90-SIRT": Spacing(sessions="sirt_max_sessions", too_many=None),
}


def _sessions(study: Study, procedures: pl.LazyFrame, anchors: pl.LazyFrame, progression: pl.LazyFrame) -> pl.LazyFrame:
    """Protocol sessions with D1: not after surgery, not after progression; subjects with an undated session left out."""
    rows = procedures.filter(pl.col("PRTRT").is_in(modalities(study)), pl.col("SUBJID").is_not_null())
    rows = rows.filter(pl.col("PRSTDAT").is_not_null().all().over("SUBJID"))
    rows = rows.unique(subset=["SUBJID", "PRTRT", "PRSTDAT"], keep="first", maintain_order=True)  # STR-006 speaks
    rows = with_anchor(rows, anchors, study, "D1", "SURG").join(
        progression.select("SUBJID", "PDDAT"), on="SUBJID", how="left"
    )
    later = (pl.col("PRSTDAT") >= pl.col("SURG")) | (pl.col("PRSTDAT") > pl.col("PDDAT"))
    day = days_between("D1", "PRSTDAT")
    early = (day < int(study.p("month3_target_days"))).fill_null(False)
    rows = rows.filter(~later.fill_null(False)).with_columns(DAY=day, EARLY=early)
    return rows.sort("SUBJID", "PRSTDAT", "_rid")


@check(
    "DOS-013", on="subjects", columns=("SUBJID",),
    needs=("procedures.PRTRT", "procedures.PRSTDAT", "anchors", "ends", "progression"),
    uses=("procedures.PRREAS", *STOP_WORDS),
    silenced_by=(*_SESSION, *_STOPS),
)  # fmt: skip
def no_local_therapy(
    study: Study,
    run: RunContext,
    procedures: pl.LazyFrame,
    dosing: pl.LazyFrame,
    disposition: pl.LazyFrame,
    anchors: pl.LazyFrame,
    ends: pl.LazyFrame,
    progression: pl.LazyFrame,
) -> pl.LazyFrame:
    """{SUBJID}: no local therapy recorded by day {DAYS} ({DUE}); one of {KINDS} is planned.

    Why: local therapy is part of the treatment of every subject.
    Fix: Enter the sessions in Procedures. If local therapy was left out, record that with the reason (Disposition of
    scope Treatment, or a procedure Other with its Reason).
    Rule: DOS-013; trial A 4.2; a session after surgery or progression is not protocol local therapy
    """
    component = choice(study)
    if component is None or "D1" not in study.anchors:
        return nothing()
    days = int(study.p("local_first_max_days"))
    treated = with_anchor(ends.select("SUBJID", "ENDDAT", "TRTEND"), anchors, study, "D1", "SURG").join(
        progression.select("SUBJID", "PDDAT"), on="SUBJID", how="left"
    )
    treated = treated.with_columns(DUE=pl.col("D1").dt.offset_by(f"{days}d"))
    left = pl.any_horizontal(
        (pl.col(c) <= pl.col("DUE")).fill_null(False) for c in ("ENDDAT", "TRTEND", "SURG", "PDDAT")
    )
    due = treated.filter(pl.col("DUE") < run.cutoff, ~left)
    # an undated session is a session
    undated = procedures.filter(pl.col("PRTRT").is_in(modalities(study)), pl.col("PRSTDAT").is_null()).select("SUBJID")
    told = procedures.filter(pl.col("PRTRT") == "OTHER", ~blank("PRREAS")).select("SUBJID")
    ended = left_out(stops(study, dosing, disposition), due, list(component.drugs))
    had = _sessions(study, procedures, anchors, progression).select("SUBJID")
    return due.join(pl.concat([had, undated, told, ended]), on="SUBJID", how="anti").select(
        "SUBJID", "DUE",
        DAYS=pl.lit(days),
        KINDS=pl.lit(", ".join(component.procedures)),
        _rid=pl.lit(None, dtype=pl.UInt32),
        _table=pl.lit("procedures"),
        _column=pl.lit(None, dtype=pl.String),
        _key=pl.lit("no local therapy"),
    )  # fmt: skip


@check(
    "DOS-013", on="procedures", columns=("PRTRT", "PRSTDAT"), needs=("anchors", "progression"), uses=("procedures.PRREAS",),
    silenced_by=_SESSION,
)  # fmt: skip
def local_therapies_mixed_or_late(
    study: Study, procedures: pl.LazyFrame, anchors: pl.LazyFrame, progression: pl.LazyFrame
) -> pl.LazyFrame:
    """{SUBJID}: both {FIRST} and {PRTRT} recorded before month 3; one local therapy per subject is planned.

    Why: the effect of the treatment is read per modality, and each is planned from the first weeks on.
    Fix: Check the procedure codes (HAIC is an infusion, TACE an embolisation) and the dates. If the modality was
    changed on purpose, give the Reason.
    Rule: DOS-013; trial A 4.2, 9.6; a change with a reason is a warning
    """
    if choice(study) is None:
        return nothing()
    rows = _sessions(study, procedures, anchors, progression)
    early = rows.filter(pl.col("EARLY")).with_columns(
        FIRST=pl.col("PRTRT").first().over("SUBJID"), FIRST_RID=pl.col("_rid").first().over("SUBJID")
    )
    mixed = early.filter(pl.col("PRTRT") != pl.col("FIRST")).group_by("SUBJID", "PRTRT", maintain_order=True).first()
    mixed = mixed.select(
        "SUBJID", "_rid", "PRTRT", "FIRST", related(("FIRST_RID", "PRTRT")), _column=pl.lit("PRTRT"),
        _severity=pl.when(~blank("PRREAS")).then(pl.lit("warning")),
    )  # fmt: skip
    days = int(study.p("local_first_max_days"))
    late = rows.group_by("SUBJID", maintain_order=True).first().filter(pl.col("DAY") > days)
    text = "First {PRTRT} on {PRSTDAT}, {DAY} days after the first treatment ({D1}); within {DAYS} days is planned."
    late = late.select(
        "SUBJID",
        "_rid",
        "PRTRT",
        "PRSTDAT",
        "DAY",
        "D1",
        DAYS=pl.lit(days),
        _say=pl.lit(text),
        _column=pl.lit("PRSTDAT"),
    )
    return union([mixed, late])


@check(
    "DOS-013", on="procedures", columns=("PRSTDAT", "PRTRT"), needs=("anchors", "progression"),
    uses=("procedures.PRREAS", "dosing.EXTRT", "dosing.EXSTDAT", "dosing.EXCHG", "dosing.EXCHGREAS"), silenced_by=_SESSION,
)  # fmt: skip
def local_sessions_badly_spaced(
    study: Study, procedures: pl.LazyFrame, dosing: pl.LazyFrame, anchors: pl.LazyFrame, progression: pl.LazyFrame
) -> pl.LazyFrame:
    """{PRTRT} on {PRSTDAT} is {N} days after {PREV}; at least {LIMIT} days are planned.

    Why: sessions too close together harm the liver; a cycle that is late needs a reason.
    Fix: Check the dates of the sessions. If a cycle was late, give the Reason.
    Rule: DOS-013, 15.21; trial A 4.2 (TACE >= 21 days apart, up to 3; HAIC every 21 +/- 4 days, up to 14 days late with a
    reason, up to 4 cycles; one SIRT)
    """
    if choice(study) is None:
        return nothing()
    rows = _spaced(study, procedures, dosing, anchors, progression)
    found = [_judged(study, name, limits, rows.filter(pl.col("PRTRT") == name)) for name, limits in _LIMITS.items()]
    return union([piece for pieces in found for piece in pieces])


@check(
    "DOS-013", on="procedures", columns=("PRSTDAT", "PRTRT", "PRREAS"), needs=("anchors", "progression"),
    uses=("dosing.EXTRT", "dosing.EXSTDAT", "dosing.EXCHG", "dosing.EXCHGREAS"), silenced_by=_SESSION,
)  # fmt: skip
def late_session_without_reason(
    study: Study, procedures: pl.LazyFrame, dosing: pl.LazyFrame, anchors: pl.LazyFrame, progression: pl.LazyFrame
) -> pl.LazyFrame:
    """{PRTRT} on {PRSTDAT} is {N} days after {PREV}; more than {LIMIT} days need a reason.

    Why: sessions too close together harm the liver; a cycle that is late needs a reason.
    Fix: Check the dates of the sessions. If a cycle was late, give the Reason.
    Rule: DOS-013, 15.21; not judged where the upload has no column for the reason
    """
    if choice(study) is None:
        return nothing()
    rows = _spaced(study, procedures, dosing, anchors, progression).filter(~pl.col("_told"))
    late = []
    for name, limits in _LIMITS.items():
        if limits.most and name in modalities(study):
            most = int(study.p(limits.most))
            own = rows.filter(pl.col("PRTRT") == name, pl.col("N") > most)
            late.append(own.with_columns(related(("PREV_RID", "PRSTDAT")), LIMIT=pl.lit(most)))
    return union(late)


def _spaced(
    study: Study, procedures: pl.LazyFrame, dosing: pl.LazyFrame, anchors: pl.LazyFrame, progression: pl.LazyFrame
) -> pl.LazyFrame:
    """Sessions with the one before of their kind (PREV, N days), their number NTH, and whether a reason is given (`_told`)."""
    kind = ["SUBJID", "PRTRT"]
    rows = _sessions(study, procedures, anchors, progression).with_columns(
        PREV=pl.col("PRSTDAT").shift(1).over(kind),
        PREV_RID=pl.col("_rid").shift(1).over(kind),
        NTH=pl.col("PRSTDAT").cum_count().over(kind),
    )
    # the reason may stand on the drugs of the session
    noted = dosing.filter(reason_at_start()).select("SUBJID", PRSTDAT="EXSTDAT", _noted=pl.lit(True)).unique()
    rows = rows.join(noted, on=["SUBJID", "PRSTDAT"], how="left", maintain_order="left")
    return rows.with_columns(N=days_between("PREV", "PRSTDAT"), _told=~blank("PRREAS") | pl.col("_noted").is_not_null())


def _judged(study: Study, name: str, limits: Spacing, rows: pl.LazyFrame) -> list[pl.LazyFrame]:
    """Sessions of one modality that break its limits."""
    if name not in modalities(study):
        return []
    shown = ["SUBJID", "_rid", "PRTRT", "PRSTDAT", "PREV", "N", "NTH"]
    out = []
    if limits.least:
        least = int(study.p(limits.least))
        close = rows.filter(pl.col("N") < least)
        out.append(close.select(*shown, related(("PREV_RID", "PRSTDAT")), LIMIT=pl.lit(least)))
    if limits.most and limits.most_with_reason:
        most, utmost = int(study.p(limits.most)), int(study.p(limits.most_with_reason))
        told = "{PRTRT} on {PRSTDAT} is {N} days after {PREV}; even with a reason at most {UTMOST} days are planned."
        out.append(rows.filter(pl.col("N") > utmost, pl.col("_told")).select(
            *shown, related(("PREV_RID", "PRSTDAT")), LIMIT=pl.lit(most), UTMOST=pl.lit(utmost),
            _say=pl.lit(told), _severity=pl.lit("warning"),
        ))  # fmt: skip
    if limits.sessions:
        count = int(study.p(limits.sessions))
        counted = rows if limits.too_many is None else rows.filter(pl.col("EARLY"))
        text = "{PRTRT} on {PRSTDAT} is session {NTH}; at most {LIMIT} planned."
        out.append(counted.filter(pl.col("NTH") == count + 1).select(
            *shown, LIMIT=pl.lit(count), _say=pl.lit(text), _key=pl.lit("too many"),
            _severity=pl.lit(limits.too_many, dtype=pl.String),
        ))  # fmt: skip
    return out
