"""ADAE in, the tables of adverse events out: overall, per component, by system organ class, term and highest grade."""

from __future__ import annotations

from typing import Any

import polars as pl

from cdiscx.analysis import words
from cdiscx.analysis.inputs import Inputs, Population
from cdiscx.analysis.proportion import clopper_pearson

GRADES = (1, 2, 3, 4, 5)
_SEVERE = 3
_UNCODED = "NOT CODED"
_WITHDRAWN = ("DRUG WITHDRAWN", "DRUG WITHDRAWN PERMANENTLY")
#: columns that are looked at, and how flags of attribution and actions taken begin
_USED = {
    "USUBJID", "TRTEMFL", "AEREL", "WITHDFL", "ATOXGRN", "ATOXGR", "AETOXGR", "AEBODSYS", "AESOC", "AEDECOD", "AETERM",
    "AESER", "AEOUT", "AESDTH",
}  # fmt: skip
_FLAGS, _ACTIONS = ("AREL",), ("AEACN", "AACN")
METHOD = (
    "Subjects with at least one event / subjects treated; a subject counts once a row, with its highest CTCAE grade. "
    "Treatment-emergent events only."
)


def adverse_events(inputs: Inputs) -> dict[str, Any]:
    """Treatment-emergent events (TRTEMFL = Y) of the safety set: summary, by component, by term, by highest grade."""
    population = inputs.population("SAFFL")
    head = {"population": population.flag, "label": population.label, "N": population.n, "method": METHOD}
    used = [c for c in inputs.columns("ADAE") if c in _USED or c.startswith(_FLAGS + _ACTIONS)]
    frame = inputs.frame("ADAE", *used) if used else pl.DataFrame()
    if not {"USUBJID", "TRTEMFL"} <= set(frame.columns):
        return head | {
            "text": "No table of adverse events was derived.",
            "summary": [],
            "by_component": [],
            "by_term": [],
        }
    events = _events(inputs, frame, population)
    n = population.n
    text = f"{words.people(events['USUBJID'].n_unique())} of {n:,} with a treatment-emergent adverse event."
    result = head | {
        "text": text if events.height else "No treatment-emergent adverse event was reported.",
        "events": events.height,
        "summary": [_line(key, label, events.filter(test), n) for key, label, test in _SUMMARY],
        "by_component": _by_component(inputs, events, n),
        "max_grade": _max_grades(events, n),
        "by_term": _by_term(events, n),
        "serious_by_term": _by_term(events.filter("SERIOUS"), n),
        "related_by_term": _by_term(events.filter("RELATED"), n),
    }
    ungraded = events.filter(pl.col("GRADE").is_null()).height
    notes = [f"Events without a grade: {ungraded:,}; they stand in the column any grade only."] if ungraded else []
    return result | ({"notes": notes} if notes else {})


_SUMMARY: tuple[tuple[str, str, pl.Expr], ...] = (
    ("any", "Any adverse event", pl.lit(True)),
    ("grade3", "Grade 3 or higher", pl.col("GRADE") >= _SEVERE),
    ("serious", "Serious", pl.col("SERIOUS")),
    ("related", "Related to study treatment", pl.col("RELATED")),
    ("related_grade3", "Related, grade 3 or higher", pl.col("RELATED") & (pl.col("GRADE") >= _SEVERE)),
    ("withdrawal", "Leading to withdrawal of a treatment", pl.col("WITHDRAWAL")),
    ("fatal", "Fatal", pl.col("FATAL")),
)


def _events(inputs: Inputs, frame: pl.DataFrame, population: Population) -> pl.DataFrame:
    """The events that count, in house words: USUBJID, SOC, PT, GRADE, SERIOUS, RELATED, WITHDRAWAL, FATAL, AREL flags."""
    columns = set(frame.columns)
    flags = [c for c in frame.columns if c.startswith(_FLAGS) and c != "AREL"]
    actions = [c for c in frame.columns if c.startswith(_ACTIONS)]

    def text(name: str, *others: str) -> pl.Expr:
        found = [pl.col(c).cast(pl.String) for c in (name, *others) if c in columns]
        return pl.coalesce([*found, pl.lit(None, pl.String)])

    related = [pl.col(c).cast(pl.String) == "Y" for c in [*flags, *({"AREL"} & columns)]]
    related = related or [text("AEREL").str.to_uppercase().is_in(["Y", "RELATED"])]
    withdrawn = [pl.col(c).cast(pl.String).str.to_uppercase().is_in(_WITHDRAWN) for c in actions] or [pl.lit(False)]
    if "WITHDFL" in columns:
        withdrawn = [pl.col("WITHDFL") == "Y"]
    grade = pl.coalesce(
        [pl.col(c).cast(pl.Int64, strict=False) for c in ("ATOXGRN", "ATOXGR", "AETOXGR") if c in columns]
        or [pl.lit(None, pl.Int64)]
    )
    chosen = frame.filter(pl.col("TRTEMFL") == "Y").join(population.subjects, on="USUBJID", how="semi")
    return chosen.select(
        "USUBJID",
        *flags,
        SOC=text("AEBODSYS", "AESOC").fill_null(_UNCODED),
        PT=text("AEDECOD", "AETERM").fill_null(_UNCODED),
        GRADE=grade,
        SERIOUS=text("AESER") == "Y",
        RELATED=pl.any_horizontal(related),
        WITHDRAWAL=pl.any_horizontal(withdrawn),
        FATAL=(text("AEOUT") == "FATAL") | (text("AESDTH") == "Y"),
    ).with_columns(pl.col("SERIOUS", "RELATED", "WITHDRAWAL", "FATAL").fill_null(False))


