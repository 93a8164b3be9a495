"""The same checks by parts of the subjects, in processes of this machine or of a Dask cluster, with the same findings.

Nearly every check looks at one subject at a time. Those that do not (`WHOLE`, the sheets' structure, expectations) run here
on all subjects while others judge the parts. What comes back is put together part by part before anything is settled, so
that the outcome does not depend on how many parts there were or who judged them.
"""

from __future__ import annotations

import io
import os
import pickle
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace
from importlib import import_module
from multiprocessing import get_context
from typing import Any

import polars as pl

from cdiscx import registry
from cdiscx.model.errors import UsageError
from cdiscx.model.finding import Check, CheckPart
from cdiscx.model.table import RunContext, StudyData, Table, Upload
from cdiscx.validate.engine import Engine, PartRun
from cdiscx.views import with_views

#: checks with a part that compares subjects with each other or counts them
WHOLE = frozenset({"STR-001", "STR-002", "STR-003", "STR-004", "STR-005", "STR-006", "STR-007", "END-016"})
#: parts that look at the observations of reading, which name cells and not always a subject
_ON_CELLS = frozenset({"problems", "rows"})
#: how often lost processes are replaced before what is left is judged here
_ROUNDS = 3

Judged = dict[str, tuple[PartRun, ...]]


@dataclass(frozen=True, slots=True)
class Spread:
    """How a run is spread: parts of the subjects, processes of this machine, or the address of a Dask cluster."""

    workers: int = 1
    cluster: str | None = None
    partitions: int | None = None

    @property
    def parts(self) -> int:
        """How many parts the subjects are put into: as told, else two a worker."""
        return self.partitions or (max(2, 2 * self.workers) if self.cluster or self.workers > 1 else 1)


def together(part: CheckPart) -> bool:
    """Whether a part of a check must see all subjects at once."""
    return part.check_id in WHOLE or part.on in _ON_CELLS


def apart(engine: Engine, checks: Sequence[Check], how: Spread) -> Judged:
    """Check -> what became of each of its parts, in their order, for `Engine.validate`.

    Raises UsageError for a cluster that does not answer, or without the packages for one.
    """
    data, run = engine.data, engine.run
    wanted = tuple(check.id for check in checks if any(not together(p) for p in check.parts))
    loads = [_packed(data, run, wanted, how.parts, n) for n in range(how.parts)]

    def meanwhile() -> Judged:
        return {c.id: tuple(engine.part(c, p) for p in c.parts if together(p)) for c in checks}

    if how.cluster is not None:
        answers, own = _on_cluster(how.cluster, loads, meanwhile)
    else:
        answers, own = _in_processes(how.workers, loads, meanwhile)
    told: list[dict[tuple[str, str], PartRun]] = [pickle.loads(answer) for answer in answers]
    out: Judged = {}
    for check in checks:
        here = iter(own[check.id])
        out[check.id] = tuple(
            next(here) if together(part) else merged([each[check.id, part.name] for each in told])
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


def _packed(data: StudyData, run: RunContext, wanted: tuple[str, ...], parts: int, number: int) -> bytes:
    """One part of the subjects as bytes: tables without views, places without the sheets as typed."""
    own = (pl.col("SUBJID").fill_null("").hash() % parts) == number
    tables = {}
    for name, table in data.tidy.items():
        if data.study.sheet_of(name) is not None:
            frame = table.frame.filter(own) if "SUBJID" in table.frame.columns else table.frame
            tables[name] = (_ipc(frame), table.origin)
    bare = tuple(replace(s, raw=replace(s.raw, text=pl.DataFrame(), kinds=pl.DataFrame())) for s in data.upload.sources)
    files = tuple(replace(f, sheets=()) for f in data.upload.files)
    upload = Upload(files, bare, pl.DataFrame(schema=data.upload.ledger.schema))
    slim = StudyData(data.study, upload, notes=(), absent=data.absent)
    problems = None if data.problems is None else _ipc(data.problems)
    return pickle.dumps((slim, tables, problems, _ipc(data.upload.ledger), run, wanted))


def _ipc(frame: pl.DataFrame) -> bytes:
    out = io.BytesIO()
    frame.write_ipc(out, compression="lz4")
    return out.getvalue()


def judge(load: bytes) -> bytes:
    """What every local part of the checks says of one part of the subjects; bytes in, bytes out, for any process."""
    slim, tables, problems, ledger, run, wanted = pickle.loads(load)
    registry.discover("cdiscx.checks")
    tidy = {name: Table(name, pl.read_ipc(io.BytesIO(packed)), origin) for name, (packed, origin) in tables.items()}
    upload = replace(slim.upload, ledger=pl.read_ipc(io.BytesIO(ledger)))
    seen = None if problems is None else pl.read_ipc(io.BytesIO(problems))
    data = with_views(replace(slim, tidy=tidy, upload=upload, problems=seen), run)
    engine = Engine(data, run, registry.views(), always=True)
    known = registry.checks()
    out = {(i, part.name): engine.part(known[i], part) for i in wanted for part in known[i].parts if not together(part)}
    return pickle.dumps(out)


def _in_processes(workers: int, loads: Sequence[bytes], meanwhile: Callable[[], Judged]) -> tuple[list[bytes], Judged]:
    """Answers in the order of the loads; a process that dies takes nothing with it: its part is judged again."""
    answers: dict[int, bytes] = {}
    own: Judged | None = None
    for _ in range(_ROUNDS if workers > 1 else 0):
        left = [n for n in range(len(loads)) if n not in answers]
        if not left:
            break
        with ProcessPoolExecutor(
            workers, get_context("spawn"), initializer=_modest, initargs=(max(1, (os.cpu_count() or 1) // workers),)
        ) as pool:
            started = {pool.submit(judge, loads[n]): n for n in left}
            own = meanwhile() if own is None else own
            answers |= _answered(as_completed(started), started)
    own = meanwhile() if own is None else own
    answers |= {n: judge(load) for n, load in enumerate(loads) if n not in answers}
    return [answers[n] for n in range(len(loads))], own


def _answered(done: Iterable[Future[bytes]], started: Mapping[Future[bytes], int]) -> dict[int, bytes]:
    answers = {}
    for future in done:
        try:
            answers[started[future]] = future.result()
        except BrokenProcessPool:  # a process was killed: its parts, and those that waited for it, come again
            continue
    return answers


def _modest(threads: int) -> None:
    """A worker takes its share of the machine and no more (polars reads this when it starts its threads)."""
    os.environ["POLARS_MAX_THREADS"] = str(threads)


def _on_cluster(address: str, loads: Sequence[bytes], meanwhile: Callable[[], Judged]) -> tuple[list[bytes], Judged]:
    """Answers of a Dask cluster, which sends the work of a lost worker to another."""
    try:
        distributed: Any = import_module("distributed")
    except ImportError as error:
        raise UsageError("--cluster needs the extra cdiscx[dask]: pip install 'cdiscx[dask]'") from error
    try:
        client = distributed.Client(address, timeout="20s", set_as_default=False)
    except (OSError, ValueError) as error:
        raise UsageError(f"no Dask cluster answers at {address}: {error}") from error
    with client:
        futures = client.map(judge, list(loads), pure=False, retries=_ROUNDS)
        own = meanwhile()
        return list(client.gather(futures)), own
