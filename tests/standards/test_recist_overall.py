"""Non-target, new lesion and overall response: RX-EX-20 to 26, 37 to 39, 41, and every row of their tables."""

import datetime as dt

import polars as pl
import pytest

from cdiscx.standards.overall import overall_from_components, overall_response, overall_rules
from cdiscx.standards.recist import MRECIST, RECIST11, criterion, new_lesion_status, nontarget_response

NN = "NON-CR/NON-PD"


def overall(target, non, new, c=RECIST11, **extra):
    row = {"TRGRESP": target, "NTRGRESP": non, "NEWL": new, "HAS_TARGET": target is not None,
           "HAS_NONTARGET": non is not None, **extra}  # fmt: skip
    got = overall_response(pl.LazyFrame([row], schema_overrides={"NTRGRESP": pl.String, "TRGRESP": pl.String}), c)
    return got.select("OVRLRESP", "OVRLRULE").collect().row(0)


COMPONENTS = [
    pytest.param("PR", NN, "Y", RECIST11, "PD", "R11-O-1", id="RX-EX-20"),
    pytest.param("CR", NN, "N", RECIST11, "PR", "R11-O-5", id="RX-EX-21"),
    pytest.param("CR", "NE", "N", RECIST11, "PR", "R11-O-6", id="RX-EX-22"),
    pytest.param("NE", "PD", "N", RECIST11, "PD", "R11-O-3", id="RX-EX-23"),
    pytest.param("NE", "CR", "N", RECIST11, "NE", "R11-O-9", id="RX-EX-24"),
    pytest.param(None, NN, "N", RECIST11, NN, "R11-O-14", id="RX-EX-25"),
    pytest.param("CR", None, "N", RECIST11, "CR", "R11-O-4", id="RX-EX-26"),
    pytest.param("CR", NN, "N", MRECIST, "PR", "MR-O-5", id="RX-EX-37"),
    # RX-EX-41: ascites with negative cytology is no non-target progression and no new lesion (MR-M-8)
    pytest.param("SD", NN, "N", MRECIST, "SD", "MR-O-7", id="RX-EX-41"),
    ("PD", "CR", "N", RECIST11, "PD", "R11-O-2"),
    ("CR", "CR", "N", RECIST11, "CR", "R11-O-4"),
    ("PR", "NE", "N", RECIST11, "PR", "R11-O-7"),
    ("PR", None, "N", RECIST11, "PR", "R11-O-7"),
    ("SD", "CR", "N", RECIST11, "SD", "R11-O-8"),
    (None, "CR", "Y", RECIST11, "PD", "R11-O-11"),
    (None, "PD", None, RECIST11, "PD", "R11-O-12"),
    (None, "CR", "N", RECIST11, "CR", "R11-O-13"),
    (None, "NE", "N", RECIST11, "NE", "R11-O-15"),
    (None, None, "N", RECIST11, "NED", "R11-O-16"),
    (None, None, "Y", RECIST11, "PD", "R11-O-17"),
    ("CR", "CR", None, RECIST11, "NE", "R11-O-18"),
    (None, NN, None, MRECIST, "NE", "R11-O-18"),
    (None, None, None, RECIST11, "NE", "R11-O-18"),
    ("PD", None, None, RECIST11, "PD", "R11-O-2"),
    ("CR", None, "Y", MRECIST, "PD", "MR-O-1"),
    ("PD", None, "N", MRECIST, "PD", "MR-O-2"),
    ("SD", "PD", "N", MRECIST, "PD", "MR-O-3"),
    ("CR", "CR", "N", MRECIST, "CR", "MR-O-4"),
    ("CR", "NE", "N", MRECIST, "PR", "MR-O-5"),
    ("PR", "NE", "N", MRECIST, "PR", "MR-O-6"),
    ("NE", NN, "N", MRECIST, "NE", "MR-O-8"),
    (None, None, "N", MRECIST, "NED", "R11-O-16"),
]


@pytest.mark.parametrize(("target", "non", "new", "c", "response", "rule"), COMPONENTS)
def test_the_overall_response_follows_its_row(target, non, new, c, response, rule):
    assert overall(target, non, new, c) == (response, rule)


def test_every_row_of_the_overall_tables_is_tested_above():
    seen = {(getattr(row, "values", row))[-1] for row in COMPONENTS}
    assert {rule.id for c in (RECIST11, MRECIST) for part in overall_rules(c) for rule in part} == seen


