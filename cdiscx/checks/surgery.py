"""Surgery: facts across sheets, timing, complications, hospital stay, 30-day status (SUR-001 to SUR-005)."""

from __future__ import annotations

import polars as pl

from cdiscx.checks._shape import RELATED, nothing, related, union
from cdiscx.model.spec import Study
from cdiscx.model.table import RunContext
from cdiscx.registry import check
from cdiscx.standards.dates import earliest, latest
from cdiscx.standards.grades import clavien_ordinal


def _hepatectomies(procedures: pl.LazyFrame) -> pl.LazyFrame:
    return procedures.filter(pl.col("PRTRT") == "HEPATECTOMY", pl.col("SUBJID").is_not_null())


def _index(procedures: pl.LazyFrame) -> pl.LazyFrame:
    """The first hepatectomy of each subject: SUBJID, SURG, _surg."""
    dated = _hepatectomies(procedures).filter(pl.col("PRSTDAT").is_not_null()).sort("PRSTDAT", "_rid")
    return dated.group_by("SUBJID", maintain_order=True).agg(SURG=pl.col("PRSTDAT").first(), _surg=pl.col("_rid").first())


@check(
    "SUR-001",
    on="pathology",
    columns=("MIDAT", "MISPEC"),
    needs=("procedures", "procedures.PRTRT", "procedures.PRSTDAT"),
    silenced_by=("procedures.PRSTDAT", "procedures.PRTRT"),
)
def specimen_of_another_day(study: Study, pathology: pl.LazyFrame, procedures: pl.LazyFrame) -> pl.LazyFrame:
    """Resection specimen dated {MIDAT}, hepatectomy on {SURG} in Procedures.

    Why: the specimen is taken at the operation; two dates make the start of disease-free survival uncertain.
    Fix: ask the site which date is right, the specimen's or the operation's.
    Rule: specimen date within 1 day of the hepatectomy
    """
    tolerance = int(study.p("surgery_date_tolerance_days"))
    operations = _hepatectomies(procedures).select("SUBJID", SURG="PRSTDAT", _surg="_rid").drop_nulls("SURG")
    specimens = pathology.filter(pl.col("MISPEC") == "RESECTION", pl.col("MIDAT").is_not_null())
    pairs = specimens.join(operations, on="SUBJID", how="inner")
    away = (pl.col("MIDAT") - pl.col("SURG")).dt.total_days().abs()
    nearest = pairs.with_columns(_away=away).sort("_rid", "_away").group_by("_rid", maintain_order=True).first()
    return nearest.filter(pl.col("_away") > tolerance).with_columns(related(("_surg", "PRSTDAT")), _key=pl.lit("specimen"))


@check(
    "SUR-001",
    on="pathology",
    columns=("MIDAT", "MISPEC"),
    needs=("procedures", "procedures.PRTRT"),
    silenced_by=("procedures.PRTRT",),
)
def specimen_without_hepatectomy(pathology: pl.LazyFrame, procedures: pl.LazyFrame) -> pl.LazyFrame:
    """Resection specimen of {MIDAT}, but Procedures has no hepatectomy for subject {SUBJID}.

    Why: a resected subject without an operation is missing from every surgical endpoint.
    Fix: ask the site for the operation, or to say that the specimen is a biopsy.
    """
    specimens = pathology.filter(pl.col("MISPEC") == "RESECTION", pl.col("SUBJID").is_not_null(), pl.col("BIOMARK").is_null())
    lonely = specimens.join(_hepatectomies(procedures), on="SUBJID", how="anti").sort("_rid")
    return lonely.group_by("SUBJID", maintain_order=True).first().with_columns(_key=pl.lit("no operation"))


@check("SUR-001", on="procedures", columns=("PRTRT", "PRSTDAT"), uses=("procedures.PRREAS",))
def more_than_one_hepatectomy(procedures: pl.LazyFrame) -> pl.LazyFrame:
    """A second hepatectomy on {PRSTDAT}, after the one of {first}; there is exactly one index operation.

    Why: survival from hepatectomy and 30-day safety start at one date.
    Fix: ask the site whether this is a second stage (say so in Reason), a reoperation, or a repeat of the same record.
    """
    rows = _hepatectomies(procedures).filter(pl.col("PRSTDAT").is_not_null()).sort("SUBJID", "PRSTDAT", "_rid")
    rows = rows.with_columns(first=pl.col("PRSTDAT").first().over("SUBJID"), _first=pl.col("_rid").first().over("SUBJID"))
    said = pl.col("PRREAS").str.to_lowercase().str.contains("stage|second|二期|分期|再次").fill_null(False)
    later = rows.filter(pl.col("_rid") != pl.col("_first"), pl.col("PRSTDAT") != pl.col("first"), ~said)
    return later.with_columns(related(("_first", "PRSTDAT")), _key=pl.lit("second"))


