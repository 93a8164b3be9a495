"""End of treatment and of the study: missing or contradictory records (END-014), new therapy without a date (END-012)."""

from __future__ import annotations

import polars as pl

from cdiscx.checks._doses import drug_name, drugs_by_name
from cdiscx.checks._shape import RELATED, related, union
from cdiscx.checks._words import said
from cdiscx.model.spec import Study
from cdiscx.model.table import RunContext
from cdiscx.registry import check
from cdiscx.standards.dates import precision

_CLINICAL = r"(?i)clinical|symptom|deteriorat|临床|症状"


def _parts(study: Study) -> pl.LazyFrame:
    """What a treatment's name means, so that HAIC and its drugs meet: word, part."""
    words = [(word, part.label) for part in study.components.values() for word in part.related_to]
    return pl.LazyFrame(words, schema={"word": pl.String, "part": pl.String}, orient="row")


@check(
    "END-014",
    on="disposition",
    columns=("DSDECOD", "DSDAT", "DSSCOPE", "DSTRT"),
    needs=("ae.AEACN", "progression", "responses.OVRLRESP"),
    uses=("disposition.DSREAS", "responses.SYMPTDTR"),
    silenced_by=("ae.AEACN", "responses.OVRLRESP"),
)
def reason_contradicted(
    study: Study, disposition: pl.LazyFrame, ae: pl.LazyFrame, progression: pl.LazyFrame, responses: pl.LazyFrame
) -> pl.LazyFrame:
    """Disposition {reason} of the {scope} on {DSDATC}, but {conflict}.

    Why: the reason for stopping must be borne out by the data it names.
    Fix: Ask the site to check the reason of the disposition and the record that should support it.
    Rule: END-014; a progression seen without a scan (clinical deterioration) is a note; Death without a date of death is
    END-005
    """
    rows = disposition.filter(pl.col("SUBJID").is_not_null()).with_columns(
        reason=pl.col("DSDECOD").str.to_titlecase(), scope=pl.col("DSSCOPE").str.to_lowercase()
    )
    grown = rows.filter(pl.col("DSDECOD") == "PROGRESSIVE DISEASE").join(
        progression.select("SUBJID"), on="SUBJID", how="anti"
    )
    worse = responses.filter(pl.col("SYMPTDTR") == "Y").select("SUBJID", _worse=pl.lit(True)).unique()
    clinical = pl.col("DSREAS").str.contains(_CLINICAL).fill_null(False) | pl.col("_worse").fill_null(False)
    no_pd = grown.join(worse, on="SUBJID", how="left").with_columns(
        conflict=pl.lit("no assessment in Response says PD"),
        _key=pl.lit("progression"),
        _severity=pl.when(clinical).then(pl.lit("note")).otherwise(pl.lit("warning")),
    )
    parts = _parts(study)
    item = pl.col("AEACN").struct
    stopped = (
        ae.explode("AEACN").filter(item.field("term") == "DRUG WITHDRAWN").select("SUBJID", word=item.field("key"))
    )
    stopped = stopped.join(parts, on="word", how="left").select("SUBJID", part=pl.coalesce("part", "word")).unique()
    adverse = rows.filter(pl.col("DSDECOD") == "ADVERSE EVENT")
    whole = pl.col("DSTRT").is_null() | (pl.col("DSTRT") == "ALL")
    named = (
        adverse.filter(~whole)
        .join(parts, left_on="DSTRT", right_on="word", how="left")
        .with_columns(pl.coalesce("part", "DSTRT").alias("part"))
    )
    one = named.join(stopped, on=["SUBJID", "part"], how="anti").with_columns(
        conflict=said("no adverse event has the action Drug withdrawn for ", drug_name(pl.col("DSTRT")))
    )
    every = (
        adverse.filter(whole)
        .join(stopped, on="SUBJID", how="anti")
        .with_columns(conflict=pl.lit("no adverse event has the action Drug withdrawn"))
    )
    return union([no_pd, union([one, every]).with_columns(_key=pl.lit("adverse event"))])


