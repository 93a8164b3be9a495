"""Terms with their highest grades in, a bar plot of the most frequent ones out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cdiscx.report.endpoints_svg import NARROW, WIDE, Drawing, Scale, text_width, ticks
from cdiscx.report.languages import Language

#: terms that the plot shows; the table has all
SHOWN = 20
GRADES = ("1", "2", "3", "4", "5")


def grade_plot(rows: Sequence[Mapping[str, Any]], total: int, tongue: Language) -> str:
    """One bar a preferred term, its subjects by highest grade, most frequent first; empty without a term."""
    terms = sorted((r for r in rows if r["pt"]), key=lambda r: (-r["n"], r["pt"], r["soc"]))[:SHOWN]
    if not terms or not total:
        return ""
    return "".join(_draw(terms, total, variant, tongue) for variant in ("wide", "narrow"))


def _draw(terms: Sequence[Mapping[str, Any]], total: int, variant: str, tongue: Language) -> str:
    say = tongue.label
    narrow = variant == "narrow"
    width = NARROW if narrow else WIDE
    row = 34.0 if narrow else 22.0
    left = 8.0 if narrow else 16 + min(320.0, max(text_width(str(r["pt"])) for r in terms))
    d = Drawing(width, 0)
    items = [("bar", f"g-{g}", say("Grade {g}", g=g)) for g in GRADES] + [("bar", "g-none", say("No grade"))]
    top = d.legend(4, 14, items, width - 8) + 16
    bottom = top + row * len(terms)
    marks = ticks(100 * terms[0]["n"] / total, 5, (1, 2, 5, 10, 20, 25, 50))
    x = Scale(0, marks[-1], left, width - 46)
    for part in marks:
        d.line(x(part), top, x(part), bottom, "grid")
        d.text(x(part), bottom + 17, f"{part:g}", "tick", "middle")
    for i, term in enumerate(terms):
        _bar(d, x, term, total, top + i * row, tongue, narrow=narrow)
    d.line(left, top, left, bottom, "axis")
    d.text(
        (left + width - 46) / 2,
        bottom + 35,
        say("Subjects (% of {n}), by highest grade", n=f"{total:,}"),
        "title",
        "middle",
    )
    d.height = bottom + 42
    return d.render(say("The {n} most frequent adverse events by highest grade", n=len(terms)), variant)


def _bar(
    d: Drawing, x: Scale, term: Mapping[str, Any], total: int, top: float, tongue: Language, *, narrow: bool
) -> None:
    if narrow:
        d.text(x.start + 3, top + 13, _cut(str(term["pt"]), 48), "name")
        top += 16
    else:
        d.text(x.start - 8, top + 15, _cut(str(term["pt"]), 52), "name", "end")
        top += 4
    graded = sum(term["grades"][g] for g in GRADES)
    at = 0.0
    for look, n in [*((g, term["grades"][g]) for g in GRADES), ("none", term["n"] - graded)]:
        wide = 100 * n / total
        said = tongue.label("grade {g}", g=look) if look != "none" else tongue.label("no grade")
        d.rect(
            x(at),
            top,
            x(at + wide) - x(at),
            14,
            f"g-{look}",
            tongue.label("{term}, {said}: {subjects}", term=term["pt"], said=said, subjects=tongue.many(n, "subject")),
        )
        at += wide
    d.text(x(at) + 5, top + 11.5, f"{term['n']} ({at:.0f} %)", "soft")


def _cut(words: str, most: int) -> str:
    return words if len(words) <= most else f"{words[: most - 1]}\u2026"
