"""Times with an event flag in, the product-limit curve and what is read off it out (adam-derivations section 9).

Conventions: at tied times events come before censorings; Greenwood's variance; pointwise limits on the log(-log) scale;
the median is the midpoint of a stretch on which the curve equals exactly one half (as R's survfit and SAS LIFETEST);
limits of a quantile by inversion of the pointwise band (Brookmeyer and Crowley 1982).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtri

Scale = Literal["log-log", "log", "plain"]
Floats = NDArray[np.float64]
Counts = NDArray[np.int64]

#: the curve is a product of fractions: values closer than this are the same value
_SAME = 1e-9


@dataclass(frozen=True, slots=True)
class Curve:
    """A product-limit curve: one element for every distinct time, ascending.

    `at_risk`: subjects with entry < time <= exit; `events`, `censored`: at that time; `survival`: S just after it;
    `std_error`: Greenwood's, of S; `lower`, `upper`: pointwise limits, NaN where they are not defined (S = 1 or S = 0).
    `n`: subjects; `last`: largest time. `_entry`, `_exit`: sorted, to count who is at risk between the times.
    """

    time: Floats
    at_risk: Counts
    events: Counts
    censored: Counts
    survival: Floats
    std_error: Floats
    lower: Floats
    upper: Floats
    n: int
    last: float
    _entry: Floats | None
    _exit: Floats


@dataclass(frozen=True, slots=True)
class Estimate:
    """A value with its limits; None where it is not reached or not defined."""

    value: float | None
    lower: float | None
    upper: float | None


@dataclass(frozen=True, slots=True)
class Rate:
    """The curve at one time. `reached`: somebody is observed that long, or the curve has come to 0 before."""

    time: float
    survival: float
    std_error: float | None
    lower: float | None
    upper: float | None
    at_risk: int
    reached: bool


def normal_quantile(level: float) -> float:
    """z of a two-sided interval: 1.959963984540054 for 0.95 (not 1.96)."""
    return float(ndtri(0.5 + level / 2))


def product_limit(
    time: ArrayLike,
    event: ArrayLike,
    entry: ArrayLike | None = None,
    *,
    level: float = 0.95,
    scale: Scale = "log-log",
) -> Curve:
    """The Kaplan-Meier curve of `time` (any unit) and `event` (true = event), from `entry` on where it is given.

    Delayed entry (left truncation): a subject is at risk at t when entry < t <= time. Raises ValueError for unequal
    lengths, missing times, or a subject that leaves before it enters.
    """
    exits, flags = np.asarray(time, dtype=np.float64), np.asarray(event, dtype=bool)
    enters = None if entry is None else np.asarray(entry, dtype=np.float64)
    if exits.shape != flags.shape or exits.ndim != 1 or (enters is not None and enters.shape != exits.shape):
        raise ValueError("times, events and entries must be columns of one length")
    if np.isnan(exits).any() or (enters is not None and not (enters < exits).all()):
        raise ValueError("every subject needs a time that is later than its entry")
    moments = np.unique(exits)
    ordered = np.sort(exits)
    starts = None if enters is None else np.sort(enters)
    at_risk = _at_risk(moments, starts, ordered)
    events = _ties(moments, exits[flags])
    censored = _ties(moments, exits[~flags])
    with np.errstate(divide="ignore", invalid="ignore"):
        survival = np.asarray(np.cumprod(1.0 - events / at_risk), dtype=np.float64)
        terms = np.where(events > 0, events / (at_risk * (at_risk - events).astype(np.float64)), 0.0)
    hazard_error = np.asarray(np.sqrt(np.cumsum(terms)), dtype=np.float64)
    lower, upper = _limits(survival, hazard_error, normal_quantile(level), scale)
    with np.errstate(invalid="ignore"):
        error = np.where(survival > 0, survival * hazard_error, np.nan)
    last = float(ordered[-1]) if ordered.size else 0.0
    return Curve(moments, at_risk, events, censored, survival, error, lower, upper, exits.size, last, starts, ordered)


def quantile(curve: Curve, p: float = 0.5) -> Estimate:
    """The time by which a part `p` of the subjects has had the event, with limits from the pointwise band.

    Value: smallest time with S <= 1 - p, or the midpoint of the stretch on which S equals 1 - p, when the curve falls
    further after it. Lower limit: first time where the lower band is <= 1 - p; upper limit: the same of the upper band.
    """
    target = 1.0 - p
    below = np.flatnonzero(curve.survival <= target + _SAME)
    value = None
    if below.size:
        value = float(curve.time[below[0]])
        further = np.flatnonzero(curve.survival < target - _SAME)
        if abs(curve.survival[below[0]] - target) <= _SAME and further.size:
            value = (value + float(curve.time[further[0]])) / 2
    return Estimate(value, _first_below(curve, curve.lower, target), _first_below(curve, curve.upper, target))


def at(curve: Curve, time: float) -> Rate:
    """S at one time: the step value of the last time not after it, with the subjects at risk at that time."""
    index = int(np.searchsorted(curve.time, time, side="right")) - 1
    risk = int(_at_risk(np.array([time], dtype=np.float64), curve._entry, curve._exit)[0])
    if index < 0:
        return Rate(time, 1.0, None, None, None, risk, curve.n > 0)
    survival = float(curve.survival[index])
    return Rate(
        time,
        survival,
        _number(curve.std_error[index]),
        _number(curve.lower[index]),
        _number(curve.upper[index]),
        risk,
        time <= curve.last or survival <= _SAME,
    )


def at_risk(curve: Curve, times: ArrayLike) -> list[int]:
    """Subjects at risk at each of the times (entry < t <= exit), for the rows below a plot."""
    asked = np.asarray(times, dtype=np.float64)
    return [int(n) for n in _at_risk(asked, curve._entry, curve._exit)]


def _at_risk(moments: Floats, starts: Floats | None, exits: Floats) -> Counts:
    left = np.searchsorted(exits, moments, side="left")
    entered = exits.size if starts is None else np.searchsorted(starts, moments, side="left")
    return np.asarray(entered - left, dtype=np.int64)


def _ties(moments: Floats, times: Floats) -> Counts:
    found = np.searchsorted(moments, times)
    return np.bincount(found, minlength=moments.size).astype(np.int64)


def _limits(survival: Floats, hazard_error: Floats, z: float, scale: Scale) -> tuple[Floats, Floats]:
    inside = (survival > 0) & (hazard_error > 0)
    s, se = np.where(inside, survival, 0.5), np.where(inside, hazard_error, 0.0)
    if scale == "log-log":
        middle, wide = np.log(-np.log(s)), z * se / np.abs(np.log(s))
        lower, upper = np.exp(-np.exp(middle + wide)), np.exp(-np.exp(middle - wide))
    elif scale == "log":
        lower, upper = s * np.exp(-z * se), np.minimum(s * np.exp(z * se), 1.0)
    else:
        lower, upper = np.maximum(s - z * s * se, 0.0), np.minimum(s + z * s * se, 1.0)
    return np.where(inside, lower, np.nan), np.where(inside, upper, np.nan)


def _first_below(curve: Curve, band: Floats, target: float) -> float | None:
    with np.errstate(invalid="ignore"):
        found = np.flatnonzero(band <= target + _SAME)
    return float(curve.time[found[0]]) if found.size else None


def _number(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
