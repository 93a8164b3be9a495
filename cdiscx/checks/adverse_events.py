"""Adverse events: grade, seriousness, timing and outcome (SAF-001, SAF-003, SAF-004)."""

from __future__ import annotations

import polars as pl

from cdiscx.checks._shape import related
from cdiscx.registry import check
from cdiscx.standards.dates import earliest

#: two grades in one cell: `1-2`, `2～3`, `1 to 2`
RANGE_TEXT = r"^(?i:grade|g)?\s*[0-5０-５]\s*(?:-|–|—|~|～|/|to|至|到|或)\s*[0-5０-５]\s*级?$"
_RECOVERED = ("RECOVERED", "RECOVERED WITH SEQUELAE")


@check("SAF-001", on="ae", columns=("AETOXGR", "AETERM"), uses=("ae.AESTDAT",))
def grade_missing_or_invalid(ae: pl.LazyFrame) -> pl.LazyFrame:
    """Adverse event "{AETERM}" ({AESTDATC}): CTCAE grade is {AETOXGR}; a whole grade from 1 to 5 is needed.

    Why: tables by grade and treatment-emergent worsening rest on one grade per record; a range like 1-2 cannot be analysed.
    Fix: Ask the site for the one CTCAE v5.0 grade of this event; a change of grade is a new record.
    Rule: SAF-001; CTCAE v5.0; a range of grades (1-2) is named here; numbers outside 1-5 and other texts are STR-009 (catalogue 1.9)
    Not checked: which grades exist for a term (no CTCAE dictionary travels with the layout).
    """
    grade = pl.col("AETOXGR")
    typed = pl.col("AETOXGRC").str.strip_chars()
    blank = grade.is_null() & (typed.is_null() | (typed == ""))
    span = grade.is_null() & typed.str.contains(RANGE_TEXT).fill_null(False)
    broken = grade.is_between(1, 5) & (grade != grade.floor())
    said = pl.lit(
        'Adverse event "{AETERM}" ({AESTDATC}): CTCAE grade is {AETOXGRC}; one whole grade from 1 to 5 is needed.'
    )
    return ae.filter(pl.col("SUBJID").is_not_null(), blank | span | broken.fill_null(False)).with_columns(
        _say=pl.when(grade.is_null() & typed.is_not_null()).then(said)
    )


@check("SAF-003", on="ae", columns=("AESER", "AETERM", "AESCRIT"), needs=("problems",))
def seriousness_and_criteria_disagree(ae: pl.LazyFrame, problems: pl.LazyFrame) -> pl.LazyFrame:
    """Adverse event "{AETERM}": Serious = {AESER}, but the seriousness criterion is {named}.

    Why: an event is serious because of at least one criterion; expedited reports and tables of serious events rest on it.
    Fix: Ask the site to name the criterion of a serious event, or to correct Serious.
    Rule: SAF-003; ICH E2A
    Not checked: a hospital stay within 3 days of the criterion Hospitalization (the layout has no stays but the hepatectomy's).
    """
    # a criterion that could not be read is TRM-001's, not a missing one
    unread = problems.filter(
        pl.col("table") == "ae", pl.col("column") == "AESCRIT", pl.col("unreadable"), pl.col("_rid").is_not_null()
    )
    n = pl.col("AESCRIT").list.len().fill_null(0)
    yes, no = pl.col("AESER") == "Y", pl.col("AESER") == "N"
    wrong = ae.filter(pl.col("SUBJID").is_not_null(), (yes & (n == 0)) | (no & (n > 0)))
    named = pl.when(n > 0).then(pl.col("AESCRIT").list.join(", ").str.to_titlecase()).otherwise(pl.lit("blank"))
    return wrong.join(unread, on="_rid", how="anti").with_columns(related(("_rid", "AESCRIT")), named=named)


@check("SAF-004", on="ae", columns=("AEENDAT", "AEOUT", "AETERM"), uses=("ae.AEONGO",))
def outcome_and_end_date_disagree(ae: pl.LazyFrame) -> pl.LazyFrame:
    """Adverse event "{AETERM}": outcome {outcome}{going} with end date {AEENDATC}.

    Why: a recovered event has ended, one that is not recovered or ongoing has not; durations and outcome tables need both right.
    Fix: Ask the site for the end date of a recovered event, or to correct the outcome (Recovered, Not recovered) or Ongoing.
    Rule: SAF-004; ongoing at death is outcome Not recovered without end date; an onset before consent is DAT-005
    """
    ended = pl.col("AEENDATC").is_not_null()
    recovered = pl.col("AEOUT").is_in(list(_RECOVERED)).fill_null(False)
    ongoing = (pl.col("AEONGO") == "Y").fill_null(False)
    going = (pl.col("AEOUT") == "NOT RECOVERED").fill_null(False) | ongoing
    return ae.filter(pl.col("SUBJID").is_not_null(), (recovered & ~ended) | (going & ended)).with_columns(
        outcome=pl.col("AEOUT").str.to_titlecase(), going=pl.when(ongoing).then(pl.lit(", ongoing")).otherwise(pl.lit("")),
        _key=pl.lit("end date"),
    )  # fmt: skip


@check(
    "SAF-004", on="ae", columns=("AESTDAT", "AETERM"), uses=("ae.AEENDAT", "ae.AETOXGR"), silenced_by=("ae.AEENDAT",)
)
def same_event_overlaps(ae: pl.LazyFrame) -> pl.LazyFrame:
    """Adverse event "{AETERM}" from {AESTDAT} (grade {AETOXGR}) begins before its record from {start1} has ended ({end1}).

    Why: a change of grade is a new record that begins where the one before ends; overlapping records count an event twice.
    Fix: Ask the site to end the earlier record on the day the grade changed, or to remove the repeat.
    Rule: SAF-004; a record may begin on the day the one before it ends; partial start dates are left out
    """
    rows = ae.filter(pl.col("SUBJID").is_not_null(), pl.col("AESTDAT").is_not_null()).with_columns(
        _term=pl.col("AETERM").str.to_lowercase().str.strip_chars()
    )
    again = rows.filter(pl.len().over("SUBJID", "_term") > 1)
    earlier = again.select("SUBJID", "_term", start1="AESTDAT", _endc="AEENDATC", _prev="_rid")
    pairs = again.join(earlier, on=["SUBJID", "_term"], how="inner").filter(
        (pl.col("start1") < pl.col("AESTDAT"))
        | ((pl.col("start1") == pl.col("AESTDAT")) & (pl.col("_prev") < pl.col("_rid")))
    )
    still_open = pl.col("_endc").is_null()
    same_day = pl.col("start1") == pl.col("AESTDAT")
    overlap = still_open | same_day | (earliest(pl.col("_endc")) > pl.col("AESTDAT")).fill_null(False)
    found = pairs.filter(overlap).sort("_rid", "start1", "_prev").group_by("_rid", maintain_order=True).last()
    return found.with_columns(
        related(("_prev", "AEENDAT")),
        end1=pl.when(still_open).then(pl.lit("no end date")).otherwise("_endc"),
        _key=pl.lit("overlap"),
    )
