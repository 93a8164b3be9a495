"""One time-to-event endpoint in, its Kaplan-Meier plot out: curve, band, censor marks, subjects at risk."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from cdiscx.report.endpoints_svg import NARROW, WIDE, Drawing, Scale, month_ticks
from cdiscx.report.languages import Language

#: subjects named in one tip
_NAMED = 12
Rows = Sequence[tuple[str, float, bool, str]]


def survival_plot(entry: Mapping[str, Any], records: pl.DataFrame, per_month: float, tongue: Language) -> str:
    """Both sizes of the plot of an entry of the endpoint summary.

    `records`: SUBJECT (text), AVAL (days), EVENT (Boolean), WHAT (text) of the subjects of the curve.
    """
    rows = [(str(s), float(t), bool(e), str(w or "")) for s, t, e, w in records.iter_rows()]
    return "".join(_draw(entry, rows, per_month, variant, tongue) for variant in ("wide", "narrow"))


def _draw(entry: Mapping[str, Any], rows: Rows, per_month: float, variant: str, tongue: Language) -> str:
    narrow = variant == "narrow"
    width = NARROW if narrow else WIDE
    height, left, right, top = (250.0 if narrow else 380.0), (44.0 if narrow else 64.0), 12.0, 14.0
    curves = [("curve", entry["curve"])]
    late = entry.get("delayed_entry") or {}
    if late.get("curve"):
        curves.append(("late", late["curve"]))
    longest = max(t for _, c in curves for t in (c["days"] or [0.0])) / per_month
    marks = [m for m in month_ticks(longest, narrow) if m <= longest]
    lines = 20.0 * len(curves) * (2 if len(curves) > 1 else 1) + 18
    d = Drawing(width, top + height + 48 + lines)
    x = Scale(0, max(longest * 1.02, 0.1), left, width - right)
    y = Scale(0, 1, top + height, top)
    below = tongue.label("Months from {x}", x=tongue.read(entry.get("start") or "start"))
    _axes(d, x, y, marks, narrow, below, _survives(str(entry["label"]), tongue))
    _band(d, x, y, entry["curve"], per_month)
    _median(d, x, y, entry, per_month)
    for look, curve in reversed(curves):
        d.path(_stairs(x, y, curve["days"], curve["survival"], per_month), f"km {look}")
    _marks(d, x, y, entry["curve"], rows, per_month, tongue)
    at = top + height + 52
    d.text(left if not narrow else 2, at, tongue.label("Subjects at risk"), "strong")
    for look, curve in curves:
        if len(curves) > 1:
            at += 18
            words = "from the start date" if look == "curve" else "with delayed entry (dashed curve)"
            d.text(left if not narrow else 2, at, tongue.label(words), "soft")
        at += 18
        at_risk = curve["monthly_at_risk"]
        for month in marks:
            n = at_risk[int(month)] if month == int(month) and month < len(at_risk) else 0
            d.text(x(month), at, str(n), "number", "middle")
    said = tongue.label(
        "{label}: Kaplan-Meier curve, {x}", label=tongue.read(entry["label"]), x=tongue.read(entry["text"])
    )
    return d.render(said, variant)


def _axes(d: Drawing, x: Scale, y: Scale, marks: list[float], narrow: bool, below: str, beside: str) -> None:
    for part in (0.0, 0.25, 0.5, 0.75, 1.0):
        d.line(x.start, y(part), x.end, y(part), "grid")
        d.text(x.start - 6, y(part) + 4, f"{100 * part:.0f}", "tick", "end")
    d.line(x.start, y.start, x.end, y.start, "axis")
    d.line(x.start, y.start, x.start, y.end, "axis")
    for month in marks:
        d.line(x(month), y.start, x(month), y.start + 5, "axis")
        d.text(x(month), y.start + 18, f"{month:g}", "tick", "middle")
    d.text((x.start + x.end) / 2, y.start + 35, below, "title", "middle")
    d.upright(12 if narrow else 18, (y.start + y.end) / 2, f"{beside} (%)", "title")


def _survives(label: str, tongue: Language) -> str:
    """What the curve is a share of: the survival that the endpoint's label names, or being without an event."""
    named = label.split(" from ")[0].split(",")[0]
    return tongue.read(named) if "urvival" in named else tongue.label("Without an event")


def _stairs(
    x: Scale, y: Scale, days: Sequence[float], values: Sequence[float], per_month: float
) -> list[tuple[float, float]]:
    points = [(x(0), y(1))]
    for day, value in zip(days, values, strict=True):
        points += [(x(day / per_month), points[-1][1]), (x(day / per_month), y(value))]
    return points


def _band(d: Drawing, x: Scale, y: Scale, curve: Mapping[str, Any], per_month: float) -> None:
    """The pointwise limits as an area: from the first event on, as long as they are defined."""
    upper: list[tuple[float, float]] = []
    lower: list[tuple[float, float]] = []
    steps = list(zip(curve["days"], curve["lower"], curve["upper"], strict=True))
    for i, (day, low, high) in enumerate(steps):
        if low is None or high is None:
            continue
        until = x(steps[i + 1][0] / per_month) if i + 1 < len(steps) else x(day / per_month)
        upper += [(x(day / per_month), y(high)), (until, y(high))]
        lower += [(x(day / per_month), y(low)), (until, y(low))]
    if upper:
        d.path([*upper, *reversed(lower)], "band", closed=True)


def _median(d: Drawing, x: Scale, y: Scale, entry: Mapping[str, Any], per_month: float) -> None:
    days = entry["median"]["days"]["estimate"]
    if days is None:
        return
    at = x(days / per_month)
    d.line(x.start, y(0.5), at, y(0.5), "guide")
    d.line(at, y(0.5), at, y.start, "guide")


def _marks(
    d: Drawing, x: Scale, y: Scale, curve: Mapping[str, Any], rows: Rows, per_month: float, tongue: Language
) -> None:
    """Censor marks and places to point at, which name the subjects of that day."""
    at = dict(zip(curve["days"], curve["survival"], strict=True))
    by_day: dict[tuple[float, bool], list[tuple[str, str]]] = {}
    for subject, day, event, what in rows:
        by_day.setdefault((day, event), []).append((subject, what))
    for (day, event), people in sorted(by_day.items()):
        if day not in at:
            continue
        px, py = x(day / per_month), y(at[day])
        named = "; ".join(f"{subject}: {_what(what, tongue)}" if what else subject for subject, what in people[:_NAMED])
        more = tongue.label(" and {n} more", n=len(people) - _NAMED) if len(people) > _NAMED else ""
        tip = tongue.label(
            "{who} - event on day {d} ({m} months), curve {p} %"
            if event
            else "{who} - censored on day {d} ({m} months), curve {p} %",
            who=f"{named}{more}",
            d=f"{day:.0f}",
            m=f"{day / per_month:.1f}",
            p=f"{100 * at[day]:.1f}",
        )
        if not event:
            d.line(px, py - 5, px, py + 5, "censor")
        d.circle(px, py, 6, "hit", tip)


def _what(description: str, tongue: Language) -> str:
    """EVNTDESC in words of the language; the value itself where the language has none."""
    return tongue.texts.get(description.lower(), description)
