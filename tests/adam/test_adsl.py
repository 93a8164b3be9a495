"""ADSL: populations, dates, status and baseline values (adam-derivations 2 and 3)."""

from __future__ import annotations

import datetime as dt

import polars as pl
import pytest
from adam_kit import S1, day, dm, entered, frames, hepatectomy, of_safety, one

from cdiscx.adam import derive
from cdiscx.model.errors import UploadError
from cdiscx.model.spec import Study

S2 = "PALHEP-A-01-002"
LENVA = {"EXTRT": "LENVATINIB", "EXDOSE": 12, "EXDOSU": "mg", "EXDOSFRQ": "QD"}
DIAGNOSIS = {"MHDECOD": "HCC", "MHEVDTYP": "INITIAL DIAGNOSIS", "MHCAT": "PRIMARY DIAGNOSIS"}
ALIVE = {"SSTESTCD": "SURVSTAT", "SSSTRESC": "ALIVE"}


def test_ad_ex_01_dates_of_diagnosis_enrolment_and_death_are_as_collected() -> None:
    """AD-EX-01."""
    made = of_safety(
        "palhep-a", "2024-01-01",
        DM=[dm(DTHDTC="2023-05-20", DTHFL="Y")],
        DS=[entered("2022-06-01")],
        MH=[{**DIAGNOSIS, "MHSTDTC": "2022-01-10"}],
        EX=[{**LENVA, "EXSTDTC": "2022-06-03", "EXENDTC": "2022-09-01"}],
    )  # fmt: skip
    row = one(made, "ADSL")
    assert (row["DIAGDT"], row["DIAGDTF"]) == (day("2022-01-10"), None)
    assert row["ENRLDT"] == day("2022-06-01")
    assert (row["DTHFL"], row["DTHDT"], row["DTHDTF"]) == ("Y", day("2023-05-20"), None)
    assert (row["DTHDT"] - row["DIAGDT"]).days + 1 == 496
    assert (row["DTHDT"] - row["ENRLDT"]).days + 1 == 354
    assert (row["ENRLFL"], row["SAFFL"], row["FASFL"]) == ("Y", "Y", "Y")


def test_ad_ex_02_a_diagnosis_without_day_is_the_15th_and_the_last_contact_counts() -> None:
    """AD-EX-02."""
    made = of_safety(
        "palhep-a", "2024-06-01",
        DM=[dm()], DS=[entered("2022-06-01")], MH=[{**DIAGNOSIS, "MHSTDTC": "2022-03"}],
        SS=[{**ALIVE, "SSDTC": "2024-01-31"}],
    )  # fmt: skip
    row = one(made, "ADSL")
    assert (row["DIAGDT"], row["DIAGDTF"]) == (day("2022-03-15"), "D")
    assert (row["LSTALVDT"], row["LSTALVSR"]) == (day("2024-01-31"), "SS.SSDTC")
    assert (row["LSTALVDT"] - row["DIAGDT"]).days + 1 == 688


@pytest.mark.parametrize(
    ("collected", "expected", "flag"),
    [
        ("2022", day("2022-05-25"), "M"),  # 1 July would be after consent
        ("2021", day("2021-07-01"), "M"),
        ("2022-05", day("2022-05-15"), "D"),
        (None, None, None),
    ],
)
def test_a_partial_diagnosis_is_never_after_consent(
    collected: str | None, expected: dt.date | None, flag: str | None
) -> None:
    made = of_safety("palhep-a", "2024-01-01", DM=[dm()], MH=[{**DIAGNOSIS, "MHSTDTC": collected}])
    row = one(made, "ADSL")
    assert (row["DIAGDT"], row["DIAGDTF"]) == (expected, flag)


@pytest.mark.parametrize(
    ("last_alive", "expected"),
    [("2023-05-12", "2023-05-13"), ("2023-04-20", "2023-05-01"), ("2023-06-20", "2023-05-31")],
)
def test_ad_ex_19_a_death_without_day_follows_the_last_date_known_alive(last_alive: str, expected: str) -> None:
    """AD-EX-19; a contact after the month of death neither moves the death out of it nor outlives it."""
    made = of_safety(
        "palhep-a", "2024-01-01", DM=[dm(DTHDTC="2023-05", DTHFL="Y")], SS=[{**ALIVE, "SSDTC": last_alive}]
    )
    row = one(made, "ADSL")
    assert (row["DTHDT"], row["DTHDTF"]) == (day(expected), "D")
    assert row["LSTALVDT"] == min(day(last_alive), day(expected))


