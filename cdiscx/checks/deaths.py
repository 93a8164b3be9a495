"""Death: evidence without a date, dates that disagree, life after death (END-005, END-006)."""

from __future__ import annotations

import polars as pl

from cdiscx.checks._shape import RELATED, related, union
from cdiscx.checks._words import said
from cdiscx.checks.fatal_events import fatal_facts
from cdiscx.registry import check
from cdiscx.standards.dates import after, before, earliest

#: where a death is told, the record of deaths first
_ORDER = {"survival": 0, "disposition": 1, "ae": 2}


def _rows(frame: pl.LazyFrame, table: str, column: str | pl.Expr, text: pl.Expr) -> pl.LazyFrame:
    column = pl.lit(column) if isinstance(column, str) else column
    return frame.filter(pl.col("SUBJID").is_not_null()).select(
        "SUBJID", "_rid", _table=pl.lit(table), _column=column, said=text, _order=pl.lit(_ORDER[table])
    )


@check(
    "END-005",
    on="subjects",
    needs=("survival", "survival.SSSTAT", "survival.DTHDAT", "deaths"),
    uses=("survival.DTHCAUS", "survival.SSDAT", "disposition", "disposition.DSDECOD", "disposition.DSSCOPE", "disposition.DSDAT", "ae",
          "ae.AEOUT", "ae.AETOXGR", "ae.AETERM", "ae.AESER", "ae.AESCRIT"),
    silenced_by=("survival.DTHDAT",),
)  # fmt: skip
def death_without_a_date(
    subjects: pl.LazyFrame, survival: pl.LazyFrame, disposition: pl.LazyFrame, ae: pl.LazyFrame, deaths: pl.LazyFrame
) -> pl.LazyFrame:
    """{said}, but Survival has no death date for subject {SUBJID}.

    Why: without a date of death the subject is censored alive in overall survival, and in every endpoint with death as event.
    Fix: Ask the site for the date of death (year and month at least) in Survival, or to correct the statement.
    Rule: END-005; adam-derivations 2.2; ruling 15.8: a fatal adverse event whose own fields disagree is SAF-002; a date
    known to the month is a date (DAT-003)
    """
    is_dead = pl.col("SSSTAT") == "DEAD"
    dead = survival.filter(is_dead | pl.col("DTHCAUS").is_not_null())
    on = pl.col("SSDATC").fill_null("an unknown date")
    status = (
        pl.when(is_dead)
        .then(said("The survival contact of ", on, " says Dead"))
        .otherwise(said("The survival contact of ", on, " names a cause of death (", pl.col("DTHCAUS"), ")"))
    )
    cell = pl.when(is_dead).then(pl.lit("DTHDAT")).otherwise(pl.lit("DTHCAUS"))
    ended = disposition.filter(pl.col("DSDECOD") == "DEATH")
    facts = fatal_facts(ae)
    fatal = facts.filter(pl.col("_dead"), ~pl.col("_disagree"))
    evidence = union(
        [
            _rows(dead, "survival", cell, status),
            _rows(ended, "disposition", "DSDECOD", said("Disposition says Death on ", pl.col("DSDATC"))),
            _rows(fatal, "ae", "AEOUT", said('Adverse event "', pl.col("AETERM"), '" was fatal')),
        ]
    )
    open_ = evidence.join(subjects.select("SUBJID").unique(), on="SUBJID", how="semi").join(
        deaths, on="SUBJID", how="anti"
    )
    # one finding a subject, on the first statement; the others are listed
    first = (
        open_.sort("_order", "_rid")
        .group_by("SUBJID", maintain_order=True)
        .agg(
            pl.col("_rid", "_table", "_column", "said").first(),
            _others=pl.struct(rid=pl.col("_rid"), column=pl.col("_column")).slice(1),
        )
    )
    return first.with_columns(_related=pl.col("_others").cast(RELATED), _key=pl.lit("death")).drop("_others")


