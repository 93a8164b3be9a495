"""The thresholds of RECIST 1.1 and mRECIST by name, and `criterion(name, ...)` to change some of them."""

from dataclasses import dataclass, fields, replace
from fractions import Fraction
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class Criterion:
    """One set of response criteria; every number is a parameter, sizes in mm, relative limits exact.

    `prefix` is what the ids of its rules begin with. A row that a criterion does not state itself keeps the
    id of RECIST 1.1, which it builds on.
    """

    name: str
    prefix: Literal["R11", "MR"]
    viable: bool
    """Liver targets enter the sum with their viable (arterially enhancing) diameter."""
    pd_rel: Fraction = Fraction(6, 5)
    """Progression: at least this multiple of the nadir ..."""
    pd_abs_mm: float = 5
    """... and at least this much above it; 0 asks for any increase."""
    pr_rel: Fraction = Fraction(3, 10)
    """Partial response: the sum fell by at least this part of the baseline sum."""
    too_small_mm: float = 5
    """What a target that is visible but too small to measure contributes (R11-C-4)."""
    node_normal_mm: float = 10
    """A node with a short axis below this is normal."""
    porta_hepatis_normal_mm: float = 10
    """The same for nodes at the porta hepatis (MR-M-6: 20)."""
    node_target_mm: float = 15
    porta_hepatis_target_mm: float = 15
    lesion_target_mm: float = 10
    viable_target_mm: float = 10
    xray_target_mm: float = 20
    clinical_target_mm: float = 10
    thin_slice_mm: float = 5
    thick_slice_factor: int = 2
    max_targets: int = 5
    max_targets_per_organ: int = 2
    new_node_mm: float = 15
    new_node_growing_mm: float = 10
    new_node_growth_mm: float = 5
    new_porta_hepatis_mm: float = 15
    new_nodule_mm: float = 10
    new_nodule_growth_mm: float = 10
    marker_norm_for_cr: bool = False
    """Non-target CR also asks for a normal tumour marker (R11-N-CR-1)."""

    @property
    def is_mrecist(self) -> bool:
        return self.prefix == "MR"


RECIST11 = Criterion(name="RECIST 1.1", prefix="R11", viable=False)
"""Eisenhauer 2009."""

MRECIST = Criterion(
    name="MRECIST",
    prefix="MR",
    viable=True,
    pd_abs_mm=0,
    porta_hepatis_normal_mm=20,
    porta_hepatis_target_mm=20,
    new_porta_hepatis_mm=20,
)
"""Lencioni and Llovet 2010; the publication states no absolute minimum for progression."""

_BY_NAME = {
    "RECIST 1.1": RECIST11,
    "RECIST1.1": RECIST11,
    "RECIST11": RECIST11,
    "RECIST": RECIST11,
    "MRECIST": MRECIST,
}


def criterion(name: str, **overrides: Any) -> Criterion:
    """The published criterion of that name (any case), with a study's own numbers put in by field name.

    Relative limits may be written as fractions, decimals or text (`"1.2"`); they are taken as written, not as
    binary floats. Raises ValueError for an unknown criterion or parameter.
    """
    known = _BY_NAME.get(" ".join(name.upper().split()))
    if known is None:
        raise ValueError(f"unknown response criterion {name!r}: known are RECIST 1.1 and MRECIST")
    allowed = {field.name for field in fields(Criterion)} - {"name", "prefix"}
    unknown = sorted(set(overrides) - allowed)
    if unknown:
        raise ValueError(f"{known.name} has no parameter {', '.join(unknown)}: known are {', '.join(sorted(allowed))}")
    for relative in ("pd_rel", "pr_rel"):
        if relative in overrides:
            overrides[relative] = Fraction(str(overrides[relative]))
    return replace(known, **overrides)
