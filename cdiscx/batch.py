"""Many studies and many uploads in one go: a folder of reports each, one table of what came out."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from cdiscx import flow
from cdiscx.model.errors import CdiscxError, ExportError, SpecError
from cdiscx.model.finding import Report
from cdiscx.model.folder import write_whole
from cdiscx.model.spec import Study
from cdiscx.model.spec_file import bundled
from cdiscx.model.spec_yaml import Marks, parse, plain

SUMMARY = "summary.tsv"
_WORDS = {"name", "study", "uploads", "cutoff"}
_OK, _FINDINGS, _WRONG, _CRASHED = 0, 1, 2, 3


@dataclass(frozen=True, slots=True)
class Job:
    """One entry of a portfolio: its name (the folder of its reports), a study as the command line takes it, uploads."""

    name: str
    study: str
    uploads: tuple[Path, ...]
    cutoff: dt.date | None = None


@dataclass(frozen=True, slots=True)
class Done:
    """What became of a job: exit status as of `validate`, counts, and the one line of what went wrong."""

    job: Job
    status: int
    errors: int = 0
    warnings: int = 0
    notes: int = 0
    said: str = ""


def jobs(portfolio: Path) -> tuple[Job, ...]:
    """A list of `{name, study, uploads, cutoff}`; paths are taken from the folder of the file. Raises SpecError."""
    problems: list[str] = []
    told = plain(parse(portfolio), str(portfolio), Marks(), problems)
    entries = told.get("runs") if isinstance(told, dict) else None
    if problems or not isinstance(entries, list) or not entries:
        raise SpecError(
            problems or [f"{portfolio}: a portfolio is a mapping with 'runs', a list of name, study, uploads"]
        )
    made: list[Job] = []
    for number, entry in enumerate(entries, 1):
        where = f"{portfolio}: run {number}"
        if not isinstance(entry, dict) or not {"name", "study", "uploads"} <= set(entry):
            problems.append(f"{where} needs name, study and uploads")
            continue
        problems += [f"{where} has an unknown key {word!r}" for word in sorted(set(entry) - _WORDS)]
        name, uploads, said = str(entry["name"]), entry["uploads"], entry.get("cutoff")
        if not _sound(name) or name.casefold() in {j.name.casefold() for j in made}:
            problems.append(f"{where}: the name {name!r} is taken, or cannot be the name of a folder")
        cutoff = _day(said)
        if said is not None and cutoff is None:
            problems.append(f"{where}: cutoff {said!r} is not a date of the form 2024-06-30")
        listed = [uploads] if isinstance(uploads, str) else uploads
        if not isinstance(listed, list | tuple) or not listed or not all(isinstance(u, str) for u in listed):
            problems.append(f"{where}: uploads is a path or a list of paths")
            continue
        study = str(entry["study"])
        at = study if study.lower() in map(str.lower, bundled()) else str(portfolio.parent / study)
        made.append(Job(name, at, tuple(portfolio.parent / u for u in listed), cutoff))
    if problems:
        raise SpecError(problems)
    return tuple(made)


def _day(said: object) -> dt.date | None:
    """A date as YAML has it or as text; None for anything else."""
    try:
        return said if isinstance(said, dt.date) else dt.date.fromisoformat(str(said))
    except ValueError:
        return None


def _sound(name: str) -> bool:
    return (
        bool(name.strip())
        and not set(name) & set('/\\:*?"<>|')
        and name.isprintable()
        and not name.startswith(".")
        and name != SUMMARY
    )


def run(
    portfolio: Path,
    folder: Path,
    *,
    workers: int = 1,
    partitions: int | None = None,
    cluster: str | None = None,
    low_memory: bool | None = None,
    progress: flow.Progress = flow._quiet,
) -> tuple[Done, ...]:
    """Validates every job into `folder/NAME` and writes `folder/summary.tsv`; one that fails does not stop the others.

    Raises SpecError for a portfolio that is wrong, ExportError when the summary cannot be written.
    """
    done = []
    spread = {"workers": workers, "partitions": partitions, "cluster": cluster}
    for job in jobs(portfolio):
        progress(job.name)
        step = partial(_said, job.name, progress)
        done.append(_run(job, folder / job.name, spread, low_memory, step))
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ExportError(f"{folder} cannot be written: {error.strerror or error}") from error
    write_whole(folder / SUMMARY, table(done))
    return tuple(done)


def _said(name: str, progress: flow.Progress, what: str) -> None:
    progress(f"{name}: {what}")


def _run(job: Job, folder: Path, spread: Mapping[str, Any], low_memory: bool | None, progress: flow.Progress) -> Done:
    try:
        plan = Study.load(job.study)
        files = flow.read(*job.uploads, low_memory=low_memory, progress=progress)
        data = flow.tidy(plan, files, partitions=spread["partitions"], progress=progress)
        report = flow.validate(data, cutoff=job.cutoff, progress=progress, **spread)
        flow.write_reports(report, files, folder, plan)
    except CdiscxError as error:
        return Done(job, _WRONG, said=" | ".join(str(error).splitlines()))
    counts = report.summary()["by_severity"]
    return Done(job, _status(report), counts["error"], counts["warning"], counts["note"])


def _status(report: Report) -> int:
    if not report.complete:
        return _CRASHED
    return _OK if report.checked and report.ok("error") else _FINDINGS


def table(done: Sequence[Done]) -> str:
    """The summary as tab-separated text, one line a job, in the order of the portfolio."""
    head: list[object] = ["name", "study", "uploads", "status", "errors", "warnings", "notes", "said"]
    rows: list[list[object]] = [
        [d.job.name, Path(d.job.study).name, len(d.job.uploads), d.status, d.errors, d.warnings, d.notes, d.said]
        for d in done
    ]
    return "".join("\t".join(" ".join(str(v).split()) for v in row) + "\n" for row in (head, *rows))


def worst(done: Sequence[Done]) -> int:
    """The exit status of the whole: the highest of all."""
    return max((d.status for d in done), default=_OK)
