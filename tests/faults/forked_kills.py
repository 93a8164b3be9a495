"""Many kills at little cost: a warm process that never asks polars for anything forks a run for every kill.

    python forked_kills.py make FOLDER              one upload of two subjects, read, checked and derived: FOLDER/all.pickle
    python forked_kills.py report|export FOLDER KILLS SEED

Every even turn dies just before a change of the file system chosen by chance, every odd turn at a moment chosen by chance.
After each, what stands at the place must be whole, the earlier one or not there; every seventh time the run is repeated and
must clear up. Says in JSON how many died, and how many folders stood there after a kill.
"""

from __future__ import annotations

import json
import os
import pickle
import random
import shutil
import signal
import sys
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

from dying import die_at
from fault_kit import hidden, whole

MARKERS = {"report": ".cdiscx-report", "export": ".cdiscx-export"}


def make(folder: Path) -> None:
    """What the runs write, in a pickle: polars has then worked in this process and not in the one that forks."""
    from cdiscx import flow
    from cdiscx.model.spec import Study
    from cdiscx.samples import clean, write_xlsx

    path = folder / "site-01.xlsx"
    write_xlsx(clean("palhep-a", sites=1, subjects=2, seed=3)[0], path)
    files = flow.read(path)
    data = flow.tidy(Study.load("palhep-a"), files, today=date(2025, 7, 1))
    report = flow.validate(data, expectations=False)
    with (folder / "all.pickle").open("wb") as out:
        pickle.dump((files, flow.analyse(flow.to_adam(data), report), report), out)


def writer(what: str, folder: Path) -> Callable[[], object]:
    """What is killed."""
    from cdiscx import delivery, flow

    with (folder / "all.pickle").open("rb") as stored:
        files, data, report = pickle.load(stored)
    if what == "report":
        return lambda: flow.write_reports(report, files, folder / "out", data.study)
    order = delivery.Order("palhep-a", ("xpt",), despite="a test")
    return lambda: delivery.write_all(data, report, files, order, folder / "out")


def forked(write: Callable[[], object], last: int, kill_after: float | None = None) -> tuple[int, int, float]:
    """Status, changes made (of a run that lived), and seconds of a run that dies at change `last` or after so long."""
    said, says = os.pipe()
    start = time.monotonic()
    child = os.fork()
    if child == 0:
        counted = [0]
        die_at(last, counted)
        write()
        os.write(says, str(counted[0]).encode())
        os._exit(0)
    os.close(says)
    if kill_after is not None:
        time.sleep(kill_after)
        os.kill(child, signal.SIGKILL)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    with os.fdopen(said, "rb") as told:
        changes = told.read()
    return status, int(changes or 0), time.monotonic() - start


def killed(what: str, folder: Path, kills: int, seed: str) -> dict[str, Any]:
    """All turns. Raises AssertionError where something that is not whole stands at the place."""
    rng, write, out = random.Random(seed), writer(what, folder), folder / "out"
    status, changes, length = forked(write, 0)
    assert status == 0
    assert whole(out, MARKERS[what])
    died = stood = 0
    for turn in range(kills):
        if turn % 3 == 2:
            shutil.rmtree(out, ignore_errors=True)
        if turn % 2:
            status, _, _ = forked(write, 0, rng.uniform(0, length))
        else:
            status, _, _ = forked(write, rng.randrange(1, changes + 1))
        died += status == -signal.SIGKILL
        assert status in (0, -signal.SIGKILL), status
        if out.exists():
            assert whole(out, MARKERS[what]), f"turn {turn}: half-written, and looks whole"
            stood += 1
        if turn % 7 == 6:
            assert forked(write, 0)[0] == 0
            assert whole(out, MARKERS[what])
            assert not hidden(folder), f"turn {turn}: leftovers"
    return {"died": died, "stood": stood, "changes": changes}


if __name__ == "__main__":
    place = Path(sys.argv[2])
    if sys.argv[1] == "make":
        make(place)
    else:
        print(json.dumps(killed(sys.argv[1], place, int(sys.argv[3]), sys.argv[4])))
