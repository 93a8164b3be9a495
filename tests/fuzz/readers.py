"""Everything that reads a file of somebody else: a good file of each kind, and how it is read."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from unittest.mock import patch

import polars as pl
import pyreadstat
from xlsxwriter import Workbook

from cdiscx import registry
from cdiscx.export.define_read import declared
from cdiscx.model.errors import UploadError
from cdiscx.model.kept import Kept
from cdiscx.model.mapping_file import load_mappings
from cdiscx.model.spec import Study
from cdiscx.read import datasets_on_disk, read_upload
from cdiscx.read.datasets import read_datasets

HERE = Path(__file__).parent
TESTS = HERE.parent

#: stands in a cell of every good file: no refusal may show it
SECRET = "ZQXWVK"
ROWS = [
    ["Subject ID", "Visit", "Visit Date", "Weight"],
    ["A-001", "WEEK 3", "2024-03-05", 70.5],
    ["A-002", "WEEK 6", "2024-04-31", None],
    ["A-003", "周 9", "05MAR2024", SECRET],
    ["A-004", SECRET, SECRET, SECRET],
]
DM = pl.DataFrame({"STUDYID": ["S", "S"], "USUBJID": ["S-1", SECRET], "SUBJID": ["1", SECRET], "AGE": [61.0, None]})

STUDY = """\
id: mine
studyid: MINE-1
title: A study
parameters: {dose: 1000}
sheets:
  Visits:
    holds: visits
    key: [SUBJID]
    columns:
      Subject ID: {is: SUBJID, type: id, required: true}
      Visit Date: {is: VISDAT, type: date}
anchors:
  D1:
    label: first day
    sources: [{of: visits.VISDAT}]
schedule:
  - {name: DAY 1, num: 1, anchor: D1, target: 0, window: 3}
checks:
  VIS-001: {severity: warning}
"""
MAPPING = """\
domain: PR
blocks:
  biopsy: null
  surgery:
    targets:
      PRCAT: {hardcode_no_ct: OPERATION}
extend_codelists:
  C66742: {Q: perhaps}
