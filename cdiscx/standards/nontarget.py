"""Non-target response at every time point: states of non-target lesions in, response and rule id out."""

import polars as pl

from cdiscx.standards.criterion import Criterion
from cdiscx.standards.exact import nanometres, threshold_nm
from cdiscx.standards.target_sum import SEGMENT, numbered, segments_of, timepoints_of

_POINT = ("_seg", "TP")
_LESION = ("_seg", "TP", "LESION")


def nontarget_response(
    states: pl.LazyFrame,
    c: Criterion,
    timepoints: pl.LazyFrame | None = None,
    markers: pl.LazyFrame | None = None,
    *,
    at_baseline: bool = False,
) -> pl.LazyFrame:
    """Non-target response of every time point (R11-N-*, MR-N-*).

    `states`, one row a reading: SUBJID, EVAL, BASETYPE, TP, LESION, STATE (PRESENT, ABSENT, UNEQUIVOCAL
    PROGRESSION, NOT EVALUABLE or null), NODAL, RID; optionally VALUE (short axis of a node, mm) and PORTA: a
    node that is present but of normal size counts as absent. `timepoints` as in `target_response`. `markers`
    (SUBJID, EVAL, BASETYPE, TP, MARKER_NORMAL) is read only where the criterion says `marker_norm_for_cr`.
    The lesions of TP 0 are expected later. `at_baseline`: TP 0 is answered too (a new baseline may have a response).

    Returns one row a time point: NTRGRESP (null without non-targets, else at baseline), NTRGRULE, N_EXPECTED,
    N_MISSING, N_PRESENT, N_ABSENT, N_PROGRESSED, MISSING, PROGRESSED (lesion ids), RIDS.
    """
    given = tuple(frame for frame in (states, timepoints) if frame is not None)
    segments = segments_of(*given)
    rows = numbered(_with_normal_nodes_absent(states, c), segments).cache()
    points = timepoints_of(*((rows,) if timepoints is None else (rows, numbered(timepoints, segments))))
    followed = rows.filter(pl.col("TP") == 0).select("_seg", "LESION").unique()
    read = rows.group_by(_LESION).agg(pl.col("_ORDER").max())
    grid = followed.join(points, on="_seg").join(read, on=_LESION, how="left").cache()
    order, lesion = pl.col("_ORDER").fill_null(0), pl.col("LESION")
    totals = grid.group_by(_POINT).agg(
        pl.len().alias("N_EXPECTED"),
        (order == 0).sum().alias("N_MISSING"),
        (order == 2).sum().alias("N_PRESENT"),
        (order == 1).sum().alias("N_ABSENT"),
        (order == 3).sum().alias("N_PROGRESSED"),
    )
    own = rows.join(followed, on=("_seg", "LESION"), how="semi").select(*_POINT, "RID").unique().sort("RID")
    combined = points.join(segments, on="_seg", how="left").join(totals, on=_POINT, how="left")
    # few lesions are missing or progressed: their lists are made of these rows alone
    for side in (
        _listed(grid.filter(order == 0).sort("LESION"), lesion, "MISSING"),
        _listed(grid.filter(order == 3).sort("LESION"), lesion, "PROGRESSED"),
        _listed(own, pl.col("RID"), "RIDS"),
    ):
        combined = combined.join(side, on=_POINT, how="left")
    combined = combined.with_columns(
        pl.col("^N_.*$").fill_null(0), pl.col("MISSING", "PROGRESSED", "RIDS").fill_null([])
    )
    response, rule_id = _decide(c, at_baseline)
    return _with_marker(combined, segments, markers, c).sort("_seg", "TP").select(
        *SEGMENT, "TP", response.alias("NTRGRESP"), rule_id.alias("NTRGRULE"), "N_EXPECTED", "N_MISSING",
        "N_PRESENT", "N_ABSENT", "N_PROGRESSED", "MISSING", "PROGRESSED", "RIDS",
    )  # fmt: skip


def _listed(rows: pl.LazyFrame, column: pl.Expr, name: str) -> pl.LazyFrame:
    """The values of a column at each time point as a list, in the order of the rows."""
    return rows.group_by(_POINT, maintain_order=True).agg(column.alias(name))


def _with_normal_nodes_absent(states: pl.LazyFrame, c: Criterion) -> pl.LazyFrame:
    """Add `_ORDER`: 3 progressed, 2 present, 1 absent, 0 not assessed; of two readings the worse counts."""
    state = pl.col("STATE").str.to_uppercase().str.strip_chars()
    names = states.collect_schema().names()
    normal = pl.lit(False)
    if "VALUE" in names:
        porta = pl.col("PORTA") if "PORTA" in names else pl.lit(False)
        limit = pl.when(porta).then(threshold_nm(c.porta_hepatis_normal_mm)).otherwise(threshold_nm(c.node_normal_mm))
        normal = pl.col("NODAL") & (nanometres(pl.col("VALUE")) < limit)
    return states.with_columns(
        pl.when(state == "UNEQUIVOCAL PROGRESSION")
        .then(3)
        .when((state == "PRESENT") & ~normal.fill_null(False))
        .then(2)
        .when(state.is_in(["ABSENT", "PRESENT"]))
        .then(1)
        .otherwise(0)
        .cast(pl.Int8)
        .alias("_ORDER")
    )


def _with_marker(
    combined: pl.LazyFrame,
    segments: pl.LazyFrame,
    markers: pl.LazyFrame | None,
    c: Criterion,
) -> pl.LazyFrame:
    """Add `_MARKER`: true where the marker allows CR, false where raised, null where not known."""
    if not c.marker_norm_for_cr:
        return combined.with_columns(pl.lit(True).alias("_MARKER"))
    if markers is None:
        return combined.with_columns(pl.lit(None, dtype=pl.Boolean).alias("_MARKER"))
    # Of several samples of one time point one raised value is enough.
    known = numbered(markers, segments).group_by(_POINT).agg(pl.col("MARKER_NORMAL").min().alias("_MARKER"))
    return combined.join(known, on=_POINT, how="left")


def _decide(c: Criterion, at_baseline: bool) -> tuple[pl.Expr, pl.Expr]:
    """(response, rule id) by table 1.5 or 3.3; null at baseline unless it is asked for.

    The rows of the table overlap where one lesion persists and another was not read. Not read wins:
    progression of the unread lesion is not ruled out, and RECIST 1.1 calls a subset of readings NE.
    """
    clear = pl.col("N_ABSENT") == pl.col("N_EXPECTED")
    rules: tuple[tuple[str, pl.Expr, str | None], ...] = (
        ("R11-N-NA-1", pl.col("N_EXPECTED") == 0, None),
        (f"{c.prefix}-N-PD-1", pl.col("N_PROGRESSED") > 0, "PD"),
        ("R11-N-NE-1", pl.col("N_MISSING") > 0, "NE"),
        (f"{c.prefix}-N-CR-1", clear & pl.col("_MARKER").fill_null(False), "CR"),
        ("R11-N-NE-1", clear & pl.col("_MARKER").is_null(), "NE"),
        (f"{c.prefix}-N-NN-1", pl.lit(True), "NON-CR/NON-PD"),
    )
    response, rule_id = pl.lit(None, dtype=pl.String), pl.lit(None, dtype=pl.String)
    for row_id, condition, result in reversed(rules):
        response = pl.when(condition).then(pl.lit(result, dtype=pl.String)).otherwise(response)
        rule_id = pl.when(condition).then(pl.lit(row_id)).otherwise(rule_id)
    later = (pl.col("TP") > 0) | pl.lit(at_baseline)
    return pl.when(later).then(response), pl.when(later).then(rule_id)
