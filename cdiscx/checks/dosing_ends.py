"""Doses where treatment should have ended: after death, withdrawal or discontinuation, and long after progression."""

from __future__ import annotations

import polars as pl

from cdiscx.checks._doses import KEY, STOP_WORDS, given, open_ended, plans, stops, text_date, with_anchor
from cdiscx.checks._shape import nothing, related
from cdiscx.model.spec import Study
from cdiscx.model.table import RunContext
from cdiscx.registry import check


def _ends(
    study: Study, rows: pl.LazyFrame, dosing: pl.LazyFrame, disposition: pl.LazyFrame, deaths: pl.LazyFrame,
    sources: tuple[str, ...],
) -> pl.LazyFrame:  # fmt: skip
    """Each dose with each event after which it should not have been given; `sources`: columns that may tell of a drug's end."""
    dead = deaths.select(
        "SUBJID",
        EVENT=pl.lit("death"),
        EDATE="DTHHI",
        SHOWN="DTHDATC",
        E_RID="_rid",
        E_COLUMN=pl.lit("DTHDAT"),
        RANK=pl.lit(0),
    )
    left = disposition.filter(
        pl.col("DSSCOPE") == "STUDY", pl.col("DSDAT").is_not_null(), (pl.col("DSDECOD") != "DEATH").fill_null(True)
    )
    why = pl.col("DSDECOD").str.to_lowercase().fill_null("no reason given")
    left = left.select(
        "SUBJID", EVENT=pl.lit("the end of the study (") + why + ")", EDATE="DSDAT", SHOWN=text_date(pl.col("DSDAT")),
        E_RID="_rid", E_COLUMN=pl.lit("DSDAT"), RANK=pl.lit(1),
    )  # fmt: skip
    # a stop of the sheet whose words have no column for the drug may be another drug's
    stopped = (
        stops(study, dosing, disposition)
        .filter(pl.col("STOP_COLUMN").is_in(list(sources)))
        .select(
            *KEY,
            EVENT="WHY",
            EDATE="STOPDAT",
            SHOWN=text_date(pl.col("STOPDAT")),
            E_RID="STOP_RID",
            E_COLUMN="STOP_COLUMN",
            RANK=pl.lit(2),
        )
    )
    both = pl.concat([dead, left]).filter(pl.col("SUBJID").is_not_null())
    return pl.concat([
        rows.join(both, on="SUBJID", how="inner"),
        rows.join(stopped, on=KEY, how="inner").filter(pl.col("E_RID") != pl.col("_rid")),
    ], how="diagonal_relaxed")  # fmt: skip


@check(
    "DOS-008", on="dosing", columns=("EXSTDAT", "EXTRT"), needs=("dosing.EXENDAT", "dosing.EXDOSE"),
    uses=(*STOP_WORDS, "deaths", "disposition.DSDECOD"),
    silenced_by=("dosing.EXENDAT",),
)  # fmt: skip
def dose_after_the_end(
    study: Study, run: RunContext, dosing: pl.LazyFrame, disposition: pl.LazyFrame, deaths: pl.LazyFrame
) -> pl.LazyFrame:
    """{DRUG} on {EXSTDAT} after {EVENT} on {SHOWN}.

    Why: nothing is given after death, after the study or after a drug was stopped for good; one of the dates is wrong.
    Fix: Ask the site which of the two dates is right. If the drug was only interrupted, correct Disposition and mark
    the dose Interrupted.
    Rule: DOS-008; each drug on its own; a dose on the very day is in order; an interval without end date goes on
    """
    return _late(study, run, dosing, disposition, deaths, ("EXCHG",))


@check(
    "DOS-008", on="dosing", columns=("EXSTDAT", "EXTRT"), needs=("dosing.EXENDAT", "dosing.EXDOSE", "disposition.DSTRT"),
    uses=(*STOP_WORDS, "deaths", "disposition.DSDECOD"),
    silenced_by=("dosing.EXENDAT",),
)  # fmt: skip
def dose_after_its_end(
    study: Study, run: RunContext, dosing: pl.LazyFrame, disposition: pl.LazyFrame, deaths: pl.LazyFrame
) -> pl.LazyFrame:
    """{DRUG} on {EXSTDAT} after {EVENT} on {SHOWN}.

    Why: nothing is given after death, after the study or after a drug was stopped for good; one of the dates is wrong.
    Fix: Ask the site which of the two dates is right. If the drug was only interrupted, correct Disposition and mark
    the dose Interrupted.
    Rule: DOS-008; a disposition without treatment means all drugs, one of an upload without that column may mean another
    """
    told = _late(study, run, dosing, disposition, deaths, ("EXCHG",)).select("_rid")
    return _late(study, run, dosing, disposition, deaths, ("EXCHG", "DSDAT")).join(told, on="_rid", how="anti")


