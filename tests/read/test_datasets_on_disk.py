"""Datasets larger than memory: a file a share of the subjects, types that hold for all pieces, and when it is done."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pyreadstat
import pytest

from cdiscx.model.errors import UploadError
from cdiscx.model.kept import Kept
from cdiscx.read import datasets_on_disk as room
from cdiscx.read.datasets import read_datasets
from cdiscx.read.datasets_on_disk import open_datasets

DM = pl.DataFrame({"USUBJID": ["S-3", "S-1", "S-4", "S-2"], "AGE": [61.0, 62.0, 63.0, 64.0]})
TR = pl.DataFrame(
    {
        "USUBJID": ["S-4", "S-1", None, "S-9", "S-1", "S-3"],
        "TRSEQ": [1.0, 2.0, 3.0, 4.0, 5.0, 6.0],
        "VISITNUM": [1.0, 1.5, 2.0, 3.0, 4.0, 5.0],
    }
)
TS = pl.DataFrame({"TSSEQ": [1.0, 2.0], "TSVAL": ["a", "b"]})


def files(held: pl.DataFrame | Kept, column: str) -> list[list[object]]:
    assert isinstance(held, Kept)
    return [pl.read_ipc(path).get_column(column).to_list() for path in held.paths]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, frame in (("DM", DM), ("TR", TR), ("TS", TS)):
        frame.write_parquet(tmp_path / f"{name.lower()}.parquet")
    return tmp_path


def test_a_file_is_a_share_of_the_subjects_in_their_order_and_strangers_are_in_the_first(folder: Path):
    found = open_datasets(folder, low_memory=True, partitions=2)
    assert files(found["DM"], "USUBJID") == [["S-1", "S-2"], ["S-3", "S-4"]]
    assert files(found["TR"], "USUBJID") == [["S-1", None, "S-9", "S-1"], ["S-4", "S-3"]]
    assert files(found["TR"], "_id") == [[5, 6, 7, 8], [4, 9]]
    assert files(found["TS"], "_id") == [[10, 11]]


def test_more_shares_than_subjects_are_files_without_records(folder: Path):
    found = open_datasets(folder, low_memory=True, partitions=6)
    assert sorted(len(f) for f in files(found["DM"], "AGE")) == [0, 0, 1, 1, 1, 1]
    assert len(files(found["TR"], "TRSEQ")) == 6


def test_a_type_holds_for_all_records_of_all_pieces(folder: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(room, "ROWS", 1)
    pl.DataFrame(
        {"USUBJID": ["S-1", "S-2"], "TRTSDT": ["2024-03-05", "2024-03"], "TRTEDT": ["2024-03-05", None], "AGE": [1, 2]}
    ).write_parquet(folder / "adsl.parquet")
    found, whole = open_datasets(folder, low_memory=True), read_datasets(folder)
    assert {n: held.schema for n, held in found.items()} == {n: frame.schema for n, frame in whole.items()}
    assert found["TR"].schema["TRSEQ"] == pl.Int64
    assert found["TR"].schema["VISITNUM"] == pl.Float64
    assert found["ADSL"].schema["TRTSDT"] == pl.String
    assert found["ADSL"].schema["TRTEDT"] == pl.Date


@pytest.mark.parametrize("size", [1, 7, 100])
def test_a_transport_file_is_the_same_in_pieces_of_any_size(size: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    texts = [f"{n % 7} é 肝"[: 1 + n % 5] or None for n in range(40)]
    frame = pl.DataFrame(
        {"USUBJID": [f"S-{n % 9}" for n in range(40)], "XXTERM": texts, "XXSEQ": [n / 2 for n in range(40)]}
    )
    pyreadstat.write_xport(frame, str(tmp_path / "xx.xpt"), table_name="XX", file_format_version=5)
    raw = (tmp_path / "xx.xpt").read_bytes()
    (tmp_path / "xx.xpt").write_bytes(raw.replace("肝".encode(), b"\xb1\xe9 "))
    monkeypatch.setattr(room, "_BYTES", size)
    found = open_datasets(tmp_path, low_memory=True)["XX"]
    assert isinstance(found, Kept)
    assert found.load().equals(read_datasets(tmp_path)["XX"])


def test_large_folders_wait_on_disk_unless_told_otherwise(folder: Path, monkeypatch: pytest.MonkeyPatch):
    assert all(isinstance(held, pl.DataFrame) for held in open_datasets(folder).values())
    monkeypatch.setattr(room, "LARGE", 10)
    assert all(isinstance(held, Kept) for held in open_datasets(folder).values())
    assert all(isinstance(held, pl.DataFrame) for held in open_datasets(folder, low_memory=False).values())


def test_without_subjects_there_is_one_share(folder: Path):
    (folder / "dm.parquet").unlink()
    found = open_datasets(folder, low_memory=True)
    assert [len(f) for f in files(found["TR"], "TRSEQ")] == [6]


def test_one_dataset_in_two_files_is_refused(folder: Path):
    pyreadstat.write_xport(DM, str(folder / "people.xpt"), table_name="DM", file_format_version=5)
    with pytest.raises(UploadError, match=r"people\.xpt holds dataset DM, which another file"):
        open_datasets(folder, low_memory=True)
