"""How a whole run grows: `python benchmarks/scale.py [SUBJECTS ...]`, by default 10 100 1000.

Each run is a process of its own: wall time, processor time and peak memory of `cdiscx validate` (with reports) and of
`cdiscx export` (XPT), on clean sample uploads of 25 subjects a site. Prints a table in Markdown with the load of the machine,
without which a wall time says little.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from cdiscx.samples import clean, write_xlsx

A_SITE = 25
COMMANDS = {
    "validate": ("--report", "OUT", "--fail-on", "never"),
    "validate, no expectations": ("--report", "OUT", "--fail-on", "never", "--no-expectations"),
    "validate, 2 workers": ("--report", "OUT", "--fail-on", "never", "--no-expectations", "--workers", "2"),
    "export": ("--out", "OUT", "--despite-errors", "a benchmark"),
}

#: runs the command line and says what it took; children are the workers
RUN = """
import resource, sys
from cdiscx.cli import main
try:
    main(sys.argv[1:])
except SystemExit as end:
    status = end.code
own, others = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
cpu = own.ru_utime + own.ru_stime + others.ru_utime + others.ru_stime
print("took", cpu, own.ru_maxrss // 1024, others.ru_maxrss // 1024, status, file=sys.stderr)
"""


def uploads(study: str, subjects: int, folder: Path) -> list[Path]:
    """Clean workbooks, a site each."""
    sites = max(1, subjects // A_SITE)
    made = []
    for upload in clean(study, sites=sites, subjects=subjects // sites, seed=1):
        made.append(folder / f"site-{len(made) + 1:03}.xlsx")
        write_xlsx(upload, made[-1])
    return made


def measured(study: str, name: str, paths: list[Path], out: Path) -> str:
    """One row of the table."""
    words = [w.replace("OUT", str(out)) for w in COMMANDS[name]]
    command = [sys.executable, "-c", RUN, name.partition(",")[0], *map(str, paths), "--study", study, "--quiet", *words]
    load = os.getloadavg()[0]
    start = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    wall = time.perf_counter() - start
    line = done.stderr.strip().splitlines()[-1].split() if done.stderr.strip() else []
    if len(line) != 5 or line[0] != "took":
        return f"| {name} | failed: {done.stderr[-200:]} |"
    _, cpu, memory, worker, _status = line
    most = f"{memory} MB" + (f" + {worker} MB a worker" if "workers" in name else "")
    return f"| {name} | {wall:.1f} s | {float(cpu):.1f} s | {most} | {load:.1f} |"


def main() -> None:
    """Prints the table, a block a number of subjects."""
    for subjects in [int(word) for word in sys.argv[1:]] or [10, 100, 1000]:
        with tempfile.TemporaryDirectory() as made:
            folder = Path(made)
            paths = uploads("palhep-a", subjects, folder)
            size = sum(p.stat().st_size for p in paths) / 1e6
            print(f"\n{subjects} subjects, {len(paths)} workbooks, {size:.1f} MB, {os.cpu_count()} processors\n")
            print("| command | wall | processor | peak memory | load before |\n|---|---|---|---|---|", flush=True)
            for name in COMMANDS:
                print(measured("palhep-a", name, paths, folder / name.replace(" ", "-")), flush=True)


if __name__ == "__main__":
    main()
