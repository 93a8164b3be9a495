"""Finished datasets as the rules see them: blank text is null, dates are Dates, every record has its number."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

import polars as pl

from cdiscx.model.dataset import DTYPES, Codelist
from cdiscx.standards import dates, guide, terminology

_EPOCH: Final = pl.date(1960, 1, 1)
#: variables that are numbers, by name, after the domain's letters or alone
_NUMERIC: Final = re.compile(r"^..(STRESN|STNRLO|STNRHI|DOSE|SEQ|(ST|EN)?DY)$|^(A|AST|AEN)DY$|^(ASEQ|VISITNUM|CNSR)$")
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
    #: the columns that each dataset really has; what the guide requires or expects is there in `frames`, blank
    present: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    #: keys of the datasets as declared (define.xml, or the mapping)
    keys: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    #: of records of some subjects: the first STUDYID of the subjects' list, which may have it elsewhere
    first_study: str | None = None

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
    present = {name: tuple(c for c in frame.columns if c != "_row") for name, frame in ready.items()}
    whole = {name: _completed(name, frame) for name, frame in ready.items()}
    return Finished(whole, analysis, studyid, codelists or {}, behind, present, keys or {})


def _ready(frame: pl.DataFrame) -> pl.DataFrame:
    """Trailing blanks off, blank text null, numbers and Dates as such where they came as text."""
    kept = frame.select(pl.exclude(r"^_.*$"))
    changes = []
    for name, kind in kept.schema.items():
        if kind == pl.String and name.endswith("DT"):
            changes.append(dates.read_iso(pl.col(name)).alias(name))
        elif kind == pl.String and _NUMERIC.search(name):
            changes.append(pl.col(name).cast(pl.Float64, strict=False))
        elif kind == pl.String:
            text = pl.col(name).str.strip_chars_end()
            changes.append(pl.when(text != "").then(text).alias(name))
        elif kind.is_numeric() and name.endswith("DT"):
            changes.append((_EPOCH + pl.duration(days=pl.col(name))).alias(name))
    changed = kept.with_columns(changes)
    return (
        changed.with_columns(frame.get_column("_row"))
        if "_row" in frame.columns
        else changed.with_row_index("_row", offset=1)
    )


def first_study(subjects: pl.DataFrame | None) -> str | None:
    """The STUDYID of the first record that has one."""
    if subjects is None or "STUDYID" not in subjects.columns:
        return None
    first = subjects.get_column("STUDYID").drop_nulls().head(1)
    return str(first[0]) if first.len() else None


def _completed(name: str, frame: pl.DataFrame) -> pl.DataFrame:
    """The records with every variable that the guide requires or expects; absent ones are blank (CNF-101, 102 and 201 say so)."""
    wanted = [(v.name, v.type) for v in guide.variables(name) if v.core in ("Req", "Exp")]
    wanted = wanted or [("STUDYID", "text"), ("USUBJID", "text")]
    absent = [(n, kind) for n, kind in wanted if n not in frame.columns]
    return frame.with_columns(pl.lit(None, DTYPES[kind]).alias(n) for n, kind in absent)
