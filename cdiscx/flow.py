"""The one path: read -> tidy -> validate (-> SDTM -> ADaM -> endpoints). The clock is read here and nowhere else."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from cdiscx import registry
from cdiscx.model.errors import UsageError
from cdiscx.model.finding import LEFT_OUT, CheckRun, Report, Status
from cdiscx.model.kept import Kept
from cdiscx.model.spec import Study
from cdiscx.model.table import RunContext, StudyData, Upload, UploadFile

if TYPE_CHECKING:
    from cdiscx.parts import Spread

Progress = Callable[[str], None]


def _quiet(_: str) -> None:
    """No progress wanted."""


def package_version() -> str:
    """The version of the installed package."""
    try:
        return version("cdiscx")
    except PackageNotFoundError:
        return "0+checkout"


def read(*uploads: str | Path, low_memory: bool | None = None, progress: Progress = _quiet) -> tuple[UploadFile, ...]:
    """Workbooks, folders or zips of csv -> raw uploads, every cell as typed. Raises UploadError.

    `low_memory`: cells and tables wait in a private temporary folder, and the checks see a share of the subjects at a
    time; by default for uploads of some hundred megabytes.
    """
    from cdiscx.read import read_uploads

    progress("reading")
    return read_uploads(uploads, low_memory=low_memory)


def tidy(
    study: Study,
    files: Sequence[UploadFile],
    *,
    today: dt.date | None = None,
    partitions: int | None = None,
    progress: Progress = _quiet,
) -> StudyData:
    """Raw uploads -> tables in the house's words, with every change and every unreadable cell recorded.

    `partitions`: shares of the subjects that tables on disk (`read(low_memory=)`) are put into, by default by their size.
    """
    from cdiscx.tidy import tidy as tidied

    progress("reading cells")
    return tidied(study, files, today=today or _today(study), partitions=partitions)


def validate(
    data: StudyData | Mapping[str, Any],
    study: Study | None = None,
    *,
    cutoff: dt.date | None = None,
    today: dt.date | None = None,
    only: Sequence[str] = (),
    skip: Sequence[str] = (),
    expectations: bool = True,
    progress: Progress = _quiet,
    workers: int = 1,
    partitions: int | None = None,
    cluster: str | None = None,
) -> Report:
    """Runs the checks on StudyData, or on a dict of Polars, pandas or Arrow frames in the house's words (then give `study`).

    `cutoff`: data cut-off, default the latest date of the data that is not after `today`; `only`, `skip`: patterns of check
    ids (`MEA-*`); `workers`, `partitions`, `cluster`: by parts of the subjects in so many processes, or on the Dask cluster
    at an address, with the same report. Raises UsageError when the selection leaves no check, UploadError for a table the
    study does not have.
    """
    if not isinstance(data, StudyData):
        from cdiscx.tidy.frames import tidy_frames

        if study is None:
            raise UsageError("validate(frames, study): the study is needed when frames are given")
        data = tidy_frames(study, data)
    from cdiscx.parts import Spread

    how = Spread(workers, cluster, partitions)
    return _validated(prepare(data, cutoff=cutoff, today=today), only, skip, expectations, progress, how)


def prepare(data: StudyData, *, cutoff: dt.date | None = None, today: dt.date | None = None) -> StudyData:
    """Tidy data -> the same with the run's dates and the views that checks and derivations share.

    The views of tables that wait on disk are made share by share.
    """
    from cdiscx.views import with_views
    from cdiscx.views.latest import latest_date

    day = today or _today(data.study)
    context = RunContext(day, cutoff or latest_date(data, day), cutoff is not None)
    return with_views(data, context) if data.shares is None else data.with_(run=context)


def _validated(
    data: StudyData, only: Sequence[str], skip: Sequence[str], expectations: bool, progress: Progress, how: Spread
) -> Report:
    from cdiscx.validate.account import accept, coverage, select
    from cdiscx.validate.engine import Engine
    from cdiscx.validate.expectations import expectation_checks
    from cdiscx.validate.partitions import apart, of_shares
    from cdiscx.validate.structure import schema_checks

    context = data.run
    assert context is not None, "prepare() comes before the engine"
    extra = [*schema_checks(data), *(expectation_checks(data) if expectations else ())]
    known = {**registry.checks(), **{check.id: check for check, _ in extra}}
    chosen = select(list(known.values()), only, skip)
    if not chosen:
        raise UsageError(
            f"no check is left: --only {' '.join(only) or '*'} --skip {' '.join(skip) or '(nothing)'}; see cdiscx list checks"
        )
    wanted = {c.id for c in chosen}
    judges = [(c, judge) for c, judge in extra if c.id in wanted]
    if data.shares is None:
        engine = Engine(data, context, registry.views())
        outcome = engine.validate(chosen, judges, progress, apart(engine, chosen, how) if how.parts > 1 else None)
    else:
        progress("checking shares of the subjects")
        engine, judged, schemas = of_shares(data, context, chosen, bool(wanted & {"STR-003", "STR-009"}), how)
        told = [(known[i], lambda run=run: run) for i, run in schemas if i in wanted]
        sets = [(c, judge) for c, judge in judges if c.id not in ("STR-003", "STR-009")]
        outcome = engine.validate(chosen, [*told, *sets], progress, judged)
    findings = tuple(accept(f, data.study) for f in outcome.findings)
    ran = {run.check_id: run for run in outcome.runs}
    runs = tuple(ran.get(i) or CheckRun(i, Status.SKIPPED, LEFT_OUT) for i in known)
    seen = coverage(data, outcome.unjudged, outcome.held)
    return Report(run_facts(data, only, skip), runs, findings, data.notes, data.changes, seen)


def run_facts(data: StudyData, only: Sequence[str] = (), skip: Sequence[str] = ()) -> dict[str, Any]:
    """What a report says of its run: study, version, uploads with hashes, dates, selection."""
    context = data.run
    return {
        "study": data.study.studyid,
        "study_file": data.study.id,
        "version": package_version(),
        "uploads": [{"name": f.name, "sha256": f.sha256, "bytes": f.size} for f in data.upload.files],
        "day_of_run": context.today.isoformat() if context else None,
        "cutoff": context.cutoff.isoformat() if context else None,
        "cutoff_stated": bool(context and context.stated),
        "only": list(only),
        "skip": list(skip),
        "rows": {name: data.tidy[name].height for name in sorted(data.tidy) if data.study.sheet_of(name)},
        "subjects": int(data.tidy["subjects"].frame.select(pl.col("SUBJID").n_unique()).item())
        if "subjects" in data.tidy
        else 0,
    }


def now() -> dt.datetime:
    """The moment of this run in UTC, whole seconds."""
    return dt.datetime.now(dt.UTC).replace(microsecond=0)


def _today(study: Study) -> dt.date:
    return study.extract_date or dt.date.today()


#: modules of the report room by the formats they make; a plug-in's format is found by discovery
_REPORTERS = {"text": "terminal", "json": "machine", "jsonl": "machine", "junit": "junit", "sarif": "sarif"}


def to_sdtm(
    data: StudyData,
    *,
    cutoff: dt.date | None = None,
    mappings: Path | None = None,
    progress: Progress = _quiet,
    workers: int = 1,
    partitions: int | None = None,
    cluster: str | None = None,
) -> StudyData:
    """Tidy data -> the same with `sdtm` (datasets by name) and `results["mapped"]` (unused columns, notes, code lists).

    `mappings`: a folder of the study's own mappings beside the bundled ones. Raises SpecError for a mapping that is wrong.
    `workers`, `partitions`, `cluster`: as of `validate`, with the same datasets.
    """
    from cdiscx.export.long_text import split_long_text
    from cdiscx.parts import Spread
    from cdiscx.sdtm import map_study
    from cdiscx.sdtm.shares import map_shares

    how = Spread(workers, cluster, partitions)
    ready = prepare(data, cutoff=cutoff) if data.run is None or cutoff else data
    progress("mapping to SDTM")
    mapped = map_study(ready, mappings) if how.parts == 1 and data.shares is None else map_shares(ready, mappings, how)
    return ready.with_(sdtm=split_long_text(mapped.datasets), results={**ready.results, "mapped": mapped})


def to_adam(
    data: StudyData | Mapping[str, pl.DataFrame | Kept],
    study: Study | None = None,
    *,
    cutoff: dt.date | None = None,
    progress: Progress = _quiet,
    workers: int = 1,
    partitions: int | None = None,
    cluster: str | None = None,
) -> StudyData:
    """Data with SDTM, or SDTM frames of anybody by name (then give `study`) -> the same with `adam` (datasets by name).

    `results["absent"]` says why a dataset is not among them, `results["other_source"]` holds the datasets that the study's
    other response source gives (site <-> derived). Frames without `cutoff` are judged at their latest date that is not
    after the day of the run. `workers`, `partitions`, `cluster`: as of `validate`, with the same datasets. Raises
    UploadError when there is no DM, UsageError without a study.
    """
    from cdiscx.adam.shares import derive_shares
    from cdiscx.parts import Spread
    from cdiscx.read.datasets import latest_day

    spread: dict[str, Any] = {"workers": workers, "partitions": partitions, "cluster": cluster}

    if isinstance(data, StudyData):
        ready = data if data.sdtm else to_sdtm(data, cutoff=cutoff, progress=progress, **spread)
        frames: Mapping[str, pl.DataFrame | Kept] = {name: d.held for name, d in ready.sdtm.items()}
    else:
        if study is None:
            raise UsageError("to_adam(frames, study): the study is needed when frames are given")
        day = _today(study)
        run = RunContext(day, cutoff or latest_day(data, day) or day, cutoff is not None)
        ready, frames = StudyData(study, Upload(()), run=run), dict(data)
    assert ready.run is not None, "to_sdtm() prepares the run"
    progress("deriving ADaM")
    both = (ready.study, _other_source(ready.study))
    made, other = derive_shares(both, frames, cutoff=cutoff or ready.run.cutoff, how=Spread(**spread))
    results = {**ready.results, "absent": dict(made.reasons), "other_source": dict(other), "sdtm_frames": frames}
    return ready.with_(adam=dict(made), results=results)


def _other_source(study: Study) -> Study:
    """The study with derived responses in the endpoints where it has the site's, and the other way round."""
    other = "SITE" if study.parameters.get("response_source", "SITE") == "DERIVED" else "DERIVED"
    return study.model_copy(update={"parameters": {**study.parameters, "response_source": other}})


