"""A seeded hand that breaks files: bytes, lines, words, and the parts of an archive."""

from __future__ import annotations

import io
import zipfile
from random import Random

#: what programs write and people type at the edges of formats
WORDS = (
    b"", b"\0", b"\xff\xfe", b"\xef\xbb\xbf", b"-1", b"0", b"1e999", b"NaN", b"4294967296", b"-9223372036854775809", b"9" * 400,
    b"null", b"true", b"~", b"{}", b"[]", b"[[[[", b"}}", b"&a", b"*a", b"<<: *a", b"!!python/object/apply:os.system ['x']",
    b"!!binary x", b"---", b"...", b"%YAML 9.9", b"\t", b"'", b'"', b'""', b"\r", b"\r\n", b"\n\n", b";", b",,,", b"=1+1", b"@SUM(1)",
    b"../../x", b"/etc/passwd", b"\\\\host\\x", b"C:\\x", b"<!DOCTYPE a [<!ENTITY b 'c'>]>", b"&b;", b"<![CDATA[", b"]]>", b"<", b">",
    "汉字".encode(), "é".encode("latin-1"), "\u202e".encode(), "\ud7ff\U0010ffff".encode(), b"A" * 70_000, b"2024-02-30", b"0000-00-00",
    b"31DEC9999", b"XFE1048577", b"A0", b"t=\"s\"", b"t=\"e\"", b"r=\"\"", b"/", b"${HOME}", b"{{7*7}}", b"{SUBJID}",
)  # fmt: skip


def broken(data: bytes, rng: Random) -> bytes:
    """The bytes after one to six changes; an archive mostly by changes of its parts, packed again."""
    if data[:4] == b"PK\x03\x04" and rng.random() < 0.75:
        return _repacked(data, rng)
    out = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 6))):
        out = bytearray(rng.choice((_flip, _cut, _word, _repeat, _swap, _drop))(bytes(out), rng))
    return bytes(out)


def _flip(data: bytes, rng: Random) -> bytes:
    out = bytearray(data)
    for _ in range(rng.choice((1, 3, 20))):
        if out:
            out[rng.randrange(len(out))] = rng.randrange(256)
    return bytes(out)


def _cut(data: bytes, rng: Random) -> bytes:
    return (
        data[: rng.randrange(len(data) + 1)] if rng.random() < 0.5 else data[rng.randrange(min(len(data), 300) + 1) :]
    )


def _word(data: bytes, rng: Random) -> bytes:
    start = rng.randrange(len(data) + 1)
    return data[:start] + rng.choice(WORDS) + data[start + rng.choice((0, 1, 4, 12)) :]


def _repeat(data: bytes, rng: Random) -> bytes:
    start = rng.randrange(len(data) + 1)
    piece = data[start : start + rng.choice((1, 10, 200))]
    return data[:start] + piece * rng.choice((2, 3, 50)) + data[start:]


def _drop(data: bytes, rng: Random) -> bytes:
    start = rng.randrange(len(data) + 1)
    return data[:start] + data[start + rng.choice((1, 10, 200)) :]


def _swap(data: bytes, rng: Random) -> bytes:
    lines = data.split(b"\n")
    a, b = rng.randrange(len(lines)), rng.randrange(len(lines))
    lines[a], lines[b] = lines[b], lines[a]
    return b"\n".join(lines)


def _repacked(data: bytes, rng: Random) -> bytes:
    parts = []
    with zipfile.ZipFile(io.BytesIO(data)) as opened:
        for info in opened.infolist():
            parts.append((info.filename, opened.read(info)))
    at = rng.randrange(len(parts))
    name, content = parts[at]
    what = rng.random()
    if what < 0.75:
        for _ in range(rng.choice((1, 1, 3))):
            content = rng.choice((_flip, _cut, _word, _word, _repeat, _swap, _drop))(content, rng)
        parts[at] = (name, content)
    elif what < 0.85:
        del parts[at]
    elif what < 0.95:
        parts[at] = (rng.choice(("../" + name, "/" + name, "C:\\" + name, name + ".csv", "x\0y", "")), content)
    else:
        parts.append((name, content[::-1]))
    out = io.BytesIO()
    import warnings

    with warnings.catch_warnings(), zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made:
        warnings.simplefilter("ignore")  # a name twice is what we want
        for name, content in parts:
            made.writestr(zipfile.ZipInfo(name or "empty"), content)
    return out.getvalue()
