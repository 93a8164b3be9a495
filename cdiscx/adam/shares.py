"""The same derivations by shares of the subjects, here, in processes or on a cluster, with the same datasets.

Each share is derived as if it were all; records are put together in the order of the subjects. What is said of a dataset is
taken from deriving a few subjects who show everything that it depends on (`cdiscx.parts.witnesses`). Datasets marked
`of_all` are derived of all subjects here, while others work.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from cdiscx import registry
from cdiscx.adam import Derived, derive
from cdiscx.model.dataset import Dataset
from cdiscx.model.spec import Study
from cdiscx.parts import Spread, spread
from cdiscx.parts.shares import packed, unpacked
from cdiscx.parts.witnesses import chosen, witnesses


@dataclass(frozen=True, slots=True)
class Portion:
    """SDTM of a share of the subjects, packed, and how it is derived: once by each of the studies."""

    studies: tuple[Study, ...]
    frames: Mapping[str, bytes]
    cutoff: dt.date

    def sent(self) -> Portion:
        """Itself: it is packed."""
        return self


@dataclass(frozen=True, slots=True)
class Answer:
    """What a share gave, study by study: records by dataset, and who shows what."""

    frames: tuple[Mapping[str, pl.DataFrame], ...]
    witnesses: tuple[pl.DataFrame, ...]


def derive_shares(
    studies: Sequence[Study], sdtm: Mapping[str, pl.DataFrame], *, cutoff: dt.date, how: Spread
) -> list[Derived]:
    """`derive` of one SDTM by each of several studies. Raises UploadError when DM is missing, UsageError for a cluster that
    does not answer."""
    registry.discover("cdiscx.adam")
    frames = _numbered(sdtm)
    if "DM" not in frames or "USUBJID" not in frames["DM"].columns or how.parts < 2:
        return [derive(study, sdtm, cutoff=cutoff) for study in studies]
    subjects = frames["DM"].select(pl.col("USUBJID").cast(pl.String)).drop_nulls().unique().sort("USUBJID")
    ranks = subjects.with_columns(_share=pl.int_range(pl.len()) * how.parts // pl.len())
    whole = _of_all()

    def portion(number: int) -> Portion:
        own = ranks.filter(pl.col("_share") == number).get_column("USUBJID")
        others = ranks.get_column("USUBJID") if number == 0 else None
        return Portion(tuple(studies), {n: packed(_of(f, own, others)) for n, f in frames.items()}, cutoff)

    def meanwhile() -> list[Derived]:
        return [derive(study, frames, cutoff=cutoff, only=whole) if whole else Derived({}, {}) for study in studies]

    answers, own = spread(derive_portion, how.parts, portion, how, meanwhile)
    out = []
    for n, study in enumerate(studies):
        few = chosen(a.witnesses[n] for a in answers)
        described = derive(study, {name: _of(f, few, None) for name, f in frames.items()}, cutoff=cutoff)
        made = {name: _together(d, [a.frames[n].get(name) for a in answers]) for name, d in described.items()}
        made |= {name: own[n][name] for name in whole if name in own[n]}
        reasons = {name: why for name, why in described.reasons.items() if name not in made}
        out.append(Derived({name: made[name] for name in sorted(made, key=lambda k: (k != "ADSL", k))}, reasons))
    return out


def derive_portion(portion: Portion) -> Answer:
    """One share of the subjects, in any process."""
    registry.discover("cdiscx.adam")
    frames = {name: unpacked(parcel) for name, parcel in portion.frames.items()}
    here = [name for name in registry.registered("dataset") if name.startswith("AD") and name not in _of_all()]
    qualifiers = {name: frame for name, frame in frames.items() if name.startswith("SUPP")}
    made, seen = [], []
    for study in portion.studies:
        derived = derive(study, frames, cutoff=portion.cutoff, only=here)
        own = {name: dataset.frame for name, dataset in derived.items()}
        groups = dict.fromkeys(own, "PARAMCD")
        told = [witnesses(own, "USUBJID", groups), witnesses(qualifiers, "USUBJID", dict.fromkeys(qualifiers, "QNAM"))]
        made.append(own)
        seen.append(pl.concat(told))
    return Answer(tuple(made), tuple(seen))


def _of_all() -> list[str]:
    """Datasets whose records depend on all subjects."""
    return [name for name, made in registry.registered("dataset").items() if getattr(made, "of_all", False)]


def _numbered(sdtm: Mapping[str, pl.DataFrame]) -> dict[str, pl.DataFrame]:
    """The frames by upper-case name with the `_id`s that `derive` would give them."""
    named = {name.upper(): frame for name, frame in sdtm.items()}
    out, offset = {}, 0
    for name in sorted(named):
        frame = named[name].rename({c: c.upper() for c in named[name].columns if not c.startswith("_")})
        if "_id" not in frame.columns:
            frame = frame.with_columns(_id=(pl.int_range(pl.len()) + offset).cast(pl.UInt32))
        offset += frame.height
        out[name] = frame
    return out


def _of(frame: pl.DataFrame, subjects: pl.Series, listed: pl.Series | None) -> pl.DataFrame:
    """The records of these subjects, and those of none; with `listed` also those of subjects that it does not have."""
    if "USUBJID" not in frame.columns:
        return frame
    who = pl.col("USUBJID").cast(pl.String)
    own = who.is_in(subjects.implode()) | who.is_null()
    return frame.filter(own if listed is None else own | ~who.is_in(listed.implode()))


def _together(described: Dataset, frames: Sequence[pl.DataFrame | None]) -> Dataset:
    """The records of all shares under the variables of the dataset."""
    schema = described.frame.schema
    pieces = []
    for frame in frames:
        if frame is not None and frame.height:
            own = [pl.col(c) if c in frame.columns else pl.lit(None, t).alias(c) for c, t in schema.items()]
            pieces.append(frame.select(own).cast(schema))
    return described.with_(frame=pl.concat(pieces) if pieces else described.frame.clear())
