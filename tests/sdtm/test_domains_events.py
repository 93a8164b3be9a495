"""Events, laboratory, vital signs, pathology, history, status, hospital stays: from the sheets to the records."""

from pathlib import Path

import pytest
from site_sheets import PERSON, Row, dose, mapped, records, visit

from cdiscx.sdtm import Mapped

SCREENED = "2023-01-30"


def event(number: int, **more: object) -> Row:
    return {
        "Subject ID": "001", "AE Number": number, "Term": "Diarrhoea", "Preferred Term": "Diarrhoea",
        "System Organ Class": "Gastrointestinal disorders", "Start Date": "2023-03-01", "End Date": "2023-03-05",
        "CTCAE Grade": 2, "Serious": "N", "Related To": "None", "Action Taken": "Lenvatinib: None; Durvalumab: None",
        "Outcome": "Recovered", **more,
    }  # fmt: skip


def lab(test: str, result: object, unit: str, low: object = "", high: object = "", date: str = SCREENED) -> Row:
    return {
        "Subject ID": "001", "Visit": "SCREENING", "Sample Date": date, "Test": test, "Result": result, "Unit": unit,
        "Normal Low": low, "Normal High": high,
    }  # fmt: skip


def contact(date: str, **more: object) -> Row:
    return {"Subject ID": "001", "Contact Date": date, "Status": "Alive", **more}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Mapped:
    """One subject of the study with palliative hepatectomy."""
    pathology = {"Subject ID": "001", "Specimen Date": "2023-06-01"}
    return mapped(
        "palhep-a",
        tmp_path_factory.mktemp("events"),
        {
            "Demographics": [PERSON],
            "Visits": [
                visit("SCREENING", SCREENED, Weight="134 jin"),
                visit("DAY 1", "2023-02-06", Weight=66),
                visit("SURGERY", "2023-06-01"),
                visit("SURVIVAL FOLLOW-UP 1", "2023-09-01"),
            ],
            "Dosing": [dose("Durvalumab", "2023-02-06", 1500, "Q4W"), dose("Lenvatinib", "2023-02-06", 12, "QD")],
            "Procedures": [
                {
                    "Subject ID": "001",
                    "Procedure": "Hepatectomy",
                    "Start Date": "2023-06-01",
                    "Residual Tumour": "R1",
                    "Admission Date": "2023-05-30",
                    "Discharge Date": "2023-06-10",
                    "Readmission Date": "2023-06-20",
                }
            ],
            "Pathology": [
                {**pathology, "Nodule": "1", "Viable Tumour %": 5, "Necrosis %": "90", "Fibrosis %": 5, "Diameter": 42},
                {**pathology, "Nodule": "OVERALL", "Viable Tumour %": "8.5", "Margin mm": 0, "MPR": "Y", "pCR": "N"},
                {
                    "Subject ID": "001",
                    "Specimen Date": "2023-01-28",
                    "Specimen": "Biopsy",
                    "Biomarker": "PD-L1 TPS",
                    "Biomarker Result": "5",
                },
            ],
            "Adverse Events": [
                event(1, **{"Action Taken": "Lenvatinib: Dose reduced; Durvalumab: None", "Related To": "Lenvatinib"}),
                event(2, Ongoing="Y", **{"End Date": "", "Start Date": "2023-03", "Outcome": "Not recovered"}),
                event(
                    3,
                    Serious="Y",
                    Outcome="Recovered with sequelae",
                    **{
                        "Serious Criterion": "Hospitalization; Life threatening",
                        "Surgical Complication": "Y",
                        "Clavien-Dindo": "IIIb",
                        "Start Date": "2023-06-03",
                        "Related To": "Hepatectomy; Lenvatinib; Durvalumab; TACE",
                    },
                ),
            ],
            "Survival": [
                contact("2023-09-01"),
                contact("2023-12-01", **{"New Anticancer Therapy": "Y", "New Therapy Name": "Regorafenib", "New Therapy Date": "2023-11"}),
                contact("2024-02-01", **{"New Anticancer Therapy": "Y", "New Therapy Name": "Regorafenib", "New Therapy Date": "2023-11"}),
                contact("2024-03-01", Status="Lost to follow-up"),
                contact("2024-05-01", Status="Dead", **{"Death Date": "2024-04", "Cause of Death": "Hepatocellular carcinoma"}),
            ],
            "Labs": [
                lab("AFP", 400, "ng/mL", 0, 7),
                lab("BILI", 1, "mg/dL", "0.2", "1.2"),
                lab("ALB", "3.0", "g/dL", "3.5", "5.0"),
                lab("CREAT", 2, "mg/dL", "0.5", "1.2"),
                lab("PLAT", 150, "x10^9/L", 125, 350),
                lab("INR", "1.1", "", "0.8", "1.2"),
                lab("PIVKA-II", "<20", "mAU/mL", "", 40),
            ],
        },
    )  # fmt: skip


