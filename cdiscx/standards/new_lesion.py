"""New lesions, reading by reading: is it one by now, by which rule, and from which date on."""

import polars as pl

from cdiscx.standards.criterion import Criterion
from cdiscx.standards.exact import nanometres, threshold_nm

_LESION = ("SUBJID", "EVAL", "LESION")
_OPTIONAL = ("PORTA", "NOT_IMAGED_AT_BASELINE", "RECURRED_IN_BED")

_PRIVATE = (
    "_NM", "_CERTAINTY", "_NODULE", "_SMALLEST_BEFORE", "_OWN", "_RULE", "_NEWRULE", "_FIRST", "_CONFIRMED",
)  # fmt: skip

Rule = tuple[str, pl.Expr, bool]


def _general_rules(c: Criterion) -> list[Rule]:
    """R11-L: the reader's certainty decides, and a node must also have the size."""
    size, before = pl.col("_NM"), pl.col("_SMALLEST_BEFORE")
    doubtful, certain = (
        pl.col("_CERTAINTY") == "EQUIVOCAL",
        pl.col("_CERTAINTY") == "UNEQUIVOCAL",
    )
    large = size >= pl.when("PORTA").then(threshold_nm(c.new_porta_hepatis_mm)).otherwise(threshold_nm(c.new_node_mm))
    was_normal = before < threshold_nm(c.node_normal_mm)
    grown = (size >= threshold_nm(c.new_node_growing_mm)) & (size - before >= threshold_nm(c.new_node_growth_mm))
    # A porta hepatis node below its own limit is no lesion in mRECIST, however much it grew (MR-M-6).
    grown = grown & was_normal & ~(pl.col("PORTA") & pl.lit(c.is_mrecist))
    big_enough = large | grown.fill_null(False)
    return [
        ("R11-L-2", doubtful, False),
        ("R11-L-4", pl.col("NODAL") & ~big_enough, False),
        ("R11-L-4", pl.col("NODAL") & big_enough & certain, True),
        ("R11-L-3", pl.col("NOT_IMAGED_AT_BASELINE") & certain, True),
        ("R11-L-5", pl.col("RECURRED_IN_BED") & certain, True),
        ("R11-L-1", certain, True),
    ]


def _nodule_rules(c: Criterion) -> list[Rule]:
    """MR-L-1 to MR-L-3: for a liver nodule size, pattern and growth outrank the reader's certainty."""
    size, typical = pl.col("_NM"), pl.col("TYPICAL")
    nodule = pl.col("_NODULE")
    small = size < threshold_nm(c.new_nodule_mm)
    grown = size - pl.col("_SMALLEST_BEFORE") >= threshold_nm(c.new_nodule_growth_mm)
    return [
        ("MR-L-3", nodule & small, False),
        ("MR-L-1", nodule & ~small & typical, True),
        ("MR-L-2", nodule & grown, True),
        ("MR-L-2", nodule & ~typical, False),
    ]


def _prepared(new: pl.LazyFrame, c: Criterion) -> pl.LazyFrame:
    names = new.collect_schema().names()
    absent = [pl.lit(False).alias(name) for name in _OPTIONAL if name not in names]
    in_liver = pl.col("ORGAN").str.strip_chars().str.to_uppercase() == "LIVER"
    return (
        new.with_columns(absent)
        .with_columns(
            nanometres(pl.col("DIAMETER")).alias("_NM"),
            pl.col("CERTAINTY").str.strip_chars().str.to_uppercase().alias("_CERTAINTY"),
            pl.col("NODAL", *_OPTIONAL).fill_null(False),
            (in_liver & ~pl.col("NODAL") & pl.lit(c.is_mrecist)).fill_null(False).alias("_NODULE"),
        )
        .sort(*_LESION, "DATE", "TP", "RID", nulls_last=True)
        .with_columns(pl.col("_NM").cum_min().forward_fill().shift(1).over(_LESION).alias("_SMALLEST_BEFORE"))
    )


def new_lesion_status(new: pl.LazyFrame, c: Criterion) -> pl.LazyFrame:
    """Status of every reading of every new lesion (R11-L-*, MR-L-*): columns added to `new`.

    `new`, one row a reading: SUBJID, EVAL, LESION, DATE, TP, CERTAINTY (UNEQUIVOCAL, EQUIVOCAL), DIAMETER
    (mm, short axis of a node), ORGAN, NODAL, TYPICAL (enhancement with wash-out; null = not stated), RID;
    optionally the booleans PORTA, NOT_IMAGED_AT_BASELINE, RECURRED_IN_BED. Rows come back by lesion and date.

    Adds NEWL (null where certainty is blank and no size rule decides), NEWRULE, CONFIRMED_FROM and
    CONFIRMRULE: where a lesion becomes new after doubtful readings, the date of its first one. Progression is
    dated there; the NEWL of the earlier rows, and so the response of their time points, stays. Once new, a
    lesion stays new.
    """
    rules = [*(_nodule_rules(c) if c.is_mrecist else []), *_general_rules(c)]
    status: pl.Expr = pl.lit(None, dtype=pl.Boolean)
    rule_id: pl.Expr = pl.lit(None, dtype=pl.String)
    for row_id, condition, verdict in reversed(rules):
        status = pl.when(condition).then(pl.lit(verdict)).otherwise(status)
        rule_id = pl.when(condition).then(pl.lit(row_id)).otherwise(rule_id)
    judged = _prepared(new, c).with_columns(status.alias("_OWN"), rule_id.alias("_RULE"))
    own = pl.col("_OWN").fill_null(False)
    known = judged.with_columns(
        pl.when(own).then("_RULE").forward_fill().over(_LESION).alias("_NEWRULE"),
        pl.col("DATE").min().over(_LESION).alias("_FIRST"),
        pl.when(own).then("DATE").min().over(_LESION).alias("_CONFIRMED"),
    )
    is_new = pl.col("_NEWRULE").is_not_null()
    dated_back = is_new & (pl.col("_FIRST") < pl.col("_CONFIRMED"))
    back_rule = pl.when("_NODULE").then(pl.lit("MR-L-4")).otherwise(pl.lit("R11-L-2"))
    return known.with_columns(
        pl.when(is_new).then(True).otherwise("_OWN").alias("NEWL"),
        pl.when(own).then("_RULE").otherwise(pl.coalesce("_NEWRULE", "_RULE")).alias("NEWRULE"),
        pl.when(dated_back).then("_FIRST").alias("CONFIRMED_FROM"),
        pl.when(dated_back).then(back_rule).alias("CONFIRMRULE"),
    ).drop(*_PRIVATE, *(name for name in _OPTIONAL if name not in new.collect_schema().names()))
