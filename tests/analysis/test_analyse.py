"""Endpoints of a study from ADaM frames: denominators, censoring, landmarks, delayed entry, safety, plain words."""

from __future__ import annotations

import datetime as dt
import json

import polars as pl
import pytest
from adam_frames import DAY, START, answers, study, subjects, times

from cdiscx.analysis import analyse

EX_12 = [
    (90, 0), (150, 1), (184, 0), (200, 0), (240, 1), (300, 0),
    (330, 1), (365, 0), (400, 1), (420, 0), (500, 1), (520, 1),
]  # fmt: skip
WORDS = {0: "DEATH", 1: "NO EVENT", 2: "NO POST-BASELINE ASSESSMENT", 3: "NEW ANTI-CANCER THERAPY"}


def entry(results: dict, name: str) -> dict:
    return next(e for e in results["endpoints"] if e["id"] == name)


def efs(rows: list[tuple[int, int]] = EX_12) -> dict[str, pl.DataFrame]:
    return {"ADSL": subjects(len(rows)), "ADTTE": times("EFS", [(a, c, WORDS[c]) for a, c in rows])}


def test_ad_ex_12_the_primary_endpoint_is_the_one_year_rate_with_its_median_beside():
    told = entry(analyse(study("neopvtt-b"), efs()), "EFS")
    assert told["text"] == "50.3 % (95 % CI 17.5 to 76.2) at 12 months"
    assert (told["n"], told["N"], told["events"], told["censored"]) == (12, 12, 6, 6)
    assert told["landmarks"][0]["at_risk"] == 5
    assert told["median"]["days"] == {"estimate": 420.0, "lower": 184.0, "upper": None}
    assert told["median"]["text"] == "13.8 months (95 % CI 6.0 to NE)"
    assert "log(-log)" in told["method"]


def test_ad_ex_12_the_literal_reading_stands_beside_and_never_instead():
    frames = efs()
    literal = frames["ADTTE"].with_columns(PARAMCD=pl.lit("EFSLIT"), CNSR=pl.lit(0, pl.Int64))
    told = entry(analyse(study("neopvtt-b"), frames | {"ADTTE": pl.concat([frames["ADTTE"], literal])}), "EFS")
    assert told["events"] == 6
    assert told["literal"]["median"]["days"] == {"estimate": 315.0, "lower": 150.0, "upper": 420.0}


def test_ad_ex_16_the_second_denominator_counts_a_missing_status_as_no():
    adsl = subjects(35, RESFL=["Y"] * 28 + ["N"] * 7)
    r0 = answers("R0", ["Y"] * 25 + ["N", "N", None])
    told = entry(analyse(study("neopvtt-b"), {"ADSL": adsl, "ADRS": r0}), "R0")
    assert told["text"] == "25/28 = 89.3 % (95 % CI 71.8 to 97.7)"
    assert told["second"]["text"] == "25/35 = 71.4 % (95 % CI 53.7 to 85.4)"
    assert told["missing"] == 1


def test_ad_ex_26_overall_survival_from_diagnosis_with_delayed_entry():
    entered, left, event = [100, 50, 250, 10], [300, 200, 400, 150], [True, True, False, True]
    diagnosis = [START] * 4
    adsl = subjects(4, ENRLDT=[START + d * DAY for d in entered], DIAGDT=diagnosis)
    rows = [(a, 0 if e else 1, "DEATH" if e else "ALIVE OR STATUS UNKNOWN") for a, e in zip(left, event, strict=True)]
    told = entry(analyse(study("palhep-a"), {"ADSL": adsl, "ADTTE": times("OS", rows, diagnosis)}), "OS")
    late = dict(zip(told["delayed_entry"]["curve"]["days"], told["delayed_entry"]["curve"]["survival"], strict=True))
    plain = dict(zip(told["curve"]["days"], told["curve"]["survival"], strict=True))
    assert [round(late[d], 4) for d in (150, 200, 300)] == [0.6667, 0.3333, 0.1667]
    assert [plain[d] for d in (150, 200, 300)] == [0.75, 0.5, 0.25]
    assert "first diagnosis" in told["start"]
    assert "enrolment" in told["delayed_entry"]["method"]


def test_a_subject_that_enters_on_its_last_day_counts_with_delayed_entry():
    adsl = subjects(1, DIAGDT=[START], ENRLDT=[START + 9 * DAY])
    told = entry(analyse(study("palhep-a"), {"ADSL": adsl, "ADTTE": times("OS", [(10, 0, "DEATH")], [START])}), "OS")
    assert told["delayed_entry"]["n"] == 1


