"""Small uploads, runs that are killed, and what a folder of results must look like."""

from __future__ import annotations

import hashlib
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
DYING = Path(__file__).with_name("dying.py")


@dataclass(frozen=True)
class Ended:
    """What became of a program."""

    status: int
    out: str
    err: str

    @property
    def killed(self) -> bool:
        """Whether SIGKILL ended it."""
        return self.status == -signal.SIGKILL

    @property
    def changes(self) -> int:
        """How many changes of the file system a program that lived has made."""
        found = re.search(r"^changes: (\d+)$", self.err, re.MULTILINE)
        assert found, self.err
        return int(found[1])

    @property
    def complaint(self) -> str:
        """The one line of a run that ended with 2."""
        assert self.status == 2, (self.status, self.err)
        assert "Traceback" not in self.err
        lines = [line for line in self.err.splitlines() if not line.startswith("changes: ")]
        assert len(lines) == 1, self.err
        return lines[0]


def run(*words: object, env: Mapping[str, str] | None = None, **more: object) -> Ended:
    """`python WORDS` with the package of this checkout."""
    around = {**os.environ, "PYTHONPATH": str(ROOT), **(env or {})}
    command = [sys.executable, *(str(w) for w in words)]
    done = subprocess.run(command, capture_output=True, env=around, check=False, timeout=600, **more)  # type: ignore[call-overload]
    return Ended(done.returncode, done.stdout.decode("utf-8", "replace"), done.stderr.decode("utf-8", "replace"))


def cdiscx(*words: object, env: Mapping[str, str] | None = None, **more: object) -> Ended:
    """The command line as a program of its own."""
    return run("-m", "cdiscx.cli", *words, env=env, **more)


def dying(last: int, *words: object) -> Ended:
    """The command line, killed at its change number `last` of the file system (0: never)."""
    return run(DYING, last, *words)


def contents(folder: Path) -> dict[str, bytes]:
    """Path below the folder -> bytes."""
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def whole(folder: Path, marker: str) -> bool:
    """Whether the folder has its marker and exactly the files that it states, unchanged."""
    told = json.loads((folder / marker).read_text("utf-8"))["files"]
    found = {n: hashlib.sha256(b).hexdigest() for n, b in contents(folder).items() if n != marker}
    return bool(told == found)


def hidden(folder: Path) -> list[str]:
    """Leftovers beside and below."""
    return [p.name for p in folder.rglob(".*") if p.suffix in (".partial", ".old")]
