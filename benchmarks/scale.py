"""How every stage and whole commands grow, beside what one would pick instead: `python benchmarks/scale.py [SUBJECTS ...]`.

    python benchmarks/scale.py 10 100 1000 10000 --write          the tables of docs/performance.md
    python benchmarks/scale.py 10 100 --only stages,commands      parts: stages, commands, read, rules, xpt, core
    python benchmarks/scale.py 1000 --longest 600 --results FILE  no process longer than that; add to earlier results

By default 10, 100 and 1,000 subjects; 10,000 and 100,000 where there is time (100,000 of `read`, `rules` and `xpt`, with the workbooks and
records of 10,000 subjects ten times; stages and commands at that size: `benchmarks/large.py`). Every measurement is a process of its own
(`benchmarks/stages.py`), one after the other; what takes longer than `--longest` is ended, said so, and not tried at a larger
size. Great Expectations is given at most 100,000 rows and pandera 2,000,000, and what they take is multiplied from there on
(marked ~). CDISC CORE takes part where CDISCX_CORE says how it is started, up to `--core-most` subjects (100). With `--write` the page is written after
every size (with `--only` the tables of those parts, with the load of the machine), and results are kept in FILE after every process, so that an
interrupted run has what it measured.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from stages import MOST, STUDY

HERE = Path(__file__).parent
PAGE = HERE.parent / "docs" / "performance.md"
BEGIN, END = "<!-- scale.py: begin -->", "<!-- scale.py: end -->"
#: rows of the ten rules that a library is given at most
MOST_ROWS = {"Great Expectations on pandas": 100_000, "pandera on pandas": 2_000_000}
RIVALS = {
    "read": ("cdiscx", "fastexcel", "calamine", "openpyxl"),
    "rules": ("cdiscx", "pandera on pandas", "Great Expectations on pandas"),
    "xpt": ("cdiscx", "pyreadstat"),
    "core": ("cdiscx", "CDISC CORE"),
}
COMMANDS = {
    "cdiscx --help": ("--help",),
    "cdiscx validate --report": ("validate", "UPLOADS", "--study", STUDY, "--report", "OUT", "--fail-on", "never", "--quiet"),
    "the same without expectations": (
        "validate", "UPLOADS", "--study", STUDY, "--report", "OUT", "--fail-on", "never", "--quiet", "--no-expectations",
    ),
    "the same, 2 workers": (
        "validate", "UPLOADS", "--study", STUDY, "--report", "OUT", "--fail-on", "never", "--quiet", "--no-expectations",
        "--workers", "2",
    ),
    "cdiscx export": ("export", "UPLOADS", "--study", STUDY, "--out", "OUT", "--despite-errors", "a benchmark", "--quiet"),
}  # fmt: skip
PARTS = ("stages", "commands", "read", "rules", "xpt", "core")
Row = dict[str, Any]
#: compiled modules are kept, as users have them
AROUND = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


class Bench:
    """The results so far, by what was measured and the number of subjects; kept in a file after every process."""

    def __init__(self, longest: float, file: Path | None) -> None:
        self.longest, self.file = longest, file
        self.rows: dict[str, dict[str, Row]] = {}
        if file and file.is_file():
            self.rows = json.loads(file.read_text("utf-8"))

    def keep(self, name: str, subjects: int, row: Row) -> None:
        """One more result."""
        self.rows.setdefault(name, {})[str(subjects)] = row
        if self.file:
            self.file.write_text(json.dumps(self.rows, indent=1, ensure_ascii=False), "utf-8")
        if "cpu" in row:
            print(f"  {subjects:>7,}  {name:<75} {row['wall']:9.2f} s  {row['cpu']:9.2f} s cpu  {row['peak']:7.0f} MB", flush=True)  # fmt: skip
        elif "said" in row:
            print(f"  {subjects:>7,}  {name:<75} {row['said']}", flush=True)

    def gave_up(self, name: str, subjects: int) -> bool:
        """Whether a smaller size took too long; then it is said and not tried."""
        over = any(int(n) < subjects and row.get("over") for n, row in self.rows.get(name, {}).items())
        if over:
            self.keep(name, subjects, {"said": "not tried", "over": True})
        return over

    def run(self, name: str, words: list[str], subjects: int) -> list[Row]:
        """The lines of JSON of a process; none where it took too long or failed, which is kept under the name."""
        started = time.perf_counter()
        process = subprocess.Popen(
            words,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=HERE,
            env=AROUND,
            start_new_session=True,
        )
        try:
            out, err = process.communicate(timeout=self.longest)
        except BaseException as end:  # too long, or interrupted: nothing goes on behind our back
            os.killpg(process.pid, signal.SIGKILL)
            out, err = process.communicate()
            self.keep(name, subjects, {"said": f"over {time.perf_counter() - started:,.0f} s", "over": True})
            if not isinstance(end, subprocess.TimeoutExpired):
                raise
            return _lines(out)
        if process.returncode:
            last = (err.strip().splitlines() or [f"status {process.returncode}"])[-1]
            self.keep(name, subjects, {"said": f"failed after {time.perf_counter() - started:.0f} s: {last[:120]}"})
        return _lines(out)


def _lines(out: str) -> list[Row]:
    return [json.loads(line) for line in out.splitlines() if line.startswith("{") and line.endswith("}")]


def staged(bench: Bench, part: str, folder: Path, subjects: int, who: str = "") -> None:
    """One process of `stages.py`; every stage it tells is kept."""
    name = f"{part}: {who}" if who else part
    if bench.gave_up(name, subjects):
        return
    given, rows = subjects, MOST_ROWS.get(who, 0)
    if rows and subjects * 40 > rows:
        given = rows // 40
    words = [sys.executable, str(HERE / "stages.py"), part, str(folder), str(given), *([who] if who else [])]
    for row in bench.run(name, words, subjects):
        if row["stage"] in ("uploads", "records", "floors"):
            bench.keep(row["stage"], subjects, row)
            continue
        if given != subjects:
            row = {
                **row,
                "wall": row["wall"] * subjects / given,
                "cpu": row["cpu"] * subjects / given,
                "extrapolated": True,
            }
        bench.keep(f"{part}: {who}" if who else f"stage: {row['stage']}", subjects, row)


def commanded(bench: Bench, name: str, folder: Path, subjects: int) -> None:
    """A whole command: wall, processor and peak memory of it and its workers."""
    key = f"command: {name}"
    if bench.gave_up(key, subjects):
        return
    words = [sys.executable, "-m", "cdiscx.cli"]
    for word in COMMANDS[name]:
        uploads = sorted(str(p) for p in (folder / "uploads").iterdir())
        words += uploads if word == "UPLOADS" else [str(folder / name.replace(" ", "-")) if word == "OUT" else word]
    start = time.perf_counter()
    with tempfile.TemporaryFile() as complaints:
        process = subprocess.Popen(
            words, stdout=subprocess.DEVNULL, stderr=complaints, env=AROUND, start_new_session=True
        )
        ended = 0
        try:
            while not ended and time.perf_counter() - start < bench.longest:
                ended, status, used = os.wait4(process.pid, os.WNOHANG)
                time.sleep(0 if ended else 0.005)
        finally:
            if not ended:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
                bench.keep(key, subjects, {"said": f"over {time.perf_counter() - start:,.0f} s", "over": True})
        if not ended:
            return
        wall = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        complaints.seek(0)
        said = complaints.read().decode("utf-8", "replace").strip()
    if process.returncode:
        bench.keep(key, subjects, {"said": f"status {process.returncode}: {said[-120:]}"})
        return
    bench.keep(key, subjects, {"wall": wall, "cpu": used.ru_utime + used.ru_stime, "peak": used.ru_maxrss / 1024})


def measured(bench: Bench, subjects: int, parts: set[str], scratch: Path, core_most: int) -> None:
    """Everything at one size."""
    more = subjects > MOST
    parts = parts & {"read", "rules", "xpt"} if more else parts
    with tempfile.TemporaryDirectory(dir=scratch) as made:
        folder = Path(made)
        bench.keep("load", subjects, {"load": os.getloadavg()[0]})
        if parts - {"rules"}:
            words = [sys.executable, str(HERE / "stages.py"), "make", str(folder), str(subjects)]
            told = subprocess.run(words, capture_output=True, text=True, check=True, cwd=HERE, env=AROUND)
            bench.keep("uploads", subjects, _lines(told.stdout)[0])
        if parts & {"stages", "xpt", "core"}:
            staged(bench, "frames" if more else "through", folder, subjects)
        if "commands" in parts:
            for name in COMMANDS:
                commanded(bench, name, folder, subjects)
        for part in ("read", "rules", "xpt", "core"):
            for who in RIVALS[part] if part in parts else ():
                ready = {"xpt": "frames", "core": "sdtm"}.get(part)
                if (ready and not (folder / ready).is_dir()) or (
                    who == "CDISC CORE" and not os.environ.get("CDISCX_CORE")
                ):
                    continue
                staged(bench, part, folder, subjects, who)


def growth(cells: dict[str, Row]) -> str:
    """The power of the number of subjects that processor time grows with, between the two largest sizes measured."""
    own = {int(n): row for n, row in cells.items() if not row.get("extrapolated") and "said" not in row}
    known = sorted((n, row["cpu"]) for n, row in own.items() if row.get("cpu"))
    if len(known) < 2:
        return "-"
    (n, a), (m, b) = known[-2:]
    return f"{math.log(max(b, 1e-3) / max(a, 1e-3)) / math.log(m / n):.2f}"


def told(row: Row | None) -> str:
    """One cell: processor seconds, wall seconds, most memory."""
    if row is None:
        return "-"
    if "cpu" not in row or "said" in row:
        return str(row.get("said", "-"))
    near = "~" if row.get("extrapolated") else ""
    return f"{near}{_number(row['cpu'])} / {near}{_number(row['wall'])} s, {row['peak']:,.0f} MB"


def _number(value: float) -> str:
    for least, digits in ((100, 0), (10, 1), (0.1, 2)):
        if value >= least:
            return f"{value:,.{digits}f}"
    return f"{value:.3f}"


def tables(bench: Bench) -> str:
    """The page's part: sizes, stages with growth and distance from moving the bytes, commands, and rivals."""
    rows = bench.rows
    sizes = sorted({int(n) for cells in rows.values() for n in cells})
    heads = "".join(f" {n:,} |" for n in sizes)
    rule = "|---" * len(sizes) + "|"
    lines = [
        f"Each cell: seconds of processor / seconds on the wall, most memory held. {os.cpu_count()} processors.",
        "",
    ]
    lines += [f"| subjects |{heads}", f"|---{rule}"]
    facts = {
        "workbooks": lambda n: (
            f"{_of(rows, 'uploads', n, 'workbooks', 0):,.0f}, {_of(rows, 'uploads', n, 'bytes', 0) / 1e6:,.1f} MB"
        ),
        "cells typed into columns that are read": lambda n: _count(_of(rows, "records", n, "cells", 0)),
        "SDTM records": lambda n: _count(_of(rows, "records", n, "records", 0)),
        "load of the machine when it began": lambda n: f"{_of(rows, 'load', n, 'load', 0):.1f}",
    }
    lines += [f"| {what} |" + "".join(f" {fact(n)} |" for n in sizes) for what, fact in facts.items()]
    if any(name.startswith("stage: ") for name in rows):
        lines += ["", f"| stage, in one process after the other |{heads} grows with n to the | times the cost of moving its bytes |"]  # fmt: skip
        lines += [f"|---{rule}---|---|"]
    for name, cells in rows.items():
        if name.startswith("stage: "):
            line = "".join(f" {told(cells.get(str(n)))} |" for n in sizes)
            lines.append(f"| {name[7:]} |{line} {growth(cells)} | {_distance(rows, name[7:], sizes)} |")
    if any(name.startswith("command: ") for name in rows):
        lines += ["", f"| whole command |{heads}", f"|---{rule}"]
    for name, cells in rows.items():
        if name.startswith("command: "):
            lines.append(f"| {name[9:]} |" + "".join(f" {told(cells.get(str(n)))} |" for n in sizes))
    for part, title in (
        ("read", "every cell of every workbook read"), ("rules", "ten rules on visits and doses, every offending row"),
        ("xpt", "SDTM written as XPT, nothing checked"), ("core", "rules for finished SDTM, with the number of rules"),
    ):  # fmt: skip
        found = {n: cells for n, cells in rows.items() if n.startswith(f"{part}: ")}
        if found:
            lines += ["", f"| {title} |{heads} at the largest size, processor |", f"|---{rule}---|"]
        for name, cells in found.items():
            count = next((f" ({row['rules']} rules)" for row in cells.values() if row.get("rules")), "")
            line = "".join(f" {told(cells.get(str(n)))} |" for n in sizes)
            lines.append(f"| {name.partition(': ')[2]}{count} |{line} {_times(rows, part, cells, sizes)} |")
    return "\n".join(lines) + "\n"


