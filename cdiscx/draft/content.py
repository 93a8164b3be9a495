"""Texts of one column in; what kind of column it looks like out: dates, yes and no, numbers, lesion ids, terms."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from cdiscx.model.spec import ColumnType
from cdiscx.standards.date_text import read_dates

#: pairs of words for yes and no that sites write
YES_NO = (("Y", "N"), ("YES", "NO"), ("JA", "NEIN"), ("OUI", "NON"), ("SI", "NO"), ("SÍ", "NO"), ("SIM", "NÃO"),
          ("はい", "いいえ"), ("有", "無"), ("예", "아니오"), ("是", "否"), ("有", "无"), ("TRUE", "FALSE"))  # fmt: skip
_LESION = re.compile(r"^(T|NT|NEW|NL|N)[-_ ]?\d+(\.\d+)?$", re.IGNORECASE)
_NUMBER = re.compile(r"^[<>]?\s*-?\d+([.,]\d+)?\s*(mm|cm|kg|mg|%)?$", re.IGNORECASE)
_MONTH = re.compile(r"^(0[1-9]|1[0-2])\.(19|20)\d\d$")
_MOST_TERMS = 14
_SURE = 0.8


@dataclass(frozen=True, slots=True)
class Kind:
    """What a column looks like: its type, how many of its cells say so, and its distinct texts, the commonest first."""

    type: ColumnType
    fits: int
    cells: int
    texts: tuple[str, ...]
    yes_no: tuple[str, str] | None = None

    @property
    def evidence(self) -> str:
        """`36 of 36 cells are dates`."""
        what = {"date": "are dates", "num": "are numbers", "yn": "are yes or no", "lesion": "are lesion ids",
                "term": f"are one of {len(self.texts)} words"}  # fmt: skip
        if not self.cells:
            return "the column is empty"
        return f"{self.fits} of {self.cells} cells {what.get(self.type, 'are text')}"


def kind_of(values: Sequence[str | None], order: str | None) -> Kind:
    """The kind of a column; `order` of day and month for dates that do not speak for themselves."""
    cells = [" ".join(v.split()) for v in values if v is not None and v.strip()]
    texts = tuple(t for t, _ in sorted(Counter(cells).items(), key=lambda item: (-item[1], item[0])))
    if not cells:
        return Kind("text", 0, 0, ())
    upper = {t.upper() for t in texts}
    for yes, no in YES_NO:
        if upper <= {yes, no}:
            written = {t.upper(): t for t in texts}
            words = [written.get(w, w.lower() if texts[0].islower() else w.title()) for w in (yes, no)]
            return Kind("yn", len(cells), len(cells), texts, (words[0], words[1]))
    lesions = sum(bool(_LESION.match(c)) for c in cells)
    if lesions >= _SURE * len(cells):
        return Kind("lesion", lesions, len(cells), texts)
    months = sum(bool(_MONTH.match(c)) for c in cells)
    if months >= _SURE * len(cells):
        return Kind("date", months, len(cells), texts)
    numbers = sum(bool(_NUMBER.match(c)) for c in cells)
    if numbers >= _SURE * len(cells) and not any(c.startswith("0") and c.isdigit() and len(c) > 1 for c in cells):
        return Kind("num", numbers, len(cells), texts)
    read = read_dates(pl.Series(cells), order=order, serials=False)
    dates = int(read.get_column("iso").is_not_null().sum())
    if dates >= _SURE * len(cells):
        return Kind("date", dates, len(cells), texts)
    if len(texts) <= _MOST_TERMS and len(texts) * 2 <= len(cells):
        return Kind("term", len(cells), len(cells), texts)
    return Kind("text", len(cells), len(cells), texts)


def order_of(values: Sequence[str]) -> str | None:
    """DMY or MDY where texts such as `25.03.2024` or `03/25/2024` tell, else None."""
    first, second = 0, 0
    for value in values:
        if found := re.match(r"^(\d{1,2})[./-](\d{1,2})[./-]\d{4}$", value.strip()):
            first += int(found[1]) > 12
            second += int(found[2]) > 12
    return "DMY" if first and not second else "MDY" if second and not first else None
