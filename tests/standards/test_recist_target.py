"""Target response: the worked examples RX-EX-01 to 19 and 34 to 36, and both sides of every limit of the tables."""

import polars as pl
import pytest
from response_frames import frames, history

from cdiscx.standards.recist import MRECIST, RECIST11, Criterion, criterion, target_response, target_rules

A, TS = 0.0, 5.0


def last(series, nodes=(), porta=(), c: Criterion = RECIST11) -> dict:
    values, points = frames([history(series, nodes, porta)])
    return target_response(values, c, points).sort("TP").collect().row(-1, named=True)


EXAMPLES = [
    ("RX-EX-01", {"T1": [60, 40], "T2": [30, 20]}, (), 90, 90, 60, -33.33, -33.33, "PR", "R11-T-PR-1"),
    ("RX-EX-02", {"T1": [100, 70]}, (), 100, 100, 70, -30.0, -30.0, "PR", "R11-T-PR-1"),
    ("RX-EX-03", {"T1": [100, 70.4]}, (), 100, 100, 70.4, -29.6, -29.6, "SD", "R11-T-SD-1"),
    ("RX-EX-04", {"T1": [100, 60, 73]}, (), 100, 60, 73, -27.0, 21.67, "PD", "R11-T-PD-1"),
    ("RX-EX-05", {"T1": [50, 20, 24.5]}, (), 50, 20, 24.5, -51.0, 22.5, "PR", "R11-T-PR-1"),
    ("RX-EX-06", {"T1": [50, 40, 46]}, (), 50, 40, 46, -8.0, 15.0, "SD", "R11-T-SD-1"),
    ("RX-EX-07", {"T1": [50, 25, 30]}, (), 50, 25, 30, -40.0, 20.0, "PD", "R11-T-PD-1"),
    ("RX-EX-08", {"T1": [50, A], "N1": [22, 9]}, ("N1",), 72, 72, 9, -87.5, -87.5, "CR", "R11-T-CR-1"),
    ("RX-EX-09", {"T1": [50, A], "N1": [22, 12]}, ("N1",), 72, 72, 12, -83.33, -83.33, "PR", "R11-T-PR-1"),
    ("RX-EX-10", {"T1": [40, 25], "T2": [15, TS]}, (), 55, 55, 30, -45.45, -45.45, "PR", "R11-T-PR-1"),
    ("RX-EX-11", {"T1": [50, None], "T2": [30, 41]}, (), 80, 80, None, None, None, "NE", "R11-T-NE-1"),
    ("RX-EX-12", {"T1": [50, 45, None], "T2": [30, 30, 100]}, (), 80, 75, None, None, None, "PD", "R11-T-PD-2"),
    ("RX-EX-13", {"T1": [30, A, 6]}, (), 30, 0, 6, -80.0, None, "PD", "R11-T-PD-3"),
    ("RX-EX-14", {"T1": [30, A, 6], "T2": [40, 38, 37]}, (), 70, 38, 43, -38.57, 13.16, "PR", "R11-T-PR-1"),
    ("RX-EX-15", {"T1": [30, 20], "T4": [40], "T4.1": [None, 18], "T4.2": [None, 15]}, (), 70, 70, 53, -24.29, -24.29,
     "SD", "R11-T-SD-1"),
    ("RX-EX-16", {"T1": [50, 30, None, 45], "T2": [30, 22, 25, 26]}, (), 80, 52, 71, -11.25, 36.54, "PD",
     "R11-T-PD-1"),
    ("RX-EX-17", {"N1": [20, 4, 9]}, ("N1",), 20, 4, 9, -55.0, 125.0, "CR", "R11-T-CR-1"),
    ("RX-EX-18", {"N1": [20, 8, 11]}, ("N1",), 20, 8, 11, -45.0, 37.5, "PR", "R11-T-PR-1"),
    ("RX-EX-19", {"N1": [20, 8, 14]}, ("N1",), 20, 8, 14, -30.0, 75.0, "PD", "R11-T-PD-1"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("series", "nodes", "base", "nadir", "total", "vs_base", "vs_nadir", "response", "rule"),
    [row[1:] for row in EXAMPLES],
    ids=[row[0] for row in EXAMPLES],
)
def test_the_last_scan_of_a_worked_example_gets_its_response_rule_and_arithmetic(
    series, nodes, base, nadir, total, vs_base, vs_nadir, response, rule
):
    got = last(series, nodes)
    assert (got["TRGRESP"], got["TRGRULE"]) == (response, rule)
    assert (got["BASE"], got["NADIR"], got["SUM"]) == (base, nadir, total)
    rounded = [None if x is None else round(x, 2) for x in (got["PCHG"], got["PCHGNAD"])]
    assert rounded == [vs_base, vs_nadir]


def test_rx_ex_12_the_measured_part_of_100_mm_is_kept_beside_the_undefined_sum():
    got = last({"T1": [50, 45, None], "T2": [30, 30, 100]})
    assert (got["SUM"], got["PSUM"], got["MISSING"], got["N_EXPECTED"]) == (None, 100, ["T1"], 2)


def test_rx_ex_16_the_nadir_is_where_the_second_scan_was_and_the_incomplete_one_sets_none():
    assert last({"T1": [50, 30, None, 45], "T2": [30, 22, 25, 26]})["NADIR_TP"] == 1


@pytest.mark.parametrize(
    ("total", "viable", "by_size", "by_viable", "rules"),
    [
        pytest.param([60, 58], [60, 20], "SD", "PR", ("R11-T-SD-1", "MR-T-PR-1"), id="RX-EX-34"),
        pytest.param([50, 45], [50, A], "SD", "CR", ("R11-T-SD-1", "MR-T-CR-1"), id="RX-EX-35"),
    ],
)
def test_mrecist_reads_the_viable_part_where_recist_reads_the_size(total, viable, by_size, by_viable, rules):
    size, part = last({"T1": total}), last({"T1": viable}, c=MRECIST)
    assert (size["TRGRESP"], part["TRGRESP"]) == (by_size, by_viable)
    assert (size["TRGRULE"], part["TRGRULE"]) == rules


def test_rx_ex_36_mrecist_has_no_absolute_minimum_unless_the_study_sets_one():
    published = last({"T1": [40, 20, 24.2]}, c=MRECIST)
    charter = last({"T1": [40, 20, 24.2]}, c=criterion("mRECIST", pd_abs_mm=5))
    assert (published["TRGRESP"], published["TRGRULE"]) == ("PD", "MR-T-PD-1")
    assert round(published["PCHGNAD"], 2) == 21.0
    assert (charter["TRGRESP"], charter["TRGRULE"], round(charter["PCHG"], 2)) == ("PR", "MR-T-PR-1", -39.5)


BOUNDARIES = [
    # progression: 20 percent of the nadir and 5 mm, each just below, at and above while the other one holds
    ("20 % just below", {"T1": [60, 50, 59.99]}, (), RECIST11, "SD", "R11-T-SD-1"),
    ("20 % at", {"T1": [60, 50, 60]}, (), RECIST11, "PD", "R11-T-PD-1"),
    ("20 % just above", {"T1": [60, 50, 60.01]}, (), RECIST11, "PD", "R11-T-PD-1"),
    ("5 mm just below", {"T1": [20, 20, 24.99]}, (), RECIST11, "SD", "R11-T-SD-1"),
    ("5 mm at", {"T1": [20, 20, 25]}, (), RECIST11, "PD", "R11-T-PD-1"),
    ("5 mm just above", {"T1": [20, 20, 25.01]}, (), RECIST11, "PD", "R11-T-PD-1"),
    ("20 % of the baseline as nadir", {"T1": [50, 60]}, (), RECIST11, "PD", "R11-T-PD-1"),
    ("30 % just below", {"T1": [100, 70.01]}, (), RECIST11, "SD", "R11-T-SD-1"),
    ("30 % just above", {"T1": [100, 69.99]}, (), RECIST11, "PR", "R11-T-PR-1"),
    ("sums whose binary floats miss 30 %", {"T1": [0.1, 0.07], "T2": [0.2, 0.14]}, (), RECIST11, "PR", "R11-T-PR-1"),
    ("sums whose binary floats miss 20 %", {"T1": [25.1, 30.12], "T2": [25.2, 30.24]}, (), RECIST11, "PD", "R11-T-PD-1"),
    # complete response: nodes below 10 mm
    ("node just below 10", {"N1": [20, 9.99]}, ("N1",), RECIST11, "CR", "R11-T-CR-1"),
    ("node at 10", {"N1": [20, 10]}, ("N1",), RECIST11, "PR", "R11-T-PR-1"),
    ("node just above 10", {"N1": [20, 10.01]}, ("N1",), RECIST11, "PR", "R11-T-PR-1"),
    ("a lesion of 0.01 mm is not gone", {"T1": [20, 0.01]}, (), RECIST11, "PR", "R11-T-PR-1"),
    # the nadir is 0: nodes reached 0 and come back, the relative change is undefined
    ("nadir 0, other node 4.99", {"N1": [20, 0, 10], "N2": [16, 0, 0]}, ("N1", "N2"), RECIST11, "PD", "R11-T-PD-4"),
    # reappearance needs a non-nodal lesion and an earlier CR, however small it is
    ("reappearance of 0.01 mm", {"T1": [30, A, 0.01]}, (), RECIST11, "PD", "R11-T-PD-3"),
    ("reappearance of a millionth mm", {"T1": [30, A, 1e-6]}, (), RECIST11, "PD", "R11-T-PD-3"),
    ("a node that comes back after CR is no reappearance", {"T1": [30, A, A], "N1": [20, 9, 11]}, ("N1",), RECIST11, "PR", "R11-T-PR-1"),
    ("reappearance beside a normal node", {"T1": [30, A, 2], "N1": [20, 9, 9]}, ("N1",), RECIST11, "PD", "R11-T-PD-3"),
    # the measured part alone
    ("part 20 % and 5 mm at", {"T1": [20, None], "T2": [30, 60]}, (), RECIST11, "PD", "R11-T-PD-2"),
    ("part 20 % just below", {"T1": [20, None], "T2": [30, 59.99]}, (), RECIST11, "NE", "R11-T-NE-1"),
    ("part of 5 mm with nadir 0", {"T1": [20, A, None], "T2": [30, A, 5]}, (), RECIST11, "PD", "R11-T-PD-2"),
    ("part below 5 mm with nadir 0", {"T1": [20, A, None], "T2": [30, A, 4.99]}, (), RECIST11, "NE", "R11-T-NE-1"),
    ("nothing measured at all", {"T1": [20, None], "T2": [30, None]}, (), RECIST11, "NE", "R11-T-NE-1"),
    # a target without baseline value: CR and PD from a later nadir can be told, PR and SD cannot
    ("no baseline value, smaller", {"T1": [None, 40, 20]}, (), RECIST11, "NE", "R11-T-NE-1"),
    ("no baseline value, gone", {"T1": [None, 40, A]}, (), RECIST11, "CR", "R11-T-CR-1"),
    ("no baseline value, grown", {"T1": [None, 40, 48]}, (), RECIST11, "PD", "R11-T-PD-1"),
    # mRECIST
    ("20 % just below, mRECIST", {"T1": [40, 20, 23.99]}, (), MRECIST, "PR", "MR-T-PR-1"),
    ("20 % at, mRECIST", {"T1": [40, 20, 24]}, (), MRECIST, "PD", "MR-T-PD-1"),
    ("70 % of baseline at, mRECIST", {"T1": [40, 28]}, (), MRECIST, "PR", "MR-T-PR-1"),
    ("70 % of baseline just above, mRECIST", {"T1": [40, 28.01]}, (), MRECIST, "SD", "MR-T-SD-1"),
    ("enhancement reappears", {"T1": [40, A, 0.5]}, (), MRECIST, "PD", "MR-T-PD-2"),
    ("part alone, mRECIST", {"T1": [20, None], "T2": [30, 60]}, (), MRECIST, "PD", "MR-T-PD-3"),
    ("part alone not enough, mRECIST", {"T1": [20, None], "T2": [30, 59.99]}, (), MRECIST, "NE", "MR-T-NE-1"),
    ("node back from 0, mRECIST", {"N1": [20, 0, 10]}, ("N1",), MRECIST, "PD", "MR-T-PD-1"),
    ("unchanged at a baseline of 0, mRECIST", {"T1": [0, 0]}, (), MRECIST, "CR", "MR-T-CR-1"),
    ("any increase from a baseline of 0, mRECIST", {"T1": [0, 1]}, (), MRECIST, "PD", "MR-T-PD-1"),
    ("the smallest increase from a baseline of 0, mRECIST", {"T1": [0, 1e-6]}, (), MRECIST, "PD", "MR-T-PD-1"),
    ("the smallest nadir above 0 has the row of a nadir above 0", {"N1": [20, 1e-6, 15]}, ("N1",), RECIST11, "PD", "R11-T-PD-1"),
    ("4.99 mm from a baseline of 0", {"T1": [0, 4.99]}, (), RECIST11, "SD", "R11-T-SD-1"),
    ("5 mm from a baseline of 0", {"T1": [0, 5]}, (), RECIST11, "PD", "R11-T-PD-4"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("series", "nodes", "c", "response", "rule"), [b[1:] for b in BOUNDARIES], ids=[b[0] for b in BOUNDARIES]
)
def test_each_limit_of_the_target_tables_is_decided_exactly(series, nodes, c, response, rule):
    got = last(series, nodes, c=c)
    assert (got["TRGRESP"], got["TRGRULE"]) == (response, rule)


def test_every_row_of_both_target_tables_is_reached_by_a_test_above():
    seen = {row[-1] for row in EXAMPLES} | {row[-1] for row in BOUNDARIES} | {"R11-T-NA-1"}
    rows = {rule.id for c in (RECIST11, MRECIST) for rule in target_rules(c)}
    assert rows <= seen


def test_a_porta_hepatis_node_is_normal_below_20_in_mrecist_and_below_10_in_recist():
    for size, mrecist in ((19.99, "CR"), (20, "PR")):
        assert last({"N1": [30, size]}, ("N1",), ("N1",), MRECIST)["TRGRESP"] == mrecist
        assert last({"N1": [30, size]}, ("N1",), ("N1",))["TRGRESP"] == "PR"


def test_baseline_has_sums_but_no_response():
    values, points = frames([history({"T1": [30, 20]})])
    first = target_response(values, RECIST11, points).sort("TP").collect().row(0, named=True)
    assert [first[k] for k in ("TRGRESP", "TRGRULE", "SUM", "BASE", "NADIR", "CHG", "PCHG")] == [
        None, None, 30.0, 30.0, None, None, None,
    ]  # fmt: skip


def test_a_subject_without_targets_has_no_target_response_at_any_time_point():
    values, points = frames([history({"T1": [30, 20]}), ([], [], [0, 1])])
    got = target_response(values, RECIST11, points).filter(SUBJID="1", TP=1).collect().row(0, named=True)
    assert (got["TRGRESP"], got["TRGRULE"], got["N_EXPECTED"]) == (None, "R11-T-NA-1", 0)


def test_a_lesion_without_a_row_and_a_time_point_without_any_row_are_missing_not_zero():
    lesions, readings, _ = history({"T1": [30, 20, 20], "T2": [20, 20, 20]})
    kept = [r for r in readings if (r.lesion, r.tp) != ("T2", 1)]
    values, points = frames([(lesions, kept, [0, 1, 2, 3])])
    got = target_response(values, RECIST11, points).sort("TP").collect()
    assert got["TRGRESP"].to_list() == [None, "NE", "SD", "NE"]
    assert got["MISSING"].to_list() == [[], ["T2"], [], ["T1", "T2"]]
    assert got["RIDS"].to_list()[3] == []


def test_a_target_that_first_appears_after_baseline_is_reported_but_never_added():
    values, points = frames([(*history({"T1": [30, 30]})[:2], [0, 1])])
    later = values.with_columns(pl.lit("T9").alias("LESION"), VALUE=pl.lit(80.0)).filter(TP=1)
    got = target_response(pl.concat([values, later]), RECIST11, points).filter(TP=1).collect().row(0, named=True)
    assert (got["SUM"], got["TRGRESP"], got["EXTRA"]) == (30.0, "SD", ["T9"])


def test_parts_replace_their_parent_even_where_the_site_also_filled_the_parent():
    got = last({"T4": [40, 33], "T4.1": [None, 18], "T4.2": [None, 15]})
    assert (got["SUM"], got["N_EXPECTED"], got["RIDS"]) == (33.0, 1, [3, 4, 5])


def test_a_part_once_seen_is_missed_when_it_has_no_row_later():
    got = last({"T4": [40], "T4.1": [None, 18, 20], "T4.2": [None, 15]})
    assert (got["TRGRESP"], got["MISSING"], got["PSUM"]) == ("NE", ["T4.2"], 20.0)


def test_a_part_that_is_split_again_is_replaced_by_its_own_parts():
    lesions, readings, points = history({"T4": [40, None], "T4.1": [None, 20], "T4.2": [None, 10]})
    values, timepoints = frames([(lesions, readings, [*points, 2])])
    again = values.filter(LESION="T4.2", TP=1).with_columns(TP=pl.lit(2, dtype=pl.Int32))
    parts = pl.concat(
        [
            again,
            again.with_columns(LESION=pl.lit("T4.1.1"), PARENT=pl.lit("T4.1"), VALUE=pl.lit(7.0)),
            again.with_columns(LESION=pl.lit("T4.1.2"), PARENT=pl.lit("T4.1"), VALUE=pl.lit(6.0)),
        ]
    )
    later = parts.with_columns(TP=pl.lit(3, dtype=pl.Int32))
    last_point = timepoints.filter(TP=2).with_columns(TP=pl.lit(3, dtype=pl.Int32))
    got = target_response(pl.concat([values, parts, later]), RECIST11, pl.concat([timepoints, last_point])).collect()
    for tp in (2, 3):
        row = got.row(by_predicate=pl.col("TP") == tp, named=True)
        assert (row["SUM"], row["N_MISSING"], row["TRGRESP"]) == (23.0, 0, "PR")


def test_a_merged_partner_of_0_mm_adds_nothing_and_is_no_disappearance_of_the_whole():
    got = last({"T1": [30, 45], "T2": [20, 0]})
    assert (got["SUM"], got["TRGRESP"]) == (45.0, "SD")


def test_of_two_readings_of_a_lesion_the_first_entered_with_a_value_counts_once():
    values, points = frames([history({"T1": [30, 20]})])
    blank = values.filter(TP=1).with_columns(VALUE=pl.lit(None, dtype=pl.Float64), RID=pl.lit(1, dtype=pl.UInt32))
    second = values.filter(TP=1).with_columns(VALUE=pl.lit(90.0), RID=pl.lit(99, dtype=pl.UInt32))
    got = target_response(pl.concat([second, blank, values]), RECIST11, points).filter(TP=1).collect()
    assert (got["SUM"].item(), got["RIDS"].to_list()) == (20.0, [[1, 3, 99]])


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -3.0, 2e6])
def test_a_number_that_cannot_be_a_diameter_is_no_value(value):
    assert last({"T1": [30, value]})["TRGRESP"] == "NE"


