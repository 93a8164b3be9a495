"""A derived frame and the description of its columns in; the finished ADaM dataset out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from cdiscx.adam._context import Context
from cdiscx.model.dataset import DTYPES, Dataset, ValueLevel, Variable, VariableType

STANDARD = "ADaMIG 1.3"
NY = "C66742"
DATE_FLAG = "C81223"


@dataclass(frozen=True, slots=True)
class Column:
    """One column of an ADaM dataset as its module describes it.

    `of`: where values come from, `DM.AGE` or `ADSL.TRTSDT`. With one source and no `method` the variable is its
    Predecessor; with a `method` it is Derived (the text goes into define.xml); otherwise Assigned.
    """

    name: str
    label: str
    type: VariableType = "text"
    of: tuple[str, ...] = ()
    method: str = ""
    codelist: str | None = None
    core: str = ""
    comment: str = ""

    @property
    def variable(self) -> Variable:
        """The variable as define.xml tells it."""
        copied = len(self.of) == 1 and not self.method
        origin = "Predecessor" if copied else "Derived" if self.method else "Assigned"
        return Variable(
            self.name,
            self.label,
            self.type,
            core=self.core,
            codelist=self.codelist,
            origin=origin,
            source="Sponsor",
            method=self.method,
            comment=self.comment,
            predecessor=self.of[0] if copied else None,
        )


#: identifiers that stand first in every dataset, then the core of ADSL (rule 1.1)
IDENTIFIERS = ("STUDYID", "USUBJID", "SUBJID", "SITEID")
_CORE = ("TRT01P", "TRT01A", "AGE", "SEX", "ENRLFL", "SAFFL", "FASFL", "EVALFL", "RESFL", "PATFL")
_SEQUENCE = Column(
    "ASEQ",
    "Analysis Sequence Number",
    "integer",
    method="1 to n within USUBJID in the order of the dataset's sort keys.",
    core="Perm",
)


def core_names(ctx: Context) -> tuple[str, ...]:
    """ADSL variables that every dataset carries: treatment, age, sex and the population flags the study has."""
    return (*_CORE, *ctx.study.analysis.exposed)


def finish(
    ctx: Context,
    name: str,
    frame: pl.DataFrame,
    columns: Sequence[Column],
    *,
    label: str,
    klass: str,
    structure: str,
    keys: tuple[str, ...],
    sort: Iterable[str] = (),
    subclass: str | None = None,
    values: tuple[ValueLevel, ...] = (),
    comment: str = "",
    origin: Mapping[str, tuple[str, ...]] | None = None,
) -> Dataset:
    """`frame` with USUBJID, the columns described and `_from` -> the dataset with ADSL's core and ASEQ.

    Rows are sorted by USUBJID and `sort` (nulls last), then numbered. A described column that the frame lacks is null.
    `origin` adds to what `Column.of` says, e.g. for one PARAMCD: `SUMDIAM/AVAL` (`_block` is PARAMCD where there is one).
    `_from:VARIABLE` columns go along: the records that decided this variable alone. `_at`, the subject's row in ADSL, spares
    looking it up.
    """
    core = () if name == "ADSL" else _core_columns(ctx)
    described = (*core, *columns)
    if name == "ADSL":
        frame = frame.sort("USUBJID", *(s for s in sort if s in frame.columns), nulls_last=True, maintain_order=True)
    else:
        frame = _in_order(ctx, frame, [c.name for c in core if c.name != "USUBJID"], sort)
        at = len(IDENTIFIERS)
        described = (*described[:at], _SEQUENCE, *described[at:])
    out = frame.select(*(_cast(frame, c) for c in described), *_private(frame))
    sources = {c.name: c.of for c in described if c.of}
    return Dataset(
        name,
        label,
        klass,
        structure,
        keys,
        tuple(c.variable for c in described),
        out,
        standard=STANDARD,
        subclass=subclass,
        values=values,
        origin={**sources, **(origin or {})},
        comment=comment,
        repeating=name != "ADSL",
    )


def _private(frame: pl.DataFrame) -> list[pl.Series]:
    """`_from`, the `_from:VARIABLE`s, and `_block` where there are parameters."""
    lists = ["_from", *(c for c in frame.columns if c.startswith("_from:"))]
    out = [lineage(frame, c) for c in lists]
    return [*out, frame["PARAMCD"].alias("_block")] if "PARAMCD" in frame.columns else out


def _in_order(ctx: Context, frame: pl.DataFrame, brought: list[str], sort: Iterable[str]) -> pl.DataFrame:
    """Rows by subject and sort keys with ASEQ and ADSL's columns; subjects and words are compared as numbers."""
    people = ctx.adsl.select("USUBJID", *brought)
    numbers = people.select("USUBJID").with_row_index("_at")
    named = (
        frame
        if "_at" in frame.columns
        else frame.select("USUBJID").join(numbers, on="USUBJID", how="left", maintain_order="left")
    )
    at = named["_at"]
    keys = [s for s in sort if s in frame.columns and not _same(frame[s])]
    order = _order([at, *(frame[s] for s in keys)])
    # the wide rows move once, ADSL's columns are laid beside them; a column of one value need not move
    kept = frame.drop(brought, strict=False).get_columns()
    still = pl.DataFrame([c for c in kept if c.name not in keys and _same(c)])
    moved = pl.DataFrame([at.alias("_place"), *(c for c in kept if c.name not in still.columns)])[order]
    place = pl.col("_place")
    row = pl.int_range(pl.len(), dtype=pl.Int64)
    begins = pl.when(place.ne_missing(place.shift(1)) | (row == 0)).then(row).forward_fill()
    counted = moved.select(ASEQ=row - begins + 1)
    beside = people.select(brought)[moved["_place"]]
    return pl.concat([moved.drop("_place"), still, counted, beside], how="horizontal")


