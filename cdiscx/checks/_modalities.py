"""The local therapies of which a subject gets one."""

from __future__ import annotations

from cdiscx.model.spec import Component, Study


def choice(study: Study) -> Component | None:
    """The planned component that is given by one of several procedures (TACE, HAIC or 90Y-SIRT), or None."""
    chosen = [c for c in study.components.values() if c.planned and len(c.procedures) > 1]
    return chosen[0] if chosen else None


def modalities(study: Study) -> list[str]:
    """House terms of Procedures that are local therapy by choice; empty where the study has none."""
    found = choice(study)
    return list(found.procedures) if found else []