def test_an_entry_that_is_not_known_leaves_the_subject_out_and_says_so():
    adsl = subjects(2, DIAGDT=[START] * 2, ENRLDT=[START, None])
    rows = [(10, 0, "DEATH"), (20, 1, "ALIVE")]
    told = entry(analyse(study("palhep-a"), {"ADSL": adsl, "ADTTE": times("OS", rows, [START] * 2)}), "OS")
    assert told["delayed_entry"]["n"] == 1
    assert told["delayed_entry"]["notes"][0].startswith("1 subject without an entry date")


def test_censoring_is_told_by_reason():
    told = entry(analyse(study("neopvtt-b"), efs([(90, 0), (1, 2), (85, 3), (100, 1), (120, 1)])), "EFS")
    assert told["censored_by_reason"] == [
        {"cnsr": 1, "reason": "NO EVENT", "n": 2},
        {"cnsr": 2, "reason": "NO POST-BASELINE ASSESSMENT", "n": 1},
        {"cnsr": 3, "reason": "NEW ANTI-CANCER THERAPY", "n": 1},
    ]


def test_a_rate_beyond_the_last_follow_up_is_said_to_be_beyond_it():
    told = entry(analyse(study("neopvtt-b"), efs([(90, 0), (200, 1)])), "EFS")
    assert told["landmarks"][0]["reached"] is False
    assert "nobody is followed that long: the value is that of day 200" in told["text"]


def test_follow_up_is_the_median_of_the_reversed_curve():
    rows = [(100, 1, "ALIVE"), (200, 0, "DEATH"), (300, 1, "ALIVE"), (400, 1, "ALIVE")]
    told = entry(analyse(study("neopvtt-b"), {"ADSL": subjects(4), "ADTTE": times("OS", rows)}), "OS")
    assert told["follow_up"]["days"]["estimate"] == 300
    assert "follow_up" not in entry(analyse(study("neopvtt-b"), efs()), "EFS")


def test_the_primary_response_counts_missing_as_no_and_tells_the_reasons():
    adsl = subjects(4, DURFL=["Y", "Y", "Y", "N"])
    reasons = ["RESPONDER", "NO ASSESSMENT IN WINDOW", "NON-RESPONDER", "RESPONDER"]
    frames = {"ADSL": adsl, "ADRS": answers("RSP6W", ["Y", None, "N", "Y"], AVALCAT1=reasons)}
    told = entry(analyse(study("palhep-a"), frames), "RSP6W")
    assert (told["n"], told["N"], told["missing"]) == (1, 3, 1)
    assert {r["category"]: r["n"] for r in told["reasons"]} == {
        "RESPONDER": 1,
        "NO ASSESSMENT IN WINDOW": 1,
        "NON-RESPONDER": 1,
    }


def test_the_response_population_follows_the_switch_of_the_study():
    base = study("palhep-a")
    options = dict(base.endpoints["RSP6W"].options) | {"population_rule": "EVALUABLE"}
    changed = base.endpoints["RSP6W"].model_copy(update={"options": options})
    switched = base.model_copy(update={"endpoints": {"RSP6W": changed}})
    frames = {"ADSL": subjects(4, EVALFL=["Y", "N", "N", "N"]), "ADRS": answers("RSP6W", ["Y", "N", "N", "N"])}
    assert entry(analyse(switched, frames), "RSP6W")["N"] == 1


@pytest.mark.parametrize(("rule", "n"), [("HEPATECTOMY", 3), ("R0", 1), ("R0_R1", 2)])
def test_the_disease_free_population_follows_the_switch_of_the_study(rule: str, n: int):
    base = study("neopvtt-b")
    options = dict(base.endpoints["DFS"].options) | {"population_rule": rule}
    changed = base.endpoints["DFS"].model_copy(update={"options": options})
    switched = base.model_copy(update={"endpoints": {"DFS": changed}})
    frames = {"ADSL": subjects(4, RESFL=["Y", "Y", "Y", "N"], RSTAT=["R0", "R1", "R2", None])}
    frames["ADTTE"] = times("DFS", [(100, 0, "DEATH")] * n)
    told = entry(analyse(switched, frames), "DFS")
    assert (told["N"], told["n"]) == (n, n)


def test_the_selected_record_of_a_composite_response_counts():
    rows = answers("CRSPB", ["PR", "SD"], ANL02FL=["Y", "Y"])
    other = answers("CRSPB", ["PD", "PR"], ANL02FL=[None, None])
    told = entry(analyse(study("neopvtt-b"), {"ADSL": subjects(2), "ADRS": pl.concat([rows, other])}), "CRSPB")
    assert (told["n"], told["N"]) == (1, 2)
    assert [c["category"] for c in told["categories"]] == ["PR", "SD"]


