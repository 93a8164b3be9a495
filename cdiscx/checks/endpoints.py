"""Endpoint completeness: reference dates, diagnosis, baseline, assessments (END-001 to 004, 011, 013, 015, 016)."""

from __future__ import annotations

import polars as pl

from cdiscx.checks._shape import RELATED, nothing, related, union
from cdiscx.model.spec import Anchor, Study
from cdiscx.model.table import RunContext
from cdiscx.registry import check
from cdiscx.standards.dates import after, impute_diagnosis, precision
from cdiscx.views.imaging_plan import anchors_of, interval_at, origin

_NO_ROW = pl.lit(None, dtype=pl.UInt32).alias("_rid")


@check(
    "END-002",
    on="subjects",
    needs=("anchors", "assessments", "ends"),
    silenced_by=("responses.OVRLRESP", "responses.RSDAT", "targets.TRDAT", "nontargets.TRDAT"),
)
def no_evaluable_assessment(
    study: Study, run: RunContext, anchors: pl.LazyFrame, assessments: pl.LazyFrame, ends: pl.LazyFrame, subjects: pl.LazyFrame
) -> pl.LazyFrame:
    """Subject {SUBJID} started treatment on {D1} and has no evaluable assessment after baseline: {endpoint} is censored on day 1.

    Why: a subject without any evaluable scan adds nothing to the progression endpoint.
    Fix: ask the site for the scans and responses after baseline.
    Rule: CNSR 2; a death before the first scan is an event, not this finding
    """
    days = int(study.p("no_scan_days"))
    rows = anchors.filter(pl.col("D1").is_not_null()).join(ends, on="SUBJID", how="left")
    due = (pl.col("D1") + pl.duration(days=days) <= run.cutoff) | (pl.col("ENDDAT") <= run.cutoff).fill_null(False)
    evaluable = assessments.filter(pl.col("EVALUABLE"), pl.col("ROLE") != "BASELINE", pl.col("ROLE") != "PRIOR").select("SUBJID")
    missing = rows.filter(due, pl.col("DTHHI").is_null()).join(evaluable, on="SUBJID", how="anti")
    progression = next((n for n, e in study.endpoints.items() if "progression" in e.events), "the progression endpoint")
    return missing.select(
        "SUBJID", "D1", _NO_ROW, endpoint=pl.lit(progression), _table=pl.lit("responses"), _column=pl.lit("OVRLRESP"),
        _key=pl.lit("none"), _related=pl.concat_list(pl.struct(rid=pl.col("D1_RID"), column=pl.lit(None, dtype=pl.String))).cast(RELATED),
    )  # fmt: skip


@check("END-003", on="subjects", columns=("DIAGDAT",), uses=("subjects.RFICDAT",))
def diagnosis_missing_or_partial(subjects: pl.LazyFrame) -> pl.LazyFrame:
    """Overall survival starts at diagnosis; HCC Diagnosis Date is {DIAGDATC}: {so}.

    Why: without the year of diagnosis overall survival from diagnosis cannot be computed.
    Fix: ask the site for the date of the first diagnosis of HCC (histology or imaging, whichever came first).
    Rule: trial-a.md 8.2; missing day = 15th, missing month = 1 July, never after consent
    """
    rows = subjects.filter(pl.col("SUBJID").is_not_null())
    text = pl.col("DIAGDATC")
    imputed = impute_diagnosis(text, consent=pl.col("RFICDAT"))
    late = after(text, pl.col("RFICDATC")).fill_null(False)
    error = pl.lit("error")
    missing = rows.filter(text.is_null()).with_columns(
        so=pl.lit("not derivable, the date is missing"), _severity=error, _key=pl.lit("missing")
    )
    after_consent = rows.filter(late).with_columns(
        related(("_rid", "RFICDAT")), so=pl.format("not possible, it is after consent ({})", "RFICDATC"), _severity=error,
        _key=pl.lit("after consent"),
    )  # fmt: skip
    partial = rows.filter(text.is_not_null(), pl.col("DIAGDAT").is_null(), ~late, precision(text).is_not_null()).with_columns(
        so=pl.format("analysis will use {} (flag {})", imputed.date, imputed.flag), _severity=pl.lit("warning"),
        _key=pl.lit("partial"),
    )  # fmt: skip
    return union([missing, after_consent, partial])


def _owner(anchor: Anchor) -> tuple[str, str]:
    table, _, column = (anchor.sheet or ".").partition(".")
    return table, column