def _line(key: str, label: str, events: pl.DataFrame, total: int) -> dict[str, Any]:
    n = events["USUBJID"].n_unique()
    limits = clopper_pearson(n, total)
    low, high = limits or (None, None)
    part = n / total if total else None
    text = f"{n} ({words.percent(part)})"
    return {"id": key, "label": label, "n": n, "events": events.height, "estimate": part} | {
        "ci_lower": low,
        "ci_upper": high,
        "text": text,
    }


def _by_component(inputs: Inputs, events: pl.DataFrame, total: int) -> list[dict[str, Any]]:
    """Related events of every component of the treatment, under its attribution flag (study file `arel`)."""
    named = {c.arel: c.label for c in inputs.study.components.values() if c.arel in events.columns}
    rows = []
    for flag, label in sorted(named.items(), key=lambda item: item[1]):
        related = events.filter(pl.col(flag) == "Y")
        severe = related.filter(pl.col("GRADE") >= _SEVERE)
        line = _line(flag, f"Related to {label}", related, total)
        rows.append(line | {"grade3": severe["USUBJID"].n_unique(), "serious": _subjects(related.filter("SERIOUS"))})
    return rows


def _max_grades(events: pl.DataFrame, total: int) -> list[dict[str, Any]]:
    """Subjects by the highest grade of any event of theirs."""
    worst = events.group_by("USUBJID").agg(pl.col("GRADE").max())
    counts = {grade: worst.filter(pl.col("GRADE") == grade).height for grade in GRADES}
    return [{"grade": g, "n": n, "estimate": n / total if total else None} for g, n in counts.items()]


def _by_term(events: pl.DataFrame, total: int) -> list[dict[str, Any]]:
    """Rows of a table: any event, then every class and its terms, most frequent first."""
    every = _tabled(events.with_columns(SOC=pl.lit(""), PT=pl.lit("")), ["SOC", "PT"])
    classes = _tabled(events.with_columns(PT=pl.lit("")), ["SOC", "PT"])
    terms = _tabled(events, ["SOC", "PT"])
    rank = classes.select("SOC", CLASS=pl.col("n"))
    table = (
        pl.concat([classes, terms])
        .join(rank, on="SOC", how="left")
        .with_columns(TOP=pl.col("PT") == "")
        .sort(["CLASS", "SOC", "TOP", "n", "PT"], descending=[True, False, True, True, False])
    )
    rows = pl.concat([every, table.select(every.columns)]) if events.height else every
    return [
        {
            "soc": r["SOC"],
            "pt": r["PT"],
            "n": r["n"],
            "estimate": r["n"] / total if total else None,
            "events": r["events"],
        }
        | {"grades": {str(g): r[f"g{g}"] for g in GRADES}, "grade3": r["grade3"], "serious": r["serious"]}
        for r in rows.iter_rows(named=True)
    ]


def _tabled(events: pl.DataFrame, by: list[str]) -> pl.DataFrame:
    per_subject = events.group_by(*by, "USUBJID").agg(
        pl.len().alias("events"), pl.col("GRADE").max(), pl.col("SERIOUS").any()
    )
    grades = [(pl.col("GRADE") == g).sum().cast(pl.Int64).alias(f"g{g}") for g in GRADES]
    return per_subject.group_by(by).agg(
        pl.len().cast(pl.Int64).alias("n"),
        pl.col("events").sum().cast(pl.Int64),
        *grades,
        grade3=(pl.col("GRADE") >= _SEVERE).sum().cast(pl.Int64),
        serious=pl.col("SERIOUS").sum().cast(pl.Int64),
    )


def _subjects(events: pl.DataFrame) -> int:
    return events["USUBJID"].n_unique()
