"""Expectations of the study file in Great Expectations' own words -> findings (the door is `suite_library`)."""

from __future__ import annotations

import re
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import polars as pl

from cdiscx.model.finding import Check, Severity
from cdiscx.model.kept import pieces, selected
from cdiscx.model.spec import Expectation, Study
from cdiscx.model.table import StudyData, Table
from cdiscx.validate.engine import PartRun
from cdiscx.validate.hits import Hit
from cdiscx.validate.suite_library import batch_definition, great_expectations, load
from cdiscx.validate.wording import phrase, plain, wording

#: of a group of rows: its name, how many rows it has, expectation id -> what was found (`reading`) or why nothing was
Group = tuple[str | None, int, dict[str, dict[str, Any] | RuntimeError]]
#: (table, group_by) -> its groups
Judged = dict[tuple[str, str | None], list[Group]]

#: rows of groups that are in memory together, where the table waits on disk
_AT_ONCE = 1_000_000
_MOST_ROWS = 50  # findings of one expectation and group; the rest is counted in the message of the last


def expectation_checks(data: StudyData) -> Iterator[tuple[Check, Callable[[], PartRun]]]:
    """One check per expectation of the study file; great_expectations is imported when the first one is judged."""
    judged: Judged = {}
    for item in data.study.expectations:
        check = Check(item.id, item.message, Severity(item.severity), 2)
        yield check, partial(_judge, data, item, judged)


def suite_dict(study: Study, table: str) -> dict[str, Any]:
    """The study's expectations on one table as a portable ExpectationSuite (its own JSON form)."""
    return {
        "name": f"{study.id}.{table}",
        "expectations": [
            _expectation(item, f"{study.id}.{item.id}") for item in study.expectations if item.table == table
        ],
        "meta": {"study": study.studyid, "written_by": "cdiscx"},
    }


def _expectation(item: Expectation, identity: str) -> dict[str, Any]:
    return {
        "type": item.type,
        "kwargs": {k: list(v) if isinstance(v, tuple) else v for k, v in item.kwargs.items()},
        "meta": {"id": identity, "message": item.message, "fix": item.fix},
        "severity": {"error": "critical", "warning": "warning", "note": "info"}[item.severity],
    }


def _judge(data: StudyData, item: Expectation, judged: Judged) -> PartRun:
    table = data.tidy.get(item.table)
    sheet = data.study.sheet_name(item.table)
    columns = _columns(item)
    gone = [c for c in _needed(data.study, item) if f"{item.table}.{c}" in data.absent]
    if table is None or item.table in data.absent:
        return PartRun(skipped=f"sheet {sheet} is not in the upload")
    if item.group_by and item.group_by not in columns and data.absent.get(f"subjects.{item.group_by}"):
        header = data.study.header("subjects", item.group_by)
        return PartRun(skipped=f"{data.study.sheet_name('subjects')} has no column {header}, by which it is judged")
    if gone:
        return PartRun(skipped=f"{sheet} has no column {', '.join(data.study.header(item.table, c) for c in gone)}")
    key = (item.table, item.group_by)
    if key not in judged:
        judged[key] = _judge_all(data, key)
    hits: list[Hit] = []
    seen, enough = 0, False
    for group, height, results in judged[key]:
        if height < item.min_rows:
            continue
        enough = True
        if item.id not in results:
            raise RuntimeError(f"Great Expectations knows no expectation called {item.type}")
        found = results[item.id]
        if isinstance(found, RuntimeError):
            raise found
        seen += height if found["rows_seen"] is None else found["rows_seen"]
        hits += _hits(data, item, group, height, columns, found)
    if not enough:
        return PartRun(skipped=f"{sheet} has fewer than {item.min_rows} rows to judge")
    return PartRun(tuple(hits), seen, True)


def _judge_all(data: StudyData, key: tuple[str, str | None]) -> list[Group]:
    """All expectations on one table and grouping, a suite per group."""
    items = [e for e in data.study.expectations if (e.table, e.group_by) == key and _can_judge(data, e)]
    smallest = min(e.min_rows for e in items)
    return [
        (group, rows.height, _readings(items, validate_frame(rows, items)))
        for group, rows in _groups(data, items)
        if rows.height >= smallest
    ]


