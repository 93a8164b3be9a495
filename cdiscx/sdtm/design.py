"""Study file -> the trial design datasets TA, TE, TV, TI and TS.

They describe the plan, not the subjects; only the length of numbered series of visits, the first consent and the data
cut-off come from the data. There is no IE: the site layout has no form on which somebody says that a criterion is not met,
and what END-018 works out is a finding, not an answer (docs/decisions.md).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import polars as pl

from cdiscx.model.dataset import DTYPES, Dataset
from cdiscx.model.spec import Assessments, Study, Visit
from cdiscx.model.table import RunContext, StudyData, Table, Upload
from cdiscx.sdtm.elements import branched, paths
from cdiscx.sdtm.trial_summary import trial_summary
from cdiscx.sdtm.visit_plan import visit_plan
from cdiscx.standards import guide

_LONGEST = 200


def trial_design(
    study: Study, run: RunContext, tidy: Mapping[str, Table], known: Mapping[str, Any] | None = None
) -> dict[str, Dataset]:
    """TA and TE (where the study file has an arm), TV, TI (where it has criteria) and TS, by name.

    Records carry `_from` (rows that gave a value; empty for protocol text) and `_block`. `known`: what the run knows already
    of all subjects (`visit_plan.REACHED`). Source: sdtm-mapping 4.9, 4.10.
    Raises SpecError when `ta_model` asks for paths that the study file does not give.
    """
    out: dict[str, Dataset] = {}
    if study.arm is not None and study.arm.elements:
        out["TA"] = protocol_dataset("TA", study, _arms(study))
        out["TE"] = protocol_dataset("TE", study, _elements(study))
    if study.schedule:
        out["TV"] = protocol_dataset("TV", study, _visits(study, tidy, known or {}))
    if study.eligibility:
        out["TI"] = protocol_dataset("TI", study, _criteria(study))
    if study.trial_summary:
        rows, origin = trial_summary(study, run, tidy)
        out["TS"] = protocol_dataset("TS", study, rows, origin)
    return out


def protocol_dataset(
    name: str, study: Study, rows: Sequence[Mapping[str, Any]], origin: Mapping[str, tuple[str, ...]] | None = None
) -> Dataset:
    """A trial design dataset of rows in their order: the guide's variables, permissible ones only where filled."""
    about = guide.dataset(name)
    assert about is not None, f"the guide knows no {name}"
    known = {v.name: v for v in guide.variables(name)}
    extra = sorted({key for row in rows for key in row if key not in known and not key.startswith("_")})
    filled = {key for row in rows for key, value in row.items() if value is not None} | {"STUDYID", "DOMAIN"}
    variables = [v for v in known.values() if v.core != "Perm" or v.name in filled]
    for variable in extra:  # TSVAL1, TSVAL2 …
        base = known[variable.rstrip("0123456789")]
        label = f"{base.label} {variable.removeprefix(base.name)}"
        place = next(i for i, v in enumerate(variables) if v.name == base.name) + int(variable.removeprefix(base.name))
        variables.insert(place, replace(base, name=variable, label=label, core="Perm"))
    columns: dict[str, pl.Series] = {}
    for v in variables:
        fixed = {"STUDYID": study.studyid, "DOMAIN": name}.get(v.name)
        values = [fixed if fixed is not None else row.get(v.name) for row in rows]
        columns[v.name] = pl.Series(v.name, values, dtype=DTYPES[v.type])
    columns["_from"] = pl.Series("_from", [row.get("_from", []) for row in rows], dtype=pl.List(pl.UInt32))
    columns["_block"] = pl.Series("_block", [row.get("_block", "protocol") for row in rows], dtype=pl.String)
    return Dataset(
        name=name,
        label=about.label,
        klass=about.klass,
        structure=about.structure,
        keys=about.keys,
        variables=tuple(replace(v, origin="Assigned" if v.name == "DOMAIN" else "Protocol") for v in variables),
        frame=pl.DataFrame(columns),
        origin=origin or {},
        reference=True,
    )


def _arms(study: Study) -> list[dict[str, Any]]:
    """TA: the elements of each arm. With one arm the skips stand in TATRANS, with arms for paths TABRANCH says who goes where."""
    assert study.arm is not None
    by_code = {element.etcd: element for element in study.arm.elements}
    ways = paths(study)
    parting = _parting([way.elements for way in ways]) if branched(study) else ""
    rows = []
    for way in ways:
        for order, code in enumerate(way.elements, 1):
            element = by_code[code]
            rows.append(
                {
                    "ARMCD": way.armcd,
                    "ARM": way.arm,
                    "TAETORD": order,
                    "ETCD": code,
                    "ELEMENT": element.element,
                    "TABRANCH": way.branch or None if code == parting else None,
                    "TATRANS": None if branched(study) else element.transition or None,
                    "EPOCH": element.epoch,
                }
            )
    return rows


def _parting(ways: Sequence[Sequence[str]]) -> str:
    """The last element that all ways share from their beginning on."""
    shared = ""
    for codes in zip(*ways, strict=False):
        if len(set(codes)) > 1:
            break
        shared = codes[0]
    return shared