@check(
    "END-005",
    on="survival",
    columns=("SSSTAT", "DTHDAT"),
    uses=("survival.SSDAT",),
    silenced_by=("survival.SSSTAT", "survival.SSDAT"),
)
def death_date_without_status_dead(survival: pl.LazyFrame) -> pl.LazyFrame:
    """Survival gives a date of death ({DTHDATC}) for subject {SUBJID}, but the status is {SSSTAT} and no contact says Dead.

    Why: a date of death and the status Dead belong together; one without the other leaves it open whether the subject died.
    Fix: Ask the site whether the subject died: then the status is Dead, otherwise the date of death is cleared.
    Rule: END-005; a contact alive after the date of death is END-006
    """
    rows = survival.filter(pl.col("SUBJID").is_not_null())
    dead = rows.filter(pl.col("SSSTAT") == "DEAD").select("SUBJID")
    dated = rows.filter(pl.col("DTHDATC").is_not_null()).join(dead, on="SUBJID", how="anti")
    alive = rows.filter(pl.col("SSSTAT") == "ALIVE").select("SUBJID", _alive="SSDATC")
    contradicted = (
        dated.join(alive, on="SUBJID", how="inner").filter(after(pl.col("_alive"), pl.col("DTHDATC"))).select("SUBJID")
    )
    bare = (
        dated.join(contradicted, on="SUBJID", how="anti").sort("_rid").group_by("SUBJID", maintain_order=True).first()
    )
    return bare.with_columns(related(("_rid", "DTHDAT")), _key=pl.lit("status"))


# --- END-006 --------------------------------------------------------------------------------------------------------


@check("END-006", on="survival", columns=("DTHDAT", "SSDAT"), uses=("survival.SSSTAT",))
def death_dates_in_survival_differ(survival: pl.LazyFrame) -> pl.LazyFrame:
    """The survival contact of {SSDATC} gives {DTHDATC} as date of death, that of {on} gives {first}.

    Why: a subject dies once; overall survival ends on that date.
    Fix: Ask the site which date of death is right and correct the other.
    Rule: END-006; compared at the precision that both dates have
    """
    dated = survival.filter(pl.col("SUBJID").is_not_null(), pl.col("DTHDATC").is_not_null()).sort(
        "SUBJID", "SSDAT", "_rid"
    )
    named = dated.with_columns(
        first=pl.col("DTHDATC").first().over("SUBJID"),
        on=pl.col("SSDATC").first().over("SUBJID"),
        _first=pl.col("_rid").first().over("SUBJID"),
    )
    differ = before(pl.col("DTHDATC"), pl.col("first")) | after(pl.col("DTHDATC"), pl.col("first"))
    return named.filter(differ).with_columns(related(("_first", "DTHDAT")), _key=pl.lit("two dates"))


@check(
    "END-006",
    on="disposition",
    columns=("DSDAT", "DSDECOD", "DSSCOPE"),
    needs=("survival", "survival.DTHDAT", "survival.SSDAT", "deaths"),
)
def disposition_and_survival_disagree_on_death(
    disposition: pl.LazyFrame, survival: pl.LazyFrame, deaths: pl.LazyFrame
) -> pl.LazyFrame:
    """Death on {DTHDATC} in Survival (contact of {SSDATC}), on {DSDATC} in Disposition.

    Why: a subject dies once; overall survival ends on that date.
    Fix: Ask the site which date of death is right and correct the other.
    Rule: END-006; the later statement is named; compared at the precision that both dates have
    """
    contact = survival.select("SSDAT", "SSDATC", _death="_rid")
    pairs = (
        disposition.filter(pl.col("DSDECOD") == "DEATH", pl.col("DSSCOPE") == "STUDY")
        .join(deaths.select("SUBJID", "DTHDATC", _death="_rid"), on="SUBJID", how="inner")
        .join(contact, on="_death", how="left")
    )
    differ = before(pl.col("DSDATC"), pl.col("DTHDATC")) | after(pl.col("DSDATC"), pl.col("DTHDATC"))
    # a disposition is made on its own date, a survival record at the contact
    survival_later = (pl.col("SSDAT") >= earliest(pl.col("DSDATC"))).fill_null(False)
    late, soon = (("_death", "DTHDAT"), ("_rid", "DSDAT"))
    pairs = pairs.filter(differ)
    at_survival = pairs.filter(survival_later).with_columns(
        related(soon), _rid=pl.col("_death"), _table=pl.lit("survival"), _column=pl.lit("DTHDAT")
    )
    at_disposition = pairs.filter(~survival_later).with_columns(
        related(late), _table=pl.lit("disposition"), _column=pl.lit("DSDAT")
    )
    return union([at_survival, at_disposition]).with_columns(_key=pl.lit("disposition"))


