"""Dates of reference per subject: anchors, deaths, last known alive, ends (cdiscx/views/reference.py)."""

from __future__ import annotations

import datetime as dt
from typing import Any

import polars as pl
import pytest
from view_kit import Rows, changed, day, made, tables_of, told, view_of

from cdiscx.model.spec import Source, Study

A = Study.load("palhep-a")
B = Study.load("neopvtt-b")
WHO: Rows = [{"SUBJID": "S1"}]


def dose(drug: str, first: int, last: int | None = None, amount: float | None = 8, **more: Any) -> dict[str, Any]:
    row = {"SUBJID": "S1", "EXTRT": drug, "EXSTDAT": day(first), "EXENDAT": None, "EXDOSE": amount, "EXONGO": None}
    return row | ({"EXENDAT": day(last)} if last is not None else {}) | more


def anchor(name: str, given: dict[str, Rows], study: Study = A) -> tuple[dt.date | None, int | None]:
    row = view_of("anchors", study, {"subjects": WHO, **given}).row(0, named=True)
    return row[name], row[f"{name}_RID"]


# --- anchors -------------------------------------------------------------------------------------------------------------


def test_the_first_treatment_is_the_earliest_dose_or_session_and_knows_its_row() -> None:
    doses = [dose("LENVATINIB", 5, 30), dose("DURVALUMAB", 3)]
    assert anchor("D1", {"dosing": doses})[0] == day(3)
    session = {"SUBJID": "S1", "PRTRT": "TACE", "PRSTDAT": day(2)}
    frame = view_of("anchors", A, {"subjects": WHO, "dosing": doses, "procedures": [session]})
    tables = tables_of(A, {"subjects": WHO, "dosing": doses, "procedures": [session]})
    assert frame.item(0, "D1") == day(2)
    assert frame.item(0, "D1_RID") == tables["procedures"].collect().item(0, "_rid")


def test_of_two_rows_of_one_day_the_upper_one_is_the_anchor_first_and_last() -> None:
    doses = [dose("DURVALUMAB", 3), dose("LENVATINIB", 3, 3)]
    tables = tables_of(A, {"subjects": WHO, "dosing": doses})
    upper = tables["dosing"].collect().item(0, "_rid")
    assert anchor("D1", {"dosing": doses}) == (day(3), upper)
    assert anchor("LASTDOSE", {"dosing": doses}) == (day(3), upper)


@pytest.mark.parametrize(("amount", "first"), [(0, 9), (None, 3), (0.1, 3)])
def test_a_dose_of_zero_is_no_exposure_a_blank_one_is(amount: float | None, first: int) -> None:
    assert anchor("D1", {"dosing": [dose("LENVATINIB", 3, 5, amount), dose("LENVATINIB", 9, 20)]})[0] == day(first)


def test_the_last_dose_is_the_latest_day_of_any_and_open_while_one_is_ongoing() -> None:
    doses = [dose("LENVATINIB", 1, 40), dose("DURVALUMAB", 30)]
    assert anchor("LASTDOSE", {"dosing": doses})[0] == day(40)
    assert anchor("LASTDOSE", {"dosing": [*doses, dose("LENVATINIB", 41, EXONGO="Y")]}) == (None, None)
    assert anchor("LASTDOSE", {"dosing": [*doses, dose("LENVATINIB", 41, 41, EXONGO="N")]})[0] == day(41)
    assert anchor("LASTDOSE", {"dosing": [*doses, dose("OXALIPLATIN", 50, EXONGO="Y")]})[0] == day(40)


def test_an_enrolment_that_is_blank_falls_back_on_consent_with_its_row() -> None:
    both = [
        {"SUBJID": "S1", "RFICDAT": day(-9), "ENRLDAT": day(-2)},
        {"SUBJID": "S2", "RFICDAT": day(-8), "ENRLDAT": None},
    ]
    frame = view_of("anchors", A, {"subjects": both}).sort("SUBJID")
    assert told(frame, "SUBJID", "ENROL") == [("S1", day(-2)), ("S2", day(-8))]
    assert frame.item(1, "ENROL_RID") == frame.item(1, "CONSENT_RID")


def test_sources_of_sheets_that_the_upload_lacks_are_passed_over_whether_they_give_a_date_or_forbid_one() -> None:
    doses = tables_of(A, {"subjects": WHO, "dosing": [dose("LENVATINIB", 1, 40)]})
    few = {n: doses[n] for n in ("subjects", "dosing")}
    assert made("anchors", A, few).select("D1", "SURG", "LASTDOSE").row(0) == (day(1), None, day(40))
    forbidding = A.anchors["D1"].model_copy(update={"none_if": (Source.model_validate({"of": "decision.DECDAT"}),)})
    study = changed(A, anchors={**A.anchors, "D1": forbidding})
    assert made("anchors", study, few).item(0, "D1") == day(1)
    decided = tables_of(A, {"subjects": WHO, "decision": [{"SUBJID": "S1", "DECDAT": day(91)}]})["decision"]
    assert made("anchors", study, {**few, "decision": decided}).item(0, "D1") is None


