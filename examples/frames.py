"""Check frames that no workbook was made of: a dict of Polars, pandas or Arrow frames in the tidy vocabulary."""

from __future__ import annotations

import datetime as dt

import polars as pl

import cdiscx

SUBJECTS = pl.DataFrame(
    {
        "SUBJID": ["101", "102"],
        "SITEID": ["01", "01"],
        "SEX": ["M", "F"],
        "RFICDAT": [dt.date(2024, 1, 8), dt.date(2024, 2, 5)],
        "ENRLDAT": [dt.date(2024, 1, 10), dt.date(2024, 2, 1)],
    }
)


def run() -> cdiscx.Report:
    """The second subject was enrolled before consent. What is not given is skipped with that reason, never passed."""
    frames = {"subjects": SUBJECTS.to_pandas()}  # or SUBJECTS, or SUBJECTS.to_arrow()
    return cdiscx.validate(frames, cdiscx.Study.load("palhep-a"), cutoff=dt.date(2024, 6, 30))


if __name__ == "__main__":
    for found in run():
        print(found.check_id, found.severity.value, found.subject, found.message)
