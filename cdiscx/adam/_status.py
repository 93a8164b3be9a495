"""Where a subject stands: end of study, end of treatment, the month-3 response, whether tumours could be judged (2.1, 2.2)."""

from __future__ import annotations

import polars as pl

from cdiscx.adam._context import Context, first_by, united
from cdiscx.adam._milestones import NO_SOURCE
from cdiscx.standards.dates import earliest

_NO_EVENT = ("INFORMED CONSENT OBTAINED", "SCREEN FAILURE")
PROTOCOL_DEFINED = "PROTOCOL DEFINED RESPONSE CRITERIA"


def _disposition(ctx: Context) -> pl.DataFrame:
    """Disposition events with `SCOPE` STUDY or TREATMENT; an event without subcategory is about the study."""
    ds = ctx.domain("DS", "DSDECOD", "DSCAT", "DSSCAT", "DSSTDTC", "DSSTDT", "DSGRPID", "DSTERM")
    event = (pl.col("DSCAT").str.to_uppercase() == "DISPOSITION EVENT").fill_null(False)
    treatment = pl.col("DSSCAT").str.to_uppercase().str.contains("TREATMENT", literal=True).fill_null(False)
    return ds.filter(event & ~pl.col("DSDECOD").is_in(_NO_EVENT)).with_columns(
        SCOPE=pl.when(treatment).then(pl.lit("TREATMENT")).otherwise(pl.lit("STUDY")),
        DAY=pl.coalesce("DSSTDT", earliest(pl.col("DSSTDTC"))),
    )


def _state(reason: str) -> pl.Expr:
    why = pl.col(reason)
    return pl.when(why == "COMPLETED").then(pl.lit("COMPLETED")).when(why.is_not_null()).then(pl.lit("DISCONTINUED"))


def end_of_study(ctx: Context, subjects: pl.DataFrame) -> pl.DataFrame:
    """`subjects` (USUBJID, ENRLFL, DTHFL, DTHDT) -> USUBJID, EOSSTT, EOSDT, DCSREAS, `_from` of enrolled subjects.

    The last disposition of study participation; a subject who died without one was discontinued by death.
    """
    last = first_by(_disposition(ctx).filter(pl.col("SCOPE") == "STUDY"), ["DAY"], last=True)
    found = last.select("USUBJID", "_from", WHY="DSDECOD", DAY="DAY")
    enrolled = subjects.filter(pl.col("ENRLFL") == "Y").with_columns(_from=NO_SOURCE)
    rows = united(enrolled, found).with_columns(
        WHY=pl.coalesce("WHY", pl.when(pl.col("DTHFL") == "Y").then(pl.lit("DEATH"))),
        DAY=pl.coalesce("DAY", "DTHDT"),
    )
    return rows.select(
        "USUBJID",
        EOSSTT=_state("WHY").fill_null("ONGOING"),
        EOSDT="DAY",
        DCSREAS=pl.when(pl.col("WHY") != "COMPLETED").then("WHY"),
        _from="_from",
    )


def end_of_treatment(ctx: Context, subjects: pl.DataFrame, ended: pl.DataFrame) -> pl.DataFrame:
    """`subjects` (USUBJID, SAFFL), `ended` of `end_of_study` -> USUBJID, EOTSTT, EOTDT, DCTREAS, `_from` of treated subjects.

    Treatment has ended when a disposition names no drug, when every systemic drug taken has one, or with the study.
    """
    stops = _disposition(ctx).filter(pl.col("SCOPE") == "TREATMENT")
    drugs = [d for d, r in ctx.study.regimens.items() if r.systemic]
    named = _drug_named(drugs)
    stops = stops.with_columns(DRUG=pl.coalesce(named, pl.col("DSGRPID")))
    taken = (
        ctx.domain("EX", "EXTRT")
        .select("USUBJID", DRUG=pl.col("EXTRT").str.to_uppercase())
        .filter(pl.col("DRUG").is_in(drugs))
        .unique()
    )
    open_ = taken.join(stops.select("USUBJID", "DRUG"), on=["USUBJID", "DRUG"], how="anti").select("USUBJID").unique()
    whole = stops.filter(pl.col("DRUG").is_null()).select("USUBJID")
    over = stops.join(open_.join(whole, on="USUBJID", how="anti"), on="USUBJID", how="anti")
    last = first_by(over, ["DAY"], last=True).select("USUBJID", "_from", WHY="DSDECOD", DAY="DAY")
    treated = subjects.filter(pl.col("SAFFL") == "Y").with_columns(_from=NO_SOURCE)
    rows = united(treated, last).join(
        ended.select("USUBJID", "EOSSTT", "EOSDT", "DCSREAS"), on="USUBJID", how="left", maintain_order="left"
    )
    gone = pl.col("EOSSTT").is_in(["COMPLETED", "DISCONTINUED"]) & pl.col("WHY").is_null()
    why = pl.when(gone).then(pl.coalesce("DCSREAS", pl.lit("COMPLETED"))).otherwise(pl.col("WHY"))
    day = pl.when(gone).then(pl.col("EOSDT")).otherwise(pl.col("DAY"))
    rows = rows.with_columns(WHY=why, DAY=day)
    return rows.select(
        "USUBJID",
        EOTSTT=_state("WHY").fill_null("ONGOING"),
        EOTDT="DAY",
        DCTREAS=pl.when(pl.col("WHY") != "COMPLETED").then("WHY"),
        _from="_from",
    )


