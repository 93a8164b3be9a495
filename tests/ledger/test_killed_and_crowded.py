"""Killed at any moment, or two at once: a run stands in the ledger wholly or not at all."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from ledger_kit import day, finding, report

from cdiscx.ledger import book

ROOT = Path(__file__).parents[2]
#: records the report on standard input again and again, every time under other bytes, and says so before each
_WORK = """
import json, sys, itertools
from cdiscx.ledger import book
told, where, name, times = json.load(sys.stdin), *sys.argv[1:3], int(sys.argv[3])
print("ready", flush=True)
for n in itertools.islice(itertools.count(), times):
    told["run"]["uploads"][0]["sha256"] = f"{name}{n}"
    for finding in told["findings"][::2]:
        finding["value"] = f"{name}{n}"
    book.record(told, where, who=name, when="2026-03-02T12:00:00Z")
"""
_ALL = tuple(str(n) for n in range(300))
_FOUND = [finding("VIS-001", name) for name in _ALL]


def worker(where: object, name: str, times: int) -> subprocess.Popen[bytes]:
    """A process that records runs; its interpreter has started and read its work when this returns."""
    path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    words = [sys.executable, "-c", _WORK, str(where), name, str(times)]
    run = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": path})
    assert run.stdin is not None
    assert run.stdout is not None
    run.stdin.write(json.dumps(report(*_FOUND, subjects=_ALL).to_dict()).encode())
    run.stdin.close()
    assert run.stdout.readline() == b"ready\n"
    return run


def runs_of(where: Path) -> list[list[str]]:
    """The kinds of the entries of each run; the ledger must be whole."""
    found, problems = book.verify(where)
    assert not problems
    runs: list[list[str]] = []
    for entry in found.entries:
        if entry.kind == "run":
            runs.append([])
        else:
            runs[-1].append(entry.kind)
    return runs


#: forks a run, kills it at a random call (even turns) or a random moment (odd turns), and looks at what is there
_KILLS = """
import json, os, random, signal, sys, time
from cdiscx.ledger import book
from cdiscx.ledger.store import Store
told, where, times, rng = json.load(sys.stdin), sys.argv[1], int(sys.argv[2]), random.Random(sys.argv[3])

def record(name):
    told["run"]["uploads"][0]["sha256"] = name
    for finding in told["findings"][::2]:
        finding["value"] = name
    book.record(told, where, who=name, when="2026-03-02T12:00:00Z")

calls = 0
def count(frame, event, arg):
    global calls
    calls += 1
sys.setprofile(count)
start = time.monotonic()
record("first")
seconds = time.monotonic() - start
sys.setprofile(None)
died = survived = 0
runs = 1
for turn in range(times):
    limit, so_far = rng.randrange(calls), 0
    child = os.fork()
    if child == 0:
        def fall(frame, event, arg):
            global so_far
            so_far += 1
            if so_far > limit:
                os.kill(os.getpid(), signal.SIGKILL)
        if turn % 2 == 0:
            sys.setprofile(fall)
        record(f"turn{turn}")
        os._exit(0)
    if turn % 2:
        time.sleep(rng.uniform(0, seconds))
        os.kill(child, signal.SIGKILL)
    died += os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) != 0
    book_, problems = book.verify(where)
    assert not problems, problems
    found = []
    for entry in book_.entries:
        found += [[]] if entry.kind == "run" else []
        if entry.kind != "run":
            found[-1].append(entry.kind)
    assert found[0] == ["new"] * 300, "the first run is half written"
    assert all(kinds == ["changed"] * 150 for kinds in found[1:]), "a run is half written"
    assert runs <= len(found) <= runs + 1, "what was written is there"
    survived += len(found) - runs
    runs = len(found)
print(json.dumps({"died": died, "written": survived}))
"""


def killed(where: Path, times: int, seed: int) -> dict[str, int]:
    """How many of the runs died, and how many stand in the ledger all the same (killed after the transaction)."""
    path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    told = json.dumps(report(*_FOUND, subjects=_ALL).to_dict()).encode()
    words = [sys.executable, "-W", "ignore", "-c", _KILLS, str(where), str(times), str(seed)]
    done = subprocess.run(words, input=told, capture_output=True, env={**os.environ, "PYTHONPATH": path}, check=False)
    assert done.returncode == 0, done.stderr.decode()
    said: dict[str, int] = json.loads(done.stdout)
    return said


def test_a_process_killed_at_any_moment_leaves_whole_runs_only(tmp_path: Path) -> None:
    where = tmp_path / "queries.db"
    assert killed(where, 20, 6)["died"] >= 12
    last = book.record(report(upload="end", subjects=_ALL).to_dict(), where, who="a", when=day(3))
    assert last.standings.counts()["resolved"] == 300


@pytest.mark.slow
def test_two_hundred_kills_leave_whole_runs_only(tmp_path: Path) -> None:
    said = killed(tmp_path / "queries.db", 200, 7)
    assert said["died"] >= 120
    assert said["written"] < 100


def test_two_processes_at_once_lose_and_repeat_nothing(tmp_path: Path) -> None:
    where = tmp_path / "queries.db"
    both = [worker(where, name, 8) for name in ("left", "right")]
    assert [run.wait(timeout=60) for run in both] == [0, 0]
    for run in both:
        assert run.stdout is not None
        run.stdout.close()
    runs = runs_of(where)
    assert len(runs) == 16
    assert [k for kinds in runs for k in kinds if k == "new"] == ["new"] * 300, "every query is new once"
    who = [e.body["who"] for e in book.verify(where)[0].entries if e.kind == "run"]
    assert sorted(who) == ["left"] * 8 + ["right"] * 8


@pytest.mark.skipif(
    "CDISCX_TEST_DATABASE" not in os.environ, reason="needs CDISCX_TEST_DATABASE, the URL of an empty database"
)
def test_another_database_keeps_the_same_book() -> None:
    where = os.environ["CDISCX_TEST_DATABASE"]
    both = [worker(where, name, 5) for name in ("left", "right")]
    assert [run.wait(timeout=60) for run in both] == [0, 0]
    for run in both:
        assert run.stdout is not None
        run.stdout.close()
    found, problems = book.verify(where)
    assert not problems
    kinds = [e.kind for e in found.entries]
    assert (kinds.count("run"), kinds.count("new")) == (10, 300)
