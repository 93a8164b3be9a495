"""Names of uploads as a browser sends them in, names that are safe to show and to give to a downloaded copy out."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

#: longest name kept, in characters: with an ending and a number before it, a file system still takes it in UTF-8
LONGEST = 60
_SEPARATORS = re.compile(r"[/\\]")
# controls, line separators, marks that reorder text, and what Windows refuses in a name
_UNSAFE = re.compile('[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff<>:"|?*%]')


def safe_name(given: str) -> str:
    """`C:\\x\\..\\site 1.xlsx` -> `site 1.xlsx`: the last part, without what a path, a terminal or a reader could misread.

    The name is only ever shown and given to the annotated copy; the upload itself lies under a number.
    """
    last = _SEPARATORS.split(unicodedata.normalize("NFC", given))[-1]
    plain = _UNSAFE.sub("_", last).strip().strip(".").strip()
    stem, dot, ending = plain.rpartition(".")
    if len(plain) > LONGEST:
        kept = f".{ending[:8]}" if dot and len(ending) <= 8 else ""
        plain = (stem if kept else plain)[: LONGEST - len(kept)].rstrip(" .") + kept
    return plain or "upload"


def distinct(names: Iterable[str]) -> list[str]:
    """The same names, with a number before the ending where one came before: `site.xlsx`, `site (2).xlsx`."""
    taken: set[str] = set()
    told = []
    for name in names:
        free, number = name, 1
        while free.casefold() in taken:
            number += 1
            stem, dot, ending = name.rpartition(".")
            free = f"{stem} ({number}).{ending}" if dot and stem else f"{name} ({number})"
        taken.add(free.casefold())
        told.append(free)
    return told
