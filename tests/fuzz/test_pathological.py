"""Texts made to exhaust regular expressions, as values, headings, sheet names and subject numbers: no hang, no crash."""

from __future__ import annotations

import csv
import time
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path

import pytest

from cdiscx import flow
from cdiscx.model.spec import Study
from cdiscx.samples import clean

LENGTH = 100_000
TEXTS = {
    "digits": "1" * LENGTH,
    "spaces": " " * LENGTH + "x",
    "dashes": "2024-" * (LENGTH // 5),
    "commas": "1," * (LENGTH // 2) + "x",
    "dots": "." * LENGTH + "1",
    "brackets": "(" * LENGTH,
    "months": "MAR" * (LENGTH // 3),
    "signs": "-+" * (LENGTH // 2),
    "units": "1 mm x " * (LENGTH // 7),
    "combining": "e" + "\u0301" * LENGTH,
    "wide": "１２３" * (LENGTH // 3),
    "slots": "{SUBJID}" * (LENGTH // 8),
    "backslashes": "\\" * LENGTH,
    "lines": "a\n" * (LENGTH // 2),
    "exponent": "1e" + "9" * LENGTH,
}


GROUPS = {"numbers": tuple(TEXTS)[:5], "words": tuple(TEXTS)[5:10], "signs": tuple(TEXTS)[10:]}


def _table(path: Path, rows: Sequence[Sequence[object]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(rows)


def as_csv(sheets: Mapping[str, Sequence[Mapping[str, object]]], folder: Path) -> Path:
    """The sheets as they are, a folder of csv."""
    folder.mkdir()
    for name, rows in sheets.items():
        if rows:
            _table(folder / f"{name}.csv", [list(rows[0]), *(list(row.values()) for row in rows)])
    return folder


def written(sheets: Mapping[str, Sequence[Mapping[str, object]]], texts: Sequence[str], folder: Path) -> Path:
    """A folder of csv in which every column of every sheet holds each of the texts in a row of its own."""
    folder.mkdir()
    for name, rows in sheets.items():
        if not rows:
            continue
        heads = list(rows[0])
        cells = [[row[h] for h in heads] for row in rows]
        for column, head in enumerate(heads):
            for k, text in enumerate(texts):
                if head != "Subject ID" and len(rows) > 1:
                    cells[(column + k) % len(rows)][column] = text
        if name == "Visits":
            cells[0][0] = texts[0]
        if name == "Labs":
            heads[-1] = " ".join(texts[0].split())
        _table(folder / f"{name}.csv", [heads, *cells])
    return folder


@pytest.mark.parametrize("group", GROUPS)
def test_texts_of_a_hundred_thousand_characters_cost_no_more_than_they_should(group: str, tmp_path: Path) -> None:
    upload = clean("palhep-a", sites=1, subjects=2, seed=3)[0]
    site = written(upload.sheets, [TEXTS[name] for name in GROUPS[group]], tmp_path / "site")
    start = time.process_time()
    plan = Study.load("palhep-a")
    data = flow.tidy(plan, flow.read(site), today=date(2025, 7, 1))
    report = flow.validate(data, cutoff=date(2025, 6, 30), expectations=False)
    said = [flow.rendered(report, form) for form in ("text", "json", "junit", "sarif")]
    assert time.process_time() - start < 60
    assert report.complete, [c.traceback for c in report.checks if c.traceback]
    assert not report.ok()
    assert max(len(f.message) for f in report) < 2000
    assert all(said)
