"""A study file in; what is missing or suspicious in it, in words, and what cannot be made of it and why, out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cdiscx import registry
from cdiscx.draft.plan import DECIDE
from cdiscx.model.errors import SpecError
from cdiscx.model.house import house_types
from cdiscx.model.mapping_file import load_mappings
from cdiscx.model.spec import Study
from cdiscx.model.spec_file import study_files, suggestion
from cdiscx.model.table import StudyData, Upload
from cdiscx.validate.presence import resolve


@dataclass(frozen=True, slots=True)
class Lint:
    """What was found: `broken` (the file does not load), `open` (something to decide or to repair), `facts` (good to know)."""

    broken: tuple[str, ...] = ()
    open: tuple[str, ...] = ()
    facts: tuple[str, ...] = ()

    @property
    def status(self) -> int:
        """0 clean, 1 suggestions, 2 broken."""
        return 2 if self.broken else 1 if self.open else 0

    def text(self, name: str) -> str:
        """The findings as lines; ends with a summary."""
        lines = [*self.broken, *(f"- {line}" for line in self.open)]
        if self.facts:
            lines += ["", "good to know:", *(f"  {line}" for line in self.facts)]
        what = "is broken" if self.broken else f"has {len(self.open)} open points" if self.open else "is in order"
        return "\n".join([*lines, "", f"{name} {what}"]).strip("\n") + "\n"


def lint_study(name: str, mappings: Path | None = None) -> Lint:
    """Everything that is open in a study file, or the errors that keep it from being read. `mappings`: the study's own."""
    try:
        study = Study.load(name)
        files = study_files(name)
    except SpecError as error:
        return Lint(broken=tuple(error.problems))
    found = [
        *_questions(files),
        *_sheets(study),
        *_dates(study),
        *_schedule(study),
        *_endpoints(study),
        *_treatment(study),
        *_translations(study),
    ]
    try:
        domains = list(_domains(study, mappings))
    except SpecError as error:
        return Lint(broken=tuple(error.problems))
    return Lint(open=tuple(found), facts=(*_skipped(study), *domains, *_adam(study)))


def _questions(files: list[Path]) -> Iterator[str]:
    """Lines that wait for an answer."""
    for file in files:
        for number, line in enumerate(file.read_text("utf-8-sig").splitlines(), 1):
            head, mark, question = line.partition(f"# {DECIDE}")
            if mark and not head.strip().startswith("#"):
                where = head.strip().rstrip(" #")
                yield f"{file.name}:{number}: to decide:{question}" + (f"  [{where}]" if where else "")


def _sheets(study: Study) -> Iterator[str]:
    types = house_types()
    tables = {table for table, _ in types}
    if study.sheet_of("subjects") is None:
        yield "no sheet holds `subjects`: without it there are no subjects, no DM and no ADaM"
    for name, sheet in study.sheets.items():
        has = {c.is_ for c in sheet.columns.values()}
        if not sheet.key:
            yield f"sheet {name} has no `key`: repeated records of it are not found (STR-006)"
        if "SUBJID" not in has:
            yield f"sheet {name} has no column that is SUBJID: its rows belong to nobody and give no records"
        if sheet.holds not in tables and (near := suggestion(sheet.holds, tables, cutoff=0.8)):
            yield f"sheet {name} holds `{sheet.holds}`, which no check knows{near}"
        for header, column in sheet.columns.items():
            known = [c for t, c in types if t == sheet.holds]
            if known and column.is_ not in known and (near := suggestion(column.is_, known, cutoff=0.85)):
                yield f"column {header} of {name} is `{column.is_}`, which the house does not know{near}"
            if column.type in ("term", "terms", "pairs") and not column.terms:
                yield f"column {header} of {name} has the type {column.type} and no `terms`: every value is accepted"
            if column.type == "visit" and not study.schedule:
                yield f"column {header} of {name} names visits, and there is no schedule: every name is unknown (TRM-001)"


def _dates(study: Study) -> Iterator[str]:
    for name, anchor in study.anchors.items():
        if not anchor.sources and anchor.otherwise is None:
            yield f"anchor {name} has neither `sources` nor `otherwise`: nobody will ever have this date"
    if "D1" not in study.anchors:
        yield "there is no anchor D1 (first treatment): no study days, no baseline, no visit windows, no safety population"
    for name in ("CONSENT", "ENROL"):
        if name not in study.anchors:
            yield f"there is no anchor {name}: checks of what happened before it are silent"


def _schedule(study: Study) -> Iterator[str]:
    if not study.schedule:
        yield "there is no `schedule`: visits are neither checked nor numbered, and TV and SV have no plan"
        return
    if not any(v.baseline for v in study.schedule):
        yield "no visit of the schedule is the baseline (`baseline: true`)"
    if study.sheet_of("targets") and not any(v.imaging for v in study.schedule):
        yield "lesions are collected, and no visit of the schedule has imaging (`imaging: true`)"
    for visit in study.schedule:
        ranged = visit.from_ is not None and visit.to is not None
        if (
            not visit.repeat
            and not ranged
            and (visit.target is None or (visit.window is None and visit.before is None))
        ):
            yield f"visit {visit.name} has no `target` with `window` and no `from` with `to`: its date is not checked"
        if visit.repeat == "assessment" and study.assessments is None:
            yield f"visit {visit.name} repeats by the imaging plan, and there is no `assessments`"
        if visit.repeat == "dose" and visit.drug is None:
            yield f"visit {visit.name} repeats with the doses of a drug, and names no `drug`"


