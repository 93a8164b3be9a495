"""Study file (YAML) -> Study: blocks extended, every mistake reported with file, line, column and a suggestion."""

from __future__ import annotations

import difflib
import io
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from types import UnionType
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from cdiscx.model.errors import SpecError
from cdiscx.model.spec import Study

_PACKAGE = Path(__file__).resolve().parent.parent
_MAX_BYTES = 5_000_000
_MAX_DEPTH = 40
_REFERENCE = re.compile(r"\$[a-z][a-z0-9_]*")
Path_ = tuple[str | int, ...]


def data_folder(name: str) -> Path:
    """Folder `specs` or `mappings`: inside the installed package, else beside it in a checkout."""
    inside = _PACKAGE / name
    return inside if inside.is_dir() else _PACKAGE.parent / name


def bundled() -> dict[str, Path]:
    """Id -> file of the studies that travel with the package."""
    return {f.stem: f for f in sorted(data_folder("specs").glob("*.yaml"))}


@dataclass
class _Marks:
    """Where each path of the merged study was last written."""

    at: dict[Path_, tuple[str, int, int]] = field(default_factory=dict)

    def find(self, path: Path_, *, key: bool = False) -> str:
        while path and path not in self.at:
            path = path[:-1]
        file, line, column = self.at.get(path, ("study file", 1, 1))
        return f"{file}:{line}:{column}"


def _parse(path: Path) -> Any:
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise SpecError(f"{path}: cannot be read ({error.strerror or error})") from None
    if len(raw) > _MAX_BYTES:
        raise SpecError(f"{path}: larger than {_MAX_BYTES // 1_000_000} MB; this is not a study file")
    yaml = YAML(typ="rt")
    yaml.allow_duplicate_keys = False
    try:
        text = raw.decode("utf-8-sig")
        return yaml.load(io.StringIO(text))
    except UnicodeDecodeError:
        raise SpecError(f"{path}: is not UTF-8 text") from None
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"{path}:{mark.line + 1}:{mark.column + 1}" if mark else str(path)
        raise SpecError(f"{where}: {' '.join(str(error.problem or error.context).split())}") from None
    except (YAMLError, ValueError, RecursionError) as error:
        raise SpecError(f"{path}: is not valid YAML ({' '.join(str(error).split())[:200]})") from None


def _plain(node: Any, file: str, path: Path_, marks: _Marks, depth: int = 0) -> Any:
    """Plain dicts and lists of a parsed node; remembers where every path stands."""
    if depth > _MAX_DEPTH:
        raise SpecError(f"{marks.find(path)}: nested deeper than {_MAX_DEPTH} levels")
    if isinstance(node, CommentedMap):
        out: dict[Any, Any] = {}
        for key, value in node.items():
            line, column = node.lc.key(key)
            here = (*path, key)
            marks.at[here] = (file, line + 1, column + 1)
            out[key] = _plain(value, file, here, marks, depth + 1)
        return out
    if isinstance(node, CommentedSeq):
        items = []
        for i, value in enumerate(node):
            line, column = node.lc.item(i)
            marks.at[(*path, i)] = (file, line + 1, column + 1)
            items.append(_plain(value, file, (*path, i), marks, depth + 1))
        return items
    if isinstance(node, str):
        return str(node)
    if isinstance(node, bool) or node is None:
        return node
    if isinstance(node, int):
        return int(node)
    return float(node) if isinstance(node, float) else node


def _merge(base: Any, over: Any) -> Any:
    """Maps are united key by key, anything else is replaced; a null takes a key away."""
    if isinstance(base, dict) and isinstance(over, dict):
        out = dict(base)
        for key, value in over.items():
            if value is None:
                out.pop(key, None)
            else:
                out[key] = _merge(out[key], value) if key in out else value
        return out
    return over


def _collect(path: Path, marks: _Marks, seen: tuple[Path, ...] = ()) -> dict[str, Any]:
    if path in seen:
        raise SpecError(f"{path}: `extend` goes in a circle: {' > '.join(p.name for p in (*seen, path))}")
    node = _parse(path)
    if not isinstance(node, CommentedMap):
        raise SpecError(f"{path}:1:1: a study file is a mapping of keys to values")
    extend = node.get("extend") or []
    blocks = [extend] if isinstance(extend, str) else list(extend)
    merged: dict[str, Any] = {}
    for block in blocks:
        merged = _merge(merged, _collect(_block_path(str(block), path), marks, (*seen, path)))
    own = _plain(node, str(path), (), marks)
    return dict(_merge(merged, own))


def _block_path(name: str, origin: Path) -> Path:
    for folder in (origin.parent, origin.parent / "_house", data_folder("specs") / "_house"):
        for candidate in (folder / name, folder / f"{name}.yaml"):
            if candidate.is_file():
                return candidate
    known = sorted(p.stem for p in (data_folder("specs") / "_house").glob("*.yaml"))
    raise SpecError(f"{origin}: extend: there is no block '{name}'; the house has: {', '.join(known)}")


def _fields_at(model: type[BaseModel], path: Path_) -> list[str]:
    """The keys allowed at a path of the study file."""
    kind: Any = model
    for step in path:
        kind = _inside(kind, step)
        if kind is None:
            return []
    return [f.alias or n for n, f in kind.model_fields.items()] if isinstance(kind, type) and issubclass(kind, BaseModel) else []


