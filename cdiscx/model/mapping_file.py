"""Mapping files (YAML) -> Mapping of each domain: the house's file under the study's; every mistake with its place."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, get_type_hints

from pydantic import BaseModel, TypeAdapter, ValidationError

from cdiscx.model.errors import SpecError
from cdiscx.model.mapping import COMMON, DomainMapping
from cdiscx.model.spec import Study
from cdiscx.model.spec_compiled import compiled_mappings, text_hash
from cdiscx.model.spec_file import _fill, _inside, _merge, _place, _tuples, data_folder, suggestion
from cdiscx.model.spec_layout import Node, Text
from cdiscx.model.spec_yaml import Marks, Path_, dotted, parse, plain

Algorithms = Mapping[str, Callable[..., object]]


class Terms(Node):
    """`terminology.yaml`: values that published codelists lack."""

    extend_codelists: Mapping[str, Mapping[str, Text]] = {}


def mapping_files(study: Study, extra: Path | None = None) -> dict[str, list[Path]]:
    """Name of a domain (lower case) -> its files, the house's first; `extra`: a folder of the study's own mappings."""
    home = data_folder("mappings")
    folders = [home / "_house", home / study.id]
    if extra is not None:
        folders += [extra, extra / study.id]
    found: dict[str, list[Path]] = {}
    for folder in dict.fromkeys(folders):
        for file in sorted(folder.glob("*.yaml")) if folder.is_dir() else []:
            found.setdefault(file.stem.lower(), []).append(file)
    return found


def load_mappings(
    study: Study, algorithms: Algorithms, extra: Path | None = None, tables: Collection[str] | None = None
) -> tuple[dict[str, DomainMapping], dict[str, dict[str, str]]]:
    """Domain -> mapping, and C-code -> value -> meaning of the sponsor's own terms.

    `tables`: the tables there are; a block that reads another one is left empty, so that the study need not give its
    parameters. Raises SpecError with every mistake.
    """
    problems: list[str] = []
    domains: dict[str, DomainMapping] = {}
    extended: dict[str, dict[str, str]] = {}
    for name, files in mapping_files(study, extra).items():
        if name == "terminology":
            terms = _read(files, study, Terms, {}, problems, None)
            for code, values in terms.extend_codelists.items() if isinstance(terms, Terms) else ():
                extended.setdefault(code, {}).update(values)
            continue
        domain = _read(files, study, DomainMapping, algorithms, problems, tables)
        if isinstance(domain, DomainMapping):
            domains[domain.domain] = domain
            for code, values in domain.extend_codelists.items():
                extended.setdefault(code, {}).update(values)
    if problems:
        raise SpecError(list(dict.fromkeys(problems)))
    return domains, extended


def _read(
    files: list[Path],
    study: Study,
    model: type[Node],
    algorithms: Algorithms,
    problems: list[str],
    tables: Collection[str] | None,
) -> BaseModel | None:
    marks, found = Marks(), list[str]()
    merged: dict[str, Any] = {}
    for file in files:
        try:
            values, places, wrong = _parsed(file, file.stat().st_mtime_ns)
        except SpecError as error:
            problems += error.problems
            return None
        merged = _merge(_without_replaced(merged, values, algorithms), values)
        marks.at.update(places)
        found += wrong
    marks.at[()] = (str(files[-1]), 1, 1)
    filled, lost = _fill(_of_tables(_without_nulls(merged), tables), _words(study), marks)
    found += lost
    if model is DomainMapping:
        filled = _targets_read(filled, algorithms, marks, found)
    try:
        read = model.model_validate(_tuples(filled))
    except ValidationError as error:
        found += [_explain(e, marks, model) for e in error.errors()]
        read = None
    problems += sorted(set(found), key=_place)
    return read if not found else None


def _words(study: Study) -> dict[str, Any]:
    """What `$name` stands for: the parameters of the study, and `$baseline_visit`, as its schedule calls that visit."""
    baseline = next((visit.name for visit in study.schedule if visit.baseline), "(no baseline visit)")
    return {"baseline_visit": baseline, **study.parameters}


@lru_cache(maxsize=256)
def _parsed(file: Path, _: int) -> tuple[dict[str, Any], dict[Path_, tuple[str, int, int]], tuple[str, ...]]:
    """One file's plain values, where they stand and what is wrong with them; read again when the file has changed."""
    home = data_folder("mappings")
    ready = compiled_mappings(home).get(file.relative_to(home).as_posix()) if file.is_relative_to(home) else None
    if ready is not None and ready["of"] == text_hash(file):
        return ready["values"], {tuple(path): (str(file), line, col) for path, line, col in ready["places"]}, ()
    return parsed_anew(file)


def parsed_anew(file: Path) -> tuple[dict[str, Any], dict[Path_, tuple[str, int, int]], tuple[str, ...]]:
    """`_parsed` from the YAML itself."""
    marks, problems = Marks(), list[str]()
    values = plain(parse(file), str(file), marks, problems)
    return values, marks.at, tuple(problems)


def _without_nulls(node: Any) -> Any:
    """Keys that are null are taken away wherever they stand."""
    if isinstance(node, dict):
        return {key: _without_nulls(value) for key, value in node.items() if value is not None}
    return [_without_nulls(value) for value in node] if isinstance(node, list) else node


