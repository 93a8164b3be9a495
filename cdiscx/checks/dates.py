"""Dates against each other: before birth, too little of a date, in the future, before consent, after death, end before start."""

from __future__ import annotations

from collections.abc import Iterable

import polars as pl

from cdiscx.checks._shape import nothing, related, union
from cdiscx.checks._words import days_said
from cdiscx.model.spec import Study
from cdiscx.model.table import RunContext
from cdiscx.registry import check
from cdiscx.standards.dates import after, before, earliest, impute_death, impute_diagnosis, latest, precision

_PLACE = ("SUBJID", "_rid", "TABLE", "COLUMN", "HEADER", "ISO", "WHAT", "VISIT")


def _at_cell(rows: pl.LazyFrame) -> pl.LazyFrame:
    """The finding stands on the cell that the date came from."""
    return rows.with_columns(_table="TABLE", _column="COLUMN")


def _columns_where(study: Study, tables: Iterable[str], rule: str) -> list[str]:
    """`table.COLUMN` of the date columns that ask for a full date by a rule."""
    return [
        f"{sheet.holds}.{column.is_}"
        for sheet in study.sheets.values()
        if sheet.holds in tables
        for column in sheet.columns.values()
        if column.type == "date" and column.full_date == rule
    ]


_KEPT = ("subjects", "visits", "dosing", "procedures", "pathology", "targets", "nontargets", "newlesions", "responses",
         "decision", "ae", "disposition", "survival", "labs")  # fmt: skip


@check("DAT-001", on="dates", needs=("subjects", "subjects.BRTHDAT"), uses=("subjects.RFICDAT",))
def date_before_birth(dates: pl.LazyFrame, subjects: pl.LazyFrame) -> pl.LazyFrame:
    """{HEADER} ({WHAT}) = {ISO} is before the subject was born ({BORN}).

    Why: without the right date the record has no place in time.
    Fix: Ask the site for the date; where every date is before birth, it is the birth date that is wrong.
    Rule: DAT-001; a consent before birth speaks against the birth date, and the other dates stay silent
    """
    people = subjects.filter(pl.col("BRTHDATC").is_not_null()).group_by("SUBJID", maintain_order=True).agg(
        BORN=pl.col("BRTHDATC").first(), CONSENT=pl.col("RFICDATC").first()
    )  # fmt: skip
    people = people.with_columns(_unborn=before(pl.col("CONSENT"), pl.col("BORN")).fill_null(False))
    rows = dates.join(people, on="SUBJID", how="inner").with_columns(_early=before(pl.col("ISO"), pl.col("BORN")))
    birth = pl.col("COLUMN") == "BRTHDAT"
    against = pl.lit("{HEADER} = {ISO} is after consent ({CONSENT}): one of the two is wrong.")
    kept = rows.filter(pl.when("_unborn").then(birth).otherwise(~birth & pl.col("_early")))
    said = pl.when(birth).then(against)
    return _at_cell(kept.select(*_PLACE, "BORN", "CONSENT", _say=said, _expected=pl.lit("a date as YYYY-MM-DD")))


