"""Study file (YAML) -> Study: blocks extended, every mistake reported with file, line, column and a suggestion."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from types import UnionType
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from cdiscx.model.errors import SpecError
from cdiscx.model.spec import Study
from cdiscx.model.spec_compiled import compiled_sources, read_compiled
from cdiscx.model.spec_links import dead_links
from cdiscx.model.spec_yaml import Marks, Path_, dotted, parse, plain

_PACKAGE = Path(__file__).resolve().parent.parent
#: the block whose parameters stand under every study, extended or not: what a check counts with has a value
_DEFAULTS = "parameters.yaml"
_REFERENCE = re.compile(r"\$[a-z][a-z0-9_]*")


def data_folder(name: str) -> Path:
    """Folder `specs` or `mappings`: inside the installed package, else beside it in a checkout."""
    inside = _PACKAGE / name
    return inside if inside.is_dir() else _PACKAGE.parent / name


def bundled() -> dict[str, Path]:
    """Id -> file of the studies that travel with the package."""
    return {f.stem: f for f in sorted(data_folder("specs").glob("*.yaml"))}


def suggestion(word: str, among: Iterable[str], *, cutoff: float = 0.5, sign: str = "") -> str:
    """`, did you mean '…'?` with the nearest of the known words, or nothing."""
    near = difflib.get_close_matches(word, list(among), n=1, cutoff=cutoff)
    return f", did you mean '{sign}{near[0]}'?" if near else ""


def load_study(name: str) -> Study:
    """A bundled study's name in any case, or a path to a study file -> Study. Raises SpecError with every mistake."""
    found = {key.lower(): file for key, file in bundled().items()}.get(name.strip().lower())
    path = found or Path(name)
    if not path.is_file() and "\\" in name:
        path = Path(name.replace("\\", "/"))  # a path as Windows writes it
    if found is None and not path.is_file():
        hint = suggestion(name.lower(), bundled(), cutoff=0.4) or "."
        raise SpecError(
            f"there is no study '{name}'{hint} Bundled studies: {', '.join(bundled())}; or give the path of a study file."
        )
    return _bundled_study(found.resolve()) if found else _load(path.resolve())


def study_files(name: str) -> list[Path]:
    """The study file that a name or path means, and the blocks it extends. Raises SpecError."""
    found = {key.lower(): file for key, file in bundled().items()}.get(name.strip().lower())
    path = (found or Path(name)).resolve()
    return (compiled_sources(path) if found else None) or merged_study(path)[1]


@lru_cache(maxsize=16)
def _bundled_study(path: Path) -> Study:
    ready = read_compiled(path)
    study = _validate(ready, Marks(), incomplete=False)[0] if ready is not None else None
    return study or _load(path)


def merged_study(path: Path) -> tuple[dict[str, Any], list[Path]]:
    """A sound study file as merged plain values, and the files they came from. Raises SpecError."""
    marks, problems = Marks(), list[str]()
    merged, lost = _merged(path, marks, problems)
    if problems or lost:
        raise SpecError([*problems, *lost])
    return merged, sorted({Path(file) for file, _, _ in marks.at.values()})


def _merged(path: Path, marks: Marks, problems: list[str]) -> tuple[dict[str, Any], list[str]]:
    """The file with its blocks and `$name`s filled in, and the references that lead nowhere."""
    house = _collect(data_folder("specs") / "_house" / _DEFAULTS, marks, problems)["parameters"]
    merged = _collect(path, marks, problems)
    given = merged.get("parameters", {})
    if isinstance(given, dict):
        _check_parameters(house, given, marks, problems)
        merged["parameters"] = {**house, **given}
    _with_reader(merged)
    marks.at[()] = (str(path), 1, 1)
    parameters = merged.get("parameters")
    return _fill(merged, parameters if isinstance(parameters, dict) else {}, marks)


#: tables of readings, each of which belongs to a reader
_READ_BY = ("targets", "nontargets", "newlesions", "responses")
_READER = {"is": "EVAL", "default": "INVESTIGATOR", "label": "Evaluator"}


def _with_reader(merged: dict[str, Any]) -> None:
    """Gives readings a reader where the study file has no such column: without one they are the investigator's."""
    sheets = merged.get("sheets")
    for sheet in sheets.values() if isinstance(sheets, dict) else ():
        if not isinstance(sheet, dict) or sheet.get("holds") not in _READ_BY:
            continue
        columns = sheet.get("columns")
        if isinstance(columns, dict) and all(c.get("is") != "EVAL" for c in columns.values() if isinstance(c, dict)):
            sheet["columns"] = {**columns, "Evaluator": _READER}


def _load(path: Path) -> Study:
    marks, problems = Marks(), list[str]()
    merged, lost = _merged(path, marks, problems)
    incomplete = bool(problems)
    study, wrong = _validate(merged, marks, incomplete=incomplete)
    problems += lost + wrong
    problems += dead_links(study, marks) if study and not incomplete else []
    if problems or study is None:
        raise SpecError(list(dict.fromkeys(problems)))
    return study


