"""ADTTE through the real path, from small SDTM studies: the worked examples of adam-derivations 11."""

from __future__ import annotations

import datetime as dt

import polars as pl
import pytest
from tumour_kit import Person, answers, derived, sdtm, times, with_options, with_parameters

from cdiscx.model.spec import Study

D = dt.date.fromisoformat
RT = ("2023-02-06", "2023-02-17")


def event(row: dict[str, object]) -> tuple[object, ...]:
    return row["CNSR"], row["ADT"], row["AVAL"]


def test_ad_ex_01_survival_from_diagnosis_and_from_enrolment(palhep: Study) -> None:
    person = Person(diagnosis="2022-01-10", enrol="2022-06-01", start="2022-06-01", death="2023-05-20")
    found = times(palhep, person)
    assert event(found["OS"]) == (0, D("2023-05-20"), 496)
    assert found["OS"]["AVALM"] == pytest.approx(16.2957, abs=5e-5)
    assert found["OSENR"]["AVAL"] == 354
    assert found["OSENR"]["AVALM"] == pytest.approx(11.6304, abs=5e-5)
    assert (found["OSENR"]["STARTDT"] - found["OS"]["STARTDT"]).days == 142
    assert (found["OS"]["EVNTDESC"], found["OS"]["SRCDOM"], found["OS"]["SRCVAR"]) == ("DEATH", "ADSL", "DTHDT")


def test_ad_ex_02_survival_of_the_living_starts_at_an_imputed_diagnosis(palhep: Study) -> None:
    person = Person(diagnosis="2022-03", enrol="2022-06-01", start="2022-06-01", alive="2024-01-31")
    row = times(palhep, person)["OS"]
    assert (row["STARTDT"], row["STARTDTF"]) == (D("2022-03-15"), "D")
    assert event(row) == (1, D("2024-01-31"), 688)
    assert row["AVALM"] == pytest.approx(22.6037, abs=5e-5)
    assert (row["CNSDTDSC"], row["SRCVAR"]) == ("LAST KNOWN ALIVE", "LSTALVDT")


def test_ad_ex_03_progression_before_death_is_the_event(palhep: Study) -> None:
    person = Person(
        enrol="2022-06-01", start="2022-06-01", death="2023-05-20",
        responses=[("TUMOR ASSESSMENT 1", "2022-09-20", "SD"), ("TUMOR ASSESSMENT 2", "2022-11-16", "PD")],
    )  # fmt: skip
    row = times(palhep, person)["PFS"]
    assert event(row) == (0, D("2022-11-16"), 169)
    assert row["AVALM"] == pytest.approx(5.5524, abs=5e-5)
    assert (row["EVNTDESC"], row["CNSDTDSC"], row["SRCDOM"], row["SRCVAR"]) == (
        "DISEASE PROGRESSION",
        None,
        "ADRS",
        "ADT",
    )


def test_ad_ex_04_no_scan_and_alive_is_censored_on_the_first_day(palhep: Study) -> None:
    row = times(palhep, Person(enrol="2022-06-01", start="2022-06-01", alive="2023-06-01"))["PFS"]
    assert event(row) == (2, D("2022-06-01"), 1)
    assert row["AVALM"] == pytest.approx(0.0329, abs=5e-5)
    assert (row["EVNTDESC"], row["CNSDTDSC"], row["SRCVAR"]) == ("NO POST-BASELINE ASSESSMENT", "START DATE", "ENRLDT")


def test_ad_ex_05_new_therapy_before_progression_censors_at_the_last_scan_before_it(palhep: Study) -> None:
    person = Person(
        enrol="2022-06-01", start="2022-06-01", new_therapy="2022-09-10",
        responses=[("MONTH 3 DECISION", "2022-08-24", "SD"), ("TUMOR ASSESSMENT 1", "2022-11-16", "PD")],
    )  # fmt: skip
    row = times(palhep, person)["PFS"]
    assert event(row) == (3, D("2022-08-24"), 85)
    assert row["AVALM"] == pytest.approx(2.7926, abs=5e-5)
    assert row["CNSDTDSC"] == "LAST EVALUABLE TUMOR ASSESSMENT BEFORE NEW THERAPY"


def gap(next_scan: str) -> Person:
    return Person(
        enrol="2022-06-01", start="2022-06-01",
        responses=[("MONTH 3 DECISION", "2022-08-24", "SD"), ("TUMOR ASSESSMENT 3", next_scan, "PD")],
    )  # fmt: skip


