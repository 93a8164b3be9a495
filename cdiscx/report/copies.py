"""Where the annotated copy of an upload is, and what its cells are called there."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

# in a link's path these would end the path, or are escaped by Excel too
_ESCAPED = re.compile(r'[%# "<>\[\]^`{}]')

#: the sheet that an annotated copy begins with
FRONT = "cdiscx findings"


@dataclass(frozen=True, slots=True)
class Copy:
    """One annotated copy: upload name, file name inside `annotated/`, sheet as read -> sheet in the copy, what to know of it.

    `front`: the name of the added first sheet. `name` is empty where no copy could be made; the notes say why.
    """

    upload: str
    name: str
    sheets: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    front: str = FRONT

    def link(self, sheet: str | None, cell: str | None, row: int | None) -> str | None:
        """`annotated/site-01.xlsx#'Visits'!C17`: from the report folder to a cell; the first sheet where there is none."""
        if not self.name:
            return None
        path = _ESCAPED.sub(lambda m: f"%{ord(m[0]):02x}", self.name)
        at = cell or (f"A{row}" if row else None)
        inside = self.sheets.get(sheet) if sheet and at else None
        return f"annotated/{path}#{quoted(inside)}!{at}" if inside else f"annotated/{path}#{quoted(self.front)}!A1"


def quoted(sheet: str) -> str:
    """A sheet's name as references write it."""
    return "'" + sheet.replace("'", "''") + "'"
