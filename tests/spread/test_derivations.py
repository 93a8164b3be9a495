"""By shares of the subjects, in one process or several, SDTM and ADaM are the same to the byte."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from grids import grid_of, in_memory, write
from spread_kit import DATES, ENV, killed_workers
from tangle import tangled

from cdiscx import flow
from cdiscx.adam import derive
from cdiscx.adam.shares import derive_shares
from cdiscx.model.dataset import Dataset
from cdiscx.model.kept import Kept, Scratch
from cdiscx.model.spec import Study
from cdiscx.model.table import StudyData
from cdiscx.parts import Spread
from cdiscx.parts.witnesses import chosen, witnesses
from cdiscx.samples import clean, write_csv_folder


def messy(study: str, *seeds: int) -> StudyData:
    """Prepared uploads of many defects, a site a seed, that share subjects' numbers."""
    files = [in_memory(grid_of(tangled(study, seed=s, subjects=8)), f"site-{s}.xlsx") for s in seeds]
    return flow.prepare(flow.tidy(Study.load(study), files, today=DATES["today"]), **DATES)


def described(dataset: Dataset) -> dict[str, Any]:
    """All of a dataset but its rows."""
    names = [f.name for f in dataclasses.fields(Dataset)]
    return {name: getattr(dataset, name) for name in names if name != "frame"}


def same_datasets(one: StudyData, other: StudyData) -> None:
    """SDTM and ADaM of the two have the same rows, in order, and say the same of themselves."""
    for there, here in ((one.sdtm, other.sdtm), (one.adam, other.adam)):
        assert list(there) == list(here)
        for name, dataset in there.items():
            assert described(here[name]) == described(dataset), name
            assert list(here[name].frame.schema.items()) == list(dataset.frame.schema.items()), name
            assert here[name].frame.equals(dataset.frame), name
    first, second = one.results["mapped"], other.results["mapped"]
    assert first.notes == second.notes
    assert first.unused.equals(second.unused)
    assert list(first.codelists.items()) == list(second.codelists.items())
    assert one.results["absent"] == other.results["absent"]
    derived = [{n: d.public for n, d in r.results["other_source"].items()} for r in (one, other)]
    assert list(derived[0]) == list(derived[1])
    assert all(frame.equals(derived[1][name]) for name, frame in derived[0].items())


@pytest.mark.parametrize("study", ["palhep-a", "neopvtt-b"])
def test_shares_give_the_datasets_of_one_piece(study: str) -> None:
    data = messy(study, 1, 2)
    whole = flow.to_adam(flow.to_sdtm(data))
    assert len(whole.sdtm) > 15
    assert len(whole.adam) > 4
    same_datasets(whole, flow.to_adam(flow.to_sdtm(data, partitions=3), partitions=4))


@pytest.mark.slow
@pytest.mark.parametrize("study", ["palhep-a", "neopvtt-b"])
@pytest.mark.parametrize("seed", range(3, 8))
def test_any_number_of_shares_gives_the_datasets_of_one_piece(study: str, seed: int) -> None:
    data = messy(study, seed, seed + 10)
    whole = flow.to_adam(flow.to_sdtm(data))
    for shares in (2, 7, 40):
        same_datasets(whole, flow.to_adam(flow.to_sdtm(data, partitions=shares), partitions=shares))


@pytest.mark.slow
def test_few_subjects_show_what_is_said_of_the_datasets_of_many(tmp_path: Path) -> None:
    write_csv_folder(clean("palhep-a", sites=1, subjects=150, seed=7)[0], tmp_path / "site")
    data = flow.prepare(flow.tidy(Study.load("palhep-a"), flow.read(tmp_path / "site")))
    whole = flow.to_adam(flow.to_sdtm(data))
    frames = {name: dataset.frame for name, dataset in whole.sdtm.items()}
    assert chosen([witnesses(frames, "USUBJID")]).len() < 100
    same_datasets(whole, flow.to_adam(flow.to_sdtm(data, partitions=2), partitions=2))


def test_tables_on_disk_give_the_datasets_of_tables_in_memory(tmp_path: Path) -> None:
    path = write(grid_of(tangled("palhep-a", seed=1, subjects=6)), tmp_path / "site-01.xlsx")
    plan = Study.load("palhep-a")
    made = []
    for low in (False, True):
        data = flow.tidy(plan, flow.read(path, low_memory=low), today=DATES["today"], partitions=3)
        made.append(flow.to_adam(flow.to_sdtm(flow.prepare(data, **DATES))))
    same_datasets(*made)


