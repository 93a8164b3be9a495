"""Lesion rows of the three lesion sheets as one table, time points with their role, and the first progression."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from cdiscx.model.spec import Study
from cdiscx.registry import view
from cdiscx.standards.organs import at_porta_hepatis, organ
from cdiscx.views.placement import REBASE, placed

_CLASSES = {"targets": "TARGET", "nontargets": "NON-TARGET", "newlesions": "NEW"}
_TEXT = ("EVAL", "VISIT", "LESID", "TRDATC", "TUORGAN", "TULOC", "TUNODAL", "TUMETHOD", "ARTPHASE", "LDIAMC", "SAXISC",
         "VDIAMC", "TRUNIT", "TRSTATUS", "TRREAS", "CERTAIN", "TYPENH")  # fmt: skip
_NUMBERS = ("SLTHICK", "LDIAM", "SAXIS", "VDIAM")
_SHAPE: dict[str, pl.DataType | type[pl.DataType]] = {
    "_rid": pl.UInt32, "_from": pl.List(pl.UInt32), "SUBJID": pl.String, "TRDAT": pl.Date,
    **dict.fromkeys(_TEXT, pl.String), **dict.fromkeys(_NUMBERS, pl.Float64),
}  # fmt: skip
_LESION_WORDS = tuple(
    f"{table}.{column}"
    for table, columns in {
        "targets": (
            "TRDAT",
            "TUORGAN",
            "TULOC",
            "TUNODAL",
            "TUMETHOD",
            "SLTHICK",
            "ARTPHASE",
            "LDIAM",
            "SAXIS",
            "VDIAM",
            "TRSTATUS",
            "TRREAS",
        ),
        "nontargets": ("TRDAT", "TUORGAN", "TULOC", "TUMETHOD", "TRSTATUS", "TRREAS"),
        "newlesions": ("TRDAT", "TUORGAN", "TULOC", "TUMETHOD", "CERTAIN", "LDIAM", "TYPENH"),
    }.items()
    for column in columns
)


def _shaped(table: str, frame: pl.LazyFrame) -> pl.LazyFrame:
    has = frame.collect_schema()
    columns = [
        (pl.col(name) if name in has else pl.lit(None)).cast(dtype).alias(name) for name, dtype in _SHAPE.items()
    ]
    return frame.select(*columns, TABLE=pl.lit(table), CLASS=pl.lit(_CLASSES[table]))


@view("lesions", of=("targets", "nontargets", "newlesions", *_LESION_WORDS), requires=("targets",), union=True)
def lesions(study: Study, tables: Mapping[str, pl.LazyFrame]) -> pl.LazyFrame:
    """One row per row of the lesion sheets; SIZE is the RECIST diameter in mm, VALUE what enters the criterion's sum.

    Absent reads as 0 and too small as 5 mm unless a number is given (R11-C-3, R11-C-4); merged as 0 (R11-C-6); not
    evaluable as null (R11-C-7). Under mRECIST a liver target enters with its viable diameter, null without arterial
    phase (MR-M-11).
    """
    rows = pl.concat([_shaped(name, tables[name]) for name in _CLASSES if name in tables])
    rows = rows.filter(pl.col("SUBJID").is_not_null()).with_columns(
        ORGAN=organ(pl.col("TUORGAN"), pl.col("TULOC")),
        PARENT=pl.col("LESID").str.extract(r"^(.*\d)\.\d+$", 1),
    )
    nodal = pl.coalesce(pl.col("TUNODAL") == "Y", pl.col("ORGAN") == "LYMPH NODE").fill_null(False)
    rows = rows.with_columns(NODAL=nodal, LIVER=(pl.col("ORGAN") == "LIVER").fill_null(False) & ~nodal)
    rows = rows.with_columns(PORTA=pl.col("NODAL") & at_porta_hepatis(pl.col("TUORGAN"), pl.col("TULOC")))
    size = _by_status(pl.when("NODAL").then("SAXIS").otherwise("LDIAM"))
    rows = rows.with_columns(SIZE=size)
    if study.criterion is None or study.criterion.name != "MRECIST":
        return rows.with_columns(VALUE="SIZE")
    unseen = (pl.col("ARTPHASE") == "N").fill_null(False)
    viable = pl.when(unseen).then(None).otherwise(_by_status(pl.col("VDIAM")))
    return rows.with_columns(VALUE=pl.when("LIVER").then(viable).otherwise("SIZE"))


def _by_status(number: pl.Expr) -> pl.Expr:
    status = pl.col("TRSTATUS")
    return (
        pl.when(status == "NOT EVALUABLE")
        .then(None)
        .when(status == "MERGED")
        .then(0.0)
        .when(status == "ABSENT")
        .then(number.fill_null(0.0))
        .when(status == "TOO SMALL")
        .then(number.fill_null(5.0))
        .otherwise(number)
        .cast(pl.Float64)
    )


_POINT = ("SUBJID", "EVAL", "VISIT")
_RESPONSE = ("RSDAT", "TRGRESP", "NTRGRESP", "NEWLIND", "OVRLRESP", "SYMPTDTR")


@view(
    "assessments",
    of=("lesions", "anchors", "responses", *(f"responses.{c}" for c in _RESPONSE)),
    requires=("targets", "subjects"),
)
def assessments(study: Study, tables: Mapping[str, pl.LazyFrame]) -> pl.LazyFrame:
    """Time points: one row per SUBJID, EVAL, VISIT with dates, site responses, role, segment (BASETYPE) and order (TP).

    DAT: latest scan date; for PD the earliest (R11-X-2); the response date only where no scan date exists. PT and SEG (u32)
    number the time points and the segments in the order of the rows, for joins on whole numbers.
    """
    points = timed_points(study, scans(tables["lesions"]), _responses(tables.get("responses")), tables["anchors"])
    sources = pl.concat_list(pl.col("_lesfrom").fill_null([]), pl.col("RSRID")).list.drop_nulls()
    return points.with_columns(_rid=pl.coalesce("RSRID", "LESRID"), _from=sources).drop("_lesfrom")


def scans(lesions: pl.LazyFrame) -> pl.LazyFrame:
    """One row per time point with a lesion row: FIRSTDAT, LASTDAT, LESRID and LESTABLE of the latest row, `_lesfrom`.

    SCANNED: a target or a non-target lesion has a row there.
    """
    return (
        lesions.sort("TRDAT", "_rid", nulls_last=False)
        .group_by(_POINT, maintain_order=True)
        .agg(
            FIRSTDAT=pl.col("TRDAT").min(),
            LASTDAT=pl.col("TRDAT").max(),
            LESRID=pl.col("_rid").last(),
            LESTABLE=pl.col("TABLE").last(),
            SCANNED=(pl.col("CLASS") != "NEW").any(),
            _lesfrom=pl.col("_rid"),
        )
    )


def timed_points(
    study: Study, seen: pl.LazyFrame | None, responses: pl.LazyFrame, anchors: pl.LazyFrame
) -> pl.LazyFrame:
    """Time points of `scans` and of response rows (one a time point: RSDAT, OVRLRESP, RSRID, …) as `assessments` says.

    `anchors`: SUBJID with D1 and SURG, where the study has them. Without scans (None) the response dates count.
    """
    if seen is None:
        absent = {"FIRSTDAT": pl.Date(), "LASTDAT": pl.Date(), "LESRID": pl.UInt32(), "LESTABLE": pl.String()}
        points = responses.with_columns(pl.lit(None, dtype=t).alias(n) for n, t in absent.items())
    else:
        points = seen.join(responses, on=_POINT, how="full", coalesce=True, nulls_equal=True)
        points = points.with_columns(pl.col("SCANNED").fill_null(False))
    points = points.filter(pl.col("SUBJID").is_not_null(), pl.col("VISIT").is_not_null())
    pd_ = (pl.col("OVRLRESP") == "PD").fill_null(False)
    points = points.with_columns(
        PD=pd_,
        DAT=pl.coalesce(pl.when(pd_).then("FIRSTDAT").otherwise("LASTDAT"), "RSDAT"),
        ANYDAT=pl.coalesce("LASTDAT", "RSDAT"),
    )
    known = anchors.collect_schema().names()
    dates = [pl.col(a) if a in known else pl.lit(None, dtype=pl.Date).alias(a) for a in ("D1", "SURG")]
    points = points.join(anchors.select("SUBJID", *dates), on="SUBJID", how="left")
    return placed(study, points).with_columns(
        EVALUABLE=(pl.col("OVRLRESP").is_not_null() & (pl.col("OVRLRESP") != "NE")).fill_null(False)
        | (pl.col("ROLE") == REBASE),
    )


def _responses(frame: pl.LazyFrame | None) -> pl.LazyFrame:
    shape = {
        "SUBJID": pl.String,
        "EVAL": pl.String,
        "VISIT": pl.String,
        "_rid": pl.UInt32,
        "RSDAT": pl.Date,
    } | dict.fromkeys(_RESPONSE[1:], pl.String)
    frame = pl.LazyFrame(schema=shape) if frame is None else frame
    has = frame.collect_schema().names()
    columns = [pl.col(c) if c in has else pl.lit(None, dtype=shape[c]).alias(c) for c in shape]
    picked = frame.select(*columns).rename({"_rid": "RSRID"})
    return picked.group_by(_POINT, maintain_order=True).agg(pl.all().first())


@view("progression", of=("assessments",), requires=("targets", "subjects"))
def progression(assessments: pl.LazyFrame) -> pl.LazyFrame:
    """First PD by the investigator's overall response: SUBJID, PDDAT, PDVISIT, PDRID."""
    rows = assessments.filter(pl.col("PD"), pl.col("EVAL") == "INVESTIGATOR", pl.col("DAT").is_not_null())
    first = rows.sort("DAT", "RSRID").group_by("SUBJID", maintain_order=True).first()
    return first.select("SUBJID", PDDAT="DAT", PDVISIT="VISIT", PDRID="RSRID")
