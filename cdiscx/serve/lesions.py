"""Prepared study data in, one JSON file a subject out: lesions over time, derived responses, how each came about.

Everything is taken from the views that checks and ADaM share (`timepoints`, `judged_lesions`, `composite`), so the page
shows what they judge by and derives nothing itself.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from cdiscx.model.table import StudyData
from cdiscx.serve.telling import derivation, partial_limit, progression_limit
from cdiscx.standards.criterion import Criterion
from cdiscx.views.timepoints import criterion_of

Row = dict[str, Any]
Segment = tuple[str, str, str]
#: list of subjects, in the order of their files `0.json`, `1.json` …
INDEX = "index.json"
#: responses by words: column of the site, column derived here
BESIDE = (
    ("Target", "TRGRESP", "DTRGRESP", "DTRGRULE"),
    ("Non-target", "NTRGRESP", "DNTRGRESP", "DNTRGRULE"),
    ("New lesion", "NEWLIND", "DNEWL", "NEWRULE"),
    ("Overall", "OVRLRESP", "DOVRLRESP", "DOVRLRULE"),
    ("Thrombus", "PVTTRESP", "DPVTTRESP", "PVTTRULE"),
    ("Composite", "COMPRESP", "DCOMPRESP", "CELL"),
)
_OF_COMPOSITE = ("BASECLS", "PVTTCLS", "PVTTRESP", "DPVTTRESP", "PVTTRULE", "PRIMRSP", "PRIMRULE", "DCOMPRESP", "COMPRESP", "CELL")  # fmt: skip
_SITE_NUMBERS = ("SUMDIAM", "PCBSD", "PCNSD")


def write_lesions(data: StudyData, folder: Path) -> tuple[int, str]:
    """Writes INDEX and a file a subject; number of subjects, and why there is none where there is none."""
    folder.mkdir(exist_ok=True)
    if "timepoints" not in data.tidy or "judged_lesions" not in data.tidy:
        why = "Responses could not be derived: " + (
            "the making of a view crashed." if data.broken else "the uploads have no sheet of target lesions."
        )
        (folder / INDEX).write_text(json.dumps([]), encoding="utf-8")
        return 0, why
    told = _subjects(data)
    for number, subject in enumerate(told):
        text = json.dumps(subject, ensure_ascii=True, default=str)
        (folder / f"{number}.json").write_text(text, encoding="utf-8")
    names = ("id", "site", "points", "lesions", "last", "differ", "doubt")
    index = [{name: subject[name] for name in names} for subject in told]
    (folder / INDEX).write_text(json.dumps(index, ensure_ascii=True), encoding="utf-8")
    return len(told), "" if told else "The uploads have no lesion of a known subject."


def _subjects(data: StudyData) -> list[Row]:
    criterion = criterion_of(data.study)
    points = _by_segment(_points(data))
    lesions = _by_segment(_rows(data, "judged_lesions"))
    place = _places(data)
    sites = {row["SUBJID"]: row.get("SITEID") for row in _rows(data, "subjects")}
    segments: dict[str, list[Row]] = defaultdict(list)
    for key in sorted(points, key=lambda k: (k[0], k[1], k[2] != "PRE-TREATMENT", k[2])):
        segments[key[0]].append(_segment(key, points[key], lesions.get(key, []), criterion, place))
    return [_subject(name, sites.get(name), parts) for name, parts in segments.items()]


def _subject(name: str, site: str | None, parts: list[Row]) -> Row:
    points = [p for part in parts for p in part["points"]]
    answered = [p for p in points if p["overall"]]
    return {
        "id": name,
        "site": site or "",
        "segments": parts,
        "points": len(points),
        "lesions": len({lesion["id"] for part in parts for lesion in part["lesions"]}),
        "last": answered[-1]["overall"] if answered else "",
        "differ": sum(p["differs"] for p in points),
        "doubt": any(p["doubt"] for p in points),
    }


def _segment(key: Segment, points: list[Row], lesions: list[Row], c: Criterion, place: Any) -> Row:
    """One reader's time points on one baseline, with the table of lesions."""
    ordered = sorted(points, key=lambda p: p["TP"])
    sizes: dict[int, list[Row]] = defaultdict(list)
    for row in lesions:
        sizes[row["TP"]].append(row)
    what = "Sum of viable diameters" if c.viable else "Sum of diameters"
    return {
        "evaluator": key[1],
        "baseline": key[2],
        "what": what,
        "points": [_point(p, sizes[p["TP"]], c, what) for p in ordered],
        "lesions": _lesions(lesions, place),
    }


