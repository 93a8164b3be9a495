"""TA, TE, TV, TI and TS of both trials: content of the trial documents, keys, codes, and what a study file may get wrong."""

from __future__ import annotations

import polars as pl
import pytest
from design_kit import CUTOFF, Row, dose, prepared, procedure, subject

from cdiscx.model.dataset import Dataset
from cdiscx.model.errors import SpecError
from cdiscx.model.spec import Study
from cdiscx.sdtm.design import clipped, trial_design
from cdiscx.sdtm.visit_plan import visit_numbers, visit_plan
from cdiscx.standards import guide, terminology

A, B = Study.load("palhep-a"), Study.load("neopvtt-b")


def design(study: Study, **tables: list[Row]) -> dict[str, Dataset]:
    data = prepared(study, **{"subjects": [subject()], **tables})
    assert data.run is not None
    return trial_design(study, data.run, data.tidy)


def with_parameters(study: Study, **values: object) -> Study:
    return study.model_copy(update={"parameters": {**study.parameters, **values}})


@pytest.mark.parametrize(
    ("study", "rows"),
    [
        (
            A,
            [
                (1, "SCRN", "SCREENING", None),
                (2, "COMBO", "TREATMENT", "If month-3 response is CR or PR, or no surgery, go to CONT"),
                (3, "HOLD", "SURGERY", None),
                (4, "SURG", "SURGERY", None),
                (5, "CONT", "CONTINUATION TREATMENT", None),
                (6, "FU", "FOLLOW-UP", None),
            ],
        ),
        (
            B,
            [
                (1, "SCRN", "SCREENING", None),
                (2, "NEOADJ", "TREATMENT", "If surgery is not done, go to ADJ or FU"),
                (3, "HOLD", "SURGERY", None),
                (4, "SURG", "SURGERY", None),
                (5, "ADJ", "CONTINUATION TREATMENT", None),
                (6, "FU", "FOLLOW-UP", None),
            ],
        ),
    ],
    ids=["A", "B"],
)
def test_one_arm_skips_in_tatrans_as_the_table_of_4_9_says(study: Study, rows: list[tuple[object, ...]]) -> None:
    ta = design(study)["TA"].frame
    assert ta.select("TAETORD", "ETCD", "EPOCH", "TATRANS").rows() == rows
    assert ta.get_column("TABRANCH").null_count() == ta.height
    assert ta.get_column("ARMCD").unique().to_list() == [study.arm.armcd if study.arm else ""]


def test_branched_gives_an_arm_for_each_path_and_says_where_they_part() -> None:
    made = design(with_parameters(A, ta_model="BRANCHED"))
    ta = made["TA"].frame
    ways = {arm: part.get_column("ETCD").to_list() for (arm,), part in ta.group_by("ARMCD", maintain_order=True)}
    assert ways == {
        "LOC-LEN-DUR-SURG": ["SCRN", "COMBO", "HOLD", "SURG", "CONT", "FU"],
        "LOC-LEN-DUR-SYST": ["SCRN", "COMBO", "CONT", "FU"],
    }
    assert ta.drop_nulls("TABRANCH").get_column("ETCD").to_list() == ["COMBO", "COMBO"]
    assert ta.get_column("TATRANS").null_count() == ta.height
    arms = made["TS"].frame.filter(pl.col("TSPARMCD") == "NARMS").get_column("TSVAL").to_list()
    assert arms == ["2"]


@pytest.mark.parametrize("study", [A, B], ids=["A", "B"])
def test_every_element_has_a_rule_of_its_own_for_start_and_end(study: Study) -> None:
    te = design(study)["TE"].frame
    assert te.select(pl.struct("TESTRL", "TEENRL").is_duplicated().any()).item() is False
    assert te.get_column("TESTRL").null_count() == 0
    assert te.get_column("ETCD").str.len_chars().max() <= 8  # type: ignore[operator]


