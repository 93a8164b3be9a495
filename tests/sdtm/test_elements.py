"""SE: every way through both trials, its edges, and a study whose elements have other names."""

from __future__ import annotations

import datetime as dt
import random
from pathlib import Path

import polars as pl
import pytest
from design_kit import alive, course, dead, dose, prepared, procedure, stopped, subject

from cdiscx.model.errors import SpecError
from cdiscx.model.spec import Study
from cdiscx.sdtm import map_study
from cdiscx.sdtm.elements import arm_of, subject_elements
from cdiscx.standards import guide

A, B = Study.load("palhep-a"), Study.load("neopvtt-b")


def decided(branch: str, day: str = "2024-04-15") -> dict[str, object]:
    return {"SUBJID": "001", "DECDAT": day, "M3RESP": "SD", "BRANCH": branch}


def to_surgery(*after: dict[str, object], **more: object):
    """Trial A: treated from 2024-01-15, held from 2024-04-24, operated on 2024-05-02."""
    doses = [dose("LENVATINIB", "2024-01-16", "2024-04-23"), dose("DURVALUMAB", "2024-04-10"), *after]
    tables = {"survival": [alive("2025-06-20")], "decision": [decided("SURGERY")], **more}
    return prepared(
        A,
        subjects=[subject()],
        dosing=doses,
        procedures=[procedure("TACE", "2024-01-15"), procedure("HEPATECTOMY", "2024-05-02")],
        **tables,
    )


def test_the_surgery_branch_goes_through_every_element_without_gaps() -> None:
    made = subject_elements(
        to_surgery(dose("LENVATINIB", "2024-06-10", "2024-10-01"), disposition=[stopped("2024-10-01")])
    )
    assert made is not None
    rows = made.frame.select("ETCD", "TAETORD", "EPOCH", "SESTDTC", "SEENDTC", "SESTDY", "SEENDY").rows()
    assert rows == [
        ("SCRN", 1, "SCREENING", "2024-01-01", "2024-01-15", -14, 1),
        ("COMBO", 2, "TREATMENT", "2024-01-15", "2024-04-24", 1, 101),
        ("HOLD", 3, "SURGERY", "2024-04-24", "2024-05-02", 101, 109),
        ("SURG", 4, "SURGERY", "2024-05-02", "2024-06-10", 109, 148),
        ("CONT", 5, "CONTINUATION TREATMENT", "2024-06-10", "2024-10-02", 148, 262),
        ("FU", 6, "FOLLOW-UP", "2024-10-02", "2025-06-20", 262, 523),
    ]
    assert made.frame.get_column("SESEQ").to_list() == [1, 2, 3, 4, 5, 6]


def test_the_first_dose_after_day_30_still_ends_the_surgery_so_that_there_is_no_gap() -> None:
    data = to_surgery(dose("DURVALUMAB", "2024-06-12"))
    assert ("CONT", "2024-06-12") in course(data)
    assert [code for code, _ in course(data)][:5] == ["SCRN", "COMBO", "HOLD", "SURG", "CONT"]


def test_without_a_dose_after_surgery_follow_up_begins_30_days_later() -> None:
    assert course(to_surgery())[3:] == [("SURG", "2024-05-02"), ("FU", "2024-06-01"), ("", "2025-06-20")]


def test_follow_up_waits_while_a_dose_after_surgery_may_still_come() -> None:
    shortly = dt.date(2024, 6, 10)  # 39 days after surgery, the restart is planned up to day 42
    data = prepared(
        A,
        shortly,
        subjects=[subject()],
        dosing=[dose("LENVATINIB", "2024-01-16", "2024-04-23")],
        procedures=[procedure("HEPATECTOMY", "2024-05-02")],
        survival=[alive("2024-06-09")],
    )
    assert course(data)[-2:] == [("SURG", "2024-05-02"), ("", "2024-06-09")]
    said = prepared(
        A,
        shortly,
        subjects=[subject()],
        dosing=[dose("LENVATINIB", "2024-01-16", "2024-04-23")],
        procedures=[procedure("HEPATECTOMY", "2024-05-02")],
        survival=[alive("2024-06-09")],
        disposition=[stopped("2024-05-20")],
    )
    assert course(said)[-2:] == [("FU", "2024-06-01"), ("", "2024-06-09")]


