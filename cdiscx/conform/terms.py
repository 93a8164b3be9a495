"""Rules of controlled terminology, which public engines hardly judge: values against codelists, flags."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Final

import polars as pl

from cdiscx.conform.finished import Finished
from cdiscx.conform.rules import broken, rule
from cdiscx.model.dataset import Variable
from cdiscx.model.finding import Severity
from cdiscx.standards import guide

_NUMBER: Final = r"^[<>]?=?\s*-?\d+(\.\d+)?$"
#: closed lists that the guide opens for several values of one qualifier (mapping trap 6)
_MULTIPLE: Final = ("AEACN", "RACE")
_RESULT: Final = "STRESC"


def _strangers(data: Finished, *, extensible: bool) -> Iterator[tuple[str, pl.DataFrame, Variable, pl.Expr]]:
    """Dataset, records, variable and the condition that its value is in no term of its list."""
    for name, frame in data.frames.items():
        for variable in guide.variables(name):
            if variable.codelist is None or variable.name not in frame.columns:
                continue
            found = data.codelist(variable.codelist)
            if found is None or found.extensible != extensible or not found.terms:
                continue
            values = [t.value for t in found.terms] + (["MULTIPLE"] if variable.name in _MULTIPLE else [])
            value = pl.col(variable.name).cast(pl.String)
            outside = ~value.is_in(values)
            if variable.name.endswith(_RESULT):
                outside = outside & ~value.str.contains(_NUMBER) & ~value.is_in(["Y", "N"]) & _judged(data, name, frame)
            yield name, frame, variable, outside


def _judged(data: Finished, name: str, frame: pl.DataFrame) -> pl.Expr:
    """Results of clinical classifications (RS) have lists of their own; the response list is for responses."""
    responses = data.codelist("C96782") if name == "RS" else None
    if responses is None or "RSTESTCD" not in frame.columns:
        return pl.lit(True)
    published = [t.value for t in responses.terms if t.ccode]
    return pl.col("RSTESTCD").is_in(published)


@rule("CNF-130", "SDTM", "A value is not in its closed codelist")
def closed_lists(data: Finished) -> Iterator[pl.DataFrame]:
    """SDTMIG 3.4, 4.3: a list that is not extensible takes no other value."""
    for name, frame, variable, outside in _strangers(data, extensible=False):
        say = f"{variable.name} {{{variable.name}}} is not in the closed codelist {variable.codelist}"
        yield broken(name, frame, outside, variable.name, say)


def _coded(name: str, columns: Collection[str]) -> list[list[str]]:
    """Each variable with a codelist, with what decides whether it is judged."""
    coded = [v.name for v in guide.variables(name) if v.codelist is not None and v.name in columns]
    return [[variable, *({"RSTESTCD"} & set(columns) - {variable})] for variable in coded]


@rule("CNF-131", "SDTM", "A value extends a codelist without being declared", severity=Severity.WARNING, across=_coded)
def open_lists(data: Finished) -> Iterator[pl.DataFrame]:
    """A sponsor's value of an extensible list stands in define.xml as extended. One finding a value."""
    for name, frame, variable, outside in _strangers(data, extensible=True):
        first = frame.filter(outside).unique(subset=[variable.name], keep="first", maintain_order=True)
        say = f"{variable.name} {{{variable.name}}} is no term of codelist {variable.codelist} and not declared as extended"
        yield broken(name, first, pl.lit(True), variable.name, say)


@rule("CNF-132", "SDTM", "A flag that is Y or blank has another value")
def flags(data: Finished) -> Iterator[pl.DataFrame]:
    """DTHFL, --LOBXFL, --BLFL and SVPRESP are Y or blank, never N (mapping trap 7)."""
    for name, frame in data.frames.items():
        for column in ("DTHFL", "SVPRESP", f"{name[:2]}LOBXFL", f"{name[:2]}BLFL"):
            if column in frame.columns:
                yield broken(name, frame, pl.col(column) != "Y", column, f"{column} is {{{column}}}; it is Y or blank")


@rule("CNF-133", "SDTM", "A test code cannot be a variable name")
def test_codes(data: Finished) -> Iterator[pl.DataFrame]:
    """--TESTCD and QNAM: up to 8 letters, digits and underscores, not starting with a digit; --TEST and QLABEL up to 40."""
    for name, frame in data.frames.items():
        for column in (f"{name[:2]}TESTCD", "QNAM"):
            if column in frame.columns:
                bad = ~pl.col(column).str.contains(r"^[A-Z_][A-Z0-9_]{0,7}$")
                yield broken(name, frame, bad, column, f"{column} {{{column}}} cannot be a variable name")
        for column in (f"{name[:2]}TEST", "QLABEL"):
            if column in frame.columns and name != "TI":
                say = f"{column} {{{column}}} has more than 40 characters"
                yield broken(name, frame, pl.col(column).str.len_chars() > 40, column, say)
