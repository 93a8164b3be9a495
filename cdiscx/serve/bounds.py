"""A worker's own bounds: it ends when its parent does, and when it holds more memory than it may."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable
from pathlib import Path

#: seconds between two looks at the memory
LOOK = 0.2
#: exit status of a worker that ran out of its memory, and of one that nobody waits for
FULL, ALONE = 4, 5


def keep_within(memory: int, full: Callable[[], None]) -> None:
    """Watches from two threads: `memory` resident bytes at most (`full` is called before the end), and a living parent.

    The parent is known by the pipe at standard input, which ends when it ends, however it does.
    """
    _no_core()
    threading.Thread(target=_until_alone, daemon=True).start()
    threading.Thread(target=_until_full, args=(memory, full), daemon=True).start()


def resident() -> int:
    """Bytes this process holds in memory; its largest so far where the system tells no more, 0 where it tells nothing."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, AttributeError):
        pass
    try:
        import resource
    except ImportError:
        return 0
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024


def _no_core() -> None:
    """No dump of subject data on the disk when the process is killed."""
    try:
        import resource
    except ImportError:
        return
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _until_alone() -> None:
    sys.stdin.buffer.read()
    os._exit(ALONE)


def _until_full(memory: int, full: Callable[[], None]) -> None:
    pause = threading.Event()
    while resident() <= memory:
        pause.wait(LOOK)
    full()
    os._exit(FULL)