def test_with_derived_responses_the_selected_record_stands_under_the_derived_parameter():
    site, derived = (
        answers("CRSPB", ["PD", "PD"], ANL02FL=[None, None]),
        answers("DCRSPB", ["PR", "SD"], ANL02FL=["Y", "Y"]),
    )
    told = entry(analyse(study("neopvtt-b"), {"ADSL": subjects(2), "ADRS": pl.concat([site, derived])}), "CRSPB")
    assert (told["n"], told["N"]) == (1, 2)


def test_an_assessment_that_was_not_selected_is_no_response():
    frames = {"ADSL": subjects(1), "ADRS": answers("CRSPB", ["PR"], ANL02FL=[None])}
    assert entry(analyse(study("neopvtt-b"), frames), "CRSPB")["n"] == 0


def test_an_unknown_status_after_surgery_is_left_out_and_counted_as_no_beside():
    frames = {"ADSL": subjects(3, RESFL="Y"), "ADSURG": answers("MORT30", ["Y", "N", None])}
    told = entry(analyse(study("neopvtt-b"), frames), "MORT30")
    assert (told["n"], told["N"]) == (1, 2)
    assert told["notes"] == ["1 subject with unknown status not counted; counted as no: 1/3 = 33.3 % "
                             "(95 % CI 0.8 to 90.6)."]  # fmt: skip


def test_the_one_year_status_of_a_subject_censored_before_is_left_out():
    frames = {"ADSL": subjects(3), "ADRS": answers("EFS1Y", ["Y", "N", None])}
    assert entry(analyse(study("neopvtt-b"), frames), "EFS1Y")["N"] == 2


def test_every_endpoint_of_the_study_file_has_one_entry_and_nothing_is_invented_without_data():
    for name in ("palhep-a", "neopvtt-b"):
        told = analyse(study(name), {})
        assert [e["id"] for e in told["endpoints"]] == list(study(name).endpoints)
        assert {e["estimate"] for e in told["endpoints"]} == {None}
        assert all(e["text"].startswith("Nothing to") for e in told["endpoints"])
        assert json.loads(json.dumps(told, allow_nan=False)) == told


def test_all_are_censored_and_no_interval_is_made_up():
    told = entry(
        analyse(study("neopvtt-b"), {"ADSL": subjects(2), "ADTTE": times("OS", [(50, 1, "A"), (60, 1, "A")])}), "OS"
    )
    assert told["text"] == "median NR: no event so far, an interval is not defined"
    assert told["landmarks"][0]["ci_lower"] is None


def ae(**columns: list[object]) -> pl.DataFrame:
    n = len(columns["AEDECOD"])
    base = {"USUBJID": ["S-001"] * n, "TRTEMFL": ["Y"] * n, "AESER": ["N"] * n, "AEBODSYS": ["Skin"] * n}
    return pl.DataFrame(base | columns, strict=False)


def test_a_subject_counts_once_a_term_with_its_highest_grade():
    events = ae(
        USUBJID=["S-001", "S-001", "S-002", "S-002"],
        AEDECOD=["Rash", "Rash", "Rash", "Itch"],
        ATOXGRN=[1, 3, 2, 1],
        AESER=["N", "Y", "N", "N"],
        ARELDUR=["Y", None, None, None],
        AEOUT=["RECOVERED/RESOLVED", "FATAL", "UNKNOWN", "UNKNOWN"],
    )
    told = analyse(study("palhep-a"), {"ADSL": subjects(4), "ADAE": events})["adverse_events"]
    assert {line["id"]: (line["n"], line["events"]) for line in told["summary"]} == {
        "any": (2, 4),
        "grade3": (1, 1),
        "serious": (1, 1),
        "related": (1, 1),
        "related_grade3": (0, 0),
        "withdrawal": (0, 0),
        "fatal": (1, 1),
    }
    rows = {
        (r["soc"], r["pt"]): (r["n"], r["events"], r["grades"]["1"], r["grades"]["2"], r["grades"]["3"])
        for r in told["by_term"]
    }
    assert rows == {
        ("", ""): (2, 4, 0, 1, 1),
        ("Skin", ""): (2, 4, 0, 1, 1),
        ("Skin", "Rash"): (2, 3, 0, 1, 1),
        ("Skin", "Itch"): (1, 1, 1, 0, 0),
    }
    assert [r["n"] for r in told["max_grade"]] == [0, 1, 1, 0, 0]
    assert told["by_component"][0]["label"] == "Related to durvalumab"


def test_events_that_are_not_treatment_emergent_are_not_counted():
    events = ae(AEDECOD=["Rash"], ATOXGRN=[1], TRTEMFL=[None])
    told = analyse(study("palhep-a"), {"ADSL": subjects(1), "ADAE": events})["adverse_events"]
    assert told["text"] == "No treatment-emergent adverse event was reported."
    assert told["summary"][0]["n"] == 0


