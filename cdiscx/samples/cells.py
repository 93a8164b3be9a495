"""One value as one site types it.

In: a canonical header, a value, the row it stands in, a style. Out: a `Cell`, ready for a workbook or a CSV.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from random import Random

from cdiscx.samples.layout import DATE_HEADERS, YES_NO_HEADERS, Row, Typed
from cdiscx.samples.style import SEXES, YES_NO, Style
from cdiscx.samples.synonyms import CHINESE_TEXT, CHINESE_TEXT_HEADERS

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
TEXT_DATES = ("iso", "slash", "DDMMMYYYY", "d-Mon-yyyy", "dd Mon yyyy", "zh", "compact")
LENGTHS = frozenset({"Diameter", "Short Axis", "Viable Diameter"})
COMPUTED = frozenset({"Sum of Diameters", "Percent from Baseline", "Percent from Nadir"})
LIST_HEADERS = frozenset(
    {
        "Status",
        "Certainty",
        "Frequency",
        "Drug",
        "Procedure",
        "Outcome",
        "Event",
        "Scope",
        "Dose Changed",
        "Branch",
    }
)
_FULL_WIDTH = str.maketrans("0123456789", "０１２３４５６７８９")


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell: None, text, a number or a date, with Excel's number format where it has one."""

    value: str | int | float | date | None
    number_format: str | None = None
    formula: bool = False  # with its cached value; a formula with an empty text has none

    def text(self) -> str:
        """The cell as a CSV file shows it."""
        if self.value is None:
            return ""
        if self.number_format == "000":
            return f"{self.value:0>3}"
        if self.number_format == "00":
            return f"{self.value:0>2}"
        return self.value.isoformat() if isinstance(self.value, date) else str(self.value)


EMPTY = Cell(None)


def text_date(day: date, style: str) -> str:
    """A full date in one of the text formats of the contract."""
    month = MONTHS[day.month - 1]
    return {
        "iso": day.isoformat(),
        "slash": f"{day.year}/{day.month}/{day.day}",
        "DDMMMYYYY": f"{day.day:02d}{month.upper()}{day.year}",
        "d-Mon-yyyy": f"{day.day}-{month}-{day.year}",
        "dd Mon yyyy": f"{day.day:02d} {month} {day.year}",
        "zh": f"{day.year}年{day.month}月{day.day}日",
        "compact": f"{day.year}{day.month:02d}{day.day:02d}",
    }[style]


def partial_date(text: str, style: str, rng: Random) -> str:
    """A date of which only year, or year and month, is known (`2024`, `2024-03`)."""
    if len(text) == 4:
        return rng.choice((text, f"UNUNK{text}")) if style in ("DDMMMYYYY", "mixed") else text
    year, month = text.split("-")
    name = MONTHS[int(month) - 1].upper()
    known = {
        "DDMMMYYYY": (f"{name}{year}", f"UN{name}{year}"),
        "d-Mon-yyyy": (f"UN-{name}-{year}",),
        "iso": (text, f"{text}-UN"),
        "mixed": (text, f"UN-{name}-{year}", f"{text}-UN", f"{name}{year}"),
    }
    return rng.choice(known.get(style, (text,)))


def _date(value: object, style: Style, rng: Random) -> Cell:
    chosen = style.dates
    if isinstance(value, str):
        return Cell(partial_date(value, chosen, rng))
    assert isinstance(value, date)
    if chosen == "mixed":
        chosen = rng.choice(("excel", *TEXT_DATES))
    if chosen == "excel":
        return Cell(value, rng.choice(("yyyy-mm-dd", "d-mmm-yyyy", "yyyy/m/d")) if style.seed else "yyyy-mm-dd")
    return Cell(text_date(value, chosen))


def _number(value: int | float, style: Style, rng: Random) -> Cell:
    chosen = style.numbers
    if chosen == "mixed":
        chosen = rng.choice(("number", "number", "text", "comma", "fullwidth"))
    if chosen == "number":
        return Cell(value)
    if chosen == "comma":
        return Cell(str(value).replace(".", ",")) if isinstance(value, float) else Cell(value)
    return Cell(str(value).translate(_FULL_WIDTH) if chosen == "fullwidth" else str(value))


def _length(value: int | float, row: Row, style: Style, rng: Random) -> Cell:
    """A diameter with its unit as the style wants it; only lesion rows that carry a Unit can be in cm."""
    if style.lengths == "32mm":
        return Cell(f"{value}mm")
    if style.lengths in ("3.2 cm", "cm") and "Unit" in row:
        centimetres = round(value / 10, 3)
        shown = int(centimetres) if centimetres == int(centimetres) else centimetres
        return Cell(f"{shown} cm") if style.lengths == "3.2 cm" else _number(shown, style, rng)
    return _number(value, style, rng)


def _identity(value: str, style: Style) -> Cell:
    if style.ids == "000" and value.isdigit():
        return Cell(int(value), "0" * len(value))
    return Cell(value)


def _words(header: str, value: str, style: Style) -> str:
    """Text as the style spells it; unknown text stays as it is."""
    if header in YES_NO_HEADERS and value in ("Y", "N"):
        return YES_NO[style.yes_no][value == "N"]
    if header == "Sex" and value in ("M", "F"):
        return SEXES[style.sex][value == "F"]
    if header == "Country":
        return style.country
    if header in CHINESE_TEXT_HEADERS and style.chinese_text:
        return CHINESE_TEXT.get(value, value)
    if header in LIST_HEADERS and style.case != "as is":
        return value.upper() if style.case == "upper" else value.lower()
    return value


def cell(header: str, row: Row, style: Style, rng: Random, *, required: bool) -> Cell:
    """One cell of a row in a style."""
    value = row[header]
    if isinstance(value, Typed):
        return Cell("" if value.kind == "formula" else value.text, formula=value.kind != "text")
    if header == "Evaluator" and style.evaluator == "blank":
        return EMPTY
    if header == "Unit" and row.get("Status") is not None and value is not None:
        return Cell("cm" if style.lengths in ("3.2 cm", "cm") else str(value))
    if value is None:
        free = not required and header not in ("Evaluator", "Unit")
        if free and style.missing and rng.random() < style.missing:
            return Cell(rng.choice(style.missing_words))
        return EMPTY
    if header in ("Subject ID", "Site ID"):
        return _identity(str(value), style)
    if header in DATE_HEADERS:
        return _date(value, style, rng)
    if style.formulas and header in COMPUTED and isinstance(value, int | float):
        return Cell(value, formula=True)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return _length(value, row, style, rng) if header in LENGTHS else _number(value, style, rng)
    return Cell(_words(header, str(value), style))
