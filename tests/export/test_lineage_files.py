"""Every value leads back to its cells; the text of the way is what a person reads."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from cdiscx.export.lineage import LINEAGE, lineage, lineage_adam, write_lineage
from cdiscx.export.trace import trace, trace_finding
from cdiscx.model.dataset import Dataset, Variable
from cdiscx.model.errors import UsageError
from cdiscx.model.spec import Study
from cdiscx.model.table import RawSheet, Source, StudyData, Upload, UploadFile

U32 = pl.UInt32


def raw(file: str, sheet: str, rows: dict[int, list[str | None]]) -> RawSheet:
    width = max(map(len, rows.values()))
    columns = {"_row": pl.Series(list(rows), dtype=U32)}
    columns |= {chr(65 + i): pl.Series([r[i] for r in rows.values()], dtype=pl.String) for i in range(width)}
    text = pl.DataFrame(columns)
    kinds = text.select(pl.lit(0, pl.UInt8).alias(c) for c in text.columns if c != "_row")
    return RawSheet(file, sheet, text, kinds)


def study_data() -> StudyData:
    """Two subjects in one upload: Demographics in rows 3 and 4, target lesions in rows 2, 3 and 5."""
    people = raw(
        "a.xlsx", "Demographics", {2: ["Subject ID", "Enrolled"], 3: ["001", "5 Mar 2024"], 4: ["002", "2024-04-01"]}
    )
    lesions = raw(
        "a.xlsx",
        "Targets",
        {
            1: ["Subject", "Diameter", "Short", "Unit"],
            2: ["001", "3.2 cm", None, None],
            3: ["001", None, "12", None],
            5: ["002", "40", None, "mm"],
        },
    )
    sources = (
        Source("a.xlsx", "Demographics", "subjects", 2, {"SUBJID": "A", "ENRLDAT": "B"}, {"SUBJID": "Subject ID", "ENRLDAT": "Enrolled"}, people),
        Source(
            "a.xlsx", "Targets", "targets", 1, {"SUBJID": "A", "LDIAM": "B", "SAXIS": "C", "TRUNIT": "D"},
            {"SUBJID": "Subject", "LDIAM": "Diameter", "SAXIS": "Short", "TRUNIT": "Unit"}, lesions,
        ),
    )  # fmt: skip
    ledger = pl.DataFrame({"_rid": range(5), "_source": [0, 0, 1, 1, 1], "_row": [3, 4, 2, 3, 5]}).cast(U32)
    changes = pl.DataFrame(
        {
            "file": "a.xlsx",
            "sheet": ["Demographics", "Targets", "Targets"],
            "row": [3, 2, None],
            "letter": ["B", "B", "D"],
            "column": ["Enrolled", "Diameter", "Unit"],
            "before": ["5 Mar 2024", "3.2 cm", None],
            "after": ["2024-03-05", "32", "mm"],
            "why": ["date written as text", "unit stated with the number", "blank means mm (2 rows)"],
        }
    )
    file = UploadFile("a.xlsx", "0" * 64, 1, (people, lesions))
    return StudyData(Study(id="s", studyid="S", title="t"), Upload((file,), sources, ledger), changes=changes)


def variables(*said: tuple[str, str, str]) -> tuple[Variable, ...]:
    return tuple(Variable(n, n, t, origin=o) for n, t, o in said)  # type: ignore[arg-type]


def sdtm() -> dict[str, Dataset]:
    dm = pl.DataFrame({"STUDYID": "S", "USUBJID": ["S-001", "S-002"], "RFSTDTC": ["2024-03-05", "2024-04-01"]})
    dm = dm.with_columns(
        _id=pl.Series([0, 1], dtype=U32),
        _from=pl.Series([[0], [1]], dtype=pl.List(U32)),
        _block=pl.lit("subjects"),
    )
    tr = pl.DataFrame(
        {
            "USUBJID": ["S-001", "S-001", "S-002"], "TRSEQ": [1, 2, 1], "TRORRES": ["3.2", "12", "40"],
            "TRORRESU": ["cm", "mm", "mm"], "TRSTRESN": [32.0, 12.0, 40.0], "TRDY": [1, 2, None],
        }
    )  # fmt: skip
    tr = tr.with_columns(
        _id=pl.Series([2, 3, 4], dtype=U32),
        _from=pl.Series([[2], [3], [4, 1]], dtype=pl.List(U32)),
        _block=pl.Series(["LDIAM", "SAXIS", "LDIAM"]),
    )
    return {
        "DM": Dataset(
            "DM", "Demographics", "SPECIAL PURPOSE", "", ("STUDYID", "USUBJID"),
            variables(("STUDYID", "text", "Assigned"), ("USUBJID", "text", "Derived"), ("RFSTDTC", "isodate", "Collected")),
            dm, origin={"USUBJID": ("subjects.SUBJID",), "RFSTDTC": ("subjects.ENRLDAT",)},
        ),
        "TR": Dataset(
            "TR", "Tumor Results", "FINDINGS", "", ("STUDYID", "USUBJID", "TRSEQ"),
            variables(
                ("USUBJID", "text", "Derived"), ("TRSEQ", "integer", "Derived"), ("TRORRES", "text", "Collected"),
                ("TRORRESU", "text", "Collected"), ("TRSTRESN", "float", "Derived"), ("TRDY", "integer", "Derived"),
            ),
            tr,
            origin={
                "USUBJID": ("targets.SUBJID",), "LDIAM/TRORRES": ("targets.LDIAM",), "SAXIS/TRORRES": ("targets.SAXIS",),
                "TRORRESU": ("targets.LDIAM", "targets.TRUNIT"), "TRSTRESN": ("TR.TRORRES", "TR.TRORRESU"),
                "TRDY": ("DM.RFSTDTC",),
            },
        ),
    }  # fmt: skip


def adam() -> dict[str, Dataset]:
    adsl = pl.DataFrame({"USUBJID": ["S-001", "S-002"], "TRTSDT": [dt.date(2024, 3, 5), dt.date(2024, 4, 1)]})
    adsl = adsl.with_columns(_from=pl.Series([[0], [1]], dtype=pl.List(U32)))
    adtr = pl.DataFrame(
        {
            "USUBJID": ["S-001", "S-001", "S-002"], "PARAMCD": ["SDIAM", "LDIAM", "SDIAM"], "ASEQ": [1, 2, 1],
            "AVAL": [44.0, 32.0, 40.0], "ADY": [1, 1, None],
        }
    )  # fmt: skip
    adtr = adtr.with_columns(_from=pl.Series([[2, 3], [2], [4]], dtype=pl.List(U32)))
    return {
        "ADSL": Dataset(
            "ADSL", "Subjects", "SUBJECT LEVEL ANALYSIS DATASET", "", ("STUDYID", "USUBJID"),
            (Variable("USUBJID", "u", origin="Predecessor", predecessor="DM.USUBJID"), Variable("TRTSDT", "t", "date", origin="Derived")),
            adsl, "ADaMIG 1.3", origin={"TRTSDT": ("DM.RFSTDTC",)},
        ),
        "ADTR": Dataset(
            "ADTR", "Tumor", "BASIC DATA STRUCTURE", "", ("STUDYID", "USUBJID", "PARAMCD", "ASEQ"),
            variables(("USUBJID", "text", "Predecessor"), ("AVAL", "float", "Derived"), ("ADY", "integer", "Derived")),
            adtr, "ADaMIG 1.3", origin={"AVAL": ("TR.TRSTRESN", "DM.RFSTDTC"), "ADY": ("ADSL.TRTSDT",)},
        ),
    }  # fmt: skip


@pytest.fixture(scope="module")
def of_sdtm() -> pl.DataFrame:
    return lineage(sdtm(), study_data())


@pytest.fixture(scope="module")
def of_adam() -> pl.DataFrame:
    return lineage_adam(adam(), {n: d.frame for n, d in sdtm().items()})


def cells(lines: pl.DataFrame, dataset: str, record: int, variable: str) -> list[str]:
    own = lines.filter(pl.col("dataset") == dataset, pl.col("record") == record, pl.col("variable") == variable)
    return own["cell"].to_list()


def test_a_value_leads_to_its_cell_with_header_text_and_change(of_sdtm: pl.DataFrame):
    (row,) = of_sdtm.filter(pl.col("dataset") == "TR", pl.col("record") == 1, pl.col("variable") == "TRORRES").rows(
        named=True
    )
    assert row == {
        "dataset": "TR", "record": 1, "USUBJID": "S-001", "key": "TRSEQ=1", "variable": "TRORRES", "value": "3.2",
        "how": "Collected", "method": None, "source_dataset": None, "source_key": None, "source_variable": None, "file": "a.xlsx",
        "sheet": "Targets", "row": 2, "cell": "B2", "header": "Diameter", "text": "3.2 cm", "read_as": "32",
        "change": "unit stated with the number",
    }  # fmt: skip


def test_blocks_of_one_dataset_read_their_own_columns(of_sdtm: pl.DataFrame):
    assert cells(of_sdtm, "TR", 2, "TRORRES") == ["C3"]
    assert cells(of_sdtm, "TR", 3, "TRORRES") == ["B5"]


def test_rows_of_another_table_do_not_answer_for_a_column(of_sdtm: pl.DataFrame):
    assert cells(of_sdtm, "TR", 3, "USUBJID") == ["A5"], "the record also stands on a row of Demographics"


def test_a_blank_cell_counts_where_its_blank_was_read_as_something(of_sdtm: pl.DataFrame):
    own = of_sdtm.filter(pl.col("dataset") == "TR", pl.col("record") == 2, pl.col("variable") == "TRORRESU")
    assert own.select("cell", "text", "read_as", "change").rows() == [("D3", None, "mm", "blank means mm (2 rows)")]
    assert cells(of_sdtm, "TR", 3, "TRORRESU") == ["B5", "D5"]


def test_a_derived_value_names_the_variables_it_is_made_of(of_sdtm: pl.DataFrame):
    own = of_sdtm.filter(
        pl.col("dataset") == "TR", pl.col("record") == 2, pl.col("variable").is_in(["TRSTRESN", "TRDY"])
    )
    said = own.select("variable", "source_dataset", "source_key", "source_variable", "text").rows()
    assert said == [
        ("TRSTRESN", "TR", "TRSEQ=2", "TRORRES", "12"),
        ("TRSTRESN", "TR", "TRSEQ=2", "TRORRESU", "mm"),
        ("TRDY", "DM", None, "RFSTDTC", "2024-03-05"),
    ]


def test_a_constant_leads_nowhere_and_a_missing_value_has_no_line(of_sdtm: pl.DataFrame):
    constant = of_sdtm.filter(pl.col("variable") == "STUDYID")
    assert constant.height == 2
    assert constant["file"].null_count() == 2
    assert constant["how"].unique().to_list() == ["Assigned"]
    assert cells(of_sdtm, "TR", 3, "TRDY") == []


def test_every_cell_of_the_lineage_exists_in_the_upload(of_sdtm: pl.DataFrame):
    sheets = {s.sheet: s.raw.text for s in study_data().upload.sources}
    for row in of_sdtm.filter(pl.col("file").is_not_null()).iter_rows(named=True):
        text = sheets[row["sheet"]]
        assert text.filter(pl.col("_row") == row["row"])[row["cell"][0]].to_list() == [row["text"]]


def test_an_adam_value_leads_to_the_sdtm_records_it_was_made_of(of_adam: pl.DataFrame):
    own = of_adam.filter(pl.col("dataset") == "ADTR", pl.col("record") == 1, pl.col("variable") == "AVAL")
    assert own.select("source_dataset", "source_key", "source_variable", "text").rows() == [
        ("TR", "TRSEQ=1", "TRSTRESN", "32"),
        ("TR", "TRSEQ=2", "TRSTRESN", "12"),
    ], "DM is not among the records of _from"


def test_an_adam_value_may_come_from_another_adam_dataset_or_a_predecessor(of_adam: pl.DataFrame):
    own = of_adam.filter(pl.col("dataset") == "ADTR", pl.col("variable") == "ADY")
    assert own.select("source_dataset", "source_variable", "text").rows() == [("ADSL", "TRTSDT", "2024-03-05")] * 2
    own = of_adam.filter(pl.col("dataset") == "ADSL", pl.col("variable") == "USUBJID")
    assert own.select("source_dataset", "source_variable", "text").rows() == [
        ("DM", "USUBJID", "S-001"),
        ("DM", "USUBJID", "S-002"),
    ]


def test_a_formula_in_the_method_names_variables_of_the_same_record():
    made = adam()
    adtr = made["ADTR"]
    frame = adtr.frame.with_columns(BASE=pl.lit(40.0), CHG=pl.col("AVAL") - 40)
    more = (
        Variable("BASE", "b", "float", origin="Derived", method="AVAL where ABLFL = Y."),
        Variable("CHG", "c", "float", origin="Derived", method="AVAL - BASE, unrounded; see BASETYPE."),
    )
    lines = lineage_adam({"ADTR": adtr.with_(frame=frame, variables=(*adtr.variables, *more))}, {})
    said = lines.filter(pl.col("record") == 1, pl.col("variable").is_in(["BASE", "CHG"]))
    assert said.select("variable", "source_dataset", "source_key", "source_variable", "text").rows() == [
        ("BASE", None, None, None, None),
        ("CHG", "ADTR", "PARAMCD=SDIAM, ASEQ=1", "AVAL", "44"),
        ("CHG", "ADTR", "PARAMCD=SDIAM, ASEQ=1", "BASE", "40"),
    ]


def test_the_date_of_an_event_leads_to_the_record_that_srcdom_names():
    made = adam()
    frame = pl.DataFrame(
        {
            "USUBJID": ["S-001", "S-001", "S-002"], "PARAMCD": ["PFS", "OS", "PFS"], "STARTDT": [dt.date(2024, 3, 1)] * 3,
            "ADT": [dt.date(2024, 3, 6), dt.date(2024, 3, 5), dt.date(2024, 4, 1)],
            "SRCDOM": ["TR", "ADSL", None], "SRCVAR": ["TRDY", "TRTSDT", None], "SRCSEQ": [2, None, None],
        }
    )  # fmt: skip
    described = variables(("USUBJID", "text", "Predecessor"), ("ADT", "date", "Derived"))
    adtte = Dataset("ADTTE", "t", "", "", ("PARAMCD",), described, frame, origin={"ADT": ("ADSL.TRTSDT",)})
    lines = lineage_adam({"ADSL": made["ADSL"], "ADTTE": adtte}, {n: d.frame for n, d in sdtm().items()})
    own = lines.filter(pl.col("dataset") == "ADTTE", pl.col("variable") == "ADT")
    assert own.select("record", "source_dataset", "source_key", "source_variable", "text").rows() == [
        (1, "TR", "TRSEQ=2", "TRDY", "2"),
        (2, "ADSL", None, "TRTSDT", "2024-03-05"),
        (3, "ADSL", None, "TRTSDT", "2024-04-01"),
    ]


def test_the_lineage_is_the_same_twice_to_the_last_byte(of_sdtm: pl.DataFrame, tmp_path: Path):
    again = lineage(sdtm(), study_data())
    assert again.equals(of_sdtm)
    assert dict(again.schema) == {k: v() for k, v in LINEAGE.items()}
    (tmp_path / "b").mkdir()
    assert write_lineage(again, tmp_path).read_bytes() == write_lineage(of_sdtm, tmp_path / "b").read_bytes()


def test_datasets_without_any_lineage_still_have_lines():
    bare = {n: d.with_(frame=d.public, origin={}) for n, d in sdtm().items()}
    lines = lineage(bare, study_data())
    assert lines["file"].null_count() == lines.height > 0


@pytest.fixture(scope="module")
def folder(of_sdtm: pl.DataFrame, of_adam: pl.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("export")
    for name, lines in (("sdtm", of_sdtm), ("adam", of_adam)):
        (place / name).mkdir()
        write_lineage(lines, place / name)
    (place / "sdtm" / "tr.xpt").touch()
    (place / "adam" / "adtr.json").touch()
    return place


ADTR = """\
ADTR S-001 PARAMCD=SDIAM, ASEQ=1 AVAL = 44   (derived)
  TR S-001 TRSEQ=1 TRSTRESN = 32   (derived)
    TR S-001 TRSEQ=1 TRORRES = 3.2   (collected)
      a.xlsx!Targets!B2  Diameter: '3.2 cm'
        read as '32': unit stated with the number
    TR S-001 TRSEQ=1 TRORRESU = cm   (collected)
      a.xlsx!Targets!B2  Diameter: '3.2 cm'
        read as '32': unit stated with the number
      a.xlsx!Targets!D2  Unit: blank
        read as 'mm': blank means mm (2 rows)
  TR S-001 TRSEQ=2 TRSTRESN = 12   (derived)
    TR S-001 TRSEQ=2 TRORRES = 12   (collected)
      a.xlsx!Targets!C3  Short: '12'
    TR S-001 TRSEQ=2 TRORRESU = mm   (collected)
      a.xlsx!Targets!D3  Unit: blank
        read as 'mm': blank means mm (2 rows)
