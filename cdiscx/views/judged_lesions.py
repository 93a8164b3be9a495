"""Lesion rows at the time points that are judged: segment, order, the cell that counts, and whether it can be trusted."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from cdiscx.model.spec import Study
from cdiscx.registry import view

SEGMENT = ("SUBJID", "EVAL", "BASETYPE")
POINT = (*SEGMENT, "TP")
_REMOVED = r"(?i)resect|removed|hepatectom|切除"
_STATED = pl.col("TRSTATUS") == "NOT EVALUABLE"


def judged_points(assessments: pl.LazyFrame) -> pl.LazyFrame:
    """The time points that enter the response tables: baselines and what follows them."""
    return assessments.filter(pl.col("ROLE") != "PRIOR", pl.col("TP") >= 0)


def awaiting_baseline() -> pl.Expr:
    """Time points between the operation and the post-operative baseline: only a new lesion can be told there (trial-a 7)."""
    return (pl.col("ROLE") == "PRIOR") & (pl.col("BASETYPE") == "POST-OPERATIVE")


def resected(tables: Mapping[str, pl.LazyFrame]) -> pl.LazyFrame:
    """SUBJID, LESID, OPDAT, OPRID of the lesions that an operation is said to have taken away (the first that names it)."""
    shape = {"SUBJID": pl.String, "LESID": pl.String, "OPDAT": pl.Date, "OPRID": pl.UInt32}
    if "procedures" not in tables or "RESLES" not in tables["procedures"].collect_schema().names():
        return pl.LazyFrame(schema=shape)
    listed = tables["procedures"].select("SUBJID", LESID="RESLES", OPDAT="PRSTDAT", OPRID="_rid")
    named = listed.explode("LESID", empty_as_null=True).drop_nulls(["SUBJID", "LESID"])
    first = named.sort("OPDAT", "OPRID", nulls_last=True)
    return first.unique(["SUBJID", "LESID"], keep="first", maintain_order=True)


@view(
    "judged_lesions",
    of=("lesions", "assessments", "procedures.RESLES", "procedures.PRSTDAT"),
    requires=("targets", "subjects"),
)
def judged_lesions(study: Study, tables: Mapping[str, pl.LazyFrame]) -> pl.LazyFrame:
    """One row per lesion row at a judged time point: the columns of `lesions` and BASETYPE, TP, PT, SEG, ROLE, DAT of the point.

    CELL: house column of the cell that counts. STATED: said to be not evaluable, without a number. UNDATED: said to be
    resected while no operation is dated before (it is not STATED then). DOUBT: the row does
    not say what it should (no value and not stated so, read twice with different values, impossible numbers); checks of
    lesions speak of it, so responses are not judged by it. After surgery also: not evaluable without a reason, while no
    operation of the subject names a lesion, so that nobody can tell whether it was taken out. Lesions that were resected are not of the post-operative
    set: those that the operation lists, and those whose post-operative row says so (R11-C-8, trial-a 7). New lesions
    that were seen between the operation and the post-operative baseline are among the rows (TP below 0): they need no
    baseline.
    """
    points = tables["assessments"].select("SUBJID", "EVAL", "VISIT", "BASETYPE", "TP", "PT", "SEG", "ROLE", "DAT")
    points = points.filter(((pl.col("ROLE") != "PRIOR") & (pl.col("TP") >= 0)) | awaiting_baseline())
    rows = tables["lesions"].join(points, on=["SUBJID", "EVAL", "VISIT"], how="inner")
    rows = rows.filter(~awaiting_baseline() | (pl.col("CLASS") == "NEW"))
    gone = resected(tables).select("SUBJID", "LESID", _gone=pl.lit(True))
    marked = rows.join(gone, on=["SUBJID", "LESID"], how="left").join(
        gone.rename({"LESID": "PARENT", "_gone": "_parent"}), on=["SUBJID", "PARENT"], how="left"
    )
    said = (_STATED & pl.col("TRREAS").str.contains(_REMOVED)).fill_null(False)
    removed = pl.col("_gone").fill_null(False) | pl.col("_parent").fill_null(False) | said
    # what went with the operation stays out from then on, whatever a later row says (MEA-025 speaks of it)
    after = pl.col("BASETYPE") == "POST-OPERATIVE"
    out = marked.filter(after & removed).select("SEG", "LESID").unique()
    kept = marked.join(out, on=["SEG", "LESID"], how="anti", nulls_equal=True)
    # gone, but no day of an operation is known to be before: END-004 and DAT-003 ask for it
    undated = kept.with_columns(UNDATED=~after & removed & _STATED.fill_null(False))
    named = gone.select("SUBJID", _named=pl.lit(True)).unique()
    # a lesion that was read after surgery was not taken out
    there = undated.filter(after & _present())
    read = there.select("SEG", "LESID", _read=pl.lit(True)).unique()
    untold = (
        undated.join(named, on="SUBJID", how="left")
        .join(read, on=["SEG", "LESID"], how="left", nulls_equal=True)
        .with_columns(
            _untold=after
            & _STATED.fill_null(False)
            & pl.col("TRREAS").is_null()
            & pl.col("_named").is_null()
            & pl.col("_read").is_null()
        )
    )
    return _trusted(_with_cell(untold.drop("_gone", "_parent", "_named", "_read"), study), study)


def _present() -> pl.Expr:
    """Rows that say of a lesion that it is there: a size, or a word for it other than absent or not evaluable."""
    sizes = pl.any_horizontal((pl.col(c) > 0).fill_null(False) for c in ("LDIAM", "SAXIS", "VDIAM"))
    return sizes | ~pl.col("TRSTATUS").fill_null("ABSENT").is_in(["ABSENT", "NOT EVALUABLE"])


def _with_cell(rows: pl.LazyFrame, study: Study) -> pl.LazyFrame:
    mrecist = study.criterion is not None and study.criterion.name == "MRECIST"
    viable = pl.col("LIVER") & pl.lit(mrecist)
    number = pl.when(viable).then("VDIAM").when("NODAL").then("SAXIS").otherwise("LDIAM")
    column = pl.when(viable).then(pl.lit("VDIAM")).when("NODAL").then(pl.lit("SAXIS")).otherwise(pl.lit("LDIAM"))
    return rows.with_columns(
        CELL=pl.when(pl.col("CLASS") == "NEW")
        .then(pl.lit("CERTAIN"))
        .when((pl.col("CLASS") == "NON-TARGET") | number.is_null())
        .then(pl.lit("TRSTATUS"))
        .otherwise(column),
        STATED=(_STATED & number.is_null() & ~pl.col("UNDATED")).fill_null(False),
    )


def _trusted(rows: pl.LazyFrame, study: Study) -> pl.LazyFrame:
    target = pl.col("CLASS") == "TARGET"
    largest = study.parameters.get("implausible_mm", 300)
    long_axis = pl.col("LDIAM")
    impossible = (
        (pl.col("SAXIS") > long_axis).fill_null(False)
        | (pl.col("VDIAM") > long_axis).fill_null(False)
        | pl.any_horizontal(
            ((pl.col(c) < 0) | (pl.col(c) > largest)).fill_null(False) for c in ("LDIAM", "SAXIS", "VDIAM")
        )
    )
    unsaid = pl.col("VALUE").is_null() & ~pl.col("STATED")
    lesion = ("PT", "CLASS", "LESID")
    # few rows have a fellow: only these are compared
    fellows = rows.group_by(lesion).agg(_n=pl.len()).filter(pl.col("_n") > 1).select(lesion)
    read = rows.join(fellows, on=lesion, how="semi", nulls_equal=True).group_by(lesion)
    differing = read.agg(pl.col("VALUE", "TRSTATUS").n_unique()).filter(
        (pl.col("VALUE") > 1) | (pl.col("TRSTATUS") > 1)
    )
    rows = rows.join(
        differing.select(*lesion, _twice=pl.lit(True)), on=lesion, how="left", nulls_equal=True, maintain_order="left"
    )
    twice = pl.col("_twice").fill_null(False)
    other = (pl.col("CLASS") == "NON-TARGET") & pl.col("TRSTATUS").is_null()
    return rows.with_columns(
        DOUBT=(target & (impossible | unsaid))
        | other
        | (twice & (pl.col("CLASS") != "NEW"))
        | (pl.col("_untold") & pl.col("STATED"))
    ).drop("_twice", "_untold")
