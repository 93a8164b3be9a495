"""Counts in, a proportion with its exact interval out (Clopper and Pearson 1934; adam-derivations section 9)."""

from __future__ import annotations

from scipy.special import betaincinv


def clopper_pearson(successes: int, n: int, level: float = 0.95) -> tuple[float, float] | None:
    """The exact two-sided interval of `successes` in `n`, as fractions; None where there is nobody.

    lower = Beta(alpha/2; x, n - x + 1), 0 for x = 0; upper = Beta(1 - alpha/2; x + 1, n - x), 1 for x = n.
    Raises ValueError where 0 <= successes <= n does not hold.
    """
    if not 0 <= successes <= n:
        raise ValueError(f"{successes} of {n} is no proportion")
    if n == 0:
        return None
    tail = (1.0 - level) / 2
    lower = 0.0 if successes == 0 else float(betaincinv(successes, n - successes + 1, tail))
    upper = 1.0 if successes == n else float(betaincinv(successes + 1, n - successes, 1.0 - tail))
    return lower, upper
