"""Bytes of a zip file in, its members out, after its directory was checked and with every real byte counted."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field

from cdiscx.model.errors import UploadError
from cdiscx.read.limits import Limits, human

_LOCAL = struct.Struct("<4s5H3I2H")
_PIECE = 1 << 20


def _damaged(name: str, why: str) -> UploadError:
    return UploadError(f"{name} is damaged ({why}); open it, save it again and upload the new file")


@dataclass(slots=True)
class Archive:
    """A zip file held in memory. `spent` counts the bytes that came out of it in all."""

    name: str
    data: bytes
    members: dict[str, zipfile.ZipInfo]
    limits: Limits
    spent: int = field(default=0)

    def pieces(self, member: str) -> Iterator[bytes]:
        """The member's bytes, piece by piece.

        Unpacked here and not by `zipfile`: that one stops at the size the directory states, other parsers do not,
        so a lying directory would show us less than it shows them. Raises UploadError when sizes differ.
        """
        info = self.members[member]
        raw = memoryview(self.data)[self._start(info) :][: info.compress_size]
        if len(raw) != info.compress_size:
            raise _damaged(self.name, "it is cut off")
        size = check = 0
        for piece in self._inflate(raw, info):
            size += len(piece)
            self.spent += len(piece)
            if size > info.file_size:
                raise UploadError(f"{self.name} unpacks to more than it states (like a zip bomb); it was not read")
            if self.spent > self.limits.unpacked * 2:  # every member is unpacked at most twice: once to check
                raise _too_big(self.name, self.limits)
            check = zlib.crc32(piece, check)
            yield piece
        if size != info.file_size or check != info.CRC:
            raise _damaged(self.name, f"part {member!r} does not match its checksum")

    def read(self, member: str) -> bytes:
        """All bytes of the member."""
        return b"".join(self.pieces(member))

    def _start(self, info: zipfile.ZipInfo) -> int:
        header = self.data[info.header_offset : info.header_offset + _LOCAL.size]
        if len(header) < _LOCAL.size or header[:4] != b"PK\x03\x04":
            raise _damaged(self.name, "it is cut off")
        *_, name_length, extra_length = _LOCAL.unpack(header)
        return info.header_offset + _LOCAL.size + int(name_length) + int(extra_length)

    def _inflate(self, raw: memoryview, info: zipfile.ZipInfo) -> Iterator[bytes]:
        if info.compress_type == zipfile.ZIP_STORED:
            for start in range(0, len(raw), _PIECE):
                yield bytes(raw[start : start + _PIECE])
            return
        unpacker = zlib.decompressobj(-zlib.MAX_WBITS)
        position = 0
        pending: bytes | memoryview = b""
        try:
            while not unpacker.eof:
                if not pending:
                    pending = raw[position : position + _PIECE]
                    position += len(pending)
                    if not pending:
                        raise _damaged(self.name, "it is cut off")
                yield unpacker.decompress(pending, _PIECE)
                pending = unpacker.unconsumed_tail
        except zlib.error as error:
            raise _damaged(self.name, "it does not unpack") from error


def _too_big(name: str, limits: Limits) -> UploadError:
    return UploadError(
        f"{name} unpacks to more than {human(limits.unpacked)}, which no site workbook needs; "
        "remove what is not data, or split it, and upload again"
    )


def open_archive(data: bytes, name: str, limits: Limits) -> Archive:
    """The zip's directory, checked before any parser sees the file.

    Raises UploadError for a broken directory, encrypted members, a method other than store and deflate, a name
    given twice, too many or too large members, and a compression that only bombs reach.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as opened:
            infos = opened.infolist()
    # what zipfile raises on broken directories; NotImplementedError is its word for unknown zip versions
    except (
        zipfile.BadZipFile,
        NotImplementedError,
        struct.error,
        UnicodeDecodeError,
        ValueError,
        OSError,
    ) as error:
        raise _damaged(name, "its end is missing: the upload or download stopped early") from error
    if not infos:
        raise UploadError(f"{name} is an empty zip file; put the workbook or the .csv files in it and upload again")
    if len(infos) > limits.members:
        raise UploadError(f"{name} holds {len(infos)} files, more than {limits.members}; upload only the data")
    members: dict[str, zipfile.ZipInfo] = {}
    seen: set[str] = set()
    for info in infos:
        _check_member(info, name, limits)
        if info.filename.casefold() in seen:
            raise _damaged(name, f"it holds {info.filename!r} twice")
        seen.add(info.filename.casefold())
        members[info.filename] = info
    if sum(info.file_size for info in infos) > limits.unpacked:
        raise _too_big(name, limits)
    return Archive(name, data, members, limits)


def _check_member(info: zipfile.ZipInfo, name: str, limits: Limits) -> None:
    if info.flag_bits & 0x1:
        raise UploadError(f"{name} is protected with a password; save it without one and upload again")
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise UploadError(f"{name} is packed in a way that spreadsheets never are; save it again and upload that file")
    if info.file_size > limits.ratio_from and info.file_size > limits.ratio * max(info.compress_size, 1):
        raise UploadError(
            f"{name} would unpack from {human(info.compress_size)} to {human(info.file_size)} (like a zip bomb); "
            "it was not read"
        )
