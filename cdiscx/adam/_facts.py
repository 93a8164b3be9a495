"""SDTM of all subjects in, the few facts out that records of a dataset depend on besides their own subject (`of_all`)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence

import polars as pl

from cdiscx import registry
from cdiscx.adam._context import Context, Facts
from cdiscx.adam._sources import prepared
from cdiscx.model.kept import Kept, copied
from cdiscx.model.spec import Records, Study

Frames = Mapping[str, pl.DataFrame | Kept]


def all_facts(studies: Sequence[Study], frames: Frames, cutoff: dt.date) -> list[dict[str, pl.DataFrame]]:
    """Study by study what its datasets say of all subjects; of SDTM on disk a file of each domain is looked at at a time.

    `frames`: by upper-case name, with `_id`.
    """
    marked = ((name, getattr(made, "of_all", None)) for name, made in registry.registered("dataset").items())
    asked = {name: facts for name, facts in marked if isinstance(facts, Facts)}
    told: list[dict[str, list[pl.DataFrame]]] = [{name: [] for name in asked} for _ in studies]
    for n, study in enumerate(studies):
        for name, facts in asked.items():
            sources = list(facts.sources(study))
            for piece in _pieces(frames, sources):
                told[n][name].append(copied(facts.told(Context(study, cutoff, prepared(piece, cutoff)))))
    return [{name: pl.concat(rows).unique() for name, rows in own.items() if rows} for own in told]


def _pieces(frames: Frames, sources: Sequence[Records]) -> Iterator[dict[str, pl.DataFrame]]:
    """The records that sources mean, with their qualifiers, by the files that they lie in."""
    names = list(dict.fromkeys(s.of for s in sources if s.of in frames))
    number = max((len(kept.paths) for n in names if isinstance(kept := frames[n], Kept)), default=1)
    for share in range(number):
        piece = {}
        for name in names:
            rows = _file(frames[name], share, number)
            if rows is not None:
                piece[name] = rows.filter(pl.any_horizontal(_meant(s, rows) for s in sources if s.of == name)).collect()
                held = frames.get(f"SUPP{name}")
                more = None if held is None else _file(held, share, number, every=True)
                if more is not None:
                    piece[f"SUPP{name}"] = more.collect()
        if piece:
            yield piece


def _file(held: pl.DataFrame | Kept, share: int, number: int, *, every: bool = False) -> pl.LazyFrame | None:
    """The rows of a share: its file; of what lies otherwise all of it, once, or with `every` for each share."""
    if isinstance(held, Kept) and len(held.paths) == number:
        return pl.scan_ipc(held.paths[share], glob=False)
    return held.lazy() if every or share == 0 else None


def _meant(source: Records, rows: pl.LazyFrame) -> pl.Expr:
    """Whether a record can be one of those that a source means; what stands in qualifiers is judged by the builder."""
    have = set(rows.collect_schema().names())
    said: Iterable[pl.Expr] = (
        pl.col(c).cast(pl.String).str.to_uppercase().is_in([v.upper() for v in values])
        for c, values in dict(source.where).items()
        if c in have
    )
    return pl.all_horizontal(pl.lit(True), *said)
