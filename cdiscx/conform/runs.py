"""Datasets in, what each rule finds out: of all records at once, or of a share of the subjects after the other.

Nearly every rule looks at one subject at a time. Those that hold subjects against each other say what they look at
(`Rule.across`): the first records of each combination are gathered from the shares, and the rule sees these together.
"""

from __future__ import annotations

import traceback
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from time import perf_counter
from typing import TypeGuard

import polars as pl

from cdiscx.conform.finished import Finished, finish, first_study
from cdiscx.conform.rules import HITS, Rule, rules
from cdiscx.model.dataset import Codelist
from cdiscx.model.kept import Kept, copied, pieces


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of the datasets beside their records."""

    studyid: str | None
    codelists: Mapping[str, Codelist] | None
    keys: Mapping[str, tuple[str, ...]] | None

    def finish(self, frames: Mapping[str, pl.DataFrame], source: Mapping[str, pl.DataFrame] | None = None) -> Finished:
        """The datasets as the rules see them."""
        return finish(frames, studyid=self.studyid, codelists=self.codelists, source=source, keys=self.keys)


@dataclass(slots=True)
class Outcome:
    """What a rule found; `traceback` where it crashed."""

    rule: Rule
    hits: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=HITS))
    seconds: float = 0.0
    traceback: str | None = None


def of_standard(data: Finished) -> list[Rule]:
    """The rules of the datasets' standard, in their order."""
    standard = "ADaM" if data.analysis else "SDTM"
    return [rule for rule in rules().values() if rule.standard == standard]


def outcome(rule: Rule, data: Finished) -> Outcome:
    """One rule on datasets; nothing where one is missing that it needs."""
    run = Outcome(rule)
    if any(name not in data.frames for name in rule.needs):
        return run
    start = perf_counter()
    try:
        run.hits = pl.concat([run.hits, *rule.function(data)])
    except Exception:  # the engine's one place
        run.traceback = traceback.format_exc()
    run.seconds = perf_counter() - start
    return run


def by_shares(held: Mapping[str, pl.DataFrame | Kept], facts: Facts) -> TypeGuard[Mapping[str, Kept]]:
    """Whether shares find what the whole does: SDTM whose files are shares of the subjects, and no keys beyond a subject."""
    cut = [n for n, f in held.items() if isinstance(f, Kept) and "USUBJID" in f.columns]
    alone = [n for n in cut if facts.keys and n in facts.keys and "USUBJID" not in facts.keys[n]]
    on_disk = all(isinstance(frame, Kept) for frame in held.values())
    return on_disk and bool(cut) and not alone and not facts.finish(_schemas(held)).analysis


def _schemas(held: Mapping[str, pl.DataFrame | Kept]) -> dict[str, pl.DataFrame]:
    return {name: pl.DataFrame(schema=frame.schema) for name, frame in held.items()}


def in_shares(held: Mapping[str, Kept], facts: Facts) -> tuple[Finished, list[Outcome]]:
    """The datasets without records, and what each rule found in all shares together."""
    nothing = facts.finish(_schemas(held))
    ran = of_standard(nothing)
    runs = {rule.id: Outcome(rule) for rule in ran}
    seen: dict[str, dict[str, list[pl.DataFrame]]] = {rule.id: {} for rule in ran if rule.across}
    study = _first_study(held.get("DM"))
    for frames in _shares(held):
        data = replace(facts.finish(frames), first_study=study)
        for rule in ran:
            if rule.across is None:
                _add(runs[rule.id], outcome(rule, data))
                continue
            for name, frame in data.frames.items():
                seen[rule.id].setdefault(name, []).append(_firsts(rule, name, frame))
    for rule in ran:
        if rule.across is not None:
            first = {name: pl.concat(parts).unique("_row").sort("_row") for name, parts in seen[rule.id].items()}
            _add(runs[rule.id], outcome(rule, replace(nothing, frames=first, first_study=study)))
    return nothing, list(runs.values())


def _add(run: Outcome, more: Outcome) -> None:
    run.hits = pl.concat([run.hits, copied(more.hits)]) if more.hits.height else run.hits
    run.seconds += more.seconds
    run.traceback = run.traceback or more.traceback


def _firsts(rule: Rule, name: str, frame: pl.DataFrame) -> pl.DataFrame:
    """The first record of each combination that a rule looks at."""
    groups = rule.across(name, frame.columns) if rule.across else []
    if not groups:
        return frame.clear()
    return copied(frame.filter(pl.any_horizontal(pl.struct(group).is_first_distinct() for group in groups)))


def _first_study(subjects: pl.DataFrame | Kept | None) -> str | None:
    """The STUDYID of the first record of all that has one."""
    if subjects is None or not {"STUDYID", "_id"} <= set(subjects.columns):
        return None
    firsts = [p.drop_nulls("STUDYID").sort("_id").head(1) for p in pieces(subjects, ["STUDYID", "_id"])]
    return first_study(pl.concat(firsts).sort("_id"))


def _shares(held: Mapping[str, Kept]) -> Iterator[dict[str, pl.DataFrame]]:
    """Share by share the records of each dataset, with their number in it; of datasets without subjects all, each time."""
    number = max(len(kept.paths) for kept in held.values())
    first = 0
    firsts = {}
    for name in sorted(held):
        firsts[name] = first
        first += held[name].height
    for share in range(number):
        frames = {}
        for name, kept in held.items():
            frame = pl.read_ipc(kept.paths[0 if len(kept.paths) == 1 else share])
            frames[name] = frame.with_columns((pl.col("_id") - firsts[name] + 1).cast(pl.UInt32).alias("_row"))
        yield frames