@check("DAT-003", on="dates", uses=("subjects.RFICDAT", "alive"))
def partial_date(
    study: Study, run: RunContext, dates: pl.LazyFrame, subjects: pl.LazyFrame, alive: pl.LazyFrame
) -> pl.LazyFrame:
    """{HEADER} ({WHAT}) is {ISO}: a full date is needed here and none is made up, so the record has no date in the analysis.

    Why: consent, doses, procedures, scans and responses are never imputed; diagnosis and death are, and the imputed day
    moves the endpoints.
    Fix: Ask the site for the missing day (and month).
    Rule: DAT-003; adam-derivations 3; ruling 15.4: a partial diagnosis date is END-003 where survival starts at diagnosis
    """
    place = pl.concat_str("TABLE", pl.lit("."), "COLUMN")
    undated = dates.filter(pl.col("DATE").is_null())
    partial = undated.filter(precision(pl.col("ISO")).is_in(["Y", "M"])).collect(engine="in-memory")
    if partial.is_empty():
        return nothing()
    rows = partial.lazy()
    never = rows.filter(place.is_in(_columns_where(study, _KEPT, "never")))
    consent = subjects.group_by("SUBJID").agg(RFICDAT=pl.col("RFICDAT").min())
    rows = rows.join(consent, on="SUBJID", how="left").join(
        alive.select("SUBJID", "LSTALVDAT"), on="SUBJID", how="left"
    )
    diagnosis = impute_diagnosis(pl.col("ISO"), consent=pl.col("RFICDAT"))
    death = impute_death(pl.col("ISO"), last_alive=pl.col("LSTALVDAT"), cutoff=pl.lit(run.cutoff))
    said = pl.lit("{HEADER} is {ISO}; the analysis will use {IMPUTED} (flag {FLAG}).")
    filled = [
        rows.filter(place.is_in(_columns_where(study, _KEPT, rule))).with_columns(
            IMPUTED=how.date, FLAG=how.flag, _say=said
        )
        for rule, how in (("diagnosis", diagnosis), ("death", death))
    ]
    return _at_cell(union([never.select(_PLACE), *(f.select(*_PLACE, "IMPUTED", "FLAG", "_say") for f in filled)]))


@check("DAT-004", on="dates")
def future_date(study: Study, run: RunContext, dates: pl.LazyFrame) -> pl.LazyFrame:
    """{HEADER} ({WHAT}) = {ISO} is after the day of this run, {TODAY}.

    Why: what has not happened yet cannot be data.
    Fix: Ask the site for the right date; a planned appointment does not belong in this column.
    Rule: DAT-004; ruling 15.13: compared with the day of the run or the study file's extract date, never the cut-off
    """
    planned = [
        f"{sheet.holds}.{c.is_}"
        for sheet in study.sheets.values()
        for c in sheet.columns.values()
        if c.type == "date" and c.future_ok
    ]
    place = pl.concat_str("TABLE", pl.lit("."), "COLUMN")
    rows = dates.filter(earliest(pl.col("ISO")) > run.today, ~place.is_in(planned))
    return _at_cell(rows.select(_PLACE).with_columns(TODAY=pl.lit(run.today)))


#: dates of study activity, and those that routine care may have produced before consent
_ACTIVITY = ("subjects.ENRLDAT", "visits.VISDAT", "dosing.EXSTDAT", "procedures.PRSTDAT", "responses.RSDAT", "decision.DECDAT",
             "ae.AESTDAT", "disposition.DSDAT", "survival.SSDAT")  # fmt: skip
_ROUTINE = ("targets.TRDAT", "nontargets.TRDAT", "newlesions.TRDAT", "labs.LBDAT")


