"""What we deliver: a dataset with its frame and all that the guide and define.xml say of it; codelists and their terms."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import polars as pl

from cdiscx.model.kept import Held, Kept, pieces, selected

#: how a variable is stored. text: String; isodate: String, ISO 8601 as far as known (--DTC); integer: Int64; float: Float64;
#: date: Date (numeric SAS date with format DATE9. in XPT, ISO text with targetDataType integer in Dataset-JSON)
VariableType = Literal["text", "isodate", "integer", "float", "date"]

DTYPES: Mapping[str, pl.DataType] = {
    "text": pl.String(),
    "isodate": pl.String(),
    "integer": pl.Int64(),
    "float": pl.Float64(),
    "date": pl.Date(),
}


@dataclass(frozen=True, slots=True)
class Term:
    """One value of a codelist. `extended`: a sponsor's own value of an extensible codelist (no C-code)."""

    value: str
    decode: str = ""
    ccode: str | None = None
    extended: bool = False


@dataclass(frozen=True, slots=True)
class Codelist:
    """A controlled list: `id` is the NCI C-code, or a sponsor's own name for a list that is not published."""

    id: str
    name: str
    terms: tuple[Term, ...] = ()
    ccode: str | None = None
    extensible: bool = False
    #: name and version of the published package, e.g. ("SDTM", "2025-03-28"); None for a sponsor's own list
    package: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Variable:
    """One column of a dataset.

    `core`: Req, Exp, Perm (SDTM), Req, Cond, Perm (ADaM) or "" for a sponsor's variable. `codelist`: id of a Codelist.
    `origin`: Collected, Derived, Assigned, Protocol, Predecessor or Not Available (words of Define-XML 2.1);
    `source`: Investigator, Sponsor, Subject, Vendor; `method`: how it was derived, as text for define.xml;
    `predecessor`: `DM.USUBJID` where origin is Predecessor.
    """

    name: str
    label: str
    type: VariableType = "text"
    core: str = ""
    role: str = ""
    codelist: str | None = None
    origin: str = "Assigned"
    source: str = "Sponsor"
    method: str = ""
    comment: str = ""
    predecessor: str | None = None


@dataclass(frozen=True, slots=True)
class ValueLevel:
    """Value-level metadata: what `variable` is in the records where every condition holds.

    `where`: (variable, comparator EQ, IN, NE or NOTIN, values) that are all true.
    """

    variable: str
    where: tuple[tuple[str, str, tuple[str, ...]], ...]
    label: str = ""
    type: VariableType = "text"
    codelist: str | None = None
    origin: str = "Collected"
    source: str = "Investigator"
    method: str = ""
    comment: str = ""


@dataclass(frozen=True)
class Dataset:
    """One SDTM or ADaM dataset.

    `frame`: the columns of `variables` in their order, sorted by the domain's keys, then private columns: SDTM
    `_id` (u32, dense over all SDTM datasets of a run), `_from` (list[u32], raw rows `_rid` of the upload's ledger),
    `_block` (text, which part of the mapping made the row); ADaM `_from` (list[u32], `_id`s of SDTM records).
    `origin`: `VARIABLE`, or `block/VARIABLE` where blocks differ, -> where its values come from: `targets.LDIAM` (lower case:
    a tidy table's column, read in the rows of `_from`), `DM.RFSTDTC` (upper case: a dataset's variable, of the same
    subject), or nothing for an assigned constant.

    The frame may wait on disk (`Kept`, a file a share of the subjects): reading the field gives all of it; `held`, `some`,
    `column` and `slices` read no more than they must.
    """

    name: str
    label: str
    klass: str
    structure: str
    keys: tuple[str, ...]
    variables: tuple[Variable, ...]
    frame: Held = Held()  # noqa: RUF009  a descriptor
    standard: str = "SDTMIG 3.4"
    subclass: str | None = None
    values: tuple[ValueLevel, ...] = ()
    origin: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    comment: str = ""
    #: reference data (no subjects): trial design
    reference: bool = False
    repeating: bool = True

    @property
    def held(self) -> pl.DataFrame | Kept:
        """The frame where it is: in memory, or as it waits on disk. Both have `lazy()`, `height`, `schema` and `columns`."""
        found: pl.DataFrame | Kept = self.__dict__["_frame"]
        return found

    @property
    def public(self) -> pl.DataFrame:
        """The frame without private columns."""
        return self.some([v.name for v in self.variables])

    def some(self, columns: Sequence[str]) -> pl.DataFrame:
        """Some columns of all records."""
        return selected(self.held, columns)

    def column(self, name: str) -> pl.Series:
        """One column of all records."""
        return self.some([name]).to_series()

    def slices(self, rows: int) -> Iterator[pl.DataFrame]:
        """The records in their order, so many at a time (in the last of a file fewer); nothing where there is none."""
        for piece in pieces(self.held):
            yield from piece.iter_slices(rows)

    def variable(self, name: str) -> Variable | None:
        """A variable by name, or None."""
        return next((v for v in self.variables if v.name == name), None)

    def with_(self, **changes: object) -> Dataset:
        """A copy with these fields replaced."""
        return replace(self, **{"frame": self.held, **changes})  # type: ignore[arg-type]


#: a dataset, or only its records
Records = pl.DataFrame | Dataset


def scanned(found: Records | None, *wanted: str) -> pl.LazyFrame:
    """Those of some columns that a dataset has (none named: all but private ones), read when and as far as asked for.

    Without any column where there is no dataset.
    """
    if found is None:
        return pl.LazyFrame()
    have = found.columns if isinstance(found, pl.DataFrame) else [v.name for v in found.variables]
    rows = found.lazy() if isinstance(found, pl.DataFrame) else found.held.lazy()
    return rows.select(c for c in have if not wanted or c in wanted)


def some_of(found: Records | None, *wanted: str) -> pl.DataFrame:
    """`scanned` in memory."""
    return scanned(found, *wanted).collect()