@check("END-004", on="subjects", columns=("SUBJID",), uses=("subjects.RFICDAT", "subjects.ENRLDAT"))
def reference_date_of_subject_missing(study: Study, subjects: pl.LazyFrame) -> pl.LazyFrame:
    """{label} date missing for {SUBJID}; {affects} cannot be computed.

    Why: endpoints and windows are counted from this date.
    Fix: ask the site for the date.
    """
    has = subjects.collect_schema().names()
    pieces = []
    for name, anchor in study.anchors.items():
        table, column = _owner(anchor)
        if not anchor.required or table != "subjects" or f"{column}C" not in has:
            continue
        pieces.append(
            subjects.filter(pl.col("SUBJID").is_not_null(), pl.col(f"{column}C").is_null()).select(
                "SUBJID", "_rid", label=pl.lit(anchor.label.capitalize()), affects=pl.lit(anchor.affects),
                _column=pl.lit(column), _key=pl.lit(name),
            )
        )  # fmt: skip
    return union(pieces)


@check(
    "END-004",
    on="anchors",
    needs=("anchors", "ends", "subjects"),
    uses=("dosing.EXSTDAT", "procedures.PRSTDAT", "procedures.PRENDAT"),
    silenced_by=("dosing.EXSTDAT", "dosing.EXTRT", "procedures.PRSTDAT", "procedures.PRENDAT", "procedures.PRTRT"),
)
def reference_date_of_treatment_missing(
    study: Study, run: RunContext, anchors: pl.LazyFrame, ends: pl.LazyFrame
) -> pl.LazyFrame:
    """{label} date missing for {SUBJID}; {affects} cannot be computed.

    Why: endpoints and windows are counted from this date.
    Fix: ask the site for the record with this date, or for the reason why there is none.
    Rule: asked for once it is due and while the subject is in the study
    """
    has = anchors.collect_schema().names()
    pieces = []
    for name, anchor in study.anchors.items():
        table, column = _owner(anchor)
        if not anchor.required or anchor.if_row or table in ("subjects", "") or name not in has or anchor.needs not in has:
            continue
        due = pl.col(anchor.needs) + pl.duration(days=anchor.due)
        rows = anchors.join(ends.select("SUBJID", "ENDDAT"), on="SUBJID", how="left")
        there = pl.col("ENDDAT").is_null() | (pl.col("ENDDAT") > due)
        # the row of a started course is the one that lacks its date; otherwise there is no row
        started = pl.col(f"{anchor.needs}_RID") if _owner(study.anchors[anchor.needs])[0] == table else None
        rid = started if started is not None and table == "procedures" else pl.lit(None, dtype=pl.UInt32)
        pieces.append(
            rows.filter(pl.col(name).is_null(), due < run.cutoff, there).select(
                "SUBJID", label=pl.lit(anchor.label.capitalize()), affects=pl.lit(anchor.affects), _table=pl.lit(table),
                _column=pl.lit(column), _rid=rid, _key=pl.lit(name),
            )
        )  # fmt: skip
    return union(pieces)


@check("END-004", on="procedures", columns=("PRSTDAT", "PRTRT"))
def procedure_without_date(study: Study, procedures: pl.LazyFrame) -> pl.LazyFrame:
    """{PRTRT} without a date for {SUBJID}; {affects} cannot be computed.

    Why: endpoints and windows are counted from this date.
    Fix: ask the site for the date of the procedure.
    """
    blank = procedures.filter(pl.col("SUBJID").is_not_null(), pl.col("PRTRT").is_not_null(), pl.col("PRSTDATC").is_null())
    affects = pl.lit("what is counted from it")
    for anchor in study.anchors.values():
        for source in anchor.sources:
            if anchor.required and source.of == "procedures.PRSTDAT" and "PRTRT" in source.where:
                affects = pl.when(pl.col("PRTRT").is_in(list(source.where["PRTRT"]))).then(pl.lit(anchor.affects)).otherwise(affects)
    return blank.with_columns(affects=affects, _key=pl.lit("procedure"))


