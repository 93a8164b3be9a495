"""After the hepatectomy: complications (SUR-003), hospital stay (SUR-004), status on day 30 (SUR-005)."""

from __future__ import annotations

import polars as pl

from cdiscx.checks._shape import related, union
from cdiscx.checks._words import said
from cdiscx.checks.surgery import hepatectomies, index_operation
from cdiscx.model.spec import Study
from cdiscx.model.table import RunContext
from cdiscx.registry import check
from cdiscx.standards.dates import after, before
from cdiscx.standards.grades import clavien_ordinal

_NO_ROW = pl.lit(None, dtype=pl.UInt32)


def _in_window(study: Study, days: str = "complication_days") -> pl.Expr:
    """Onset from the day of surgery to day 90, at the precision that both dates have."""
    last = pl.col("SURG") + pl.duration(days=int(study.p(days)))
    onset = pl.col("AESTDATC")
    return ~before(onset, pl.col("SURG")) & ~after(onset, last)


# --- SUR-003 --------------------------------------------------------------------------------------------------------


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
    Fix: Ask the site for the Clavien-Dindo grade of this complication, or to correct grade and outcome.
    Rule: SUR-003; response criteria 6; onset on day 0 to 90 after surgery; other grades of Clavien-Dindo and CTCAE are
    never compared
    Not checked: intensive care stays (not in the layout).
    """
    days = int(study.p("complication_days"))
    rows = (
        ae.filter(pl.col("SUBJID").is_not_null())
        .join(index_operation(procedures), on="SUBJID", how="inner")
        .with_columns(days=pl.lit(days))
    )
    flagged = (pl.col("AESURG") == "Y").fill_null(False)
    missing = rows.filter(flagged, _in_window(study), pl.col("AECDGR").is_null()).with_columns(
        fact=said(
            "a complication within ",
            pl.col("days"),
            " days of the hepatectomy of ",
            pl.col("SURG"),
            " needs a grade from I to V",
        ),
        _key=pl.lit("missing"),
    )
    fatal = (pl.col("AEOUT") == "FATAL").fill_null(False) | (pl.col("AETOXGR") == 5).fill_null(False)
    five = (pl.col("AECDGR") == "V").fill_null(False)
    shown = said(
        "the outcome is ",
        pl.col("AEOUT").str.to_lowercase(),
        " and the CTCAE grade ",
        pl.col("AETOXGR").cast(pl.Int64, strict=False),
    )
    not_fatal = rows.filter(five, ~fatal).with_columns(
        related(("_rid", "AEOUT"), ("_rid", "AETOXGR")),
        fact=pl.concat_str(shown, pl.lit("; grade V is death")),
        _key=pl.lit("five"),
    )
    not_five = rows.filter(flagged, fatal, pl.col("AECDGR").is_not_null(), ~five).with_columns(
        related(("_rid", "AEOUT"), ("_rid", "AETOXGR")),
        fact=pl.concat_str(shown, pl.lit("; a fatal complication is grade V")),
        _key=pl.lit("fatal"),
    )
    return union([missing, not_fatal, not_five])


@check(
    "SUR-003",
    on="procedures",
    columns=("PRTRT", "PRSTDAT"),
    needs=("ae", "ae.AESURG", "ae.AECDGR", "ae.AESTDAT"),
    uses=("procedures.PRANES", "ae.AETERM"),
    silenced_by=("ae.AECDGR", "ae.AESTDAT", "ae.AESURG", "procedures.PRANES"),
)
def reoperation_without_major_complication(study: Study, procedures: pl.LazyFrame, ae: pl.LazyFrame) -> pl.LazyFrame:
    """Surgical complication "{AETERM}": Clavien-Dindo {highest} is the highest grade but the reoperation of {PRSTDAT} ({under}) means {least} or more.

    Why: an operation under general anaesthesia for a complication makes it at least IIIb, without it at least IIIa.
    Fix: Ask the site to grade the complication that led to the reoperation, or to report it.
    Rule: SUR-003; response criteria 6; reoperation and complication within 90 days of surgery; a complication without any
    grade is asked for first
    """
    surgery = index_operation(procedures)
    last = pl.col("SURG") + pl.duration(days=int(study.p("reoperation_days")))
    again = (
        procedures.filter(pl.col("PRTRT") == "REOPERATION")
        .join(surgery, on="SUBJID", how="inner")
        .filter(pl.col("PRSTDAT").is_between(pl.col("SURG"), last))
    )
    narcosis = (pl.col("PRANES") == "Y").fill_null(False)
    again = again.with_columns(
        least=pl.when(narcosis).then(pl.lit("IIIb")).otherwise(pl.lit("IIIa")),
        under=pl.when(narcosis).then(pl.lit("under anaesthesia")).otherwise(pl.lit("without anaesthesia")),
    )
    # of several reoperations the one that asks for most
    again = (
        again.sort("least", "PRSTDAT", "_rid", descending=[True, False, False])
        .group_by("SUBJID", maintain_order=True)
        .first()
    )
    events = ae.filter(pl.col("AESURG") == "Y").join(surgery, on="SUBJID", how="inner").filter(_in_window(study))
    events = events.with_columns(_rank=clavien_ordinal(pl.col("AECDGR")))
    ungraded = events.filter(pl.col("_rank").is_null()).select("SUBJID")
    worst = (
        events.sort("_rank", "_rid", descending=[True, False])
        .group_by("SUBJID", maintain_order=True)
        .agg(pl.col("AETERM").first(), highest=pl.col("AECDGR").first(), _ae=pl.col("_rid").first())
    )
    rows = again.join(worst, on="SUBJID", how="left").join(ungraded, on="SUBJID", how="anti")
    low = clavien_ordinal(pl.col("highest")).fill_null(-1) < clavien_ordinal(pl.col("least"))
    none = pl.lit(
        "Reoperation on {PRSTDAT} ({under}), but no surgical complication is recorded; a reoperation means Clavien-Dindo {least} or more."
    )
    return rows.filter(low).with_columns(
        related(("_rid", "PRTRT")),
        _table=pl.lit("ae"), _column=pl.lit("AECDGR"), _key=pl.lit("reoperation"),
        _say=pl.when(pl.col("_ae").is_null()).then(none),
    ).with_columns(_rid=pl.col("_ae"))  # fmt: skip


# --- SUR-004 --------------------------------------------------------------------------------------------------------


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
    """Stay {HOADMDATC} to {HODISDATC} of the hepatectomy on {PRSTDAT}: {problem}.

    Why: length of stay and readmission are surgical safety endpoints.
    Fix: Ask the site for the dates of admission, discharge and readmission.
    Rule: SUR-004; nights from operation to discharge (trial B 8.8); an admission after the operation is SUR-001; a
    readmission on the day of discharge or the next is a transfer
    Not checked: stays other than the hepatectomy's (not in the layout).
    """
    rows = hepatectomies(procedures).join(ends.select("SUBJID", "DTHHI"), on="SUBJID", how="left")
    surgery, discharged, again = (pl.col(c) for c in ("PRSTDAT", "HODISDAT", "HOREADAT"))
    wait, longest, shortest = (int(study.p(n)) for n in ("stay_discharge_days", "stay_max_nights", "stay_min_nights"))
    due = surgery + pl.duration(days=wait)
    alive = pl.col("DTHHI").is_null() | (pl.col("DTHHI") > due)
    left_alive = pl.col("DTHHI").is_null() | (pl.col("DTHHI") > discharged)
    nights = (discharged - surgery).dt.total_days()
    unit = pl.when(nights == 1).then(pl.lit(" night")).otherwise(pl.lit(" nights"))
    many, few = (
        said("discharged ", nights, unit, " after the operation, ", word)
        for word in (f"more than {longest}", f"fewer than {shortest}")
    )
    problems = [
        ("HODISDAT", discharged.is_null() & pl.col("HODISDATC").is_null() & (due < run.cutoff) & alive,
         pl.lit(f"no discharge date more than {wait} days after surgery")),
        ("HOADMDAT", pl.col("HOADMDAT").is_null() & pl.col("HOADMDATC").is_null() & (due < run.cutoff),
         pl.lit("no admission date")),
        ("HODISDAT", nights < 0, said("discharged on ", discharged, ", before the operation")),
        ("HODISDAT", nights > longest, many),
        ("HODISDAT", nights.is_between(0, shortest - 1) & left_alive, few),
        ("HOREADAT", again < discharged, said("readmitted on ", again, ", before the discharge")),
    ]  # fmt: skip
    return union(
        rows.filter(broken.fill_null(False)).with_columns(
            related(("_rid", "PRSTDAT")), problem=text, _column=pl.lit(column), _key=pl.lit(f"{column}{i}")
        )
        for i, (column, broken, text) in enumerate(problems)
    )


# --- SUR-005 --------------------------------------------------------------------------------------------------------


@check(
    "SUR-005",
    on="procedures",
    columns=("PRSTDAT", "PRTRT"),
    needs=("alive", "deaths", "survival", "survival.SSSTAT"),
    silenced_by=("survival.SSDAT", "survival.DTHDAT", "survival.SSSTAT", "visits.VISDAT"),
)
def thirty_day_status_unknown(
    study: Study,
    run: RunContext,
    procedures: pl.LazyFrame,
    alive: pl.LazyFrame,
    deaths: pl.LazyFrame,
    survival: pl.LazyFrame,
) -> pl.LazyFrame:
    """Alive/dead status on day {days} after the surgery of {PRSTDAT} is not documented (last contact {LSTALVDAT}).

    Why: 30-day mortality is a stated endpoint; an unknown status leaves it open.
    Fix: Ask the site for a survival contact on or after {due}, or the date of death.
    Rule: SUR-005; any record on or after day 30 proves life, a loss to follow-up does not (ruling 15.3); a death without
    date is END-005
    """
    days = int(study.p("mortality_days"))
    due = pl.col("PRSTDAT") + pl.duration(days=days)
    dead = pl.concat([deaths.select("SUBJID"), survival.filter(pl.col("SSSTAT") == "DEAD").select("SUBJID")])
    rows = hepatectomies(procedures).join(alive, on="SUBJID", how="left").join(dead, on="SUBJID", how="anti")
    unknown = (due < run.cutoff) & (pl.col("LSTALVDAT").is_null() | (pl.col("LSTALVDAT") < due))
    return rows.filter(unknown).select(
        "SUBJID", "PRSTDAT", "LSTALVDAT", related(("_rid", "PRSTDAT")), days=pl.lit(days), due=due.cast(pl.Date), _rid=_NO_ROW,
        _table=pl.lit("survival"), _column=pl.lit("SSDAT"), _key=pl.lit("day 30"),
    )  # fmt: skip