def test_a_blank_new_lesion_field_reads_as_no_only_on_a_complete_form():
    assert overall("SD", None, None, FORM_COMPLETE=True) == ("SD", "R11-O-8")
    assert overall("SD", None, None, FORM_COMPLETE=False) == ("NE", "R11-O-18")


def test_a_baseline_visit_has_no_overall_response_unless_a_new_lesion_makes_it_progression():
    """A post-operative baseline with targets: TRGRESP is null although HAS_TARGET (trial-a 7)."""
    assert overall(None, None, "N", HAS_TARGET=True) == (None, None)
    assert overall(None, None, None, HAS_TARGET=True) == (None, None)
    assert overall(None, None, "Y", HAS_TARGET=True) == ("PD", "R11-O-1")


def test_recorded_components_in_any_spelling_give_the_expected_overall_response():
    frame = pl.DataFrame({"t": [" cr", "PR", None, "CR", "SD"], "n": ["Non-CR/Non-PD", "", "cr", "SD", "pd "],
                          "l": ["n", "N", "N", "N", "N"]})  # fmt: skip
    response, rule = overall_from_components(RECIST11, target="t", nontarget="n", new="l")
    got = frame.select(response.alias("r"), rule.alias("id"))
    assert got["r"].to_list() == ["PR", "PR", "CR", None, "PD"]
    assert got["id"].to_list() == ["R11-O-5", "R11-O-7", "R11-O-13", None, "R11-O-3"]


def test_a_blank_non_target_where_non_targets_exist_cannot_support_a_complete_response():
    frame = pl.DataFrame({"t": ["CR", "CR"], "n": [None, None], "l": ["N", "N"], "has": [True, False]},
                         schema_overrides={"n": pl.String})  # fmt: skip
    response, _ = overall_from_components(RECIST11, target="t", nontarget="n", new="l", has_nontarget=pl.col("has"))
    assert frame.select(response.alias("r"))["r"].to_list() == ["PR", "CR"]


STATE_ROWS = {"SUBJID": pl.String, "EVAL": pl.String, "BASETYPE": pl.String, "TP": pl.Int32, "LESION": pl.String,
              "STATE": pl.String, "NODAL": pl.Boolean, "PORTA": pl.Boolean, "VALUE": pl.Float64,
              "RID": pl.UInt32}  # fmt: skip


def nontarget(states, c=RECIST11, node=None, markers=None):
    """`states`: lesion -> state at time point 1; `node`: (short axis, at the porta hepatis) of every lesion."""
    size, porta = node or (None, False)
    rows = [("1", "I", "P", tp, lesion, "PRESENT" if tp == 0 else state, node is not None, porta, size, 10 * tp + i)
            for tp in (0, 1) for i, (lesion, state) in enumerate(states.items())]  # fmt: skip
    got = nontarget_response(pl.LazyFrame(rows, schema=STATE_ROWS, orient="row"), c, markers=markers)
    return got.filter(TP=1).select("NTRGRESP", "NTRGRULE").collect().row(0)


@pytest.mark.parametrize(
    ("states", "c", "response", "rule"),
    [
        (["ABSENT", "ABSENT"], RECIST11, "CR", "R11-N-CR-1"),
        (["ABSENT", "present"], RECIST11, NN, "R11-N-NN-1"),
        (["ABSENT", None], RECIST11, "NE", "R11-N-NE-1"),
        (["PRESENT", "NOT EVALUABLE"], RECIST11, "NE", "R11-N-NE-1"),
        (["UNEQUIVOCAL PROGRESSION", None], RECIST11, "PD", "R11-N-PD-1"),
        (["ABSENT"], MRECIST, "CR", "MR-N-CR-1"),
        (["PRESENT"], MRECIST, NN, "MR-N-NN-1"),
        (["UNEQUIVOCAL PROGRESSION"], MRECIST, "PD", "MR-N-PD-1"),
        (["NOT EVALUABLE"], MRECIST, "NE", "R11-N-NE-1"),
    ],
)
def test_non_target_response_follows_its_row(states, c, response, rule):
    assert nontarget({f"NT{i}": s for i, s in enumerate(states)}, c) == (response, rule)


