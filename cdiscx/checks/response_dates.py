"""The date of a response against the scans of its time point (MEA-029)."""

from __future__ import annotations

import polars as pl

from cdiscx.checks._shape import RELATED
from cdiscx.checks._words import days_said
from cdiscx.model.spec import Study
from cdiscx.registry import check

_POINT = ("SUBJID", "EVAL", "VISIT")


@check(
    "MEA-029",
    on="responses",
    columns=("RSDAT",),
    needs=("assessments", "lesions"),
    silenced_by=("responses.RSDAT", "targets.TRDAT", "nontargets.TRDAT", "newlesions.TRDAT"),
)
def response_not_dated_at_its_scans(study: Study, assessments: pl.LazyFrame, lesions: pl.LazyFrame) -> pl.LazyFrame:
    """{VISIT}: the response is dated {RSDAT}, its scans {scans}: {away} {side}.{proposal}

    Why: progression and response are dated by the scans (R11-X-2), not by the day on which they were read.
    Fix: ask the site for the date of the scan; it is {scan}.
    Rule: R11-X-2, parameter scan_spread_days; a response dated up to that many days after the last scan is a note (reading day)
    Not checked: progression against later dose decisions (not in the layout); scans far from each other are VIS-010's.
    """
    limit = int(study.p("scan_spread_days"))
    date, first, last = pl.col("RSDAT"), pl.col("FIRSTDAT"), pl.col("LASTDAT")
    early, late = date < first, date > last
    rows = assessments.filter(pl.col("RSRID").is_not_null(), (early | late).fill_null(False))
    gap = pl.when(early).then((first - date).dt.total_days()).otherwise((date - last).dt.total_days())
    reading = late & (gap <= limit)
    scan = pl.when(pl.col("PD")).then(first).otherwise(last)
    one = first.cast(pl.String)
    told = rows.with_columns(
        scans=pl.when(first == last).then(one).otherwise(one + pl.lit(" to ") + last.cast(pl.String)),
        away=days_said(gap),
        side=pl.when(early).then(pl.lit("before the first")).otherwise(pl.lit("after the last")),
        proposal=pl.when(reading)
        .then(
            pl.lit(" It may be the day of the reading; the scan date ") + scan.cast(pl.String) + pl.lit(" is proposed.")
        )
        .otherwise(pl.lit("")),
        scan=scan,
        _severity=pl.when(reading).then(pl.lit("note")),
        _expected=scan.cast(pl.String),
        _rid="RSRID",
    )
    cells = (
        lesions.filter(pl.col("TRDAT").is_not_null())
        .sort("_rid")
        .group_by(_POINT)
        .agg(_related=pl.struct(rid=pl.col("_rid"), column=pl.lit("TRDAT", dtype=pl.String)))
    )
    joined = told.join(cells, on=_POINT, how="left").with_columns(pl.col("_related").cast(RELATED))
    return joined.select(
        "SUBJID",
        "_rid",
        "VISIT",
        "RSDAT",
        "scans",
        "away",
        "side",
        "proposal",
        "scan",
        "_severity",
        "_expected",
        "_related",
    )
