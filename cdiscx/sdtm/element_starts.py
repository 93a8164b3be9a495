"""Study file and prepared data -> the day on which each element began in each subject, by the rules under `begins:`."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from cdiscx.model.spec import Begin, Element, Point, Source, Study
from cdiscx.model.table import StudyData, Table

_WHO = "SUBJID"
_Schema = dict[str, pl.DataType | type[pl.DataType]]
_ROWS: pl.DataType = pl.List(pl.UInt32)
_GIVEN: _Schema = {_WHO: pl.String, "WHAT": pl.String, "ST": pl.Date, "EN": pl.Date, "RID": pl.UInt32}
_FOUND: _Schema = {_WHO: pl.String, "ORD": pl.Int64, "DAY": pl.Date, "ROWS": _ROWS}


def element_starts(data: StudyData) -> pl.DataFrame:
    """One row per subject and element that began: ORD (place in `arm.elements`), DAY, ROWS (the rows that tell it)."""
    study: Study = data.study
    given = _given(data)
    base = data.tidy["anchors"].frame.join(
        data.tidy["ends"].frame.select(_WHO, "TRTEND", "ENDDAT"), on=_WHO, how="left"
    )
    pieces = [pl.DataFrame(schema=_FOUND)]
    for number, element in enumerate((study.arm.elements if study.arm else ()), 1):
        found = _element_start(element, data, base, given)
        pieces.append(found.with_columns(ORD=pl.lit(number, dtype=pl.Int64)).select(list(_FOUND)))
    return pl.concat(pieces)


def _given(data: StudyData) -> pl.DataFrame:
    """Stretches of days on which something was given: WHAT (drug or procedure), ST, EN, RID of the row.

    A dose of 0 is none. A running dose lasts to the end of treatment, of participation or to the cut-off.
    """
    pieces = [pl.DataFrame(schema=_GIVEN)]
    run = data.run
    assert run is not None, "prepare() comes before the mapping"
    if "dosing" in data.tidy:
        frame = data.tidy["dosing"].frame.join(data.tidy["ends"].frame, on=_WHO, how="left")
        if "EXDOSE" in frame.columns:
            frame = frame.filter((pl.col("EXDOSE") != 0).fill_null(True))
        end = pl.col("EXENDAT") if "EXENDAT" in frame.columns else pl.lit(None, dtype=pl.Date)
        if "EXONGO" in frame.columns:
            open_end = pl.max_horizontal("EXSTDAT", pl.min_horizontal("TRTEND", "ENDDAT", pl.lit(run.cutoff)))
            end = pl.coalesce(end, pl.when(pl.col("EXONGO") == "Y").then(open_end))
        pieces.append(frame.select(_WHO, WHAT="EXTRT", ST="EXSTDAT", EN=pl.coalesce(end, "EXSTDAT"), RID="_rid"))
    if "procedures" in data.tidy:
        frame = data.tidy["procedures"].frame
        end = pl.coalesce("PRENDAT", "PRSTDAT") if "PRENDAT" in frame.columns else pl.col("PRSTDAT")
        pieces.append(frame.select(_WHO, WHAT="PRTRT", ST="PRSTDAT", EN=end, RID="_rid"))
    rows = pl.concat(pieces).drop_nulls([_WHO, "WHAT", "ST"])
    return rows.with_columns(EN=pl.max_horizontal("ST", "EN"))


def _element_start(element: Element, data: StudyData, base: pl.DataFrame, given: pl.DataFrame) -> pl.DataFrame:
    """The day of the first rule that finds one: SUBJID, DAY, ROWS. A day that is not settled yet is none."""
    found = pl.DataFrame(schema={_WHO: pl.String, "_day": pl.Date, "ROWS": _ROWS, "RULE": pl.Int32})
    for place, begin in enumerate(element.begins):
        days = _days(begin, data, base, given)
        if days is not None:
            days = days.drop_nulls("_day").with_columns(RULE=pl.lit(place, dtype=pl.Int32))
            found = pl.concat([found, days.select(found.columns)])
    found = found.sort(_WHO, "RULE").unique(_WHO, keep="first", maintain_order=True)
    rules = pl.DataFrame(
        {
            "RULE": range(len(element.begins)),
            "_plus": [b.plus for b in element.begins],
            "_wait": [b.settled for b in element.begins],
        },
        schema={"RULE": pl.Int32, "_plus": pl.Int64, "_wait": pl.Int64},
    )
    run = data.run
    assert run is not None
    found = found.join(rules, on="RULE").join(base.select(_WHO, "TRTEND", "ENDDAT"), on=_WHO, how="left")
    over = pl.any_horizontal(pl.col("TRTEND", "ENDDAT").is_not_null())
    waited = pl.col("_day") + pl.duration(days=pl.col("_wait")) < pl.lit(run.cutoff)
    settled = pl.col("_wait").is_null() | over | waited.fill_null(True)
    day = (pl.col("_day") + pl.duration(days=pl.col("_plus"))).cast(pl.Date)
    return found.filter(settled).select(_WHO, DAY=day, ROWS="ROWS")


def _days(begin: Begin, data: StudyData, base: pl.DataFrame, given: pl.DataFrame) -> pl.DataFrame | None:
    """`_day` and ROWS by one rule, before `plus`; None where the study's data lack what it names."""
    bounds = {"_from": begin.from_, "_after": begin.after, "_before": begin.before}
    named = [begin.anchor, begin.needs, begin.unless, *(b.anchor for b in bounds.values() if b)]
    if any(name is not None and name not in base.columns for name in named):
        return None
    rows = _who(begin, data, base)
    if begin.anchor is not None:
        return rows.select(_WHO, _day=begin.anchor, ROWS=pl.concat_list(f"{begin.anchor}_RID").list.drop_nulls())
    edges = [f"{bound.anchor}_RID" for bound in bounds.values() if bound]
    rows = rows.select(_WHO, *edges, **{name: _point(bound) for name, bound in bounds.items()})
    rows = rows.drop_nulls([name for name, bound in bounds.items() if bound is not None])
    one = pl.duration(days=1)
    low = pl.max_horizontal("_from", (pl.col("_after") + one).cast(pl.Date))
    high = (pl.col("_before") - one).cast(pl.Date)
    days = given.filter(pl.col("WHAT").is_in([*begin.first, *begin.last])).join(rows, on=_WHO)
    days = days.with_columns(ST=pl.max_horizontal("ST", low), EN=pl.min_horizontal("EN", high))
    days = days.filter(pl.col("ST") <= pl.col("EN"))
    column, late = ("EN", True) if begin.last else ("ST", False)
    days = days.sort(column, "RID", descending=[late, False]).unique(_WHO, keep="first", maintain_order=True)
    told = pl.concat_list("RID", *edges).list.drop_nulls().list.unique().list.sort()
    return days.select(_WHO, _day=column, ROWS=told)


