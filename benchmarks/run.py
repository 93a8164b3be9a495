"""Every benchmark in turn: `make bench`. Each prints its own table and says how it measured."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

if __name__ == "__main__":
    for name in ("command.py", "read.py", "checks.py", "responses.py", "sdtm.py", "adam.py", "export.py", "scale.py"):
        print(f"\n== {name}", flush=True)
        subprocess.run([sys.executable, str(Path(__file__).parent / name)], check=True)
