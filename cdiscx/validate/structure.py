"""Present, unique key, in range, in shape: pandera schemas compiled from the study file (the only door to pandera)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import cache, partial
from importlib import import_module
from typing import TYPE_CHECKING, Any

import polars as pl

from cdiscx import registry
from cdiscx.model.finding import Check, Severity
from cdiscx.model.process import PROCESS, without
from cdiscx.model.spec import Column, Sheet, Study
from cdiscx.model.table import StudyData
from cdiscx.validate.engine import PartRun
from cdiscx.validate.hits import Hit
from cdiscx.validate.wording import plain, shortened

if TYPE_CHECKING:
    import pandera.polars as pa

#: two whole numbers where one is wanted: `1-2`
_RANGE = re.compile(r"^\D{0,6}[0-5０-５]\s*(?:-|–|—|~|～|/|to|至|到|或)\s*[0-5０-５]\s*级?$", re.IGNORECASE)
_BLANK_KINDS = (
    "error_cell",
    "no_cache",
    "unreadable_date",
    "ambiguous_date",
    "contradicts_order",
    "implausible_date",
    "not_in_list",
)


@cache
def _pandera() -> Any:
    """pandera.polars, imported when the first schema is compiled.

    pandera also imports hypothesis where it is installed, for data synthesis that is not used here: half a second. pandas,
    as long again, is spared in a process of our own only: a program that cdiscx is a guest in may want pandera's classes
    for pandas.
    """
    with without("hypothesis", *(("pandas",) if PROCESS.own else ())):
        pandera = import_module("pandera.polars")
        import_module("pandera.backends.polars.register").register_polars_backends()
        import_module("pandera.backends.register_checks").register_default_check_backends(pl.DataFrame)
        return pandera


def compile_schema(study: Study, table: str) -> pa.DataFrameSchema:
    """pandera schema of a tidy table: required columns not null, numbers in range, subject ids in shape.

    Validate eager frames with `lazy=True` only: on a LazyFrame pandera checks the schema alone, silently.
    """
    library = _pandera()
    found = study.sheet_of(table)
    assert found is not None, f"study {study.id} has no table {table}"
    columns: dict[str, Any] = {}
    for spec in found[1].columns.values():
        tests = _tests(study, spec)
        if not spec.required and not tests:
            continue
        # a date that is partial has no Date but is there: its ISO text tells whether the cell is blank
        columns[f"{spec.is_}C" if spec.type == "date" else spec.is_] = library.Column(
            nullable=spec.is_ != "SUBJID"
            and (not spec.required or (spec.silent_blank is not None and not spec.silent_where)),
            checks=tests,
            required=False,
            title=spec.is_,
        )
    schema: pa.DataFrameSchema = library.DataFrameSchema(columns, strict=False, name=table)
    return schema


def _tests(study: Study, spec: Column) -> list[Any]:
    library = _pandera()
    tests: list[Any] = []
    if spec.type == "num" and spec.min is not None and spec.max is not None:
        tests.append(library.Check.in_range(spec.min, spec.max, name="range"))
    elif spec.type == "num" and spec.min is not None:
        tests.append(library.Check.ge(spec.min, name="range"))
    elif spec.type == "num" and spec.max is not None:
        tests.append(library.Check.le(spec.max, name="range"))
    if spec.is_ == "SUBJID":
        pattern = study.subject_id_regex if study.subject_id_regex.endswith("$") else f"{study.subject_id_regex}$"
        tests.append(library.Check.str_matches(pattern, name="subject"))
    return tests


def schema_checks(data: StudyData) -> Iterator[tuple[Check, Callable[[], PartRun]]]:
    """STR-003 (subject key) and STR-009 (required, readable, in range), one judge per table that is there."""
    known = registry.checks()
    for sheet in data.study.sheets.values():
        table = data.tidy.get(sheet.holds)
        if table is None:
            continue
        judged = cache(partial(_failures, data, sheet))  # both judges look at the one validation
        yield known["STR-003"], partial(_judge_key, data, sheet, judged)
        yield known["STR-009"], partial(_judge_values, data, sheet, judged)


def _failures(data: StudyData, sheet: Sheet) -> pl.DataFrame:
    """pandera's failure cases of one table: column, check, index (0-based row of the frame)."""
    errors_ = _pandera().errors
    schema = compile_schema(data.study, sheet.holds)
    frame = data.tidy[sheet.holds].frame
    wanted = [c for c in schema.columns if c in frame.columns]
    shape = {"column": pl.String, "check": pl.String, "index": pl.Int64}
    if not wanted or not frame.height:
        return pl.DataFrame(schema=shape)
    try:
        schema.validate(frame.select(wanted), lazy=True)
    except errors_.SchemaErrors as errors:
        cases = errors.failure_cases
        crashed = cases.filter(pl.col("index").is_null())
        if crashed.height:
            raise RuntimeError(f"pandera could not judge {sheet.holds}: {crashed.to_dicts()[:3]}") from errors
        dates = {f"{c.is_}C": c.is_ for c in sheet.columns.values() if c.type == "date"}
        named = pl.col("column").cast(pl.String).replace(dates)
        return pl.DataFrame(cases).select(named, pl.col("check").cast(pl.String), pl.col("index").cast(pl.Int64))
    return pl.DataFrame(schema=shape)


