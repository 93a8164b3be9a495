"""A finding in, the inputs of endpoints that it puts in doubt out; an endpoint in, the inputs that it rests on out."""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any

from cdiscx.model.spec import Endpoint, Study

#: check ids -> inputs that the finding puts in doubt; the first pattern that fits counts
CHECKS: tuple[tuple[str, frozenset[str]], ...] = tuple(
    (pattern, frozenset(words.split()))
    for pattern, words in (
        ("END-001", "response start"),
        ("END-002", "response"),
        ("END-003", "diagnosis"),
        ("END-004", "start enrolment surgery"),
        ("END-005", "death"),
        ("END-006", "death"),
        ("END-007", "decision surgery"),
        ("END-008", "residual"),
        ("END-009", "pathology"),
        ("END-010", "thrombus"),
        ("END-011", "response thrombus"),
        ("END-012", "new_therapy"),
        ("END-013", "response death"),
        ("END-014", "follow_up"),
        ("END-015", "follow_up response"),
        ("END-016", "diagnosis enrolment"),
        ("END-017", "residual"),
        ("END-018", "population"),
        ("MEA-020", "response thrombus"),
        ("MEA-021", "thrombus"),
        ("MEA-022", "thrombus"),
        ("MEA-028", ""),
        ("MEA-*", "response"),
        ("SUR-001", "surgery residual pathology"),
        ("SUR-002", "surgery"),
        ("SUR-003", "complication"),
        ("SUR-004", "stay"),
        ("SUR-005", "death"),
        ("SUR-*", "surgery"),
        ("VIS-004", "response"),
        ("VIS-005", "response"),
        ("VIS-006", "response"),
        ("VIS-007", "response decision"),
        ("VIS-008", "response thrombus"),
        ("VIS-009", "response"),
        ("VIS-010", "response"),
        ("VIS-011", "follow_up"),
        ("SAF-*", "adverse_event complication"),
        ("DOS-*", "exposure"),
    )
)
#: tables of the upload -> inputs, for checks of cells (STR, DAT, TRM) and of visits
TABLES: Mapping[str, frozenset[str]] = {
    "targets": frozenset({"response"}),
    "nontargets": frozenset({"response"}),
    "newlesions": frozenset({"response"}),
    "responses": frozenset({"response", "thrombus"}),
    "survival": frozenset({"death", "follow_up", "new_therapy"}),
    "procedures": frozenset({"surgery", "residual", "stay", "complication"}),
    "pathology": frozenset({"pathology"}),
    "ae": frozenset({"adverse_event", "complication"}),
    "dosing": frozenset({"start", "exposure"}),
    "disposition": frozenset({"follow_up"}),
    "decision": frozenset({"decision"}),
    "subjects": frozenset({"enrolment", "diagnosis", "population"}),
}
#: words of an endpoint (event, censoring rule, ADSL variable of the start) -> inputs
_EVENTS: Mapping[str, frozenset[str]] = {
    "progression": frozenset({"response"}),
    "relapse": frozenset({"response", "surgery"}),
    "death": frozenset({"death"}),
}
_CENSORS: Mapping[str, frozenset[str]] = {
    "new_anticancer_therapy": frozenset({"new_therapy"}),
    "last_known_alive": frozenset({"follow_up"}),
    "no_assessment": frozenset({"response"}),
    "missed_assessments": frozenset({"response"}),
    "last_evaluable_assessment": frozenset({"response"}),
}
_STARTS: Mapping[str, frozenset[str]] = {
    "DIAGDT": frozenset({"diagnosis"}),
    "ENRLDT": frozenset({"enrolment"}),
    "SURGDT": frozenset({"surgery"}),
    "first_response": frozenset({"response"}),
}
#: house parameters that are no responses -> inputs
_PARAMETERS: Mapping[str, frozenset[str]] = {
    "R0": frozenset({"residual", "surgery"}),
    "MPR": frozenset({"pathology", "surgery"}),
    "PCR": frozenset({"pathology", "surgery"}),
    "MORT30": frozenset({"death", "surgery"}),
    "COMPANY": frozenset({"complication", "surgery"}),
    "COMPMAJ": frozenset({"complication", "surgery"}),
    "CDGRMAX": frozenset({"complication", "surgery"}),
    "REOP": frozenset({"surgery", "complication"}),
    "LOS": frozenset({"stay", "surgery"}),
    "READM": frozenset({"stay", "surgery"}),
    "M3DEC": frozenset({"decision", "response"}),
    "PVTTRSP": frozenset({"thrombus"}),
    "CRSPB": frozenset({"response", "thrombus"}),
    "AE": frozenset({"adverse_event"}),
}


def of_finding(study: Study, finding: Mapping[str, Any]) -> frozenset[str]:
    """Inputs that a finding (a dict of the contract) puts in doubt; empty where it can change no endpoint."""
    check = str(finding.get("check_id") or "")
    for pattern, inputs in CHECKS:
        if fnmatchcase(check, pattern):
            return inputs
    sheet = study.sheets.get(str(finding.get("sheet") or ""))
    return TABLES.get(sheet.holds, frozenset()) if sheet else frozenset()


def of_endpoint(name: str, endpoint: Endpoint, study: Study) -> frozenset[str]:
    """Inputs that an endpoint rests on, read from its words in the study file."""
    if name in _PARAMETERS:
        return _PARAMETERS[name] | {"population"}
    of = endpoint.options.get("of")
    if isinstance(of, str) and of in study.endpoints and of != name:
        return of_endpoint(of, study.endpoints[of], study)
    anchor = study.anchors.get(endpoint.start or "")
    begins = (anchor.adsl if anchor else None) or endpoint.start or ""
    found = {"population"} | set(_STARTS.get(begins, {"start"} if begins else ()))
    for event in endpoint.events:
        found |= _EVENTS.get(event, frozenset())
    for censor in endpoint.censors:
        found |= _CENSORS.get(censor, frozenset())
    if endpoint.kind != "time_to_event":
        found |= {"response"}
    if endpoint.options.get("before_surgery"):
        found |= {"surgery"}
    return frozenset(found)
