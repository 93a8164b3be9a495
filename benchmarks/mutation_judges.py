"""Who judges a mutant: the cases of a check, or the tests of a room; each is prepared once and asked many times.

In: a living mutant. Out: the name of the case or test that told it from the rule, or None.
"""

from __future__ import annotations

import contextlib
import io
import random
import signal
import sys
import types
import warnings
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from mutants import ROOT, TABLE, names_of

#: modules of the standards room and the tests that speak of them, the plain examples before the random histories
_TARGET = ("test_recist_target.py", "test_response_property.py")
_OVERALL = ("test_recist_overall.py", "test_nontarget_operands.py", "test_response_property.py")
STANDARDS = {
    "criterion": ("test_criterion.py", "test_recist_target.py", "test_recist_overall.py"),
    "exact": ("test_recist_target.py", "test_measurability.py", "test_response_property.py"),
    "recist": _TARGET,
    "target_sum": _TARGET,
    "nontarget": _OVERALL,
    "new_lesion": _OVERALL,
    "overall": _OVERALL,
    "best_response": ("test_best_response.py", "test_response_property.py"),
    "pvtt": ("test_pvtt.py", "test_response_property.py"),
    "measurability": ("test_measurability.py",),
    "grades": ("test_grades.py",),
    "child_pugh": ("test_grades.py",),
}  # fmt: skip
#: modules (below cdiscx) and the tests of what cases cannot say
_OTHER = ("checks/test_other_plans.py",)
_PLANNED = ("_consequences", "_doses", "_modalities", "dates", "dosing", "dosing_changes", "dosing_gaps", "endpoints",
            "radiotherapy", "reference_dates")  # fmt: skip
DIRECT = {
    "checks.visits": ("checks/test_visits.py",),
    "checks._arithmetic": ("checks/test_arithmetic_said.py",),
    "checks._reasons": ("checks/test_reasons_said.py",),
    **{f"checks.{name}": _OTHER for name in _PLANNED},
    "validate.structure": _OTHER,
    "views.imaging_plan": ("views/test_view_imaging_plan.py", "views/test_view_planned.py"),
    "views.composite": ("views/test_view_composite.py",),
    "views.latest": ("views/test_view_latest.py",),
    "views.judged_lesions": ("views/test_view_judged_lesions.py",),
    "views.timepoints": ("views/test_view_judged_lesions.py",),
    "views.readings": ("views/test_view_judged_lesions.py",),
    "views.planned": ("views/test_view_planned.py",),
    "views.planned_cycles": ("views/test_view_planned.py",),
    "views.reference": ("views/test_view_reference.py",),
    "views.unit_slips": ("views/test_view_unit_slips.py",),
    "views.tumour": ("views/test_view_tumour.py",),
}
#: checks that the schemas of validate.structure judge
BY_SCHEMA = ["STR-003", "STR-009"]


class TooLong(Exception):
    """A mutant that does not come to an end."""


def within(seconds: int, judge: Callable[[], str | None]) -> str | None:
    """What killed the mutant (None: it lives); an exception or the end of the time kills it too."""

    def late(*_: object) -> None:
        raise TooLong

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(seconds)
    try:
        return judge()
    except TooLong:
        return "time"
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # whatever a wrong rule raises: a test would have seen it
        return f"{type(error).__name__}"
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


# --- checks and views: the cases ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Prepared:
    """A case with its tables read once: only the views remain to be made."""

    check_id: str
    study: str
    spec: Mapping[str, Any]
    case: Mapping[str, Any]
    bare: Any
    context: Any
    data: Any


#: what the house asks for the views that there are, once a case has put its own in the place
_EVERY_VIEW: list[Callable[[], Any]] = []


