"""A study and its ADaM frames in, every endpoint of the study file out, as plain data for endpoints.json and the page."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, cast

from cdiscx import registry
from cdiscx.analysis import sensitivity, words
from cdiscx.analysis.biomarkers import biomarkers
from cdiscx.analysis.exposure import exposure
from cdiscx.analysis.inputs import POPULATIONS, Inputs, Population
from cdiscx.analysis.safety import adverse_events
from cdiscx.analysis.thrombus import shift
from cdiscx.model.dataset import Records
from cdiscx.model.spec import Endpoint, Study

Entry = dict[str, Any]
Kind = Callable[[Inputs, str, Endpoint, Population], Entry]
_SOURCES = {"SITE": "site", "DERIVED": "derived"}


def analyse(
    study: Study,
    adam: Mapping[str, Records],
    *,
    derived: Mapping[str, Records] | None = None,
    findings: Iterable[Mapping[str, Any]] | None = None,
) -> dict[str, Any]:
    """The endpoint summary of a study: JSON-able, the same for the same input.

    `adam`: ADaM datasets or their frames by upper-case name, with the study's own `response_source`; `derived`: the same datasets
    with the other source (site <-> derived), for the sensitivity table; `findings`: findings as dicts of the contract,
    for the list of those that could change an endpoint (None: not judged).
    Keys: study, cutoff, response_source, populations, endpoints (one entry for each of `study.endpoints`, in its order), adverse_events,
    exposure, biomarkers, pvtt_shift (None without PVTT), sensitivity, open_findings, notes.
    """
    registry.discover("cdiscx.analysis")
    inputs = Inputs(study, adam)
    entries = _entries(inputs)
    other = Inputs(study, derived) if derived is not None else None
    source = str(study.parameters.get("response_source", "SITE"))
    first = _SOURCES.get(source, source.lower())
    names = (first, "derived" if first != "derived" else "site")
    return {
        "study": {"id": study.id, "studyid": study.studyid, "title": study.title},
        "cutoff": _cutoff(inputs),
        "response_source": source,
        "populations": _populations(inputs),
        "endpoints": entries,
        "adverse_events": adverse_events(inputs),
        "exposure": exposure(inputs),
        "biomarkers": biomarkers(inputs),
        "pvtt_shift": shift(inputs) if study.criterion and study.criterion.pvtt else None,
        "sensitivity": sensitivity.compared(inputs, other, entries, _entries(other) if other else [], names),
        "open_findings": None if findings is None else sensitivity.in_doubt(inputs, entries, findings),
        "notes": _notes(inputs),
    }


def _entries(inputs: Inputs) -> list[Entry]:
    kinds = cast(Mapping[str, Kind], registry.registered("analysis"))
    told = []
    for name, endpoint in inputs.study.endpoints.items():
        population = inputs.population(endpoint.population, endpoint)
        head = {"id": name, "label": endpoint.label, "kind": endpoint.kind, "primary": endpoint.primary}
        head |= {"population": population.flag, "population_label": population.label, "N": population.n}
        if endpoint.start:
            anchor = inputs.study.anchors.get(endpoint.start)
            head["start"] = anchor.label if anchor else endpoint.start.replace("_", " ")
        entry = head | kinds[endpoint.kind](inputs, name, endpoint, population) | {"ci_level": 0.95}
        told.append(entry | {"shown": words.shown(entry)})
    return told


def _cutoff(inputs: Inputs) -> str | None:
    """The data cut-off, ISO, as ADSL carries it."""
    latest = inputs.subjects["CUTDT"].max() if "CUTDT" in inputs.subjects.columns else None
    return str(latest) if latest is not None else None


def _populations(inputs: Inputs) -> list[dict[str, Any]]:
    flags = [c for c in inputs.subjects.columns if c in POPULATIONS]
    asked = dict.fromkeys([*flags, *(e.population for e in inputs.study.endpoints.values())])
    of = {e.population: e for e in reversed(list(inputs.study.endpoints.values()))}
    found = [inputs.population(flag) if flag in POPULATIONS else inputs.population(flag, of[flag]) for flag in asked]
    return [{"flag": p.flag, "label": p.label, "n": p.n} for p in found]


def _notes(inputs: Inputs) -> list[str]:
    """What a reader of the numbers must know about the study's own definitions."""
    parameters = inputs.study.parameters
    notes = []
    origins = {
        e.start
        for e in inputs.study.endpoints.values()
        if e.kind == "time_to_event" and e.start in inputs.study.anchors
    }
    if "DIAGDT" in {inputs.study.anchors[o].adsl for o in origins if o}:
        notes.append(
            "Survival that starts at diagnosis contains time in which nobody could die (from diagnosis to enrolment); "
            "it overstates survival. The curve with delayed entry and the endpoint from enrolment do not."
        )
    if len(origins) > 1:
        labels = sorted(inputs.study.anchors[o].label for o in origins if o)
        notes.append(f"The time-to-event endpoints start at different dates: {', '.join(labels)}.")
    if parameters.get("last_followup_is") == "EVENT":
        notes.append("The literal reading (last follow-up counted as an event) is given beside, never instead.")
    notes.append("Single arm: no comparison and no p-value is given.")
    return notes
