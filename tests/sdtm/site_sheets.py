"""A site's sheets as CSV files, read, tidied and mapped: the whole way from a cell to a record."""

from __future__ import annotations

import csv
import datetime as dt
from collections.abc import Mapping, Sequence
from pathlib import Path

from cdiscx import flow
from cdiscx.model.spec import Study
from cdiscx.sdtm import Mapped, map_study

Row = Mapping[str, object]


def mapped(study: str, folder: Path, sheets: Mapping[str, Sequence[Row]]) -> Mapped:
    """Sheet -> rows (header -> cell), written as one upload of `study` and mapped."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, rows in sheets.items():
        headers = list(dict.fromkeys(header for row in rows for header in row))
        with (folder / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, headers, restval="")
            writer.writeheader()
            writer.writerows(rows)
    read = flow.read(folder)
    today = dt.date(2025, 1, 1)
    return map_study(flow.prepare(flow.tidy(Study.load(study), read, today=today), today=today))


def records(made: Mapped, dataset: str, *names: str) -> list[tuple[object, ...]]:
    """Some variables of a dataset, in the order of its records; one that was dropped because it is empty is None."""
    frame = made.datasets[dataset].frame
    have = [name for name in names if name in frame.columns]
    rows = frame.select(have).to_dicts()
    return [tuple(row.get(name) for name in names) for row in rows]


PERSON: Row = {
    "Subject ID": "001",
    "Site ID": "01",
    "Sex": "M",
    "Age": 55,
    "Informed Consent Date": "2023-01-25",
    "Enrolment Date": "2023-02-01",
    "HCC Diagnosis Date": "2023-01",
    "BCLC Stage": "C",
    "Child-Pugh Score": 7,
    "ECOG": 1,
    "Height": 170,
    "Weight": 66.5,
}


def visit(name: str, date: str, **more: object) -> Row:
    """A visit that was done."""
    return {"Subject ID": "001", "Visit": name, "Visit Date": date, "Visit Done": "Y", **more}


def dose(drug: str, date: str, amount: float, frequency: str, **more: object) -> Row:
    """A dose of one day."""
    return {
        "Subject ID": "001", "Drug": drug, "Cycle": 1, "Start Date": date, "End Date": date, "Dose": amount,
        "Dose Unit": "mg", "Frequency": frequency, "Route": "Intravenous", **more,
    }  # fmt: skip


def target(visit: str, date: str, lesion: str = "T1", **more: object) -> Row:
    """A reading of a liver target on CT."""
    return {
        "Subject ID": "001", "Visit": visit, "Assessment Date": date, "Lesion ID": lesion, "Organ": "Liver",
        "Location": "Segment VIII", "Method": "CT", "Status": "Measured", **more,
    }  # fmt: skip