def _drug_named(drugs: list[str]) -> pl.Expr:
    """The drug whose name stands in --GRPID or --TERM, or null."""
    text = pl.concat_str("DSGRPID", "DSTERM", separator=" ", ignore_nulls=True).str.to_uppercase()
    named: pl.Expr = pl.lit(None, dtype=pl.String)
    for drug in drugs:
        named = pl.when(text.str.contains(drug, literal=True)).then(pl.lit(drug)).otherwise(named)
    return named


def site_responses(ctx: Context) -> pl.DataFrame:
    """The investigator's overall responses under the study's criterion: USUBJID, DT, RESP, `_id`, `_from`.

    Of two records of one visit the first counts. Where no record of the domain names the investigator as evaluator, every evaluator's are taken.
    """
    rs = ctx.domain("RS", "RSTESTCD", "RSCAT", "RSEVAL", "RSSTRESC", "RSDT", "VISIT")
    mrecist = ctx.study.criterion is not None and ctx.study.criterion.name == "MRECIST"
    category = pl.col("RSCAT").str.to_uppercase()
    own = category.is_null() | (
        (category != PROTOCOL_DEFINED) & (category.str.starts_with("MRECIST") == pl.lit(mrecist))
    )
    rows = rs.filter((pl.col("RSTESTCD") == "OVRLRESP") & own & pl.col("RSSTRESC").is_not_null())
    investigator = rows.filter((pl.col("RSEVAL").str.to_uppercase() == "INVESTIGATOR").fill_null(True))
    rows = rows if investigator.is_empty() else investigator
    point = pl.struct("USUBJID", "RSEVAL", pl.coalesce("VISIT", pl.col("RSDT").cast(pl.String)))
    rows = rows.filter(point.is_first_distinct())
    return rows.select("USUBJID", DT="RSDT", RESP=pl.col("RSSTRESC").str.to_uppercase(), _id="_id", _from="_from")


def evaluable(ctx: Context, treated: pl.DataFrame) -> pl.DataFrame:
    """USUBJID, EVALFL and `_from`: a target lesion at baseline and an overall response other than NE after it."""
    start = treated.select("USUBJID", "TRTSDT")
    tu = ctx.domain("TU", "TUSTRESC", "TUORRES", "TUDT").filter(pl.coalesce("TUSTRESC", "TUORRES") == "TARGET")
    tr = ctx.domain("TR", "TRGRPID", "TRSTRESN", "TRDT").filter(
        pl.col("TRGRPID").str.starts_with("TARGET") & pl.col("TRSTRESN").is_not_null()
    )
    targets = pl.concat(
        [tu.select("USUBJID", "_id", "_from", DT="TUDT"), tr.select("USUBJID", "_id", "_from", DT="TRDT")]
    )
    before = first_by(targets.join(start, on="USUBJID").filter(pl.col("DT") <= pl.col("TRTSDT")), ["DT"])
    judged = site_responses(ctx).filter(pl.col("RESP") != "NE").join(start, on="USUBJID")
    after = first_by(judged.filter(pl.col("DT") > pl.col("TRTSDT")), ["DT"]).select(
        "USUBJID", _after="DT", _from="_from"
    )
    both = united(before.select("USUBJID", "_from"), after).drop_nulls("_after")
    return both.select("USUBJID", EVALFL=pl.lit("Y"), _from="_from")


def month3(ctx: Context, treated: pl.DataFrame) -> pl.DataFrame:
    """USUBJID, M3RESP, M3DT, M3BRANCH and `_from` of treated subjects (trial A 5).

    The last evaluable overall response with its date in D1 + target +/- window and on or before the decision.
    """
    middle, around = int(ctx.p("month3_target_days", 91)), int(ctx.p("month3_window_days", 14))
    decided = ctx.domain("DS", "DSDECOD", "DSCAT", "DSSTDT").filter(
        pl.col("DSDECOD").is_in(["SURGERY BRANCH", "SYSTEMIC TREATMENT BRANCH"])
        | ((pl.col("DSCAT") == "OTHER EVENT") & (pl.col("DSDECOD") == "OTHER"))
    )
    decision = first_by(decided, ["DSSTDT"]).select("USUBJID", DECDT="DSSTDT")
    rows = site_responses(ctx).filter(pl.col("RESP") != "NE").join(treated.select("USUBJID", "TRTSDT"), on="USUBJID")
    rows = rows.join(decision, on="USUBJID", how="left", maintain_order="left")
    day = (pl.col("DT") - pl.col("TRTSDT")).dt.total_days()
    rows = rows.filter(
        day.is_between(middle - around, middle + around) & (pl.col("DT") <= pl.col("DECDT")).fill_null(True)
    )
    chosen = first_by(rows, ["DT"], last=True).select("USUBJID", "_from", M3RESP="RESP", M3DT="DT")
    out = united(treated.select("USUBJID", _from=NO_SOURCE), chosen)
    branch = (
        pl.when(pl.col("M3RESP").is_in(["SD", "PD", "NON-CR/NON-PD"])).then(pl.lit("SURGERY"))
        .when(pl.col("M3RESP").is_in(["CR", "PR"])).then(pl.lit("SYSTEMIC"))
        .otherwise(pl.lit("UNKNOWN"))
    )  # fmt: skip
    return out.with_columns(M3BRANCH=branch)
