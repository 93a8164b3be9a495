"""Writes requirements.lock: every package of every extra, pinned, with the digests of all its files: `python tools/lock.py`.

The resolver is uv's (`pip install uv`, any recent version); it asks the package index that uv is set up for. What is pinned
stays as it is unless `--upgrade` is given. The lock holds for Python 3.11 (from 3.11.5) to 3.13 on Linux, macOS and Windows:
packages that only some of them need carry a marker. The tools that build the package are pinned with it, so that
`pip install --require-hashes -r requirements.lock` followed by `pip install --no-deps --no-build-isolation -e .` fetches
nothing that the lock does not name.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

HOME = Path(__file__).parents[1]
LOCK = HOME / "requirements.lock"
#: what `pip install --no-build-isolation -e .` needs beside the package's own dependencies
BUILDS = "hatchling\neditables\n"
HEAD = (
    "# Every package of every extra, for Python 3.11 to 3.13, with the digests of all its files; made by tools/lock.py\n"
    "# pip install --require-hashes -r requirements.lock && pip install --no-deps --no-build-isolation -e .\n"
)


def entries(text: str) -> list[str]:
    """The lock's entries, a pin and its digests each, without those for browsers (emscripten), where cdiscx does not run."""
    found = re.findall(r"^[A-Za-z0-9][^\n]*(?:\n[ ]{4}--hash[^\n]*)*", text, re.MULTILINE)
    kept = [e for e in found if "sys_platform == 'emscripten'" not in e.splitlines()[0]]
    return [_plain(e) for e in kept]


def _plain(entry: str) -> str:
    """The entry without a condition that every supported Python meets."""
    return re.sub(
        r" ; (?:sys_platform != 'emscripten'|platform_python_implementation != 'PyPy'|implementation_name != 'PyPy'"
        r"|python_full_version < '3\.1[45]')(?= \\\n|\n|$)",
        "",
        entry,
    )


def main() -> None:
    """Resolves again and writes the lock; status 2 where uv is not there or finds no solution."""
    uv = shutil.which("uv", path=str(Path(sys.executable).parent)) or shutil.which("uv")
    if uv is None:
        sys.exit("uv is not installed: pip install uv")
    command = [uv, "pip", "compile", "pyproject.toml", "-", "--all-extras", "--universal", "--python-version", "3.11.5",
               "--generate-hashes", "--no-header", "--no-annotate", "--quiet", "--output-file", str(LOCK), *sys.argv[1:]]  # fmt: skip
    if subprocess.run(command, cwd=HOME, input=BUILDS, text=True, check=False).returncode:
        sys.exit(2)
    LOCK.write_text(HEAD + "\n".join(entries(LOCK.read_text("utf-8"))) + "\n", "utf-8")


if __name__ == "__main__":
    main()
