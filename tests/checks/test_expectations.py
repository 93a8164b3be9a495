"""Every expectation of both studies: kept it passes, broken it is found at the site that breaks it, with its words."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import polars as pl
import pytest

from cdiscx import flow
from cdiscx.model.finding import Report, Status
from cdiscx.model.spec import Expectation, Study

STUDIES = {name: Study.load(name) for name in ("palhep-a", "neopvtt-b")}
EACH = [pytest.param(s, e, id=f"{n}-{e.id}") for n, s in STUDIES.items() for e in s.expectations]
CONDITION = re.compile(r'(?P<column>\w+) (?:==|in) \[?"(?P<value>[^"]+)"')


def other_word(study: Study, item: Expectation, column: str) -> str:
    """A word of the column's list that the expectation does not name."""
    spec = study.column(item.table, column)
    assert spec is not None
    return next(word for word in spec.terms if word not in item.kwargs["value_set"])


def kept_and_broken(study: Study, item: Expectation) -> tuple[dict[str, Any], dict[str, Any]]:
    """Values of a row that keeps an expectation, and of one that breaks it; lists are gone through row by row."""
    k, kind = item.kwargs, item.type.removeprefix("expect_column_")
    column = k.get("column", "")
    if kind == "values_to_not_be_null":
        spec = study.column(item.table, column)
        assert spec is not None
        word: Any = next(iter(spec.terms), None) or (
            "Y" if spec.type == "yn" else 5.0 if spec.type == "num" else "WORD"
        )
        return {column: word}, {column: None}
    if kind == "values_to_be_in_set":
        yn = not (spec := study.column(item.table, column)) or spec.type == "yn"
        bad = next(w for w in ("Y", "N") if w not in k["value_set"]) if yn else other_word(study, item, column)
        return {column: k["value_set"][0]}, {column: bad}
    if kind == "values_to_not_be_in_set":
        good = "III" if column == "PVTTCLS" else other_word(study, item, column)
        return {column: good}, {column: k["value_set"][0]}
    if kind == "mean_to_be_between":
        return {column: k["min_value"] + 1.0}, {column: k["max_value"] * 4.0}
    if kind == "quantile_values_to_be_between":
        _, high = k["quantile_ranges"]["value_ranges"][0]
        return {column: float(high)}, {column: high + 1.0}
    if kind == "value_lengths_to_be_between":
        return {column: "x" * k["max_value"]}, {column: "x" * (k["max_value"] + 1)}
    if kind == "distinct_values_to_contain_set":
        return {column: list(k["value_set"])}, {column: list(k["value_set"])[1:]}
    assert kind == "pair_values_a_to_be_greater_than_b", f"no data for {item.type}: write some"
    return {k["column_A"]: 171.0, k["column_B"]: 170.0}, {k["column_A"]: 170.0, k["column_B"]: 170.0}


def frames(item: Expectation, rows: Mapping[str, list[dict[str, Any]]]) -> dict[str, pl.DataFrame]:
    """House tables: the expectation's rows, by site, a subject a row; a list is gone through row by row."""
    said = CONDITION.match(item.kwargs.get("row_condition", ""))
    within = {said["column"]: said["value"]} if said else {}
    records = [
        {
            "SUBJID": f"{site}-{n:03}", **within,
            **{c: v[n % len(v)] if isinstance(v, list) else v for c, v in row.items()},
        }
        for site, own in rows.items() for n, row in enumerate(own)
    ]  # fmt: skip
    people = pl.DataFrame([{"SUBJID": r["SUBJID"], "SITEID": r["SUBJID"].partition("-")[0]} for r in records])
    table = pl.DataFrame(records, infer_schema_length=None)
    if item.table == "subjects":
        return {"subjects": table.join(people, on="SUBJID", maintain_order="left")}
    return {"subjects": people, item.table: table}


def judged(study: Study, item: Expectation, rows: Mapping[str, list[dict[str, Any]]]) -> Report:
    report = flow.validate(frames(item, rows), study, only=[item.id])
    assert [c.status for c in report.checks if c.check_id == item.id] != [Status.ERRORED], report.checks
    return report


def status(report: Report, item: Expectation) -> tuple[Status, str | None]:
    run = next(c for c in report.checks if c.check_id == item.id)
    return run.status, run.reason


