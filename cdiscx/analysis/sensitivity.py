"""Results under both readings of the response in, what changes out; and the open findings that could change an endpoint."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import polars as pl

from cdiscx.analysis import touches, words
from cdiscx.analysis.inputs import Inputs, Population

_TOLD = ("n", "N", "events", "estimate", "ci_lower", "ci_upper", "text")
METHOD = (
    "Every endpoint once with the responses as the sites read them and once with the responses derived from the "
    "measurements; a subject is listed where its own value differs."
)
_COUNTED = ("error", "warning")


def compared(
    inputs: Inputs,
    other: Inputs | None,
    entries: Sequence[Mapping[str, Any]],
    entries_other: Sequence[Mapping[str, Any]],
    names: tuple[str, str],
) -> dict[str, Any]:
    """One row an endpoint: result under the first and the second reading, changed or not, and the subjects that differ."""
    if other is None:
        return {"text": "The endpoints were computed under one reading of the responses only.", "rows": []}
    rows = []
    for entry, alternative in zip(entries, entries_other, strict=True):
        subjects = _differing(inputs, other, str(entry["id"]), str(entry["population"]))
        told = {name: {k: e[k] for k in _TOLD if k in e} for name, e in zip(names, (entry, alternative), strict=True)}
        changed = any(_differs(entry.get(k), alternative.get(k)) for k in _TOLD if k != "text")
        rows.append(
            {
                "id": entry["id"],
                "label": entry["label"],
                "changed": changed or bool(subjects),
                "result_changed": changed,
            }
            | told
            | {"subjects": subjects}
        )
    n = sum(row["changed"] for row in rows)
    text = f"{n} of {len(rows)} endpoints change." if n else "No endpoint changes."
    return {"text": text, "method": METHOD, "readings": list(names), "rows": rows}


def in_doubt(
    inputs: Inputs, entries: Sequence[Mapping[str, Any]], findings: Iterable[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """For every endpoint the open errors and warnings that could change it: by check, with the subjects they are of.

    A finding counts for an endpoint when it puts in doubt an input that the endpoint rests on, and its subject is in the
    endpoint's population (a finding without a subject, or on who belongs to a population, always counts).
    """
    study = inputs.study
    told = ((f, touches.of_finding(study, f)) for f in findings if _open(f))
    doubts = [({"check_id": f["check_id"], "subject": f.get("subject")}, why) for f, why in told if why]
    rows = []
    for entry in entries:
        name = str(entry["id"])
        endpoint = study.endpoints[name]
        rests = touches.of_endpoint(name, endpoint, study)
        known = _names(inputs, inputs.population(endpoint.population, endpoint))
        hits = [(f, i & rests) for f, i in doubts if i & rests and _concerns(f, i & rests, known)]
        by_check: dict[str, dict[str, Any]] = {}
        for finding, why in hits:
            check = str(finding["check_id"])
            row = by_check.setdefault(check, {"check_id": check, "findings": 0, "subjects": set(), "inputs": set()})
            row["findings"] += 1
            row["inputs"] |= why
            row["subjects"] |= {str(finding["subject"])} if finding.get("subject") else set()
        checks = [r | {"subjects": sorted(r["subjects"]), "inputs": sorted(r["inputs"])} for r in by_check.values()]
        subjects = sorted({s for row in checks for s in row["subjects"]})
        rows.append(
            {"id": name, "label": entry["label"], "findings": len(hits), "subjects": subjects}
            | {
                "checks": sorted(checks, key=lambda r: (-r["findings"], r["check_id"])),
                "text": _said(len(hits), subjects),
            }
        )
    return rows


def _said(n: int, subjects: list[str]) -> str:
    if not n:
        return "No open finding could change it."
    return f"{n:,} open finding{'' if n == 1 else 's'} could change it, of {words.people(len(subjects))}."


def _open(finding: Mapping[str, Any]) -> bool:
    return finding.get("severity") in _COUNTED and not finding.get("accepted")


def _concerns(finding: Mapping[str, Any], why: frozenset[str], known: set[str]) -> bool:
    subject = finding.get("subject")
    return not subject or str(subject) in known or why == {"population"}


def _names(inputs: Inputs, population: Population) -> set[str]:
    """Subjects of a population under every name that a finding may use."""
    adsl = inputs.subjects.join(population.subjects, on="USUBJID", how="semi")
    return {str(v) for c in ("SUBJID", "USUBJID") if c in adsl.columns for v in adsl[c].drop_nulls()}


def _differing(inputs: Inputs, other: Inputs, name: str, flag: str) -> list[dict[str, Any]]:
    """Subjects whose record of a parameter differs: subject, value under the first and under the second reading."""
    first, second = (_values(i, name, flag) for i in (inputs, other))
    both = first.join(second, on="USUBJID", how="full", coalesce=True, suffix="_2")
    unlike = both.filter(pl.col("VALUE").ne_missing(pl.col("VALUE_2"))).sort("USUBJID")
    adsl = inputs.subjects
    label = pl.col("SUBJID").cast(pl.String) if "SUBJID" in adsl.columns else pl.col("USUBJID")
    named = unlike.join(adsl.select("USUBJID", SUBJECT=label), on="USUBJID", how="left")
    shown = named.select(pl.coalesce("SUBJECT", "USUBJID"), "USUBJID", "VALUE", "VALUE_2")
    return [
        {"subject": s, "usubjid": u, "first": a or "none", "second": b or "none"} for s, u, a, b in shown.iter_rows()
    ]


def _values(inputs: Inputs, name: str, flag: str) -> pl.DataFrame:
    """USUBJID and VALUE, the words of a subject's record: `PD on 2023-05-01`, `day 211, DEATH`, `-32.5`."""
    holder, rows = inputs.parameter(name)
    endpoint = inputs.study.endpoints[name]
    rows = rows.join(inputs.population(flag, endpoint).subjects, on="USUBJID", how="semi")
    has = set(rows.columns)
    number = pl.col("AVAL").round(1).cast(pl.String) if "AVAL" in has else pl.lit(None, pl.String)
    if holder == "ADTTE" and {"AVAL", "CNSR"} <= has:
        what = pl.col("EVNTDESC").fill_null("") if "EVNTDESC" in has else pl.lit("")
        state = pl.when(pl.col("CNSR") == 0).then(pl.lit("event")).otherwise(pl.lit("censored"))
        value = pl.format("day {}, {}: {}", pl.col("AVAL").cast(pl.Int64, strict=False), state, what)
    elif "AVALC" in has:
        value = pl.coalesce(pl.col("AVALC").cast(pl.String), number)
    else:
        value = number
    return rows.select("USUBJID", VALUE=value)


def _differs(one: Any, two: Any) -> bool:
    if isinstance(one, float) and isinstance(two, float):
        return abs(one - two) > 1e-12
    return bool(one != two)
