"""Structure, dates and words as tidy saw them: STR-001, 002, 004 to 008, DAT-001, DAT-002, TRM-001 to TRM-003."""

from __future__ import annotations

import polars as pl

from cdiscx.model.spec import Study
from cdiscx.model.table import RunContext
from cdiscx.registry import check
from cdiscx.standards.units import lab_factor, lab_standard, lab_tests

#: the sheets' tables: without one of them a check of all cells can no longer pass
_TABLES = (
    "subjects", "visits", "dosing", "procedures", "pathology", "targets", "nontargets", "newlesions", "responses", "decision",
    "ae", "disposition", "survival", "labs",
)  # fmt: skip
_SUBJECTS = tuple(word for table in _TABLES for word in (table, f"{table}.SUBJID"))
_HEADS = {"table": pl.String, "column": pl.String, "_header": pl.String, "is_unit": pl.Boolean}


def _with_words(problems: pl.LazyFrame, study: Study) -> pl.LazyFrame:
    """Problems with `_header` (canonical), `Sheet` (canonical), `is_unit` (the column holds a unit), `_table`, `_column`."""
    heads = [
        (sheet.holds, column.is_, header, column.is_ in {c.unit_column for c in sheet.columns.values()})
        for sheet in study.sheets.values()
        for header, column in sheet.columns.items()
    ]
    names = {sheet.holds: name for name, sheet in study.sheets.items()}
    known = pl.LazyFrame(heads, schema=_HEADS, orient="row")
    return problems.join(known, on=["table", "column"], how="left", maintain_order="left").with_columns(
        _table="table",
        _column="column",
        Sheet=pl.col("table").replace(names),
        is_unit=pl.col("is_unit").fill_null(False),
        detail=pl.concat_str(pl.lit(" "), "detail").fill_null(""),
    )


def _of(problems: pl.LazyFrame, study: Study, *kinds: str) -> pl.LazyFrame:
    return _with_words(problems.filter(pl.col("kind").is_in(list(kinds))), study)


@check("STR-001", on="problems")
def missing_sheet_or_column(problems: pl.LazyFrame, study: Study) -> pl.LazyFrame:
    """Sheet {Sheet} has no column for {_header}.{detail}

    Why: what the sheet or column should hold cannot be checked, mapped or analysed.
    Fix: add it, or tell the data manager under which name the site keeps it so that the name becomes a synonym.
    Rule: the layout of the site workbook, judged per upload (catalogue 15.19).
    """
    sheet = pl.lit("{file} has no sheet {Sheet}.{detail}")
    header = pl.lit("No row of sheet {sheet} looks like the headings of {Sheet}.{detail}")
    found = _of(problems, study, "missing_sheet", "missing_column", "no_header")
    say = pl.when(pl.col("kind") == "missing_sheet").then(sheet).when(pl.col("kind") == "no_header").then(header)
    return found.with_columns(_say=say, _key="kind")


@check("STR-002", on="problems", uses=_TABLES)
def unknown_column(problems: pl.LazyFrame, study: Study) -> pl.LazyFrame:
    """Not used in {sheet}: {columns} {headings}.

    Why: a heading that nobody knows may hide data that the study needs.
    Fix: nothing if the column is the site's own; else use a heading of the layout, or add it to the study file as a synonym.
    """
    found = _of(problems, study, "unknown_column")
    grouped = found.group_by("file", "sheet", "table", "Sheet", maintain_order=True).agg(
        pl.col("row", "letter", "raw").first(),
        headings=pl.concat_str(pl.lit("'"), "raw", pl.lit("'")).str.join(", "),
        columns=pl.when(pl.len() == 1).then(pl.lit("column")).otherwise(pl.lit("columns")),
    )
    return grouped.with_columns(
        SUBJID=pl.lit(None, pl.String), _rid=pl.lit(None, pl.UInt32), _table="table", _header="raw",
        _column=pl.lit(None, pl.String), _severity=pl.lit("note"),
    )  # fmt: skip


