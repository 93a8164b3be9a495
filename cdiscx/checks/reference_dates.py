"""Dates of reference: diagnosis (END-003), what endpoints and windows are counted from (END-004), waiting time (END-016)."""

from __future__ import annotations

import polars as pl

from cdiscx.checks._doses import STOP_WORDS, stops
from cdiscx.checks._shape import nothing, related, union
from cdiscx.checks._words import said
from cdiscx.model.spec import Anchor, Source, Study
from cdiscx.model.table import RunContext
from cdiscx.registry import check
from cdiscx.standards.dates import after, impute_diagnosis, latest, precision

_NO_ROW = pl.lit(None, dtype=pl.UInt32)


def _starts_at_diagnosis(study: Study) -> str | None:
    """None where an endpoint counts from the diagnosis, else why END-003 and END-016 have nothing to protect."""
    at = {n for n, a in study.anchors.items() if any(s.of == "subjects.DIAGDAT" for s in a.sources)}
    starts = {endpoint.start for endpoint in study.endpoints.values()}
    return None if at & starts else "no endpoint starts at the diagnosis"


@check("END-003", on="subjects", columns=("DIAGDAT",), uses=("subjects.RFICDAT",), applies=_starts_at_diagnosis)
def diagnosis_missing_or_partial(study: Study, subjects: pl.LazyFrame) -> pl.LazyFrame:
    """Overall survival starts at diagnosis; {heading} is {DIAGDATC}: {so}.

    Why: without the year of diagnosis overall survival from diagnosis cannot be computed.
    Fix: Ask the site for the date of the first diagnosis (histology or imaging, whichever came first).
    Rule: END-003; trial A 8.2: a missing day becomes the 15th, a missing month 1 July, never after consent; dates are
    compared at the precision that both have
    """
    heading = study.header("subjects", "DIAGDAT")
    rows = subjects.filter(pl.col("SUBJID").is_not_null()).with_columns(heading=pl.lit(heading))
    text = pl.col("DIAGDATC")
    imputed = impute_diagnosis(text, consent=pl.col("RFICDAT"))
    late = after(text, pl.col("RFICDATC")).fill_null(False)
    error = pl.lit("error")
    missing = rows.filter(text.is_null()).with_columns(
        so=pl.lit("without it survival from diagnosis cannot be derived"), _severity=error, _key=pl.lit("missing")
    )
    after_consent = rows.filter(late).with_columns(
        related(("_rid", "RFICDAT")), so=said("it cannot be later than the consent of ", pl.col("RFICDATC")), _severity=error,
        _key=pl.lit("after consent"),
    )  # fmt: skip
    partial = rows.filter(
        text.is_not_null(), pl.col("DIAGDAT").is_null(), ~late, precision(text).is_not_null()
    ).with_columns(
        so=said("the analysis will use ", imputed.date, " (flag ", imputed.flag, ")"),
        _severity=pl.lit("warning"),
        _key=pl.lit("partial"),
    )
    return union([missing, after_consent, partial])


# --- END-004 --------------------------------------------------------------------------------------------------------


def _place(anchor: Anchor) -> tuple[str, str]:
    """Table and column that should hold the date."""
    table, _, column = (anchor.sheet or ".").partition(".")
    return table, column


def _named(anchor: Anchor) -> dict[str, pl.Expr]:
    label = anchor.label[:1].upper() + anchor.label[1:]
    return {"label": pl.lit(label), "affects": pl.lit(anchor.affects)}


def _treated(study: Study, anchors: pl.LazyFrame) -> pl.LazyFrame:
    """SUBJIDs with a first treatment."""
    return anchors.filter(pl.col("D1").is_not_null() if "D1" in study.anchors else pl.lit(False)).select("SUBJID")


