"""Target response at every time point: readings of target lesions in, response, rule id, sums and nadir out.

The criterion and the neighbouring tables (non-target, new lesions) are handed on from here, so that
`cdiscx.standards.recist` is the one name to import.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from cdiscx.standards.criterion import MRECIST, RECIST11, Criterion, criterion
from cdiscx.standards.exact import divided, millimetres, threshold_nm
from cdiscx.standards.new_lesion import new_lesion_status
from cdiscx.standards.nontarget import nontarget_response
from cdiscx.standards.target_sum import SEGMENT, sums_by_timepoint

__all__ = [
    "MRECIST",
    "RECIST11",
    "Criterion",
    "TargetRule",
    "criterion",
    "new_lesion_status",
    "nontarget_response",
    "target_response",
    "target_rules",
]


@dataclass(frozen=True, slots=True)
class TargetRule:
    """One row of table 1.4 or 3.2: the first row whose condition holds decides."""

    id: str
    condition: pl.Expr
    response: str | None


def _grown(total: pl.Expr, c: Criterion) -> pl.Expr:
    """At least `pd_rel` times the nadir and `pd_abs_mm` above it; no increase is never progression."""
    nadir = pl.col("_NADIR")
    relative = total * c.pd_rel.denominator >= nadir * c.pd_rel.numerator
    return relative & (total - nadir >= max(threshold_nm(c.pd_abs_mm), 1))


def _shrunk(c: Criterion) -> pl.Expr:
    fall = pl.col("_BASE") - pl.col("_SUM")
    return fall * c.pr_rel.denominator >= pl.col("_BASE") * c.pr_rel.numerator


def target_rules(c: Criterion) -> tuple[TargetRule, ...]:
    """The target table of a criterion in its order: RECIST 1.1 section 1.4, mRECIST section 3.2.

    The conditions read the private columns of `target_response`; sums are nanometres.
    """
    nadir, total = pl.col("_NADIR"), pl.col("_SUM")
    missing = pl.col("N_MISSING") > 0
    reappeared = pl.col("PRIOR_CR") & pl.col("_BACK")
    no_targets = TargetRule("R11-T-NA-1", pl.col("N_EXPECTED") == 0, None)
    if c.is_mrecist:
        # A nadir of 0 needs no row of its own: after target CR any reappearance is MR-T-PD-2, and where the
        # baseline itself was 0 every increase satisfies MR-T-PD-1.
        return (
            no_targets,
            TargetRule("MR-T-PD-3", missing & _grown(pl.col("_PART"), c), "PD"),
            TargetRule("MR-T-NE-1", missing, "NE"),
            TargetRule("MR-T-CR-1", pl.col("_GONE"), "CR"),
            TargetRule("MR-T-PD-2", reappeared, "PD"),
            TargetRule("MR-T-PD-1", _grown(total, c), "PD"),
            TargetRule("MR-T-NE-1", pl.col("_BASE").is_null(), "NE"),
            TargetRule("MR-T-PR-1", _shrunk(c), "PR"),
            TargetRule("MR-T-SD-1", pl.lit(True), "SD"),
        )
    return (
        no_targets,
        TargetRule("R11-T-PD-2", missing & _grown(pl.col("_PART"), c), "PD"),
        TargetRule("R11-T-NE-1", missing, "NE"),
        TargetRule("R11-T-CR-1", pl.col("_GONE"), "CR"),
        TargetRule("R11-T-PD-3", reappeared, "PD"),
        TargetRule("R11-T-PD-1", (nadir > 0) & _grown(total, c), "PD"),
        TargetRule("R11-T-PD-4", (nadir == 0) & _grown(total, c), "PD"),
        # A target without a baseline value: neither PR nor SD can be told, CR and PD can.
        TargetRule("R11-T-NE-1", pl.col("_BASE").is_null(), "NE"),
        TargetRule("R11-T-PR-1", _shrunk(c), "PR"),
        TargetRule("R11-T-SD-1", pl.lit(True), "SD"),
    )


def _first_match(rules: Sequence[TargetRule]) -> tuple[pl.Expr, pl.Expr]:
    """(response, rule id) of the first rule that holds; both null at baseline."""
    response, rule_id = pl.lit(None, dtype=pl.String), pl.lit(None, dtype=pl.String)
    for rule in reversed(rules):
        response = pl.when(rule.condition).then(pl.lit(rule.response, dtype=pl.String)).otherwise(response)
        rule_id = pl.when(rule.condition).then(pl.lit(rule.id)).otherwise(rule_id)
    later = pl.col("TP") > 0
    return pl.when(later).then(response), pl.when(later).then(rule_id)


def _with_history(sums: pl.LazyFrame) -> pl.LazyFrame:
    """Add baseline sum, nadir before each time point, where it was, and whether a target CR came before."""
    later = pl.col("TP") > 0
    total = pl.when((pl.col("N_MISSING") == 0) & (pl.col("N_EXPECTED") > 0)).then("_PART")
    ordered = sums.sort("_seg", "TP").with_columns(total.alias("_SUM"))
    lowest = pl.col("_SUM").cum_min().forward_fill().shift(1).over("_seg")
    complete_cr = (later & pl.col("_GONE") & pl.col("_SUM").is_not_null()).cast(pl.Int8)
    first = ordered.with_columns(
        pl.when(pl.col("TP") == 0).then("_SUM").max().over("_seg").alias("_BASE"),
        lowest.alias("_NADIR"),
        (complete_cr.cum_max().shift(1, fill_value=0).over("_seg") == 1).alias("PRIOR_CR"),
    )
    sets_nadir = pl.col("_SUM") < pl.col("_NADIR").fill_null(pl.lit(2**62))
    where = pl.when(sets_nadir).then("TP").forward_fill().shift(1).over("_seg")
    return first.with_columns(where.alias("NADIR_TP"))


def target_response(values: pl.LazyFrame, c: Criterion, timepoints: pl.LazyFrame | None = None) -> pl.LazyFrame:
    """Target response of every time point by the table of `c` (R11-T-*, MR-T-*), with all its operands.

    `values`, one row a reading: SUBJID, EVAL, BASETYPE (a segment with its own baseline), TP (order in the
    segment, 0 = baseline), LESION, NODAL, PORTA, VALUE (mm or null), RID (source row), optionally PARENT (a
    split part). `timepoints` (SUBJID, EVAL, BASETYPE, TP) adds time points at which no target was read. The
    lesions of TP 0 are expected at every later time point; a part replaces its parent, and once seen is
    expected like a lesion.

    Returns one row a time point: TRGRESP (null at baseline and without targets), TRGRULE, SUM (mm, null
    unless every target has a value), PSUM (what was measured), BASE, NADIR (smallest SUM before, baseline
    included), NADIR_TP (the first time point that reached it), CHG, PCHG, CHGNAD, PCHGNAD (percent; null at a
    baseline or nadir of 0), N_EXPECTED, N_MISSING, MISSING, EXTRA (read, but not of the baseline set: never
    counted, R11-S-5), RIDS (rows of this time point; join on TP 0 and NADIR_TP for the others), PRIOR_CR.
    Decisions compare whole nanometres.
    """
    response, rule_id = _first_match(target_rules(c))
    history = _with_history(sums_by_timepoint(values, c, timepoints))
    total, base, nadir = pl.col("_SUM"), pl.col("_BASE"), pl.col("_NADIR")
    later = pl.col("TP") > 0
    return history.with_columns(
        response.alias("TRGRESP"),
        rule_id.alias("TRGRULE"),
        millimetres(total).alias("SUM"),
        millimetres(pl.col("_PART")).alias("PSUM"),
        millimetres(base).alias("BASE"),
        millimetres(nadir).alias("NADIR"),
        pl.when(later).then(millimetres(total - base)).alias("CHG"),
        pl.when(later & (base > 0)).then(divided(100 * (total - base), base)).alias("PCHG"),
        millimetres(total - nadir).alias("CHGNAD"),
        pl.when(nadir > 0).then(divided(100 * (total - nadir), nadir)).alias("PCHGNAD"),
    ).select(
        *SEGMENT, "TP", "TRGRESP", "TRGRULE", "SUM", "PSUM", "BASE", "NADIR", "NADIR_TP", "CHG", "PCHG",
        "CHGNAD", "PCHGNAD", "N_EXPECTED", "N_MISSING", "MISSING", "EXTRA", "RIDS", "PRIOR_CR",
    )  # fmt: skip
