"""Adverse events: grade, fatal logic, seriousness, timing, attribution, withdrawal, coding (SAF-001 to 006, TRM-004)."""

from __future__ import annotations

import polars as pl

from cdiscx.checks._shape import nothing, related, union
from cdiscx.model.spec import Study
from cdiscx.model.table import RunContext
from cdiscx.registry import check
from cdiscx.standards.dates import after, before, earliest, latest

_RECOVERED = ("RECOVERED", "RECOVERED WITH SEQUELAE")


@check("SAF-001", on="ae", columns=("AETOXGR", "AETERM"), uses=("ae.AESTDAT",))
def grade_missing_or_invalid(ae: pl.LazyFrame) -> pl.LazyFrame:
    """Adverse event "{AETERM}" ({AESTDATC}): CTCAE grade is {AETOXGR}; a whole grade from 1 to 5 is needed.

    Why: tables by grade and treatment-emergent worsening rest on one grade per record; a range like 1-2 cannot be analysed.
    Fix: ask the site for the one CTCAE v5.0 grade of this event; a change of grade is a new record.
    Rule: CTCAE v5.0; numbers outside 1-5 and texts are STR-009
    Not checked: which grades exist for a term (no CTCAE dictionary travels with the layout).
    """
    grade = pl.col("AETOXGR")
    blank = grade.is_null() & (pl.col("AETOXGRC").is_null() | (pl.col("AETOXGRC") == ""))
    broken = grade.is_between(1, 5) & (grade != grade.floor())
    return ae.filter(pl.col("SUBJID").is_not_null(), blank | broken.fill_null(False))


def _fatal_facts(ae: pl.LazyFrame) -> pl.LazyFrame:
    """Three statements about death in one record: grade, outcome, criterion; null where the record does not say."""
    stated = pl.col("AESCRIT").list.len() > 0
    silent = (pl.col("AESER") == "Y") & ~stated.fill_null(False)  # SAF-003 asks for the criteria
    return ae.with_columns(
        _g5=pl.col("AETOXGR") == 5,
        _fatal=pl.col("AEOUT") == "FATAL",
        _death=pl.when(silent).then(None).otherwise(pl.col("AESCRIT").list.contains("DEATH").fill_null(False)),
    )


@check("SAF-002", on="ae", columns=("AEOUT", "AETERM"), uses=("ae.AETOXGR", "ae.AESER", "ae.AESCRIT"))
def fatal_fields_disagree(ae: pl.LazyFrame) -> pl.LazyFrame:
    """Adverse event "{AETERM}": grade {AETOXGR}, outcome {AEOUT}, seriousness criterion death {crit} disagree about death.

    Why: grade 5, outcome Fatal and the criterion Death mean the same; one without the others makes the death uncertain.
    Fix: ask the site whether the event was fatal, and correct grade, outcome and criterion together.
    Rule: CTCAE v5.0 grade 5; catalogue 15.8
    """
    facts = _fatal_facts(ae).filter(pl.col("SUBJID").is_not_null())
    said = [pl.col("_g5"), pl.col("_fatal"), pl.col("_death")]
    some = pl.any_horizontal([s.fill_null(False) for s in said])
    every = pl.all_horizontal([s.fill_null(True) for s in said])
    shown = pl.when("_death").then(pl.lit("yes")).when(~pl.col("_death")).then(pl.lit("no")).otherwise(pl.lit("not given"))
    return facts.filter(some & ~every).with_columns(crit=shown, _key=pl.lit("fatal fields"))


@check("SAF-002", on="ae", columns=("AEENDAT", "AETERM", "AEOUT"), needs=("deaths",))
def fatal_event_ends_on_another_day(ae: pl.LazyFrame, deaths: pl.LazyFrame) -> pl.LazyFrame:
    """Fatal adverse event "{AETERM}" ends on {AEENDATC}, but the death date in Survival is {DTHDATC}.

    Why: a fatal event ends with the death; two dates make the survival time uncertain.
    Fix: ask the site which date is right and correct the other.
    """
    fatal = ae.filter(pl.col("AEOUT") == "FATAL").join(
        deaths.select("SUBJID", "DTHDATC", dth_rid="_rid"), on="SUBJID", how="inner"
    )
    end, death = pl.col("AEENDATC"), pl.col("DTHDATC")
    return fatal.filter(before(end, death) | after(end, death)).with_columns(
        related(("dth_rid", "DTHDAT")), _key=pl.lit("fatal end")
    )


