"""What a non-target response rests on: counts, names, rows, and readings that do not count."""

import polars as pl
import pytest

from cdiscx.standards.recist import RECIST11, criterion, nontarget_response

STATES = {"TP": pl.Int32, "LESION": pl.String, "STATE": pl.String, "RID": pl.UInt32}


def answered(*rows, at_baseline=False, markers=None, c=RECIST11, tp=1):
    """The answer at one time point; a row is (time point, lesion, state, row id)."""
    states = pl.LazyFrame(rows, schema=STATES, orient="row").with_columns(
        SUBJID=pl.lit("1"), EVAL=pl.lit("I"), BASETYPE=pl.lit("P"), NODAL=pl.lit(False)
    )
    got = nontarget_response(states, c, markers=markers, at_baseline=at_baseline).filter(TP=tp).collect()
    return got.row(0, named=True)


FOUR = [(0, name, "PRESENT", i) for i, name in enumerate(("NT1", "NT2", "NT3", "NT4"))]


def test_the_operands_name_what_was_present_gone_grown_and_not_read():
    got = answered(
        *FOUR,
        (1, "NT1", "PRESENT", 11),
        (1, "NT2", "ABSENT", 12),
        (1, "NT3", "UNEQUIVOCAL PROGRESSION", 13),
        (1, "NEW", "PRESENT", 14),
    )
    counts = [got[n] for n in ("N_EXPECTED", "N_MISSING", "N_PRESENT", "N_ABSENT", "N_PROGRESSED")]
    assert counts == [4, 1, 1, 1, 1]
    assert (got["MISSING"], got["PROGRESSED"]) == (["NT4"], ["NT3"])
    assert got["RIDS"] == [11, 12, 13]  # the lesion that no baseline knows is no part of the answer


def test_of_two_readings_of_a_lesion_the_worse_counts():
    got = answered(FOUR[0], (1, "NT1", "ABSENT", 11), (1, "NT1", "PRESENT", 12))
    assert (got["NTRGRESP"], got["N_PRESENT"], got["N_ABSENT"]) == ("NON-CR/NON-PD", 1, 0)


def test_a_lesion_that_was_not_at_baseline_changes_no_response():
    got = answered(FOUR[0], (1, "NT1", "ABSENT", 11), (1, "NT9", "PRESENT", 12))
    assert (got["NTRGRESP"], got["N_EXPECTED"]) == ("CR", 1)


@pytest.mark.parametrize(("asked", "response"), [(False, None), (True, "NON-CR/NON-PD")])
def test_a_baseline_is_answered_only_where_that_is_asked_for(asked, response):
    assert answered(FOUR[0], at_baseline=asked, tp=0)["NTRGRESP"] == response
    assert answered(FOUR[0], (1, "NT1", "PRESENT", 11), at_baseline=asked)["NTRGRESP"] == "NON-CR/NON-PD"


def test_one_raised_sample_of_a_time_point_is_enough_and_the_others_need_none():
    markers = pl.LazyFrame(
        {
            "SUBJID": ["1", "1"],
            "EVAL": ["I", "I"],
            "BASETYPE": ["P", "P"],
            "TP": [1, 1],
            "MARKER_NORMAL": [True, False],
        },
        schema_overrides={"TP": pl.Int32},
    )
    rows = (FOUR[0], (1, "NT1", "ABSENT", 11), (2, "NT1", "PRESENT", 12))
    strict = criterion("RECIST 1.1", marker_norm_for_cr=True)
    assert answered(*rows, markers=markers, c=strict)["NTRGRESP"] == "NON-CR/NON-PD"
    assert answered(*rows, markers=markers, c=strict, tp=2)["NTRGRESP"] == "NON-CR/NON-PD"


def test_a_node_that_is_present_without_a_size_is_present():
    states = pl.LazyFrame(
        {"TP": [0, 1, 2], "STATE": ["PRESENT"] * 3, "VALUE": [20.0, None, 9.99], "RID": [1, 2, 3]},
        schema_overrides={"TP": pl.Int32, "RID": pl.UInt32},
    ).with_columns(SUBJID=pl.lit("1"), EVAL=pl.lit("I"), BASETYPE=pl.lit("P"), LESION=pl.lit("NT1"), NODAL=pl.lit(True))
    got = nontarget_response(states, RECIST11).collect()
    assert got["NTRGRESP"].to_list() == [None, "NON-CR/NON-PD", "CR"]
