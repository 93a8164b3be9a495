"""Dates of reference per subject: anchors of the study file, death, last date known alive, end of participation."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from cdiscx.model.spec import Anchor, Source, Study
from cdiscx.model.table import RunContext
from cdiscx.registry import view
from cdiscx.standards.dates import earliest, latest

_DATES = pl.Schema({"SUBJID": pl.String, "_date": pl.Date, "_rid": pl.UInt32})


def _source_rows(source: Source, frames: Mapping[str, pl.LazyFrame]) -> pl.LazyFrame | None:
    frame = _where(source, frames)
    if frame is None:
        return None
    frame = _taken(source.of.partition(".")[0], frame)
    column = source.of.partition(".")[2]
    return frame.select("SUBJID", _date=pl.col(column), _rid=pl.col("_rid")).drop_nulls(["SUBJID", "_date"])


def _taken(table: str, frame: pl.LazyFrame) -> pl.LazyFrame:
    """Rows that were given: a dose of 0 is an interruption, not an exposure (trial A 4.3); a blank dose counts as given."""
    if table != "dosing" or "EXDOSE" not in frame.collect_schema().names():
        return frame
    return frame.filter(pl.col("EXDOSE").is_null() | (pl.col("EXDOSE") != 0))


def _where(source: Source, frames: Mapping[str, pl.LazyFrame]) -> pl.LazyFrame | None:
    """The rows a source means, or None where the study has no such table."""
    table = source.of.partition(".")[0]
    if table not in frames:
        return None
    frame = frames[table]
    for name, values in source.where.items():
        frame = frame.filter(pl.col(name).is_in(list(values)))
    for name, values in source.unless.items():
        frame = frame.filter(~pl.col(name).is_in(list(values)).fill_null(False))
    return frame


def _anchor_rows(anchor: Anchor, frames: Mapping[str, pl.LazyFrame]) -> pl.LazyFrame:
    pieces = [rows for s in anchor.sources if (rows := _source_rows(s, frames)) is not None]
    rows = pl.concat([pl.LazyFrame(schema=_DATES), *pieces])
    for source in anchor.none_if:
        blocking = _where(source, frames)
        rows = rows if blocking is None else rows.join(blocking.select("SUBJID"), on="SUBJID", how="anti")
    ordered = rows.sort("_date", "_rid", descending=[anchor.take == "last", False])
    return ordered.group_by("SUBJID", maintain_order=True).agg(pl.col("_date").first(), pl.col("_rid").first())


@view(
    "anchors",
    of=("subjects", "subjects.RFICDAT", "subjects.ENRLDAT", "subjects.DIAGDAT", "dosing", "dosing.EXSTDAT",
        "dosing.EXENDAT", "dosing.EXTRT", "dosing.EXONGO", "dosing.EXDOSE", "procedures", "procedures.PRSTDAT", "procedures.PRENDAT",
        "procedures.PRTRT", "procedures.HODISDAT", "decision", "decision.DECDAT"),
    requires=("subjects",),
)  # fmt: skip
def anchors(study: Study, tables: Mapping[str, pl.LazyFrame]) -> pl.LazyFrame:
    """One row per listed subject: a Date per anchor of the study file and `<ANCHOR>_RID`, the row it came from.

    A row with dose 0 is no dose.
    """
    out = tables["subjects"].select("SUBJID").drop_nulls().unique(maintain_order=True)
    for name, anchor in study.anchors.items():
        rows = _anchor_rows(anchor, tables).rename({"_date": name, "_rid": f"{name}_RID"})
        out = out.join(rows, on="SUBJID", how="left")
    for name, anchor in study.anchors.items():
        if anchor.otherwise:
            other = anchor.otherwise
            out = out.with_columns(
                pl.coalesce(name, other).alias(name),
                pl.when(pl.col(name).is_null()).then(f"{other}_RID").otherwise(f"{name}_RID").alias(f"{name}_RID"),
            )
    return out


@view("deaths", of=("survival", "survival.DTHDAT", "survival.SSSTAT"), requires=("survival", "survival.DTHDAT"))
def deaths(survival: pl.LazyFrame) -> pl.LazyFrame:
    """Subjects with a death date in Survival: DTHDAT (complete or null), DTHDATC (ISO), DTHLO, DTHHI, `_rid`."""
    return (
        survival.filter(pl.col("DTHDATC").is_not_null() & pl.col("SUBJID").is_not_null())
        .with_columns(full=pl.col("DTHDAT").is_not_null())
        .sort("full", "_rid", descending=[True, False])
        .group_by("SUBJID", maintain_order=True)
        .agg(pl.col("DTHDAT", "DTHDATC", "_rid").first())
        .with_columns(DTHLO=earliest(pl.col("DTHDATC")), DTHHI=latest(pl.col("DTHDATC")))
    )


#: (table, date column, column that must prove it) that prove a subject alive (adam-derivations 2.2, ruling 15.3)
_LIFE: tuple[tuple[str, str, str | None], ...] = (
    ("visits", "VISDAT", "VISDONE"),
    ("dosing", "EXSTDAT", None),
    ("dosing", "EXENDAT", None),
    ("procedures", "PRSTDAT", None),
    ("procedures", "PRENDAT", None),
    ("procedures", "HOADMDAT", None),
    ("procedures", "HODISDAT", None),
    ("procedures", "HOREADAT", None),
    ("targets", "TRDAT", None),
    ("nontargets", "TRDAT", None),
    ("newlesions", "TRDAT", None),
    ("labs", "LBDAT", None),
    ("ae", "AESTDAT", None),
    ("ae", "AEENDAT", None),
    ("survival", "SSDAT", "SSSTAT"),
    ("disposition", "DSDAT", "DSDECOD"),
)
_PROOF = {
    "VISDONE": pl.col("VISDONE") == "Y",
    "SSSTAT": pl.col("SSSTAT") == "ALIVE",
    "DSDECOD": ~pl.col("DSDECOD").is_in(["DEATH", "LOST TO FOLLOW-UP"]),
}
_LIFE_WORDS = tuple(dict.fromkeys(w for t, c, f in _LIFE for w in (t, f"{t}.{c}", *([f"{t}.{f}"] if f else []))))


@view("alive", of=(*_LIFE_WORDS, "dosing.EXDOSE", "deaths"), requires=("subjects",))
def alive(tables: Mapping[str, pl.LazyFrame], run: RunContext) -> pl.LazyFrame:
    """Latest complete date not after the cut-off that proves life: LSTALVDAT, LSTALVTAB, LSTALVCOL, LSTALVRID.

    Capped at the (latest possible) day of death. Loss to follow-up is no proof of life (ruling 15.3).
    """
    pieces = [pl.LazyFrame(schema=_DATES | {"_table": pl.String, "_column": pl.String})]
    for table, column, proof in _LIFE:
        if table not in tables or column not in (names := tables[table].collect_schema().names()):
            continue
        rows = tables[table].filter(_PROOF[proof]) if proof and proof in names else _taken(table, tables[table])
        pieces.append(rows.select("SUBJID", _date=column, _rid="_rid", _table=pl.lit(table), _column=pl.lit(column)))
    dates = pl.concat(pieces).filter(pl.col("_date") <= run.cutoff).drop_nulls(["SUBJID"])
    if "deaths" in tables:
        dates = dates.join(tables["deaths"].select("SUBJID", "DTHHI"), on="SUBJID", how="left").with_columns(
            pl.min_horizontal("_date", "DTHHI").alias("_date")
        )
    last = dates.sort("_date", "_rid", descending=[True, False]).group_by("SUBJID", maintain_order=True).first()
    return last.select("SUBJID", LSTALVDAT="_date", LSTALVTAB="_table", LSTALVCOL="_column", LSTALVRID="_rid")


@view(
    "ends",
    of=("subjects", "deaths", "survival", "survival.SSDAT", "survival.SSSTAT", "disposition", "disposition.DSDAT",
        "disposition.DSDECOD", "disposition.DSSCOPE", "disposition.DSTRT", "dosing", "dosing.EXTRT", "dosing.EXDOSE"),
    requires=("subjects",),
)  # fmt: skip
def ends(study: Study, tables: Mapping[str, pl.LazyFrame]) -> pl.LazyFrame:
    """One row per subject: DTHHI, STUDYEND, STUDYENDWHY, WITHDRAWN, LOST, ENDDAT (earliest of them), TRTEND; nulls where not."""
    out = tables["subjects"].select("SUBJID").drop_nulls().unique(maintain_order=True)
    null = pl.lit(None, dtype=pl.Date)
    if "deaths" in tables:
        out = out.join(tables["deaths"].select("SUBJID", "DTHHI"), on="SUBJID", how="left")
    else:
        out = out.with_columns(DTHHI=null)
    disposition = tables.get("disposition", _NO_DISPOSITION)
    study_scope = disposition.filter(pl.col("DSSCOPE") == "STUDY", pl.col("DSDAT").is_not_null()).sort("DSDAT", "_rid")
    why = pl.col("DSDECOD")
    out = out.join(
        study_scope.group_by("SUBJID", maintain_order=True).agg(
            STUDYEND=pl.col("DSDAT").first(),
            STUDYENDWHY=why.first(),
            WITHDRAWN=pl.col("DSDAT").filter(why == "WITHDREW CONSENT").first(),
            _lost=pl.col("DSDAT").filter(why == "LOST TO FOLLOW-UP").first(),
        ),
        on="SUBJID",
        how="left",
    )
    contacts = tables.get("survival", pl.LazyFrame(schema={"SUBJID": pl.String, "SSSTAT": pl.String, "SSDAT": pl.Date}))
    lost = contacts.filter(pl.col("SSSTAT") == "LOST TO FOLLOW-UP").group_by("SUBJID").agg(_call=pl.col("SSDAT").min())
    out = out.join(lost, on="SUBJID", how="left").join(
        _treatment_end(study, disposition, tables), on="SUBJID", how="left"
    )
    return out.with_columns(LOST=pl.min_horizontal("_lost", "_call")).select(
        "SUBJID", "DTHHI", "STUDYEND", "STUDYENDWHY", "WITHDRAWN", "LOST",
        pl.min_horizontal("DTHHI", "STUDYEND", "WITHDRAWN", "LOST").alias("ENDDAT"), "TRTEND",
    )  # fmt: skip


_NO_DISPOSITION = pl.LazyFrame(
    schema={
        "SUBJID": pl.String,
        "_rid": pl.UInt32,
        "DSSCOPE": pl.String,
        "DSDECOD": pl.String,
        "DSTRT": pl.String,
        "DSDAT": pl.Date,
    }
)


def _treatment_end(study: Study, disposition: pl.LazyFrame, tables: Mapping[str, pl.LazyFrame]) -> pl.LazyFrame:
    """TRTEND: a treatment-scope disposition of all treatment, or the last one once every systemic drug taken has its own."""
    systemic = [name for name, regimen in study.regimens.items() if regimen.systemic]
    stops = disposition.filter(pl.col("DSSCOPE") == "TREATMENT", pl.col("DSDAT").is_not_null())
    said = stops.group_by("SUBJID").agg(
        _all=pl.col("DSDAT").filter(pl.col("DSTRT").is_null() | (pl.col("DSTRT") == "ALL")).max(),
        _stopped=pl.col("DSTRT").filter(pl.col("DSTRT").is_in(systemic)).n_unique(),
        _last=pl.col("DSDAT").max(),
    )
    if "dosing" in tables:
        taken = (
            _taken("dosing", tables["dosing"])
            .filter(pl.col("EXTRT").is_in(systemic))
            .group_by("SUBJID")
            .agg(_taken=pl.col("EXTRT").n_unique())
        )
    else:
        taken = pl.LazyFrame(schema={"SUBJID": pl.String, "_taken": pl.UInt32})
    both = said.join(taken, on="SUBJID", how="left")
    every = pl.col("_stopped") >= pl.col("_taken").fill_null(99)
    return both.select("SUBJID", TRTEND=pl.coalesce("_all", pl.when(every).then("_last")))
