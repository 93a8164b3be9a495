"""What is made of datasets by runs of subjects, in memory or on disk, is what is made of them in one piece."""

from __future__ import annotations

import pickle
from pathlib import Path

import polars as pl
import pytest
from grids import grid_of, write
from spread_kit import DATES
from tangle import tangled

from cdiscx import flow
from cdiscx.adam.shares import Portion
from cdiscx.delivery import Order, deliver_adam, deliver_sdtm
from cdiscx.export import portions as cutting
from cdiscx.export.lineage import lineage, lineage_adam
from cdiscx.export.portions import portions
from cdiscx.model.dataset import Dataset
from cdiscx.model.kept import Kept, Scratch, changed, copied, pieces, regrouped
from cdiscx.model.spec import Study
from cdiscx.model.table import StudyData
from cdiscx.parts.shares import packed, unpacked


def derived(path: Path) -> StudyData:
    data = flow.tidy(Study.load("palhep-a"), flow.read(path), today=DATES["today"])
    return flow.to_adam(flow.to_sdtm(flow.prepare(data, **DATES)))


def test_lineage_by_runs_of_subjects_is_that_of_all_subjects(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = derived(write(grid_of(tangled("palhep-a", seed=1, subjects=6)), tmp_path / "site-01.xlsx"))
    frames = {name: dataset.frame for name, dataset in data.sdtm.items()}
    whole = lineage(data.sdtm, data), lineage_adam(data.adam, frames)
    assert portions(frames).number == 1
    monkeypatch.setattr(cutting.portions, "__defaults__", (300,))
    by = portions(frames)
    assert by.number >= 4
    assert any(by.scattered(name) for name in frames)
    parts = lineage(data.sdtm, data), lineage_adam(data.adam, frames)
    for one, other in zip(whole, parts, strict=True):
        assert one.height > 5_000
        assert one.equals(other)


def test_every_record_is_in_one_portion_under_its_number() -> None:
    subjects = ["c", "a", None, "b", "a", "d"]
    held = {"X": pl.DataFrame({"USUBJID": subjects, "N": range(1, 7)}), "T": pl.DataFrame({"N": [1, 2]})}
    by = portions(held, 2)
    assert by.number > 1
    found = list(by)
    assert sorted(pl.concat([p["X"] for p in found]).select("N", "_record").rows()) == [(n, n) for n in range(1, 7)]
    assert all(p["T"].get_column("N").to_list() == [1, 2] for p in found)
    whose = [set(p["X"].get_column("USUBJID").drop_nulls()) for p in found]
    assert sum(map(len, whose)) == len(set().union(*whose))


def test_a_frame_on_disk_is_changed_file_by_file_and_regrouped_without_a_row_lost() -> None:
    scratch = Scratch()
    schema = pl.Schema({"N": pl.Int64})
    kept = scratch.rewritten((pl.DataFrame({"N": part}, schema=schema) for part in ([1, 2, 3], [], [4])), schema)
    assert (kept.height, len(kept.paths)) == (4, 3)
    more = changed(kept, lambda frame, start: frame.with_columns(start=pl.lit(start, pl.Int64)), keep=True)
    assert more.load().rows() == [(1, 0), (2, 0), (3, 0), (4, 3)]
    assert [f.get_column("N").to_list() for f in regrouped(pieces(kept), 2)] == [[1, 2], [3, 4]]
    assert [f.get_column("N").to_list() for f in regrouped(pieces(kept), 3)] == [[1, 2, 3], [4]]
    assert [f.height for f in regrouped([kept.load().clear()], 3)] == [0]


def test_few_rows_of_many_hold_no_text_but_their_own() -> None:
    numbers = pl.Series("N", range(10_000))
    many = pl.select(A=pl.format("a text of more than twelve letters: {}", numbers), B=numbers).with_columns(
        C=pl.concat_list("A", pl.lit("and one more in a list"))
    )
    picked = many.filter(pl.col("B") % 5_000 == 7)
    few = copied(picked)
    assert few.equals(picked)
    assert few.schema == many.schema
    assert copied(picked.clear()).schema == many.schema

    def held(frame: pl.DataFrame) -> int:
        found = frame.get_column("A").to_arrow(compat_level=pl.CompatLevel.newest()).buffers()
        return sum(buffer.size for buffer in found if buffer is not None)

    assert held(picked) > 100_000 > 1_000 > held(few)


def test_sdtm_and_adam_on_disk_are_made_without_a_look_at_more_than_one_file_of_a_dataset(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(grid_of(tangled("palhep-a", seed=1, subjects=6)), tmp_path / "site-01.xlsx")
    files = flow.read(path, low_memory=True)
    data = flow.tidy(Study.load("palhep-a"), files, today=DATES["today"], partitions=3)
    seen, lazy = [], Kept.lazy

    def looked_at(kept: Kept) -> pl.LazyFrame:
        if "_block" in kept.columns:
            seen.append((len(kept.paths), kept.columns))
        return lazy(kept)

    monkeypatch.setattr(Kept, "lazy", looked_at)
    made = flow.to_adam(flow.to_sdtm(flow.prepare(data, **DATES)))
    assert all(len(d.held.paths) == 3 for d in made.adam.values() if isinstance(d.held, Kept))
    assert seen
    assert [columns for number, columns in seen if number > 1 and "ARMCD" not in columns] == []  # DM: one a subject


def test_a_share_of_sdtm_goes_as_it_lies_on_disk_and_packed_to_another_machine() -> None:
    frame = pl.DataFrame({"USUBJID": ["S-1", "S-1"], "AETERM": ["Fever", None]})
    kept = Scratch().keep(frame)
    share = Portion((Study.load("palhep-a"),), {"AE": kept, "DM": packed(frame)}, DATES["cutoff"], ({},))
    away = share.sent()
    assert all(isinstance(parcel, bytes) for parcel in away.frames.values())
    for found in (share, away, pickle.loads(pickle.dumps(share))):
        assert all(unpacked(parcel).equals(frame) for parcel in found.frames.values())


@pytest.mark.parametrize("made", ["sdtm", "adam"])
def test_no_dataset_on_disk_with_more_than_a_record_a_subject_is_ever_in_memory_whole(
    made: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(grid_of(tangled("palhep-a", seed=1, subjects=6)), tmp_path / "site-01.xlsx")
    whole: list[str] = []
    load, some = Kept.load, Dataset.some

    def loaded(kept: Kept) -> pl.DataFrame:
        several = len(kept.paths) > 1 and kept.height > 12  # DM and ADSL have one record a subject
        if several and kept.schema.keys() & {"_from", "STUDYID"}:
            whole.append(f"{kept.columns}")
        return load(kept)

    def selected(dataset: Dataset, columns: list[str]) -> pl.DataFrame:
        if isinstance(dataset.held, Kept) and sum(not c.startswith("_") for c in columns) > 6:
            whole.append(f"{dataset.name} {columns}")
        return some(dataset, columns)

    monkeypatch.setattr(Kept, "load", loaded)
    monkeypatch.setattr(Dataset, "some", selected)
    order = Order(
        "palhep-a", formats=("xpt", "json"), cutoff=DATES["cutoff"], despite="a test", low_memory=True, partitions=3
    )
    out = tmp_path / "out" / made
    told = deliver_sdtm([path], order, out) if made == "sdtm" else deliver_adam([path], None, order, out)
    assert len(told.files) > 10
    assert whole == []
