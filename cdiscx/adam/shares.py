"""The same derivations by shares of the subjects, here, in processes or on a cluster, with the same datasets.

Each share is derived as if it were all; records are put together in the order of the subjects. What is said of a dataset is
taken from deriving a few subjects who show everything that it depends on (`cdiscx.parts.witnesses`). What a dataset must
know of all subjects (`of_all`) is gathered first and goes to every share.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import polars as pl

from cdiscx import registry
from cdiscx.adam import Derived, derive
from cdiscx.adam._facts import all_facts
from cdiscx.model.kept import Kept, Scratch, copied, pieces, selected
from cdiscx.model.spec import Study
from cdiscx.parts import Spread, spread
from cdiscx.parts.shares import Parcel, packed, sent, unpacked
from cdiscx.parts.together import together
from cdiscx.parts.witnesses import chosen, witnesses


@dataclass(frozen=True, slots=True)
class Portion:
    """SDTM of a share of the subjects, packed or as it lies on disk, and how it is derived: once by each of the studies."""

    studies: tuple[Study, ...]
    frames: Mapping[str, Parcel]
    cutoff: dt.date
    #: of each study what its datasets say of all subjects
    facts: Sequence[Mapping[str, pl.DataFrame]]

    def sent(self) -> Portion:
        """The same with its frames packed, for a machine that does not see this one's files."""
        return replace(self, frames={name: sent(parcel) for name, parcel in self.frames.items()})


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
    scratch = Scratch() if parts > 1 else None
    facts = all_facts(studies, frames, cutoff)

    def portion(share: int) -> Portion:
        own = ranks.filter(pl.col("_share") == share).get_column("USUBJID")
        others = ranks.get_column("USUBJID") if share == 0 else None
        packages = {n: _piece(f, share, number, own, others) for n, f in frames.items()}
        return Portion(tuple(studies), packages, cutoff, facts)

    answers, _ = spread(derive_portion, number, portion, how, lambda: None, partial(_laid_down, scratch=scratch))
    out = []
    for n, study in enumerate(studies):
        few = chosen(a.witnesses[n] for a in answers)
        some = {name: _of(f, few, None) for name, f in frames.items()}
        described = derive(study, some, cutoff=cutoff, facts=facts[n])
        made = {name: together(d, [a.frames[n].get(name) for a in answers], scratch) for name, d in described.items()}
        out.append(Derived(made, described.reasons))
    return out


def derive_portion(portion: Portion) -> Answer:
    """One share of the subjects, in any process."""
    registry.discover("cdiscx.adam")
    frames = {name: unpacked(parcel) for name, parcel in portion.frames.items()}
    supplied = {name: frame for name, frame in frames.items() if name.startswith("SUPP")}
    qualifiers = witnesses(supplied, "USUBJID", dict.fromkeys(supplied, "QNAM"))
    made: list[dict[str, pl.DataFrame]] = []
    seen: list[dict[str, pl.DataFrame]] = []
    for study, facts in zip(portion.studies, portion.facts, strict=True):
        derived = derive(study, frames, cutoff=portion.cutoff, facts=facts)
        own = {name: dataset.frame for name, dataset in derived.items()}
        told = {}
        for name, frame in own.items():
            same = next((n for n, m in enumerate(made) if name in m and m[name].equals(frame)), None)
            told[name] = witnesses({name: frame}, "USUBJID", {name: "PARAMCD"}) if same is None else seen[same][name]
        made.append(own)
        seen.append(told)
    return Answer(tuple(made), tuple(pl.concat([*told.values(), qualifiers]) for told in seen))


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


def _piece(held: pl.DataFrame | Kept, share: int, number: int, subjects: pl.Series, listed: pl.Series | None) -> Parcel:
    """The records of a share: of a dataset on disk its file, of one in memory those of the share's subjects."""
    if isinstance(held, Kept) and len(held.paths) == number:
        rows = pl.scan_ipc(held.paths[share], glob=False).select(pl.len()).collect().item()
        return Kept((held.paths[share],), rows, held.schema, held.owner)
    return packed(_of(held, subjects, listed))


def _of(held: pl.DataFrame | Kept, subjects: pl.Series, listed: pl.Series | None) -> pl.DataFrame:
    """The records of these subjects, and those of none; with `listed` also those of subjects that it does not have."""
    if "USUBJID" not in held.columns:
        return held.load() if isinstance(held, Kept) else held
    who = pl.col("USUBJID").cast(pl.String)
    own = who.is_in(subjects.implode()) | who.is_null()
    wanted = own if listed is None else own | ~who.is_in(listed.implode())
    if isinstance(held, pl.DataFrame):
        return held.filter(wanted)
    rows = (copied(found) for piece in pieces(held) if (found := piece.filter(wanted)).height)
    return pl.concat([pl.DataFrame(schema=held.schema), *rows])


def _laid_down(answer: Answer, scratch: Scratch | None) -> Answer:
    """The answer with its records on disk, where SDTM is there too."""
    if scratch is None:
        return answer
    laid = ({n: scratch.keep(f) if isinstance(f, pl.DataFrame) else f for n, f in own.items()} for own in answer.frames)
    return replace(answer, frames=tuple(laid))
