"""RELREC: links of datasets that exist on both sides, and pairs of records that can be no others."""

from __future__ import annotations

from typing import Any

import polars as pl

from cdiscx.model.dataset import Dataset
from cdiscx.model.kept import Scratch
from cdiscx.sdtm.relrec import relrec


def dataset(name: str, *rows: dict[str, Any]) -> Dataset:
    full = [{"STUDYID": "S", "USUBJID": "S-1", "_from": [n], **row} for n, row in enumerate(rows)]
    frame = pl.DataFrame(full, schema_overrides={"_from": pl.List(pl.UInt32)}, infer_schema_length=None)
    return Dataset(name, "", "", "", (), (), frame)


def related(*datasets: Dataset) -> list[tuple[object, ...]]:
    made = relrec({d.name: d for d in datasets})
    return [] if made is None else made.public.drop("STUDYID").rows()


def test_every_link_of_the_table_of_4_12() -> None:
    rows = related(
        dataset("TU", {"TULNKID": "T01"}),
        dataset("TR", {"TRLNKID": "T01", "TRLNKGRP": "A01"}),
        dataset("RS", {"RSLNKGRP": "A01"}),
        dataset("PR", {"PRLNKID": "SP1", "PRCAT": "SURGERY"}, {"PRLNKID": "HA1", "PRCAT": "LOCAL THERAPY"}),
        dataset("MI", {"MIREFID": "SP1"}),
        dataset("EX", {"EXLNKID": "HA1"}),
    )
    assert {(domain, variable, kind, relid) for domain, _, variable, _, kind, relid in rows} == {
        ("TU", "TULNKID", "ONE", "TUTR"),
        ("TR", "TRLNKID", "MANY", "TUTR"),
        ("TR", "TRLNKGRP", "MANY", "TRRS"),
        ("RS", "RSLNKGRP", "MANY", "TRRS"),
        ("PR", "PRLNKID", "ONE", "PRMI"),
        ("MI", "MIREFID", "MANY", "PRMI"),
        ("PR", "PRLNKID", "ONE", "PREX"),
        ("EX", "EXLNKID", "MANY", "PREX"),
    }
    assert all(who is None and value is None for _, who, _, value, _, _ in rows)


def test_a_link_needs_a_value_on_both_sides_in_one_subject() -> None:
    tumours = dataset("TU", {"TULNKID": "T01"})
    assert related(tumours, dataset("TR", {"TRLNKID": "T02"})) == []
    assert related(tumours, dataset("TR", {"TRLNKID": "T01", "USUBJID": "S-2"})) == []
    assert related(tumours) == []


def test_links_and_pairs_of_datasets_on_disk_are_those_of_datasets_in_memory() -> None:
    scratch = Scratch()
    subjects = ["S-1", "S-2", "S-3"]
    reoperation = {"PRSEQ": 3, "PRCAT": "REOPERATION", "PRSTDTC": "2024-05-04"}
    held = [
        dataset("TU", {"TULNKID": "T01", "USUBJID": "S-1"}, {"TULNKID": "T02", "USUBJID": "S-3"}),
        dataset("TR", {"TRLNKID": "T02", "USUBJID": "S-3"}, {"TRLNKID": "T01", "USUBJID": "S-2"}),
        dataset("PR", {**reoperation, "USUBJID": "S-2"}, {**reoperation, "USUBJID": "S-3"}),
        dataset("AE", {**complication(1), "USUBJID": "S-2"}, {**complication(2), "USUBJID": "S-3"}),
        dataset(
            "SUPPAE",
            *(
                {"QNAM": "AECDGR", "QVAL": "IIIb", "IDVARVAL": n, "USUBJID": s}
                for n, s in zip("12", subjects[1:], strict=True)
            ),
        ),
    ]
    files = [
        d.with_(frame=scratch.rewritten([d.frame.filter(pl.col("USUBJID") == s) for s in subjects], d.frame.schema))
        for d in held
    ]
    assert len(related(*held)) == 6
    assert related(*files) == related(*held)
    assert related(files[0], *held[1:]) == related(*held)
    strangers = held[1].frame.filter(pl.col("USUBJID") == "S-2")
    apart = held[1].with_(frame=scratch.rewritten([strangers.clear(), strangers, strangers.clear()], strangers.schema))
    assert related(files[0], apart) == []


def complication(seq: int, day: str = "2024-05-03") -> dict[str, Any]:
    return {"AESEQ": seq, "AESTDTC": day, "AEOUT": "RECOVERED/RESOLVED"}


def graded(*grades: tuple[int, str]) -> Dataset:
    return dataset("SUPPAE", *({"QNAM": "AECDGR", "QVAL": grade, "IDVARVAL": str(seq)} for seq, grade in grades))


REOPERATION = dataset("PR", {"PRSEQ": 3, "PRCAT": "REOPERATION", "PRSTDTC": "2024-05-04"})


def test_the_only_complication_of_grade_iiib_belongs_to_the_only_reoperation() -> None:
    events = dataset("AE", complication(1), complication(2))
    assert related(events, graded((1, "IIIb"), (2, "II")), REOPERATION) == [
        ("AE", "S-1", "AESEQ", "1", None, "AEPR1"),
        ("PR", "S-1", "PRSEQ", "3", None, "AEPR1"),
    ]


def test_pairs_that_could_be_others_are_not_written() -> None:
    events = dataset("AE", complication(1), complication(2))
    assert related(events, graded((1, "IIIb"), (2, "IIIb")), REOPERATION) == []
    late = dataset("AE", complication(1, "2024-05-09"))
    assert related(late, graded((1, "IIIb")), REOPERATION) == []
    assert related(events, graded((1, "IIIa")), REOPERATION) == []


def test_the_only_fatal_event_belongs_to_the_death_that_ended_participation() -> None:
    events = dataset("AE", complication(1), {"AESEQ": 2, "AESTDTC": "2024-06-01", "AEOUT": "FATAL"})
    ends = dataset(
        "DS",
        {"DSSEQ": 1, "DSDECOD": "DEATH", "DSSCAT": "STUDY TREATMENT"},
        {"DSSEQ": 2, "DSDECOD": "DEATH", "DSSCAT": "STUDY PARTICIPATION"},
    )
    assert related(events, ends) == [
        ("AE", "S-1", "AESEQ", "2", None, "AEDS1"),
        ("DS", "S-1", "DSSEQ", "2", None, "AEDS1"),
    ]
    made = relrec({"AE": events, "DS": ends})
    assert made is not None
    assert made.frame.get_column("_from").to_list() == [[1], [1]]
