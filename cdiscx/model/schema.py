"""Study -> the JSON Schema of a study file, for editors that complete keys and underline typos (docs/study-file.schema.json)."""

from __future__ import annotations

import json
from typing import Any

from cdiscx.model.spec import Study

_REFERENCE = {"type": "string", "pattern": r"^\$[a-z][a-z0-9_]*$", "description": "the value of a parameter"}
_NULL = {"type": "null"}
_SCALARS = {"integer", "number", "boolean"}


def study_schema() -> dict[str, Any]:
    """JSON Schema (draft 2020-12) of a study file or a block.

    An editor sees one file at a time, while the loader sees it with its blocks: so no key is required here, a null is
    allowed everywhere (it takes a block's key away), and `$name` may stand for a number, a switch or one of a list.
    """
    schema = Study.model_json_schema(by_alias=True)
    for node in (schema, *schema["$defs"].values()):
        _loosen(node)
    schema["properties"]["extend"]["anyOf"].append({"type": "string"})  # one block may stand without brackets
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "cdiscx study file",
        "description": "One study, or a block that studies extend. The keys are those of cdiscx/model/spec.py.",
        **{key: schema[key] for key in ("type", "additionalProperties", "properties", "$defs")},
    }


def schema_text() -> str:
    """The schema as the file in docs holds it: same input, same bytes."""
    return json.dumps(study_schema(), indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def _loosen(node: dict[str, Any]) -> None:
    """One model's schema: nothing required, nulls and parameter references allowed, defaults of lists left out."""
    node.pop("required", None)
    node["properties"] = {name: _loose(part) for name, part in node.get("properties", {}).items()}


def _loose(part: dict[str, Any]) -> dict[str, Any]:
    words: dict[str, Any] = {key: part[key] for key in ("title", "description", "default") if key in part}
    bare = {key: value for key, value in part.items() if key not in words}
    for inside in ("additionalProperties", "items"):
        if isinstance(bare.get(inside), dict):
            bare[inside] = _loose(bare[inside])
    choices = list(bare["anyOf"]) if set(bare) == {"anyOf"} else [bare]
    if bare == {}:
        return words  # anything goes already
    if any(choice.get("type") in _SCALARS or "enum" in choice for choice in choices):
        choices.append(_REFERENCE)
    if _NULL not in choices:
        choices.append(_NULL)
    return {**words, "anyOf": choices}
