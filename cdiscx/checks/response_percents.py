"""The site's percent changes from baseline and from nadir against its lesions (MEA-012)."""

from __future__ import annotations

import polars as pl

from cdiscx.checks._arithmetic import number_said, operands_said, percent_said, with_target_cells
from cdiscx.checks.response_sums import first_cause, off_by
from cdiscx.model.spec import Study
from cdiscx.registry import check
from cdiscx.standards.exact import divided

_WHO = ("SUBJID", "EVAL")


def _percent(now: pl.Expr, reference: pl.Expr) -> pl.Expr:
    return pl.when(reference > 0).then(divided(100 * (now - reference), reference))


def _typed(responses: pl.LazyFrame, timepoints: pl.LazyFrame) -> pl.LazyFrame:
    """Time points with derived sums, the site's numbers, and the references that sites take by mistake.

    OWN, OWN_BASE and OWN_NADIR are the site's own sums: a percentage that follows from a wrong sum is no mistake of its
    own, MEA-007 has named the sum.
    """
    has = responses.collect_schema().names()
    none = pl.lit(None, dtype=pl.Float64)
    numbers = {name: pl.col(name) if name in has else none for name in ("SUMDIAM", "PCBSD", "PCNSD")}
    site = responses.select(RSRID="_rid", **numbers)
    before = timepoints.filter(pl.col("BASETYPE") == "PRE-TREATMENT", pl.col("TP") == 0).select(*_WHO, _first="SUM")
    rows = timepoints.join(site, on="RSRID", how="left").join(before, on=_WHO, how="left").sort("SEG", "TP")
    own = pl.coalesce("SUMDIAM", "SUM")
    rows = rows.with_columns(
        OWN=own,
        OWN_BASE=pl.when(pl.col("TP") == 0).then(own).max().over("SEG"),
        OWN_NADIR=own.cum_min().forward_fill().shift(1).over("SEG"),
        LAST=pl.col("SUM").forward_fill().shift(1).over("SEG"),
        _part=pl.coalesce("SUM", "PSUM").cum_min().forward_fill().shift(1).over("SEG"),
    )
    return rows.filter(
        pl.col("TP") > 0,
        pl.col("RSRID").is_not_null(),
        pl.col("SUM").is_not_null(),
        ~pl.col("BASE_DOUBT"),
        pl.col("DOUBTFUL").list.len() == 0,
    )


def _same(value: pl.Expr, site: pl.Expr, tolerance: float) -> pl.Expr:
    return (off_by(value, site) <= tolerance).fill_null(False)


def _ways(derived: pl.Expr, site: pl.Expr, tolerance: float) -> list[tuple[pl.Expr, pl.Expr]]:
    """Mistakes of writing that both columns share."""
    return [
        (_same(-derived, site, tolerance), pl.lit(" The sign is the wrong way round: shrinkage is negative.")),
        (_same(derived / 100, site, 0.006), pl.lit(" It is written as a fraction instead of percent.")),
        (_same(100 + derived, site, tolerance), pl.lit(" It is what remains of the reference, not the change.")),
    ]


def _once(found: pl.LazyFrame, derived: str, site: str, tolerance: float) -> pl.LazyFrame:
    """Later visits whose percentage rests on the same wrong reference as the first one are listed there, not reported again."""
    reference = pl.col("SUM") / (1 + pl.col(site) / 100)
    first = reference.first().over("SEG")
    follows = _same(_percent(pl.col("SUM"), first), pl.col(site), tolerance) & (first > 0).fill_null(False)
    sure = off_by(reference, first) <= 0.01 * first
    number = pl.int_range(pl.len()).over("SEG")
    marked = found.sort("SEG", "TP").with_columns(_ref=reference, _again=(number > 0) & follows & sure.fill_null(False))
    visits = pl.col("VISIT").filter("_again").implode().over("SEG").list.join(", ")
    more = pl.when(pl.col("_again").any().over("SEG")).then(
        pl.lit(" The percentages at ") + visits + pl.lit(" rest on the same reference.")
    )
    return marked.with_columns(more=more.otherwise(pl.lit(""))).filter(~pl.col("_again"))


