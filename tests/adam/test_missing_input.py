"""SDTM of other sponsors: whatever is not there, derivations go on (every domain, every variable)."""

from __future__ import annotations

import datetime as dt
from typing import Any

import polars as pl
import pytest
from adam_kit import dm, entered, frames, hepatectomy

from cdiscx.adam import Derived, derive
from cdiscx.model.errors import UploadError
from cdiscx.model.spec import Study

_SUPP = {"RDOMAIN": "AE", "IDVAR": "AESEQ", "IDVARVAL": "1", "QNAM": "AESURGFL", "QVAL": "Y"}
_RS = {
    "RSCAT": "MRECIST LENCIONI LIVER CANCER 2010",
    "RSEVAL": "INVESTIGATOR",
    "RSLNKGRP": "A02",
    "RSDTC": "2023-03-20",
}
_TR = {"TRLNKID": "T01", "TRGRPID": "TARGET", "TRTESTCD": "VDIAM", "TREVAL": "INVESTIGATOR", "TRORRESU": "mm"}
FULL: dict[str, list[dict[str, Any]]] = {
    "DM": [dm(DTHDTC="2024-01-10", DTHFL="Y", ARMNRS=None, ARMCD="A")],
    "DS": [
        entered("2023-02-01"),
        {"DSDECOD": "ADVERSE EVENT", "DSCAT": "DISPOSITION EVENT", "DSSCAT": "STUDY TREATMENT", "DSGRPID": "APATINIB", "DSSTDTC": "2023-09-01"},
    ],
    "EX": [{"EXTRT": "APATINIB", "EXDOSE": 250, "EXDOSU": "mg", "EXDOSFRQ": "QD", "EXSTDTC": "2023-02-06", "EXENDTC": "2023-05-01"}],
    "PR": [{"PRTRT": "IMRT", "PRCAT": "RADIOTHERAPY", "PRSTDTC": "2023-02-06", "PRENDTC": "2023-02-17"}, hepatectomy("2023-05-15")],
    "HO": [{"HODECOD": "HOSPITAL STAY", "HOCAT": "INDEX SURGERY", "HOSTDTC": "2023-05-13", "HOENDTC": "2023-05-27"}],
    "AE": [{"AETERM": "Bile leak", "AEDECOD": "Bile leak", "AESTDTC": "2023-05-20", "AETOXGR": "2", "AEREL": "N", "AESER": "N"}],
    "SUPPAE": [_SUPP],
    "MH": [{"MHEVDTYP": "INITIAL DIAGNOSIS", "MHSTDTC": "2023-01"}],
    "MI": [{"MITESTCD": "VIABTUM", "MISTRESN": 5, "MIDTC": "2023-05-15", "MIREFID": "SP1", "MISPID": "OVERALL"}],
    "DD": [{"DDTESTCD": "PRCDTH", "DDSTRESC": "X"}],
    "SS": [{"SSTESTCD": "SURVSTAT", "SSSTRESC": "ALIVE", "SSDTC": "2023-12-01"}],
    "SV": [{"VISIT": "SCREENING", "VISITNUM": 1, "SVOCCUR": "Y", "SVSTDTC": "2023-01-30"}],
    "CM": [{"CMCAT": "NEW ANTI-CANCER THERAPY", "CMTRT": "X", "CMSTDTC": "2023-11-01"}],
    "VS": [{"VSTESTCD": "WEIGHT", "VSSTRESN": 60, "VSDTC": "2023-01-30"}],
    "LB": [{"LBTESTCD": "AFP", "LBSTRESN": 30, "LBDTC": "2023-01-30"}],
    "TU": [{"TULNKID": "T01", "TUTESTCD": "TUMIDENT", "TUORRES": "TARGET", "TUSTRESC": "TARGET", "TULOC": "LIVER", "TUEVAL": "INVESTIGATOR",
            "VISIT": "SCREENING", "VISITNUM": 1, "TUDTC": "2023-01-30"}],
    "TR": [
        {**_TR, "TRLNKGRP": "A01", "TRORRES": "60", "TRSTRESC": "60", "TRSTRESN": 60, "VISIT": "SCREENING", "VISITNUM": 1, "TRDTC": "2023-01-30"},
        {**_TR, "TRLNKGRP": "A02", "TRORRES": "30", "TRSTRESC": "30", "TRSTRESN": 30, "VISIT": "RESTAGING", "VISITNUM": 6, "TRDTC": "2023-03-20"},
    ],
    "RS": [{**_RS, "RSTESTCD": t, "RSORRES": "PR", "RSSTRESC": "PR", "VISIT": "RESTAGING", "VISITNUM": 6} for t in ("TRGRESP", "OVRLRESP")],
}  # fmt: skip
VARIABLES = [(d, c) for d, f in frames(**FULL).items() for c in f.columns if c not in ("_id", "STUDYID")]


def made(sdtm: dict[str, pl.DataFrame]) -> Derived:
    """The derivation of study B as of 2024-06-01."""
    return derive(Study.load("neopvtt-b"), sdtm, cutoff=dt.date(2024, 6, 1))


def test_the_whole_makes_every_dataset() -> None:
    whole = made(frames(**FULL))
    assert {"ADSL", "ADAE", "ADSURG", "ADEXSUM"} <= set(whole)
    assert whole["ADSL"].frame.height == 1


@pytest.mark.parametrize("domain", [d for d in FULL if d != "DM"])
def test_a_domain_may_be_absent_or_empty(domain: str) -> None:
    full = frames(**FULL)
    absent = made({d: f for d, f in full.items() if d != domain})
    empty = made({**full, domain: full[domain].head(0)})
    for result in (absent, empty):
        assert result["ADSL"].frame.height == 1
        assert not set(result) & set(result.reasons)


@pytest.mark.slow
@pytest.mark.parametrize(("domain", "variable"), VARIABLES)
def test_a_variable_may_be_absent(domain: str, variable: str) -> None:
    full = frames(**FULL)
    sdtm = {**full, domain: full[domain].drop(variable)}
    if (domain, variable) == ("DM", "USUBJID"):
        with pytest.raises(UploadError):
            made(sdtm)
    else:
        assert made(sdtm)["ADSL"].frame.height == 1


def test_all_of_it_as_text_gives_the_same_values() -> None:
    full = frames(**FULL)
    text = {d: f.with_columns(pl.exclude("_id").cast(pl.String)) for d, f in full.items()}
    from_text = made(text)
    assert list(from_text) == list(made(full))
    for name, dataset in made(full).items():
        assert from_text[name].frame.equals(dataset.frame), name
