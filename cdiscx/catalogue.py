"""What this version knows: checks, studies, algorithms, datasets, formats; and one check explained."""

from __future__ import annotations

import difflib
import json
import re
from importlib.util import find_spec
from typing import Any

from cdiscx import registry
from cdiscx.model.errors import UsageError
from cdiscx.model.spec import Expectation, Study
from cdiscx.model.spec_file import bundled
from cdiscx.report.languages import ENGLISH, Language, language

Row = dict[str, Any]
#: a message with words of its own; a bare `{sentence}` is made anew for every finding
_SPOKEN = re.compile(r"^(?!\{\w+\}$)")


def listing(what: str, study: str | None = None) -> list[Row]:
    """Rows of one catalogue; `study` adds what that study says of a check."""
    if what == "studies":
        loaded = [Study.load(name) for name in bundled()]
        return [{"id": s.id, "studyid": s.studyid, "title": s.title} for s in loaded]
    if what == "checks":
        plan = Study.load(study) if study else None
        return [_check_row(check_id, plan) for check_id in registry.checks()]
    if what == "formats":
        return [
            *(
                {"format": f, "for": "findings of cdiscx validate --format"}
                for f in ("text", "json", "jsonl", "junit", "sarif")
            ),
            *({"format": name, "for": "datasets"} for name in _of_room("cdiscx.export", "exporter")),
        ]
    if what == "datasets":
        derived = _of_room("cdiscx.adam", "dataset").items()
        return [
            *({"name": name, "standard": "SDTM", "does": label} for name, label in _domains(study).items()),
            *({"name": n, "standard": "ADaM", "does": _first_line(f)} for n, f in derived),
        ]
    return [{"name": n, "does": _first_line(f)} for n, f in _of_room("cdiscx.sdtm", "algorithm").items()]


def _domains(study: str | None) -> dict[str, str]:
    """Mapped domains (of a study's own mappings too) and those that are built from the study file, with their labels."""
    from cdiscx.model.mapping_file import mapping_files
    from cdiscx.standards import guide

    plan = Study.load(study or next(iter(bundled())))
    mapped = [name.upper() for name in mapping_files(plan) if name != "terminology"]
    names = sorted({*mapped, "TA", "TE", "TV", "TI", "TS", "SE", "SV", "RELREC"})
    found = {name: guide.dataset(name) for name in names}
    return {name: known.label if known else "" for name, known in found.items()}


def _first_line(function: Any) -> str:
    return str((function.__doc__ or "").strip().splitlines()[0])


def _of_room(room: str, kind: str) -> dict[str, Any]:
    """What a room and the plug-ins registered; a room that this version does not have adds nothing."""
    if find_spec(room) is not None:
        registry.discover(room)
    return registry.registered(kind)


def _check_row(check_id: str, plan: Study | None) -> Row:
    check = registry.checks()[check_id]
    setting = plan.checks.get(check_id) if plan else None
    row: Row = {"id": check.id, "title": check.title, "severity": check.severity.value, "tier": check.tier}
    if setting and setting.severity:
        row["severity"] = setting.severity
    if plan:
        row["in_study"] = "no" if setting and setting.off else "yes"
    return row


def explanation(check_id: str, study: str | None = None, lang: str = ENGLISH) -> str:
    """What, why, how to fix, what is read, parameters and rule of one check, as text; with `study` its expectations too.

    `lang`: of everything but the rule, which is cited as it stands. Raises UsageError.
    """
    tongue, plan = language(lang), Study.load(study) if study else None
    known = registry.checks()
    item = next((e for e in plan.expectations if e.id == check_id.upper()), None) if plan else None
    if plan is not None and item is not None:
        return _expectation(item, plan, tongue.of_study(plan))
    found = known.get(check_id.upper())
    if found is None:
        raise UsageError(_no_check(check_id, list(known), study))
    say, texts = tongue.label, tongue.texts
    lines = [f"{found.id}  {texts.get(found.title, found.title)}  ({say(found.severity.value)})", ""]
    for part in found.parts:
        said = part.wording
        told = [("says", said.message if _SPOKEN.search(said.message) else ""), ("why", said.why), ("fix", said.fix)]
        lines += [_line(say(name), texts.get(text, text)) for name, text in told if text]
        lines += [_line(say("rule"), said.rule)] if said.rule else []
        if said.not_checked:
            lines.append("  " + say("not checked: {x}", x=texts.get(said.not_checked, said.not_checked)))
        reads = [part.on, *(f"{part.on}.{c}" for c in part.columns), *part.needs, *part.uses]
        lines += [_line(say("reads"), ", ".join(dict.fromkeys(reads))), ""]
    if plan is not None:
        used = _parameters(found.id, plan)
        lines += ["  " + say("parameter {name} = {value}", name=name, value=value) for name, value in used.items()]
        if (setting := plan.checks.get(found.id)) is not None and setting.off:
            lines.append(
                "  " + say("off in {study}: {why}", study=plan.id, why=tongue.of_study(plan).read(setting.off))
            )
    return "\n".join(lines).rstrip() + "\n"


def _line(name: str, text: str) -> str:
    return f"  {name:<6} {text}"


def _no_check(check_id: str, known: list[str], study: str | None) -> str:
    near = difflib.get_close_matches(check_id.upper(), known, n=3, cutoff=0.5)
    if check_id.upper().startswith("EXP-"):
        where = (
            f"the study {study} has no expectation of that id"
            if study
            else "name the study file it stands in with --study"
        )
        return f"'{check_id}' is an expectation of a study file: {where}"
    return f"there is no check '{check_id}'; " + (
        f"did you mean {', '.join(near)}?" if near else "see cdiscx list checks"
    )


def _expectation(item: Expectation, plan: Study, tongue: Language) -> str:
    """An expectation of a study file, in the words of its author and of Great Expectations."""
    say = tongue.label
    lines = [f"{item.id}  {tongue.texts.get(item.message, item.message)}  ({say(item.severity)})", ""]
    lines += [_line(say("fix"), tongue.texts.get(item.fix, item.fix))] if item.fix else []
    judged = say(" for each {x}", x=item.group_by) if item.group_by else ""
    lines += [
        _line(say("rule"), f"{item.type} {json.dumps(dict(item.kwargs), ensure_ascii=False)}"),
        "  " + say("judged from {n} rows on", n=item.min_rows) + judged,
        _line(say("reads"), f"{item.table} ({plan.sheet_name(item.table)})"),
    ]
    return "\n".join(lines) + "\n"


def _parameters(check_id: str, plan: Study) -> Row:
    """The parameters that the check's functions ask for by name."""
    names: list[str] = []
    for part in registry.checks()[check_id].parts:
        names += [str(c) for c in part.function.__code__.co_consts if isinstance(c, str) and c in plan.parameters]
    return {name: plan.parameters[name] for name in dict.fromkeys(names)}


def as_json(rows: list[Row]) -> str:
    """Rows as a JSON array."""
    return json.dumps(rows, ensure_ascii=False, indent=1) + "\n"


def as_text(rows: list[Row]) -> str:
    """Rows as aligned columns."""
    if not rows:
        return "nothing\n"
    names = list(rows[0])
    widths = {n: max(len(n), *(len(str(r.get(n, ""))) for r in rows)) for n in names}
    lines = ["  ".join(n.ljust(widths[n]) for n in names)]
    lines += ["  ".join(str(r.get(n, "")).ljust(widths[n]) for n in names) for r in rows]
    return "\n".join(line.rstrip() for line in lines) + "\n"
