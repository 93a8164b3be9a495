"""Every benchmark in turn: `make bench`. Each prints its own table and says how it measured.

`python benchmarks/run.py [FILE ...]` runs some of them. In full it takes about half an hour on two processors that do nothing
else; the libraries beside ours get a tenth of the rows where they would take longer than that.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ARGUMENTS = {
    "command.py": [], "read.py": [], "checks.py": ["1000000", "2", "--share", "0.1"], "responses.py": [], "sdtm.py": [],
    "adam.py": [], "export.py": [], "scale.py": ["10", "100", "1000"],
}  # fmt: skip

if __name__ == "__main__":
    around = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    for name in sys.argv[1:] or ARGUMENTS:
        print(f"\n== {name}", flush=True)
        subprocess.run([sys.executable, str(Path(__file__).parent / name), *ARGUMENTS[name]], check=True, env=around)
