"""The processes that `benchmarks/scale.py` starts: each measures one thing, or one way through, and prints a line of JSON a stage.

    python benchmarks/stages.py make|through|frames|read|rules|xpt|core FOLDER SUBJECTS [WHO]

`through` goes through all stages in one process (reading, tables, views, checks, SDTM, ADaM, endpoints, XPT); the others are what
a user would pick instead, each in a process of its own. Of every stage: seconds on the wall, seconds of processor (all threads and
children), the most memory the process held during it, and the seconds of processor that moving the same bytes takes (`floor`).
`frames` makes no more than the SDTM that `xpt` writes. For more than MOST subjects the workbooks and records of MOST are taken again
and again: that serves to read and to write them, not to check them (`benchmarks/large.py`).
"""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import os
import resource
import sys
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

STUDY = "palhep-a"
CUTOFF, TODAY = dt.date(2025, 6, 30), dt.date(2025, 7, 1)
A_SITE, MOST = 100, 10_000
STAMP = dt.datetime(2026, 1, 2, 3, 4, 5)
#: visits and doses a subject has in the ten rules that three libraries can say
VISITS = 20


def processor() -> float:
    """Seconds of processor time of this process and of those it started that have ended."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(u.ru_utime + u.ru_stime for u in used)


def forget_peak() -> None:
    """From now on the peak counts anew (Linux)."""
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def peak() -> float:
    """The most memory held since, in MB."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) / 1024


@contextlib.contextmanager
def stage(name: str, who: str = "cdiscx", **facts: Any) -> Iterator[dict[str, Any]]:
    """Measures what is done within and prints it; what is put into the mapping is printed too."""
    told: dict[str, Any] = dict(facts)
    forget_peak()
    wall, used = time.perf_counter(), processor()
    yield told
    wall, used = time.perf_counter() - wall, processor() - used
    told = {"stage": name, "who": who, "wall": wall, "cpu": used, "peak": peak(), **told}
    print(json.dumps(told), flush=True)


def cost(work: Callable[[], object]) -> float:
    """Seconds of processor of the quickest of three."""
    best = float("inf")
    for _ in range(3):
        start = processor()
        work()
        best = min(best, processor() - start)
    return best


def copied(frames: list[Any]) -> float:
    """What it costs to copy these frames in memory once."""
    import numpy as np

    size = int(sum(f.estimated_size() for f in frames))
    block = np.ones(max(size, 1), dtype=np.uint8)
    return max(
        cost(block.copy), size / 20e9
    )  # a clock of milliseconds sees no small copy: no memory is quicker than this


def unpacked(paths: list[Path]) -> float:
    """What it costs to read the workbooks and unpack every part."""

    def work() -> None:
        for path in paths:
            with zipfile.ZipFile(path) as book:
                for part in book.namelist():
                    book.read(part)

    return cost(work)