def test_a_death_soon_after_surgery_ends_the_surgery() -> None:
    data = to_surgery(survival=[dead("2024-05-10", "2024-05-20")])
    assert course(data)[-2:] == [("SURG", "2024-05-02"), ("", "2024-05-10")]


def test_a_death_before_surgery_ends_the_treatment() -> None:
    data = prepared(
        A,
        subjects=[subject()],
        dosing=[dose("LENVATINIB", "2024-01-15", None, EXONGO="Y")],
        survival=[dead("2024-02-20")],
    )
    assert course(data) == [("SCRN", "2024-01-01"), ("COMBO", "2024-01-15"), ("", "2024-02-20")]


def test_a_running_drug_continues_on_the_day_of_the_decision() -> None:
    data = prepared(
        A,
        subjects=[subject()],
        dosing=[dose("LENVATINIB", "2024-01-15", None, EXONGO="Y")],
        decision=[decided("CONTINUE")],
        survival=[alive("2025-06-20")],
    )
    assert course(data) == [
        ("SCRN", "2024-01-01"),
        ("COMBO", "2024-01-15"),
        ("CONT", "2024-04-15"),
        ("", "2025-06-20"),
    ]


def test_a_gap_after_the_decision_ends_with_the_first_dose() -> None:
    data = prepared(
        A,
        subjects=[subject()],
        dosing=[dose("LENVATINIB", "2024-01-15", "2024-04-10"), dose("LENVATINIB", "2024-05-01", None, EXONGO="Y")],
        decision=[decided("OTHER")],
        survival=[alive("2025-06-20")],
    )
    assert ("CONT", "2024-05-01") in course(data)


@pytest.mark.parametrize(("day", "continued"), [(dt.date(2024, 6, 14), False), (dt.date(2024, 6, 15), True)])
def test_surgery_that_was_decided_is_awaited_for_60_days(day: dt.date, continued: bool) -> None:
    data = prepared(
        A,
        day,
        subjects=[subject()],
        dosing=[dose("LENVATINIB", "2024-01-15", None, EXONGO="Y")],
        decision=[decided("SURGERY")],
        survival=[alive("2024-06-13")],
    )
    assert (("CONT", "2024-04-15") in course(data)) is continued


def test_a_subject_who_was_never_treated_is_in_screening_to_the_end() -> None:
    data = prepared(A, subjects=[subject()], disposition=[stopped("2024-01-20", scope="STUDY", why="OTHER")])
    assert course(data) == [("SCRN", "2024-01-01"), ("", "2024-01-20")]


def test_treatment_that_goes_on_at_the_cut_off_has_no_follow_up() -> None:
    data = prepared(
        A,
        subjects=[subject()],
        dosing=[dose("DURVALUMAB", "2025-04-01"), dose("DURVALUMAB", "2025-05-01"), dose("DURVALUMAB", "2025-06-01")],
        survival=[alive("2025-06-20")],
    )
    assert course(data)[-2:] == [("COMBO", "2025-04-01"), ("", "2025-06-20")]


def test_a_gap_longer_than_a_permanent_stop_is_follow_up() -> None:
    data = prepared(A, subjects=[subject()], dosing=[dose("DURVALUMAB", "2025-01-15")], survival=[alive("2025-06-20")])
    assert course(data)[-2:] == [("FU", "2025-01-16"), ("", "2025-06-20")]


def test_an_element_that_would_end_on_its_first_day_has_no_record() -> None:
    consent_and_dose = prepared(
        A, subjects=[subject("2024-01-15")], dosing=[dose("LENVATINIB", "2024-01-15", None, EXONGO="Y")]
    )
    assert course(consent_and_dose)[0] == ("COMBO", "2024-01-15")
    no_hold = prepared(
        A,
        subjects=[subject()],
        dosing=[dose("LENVATINIB", "2024-01-15", "2024-05-01")],
        procedures=[procedure("HEPATECTOMY", "2024-05-02")],
        survival=[alive("2024-05-20")],
    )
    assert [code for code, _ in course(no_hold)] == ["SCRN", "COMBO", "SURG", ""]


