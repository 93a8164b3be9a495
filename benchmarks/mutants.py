"""Changes of rules, one at a time: a comparison, a constant, a parameter, a condition, a row of a table.

In: modules of cdiscx. Out: `Mutant`s in a stable order, each with the text before and after, and `living`, under which one of
them holds. A mutant replaces the code of a living function (`__code__`) or one cell of a table in memory, so that whoever
imported it sees it; nothing is written to the sources.
"""

from __future__ import annotations
import __future__

import ast
import contextlib
import copy
import itertools
import sys
import types
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
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
_PLAIN = {"round", "slice", "head", "limit", "extract", "replace", "replace_all", "zfill", "Rule"}
KINDS = ("comparison", "constant", "parameter", "condition", "choice", "table")
"""`condition`: and/or/not, filters, lists of words, nulls; `choice`: which row is kept, kinds of joins, min/max, first/last."""

Do = Callable[[], None]


@dataclass(frozen=True, slots=True)
class Mutant:
    """One change: where, what, and how to find it again (`at`: its place in the walk of the function or table)."""

    family: str
    module: str
    function: str
    kind: str
    line: int
    before: str
    after: str
    at: int
    twin: int = 1

    @property
    def name(self) -> str:
        """Stable under edits elsewhere; equal changes in one function are numbered."""
        same = f" [{self.twin}]" if self.twin > 1 else ""
        return f"{self.module.removeprefix('cdiscx.')}.{self.function}: {self.before} -> {self.after}{same}"

    @property
    def place(self) -> str:
        """`file:line: before -> after`."""
        file = Path(sys.modules[self.module].__file__ or "").relative_to(ROOT)
        return f"{file}:{self.line}: {self.before} -> {self.after}"


@dataclass(frozen=True, slots=True)
class Change:
    """What a walk finds: kind, line, text before and after, how to do it and how to undo it."""

    kind: str
    line: int
    before: str
    after: str
    do: Do
    undo: Do


def _said(node: ast.AST, most: int = 110) -> str:
    text = " ".join(ast.unparse(node).split())
    return text if len(text) <= most else f"{text[: most // 2 - 2]} ... {text[-most // 2 + 3 :]}"


def _field(node: Any, name: str, value: Any) -> tuple[Do, Do]:
    old = getattr(node, name)
    return lambda: setattr(node, name, value), lambda: setattr(node, name, old)


def _item(items: list[Any], at: int, value: Any) -> tuple[Do, Do]:
    old = items[at]
    return lambda: items.__setitem__(at, value), lambda: items.__setitem__(at, old)


def _told(kind: str, node: ast.AST, show: ast.AST, do: Do, undo: Do) -> Change:
    """A change with the text of `show` before and after it."""
    before = _said(show)
    do()
    after = _said(show)
    undo()
    return Change(kind, getattr(node, "lineno", 0), before, after, do, undo)


