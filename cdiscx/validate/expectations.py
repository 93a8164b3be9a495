"""Expectations of the study file in Great Expectations' own words -> findings (the only door to great_expectations and pandas)."""

from __future__ import annotations

import importlib
import os
import warnings
from collections.abc import Callable, Iterator, Mapping
from functools import cache, partial
from typing import Any

import polars as pl

from cdiscx.model.finding import Check, Severity
from cdiscx.model.spec import Expectation, Study
from cdiscx.model.table import StudyData
from cdiscx.validate.engine import PartRun
from cdiscx.validate.hits import Hit, plain, wording

_MOST_ROWS = 50  # findings of one expectation and group; the rest is counted in the message of the last


def expectation_checks(data: StudyData) -> Iterator[tuple[Check, Callable[[], PartRun]]]:
    """One check per expectation of the study file; great_expectations is imported when the first one is judged."""
    for item in data.study.expectations:
        check = Check(item.id, item.message, Severity(item.severity), 2)
        yield check, partial(_judge, data, item)


def suite_dict(study: Study, table: str) -> dict[str, Any]:
    """The study's expectations on one table as a portable ExpectationSuite (its own JSON form)."""
    return {
        "name": f"{study.id}.{table}",
        "expectations": [_expectation(item, f"{study.id}.{item.id}") for item in study.expectations if item.table == table],
        "meta": {"study": study.studyid, "written_by": "cdiscx"},
    }


def _expectation(item: Expectation, identity: str) -> dict[str, Any]:
    return {
        "type": item.type,
        "kwargs": {k: list(v) if isinstance(v, tuple) else v for k, v in item.kwargs.items()},
        "meta": {"id": identity, "message": item.message, "fix": item.fix},
        "severity": {"error": "critical", "warning": "warning", "note": "info"}[item.severity],
    }


def _judge(data: StudyData, item: Expectation) -> PartRun:
    table = data.tidy.get(item.table)
    sheet = data.study.sheet_name(item.table)
    columns = sorted({str(v) for k, v in item.kwargs.items() if k.startswith("column") and isinstance(v, str)})
    gone = [c for c in columns if f"{item.table}.{c}" in data.absent]
    if table is None or item.table in data.absent:
        return PartRun(skipped=f"sheet {sheet} is not in the upload")
    if gone:
        return PartRun(skipped=f"{sheet} has no column {', '.join(data.study.header(item.table, c) for c in gone)}")
    frame = _with_group(data, item, table.frame)
    hits: list[Hit] = []
    judged = 0
    for group, rows in _groups(item, frame):
        if rows.height < item.min_rows:
            continue
        judged += rows.height
        hits += _hits(data, item, group, rows, columns)
    if not judged:
        return PartRun(skipped=f"{sheet} has fewer than {item.min_rows} rows to judge")
    return PartRun(tuple(hits), judged, True)


def _with_group(data: StudyData, item: Expectation, frame: pl.DataFrame) -> pl.DataFrame:
    """The table with the site of each subject where the expectation is judged by site."""
    if item.group_by is None or item.group_by in frame.columns:
        return frame
    subjects = data.tidy["subjects"].frame
    sites = subjects.select("SUBJID", pl.col(item.group_by)).unique("SUBJID", keep="first", maintain_order=True)
    return frame.join(sites, on="SUBJID", how="left")


def _groups(item: Expectation, frame: pl.DataFrame) -> Iterator[tuple[str | None, pl.DataFrame]]:
    if item.group_by is None:
        yield None, frame
        return
    known = frame.filter(pl.col(item.group_by).is_not_null())
    for (group,), rows in sorted(known.partition_by(item.group_by, as_dict=True).items(), key=lambda pair: str(pair[0][0])):
        yield str(group), rows


def _hits(data: StudyData, item: Expectation, group: str | None, rows: pl.DataFrame, columns: list[str]) -> list[Hit]:
    result = validate_frame(rows, item, columns)
    if result["success"]:
        return []
    column = columns[0] if columns else None
    observed = result.get("observed")
    facts: dict[str, Any] = {
        "group": group, "observed": observed, "sheet": data.study.sheet_name(item.table), "rows": rows.height,
        "column": data.study.header(item.table, column) if column else None,
        "unexpected": result["unexpected_count"], "percent": result["unexpected_percent"],
    }  # fmt: skip
    severity = Severity(item.severity)

    def hit(rid: int | None, subject: str | None, value: Any) -> Hit:
        said = wording(item.message, {**facts, "value": value})
        where = f" (site {group})" if group is not None and item.group_by == "SITEID" and "{group}" not in item.message else ""
        return Hit(item.id, severity, said + where, item.fix, subject, None, item.table, rid, column, None, (), group or "")

    if not result["rows"]:
        return [hit(None, None, observed)]
    return [hit(rid, subject, value) for rid, subject, value in result["rows"][:_MOST_ROWS]]


def validate_frame(rows: pl.DataFrame, item: Expectation, columns: list[str]) -> dict[str, Any]:
    """One expectation on one frame: success, observed value, unexpected count and percent, unexpected rows with `_rid`.

    Raises RuntimeError when Great Expectations could not judge (its own exception text): never a silent pass.
    """
    gx = _great_expectations()
    names = [c for c in dict.fromkeys(("_rid", "SUBJID", *columns)) if c in rows.columns]
    pandas_frame = rows.select(names).to_pandas()
    suite = gx.ExpectationSuite(name=item.id, expectations=[_expectation(item, item.id)])
    batch = _batch_definition().get_batch({"dataframe": pandas_frame})
    outcome = batch.validate(
        suite, result_format={"result_format": "COMPLETE", "unexpected_index_column_names": ["_rid", "SUBJID"]}
    )
    found = outcome.results[0].to_json_dict()
    trouble = found.get("exception_info") or {}
    raised = [t for t in ([trouble] if "raised_exception" in trouble else trouble.values()) if t.get("raised_exception")]
    if raised:
        raise RuntimeError(f"{item.id}: Great Expectations could not judge: {raised[0].get('exception_message')}")
    result = found.get("result") or {}
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
        "rows": sorted(picked),
    }


def _observed(result: Mapping[str, Any]) -> Any:
    value = result.get("observed_value")
    if isinstance(value, dict):
        return ", ".join(f"{k} {plain(v)}" for k, v in value.items() if not isinstance(v, dict | list))
    if value is None and result.get("unexpected_percent") is not None:
        return f"{plain(float(result['unexpected_percent']))} %"
    return value


@cache
def _great_expectations() -> Any:
    """The library, imported once, quietly: its own imports warn of modules that Python has renamed."""
    os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return importlib.import_module("great_expectations")


@cache
def _batch_definition() -> Any:
    """An ephemeral context with one data frame asset; nothing is written, nothing leaves the machine."""
    gx = _great_expectations()
    from great_expectations.data_context.types.base import ProgressBarsConfig

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False, metric_calculations=False)
    asset = context.data_sources.add_pandas("frames").add_dataframe_asset("table")
    return asset.add_batch_definition_whole_dataframe("whole")