def test_a_death_after_the_cutoff_is_not_a_death_yet() -> None:
    domains = {
        "DM": [dm(DTHDTC="2023-05-20", DTHFL="Y")],
        "DS": [
            {"DSDECOD": "DEATH", "DSCAT": "DISPOSITION EVENT", "DSSCAT": "STUDY PARTICIPATION", "DSSTDTC": "2023-05-20"}
        ],
        "DD": [{"DDTESTCD": "PRCDTH", "DDSTRESC": "DISEASE UNDER STUDY", "DDDTC": "2023-05-20"}],
        "EX": [{**LENVA, "EXSTDTC": "2023-01-01", "EXENDTC": "2023-05-19"}],
    }
    before, on = (one(of_safety("palhep-a", cutoff, **domains), "ADSL") for cutoff in ("2023-05-19", "2023-05-20"))
    assert (before["DTHFL"], before["DTHDT"], before["DTHCAUS"], before["EOSSTT"]) == (None, None, None, "ONGOING")
    assert (on["DTHFL"], on["DTHDT"], on["DTHCAUS"], on["EOSSTT"]) == (
        "Y", day("2023-05-20"), "DISEASE UNDER STUDY", "DISCONTINUED",
    )  # fmt: skip
    assert on["DCSREAS"] == "DEATH"


def test_a_death_without_any_date_is_flagged_and_has_no_date() -> None:
    row = one(of_safety("palhep-a", "2024-01-01", DM=[dm(DTHFL="Y")]), "ADSL")
    assert (row["DTHFL"], row["DTHDT"], row["EOSSTT"], row["DCSREAS"]) == ("Y", None, "DISCONTINUED", "DEATH")


def test_treatment_starts_with_whatever_came_first_and_the_operation_is_not_treatment() -> None:
    made = of_safety(
        "neopvtt-b", "2023-12-31",
        DM=[dm()], DS=[entered("2023-02-01")],
        EX=[{"EXTRT": "APATINIB", "EXDOSE": 250, "EXSTDTC": "2023-02-08", "EXENDTC": "2023-05-01"}],
        PR=[{"PRTRT": "IMRT", "PRCAT": "RADIOTHERAPY", "PRSTDTC": "2023-02-06", "PRENDTC": "2023-02-17"},
            hepatectomy("2023-05-15")],
        HO=[{"HODECOD": "HOSPITAL STAY", "HOCAT": "INDEX SURGERY", "HOSTDTC": "2023-05-13", "HOENDTC": "2023-05-27"}],
    )  # fmt: skip
    row = one(made, "ADSL")
    assert (row["TRTSDT"], row["TRTEDT"]) == (day("2023-02-06"), day("2023-05-01"))
    assert (row["RTSDT"], row["RTEDT"]) == (day("2023-02-06"), day("2023-02-17"))
    assert (row["SURGDT"], row["DISCHDT"], row["RESFL"]) == (day("2023-05-15"), day("2023-05-27"), "Y")


def test_an_interval_that_still_runs_ends_at_the_cutoff_and_a_dose_of_zero_is_none() -> None:
    made = of_safety(
        "palhep-a", "2022-12-31",
        DM=[dm()],
        EX=[{**LENVA, "EXSTDTC": "2022-06-03"}, {**LENVA, "EXDOSE": 0, "EXSTDTC": "2022-06-01"}],
        SUPPEX=[{"RDOMAIN": "EX", "IDVAR": "EXSEQ", "IDVARVAL": "1", "QNAM": "EXONGO", "QVAL": "Y"}],
    )  # fmt: skip
    row = one(made, "ADSL")
    assert (row["TRTSDT"], row["TRTEDT"], row["LDOSEDT"]) == (day("2022-06-03"), day("2022-12-31"), day("2022-12-31"))
    assert row["LSTALVDT"] == day("2022-06-03"), "that a drug was not stopped is no proof of life"


