"""One judged time point in, the sentences that lead from its cells to its response out: sum, baseline, nadir, limits, rules."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

from cdiscx.standards.criterion import Criterion

MINUS = "\u2212"
Point = Mapping[str, Any]


def millimetres(value: float | Fraction | None) -> str:
    """`42`, `77.5`, `49.05`: a length without noise of binary fractions, or a dash."""
    return "–" if value is None else f"{round(float(value), 2):g}"


def signed(value: float | None, digits: int = 1) -> str:
    """`+12.5`, `−30.0`, `0.0` (percentages are shown rounded; they are judged exactly)."""
    if value is None:
        return "–"
    rounded = round(float(value), digits) + 0.0
    return f"{'+' if rounded > 0 else ''}{rounded:.{digits}f}".replace("-", MINUS)


def _longer(change: float) -> str:
    """`+3 mm`, `−41.5 mm`."""
    return f"{'+' if change > 0 else ''}{millimetres(change)} mm".replace("-", MINUS)


def partial_limit(base: float | None, c: Criterion) -> float | None:
    """Largest sum (mm) that is a partial response; None without a baseline above 0."""
    return float(Fraction(str(base)) * (1 - c.pr_rel)) if base else None


def progression_limit(nadir: float | None, c: Criterion) -> float | None:
    """Smallest sum (mm) that is progression; None without a nadir above 0 (then any growth that the rule names is one)."""
    if not nadir:
        return None
    low = Fraction(str(nadir))
    return float(max(low * c.pd_rel, low + Fraction(str(c.pd_abs_mm))))


def derivation(point: Point, sizes: Sequence[tuple[str, float | None]], c: Criterion, what: str) -> list[str]:
    """The sentences, in the order in which a reader would work.

    `point`: a row of the view `timepoints`, with the columns of `composite` where the study has one; `sizes`: lesion and
    contribution (mm) of the targets at this time point; `what`: words for the sum.
    """
    told = [*_sum(point, sizes, what)]
    if point["TP"] > 0:
        told += [*_against(point, c), *_target(point)]
    told += [*_nontarget(point), *_new(point), *_overall(point), *_thrombus(point), *_doubts(point)]
    return [sentence for sentence in told if sentence]


def _sum(point: Point, sizes: Sequence[tuple[str, float | None]], what: str) -> list[str]:
    if not point["HAS_TARGET"]:
        return ["No target lesion is followed here."]
    parts = " + ".join(f"{lesion} {millimetres(size)}" for lesion, size in sizes if size is not None)
    missing = list(point["MISSING"] or [])
    if missing:
        partial = f" What was measured adds up to {millimetres(point['PSUM'])} mm ({parts})." if parts else ""
        return [f"{what} is not known: no value of {', '.join(missing)}.{partial}"]
    return [f"{what}: {parts} = {millimetres(point['SUM'])} mm."]


def _against(point: Point, c: Criterion) -> list[str]:
    told = []
    less, more = float(c.pr_rel * 100), float((c.pd_rel - 1) * 100)
    if point["BASE"] is not None:
        limit = partial_limit(point["BASE"], c)
        change = f" Change {_longer(point['CHG'])} = {signed(point['PCHG'])} %." if point["CHG"] is not None else ""
        bound = f" Partial response: {millimetres(limit)} mm or less ({less:g} % below)." if limit is not None else ""
        told.append(f"Baseline {millimetres(point['BASE'])} mm.{change}{bound}")
    elif point["HAS_TARGET"]:
        told.append("The baseline sum is not known.")
    if point["NADIR"] is not None:
        at = f" ({point['NADIR_VISIT']}{_day(point['NADIR_DAT'])})" if point["NADIR_VISIT"] else ""
        change = f" Change {_longer(point['CHGNAD'])}" if point["CHGNAD"] is not None else ""
        percent = f" = {signed(point['PCHGNAD'])} %" if change and point["PCHGNAD"] is not None else ""
        limit = progression_limit(point["NADIR"], c)
        least = f" and {c.pd_abs_mm:g} mm" if c.pd_abs_mm else ""
        bound = f" Progression: {millimetres(limit)} mm or more ({more:g} %{least} above)." if limit is not None else ""
        told.append(
            f"Smallest sum before (nadir) {millimetres(point['NADIR'])} mm{at}.{change}{percent}{'.' if change else ''}{bound}"
        )
    return told


def _target(point: Point) -> list[str]:
    if not point["HAS_TARGET"]:
        return []
    return [f"Target response: {_by(point['DTRGRESP'], point['DTRGRULE'])}."]


def _nontarget(point: Point) -> list[str]:
    if not point["HAS_NONTARGET"]:
        return ["No non-target lesion is followed here."]
    told = f"Non-target lesions: {point['NT_EXPECTED']} followed, {point['NT_PRESENT']} present"
    for name, words in (("NT_PROGRESSED", "unequivocal progression of"), ("NT_MISSING", "no reading of")):
        lesions = list(point[name] or [])
        told += f", {words} {', '.join(lesions)}" if lesions else ""
    return [f"{told}." + (f" Response: {_by(point['DNTRGRESP'], point['DNTRGRULE'])}." if point["DNTRGRESP"] else "")]


def _new(point: Point) -> list[str]:
    if point["DNEWL"] == "Y":
        lesions = ", ".join(point["NEW_LESIONS"] or [])
        if point["NEW_SAID"]:
            return ["New lesion: the site says so in its response, without a record of the lesion."]
        return [f"New lesion: {lesions or 'yes'}{_rule(point['NEWRULE'])}."]
    return ["New lesion: none." if point["NEWRULE"] is None else f"New lesion: not counted{_rule(point['NEWRULE'])}."]


def _overall(point: Point) -> list[str]:
    if point["DOVRLRESP"] is None:
        return []
    return [f"Overall response: {_by(point['DOVRLRESP'], point['DOVRLRULE'])}."]


def _thrombus(point: Point) -> list[str]:
    if point.get("DCOMPRESP") is None and point.get("DPVTTRESP") is None:
        return []
    classes = f"class {point['BASECLS'] or 'not known'} at baseline, {point['PVTTCLS'] or 'not known'} now"
    return [
        f"Thrombus: {classes}: {_by(point['DPVTTRESP'], point['PVTTRULE'])}.",
        f"Composite response: {_by(point['DCOMPRESP'], None)} from primary tumour {_by(point['PRIMRSP'], point['PRIMRULE'])} "
        f"and thrombus {point['DPVTTRESP'] or 'no response'} (cell {point['CELL'] or 'none'}).",
    ]


def _doubts(point: Point) -> list[str]:
    told = []
    if point["DOUBTFUL"] or point["NT_DOUBTFUL"]:
        names = ", ".join([*(point["DOUBTFUL"] or []), *(point["NT_DOUBTFUL"] or [])])
        told.append(f"In doubt here: {names}; see the findings of this subject.")
    for name, words in (
        ("BASE_DOUBT", "the baseline is in doubt"),
        ("PRIOR_DOUBT", "an earlier time point is in doubt"),
        ("ORDER_DOUBT", "the dates do not agree on the order of visits"),
    ):
        if point[name]:
            told.append(f"With reserve: {words}.")
    return told


def _by(word: str | None, rule: str | None) -> str:
    return f"{word or 'none'}{_rule(rule)}"


def _rule(rule: str | None) -> str:
    return f" by rule {rule}" if rule else ""


def _day(day: dt.date | None) -> str:
    return f", {day.isoformat()}" if day else ""