@check("SAF-002", on="ae", columns=("AEOUT", "AETERM"))
def two_fatal_events(ae: pl.LazyFrame) -> pl.LazyFrame:
    """Subject {SUBJID} has {n} adverse events with outcome Fatal ("{AETERM}" is one of them); only one can be the cause of death.

    Why: one death has one primary cause; the others were not recovered when the subject died.
    Fix: ask the site which event was the primary cause of death; the others get the outcome Not recovered.
    """
    fatal = ae.filter(pl.col("AEOUT") == "FATAL", pl.col("SUBJID").is_not_null()).sort("_rid")
    n = pl.len().over("SUBJID")
    first = pl.col("_rid").min().over("SUBJID")
    return fatal.with_columns(n=n, _first=first).filter(pl.col("n") > 1, pl.col("_rid") != pl.col("_first")).with_columns(
        related(("_first", "AEOUT")), _key=pl.lit("two fatal")
    )


@check("SAF-003", on="ae", columns=("AESER", "AETERM", "AESCRIT"))
def seriousness_and_criteria_disagree(ae: pl.LazyFrame) -> pl.LazyFrame:
    """Adverse event "{AETERM}": Serious = {AESER}, but the seriousness criteria are: {AESCRIT}.

    Why: an event is serious because of at least one criterion; expedited reports and tables of serious events rest on it.
    Fix: ask the site to name the criterion of a serious event, or to correct Serious.
    Rule: ICH E2A
    Not checked: a hospital stay within 3 days of the criterion Hospitalization (the layout has no stays but the hepatectomy's).
    """
    n = pl.col("AESCRIT").list.len().fill_null(0)
    yes, no = pl.col("AESER") == "Y", pl.col("AESER") == "N"
    return ae.filter(pl.col("SUBJID").is_not_null(), (yes & (n == 0)) | (no & (n > 0)))


@check("SAF-004", on="ae", columns=("AEENDAT", "AEOUT", "AETERM"), uses=("ae.AEONGO",))
def outcome_and_end_date_disagree(ae: pl.LazyFrame) -> pl.LazyFrame:
    """Adverse event "{AETERM}": outcome {AEOUT}, ongoing {AEONGO}, but the end date is {AEENDATC}.

    Why: a recovered event has ended, one that is not recovered or ongoing has not; durations and outcome tables need both right.
    Fix: ask the site for the end date of a recovered event, or to correct the outcome (Recovered, Not recovered, Ongoing).
    """
    ended = pl.col("AEENDATC").is_not_null()
    recovered = pl.col("AEOUT").is_in(list(_RECOVERED))
    going = (pl.col("AEOUT") == "NOT RECOVERED") | (pl.col("AEONGO") == "Y").fill_null(False)
    return ae.filter(pl.col("SUBJID").is_not_null(), (recovered & ~ended) | (going.fill_null(False) & ended)).with_columns(
        _key=pl.lit("end date")
    )


@check("SAF-004", on="ae", columns=("AESTDAT", "AETERM"), uses=("ae.AEENDAT", "ae.AETOXGR"))
def same_event_overlaps(ae: pl.LazyFrame) -> pl.LazyFrame:
    """Adverse event "{AETERM}" from {AESTDAT} (grade {AETOXGR}) begins before its earlier record from {start1} has ended ({end1}).

    Why: a change of grade is a new record that begins where the one before ends; overlapping records count an event twice.
    Fix: ask the site to end the earlier record (its outcome is then Recovering or Recovered) or to remove the repeat.
    """
    order = ["SUBJID", "_term"]
    rows = ae.filter(pl.col("SUBJID").is_not_null(), pl.col("AESTDAT").is_not_null()).with_columns(
        _term=pl.col("AETERM").str.to_lowercase().str.strip_chars()
    )
    rows = rows.sort("SUBJID", "_term", "AESTDAT", "_rid").with_columns(
        start1=pl.col("AESTDAT").shift(1).over(order),
        _endc=pl.col("AEENDATC").shift(1).over(order),
        _prev=pl.col("_rid").shift(1).over(order),
    )
    still_open = pl.col("_endc").is_null()
    overlap = pl.col("_prev").is_not_null() & (still_open | (earliest(pl.col("_endc")) > pl.col("AESTDAT")))
    return rows.filter(overlap).with_columns(
        related(("_prev", "AEENDAT")), end1=pl.when(still_open).then(pl.lit("open")).otherwise("_endc"), _key=pl.lit("overlap")
    )