def _point(point: Row, rows: list[Row], c: Criterion, what: str) -> Row:
    targets = sorted((row["LESID"], row["VALUE"]) for row in rows if row["CLASS"] == "TARGET")
    beside = []
    for title, site, ours, rule in BESIDE:
        if point.get(site) is None and point.get(ours) is None:
            continue
        if title == "New lesion" and point["TP"] == 0:
            continue
        same = point["TP"] == 0 or _same(point.get(site), point.get(ours)) or point["RSRID"] is None
        beside.append(
            {"title": title, "ours": point.get(ours) or "", "site": point.get(site) or "", "rule": point.get(rule) or "", "same": same}
        )  # fmt: skip
    return {
        "tp": point["TP"],
        "visit": point["VISIT"],
        "date": point["DAT"].isoformat() if point["DAT"] else "",
        "role": point["ROLE"].lower(),
        "sum": point["SUM"],
        "change": point["PCHG"],
        "nadir_change": point["PCHGNAD"],
        "site_numbers": {name: point.get(name) for name in _SITE_NUMBERS},
        "partial": partial_limit(point["BASE"], c) if point["TP"] > 0 else None,
        "progression": progression_limit(point["NADIR"], c) if point["TP"] > 0 else None,
        "overall": point["DOVRLRESP"] or "",
        "beside": beside,
        "differs": not all(b["same"] for b in beside),
        "doubt": any(point[n] for n in ("BASE_DOUBT", "PRIOR_DOUBT", "ORDER_DOUBT", "DOUBTFUL", "NT_DOUBTFUL")),
        "read_by_site": point["RSRID"] is not None,
        "why": derivation(point, targets, c, what),
    }


def _same(site: str | None, ours: str | None) -> bool:
    """A site that says nothing about a part it has no lesions of agrees with no response."""
    blank = (None, "N", "NA", "NE")
    return site == ours or (site in blank[:2] and ours in blank[:2])


def _lesions(rows: list[Row], place: Any) -> list[Row]:
    """Lesions by class and name: what each is, and its reading at each time point."""
    order = {"TARGET": 0, "NON-TARGET": 1, "NEW": 2}
    found: dict[tuple[int, str], Row] = {}
    for row in sorted(rows, key=lambda r: (order.get(r["CLASS"], 3), _natural(r["LESID"]), r["TP"])):
        about = " · ".join(part for part in (row["TUORGAN"], row["TULOC"]) if part)
        new = {"id": row["LESID"], "class": row["CLASS"].lower(), "about": about, "readings": {}}
        lesion = found.setdefault((order.get(row["CLASS"], 3), row["LESID"]), new)
        lesion["readings"][str(row["TP"])] = {
            "size": row["VALUE"] if row["CLASS"] == "TARGET" else row["SIZE"],
            "status": (row["TRSTATUS"] or row["CERTAIN"] or "").lower(),
            "place": place(row["_rid"], row["CELL"]),
            "doubt": bool(row["DOUBT"]),
        }
    return list(found.values())


def _natural(name: str | None) -> tuple[int, str]:
    return (len(name or ""), name or "")


def _points(data: StudyData) -> list[Row]:
    """Time points with what the site computed and, where the study has one, the composite response."""
    site = {r["_rid"]: r for r in _rows(data, "responses")}
    composite = {(*_key(r), r["TP"]): r for r in _rows(data, "composite")}
    told = []
    for row in _rows(data, "timepoints"):
        more = composite.get((*_key(row), row["TP"]), {})
        own = site.get(row["RSRID"], {})
        told.append(row | {n: own.get(n) for n in _SITE_NUMBERS} | {n: more.get(n) for n in _OF_COMPOSITE})
    return told


def _places(data: StudyData) -> Any:
    """(_rid, column) -> `site-01.xlsx!Target Lesions!J17`, as far as known."""
    where = {rid: (source, row) for rid, source, row in data.upload.ledger.iter_rows()}

    def place(rid: int, column: str | None) -> str:
        source_id, row = where[rid]
        source = data.upload.sources[source_id]
        letter = source.letters.get(column or "", "")
        return f"{source.file}!{source.sheet}!{letter}{row}"

    return place


def _by_segment(rows: Iterable[Row]) -> Mapping[Segment, list[Row]]:
    found: dict[Segment, list[Row]] = defaultdict(list)
    for row in rows:
        if row["SUBJID"] is not None and row["TP"] is not None:
            found[_key(row)].append(row)
    return found


def _key(row: Row) -> Segment:
    return (str(row["SUBJID"]), str(row["EVAL"] or ""), str(row["BASETYPE"] or ""))


def _rows(data: StudyData, name: str) -> list[Row]:
    return data.tidy[name].frame.to_dicts() if name in data.tidy else []
