"""DM, EX, PR, DS and SUPP-- from small uploads: dates of the course, doses, sessions, dispositions, long text."""

from pathlib import Path

import polars as pl
import pytest
from site_sheets import PERSON, mapped, records

A, B = "palhep-a", "neopvtt-b"


def _dose(
    drug: str, start: str, amount: object = 1500, unit: str = "mg", frequency: str = "Q4W", **more: object
) -> dict[str, object]:
    return {"Subject ID": "001", "Drug": drug, "Start Date": start, "End Date": "", "Dose": amount, "Dose Unit": unit,
            "Frequency": frequency, **more}  # fmt: skip


def _procedure(name: str, start: str, **more: object) -> dict[str, object]:
    return {"Subject ID": "001", "Procedure": name, "Start Date": start, **more}


COURSE = {
    "Demographics": [PERSON],
    "Dosing": [
        _dose("Durvalumab", "2023-02-10"),
        _dose("Durvalumab", "2023-03-10", 0),
        _dose("Lenvatinib", "2023-02-08", 12, frequency="QD", **{"End Date": "2023-03-01"}),
        _dose("Lenvatinib", "2023-03-05", 8, frequency="QD", Ongoing="Y", **{"Dose Changed": "Reduced", "Change Reason": "Adverse event"}),
    ],
    "Procedures": [_procedure("TACE", "2023-02-06", Location="Liver")],
}  # fmt: skip


def test_a_dose_of_nothing_is_no_exposure_and_a_running_interval_keeps_its_end_blank(tmp_path: Path) -> None:
    made = mapped(A, tmp_path / "up", COURSE)
    assert records(made, "EX", "EXSEQ", "EXTRT", "EXDOSE", "EXDOSFRQ", "EXSTDTC", "EXENDTC", "EXSTDY", "EXADJ") == [
        (1, "DURVALUMAB", 1500.0, "ONCE", "2023-02-10", "2023-02-10", 5, None),
        (2, "LENVATINIB", 12.0, "QD", "2023-02-08", "2023-03-01", 3, None),
        (3, "LENVATINIB", 8.0, "QD", "2023-03-05", None, 28, "ADVERSE EVENT"),
    ]
    assert (("3", "EXONGO", "Y")) in records(made, "SUPPEX", "IDVARVAL", "QNAM", "QVAL")


def test_a_drug_that_was_stopped_for_progression_says_so_in_the_words_of_a_term(tmp_path: Path) -> None:
    stop = _dose("Lenvatinib", "2023-02-08", 12, frequency="QD", **{
        "End Date": "2023-03-01", "Dose Changed": "Discontinued", "Change Reason": "Progressive disease"})  # fmt: skip
    made = mapped(A, tmp_path / "up", COURSE | {"Dosing": [stop]})
    assert records(made, "EX", "EXTRT", "EXADJ") == [("LENVATINIB", "PROGRESSIVE DISEASE")]


def test_first_exposure_may_lie_after_the_first_treatment(tmp_path: Path) -> None:
    made = mapped(A, tmp_path / "up", COURSE)
    assert records(made, "DM", "RFSTDTC", "RFXSTDTC", "RFXENDTC", "RFENDTC", "ARMCD", "ACTARMCD", "ARMNRS") == [
        ("2023-02-06", "2023-02-08", "2023-03-05", "2023-03-05", "LOC-LEN-DUR-PH", "LOC-LEN-DUR-PH", None)
    ]


def test_there_is_no_study_day_0(tmp_path: Path) -> None:
    made = mapped(A, tmp_path / "up", COURSE | {"Procedures": [
        _procedure("TACE", "2023-02-06"), _procedure("Other", "2023-02-05"), _procedure("Other", "2023-02-07")]})  # fmt: skip
    assert records(made, "PR", "PRSTDTC", "PRSTDY") == [("2023-02-06", 1), ("2023-02-05", -1), ("2023-02-07", 2)]