def _count(value: float) -> str:
    return f"{value:,.0f}" if value else "-"


def _of(rows: dict[str, dict[str, Row]], name: str, subjects: int, fact: str, absent: float) -> float:
    return float(rows.get(name, {}).get(str(subjects), {}).get(fact, absent))


def _distance(rows: dict[str, dict[str, Row]], stage: str, sizes: list[int]) -> str:
    for n in reversed(sizes):
        floor = rows.get("floors", {}).get(str(n), {}).get("floors", {}).get(stage)
        row = rows.get(f"stage: {stage}", {}).get(str(n), {})
        if floor and (spent := row.get("cpu")) and "said" not in row:
            return f"{spent / floor:,.1f}" if spent / floor < 100 else f"{spent / floor:,.0f}"
    return "-"


def _times(rows: dict[str, dict[str, Row]], part: str, cells: dict[str, Row], sizes: list[int]) -> str:
    for n in reversed(sizes):
        ours = rows.get(f"{part}: cdiscx", {}).get(str(n), {}).get("cpu")
        theirs = cells.get(str(n), {}).get("cpu")
        if ours and theirs:
            return f"{theirs / ours:.1f} x cdiscx" if theirs is not ours else "1"
    return "-"


def written(text: str, every: bool) -> None:
    """Puts the tables between the marks of the page: all of them, or those of the parts that were measured."""
    page = PAGE.read_text("utf-8")
    head, rest = page.split(BEGIN)
    old, tail = rest.split(END)
    if not every:
        loads, *measured_ = [block for block in text.strip().split("\n\n") if block.startswith("| ")]
        load = loads.splitlines()[-1].strip("| ").replace(" | ", ", ").replace("began,", "began:")
        new = {
            _title(block): block.replace(f"| {_title(block)} |", f"| {_title(block)} ({load}) |", 1)
            for block in measured_
        }
        blocks = [new.pop(_title(block), block) for block in old.strip().split("\n\n")]
        text = "\n\n".join([*blocks, *new.values()]) + "\n"
    PAGE.write_text(f"{head}{BEGIN}\n\n{text}\n{END}{tail}", "utf-8")