@check("SUR-001", on="procedures", columns=("HOADMDAT", "PRTRT", "PRSTDAT", "HODISDAT"))
def stay_does_not_contain_operation(procedures: pl.LazyFrame) -> pl.LazyFrame:
    """Hepatectomy on {PRSTDAT} lies outside its hospital stay, {HOADMDAT} to {HODISDAT}.

    Why: length of stay and 30-day outcomes are counted from this stay.
    Fix: ask the site to check the operation, admission and discharge dates.
    """
    rows = _hepatectomies(procedures).filter(pl.col("PRSTDAT").is_not_null())
    late = pl.col("HOADMDAT") > pl.col("PRSTDAT")
    early = pl.col("HODISDAT") < pl.col("PRSTDAT")
    column = pl.when(late.fill_null(False)).then(pl.lit("HOADMDAT")).otherwise(pl.lit("HODISDAT"))
    return rows.filter(late.fill_null(False) | early.fill_null(False)).with_columns(_column=column, _key=pl.lit("stay"))


def _far(days: pl.Expr, low: int | None, high: int | None) -> pl.Expr:
    out = pl.lit(False)
    if low is not None:
        out = out | (days < low)
    if high is not None:
        out = out | (days > high)
    return out


@check(
    "SUR-002",
    on="procedures",
    columns=("PRSTDAT", "PRTRT"),
    needs=("anchors",),
    uses=("procedures.PRREAS",),
    silenced_by=("procedures.PRENDAT", "decision.DECDAT"),
)
def surgery_outside_plan(study: Study, procedures: pl.LazyFrame, anchors: pl.LazyFrame) -> pl.LazyFrame:
    """Hepatectomy on {PRSTDAT} is {n} days after {anchor} ({adate}); planned are {span}.

    Why: the interval before surgery is part of the protocol.
    Fix: ask the site to check the two dates; a real deviation is recorded as such.
    """
    plans = {
        "RTEND": (int(study.p("surgery_after_rt_min_days")), int(study.p("surgery_after_rt_max_days"))),
        "DECISION": (None, int(study.p("surgery_after_decision_days"))),
    }
    surgery = _index(procedures)
    pieces = []
    for name, (low, high) in plans.items():
        if name not in study.anchors:
            continue
        rows = surgery.join(anchors.select("SUBJID", adate=name, _arid=f"{name}_RID"), on="SUBJID", how="inner")
        days = (pl.col("SURG") - pl.col("adate")).dt.total_days()
        span = f"{low} to {high} days" if low is not None else f"at most {high} days"
        # an operation before the decision was made for another reason: END-007 and VIS-007 look at that
        floor = low if low is not None else 0
        rows = rows.with_columns(
            n=days, span=pl.lit(span), anchor=pl.lit(study.anchors[name].label), PRSTDAT="SURG", _rid="_surg",
            _key=pl.lit(name),
        ).filter(_far(pl.col("n"), low, high), pl.col("n") >= (floor if low is None else -(10**6)))  # fmt: skip
        column = (study.anchors[name].sheet or "").partition(".")[2] or name
        pieces.append(rows.with_columns(related(("_arid", column))))
    return union(pieces)


