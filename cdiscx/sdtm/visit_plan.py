"""Study file and prepared tables -> the planned visits of TV, and the numbers that VISITNUM has everywhere.

VISITNUM and VISIT stand one to one (sdtm-mapping 2.11).
"""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from cdiscx.model.spec import Study, Visit
from cdiscx.model.table import Table

#: the anchor whose visits have a planned study day (RFSTDTC)
FIRST_TREATMENT = "D1"

#: numbers of a series beyond this are typing errors, not plans
_MOST = 400

PLAN = pl.Schema({"VISIT": pl.String, "VISITNUM": pl.Float64, "VISITDY": pl.Int64, "SERIES": pl.String, "N": pl.Int64,
                  "MODE": pl.String})  # fmt: skip


def visit_plan(study: Study, tidy: Mapping[str, Table]) -> pl.DataFrame:
    """One row per planned visit, by number: VISIT, VISITNUM, VISITDY, SERIES and N (numbered series), MODE.

    A series goes as far as anything in the run is planned or was recorded, and has at least its first visit. VISITDY:
    only where the target counts from the first treatment (offset + 1; a day before it keeps its offset).
    """
    reached = _reached(study, tidy)
    rows: list[tuple[str, float, int | None, str | None, int | None, str]] = []
    for visit in study.schedule:
        if visit.repeat:
            for n in range(1, max(1, reached.get(visit.name, 1)) + 1):
                rows.append((f"{visit.name} {n}", series_number(study, visit, n), None, visit.name, n, visit.mode))
        else:
            rows.append((visit.name, float(visit.num), _planned_day(visit), None, None, visit.mode))
    return pl.DataFrame(rows, schema=PLAN, orient="row").sort("VISITNUM")


def _planned_day(visit: Visit) -> int | None:
    """Planned study day of a visit that counts from the first treatment; there is no day 0."""
    if visit.anchor != FIRST_TREATMENT or visit.target is None:
        return None
    return visit.target + 1 if visit.target >= 0 else visit.target


def series_number(study: Study, visit: Visit, n: int) -> float:
    """VISITNUM of the n-th visit of a series; where the next visit's numbers begin, it goes on at 100 x the first number.

    Without this the 31st of a series that begins at 20 would be the first of one that begins at 50.
    """
    first = float(visit.num)
    following = min((float(v.num) for v in study.schedule if v.num > visit.num), default=None)
    number = first - 1 + n
    return number if following is None or number < following else first * 100 + n


def unscheduled_number(text: str) -> float:
    """`5.1` -> 5.1; beyond .9 go .910, .911 …, so that `5.10` is not 5.1 again."""
    whole, _, tenth = text.partition(".")
    place = int(tenth or 0)
    return round(int(whole) + (place / 10 if place < 10 else 0.9 + place / 1000), 3)


def _reached(study: Study, tidy: Mapping[str, Table]) -> dict[str, int]:
    """Highest number of each series that is planned for somebody or recorded."""
    highest: dict[str, int] = {}
    if "planned" in tidy:
        found = tidy["planned"].frame.drop_nulls("SERIES").group_by("SERIES").agg(pl.col("N").max())
        highest = dict(found.iter_rows())
    names = _seen(study, tidy)
    for visit in study.schedule:
        if visit.repeat:
            numbers = names.str.extract(rf"^{visit.name} 0*([1-9][0-9]{{0,2}})$").cast(pl.Int64).drop_nulls()
            highest[visit.name] = max([highest.get(visit.name, 0), *numbers.filter(numbers <= _MOST).to_list()])
    return highest


def _seen(study: Study, tidy: Mapping[str, Table]) -> pl.Series:
    """Every visit name in the rows of the study's sheets."""
    pieces = [pl.Series("VISIT", [], dtype=pl.String)]
    for name, table in tidy.items():
        if study.sheet_of(name) is not None and "VISIT" in table.frame.columns:
            pieces.append(table.frame.get_column("VISIT").drop_nulls().unique())
    return pl.concat(pieces).unique().sort()
