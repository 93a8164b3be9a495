"""A folder or a .zip of .csv files in, one sheet a file out; whatever else lies there is ignored with a note."""

from __future__ import annotations

import hashlib
from pathlib import Path, PurePosixPath

from cdiscx.model.errors import UploadError
from cdiscx.model.table import RawSheet
from cdiscx.read.archive import open_archive
from cdiscx.read.delimited import sheet_of
from cdiscx.read.given import Found, Given
from cdiscx.read.limits import Limits, human
from cdiscx.registry import reader

#: what computers leave behind and people never see; not worth a note
_LITTER = ("__MACOSX/", ".DS_Store", "Thumbs.db", "desktop.ini", "~$")


def _litter(name: str) -> bool:
    return name.startswith(_LITTER) or PurePosixPath(name).name.startswith((*_LITTER, "._"))


class _Sheets:
    """Gathers the sheets of one bundle."""

    def __init__(self, name: str, limits: Limits) -> None:
        self.name, self.limits = name, limits
        self.sheets: list[RawSheet] = []
        self.notes: list[str] = []
        self._from: dict[str, str] = {}

    def add(self, member: str, data: bytes) -> None:
        """Reads one .csv. Raises UploadError when it cannot be read or its sheet was already given."""
        sheet = PurePosixPath(member).stem
        first = self._from.setdefault(sheet.casefold(), member)
        if first != member:
            raise UploadError(
                f"{self.name} holds two files for the sheet {sheet!r} ({first} and {member}); keep one and upload again"
            )
        shown = f"{self.name}/{member}"
        if not data:
            self.notes.append(f"{shown}: empty (0 bytes)")
        self.sheets.append(
            sheet_of(data, file=self.name, sheet=sheet, shown=shown, limits=self.limits, notes=self.notes)
        )

    def skip(self, member: str, why: str) -> None:
        """Notes what was not read."""
        if not _litter(member):
            self.notes.append(f"{self.name}/{member}: {why}, ignored")

    def found(self, others: list[str]) -> Found:
        """The result. Raises UploadError when there was no .csv at all."""
        if not self.sheets:
            held = ", ".join(others[:3]) + (" …" if len(others) > 3 else "")
            raise UploadError(
                f"{self.name} holds no .csv file" + (f" (it holds {held})" if held else "") + "; put the sheets in it "
                "as .csv files, or upload each workbook by itself"
            )
        return Found(tuple(self.sheets), tuple(self.notes))


def real_name(name: str, flags: int) -> str:
    """A member's name as its author saw it: old zip programs in China write GB18030 and do not say so."""
    if flags & 0x800 or name.isascii():
        return name
    for encoding in ("utf-8", "gb18030"):
        try:
            return name.encode("cp437").decode(encoding)
        except UnicodeError:
            continue
    return name


@reader("zip")
def read_zip(given: Given) -> Found:
    """A .zip of .csv files named like the sheets."""
    archive = open_archive(given.data, given.name, given.limits)
    gathered = _Sheets(given.name, given.limits)
    others: list[str] = []
    for member in sorted(archive.members):
        info = archive.members[member]
        shown = real_name(member, info.flag_bits)
        path = PurePosixPath(shown.replace("\\", "/"))
        if info.is_dir() or _litter(shown):
            continue
        if path.is_absolute() or ".." in path.parts or ":" in path.parts[0]:
            gathered.skip(shown, "its name leads out of the zip")
        elif path.suffix.lower() == ".csv":
            gathered.add(shown, archive.read(member))
        else:
            others.append(shown)
            gathered.skip(shown, "not a .csv file")
    return gathered.found(others)


def read_folder(folder: Path, name: str, limits: Limits) -> tuple[Found, str, int]:
    """A folder of .csv files -> what was found, the hash over names and bytes, the size. Links are not followed."""
    gathered = _Sheets(name, limits)
    digest = hashlib.sha256()
    others: list[str] = []
    total = 0
    try:
        for path in sorted(folder.iterdir()):
            if path.is_symlink():
                gathered.skip(path.name, "a link")
            elif path.is_file() and path.suffix.lower() == ".csv":
                total += path.stat().st_size
                if total > limits.file:
                    raise UploadError(
                        f"{name} holds more than {human(limits.file)} of .csv files; split it and upload the parts"
                    )
                data = path.read_bytes()
                digest.update(path.name.encode() + b"\0" + hashlib.sha256(data).digest())
                gathered.add(path.name, data)
            else:
                others.append(path.name)
                gathered.skip(path.name, "a folder" if path.is_dir() else "not a .csv file")
    except OSError as error:
        raise UploadError(f"{name} cannot be opened ({error.strerror}); check its permissions") from error
    return gathered.found(others), digest.hexdigest(), total
