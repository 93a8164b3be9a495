"""Every date of every sheet as one long table, so that rules on dates are written once."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from cdiscx.model.spec import Study
from cdiscx.registry import view

#: date columns of the house layout by table
COLUMNS: dict[str, tuple[str, ...]] = {
    "subjects": ("RFICDAT", "ENRLDAT", "DIAGDAT", "BRTHDAT"),
    "visits": ("VISDAT",),
    "dosing": ("EXSTDAT", "EXENDAT"),
    "procedures": ("PRSTDAT", "PRENDAT", "HOADMDAT", "HODISDAT", "HOREADAT"),
    "pathology": ("MIDAT",),
    "targets": ("TRDAT",),
    "nontargets": ("TRDAT",),
    "newlesions": ("TRDAT",),
    "responses": ("RSDAT",),
    "decision": ("DECDAT",),
    "ae": ("AESTDAT", "AEENDAT"),
    "disposition": ("DSDAT",),
    "survival": ("SSDAT", "DTHDAT", "NACTDAT"),
    "labs": ("LBDAT",),
}

#: what a row is in words, with the column that names it, and the column that says what became of it
_WORDS: dict[str, tuple[str, str | None, str | None]] = {
    "subjects": ("{}", None, None),
    "visits": ("{}", "VISIT", "VISDONE"),
    "dosing": ("{}", "EXTRT", None),
    "procedures": ("{}", "PRTRT", "PRTRT"),
    "pathology": ("specimen of nodule {}", "MINODULE", "MISPEC"),
    "targets": ("scan of {}", "LESID", None),
    "nontargets": ("scan of {}", "LESID", None),
    "newlesions": ("scan of {}", "LESID", None),
    "responses": ("response at {}", "VISIT", None),
    "decision": ("month-3 decision", None, None),
    "ae": ("adverse event '{}'", "AETERM", "AEOUT"),
    "disposition": ("disposition '{}'", "DSDECOD", "DSDECOD"),
    "survival": ("survival contact", None, "SSSTAT"),
    "labs": ("{} sample", "LBTEST", None),
}

_OF = tuple(
    dict.fromkeys(
        word
        for table, columns in COLUMNS.items()
        for word in (
            table,
            *(f"{table}.{c}" for c in columns),
            *(f"{table}.{c}" for c in _WORDS[table][1:] if c and c != "VISIT"),
        )
    )
)


@view("dates", of=_OF, requires=("subjects",), union=True)
def dates(study: Study, tables: Mapping[str, pl.LazyFrame]) -> pl.LazyFrame:
    """One row per date that was typed: SUBJID, `_rid`, TABLE, COLUMN (house names), HEADER, DATE, ISO, WHAT, STATE, VISIT.

    DATE: complete dates only; ISO: as collected, maybe partial (other texts are left out, DAT-001 speaks of them).
    WHAT: the row in words; STATE: VISDONE, SSSTAT, DSDECOD, AEOUT, PRTRT or MISPEC of the row, upper case.
    """
    shape = {"SUBJID": pl.String, "_rid": pl.UInt32, "TABLE": pl.String, "COLUMN": pl.String, "HEADER": pl.String,
             "DATE": pl.Date, "ISO": pl.String, "WHAT": pl.String, "STATE": pl.String, "VISIT": pl.String}  # fmt: skip
    pieces = [pl.LazyFrame(schema=shape)]
    for table, columns in COLUMNS.items():
        if table not in tables:
            continue
        frame = tables[table]
        has = set(frame.collect_schema().names())
        words, named, state = _WORDS[table]
        start, _, end = words.partition("{}")
        # not pl.format: polars 2.1 panics on it in a lazy query when one of a column's chunks is empty
        known = named is not None and named in has
        what = (
            pl.lit(start) + pl.col(named).fill_null("record") + pl.lit(end)
            if known and named
            else pl.lit(f"{start}{end}".strip())
        )
        for column in columns:
            if column not in has:
                continue
            header = study.header(table, column)
            said = pl.lit(header.removesuffix(" Date")) if table == "subjects" else what
            pieces.append(
                frame.select(
                    "SUBJID", "_rid", TABLE=pl.lit(table), COLUMN=pl.lit(column), HEADER=pl.lit(header), DATE=column,
                    ISO=f"{column}C", WHAT=said, STATE=state if state in has and state else pl.lit(None, dtype=pl.String),
                    VISIT="VISIT" if "VISIT" in has else pl.lit(None, dtype=pl.String),
                )
            )  # fmt: skip
    shaped = pl.col("ISO").str.contains(r"^\d{4}(-\d{2}(-\d{2})?|---\d{2})?(T.*)?$")
    return pl.concat(pieces).filter(shaped | pl.col("DATE").is_not_null())
