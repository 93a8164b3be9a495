"""A rule of finished datasets: its id, what it needs, and a function that yields the records that break it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import Final, Literal

import polars as pl

from cdiscx.conform.finished import Finished
from cdiscx.model.finding import Severity

#: a broken record: dataset, number of the record (null: the dataset as a whole), subject, variable, its value, what is wrong
HITS: Final = {
    "dataset": pl.String,
    "row": pl.UInt32,
    "USUBJID": pl.String,
    "column": pl.String,
    "value": pl.String,
    "message": pl.String,
}
Standard = Literal["SDTM", "ADaM"]
Function = Callable[[Finished], Iterator[pl.DataFrame]]
#: name and columns of a dataset -> groups of columns: a rule looks at nothing but the first record of each of their combinations
Across = Callable[[str, Collection[str]], list[list[str]]]


@dataclass(frozen=True, slots=True)
class Rule:
    """`needs`: datasets without which the rule cannot run; nothing there: it looks at every dataset.

    `across`: of a rule that holds records of several subjects against each other. All others look at a subject at a time.
    """

    id: str
    title: str
    severity: Severity
    standard: Standard
    needs: tuple[str, ...]
    function: Function
    across: Across | None = None


_RULES: dict[str, Rule] = {}


def rule(
    rule_id: str,
    standard: Standard,
    title: str,
    *needs: str,
    severity: Severity = Severity.ERROR,
    across: Across | None = None,
) -> Callable[[Function], Function]:
    """Registers a rule; ids are never used twice."""

    def register(function: Function) -> Function:
        _RULES[rule_id] = Rule(rule_id, title, severity, standard, needs, function, across)
        return function

    return register


def rules() -> dict[str, Rule]:
    """Id -> rule, in the order of the ids."""
    return dict(sorted(_RULES.items()))


def broken(name: str, frame: pl.DataFrame, where: pl.Expr, column: str, say: str) -> pl.DataFrame:
    """The records of `frame` where the condition is true, as hits; `{VARIABLE}` in `say` is filled from the record."""
    rows = frame.filter(where)
    if rows.height == 0:
        return pl.DataFrame(schema=HITS)
    columns = rows.columns
    pieces: list[pl.Expr] = []
    text = say
    while "{" in text:
        before, _, rest = text.partition("{")
        word, _, text = rest.partition("}")
        pieces += [pl.lit(before), pl.col(word).cast(pl.String).fill_null("(blank)")]
    message = pl.concat_str(*pieces, pl.lit(text))
    return rows.select(
        pl.lit(name).alias("dataset"),
        pl.col("_row").cast(pl.UInt32).alias("row") if "_row" in columns else pl.lit(None, pl.UInt32).alias("row"),
        pl.col("USUBJID").cast(pl.String) if "USUBJID" in columns else pl.lit(None, pl.String).alias("USUBJID"),
        pl.lit(column).alias("column"),
        pl.col(column).cast(pl.String).alias("value") if column in columns else pl.lit(None, pl.String).alias("value"),
        message.alias("message"),
    )


def whole(name: str, column: str, message: str) -> pl.DataFrame:
    """One hit on a dataset as a whole."""
    return pl.DataFrame([(name, None, None, column, None, message)], schema=HITS, orient="row")
