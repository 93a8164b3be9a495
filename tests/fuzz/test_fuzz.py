"""Broken files of every kind are read, or refused in one line: 500 in every run, 10,000 in the nightly one."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from fuzzing import fuzzed
from readers import readers

KINDS = (
    "xlsx", "ods", "xls", "csv", "zip", "study", "mapping", "define", "xpt", "json", "ndjson", "parquet", "tabular",
)  # fmt: skip


def memory() -> int:
    """Most memory this process has used, in MB."""
    resource = pytest.importorskip("resource", reason="needs POSIX limits")
    return int(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // (1024**2 if sys.platform == "darwin" else 1024))


@pytest.mark.parametrize("kind", KINDS)
def test_a_good_file_of_every_kind_is_read(kind: str, tmp_path: Path) -> None:
    reader = readers(tmp_path)[kind]
    folder = tmp_path / "good"
    folder.mkdir()
    (folder / reader.suffix).write_bytes(reader.good)
    assert reader.read(folder / reader.suffix) is not None


def judge(cases: int, seed: int, folder: Path) -> None:
    chosen = readers(folder)
    assert tuple(chosen) == KINDS
    before = memory()
    (folder / "cases").mkdir()
    out = fuzzed(cases, seed, chosen, folder / "cases")
    assert not out.wrong, "\n".join(out.wrong)
    assert sum(out.read.values()) + sum(out.refused.values()) >= cases - len(KINDS)
    assert set(out.refused) == set(KINDS), "a kind of which no broken file is refused is not tested"
    assert memory() - before < 1024
    assert sorted(p.name for p in (folder / "cases").iterdir()) == sorted(KINDS)


def test_five_hundred_broken_files_are_read_or_refused_in_one_line(tmp_path: Path) -> None:
    judge(500, 1, tmp_path)


@pytest.mark.slow
def test_ten_thousand_broken_files_are_read_or_refused_in_one_line(tmp_path: Path) -> None:
    judge(10_000, 2, tmp_path)
