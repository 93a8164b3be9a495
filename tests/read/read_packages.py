"""Makes workbook packages by hand, byte for byte what a test needs; xlsx writers are too well-behaved for that."""

from __future__ import annotations

import struct
import zipfile
from pathlib import Path

import polars as pl

from cdiscx.model.table import KIND_NAMES, RawSheet, UploadFile
from cdiscx.read import read_upload

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
REL = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships"
FORMATS = ("General", "yyyy-mm-dd", "000", "[h]:mm", "h:mm", "0.00", "yyyy-mm-dd hh:mm", "00\\-000")


def xlsx(
    path: Path,
    rows: str,
    *,
    head: str = "",
    tail: str = "",
    date1904: bool = False,
    prolog: str = '<?xml version="1.0"?>',
    worksheet: str | None = None,
    extra: dict[str, bytes] | None = None,
) -> Path:
    """A package with one sheet `S` made of these rows; style index = position in FORMATS."""
    formats = "".join(f'<numFmt numFmtId="{164 + i}" formatCode="{f}"/>' for i, f in enumerate(FORMATS) if i)
    styles = "".join(f'<xf numFmtId="{164 + i if i else 0}"/>' for i in range(len(FORMATS)))
    parts = {
        "[Content_Types].xml": '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        '<Default Extension="xml" ContentType="application/xml"/><Override PartName="/xl/workbook.xml" ContentType='
        '"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/><Override PartName='
        '"/xl/worksheets/sheet1.xml" ContentType='
        '"application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/><Override PartName='
        '"/xl/styles.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.styles+xml"/>'
        "</Types>",
        "_rels/.rels": f'<Relationships xmlns="{PACKAGE}"><Relationship Id="rId1" Type="{REL}/officeDocument" '
        'Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{MAIN}" xmlns:r="{REL}"><workbookPr date1904="{int(date1904)}"/>'
        '<sheets><sheet name="S" sheetId="1" r:id="rId1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{PACKAGE}"><Relationship Id="rId1" '
        f'Type="{REL}/worksheet" Target="worksheets/sheet1.xml"/><Relationship Id="rId2" Type="{REL}/styles" '
        'Target="styles.xml"/></Relationships>',
        "xl/styles.xml": f'<styleSheet xmlns="{MAIN}"><numFmts count="{len(FORMATS) - 1}">{formats}</numFmts>'
        f'<fonts count="1"><font/></fonts><fills count="1"><fill/></fills><borders count="1"><border/></borders>'
        f'<cellStyleXfs count="1"><xf numFmtId="0"/></cellStyleXfs>'
        f'<cellXfs count="{len(FORMATS)}">{styles}</cellXfs></styleSheet>',
    }
    sheet = worksheet or f'<worksheet xmlns="{MAIN}">{head}<sheetData>{rows}</sheetData>{tail}</worksheet>'
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as package:
        for name, content in parts.items():
            package.writestr(name, '<?xml version="1.0"?>' + content)
        package.writestr("xl/worksheets/sheet1.xml", prolog + sheet)
        for name, data in (extra or {}).items():
            package.writestr(name, data)
    return path


def ods(path: Path, tables: str, *, styles: str = "", manifest: str = "", prolog: str = "") -> Path:
    """An OpenDocument package whose spreadsheet holds these tables."""
    spaces = " ".join(
        f'xmlns:{short}="urn:oasis:names:tc:opendocument:xmlns:{long}:1.0"'
        for short, long in (("office", "office"), ("table", "table"), ("text", "text"), ("style", "style"))
    )
    calc = 'xmlns:calcext="urn:org:documentfoundation:names:experimental:calc:xmlns:calcext:1.0"'
    content = (
        f'<?xml version="1.0"?>{prolog}<office:document-content {spaces} {calc}><office:automatic-styles>{styles}'
        f"</office:automatic-styles><office:body><office:spreadsheet>{tables}</office:spreadsheet></office:body>"
        "</office:document-content>"
    )
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as package:
        package.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet", zipfile.ZIP_STORED)
        package.writestr("META-INF/manifest.xml", manifest or "<manifest/>")
        package.writestr("content.xml", content)
    return path


