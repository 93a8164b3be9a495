"""What is derived from our own SDTM is what was derived from the sheets: nothing is lost or bent on the way."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import polars as pl
import pytest

from cdiscx import flow
from cdiscx.model.spec import Study
from cdiscx.model.table import StudyData

ROOT = Path(__file__).parents[2]
SAMPLES = ("palhep-a", "neopvtt-b")


@cache
def sample(name: str) -> StudyData:
    uploads = sorted((ROOT / "sample_exports" / name / "uploads").glob("*.xlsx"))
    return flow.to_adam(flow.tidy(Study.load(name), flow.read(*uploads)))


def frame(name: str, dataset: str) -> pl.DataFrame:
    return sample(name).adam[dataset].frame


@pytest.mark.parametrize("name", SAMPLES)
def test_derived_responses_and_their_rules_are_those_of_the_sheets(name: str) -> None:
    points = sample(name).tidy["timepoints"].frame.filter(pl.col("DOVRLRESP").is_not_null())
    sheets = points.select("SUBJID", EVALR="EVAL", AVISIT="VISIT", A="DOVRLRESP", rule="DOVRLRULE")
    records = (
        frame(name, "ADRS")
        .filter(pl.col("PARAMCD") == "DOVR")
        .select("SUBJID", "EVALR", "AVISIT", B="AVALC", by="RULEID")
    )
    both = sheets.join(records, on=["SUBJID", "EVALR", "AVISIT"], how="full", coalesce=True)
    assert both.height > 100
    assert both.filter(pl.col("A").ne_missing(pl.col("B")) | pl.col("rule").ne_missing(pl.col("by"))).is_empty()


@pytest.mark.parametrize(("name", "code"), [("palhep-a", "SUMDIAM"), ("neopvtt-b", "SUMVDIA")])
def test_sums_and_nadirs_are_those_of_the_sheets(name: str, code: str) -> None:
    points = sample(name).tidy["timepoints"].frame.filter(pl.col("N_EXPECTED") > 0)
    sheets = points.select("SUBJID", EVALR="EVAL", AVISIT="VISIT", A="SUM", low="NADIR")
    rows = frame(name, "ADTR").filter(pl.col("PARAMCD") == code).select("SUBJID", "EVALR", "AVISIT", "AVAL", "NADIR")
    both = sheets.join(rows, on=["SUBJID", "EVALR", "AVISIT"], how="full", coalesce=True)
    assert both.height > 50
    assert both.filter(pl.col("A").ne_missing(pl.col("AVAL")) | pl.col("low").ne_missing(pl.col("NADIR"))).is_empty()


@pytest.mark.parametrize("name", SAMPLES)
def test_the_first_progression_is_that_of_the_sheets(name: str) -> None:
    seen = sample(name).tidy["timepoints"].frame.select("SUBJID", PDVISIT="VISIT", sight="CONFIRMED_FROM")
    sheets = sample(name).tidy["progression"].frame.join(seen, on=["SUBJID", "PDVISIT"], how="left")
    sheets = sheets.select("SUBJID", PDDAT=pl.min_horizontal("PDDAT", "sight"))  # R11-L-2
    rows = frame(name, "ADRS").filter(pl.col("PARAMCD") == "PD", pl.col("AVALC") == "Y").select("SUBJID", "ADT")
    both = sheets.join(rows, on="SUBJID", how="full", coalesce=True)
    assert both.height >= 10
    assert both.filter(pl.col("PDDAT").ne_missing(pl.col("ADT"))).is_empty()


@pytest.mark.parametrize("name", SAMPLES)
def test_every_event_and_censoring_points_to_a_record_with_its_date(name: str) -> None:
    times, responses = frame(name, "ADTTE"), frame(name, "ADRS")
    pointed = times.filter(pl.col("SRCDOM") == "ADRS").join(
        responses.select("USUBJID", "ADT", SRCSEQ="ASEQ"), on=["USUBJID", "SRCSEQ"], how="left", suffix="_source"
    )
    assert pointed.height > 20
    assert pointed.filter(pl.col("ADT").ne_missing(pl.col("ADT_source"))).is_empty()
    assert times.filter(pl.col("AVAL") < 1).is_empty()
    assert times.select("USUBJID", "PARAMCD").is_unique().all()


@pytest.mark.parametrize("name", SAMPLES)
def test_every_record_rests_on_sdtm_records_that_exist(name: str) -> None:
    known = pl.concat([d.frame.select("_id") for d in sample(name).sdtm.values()])["_id"]
    for dataset in ("ADTR", "ADRS", "ADTTE"):
        sources = frame(name, dataset).select("_from").explode("_from", empty_as_null=True)["_from"]
        assert sources.null_count() == 0, dataset
        assert sources.is_in(known.implode()).all(), dataset


@pytest.mark.parametrize("name", SAMPLES)
def test_an_analysis_date_of_scans_rests_on_a_lesion_record_of_that_day(name: str) -> None:
    rows = frame(name, "ADRS").filter(pl.col("PARAMCD").is_in(["OVR", "DOVR", "PD"]), pl.col("ADT").is_not_null())
    scans = sample(name).sdtm["TR"].frame.select(_tr="_id", day=pl.col("TRDTC").str.slice(0, 10).str.to_date())
    own = rows.select("USUBJID", "EVALR", "PARAMCD", "ADT", _tr=pl.col("_from:ADT").list.first())
    dated = own.join(scans, on="_tr", how="inner")
    assert dated.height > 100
    assert dated.filter(pl.col("day") != pl.col("ADT")).is_empty()
    # the scan that was doubtful then: the progression is dated back to it, and so is what it rests on (R11-L-2)
    if name == "palhep-a":
        back = dated.filter(pl.col("USUBJID").str.ends_with("-004"), pl.col("PARAMCD") == "PD")
        assert back["day"].to_list() == back["ADT"].to_list() != []
