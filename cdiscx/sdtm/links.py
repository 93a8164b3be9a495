"""Algorithms that give records their links: lesions, time points, sessions; and say who read them (sdtm-mapping 2.7, 2.10)."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from cdiscx.registry import algorithm
from cdiscx.sdtm.here import Here

_INVESTIGATOR = "INVESTIGATOR"


def _reader(text: pl.Expr) -> pl.Expr:
    """`R1-` for the first independent reader, nothing for the investigator."""
    number = pl.coalesce(text.str.extract(r"([0-9]+)"), pl.lit("1"))
    own = text.is_null() | (text.str.to_uppercase() == _INVESTIGATOR)
    return pl.when(own).then(pl.lit("")).otherwise(pl.lit("R") + number + pl.lit("-"))


@algorithm("evaluator")
def evaluator(here: Here, column: str) -> pl.Expr:
    """INVESTIGATOR, or INDEPENDENT ASSESSOR for any other reader; blank is the investigator."""
    here.collected_by_site()
    text = here.text(column)
    own = text.is_null() | (text.str.to_uppercase() == _INVESTIGATOR)
    return pl.when(own).then(pl.lit(_INVESTIGATOR)).otherwise(pl.lit("INDEPENDENT ASSESSOR"))


@algorithm("evaluator_id")
def evaluator_id(here: Here, column: str) -> pl.Expr:
    """RADIOLOGIST n of an independent reader, null for the investigator."""
    here.collected_by_site()
    text = here.text(column)
    number = pl.coalesce(text.str.extract(r"([0-9]+)"), pl.lit("1"))
    return pl.when(text.str.to_uppercase() != _INVESTIGATOR).then(pl.lit("RADIOLOGIST ") + number)


@algorithm("lesion_link")
def lesion_link(here: Here, column: str, *, evaluator: str | None = None) -> pl.Expr:
    """`T1` -> `T01`, `NT1` -> `NT01`, `N1` -> `NEW01`, `T4.1` -> `T04.1`; an independent reader's begin with `R1-`."""
    here.collected_by_site()
    text = here.text(column)
    cut = text.str.extract_groups(r"^([A-Z]+)([0-9]+)(.*)$")
    prefix, number, rest = (cut.struct.field(str(i)) for i in (1, 2, 3))
    word = pl.when(prefix == "N").then(pl.lit("NEW")).otherwise(prefix)
    link = pl.coalesce(word + number.str.zfill(2) + rest, text)
    return link if evaluator is None else _reader(here.text(evaluator)) + link


#: tables whose rows belong to time points, with their dates
_TIMED = (("targets", "TRDAT"), ("nontargets", "TRDAT"), ("newlesions", "TRDAT"), ("responses", "RSDAT"))


@algorithm("timepoint_link")
def timepoint_link(here: Here, column: str, *, evaluator: str) -> pl.Expr:
    """`A01`, `A02` …: the subject's time points (one reader, one visit) in order of date, `R1-A01` of another reader."""
    here.derived("Number of the time point: a reader's visits with lesions or responses in order of date.")
    here.col(column)
    pieces = [
        pl.DataFrame(
            schema={"SUBJID": pl.String, "EVAL": pl.String, "VISIT": pl.String, "DAY": pl.Date, "RID": pl.UInt32}
        )
    ]
    for table, date in _TIMED:
        held = here.run.data.tidy.get(table)
        if held is not None and {"VISIT", "EVAL", date} <= set(held.frame.columns):
            pieces.append(held.frame.select("SUBJID", "EVAL", "VISIT", DAY=date, RID="_rid"))
    points = pl.concat(pieces).drop_nulls(["SUBJID", "VISIT"]).group_by("SUBJID", "EVAL", "VISIT").agg(
        pl.col("DAY", "RID").min()
    )  # fmt: skip
    points = points.sort("SUBJID", "EVAL", "DAY", "RID", nulls_last=True)
    number = pl.int_range(1, pl.len() + 1).over("SUBJID", "EVAL").cast(pl.String).str.zfill(2)
    points = points.with_columns(NAME=_reader(pl.col("EVAL")) + pl.lit("A") + number)
    if not {column, evaluator} <= set(here.rows_of.frame.columns):
        here.missing.append(evaluator)
        return pl.lit(None, pl.String)
    own = points.rename({"VISIT": column, "EVAL": evaluator}) if (column, evaluator) != ("VISIT", "EVAL") else points
    frame = here.rows_of.frame.drop(f"_{here.variable}.NAME", strict=False).join(
        own.select("SUBJID", column, evaluator, pl.col("NAME").alias(f"_{here.variable}.NAME")),
        on=["SUBJID", column, evaluator], how="left", nulls_equal=True, maintain_order="left",
    )  # fmt: skip
    here.rows_of.frame = frame
    return pl.col(f"_{here.variable}.NAME")


@algorithm("session_link")
def session_link(
    here: Here,
    column: str,
    *,
    among: str,
    where: Mapping[str, tuple[str, ...]] | None = None,
    prefix: str = "",
    within: int = 0,
) -> pl.Expr:
    """`HA1`, `HA2` …: the number, in order of date, of the subject's session that lies nearest, at most `within` days away."""
    here.derived("Number of the session among the subject's sessions in order of date.")
    table, _, theirs = among.partition(".")
    held = here.run.data.tidy.get(table)
    if held is None or theirs not in held.frame.columns or not here.has(column):
        here.missing.append(among if here.has(column) else column)
        return pl.lit(None, pl.String)
    here.col(column)
    here.used[among] = None
    sessions = held.frame
    for name, values in (where or {}).items():
        sessions = (
            sessions.filter(pl.col(name).is_in(list(values)).fill_null(False))
            if name in sessions.columns
            else sessions.clear()
        )
    sessions = sessions.select("SUBJID", _day=theirs).drop_nulls().unique().sort("SUBJID", "_day")
    number = pl.int_range(1, pl.len() + 1).over("SUBJID").cast(pl.String)
    own = f"_{here.variable}.SESSION"
    sessions = sessions.with_columns((pl.lit(prefix) + number).alias(own)).sort("_day")
    there = here.rows_of.frame.select("SUBJID", _day=column).drop_nulls().unique().sort("_day")
    nearest = there.join_asof(
        sessions, on="_day", by="SUBJID", strategy="nearest", tolerance=f"{within}d", check_sortedness=False
    )
    here.rows_of.frame = here.rows_of.frame.drop(own, strict=False).join(
        nearest.rename({"_day": column}), on=["SUBJID", column], how="left", maintain_order="left"
    )
    return pl.col(own)


@algorithm("session_where")
def session_where(here: Here, column: str, *, only: Mapping[str, tuple[str, ...]], prefix: str) -> pl.Expr:
    """`HA1`, `HA2` …: the number of the row's own day among the days of the subject's rows that `only` means; else null.

    Numbers are those that `session_link` gives over the same rows.
    """
    here.derived("Number of the session among the subject's sessions in order of date.")
    if lost := [name for name in (column, *only) if not here.has(name)]:
        here.missing += lost
        return pl.lit(None, pl.String)
    mine = pl.all_horizontal(
        [here.col(name).cast(pl.String).is_in(list(values)).fill_null(False) for name, values in only.items()]
    )
    day = pl.when(mine).then(here.col(column))
    return pl.lit(prefix) + day.rank("dense").over("SUBJID").cast(pl.String)
