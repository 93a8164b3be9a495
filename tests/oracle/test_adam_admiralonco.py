"""ADRS and ADTTE beside admiralonco's: equal where the conventions are, every difference counted and named.

The reasons stand in docs/decisions.md, "ADaM against admiralonco".
"""

from __future__ import annotations

import polars as pl
import pytest
from admiralonco_kit import beside, differing, folder, table, theirs

SEQUENCES, CASES, TEMPLATE = "05_exhaustive_sequences", "08_micro_edge_cases", "01_recist_template"


@pytest.mark.parametrize(("name", "subjects"), [(SEQUENCES, 3673), (TEMPLATE, 254)])
@pytest.mark.parametrize(
    ("dataset", "code"), [("adrs", "BOR"), ("adrs", "RSP"), ("adrs", "PD"), ("adrs", "DEATH"), ("adtte", "OS")]
)
def test_best_response_response_progression_death_and_survival_are_equal_for_every_sequence(
    name: str, subjects: int, dataset: str, code: str
) -> None:
    both = beside(name, dataset, code)
    assert (both.height, differing(both).height) == (subjects, 0)


def test_progression_free_survival_is_equal_but_where_the_last_assessment_is_not_evaluable() -> None:
    assert differing(beside(TEMPLATE, "adtte", "PFS")).is_empty()
    different = differing(beside(SEQUENCES, "adtte", "PFS"))
    last = theirs(SEQUENCES, "adrs").filter(pl.col("PARAMCD") == "LSTA").select("USUBJID", "AVALC", last="ADT")
    explained = different.join(last, on="USUBJID").filter(
        pl.col("A") == "1",
        pl.col("B") == "1",
        pl.col("AVALC") == "NE",
        pl.col("AD") == pl.col("last"),
        pl.col("BD") < pl.col("AD"),
    )
    assert (different.height, explained.height) == (541, 541)


def test_confirmed_response_differs_only_where_the_house_reads_the_table_otherwise() -> None:
    both = beside(SEQUENCES, "adrs", "CBOR")
    answers = both.filter(pl.col("A") != pl.col("B"))
    counts = dict(
        answers.group_by("A", "B").agg(pl.len()).select(pl.concat_str("A", "B", separator=" "), "len").iter_rows()
    )
    assert counts == {
        "SD PD": 171, "NON-CR/NON-PD PD": 9, "SD NE": 8, "NON-CR/NON-PD NE": 4,  # a CR too early for SD, not confirmed
        "SD PR": 50,  # PR, CR, PR
        "NON-CR/NON-PD SD": 7,  # PR, then NON-CR/NON-PD
    }  # fmt: skip
    dates = differing(both).filter(pl.col("A") == pl.col("B")).group_by("A").agg(pl.len())
    assert dict(dates.iter_rows()) == {"SD": 584, "PR": 5}


def test_every_early_unconfirmed_complete_response_is_behind_the_answers_that_differ() -> None:
    sequences = table(folder(SEQUENCES) / "input" / "sequences.csv").select("USUBJID", "SEQUENCE", "SPACING_DAYS")
    both = beside(SEQUENCES, "adrs", "CBOR").filter(pl.col("A") != pl.col("B")).join(sequences, on="USUBJID")
    worse = both.filter(pl.col("B").is_in(["PD", "NE"]))
    assert worse.height == 192
    assert worse["SEQUENCE"].str.contains(r"(^|\|)CR(\||$)|NON-CR|PR").all()
    assert set(worse["SPACING_DAYS"].unique()) <= {"21", "28"}  # at 42 days every CR is late enough for stability
    assert both.filter(pl.col("B") == "PR")["SEQUENCE"].str.contains(r"PR\|(NE\|)?CR\|(NE\|)?PR").all()


def test_the_last_assessment_differs_where_it_is_not_evaluable_or_not_before_progression() -> None:
    both = beside(SEQUENCES, "adrs", "LSTA")
    pd_ = theirs(SEQUENCES, "adrs").filter(pl.col("PARAMCD") == "PD").select("USUBJID", first="ADT")
    different = differing(both).join(pd_, on="USUBJID", how="left")
    explained = different.filter((pl.col("A") == "NE") | (pl.col("AD") >= pl.col("first")))
    assert (different.height, explained.height) == (1957, 1957)


@pytest.mark.parametrize(
    ("dataset", "code", "cases"),
    [
        ("adrs", "BOR", {"M01", "M08", "M09", "M21"}),
        ("adrs", "CBOR", {"M01", "M08", "M09", "M21", "M23"}),
        ("adrs", "RSP", {"M01", "M08", "M09", "M21"}),
        ("adrs", "PD", set()),
        ("adrs", "DEATH", set()),
        ("adrs", "LSTA", {"M03", "M04", "M08", "M09", "M10", "M12", "M18", "M26"}),
        ("adtte", "OS", set()),
        ("adtte", "PFS", {"M08", "M09", "M10"}),
    ],
)
def test_the_edge_cases_that_differ_are_those_that_the_decisions_name(dataset: str, code: str, cases: set[str]) -> None:
    both = beside(CASES, dataset, code)
    assert both.height == 27  # M07 was not randomised
    assert set(differing(both)["USUBJID"].to_list()) == cases
