"""Finished SDTM that waits on disk, a share of the subjects at a time, breaks the rules that it breaks in memory."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from test_sdtm_rules import BROKEN, Frames, study

from cdiscx.conform import conformance
from cdiscx.model.finding import Report
from cdiscx.model.kept import Kept
from cdiscx.read.datasets import read_datasets
from cdiscx.read.datasets_on_disk import open_datasets


def many(change: Callable[[Frames], None] | None, scattered: bool) -> Frames:
    """The study of the rules and a broken one under other subjects' numbers in one; `scattered`: records in no order."""
    whole = study()
    broken = study()
    if change:
        change(broken)
    made = {}
    for name, own in broken.items():
        made[name] = own
        if "USUBJID" in own.columns and name in whole:
            others = whole[name].select(c for c in own.columns if c in whole[name].columns)
            who = pl.col("USUBJID").cast(pl.String).str.replace("-01-0", "-01-1", literal=True)
            made[name] = pl.concat([others.with_columns(who), own], how="diagonal_relaxed").select(own.columns)
        if scattered:
            order = random.Random(name).sample(range(made[name].height), made[name].height)
            made[name] = made[name][order]
    return made


def told(report: Report) -> tuple[object, ...]:
    return (
        report.run,
        report.findings,
        [(c.check_id, c.status, c.reason, c.rows, c.hits, c.traceback) for c in report.checks],
    )


def compared(frames: Frames, folder: Path, parts: int) -> Report:
    for name, frame in frames.items():
        frame.write_parquet(folder / f"{name.lower()}.parquet")
    held = open_datasets(folder, low_memory=True, partitions=parts)
    assert all(isinstance(frame, Kept) for frame in held.values())
    found, whole = conformance(held), conformance(read_datasets(folder))
    assert told(found) == told(whole)
    return whole


@pytest.mark.parametrize(("rule_id", "change"), [(r, c) for r, c, *_ in BROKEN], ids=[f"{r}-{i}" for i, (r, *_) in enumerate(BROKEN)])  # fmt: skip
def test_a_rule_finds_in_shares_what_it_finds_in_all(
    rule_id: str, change: Callable[[Frames], None], tmp_path: Path
) -> None:
    report = compared(many(change, scattered=True), tmp_path, 3)
    assert rule_id in {f.check_id for f in report}


def test_what_only_several_subjects_show_is_found(tmp_path: Path) -> None:
    frames = many(None, scattered=False)
    last = pl.int_range(pl.len()) == pl.len() - 1
    frames["LB"] = frames["LB"].with_columns(LBSTRESU=pl.when(last).then(pl.lit("other")).otherwise("LBSTRESU"))
    frames["AE"] = frames["AE"].with_columns(STUDYID=pl.when(last).then(pl.lit("XYZ")).otherwise("STUDYID"))
    frames["TR"] = frames["TR"].with_columns(TRTEST=pl.when(last).then(pl.lit("Another")).otherwise("TRTEST"))
    frames["SV"] = frames["SV"].with_columns(VISIT=pl.when(last).then(pl.lit("ANOTHER")).otherwise("VISIT"))
    report = compared(frames, tmp_path, 4)
    assert {"CNF-106", "CNF-114", "CNF-115"} <= {f.check_id for f in report}


def test_without_subjects_in_any_dataset_all_is_looked_at(tmp_path: Path) -> None:
    compared({"TS": study()["TS"]}, tmp_path, 3)


def test_keys_beyond_a_subject_are_judged_over_all_records(tmp_path: Path) -> None:
    frames = many(None, scattered=False)
    for name, frame in frames.items():
        frame.write_parquet(tmp_path / f"{name.lower()}.parquet")
    held, keys = open_datasets(tmp_path, low_memory=True, partitions=2), {"DM": ("STUDYID", "SITEID")}
    found = conformance(held, keys=keys)
    assert told(found) == told(conformance(read_datasets(tmp_path), keys=keys))
    assert "CNF-110" in {f.check_id for f in found}