def test_the_last_element_may_end_on_its_first_day() -> None:
    data = to_surgery(survival=[dead("2024-05-02")])
    assert course(data)[-2:] == [("SURG", "2024-05-02"), ("", "2024-05-02")]


def test_a_dose_of_nothing_begins_no_element() -> None:
    data = to_surgery(dose("LENVATINIB", "2024-05-20", "2024-06-01", EXDOSE=0), dose("LENVATINIB", "2024-06-10"))
    assert ("CONT", "2024-06-10") in course(data)


def test_an_element_out_of_its_order_is_unplanned_and_says_what_it_was() -> None:
    data = prepared(
        A,
        subjects=[subject()],
        dosing=[dose("LENVATINIB", "2024-03-01", None, EXONGO="Y")],
        procedures=[procedure("HEPATECTOMY", "2024-02-01")],
        survival=[alive("2024-05-20")],
    )
    made = subject_elements(data)
    assert made is not None
    odd = made.frame.filter(pl.col("ETCD") == "UNPLAN")
    assert odd.select("ELEMENT", "TAETORD", "EPOCH", "SESTDTC", "SEUPDES").rows() == [
        (None, None, None, "2024-02-01", "Palliative Hepatectomy out of its planned order")
    ]
    assert made.frame.get_column("SESTDTC").is_sorted()


def test_trial_b_resected_and_treated_again() -> None:
    data = prepared(
        B,
        subjects=[subject()],
        dosing=[
            dose("CAMRELIZUMAB", "2024-01-16"),
            dose("APATINIB", "2024-01-16", "2024-03-10"),
            dose("CAMRELIZUMAB", "2024-05-01"),
        ],
        procedures=[procedure("IMRT", "2024-01-15", "2024-01-26"), procedure("HEPATECTOMY", "2024-03-20")],
        disposition=[stopped("2024-05-20")],
        survival=[alive("2025-06-20")],
    )
    assert course(data) == [
        ("SCRN", "2024-01-01"),
        ("NEOADJ", "2024-01-15"),
        ("HOLD", "2024-03-11"),
        ("SURG", "2024-03-20"),
        ("ADJ", "2024-05-01"),
        ("FU", "2024-05-02"),
        ("", "2025-06-20"),
    ]


def test_trial_b_without_hepatectomy_continues_after_the_time_for_it_or_is_followed_up() -> None:
    tables = {"procedures": [procedure("IMRT", "2024-01-15", "2024-01-26")], "survival": [alive("2025-06-20")]}
    goes_on = prepared(B, subjects=[subject()], dosing=[dose("APATINIB", "2024-01-16", None, EXONGO="Y")], **tables)
    assert course(goes_on)[2:] == [("ADJ", "2024-03-23"), ("", "2025-06-20")]  # day 57 after radiotherapy
    stops = prepared(B, subjects=[subject()], dosing=[dose("APATINIB", "2024-01-16", "2024-02-28")], **tables)
    assert course(stops)[2:] == [("FU", "2024-02-29"), ("", "2025-06-20")]


def test_branched_counts_along_each_path_and_names_the_arm() -> None:
    branched = A.model_copy(update={"parameters": {**A.parameters, "ta_model": "BRANCHED"}})
    data = prepared(
        branched,
        subjects=[subject(), subject(subjid="002"), subject(subjid="003")],
        dosing=[
            dose("LENVATINIB", "2024-01-15", None, EXONGO="Y"),
            dose("LENVATINIB", "2024-01-15", "2024-04-20", subjid="002"),
            dose("LENVATINIB", "2025-06-01", None, subjid="003", EXONGO="Y"),
        ],
        procedures=[procedure("HEPATECTOMY", "2024-05-02", subjid="002")],
        decision=[decided("CONTINUE")],
        survival=[alive("2025-06-20", s) for s in ("001", "002", "003")],
    )
    made = subject_elements(data)
    assert made is not None
    order = {
        who: part.select("ETCD", "TAETORD").rows()
        for (who,), part in made.frame.group_by("USUBJID", maintain_order=True)
    }
    assert order["PALHEP-A-01-001"] == [("SCRN", 1), ("COMBO", 2), ("CONT", 3)]
    assert order["PALHEP-A-01-002"] == [("SCRN", 1), ("COMBO", 2), ("HOLD", 3), ("SURG", 4), ("FU", 6)]
    assert arm_of(data).rows() == [
        ("001", "LOC-LEN-DUR-SYST", "Local Therapy + Lenvatinib + Durvalumab, then Systemic Treatment"),
        ("002", "LOC-LEN-DUR-SURG", "Local Therapy + Lenvatinib + Durvalumab, then Palliative Hepatectomy"),
        ("003", None, None),
    ]


