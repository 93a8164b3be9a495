"""Sums of diameters of the site against its lesions (MEA-007), small absolute growth (MEA-023)."""

from __future__ import annotations

import polars as pl

from cdiscx.checks._arithmetic import change_said, lesions_said, listed, number_said, percent_said, with_target_cells
from cdiscx.model.spec import Study
from cdiscx.registry import check
from cdiscx.views.timepoints import criterion_of

_KEY = ("SEG", "TP")


def off_by(value: pl.Expr, other: pl.Expr) -> pl.Expr:
    """Distance of two typed numbers, free of binary dust, so that a limit is met exactly."""
    return (value - other).abs().round(6)


def first_cause(causes: list[tuple[pl.Expr, pl.Expr]]) -> pl.Expr:
    """The text of the first cause whose condition holds; empty where none does."""
    chain: pl.Expr = pl.lit("")
    for holds, text in reversed(causes):
        chain = pl.when(holds.fill_null(False)).then(text).otherwise(chain)
    return chain


def _of_targets(judged_lesions: pl.LazyFrame, study: Study) -> pl.LazyFrame:
    """Per time point what mistaken sums would be made of."""
    rows = judged_lesions.filter(pl.col("CLASS") == "TARGET")
    value = pl.col("VALUE")
    small = pl.col("NODAL") & (value < criterion_of(study).node_normal_mm)
    long_axis = pl.when("NODAL").then(pl.col("LDIAM").fill_null(value)).otherwise(value)
    return rows.group_by(_KEY).agg(
        _nodes=value.filter(small).sum(),
        _small=value.filter(pl.col("TRSTATUS") == "TOO SMALL").sum(),
        _sizes=pl.col("SIZE").sum(),
        _long=long_axis.sum(),
    )


def _one_lesion(bad: pl.LazyFrame, judged_lesions: pl.LazyFrame, tolerance: float) -> pl.LazyFrame:
    """RSRID, _left, _twice, _ten: the target whose value alone explains the difference (left out, twice, in another unit)."""
    rows = judged_lesions.filter(pl.col("CLASS") == "TARGET", pl.col("VALUE") > 0).select(*_KEY, "LESID", "VALUE")
    pairs = bad.select(*_KEY, "RSRID", "SUMDIAM", "SUM").join(rows, on=_KEY)
    left = off_by(pl.col("SUM") - pl.col("VALUE"), pl.col("SUMDIAM")) <= tolerance
    twice = off_by(pl.col("SUM") + pl.col("VALUE"), pl.col("SUMDIAM")) <= tolerance
    tens = [
        off_by(pl.col("SUM") - pl.col("VALUE") + pl.col("VALUE") * f, pl.col("SUMDIAM")) <= tolerance for f in (10, 0.1)
    ]
    return (
        pairs.sort("LESID")
        .group_by("RSRID")
        .agg(
            _left=pl.col("LESID").filter(left).first(),
            _twice=pl.col("LESID").filter(twice).first(),
            _ten=pl.col("LESID").filter(tens[0] | tens[1]).first(),
        )
    )


def _why_different(tolerance: float) -> pl.Expr:
    site, total = pl.col("SUMDIAM"), pl.col("SUM")

    def same(value: pl.Expr) -> pl.Expr:
        return off_by(value, site) <= tolerance

    said = pl.lit
    return first_cause(
        [
            ((pl.col("_small") > 0) & same(total - pl.col("_small")), said(" The site seems to have counted 0 for lesions too small to measure (R11-C-4: 5 mm).")),
            ((pl.col("_nodes") > 0) & same(total - pl.col("_nodes")), said(" The site seems to have left out nodes below 10 mm; they stay in the sum (R11-C-2).")),
            (pl.col("_left").is_not_null(), said(" The site seems to have left out ") + pl.col("_left") + said(".")),
            ((pl.col("_sizes") != total) & same(pl.col("_sizes")), said(" The site seems to have added the whole diameters instead of the viable ones.")),
            ((pl.col("_long") != total) & same(pl.col("_long")), said(" The site seems to have added the long axis of a node (R11-C-2: short axis).")),
            (off_by(site * 10, total) <= tolerance, said(" The site seems to have written the sum in cm.")),
            (pl.col("_ten").is_not_null(), said(" The unit of ") + pl.col("_ten") + said(" (mm or cm) would explain it.")),
            (same(pl.col("_before")), said(" This is the sum of the visit before.")),
            (same(pl.col("BASE")), said(" This is the sum at baseline.")),
            (pl.col("_twice").is_not_null(), said(" The site seems to have counted ") + pl.col("_twice") + said(" twice.")),
        ]
    )  # fmt: skip


def _typed_sums(responses: pl.LazyFrame, timepoints: pl.LazyFrame) -> pl.LazyFrame:
    """Time points with the site's sum; what other checks question is left out."""
    site = responses.select(RSRID="_rid", SUMDIAM="SUMDIAM")
    before = timepoints.select("SEG", TP=pl.col("TP") + 1, _before="SUM")
    rows = timepoints.join(site, on="RSRID", how="inner").join(before, on=["SEG", "TP"], how="left")
    return rows.filter(
        pl.col("SUMDIAM").is_not_null(),
        pl.col("N_EXPECTED") > 0,
        pl.col("DOUBTFUL").list.len() == 0,
        ~pl.col("BASE_DOUBT") | (pl.col("TP") == 0),
    )