def _readings(items: Sequence[Expectation], results: Mapping[str, Any]) -> dict[str, dict[str, Any] | RuntimeError]:
    """What is needed of the results: as they come they list every row."""
    found: dict[str, dict[str, Any] | RuntimeError] = {}
    for item in items:
        if item.id in results:
            try:
                found[item.id] = reading(item, _columns(item), results[item.id])
            except RuntimeError as error:  # said of the one expectation that could not be judged
                found[item.id] = error
    return found


def _looked_at(table: Table, items: Sequence[Expectation]) -> list[str]:
    """The columns of a table that expectations can speak of: every word of theirs that is one.

    Of a table on disk the others are not read. All of them where an expectation is about the table itself.
    """
    if any(item.type.startswith("expect_table_") for item in items):
        return table.columns
    words = {word for item in items for word in re.findall(r"\w+", repr(dict(item.kwargs)))}
    words |= {"_rid", "SUBJID", *(item.group_by for item in items if item.group_by)}
    return [c for c in table.columns if c in words]


def _columns(item: Expectation) -> list[str]:
    return sorted({str(v) for k, v in item.kwargs.items() if k.startswith("column") and isinstance(v, str)})


def _needed(study: Study, item: Expectation) -> list[str]:
    """The columns without which it cannot be judged: those it is about, those of a list, those of its row condition."""
    named = [c for k, v in item.kwargs.items() if k.startswith("column") and isinstance(v, tuple | list) for c in v]
    within = re.findall(r"\w+", str(item.kwargs.get("row_condition") or ""))
    asked = (*_columns(item), *map(str, named), *(w for w in within if study.column(item.table, w) is not None))
    return list(dict.fromkeys(asked))


def _can_judge(data: StudyData, item: Expectation) -> bool:
    return not any(f"{item.table}.{c}" in data.absent for c in _needed(data.study, item))


def _sites(data: StudyData, table: Table, group_by: str) -> pl.DataFrame | None:
    """`SUBJID` and the site of each subject; None where the table has it itself."""
    if group_by in table.columns:
        return None
    subjects = selected(data.tidy["subjects"].held, ["SUBJID", group_by])
    return subjects.unique("SUBJID", keep="first", maintain_order=True)


def _with_group(frame: pl.DataFrame, sites: pl.DataFrame | None) -> pl.DataFrame:
    return frame if sites is None else frame.join(sites, on="SUBJID", how="left", maintain_order="left")


def _groups(data: StudyData, items: Sequence[Expectation]) -> Iterator[tuple[str | None, pl.DataFrame]]:
    """The rows that are judged together, group by group; of a table on disk a few groups in memory at a time."""
    table, group_by = data.tidy[items[0].table], items[0].group_by
    columns = _looked_at(table, items)
    if group_by is None:
        yield None, selected(table.held, columns)
        return
    known = pl.col(group_by).is_not_null()
    sites = _sites(data, table, group_by)
    own = [group_by] if sites is None else ["SUBJID"]
    heights = [_heights(_with_group(piece, sites), group_by) for piece in pieces(table.held, own)]
    for groups in _together(heights):
        rows = [
            _with_group(piece, sites).filter(known & pl.col(group_by).is_in(groups))
            for piece in pieces(table.held, columns, [not groups.isdisjoint(within) for within in heights])
        ]
        parts = pl.concat(rows).partition_by(group_by, as_dict=True)
        yield from ((str(group), parts[group,]) for group in sorted(groups, key=str))


def _heights(frame: pl.DataFrame, group_by: str) -> dict[Any, int]:
    return dict(frame.drop_nulls(group_by).group_by(group_by).len().iter_rows())


def _together(heights: Sequence[Mapping[Any, int]]) -> Iterator[set[Any]]:
    """The groups in order, as many as may be in memory at a time."""
    total = Counter[Any]()
    for within in heights:
        total.update(within)
    groups: set[Any] = set()
    for group in sorted(total, key=str):
        if groups and sum(total[g] for g in groups) + total[group] > _AT_ONCE:
            yield groups
            groups = set()
        groups.add(group)
    if groups:
        yield groups


