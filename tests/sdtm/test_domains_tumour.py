"""Lesions, measurements and responses: the worked example of sdtm-mapping section 5, and the traps around it."""

from pathlib import Path

import pytest
from site_sheets import PERSON, dose, mapped, records, target, visit

SCREENED, RESTAGED = "2023-01-30", "2023-03-20"


def pvtt(visit_name: str, date: str, status: str = "Present") -> dict[str, object]:
    return {
        "Subject ID": "001", "Visit": visit_name, "Assessment Date": date, "Lesion ID": "NT1", "Organ": "Portal vein",
        "Location": "Right portal branch", "Method": "CT", "Status": status,
    }  # fmt: skip


def test_the_worked_example_gives_exactly_its_records(tmp_path: Path) -> None:
    """sdtm-mapping section 5. LIVRRESP is not there: the site workbook has no column for it (trial-b 7)."""
    made = mapped(
        "neopvtt-b",
        tmp_path,
        {
            "Demographics": [{**PERSON, "PVTT Class": "II"}],
            "Visits": [visit("SCREENING", SCREENED), visit("RESTAGING", RESTAGED)],
            "Dosing": [dose("Camrelizumab", "2023-02-06", 200, "Q2W")],
            "Target Lesions": [
                target("SCREENING", SCREENED, Diameter="6.0 cm", **{"Viable Diameter": 60, "Arterial Phase": "Y"}),
                target("RESTAGING", RESTAGED, Diameter=58, **{"Viable Diameter": 20, "Arterial Phase": "Y"}),
            ],
            "Non-target Lesions": [pvtt("SCREENING", SCREENED), pvtt("RESTAGING", RESTAGED)],
            "Response": [
                {
                    "Subject ID": "001",
                    "Visit": "RESTAGING",
                    "Assessment Date": RESTAGED,
                    "Target Response": "PR",
                    "Non-target Response": "Non-CR/Non-PD",
                    "New Lesion": "N",
                    "Overall Response": "PR",
                    "PVTT Class": "I",
                    "PVTT Response": "PR",
                    "Composite Response": "PR",
                }
            ],
        },
    )
    seen = "TRIPLE-PHASE SPIRAL CT SCAN"
    assert records(
        made,
        "TU",
        "TUSEQ",
        "TULNKID",
        "TUTESTCD",
        "TUORRES",
        "TULOC",
        "TUMETHOD",
        "TULOBXFL",
        "VISITNUM",
        "TUDTC",
        "TUDY",
    ) == [
        (1, "NT01", "TUMIDENT", "NON-TARGET", "PORTAL VEIN, RIGHT BRANCH", seen, "Y", 1, SCREENED, -7),
        (2, "T01", "TUMIDENT", "TARGET", "LIVER, RIGHT LOBE ANTEROSUPERIOR SEGMENT", seen, "Y", 1, SCREENED, -7),
    ]
    # the example writes A1; rule 2.7 writes A01, and so do we
    assert records(
        made,
        "TR",
        "TRSEQ",
        "TRLNKGRP",
        "TRLNKID",
        "TRTESTCD",
        "TRORRES",
        "TRORRESU",
        "TRSTRESN",
        "VISITNUM",
        "TRDTC",
        "TRDY",
    ) == [
        (1, "A01", "NT01", "TUMSTATE", "PRESENT", None, None, 1, SCREENED, -7),
        (2, "A01", "T01", "LDIAM", "6.0", "cm", 60, 1, SCREENED, -7),
        (3, "A01", "T01", "VDIAM", "60", "mm", 60, 1, SCREENED, -7),
        (4, "A02", "NT01", "TUMSTATE", "PRESENT", None, None, 6, RESTAGED, 43),
        (5, "A02", "T01", "LDIAM", "58", "mm", 58, 6, RESTAGED, 43),
        (6, "A02", "T01", "VDIAM", "20", "mm", 20, 6, RESTAGED, 43),
    ]
    assert {row[1:] for row in records(made, "SUPPTR", "IDVARVAL", "QNAM", "QVAL")} == {("TRARTPH", "Y")}
    tumour = {
        row for row in records(made, "RS", "RSCAT", "RSTESTCD", "RSLNKGRP", "RSSTRESC", "RSDTC") if row[2] is not None
    }
    criterion, protocol = "MRECIST LENCIONI LIVER CANCER 2010", "PROTOCOL DEFINED RESPONSE CRITERIA"
    assert tumour == {
        (criterion, "TRGRESP", "A02", "PR", RESTAGED),
        (criterion, "NTRGRESP", "A02", "NON-CR/NON-PD", RESTAGED),
        (criterion, "NEWLIND", "A02", "N", RESTAGED),
        (criterion, "OVRLRESP", "A02", "PR", RESTAGED),
        ("CHENG PVTT CLASSIFICATION", "CHENGCLS", "A01", "II", SCREENED),
        ("CHENG PVTT CLASSIFICATION", "CHENGCLS", "A02", "I", RESTAGED),
        (protocol, "PVTTRESP", "A02", "PR", RESTAGED),
        (protocol, "OVRLRESP", "A02", "PR", RESTAGED),
    }


