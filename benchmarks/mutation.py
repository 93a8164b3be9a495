"""Mutation: change one comparison, constant or filter of a rule at a time and see whether a test notices.

Run: python benchmarks/mutation.py [--seed 1] [--per-check 3] [--per-file 40] [--only 'checks:MEA-*'] [--out build/mutation.jsonl]

Three families. `checks`: the functions of the checks room, judged by the cases of their own check (tests/cases). `views`: the
house tables, judged by the cases of the checks that read them. `standards`: the response tables, measurability, grades and
Child-Pugh, judged by their tests. A mutant replaces the code of a living function (`__code__`), so that whoever imported the
function sees it; nothing is written to the sources. Every mutant is one line of the output; a second run goes on where the
first stopped, and a mutant under which the process died counts as killed. Parameters are changed where a function asks for
them (`study.p("name")`, one more and one less).
"""

from __future__ import annotations
import __future__

import argparse
import ast
import contextlib
import copy
import importlib
import io
import itertools
import json
import os
import random
import signal
import sys
import time
import types
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Any

os.environ.setdefault("POLARS_MAX_THREADS", "1")
ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "tests" / "golden"), str(ROOT / "tests" / "tidy")]

#: modules of the standards room and the tests that speak of them
STANDARDS = {
    "recist": ("test_recist_target.py", "test_response_property.py"),
    "target_sum": ("test_recist_target.py", "test_response_property.py"),
    "nontarget": ("test_recist_overall.py", "test_nontarget_operands.py", "test_response_property.py"),
    "new_lesion": ("test_recist_overall.py", "test_response_property.py"),
    "overall": ("test_recist_overall.py", "test_response_property.py"),
    "best_response": ("test_best_response.py",),
    "pvtt": ("test_pvtt.py",),
    "measurability": ("test_measurability.py",),
    "grades": ("test_grades.py",),
    "child_pugh": ("test_grades.py",),
}
#: checks that the schemas of validate.structure judge
BY_SCHEMA = ["STR-003", "STR-009"]
_SWAPS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.In: ast.NotIn, ast.NotIn: ast.In, ast.Is: ast.IsNot, ast.IsNot: ast.Is,
}  # fmt: skip
_METHODS = {
    "min_horizontal": "max_horizontal", "max_horizontal": "min_horizontal", "any_horizontal": "all_horizontal",
    "all_horizontal": "any_horizontal", "cum_min": "cum_max", "cum_max": "cum_min", "min": "max", "max": "min",
    "first": "last", "last": "first", "any": "all", "all": "any", "is_null": "is_not_null", "is_not_null": "is_null",
    "forward_fill": "backward_fill", "backward_fill": "forward_fill",
}  # fmt: skip
_WORDS = {"semi": "anti", "anti": "semi", "left": "inner", "first": "last", "last": "first"}
#: calls whose numbers are no rule: presentation, lengths of lists that are shown
_PLAIN = {"round", "slice", "head", "limit", "extract", "replace", "replace_all", "Rule"}


@dataclass(frozen=True, slots=True)
class Mutant:
    """One change of one function: where, what, and the code that does it."""

    family: str
    module: str
    function: str
    line: int
    what: str
    at: int

    @property
    def name(self) -> str:
        return f"{self.module}:{self.function}: {self.what} #{self.at}"


Change = tuple[str, Callable[[], None], Callable[[], None]]


def _field(node: Any, name: str, value: Any) -> tuple[Callable[[], None], Callable[[], None]]:
    old = getattr(node, name)
    return lambda: setattr(node, name, value), lambda: setattr(node, name, old)


def _item(items: list[Any], at: int, value: Any) -> tuple[Callable[[], None], Callable[[], None]]:
    old = items[at]
    return lambda: items.__setitem__(at, value), lambda: items.__setitem__(at, old)


def _dropped(call: ast.Call, at: int) -> tuple[Callable[[], None], Callable[[], None]]:
    old = call.args[at]
    true = ast.parse("pl.lit(True)", mode="eval").body
    return lambda: call.args.__setitem__(at, true), lambda: call.args.__setitem__(at, old)


