"""The runs of one start: uploads taken in, workers started, watched, stopped and forgotten; all in one private folder."""

from __future__ import annotations

import datetime as dt
import os
import secrets
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from cdiscx import flow
from cdiscx.serve.settings import Choice, Settings
from cdiscx.serve.task import CHECK, DATASETS, Task, said

State = Literal["none", "running", "done", "failed", "cancelled"]


@dataclass(slots=True)
class Job:
    """One worker process and what it told."""

    place: Path
    process: subprocess.Popen[bytes]
    seconds: int
    begun: float = field(default_factory=time.monotonic)
    ended: float | None = None
    state: State = "running"
    steps: list[str] = field(default_factory=list)
    facts: Mapping[str, Any] = field(default_factory=dict)
    why: str = ""
    kind: str = ""

    def look(self) -> State:
        """Reads what the worker told since; ends one that takes too long."""
        if self.state != "running":
            return self.state
        status = self.process.poll()  # before the lines: what it told before it ended is then all there
        lines = said(self.place)
        self.steps = [line["step"] for line in lines if "step" in line]
        last = lines[-1] if lines else {}
        if status is None and time.monotonic() - self.begun > self.seconds:
            self._stop("failed", f"The run took longer than {self.seconds // 60} minutes and was stopped; send fewer workbooks at a time, or allow more with --minutes.", "bounds")  # fmt: skip
        elif status is not None and "done" in last:
            self.facts = last["done"]
            self._stop("done", "", "")
        elif status is not None and "failed" in last:
            self._stop("failed", last["failed"], last["kind"])
        elif status is not None:
            self._stop("failed", f"The run ended without a word (status {status}); most often the machine had no memory left.", "bounds")  # fmt: skip
        return self.state

    def cancel(self) -> None:
        """Ends it at once, when it is still running."""
        if self.look() == "running":
            self._stop("cancelled", "The run was cancelled.", "")

    @property
    def elapsed(self) -> int:
        """Whole seconds it took so far."""
        return int((self.ended or time.monotonic()) - self.begun)

    def _stop(self, state: State, why: str, kind: str) -> None:
        self.process.kill()
        self.process.wait()
        if self.process.stdin is not None:
            self.process.stdin.close()
        self.state, self.why, self.kind, self.ended = state, why, kind, time.monotonic()


@dataclass(slots=True)
class Run:
    """Uploads that were sent together, with the study they are of and the work done on them."""

    id: str
    choice: Choice
    task: Task
    begun: dt.datetime
    jobs: dict[str, Job] = field(default_factory=dict)

    @property
    def names(self) -> list[str]:
        """The uploads as they are called."""
        return [name for name, _ in self.task.files]

    def state(self, kind: str = CHECK) -> State:
        """How far that work is."""
        return self.jobs[kind].look() if kind in self.jobs else "none"

    def cancel(self) -> None:
        """Ends whatever is running."""
        for job in self.jobs.values():
            job.cancel()


class Desk:
    """Holds the runs, newest last."""

    def __init__(self, root: Path, settings: Settings) -> None:
        self.root, self.settings = root, settings
        self.runs: dict[str, Run] = {}

    def busy(self) -> bool:
        """As many workers run as may run at a time."""
        running = sum(run.state(kind) == "running" for run in self.runs.values() for kind in run.jobs)
        return running >= self.settings.at_once

    def folder(self) -> Path:
        """A new private folder for the uploads of a run."""
        made = self.root / secrets.token_hex(8)
        (made / "in").mkdir(parents=True)
        return made

    def begin(self, folder: Path, files: tuple[tuple[str, Path], ...], choice: Choice, cutoff: dt.date | None) -> Run:
        """Starts checking; the oldest run goes when there are too many."""
        others = tuple(c.source for c in self.settings.studies if c.source != choice.source)
        limits = self.settings
        task = Task(
            folder,
            files,
            choice.source,
            others,
            limits.upload,
            limits.memory,
            cutoff,
            lang=limits.lang,
            ledger=limits.ledger,
            who=limits.who,
        )
        run = Run(folder.name, choice, task, flow.now())
        self._start(run, task, CHECK)
        self.runs[run.id] = run
        while len(self.runs) > self.settings.kept:
            self.forget(next(iter(self.runs)))
        return run

    def make_datasets(self, run: Run, formats: tuple[str, ...], despite: str | None) -> None:
        """Starts the datasets of a run."""
        self._start(run, replace(run.task, formats=formats, despite=despite), DATASETS)

    def forget(self, run_id: str) -> None:
        """Ends a run and removes everything of it."""
        run = self.runs.pop(run_id)
        run.cancel()
        shutil.rmtree(run.task.folder, ignore_errors=True)

    def look(self) -> None:
        """Looks after all workers, so that a run that nobody watches is bounded too."""
        for run in self.runs.values():
            for kind in run.jobs:
                run.state(kind)

    def close(self) -> None:
        """Ends and removes everything."""
        for run_id in list(self.runs):
            self.forget(run_id)

    def _start(self, run: Run, task: Task, kind: str) -> None:
        task.write(kind)
        place = task.place(kind)
        # -P: no folder of uploads is ever searched for code
        command = [sys.executable, "-P", "-m", "cdiscx.serve.work", str(place)]
        paths = os.pathsep.join(path for path in sys.path if path)
        with (place / "stderr").open("wb") as err:
            process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=err,
                cwd=self.root,
                env=os.environ | {"PYTHONPATH": paths},
                start_new_session=True,
            )
        run.jobs[kind] = Job(place, process, self.settings.seconds)