def _who(begin: Begin, data: StudyData, base: pl.DataFrame) -> pl.DataFrame:
    """The subjects that a rule speaks of."""
    if begin.needs is not None:
        base = base.filter(pl.col(begin.needs).is_not_null())
    if begin.unless is not None:
        base = base.filter(pl.col(begin.unless).is_null())
    if begin.where is not None:
        base = base.join(_having(begin.where, data.tidy), on=_WHO, how="semi")
    return base


def _having(source: Source, tidy: Mapping[str, Table]) -> pl.DataFrame:
    """Subjects with a row that a `Source` means; none where the table or a column is not there."""
    table, _, column = source.of.partition(".")
    names = {column, *source.where, *source.unless}
    if table not in tidy or not names <= set(tidy[table].frame.columns):
        return pl.DataFrame(schema={_WHO: pl.String})
    frame = tidy[table].frame.filter(pl.col(column).is_not_null())
    for name, values in source.where.items():
        frame = frame.filter(pl.col(name).is_in(list(values)))
    for name, values in source.unless.items():
        frame = frame.filter(~pl.col(name).is_in(list(values)).fill_null(False))
    return frame.select(_WHO).drop_nulls().unique()


def _point(bound: Point | None) -> pl.Expr:
    if bound is None:
        return pl.lit(None, dtype=pl.Date)
    return (pl.col(bound.anchor) + pl.duration(days=bound.offset)).cast(pl.Date)
