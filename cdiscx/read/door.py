"""A path in, an UploadFile out: sizes checked, content sniffed, the right reader called."""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import cast

from cdiscx.model.errors import UploadError
from cdiscx.model.kept import Scratch, size_of
from cdiscx.model.table import UploadFile
from cdiscx.read.bundle import read_folder
from cdiscx.read.given import Found, Given
from cdiscx.read.limits import Limits, human
from cdiscx.read.sniff import format_of
from cdiscx.registry import discover, registered

_LIMITS = Limits()
#: bytes of .csv from which on an upload waits on disk while it is worked on; in memory it takes about twenty times as much
LARGE = 100 * 1024**2
#: how many bytes of .csv a byte of a compressed file comes to
_UNPACKED = 6


def _bytes_of(path: Path, name: str, limits: Limits) -> bytes:
    if not path.is_file():  # a pipe or a device would never end
        raise UploadError(f"{name} is not a file; give the path of a workbook, a .zip or a folder of .csv files")
    size = path.stat().st_size
    if size > limits.file:
        raise UploadError(
            f"{name} is {human(size)}, more than the {human(limits.file)} that can be read; remove what is not "
            "data, or split it, and upload again"
        )
    if size == 0:
        raise UploadError(f"{name} is empty (0 bytes); export it again and upload the new file")
    with path.open("rb") as handle:
        data = handle.read(limits.file + 1)
    if len(data) > limits.file:
        raise UploadError(f"{name} grew while it was read; upload it again when it is complete")
    return data


def read_upload(path: str | Path, *, limits: Limits = _LIMITS, name: str | None = None) -> UploadFile:
    """Reads one upload: a workbook (.xlsx .xlsm .xlsb .xls .ods), a .csv, or a folder or .zip of .csv files.

    `name`: what its sender calls it, where the path says something else. The content decides how it is read, not the
    name's ending. Raises UploadError with one line that names the file, says what is wrong and what to do.
    """
    where = Path(path)
    name = name or _as_text(where.name or where.absolute().name or str(where))
    try:
        where.stat()  # is_dir and is_file would hide a missing path, a loop of links and a closed folder alike
        if where.is_dir():
            found, digest, size = read_folder(where, name, limits)
            return _upload(name, digest, size, where, found)
        data = _bytes_of(where, name, limits)
    except FileNotFoundError as error:
        raise UploadError(f"{name} was not found; check the path {str(where)!r}") from error
    except OSError as error:
        raise UploadError(f"{name} cannot be opened ({error.strerror}); check the path and its permissions") from error
    except ValueError as error:  # a null byte in the path
        raise UploadError(f"{name!r} is not a path; check it") from error
    discover("cdiscx.read")
    kind = format_of(data, name)
    found = cast(Found, registered("reader")[kind](Given(name, data, limits)))
    if not found.sheets:
        raise UploadError(f"{name} holds no sheet, so it is probably damaged; save it again and upload the new file")
    ending = Path(name).suffix.lower().lstrip(".")
    if not _agree(ending, kind):
        found = replace(found, notes=(f"{name}: its content is {kind}, not {ending or 'what it says'}", *found.notes))
    return _upload(name, hashlib.sha256(data).hexdigest(), len(data), where, found)


def _as_text(name: str) -> str:
    """The name as people read it, also where a plain locale hands over its bytes one by one."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def _agree(ending: str, kind: str) -> bool:
    return ending == kind or (kind, ending) in {
        ("xlsx", "xlsm"),
        ("csv", "tsv"),
        ("csv", "txt"),
        ("xlsx", "xltx"),
    }


def _upload(name: str, digest: str, size: int, where: Path, found: Found) -> UploadFile:
    return UploadFile(name, digest, size, found.sheets, str(where), found.notes, found.date_system)


def _named(upload: UploadFile, name: str) -> UploadFile:
    return replace(upload, name=name, sheets=tuple(sheet.named(name) for sheet in upload.sheets))


def are_large(paths: Iterable[Path]) -> bool:
    """Whether uploads take more memory together than should be asked for: from LARGE bytes of .csv on."""
    packed = (".csv", ".tsv", ".txt")
    size = sum(size_of(p) * (1 if p.is_dir() or p.suffix.lower() in packed else _UNPACKED) for p in paths)
    return size >= LARGE


def _laid_down(upload: UploadFile, scratch: Scratch) -> UploadFile:
    """The upload with the cells of its sheets on disk."""
    sheets = tuple(
        sheet if sheet.kept else sheet.moved(scratch.keep(sheet.text), scratch.keep(sheet.kinds))
        for sheet in upload.sheets
    )
    return replace(upload, sheets=sheets)


def read_uploads(
    paths: Iterable[str | Path], *, limits: Limits = _LIMITS, low_memory: bool | None = None
) -> tuple[UploadFile, ...]:
    """Reads several uploads of one study, in the order given.

    Where two have the same name, as many parent folders as tell them apart go before it (`north/site.xlsx`).
    `low_memory`: their cells wait in a private temporary folder until they are asked for; by default where there are many.
    Raises UploadError at the first that cannot be read, and for a file given twice.
    """
    given = [Path(path) for path in paths]
    seen: dict[Path, Path] = {}
    for path in given:
        whole = path.resolve()
        if whole in seen:
            raise UploadError(f"{path.name} was given twice ({seen[whole]} and {path}); give it once")
        seen[whole] = path
    scratch = Scratch() if (are_large(given) if low_memory is None else low_memory) else None
    uploads = []
    for path in given:
        upload = read_upload(path, limits=limits)
        uploads.append(upload if scratch is None else _laid_down(upload, scratch))
    parts = [path.resolve().parts for path in given]
    names = [upload.name for upload in uploads]
    depth = 1
    while (twice := {name for name, count in Counter(names).items() if count > 1}) and depth < 64:
        depth += 1
        names = [
            _as_text("/".join(part[-depth:])) if name in twice else name
            for name, part in zip(names, parts, strict=True)
        ]
    return tuple(
        upload if upload.name == name else _named(upload, name) for upload, name in zip(uploads, names, strict=True)
    )
