"""Best changes and courses of the sum of diameters in, the waterfall and the spider plot out."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from cdiscx.report.endpoints_svg import NARROW, RESPONSES, WIDE, Drawing, Scale, month_ticks, plain, response_class
from cdiscx.report.languages import Language

#: lines of reference: partial response against baseline, and the part of progression that a bar can show
REFERENCE = (-30.0, 20.0)
#: above this a bar or a line is cut, with a mark
CEILING = 100.0
MINUS = "\u2212"


@dataclass(frozen=True, slots=True)
class Change:
    """A subject's best change in percent, with its best response."""

    subject: str
    change: float
    response: str


@dataclass(frozen=True, slots=True)
class Course:
    """A subject's changes over time: (months, percent), baseline as (0, 0)."""

    subject: str
    response: str
    points: tuple[tuple[float, float], ...]


def waterfall(changes: Sequence[Change], what: str, tongue: Language) -> str:
    """One bar a subject, worst to best, coloured by best overall response, with lines at -30 % and +20 %.

    `what`: the words for the sum that is judged, `sum of diameters`.
    """
    ordered = sorted(changes, key=lambda c: (-c.change, c.subject))
    return "".join(_bars(ordered, tongue.read(what), variant, tongue) for variant in ("wide", "narrow"))


def spider(courses: Sequence[Course], what: str, tongue: Language) -> str:
    """One line a subject from baseline on, coloured by best overall response."""
    ordered = sorted(courses, key=lambda c: c.subject)
    return "".join(_lines(ordered, tongue.read(what), variant, tongue) for variant in ("wide", "narrow"))


def changes_of(frame: pl.DataFrame) -> list[Change]:
    """Rows of SUBJECT, CHANGE, RESPONSE."""
    return [Change(str(s), float(c), str(r or "")) for s, c, r in frame.drop_nulls("CHANGE").iter_rows()]


def courses_of(frame: pl.DataFrame) -> list[Course]:
    """Rows of SUBJECT, RESPONSE, MONTH, CHANGE in order of time; a course begins at baseline."""
    told = (
        frame.drop_nulls(["MONTH", "CHANGE"])
        .group_by("SUBJECT", "RESPONSE", maintain_order=True)
        .agg("MONTH", "CHANGE")
    )
    return [
        Course(str(s), str(r or ""), ((0.0, 0.0), *zip(months, values, strict=True)))
        for s, r, months, values in told.iter_rows()
    ]


def _frame(d: Drawing, y: Scale, left: float, right: float, title: str) -> None:
    step = 25 if y.high - y.low <= 225 else 50
    for value in range(math.ceil(y.low / step) * step, int(y.high) + 1, step):
        d.line(left, y(value), right, y(value), "grid")
        d.text(left - 6, y(value) + 4, plain(value), "tick", "end")
    d.line(left, y(0), right, y(0), "axis")
    d.line(left, y.start, left, y.end, "axis")
    d.upright(12 if left < 50 else 18, (y.start + y.end) / 2, title, "title")


def _references(d: Drawing, y: Scale, left: float, right: float) -> None:
    """Lines over the bars, their values in the margin."""
    for mark in REFERENCE:
        d.line(left, y(mark), right, y(mark), "reference")
        d.text(right + 4, y(mark) + 4, f"{'+' if mark > 0 else MINUS}{abs(mark):.0f} %", "soft")


def _range(values: Sequence[float]) -> tuple[float, float]:
    top = min(CEILING, max([25.0, *values]))
    return -100.0, math.ceil(top / 25) * 25.0


def _legend(
    d: Drawing, words: Sequence[str], left: float, right: float, y: float, shape: str, tongue: Language
) -> None:
    found = [w for w in RESPONSES if w in words]
    rest = sum(w not in RESPONSES for w in words)
    items = [(shape, response_class(w), f"{w} ({words.count(w)})") for w in found]
    items += [(shape, "r-ne", tongue.label("no response ({n})", n=rest))] if rest else []
    d.legend(left, y, items, right)


