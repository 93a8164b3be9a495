"""A folder of results that appears whole or not at all, and replaces only what was made here before and left alone."""

from __future__ import annotations

import hashlib
import json
import os
import re
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from cdiscx.model.errors import ExportError

#: the module of POSIX file locks; None on Windows, which has others
_LOCKS: Any = import_module("fcntl") if find_spec("fcntl") else None


@dataclass(frozen=True, slots=True)
class Kind:
    """What stands in the folder: words for messages (`export`, `the export`) and the marker file, which has the hashes."""

    word: str
    shown: str
    marker: str


#: marker files of all kinds: a folder of one kind may lie in one of another
_MARKERS = ".cdiscx-*"


@contextmanager
def whole_folder(target: Path, kind: Kind, also: tuple[type[Exception], ...] = ()) -> Iterator[Path]:
    """Yields a new folder beside `target` to be filled, which takes the target's place when the block ends well.

    A folder that is there is replaced when it is empty, or holds only what was made here (by the markers in it, below it
    and above it) and nothing of that was changed. When anything is raised, nothing is left; what a run that was killed
    left beside `target` is cleared away by the next. Raises ExportError, in one line, for a folder of somebody else, and
    for what the file system or an exception of `also` says.
    """
    place = target.resolve()
    clear_leftovers(place)
    refuse_foreign(place, target, kind)
    made = place.parent / f".{place.name}.{secrets.token_hex(4)}.partial"
    caught: tuple[type[Exception], ...] = (OSError, *also)
    held: int | None = None
    try:
        made.mkdir(parents=True)
        held = _hold(made)
        yield made
        files = sorted(p for p in made.rglob("*") if p.is_file() and p.name != kind.marker)
        known = {p.relative_to(made).as_posix(): digest(p) for p in files}
        said = json.dumps({"made by": "cdiscx", "files": known}, indent=1) + "\n"
        (made / kind.marker).write_text(said, encoding="utf-8", newline="\n")
        _put_in_place(made, place)
    except caught as error:
        why = (error.strerror if isinstance(error, OSError) else None) or str(error) or type(error).__name__
        raise ExportError(f"{kind.shown} cannot be written to {target}: {why}; nothing was left there") from error
    finally:
        if held is not None:
            os.close(held)
        shutil.rmtree(made, ignore_errors=True)


def clear_leftovers(place: Path) -> None:
    """Removes what killed runs left beside the folder `place` is to be; an earlier folder moved aside comes back.

    What a living run is filling is left alone (it holds a lock on it), and so is everything where the system has no
    such locks. What cannot be removed stays: it is hidden, and no folder of results.
    """
    for left in _leftovers(place):
        if left.suffix == ".old" and not place.exists():
            with suppress(OSError):
                left.rename(place)
        else:
            _clear(left)


def _leftovers(place: Path) -> list[Path]:
    """Hidden neighbours with a name that only this module gives; below a folder that is to be filled anew, too."""
    one = re.compile(rf"\.{re.escape(place.name)}\.[0-9a-f]{{8}}\.(partial|old)")
    any_ = re.compile(r"\..+\.[0-9a-f]{8}\.(partial|old)")
    try:
        beside = [p for p in place.parent.iterdir() if one.fullmatch(p.name)] if place.parent.is_dir() else []
        below = [p for p in place.iterdir() if any_.fullmatch(p.name)] if place.is_dir() else []
    except OSError:
        return []
    return sorted(beside) + sorted(below)


def _clear(left: Path) -> None:
    """Removes one leftover unless a living run holds it."""
    with suppress(OSError):
        if not left.is_dir():
            left.unlink()
            return
        held = _hold(left)
        if held is not None:
            shutil.rmtree(left, ignore_errors=True)
            os.close(held)


def _hold(folder: Path) -> int | None:
    """A lock on the folder that ends with this process, as an open descriptor; None where it is held or there are no locks."""
    if _LOCKS is None:
        return None
    held = os.open(folder, os.O_RDONLY)
    try:
        _LOCKS.flock(held, _LOCKS.LOCK_EX | _LOCKS.LOCK_NB)
    except OSError:
        os.close(held)
        return None
    return held


def write_whole(path: Path, text: str) -> None:
    """Writes a text file that is there whole or not at all. Raises ExportError."""
    made = path.with_name(f".{path.name}.{secrets.token_hex(4)}.partial")
    for left in _leftovers(path):
        _clear(left)
    try:
        made.write_text(text, encoding="utf-8", newline="\n")
        made.replace(path)
    except OSError as error:
        made.unlink(missing_ok=True)
        raise ExportError(f"{path} cannot be written: {error.strerror or error}") from error


def refuse_foreign(place: Path, said: Path, kind: Kind) -> None:
    """Raises ExportError unless the folder is missing, empty, or an untouched one of ours."""
    try:
        if not place.exists():
            return
        if not place.is_dir():
            raise ExportError(f"{said} is a file; name a folder for {kind.shown}")
        if not any(place.iterdir()):
            return
        above = [p / kind.marker for p in place.parents if (p / kind.marker).is_file()]
        markers = [*above, *sorted(place.rglob(_MARKERS))]
        other = any(m.parent == place and m.name != kind.marker for m in markers)
        if not markers or other:
            raise ExportError(
                f"{said} holds other files and is no {kind.word} of cdiscx; name an empty or a new folder"
            )
        known = _known(markers, said)
        changed = [
            p.relative_to(place).as_posix()
            for p in sorted(place.rglob("*"))
            if p.is_file() and not p.name.startswith((".", "~")) and digest(p) not in known.get(p, ())
        ]
    except OSError as error:
        raise ExportError(f"{said} cannot be read: {error.strerror}; name another folder") from error
    if changed:
        raise ExportError(
            f"{said} is an earlier {kind.word} in which {changed[0]} was changed or added; "
            "move it away or name another folder"
        )


def _known(markers: list[Path], said: Path) -> dict[Path, set[str]]:
    """File -> the hashes that markers in its folder and above state."""
    known: dict[Path, set[str]] = {}
    for marker in markers:
        try:
            for name, hashed in json.loads(marker.read_text(encoding="utf-8"))["files"].items():
                known.setdefault(marker.parent / name, set()).add(str(hashed))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ExportError(
                f"{said}: its {marker.name} file is damaged; delete the folder or name another"
            ) from error
    return known


def digest(path: Path) -> str:
    """SHA-256 of a file, read piece by piece."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _put_in_place(made: Path, place: Path) -> None:
    """Renames the new folder over the old; the old one comes back when that fails."""
    if not place.exists():
        made.rename(place)
        return
    old = made.with_suffix(".old")
    place.rename(old)
    try:
        made.rename(place)
    except OSError:
        old.rename(place)
        raise
    shutil.rmtree(old, ignore_errors=True)
