"""Bytes of a study file -> plain dicts, lists and scalars, with the line and column of every path; nothing executable."""

from __future__ import annotations

import datetime as dt
import io
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from cdiscx.model.errors import SpecError

MAX_BYTES = 5_000_000
MAX_DEPTH = 40
#: aliases make a small file large (`&a [*b, *b]` over and over): what counts is the text after they are put in
MAX_NODES = 200_000
Path_ = tuple[str | int, ...]


@dataclass
class Marks:
    """Where each path of the merged study was last written, and how many nodes were read."""

    at: dict[Path_, tuple[str, int, int]] = field(default_factory=dict)
    nodes: int = 0

    def find(self, path: Path_) -> str:
        """`file:line:column` of a path, or of the nearest path above it."""
        while path and path not in self.at:
            path = path[:-1]
        file, line, column = self.at.get(path, ("study file", 1, 1))
        return f"{file}:{line}:{column}"


def parse(path: Path) -> Any:
    """One file -> ruamel's nodes (CommentedMap, CommentedSeq, scalars). SpecError with line and column where there is one."""
    text = _text(path)
    yaml = YAML(typ="rt")
    yaml.allow_duplicate_keys = False
    try:
        node = yaml.load(io.StringIO(text))
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"{path}:{mark.line + 1}:{mark.column + 1}" if mark else f"{path}:1:1"
        raise SpecError(f"{where}: {_humane(str(error.problem or error.context))}") from None
    except RecursionError:
        raise SpecError(f"{path}:1:1: nested deeper than {MAX_DEPTH} levels") from None
    except (YAMLError, ValueError) as error:
        raise SpecError(f"{path}:1:1: is not valid YAML ({' '.join(str(error).split())[:200]})") from None
    if node is None:
        raise SpecError(f"{path}:1:1: the file is empty")
    if not isinstance(node, CommentedMap):
        raise SpecError(f"{path}:1:1: a study file is a mapping of keys to values")
    return node


def _text(path: Path) -> str:
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise SpecError(f"{path}: cannot be read ({error.strerror or error})") from None
    if len(raw) > MAX_BYTES:
        raise SpecError(f"{path}: larger than {MAX_BYTES // 1_000_000} MB; this is not a study file")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise SpecError(f"{path}:{line}:1: is not UTF-8 text; save the file as UTF-8") from None
    if text.startswith("%"):
        # `%YAML 1.1` would turn a plain `no` into False and 010 into 8
        raise SpecError(f"{path}:1:1: leave the %-line out; study files are YAML 1.2")
    return text


def _humane(problem: str) -> str:
    if "'\\t'" in problem:
        return "a tab stands where blanks are needed; indent with blanks"
    if problem.startswith("found duplicate key"):
        return f"the key {problem.split(' with value ')[0].removeprefix('found duplicate key ')} is given twice"
    return " ".join(problem.split())


def plain(node: Any, file: str, marks: Marks, problems: list[str], path: Path_ = ()) -> Any:
    """Plain dicts and lists of a parsed node; remembers where every path stands. Raises SpecError when it grows too large."""
    marks.nodes += 1
    if marks.nodes > MAX_NODES:
        raise SpecError(
            f"{marks.find(path)}: more than {MAX_NODES} values once its aliases are put in; this is not a study file"
        )
    if len(path) > MAX_DEPTH:
        raise SpecError(f"{marks.find(path)}: nested deeper than {MAX_DEPTH} levels")
    tag = str(getattr(getattr(node, "tag", None), "value", None) or "")
    if tag:
        word = tag.replace("tag:yaml.org,2002:", "!!")
        problems.append(f"{marks.find(path)}: {dotted(path)}: the tag {word} is not for study files")
        return None
    if isinstance(node, CommentedMap):
        return _map(node, file, marks, problems, path)
    if isinstance(node, CommentedSeq):
        items = []
        for i, value in enumerate(node):
            line, column = (node.lc.data or {}).get(i, (node.lc.line, node.lc.col))[:2]
            marks.at[(*path, i)] = (file, line + 1, column + 1)
            items.append(plain(value, file, marks, problems, (*path, i)))
        return items
    return _scalar(node, marks, problems, path)


def _map(node: CommentedMap, file: str, marks: Marks, problems: list[str], path: Path_) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for key, value in node.items():
        # a key that came in through `<<: *alias` has no place of its own: the map's place stands for it
        line, column = node.lc.data[key][:2] if key in (node.lc.data or {}) else (node.lc.line, node.lc.col)
        here = (*path, str(key))
        marks.at[here] = (file, line + 1, column + 1)
        if not isinstance(key, str):
            problems.append(f'{marks.find(here)}: {dotted(here)}: a key must be text; write it in quotes: "{key}"')
            continue
        out[str(key)] = plain(value, file, marks, problems, here)
    return out


def _scalar(node: Any, marks: Marks, problems: list[str], path: Path_) -> Any:
    if isinstance(node, str):
        return str(node)
    if node is None or isinstance(node, bool):
        return node
    if isinstance(node, int):
        if (getattr(node, "_width", None) or 0) > len(str(abs(int(node)))):
            problems.append(f"{marks.find(path)}: {dotted(path)}: a leading zero is lost; write the number in quotes")
        return int(node)
    if isinstance(node, float) and math.isfinite(node):
        return float(node)
    if isinstance(node, dt.date) and not isinstance(node, dt.datetime):
        return node
    problems.append(
        f"{marks.find(path)}: {dotted(path)}: {str(node)[:40]!r} is no text, number, yes/no (true, false) or date"
    )
    return None


def dotted(path: Path_) -> str:
    """`sheets.Visits.columns` of a path; `study file` for the whole."""
    return ".".join(str(p) for p in path) or "study file"