def test_drugs_of_a_session_bear_the_number_of_its_procedure(tmp_path: Path) -> None:
    made = mapped(A, tmp_path / "up", COURSE | {
        "Dosing": [_dose("Oxaliplatin", day, 85, "mg/m2", "Q3W", Route=route)
                   for day, route in (("2023-02-06", ""), ("2023-02-28", "Intra-arterial"))],
        "Procedures": [_procedure("HAIC", "2023-02-28"), _procedure("HAIC", "2023-02-06"), _procedure("TACE", "2023-03-30")]})  # fmt: skip
    assert records(made, "EX", "EXSTDTC", "EXLNKID", "EXROUTE", "EXCAT") == [
        ("2023-02-06", "HA1", "INTRA-ARTERIAL", "LOCAL THERAPY"),
        ("2023-02-28", "HA2", "INTRA-ARTERIAL", "LOCAL THERAPY"),
    ]
    assert records(made, "PR", "PRTRT", "PRSTDTC", "PRLNKID") == [
        ("HAIC", "2023-02-06", "HA1"), ("HAIC", "2023-02-28", "HA2"), ("TACE", "2023-03-30", None)]  # fmt: skip


def test_a_course_of_radiotherapy_is_one_record_with_its_sums_in_supp(tmp_path: Path) -> None:
    course = {"Location": "Liver and portal vein", "Total Dose": 30, "Dose Unit": "Gy", "Fractions": 10}
    made = mapped(B, tmp_path / "up", {
        "Demographics": [{**PERSON, "PVTT Class": "II"}],
        "Procedures": [_procedure("IMRT", "2023-02-06", **{"End Date": "2023-02-17"}, **course)]})  # fmt: skip
    assert records(made, "PR", "PRGRPID", "PRDECOD", "PRLOC", "PRDOSE", "PRENDTC") == [
        ("RT1", "INTENSITY-MODULATED RADIATION THERAPY", "MULTIPLE", None, "2023-02-17")
    ]
    found = {name: (value, origin) for name, value, origin in records(made, "SUPPPR", "QNAM", "QVAL", "QORIG")}
    assert found == {
        "PRDOSFRX": ("3", "Derived"), "PRDOSTOT": ("30", "Collected"), "PRNFRAC": ("10", "Collected"),
        "PRTOTU": ("Gy", "Collected"), "PRLOC1": ("LIVER", "Collected"), "PRLOC2": ("PORTAL VEIN", "Collected"),
    }  # fmt: skip


def test_milestones_and_ends_are_dispositions_each_in_its_category(tmp_path: Path) -> None:
    rows = [{"Subject ID": "001", "Event": "Withdrew consent", "Scope": scope, "Treatment": drug, "Date": day, "Reason": ""}
            for scope, drug, day in (("Treatment", "Lenvatinib", "2023-05-01"), ("Study", "", "2023-06-01"))]  # fmt: skip
    made = mapped(A, tmp_path / "up", COURSE | {"Disposition": rows, "Decision": [
        {"Subject ID": "001", "Decision Date": "2023-05-08", "Month 3 Response": "SD", "Branch": "Surgery", "Reason": ""}]})  # fmt: skip
    assert records(made, "DS", "DSCAT", "DSSCAT", "DSDECOD", "DSGRPID", "DSSTDTC") == [
        ("PROTOCOL MILESTONE", None, "INFORMED CONSENT OBTAINED", None, "2023-01-25"),
        ("PROTOCOL MILESTONE", None, "ENTERED INTO TRIAL", None, "2023-02-01"),
        ("DISPOSITION EVENT", "STUDY TREATMENT", "WITHDRAWAL BY SUBJECT", "LENVATINIB", "2023-05-01"),
        ("OTHER EVENT", None, "SURGERY BRANCH", None, "2023-05-08"),
        ("DISPOSITION EVENT", "STUDY PARTICIPATION", "WITHDRAWAL BY SUBJECT", None, "2023-06-01"),
    ]


