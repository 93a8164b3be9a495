"""Transport files: the bytes of another program, and nothing cut in silence."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import numpy as np
import polars as pl
import pyreadstat
import pytest
from export_kit import STAMP, adverse_events, dataset

from cdiscx.export import write
from cdiscx.export.facts import Facts
from cdiscx.export.xpt import write_xpt
from cdiscx.model.dataset import Dataset
from cdiscx.model.errors import ExportError
from cdiscx.standards.transport import CARD, TransportError, decode, read_layout


def by_readstat(made: Dataset, path: Path) -> bytes:
    """The same dataset as ReadStat writes it, with our time stamp."""
    frame = made.public
    pyreadstat.write_xport(
        frame,
        str(path),
        table_name=made.name,
        file_label=made.label,
        file_format_version=5,
        column_labels=[v.label for v in made.variables],
        variable_format={c: "DATE9." for c, t in frame.schema.items() if t == pl.Date},
    )
    data = bytearray(path.read_bytes())
    for place in (144, 160, 464, 480):
        data[place : place + 16] = b"02JAN26:03:04:05"
    return bytes(data)


def ours(made: Dataset, path: Path) -> bytes:
    write_xpt(made, path, Facts(STAMP))
    return path.read_bytes()


def read(path: Path) -> pl.DataFrame:
    data = path.read_bytes()
    layout = read_layout(data)
    count = layout.records(len(data), data[max(len(data) - layout.width - CARD, layout.data) :])
    return decode(layout, data[layout.data : layout.data + count * layout.width])


def numbers() -> Dataset:
    rng = np.random.default_rng(7)
    wide = rng.normal(size=5000) * 10.0 ** rng.integers(-70, 70, 5000)
    return dataset("LB", {"A": wide, "B": -wide})


CASES = {
    "mixed types": adverse_events(),
    "numbers of all sizes": numbers(),
    "exact edges": dataset("X", {"A": [0.0, -0.0, 1.0, 15.999999999999998, 16.0, 256.0, 0.1, 1 / 3, 5.4e-79, 1e74]}),
    "no records": dataset("X", {"A": [], "N": []}, schema={"A": pl.String, "N": pl.Float64}),
    "nothing but missing values": dataset("X", {"A": [None], "N": [None]}, schema={"A": pl.String, "N": pl.Int64}),
    "200 bytes": dataset("X", {"A": ["x" * 200, "y"]}),
    "dates": dataset("X", {"D": [dt.date(1960, 1, 1), dt.date(1582, 10, 15), dt.date(2100, 2, 28), None]}),
}


@pytest.mark.parametrize("case", list(CASES))
def test_the_bytes_are_those_of_readstat(case: str, tmp_path: Path):
    made = CASES[case]
    assert ours(made, tmp_path / "o.xpt") == by_readstat(made, tmp_path / "r.xpt")


@pytest.mark.parametrize("case", list(CASES))
def test_two_readers_find_the_values_that_were_written(case: str, tmp_path: Path):
    made = CASES[case]
    ours(made, tmp_path / "o.xpt")
    wanted = made.public.with_columns(pl.col(pl.Int64).cast(pl.Float64))
    assert read(tmp_path / "o.xpt").equals(wanted)
    if wanted.height:
        other, meta = pyreadstat.read_xport(str(tmp_path / "o.xpt"), output_format="polars")
        blank = wanted.with_columns(pl.col(pl.String).fill_null(""))
        assert other.cast(dict(blank.schema)).with_columns(pl.col(pl.String).fill_null("")).equals(blank)
        assert meta.column_labels == [v.label for v in made.variables]


def test_a_value_that_does_not_fit_is_refused_and_never_cut(tmp_path: Path):
    for column in ([1e76], [1e-80], [float("inf")], [float("nan")]):
        with pytest.raises(ExportError, match=r"X\.A"):
            write_xpt(dataset("X", {"A": column}), tmp_path / "x.xpt", Facts(STAMP))
    with pytest.raises(ExportError, match=r"X\.A"):
        write_xpt(dataset("X", {"A": ["é"]}), tmp_path / "x.xpt", Facts(STAMP))


@pytest.mark.parametrize("number", [7.2370055773322611e75, -7.2370055773322611e75, 5.397605346934028e-79])
def test_the_largest_and_smallest_numbers_of_the_format_are_kept_to_the_last_bit(number: float, tmp_path: Path):
    write({"X": dataset("X", {"A": [number]})}, tmp_path, ["xpt"], stamp=STAMP)
    assert read(tmp_path / "x.xpt")["A"].to_list() == [number]


@pytest.mark.parametrize("number", [7.237005577332263e75, 5.397605346934027e-79, 2.0**53 + 2])
def test_the_next_number_is_refused_or_kept_whole(number: float, tmp_path: Path):
    made = {"X": dataset("X", {"A": [number]})}
    if number < 1e20 and number > 1:
        write(made, tmp_path, ["xpt"], stamp=STAMP)
        assert read(tmp_path / "x.xpt")["A"].to_list() == [number]
    else:
        with pytest.raises(ExportError, match=r"X\.A"):
            write(made, tmp_path, ["xpt"], stamp=STAMP)


def test_version_8_with_long_names_and_labels_is_read(tmp_path: Path):
    frame = pl.DataFrame({"ALONGVARIABLENAME": ["x", "é", None], "N": [1.5, None, -1e-5]})
    pyreadstat.write_xport(
        frame,
        str(tmp_path / "v8.xpt"),
        table_name="LONGTABLENAME",
        file_format_version=8,
        column_labels=["l" * 60, "b"],
    )
    layout = read_layout((tmp_path / "v8.xpt").read_bytes())
    assert (layout.version, layout.name, layout.stated) == (8, "LONGTABLENAME", 3)
    assert layout.fields[0].label == "l" * 60
    assert read(tmp_path / "v8.xpt").equals(frame)


def test_text_of_a_western_code_page_is_read(tmp_path: Path):
    ours(dataset("X", {"A": ["caf#", "plain"]}), tmp_path / "x.xpt")
    (tmp_path / "x.xpt").write_bytes((tmp_path / "x.xpt").read_bytes().replace(b"caf#", "café".encode("cp1252")))
    assert read(tmp_path / "x.xpt")["A"].to_list() == ["café", "plain"]


@pytest.mark.parametrize("missing", [b".", b"_", *(bytes([c]) for c in range(65, 91))])
def test_every_special_missing_value_is_missing(missing: bytes, tmp_path: Path):
    ours(dataset("X", {"A": [None, 1.0]}), tmp_path / "x.xpt")
    data = (tmp_path / "x.xpt").read_bytes().replace(b"." + b"\0" * 7, missing + b"\0" * 7)
    (tmp_path / "x.xpt").write_bytes(data)
    assert read(tmp_path / "x.xpt")["A"].to_list() == [None, 1.0]


@pytest.mark.parametrize("cut", [0, 79, 80, 400, 639, 700, 800])
def test_a_header_that_is_cut_off_is_said_to_be(cut: int, tmp_path: Path):
    data = ours(adverse_events(), tmp_path / "x.xpt")
    with pytest.raises(TransportError):
        read_layout(data[:cut])


ORACLE = Path(__file__).parents[3] / "shared" / "reference" / "oracles" / "11_xpt"


@pytest.mark.skipif(not ORACLE.is_dir(), reason="the reference files are not here")
def test_files_of_haven_are_read_as_haven_reads_them():
    edge = read(ORACLE / "edge_v5.xpt")
    table = pl.read_csv(ORACLE / "edge_as_read_by_haven.csv", infer_schema=False)
    exact = [None if h in (None, "NA") else float.fromhex(h) for h in table["NUM_hex"].to_list()]
    assert edge["NUM"].to_list() == exact
    assert edge["CH"].fill_null("").to_list() == table["CH"].fill_null("").to_list()
    lab = read(ORACLE / "adlb_v5.xpt")
    said = pl.read_csv(ORACLE / "adlb_as_read_by_haven.csv.gz", infer_schema=False)
    assert lab.columns == said.columns
    for name in lab.columns:
        texts = said[name].replace("NA", None) if lab.schema[name] != pl.String else said[name].replace("", None)
        if lab.schema[name] == pl.Float64:
            far = ((lab[name] - texts.cast(pl.Float64)).abs() > 1e-9).fill_null(False)
            assert not far.any()
            assert (lab[name].is_null() == texts.is_null()).all()
        else:
            assert lab[name].cast(pl.String).equals(texts)
