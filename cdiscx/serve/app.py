"""Routes of the local page: sessions and limits are the guard's, work is the worker's, HTML is the templates'."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import mimetypes
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from cdiscx.report.languages import language
from cdiscx.serve import pages, work
from cdiscx.serve.curves import curves
from cdiscx.serve.desk import Desk, Run
from cdiscx.serve.guard import Guard, Lock
from cdiscx.serve.lesions import INDEX
from cdiscx.serve.names import distinct, safe_name
from cdiscx.serve.settings import MEGABYTE, Settings
from cdiscx.serve.task import CHECK, DATASETS
from cdiscx.serve.telling import millimetres, signed

#: formats of datasets that can be asked for here
FORMATS = ("xpt", "json", "parquet", "csv")
_BLOCK = MEGABYTE
_TYPES = {".html": "text/html; charset=utf-8", ".json": "application/json", ".csv": "text/csv; charset=utf-8"}


def make_app(desk: Desk, lock: Lock, settings: Settings) -> ASGIApp:
    """The page over a desk, behind its guard."""
    routes = [
        Route("/", _start),
        Route("/runs", _begin, methods=["POST"]),
        Route("/runs/{run}", _run),
        Route("/runs/{run}/status", _status),
        Route("/runs/{run}/cancel", _cancel, methods=["POST"]),
        Route("/runs/{run}/forget", _forget, methods=["POST"]),
        Route("/runs/{run}/datasets", _make_datasets, methods=["POST"]),
        Route("/runs/{run}/report/", _report),
        Route("/runs/{run}/endpoints/", _endpoints),
        Route("/runs/{run}/lesions", _lesions),
        Route("/runs/{run}/lesions/{number:int}", _subject),
        Route("/runs/{run}/files/{name:path}", _file),
        Route("/runs/{run}/report/{name:path}", _file),  # what the report page links to
    ]
    app = Starlette(
        routes=routes,
        lifespan=_watched,
        exception_handlers={HTTPException: _refused, Exception: _crashed},
    )
    app.state.desk, app.state.settings = desk, settings
    return Guard(app, lock, settings)  # outside of everything, the page of a crash included


@contextlib.asynccontextmanager
async def _watched(app: Starlette) -> AsyncIterator[None]:
    """Looks after the workers once a second as long as the page is up."""

    async def watch() -> None:
        while True:
            await asyncio.sleep(1)
            app.state.desk.look()

    watching = asyncio.create_task(watch())
    try:
        yield
    finally:
        watching.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await watching
        app.state.desk.close()


async def _start(request: Request) -> Response:
    return _front(request)


def _front(request: Request, problem: str = "", status: int = 200, study: str = "") -> Response:
    desk, settings = _desk(request), _settings(request)
    desk.look()
    return pages.page(
        settings.lang,
        "start.html.j2",
        status,
        keeps=settings.keeps,
        problem=problem,
        studies=settings.studies,
        chosen=study,
        runs=list(reversed(desk.runs.values())),
        limit=settings.upload // MEGABYTE,
        kept=settings.kept,
        check=CHECK,
    )


async def _begin(request: Request) -> Response:
    """Takes the workbooks of a form in and starts their run."""
    desk, settings = _desk(request), _settings(request)
    async with request.form(max_files=settings.files, max_fields=10) as form:
        study = str(form.get("study", ""))
        choice = next((c for c in settings.studies if c.id == study), None)
        given = [f for f in form.getlist("files") if isinstance(f, UploadFile) and (f.filename or f.size)]
        if choice is None:
            return _front(request, "Choose the study that the workbooks are of.", 400)
        if not given:
            return _front(request, "Choose at least one workbook.", 400, study)
        cutoff, problem = _day(form)
        if problem:
            return _front(request, problem, 400, study)
        if desk.busy():
            return _front(request, f"{settings.at_once} runs are going already: wait for one of them, or cancel it.", 429, study)  # fmt: skip
        folder = desk.folder()
        names = distinct(safe_name(f.filename or "") for f in given)
        files = []
        for number, (name, upload) in enumerate(zip(names, given, strict=True)):
            path = folder / "in" / f"{number}.upload"
            await _keep(upload, path)
            files.append((name, path))
    run = desk.begin(folder, tuple(files), choice, cutoff)
    return RedirectResponse(f"/runs/{run.id}", 303)


def _day(form: FormData) -> tuple[dt.date | None, str]:
    text = str(form.get("cutoff", "")).strip()
    if not text:
        return None, ""
    try:
        return dt.date.fromisoformat(text), ""
    except ValueError:
        return None, "The data cut-off is not a date; write it as 2024-06-30, or leave it blank."


async def _keep(upload: UploadFile, path: Path) -> None:
    with path.open("xb") as out:
        while block := await upload.read(_BLOCK):
            await run_in_threadpool(out.write, block)


async def _run(request: Request) -> Response:
    run = _found(request)
    return pages.page(_lang(request), "run.html.j2", **_facts(run, request))


def _facts(run: Run, request: Request, problem: str = "") -> dict[str, Any]:
    state, datasets = run.state(), run.state(DATASETS)
    return {
        "run": run,
        "state": state,
        "job": run.jobs[CHECK],
        "datasets": datasets,
        "export": run.jobs.get(DATASETS),
        "steps": _steps(run),
        "told": run.jobs[CHECK].facts,
        "formats": FORMATS,
        "problem": problem,
        "going": "running" in (state, datasets),
        "keeps": _settings(request).keeps,
    }


def _steps(run: Run) -> list[str]:
    """What the work that is going, or that ended last, has told."""
    kind = DATASETS if run.state(DATASETS) in ("running", "failed", "cancelled") else CHECK
    return list(dict.fromkeys(run.jobs[kind].steps))


async def _status(request: Request) -> Response:
    """State of both kinds of work and the steps so far: what the page asks for while it waits."""
    run = _found(request)
    kind = DATASETS if run.state(DATASETS) == "running" else CHECK
    states = {"check": run.state(), "datasets": run.state(DATASETS)}
    tongue = language(_lang(request))
    steps = [tongue.read(step) for step in _steps(run)]
    return JSONResponse({"states": states, "steps": steps, "seconds": run.jobs[kind].elapsed})


async def _cancel(request: Request) -> Response:
    run = _found(request)
    run.cancel()
    return RedirectResponse(f"/runs/{run.id}", 303)


async def _forget(request: Request) -> Response:
    await run_in_threadpool(_desk(request).forget, _found(request).id)
    return RedirectResponse("/", 303)


async def _make_datasets(request: Request) -> Response:
    run = _found(request)
    async with request.form(max_files=0, max_fields=10) as form:
        wanted = tuple(f for f in FORMATS if f in form.getlist("format"))
        reason = " ".join(str(form.get("despite", "")).split())[:500]
    if not wanted:
        return pages.page(
            _lang(request), "run.html.j2", 400, **_facts(run, request, "Choose at least one format of datasets.")
        )
    if run.state() != "done" or run.state(DATASETS) == "running" or _desk(request).busy():
        return pages.page(_lang(request), "run.html.j2", 429, **_facts(run, request, "Wait until what is running is done, or cancel it."))  # fmt: skip
    _desk(request).make_datasets(run, wanted, reason or None)
    return RedirectResponse(f"/runs/{run.id}", 303)


async def _report(request: Request) -> Response:
    return await _made_page(request, CHECK, f"{work.REPORT}/report.html", "report")


async def _endpoints(request: Request) -> Response:
    return await _made_page(request, DATASETS, f"{work.EXPORT}/endpoints.html", "endpoints")


async def _made_page(request: Request, kind: str, name: str, template: str) -> Response:
    run = _found(request)
    path = run.task.folder / name
    if run.state(kind) != "done" or not path.is_file():
        raise HTTPException(404)
    text = await run_in_threadpool(path.read_text, encoding="utf-8")
    return pages.finished(_lang(request), text, template, f"/runs/{run.id}")


async def _lesions(request: Request) -> Response:
    run = _done(request)
    subjects = await run_in_threadpool(work.load, run.task.folder / work.LESIONS / INDEX)
    return pages.page(_lang(request), "lesions.html.j2", run=run, told=run.jobs[CHECK].facts, subjects=subjects)


async def _subject(request: Request) -> Response:
    run = _done(request)
    number, folder = int(request.path_params["number"]), run.task.folder / work.LESIONS
    subjects = await run_in_threadpool(work.load, folder / INDEX)
    if not 0 <= number < len(subjects):
        raise HTTPException(404)
    subject = await run_in_threadpool(work.load, folder / f"{number}.json")
    tongue = language(_lang(request))
    return pages.page(
        tongue.name, "subject.html.j2", run=run, told=run.jobs[CHECK].facts, subject=subject, number=number, subjects=subjects,
        curves=[curves(segment, tongue) for segment in subject["segments"]], mm=millimetres, signed=signed,
    )  # fmt: skip


async def _file(request: Request) -> Response:
    """A file that a run made, by the name it has in the list of such files: no name is ever joined to a path."""
    run = _done(request)
    name = str(request.path_params["name"])
    path = (await run_in_threadpool(_offered, run)).get(name)
    if path is None:
        raise HTTPException(404)
    kind = _TYPES.get(path.suffix) or mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    return FileResponse(path, media_type=kind, filename=path.name)


def _offered(run: Run) -> dict[str, Path]:
    """Name -> file of everything that may be downloaded."""
    base = run.task.folder
    report = base / work.REPORT
    told = {
        p.relative_to(report).as_posix(): p for p in report.rglob("*") if p.is_file() and not p.name.startswith(".")
    }
    told[work.REPORT_ZIP] = base / work.REPORT_ZIP
    if run.state(DATASETS) == "done":
        told[work.EXPORT_ZIP] = base / work.EXPORT_ZIP
    return told


def _desk(request: Request) -> Desk:
    desk: Desk = request.app.state.desk
    return desk


def _settings(request: Request) -> Settings:
    settings: Settings = request.app.state.settings
    return settings


def _lang(request: Request) -> str:
    return _settings(request).lang


def _found(request: Request) -> Run:
    run = _desk(request).runs.get(str(request.path_params["run"]))
    if run is None:
        raise HTTPException(404, "run")
    return run


def _done(request: Request) -> Run:
    run = _found(request)
    if run.state() != "done":
        raise HTTPException(404)
    return run


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code == 413:
        limit = _settings(request).upload // MEGABYTE
        said = f"Together the workbooks may have {limit} MB. Send fewer at a time, or start cdiscx serve with a larger --limit."
        return pages.message(_lang(request), 413, "Too large", said, "/")
    if error.status_code == 404:
        gone = "This run is gone: only the latest are kept, and none outlives the program." if error.detail == "run" else "There is nothing here (yet)."  # fmt: skip
        return pages.message(_lang(request), 404, "Not found", gone, "/")
    return pages.message(_lang(request), error.status_code, "That did not work", str(error.detail), "/")


async def _crashed(request: Request, error: Exception) -> Response:
    said = f"The page stopped at a bug in cdiscx ({type(error).__name__}). Your runs are still there."
    return pages.message(_lang(request), 500, "A bug", said, "/")