@cache
def views_of(check_id: str) -> dict[str, Any]:
    """The views that a check needs, and those that these need, in order of registration."""
    from cdiscx import registry

    check, known = registry.checks()[check_id], registry.views()
    todo = [w.partition(".")[0] for p in check.parts for w in (p.on, *p.needs, *p.uses)]
    todo += [n for p in check.parts for n in p.function.__annotations__ if n in known]
    out: set[str] = set()
    while todo:
        name = todo.pop()
        if name in known and name not in out:
            out.add(name)
            todo += [w.partition(".")[0] for w in (*known[name].of, *known[name].requires)]
    return {name: view for name, view in known.items() if name in out}


def with_views_of(check_id: str, bare: Any, context: Any) -> Any:
    """The data with the views that the check needs."""
    from cdiscx import views

    if not _EVERY_VIEW:
        _EVERY_VIEW.append(views.views)  # type: ignore[attr-defined]
    views.views = lambda: dict(views_of(check_id))  # type: ignore[attr-defined]
    return views.with_views(bare, context)


def remade(one: Prepared, place: tuple[str, str]) -> Any | None:
    """The case's data with the views made anew that a changed function or table reaches; None: not a cell differs."""
    from cdiscx import views

    made, other = dict(one.data.tidy), set[str]()
    todo = dict(views_of(one.check_id))
    while todo:
        name = next(n for n, v in todo.items() if not any(w in todo for w in views._tables(v)))
        view = todo.pop(name)
        if name not in made or not (reaches(view.function, place) or other & views._tables(view)):
            continue
        frame = view.function(**views._words(view, made, one.data, one.context)).collect()
        if not frame.equals(made[name].frame):
            made[name], other = replace(made[name], frame=frame), other | {name}
    return replace(one.data, tidy=made) if other else None


@cache
def prepared(check_id: str) -> tuple[Prepared, ...]:
    """The cases of a check, failing ones first, all of which hold; `parameters` of a case are in its study."""
    import test_cases as cases

    spec, out = cases.FILES[check_id], []
    for case in sorted(spec["cases"], key=lambda c: c["kind"] in ("passing", "skipped")):
        own = case.get("study", spec.get("study", "palhep-a"))
        for study in [own] if isinstance(own, str) else own:
            bare, context = cases.given(study, spec, case)
            out.append(Prepared(check_id, study, spec, case, bare, context, with_views_of(check_id, bare, context)))
    broken = [by for one in out if (by := judged(one, one.data)) is not None]
    if broken:  # it would seem to kill every mutant
        raise SystemExit(f"a case fails with the rule as it is: {broken[0]}")
    return tuple(out)


def judged(one: Prepared, data: Any) -> str | None:
    """What a case says against the outcome, or None."""
    import test_cases as cases

    status, findings = cases.judge(one.check_id, data, one.context)
    wrong = cases.differences(one.case, status, findings, data)
    return f"{one.check_id}: {one.case['name']} [{one.study}]" if wrong else None


def by_cases(check_ids: Iterable[str]) -> str | None:
    """The first case of the checks that tells a mutant from the rule."""
    for check_id in check_ids:
        for one in prepared(check_id):
            if (by := judged(one, one.data)) is not None:
                return by
    return None


def by_views(check_ids: Iterable[str], place: tuple[str, str]) -> str | None:
    """The same for a mutant of the views room: only cases in whose views something differs are judged."""
    direct = set(reached().get(place, ()))
    for check_id in check_ids:
        for one in prepared(check_id):
            data = remade(one, place)
            if data is None and check_id in direct:
                data = one.data
            if data is not None and (by := judged(one, data)) is not None:
                return by
    return None


@cache
def _calls(function: types.FunctionType) -> frozenset[tuple[str, str]]:
    """Functions and tables of the house, (module, name), that a function reaches through whatever it calls."""
    out: set[tuple[str, str]] = set()
    seen: set[Any] = set()
    todo: list[Any] = [function]
    while todo:
        found = todo.pop()
        if found in seen:
            continue
        seen.add(found)
        out.add((found.__module__, found.__name__))
        inner = [c.cell_contents for c in found.__closure__ or ()]
        todo += [f for f in inner if isinstance(f, types.FunctionType)]
        for name in names_of(found.__code__) & set(found.__globals__):
            out.add((found.__module__, name))
            plain = _plain(found.__globals__[name])
            todo += [plain] if isinstance(plain, types.FunctionType) else []
    return frozenset(out)


