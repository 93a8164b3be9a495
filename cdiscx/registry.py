"""What the house can do: decorators that register checks, readers, algorithms, datasets, exporters; and discovery."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib.metadata import entry_points
from typing import Any, TypeVar

import polars as pl

from cdiscx.model.errors import UsageError
from cdiscx.model.finding import Check, CheckPart, Severity, Wording, everywhere

F = TypeVar("F", bound=Callable[..., object])
CheckFunction = TypeVar("CheckFunction", bound=Callable[..., pl.LazyFrame])

_CHECKS: dict[str, Check] = {}
_KINDS: dict[str, dict[str, Callable[..., object]]] = {}
_SECTION = re.compile(r"^(Why|Fix|Rule|Not checked):\s*", re.MULTILINE)


def read_wording(docstring: str | None) -> Wording:
    """Splits a check's docstring: message template, then `Why:`, `Fix:`, `Rule:`, `Not checked:` paragraphs."""
    pieces = _SECTION.split(inspect.cleandoc(docstring or ""))
    parts = {name: " ".join(text.split()) for name, text in zip(pieces[1::2], pieces[2::2], strict=True)}
    return Wording(
        " ".join(pieces[0].split()),
        parts.get("Why", ""),
        parts.get("Fix", ""),
        parts.get("Rule", ""),
        parts.get("Not checked", ""),
    )


def catalogue(check_id: str, title: str, severity: Severity, tier: int) -> None:
    """Declares a check of the catalogue; its parts register themselves with `@check`."""
    old = _CHECKS.get(check_id)
    _CHECKS[check_id] = Check(check_id, title, severity, tier, old.parts if old else ())


def check(
    check_id: str,
    *,
    on: str,
    columns: tuple[str, ...] = (),
    needs: tuple[str, ...] = (),
    uses: tuple[str, ...] = (),
    silenced_by: tuple[str, ...] = (),
    applies: Callable[[Any], str | None] = everywhere,
    title: str = "",
    severity: Severity = Severity.WARNING,
    tier: int = 1,
) -> Callable[[CheckFunction], CheckFunction]:
    """Registers a function as a part of a check (see `CheckPart` for the words).

    The function's parameters are names of tidy tables or views (LazyFrames), `study` (Study) or `run` (RunContext).
    It returns the offending rows as a LazyFrame with `SUBJID`, `_rid` (u32 row the site must correct, null = no row) and,
    optionally, `_say` (message template), `_column`, `_table` (default `on`), `_severity`, `_expected` (template),
    `_related` (list of struct rid, column), `_key` (text that keeps two findings on one record apart), `VISIT`.
    `title`, `severity`, `tier` matter only for ids that are not in the catalogue (plug-ins).
    """

    def register(function: CheckFunction) -> CheckFunction:
        part = CheckPart(
            check_id,
            function.__name__,
            function,
            on,
            columns,
            needs,
            uses,
            silenced_by,
            read_wording(function.__doc__),
            applies,
        )
        old = _CHECKS.get(check_id) or Check(check_id, title or function.__name__.replace("_", " "), severity, tier)
        parts = (*(p for p in old.parts if p.name != part.name), part)
        _CHECKS[check_id] = Check(old.id, old.title, old.severity, old.tier, parts)
        return function

    return register


@dataclass(frozen=True, slots=True)
class View:
    """A house table made from others: `of` names every `table.COLUMN`, table or view that it reads.

    Without one of `requires` it cannot be made; the function takes LazyFrames by name, `study` and `run`.
    `union`: every sheet adds rows of its own, so that what examines them can do without a sheet.
    """

    name: str
    function: Callable[..., pl.LazyFrame]
    of: tuple[str, ...]
    requires: tuple[str, ...] = ()
    union: bool = False


_VIEWS: dict[str, View] = {}


def view(
    name: str, *, of: tuple[str, ...], requires: tuple[str, ...] = (), union: bool = False
) -> Callable[[CheckFunction], CheckFunction]:
    """Registers a function as the maker of a house table that checks and derivations share (see `View`)."""

    def register(function: CheckFunction) -> CheckFunction:
        _VIEWS[name] = View(name, function, of, requires, union)
        return function

    return register


def views() -> dict[str, View]:
    """Name -> view, in order of registration."""
    discover("cdiscx.views")
    return dict(_VIEWS)


def _registrar(kind: str) -> Callable[[str], Callable[[F], F]]:
    def named(name: str) -> Callable[[F], F]:
        def register(function: F) -> F:
            _KINDS.setdefault(kind, {})[name] = function
            return function

        return register

    return named


reader = _registrar("reader")
algorithm = _registrar("algorithm")
dataset = _registrar("dataset")
event_source = _registrar("event_source")
censor_source = _registrar("censor_source")
start_source = _registrar("start_source")
analysis = _registrar("analysis")
exporter = _registrar("exporter")
reporter = _registrar("reporter")


def registered(kind: str) -> dict[str, Callable[..., object]]:
    """Name -> function of one kind (`reader`, `algorithm`, `dataset`, `event_source`, `censor_source`, `start_source`, …)."""
    return dict(sorted(_KINDS.get(kind, {}).items()))


@cache
def discover(room: str) -> None:
    """Imports every module of a room (and, once, the plug-ins of the entry-point group `cdiscx`)."""
    package = importlib.import_module(room)
    for module in sorted(pkgutil.iter_modules(package.__path__), key=lambda m: m.name):
        importlib.import_module(f"{room}.{module.name}")
    _plugins()


@cache
def _plugins() -> None:
    for point in entry_points(group="cdiscx"):
        try:
            point.load()
        except Exception as error:  # somebody else's code: whatever it raises, the person needs its name
            said = " ".join(f"{type(error).__name__}: {error}".split())
            raise UsageError(
                f"the plug-in '{point.name}' ({point.value}) cannot be loaded: {said}; repair or uninstall it"
            ) from error


def checks() -> dict[str, Check]:
    """Id -> check, in the catalogue's order."""
    discover("cdiscx.checks")
    order = {family: i for i, family in enumerate(("STR", "DAT", "TRM", "VIS", "DOS", "MEA", "END", "SUR", "SAF"))}
    return dict(sorted(_CHECKS.items(), key=lambda item: (order.get(item[1].family, 99), item[0])))
