"""ADBM: which sample stands for baseline and for the resection, names of markers, change, lineage."""

from __future__ import annotations

from typing import Any

import polars as pl
from adam_kit import derived, dm, entered, hepatectomy

from cdiscx.adam import Derived

DOSE = {"EXTRT": "APATINIB", "EXSTDTC": "2023-02-06", "EXENDTC": "2023-04-20", "EXDOSE": 250.0, "EXDOSFRQ": "QD"}


def afp(day: str, value: float, **changes: Any) -> dict[str, Any]:
    row = {"LBTESTCD": "AFP", "LBTEST": "Alpha Fetoprotein", "LBCAT": "TUMOR MARKERS", "LBSTRESU": "ug/L", "LBDTC": day}
    return {**row, "LBSTRESN": value, "LBSTRESC": f"{value:g}", **changes}


def marker(day: str, name: str, result: str, **changes: Any) -> dict[str, Any]:
    row = {"MITESTCD": "BIOMRKR", "MITEST": "Biomarker", "MITSTDTL": name, "MISTRESC": result, "MIDTC": day}
    return {**row, "MISPCTYP": "RESECTION", **changes}


def made(**domains: Any) -> Derived:
    base = {"DM": [dm()], "DS": [entered("2023-02-01")], "EX": [DOSE], "PR": [hepatectomy("2023-05-15")]}
    return derived("neopvtt-b", "2024-01-01", **base, **domains)


def rows(result: Derived, *columns: str) -> list[tuple[Any, ...]]:
    return result["ADBM"].frame.sort("PARAMCD", "ADT").select(columns).rows()


def test_the_last_sample_before_treatment_is_the_baseline_and_the_last_before_surgery_the_resections():
    lb = [
        afp("2023-01-10", 90),
        afp("2023-02-06", 100),
        afp("2023-05-02", 50),
        afp("2023-05-14", 40),
        afp("2023-07-01", 9),
    ]
    told = rows(made(LB=lb), "AVAL", "AVISIT", "ABLFL", "CHG", "PCHG")
    assert told == [
        (90.0, None, None, None, None),
        (100.0, "BASELINE", "Y", None, None),
        (50.0, None, None, -50.0, -50.0),
        (40.0, "RESECTION", None, -60.0, -60.0),
        (9.0, None, None, -91.0, -91.0),
    ]


def test_a_sample_too_long_before_surgery_does_not_stand_for_it():
    told = rows(made(LB=[afp("2023-04-16", 50), afp("2023-04-17", 40)]), "AVAL", "AVISIT")
    assert told == [(50.0, None), (40.0, "RESECTION")]
    assert rows(made(LB=[afp("2023-04-16", 50)]), "AVISIT") == [(None,)]


def test_a_marker_in_tissue_is_of_the_biopsy_before_or_of_the_specimen():
    mi = [
        marker("2023-01-20", "CD8", "5", MISTRESN=5.0, MISPCTYP="BIOPSY"),
        marker("2023-05-16", "CD8", "20", MISTRESN=20.0),
    ]
    told = rows(made(MI=mi), "PARAMCD", "PARAM", "AVISIT", "AVAL", "CHG")
    assert told == [
        ("BIOMRK01", "Biomarker, CD8", "BASELINE", 5.0, None),
        ("BIOMRK01", "Biomarker, CD8", "RESECTION", 20.0, 15.0),
    ]


def test_every_marker_has_a_code_of_its_own_and_words_stay_words():
    mi = [marker("2023-05-15", "TMB", "HIGH"), marker("2023-05-15", "CD8", "20", MISTRESN=20.0)]
    told = rows(made(MI=mi, LB=[afp("2023-02-01", 3)]), "PARAMCD", "PARAM", "AVAL", "AVALC")
    assert told == [
        ("AFP", "Alpha Fetoprotein (ug/L)", 3.0, "3"),
        ("BIOMRK01", "Biomarker, CD8", 20.0, "20"),
        ("BIOMRK02", "Biomarker, TMB", None, "HIGH"),
    ]


def test_other_results_are_no_markers_and_without_any_there_is_no_dataset():
    lb = [afp("2023-02-01", 3, LBTESTCD="ALT", LBCAT="CHEMISTRY")]
    assert "ADBM" not in made(LB=lb)
    assert made(LB=lb).reasons["ADBM"] == "no marker was delivered"


def test_a_change_rests_on_the_sample_and_on_the_baseline():
    frame = made(LB=[afp("2023-02-01", 3), afp("2023-05-14", 4)])["ADBM"].frame.sort("ADT")
    first, second = frame["_from"].to_list()
    assert set(first) < set(second)
    assert frame.select(pl.col("_from").list.len()).to_series().to_list() == [1, 2]
