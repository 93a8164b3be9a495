"""A plug-in for pytest: `pytest --cdiscx-upload site-01.xlsx --cdiscx-study palhep-a` has one test item a check.

Passed, failed, skipped and crashed checks are tests that pass, fail, are skipped and end in an error; the findings are the
failure's text. The options may stand in the ini file as `cdiscx_uploads` (one a line), `cdiscx_study`, `cdiscx_fail_on`,
`cdiscx_cutoff`. Tests of one's own ask for the fixture `cdiscx_report`. Nothing of cdiscx is imported without uploads.
"""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from cdiscx.model.finding import CheckRun, Finding, Report

_LEVELS = ("error", "warning", "note")
_SHOWN = 50


def pytest_addoption(parser: pytest.Parser) -> None:
    """Options of the command line and of the ini file."""
    group = parser.getgroup("cdiscx", "checks of clinical site uploads")
    group.addoption(
        "--cdiscx-upload", action="append", default=[], metavar="UPLOAD", help="Upload to check (may be repeated)."
    )
    group.addoption("--cdiscx-study", metavar="STUDY", help="Bundled study or path to a study file.")
    group.addoption("--cdiscx-fail-on", choices=_LEVELS, help="Severity from which on a check fails (default: error).")
    group.addoption("--cdiscx-cutoff", metavar="DATE", help="Data cut-off, e.g. 2024-06-30.")
    parser.addini("cdiscx_uploads", "Uploads to check, one a line.", type="linelist", default=[])
    for name in ("study", "fail_on", "cutoff"):
        parser.addini(f"cdiscx_{name}", f"Like --cdiscx-{name.replace('_', '-')}.", default="")


def pytest_collection_modifyitems(session: pytest.Session, config: pytest.Config, items: list[pytest.Item]) -> None:
    """Adds one item a check in front of what was collected, where uploads are named."""
    if _uploads(config):
        collector = Checks.from_parent(session, name="cdiscx", nodeid="cdiscx")
        items[:0] = list(collector.collect())


class Checks(pytest.Collector):
    """The checks of the catalogue and the study's own expectations."""

    def collect(self) -> Iterator[CheckItem]:
        """One item a check, in the order of the catalogue; the uploads are read when the first one runs."""
        from cdiscx import registry

        study = _study(self.config)
        for check_id in [*registry.checks(), *(e.id for e in study.expectations)]:
            yield CheckItem.from_parent(self, name=check_id)


class CheckItem(pytest.Item):
    """One check on the uploads."""

    def setup(self) -> None:
        """A check that crashed, or uploads that cannot be read, are an error and no failure."""
        from cdiscx.model.finding import Status

        run = self._run()
        if run.status is Status.ERRORED:
            raise Crashed(run.traceback or run.reason or "the check crashed")

    def runtest(self) -> None:
        """Fails with the findings at or above the level, skips with the check's reason."""
        from cdiscx.model.finding import Severity, Status

        run = self._run()
        least = Severity(_option(self.config, "fail_on") or "error").rank
        found = [f for f in _report(self.config).open if f.check_id == run.check_id]
        if any(f.severity.rank >= least for f in found):
            raise Found(found)
        if run.status is Status.SKIPPED:
            pytest.skip(run.reason or "no reason given")
        if found:
            self.add_report_section("call", "findings", "\n".join(map(_line, found)))

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """Findings as a person reads them; everything else as pytest shows it."""
        from cdiscx.model.errors import CdiscxError

        if isinstance(excinfo.value, Found | Crashed | CdiscxError):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, None, str]:
        """Where the item comes from, and its title."""
        from cdiscx import registry

        known = registry.checks().get(self.name)
        return Path(_uploads(self.config)[0]), None, f"{self.name} {known.title if known else ''}".strip()

    def _run(self) -> CheckRun:
        return next(c for c in _report(self.config).checks if c.check_id == self.name)


class Found(AssertionError):
    """Findings of one check, as its failure's text."""

    def __init__(self, findings: list[Finding]) -> None:
        lines = [_line(f) for f in findings[:_SHOWN]]
        more = len(findings) - _SHOWN
        super().__init__("\n".join([*lines, *([f"... {more:,} more"] if more > 0 else [])]))


class Crashed(Exception):
    """A check that crashed: a bug, not a finding."""


@pytest.fixture(scope="session")
def cdiscx_report(request: pytest.FixtureRequest) -> Report:
    """The report on the uploads of `--cdiscx-upload`; a test that asks for it is skipped without uploads."""
    if not _uploads(request.config):
        pytest.skip("no upload: --cdiscx-upload UPLOAD --cdiscx-study STUDY")
    return _report(request.config)


_KEY: pytest.StashKey[Any] = pytest.StashKey()


def _report(config: pytest.Config) -> Report:
    """The report, made once; what went wrong in making it is raised for every item."""
    if _KEY not in config.stash:
        from cdiscx import flow

        logging.getLogger("great_expectations").setLevel(logging.WARNING)  # its story of itself is no part of a failure
        try:
            cutoff = _option(config, "cutoff")
            day = dt.date.fromisoformat(cutoff) if cutoff else None
            data = flow.tidy(_study(config), flow.read(*_uploads(config)))
            config.stash[_KEY] = flow.validate(data, cutoff=day)
        except Exception as error:  # kept for the other items, shown by each
            config.stash[_KEY] = error
    made = config.stash[_KEY]
    if isinstance(made, Exception):
        raise made
    report: Report = made
    return report


def _study(config: pytest.Config) -> Any:
    from cdiscx.model.errors import CdiscxError
    from cdiscx.model.spec import Study

    name = _option(config, "study")
    if not name:
        raise pytest.UsageError("--cdiscx-upload needs the study: --cdiscx-study STUDY")
    try:
        return Study.load(name)
    except CdiscxError as error:
        raise pytest.UsageError(str(error)) from error


def _uploads(config: pytest.Config) -> list[str]:
    return [*config.getoption("--cdiscx-upload")] or [str(config.rootpath / u) for u in config.getini("cdiscx_uploads")]


def _option(config: pytest.Config, name: str) -> str:
    return str(config.getoption(f"--cdiscx-{name.replace('_', '-')}") or config.getini(f"cdiscx_{name}") or "")


def _line(finding: Finding) -> str:
    from cdiscx.report.words import visible

    fix = f"\n    = {finding.fix}" if finding.fix else ""
    return visible(f"{finding.severity.value} {finding.place or 'no cell'}: {finding.message}") + fix
