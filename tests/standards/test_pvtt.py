"""Portal vein tumour thrombus: RX-EX-42 to 51, every rule CHP-1 to CHP-8 and every cell of the composite."""

import polars as pl
import pytest

from cdiscx.standards.pvtt import (
    COMPOSITE_CELLS,
    PATHOLOGY_ORDER,
    VP_TO_CHENG,
    cheng_ordinal,
    composite,
    pvtt_response,
    staging_change,
    staging_steps,
)


def judge(base, now, flow, primary=None, *, use_subtypes=False, gone_is_cr=False):
    frame = pl.DataFrame([(base, now, flow, primary)], schema=dict.fromkeys("bnfp", pl.String), orient="row")
    response, rule = pvtt_response(pl.col("b"), pl.col("n"), pl.col("f"), use_subtypes=use_subtypes)
    combined, cell = composite(pl.col("p"), response, now=pl.col("n"), gone_is_cr=gone_is_cr)
    return frame.select(response.alias("r"), rule.alias("id"), combined.alias("c"), cell.alias("cell")).row(0)


@pytest.mark.parametrize(
    ("base", "now", "flow", "primary", "expected"),
    [
        pytest.param("III", "II", "N", "SD", ("PR", "CHP-1", "PR", "s"), id="RX-EX-42"),
        pytest.param("II", "II", "Y", "SD", ("PR", "CHP-2", "PR", "s"), id="RX-EX-43"),
        pytest.param("II", "II", "N", "PR", ("SD", "CHP-3", "PR", "s"), id="RX-EX-44"),
        pytest.param("II", "III", "N", "PR", ("PD", "CHP-4", "PD", "s"), id="RX-EX-45"),
        pytest.param("II", "III", "Y", "PR", ("PD", "CHP-5", "PD", "s"), id="RX-EX-46"),
        pytest.param("I", "NONE", "Y", "CR", ("PR", "CHP-8", "PR", "a1"), id="RX-EX-47"),
        pytest.param("II", None, "N", "PD", ("NE", "CHP-7", "PD", "s"), id="RX-EX-48"),
        pytest.param("II", None, "Y", "PR", ("NE", "CHP-7", "NE", "a3"), id="RX-EX-49"),
        pytest.param("II", "II", "N", "SD", ("SD", "CHP-3", "SD", "a5"), id="RX-EX-50"),
        pytest.param("IIb", "IIa", "N", "SD", ("SD", "CHP-3", "SD", "a5"), id="RX-EX-51"),
        ("II", "II", None, "SD", ("SD", "CHP-6", "SD", "a5")),
        ("II", "III", None, "SD", ("PD", "CHP-4", "PD", "s")),
        ("III", "I", None, "CR", ("PR", "CHP-1", "PR", "a1")),
        ("III", "NONE", "N", "SD", ("PR", "CHP-8", "PR", "s")),
        (None, "II", "Y", "SD", ("NE", "CHP-7", "NE", "a3")),
        ("II", "I0", "N", "SD", ("NE", "CHP-7", "NE", "a3")),
        ("NONE", "II", "N", "SD", ("NE", "CH-D-4", "NE", "a3")),
        ("NONE", "NONE", "N", "SD", ("NE", "CH-D-4", "NE", "a3")),
        ("NONE", None, "N", "SD", ("NE", "CHP-7", "NE", "a3")),
        (" iii ", "iiB", "n", "sd", ("PR", "CHP-1", "PR", "s")),
    ],
)
def test_class_flow_and_primary_give_the_thrombus_response_and_the_composite(base, now, flow, primary, expected):
    assert judge(base, now, flow, primary) == expected


def test_rx_ex_47_a_thrombus_that_is_gone_is_a_complete_composite_only_when_the_study_says_so():
    assert judge("I", "NONE", "Y", "CR", gone_is_cr=True)[2:] == ("CR", "gone")
    assert judge("II", "I", "Y", "CR", gone_is_cr=True)[2:] == ("PR", "a1")
    assert judge("I", "NONE", "Y", "PR", gone_is_cr=True)[2:] == ("PR", "a4")


def test_rx_ex_51_subtypes_count_only_when_the_study_says_so_and_both_sides_have_one():
    assert judge("IIb", "IIa", "N", "SD", use_subtypes=True) == ("PR", "CHP-1", "PR", "s")
    assert judge("IIa", "IIb", "N", "SD", use_subtypes=True)[:2] == ("PD", "CHP-4")
    assert judge("IIb", "II", "N", "SD", use_subtypes=True)[:2] == ("SD", "CHP-3")
    assert judge("IIIa", "IIb", "N", "SD", use_subtypes=True)[:2] == ("PR", "CHP-1")


def test_flow_may_be_a_boolean():
    frame = pl.DataFrame({"c": ["II", "II", "II"], "f": [True, False, None]})
    response, _ = pvtt_response(pl.col("c"), pl.col("c"), pl.col("f"))
    assert frame.select(response.alias("r"))["r"].to_list() == ["PR", "SD", "SD"]


