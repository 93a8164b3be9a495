"""Reports made by hand, as the ledger takes them: a few checks, findings that are named by subject, uploads by bytes."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from cdiscx.model.finding import CheckRun, Finding, Report, Severity, Status
from cdiscx.model.standing import Coverage

SITES = {"101": "01", "102": "01", "201": "02"}


def finding(check: str, subject: str | None, *, file: str = "site-01.xlsx", value: str = "700", **more: Any) -> Finding:
    """A finding of one check about one subject; its fingerprint is that of check and subject."""
    told: dict[str, Any] = {
        "study": "LUMEN-21",
        "site": SITES.get(subject or ""),
        "subject": subject,
        "file": file,
        "sheet": "Visits",
        "row": 3,
        "column": "Weight",
        "cell": "F3",
        "value": value,
        "fingerprint": hashlib.sha256(f"{check} {subject}".encode()).hexdigest()[:16],
        "fix": "ask the site",
    }
    return Finding(check, check[:3], Severity.ERROR, f"{check} of {subject}: {value}", **told | more)


def report(
    *findings: Finding,
    upload: str = "first",
    files: Mapping[str, tuple[str, ...]] | None = None,
    subjects: tuple[str, ...] = ("101", "102"),
    checks: Mapping[str, CheckRun] | None = None,
    **coverage: Any,
) -> Report:
    """A run over uploads whose bytes are told apart by `upload`; every check ran over ten rows unless `checks` says else."""
    where = files or {"site-01.xlsx": ("01",)}
    made = {}
    for check in ("VIS-001", "STR-001", "DAT-005", *(f.check_id for f in findings)):
        hits = sum(f.check_id == check for f in findings)
        made[check] = CheckRun(check, Status.FAILED if hits else Status.PASSED, None, 10, hits)
    run = {
        "study": "LUMEN-21",
        "version": "1",
        "uploads": [
            {"name": name, "sha256": hashlib.sha256(f"{upload} {name}".encode()).hexdigest(), "bytes": 1}
            for name in where
        ],
        "day_of_run": "2026-03-01",
        "cutoff": "2026-02-28",
        "only": [],
        "skip": [],
    }
    seen = Coverage(frozenset(subjects), where, **coverage)
    return Report(run, tuple((made | dict(checks or {})).values()), findings, coverage=seen)


def day(number: int) -> str:
    """Noon of a day in March 2026, UTC."""
    return f"2026-03-{number:02d}T12:00:00Z"
