"""Small frames for the response tests: histories written as lists, in the columns the engine reads."""

from collections.abc import Sequence

import polars as pl
from plain_response import Lesion, Reading

VALUES = {
    "SUBJID": pl.String, "EVAL": pl.String, "BASETYPE": pl.String, "TP": pl.Int32, "LESION": pl.String,
    "PARENT": pl.String, "NODAL": pl.Boolean, "PORTA": pl.Boolean, "VALUE": pl.Float64, "RID": pl.UInt32,
}  # fmt: skip
POINTS = {"SUBJID": pl.String, "EVAL": pl.String, "BASETYPE": pl.String, "TP": pl.Int32}

History = tuple[list[Lesion], list[Reading], list[int]]


def frames(histories: Sequence[History], basetype: str = "PRE-TREATMENT") -> tuple[pl.LazyFrame, pl.LazyFrame]:
    """(values, timepoints); the subjects are named by their place in the list."""
    rows: list[tuple[object, ...]] = []
    points: list[tuple[object, ...]] = []
    for subject, (lesions, readings, timepoints) in enumerate(histories):
        known = {x.name: x for x in lesions}
        for r in readings:
            lesion = known.get(r.parent or r.lesion, Lesion(r.lesion))
            rows.append(
                (str(subject), "INVESTIGATOR", basetype, r.tp, r.lesion, r.parent, lesion.nodal, lesion.porta,
                 r.value, len(rows) + 2)
            )  # fmt: skip
        points += [(str(subject), "INVESTIGATOR", basetype, tp) for tp in timepoints]
    values = pl.LazyFrame(rows, schema=VALUES, orient="row", strict=False)
    return values, pl.LazyFrame(points, schema=POINTS, orient="row")


def history(series: dict[str, Sequence[float | None]], nodes: Sequence[str] = (), porta: Sequence[str] = ()) -> History:
    """One value a time point and lesion, baseline first; a node's name stands in `nodes`, `T4.1` is a part of T4.

    None is "not assessed"; a part that begins later is written with None before it, and those have no row.
    """
    lesions = [Lesion(n, n in nodes, n in porta) for n in series if "." not in n]
    readings = []
    for name, values in series.items():
        parent = name.split(".")[0] if "." in name else None
        for tp, value in enumerate(values):
            if parent is None or value is not None:
                readings.append(Reading(tp, name, value, parent))
    length = max(len(v) for v in series.values())
    return lesions, readings, list(range(length))
