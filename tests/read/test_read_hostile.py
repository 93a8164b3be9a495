"""Whatever is given, the answer is sheets or one clear line: never a traceback, a hang or a full machine."""

from __future__ import annotations

import os
import random
import resource
import struct
import subprocess
import sys
import time
import zipfile
import zlib
from dataclasses import replace
from pathlib import Path

import openpyxl
import pytest
from read_packages import MAIN, ods, xlsx

from cdiscx.model.errors import UploadError
from cdiscx.read import Limits, read_upload

LAUGHS = '<!DOCTYPE z [<!ENTITY a "lol">' + "".join(
    f'<!ENTITY {chr(98 + i)} "{("&" + chr(97 + i) + ";") * 10}">' for i in range(10)
)


def refused(path: Path, *words: str, limits: Limits | None = None) -> str:
    """The one line with which this file is refused; it names the file and holds these words."""
    start = time.perf_counter()
    with pytest.raises(UploadError) as caught:
        read_upload(path, limits=limits or Limits())
    line = str(caught.value)
    assert "\n" not in line
    assert path.name in line
    for word in words:
        assert word in line, line
    assert time.perf_counter() - start < 30
    return line


def workbook(path: Path) -> Path:
    book = openpyxl.Workbook()
    for row in range(1, 200):
        book.active.append([row, f"text {row}", row / 7])
    book.save(path)
    return path


def encrypted_container(stream: str) -> bytes:
    """An OLE container whose directory holds a stream of this name, as Excel writes for a protected workbook."""
    head = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16) + struct.pack("<5H", 0x3E, 3, 0xFFFE, 9, 6) + bytes(10)
    head += struct.pack("<4I", 1, 1, 0, 4096) + struct.pack("<4I", 0xFFFFFFFE, 0, 0xFFFFFFFE, 0)
    head += struct.pack("<109I", 0, *[0xFFFFFFFF] * 108)
    fat = struct.pack("<128I", 0xFFFFFFFD, 0xFFFFFFFE, *[0xFFFFFFFF] * 126)
    entries = b""
    for name, kind in (("Root Entry", 5), (stream, 2), ("EncryptionInfo", 2)):
        raw = (name + "\0").encode("utf-16-le")
        entries += raw.ljust(64, b"\0") + struct.pack("<HBB", len(raw), kind, 1) + bytes(60)
    return head + fat + entries.ljust(512, b"\0")


def test_a_password_protected_workbook_says_so(tmp_path: Path) -> None:
    path = tmp_path / "site-01.xlsx"
    path.write_bytes(encrypted_container("EncryptedPackage"))
    assert refused(path) == "site-01.xlsx is protected with a password; save it without one and upload again"


def test_a_password_protected_ods_says_so(tmp_path: Path) -> None:
    path = ods(tmp_path / "a.ods", "", manifest="<manifest><encryption-data/></manifest>")
    refused(path, "password")


def test_an_encrypted_zip_says_so(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as made:
        made.writestr("Visits.csv", "a,b")
    data = bytearray(path.read_bytes())
    data[data.find(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(bytes(data))
    refused(path, "password")


@pytest.mark.parametrize("share", [0.02, 0.3, 0.7, 0.99])
def test_a_truncated_workbook_says_that_it_is_damaged(tmp_path: Path, share: float) -> None:
    path = workbook(tmp_path / "a.xlsx")
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    refused(path, "damaged")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"<html><body><table><tr><td>1</td></tr></table></body></html>", ("web page (HTML)",)),
        (b"Subject ID,Visit\n007,WEEK 3\n", ("CSV text file", ".csv")),
        (b"just some words", ("text file",)),
        (b"<?xml version='1.0'?><a/>", ("XML file",)),
        (b"%PDF-1.7 ...", ("a PDF",)),
        (b"\x89PNG\r\n\x1a\n", ("a picture",)),
        (bytes(range(256)) * 4, ("not a spreadsheet",)),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), ("damaged or not a workbook",)),
        (encrypted_container("WordDocument"), ("a Word document",)),
        (encrypted_container("Workbook"), ("damaged",)),
        (b"", ("is empty (0 bytes)",)),
    ],
)
def test_what_is_not_really_a_workbook_is_named_for_what_it_is(
    tmp_path: Path, content: bytes, words: tuple[str, ...]
) -> None:
    path = tmp_path / "a.xlsx"
    path.write_bytes(content)
    refused(path, *words)


