"""Writes the pages of the documentation that follow from the code: `python docs/generate.py` (a test compares them).

Check catalogue, command line, study file, parameters, mapping algorithms, datasets, formats, mapping guide and the table
of validation evidence. Nothing else in `docs/` is generated.
"""

from __future__ import annotations

import inspect
import json
import re
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import click

sys.path.insert(0, str(Path(__file__).resolve().parent))

import evidence

from cdiscx import catalogue, registry
from cdiscx.cli import main
from cdiscx.model.spec import Study
from cdiscx.model.spec_file import bundled
from cdiscx.report.languages import language

DOCS = Path(__file__).resolve().parent
ROOT = DOCS.parent
_FAMILIES = {
    "STR": "Structure of the upload",
    "DAT": "Dates",
    "TRM": "Terms, units, coding",
    "VIS": "Visits and imaging times",
    "DOS": "Dosing and procedures",
    "MEA": "Lesions and responses",
    "END": "Endpoints",
    "SUR": "Surgery",
    "SAF": "Safety",
}
_MADE = "<!-- Made by docs/generate.py from the code: do not edit. -->\n"


def pages() -> dict[str, str]:
    """Path under `docs/` -> text of every generated page."""
    made = {
        "reference/checks.md": checks_page(),
        "reference/cli.md": cli_page(),
        "reference/study-file.md": study_file_page(),
        "reference/parameters.md": parameters_page(),
        "reference/algorithms.md": algorithms_page(),
        "reference/datasets.md": datasets_page(),
        "reference/formats.md": formats_page(),
        "guides/mapping.md": (ROOT / "mappings" / "README.md").read_text(encoding="utf-8"),
        "evidence.md": evidence_page(),
        "architecture.md": architecture_page(),
    }
    return {path: _MADE + "\n" + text.strip() + "\n" for path, text in made.items()}


def architecture_page() -> str:
    """The architecture decision records by title."""
    titles = {
        p.name: p.read_text(encoding="utf-8").partition("\n")[0].lstrip("# ") for p in sorted(DOCS.glob("adr/*.md"))
    }
    rows = "\n".join(f"- [{title}](adr/{name})" for name, title in titles.items())
    return (
        f"# Architecture decisions\n\nWhy the house is built as it is, in the order in which it was decided.\n\n{rows}"
    )


