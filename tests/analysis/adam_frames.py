"""Small ADaM frames made by hand, and the two studies they belong to."""

from __future__ import annotations

import datetime as dt
from functools import cache

import polars as pl

from cdiscx.model.spec import Study

DAY = dt.timedelta(days=1)
START = dt.date(2023, 2, 6)


@cache
def study(name: str) -> Study:
    return Study.load(name)


def subjects(n: int, **flags: list[str] | list[object] | str) -> pl.DataFrame:
    """ADSL of `n` subjects 001 …, all in the full analysis set unless said otherwise."""
    names = [f"{i:03d}" for i in range(1, n + 1)]
    base = {"USUBJID": [f"S-{x}" for x in names], "SUBJID": names, "TRTSDT": [START] * n, "ENRLDT": [START] * n}
    base |= {flag: ["Y"] * n for flag in ("ENRLFL", "SAFFL", "FASFL", "DURFL")}
    base |= {"RESFL": ["N"] * n, "PATFL": ["N"] * n}
    base |= {name: value if isinstance(value, list) else [value] * n for name, value in flags.items()}
    return pl.DataFrame(base, strict=False)


def answers(paramcd: str, values: list[str | None], **more: list[object]) -> pl.DataFrame:
    """Records of one parameter, one a subject."""
    names = [f"S-{i:03d}" for i in range(1, len(values) + 1)]
    columns = {"USUBJID": names, "PARAMCD": [paramcd] * len(values), "AVALC": values} | more
    texts = {name: pl.String for name in columns if name.startswith(("AVALC", "ANL"))}
    return pl.DataFrame(columns, schema_overrides=texts)


def times(paramcd: str, rows: list[tuple[int, int, str]], start: list[dt.date] | None = None) -> pl.DataFrame:
    """ADTTE of one parameter: (AVAL, CNSR, EVNTDESC) for every subject."""
    origins = start or [START] * len(rows)
    return pl.DataFrame(
        {
            "USUBJID": [f"S-{i:03d}" for i in range(1, len(rows) + 1)],
            "PARAMCD": [paramcd] * len(rows),
            "AVAL": [float(a) for a, _, _ in rows],
            "CNSR": [c for _, c, _ in rows],
            "EVNTDESC": [d for _, _, d in rows],
            "STARTDT": origins,
            "ADT": [o + (a - 1) * DAY for o, (a, _, _) in zip(origins, rows, strict=True)],
        }
    )
