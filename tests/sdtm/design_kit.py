"""Subjects by hand for trial design, elements and visits: rows in the house's words -> prepared study data."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence

import polars as pl

from cdiscx import flow
from cdiscx.model.dataset import Dataset
from cdiscx.model.spec import Study
from cdiscx.model.table import StudyData
from cdiscx.sdtm.elements import subject_elements
from cdiscx.sdtm.participation import usubjid
from cdiscx.tidy.frames import tidy_frames

Row = Mapping[str, object]
CUTOFF = dt.date(2025, 6, 30)


def prepared(study: Study, cutoff: dt.date = CUTOFF, **tables: Sequence[Row]) -> StudyData:
    """Rows by table -> data with views; every table and column of the study is there."""
    frames = {name: pl.DataFrame(rows, infer_schema_length=None) for name, rows in tables.items() if rows}
    return flow.prepare(tidy_frames(study, frames, complete=True), cutoff=cutoff, today=cutoff)


def subject(consent: str = "2024-01-01", subjid: str = "001", **more: object) -> Row:
    return {"SUBJID": subjid, "SITEID": "01", "RFICDAT": consent, "ENRLDAT": consent, **more}


def dose(drug: str, start: str, end: str | None = None, subjid: str = "001", **more: object) -> Row:
    return {"SUBJID": subjid, "EXTRT": drug, "EXSTDAT": start, "EXENDAT": end, "EXDOSE": 10, **more}


def procedure(name: str, start: str, end: str | None = None, subjid: str = "001") -> Row:
    return {"SUBJID": subjid, "PRTRT": name, "PRSTDAT": start, "PRENDAT": end or start}


def alive(day: str, subjid: str = "001") -> Row:
    return {"SUBJID": subjid, "SSDAT": day, "SSSTAT": "ALIVE"}


def dead(day: str, contact: str | None = None, subjid: str = "001") -> Row:
    return {"SUBJID": subjid, "SSDAT": contact or day, "SSSTAT": "DEAD", "DTHDAT": day}


def stopped(day: str, subjid: str = "001", scope: str = "TREATMENT", why: str = "COMPLETED") -> Row:
    return {"SUBJID": subjid, "DSDECOD": why, "DSSCOPE": scope, "DSDAT": day}


def course(data: StudyData) -> list[tuple[object, object]]:
    """ETCD and SESTDTC of the elements, and at the end the day on which the last one ends."""
    made = subject_elements(data)
    assert made is not None
    frame = made.frame
    return [*frame.select("ETCD", "SESTDTC").iter_rows(), ("", frame.item(-1, "SEENDTC"))]


def demographics(data: StudyData) -> Dataset:
    """A DM with what subject visits need of it."""
    anchors = data.tidy["anchors"].frame.select("SUBJID", RFSTDTC=pl.col("D1").dt.to_string("iso"))
    people = data.tidy["subjects"].frame.select("SUBJID", USUBJID=usubjid(data.study.studyid))
    frame = people.join(anchors, on="SUBJID", how="left")
    return Dataset("DM", "Demographics", "Special-Purpose", "", ("STUDYID", "USUBJID"), (), frame)
