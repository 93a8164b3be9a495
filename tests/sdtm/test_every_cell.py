"""Every filled cell of an upload is in the lineage of a record, or chose rows, or is listed as unused with a reason."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from pathlib import Path

import polars as pl
import pytest

from cdiscx import flow
from cdiscx.model.spec import Study
from cdiscx.model.table import StudyData
from cdiscx.samples import write_demo
from cdiscx.sdtm import Mapped, map_study

#: columns that only say which rows count, what a value beside them means, or stand in where another is blank
_CHOOSERS = {
    "visits.VISDONE",
    "disposition.DSSCOPE",
    "survival.NACTYN",
    "pathology.MISPEC",
    "pathology.BIOMARK",
    "dosing.EXONGO",
    "subjects.ECOG",
    "subjects.WEIGHT",
    "procedures.HOREADAT",
    "responses.SYMPTDTR",
    "targets.SAXIS",
    "survival.SSSTAT",
}
THIRD = Path(__file__).parent.parent / "third"


def _mapped(study: str, uploads: list[Path], mappings: Path | None = None) -> tuple[StudyData, Mapped]:
    today = dt.date(2026, 1, 1)
    plan = Study.load(study)
    data = flow.prepare(flow.tidy(plan, flow.read(*uploads), today=today), today=today)
    return data, map_study(data, mappings)


def _cells_of_records(made: Mapped) -> set[tuple[int, str]]:
    """(row of the ledger, `table.COLUMN`) of every record, one after the other."""
    out: set[tuple[int, str]] = set()
    for dataset in made.datasets.values():
        rows = [c for c in dataset.frame.columns if c == "_from" or c.startswith("_from:")]
        for record in dataset.frame.select(*rows, "_block").iter_rows(named=True):
            rids = {rid for name in rows for rid in record[name] or ()}
            for variable, sources in dataset.origin.items():
                block, slash, _ = variable.partition("/")
                if not slash or block == record["_block"]:
                    out |= {(rid, source) for source in sources for rid in rids}
    return out


def _accounts(data: StudyData, made: Mapped) -> Counter[str]:
    """How many cells stand in a heading, a record, a choosing column, or nowhere but in the list."""
    told = Counter[str]()
    known = _cells_of_records(made)
    recorded = {column for _, column in known}
    sources = {(s.file, s.sheet): (n, s) for n, s in enumerate(data.upload.sources)}
    place = {(n, row): rid for rid, n, row in data.upload.ledger.select("_rid", "_source", "_row").iter_rows()}
    unmapped = set(made.unused.drop_nulls("column").select("table", "column").iter_rows())
    for file in data.upload.files:
        for sheet in file.sheets:
            number, source = sources.get((file.name, sheet.sheet), (None, None))
            letters = {letter: column for column, letter in source.letters.items()} if source else {}
            for row in sheet.text.iter_rows(named=True):
                for letter, text in row.items():
                    if letter == "_row" or text is None or not text.strip():
                        continue
                    column = letters.get(letter)
                    rid = place.get((number, row["_row"]))
                    word = f"{source.table}.{column}" if source and column else ""
                    if source and row["_row"] == source.header_row:
                        told["heading"] += 1
                    elif rid is not None and (rid, word) in known:
                        told["record"] += 1
                    elif rid is not None and word in _CHOOSERS - recorded and tuple(word.split(".")) not in unmapped:
                        told["chooser"] += 1
                    else:
                        told["listed"] += 1
    return told


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("demo")
    write_demo(folder)
    return folder


@pytest.mark.parametrize("study", ["palhep-a", "neopvtt-b"])
@pytest.mark.parametrize("kind", ["clean", "planted"])
def test_every_filled_cell_of_the_samples_is_accounted_for(samples: Path, study: str, kind: str) -> None:
    data, made = _mapped(study, sorted((samples / study / kind).glob("*.xlsx")))
    told = _accounts(data, made)
    assert told["record"] > 5_000
    assert told["listed"] == made.unused.get_column("values").sum(), made.unused


def test_every_filled_cell_of_the_third_study_is_accounted_for() -> None:
    data, made = _mapped(str(THIRD / "lumen-21.yaml"), [THIRD / "site-31.xlsx"], THIRD / "mappings")
    told = _accounts(data, made)
    assert told["listed"] == made.unused.get_column("values").sum(), made.unused
    assert made.unused.filter(pl.col("header") == "PD-L1 TPS (%)").get_column("values").to_list() == [10]


def test_rows_of_a_test_that_no_mapping_knows_are_listed(tmp_path: Path) -> None:
    folder = tmp_path / "mappings"
    folder.mkdir()
    (folder / "lb.yaml").write_text("domain: LB\nblocks: {results: {tests: {LDH: null}}}\n", encoding="utf-8")
    _, made = _mapped(str(THIRD / "lumen-21.yaml"), [THIRD / "site-31.xlsx"], folder)
    lost = made.unused.filter(pl.col("sheet") == "Labor", pl.col("header") == "Wert")
    assert lost.get_column("why").to_list() == ["the row gave no record to this column"]