def test_actions_that_differ_are_multiple_and_stand_drug_by_drug(made: Mapped) -> None:
    rows = records(made, "AE", "AESPID", "AEACN", "AEREL", "AEOUT", "AETOXGR")
    assert {row[0]: row[1:] for row in rows} == {
        "1": ("MULTIPLE", "MULTIPLE", "RECOVERED/RESOLVED", "2"),
        "2": ("DOSE NOT CHANGED", "N", "NOT RECOVERED/NOT RESOLVED", "2"),
        "3": ("DOSE NOT CHANGED", "Y", "RECOVERED/RESOLVED WITH SEQUELAE", "2"),
    }
    sequence = {row[0]: str(row[1]) for row in records(made, "AE", "AESPID", "AESEQ")}
    more = {row[1:] for row in records(made, "SUPPAE", "IDVAR", "IDVARVAL", "QNAM", "QVAL") if row[1] == sequence["1"]}
    assert more == {
        (sequence["1"], "AEACNLEN", "DOSE REDUCED"),
        (sequence["1"], "AEACNDUR", "DOSE NOT CHANGED"),
        (sequence["1"], "AERELLEN", "Y"),
        (sequence["1"], "AERELDUR", "N"),
        (sequence["1"], "AERELLOC", "N"),
        (sequence["1"], "AERELSUR", "N"),
    }
    grades = {
        row[1:] for row in records(made, "SUPPAE", "IDVAR", "IDVARVAL", "QNAM", "QVAL") if row[1] == sequence["3"]
    }
    assert grades == {(sequence["3"], "AECDGR", "IIIb"), (sequence["3"], "AESURGFL", "Y")}


def test_the_labels_of_the_qualifiers_name_the_treatment(made: Mapped) -> None:
    labels = dict(records(made, "SUPPAE", "QNAM", "QLABEL"))
    assert labels["AEACNLEN"] == "Action Taken with lenvatinib"
    assert labels["AERELLOC"] == "Relationship to local therapy"
    assert labels["AECDGR"] == "Clavien-Dindo Grade"


def test_criteria_of_seriousness_are_flags(made: Mapped) -> None:
    rows = records(made, "AE", "AESPID", "AESER", "AESHOSP", "AESLIFE", "AESDTH", "AESMIE")
    assert ("3", "Y", "Y", "Y", None, None) in rows
    assert ("1", "N", None, None, None, None) in rows


def test_an_ongoing_event_has_no_end_and_a_partial_start_stays_partial(made: Mapped) -> None:
    """Both days lie between the last dose before the operation and the operation: EPOCH SURGERY."""
    rows = records(made, "AE", "AESPID", "AESTDTC", "AEENDTC", "AESTDY", "AEENRTPT", "AEENTPT", "EPOCH")
    assert ("2", "2023-03", None, None, "ONGOING", "END OF STUDY", "SURGERY") in rows
    assert ("1", "2023-03-01", "2023-03-05", 24, None, None, "SURGERY") in rows


