"""Cohorts with many different defects: cells of a clean cohort moved, blanked, swapped and repeated by a seeded hand."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from random import Random

from cdiscx.samples import Row, SampleUpload, clean


def tangled(study: str, *, subjects: int = 12, seed: int = 1, share: float = 0.15) -> SampleUpload:
    """One site's upload in which about `share` of the rows of every sheet were touched; same arguments, same upload."""
    upload = clean(study, sites=1, subjects=subjects, seed=seed)[0]
    rng = Random(f"tangle {study} {seed}")
    for name, rows in upload.sheets.items():
        kept: list[Row] = []
        for row in rows:
            kept.append(_touched(row, rows, rng) if rng.random() < share else row)
            if rng.random() < share / 10:
                kept.append(dict(row))  # a repeat
            if rng.random() < share / 5:
                kept.pop()  # a gap
        upload.sheets[name] = kept
    return upload


def _touched(row: Row, rows: list[Row], rng: Random) -> Row:
    header = rng.choice([h for h in row if h != "Subject ID" or rng.random() < 0.1])
    return {**row, header: _other(row[header], [r[header] for r in rows], rng)}


def _other(value: object, seen: list[object], rng: Random) -> object:
    choices: list[Callable[[], object]] = [lambda: None, lambda: rng.choice(seen), lambda: "???"]
    if isinstance(value, date):
        choices += [lambda: value + timedelta(days=rng.choice((-400, -30, -3, 3, 30, 200)))] * 3
        choices += [lambda: value.strftime("%Y-%m"), lambda: "03/04/2024"]
    elif isinstance(value, int | float):
        choices += [lambda: value * 10, lambda: value / 10, lambda: value + 7, lambda: -value, lambda: 0]
    return rng.choice(choices)()
