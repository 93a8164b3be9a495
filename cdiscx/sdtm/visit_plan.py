"""Study file and prepared data -> numbers and names of visits: TV's planned ones, and those of each subject's records.

One place for all domains, so that VISITNUM and VISIT stand one to one (sdtm-mapping 2.11).
"""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from cdiscx.model.spec import Study, Visit
from cdiscx.model.table import StudyData

#: name of a visit nobody planned in the submitted data (sdtm-mapping 2.11)
UNSCHEDULED = "UNSCHEDULED"
#: what a run that maps a share of the subjects knows of all of them: the highest number of each series (`results`)
REACHED = "reached"
#: the anchor whose visits have a planned study day (RFSTDTC)
FIRST_TREATMENT = "D1"

#: numbers of a series beyond this are typing errors, not plans
_MOST = 400

PLAN = pl.Schema({"VISIT": pl.String, "VISITNUM": pl.Float64, "VISITDY": pl.Int64, "SERIES": pl.String, "N": pl.Int64,
                  "MODE": pl.String})  # fmt: skip


def visit_plan(data: StudyData) -> pl.DataFrame:
    """One row per planned visit, by number: VISIT, VISITNUM, VISITDY, SERIES and N (numbered series), MODE.

    A series goes as far as anything in the run is planned or was recorded, and has at least its first visit. VISITDY:
    only where the target counts from the first treatment (offset + 1; a day before it keeps its offset).
    """
    study: Study = data.study
    furthest = reached(data)
    rows: list[tuple[str, float, int | None, str | None, int | None, str]] = []
    for visit in study.schedule:
        if visit.repeat:
            for n in range(visit.first, max(visit.first, furthest.get(visit.name, 1)) + 1):
                rows.append((f"{visit.name} {n}", series_number(study, visit, n), None, visit.name, n, visit.mode))
        else:
            rows.append((visit.name, float(visit.num), _planned_day(visit), None, None, visit.mode))
    return pl.DataFrame(rows, schema=PLAN, orient="row").sort("VISITNUM")


def visit_numbers(data: StudyData) -> pl.DataFrame:
    """SUBJID, VISIT (as in tidy tables) -> VISITNUM, NAME (VISIT as submitted), VISITDY, PLANNED, MODE.

    One row per subject and visit name that any row of the run bears. What the schedule does not know is unscheduled: its
    own number (`UNSCHEDULED 5.1`), else the last planned visit before it + .1, .2 … Beyond .9 go .910, .911 …
    """
    plan = visit_plan(data).select("VISIT", "VISITNUM", "VISITDY", "MODE")
    seen = _seen(data)
    known = seen.join(plan, on="VISIT", how="left").with_columns(PLANNED=pl.col("VISITNUM").is_not_null())
    planned = known.filter("PLANNED").with_columns(NAME="VISIT")
    extra = _unscheduled(known.filter(~pl.col("PLANNED")), planned, [word.upper() for word in data.study.unscheduled])
    columns = ["SUBJID", "VISIT", "VISITNUM", "NAME", "VISITDY", "PLANNED", "MODE"]
    return pl.concat([planned.select(columns), extra.select(columns)]).sort("SUBJID", "VISITNUM", "VISIT")


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


def reached(data: StudyData) -> dict[str, int]:
    """Highest number of each series that is planned for somebody or recorded, among all subjects of the run."""
    if REACHED in data.results:
        return dict(data.results[REACHED])
    highest: dict[str, int] = {}
    if "planned" in data.tidy:
        found = data.tidy["planned"].frame.drop_nulls("SERIES").group_by("SERIES").agg(pl.col("N").max())
        highest = dict(found.iter_rows())
    names = _seen(data).get_column("VISIT").unique()
    for visit in data.study.schedule:
        if visit.repeat:
            numbers = names.str.extract(rf"^{visit.name} 0*([1-9][0-9]{{0,2}})$").cast(pl.Int64).drop_nulls()
            highest[visit.name] = max([highest.get(visit.name, 0), *numbers.filter(numbers <= _MOST).to_list()])
    return highest


def _seen(data: StudyData) -> pl.DataFrame:
    """SUBJID, VISIT, DAY (first date of the visit, maybe null) of every tidy table that has visits."""
    pieces = [pl.DataFrame(schema={"SUBJID": pl.String, "VISIT": pl.String, "DAY": pl.Date})]
    for name, table in data.tidy.items():
        if data.study.sheet_of(name) is not None and "VISIT" in table.frame.columns:
            column = next((c for c in ("VISDAT", "TRDAT", "RSDAT", "LBDAT") if c in table.frame.columns), None)
            day = pl.col(column) if column else pl.lit(None, dtype=pl.Date)
            pieces.append(table.frame.select("SUBJID", "VISIT", DAY=day))
    rows = pl.concat(pieces).drop_nulls(["SUBJID", "VISIT"])
    return rows.group_by("SUBJID", "VISIT").agg(pl.col("DAY").min()).sort("SUBJID", "VISIT")


def _unscheduled(extra: pl.DataFrame, planned: pl.DataFrame, words: Sequence[str]) -> pl.DataFrame:
    """Numbers and names of visits that the schedule does not know."""
    parts = pl.col("VISIT").str.extract_groups(r"^(.*\S) ([0-9]+)\.0*([1-9][0-9]{0,2})$")
    own = parts.struct.field("1").str.to_uppercase().is_in(list(words))
    whole = pl.when(own).then(parts.struct.field("2").cast(pl.Float64))
    tenth = pl.when(own).then(parts.struct.field("3").cast(pl.Int64))
    extra = extra.with_columns(_whole=whole, _k=tenth).sort("SUBJID", "DAY", "VISIT", nulls_last=True)
    before = planned.drop_nulls("DAY").sort("DAY", "VISITNUM").select("SUBJID", "DAY", _last="VISITNUM")
    dated = extra.drop_nulls("DAY").sort("DAY").select("SUBJID", "VISIT", "DAY")
    last = dated.join_asof(before, on="DAY", by="SUBJID", strategy="backward", check_sortedness=False)
    extra = extra.join(
        last.select("SUBJID", "VISIT", "_last"), on=["SUBJID", "VISIT"], how="left", maintain_order="left"
    )
    numbered = pl.col("_k").is_not_null()
    at = pl.when(numbered).then("_whole").otherwise(pl.col("_last").floor().fill_null(0.0))
    extra = extra.with_columns(_whole=at, _numbered=numbered)
    taken = pl.col("_k").filter("_numbered").max().over("SUBJID", "_whole").fill_null(0)
    place = (~pl.col("_numbered")).cum_sum().over("SUBJID", "_whole").cast(pl.Int64)
    k = pl.when("_numbered").then("_k").otherwise(taken + place)
    extra = extra.with_columns(_k=k)
    number = pl.col("_whole") + pl.when(k < 10).then(k / 10).otherwise(0.9 + k / 1000)
    name = pl.lit(f"{UNSCHEDULED} ") + pl.col("_whole").cast(pl.Int64).cast(pl.String) + pl.lit(".") + k.cast(pl.String)
    return extra.with_columns(VISITNUM=number.round(3), NAME=name, VISITDY=pl.lit(None, dtype=pl.Int64))