def _inside(kind: Any, step: str | int) -> Any:
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        field_ = next((f for n, f in kind.model_fields.items() if step in (n, f.alias)), None)
        return _bare(field_.annotation) if field_ else None
    args = get_args(kind)
    return _bare(args[-1] if isinstance(step, str) else args[0]) if args else None


def _bare(kind: Any) -> Any:
    if get_origin(kind) in (Union, UnionType):
        kind = next((a for a in get_args(kind) if a is not type(None)), kind)
    return kind


def _explain(error: Any, marks: _Marks) -> str:
    path: Path_ = tuple(error["loc"])
    dotted = ".".join(str(p) for p in path)
    where = marks.find(path)
    if error["type"] == "extra_forbidden":
        near = difflib.get_close_matches(str(path[-1]), _fields_at(Study, path[:-1]), n=1, cutoff=0.5)
        return f"{where}: {dotted}: unknown key" + (f", did you mean '{near[0]}'?" if near else "")
    if error["type"] == "missing":
        return f"{where}: {dotted}: this key is missing"
    return f"{where}: {dotted}: {error['msg'][0].lower()}{error['msg'][1:]}, found {error['input']!r:.80}"


def load_study(name: str) -> Study:
    """A bundled study's name in any case, or a path to a study file -> Study. Raises SpecError with every mistake."""
    found = {key.lower(): file for key, file in bundled().items()}.get(name.strip().lower())
    path = found or Path(name)
    if found is None and not path.is_file():
        near = difflib.get_close_matches(name.lower(), list(bundled()), n=1, cutoff=0.4)
        hint = f", did you mean '{near[0]}'?" if near else ""
        raise SpecError(f"there is no study '{name}'{hint} Bundled studies: {', '.join(bundled())}; or give the path of a study file.")
    return _load(path.resolve(), path.resolve().stat().st_mtime_ns)


@lru_cache(maxsize=16)
def _load(path: Path, _changed: int) -> Study:
    marks = _Marks()
    merged = _collect(path, marks)
    merged, lost = _fill(merged, merged.get("parameters") or {}, marks)
    study, problems = _validate(merged, marks)
    problems = lost + problems
    problems += _cross_check(study, marks) if study else []
    if problems or study is None:
        raise SpecError(problems)
    return study


def _fill(node: Any, parameters: Mapping[str, Any], marks: _Marks, path: Path_ = ()) -> tuple[Any, list[str]]:
    """`$name` anywhere outside `parameters:` -> the parameter's value, so that each number is written once."""
    if isinstance(node, str) and _REFERENCE.fullmatch(node):
        if node[1:] in parameters:
            return parameters[node[1:]], []
        near = difflib.get_close_matches(node[1:], list(parameters), n=1, cutoff=0.5)
        hint = f", did you mean '${near[0]}'?" if near else ""
        return node, [f"{marks.find(path)}: {'.'.join(map(str, path))}: there is no parameter '{node[1:]}'{hint}"]
    if not isinstance(node, dict | list):
        return node, []
    keys = list(node) if isinstance(node, dict) else range(len(node))
    filled = {k: _fill(node[k], parameters, marks, (*path, k)) for k in keys if path or k != "parameters"}
    problems = [p for _, found in filled.values() for p in found]
    if isinstance(node, list):
        return [v for v, _ in filled.values()], problems
    own = {"parameters": node["parameters"]} if not path and "parameters" in node else {}
    return {k: v for k, (v, _) in filled.items()} | own, problems


def _validate(merged: Mapping[str, Any], marks: _Marks) -> tuple[Study | None, list[str]]:
    tupled = _tuples(merged)
    try:
        return Study.model_validate(tupled), []
    except ValidationError as error:
        return None, sorted({_explain(e, marks) for e in error.errors()})


def _tuples(value: Any) -> Any:
    """Lists as tuples: the models are frozen through and through."""
    if isinstance(value, dict):
        return {k: _tuples(v) for k, v in value.items()}
    return tuple(_tuples(v) for v in value) if isinstance(value, list) else value


def _cross_check(study: Study, marks: _Marks) -> list[str]:
    """References inside the study file that lead nowhere."""
    problems: list[str] = []
    columns = {s.holds: {c.is_ for c in s.columns.values()} for s in study.sheets.values()}

    def known(path: Path_, name: str, among: Any, what: str) -> None:
        if name not in among:
            near = difflib.get_close_matches(name, [str(a) for a in among], n=1, cutoff=0.5)
            hint = f", did you mean '{near[0]}'?" if near else ""
            problems.append(f"{marks.find(path)}: {'.'.join(map(str, path))}: there is no {what} '{name}'{hint}")

    for name, sheet in study.sheets.items():
        for column in sheet.key:
            known(("sheets", name, "key"), column, columns[sheet.holds], "column")
    for name, anchor in study.anchors.items():
        for i, source in enumerate(anchor.sources):
            table, _, column = source.of.partition(".")
            known(("anchors", name, "sources", i), table, columns, "table")
            if table in columns:
                known(("anchors", name, "sources", i), column, columns[table], f"column of {table}")
        if anchor.otherwise:
            known(("anchors", name, "otherwise"), anchor.otherwise, study.anchors, "anchor")
    for i, visit in enumerate(study.schedule):
        known(("schedule", i, "anchor"), visit.anchor, study.anchors, "anchor")
    for i, expectation in enumerate(study.expectations):
        known(("expectations", i, "table"), expectation.table, columns, "table")
    return problems
