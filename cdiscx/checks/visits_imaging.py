"""Scans against the imaging plan: baseline, intervals, the response scan, the month-3 assessment, restaging, after surgery."""

from __future__ import annotations

import polars as pl

from cdiscx.checks._anchors import with_anchor_cell
from cdiscx.checks._plans import visit_of
from cdiscx.checks._shape import nothing, related, union
from cdiscx.checks._words import days_said
from cdiscx.model.spec import Study, Visit
from cdiscx.model.table import RunContext
from cdiscx.registry import check
from cdiscx.views.imaging_plan import anchors_of, days_after, interval_at, origin

_LESION_DATES = ("targets.TRDAT", "nontargets.TRDAT", "newlesions.TRDAT")
_ANCHORS = ("dosing.EXSTDAT", "procedures.PRSTDAT", "procedures.PRENDAT")
_NO_ROW = pl.lit(None, dtype=pl.UInt32)
_NO_COLUMN = pl.lit(None, dtype=pl.String)


def owned(study: Study, check_id: str) -> Visit | None:
    """The visit of the schedule that a check judges by itself."""
    return next((v for v in study.schedule if v.judged_by == check_id), None)


def _days(later: str, earlier: str) -> pl.Expr:
    return (pl.col(later) - pl.col(earlier)).dt.total_days()


@check(
    "VIS-004",
    on="assessments",
    uses=("anchors",),
    silenced_by=(*_LESION_DATES, "responses.RSDAT", "procedures.PRSTDAT"),
)
def assessment_interval(study: Study, assessments: pl.LazyFrame, anchors: pl.LazyFrame) -> pl.LazyFrame:
    """{DAYS} between assessments {DATE1} ({VISIT1}) and {DATE2} ({VISIT}) (planned {EVERY}). A gap beyond {LIMIT} affects censoring.

    Why: with rare assessments progression is seen late, and events after missed assessments are censored.
    Fix: Ask the site whether a scan in between is not entered, and check both dates.
    Rule: VIS-004; consecutive evaluable assessments of one reader at most interval + 2 x window apart; ruling 15.7: the
    interval in force is the one planned after the earlier assessment; starts afresh at surgery, ends at the first PD
    """
    plan = study.assessments
    if plan is None:
        return nothing()
    names = list(anchors_of(plan))
    has = anchors.collect_schema().names()
    if not set(names) <= set(has):
        return nothing()
    who = ["SUBJID", "EVAL"]
    rows = assessments.filter(
        pl.col("EVALUABLE"),
        pl.col("DAT").is_not_null(),
        pl.col("ROLE").is_in(["POST-BASELINE", "POST-OPERATIVE BASELINE"]),
    )
    # surgery is a column of the view as well; the plan's anchors are taken from `anchors`
    own = anchors.select("SUBJID", *names)
    rows = rows.drop([n for n in names if n in assessments.collect_schema().names()]).join(
        own, on="SUBJID", how="inner"
    )
    first_pd = pl.col("DAT").filter(pl.col("PD")).min().over(who)
    rows = rows.filter((pl.col("DAT") <= first_pd).fill_null(True))
    segment = [*who, "BASETYPE"]
    rows = rows.sort(*segment, "DAT", "VISIT").with_columns(
        DATE1=pl.col("DAT").shift(1).over(segment), VISIT1=pl.col("VISIT").shift(1).over(segment),
        RID1=pl.col("_rid").shift(1).over(segment), TAB1=pl.col("RSRID").shift(1).over(segment),
    ).drop_nulls("DATE1")  # fmt: skip
    restarted = pl.col("BASETYPE") == "POST-OPERATIVE"
    before = interval_at(plan, origin(plan, restarted=False), pl.col("DATE1"), restarted=False)
    after = interval_at(plan, origin(plan, restarted=True), pl.col("DATE1"), restarted=True)
    every, window = (pl.when(restarted).then(a).otherwise(b) for a, b in zip(after, before, strict=True))
    rows = rows.with_columns(DAYS=_days("DAT", "DATE1"), EVERY=every, LIMIT=every + 2 * window, DATE2="DAT")
    short = pl.col("DAYS") < plan.min_days
    close = pl.lit("Only {DAYS} between assessments {DATE1} ({VISIT1}) and {DATE2} ({VISIT}); possibly one time point.")
    rows = rows.filter((pl.col("DAYS") > pl.col("LIMIT")) | short)
    # two visits of one day are STR-006's and MEA-019's business when they are copies; here they are a note
    return rows.select(
        "SUBJID", "_rid", "VISIT", days_said("DAYS").alias("DAYS"), "DATE1", "VISIT1", "DATE2", "EVERY", "LIMIT",
        _table=_response_or_lesion(), _column=_date_column(), _key="EVAL",
        _severity=pl.when(short).then(pl.lit("note")), _say=pl.when(short).then(close),
        _related=related(
            (pl.when(pl.col("TAB1").is_not_null()).then("RID1"), "RSDAT"),
            (pl.when(pl.col("TAB1").is_null()).then("RID1"), "TRDAT"),
            (pl.when(pl.col("RSRID").is_not_null()).then("LESRID"), "TRDAT"),
        ),
    )  # fmt: skip


