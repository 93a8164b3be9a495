"""A second, plain reading of RECIST 1.1, mRECIST, Cheng and the composite for the samples.

In: diameters in tenths of a millimetre (whole numbers, so that thresholds are exact) and statuses.
Out: the responses that a careful site would write down. Nothing here is shared with the engine:
two readings that agree are worth more than one that is used twice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

CR, PR, SD, PD, NE = "CR", "PR", "SD", "PD", "NE"
STABLE = "Non-CR/Non-PD"
NED = "NED"
CHENG = {"NONE": 0, "I": 1, "II": 2, "III": 3, "IV": 4}


@dataclass(frozen=True, slots=True)
class Sums:
    """Sums of one time point in tenths of a millimetre; `total` is None when a target has no value."""

    total: int | None
    baseline: int
    nadir: int

    @property
    def from_baseline(self) -> float | None:
        """Percent change from baseline, two decimals; None where it is not defined."""
        if self.total is None or self.baseline == 0:
            return None
        return round(100 * (self.total - self.baseline) / self.baseline, 2)

    @property
    def from_nadir(self) -> float | None:
        """Percent change from the smallest earlier sum, two decimals; None where it is not defined."""
        if self.total is None or self.nadir == 0:
            return None
        return round(100 * (self.total - self.nadir) / self.nadir, 2)


def _grown(part: int, nadir: int, least: int) -> bool:
    """Growth of at least 20 % and of `least` tenths of a millimetre over the nadir (R11-T-PD-1, -4)."""
    if nadir == 0:
        return part >= max(least, 1)
    return 5 * part >= 6 * nadir and part - nadir >= least and part > nadir


def target_response(
    values: Mapping[str, int | None],
    nodes: frozenset[str],
    baseline: int,
    nadir: int,
    *,
    had_cr: bool = False,
    least: int = 50,
) -> str | None:
    """The target response of one time point (R11-T, MR-T), first rule that fits.

    `values` maps lesion id -> tenths of a millimetre or None; `least` is the absolute growth that a
    progression needs (50 for RECIST 1.1, 0 for mRECIST).
    """
    if not values:
        return None
    known = [v for v in values.values() if v is not None]
    if len(known) < len(values):
        return PD if _grown(sum(known), nadir, least) and known else NE
    if all((v or 0) < 100 if lesion in nodes else v == 0 for lesion, v in values.items()):
        return CR
    if had_cr and any(v for lesion, v in values.items() if lesion not in nodes):
        return PD
    total = sum(known)
    if _grown(total, nadir, least):
        return PD
    return PR if 10 * total <= 7 * baseline else SD


def non_target_response(statuses: Sequence[str]) -> str | None:
    """The non-target response of one time point (R11-N); None where there are no such lesions."""
    if not statuses:
        return None
    if "Unequivocal progression" in statuses:
        return PD
    if all(s == "Absent" for s in statuses):
        return CR
    return NE if "Not evaluable" in statuses else STABLE


def overall_response(target: str | None, non_target: str | None, new_lesion: bool) -> str:
    """The overall response of one time point (R11-O, MR-O; parts A, B and C)."""
    if new_lesion or PD in (target, non_target):
        return PD
    if target is None:
        return NED if non_target is None else non_target
    if target == CR:
        return CR if non_target in (CR, None) else PR
    return target


def pvtt_response(baseline: str, now: str | None, flow: bool | None) -> str:
    """The thrombus response (CHP-1 .. CHP-8) from main Cheng classes."""
    if now is None:
        return NE
    change = CHENG[now.rstrip("ab")] - CHENG[baseline.rstrip("ab")]
    if change:
        return PR if change < 0 else PD
    return PR if flow else SD


def composite_response(primary: str, thrombus: str) -> str:
    """The composite of liver tumour and thrombus (trial B, section 8.7)."""
    if PD in (primary, thrombus):
        return PD
    if NE in (primary, thrombus):
        return NE
    if primary in (CR, PR) or thrombus == PR:
        return PR
    return SD
