"""Death: evidence without a date, dates that disagree, life after death (END-005, END-006)."""

from __future__ import annotations

import polars as pl

from cdiscx.checks._shape import RELATED, related, union
from cdiscx.registry import check
from cdiscx.standards.dates import after, before, earliest

_EVIDENCE = {"SUBJID": pl.String, "_rid": pl.UInt32, "_table": pl.String, "_column": pl.String, "said": pl.String}


def _rows(frame: pl.LazyFrame, table: str, column: str, said: pl.Expr) -> pl.LazyFrame:
    return frame.filter(pl.col("SUBJID").is_not_null()).select(
        "SUBJID", "_rid", _table=pl.lit(table), _column=pl.lit(column), said=said
    )


@check(
    "END-005",
    on="subjects",
    needs=("survival", "survival.SSSTAT", "survival.DTHDAT", "deaths"),
    uses=("survival.DTHCAUS", "disposition", "disposition.DSDECOD", "disposition.DSSCOPE", "ae", "ae.AEOUT", "ae.AETOXGR",
          "ae.AETERM"),
    silenced_by=("survival.DTHDAT",),
)  # fmt: skip
def death_without_a_date(
    subjects: pl.LazyFrame, survival: pl.LazyFrame, disposition: pl.LazyFrame, ae: pl.LazyFrame, deaths: pl.LazyFrame
) -> pl.LazyFrame:
    """{said}, but Survival has no death date for subject {SUBJID}.

    Why: without a date of death the subject is censored alive in overall survival, and in every endpoint with death as event.
    Fix: ask the site for the date of death (year and month at least) in Survival, or to correct the statement.
    Rule: adam-derivations 2.2; a fatal adverse event whose own fields disagree is SAF-002
    """
    dead = survival.filter((pl.col("SSSTAT") == "DEAD") | pl.col("DTHCAUS").is_not_null())
    how = pl.when(pl.col("SSSTAT") == "DEAD").then(pl.lit("The survival contact of ") + pl.col("SSDATC").fill_null("unknown date") + pl.lit(" says Dead"))
    cause = pl.lit("Survival names a cause of death (") + pl.col("DTHCAUS") + pl.lit(")")
    ended = disposition.filter(pl.col("DSDECOD") == "DEATH")
    fatal = ae.filter((pl.col("AEOUT") == "FATAL") & (pl.col("AETOXGR") == 5).fill_null(True))
    evidence = union(
        [
            _rows(dead, "survival", "SSSTAT", how.otherwise(cause)),
            _rows(ended, "disposition", "DSDECOD", pl.lit("Disposition says Death")),
            _rows(fatal, "ae", "AEOUT", pl.lit('Adverse event "') + pl.col("AETERM").fill_null("?") + pl.lit('" is fatal')),
        ]
    )
    open_ = evidence.join(subjects.select("SUBJID").unique(), on="SUBJID", how="semi").join(deaths, on="SUBJID", how="anti")
    # one finding a subject, on the first statement; the others are listed
    first = open_.group_by("SUBJID", maintain_order=True).agg(
        pl.col("_rid", "_table", "_column", "said").first(),
        _others=pl.struct(rid=pl.col("_rid"), column=pl.col("_column")).slice(1),
    )
    return first.with_columns(_related=pl.col("_others").cast(RELATED), _key=pl.lit("death")).drop("_others")


