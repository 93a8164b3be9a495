"""Finished datasets as the rules see them: blank text is null, dates are Dates, every record has its number."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

import polars as pl

from cdiscx.model.dataset import Codelist
from cdiscx.standards import guide, terminology

_EPOCH: Final = pl.date(1960, 1, 1)
#: datasets without subjects, or that say something of other datasets' records
_NO_SUBJECT: Final = frozenset({"TA", "TE", "TV", "TI", "TS", "RELREC"})


@dataclass(frozen=True, slots=True)
class Finished:
    """`frames`: name (upper case) -> records with `_row` (1 = the first). `source`: the SDTM behind ADaM, where at hand."""

    frames: Mapping[str, pl.DataFrame]
    analysis: bool
    studyid: str | None = None
    codelists: Mapping[str, Codelist] = field(default_factory=dict)
    source: Mapping[str, pl.DataFrame] = field(default_factory=dict)
    #: keys of the datasets as declared (define.xml, or the mapping)
    keys: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def has(self, name: str, *columns: str) -> bool:
        """Whether the dataset is there with these columns."""
        return name in self.frames and set(columns) <= set(self.frames[name].columns)

    def subjects(self) -> Iterator[tuple[str, pl.DataFrame]]:
        """Every dataset with a USUBJID, the supplemental qualifiers included."""
        for name, frame in self.frames.items():
            if name not in _NO_SUBJECT and "USUBJID" in frame.columns:
                yield name, frame

    def domains(self) -> Iterator[tuple[str, pl.DataFrame]]:
        """Every SDTM dataset that is neither SUPP-- nor RELREC."""
        for name, frame in self.frames.items():
            if not name.startswith("SUPP") and name != "RELREC":
                yield name, frame

    def findings(self) -> Iterator[tuple[str, pl.DataFrame]]:
        """Datasets of the findings class: they have a --TESTCD of their own domain."""
        for name, frame in self.frames.items():
            if f"{name[:2]}TESTCD" in frame.columns and f"{name[:2]}ORRES" in frame.columns:
                yield name, frame

    def codelist(self, name: str) -> Codelist | None:
        """A list by id: the published one with the terms declared for this study behind it."""
        own, published = self.codelists.get(name), terminology.codelist(name)
        return terminology.extend(published, own.terms) if own and published else own or published


def finish(
    frames: Mapping[str, pl.DataFrame],
    *,
    studyid: str | None = None,
    codelists: Mapping[str, Codelist] | None = None,
    source: Mapping[str, pl.DataFrame] | None = None,
    keys: Mapping[str, tuple[str, ...]] | None = None,
) -> Finished:
    """Makes the frames comparable. ADaM is told by an `AD…` dataset; private columns (`_…`) are dropped."""
    ready = {name.upper(): _ready(frame) for name, frame in sorted(frames.items())}
    analysis = any(name.startswith("AD") and guide.dataset(name) is None for name in ready)
    behind = {name.upper(): _ready(frame) for name, frame in sorted((source or {}).items())}
    return Finished(ready, analysis, studyid, codelists or {}, behind, keys or {})


def _ready(frame: pl.DataFrame) -> pl.DataFrame:
    kept = frame.select(pl.exclude(r"^_.*$"))
    text = [
        pl.when(pl.col(n).str.strip_chars_end() != "").then(pl.col(n).str.strip_chars_end()).alias(n)
        for n, t in kept.schema.items()
        if t == pl.String
    ]
    dates = [
        (_EPOCH + pl.duration(days=pl.col(n))).alias(n)
        for n, t in kept.schema.items()
        if t.is_numeric() and n.endswith("DT")
    ]
    return kept.with_columns(*text, *dates).with_row_index("_row", offset=1)