@check("STR-002", on="problems", uses=_TABLES)
def duplicate_column(problems: pl.LazyFrame, study: Study) -> pl.LazyFrame:
    """{sheet}:{detail} Neither was read.

    Why: nobody can tell which of two columns holds the truth.
    Fix: keep one of the columns and upload again.
    """
    return _of(problems, study, "duplicate_column").with_columns(_key=pl.lit("duplicate"))


def _id_key(subject: pl.Expr) -> pl.Expr:
    """What is left of a subject number without case, signs and leading zeros of its parts."""
    parts = subject.str.to_uppercase().str.replace_all(r"(^|[^0-9])0+([0-9])", "${1}${2}")
    return parts.str.replace_all(r"[^0-9A-Z]", "")


@check("STR-004", on="rows", needs=("subjects", "subjects.SUBJID"), uses=_SUBJECTS)
def subject_not_listed(rows: pl.LazyFrame, subjects: pl.LazyFrame, study: Study) -> pl.LazyFrame:
    """{records} of {Sheet} to subject {SUBJID}, who is not in the subject list.{hint}

    Why: a record of an unlisted subject reaches no dataset.
    Fix: correct the subject number, or add the subject to Demographics.
    """
    names = {sheet.holds: name for name, sheet in study.sheets.items()}
    listed = subjects.select("SUBJID").drop_nulls().unique()
    near = listed.select(Near="SUBJID", like=_id_key(pl.col("SUBJID"))).group_by("like").agg(pl.col("Near").min())
    # A number that is not of the study's form is STR-003.
    formed = pl.col("SUBJID").str.contains(study.subject_id_regex)
    lost = rows.filter(pl.col("table") != "subjects", formed).join(listed, on="SUBJID", how="anti", maintain_order="left")
    grouped = lost.sort("_rid").group_by("table", "SUBJID", maintain_order=True).agg(pl.col("_rid").first(), n=pl.len())
    return grouped.with_columns(like=_id_key(pl.col("SUBJID"))).join(near, on="like", how="left").with_columns(
        _table="table",
        _column=pl.lit("SUBJID"),
        Sheet=pl.col("table").replace(names),
        records=pl.when(pl.col("n") == 1).then(pl.lit("A row")).otherwise(pl.format("{} rows", "n")),
        hint=pl.concat_str(pl.lit(" Is "), "Near", pl.lit(" meant?")).fill_null(""),
        _say=pl.when(pl.col("n") == 1)
        .then(pl.lit("{records} of {Sheet} belongs to subject {SUBJID}, who is not in the subject list.{hint}"))
        .otherwise(pl.lit("{records} of {Sheet} belong to subject {SUBJID}, who is not in the subject list.{hint}")),
    )


@check("STR-005", on="subjects", columns=("SUBJID",))
def subject_listed_twice(subjects: pl.LazyFrame) -> pl.LazyFrame:
    """Subject {SUBJID} appears {n} times in the subject list.

    Why: every dataset has one row per subject; with two, nobody knows which baseline counts.
    Fix: ask the site which row is right and remove the other.
    """
    grouped = subjects.drop_nulls("SUBJID").sort("_rid").group_by("SUBJID", maintain_order=True)
    twice = grouped.agg(all=pl.col("_rid"), n=pl.len()).filter(pl.col("n") > 1)
    return twice.with_columns(
        _rid=pl.col("all").list.last(),
        _related=pl.col("all").list.head(pl.col("n") - 1).list.eval(pl.struct(rid=pl.element(), column=pl.lit("SUBJID"))),
        _key=pl.lit("subject"),
    )


