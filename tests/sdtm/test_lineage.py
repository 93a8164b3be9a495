"""Every value of both sample studies leads back to its cells, and the cells' text gives the value."""

import datetime as dt
import unicodedata
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl
import pytest
from lineage_kit import Cell, Tracer

from cdiscx import flow, registry
from cdiscx.export.lineage import lineage
from cdiscx.model.dataset import Dataset
from cdiscx.model.mapping_file import load_mappings
from cdiscx.model.spec import Study
from cdiscx.model.table import StudyData
from cdiscx.sdtm import Mapped, map_study
from cdiscx.sdtm.unused import NO_MAPPING

pytestmark = pytest.mark.slow
SAMPLES = Path(__file__).parents[2] / "sample_exports"
TODAY = dt.date(2026, 11, 28)


class Sample(NamedTuple):
    data: StudyData
    made: Mapped
    tracer: Tracer


@pytest.fixture(scope="module", params=["palhep-a", "neopvtt-b"])
def sample(request: pytest.FixtureRequest) -> Sample:
    files = flow.read(*sorted((SAMPLES / request.param / "uploads").glob("*.xlsx")))
    data = flow.prepare(flow.tidy(Study.load(request.param), files, today=TODAY), today=TODAY)
    made = map_study(data)
    return Sample(data, made, Tracer(data, made))


def _records(sample: Sample) -> list[tuple[Dataset, dict[str, Any]]]:
    datasets = [d for d in sample.made.datasets.values() if not d.reference and "USUBJID" in d.frame.columns]
    return [(d, record) for d in datasets if d.name != "RELREC" for record in d.frame.iter_rows(named=True)]


def test_every_value_that_is_no_constant_ends_in_cells_that_exist(sample: Sample) -> None:
    lost: dict[str, int] = {}
    traced = 0
    for dataset, record in _records(sample):
        for variable in dataset.variables:
            if record[variable.name] is None or not sample.tracer.sources_of(dataset, record, variable.name):
                continue
            if any(True for _ in sample.tracer.cells(dataset, record, variable.name)):
                traced += 1
            else:
                key = f"{dataset.name}.{variable.name} of {record['_block']}"
                lost[key] = lost.get(key, 0) + 1
    assert traced > 50_000
    assert not lost


def test_every_record_names_the_raw_rows_it_came_from(sample: Sample) -> None:
    rids = set(sample.data.upload.ledger["_rid"])
    empty = {d.name for d, record in _records(sample) if not record["_from"] or not set(record["_from"]) <= rids}
    assert not empty


def test_ids_are_dense_over_all_datasets(sample: Sample) -> None:
    ids = pl.concat([d.frame.get_column("_id") for d in sample.made.datasets.values()])
    assert ids.to_list() == list(range(ids.len()))


def _direct(sample: Sample) -> set[tuple[str, str, str]]:
    """(dataset, block, variable) of targets that take a cell as it is."""
    registry.discover("cdiscx.sdtm")
    mappings, _ = load_mappings(sample.data.study, registry.registered("algorithm"))
    found = set()
    for name, mapping in mappings.items():
        for block, spec in mapping.blocks.items():
            tags = [f"{block}.{code}" for code in spec.tests] or [block]
            for variable, target in spec.targets.items():
                if target.use in ("assign_no_ct", "assign_datetime"):
                    found |= {(name, tag, variable) for tag in tags}
    return found


def _says(cell: Cell, value: object) -> bool:
    """Whether the cell's text, as tidy read it, is the value."""
    read = (cell.read or "").strip()
    if isinstance(value, float | int):
        try:
            return float(read) == float(value)
        except ValueError:
            return False
    return read == value or unicodedata.normalize("NFKC", read) == value


