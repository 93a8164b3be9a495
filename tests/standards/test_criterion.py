"""The numbers of the two criteria as they are published; a study's own numbers are taken as written."""

from fractions import Fraction

import pytest

from cdiscx.standards.recist import MRECIST, RECIST11, criterion

SHARED = {
    "pd_rel": Fraction("1.2"),  # R11-T-PD-1, MR-T-PD-1
    "pr_rel": Fraction("0.3"),  # R11-T-PR-1, MR-T-PR-1
    "too_small_mm": 5,  # R11-C-4
    "node_normal_mm": 10,  # R11-M-5, R11-T-CR-1
    "node_target_mm": 15,  # R11-M-3, MR-M-7
    "lesion_target_mm": 10,  # R11-M-1
    "viable_target_mm": 10,  # MR-M-1
    "xray_target_mm": 20,  # R11-M-6
    "clinical_target_mm": 10,  # R11-M-7
    "thin_slice_mm": 5,  # R11-M-2
    "thick_slice_factor": 2,  # R11-M-2
    "max_targets": 5,  # R11-S-1
    "max_targets_per_organ": 2,  # R11-S-2
    "new_node_mm": 15,  # R11-L-4
    "new_node_growing_mm": 10,  # R11-L-4
    "new_node_growth_mm": 5,  # R11-L-4
    "new_nodule_mm": 10,  # MR-L-1, MR-L-3
    "new_nodule_growth_mm": 10,  # MR-L-2
    "marker_norm_for_cr": False,  # R11-N-CR-1
}
PORTA = ("porta_hepatis_normal_mm", "porta_hepatis_target_mm", "new_porta_hepatis_mm")
PUBLISHED = {
    # R11-T-PD-1 asks for 5 mm; R11 knows no other limit at the porta hepatis than for any node
    "RECIST 1.1": SHARED | {"pd_abs_mm": 5, "viable": False} | dict(zip(PORTA, (10, 15, 15), strict=True)),
    # MR-T-PD-1 has no absolute minimum; MR-M-6
    "MRECIST": SHARED | {"pd_abs_mm": 0, "viable": True} | dict.fromkeys(PORTA, 20),
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_every_number_of_a_criterion_is_the_published_one(name):
    assert {field: getattr(criterion(name), field) for field in PUBLISHED[name]} == PUBLISHED[name]


def test_a_criterion_has_no_number_that_is_not_compared_with_the_publication():
    numbers = {f for f in RECIST11.__dataclass_fields__ if f not in ("name", "prefix")}
    assert numbers == set(PUBLISHED["RECIST 1.1"])


def test_a_criterion_is_found_under_its_names_and_no_other():
    assert {criterion(name) for name in ("recist  1.1", "RECIST", "Recist1.1", "RECIST11")} == {RECIST11}
    assert criterion(" mRECIST ") == MRECIST
    with pytest.raises(ValueError, match="unknown response criterion 'iRECIST'"):
        criterion("iRECIST")


def test_relative_limits_are_taken_as_written_and_unknown_numbers_are_refused():
    strict = criterion("RECIST 1.1", pd_rel="1.25", pr_rel=0.3, pd_abs_mm=4)
    assert (strict.pd_rel, strict.pr_rel, strict.pd_abs_mm) == (Fraction(5, 4), Fraction(3, 10), 4)
    with pytest.raises(ValueError, match=r"no parameter pd_rell: known are .*pd_rel"):
        criterion("MRECIST", pd_rell=1.3)
    with pytest.raises(ValueError, match="no parameter prefix"):
        criterion("MRECIST", prefix="R11")