def test_a_word_document_named_xlsx_is_named_for_what_it_is(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.xlsx", "w") as made:
        made.writestr("[Content_Types].xml", "<Types/>")
        made.writestr("word/document.xml", "<w/>")
    refused(tmp_path / "a.xlsx", "a Word document")


def test_a_workbook_named_csv_is_read_as_what_it_is_with_a_note(tmp_path: Path) -> None:
    upload = read_upload(workbook(tmp_path / "a.xlsx").rename(tmp_path / "a.csv"))
    assert upload.sheets[0].text.height == 199
    assert "its content is xlsx" in upload.notes[0]


def test_a_file_over_the_size_limit_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    with path.open("wb") as handle:
        handle.truncate(201 * 1024**2)
    refused(path, "201 MB", "200 MB")


def test_a_workbook_that_unpacks_beyond_the_limit_is_refused(tmp_path: Path) -> None:
    refused(workbook(tmp_path / "a.xlsx"), "unpacks to more than", limits=replace(Limits(), unpacked=5000))


def test_too_many_cells_or_rows_are_refused(tmp_path: Path) -> None:
    refused(workbook(tmp_path / "a.xlsx"), "more than 100 cells", limits=replace(Limits(), cells=100))
    path = tmp_path / "b.csv"
    path.write_text("a,b\n" * 200)
    refused(path, "more than 100 cells", limits=replace(Limits(), cells=100))
    refused(path, "more than 10 rows", limits=replace(Limits(), rows=10))


def test_a_zip_bomb_is_refused_from_its_directory(tmp_path: Path) -> None:
    path = xlsx(tmp_path / "a.xlsx", "", extra={"xl/sharedStrings.xml": bytes(60 * 1024**2)})
    refused(path, "like a zip bomb")


def test_a_bomb_of_csv_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("Visits.csv", b"," * 40 * 1024**2)
    refused(tmp_path / "a.zip", "like a zip bomb")


@pytest.mark.parametrize("checksum", ["of the whole", "of the part"])
def test_a_directory_that_lies_about_a_size_is_found_out(tmp_path: Path, checksum: str) -> None:
    content = b"<sst/>" + bytes(30 * 1024**2)
    path = xlsx(tmp_path / "a.xlsx", '<row r="1"><c r="A1"><v>1</v></c></row>', extra={"xl/sharedStrings.xml": content})
    data = bytearray(path.read_bytes())
    crc = zlib.crc32(content if checksum == "of the whole" else content[:6])
    entry = data.rfind(b"xl/sharedStrings.xml") - 46
    assert data[entry : entry + 4] == b"PK\x01\x02"
    struct.pack_into("<I", data, entry + 16, crc)
    struct.pack_into("<I", data, entry + 24, 6)
    path.write_bytes(bytes(data))
    refused(path, "unpacks to more than it states")


def test_entities_that_multiply_are_refused(tmp_path: Path) -> None:
    prolog = f"<?xml version='1.0'?>{LAUGHS}]>"
    rows = '<row r="1"><c r="A1" t="inlineStr"><is><t>&j;</t></is></c></row>'
    refused(xlsx(tmp_path / "a.xlsx", rows, prolog=prolog), "entity")
    refused(ods(tmp_path / "a.ods", "", prolog=LAUGHS + "]>"), "entity")
    bombed = xlsx(tmp_path / "b.xlsx", rows, extra={"xl/sharedStrings.xml": f"{prolog}<sst>&j;</sst>".encode()})
    refused(bombed, "entity")


def test_entities_hidden_by_another_encoding_are_refused(tmp_path: Path) -> None:
    sheet = f"<?xml version='1.0' encoding='UTF-16'?>{LAUGHS}]><sst>&j;</sst>".encode("utf-16")
    refused(xlsx(tmp_path / "a.xlsx", "", extra={"xl/sharedStrings.xml": sheet}), "encoding")


def test_an_external_entity_is_refused_and_nothing_is_fetched(tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("secret")
    prolog = f'<?xml version="1.0"?><!DOCTYPE z [<!ENTITY x SYSTEM "file://{secret}">]>'
    rows = '<row r="1"><c r="A1" t="inlineStr"><is><t>&x;</t></is></c></row>'
    assert "secret" not in refused(xlsx(tmp_path / "a.xlsx", rows, prolog=prolog), "entity")


def test_a_sheet_broken_in_the_middle_says_that_it_is_damaged(tmp_path: Path) -> None:
    sheet = f'<worksheet xmlns="{MAIN}"><sheetData><row r="1"><c r="A1"><v>1</v></c></row><row r="2"><c r="A2"'
    refused(xlsx(tmp_path / "a.xlsx", "", worksheet=sheet), "damaged")


def test_a_text_that_is_not_in_the_table_of_texts_says_that_the_file_is_damaged(tmp_path: Path) -> None:
    refused(xlsx(tmp_path / "a.xlsx", '<row r="1"><c r="A1" t="s"><v>7</v></c></row>'), "damaged")


@pytest.mark.parametrize(
    "cell",
    [
        'r="XFE1"', 'r="A1048577"', 'r="ZZZ9999999"', 'r="A9999999"', 'r="B84294967296"', 'r="AAAA1"', "r='b99999999'",
        "r = 'ABCDEFG7'", 'r="A99999999999999999999999"',
    ],
)  # fmt: skip
def test_a_cell_beyond_the_last_one_is_refused(tmp_path: Path, cell: str) -> None:
    rows = f'<row r="1"><c r="A1"><v>1</v></c><c {cell}><v>2</v></c></row>'
    refused(xlsx(tmp_path / "a.xlsx", rows))


def test_a_zip_whose_directory_names_a_part_twice_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as made:
        made.writestr("Visits.csv", "a")
        made.writestr("visits.CSV", "b")
    refused(tmp_path / "a.zip", "twice")


def test_missing_paths_links_in_circles_pipes_and_odd_names_are_refused(tmp_path: Path) -> None:
    refused(tmp_path / "none.xlsx", "was not found")
    (tmp_path / "dangling.xlsx").symlink_to(tmp_path / "gone.xlsx")
    refused(tmp_path / "dangling.xlsx", "was not found")
    (tmp_path / "loop.xlsx").symlink_to(tmp_path / "loop.xlsx")
    refused(tmp_path / "loop.xlsx", "cannot be opened")
    os.mkfifo(tmp_path / "pipe.xlsx")
    refused(tmp_path / "pipe.xlsx", "is not a file")
    with pytest.raises(UploadError, match="is not a path"):
        read_upload("a\0b.xlsx")


def test_a_link_to_a_workbook_is_read(tmp_path: Path) -> None:
    (tmp_path / "link.xlsx").symlink_to(workbook(tmp_path / "a.xlsx"))
    upload = read_upload(tmp_path / "link.xlsx")
    assert (upload.name, upload.sheets[0].text.height) == ("link.xlsx", 199)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_read_permission_is_refused(tmp_path: Path) -> None:
    path = workbook(tmp_path / "a.xlsx")
    path.chmod(0)
    refused(path, "cannot be opened")


@pytest.mark.parametrize("kind", ["xlsx", "ods", "xls"])
def test_no_flipped_byte_ends_in_anything_but_sheets_or_one_line(tmp_path: Path, kind: str) -> None:
    if kind == "xlsx":
        whole = workbook(tmp_path / "a.xlsx").read_bytes()
    elif kind == "ods":
        cell = '<table:table-cell office:value-type="float" office:value="1"/>'
        table = f'<table:table table:name="S"><table:table-row>{cell * 50}</table:table-row></table:table>'
        whole = ods(tmp_path / "a.ods", table).read_bytes()
    else:
        whole = (Path(__file__).parent / "fixtures" / "visits.xls").read_bytes()
    chance = random.Random(7)
    path = tmp_path / f"broken.{kind}"
    lines: list[str] = []
    for _ in range(40 if kind == "xls" else 150):
        data = bytearray(whole)
        for _ in range(chance.choice((1, 3, 20))):
            data[chance.randrange(len(data))] = chance.randrange(256)
        path.write_bytes(bytes(data))
        start = time.perf_counter()
        try:
            read_upload(path)
        except UploadError as error:
            lines.append(str(error))
        assert time.perf_counter() - start < 30
    assert lines
    assert not any("\n" in line for line in lines)


MEMORY = """
import resource, sys
from cdiscx.model.errors import UploadError
from cdiscx.read import read_upload
try:
    read_upload(sys.argv[1])
    print("read")
except UploadError as error:
    print(error)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""


@pytest.mark.parametrize("case", ["scattered", "one long row", "many empty cells", "repeated ods", "commas"])
def test_hostile_files_need_neither_a_gigabyte_nor_half_a_minute(tmp_path: Path, case: str) -> None:
    if case == "scattered":
        rows = "".join(f'<row r="{r}"><c r="A{r}"><v>1</v></c></row>' for r in range(1, 100_000))
        path = xlsx(tmp_path / "a.xlsx", rows + '<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>')
    elif case == "one long row":
        cells = "".join(f'<c r="A{r}"/>' for r in range(900_000, 900_100))
        path = xlsx(tmp_path / "a.xlsx", f'<row r="1"><c r="Z1"><v>1</v></c>{cells}</row>')
    elif case == "many empty cells":
        noise = random.Random(1).randbytes(3000).hex()
        path = xlsx(tmp_path / "a.xlsx", '<row r="1">' + f'<c x="{noise}"/>' * 2000 + "<c/>" * 3_000_000 + "</row>")
    elif case == "repeated ods":
        cell = '<table:table-cell table:number-columns-repeated="16384" office:value-type="float" office:value="1"/>'
        row = f'<table:table-row table:number-rows-repeated="1048576">{cell}</table:table-row>'
        path = ods(tmp_path / "a.ods", f'<table:table table:name="S">{row}</table:table>')
    else:
        path = tmp_path / "a.csv"
        path.write_bytes(b"," * 150_000_000)
    start = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", MEMORY, str(path)],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CORE, (0, 0)),
    )
    said, memory = done.stdout.strip().splitlines()
    assert said == "read" or path.name in said
    assert int(memory) < 1024, (said, memory)
    assert time.perf_counter() - start < 30
