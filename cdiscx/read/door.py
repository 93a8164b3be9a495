"""A path in, an UploadFile out: sizes checked, content sniffed, the right reader called."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import cast

from cdiscx.model.errors import UploadError
from cdiscx.model.table import UploadFile
from cdiscx.read.given import Found, Given
from cdiscx.read.limits import Limits, human
from cdiscx.registry import discover, registered


def _bytes_of(path: Path, name: str, limits: Limits) -> bytes:
    try:
        size = path.stat().st_size
        if not path.is_file():
            raise UploadError(f"{name} is not a file; give the path of a workbook, a .zip or a folder of .csv files")
        if size > limits.file:
            raise UploadError(
                f"{name} is {human(size)}, more than the {human(limits.file)} that can be read; remove what is not "
                "data, or split it, and upload again"
            )
        if size == 0:
            raise UploadError(f"{name} is empty (0 bytes); export it again and upload the new file")
        return path.read_bytes()
    except FileNotFoundError as error:
        raise UploadError(f"{name} was not found; check the path") from error
    except OSError as error:
        raise UploadError(f"{name} cannot be opened ({error.strerror}); check its permissions") from error


def read_upload(path: str | Path, *, limits: Limits = Limits()) -> UploadFile:  # noqa: B008 - frozen
    """Reads one upload: a workbook (.xlsx .xlsm .xlsb .xls .ods), a .csv, or a folder or .zip of .csv files.

    The content decides how it is read, not the name's ending. Raises UploadError with one line that names the file,
    says what is wrong and what to do.
    """
    where = Path(path)
    name = where.name or str(where)
    data = _bytes_of(where, name, limits)
    discover("cdiscx.read")
    found = cast(Found, registered("reader")["xlsx"](Given(name, data, limits)))
    return UploadFile(
        name,
        hashlib.sha256(data).hexdigest(),
        len(data),
        found.sheets,
        str(where),
        found.notes,
        found.date_system,
    )


def read_uploads(paths: Iterable[str | Path], *, limits: Limits = Limits()) -> tuple[UploadFile, ...]:  # noqa: B008
    """Reads several uploads of one study, in the order given. Raises UploadError at the first that cannot be read."""
    return tuple(read_upload(path, limits=limits) for path in paths)