@check(
    "END-014",
    on="disposition",
    columns=("DSDAT", "DSDECOD", "DSSCOPE", "DSTRT"),
    needs=("dosing", "dosing.EXTRT", "dosing.EXSTDAT", "dosing.EXENDAT", "dosing.EXDOSE"),
    silenced_by=("dosing.EXSTDAT", "dosing.EXENDAT"),
)
def dose_after_end_of_treatment(study: Study, disposition: pl.LazyFrame, dosing: pl.LazyFrame) -> pl.LazyFrame:
    """Disposition {reason} of the treatment on {DSDAT}, but {DRUG} was given until {last}.

    Why: treatment cannot end before its last dose.
    Fix: Ask the site which date is right, that of the disposition or that of the dose.
    Rule: END-014: last dose on or before the end of treatment, each drug on its own; a dose of 0 is no dose; the dose
    itself is DOS-008's
    """
    stops = disposition.filter(
        pl.col("DSSCOPE") == "TREATMENT", pl.col("DSDAT").is_not_null(), pl.col("SUBJID").is_not_null()
    )
    meaning = [*drugs_by_name(study), *(("ALL", n) for n, regimen in study.regimens.items() if regimen.systemic)]
    named = pl.LazyFrame(meaning, schema={"DSTRT": pl.String, "EXTRT": pl.String}, orient="row")
    taken = pl.col("EXDOSE").is_null() | (pl.col("EXDOSE") > 0)
    doses = dosing.filter(taken).select("SUBJID", "EXTRT", _end=pl.max_horizontal("EXSTDAT", "EXENDAT"), _dose="_rid")
    pairs = stops.with_columns(pl.col("DSTRT").fill_null("ALL")).join(named, on="DSTRT", how="inner")
    over = pairs.join(doses, on=["SUBJID", "EXTRT"], how="inner").filter(pl.col("_end") > pl.col("DSDAT"))
    last = over.sort("_end", "_dose").group_by("_rid", maintain_order=True).last()
    return last.with_columns(
        related(("_dose", "EXENDAT")),
        reason=pl.col("DSDECOD").str.to_titlecase(),
        DRUG=drug_name(pl.col("EXTRT")),
        last="_end",
        _key=pl.lit("dose"),
    )


@check(
    "END-014",
    on="subjects",
    needs=("disposition", "disposition.DSSCOPE", "alive", "deaths", "anchors"),
    silenced_by=("disposition.DSDAT", "disposition.DSSCOPE", "survival.SSDAT", "survival.DTHDAT"),
)
def no_end_of_study(
    study: Study, run: RunContext, subjects: pl.LazyFrame, disposition: pl.LazyFrame, alive: pl.LazyFrame,
    deaths: pl.LazyFrame, anchors: pl.LazyFrame,
) -> pl.LazyFrame:  # fmt: skip
    """{SUBJID} {what}, but Disposition has no end of study.

    Why: who left the study, when and why, is reported for every subject.
    Fix: Ask the site for the disposition (scope Study) with date and reason; for a subject who is still followed, for a contact.
    Rule: END-014; dead, or without contact for more than 182 days
    """
    limit = int(study.p("disposition_gap_days"))
    ended = disposition.filter(pl.col("DSSCOPE") == "STUDY").select("SUBJID").unique()
    treated = (
        anchors.filter(pl.col("D1").is_not_null()).select("SUBJID")
        if "D1" in study.anchors
        else subjects.select("SUBJID")
    )
    open_ = (
        subjects.select("SUBJID").unique().join(treated, on="SUBJID", how="semi").join(ended, on="SUBJID", how="anti")
    )
    silent = open_.join(alive, on="SUBJID", how="inner").join(deaths, on="SUBJID", how="anti")
    days = (pl.lit(run.cutoff) - pl.col("LSTALVDAT")).dt.total_days()
    gone = (
        silent.with_columns(days=days)
        .filter(pl.col("days") > limit)
        .with_columns(
            what=said(
                "was last heard of on ",
                pl.col("LSTALVDAT"),
                ", ",
                pl.col("days"),
                f" days before the cut-off {run.cutoff.isoformat()}",
            )
        )
    )
    dead = open_.join(
        deaths.filter(pl.col("DTHLO") <= run.cutoff).select("SUBJID", "DTHDATC", _death="_rid"),
        on="SUBJID",
        how="inner",
    )
    dead = dead.with_columns(what=said("died on ", pl.col("DTHDATC")))
    both = union(
        [
            gone.select("SUBJID", "what", _source="LSTALVRID", _in="LSTALVCOL"),
            dead.select("SUBJID", "what", _source="_death", _in=pl.lit("DTHDAT")),
        ]
    )
    return both.select(
        "SUBJID", "what", _rid=pl.lit(None, dtype=pl.UInt32), _table=pl.lit("disposition"), _column=pl.lit("DSDECOD"),
        _key=pl.lit("no end"), _related=pl.concat_list(pl.struct(rid=pl.col("_source"), column=pl.col("_in"))).cast(RELATED),
    )  # fmt: skip