def _same(values: pl.Series) -> bool:
    """Whether a sort key tells no row from another."""
    missing = values.null_count()
    if missing == values.len():
        return True
    return missing == 0 and not values.dtype.is_nested() and bool((values == values.first()).all())


#: how many keys are looked at for all rows; the others only where rows agree in these
_FIRST_KEYS = 3


def _order(keys: Sequence[pl.Series]) -> pl.Series:
    """Row numbers in the order of the keys (nulls last), rows that agree in all of them as they stood.

    As many keys as fit into 63 bits are one whole number: one such column is sorted many times faster than several.
    """
    ranks = {f"_o{n}": _rank(k) for n, k in enumerate(keys[:_FIRST_KEYS])}
    packed: list[pl.Expr] = []
    used = 63
    for name, (_, bits) in ranks.items():
        if used + bits > 63:
            packed.append(pl.col(name))
            used = bits
        else:
            packed[-1] = packed[-1] * (1 << bits) + pl.col(name)
            used += bits
    frame = pl.DataFrame({name: numbers for name, (numbers, _) in ranks.items()})
    numbers = frame.select(p.alias(f"_p{n}") for n, p in enumerate(packed)).with_row_index("_row")
    names = numbers.columns[1:]
    numbers = numbers.sort(names, maintain_order=True)
    order = numbers["_row"]
    rest = keys[_FIRST_KEYS:]
    alike = pl.all_horizontal(pl.col(n) == pl.col(n).shift(1) for n in names).fill_null(False)
    if not rest or not (same := numbers.select(alike).to_series()).any():
        return order
    tied = same | same.shift(-1, fill_value=False)
    rows, group = order.filter(tied), (~same).cum_sum().filter(tied)
    again = _order([group, *(k[rows] for k in rest)])
    return order.scatter(tied.arg_true(), rows[again])


def _rank(values: pl.Series) -> tuple[pl.Series, int]:
    """A sort key as whole numbers from 0 on, in the order of its values, a blank as the last; and the bits they take."""
    if values.dtype == pl.String:
        words = values.drop_nulls().unique().sort()
        numbers = values.cast(pl.Enum(words)).to_physical()
    elif values.dtype.is_integer() or values.dtype == pl.Date:
        numbers = values.to_physical()
    elif bool((values == values.cast(pl.Int64, strict=False)).all()):
        numbers = values.cast(pl.Int64, strict=False)
    else:
        numbers = values.rank("dense")
    numbers = numbers.cast(pl.Int64)
    low, high = numbers.min(), numbers.max()
    if not isinstance(low, int) or not isinstance(high, int):
        return pl.repeat(0, values.len(), dtype=pl.Int64, eager=True), 1
    return (numbers - low).fill_null(high - low + 1), (high - low + 1).bit_length()


def lineage(frame: pl.DataFrame, name: str = "_from") -> pl.Series:
    """`_from` (or another list of ids) with each record once and in order; no list and an empty one stay what they are."""
    ids = frame[name].cast(pl.List(pl.UInt32))
    if not (ids.list.len() > 1).any():
        return ids
    rows = pl.DataFrame({name: ids}).with_row_index("_row").explode(name, empty_as_null=True).sort("_row", name)
    again = (pl.col("_row") == pl.col("_row").shift(1)) & (pl.col(name) == pl.col(name).shift(1))
    once = rows.filter(~again.fill_null(False)).group_by("_row", maintain_order=True).agg(pl.col(name).drop_nulls())
    return pl.select(pl.when(ids.is_not_null()).then(once[name])).to_series().alias(name)


def _cast(frame: pl.DataFrame, column: Column) -> pl.Expr:
    dtype = DTYPES[column.type]
    if column.name not in frame.columns:
        return pl.lit(None, dtype=dtype).alias(column.name)
    return pl.col(column.name).cast(dtype)


def _core_columns(ctx: Context) -> tuple[Column, ...]:
    known = {v.name: v for v in ctx.made["ADSL"].variables}
    names = [n for n in (*IDENTIFIERS, *core_names(ctx)) if n in known]
    return tuple(
        Column(
            n,
            known[n].label,
            known[n].type,
            of=(f"ADSL.{n}",),
            codelist=known[n].codelist,
            core="Req" if n in ("STUDYID", "USUBJID") else "Perm",
        )
        for n in names
    )


def parameter_values(frame: pl.DataFrame, of: Mapping[str, Mapping[str, ValueLevel]]) -> tuple[ValueLevel, ...]:
    """Value-level metadata of the parameters that the frame holds: PARAMCD -> variable -> its description."""
    present = set(frame["PARAMCD"].unique().to_list()) if "PARAMCD" in frame.columns else set()
    return tuple(level for code, by in of.items() if code in present for level in by.values())
