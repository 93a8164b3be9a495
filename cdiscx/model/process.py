"""Whether this process is cdiscx's own: then libraries may be loaded without the parts that cdiscx does not use."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Process:
    """`own`: started as the command `cdiscx`; False where cdiscx is a guest in somebody's program or test run."""

    own: bool = False


PROCESS = Process()