@check(
    "END-006",
    on="survival",
    columns=("SSSTAT", "SSDAT"),
    needs=("survival.DTHDAT",),
    uses=("disposition", "disposition.DSDECOD", "disposition.DSDAT", "disposition.DSSCOPE"),
)
def alive_after_death(survival: pl.LazyFrame, disposition: pl.LazyFrame) -> pl.LazyFrame:
    """Alive on {ALIVE} after death {DEATH}.

    Why: one of the two is wrong, and with it the subject's survival time.
    Fix: Ask the site whether the subject lives; correct the status, the contact date or the date of death.
    Rule: END-006; the later statement is named; a contact that says Dead without a date counts as death by that day
    """
    rows = survival.filter(pl.col("SUBJID").is_not_null())
    dead = rows.filter((pl.col("SSSTAT") == "DEAD") | pl.col("DTHDATC").is_not_null()).select(
        "SUBJID", DTH="DTHDATC", TOLD="SSDATC", _told="SSDAT", _dead="_rid"
    )
    pairs = (
        rows.filter(pl.col("SSSTAT") == "ALIVE")
        .join(dead, on="SUBJID", how="inner")
        .filter(pl.col("_rid") != pl.col("_dead"))
    )
    own = rows.filter(pl.col("SSSTAT") == "ALIVE", pl.col("DTHDATC").is_not_null()).with_columns(
        DTH="DTHDATC", TOLD="SSDATC", _told="SSDAT", _dead="_rid"
    )
    pairs = union([pairs, own]).with_columns(ALIVE="SSDATC")
    past_date = after(pl.col("SSDATC"), pl.col("DTH")).fill_null(False)
    past_word = pl.col("DTH").is_null() & (pl.col("SSDAT") > pl.col("_told")).fill_null(False)
    wrong = pairs.filter(past_date | past_word).with_columns(
        DEATH=pl.when(pl.col("DTH").is_not_null())
        .then(said("on ", pl.col("DTH")))
        .otherwise(said("was reported on ", pl.col("TOLD")))
    )
    # the statement made at the later contact is the one to correct; one finding for each of them
    dead_later = (pl.col("_told") > pl.col("SSDAT")).fill_null(False)
    # where Disposition tells a later death, that finding stands on the same cell and explains this one
    told = disposition.filter(pl.col("DSDECOD") == "DEATH", pl.col("DSSCOPE") == "STUDY").select(
        "SUBJID", _other="DSDATC"
    )
    doubted = wrong.join(told, on="SUBJID", how="inner").filter(after(pl.col("_other"), pl.col("DTH"))).select("SUBJID")
    at_dead = wrong.filter(dead_later).join(doubted, on="SUBJID", how="anti").sort("SSDAT", descending=True)
    at_dead = at_dead.group_by("_dead", maintain_order=True).first()
    at_dead = at_dead.with_columns(related(("_rid", "SSDAT")), _rid=pl.col("_dead"), _column=pl.lit("DTHDAT"))
    at_alive = wrong.filter(~dead_later).sort("_rid", "_dead").group_by("_rid", maintain_order=True).first()
    at_alive = at_alive.with_columns(related(("_dead", "DTHDAT")), _column=pl.lit("SSSTAT"))
    return union([at_dead, at_alive]).with_columns(_key=pl.lit("alive"))


@check(
    "END-006",
    on="survival",
    columns=("SSSTAT", "SSDAT"),
    needs=("ae", "ae.AEOUT", "ae.AESTDAT", "ae.AEENDAT", "ae.AETERM", "deaths"),
    uses=("ae.AETOXGR", "ae.AESER", "ae.AESCRIT"),
)
def alive_after_a_fatal_event(survival: pl.LazyFrame, ae: pl.LazyFrame, deaths: pl.LazyFrame) -> pl.LazyFrame:
    """Alive on {SSDATC}, but adverse event "{AETERM}" ended fatally on {fatal}.

    Why: one of the two is wrong, and with it the subject's survival time.
    Fix: Ask the site whether the subject lives; correct the outcome of the event or the survival status.
    Rule: END-006; where Survival has a date of death the contacts are compared with that; an event whose own fields
    disagree is SAF-002 (ruling 15.8)
    """
    facts = fatal_facts(ae).filter(pl.col("AEOUT") == "FATAL", ~pl.col("_disagree"))
    fatal = facts.select("SUBJID", "AETERM", fatal=pl.coalesce("AEENDATC", "AESTDATC"), _ae="_rid")
    told = survival.filter(pl.col("SSSTAT") == "DEAD").select("SUBJID")
    pairs = survival.filter(pl.col("SSSTAT") == "ALIVE").join(fatal, on="SUBJID", how="inner")
    open_ = pairs.join(deaths, on="SUBJID", how="anti").join(told, on="SUBJID", how="anti")
    found = open_.filter(after(pl.col("SSDATC"), pl.col("fatal"))).sort("SSDAT", "_rid")
    # every later contact says the same: the first one is named
    return (
        found.group_by("SUBJID", "_ae", maintain_order=True)
        .first()
        .with_columns(related(("_ae", "AEOUT")), _key=pl.col("AETERM"))
    )