def reaches(function: types.FunctionType, place: tuple[str, str]) -> bool:
    """Whether a function reaches another one, or anything of the module of a changed table."""
    module, name = place
    return place in _calls(function) or (name == TABLE and any(m == module for m, _ in _calls(function)))


@cache
def reached() -> dict[tuple[str, str], tuple[str, ...]]:
    """(module, function or table) -> ids of the checks whose parts reach it, through whatever they call."""
    from cdiscx import registry

    out: dict[tuple[str, str], set[str]] = defaultdict(set)
    for check in registry.checks().values():
        for part in check.parts:
            for function in (part.function, part.applies):
                for place in _calls(function) if isinstance(function, types.FunctionType) else ():
                    out[place].add(check.id)
    return {place: tuple(sorted(ids)) for place, ids in out.items()}


def _plain(found: Any) -> Any:
    found = getattr(found, "__wrapped__", found)
    return found if str(getattr(found, "__module__", "")).startswith("cdiscx.") else None


def readers_of(module: str, name: str) -> tuple[str, ...]:
    """Ids of the checks whose functions speak of a table of a module, under whatever module they found it."""
    homes = [n for n, m in sys.modules.items() if n.startswith("cdiscx.") and name in vars(m)]
    same = [h for h in homes if vars(sys.modules[h])[name] is vars(sys.modules[module])[name]]
    return tuple(sorted({i for h in same for i in reached().get((h, name), ())}))


# --- tests: collected once, asked one by one in this process -------------------------------------------------------------


@cache
def tests_of(files: tuple[str, ...]) -> tuple[tuple[str, Callable[[], object]], ...]:
    """Name and call of every test of the files that asks for no fixture, in the order of the files.

    Tests on thousands of random histories are left out: what only they notice deserves an example.
    """
    import pytest

    kept: list[Any] = []
    _same_chance()

    class Keeper:
        def pytest_collection_finish(self, session: Any) -> None:
            kept.extend(session.items)

    silence = io.StringIO()
    words = ["--collect-only", "-q", "-W", "ignore", "-p", "no:cacheprovider", "-p", "no:xdist", "-m", "not slow"]
    with contextlib.redirect_stdout(silence), contextlib.redirect_stderr(silence):
        pytest.main([*words, *(str(ROOT / "tests" / f) for f in files)], plugins=[Keeper()])
    out = []
    for item in kept:
        given = dict(item.callspec.params) if hasattr(item, "callspec") else {}
        if set(item.fixturenames) <= set(given) and "thousand" not in item.name:
            out.append((item.name, lambda f=item.obj, g=given: f(**g)))
    return tuple(out)


#: files -> tests that noticed a mutant lately: they are asked first
_KILLERS: dict[tuple[str, ...], list[str]] = defaultdict(list)


@cache
def _same_chance() -> None:
    """Hypothesis draws the same examples in every run and does not shrink a failure that is already one."""
    from hypothesis import Phase, settings

    settings.register_profile("mutation", derandomize=True, database=None, phases=[Phase.explicit, Phase.generate])
    settings.load_profile("mutation")


def by_tests(files: tuple[str, ...]) -> str | None:
    """The first test that fails; warnings are errors there too, and chance is the same in every run."""
    from cdiscx import views

    first = _KILLERS[files]
    views.views = _EVERY_VIEW[0] if _EVERY_VIEW else views.views  # type: ignore[attr-defined]
    for name, call in sorted(
        tests_of(files), key=lambda test: first.index(test[0]) if test[0] in first else len(first)
    ):
        random.seed(1)
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("error")
            try:
                call()
            except TooLong:
                raise
            except Exception as error:
                _KILLERS[files] = [name, *(n for n in first if n != name)][:12]
                return f"{name} ({type(error).__name__})"
    return None
