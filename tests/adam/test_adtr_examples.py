"""ADTR through the real path, from small SDTM studies: AD-EX-22 and the arithmetic of the criteria."""

from __future__ import annotations

import datetime as dt
from typing import Any

import polars as pl
import pytest
from tumour_kit import Person, derived, with_parameters

from cdiscx.model.spec import Study

D = dt.date.fromisoformat
DAY0 = D("2023-03-01")
RT = ("2023-02-06", "2023-02-17")


def on(days: int) -> str:
    return (DAY0 + dt.timedelta(days=days)).isoformat()


def measured(*scans: dict[str, Any], **more: Any) -> Person:
    """Lesion readings, the first at baseline, then every 42 days."""
    names = ["SCREENING", *(f"UNSCHEDULED 5.{n}" for n in range(1, len(scans)))]
    days = ["2023-02-20", *(on(42 * n) for n in range(1, len(scans)))]
    return Person(start="2023-03-01", scans=list(zip(names, days, scans, strict=True)), **more)


def parameter(study: Study, person: Person, code: str) -> pl.DataFrame:
    return derived(study, person)["ADTR"].filter(pl.col("PARAMCD") == code)


def test_ad_ex_22_sums_changes_and_nadir_of_two_targets(palhep: Study) -> None:
    person = measured(*({"T01": a, "T02": b} for a, b in ((52, 32), (40, 24), (34, 18), (38, 20), (46, 22))))
    rows = parameter(palhep, person, "SUMDIAM")
    assert rows["AVAL"].to_list() == [84, 64, 52, 58, 68]
    assert rows["CHG"].to_list() == [None, -20, -32, -26, -16]
    assert rows["PCHG"].round(2).to_list() == [None, -23.81, -38.10, -30.95, -19.05]
    assert rows["NADIR"].to_list() == [None, 84, 64, 52, 52]
    assert rows["CHGNAD"].to_list() == [None, -20, -12, 6, 16]
    assert rows["PCHGNAD"].round(2).to_list() == [None, -23.81, -18.75, 11.54, 30.77]
    assert rows["ABLFL"].to_list() == ["Y", None, None, None, None]
    assert rows["CRIT1FL"].to_list() == [None, None, "Y", "Y", None]
    assert rows["CRIT2FL"].to_list() == [None, None, None, None, "Y"]
    responses = derived(palhep, person)["ADRS"].filter(pl.col("PARAMCD") == "DTRGR")["AVALC"].to_list()
    assert responses == ["SD", "PR", "PR", "PD"]


def test_ad_ex_22_the_best_change_is_the_smallest_up_to_the_first_progression(palhep: Study) -> None:
    scans = [{"T01": v} for v in (84, 64, 52, 68, 20)]
    words = [(f"UNSCHEDULED 5.{n}", on(42 * n), r) for n, r in ((1, "SD"), (2, "PR"), (3, "PD"), (4, "PR"))]
    row = parameter(palhep, measured(*scans, responses=words), "BPCHG")
    assert row["AVAL"].round(2).to_list() == [-38.10]
    assert row["ADT"].to_list() == [D(on(84))]
    operated = parameter(palhep, measured(*scans, responses=words, surgery=on(84)), "BPCHG")
    assert operated["AVAL"].round(2).to_list() == [-23.81]
    treated = parameter(palhep, measured(*scans, responses=words, new_therapy=on(83)), "BPCHG")
    assert treated["AVAL"].round(2).to_list() == [-23.81]


def test_rx_ex_02_and_03_the_limit_of_30_percent_is_decided_exactly(palhep: Study) -> None:
    at = parameter(palhep, measured({"T01": 100}, {"T01": 70}), "SUMDIAM")
    assert at["CRIT1FL"].to_list() == [None, "Y"]
    above = parameter(palhep, measured({"T01": 100}, {"T01": 70.4}), "SUMDIAM")
    assert (above["CRIT1FL"].to_list(), above["CRIT1"][1]) == ([None, None], "PCHG <= -30")


def test_rx_ex_05_a_rise_of_less_than_5_mm_is_no_progression_of_the_sum(palhep: Study) -> None:
    rows = parameter(palhep, measured({"T01": 50}, {"T01": 20}, {"T01": 24.5}), "SUMDIAM")
    assert (rows["PCHGNAD"][2], rows["CRIT2FL"][2], rows["CRIT2"][2]) == (22.5, None, "PCHGNAD >= 20 and CHGNAD >= 5")


def test_rx_ex_11_a_missing_target_leaves_the_sum_open_and_the_measured_part_beside_it(palhep: Study) -> None:
    rows = parameter(palhep, measured({"T01": 50, "T02": 30}, {"T01": "-", "T02": 41}), "SUMDIAM")
    assert rows.select("AVAL", "PSUM", "ANL01FL").rows() == [(80, None, "Y"), (None, 41, None)]
    counted = parameter(palhep, measured({"T01": 50, "T02": 30}, {"T01": "-", "T02": 41}), "NTGT")
    assert counted["AVAL"].to_list() == [2, 1]


def test_rx_ex_10_too_small_to_measure_counts_5_mm(palhep: Study) -> None:
    rows = parameter(palhep, measured({"T01": 40, "T02": 15}, {"T01": 25, "T02": "TS"}), "SUMDIAM")
    assert rows["AVAL"].to_list() == [55, 30]


def test_rx_ex_13_a_nadir_of_zero_has_no_percent_change(palhep: Study) -> None:
    rows = parameter(palhep, measured({"T01": 30}, {"T01": "A"}, {"T01": 6}), "SUMDIAM")
    assert rows.select("NADIR", "CHGNAD", "PCHGNAD").row(2) == (0, 6, None)