@pytest.mark.parametrize(("more", "reason"), [
    ({"Enrolment Date": ""}, "NOT ASSIGNED"),
    ({}, "ASSIGNED, NOT TREATED"),
])  # fmt: skip
def test_who_was_not_treated_has_no_actual_arm_and_a_reason(tmp_path: Path, more: dict[str, str], reason: str) -> None:
    made = mapped(A, tmp_path / "up", {"Demographics": [{**PERSON, **more}]})
    assert records(made, "DM", "ACTARMCD", "ACTARM", "ARMNRS", "RFSTDTC") == [(None, None, reason, None)]


def test_who_left_before_enrolment_is_a_screen_failure(tmp_path: Path) -> None:
    left = {
        "Subject ID": "001",
        "Event": "Other",
        "Scope": "Study",
        "Treatment": "",
        "Date": "2023-02-01",
        "Reason": "BCLC A",
    }
    made = mapped(A, tmp_path / "up", {"Demographics": [{**PERSON, "Enrolment Date": ""}], "Disposition": [left]})
    assert records(made, "DM", "ARMCD", "ARMNRS") == [(None, "SCREEN FAILURE")]


def test_age_is_counted_from_the_birth_date_and_taken_as_collected_where_that_is_partial(tmp_path: Path) -> None:
    people = [{**PERSON, "Subject ID": "001", "Birth Date": "1968-01-26", "Age": ""},
              {**PERSON, "Subject ID": "002", "Birth Date": "1968-01-25", "Age": ""},
              {**PERSON, "Subject ID": "003", "Birth Date": "1968", "Age": "55"},
              {**PERSON, "Subject ID": "004", "Birth Date": "1968", "Age": ""}]  # fmt: skip
    made = mapped(A, tmp_path / "up", {"Demographics": people})
    assert records(made, "DM", "SUBJID", "BRTHDTC", "AGE", "AGEU") == [
        ("001", "1968-01-26", 54, "YEARS"), ("002", "1968-01-25", 55, "YEARS"),
        ("003", "1968", 55, "YEARS"), ("004", "1968", None, None)]  # fmt: skip


def test_several_races_are_multiple_with_each_of_them_in_supp(tmp_path: Path) -> None:
    people = [
        {**PERSON, "Race": "Asian；White", "Country": "中国"},
        {**PERSON, "Subject ID": "002", "Race": "", "Country": "CHN"},
    ]
    made = mapped(A, tmp_path / "up", {"Demographics": people})
    assert records(made, "DM", "RACE", "COUNTRY") == [("MULTIPLE", "CHN"), ("NOT REPORTED", "CHN")]
    assert records(made, "SUPPDM", "IDVAR", "IDVARVAL", "QNAM", "QVAL") == [
        (None, None, "RACE1", "ASIAN"), (None, None, "RACE2", "WHITE")]  # fmt: skip


@pytest.mark.parametrize("rows", [
    {"Survival": [{"Subject ID": "001", "Contact Date": "2024-01-09", "Status": "Dead", "Death Date": "2024-01", "Cause of Death": ""}]},
    {"Disposition": [{"Subject ID": "001", "Event": "Death", "Scope": "Study", "Treatment": "", "Date": "2024-01-05", "Reason": ""}]},
])  # fmt: skip
def test_a_death_is_flagged_even_where_its_date_is_partial_or_unknown(
    tmp_path: Path, rows: dict[str, list[dict[str, object]]]
) -> None:
    made = mapped(A, tmp_path / "up", COURSE | rows)
    assert records(made, "DM", "DTHFL", "DTHDTC") == [("Y", "2024-01" if "Survival" in rows else None)]


def test_text_beyond_200_characters_goes_on_in_supp(tmp_path: Path) -> None:
    reason = "a" * 199 + "b" + "c" * 200 + "d" * 20
    rows = [
        {
            "Subject ID": "001",
            "Event": "Other",
            "Scope": "Study",
            "Treatment": "",
            "Date": "2023-06-01",
            "Reason": reason,
        }
    ]
    made = mapped(A, tmp_path / "up", COURSE | {"Disposition": rows})
    pieces = dict(records(made, "SUPPDS", "QNAM", "QVAL"))
    assert pieces["DSREAS"] + pieces["DSREAS1"] + pieces["DSREAS2"] == reason
    assert max(len(str(p)) for p in pieces.values()) == 200