@check("DAT-005", on="dates", needs=("subjects.RFICDAT",))
def activity_before_consent(study: Study, dates: pl.LazyFrame, subjects: pl.LazyFrame) -> pl.LazyFrame:
    """{WHAT} on {ISO} is before consent ({CONSENT}).

    Why: nothing may be done for the study before the subject has consented.
    Fix: Ask the site which of the two dates is right; with several consents, Demographics holds the first.
    Rule: DAT-005; compared at the precision that both dates have; baseline scans and samples of routine care are a note
    Not checked: procedures recorded as Other, which may be earlier treatment; specimens, which may be the diagnostic biopsy
    """
    first = (
        subjects.filter(pl.col("RFICDATC").is_not_null())
        .sort(earliest(pl.col("RFICDATC")), "_rid")
        .group_by("SUBJID", maintain_order=True)
        .agg(CONSENT=pl.col("RFICDATC").first(), C_RID=pl.col("_rid").first())
    )
    place = pl.concat_str("TABLE", pl.lit("."), "COLUMN")
    rows = dates.filter(place.is_in([*_ACTIVITY, *_ROUTINE])).join(first, on="SUBJID", how="inner")
    held = (pl.col("TABLE") != "visits") | (pl.col("STATE").fill_null("Y") != "N")
    protocol = (pl.col("TABLE") != "procedures") | (pl.col("STATE").fill_null("") != "OTHER")
    # a column first: in a filter polars would work out each part of the comparison anew
    rows = rows.filter(held, protocol).with_columns(_early=before(pl.col("ISO"), pl.col("CONSENT")))
    rows = rows.filter("_early").drop("_early")
    # the baseline visit or none of the schedule: a scan of a later visit is not routine care before consent
    later = [v.name for v in study.schedule if not v.baseline]
    # the least number of days that the two dates can lie apart
    early = (earliest(pl.col("CONSENT")) - latest(pl.col("ISO"))).dt.total_days()
    routine = place.is_in(_ROUTINE) & ~pl.col("VISIT").is_in(later).fill_null(False) & ~_in_series(study)
    routine = routine & (early <= study.p("routine_days"))
    rows = rows.with_columns(_routine=routine.fill_null(False), DAYS=days_said(early))
    # one blood draw or one scan day is one note, however many results it gave
    same = ["SUBJID", "TABLE", "ISO"]
    # by what it is, not by its row: the note keeps its fingerprint when the rows are sorted anew
    rows = rows.sort("WHAT", "_rid", "COLUMN").with_columns(
        MORE=pl.len().over(same) - 1, FIRST=pl.col("_rid").first().over(same)
    )
    rows = rows.filter(~pl.col("_routine") | (pl.col("_rid") == pl.col("FIRST")))
    note = pl.when(pl.col("MORE") == 0).then(pl.lit(_ROUTINE_NOTE)).otherwise(pl.lit(_ROUTINE_NOTES))
    return _at_cell(
        rows.with_columns(
            _severity=pl.when("_routine").then(pl.lit("note")),
            _say=pl.when("_routine").then(note),
            _related=related(("C_RID", "RFICDAT")),
        ).select(*_PLACE, "CONSENT", "DAYS", "MORE", "_severity", "_say", "_related")
    )


_ROUTINE_NOTE = "{WHAT} on {ISO} is {DAYS} before consent ({CONSENT}); in order if it was routine care."
_ROUTINE_NOTES = "{WHAT} on {ISO}, and {MORE} more of that day, is {DAYS} before consent ({CONSENT}); in order if it was routine care."


def _in_series(study: Study) -> pl.Expr:
    """Whether VISIT is of a numbered series of the schedule."""
    hits = [pl.col("VISIT").str.starts_with(f"{v.name} ") for v in study.schedule if v.repeat]
    return pl.any_horizontal(hits).fill_null(False) if hits else pl.lit(False)


def _ends_before(
    rows: pl.LazyFrame, start: str, end: str, what: pl.Expr | str, labels: tuple[str, str]
) -> pl.LazyFrame:
    """Rows whose end is before their start, at the precision that both have; the end is the cell to correct."""
    late = rows.filter(before(pl.col(f"{end}C"), pl.col(f"{start}C")))
    return late.select(
        "SUBJID", "_rid", WHAT=what, START=f"{start}C", END=f"{end}C", _column=pl.lit(end), FROM=pl.lit(labels[0]), TO=pl.lit(labels[1]),
        _related=related(("_rid", start)),
    )  # fmt: skip


@check("DAT-006", on="dosing", columns=("EXENDAT", "EXSTDAT"))
def dose_ends_before_it_starts(dosing: pl.LazyFrame) -> pl.LazyFrame:
    """{WHAT}: {TO} {END} is before {FROM} {START}.

    Why: an interval that ends before it starts has no length; exposure and gaps cannot be computed from it.
    Fix: Ask the site which of the two dates is right.
    Rule: DAT-006; compared at the precision that both dates have
    """
    return _ends_before(dosing, "EXSTDAT", "EXENDAT", "EXTRT", ("start", "end"))


@check("DAT-006", on="procedures", columns=("PRENDAT", "PRSTDAT"), uses=("procedures.HOADMDAT", "procedures.HODISDAT"))
def procedure_ends_before_it_starts(procedures: pl.LazyFrame) -> pl.LazyFrame:
    """{WHAT}: {TO} {END} is before {FROM} {START}.

    Why: a course or a hospital stay that ends before it starts has no length.
    Fix: Ask the site which of the two dates is right.
    Rule: DAT-006; compared at the precision that both dates have
    Not checked: readmission against discharge, which is SUR-004
    """
    parts = [_ends_before(procedures, "PRSTDAT", "PRENDAT", "PRTRT", ("start", "end"))]
    if {"HOADMDAT", "HODISDAT"} <= set(procedures.collect_schema().names()):
        stay = pl.lit("hospital stay for ") + pl.col("PRTRT").fill_null("a procedure")
        parts.append(_ends_before(procedures, "HOADMDAT", "HODISDAT", stay, ("admission", "discharge")))
    return union(parts)


