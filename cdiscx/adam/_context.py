"""What every ADaM builder is given: the study, the cut-off, SDTM cut there, and the ADaM datasets made so far."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

import polars as pl

from cdiscx.adam._sources import number_column
from cdiscx.model.dataset import Dataset
from cdiscx.model.spec import Endpoint, Records, Study

F = TypeVar("F", bound=Callable[..., object])


@dataclass(frozen=True, slots=True)
class Absent:
    """Why a dataset was not made."""

    reason: str


def after(*datasets: str) -> Callable[[F], F]:
    """Declares which ADaM datasets a builder wants made before it (they may still be absent); stands under `@dataset`."""

    def mark(function: F) -> F:
        function.__dict__["after"] = datasets
        return function

    return mark


@dataclass(frozen=True, slots=True)
class Facts:
    """What the records of a dataset depend on besides their subject: `told` gives the few rows that some subjects'
    records say of it, and all that was told, each row once, is what `Context.fact` hands to the builder.

    `sources`: the records that `told` looks at, as the study names them.
    """

    told: Callable[[Context], pl.DataFrame]
    sources: Callable[[Study], Iterable[Records]]


def of_all(told: Callable[[Context], pl.DataFrame], sources: Callable[[Study], Iterable[Records]]) -> Callable[[F], F]:
    """Declares that a dataset depends on such facts about all subjects; stands under `@dataset`."""

    def mark(function: F) -> F:
        function.__dict__["of_all"] = Facts(told, sources)
        return function

    return mark


@dataclass(frozen=True, slots=True)
class Context:
    """One run of the derivations. `sdtm` is what `_sources.prepared` returns; `made` grows in the order of `after`."""

    study: Study
    cutoff: dt.date
    sdtm: Mapping[str, pl.DataFrame]
    made: Mapping[str, Dataset] = field(default_factory=dict)
    #: what datasets say of all subjects, where the records here are those of some (`of_all`)
    facts: Mapping[str, pl.DataFrame] = field(default_factory=dict)

    def fact(self, name: str, own: pl.DataFrame) -> pl.DataFrame:
        """What all subjects say of a dataset; its `own` records' word where they are all."""
        return self.facts.get(name, own)

    def domain(self, name: str, *columns: str) -> pl.DataFrame:
        """A domain with at least `USUBJID`, `_id`, `_from` and the columns named; those that nobody sent are null.

        Text columns are String, numbers Float64, `--DT` of a complete `--DTC` Date. No such domain: no rows.
        """
        none = pl.DataFrame(schema={"USUBJID": pl.String, "_id": pl.UInt32, "_from": pl.List(pl.UInt32)})
        frame = self.sdtm.get(name, none)
        if "USUBJID" not in frame.columns:
            frame = none
        absent = [c for c in dict.fromkeys(columns) if c not in frame.columns]
        return frame.with_columns(pl.lit(None, dtype=_dtype(c)).alias(c) for c in absent)

    def records(self, sources: Iterable[Records], date: str, *columns: str) -> pl.DataFrame:
        """USUBJID, `DT`, `ENDT`, `DTC`, `ENDTC`, `DOMAIN`, the columns named and `_from` of the records that sources mean.

        `date` is how their dates are called after the domain's letters: `ST` for --STDTC and --ENDTC, `` for --DTC.
        Records that did not take place (--OCCUR N, --STAT NOT DONE, a dose of 0 without a placebo) are left out.
        """
        parts = []
        for source in sources:
            p = source.of[:2]
            start, end = f"{p}{date}DTC", f"{p}ENDTC"
            wanted = (start, start[:-1], end, end[:-1], *source.where, *columns)
            frame = self.domain(source.of, *wanted, f"{p}OCCUR", f"{p}STAT", f"{p}DOSE", f"{p}TRT")
            for name, values in source.where.items():
                frame = frame.filter(pl.col(name).str.to_uppercase().is_in([v.upper() for v in values]))
            frame = frame.filter(took_place(p))
            parts.append(
                frame.select(
                    "USUBJID",
                    pl.col(start[:-1]).alias("DT"),
                    pl.col(end[:-1]).alias("ENDT"),
                    pl.col(start).alias("DTC"),
                    pl.col(end).alias("ENDTC"),
                    pl.lit(source.of).alias("DOMAIN"),
                    *columns,
                    "_id",
                    "_from",
                )
            )
        return pl.concat(parts) if parts else self.records((Records(of="--"),), date, *columns)

    @property
    def adsl(self) -> pl.DataFrame:
        """ADSL's frame; ADSL is made before all others."""
        return self.made["ADSL"].frame

    def endpoint(self, name: str) -> Endpoint | None:
        """An endpoint of the study file, or None where the study does not have it."""
        return self.study.endpoints.get(name)

    def p(self, name: str, default: Any = None) -> Any:
        """A parameter of the study file, or the default where the file does not give it."""
        return self.study.parameters.get(name, default)


def took_place(prefix: str) -> pl.Expr:
    """Whether a record of an intervention, event or finding happened; needs --OCCUR, --STAT, --DOSE and --TRT."""
    occurred = pl.col(f"{prefix}OCCUR").is_null() | (pl.col(f"{prefix}OCCUR").str.to_uppercase() == "Y")
    done = pl.col(f"{prefix}STAT").is_null() | (pl.col(f"{prefix}STAT").str.to_uppercase() != "NOT DONE")
    placebo = pl.col(f"{prefix}TRT").str.to_uppercase().str.contains("PLACEBO", literal=True).fill_null(False)
    given = pl.col(f"{prefix}DOSE").is_null() | (pl.col(f"{prefix}DOSE") != 0) | placebo
    return occurred & done & given


def first_by(frame: pl.DataFrame, by: Iterable[str], *, last: bool = False) -> pl.DataFrame:
    """One row per subject: the first (or last) in the order of `by`, ties by `_id`; rows with a null in `by` do not count."""
    keys = list(by)
    most = pl.col(keys[0]).max() if last else pl.col(keys[0]).min()
    best = frame.drop_nulls(keys).filter(pl.col(keys[0]) == most.over("USUBJID"))
    ordered = best.sort(*keys, "_id", descending=[*([last] * len(keys)), False], maintain_order=True)
    return ordered.group_by("USUBJID", maintain_order=True).first()


def united(base: pl.DataFrame, piece: pl.DataFrame, *, on: Iterable[str] = ("USUBJID",)) -> pl.DataFrame:
    """A left join that keeps both lineages: `_from` of the result holds what either side rests on."""
    return (
        base.join(piece.rename({"_from": "_more"}), on=list(on), how="left", maintain_order="left")
        .with_columns(_from=pl.concat_list("_from", pl.col("_more").fill_null(pl.lit([], dtype=pl.List(pl.UInt32)))))
        .drop("_more")
    )


def named(piece: pl.DataFrame) -> pl.DataFrame:
    """`piece` with `_from:VARIABLE` for each of its variables that has none: the records that decided it."""
    taken = {"USUBJID", "_from", *(c.removeprefix("_from:") for c in piece.columns if c.startswith("_from:"))}
    own = [c for c in piece.columns if c not in taken and not c.startswith("_")]
    return piece.with_columns(pl.col("_from").alias(f"_from:{c}") for c in own)


def _dtype(name: str) -> pl.DataType:
    if name.endswith("DT"):
        return pl.Date()
    return pl.Float64() if number_column(name) else pl.String()
