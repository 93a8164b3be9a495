"""Tidy tables in, the day out up to which they tell of the subjects: the data cut-off where nobody states one."""

from __future__ import annotations

import datetime as dt

import polars as pl

from cdiscx.model.table import StudyData


def latest_date(data: StudyData, today: dt.date) -> dt.date:
    """Latest date in visits, doses, scans and contacts that is not after the day of the run; that day where there is none."""
    found = []
    for table, columns in {
        "visits": ["VISDAT"],
        "dosing": ["EXSTDAT", "EXENDAT"],
        "procedures": ["PRSTDAT"],
        "targets": ["TRDAT"],
        "nontargets": ["TRDAT"],
        "newlesions": ["TRDAT"],
        "survival": ["SSDAT"],
    }.items():
        if table in data.tidy:
            held = data.tidy[table]
            for column in columns:
                if column in held.columns:
                    day = pl.col(column)
                    found.append(held.lazy().select(day.filter(day <= today).max()).collect().item())
    dates = [d for d in found if isinstance(d, dt.date)]
    return max(dates, default=today)