@check("STR-005", on="subjects", columns=("SUBJID", "SITEID", "BRTHDAT", "SEX", "RFICDAT"))
def same_person_twice(subjects: pl.LazyFrame, study: Study) -> pl.LazyFrame:
    """Subjects {other} and {SUBJID} share birth date ({BRTHDAT}), sex and site and consented within {days} days: same person?

    Why: a patient who is enrolled twice counts twice.
    Fix: ask the site whether the two subjects are one person.
    Not checked: subjects of whom only the birth year is known.
    """
    person = subjects.select("_rid", "SUBJID", "SITEID", "BRTHDAT", "SEX", "RFICDAT").drop_nulls()
    pairs = person.join(person, on=["SITEID", "BRTHDAT", "SEX"], suffix="_other")
    apart = (pl.col("RFICDAT") - pl.col("RFICDAT_other")).dt.total_days().abs()
    near = pairs.filter(
        pl.col("_rid") > pl.col("_rid_other"), pl.col("SUBJID") != pl.col("SUBJID_other"), apart <= study.p("reenrol_days")
    )
    first = near.sort("_rid", "_rid_other").unique(["SUBJID", "SUBJID_other"], keep="first", maintain_order=True)
    return first.with_columns(
        other="SUBJID_other",
        days=apart,
        _severity=pl.lit("warning"),
        _related=pl.concat_list(pl.struct(rid="_rid_other", column=pl.lit("SUBJID"))),
        _key=pl.concat_str(pl.lit("person "), "SUBJID_other"),
    )


@check("STR-006", on="records")
def repeated_record(records: pl.LazyFrame, study: Study) -> pl.LazyFrame:
    """{Sheet}: {n} records share {shared} but differ in {differ}. Which one is right?

    Why: of two records of one event only one can be true, and both would be counted.
    Fix: ask the site which record is right and remove the other.
    """
    c = pl.col
    names = {sheet.holds: name for name, sheet in study.sheets.items()}
    headers = [(s.holds, i, h) for s in study.sheets.values() for i, h in enumerate(s.columns)]
    heads = pl.LazyFrame(headers, schema={"table": pl.String, "at": pl.UInt32, "header": pl.String}, orient="row")
    keyed = records.filter(c("key").is_not_null(), c("SUBJID").is_not_null())
    groups = keyed.sort("_rid").group_by("table", "SUBJID", "key", maintain_order=True)
    twice = groups.agg(all=c("_rid"), n=pl.len(), cells=c("cells")).filter(c("n") > 1)
    cells = twice.select("table", "SUBJID", "key", "cells").explode("cells").with_columns(at=pl.int_ranges(c("cells").list.len(), dtype=pl.UInt32))
    differing = (
        cells.explode("cells", "at").group_by("table", "SUBJID", "key", "at").agg(c("cells").n_unique()).filter(c("cells") > 1)
        .join(heads, on=["table", "at"]).sort("at")
        .group_by("table", "SUBJID", "key").agg(differ=c("header").str.join(", "))
    )  # fmt: skip
    same = pl.lit("{Sheet}: {n} records of {shared} are the same in every column. Is one of them a repeat?")
    return twice.join(differing, on=["table", "SUBJID", "key"], how="left").with_columns(
        _rid=c("all").list.last(),
        _table="table",
        _column=pl.lit(None, pl.String),
        Sheet=c("table").replace(names),
        shared=c("key").str.replace_all("\x1f+", ", ").str.strip_chars(", "),
        _related=c("all").list.head(c("n") - 1).list.eval(pl.struct(rid=pl.element(), column=pl.lit(None, pl.String))),
        _severity=pl.when(c("differ").is_null()).then(pl.lit("warning")).otherwise(pl.lit("error")),
        _say=pl.when(c("differ").is_null()).then(same),
        # Subjects listed twice are STR-005's.
    ).filter(c("table") != "subjects")  # fmt: skip


