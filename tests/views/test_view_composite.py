"""Thrombus and composite response before surgery (cdiscx/views/composite.py); the tables behind it are standards.pvtt's."""

from __future__ import annotations

from typing import Any

from view_kit import Rows, changed, day, told, view_of

from cdiscx.model.spec import Study

B = Study.load("neopvtt-b")
DAYS = {"SCREENING": 0, "RESTAGING": 70, "PRE-OPERATIVE": 90, "UNSCHEDULED 1": 110, "POST-OP DAY 30": 150}


def lesion(visit: str, name: str = "T1", viable: float | None = 50, **more: Any) -> dict[str, Any]:
    return {"SUBJID": "S1", "VISIT": visit, "TRDAT": day(DAYS[visit]), "LESID": name, "TUORGAN": "Liver", "TRSTATUS": "MEASURED",
            "LDIAM": 60, "VDIAM": viable, "ARTPHASE": "Y"} | more  # fmt: skip


def other(visit: str, organ: str = "Liver", status: str = "PRESENT") -> dict[str, Any]:
    return {
        "SUBJID": "S1",
        "VISIT": visit,
        "TRDAT": day(DAYS[visit]),
        "LESID": "NT1",
        "TUORGAN": organ,
        "TRSTATUS": status,
    }


def new(visit: str, organ: str) -> dict[str, Any]:
    return {"SUBJID": "S1", "VISIT": visit, "TRDAT": day(DAYS[visit]), "LESID": "N1", "TUORGAN": organ, "CERTAIN": "UNEQUIVOCAL", "LDIAM": 15,
            "TYPENH": "Y"}  # fmt: skip


def answer(visit: str, stage: str | None = "II", flow: str | None = "N", **more: Any) -> dict[str, Any]:
    return {"SUBJID": "S1", "VISIT": visit, "RSDAT": day(DAYS[visit]), "OVRLRESP": "SD", "TRGRESP": "SD", "PVTTCLS": stage, "FLOWREST": flow,
            "PVTTRESP": None, "COMPRESP": "SD"} | more  # fmt: skip


def found(*columns: str, base: str | None = "II", study: Study = B, **tables: Rows) -> dict[str, tuple[Any, ...]]:
    given: dict[str, Rows] = {
        "subjects": [{"SUBJID": "S1", "PVTTCLS": base}],
        "dosing": [{"SUBJID": "S1", "EXTRT": "CAMRELIZUMAB", "EXSTDAT": day(10), "EXDOSE": 200}],
        "procedures": [{"SUBJID": "S1", "PRTRT": "HEPATECTOMY", "PRSTDAT": day(120), "RESLES": "T1"}],
        **tables,
    }  # fmt: skip
    frame = view_of("composite", study, given)
    return {r[0]: r[1:] for r in told(frame, "VISIT", *columns)}


SEEN = [lesion("SCREENING"), lesion("RESTAGING")]


def test_assessments_between_baseline_and_surgery_with_a_response_row_have_a_composite() -> None:
    rows = found("TP", targets=[*SEEN, lesion("PRE-OPERATIVE"), lesion("POST-OP DAY 30", "T2")],
                 responses=[answer(v) for v in ("SCREENING", "RESTAGING", "POST-OP DAY 30")])  # fmt: skip
    assert rows == {"RESTAGING": (1,)}


def test_the_primary_tumour_is_judged_by_target_and_the_other_lesions_of_the_liver_without_the_thrombus() -> None:
    gone = [lesion("SCREENING"), lesion("RESTAGING", viable=0)]
    told_ = ("PRIMNTRG", "PRIMRSP")
    assert found(*told_, targets=gone, responses=[answer("RESTAGING")])["RESTAGING"] == (None, "CR")
    present = [other("SCREENING"), other("RESTAGING")]
    assert found(*told_, targets=gone, nontargets=present, responses=[answer("RESTAGING")])["RESTAGING"] == (
        "NON-CR/NON-PD",
        "PR",
    )
    for organ in ("Portal vein", "Lung"):
        outside = [other("SCREENING", organ), other("RESTAGING", organ)]
        assert found(*told_, targets=gone, nontargets=outside, responses=[answer("RESTAGING")])["RESTAGING"] == (
            None,
            "CR",
        ), organ


def test_a_new_lesion_of_the_liver_is_progression_of_the_primary_tumour_one_elsewhere_is_not() -> None:
    told_ = ("PRIMNEW", "PRIMRSP")
    for organ, expected in {"Liver": ("Y", "PD"), "Lung": ("N", "SD"), "Portal vein": ("N", "SD")}.items():
        rows = found(*told_, targets=SEEN, newlesions=[new("RESTAGING", organ)], responses=[answer("RESTAGING")])
        assert rows["RESTAGING"] == expected, organ


def test_without_any_lesion_of_the_liver_the_primary_tumour_is_not_told_but_for_a_new_one() -> None:
    outside = [other("SCREENING", "Portal vein"), other("RESTAGING", "Portal vein")]
    told_ = ("PRIMRSP", "PRIMRULE")
    assert found(*told_, nontargets=outside, responses=[answer("RESTAGING")])["RESTAGING"] == (None, None)
    one = [other("SCREENING"), other("RESTAGING")]
    assert found("PRIMRSP", nontargets=one, responses=[answer("RESTAGING")])["RESTAGING"] == ("NON-CR/NON-PD",)
    fresh = found(
        "PRIMRSP", nontargets=outside, newlesions=[new("RESTAGING", "Liver")], responses=[answer("RESTAGING")]
    )
    assert fresh["RESTAGING"] == ("PD",)


def test_the_class_before_is_the_last_one_told_and_that_of_the_baseline_at_first() -> None:
    answers = [answer("RESTAGING", "I"), answer("PRE-OPERATIVE", None), answer("UNSCHEDULED 1", "III")]
    rows = found(
        "PREVCLS",
        "PREVVISIT",
        "STEPS",
        "CHANGE",
        targets=[lesion(v) for v in DAYS if v != "POST-OP DAY 30"],
        responses=answers,
    )
    assert rows == {
        "RESTAGING": ("II", None, -1, -1), "PRE-OPERATIVE": ("I", "RESTAGING", None, None), "UNSCHEDULED 1": ("I", "RESTAGING", 1, 2),
    }  # fmt: skip


def test_without_a_class_the_sites_own_thrombus_response_counts() -> None:
    told_ = ("DPVTTRESP", "PVTTRULE", "DCOMPRESP")
    own = found(*told_, targets=SEEN, responses=[answer("RESTAGING", None, PVTTRESP="PD")])["RESTAGING"]
    assert own == ("PD", None, "PD")
    both = found(*told_, targets=SEEN, responses=[answer("RESTAGING", "II", PVTTRESP="PD")])["RESTAGING"]
    assert both[0] == "SD"
    assert both[1]


def test_the_composite_by_the_sites_own_target_response_stands_beside_the_derived_one() -> None:
    rows = found(
        "PRIMRSP", "SITEPRIM", "DCOMPRESP", "SITECOMP", targets=SEEN, responses=[answer("RESTAGING", TRGRESP="PD")]
    )
    assert rows["RESTAGING"] == ("SD", "PD", "SD", "PD")


def test_subtypes_count_where_the_study_says_so() -> None:
    def steps(use: bool) -> tuple[Any, ...]:
        study = changed(B, parameters={**B.parameters, "pvtt_use_subtypes": use})
        return found("STEPS", base="IIa", study=study, targets=SEEN, responses=[answer("RESTAGING", "IIb")])[
            "RESTAGING"
        ]

    assert (steps(False), steps(True)) == ((0,), (1,))