def _judge_key(data: StudyData, sheet: Sheet, failures: Callable[[], pl.DataFrame]) -> PartRun:
    frame = data.tidy[sheet.holds].frame
    ids = frame.get_column("SUBJID").to_list() if "SUBJID" in frame.columns else []
    rids = frame.get_column("_rid").to_list()
    name = data.study.sheet_name(sheet.holds)
    hits = []
    for index in sorted(set(failures().filter(pl.col("column") == "SUBJID").get_column("index").to_list())):
        if _no_such_column(data, rids[index], "SUBJID"):
            continue
        value = ids[index]
        what = (
            "has no subject number"
            if value is None
            else f"has the subject number '{value}', which is not one of this study's form"
        )
        hits.append(
            Hit(
                "STR-003", Severity.ERROR, f"A row of {name} {what}; it cannot be linked to a patient.",
                "Type the subject number as it stands in Demographics, or clear the row if it holds no patient's data.",
                value, None, sheet.holds, rids[index], "SUBJID", None, (), "subject key",
            )
        )  # fmt: skip
    return PartRun(tuple(hits), frame.height, bool(frame.height), partial=_partial(data, sheet, ["SUBJID"]))


def _judge_values(data: StudyData, sheet: Sheet, failures: Callable[[], pl.DataFrame]) -> PartRun:
    frame = data.tidy[sheet.holds].frame
    name = data.study.sheet_name(sheet.holds)
    specs = {spec.is_: spec for spec in sheet.columns.values()}
    rids = frame.get_column("_rid").to_list()
    subjects = frame.get_column("SUBJID").to_list() if "SUBJID" in frame.columns else [None] * frame.height
    spoken, numbers = _spoken(data, sheet.holds)
    hits = []
    for column, check, index in failures().select("column", "check", "index").unique(maintain_order=True).iter_rows():
        rid, spec = rids[index], specs[column]
        if (
            _no_such_column(data, rid, column)
            or column == "SUBJID"
            or subjects[index] is None
            or (rid, column) in spoken
            or (rid, column) in numbers
        ):
            continue
        value = frame.get_column(column)[index]
        if value is None and spec.silent_blank and _owned(frame, spec, index):
            continue
        hits.append(_value_hit(data, sheet, name, spec, subjects[index], rid, value, check))
    for (rid, column), (raw, detail) in numbers.items():
        if specs[column].silent_blank == "SAF-001" and _RANGE.match(raw):
            continue  # a range of grades is what SAF-001 names
        spec = specs[column]
        at = rids.index(rid)
        said = f"{name}: {data.study.header(sheet.holds, column)} is not a number: '{shortened(raw, 300)}'." + (
            f" {detail}" if detail else ""
        )
        hits.append(
            Hit("STR-009", Severity.ERROR, said, "Type the number alone (and its unit in the unit column).", subjects[at], None,
                sheet.holds, rid, column, f"a number{f' in {spec.unit}' if spec.unit else ''}", (), "number")
        )  # fmt: skip
    wanted = [c.is_ for c in sheet.columns.values() if c.required or c.type == "num"]
    return PartRun(tuple(hits), frame.height, bool(frame.height), partial=_partial(data, sheet, wanted))


