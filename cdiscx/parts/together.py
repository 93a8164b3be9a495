"""What several shares of the subjects made, as one dataset."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from cdiscx.model.dataset import Dataset
from cdiscx.model.kept import Kept, Scratch


def together(described: Dataset, frames: Sequence[pl.DataFrame | Kept | None], scratch: Scratch | None) -> Dataset:
    """The records of all shares under the variables of the dataset; on disk a file a share.

    Raises RuntimeError where a share has a value that nobody has shown: our bug, and never a dataset that lacks it.
    """
    schema = described.frame.schema

    def fitting(held: pl.DataFrame | Kept | None) -> pl.DataFrame:
        if held is None or not held.height:
            return described.frame.clear()
        frame = held.load() if isinstance(held, Kept) else held
        strange = [c for c in frame.columns if c not in schema and frame.get_column(c).null_count() < frame.height]
        if strange:
            raise RuntimeError(f"{described.name}: no witness for {', '.join(strange)}")
        own = [pl.col(c) if c in frame.columns else pl.lit(None, t).alias(c) for c, t in schema.items()]
        return frame.select(own).cast(schema)

    if scratch is None:
        return described.with_(frame=pl.concat([fitting(frame) for frame in frames]))
    made = scratch.rewritten((fitting(frame) for frame in frames), schema)
    scratch.drop(frame for frame in frames if isinstance(frame, Kept))
    return described.with_(frame=made)
