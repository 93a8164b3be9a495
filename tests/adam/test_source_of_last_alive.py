"""Of several proofs of life on one day the same is told, in whatever order the datasets are given."""

from __future__ import annotations

import datetime as dt

import polars as pl

from cdiscx.adam import derive
from cdiscx.model.spec import Study

DM = pl.DataFrame(
    {"STUDYID": ["PALHEP-A"], "USUBJID": ["S-1"], "SUBJID": ["1"], "SITEID": ["01"], "RFICDTC": ["2024-01-02"]}
)
DAY = "2024-03-05"
PROOFS = {
    "LB": pl.DataFrame({"USUBJID": ["S-1"], "LBSEQ": [1], "LBTESTCD": ["ALT"], "LBORRES": ["30"], "LBDTC": [DAY]}),
    "SS": pl.DataFrame(
        {"USUBJID": ["S-1"], "SSSEQ": [1], "SSTESTCD": ["SURVSTAT"], "SSSTRESC": ["ALIVE"], "SSDTC": [DAY]}
    ),
    "SV": pl.DataFrame({"USUBJID": ["S-1"], "VISITNUM": [1.0], "VISIT": ["WEEK 3"], "SVSTDTC": [DAY]}),
}


def told(names: list[str]) -> tuple[object, object]:
    frames = {"DM": DM, **{name: PROOFS[name] for name in names}}
    numbered, first = {}, 0
    for name, frame in frames.items():  # as a mapping numbers them: in the order of its datasets
        numbered[name] = frame.with_columns(_id=(pl.int_range(pl.len()) + first).cast(pl.UInt32))
        first += frame.height
    adsl = derive(Study.load("palhep-a"), numbered, cutoff=dt.date(2025, 6, 30))["ADSL"].frame
    return adsl["LSTALVDT"][0], adsl["LSTALVSR"][0]


def test_a_visit_is_told_before_a_sample_and_a_contact_of_the_same_day():
    for names in (["LB", "SS", "SV"], ["SV", "SS", "LB"], ["SS", "SV", "LB"]):
        assert told(names) == (dt.date(2024, 3, 5), "SV.SVSTDTC")
    for names in (["SS", "LB"], ["LB", "SS"]):
        assert told(names) == (dt.date(2024, 3, 5), "LB.LBDTC")