def test_ad_ex_06_progression_after_missed_assessments_is_censored_or_an_event_by_the_rule(palhep: Study) -> None:
    censored = times(palhep, gap("2023-01-20"))["PFS"]
    assert event(censored) == (4, D("2022-08-24"), 85)
    assert censored["EVNTDESC"] == "EVENT AFTER MISSED ASSESSMENTS"
    counted = times(with_options(palhep, "PFS", missed_assessment_rule="EVENT"), gap("2023-01-20"))["PFS"]
    assert event(counted) == (0, D("2023-01-20"), 234)
    assert counted["AVALM"] == pytest.approx(7.6879, abs=5e-5)


def test_ad_ex_06_the_gap_limit_of_126_days_is_still_an_event_and_127_is_not(palhep: Study) -> None:
    at = times(palhep, gap("2022-12-28"))["PFS"]
    assert ((D("2022-12-28") - D("2022-08-24")).days, at["CNSR"]) == (126, 0)
    above = times(palhep, gap("2022-12-29"))["PFS"]
    assert event(above) == (4, D("2022-08-24"), 85)


def test_a_death_on_the_day_of_an_evaluable_scan_is_not_after_a_gap(palhep: Study) -> None:
    """CNSR 4 counts from the last evaluable assessment, which is that scan; a progression seen after a gap is censored."""
    scans = [("MONTH 3 DECISION", "2022-08-24", "SD"), ("TUMOR ASSESSMENT 3", "2023-01-20", "SD")]
    person = Person(enrol="2022-06-01", start="2022-06-01", death="2023-01-20", responses=scans)
    assert event(times(palhep, person)["PFS"]) == (0, D("2023-01-20"), 234)
    person.responses = [*scans[:1], ("TUMOR ASSESSMENT 3", "2023-01-20", "NE")]
    assert event(times(palhep, person)["PFS"]) == (4, D("2022-08-24"), 85)


def test_a_post_operative_visit_without_lesions_is_no_evaluable_assessment_of_the_derived_reading(
    palhep: Study,
) -> None:
    said = [("POST-OP DAY 30", "2022-10-20", "NED")]
    person = Person(enrol="2022-06-01", start="2022-06-01", surgery="2022-09-20", responses=said, alive="2023-01-01")
    other = Person(id="02", start="2022-06-01", scans=[("SCREENING", "2022-05-20", {"T01": 60})])
    study = with_parameters(palhep, response_source="DERIVED")
    rows = derived(study, person, other)["ADTTE"].filter(pl.col("SUBJID") == "01", pl.col("PARAMCD") == "PFS")
    assert event(rows.to_dicts()[0]) == (2, D("2022-06-01"), 1)


def test_a_date_of_adsl_brings_the_records_it_rests_on_and_no_others(palhep: Study) -> None:
    dead = Person(id="01", enrol="2022-06-01", start="2022-06-01", death="2023-01-20", diagnosis="2022-01-01")
    alive = Person(id="02", enrol="2022-06-01", start="2022-06-01", alive="2023-01-20", diagnosis="2022-01-01")
    frames = sdtm(palhep, dead, alive)
    made = derived(palhep, dead, alive)["ADTTE"].select("SUBJID", "PARAMCD", "_from")
    which = pl.concat(f.select(_from="_id", domain=pl.lit(n)) for n, f in frames.items())
    told = made.explode("_from").join(which, on="_from").group_by("SUBJID", "PARAMCD").agg(pl.col("domain").unique())
    found = {(s, p): d for s, p, d in told.rows()}
    assert (found["01", "OS"], found["02", "OS"]) == (["DM"], ["SS"])
    assert found["01", "PFS"] == found["02", "PFS"] == ["DS"]  # censored at the start


def test_ad_ex_07_surgery_after_progression_does_not_reset_progression_free_survival(palhep: Study) -> None:
    person = Person(
        enrol="2022-06-01", start="2022-06-01", surgery="2022-09-20",
        responses=[("MONTH 3 DECISION", "2022-09-01", "PD"), ("POST-OP DAY 30", "2022-10-20", "NED"),
                   ("TUMOR ASSESSMENT 1", "2023-03-01", "NED")],
    )  # fmt: skip
    row = times(palhep, person)["PFS"]
    assert event(row) == (0, D("2022-09-01"), 93)
    assert row["AVALM"] == pytest.approx(3.0554, abs=5e-5)


def relapsed() -> Person:
    return Person(
        start="2023-02-06", drug="CAMRELIZUMAB", radiotherapy=RT, surgery="2023-05-15", r_status="R0", alive="2024-05-20",
        responses=[("RESTAGING", "2023-03-20", "SD"), ("POST-OP DAY 30", "2023-06-14", "NED"),
                   ("TUMOR ASSESSMENT 1", "2023-09-05", "NED"), ("TUMOR ASSESSMENT 2", "2023-12-11", "PD")],
    )  # fmt: skip


