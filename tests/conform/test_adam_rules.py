"""Rules of finished ADaM: datasets that break none, and for every rule a change that breaks it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import polars as pl
import pytest

from cdiscx.conform import conformance
from cdiscx.conform.rules import rules
from cdiscx.model.finding import Status
from cdiscx.registry import discover

Frames = dict[str, pl.DataFrame]
A, B = "ABC-01-001", "ABC-01-002"
SUBJECT = {"STUDYID": "ABC", "SUBJID": "001", "SITEID": "01"}


def study() -> Frames:
    subject_level = pl.DataFrame(
        {
            "STUDYID": ["ABC"] * 2,
            "USUBJID": [A, B],
            "SUBJID": ["001", "002"],
            "SITEID": ["01", "01"],
            "AGE": [60, 55],
            "AGEU": ["YEARS"] * 2,
            "SEX": ["M", "F"],
            "RACE": ["ASIAN"] * 2,
            "ARM": ["Treatment"] * 2,
            "TRT01P": ["Treatment"] * 2,
            "SAFFL": ["Y", "Y"],
            "DTHFL": ["Y", None],
            "TRTSDT": [date(2023, 1, 10), date(2023, 2, 1)],
            "TRTEDT": [date(2023, 2, 10), date(2023, 3, 1)],
            "DTHDT": [date(2023, 6, 1), None],
            "DTHDTF": [None, None],
            "LSTALVDT": [date(2023, 5, 30), date(2023, 9, 1)],
        },
        schema_overrides={"DTHDTF": pl.String},
    )
    tumour = pl.DataFrame(
        {
            "STUDYID": ["ABC"] * 3,
            "USUBJID": [A] * 3,
            "SAFFL": ["Y"] * 3,
            "ASEQ": [1, 2, 3],
            "PARAMCD": ["SUMDIAM"] * 3,
            "PARAM": ["Sum of Diameters (mm)"] * 3,
            "AVISIT": ["BASELINE", "WEEK 8", "WEEK 16"],
            "AVISITN": [0.0, 8.0, 16.0],
            "ADT": [date(2023, 1, 5), date(2023, 3, 10), date(2023, 5, 5)],
            "ADY": [-5, 60, 116],
            "AVAL": [84.0, 52.0, 68.0],
            "BASE": [84.0] * 3,
            "CHG": [None, -32.0, -16.0],
            "PCHG": [None, -3200 / 84, -1600 / 84],
            "NADIR": [None, 84.0, 52.0],
            "CHGNAD": [None, -32.0, 16.0],
            "PCHGNAD": [None, -3200 / 84, 1600 / 52],
            "ABLFL": ["Y", None, None],
            "CRIT1FL": [None, "Y", "N"],
        }
    )
    events = pl.DataFrame(
        {
            "STUDYID": ["ABC"] * 3,
            "USUBJID": [A, A, B],
            "ASEQ": [1, 2, 1],
            "PARAMCD": ["OS", "PFS", "OS"],
            "PARAM": ["Overall Survival", "Progression-Free Survival", "Overall Survival"],
            "STARTDT": [date(2023, 1, 10), date(2023, 1, 10), date(2023, 2, 1)],
            "ADT": [date(2023, 6, 1), date(2023, 5, 5), date(2023, 9, 1)],
            "AVAL": [143.0, 116.0, 213.0],
            "AVALM": [143 / 30.4375, 116 / 30.4375, 213 / 30.4375],
            "CNSR": [0, 0, 1],
            "EVNTDESC": ["DEATH", "DISEASE PROGRESSION", "ALIVE OR STATUS UNKNOWN"],
            "CNSDTDSC": [None, None, "LAST KNOWN ALIVE"],
            "SRCDOM": ["ADSL", "ADTR", "ADSL"],
            "SRCVAR": ["DTHDT", "ADT", "LSTALVDT"],
            "SRCSEQ": [None, 3, None],
        }
    )
    adverse = pl.DataFrame(
        {
            "STUDYID": ["ABC"] * 2,
            "USUBJID": [A] * 2,
            "AESEQ": [1, 2],
            "AETERM": ["Rash", "Itching"],
            "AEDECOD": ["Rash", "Pruritus"],
            "AEBODSYS": ["Skin", "Skin"],
            "ASTDT": [date(2023, 1, 15), date(2023, 2, 1)],
            "ASTDTF": ["D", None],
            "AENDT": [date(2023, 1, 20), date(2023, 2, 5)],
            "AENDTF": [None, None],
            "ASTDY": [6, 23],
            "TRTEMFL": ["Y", "Y"],
            "AOCCFL": ["Y", None],
            "AOCCPFL": ["Y", "Y"],
        },
        schema_overrides={"AENDTF": pl.String},
    )
    return {"ADSL": subject_level, "ADTR": tumour, "ADTTE": events, "ADAE": adverse}


def source() -> Frames:
    return {
        "AE": pl.DataFrame(
            {
                "USUBJID": [A, A],
                "AESEQ": [1, 2],
                "AESTDTC": ["2023-01", "2023-02-01"],
                "AEENDTC": ["2023-01-20", "2023-02-05"],
            }
        ),
        "DM": pl.DataFrame({"USUBJID": [A, B], "DTHDTC": ["2023-06-01", None]}),
    }


def put(name: str, column: str, row: int, value: object) -> Callable[[Frames], None]:
    """Sets one cell (row from 1)."""

    def change(frames: Frames) -> None:
        frame = frames[name]
        at = pl.int_range(pl.len()) == row - 1
        literal = pl.lit(value, frame.schema[column])
        frames[name] = frame.with_columns(pl.when(at).then(literal).otherwise(column).alias(column))

    return change


def drop(name: str, column: str) -> Callable[[Frames], None]:
    def change(frames: Frames) -> None:
        frames[name] = frames[name].drop(column)

    return change


def repeat(name: str, row: int) -> Callable[[Frames], None]:
    def change(frames: Frames) -> None:
        frames[name] = pl.concat([frames[name], frames[name].slice(row - 1, 1)])

    return change


BROKEN: list[tuple[str, Callable[[Frames], None], str, str]] = [
    ("CNF-201", drop("ADSL", "TRT01P"), "ADSL", "TRTxxP"),
    ("CNF-201", put("ADSL", "SEX", 1, None), "ADSL", "SEX"),
    ("CNF-201", drop("ADTR", "PARAM"), "ADTR", "PARAM"),
    ("CNF-202", put("ADTTE", "EVNTDESC", 1, "x" * 201), "ADTTE", "EVNTDESC"),
    ("CNF-203", put("ADAE", "STUDYID", 1, "X"), "ADAE", "STUDYID"),
    ("CNF-204", put("ADTTE", "USUBJID", 3, "ABC-01-009"), "ADTTE", "USUBJID"),
    ("CNF-204", repeat("ADSL", 1), "ADSL", "USUBJID"),
    ("CNF-205", put("ADTTE", "PARAM", 3, "Survival"), "ADTTE", "PARAM"),
    ("CNF-205", put("ADTTE", "PARAMCD", 2, "PFS-1"), "ADTTE", "PARAMCD"),
    ("CNF-206", put("ADTR", "ASEQ", 2, 1), "ADTR", "ASEQ"),
    ("CNF-207", put("ADTR", "SAFFL", 2, "N"), "ADTR", "SAFFL"),
    ("CNF-208", put("ADSL", "SAFFL", 2, None), "ADSL", "SAFFL"),
    ("CNF-208", put("ADAE", "TRTEMFL", 2, "N"), "ADAE", "TRTEMFL"),
    ("CNF-209", put("ADSL", "SEX", 1, "MALE"), "ADSL", "SEX"),
    ("CNF-220", put("ADTR", "BASE", 2, 80.0), "ADTR", "BASE"),
    ("CNF-220", put("ADTR", "ABLFL", 2, "Y"), "ADTR", "ABLFL"),
    ("CNF-221", put("ADTR", "CHG", 2, 32.0), "ADTR", "CHG"),
    ("CNF-221", put("ADTR", "PCHG", 2, -38.1), "ADTR", "PCHG"),
    ("CNF-221", put("ADTR", "PCHGNAD", 3, 30.0), "ADTR", "PCHGNAD"),
    ("CNF-222", put("ADTR", "ADY", 2, 59), "ADTR", "ADY"),
    ("CNF-222", put("ADAE", "ASTDY", 1, 0), "ADAE", "ASTDY"),
    ("CNF-223", put("ADAE", "ASTDTF", 2, "D"), "ADAE", "ASTDTF"),
    ("CNF-223", put("ADAE", "ASTDTF", 1, None), "ADAE", "ASTDTF"),
    ("CNF-223", put("ADAE", "ASTDTF", 1, "X"), "ADAE", "ASTDTF"),
    ("CNF-223", put("ADSL", "DTHDTF", 2, "D"), "ADSL", "DTHDTF"),
    ("CNF-223", put("ADAE", "AENDT", 2, date(2023, 2, 6)), "ADAE", "AENDT"),
    ("CNF-224", put("ADAE", "AENDT", 2, date(2023, 1, 31)), "ADAE", "AENDT"),
    ("CNF-225", put("ADSL", "DTHFL", 1, None), "ADSL", "DTHFL"),
    ("CNF-225", put("ADSL", "LSTALVDT", 1, date(2023, 6, 2)), "ADSL", "LSTALVDT"),
    ("CNF-226", put("ADAE", "AOCCFL", 2, "Y"), "ADAE", "AOCCFL"),
    ("CNF-226", put("ADAE", "TRTEMFL", 1, None), "ADAE", "AOCCFL"),
    ("CNF-230", put("ADTTE", "PARAMCD", 2, "OS"), "ADTTE", "PARAMCD"),
    ("CNF-231", put("ADTTE", "CNSR", 1, -1), "ADTTE", "CNSR"),
    ("CNF-231", put("ADTTE", "CNSR", 3, 0), "ADTTE", "CNSDTDSC"),
    ("CNF-231", put("ADTTE", "CNSR", 1, 1), "ADTTE", "CNSDTDSC"),
    ("CNF-231", put("ADTTE", "EVNTDESC", 3, "DEATH"), "ADTTE", "EVNTDESC"),
    ("CNF-231", drop("ADTTE", "CNSDTDSC"), "ADTTE", "CNSDTDSC"),
    ("CNF-232", put("ADTTE", "ADT", 1, date(2023, 1, 9)), "ADTTE", "ADT"),
    ("CNF-232", put("ADTTE", "AVAL", 1, 142.0), "ADTTE", "AVAL"),
    ("CNF-232", put("ADTTE", "AVALM", 1, 4.7), "ADTTE", "AVALM"),
    ("CNF-233", put("ADTTE", "SRCVAR", 1, None), "ADTTE", "SRCDOM"),
    ("CNF-233", put("ADTTE", "SRCVAR", 1, "DEATHDT"), "ADTTE", "SRCVAR"),
    ("CNF-233", put("ADTTE", "SRCSEQ", 2, 9), "ADTTE", "SRCSEQ"),
    ("CNF-234", put("ADTTE", "ADT", 2, date(2023, 6, 2)), "ADTTE", "ADT"),
]


def test_datasets_that_break_no_rule_have_no_finding_and_no_skipped_rule() -> None:
    report = conformance(study(), source=source())
    assert report.run["standard"] == "ADaM"
    assert [(f.check_id, f.sheet, f.column, f.message) for f in report] == []
    assert {c.check_id: c.reason for c in report.checks if c.status is not Status.PASSED} == {}


@pytest.mark.parametrize(("rule_id", "change", "dataset", "column"), BROKEN, ids=[f"{r}-{i}" for i, (r, *_) in enumerate(BROKEN)])  # fmt: skip
def test_a_broken_rule_is_found_where_it_is_broken(
    rule_id: str, change: Callable[[Frames], None], dataset: str, column: str
) -> None:
    frames = study()
    change(frames)
    report = conformance(frames, source=source())
    assert report.complete, [c.traceback for c in report.checks if c.traceback]
    assert (dataset, column) in {(f.sheet, f.column) for f in report if f.check_id == rule_id}


def test_every_rule_of_adam_has_a_case() -> None:
    discover("cdiscx.conform")
    known = {r.id for r in rules().values() if r.standard == "ADaM"}
    assert known - {r for r, *_ in BROKEN} == {"CNF-210", "CNF-211"}


def test_an_undeclared_value_of_an_extensible_list_is_a_warning() -> None:
    frames = study()
    tumour = frames["ADTR"].with_columns(pl.Series("DTYPE", [None, "MYTYPE", "MYTYPE"]))
    found = [f for f in conformance({**frames, "ADTR": tumour}) if f.check_id == "CNF-210"]
    assert [(f.column, f.value, f.severity.value) for f in found] == [("DTYPE", "MYTYPE", "warning")]


def test_a_change_with_a_baseline_of_zero_has_no_percentage() -> None:
    frames = study()
    for change in (put("ADTR", "AVAL", 1, 0.0), *(put("ADTR", "BASE", n, 0.0) for n in (1, 2, 3))):
        change(frames)
    found = [f for f in conformance(frames) if f.check_id == "CNF-221" and f.column == "PCHG"]
    assert [(f.row, f.message) for f in found] == [(2, "PCHG of BASE 0"), (3, "PCHG of BASE 0")]


def test_numeric_dates_of_a_transport_file_are_read_as_days_since_1960() -> None:
    frames = {n: f.with_columns((pl.col(pl.Date) - date(1960, 1, 1)).dt.total_days()) for n, f in study().items()}
    assert [(f.check_id, f.message) for f in conformance(frames, source=source())] == []


def test_declared_keys_identify_a_record() -> None:
    assert [f.check_id for f in conformance(study(), keys={"ADTR": ("USUBJID", "PARAMCD", "ADT")})] == []
    found = [(f.check_id, f.row) for f in conformance(study(), keys={"ADTR": ("USUBJID", "PARAMCD")})]
    assert found == [("CNF-211", 2), ("CNF-211", 3)]


def test_without_sdtm_the_flags_are_judged_by_themselves() -> None:
    frames = study()
    put("ADAE", "ASTDTF", 2, "D")(frames)
    assert [f.check_id for f in conformance(frames)] == []


def test_dates_and_numbers_that_came_as_text_are_read() -> None:
    frames = {n: f.with_columns(pl.col(pl.Date, pl.Int64, pl.Float64).cast(pl.String)) for n, f in study().items()}
    report = conformance(frames, source=source())
    assert report.complete, [c.traceback for c in report.checks if c.traceback]
    assert [(f.check_id, f.message) for f in report] == []


@pytest.mark.parametrize("name", ["ADSL", "ADTR", "ADTTE", "ADAE"])
def test_a_dataset_without_subjects_crashes_no_rule(name: str) -> None:
    frames = study()
    drop(name, "USUBJID")(frames)
    report = conformance(frames, source=source())
    assert report.complete, [c.traceback for c in report.checks if c.traceback]
    assert (name, "USUBJID") in {(f.sheet, f.column) for f in report if f.check_id == "CNF-201"}
