"""A second reading of the response tables: plain Python, one time point after the other, exact fractions.

Written from the published tables, not from the Polars code, and deliberately slow and literal. The property tests ask
both for the same answer on random histories, so that neither can be wrong alone.
"""

import datetime as dt
from dataclasses import dataclass
from fractions import Fraction


@dataclass(frozen=True)
class Reading:
    tp: int
    lesion: str
    value: float | None
    parent: str | None = None


@dataclass(frozen=True)
class Lesion:
    name: str
    nodal: bool = False
    porta: bool = False


def exact(value: float | None) -> Fraction | None:
    return None if value is None else Fraction(str(value))


def lesion_value(readings: list[Reading], name: str, tp: int) -> tuple[Fraction | None, Fraction, bool]:
    """(value or None, what was measured of it, whether anything was measured) of one lesion at one time point."""
    parts_now = [r for r in readings if r.parent == name and r.tp == tp]
    if not parts_now:
        own = [exact(r.value) for r in readings if r.lesion == name and r.parent is None and r.tp == tp]
        value = own[0] if own else None
        return value, value or Fraction(0), value is not None
    seen = {r.lesion for r in readings if r.parent == name and r.tp <= tp}
    values = {r.lesion: exact(r.value) for r in parts_now}
    measured = [v for v in values.values() if v is not None]
    complete = all(values.get(part) is not None for part in seen)
    return (sum(measured, Fraction(0)) if complete else None), sum(measured, Fraction(0)), bool(measured)


def target(
    lesions: list[Lesion],
    readings: list[Reading],
    timepoints: list[int],
    *,
    mrecist: bool,
    pd_abs: Fraction,
) -> list[dict[str, object]]:
    """Target response of one segment, time point by time point."""
    nodes_normal_below = {x.name: Fraction(20 if (mrecist and x.porta) else 10) for x in lesions}
    base: Fraction | None = None
    nadir: Fraction | None = None
    nadir_tp: int | None = None
    had_cr = False
    out: list[dict[str, object]] = []
    for tp in sorted(timepoints):
        found = {x.name: lesion_value(readings, x.name, tp) for x in lesions}
        values = {name: triple[0] for name, triple in found.items()}
        lacking = [x.name for x in lesions if values[x.name] is None]
        part = sum((triple[1] for triple in found.values()), Fraction(0))
        any_measured = any(triple[2] for triple in found.values())
        total = part if lesions and not lacking else None
        response: str | None = None
        if tp == 0:
            base = total
        elif lesions:
            response = _one_target(
                lesions, values, lacking, part if any_measured else None, total, base, nadir, had_cr,
                nodes_normal_below, mrecist, pd_abs,
            )  # fmt: skip
        out.append(
            {
                "TP": tp,
                "TRGRESP": response,
                "SUM": total,
                "PSUM": part if any_measured else None,
                "NADIR": nadir,
                "NADIR_TP": nadir_tp,
                "BASE": base,
                "N_MISSING": len(lacking),
                "PRIOR_CR": had_cr,
            }
        )
        if response == "CR":
            had_cr = True
        if total is not None and (nadir is None or total < nadir):
            nadir, nadir_tp = total, tp
    return out


def _one_target(
    lesions: list[Lesion],
    values: dict[str, Fraction | None],
    lacking: list[str],
    part: Fraction | None,
    total: Fraction | None,
    base: Fraction | None,
    nadir: Fraction | None,
    had_cr: bool,
    normal_below: dict[str, Fraction],
    mrecist: bool,
    pd_abs: Fraction,
) -> str:
    def progressed(amount: Fraction) -> bool:
        if nadir is None:
            return False
        increase = amount - nadir
        enough = increase > 0 and increase >= pd_abs
        return enough and (nadir == 0 or increase / nadir >= Fraction(20, 100))

    if lacking:
        return "PD" if part is not None and progressed(part) else "NE"
    assert total is not None
    if all((values[x.name] < normal_below[x.name]) if x.nodal else (values[x.name] == 0) for x in lesions):
        return "CR"
    if had_cr and any(not x.nodal and values[x.name] > 0 for x in lesions):
        return "PD"
    if progressed(total):
        return "PD"
    if base is None:
        return "NE"
    if base > 0 and (base - total) / base >= Fraction(30, 100):
        return "PR"
    return "SD"


