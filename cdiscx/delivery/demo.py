"""Both studies as an example: sample uploads written, checked and exported."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cdiscx import flow
from cdiscx.delivery.deliver import deliver_all
from cdiscx.delivery.order import Order
from cdiscx.delivery.parts import PAGE
from cdiscx.model.errors import ExportError
from cdiscx.model.spec import Study


def demo(folder: Path, progress: flow.Progress = flow._quiet) -> list[str]:
    """Sample uploads of both studies: the clean ones exported, those with planted defects reported; lines that say so."""
    from cdiscx.samples import write_demo

    try:
        made = write_demo(folder)
    except OSError as error:
        raise ExportError(f"the samples cannot be written to {folder}: {error.strerror or error}") from error
    lines = []
    for name, paths in made.clean.items():
        delivered = deliver_all(paths, Order(name, progress=progress), folder / name / "export")
        datasets = sorted(p.stem.upper() for p in delivered.files if p.suffix == ".xpt")
        counts = _said(json.loads((delivered.folder / "report" / "report.json").read_text("utf-8"))["summary"])
        lines.append(
            f"{name} clean: {len(paths)} uploads, {counts}; {len(datasets)} datasets and the endpoints; "
            f"open {delivered.folder / PAGE}"
        )
    for name, paths in made.planted.items():
        plan = Study.load(name)
        files = flow.read(*paths, progress=progress)
        report = flow.validate(flow.tidy(plan, files, progress=progress), progress=progress)
        target = folder / name / "report-planted"
        flow.write_reports(report, files, target, plan)
        lines.append(f"{name} planted: {len(files)} uploads, {_said(report.summary())}; open {target / 'report.html'}")
    return lines


def _said(summary: Mapping[str, Any]) -> str:
    return ", ".join(f"{n} {level}{'s' if n != 1 else ''}" for level, n in summary["by_severity"].items())