def test_the_post_operative_segment_has_a_baseline_and_a_nadir_of_its_own():
    before, points = frames([history({"T1": [60, 20], "T2": [40, 40]})])
    after, later = frames([history({"T2": [40, 46, 48]})], "POST-OPERATIVE")
    got = target_response(pl.concat([before, after]), RECIST11, pl.concat([points, later])).collect()
    post = got.filter(BASETYPE="POST-OPERATIVE").sort("TP")
    assert got.filter(BASETYPE="PRE-TREATMENT", TP=1)["TRGRESP"].item() == "PR"
    assert post["TRGRESP"].to_list() == [None, "SD", "PD"]
    assert post["NADIR"].to_list() == [None, 40.0, 40.0]


def test_ad_ex_22_every_operand_of_a_whole_history_is_shown():
    values, points = frames([history({"T1": [52, 40, 34, 38, 46], "T2": [32, 24, 18, 20, 22]})])
    got = target_response(values, RECIST11, points).sort("TP").collect()
    assert got["SUM"].to_list() == [84, 64, 52, 58, 68]
    assert got["CHG"].to_list() == [None, -20, -32, -26, -16]
    assert got["NADIR"].to_list() == [None, 84, 64, 52, 52]
    assert got["NADIR_TP"].to_list() == [None, 0, 1, 2, 2]
    assert got["CHGNAD"].to_list() == [None, -20, -12, 6, 16]
    assert got["PCHG"].round(2).to_list() == [None, -23.81, -38.1, -30.95, -19.05]
    assert got["PCHGNAD"].round(2).to_list() == [None, -23.81, -18.75, 11.54, 30.77]
    assert got["TRGRESP"].to_list() == [None, "SD", "PR", "PR", "PD"]