@pytest.fixture(scope="module")
def traps(tmp_path_factory: pytest.TempPathFactory) -> object:
    """One subject of the RECIST study with every status of a lesion."""
    w6, m3 = "2023-03-20", "2023-05-08"
    node = {"Organ": "Lymph node", "Location": "Porta hepatis"}
    return mapped(
        "palhep-a",
        tmp_path_factory.mktemp("traps"),
        {
            "Demographics": [PERSON],
            "Visits": [visit("SCREENING", SCREENED, Weight=67, ECOG=0), visit("WEEK 6 TUMOR ASSESSMENT", w6)],
            "Dosing": [dose("Durvalumab", "2023-02-06", 1500, "Q4W")],
            "Target Lesions": [
                target("SCREENING", SCREENED, Diameter=30, **{"Slice Thickness": 5}),
                target("SCREENING", SCREENED, "T2", Diameter=20),
                target("SCREENING", SCREENED, "T3", Diameter=25),
                target("SCREENING", SCREENED, "T4", **node, **{"Short Axis": 18}),
                target("SCREENING", SCREENED, "T5", Diameter=40, Organ="Lung", Location="Left upper lobe"),
                target("WEEK 6 TUMOR ASSESSMENT", w6, Status="Absent"),
                target("WEEK 6 TUMOR ASSESSMENT", w6, "T2", Status="Too small"),
                target("WEEK 6 TUMOR ASSESSMENT", w6, "T3", Status="Merged", Reason="Merged with T1"),
                target("WEEK 6 TUMOR ASSESSMENT", w6, "T4", **node, Status="Not evaluable", Reason="Motion artefact"),
                target("WEEK 6 TUMOR ASSESSMENT", w6, "T5.1", Diameter="1.5", Unit="cm", Organ="Lung"),
                target("MONTH 3 DECISION", m3, Evaluator="Radiologist 2", Diameter=11),
            ],
            "Non-target Lesions": [
                pvtt("SCREENING", SCREENED),
                pvtt("WEEK 6 TUMOR ASSESSMENT", w6, "Not evaluable"),
                {**pvtt("SCREENING", SCREENED), "Lesion ID": "NT2", "Organ": "Lymph node", "Location": "Mediastinum"},
                {**pvtt("MONTH 3 DECISION", m3, "Unequivocal progression")},
            ],
            "New Lesions": [
                {
                    "Subject ID": "001",
                    "Visit": "MONTH 3 DECISION",
                    "Assessment Date": m3,
                    "Lesion ID": "N1",
                    "Organ": "Bone",
                    "Location": "L3",
                    "Method": "MRI",
                    "Certainty": "Equivocal",
                    "Diameter": 12,
                    "Typical Enhancement": "N",
                }
            ],
            "Response": [
                {
                    "Subject ID": "001",
                    "Visit": "WEEK 6 TUMOR ASSESSMENT",
                    "Assessment Date": w6,
                    "Sum of Diameters": "20",
                    "Percent from Baseline": "-85.0",
                    "Target Response": "PR",
                    "Non-target Response": "Non-CR/Non-PD",
                    "New Lesion": "N",
                    "Overall Response": "PR",
                    "Clinical Deterioration": "Y",
                }
            ],
        },
    )


