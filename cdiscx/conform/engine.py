"""Runs the rules on finished datasets: every rule is passed, failed or skipped with a reason, every hit is a finding."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256

import polars as pl

from cdiscx.conform.finished import Finished
from cdiscx.conform.rules import Rule
from cdiscx.conform.runs import Facts, Outcome, by_shares, in_shares, of_standard, outcome
from cdiscx.model.dataset import Codelist
from cdiscx.model.finding import CheckRun, Finding, Report, Status
from cdiscx.model.kept import Kept
from cdiscx.model.spec import Study
from cdiscx.registry import discover


def conformance(
    frames: Mapping[str, pl.DataFrame | Kept],
    study: Study | None = None,
    *,
    codelists: Mapping[str, Codelist] | None = None,
    source: Mapping[str, pl.DataFrame] | None = None,
    keys: Mapping[str, tuple[str, ...]] | None = None,
) -> Report:
    """Checks finished SDTM or ADaM datasets (name -> frame); iterate the report for the findings: by rule, dataset, record.

    `study`: also compares STUDYID. `codelists`: lists with the sponsor's declared terms, by id. `source`: the SDTM frames
    behind ADaM. `keys`: of the datasets as declared; else the guide's with what tells records apart. A finding's `file` and `sheet` are the dataset, `row` the number of the record, `column` the variable.
    SDTM that waits on disk (`read.open_datasets`) is checked a share of the subjects at a time, with the same findings.
    """
    discover("cdiscx.conform")
    facts = Facts(study.studyid if study else None, codelists, keys)
    held = {name.upper(): frame for name, frame in frames.items()}
    if by_shares(held, facts):
        data, runs = in_shares(held, facts)
    else:
        ready = {n: f.load().sort("_id") if isinstance(f, Kept) else f for n, f in held.items()}
        data = facts.finish(ready, source=source)
        runs = [outcome(rule, data) for rule in of_standard(data)]
    heights = {name: held[name].height for name in data.frames}
    outcomes = [_told(run, data, heights) for run in runs]
    findings = tuple(f for _, found in outcomes for f in found)
    told = {"standard": "ADaM" if data.analysis else "SDTM", "study": data.studyid, "datasets": heights}
    return Report(told, tuple(run for run, _ in outcomes), findings)


def _told(run: Outcome, data: Finished, heights: Mapping[str, int]) -> tuple[CheckRun, list[Finding]]:
    """A rule's run and its findings, each record once, by dataset and record."""
    rule = run.rule
    missing = [name for name in rule.needs if name not in heights]
    if missing:
        return CheckRun(rule.id, Status.SKIPPED, f"dataset {', '.join(missing)} is not there"), []
    rows = sum(heights[name] for name in rule.needs or heights)
    if run.traceback:  # a crash is neither a pass nor a skip
        return CheckRun(rule.id, Status.ERRORED, "crashed", rows, traceback=run.traceback), []
    hits = run.hits.unique(maintain_order=True).sort("dataset", "row", "column", "message", maintain_order=True)
    found = [_finding(rule, data, row) for row in hits.iter_rows(named=True)]
    status = Status.FAILED if found else Status.PASSED
    return CheckRun(rule.id, status, None, rows, len(found), run.seconds), found


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
