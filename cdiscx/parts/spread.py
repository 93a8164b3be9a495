"""A job and many shares in, an answer each out: done here, by processes of this machine, or by a Dask cluster.

A process that dies takes nothing with it: what it had not answered is done again.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from importlib import import_module
from multiprocessing import get_context
from typing import Any, Protocol, Self, TypeVar

from cdiscx.model.errors import UsageError


class Load(Protocol):
    """What a process works on."""

    def sent(self) -> Self:
        """The same for a machine that does not see this one's files."""


A = TypeVar("A")
M = TypeVar("M")
L = TypeVar("L", bound=Load)
#: how often lost processes are replaced before what is left is done here
ROUNDS = 3
#: shares a worker has before it at most: they are packed when they are sent, not before
_AHEAD = 2


@dataclass(frozen=True, slots=True)
class Spread:
    """How a run is spread: processes of this machine, or the address of a Dask cluster; shares of the subjects."""

    workers: int = 1
    cluster: str | None = None
    partitions: int | None = None

    @property
    def parts(self) -> int:
        """How many shares the subjects are put into: as told, else two a worker."""
        return self.partitions or (max(2, 2 * self.workers) if self.cluster or self.workers > 1 else 1)


def _as_it_is(answer: A) -> A:
    return answer


def spread(
    job: Callable[[L], A], number: int, share: Callable[[int], L], how: Spread, meanwhile: Callable[[], M],
    receive: Callable[[A], A] = _as_it_is,
) -> tuple[list[A], M]:  # fmt: skip
    """The answers in the order of the shares, and what `meanwhile` gave, which runs here while others work.

    `receive` is what is kept of an answer, in this process, while others are still to come (its frames on disk).
    `share` makes a share by its number. Raises UsageError for a cluster that does not answer, or without the packages for one.
    """
    if how.cluster is not None:
        return _on_cluster(how.cluster, job, number, share, meanwhile, receive)
    answers: dict[int, A] = {}
    own: list[M] = []

    def once() -> None:
        if not own:
            own.append(meanwhile())

    for _ in range(ROUNDS if how.workers > 1 else 0):
        left = [n for n in range(number) if n not in answers]
        if left:
            _in_processes(how.workers, job, left, share, answers, once, receive)
    made = own[0] if own else meanwhile()
    for n in range(number):
        if n not in answers:
            answers[n] = receive(job(share(n)))
    return [answers[n] for n in range(number)], made


def _in_processes(
    workers: int, job: Callable[[L], A], left: list[int], share: Callable[[int], L], answers: dict[int, A],
    meanwhile: Callable[[], object], receive: Callable[[A], A],
) -> None:  # fmt: skip
    """Adds the answers that processes gave before one of them died, or all."""
    threads = max(1, (os.cpu_count() or 1) // workers)
    todo = iter(left)
    with ProcessPoolExecutor(workers, get_context("spawn"), initializer=_modest, initargs=(threads,)) as pool:
        waiting: dict[Future[A], int] = {}
        try:
            _fill(pool, waiting, todo, job, share, _AHEAD * workers)
            meanwhile()
            while waiting:
                done, _ = wait(waiting, return_when=FIRST_COMPLETED)
                for future in done:
                    answers[waiting.pop(future)] = receive(future.result())
                _fill(pool, waiting, todo, job, share, _AHEAD * workers)
        except BrokenProcessPool:  # a process was killed: its shares, and those that waited for it, come again
            for future, n in waiting.items():
                if future.done() and not future.cancelled() and future.exception() is None:
                    answers[n] = receive(future.result())


def _fill(
    pool: ProcessPoolExecutor, waiting: dict[Future[A], int], todo: Iterator[int],
    job: Callable[[L], A], share: Callable[[int], L], most: int,
) -> None:  # fmt: skip
    while len(waiting) < most and (n := next(todo, None)) is not None:
        waiting[pool.submit(job, share(n))] = n


def _modest(threads: int) -> None:
    """A worker takes its part of the machine and no more (polars reads this when it starts its threads)."""
    os.environ["POLARS_MAX_THREADS"] = str(threads)


def _on_cluster(
    address: str, job: Callable[[L], A], number: int, share: Callable[[int], L], meanwhile: Callable[[], M],
    receive: Callable[[A], A],
) -> tuple[list[A], M]:  # fmt: skip
    """Answers of a Dask cluster, which sends the work of a lost worker to another."""
    try:
        distributed: Any = import_module("distributed")
    except ImportError as error:
        raise UsageError("--cluster needs the extra cdiscx[dask]: pip install 'cdiscx[dask]'") from error
    try:
        client = distributed.Client(address, timeout="20s", set_as_default=False)
    except (OSError, ValueError) as error:
        raise UsageError(f"no Dask cluster answers at {address}: {error}") from error
    with client, client.as_current():
        most = _AHEAD * max(1, len(client.scheduler_info()["workers"]))
        waiting: dict[Any, int] = {}
        answers: dict[int, A] = {}
        todo = iter(range(number))

        def fill() -> None:
            while len(waiting) < most and (n := next(todo, None)) is not None:
                waiting[client.submit(job, share(n).sent(), pure=False, retries=ROUNDS)] = n

        fill()
        own = meanwhile()
        while waiting:
            done, _ = distributed.wait(list(waiting), return_when="FIRST_COMPLETED")
            for future in done:
                answers[waiting.pop(future)] = receive(future.result())
            fill()
    return [answers[n] for n in range(number)], own