def test_every_lesion_has_its_own_parameter_with_its_own_baseline(palhep: Study) -> None:
    person = measured({"T01": 50, "T03": 22}, {"T01": 40, "T03": 9}, lesions={"T03": ("LYMPH NODE", "Y")})
    rows = derived(palhep, person)["ADTR"].filter(pl.col("PARCAT1") == "LESION")
    assert rows.select("PARAMCD", "TRLNKID", "AVAL", "BASE", "CHG").rows() == [
        ("LD01", "T01", 50, 50, None), ("LD01", "T01", 40, 50, -10),
        ("SA03", "T03", 22, 22, None), ("SA03", "T03", 9, 22, -13),
    ]  # fmt: skip
    assert rows["SRCSEQ"].null_count() == 0


def test_rx_ex_15_parts_of_a_split_lesion_count_on_after_the_lesions(palhep: Study) -> None:
    person = measured({"T01": 30, "T04": 40}, {"T01": 20, "T04.1": 18, "T04.2": 15})
    assert parameter(palhep, person, "SUMDIAM")["AVAL"].to_list() == [70, 53]
    codes = derived(palhep, person)["ADTR"].filter(pl.col("PARCAT1") == "LESION").select("PARAMCD", "TRLNKID").unique()
    assert sorted(codes.rows()) == [("LD01", "T01"), ("LD04", "T04"), ("LD05", "T04.1"), ("LD06", "T04.2")]


def test_rx_ex_34_viable_and_plain_sums_stand_beside_each_other(neopvtt: Study) -> None:
    person = Person(
        start="2023-02-06", drug="CAMRELIZUMAB", radiotherapy=RT,
        scans=[("SCREENING", "2023-01-30", {"T01": (60, 60)}), ("RESTAGING", "2023-03-20", {"T01": (58, 20)})],
    )  # fmt: skip
    plain, viable = (parameter(neopvtt, person, c) for c in ("SUMDIAM", "SUMVDIA"))
    assert (plain["AVAL"].to_list(), round(plain["PCHG"][1], 2)) == ([60, 58], -3.33)
    assert (viable["AVAL"].to_list(), round(viable["PCHG"][1], 2)) == ([60, 20], -66.67)
    assert (viable["CRIT2"][1], plain["CRIT2"][1]) == ("PCHGNAD >= 20 and CHGNAD > 0", "PCHGNAD >= 20 and CHGNAD >= 5")
    assert parameter(neopvtt, person, "BPCHG")["AVAL"].round(2).to_list() == [-66.67]


def test_after_surgery_the_remaining_lesions_have_a_baseline_of_their_own(palhep: Study) -> None:
    person = Person(
        start="2023-03-01", surgery="2023-06-10", resected="T01",
        scans=[("SCREENING", "2023-02-20", {"T01": 60, "T02": 30}), ("MONTH 3 DECISION", "2023-05-31", {"T01": 55, "T02": 30}),
               ("POST-OP DAY 30", "2023-07-10", {"T01": "-", "T02": 24}), ("TUMOR ASSESSMENT 1", "2023-09-04", {"T02": 30})],
    )  # fmt: skip
    rows = parameter(palhep, person, "SUMDIAM").select("BASETYPE", "AVAL", "BASE", "NADIR", "CHG", "ABLFL")
    assert rows.rows() == [
        ("PRE-TREATMENT", 90, 90, None, None, "Y"), ("PRE-TREATMENT", 85, 90, 90, -5, None),
        ("POST-OPERATIVE", 24, 24, None, None, "Y"), ("POST-OPERATIVE", 30, 24, 24, 6, None),
    ]  # fmt: skip


def test_a_time_point_is_dated_by_its_first_scan_for_progression_and_its_last_otherwise(palhep: Study) -> None:
    def two_days(word: str) -> Person:
        return Person(
            start="2023-03-01", responses=[("WEEK 8", on(56), word)],
            scans=[("SCREENING", "2023-02-20", {"T01": 60, "T02": 30}), ("WEEK 8", on(54), {"T01": 60}), ("WEEK 8", on(57), {"T02": 30})],
        )  # fmt: skip

    assert parameter(palhep, two_days("SD"), "SUMDIAM")["ADT"][1] == D(on(57))
    assert parameter(palhep, two_days("PD"), "SUMDIAM")["ADT"][1] == D(on(54))
    derived_ = with_parameters(palhep, response_source="DERIVED")
    assert parameter(derived_, two_days("PD"), "SUMDIAM")["ADT"][1] == D(on(57))


@pytest.mark.parametrize(("site", "difference"), [(84.0, 0.0), (80.0, 4.0)])
def test_the_sites_own_sum_stands_beside_the_derived_one(palhep: Study, site: float, difference: float) -> None:
    from tumour_kit import CUTOFF, sdtm, uid

    from cdiscx.adam import derive

    frames = sdtm(palhep, measured({"T01": 52, "T02": 32}, {"T01": 52, "T02": 32}))
    own = frames["TR"].filter(pl.col("VISIT") == "UNSCHEDULED 5.1").head(1)
    told = own.with_columns(
        TRLNKID=pl.lit(None, dtype=pl.String), TRTESTCD=pl.lit("SUMDIAM"), TRSTRESN=pl.lit(site), TRSEQ=pl.lit(99, dtype=pl.Int64),
        _id=pl.lit(9_999, dtype=pl.UInt32),
    )  # fmt: skip
    frames["TR"] = pl.concat([frames["TR"], told])
    rows = derive(palhep, frames, cutoff=CUTOFF)["ADTR"].frame.filter(
        pl.col("PARAMCD") == "SUMDIAM", pl.col("USUBJID") == uid("01")
    )
    assert rows.select("AVAL", "AVALSITE", "SITEDIFF").rows() == [(84, None, None), (84, site, difference)]
