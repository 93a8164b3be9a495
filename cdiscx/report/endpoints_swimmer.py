"""Courses of the subjects in, the swimmer plot out: treatment, surgery, response, progression, death, still followed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cdiscx.report.endpoints_svg import NARROW, WIDE, Drawing, Scale, month_ticks, text_width
from cdiscx.report.languages import Language

#: rows of one panel: a panel fits a page of paper
PANEL = 48
#: with more subjects than this the rows carry no name (pointing at them says it)
NAMED = 200
#: what happened -> shape, class, words of the legend
MARKS: dict[str, tuple[str, str, str]] = {
    "surgery": ("diamond", "m-surgery", "Surgery"),
    "CR": ("circle", "r-cr", "First CR"),
    "PR": ("circle", "r-pr", "First PR"),
    "PD": ("triangle", "r-pd", "Progression"),
    "new": ("square", "m-new", "New anti-cancer therapy"),
    "death": ("cross", "m-death", "Death"),
    "alive": ("arrow", "m-alive", "Alive at last contact"),
}
LANES = 6


@dataclass(frozen=True, slots=True)
class Lane:
    """One subject, in months from the start of treatment."""

    subject: str
    end: float
    doses: tuple[tuple[str, float, float], ...]
    events: tuple[tuple[str, float, str], ...]


def swimmer(lanes: Sequence[Lane], tongue: Language) -> str:
    """One bar a subject, longest follow-up first, in panels that fit a page."""
    ordered = sorted(lanes, key=lambda lane: (-lane.end, lane.subject))
    drugs = sorted({drug for lane in ordered for drug, _, _ in lane.doses})[:LANES]
    longest = max([1.0, *(lane.end for lane in ordered)])
    size = PANEL if len(ordered) <= NAMED else PANEL * 2
    panels = [ordered[i : i + size] for i in range(0, len(ordered), size)]
    told = []
    for variant in ("wide", "narrow"):
        for i, panel in enumerate(panels):
            told.append(_panel(panel, drugs, longest, variant, tongue, first=i == 0, every=ordered))
    return "".join(told)


def _panel(
    rows: Sequence[Lane],
    drugs: Sequence[str],
    longest: float,
    variant: str,
    tongue: Language,
    *,
    first: bool,
    every: Sequence[Lane],
) -> str:
    narrow = variant == "narrow"
    width = NARROW if narrow else WIDE
    named = len(every) <= NAMED
    row = 17.0 if named else 8.0
    wide_name = min(110.0, max(text_width(r.subject, 11) for r in rows)) if named else 0
    left = 12 + wide_name + (0 if named else 18)
    legend = _legend_items(drugs, every, tongue) if first else []
    d = Drawing(width, 0)
    top = d.legend(4, 14, legend, width - 8) + 18 if legend else 8.0
    bottom = top + row * len(rows)
    marks = month_ticks(longest, narrow)
    x = Scale(0, marks[-1], left, width - 16)
    for month in marks:
        d.line(x(month), top, x(month), bottom, "grid")
        d.text(x(month), bottom + 17, f"{month:g}", "tick", "middle")
    d.line(left, bottom, width - 16, bottom, "axis")
    for i, lane in enumerate(rows):
        _lane(d, x, lane, drugs, top + i * row, row, tongue, named=named)
    d.text((left + width - 16) / 2, bottom + 35, tongue.label("Months from start of treatment"), "title", "middle")
    if not named:
        d.upright(12, (top + bottom) / 2, tongue.label("Subjects"), "title")
    d.height = bottom + 42
    said = "Swimmer plot, {n} of {m} subjects: treatment, surgery, responses, progression and death"
    return d.render(tongue.label(said, n=len(rows), m=len(every)), variant)


def _legend_items(drugs: Sequence[str], every: Sequence[Lane], tongue: Language) -> list[tuple[str, str, str]]:
    happened = {kind for lane in every for kind, _, _ in lane.events}
    items = [("bar", f"t-{i + 1}", _spelled(drug)) for i, drug in enumerate(drugs)]
    items.append(("bar", "followed", tongue.label("Followed")))
    return items + [(shape, look, tongue.label(said)) for k, (shape, look, said) in MARKS.items() if k in happened]


def _lane(
    d: Drawing, x: Scale, lane: Lane, drugs: Sequence[str], top: float, row: float, tongue: Language, *, named: bool
) -> None:
    say, who = tongue.label, lane.subject
    middle, tall = top + row / 2, row * 0.62
    if named:
        d.text(x.start - 6, middle + 4, _cut(lane.subject), "name", "end", lane.subject)
    said = say("{who}: followed {m} months", who=who, m=f"{lane.end:.1f}")
    d.rect(x(0), middle - tall / 2, max(x(lane.end) - x(0), 1.0), tall, "followed", said)
    shown = [drug for drug in drugs if any(name == drug for name, _, _ in lane.doses)]
    thin = tall / max(len(shown), 1)
    for drug, start, end in lane.doses:
        if drug in shown:
            at = middle - tall / 2 + shown.index(drug) * thin
            tip = say("{who}: {drug}, month {a} to {b}", who=who, drug=drug, a=f"{start:.1f}", b=f"{end:.1f}")
            look = f"t-{drugs.index(drug) + 1}"
            d.rect(x(max(start, 0)), at, max(x(end) - x(max(start, 0)), 1.0), max(thin - 0.6, 0.8), look, tip)
    for kind, month, words in lane.events:
        shape, look, _ = MARKS[kind]
        size = 4.6 if row > 12 else 3.0
        tip = say("{who}: {words}, month {m}", who=who, words=tongue.read(words), m=f"{month:.1f}")
        d.mark(shape, x(month), middle, size, f"mark {look}", tip)


def _spelled(drug: str) -> str:
    """DURVALUMAB as Durvalumab; short words and codes stay as they are."""
    return " ".join(w.capitalize() if w.isalpha() and len(w) > 4 else w for w in drug.split())


def _cut(name: str) -> str:
    return name if len(name) <= 16 else f"{name[:15]}\u2026"
