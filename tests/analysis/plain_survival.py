"""The product-limit curve once more, written with loops and fractions, to compare with."""

from __future__ import annotations

import math
from fractions import Fraction

Z = 1.959963984540054


def steps(subjects: list[tuple[int, bool, int]]) -> list[tuple[int, int, int, Fraction, float]]:
    """(time, at risk, events, S, sum of d / (n (n - d))) for every time at which somebody had the event."""
    found = []
    s, total = Fraction(1), 0.0
    for t in sorted({time for time, event, _ in subjects if event}):
        n = sum(entry < t <= time for time, _, entry in subjects)
        d = sum(time == t and event for time, event, _ in subjects)
        s *= Fraction(n - d, n)
        total = math.inf if n == d else total + d / (n * (n - d))
        found.append((t, n, d, s, total))
    return found


def band(s: Fraction, total: float) -> tuple[float | None, float | None]:
    """The log(-log) limits of one step."""
    if s in (0, 1) or math.isinf(total):
        return None, None
    logged = math.log(float(s))
    wide = Z * math.sqrt(total) / abs(logged)
    low, high = (math.exp(-math.exp(math.log(-logged) + side * wide)) for side in (1, -1))
    return low, high


def median(subjects: list[tuple[int, bool, int]]) -> float | None:
    """Smallest time with S <= 1/2, or the middle of the stretch at exactly 1/2 that a further fall ends."""
    found = steps(subjects)
    for i, (t, _, _, s, _) in enumerate(found):
        if s < Fraction(1, 2):
            return float(t)
        if s == Fraction(1, 2):
            later = [u for u, *_, r, _ in found[i + 1 :] if r < s]
            return (t + later[0]) / 2 if later else float(t)
    return None
