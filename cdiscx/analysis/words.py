"""Numbers in, the words of a clinical table out: percent with 1 decimal, months with 2 (a median with 1), no p-values."""

from __future__ import annotations

#: what stands where there is no number
NOT_REACHED, NOT_ESTIMABLE = "NR", "NE"


def percent(part: float | None) -> str:
    """`30.0 %` of 0.3; NE where unknown."""
    return NOT_ESTIMABLE if part is None else f"{_rounded(100 * part, 1)} %"


def number(value: float | None, decimals: int, absent: str = NOT_ESTIMABLE) -> str:
    """A number with so many decimals, or the word for none."""
    return absent if value is None else _rounded(value, decimals)


def interval(lower: float | None, upper: float | None, decimals: int, factor: float = 1.0) -> str:
    """`95 % CI 16.6 to 46.5`; a limit that is not defined is NE."""
    low, high = (None if x is None else x * factor for x in (lower, upper))
    return f"95 % CI {number(low, decimals)} to {number(high, decimals)}"


def people(n: int) -> str:
    """`1 subject`, `1,200 subjects`."""
    return f"{n:,} subject{'' if n == 1 else 's'}"


def listed(names: list[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}" if names else ""


def _rounded(value: float, decimals: int) -> str:
    # a hair above the half, so that 12.25 is 12.3 as in a table made by hand, and never -0.0
    shown = f"{value + (1e-9 if value >= 0 else -1e-9):.{decimals}f}"
    return shown.lstrip("-") if float(shown) == 0 else shown
