"""Cells that tidy could not read, or read with doubt: STR-008, DAT-001, DAT-002 and TRM-001 to TRM-003."""

from __future__ import annotations

import polars as pl

from cdiscx.checks._observed import DATES, EVERY, LISTS, NUMBERS, of_kind
from cdiscx.checks._shape import nothing
from cdiscx.model.spec import Study
from cdiscx.registry import check
from cdiscx.standards.terminology import codelist, term
from cdiscx.standards.units import lab_factor, lab_standard, lab_tests


@check("STR-008", on="problems", uses=EVERY)
def value_in_doubt(problems: pl.LazyFrame, study: Study) -> pl.LazyFrame:
    """{Sheet}: {_header} holds {raw}.{detail}

    Why: nobody can tell what stood in a cell that a spreadsheet has damaged.
    Fix: ask the site for the value and type it over the cell.
    """
    damaged = pl.lit(
        "{Sheet}: {_header} holds {raw}, a sign damaged by a wrong code page; it was read as {read_as}. Confirm it."
    )
    formula = pl.lit("{Sheet}: {_header} holds the formula {raw} without a stored value.")
    error = pl.lit("{Sheet}: {_header} holds the error {raw} instead of a value.")
    c = pl.col
    found = of_kind(problems, study, "error_cell", "no_cache", "mojibake").filter(
        (c("kind") != "mojibake") | c("read_as").is_not_null()
    )
    say = pl.when(c("kind") == "mojibake").then(damaged).when(c("kind") == "no_cache").then(formula).otherwise(error)
    return found.with_columns(_say=say, _severity=pl.lit("warning"))


@check("STR-008", on="problems", uses=EVERY)
def damaged_text(problems: pl.LazyFrame, study: Study) -> pl.LazyFrame:
    """{n} cells of {file} hold characters damaged by a wrong code page, first {raw}.

    Why: damaged text reaches the datasets as it is.
    Fix: save the file again as UTF-8 (or as a workbook) and upload it.
    """
    found = of_kind(problems, study, "mojibake").filter(pl.col("read_as").is_null())
    first = found.group_by("file", maintain_order=True).agg(pl.exclude("_rid", "SUBJID").first(), n=pl.len())
    return _on_no_record(first).with_columns(_key=pl.lit("code page"), _severity=pl.lit("warning"))


@check("STR-008", on="problems", uses=EVERY)
def read_without_doubt(problems: pl.LazyFrame, study: Study) -> pl.LazyFrame:
    """{Sheet}: {_header} has {n} {what}, first {raw}, read as {read_as}.

    Why: the values were read without doubt, but other programs may read them otherwise.
    Fix: confirm the first one; type plain numbers, one a cell, in the column's unit.
    """
    c = pl.col
    words = {
        "number_as_text": "cells with numbers typed as text",
        "unit_in_cell": "cells with the unit typed behind the number",
    }
    found = of_kind(problems, study, "number_as_text", "unit_in_cell", "merged")
    place = ["file", "sheet", "table", "column", "kind"]
    first = found.group_by(place, maintain_order=True).agg(pl.exclude("_rid", "SUBJID", *place).first(), n=pl.len())
    one = {"number_as_text": "{Sheet}: {_header} holds {raw}, a number typed as text; it was read as {read_as}. Confirm it.",
           "unit_in_cell": "{Sheet}: {_header} holds {raw} with its unit; it was read as {read_as}. Confirm it.",
           "merged": "{Sheet}: a cell of {_header} is merged with others; its value was read in its first row only. Confirm it."}  # fmt: skip
    many = pl.when(c("kind") == "merged").then(
        pl.lit(
            "{Sheet}: {n} cells of {_header} are merged with others; the value was read in the first row only. Confirm them."
        )
    )
    single = c("kind").replace_strict(one, default=None)
    return _on_no_record(first).with_columns(
        what=c("kind").replace_strict(words, default=None),
        _say=pl.when(c("n") == 1).then(single).otherwise(many),
        _severity=pl.lit("note"),
        _key="kind",
    )


def _on_no_record(found: pl.LazyFrame) -> pl.LazyFrame:
    """Findings on a whole column or file: they stand on a cell but belong to no record, and silence nobody there."""
    return found.with_columns(SUBJID=pl.lit(None, pl.String), _rid=pl.lit(None, pl.UInt32))