@check(
    "SAF-005",
    on="ae",
    columns=("AEREL", "AETERM", "AESTDAT"),
    uses=("dosing", "dosing.EXTRT", "dosing.EXSTDAT", "dosing.EXENDAT", "dosing.EXONGO", "procedures", "procedures.PRTRT",
          "procedures.PRSTDAT", "procedures.PRENDAT"),
    silenced_by=("dosing.EXSTDAT", "dosing.EXENDAT", "procedures.PRSTDAT", "dosing.EXTRT", "procedures.PRTRT"),
)  # fmt: skip
def attributed_to_a_treatment_not_given(
    study: Study, ae: pl.LazyFrame, dosing: pl.LazyFrame, procedures: pl.LazyFrame
) -> pl.LazyFrame:
    """Adverse event "{AETERM}" on {AESTDATC} is attributed to {what}, which was {when}.

    Why: an event cannot be caused by a treatment that was not yet given; long after the last dose it is unlikely.
    Fix: ask the site to check the onset date, the attribution and the dates of the treatment.
    Rule: late radiation effects have no upper limit
    """
    events = ae.filter(pl.col("SUBJID").is_not_null(), pl.col("AESTDATC").is_not_null()).explode("AEREL")
    events = events.filter(pl.col("AEREL").is_not_null(), pl.col("AEREL") != "NONE")
    pieces = []
    for part in study.components.values():
        blamed = events.filter(pl.col("AEREL").is_in(list(part.related_to)))
        given = union(
            [
                dosing.filter(pl.col("EXTRT").is_in(list(part.drugs))).select(
                    "SUBJID", "_rid", start="EXSTDAT", end=pl.coalesce("EXENDAT", pl.when(pl.col("EXONGO").fill_null("N") != "Y").then("EXSTDAT")),
                    going=(pl.col("EXONGO") == "Y").fill_null(False),
                ),
                procedures.filter(pl.col("PRTRT").is_in(list(part.procedures))).select(
                    "SUBJID", "_rid", start="PRSTDAT", end=pl.coalesce("PRENDAT", "PRSTDAT"), going=pl.lit(False)
                ),
            ]
        )  # fmt: skip
        span = given.sort("start").group_by("SUBJID", maintain_order=True).agg(
            first=pl.col("start").min(), last=pl.col("end").max(), going=pl.col("going").any(), _first=pl.col("_rid").first()
        )
        rows = blamed.join(span, on="SUBJID", how="left")
        too_early = latest(pl.col("AESTDATC")) < pl.col("first")
        never = pl.col("first").is_null()
        late = pl.lit(False)
        if part.late_days is not None:
            late = earliest(pl.col("AESTDATC")) > pl.col("last") + pl.duration(days=part.late_days)
            late = late & ~pl.col("going").fill_null(False)
        when = (
            pl.when(never)
            .then(pl.lit("never given"))
            .when(too_early)
            .then(pl.format("first given on {}", "first"))
            .otherwise(pl.format("last given on {}, more than {} days before", "last", pl.lit(part.late_days)))
        )
        pieces.append(
            rows.filter((never | too_early | late).fill_null(False)).select(
                "SUBJID", "_rid", "AETERM", "AESTDATC", related(("_first", "EXSTDAT" if part.drugs else "PRSTDAT")),
                what=pl.lit(part.label), when=when, _key=pl.lit(part.label),
            )
        )  # fmt: skip
    return union(pieces)


