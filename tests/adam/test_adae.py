"""ADAE: imputed dates, emergence, causes, phases and first occurrences (adam-derivations 7)."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest
from adam_kit import S1, day, dm, entered, hepatectomy, of_safety, one

from cdiscx.adam import Derived

PT = {"AESOC": "Skin and subcutaneous tissue disorders", "AETOXGR": "1", "AESER": "N"}


def neopvtt(*events: dict[str, Any], cutoff: str = "2024-06-01", **more: Any) -> Derived:
    """Study B: first treatment 2023-02-06, last dose 2023-12-11."""
    domains: dict[str, Any] = {
        "DM": [dm()],
        "DS": [entered("2023-02-01")],
        "EX": [{"EXTRT": "APATINIB", "EXDOSE": 250, "EXSTDTC": "2023-02-06", "EXENDTC": "2023-12-11"}],
        "AE": [{**PT, "AETERM": "Rash", "AEDECOD": "Rash", **event} for event in events],
    }
    return of_safety("neopvtt-b", cutoff, **(domains | more))


def flagged(made: Derived, flag: str) -> list[int]:
    """AESEQ of the records with a flag."""
    return made["ADAE"].frame.filter(pl.col(flag) == "Y")["AESEQ"].sort().to_list()


def test_ad_ex_20_a_start_without_day_in_the_month_of_first_treatment_is_first_treatment() -> None:
    """AD-EX-20."""
    row = one(neopvtt({"AESTDTC": "2023-02"}), "ADAE")
    assert (row["ASTDT"], row["ASTDTF"], row["TRTEMFL"], row["ASTDY"]) == (day("2023-02-06"), "D", "Y", 1)


@pytest.mark.parametrize(("start", "expected"), [("2024-01-10", "Y"), ("2024-01-11", None)])
def test_ad_ex_21_a_non_serious_event_emerges_until_30_days_after_the_last_dose(
    start: str, expected: str | None
) -> None:
    """AD-EX-21."""
    assert one(neopvtt({"AESTDTC": start}), "ADAE")["TRTEMFL"] == expected


@pytest.mark.parametrize(("start", "expected"), [("2024-03-10", "Y"), ("2024-03-11", None)])
@pytest.mark.parametrize("why", ["serious", "immune-mediated"])
def test_a_serious_or_immune_mediated_event_emerges_until_90_days_after_the_last_dose(
    why: str, start: str, expected: str | None
) -> None:
    supp = {"RDOMAIN": "AE", "IDVAR": "AESEQ", "IDVARVAL": "1", "QNAM": "AEIMMFL", "QVAL": "Y"}
    event = {"AESTDTC": start, "AESER": "Y" if why == "serious" else "N"}
    more = {} if why == "serious" else {"SUPPAE": [supp]}
    assert one(neopvtt(event, **more), "ADAE")["TRTEMFL"] == expected


@pytest.mark.parametrize(("start", "expected"), [("2024-04-29", "Y"), ("2024-04-30", None)])
def test_a_surgical_complication_emerges_until_90_days_after_the_operation(start: str, expected: str | None) -> None:
    supp = {"RDOMAIN": "AE", "IDVAR": "AESEQ", "IDVARVAL": "1", "QNAM": "AESURGFL", "QVAL": "Y"}
    made = neopvtt({"AESTDTC": start}, SUPPAE=[supp], PR=[hepatectomy("2024-01-30")])
    assert one(made, "ADAE")["TRTEMFL"] == expected


def test_an_event_before_treatment_is_not_emergent_unless_it_is_recorded_again_with_a_higher_grade() -> None:
    made = neopvtt(
        {"AESTDTC": "2023-01-10", "AETOXGR": "1"},
        {"AESTDTC": "2023-01-10", "AETOXGR": "3"},
        {"AESTDTC": "2023-01-20", "AETOXGR": "2"},
        {"AESTDTC": "2023-03-01", "AETOXGR": "2"},
    )
    assert flagged(made, "TRTEMFL") == [2, 4]


def test_ad_ex_27_first_occurrences_and_first_of_the_highest_grade() -> None:
    """AD-EX-27."""
    made = neopvtt(
        {"AESTDTC": "2023-02-10", "AETOXGR": "1"},
        {"AESTDTC": "2023-02-20", "AETOXGR": "3"},
        {"AESTDTC": "2023-03-01", "AETOXGR": "2", "AEDECOD": "Diarrhoea", "AESOC": "Gastrointestinal disorders"},
        {"AESTDTC": "2023-03-05", "AETOXGR": "3"},
    )
    assert flagged(made, "AOCCFL") == [1]
    assert flagged(made, "AOCCPFL") == [1, 3]
    assert flagged(made, "AOCCSFL") == [1, 3]
    assert flagged(made, "AOCCIFL") == [2]
    assert flagged(made, "AOCCPIFL") == [2, 3]
    assert flagged(made, "AOCCSIFL") == [2, 3]


def test_events_that_did_not_emerge_are_no_first_occurrence() -> None:
    made = neopvtt({"AESTDTC": "2023-01-10", "AETOXGR": "5"}, {"AESTDTC": "2023-02-10"})
    assert (flagged(made, "AOCCFL"), flagged(made, "AOCCIFL")) == ([2], [2])


@pytest.mark.parametrize(
    ("start", "end", "expected", "flag"),
    [
        ("2023-04", "2023-05", "2023-04-01", "D"),
        ("2023-02", "2023-02-03", "2023-02-03", "D"),  # not after the collected end
        ("2023", None, "2023-02-06", "M"),
        ("2022", None, "2022-01-01", "M"),
        (None, "2023-05-01", None, None),
    ],
)
def test_partial_starts_are_completed_and_missing_ones_are_not(
    start: str | None, end: str | None, expected: str | None, flag: str | None
) -> None:
    row = one(neopvtt({"AESTDTC": start, "AEENDTC": end}), "ADAE")
    assert (row["ASTDT"], row["ASTDTF"]) == (day(expected) if expected else None, flag)


def test_partial_ends_stop_at_death_and_ends_after_the_cutoff_are_open() -> None:
    dead = {"DM": [dm(DTHDTC="2023-06-20", DTHFL="Y")]}
    row = one(neopvtt({"AESTDTC": "2023-06-01", "AEENDTC": "2023-06"}, **dead), "ADAE")
    assert (row["AENDT"], row["AENDTF"], row["ADURN"]) == (day("2023-06-20"), "D", 20)
    row = one(neopvtt({"AESTDTC": "2023-06-01", "AEENDTC": "2023-07-10"}, cutoff="2023-07-01"), "ADAE")
    assert (row["AENDT"], row["AEENDTC"]) == (None, None)


def test_an_event_after_the_cutoff_is_not_there() -> None:
    made = neopvtt({"AESTDTC": "2023-03-01"}, {"AESTDTC": "2023-07-02"}, cutoff="2023-07-01")
    assert made["ADAE"].frame["AESEQ"].to_list() == [1]


def test_causes_come_from_the_qualifiers_of_each_component_or_from_one_answer_for_all() -> None:
    def qualifier(seq: int, name: str, value: str) -> dict[str, str]:
        return {"RDOMAIN": "AE", "IDVAR": "AESEQ", "IDVARVAL": str(seq), "QNAM": name, "QVAL": value}

    made = neopvtt(
        {"AESTDTC": "2023-03-01", "AEREL": "MULTIPLE", "AEACN": "MULTIPLE"},
        {"AESTDTC": "2023-03-02", "AEREL": "N"},
        {"AESTDTC": "2023-03-03", "AEREL": "POSSIBLE", "AEACN": "DRUG WITHDRAWN"},
        {"AESTDTC": "2023-03-04"},
        SUPPAE=[
            qualifier(1, "AERELCAM", "Y"),
            qualifier(1, "AERELAPA", "N"),
            qualifier(1, "AEACNCAM", "DRUG WITHDRAWN"),
        ],
    )
    rows = made["ADAE"].frame.select("AREL", "ARELCAM", "ARELAPA", "ARELRT", "WITHDFL").rows()
    assert rows == [
        ("Y", "Y", "N", None, "Y"), ("N", "N", "N", "N", None), ("Y", "Y", "Y", "Y", "Y"), (None, None, None, None, None),
    ]  # fmt: skip
    assert "ARELDUR" not in made["ADAE"].frame.columns
    assert made["ADAE"].frame["_from"].list.len().to_list() == [4, 1, 1, 1]


def test_a_missing_grade_stays_missing_and_counts_as_3_only_in_the_sensitivity() -> None:
    made = neopvtt(
        {"AESTDTC": "2023-03-01", "AETOXGR": None, "AEREL": "Y"},
        {"AESTDTC": "2023-03-02", "AETOXGR": None, "AEREL": "N"},
    )
    assert made["ADAE"].frame.select("ATOXGR", "ATOXGRN", "ATOXSGRN").rows() == [(None, None, 3), (None, None, None)]


def test_phases_turn_at_treatment_operation_and_90_days_after() -> None:
    made = neopvtt(
        *({"AESTDTC": d} for d in ("2023-02-05", "2023-05-14", "2023-05-15", "2023-08-13", "2023-08-14")),
        PR=[hepatectomy("2023-05-15")],
    )
    assert made["ADAE"].frame["APHASE"].to_list() == [
        "PRE-TREATMENT", "NEOADJUVANT", "POST-OPERATIVE", "POST-OPERATIVE", "LATER",
    ]  # fmt: skip


def test_no_ae_domain_means_no_adae_and_says_why() -> None:
    made = of_safety("palhep-a", "2024-01-01", DM=[dm()])
    assert "ADAE" not in made
    assert made.reasons["ADAE"] == "there is no AE domain"


def test_an_ae_domain_without_rows_or_most_variables_gives_an_adae() -> None:
    assert neopvtt()["ADAE"].frame.is_empty()
    row = one(of_safety("palhep-a", "2024-01-01", DM=[dm()], AE=[{"AETERM": "Rash"}]), "ADAE")
    assert (row["USUBJID"], row["ASTDT"], row["TRTEMFL"], row["AOCCFL"], row["ASEQ"]) == (S1, None, None, None, 1)


def test_ad_ex_28_relative_days_have_no_day_0() -> None:
    """AD-EX-28."""
    days = {"2023-02-06": 1, "2023-02-05": -1, "2023-01-30": -7, "2023-03-20": 43}
    frame = neopvtt(*({"AESTDTC": d} for d in days))["ADAE"].frame
    assert dict(zip(frame["AESTDTC"], frame["ASTDY"], strict=True)) == days


def test_events_of_subjects_who_are_not_in_dm_are_left_out() -> None:
    made = neopvtt({"AESTDTC": "2023-03-01"}, {"AESTDTC": "2023-03-01", "USUBJID": "NOBODY"})
    assert made["ADAE"].frame["USUBJID"].to_list() == [S1]
