"""Whether this process is cdiscx's own: then libraries may be loaded without the parts that cdiscx does not use."""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

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


#: Polars' memory: what a step gave back serves the next one for ten seconds, instead of going to the system and coming anew
#: page by page, those of long columns too (on a busy machine a sixth of the time of ADRS and ADTTE, for a tenth more memory)
KEEPING = {"_RJEM_MALLOC_CONF": "oversize_threshold:0,dirty_decay_ms:10000,muzzy_decay_ms:-1"}


def keep_freed_memory() -> None:
    """Sets KEEPING, before Polars is loaded and in a process of our own only; the user's own setting stays."""
    if PROCESS.own and "polars" not in sys.modules:
        for name, value in KEEPING.items():
            os.environ.setdefault(name, value)


class _Spared:
    """An import finder for which some packages are not installed."""

    def __init__(self, *names: str) -> None:
        self.names = names

    def find_spec(self, name: str, path: object = None, target: object = None) -> None:
        """Nothing: the next finder is asked. Raises ModuleNotFoundError for the packages to spare."""
        if name in self.names:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


@contextmanager
def without(*names: str) -> Iterator[None]:
    """For what is imported meanwhile, the packages are not installed: libraries that can do without them start faster."""
    spared = _Spared(*names)
    sys.meta_path.insert(0, spared)
    try:
        yield
    finally:
        sys.meta_path.remove(spared)


class _Empty(ModuleType):
    """Stands for a module that nobody will use: every public name in it is a class of no meaning."""

    def __getattr__(self, attribute: str) -> Any:
        if attribute.startswith("__"):
            raise AttributeError(attribute)
        return type(attribute, (), {})


@contextmanager
def emptied(names: Iterable[str]) -> Iterator[None]:
    """For what is imported meanwhile, these modules (full names, none loaded yet) are empty; afterwards they can be loaded."""
    stand_ins = {name: _Empty(name) for name in names if name not in sys.modules}
    sys.modules.update(stand_ins)
    try:
        yield
    finally:
        for name, module in stand_ins.items():
            if sys.modules.get(name) is module:
                del sys.modules[name]


class _Later(ModuleType):
    """Stands for a module until something of it is asked for."""

    def __getattr__(self, attribute: str) -> Any:
        name = self.__name__
        if sys.modules.get(name) is self:
            del sys.modules[name]
        return getattr(importlib.import_module(name), attribute)


def load_when_used(name: str) -> None:
    """Puts a stand-in for a module in place, which loads it at the first look at anything in it. No such module: nothing."""
    package, _, last = name.rpartition(".")
    if name in sys.modules or (package and importlib.util.find_spec(package) is None):
        return
    spec = importlib.util.find_spec(name)
    if spec is None:
        return
    module = sys.modules[name] = _Later(name)
    module.__spec__ = spec
    if package:
        setattr(sys.modules[package], last, module)
