"""The same checks by shares of the subjects, here, in processes or on a cluster, with the same findings.

Nearly every check looks at one subject at a time. Those that do not (`WHOLE`, the sheets' structure, expectations) run here
on all subjects while others judge the shares. What comes back is put together share by share before anything is settled, so
that the outcome does not depend on how many shares there were or who judged them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain

import polars as pl

from cdiscx import registry
from cdiscx.model.finding import Check, CheckPart
from cdiscx.model.table import RunContext, StudyData, Table
from cdiscx.parts import Share, Spread, in_memory, spread
from cdiscx.parts.cut import KeptShares
from cdiscx.validate.engine import Engine, PartRun, guarded, with_unreadable
from cdiscx.validate.structure import schema_checks
from cdiscx.views import with_views

#: checks with a part that compares subjects with each other or counts them
WHOLE = frozenset({"STR-001", "STR-002", "STR-003", "STR-004", "STR-005", "STR-007", "END-016"})
#: parts that look at the observations of reading, which name cells and not always a subject
_ON_CELLS = frozenset({"problems", "rows"})

Judged = dict[str, tuple[PartRun, ...]]
#: what a schema says of a table: the check, and what became of it
Schemas = list[tuple[str, PartRun]]


@dataclass(frozen=True, slots=True)
class Wish:
    """What is asked of every share: checks, whether its tables are held against their schemas, views to hand back."""

    checks: tuple[str, ...]
    schemas: bool = False
    views: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """What one share gave."""

    parts: Mapping[tuple[str, str], PartRun]
    schemas: Schemas
    views: Mapping[str, pl.DataFrame]
    broken: Mapping[str, str]


def together(part: CheckPart) -> bool:
    """Whether a part of a check must see all subjects at once."""
    return part.check_id in WHOLE or part.on in _ON_CELLS


def apart(engine: Engine, checks: Sequence[Check], how: Spread) -> Judged:
    """Check -> what became of each of its parts, in their order, for `Engine.validate`, of tables in memory.

    Raises UsageError for a cluster that does not answer, or without the packages for one.
    """
    data = replace(engine.data, run=engine.run)
    shares = in_memory(data, how.parts)

    def meanwhile() -> Judged:
        return _of_all(engine, checks)

    wish = Wish(_local(checks))
    answers, own = spread(partial(judge, wish=wish), shares.number, lambda n: shares.share(n, data), how, meanwhile)
    return _put_together(checks, answers, own)


def of_shares(
    data: StudyData, run: RunContext, checks: Sequence[Check], schemas: bool, how: Spread
) -> tuple[Engine, Judged, Schemas]:
    """Tables on disk -> an engine that has of all subjects what their findings need, what became of every part of the
    checks, and what the schemas say of the tables.

    Raises UsageError for a cluster that does not answer, or without the packages for one.
    """
    shares: KeptShares = data.shares
    ready = replace(data, run=run)
    views = _views_of_all(checks)
    wish = Wish(_local(checks), schemas, views)
    answers, _ = spread(partial(judge, wish=wish), shares.number, lambda n: shares.share(n, ready), how, lambda: None)
    made = {v: pl.concat([a.views[v] for a in answers]) for v in views if all(v in a.views for a in answers)}
    whole = {"subjects": Table("subjects", data.tidy["subjects"].frame, data.tidy["subjects"].origin)}
    tidy = {
        **data.tidy,
        **{n: t for n, t in whole.items() if n in data.tidy},
        **{v: Table(v, f) for v, f in made.items()},
    }
    broken = {v: said for a in reversed(answers) for v, said in a.broken.items()}
    frames = {"rows": shares.rows.lazy(), "problems": with_unreadable(shares.problems.lazy())}
    heights = {"rows": sum(t.height for t in data.tidy.values() if "SUBJID" in t.columns)}
    engine = Engine(replace(ready, tidy=tidy, broken=broken), run, registry.views(), frames, heights=heights)
    named = [(names[0], merged([run for _, run in zip_])) for names, zip_ in _by_judge([a.schemas for a in answers])]
    return engine, _put_together(checks, answers, _of_all(engine, checks)), named


def _by_judge(told: Sequence[Schemas]) -> list[tuple[list[str], Schemas]]:
    """The shares' words on each judge of a schema, judge by judge."""
    return [([name for name, _ in each], list(each)) for each in zip(*told, strict=True)]


def _local(checks: Sequence[Check]) -> tuple[str, ...]:
    return tuple(check.id for check in checks if any(not together(p) for p in check.parts))


def _of_all(engine: Engine, checks: Sequence[Check]) -> Judged:
    return {c.id: tuple(engine.part(c, p) for p in c.parts if together(p)) for c in checks}


def _views_of_all(checks: Sequence[Check]) -> tuple[str, ...]:
    """Views that the parts on all subjects ask for."""
    words = chain.from_iterable((p.on, *p.needs, *p.uses) for c in checks for p in c.parts if together(p))
    tables = {word.partition(".")[0] for word in words}
    return tuple(sorted(tables & set(registry.views())))


def _put_together(checks: Sequence[Check], answers: Sequence[Answer], own: Judged) -> Judged:
    out: Judged = {}
    for check in checks:
        here = iter(own[check.id])
        out[check.id] = tuple(
            next(here) if together(part) else merged([each.parts[check.id, part.name] for each in answers])
            for part in check.parts
        )
    return out


def merged(runs: Sequence[PartRun]) -> PartRun:
    """What one part of a check would have said of all subjects."""
    first = runs[0]
    error = next((r.error for r in runs if r.error), None)
    rows = sum(r.rows for r in runs)
    seconds = sum(r.seconds for r in runs)
    if error or first.skipped or not rows:
        return replace(PartRun(), error=error, skipped=first.skipped, partial=first.partial, seconds=seconds)
    return PartRun(
        tuple(hit for r in runs for hit in r.hits),
        rows,
        True,
        None,
        first.partial,
        None,
        seconds,
        sum(r.withheld for r in runs),
        frozenset().union(*(r.silent for r in runs)),
    )


def judge(share: Share, wish: Wish) -> Answer:
    """What every local part of the checks says of one share of the subjects, in any process."""
    registry.discover("cdiscx.checks")
    bare = share.data()
    run = bare.run
    assert run is not None, "a share is made of prepared data"
    data = with_views(bare, run)
    engine = Engine(data, run, registry.views(), always=True)
    known = registry.checks()
    parts = {
        (i, part.name): engine.part(known[i], part)
        for i in wish.checks
        for part in known[i].parts
        if not together(part)
    }
    schemas = [(check.id, guarded(judged)) for check, judged in schema_checks(data)] if wish.schemas else []
    views = {name: data.tidy[name].frame for name in wish.views if name in data.tidy}
    return Answer(parts, schemas, views, data.broken)
