"""Adverse events against the treatment: attributed to one not given, or withdrawn without an end (SAF-005, SAF-006)."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from cdiscx.checks._doses import drug_name, drugs_by_name
from cdiscx.checks._shape import RELATED, nothing, related, union
from cdiscx.checks._words import said
from cdiscx.model.spec import Component, Study
from cdiscx.model.table import RunContext
from cdiscx.registry import check
from cdiscx.standards.dates import earliest, latest

# --- SAF-005 --------------------------------------------------------------------------------------------------------


def _blamed(study: Study) -> Iterator[tuple[str, Component, list[str], list[str]]]:
    """What an event may be attributed to: term, component, and the drugs and procedures by which it was given."""
    for part in study.components.values():
        groups = {d: study.regimens[d].group for d in part.drugs if d in study.regimens}
        for term in part.related_to:
            if term in part.drugs:  # a drug of a procedure may be recorded by the procedure alone (HAIC)
                yield term, part, [term], [p for p in part.procedures if p == groups.get(term)]
            elif term in part.procedures:
                yield term, part, [d for d, group in groups.items() if group == term], [term]
            else:
                yield term, part, list(part.drugs), list(part.procedures)


def _given(
    study: Study, dosing: pl.LazyFrame, procedures: pl.LazyFrame, drugs: list[str], kinds: list[str]
) -> pl.LazyFrame:
    """Per subject the first and last exposure: first, last, going, undated, `_first` and its column."""
    daily = [d for d in drugs if d in study.regimens and study.regimens[d].kind == "daily"]
    open_ = pl.col("EXENDAT").is_null() & ((pl.col("EXONGO") == "Y").fill_null(False) | pl.col("EXTRT").is_in(daily))
    taken = pl.col("EXDOSE").is_null() | (pl.col("EXDOSE").cast(pl.Float64) != 0)
    rows = union(
        [
            dosing.filter(pl.col("EXTRT").is_in(drugs), taken).select(
                "SUBJID",
                "_rid",
                start="EXSTDAT",
                end=pl.coalesce("EXENDAT", "EXSTDAT"),
                going=open_,
                column=pl.lit("EXSTDAT"),
            ),
            procedures.filter(pl.col("PRTRT").is_in(kinds)).select(
                "SUBJID",
                "_rid",
                start="PRSTDAT",
                end=pl.coalesce("PRENDAT", "PRSTDAT"),
                going=pl.lit(False),
                column=pl.lit("PRSTDAT"),
            ),
        ]
    )
    return rows.sort("SUBJID", "start", "_rid", nulls_last=True).group_by("SUBJID", maintain_order=True).agg(
        first=pl.col("start").min(), last=pl.col("end").max(), going=pl.col("going").any(), undated=pl.col("start").is_null().any(),
        _first=pl.col("_rid").first(), _column=pl.col("column").first(),
    )  # fmt: skip


@check(
    "SAF-005",
    on="ae",
    columns=("AEREL", "AETERM", "AESTDAT"),
    uses=("dosing", "dosing.EXTRT", "dosing.EXSTDAT", "dosing.EXENDAT", "dosing.EXONGO", "dosing.EXDOSE", "procedures",
          "procedures.PRTRT", "procedures.PRSTDAT", "procedures.PRENDAT"),
    silenced_by=("dosing.EXSTDAT", "dosing.EXENDAT", "procedures.PRSTDAT", "dosing.EXTRT", "procedures.PRTRT"),
)  # fmt: skip
def attributed_to_a_treatment_not_given(
    study: Study, ae: pl.LazyFrame, dosing: pl.LazyFrame, procedures: pl.LazyFrame
) -> pl.LazyFrame:
    """Adverse event "{AETERM}" on {AESTDATC} is attributed to {what}, {when}.

    Why: an event cannot be caused by a treatment that was not yet given; long after the last dose it is unlikely.
    Fix: Ask the site to check the onset date, the attribution and the dates of the treatment.
    Rule: SAF-005; onset on the day of the first dose counts as after it; late radiation effects have no upper limit
    """
    onset = pl.col("AESTDATC")
    events = ae.filter(pl.col("SUBJID").is_not_null(), onset.is_not_null())
    events = events.with_columns(AELO=earliest(onset), AEHI=latest(onset)).explode("AEREL")
    pieces = []
    for term, part, drugs, kinds in _blamed(study):
        span = _given(study, dosing, procedures, drugs, kinds)
        rows = events.filter(pl.col("AEREL") == term).join(span, on="SUBJID", how="left")
        # a planned component that was never begun is DOS-014's (DOS-013's) finding, not one of every event
        whole = set(drugs) >= set(part.drugs) and set(kinds) >= set(part.procedures)
        never = pl.col("_first").is_null() & pl.lit(not (part.planned and whole))
        # the first of several is not known while one of them has no date
        too_early = (pl.col("AEHI") < pl.col("first")) & ~pl.col("undated")
        late = pl.lit(False)
        if part.late_days is not None:
            late = (pl.col("AELO") - pl.col("last")).dt.total_days() > part.late_days
            late = late & ~pl.col("going") & ~pl.col("undated")
        when = (
            pl.when(never).then(pl.lit("which was never given"))
            .when(too_early).then(said("first given on ", pl.col("first")))
            .otherwise(said("last given on ", pl.col("last"), f", more than {part.late_days} days before"))
        )  # fmt: skip
        cell = pl.struct(rid=pl.col("_first").cast(pl.UInt32), column=pl.col("_column"))
        name = term.title() if term in part.drugs or term == "HEPATECTOMY" else term
        pieces.append(
            rows.filter((never | too_early | late).fill_null(False)).select(
                "SUBJID", "_rid", "AETERM", "AESTDATC", what=pl.lit(name), when=when, _key=pl.lit(term), _column=pl.lit("AEREL"),
                _related=pl.concat_list(cell).cast(RELATED),
            )
        )  # fmt: skip
    return union(pieces)


# --- SAF-006 --------------------------------------------------------------------------------------------------------


def _withdrawn(study: Study, ae: pl.LazyFrame) -> pl.LazyFrame:
    """One row per event and drug that was withdrawn for it: drug, AELO and AEHI (first and last day of onset), AEEND."""
    rows = ae.filter(pl.col("SUBJID").is_not_null(), pl.col("AESTDATC").is_not_null()).explode("AEACN")
    item = pl.col("AEACN").struct
    rows = rows.with_columns(
        drug=item.field("key"),
        _action=item.field("term"),
        AELO=earliest(pl.col("AESTDATC")),
        AEHI=latest(pl.col("AESTDATC")),
        AEEND=latest(pl.col("AEENDATC")),
    )
    return rows.filter(
        pl.col("_action") == "DRUG WITHDRAWN", pl.col("drug").is_in(list(study.regimens)), pl.col("AELO").is_not_null()
    )


def _ended(study: Study, disposition: pl.LazyFrame) -> pl.LazyFrame:
    """Treatment dispositions by the drug they mean: a blank treatment means every drug, a component's name its drugs."""
    meaning = [*drugs_by_name(study), *(("ALL", drug) for drug in study.regimens)]
    named = pl.LazyFrame(meaning, schema={"DSTRT": pl.String, "drug": pl.String}, orient="row")
    rows = disposition.filter(pl.col("DSSCOPE") == "TREATMENT").with_columns(pl.col("DSTRT").fill_null("ALL"))
    return rows.join(named, on="DSTRT", how="inner").select("SUBJID", "drug", "DSDECOD", "DSDAT", _stop="_rid")