# --- END-012 --------------------------------------------------------------------------------------------------------


def _protocol_words(study: Study) -> list[str]:
    """Names and spellings of the study's own drugs and procedures, lower case: giving them is no new therapy."""
    words: set[str] = set()
    for table, column, terms in (
        ("dosing", "EXTRT", [d for c in study.components.values() for d in c.drugs]),
        ("procedures", "PRTRT", [p for c in study.components.values() for p in c.procedures]),
    ):
        spec = study.column(table, column)
        known = spec.terms if spec is not None else {}
        for term in terms:
            words |= {term.lower(), *(w.lower() for w in known.get(term, ()))}
    return sorted(words)


@check("END-012", on="survival", columns=("NACTDAT", "NACTYN", "SSDAT"), uses=("survival.NACTTRT",))
def new_therapy_without_usable_date(study: Study, survival: pl.LazyFrame) -> pl.LazyFrame:
    """New anticancer therapy {therapy}, told on {SSDATC}: start {NACTDATC}; year and month at least are needed to censor {endpoint}.

    Why: assessments after the start of a new therapy do not count; without a date the censoring cannot be placed.
    Fix: Ask the site for the start of the new therapy, to the month at least.
    Rule: END-012; adam-derivations 3: the day is imputed, the month is not; protocol treatment is no new therapy; told
    again at a later contact it needs its date only once
    """
    endpoint = next((n for n, e in study.endpoints.items() if "new_anticancer_therapy" in e.censors), "the endpoint")
    name = pl.col("NACTTRT").str.strip_chars().str.to_lowercase()
    rows = survival.filter(pl.col("SUBJID").is_not_null()).with_columns(_name=pl.when(name != "").then(name))
    given = (pl.col("NACTYN") == "Y").fill_null(False) | (pl.col("NACTYN").is_null() & pl.col("_name").is_not_null())
    own = pl.col("_name").is_in(_protocol_words(study)).fill_null(False)
    rows = rows.filter(given, ~own)
    usable = precision(pl.col("NACTDATC")).is_in(["M", "D"]).fill_null(False)
    dated = rows.filter(usable)
    same_name = dated.select("SUBJID", "_name").drop_nulls()
    unnamed = rows.filter(~usable, pl.col("_name").is_null()).join(dated.select("SUBJID"), on="SUBJID", how="anti")
    named = rows.filter(~usable, pl.col("_name").is_not_null()).join(same_name, on=["SUBJID", "_name"], how="anti")
    first = named.sort("SSDAT", "_rid").group_by("SUBJID", "_name", maintain_order=True).first()
    bare = (
        unnamed.join(first.select("SUBJID"), on="SUBJID", how="anti")
        .sort("SSDAT", "_rid")
        .group_by("SUBJID", maintain_order=True)
        .first()
    )
    return union([first, bare]).with_columns(
        therapy=pl.when(pl.col("_name").is_not_null()).then("NACTTRT").otherwise(pl.lit("(not named)")), endpoint=pl.lit(endpoint),
        _key=pl.col("_name").fill_null("new therapy"),
    )  # fmt: skip
