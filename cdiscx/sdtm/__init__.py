"""Tidy tables in, SDTM datasets out, by mappings that are data (`mappings/`, see its README).

`map_study(data)` is the door. The engine: `blocks` chooses rows, joins, evaluates targets; `findings` makes the results of
tests; `finish` adds keys, timing, order, --SEQ; `supplements` makes SUPP--. Algorithms are registered functions in `assign`,
`visits`, `links`, `components`, `demographics`, `anatomy`. Trial design, SE, SV and RELREC are built from the study file and
the datasets (`design`, `elements`, `subject_visits`, `relrec`).

Lineage of a record: `_from` (raw rows), `_block`, and where the value of one variable was decided by rows of its own, the
private column `_from:VARIABLE` (list[u32]): a trace of that variable looks in these rows only.
"""

from cdiscx.sdtm.engine import Mapped, map_study

__all__ = ["Mapped", "map_study"]
