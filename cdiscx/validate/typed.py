"""Rows and columns of findings in, the text of their cells as typed out."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass, field

import polars as pl

from cdiscx.model.table import Upload


@dataclass(slots=True)
class TypedCells:
    """The cells of an upload's sheets; of a sheet that waits on disk only those that were asked for with `fetch`."""

    upload: Upload
    _rows: dict[int, list[int]] = field(default_factory=dict)
    _fetched: dict[tuple[int, str], dict[int, str | None]] = field(default_factory=dict)

    def fetch(self, wanted: Iterable[tuple[int, int, str]]) -> None:
        """Reads cells (source, spreadsheet row, letter) of sheets on disk, each sheet once."""
        by_sheet: dict[int, dict[str, set[int]]] = {}
        for number, row, letter in wanted:
            if row not in self._fetched.get((number, letter), ()):
                by_sheet.setdefault(number, {}).setdefault(letter, set()).add(row)
        for number, letters in by_sheet.items():
            kept = self.upload.sources[number].raw.kept
            if kept is None:
                continue
            rows = pl.Series(sorted(set().union(*letters.values())), dtype=pl.UInt32)
            found = kept.lazy().select("_row", *letters).filter(pl.col("_row").is_in(rows.implode())).collect()
            numbers = found.get_column("_row").to_list()
            for letter in letters:
                texts = found.get_column(letter).to_list()
                self._fetched.setdefault((number, letter), {}).update(zip(numbers, texts, strict=True))

    def text(self, number: int, row: int, letter: str) -> str | None:
        """One cell as typed."""
        raw = self.upload.sources[number].raw
        if raw.kept is not None:
            self.fetch([(number, row, letter)])
            return self._fetched[number, letter].get(row)
        if number not in self._rows:
            self._rows[number] = raw.text.get_column("_row").to_list()
        value = raw.text.get_column(letter)[bisect_left(self._rows[number], row)]
        return None if value is None else str(value)