def test_a_missing_evaluator_name_does_not_lose_the_readings():
    values, points = frames([history({"T1": [30, 20]})])
    nameless = [f.with_columns(EVAL=pl.lit(None, dtype=pl.String)) for f in (values, points)]
    got = target_response(nameless[0], RECIST11, nameless[1]).filter(TP=1).collect()
    assert got["TRGRESP"].to_list() == ["PR"]


def test_a_kilometre_is_the_largest_number_that_is_read_as_a_diameter():
    assert last({"T1": [30, 1e6]})["TRGRESP"] == "PD"
    assert last({"T1": [30, 1_000_000.5]})["TRGRESP"] == "NE"


def test_percentages_exist_above_a_baseline_and_a_nadir_of_0_and_only_there():
    nothing, something = last({"T1": [0, 5]}, c=MRECIST), last({"T1": [1e-6, 5]}, c=MRECIST)
    assert [nothing[k] for k in ("CHG", "PCHG", "CHGNAD", "PCHGNAD")] == [5, None, 5, None]
    assert None not in [something[k] for k in ("PCHG", "PCHGNAD")]


def test_a_lesion_is_a_node_and_at_the_porta_where_any_of_its_baseline_rows_says_so():
    values, points = frames([history({"N1": [30, 9]})])
    for flags, size, response in (("NODAL",), 9.0, "CR"), (("NODAL", "PORTA"), 19.99, "CR"), ((), 9.0, "PR"):
        said = values.filter(TP=0).with_columns(pl.lit(True).alias(f) for f in flags)
        second = said.with_columns(RID=pl.lit(99, dtype=pl.UInt32))
        rows = values.with_columns(VALUE=pl.when(pl.col("TP") == 1).then(size).otherwise("VALUE"))
        got = target_response(pl.concat([rows, second]), MRECIST, points).filter(TP=1).collect()
        assert got["TRGRESP"].to_list() == [response]


def test_readers_of_one_subject_have_lesions_and_baselines_of_their_own():
    first, points = frames([history({"T1": [30, 20]})])
    second, _ = frames([history({"T2": [50, 50]})])
    other = [f.with_columns(EVAL=pl.lit("READER 2")) for f in (second, points)]
    got = target_response(pl.concat([first, other[0]]), RECIST11, pl.concat([points, other[1]])).filter(TP=1).collect()
    assert got.select("EVAL", "SUM", "BASE", "TRGRESP").sort("EVAL").rows() == [
        ("INVESTIGATOR", 20, 30, "PR"),
        ("READER 2", 50, 50, "SD"),
    ]