def _response_or_lesion() -> pl.Expr:
    """The sheet that an assessment's `_rid` belongs to."""
    return pl.when(pl.col("RSRID").is_not_null()).then(pl.lit("responses")).otherwise("LESTABLE")


def _date_column() -> pl.Expr:
    return pl.when(pl.col("RSRID").is_not_null()).then(pl.lit("RSDAT")).otherwise(pl.lit("TRDAT"))


@check(
    "VIS-005", on="anchors", needs=("lesions", "assessments", "targets.TRDAT"), uses=("ends", "rows", *_LESION_DATES),
    silenced_by=(*_ANCHORS, *_LESION_DATES, "targets.VISIT"),
)  # fmt: skip
def baseline_scan(
    study: Study, run: RunContext, anchors: pl.LazyFrame, lesions: pl.LazyFrame, assessments: pl.LazyFrame, ends: pl.LazyFrame,
    rows: pl.LazyFrame,
) -> pl.LazyFrame:  # fmt: skip
    """Baseline scan {TRDAT} is {DAYS} before first treatment on {D1} (max {MAX}).

    Why: every response is measured against the baseline; it must show the disease as it was when treatment began.
    Fix: Ask the site for the right scan date, or for the baseline scan with its lesions.
    Rule: VIS-005; R11-S-6; a scan on the day of first treatment is a baseline scan
    Not checked: planning angiography, which the layout does not hold
    """
    if "D1" not in anchors.collect_schema().names():
        return nothing()
    limit, grace = study.p("baseline_scan_days"), study.p("vis_grace_days")
    treated = anchors.filter(pl.col("D1").is_not_null()).select("SUBJID", "D1", "D1_RID")
    base = assessments.filter(pl.col("ROLE") == "BASELINE", pl.col("LESRID").is_not_null()).select(
        "SUBJID", "EVAL", "VISIT"
    )
    scans = lesions.filter(pl.col("CLASS") != "NEW").join(
        base, on=["SUBJID", "EVAL", "VISIT"], how="inner", nulls_equal=True
    )
    scans = scans.join(treated, on="SUBJID", how="inner")
    # one scan, one finding: the first row with that date, targets before non-targets, the investigator before others
    order = [pl.col("CLASS") != "TARGET", pl.col("EVAL") != "INVESTIGATOR", pl.col("_rid")]
    scans = (
        scans.with_columns(DAYS=_days("D1", "TRDAT"))
        .sort(order)
        .unique(["SUBJID", "TRDAT"], keep="first", maintain_order=True)
    )
    off = scans.filter((pl.col("DAYS") < 0) | (pl.col("DAYS") > limit)).with_columns(
        DAYS=days_said(pl.col("DAYS").abs()),
        _severity=pl.when(pl.col("DAYS") < 0).then(pl.lit("error")).otherwise(pl.lit("warning")),
        _say=pl.when(pl.col("DAYS") < 0).then(pl.lit("Baseline scan {TRDAT} is {DAYS} after first treatment on {D1}.")),
    )
    dated = pl.col("TRDAT").is_not_null() | pl.col("TRDATC").is_not_null()
    blank = scans.filter(~dated.any().over("SUBJID")).unique("SUBJID", keep="first", maintain_order=True).with_columns(
        _severity=pl.lit("error"), _say=pl.lit("The baseline scan ({VISIT}) has no date; first treatment was on {D1}.")
    )  # fmt: skip
    # measurements: a subject with targets anywhere needs them at baseline; without any target the non-targets are it
    targets = lesions.filter(pl.col("CLASS") == "TARGET")
    measured = targets.join(base, on=["SUBJID", "EVAL", "VISIT"], how="semi", nulls_equal=True).select("SUBJID")
    seen = pl.concat([measured, base.select("SUBJID").join(targets, on="SUBJID", how="anti")])
    none = treated.join(seen, on="SUBJID", how="anti").join(ends.select("SUBJID", "ENDDAT"), on="SUBJID", how="left")
    due = days_after(pl.col("D1"), grace)
    none = none.filter(due < run.cutoff, (due < pl.col("ENDDAT")).fill_null(True)).with_columns(
        _rid=_NO_ROW, TABLE=pl.lit("targets"), _column=_NO_COLUMN, _severity=pl.lit("error"),
        VISIT=pl.lit(next((v.name for v in study.schedule if v.baseline), None), dtype=pl.String),
        _say=pl.lit("No baseline scan with lesion measurements on or before first treatment ({D1}, at most {MAX} days earlier)."),
    )  # fmt: skip
    found = union([off.with_columns(_column=pl.lit("TRDAT")), blank.with_columns(_column=pl.lit("TRDAT")), none])
    return with_anchor_cell(found, rows, study, "D1", "D1_RID").select(
        "SUBJID", "_rid", "VISIT", "TRDAT", "D1", "DAYS", "_column", "_severity", "_say", "_related",
        MAX=pl.lit(limit), _table="TABLE", _key=pl.lit("baseline"),
    )  # fmt: skip


