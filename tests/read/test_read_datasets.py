"""Folders of datasets, ours and other people's, broken and hostile ones; each is read in memory and laid down on disk."""

from __future__ import annotations

import datetime as dt
import json
import sys
import zipfile
from contextlib import suppress
from pathlib import Path

import polars as pl
import pyreadstat
import pytest

from cdiscx.model.errors import UploadError
from cdiscx.model.kept import Kept
from cdiscx.read import datasets_on_disk
from cdiscx.read.datasets import DatasetLimits, read_datasets
from cdiscx.read.variable_types import known_type

DM = pl.DataFrame(
    {
        "STUDYID": ["S1", "S1"],
        "USUBJID": ["S1-001", "S1-002"],
        "SUBJID": ["001", "002"],
        "AGE": [61, None],
        "RFSTDTC": ["2024-03-05", None],
    }
)
TR = pl.DataFrame(
    {
        "USUBJID": ["S1-001", "S1-001", "S1-002"],
        "TRSEQ": [1, 2, 1],
        "TRORRES": ["12", "3.5", "0"],
        "TRSTRESN": [12.0, 35.0, 0.0],
        "VISITNUM": [1.0, 2.1, 1.0],
        "TRDY": [-3, 15, None],
    }
)
ADSL = pl.DataFrame(
    {
        "USUBJID": ["S1-001", "S1-002"],
        "TRTSDT": [dt.date(2024, 3, 5), None],
        "AGE": [61, 70],
        "TRT01P": ["A", "B"],
        "FUPMO": [1.25, 3.0],
    }
)


def on_disk(folder: Path, limits: DatasetLimits | None = None) -> dict[str, pl.DataFrame]:
    """The datasets laid down a record at a time, in three shares, and put together again."""
    found = datasets_on_disk.open_datasets(folder, low_memory=True, partitions=3, limits=limits)
    frames = {}
    for name, held in found.items():
        if isinstance(held, Kept):
            assert len(held.paths) == (3 if "USUBJID" in held.columns else 1)
            assert sum(f.height for f in datasets_on_disk.pieces(held)) == held.height
            held = held.load().sort("_id")
        frames[name] = held
    return frames


