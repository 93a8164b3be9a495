"""Finished datasets of a folder in, what the own rules and the referees say of them out."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from cdiscx import flow
from cdiscx.model.finding import Report
from cdiscx.model.spec import Study


def conform(
    folder: Path,
    study: str | None = None,
    *,
    lang: str = "en",
    low_memory: bool | None = None,
    partitions: int | None = None,
    progress: flow.Progress = flow._quiet,
) -> tuple[Report, tuple[Any, ...]]:
    """Finished SDTM or ADaM datasets of a folder -> the report of the project's own rules, and what each referee says.

    What define.xml declares (keys, code lists) is read where it lies beside them; ADaM is compared with the SDTM of a
    sibling folder `sdtm`. `lang`: of messages and reasons; what referees say of a dataset stays as they say it. `low_memory`, `partitions`: SDTM
    waits on disk and is checked a share of the subjects at a time, by default where it is large; the same findings. Raises
    UploadError for what is no folder of datasets.
    """
    from cdiscx.conform import conformance, referees
    from cdiscx.export.define_read import declared
    from cdiscx.read.datasets import read_datasets
    from cdiscx.read.datasets_on_disk import open_datasets

    progress("reading datasets")
    frames = open_datasets(folder, low_memory=low_memory, partitions=partitions)
    define = folder / "define.xml"
    told = declared(define) if define.is_file() else None
    beside = folder.parent / "sdtm"
    source = read_datasets(beside) if folder.name != "sdtm" and beside.is_dir() else None
    progress("checking conformance")
    report = conformance(
        frames,
        Study.load(study) if study else None,
        codelists=told.codelists if told else None,
        keys=told.keys if told else None,
        source=source,
    )
    progress("asking the referees")
    analysis = report.run["standard"] == "ADaM"
    verdicts = referees(folder, frames, analysis=analysis, define=define if told else None)
    if lang == "en":
        return report, verdicts
    from cdiscx.report import languages

    tongue = languages.of_datasets(lang)
    said = tuple(replace(v, reason=tongue.read(v.reason)) if v.reason else v for v in verdicts)
    return languages.told_in(report, tongue), said