def test_rows_that_a_source_leaves_out_do_not_count() -> None:
    late = Source.model_validate({"of": "dosing.EXSTDAT", "unless": {"EXTRT": ["LENVATINIB"]}})
    study = changed(A, anchors={**A.anchors, "D1": A.anchors["D1"].model_copy(update={"sources": (late,)})})
    assert anchor("D1", {"dosing": [dose("LENVATINIB", 1, 40), dose("DURVALUMAB", 5)]}, study)[0] == day(5)


# --- deaths --------------------------------------------------------------------------------------------------------------


def death(date: object, **more: Any) -> dict[str, Any]:
    return {"SUBJID": "S1", "SSDAT": day(100), "SSSTAT": "DEAD", "DTHDAT": date, **more}


def test_a_full_date_of_death_goes_before_a_partial_one_and_of_two_the_upper() -> None:
    frame = view_of("deaths", A, {"survival": [death("2024-04"), death(day(95)), death(day(99))]})
    assert told(frame, "DTHDAT", "DTHDATC", "DTHLO", "DTHHI") == [(day(95), day(95).isoformat(), day(95), day(95))]
    partial = view_of("deaths", A, {"survival": [death("2024-04"), death("2024-05")]})
    assert told(partial, "DTHDAT", "DTHLO", "DTHHI") == [(None, dt.date(2024, 4, 1), dt.date(2024, 4, 30))]
    assert view_of("deaths", A, {"survival": [death(None), {**death(day(9)), "SUBJID": None}]}).height == 0


# --- alive ---------------------------------------------------------------------------------------------------------------


def last_alive(given: dict[str, Rows], cutoff: int = 1000) -> tuple[Any, ...] | None:
    frame = view_of("alive", A, {"subjects": WHO, **given}, cutoff=day(cutoff))
    return told(frame, "LSTALVDAT", "LSTALVTAB", "LSTALVCOL")[0] if frame.height else None


def visit(number: int, done: str | None) -> dict[str, Any]:
    return {"SUBJID": "S1", "VISIT": "WEEK 3", "VISDAT": day(number), "VISDONE": done}


def contact(number: int, status: str | None) -> dict[str, Any]:
    return {"SUBJID": "S1", "SSDAT": day(number), "SSSTAT": status}


def left(number: int, why: str | None, scope: str = "STUDY", drug: str | None = None) -> dict[str, Any]:
    return {"SUBJID": "S1", "DSSCOPE": scope, "DSDECOD": why, "DSDAT": day(number), "DSTRT": drug}


@pytest.mark.parametrize(("given", "expected"), [
    ({"visits": [visit(20, "Y"), visit(30, "N"), visit(31, None)]}, (day(20), "visits", "VISDAT")),
    ({"survival": [contact(20, "ALIVE"), contact(30, "LOST TO FOLLOW-UP"), contact(31, "DEAD")]}, (day(20), "survival", "SSDAT")),
    ({"disposition": [left(20, "WITHDREW CONSENT"), left(30, "LOST TO FOLLOW-UP"), left(31, "DEATH")]}, (day(20), "disposition", "DSDAT")),
    ({"dosing": [dose("LENVATINIB", 1, 20), dose("LENVATINIB", 30, 40, 0)]}, (day(20), "dosing", "EXENDAT")),
    ({"labs": [{"SUBJID": "S1", "LBDAT": day(20)}], "ae": [{"SUBJID": "S1", "AENO": 1, "AESTDAT": day(19)}]}, (day(20), "labs", "LBDAT")),
    ({"survival": [contact(30, "LOST TO FOLLOW-UP")]}, None),
])  # fmt: skip
def test_only_what_proves_life_is_a_proof_of_life(given: dict[str, Rows], expected: tuple[Any, ...] | None) -> None:
    assert last_alive(given) == expected


def test_a_proof_of_life_counts_up_to_the_day_of_the_cutoff_and_up_to_the_last_possible_day_of_death() -> None:
    given: dict[str, Rows] = {"visits": [visit(20, "Y"), visit(50, "Y"), visit(51, "Y")]}
    assert last_alive(given, 50) == (day(50), "visits", "VISDAT")
    assert last_alive(given, 49) == (day(20), "visits", "VISDAT")
    assert last_alive({**given, "survival": [death(day(30))]}) == (day(30), "visits", "VISDAT")
    assert last_alive({**given, "survival": [death("2024-02")]}) == (day(51), "visits", "VISDAT")


