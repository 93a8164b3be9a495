"""Runs the rules on finished datasets: every rule is passed, failed or skipped with a reason, every hit is a finding."""

from __future__ import annotations

import traceback
from collections.abc import Mapping
from hashlib import sha256
from time import perf_counter

import polars as pl

from cdiscx.conform.finished import Finished, finish
from cdiscx.conform.rules import HITS, Rule, rules
from cdiscx.model.dataset import Codelist
from cdiscx.model.finding import CheckRun, Finding, Report, Status
from cdiscx.model.spec import Study
from cdiscx.registry import discover


def conformance(
    frames: Mapping[str, pl.DataFrame],
    study: Study | None = None,
    *,
    codelists: Mapping[str, Codelist] | None = None,
    source: Mapping[str, pl.DataFrame] | None = None,
    keys: Mapping[str, tuple[str, ...]] | None = None,
) -> Report:
    """Checks finished SDTM or ADaM datasets (name -> frame); iterate the report for the findings.

    `study`: also compares STUDYID. `codelists`: lists with the sponsor's declared terms, by id. `source`: the SDTM frames
    behind ADaM. `keys`: of the datasets as declared; else the guide's with what tells records apart. A finding's `file` and `sheet` are the dataset, `row` the number of the record, `column` the variable.
    """
    discover("cdiscx.conform")
    data = finish(frames, studyid=study.studyid if study else None, codelists=codelists, source=source, keys=keys)
    standard = "ADaM" if data.analysis else "SDTM"
    outcomes = [_run(rule, data) for rule in rules().values() if rule.standard == standard]
    findings = tuple(f for _, found in outcomes for f in found)
    facts = {"standard": standard, "study": data.studyid, "datasets": {n: f.height for n, f in data.frames.items()}}
    return Report(facts, tuple(run for run, _ in outcomes), findings)


def _run(rule: Rule, data: Finished) -> tuple[CheckRun, list[Finding]]:
    missing = [name for name in rule.needs if name not in data.frames]
    if missing:
        reason = f"dataset {', '.join(missing)} is not there"
        return CheckRun(rule.id, Status.SKIPPED, reason), []
    looked = rule.needs or tuple(data.frames)
    rows = sum(data.frames[name].height for name in looked)
    start = perf_counter()
    try:
        hits = pl.concat([pl.DataFrame(schema=HITS), *rule.function(data)])
    except Exception:  # the engine's one place: a crash is neither a pass nor a skip
        return CheckRun(rule.id, Status.ERRORED, "crashed", rows, traceback=traceback.format_exc()), []
    found = [_finding(rule, data, row) for row in hits.iter_rows(named=True)]
    status = Status.FAILED if found else Status.PASSED
    return CheckRun(rule.id, status, None, rows, len(found), perf_counter() - start), found


def _finding(rule: Rule, data: Finished, hit: Mapping[str, str | int | None]) -> Finding:
    def text(key: str) -> str | None:
        value = hit[key]
        return None if value is None else str(value)

    row = hit["row"]
    words = "|".join(str(hit[k]) for k in ("dataset", "USUBJID", "column", "value", "message"))
    return Finding(
        check_id=rule.id,
        family="CNF",
        severity=rule.severity,
        message=text("message") or rule.title,
        study=data.studyid,
        subject=text("USUBJID"),
        file=text("dataset"),
        sheet=text("dataset"),
        row=row if isinstance(row, int) else None,
        column=text("column"),
        value=text("value"),
        fingerprint=sha256(f"{rule.id}|{words}".encode()).hexdigest()[:16],
    )