def test_a_non_target_node_of_normal_size_counts_as_gone():
    assert nontarget({"NT1": "PRESENT"}, node=(9.99, False))[0] == "CR"
    assert nontarget({"NT1": "PRESENT"}, node=(10, False))[0] == NN
    assert nontarget({"NT1": "PRESENT"}, MRECIST, node=(19.99, True))[0] == "CR"
    assert nontarget({"NT1": "PRESENT"}, MRECIST, node=(20, True))[0] == NN
    assert nontarget({"NT1": "PRESENT"}, RECIST11, node=(19.99, True))[0] == NN


@pytest.mark.parametrize(("normal", "expected"), [(True, "CR"), (False, NN), (None, "NE")])
def test_where_the_study_asks_for_it_non_target_cr_needs_a_normal_marker(normal, expected):
    markers = pl.LazyFrame(
        {"SUBJID": ["1"], "EVAL": ["I"], "BASETYPE": ["P"], "TP": [1], "MARKER_NORMAL": [normal]},
        schema_overrides={"TP": pl.Int32, "MARKER_NORMAL": pl.Boolean},
    )
    strict = criterion("RECIST 1.1", marker_norm_for_cr=True)
    assert nontarget({"NT1": "ABSENT"}, strict, markers=markers)[0] == expected
    assert nontarget({"NT1": "ABSENT"}, RECIST11, markers=markers)[0] == "CR"
    assert nontarget({"NT1": "ABSENT"}, strict)[0] == "NE"


def test_a_subject_without_non_targets_has_no_non_target_response():
    none = pl.LazyFrame(schema=STATE_ROWS)
    points = pl.LazyFrame(
        {"SUBJID": ["1"], "EVAL": ["I"], "BASETYPE": ["P"], "TP": [1]}, schema_overrides={"TP": pl.Int32}
    )
    got = nontarget_response(none, RECIST11, points).select("NTRGRESP", "NTRGRULE", "N_EXPECTED").collect()
    assert got.rows() == [(None, "R11-N-NA-1", 0)]


NEW_ROWS = {"SUBJID": pl.String, "EVAL": pl.String, "LESION": pl.String, "DATE": pl.Date, "TP": pl.Int32,
            "CERTAINTY": pl.String, "DIAMETER": pl.Float64, "ORGAN": pl.String, "NODAL": pl.Boolean,
            "TYPICAL": pl.Boolean, "RID": pl.UInt32}  # fmt: skip
JUNE, AUGUST, OCTOBER = dt.date(2023, 6, 1), dt.date(2023, 8, 24), dt.date(2023, 10, 19)


def new(*readings, c=RECIST11, organ="Liver", nodal=False, **extra):
    """Readings (date, certainty, diameter, typical) of one lesion, handed over in reverse order."""
    rows = [("1", "I", "N1", date, i, certainty, size, organ, nodal, typical, i)
            for i, (date, certainty, size, typical) in enumerate(readings)]  # fmt: skip
    frame = pl.LazyFrame(rows[::-1], schema=NEW_ROWS, orient="row").with_columns(**extra)
    got = new_lesion_status(frame, c).collect()
    assert got.columns == [*frame.collect_schema().names(), "NEWL", "NEWRULE", "CONFIRMED_FROM", "CONFIRMRULE"]
    return got.select("NEWL", "NEWRULE", "CONFIRMED_FROM", "CONFIRMRULE").rows()


def test_rx_ex_38_a_nodule_that_grows_by_10_mm_is_new_and_dated_to_its_first_appearance():
    got = new((JUNE, "EQUIVOCAL", 12, False), (AUGUST, "EQUIVOCAL", 23, False), c=MRECIST)
    assert got == [(False, "MR-L-2", None, None), (True, "MR-L-2", JUNE, "MR-L-4")]


def test_rx_ex_39_a_typical_nodule_of_8_mm_is_not_a_new_lesion_yet():
    assert new((JUNE, "UNEQUIVOCAL", 8, True), c=MRECIST) == [(False, "MR-L-3", None, None)]


@pytest.mark.parametrize(
    ("size", "typical", "is_new", "rule"),
    [
        (9.99, True, False, "MR-L-3"),
        (10, True, True, "MR-L-1"),
        (10.01, False, False, "MR-L-2"),
        (12, None, True, "R11-L-1"),
        (None, False, False, "MR-L-2"),
        (None, True, True, "R11-L-1"),
    ],
)
def test_a_new_liver_nodule_needs_10_mm_and_the_typical_pattern_in_mrecist(size, typical, is_new, rule):
    assert new((JUNE, "UNEQUIVOCAL", size, typical), c=MRECIST) == [(is_new, rule, None, None)]