@check(
    "END-004", on="subjects", columns=("WEIGHT",), needs=("anchors",), uses=("visits", "visits.WEIGHT", "visits.VISDAT"),
    silenced_by=("visits.WEIGHT", "subjects.WEIGHT"),
)  # fmt: skip
def baseline_weight_missing(
    study: Study, subjects: pl.LazyFrame, visits: pl.LazyFrame, anchors: pl.LazyFrame
) -> pl.LazyFrame:
    """Baseline weight missing for {SUBJID}; the weight-based dose cannot be checked.

    Why: the start dose of a drug given by weight depends on it.
    Fix: ask the site for the weight at screening.
    """
    if not study.p("baseline_weight_required"):
        return nothing()
    start = anchors.select("SUBJID", "D1") if "D1" in study.anchors else anchors.select("SUBJID", D1=pl.lit(None, dtype=pl.Date))
    seen = visits.filter(pl.col("WEIGHT").is_not_null()).join(start, on="SUBJID", how="inner").filter(
        pl.col("VISDAT") <= pl.col("D1")
    )
    blank = subjects.filter(pl.col("SUBJID").is_not_null(), pl.col("WEIGHT").is_null())
    return blank.join(seen, on="SUBJID", how="anti").with_columns(_key=pl.lit("weight"))


@check(
    "END-011", on="subjects", needs=("lesions", "assessments", "anchors"),
    uses=("subjects.PVTTCLS",), silenced_by=("targets.TRDAT", "nontargets.TRDAT", "targets.LESID"),
)  # fmt: skip
def baseline_lesions_incomplete(
    study: Study, run: RunContext, subjects: pl.LazyFrame, lesions: pl.LazyFrame, assessments: pl.LazyFrame, anchors: pl.LazyFrame
) -> pl.LazyFrame:
    """Baseline of {SUBJID}: {missing}.

    Why: response is judged against the lesions of the baseline; without them no response can be derived.
    Fix: ask the site for the baseline lesions, or for the statement that there are none.
    Rule: non-measurable disease alone is in order where the study allows it (END-018 judges that)
    Not checked: the answer whether non-target lesions exist (not in the layout).
    """
    treated = anchors.filter(pl.col("D1") <= run.cutoff).select("SUBJID")
    listed = subjects.filter(pl.col("SUBJID").is_not_null()).unique("SUBJID", keep="first", maintain_order=True)
    base = assessments.filter(pl.col("ROLE") == "BASELINE").select("SUBJID", "EVAL", "VISIT")
    found = lesions.filter(pl.col("CLASS") != "NEW").join(base, on=["SUBJID", "EVAL", "VISIT"], how="semi").select("SUBJID")
    none = listed.join(treated, on="SUBJID", how="semi").join(found, on="SUBJID", how="anti").select(
        "SUBJID", _NO_ROW, missing=pl.lit("neither target nor non-target lesions"), _table=pl.lit("targets"),
        _column=pl.lit("LESID"), _key=pl.lit("lesions"),
    )  # fmt: skip
    if not (study.criterion and study.criterion.pvtt) or "PVTTCLS" not in listed.collect_schema().names():
        return none
    thrombus = listed.filter(pl.col("PVTTCLS").is_null()).select(
        "SUBJID", "_rid", missing=pl.lit("the PVTT class is blank"), _table=pl.lit("subjects"), _column=pl.lit("PVTTCLS"),
        _key=pl.lit("pvtt"),
    )
    return union([none, thrombus])


@check("END-016", on="subjects", columns=("DIAGDAT",), needs=("anchors",))
def long_wait_for_enrolment(study: Study, subjects: pl.LazyFrame, anchors: pl.LazyFrame) -> pl.LazyFrame:
    """{n} days between diagnosis ({DIAG}) and enrolment ({ENROL}) are immortal time in overall survival.

    Why: nobody can die between diagnosis and enrolment; survival from diagnosis is overstated by the waiting time.
    Fix: nothing to ask the site; overall survival from enrolment is derived beside it.
    Rule: trial-a.md 9.2
    """
    if not {"DIAG", "ENROL"} <= set(study.anchors):
        return nothing()
    limit = int(study.p("diagnosis_wait_days"))
    n = (pl.col("ENROL") - pl.col("DIAG")).dt.total_days()
    rows = anchors.select("SUBJID", "DIAG", "ENROL", n=n)
    long = subjects.filter(pl.col("SUBJID").is_not_null()).join(rows, on="SUBJID", how="inner").filter(pl.col("n") > limit)
    median = rows.select(n=pl.col("n").median()).filter(pl.col("n") > limit).select(
        pl.lit(None, dtype=pl.String).alias("SUBJID"), _NO_ROW, n=pl.col("n"), limit=pl.lit(limit), _key=pl.lit("median"),
        _say=pl.lit("The median time from diagnosis to enrolment is {n} days, more than {limit}: immortal time in overall survival."),
    )
    return union([long.with_columns(_key=pl.lit("subject")), median])