@check(
    "VIS-006", applies=visit_of("VIS-006"), on="anchors", needs=("assessments", "targets.TRDAT"), uses=("ends", "progression", *_LESION_DATES),
    silenced_by=(*_ANCHORS, *_LESION_DATES, "targets.VISIT"),
)  # fmt: skip
def response_scan_missing(
    study: Study,
    run: RunContext,
    anchors: pl.LazyFrame,
    assessments: pl.LazyFrame,
    ends: pl.LazyFrame,
    progression: pl.LazyFrame,
) -> pl.LazyFrame:
    """No scan between {LO} and {HI}: primary endpoint at 6 weeks counts {SUBJID} as non-responder. Nearest scan {NEAR} ({OUT} out).

    Why: the primary endpoint is read from a scan six weeks after the first durvalumab; without it the subject counts as
    not responding.
    Fix: Ask the site for the scan, or for its right date.
    Rule: VIS-006; trial A 8.1; measured from the first durvalumab; not due before the window closes; silent after death,
    withdrawal or progression before the end of the window
    """
    visit = owned(study, "VIS-006")
    if visit is None or visit.anchor not in anchors.collect_schema().names():
        return nothing()
    target, width = study.p("week6_target_days"), study.p("week6_window_days")
    day = pl.col(visit.anchor)
    due = anchors.filter(day.is_not_null()).select(
        "SUBJID", LO=days_after(day, target - width), HI=days_after(day, target + width), MID=days_after(day, target)
    )
    due = due.filter(pl.col("HI") <= run.cutoff).join(ends.select("SUBJID", "ENDDAT"), on="SUBJID", how="left")
    due = due.join(progression.select("SUBJID", "PDDAT"), on="SUBJID", how="left")
    due = due.filter(
        (pl.col("HI") < pl.col("ENDDAT")).fill_null(True), (pl.col("PDDAT") >= pl.col("LO")).fill_null(True)
    )
    scans = assessments.filter(pl.col("LESRID").is_not_null(), pl.col("DAT").is_not_null())
    scans = scans.filter(~pl.col("ROLE").is_in(["BASELINE", "PRIOR"])).select("SUBJID", NEAR="DAT")
    later = due.join(scans, on="SUBJID", how="inner")
    met = later.filter(pl.col("NEAR").is_between("LO", "HI")).select("SUBJID")
    out = pl.max_horizontal(
        (pl.col("LO") - pl.col("NEAR")).dt.total_days(), (pl.col("NEAR") - pl.col("HI")).dt.total_days()
    )
    near = (
        later.with_columns(OUT=out)
        .sort("OUT", "NEAR")
        .group_by("SUBJID", maintain_order=True)
        .first()
        .select("SUBJID", "NEAR", "OUT")
    )
    none = pl.lit(
        "No scan between {LO} and {HI}: primary endpoint at 6 weeks counts {SUBJID} as non-responder. No scan after baseline is recorded."
    )
    return due.join(met, on="SUBJID", how="anti").join(near, on="SUBJID", how="left").select(
        "SUBJID", "LO", "HI", "NEAR", OUT=days_said("OUT"), _rid=_NO_ROW, VISIT=pl.lit(visit.name), _table=pl.lit("targets"), _column=_NO_COLUMN,
        _key=pl.lit(visit.name), _say=pl.when(pl.col("NEAR").is_null()).then(none), _expected=pl.lit("a scan from {LO} to {HI}"),
    )  # fmt: skip