@pytest.mark.parametrize(("then", "is_new"), [(21.99, False), (22, True), (22.01, True)])
def test_growth_of_exactly_10_mm_confirms_a_nodule(then, is_new):
    assert new((JUNE, "EQUIVOCAL", 12, False), (AUGUST, "EQUIVOCAL", then, False), c=MRECIST)[1][0] is is_new


def test_a_nodule_that_turns_typical_is_confirmed_and_stays_new_afterwards():
    got = new(
        (JUNE, "EQUIVOCAL", 12, False), (AUGUST, "UNEQUIVOCAL", 13, True), (OCTOBER, "EQUIVOCAL", 13, False), c=MRECIST
    )
    assert got == [(False, "MR-L-2", None, None), *[(True, "MR-L-1", JUNE, "MR-L-4")] * 2]


def test_an_equivocal_lesion_confirmed_later_is_dated_back_and_its_first_reading_stays_no():
    got = new((JUNE, "EQUIVOCAL", 12, None), (AUGUST, "UNEQUIVOCAL", 13, None), organ="Lung")
    assert got == [(False, "R11-L-2", None, None), (True, "R11-L-1", JUNE, "R11-L-2")]


def test_an_unequivocal_lesion_is_new_at_once_and_an_equivocal_one_never_confirmed_is_not():
    assert new((JUNE, "UNEQUIVOCAL", 8, None)) == [(True, "R11-L-1", None, None)]
    assert new((JUNE, "EQUIVOCAL", 30, True), (AUGUST, "EQUIVOCAL", 60, True)) == [(False, "R11-L-2", None, None)] * 2


def test_extrahepatic_lesions_follow_recist_in_mrecist_too():
    assert new((JUNE, "UNEQUIVOCAL", 8, True), organ="Lung", c=MRECIST) == [(True, "R11-L-1", None, None)]


@pytest.mark.parametrize(
    ("readings", "is_new"),
    [([14.99], False), ([15], True), ([10, 15], True), ([9, 13.99], False), ([9, 14], True), ([4, 9.99], False),
     ([5, 10], True), ([10, 14.9], False), ([None], True)],
)  # fmt: skip
def test_a_new_node_needs_15_mm_or_5_mm_of_growth_from_normal_to_at_least_10(readings, is_new):
    rows = [(day, "UNEQUIVOCAL", size, None) for day, size in zip((JUNE, AUGUST), readings, strict=False)]
    assert new(*rows, organ="Lymph node", nodal=True)[-1][0] is is_new


def test_a_new_node_the_reader_doubts_is_not_new_however_large():
    assert new((JUNE, "EQUIVOCAL", 18, None), nodal=True) == [(False, "R11-L-2", None, None)]


def test_a_new_porta_hepatis_node_needs_20_mm_in_mrecist():
    for size, expected in ((19.99, False), (20, True)):
        assert new((JUNE, "UNEQUIVOCAL", size, None), nodal=True, c=MRECIST, PORTA=pl.lit(True))[0][0] is expected
    assert new((JUNE, "UNEQUIVOCAL", 15, None), nodal=True, PORTA=pl.lit(True))[0][0] is True


def test_an_organ_not_imaged_before_and_a_recurrence_in_the_bed_are_cited_by_their_own_rule():
    assert new((JUNE, "UNEQUIVOCAL", 9, None), NOT_IMAGED_AT_BASELINE=pl.lit(True))[0][:2] == (True, "R11-L-3")
    assert new((JUNE, "UNEQUIVOCAL", 9, None), RECURRED_IN_BED=pl.lit(True))[0][:2] == (True, "R11-L-5")


def test_a_blank_certainty_leaves_the_status_open():
    assert new((JUNE, None, 12, None)) == [(None, None, None, None)]


@pytest.mark.parametrize(("before", "is_new"), [(9.99, True), (10, False)])
def test_a_node_that_was_not_normal_needs_the_full_size_however_much_it_grew(before, is_new):
    c = criterion("RECIST 1.1", new_node_mm=20)
    got = new((JUNE, "UNEQUIVOCAL", before, None), (AUGUST, "UNEQUIVOCAL", 16, None), nodal=True, c=c)
    assert got[1][0] is is_new


