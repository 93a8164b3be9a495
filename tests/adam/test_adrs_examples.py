"""ADRS through the real path, from small SDTM studies: worked examples of adam-derivations 11 and of the criteria."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

import polars as pl
import pytest
from tumour_kit import Person, answers, derived, with_options, with_parameters

from cdiscx.model.spec import Study

D = dt.date.fromisoformat
RT = ("2023-02-06", "2023-02-17")
DAY0 = D("2023-03-01")


def on(days: int) -> str:
    return (DAY0 + dt.timedelta(days=days)).isoformat()


def durvalumab(*scans: tuple[int, str], **more: Any) -> Person:
    """First durvalumab on 2023-03-01; responses so many days later."""
    names = [(f"UNSCHEDULED 5.{n}", on(days), word) for n, (days, word) in enumerate(scans, start=1)]
    return Person(start="2023-03-01", responses=names, **more)


def week6(study: Study, person: Person) -> tuple[object, object, object]:
    row = answers(study, person)["RSP6W"]
    return row["AVALC"], row["AVALCAT1"], row["ADT"]


def test_ad_ex_08_the_assessment_closest_to_week_6_decides(palhep: Study) -> None:
    person = durvalumab((33, "SD"), (40, "PR"), (48, "SD"))
    assert week6(palhep, person) == ("Y", "RESPONDER", D("2023-04-10"))


def test_ad_ex_09_of_two_assessments_equally_close_the_earlier_decides(palhep: Study) -> None:
    assert week6(palhep, durvalumab((39, "SD"), (45, "PR"))) == ("N", "NON-RESPONDER", D("2023-04-09"))


@pytest.mark.parametrize(("day", "answer"), [(34, "N"), (35, "Y"), (49, "Y"), (50, "N")])
def test_the_week_6_window_is_day_35_to_49_with_both_ends(palhep: Study, day: int, answer: str) -> None:
    found = week6(palhep, durvalumab((day, "PR")))
    assert found[0] == answer
    assert found[1] == ("RESPONDER" if answer == "Y" else "NO ASSESSMENT IN WINDOW")


def test_the_reason_of_a_non_response_at_week_6_is_told(palhep: Study) -> None:
    assert week6(palhep, durvalumab((40, "NE"))) == ("N", "NOT EVALUABLE", D("2023-04-10"))
    assert week6(palhep, durvalumab(death="2023-04-01")) == ("N", "DIED", None)
    assert week6(palhep, durvalumab((20, "PD"), (42, "PR"))) == ("N", "NON-RESPONDER", None)
    assert week6(palhep, durvalumab((36, "PD"), (42, "PR")))[0] == "N"
    # progression is final: who progressed and was not scanned again is no missing value, and died as a non-responder
    assert week6(palhep, durvalumab((20, "PD"), death="2023-04-01")) == ("N", "NON-RESPONDER", None)


def test_the_evaluable_population_of_week_6_leaves_out_who_has_no_baseline_target(palhep: Study) -> None:
    person = durvalumab((42, "PR"))
    assert "RSP6W" in answers(palhep, person)
    assert "RSP6W" not in answers(with_options(palhep, "RSP6W", population_rule="EVALUABLE"), person)


def best(study: Study, *scans: tuple[int, str], **more: Any) -> tuple[str, str]:
    found = answers(study, durvalumab(*scans, **more))
    return found["BOR"]["AVALC"], found["CBOR"]["AVALC"]


@pytest.mark.parametrize(
    ("example", "scans", "expected"),
    [
        ("RX-EX-27", [(28, "SD")], ("NE", "NE")),
        ("RX-EX-28", [(42, "SD"), (91, "PD")], ("SD", "SD")),
        ("RX-EX-29", [(42, "PR"), (91, "PR")], ("PR", "PR")),
        ("RX-EX-30", [(42, "PR"), (91, "PD")], ("PR", "SD")),
        ("RX-EX-31", [(42, "PR"), (63, "PR")], ("PR", "SD")),
        ("RX-EX-32", [(42, "PR"), (91, "SD"), (147, "PR")], ("PR", "PR")),
        ("RX-EX-33", [(42, "PD"), (91, "PR")], ("PD", "PD")),
        ("R11-B-5", [], ("MISSING", "MISSING")),
    ],
)
def test_best_response_examples(
    palhep: Study, example: str, scans: list[tuple[int, str]], expected: tuple[str, str]
) -> None:
    assert best(palhep, *scans) == expected, example


def test_best_response_stops_before_new_therapy_and_before_surgery(palhep: Study) -> None:
    assert best(palhep, (42, "SD"), (91, "PR"), new_therapy=on(91)) == ("SD", "SD")
    assert best(palhep, (42, "SD"), (91, "PR"), new_therapy=on(92)) == ("PR", "SD")
    assert best(palhep, (42, "SD"), (91, "CR"), surgery=on(91)) == ("SD", "SD")
    assert best(palhep, (42, "SD"), (91, "CR"), surgery=on(92)) == ("CR", "SD")


def test_responders_and_disease_control_follow_from_best_response(palhep: Study) -> None:
    found = answers(palhep, durvalumab((42, "PR"), (91, "CR"), (126, "PD")))
    assert (found["RSP"]["AVALC"], found["RSP"]["ADT"]) == ("Y", D(on(42)))
    assert (found["BOR"]["AVALC"], found["BOR"]["ADT"]) == ("CR", D(on(91)))
    assert (found["CRSP"]["AVALC"], found["DCR"]["AVALC"]) == ("Y", "Y")
    none = answers(palhep, durvalumab())
    assert (none["RSP"]["AVALC"], none["CRSP"]["AVALC"], none["DCR"]["AVALC"]) == ("N", "N", "N")
    assert none["BOR"]["AVAL"] == 7


def test_first_progression_last_assessment_and_death_have_a_row_each(palhep: Study) -> None:
    found = answers(palhep, durvalumab((42, "SD"), (91, "NE"), (147, "PD"), (200, "SD"), death=on(300)))
    assert (found["PD"]["AVALC"], found["PD"]["ADT"]) == ("Y", D(on(147)))
    assert (found["LSTA"]["AVALC"], found["LSTA"]["ADT"]) == ("SD", D(on(42)))
    assert (found["DEATH"]["AVALC"], found["DEATH"]["ADT"], found["DEATH"]["SRCVAR"]) == ("Y", D(on(300)), "DTHDT")
    alive = answers(palhep, durvalumab((42, "SD")))
    assert (alive["PD"]["AVALC"], alive["PD"]["ADT"], alive["DEATH"]["AVALC"]) == ("N", None, "N")


def test_analysis_readings_end_at_the_first_progression(palhep: Study) -> None:
    rows = derived(palhep, durvalumab((42, "SD"), (91, "PD"), (147, "SD")))["ADRS"].filter(pl.col("PARAMCD") == "OVR")
    assert rows["ANL01FL"].to_list() == ["Y", "Y", None]


# --- site and derived side by side ----------------------------------------------------------------------------------

SHRUNK = [("SCREENING", "2023-02-20", {"T01": 60, "T02": 30}), ("UNSCHEDULED 5.1", on(42), {"T01": 40, "T02": 20})]


def disagreeing() -> Person:
    """60 of 90 mm are left (RX-EX-01, PR); the site says SD."""
    words = {"TRGRESP": "SD", "NEWLIND": "N"}
    return Person(start="2023-03-01", responses=[("UNSCHEDULED 5.1", on(42), "SD", words)], scans=SHRUNK)


def test_rx_ex_01_the_derived_response_stands_beside_the_sites_and_the_difference_is_flagged(palhep: Study) -> None:
    found = answers(palhep, disagreeing())
    assert (found["OVR"]["AVALC"], found["OVR"]["ANL01FL"], found["OVR"]["DISCFL"]) == ("SD", "Y", None)
    assert (found["DOVR"]["AVALC"], found["DOVR"]["RULEID"]) == ("PR", "R11-O-7")
    assert (found["DOVR"]["DISCFL"], found["DOVR"]["ANL01FL"]) == ("Y", None)
    assert (found["DTRGR"]["AVALC"], found["DTRGR"]["RULEID"], found["DTRGR"]["DISCFL"]) == ("PR", "R11-T-PR-1", "Y")
    assert (found["RSP"]["AVALC"], found["RSP6W"]["AVALC"]) == ("N", "N")


def test_the_source_of_responses_is_a_switch_that_moves_the_flag_and_the_endpoints(palhep: Study) -> None:
    found = answers(with_parameters(palhep, response_source="DERIVED"), disagreeing())
    assert (found["OVR"]["ANL01FL"], found["DOVR"]["ANL01FL"]) == (None, "Y")
    assert (found["RSP"]["AVALC"], found["RSP6W"]["AVALC"]) == ("Y", "Y")


def test_r11_l_2_a_doubtful_lesion_that_turns_out_new_dates_the_progression_at_its_first_sight(palhep: Study) -> None:
    doubtful, certain = {"TUMSTATE": "EQUIVOCAL"}, {"TUMSTATE": "UNEQUIVOCAL"}
    person = Person(
        start="2023-03-01",
        responses=[("UNSCHEDULED 5.1", on(42), "SD"), ("UNSCHEDULED 5.2", on(91), "PD", {"NEWLIND": "Y"})],
        scans=[("SCREENING", "2023-02-20", {"T01": 60}), ("UNSCHEDULED 5.1", on(42), {"T01": 60, "NEW01": doubtful}),
               ("UNSCHEDULED 5.2", on(91), {"T01": 60, "NEW01": certain})],
        lesions={"NEW01": ("LUNG", "N")},
    )  # fmt: skip
    rows = (
        derived(palhep, person)["ADRS"]
        .filter(pl.col("PARAMCD").is_in(["OVR", "DOVR"]))
        .select("PARAMCD", "ADT", "AVALC")
    )
    assert rows.rows() == [
        ("DOVR", D(on(42)), "SD"), ("DOVR", D(on(42)), "PD"), ("OVR", D(on(42)), "SD"), ("OVR", D(on(42)), "PD"),
    ]  # fmt: skip
    for study in (palhep, with_parameters(palhep, response_source="DERIVED")):
        found = answers(study, person)
        assert found["PD"]["ADT"] == D(on(42))
        assert (found["BOR"]["AVALC"], found["RSP6W"]["AVALC"]) == ("SD", "N")  # the response of the first sight stays


def test_r11_l_2_a_partial_response_beside_a_doubtful_lesion_stays_the_best_response(palhep: Study) -> None:
    doubtful, certain = {"TUMSTATE": "EQUIVOCAL"}, {"TUMSTATE": "UNEQUIVOCAL"}
    person = Person(
        start="2023-03-01",
        responses=[("UNSCHEDULED 5.1", on(42), "PR"), ("UNSCHEDULED 5.2", on(91), "PD", {"NEWLIND": "Y"})],
        scans=[("SCREENING", "2023-02-20", {"T01": 60}), ("UNSCHEDULED 5.1", on(42), {"T01": 30, "NEW01": doubtful}),
               ("UNSCHEDULED 5.2", on(91), {"T01": 30, "NEW01": certain})],
        lesions={"NEW01": ("LUNG", "N")},
    )  # fmt: skip
    found = answers(palhep, person)
    assert (found["PD"]["ADT"], found["BOR"]["AVALC"], found["BOR"]["ADT"]) == (D(on(42)), "PR", D(on(42)))


def test_a_progression_after_surgery_that_is_dated_back_to_week_6_is_not_the_assessment_of_week_6(
    palhep: Study,
) -> None:
    doubtful, certain = {"TUMSTATE": "EQUIVOCAL"}, {"TUMSTATE": "UNEQUIVOCAL"}
    person = Person(
        start="2023-03-01", surgery=on(80),
        responses=[("UNSCHEDULED 5.1", on(42), "PR"), ("POST-OP DAY 30", on(110), "PD", {"NEWLIND": "Y"})],
        scans=[("SCREENING", "2023-02-20", {"T01": 60}), ("UNSCHEDULED 5.1", on(42), {"T01": 30, "NEW01": doubtful}),
               ("POST-OP DAY 30", on(110), {"T01": 30, "NEW01": certain})],
        lesions={"NEW01": ("LUNG", "N")},
    )  # fmt: skip
    assert answers(palhep, person)["PD"]["ADT"] == D(on(42))
    assert week6(palhep, person) == ("Y", "RESPONDER", D(on(42)))


def test_r11_c_5_the_parts_of_a_part_count_where_the_part_itself_was_never_read(palhep: Study) -> None:
    parts = {"T01.1": 19, "T01.2.1": 14, "T01.2.2": 14}
    scans = [("SCREENING", "2023-02-20", {"T01": 60}), ("UNSCHEDULED 5.1", on(42), parts)]
    person = Person(start="2023-03-01", responses=[("UNSCHEDULED 5.1", on(42), "SD")], scans=scans)
    assert answers(palhep, person)["DOVR"]["AVALC"] == "SD"


@pytest.mark.parametrize("left", ["T02", "NT01"])
def test_a_post_operative_baseline_without_a_response_is_evaluable_while_a_target_remains(
    palhep: Study, left: str
) -> None:
    """Where only non-target disease is left, the visit has a response of its own, and the site gave none."""
    before: dict[str, Any] = {"T01": 60, "T02": 30, "NT01": "PRESENT"}
    after: dict[str, Any] = {"NT01": "PRESENT"} | ({"T02": 30} if left == "T02" else {})
    person = Person(
        start="2023-03-01", surgery="2023-06-20", resected="T01" if left == "T02" else "T01; T02",
        responses=[("MONTH 3 DECISION", on(91), "SD")],
        scans=[("SCREENING", "2023-02-20", before), ("MONTH 3 DECISION", on(91), before),
               ("POST-OP DAY 30", "2023-07-20", after)],
    )  # fmt: skip
    assert answers(palhep, person)["LSTA"]["ADT"] == D("2023-07-20" if left == "T02" else on(91))


def test_what_the_site_says_of_a_scan_before_the_post_operative_baseline_counts(palhep: Study) -> None:
    person = Person(
        start="2023-03-01",
        surgery="2023-06-20",
        responses=[("MONTH 3 DECISION", on(91), "SD"), ("UNSCHEDULED 9.1", "2023-07-05", "PD")],
        scans=[("SCREENING", "2023-02-20", {"T01": 60, "T02": 30}), ("MONTH 3 DECISION", on(91), {"T01": 60, "T02": 30}),
               ("UNSCHEDULED 9.1", "2023-07-05", {"T02": 31}), ("POST-OP DAY 30", "2023-07-20", {"T02": 31})],
    )  # fmt: skip
    assert answers(palhep, person)["PD"]["ADT"] == D("2023-07-05")


@pytest.mark.parametrize("first", ["UNEQUIVOCAL", "EQUIVOCAL"])
def test_a_new_lesion_before_the_post_operative_baseline_is_a_derived_progression_and_nothing_else_is(
    palhep: Study, first: str
) -> None:
    """Trial A 7: only sums wait for the new baseline; a doubtful lesion that is certain later is dated there."""
    person = Person(
        start="2023-03-01",
        surgery="2023-06-20",
        resected="T01",
        responses=[("MONTH 3 DECISION", on(91), "SD"), ("UNSCHEDULED 9.1", "2023-07-05", "SD")],
        scans=[("SCREENING", "2023-02-20", {"T01": 60, "T02": 30}), ("MONTH 3 DECISION", on(91), {"T01": 60, "T02": 30}),
               ("UNSCHEDULED 9.1", "2023-07-05", {"T02": 99, "NEW01": {"TUMSTATE": first}}),
               ("UNSCHEDULED 9.2", "2023-07-12", {"T02": 99}),
               ("POST-OP DAY 30", "2023-07-20", {"T02": 31, "NEW01": {"TUMSTATE": "UNEQUIVOCAL"}})],
        lesions={"NEW01": ("LUNG", "N")},
    )  # fmt: skip
    rows = derived(palhep, person)["ADRS"].filter(pl.col("PARAMCD") == "DOVR", pl.col("ADT") > D("2023-06-20"))
    said = {r["AVISIT"]: (r["ADT"], r["AVALC"], r["RULEID"]) for r in rows.to_dicts()}
    early = {"UNSCHEDULED 9.1": (D("2023-07-05"), "PD", "R11-O-1")} if first == "UNEQUIVOCAL" else {}
    again = D("2023-07-05" if first == "EQUIVOCAL" else "2023-07-20")
    assert said == {**early, "POST-OP DAY 30": (again, "PD", "R11-O-1")}


def test_a_visit_without_lesions_is_no_post_operative_baseline(palhep: Study) -> None:
    """Trial A 7: no scan on day 30, the first scan takes its place; a response alone, or what is new, is no scan."""
    person = Person(
        start="2023-03-01",
        surgery="2023-06-20",
        resected="T01",
        responses=[("POST-OP DAY 30", "2023-07-20", "NE"), ("TUMOR ASSESSMENT 2", "2023-11-01", "SD")],
        scans=[("SCREENING", "2023-02-20", {"T01": 60, "T02": 30}),
               ("UNSCHEDULED 9.1", "2023-07-05", {"NEW01": {"TUMSTATE": "EQUIVOCAL"}}),
               ("TUMOR ASSESSMENT 1", "2023-09-05", {"T02": 30}), ("TUMOR ASSESSMENT 2", "2023-11-01", {"T02": 31})],
        lesions={"NEW01": ("LUNG", "N")},
    )  # fmt: skip
    rows = derived(palhep, person)["ADRS"].filter(pl.col("ADT") > D("2023-06-20"))
    said = rows.filter(pl.col("PARAMCD").is_in(["DOVR", "POSTBASE"])).select("PARAMCD", "AVISIT", "AVALC").rows()
    assert said == [("DOVR", "TUMOR ASSESSMENT 2", "SD"), ("POSTBASE", "TUMOR ASSESSMENT 1", "Y")]


@pytest.mark.parametrize(("resected", "expected"), [("T01; T02", ["NED", "NED"]), ("T01", ["NE"])])
def test_what_an_operation_left_and_nobody_read_again_is_not_gone(
    palhep: Study, resected: str, expected: list[str]
) -> None:
    person = Person(
        start="2023-03-01",
        surgery="2023-06-20",
        resected=resected,
        responses=[("POST-OP DAY 30", "2023-07-20", "NED"), ("TUMOR ASSESSMENT 1", "2023-09-05", "NED")],
        scans=[("SCREENING", "2023-02-20", {"T01": 60, "T02": 30})],
    )  # fmt: skip
    found = derived(palhep, person)["ADRS"].filter(pl.col("PARAMCD") == "DOVR")
    assert found["AVALC"].to_list() == expected


def test_no_derived_response_is_made_for_a_subject_without_lesion_records(palhep: Study) -> None:
    found = derived(palhep, disagreeing(), Person(id="02", start="2023-03-01", responses=[("WEEK 8", on(56), "SD")]))
    subjects = found["ADRS"].filter(pl.col("PARAMCD") == "DOVR")["SUBJID"].unique().to_list()
    assert subjects == ["01"]


# --- composite ------------------------------------------------------------------------------------------------------

LIVER = {"SD": (60, 60), "PR": (60, 40)}


def composite(
    primary: str, words: Mapping[str, str], baseline: str, flow: str | None = None, day: str = "2023-03-20"
) -> Person:
    scan: dict[str, Any] = {"T01": LIVER[primary]}
    if flow:
        scan["NT01"] = {"TUMSTATE": "PRESENT", "PVFLWIND": flow}
    return Person(
        start="2023-02-06", drug="CAMRELIZUMAB", radiotherapy=RT, pvtt=baseline, lesions={"NT01": ("PORTAL VEIN", "N")},
        responses=[("RESTAGING", day, primary, {"TRGRESP": primary, **words})],
        scans=[("SCREENING", "2023-01-30", {"T01": (60, 60), "NT01": "PRESENT"}), ("RESTAGING", day, scan)],
    )  # fmt: skip


def test_ad_ex_24_the_composite_of_tumour_and_thrombus_makes_responders(neopvtt: Study) -> None:
    downstaged = answers(neopvtt, composite("SD", {"CHENGCLS": "II"}, "III"))
    assert (downstaged["PRIMRSP"]["AVALC"], downstaged["PVTTRSP"]["AVALC"]) == ("SD", "PR")
    assert (downstaged["CRSPB"]["AVALC"], downstaged["CRSPB"]["AVALCAT1"], downstaged["CRSPB"]["ANL02FL"]) == (
        "PR",
        "RESPONDER",
        "Y",
    )
    same = answers(neopvtt, composite("PR", {"CHENGCLS": "II"}, "II", flow="N"))
    assert (same["PRIMRSP"]["AVALC"], same["PVTTRSP"]["AVALC"], same["DPVTTRSP"]["RULEID"]) == ("PR", "SD", "CHP-3")
    assert (same["CRSPB"]["AVALC"], same["CRSPB"]["AVALCAT1"]) == ("PR", "RESPONDER")


@pytest.mark.parametrize(("later", "thrombus", "whole"), [("III", "PD", "PD"), ("II", "SD", "NE"), ("I", "PR", "NE")])
@pytest.mark.parametrize("scanned", [True, False])
def test_without_a_lesion_of_the_primary_tumour_only_a_progression_of_the_thrombus_is_a_composite(
    neopvtt: Study, later: str, thrombus: str, whole: str, scanned: bool
) -> None:
    """No record of the primary tumour is not the same as no disease: it has no response, the matrix reads NE (trial-b 8.7)."""
    scans = [("SCREENING", "2023-01-30", {"NT01": "PRESENT"}), ("RESTAGING", "2023-03-20", {"NT01": "PRESENT"})]
    person = Person(
        start="2023-02-06", drug="CAMRELIZUMAB", radiotherapy=RT, pvtt="II", lesions={"NT01": ("PORTAL VEIN", "N")},
        responses=[("RESTAGING", "2023-03-20", "SD", {"CHENGCLS": later})], scans=scans if scanned else [],
    )  # fmt: skip
    other = composite("SD", {"CHENGCLS": "II"}, "II")
    other.id = "02"
    rows = derived(neopvtt, person, other)["ADRS"].filter(pl.col("SUBJID") == "01")
    found = {r["PARAMCD"]: r["AVALC"] for r in rows.to_dicts()}
    assert "DPRIMRSP" not in found
    assert (found["DPVTTRSP"], found["DCRSPB"]) == (thrombus, whole)


def test_a_site_composite_that_contradicts_the_components_is_kept_and_flagged_beside_the_derived_one(
    neopvtt: Study,
) -> None:
    found = answers(neopvtt, composite("SD", {"CHENGCLS": "II", "PVTTRESP": "SD", "COMPOSITE": "SD"}, "III"))
    assert (found["CRSPB"]["AVALC"], found["CRSPB"]["AVALCAT1"]) == ("SD", "NON-RESPONDER")
    assert (found["DCRSPB"]["AVALC"], found["DCRSPB"]["DISCFL"], found["DCRSPB"]["ANL02FL"]) == ("PR", "Y", None)
    derived_ = answers(
        with_parameters(neopvtt, response_source="DERIVED"),
        composite("SD", {"CHENGCLS": "II", "COMPOSITE": "SD"}, "III"),
    )
    assert (derived_["DCRSPB"]["AVALCAT1"], derived_["DCRSPB"]["ANL02FL"]) == ("RESPONDER", "Y")


@pytest.mark.parametrize(("day", "visit"), [("2023-05-08", "RESTAGING"), ("2023-05-09", None)])
def test_the_composite_is_read_up_to_91_days_after_the_start(neopvtt: Study, day: str, visit: str | None) -> None:
    row = answers(neopvtt, composite("PR", {"CHENGCLS": "I"}, "II", day=day))["CRSPB"]
    rows = derived(neopvtt, composite("PR", {"CHENGCLS": "I"}, "II", day=day))["ADRS"]
    counted = rows.filter(pl.col("PARAMCD") == "CRSPB", pl.col("ANL02FL") == "Y")
    assert (counted["AVISIT"][0], counted.height) == (visit, 1)
    assert row["PARAM"] == "Composite Response of Primary Liver Tumour and PVTT"
    assert counted["AVALCAT1"][0] == ("RESPONDER" if visit else "NO ASSESSMENT IN WINDOW")


# --- resection ------------------------------------------------------------------------------------------------------


def test_r0_mpr_and_pcr_are_answered_for_resected_subjects(neopvtt: Study) -> None:
    person = Person(
        start="2023-02-06", drug="CAMRELIZUMAB", radiotherapy=RT, surgery="2023-05-15", r_status="R0", viable=10.0
    )
    found = answers(neopvtt, person)
    assert [found[c]["AVALC"] for c in ("R0", "MPR", "PCR")] == ["Y", "Y", "N"]
    more = Person(
        start="2023-02-06", drug="CAMRELIZUMAB", radiotherapy=RT, surgery="2023-05-15", r_status="R1", viable=10.5
    )
    assert [answers(neopvtt, more)[c]["AVALC"] for c in ("R0", "MPR", "PCR")] == ["N", "N", "N"]
    assert not {"R0", "MPR", "PCR"} & set(answers(neopvtt, Person(start="2023-02-06", drug="CAMRELIZUMAB")))


@pytest.mark.parametrize(
    ("last", "relapse", "answer"),
    [
        ("2024-02-05", None, "Y"),
        ("2024-02-04", None, None),
        ("2024-02-04", "2024-02-05", "N"),
        ("2024-02-04", "2024-02-06", "Y"),
    ],
)
def test_event_free_at_one_year_turns_on_day_365(
    neopvtt: Study, last: str, relapse: str | None, answer: str | None
) -> None:
    scans = [
        ("RESTAGING", "2023-03-20", "SD"),
        ("TUMOR ASSESSMENT 1", "2023-08-20", "SD"),
        ("TUMOR ASSESSMENT 2", last, "SD"),
    ]
    if relapse:
        scans.append(("TUMOR ASSESSMENT 3", relapse, "PD"))
    person = Person(start="2023-02-06", drug="CAMRELIZUMAB", radiotherapy=RT, responses=scans)
    assert answers(neopvtt, person)["EFS1Y"]["AVALC"] == answer