def test_a_subject_without_demographics_and_a_row_without_subject_are_noted_and_give_no_record(tmp_path: Path) -> None:
    strange = [
        *COURSE["Dosing"],
        _dose("Durvalumab", "2023-02-10") | {"Subject ID": "099"},
        _dose("Durvalumab", "2023-02-10") | {"Subject ID": ""},
    ]
    made = mapped(A, tmp_path / "up", COURSE | {"Dosing": strange})
    assert made.datasets["EX"].frame.height == 3
    assert any("EX: 1 rows of subjects without a Demographics row" in note and "099" in note for note in made.notes)
    assert any("EX: 1 rows without a subject" in note for note in made.notes)


def test_a_subject_listed_twice_has_one_record_and_no_copies_elsewhere(tmp_path: Path) -> None:
    made = mapped(A, tmp_path / "up", COURSE | {"Demographics": [PERSON, {**PERSON, "Sex": "F"}]})
    assert records(made, "DM", "SUBJID", "SEX") == [("001", "M")]
    assert made.datasets["EX"].frame.height == 3
    assert made.datasets["EX"].frame.get_column("EXSEQ").to_list() == [1, 2, 3]


def test_a_value_outside_a_codelist_is_kept_and_noted(tmp_path: Path) -> None:
    made = mapped(A, tmp_path / "up", COURSE | {"Demographics": [{**PERSON, "Race": "Martian"}]})
    assert records(made, "DM", "RACE") == [("Martian",)]
    assert any("'Martian' is no term of" in note and "closed codelist" in note for note in made.notes)
    assert [t.value for t in made.codelists["C74457"].terms if t.extended] == ["Martian"]


def test_an_upload_of_one_sheet_alone_is_mapped_without_failing(tmp_path: Path) -> None:
    made = mapped(A, tmp_path / "up", {"Dosing": COURSE["Dosing"]})
    assert "DM" not in made.datasets
    assert "EX" not in made.datasets
    assert any("without a Demographics row" in note for note in made.notes)


def test_the_same_upload_gives_the_same_records_whatever_the_order_of_its_rows(tmp_path: Path) -> None:
    one = mapped(A, tmp_path / "up", COURSE)
    other = mapped(A, tmp_path / "down", COURSE | {"Dosing": COURSE["Dosing"][::-1]})
    for name in ("EX", "SUPPEX", "DM"):
        assert one.datasets[name].public.equals(other.datasets[name].public)


def test_permissible_variables_that_stay_empty_are_dropped_and_expected_ones_kept(tmp_path: Path) -> None:
    made = mapped(A, tmp_path / "up", COURSE)
    names = [v.name for v in made.datasets["DM"].variables]
    assert "ETHNIC" not in names
    assert {"DTHDTC", "DTHFL", "ARMNRS", "ACTARMUD"} <= set(names)
    assert made.datasets["DM"].frame.schema["AGE"] == pl.Int64


def test_an_operation_and_a_biopsy_bear_the_names_of_their_specimens(tmp_path: Path) -> None:
    specimen = {"Subject ID": "001", "Nodule": "1", "Viable Tumour %": 10, "Specimen Date": "2023-05-02"}
    made = mapped(B, tmp_path / "up", {
        "Demographics": [{**PERSON, "PVTT Class": "II"}],
        "Procedures": [_procedure("IMRT", "2023-02-06"), _procedure("Hepatectomy", "2023-05-01")],
        "Pathology": [specimen, {**specimen, "Specimen": "Biopsy", "Specimen Date": "2023-01-20"}]})  # fmt: skip
    links = dict(records(made, "PR", "PRTRT", "PRLNKID"))
    assert links == {"IMRT": None, "HEPATECTOMY": "SP1", "BIOPSY": "BX1"}
    assert {ref for (ref,) in records(made, "MI", "MIREFID")} <= {"SP1", "BX1"}