@pytest.fixture(params=["in memory", "on disk"], autouse=True)
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every test of this file in both ways."""
    if request.param == "on disk":
        monkeypatch.setattr(datasets_on_disk, "ROWS", 1)
        monkeypatch.setattr(sys.modules[__name__], "read_datasets", on_disk)


def head(name: str, frame: pl.DataFrame) -> dict[str, object]:
    kinds = {pl.String: "string", pl.Int64: "integer", pl.Float64: "float", pl.Date: "date"}
    columns = [
        {"itemOID": f"IT.{name}.{c}", "name": c, "label": c, "dataType": kinds[type(t)]}
        | ({"targetDataType": "integer"} if t == pl.Date else {})
        for c, t in frame.schema.items()
    ]
    return {
        "datasetJSONCreationDateTime": "2026-01-01T00:00:00", "datasetJSONVersion": "1.1.0", "itemGroupOID": f"IG.{name}",
        "records": frame.height, "name": name, "label": name, "columns": columns,
    }  # fmt: skip


def put(folder: Path, name: str, frame: pl.DataFrame, form: str) -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / f"{name}.{form}"
    texts = frame.with_columns(pl.col(pl.Date).dt.to_string("iso"))
    rows = [list(row) for row in texts.iter_rows()]
    if form in ("xpt", "XPT"):
        formats = {c: "DATE9." for c, t in frame.schema.items() if t == pl.Date}
        pyreadstat.write_xport(
            frame, str(path), table_name=name.upper(), file_format_version=5, variable_format=formats
        )
    elif form == "json":
        path.write_text(json.dumps({**head(name.upper(), frame), "rows": rows}))
    elif form == "ndjson":
        path.write_text("\n".join([json.dumps(head(name.upper(), frame)), *map(json.dumps, rows)]) + "\n")
    elif form == "parquet":
        frame.write_parquet(path)
    else:
        texts.write_csv(path)
    return path


@pytest.mark.parametrize("form", ["xpt", "json", "ndjson", "parquet", "csv"])
def test_every_format_gives_the_same_frames(form: str, tmp_path: Path):
    for name, frame in (("tr", TR), ("dm", DM), ("adsl", ADSL)):
        put(tmp_path, name, frame, form)
    read = read_datasets(tmp_path)
    assert list(read) == ["ADSL", "DM", "TR"]
    assert read["DM"].drop("_id").equals(DM)
    assert read["DM"].drop("_id").schema == DM.schema
    assert read["TR"].drop("_id").equals(TR)
    assert read["TR"].drop("_id").schema == TR.schema
    assert read["ADSL"].drop("_id").equals(ADSL)
    assert read["ADSL"].drop("_id").schema == ADSL.schema


def test_ids_count_the_records_over_all_datasets_in_name_order(tmp_path: Path):
    put(tmp_path, "tr", TR, "csv")
    put(tmp_path, "DM", DM, "XPT")
    read = read_datasets(tmp_path)
    assert read["DM"]["_id"].to_list() == [0, 1]
    assert read["TR"]["_id"].to_list() == [2, 3, 4]
    assert read["TR"].schema["_id"] == pl.UInt32


def test_the_richer_format_wins_and_our_own_files_beside_are_no_datasets(tmp_path: Path):
    put(tmp_path, "dm", DM, "xpt")
    put(tmp_path, "dm", DM.with_columns(SUBJID=pl.lit("肝")), "json")
    for name in ("manifest.json", "lineage.parquet", "define.xml", ".hidden.csv"):
        (tmp_path / name).write_text("{}")
    read = read_datasets(tmp_path)
    assert list(read) == ["DM"]
    assert read["DM"]["SUBJID"].to_list() == ["肝", "肝"]


def test_blank_text_is_missing_and_subject_numbers_keep_their_zeros(tmp_path: Path):
    (tmp_path / "dm.csv").write_text("USUBJID,SUBJID,SITEID,AGE\nS-1,007,01,\n,008,,3\n")
    read = read_datasets(tmp_path)["DM"]
    assert read["SUBJID"].to_list() == ["007", "008"]
    assert read["SITEID"].to_list() == ["01", None]
    assert read["USUBJID"].to_list() == ["S-1", None]
    assert read["AGE"].to_list() == [None, 3]


def test_a_value_that_does_not_fit_its_type_is_kept_as_text(tmp_path: Path):
    (tmp_path / "tr.csv").write_text("USUBJID,TRSEQ,TRSTRESN\nS-1,1.5,<5\n")
    read = read_datasets(tmp_path)["TR"]
    assert read["TRSEQ"].to_list() == [1.5]
    assert read["TRSTRESN"].to_list() == ["<5"]


def test_lower_case_variables_and_version_8_files_are_read(tmp_path: Path):
    frame = pl.DataFrame({"usubjid": ["1"], "trseq": [1.0]})
    pyreadstat.write_xport(frame, str(tmp_path / "tr.xpt"), table_name="tr", file_format_version=8)
    read = read_datasets(tmp_path)["TR"]
    assert read.columns == ["USUBJID", "TRSEQ", "_id"]
    assert read["TRSEQ"].to_list() == [1]


def test_a_zip_of_datasets_is_a_folder(tmp_path: Path):
    put(tmp_path / "in", "dm", DM, "json")
    put(tmp_path / "in", "tr", TR, "xpt")
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as file:
        for path in (tmp_path / "in").iterdir():
            file.write(path, f"sdtm/{path.name}")
    assert list(read_datasets(tmp_path / "all.zip")) == ["DM", "TR"]


def xpt_bytes(tmp_path: Path) -> bytes:
    return put(tmp_path / "made", "dm", DM, "xpt").read_bytes()


BROKEN = {
    "empty": ("dm.xpt", b"", "is empty"),
    "no transport file": ("dm.xpt", b"x" * 2000, "does not begin like a SAS transport file"),
    "CPORT": ("dm.xpt", b"**COMPRESSED** **COMPRESSED** " * 40, "does not begin like"),
    "no JSON": ("dm.json", b"{", "no dataset that can be read"),
    "other JSON": ("dm.json", b'{"a": 1}', "not Dataset-JSON 1.1"),
    "a list": ("dm.json", b"[1, 2]", "not Dataset-JSON 1.1"),
    "version 1.0": ("dm.json", b'{"clinicalData": {}}', r"Dataset-JSON 1\.0"),
    "deep JSON": ("dm.json", b"[" * 100_000, "no dataset that can be read"),
    "no Parquet": ("dm.parquet", b"PAR1 nothing", "not Parquet, or it is cut off"),
    "damaged Parquet": ("dm.parquet", b"PAR1" + b"\xff" * 400 + b"PAR1", "no dataset that can be read"),
    "binary CSV": ("dm.csv", b"A,B\n\x00,1\n", "not text"),
    "CSV in another code page": ("dm.csv", "A,B\né,1\n".encode("cp1252"), "not UTF-8"),
    "ragged CSV": ("dm.csv", b"USUBJID,AGE\n1,2\n1\n", "row 3 has not the 2 values"),
    "open quote": ("dm.csv", b'USUBJID,AGE\n"1,2\n', "no dataset that can be read"),
    "names twice": ("dm.csv", b"USUBJID,usubjid\n1,2\n", "two variables of the same name"),
    "no variable": ("dm.csv", b"What a title\n", "cannot be the name of a variable"),
    "no dataset name": ("my notes.csv", b"A,B\n1,2\n", "cannot be the name of one"),
}


@pytest.mark.parametrize("case", list(BROKEN))
def test_a_broken_file_is_one_clear_line(case: str, tmp_path: Path):
    name, data, said = BROKEN[case]
    (tmp_path / name).write_bytes(data)
    with pytest.raises(UploadError, match=said) as caught:
        read_datasets(tmp_path)
    assert "\n" not in str(caught.value)
    assert name in str(caught.value)


def test_of_a_file_that_polars_breaks_on_one_line_is_said(tmp_path: Path, capfd: pytest.CaptureFixture[str]):
    (tmp_path / "dm.parquet").write_bytes((Path(__file__).parent / "fixtures" / "damaged.parquet").read_bytes())
    with pytest.raises(
        UploadError, match=r"^dm\.parquet is no dataset that can be read \(it is damaged\); export it again$"
    ):
        read_datasets(tmp_path)
    assert capfd.readouterr() == ("", "")


def test_a_transport_file_that_is_cut_off_anywhere_is_noticed_or_shorter_by_whole_cards(tmp_path: Path):
    data = xpt_bytes(tmp_path)
    for size in range(0, len(data), 37):
        (tmp_path / "dm.xpt").write_bytes(data[:size])
        if size % 80:
            with pytest.raises(UploadError):
                read_datasets(tmp_path)


def test_any_byte_of_a_header_may_be_wrong_without_a_crash(tmp_path: Path):
    data = xpt_bytes(tmp_path)
    for place in range(0, 1200, 7):
        for byte in (0, 32, 255):
            broken = bytearray(data)
            broken[place] = byte
            (tmp_path / "dm.xpt").write_bytes(bytes(broken))
            with suppress(UploadError):
                assert read_datasets(tmp_path)


def test_a_transport_file_with_two_datasets_is_refused(tmp_path: Path):
    data = xpt_bytes(tmp_path)
    (tmp_path / "dm.xpt").write_bytes(data + data[240:])
    with pytest.raises(UploadError, match="several datasets"):
        read_datasets(tmp_path)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"records": 5}, "states 5 records and holds 2"),
        ({"rows": [[1]]}, "has not the 5 values"),
        ({"rows": "none"}, "has not the 5 values"),
        ({"rows": [["S1", "a", "b", "old", None]], "records": 1}, "not of its variable's type"),
        ({"columns": [{"name": "A"}, {"name": "A"}]}, "two variables of the same name"),
        ({"columns": [{"label": "A"}]}, "a variable has no name"),
    ],
)
def test_dataset_json_that_contradicts_itself_is_refused(change: dict[str, object], said: str, tmp_path: Path):
    path = put(tmp_path, "dm", DM, "json")
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    with pytest.raises(UploadError, match=said):
        read_datasets(tmp_path)


def test_folders_that_hold_no_dataset_are_named(tmp_path: Path):
    with pytest.raises(UploadError, match="there is no folder"):
        read_datasets(tmp_path / "nowhere")
    with pytest.raises(UploadError, match="holds no dataset"):
        read_datasets(tmp_path)


def test_the_folder_above_is_told_from_the_right_one(tmp_path: Path):
    put(tmp_path / "sdtm", "dm", DM, "csv")
    with pytest.raises(UploadError, match=r"holds no dataset .*; is it .*sdtm\?"):
        read_datasets(tmp_path)


def test_one_dataset_in_two_files_is_refused(tmp_path: Path):
    put(tmp_path, "dm", DM, "xpt")
    (tmp_path / "dm.xpt").rename(tmp_path / "other.xpt")
    put(tmp_path, "dm", DM, "xpt")
    with pytest.raises(UploadError, match="which another file"):
        read_datasets(tmp_path)


def test_bounds_stop_what_would_fill_the_machine(tmp_path: Path):
    put(tmp_path, "dm", DM, "csv")
    with pytest.raises(UploadError, match="larger than"):
        read_datasets(tmp_path, DatasetLimits(file=10))
    for form in ("csv", "xpt", "json", "ndjson", "parquet"):
        put(tmp_path / form, "dm", DM, form)
        with pytest.raises(UploadError, match="more values than can be read at once"):
            read_datasets(tmp_path / form, DatasetLimits(values=3))
    put(tmp_path, "tr", TR, "csv")
    with pytest.raises(UploadError, match="more than 1 datasets"):
        read_datasets(tmp_path, DatasetLimits(files=1))


@pytest.mark.parametrize(
    ("dataset", "name", "kind"),
    [
        ("DM", "AGE", "integer"), ("DM", "SUBJID", "text"), ("TR", "TRSTRESN", "float"), ("LB", "VISITNUM", "float"),
        ("ZZ", "ZZSEQ", "integer"), ("ZZ", "ZZSTRESN", "float"), ("ZZ", "ZZTERM", "text"), ("ADSL", "TRT01P", "text"),
        ("ADTTE", "AVAL", "float"), ("ADTTE", "STARTDT", "date"), ("ADSL", "SURGDT", "date"), ("ADXX", "ANYTHING", None),
    ],
)  # fmt: skip
def test_types_of_variables_are_those_of_the_guides(dataset: str, name: str, kind: str | None):
    assert known_type(dataset, name) == kind
