"""A study of another kind, made of YAML and a table alone: other sheets, other columns, other domains."""

import datetime as dt
from pathlib import Path

from site_sheets import records

from cdiscx import flow
from cdiscx.model.spec import Study
from cdiscx.sdtm import Mapped, map_study

STUDY = """
id: foreign
studyid: FX-1
title: A study of something else
parameters: {window: 3}
sheets:
  Patients:
    holds: subjects
    columns:
      Number: {is: SUBJID, type: id, required: true}
      Place:  {is: SITEID, type: id}
      Signed: {is: RFICDAT, type: date}
      Began:  {is: ENRLDAT, type: date}
      Gender: {is: SEX, type: term, terms: {"F": [woman], "M": [man]}}
  Pain:
    holds: pain
    columns:
      Number: {is: SUBJID, type: id, required: true}
      Day:    {is: PNDAT, type: date, partial: true}
      Now:    {is: PNNOW, type: num}
      Worst:  {is: PNWORST, type: num}
      Diary:  {is: PNTEXT, type: text}
anchors:
  D1: {label: first day, sources: [{of: subjects.ENRLDAT}]}
"""
MAPPING = """
domain: FA
keys: [USUBJID, FATESTCD, FADTC]
blocks:
  pain:
    from: pain
    targets:
      FAOBJ: {hardcode_no_ct: Pain}
      FADTC: {assign_datetime: PNDAT}
    supp:
      FADIARY: {assign_no_ct: PNTEXT, label: Words of the Diary}
    tests:
      PAINNOW: {result: PNNOW, name: Pain Now}
      PAINMAX: {result: PNWORST, name: Worst Pain}
  sleep:
    from: sleep
    targets: {FAOBJ: {hardcode_no_ct: Sleep}}
"""
PATIENTS = "Number,Place,Signed,Began,Gender,Nickname\n7,A,2024-01-01,2024-01-10,woman,Pip\n8,A,2024-01-02,,man,\n"
PAIN = "Number,Day,Now,Worst,Diary\n7,2024-01-09,3,5,bad night\n7,2024-01-10,,4,\n7,2024-01,2.50,,\n"


def _mapped(folder: Path) -> Mapped:
    (folder / "study.yaml").write_text(STUDY, encoding="utf-8")
    (folder / "mappings").mkdir()
    (folder / "mappings" / "fa.yaml").write_text(MAPPING, encoding="utf-8")
    (folder / "up").mkdir()
    (folder / "up" / "Patients.csv").write_text(PATIENTS, encoding="utf-8")
    (folder / "up" / "Pain.csv").write_text(PAIN, encoding="utf-8")
    today = dt.date(2024, 6, 1)
    study = Study.load(str(folder / "study.yaml"))
    return map_study(
        flow.prepare(flow.tidy(study, flow.read(folder / "up"), today=today), today=today), folder / "mappings"
    )


def test_a_study_of_another_kind_is_mapped_without_a_line_of_python(tmp_path: Path) -> None:
    made = _mapped(tmp_path)
    assert records(made, "FA", "USUBJID", "FASEQ", "FATESTCD", "FATEST", "FAORRES", "FASTRESN", "FADTC", "FADY") == [
        ("FX-1-A-7", 1, "PAINMAX", "Worst Pain", "5", 5.0, "2024-01-09", -1),
        ("FX-1-A-7", 2, "PAINMAX", "Worst Pain", "4", 4.0, "2024-01-10", 1),
        ("FX-1-A-7", 3, "PAINNOW", "Pain Now", "2.50", 2.5, "2024-01", None),
        ("FX-1-A-7", 4, "PAINNOW", "Pain Now", "3", 3.0, "2024-01-09", -1),
    ]
    assert records(made, "SUPPFA", "IDVAR", "IDVARVAL", "QNAM", "QLABEL", "QVAL") == [
        ("FASEQ", "1", "FADIARY", "Words of the Diary", "bad night"),
        ("FASEQ", "4", "FADIARY", "Words of the Diary", "bad night"),
    ]
    assert records(made, "DM", "SUBJID", "RFSTDTC", "SEX") == [("7", "2024-01-10", "F"), ("8", None, "M")]


def test_what_is_not_there_is_noted_and_what_is_not_mapped_is_listed(tmp_path: Path) -> None:
    made = _mapped(tmp_path)
    assert "FA/sleep: this study has no sleep; the block is skipped" in made.notes
    assert ("Patients", "Nickname") in made.unused.select("sheet", "header").rows()
    assert any(v.where == (("FATESTCD", "EQ", ("PAINNOW",)),) for v in made.datasets["FA"].values)
