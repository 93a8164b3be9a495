"""How long a workbook takes to read: ours beside fastexcel, calamine and openpyxl, in one run.

    python benchmarks/read.py [--rows 100000] [--columns 20] [--rounds 3] [--skip-openpyxl]

Method: one workbook of texts, dates and numbers is made with xlsxwriter in a temporary folder. Each reader runs in a
process of its own, so that none warms the other's memory; the readers take turns, round by round; time is the wall
clock, and the processor's (which other work on the machine disturbs less), of the call without imports, the best of
the rounds; memory is the process's highest resident size (Linux).
What each gives differs: fastexcel text only, calamine and openpyxl lists of Python values, ours text and kind of every
cell, errors, formulas without value, padded formats and what is hidden.
"""

from __future__ import annotations

import argparse
import datetime as dt
import random
import subprocess
import sys
import tempfile
from pathlib import Path

SETUP = "import sys, time; path = sys.argv[1]\n"
TIMED = (
    "start, used = time.perf_counter(), time.process_time()\n{}\n"
    "spent, used = time.perf_counter() - start, time.process_time() - used\n"
)
# the peak of this process only: getrusage would show the parent's, from before the new program was loaded
REPORT = (
    "peak = next(line for line in open('/proc/self/status') if line.startswith('VmHWM'))\n"
    "print(spent, used, int(peak.split()[1]) / 1024)\n"
)
READERS = {
    "cdiscx.read": (
        "from cdiscx.read import read_upload\nfrom cdiscx.registry import discover\ndiscover('cdiscx.read')",
        "read_upload(path)",
    ),
    "fastexcel, all text": (
        "import fastexcel, polars",
        "fastexcel.read_excel(path).load_sheet(0, header_row=None, skip_rows=0, dtypes='string').to_polars()",
    ),
    "calamine, to_python": (
        "import python_calamine",
        "python_calamine.CalamineWorkbook.from_path(path).get_sheet_by_index(0).to_python(skip_empty_area=False)",
    ),
    "openpyxl, read_only": (
        "import openpyxl",
        "for row in openpyxl.load_workbook(path, read_only=True).worksheets[0].iter_rows(values_only=True): pass",
    ),
}
WORDS = ("Liver", "Lymph node", "Segment VIII", "CT", "MRI", "Present", "Absent", "Y", "N", "门静脉")


def make(path: Path, rows: int, columns: int) -> None:
    """Columns take turns: a text of its own in every row, a date, a number, one of ten words."""
    import xlsxwriter

    chance = random.Random(1)
    with xlsxwriter.Workbook(str(path)) as book:
        sheet = book.add_worksheet("Data")
        day = book.add_format({"num_format": "yyyy-mm-dd"})
        for column in range(columns):
            sheet.write_string(0, column, f"Header {column}")
        for row in range(1, rows + 1):
            for column in range(columns):
                if column % 4 == 0:
                    sheet.write_string(row, column, f"S{row:06d}-{column}")
                elif column % 4 == 1:
                    sheet.write_datetime(row, column, dt.datetime(2020, 1, 1) + dt.timedelta(days=row % 2000), day)
                elif column % 4 == 2:
                    sheet.write_number(row, column, round(chance.random() * 100, 1))
                else:
                    sheet.write_string(row, column, WORDS[(row + column) % len(WORDS)])


def measure(reader: str, path: Path) -> tuple[float, float, float]:
    """Seconds, processor seconds and megabytes of one reader in a fresh process."""
    imports, call = READERS[reader]
    script = SETUP + imports + "\n" + TIMED.format(call) + REPORT
    here = Path(__file__).resolve().parents[1]
    done = subprocess.run(
        [sys.executable, "-c", script, str(path)], capture_output=True, text=True, check=True, cwd=here
    )
    seconds, used, megabytes = map(float, done.stdout.split())
    return seconds, used, megabytes


def main() -> None:
    """Makes the workbook, measures, prints the table."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--rows", type=int, default=100_000)
    options.add_argument("--columns", type=int, default=20)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--skip-openpyxl", action="store_true")
    given = options.parse_args()
    readers = [name for name in READERS if not (given.skip_openpyxl and name.startswith("openpyxl"))]
    results: dict[str, list[tuple[float, float, float]]] = {name: [] for name in readers}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "data.xlsx"
        make(path, given.rows, given.columns)
        size = path.stat().st_size / 1024**2
        for _ in range(given.rounds):
            for name in readers:
                results[name].append(measure(name, path))
    print(f"{given.rows:,} rows x {given.columns} columns, {size:.1f} MB, best of {given.rounds}, fresh processes")
    print(f"{'reader':<22}{'seconds':>9}{'x fastest':>11}{'processor s':>13}{'x fastest':>11}{'MB':>7}")
    wall = {name: min(run[0] for run in runs) for name, runs in results.items()}
    used = {name: min(run[1] for run in runs) for name, runs in results.items()}
    for name, runs in results.items():
        print(
            f"{name:<22}{wall[name]:>9.2f}{wall[name] / min(wall.values()):>11.2f}"
            f"{used[name]:>13.2f}{used[name] / min(used.values()):>11.2f}{max(run[2] for run in runs):>7.0f}"
        )


if __name__ == "__main__":
    main()
