"""Where a lesion lies, as sites write it (English, Chinese) -> published terms of Anatomical Location (C74456).

`data/locations.tsv`: a block an organ (words of `organs.ORGANS`), lines of rank, pattern on upper-case text, term,
direction. Liver segments are Couinaud's: II and III are the posterolateral and anterolateral segment of the left lobe, IV
the medial one, V and VIII the anteroinferior and anterosuperior, VI and VII the posteroinferior and posterosuperior segment
of the right lobe, I the caudate lobe.
"""

from __future__ import annotations

from functools import cache
from typing import Final

import polars as pl

from cdiscx.standards import terminology
from cdiscx.standards.blocks import cell, read_blocks
from cdiscx.standards.organs import organ

_FILE: Final = "locations.tsv"
LOCATION: Final = "C74456"
#: organs whose terms hold the side, or that have none
_SIDED: Final = ("LIVER", "LUNG", "PORTAL VEIN", "HEPATIC VEIN")
_TEXT: Final = pl.String()


def _said(organ_text: pl.Expr, location: pl.Expr) -> pl.Expr:
    """Organ and place in one upper-case text, Roman numerals as letters."""
    return (
        pl.concat_str(location.fill_null(""), pl.lit(" "), organ_text.fill_null(""))
        .str.normalize("NFKC")
        .str.to_uppercase()
    )


@cache
def _ranks(name: str) -> tuple[tuple[tuple[str, str, str], ...], ...]:
    """Lines of one organ by rank: (pattern, term, direction)."""
    ranks: dict[str, list[tuple[str, str, str]]] = {}
    for row in read_blocks(_FILE)[name].rows:
        ranks.setdefault(row[0], []).append((row[1], row[2], cell(row, 3)))
    return tuple(tuple(lines) for _, lines in sorted(ranks.items()))


def _placed(said: pl.Expr, name: str, field: int) -> pl.Expr:
    """Term (1) or direction (2) within one organ: of the first rank where one line fits; the organ itself where several do."""
    *ranks, last = _ranks(name)
    found = pl.lit(last[0][field] or None, dtype=_TEXT)
    for lines in reversed(ranks):
        hits = [said.str.contains(pattern) for pattern, _, _ in lines]
        several = pl.sum_horizontal(hit.cast(pl.UInt8) for hit in hits) > 1
        one = pl.coalesce(pl.when(hit).then(pl.lit(line[field] or "")) for hit, line in zip(hits, lines, strict=True))
        of_organ = pl.lit(last[0][field] or None, dtype=_TEXT)
        found = pl.when(several).then(of_organ).when(one.is_not_null()).then(one.replace("", None)).otherwise(found)
    return found


def _by_organ(organ_text: pl.Expr, location: pl.Expr, field: int) -> pl.Expr:
    rolled, said = organ(organ_text, location), _said(organ_text, location)
    found = pl.lit(None, dtype=_TEXT)
    for name in read_blocks(_FILE):
        found = pl.when(rolled == name).then(_placed(said, name, field)).otherwise(found)
    return found


def location_term(organ_text: pl.Expr, location: pl.Expr) -> pl.Expr:
    """Anatomical location of a lesion as a published term.

    Text that names several parts of an organ (`Segment V/VIII`) gives the organ. An organ that is not in the table gives
    the term its text spells, else its text in upper case, which is then a value of the sponsor's.
    """
    spelled = terminology.spellings(LOCATION)
    key = organ_text.str.normalize("NFKC").str.to_uppercase().str.strip_chars()
    published = key.replace_strict(spelled, default=None, return_dtype=_TEXT)
    return pl.coalesce(_by_organ(organ_text, location, 1), published, key)


def location_side(organ_text: pl.Expr, location: pl.Expr) -> pl.Expr:
    """LEFT, RIGHT or BILATERAL (C99073) where the text says so and the term of the organ does not."""
    said = _said(organ_text, location)
    left, right = said.str.contains(r"\bLEFT\b|左"), said.str.contains(r"\bRIGHT\b|右")
    both = said.str.contains(r"BILATERAL|\bBOTH\b|双侧|两侧") | (left & right)
    side = pl.when(both).then(pl.lit("BILATERAL")).when(left).then(pl.lit("LEFT")).when(right).then(pl.lit("RIGHT"))
    return pl.when(~organ(organ_text, location).is_in(_SIDED).fill_null(False)).then(side)


def location_direction(organ_text: pl.Expr, location: pl.Expr) -> pl.Expr:
    """Direction (C99074) that belongs to the term: SUPERIOR of the superior mesenteric vein."""
    return _by_organ(organ_text, location, 2)
