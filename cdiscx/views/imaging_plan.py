"""The imaging plan as Polars expressions: planned day of the n-th assessment, and the interval in force at a date.

In: the study's `Assessments` and a frame with the anchors' Date columns. Out: expressions (Date, days).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

import polars as pl

from cdiscx.model.spec import Assessments, Phase, Point


def days_after(day: pl.Expr, days: pl.Expr | int) -> pl.Expr:
    """The Date so many whole days after a Date."""
    return (day + pl.duration(days=days)).cast(pl.Date)


def point(at: Point) -> pl.Expr:
    """The day a `Point` of the study file means (Date; null without its anchor)."""
    return days_after(pl.col(at.anchor), at.offset)


def anchors_of(plan: Assessments) -> tuple[str, ...]:
    """Every anchor that the plan counts from."""
    points = [*plan.origins, *(p.until for p in plan.phases if p.until), *([plan.last] if plan.last else [])]
    return tuple(dict.fromkeys([p.anchor for p in points] + ([plan.restart_at] if plan.restart_at else [])))


def origin(plan: Assessments, *, restarted: bool) -> pl.Expr:
    """The day from which the series counts: after the restart (surgery) its own origin, else the first of the others."""
    days = [point(p) for p in plan.origins if (p.anchor == plan.restart_at) is restarted]
    return pl.coalesce(days) if days else pl.lit(None, dtype=pl.Date)


def planned_day(plan: Assessments, start: pl.Expr, number: pl.Expr) -> pl.Expr:
    """Planned Date of the `number`-th assessment of the series that counts from `start` (ruling 15.7)."""
    chosen: pl.Expr = pl.lit(None, dtype=pl.Date)
    for phase, first, before, count in _stretches(plan, start):
        day = days_after(first, (number - before) * phase.every)
        inside = pl.lit(True) if count is None else number <= before + count
        chosen = pl.when(chosen.is_null() & inside).then(day).otherwise(chosen)
    return chosen


def interval_at(plan: Assessments, start: pl.Expr, date: pl.Expr, *, restarted: bool) -> tuple[pl.Expr, pl.Expr]:
    """(days to the next planned assessment, window) in force at an assessment of a Date: the interval planned after it.

    After the restart the first phase counts from the restart itself, so that an early post-operative scan is judged
    by the interval that follows it.
    """
    opening = plan.phases[0] if restarted else plan.before_origin
    every, window = pl.lit(opening.every), pl.lit(opening.window)
    for phase, first, _, _ in _stretches(plan, start):
        begun = (date >= days_after(first, -phase.window)).fill_null(False)
        every = pl.when(begun).then(phase.every).otherwise(every)
        window = pl.when(begun).then(phase.window).otherwise(window)
    return every, window


def gap_limit(plan: Assessments, last: pl.Expr, known: Collection[str]) -> pl.Expr:
    """Days after an assessment above which assessments count as missed; after surgery by the plan that restarts there.

    `last`: Date of the last evaluable assessment; `known`: anchors that the frame has. Source: trial 8.3, CNSR 4.
    """
    limits = []
    for restarted in (False, True):
        every, window = interval_at(plan, origin(plan, restarted=restarted), last, restarted=restarted)
        limits.append(plan.gap_factor * (every + window))
    restart = plan.restart_at
    again = last > pl.col(restart) if restart is not None and restart in known else pl.lit(False)
    return pl.when(again.fill_null(False)).then(limits[1]).otherwise(limits[0])


def _stretches(plan: Assessments, start: pl.Expr) -> Iterator[tuple[Phase, pl.Expr, pl.Expr, pl.Expr | None]]:
    """Each phase with the Date it counts from, the assessments planned before it and in it (None: no end)."""
    before: pl.Expr = pl.lit(0, dtype=pl.Int64)
    for phase in plan.phases:
        if phase.until is None:
            yield phase, start, before, None
            return
        # planned dates *before* the limit belong to the phase; without the limit's anchor the phase has no end
        room = (point(phase.until) - start).dt.total_days() - 1
        count = (room // phase.every).clip(lower_bound=0).fill_null(10_000)
        yield phase, start, before, count
        start, before = days_after(start, count * phase.every), before + count
