"""ADaM of SDTM datasets that wait on disk is ADaM of SDTM datasets in memory, to the byte, with its lineage."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from grids import grid_of, in_memory
from spread_kit import DATES
from tangle import tangled

from cdiscx import flow
from cdiscx.delivery import Order, deliver_adam
from cdiscx.model.spec import Study


def scattered(study: str, folder: Path) -> Path:
    """SDTM of uploads full of defects as somebody else may have it: records in no order, some of nobody or of a stranger."""
    files = [in_memory(grid_of(tangled(study, seed=s, subjects=8)), f"site-{s}.xlsx") for s in (1, 2)]
    data = flow.to_sdtm(flow.tidy(Study.load(study), files, today=DATES["today"]), cutoff=DATES["cutoff"])
    folder.mkdir()
    for n, (name, made) in enumerate(data.sdtm.items()):
        frame = made.public
        if name in ("TR", "RS", "AE") and frame.height > 2:
            stranger = frame.head(2).with_columns(USUBJID=pl.Series([None, "A-STRANGER"], dtype=pl.String))
            frame = pl.concat([frame, stranger])
        frame.sample(fraction=1.0, shuffle=True, seed=n).write_parquet(folder / f"{name.lower()}.parquet")
    return folder


@pytest.mark.parametrize("study", ["palhep-a", "neopvtt-b"])
def test_adam_of_sdtm_on_disk_is_that_of_sdtm_in_memory(study: str, tmp_path: Path) -> None:
    sdtm = scattered(study, tmp_path / "sdtm")
    made = {}
    for how in ({"low_memory": False}, {"low_memory": True, "partitions": 3}):
        out = tmp_path / str(len(made))
        deliver_adam((), sdtm, Order(study, formats=("parquet",), cutoff=DATES["cutoff"], **how), out)  # type: ignore[arg-type]
        made[str(how)] = {p.relative_to(out).as_posix(): p.read_bytes() for p in out.rglob("*") if p.is_file()}
    first, other = made.values()
    assert {"adam/adrs.parquet", "adam/lineage.parquet"} <= set(first)
    assert pl.read_parquet(first["adam/adrs.parquet"]).height > 50
    assert set(other) == set(first)
    assert {n for n in first if first[n] != other[n]} == set()
