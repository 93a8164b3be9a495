"""End of treatment and of the study: missing or contradictory records (END-014), new therapy without a date (END-012)."""

from __future__ import annotations

import polars as pl

from cdiscx.checks._shape import RELATED, related, union
from cdiscx.model.spec import Study
from cdiscx.model.table import RunContext
from cdiscx.registry import check
from cdiscx.standards.dates import precision


@check(
    "END-014",
    on="disposition",
    columns=("DSDECOD", "DSDAT", "DSSCOPE", "DSTRT"),
    needs=("deaths", "survival"),
    uses=("ae", "ae.AEACN", "ae.AETERM", "disposition.DSREAS", "progression", "responses.SYMPTDTR"),
    silenced_by=("survival.DTHDAT", "ae.AEACN"),
)
def reason_contradicted(
    study: Study, disposition: pl.LazyFrame, deaths: pl.LazyFrame, ae: pl.LazyFrame, progression: pl.LazyFrame
) -> pl.LazyFrame:
    """Disposition {DSDECOD} ({DSSCOPE}) on {DSDAT}, but {conflict}.

    Why: the reason for stopping must be borne out by the data it names.
    Fix: ask the site to check the reason of the disposition and the record that should support it.
    """
    rows = disposition.filter(pl.col("SUBJID").is_not_null())
    died = rows.filter(pl.col("DSDECOD") == "DEATH").join(deaths, on="SUBJID", how="anti")
    died = died.filter(pl.col("DSSCOPE") != "STUDY")  # a study end by death without a date is END-005
    no_date = died.with_columns(conflict=pl.lit("Survival has no date of death"), _key=pl.lit("death"))
    grown = rows.filter(pl.col("DSDECOD") == "PROGRESSIVE DISEASE").join(
        progression.select("SUBJID"), on="SUBJID", how="anti"
    )
    clinical = pl.col("DSREAS").str.to_lowercase().str.contains("clinical|symptom|临床").fill_null(False)
    no_pd = grown.with_columns(
        conflict=pl.lit("no response record says PD"),
        _key=pl.lit("progression"),
        _severity=pl.when(clinical).then(pl.lit("note")).otherwise(pl.lit("warning")),
    )
    stopped = ae.explode("AEACN").select(
        "SUBJID", drug=pl.col("AEACN").struct.field("key"), action=pl.col("AEACN").struct.field("term")
    )
    stopped = stopped.filter(pl.col("action") == "DRUG WITHDRAWN").unique()
    adverse = rows.filter(pl.col("DSDECOD") == "ADVERSE EVENT")
    whole = pl.col("DSTRT").is_null() | (pl.col("DSTRT") == "ALL")
    one = adverse.filter(~whole).join(stopped, left_on=["SUBJID", "DSTRT"], right_on=["SUBJID", "drug"], how="anti")
    every = adverse.filter(whole).join(stopped, on="SUBJID", how="anti")
    no_event = union([one, every]).with_columns(
        conflict=pl.format("no adverse event has the action drug withdrawn{}", pl.when(whole).then(pl.lit("")).otherwise(pl.lit(" for ") + pl.col("DSTRT"))),
        _key=pl.lit("adverse event"),
    )  # fmt: skip
    return union([no_date, no_pd, no_event])


@check(
    "END-014",
    on="disposition",
    columns=("DSDAT", "DSDECOD", "DSSCOPE", "DSTRT"),
    needs=("dosing", "dosing.EXTRT", "dosing.EXSTDAT", "dosing.EXENDAT"),
    silenced_by=("dosing.EXSTDAT", "dosing.EXENDAT"),
)
def dose_after_end_of_treatment(study: Study, disposition: pl.LazyFrame, dosing: pl.LazyFrame) -> pl.LazyFrame:
    """Treatment disposition {DSDECOD} on {DSDAT}, but {EXTRT} was given until {last}.

    Why: treatment cannot end before its last dose.
    Fix: ask the site which date is right; a dose started after the end is DOS-008.
    """
    stops = disposition.filter(pl.col("DSSCOPE") == "TREATMENT", pl.col("DSDAT").is_not_null())
    systemic = [name for name, regimen in study.regimens.items() if regimen.systemic]
    doses = dosing.filter(pl.col("EXTRT").is_in(systemic)).select("SUBJID", "EXTRT", "EXSTDAT", "EXENDAT", _dose="_rid")
    pairs = stops.join(doses, on="SUBJID", how="inner").filter(
        pl.col("DSTRT").is_null() | (pl.col("DSTRT") == "ALL") | (pl.col("DSTRT") == pl.col("EXTRT"))
    )
    # a dose that starts after the end is reported as such (DOS-008); here its end runs over
    over = pairs.filter(pl.col("EXSTDAT") <= pl.col("DSDAT"), pl.col("EXENDAT") > pl.col("DSDAT"))
    last = over.sort("EXENDAT").group_by("_rid", maintain_order=True).last()
    return last.with_columns(related(("_dose", "EXENDAT")), last="EXENDAT", _key=pl.lit("dose"))