@check("END-015", on="subjects", needs=("anchors", "assessments", "ends", "progression", "deaths"))
def one_year_status_open(
    study: Study, run: RunContext, subjects: pl.LazyFrame, anchors: pl.LazyFrame, assessments: pl.LazyFrame,
    ends: pl.LazyFrame, progression: pl.LazyFrame, deaths: pl.LazyFrame,
) -> pl.LazyFrame:  # fmt: skip
    """{SUBJID} last assessed on day {day}; the one-year event-free status is open{gone}.

    Why: the primary endpoint is the event-free rate at one year.
    Fix: ask the site for the assessments around one year; subjects who withdrew or were lost are listed only.
    """
    year, grace = int(study.p("one_year_days")), int(study.p("one_year_grace_days"))
    rows = anchors.filter(pl.col("D1").is_not_null()).select("SUBJID", "D1")
    rows = rows.filter((pl.lit(run.cutoff) - pl.col("D1")).dt.total_days() > year + grace)
    events = union([progression.select("SUBJID"), deaths.filter(pl.col("DTHHI") <= run.cutoff).select("SUBJID")])
    last = assessments.filter(pl.col("EVALUABLE"), pl.col("DAT") <= run.cutoff).group_by("SUBJID").agg(last=pl.col("DAT").max())
    open_ = rows.join(events, on="SUBJID", how="anti").join(last, on="SUBJID", how="left").join(
        ends.select("SUBJID", "ENDDAT", "STUDYENDWHY"), on="SUBJID", how="left"
    )
    day = (pl.coalesce("last", "D1") - pl.col("D1")).dt.total_days() + 1
    gone = pl.when(pl.col("ENDDAT").is_not_null()).then(pl.format(" ({}, no query)", pl.col("STUDYENDWHY").fill_null("off study").str.to_lowercase()))
    listed = subjects.select("SUBJID", "_rid").unique("SUBJID", keep="first")
    return open_.with_columns(day=day, gone=gone.otherwise(pl.lit(""))).filter(pl.col("day") < year).join(
        listed, on="SUBJID", how="inner"
    ).with_columns(_column=pl.lit("SUBJID"))


@check("END-013", on="subjects", needs=("anchors", "assessments", "progression", "deaths"))
def event_after_missed_assessments(
    study: Study, run: RunContext, subjects: pl.LazyFrame, anchors: pl.LazyFrame, assessments: pl.LazyFrame,
    progression: pl.LazyFrame, deaths: pl.LazyFrame,
) -> pl.LazyFrame:  # fmt: skip
    """Event ({what}) on {event} is {n} days after the last evaluable scan of {last} (limit {limit}): censored at {last} under rule {rule}.

    Why: an event after two or more missed assessments has no known date; the rule decides between event and censoring.
    Fix: ask the site for assessments in the gap; otherwise the statistician decides. As an event the date would be {event}.
    Rule: trial 8.3 / 8.2 CNSR 4
    """
    plan = study.assessments
    if plan is None:
        return nothing()
    pd_ = progression.select("SUBJID", event="PDDAT", what=pl.lit("progression"))
    died = deaths.filter(pl.col("DTHDAT") <= run.cutoff).select("SUBJID", event="DTHDAT", what=pl.lit("death"))
    first = union([pd_, died]).sort("event", "what", descending=[False, True]).group_by("SUBJID", maintain_order=True).first()
    points = assessments.filter(pl.col("EVALUABLE"), pl.col("ROLE") != "PRIOR", pl.col("EVAL") == "INVESTIGATOR")
    before = points.join(first, on="SUBJID", how="inner").filter(pl.col("ANYDAT") < pl.col("event"), pl.col("ROLE") != "BASELINE")
    last = before.sort("ANYDAT").group_by("SUBJID", maintain_order=True).agg(
        last=pl.col("ANYDAT").last(), event=pl.col("event").first(), what=pl.col("what").first()
    )
    names = [a for a in anchors_of(plan) if a in study.anchors]
    rows = last.join(anchors.select("SUBJID", *names), on="SUBJID", how="left")
    restart = plan.restart_at if plan.restart_at in names else None
    again = (pl.col("last") > pl.col(restart)).fill_null(False) if restart else pl.lit(False)
    limits = []
    for restarted in (False, True):
        every, window = interval_at(plan, origin(plan, restarted=restarted), pl.col("last"), restarted=restarted)
        limits.append(plan.gap_factor * (every + window))
    limit = pl.when(again).then(limits[1]).otherwise(limits[0])
    n = (pl.col("event") - pl.col("last")).dt.total_days()
    far = rows.with_columns(n=n, limit=limit, rule=pl.lit(str(study.p("missed_assessment_rule")))).filter(pl.col("n") > pl.col("limit"))
    listed = subjects.select("SUBJID", "_rid").unique("SUBJID", keep="first")
    return far.join(listed, on="SUBJID", how="inner").with_columns(_column=pl.lit("SUBJID"))