@pytest.mark.parametrize(("study", "item"), EACH)
def test_an_expectation_passes_where_it_is_kept_and_is_found_where_it_is_broken(
    study: Study, item: Expectation
) -> None:
    good, bad = kept_and_broken(study, item)
    enough = max(item.min_rows, 10)
    assert status(judged(study, item, {"01": [good] * enough, "02": [good] * enough}), item) == (Status.PASSED, None)
    report = judged(study, item, {"01": [good] * enough, "02": [bad] * enough * 2})
    found = list(report)
    assert found
    assert {(f.check_id, f.severity.value, f.sheet) for f in found} == {
        (item.id, item.severity, study.sheet_name(item.table))
    }
    for finding in found:
        assert not re.search(r"[{}]|None|nan", finding.message), finding.message
        if item.group_by:
            assert "02" in finding.message
            assert "01" not in finding.message.replace("0.01", "")
        if finding.subject is not None:
            assert finding.subject.startswith("02-")


@pytest.mark.parametrize(("study", "item"), [p for p in EACH if p.values[1].min_rows > 1])  # type: ignore[union-attr]
def test_too_few_rows_are_not_judged_and_it_says_so(study: Study, item: Expectation) -> None:
    _, bad = kept_and_broken(study, item)
    few = [bad] * (item.min_rows - 1)
    report = judged(study, item, {"01": few, "02": few} if item.group_by else {"01": few})
    assert list(report) == []
    stands, why = status(report, item)
    assert stands is Status.SKIPPED
    assert why == f"{study.sheet_name(item.table)} has fewer than {item.min_rows} rows to judge"


@pytest.mark.parametrize(("study", "item"), EACH)
def test_an_expectation_never_passes_without_its_column_or_its_sheet(study: Study, item: Expectation) -> None:
    good, _ = kept_and_broken(study, item)
    whole = frames(item, {"01": [good] * max(item.min_rows, 10)})
    for column in good:
        report = flow.validate({**whole, item.table: whole[item.table].drop(column)}, study, only=[item.id])
        stands, why = status(report, item)
        assert stands is Status.SKIPPED
        assert study.header(item.table, column) in (why or "")
    if item.table != "subjects":
        stands, why = status(flow.validate({"subjects": whole["subjects"]}, study, only=[item.id]), item)
        assert (stands, why) == (Status.SKIPPED, f"sheet {study.sheet_name(item.table)} is not in the upload")


def test_an_expectation_that_the_library_does_not_know_is_told_by_name_and_the_others_are_judged() -> None:
    study = STUDIES["palhep-a"]
    first, second = study.expectations[:2]
    unknown = first.model_copy(update={"type": "expect_column_values_to_be_beautiful"})
    changed = study.model_copy(update={"expectations": (unknown, second)})
    people = pl.DataFrame(
        {"SUBJID": [f"01-{n:03}" for n in range(12)], "SITEID": "01", "CPSCORE": 5.0, "HEIGHT": 170.0}
    )
    report = flow.validate({"subjects": people}, changed, only=["EXP-*"])
    runs = {c.check_id: c for c in report.checks}
    assert runs[first.id].status is Status.ERRORED
    assert "expect_column_values_to_be_beautiful" in (runs[first.id].reason or "")
    assert runs[second.id].status is Status.PASSED


CONDITIONED = [p for p in EACH if "row_condition" in p.values[1].kwargs]  # type: ignore[union-attr]


@pytest.mark.parametrize(("study", "item"), CONDITIONED)
def test_a_column_of_which_a_row_condition_speaks_is_needed_too(study: Study, item: Expectation) -> None:
    good, _ = kept_and_broken(study, item)
    whole = frames(item, {"01": [good] * item.min_rows})
    told = CONDITION.match(item.kwargs["row_condition"])
    assert told
    less = whole[item.table].drop(told["column"])
    stands, why = status(flow.validate({**whole, item.table: less}, study, only=[item.id]), item)
    assert stands is Status.SKIPPED
    assert study.header(item.table, told["column"]) in (why or "")


@pytest.mark.parametrize(("study", "item"), CONDITIONED)
def test_where_no_row_meets_the_condition_nothing_has_passed(study: Study, item: Expectation) -> None:
    _, bad = kept_and_broken(study, item)
    told = CONDITION.match(item.kwargs["row_condition"])
    assert told
    spec = study.column(item.table, told["column"])
    assert spec is not None
    condition = item.kwargs["row_condition"]
    other = next(word for word in (spec.terms or ("Y", "N")) if f'"{word}"' not in condition)
    report = judged(study, item, {"01": [{**bad, told["column"]: other}] * item.min_rows})
    assert list(report) == []
    assert status(report, item)[0] is Status.SKIPPED
