"""The second reading beside what cdiscx derives from the same workbook.

In: a workbook and the study's name. Out: `Comparison`: how much was compared and what differs.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import plain_endpoints as endpoints
import polars as pl
from plain_facts import Facts, facts
from plain_safety import events, surgery
from plain_sheets import Person, people, read_workbook
from plain_tumour import time_points

from cdiscx import flow
from cdiscx.adam import derive
from cdiscx.model.dataset import Dataset
from cdiscx.model.spec import Study
from cdiscx.sdtm import map_study

SD_MIN = {False: 35, True: 28}


@dataclass
class Comparison:
    """What was compared: subjects, values, and the differences (subject, source, key, second reading, cdiscx)."""

    subjects: int = 0
    values: int = 0
    differences: list[tuple[str, str, str, Any, Any]] = field(default_factory=list)

    def same(self, subject: str, source: str, key: str, mine: Any, theirs: Any) -> None:
        """Hold one value against the other; numbers agree to 1e-9."""
        self.values += 1
        if isinstance(theirs, float) and mine is not None:
            if abs(float(mine) - theirs) > 1e-9:
                self.differences.append((subject, source, key, float(mine), theirs))
        elif mine != theirs:
            self.differences.append((subject, source, key, mine, theirs))


@dataclass
class Derived:
    """ADaM of both sources, as rows by subject."""

    sdtm: Mapping[str, pl.DataFrame]
    adam: dict[str, Mapping[str, Dataset]]
    cutoff: dt.date

    def rows(self, source: str, dataset: str) -> dict[str, list[dict[str, Any]]]:
        """Rows of a dataset by SUBJID."""
        out: dict[str, list[dict[str, Any]]] = {}
        if dataset not in self.adam[source]:
            return out
        frame = self.adam[source][dataset].frame
        for row in frame.select([c for c in frame.columns if not c.startswith("_")]).to_dicts():
            out.setdefault(row["SUBJID"], []).append(row)
        return out


def derived(path: Path, study: str, cutoff: dt.date | None) -> Derived:
    """What cdiscx makes of the workbook."""
    plan = Study.load(study)
    data = flow.prepare(flow.tidy(plan, flow.read(path)), cutoff=cutoff)
    assert data.run is not None
    frames = {k: d.frame for k, d in map_study(data).datasets.items()}
    other = plan.model_copy(update={"parameters": {**plan.parameters, "response_source": "DERIVED"}})
    adam = {name: derive(p, frames, cutoff=data.run.cutoff) for name, p in (("SITE", plan), ("DERIVED", other))}
    return Derived(frames, adam, data.run.cutoff)


def compare(path: Path, study: str, cutoff: dt.date | None = None) -> Comparison:
    """Both readings of one workbook."""
    study_b = study == "neopvtt-b"
    theirs = derived(path, study, cutoff)
    out = Comparison()
    persons = people(read_workbook(path), study_b=study_b, cutoff=cutoff)
    assert persons[0].cutoff == theirs.cutoff
    tables = {
        (s, d): theirs.rows(s, d) for s in ("SITE", "DERIVED") for d in ("ADSL", "ADRS", "ADTTE", "ADAE", "ADSURG")
    }
    spid = _ae_sequences(theirs.sdtm["AE"]) if "AE" in theirs.sdtm else {}
    for person in persons:
        out.subjects += 1
        fact = facts(person)
        adsl = tables["SITE", "ADSL"][person.name][0]
        _dates(out, person, fact, adsl)
        _surgery(out, person, fact, tables["SITE", "ADSURG"].get(person.name, []))
        _events(out, person, fact, tables["SITE", "ADAE"].get(person.name, []), spid)
        for source in ("SITE", "DERIVED"):
            adsl = tables[source, "ADSL"][person.name][0]
            adrs = tables[source, "ADRS"].get(person.name, [])
            _responses(out, person, fact, source, adrs, adsl)
            _survival(out, person, fact, source, tables[source, "ADTTE"].get(person.name, []), adrs)
    return out


def _ae_sequences(ae: pl.DataFrame) -> dict[tuple[str, int], str]:
    """(USUBJID, AESEQ) -> AE number."""
    return {(r["USUBJID"], int(r["AESEQ"])): r["AESPID"] for r in ae.select("USUBJID", "AESEQ", "AESPID").to_dicts()}


def _dates(out: Comparison, person: Person, fact: Facts, adsl: dict[str, Any]) -> None:
    mine = {
        "RFICDT": fact.consent,
        "ENRLDT": fact.enrolled,
        "DIAGDT": fact.diagnosed,
        "TRTSDT": fact.first,
        "TRTEDT": fact.last,
        "LDOSEDT": fact.last_dose,
        "SURGDT": fact.surgery,
        "DTHDT": fact.died,
        "LSTALVDT": fact.alive,
        "NACTDT": fact.new_therapy,
        "ENRLFL": "Y" if fact.enrolled else "N",
        "SAFFL": "Y" if fact.first else "N",
        "FASFL": "Y" if fact.first and fact.enrolled else "N",
        "RESFL": "Y" if fact.operation else "N",
    }
    if not person.study_b:
        mine |= {"DURFL": "Y" if fact.durvalumab else "N", "DUR1DT": fact.durvalumab}
    for key, value in mine.items():
        out.same(person.name, "", key, value, adsl[key])


def _surgery(out: Comparison, person: Person, fact: Facts, rows: list[dict[str, Any]]) -> None:
    mine = surgery(person, fact)
    found = {r["PARAMCD"]: r for r in rows}
    out.same(person.name, "", "ADSURG", bool(mine), bool(found))
    for key, value in mine.items() if found else ():
        row = found.get(key, {"AVAL": None, "AVALC": None})
        told = row["AVAL"] if key in ("LOS", "VIABPCT") else row["AVALC"]
        out.same(person.name, "", key, value, told.upper() if isinstance(told, str) else told)
    if fact.surgery:
        share = any(mine[k] is not None for k in ("VIABPCT", "PCR"))
        out.same(person.name, "", "PATFL", "Y" if share else "N", rows[0]["PATFL"] if rows else None)


def _events(out: Comparison, person: Person, fact: Facts, rows: list[dict[str, Any]], spid: Mapping[Any, str]) -> None:
    found = {spid[r["USUBJID"], r["AESEQ"]]: r for r in rows}
    order = {k: r["AESEQ"] for k, r in found.items()}
    mine = events(person, fact, {**{str(r["AE Number"]): 10**6 for r in person.rows("Adverse Events")}, **order})
    out.same(person.name, "", "AE numbers", sorted(mine), sorted(found))
    for key in sorted(mine.keys() & found.keys()):
        for name, value in mine[key].items():
            if name not in ("grade", "row"):
                out.same(person.name, "", f"AE {key} {name}", value, found[key][name])


def _only(rows: list[dict[str, Any]], paramcd: str) -> dict[str, Any]:
    found = [r for r in rows if r["PARAMCD"] == paramcd and r["ANL02FL"] in (None, "Y")]
    if paramcd.removeprefix("D") in ("PRIMRSP", "PVTTRSP", "CRSPB"):
        found = [r for r in found if r["ANL02FL"] == "Y"]
    return found[0] if found else {"AVALC": None, "ADT": None, "AVALCAT1": None}


def _responses(
    out: Comparison, person: Person, fact: Facts, source: str, rows: list[dict[str, Any]], adsl: dict[str, Any]
) -> None:
    points = time_points(person, fact)
    seen = endpoints.seen(points, source)
    name = person.name
    if source == "SITE":
        for key, theirs in (("target", "DTRGR"), ("overall", "DOVR")):
            mine = {p.visit: getattr(p, key) for p in points if getattr(p, key)}
            told = {
                r["AVISIT"].upper(): r["AVALC"] for r in rows if r["PARAMCD"] == theirs and r["EVALR"] == "INVESTIGATOR"
            }
            for visit in sorted(mine.keys() | told.keys()):
                out.same(name, source, f"{theirs} {visit}", mine.get(visit), told.get(visit))
    usable = any(p.counts and p.response for p in seen)
    evaluable = "Y" if usable and _has_baseline_target(person, fact) else "N"
    if source == "SITE":
        out.same(name, source, "EVALFL", evaluable, adsl["EVALFL"])
    if not (fact.first and fact.enrolled):
        return
    counted, least = endpoints.window(fact, seen), SD_MIN[person.study_b]
    bor, cbor = endpoints.best(fact, counted, least), endpoints.confirmed(fact, counted, least)
    mine = {"BOR": bor, "CBOR": cbor}
    mine |= {"RSP": _flag(bor in endpoints.RESPONDERS), "CRSP": _flag(cbor in endpoints.RESPONDERS)}
    mine["DCR"] = _flag(bor in ("CR", "PR", "SD", "NON-CR/NON-PD"))
    for key, value in mine.items():
        out.same(name, source, key, value, _only(rows, key)["AVALC"])
    if fact.durvalumab:
        flag, reason = endpoints.week6(fact, seen)
        row = _only(rows, "RSP6W")
        out.same(name, source, "RSP6W", flag, row["AVALC"])
        out.same(name, source, "RSP6W reason", reason, row["AVALCAT1"])
    if person.study_b:
        picked = endpoints.composite_selected(person, fact, points, source)
        prefix = "" if source == "SITE" else "D"
        for key in ("PRIMRSP", "PVTTRSP", "CRSPB") if source == "DERIVED" else ("CRSPB",):
            told = _only(rows, prefix + key)["AVALC"]
            if picked["ADT"] is None:  # none is evaluable: a non-responder, whatever row says so
                out.same(name, source, key, True, key != "CRSPB" or told in ("MISSING", "NE"))
            else:
                out.same(name, source, key, picked[key], told)
        out.same(
            name, source, "CRSPB date", picked["ADT"], _only(rows, f"{prefix}CRSPB")["ADT"] if picked["ADT"] else None
        )
    elif source == "SITE":  # the branch is told from the recorded response alone (trial-a 5)
        response, date, branch = endpoints.month3(person, fact, seen)
        dated = {d for p in points if p.site for d in [p.site["Assessment Date"]]}
        for key, value in (("M3RESP", response), ("M3DT", date), ("M3BRANCH", branch)):
            if key == "M3DT" and date is not None and date not in dated:
                continue  # ADSL takes the date of the response where it is not that of the scan
            out.same(name, source, key, value, adsl[key])


def _flag(value: bool) -> str:
    return "Y" if value else "N"


def _has_baseline_target(person: Person, fact: Facts) -> bool:
    from plain_sheets import day, said

    return any(
        (d := day(r.get("Assessment Date"))) and fact.first and d <= fact.first
        for r in person.rows("Target Lesions")
        if (said(r, "Evaluator") or "INVESTIGATOR") == "INVESTIGATOR"
    )


def _survival(
    out: Comparison, person: Person, fact: Facts, source: str, rows: list[dict[str, Any]], adrs: list[dict[str, Any]]
) -> None:
    mine = endpoints.tte(person, fact, endpoints.seen(time_points(person, fact), source))
    found = {r["PARAMCD"]: r for r in rows}
    out.same(person.name, source, "ADTTE", sorted(mine), sorted(k for k in found if not k.endswith("LIT")))
    progressed = min(
        (p.date for p in endpoints.seen(time_points(person, fact), source) if p.response == "PD"), default=None
    )
    for key in sorted(mine.keys() & found.keys()):
        told, row = mine[key], found[key]
        if key == "DOR" and progressed and progressed < told.start:
            continue  # dated back to before the last scan of the response's own time point: no duration to speak of
        facts_ = {"STARTDT": told.start, "ADT": told.end, "CNSR": told.cnsr, "EVNTDESC": told.words, "AVAL": told.days}
        for name, value in facts_.items():
            theirs = row[name]
            out.same(person.name, source, f"{key}.{name}", value, theirs)
    if "EFS" in mine:
        out.same(person.name, source, "EFS1Y", endpoints.one_year(mine["EFS"]), _only(adrs, "EFS1Y")["AVALC"])