@check(
    "END-001",
    on="subjects",
    needs=("anchors", "timepoints", "assessments", "ends"),
    silenced_by=("targets.TRDAT", "responses.OVRLRESP", "dosing.EXSTDAT", "targets.LDIAM", "targets.SAXIS", "targets.VDIAM",
                 "targets.TRSTATUS"),
)  # fmt: skip
def primary_endpoint_not_derivable(
    study: Study, run: RunContext, subjects: pl.LazyFrame, anchors: pl.LazyFrame, timepoints: pl.LazyFrame,
    assessments: pl.LazyFrame, ends: pl.LazyFrame,
) -> pl.LazyFrame:  # fmt: skip
    """{param} for {SUBJID} cannot be derived: missing {what}; counted as {fallback}.

    Why: this is the primary endpoint of the study.
    Fix: ask the site for what is missing.
    Rule: a missing reference date is END-004, a missing scan in the response window VIS-006
    """
    primary = [(n, e) for n, e in study.endpoints.items() if e.primary]
    pieces = []
    for name, endpoint in primary:
        start = endpoint.start if endpoint.start in study.anchors else "D1"
        if start not in study.anchors:
            continue
        options = endpoint.options
        rows = anchors.filter(pl.col(start).is_not_null()).select("SUBJID", start=start).join(
            ends.select("SUBJID", "DTHHI"), on="SUBJID", how="left"
        )
        base = timepoints.filter(pl.col("ROLE") == "BASELINE", pl.col("EVAL") == "INVESTIGATOR")
        by_window = "target_days" in options
        due = int(options["target_days"]) + int(options["window_days"]) if by_window else int(study.p("no_scan_days"))
        fallback = "non-responder" if by_window else "censored on day 1"
        asked = rows.filter(pl.col("start") + pl.duration(days=due) < run.cutoff)
        # mRECIST and RECIST both judge against the baseline sum; for a time to event any baseline assessment serves
        usable = base.filter(pl.col("BASE").is_not_null() | (pl.col("SUM").is_not_null())) if by_window else base
        no_base = asked.join(usable.select("SUBJID"), on="SUBJID", how="anti").select(
            "SUBJID", what=pl.lit("the baseline sum of target lesions" if by_window else "the baseline assessment"),
            _table=pl.lit("targets"), _column=pl.lit("LDIAM"),
        )  # fmt: skip
        pieces.append(no_base.with_columns(param=pl.lit(name), fallback=pl.lit(fallback), _key=pl.lit(f"{name} baseline")))
        if by_window:
            low, high = (int(options["target_days"]) + s * int(options["window_days"]) for s in (-1, 1))
            seen = assessments.filter(pl.col("EVAL") == "INVESTIGATOR", pl.col("ROLE") == "POST-BASELINE").join(rows, on="SUBJID", how="inner")
            seen = seen.filter((pl.col("DAT") - pl.col("start")).dt.total_days().is_between(low, high))
            none = seen.group_by("SUBJID").agg(ok=pl.col("EVALUABLE").any()).filter(~pl.col("ok"))
            unread = asked.join(none.select("SUBJID"), on="SUBJID", how="semi").select(
                "SUBJID", what=pl.lit("an evaluable assessment in the response window"), _table=pl.lit("responses"),
                _column=pl.lit("OVRLRESP"),
            )
            pieces.append(unread.with_columns(param=pl.lit(name), fallback=pl.lit(fallback), _key=pl.lit(f"{name} window")))
    return union(pieces).with_columns(_NO_ROW)
