"""The only door to great_expectations and pandas: loads the library, as much of it as is needed, and opens a context."""

from __future__ import annotations

import gc
import importlib
import os
import sys
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from importlib.metadata import distribution
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from cdiscx.model.process import PROCESS, emptied, load_when_used, without
from cdiscx.model.spec import Expectation

_TRIED = "1.24."  # releases of the library whose import was tried with parts of it left out
_SOURCES = "great_expectations.datasource.fluent"
_EXPECTATIONS = "great_expectations.expectations.core"


@cache
def great_expectations() -> Any:
    """The library, imported once, quietly: its own imports warn of modules that Python has renamed.

    It loads all of scipy.stats and altair for one expectation about divergence; these wait until they are used. Two
    thousand modules make a million objects that all stay: the search for garbage among them waits as well. In a process of
    our own it does without what only databases and files need.
    """
    os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
    collecting = gc.isenabled()
    gc.disable()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            load_when_used("scipy.stats")
            load_when_used("altair")
            if not PROCESS.own:
                return importlib.import_module("great_expectations")
            with without("sqlalchemy"), _no_file_readers(), emptied(_not_needed()):
                return importlib.import_module("great_expectations")
    finally:
        if collecting:
            gc.enable()


def _not_needed() -> list[str]:
    """Modules of the library that judge nothing here: data sources but data frames, and all its ready-made expectations.

    Those that a study names are loaded for it (`load`). Only for releases that were tried: another one is loaded whole.
    """
    package = distribution("great-expectations")
    if not package.version.startswith(_TRIED):
        return []
    return [
        f"{package_name}.{path.stem}"
        for package_name, pattern in (
            (_SOURCES, "*_datasource.py"),
            (_SOURCES, "fabric.py"),
            (_EXPECTATIONS, "expect_*.py"),
        )
        for path in sorted(Path(str(package.locate_file(package_name.replace(".", "/")))).glob(pattern))
        if path.stem not in ("pandas_datasource", "invalid_datasource")
    ]


def load(items: Iterable[Expectation]) -> None:
    """The library's classes of the expectations named, where `great_expectations` left them out."""
    names = sorted({f"{_EXPECTATIONS}.{item.type}" for item in items if item.type.isidentifier()})
    if not all(name in sys.modules for name in names):
        with warnings.catch_warnings(), without("sqlalchemy"):
            warnings.simplefilter("ignore")
            for name in names:
                if find_spec(name) is not None:
                    importlib.import_module(name)


@contextmanager
def _no_file_readers() -> Iterator[None]:
    """pandas with one of its readers of files: the library makes two classes of every one that it finds."""
    import pandas as pd

    readers = {name: found for name, found in vars(pd).items() if name.startswith("read_") and name != "read_csv"}
    try:
        for name in readers:
            delattr(pd, name)
        yield
    finally:
        for name, found in readers.items():
            setattr(pd, name, found)


@cache
def batch_definition() -> Any:
    """An ephemeral context with one data frame asset; nothing is written, nothing leaves the machine."""
    gx = great_expectations()
    from great_expectations.data_context.types.base import ProgressBarsConfig

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False, metric_calculations=False)
    asset = context.data_sources.add_pandas("frames").add_dataframe_asset("table")
    return asset.add_batch_definition_whole_dataframe("whole")