@check("DAT-001", on="problems", uses=DATES)
def unusable_date(problems: pl.LazyFrame, study: Study) -> pl.LazyFrame:
    """{Sheet}: {_header} = {raw} is not a usable date.{detail}

    Why: without the date the record has no place in time.
    Fix: ask the site for the date and type it as YYYY-MM-DD.
    """
    return of_kind(problems, study, "unreadable_date", "implausible_date").with_columns(
        _expected=pl.lit("a date as YYYY-MM-DD")
    )


@check("DAT-002", on="problems", uses=DATES)
def ambiguous_date(problems: pl.LazyFrame, study: Study) -> pl.LazyFrame:
    """{Sheet}: {_header} = {raw} does not say which number is the day.{detail} It was not read.

    Why: day and month are never guessed, not even from the other dates of the column.
    Fix: ask the site which is meant and type it as YYYY-MM-DD, or state the column's order in the study file.
    """
    against = pl.lit("{Sheet}: {_header} = {raw} contradicts the order of day and month that the study states.{detail}")
    other = pl.col("kind") == "contradicts_order"
    return of_kind(problems, study, "ambiguous_date", "contradicts_order").with_columns(
        _say=pl.when(other).then(against),
        _severity=pl.when(other).then(pl.lit("error")).otherwise(pl.lit("warning")),
        _expected=pl.lit("a date as YYYY-MM-DD"),
    )


@check("TRM-001", on="problems", uses=LISTS)
def not_in_closed_list(problems: pl.LazyFrame, study: Study) -> pl.LazyFrame:
    """{Sheet}: {_header} = {raw} is not allowed.{detail}

    Why: the value has no place in a closed list of terms, so that it cannot be mapped.
    Fix: correct the value, or add the spelling to the study file if it means one of the terms.
    """
    return of_kind(problems, study, "not_in_list").filter(~pl.col("is_unit"))


@check("TRM-002", on="problems", uses=LISTS)
def not_in_extensible_list(problems: pl.LazyFrame, study: Study) -> pl.LazyFrame:
    """{Sheet}: {raw} is not a standard term for {_header}.{detail} Add it to the study's list if it is intended.

    Why: a term outside the list is kept, but two spellings of one thing are counted apart.
    Fix: use the nearest term, or add the value to the study file.
    """
    return of_kind(problems, study, "outside_extensible", "visit_not_in_schedule")


def _outside_its_codelist(rows: pl.LazyFrame, study: Study, table: str, column: str) -> pl.LazyFrame:
    """Rows whose text means no term of the codelist that the study file names for the column; `;` stands between several.

    With Sheet, `_header`, `raw` and `detail` as the messages on cells have them. A column of a list of its own (`terms`) is
    tidy's to judge.
    """
    spec = study.column(table, column)
    known = codelist(spec.codelist) if spec is not None and spec.type == "text" and spec.codelist else None
    if known is None:
        return nothing()
    typed = rows.filter(pl.col(column).is_not_null())
    # distinct texts are few: each is judged once
    texts = typed.select(pl.col(column).unique()).collect(engine="in-memory").get_column(column).to_list()
    strange = [text for text in texts if any(term(known.id, part) is None for part in _parts(text))]
    return typed.filter(pl.col(column).is_in(strange)).with_columns(
        Sheet=pl.lit(study.sheet_name(table)),
        _header=pl.lit(study.header(table, column)),
        raw=column,
        detail=pl.lit(""),
        _expected=pl.lit(None if known.extensible else ", ".join(t.value for t in known.terms), dtype=pl.String),
    )


def _parts(text: str) -> list[str]:
    """The values of a cell that may hold several."""
    return [part for piece in text.replace("；", ";").split(";") if (part := piece.strip())]


@check("TRM-001", on="subjects", columns=("RACE",))
def race_not_in_its_codelist(subjects: pl.LazyFrame, study: Study) -> pl.LazyFrame:
    """{Sheet}: {_header} = {raw} is not allowed.{detail}

    Why: the value has no place in a closed list of terms, so that it cannot be mapped.
    Fix: correct the value, or add the spelling to the study file if it means one of the terms.
    Rule: TRM-001; codelist C74457, as the study file names it; several races are told with `;` between them
    """
    return _outside_its_codelist(subjects, study, "subjects", "RACE")


@check("TRM-002", on="dosing", columns=("EXROUTE",))
def route_not_in_its_codelist(dosing: pl.LazyFrame, study: Study) -> pl.LazyFrame:
    """{Sheet}: {raw} is not a standard term for {_header}.{detail} Add it to the study's list if it is intended.

    Why: a term outside the list is kept, but two spellings of one thing are counted apart.
    Fix: use the nearest term, or add the value to the study file.
    Rule: TRM-002; codelist C66729, as the study file names it
    """
    return _outside_its_codelist(dosing, study, "dosing", "EXROUTE")