@check(
    "END-014",
    on="subjects",
    needs=("disposition", "disposition.DSSCOPE", "alive", "deaths", "anchors"),
    silenced_by=("disposition.DSDAT", "disposition.DSSCOPE", "survival.SSDAT"),
)
def no_end_of_study(
    study: Study, run: RunContext, subjects: pl.LazyFrame, disposition: pl.LazyFrame, alive: pl.LazyFrame,
    deaths: pl.LazyFrame, anchors: pl.LazyFrame,
) -> pl.LazyFrame:  # fmt: skip
    """Subject {SUBJID} {what}, but Disposition has no end of study.

    Why: who left the study, when and why, is reported for every subject.
    Fix: ask the site for the disposition (scope Study) with date and reason, or for a contact.
    """
    limit = int(study.p("disposition_gap_days"))
    ended = disposition.filter(pl.col("DSSCOPE") == "STUDY").select("SUBJID").unique()
    treated = anchors.filter(pl.col("D1").is_not_null()).select("SUBJID") if "D1" in study.anchors else subjects.select("SUBJID")
    open_ = subjects.select("SUBJID").unique().join(treated, on="SUBJID", how="semi").join(ended, on="SUBJID", how="anti")
    silent = open_.join(alive, on="SUBJID", how="inner").join(deaths, on="SUBJID", how="anti")
    days = (pl.lit(run.cutoff) - pl.col("LSTALVDAT")).dt.total_days()
    gone = silent.with_columns(days=days).filter(pl.col("days") > limit).with_columns(
        what=pl.format("was last heard of on {} ({} days before the cut-off)", "LSTALVDAT", "days")
    )
    dead = open_.join(deaths.select("SUBJID", "DTHDATC", _death="_rid"), on="SUBJID", how="inner").with_columns(
        what=pl.format("died on {}", "DTHDATC")
    )
    return union(
        [
            gone.select("SUBJID", "what", _source="LSTALVRID", _in="LSTALVCOL"),
            dead.select("SUBJID", "what", _source="_death", _in=pl.lit("DTHDAT")),
        ]
    ).select(
        "SUBJID", "what", _rid=pl.lit(None, dtype=pl.UInt32), _table=pl.lit("disposition"), _column=pl.lit("DSDECOD"),
        _key=pl.lit("no end"), _related=pl.concat_list(pl.struct(rid=pl.col("_source"), column=pl.col("_in"))).cast(RELATED),
    )  # fmt: skip


@check("END-012", on="survival", columns=("NACTDAT", "NACTYN", "SSDAT"), uses=("survival.NACTTRT",))
def new_therapy_without_usable_date(study: Study, survival: pl.LazyFrame) -> pl.LazyFrame:
    """New anticancer therapy {NACTTRT}: start {NACTDATC}; year and month at least are needed to censor {endpoint}.

    Why: assessments after the start of a new therapy do not count; without a date the censoring cannot be placed.
    Fix: ask the site for the start of the new therapy, to the month at least.
    Rule: adam-derivations 3: the day is imputed, the month is not
    """
    endpoint = next((n for n, e in study.endpoints.items() if "new_anticancer_therapy" in e.censors), "the endpoint")
    rows = survival.filter(pl.col("SUBJID").is_not_null(), (pl.col("NACTYN") == "Y") | pl.col("NACTTRT").is_not_null())
    unusable = pl.col("NACTDATC").is_null() | (precision(pl.col("NACTDATC")) == "Y")
    said = rows.filter(unusable.fill_null(True)).with_columns(endpoint=pl.lit(endpoint))
    # the same therapy reported again at a later contact, once with its date, is in order
    dated = survival.filter(precision(pl.col("NACTDATC")) != "Y").select("SUBJID").unique()
    repeated = said.filter(pl.col("NACTDATC").is_null(), pl.col("NACTTRT").is_null()).join(dated, on="SUBJID", how="semi")
    return said.join(repeated.select("_rid"), on="_rid", how="anti")
