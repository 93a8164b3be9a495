"""SRCDOM, SRCVAR and SRCSEQ of the composite's rows name the record that says so, not its neighbour of the same scan."""

from __future__ import annotations

import datetime as dt

import polars as pl
import pytest
from tumour_kit import Person, sdtm

from cdiscx.adam import derive
from cdiscx.model.spec import Study

SCAN = "2023-03-20"


@pytest.fixture
def rows(neopvtt: Study) -> pl.DataFrame:
    """ADRS of a subject whose site gave the thrombus response and the composite, with the RS record of each row."""
    person = Person(
        start="2023-02-06", drug="CAMRELIZUMAB", radiotherapy=("2023-02-06", "2023-02-17"), pvtt="III",
        lesions={"NT01": ("PORTAL VEIN", "N")},
        responses=[("RESTAGING", SCAN, "SD", {"TRGRESP": "SD", "CHENGCLS": "II", "PVTTRESP": "PR", "COMPOSITE": "PR"})],
        scans=[("SCREENING", "2023-01-30", {"T01": (60, 60), "NT01": "PRESENT"}), ("RESTAGING", SCAN, {"T01": (60, 60)})],
    )  # fmt: skip
    frames = sdtm(neopvtt, person)
    made = derive(neopvtt, frames, cutoff=dt.date(2024, 6, 30))["ADRS"].frame
    said = frames["RS"].select(SRCSEQ=pl.col("RSSEQ").cast(pl.Int64), test="RSTESTCD", about="RSCAT")
    return made.with_columns(pl.col("SRCSEQ").cast(pl.Int64)).join(said, on="SRCSEQ", how="left")


@pytest.mark.parametrize(
    ("code", "test"),
    [("CRSPB", "OVRLRESP"), ("PVTTRSP", "PVTTRESP"), ("DPVTTRSP", "CHENGCLS"), ("PVTTCLS", "CHENGCLS")],
)
def test_a_row_of_the_composite_leads_to_the_record_of_its_own_test(rows: pl.DataFrame, code: str, test: str) -> None:
    row = rows.filter(pl.col("PARAMCD") == code).to_dicts()[0]
    assert (row["SRCDOM"], row["test"]) == ("RS", test)
    assert (row["about"] == "PROTOCOL DEFINED RESPONSE CRITERIA") == (test != "CHENGCLS")


@pytest.mark.parametrize("code", ["PRIMRSP", "DPRIMRSP", "DCRSPB"])
def test_what_is_derived_from_lesions_names_no_response_record(rows: pl.DataFrame, code: str) -> None:
    row = rows.filter(pl.col("PARAMCD") == code).to_dicts()[0]
    assert (row["SRCDOM"], row["SRCSEQ"]) == ("TR", None)
    assert row["_from"]