def _bars(ordered: Sequence[Change], what: str, variant: str, tongue: Language) -> str:
    say = tongue.label
    narrow = variant == "narrow"
    width = NARROW if narrow else WIDE
    height, left, right, top = (240.0 if narrow else 360.0), (46.0 if narrow else 64.0), width - 44.0, 12.0
    d = Drawing(width, top + height + 30 + (54 if narrow else 30))
    low, high = _range([c.change for c in ordered])
    y = Scale(low, high, top + height, top)
    slot = min(46.0, (right - left - 4) / len(ordered))
    _frame(
        d,
        y,
        left,
        right,
        say("Best change (%)") if narrow else say("Best change of the {what} from baseline (%)", what=what),
    )
    for i, bar in enumerate(ordered):
        shown = min(bar.change, high)
        at, end = y(0), y(shown)
        gap = slot * 0.14 if slot > 3 else 0
        tall = max(abs(end - at), 1.5)
        tip = say(
            "{who}: {p} %, best response {r}",
            who=bar.subject,
            p=plain(round(bar.change, 1)),
            r=bar.response or say("none"),
        )
        x = left + 3 + i * slot
        d.rect(
            x + gap / 2,
            min(at, end) if tall > 1.5 else at - 0.75,
            slot - gap,
            tall,
            f"bar {response_class(bar.response)}",
            tip,
        )
        if bar.change > high:
            d.text(x + slot / 2, top + 9, "\u2191", "soft", "middle", f"{bar.subject}: {plain(round(bar.change, 1))} %")
    _references(d, y, left, right)
    d.text(
        (left + right) / 2,
        top + height + 18,
        say("Subjects with a measured change (n = {n})", n=len(ordered)),
        "title",
        "middle",
    )
    _legend(d, [c.response for c in ordered], left, right, top + height + 42, "bar", tongue)
    return d.render(
        say("Waterfall plot: best percent change of the {what}, {n} subjects", what=what, n=len(ordered)), variant
    )


def _lines(ordered: Sequence[Course], what: str, variant: str, tongue: Language) -> str:
    say = tongue.label
    narrow = variant == "narrow"
    width = NARROW if narrow else WIDE
    height, left, right, top = (240.0 if narrow else 360.0), (46.0 if narrow else 64.0), width - 44.0, 12.0
    d = Drawing(width, top + height + 48 + (54 if narrow else 30))
    points = [p for c in ordered for p in c.points]
    marks = month_ticks(max([1.0, *(m for m, _ in points)]), narrow)
    low, high = _range([v for _, v in points])
    x, y = Scale(0, marks[-1], left, right), Scale(low, high, top + height, top)
    _frame(d, y, left, right, say("Change (%)") if narrow else say("Change of the {what} from baseline (%)", what=what))
    _references(d, y, left, right)
    for month in marks:
        d.line(x(month), y.start, x(month), y.start + 5, "axis")
        d.text(x(month), y.start + 18, f"{month:g}", "tick", "middle")
    d.text((left + right) / 2, y.start + 36, say("Months from start of treatment"), "title", "middle")
    for course in ordered:
        look = response_class(course.response)
        shown = [(x(m), y(min(v, high))) for m, v in course.points]
        last = course.points[-1]
        tip = say(
            "{who}: best response {r}, last {p} % at {m} months",
            who=course.subject,
            r=course.response or say("none"),
            p=plain(round(last[1], 1)),
            m=f"{last[0]:.1f}",
        )
        d.path(shown, f"course {look}", tip)
        for (px, py), (month, value) in zip(shown[1:], course.points[1:], strict=True):
            said = say("{who}: {p} % at {m} months", who=course.subject, p=plain(round(value, 1)), m=f"{month:.1f}")
            d.circle(px, py, 2.2, f"dot {look}", said)
    _legend(d, [c.response for c in ordered], left, right, y.start + 60, "line", tongue)
    return d.render(
        say("Spider plot: change of the {what} over time, {n} subjects", what=what, n=len(ordered)), variant
    )