@check("TRM-003", on="problems", uses=NUMBERS)
def unusable_unit(problems: pl.LazyFrame, study: Study) -> pl.LazyFrame:
    """{Sheet}: {_header} = {raw} has a unit that cannot be used.{detail}

    Why: an amount in an unknown unit cannot be compared with anything.
    Fix: ask the site for the unit and correct it.
    """
    c = pl.col
    unit = of_kind(problems, study, "not_in_list").filter(c("is_unit"))
    number = of_kind(problems, study, "unknown_unit", "unit_conflict")
    # The unit's own cell speaks for the numbers of its row.
    alone = number.join(unit.filter(c("_rid").is_not_null()), on="_rid", how="anti")
    said = pl.lit("{Sheet}: {_header} = {raw} is not a unit that can be used here.{detail}")
    return pl.concat([unit.with_columns(_say=said), alone.with_columns(_say=pl.lit(None, pl.String))])


def _without(frame: pl.LazyFrame, problems: pl.LazyFrame, *columns: str) -> pl.LazyFrame:
    """Rows none of whose named cells has a problem of its own."""
    bad = problems.filter(pl.col("column").is_in(list(columns)), pl.col("unreadable"), pl.col("_rid").is_not_null())
    return frame.join(bad, on="_rid", how="anti", maintain_order="left")


@check("TRM-003", on="dosing", columns=("EXDOSU", "EXDOSE"), needs=("problems",), uses=("dosing.EXTRT",))
def dose_without_unit(dosing: pl.LazyFrame, problems: pl.LazyFrame) -> pl.LazyFrame:
    """Dosing: the dose {EXDOSEC} has no unit.

    Why: a dose without unit cannot be compared with the plan.
    Fix: ask the site for the unit.
    """
    bare = dosing.filter(pl.col("EXDOSE").is_not_null(), pl.col("EXDOSU").is_null())
    return _without(bare, problems, "EXDOSU").with_columns(_expected=pl.lit("mg, mg/kg or mg/m2"))


@check("TRM-003", on="procedures", columns=("PRDOSU", "PRDOSE"), needs=("problems",))
def activity_without_unit(procedures: pl.LazyFrame, problems: pl.LazyFrame) -> pl.LazyFrame:
    """Procedures: the total dose {PRDOSEC} has no unit.

    Why: 30 Gy and 30 GBq are different things.
    Fix: ask the site for the unit.
    """
    bare = procedures.filter(pl.col("PRDOSE").is_not_null(), pl.col("PRDOSU").is_null())
    return _without(bare, problems, "PRDOSU").with_columns(_expected=pl.lit("Gy or GBq"))


@check("TRM-003", on="labs", columns=("LBORRESU", "LBTEST", "LBORRES"), needs=("problems",))
def result_without_unit(labs: pl.LazyFrame, problems: pl.LazyFrame) -> pl.LazyFrame:
    """Labs: {LBTEST} = {LBORRESC} has {what}.

    Why: a result in an unknown unit cannot be compared with limits.
    Fix: ask the laboratory for the unit of the result.
    Not checked: INR and other tests without a dimension.
    """
    c = pl.col
    dimensional = labs.filter(c("LBTEST").is_in(list(lab_tests())), c("LBORRES").is_not_null())
    pairs = dimensional.select("LBTEST", "LBORRESU").unique().collect(engine="in-memory")
    # Distinct pairs of test and unit are few: each is judged once.
    usable = [unit is not None and lab_factor(test, unit) is not None for test, unit in pairs.iter_rows()]
    standard = [lab_standard(test) for test in pairs["LBTEST"]]
    judged = pairs.with_columns(
        usable=pl.Series(usable, dtype=pl.Boolean), _expected=pl.Series(standard, dtype=pl.String)
    )
    bad = judged.lazy().filter(~c("usable"))
    what = (
        pl.when(c("LBORRESU").is_null())
        .then(pl.lit("no unit"))
        .otherwise(
            pl.concat_str(pl.lit("the unit "), "LBORRESU", pl.lit(", which cannot be converted to "), "_expected")
        )
    )
    found = dimensional.join(bad, on=["LBTEST", "LBORRESU"], nulls_equal=True, maintain_order="left").with_columns(
        what=what
    )
    return _without(found, problems, "LBORRESU")