def _last_doses(dosing: pl.LazyFrame) -> pl.LazyFrame:
    """Per subject and drug: the last start, the last day, whether it is marked Ongoing, and the row; 0 is no dose."""
    taken = pl.col("EXDOSE").is_null() | (pl.col("EXDOSE") > 0)
    rows = dosing.filter(pl.col("SUBJID").is_not_null(), taken).sort("EXSTDAT", "_rid")
    return rows.group_by("SUBJID", drug=pl.col("EXTRT")).agg(
        start=pl.col("EXSTDAT").max(),
        last=pl.max_horizontal(pl.col("EXSTDAT").max(), pl.col("EXENDAT").max()),
        going=(pl.col("EXONGO") == "Y").fill_null(False).any(),
        _dose=pl.col("_rid").last(),
    )


def _due(run: RunContext, days: int) -> pl.Expr:
    """The last day for the disposition: so many days after the event's start or the last dose, whichever is later.

    A drug that was given, or is marked Ongoing, long after the event was over was not withdrawn for it: no later dose is
    waited for.
    """
    wait = pl.duration(days=days)
    kept_on = (pl.col("start") > pl.max_horizontal(pl.col("AEHI") + wait, "AEEND")) | pl.col("going")
    over = (kept_on & (pl.col("AEEND") + wait < run.cutoff)).fill_null(False)
    return pl.when(over).then(pl.col("AEHI") + wait).otherwise(pl.max_horizontal("AEHI", "last") + wait)


