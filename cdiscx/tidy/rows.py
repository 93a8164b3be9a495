"""A laid-out sheet in, its data rows out: without banners, units rows, repeated headers, totals and empty rows."""

from __future__ import annotations

import re
from dataclasses import dataclass

import polars as pl

from cdiscx.standards.units import read_unit
from cdiscx.tidy.layout import Layout
from cdiscx.tidy.words import clean_of, flat, loose_of, tight_of

_WHAT = r"(?:rows?|records?|subjects?|patients?|visits?|entries)"
_END = (
    r"^[-=*#~<>.·—– ]*(?:(?:grand |sub)?-?totals?(?: (?:number )?(?:of )?" + _WHAT + r")?|sum|count|eof"
    r"|(?:this is the )?end(?: of (?:the )?(?:data|table|file|list|records?|sheet))?|no (?:more|further) data"
    r"|合计|总计|小计|共计|总数|数据结束|结束|以下空白|表格结束)"
    r"(?: ?[:=(] ?(?:n ?= ?)?[0-9.,]* ?\)?| [0-9]+)?(?: " + _WHAT + r")?[-=*#~<>.·—– ]*$"
)
_FORMAT = re.compile(r"^(?:[dmy]{1,4}[-/. ]?){3}$|^(?:text|number|numeric|char|date|string|y/n|yes/no|list)$|^-+$")


@dataclass(frozen=True, slots=True)
class Rows:
    """`frame`: `_row` u32 and one String and one UInt8 column a house column that the sheet has (`X`, `X#`)."""

    frame: pl.DataFrame
    units: dict[str, str]
    notes: tuple[str, ...]


def data_rows(layout: Layout) -> Rows:
    """The rows of a sheet that hold data, as typed, under their house names."""
    raw = layout.raw
    if not layout.headings:
        return Rows(pl.DataFrame(schema={"_row": pl.UInt32}), {}, ())
    letters = [c for c in raw.text.columns if c != "_row"]
    kinds = raw.kinds.select(pl.col(letters).name.suffix("#"))
    below = pl.concat([raw.text, kinds], how="horizontal").filter(pl.col("_row") > layout.header_rows[-1])
    clean = below.select("_row", clean_of(pl.col(letters)))
    notes: list[str] = []
    units: dict[str, str] = {}
    drop = pl.Series([False] * clean.height, dtype=pl.Boolean)
    if clean.height and (found := _units_row(clean.row(0, named=True), layout)) is not None:
        units = found
        drop = pl.Series([True] + [False] * (clean.height - 1))
    mapped = {h.letter: h.column for h in layout.headings.values()}
    flags = clean.select(
        empty=pl.all_horizontal(pl.col(letters).is_null()),
        unread=pl.all_horizontal(pl.col(list(mapped)).is_null()),
        end=pl.col("_row").is_in(_ends_of_data(clean, layout).implode()),
        again=pl.col("_row").is_in(_headers_again(clean, layout).implode()),
    )
    where = f"{raw.file}: sheet '{raw.sheet}'"
    rows = clean.get_column("_row")
    unread = flags["unread"] & ~flags["empty"] & ~drop
    for flag, what in ((unread, "hold nothing under a known heading"), (flags["end"] & ~flags["unread"], "are totals or an end mark"),
                       (flags["again"] & ~drop, "repeat the headings")):  # fmt: skip
        if flag.any():
            listed = ", ".join(str(r) for r in rows.filter(flag).head(5)) + (" ..." if flag.sum() > 5 else "")
            notes.append(f"{where}: rows that {what} were skipped: {listed}")
    keep = ~(drop | flags["unread"] | flags["end"] | flags["again"])
    named = [
        pl.col(f"{letter}{tail}").alias(f"{column}{tail}") for letter, column in mapped.items() for tail in ("", "#")
    ]
    return Rows(below.filter(keep).select("_row", *named), units, tuple(notes))


def _cells(clean: pl.DataFrame) -> pl.LazyFrame:
    """`_row`, `letter`, `t` of every cell that holds something."""
    return clean.lazy().unpivot(index="_row", variable_name="letter", value_name="t").filter(pl.col("t").is_not_null())


def _ends_of_data(clean: pl.DataFrame, layout: Layout) -> pl.Series:
    """Rows that are a total or end mark: in the subject's cell, or in any cell of a row without subject."""
    marks = _cells(clean).filter(loose_of(pl.col("t")).str.contains(_END))
    if subject := layout.headings.get("SUBJID"):
        rows = marks.join(clean.lazy().select("_row", subject=subject.letter), on="_row")
        marks = rows.filter((pl.col("letter") == subject.letter) | pl.col("subject").is_null())
    return marks.select(pl.col("_row").unique(maintain_order=True)).collect(engine="in-memory").to_series()


def _headers_again(clean: pl.DataFrame, layout: Layout) -> pl.Series:
    """Rows most of whose cells say what their heading says, in any spelling the spec knows."""
    letters = {h.column: h.letter for h in layout.headings.values()}
    known = [(letters[column], key) for key, column in layout.aliases.index.items() if column in letters]
    keys = pl.LazyFrame(known, schema={"letter": pl.String, "key": pl.String}, orient="row").unique()
    key = tight_of(pl.col("t")).str.replace_all(r"[(\[（].*?[)\]）]|[:：*]", "")
    cells = _cells(clean.select("_row", *letters.values())).with_columns(key=key)
    told = cells.join(keys.with_columns(hit=1), on=["letter", "key"], how="left", maintain_order="left")
    same, filled = pl.col("hit").sum(), pl.len()
    again = told.group_by("_row", maintain_order=True).agg(same=same, filled=filled)
    return (
        again.filter(pl.col("same") >= 2, pl.col("same") * 10 >= pl.col("filled") * 6)
        .select("_row")
        .collect(engine="in-memory")
        .to_series()
    )


def _units_row(row: dict[str, str | None], layout: Layout) -> dict[str, str] | None:
    """House column -> unit, where the row below the header holds nothing but units and format hints."""
    cells = {letter: flat(text) for letter, text in row.items() if letter != "_row" and text}
    subject = layout.headings.get("SUBJID")
    if subject and subject.letter in cells:
        return None
    bare = {letter: text.strip("()[]{} ") for letter, text in cells.items()}
    if not bare or not all(read_unit(text) or _FORMAT.match(text.lower()) for text in bare.values()):
        return None
    named = {h.letter: h.column for h in layout.headings.values()}
    return {named[letter]: unit for letter, text in bare.items() if letter in named and (unit := read_unit(text))}
