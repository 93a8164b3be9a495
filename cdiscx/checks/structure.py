"""Sheets, headings, subjects and keys: STR-001, STR-002 and STR-004 to STR-007."""

from __future__ import annotations

import polars as pl

from cdiscx.checks._observed import EVERY, SUBJECTS, TABLES, of_kind
from cdiscx.model.spec import Study
from cdiscx.model.table import RunContext
from cdiscx.registry import check


@check("STR-001", on="problems", uses=TABLES)
def missing_sheet_or_column(problems: pl.LazyFrame, study: Study) -> pl.LazyFrame:
    """Sheet {Sheet} has no column for {_header}.{detail}

    Why: what the sheet or column should hold cannot be checked, mapped or analysed.
    Fix: add it, or tell the data manager under which name the site keeps it so that the name becomes a synonym.
    Rule: the layout of the site workbook, judged per upload (catalogue 15.19).
    """
    sheet = pl.lit("{file} has no sheet {Sheet}.{detail}")
    header = pl.lit("No row of sheet {sheet} looks like the headings of {Sheet}.{detail}")
    found = of_kind(problems, study, "missing_sheet", "missing_column", "no_header")
    say = pl.when(pl.col("kind") == "missing_sheet").then(sheet).when(pl.col("kind") == "no_header").then(header)
    return found.with_columns(_say=say, _key="kind")


@check("STR-002", on="problems", uses=EVERY)
def unknown_column(problems: pl.LazyFrame, study: Study) -> pl.LazyFrame:
    """Not used in {sheet}: {columns} {headings}.

    Why: a heading that nobody knows may hide data that the study needs.
    Fix: nothing if the column is the site's own; else use a heading of the layout, or add it to the study file as a synonym.
    """
    found = of_kind(problems, study, "unknown_column")
    grouped = found.group_by("file", "sheet", "table", "Sheet", maintain_order=True).agg(
        pl.col("row", "letter", "raw").first(),
        headings=pl.concat_str(pl.lit("'"), "raw", pl.lit("'")).str.join(", "),
        columns=pl.when(pl.len() == 1).then(pl.lit("column")).otherwise(pl.lit("columns")),
    )
    return grouped.with_columns(
        SUBJID=pl.lit(None, pl.String), _rid=pl.lit(None, pl.UInt32), _table="table", _header="raw",
        _column=pl.lit(None, pl.String), _severity=pl.lit("note"),
    )  # fmt: skip


@check("STR-002", on="problems", uses=EVERY)
def duplicate_column(problems: pl.LazyFrame, study: Study) -> pl.LazyFrame:
    """{sheet}:{detail} Neither was read.

    Why: nobody can tell which of two columns holds the truth.
    Fix: keep one of the columns and upload again.
    """
    return of_kind(problems, study, "duplicate_column").with_columns(_key=pl.lit("duplicate"))


def _id_key(subject: pl.Expr) -> pl.Expr:
    """What is left of a subject number without case, signs and leading zeros of its parts."""
    parts = subject.str.to_uppercase().str.replace_all(r"(^|[^0-9])0+([0-9])", "${1}${2}")
    return parts.str.replace_all(r"[^0-9A-Z]", "")


@check("STR-004", on="rows", needs=("subjects", "subjects.SUBJID"), uses=SUBJECTS)
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
    lost = rows.filter(pl.col("table") != "subjects", formed).join(
        listed, on="SUBJID", how="anti", maintain_order="left"
    )
    grouped = lost.sort("_rid").group_by("table", "SUBJID", maintain_order=True).agg(pl.col("_rid").first(), n=pl.len())
    return (
        grouped.with_columns(like=_id_key(pl.col("SUBJID")))
        .join(near, on="like", how="left")
        .with_columns(
            _table="table",
            _column=pl.lit("SUBJID"),
            Sheet=pl.col("table").replace(names),
            records=pl.when(pl.col("n") == 1)
            .then(pl.lit("A row"))
            .otherwise(pl.concat_str(pl.col("n").cast(pl.String), pl.lit(" rows"))),
            hint=pl.concat_str(pl.lit(" Is "), "Near", pl.lit(" meant?")).fill_null(""),
            _say=pl.when(pl.col("n") == 1)
            .then(pl.lit("{records} of {Sheet} belongs to subject {SUBJID}, who is not in the subject list.{hint}"))
            .otherwise(
                pl.lit("{records} of {Sheet} belong to subject {SUBJID}, who is not in the subject list.{hint}")
            ),
        )
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
        _related=pl.col("all")
        .list.head(pl.col("n") - 1)
        .list.eval(pl.struct(rid=pl.element(), column=pl.lit("SUBJID"))),
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
        pl.col("_rid") > pl.col("_rid_other"),
        pl.col("SUBJID") != pl.col("SUBJID_other"),
        apart <= study.p("reenrol_days"),
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
    Rule: STR-006; specimens of an upload that gives no nodule or no specimen at all cannot be told apart and are left out
    """
    c = pl.col
    records = _told_apart(records, study)
    names = {sheet.holds: name for name, sheet in study.sheets.items()}
    headers = [(s.holds, i, h) for s in study.sheets.values() for i, h in enumerate(s.columns)]
    heads = pl.LazyFrame(headers, schema={"table": pl.String, "at": pl.UInt32, "header": pl.String}, orient="row")
    keyed = records.filter(c("key").is_not_null(), c("SUBJID").is_not_null())
    groups = keyed.sort("_rid").group_by("table", "SUBJID", "key", maintain_order=True)
    twice = groups.agg(all=c("_rid"), n=pl.len(), cells=c("cells")).filter(c("n") > 1)
    cells = (
        twice.select("table", "SUBJID", "key", "cells")
        .explode("cells")
        .with_columns(at=pl.int_ranges(c("cells").list.len(), dtype=pl.UInt32))
    )
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


def _told_apart(records: pl.LazyFrame, study: Study) -> pl.LazyFrame:
    """The records without those of a table whose distinguishing part of the key is blank throughout: the site has no such column."""
    found = study.sheet_of("pathology")
    key = list(found[1].key) if found else []
    for name in ("MINODULE", "MISPEC"):
        if name in key:
            part = pl.col("key").str.split("\x1f").list.get(key.index(name), null_on_oob=True)
            given = (part != "").any().over("table")
            records = records.filter((pl.col("table") != "pathology") | given.fill_null(False))
    return records


@check("STR-007", on="anchors", needs=("rows", "ends"), uses=SUBJECTS)
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
    return lacking.with_columns(
        _rid=pl.lit(None, pl.UInt32), _table="table", _column=pl.lit(None, pl.String), _key="table"
    )