def test_every_status_of_a_target_gives_its_result(traps: object) -> None:
    rows = records(
        traps,
        "TR",
        "TRLNKGRP",
        "TRLNKID",
        "TRTESTCD",
        "TRORRES",
        "TRORRESU",
        "TRSTRESC",
        "TRSTRESN",
        "TRSTAT",
        "TRREASND",
    )  # type: ignore[arg-type]
    found = {(row[0], row[1], row[2]): row[3:] for row in rows if row[0] == "A02" and row[1] is not None}
    assert found["A02", "T01", "LDIAM"] == ("0", "mm", "0", 0, None, None)
    assert found["A02", "T02", "LDIAM"] == ("TOO SMALL TO MEASURE", None, "5", 5, None, None)
    assert found["A02", "T03", "LDIAM"] == ("TUMOR MERGED", None, "0", 0, None, None)
    assert found["A02", "T04", "LPERP"] == (None, None, None, None, "NOT DONE", "Motion artefact")
    assert found["A02", "T05.1", "LDIAM"] == ("1.5", "cm", "15", 15, None, None)
    assert found["A02", "NT01", "TUMSTATE"] == (None, None, None, None, "NOT DONE", "NOT EVALUABLE")
    assert ("A02", "T04", "LDIAM") not in found


def test_a_node_is_measured_by_its_short_axis_and_a_non_target_node_by_its_state(traps: object) -> None:
    rows = records(traps, "TR", "TRLNKGRP", "TRLNKID", "TRTESTCD", "TRORRES", "TRSTRESC")  # type: ignore[arg-type]
    assert ("A01", "T04", "LPERP", "18", "18") in rows
    assert ("A01", "NT02", "LNSTATE", "PRESENT", "PATHOLOGICAL") in rows
    assert ("A03", "NT01", "TUMSTATE", "UNEQUIVOCAL PROGRESSION", "UNEQUIVOCAL") in rows


def test_links_of_readers_splits_and_new_lesions_are_unique(traps: object) -> None:
    rows = records(traps, "TU", "TULNKID", "TUTESTCD", "TUORRES", "TULOC", "TUEVAL", "TUEVALID")  # type: ignore[arg-type]
    links = {row[0]: row[1:] for row in rows}
    assert len(links) == len(rows)
    lung, investigator = "LUNG, LEFT UPPER LOBE", "INVESTIGATOR"
    assert links["T05.1"] == ("TUSPLIT", "TARGET", "LUNG", investigator, None)
    assert links["T05"] == ("TUMIDENT", "TARGET", lung, investigator, None)
    assert links["T04"][2] == "PORTA HEPATIS LYMPH NODE"
    assert links["NEW01"] == ("TUMIDENT", "NEW", "L3 VERTEBRA", investigator, None)
    assert links["R2-T01"][3:] == ("INDEPENDENT ASSESSOR", "RADIOLOGIST 2")
    assert ("R2-A01", "R2-T01") in records(traps, "TR", "TRLNKGRP", "TRLNKID")  # type: ignore[arg-type]


def test_a_new_lesion_has_a_state_and_its_size(traps: object) -> None:
    rows = records(traps, "TR", "TRLNKID", "TRGRPID", "TRTESTCD", "TRSTRESC")  # type: ignore[arg-type]
    assert {row for row in rows if row[1] == "NEW"} == {
        ("NEW01", "NEW", "TUMSTATE", "EQUIVOCAL"),
        ("NEW01", "NEW", "LDIAM", "12"),
    }


