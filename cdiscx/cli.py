"""The command line: parses words, calls the flow, prints, exits. Heavy imports wait until a verb needs them."""

from __future__ import annotations

import atexit
import gc
import io
import os
import shutil
import signal
import sys
import threading
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from cdiscx import cli_batch, cli_deliver, cli_ledger, cli_schema, cli_serve, cli_study
from cdiscx import cli_options as options
from cdiscx.model.errors import CdiscxError, SpecError
from cdiscx.model.process import PROCESS, one_thread_for_small

if TYPE_CHECKING:
    import datetime as dt
    from types import FrameType

    from cdiscx.model.finding import Report

FORMATS = ("text", "json", "jsonl", "junit", "sarif")
_OK, _FINDINGS, _WRONG, _CRASHED = 0, 1, 2, 3
_STOPPED = 130  # as a shell has it for Ctrl-C


class Group(click.Group):
    """Turns what goes wrong into one line on standard error and an exit status: 1 for open findings, 2 for people's errors,
    3 for ours."""

    def __call__(self, *args: Any, **extra: Any) -> Any:
        """The command of a shell: this process is ours."""
        PROCESS.own = True
        # no matrix is multiplied here; the threads for it would wait in a loop
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, _terminated)
        return super().__call__(*args, **extra)

    def main(self, *args: Any, **extra: Any) -> Any:
        gc.set_threshold(200_000, 20, 50)  # a run makes frames, not cycles: fewer searches for garbage
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, io.TextIOWrapper):  # a name in Chinese must not stop a run in a plain locale
                stream.reconfigure(errors="backslashreplace")
        try:
            status = super().main(*args, **{**extra, "standalone_mode": False})
        except click.exceptions.NoArgsIsHelpError as error:
            error.show()
            status = _WRONG
        except click.UsageError as error:
            command = error.ctx.command_path if error.ctx else "cdiscx"
            status = _told(_WRONG, f"{' '.join(error.format_message().split()).rstrip('.')}; see {command} --help")
        except SpecError as error:
            status = _told(_WRONG, *error.problems)
        except (CdiscxError, click.ClickException) as error:
            status = _told(error.status if isinstance(error, CdiscxError) else _WRONG, str(error))
        except click.Abort:
            status = _told(_STOPPED, "stopped")
        except SystemExit as end:  # how a verb gives its status
            if not isinstance(end.code, int):
                raise
            status = end.code
        except Exception as error:
            status = _internal(error)
        _leave(status if isinstance(status, int) else _OK)


def _terminated(number: int, _frame: FrameType | None) -> None:
    """Ends as told from outside, but leaves no private folder with subjects' data behind."""
    kept = sys.modules.get("cdiscx.model.kept")
    if kept is not None:
        kept.close_all()
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)


def _leave(status: int) -> NoReturn:
    """Ends the command; a process of our own is given back whole, without taking a million objects apart one by one."""
    if not PROCESS.own or threading.active_count() > 1:
        sys.exit(status)
    try:
        for stream in (sys.stdout, sys.stderr):
            if stream is not None:  # closed by whoever started us
                stream.flush()
    except (OSError, ValueError):  # whoever read our words has gone: Python knows how to end then
        sys.exit(status)
    atexit._run_exitfuncs()
    os._exit(status)


def _told(status: int, *lines: str) -> int:
    """Says each line on standard error; the status."""
    for line in lines:
        click.echo(f"cdiscx: {line}", err=True)
    return status


def _internal(error: Exception) -> int:
    """Our own bug: one line, and the whole story with CDISCX_TRACEBACK set.

    The line leaves the error's own words out: a library's message may quote what stands in a subject's cells.
    """
    if os.environ.get("CDISCX_TRACEBACK"):
        traceback.print_exception(error)
    where = traceback.extract_tb(error.__traceback__)[-1]
    said = f"{type(error).__name__}, {Path(where.filename).name}:{where.lineno}"
    return _told(_CRASHED, f"the run stopped at a bug in cdiscx ({said}); set CDISCX_TRACEBACK=1 for the details")