@check(
    "SUR-003",
    on="ae",
    columns=("AECDGR", "AESURG", "AETERM", "AESTDAT"),
    needs=("procedures", "procedures.PRTRT", "procedures.PRSTDAT"),
    uses=("ae.AETOXGR", "ae.AEOUT"),
    silenced_by=("procedures.PRSTDAT", "procedures.PRTRT"),
)
def complication_grade(study: Study, ae: pl.LazyFrame, procedures: pl.LazyFrame) -> pl.LazyFrame:
    """Surgical complication "{AETERM}" ({AESTDATC}): Clavien-Dindo {AECDGR} but {fact}.

    Why: surgical safety is reported by Clavien-Dindo grade; grade V means death.
    Fix: ask the site for the Clavien-Dindo grade of this complication, or to correct grade and outcome.
    Rule: response-criteria 6; other grades of Clavien-Dindo and CTCAE are never compared
    Not checked: intensive care stays (not in the layout).
    """
    window = pl.duration(days=int(study.p("complication_days")))
    rows = ae.filter(pl.col("SUBJID").is_not_null()).join(_index(procedures), on="SUBJID", how="inner")
    flagged = pl.col("AESURG") == "Y"
    inside = (earliest(pl.col("AESTDATC")) <= pl.col("SURG") + window) & (latest(pl.col("AESTDATC")) >= pl.col("SURG"))
    missing = rows.filter(flagged, inside, pl.col("AECDGR").is_null()).with_columns(
        fact=pl.lit("a surgical complication needs a grade from I to V"), _key=pl.lit("missing")
    )
    fatal = (pl.col("AEOUT") == "FATAL").fill_null(False) | (pl.col("AETOXGR") == 5).fill_null(False)
    five = pl.col("AECDGR") == "V"
    not_fatal = rows.filter(five, ~fatal).with_columns(
        fact=pl.format("outcome {} and CTCAE grade {} are not fatal", pl.col("AEOUT").fill_null("blank"), pl.col("AETOXGR").cast(pl.Int64).cast(pl.String).fill_null("blank")),
        _key=pl.lit("five"),
    )  # fmt: skip
    not_five = rows.filter(flagged, fatal, pl.col("AECDGR").is_not_null(), ~five).with_columns(
        fact=pl.lit("the event was fatal, which is grade V"), _key=pl.lit("fatal")
    )
    return union([missing, not_fatal, not_five])


@check(
    "SUR-003",
    on="procedures",
    columns=("PRTRT", "PRSTDAT"),
    needs=("ae", "ae.AESURG", "ae.AECDGR", "ae.AESTDAT"),
    uses=("procedures.PRANES",),
    silenced_by=("ae.AECDGR", "ae.AESTDAT"),
)
def reoperation_without_major_complication(study: Study, procedures: pl.LazyFrame, ae: pl.LazyFrame) -> pl.LazyFrame:
    """Reoperation on {PRSTDAT} ({under}): no surgical complication of Clavien-Dindo {least} or higher is recorded (highest: {highest}).

    Why: an operation under general anaesthesia for a complication makes it at least IIIb, without it at least IIIa.
    Fix: ask the site to grade the complication that led to the reoperation, or to report it.
    Rule: response-criteria 6
    """
    surgery = _index(procedures)
    window = pl.duration(days=int(study.p("complication_days")))
    again = procedures.filter(pl.col("PRTRT") == "REOPERATION").join(surgery, on="SUBJID", how="inner")
    again = again.filter(pl.col("PRSTDAT").is_between(pl.col("SURG"), pl.col("SURG") + pl.duration(days=int(study.p("reoperation_days")))))
    events = ae.filter(pl.col("AESURG") == "Y").join(surgery, on="SUBJID", how="inner").filter(
        latest(pl.col("AESTDATC")).is_between(pl.col("SURG"), pl.col("SURG") + window)
    )
    worst = events.sort(clavien_ordinal(pl.col("AECDGR")), nulls_last=False).group_by("SUBJID", maintain_order=True).agg(
        highest=pl.col("AECDGR").last(), _ae=pl.col("_rid").last()
    )
    rows = again.join(worst, on="SUBJID", how="left")
    narcosis = (pl.col("PRANES") == "Y").fill_null(False)
    least = pl.when(narcosis).then(pl.lit("IIIb")).otherwise(pl.lit("IIIa"))
    rows = rows.with_columns(least=least, under=pl.when(narcosis).then(pl.lit("under anaesthesia")).otherwise(pl.lit("without anaesthesia")))
    low = clavien_ordinal(pl.col("highest")).fill_null(-1) < clavien_ordinal(pl.col("least"))
    found = rows.filter(low)
    has = pl.col("_ae").is_not_null()
    # the complication's grade is what the site corrects; without any complication the reoperation itself is asked about
    return found.with_columns(
        related(("_rid", "PRSTDAT")),
        _table=pl.when(has).then(pl.lit("ae")).otherwise(pl.lit("procedures")),
        _column=pl.when(has).then(pl.lit("AECDGR")).otherwise(pl.lit("PRTRT")),
        _key=pl.lit("reoperation"),
    ).with_columns(_rid=pl.coalesce("_ae", "_rid"))