def _screen_failures(study: Study, anchors: pl.LazyFrame, ends: pl.LazyFrame) -> pl.LazyFrame:
    """SUBJIDs who left the study and were never treated."""
    return (
        ends.filter(pl.col("ENDDAT").is_not_null())
        .select("SUBJID")
        .join(_treated(study, anchors), on="SUBJID", how="anti")
    )


@check(
    "END-004", on="subjects", columns=("SUBJID",), needs=("anchors", "ends"), uses=("subjects.RFICDAT", "subjects.ENRLDAT"),
    silenced_by=("subjects.RFICDAT", "subjects.ENRLDAT"),
)  # fmt: skip
def reference_date_of_subject_missing(
    study: Study, subjects: pl.LazyFrame, anchors: pl.LazyFrame, ends: pl.LazyFrame
) -> pl.LazyFrame:
    """{label} date missing for {SUBJID}; {affects} cannot be computed.

    Why: endpoints and windows are counted from this date.
    Fix: Ask the site for the date.
    Rule: END-004, ruling 15.1; a screen failure (out of the study, never treated) needs its consent date only
    """
    has = subjects.collect_schema().names()
    failed = _screen_failures(study, anchors, ends)
    pieces = []
    for name, anchor in study.anchors.items():
        table, column = _place(anchor)
        if not anchor.required or table != "subjects" or f"{column}C" not in has:
            continue
        blank = subjects.filter(pl.col("SUBJID").is_not_null(), pl.col(f"{column}C").is_null())
        if anchor.otherwise:  # consent itself is needed of everybody
            blank = blank.join(failed, on="SUBJID", how="anti")
        pieces.append(blank.select("SUBJID", "_rid", **_named(anchor), _column=pl.lit(column), _key=pl.lit(name)))
    return union(pieces)


def _rows_of(source: Source, frames: dict[str, pl.LazyFrame]) -> pl.LazyFrame:
    """The rows that should hold a date: SUBJID, `_rid`, `_table`, `_column`, `_text` (the date as typed, ISO)."""
    table, _, column = source.of.partition(".")
    frame = frames[table].filter(pl.col("SUBJID").is_not_null())
    for name, values in source.where.items():
        frame = frame.filter(pl.col(name).is_in(list(values)))
    return frame.select("SUBJID", "_rid", _table=pl.lit(table), _column=pl.lit(column), _text=pl.col(f"{column}C"))


def _due(study: Study, anchor: Anchor) -> int:
    """Days after the needed anchor from which an absent record is asked for: not before DOS-014 asks for the component."""
    values = [v for s in anchor.sources for vs in s.where.values() for v in vs]
    planned = [c for c in study.components.values() if c.planned and {*c.drugs, *c.procedures} >= set(values)]
    return max(anchor.due, int(study.p("component_start_days"))) if planned and anchor.take == "first" else anchor.due


