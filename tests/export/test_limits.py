"""What a transport file cannot hold is said, record by record, before anything is written."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from export_kit import STAMP, adverse_events, dataset

from cdiscx.export import write
from cdiscx.export.ascii import spelled, to_ascii
from cdiscx.export.limits import limits
from cdiscx.export.lineage import LINEAGE, Lines, write_lineage
from cdiscx.export.long_text import pieces, split_long_text
from cdiscx.model.dataset import Dataset, Variable
from cdiscx.model.errors import ExportError
from cdiscx.model.finding import Severity


def said(made: Dataset) -> list[tuple[str, str]]:
    return [(f.check_id.rpartition("-")[2], f.severity.value) for f in limits({made.name: made})]


def test_a_plain_dataset_has_no_findings():
    assert limits({"AE": adverse_events()}) == ()


LIMITS = {
    "001 dataset name": (dataset("TOOLONGNAME", {"A": ["x"]}), ("001", "error")),
    "001 variable name": (dataset("X", {"VARIABLE9": ["x"]}), ("001", "error")),
    "001 lower case": (dataset("X", {"abc": ["x"]}), ("001", "error")),
    "001 digit first": (dataset("X", {"1A": ["x"]}), ("001", "error")),
    "002 label": (dataset("X", {"A": ["x"]}).with_(label="l" * 41), ("002", "warning")),
    "003 accent": (dataset("X", {"A": ["café"]}), ("003", "note")),
    "003 comparison": (dataset("X", {"A": ["≥ 3"]}), ("003", "note")),
    "003 line break": (dataset("X", {"A": ["a\nb"]}), ("003", "note")),
    "004 Chinese": (dataset("X", {"A": ["肝癌"]}), ("004", "warning")),
    "004 emoji": (dataset("X", {"A": ["ok 😀"]}), ("004", "warning")),
    "004 control character": (dataset("X", {"A": ["a\x00b"]}), ("004", "warning")),
    "006 201 bytes": (dataset("X", {"A": ["x" * 201]}), ("006", "error")),
    "007 too large": (dataset("X", {"A": [1e76]}), ("007", "error")),
    "007 too small": (dataset("X", {"A": [1e-80]}), ("007", "error")),
    "007 too long": (dataset("X", {"A": [2**53 + 1]}), ("007", "error")),
    "008 NaN": (dataset("X", {"A": [float("nan")]}), ("008", "error")),
    "008 infinite": (dataset("X", {"A": [float("-inf")]}), ("008", "error")),
    "009 trailing blank": (dataset("X", {"A": ["x "]}), ("009", "note")),
    "010 blank records last": (dataset("X", {"A": ["x", None]}), ("010", "error")),
    "011 no records": (dataset("X", {"A": []}, schema={"A": pl.String}), ("011", "note")),
}
WITHIN = {
    "001 8 characters": dataset("EIGHTCHR", {"VARIABL8": ["x"]}),
    "002 40 characters": dataset("X", {"A": ["x"]}).with_(label="l" * 40),
    "006 200 bytes": dataset("X", {"A": ["x" * 200]}),
    "007 largest": dataset("X", {"A": [7.2370055773322611e75, 5.397605346934028e-79, 0.0]}),
    "007 longest": dataset("X", {"A": [2**53, -(2**53)]}),
    "009 leading blank": dataset("X", {"A": [" x"]}),
    "010 blank record first": dataset("X", {"A": [None, "x"]}),
}


@pytest.mark.parametrize("case", list(LIMITS))
def test_each_limit_is_a_finding(case: str):
    made, expected = LIMITS[case]
    assert said(made) == [expected]


@pytest.mark.parametrize("case", list(WITHIN))
def test_the_last_value_within_a_limit_is_no_finding(case: str):
    assert said(WITHIN[case]) == []


def test_a_finding_names_dataset_record_variable_and_cell(tmp_path: Path):
    made = adverse_events(AETERM=["Fever", "肝癌", "rash"])
    place = {
        "dataset": "AE", "record": 2, "variable": "AETERM", "file": "site.xlsx", "sheet": "Adverse Events",
        "row": 7, "cell": "C7", "header": "Term", "text": "肝癌",
    }  # fmt: skip
    lineage = pl.DataFrame([{**dict.fromkeys(LINEAGE), **place}], schema=LINEAGE)
    lines = Lines(write_lineage(lineage, tmp_path), {("AE", "AETERM"): (0, 1)})
    (found,) = limits({"AE": made}, lineage=lines, study="S1")
    assert found.message.startswith("AE record 2: AETERM '肝癌'")
    assert r"\u809D\u764C" in found.message
    assert (found.file, found.sheet, found.row, found.cell) == ("site.xlsx", "Adverse Events", 7, "C7")
    assert (found.subject, found.value, found.family, found.study) == ("S1-01-001", "肝癌", "EXP", "S1")
    assert found.fingerprint
    assert found.fix


def test_a_thousand_findings_of_one_kind_are_enough():
    made = dataset("X", {"A": [f"é{i}" for i in range(1_203)]})
    found = limits({"X": made})
    assert len(found) == 1_001
    assert found[-1].message == "203 more values of X.A have the defect of EXP-XPT-003"
    assert len({f.fingerprint for f in found}) == len(found)


@pytest.mark.parametrize(
    ("text", "ascii"),
    [
        ("café", "cafe"), ("cafe\u0301", "cafe"), ("≥3 µg", ">=3 ug"), ("ＡＢ１２（x）", "AB12(x)"), ("10²", "10^2"),
        ("CO₂", "CO2"), ("37 ℃", "37  deg C"), ("1½", "1 1/2"), ("“x”–y…", '"x"-y...'), ("a\u00a0b", "a b"),
        ("ﬁ", "fi"), ("β-blocker", "beta-blocker"), ("Straße", "Strasse"), ("肝", "\\u809D"), ("😀", "\\U0001F600"),
        ("\x07", "\\u0007"), ("zero\u200bwidth", "zerowidth"), (r"\u809D", r"\u809D"), ("", ""), (None, None),
    ],
)  # fmt: skip
def test_the_spelling_of_a_text(text: str | None, ascii: str | None):
    assert to_ascii(pl.Series([text], dtype=pl.String)).to_list() == [ascii]


def test_every_character_has_an_ascii_spelling_and_an_escape_can_be_undone():
    for code in [*range(0x20, 0x3100), 0x4E2D, 0xFFFD, 0x1F600, 0x10FFFF]:
        text, escaped = spelled(chr(code))
        assert text.isascii()
        assert text.isprintable() or text == ""
        if escaped:
            assert text.encode().decode("unicode_escape") == chr(code)


def test_text_of_201_bytes_goes_on_in_the_supplemental_qualifiers():
    long = "word " * 60 + "end"
    made = split_long_text({"AE": adverse_events(AETERM=["short", long, "y" * 401])})
    parts = made["SUPPAE"].public
    assert made["AE"].frame["AETERM"].str.len_bytes().max() <= 200
    assert parts["QNAM"].to_list() == ["AETERM1", "AETERM1", "AETERM2"]
    assert parts["IDVARVAL"].to_list() == ["2", "1", "1"]
    first = made["AE"].frame["AETERM"].to_list()
    assert f"{first[1]} {parts['QVAL'][0]}" == long
    assert first[2] + parts["QVAL"][1] + parts["QVAL"][2] == "y" * 401
    ids = pl.concat([made["AE"].frame["_id"], made["SUPPAE"].frame["_id"]])
    assert ids.is_unique().all()
    assert made["SUPPAE"].frame["_from"].to_list() == [[1], [2], [2]]
    codes = [f.check_id for f in limits(made)]
    assert codes == ["EXP-XPT-005"] * 3


def test_what_counts_is_the_length_in_ascii():
    made = split_long_text({"AE": adverse_events(AETERM=["肝" * 33, "肝" * 34, "x"])})
    assert made["AE"].frame["AETERM"].str.len_chars().to_list() == [33, 33, 1]
    assert made["SUPPAE"].frame["QVAL"].to_list() == ["肝"]


def test_a_long_text_of_demographics_needs_no_sequence_number():
    frame = {"STUDYID": ["S1"], "DOMAIN": ["DM"], "USUBJID": ["S1-1"], "RACE": ["r" * 250]}
    made = split_long_text({"DM": dataset("DM", frame, ("STUDYID", "USUBJID"))})
    assert made["SUPPDM"].public.select("IDVAR", "IDVARVAL", "QNAM").row(0) == (None, None, "RACE1")


def test_existing_supplemental_qualifiers_keep_their_records_in_order():
    supp = dataset(
        "SUPPAE",
        {
            "STUDYID": ["S1", "S1"], "RDOMAIN": ["AE", "AE"], "USUBJID": ["S1-01-001", "S1-01-002"],
            "IDVAR": ["AESEQ"] * 2, "IDVARVAL": ["1", "1"], "QNAM": ["AECDGR", "AECDGR"], "QLABEL": ["Grade"] * 2,
            "QVAL": ["II", "I"], "QORIG": ["Collected"] * 2, "QEVAL": [None, "x"],
        },
    )  # fmt: skip
    made = split_long_text({"AE": adverse_events(AETERM=["x" * 201, "y", "z"]), "SUPPAE": supp})
    assert list(made) == ["AE", "SUPPAE"]
    assert made["SUPPAE"].public["QNAM"].to_list() == ["AECDGR", "AETERM1", "AECDGR"]


def test_a_name_of_eight_characters_gives_its_last_to_the_number():
    made = adverse_events()
    frame = made.frame.with_columns(AEREASND=pl.lit("x" * 201))
    made = made.with_(frame=frame, variables=(*made.variables, Variable("AEREASND", "Reason")))
    assert split_long_text({"AE": made})["SUPPAE"].frame["QNAM"].unique().to_list() == ["AEREASN1"]


def test_adam_and_trial_design_are_not_split():
    long = {"USUBJID": ["1"], "ASEQ": [1], "TERM": ["x" * 201]}
    made = {"ADAE": dataset("ADAE", long, standard="ADaMIG 1.3")}
    assert split_long_text(made) == made
    assert [f.check_id for f in limits(made)] == ["EXP-XPT-006"]


def test_pieces_break_between_words_and_lose_nothing_but_that_blank():
    text = " ".join(f"w{i}" for i in range(200))
    parts = pieces(text)
    assert " ".join(parts) == text
    assert max(map(len, parts)) <= 200
    assert "".join(pieces("x" * 999)) == "x" * 999


def test_values_that_cannot_be_kept_stop_the_file_unless_somebody_decides(tmp_path: Path):
    made = {"X": dataset("X", {"A": ["x" * 201, "y"], "N": [1e76, 1.0]})}
    assert {f.severity for f in limits(made)} == {Severity.ERROR}
    with pytest.raises(ExportError, match="EXP-XPT"):
        write(made, tmp_path / "strict", ["xpt"], stamp=STAMP)
    assert not list((tmp_path / "strict").iterdir())
    (path,) = write(made, tmp_path / "lossy", ["xpt"], stamp=STAMP, lossy=True)
    assert b"x" * 200 in path.read_bytes()
    assert b"x" * 201 not in path.read_bytes()