def test_values_taken_as_they_are_are_what_their_cell_says_by_the_recorded_changes(sample: Sample) -> None:
    direct = _direct(sample)
    wrong: dict[str, object] = {}
    checked = 0
    for dataset, record in _records(sample):
        for variable in dataset.variables:
            value = record[variable.name]
            if value is None or (dataset.name, record["_block"], variable.name) not in direct:
                continue
            cells = list(sample.tracer.cells(dataset, record, variable.name))
            checked += 1
            if not any(_says(cell, value) for cell in cells):
                wrong.setdefault(f"{dataset.name}.{variable.name} of {record['_block']}", (value, cells[:2]))
    assert checked > 5_000
    assert not wrong


def test_a_result_as_collected_stands_in_its_cell(sample: Sample) -> None:
    """--ORRES is the text of the cell (or what tidy read there), apart from its unit."""
    wrong: dict[str, object] = {}
    checked = 0
    for name in ("TR", "LB", "VS", "MI"):
        dataset = sample.made.datasets[name]
        for record in dataset.frame.iter_rows(named=True):
            value = record[f"{name}ORRES"]
            if value is None:
                continue
            cells = list(sample.tracer.cells(dataset, record, f"{name}ORRES"))
            texts = [unicodedata.normalize("NFKC", c.text or "").replace(",", ".").replace(" ", "") for c in cells]
            read = [c.read.upper() for c in cells if c.read]
            if len(cells) > 1 and not cells[0].read:
                continue  # the result's own cell is blank: what the status implies
            checked += 1
            if not any(value.replace(" ", "") in text for text in texts) and value.upper() not in read:
                wrong.setdefault(f"{name} {record['_block']}", (value, cells))
    assert checked > 4_000
    assert not wrong


def test_a_date_of_dm_names_the_very_cell_that_gave_it(sample: Sample) -> None:
    dataset = sample.made.datasets["DM"]
    checked = 0
    for record in dataset.frame.iter_rows(named=True):
        for variable in ("RFSTDTC", "RFENDTC", "RFXSTDTC", "RFXENDTC", "RFICDTC", "RFPENDTC", "DTHDTC"):
            value = record[variable]
            if value is not None:
                cells = list(sample.tracer.cells(dataset, record, variable))
                assert any(_says(cell, value) for cell in cells), (variable, value, cells)
                assert len({cell.row for cell in cells}) == 1, (variable, cells)
                checked += 1
    assert checked > 150


def test_columns_of_the_uploads_that_no_mapping_used_are_listed(sample: Sample) -> None:
    unused = sample.made.unused
    known = set(unused.filter(pl.col("why") == NO_MAPPING).get_column("column"))
    assert "Remarks" in set(unused.get_column("header")) or "备注" in set(unused.get_column("header"))
    assert known <= {"EXCYCLE"}, known


def test_records_are_numbered_in_the_order_of_their_keys(sample: Sample) -> None:
    checked = 0
    for name, dataset in sample.made.datasets.items():
        sequence = f"{name}SEQ"
        if dataset.reference or sequence not in dataset.frame.columns:
            continue
        frame = dataset.frame
        number = pl.int_range(1, pl.len() + 1).over("USUBJID")
        assert frame.select((pl.col(sequence) == number).all()).item(), name
        keys = [k for k in dataset.keys if k in frame.columns]
        if name != "SE":
            assert frame.equals(frame.sort(keys, nulls_last=True, maintain_order=True)), name
        checked += 1
    assert checked >= 14


def test_supplemental_qualifiers_keep_the_limits_and_belong_to_a_record(sample: Sample) -> None:
    supplements = {n: d.frame for n, d in sample.made.datasets.items() if n.startswith("SUPP")}
    assert len(supplements) >= 6
    for name, frame in supplements.items():
        parent = sample.made.datasets[name[4:]].frame
        keys = ["USUBJID", "IDVARVAL", "QNAM"]
        assert not frame.select(pl.struct(keys).is_duplicated().any()).item(), name
        assert frame.select(pl.col("QNAM").str.contains(r"^[A-Z][A-Z0-9]{0,7}$").all()).item(), name
        assert frame.get_column("QLABEL").str.len_chars().max() <= 40, name
        assert frame.get_column("QVAL").str.len_chars().max() <= 200, name
        assert not set(frame.get_column("QNAM")) & set(parent.columns), name
        owner = parent.select("USUBJID", IDVARVAL=pl.col(f"{name[4:]}SEQ").cast(pl.String))
        assert not frame.join(owner, on=["USUBJID", "IDVARVAL"], how="anti").height, name