def test_the_drug_of_the_primary_endpoint_makes_a_population_of_its_own() -> None:
    made = of_safety(
        "palhep-a", "2024-01-01",
        DM=[dm(), dm(S2)],
        EX=[{"EXTRT": "DURVALUMAB", "EXDOSE": 1500, "EXSTDTC": "2023-03-01"}, {"USUBJID": S2, **LENVA, "EXSTDTC": "2023-03-01"}],
    )  # fmt: skip
    assert made["ADSL"].frame.select("USUBJID", "DURFL", "DUR1DT", "SAFFL").rows() == [
        (S1, "Y", day("2023-03-01"), "Y"), (S2, "N", None, "Y"),
    ]  # fmt: skip


def test_a_screen_failure_is_not_enrolled_by_its_consent() -> None:
    made = of_safety(
        "palhep-a", "2024-01-01",
        DM=[dm(ARMNRS="SCREEN FAILURE", ARM=None, ACTARM=None), dm(S2)],
    )  # fmt: skip
    assert made["ADSL"].frame.select("ENRLFL", "ENRLDT", "EOSSTT").rows() == [
        ("N", None, None), ("Y", day("2022-05-25"), "ONGOING"),
    ]  # fmt: skip


def test_baseline_is_the_last_value_on_or_before_first_treatment() -> None:
    made = of_safety(
        "palhep-a", "2024-01-01",
        DM=[dm()],
        EX=[{**LENVA, "EXSTDTC": "2022-06-03"}],
        VS=[{"VSTESTCD": "WEIGHT", "VSSTRESN": 70, "VSDTC": "2022-05-30"}, {"VSTESTCD": "WEIGHT", "VSSTRESN": 71, "VSDTC": "2022-06-03"},
            {"VSTESTCD": "WEIGHT", "VSSTRESN": 72, "VSDTC": "2022-06-04"}],
        RS=[{"RSTESTCD": "ECOG101", "RSSTRESC": "1", "RSDTC": "2022-05-30"}, {"RSTESTCD": "BCLCSTG", "RSSTRESC": "C", "RSDTC": "2022-05-30"},
            {"RSTESTCD": "CPS0106", "RSSTRESC": "6", "RSSTRESN": 6, "VISIT": "SCREENING"}],
        LB=[{"LBTESTCD": "AFP", "LBSTRESN": 400, "LBDTC": "2022-05-30"}, {"LBTESTCD": "AFP", "LBDTC": "2022-06-03", "LBSTAT": "NOT DONE"}],
    )  # fmt: skip
    row = one(made, "ADSL")
    assert (row["WEIGHTBL"], row["ECOGBL"], row["BCLCBL"], row["AFPBL"]) == (71, 1, "C", 400)
    assert (row["CPSBL"], row["CPCLBL"]) == (6, "A"), "an undated value of the baseline visit counts; the class follows"


def test_month_3_takes_the_last_evaluable_response_in_the_window_before_the_decision() -> None:
    response = {"RSTESTCD": "OVRLRESP", "RSCAT": "RECIST 1.1", "RSEVAL": "INVESTIGATOR"}
    made = of_safety(
        "palhep-a", "2024-01-01",
        DM=[dm()],
        EX=[{**LENVA, "EXSTDTC": "2022-06-01"}],
        DS=[{"DSDECOD": "SURGERY BRANCH", "DSCAT": "OTHER EVENT", "DSSTDTC": "2022-09-05"}],
        RS=[{**response, "RSSTRESC": "PR", "RSDTC": "2022-08-16"},   # day 76: before the window
            {**response, "RSSTRESC": "SD", "RSDTC": "2022-08-31"},
            {**response, "RSSTRESC": "NE", "RSDTC": "2022-09-01"},
            {**response, "RSSTRESC": "PD", "RSDTC": "2022-09-06"}],  # after the decision
    )  # fmt: skip
    row = one(made, "ADSL")
    assert (row["M3RESP"], row["M3DT"], row["M3BRANCH"]) == ("SD", day("2022-08-31"), "SURGERY")
    assert "M3RESP" not in of_safety("neopvtt-b", "2024-01-01", DM=[dm()])["ADSL"].frame.columns


