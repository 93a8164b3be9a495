"""Whether this process is cdiscx's own: then libraries may be loaded without the parts that cdiscx does not use."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

#: uploads up to this size in all are worked on by one thread: handing their small frames to many costs more than it gives
_SMALL = 2 * 1024**2


@dataclass
class Process:
    """`own`: started as the command `cdiscx`; False where cdiscx is a guest in somebody's program or test run."""

    own: bool = False


PROCESS = Process()


def one_thread_for_small(uploads: Iterable[str]) -> None:
    """Tells Polars, before it is loaded, to start one thread where the uploads are small; never where the user said otherwise.

    Only in a process of our own: a host's Polars is the host's. What is no file is left to the reader to complain about.
    """
    if not PROCESS.own or "polars" in sys.modules or "POLARS_MAX_THREADS" in os.environ:
        return
    paths = [Path(u) for u in uploads]
    if all(p.is_file() for p in paths) and sum(p.stat().st_size for p in paths) <= _SMALL:
        os.environ["POLARS_MAX_THREADS"] = "1"