@check("MEA-007", on="responses", columns=("SUMDIAM",), needs=("timepoints", "judged_lesions"))
def sum_disagrees_with_the_lesions(
    study: Study, responses: pl.LazyFrame, timepoints: pl.LazyFrame, judged_lesions: pl.LazyFrame
) -> pl.LazyFrame:
    """{VISIT}: the site's sum is {SUMDIAM} mm, its lesions add up to {SUM} mm ({DETAIL}).{cause}

    Why: the response rests on the sum; site and lesions must tell the same.
    Fix: ask the site which is right, the sum or one of the diameters, and to correct it; percentages and responses follow.
    Rule: R11-C-1 to R11-C-6, catalogue MEA-007
    """
    tolerance = study.p("sum_tolerance_mm")
    bad = _typed_sums(responses, timepoints).filter(off_by(pl.col("SUMDIAM"), pl.col("SUM")) > tolerance)
    own = judged_lesions.join(bad.select(_KEY), on=_KEY, how="semi")
    told = (
        bad.join(_of_targets(own, study), on=_KEY, how="left")
        .join(_one_lesion(bad, own, tolerance), on="RSRID", how="left")
        .join(lesions_said(own), on=_KEY, how="left")
        .with_columns(_rid="RSRID", cause=_why_different(tolerance), _expected=number_said("SUM"))
    )
    here = told.with_columns(NADIR_TP=pl.col("TP").cast(pl.Int32))  # neither baseline nor nadir matters for a sum
    found = with_target_cells(here, own)
    return found.select("SUBJID", "_rid", "VISIT", "SUMDIAM", "SUM", "DETAIL", "cause", "_expected", "_related")


@check("MEA-007", on="responses", columns=("SUMDIAM",), needs=("timepoints", "judged_lesions"))
def sum_without_all_lesions(
    responses: pl.LazyFrame, timepoints: pl.LazyFrame, judged_lesions: pl.LazyFrame
) -> pl.LazyFrame:
    """{VISIT}: the site's sum is {SUMDIAM} mm, but {gone} {verb} not evaluable; there is no sum at this visit.{part}

    Why: a sum of some of the targets looks like shrinkage; only progression can be told from a part (R11-T-PD-2).
    Fix: ask the site for the missing value, or to take the sum and its percentages out.
    Rule: R11-C-7, R11-T-NE-1, catalogue MEA-007
    """
    bad = _typed_sums(responses, timepoints).filter(pl.col("N_MISSING") > 0)
    own = judged_lesions.join(bad.select(_KEY), on=_KEY, how="semi")
    number = (
        pl.lit(" The other targets measure ") + number_said("PSUM") + pl.lit(" mm (") + pl.col("DETAIL") + pl.lit(").")
    )
    told = bad.join(lesions_said(own), on=_KEY, how="left").with_columns(
        _rid="RSRID",
        gone=listed("MISSING"),
        verb=pl.when(pl.col("MISSING").list.len() > 1).then(pl.lit("are")).otherwise(pl.lit("is")),
        part=pl.when(number.is_not_null()).then(number).otherwise(pl.lit("")),
        _expected=pl.lit("blank"),
        NADIR_TP=pl.col("TP").cast(pl.Int32),
    )
    found = with_target_cells(told, own)
    return found.select("SUBJID", "_rid", "VISIT", "SUMDIAM", "gone", "verb", "part", "_expected", "_related")


@check("MEA-023", on="responses", columns=("SUMDIAM",), needs=("timepoints", "judged_lesions", "targets.VDIAM"))
def progression_by_few_millimetres(
    study: Study, timepoints: pl.LazyFrame, judged_lesions: pl.LazyFrame
) -> pl.LazyFrame:
    """PD on {DAT} ({VISIT}): {pct} above the nadir but only {mm} (sum {SUM} mm, nadir {NADIR} mm at {NADIR_VISIT}).

    Why: mRECIST states no least increase; many charters ask for 5 mm, and below that reading error may explain the growth.
    Fix: nothing to correct; look at the measurements again before the progression is acted on.
    Rule: MR-T-PD-1, parameter mrecist_small_pd_mm
    """
    small = timepoints.filter(
        pl.col("DTRGRULE") == "MR-T-PD-1",
        pl.col("CHGNAD") < study.p("mrecist_small_pd_mm"),
        pl.col("RSRID").is_not_null(),
        pl.col("DOUBTFUL").list.len() == 0,
        ~pl.col("BASE_DOUBT"),
    )
    told = small.with_columns(_rid="RSRID", pct=percent_said("PCHGNAD"), mm=change_said("CHGNAD"))
    return with_target_cells(told, judged_lesions).select(
        "SUBJID", "_rid", "VISIT", "DAT", "pct", "mm", "SUM", "NADIR", "NADIR_VISIT", "_related"
    )