@pytest.mark.parametrize(
    ("test", "expected"),
    [
        ("AFP", ("400", "ug/L", "400", 400, "ug/L", 0, 7, "HIGH", "SERUM")),
        ("BILI", ("1", "mg/dL", "17.1", 17.1, "umol/L", 3.42, 20.52, "NORMAL", "SERUM")),
        ("ALB", ("3.0", "g/dL", "30", 30, "g/L", 35, 50, "LOW", "SERUM")),
        ("CREAT", ("2", "mg/dL", "176.8", 176.8, "umol/L", 44.2, 106.08, "HIGH", "SERUM")),
        ("INR", ("1.1", None, "1.1", 1.1, None, 0.8, 1.2, "NORMAL", "PLASMA")),
        ("PIVKAII", ("<20", "mAU/mL", "<20", None, "mAU/mL", None, 40, None, "SERUM")),
    ],
)
def test_a_laboratory_result_is_brought_to_the_standard_unit(
    made: Mapped, test: str, expected: tuple[object, ...]
) -> None:
    """sdtm-mapping 4.11: mg/dL x 17.1, x 88.4, g/dL x 10; ng/mL is submitted as ug/L; `<20` has no number."""
    rows = records(
        made, "LB", "LBTESTCD", "LBORRES", "LBORRESU", "LBSTRESC", "LBSTRESN", "LBSTRESU", "LBSTNRLO", "LBSTNRHI", "LBNRIND",
        "LBSPEC",
    )  # fmt: skip
    assert [row[1:] for row in rows if row[0] == test] == [expected]


def test_weight_keeps_the_unit_it_was_written_in(made: Mapped) -> None:
    rows = records(made, "VS", "VSTESTCD", "VSORRES", "VSORRESU", "VSSTRESN", "VSSTRESU", "VISITNUM", "VSLOBXFL")
    assert rows == [
        ("HEIGHT", "170", "cm", 170, "cm", 1, "Y"),
        ("WEIGHT", "134", "jin", 67, "kg", 1, None),
        ("WEIGHT", "66", "kg", 66, "kg", 2, "Y"),
    ]


def test_a_specimen_is_known_by_its_operation_and_its_nodule(made: Mapped) -> None:
    rows = records(
        made, "MI", "MIREFID", "MISPID", "MITESTCD", "MITSTDTL", "MIORRES", "MISTRESN", "MISTRESU", "MIMETHOD"
    )
    stain = "HEMATOXYLIN AND EOSIN STAIN"
    assert set(rows) == {
        ("SP1", "1", "VIABTUM", None, "5", 5, "%", stain),
        ("SP1", "1", "NECRTUM", None, "90", 90, "%", stain),
        ("SP1", "1", "FIBROSIS", None, "5", 5, "%", stain),
        ("SP1", "OVERALL", "VIABTUM", None, "8.5", 8.5, "%", stain),
        ("SP1", "OVERALL", "SGMGDIST", None, "0", 0, "mm", None),
        ("BX1", None, "PDL1", "TUMOR PROPORTION SCORE", "5", 5, None, "IHC"),
    }
    assert ("SP1",) in records(made, "PR", "PRLNKID")
    assert {row[0] for row in records(made, "MI", "MISPEC")} == {"TUMOR TISSUE"}


def test_the_pathologist_s_reading_is_kept_and_never_derived(made: Mapped) -> None:
    rows = records(made, "RS", "RSTESTCD", "RSSTRESC", "RSEVAL", "RSDTC", "VISITNUM")
    assert ("PATHRESP", "MAJOR PATHOLOGIC RESPONSE", "PATHOLOGIST", "2023-06-01", 9) in rows
    assert ("MJPTHIND", "Y", "PATHOLOGIST", "2023-06-01", 9) in rows
    assert ("AJCC105", "R1", "INVESTIGATOR", "2023-06-01", 9) in rows
    assert ("RSPCR", "N") in records(made, "SUPPRS", "QNAM", "QVAL")