@pytest.mark.parametrize("study", [A, B], ids=["A", "B"])
def test_visits_and_their_numbers_stand_one_to_one(study: Study) -> None:
    tv = design(study)["TV"].frame
    assert tv.get_column("VISITNUM").n_unique() == tv.get_column("VISIT").n_unique() == tv.height
    assert tv.get_column("TVSTRL").str.len_chars().max() <= 200  # type: ignore[operator]
    assert tv.get_column("VISITNUM").is_sorted()


@pytest.mark.parametrize(
    ("study", "days"),
    [
        (A, {"DAY 1": 1, "WEEK 3": 22, "MONTH 3 DECISION": 92}),
        (B, {"DAY 1": 1, "WEEK 4": 29}),
    ],
    ids=["A", "B"],
)
def test_only_targets_from_the_first_treatment_have_a_planned_day(study: Study, days: dict[str, int]) -> None:
    tv = design(study)["TV"].frame
    assert dict(tv.drop_nulls("VISITDY").select("VISIT", "VISITDY").rows()) == days


@pytest.mark.parametrize(
    ("study", "visit", "rule"),
    [
        (A, "SCREENING", "From 28 to 1 days before first protocol treatment"),
        (A, "DAY 1", "On the day of first protocol treatment"),
        (A, "WEEK 6 TUMOR ASSESSMENT", "42 days after first durvalumab, window -7 to +7 days"),
        (A, "CONTINUATION CYCLE 1", "28 days after the previous durvalumab, window -3 to +3 days"),
        (
            A,
            "TUMOR ASSESSMENT 1",
            "No. 1, every 56 days until enrolment + 548, then every 84 days, counted from palliative hepatectomy + 30, "
            "else first protocol treatment + 91; window -7 to +7 days",
        ),
        (
            A,
            "SURVIVAL FOLLOW-UP 1",
            "84 days after last dose or hepatectomy, whichever is later, window -14 to +14 days",
        ),
        (B, "END OF RADIOTHERAPY", "On the day of last fraction of radiotherapy, window 0 to +3 days"),
        (B, "PRE-OPERATIVE", "From 7 to 1 days before hepatectomy"),
    ],
)
def test_the_rule_of_a_visit_says_anchor_target_and_window(study: Study, visit: str, rule: str) -> None:
    tv = design(study)["TV"].frame
    assert dict(tv.select("VISIT", "TVSTRL").rows())[visit] == rule


def test_a_series_goes_as_far_as_somebody_went() -> None:
    visits = [
        {"SUBJID": "001", "VISIT": "CONTINUATION CYCLE 4", "VISDAT": "2024-08-01", "VISDONE": "Y"},
        {"SUBJID": "001", "VISIT": "CONTINUATION CYCLE 4711", "VISDAT": "2024-08-02", "VISDONE": "Y"},
    ]
    names = design(A, visits=visits)["TV"].frame.get_column("VISIT").to_list()
    assert [n for n in names if n.startswith("CONTINUATION")] == [f"CONTINUATION CYCLE {n}" for n in (1, 2, 3, 4)]
    assert [n for n in names if n.startswith("SURVIVAL")] == ["SURVIVAL FOLLOW-UP 1"]


def test_a_long_series_does_not_take_the_numbers_of_the_next() -> None:
    visits = [{"SUBJID": "001", "VISIT": "ADJUVANT CYCLE 31", "VISDAT": "2025-06-01", "VISDONE": "Y"}]
    plan = visit_plan(prepared(B, subjects=[subject()], visits=visits))
    numbers = dict(plan.select("VISIT", "VISITNUM").rows())
    assert numbers["ADJUVANT CYCLE 30"] == 49
    assert numbers["ADJUVANT CYCLE 31"] == 2031
    assert numbers["TUMOR ASSESSMENT 1"] == 50
    assert plan.get_column("VISITNUM").n_unique() == plan.height


