"""ADSURG: surgical safety, R status and pathology (trial B 8.5, 8.6, 8.8; adam-derivations 8)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from adam_kit import S1, day, dm, entered, hepatectomy, of_safety, one

from cdiscx.adam import Derived
from cdiscx.model.spec import Study

APATINIB = {"EXTRT": "APATINIB", "EXDOSE": 250, "EXSTDTC": "2023-02-06", "EXENDTC": "2023-05-05"}
STAY = {"HODECOD": "HOSPITAL STAY", "HOCAT": "INDEX SURGERY", "HOSTDTC": "2023-05-13", "HOENDTC": "2023-05-27"}
AGAIN = {"HODECOD": "HOSPITAL STAY", "HOCAT": "READMISSION"}
CONTACT = {"SSTESTCD": "SURVSTAT", "SSSTRESC": "ALIVE", "SSDTC": "2024-01-31"}
STATUS = {"RSTESTCD": "AJCC105", "RSCAT": "AJCC V7"}
VIABLE = {"MITESTCD": "VIABTUM", "MIDTC": "2023-05-15", "MIREFID": "SP1"}


def operated(cutoff: str = "2024-06-01", **changes: Any) -> Derived:
    """Study B: operated on 2023-05-15, discharged 2023-05-27, alive 2024-01-31."""
    domains: dict[str, Any] = {
        "DM": [dm()],
        "DS": [entered("2023-02-01")],
        "EX": [APATINIB],
        "HO": [STAY],
        "SS": [CONTACT],
    }
    return of_safety("neopvtt-b", cutoff, **(domains | {"PR": [hepatectomy("2023-05-15")]} | changes))


def answer(made: Derived, code: str) -> tuple[str | None, float | None]:
    """AVALC and AVAL of one parameter of the only subject."""
    row = one(made, "ADSURG", PARAMCD=code)
    return row["AVALC"], row["AVAL"]


def complication(start: str, grade: str, seq: int = 1) -> dict[str, Any]:
    """A surgical complication and its Clavien-Dindo grade."""
    keyed = {"RDOMAIN": "AE", "IDVAR": "AESEQ", "IDVARVAL": str(seq)}
    return {
        "AE": {"AETERM": "Bile leak", "AEDECOD": "Bile leak", "AESTDTC": start},
        "SUPPAE": [{**keyed, "QNAM": "AESURGFL", "QVAL": "Y"}, {**keyed, "QNAM": "AECDGR", "QVAL": grade}],
    }


def test_ad_ex_16_r0_of_the_resected_and_of_the_treated() -> None:
    """AD-EX-16: 35 treated, 28 resected: 25 R0, 2 R1, 1 missing."""
    people = [f"P-{i:02}" for i in range(35)]
    made = of_safety(
        "neopvtt-b", "2024-06-01",
        DM=[dm(p) for p in people],
        DS=[entered("2023-02-01", p) for p in people],
        EX=[{"USUBJID": p, **APATINIB} for p in people],
        PR=[hepatectomy("2023-05-15", p) for p in people[:28]],
        RS=[{"USUBJID": p, **STATUS, "RSSTRESC": "R0" if i < 25 else "R1"} for i, p in enumerate(people[:27])],
    )  # fmt: skip
    rows = made["ADSURG"].frame
    r0 = rows.filter(rows["PARAMCD"] == "R0")
    assert (r0.height, (r0["AVALC"] == "Y").sum(), r0["AVAL"].sum()) == (28, 25, 25)
    assert made["ADSL"].frame["FASFL"].to_list() == ["Y"] * 35
    assert r0["AVALCAT1"].drop_nulls().to_list() == ["STATUS MISSING"]


@pytest.mark.parametrize(
    ("death", "expected"), [("2023-06-14", ("Y", 1)), ("2023-06-15", ("N", 0)), ("2023-05-15", ("Y", 1))]
)
def test_ad_ex_17_death_within_30_days_of_surgery_inclusive(death: str, expected: tuple[str, float]) -> None:
    """AD-EX-17."""
    made = operated(DM=[dm(DTHDTC=death, DTHFL="Y")], SS=[])
    assert answer(made, "MORT30") == expected


@pytest.mark.parametrize(("contact", "expected"), [("2023-06-14", ("N", 0)), ("2023-06-13", (None, None))])
def test_a_subject_without_news_at_day_30_is_neither_dead_nor_alive(contact: str, expected: tuple[Any, Any]) -> None:
    assert answer(operated(SS=[{**CONTACT, "SSDTC": contact}]), "MORT30") == expected


def test_a_death_after_the_cutoff_is_no_post_operative_death() -> None:
    made = operated("2023-06-13", DM=[dm(DTHDTC="2023-06-14", DTHFL="Y")], SS=[])
    assert answer(made, "MORT30") == (None, None)


@pytest.mark.parametrize(
    ("again", "expected"), [("2023-06-20", "Y"), ("2023-06-26", "Y"), ("2023-06-28", "N"), ("2023-05-27", "N")]
)
def test_ad_ex_18_length_of_stay_and_readmission_within_30_days(again: str, expected: str) -> None:
    """AD-EX-18."""
    made = operated(HO=[STAY, {**AGAIN, "HOSTDTC": again}])
    assert answer(made, "LOS") == (None, 12)
    assert answer(made, "READM")[0] == expected


def test_readmission_may_be_counted_from_the_operation(tmp_path: Path) -> None:
    file = tmp_path / "copy.yaml"
    file.write_text("id: copy\nstudyid: COPY\ntitle: Copy\nparameters: {readmission_from: SURGERY, complication_days: 90}\n"
                    "endpoints:\n  READM: {kind: proportion, label: Readmission, population: RESFL}\n"
                    "analysis:\n  surgery:\n    - {of: PR, where: {PRCAT: [SURGERY]}}\n", encoding="utf-8")  # fmt: skip
    study = str(file)
    assert Study.load(study).p("readmission_from") == "SURGERY"
    for again, expected in (("2023-08-13", "Y"), ("2023-08-14", "N")):
        made = of_safety(
            study, "2024-06-01", DM=[dm()], PR=[hepatectomy("2023-05-15")], HO=[STAY, {**AGAIN, "HOSTDTC": again}]
        )
        assert answer(made, "READM")[0] == expected
        assert set(made["ADSURG"].frame["PARAMCD"]) == {"READM", "SURGINT"}


def test_a_subject_who_died_in_hospital_stayed_until_death_and_cannot_be_readmitted() -> None:
    made = operated(DM=[dm(DTHDTC="2023-05-20", DTHFL="Y")], HO=[{**STAY, "HOENDTC": None}], SS=[])
    row = one(made, "ADSURG", PARAMCD="LOS")
    assert (row["AVAL"], row["AVALCAT1"], row["ADT"]) == (5, "DIED IN HOSPITAL", day("2023-05-20"))
    assert answer(made, "READM") == (None, None)


def test_a_subject_still_in_hospital_has_no_length_of_stay_yet() -> None:
    made = operated("2023-05-20", SS=[])
    assert answer(made, "LOS") == (None, None)


@pytest.mark.parametrize(
    ("start", "grade", "any_", "major", "highest"),
    [
        ("2023-05-15", "II", "Y", "N", ("II", 2)),
        ("2023-08-13", "IIIa", "Y", "Y", ("IIIa", 3)),
        ("2023-08-14", "IVa", "N", "N", ("NONE", 0)),
        ("2023-05-14", "V", "N", "N", ("NONE", 0)),
    ],
)
def test_complications_count_from_the_operation_for_90_days(
    start: str, grade: str, any_: str, major: str, highest: tuple[str, float]
) -> None:
    event = complication(start, grade)
    made = operated(AE=[event["AE"]], SUPPAE=event["SUPPAE"])
    assert (answer(made, "COMPANY")[0], answer(made, "COMPMAJ")[0]) == (any_, major)
    assert answer(made, "CDGRMAX") == highest


def test_the_highest_of_several_grades_counts_and_points_to_its_event() -> None:
    events = [
        complication("2023-05-20", "II", 1),
        complication("2023-06-20", "IIIb", 2),
        complication("2023-06-25", "I", 3),
    ]
    made = operated(AE=[e["AE"] for e in events], SUPPAE=[s for e in events for s in e["SUPPAE"]])
    row = one(made, "ADSURG", PARAMCD="CDGRMAX")
    assert (row["AVALC"], row["SRCDOM"], row["SRCVAR"], row["SRCSEQ"]) == ("IIIb", "ADAE", "AECDGR", 2)
    assert one(made, "ADSURG", PARAMCD="COMPANY")["ADT"] == day("2023-05-20")


def test_without_adverse_events_at_all_complications_are_unknown() -> None:
    assert answer(operated(), "COMPANY") == (None, None)
    assert answer(operated(AE=[{"AETERM": "Rash", "AESTDTC": "2023-03-01"}]), "COMPANY") == ("N", 0)


@pytest.mark.parametrize(
    ("again", "anaesthesia", "expected"),
    [("2023-05-15", "Y", "Y"), ("2023-08-13", "Y", "Y"), ("2023-08-14", "Y", "N"), ("2023-06-01", "N", "N")],
)
def test_a_reoperation_is_under_anaesthesia_and_within_90_days(again: str, anaesthesia: str, expected: str) -> None:
    reop = {"PRTRT": "Reoperation", "PRDECOD": "REOPERATION", "PRCAT": "REOPERATION", "PRSTDTC": again}
    supp = {"RDOMAIN": "PR", "IDVAR": "PRSEQ", "IDVARVAL": "2", "QNAM": "PRANESTH", "QVAL": anaesthesia}
    made = operated(PR=[hepatectomy("2023-05-15"), reop], SUPPPR=[supp])
    assert answer(made, "REOP")[0] == expected


def test_rx_ex_54_the_size_weighted_mean_of_nodules_decides_on_mpr() -> None:
    """RX-EX-54: 60 mm with 5 % viable and 20 mm with 50 % viable: 16.25 %, no MPR."""
    nodules = [("1", 60, 5), ("2", 20, 50)]
    rows = [{**VIABLE, "MISPID": n, "MISTRESN": pct} for n, _, pct in nodules]
    sizes = [{**VIABLE, "MITESTCD": "DIAMETER", "MISPID": n, "MISTRESN": mm} for n, mm, _ in nodules]
    made = operated(MI=[*rows, *sizes])
    assert answer(made, "VIABPCT") == (None, 16.25)
    assert (answer(made, "MPR"), answer(made, "PCR")) == (("N", 0), ("N", 0))
    assert one(made, "ADSL")["PATFL"] == "Y"


@pytest.mark.parametrize(
    ("percent", "mpr", "pcr"), [(0, "Y", "Y"), (10, "Y", "N"), (10.1, "N", "N"), (None, None, None)]
)
def test_ten_percent_viable_is_a_major_response_and_zero_a_complete_one(
    percent: float | None, mpr: str | None, pcr: str | None
) -> None:
    made = operated(MI=[{**VIABLE, "MISPID": "OVERALL", "MISTRESN": percent}])
    assert (answer(made, "MPR")[0], answer(made, "PCR")[0]) == (mpr, pcr)
    assert one(made, "ADSL")["PATFL"] == ("N" if percent is None else "Y")


def test_the_overall_value_wins_over_nodules_but_a_viable_thrombus_is_no_complete_response() -> None:
    made = operated(
        MI=[
            {**VIABLE, "MISPID": "OVERALL", "MISTRESN": 0},
            {**VIABLE, "MISPID": "PVTT", "MISTRESN": 5},
            {**VIABLE, "MISPID": "1", "MISTRESN": 0},
        ]
    )
    assert (answer(made, "VIABPCT")[1], answer(made, "MPR")[0], answer(made, "PCR")[0]) == (0, "Y", "N")


@pytest.mark.parametrize(("second", "mpr"), [(8, "Y"), (50, None)])
def test_nodules_without_sizes_answer_only_where_they_agree(second: float, mpr: str | None) -> None:
    made = operated(MI=[{**VIABLE, "MISPID": "1", "MISTRESN": 5}, {**VIABLE, "MISPID": "2", "MISTRESN": second}])
    assert (answer(made, "VIABPCT")[1], answer(made, "MPR")[0]) == (None, mpr)


def test_a_biopsy_before_treatment_is_not_the_specimen() -> None:
    made = operated(MI=[{**VIABLE, "MIDTC": "2023-01-20", "MISPID": "1", "MISTRESN": 90}])
    assert answer(made, "MPR") == (None, None)


def test_days_from_the_last_dose_before_the_operation() -> None:
    assert answer(operated(), "SURGINT") == (None, 10)
    crossing = operated(EX=[{**APATINIB, "EXENDTC": "2023-06-01"}])
    assert answer(crossing, "SURGINT") == (None, 0)


@pytest.mark.parametrize("study", ["palhep-a", "neopvtt-b"])
def test_subjects_without_operation_have_no_rows_and_parameters_follow_the_endpoints(study: str) -> None:
    made = of_safety(study, "2024-06-01", DM=[dm()], EX=[APATINIB])
    assert made["ADSURG"].frame.is_empty()


def test_a_study_without_surgical_endpoints_has_no_adsurg(tmp_path: Path) -> None:
    file = tmp_path / "plain.yaml"
    file.write_text("id: plain\nstudyid: PLAIN\ntitle: Plain\n", encoding="utf-8")
    made = of_safety(str(file), "2024-06-01", DM=[dm()], PR=[hepatectomy("2023-05-15")])
    assert made.reasons["ADSURG"] == "the study file has no endpoint of the operation"
    assert one(made, "ADSL")["USUBJID"] == S1


def test_an_operation_without_a_date_leaves_its_windows_unknown() -> None:
    made = operated(PR=[hepatectomy(None)], AE=[{"AETERM": "Rash", "AESTDTC": "2023-03-01"}])
    for code in ("MORT30", "COMPANY", "COMPMAJ", "CDGRMAX", "REOP", "LOS", "READM", "SURGINT"):
        assert answer(made, code) == (None, None), code


def test_one_record_a_subject_and_parameter_with_source_and_value_level_metadata() -> None:
    made = operated()["ADSURG"]
    assert made.frame.select("USUBJID", "PARAMCD").is_unique().all()
    assert made.frame["SRCDOM"].null_count() == made.frame["SRCVAR"].null_count() == 0
    described = {level.where[0][2][0] for level in made.values}
    assert described == set(made.frame["PARAMCD"])
    assert all(len(level.label) <= 40 or level.label for level in made.values)