"""


def test_the_way_from_an_adam_value_to_its_cells_is_one_text(folder: Path):
    assert trace("ADTR", ["S-001", "SDIAM", "AVAL"], folder=folder) == ADTR
    assert trace("adam.ADTR", ["001", "PARAMCD=SDIAM", "aval"], folder=folder) == ADTR
    assert trace(str(folder / "adam" / "adtr.json"), ["S-001", "1", "AVAL"]) == ADTR


@pytest.mark.parametrize("what", ["sdtm.TR", "TR", "tr"])
def test_an_sdtm_value_is_found_by_subject_sequence_and_variable(what: str, folder: Path):
    text = trace(what, ["S-001", "2", "TRORRES"], folder=folder)
    assert text.splitlines() == ["TR S-001 TRSEQ=2 TRORRES = 12   (collected)", "  a.xlsx!Targets!C3  Short: '12'"]
    assert trace(str(folder / "sdtm" / "tr.xpt"), ["S-001", "2", "TRORRES"]) == text


def test_the_method_of_a_derived_value_is_told(tmp_path: Path):
    made = sdtm()
    tr = made["TR"]
    said = tuple(replace(v, method="TRDTC - RFSTDTC + 1") if v.name == "TRDY" else v for v in tr.variables)
    write_lineage(lineage({**made, "TR": tr.with_(variables=said)}, study_data()), tmp_path)
    assert trace("TR", ["S-001", "1", "TRDY"], folder=tmp_path).startswith(
        "TR S-001 TRSEQ=1 TRDY = 1   (derived: TRDTC - RFSTDTC + 1)"
    )


def test_one_record_a_subject_needs_no_key(folder: Path):
    assert trace("DM", ["S-001", "RFSTDTC"], folder=folder).splitlines()[1:] == [
        "  a.xlsx!Demographics!B3  Enrolled: '5 Mar 2024'",
        "    read as '2024-03-05': date written as text",
    ]
    assert "no cell behind it" in trace("DM", ["S-001", "STUDYID"], folder=folder)


def test_several_records_that_a_value_may_rest_on_are_listed(tmp_path: Path):
    made = sdtm()
    dm = made["DM"]
    origin = {**dm.origin, "RFSTDTC": ("TR.TRSTRESN", "TV.VISITNUM")}
    write_lineage(lineage({**made, "DM": dm.with_(origin=origin)}, study_data()), tmp_path)
    assert trace("DM", ["S-001", "RFSTDTC"], folder=tmp_path).splitlines()[1:] == [
        "  TR TRSTRESN of S-001: 32 (TRSEQ=1), 12 (TRSEQ=2)",
        "  TV VISITNUM   (records that are of no subject)",
    ]


def test_reference_data_need_no_subject(tmp_path: Path):
    frame = pl.DataFrame({"ARMCD": ["A", "A"], "TAETORD": [1, 2], "EPOCH": ["SCREENING", "TREATMENT"]})
    described = variables(
        ("ARMCD", "text", "Protocol"), ("TAETORD", "integer", "Protocol"), ("EPOCH", "text", "Protocol")
    )
    made = Dataset("TA", "Arms", "TRIAL DESIGN", "", ("ARMCD", "TAETORD"), described, frame, reference=True)
    write_lineage(lineage({"TA": made}, study_data()), tmp_path)
    assert trace("TA", ["A", "2", "EPOCH"], folder=tmp_path).startswith(
        "TA ARMCD=A, TAETORD=2 EPOCH = TREATMENT   (protocol)"
    )


@pytest.mark.parametrize(
    ("what", "keys", "said"),
    [
        ("XX", ["S-001", "A"], r"no dataset XX in the lineage; there are: ADSL, ADTR, DM, TR"),
        ("TR", ["S-001", "TRORRES"], r"2 records of TR fit 'S-001' \(TRSEQ=1, TRSEQ=2\); name one"),
        ("TR", ["S-001", "9", "TRORRES"], r"0 records of TR fit 'S-001 9' \(none\)"),
        ("TR", ["S-009", "1", "TRORRES"], r"TR has no subject 'S-009'"),
        ("TR", ["S-002", "1", "TRDY"], r"has no value of TRDY; it has: USUBJID"),
        ("TR", ["S-001"], r"name the subject, the record and the variable"),
        ("nothing/tr.xpt", ["S-001", "1", "TRDY"], r"there is no file"),
    ],
)
def test_what_cannot_be_found_is_said_with_what_there_is(what: str, keys: list[str], said: str, folder: Path):
    with pytest.raises(UsageError, match=said):
        trace(what, keys, folder=folder)


def test_a_folder_without_lineage_is_named(tmp_path: Path):
    with pytest.raises(UsageError, match=r"has no lineage\.parquet"):
        trace("TR", ["S-001", "1", "TRORRES"], folder=tmp_path)
    (tmp_path / "lineage.parquet").write_bytes(b"PAR1")
    with pytest.raises(UsageError, match="cannot be read"):
        trace("TR", ["S-001", "1", "TRORRES"], folder=tmp_path)


def test_a_finding_leads_to_its_cells_and_to_the_values_made_of_them(folder: Path):
    report = folder / "report"
    report.mkdir(exist_ok=True)
    one = {
        "check_id": "MEA-001", "severity": "error", "message": "too large", "file": "a.xlsx", "sheet": "Targets", "row": 2,
        "cell": "B2", "column": "Diameter", "value": "3.2 cm", "fingerprint": "abc123",
        "related": [{"file": "a.xlsx", "sheet": "Demographics", "row": 3, "cell": "A3", "column": "Subject ID", "value": "001"}],
    }  # fmt: skip
    other = {**one, "fingerprint": "abd", "related": []}
    (report / "report.json").write_text(json.dumps({"findings": [one, other]}))
    text = trace(str(report / "report.json"), ["abc"])
    assert text.splitlines() == [
        "MEA-001 error  too large",
        "  a.xlsx!Targets!B2  Diameter: '3.2 cm'",
        "  a.xlsx!Demographics!A3  Subject ID: '001'",
        "  values made of this cell:",
        "    TR S-001 TRSEQ=1 TRORRES = 3.2",
        "    TR S-001 TRSEQ=1 TRORRESU = cm",
    ]
    with pytest.raises(UsageError, match="2 findings have the fingerprint 'ab'"):
        trace_finding(report / "report.json", "ab")
    with pytest.raises(UsageError, match="no finding has"):
        trace_finding(report / "report.json", "zz")