@check(
    "END-004", on="anchors",
    needs=("ends", "dosing.EXTRT", "dosing.EXSTDAT", "procedures.PRTRT", "procedures.PRSTDAT", "procedures.PRENDAT"),
    uses=("visits.VISDONE", "visits.VISDAT", *STOP_WORDS),
    silenced_by=("dosing.EXSTDAT", "dosing.EXTRT", "procedures.PRSTDAT", "procedures.PRENDAT", "procedures.PRTRT"),
)  # fmt: skip
def reference_date_of_treatment_missing(
    study: Study, run: RunContext, anchors: pl.LazyFrame, ends: pl.LazyFrame, dosing: pl.LazyFrame, procedures: pl.LazyFrame,
    visits: pl.LazyFrame, disposition: pl.LazyFrame,
) -> pl.LazyFrame:  # fmt: skip
    """{label} date missing for {SUBJID}; {affects} cannot be computed.

    Why: endpoints and windows are counted from this date.
    Fix: Ask the site for the record with this date, or for the reason why there is none.
    Rule: END-004; asked for once it is due and while the subject is in the study; screen failures are left out, partial
    dates are DAT-003's, a component that was stopped or left out with its reason is in order
    """
    frames = {"dosing": dosing, "procedures": procedures}
    after_screening = visits.filter(
        pl.col("VISDONE").fill_null("Y") != "N",
        pl.col("VISDAT").is_not_null(),
        ~pl.col("VISIT").is_in([v.name for v in study.schedule if v.baseline]),
    ).select("SUBJID")
    stopped = stops(study, dosing, disposition).select("SUBJID", "EXTRT")
    pieces = []
    for name, anchor in study.anchors.items():
        table, column = _place(anchor)
        if not anchor.required or anchor.if_row or table not in frames or anchor.needs not in study.anchors:
            continue
        held = pl.concat([_rows_of(s, frames) for s in anchor.sources if s.of.partition(".")[0] in frames])
        partial = held.filter(pl.col("_text").is_not_null()).select("SUBJID")
        undated = held.filter(pl.col("_text").is_null()).sort("_rid").group_by("SUBJID", maintain_order=True).first()
        drugs = [v for s in anchor.sources for v in s.where.get("EXTRT", ())]
        told = stopped.filter(pl.col("EXTRT").is_in(drugs)).select("SUBJID")
        rows = anchors.filter(pl.col(name).is_null()).join(partial, on="SUBJID", how="anti")
        rows = rows.join(undated, on="SUBJID", how="left").join(
            ends.select("SUBJID", "ENDDAT"), on="SUBJID", how="left"
        )
        none = pl.col("_rid").is_null()
        start = pl.coalesce(
            anchor.needs, pl.when(~none).then("D1" if "D1" in study.anchors and name != "D1" else anchor.needs)
        )
        due = start + pl.when(none).then(pl.duration(days=_due(study, anchor))).otherwise(pl.duration(days=anchor.due))
        rows = rows.filter(due < run.cutoff, pl.col("ENDDAT").is_null() | (pl.col("ENDDAT") > due))
        absent = rows.filter(none).join(told, on="SUBJID", how="anti")
        if name == "D1":  # out of the study with screening visits only: a screen failure, however late it was recorded
            stayed = absent.join(after_screening, on="SUBJID", how="semi")
            absent = pl.concat(
                [absent.filter(pl.col("ENDDAT").is_null()), stayed.filter(pl.col("ENDDAT").is_not_null())]
            )
        shown = pl.concat([rows.filter(~none), absent])
        pieces.append(
            shown.select(
                "SUBJID", "_rid", **_named(anchor), _table=pl.col("_table").fill_null(table),
                _column=pl.col("_column").fill_null(column), _key=pl.lit(name),
            )
        )  # fmt: skip
    return union(pieces)


@check("END-004", on="procedures", columns=("PRSTDAT", "PRTRT"))
def operation_without_date(study: Study, procedures: pl.LazyFrame) -> pl.LazyFrame:
    """{WHAT} of {SUBJID} has no date; {affects} cannot be computed.

    Why: endpoints and windows are counted from this date.
    Fix: Ask the site for the date of the operation.
    Rule: END-004, ruling 15.1; dates of other procedures are STR-009's
    """
    blank = procedures.filter(pl.col("SUBJID").is_not_null(), pl.col("PRSTDATC").is_null())
    pieces = []
    for name, anchor in study.anchors.items():
        for source in anchor.sources:
            if anchor.required and anchor.if_row and source.of == "procedures.PRSTDAT":
                rows = blank.filter(pl.col("PRTRT").is_in(list(source.where.get("PRTRT", ()))))
                pieces.append(
                    rows.with_columns(**_named(anchor), WHAT=pl.col("PRTRT").str.to_titlecase(), _key=pl.lit(name))
                )
    return union(pieces)


