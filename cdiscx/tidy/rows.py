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
        end=_end_of_data(letters, layout),
        again=_header_again(layout),
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


def _end_of_data(letters: list[str], layout: Layout) -> pl.Expr:
    """A total or end mark: in the subject's cell, or in any cell of a row without subject."""
    marks = {letter: loose_of(pl.col(letter)).str.contains(_END).fill_null(False) for letter in letters}
    anywhere = pl.any_horizontal(list(marks.values()))
    subject = layout.headings.get("SUBJID")
    return marks[subject.letter] | (pl.col(subject.letter).is_null() & anywhere) if subject else anywhere


def _header_again(layout: Layout) -> pl.Expr:
    """Most cells of the row say what their heading says, in any spelling the spec knows."""
    hits, cells = [], []
    for heading in layout.headings.values():
        keys = [key for key, column in layout.aliases.index.items() if column == heading.column]
        key = tight_of(pl.col(heading.letter)).str.replace_all(r"[(\[（].*?[)\]）]|[:：*]", "")
        hits.append(key.is_in(keys).fill_null(False).cast(pl.Int32))
        cells.append(pl.col(heading.letter).is_not_null().cast(pl.Int32))
    same, filled = pl.sum_horizontal(hits), pl.sum_horizontal(cells)
    return (same >= 2) & (same * 10 >= filled * 6)


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
