"""Which lesions belong to a reader's set: identified at a baseline, unlinked to one, sides and segments of places."""

from __future__ import annotations

import polars as pl

LESION = ["SUBJID", "EVAL", "LESID"]
READER = ["SUBJID", "EVAL"]
POINT = ["SUBJID", "EVAL", "VISIT"]
BASELINES = ("BASELINE", "POST-OPERATIVE BASELINE")

_ROMAN = ("I", "II", "III", "IV", "V", "VI", "VII", "VIII")
_SIDES = {
    "LEFT": (r"\bLEFT\b|左|\bBILATERAL\b|\bBOTH\b|双", (2, 3, 4)),
    "RIGHT": (r"\bRIGHT\b|右|\bBILATERAL\b|\bBOTH\b|双", (4, 5, 6, 7, 8)),
}


def followed(readings: pl.LazyFrame) -> pl.LazyFrame:
    """Rows of target and non-target lesions (new lesions have no set)."""
    return readings.filter(pl.col("CLASS") != "NEW")


def unlinked(readings: pl.LazyFrame) -> pl.LazyFrame:
    """Target and non-target rows after baseline whose lesion no baseline knows (ruling 15.9).

    Silent for readers without a baseline (VIS-005, END-011), for new lesions' ids and for parts of a split lesion. A
    post-operative baseline identifies lesions for what follows it.
    """
    rows = followed(readings)
    at_baseline = rows.filter(pl.col("ROLE").is_in(BASELINES))
    early = at_baseline.filter(pl.col("ROLE") == "BASELINE")
    new = readings.filter(pl.col("CLASS") == "NEW")
    later = rows.filter(pl.col("ROLE") == "POST-BASELINE", pl.col("PARENT").is_null())
    later = later.join(new.select(LESION), on=LESION, how="anti").join(early.select(LESION), on=LESION, how="anti")
    again = at_baseline.filter(pl.col("BASETYPE") == "POST-OPERATIVE").select(*LESION, "BASETYPE").unique()
    later = later.join(again, on=[*LESION, "BASETYPE"], how="anti")
    return later.join(at_baseline.select(*READER), on=READER, how="semi")


def segments(place: pl.Expr) -> pl.Expr:
    """Couinaud segments (List[i64]) that a location names as `Segment VIII`, `S8`, `S5/8`, `VIII段`."""
    text = place.str.to_uppercase()
    names_some = text.str.contains(r"SEG|段|(?:^|[^A-Z])S ?[1-8]")
    lead, end = r"(?:(?:^|[^A-Z])S ?|SEG[A-Z]*\.? ?|[/,&+、和及-] ?|\bAND )", r"[AB]?(?:[^0-9A-Z]|$)"
    found = [
        pl.when(names_some & text.str.contains(rf"{lead}(?:{n}|{roman}){end}|(?:\b|[^0-9A-Z])(?:{n}|{roman})[AB]?段"))
        .then(n)
        .cast(pl.Int64)
        for n, roman in enumerate(_ROMAN, start=1)
    ]
    return pl.concat_list(found).list.drop_nulls()


def sides(place: pl.Expr, liver: pl.Expr) -> pl.Expr:
    """LEFT, RIGHT (List[str]) that a location names, in the liver also by its segments; IV borders on both."""
    text = place.str.to_uppercase()
    known = segments(place)
    found = []
    for side, (words, numbers) in _SIDES.items():
        by_segment = liver & (
            known.list.set_intersection(pl.lit(list(numbers), dtype=pl.List(pl.Int64))).list.len() > 0
        )
        found.append(pl.when(text.str.contains(words) | by_segment).then(pl.lit(side)))
    return pl.concat_list(found).list.drop_nulls()