def _value_hit(
    data: StudyData, sheet: Sheet, name: str, spec: Column, subject: str, rid: int, value: Any, check: str
) -> Hit:
    header = data.study.header(sheet.holds, spec.is_)
    if value is None:
        said, fix = f"{name}: {header} is blank.", f"Ask the site for {header}; it is needed in every row."
        return Hit(
            "STR-009", Severity.ERROR, said, fix, subject, None, sheet.holds, rid, spec.is_, "a value", (), "blank"
        )
    span = _span(spec)
    said = f"{name}: {header} is {plain(value)}{f' {spec.unit}' if spec.unit else ''}, outside {span}."
    fix = f"Ask the site to check {header}; values from {span} are possible."
    return Hit("STR-009", Severity.ERROR, said, fix, subject, None, sheet.holds, rid, spec.is_, span, (), "range")


def _owned(frame: pl.DataFrame, spec: Column, index: int) -> bool:
    """True where another check owns the blank of this row (`silent_blank`, in the rows of `silent_where`)."""
    return all(
        name in frame.columns and frame.get_column(name)[index] in values for name, values in spec.silent_where.items()
    )


def _no_such_column(data: StudyData, rid: int, column: str) -> bool:
    """True where the row's upload has no such column at all: STR-001 says so once."""
    if not data.upload.sources:
        return False
    at = data.upload.ledger.get_column("_rid").search_sorted(rid)
    source = data.upload.sources[int(data.upload.ledger.get_column("_source")[at])]
    return source.file in data.absent.get(f"{source.table}.{column}", ())


def _span(spec: Column) -> str:
    if spec.max is None:
        return f"{plain(spec.min)} or more"
    if spec.min is None:
        return f"{plain(spec.max)} or less"
    return f"{plain(spec.min)} to {plain(spec.max)}"


def _spoken(data: StudyData, table: str) -> tuple[set[tuple[int, str]], dict[tuple[int, str], tuple[str, str]]]:
    """Cells another check already speaks of, and cells that should be numbers and are not."""
    if data.problems is None:
        return set(), {}
    rows = data.problems.filter(pl.col("table") == table, pl.col("_rid").is_not_null())
    spoken = rows.filter(pl.col("kind").is_in([k for k in _BLANK_KINDS if k not in ("error_cell", "no_cache")]))
    bad = rows.filter(pl.col("kind").is_in(["not_a_number", "ambiguous_number"]))
    numbers = {
        (r, c): (raw or "", detail or "")
        for r, c, raw, detail in bad.select("_rid", "column", "raw", "detail").iter_rows()
    }
    return set(spoken.select("_rid", "column").iter_rows()), numbers


def _partial(data: StudyData, sheet: Sheet, columns: list[str]) -> str | None:
    """What keeps the judgement of a sheet from being whole."""
    if sheet.holds in data.absent:
        return f"sheet {data.study.sheet_name(sheet.holds)} is not in {', '.join(data.absent[sheet.holds])}"
    gone = [data.study.header(sheet.holds, c) for c in columns if f"{sheet.holds}.{c}" in data.absent]
    return f"{data.study.sheet_name(sheet.holds)} has no column {', '.join(gone)}" if gone else None
