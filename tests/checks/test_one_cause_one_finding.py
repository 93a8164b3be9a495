"""Where several checks see one cause, the most specific speaks (catalogue section 1.9, rulings 15.1, 15.8)."""

from __future__ import annotations

import datetime as dt
from typing import Any

import polars as pl

from cdiscx import flow
from cdiscx.model.finding import Finding
from cdiscx.model.spec import Study
from cdiscx.tidy.frames import tidy_frames

TODAY = dt.date(2025, 6, 1)
SUBJECT = {"SUBJID": "S1", "SITEID": "01", "RFICDAT": "2024-01-01", "ENRLDAT": "2024-01-02", "WEIGHT": "70"}


def findings(study_name: str, *only: str, **tables: list[dict[str, Any]]) -> list[Finding]:
    """What the checks say about a few rows; every other sheet is there and empty."""
    study = Study.load(study_name)
    frames = {"subjects": pl.DataFrame([SUBJECT])} | {name: pl.DataFrame(rows) for name, rows in tables.items()}
    data = tidy_frames(study, frames, complete=True)
    return list(flow.validate(data, only=only, today=TODAY, cutoff=TODAY, expectations=False))


def ids(found: list[Finding]) -> list[str]:
    return sorted(f.check_id for f in found)


def dose(drug: str, **more: Any) -> dict[str, Any]:
    return {"SUBJID": "S1", "EXTRT": drug, "EXSTDAT": "2024-01-05", "EXDOSE": "8"} | more


def test_a_drug_never_given_is_a_component_never_started_and_not_a_missing_date():
    doses = [dose("LENVATINIB", EXENDAT="2024-03-01")]
    found = findings("palhep-a", "END-004", "DOS-014", dosing=doses)
    # an endpoint counts from the first infusion: the one finding is as severe as the missing date
    assert [(f.check_id, f.severity) for f in found] == [("DOS-014", "error")]
    assert [f.severity for f in findings("palhep-a", "DOS-014", dosing=doses)] == ["warning"]


def test_without_the_component_check_the_missing_date_is_told():
    doses = [dose("LENVATINIB", EXENDAT="2024-03-01")]
    assert ids(findings("palhep-a", "END-004", dosing=doses)) == ["END-004"]


def test_a_dose_without_a_date_is_told_once_at_its_cell():
    doses = [dose("LENVATINIB", EXENDAT="2024-03-01", EXDOSU="mg", EXDOSFRQ="QD")]
    doses.append(dose("DURVALUMAB", EXSTDAT=None, EXENDAT=None, EXDOSE="1500", EXDOSU="mg", EXDOSFRQ="Q4W"))
    found = [f for f in findings("palhep-a", "END-004", "STR-009", dosing=doses) if f.sheet == "Dosing"]
    assert [(f.check_id, f.row, f.column) for f in found] == [("STR-009", 2, "Start Date")]


def test_a_hepatectomy_without_a_date_silences_the_gaps_around_it():
    doses = [dose("CAMRELIZUMAB", EXSTDAT=day, EXDOSE="200") for day in ("2024-01-05", "2024-01-19", "2024-04-20")]
    operation = [{"SUBJID": "S1", "PRTRT": "HEPATECTOMY", "PRSTDAT": None, "RESTUM": "R0"}]
    found = findings("neopvtt-b", "END-004", "DOS-004", dosing=doses, procedures=operation)
    assert ids(found) == ["END-004"]
    alone = findings("neopvtt-b", "DOS-004", dosing=doses, procedures=operation)
    assert not alone, "a gap cannot be judged without the date of the surgery that may explain it"


def test_another_missing_date_silences_no_gap():
    doses = [dose("CAMRELIZUMAB", EXSTDAT=day, EXDOSE="200") for day in ("2024-01-05", "2024-01-19", "2024-04-20")]
    blank = [SUBJECT | {"RFICDAT": None}]
    found = findings("neopvtt-b", "END-004", "DOS-004", dosing=doses, subjects=blank)
    assert set(ids(found)) == {"DOS-004", "END-004"}


