"""Findings onto a workbook: colours and comments on the cells, and a first sheet that lists them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import copy
from typing import Any

from openpyxl.cell.cell import MergedCell
from openpyxl.comments import Comment
from openpyxl.styles import Alignment, Border, Font, PatternFill, Side
from openpyxl.styles.cell_style import StyleArray
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.hyperlink import Hyperlink

from cdiscx.model.finding import Finding, Severity
from cdiscx.report import words
from cdiscx.report.copies import FRONT, quoted
from cdiscx.report.languages import PLAIN, Language

#: longest comment; longer ones point to the first sheet
COMMENT = 1_000
#: findings listed on the first sheet
LISTED = 20_000
_TEXT = 32_000
_FILLS = {
    severity: PatternFill("solid", start_color=colour, end_color=colour)
    for severity, colour in ((Severity.ERROR, "FFF4B6B1"), (Severity.WARNING, "FFFBDD9A"), (Severity.NOTE, "FFC9DDF0"))
}
_HEAD = PatternFill("solid", start_color="FF2B4A66", end_color="FF2B4A66")
_EDGE = Border(*[Side(style="thin", color="FFD5DBE1")] * 4)
_WRAPPED = Alignment(wrap_text=True, vertical="top")
_COLUMNS = {
    "Severity": 10,
    "Check": 10,
    "Site": 8,
    "Subject": 11,
    "Visit": 18,
    "Sheet": 18,
    "Cell": 8,
    "Column": 20,
    "Value as typed": 20,
    "What is wrong": 60,
    "What to do": 46,
    "Query": 13,
}


def mark_cells(
    book: Any, findings: Sequence[Finding], sheets: Mapping[str, str], tongue: Language = PLAIN
) -> dict[str, str]:
    """Colours every cell that has a finding, by its worst one, and comments it. `sheets`: sheet as read -> its title.

    Returns fingerprint -> cell that was marked, for the links of the first sheet.
    """
    by_cell: dict[tuple[str, str], list[Finding]] = {}
    for finding in findings:
        title = sheets.get(finding.sheet or "")
        if title is None or finding.row is None:
            continue
        page = book[title]
        by_cell.setdefault((title, finding.cell or _first_used(page, finding.row)), []).append(finding)
    marked: dict[str, str] = {}
    for (title, at), same in by_cell.items():
        cell = _writable(book[title], at)
        worst = max(same, key=lambda f: f.severity.rank)
        cell.fill = _FILLS[worst.severity]
        before = f"{cell.comment.text.rstrip()}\n\n" if cell.comment is not None else ""
        cell.comment = _comment(before + "\n\n".join(_said(f, tongue) for f in words.ordered(same)), tongue)
        marked |= dict.fromkeys((f.fingerprint for f in same), cell.coordinate)
    return marked


def _first_used(page: Any, row: int) -> str:
    """The first cell with a value in a row whose finding names no cell."""
    used = next((c for c in page[row] if c.value is not None), None)
    return used.coordinate if used is not None else f"A{row}"


def _writable(page: Any, at: str) -> Any:
    """The cell, or the first of the merged cells it is part of."""
    cell = page[at]
    if isinstance(cell, MergedCell):
        area = next(r for r in page.merged_cells.ranges if at in r)
        return page.cell(area.min_row, area.min_col)
    return cell


def _said(finding: Finding, tongue: Language) -> str:
    say = tongue.label
    told = [
        say(
            "{SEVERITY} {id}: {x}", SEVERITY=say(finding.severity.value).upper(), id=finding.check_id, x=finding.message
        ),
        *([say("Expected: {x}", x=finding.expected)] if finding.expected else []),
        *([say("What to do: {x}", x=finding.fix)] if finding.fix else []),
    ]
    return "\n".join(told)


def _comment(text: str, tongue: Language) -> Comment:
    safe = words.xml_safe(text)
    if len(safe) > COMMENT:
        pointer = "\n" + tongue.label("… more on the sheet '{x}'", x=FRONT)
        safe = safe[: COMMENT - len(pointer)] + pointer
    lines = sum(1 + words.width(line) // 48 for line in safe.split("\n"))
    return Comment(safe, "cdiscx", width=360, height=min(40 + 17 * lines, 420))


def add_front(
    book: Any,
    facts: Sequence[str],
    findings: Sequence[Finding],
    sheets: Mapping[str, str],
    ids: Mapping[str, str],
    tongue: Language = PLAIN,
) -> str:
    """Adds the first sheet: what this copy is, then the findings, those without a row first. Returns its title."""
    marked = mark_cells(book, findings, sheets, tongue)
    page = book.create_sheet(FRONT, 0)
    book.active = 0
    for other in book.worksheets:  # two selected sheets would be edited together
        other.sheet_view.tabSelected = other is page
    for at, width in enumerate(_COLUMNS.values(), start=1):
        page.column_dimensions[get_column_letter(at)].width = width
    for number, fact in enumerate(facts, start=1):
        _put(page, number, 1, fact).font = Font(name="Calibri", bold=number == 1, size=14 if number == 1 else 11)
    head = len(facts) + 2
    for at, name in enumerate(_COLUMNS, start=1):
        cell = _put(page, head, at, tongue.label(name))
        cell.font, cell.fill, cell.border = Font(name="Calibri", bold=True, color="FFFFFFFF"), _HEAD, _EDGE
    page.freeze_panes = page.cell(head + 1, 1)
    ordered = sorted(findings, key=lambda f: (f.row is not None, -f.severity.rank if f.row is None else 0))
    looks: dict[object, StyleArray] = {}
    for row, finding in enumerate(ordered[:LISTED], start=head + 1):
        _row(page, row, finding, sheets, marked.get(finding.fingerprint), ids, tongue, looks)
    if len(ordered) > LISTED:
        _put(
            page,
            head + LISTED + 1,
            1,
            tongue.label("{n} more: see report.html or queries.xlsx", n=f"{len(ordered) - LISTED:,}"),
        )
    if not ordered:
        _put(page, head + 1, 1, tongue.label("No open finding in this file. report.html says what was not checked."))
    else:
        page.auto_filter.ref = f"A{head}:{get_column_letter(len(_COLUMNS))}{head + min(len(ordered), LISTED)}"
    page.page_setup.orientation, page.page_setup.fitToHeight = "landscape", 0
    page.sheet_properties.pageSetUpPr.fitToPage = True
    return str(page.title)


def _row(
    page: Any,
    row: int,
    finding: Finding,
    sheets: Mapping[str, str],
    at: str | None,
    ids: Mapping[str, str],
    tongue: Language,
    looks: dict[object, StyleArray],
) -> None:
    values = (
        tongue.label(finding.severity.value),
        finding.check_id,
        finding.site,
        finding.subject,
        finding.visit,
        finding.sheet,
        finding.cell or (tongue.label("row {n}", n=finding.row) if finding.row else tongue.label("no row")),
        finding.column,
        finding.value,
        finding.message,
        finding.fix,
        ids.get(finding.fingerprint, finding.fingerprint),
    )
    title = sheets.get(finding.sheet or "")
    for column, value in enumerate(values, start=1):
        cell = _put(page, row, column, value)
        look = finding.severity if column == 1 else "link" if column == 7 and title else None
        if look in looks:
            cell._style = copy(looks[look])  # openpyxl compares fonts, fills and borders each time one is set
        else:
            cell.border, cell.alignment = _EDGE, _WRAPPED
            if isinstance(look, Severity):
                cell.fill = _FILLS[look]
            elif look:
                cell.font = Font(name="Calibri", color="FF1F5F8B", underline="single")
            looks[look] = cell._style
    if title:
        target = page.cell(row, 7)
        target.hyperlink = Hyperlink(ref=target.coordinate, location=f"{quoted(title)}!{at or 'A1'}")
    widths = list(_COLUMNS.values())
    lines = max(1 + words.width(str(value or "")) // (width - 2) for value, width in zip(values, widths, strict=True))
    page.row_dimensions[row].height = 15.0 * min(lines, 20)


def _put(page: Any, row: int, column: int, value: object) -> Any:
    """A text as text: never a formula, never a character that XML cannot hold."""
    cell = page.cell(row, column)
    if value is not None and value != "":
        cell.value = words.xml_safe(value)[:_TEXT]
        cell.data_type = "s"
    return cell