def test_branched_demographics_have_the_arm_of_the_path_or_say_why_not() -> None:
    branched = A.model_copy(update={"parameters": {**A.parameters, "ta_model": "BRANCHED"}})
    data = prepared(
        branched,
        subjects=[subject(), subject(subjid="002"), subject(subjid="003", ENRLDAT=None)],
        dosing=[
            dose("LENVATINIB", "2024-01-15", None, EXONGO="Y"),
            dose("LENVATINIB", "2025-06-01", None, "002", EXONGO="Y"),
        ],
        decision=[decided("CONTINUE")],
        survival=[alive("2025-06-20", s) for s in ("001", "002")],
    )
    dm = map_study(data).datasets["DM"].frame
    assert dm.select("SUBJID", "ARMCD", "ACTARMCD", "ARMNRS").rows() == [
        ("001", "LOC-LEN-DUR-SYST", "LOC-LEN-DUR-SYST", None),
        ("002", None, None, "NOT ASSIGNED"),
        ("003", None, None, "NOT ASSIGNED"),
    ]


def test_branched_without_paths_is_an_error_of_the_study_file() -> None:
    wrong = B.model_copy(update={"parameters": {**B.parameters, "ta_model": "BRANCHED"}})
    with pytest.raises(SpecError, match=r"arm\.paths"):
        subject_elements(prepared(wrong, subjects=[subject()]))
    with pytest.raises(SpecError, match="SINGLE_ARM or BRANCHED"):
        arm_of(prepared(B.model_copy(update={"parameters": {**B.parameters, "ta_model": "TWO"}}), subjects=[subject()]))


def test_every_record_names_the_row_that_began_its_element() -> None:
    data = to_surgery(dose("LENVATINIB", "2024-06-10", "2024-10-01"))
    made = subject_elements(data)
    assert made is not None
    rows = {code: list(rid) for code, rid in made.frame.select("ETCD", "_from").iter_rows()}
    surgery = data.tidy["procedures"].frame.filter(pl.col("PRTRT") == "HEPATECTOMY").item(0, "_rid")
    assert rows["SURG"] == [surgery]
    first_after = data.tidy["dosing"].frame.filter(pl.col("EXSTDATC") == "2024-06-10").item(0, "_rid")
    assert rows["CONT"] == sorted([first_after, surgery])  # the dose, and the operation after which it is the first
    assert made.origin["SURG/SESTDTC"] == ("procedures.PRSTDAT",)
    assert made.origin["SEENDTC"] == ("SE.SESTDTC", "DM.RFPENDTC")
    assert made.frame.get_column("_block").to_list() == made.frame.get_column("ETCD").to_list()


def test_variables_are_those_of_the_guide_in_its_order() -> None:
    made = subject_elements(to_surgery())
    assert made is not None
    known = [v.name for v in guide.variables("SE")]
    names = [v.name for v in made.variables]
    assert names == [n for n in known if n in names]
    assert "SEUPDES" not in names


