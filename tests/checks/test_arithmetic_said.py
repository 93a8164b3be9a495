"""The arithmetic of a response in words: signs at zero, one and many, a nadir of zero."""

from __future__ import annotations

import polars as pl
import pytest

from cdiscx.checks._arithmetic import change_said, later_visits, operands_said, percent_said


def told(expression: pl.Expr, **values: object) -> object:
    return pl.DataFrame({name: [value] for name, value in values.items()}).select(expression).item()


@pytest.mark.parametrize(
    ("percent", "text"),
    [
        (0.0, "0.00 %"),
        (0.004, "0.00 %"),
        (-0.004, "0.00 %"),
        (0.01, "+0.01 %"),
        (-0.01, "-0.01 %"),
        (20.0, "+20.00 %"),
        (-33.3333, "-33.33 %"),
    ],
)
def test_a_percentage_has_its_sign_and_two_decimals(percent: float, text: str) -> None:
    assert told(percent_said("x"), x=percent) == text


@pytest.mark.parametrize(("mm", "text"), [(0.0, "0 mm"), (0.5, "+0.5 mm"), (1.0, "+1 mm"), (-4.5, "-4.5 mm")])
def test_a_change_has_its_sign(mm: float, text: str) -> None:
    assert told(change_said("x"), x=mm) == text


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, ""), (1, " The same holds for 1 later visit."), (2, " The same holds for 2 later visits.")],
)
def test_later_visits_are_counted(count: int, text: str) -> None:
    assert told(later_visits(pl.col("n")), n=count) == text


@pytest.mark.parametrize(
    ("nadir", "text"),
    [
        (0.0, "sum 2 mm, baseline 10 mm (-80.00 %), nadir 0 mm at WEEK 6 (+2 mm)"),
        (1.0, "sum 2 mm, baseline 10 mm (-80.00 %), nadir 1 mm at WEEK 6 (+100.00 %, +1 mm)"),
    ],
)
def test_growth_from_a_nadir_of_zero_has_no_percentage(nadir: float, text: str) -> None:
    row = {"SUM": 2.0, "PSUM": 2.0, "BASE": 10.0, "PCHG": -80.0, "NADIR": nadir, "NADIR_VISIT": "WEEK 6"}
    assert told(operands_said(), **row, MISSING=["none"], HAS_TARGET=True) == text