def test_no_text_is_longer_than_200_characters_and_no_study_day_is_0(sample: Sample) -> None:
    days = 0
    for name, dataset in sample.made.datasets.items():
        for variable in dataset.variables:
            values = dataset.frame.get_column(variable.name)
            if values.dtype == pl.String:
                assert (values.str.len_chars().max() or 0) <= 200, (name, variable.name)
            elif variable.name.endswith("DY") and not dataset.reference:
                assert 0 not in values.to_list(), (name, variable.name)
                days += values.len() - values.null_count()
    assert days > 5_000


def test_exposure_lies_within_the_dates_of_dm(sample: Sample) -> None:
    dm = sample.made.datasets["DM"].frame.select("USUBJID", "RFXSTDTC", "RFXENDTC", "RFSTDTC", "RFENDTC", "RFPENDTC")
    complete = sample.made.datasets["EX"].frame.filter(pl.col("EXSTDTC").str.len_chars() == 10)
    rows = complete.join(dm, on="USUBJID", how="left")
    end = pl.coalesce("EXENDTC", "EXSTDTC")
    inside = (
        (pl.col("EXSTDTC") >= pl.col("RFXSTDTC"))
        & (end <= pl.col("RFXENDTC"))
        & (pl.col("RFSTDTC") <= pl.col("RFXSTDTC"))
        & (pl.col("RFXENDTC") <= pl.col("RFENDTC"))
        & (pl.col("RFENDTC") <= pl.col("RFPENDTC"))
    )
    assert rows.filter(~inside.fill_null(False)).select("USUBJID", "EXTRT", "EXSTDTC").is_empty()


def test_every_exposure_with_a_complete_date_has_an_epoch_after_screening(sample: Sample) -> None:
    frame = sample.made.datasets["EX"].frame
    blank = frame.filter(pl.col("EPOCH").is_null())
    assert blank.filter(pl.col("EXSTDTC").str.len_chars() == 10).is_empty()
    assert "SCREENING" not in set(frame.get_column("EPOCH"))


def test_a_baseline_flag_marks_one_result_of_a_series_not_after_first_exposure(sample: Sample) -> None:
    first = sample.made.datasets["DM"].frame.select("USUBJID", "RFXSTDTC")
    for name in ("LB", "VS"):
        flagged = sample.made.datasets[name].frame.filter(pl.col(f"{name}LOBXFL") == "Y").join(first, on="USUBJID")
        assert flagged.height > 30
        assert flagged.filter(pl.col(f"{name}DTC") > pl.col("RFXSTDTC")).is_empty()
        assert not flagged.select(pl.struct("USUBJID", f"{name}TESTCD").is_duplicated().any()).item()
        assert set(sample.made.datasets[name].frame.get_column(f"{name}LOBXFL").drop_nulls()) == {"Y"}


def test_the_lineage_file_leads_a_date_of_dm_to_one_row(sample: Sample) -> None:
    lines = lineage({"DM": sample.made.datasets["DM"]}, sample.data)
    dates = lines.filter(pl.col("variable").is_in(["RFSTDTC", "RFXSTDTC", "RFENDTC", "RFXENDTC", "RFPENDTC"]))
    rows = dates.group_by("USUBJID", "variable").agg(n=pl.struct("file", "sheet", "row").n_unique())
    assert rows.height > 150
    assert rows.get_column("n").max() == 1