def _changes(tree: ast.AST) -> Iterator[tuple[int, str, Callable[[], None], Callable[[], None]]]:
    """Every change of a function body: line, what it does, how to do it and how to undo it."""
    plain: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and _called(node) in _PLAIN:
            plain |= {id(a) for a in ast.walk(node) if a is not node.func} - {id(a) for a in ast.walk(node.func)}
    for parent in ast.walk(tree):
        line = getattr(parent, "lineno", 0)
        if isinstance(parent, ast.Compare):
            for i, op in enumerate(parent.ops):
                if type(op) in _SWAPS and id(parent) not in plain:
                    new = _SWAPS[type(op)]()
                    yield line, f"{type(op).__name__} -> {type(new).__name__}", *_item(parent.ops, i, new)
        elif isinstance(parent, ast.BoolOp):
            other = ast.Or() if isinstance(parent.op, ast.And) else ast.And()
            yield line, f"{type(parent.op).__name__} -> {type(other).__name__}", *_field(parent, "op", other)
        elif isinstance(parent, ast.BinOp) and isinstance(parent.op, ast.BitAnd | ast.BitOr):
            swap: ast.operator = ast.BitOr() if isinstance(parent.op, ast.BitAnd) else ast.BitAnd()
            yield line, f"{type(parent.op).__name__} -> {type(swap).__name__}", *_field(parent, "op", swap)
        elif isinstance(parent, ast.Call):
            yield from _call_changes(parent, line)
        for name, value in ast.iter_fields(parent):
            for at, child in enumerate(value if isinstance(value, list) else [value]):
                put = (lambda v, p=value, i=at: _item(p, i, v)) if isinstance(value, list) else (
                    lambda v, p=parent, n=name: _field(p, n, v)
                )  # fmt: skip
                yield from _child_changes(child, put, id(child) in plain)


def _child_changes(child: Any, put: Callable[[Any], Any], plain: bool) -> Iterator[Any]:
    """Changes that put another node in the child's place."""
    line = getattr(child, "lineno", 0)
    if isinstance(child, ast.UnaryOp) and isinstance(child.op, ast.Invert | ast.Not):
        yield line, f"{type(child.op).__name__} dropped", *put(child.operand)
    elif isinstance(child, ast.Constant) and type(child.value) in (int, float) and not plain:
        new = child.value - 1 if child.value == 1.2 else child.value + 1
        yield line, f"{child.value} -> {new}", *put(ast.Constant(new))
    elif (
        isinstance(child, ast.Call) and _called(child) == "p" and child.args and isinstance(child.args[0], ast.Constant)
    ):
        for step in (1, -1):
            bumped = ast.Call(ast.Name("_bumped", ast.Load()), [child, ast.Constant(step)], [])
            yield line, f"parameter {child.args[0].value} {step:+d}", *put(bumped)


def _call_changes(call: ast.Call, line: int) -> Iterator[Any]:
    name = _called(call)
    if isinstance(call.func, ast.Attribute) and name in _METHODS and not (name in ("all", "first") and _selects(call)):
        yield line, f"{name} -> {_METHODS[name]}", *_field(call.func, "attr", _METHODS[name])
    if name == "filter":
        for i, arg in enumerate(call.args):
            if not isinstance(arg, ast.Starred):
                yield getattr(arg, "lineno", line), f"filter condition {i + 1} dropped", *_dropped(call, i)
    if (
        name == "fill_null"
        and call.args
        and isinstance(call.args[0], ast.Constant)
        and type(call.args[0].value) is bool
    ):
        yield (
            line,
            f"fill_null({call.args[0].value}) turned",
            *_item(call.args, 0, ast.Constant(not call.args[0].value)),
        )
    if name == "is_between" and not any(k.arg == "closed" for k in call.keywords):
        keywords = [*call.keywords, ast.keyword("closed", ast.Constant("none"))]
        yield line, "is_between without its edges", *_field(call, "keywords", keywords)
    for keyword in call.keywords:
        value = keyword.value
        if keyword.arg in ("how", "keep") and isinstance(value, ast.Constant) and value.value in _WORDS:
            new = ast.Constant(_WORDS[str(value.value)])
            yield line, f"{keyword.arg}={value.value} -> {new.value}", *_field(keyword, "value", new)