def test_the_diagnosis_is_history(made: Mapped) -> None:
    assert records(made, "MH", "MHTERM", "MHCAT", "MHEVDTYP", "MHSTDTC") == [
        ("HEPATOCELLULAR CARCINOMA", "PRIMARY DIAGNOSIS", "INITIAL DIAGNOSIS", "2023-01")
    ]


def test_a_filled_date_has_its_study_day_beside_it_even_if_it_is_partial(made: Mapped) -> None:
    for name in ("MH", "CM"):
        frame = made.datasets[name].frame
        assert frame.get_column(f"{name}STDTC").null_count() == 0
        assert frame.get_column(f"{name}STDY").null_count() == frame.height


def test_a_contact_tells_the_status_and_a_lost_one_is_unknown(made: Mapped) -> None:
    assert records(made, "SS", "SSDTC", "SSTESTCD", "SSSTRESC", "VISITNUM") == [
        ("2023-09-01", "SURVSTAT", "ALIVE", 100),
        ("2023-12-01", "SURVSTAT", "ALIVE", None),
        ("2024-02-01", "SURVSTAT", "ALIVE", None),
        ("2024-03-01", "SURVSTAT", "UNKNOWN", None),
        ("2024-05-01", "SURVSTAT", "DEAD", None),
    ]


def test_the_cause_of_death_is_a_death_detail(made: Mapped) -> None:
    assert records(made, "DD", "DDTESTCD", "DDTEST", "DDORRES", "DDDTC") == [
        ("PRCDTH", "Primary Cause of Death", "Hepatocellular carcinoma", "2024-05-01")
    ]


def test_a_new_therapy_that_two_contacts_tell_is_one(made: Mapped) -> None:
    assert records(made, "CM", "CMTRT", "CMCAT", "CMSTDTC") == [("Regorafenib", "NEW ANTI-CANCER THERAPY", "2023-11")]


def test_the_stay_of_the_operation_and_the_readmission_are_encounters(made: Mapped) -> None:
    assert records(made, "HO", "HOCAT", "HODECOD", "HOSTDTC", "HOENDTC") == [
        ("INDEX SURGERY", "HOSPITAL STAY", "2023-05-30", "2023-06-10"),
        ("READMISSION", "HOSPITAL STAY", "2023-06-20", None),
    ]


def test_the_order_of_the_records_does_not_hang_on_the_order_of_the_rows(made: Mapped, tmp_path: Path) -> None:
    labs = [lab("BILI", 1, "mg/dL"), lab("ALB", 30, "g/L"), lab("ALB", 31, "g/L", date="2023-01-29")]
    sheets = {"Demographics": [PERSON], "Visits": [visit("SCREENING", SCREENED)]}
    forth = mapped("palhep-a", tmp_path / "forth", {**sheets, "Labs": labs})
    back = mapped("palhep-a", tmp_path / "back", {**sheets, "Labs": labs[::-1]})
    names = ("LBSEQ", "LBTESTCD", "LBDTC", "LBSTRESC")
    assert records(forth, "LB", *names) == records(back, "LB", *names) == [
        (1, "ALB", "2023-01-29", "31"),
        (2, "ALB", SCREENED, "30"),
        (3, "BILI", SCREENED, "17.1"),
    ]  # fmt: skip


def test_rows_of_a_subject_that_demographics_does_not_list_are_no_source_of_dm(tmp_path: Path) -> None:
    sheets: dict[str, list[Row]] = {
        "Demographics": [PERSON],
        "Visits": [visit("SCREENING", SCREENED)],
        "Laboratory": [{**lab("ALT", 30, "U/L", 0, 40, "2023-05-01"), "Subject ID": "099"}],
    }
    stranger = mapped("palhep-a", tmp_path, sheets)
    assert stranger.datasets["DM"].origin["subjects/RFPENDTC"] == ("subjects.ENRLDAT",)
    own = mapped("palhep-a", tmp_path, {**sheets, "Laboratory": [{**sheets["Laboratory"][0], "Subject ID": "001"}]})
    assert own.datasets["DM"].origin["subjects/RFPENDTC"] == ("labs.LBDAT",)
