"""Facts of the study file as words for the method texts of define.xml."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from cdiscx.model.spec import Records


def where(values: Iterable[str]) -> str:
    """`A`, `A or B`, `A, B or C`."""
    words = list(values)
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}" if words else ""


def sources(records: Sequence[Records]) -> str:
    """`EX; PR where PRCAT is LOCAL THERAPY or RADIOTHERAPY`."""
    return "; ".join(_one(r) for r in records)


def _one(record: Records) -> str:
    conditions = [f"{name} is {where(values)}" for name, values in record.where.items()]
    return f"{record.of} where {' and '.join(conditions)}" if conditions else record.of
