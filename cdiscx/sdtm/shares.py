"""The same mapping by shares of the subjects, here, in processes or on a cluster, with the same datasets.

Each share is mapped as if it were all. Records are put together in the order of the subjects; what is said of a dataset
(its variables, values, origins, notes) is taken from mapping a few subjects who show everything that it depends on
(`cdiscx.parts.witnesses`). The plan's length, counts of rows that give no record, numbers over all datasets, links, code
lists and unused columns are worked out of all subjects.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import polars as pl

from cdiscx.model.dataset import Dataset
from cdiscx.model.kept import Kept, Scratch, copied, pieces
from cdiscx.model.table import RunContext, StudyData
from cdiscx.parts import Share, Shares, Spread, in_memory, spread
from cdiscx.parts.together import together
from cdiscx.parts.witnesses import chosen, witnesses
from cdiscx.sdtm.engine import Mapped, begin, finished, map_domain
from cdiscx.sdtm.here import Lost, Run
from cdiscx.sdtm.subject_visits import subject_visits
from cdiscx.sdtm.visit_plan import REACHED, reached
from cdiscx.views import with_views


@dataclass(frozen=True, slots=True)
class Answer:
    """What one share gave: its records, the columns that were used, who shows what, and rows that gave no record."""

    frames: Mapping[str, pl.DataFrame | Kept]
    #: dataset -> where its values come from, which can depend on the rows that there are
    origins: Mapping[str, Mapping[str, tuple[str, ...]]]
    used: frozenset[str]
    mapped: frozenset[str]
    witnesses: pl.DataFrame
    lost: Mapping[str, Lost]


def map_shares(data: StudyData, mappings: Path | None, how: Spread) -> Mapped:
    """`map_study` by shares of the subjects. Raises UsageError for a cluster that does not answer."""
    shares: Shares = data.shares or in_memory(data, how.parts)
    plain = replace(data, results={}, sdtm={}, adam={})  # a share needs no more
    ready = replace(plain, results={REACHED: _reached(plain, shares, how)})
    job = partial(map_share, mappings=mappings, plan=ready.results[REACHED])
    scratch = None if data.shares is None else Scratch()
    keep = partial(_laid_down, scratch=scratch)
    answers, _ = spread(job, shares.number, lambda n: shares.share(n, plain), how, lambda: None, keep)
    lost = _all_lost([a.lost for a in answers])
    few = _only(plain, chosen(a.witnesses for a in answers))
    run, described = _mapped(with_views(few, _dates(data)), mappings, ready.results[REACHED], lost)
    made = {name: together(described[name], [a.frames.get(name) for a in answers], scratch) for name in described}
    made = {n: d.with_(origin=_origins(d, [a.origins.get(n, {}) for a in answers])) for n, d in made.items()}
    used = run.used.union(*(a.used for a in answers))
    run.mapped = run.mapped.union(*(a.mapped for a in answers))
    return finished(replace(run, data=ready, used=used), made)


def map_share(share: Share, mappings: Path | None, plan: Mapping[str, int]) -> Answer:
    """One share of the subjects, mapped in any process."""
    data = share.data()
    run, made = _mapped(with_views(data, _dates(data)), mappings, plan, None)
    frames = {name: dataset.frame for name, dataset in made.items()}
    groups = {name: f"{name}TESTCD" for name in frames} | {name: "QNAM" for name in frames if name.startswith("SUPP")}
    ids = data.tidy["subjects"].frame if "subjects" in data.tidy else pl.DataFrame()
    tables = {name: table.frame for name, table in data.tidy.items()}
    seen = witnesses({n: _with_subject(f, run.people) for n, f in frames.items()}, "_subject", groups)
    typed = witnesses(tables, "SUBJID") if ids.height else witnesses({}, "SUBJID")
    origins = {name: dataset.origin for name, dataset in made.items()}
    return Answer(frames, origins, frozenset(run.used), frozenset(run.mapped), pl.concat([seen, typed]), run.lost)


def _reached(data: StudyData, shares: Shares, how: Spread) -> dict[str, int]:
    """How far each series of visits goes; of tables on disk each share is asked first."""
    if data.shares is None:
        return reached(data)
    told, _ = spread(reach_of, shares.number, lambda n: shares.share(n, data), how, lambda: None)
    return {name: max(each.get(name, 0) for each in told) for name in dict.fromkeys(n for each in told for n in each)}


def reach_of(share: Share) -> dict[str, int]:
    """How far each series of visits goes in one share of the subjects."""
    data = share.data()
    return reached(with_views(data, _dates(data)))


def _dates(data: StudyData) -> RunContext:
    assert data.run is not None, "prepare() comes before the mapping"
    return data.run


def _mapped(
    data: StudyData, mappings: Path | None, plan: Mapping[str, int], lost: Mapping[str, Lost] | None
) -> tuple[Run, dict[str, Dataset]]:
    """Every dataset whose records belong to a subject."""
    ready = replace(data, results={REACHED: plan})
    run, made = begin(ready, mappings, lost)
    for name in sorted(set(run.mappings) - {"DM"}):
        made |= map_domain(run, name)
    visits = subject_visits(ready, made)
    if visits is not None:
        made["SV"] = visits
    return run, made


def _with_subject(frame: pl.DataFrame, people: pl.DataFrame) -> pl.DataFrame:
    if "USUBJID" not in frame.columns:
        return frame
    return frame.join(people.select("USUBJID", _subject="SUBJID").unique("USUBJID"), on="USUBJID", how="left")


def _all_lost(told: Sequence[Mapping[str, Lost]]) -> dict[str, Lost]:
    out: dict[str, Lost] = {}
    for each in told:
        for domain, lost in each.items():
            out[domain] = out[domain].plus(lost) if domain in out else lost
    return out


def _only(data: StudyData, subjects: pl.Series) -> StudyData:
    """The data of some subjects."""
    tidy = {}
    for name, table in data.tidy.items():
        if data.study.sheet_of(name) is not None:
            held: pl.DataFrame | Kept = table.kept or table.frame
            wanted = pl.col("SUBJID").is_in(subjects.implode()) if "SUBJID" in table.columns else pl.lit(True)
            own = [copied(found) for piece in pieces(held) if (found := piece.filter(wanted)).height]
            tidy[name] = replace(table, frame=pl.concat([pl.DataFrame(schema=held.schema), *own]))
    return replace(data, tidy=tidy, shares=None)


def _laid_down(answer: Answer, scratch: Scratch | None) -> Answer:
    """The answer with its records on disk, where the tables are there too."""
    if scratch is None:
        return answer
    return replace(
        answer, frames={n: scratch.keep(f) if isinstance(f, pl.DataFrame) else f for n, f in answer.frames.items()}
    )


def _origins(described: Dataset, told: Sequence[Mapping[str, tuple[str, ...]]]) -> dict[str, tuple[str, ...]]:
    """Where the values come from, in any share: a date that is the latest of many names the columns that were it once."""
    out = dict(described.origin)
    for each in told:
        for key, sources in each.items():
            if not set(sources) <= set(out.get(key, ())):
                out[key] = tuple(sorted({*out.get(key, ()), *sources}))
    return out