def _title(block: str) -> str:
    """The first heading of a table, without what was said there of the machine."""
    return block.split("|")[1].partition(" (load")[0].strip() if block.startswith("|") else ""


def main() -> None:
    """Measures size by size, prints every figure as it comes, and the tables at the end."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("subjects", nargs="*", type=int, default=[10, 100, 1000])
    options.add_argument("--only", default=",".join(PARTS))
    options.add_argument("--longest", type=float, default=1800.0, metavar="SECONDS")
    options.add_argument("--results", type=Path, metavar="FILE")
    options.add_argument("--core-most", type=int, default=100, metavar="SUBJECTS", help="CDISC CORE up to this size")
    options.add_argument(
        "--scratch", type=Path, help="folder for uploads and outputs (default: that of temporary files)"
    )
    options.add_argument("--write", action="store_true", help="write the tables into docs/performance.md")
    given = options.parse_args()
    bench, parts = Bench(given.longest, given.results), set(given.only.split(","))
    try:
        for subjects in given.subjects:
            scratch = given.scratch or Path(tempfile.gettempdir())
            measured(bench, subjects, parts, scratch, given.core_most)
            if given.write:
                written(tables(bench), parts == set(PARTS))
    finally:
        print("\n" + tables(bench))
        if given.write:
            written(tables(bench), parts == set(PARTS))


if __name__ == "__main__":
    main()
