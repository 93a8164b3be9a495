"""Site and derived responses side by side, and the findings that could change an endpoint."""

from __future__ import annotations

import polars as pl
import pytest
from adam_frames import answers, study, subjects, times

from cdiscx.analysis import analyse
from cdiscx.analysis.touches import of_endpoint, of_finding


def row(results: dict, name: str) -> dict:
    return next(r for r in results["sensitivity"]["rows"] if r["id"] == name)


def doubt(results: dict, name: str) -> dict:
    return next(r for r in results["open_findings"] if r["id"] == name)


def frames(words: list[str], rows: list[tuple[int, int, str]]) -> dict[str, pl.DataFrame]:
    yes = ["Y" if w in ("CR", "PR") else "N" for w in words]
    adrs = pl.concat([answers("BOR", words), answers("RSP", yes)])
    return {"ADSL": subjects(len(words)), "ADRS": adrs, "ADTTE": times("PFS", rows)}


def test_subjects_and_results_that_change_under_the_derived_responses_are_listed():
    site = frames(["PR", "SD"], [(100, 1, "NO EVENT"), (50, 0, "DISEASE PROGRESSION")])
    derived = frames(["SD", "SD"], [(60, 0, "DISEASE PROGRESSION"), (50, 0, "DISEASE PROGRESSION")])
    told = analyse(study("palhep-a"), site, derived=derived)
    assert row(told, "RSP")["subjects"] == [{"subject": "001", "usubjid": "S-001", "first": "Y", "second": "N"}]
    assert (row(told, "RSP")["site"]["n"], row(told, "RSP")["derived"]["n"]) == (1, 0)
    pfs = row(told, "PFS")
    assert pfs["subjects"][0]["first"] == "day 100, censored: NO EVENT"
    assert pfs["subjects"][0]["second"] == "day 60, event: DISEASE PROGRESSION"
    assert pfs["result_changed"]
    assert not row(told, "M3DEC")["changed"]


def test_a_subject_that_changes_without_changing_the_result_is_listed_too():
    site = frames(["SD", "PD"], [(100, 1, "NO EVENT")] * 2)
    derived = frames(["PD", "SD"], [(100, 1, "NO EVENT")] * 2)
    told = row(analyse(study("palhep-a"), site, derived=derived), "BOR")
    assert (told["changed"], told["result_changed"], len(told["subjects"])) == (True, False, 2)


def test_the_same_frames_change_nothing():
    site = frames(["PR", "SD"], [(100, 1, "NO EVENT"), (50, 0, "DEATH")])
    told = analyse(study("palhep-a"), site, derived=site)["sensitivity"]
    assert told["text"] == "No endpoint changes."
    assert analyse(study("palhep-a"), site)["sensitivity"]["rows"] == []


def finding(check_id: str, subject: str | None = "001", severity: str = "error", **more: object) -> dict[str, object]:
    return {"check_id": check_id, "subject": subject, "severity": severity, "sheet": None} | more


def test_a_finding_counts_for_the_endpoints_that_rest_on_what_it_doubts():
    told = analyse(study("palhep-a"), {"ADSL": subjects(2)}, findings=[finding("MEA-014", severity="warning")])
    assert doubt(told, "RSP6W")["checks"][0] == {
        "check_id": "MEA-014",
        "findings": 1,
        "subjects": ["001"],
        "inputs": ["response"],
    }
    assert doubt(told, "PFS")["findings"] == 1
    assert doubt(told, "OS")["text"] == "No open finding could change it."
    assert doubt(told, "AE")["findings"] == 0


def test_a_death_in_doubt_touches_survival_and_not_the_response():
    told = analyse(study("palhep-a"), {"ADSL": subjects(2)}, findings=[finding("END-006")])
    assert [doubt(told, name)["findings"] for name in ("OS", "OSENR", "PFS", "RSP6W")] == [1, 1, 1, 0]


def test_notes_accepted_findings_and_subjects_outside_the_population_do_not_count():
    listed = [
        finding("MEA-014", severity="note"),
        finding("MEA-014", accepted="ACCEPTED: known"),
        finding("MEA-014", subject="002"),
    ]
    adsl = subjects(2, FASFL=["Y", "N"], DURFL=["Y", "N"])
    told = analyse(study("palhep-a"), {"ADSL": adsl}, findings=listed)
    assert doubt(told, "RSP6W")["findings"] == 0


def test_a_finding_without_a_subject_counts_and_without_findings_nothing_is_said():
    told = analyse(study("palhep-a"), {"ADSL": subjects(1)}, findings=[finding("MEA-001", subject=None)])
    assert doubt(told, "PFS")["text"] == "1 open finding could change it, of 0 subjects."
    assert analyse(study("palhep-a"), {})["open_findings"] is None


@pytest.mark.parametrize(
    ("check_id", "sheet", "inputs"),
    [
        ("DAT-001", "Target Lesions", {"response"}),
        ("STR-009", "Survival", {"death", "follow_up", "new_therapy"}),
        ("DAT-002", "Labs", set()),
        ("END-003", "Demographics", {"diagnosis"}),
        ("MEA-028", "Demographics", set()),
        ("DAT-001", None, set()),
    ],
)
def test_a_cell_in_doubt_touches_what_its_sheet_holds(check_id: str, sheet: str | None, inputs: set[str]):
    assert of_finding(study("palhep-a"), finding(check_id, sheet=sheet)) == inputs


def test_an_endpoint_rests_on_what_its_words_in_the_study_file_say():
    trial = study("palhep-a")
    assert of_endpoint("OS", trial.endpoints["OS"], trial) == {"population", "diagnosis", "death", "follow_up"}
    assert {"enrolment", "response", "death", "new_therapy"} <= of_endpoint("PFS", trial.endpoints["PFS"], trial)
    assert of_endpoint("RSP", trial.endpoints["RSP"], trial) == of_endpoint("BOR", trial.endpoints["BOR"], trial)