def test_without_a_column_for_the_proof_every_date_of_the_sheet_counts_and_without_the_sheet_none() -> None:
    tables = tables_of(A, {"subjects": WHO, "visits": [visit(30, "N")], "survival": [death(day(29))]})
    bare = {"subjects": tables["subjects"], "visits": tables["visits"].drop("VISDONE")}
    assert made("alive", A, bare).item(0, "LSTALVDAT") == day(30)
    assert made("alive", A, {**bare, "survival": tables["survival"]}).item(0, "LSTALVDAT") == day(29)
    assert made("alive", A, {"subjects": tables["subjects"]}).height == 0
    undated = {"subjects": tables["subjects"], "visits": tables["visits"].drop("VISDAT")}
    assert made("alive", A, undated).height == 0


# --- ends ----------------------------------------------------------------------------------------------------------------


def end(given: dict[str, Rows]) -> dict[str, Any]:
    return view_of("ends", A, {"subjects": WHO, **given}).row(0, named=True)


def test_the_end_of_participation_is_the_earliest_of_death_disposition_and_loss() -> None:
    told_ = end(
        {"disposition": [left(60, "COMPLETED"), left(50, "WITHDREW CONSENT"), left(40, "ADVERSE EVENT", "TREATMENT")]}
    )
    assert (told_["STUDYEND"], told_["STUDYENDWHY"], told_["WITHDRAWN"], told_["LOST"], told_["ENDDAT"]) == (
        day(50), "WITHDREW CONSENT", day(50), None, day(50))  # fmt: skip
    assert end({"disposition": [left(60, "COMPLETED")], "survival": [death(day(45))]})["ENDDAT"] == day(45)
    lost = end(
        {
            "disposition": [left(60, "LOST TO FOLLOW-UP")],
            "survival": [contact(55, "LOST TO FOLLOW-UP"), contact(30, "ALIVE")],
        }
    )
    assert (lost["LOST"], lost["ENDDAT"], lost["WITHDRAWN"]) == (day(55), day(55), None)
    assert end({"disposition": [left(60, "LOST TO FOLLOW-UP")]})["LOST"] == day(60)
    assert end({"survival": [contact(30, "ALIVE")]})["ENDDAT"] is None


def test_without_survival_and_disposition_nobody_has_an_end() -> None:
    only = {"subjects": tables_of(A, {"subjects": WHO})["subjects"]}
    assert made("ends", A, only).row(0) == ("S1", None, None, None, None, None, None, None)


ALL = left(40, "COMPLETED", "TREATMENT")


@pytest.mark.parametrize(("doses", "ended", "expected"), [
    ([dose("LENVATINIB", 1, 40)], [ALL, {**ALL, "DSDAT": day(42)}], 42),
    ([dose("LENVATINIB", 1, 40)], [{**ALL, "DSTRT": "ALL"}], 40),
    ([dose("LENVATINIB", 1, 40)], [{**ALL, "DSSCOPE": "STUDY"}], None),
    ([dose("LENVATINIB", 1, 40)], [{**ALL, "DSTRT": "LENVATINIB"}], 40),
    ([dose("LENVATINIB", 1, 40), dose("DURVALUMAB", 1)], [{**ALL, "DSTRT": "LENVATINIB"}], None),
    ([dose("LENVATINIB", 1, 40), dose("DURVALUMAB", 1)], [{**ALL, "DSTRT": "LENVATINIB"}, {**ALL, "DSTRT": "DURVALUMAB", "DSDAT": day(44)}], 44),
    ([dose("LENVATINIB", 1, 40), dose("DURVALUMAB", 1, amount=0)], [{**ALL, "DSTRT": "LENVATINIB"}], 40),
    ([dose("LENVATINIB", 1, 40), dose("OXALIPLATIN", 1)], [{**ALL, "DSTRT": "LENVATINIB"}], 40),
    ([dose("LENVATINIB", 1, 40)], [{**ALL, "DSTRT": "HAIC"}], None),
    ([], [{**ALL, "DSTRT": "LENVATINIB"}], None),
    ([], [ALL], 40),
])  # fmt: skip
def test_treatment_ends_with_all_of_it_or_with_the_last_of_the_systemic_drugs_taken(
    doses: Rows, ended: Rows, expected: int | None
) -> None:
    assert end({"dosing": doses, "disposition": ended})["TRTEND"] == (None if expected is None else day(expected))


def test_without_dosing_only_the_end_of_all_treatment_is_one() -> None:
    tables = tables_of(A, {"subjects": WHO, "disposition": [{**ALL, "DSTRT": "LENVATINIB"}]})
    few: dict[str, pl.LazyFrame] = {n: tables[n] for n in ("subjects", "disposition")}
    assert made("ends", A, few).item(0, "TRTEND") is None
    whole = tables_of(A, {"subjects": WHO, "disposition": [ALL]})
    assert made("ends", A, {n: whole[n] for n in ("subjects", "disposition")}).item(0, "TRTEND") == day(40)
