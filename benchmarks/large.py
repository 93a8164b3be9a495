"""Uploads larger than memory: stage by stage what a run takes and holds: `python benchmarks/large.py SUBJECTS [VERB ...]`.

    python benchmarks/large.py 10000 derive           read, tidy, validate, SDTM and ADaM in one process, nothing written
    python benchmarks/large.py 10000 sdtm adam export whole deliveries: datasets, define.xml, lineage, manifest
    python benchmarks/large.py 10000 sdtm again       ADaM of the transport files that `sdtm` wrote (`cdiscx adam --sdtm`)
    python benchmarks/large.py 3000 same              findings of tables on disk are those of tables in memory, in their order

The uploads are csv folders of `palhep-a`, 1,000 subjects a site: a clean sample of 200 subjects, repeated under new subject
numbers. Each verb is a process of its own, with tables on disk (`--low-memory`) and the default number of shares (`--partitions`
says another). The memory is the most that the process held in a stage (VmHWM, set back at each stage; Linux only).
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import polars as pl
from stages import forget_peak, peak, processor

STUDY = "palhep-a"
SAMPLE, SITE = 200, 1_000
VERBS = ("derive", "sdtm", "adam", "export", "again", "same")


def make(subjects: int, folder: Path) -> None:
    """A csv folder a site."""
    from cdiscx.samples import clean, write_csv_folder

    write_csv_folder(clean(STUDY, sites=1, subjects=SAMPLE, seed=1)[0], folder / "sample")
    sheets = {path.name: pl.read_csv(path, infer_schema=False) for path in sorted((folder / "sample").glob("*.csv"))}
    for site in range(-(-subjects // SITE)):
        place = folder / "uploads" / f"site-{site + 1:03}"
        place.mkdir(parents=True)
        for name, rows in sheets.items():
            with (place / name).open("wb") as file:
                for first in range(site * SITE, min((site + 1) * SITE, subjects), SAMPLE):
                    number = pl.col("Subject ID").cast(pl.Int64)
                    part = rows.filter(number <= subjects - first).with_columns(
                        (number + first).cast(pl.String).str.zfill(6).alias("Subject ID")
                    )
                    if "Site ID" in part.columns:
                        part = part.with_columns(pl.lit(f"{site + 1:03}").alias("Site ID"))
                    part.write_csv(file, include_header=first == site * SITE)


#: stages of an export -> those of the tables of `scale.py`
NAMED = {
    "reading": "stage: reading workbooks",
    "reading cells": "stage: cells to tables",
    "checking shares of the subjects": "stage: checking (catalogue, without expectations)",
    "mapping to SDTM": "stage: SDTM",
    "deriving ADaM": "stage: ADaM",
    "computing endpoints": "stage: endpoints",
    "writing sdtm datasets": "stage: XPT: SDTM, limits checked and read back",
    "all": "command: cdiscx export",
}


def kept(results: Path, subjects: int, stage: str, told: str) -> None:
    """A stage of an export in the results of `scale.py`, said to be of csv."""
    from scale import Bench

    if stage in NAMED:
        with_expectations = ", with expectations" if stage.startswith("checking") else ""
        Bench(0, results).keep(NAMED[stage], subjects, {"said": f"{told} (csv{with_expectations})"})


class Stages:
    """Prints what each stage took, when the next one begins; `results`: where it is kept as well."""

    def __init__(self, results: Path | None = None, subjects: int = 0) -> None:
        self.results, self.subjects = results, subjects
        self.start, self.name, self.most = time.perf_counter(), "start", 0.0
        self.wall, self.used = self.start, processor()

    def next(self, name: str) -> None:
        """The stage before ends here. Checks that are told one by one are no stages."""
        if name[:3].isupper() and name[3:4] == "-":
            return
        wall, used, held = time.perf_counter(), processor(), peak()
        self.most = max(self.most, held)
        self.tell(self.name, used - self.used, wall - self.wall, held)
        forget_peak()
        self.name, self.wall, self.used = name, wall, used

    def end(self) -> None:
        """The last line."""
        self.next("end")
        wall = time.perf_counter() - self.start
        self.tell("all", processor(), wall, self.most)

    def tell(self, stage: str, used: float, wall: float, held: float) -> None:
        """One line."""
        print(f"{stage:<45} {used:8.1f} s cpu {wall:8.1f} s {held:8,.0f} MB", flush=True)
        if self.results:
            kept(self.results, self.subjects, stage, f"{used:,.0f} / {wall:,.0f} s, {held:,.0f} MB")


def deliver(verb: str, uploads: list[Path], out: Path, partitions: int | None, stages: Stages) -> None:
    """One of the verbs that write."""
    from cdiscx.delivery import Order, deliver_adam, deliver_all, deliver_sdtm

    order = Order(STUDY, despite="a benchmark", progress=stages.next, low_memory=True, partitions=partitions)
    if verb == "sdtm":
        deliver_sdtm(uploads, order, out)
    elif verb == "adam":
        deliver_adam(uploads, None, order, out)
    elif verb == "again":
        deliver_adam((), out.with_name("sdtm") / "sdtm", order, out)
    else:
        deliver_all(uploads, order, out)
    stages.end()


def derive(uploads: list[Path], partitions: int | None) -> None:
    """Read, tidy, validate, map and derive; how much there was."""
    from cdiscx import flow
    from cdiscx.model.spec import Study

    stages = Stages()
    files = flow.read(*uploads, low_memory=True, progress=stages.next)
    data = flow.prepare(flow.tidy(Study.load(STUDY), files, partitions=partitions, progress=stages.next))
    stages.next("checking")
    report = flow.validate(data, expectations=False)
    data = flow.to_adam(flow.to_sdtm(data, progress=stages.next), progress=stages.next)
    stages.end()
    rows, sdtm = sum(t.height for t in data.tidy.values()), sum(d.held.height for d in data.sdtm.values())
    print(
        f"{rows:,} rows, {data.shares.number} shares, {len(report.findings):,} findings, {sdtm:,} SDTM records",
        end=", ",
    )
    print(f"{sum(d.held.height for d in data.adam.values()):,} ADaM records")


def same(uploads: list[Path], partitions: int | None) -> None:
    """Findings in memory and on disk."""
    from cdiscx import flow
    from cdiscx.model.spec import Study

    found = []
    for low in (True, False):
        stages = Stages()
        files = flow.read(*uploads, low_memory=low)
        data = flow.tidy(Study.load(STUDY), files, partitions=partitions if low else None)
        found.append(flow.validate(data, expectations=False).findings)
        stages.name = "on disk" if low else "in memory"
        stages.end()
        del files, data
    print(f"{len(found[0]):,} findings, {'the same in the same order' if found[0] == found[1] else 'NOT THE SAME'}")
    if found[0] != found[1]:
        raise SystemExit(1)


def main() -> None:
    """Makes the uploads and runs each verb in a process of its own."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("subjects", type=int)
    options.add_argument("verbs", nargs="*", choices=VERBS, default=["derive"])
    options.add_argument("--partitions", type=int)
    options.add_argument("--results", type=Path, help="results of scale.py, to which the stages of an export are added")
    options.add_argument("--scratch", type=Path, default=Path(tempfile.gettempdir()), help="a folder with room")
    options.add_argument("--in", dest="place", type=Path, help=argparse.SUPPRESS)
    given = options.parse_args()
    if given.place is not None:
        uploads = sorted((given.place / "uploads").glob("*"))
        (verb,) = given.verbs
        if verb in ("derive", "same"):
            (derive if verb == "derive" else same)(uploads, given.partitions)
        else:
            stages = Stages(given.results if verb == "export" else None, given.subjects)
            deliver(verb, uploads, given.place / verb, given.partitions, stages)
        return
    with tempfile.TemporaryDirectory(dir=given.scratch) as folder:
        make(given.subjects, Path(folder))
        for verb in given.verbs:
            print(f"\n{verb}, {given.subjects:,} subjects", flush=True)
            words = [] if given.partitions is None else ["--partitions", str(given.partitions)]
            words += ["--results", str(given.results.resolve())] if given.results else []
            command = [sys.executable, __file__, str(given.subjects), verb, "--in", folder, *words]
            subprocess.run(command, check=True)


if __name__ == "__main__":
    main()