@check("STR-007", on="anchors", needs=("rows", "ends"), uses=_SUBJECTS)
def treated_without_records(
    anchors: pl.LazyFrame, rows: pl.LazyFrame, ends: pl.LazyFrame, study: Study, run: RunContext
) -> pl.LazyFrame:
    """Subject {SUBJID} started treatment on {D1} but has no {Sheet} record.

    Why: a treated subject without these records drops out of analyses unseen.
    Fix: ask the site for the sheet's rows of this subject.
    Not checked: sheets that may be absent (catalogue 15.19), and subjects in their first days of treatment.
    """
    wanted = [(s.holds, name) for name, s in study.sheets.items() if s.treated_need and s.mandatory]
    sheets = pl.LazyFrame(wanted, schema={"table": pl.String, "Sheet": pl.String}, orient="row")
    due = pl.col("D1") + pl.duration(days=study.p("recent_start_days"))
    ended = ends.select("SUBJID", "ENDDAT")
    started = anchors.select("SUBJID", "D1").drop_nulls().join(ended, on="SUBJID", how="left")
    over = started.filter(due < run.cutoff, pl.col("ENDDAT").is_null() | (pl.col("ENDDAT") > due))
    # A sheet that no upload has is STR-001's, once.
    there = rows.select("table").unique()
    lacking = over.join(sheets.join(there, on="table", how="semi"), how="cross").join(
        rows.select("SUBJID", "table").unique(), on=["SUBJID", "table"], how="anti"
    )
    return lacking.with_columns(_rid=pl.lit(None, pl.UInt32), _table="table", _column=pl.lit(None, pl.String), _key="table")


@check("STR-008", on="problems", uses=_TABLES)
def value_in_doubt(problems: pl.LazyFrame, study: Study) -> pl.LazyFrame:
    """{Sheet}: {_header} holds {raw}.{detail}

    Why: nobody can tell what stood in a cell that a spreadsheet has damaged.
    Fix: ask the site for the value and type it over the cell.
    """
    damaged = pl.lit("{Sheet}: {_header} holds {raw}, a sign damaged by a wrong code page; it was read as {read_as}. Confirm it.")
    formula = pl.lit("{Sheet}: {_header} holds the formula {raw} without a stored value.")
    error = pl.lit("{Sheet}: {_header} holds the error {raw} instead of a value.")
    c = pl.col
    found = _of(problems, study, "error_cell", "no_cache", "mojibake").filter(
        (c("kind") != "mojibake") | c("read_as").is_not_null()
    )
    say = pl.when(c("kind") == "mojibake").then(damaged).when(c("kind") == "no_cache").then(formula).otherwise(error)
    return found.with_columns(_say=say, _severity=pl.lit("warning"))


@check("STR-008", on="problems", uses=_TABLES)
def damaged_text(problems: pl.LazyFrame, study: Study) -> pl.LazyFrame:
    """{n} cells of {file} hold characters damaged by a wrong code page, first {raw}.

    Why: damaged text reaches the datasets as it is.
    Fix: save the file again as UTF-8 (or as a workbook) and upload it.
    """
    found = _of(problems, study, "mojibake").filter(pl.col("read_as").is_null())
    first = found.group_by("file", maintain_order=True).agg(pl.exclude("_rid", "SUBJID").first(), n=pl.len())
    return _on_no_record(first).with_columns(_key=pl.lit("code page"), _severity=pl.lit("warning"))


