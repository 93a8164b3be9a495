"""The worker process: a task in, reports, derived responses and datasets in its folder out, one line a step.

It is a process of its own so that it can be stopped and bounded; what is uploaded is read as data and never run.
"""

from __future__ import annotations

import gc
import json
import sys
import traceback
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from cdiscx.model.errors import CdiscxError, SpecError, UploadError
from cdiscx.model.finding import Report, Severity
from cdiscx.model.spec import Study
from cdiscx.model.table import StudyData, UploadFile
from cdiscx.serve.bounds import FULL, keep_within
from cdiscx.serve.settings import MEGABYTE
from cdiscx.serve.task import CHECK, DATASETS, Task, read_task, said, say

Step = Callable[[str], None]
#: cells that fit no list of the study, from which on another study is thought of; and how much better that one must fit
DOUBT, BETTER = 30, 4
_FIRST_DAY = (1980, 1, 1, 0, 0, 0)
#: what the page and the worker call their results in the folder of a run
REPORT, REPORT_ZIP, LESIONS = "report", "report.zip", "lesions"
EXPORT, EXPORT_ZIP = "datasets", "datasets.zip"
#: fingerprints that the ledger or the study file accepted, with the reason
ACCEPTED = "accepted.json"


def main(place: Path) -> int:
    """Does the task of a folder; 0 when done, 1 for a sentence to the person, 3 for a bug of ours, 4 for lack of memory."""
    gc.set_threshold(200_000, 20, 50)
    task = read_task(place)
    keep_within(task.memory, lambda: _full(place, task))
    try:
        facts = {CHECK: _check, DATASETS: _datasets}[place.name](task, lambda what: say(place, step=what))
    except SpecError as error:
        say(place, failed="The study file is wrong: " + "; ".join(error.problems), kind="person")
        return 1
    except CdiscxError as error:
        say(place, failed=str(error), kind="upload" if isinstance(error, UploadError) else "person")
        return 1
    except MemoryError:
        _full(place, task)
        return FULL
    except Exception as error:  # the door of this process, as `cli.Group` is the one of the command line
        traceback.print_exc()
        say(place, failed=_bug(error), kind="bug")
        return 3
    say(place, done=facts)
    return 0


def _full(place: Path, task: Task) -> None:
    if not any("done" in line for line in said(place)):
        limit = f"{task.memory // MEGABYTE:,} MB"
        say(place, failed=f"The run needed more than {limit} of memory and was stopped; send fewer workbooks at a time, or allow more with --memory.", kind="bounds")  # fmt: skip


def _bug(error: Exception) -> str:
    where = traceback.extract_tb(error.__traceback__)[-1]
    told = " ".join(f"{type(error).__name__}: {error}".split())[:300]
    return f"The run stopped at a bug in cdiscx ({told}, {Path(where.filename).name}:{where.lineno}); nothing is wrong with your action."


def _read(task: Task, step: Step) -> tuple[UploadFile, ...]:
    from cdiscx.read import Limits, read_upload

    step("reading")
    return tuple(read_upload(path, limits=Limits(file=task.upload), name=name) for name, path in task.files)


def _validated(task: Task, study: Study, step: Step) -> tuple[tuple[UploadFile, ...], StudyData, Report]:
    from cdiscx import flow

    files = _read(task, step)
    data = flow.tidy(study, files, progress=step)
    return files, data, flow.validate(data, cutoff=task.cutoff, progress=step)


