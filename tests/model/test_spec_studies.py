"""The two bundled studies: every number of the trial documents is in the study files, and the words in them are unique."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from cdiscx.model.errors import SpecError
from cdiscx.model.spec import Study
from cdiscx.model.spec_file import bundled, data_folder
from cdiscx.model.spec_links import heading
from cdiscx.samples import synonyms as samples
from cdiscx.standards.criterion import criterion

A, B = "palhep-a", "neopvtt-b"
STUDIES = (A, B)

# The catalogue's index, column "Trials": what belongs to one of the two only.
ONLY_A = {"VIS-006", "VIS-007", "DOS-001", "DOS-002", "DOS-003", "DOS-013", "END-003", "END-007", "END-016"}
ONLY_B = {
    *("VIS-008", "DOS-004", "DOS-011", "DOS-012", "MEA-020", "MEA-021", "MEA-022", "MEA-023", "MEA-024"),
    *("END-010", "END-015", "END-017", "SUR-005"),
}

# Parameters: (name, value in A, value in B, where the documents give it)
PARAMETERS = [
    ("reenrol_days", 365, 365, "STR-005"),
    ("recent_start_days", 14, 14, "STR-007"),
    ("year_min", 1900, 1900, "DAT-001"),
    ("routine_days", 28, 28, "DAT-005"),
    ("death_grace_days", 0, 0, "DAT-007"),
    ("coding_grace_days", 30, 30, "TRM-004"),
    ("vis_grace_days", 14, 14, "VIS-002"),
    ("baseline_scan_days", 28, 28, "VIS-005"),
    ("week6_target_days", 42, 42, "VIS-006, trial A 8.1"),
    ("week6_window_days", 7, 7, "VIS-006, trial A 8.1"),
    ("month3_target_days", 91, 91, "VIS-007, trial A 5"),
    ("month3_window_days", 14, 14, "VIS-007, trial A 5"),
    ("restaging_min_days", 14, 14, "VIS-008"),
    ("restaging_to_surgery_days", 42, 42, "VIS-008"),
    ("postop_scan_min_days", 14, 14, "VIS-009"),
    ("postop_scan_max_days", 45, 45, "VIS-009"),
    ("scan_spread_days", 14, 14, "VIS-010, R11-X-2"),
    ("followup_gap_days", 98, 98, "VIS-011"),
    ("preop_hold_days", 7, 7, "DOS-007, trial A 4.4"),
    ("cam_interval_days", 14, 14, "DOS-004, trial B 4.2"),
    ("oral_gap_days", 28, 28, "DOS-005"),
    ("oral_boundary_days", 1, 1, "DOS-006"),
    ("pd_continue_days", 28, 28, "DOS-009"),
    ("local_first_max_days", 28, 28, "DOS-013"),
    ("tace_min_days", 21, 21, "DOS-013"),
    ("haic_min_days", 17, 17, "DOS-013"),
    ("haic_delay_max_days", 35, 35, "DOS-013, ruling 21"),
    ("component_start_days", 28, 28, "DOS-014"),
    ("ae_action_before_days", 3, 3, "DOS-015"),
    ("ae_action_after_days", 14, 14, "DOS-015"),
    ("cumulative_tolerance_pct", 2, 2, "DOS-016"),
    ("rdi_min_pct", 30, 30, "DOS-016"),
    ("rdi_max_pct", 110, 110, "DOS-016"),
    ("decision_treatment_days", 42, 42, "DOS-017"),
    ("rt_total_gy", 30, 30, "DOS-011, trial B 4.2"),
    ("rt_fractions", 10, 10, "DOS-011, trial B 4.2"),
    ("rt_gy_per_fraction", 3, 3, "DOS-011, trial B 4.2"),
    ("rt_tolerance_gy", 0.1, 0.1, "DOS-011"),
    ("rt_total_tolerance_pct", 5, 5, "DOS-011"),
    ("rt_gap_days", 7, 7, "DOS-012"),
    ("rt_weekend_gap_days", 4, 4, "DOS-012"),
    ("treatment_max_months", 24, 12, "trial A 9.12, trial B 4.3"),
    ("max_targets", 5, 5, "MEA-001"),
    ("max_targets_per_organ", 2, 2, "MEA-001"),
    ("min_target_mm", 10, 10, "MEA-002"),
    ("min_node_target_mm", 15, 15, "MEA-002"),
    ("porta_hepatis_node_mm", 20, 20, "MR-M-6"),
    ("mrecist_min_viable_mm", 10, 10, "MR-M-1"),
    ("node_long_axis_mm", 40, 40, "MEA-003"),
    ("node_jump_ratio", 1.5, 1.5, "MEA-003"),
    ("unit_mix_ratio_low_min", 0.085, 0.085, "MEA-005"),
    ("unit_mix_ratio_low_max", 0.12, 0.12, "MEA-005"),
    ("unit_mix_ratio_min", 8.5, 8.5, "MEA-005"),
    ("unit_mix_ratio_max", 12, 12, "MEA-005"),
    ("unit_mix_small_mm", 3, 3, "MEA-005"),
    ("unit_mix_large_cm", 30, 30, "MEA-005"),
    ("implausible_mm", 300, 300, "MEA-006"),
    ("jump_pct", 60, 60, "MEA-006"),
    ("jump_mm", 30, 30, "MEA-006"),
    ("jump_days", 60, 60, "MEA-006"),
    ("sum_tolerance_mm", 0.5, 0.5, "MEA-007"),
    ("percent_tolerance_pp", 0.5, 0.5, "MEA-012"),
    ("pvtt_jump_steps", 2, 2, "MEA-021"),
    ("mrecist_small_pd_mm", 5, 5, "MEA-023"),
    ("mrecist_pd_abs_mm", 0, 0, "MR-T-PD-1"),
    ("copied_visits", 3, 3, "MEA-027"),
    ("child_pugh_days", 7, 7, "MEA-028"),
    ("sd_min_days", 35, 28, "response criteria 1.7"),
    ("conf_days", 28, 28, "response criteria 1.7"),
    ("rebaseline_after_surgery", True, True, "trial A 7"),
    ("pvtt_use_subtypes", False, False, "trial B 9.11"),
    ("pvtt_gone_is_cr", False, False, "trial B 8.7"),
    ("composite_max_days", 91, 91, "trial B 8.7"),
    ("response_source", "SITE", "SITE", "ADaM 5"),
    ("orr_population", "DURVALUMAB", "DURVALUMAB", "trial A 8.1"),
    ("no_scan_days", 84, 84, "END-002"),
    ("decision_surgery_days", 60, 60, "END-007"),
    ("r_status_days", 30, 30, "END-008"),
    ("pathology_days", 60, 60, "END-009"),
    ("pathology_missing_severity", "warning", "error", "END-009"),
    ("pathology_sum_tolerance_pct", 5, 5, "END-009"),
    ("mpr_max_pct", 10, 10, "END-009"),
    ("disposition_gap_days", 182, 182, "END-014"),
    ("one_year_days", 365, 365, "END-015"),
    ("one_year_grace_days", 28, 28, "END-015"),
    ("diagnosis_wait_days", 90, 90, "END-016"),
    ("baseline_weight_required", True, False, "END-004"),
    ("last_followup_is", "CENSOR", "CENSOR", "trials 9.1"),
    ("missed_assessment_rule", "CENSOR", "CENSOR", "trials 8"),
    ("no_assessment_days", 112, 196, "CNSR 2"),
    ("efs_censor_date", "LAST_TUMOUR_ASSESSMENT", "LAST_TUMOUR_ASSESSMENT", "trial B 8.2"),
    ("efs_uses_composite_pd", False, False, "trial B 8.2"),
    ("no_surgery_is_efs_event", False, False, "trial B 5"),
    ("dfs_population", "HEPATECTOMY", "HEPATECTOMY", "trial B 8.4"),
    ("days_per_month", 30.4375, 30.4375, "ADaM 1.8"),
    ("pfs_landmark_days", 547, 547, "ADaM 9"),
    ("surgery_date_tolerance_days", 1, 1, "SUR-001"),
    ("surgery_after_rt_min_days", 28, 28, "SUR-002"),
    ("surgery_after_rt_max_days", 56, 56, "SUR-002"),
    ("surgery_after_decision_days", 42, 42, "SUR-002"),
    ("complication_days", 90, 90, "SUR-003"),
    ("stay_max_nights", 60, 60, "SUR-004"),
    ("stay_min_nights", 2, 2, "SUR-004"),
    ("mortality_days", 30, 30, "SUR-005"),
    ("readmission_days", 30, 30, "trial B 8.8"),
    ("hospital_sae_days", 3, 3, "SAF-003"),
    ("relation_late_days", 90, 90, "SAF-005"),
    ("relation_late_immuno_days", 180, 180, "SAF-005"),
    ("withdrawal_before_days", 3, 3, "SAF-006, ruling 17"),
    ("withdrawal_after_days", 14, 14, "SAF-006"),
    ("lab_ae_days", 7, 7, "SAF-007"),
    ("lab_on_treatment_days", 30, 30, "SAF-007"),
    ("dili_alt_uln", 3, 3, "SAF-008"),
    ("dili_bili_uln", 2, 2, "SAF-008"),
    ("dili_days", 14, 14, "SAF-008"),
    ("uln_ratio_min", 0.001, 0.001, "SAF-009"),
    ("uln_ratio_max", 1000, 1000, "SAF-009"),
    ("weight_min_kg", 30, 30, "SAF-010"),
    ("weight_max_kg", 200, 200, "SAF-010"),
    ("weight_change_pct", 15, 15, "SAF-010"),
]

# Visits: name, number, anchor, first and last allowed day after it (trial A 6, trial B 6)
VISITS = {
    A: [
        ("SCREENING", 1, "D1", -28, -1),
        ("DAY 1", 2, "D1", 0, 0),
        ("WEEK 3", 3, "D1", 18, 24),
        ("WEEK 4", 4, "DURVA1", 25, 31),
        ("WEEK 6 TUMOR ASSESSMENT", 5, "DURVA1", 35, 49),
        ("WEEK 8", 6, "DURVA1", 53, 59),
        ("MONTH 3 DECISION", 7, "D1", 84, 98),
        ("PRE-OPERATIVE", 8, "SURG", -7, -1),
        ("SURGERY", 9, "SURG", 0, 0),
        ("POST-OP DAY 30", 10, "SURG", 25, 35),
        ("END OF TREATMENT", 90, "LASTDOSE", 23, 37),
    ],
    B: [
        ("SCREENING", 1, "D1", -28, -1),
        ("DAY 1", 2, "D1", 0, 0),
        ("WEEK 2", 3, "CAMRE1", 11, 17),
        ("END OF RADIOTHERAPY", 4, "RTEND", 0, 3),
        ("WEEK 4", 5, "D1", 25, 31),
        ("RESTAGING", 6, "RTEND", 21, 35),
        ("PRE-OPERATIVE", 7, "SURG", -7, -1),
        ("SURGERY", 8, "SURG", 0, 0),
        ("DISCHARGE", 9, "DISCH", 0, 0),
        ("POST-OP DAY 30", 10, "SURG", 25, 35),
        ("POST-OP DAY 90", 11, "SURG", 83, 97),
        ("END OF TREATMENT", 90, "LASTDOSE", 23, 37),
    ],
}
SERIES = {
    A: [("CONTINUATION CYCLE", 20, 28, 3), ("TUMOR ASSESSMENT", 50, 56, 7), ("SURVIVAL FOLLOW-UP", 100, 84, 14)],
    B: [("ADJUVANT CYCLE", 20, 14, 3), ("TUMOR ASSESSMENT", 50, 84, 14), ("SURVIVAL FOLLOW-UP", 100, 84, 14)],
}


@pytest.fixture(params=STUDIES)
def study(request: pytest.FixtureRequest) -> Study:
    return Study.load(request.param)


def test_both_studies_travel_with_the_package_and_load_in_any_case() -> None:
    assert set(bundled()) == {A, B}
    assert Study.load("PALHEP-A").studyid == "PALHEP-A"
    assert Study.load(" NeoPvtt-B ").studyid == "NEOPVTT-B"


def test_a_study_cannot_be_changed_after_loading(study: Study) -> None:
    with pytest.raises(ValidationError):
        study.title = "another"  # type: ignore[misc]


@pytest.mark.parametrize(("name", "in_a", "in_b", "cited"), PARAMETERS, ids=[p[0] for p in PARAMETERS])
def test_the_documents_numbers_are_in_the_study_files(name: str, in_a: object, in_b: object, cited: str) -> None:
    assert (Study.load(A).p(name), Study.load(B).p(name)) == (in_a, in_b), cited


def test_an_unknown_parameter_is_an_error_for_the_author_of_the_study(study: Study) -> None:
    with pytest.raises(SpecError, match="no_such_parameter"):
        study.p("no_such_parameter")


@pytest.mark.parametrize("name", STUDIES)
def test_the_schedule_is_the_documents_schedule(name: str) -> None:
    found = [(v.name, v.num, v.anchor, *_edges(v)) for v in Study.load(name).schedule if v.repeat is None]
    assert found == VISITS[name]


def _edges(visit: object) -> tuple[int, int]:
    v = visit
    if v.target is None:  # type: ignore[attr-defined]
        return v.from_, v.to  # type: ignore[attr-defined]
    early = v.window if v.before is None else v.before  # type: ignore[attr-defined]
    late = v.window if v.after is None else v.after  # type: ignore[attr-defined]
    return v.target - early, v.target + late  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", STUDIES)
def test_the_numbered_series_are_the_documents_series(name: str) -> None:
    assert [(v.name, v.num, v.every, v.window) for v in Study.load(name).schedule if v.repeat] == SERIES[name]


def test_checks_of_the_catalogue_own_the_visits_that_carry_an_endpoint() -> None:
    owned = {(s, v.name): v.judged_by for s in STUDIES for v in Study.load(s).schedule if v.judged_by}
    assert owned == {
        (A, "WEEK 6 TUMOR ASSESSMENT"): "VIS-006",
        (A, "MONTH 3 DECISION"): "VIS-007",
        (B, "RESTAGING"): "VIS-008",
    }
    assert [v.name for v in Study.load(A).schedule if v.primary] == ["WEEK 6 TUMOR ASSESSMENT"]


def test_three_visits_of_b_may_come_in_any_order() -> None:  # catalogue 15.6
    group = [v.name for v in Study.load(B).schedule if v.any_order == "radiotherapy"]
    assert group == ["WEEK 2", "END OF RADIOTHERAPY", "WEEK 4"]


def test_gap_limits_are_those_of_the_documents() -> None:  # trial A 8.3 CNSR 4: 112, 126, 182; trial B 8.2: 196
    a, b = Study.load(A).assessments, Study.load(B).assessments
    assert a is not None
    assert b is not None
    assert [a.gap_limit(p) for p in (a.before_origin, *a.phases)] == [112, 126, 182]
    assert [b.gap_limit(p) for p in (b.before_origin, *b.phases)] == [196, 196]
    assert [(p.anchor, p.offset) for p in a.origins] == [("SURG", 30), ("D1", 91)]
    assert [(p.anchor, p.offset) for p in b.origins] == [("SURG", 30), ("RTEND", 28)]
    assert a.phases[0].until is not None
    assert (a.phases[0].until.anchor, a.phases[0].until.offset) == ("ENROL", 548)  # catalogue 15.7
    assert (a.no_assessment_days, b.no_assessment_days) == (112, 196)


def test_the_series_of_assessments_has_the_interval_of_the_plan(study: Study) -> None:
    plan = study.assessments
    assert plan is not None
    series = next(v for v in study.schedule if v.name == plan.visit)
    assert (series.every, series.window) == (plan.phases[0].every, plan.phases[0].window)


def test_durvalumab_is_given_as_the_trial_document_says() -> None:  # trial A 4.2 to 4.4, DOS-001, DOS-017
    r = Study.load(A).regimens["DURVALUMAB"]
    assert (r.amount, r.unit, r.interval, r.window) == (1500, "mg", 28, 3)
    assert (r.error_below, r.warn_above, r.error_above) == (21, 56, 84)
    assert (r.light_below_kg, r.light_amount, r.light_unit, r.light_tolerance_pct) == (30, 20, "mg/kg", 10)
    assert (r.hold_days, r.hold_severity, r.restart_min, r.restart_max, r.start_to) == (7, "error", 21, 42, 14)
    assert r.immunotherapy


def test_lenvatinib_is_given_as_the_trial_document_says() -> None:  # trial A 4.2 to 4.4, DOS-002, DOS-003
    r = Study.load(A).regimens["LENVATINIB"]
    assert (r.amount, r.start_weight_kg, r.start_amount_below) == (12, 60, 8)
    assert [(x.amount, x.frequency) for x in r.levels] == [(12, "QD"), (8, "QD"), (4, "QD"), (4, "QOD")]
    assert (r.hold_days, r.hold_severity, r.restart_min, r.restart_max, r.start_to) == (7, "error", 14, 42, 7)
    assert list(r.averages.values()) == [6]


def test_haic_drugs_are_given_as_the_trial_document_says() -> None:  # trial A 4.2
    regimens = Study.load(A).regimens
    found = {n: (r.amount, *r.also) for n, r in regimens.items() if r.group == "HAIC"}
    assert found == {"OXALIPLATIN": (85,), "LEUCOVORIN": (400,), "FLUOROURACIL": (400, 2400)}
    assert all(not r.systemic and r.unit == "mg/m2" for r in regimens.values() if r.group == "HAIC")


def test_the_drugs_of_b_are_given_as_the_trial_document_says() -> None:  # trial B 4.2, 4.3, DOS-004, DOS-007
    cam, apa = (Study.load(B).regimens[n] for n in ("CAMRELIZUMAB", "APATINIB"))
    assert (cam.amount, cam.interval, cam.window, cam.error_below, cam.warn_above, cam.error_above) == (
        *(200, 14, 3),
        *(10, 42, 84),
    )
    assert (cam.hold_days, cam.hold_severity, cam.restart_min, cam.restart_max) == (14, "warning", 28, 56)
    assert (apa.amount, apa.hold_days, apa.hold_severity, apa.restart_min, apa.restart_max) == (
        *(250, 7, "warning"),
        *(28, 56),
    )
    assert [(x.amount, x.frequency) for x in apa.levels] == [(250, "QD"), (250, "QOD")]
    assert (cam.start_to, apa.start_to) == (7, 7)


def test_radiotherapy_keeps_its_identity() -> None:  # trial B 4.2: total = fractions x dose per fraction
    b = Study.load(B)
    assert b.p("rt_total_gy") == b.p("rt_fractions") * b.p("rt_gy_per_fraction")


def test_the_criterion_is_the_published_one_unless_a_parameter_says_otherwise(study: Study) -> None:
    assert study.criterion is not None
    assert criterion(study.criterion.name, **study.criterion.overrides) == criterion(study.criterion.name)


def test_the_criteria_are_those_of_the_documents() -> None:
    names = [c.name for s in STUDIES if (c := Study.load(s).criterion)]
    assert names == ["RECIST 1.1", "MRECIST"]


def test_eligibility_has_the_severities_of_end_018() -> None:
    found = {n: c.severity for s in STUDIES for n, c in Study.load(s).eligibility.items() if c.column or c.rule}
    assert {n for n, s in found.items() if s == "error"} == {"A-INC-01", "B-INC-02"}
    assert {n for n, s in found.items() if s == "warning"} == {
        *("A-INC-02", "A-INC-03", "A-INC-04", "A-INC-05", "B-INC-03", "B-INC-04"),
        *("B-INC-05a", "B-INC-05b", "B-INC-05c", "B-EXC-01"),
    }


def test_a_subject_without_thrombus_fails_one_criterion_only() -> None:
    criteria = Study.load(B).eligibility
    failed = [n for n, c in criteria.items() if c.column == "subjects.PVTTCLS" and "NONE" not in c.one_of]
    assert failed == ["B-INC-02"]


def test_checks_are_off_exactly_where_the_catalogue_gives_them_to_the_other_trial() -> None:
    assert {c for c, s in Study.load(A).checks.items() if s.off} == ONLY_B
    assert {c for c, s in Study.load(B).checks.items() if s.off} == ONLY_A


def test_end_008_is_a_warning_in_a_only() -> None:
    assert {c: s.severity for c, s in Study.load(A).checks.items() if s.severity} == {"END-008": "warning"}
    assert not [c for c, s in Study.load(B).checks.items() if s.severity]


def test_the_same_endpoint_name_has_another_rule_in_the_other_trial() -> None:  # trial B 10
    a, b = Study.load(A).endpoints, Study.load(B).endpoints
    assert (a["OS"].start, b["OS"].start) == ("DIAG", "D1")
    assert (a["OSENR"].start, a["PFS"].start, b["EFS"].start, b["DFS"].start) == ("ENROL", "ENROL", "D1", "SURG")
    assert [n for n, e in a.items() if e.primary] == ["RSP6W"]
    assert [n for n, e in b.items() if e.primary] == ["EFS"]
    assert b["DFS"].population == "RESFL"


def test_end_004_asks_for_the_dates_that_the_catalogue_names() -> None:
    required = {s: {n for n, a in Study.load(s).anchors.items() if a.required} for s in STUDIES}
    assert required == {A: {"CONSENT", "ENROL", "D1", "DURVA1", "SURG"}, B: {"CONSENT", "ENROL", "D1", "RTEND", "SURG"}}


def test_blanks_belong_to_the_check_that_owns_them() -> None:  # catalogue 15.1, 15.4
    a, b = Study.load(A), Study.load(B)

    def owner(study: Study, table: str, column: str) -> str | None:
        found = study.column(table, column)
        assert found is not None
        return found.silent_blank

    assert (owner(a, "subjects", "DIAGDAT"), owner(b, "subjects", "DIAGDAT")) == ("END-003", None)
    assert (owner(a, "subjects", "WEIGHT"), owner(b, "subjects", "WEIGHT")) == ("END-004", None)
    assert owner(b, "subjects", "PVTTCLS") == "END-011"
    assert owner(a, "ae", "AETOXGR") == "SAF-001"
    assert owner(a, "dosing", "EXDOSE") == "DOS-010"
    start = a.column("procedures", "PRSTDAT")
    assert start is not None
    assert (start.silent_blank, dict(start.silent_where)) == ("END-004", {"PRTRT": ("HEPATECTOMY",)})
    diagnosis = [s.column("subjects", "DIAGDAT") for s in (a, b)]
    assert [c.full_date for c in diagnosis if c] == [None, "diagnosis"]


def test_mandatory_sheets_are_those_of_the_contract() -> None:
    optional = {s: {n for n, x in Study.load(s).sheets.items() if not x.mandatory} for s in STUDIES}
    assert optional == {A: {"New Lesions", "Labs", "Pathology"}, B: {"New Lesions", "Labs"}}
    assert "Decision" in Study.load(A).sheets
    assert "Decision" not in Study.load(B).sheets


def test_a_spelling_means_one_thing_in_its_place(study: Study) -> None:
    for where, spellings in _spellings(study):
        owners: dict[str, str] = {}
        for meaning, words in spellings.items():
            for word in words:
                assert owners.setdefault(heading(word), meaning) == meaning, f"{where}: '{word}'"


def _spellings(study: Study) -> list[tuple[str, dict[str, tuple[str, ...]]]]:
    out = [("sheets", {n: (n, *s.synonyms) for n, s in study.sheets.items()})]
    for name, sheet in study.sheets.items():
        out.append((name, {h: (h, *c.synonyms) for h, c in sheet.columns.items()}))
        out += [(f"{name} {h}", {t: (t, *w) for t, w in c.terms.items()}) for h, c in sheet.columns.items()]
        out += [(f"{name} {h}", {t: (t, *w) for t, w in c.keys.items()}) for h, c in sheet.columns.items()]
    return out


def test_every_sheet_and_heading_has_english_and_chinese_synonyms(study: Study) -> None:
    def chinese(words: tuple[str, ...]) -> bool:
        return any("一" <= letter <= "鿿" for word in words for letter in word)

    for name, sheet in study.sheets.items():
        assert chinese(sheet.synonyms), name
        assert not all(chinese((w,)) for w in sheet.synonyms), name
        for header, column in sheet.columns.items():
            assert chinese(column.synonyms), f"{name} {header}"


def test_headings_that_the_samples_use_are_known(study: Study) -> None:
    for sheet in study.sheets.values():
        for header, column in sheet.columns.items():
            known = {heading(word) for word in (header, *column.synonyms)}
            used = {*samples.ENGLISH.get(header, ()), *samples.CHINESE.get(header, ())}
            assert {w for w in used if heading(w) not in known} == set(), header


def test_words_for_nothing_are_no_terms_unless_the_term_wins_on_purpose(study: Study) -> None:
    assert set(samples.MISSING_WORDS) <= set(study.missing_words)
    nothing = {word.casefold() for word in study.missing_words}
    both = {
        term
        for sheet in study.sheets.values()
        for column in sheet.columns.values()
        for term, words in column.terms.items()
        if nothing & {w.casefold() for w in (term, *words)}
    }
    assert both <= {"UNKNOWN", "NOT EVALUABLE"}


def test_drugs_read_by_their_chinese_names() -> None:
    names = {
        "度伐利尤单抗": "DURVALUMAB",
        "仑伐替尼": "LENVATINIB",
        "卡瑞利珠单抗": "CAMRELIZUMAB",
        "阿帕替尼": "APATINIB",
    }
    found = {
        word: term
        for s in STUDIES
        if (column := Study.load(s).column("dosing", "EXTRT"))
        for term, words in column.terms.items()
        for word in words
    }
    assert {word: found[word] for word in names} == names


def test_expectations_are_numbered_and_speak_plainly(study: Study) -> None:
    assert [e.id for e in study.expectations] == [f"EXP-{i:03}" for i in range(1, len(study.expectations) + 1)]
    for expectation in study.expectations:
        assert expectation.severity == "note", expectation.id
        assert expectation.message.endswith("."), expectation.id
        assert expectation.fix.endswith("."), expectation.id
        # a share or a distribution needs rows to be judged on; only single values are judged from the first row
        share = (
            expectation.kwargs.get("mostly", 1.0) < 1 or "quantile" in expectation.type or "mean" in expectation.type
        )
        assert expectation.min_rows >= (10 if share else 1), expectation.id


def test_every_study_file_names_its_schema() -> None:
    for file in sorted(data_folder("specs").rglob("*.yaml")):
        first = file.read_text(encoding="utf-8").splitlines()[0]
        prefix = "# yaml-language-server: $schema="
        assert first.startswith(prefix), file.name
        assert (file.parent / first.removeprefix(prefix)).resolve().name == "study-file.schema.json", file.name