@check(
    "VIS-008", on="anchors", needs=("assessments", "procedures.PRSTDAT", "targets.TRDAT"), uses=("procedures.PRENDAT", *_LESION_DATES),
    silenced_by=(*_ANCHORS, *_LESION_DATES),
)  # fmt: skip
def restaging_scan_missing(study: Study, anchors: pl.LazyFrame, assessments: pl.LazyFrame) -> pl.LazyFrame:
    """Hepatectomy on {SURG} without restaging scan after radiotherapy: composite response cannot be derived.

    Why: the response before surgery is read from the scan between radiotherapy and hepatectomy.
    Fix: Ask the site for the restaging scan, or for its right date.
    Rule: VIS-008; a scan from the end of radiotherapy (not before D1 + 14) until the day before surgery, and at most 42
    days before it; scans on different days are one time point
    """
    visit = owned(study, "VIS-008")
    wanted = {"D1", "SURG", *([visit.anchor] if visit else [])}
    if visit is None or not wanted <= set(anchors.collect_schema().names()):
        return nothing()
    limit, least = study.p("restaging_to_surgery_days"), study.p("restaging_min_days")
    rows = anchors.filter(
        pl.col("SURG").is_not_null(), pl.col("D1").is_not_null(), pl.col(visit.anchor).is_not_null()
    ).select("SUBJID", "SURG", "SURG_RID", LO=pl.max_horizontal(visit.anchor, days_after(pl.col("D1"), least)))
    scans = assessments.filter(pl.col("LASTDAT").is_not_null()).select("SUBJID", "FIRSTDAT", "LASTDAT", "LESRID")
    scans = rows.join(scans, on="SUBJID", how="inner").filter(pl.col("FIRSTDAT") < pl.col("SURG"))
    # of a time point whose scans straddle the surgery the first one still is a scan before it
    scans = scans.with_columns(LAST=pl.when(pl.col("LASTDAT") < pl.col("SURG")).then("LASTDAT").otherwise("FIRSTDAT"))
    last = scans.sort("LAST", "LESRID").group_by("SUBJID", maintain_order=True).agg(pl.col("LAST", "LESRID").last())
    rows = rows.join(last, on="SUBJID", how="left").with_columns(DAYS=_days("SURG", "LAST"))
    without = pl.col("LAST").is_null() | (pl.col("LAST") < pl.col("LO"))
    old = pl.lit(
        "Hepatectomy on {SURG} is {DAYS} days after the last scan before it ({LAST}); at most {MAX} days are planned."
    )
    return rows.filter(without | (pl.col("DAYS") > limit)).select(
        "SUBJID", "SURG", "LO", "LAST", "DAYS", MAX=pl.lit(limit), _rid="SURG_RID", VISIT=pl.lit(visit.name),
        _table=pl.lit("procedures"), _column=pl.lit("PRSTDAT"), _key=pl.lit(visit.name),
        _say=pl.when(~without).then(old), _related=related(("LESRID", "TRDAT")),
    )  # fmt: skip


