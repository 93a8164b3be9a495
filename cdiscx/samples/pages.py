"""A whole upload as one site lays it out.

In: a `SampleUpload` and a `Style`. Out: `Page` grids of cells, with merged banners and hidden parts, which the
writers turn into a workbook or CSV files. Same upload and style, same pages.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random

from cdiscx.samples.cells import EMPTY, LENGTHS, Cell, cell
from cdiscx.samples.layout import REQUIRED, Row, SampleUpload
from cdiscx.samples.style import Style
from cdiscx.samples.synonyms import (
    BANNERS,
    CHINESE,
    COMMENT_HEADERS,
    ENGLISH,
    EXTRA_SHEETS,
    UNITS_IN_HEADERS,
)


@dataclass(slots=True)
class Page:
    """One sheet: rows of cells; merges as (row, first column, last column), all 0-based."""

    name: str
    rows: list[list[Cell]] = field(default_factory=list)
    merges: list[tuple[int, int, int]] = field(default_factory=list)
    hidden_rows: set[int] = field(default_factory=set)
    hidden_columns: set[int] = field(default_factory=set)
    hidden: bool = False
    header: int = 0
    records: list[int] = field(default_factory=list)  # grid row of each record, in the upload's order
    columns: dict[str, int] = field(default_factory=dict)  # canonical header -> grid column


def header_text(header: str, taken: set[str], style: Style, rng: Random) -> str:
    """The header as this site spells it, never equal to another header of the sheet."""
    text = header
    table = {"english": ENGLISH, "chinese": CHINESE}.get(style.headers, {})
    if header in table and rng.random() < 0.8:
        text = rng.choice(table[header])
    if text.casefold() in taken:
        text = header
    taken.add(text.casefold())
    noise = rng.choice(style.header_noise) if style.header_noise and rng.random() < 0.6 else ""
    unit = UNITS_IN_HEADERS.get(header)
    in_cm = header in LENGTHS and style.lengths in ("3.2 cm", "cm")
    if noise == "units" and unit and not in_cm and "%" not in text:
        left, right = rng.choice((("(", ")"), ("[", "]"), ("（", "）")))
        return f"{text} {left}{unit}{right}"
    return {
        "upper": text.upper(),
        "lower": text.lower(),
        "break": text.replace(" ", "\n", 1),
        "double": text.replace(" ", "  "),
        "nbsp": text.replace(" ", "\u00a0"),
        "colon": text + rng.choice((":", "：")),
    }.get(noise, text)


def _columns(headers: list[str], style: Style, rng: Random) -> list[str | None]:
    """The order of the columns; None stands for an empty column, `COMMENT` for one of the site's own."""
    order: list[str | None] = list(headers)
    if style.shuffle_columns:
        rng.shuffle(order)
    if style.extra_columns:
        order.insert(rng.randint(2, len(order)), rng.choice(COMMENT_HEADERS))
    if style.empty_column:
        order.insert(rng.randint(2, len(order) - 1), None)
    return order


def _body(sheet: str, rows: list[Row], order: list[str | None], style: Style, rng: Random) -> list[list[Cell]]:
    """The data rows, now and then with an empty row between two of them."""
    required = REQUIRED[sheet]
    out: list[list[Cell]] = []
    for row in rows:
        if style.empty_rows and rng.random() < 0.04:
            out.append([])
        line: list[Cell] = []
        for header in order:
            if header is None:
                line.append(EMPTY)
            elif header in row:
                line.append(cell(header, row, style, rng, required=header in required))
            else:
                line.append(Cell("checked") if rng.random() < 0.1 else EMPTY)
        out.append(line)
    return out


def _page(upload: SampleUpload, sheet: str, style: Style, rng: Random) -> Page:
    """One sheet: banners, header, rows, totals."""
    page = Page(sheet)
    rows = upload.sheets[sheet]
    order = _columns(upload.columns(sheet), style, rng)
    pad = [EMPTY] * style.left
    for number in range(style.banners):
        text = f"{upload.study.upper()}  site {upload.site}  {sheet}" if number == 0 else rng.choice((*BANNERS, ""))
        page.rows.append([*pad, Cell(text or None)])
        if text and number < 2:
            page.merges.append((number, style.left, style.left + min(5, len(order) - 1)))
    taken: set[str] = set()
    page.header = len(page.rows)
    page.columns = {h: style.left + n for n, h in enumerate(order) if h is not None}
    page.rows.append([*pad, *(EMPTY if h is None else Cell(header_text(h, taken, style, rng)) for h in order)])
    first = len(page.rows)
    page.rows.extend([*pad, *line] if line else [] for line in _body(sheet, rows, order, style, rng))
    page.records = [n for n, line in enumerate(page.rows) if n >= first and line]
    if style.totals and rows:
        if rng.random() < 0.5:
            page.rows.append([])
        page.rows.append([*pad, Cell(style.totals)])
    if style.hidden and len(rows) > 3:
        page.hidden_rows.add(rng.randint(first, first + len(rows) - 2))
        page.hidden_columns.add(style.left + rng.randrange(len(order)))
    return page


def layout(upload: SampleUpload, style: Style) -> list[Page]:
    """The pages of an upload in a style, in the order in which the site keeps them."""
    rng = Random(f"{style} {upload.study} {upload.site}")
    pages = [_page(upload, sheet, style, rng) for sheet in upload.sheets]
    if style.shuffle_sheets:
        rng.shuffle(pages)
    if style.extra_sheets:
        name = rng.choice(EXTRA_SHEETS)
        pages.insert(rng.randint(0, len(pages)), Page(name, [[Cell("How to fill in this workbook")], [Cell("1")]]))
    if style.hidden:
        pages.append(Page("Lists", [[Cell("Codes")], [Cell("Y")], [Cell("N")]], hidden=True))
    return pages
