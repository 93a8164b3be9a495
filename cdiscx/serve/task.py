"""What a run is asked to do, and the lines by which it tells how far it is; both are files in its private folder."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

TASK, LINES = "task.json", "progress.jsonl"
#: kinds of work: checking with its reports, and datasets with endpoints
CHECK, DATASETS = "check", "datasets"


@dataclass(frozen=True, slots=True)
class Task:
    """One piece of work. `files`: (name to show, path) of each upload; `study`: what `Study.load` takes.

    `upload` and `memory` are bytes; `despite`: why open errors do not stop an export; `formats`: of the datasets;
    `lang`: of what people read; `ledger`: of the queries (file or database URL), which `who` adds the run to.
    """

    folder: Path
    files: tuple[tuple[str, Path], ...]
    study: str
    others: tuple[str, ...]
    upload: int
    memory: int
    cutoff: dt.date | None = None
    despite: str | None = None
    formats: tuple[str, ...] = ("xpt",)
    lang: str = "en"
    ledger: str | None = None
    who: str | None = None

    def place(self, kind: str) -> Path:
        """Where the worker of that kind finds its task and leaves its lines."""
        return self.folder / "jobs" / kind

    def write(self, kind: str) -> None:
        """Writes it where the worker finds it; the lines of an earlier piece of work of that kind are gone."""
        place = self.place(kind)
        place.mkdir(parents=True, exist_ok=True)
        (place / LINES).unlink(missing_ok=True)
        (place / TASK).write_text(json.dumps(asdict(self), default=str, ensure_ascii=True), encoding="utf-8")


def read_task(place: Path) -> Task:
    """The task of a folder."""
    told = json.loads((place / TASK).read_text(encoding="utf-8"))
    cutoff = dt.date.fromisoformat(told["cutoff"]) if told["cutoff"] else None
    files = tuple((name, Path(path)) for name, path in told["files"])
    made = Task(**told | {"folder": Path(told["folder"]), "files": files, "cutoff": cutoff})
    return replace(made, others=tuple(made.others), formats=tuple(made.formats))


def say(place: Path, **line: Any) -> None:
    """Adds one line: `step`, `done` (facts) or `failed` (a sentence)."""
    with (place / LINES).open("a", encoding="utf-8") as out:
        out.write(json.dumps(line, ensure_ascii=True, default=str) + "\n")


def said(place: Path) -> list[dict[str, Any]]:
    """The whole lines so far; a line that is being written is left for later."""
    try:
        text = (place / LINES).read_text(encoding="utf-8")
    except FileNotFoundError:
        return []
    whole = text[: text.rfind("\n") + 1]
    return [json.loads(line) for line in whole.splitlines()]