@pytest.mark.parametrize("study", [A, B], ids=["A", "B"])
def test_whatever_dates_are_typed_there_are_no_gaps_and_one_element_a_day(study: Study) -> None:
    rng = random.Random(7)
    drugs = sorted(study.regimens)
    people = [f"{n:03d}" for n in range(60)]

    def day() -> str:
        return (dt.date(2024, 1, 1) + dt.timedelta(days=rng.randrange(500))).isoformat()

    data = prepared(
        study,
        subjects=[subject(day(), who) for who in people],
        dosing=[dose(rng.choice(drugs), day(), rng.choice([None, day()]), who) for who in people for _ in range(4)],
        procedures=[procedure("HEPATECTOMY", day(), subjid=who) for who in people[::2]],
        survival=[rng.choice([alive, dead])(day(), subjid=who) for who in people],
    )
    made = subject_elements(data)
    assert made is not None
    frame = made.frame.with_columns(NEXT=pl.col("SESTDTC").shift(-1).over("USUBJID"))
    assert frame.filter(pl.col("ETCD") == "UNPLAN").height > 0
    assert frame.filter(pl.col("NEXT") != pl.col("SEENDTC")).is_empty()
    assert frame.filter(pl.col("SESTDTC") > pl.col("SEENDTC")).is_empty()
    assert frame.filter(pl.struct("USUBJID", "SESTDTC").is_duplicated()).is_empty()
    planned = frame.drop_nulls("TAETORD").with_columns(LATER=pl.col("TAETORD").shift(-1).over("USUBJID"))
    assert planned.filter(pl.col("LATER") <= pl.col("TAETORD")).is_empty()


THIRD = """\
id: third
studyid: RUN-3
title: A study with other elements
extend: [site_workbook, parameters]
sheets:
  Dosing: {columns: {Drug: {terms: {PLACEBO: [], ACTIVE: []}}}}
  Procedures: {columns: {Procedure: {terms: {ENDOSCOPY: []}}}}
anchors:
  START: {label: consent, sources: [{of: subjects.RFICDAT}]}
  D1: {label: first drug, sources: [{of: dosing.EXSTDAT}]}
schedule:
  - {name: HELLO, num: 1, anchor: D1, from: -5, to: 0}
  - {name: DAY 8, num: 2, anchor: D1, target: 7, window: 1}
arm:
  armcd: ONE
  arm: Run-in, then active
  elements:
    - {etcd: LEADIN, element: Lead-in, epoch: SCREENING, start: Consent, end: First drug, begins: [{anchor: START}]}
    - {etcd: RUNIN, element: Placebo Run-in, epoch: RUN-IN, start: First placebo, end: First active,
       begins: [{first: [PLACEBO]}]}
    - {etcd: ACT, element: Active, epoch: TREATMENT, start: First active, end: Seven days after the last active,
       begins: [{first: [ACTIVE]}]}
    - {etcd: WASH, element: Washout, epoch: FOLLOW-UP, start: Seven days after the last active, end: End of study,
       begins: [{last: [ACTIVE], plus: 7, settled: 14}]}
trial_summary:
  - {TSPARMCD: TITLE, TSVAL: A study with other elements}
"""


@pytest.fixture(scope="module")
def third(tmp_path_factory: pytest.TempPathFactory) -> Study:
    path: Path = tmp_path_factory.mktemp("third") / "third.yaml"
    path.write_text(THIRD, encoding="utf-8")
    return Study.load(str(path))


def test_a_third_study_needs_no_line_of_code(third: Study) -> None:
    data = prepared(
        third,
        subjects=[subject()],
        dosing=[dose("PLACEBO", "2024-01-05", "2024-01-11"), dose("ACTIVE", "2024-01-12", "2024-02-12")],
        survival=[alive("2024-06-01")],
    )
    assert course(data) == [
        ("LEADIN", "2024-01-01"),
        ("RUNIN", "2024-01-05"),
        ("ACT", "2024-01-12"),
        ("WASH", "2024-02-19"),
        ("", "2024-06-01"),
    ]


@pytest.mark.parametrize(
    ("found", "said"),
    [
        ("begins: [{first: [PLACEBO]}]", "begins: [{first: [PLACEBOO]}]"),
        ("begins: [{anchor: START}]", "begins: [{anchor: START, first: [ACTIVE]}]"),
        ("plus: 7", "plus: 7, before: {anchor: STRAT}"),
    ],
)
def test_a_typo_in_a_rule_is_told_with_its_line(found: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "typo.yaml"
    path.write_text(THIRD.replace(found, said), encoding="utf-8")
    with pytest.raises(SpecError, match=r"typo\.yaml:\d+:\d+: arm\.elements\.\d\.begins\.0"):
        Study.load(str(path))
