"""May a lesion be a target at baseline? What is known of it in; yes or no, the minimum (mm) and the rule id out."""

import polars as pl

from cdiscx.standards.criterion import Criterion
from cdiscx.standards.exact import millimetres, nanometres, threshold_nm

_FALSE = pl.lit(False)
_NO_NUMBER = pl.lit(None, dtype=pl.Float64)

Row = tuple[pl.Expr, pl.Expr, pl.Expr, str]
"""(applies to, measurable, minimum in nm, rule id): the first row that applies decides."""


def _at_least(size: pl.Expr, limit: pl.Expr) -> pl.Expr:
    """null where the size is not known: neither measurable nor not."""
    return nanometres(size) >= limit


def measurable(
    c: Criterion,
    *,
    method: pl.Expr,
    longest: pl.Expr,
    short_axis: pl.Expr,
    nodal: pl.Expr,
    slice_thickness: pl.Expr,
    porta: pl.Expr = _FALSE,
    hepatic: pl.Expr = _FALSE,
    viable: pl.Expr = _NO_NUMBER,
    thrombus: pl.Expr = _FALSE,
    never: pl.Expr = _FALSE,
) -> tuple[pl.Expr, pl.Expr, pl.Expr]:
    """(measurable, minimum mm, rule id) of a lesion at baseline, by R11-M or MR-M.

    `method` text (CT, MRI, X-RAY, CLINICAL, ULTRASOUND; anything else reads as CT or MRI), sizes and slice
    thickness in mm or null (an unknown slice thickness reads as thin), the others boolean: `nodal`, `porta`
    (node at the porta hepatis), `hepatic` (in the liver), `thrombus` (malignant portal vein thrombus),
    `never` (effusion, blastic bone, lymphangitis, infiltrative disease: R11-M-8). `measurable` is null where
    the deciding size is not known; the minimum is null where no size would do. "Not measurable" by R11-M-4 is
    a pathological node (non-target), by R11-M-5 a normal one and by MR-M-6 no lesion at all.
    """
    way = method.cast(pl.String).str.strip_chars().str.to_uppercase()
    node, gate = nodal.fill_null(False), porta.fill_null(False)

    def nm(value: float) -> pl.Expr:
        return pl.lit(threshold_nm(value), dtype=pl.Int64)

    slices = nanometres(slice_thickness)
    thick = (slices > threshold_nm(c.thin_slice_mm)).fill_null(False)
    thick_min = pl.max_horizontal(slices * c.thick_slice_factor, nm(c.lesion_target_mm))
    no_size = pl.lit(None, dtype=pl.Int64)
    ordinary = "MR-M-9" if c.is_mrecist else "R11-M-1"
    rows: list[Row] = [
        (thrombus.fill_null(False) & pl.lit(c.is_mrecist), _FALSE, no_size, "MR-M-5"),
        (never.fill_null(False), _FALSE, no_size, "R11-M-8"),
        (way.is_in(["ULTRASOUND", "US"]), _FALSE, no_size, "R11-M-11"),
        (way.is_in(["X-RAY", "XRAY"]), _at_least(longest, nm(c.xray_target_mm)), nm(c.xray_target_mm), "R11-M-6"),
        (way == "CLINICAL", _at_least(longest, nm(c.clinical_target_mm)), nm(c.clinical_target_mm), "R11-M-7"),
        *_node_rows(c, node, gate, short_axis),
        *_viable_rows(c, hepatic.fill_null(False), viable, longest, thick, thick_min),
        (thick, _at_least(longest, thick_min), thick_min, "R11-M-2"),
        (pl.lit(True), _at_least(longest, nm(c.lesion_target_mm)), nm(c.lesion_target_mm), ordinary),
    ]
    verdict: pl.Expr = pl.lit(None, dtype=pl.Boolean)
    minimum: pl.Expr = no_size
    rule_id: pl.Expr = pl.lit(None, dtype=pl.String)
    for applies, is_measurable, at_least, row_id in reversed(rows):
        verdict = pl.when(applies).then(is_measurable).otherwise(verdict)
        minimum = pl.when(applies).then(at_least).otherwise(minimum)
        rule_id = pl.when(applies).then(pl.lit(row_id)).otherwise(rule_id)
    return verdict, millimetres(minimum), rule_id


def _node_rows(c: Criterion, node: pl.Expr, gate: pl.Expr, short_axis: pl.Expr) -> list[Row]:
    axis = nanometres(short_axis)
    target = pl.lit(threshold_nm(c.node_target_mm), dtype=pl.Int64)
    gate_target = pl.lit(threshold_nm(c.porta_hepatis_target_mm), dtype=pl.Int64)
    normal = axis < threshold_nm(c.node_normal_mm)
    below = node & (axis < target)
    rows: list[Row] = []
    if c.is_mrecist:
        rows.append((node & gate, axis >= gate_target, gate_target, "MR-M-6"))
    return [
        *rows,
        (node & normal, _FALSE, target, "R11-M-5"),
        (below, _FALSE, target, "MR-M-7" if c.is_mrecist else "R11-M-4"),
        (node, axis >= target, target, "MR-M-7" if c.is_mrecist else "R11-M-3"),
    ]


def _viable_rows(
    c: Criterion, hepatic: pl.Expr, viable: pl.Expr, longest: pl.Expr, thick: pl.Expr, thick_min: pl.Expr
) -> list[Row]:
    """A liver lesion needs a viable part of its own minimum, and on thick slices the lesion itself twice the slice."""
    if not c.viable:
        return []
    enough = pl.lit(threshold_nm(c.viable_target_mm), dtype=pl.Int64)
    return [
        (hepatic & thick & (nanometres(longest) < thick_min), _FALSE, thick_min, "R11-M-2"),
        (hepatic, _at_least(viable, enough), enough, "MR-M-1"),
    ]