def _late(
    study: Study, run: RunContext, dosing: pl.LazyFrame, disposition: pl.LazyFrame, deaths: pl.LazyFrame,
    sources: tuple[str, ...],
) -> pl.LazyFrame:  # fmt: skip
    """Doses that begin, end or go on after the first of these events: death, end of the study, end of the drug."""
    rows = given(dosing, plans(study))
    last = pl.col("EXSTDAT").rank("max").over(KEY) == pl.len().over(KEY)
    rows = rows.with_columns(_open=(pl.col("KIND") == "daily") & open_ended() & last)
    event = pl.col("EDATE")
    starts, ends_ = pl.col("EXSTDAT") > event, pl.col("EXENDAT") > event
    ongoing = pl.col("_open") & (event <= run.cutoff) & (pl.col("EXSTDAT") <= event)
    late = _ends(study, rows, dosing, disposition, deaths, sources).filter(starts | ends_ | ongoing)
    late = late.sort("_rid", "RANK", "EDATE", "E_RID").group_by("_rid", maintain_order=True).first()
    end_say = pl.lit("{DRUG} from {EXSTDAT} is recorded until {EXENDAT}, after {EVENT} on {SHOWN}.")
    open_say = pl.lit("{DRUG} from {EXSTDAT} has no end date and so goes on after {EVENT} on {SHOWN}.")
    return late.select(
        "SUBJID", "_rid", "DRUG", "EXSTDAT", "EXENDAT", "EVENT", "SHOWN",
        _related_event(),
        _column=pl.when(starts).then(pl.lit("EXSTDAT")).otherwise(pl.lit("EXENDAT")),
        _say=pl.when(starts).then(None).when(ends_).then(end_say).otherwise(open_say),
        _expected=pl.lit("{SHOWN} or before"),
    )  # fmt: skip


def _related_event() -> pl.Expr:
    """The cell of the event: its row and column differ from finding to finding."""
    cell = pl.struct(pl.col("E_RID").cast(pl.UInt32).alias("rid"), pl.col("E_COLUMN").alias("column"))
    return pl.concat_list(cell).alias("_related")


@check(
    "DOS-009", on="dosing", columns=("EXSTDAT", "EXTRT"),
    needs=("dosing.EXENDAT", "dosing.EXDOSE", "assessments", "anchors", "ends"),
    silenced_by=("dosing.EXENDAT", "responses.OVRLRESP", "responses.RSDAT"),
)  # fmt: skip
def treatment_long_after_progression(
    study: Study,
    run: RunContext,
    dosing: pl.LazyFrame,
    assessments: pl.LazyFrame,
    anchors: pl.LazyFrame,
    ends: pl.LazyFrame,
) -> pl.LazyFrame:
    """PD on {PDDAT}; {DRUG} still given on {GIVEN}. Confirm continued benefit or check PD.

    Why: treatment later than {LIMIT} days after progression is either treatment beyond progression or a wrong date.
    Fix: Ask the site to confirm that the subject went on because of benefit, or to check the date of progression.
    Rule: DOS-009; where a month-3 decision leads subjects with SD or PD to surgery (trial A 5), treatment up to surgery
    and after it is expected, and only a progression after surgery counts
    Not checked: a tick "treatment beyond progression", which the layout does not have
    """
    if not study.regimens:
        return nothing()
    pd = assessments.filter(pl.col("PD"), pl.col("EVAL") == "INVESTIGATOR", pl.col("DAT").is_not_null())
    pd = with_anchor(pd.select("SUBJID", "DAT", "RSRID"), anchors, study, "SURG")
    if study.sheet_of("decision") is not None:
        pd = pd.filter((pl.col("DAT") > pl.col("SURG")).fill_null(True))
    first = pd.sort("DAT", "RSRID").group_by("SUBJID", maintain_order=True).first()
    limit = int(study.p("pd_continue_days"))
    rows = given(dosing, plans(study)).join(
        first.select("SUBJID", PDDAT="DAT", RSRID="RSRID"), on="SUBJID", how="inner"
    )
    rows = rows.join(ends.select("SUBJID", "ENDDAT"), on="SUBJID", how="left")
    # what comes after death or the end of the study is DOS-008's
    rows = rows.filter(~(pl.col("EXSTDAT") > pl.col("ENDDAT")).fill_null(False))
    rows = rows.with_columns(_latest=pl.col("PDDAT").dt.offset_by(f"{limit}d"))
    daily = pl.col("KIND") == "daily"
    last = pl.when(daily & open_ended()).then(pl.lit(run.cutoff)).when(daily).then("EXENDAT")
    until = pl.when(last.is_not_null()).then(pl.min_horizontal(last, "ENDDAT"))
    starts = pl.col("EXSTDAT") > pl.col("_latest")
    goes_on = (pl.col("EXSTDAT") <= pl.col("_latest")) & (until > pl.col("_latest"))
    late = rows.filter(starts | goes_on).with_columns(GIVEN=pl.when(starts).then("EXSTDAT").otherwise(until))
    late = late.sort("SUBJID", "EXTRT", "EXSTDAT", "_rid").group_by(KEY, maintain_order=True).first()
    return late.select(
        "SUBJID", "_rid", "DRUG", "PDDAT", "GIVEN",
        related(("RSRID", "OVRLRESP")),
        LIMIT=pl.lit(limit),
        _column=pl.when(starts).then(pl.lit("EXSTDAT")).otherwise(pl.lit("EXENDAT")),
    )  # fmt: skip
