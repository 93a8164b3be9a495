"""What the person who starts the page may set: port, limits, studies to choose from."""

from __future__ import annotations

import re
from dataclasses import dataclass

MEGABYTE = 1024**2
#: the only address the page is served on
ADDRESS = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Choice:
    """A study that can be picked: the name or path that `Study.load` takes, its id and its title."""

    source: str
    id: str
    title: str


@dataclass(frozen=True, slots=True)
class Settings:
    """Limits of the page. Sizes are bytes, `seconds` bounds one run, `kept` counts the runs held at a time.

    `memory`: resident bytes at which a run is stopped; `lang`: of the page and its reports; `ledger`: file (absolute) or
    database URL of the queries that every run is added to, by `who`.
    """

    studies: tuple[Choice, ...]
    port: int = 0
    upload: int = 50 * MEGABYTE
    files: int = 50
    kept: int = 10
    at_once: int = 2
    lang: str = "en"
    ledger: str | None = None
    who: str | None = None

    @property
    def keeps(self) -> str:
        """The ledger as it may be shown: a path, or a URL without its password; blank without one."""
        return re.sub(r"(://[^:/@]*):[^@]*@", r"\1:***@", self.ledger or "")

    seconds: int = 1800
    memory: int = 4096 * MEGABYTE
