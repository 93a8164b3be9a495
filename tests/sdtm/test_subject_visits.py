"""SV: what took place, what was missed, what nobody planned, and contacts that are no visit."""

from __future__ import annotations

import polars as pl
from design_kit import Row, alive, dead, demographics, dose, prepared, subject

from cdiscx.model.dataset import Dataset
from cdiscx.model.spec import Study
from cdiscx.sdtm.subject_visits import subject_visits

A = Study.load("palhep-a")


def seen(name: str, day: str | None, done: str = "Y", why: str | None = None) -> Row:
    return {"SUBJID": "001", "VISIT": name, "VISDAT": day, "VISDONE": done, "VISREAS": why}


def visits_of(*visits: Row, labs: Dataset | None = None, **tables: list[Row]) -> pl.DataFrame:
    given = {"subjects": [subject()], "dosing": [dose("LENVATINIB", "2024-01-15", "2024-03-01")]}
    data = prepared(A, visits=list(visits), **{**given, **tables})
    made = subject_visits(data, {"DM": demographics(data)} | ({"LB": labs} if labs else {}))
    assert made is not None
    return made.frame


def labs(*rows: tuple[float, str, str, int]) -> Dataset:
    frame = pl.DataFrame(
        [("PALHEP-A-01-001", *row[:3], [row[3]]) for row in rows],
        schema={
            "USUBJID": pl.String, "VISITNUM": pl.Float64, "VISIT": pl.String, "LBDTC": pl.String, "_from": pl.List(pl.UInt32)
        },
        orient="row",
    )  # fmt: skip
    return Dataset("LB", "", "Findings", "", (), (), frame, origin={"x/LBDTC": ("labs.LBDAT",)})


def test_a_visit_that_took_place_and_one_that_was_missed() -> None:
    rows = visits_of(seen("DAY 1", "2024-01-15"), seen("WEEK 3", None, "N", "Holiday"))
    assert rows.select("VISITNUM", "VISIT", "SVPRESP", "SVOCCUR", "SVREASOC", "SVCNTMOD", "VISITDY").rows() == [
        (2, "DAY 1", "Y", "Y", None, "IN PERSON", 1),
        (3, "WEEK 3", "Y", "N", "Holiday", None, 22),
    ]
    assert rows.select("SVSTDTC", "SVENDTC", "SVSTDY", "SVENDY").rows() == [
        ("2024-01-15", "2024-01-15", 1, 1),
        (None, None, None, None),
    ]


def test_a_visit_lasts_from_its_first_to_its_last_record() -> None:
    rows = visits_of(
        seen("SCREENING", "2024-01-03"),
        labs=labs(
            (1, "SCREENING", "2023-12-28", 70), (1, "SCREENING", "2024-01-05", 71), (1, "SCREENING", "2024-01", 72)
        ),
    )
    assert rows.select("SVSTDTC", "SVENDTC", "SVSTDY", "SVENDY").row(0) == ("2023-12-28", "2024-01-05", -18, -10)
    assert set(rows.item(0, "_from")) >= {70, 71}


def test_a_visit_at_which_something_was_done_took_place_whatever_the_site_says() -> None:
    rows = visits_of(
        seen("WEEK 3", None, "N", "Holiday"),
        labs=labs((3, "WEEK 3", "2024-02-05", 70), (4, "WEEK 4", "2024-02-12", 71)),
    )
    assert rows.select("VISIT", "SVOCCUR", "SVSTDTC").rows() == [
        ("WEEK 3", "Y", "2024-02-05"),
        ("WEEK 4", "Y", "2024-02-12"),
    ]
    assert "SVREASOC" not in rows.columns


def test_an_unscheduled_visit_is_not_prespecified_and_says_what_it_follows() -> None:
    rows = visits_of(
        seen("WEEK 3", "2024-02-05"), seen("UNSCHEDULED 3.1", "2024-02-08"), seen("UNSCHEDULED 3.2", None, "N")
    )
    assert rows.select("VISITNUM", "VISIT", "SVPRESP", "SVOCCUR", "SVUPDES", "VISITDY").rows() == [
        (3, "WEEK 3", "Y", "Y", None, 22),
        (3.1, "UNSCHEDULED 3.1", None, None, "Unscheduled visit after WEEK 3", None),
    ]


def test_no_missed_visit_after_the_end_of_participation() -> None:
    missed = [seen("WEEK 3", None, "N", "Died"), seen("MONTH 3 DECISION", None, "N", "Died")]
    rows = visits_of(seen("DAY 1", "2024-01-15"), *missed, survival=[dead("2024-02-20")])
    assert rows.get_column("VISIT").to_list() == ["DAY 1", "WEEK 3"]


def test_a_contact_that_only_reports_the_death_is_no_visit() -> None:
    for day, kept in (("2024-02-25", False), ("2024-02-20", False), ("2024-02-19", True)):
        rows = visits_of(
            seen("SURVIVAL FOLLOW-UP 1", day), seen("DAY 1", "2024-01-15"), survival=[dead("2024-02-20", day)]
        )
        assert ("SURVIVAL FOLLOW-UP 1" in rows.get_column("VISIT")) is kept, day


def test_a_visit_on_the_day_of_death_took_place() -> None:
    rows = visits_of(seen("WEEK 3", "2024-02-05"), survival=[dead("2024-02-05")])
    assert rows.get_column("VISIT").to_list() == ["WEEK 3"]


def test_one_record_per_subject_and_visit() -> None:
    rows = visits_of(seen("WEEK 3", "2024-02-05"), seen("WEEK 3", "2024-02-07"), survival=[alive("2024-06-01")])
    assert rows.select("SVSTDTC", "SVENDTC").rows() == [("2024-02-05", "2024-02-07")]
    assert len(rows.item(0, "_from")) == 2


def test_follow_up_is_by_telephone() -> None:
    rows = visits_of(seen("SURVIVAL FOLLOW-UP 1", "2024-06-01"), survival=[alive("2024-06-01")])
    assert rows.get_column("SVCNTMOD").to_list() == ["TELEPHONE CALL"]


def test_a_run_without_demographics_has_no_subject_visits() -> None:
    assert subject_visits(prepared(A, subjects=[subject()], visits=[seen("DAY 1", "2024-01-15")]), {}) is None