def test_unscheduled_visits_are_numbered_after_the_planned_visit_before_them() -> None:
    def seen(name: str, day: str) -> Row:
        return {"SUBJID": "001", "VISIT": name, "VISDAT": day, "VISDONE": "Y"}

    visits = [
        seen("WEEK 3", "2024-02-05"),
        seen("UNSCHEDULED 3.1", "2024-02-08"),
        seen("UNSCHEDULED", "2024-02-10"),
        seen("HOUSE CALL", "2024-02-12"),
        seen("UNSCHEDULED 5.10", "2024-03-20"),
        seen("UNSCHEDULED 5.1", "2024-03-10"),
    ]
    data = prepared(A, subjects=[subject()], dosing=[dose("LENVATINIB", "2024-01-15")], visits=visits)
    numbers = visit_numbers(data)
    assert {n: (v, s) for n, v, s in numbers.select("VISIT", "VISITNUM", "NAME").rows()} == {
        "WEEK 3": (3, "WEEK 3"),
        "UNSCHEDULED 3.1": (3.1, "UNSCHEDULED 3.1"),
        "UNSCHEDULED": (3.2, "UNSCHEDULED 3.2"),
        "HOUSE CALL": (3.3, "UNSCHEDULED 3.3"),
        "UNSCHEDULED 5.1": (5.1, "UNSCHEDULED 5.1"),
        "UNSCHEDULED 5.10": (5.91, "UNSCHEDULED 5.10"),
    }


def test_criteria_have_short_codes_of_the_protocol() -> None:
    ti = {name: made["TI"].frame for name, made in (("A", design(A)), ("B", design(B)))}
    assert ti["A"].get_column("IETESTCD").to_list() == [
        "EXC02", "INC01", "INC02", "INC03", "INC04", "INC05", "INC06",
    ]  # fmt: skip
    assert {"INC05A", "INC05B", "INC05C", "EXC01"} <= set(ti["B"].get_column("IETESTCD"))
    for frame in ti.values():
        category = (
            pl.when(pl.col("IETESTCD").str.starts_with("INC")).then(pl.lit("INCLUSION")).otherwise(pl.lit("EXCLUSION"))
        )
        assert frame.filter(pl.col("IECAT") != category).is_empty()
        assert frame.get_column("IETEST").n_unique() == frame.height


def test_a_long_criterion_is_cut_at_a_word() -> None:
    text = clipped("word " * 60)
    assert len(text) <= 200
    assert text.endswith("word...")
    assert clipped("x" * 200) == "x" * 200


# --- TS ---------------------------------------------------------------------------------------------------------------


def summary(study: Study, **tables: list[Row]) -> dict[tuple[str, int], dict[str, object]]:
    rows = design(study, **tables)["TS"].frame.rows(named=True)
    return {(row["TSPARMCD"], row["TSSEQ"]): row for row in rows}


@pytest.mark.parametrize("study", [A, B], ids=["A", "B"])
def test_every_parameter_of_the_table_of_4_10_has_a_value_or_a_null_flavor(study: Study) -> None:
    wanted = [
        "TITLE",
        "STYPE",
        "TTYPE",
        "TINDTP",
        "TPHASE",
        "TBLIND",
        "TCNTRL",
        "RANDOM",
        "INTMODEL",
        "INTTYPE",
        "TRT",
        "INDIC",
        "TDIGRP",
        "NARMS",
        "ADDON",
        "ADAPT",
        "HLTSUBJI",
        "SEXPOP",
        "AGEMIN",
        "AGEMAX",
        "PLANSUB",
        "ACTSUB",
        "SPONSOR",
        "REGID",
        "SSTDTC",
        "SENDTC",
        "FCNTRY",
        "OUTMSPRI",
        "OUTMSSEC",
        "OBJPRIM",
        "OBJSEC",
        "LENGTH",
        "STOPRULE",
        "PCLAS",
        "SDMDUR",
        "CRMDUR",
        "DCUTDTC",
        "DCUTDESC",
        "SDTMVER",
        "SDTIGVER",
    ]
    rows = summary(study)
    assert {code for code, _ in rows} >= set(wanted)
    assert all((row["TSVAL"] is None) != (row["TSVALNF"] is None) for row in rows.values())
    names = {t.value: t.decode for t in terminology.codelist("C66738").terms}  # type: ignore[union-attr]
    assert all(row["TSPARM"] == names[code] for (code, _), row in rows.items())