@check("END-006", on="survival", columns=("DTHDAT", "SSDAT"), uses=("survival.SSSTAT",))
def death_dates_in_survival_differ(survival: pl.LazyFrame) -> pl.LazyFrame:
    """The contact of {SSDATC} gives {DTHDATC} as date of death, an earlier one {first}.

    Why: a subject dies once; overall survival ends on that date.
    Fix: ask the site which date of death is right and correct the other.
    """
    dated = survival.filter(pl.col("SUBJID").is_not_null(), pl.col("DTHDATC").is_not_null()).sort("SSDAT", "_rid")
    named = dated.with_columns(
        first=pl.col("DTHDATC").first().over("SUBJID"), _first=pl.col("_rid").first().over("SUBJID")
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
    """Death on {d1} in {s1}, on {d2} in {s2}.

    Why: a subject dies once; overall survival ends on that date.
    Fix: ask the site which date of death is right and correct the other.
    """
    contact = survival.select(_death="_rid", SSDAT="SSDAT")
    pairs = (
        disposition.filter(pl.col("DSDECOD") == "DEATH", pl.col("DSSCOPE") == "STUDY")
        .join(deaths.select("SUBJID", "DTHDATC", _death="_rid"), on="SUBJID", how="inner")
        .join(contact, on="_death", how="left")
    )
    differ = before(pl.col("DSDATC"), pl.col("DTHDATC")) | after(pl.col("DSDATC"), pl.col("DTHDATC"))
    # the later of the two statements is the one to correct
    survival_later = (pl.col("SSDAT") > earliest(pl.col("DSDATC"))).fill_null(False)
    return pairs.filter(differ).select(
        "SUBJID",
        _rid=pl.when(survival_later).then("_death").otherwise("_rid"),
        _table=pl.when(survival_later).then(pl.lit("survival")).otherwise(pl.lit("disposition")),
        _column=pl.when(survival_later).then(pl.lit("DTHDAT")).otherwise(pl.lit("DSDAT")),
        _related=pl.concat_list(
            pl.struct(
                rid=pl.when(survival_later).then("_rid").otherwise("_death").cast(pl.UInt32),
                column=pl.when(survival_later).then(pl.lit("DSDAT")).otherwise(pl.lit("DTHDAT")),
            )
        ).cast(RELATED),
        d1="DTHDATC",
        s1=pl.lit("Survival"),
        d2="DSDATC",
        s2=pl.lit("Disposition"),
        _key=pl.lit("disposition"),
    )


@check("END-006", on="survival", columns=("SSSTAT", "SSDAT"), needs=("survival.DTHDAT", "deaths"))
def alive_after_death(survival: pl.LazyFrame, deaths: pl.LazyFrame) -> pl.LazyFrame:
    """Alive on {SSDATC}, after the death on {DTH}.

    Why: one of the two is wrong, and with it the subject's survival time.
    Fix: ask the site whether the subject lives; correct the status, the contact date or the date of death.
    """
    pairs = survival.filter(pl.col("SSSTAT") == "ALIVE").join(
        deaths.select("SUBJID", DTH="DTHDATC", _death="_rid"), on="SUBJID", how="inner"
    )
    return pairs.filter(after(pl.col("SSDATC"), pl.col("DTH"))).with_columns(
        related(("_death", "DTHDAT")), _key=pl.lit("alive")
    )


@check(
    "END-006",
    on="survival",
    columns=("SSSTAT", "SSDAT"),
    needs=("ae", "ae.AEOUT", "ae.AESTDAT", "ae.AEENDAT", "ae.AETERM", "deaths"),
)
def alive_after_a_fatal_event(survival: pl.LazyFrame, ae: pl.LazyFrame, deaths: pl.LazyFrame) -> pl.LazyFrame:
    """Alive on {SSDATC}, but adverse event "{AETERM}" ended fatally on {fatal}.

    Why: one of the two is wrong, and with it the subject's survival time.
    Fix: ask the site whether the subject lives; correct the outcome of the event or the survival status.
    """
    fatal = ae.filter(pl.col("AEOUT") == "FATAL").select(
        "SUBJID", "AETERM", fatal=pl.coalesce("AEENDATC", "AESTDATC"), _ae="_rid"
    )
    pairs = survival.filter(pl.col("SSSTAT") == "ALIVE").join(fatal, on="SUBJID", how="inner")
    # with a date of death the contradiction is reported against that date
    open_ = pairs.join(deaths, on="SUBJID", how="anti")
    return open_.filter(after(pl.col("SSDATC"), pl.col("fatal"))).with_columns(related(("_ae", "AEOUT")), _key=pl.col("AETERM"))
