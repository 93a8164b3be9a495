"""What the tests of this folder share: dates, what it is for two reports to be the same, workers and how they are killed."""

from __future__ import annotations

import dataclasses
import os
import signal
import subprocess
import time
from datetime import date
from pathlib import Path

from cdiscx.model.finding import Report
from cdiscx.report.machine import render_json

ROOT = Path(__file__).parents[2]
DATES = {"cutoff": date(2025, 6, 30), "today": date(2025, 7, 1)}
ENV = {**os.environ, "PYTHONPATH": str(ROOT)}


def same(one: Report, other: Report) -> None:
    """The two say the same: findings in order, checks, coverage, and the bytes of report.json."""
    assert one.findings == other.findings
    timeless = [[dataclasses.replace(c, seconds=0.0) for c in r.checks] for r in (one, other)]
    assert timeless[0] == timeless[1]
    assert one.coverage == other.coverage
    assert render_json(one) == render_json(other)


def children(pid: int) -> list[int]:
    """Worker processes of a process (not the one that only tracks resources)."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                stat = (entry / "stat").read_text()
                words = (entry / "cmdline").read_bytes()
            except OSError:
                continue
            if int(stat.rpartition(")")[2].split()[1]) == pid and b"spawn_main" in words:
                found.append(int(entry.name))
    return found


def killed_workers(run: subprocess.Popen[bytes]) -> int:
    """Kills the first workers that a run starts; how many."""
    killed = 0
    until = time.monotonic() + 300
    while run.poll() is None and not killed and time.monotonic() < until:
        for worker in children(run.pid):
            os.kill(worker, signal.SIGKILL)
            killed += 1
        time.sleep(0.02)
    return killed