@check(
    "END-004", on="subjects", columns=("WEIGHT",), needs=("anchors", "ends"),
    uses=("visits", "visits.WEIGHT", "visits.VISDAT"), silenced_by=("visits.WEIGHT", "subjects.WEIGHT"),
)  # fmt: skip
def baseline_weight_missing(
    study: Study, subjects: pl.LazyFrame, visits: pl.LazyFrame, anchors: pl.LazyFrame, ends: pl.LazyFrame
) -> pl.LazyFrame:
    """Baseline weight missing for {SUBJID}; the start dose by weight cannot be checked.

    Why: the start dose of lenvatinib (and of durvalumab in light subjects) depends on the weight.
    Fix: Ask the site for the weight at screening.
    Rule: END-004 (trial A); the weight of a visit on or before first treatment stands in, but Demographics has to hold one
    """
    if not study.p("baseline_weight_required"):
        return nothing()
    start = anchors.select("SUBJID", D1="D1" if "D1" in study.anchors else pl.lit(None, dtype=pl.Date))
    seen = (
        visits.filter(pl.col("WEIGHT").is_not_null())
        .join(start, on="SUBJID", how="inner")
        .filter(pl.col("VISDAT") <= pl.col("D1"))
    )
    last = (
        seen.sort("VISDAT", "_rid")
        .group_by("SUBJID", maintain_order=True)
        .agg(KG=pl.col("WEIGHT").last(), ON=pl.col("VISDAT").last(), _at=pl.col("_rid").last())
    )
    blank = subjects.filter(pl.col("SUBJID").is_not_null(), pl.col("WEIGHT").is_null())
    blank = blank.join(_screen_failures(study, anchors, ends), on="SUBJID", how="anti").join(
        last, on="SUBJID", how="left"
    )
    instead = pl.lit(
        "Weight is blank in Demographics for {SUBJID}; the start dose is checked with the {KG} kg of {ON} in Visits."
    )
    return blank.with_columns(
        related(("_at", "WEIGHT")), _key=pl.lit("weight"), _say=pl.when(pl.col("KG").is_not_null()).then(instead)
    )


# --- END-016 --------------------------------------------------------------------------------------------------------


@check("END-016", on="subjects", columns=("DIAGDAT",), needs=("anchors",), applies=_starts_at_diagnosis)
def long_wait_for_enrolment(study: Study, subjects: pl.LazyFrame, anchors: pl.LazyFrame) -> pl.LazyFrame:
    """{atleast}{n} days between diagnosis ({DIAGDATC}) and enrolment ({ENROL}) are immortal time in overall survival.

    Why: nobody can die between diagnosis and enrolment; survival from diagnosis is overstated by the waiting time.
    Fix: Nothing to ask the site; overall survival from enrolment is derived beside it.
    Rule: END-016; trial A 9.2; a partial date of diagnosis counts as its last possible day
    """
    if not {"DIAG", "ENROL"} <= set(study.anchors):
        return nothing()
    limit = int(study.p("diagnosis_wait_days"))
    listed = subjects.filter(pl.col("SUBJID").is_not_null()).unique("SUBJID", keep="first", maintain_order=True)
    rows = listed.join(anchors.select("SUBJID", "ENROL"), on="SUBJID", how="inner").with_columns(
        n=(pl.col("ENROL") - latest(pl.col("DIAGDATC"))).dt.total_days(),
        atleast=pl.when(pl.col("DIAGDAT").is_null()).then(pl.lit("At least ")).otherwise(pl.lit("")),
    )
    long = rows.filter(pl.col("n") > limit).with_columns(_key=pl.lit("subject"))
    known = pl.col("n").filter(pl.col("DIAGDAT").is_not_null())
    median = rows.select(n=known.median(), count=known.count()).filter(pl.col("n") > limit, pl.col("count") > 1).select(
        _NO_ROW.alias("_rid"), n="n", SUBJID=pl.lit(None, dtype=pl.String), limit=pl.lit(limit), _key=pl.lit("median"),
        _say=pl.lit("The median time from diagnosis to enrolment is {n} days, more than {limit}: immortal time in overall survival."),
    )  # fmt: skip
    return union([long, median])
