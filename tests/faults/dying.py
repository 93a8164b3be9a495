"""A program that is killed at its n-th change of the file system: `python dying.py N words of cdiscx`.

`python dying.py N --folder TARGET TEXT` fills a folder with three files by `whole_folder` and nothing else. With N = 0 it
lives, and says on standard error how many changes it made.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

_CHANGES = frozenset(
    {"os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.link", "os.symlink", "os.truncate", "shutil.rmtree"}
)


def die_at(last: int, counted: list[int]) -> None:
    """From now on counts what changes the file system; SIGKILL just before the change number `last`."""

    def hear(event: str, args: tuple[object, ...]) -> None:
        writes = event == "open" and isinstance(args[2], int) and bool(args[2] & (os.O_WRONLY | os.O_RDWR))
        if writes or event in _CHANGES:
            counted[0] += 1
            if counted[0] == last:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hear)


def fill(target: Path, text: str) -> None:
    """Three files of this text in a folder that appears whole or not at all."""
    from cdiscx.model.folder import Kind, whole_folder

    with whole_folder(target, Kind("export", "the export", ".cdiscx-export")) as made:
        (made / "deep").mkdir()
        for name in ("a.txt", "b.txt", "deep/c.txt"):
            (made / name).write_text(text)


def main() -> None:
    """Runs the words, or the folder, under the threat."""
    last, words = int(sys.argv[1]), sys.argv[2:]
    counted = [0]
    sys.dont_write_bytecode = True
    die_at(last, counted)
    if words[0] == "--folder":
        fill(Path(words[1]), words[2])
        status = 0
    else:
        from cdiscx.cli import main as cdiscx

        try:
            cdiscx(words)
            status = 0
        except SystemExit as end:
            status = end.code if isinstance(end.code, int) else 1
    sys.stderr.write(f"changes: {counted[0]}\n")
    sys.exit(status)


if __name__ == "__main__":
    main()
