"""Shapes in, one SVG element out: scales, axes, legends, marks that name a subject; no style but class names."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Literal

from cdiscx.report.words import visible

Anchor = Literal["start", "middle", "end"]
#: width of a plot on a desk (and on paper) and on a phone, in px
WIDE, NARROW = 920, 350
#: what responses look like: class names of the style sheet, in the order of a legend
RESPONSES = ("CR", "PR", "SD", "NON-CR/NON-PD", "NED", "PD", "NE", "MISSING")


def response_class(word: str | None) -> str:
    """`r-pr` of PR; `r-ne` for anything that is not a response."""
    known = (word or "").upper()
    return f"r-{known.lower().replace('/', '-')}" if known in RESPONSES else "r-ne"


@dataclass(frozen=True, slots=True)
class Scale:
    """A linear scale from data to px."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        """The px of a value."""
        return self.start + (value - self.low) * (self.end - self.start) / ((self.high - self.low) or 1.0)


@dataclass(slots=True)
class Drawing:
    """An SVG under construction, in px. Texts and tips are escaped; coordinates are rounded to a tenth."""

    width: float
    height: float
    parts: list[str] = field(default_factory=list)

    def line(self, x1: float, y1: float, x2: float, y2: float, look: str, tip: str = "") -> None:
        """A straight line."""
        self._add("line", f'x1="{_px(x1)}" y1="{_px(y1)}" x2="{_px(x2)}" y2="{_px(y2)}"', look, tip)

    def path(self, points: Iterable[tuple[float, float]], look: str, tip: str = "", *, closed: bool = False) -> None:
        """A line through points."""
        told = "L".join(f"{_px(x)},{_px(y)}" for x, y in points)
        self._add("path", f'd="M{told}{"Z" if closed else ""}"', look, tip)

    def rect(self, x: float, y: float, width: float, height: float, look: str, tip: str = "") -> None:
        """A rectangle; of no width it is left out."""
        if width > 0 and height > 0:
            at = f'x="{_px(x)}" y="{_px(y)}" width="{_px(width)}" height="{_px(height)}"'
            self._add("rect", at, look, tip)

    def circle(self, x: float, y: float, r: float, look: str, tip: str = "") -> None:
        """A circle."""
        self._add("circle", f'cx="{_px(x)}" cy="{_px(y)}" r="{_px(r)}"', look, tip)

    def mark(self, shape: str, x: float, y: float, r: float, look: str, tip: str = "") -> None:
        """One of circle, diamond, triangle, cross, arrow around a point."""
        if shape == "circle":
            return self.circle(x, y, r, look, tip)
        outlines = {
            "diamond": ((0, -1.25), (1.25, 0), (0, 1.25), (-1.25, 0)),
            "triangle": ((0, -1.15), (1.15, 0.95), (-1.15, 0.95)),
            "inverted": ((0, 1.15), (1.15, -0.95), (-1.15, -0.95)),
            "arrow": ((-0.2, -1), (1.3, 0), (-0.2, 1)),
            "square": ((-0.9, -0.9), (0.9, -0.9), (0.9, 0.9), (-0.9, 0.9)),
        }
        if shape == "cross":
            arms = f"M{_px(x - r)},{_px(y - r)}L{_px(x + r)},{_px(y + r)}M{_px(x - r)},{_px(y + r)}L{_px(x + r)},{_px(y - r)}"
            return self._add("path", f'd="{arms}"', look, tip)
        return self.path([(x + dx * r, y + dy * r) for dx, dy in outlines[shape]], look, tip, closed=True)

    def text(self, x: float, y: float, words: str, look: str = "", anchor: Anchor = "start", tip: str = "") -> None:
        """One line of text; `y` is its base line."""
        at = f'x="{_px(x)}" y="{_px(y)}"' + ("" if anchor == "start" else f' text-anchor="{anchor}"')
        named = f' class="{look}"' if look else ""
        self.parts.append(f"<text {at}{named}>{_title(tip)}{escape(visible(words))}</text>")

    def upright(self, x: float, y: float, words: str, look: str = "") -> None:
        """A text that reads from the bottom to the top, centred on the point."""
        turned = f'transform="rotate(-90 {_px(x)} {_px(y)})" text-anchor="middle"'
        self.parts.append(f'<text x="{_px(x)}" y="{_px(y)}" {turned} class="{look}">{escape(visible(words))}</text>')

    def legend(self, x: float, y: float, items: Sequence[tuple[str, str, str]], right: float) -> float:
        """(shape, class, words) side by side from (x, y), wrapped before `right`; returns the y of the last line."""
        at = x
        for shape, look, words in items:
            wide = 18 + text_width(words) + 14
            if at > x and at + wide > right:
                at, y = x, y + 18
            if shape in ("bar", "line"):
                self.rect(at, y - 8 if shape == "bar" else y - 5, 12, 9 if shape == "bar" else 3, look)
            else:
                self.mark(shape, at + 6, y - 4, 4.5, look)
            self.text(at + 18, y, words, "legend")
            at += wide
        return y

    def render(self, label: str, variant: str) -> str:
        """The element, of `variant` wide or narrow; `label` is what a screen reader says."""
        size = (
            f'viewBox="0 0 {_px(self.width)} {_px(self.height)}" width="{_px(self.width)}" height="{_px(self.height)}"'
        )
        said = escape(visible(label), quote=True)
        return f'<svg class="plot {variant}" role="img" aria-label="{said}" {size}>{"".join(self.parts)}</svg>'

    def _add(self, tag: str, at: str, look: str, tip: str) -> None:
        named = f' class="{look}"' if look else ""
        self.parts.append(f"<{tag} {at}{named}>{_title(tip)}</{tag}>" if tip else f"<{tag} {at}{named}/>")


def text_width(words: str, size: float = 12) -> float:
    """A guess of the width of a text in px, on the safe side."""
    return sum(size * (1.0 if ord(c) > 0x2E80 else 0.57) for c in words)


def ticks(high: float, most: int, steps: Sequence[float]) -> list[float]:
    """0, step, 2 step … up to and not below `high`, with the smallest step that needs at most `most` intervals."""
    step = next((s for s in steps if high / s <= most), math.ceil(high / most / steps[-1]) * steps[-1])
    return [step * i for i in range(math.ceil(high / step - 1e-9) + 1)] if high > 0 else [0.0, step]


def month_ticks(high: float, narrow: bool) -> list[float]:
    """Ticks of a time axis in months."""
    return ticks(high, 6 if narrow else 12, (1, 2, 3, 6, 12, 24, 60))


def plain(value: float) -> str:
    """A number of an axis: `3`, `0.5`, with a real minus sign."""
    return f"{value:g}".replace("-", "\u2212")


def _title(tip: str) -> str:
    return f"<title>{escape(visible(tip))}</title>" if tip else ""


def _px(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0") if value == value else "0"
