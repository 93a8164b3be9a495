"""Writes the worked examples: a study's planted sample uploads, and the report on them as of a fixed day."""

from __future__ import annotations

import datetime as dt
import sys
from pathlib import Path

from cdiscx import flow
from cdiscx.model.spec import Study
from cdiscx.samples import write_demo

DAY = dt.date(2025, 7, 15)
HOME = Path(__file__).resolve().parents[2] / "sample_exports"


def rebuild(study: str, folder: Path, uploads: list[Path]) -> list[Path]:
    """The report on the uploads, judged on DAY, in `folder`; the files written."""
    plan = Study.load(study)
    files = flow.read(*uploads)
    report = flow.validate(flow.tidy(plan, files, today=DAY), today=DAY)
    return flow.write_reports(report, files, folder, plan)


def main() -> None:
    """Rebuilds `sample_exports/` in place."""
    import shutil
    import tempfile

    with tempfile.TemporaryDirectory() as scratch:
        made = write_demo(Path(scratch))
        for study, paths in made.planted.items():
            target = HOME / study
            shutil.rmtree(target, ignore_errors=True)
            (target / "uploads").mkdir(parents=True)
            uploads = [Path(shutil.copy(path, target / "uploads" / path.name)) for path in paths]
            rebuild(study, target / "report", uploads)
            shutil.rmtree(target / "report" / "annotated")


if __name__ == "__main__":
    sys.exit(main())
