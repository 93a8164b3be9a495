"""The same derivations by shares of the subjects, here, in processes or on a cluster, with the same datasets.

Each share is derived as if it were all; records are put together in the order of the subjects. What is said of a dataset is
taken from deriving a few subjects who show everything that it depends on (`cdiscx.parts.witnesses`). Datasets marked
`of_all` are derived of all subjects here, while others work.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import polars as pl

from cdiscx import registry
from cdiscx.adam import Derived, derive
from cdiscx.model.kept import Kept, Scratch, pieces, selected
from cdiscx.model.spec import Study
from cdiscx.parts import Spread, spread
from cdiscx.parts.shares import packed, unpacked
from cdiscx.parts.together import together
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

    frames: tuple[Mapping[str, pl.DataFrame | Kept], ...]
    witnesses: tuple[pl.DataFrame, ...]


def derive_shares(
    studies: Sequence[Study], sdtm: Mapping[str, pl.DataFrame | Kept], *, cutoff: dt.date, how: Spread
) -> list[Derived]:
    """`derive` of one SDTM by each of several studies. SDTM on disk is derived by its files, a share of the subjects each,
    and what is made of it waits on disk too. Raises UploadError when DM is missing, UsageError for a cluster that
    does not answer."""
    registry.discover("cdiscx.adam")
    frames = _numbered(sdtm)
    parts, ready = _files(frames), "DM" in frames and "USUBJID" in frames["DM"].columns
    if not ready or (parts < 2 and how.parts < 2):
        return [derive(study, _loaded(sdtm), cutoff=cutoff) for study in studies]
    subjects = selected(frames["DM"], ["USUBJID"]).select(pl.col("USUBJID").cast(pl.String)).drop_nulls().unique()
    number = parts if parts > 1 else how.parts
    ranks = _ranks(subjects, frames["DM"], number)
    whole, scratch = _of_all(), Scratch() if parts > 1 else None

    def portion(share: int) -> Portion:
        own = ranks.filter(pl.col("_share") == share).get_column("USUBJID")
        others = ranks.get_column("USUBJID") if share == 0 else None
        packages = {n: packed(_piece(f, share, number, own, others)) for n, f in frames.items()}
        return Portion(tuple(studies), packages, cutoff)

    def meanwhile() -> list[Derived]:
        if scratch is not None or not whole:  # only where a study has such a dataset, which the shares tell
            return [Derived({}, {}) for _ in studies]
        return [derive(study, _loaded(frames), cutoff=cutoff, only=whole) for study in studies]

    answers, own = spread(derive_portion, number, portion, how, meanwhile, partial(_laid_down, scratch=scratch))
    out = []
    for n, study in enumerate(studies):
        few = chosen(a.witnesses[n] for a in answers)
        described = derive(study, {name: _of(f, few, None) for name, f in frames.items()}, cutoff=cutoff)
        made = {
            name: together(d, [a.frames[n].get(name) for a in answers], scratch)
            for name, d in described.items()
            if name not in whole
        }
        late = whole if scratch is not None else []  # few subjects may have their records, none of the witnesses
        all_ = derive(study, _sources(frames, study, late), cutoff=cutoff, only=late, known=made) if late else own[n]
        made |= {name: all_[name] for name in whole if name in all_}
        reasons = {n: all_.reasons.get(n, why) for n, why in described.reasons.items() if n not in made}
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


def _numbered(sdtm: Mapping[str, pl.DataFrame | Kept]) -> dict[str, pl.DataFrame | Kept]:
    """The frames by upper-case name with the `_id`s that `derive` would give them; those on disk have them."""
    named = {name.upper(): frame for name, frame in sdtm.items()}
    out: dict[str, pl.DataFrame | Kept] = {}
    offset = 0
    for name in sorted(named):
        held = named[name]
        if isinstance(held, Kept):
            out[name] = held
            offset += held.height
            continue
        frame = held.rename({c: c.upper() for c in held.columns if not c.startswith("_")})
        if "_id" not in frame.columns:
            frame = frame.with_columns(_id=(pl.int_range(pl.len()) + offset).cast(pl.UInt32))
        offset += frame.height
        out[name] = frame
    return out


def _loaded(frames: Mapping[str, pl.DataFrame | Kept]) -> dict[str, pl.DataFrame]:
    return {name: held.load() if isinstance(held, Kept) else held for name, held in frames.items()}


def _sources(frames: Mapping[str, pl.DataFrame | Kept], study: Study, names: Sequence[str]) -> dict[str, pl.DataFrame]:
    """DM and the records that datasets of all subjects are made of, with their qualifiers."""
    builders = registry.registered("dataset")
    wanted: dict[str, list[pl.Expr]] = {}
    for source in (s for name in names for s in builders[name].of_all(study)):  # type: ignore[attr-defined]
        held = frames.get(source.of)
        if held is not None:
            said = [
                pl.col(c).cast(pl.String).str.to_uppercase().is_in([v.upper() for v in values])
                for c, values in dict(source.where).items()
                if c in held.columns
            ]
            wanted.setdefault(source.of, []).append(pl.all_horizontal(pl.lit(True), *said))
    out = _loaded({n: f for n, f in frames.items() if n == "DM"})
    for name, rows in wanted.items():
        found = [piece.filter(pl.any_horizontal(rows)) for piece in pieces(frames[name])]
        out[name] = pl.concat(found) if found else _loaded({name: frames[name]})[name]
        if f"SUPP{name}" in frames:
            out[f"SUPP{name}"] = _qualifiers(frames[f"SUPP{name}"], name, out[name])
    return out


def _qualifiers(held: pl.DataFrame | Kept, name: str, records: pl.DataFrame) -> pl.DataFrame:
    """The supplemental records of some records of a dataset, and those that hang on another variable than its number."""
    number = f"{name}SEQ"
    if not {"USUBJID", "IDVAR", "IDVARVAL"} <= set(held.columns) or not {"USUBJID", number} <= set(records.columns):
        return _loaded({"": held})[""]
    keys = records.select("USUBJID", IDVARVAL=pl.col(number).cast(pl.Int64).cast(pl.String), _own=pl.lit(True)).unique()
    kept = [
        piece.join(keys, on=["USUBJID", "IDVARVAL"], how="left", maintain_order="left")
        .filter(pl.col("_own") | pl.col("IDVAR").ne_missing(number))
        .drop("_own")
        for piece in pieces(held)
    ]
    return pl.concat(kept) if kept else _loaded({"": held})[""]


def _files(frames: Mapping[str, pl.DataFrame | Kept]) -> int:
    """How many shares SDTM on disk is in: files of each dataset."""
    return max((len(f.paths) for f in frames.values() if isinstance(f, Kept)), default=1)


def _ranks(subjects: pl.DataFrame, dm: pl.DataFrame | Kept, number: int) -> pl.DataFrame:
    """`USUBJID`, `_share` of the subjects that are listed, sorted: as the files of DM have them, else shares of equal size."""
    if isinstance(dm, Kept) and len(dm.paths) == number:
        named = [
            piece.select(pl.col("USUBJID").cast(pl.String), _share=pl.lit(n, pl.Int64))
            for n, piece in enumerate(pieces(dm, ["USUBJID"]))
        ]
        return pl.concat(named).drop_nulls().unique("USUBJID", keep="first", maintain_order=True).sort("USUBJID")
    return subjects.sort("USUBJID").with_columns(_share=pl.int_range(pl.len()) * number // pl.len())


def _piece(
    held: pl.DataFrame | Kept, share: int, number: int, subjects: pl.Series, listed: pl.Series | None
) -> pl.DataFrame:
    """The records of a share: of a dataset on disk its file, of one in memory those of the share's subjects."""
    if isinstance(held, Kept) and len(held.paths) == number:
        return pl.scan_ipc(held.paths[share], glob=False).collect()
    return _of(held, subjects, listed)


def _of(held: pl.DataFrame | Kept, subjects: pl.Series, listed: pl.Series | None) -> pl.DataFrame:
    """The records of these subjects, and those of none; with `listed` also those of subjects that it does not have."""
    if "USUBJID" not in held.columns:
        return held.load() if isinstance(held, Kept) else held
    who = pl.col("USUBJID").cast(pl.String)
    own = who.is_in(subjects.implode()) | who.is_null()
    wanted = own if listed is None else own | ~who.is_in(listed.implode())
    if isinstance(held, pl.DataFrame):
        return held.filter(wanted)
    return pl.concat([piece.filter(wanted) for piece in pieces(held)])


def _laid_down(answer: Answer, scratch: Scratch | None) -> Answer:
    """The answer with its records on disk, where SDTM is there too."""
    if scratch is None:
        return answer
    laid = ({n: scratch.keep(f) if isinstance(f, pl.DataFrame) else f for n, f in own.items()} for own in answer.frames)
    return replace(answer, frames=tuple(laid))