def test_ad_ex_10_relapse_after_surgery_ends_both_event_free_and_disease_free_survival(neopvtt: Study) -> None:
    found = times(neopvtt, relapsed())
    assert event(found["EFS"]) == (0, D("2023-12-11"), 309)
    assert found["EFS"]["EVNTDESC"] == "RELAPSE AFTER SURGERY"
    assert found["EFS"]["AVALM"] == pytest.approx(10.1520, abs=5e-5)
    assert (found["DFS"]["CNSR"], found["DFS"]["AVAL"]) == (0, 211)
    assert found["DFS"]["AVALM"] == pytest.approx(6.9322, abs=5e-5)
    assert event(found["OS"]) == (1, D("2024-05-20"), 470)
    assert found["OS"]["AVALM"] == pytest.approx(15.4415, abs=5e-5)
    assert answers(neopvtt, relapsed())["EFS1Y"]["AVALC"] == "N"


def test_ad_ex_11_death_within_the_limit_after_the_last_scan_is_an_event_after_one_year(neopvtt: Study) -> None:
    person = Person(
        start="2023-02-06", drug="CAMRELIZUMAB", radiotherapy=RT, death="2024-03-01",
        responses=[("RESTAGING", "2023-03-20", "SD"), ("TUMOR ASSESSMENT 1", "2023-06-12", "SD"),
                   ("TUMOR ASSESSMENT 2", "2023-09-20", "SD"), ("TUMOR ASSESSMENT 3", "2023-12-20", "SD")],
    )  # fmt: skip
    row = times(neopvtt, person)["EFS"]
    assert event(row) == (0, D("2024-03-01"), 390)
    assert row["EVNTDESC"] == "DEATH"
    assert row["AVALM"] == pytest.approx(12.8131, abs=5e-5)
    assert answers(neopvtt, person)["EFS1Y"]["AVALC"] == "Y"


def test_ad_ex_12_the_literal_reading_is_a_parameter_of_its_own_and_never_the_primary_one(neopvtt: Study) -> None:
    person = Person(
        start="2023-02-06", drug="CAMRELIZUMAB", radiotherapy=RT, alive="2023-12-31",
        responses=[("RESTAGING", "2023-03-20", "SD"), ("TUMOR ASSESSMENT 1", "2023-06-12", "SD")],
    )  # fmt: skip
    assert "EFSLIT" not in times(neopvtt, person)
    found = times(with_options(neopvtt, "EFS", last_followup_is="EVENT"), person)
    assert event(found["EFS"]) == (1, D("2023-06-12"), 127)
    assert event(found["EFSLIT"]) == (0, D("2023-06-12"), 127)
    assert found["EFSLIT"]["EVNTDESC"] == "LAST FOLLOW-UP (LITERAL DEFINITION)"
    assert "OSLIT" not in found


def test_ad_ex_23_without_hepatectomy_there_is_no_disease_free_record(neopvtt: Study) -> None:
    person = Person(start="2023-02-06", drug="CAMRELIZUMAB", radiotherapy=RT, alive="2023-12-31")
    assert set(times(neopvtt, person)) == {"EFS", "OS"}


# --- boundaries -----------------------------------------------------------------------------------------------------


def test_progression_and_death_on_one_day_are_progression(palhep: Study) -> None:
    person = Person(
        enrol="2022-06-01", start="2022-06-01", death="2022-09-20", responses=[("MONTH 3 DECISION", "2022-09-20", "PD")]
    )
    row = times(palhep, person)["PFS"]
    assert (row["CNSR"], row["EVNTDESC"], row["SRCDOM"]) == (0, "DISEASE PROGRESSION", "ADRS")


def test_new_therapy_on_the_day_of_progression_leaves_the_event(palhep: Study) -> None:
    same = Person(
        enrol="2022-06-01", start="2022-06-01", new_therapy="2022-11-16",
        responses=[("MONTH 3 DECISION", "2022-08-24", "SD"), ("TUMOR ASSESSMENT 1", "2022-11-16", "PD")],
    )  # fmt: skip
    assert event(times(palhep, same)["PFS"]) == (0, D("2022-11-16"), 169)


