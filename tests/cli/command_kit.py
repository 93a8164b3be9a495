"""The command line from outside: sample workbooks made once, and two ways of calling `cdiscx`."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from cdiscx.cli import main
from cdiscx.samples import SampleUpload, clean, write_xlsx

ROOT = Path(__file__).parents[2]
STUDIES = ("palhep-a", "neopvtt-b")


@dataclass(frozen=True)
class Done:
    """What a run left behind."""

    status: int
    out: str
    err: str

    @property
    def complaint(self) -> str:
        """The one line on standard error of a run that ended with 2."""
        assert "Traceback" not in self.err + self.out, self.err
        lines = self.err.splitlines()
        assert len(lines) == 1, self.err
        assert not self.out, "a run that cannot start prints nothing on standard output"
        return lines[0]


def cdiscx(*args: object) -> Done:
    """Calls the command line in this process; standard output and error apart."""
    result = CliRunner().invoke(main, [str(a) for a in args])
    return Done(result.exit_code, result.stdout, result.stderr)


def shell(*args: object, env: Mapping[str, str] | None = None, cwd: Path | None = None, **more: object) -> Done:
    """Calls the command line as a program of its own."""
    words = [sys.executable, "-m", "cdiscx.cli", *(str(a) for a in args)]
    around = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]), **(env or {})}
    done = subprocess.run(words, capture_output=True, env=around, cwd=cwd, check=False, **more)  # type: ignore[call-overload]
    return Done(done.returncode, done.stdout.decode("utf-8"), done.stderr.decode("utf-8", "replace"))


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One folder for all workbooks."""
    return tmp_path_factory.mktemp("uploads")


def cohort(study: str) -> SampleUpload:
    """Twelve subjects of one site without a defect."""
    return clean(study, sites=1, subjects=12, seed=3)[0]


@pytest.fixture(scope="session")
def good(folder: Path) -> dict[str, Path]:
    """Study -> a workbook without a defect."""
    paths = {study: folder / f"good-{study}.xlsx" for study in STUDIES}
    for study, path in paths.items():
        write_xlsx(cohort(study), path)
    return paths


def with_defects(study: str) -> SampleUpload:
    """The cohort with an unknown sex, an end before its start, a weight of 700 kg and a row twice."""
    upload = cohort(study)
    upload.sheets["Demographics"][0]["Sex"] = "unclear"
    upload.sheets["Demographics"][1]["Weight"] = 700
    event = next(row for row in upload.sheets["Adverse Events"] if isinstance(row["End Date"], date))
    start = event["Start Date"]
    assert isinstance(start, date)
    event["End Date"] = start - timedelta(days=5)
    upload.sheets["Visits"].append(dict(upload.sheets["Visits"][-1]))
    return upload


@pytest.fixture(scope="session")
def bad(folder: Path) -> dict[str, Path]:
    """Study -> a workbook with the defects of `with_defects`."""
    paths = {study: folder / f"bad-{study}.xlsx" for study in STUDIES}
    for study, path in paths.items():
        write_xlsx(with_defects(study), path)
    return paths


@pytest.fixture(scope="session")
def repeated(folder: Path) -> Path:
    """A workbook of study A in which the only thing above a note is a warning: a laboratory row that stands twice."""
    upload = cohort("palhep-a")
    upload.sheets["Labs"].append(dict(upload.sheets["Labs"][0]))
    path = folder / "repeated.xlsx"
    write_xlsx(upload, path)
    return path


Run = Callable[..., Done]