def _collect(path: Path, marks: Marks, problems: list[str], above: tuple[Path, ...] = ()) -> dict[str, Any]:
    """A file with the blocks it extends put under it."""
    if path in above:
        circle = " > ".join(p.name for p in (*above[above.index(path) :], path))
        raise SpecError(f"{above[-1]}:1:1: `extend` goes in a circle: {circle}")
    node = parse(path)
    merged: dict[str, Any] = {}
    blocks = _blocks(node, path, problems)
    for i, block in enumerate(blocks):
        found = _block_path(block, path)
        if found is None:
            known = sorted(p.stem for p in (data_folder("specs") / "_house").glob("*.yaml"))
            line = node.lc.data["extend"][0] + 1
            hint = suggestion(block, known)
            problems.append(
                f"{path}:{line}:1: extend.{i}: there is no block '{block}'{hint} The house has: {', '.join(known)}"
            )
        else:
            merged = _merge(merged, _collect(found.resolve(), marks, problems, (*above, path)))
    own = {**plain(node, str(path), marks, problems), "extend": blocks}
    _check_parameters(merged.get("parameters"), own.get("parameters"), marks, problems)
    return dict(_merge(merged, own))


def _blocks(node: Mapping[str, Any], path: Path, problems: list[str]) -> list[str]:
    extend = node.get("extend")
    blocks = [extend] if isinstance(extend, str) else list(extend) if isinstance(extend, list) else []
    if extend is not None and ((not blocks and extend != []) or not all(isinstance(b, str) for b in blocks)):
        problems.append(f"{path}:1:1: extend: a list of block names is needed, found {str(extend)[:40]!r}")
        return []
    return [str(b) for b in blocks]


def _block_path(name: str, origin: Path) -> Path | None:
    """The file of a block: beside the study file, in its `_house`, or in the house's own; `\\` may part folders too."""
    name = name.replace("\\", "/")
    for folder in (origin.parent, origin.parent / "_house", data_folder("specs") / "_house"):
        for candidate in (folder / name, folder / f"{name}.yaml"):
            if candidate.is_file():
                return candidate
    return None


def _check_parameters(known: Any, own: Any, marks: Marks, problems: list[str]) -> None:
    """A parameter that is nearly one of the blocks' is a typo: unnoticed, the default would stay in force."""
    if not isinstance(known, dict) or not isinstance(own, dict):
        return
    for name in own:
        if name not in known and (hint := suggestion(name, known, cutoff=0.85)):
            path = ("parameters", name)
            problems.append(f"{marks.find(path)}: {dotted(path)}: unknown parameter{hint}")


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


def _fill(node: Any, parameters: Mapping[str, Any], marks: Marks, path: Path_ = ()) -> tuple[Any, list[str]]:
    """`$name` anywhere outside `parameters:` -> the parameter's value, so that each number is written once."""
    if isinstance(node, str) and _REFERENCE.fullmatch(node):
        if node[1:] in parameters:
            return parameters[node[1:]], []
        hint = suggestion(node[1:], parameters, sign="$")
        return node, [f"{marks.find(path)}: {dotted(path)}: there is no parameter '{node[1:]}'{hint}"]
    if isinstance(node, list):
        pairs = [_fill(value, parameters, marks, (*path, i)) for i, value in enumerate(node)]
        return [value for value, _ in pairs], [p for _, found in pairs for p in found]
    if not isinstance(node, dict):
        return node, []
    out, problems = dict[str, Any](), list[str]()
    for key, value in node.items():
        if not path and key == "parameters":
            out[key] = value
            continue
        out[key], found = _fill(value, parameters, marks, (*path, key))
        problems += found
    return out, problems


def _validate(merged: Mapping[str, Any], marks: Marks, *, incomplete: bool) -> tuple[Study | None, list[str]]:
    try:
        return Study.model_validate(_tuples(merged)), []
    except ValidationError as error:
        # where a block could not be read, what it would have given is not missing
        found = [e for e in error.errors() if not (incomplete and e["type"] == "missing")]
        return None, sorted({_explain(e, marks) for e in found}, key=_place)


def _place(problem: str) -> tuple[str, int, str]:
    match = re.match(r"(.*?):(\d+):\d+: ", problem)
    return (match[1], int(match[2]), problem) if match else (problem, 0, problem)


def _tuples(value: Any) -> Any:
    """Lists as tuples: the models are frozen through and through."""
    if isinstance(value, dict):
        return {k: _tuples(v) for k, v in value.items()}
    return tuple(_tuples(v) for v in value) if isinstance(value, list) else value


def _explain(error: Any, marks: Marks) -> str:
    path: Path_ = tuple(error["loc"])
    where, words = marks.find(path), dotted(path)
    if error["type"] == "extra_forbidden":
        return f"{where}: {words}: unknown key{suggestion(str(path[-1]), _fields_at(Study, path[:-1]))}"
    if error["type"] == "missing":
        return f"{where}: {words}: this key is missing"
    if error["type"] == "literal_error":
        allowed = error["ctx"]["expected"]
        hint = suggestion(str(error["input"]), re.findall(r"'([^']+)'", allowed))
        return f"{where}: {words}: {error['input']!r:.60} is not one of {allowed}{hint}"
    return f"{where}: {words}: {error['msg'][0].lower()}{error['msg'][1:]}, found {error['input']!r:.80}"


def _fields_at(model: type[BaseModel], path: Path_) -> list[str]:
    """The keys allowed at a path of the study file."""
    kind: Any = model
    for step in path:
        kind = _inside(kind, step)
        if kind is None:
            return []
    named = isinstance(kind, type) and issubclass(kind, BaseModel)
    return [f.alias or n for n, f in kind.model_fields.items()] if named else []


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