def test_a_marker_of_one_subject_alone_is_found_on_disk(tmp_path: Path) -> None:
    study = Study.load("neopvtt-b")
    write_csv_folder(clean("neopvtt-b", sites=1, subjects=60, seed=7)[0], tmp_path / "site")
    made = flow.to_sdtm(flow.prepare(flow.tidy(study, flow.read(tmp_path / "site"))))
    frames: dict[str, pl.DataFrame] = {name: dataset.frame for name, dataset in made.sdtm.items()}
    subjects = frames["DM"]["USUBJID"].sort()
    plain = subjects.filter(~subjects.is_in(chosen([witnesses(frames, "USUBJID")]).implode()))[-1]
    for source in study.analysis.biomarkers:
        if source.of in frames:
            theirs = pl.all_horizontal(
                pl.lit(True), *(pl.col(c).is_in(list(words)) for c, words in dict(source.where).items())
            )
            frames[source.of] = frames[source.of].filter(~theirs)
    mine = {"USUBJID": plain, "MITESTCD": "PDL1", "MITEST": "PD-L1", "MISTRESN": 5.0, "MISTRESC": "5"}
    one = frames["MI"].head(1)
    row = one.with_columns(pl.lit(v).cast(one.schema[k]).alias(k) for k, v in mine.items() if k in one.columns)
    markers, records = {**frames, "MI": pl.concat([frames["MI"], row])}, 0
    for name in sorted(markers):
        number = (pl.int_range(pl.len()) + records).cast(pl.UInt32)
        records += markers[name].height
        markers[name] = markers[name].with_columns(_id=number)
    whole = derive(study, markers, cutoff=DATES["cutoff"])
    scratch, first = Scratch(), subjects.head(subjects.len() // 2).implode()
    early = pl.col("USUBJID").is_in(first)
    disk: dict[str, pl.DataFrame | Kept] = {
        name: scratch.rewritten([f.filter(early), f.filter(~early)], f.schema) if "USUBJID" in f.columns else f
        for name, f in markers.items()
    }
    (found,) = derive_shares([study], disk, cutoff=DATES["cutoff"], how=Spread())
    assert whole["ADBM"].frame["USUBJID"].unique().to_list() == [plain]
    assert list(found) == list(whole)
    assert found["ADBM"].frame.equals(whole["ADBM"].frame)
    assert found.reasons == whole.reasons


def exported(folder: Path, upload: Path, *words: str, kill: bool = False) -> tuple[dict[str, bytes], int]:
    """The files of `cdiscx export` with these words, and how many workers were killed in the middle."""
    start = [sys.executable, "-m", "cdiscx.cli", "export", str(upload), "--study", "palhep-a", "--quiet"]
    command = [*start, "--out", str(folder), "--despite-errors", "a test", "--format", "xpt,json", *words]
    run = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=ENV)
    killed = killed_workers(run) if kill else 0
    _, err = run.communicate(timeout=900)
    assert run.returncode == 0, err.decode()
    assert err == b""
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}, killed


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/stat").is_file(), reason="finds workers in /proc")
def test_an_export_has_the_same_bytes_whatever_the_number_of_workers_and_who_is_killed(tmp_path: Path) -> None:
    upload = write(grid_of(tangled("palhep-a", seed=1, subjects=6)), tmp_path / "site-01.xlsx")
    alone, _ = exported(tmp_path / "one", upload)
    assert len(alone) > 60
    for name, words, kill in (
        ("two", ("--workers", "2"), True),
        ("three", ("--workers", "3"), False),
        ("disk", ("--low-memory", "--partitions", "4"), False),
    ):
        files, killed = exported(tmp_path / name, upload, *words, kill=kill)
        assert killed or not kill
        assert list(files) == list(alone)
        assert [n for n in alone if files[n] != alone[n]] == []


@pytest.mark.slow
def test_a_cluster_of_three_processes_gives_the_datasets_of_one_piece(tmp_path: Path) -> None:
    distributed = pytest.importorskip("distributed", reason="needs the extra cdiscx[dask]")
    data = messy("palhep-a", 1)
    whole = flow.to_adam(flow.to_sdtm(data))
    with distributed.LocalCluster(n_workers=3, threads_per_worker=1, processes=True, dashboard_address=None) as made:
        where = {"cluster": made.scheduler_address, "partitions": 6}
        same_datasets(whole, flow.to_adam(flow.to_sdtm(data, **where), **where))