@pytest.mark.parametrize(("pair", "expected"), COMPOSITE_CELLS.items())
def test_every_cell_of_the_matrix_is_what_the_expression_gives(pair, expected):
    frame = pl.DataFrame([pair], schema=["p", "v"], orient="row")
    response, cell = composite(pl.col("p"), pl.col("v"))
    assert frame.select(response.alias("r"), cell.alias("c")).row(0) == expected


def test_a_blank_component_is_not_evaluable_and_two_blanks_give_nothing():
    rows = [(None, "PD"), (None, "PR"), ("PR", None), ("PD", None), (None, None), ("NON-CR/NON-PD", "PR"), ("?", "PR")]
    frame = pl.DataFrame(rows, schema=["p", "v"], orient="row")
    response, cell = composite(pl.col("p"), pl.col("v"))
    got = frame.select(response.alias("r"), cell.alias("c"))
    assert got["r"].to_list() == ["PD", "NE", "NE", "PD", None, "PR", None]
    assert got["c"].to_list() == ["s", "a3", "a3", "s", None, "s", None]


def test_asking_for_a_composite_cr_without_the_class_is_refused():
    with pytest.raises(ValueError, match="pass now="):
        composite(pl.col("p"), pl.col("v"), gone_is_cr=True)


def test_staging_change_names_its_rule():
    rows = [("III", "II"), ("II", "IIb"), ("I", "IV"), ("NONE", "I"), ("II", None), ("I0", "I")]
    frame = pl.DataFrame(rows, schema=["b", "n"], orient="row")
    word, rule = staging_change(pl.col("b"), pl.col("n"))
    got = frame.select(word.alias("w"), rule.alias("id"))
    assert got["w"].to_list() == ["DOWNSTAGING", "UNCHANGED", "UPSTAGING", None, None, None]
    assert got["id"].to_list() == ["CH-D-1", "CH-D-2", "CH-D-3", "CH-D-4", None, None]


def test_microscopic_thrombus_is_no_imaging_class_but_has_its_place_in_pathology():
    ordinals = pl.DataFrame({"c": ["NONE", "I0", "I", "IIa", "III", "IV", "V", "ivB", ""]}).select(
        cheng_ordinal(pl.col("c"))
    )
    assert ordinals.to_series().to_list() == [0, None, 1, 2, 3, 4, None, 4, None]
    assert PATHOLOGY_ORDER.index("NONE") < PATHOLOGY_ORDER.index("I0") < PATHOLOGY_ORDER.index("I")


def test_japanese_classes_map_one_way():
    assert VP_TO_CHENG == {"VP1": "I", "VP2": "I", "VP3": "II", "VP4": "III"}


@pytest.mark.parametrize(
    ("base", "now", "plain", "by_letter"),
    [("IIa", "IIb", 0, 1), ("IIb", "IIa", 0, -1), ("IIa", "II", 0, 0), ("IIb", "IIIa", 1, 1), ("IV", "NONE", -4, -4)],
)
def test_a_change_of_class_is_counted_in_steps_and_letters_count_only_where_the_study_says_so(
    base, now, plain, by_letter
):
    b, n = pl.lit(base), pl.lit(now)
    got = pl.select(staging_steps(b, n).alias("p"), staging_steps(b, n, use_subtypes=True).alias("l")).row(0)
    assert got == (plain, by_letter)


@pytest.mark.parametrize(
    ("base", "now", "word", "rule"),
    [
        ("II", "I", "DOWNSTAGING", "CH-D-1"),
        ("IIa", "IIb", "UNCHANGED", "CH-D-2"),
        ("II", "III", "UPSTAGING", "CH-D-3"),
        ("I", "IV", "UPSTAGING", "CH-D-3"),
        ("NONE", "I", None, "CH-D-4"),
        ("I0", "I", None, None),
    ],
)
def test_a_change_of_class_has_its_word_and_rule_letters_left_aside(base, now, word, rule):
    said, by = staging_change(pl.lit(base), pl.lit(now))
    assert pl.select(said.alias("w"), by.alias("r")).row(0) == (word, rule)


@pytest.mark.parametrize(
    ("flow", "expected"), [(True, ("PR", "CHP-2")), (False, ("SD", "CHP-3")), (None, ("SD", "CHP-6"))]
)
def test_portal_flow_may_be_yes_or_no_as_a_truth_value(flow, expected):
    frame = pl.DataFrame({"f": [flow]}, schema={"f": pl.Boolean})
    response, rule = pvtt_response(pl.lit("II"), pl.lit("II"), pl.col("f"))
    assert frame.select(response.alias("r"), rule.alias("i")).row(0) == expected


def test_unless_the_study_says_otherwise_the_letter_of_a_class_is_no_change():
    response, rule = pvtt_response(pl.lit("IIa"), pl.lit("IIb"), pl.lit("N"))
    assert pl.select(response.alias("r"), rule.alias("i")).row(0) == ("SD", "CHP-3")