def nontarget(states: list[str | None]) -> str | None:
    """Non-target response of one time point; None in the list is a lesion that was not read."""
    if not states:
        return None
    if "UNEQUIVOCAL PROGRESSION" in states:
        return "PD"
    if any(s not in ("PRESENT", "ABSENT") for s in states):
        return "NE"
    return "CR" if all(s == "ABSENT" for s in states) else "NON-CR/NON-PD"


def overall(target: str | None, non: str | None, new: str | None, has_target: bool, has_non: bool) -> str | None:
    """Overall response with the paper's reasoning instead of its table: what is the worst that is proven?"""
    if new == "Y" or (has_target and target == "PD") or (has_non and non == "PD"):
        return "PD"
    if has_target:
        if target is None:
            return None
        if new is None:
            return "NE"
        if target == "CR":
            return "CR" if not has_non or non == "CR" else "PR"
        return target
    if has_non:
        return None if non is None else ("NE" if new is None else non)
    return "NE" if new is None else "NED"


RANK = {r: i for i, r in enumerate(["CR", "PR", "SD", "NON-CR/NON-PD", "NED", "PD", "NE", "MISSING"])}

Assessment = tuple[dt.date, str]


def until_progression(assessments: list[Assessment]) -> list[Assessment]:
    out: list[Assessment] = []
    for date, response in sorted(assessments):
        out.append((date, response))
        if response == "PD":
            break
    return out


def best(assessments: list[Assessment], start: dt.date, sd_min: int) -> str:
    seen = until_progression(assessments)
    if not seen:
        return "MISSING"
    worth = []
    for date, response in seen:
        early = (date - start).days < sd_min
        worth.append("NE" if response in ("SD", "NON-CR/NON-PD", "NED") and early else response)
    return min(worth, key=RANK.__getitem__)


def confirmed_best(assessments: list[Assessment], start: dt.date, sd_min: int, conf: int) -> str:
    """Table R11-F by brute force over all pairs (first, later)."""
    seen = until_progression(assessments)

    def ok(i: int) -> bool:
        return (seen[i][0] - start).days >= sd_min

    def later(i: int) -> list[int]:
        return [j for j in range(i + 1, len(seen)) if (seen[j][0] - seen[i][0]).days >= conf]

    def between(i: int, j: int) -> list[str]:
        return [r for _, r in seen[i + 1 : j]]

    for i, (_, first) in enumerate(seen):
        for j in later(i):
            gap = between(i, j)
            if first == "CR" and seen[j][1] == "CR" and set(gap) <= {"CR", "NE"} and gap.count("NE") <= 1:
                return "CR"
    for i, (_, first) in enumerate(seen):
        for j in later(i):
            gap = between(i, j)
            few = gap.count("NE") <= 1 and gap.count("SD") <= 1
            if first == "PR" and seen[j][1] in ("CR", "PR") and few and set(gap) <= {"CR", "PR", "SD", "NE"}:
                return "PR"
    complete = [i for i, (_, r) in enumerate(seen) if r == "CR"]
    partial = [i for i, (_, r) in enumerate(seen) if r == "PR"]
    progressed = any(r == "PD" for _, r in seen)
    if complete:
        if any(ok(i) for i in complete):
            return "SD"
        first = complete[0]
        disease = any(seen[j][1] in ("PR", "SD", "NON-CR/NON-PD") for j in later(first))
        return "PD" if disease or progressed else "NE"
    if partial:
        if any(ok(i) for i in partial) or any(r == "SD" and ok(i) for i, (_, r) in enumerate(seen)):
            return "SD"
        if any(seen[j][1] in ("SD", "NON-CR/NON-PD") for j in later(partial[0])):
            return "SD"
        return "PD" if progressed else "NE"
    return best(assessments, start, sd_min)


def pvtt(base: str | None, now: str | None, flow: str | None) -> str:
    order = ["NONE", "I", "II", "III", "IV"]
    if base not in order or now not in order or base == "NONE":
        return "NE"
    change = order.index(now) - order.index(base)
    if change > 0:
        return "PD"
    return "PR" if change < 0 or flow == "Y" else "SD"


def composite(primary: str, thrombus: str) -> str:
    if "PD" in (primary, thrombus):
        return "PD"
    if "NE" in (primary, thrombus):
        return "NE"
    return "SD" if (primary, thrombus) == ("SD", "SD") else "PR"