@check("STR-008", on="problems", uses=_TABLES)
def read_without_doubt(problems: pl.LazyFrame, study: Study) -> pl.LazyFrame:
    """{Sheet}: {_header} has {n} {what}, first {raw}, read as {read_as}.

    Why: the values were read without doubt, but other programs may read them otherwise.
    Fix: confirm the first one; type plain numbers, one a cell, in the column's unit.
    """
    c = pl.col
    words = {"number_as_text": "cells with numbers typed as text", "unit_in_cell": "cells with the unit typed behind the number"}
    found = _of(problems, study, "number_as_text", "unit_in_cell", "merged")
    place = ["file", "sheet", "table", "column", "kind"]
    first = found.group_by(place, maintain_order=True).agg(pl.exclude("_rid", "SUBJID", *place).first(), n=pl.len())
    one = {"number_as_text": "{Sheet}: {_header} holds {raw}, a number typed as text; it was read as {read_as}. Confirm it.",
           "unit_in_cell": "{Sheet}: {_header} holds {raw} with its unit; it was read as {read_as}. Confirm it.",
           "merged": "{Sheet}: a cell of {_header} is merged with others; its value was read in its first row only. Confirm it."}  # fmt: skip
    many = pl.when(c("kind") == "merged").then(
        pl.lit("{Sheet}: {n} cells of {_header} are merged with others; the value was read in the first row only. Confirm them.")
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


@check("DAT-001", on="problems", uses=_TABLES)
def unusable_date(problems: pl.LazyFrame, study: Study) -> pl.LazyFrame:
    """{Sheet}: {_header} = {raw} is not a usable date.{detail}

    Why: without the date the record has no place in time.
    Fix: ask the site for the date and type it as YYYY-MM-DD.
    """
    return _of(problems, study, "unreadable_date", "implausible_date").with_columns(_expected=pl.lit("a date as YYYY-MM-DD"))


@check("DAT-002", on="problems", uses=_TABLES)
def ambiguous_date(problems: pl.LazyFrame, study: Study) -> pl.LazyFrame:
    """{Sheet}: {_header} = {raw} does not say which number is the day.{detail} It was not read.

    Why: day and month are never guessed, not even from the other dates of the column.
    Fix: ask the site which is meant and type it as YYYY-MM-DD, or state the column's order in the study file.
    """
    against = pl.lit("{Sheet}: {_header} = {raw} contradicts the order of day and month that the study states.{detail}")
    other = pl.col("kind") == "contradicts_order"
    return _of(problems, study, "ambiguous_date", "contradicts_order").with_columns(
        _say=pl.when(other).then(against),
        _severity=pl.when(other).then(pl.lit("error")).otherwise(pl.lit("warning")),
        _expected=pl.lit("a date as YYYY-MM-DD"),
    )


@check("TRM-001", on="problems", uses=_TABLES)
def not_in_closed_list(problems: pl.LazyFrame, study: Study) -> pl.LazyFrame:
    """{Sheet}: {_header} = {raw} is not allowed.{detail}

    Why: the value has no place in a closed list of terms, so that it cannot be mapped.
    Fix: correct the value, or add the spelling to the study file if it means one of the terms.
    """
    return _of(problems, study, "not_in_list").filter(~pl.col("is_unit"))


@check("TRM-002", on="problems", uses=_TABLES)
def not_in_extensible_list(problems: pl.LazyFrame, study: Study) -> pl.LazyFrame:
    """{Sheet}: {raw} is not a standard term for {_header}.{detail} Add it to the study's list if it is intended.

    Why: a term outside the list is kept, but two spellings of one thing are counted apart.
    Fix: use the nearest term, or add the value to the study file.
    """
    return _of(problems, study, "outside_extensible", "visit_not_in_schedule")


@check("TRM-003", on="problems", uses=_TABLES)
def unusable_unit(problems: pl.LazyFrame, study: Study) -> pl.LazyFrame:
    """{Sheet}: {_header} = {raw} has a unit that cannot be used.{detail}

    Why: an amount in an unknown unit cannot be compared with anything.
    Fix: ask the site for the unit and correct it.
    """
    c = pl.col
    unit = _of(problems, study, "not_in_list").filter(c("is_unit"))
    number = _of(problems, study, "unknown_unit", "unit_conflict")
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
    pairs = dimensional.select("LBTEST", "LBORRESU").unique().collect()
    # Distinct pairs of test and unit are few: each is judged once.
    usable = [unit is not None and lab_factor(test, unit) is not None for test, unit in pairs.iter_rows()]
    standard = [lab_standard(test) for test in pairs["LBTEST"]]
    judged = pairs.with_columns(usable=pl.Series(usable, dtype=pl.Boolean), _expected=pl.Series(standard, dtype=pl.String))
    bad = judged.lazy().filter(~c("usable"))
    what = pl.when(c("LBORRESU").is_null()).then(pl.lit("no unit")).otherwise(
        pl.format("the unit {}, which cannot be converted to {}", "LBORRESU", "_expected")
    )
    found = dimensional.join(bad, on=["LBTEST", "LBORRESU"], nulls_equal=True, maintain_order="left").with_columns(what=what)
    return _without(found, problems, "LBORRESU")
