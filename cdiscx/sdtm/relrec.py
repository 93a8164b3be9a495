"""Finished SDTM datasets -> RELREC: which datasets belong together by a link variable, and pairs of single records."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import polars as pl

from cdiscx.model.dataset import Dataset
from cdiscx.model.kept import Kept, copied, pieces
from cdiscx.standards import guide


@dataclass(frozen=True, slots=True)
class Link:
    """Two datasets whose records belong together where two variables hold the same value in one subject."""

    relid: str
    one: tuple[str, str, str]  # dataset, variable, ONE or MANY
    other: tuple[str, str, str]


#: links of whole datasets (sdtm-mapping 4.12)
LINKS = (
    Link("TUTR", ("TU", "TULNKID", "ONE"), ("TR", "TRLNKID", "MANY")),
    Link("TRRS", ("TR", "TRLNKGRP", "MANY"), ("RS", "RSLNKGRP", "MANY")),
    Link("PRMI", ("PR", "PRLNKID", "ONE"), ("MI", "MIREFID", "MANY")),
    Link("PREX", ("PR", "PRLNKID", "ONE"), ("EX", "EXLNKID", "MANY")),
)
#: the grade of a complication that was treated by an operation under general anaesthesia (Clavien-Dindo)
_REOPERATED = "IIIb"
_Schema = dict[str, pl.DataType | type[pl.DataType]]
_PAIR: _Schema = {"USUBJID": pl.String, "AESEQ": pl.Int64, "SEQ": pl.Int64, "_from": pl.List(pl.UInt32)}
_SHAPE: _Schema = {"RDOMAIN": pl.String, "USUBJID": pl.String, "IDVAR": pl.String, "IDVARVAL": pl.String, "RELTYPE": pl.String,
          "RELID": pl.String, "_from": pl.List(pl.UInt32), "_block": pl.String}  # fmt: skip


def relrec(sdtm: Mapping[str, Dataset]) -> Dataset | None:
    """RELREC of the datasets that are there; None when nothing is related.

    A dataset-level link is written only when at least one value stands on both sides. Pairs of records, only where there is
    one candidate on either side: the complication of Clavien-Dindo grade IIIb and the reoperation, the fatal event and the
    death that ended participation. Source: sdtm-mapping 4.12.
    """
    pieces = [pl.DataFrame(schema=_SHAPE), *(_level(sdtm, link) for link in LINKS)]
    pieces.append(_pairs("PR", _reoperations(sdtm)))
    pieces.append(_pairs("DS", _deaths(sdtm)))
    rows = pl.concat(pieces)
    if rows.is_empty():
        return None
    study = next(_first_study(d) for d in sdtm.values() if d.held.height and "STUDYID" in d.held.columns)
    about = guide.dataset("RELREC")
    assert about is not None
    variables = tuple(replace(v, origin="Assigned") for v in guide.variables("RELREC"))
    rows = rows.with_columns(STUDYID=pl.lit(study))
    keys = [k for k in about.keys if k in rows.columns]
    return Dataset(
        name="RELREC",
        label=about.label,
        klass=about.klass,
        structure=about.structure,
        keys=about.keys,
        variables=variables,
        frame=rows.sort(keys).select([v.name for v in variables] + ["_from", "_block"]),
        origin={
            "pairs/USUBJID": ("DM.USUBJID",),
            "pairs/IDVARVAL": ("AE.AESEQ", "PR.PRSEQ", "DS.DSSEQ"),
        },
    )


def _first_study(dataset: Dataset) -> object:
    return next(iter(dataset.slices(1))).item(0, "STUDYID")


def _together(sdtm: Mapping[str, Dataset], wanted: Mapping[str, Sequence[str]]) -> Iterator[list[pl.DataFrame]]:
    """Columns of several datasets; of those on disk a file of each at a time, which have the same subjects."""
    held = [sdtm[name].held for name in wanted]
    files = {len(h.paths) if isinstance(h, Kept) else 1 for h in held}
    if len(files) > 1:
        yield [sdtm[name].some(columns) for name, columns in wanted.items()]
        return
    each = (pieces(h, columns) for h, columns in zip(held, wanted.values(), strict=True))
    yield from map(list, zip(*each, strict=True))


def _level(sdtm: Mapping[str, Dataset], link: Link) -> pl.DataFrame:
    """Two rows of a link between datasets, or none where no value stands on both sides."""
    sides = (link.one, link.other)
    if any(name not in sdtm or variable not in sdtm[name].held.columns for name, variable, _ in sides):
        return pl.DataFrame(schema=_SHAPE)
    for found in _together(sdtm, {name: ["USUBJID", variable] for name, variable, _ in sides}):
        one, other = (
            rows.select("USUBJID", LINK=variable).drop_nulls().unique()
            for rows, (_, variable, _) in zip(found, sides, strict=True)
        )
        if one.join(other, on=["USUBJID", "LINK"], how="semi").height:
            break
    else:
        return pl.DataFrame(schema=_SHAPE)
    empty: list[int] = []
    rows = [(name, None, variable, None, kind, link.relid, empty, "datasets") for name, variable, kind in sides]
    return pl.DataFrame(rows, schema=_SHAPE, orient="row")


def _pairs(domain: str, found: pl.DataFrame) -> pl.DataFrame:
    """Two rows a pair: the adverse event, and the record of another domain (`SEQ`) that belongs to it."""
    sides = [
        found.select(
            RDOMAIN=pl.lit(name),
            USUBJID="USUBJID",
            IDVAR=pl.lit(f"{name}SEQ"),
            IDVARVAL=pl.col(number).cast(pl.String),
            RELTYPE=pl.lit(None, dtype=pl.String),
            RELID=pl.lit(f"AE{domain}1"),
            _from="_from",
            _block=pl.lit("pairs"),
        )
        for name, number in (("AE", "AESEQ"), (domain, "SEQ"))
    ]
    return pl.concat(sides)


def _reoperations(sdtm: Mapping[str, Dataset]) -> pl.DataFrame:
    """The only reoperation of a subject with the only complication of grade IIIb that began until then."""
    if not {"AE", "PR", "SUPPAE"} <= set(sdtm) or "PRCAT" not in sdtm["PR"].held.columns:
        return pl.DataFrame(schema=_PAIR)
    wanted = {
        "SUPPAE": ["USUBJID", "IDVARVAL", "QNAM", "QVAL"],
        "AE": ["USUBJID", "AESEQ", "AESTDTC", "_from"],
        "PR": ["USUBJID", "PRSEQ", "PRSTDTC", "PRCAT", "_from"],
    }
    out = [pl.DataFrame(schema=_PAIR)]
    for grades, events, again in _together(sdtm, wanted):
        grades = grades.filter(pl.col("QNAM") == "AECDGR", pl.col("QVAL") == _REOPERATED)
        graded = grades.select("USUBJID", AESEQ=pl.col("IDVARVAL").cast(pl.Int64, strict=False))
        events = events.with_columns(pl.col("AESEQ").cast(pl.Int64))
        events = events.join(graded, on=["USUBJID", "AESEQ"], how="semi")
        again = again.filter(pl.col("PRCAT") == "REOPERATION").select(
            "USUBJID", pl.col("PRSEQ").cast(pl.Int64), "PRSTDTC", _there="_from"
        )
        found = _alone(events).join(_alone(again), on="USUBJID")
        found = found.filter(pl.col("AESTDTC").str.head(10) <= pl.col("PRSTDTC").str.head(10))
        out.append(_paired(found, "PRSEQ"))
    return pl.concat(out)


def _deaths(sdtm: Mapping[str, Dataset]) -> pl.DataFrame:
    """The only fatal event of a subject with the death that ended its participation."""
    if not {"AE", "DS"} <= set(sdtm) or not {"AEOUT"} <= set(sdtm["AE"].held.columns):
        return pl.DataFrame(schema=_PAIR)
    if "DSSCAT" not in sdtm["DS"].held.columns:
        return pl.DataFrame(schema=_PAIR)
    wanted = {
        "DS": ["USUBJID", "DSSEQ", "DSDECOD", "DSSCAT", "_from"],
        "AE": ["USUBJID", "AESEQ", "AEOUT", "_from"],
    }
    out = [pl.DataFrame(schema=_PAIR)]
    for ends, fatal in _together(sdtm, wanted):
        ends = ends.filter(pl.col("DSDECOD") == "DEATH", pl.col("DSSCAT") == "STUDY PARTICIPATION")
        ends = ends.select("USUBJID", pl.col("DSSEQ").cast(pl.Int64), _there="_from")
        fatal = fatal.filter(pl.col("AEOUT") == "FATAL")
        fatal = fatal.select("USUBJID", pl.col("AESEQ").cast(pl.Int64), "_from")
        out.append(_paired(_alone(fatal).join(_alone(ends), on="USUBJID"), "DSSEQ"))
    return pl.concat(out)


def _alone(rows: pl.DataFrame) -> pl.DataFrame:
    """Records that are the only ones of their subject."""
    return rows.filter(pl.len().over("USUBJID") == 1)


def _paired(found: pl.DataFrame, number: str) -> pl.DataFrame:
    both = pl.concat_list("_from", "_there").list.unique().list.sort()
    return copied(found.select("USUBJID", "AESEQ", SEQ=number, _from=both))