def test_of_two_responses_of_one_visit_the_earlier_is_the_month_3_response() -> None:
    twice = [("2022-08-24", "SD"), ("2022-08-28", "PR")]
    said = {"RSTESTCD": "OVRLRESP", "RSCAT": "RECIST 1.1", "RSEVAL": "INVESTIGATOR", "VISIT": "MONTH 3 DECISION"}
    made = of_safety(
        "palhep-a", "2024-01-01", DM=[dm()], EX=[{**LENVA, "EXSTDTC": "2022-06-01"}],
        RS=[{**said, "RSSTRESC": word, "RSDTC": when} for when, word in twice],
    )  # fmt: skip
    row = one(made, "ADSL")
    assert (row["M3RESP"], row["M3DT"], row["M3BRANCH"]) == ("SD", day("2022-08-24"), "SURGERY")


def test_evaluable_means_a_target_before_treatment_and_a_response_after_it() -> None:
    target = {"TUTESTCD": "TUMIDENT", "TUORRES": "TARGET", "TUSTRESC": "TARGET", "TUDTC": "2022-05-30"}
    response = {"RSTESTCD": "OVRLRESP", "RSCAT": "RECIST 1.1", "RSEVAL": "INVESTIGATOR", "RSDTC": "2022-08-01"}
    made = of_safety(
        "palhep-a", "2024-01-01",
        DM=[dm(), dm(S2)],
        EX=[{"USUBJID": s, **LENVA, "EXSTDTC": "2022-06-01"} for s in (S1, S2)],
        TU=[{"USUBJID": s, **target} for s in (S1, S2)],
        RS=[{**response, "RSSTRESC": "SD"}, {"USUBJID": S2, **response, "RSSTRESC": "NE"}],
    )  # fmt: skip
    assert made["ADSL"].frame["EVALFL"].to_list() == ["Y", "N"]


def test_the_worse_of_surgeon_and_pathologist_is_the_residual_tumour_status() -> None:
    status = {"RSTESTCD": "AJCC105", "RSCAT": "AJCC V7"}
    made = of_safety(
        "neopvtt-b", "2024-01-01",
        DM=[dm(), dm(S2)], PR=[hepatectomy("2023-05-15"), hepatectomy("2023-05-15", S2)],
        RS=[{**status, "RSSTRESC": "R0"}, {**status, "RSSTRESC": "R1"}, {"USUBJID": S2, **status, "RSSTRESC": "R0"}],
    )  # fmt: skip
    assert made["ADSL"].frame["RSTAT"].to_list() == ["R1", "R0"]


def test_new_therapy_counts_from_first_treatment_and_its_missing_month_is_not_guessed() -> None:
    new = {"CMCAT": "NEW ANTI-CANCER THERAPY", "CMTRT": "X"}
    made = of_safety(
        "palhep-a", "2024-01-01",
        DM=[dm(), dm(S2)],
        EX=[{"USUBJID": s, **LENVA, "EXSTDTC": "2022-06-10"} for s in (S1, S2)],
        CM=[{**new, "CMSTDTC": "2022-06"}, {**new, "CMSTDTC": "2021-01-01"}, {"USUBJID": S2, **new, "CMSTDTC": "2023"}],
    )  # fmt: skip
    assert made["ADSL"].frame.select("NACTDT", "NACTDTF").rows() == [(day("2022-06-10"), "D"), (None, None)]


def test_follow_up_is_counted_to_death_or_the_last_date_alive() -> None:
    made = of_safety(
        "palhep-a", "2024-01-01",
        DM=[dm(DTHDTC="2023-05-31", DTHFL="Y"), dm(S2)],
        EX=[{"USUBJID": s, **LENVA, "EXSTDTC": "2022-06-01", "EXENDTC": "2022-06-30"} for s in (S1, S2)],
    )  # fmt: skip
    assert made["ADSL"].frame["FUPMO"].to_list() == pytest.approx([365 / 30.4375, 30 / 30.4375])


def test_a_specimen_that_pathology_dates_later_proves_no_life_and_the_visit_does() -> None:
    seen = {"VISITNUM": 9, "VISIT": "SURGERY", "SVOCCUR": "Y", "SVSTDTC": "2022-09-20", "SVENDTC": "2022-11-19"}
    read = {"MITESTCD": "VIABTUM", "MISTRESN": 5, "MISTRESC": "5", "MIDTC": "2022-11-19"}
    with_specimen, without = (
        one(of_safety("palhep-a", "2024-01-01", DM=[dm()], SV=[seen], MI=rows), "ADSL") for rows in ([read], [])
    )
    assert (with_specimen["LSTALVDT"], without["LSTALVDT"]) == (day("2022-09-20"), day("2022-11-19"))


