"""Grades in their order: RX-EX-53 to 56 and the limits of Clavien-Dindo, pathology, R status, BCLC and Child-Pugh."""

import polars as pl
import pytest

from cdiscx.standards import child_pugh, grades


def each(values, function, dtype=pl.String, **named):
    return pl.DataFrame({"x": values}, schema={"x": dtype}).select(function(pl.col("x"), **named)).to_series().to_list()


def test_rx_ex_56_the_highest_of_several_grades_is_found_and_is_major():
    frame = pl.DataFrame({"g": ["II", "IIIb", "I"]})
    highest = grades.clavien_grade(grades.clavien_ordinal(pl.col("g")).max())
    assert frame.select(highest.alias("g"), grades.clavien_major(pl.col("g")).any().alias("m")).row(0) == ("IIIb", True)


def test_clavien_grades_rise_in_the_published_order_and_major_begins_at_iiia():
    assert each(list(grades.CLAVIEN_ORDER), grades.clavien_ordinal) == [1, 2, 3, 4, 5, 6, 7]
    assert each(list(grades.CLAVIEN_ORDER), grades.clavien_major) == [False, False, True, True, True, True, True]
    assert each([1, 4, 7, 9, None], grades.clavien_grade, pl.Int8) == ["I", "IIIb", "V", None, None]


def test_clavien_spellings_and_the_disability_suffix_are_read_apart():
    written = ["grade IIIA", "iiib-d", "IVad", "Id", "III", "IV", "V", "VI", "IIII", "", None]
    assert each(written, grades.clavien_ordinal) == [3, 4, 5, 1, 3, 5, 7, None, None, None, None]
    assert each(written, grades.clavien_disability) == [
        False, True, True, True, False, False, False, None, None, None, None,
    ]  # fmt: skip


def test_rx_ex_53_ten_percent_is_a_major_response_and_a_little_more_is_not():
    values = [0.0, 9.99, 10.0, 10.000001, 10.5, None, -1.0, 101.0]
    assert each(values, grades.mpr, pl.Float64) == [True, True, True, False, False, None, None, None]
    assert each(values, grades.pcr, pl.Float64) == [True, False, False, False, False, None, None, None]


def weighted(rows):
    frame = pl.DataFrame(rows, schema=["d", "v"], orient="row")
    percent = grades.weighted_viable_percent(pl.col("v"), pl.col("d"))
    return frame.select(percent.alias("p"), grades.weighted_mpr(pl.col("v"), pl.col("d")).alias("m")).row(0)


def test_rx_ex_54_nodules_weigh_by_their_size():
    assert weighted([(60.0, 5.0), (20.0, 50.0)]) == (16.25, False)


def test_the_weighted_limit_of_ten_percent_is_exact():
    assert weighted([(30.0, 0.0), (10.0, 40.0)]) == (10.0, True)
    assert weighted([(30.0, 0.0), (10.0, 40.01)])[1] is False
    assert weighted([(0.1, 10.0), (0.2, 10.0)])[1] is True


def test_a_nodule_without_percent_or_diameter_leaves_the_mean_open():
    assert weighted([(60.0, 5.0), (None, 50.0)]) == (None, None)
    assert weighted([(60.0, 5.0), (20.0, None)]) == (None, None)


def test_only_r0_is_r0_and_rx_has_no_rank():
    status = ["R0", "r1", "R2", "RX", None]
    assert each(status, grades.r_ordinal) == [0, 1, 2, None, None]
    assert each(status, grades.is_r0) == [True, False, False, False, False]


def test_a_thrombus_or_spread_needs_at_least_bclc_c():
    rows = [("B", True, False), ("A", False, True), ("C", True, True), ("D", True, False), ("B", False, None),
            ("B", None, None), (None, True, True)]  # fmt: skip
    frame = pl.DataFrame(rows, schema=["s", "v", "e"], orient="row")
    below = grades.bclc_below_c(pl.col("s"), vascular_invasion=pl.col("v"), extrahepatic=pl.col("e"))
    assert frame.select(below).to_series().to_list() == [True, True, False, False, False, False, None]
    assert each(["0", "a", "B", "C", "D", "E"], grades.bclc_ordinal) == [0, 1, 2, 3, 4, None]


@pytest.mark.parametrize(
    ("function", "named", "values", "points"),
    [
        (child_pugh.bilirubin_points, {}, [1.99, 2.0, 3.0, 3.01, None], [1, 2, 2, 3, None]),
        (child_pugh.bilirubin_points, {"unit": "umol/L"}, [33.9, 34.0, 51.0, 51.1], [1, 2, 2, 3]),
        (child_pugh.albumin_points, {}, [3.51, 3.5, 2.8, 2.79, None], [1, 2, 2, 3, None]),
        (child_pugh.inr_points, {}, [1.69, 1.7, 2.3, 2.31, float("nan")], [1, 2, 2, 3, None]),
    ],
)
def test_child_pugh_points_change_at_their_limits(function, named, values, points):
    assert each(values, function, pl.Float64, **named) == points


def test_ascites_and_encephalopathy_give_their_points():
    written = ["None", "slight", "MODERATE", "Severe", "?"]
    assert each(written, child_pugh.ascites_points) == [1, 2, 3, 3, None]
    assert each([0, 1, 2, 3, 4, 5], child_pugh.encephalopathy_points, pl.Int64) == [1, 2, 2, 3, 3, None]


def test_rx_ex_55_a_raised_bilirubin_alone_gives_six_points_and_class_a():
    frame = pl.DataFrame([(2.4, 3.6, 1.2, "NONE", 0)], schema=["b", "a", "i", "s", "e"], orient="row")
    points = child_pugh.child_pugh_points(
        bilirubin=child_pugh.bilirubin_points(pl.col("b")),
        albumin=child_pugh.albumin_points(pl.col("a")),
        inr=child_pugh.inr_points(pl.col("i")),
        ascites=child_pugh.ascites_points(pl.col("s")),
        encephalopathy=child_pugh.encephalopathy_points(pl.col("e")),
    )
    assert frame.select(points.alias("p"), child_pugh.child_pugh_class(points).alias("c")).row(0) == (6, "A")


def test_child_pugh_classes_begin_at_5_7_and_10():
    got = each([4, 5, 6, 7, 9, 10, 15, 16, None], child_pugh.child_pugh_class, pl.Int8)
    assert got == [None, "A", "A", "B", "B", "C", "C", None, None]


def test_every_percent_from_0_to_100_is_known():
    assert each([0.0, 100.0, 100.01], grades.mpr, pl.Float64) == [True, False, None]


def test_one_nodule_is_its_own_mean_and_none_or_one_without_size_has_no_mean():
    assert weighted([(60.0, 5.0)]) == weighted([(0.001, 5.0)]) == (5.0, True)
    assert weighted([(0.0, 5.0)]) == (None, None)
    assert weighted([(60.0, 5.0), (0.0, 5.0)]) == (None, None)
    empty = pl.DataFrame(schema={"d": pl.Float64, "v": pl.Float64})
    assert empty.select(grades.weighted_mpr(pl.col("v"), pl.col("d"))).item() is None