@check(
    "SAF-006",
    on="ae",
    columns=("AEACN", "AETERM", "AESTDAT"),
    needs=("disposition", "disposition.DSDECOD", "disposition.DSSCOPE", "disposition.DSTRT", "disposition.DSDAT"),
    uses=("dosing", "dosing.EXTRT", "dosing.EXSTDAT", "dosing.EXENDAT"),
    silenced_by=("disposition.DSDAT", "disposition.DSDECOD", "disposition.DSTRT", "disposition.DSSCOPE"),
)
def withdrawal_without_disposition(
    study: Study, run: RunContext, ae: pl.LazyFrame, disposition: pl.LazyFrame, dosing: pl.LazyFrame
) -> pl.LazyFrame:
    """Adverse event "{AETERM}" ({AESTDATC}): {drug} withdrawn, but {what}.

    Why: a drug withdrawn for an adverse event ends with a treatment disposition for that reason, and is not given again.
    Fix: ask the site for the disposition of this drug (Adverse event, with its date), or to correct the action taken.
    Rule: catalogue 15.17: disposition within -3 .. +14 days of the event's start or of the last dose
    """
    if not study.regimens:
        return nothing()
    low, high = int(study.p("withdrawal_before_days")), int(study.p("withdrawal_after_days"))
    rows = ae.filter(pl.col("SUBJID").is_not_null(), pl.col("AESTDAT").is_not_null()).explode("AEACN")
    item = pl.col("AEACN").struct
    rows = rows.with_columns(drug=item.field("key"), _action=item.field("term")).filter(
        pl.col("_action") == "DRUG WITHDRAWN", pl.col("drug").is_in(list(study.regimens)),
        pl.col("AESTDAT") + pl.duration(days=high) < run.cutoff,
    )  # fmt: skip
    doses = dosing.filter(pl.col("SUBJID").is_not_null()).group_by("SUBJID", drug=pl.col("EXTRT")).agg(
        last_start=pl.col("EXSTDAT").max(), last=pl.max_horizontal(pl.col("EXSTDAT").max(), pl.col("EXENDAT").max()),
        _dose=pl.col("_rid").sort_by("EXSTDAT").last(),
    )  # fmt: skip
    rows = rows.join(doses, on=["SUBJID", "drug"], how="left")
    stops = disposition.filter(pl.col("DSSCOPE") == "TREATMENT").select(
        "SUBJID", "DSDECOD", "DSDAT", _drug=pl.when(pl.col("DSTRT") == "ALL").then(None).otherwise("DSTRT"), _stop="_rid"
    )
    both = rows.join(stops, on="SUBJID", how="left").filter(
        pl.col("_drug").is_null() | (pl.col("_drug") == pl.col("drug"))
    )
    span = pl.duration(days=low), pl.duration(days=high)
    near = [pl.col("DSDAT").is_between(pl.col(d) - span[0], pl.col(d) + span[1]) for d in ("AESTDAT", "last")]
    fits = (pl.col("DSDECOD") == "ADVERSE EVENT") & pl.any_horizontal([n.fill_null(False) for n in near])
    matched = both.filter(fits.fill_null(False)).select("_rid", "drug").unique()
    reasons = both.filter(pl.col("DSDAT").is_not_null()).group_by("_rid", "drug").agg(
        _said=pl.format("{} on {}", "DSDECOD", "DSDAT").sort_by("DSDAT").first(), _srid=pl.col("_stop").sort_by("DSDAT").first()
    )
    left = rows.join(matched, on=["_rid", "drug"], how="anti").join(reasons, on=["_rid", "drug"], how="left")
    later = pl.col("last_start") > pl.col("AESTDAT") + pl.duration(days=high)
    what = (
        pl.when(later)
        .then(pl.format("it was still given on {}", "last_start"))
        .when(pl.col("_said").is_not_null())
        .then(pl.format("its treatment disposition says {}", "_said"))
        .otherwise(pl.lit("it has no treatment disposition"))
    )
    return left.with_columns(related(("_dose", "EXSTDAT"), ("_srid", "DSDECOD")), what=what, _key=pl.col("drug"))


@check("TRM-004", on="ae", columns=("AEDECOD", "AETERM", "AESTDAT"))
def event_not_coded(study: Study, run: RunContext, ae: pl.LazyFrame) -> pl.LazyFrame:
    """Adverse event "{AETERM}" of {AESTDATC} has no preferred term.

    Why: adverse events are counted by MedDRA preferred term.
    Fix: have the term coded; events of the last weeks may wait for the next coding run.
    Not checked: a class of new anti-cancer therapies and coded medical history (not in the layout).
    """
    old = latest(pl.col("AESTDATC")) < pl.lit(run.cutoff) - pl.duration(days=int(study.p("coding_grace_days")))
    return ae.filter(pl.col("SUBJID").is_not_null(), pl.col("AEDECOD").is_null(), pl.col("AETERM").is_not_null(), old)


@check("TRM-004", on="disposition", columns=("DSREAS", "DSDECOD"))
def other_disposition_not_specified(disposition: pl.LazyFrame) -> pl.LazyFrame:
    """Disposition "Other" without a reason.

    Why: Other alone says nothing; the reason decides how the subject is analysed.
    Fix: ask the site to write the reason.
    """
    return disposition.filter(pl.col("SUBJID").is_not_null(), pl.col("DSDECOD") == "OTHER", pl.col("DSREAS").is_null())


@check("TRM-004", on="procedures", columns=("PRTRT", "PRREAS"), uses=("procedures.PRLOC",))
def other_procedure_not_specified(procedures: pl.LazyFrame) -> pl.LazyFrame:
    """Procedure "Other" on {PRSTDAT} does not say what was done.

    Why: an unnamed procedure may be a new anti-cancer therapy that censors the endpoint.
    Fix: ask the site to name the procedure in Reason or Location.
    """
    unsaid = pl.col("PRREAS").is_null() & pl.col("PRLOC").is_null()
    return procedures.filter(pl.col("SUBJID").is_not_null(), pl.col("PRTRT") == "OTHER", unsaid)