def test_an_assessment_on_the_day_new_therapy_starts_still_counts(palhep: Study) -> None:
    person = Person(
        enrol="2022-06-01", start="2022-06-01", new_therapy="2022-10-19", alive="2023-06-01",
        responses=[("MONTH 3 DECISION", "2022-08-24", "SD"), ("TUMOR ASSESSMENT 1", "2022-10-19", "SD")],
    )  # fmt: skip
    assert event(times(palhep, person)["PFS"]) == (3, D("2022-10-19"), 141)


def test_progression_on_the_first_day_of_treatment_is_a_baseline_and_no_event(palhep: Study) -> None:
    person = Person(
        enrol="2022-06-01", start="2022-06-05",
        responses=[("SCREENING", "2022-06-05", "PD"), ("MONTH 3 DECISION", "2022-08-31", "SD")],
    )  # fmt: skip
    row = times(palhep, person)["PFS"]
    assert event(row) == (1, D("2022-08-31"), 92)


def test_events_after_the_cutoff_do_not_exist(palhep: Study) -> None:
    person = Person(
        enrol="2022-06-01", start="2022-06-01", death="2022-12-01", alive="2022-09-30",
        responses=[("MONTH 3 DECISION", "2022-08-24", "SD"), ("TUMOR ASSESSMENT 1", "2022-10-25", "PD")],
    )  # fmt: skip
    found = times(palhep, person, cutoff=D("2022-10-24"))
    assert event(found["PFS"]) == (1, D("2022-08-24"), 85)
    assert (found["OSENR"]["CNSR"], found["OSENR"]["ADT"]) == (1, D("2022-09-30"))
    assert event(times(palhep, person, cutoff=D("2022-10-25"))["PFS"]) == (0, D("2022-10-25"), 147)


@pytest.mark.parametrize(("death", "code"), [("2022-09-21", 0), ("2022-09-22", 2)])
def test_death_without_any_scan_counts_up_to_112_days_after_the_start(palhep: Study, death: str, code: int) -> None:
    row = times(palhep, Person(enrol="2022-06-01", start="2022-06-01", death=death))["PFS"]
    assert ((D(death) - D("2022-06-01")).days, row["CNSR"]) == (112 if code == 0 else 113, code)


@pytest.mark.parametrize(("death", "code"), [("2023-08-21", 0), ("2023-08-22", 2)])
def test_trial_b_waits_196_days_for_a_first_assessment(neopvtt: Study, death: str, code: int) -> None:
    person = Person(start="2023-02-06", drug="CAMRELIZUMAB", radiotherapy=RT, death=death)
    assert times(neopvtt, person)["EFS"]["CNSR"] == code


def test_progression_as_the_first_assessment_after_the_first_limit_is_censored_at_the_start(palhep: Study) -> None:
    late = Person(enrol="2022-06-01", start="2022-06-01", responses=[("TUMOR ASSESSMENT 2", "2022-12-01", "PD")])
    assert event(times(palhep, late)["PFS"]) == (4, D("2022-06-01"), 1)


def test_a_not_evaluable_assessment_is_no_assessment(palhep: Study) -> None:
    person = Person(
        enrol="2022-06-01", start="2022-06-01", alive="2023-01-01",
        responses=[("MONTH 3 DECISION", "2022-08-24", "SD"), ("TUMOR ASSESSMENT 1", "2022-10-19", "NE")],
    )  # fmt: skip
    assert event(times(palhep, person)["PFS"]) == (1, D("2022-08-24"), 85)


def test_the_post_operative_baseline_counts_as_evaluable_without_a_response(neopvtt: Study) -> None:
    person = Person(
        start="2023-02-06", drug="CAMRELIZUMAB", radiotherapy=RT, surgery="2023-05-15", alive="2023-12-31",
        responses=[("RESTAGING", "2023-03-20", "SD")],
        scans=[("SCREENING", "2023-01-30", {"T01": (60, 60), "T02": (30, 30)}),
               ("RESTAGING", "2023-03-20", {"T01": (60, 60), "T02": (30, 30)}),
               ("POST-OP DAY 30", "2023-06-14", {"T02": (30, 30)})],
    )  # fmt: skip
    found = times(neopvtt, person)
    assert event(found["EFS"]) == (1, D("2023-06-14"), 129)
    assert event(found["DFS"]) == (1, D("2023-06-14"), 31)


