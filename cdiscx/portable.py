"""A study's rules in the words of other programs: pandera schemas and Great Expectations suites as texts by table."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from typing import Any

from ruamel.yaml import YAML

from cdiscx.model.spec import Study


def schemas(study: str, form: str = "json") -> dict[str, str]:
    """Table -> its pandera schema as JSON or YAML, in pandera's own form (`DataFrameSchema.from_json`, `from_yaml`).

    Columns have the house's names; a date is its ISO 8601 text (`VISDATC`). What the study requires in every row is
    required. Left out: blanks that another check owns, and everything that is code.
    """
    from cdiscx.validate.structure import compile_schema

    plan = Study.load(study)
    out = {}
    for sheet in plan.sheets.values():
        told = json.loads(compile_schema(plan, sheet.holds).to_json())
        required = {f"{c.is_}C" if c.type == "date" else c.is_ for c in sheet.columns.values() if c.required}
        for name, column in told["columns"].items():
            column["required"] = name in required
        out[sheet.holds] = _text(told, form)
    return out


def suites(study: str) -> dict[str, str]:
    """Table -> its ExpectationSuite as JSON, in Great Expectations' own form; tables without expectations have none."""
    from cdiscx.validate.expectations import suite_dict

    plan = Study.load(study)
    return {
        table: _text(suite_dict(plan, table), "json") for table in dict.fromkeys(e.table for e in plan.expectations)
    }


def together(texts: Mapping[str, str], form: str) -> str:
    """All tables in one object: the texts of `schemas` or `suites`, each under its table's name."""
    read = json.loads if form == "json" else YAML(typ="safe").load
    return _text({name: read(text) for name, text in texts.items()}, form)


def _text(told: Mapping[str, Any], form: str) -> str:
    if form == "json":
        return json.dumps(told, ensure_ascii=False, indent=1) + "\n"
    stream = io.StringIO()
    yaml = YAML()
    yaml.dump(dict(told), stream)
    return stream.getvalue()
