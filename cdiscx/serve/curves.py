"""A subject's lesions over time as one drawing: each target, their sum with its responses, and the limits it is judged by."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from cdiscx.report.endpoints_svg import NARROW, WIDE, Drawing, Scale, month_ticks, plain, response_class, ticks
from cdiscx.report.languages import Language
from cdiscx.serve.telling import millimetres

_MONTH = 30.4375
_STEPS = (1, 2, 5, 10, 20, 25, 50, 100, 200, 500)
Segment = Mapping[str, Any]


def curves(segment: Segment, tongue: Language) -> Markup:
    """The drawing for a desk and for a phone, in a language; nothing where fewer than two time points have a date and a size."""
    days = _days(segment["points"])
    sums = [(days[p["tp"]], p) for p in segment["points"] if p["tp"] in days and p["sum"] is not None]
    if len(sums) < 2:
        return Markup("")
    return Markup("".join(_drawn(segment, days, sums, variant, tongue) for variant in ("wide", "narrow")))


def _days(points: Sequence[Mapping[str, Any]]) -> dict[int, float]:
    """Time point -> months since the first dated one."""
    dated = {p["tp"]: dt.date.fromisoformat(p["date"]) for p in points if p["date"]}
    first = min(dated.values(), default=dt.date.min)
    return {tp: (day - first).days / _MONTH for tp, day in dated.items()}


def _drawn(
    segment: Segment, days: Mapping[int, float], sums: Sequence[tuple[float, Any]], variant: str, tongue: Language
) -> str:
    narrow = variant == "narrow"
    width, height, left, top = (NARROW if narrow else WIDE), (200.0 if narrow else 260.0), 46.0, 14.0
    right = width - 16.0
    d = Drawing(width, top + height + (92 if narrow else 78))
    targets = [lesion for lesion in segment["lesions"] if lesion["class"] == "target"]
    limits = [p[name] for _, p in sums for name in ("partial", "progression") if p[name] is not None]
    marks = ticks(max([1.0, *(p["sum"] for _, p in sums), *limits]), 6, _STEPS)
    months = month_ticks(max(1.0, *days.values()), narrow)
    x, y = Scale(0, months[-1], left, right), Scale(0, marks[-1], top + height, top)
    for mark in marks:
        d.line(left, y(mark), right, y(mark), "grid")
        d.text(left - 6, y(mark) + 4, plain(mark), "tick", "end")
    for month in months:
        d.line(x(month), y.start, x(month), y.start + 5, "axis")
        d.text(x(month), y.start + 18, f"{month:g}", "tick", "middle")
    d.line(left, y.start, right, y.start, "axis")
    d.line(left, y.start, left, y.end, "axis")
    d.upright(12, top + height / 2, "mm", "title")
    d.text((left + right) / 2, y.start + 36, tongue.label("Months from baseline"), "title", "middle")
    _limit_lines(d, x, y, sums, tongue)
    for lesion in targets:
        seen = [
            (days[int(tp)], r["size"])
            for tp, r in lesion["readings"].items()
            if int(tp) in days and r["size"] is not None
        ]
        if len(seen) > 1 and len(targets) > 1:
            d.path([(x(m), y(v)) for m, v in seen], "lesion", lesion["id"])
            for month, size in seen:
                d.circle(x(month), y(size), 2.2, "spot", f"{lesion['id']}: {millimetres(size)} mm")
            d.text(x(seen[-1][0]) - 2, y(seen[-1][1]) - 5, lesion["id"], "soft", "end")
    d.path([(x(m), y(p["sum"])) for m, p in sums], "total")
    for month, p in sums:
        look = response_class(p["overall"]) if p["tp"] else "first"
        said = f"{p['visit']}: {millimetres(p['sum'])} mm" + (f", {p['overall']}" if p["overall"] else "")
        d.circle(x(month), y(p["sum"]), 5, f"mark {look}", said)
    _legend(d, sums, len(targets) > 1, (left, right, y.start + 58), tongue)
    told = "; ".join(f"{p['visit']} {millimetres(p['sum'])} mm {p['overall']}".strip() for _, p in sums)
    return d.render(tongue.label("{what} over time: {told}", what=tongue.read(segment["what"]), told=told), variant)


def _limit_lines(d: Drawing, x: Scale, y: Scale, sums: Sequence[tuple[float, Any]], tongue: Language) -> None:
    """The sum at which a time point would be a partial response or progression, each from the time point before to itself."""
    before = sums[0][0]
    for month, p in sums[1:]:
        for name, words in (
            ("partial", "partial response at or below {x} mm"),
            ("progression", "progression from {x} mm"),
        ):
            if p[name] is not None:
                said = tongue.label(words, x=millimetres(p[name]))
                d.line(x(before), y(p[name]), x(month), y(p[name]), f"limit {name}", said)
        before = month


def _legend(
    d: Drawing, sums: Sequence[tuple[float, Any]], several: bool, at: tuple[float, float, float], tongue: Language
) -> None:
    """`at`: left, right and base line, in px."""
    left, right, y = at
    say = tongue.label
    found = sorted({p["overall"] for _, p in sums if p["overall"]})
    items = [("line", "key-total", say("sum")), *([("line", "key-lesion", say("target lesions"))] if several else [])]
    items += [("line", "key-partial", say("limit of PR")), ("line", "key-progression", say("limit of PD"))]
    items += [("circle", f"mark {response_class(word)}", word) for word in found]
    d.legend(left, y, items, right)
