"""The whole `cdiscx validate` of one 60-subject upload in JSON, as a process: processor seconds, wall, peak memory.

With and without the study's Great Expectations suite, beside the cost of importing the libraries it cannot do without.
Run: python benchmarks/command.py [ROUNDS]
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from cdiscx.samples import clean, write_xlsx

CLI = [sys.executable, "-m", "cdiscx.cli"]


def run(command: list[str]) -> tuple[float, float, float]:
    """Processor seconds, wall seconds and peak MB of a process."""
    start = time.perf_counter()
    around = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}  # users have compiled modules
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=around)
    _, status, usage = os.wait4(process.pid, 0)
    if os.waitstatus_to_exitcode(status) not in (0, 1):
        raise SystemExit(f"failed: {' '.join(command)}")
    return usage.ru_utime + usage.ru_stime, time.perf_counter() - start, usage.ru_maxrss / 1024


def main() -> None:
    """Prints the table; the best of the rounds, the commands taking turns."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    with tempfile.TemporaryDirectory() as folder:
        rows = {}
        for study in ("palhep-a", "neopvtt-b"):
            path = Path(folder) / f"{study}.xlsx"
            write_xlsx(clean(study, sites=1, subjects=60, seed=3)[0], path)
            base = [*CLI, "validate", str(path), "--study", study, "--format", "json", "--quiet"]
            rows[f"validate {study}, expectations included"] = base
            rows[f"validate {study}, without expectations"] = [*base, "--no-expectations"]
        rows["cdiscx --help"] = [*CLI, "--help"]
        rows["python -c 'import great_expectations'"] = [
            sys.executable,
            "-W",
            "ignore",
            "-c",
            "import great_expectations",
        ]
        rows["python -c 'import pandera.polars'"] = [sys.executable, "-W", "ignore", "-c", "import pandera.polars"]
        rows["python -c 'import polars'"] = [sys.executable, "-c", "import polars"]
        best: dict[str, tuple[float, float, float]] = {}
        for _ in range(rounds):
            for name, command in rows.items():
                measured = run(command)
                best[name] = min(best.get(name, measured), measured)
        print(f"{'one 60-subject upload':<48} {'CPU s':>7} {'wall s':>7} {'MB':>6}")
        for name, (cpu, wall, memory) in best.items():
            print(f"{name:<48} {cpu:7.2f} {wall:7.2f} {memory:6.0f}")


if __name__ == "__main__":
    main()