def _called(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


def _selects(call: ast.Call) -> bool:
    """`pl.all()` picks columns, it is no verdict."""
    return isinstance(call.func, ast.Attribute) and isinstance(call.func.value, ast.Name) and call.func.value.id == "pl"


def _bumped(value: Any, step: int) -> Any:
    """A parameter one more or less; a switch turned, a list emptied or left."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float):
        return value + step
    return type(value)() if isinstance(value, list | tuple | dict) else value


@cache
def _functions(module: types.ModuleType) -> dict[str, ast.FunctionDef]:
    """The functions of a module without decorators and docstrings."""
    file = Path(module.__file__ or "")
    out = {}
    for node in ast.parse(file.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef) and isinstance(_plain_function(module, node.name), types.FunctionType):
            node.decorator_list = []
            node.body = node.body[1:] if ast.get_docstring(node) else node.body
            out[node.name] = node
    return out


def mutants(family: str, module: types.ModuleType) -> list[Mutant]:
    """Every mutant of the functions of a module."""
    return [
        Mutant(family, module.__name__, name, line or node.lineno, what, at)
        for name, node in _functions(module).items()
        for at, (line, what, _, _) in enumerate(_changes(ast.Module(node.body, [])))
    ]


def compiled(mutant: Mutant) -> types.CodeType | None:
    """The changed function; None where the change is no code."""
    module = sys.modules[mutant.module]
    node = _functions(module)[mutant.function]
    _, _, do, undo = next(itertools.islice(_changes(ast.Module(node.body, [])), mutant.at, None))
    do()
    try:
        whole = ast.fix_missing_locations(ast.Module([copy.deepcopy(node)], []))
        flags = __future__.annotations.compiler_flag
        made = compile(whole, str(module.__file__), "exec", flags=flags, dont_inherit=True)
    except (SyntaxError, ValueError, TypeError):
        return None
    finally:
        undo()
    code = next(c for c in made.co_consts if isinstance(c, types.CodeType))
    return code if code.co_freevars == _plain_function(module, mutant.function).__code__.co_freevars else None


def _plain_function(module: types.ModuleType, name: str) -> Any:
    found = getattr(module, name, None)
    return getattr(found, "__wrapped__", found)


@contextlib.contextmanager
def living(mutant: Mutant) -> Iterator[None]:
    """The mutant's code in the place of the function's own."""
    module = sys.modules[mutant.module]
    function = _plain_function(module, mutant.function)
    own, code = function.__code__, compiled(mutant)
    vars(module)["_bumped"] = _bumped
    function.__code__ = code or own
    try:
        yield
    finally:
        function.__code__ = own


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


def views_of(check: Any) -> dict[str, Any]:
    """The views that a check needs, and those that these need."""
    from cdiscx import registry

    known = registry.views()
    todo = [w.partition(".")[0] for p in check.parts for w in (p.on, *p.needs, *p.uses)]
    todo += [n for p in check.parts for n in p.function.__annotations__ if n in known]
    out: set[str] = set()
    while todo:
        name = todo.pop()
        if name in known and name not in out:
            out.add(name)
            todo += [w.partition(".")[0] for w in (*known[name].of, *known[name].requires)]
    return {name: view for name, view in known.items() if name in out}


def prepared(check_id: str) -> list[Prepared]:
    """The cases of a check, failing ones first; `parameters` of a case are in its study."""
    import test_cases as cases

    from cdiscx import registry, views

    spec, out = cases.FILES[check_id], []
    views.views = lambda: views_of(registry.checks()[check_id])  # type: ignore[attr-defined]
    for case in sorted(spec["cases"], key=lambda c: c["kind"] == "passing"):
        own = case.get("study", spec.get("study", "palhep-a"))
        for study in [own] if isinstance(own, str) else own:
            bare, context = cases.given(study, spec, case)
            out.append(Prepared(check_id, study, spec, case, bare, context, views.with_views(bare, context)))
    return out


def judged(one: Prepared, data: Any) -> str | None:
    """What a case says against the outcome, or None."""
    import test_cases as cases

    status, findings = cases.judge(one.check_id, data, one.context)
    wrong = cases.differences(one.case, status, findings, data)
    return f"{one.case['name']} [{one.study}]" if wrong else None


def by_cases(ready: list[Prepared], *, remake: bool) -> str | None:
    """The first case that tells a mutant from the rule."""
    from cdiscx import registry, views

    for one in ready:
        data = one.data
        if remake:
            check = registry.checks()[one.check_id]
            views.views = lambda check=check: views_of(check)  # type: ignore[attr-defined]
            data = views.with_views(one.bare, one.context)
        if (by := judged(one, data)) is not None:
            return by
    return None


@cache
def reached() -> dict[tuple[str, str], set[str]]:
    """(module, function) -> ids of the checks whose parts reach it, over the helpers of all check modules."""
    from cdiscx import registry

    out: dict[tuple[str, str], set[str]] = defaultdict(set)
    for check in registry.checks().values():
        seen: set[Any] = set()
        todo: list[Any] = [p.function for p in check.parts]
        while todo:
            function = todo.pop()
            if function in seen or not isinstance(function, types.FunctionType):
                continue
            seen.add(function)
            out[function.__module__, function.__name__].add(check.id)
            names = _names(function.__code__)
            todo += [_plain(function.__globals__.get(n)) for n in names if n in function.__globals__]
    return out


@cache
def _names(code: types.CodeType) -> set[str]:
    inner = [c for c in code.co_consts if isinstance(c, types.CodeType)]
    return set(code.co_names).union(*(_names(c) for c in inner)) if inner else set(code.co_names)


def _plain(found: Any) -> Any:
    found = getattr(found, "__wrapped__", found)
    return found if str(getattr(found, "__module__", "")).startswith("cdiscx.") else None


# --- standards: their tests ---------------------------------------------------------------------------------------------


def by_tests(files: tuple[str, ...]) -> str | None:
    """The first test that fails; pytest is quiet and runs in this process."""
    import pytest

    class Ear:
        failed: str | None = None

        def pytest_runtest_logreport(self, report: Any) -> None:
            if report.failed and self.failed is None:
                self.failed = report.nodeid.rpartition("::")[2]

    ear, silence = Ear(), io.StringIO()
    words = ["-x", "-q", "-n", "0", "-p", "no:cacheprovider", "-m", "not slow", "--no-header", "--tb=no"]
    with contextlib.redirect_stdout(silence), contextlib.redirect_stderr(silence):
        code = pytest.main([*words, *(str(ROOT / "tests" / "standards" / f) for f in files)], plugins=[ear])
    return ear.failed or (None if code == 0 else f"exit {int(code)}")


# --- the run ------------------------------------------------------------------------------------------------------------


def plan(options: argparse.Namespace) -> list[tuple[Mutant, str]]:
    """The sampled mutants and what judges each: an id of a check, `view`, or `tests`; in a stable order."""
    from cdiscx import registry

    def rng(name: str) -> random.Random:
        """Chance that what changes elsewhere does not change."""
        return random.Random(f"{options.seed}:{name}")

    out: list[tuple[Mutant, str]] = []
    registry.checks(), registry.views()
    by_check: dict[str, list[Mutant]] = defaultdict(list)
    judges = importlib.import_module("cdiscx.validate.structure").__name__
    for name in (*sorted(n for n in sys.modules if n.startswith("cdiscx.checks.")), judges):
        for mutant in mutants("checks", sys.modules[name]):
            ids = BY_SCHEMA if name == judges else sorted(reached().get((name, mutant.function), ()))
            if ids:
                by_check[rng(mutant.name).choice(ids)].append(mutant)
    for check_id in registry.checks():
        picked = by_check.get(check_id, [])
        out += [(m, check_id) for m in rng(check_id).sample(picked, min(options.per_check, len(picked)))]
    for family, room, per in (
        ("views", "cdiscx.views", options.per_view),
        ("standards", "cdiscx.standards", options.per_file),
    ):
        names = STANDARDS if family == "standards" else sorted(
            n.rpartition(".")[2] for n in sys.modules if n.startswith("cdiscx.views.")
        )  # fmt: skip
        for short in names:
            made = mutants(family, importlib.import_module(f"{room}.{short}"))
            out += [(m, short) for m in rng(short).sample(made, min(per, len(made)))]
    wanted = options.only
    return [(m, by) for m, by in out if fnmatchcase(f"{m.family}:{by}", wanted)]


def users_of(view_module: str) -> list[str]:
    """Checks that read a view of the module, those that read the fewest views first."""
    from cdiscx import registry

    names = {v.name for v in registry.views().values() if v.function.__module__ == view_module}
    users = [(len(views_of(c)), c.id) for c in registry.checks().values() if names & set(views_of(c))]
    return [check_id for _, check_id in sorted(users)]


class Judge:
    """Keeps the cases of the checks that were prepared last."""

    def __init__(self, budget: int, users: int) -> None:
        self.budget, self.users = budget, users
        self.ready: dict[str, list[Prepared]] = {}

    def cases(self, check_id: str) -> list[Prepared]:
        if check_id not in self.ready:
            self.ready[check_id] = prepared(check_id)
        return self.ready[check_id]

    def __call__(self, mutant: Mutant, by: str) -> str | None:
        if mutant.family == "standards":
            with living(mutant):
                return within(self.budget, lambda: by_tests(STANDARDS[by]))
        if mutant.family == "checks":
            if set(self.ready) != {by}:
                self.ready.clear()
            ready = self.cases(by)
            with living(mutant):
                return within(self.budget, lambda: by_cases(ready, remake=False))
        users = users_of(mutant.module)
        for check_id in random.Random(mutant.name).sample(users, min(self.users, len(users))):
            ready = self.cases(check_id)
            with living(mutant):
                if (killed := within(self.budget, lambda r=ready: by_cases(r, remake=True))) is not None:
                    return f"{check_id}: {killed}"
        return None


def main() -> None:
    """Judges the sample, one line of JSON a mutant, and prints the score of each family."""
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--seed", type=int, default=1)
    words.add_argument("--per-check", type=int, default=3)
    words.add_argument("--per-view", type=int, default=8, help="mutants of a module of the views room")
    words.add_argument("--per-file", type=int, default=40, help="mutants of a module of the standards room")
    words.add_argument("--users", type=int, default=6, help="checks whose cases judge a view")
    words.add_argument("--only", default="*", help="family:check or family:module, with wildcards")
    words.add_argument("--budget", type=int, default=120, help="seconds a mutant")
    words.add_argument("--again", action="store_true", help="judge the survivors of --out once more")
    words.add_argument("--out", type=Path, default=ROOT / "build" / "mutation.jsonl")
    options = words.parse_args()
    options.out.parent.mkdir(parents=True, exist_ok=True)
    lines = options.out.read_text(encoding="utf-8").splitlines() if options.out.exists() else []
    told = {row["name"]: row for row in map(json.loads, lines)}
    if options.again:
        told = {name: row for name, row in told.items() if row.get("killed")}
    judge = Judge(options.budget, options.users)
    with options.out.open("a", encoding="utf-8") as out:
        for mutant, by in plan(options):
            if mutant.name in told:
                continue
            row = {
                "name": mutant.name,
                "line": mutant.line,
                "family": mutant.family,
                "by": by,
                "killed": "the process died",
            }
            print(json.dumps(row), file=out, flush=True)  # replaced by the next line unless the process dies here
            start = time.perf_counter()
            row |= {"killed": judge(mutant, by), "seconds": round(time.perf_counter() - start, 1)}
            print(json.dumps(row, ensure_ascii=False), file=out, flush=True)
            told[mutant.name] = row
    report(told.values())


def report(rows: Any) -> None:
    """Score a family, then the survivors."""
    families: dict[str, list[Any]] = defaultdict(list)
    for row in rows:
        key = f"checks {row['by'].partition('-')[0]}" if row["family"] == "checks" else row["family"]
        families[key].append(row)
    for family, found in sorted(families.items()):
        dead = sum(1 for row in found if row["killed"])
        print(f"{family:<14} {dead:>4} of {len(found):>4} killed  {100 * dead / len(found):5.1f} %")
    for row in rows:
        if not row["killed"]:
            print(f"  alive: [{row['by']}] {row['name']} (line {row['line']})")


if __name__ == "__main__":
    main()