def _record(kind: int, body: bytes = b"") -> bytes:
    head = bytes([kind]) if kind < 128 else bytes([kind & 0x7F | 0x80, kind >> 7])
    size, left = b"", len(body)
    while True:
        size += bytes([left & 0x7F | (0x80 if left > 127 else 0)])
        left >>= 7
        if not left:
            return head + size + body


def _wide(text: str) -> bytes:
    return struct.pack("<I", len(text)) + text.encode("utf-16-le")


def xlsb(path: Path, rows: dict[int, list[tuple[int, int, int, bytes]]], hidden: tuple[int, ...] = ()) -> Path:
    """A binary package, one sheet `S`: 0-based row -> (column, style, record kind, body). Style 1 = `000`, 2 = date."""
    relations = (
        f'<?xml version="1.0"?><Relationships xmlns="{PACKAGE}"><Relationship Id="rId1" Type="{REL}/worksheet" '
        f'Target="worksheets/sheet1.bin"/><Relationship Id="rId2" Type="{REL}/styles" Target="styles.bin"/>'
        "</Relationships>"
    )
    workbook = _record(131) + _record(153, struct.pack("<II", 0, 0) + _wide("")) + _record(143)
    workbook += _record(156, struct.pack("<II", 0, 1) + _wide("rId1") + _wide("S")) + _record(144) + _record(132)
    formats = _record(615, struct.pack("<I", 2)) + _record(44, struct.pack("<H", 164) + _wide("000"))
    formats += _record(44, struct.pack("<H", 165) + _wide("yyyy-mm-dd")) + _record(616)
    formats += _record(617, struct.pack("<I", 3))
    formats += b"".join(_record(47, struct.pack("<HH", 0xFFFF, n) + bytes(12)) for n in (0, 164, 165)) + _record(618)
    sheet = _record(129) + _record(148, struct.pack("<4I", 0, 9, 0, 9)) + _record(145)
    for row, cells in rows.items():
        flags = bytes([0, 0x10 if row in hidden else 0, 0])
        sheet += _record(0, struct.pack("<IIH", row, 0, 300) + flags + struct.pack("<I", 0))
        for column, style, kind, body in cells:
            sheet += _record(kind, struct.pack("<II", column, style) + body)
    sheet += _record(146) + _record(130)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as package:
        package.writestr("[Content_Types].xml", '<?xml version="1.0"?><Types/>')
        package.writestr(
            "_rels/.rels",
            f'<?xml version="1.0"?><Relationships xmlns="{PACKAGE}"><Relationship Id="rId1" '
            f'Type="{REL}/officeDocument" Target="xl/workbook.bin"/></Relationships>',
        )
        package.writestr("xl/_rels/workbook.bin.rels", relations)
        package.writestr("xl/workbook.bin", workbook)
        package.writestr("xl/styles.bin", formats)
        package.writestr("xl/worksheets/sheet1.bin", sheet)
    return path


def grid(sheet: RawSheet) -> dict[str, tuple[str, str]]:
    """`{'C17': ('7', 'number')}` for every cell that is not blank; also proves that the frames agree in shape."""
    assert sheet.text.columns == sheet.kinds.columns
    assert sheet.text["_row"].equals(sheet.kinds["_row"])
    assert sheet.text["_row"].is_sorted()
    assert sheet.text.schema["_row"] == pl.UInt32
    assert set(sheet.text.dtypes[1:]) <= {pl.String}
    assert set(sheet.kinds.dtypes[1:]) <= {pl.UInt8}
    rows = sheet.text["_row"].to_list()
    cells: dict[str, tuple[str, str]] = {}
    for texts, kinds in zip(list(sheet.text)[1:], list(sheet.kinds)[1:], strict=True):
        for row, text, kind in zip(rows, texts.to_list(), kinds.to_list(), strict=True):
            assert (text is None) == (kind == 0)
            if text is not None:
                cells[f"{texts.name}{row}"] = (text, KIND_NAMES[kind])
    return cells


def sheet_named(upload: UploadFile, name: str) -> RawSheet:
    """The one sheet of that name."""
    (found,) = [sheet for sheet in upload.sheets if sheet.sheet == name]
    return found


def first(path: Path) -> dict[str, tuple[str, str]]:
    """The cells of the first sheet of a file."""
    return grid(read_upload(path).sheets[0])