"""
DEFINE = """\
<?xml version="1.0"?>
<ODM xmlns="http://www.cdisc.org/ns/odm/v1.3" xmlns:def="http://www.cdisc.org/ns/def/v2.1"><Study OID="S">
<MetaDataVersion OID="M"><ItemGroupDef OID="IG.DM" Name="DM"><ItemRef ItemOID="IT.SEX" KeySequence="1"/></ItemGroupDef>
<ItemDef OID="IT.SEX" Name="SEX" DataType="text"><CodeListRef CodeListOID="CL.SEX"/></ItemDef>
<CodeList OID="CL.SEX" Name="Sex"><EnumeratedItem CodedValue="F"/><EnumeratedItem CodedValue="M"/></CodeList>
</MetaDataVersion></Study></ODM>
"""


@dataclass(frozen=True)
class Reader:
    """A kind of file: its suffix, the bytes of a good one, what reads it, and its share of the cases."""

    suffix: str
    good: bytes
    read: Callable[[Path], object]
    share: int = 1


def _csv() -> bytes:
    return "\n".join(",".join("" if v is None else str(v) for v in row) for row in ROWS).encode()


def _xlsx() -> bytes:
    out = io.BytesIO()
    book = Workbook(out, {"in_memory": True})
    page = book.add_worksheet("Visits")
    for r, row in enumerate(ROWS):
        page.write_row(r, 0, row)
    page.merge_range(5, 0, 6, 1, "merged")
    page.write_formula(7, 0, "=1+1", None, 2)
    page.write_datetime(
        7, 1, __import__("datetime").datetime(2024, 3, 5), book.add_format({"num_format": "yyyy-mm-dd"})
    )
    page.set_row(2, None, None, {"hidden": True})
    book.close()
    return out.getvalue()


def _ods() -> bytes:
    kinds = {True: 'office:value-type="float" office:value="{0}"', False: 'office:value-type="string"'}
    cells = "".join(
        "<table:table-row>"
        + "".join(
            f"<table:table-cell {kinds[isinstance(v, float)].format(v)}><text:p>{v}</text:p></table:table-cell>"
            for v in row
        )
        + "</table:table-row>"
        for row in ROWS
    )
    spaces = " ".join(
        f'xmlns:{n}="urn:oasis:names:tc:opendocument:xmlns:{n}:1.0"' for n in ("office", "table", "text", "style")
    )
    body = (
        f"<?xml version='1.0'?><office:document-content {spaces}><office:body><office:spreadsheet>"
        f'<table:table table:name="Visits">{cells}</table:table></office:spreadsheet></office:body></office:document-content>'
    )
    return _zip({"mimetype": b"application/vnd.oasis.opendocument.spreadsheet", "content.xml": body.encode()})


def _zip(parts: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in parts.items():
            made.writestr(name, content)
    return out.getvalue()


def _xpt(folder: Path) -> bytes:
    path = folder / "dm.xpt"
    columns = {c: DM.get_column(c).to_list() for c in DM.columns}
    import pandas

    pyreadstat.write_xport(pandas.DataFrame(columns), str(path), table_name="DM", file_format_version=5)
    return path.read_bytes()


def _dataset_json() -> bytes:
    kinds = {"AGE": "float"}
    columns = [
        {"itemOID": f"IT.DM.{c}", "name": c, "label": c, "dataType": kinds.get(c, "string"), "keySequence": 1}
        for c in DM.columns
    ]
    head = {"datasetJSONVersion": "1.1.0", "itemGroupOID": "IG.DM", "name": "DM", "label": "Demographics"}
    return json.dumps({**head, "records": 2, "columns": columns, "rows": [list(r) for r in DM.rows()]}).encode()


def _parquet() -> bytes:
    out = io.BytesIO()
    DM.write_parquet(out)
    return out.getvalue()


def _study(path: Path) -> object:
    return Study.load(str(path))


@cache
def _sound() -> Study:
    registry.discover("cdiscx.sdtm")
    return Study.load("palhep-a")


def _mapping(path: Path) -> object:
    return load_mappings(_sound(), registry.registered("algorithm"), path.parent)


def _datasets(path: Path) -> object:
    """In memory, and laid down on disk two records at a time: the same records, or refused both times."""
    laid: dict[str, pl.DataFrame | Kept] | UploadError
    with patch.object(datasets_on_disk, "ROWS", 2):
        try:
            laid = dict(datasets_on_disk.open_datasets(path.parent, low_memory=True, partitions=2))
        except UploadError as error:
            laid = error
    if isinstance(laid, UploadError):
        read_datasets(path.parent)
        raise AssertionError(f"refused on disk only: {laid}")
    whole = read_datasets(path.parent)
    assert list(laid) == list(whole)
    for name, held in laid.items():
        assert isinstance(held, Kept)
        assert held.load().sort("_id").equals(whole[name]), name
    return whole


def readers(folder: Path) -> dict[str, Reader]:
    """Name -> reader; `folder`: where good files may be made."""
    csv, head, *rows = _csv(), *_ndjson()
    visits = (TESTS / "read" / "fixtures" / "visits.xls").read_bytes()
    return {
        "xlsx": Reader("site.xlsx", _xlsx(), read_upload, 4),
        "ods": Reader("site.ods", _ods(), read_upload, 2),
        "xls": Reader("site.xls", visits, read_upload, 1),
        "csv": Reader("site.csv", csv, read_upload, 3),
        "zip": Reader("site.zip", _zip({"Visits.csv": csv, "Labs.csv": csv}), read_upload, 2),
        "study": Reader("mine.yaml", STUDY.encode(), _study, 3),
        "mapping": Reader("pr.yaml", MAPPING.encode(), _mapping, 1),
        "define": Reader("define.xml", DEFINE.encode(), declared, 1),
        "xpt": Reader("dm.xpt", _xpt(folder), _datasets, 2),
        "json": Reader("dm.json", _dataset_json(), _datasets, 2),
        "ndjson": Reader("dm.ndjson", b"\n".join((head, *rows)), _datasets, 1),
        "parquet": Reader("dm.parquet", _parquet(), _datasets, 1),
        "tabular": Reader("dm.csv", DM.write_csv().encode(), _datasets, 1),
    }


def _ndjson() -> list[bytes]:
    whole = json.loads(_dataset_json())
    rows = whole.pop("rows")
    return [json.dumps(whole).encode(), *(json.dumps(r).encode() for r in rows)]