def test_progression_before_surgery_is_no_disease_free_event_and_relapse_after_it_still_is(neopvtt: Study) -> None:
    person = Person(
        start="2023-02-06", drug="CAMRELIZUMAB", radiotherapy=RT, surgery="2023-05-15", alive="2024-05-20",
        responses=[("RESTAGING", "2023-03-20", "PD"), ("POST-OP DAY 30", "2023-06-14", "NED"),
                   ("TUMOR ASSESSMENT 1", "2023-09-05", "PD")],
    )  # fmt: skip
    found = times(neopvtt, person)
    assert (event(found["EFS"]), found["EFS"]["EVNTDESC"]) == ((0, D("2023-03-20"), 43), "PROGRESSION BEFORE SURGERY")
    assert (event(found["DFS"]), found["DFS"]["EVNTDESC"]) == ((0, D("2023-09-05"), 114), "RELAPSE AFTER SURGERY")


def test_progression_without_surgery_is_named_so(neopvtt: Study) -> None:
    person = Person(
        start="2023-02-06", drug="CAMRELIZUMAB", radiotherapy=RT, responses=[("RESTAGING", "2023-03-20", "PD")]
    )
    assert times(neopvtt, person)["EFS"]["EVNTDESC"] == "PROGRESSION (NO SURGERY)"


def test_residual_tumour_takes_a_subject_out_of_the_disease_free_population_where_the_switch_says_r0(
    neopvtt: Study,
) -> None:
    left = relapsed()
    left.r_status = "R1"
    assert "DFS" in times(neopvtt, left)
    assert "DFS" not in times(with_options(neopvtt, "DFS", population_rule="R0"), left)
    assert "DFS" in times(with_options(neopvtt, "DFS", population_rule="R0_R1"), left)


def test_the_last_follow_up_can_be_the_date_of_censoring(neopvtt: Study) -> None:
    person = Person(
        start="2023-02-06", drug="CAMRELIZUMAB", radiotherapy=RT, alive="2023-12-31",
        responses=[("RESTAGING", "2023-03-20", "SD")],
    )  # fmt: skip
    row = times(with_options(neopvtt, "EFS", censor_date="LAST_FOLLOW_UP"), person)["EFS"]
    assert (row["ADT"], row["CNSDTDSC"], row["SRCVAR"]) == (D("2023-12-31"), "LAST FOLLOW-UP", "LSTALVDT")


def test_composite_progression_is_an_event_only_where_the_switch_says_so(neopvtt: Study) -> None:
    person = Person(
        start="2023-02-06", drug="CAMRELIZUMAB", radiotherapy=RT, alive="2023-12-31", pvtt="II",
        responses=[("RESTAGING", "2023-03-20", "SD", {"CHENGCLS": "III", "PVTTRESP": "PD", "COMPOSITE": "PD"})],
    )  # fmt: skip
    assert times(neopvtt, person)["EFS"]["CNSR"] == 1
    row = times(with_options(neopvtt, "EFS", composite_pd=True), person)["EFS"]
    assert event(row) == (0, D("2023-03-20"), 43)


def test_duration_of_response_runs_from_the_first_response_of_responders_only(palhep: Study) -> None:
    person = Person(
        enrol="2022-06-01", start="2022-06-01",
        responses=[("WEEK 6 TUMOR ASSESSMENT", "2022-07-13", "PR"), ("MONTH 3 DECISION", "2022-08-31", "CR"),
                   ("TUMOR ASSESSMENT 1", "2022-10-26", "PD")],
    )  # fmt: skip
    row = times(palhep, person)["DOR"]
    assert (row["STARTDT"], event(row)) == (D("2022-07-13"), (0, D("2022-10-26"), 106))
    stable = Person(enrol="2022-06-01", start="2022-06-01", responses=[("MONTH 3 DECISION", "2022-08-31", "SD")])
    assert "DOR" not in times(palhep, stable)


def test_every_record_says_where_it_comes_from_and_is_alone_for_its_subject_and_parameter(neopvtt: Study) -> None:
    people = [relapsed(), Person(id="02", start="2023-02-06", drug="APATINIB", alive="2023-09-01")]
    found = derived(neopvtt, *people)
    times_, responses = found["ADTTE"], found["ADRS"]
    assert times_.select("USUBJID", "PARAMCD").is_unique().all()
    assert (
        times_.select("SRCDOM", "SRCVAR", "EVNTDESC", "STARTDT", "ADT", "CNSR", "AVAL", "AVALM")
        .null_count()
        .sum_horizontal()[0]
        == 0
    )
    assert times_["AVAL"].min() >= 1
    pointed = times_.filter(times_["SRCDOM"] == "ADRS").join(
        responses, left_on=["USUBJID", "SRCSEQ"], right_on=["USUBJID", "ASEQ"], how="left"
    )
    assert pointed.height == 2
    assert (pointed["ADT"] == pointed["ADT_right"]).all()
    assert (times_["_from"].list.len() > 0).all()