@check("DAT-006", on="ae", columns=("AEENDAT", "AESTDAT"), uses=("ae.AETERM",))
def event_ends_before_it_starts(ae: pl.LazyFrame) -> pl.LazyFrame:
    """{WHAT}: {TO} {END} is before {FROM} {START}.

    Why: an adverse event cannot end before it began.
    Fix: Ask the site which of the two dates is right.
    Rule: DAT-006; compared at the precision that both dates have
    """
    named = "AETERM" in ae.collect_schema().names()
    return _ends_before(ae, "AESTDAT", "AEENDAT", "AETERM" if named else pl.lit("Adverse event"), ("start", "end"))


#: what nobody can do after death; contacts with the family, late pathology and dispositions may be later
_LIVING = ("visits.VISDAT", "dosing.EXSTDAT", "dosing.EXENDAT", "procedures.PRSTDAT", "procedures.PRENDAT", "procedures.HOADMDAT",
           "procedures.HOREADAT", "targets.TRDAT", "nontargets.TRDAT", "newlesions.TRDAT", "responses.RSDAT", "decision.DECDAT",
           "ae.AESTDAT", "ae.AEENDAT", "survival.NACTDAT", "labs.LBDAT")  # fmt: skip


@check("DAT-007", on="dates", needs=("deaths",))
def activity_after_death(study: Study, dates: pl.LazyFrame, deaths: pl.LazyFrame) -> pl.LazyFrame:
    """{WHAT} on {ISO} is {DAYS} after death ({DEATH}).

    Why: one of the two dates is wrong, and survival rests on the date of death.
    Fix: Ask the site which of the two dates is right.
    Rule: DAT-007; a partial death date counts as its last possible day
    Not checked: contacts in Survival (END-006), the end of a fatal event (SAF-002), dispositions and pathology reports
    """
    place = pl.concat_str("TABLE", pl.lit("."), "COLUMN")
    dead = deaths.select("SUBJID", "DTHHI", DEATH="DTHDATC", D_RID="_rid")
    rows = dates.filter(place.is_in(_LIVING)).join(dead, on="SUBJID", how="inner")
    held = (pl.col("TABLE") != "visits") | (pl.col("STATE").fill_null("Y") != "N")
    fatal = (pl.col("COLUMN") == "AEENDAT") & (pl.col("STATE") == "FATAL").fill_null(False)
    days = (earliest(pl.col("ISO")) - pl.col("DTHHI")).dt.total_days()
    late = after(pl.col("ISO"), pl.col("DTHHI")) & (days > study.p("death_grace_days"))
    rows = rows.filter(held, ~fatal, ~_family_call(study), late).with_columns(DAYS=days)
    # one row, one finding: the end of an interval speaks only where its start is in order
    end = pl.col("COLUMN").is_in(["EXENDAT", "PRENDAT", "AEENDAT"])
    rows = rows.sort("_rid", "DAYS", end, "COLUMN").group_by("_rid", maintain_order=True).first()
    what = pl.when(end).then(pl.lit("the end of ") + pl.col("WHAT")).otherwise("WHAT")
    return _at_cell(
        rows.with_columns(WHAT=what, DAYS=days_said("DAYS"), _related=related(("D_RID", "DTHDAT"))).select(
            *_PLACE, "DAYS", "DEATH", "_related"
        )
    )


def _family_call(study: Study) -> pl.Expr:
    """Visits of survival follow-up: a call in which the family tells of the death is in order."""
    calls = [pl.col("VISIT").str.starts_with(f"{v.name} ") for v in study.schedule if v.repeat == "follow-up"]
    told = pl.any_horizontal(calls).fill_null(False) if calls else pl.lit(False)
    return (pl.col("TABLE") == "visits") & told