def analyse(data: StudyData, report: Report | None = None, *, progress: Progress = _quiet) -> StudyData:
    """Data with ADaM -> the same with `results["endpoints"]`: every endpoint of the study as JSON-able facts.

    `report`: of `validate`, for the open findings that could change an endpoint.
    """
    from cdiscx.analysis import analyse as analysed

    ready = data if data.adam else to_adam(data, progress=progress)
    progress("computing endpoints")
    findings = None if report is None else (f.to_dict() for f in report.open)
    told = analysed(ready.study, ready.adam, derived=ready.results.get("other_source"), findings=findings)
    return ready.with_(results={**ready.results, "endpoints": told})


def trace(what: str, *keys: str, folder: str | Path | None = None) -> str:
    """Text of the way from a dataset's value, or from a finding of a report.json, back to its cells (see `export.trace`)."""
    from cdiscx.export.trace import trace as traced

    return traced(what, keys, folder=Path(folder) if folder is not None else None)


def rendered(report: Report, form: str, *, colour: bool = False, width: int = 100) -> str:
    """The report in a format for standard output: text, json, jsonl, junit or sarif; colour and width matter to text."""
    if form == "text":
        from cdiscx.report.terminal import render_text

        return render_text(report, colour=colour, width=width)
    if form in _REPORTERS:
        import_module(f"cdiscx.report.{_REPORTERS[form]}")
    else:
        registry.discover("cdiscx.report")
    return str(registry.registered("reporter")[form](report))


def translated(report: Report, lang: str, study: Study | None = None) -> Report:
    """The report with its texts in another language (`zh`); ids, keys, values and fingerprints stay. Raises UsageError.

    `study`: whose own `translations` are used too.
    """
    from cdiscx.report.languages import translated as told

    return told(report, lang, study)


def write_reports(report: Report, files: Sequence[UploadFile], folder: Path, study: Study) -> list[Path]:
    """HTML page, query log, annotated copies, JSON, change log and the expectation suites into a folder.

    The folder appears whole or not at all. Raises ExportError.
    """
    from cdiscx.report.folder import write_folder
    from cdiscx.validate.expectations import suite_dict

    tables = dict.fromkeys(item.table for item in study.expectations)
    suites = {
        f"suites/{table}.json": json.dumps(suite_dict(study, table), ensure_ascii=False, indent=1) for table in tables
    }
    return write_folder(report, files, folder, study, suites)