def _without_replaced(base: Any, over: Any, algorithms: Algorithms) -> Any:
    """The base without the targets to which the other file gives an algorithm of its own: those are replaced whole."""
    if not isinstance(base, dict) or not isinstance(over, dict):
        return base
    out = dict(base)
    for key, new in over.items():
        if key in ("targets", "supp") and isinstance(new, dict) and isinstance(base.get(key), dict):
            told = {n for n, t in new.items() if isinstance(t, dict) and set(t) & set(algorithms)}
            out[key] = {n: t for n, t in base[key].items() if n not in told}
        elif key in base:
            out[key] = _without_replaced(base[key], new, algorithms)
    return out


def _of_tables(node: Any, tables: Collection[str] | None) -> Any:
    """Blocks that read a table which is not there keep its name only."""
    blocks = node.get("blocks") if isinstance(node, dict) else None
    if tables is None or not isinstance(blocks, dict):
        return node
    kept = {
        name: {"from": block["from"]}
        if isinstance(block, dict) and isinstance(block.get("from"), str) and block["from"] not in tables
        else block
        for name, block in blocks.items()
    }
    return {**node, "blocks": kept}


def _targets_read(node: Any, algorithms: Algorithms, marks: Marks, problems: list[str]) -> Any:
    """Every target `{algorithm: of, option: value}` as `{use, of, options}`; what is wrong with one goes to `problems`."""
    blocks = node.get("blocks") if isinstance(node, dict) else None
    if not isinstance(blocks, dict):
        return node
    out: dict[str, Any] = {}
    for name, block in blocks.items():
        here: Path_ = ("blocks", name)
        if isinstance(block, dict):
            block = _with_targets(block, here, algorithms, marks, problems)
            if isinstance(tests := block.get("tests"), dict):
                block["tests"] = {
                    code: _with_targets(test, (*here, "tests", code), algorithms, marks, problems)
                    if isinstance(test, dict)
                    else test
                    for code, test in tests.items()
                }
        out[name] = block
    return {**node, "blocks": out}


def _with_targets(
    node: dict[str, Any], path: Path_, algorithms: Algorithms, marks: Marks, problems: list[str]
) -> dict[str, Any]:
    out = dict(node)
    for part in ("targets", "supp"):
        if isinstance(node.get(part), dict):
            out[part] = {
                name: _target(raw, (*path, part, name), algorithms, marks, problems) for name, raw in node[part].items()
            }
    return out


def _target(raw: Any, path: Path_, algorithms: Algorithms, marks: Marks, problems: list[str]) -> Any:
    where = marks.find(path)
    empty: dict[str, Any] = {"use": "", "of": None}
    if not isinstance(raw, dict):
        problems.append(f"{where}: {dotted(path)}: a target is written {{algorithm: what it takes}}")
        return empty
    named = [key for key in raw if key in algorithms]
    # an option may be called as an algorithm is (`evaluator`)
    used = [
        key for key in named if not any(key in inspect.signature(algorithms[o]).parameters for o in named if o != key)
    ]
    if len(used) != 1:
        spare = next((key for key in raw if key not in COMMON), "")
        hint = suggestion(spare, algorithms) if not used else ""
        said = f"no algorithm among {', '.join(raw)}{hint}" if not used else f"several algorithms: {', '.join(used)}"
        problems.append(f"{where}: {dotted(path)}: {said}; see `cdiscx list algorithms`")
        return empty
    use = used[0]
    signature = inspect.signature(algorithms[use])
    hints = get_type_hints(algorithms[use])
    takes, *_ = [p.name for p in list(signature.parameters.values())[1:] if p.kind is not p.KEYWORD_ONLY] or [""]
    known = {p.name: p for p in signature.parameters.values() if p.kind is p.KEYWORD_ONLY}
    options: dict[str, Any] = {}
    for key, value in raw.items():
        here = (*path, key)
        if key == use:
            _check(value, hints.get(takes, Any), here, marks, problems)
        elif key in known:
            options[key] = _check(value, hints.get(key, Any), here, marks, problems)
        elif key not in COMMON:
            hint = suggestion(key, [*known, *COMMON])
            problems.append(f"{marks.find(here)}: {dotted(here)}: unknown key{hint}")
    for name, parameter in known.items():
        if parameter.default is parameter.empty and name not in options:
            problems.append(f"{where}: {dotted(path)}: the option '{name}' of {use} is missing")
    return {"use": use, "of": raw[use], "options": options, **{k: raw[k] for k in COMMON if k in raw}}


def _check(value: Any, kind: Any, path: Path_, marks: Marks, problems: list[str]) -> Any:
    try:
        TypeAdapter(kind).validate_python(_tuples(value))
    except ValidationError as error:
        for found in error.errors()[:1]:
            here = (*path, *(p for p in found["loc"] if isinstance(p, str | int)))
            problems.append(
                f"{marks.find(here)}: {dotted(path)}: {found['msg'][0].lower()}{found['msg'][1:]}, found {value!r:.80}"
            )
    return value


def _explain(error: Any, marks: Marks, model: type[BaseModel]) -> str:
    path: Path_ = tuple(error["loc"])
    where, words = marks.find(path), dotted(path)
    if error["type"] == "extra_forbidden":
        return f"{where}: {words}: unknown key{suggestion(str(path[-1]), _fields(model, path[:-1]))}"
    if error["type"] == "missing":
        return f"{where}: {words}: this key is missing"
    return f"{where}: {words}: {error['msg'][0].lower()}{error['msg'][1:]}, found {error['input']!r:.80}"


def _fields(model: type[BaseModel], path: Path_) -> list[str]:
    kind: Any = model
    for step in path:
        kind = _inside(kind, step)
    named = isinstance(kind, type) and issubclass(kind, BaseModel)
    return [f.alias or n for n, f in kind.model_fields.items()] if named else []