def test_subjects_with_nothing_but_a_row_in_dm_are_kept() -> None:
    row = one(of_safety("neopvtt-b", "2024-01-01", DM=[{"USUBJID": S1}]), "ADSL")
    assert (row["ENRLFL"], row["SAFFL"], row["FASFL"], row["RESFL"], row["TRTSDT"], row["LSTALVDT"]) == (
        "N", "N", "N", "N", None, None,
    )  # fmt: skip


def test_no_dm_is_an_error_for_people_and_an_empty_dm_is_no_error() -> None:
    study, cutoff = Study.load("palhep-a"), dt.date(2024, 1, 1)
    with pytest.raises(UploadError, match="no DM"):
        derive(study, frames(EX=[{**LENVA, "EXSTDTC": "2022-06-01"}]), cutoff=cutoff)
    empty = derive(study, {"DM": pl.DataFrame(schema={"USUBJID": pl.String})}, cutoff=cutoff)
    assert empty["ADSL"].frame.is_empty()


def test_frames_of_other_sponsors_may_hold_real_dates_numbers_as_text_and_no_ids() -> None:
    sdtm = {
        "dm": pl.DataFrame({"STUDYID": ["Z"], "usubjid": [S1], "AGE": ["61"], "SEX": [""], "RFICDTC": [dt.date(2022, 5, 1)]}),
        "ex": pl.DataFrame({"USUBJID": [S1], "EXTRT": ["PLACEBO"], "EXDOSE": ["0"], "EXSTDTC": [dt.datetime(2022, 6, 1, 9)]}),
    }  # fmt: skip
    row = one(derive(Study.load("palhep-a"), sdtm, cutoff=dt.date(2024, 1, 1)), "ADSL")
    assert (row["AGE"], row["SEX"], row["RFICDT"], row["TRTSDT"]) == (61, None, day("2022-05-01"), day("2022-06-01"))


def test_every_row_rests_on_sdtm_records_and_says_which() -> None:
    days = [("2022-06-03", "2022-06-30"), ("2022-07-01", "2022-09-01")]
    sdtm = {"DM": [dm(DTHDTC="2023-05-20")], "EX": [{**LENVA, "EXSTDTC": a, "EXENDTC": b} for a, b in days],
            "DD": [{"DDTESTCD": "PRCDTH", "DDSTRESC": "X"}], "CM": [{"CMTRT": "ASPIRIN"}]}  # fmt: skip
    row = one(of_safety("palhep-a", "2024-01-01", **sdtm), "ADSL")
    assert row["_from"] == [0, 1, 2, 3]
    own = [row[f"_from:{v}"] for v in ("TRTSDT", "TRTEDT", "LSTALVDT", "DTHDT", "DTHCAUS", "RFICDT")]
    assert own == [[1], [2], [2], [0], [3], [0]]


@pytest.mark.parametrize("study", ["palhep-a", "neopvtt-b"])
@pytest.mark.parametrize("name", ["ADSL", "ADAE", "ADSURG", "ADEXSUM"])
def test_every_variable_is_described_for_define_xml(study: str, name: str) -> None:
    row = {"EX": [{**LENVA, "EXSTDTC": "2022-06-01"}], "AE": [{"AETERM": "X"}], "PR": [hepatectomy("2022-09-01")]}
    dataset = of_safety(study, "2024-01-01", DM=[dm()], **row)[name]
    assert len({v.name for v in dataset.variables}) == len(dataset.variables)
    assert [c for c in dataset.frame.columns if not c.startswith("_")] == [v.name for v in dataset.variables]
    assert "_from" in dataset.frame.columns
    for variable in dataset.variables:
        assert 0 < len(variable.name) <= 8
        assert 0 < len(variable.label) <= 40, (variable.name, variable.label)
        if variable.origin == "Derived":
            assert variable.method
            assert variable.name in dataset.origin or variable.name == "ASEQ", variable.name
        if variable.origin == "Predecessor":
            assert variable.predecessor