def test_values_of_controlled_terminology_carry_their_codes() -> None:
    rows = summary(A)
    coded = {code: rows[code, 1]["TSVALCD"] for code in ("STYPE", "TBLIND", "RANDOM", "INTMODEL", "TINDTP")}
    assert coded == {
        "STYPE": "C98388",
        "TBLIND": "C49659",
        "RANDOM": "C49487",
        "INTMODEL": "C82640",
        "TINDTP": "C49656",
    }
    assert (rows["STYPE", 1]["TSVCDREF"], rows["STYPE", 1]["TSVCDVER"]) == ("CDISC CT", terminology.PACKAGE[1])
    assert rows["TITLE", 1]["TSVCDREF"] is None
    assert [rows["INTTYPE", n]["TSVAL"] for n in (1, 2)] == ["DRUG", "PROCEDURE"]


def test_dates_come_from_the_data_and_name_their_rows() -> None:
    rows = summary(A, subjects=[subject("2024-03-01"), subject("2023-12-05", "002")])
    assert rows["DCUTDTC", 1]["TSVAL"] == CUTOFF.isoformat()
    assert (rows["SSTDTC", 1]["TSVAL"], rows["SSTDTC", 1]["_from"]) == ("2023-12-05", [1])
    assert design(A)["TS"].origin["SSTDTC/TSVAL"] == ("subjects.RFICDAT",)


def test_without_a_consent_the_study_start_has_its_null_flavor() -> None:
    row = summary(A, subjects=[{"SUBJID": "001", "SITEID": "01"}])["SSTDTC", 1]
    assert (row["TSVAL"], row["TSVALNF"]) == (None, "NAV")


def facts(*rows: dict[str, object]) -> Study:
    return Study.model_validate({"id": "x", "studyid": "X", "title": "X", "trial_summary": rows})


def test_a_long_value_goes_on_in_further_variables() -> None:
    text = " ".join(f"word{n:03d}" for n in range(60))
    data = prepared(A, subjects=[subject()])
    assert data.run is not None
    made = trial_design(facts({"TSPARMCD": "TITLE", "TSVAL": text}), data.run, {})["TS"]
    names = [v.name for v in made.variables]
    assert names[names.index("TSVAL") : names.index("TSVALCD")] == ["TSVAL", "TSVAL1", "TSVAL2"]
    parts = [made.frame.item(0, name) for name in ("TSVAL", "TSVAL1", "TSVAL2")]
    assert " ".join(parts) == text
    assert max(map(len, parts)) <= 200


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"TSPARMCD": "TITLE"}, "neither TSVAL nor TSVALNF"),
        ({"TSPARMCD": "MYPARM", "TSVAL": "x"}, "give its name as TSPARM"),
    ],
)
def test_nothing_is_invented(row: dict[str, object], said: str) -> None:
    data = prepared(A, subjects=[subject()])
    assert data.run is not None
    with pytest.raises(SpecError, match=said):
        trial_design(facts(row), data.run, {})


@pytest.mark.parametrize("study", [A, B], ids=["A", "B"])
def test_datasets_have_the_guides_variables_in_its_order_and_unique_keys(study: Study) -> None:
    made = design(study, procedures=[procedure("HEPATECTOMY", "2024-05-01")])
    assert set(made) == {"TA", "TE", "TV", "TI", "TS"}
    for name, dataset in made.items():
        known = [v.name for v in guide.variables(name)]
        names = [v.name for v in dataset.variables]
        assert names == [n for n in known if n in names]
        assert {v.name for v in guide.variables(name) if v.core != "Perm"} <= set(names)
        assert dataset.public.select(pl.struct(list(dataset.keys)).is_duplicated().any()).item() is False
        assert dataset.reference
        assert dataset.frame.columns[-2:] == ["_from", "_block"]