def _hits(
    data: StudyData,
    item: Expectation,
    group: str | None,
    height: int,
    columns: list[str],
    result: dict[str, Any],
) -> list[Hit]:
    if result["success"]:
        return []
    column = columns[0] if columns else None
    observed = result.get("observed")
    facts: dict[str, Any] = {
        "group": group, "observed": observed, "sheet": data.study.sheet_name(item.table), "rows": height,
        "column": data.study.header(item.table, column) if column else None,
        "unexpected": result["unexpected_count"], "percent": result["unexpected_percent"],
    }  # fmt: skip
    severity = Severity(item.severity)

    def hit(rid: int | None, subject: str | None, value: Any) -> Hit:
        slots = {**facts, "value": value}
        return Hit(
            item.id, severity, wording(item.template, slots), item.fix, subject, None, item.table, rid, column, None,
            (), group or "", told=(phrase(item.template, slots), phrase(item.fix, {}), None),
        )  # fmt: skip

    if not result["rows"]:
        return [hit(None, None, observed)]
    return [hit(rid, subject, value) for rid, subject, value in result["rows"][:_MOST_ROWS]]


def validate_frame(rows: pl.DataFrame, items: Sequence[Expectation]) -> dict[str, Any]:
    """Expectations on one frame, in one batch: expectation id -> Great Expectations' own result as plain values."""
    gx = great_expectations()
    load(items)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # row_condition as text is the suite's portable form
        suite = gx.ExpectationSuite(name="cdiscx", expectations=[_expectation(item, item.id) for item in items])
        plain_columns = [c for c, dtype in rows.schema.items() if not isinstance(dtype, pl.List | pl.Struct)]
        batch = batch_definition().get_batch({"dataframe": rows.select(plain_columns).to_pandas()})
        detail = {"result_format": "COMPLETE", "unexpected_index_column_names": ["_rid", "SUBJID"]}
        outcome = batch.validate(suite, result_format=detail)
    found = [result.to_json_dict() for result in outcome.results]
    return {result["expectation_config"]["meta"]["id"]: result for result in found}


def reading(item: Expectation, columns: list[str], found: Mapping[str, Any]) -> dict[str, Any]:
    """Success, observed value, unexpected count and percent, unexpected rows (`_rid`, subject, value) of one result, and how
    many rows were judged (None: all that were given).

    Raises RuntimeError when Great Expectations could not judge (its own exception text): never a silent pass.
    """
    trouble = found.get("exception_info") or {}
    raised = [
        t for t in ([trouble] if "raised_exception" in trouble else trouble.values()) if t.get("raised_exception")
    ]
    if raised:
        raise RuntimeError(f"{item.id}: Great Expectations could not judge: {raised[0].get('exception_message')}")
    result = found.get("result") or {}
    seen = result.get("element_count")
    if seen is None and set(result) <= {"observed_value", "details"} and _nothing(result.get("observed_value")):
        return {"success": True, "rows_seen": 0}  # the mean of no value is none, not a wrong one
    listed = result.get("unexpected_index_list") or []
    column = columns[0] if columns else None
    picked = [(int(r["_rid"]), r.get("SUBJID"), r.get(column) if column else None) for r in listed]
    if result.get("unexpected_percent") is not None and "mostly" in item.kwargs:
        picked = []  # a share is judged: one finding for the column, not one a row
    return {
        "success": bool(found["success"]),
        "observed": _observed(result),
        "unexpected_count": result.get("unexpected_count"),
        "unexpected_percent": result.get("unexpected_percent"),
        "rows": sorted(picked, key=lambda row: row[0]),
        "rows_seen": seen,
    }


def _nothing(observed: Any) -> bool:
    """Whether no value stands behind what was observed: none, not a number, a list or the quantiles of such."""
    if isinstance(observed, Mapping):
        observed = observed.get("values", list(observed.values()))
    if isinstance(observed, list | tuple):
        return all(_nothing(one) for one in observed)
    return observed is None or observed != observed


def _observed(result: Mapping[str, Any]) -> Any:
    value = result.get("observed_value")
    if isinstance(value, dict):
        return ", ".join(f"{k} {plain(v)}" for k, v in value.items() if not isinstance(v, dict | list))
    if value is None and result.get("unexpected_percent") is not None:
        return f"{plain(float(result['unexpected_percent']))} %"
    return value