def test_exposure_in_another_unit_is_another_parameter():
    rows = [
        (f"S-00{i}", "DRUG", "CUMDOSE", "Cumulative Dose", v, u) for i, v, u in ((1, 85.0, "mg/m2"), (2, 150.0, "mg"))
    ]
    frame = pl.DataFrame(rows, schema=["USUBJID", "EXTRT", "PARAMCD", "PARAM", "AVAL", "AVALU"], orient="row")
    told = analyse(study("palhep-a"), {"ADSL": subjects(2), "ADEXSUM": frame})["exposure"]
    assert [(r["param"], r["n"]) for r in told["rows"]] == [("Cumulative Dose (mg)", 1), ("Cumulative Dose (mg/m2)", 1)]


def test_exposure_is_described_by_treatment_and_parameter():
    rows = [(f"S-00{i}", "DRUG", "RDI", "Relative Dose Intensity (%)", v) for i, v in ((1, 75.0), (2, 100.0))]
    frame = pl.DataFrame(rows, schema=["USUBJID", "PARCAT1", "PARAMCD", "PARAM", "AVAL"], orient="row")
    told = analyse(study("palhep-a"), {"ADSL": subjects(2), "ADEXSUM": frame})["exposure"]
    assert [(r["treatment"], r["paramcd"], r["n"], r["mean"]) for r in told["rows"]] == [("DRUG", "RDI", 2, 87.5)]


def test_the_thrombus_shifts_from_its_class_at_baseline_to_that_at_the_selected_assessment():
    read = answers("PVTTCLS", ["NONE", "IIb"], ANL02FL=["Y", "Y"])
    rows = pl.concat([read, answers("PVTTCLS", ["IV", "IV"], ANL02FL=[None, None])])
    told = analyse(study("neopvtt-b"), {"ADSL": subjects(3, PVTTBL=["III", "IIa", "I"]), "ADRS": rows})["pvtt_shift"]
    cells = {(c["baseline"], c["then"]): (c["n"], c["subjects"]) for c in told["cells"]}
    assert cells == {("I", "NOT KNOWN"): (1, ["003"]), ("II", "II"): (1, ["002"]), ("III", "NONE"): (1, ["001"])}
    assert analyse(study("palhep-a"), {"ADSL": subjects(1)})["pvtt_shift"] is None


def test_biomarkers_are_described_at_baseline_at_resection_and_by_responder_status():
    rows = [
        ("S-001", "AFP", 100.0, START, "BASELINE", "Y"),
        ("S-001", "AFP", 40.0, START + 60 * DAY, "RESECTION", None),
        ("S-002", "AFP", 10.0, START, "BASELINE", "Y"),
        ("S-002", "AFP", 50.0, START + 200 * DAY, "LATER", None),
    ]
    frame = pl.DataFrame(rows, schema=["USUBJID", "PARAMCD", "AVAL", "ADT", "AVISIT", "ABLFL"], orient="row")
    surgery: list[object] = [START + 60 * DAY, START + 90 * DAY]
    frames = {
        "ADSL": subjects(2, SURGDT=surgery),
        "ADBM": frame,
        "ADRS": answers("CRSPB", ["PR", "SD"], ANL02FL=["Y", "Y"]),
    }
    told = analyse(study("neopvtt-b"), frames)["biomarkers"]
    marker = told["markers"][0]
    assert (marker["all"]["baseline"]["n"], marker["all"]["baseline"]["mean"]) == (2, 55.0)
    assert (marker["responders"]["resection"]["n"], marker["responders"]["change"]["mean"]) == (1, -60.0)
    assert marker["non_responders"]["resection"]["n"] == 0
    assert analyse(study("neopvtt-b"), {"ADSL": subjects(1)})["biomarkers"]["text"].startswith("No biomarker")


def test_the_summary_is_the_same_whatever_the_order_of_the_records():
    frames = efs()
    turned = {name: frame.reverse() for name, frame in frames.items()}
    assert json.dumps(analyse(study("neopvtt-b"), frames)) == json.dumps(analyse(study("neopvtt-b"), turned))


def test_a_date_of_diagnosis_after_enrolment_does_not_make_the_entry_negative():
    adsl = subjects(1, DIAGDT=[START], ENRLDT=[START - dt.timedelta(days=5)])
    told = entry(analyse(study("palhep-a"), {"ADSL": adsl, "ADTTE": times("OS", [(10, 0, "DEATH")], [START])}), "OS")
    assert told["delayed_entry"]["n"] == 1