@check(
    "SUR-004",
    on="procedures",
    columns=("HODISDAT", "PRTRT", "PRSTDAT", "HOADMDAT"),
    needs=("ends",),
    uses=("procedures.HOREADAT",),
)
def stay_incomplete_or_implausible(
    study: Study, run: RunContext, procedures: pl.LazyFrame, ends: pl.LazyFrame
) -> pl.LazyFrame:
    """Stay {HOADMDAT}-{HODISDAT} of the hepatectomy on {PRSTDAT}: {problem}.

    Why: length of stay and readmission are surgical safety endpoints.
    Fix: ask the site for the dates of admission, discharge and readmission.
    Rule: an operation outside its stay is SUR-001
    """
    rows = _hepatectomies(procedures).join(ends.select("SUBJID", "DTHHI"), on="SUBJID", how="left")
    surgery, admitted, discharged, again = (pl.col(c) for c in ("PRSTDAT", "HOADMDAT", "HODISDAT", "HOREADAT"))
    due = surgery + pl.duration(days=int(study.p("stay_discharge_days")))
    alive = pl.col("DTHHI").is_null() | (pl.col("DTHHI") > due)
    nights = (discharged - admitted).dt.total_days()
    longest, shortest = int(study.p("stay_max_nights")), int(study.p("stay_min_nights"))
    asked = surgery + pl.duration(days=int(study.p("stay_min_nights"))) < run.cutoff
    problems = [
        ("HODISDAT", discharged.is_null() & pl.col("HODISDATC").is_null() & (due < run.cutoff) & alive,
         pl.lit(f"no discharge date more than {study.p('stay_discharge_days')} days after surgery")),
        ("HOADMDAT", admitted.is_null() & pl.col("HOADMDATC").is_null() & asked, pl.lit("no admission date")),
        ("HODISDAT", (nights > longest).fill_null(False), pl.format("{} nights are more than {}", nights, pl.lit(longest))),
        ("HODISDAT", ((nights < shortest) & (nights >= 0) & alive).fill_null(False),
         pl.format("{} nights are fewer than {}", nights, pl.lit(shortest))),
        ("HOREADAT", (again <= discharged).fill_null(False),
         pl.format("readmission on {} is not after the discharge", again)),
    ]  # fmt: skip
    return union(
        rows.filter(broken).with_columns(problem=said, _column=pl.lit(column), _key=pl.lit(f"{column}{i}"))
        for i, (column, broken, said) in enumerate(problems)
    )


@check(
    "SUR-005",
    on="procedures",
    columns=("PRSTDAT", "PRTRT"),
    needs=("alive", "deaths", "survival"),
    silenced_by=("survival.SSDAT", "survival.DTHDAT", "visits.VISDAT"),
)
def thirty_day_status_unknown(
    study: Study, run: RunContext, procedures: pl.LazyFrame, alive: pl.LazyFrame, deaths: pl.LazyFrame
) -> pl.LazyFrame:
    """Alive/dead status on day {days} after the hepatectomy of {PRSTDAT} is not documented (last contact {LSTALVDAT}).

    Why: 30-day mortality is a stated endpoint; an unknown status leaves it open.
    Fix: ask the site for a survival contact on or after {due}, or the date of death.
    """
    days = int(study.p("mortality_days"))
    due = pl.col("PRSTDAT") + pl.duration(days=days)
    rows = _hepatectomies(procedures).join(alive, on="SUBJID", how="left").join(deaths, on="SUBJID", how="anti")
    unknown = (due < run.cutoff) & (pl.col("LSTALVDAT").is_null() | (pl.col("LSTALVDAT") < due))
    return rows.filter(unknown).select(
        "SUBJID", "PRSTDAT", "LSTALVDAT",
        days=pl.lit(days), due=due, _surg="_rid", _rid=pl.lit(None, dtype=pl.UInt32), _table=pl.lit("survival"),
        _column=pl.lit("SSDAT"), _key=pl.lit("day 30"),
        _related=pl.concat_list(pl.struct(rid=pl.col("_rid"), column=pl.lit("PRSTDAT"))).cast(RELATED),
    ) if study.anchors else nothing()  # fmt: skip
