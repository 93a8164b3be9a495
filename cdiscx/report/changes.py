"""The change log as CSV: every cell that was read as something else than what was typed."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from cdiscx.model.kept import Kept, pieces

_COLUMNS = ("file", "sheet", "row", "letter", "column", "before", "after", "why")
# what spreadsheet programs take for a formula, full-width forms included (OWASP: CSV injection)
_FORMULA = "^[=+\\-@\t\r\n\uff1d\uff0b\uff0d\uff20]"


def write_changes(changes: pl.DataFrame | Kept | None, path: Path) -> None:
    """UTF-8 with a byte order mark; a text that a spreadsheet program would compute gets a `'` before it."""
    frame = changes if changes is not None else pl.DataFrame(schema=dict.fromkeys(_COLUMNS, pl.String))
    texts = [name for name, kind in frame.schema.items() if kind == pl.String]
    safe = [
        pl.when(pl.col(n).str.contains(_FORMULA))
        .then(pl.concat_str(pl.lit("'"), pl.col(n)))
        .otherwise(pl.col(n))
        .alias(n)
        for n in texts
    ]
    with path.open("wb") as file:
        pl.DataFrame(schema=frame.schema).write_csv(file, include_bom=True)
        for piece in pieces(frame):
            piece.with_columns(safe).write_csv(file, include_header=False)