def table(heads: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    """A Markdown table; bars and line breaks in cells are escaped."""
    heads = list(heads)
    lines = ["| " + " | ".join(heads) + " |", "|" + "---|" * len(heads)]
    for row in rows:
        cells = ("" if c is None else str(c).replace("|", "\\|").replace("\n", " ") for c in row)
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def safe(text: str) -> str:
    """Prose in which angle brackets and slots stay what they are."""
    return text.replace("<", "&lt;").replace(">", "&gt;").replace("*", "\\*").replace("_", "\\_")


def checks_page() -> str:
    """Every check with its messages, why, how to fix, what it reads, its parameters and its rule."""
    plans = {name: Study.load(name) for name in bundled()}
    zh = language("zh").texts
    known = registry.checks()
    out = [
        "# Check catalogue",
        f"{len(known)} checks. `cdiscx explain ID --study STUDY` says the same of the running version, with the study's values. "
        "Words in braces are filled with the values of the finding.",
    ]
    for family, heading in _FAMILIES.items():
        own = [check for check in known.values() if check.family == family]
        out += [f"## {family}: {heading}"]
        rows = ((f"[{c.id}](#{c.id.lower()})", c.title, zh.get(c.title, ""), c.severity.value, c.tier) for c in own)
        out.append(table(("check", "finds", "中文", "severity", "tier"), rows))
        for check in own:
            out += [f"### {check.id}", f"**{safe(check.title)}** ({check.severity.value})"]
            for part in check.parts:
                out.append(_part(part))
            out += _settings(check.id, plans)
    return "\n\n".join(out)


def _part(part: Any) -> str:
    said = part.wording
    reads = dict.fromkeys([part.on, *(f"{part.on}.{c}" for c in part.columns), *part.needs, *part.uses])
    told = {
        "Why": said.why,
        "Fix": said.fix,
        "Rule": said.rule,
        "Not checked": said.not_checked,
    }
    lines = [f"> {safe(said.message)}"] if said.message else []
    lines += ["\n".join([f"- {name}: {safe(text)}" for name, text in told.items() if text]
                        + [f"- Reads: {', '.join(f'`{r}`' for r in reads)}"])]  # fmt: skip
    return "\n\n".join(lines)


def _settings(check_id: str, plans: Mapping[str, Study]) -> list[str]:
    """The study's own word on the check and the parameters it asks for, by study."""
    rows = []
    for name, plan in plans.items():
        setting = plan.checks.get(check_id)
        if setting and setting.off:
            rows.append((name, f"not part of this study: {setting.off}"))
            continue
        used = catalogue._parameters(check_id, plan)
        said = [f"severity {setting.severity}"] if setting and setting.severity else []
        said += [f"`{k}` = {json.dumps(v, ensure_ascii=False, default=str)}" for k, v in used.items()]
        if said:
            rows.append((name, ", ".join(said)))
    return [table(("study", "settings and parameters"), rows)] if rows else []


def cli_page() -> str:
    """Every verb with its usage, arguments and options."""
    out = [
        "# Command line",
        "Exit status: **0** nothing at or above `--fail-on`; **1** findings, or nothing could be checked; **2** wrong usage, "
        "wrong study file or unreadable input; **3** a check crashed.",
    ]
    out += [_verb(command, path) for path, command in verbs()]
    return "\n\n".join(out)


def verbs() -> list[tuple[str, click.Command]]:
    """`cdiscx ledger show` -> its command, for every verb without verbs of its own."""

    def below(group: click.Command, path: str) -> list[tuple[str, click.Command]]:
        if not isinstance(group, click.Group):
            return [(path, group)]
        return [item for name in sorted(group.commands) for item in below(group.commands[name], f"{path} {name}")]

    return below(main, "cdiscx")


def _verb(command: click.Command, path: str) -> str:
    context = click.Context(command, info_name=path)
    usage = " ".join(command.collect_usage_pieces(context))
    rows = [p.get_help_record(context) for p in command.params]
    text = inspect.cleandoc(command.help or "").replace("\b\n", "")
    lines = [f"## {path.removeprefix('cdiscx ')}", f"```\n{path} {usage}\n```", safe(text)]
    shown = [(f"`{' '.join(r[0].split())}`", " ".join(r[1].split())) for r in rows if r]
    if shown:
        lines.append(table(("option", "meaning"), shown))
    return "\n\n".join(lines)


def study_file_page() -> str:
    """Every key of a study file, from its JSON schema."""
    schema = json.loads((DOCS / "study-file.schema.json").read_text(encoding="utf-8"))
    out = ["# Study file", schema.get("description", ""), _keys(schema)]
    for name, part in schema["$defs"].items():
        out += [f"## {name}", safe(part.get("description", "")), _keys(part)]
    return "\n\n".join(text for text in out if text)


def _keys(part: Mapping[str, Any]) -> str:
    needed = set(part.get("required", ()))
    rows = [
        (f"`{key}`", _type(told), "yes" if key in needed else f"`{json.dumps(told['default'], ensure_ascii=False)}`" if told.get("default") not in (None, {}, []) else "", safe(told.get("description", "")))
        for key, told in part.get("properties", {}).items()
    ]  # fmt: skip
    return table(("key", "what it takes", "required, or default", "meaning"), rows) if rows else ""


def _type(told: Mapping[str, Any]) -> str:
    """A JSON schema's type in words, with links to the parts of this page."""
    if "$ref" in told:
        name = told["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    if "enum" in told:
        return ", ".join(f"`{v}`" for v in told["enum"])
    options = told.get("anyOf") or told.get("oneOf")
    if options:
        said = (_type(o) for o in options if o.get("type") != "null")
        return " or ".join(dict.fromkeys(s for s in said if s and not s.startswith("reference")))
    kind = told.get("type", "anything")
    if kind == "array":
        return f"list of {_type(told.get('items', {}))}"
    if kind == "object" and isinstance(told.get("additionalProperties"), dict):
        return f"map to {_type(told['additionalProperties'])}"
    if kind == "string" and str(told.get("pattern", "")).startswith("^\\$"):
        return "`$parameter`"
    return str(kind)


def parameters() -> dict[str, tuple[str, str]]:
    """Name -> (default as written, comment) of every parameter of the house."""
    text = (ROOT / "specs" / "_house" / "parameters.yaml").read_text(encoding="utf-8")
    found = re.findall(r"^  (\w+):[ ]*([^#\n]*?)[ ]*(?:#[ ]*(.*))?$", text, re.MULTILINE)
    return {name: (value.strip(), comment.strip()) for name, value, comment in found}


def parameters_page() -> str:
    """Every number and switch by name, with the house's default and each bundled study's value."""
    plans = {name: Study.load(name) for name in bundled()}
    rows = []
    for name, (default, comment) in parameters().items():
        own = [json.dumps(plan.parameters.get(name), ensure_ascii=False, default=str) for plan in plans.values()]
        rows.append((f"`{name}`", f"`{default}`", *(f"`{v}`" for v in own), safe(comment)))
    more = {n: p for p, plan in plans.items() for n in plan.parameters if n not in parameters()}
    extra = [(f"`{n}`", "", *(f"`{json.dumps(p.parameters.get(n), ensure_ascii=False, default=str)}`" for p in plans.values()), "")
             for n in more]  # fmt: skip
    return "\n\n".join(
        [
            "# Parameters",
            "Every number and switch of checks and derivations has a name and a default (`specs/_house/parameters.yaml`). A study "
            "file gives its own under `parameters:`; `$name` elsewhere in it stands for the value.",
            table(("parameter", "default", *plans, "used by, meaning"), [*rows, *extra]),
        ]
    )


def algorithms_page() -> str:
    """Every mapping algorithm with its whole docstring."""
    registry.discover("cdiscx.sdtm")
    out = [
        "# Mapping algorithms",
        "What a target of a [mapping](../guides/mapping.md) may name: `VARIABLE: {algorithm: what it takes}`. "
        "An algorithm of your own: see [plug-ins](../guides/plug-ins.md).",
    ]
    for name, function in registry.registered("algorithm").items():
        out += [f"## {name}", safe(inspect.cleandoc(function.__doc__ or ""))]
    return "\n\n".join(out)


def datasets_page() -> str:
    """SDTM domains and ADaM datasets that this version makes, ADaM with what its maker says."""
    registry.discover("cdiscx.adam")
    both = {
        row["name"]: (row["standard"], row["does"])
        for study in bundled()
        for row in catalogue.listing("datasets", study)
    }
    sdtm = [(n, does) for n, (standard, does) in sorted(both.items()) if standard == "SDTM"]
    out = ["# Datasets", "## SDTM (SDTMIG 3.4)", table(("domain", "label"), sdtm), "## ADaM (ADaMIG 1.3)"]
    for name, function in registry.registered("dataset").items():
        out += [f"### {name}", safe(inspect.cleandoc(function.__doc__ or ""))]
    return "\n\n".join(out)


def formats_page() -> str:
    """Formats of findings and of datasets."""
    rows = [(f"`{row['format']}`", row["for"]) for row in catalogue.listing("formats")]
    return "\n\n".join(["# Formats", table(("format", "for"), rows), _EXPORTS])


_EXPORTS = """`--format` of `sdtm`, `adam` and `export` takes several, with commas. `xpt` is SAS transport version 5 (names of 8, labels of 40,
values of 200 bytes, ASCII); `json` and `ndjson` are Dataset-JSON 1.1; `define.xml` (2.1), `lineage.parquet` and `manifest.json`
are always beside them."""


def evidence_page() -> str:
    """Validation evidence for auditors: checks with their cases, worked examples and criterion rules with their tests."""
    cases, tests = evidence.check_cases(), evidence.cited("check")
    examples, rules, code = evidence.cited("example"), evidence.cited("rule"), evidence.in_code()
    known = registry.checks()
    rows = [
        (f"[{i}](reference/checks.md#{i.lower()})", *(cases.get(i, {}).get(kind, 0) for kind in evidence.KINDS), _files(tests.get(i, set()), i))
        for i in known
    ]  # fmt: skip
    unproved = sorted(set(code) - set(rules))
    return "\n\n".join(
        [
            "# Validation evidence",
            "Which test proves which rule, found by searching the tests for the ids they name. `make test` runs all of them; a rule "
            "without a test is listed as such. " + f"{len(known)} checks, {len(set(examples) & set(evidence.EXAMPLES))} of {len(evidence.EXAMPLES)} worked examples, {len(rules)} rules with tests.",
            "## Checks",
            "Cases stand in `tests/cases/<ID>.yaml`: uploads in which the check must fail, pass, and be right at its boundary; traps "
            "look like a defect and are none; skipped cases lack what the check needs. `tests/test_cases.py` runs them all.",
            table(("check", *evidence.KINDS, "also named by"), rows),
            "## Worked examples",
            "`RX-EX` are those of the response criteria, `AD-EX` those of the ADaM derivations.",
            table(("example", "proved by"), ((i, _listed(examples.get(i, set())) or "**no test names it**") for i in evidence.EXAMPLES)),
            "## Rules of the response criteria",
            "`R11` RECIST 1.1, `MR` mRECIST, `CH` Cheng classes of the portal vein thrombus, `CHP` composite response.",
            table(("rule", "in code", "proved by"), ((i, _listed(code.get(i, set())), _listed(rules[i])) for i in sorted(rules))),
            "## Cited in code and in no test by name",
            ", ".join(f"`{rule}`" for rule in unproved) or "None.",
        ]
    )  # fmt: skip


def _files(tests: set[str], check_id: str) -> str:
    """The files of tests that name a check, its own case file left out."""
    files = sorted({t.partition(":")[0] for t in tests} - {f"tests/cases/{check_id}.yaml"})
    return ", ".join(f"`{f.removeprefix('tests/')}`" for f in files)


def _listed(tests: set[str]) -> str:
    named = {t.partition(":")[0] for t in tests if ":" in t}
    tests = {t for t in tests if t not in named}
    return "; ".join(f"`{t.removeprefix('tests/').removeprefix('cdiscx/')}`" for t in sorted(tests))


def write() -> list[Path]:
    """Writes the pages that differ; those that were written."""
    written = []
    for name, text in pages().items():
        path = DOCS / name
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8", newline="\n")
            written.append(path)
    return written


if __name__ == "__main__":
    for changed in write():
        print(changed.relative_to(ROOT).as_posix())