def stored(size: int, folder: Path) -> float:
    """What it costs to write so many bytes and to read them back."""
    data = os.urandom(1 << 20) * (size // (1 << 20) + 1)
    place = folder / "bytes"

    def work() -> None:
        place.write_bytes(data[:size])
        place.read_bytes()

    spent = cost(work)
    place.unlink()
    return max(spent, size / 20e9)


def make(folder: Path, subjects: int) -> None:
    """Clean workbooks of at most a hundred subjects each; every story of the study is told once in 24 subjects."""
    from cdiscx.samples import clean, write_xlsx

    (folder / "uploads").mkdir(parents=True, exist_ok=True)
    made = min(subjects, MOST)
    for n, upload in enumerate(clean(STUDY, sites=-(-made // A_SITE), subjects=made, seed=1), 1):
        write_xlsx(upload, folder / "uploads" / f"site-{n:04}.xlsx")
    books = sorted((folder / "uploads").iterdir())
    for more in range(n, -(-subjects // A_SITE)):
        (folder / "uploads" / f"site-{more + 1:04}.xlsx").hardlink_to(books[more % len(books)])
    size = sum(p.stat().st_size for p in (folder / "uploads").iterdir())
    print(
        json.dumps({"stage": "uploads", "workbooks": len(list((folder / "uploads").iterdir())), "bytes": size}),
        flush=True,
    )


def through(folder: Path, subjects: int) -> None:
    """All stages, one after the other; SDTM is left in `folder`/sdtm, its frames in `folder`/frames."""
    from cdiscx import flow
    from cdiscx.export.files import write
    from cdiscx.model.spec import Study
    from cdiscx.parts import Spread

    paths = sorted((folder / "uploads").iterdir())
    study = Study.load(STUDY)
    with stage("reading workbooks"):
        files = flow.read(*paths)
    with stage("cells to tables"):
        data = flow.tidy(study, files, today=TODAY)
    tables = [t.lazy().collect() for t in data.tidy.values()]
    with stage("views: time points, derived responses, exposure …") as told:
        ready = flow.prepare(data, cutoff=CUTOFF, today=TODAY)
        if data.shares is not None:
            told |= {"said": "a share at a time, in checking"}
    with stage("checking (catalogue, without expectations)") as told:
        report = flow._validated(ready, (), (), False, flow._quiet, Spread(1, None, None))
        told["findings"] = len(list(report))
    with stage("SDTM"):
        mapped = flow.to_sdtm(ready)
    with stage("ADaM"):
        derived = flow.to_adam(mapped)
    with stage("endpoints"):
        flow.analyse(derived, report)
    with stage("XPT: SDTM, limits checked and read back"):
        written = write(mapped.sdtm, folder / "sdtm", ["xpt"], stamp=STAMP, lossy=True)
    (folder / "frames").mkdir(exist_ok=True)
    for name, made in mapped.sdtm.items():
        made.public.write_parquet(folder / "frames" / f"{name.lower()}.parquet")
    print(json.dumps({"stage": "records", "records": sum(d.frame.height for d in mapped.sdtm.values()),
                      "cells": int(sum(t.height * t.width for t in tables))}), flush=True)  # fmt: skip
    source, sdtm = copied(tables), copied([d.frame for d in mapped.sdtm.values()])
    floors = {
        "reading workbooks": unpacked(paths),
        "cells to tables": source,
        "views: time points, derived responses, exposure …": source,
        "checking (catalogue, without expectations)": source,
        "SDTM": source + sdtm,
        "ADaM": sdtm + copied([d.frame for d in derived.adam.values()]),
        "XPT: SDTM, limits checked and read back": stored(sum(p.stat().st_size for p in written), folder),
    }
    print(json.dumps({"stage": "floors", "floors": floors}), flush=True)


def frames(folder: Path, subjects: int) -> None:
    """The SDTM of the first MOST subjects as often as makes `subjects`, in `folder`/frames."""
    import polars as pl

    from cdiscx import flow
    from cdiscx.model.spec import Study

    paths = sorted((folder / "uploads").iterdir())[: MOST // A_SITE]
    data = flow.to_sdtm(flow.tidy(Study.load(STUDY), flow.read(*paths), today=TODAY), cutoff=CUTOFF)
    (folder / "frames").mkdir()
    for name, made in data.sdtm.items():
        again = subjects // MOST if "USUBJID" in made.held.columns else 1
        pl.concat([made.public] * again).write_parquet(folder / "frames" / f"{name.lower()}.parquet")


def read(folder: Path, subjects: int, who: str) -> None:
    """Every cell of every workbook by a reader: ours gives text and kind of every cell and what is hidden, the others values."""
    paths = sorted((folder / "uploads").iterdir())
    if who == "cdiscx":
        from cdiscx import flow
        from cdiscx.registry import discover

        discover("cdiscx.read")
        with stage("reading workbooks", who):
            flow.read(*paths)
    elif who == "openpyxl":
        import openpyxl

        with stage("reading workbooks", who):
            for path in paths:
                book = openpyxl.load_workbook(path, read_only=True)
                for sheet in book.worksheets:
                    for _ in sheet.iter_rows(values_only=True):
                        pass
    elif who == "calamine":
        import python_calamine

        with stage("reading workbooks", who):
            for path in paths:
                opened = python_calamine.CalamineWorkbook.from_path(path)
                for name in opened.sheet_names:
                    opened.get_sheet_by_name(name).to_python(skip_empty_area=False)
    else:
        import fastexcel
        import polars  # noqa: F401  else its import is measured

        with stage("reading workbooks", who):
            for path in paths:
                excel = fastexcel.read_excel(path)
                for name in excel.sheet_names:
                    excel.load_sheet(name, header_row=None, skip_rows=0, dtypes="string").to_polars()


def rules(folder: Path, subjects: int, who: str) -> None:
    """Ten rules on visits and doses that three libraries can say (`benchmarks/checks.py`), with every offending row."""
    import warnings

    from checks import SIDES, data

    warnings.simplefilter("ignore")
    side = SIDES[who]
    side(*(frame.head(100) for frame in data(1000)))  # imports and first compilations are not measured
    visits, doses = data(subjects * VISITS)
    with stage("ten rules on visits and doses", who, rows=2 * visits.height) as told:
        told["found"] = side(visits, doses)


def xpt(folder: Path, subjects: int, who: str) -> None:
    """The same SDTM frames written as XPT without checks: by us, and by ReadStat."""
    import polars as pl

    from cdiscx.export.facts import Facts
    from cdiscx.export.xpt import write_xpt
    from cdiscx.model.dataset import Dataset, Variable

    frames = {p.stem.upper(): pl.read_parquet(p) for p in sorted((folder / "frames").iterdir())}
    out = folder / f"xpt-{who}"
    out.mkdir(exist_ok=True)
    if who == "cdiscx":
        kinds = {pl.String: "text", pl.Date: "date"}
        made = {
            n: Dataset(n, n, "", "", (), tuple(Variable(c, c, kinds.get(type(t), "float")) for c, t in f.schema.items()), f)  # type: ignore[arg-type,call-overload]
            for n, f in frames.items()
        }  # fmt: skip
        with stage("XPT: SDTM, written only", who):
            for name, dataset in made.items():
                write_xpt(dataset, out / f"{name.lower()}.xpt", Facts(STAMP))
        return
    import pyreadstat

    with stage("XPT: SDTM, written only", who):
        for name, frame in frames.items():
            pyreadstat.write_xport(frame, str(out / f"{name.lower()}.xpt"), table_name=name, file_format_version=5)


def core(folder: Path, subjects: int, who: str) -> None:
    """Rules for finished SDTM on the same transport files: the project's own, and CDISC CORE where CDISCX_CORE starts it."""
    from cdiscx.conform.referees import CORE_COMMAND
    from cdiscx.conform.referees import core as asked

    name = "rules for finished SDTM"
    if who == "cdiscx":
        from cdiscx.conform import conformance
        from cdiscx.model.spec import Study
        from cdiscx.read.datasets import read_datasets

        with stage(name, who) as told:
            frames = read_datasets(folder / "sdtm")
            report = conformance(frames, Study.load(STUDY))
            told["rules"] = len(report.checks)
        return
    with stage(name, who) as told:
        verdict = asked(folder / "sdtm", os.environ[CORE_COMMAND], analysis=False, define=None)
        told["rules"] = verdict.rules
        told["note"] = verdict.reason
        told["peak"] = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024  # of its largest process
    if verdict.status.value in ("skipped", "errored"):
        sys.exit(f"CORE: {verdict.reason}")


if __name__ == "__main__":
    what, place, count = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
    globals()[what](place, count, *sys.argv[4:])