def test_a_missing_hepatectomy_is_told_where_the_specimen_stands():
    specimen = [{"SUBJID": "S1", "MIDAT": "2024-03-01", "MINODULE": "1", "MISPEC": "RESECTION", "MIVIAB": "5"}]
    event = [{"SUBJID": "S1", "AENO": "1", "AETERM": "Bile leak", "AESTDAT": "2024-03-04", "AEREL": "HEPATECTOMY"}]
    found = findings("neopvtt-b", "SUR-001", "SAF-005", pathology=specimen, ae=event)
    assert [(f.check_id, f.sheet) for f in found] == [("SUR-001", "Pathology")]


def test_a_fatal_event_whose_fields_disagree_is_told_once():
    event = [{"SUBJID": "S1", "AENO": "1", "AETERM": "Rash", "AESTDAT": "2024-03-04", "AEENDAT": "2024-03-05",
              "AETOXGR": "2", "AESER": "N", "AEOUT": "FATAL"}]  # fmt: skip
    alive = [{"SUBJID": "S1", "SSDAT": "2024-09-01", "SSSTAT": "ALIVE"}]
    assert ids(findings("palhep-a", "SAF-002", "END-005", "END-006", ae=event, survival=alive)) == ["SAF-002"]


def test_a_death_told_elsewhere_is_told_beside_a_fatal_event_whose_fields_disagree():
    event = [{"SUBJID": "S1", "AENO": "1", "AETERM": "Sepsis", "AETOXGR": "3", "AESER": "N", "AEOUT": "FATAL"}]
    dead = [{"SUBJID": "S1", "SSDAT": "2024-09-01", "SSSTAT": "DEAD"}]
    found = findings("palhep-a", "SAF-002", "END-005", "END-006", ae=event, survival=dead)
    assert [(f.check_id, f.sheet) for f in found] == [("SAF-002", "Adverse Events"), ("END-005", "Survival")]


def test_alive_after_a_death_without_date_is_the_contradiction_alone():
    contacts = [
        {"SUBJID": "S1", "SSDAT": "2024-09-01", "SSSTAT": "DEAD"},
        {"SUBJID": "S1", "SSDAT": "2024-12-01", "SSSTAT": "ALIVE"},
    ]
    found = findings("neopvtt-b", "END-005", "END-006", survival=contacts)
    assert [(f.check_id, f.row) for f in found] == [("END-006", 2)]


def test_surgery_without_a_decision_is_an_overdue_decision_where_that_speaks():
    doses = [dose("LENVATINIB", EXENDAT="2024-03-20")]
    operation = [{"SUBJID": "S1", "PRTRT": "HEPATECTOMY", "PRSTDAT": "2024-05-01"}]
    assert ids(findings("palhep-a", "END-007", "VIS-007", dosing=doses, procedures=operation)) == ["VIS-007"]
    assert ids(findings("palhep-a", "END-007", dosing=doses, procedures=operation)) == ["END-007"]


def test_a_row_of_zero_milligrams_moves_no_reference_date():
    doses = [dose("DURVALUMAB", EXDOSE="0"), dose("DURVALUMAB", EXSTDAT="2024-02-02", EXDOSE="1500")]
    study = Study.load("palhep-a")
    data = flow.prepare(
        tidy_frames(study, {"subjects": pl.DataFrame([SUBJECT]), "dosing": pl.DataFrame(doses)}, complete=True)
    )
    row = data.tidy["anchors"].frame.row(0, named=True)
    assert (row["D1"], row["DURVA1"], row["LASTDOSE"]) == (dt.date(2024, 2, 2),) * 3


def test_a_stage_outside_the_trial_is_said_once_and_one_too_low_for_the_lesions_beside_it():
    lesion = {"SUBJID": "S1", "VISIT": "SCREENING", "TRDAT": "2024-01-02", "LESID": "T1", "TRSTATUS": "MEASURED"}
    people = [{**SUBJECT, "BCLC": "A"}]
    liver, lung = ([{**lesion, "TUORGAN": organ, "LDIAM": "30"}] for organ in ("Liver", "Lung"))
    both = ("END-018", "MEA-028")
    assert ids(findings("palhep-a", *both, subjects=people, targets=liver)) == ["END-018"]
    assert ids(findings("palhep-a", *both, subjects=people, targets=lung)) == ["END-018", "MEA-028"]
    assert ids(findings("palhep-a", "MEA-028", subjects=people, targets=liver)) == ["MEA-028"]
