"""Clean samples of both studies: define.xml is valid and no rule of finished datasets is broken, in memory and read back."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest

from cdiscx import Study, flow
from cdiscx.adam import derive
from cdiscx.conform import conformance
from cdiscx.export import write
from cdiscx.export.define_read import declared
from cdiscx.export.define_xml import StudyFacts, define_findings, write_define
from cdiscx.model.finding import Status
from cdiscx.read.datasets import read_datasets
from cdiscx.samples import clean, write_xlsx
from cdiscx.sdtm import Mapped, map_study

STAMP = datetime(2025, 1, 1)
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module", params=["palhep-a", "neopvtt-b"])
def mapped(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Study, Mapped, flow.StudyData]:
    folder = tmp_path_factory.mktemp(request.param)
    uploads = clean(request.param, sites=1, subjects=12, seed=5)
    paths = [folder / f"site-{u.site}.xlsx" for u in uploads]
    for upload, path in zip(uploads, paths, strict=True):
        write_xlsx(upload, path)
    study = Study.load(request.param)
    data = flow.prepare(flow.tidy(study, flow.read(*paths)))
    return study, map_study(data), data


def test_sdtm_breaks_no_rule_in_memory_and_read_back(
    mapped: tuple[Study, Mapped, flow.StudyData], tmp_path: Path
) -> None:
    study, result, _ = mapped
    facts = StudyFacts(study.studyid, study.title)
    path = write_define(tuple(result.datasets.values()), result.codelists, facts, tmp_path / "define.xml", stamp=STAMP)
    write(result.datasets, tmp_path, ["xpt"], stamp=STAMP, study=study.studyid)
    told = declared(path)
    report = conformance(read_datasets(tmp_path), study, codelists=told.codelists, keys=told.keys)
    assert [(f.check_id, f.sheet, f.row, f.message) for f in report] == []
    assert {c.check_id for c in report.checks if c.status is Status.ERRORED} == set()
    assert [(f.check_id, f.message) for f in define_findings(tuple(result.datasets.values()), result.codelists)] == []


def test_adam_breaks_no_rule_and_has_a_valid_define(
    mapped: tuple[Study, Mapped, flow.StudyData], tmp_path: Path
) -> None:
    study, result, data = mapped
    sdtm = {n: d.public.with_columns(d.frame["_id"]) for n, d in result.datasets.items()}
    assert data.run.cutoff is not None
    made = derive(study, sdtm, cutoff=data.run.cutoff)
    facts = StudyFacts(study.studyid, study.title)
    path = write_define(tuple(made.values()), {}, facts, tmp_path / "define.xml", stamp=STAMP)
    frames = {n: d.public for n, d in made.items()}
    report = conformance(frames, study, source=sdtm, keys=declared(path).keys)
    assert [(f.check_id, f.sheet, f.row, f.message) for f in report] == []
    assert [(f.check_id, f.message) for f in define_findings(tuple(made.values()), {})] == []