@check(
    "VIS-009", on="anchors", needs=("lesions", "procedures.PRSTDAT", "targets.TRDAT"), uses=("ends", *_LESION_DATES),
    silenced_by=(*_ANCHORS, *_LESION_DATES),
)  # fmt: skip
def postoperative_scan_missing(
    study: Study,
    run: RunContext,
    anchors: pl.LazyFrame,
    lesions: pl.LazyFrame,
    ends: pl.LazyFrame,
    procedures: pl.LazyFrame,
) -> pl.LazyFrame:
    """No scan from {LO} to {HI}, 2-6 weeks after the hepatectomy on {SURG}; later progression has no reference.

    Why: resection takes lesions away, so progression after it is judged against a new baseline.
    Fix: Ask the site for the post-operative scan, or for its right date.
    Rule: VIS-009; trial A 7; not asked for after death, withdrawal or study end, nor after another operation, before SURG + 45
    """
    if "SURG" not in anchors.collect_schema().names():
        return nothing()
    early, late = study.p("postop_scan_min_days"), study.p("postop_scan_max_days")
    day = pl.col("SURG")
    rows = anchors.filter(day.is_not_null()).select(
        "SUBJID", "SURG", "SURG_RID", LO=days_after(day, early), HI=days_after(day, late)
    )
    rows = rows.filter(pl.col("HI") < run.cutoff).join(ends.select("SUBJID", "ENDDAT"), on="SUBJID", how="left")
    rows = rows.filter((pl.col("HI") < pl.col("ENDDAT")).fill_null(True))
    scans = lesions.select("SUBJID", "TRDAT").drop_nulls()
    met = rows.join(scans, on="SUBJID", how="inner").filter(pl.col("TRDAT").is_between("LO", "HI")).select("SUBJID")
    again = (
        procedures.filter(pl.col("PRTRT").is_in(["HEPATECTOMY", "REOPERATION"]))
        .select("SUBJID", "PRSTDAT")
        .drop_nulls()
    )
    again = rows.join(again, on="SUBJID", how="inner").filter(
        pl.col("PRSTDAT") > day, pl.col("PRSTDAT") <= pl.col("HI")
    )
    visit = next((v.name for v in study.schedule if v.postop_baseline), None)
    return rows.join(met, on="SUBJID", how="anti").join(again.select("SUBJID"), on="SUBJID", how="anti").select(
        "SUBJID", "SURG", "LO", "HI", _rid="SURG_RID", VISIT=pl.lit(visit, dtype=pl.String), _table=pl.lit("procedures"),
        _column=pl.lit("PRSTDAT"), _expected=pl.lit("a scan from {LO} to {HI}"),
    )  # fmt: skip


@check("VIS-010", on="assessments", needs=("targets.TRDAT",), uses=("lesions", *_LESION_DATES))
def scans_spread_too_far(study: Study, assessments: pl.LazyFrame, lesions: pl.LazyFrame) -> pl.LazyFrame:
    """Time point {VISIT}: scans from {FIRSTDAT} to {LASTDAT} ({DAYS} days).

    Why: lesions read weeks apart do not show the disease at one time; the sum mixes two states.
    Fix: Ask the site whether a scan date is wrong or a scan belongs to another visit.
    Rule: VIS-010; R11-X-2: scans of one time point lie within 14 days; ruling 15.10: without a Response row the lesion row
    with the latest date is named
    Not checked: the response date against the scans, which is MEA-029
    """
    limit = study.p("scan_spread_days")
    rows = assessments.with_columns(DAYS=_days("LASTDAT", "FIRSTDAT")).filter(pl.col("DAYS") > limit)
    point = ["SUBJID", "EVAL", "VISIT"]
    cells = lesions.filter(pl.col("TRDAT").is_not_null()).sort("TRDAT", "_rid").group_by(point, maintain_order=True).agg(
        EARLY=pl.col("_rid").first(), LATE=pl.col("_rid").last()
    )  # fmt: skip
    rows = rows.join(cells, on=point, how="left", nulls_equal=True)
    return rows.select(
        "SUBJID", "VISIT", "FIRSTDAT", "LASTDAT", "DAYS",
        _rid=pl.coalesce("RSRID", "LATE", "LESRID"), _table=_response_or_lesion(), _column=_date_column(), _key="EVAL",
        _expected=pl.lit(f"scans within {limit} days"),
        _related=related(("EARLY", "TRDAT"), ("LATE", "TRDAT")),
    )  # fmt: skip
