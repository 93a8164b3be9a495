"""What the tests of this folder share: the dates of their runs, and what it is for two reports to be the same."""

from __future__ import annotations

import dataclasses
from datetime import date

from cdiscx.model.finding import Report
from cdiscx.report.machine import render_json

DATES = {"cutoff": date(2025, 6, 30), "today": date(2025, 7, 1)}


def same(one: Report, other: Report) -> None:
    """The two say the same: findings in order, checks, coverage, and the bytes of report.json."""
    assert one.findings == other.findings
    timeless = [[dataclasses.replace(c, seconds=0.0) for c in r.checks] for r in (one, other)]
    assert timeless[0] == timeless[1]
    assert one.coverage == other.coverage
    assert render_json(one) == render_json(other)