@click.group(cls=Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(None, "--version", package_name="cdiscx", message="cdiscx %(version)s")
def main() -> None:
    """Checks what clinical sites send in, cell by cell, and turns clean data into CDISC deliverables.

    STUDY is a bundled study (palhep-a, neopvtt-b) or a path to a study file.
    UPLOAD is a workbook (.xlsx .xlsm .xls .ods), a .csv, or a folder or .zip of .csv files.
    """


@main.command()
@options.uploads
@options.study_option()
@click.option(
    "--format", "form", type=click.Choice(FORMATS), default="text", show_default=True, help="Format of what is printed."
)
@click.option("--report", "folder", type=click.Path(file_okay=False, path_type=Path), help="Folder for the reports.")
@click.option(
    "--fail-on",
    type=click.Choice(("error", "warning", "never")),
    default="error",
    show_default=True,
    help="Severity of open findings from which on the exit status is 1.",
)
@options.cutoff
@click.option("--only", multiple=True, metavar="GLOB", help="Run only these checks, e.g. 'MEA-*' (may be repeated).")
@click.option("--skip", multiple=True, metavar="GLOB", help="Leave these checks out (may be repeated).")
@click.option("--no-expectations", is_flag=True, help="Leave the study's Great Expectations suite out.")
@click.option("--ledger", metavar="FILE", help="Ledger of queries: a file (SQLite) or a database URL.")
@click.option("--who", metavar="NAME", help="Who runs this, for the ledger (default: the user of this system).")
@options.lang
@click.option("--quiet", is_flag=True, help="No progress and no notes on standard error.")
@options.spread
def validate(
    uploads: tuple[str, ...],
    study: str,
    form: str,
    folder: Path | None,
    fail_on: str,
    cutoff: dt.date | None,
    only: tuple[str, ...],
    skip: tuple[str, ...],
    no_expectations: bool,
    ledger: str | None,
    who: str | None,
    lang: str,
    quiet: bool,
    workers: int,
    partitions: int | None,
    cluster: str | None,
    low_memory: bool | None,
) -> None:
    """Check uploads of one study: every defect with its cell, what is wrong and what to do."""
    if workers == 1 and cluster is None:
        one_thread_for_small(uploads)
    from cdiscx import flow
    from cdiscx.model.spec import Study

    with options.Progress(quiet) as step:
        plan = Study.load(study)
        files = flow.read(*uploads, low_memory=low_memory, progress=step)
        data = flow.tidy(plan, files, partitions=partitions, progress=step)
        report = flow.validate(
            data,
            cutoff=cutoff,
            only=only,
            skip=skip,
            expectations=not no_expectations,
            progress=step,
            workers=workers,
            partitions=partitions,
            cluster=cluster,
        )
        if ledger is not None:
            from cdiscx import history

            step("writing the ledger")
            report = history.record(report, ledger, who=who)
        report = flow.translated(report, lang, plan)
        if folder is not None:
            step("writing reports")
            flow.write_reports(report, files, folder, plan)
    if not quiet:
        _notes(report)
    tty = sys.stdout.isatty()
    width = shutil.get_terminal_size().columns if tty else 100
    said = flow.rendered(report, form, colour=tty and not os.environ.get("NO_COLOR"), width=width)
    # what programs read is UTF-8 everywhere, whatever the locale
    click.echo(said if form == "text" else said.encode(), nl=False)
    if folder is not None and not quiet:
        click.echo(f"reports: {folder}", err=True)
    raise SystemExit(_status(report, fail_on))


def _status(report: Report, fail_on: str) -> int:
    if not report.complete:
        crashed = [c.check_id for c in report.checks if c.status.value == "errored"]
        click.echo(f"cdiscx: the run is incomplete, these checks crashed: {', '.join(crashed)}", err=True)
        return _CRASHED
    if not report.checked:
        click.echo("cdiscx: nothing could be checked; see the notes and the reasons of the skipped checks", err=True)
        return _FINDINGS
    return _OK if fail_on == "never" or report.ok(fail_on) else _FINDINGS


def _notes(report: Report) -> None:
    from cdiscx.report import languages

    run, label = report.run, languages.of(report).label
    said = "as given" if run["cutoff_stated"] else "latest date in the uploads; set it with --cutoff"
    line = f"cut-off {{x}} ({said}), judged on {{d}}"
    click.echo(label(line, x=run["cutoff"], d=run["day_of_run"]), err=True)
    for note in report.notes:
        click.echo(label("note: {x}", x=note), err=True)


@main.command()
@click.argument("what", metavar="FILE-OR-DATASET")
@click.argument("keys", nargs=-1, metavar="KEY...")
@click.option(
    "--in",
    "folder",
    type=click.Path(file_okay=False, exists=True, path_type=Path),
    help="Folder of an export (default: where you stand).",
)
def trace(what: str, keys: tuple[str, ...], folder: Path | None) -> None:
    """Follow a value back to its cells.

    cdiscx trace sdtm.TR USUBJID 4 TRORRES --in OUT
    cdiscx trace ADTTE USUBJID PFS AVAL --in OUT
    cdiscx trace OUT/report/report.json FINGERPRINT
    """
    from cdiscx import flow

    click.echo(flow.trace(what, *keys, folder=folder), nl=False)


@main.command("list")
@click.argument("what", type=click.Choice(("checks", "studies", "algorithms", "datasets", "formats")))
@options.study_option(required=False)
@click.option(
    "--format",
    "form",
    type=click.Choice(("text", "json")),
    default="text",
    show_default=True,
    help="Format of what is printed.",
)
def list_(what: str, study: str | None, form: str) -> None:
    """List checks, studies, mapping algorithms, datasets or formats of this version."""
    from cdiscx import catalogue

    rows = catalogue.listing(what, study)
    click.echo(catalogue.as_json(rows) if form == "json" else catalogue.as_text(rows), nl=False)


@main.command()
@click.argument("check_id", metavar="ID")
@options.study_option(required=False)
@options.lang
def explain(check_id: str, study: str | None, lang: str) -> None:
    """Explain one check: what it finds, why it matters, how to fix it, parameters, rule cited.

    ID is a check's, or with --study that of an expectation of the study file.
    """
    from cdiscx import catalogue

    click.echo(catalogue.explanation(check_id, study, lang), nl=False)


for _verb in (cli_deliver.sdtm, cli_deliver.adam, cli_deliver.export, cli_deliver.conform, cli_deliver.demo):
    main.add_command(_verb)
for _verb in (cli_ledger.ledger, cli_ledger.diff, cli_serve.serve, cli_study.new, cli_study.lint):
    main.add_command(_verb)
main.add_command(cli_schema.schema)
main.add_command(cli_batch.batch)
main.add_command(cli_schema.suite)


if __name__ == "__main__":
    main()
