"""ADEXSUM: doses given and planned (adam-derivations 8)."""

from __future__ import annotations

from typing import Any

import pytest
from adam_kit import day, dm, hepatectomy, of_safety, one

from cdiscx.adam import Derived

WEIGHT = {"VSTESTCD": "WEIGHT", "VSSTRESN": 70, "VSDTC": "2022-05-30"}


def value(made: Derived, drug: str, code: str) -> float:
    """AVAL of one parameter of one drug."""
    return float(one(made, "ADEXSUM", EXTRT=drug, PARAMCD=code)["AVAL"])


def daily(drug: str, dose: float, start: str, end: str | None, frequency: str = "QD") -> dict[str, Any]:
    """One constant-dose interval."""
    return {"EXTRT": drug, "EXDOSE": dose, "EXDOSU": "mg", "EXDOSFRQ": frequency, "EXSTDTC": start, "EXENDTC": end}


def test_ad_ex_25_relative_dose_intensity_of_a_reduced_and_interrupted_daily_drug() -> None:
    """AD-EX-25: 12 mg for 28 days, 7 days off, 8 mg for 21 days."""
    made = of_safety(
        "palhep-a", "2024-01-01", DM=[dm()], VS=[WEIGHT],
        EX=[daily("LENVATINIB", 12, "2022-06-01", "2022-06-28"), daily("LENVATINIB", 8, "2022-07-06", "2022-07-26")],
    )  # fmt: skip
    assert value(made, "LENVATINIB", "CUMDOSE") == 504
    assert value(made, "LENVATINIB", "PLANDOSE") == 672
    assert value(made, "LENVATINIB", "RDI") == 75
    assert [value(made, "LENVATINIB", c) for c in ("NDOSE", "DUR", "NINT", "NRED")] == [49, 56, 1, 1]
    row = one(made, "ADEXSUM", EXTRT="LENVATINIB", PARAMCD="CUMDOSE")
    assert (row["AVALU"], row["ASTDT"], row["AENDT"]) == ("mg", day("2022-06-01"), day("2022-07-26"))


def test_a_light_subject_is_planned_the_lower_start_dose_and_without_a_weight_there_is_no_plan() -> None:
    ex = [daily("LENVATINIB", 8, "2022-06-01", "2022-06-10")]
    light = of_safety("palhep-a", "2024-01-01", DM=[dm()], VS=[{**WEIGHT, "VSSTRESN": 59.9}], EX=ex)
    assert value(light, "LENVATINIB", "RDI") == 100
    unknown = of_safety("palhep-a", "2024-01-01", DM=[dm()], EX=ex)
    assert set(unknown["ADEXSUM"].frame["PARAMCD"]) == {"NDOSE", "CUMDOSE", "DUR", "NINT", "NRED"}


def test_the_hold_around_the_operation_is_neither_planned_nor_an_interruption() -> None:
    made = of_safety(
        "palhep-a", "2024-01-01", DM=[dm()], VS=[WEIGHT], PR=[hepatectomy("2022-09-20")],
        EX=[daily("LENVATINIB", 12, "2022-06-01", "2022-09-12"), daily("LENVATINIB", 12, "2022-10-10", "2022-10-31")],
    )  # fmt: skip
    assert value(made, "LENVATINIB", "RDI") == 100
    assert value(made, "LENVATINIB", "HOLDDAYS") == 27
    assert value(made, "LENVATINIB", "NINT") == 0


def test_infusions_are_counted_by_their_days_and_planned_by_their_interval() -> None:
    infusion = {"EXTRT": "DURVALUMAB", "EXDOSE": 1500, "EXDOSU": "mg", "EXDOSFRQ": "ONCE"}
    days = ("2022-06-01", "2022-06-29", "2022-08-24")
    made = of_safety(
        "palhep-a", "2024-01-01", DM=[dm()], VS=[WEIGHT], EX=[{**infusion, "EXSTDTC": d, "EXENDTC": d} for d in days]
    )
    assert [value(made, "DURVALUMAB", c) for c in ("NDOSE", "CUMDOSE", "PLANDOSE", "RDI", "NINT")] == [
        3,
        4500,
        6000,
        75,
        1,
    ]


def test_bolus_and_infusion_of_one_day_are_one_administration() -> None:
    part = {
        "EXTRT": "FLUOROURACIL",
        "EXDOSU": "mg/m2",
        "EXDOSFRQ": "ONCE",
        "EXSTDTC": "2022-06-01",
        "EXENDTC": "2022-06-01",
    }
    made = of_safety("palhep-a", "2024-01-01", DM=[dm()], EX=[{**part, "EXDOSE": 400}, {**part, "EXDOSE": 2400}])
    assert [value(made, "FLUOROURACIL", c) for c in ("NDOSE", "CUMDOSE", "RDI", "NRED")] == [1, 2800, 100, 0]


def test_every_other_day_counts_the_first_day_and_each_second_one() -> None:
    made = of_safety(
        "neopvtt-b", "2024-01-01", DM=[dm()], EX=[daily("APATINIB", 250, "2022-06-01", "2022-06-07", "QOD")]
    )
    assert [value(made, "APATINIB", c) for c in ("NDOSE", "CUMDOSE")] == [4, 1000]


@pytest.mark.parametrize("how", ["course", "fractions"])
def test_radiotherapy_is_summed_over_fractions_or_taken_from_the_course(how: str) -> None:
    course = {"PRTRT": "IMRT", "PRCAT": "RADIOTHERAPY", "PRDOSU": "Gy", "PRDOSE": 3}
    if how == "course":
        keyed = {"RDOMAIN": "PR", "IDVAR": "PRSEQ", "IDVARVAL": "1"}
        supp = [{**keyed, "QNAM": "PRDOSTOT", "QVAL": "30"}, {**keyed, "QNAM": "PRNFRAC", "QVAL": "10"}]
        summary = {k: v for k, v in course.items() if k not in ("PRDOSE", "PRDOSU")}
        supp.append({**keyed, "QNAM": "PRTOTU", "QVAL": "Gy"})
        domains = {"PR": [{**summary, "PRSTDTC": "2023-02-06", "PRENDTC": "2023-02-17"}], "SUPPPR": supp}
    else:
        days = [f"2023-02-{d:02}" for d in (6, 7, 8, 9, 10, 13, 14, 15, 16, 17)]
        domains = {"PR": [{**course, "PRSTDTC": d} for d in days]}
    made = of_safety("neopvtt-b", "2024-01-01", DM=[dm()], **domains)
    assert [value(made, "IMRT", c) for c in ("RTTOT", "RTFX", "RTDAYS")] == [30, 10, 12]


def test_a_drug_that_the_study_does_not_plan_has_no_plan() -> None:
    made = of_safety("palhep-a", "2024-01-01", DM=[dm()], EX=[daily("XANOMELINE", 54, "2022-06-01", "2022-06-10")])
    assert value(made, "XANOMELINE", "CUMDOSE") == 540
    assert "RDI" not in set(made["ADEXSUM"].frame["PARAMCD"])


def test_no_exposure_at_all_means_no_adexsum_and_says_why() -> None:
    made = of_safety("palhep-a", "2024-01-01", DM=[dm()])
    assert made.reasons["ADEXSUM"] == "there is neither an EX nor a PR domain"
