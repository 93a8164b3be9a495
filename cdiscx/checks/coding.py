"""Events without a code and "Other" without a word (TRM-004)."""

from __future__ import annotations

import polars as pl

from cdiscx.checks._doses import blank
from cdiscx.model.spec import Study
from cdiscx.model.table import RunContext
from cdiscx.registry import check
from cdiscx.standards.dates import latest


@check("TRM-004", on="ae", columns=("AEDECOD", "AETERM", "AESTDAT"))
def event_not_coded(study: Study, run: RunContext, ae: pl.LazyFrame) -> pl.LazyFrame:
    """Adverse event "{AETERM}" of {AESTDATC} has no preferred term.

    Why: adverse events are counted by MedDRA preferred term.
    Fix: Have the term coded; events of the last {days} days may wait for the next coding run.
    Rule: TRM-004
    Not checked: a class of new anti-cancer therapies and coded medical history (not in the layout).
    """
    grace = int(study.p("coding_grace_days"))
    old = latest(pl.col("AESTDATC")) < pl.lit(run.cutoff) - pl.duration(days=grace)
    bare = ae.filter(pl.col("SUBJID").is_not_null(), blank("AEDECOD"), ~blank("AETERM"), old)
    return bare.with_columns(days=pl.lit(grace))


@check("TRM-004", on="disposition", columns=("DSREAS", "DSDECOD"), uses=("disposition.DSDAT",))
def other_disposition_not_specified(disposition: pl.LazyFrame) -> pl.LazyFrame:
    """Disposition Other on {DSDATC} without a reason.

    Why: Other alone says nothing; the reason decides how the subject is analysed.
    Fix: Ask the site to write the reason.
    Rule: TRM-004
    """
    return disposition.filter(pl.col("SUBJID").is_not_null(), pl.col("DSDECOD") == "OTHER", blank("DSREAS"))


@check("TRM-004", on="procedures", columns=("PRTRT", "PRREAS"), uses=("procedures.PRSTDAT",))
def other_procedure_not_specified(procedures: pl.LazyFrame) -> pl.LazyFrame:
    """Procedure Other on {PRSTDATC} does not say what was done.

    Why: an unnamed procedure may be a new anti-cancer therapy that censors the endpoint.
    Fix: Ask the site to name the procedure in Reason.
    Rule: TRM-004
    """
    return procedures.filter(pl.col("SUBJID").is_not_null(), pl.col("PRTRT") == "OTHER", blank("PRREAS"))