@check(
    "SAF-006",
    on="ae",
    columns=("AEACN", "AETERM", "AESTDAT"),
    needs=("disposition", "disposition.DSDECOD", "disposition.DSSCOPE", "disposition.DSTRT", "disposition.DSDAT"),
    uses=(
        "ae.AEENDAT",
        "dosing",
        "dosing.EXTRT",
        "dosing.EXSTDAT",
        "dosing.EXENDAT",
        "dosing.EXDOSE",
        "dosing.EXONGO",
        "deaths",
    ),
    silenced_by=(
        "disposition.DSDAT",
        "disposition.DSDECOD",
        "disposition.DSTRT",
        "disposition.DSSCOPE",
        "dosing.EXSTDAT",
        "dosing.EXENDAT",
    ),
)
def withdrawal_without_disposition(
    study: Study,
    run: RunContext,
    ae: pl.LazyFrame,
    disposition: pl.LazyFrame,
    dosing: pl.LazyFrame,
    deaths: pl.LazyFrame,
) -> pl.LazyFrame:
    """Adverse event "{AETERM}" ({AESTDATC}): {DRUG} withdrawn, but {what}.

    Why: a drug withdrawn for an adverse event ends with a treatment disposition for that reason, and is not given again.
    Fix: Ask the site for the disposition of this drug (Adverse event, with its date), or to correct the action taken.
    Rule: SAF-006, ruling 15.17: disposition within -3 .. +14 days of the event's start or of the drug's last dose; each
    drug on its own; not due before that time is over, nor when the subject dies before
    """
    if not study.regimens:
        return nothing()
    low, high = int(study.p("withdrawal_before_days")), int(study.p("withdrawal_after_days"))
    rows = _withdrawn(study, ae).join(_last_doses(dosing), on=["SUBJID", "drug"], how="left")
    rows = rows.join(deaths.select("SUBJID", "DTHHI"), on="SUBJID", how="left")
    due = _due(run, high)
    rows = rows.filter(due < run.cutoff, (pl.col("DTHHI") > due).fill_null(True))
    both = rows.join(_ended(study, disposition), on=["SUBJID", "drug"], how="inner")
    before, after = pl.duration(days=low), pl.duration(days=high)
    near = [
        pl.col("DSDAT").is_between(pl.col(a) - before, pl.col(b) + after).fill_null(False)
        for a, b in (("AELO", "AEHI"), ("last", "last"))
    ]
    fits = (pl.col("DSDECOD") == "ADVERSE EVENT").fill_null(False) & pl.any_horizontal(near)
    matched = both.filter(fits).group_by("_rid", "drug").agg(ended=pl.col("DSDAT").max(), _srid=pl.col("_stop").last())
    other = (
        both.filter(pl.col("DSDAT").is_not_null())
        .sort("DSDAT")
        .group_by("_rid", "drug", maintain_order=True)
        .agg(pl.col("DSDECOD", "DSDAT").first(), _orid=pl.col("_stop").first())
    )
    judged = rows.join(matched, on=["_rid", "drug"], how="left").join(other, on=["_rid", "drug"], how="left")
    again = (pl.col("start") > pl.col("ended")).fill_null(False)
    still = (
        pl.col("ended").is_null()
        & (pl.col("start") > pl.col("AEHI") + after).fill_null(False)
        & pl.col("DSDAT").is_null()
    )
    what = (
        pl.when(again).then(said("it was given again on ", pl.col("start"), ", after its end on ", pl.col("ended")))
        .when(pl.col("DSDAT").is_not_null())
        .then(said("its treatment disposition says ", pl.col("DSDECOD").str.to_lowercase(), " on ", pl.col("DSDAT")))
        .when(still).then(said("it was still given on ", pl.col("start"), " and has no treatment disposition"))
        .when(pl.col("going")).then(pl.lit("it is marked Ongoing in Dosing and has no treatment disposition"))
        .otherwise(pl.lit("Disposition has no end of this drug"))
    )  # fmt: skip
    return judged.filter(pl.col("ended").is_null() | again).with_columns(
        related(("_dose", "EXSTDAT"), (pl.coalesce("_srid", "_orid"), "DSDECOD")),
        what=what,
        DRUG=drug_name(pl.col("drug")),
        _key=pl.col("drug"),
    )