def _elements(study: Study) -> list[dict[str, Any]]:
    """TE: one row per element, by ETCD."""
    assert study.arm is not None
    rows = [
        {"ETCD": e.etcd, "ELEMENT": e.element, "TESTRL": e.start, "TEENRL": e.end, "TEDUR": e.duration}
        for e in study.arm.elements
    ]
    return sorted(rows, key=lambda row: str(row["ETCD"]))


# --- TV ---------------------------------------------------------------------------------------------------------------


def _visits(study: Study, tidy: Mapping[str, Table], known: Mapping[str, Any]) -> list[dict[str, Any]]:
    """TV: every planned visit. ARMCD stays blank: no visit depends on the arm, but on what happens (IG 3.4, TV 1)."""
    by_name = {visit.name: visit for visit in study.schedule}
    plan = visit_plan(StudyData(study, Upload(()), tidy, results=known))
    rows = []
    for visit, number, day, series, n, _ in plan.iter_rows():
        planned = by_name[series or visit]
        rows.append(
            {
                "VISITNUM": number,
                "VISIT": visit,
                "VISITDY": day,
                "TVSTRL": clipped(start_rule(study, planned, n)),
            }
        )
    return rows


def start_rule(study: Study, visit: Visit, n: int | None = None) -> str:
    """When a visit is planned, in words: target, anchor, window (TVSTRL); `n`: its number in a series."""
    label = _label(study, visit.anchor)
    if visit.repeat == "assessment" and study.assessments is not None:
        return _assessment_rule(study, study.assessments, n or 1)
    if visit.repeat == "dose":
        days = visit.target or visit.every or 0
        return f"{days} days after the previous {(visit.drug or 'dose').lower()}{_window(visit)}"
    if visit.repeat == "follow-up":
        return f"{(visit.every or 0) * (n or 1)} days after {label}{_window(visit)}"
    if visit.from_ is not None and visit.to is not None:
        return _range(visit.from_, visit.to, label)
    return _offset(visit.target or 0, label) + _window(visit)


def _offset(days: int, label: str) -> str:
    if days == 0:
        return f"On the day of {label}"
    return f"{abs(days)} day{'s' if abs(days) != 1 else ''} {'after' if days > 0 else 'before'} {label}"


def _range(first: int, last: int, label: str) -> str:
    if first <= last < 0:
        return f"From {-first} to {-last} days before {label}"
    if 0 < first <= last:
        return f"From {first} to {last} days after {label}"
    return f"From {_offset(first, label)} to {_offset(last, label)}".replace("On the", "the")


def _window(visit: Visit) -> str:
    early = visit.before if visit.before is not None else visit.window
    late = visit.after if visit.after is not None else visit.window
    if not early and not late:
        return ""
    return f", window {f'-{early}' if early else 0} to {f'+{late}' if late else 0} days"


def _assessment_rule(study: Study, plan: Assessments, n: int) -> str:
    """`No. 3, every 56 days until …, then every 84 days, counted from hepatectomy + 30, else …; window -7 to +7 days`."""
    parts = []
    for phase in plan.phases:
        until = phase.until
        limit = f" until {_label(study, until.anchor)} + {until.offset}" if until else ""
        parts.append(f"every {phase.every} days{limit}")
    origins = ", else ".join(f"{_label(study, p.anchor)} + {p.offset}" for p in plan.origins)
    widths = sorted({phase.window for phase in plan.phases})
    window = " or ".join(f"-{w} to +{w}" for w in widths)
    return f"No. {n}, {', then '.join(parts)}, counted from {origins}; window {window} days"


def _label(study: Study, anchor: str) -> str:
    known = study.anchors.get(anchor)
    return known.label if known else anchor


# --- TI ---------------------------------------------------------------------------------------------------------------


def _criteria(study: Study) -> list[dict[str, Any]]:
    """TI: one row per criterion, inclusion first."""
    rows = []
    count = {"INCLUSION": 0, "EXCLUSION": 0}
    for name, criterion in study.eligibility.items():
        count[criterion.category] += 1
        rows.append(
            {
                "IETESTCD": _criterion_code(name, criterion.category, count[criterion.category]),
                "IETEST": clipped(criterion.text),
                "IECAT": criterion.category,
            }
        )
    return sorted(rows, key=lambda row: str(row["IETESTCD"]))


def _criterion_code(name: str, category: str, number: int) -> str:
    """`B-INC-05a` -> `INC05A`; a name of another shape is numbered in its category."""
    found = re.search(r"(INC|EXC)[^A-Za-z0-9]*([A-Za-z0-9]{1,5})$", name, re.IGNORECASE)
    return (found[1] + found[2]).upper() if found else f"{category[:3]}{number:02d}"


def clipped(text: str) -> str:
    """A text of at most 200 characters: what does not fit is cut at a word and marked (IG 3.4, 4.5.3)."""
    if len(text) <= _LONGEST:
        return text
    return text[: _LONGEST - 3].rsplit(" ", 1)[0].rstrip(",;") + "..."
