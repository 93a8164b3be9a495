"""By parts of the subjects, in one process or several, the report is the same to the byte."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from grids import grid_of, in_memory, write
from spread_kit import DATES, ENV, killed_workers, same
from tangle import tangled

from cdiscx import flow
from cdiscx.model.errors import UsageError
from cdiscx.model.spec import Study
from cdiscx.model.table import StudyData

STUDIES = ("palhep-a", "neopvtt-b")


def messy(study: str, *seeds: int) -> StudyData:
    """Uploads of many defects, a site a seed, that share subjects' numbers."""
    files = [in_memory(grid_of(tangled(study, seed=s, subjects=8)), f"site-{s}.xlsx") for s in seeds]
    return flow.tidy(Study.load(study), files, today=DATES["today"])


@pytest.mark.parametrize("study", STUDIES)
def test_parts_give_the_report_of_one(study: str) -> None:
    data = messy(study, 1, 2)
    whole = flow.validate(data, expectations=False, **DATES)
    assert len(whole.findings) > 500
    for parts in (2, 7) if study == "palhep-a" else (3,):
        same(whole, flow.validate(data, expectations=False, partitions=parts, **DATES))


@pytest.mark.slow
@pytest.mark.parametrize("study", STUDIES)
@pytest.mark.parametrize("seed", range(3, 9))
def test_any_number_of_parts_gives_the_report_of_one(study: str, seed: int) -> None:
    data = messy(study, seed)
    whole = flow.validate(data, **DATES)
    for parts in (2, 3, 7, 40):
        same(whole, flow.validate(data, partitions=parts, **DATES))


@pytest.fixture(scope="module")
def upload(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("upload") / "site-01.xlsx"
    return write(grid_of(tangled("palhep-a", seed=1, subjects=6)), path)


def command(upload: Path, *words: str) -> list[str]:
    start = [sys.executable, "-m", "cdiscx.cli", "validate", str(upload), "--study", "palhep-a", "--quiet"]
    return [*start, "--no-expectations", "--format", "json", *words]


@pytest.mark.skipif(not Path("/proc/self/stat").is_file(), reason="finds workers in /proc")
def test_a_worker_that_is_killed_in_the_middle_loses_nothing(upload: Path) -> None:
    alone = subprocess.run(command(upload), capture_output=True, env=ENV, check=False)
    assert alone.returncode == 1, alone.stderr
    run = subprocess.Popen(command(upload, "--workers", "2"), stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=ENV)
    killed = killed_workers(run)
    out, err = run.communicate(timeout=300)
    assert killed
    assert run.returncode == 1, err
    assert out == alone.stdout
    assert err == b""


def test_a_cluster_that_is_not_there_is_one_line() -> None:
    with pytest.raises(UsageError, match=r"cdiscx\[dask\]|no Dask cluster answers"):
        flow.validate(messy("palhep-a", 1), cluster="tcp://127.0.0.1:9", expectations=False, **DATES)


def three_processes() -> Any:
    """A local Dask cluster; the test is skipped where Dask is not installed."""
    distributed = pytest.importorskip("distributed", reason="needs the extra cdiscx[dask]")
    return distributed.LocalCluster(n_workers=3, threads_per_worker=1, processes=True, dashboard_address=None)


@pytest.mark.slow
def test_a_cluster_of_three_processes_gives_the_report_of_one() -> None:
    data = messy("palhep-a", 1, 2)
    whole = flow.validate(data, expectations=False, **DATES)
    with three_processes() as made:
        same(whole, flow.validate(data, expectations=False, cluster=made.scheduler_address, **DATES))


@pytest.mark.slow
def test_a_cluster_that_loses_a_process_in_the_middle_gives_the_report_of_one() -> None:
    data = messy("neopvtt-b", 1, 2)
    whole = flow.validate(data, expectations=False, **DATES)
    with three_processes() as made:
        killed: list[int] = []

        def kill_one_at_work() -> None:
            while not killed:
                busy = [w for w in made.scheduler.workers.values() if w.processing]
                done = any(
                    g.states.get("memory") or g.states.get("released") for g in made.scheduler.task_groups.values()
                )
                if busy and done:
                    nanny = next(n for n in made.workers.values() if n.worker_address == busy[0].address)
                    os.kill(nanny.pid, signal.SIGKILL)
                    killed.append(nanny.pid)
                time.sleep(0.01)

        watch = threading.Thread(target=kill_one_at_work, daemon=True)
        watch.start()
        where = {"cluster": made.scheduler_address, "partitions": 9}
        same(whole, flow.validate(data, expectations=False, **where, **DATES))
        assert killed