def test_what_the_site_calculated_is_kept_as_collected(traps: object) -> None:
    rows = records(traps, "TR", "TRLNKID", "TRGRPID", "TRTESTCD", "TRORRES", "TRORRESU", "TRSTRESN", "TRLNKGRP")  # type: ignore[arg-type]
    assert (None, "TARGET", "SUMDIAM", "20", "mm", 20, "A02") in rows
    assert (None, "TARGET", "PCBSD", "-85.0", "%", -85, "A02") in rows


def test_what_has_no_variable_is_in_the_supplemental_qualifiers(traps: object) -> None:
    tumours = {row[1:] for row in records(traps, "SUPPTU", "IDVARVAL", "QNAM", "QVAL")}  # type: ignore[arg-type]
    assert {("TULOCTXT", "Bone, L3"), ("TUORGAN", "LYMPH NODE"), ("TUNODAL", "Y"), ("TUCERT", "EQUIVOCAL")} <= tumours
    results = {row[1:] for row in records(traps, "SUPPTR", "IDVARVAL", "QNAM", "QVAL")}  # type: ignore[arg-type]
    assert {("TRSLTHK", "5"), ("TRSTRSN", "Merged with T1"), ("TRTYPENH", "N")} <= results
    assert ("TRSTRSN", "Motion artefact") not in results


def test_baseline_is_flagged_once_a_lesion_and_never_n(traps: object) -> None:
    rows = records(traps, "TR", "TRLNKID", "TRLNKGRP", "TRTESTCD", "TRLOBXFL")  # type: ignore[arg-type]
    assert {row[3] for row in rows} == {"Y", None}
    flagged = {row[0] for row in rows if row[3] == "Y"}
    assert flagged == {"T01", "T02", "T03", "T04", "T05", "NT01", "NT02"}


def test_responses_are_those_of_the_study_s_criterion(traps: object) -> None:
    rows = records(traps, "RS", "RSCAT", "RSTESTCD", "RSORRES", "RSSTRESC")  # type: ignore[arg-type]
    assert {row for row in rows if row[0] == "RECIST 1.1"} == {
        ("RECIST 1.1", "TRGRESP", "PR", "PR"),
        ("RECIST 1.1", "NTRGRESP", "NON-CR/NON-PD", "NON-CR/NON-PD"),
        ("RECIST 1.1", "NEWLIND", "N", "N"),
        ("RECIST 1.1", "OVRLRESP", "PR", "PR"),
    }
    assert ("PROTOCOL DEFINED RESPONSE CRITERIA", "SYMPTDTR", "PD", "PD") in rows


def test_classifications_of_demographics_stand_on_the_screening_visit(traps: object) -> None:
    rows = records(traps, "RS", "RSCAT", "RSTESTCD", "RSSTRESC", "VISITNUM", "RSDTC", "RSLNKGRP", "RSEVAL")  # type: ignore[arg-type]
    plain = (1, SCREENED, None, "INVESTIGATOR")
    assert ("BCLC", "BCLCSTG", "C", *plain) in rows
    assert ("CHILD-PUGH CLASSIFICATION", "CPS0106", "7", *plain) in rows
    assert ("CHILD-PUGH CLASSIFICATION", "CPS0107", "B", *plain) in rows
    # the screening visit has its own ECOG, so that of Demographics gives no second record
    assert [row[2:4] for row in rows if row[1] == "ECOG101"] == [("0", 1)]


def test_non_target_lesions_need_no_sheet_of_targets(tmp_path: Path) -> None:
    made = mapped(
        "palhep-a",
        tmp_path,
        {
            "Demographics": [PERSON],
            "Visits": [visit("SCREENING", SCREENED)],
            "Non-target Lesions": [pvtt("SCREENING", SCREENED)],
        },
    )
    assert records(made, "TU", "TULNKID", "TUORRES") == [("NT01", "NON-TARGET")]
    assert records(made, "TR", "TRLNKID", "TRTESTCD", "TRSTRESC") == [("NT01", "TUMSTATE", "PRESENT")]