def _changes(tree: ast.AST) -> Iterator[Change]:
    """Every change of a function body, in the order of a walk."""
    plain: set[int] = set()
    types_said = {id(n) for a in ast.walk(tree) if isinstance(a, ast.AnnAssign) for n in ast.walk(a.annotation)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and _called(node) in _PLAIN:
            plain |= {id(a) for a in ast.walk(node) if a is not node.func} - {id(a) for a in ast.walk(node.func)}
    for parent in ast.walk(tree):
        if isinstance(parent, ast.Compare):
            for i, op in enumerate(parent.ops):
                if type(op) in _SWAPS and id(parent) not in plain:
                    yield _told("comparison", parent, parent, *_item(parent.ops, i, _SWAPS[type(op)]()))
        elif isinstance(parent, ast.BoolOp):
            other = ast.Or() if isinstance(parent.op, ast.And) else ast.And()
            yield _told("condition", parent, parent, *_field(parent, "op", other))
        elif isinstance(parent, ast.BinOp) and isinstance(parent.op, ast.BitAnd | ast.BitOr):
            if id(parent) in types_said:
                continue
            swap: ast.operator = ast.BitOr() if isinstance(parent.op, ast.BitAnd) else ast.BitAnd()
            yield _told("condition", parent, parent, *_field(parent, "op", swap))
        elif isinstance(parent, ast.Call):
            yield from _call_changes(parent)
        for name, value in ast.iter_fields(parent):
            for at, child in enumerate(value if isinstance(value, list) else [value]):
                put = (lambda v, p=value, i=at: _item(p, i, v)) if isinstance(value, list) else (
                    lambda v, p=parent, n=name: _field(p, n, v)
                )  # fmt: skip
                yield from _child_changes(parent, child, put, id(child) in plain)


def _child_changes(parent: ast.AST, child: Any, put: Callable[[Any], tuple[Do, Do]], plain: bool) -> Iterator[Change]:
    """Changes that put another node in the child's place."""
    show = parent if isinstance(parent, ast.expr | ast.keyword) else child
    if isinstance(child, ast.UnaryOp) and isinstance(child.op, ast.Invert | ast.Not):
        yield Change("condition", child.lineno, _said(child), _said(child.operand), *put(child.operand))
    elif isinstance(child, ast.Constant) and type(child.value) in (int, float) and not plain:
        new = child.value - 1 if child.value == 1.2 else child.value + 1
        yield _told("constant", child, show, *put(ast.Constant(new)))
    elif (
        isinstance(child, ast.Call) and _called(child) == "p" and child.args and isinstance(child.args[0], ast.Constant)
    ):
        for step in (1, -1):
            bumped = ast.Call(ast.Name("_bumped", ast.Load()), [child, ast.Constant(step)], [])
            yield Change(
                "parameter", child.lineno, str(child.args[0].value), f"{child.args[0].value} {step:+d}", *put(bumped)
            )


def _call_changes(call: ast.Call) -> Iterator[Change]:
    name = _called(call)
    if isinstance(call.func, ast.Attribute) and name in _METHODS and not (name in ("all", "first") and _selects(call)):
        do, undo = _field(call.func, "attr", _METHODS[name])
        end = f"({', '.join(_said(a, 40) for a in call.args)})"
        head = _said(call.func.value, 60)
        kind = "condition" if "null" in name else "choice"
        yield Change(kind, call.lineno, f"{head}.{name}{end}", f"{head}.{_METHODS[name]}{end}", do, undo)
    if name == "filter":
        true = ast.parse("pl.lit(True)", mode="eval").body
        for i, arg in enumerate(call.args):
            if not isinstance(arg, ast.Starred):
                yield Change("condition", arg.lineno, f"filter({_said(arg)})", "no filter", *_item(call.args, i, true))
    if name == "is_in" and call.args and isinstance(call.args[0], ast.List | ast.Tuple) and len(call.args[0].elts) > 1:
        words = call.args[0]
        for i, word in enumerate(words.elts):
            if isinstance(word, ast.Constant):
                rest = [*words.elts[:i], *words.elts[i + 1 :]]
                yield _told("condition", call, words, *_field(words, "elts", rest))
    if name == "fill_null" and call.args and isinstance(call.args[0], ast.Constant):
        value = call.args[0].value
        if type(value) is bool:
            yield _told("condition", call, call, *_item(call.args, 0, ast.Constant(not value)))
    if name == "is_between" and not any(k.arg == "closed" for k in call.keywords):
        keywords = [*call.keywords, ast.keyword("closed", ast.Constant("none"))]
        yield _told("comparison", call, call, *_field(call, "keywords", keywords))
    for keyword in call.keywords:
        value = keyword.value
        if keyword.arg in ("how", "keep") and isinstance(value, ast.Constant) and value.value in _WORDS:
            old, new = f"{name}({keyword.arg}={value.value})", ast.Constant(_WORDS[str(value.value)])
            kind = "condition" if value.value in ("semi", "anti") else "choice"
            yield Change(kind, value.lineno, old, f"{name}({keyword.arg}={new.value})", *_field(keyword, "value", new))


def _called(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


def _selects(call: ast.Call) -> bool:
    """`pl.all()` picks columns, it is no verdict."""
    return isinstance(call.func, ast.Attribute) and isinstance(call.func.value, ast.Name) and call.func.value.id == "pl"


def _bumped(value: Any, step: int) -> Any:
    """A parameter one more or less (a broken number a tenth); a switch turned, another word, a list emptied."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, float) and not value.is_integer():
        return value + step / 10
    if isinstance(value, int | float):
        return value + step
    if isinstance(value, str):
        return f"~{value}"
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
    """Every mutant of the functions and tables of a module; a function's nested functions belong to it."""
    out, seen = [], Counter[tuple[str, str, str]]()
    found = [(n, c) for n, f in _functions(module).items() for c in enumerate(_changes(ast.Module(f.body, [])))]
    found += [(TABLE, c) for c in enumerate(_table_changes(module))]
    for name, (at, c) in found:
        seen[name, c.before, c.after] += 1
        twin = seen[name, c.before, c.after]
        out.append(Mutant(family, module.__name__, name, c.kind, c.line, c.before, c.after, at, twin))
    return out


def compiled(mutant: Mutant) -> types.CodeType | None:
    """The changed function; None where the change is no code."""
    module = sys.modules[mutant.module]
    node = _functions(module)[mutant.function]
    change = next(itertools.islice(_changes(ast.Module(node.body, [])), mutant.at, None))
    change.do()
    try:
        whole = ast.fix_missing_locations(ast.Module([copy.deepcopy(node)], []))
        flags = __future__.annotations.compiler_flag
        made = compile(whole, str(module.__file__), "exec", flags=flags, dont_inherit=True)
    except (SyntaxError, ValueError, TypeError):
        return None
    finally:
        change.undo()
    code = next(c for c in made.co_consts if isinstance(c, types.CodeType))
    return code if code.co_freevars == _plain_function(module, mutant.function).__code__.co_freevars else None


def _plain_function(module: types.ModuleType, name: str) -> Any:
    found = getattr(module, name, None)
    return getattr(found, "__wrapped__", found)


@contextlib.contextmanager
def living(mutant: Mutant) -> Iterator[None]:
    """The mutant's code in the place of the function's own, or its cell in the table."""
    module = sys.modules[mutant.module]
    if mutant.function == TABLE:
        change = next(itertools.islice(_table_changes(module), mutant.at, None))
        change.do()
        try:
            yield
        finally:
            change.undo()
        return
    function = _plain_function(module, mutant.function)
    own, code = function.__code__, compiled(mutant)
    vars(module)["_bumped"] = _bumped
    function.__code__ = code or own
    _forget(module)
    try:
        yield
    finally:
        function.__code__ = own
        _forget(module)


def _forget(module: types.ModuleType) -> None:
    """What cached functions of the module remember."""
    for found in list(vars(module).values()):
        clear = getattr(found, "cache_clear", None)
        if clear is not None and getattr(found, "__module__", "") == module.__name__:
            clear()


# --- tables: rules and limits that a module holds as data ---------------------------------------------------------------

TABLE = "(table)"


def _table_changes(module: types.ModuleType) -> Iterator[Change]:
    """Every cell of a module's tables: rules left out or with another response, other limits, other words."""
    yield from _defaults(module)
    for name, value in sorted(vars(module).items()):
        if getattr(value, "__module__", module.__name__) != module.__name__ or name.startswith("__"):
            continue
        line = _line_of(module, name)
        if not line:
            continue
        if type(value).__name__ == "Criterion":
            yield from _limits(name, value, line)
        elif name not in _read_by_functions(module, name):
            continue
        elif isinstance(value, tuple) and value and type(value[0]).__name__ == "OverallRule":
            yield from _rules(module, name, value, line)
        elif isinstance(value, dict) and all(isinstance(k, str | tuple) for k in value):
            yield from _entries(name, value, line)
        elif type(value) in (int, float):
            new = value - 1 if value == 1.2 else value + 1
            yield Change("table", line, f"{name} = {value}", f"{name} = {new}", *_global(module, name, new))
        elif isinstance(value, tuple | list) and len(value) > 1 and all(isinstance(v, str) for v in value):
            for i, word in enumerate(value):
                rest = type(value)([*value[:i], *value[i + 1 :]])
                yield Change("table", line, f"{word} in {name}", f"without {word}", *_global(module, name, rest))


@cache
def _read_by_functions(module: types.ModuleType, name: str) -> frozenset[str]:
    """Names that functions read when they run: a table that only decorators read cannot be changed afterwards."""
    out: set[str] = set()
    for other in [m for n, m in sorted(sys.modules.items()) if n.startswith("cdiscx.") and name in vars(m)]:
        for found in list(vars(other).values()):
            plain = getattr(found, "__wrapped__", found)
            if isinstance(plain, types.FunctionType) and plain.__module__ == other.__name__:
                out |= names_of(plain.__code__)
    return frozenset(out)


@cache
def names_of(code: types.CodeType) -> frozenset[str]:
    """Names that a function and those inside it speak of."""
    inner = [c for c in code.co_consts if isinstance(c, types.CodeType)]
    return frozenset(code.co_names).union(*(names_of(c) for c in inner))


def _defaults(module: types.ModuleType) -> Iterator[Change]:
    """Other defaults of a function's numbers and switches, as they are used where a caller gives none."""
    for name in _functions(module):
        function = _plain_function(module, name)
        given = function.__kwdefaults__ or {}
        for word, old in given.items():
            if isinstance(old, bool | int | float):
                new = not old if isinstance(old, bool) else old + 1
                put = lambda v, g=given, w=word: g.__setitem__(w, v)  # noqa: E731
                yield Change(
                    "constant", function.__code__.co_firstlineno, f"{name}({word}={old})", f"{name}({word}={new})",
                    lambda v=new, p=put: p(v), lambda v=old, p=put: p(v),
                )  # fmt: skip


@cache
def _lines(module: types.ModuleType) -> dict[str, int]:
    out: dict[str, int] = {}
    for node in ast.parse(Path(module.__file__ or "").read_text(encoding="utf-8")).body:
        targets = (
            node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
        )
        out |= {t.id: node.lineno for t in targets if isinstance(t, ast.Name)}
    return out


def _line_of(module: types.ModuleType, name: str) -> int:
    return _lines(module).get(name, 0)


def _global(module: types.ModuleType, name: str, new: Any) -> tuple[Do, Do]:
    """Another value under a module's name, also where other modules of the house imported it."""
    old = getattr(module, name)
    owners = [m for n, m in sys.modules.items() if n.startswith("cdiscx") and vars(m).get(name) is old]
    holders = owners if not isinstance(old, int | float) else [module]

    def put(value: Any) -> None:
        for holder in holders:
            setattr(holder, name, value)

    return lambda: put(new), lambda: put(old)


def _limits(name: str, criterion: Any, line: int) -> Iterator[Change]:
    """Every number of a criterion a little more, and the multiples of 1 once without it (1.2 -> 0.2)."""
    for field in fields(criterion):
        old = getattr(criterion, field.name)
        steps: tuple[Any, ...] = ()
        if isinstance(old, bool):
            steps = (not old,)
        elif isinstance(old, Fraction):
            steps = (old + Fraction(1, 100), old - Fraction(1, 100), *((old - 1,) if old > 1 else ()))
        elif isinstance(old, int | float):
            steps = (old + 1, old - 1)
        for new in steps:
            put = lambda v, f=field.name: object.__setattr__(criterion, f, v)  # noqa: E731
            yield Change(
                "table", line, f"{name}.{field.name} = {old}", f"{name}.{field.name} = {new}",
                lambda v=new, p=put: p(v), lambda v=old, p=put: p(v),
            )  # fmt: skip


def _rules(module: types.ModuleType, name: str, rules: tuple[Any, ...], line: int) -> Iterator[Change]:
    """A table of rules without one of them, or with another response, or without one word of a condition."""
    from dataclasses import replace

    def changed(i: int, *new: Any) -> tuple[Do, Do]:
        return _global(module, name, (*rules[:i], *new, *rules[i + 1 :]))

    for i, rule in enumerate(rules):
        yield Change("table", line, f"row {rule.id} of {name}", "no such row", *changed(i))
        other = "SD" if rule.response == "PR" else "PR"
        yield Change(
            "table",
            line,
            f"{rule.id} {rule.response}",
            f"{rule.id} {other}",
            *changed(i, replace(rule, response=other)),
        )
        for column in ("target", "nontarget", "new"):
            words = getattr(rule, column)
            for word in sorted(words):
                less = words - {word} or frozenset({"no word"})
                yield Change(
                    "table", line, f"{rule.id} {column} {word}", f"{rule.id} not for {word}",
                    *changed(i, replace(rule, **{column: less})),
                )  # fmt: skip


def _entries(name: str, table: dict[Any, Any], line: int) -> Iterator[Change]:
    """A dictionary without an entry, or with another value of a number or response."""

    def put(key: Any, value: Any) -> Do:
        return lambda: table.__setitem__(key, value)

    for key, old in list(table.items()):
        if isinstance(old, int | float) and not isinstance(old, bool):
            yield Change("table", line, f"{name}[{key}] = {old}", f"{old + 1}", put(key, old + 1), put(key, old))
        elif isinstance(old, tuple) and len(old) == 2 and all(isinstance(v, str) for v in old):
            for i in range(2):
                other = "SD" if old[i] == "PR" else "PR" if i == 0 else "a9"
                new = (other, old[1]) if i == 0 else (old[0], other)
                yield Change("table", line, f"{name}[{key}] = {old}", f"{new}", put(key, new), put(key, old))
        elif isinstance(old, tuple) and all(isinstance(v, int | float) for v in old):
            for i, number in enumerate(old):
                new = (*old[:i], number + 1, *old[i + 1 :])
                yield Change("table", line, f"{name}[{key}] = {old}", f"{new}", put(key, new), put(key, old))
        elif isinstance(old, str):
            yield Change(
                "table", line, f"{name}[{key}] = {old[:60]}", "another word", put(key, f"~{old}"), put(key, old)
            )
