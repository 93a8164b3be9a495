"""Writes the worked examples: planted sample uploads with their report, and a clean one with what is delivered of it."""

from __future__ import annotations

import datetime as dt
import shutil
import sys
import tempfile
from pathlib import Path

from cdiscx import flow
from cdiscx.delivery import Order, deliver_all
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


def deliver(study: str, folder: Path, upload: Path) -> list[Path]:
    """SDTM, ADaM and endpoints of one clean upload in `folder`, as CSV with define.xml; the files kept, by name."""
    with tempfile.TemporaryDirectory() as scratch:
        made = deliver_all([upload], Order(study, formats=("csv",)), Path(scratch) / "out")
        kept = [p for p in made.files if p.parent.name in ("sdtm", "adam") or p.stem == "endpoints"]
        for path in kept:
            if path.suffix in (".csv", ".xml", ".json", ".html", ".tsv") and path.name != "define.html":
                target = folder / path.relative_to(made.folder)
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(path, target)
    return sorted(p for p in folder.rglob("*") if p.is_file())


def main() -> None:
    """Rebuilds `sample_exports/` in place."""
    with tempfile.TemporaryDirectory() as scratch:
        made = write_demo(Path(scratch))
        for study, paths in made.planted.items():
            target = HOME / study
            shutil.rmtree(target, ignore_errors=True)
            (target / "uploads").mkdir(parents=True)
            uploads = [Path(shutil.copy(path, target / "uploads" / path.name)) for path in paths]
            rebuild(study, target / "report", uploads)
            shutil.rmtree(target / "report" / "annotated")
        for study, paths in made.clean.items():
            (HOME / study / "clean").mkdir()
            upload = Path(shutil.copy(paths[0], HOME / study / "clean" / paths[0].name))
            deliver(study, HOME / study / "clean", upload)


if __name__ == "__main__":
    sys.exit(main())