def _check(task: Task, step: Step) -> dict[str, Any]:
    """report/, report.zip and lesions/ of the folder; facts for the page of the run."""
    from cdiscx import flow
    from cdiscx.report.words import verdict
    from cdiscx.serve.lesions import write_lesions

    study = Study.load(task.study)
    files, data, report = _validated(task, study, step)
    report = _recorded(task, report, step)
    step("writing reports")
    written = flow.write_reports(flow.translated(report, task.lang, study), files, task.folder / REPORT, study)
    _zipped(written, task.folder / REPORT, task.folder / REPORT_ZIP)
    step("judging lesions")
    subjects, why = write_lesions(flow.prepare(data, cutoff=task.cutoff), task.folder / LESIONS)
    step("finishing")
    return {
        "verdict": verdict(report),
        "counts": {s.value: sum(f.severity is s for f in report.open) for s in Severity},
        "complete": report.complete,
        "checked": report.checked,
        "crashed": [c.check_id for c in report.checks if c.status.value == "errored"],
        "study": study.studyid,
        "title": study.title,
        "run": {k: report.run[k] for k in ("cutoff", "cutoff_stated", "day_of_run", "subjects", "version")},
        "lesion_subjects": subjects,
        "no_lesions": why,
        "wrong_study": _looks_like_another(data, files, task.others),
        "queries": {"counts": report.ledger.counts(), "head": report.ledger.head} if report.ledger else None,
        "copies": sorted(p.name for p in written if p.parent.name == "annotated"),
    }


def _recorded(task: Task, report: Report, step: Step) -> Report:
    """The report with the standing of every query, after the run was added to the ledger; what was accepted is kept."""
    if task.ledger is None:
        return report
    from cdiscx import history

    step("writing the ledger")
    done = history.record(report, task.ledger, who=task.who)
    accepted = {f.fingerprint: f.accepted for f in done.findings if f.accepted is not None}
    (task.folder / ACCEPTED).write_text(json.dumps(accepted, ensure_ascii=True), encoding="utf-8")
    return done


def _with_accepted(task: Task, report: Report) -> Report:
    """The report in which what the ledger accepted, when these uploads were checked, is accepted too."""
    kept = task.folder / ACCEPTED
    known = load(kept) if kept.is_file() else {}
    return replace(report, findings=tuple(replace(f, accepted=known.get(f.fingerprint)) for f in report.findings))


def _looks_like_another(data: StudyData, files: Sequence[UploadFile], others: Sequence[str]) -> str:
    """Id of the study whose lists and columns the uploads fit much better; nothing where they fit well enough."""
    from cdiscx import flow

    unread = 0 if data.problems is None else data.problems.height
    best = (unread / BETTER, "")
    for other in others if unread >= DOUBT else ():
        study = Study.load(other)
        problems = flow.tidy(study, files).problems
        best = min(best, (0 if problems is None else problems.height, study.id))
    return best[1]


def _datasets(task: Task, step: Step) -> dict[str, Any]:
    """datasets/ and datasets.zip of the folder: SDTM, ADaM and endpoints; facts for the page of the run."""
    from cdiscx import delivery, flow

    study = Study.load(task.study)
    files, data, report = _validated(task, study, step)
    beside = Path(task.study).parent / "mappings"
    own = beside if Path(task.study).is_file() and beside.is_dir() else None
    report = _with_accepted(task, report) if task.ledger is not None else report
    mapped = flow.to_sdtm(data, cutoff=task.cutoff, mappings=own, progress=step)
    ready = flow.analyse(flow.to_adam(mapped, progress=step), report, progress=step)
    order = delivery.Order(task.study, task.formats, task.cutoff, own, task.despite, step, task.lang)
    made = delivery.write_all(ready, report, files, order, task.folder / EXPORT)
    step("packing")
    _zipped(made.files, task.folder / EXPORT, task.folder / EXPORT_ZIP)
    names = {
        p.stem.upper() for p in made.files if p.parent.name in ("sdtm", "adam") and p.suffix == f".{_ending(task)}"
    }
    return {"files": len(made.files), "datasets": sorted(names), "notes": list(made.notes)}


def _ending(task: Task) -> str:
    return task.formats[0]


def _zipped(files: Sequence[Path], folder: Path, target: Path) -> None:
    """The files of a folder in a .zip that is the same for the same files."""
    base = folder.resolve()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as packed:
        for path in sorted(files):
            info = zipfile.ZipInfo(f"{folder.name}/{path.resolve().relative_to(base).as_posix()}", _FIRST_DAY)
            info.compress_type, info.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
            packed.writestr(info, path.read_bytes())


def load(path: Path) -> Any:
    """JSON that the worker wrote."""
    return json.loads(path.read_text(encoding="utf-8"))


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
