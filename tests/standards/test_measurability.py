"""May a lesion be a target? RX-EX-40 and 52, and both sides of every limit of R11-M and MR-M."""

import polars as pl
import pytest

from cdiscx.standards.measurability import measurable
from cdiscx.standards.recist import MRECIST, RECIST11, criterion

NUMBERS = ("longest", "short_axis", "viable", "slice_thickness")
FLAGS = ("nodal", "porta", "hepatic", "thrombus", "never")


def judge(c=RECIST11, method="CT", **known):
    row = {"method": method, **{n: known.get(n) for n in NUMBERS}, **{f: known.get(f, False) for f in FLAGS}}
    schema = {"method": pl.String} | dict.fromkeys(NUMBERS, pl.Float64) | dict.fromkeys(FLAGS, pl.Boolean)
    frame = pl.DataFrame([row], schema=schema)
    verdict, minimum, rule = measurable(c, **{name: pl.col(name) for name in schema})
    return frame.select(verdict.alias("v"), minimum.alias("m"), rule.alias("id")).row(0)


def test_rx_ex_52_on_slices_of_8_mm_a_lesion_needs_16_mm():
    assert judge(longest=15, slice_thickness=8) == (False, 16.0, "R11-M-2")
    assert judge(longest=16, slice_thickness=8) == (True, 16.0, "R11-M-2")


def test_rx_ex_40_a_porta_hepatis_node_of_17_mm_is_no_lesion_where_a_para_aortic_one_may_be_a_target():
    assert judge(MRECIST, nodal=True, porta=True, short_axis=17) == (False, 20.0, "MR-M-6")
    assert judge(MRECIST, nodal=True, short_axis=17) == (True, 15.0, "MR-M-7")


@pytest.mark.parametrize(
    ("c", "method", "known", "expected"),
    [
        (RECIST11, "CT", {"longest": 9.99, "slice_thickness": 5}, (False, 10, "R11-M-1")),
        (RECIST11, "MRI", {"longest": 10, "slice_thickness": 5}, (True, 10, "R11-M-1")),
        (RECIST11, "CT", {"longest": 10.01}, (True, 10, "R11-M-1")),
        (RECIST11, "CT", {"longest": 10.01, "slice_thickness": 5.01}, (False, 10.02, "R11-M-2")),
        (RECIST11, "CT", {"longest": 10.02, "slice_thickness": 5.01}, (True, 10.02, "R11-M-2")),
        (RECIST11, "CT", {"longest": None}, (None, 10, "R11-M-1")),
        (RECIST11, "CT", {"nodal": True, "short_axis": 9.99}, (False, 15, "R11-M-5")),
        (RECIST11, "CT", {"nodal": True, "short_axis": 10}, (False, 15, "R11-M-4")),
        (RECIST11, "CT", {"nodal": True, "short_axis": 14.99}, (False, 15, "R11-M-4")),
        (RECIST11, "CT", {"nodal": True, "short_axis": 15}, (True, 15, "R11-M-3")),
        (RECIST11, "CT", {"nodal": True, "porta": True, "short_axis": 15}, (True, 15, "R11-M-3")),
        (RECIST11, "CT", {"nodal": True, "longest": 30}, (None, 15, "R11-M-3")),
        (RECIST11, "X-Ray", {"longest": 19.99}, (False, 20, "R11-M-6")),
        (RECIST11, "X-RAY", {"longest": 20}, (True, 20, "R11-M-6")),
        (RECIST11, "CLINICAL", {"longest": 9.99}, (False, 10, "R11-M-7")),
        (RECIST11, "CLINICAL", {"longest": 10}, (True, 10, "R11-M-7")),
        (RECIST11, "CT", {"longest": 90, "never": True}, (False, None, "R11-M-8")),
        (RECIST11, "ULTRASOUND", {"longest": 90}, (False, None, "R11-M-11")),
        (MRECIST, "CT", {"longest": 50, "hepatic": True, "viable": 9.99}, (False, 10, "MR-M-1")),
        (MRECIST, "CT", {"longest": 50, "hepatic": True, "viable": 10}, (True, 10, "MR-M-1")),
        (MRECIST, "CT", {"longest": 50, "hepatic": True}, (None, 10, "MR-M-1")),
        (MRECIST, "CT", {"longest": 15.99, "hepatic": True, "viable": 12, "slice_thickness": 8}, (False, 16, "R11-M-2")),
        (MRECIST, "CT", {"longest": 16, "hepatic": True, "viable": 12, "slice_thickness": 8}, (True, 10, "MR-M-1")),
        (MRECIST, "CT", {"longest": 60, "viable": 60, "hepatic": True, "thrombus": True}, (False, None, "MR-M-5")),
        (MRECIST, "CT", {"nodal": True, "porta": True, "short_axis": 19.99}, (False, 20, "MR-M-6")),
        (MRECIST, "CT", {"nodal": True, "porta": True, "short_axis": 20}, (True, 20, "MR-M-6")),
        (MRECIST, "CT", {"nodal": True, "short_axis": 14.99}, (False, 15, "MR-M-7")),
        (MRECIST, "CT", {"longest": 10}, (True, 10, "MR-M-9")),
        (RECIST11, "CT", {"longest": 60, "thrombus": True}, (True, 10, "R11-M-1")),
    ],
)  # fmt: skip
def test_each_limit_of_measurability_is_decided_exactly(c, method, known, expected):
    assert judge(c, method, **known) == expected


def test_a_study_may_ask_for_a_larger_viable_part():
    assert judge(criterion("MRECIST", viable_target_mm=15), hepatic=True, viable=14, longest=40)[0] is False


def test_what_is_not_said_of_a_lesion_is_no():
    unsaid = dict.fromkeys(FLAGS)
    assert judge(RECIST11, longest=12, **unsaid) == (True, 10.0, "R11-M-1")
    assert judge(MRECIST, longest=12, **unsaid) == (True, 10.0, "MR-M-9")
    assert judge(MRECIST, short_axis=17, **unsaid | {"nodal": True}) == (True, 15.0, "MR-M-7")


def test_short_names_of_methods_are_read_too():
    assert judge(method="us", longest=90) == (False, None, "R11-M-11")
    assert judge(method="XRay", longest=19) == (False, 20.0, "R11-M-6")


def test_twice_the_slice_is_asked_of_a_liver_lesion_on_thick_slices_only():
    assert judge(MRECIST, longest=8, hepatic=True, slice_thickness=5) == (None, 10.0, "MR-M-1")
    assert judge(MRECIST, longest=8, hepatic=True, slice_thickness=6) == (False, 12.0, "R11-M-2")
