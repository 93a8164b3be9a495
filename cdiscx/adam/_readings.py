"""Time points in, analysis readings out: one source of responses (the site's or the derived), flagged up to first progression."""

from __future__ import annotations

from typing import Literal

import polars as pl

from cdiscx.adam._context import Context
from cdiscx.adam._course import AFTER_BASELINE, investigator

ResponseSource = Literal["SITE", "DERIVED"]
#: AVAL of a response (adam-derivations 5); NED ranks between NON-CR/NON-PD and PD as in best response
ORDER: dict[str, float] = {
    "CR": 1.0, "PR": 2.0, "SD": 3.0, "NON-CR/NON-PD": 4.0, "NED": 4.5, "PD": 5.0, "NE": 6.0, "MISSING": 7.0,
}  # fmt: skip
IDS = pl.List(pl.UInt32)
_KEPT = (
    "SUBJID",
    "EVAL",
    "VISIT",
    "VISITNUM",
    "BASETYPE",
    "ROLE",
    "TP",
    "ADT",
    "OWNDT",
    "RESP",
    "RULEID",
    "RSSEQ",
    "RID",
    "_from",
)


def response_source(ctx: Context) -> ResponseSource:
    """SITE or DERIVED, as the study file says."""
    return "DERIVED" if str(ctx.p("response_source", "SITE")).upper() == "DERIVED" else "SITE"


def people(ctx: Context) -> pl.DataFrame:
    """ADSL with SUBJID, the number of the subject's row: the key of readings and parameters until they are assembled."""
    return ctx.adsl.drop("SUBJID", strict=False).with_row_index("SUBJID")


def _dates(response: str) -> dict[str, pl.Expr]:
    """OWNDT, date of the time point: the latest scan, for PD the earliest (R11-X-2), the response's where there is none.

    ADT, date of the reading: the same, but a PD is dated at the first sight of a new lesion that was doubtful then and is
    certain now (R11-L-2, MR-L-4).
    """
    progressed = (pl.col(response) == "PD").fill_null(False)
    own = pl.coalesce(pl.when(progressed).then("FIRSTDAT").otherwise("LASTDAT"), "RSDAT")
    return {"OWNDT": own, "ADT": pl.when(progressed).then(pl.min_horizontal(own, "CONFIRMED_FROM")).otherwise(own)}


def site_readings(points: pl.DataFrame) -> pl.DataFrame:
    """The site's overall responses, dated by the scans."""
    return points.with_columns(
        RESP="OVRLRESP",
        **_dates("OVRLRESP"),
        RULEID=pl.lit(None, dtype=pl.String),
        RID="RSRID",
        _from=pl.lit(None, dtype=IDS),
    ).select(_KEPT)


def derived_readings(points: pl.DataFrame) -> pl.DataFrame:
    """Derived overall responses, dated by the scans."""
    return points.with_columns(
        RESP="DOVRLRESP",
        **_dates("DOVRLRESP"),
        RULEID="DOVRLRULE",
        RSSEQ=pl.lit(None, dtype=pl.Float64),
        RID="RSRID",
        _from="_seen",
    ).select(_KEPT)


def readings(points: pl.DataFrame, source: ResponseSource) -> pl.DataFrame:
    """Every time point's reading by one source, dated, with PD, EVALUABLE and the analysis flags ANL01 and ANL03.

    RID is the response record, `_from` the lesion records of a derived reading.

    ANL01: the investigator's readings after baseline up to the first progression; one whose scans began by that day is
    among them, whose response stays when a progression is dated back to it (R11-L-2). ANL03: those after surgery up to
    the first progression after it (for endpoints that start there). What the site says of a scan between the operation
    and the post-operative baseline counts. A post-operative baseline without a response is
    evaluable while a target remains (trial-a 7), where its lesions were read.
    """
    rows = site_readings(points) if source == "SITE" else derived_readings(points)
    rows = rows.with_columns(points["D1"], points["SURG"], _first=points["FIRSTDAT"])
    remains = points["N_EXPECTED"] > 0
    scanned = pl.lit((points["SCANNED"] & remains).fill_null(False)) if "SCANNED" in points.columns else pl.lit(False)
    said = pl.col("RESP").is_not_null()
    baseline_again = (pl.col("ROLE") == "POST-OPERATIVE BASELINE") & ~said & scanned
    counts = (
        investigator()
        & (pl.col("ROLE").is_in(list(AFTER_BASELINE)) | (pl.col("BASETYPE") == "POST-OPERATIVE"))
        & (said | baseline_again)
        & (pl.col("ADT") > pl.col("D1")).fill_null(False)
    )
    rows = rows.with_columns(
        PD=(pl.col("RESP") == "PD").fill_null(False),
        EVALUABLE=(said & (pl.col("RESP") != "NE")).fill_null(False) | baseline_again,
        _counts=counts,
        _after=counts & (pl.col("ADT") > pl.col("SURG")).fill_null(False),
    )
    grown = rows.filter("PD", "_counts")
    first = grown.group_by("SUBJID").agg(PDDT=pl.col("ADT").min(), PDDT_AFTER=pl.when("_after").then("ADT").min())
    date = pl.min_horizontal("ADT", "_first")
    return (
        rows.join(first, on="SUBJID", how="left", maintain_order="left")
        .with_columns(
            ANL01=pl.col("_counts") & (date <= pl.col("PDDT")).fill_null(True),
            ANL03=pl.col("_after") & (date <= pl.col("PDDT_AFTER")).fill_null(True),
        )
        .drop("_counts", "_after", "_first", "PDDT_AFTER")
    )


def flag(met: str | pl.Expr) -> pl.Expr:
    """Y or null (rule 1.7)."""
    expr = pl.col(met) if isinstance(met, str) else met
    return pl.when(expr.fill_null(False)).then(pl.lit("Y"))