def _endpoints(study: Study) -> Iterator[str]:
    if not study.endpoints:
        yield "there are no `endpoints`: ADTTE, the response parameters of ADRS and the endpoint page stay empty"
        return
    if not any(e.primary for e in study.endpoints.values()):
        yield "no endpoint is `primary: true`"
    registry.discover("cdiscx.adam")
    events, censors = registry.registered("event_source"), registry.registered("censor_source")
    starts = registry.registered("start_source")
    for name, endpoint in study.endpoints.items():
        if len(name) > 8:
            yield f"endpoint {name} cannot be a PARAMCD: it is longer than 8 characters"
        for word in (w for w in endpoint.events if w not in events):
            yield f"endpoint {name} names the event '{word}', which is unknown{suggestion(word, events)}"
        for word in (w for w in endpoint.censors if w not in censors):
            yield f"endpoint {name} names the censoring '{word}', which is unknown{suggestion(word, censors)}"
        of = endpoint.options.get("of")
        if isinstance(of, str) and of not in study.endpoints:
            yield f"endpoint {name} rests on '{of}', which is no endpoint of the study"
        if endpoint.kind != "time_to_event":
            continue
        anchor = study.anchors.get(endpoint.start or "")
        if not endpoint.start:
            yield f"endpoint {name} has no `start`"
        elif endpoint.start not in starts and anchor is not None and anchor.adsl is None:
            yield f"endpoint {name} starts at {endpoint.start}, which has no variable in ADSL (`adsl:` of the anchor): no records"
        if not endpoint.events or not endpoint.censors:
            yield f"endpoint {name} needs `events` and `censors`"


def _treatment(study: Study) -> Iterator[str]:
    drugs = study.column("dosing", "EXTRT")
    for term in drugs.terms if drugs else ():
        if term not in study.regimens:
            yield f"drug {term} has no regimen: its doses and intervals are not checked"
    if study.sheet_of("targets") and study.criterion is None:
        yield "lesions are collected, and there is no `criterion`: responses are derived by RECIST 1.1 with its own numbers"
    if study.arm is None:
        yield "there is no `arm`: TA, TE, SE and the arm variables of DM are not made"
    if not study.trial_summary:
        yield "there is no `trial_summary`: TS is not made"


def _translations(study: Study) -> Iterator[str]:
    """Texts without translation, in a language that the file has begun."""
    for lang, said in study.translations.items():
        for text in study.texts():
            if text not in said:
                yield f'`translations: {lang}:` does not have the text "{text}": reports in that language show it in English'


def _skipped(study: Study) -> Iterator[str]:
    """Checks that will not run, by reason."""
    data, views = StudyData(study, Upload(())), registry.views()
    reasons: dict[str, list[str]] = {}
    known = registry.checks()
    for check in known.values():
        setting = study.checks.get(check.id)
        whys = [part.applies(study) or resolve(part, data, views).blocked for part in check.parts]
        if setting is not None and setting.off is not None:
            whys = [setting.off]
        if whys and all(whys):
            reasons.setdefault(str(whys[0]), []).append(check.id)
    count = sum(map(len, reasons.values()))
    yield f"{len(known) - count} of {len(known)} checks run; the others are skipped:"
    for why, ids in reasons.items():
        yield f"  {why}: {', '.join(ids)}"


def _domains(study: Study, mappings: Path | None) -> Iterator[str]:
    """Domains that are mapped, and those whose tables the study does not have. Raises SpecError for a wrong mapping."""
    registry.discover("cdiscx.sdtm")
    tables = {sheet.holds for sheet in study.sheets.values()} | set(registry.views())
    domains, _ = load_mappings(study, registry.registered("algorithm"), mappings, tables)
    made, lost = [], []
    for name, mapping in sorted(domains.items()):
        wanted = sorted({block.from_ for block in mapping.blocks.values()})
        if any(table in tables for table in wanted):
            made.append(name)
        else:
            lost.append(f"{name} (no {', '.join(wanted)})")
    yield f"SDTM domains that mappings can make: {', '.join(made)}"
    if lost:
        yield f"SDTM domains that cannot be made: {', '.join(lost)}"


def _adam(study: Study) -> Iterator[str]:
    """ADaM datasets that cannot be made, and why."""
    timed = [n for n, e in study.endpoints.items() if e.kind == "time_to_event"]
    rules = (
        ("ADSL", study.sheet_of("subjects") is not None, "no sheet holds subjects"),
        ("ADAE", study.sheet_of("ae") is not None, "no sheet holds ae"),
        ("ADEXSUM", study.sheet_of("dosing") is not None, "no sheet holds dosing"),
        ("ADTR", study.sheet_of("targets") is not None, "no sheet holds targets"),
        ("ADRS", bool(study.sheet_of("responses") or study.sheet_of("targets")), "no sheet holds responses or targets"),
        ("ADTTE", bool(timed), "no endpoint is a time to an event"),
        ("ADSURG", study.sheet_of("procedures") is not None, "no sheet holds procedures"),
    )
    for name, can, why in rules:
        if not can:
            yield f"{name} cannot be derived: {why}"