@check(
    "MEA-012",
    on="responses",
    columns=("PCBSD",),
    needs=("timepoints", "judged_lesions"),
    uses=("responses.SUMDIAM", "responses.PCNSD"),
)
def percent_from_baseline_differs(
    study: Study, responses: pl.LazyFrame, timepoints: pl.LazyFrame, judged_lesions: pl.LazyFrame
) -> pl.LazyFrame:
    """{VISIT}: Percent from Baseline is {PCBSD} %, the lesions give {calc} ({operands}).{cause}{more}

    Why: response and waterfall rest on the change from the right baseline.
    Fix: ask the site to correct the percentage, or the measurement it was made from.
    Rule: R11-T-PR-1, MR-T-PR-1; after surgery against the post-operative baseline (trial-a 7); catalogue MEA-012
    """
    tolerance = study.p("percent_tolerance_pp")
    site, derived, total = pl.col("PCBSD"), pl.col("PCHG"), pl.col("SUM")
    rows = _typed(responses, timepoints)
    follows = _same(_percent(pl.col("OWN"), pl.col("OWN_BASE")), site, tolerance)
    bad = rows.filter(off_by(site, derived) > tolerance, ~follows)
    causes = [
        (_same(_percent(total, pl.col("_first")), site, tolerance) & (pl.col("BASETYPE") == "POST-OPERATIVE"),
         pl.lit(" The site seems to have used the baseline before treatment; after surgery the post-operative scan is the baseline.")),
        *_ways(derived, site, tolerance),
        (_same(pl.col("PCHGNAD"), site, tolerance), pl.lit(" This is the change from the nadir.")),
        (_same(_percent(total, pl.col("LAST")), site, tolerance), pl.lit(" The site seems to have used the visit before as baseline.")),
    ]  # fmt: skip
    wrong = (
        pl.lit(" The site seems to have used a baseline of ") + number_said(total / (1 + site / 100)) + pl.lit(" mm.")
    )
    plausible = (site > -100) & (off_by(site, derived) < 1000)
    told = bad.with_columns(
        cause=first_cause([*causes, (plausible, wrong)]), calc=percent_said("PCHG"), operands=operands_said()
    )
    once = _once(told, "PCHG", "PCBSD", tolerance).with_columns(_rid="RSRID", _expected=percent_said("PCHG"))
    return with_target_cells(once, judged_lesions).select(
        "SUBJID", "_rid", "VISIT", "PCBSD", "calc", "operands", "cause", "more", "_expected", "_related"
    )


@check(
    "MEA-012",
    on="responses",
    columns=("PCNSD",),
    needs=("timepoints", "judged_lesions"),
    uses=("responses.SUMDIAM", "responses.PCBSD"),
)
def percent_from_nadir_differs(
    study: Study, responses: pl.LazyFrame, timepoints: pl.LazyFrame, judged_lesions: pl.LazyFrame
) -> pl.LazyFrame:
    """{VISIT}: Percent from Nadir is {PCNSD} %{implied}; the lesions give {calc} ({operands}).{cause}{more}

    Why: progression is judged from the smallest sum before this visit, baseline included.
    Fix: ask the site to correct the percentage; the nadir is the smallest complete sum of the earlier visits.
    Rule: R11-T-PD-1, MR-T-PD-1, response-criteria 1.3 (NADIR); catalogue MEA-012
    """
    tolerance = study.p("percent_tolerance_pp")
    site, derived, total = pl.col("PCNSD"), pl.col("PCHGNAD"), pl.col("SUM")
    rows = _typed(responses, timepoints).filter(~pl.col("PRIOR_DOUBT"), ~pl.col("ORDER_DOUBT"))
    follows = _same(_percent(pl.col("OWN"), pl.col("OWN_NADIR")), site, tolerance)
    # both percentages from one wrong sum of this visit: the percentage from baseline speaks
    wrong_sum = pl.col("BASE") * (1 + pl.col("PCBSD") / 100)
    shared = (off_by(pl.col("PCBSD"), pl.col("PCHG")) > tolerance) & _same(
        _percent(wrong_sum, pl.col("NADIR")), site, tolerance
    )
    bad = rows.filter(off_by(site, derived) > tolerance, ~follows, ~shared.fill_null(False))
    lower = pl.min_horizontal(total, pl.col("NADIR"))
    causes = [
        (_same(_percent(total, pl.col("LAST")), site, tolerance), pl.lit(" The site seems to have used the visit before as nadir.")),
        (_same(pl.col("PCHG"), site, tolerance), pl.lit(" The site seems to have used the baseline as nadir.")),
        ((total < pl.col("NADIR")) & _same(_percent(total, lower), site, tolerance),
         pl.lit(" The site's nadir includes this visit; only earlier visits count.")),
        *_ways(derived, site, tolerance),
        (_same(_percent(total, pl.col("_first")), site, tolerance) & (pl.col("BASETYPE") == "POST-OPERATIVE"),
         pl.lit(" The site seems to have used the baseline before treatment.")),
        ((pl.col("_part") < pl.col("NADIR")) & _same(_percent(total, pl.col("_part")), site, tolerance),
         pl.lit(" The site seems to have taken a visit at which not all targets could be read as nadir.")),
    ]  # fmt: skip
    used = (total / (1 + site / 100)).round(6)  # free of binary dust, so that the limit is met exactly
    implied = pl.when((site > -100) & (used <= 10 * total)).then(
        pl.lit(" (a nadir of ") + number_said(used) + pl.lit(" mm)")
    )
    told = bad.with_columns(
        cause=first_cause(causes),
        calc=percent_said("PCHGNAD"),
        operands=operands_said(),
        implied=implied.otherwise(pl.lit("")),
    )
    once = _once(told, "PCHGNAD", "PCNSD", tolerance).with_columns(_rid="RSRID", _expected=percent_said("PCHGNAD"))
    return with_target_cells(once, judged_lesions).select(
        "SUBJID", "_rid", "VISIT", "PCNSD", "implied", "calc", "operands", "cause", "more", "_expected", "_related"
    )