@pytest.mark.parametrize(
    ("c", "porta", "is_new"),
    [(RECIST11, False, True), (RECIST11, True, True), (MRECIST, False, True), (MRECIST, True, False)],
)
def test_growth_from_normal_makes_a_new_node_except_at_the_porta_hepatis_in_mrecist(c, porta, is_new):
    readings = [(JUNE, "UNEQUIVOCAL", 9, None), (AUGUST, "UNEQUIVOCAL", 14, None)]
    assert new(*readings, organ="Lymph node", nodal=True, c=c, PORTA=pl.lit(porta))[1][0] is is_new


@pytest.mark.parametrize("c", [RECIST11, MRECIST])
def test_a_large_lesion_outside_the_liver_is_new_by_the_general_rule_and_not_by_that_of_nodes(c):
    assert new((JUNE, "UNEQUIVOCAL", 20, None), organ="Lung", c=c) == [(True, "R11-L-1", None, None)]


def test_what_is_not_said_of_a_new_lesion_is_no():
    blank = pl.lit(None, dtype=pl.Boolean)
    unsaid = dict.fromkeys(("NODAL", "PORTA", "NOT_IMAGED_AT_BASELINE", "RECURRED_IN_BED"), blank)
    assert new((JUNE, "UNEQUIVOCAL", 8, None), organ="Lung", **unsaid) == [(True, "R11-L-1", None, None)]
    assert new((JUNE, "UNEQUIVOCAL", 8, True), organ=None, c=MRECIST) == [(True, "R11-L-1", None, None)]


def test_growth_of_a_nodule_is_counted_from_its_smallest_size_before():
    course = [(JUNE, "EQUIVOCAL", 12, False), (AUGUST, "EQUIVOCAL", 10, False), (OCTOBER, "EQUIVOCAL", 20, False)]
    assert [row[0] for row in new(*course, c=MRECIST)] == [False, False, True]
    course[1] = (AUGUST, "EQUIVOCAL", None, False)
    assert [row[0] for row in new(*course, c=MRECIST)] == [False, False, False]


def test_a_reading_without_certainty_is_the_first_appearance_of_a_lesion_confirmed_later():
    got = new((JUNE, None, 12, None), (AUGUST, "UNEQUIVOCAL", 13, None))
    assert got == [(None, None, None, None), (True, "R11-L-1", JUNE, "R11-L-2")]


def test_a_lesion_that_was_new_from_its_first_reading_is_not_dated_back():
    assert (
        new((JUNE, "UNEQUIVOCAL", 12, None), (AUGUST, "UNEQUIVOCAL", 13, None)) == [(True, "R11-L-1", None, None)] * 2
    )


@pytest.mark.parametrize("other", [{"SUBJID": "2"}, {"EVAL": "R"}, {"LESION": "N2"}])
def test_a_lesion_of_another_subject_reader_or_name_is_another_lesion(other):
    row = {"SUBJID": "1", "EVAL": "I", "LESION": "N1", "DATE": JUNE, "TP": 1, "CERTAINTY": "EQUIVOCAL", "DIAMETER": 12.0,
           "ORGAN": "Lung", "NODAL": False, "TYPICAL": None, "RID": 1}  # fmt: skip
    later = row | {"DATE": AUGUST, "TP": 2, "CERTAINTY": "UNEQUIVOCAL", "RID": 2}
    got = new_lesion_status(pl.LazyFrame([row, later | other], schema=NEW_ROWS), RECIST11).collect().sort("RID")
    assert got.select("NEWL", "CONFIRMED_FROM").rows() == [(False, None), (True, None)]


def test_a_form_of_which_nothing_is_said_is_not_complete():
    assert overall("SD", "CR", None, FORM_COMPLETE=None) == ("NE", "R11-O-18")
    assert overall("SD", "CR", None, FORM_COMPLETE=True) == ("SD", "R11-O-8")


@pytest.mark.parametrize("known", [None, pl.lit(None, dtype=pl.Boolean)])
def test_where_nobody_says_which_lesions_there_are_the_filled_components_tell(known):
    rows = pl.DataFrame([("CR", None, "N"), (None, "CR", "N"), (None, None, "N")], schema=["t", "n", "l"], orient="row")
    response, rule = overall_from_components(
        RECIST11, target="t", nontarget="n", new="l", has_target=known, has_nontarget=known
    )
    got = rows.select(response.alias("r"), rule.alias("id")).rows()
    assert got == [("CR", "R11-O-4"), ("CR", "R11-O-13"), ("NED", "R11-O-16")]
