"""Numbers in, the words of a clinical table out: percent with 1 decimal, months with 2 (a median with 1), no p-values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

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


def shown(entry: Mapping[str, Any]) -> dict[str, str]:
    """The cells of a table of endpoints: `count` (`12/40`), `estimate` (`30.0 %`), `ci` (`16.6 to 46.5`)."""
    timed = entry["kind"] == "time_to_event"
    count = f"{entry['events']}/{entry['n']} events" if timed else f"{entry['n']}/{entry['N']}"
    value, low, high = (entry.get(k) for k in ("estimate", "ci_lower", "ci_upper"))
    unit = entry.get("unit", "")
    if not entry["n"] and value is None:
        return {"count": count, "estimate": "nothing to estimate", "ci": ""}
    if entry.get("measure") == "counts":
        return {"count": count, "estimate": str(entry["text"]), "ci": ""}
    if unit == "proportion":
        limits = "" if low is None and high is None else f"{number(_hundred(low), 1)} to {number(_hundred(high), 1)} %"
        lead = f"{entry['measure']} " if timed else ""
        return {"count": count, "estimate": f"{lead}{percent(value)}", "ci": limits}
    estimate = (
        f"{entry.get('measure', 'median')} {number(value, 1, NOT_REACHED)} {unit if value is not None else ''}".rstrip()
    )
    limits = f"{number(low, 1)} to {number(high, 1)}" if timed else ""
    return {"count": count, "estimate": estimate, "ci": limits}


def _hundred(part: float | None) -> float | None:
    return None if part is None else 100 * part
