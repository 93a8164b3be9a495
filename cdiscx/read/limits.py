"""How much an upload may hold before it is refused, and nothing else."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds that keep a hostile or mistaken upload from filling the machine.

    Sizes are bytes. `ratio` is the highest believable compression of a member larger than `ratio_from`:
    real sheets compress 5 to 100 times, a bomb about 1000 times.
    `rows` and `cells` count one sheet, and the grid that spans its cells, blank cells included.
    """

    file: int = 200 * 1024**2
    unpacked: int = 2 * 1024**3
    ratio: int = 300
    ratio_from: int = 10 * 1024**2
    members: int = 20_000
    rows: int = 1_048_576
    columns: int = 16_384
    cells: int = 50_000_000


def human(size: int) -> str:
    """`209715200` -> `200 MB`: a size as people say it."""
    for unit, scale in (("GB", 1024**3), ("MB", 1024**2), ("KB", 1024)):
        if size >= scale:
            return f"{size / scale:.3g} {unit}"
    return f"{size} bytes"
