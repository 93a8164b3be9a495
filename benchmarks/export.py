"""A transport file of 1,000,000 records with 20 variables: cdiscx, ReadStat through pyreadstat, and pandas, side by side.

Eight numbers, ten texts and two dates. Each writer runs in a process of its own on the same frame, rounds take turns, the
best counts; CPU seconds of the process in writing (the frame is there, imports are done), then its peak memory above the
frame's. cdiscx is measured twice: writing alone, and as `cdiscx sdtm` does it, with the limits checked before and every
value read back after. ReadStat's bytes are compared with ours: they are the same but for the time stamp.
Run: python benchmarks/export.py [RECORDS] [ROUNDS]
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

WRITERS = (
    "cdiscx: write",
    "cdiscx: limits, write, read back",
    "pyreadstat (polars frame)",
    "pyreadstat (pandas frame)",
)
_STAMP = dt.datetime(2026, 1, 2, 3, 4, 5)


def frame(rows: int):  # type: ignore[no-untyped-def]
    """Seeded data with 10 % missing values."""
    import numpy as np
    import polars as pl

    rng = np.random.default_rng(1)
    missing = [pl.Series(rng.random(rows) < 0.1) for _ in range(3)]
    columns: dict[str, pl.Series] = {}
    for i in range(8):
        columns[f"NUM{i}"] = pl.Series(rng.normal(50, 20, rows).round(3))
    for i in range(10):
        columns[f"TEXT{i}"] = "VALUE " + pl.Series(rng.integers(0, 10 ** (i + 1), rows)).cast(pl.String)
    for i in range(2):
        columns[f"DAY{i}DT"] = pl.Series(rng.integers(17000, 20000, rows).astype("int32")).cast(pl.Date)
    for i, (name, column) in enumerate(columns.items()):
        blank = pl.Series([None], dtype=column.dtype)
        columns[name] = column.zip_with(~missing[i % 3], blank) if i % 2 else column
    return pl.DataFrame(columns)


def one(writer: str, rows: int, folder: Path) -> dict[str, object]:
    """Writes once and measures; run in a process of its own."""
    import polars as pl
    import pyreadstat

    from cdiscx.export.facts import Facts
    from cdiscx.export.files import write
    from cdiscx.export.limits import limits
    from cdiscx.export.xpt import write_xpt
    from cdiscx.model.dataset import Dataset, Variable

    data = frame(rows)
    labels = [f"Label of {name}" for name in data.columns]
    formats = {name: "DATE9." for name, kind in data.schema.items() if kind == pl.Date}
    types = {pl.Float64: "float", pl.String: "text", pl.Date: "date"}
    variables = tuple(
        Variable(n, label, types[type(k)])  # type: ignore[arg-type]
        for (n, k), label in zip(data.schema.items(), labels, strict=True)
    )
    made = Dataset("LB", "Laboratory", "FINDINGS", "", (), variables, data)
    path = folder / "lb.xpt"
    pandas = data.to_pandas() if "pandas" in writer else None
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    wall, cpu = time.perf_counter(), time.process_time()
    if writer == WRITERS[0]:
        write_xpt(made, path, Facts(_STAMP))
    elif writer == WRITERS[1]:
        limits({"LB": made})
        write({"LB": made}, folder, ["xpt"], stamp=_STAMP)
    else:
        given = data if pandas is None else pandas
        pyreadstat.write_xport(
            given, str(path), table_name="LB", file_label="Laboratory", column_labels=labels, variable_format=formats,
            file_format_version=5,
        )  # fmt: skip
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    peak = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    content = bytearray(path.read_bytes())
    for place in (144, 160, 464, 480):
        content[place : place + 16] = b" " * 16
    return {"cpu": cpu, "wall": wall, "peak": peak, "sha256": hashlib.sha256(content).hexdigest()}


def main(rows: int, rounds: int) -> None:
    """Prints one line a writer."""
    best: dict[str, dict[str, object]] = {}
    for _ in range(rounds):
        for writer in WRITERS:
            with tempfile.TemporaryDirectory() as folder:
                command = [sys.executable, __file__, "--one", writer, str(rows), folder]
                done = subprocess.run(command, capture_output=True, text=True, check=True)
            said = json.loads(done.stdout)
            if writer not in best or said["cpu"] < best[writer]["cpu"]:
                best[writer] = said
    base = float(str(best[WRITERS[2]]["cpu"]))
    print(f"{rows:,} records x 20 variables, best of {rounds}")
    print(f"{'writer':<36}{'CPU s':>8}{'wall s':>8}{'peak MB':>9}{'ratio':>7}")
    for writer, said in best.items():
        cpu, wall, peak = (float(str(said[k])) for k in ("cpu", "wall", "peak"))
        print(f"{writer:<36}{cpu:>8.2f}{wall:>8.2f}{peak:>9.0f}{cpu / base:>7.2f}")
    same = {said["sha256"] for writer, said in best.items() if "pandas frame" not in writer}
    print("the bytes are the same" if len(same) == 1 else "THE BYTES DIFFER")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        print(json.dumps(one(sys.argv[2], int(sys.argv[3]), Path(sys.argv[4]))))
    else:
        main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000, int(sys.argv[2]) if len(sys.argv) > 2 else 3)
