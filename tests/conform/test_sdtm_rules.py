"""Rules of finished SDTM: a small study that breaks none, and for every rule a change that breaks it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import polars as pl
import pytest

from cdiscx.conform import conformance
from cdiscx.conform.rules import rules
from cdiscx.model.dataset import Codelist, Term
from cdiscx.model.finding import Status
from cdiscx.registry import discover
from cdiscx.standards import guide, terminology

Frames = dict[str, pl.DataFrame]
A, B = "ABC-01-001", "ABC-01-002"


def _table(name: str, head: str, *rows: str) -> pl.DataFrame:
    """Rows of `|`-separated cells; STUDYID and DOMAIN are added, absent required and expected variables are null."""
    names = head.split()
    facts = {v.name: v for v in guide.variables(name)}
    kinds = {"integer": pl.Int64, "float": pl.Float64}
    cells = [[c.strip() or None for c in row.split("|")] for row in rows]
    frame = pl.DataFrame(cells, schema=dict.fromkeys(names, pl.String), orient="row")
    first = {"STUDYID": "ABC", **({"DOMAIN": name} if "DOMAIN" in facts else {})}
    frame = frame.with_columns(pl.lit(v).alias(k) for k, v in first.items())
    for variable in facts.values():
        if variable.name not in frame.columns and variable.core in ("Req", "Exp"):
            frame = frame.with_columns(pl.lit(None, pl.String).alias(variable.name))
    order = [n for n in facts if n in frame.columns]
    return frame.select(pl.col(n).cast(kinds.get(facts[n].type, pl.String)) for n in order)


def study() -> Frames:
    """Two subjects: one was treated and died, one was treated and lives."""
    return {
        "DM": _table(
            "DM",
            "USUBJID SUBJID RFSTDTC RFENDTC RFXSTDTC RFXENDTC RFICDTC RFPENDTC DTHDTC DTHFL SITEID AGE AGEU SEX RACE ARMCD ARM ACTARMCD ACTARM COUNTRY",
            f"{A}|001|2023-01-10|2023-02-10|2023-01-10|2023-02-10|2023-01-02|2023-06-01|2023-06-01|Y|01|60|YEARS|M|ASIAN|T|Treatment|T|Treatment|CHN",
            f"{B}|002|2023-02-01|2023-03-01|2023-02-01|2023-03-01|2023-01-20|2023-09-01|||01|55|YEARS|F|ASIAN|T|Treatment|T|Treatment|CHN",
        ),
        "EX": _table(
            "EX",
            "USUBJID EXSEQ EXLNKID EXTRT EXDOSE EXDOSU EXDOSFRQ EXSTDTC EXENDTC EXSTDY EXENDY EPOCH",
            f"{A}|1|HA1|OXALIPLATIN|85|mg/m2|ONCE|2023-01-10|2023-01-10|1|1|TREATMENT",
            f"{A}|2||LENVATINIB|12|mg|QD|2023-01-11|2023-02-10|2|32|TREATMENT",
            f"{B}|1||LENVATINIB|12|mg|QD|2023-02-01|2023-03-01|1|29|TREATMENT",
        ),
        "PR": _table(
            "PR",
            "USUBJID PRSEQ PRLNKID PRTRT PRCAT PRSTDTC PRSTDY",
            f"{A}|1|HA1|HAIC|LOCAL THERAPY|2023-01-10|1",
            f"{A}|2|SP1|HEPATECTOMY|SURGERY|2023-02-20|42",
        ),
        "TU": _table(
            "TU",
            "USUBJID TUSEQ TULNKID TUTESTCD TUTEST TUORRES TUSTRESC TULOC TUMETHOD TULOBXFL TUEVAL VISITNUM VISIT TUDTC TUDY",
            f"{A}|1|T01|TUMIDENT|Tumor Identification|TARGET|TARGET|LIVER|CT SCAN|Y|INVESTIGATOR|1|SCREENING|2023-01-05|-5",
            f"{A}|2|NEW01|TUMIDENT|Tumor Identification|NEW|NEW|LUNG|CT SCAN||INVESTIGATOR|2|WEEK 8|2023-03-10|60",
        ),
        "TR": _table(
            "TR",
            "USUBJID TRSEQ TRLNKID TRLNKGRP TRTESTCD TRTEST TRORRES TRORRESU TRSTRESC TRSTRESN TRSTRESU TRSTAT TRREASND TRLOBXFL TREVAL VISITNUM VISIT TRDTC TRDY",
            f"{A}|1|T01|A1|LDIAM|Longest Diameter|6.0|cm|60|60|mm|||Y|INVESTIGATOR|1|SCREENING|2023-01-05|-5",
            f"{A}|2|T01|A2|LDIAM|Longest Diameter||||||NOT DONE|IMAGE QUALITY||INVESTIGATOR|2|WEEK 8|2023-03-10|60",
            f"{A}|3|NEW01|A2|TUMSTATE|Tumor State|UNEQUIVOCAL||UNEQUIVOCAL||||||INVESTIGATOR|2|WEEK 8|2023-03-10|60",
        ),
        "RS": _table(
            "RS",
            "USUBJID RSSEQ RSLNKGRP RSTESTCD RSTEST RSCAT RSORRES RSSTRESC RSEVAL VISITNUM VISIT RSDTC RSDY",
            f"{A}|1|A2|OVRLRESP|Overall Response|RECIST 1.1|PD|PD|INVESTIGATOR|2|WEEK 8|2023-03-10|60",
        ),
        "AE": _table(
            "AE",
            "USUBJID AESEQ AETERM AEDECOD AESER AEACN AEOUT AESDTH AESHOSP AETOXGR AESTDTC AEENDTC AESTDY AEENDY",
            f"{A}|1|Rash|Rash|N|DOSE NOT CHANGED|RECOVERED/RESOLVED|N|N|1|2023-01|2023-02-01||23",
            f"{A}|2|Liver failure|Hepatic failure|Y|NOT APPLICABLE|FATAL|Y|Y|5|2023-05-20|2023-06-01|131|143",
            f"{B}|1|Fatigue|Fatigue|N|DRUG WITHDRAWN|RECOVERED/RESOLVED|N|N|2|2023-02-20|2023-03-20|20|48",
        ),
        "DS": _table(
            "DS",
            "USUBJID DSSEQ DSGRPID DSTERM DSDECOD DSCAT DSSCAT DSSTDTC DSSTDY",
            f"{A}|1||Consent|INFORMED CONSENT OBTAINED|PROTOCOL MILESTONE||2023-01-02|-8",
            f"{A}|2||Death|DEATH|DISPOSITION EVENT|STUDY PARTICIPATION|2023-06-01|143",
            f"{B}|1||Consent|INFORMED CONSENT OBTAINED|PROTOCOL MILESTONE||2023-01-20|-12",
            f"{B}|2|LENVATINIB|Toxicity|ADVERSE EVENT|DISPOSITION EVENT|STUDY TREATMENT|2023-03-01|29",
        ),
        "SE": _table(
            "SE",
            "USUBJID SESEQ ETCD ELEMENT TAETORD EPOCH SESTDTC SEENDTC",
            f"{A}|1|SCRN|Screening|1|SCREENING|2023-01-02|2023-01-10",
            f"{A}|2|TRT|Treatment|2|TREATMENT|2023-01-10|2023-06-01",
            f"{B}|1|SCRN|Screening|1|SCREENING|2023-01-20|2023-02-01",
            f"{B}|2|TRT|Treatment|2|TREATMENT|2023-02-01|2023-09-01",
        ),
        "SV": _table(
            "SV",
            "USUBJID VISITNUM VISIT SVPRESP SVOCCUR SVSTDTC SVENDTC",
            f"{A}|1|SCREENING|Y|Y|2023-01-05|2023-01-05",
            f"{A}|2|WEEK 8|Y|Y|2023-03-10|2023-03-10",
            f"{A}|3|WEEK 16|Y|Y|2023-05-10|2023-05-10",
        ),
        "LB": _table(
            "LB",
            "USUBJID LBSEQ LBTESTCD LBTEST LBCAT LBORRES LBORRESU LBSTRESC LBSTRESN LBSTRESU LBSTNRLO LBSTNRHI LBNRIND LBLOBXFL VISITNUM LBDTC LBDY",
            f"{A}|1|ALT|Alanine Aminotransferase|CHEMISTRY|55|U/L|55|55|U/L|5|40|HIGH|Y|1|2023-01-05|-5",
            f"{A}|2|AFP|Alpha Fetoprotein|CHEMISTRY|<5|ug/L|<5||ug/L||||Y|1|2023-01-05|-5",
        ),
        "MI": _table(
            "MI",
            "USUBJID MISEQ MIREFID MITESTCD MITEST MIORRES MISTRESC MISPEC MIDTC MIDY",
            f"{A}|1|SP1|FIBROSIS|Fibrosis|10|10|TUMOR TISSUE|2023-02-20|42",
        ),
        "SS": _table(
            "SS",
            "USUBJID SSSEQ SSTESTCD SSTEST SSORRES SSSTRESC SSDTC SSDY",
            f"{A}|1|SURVSTAT|Survival Status|DEAD|DEAD|2023-06-01|143",
            f"{B}|1|SURVSTAT|Survival Status|ALIVE|ALIVE|2023-09-01|213",
        ),
        "SUPPTR": _table(
            "SUPPTR",
            "RDOMAIN USUBJID IDVAR IDVARVAL QNAM QLABEL QVAL QORIG",
            f"TR|{A}|TRSEQ|1|TRSLTHK|Slice Thickness|5|Collected",
        ),
        "RELREC": _table(
            "RELREC",
            "RDOMAIN USUBJID IDVAR IDVARVAL RELTYPE RELID",
            "TU||TULNKID||ONE|TUTR",
            "TR||TRLNKID||MANY|TUTR",
        ),
        "TS": _table(
            "TS",
            "TSSEQ TSPARMCD TSPARM TSVAL",
            "1|SSTDTC|Study Start Date|2023-01-02",
            "1|SEXPOP|Sex of Participants|BOTH",
        ),
    }


Change = Callable[[Frames], pl.DataFrame | None]


def put(name: str, column: str, row: int, value: object) -> Callable[[Frames], None]:
    """Sets one cell (row from 1)."""

    def change(frames: Frames) -> None:
        frame = frames[name]
        kind = frame.schema[column]
        at = pl.int_range(pl.len()) == row - 1
        frames[name] = frame.with_columns(pl.when(at).then(pl.lit(value, kind)).otherwise(column).alias(column))

    return change


def drop(name: str, column: str) -> Callable[[Frames], None]:
    def change(frames: Frames) -> None:
        frames[name] = frames[name].drop(column)

    return change


def repeat(name: str, row: int) -> Callable[[Frames], None]:
    """Adds a copy of one record at the end."""

    def change(frames: Frames) -> None:
        frames[name] = pl.concat([frames[name], frames[name].slice(row - 1, 1)])

    return change


def add(name: str, column: str, *values: object) -> Callable[[Frames], None]:
    def change(frames: Frames) -> None:
        frames[name] = frames[name].with_columns(pl.Series(column, values))

    return change


BROKEN: list[tuple[str, Callable[[Frames], None], str, str]] = [
    ("CNF-101", put("AE", "AEDECOD", 1, None), "AE", "AEDECOD"),
    ("CNF-101", drop("MI", "MISPEC"), "MI", "MISPEC"),
    ("CNF-102", drop("AE", "AEREL"), "AE", "AEREL"),
    ("CNF-103", add("AE", "AEMINE", "a", "b", "c"), "AE", "AEMINE"),
    ("CNF-104", put("AE", "AETERM", 1, "x" * 201), "AE", "AETERM"),
    ("CNF-105", put("TR", "DOMAIN", 1, "TU"), "TR", "DOMAIN"),
    ("CNF-105", put("SUPPTR", "RDOMAIN", 1, "TU"), "SUPPTR", "RDOMAIN"),
    ("CNF-106", put("RS", "STUDYID", 1, "ABD"), "RS", "STUDYID"),
    ("CNF-110", repeat("AE", 1), "AE", "AETERM"),
    ("CNF-126", put("SV", "SVSTDTC", 3, "2023-03-09"), "SV", "SVSTDTC"),
    ("CNF-111", put("AE", "AESEQ", 2, 1), "AE", "AESEQ"),
    ("CNF-111", put("AE", "AESEQ", 2, None), "AE", "AESEQ"),
    ("CNF-112", put("SS", "USUBJID", 2, "ABC-01-009"), "SS", "USUBJID"),
    ("CNF-113", repeat("DM", 2), "DM", "USUBJID"),
    ("CNF-114", put("TR", "TRTEST", 2, "Diameter"), "TR", "TRTEST"),
    ("CNF-115", put("RS", "VISIT", 1, "WEEK 9"), "SV", "VISIT"),
    ("CNF-120", put("AE", "AESTDTC", 3, "20-02-2023"), "AE", "AESTDTC"),
    ("CNF-120", put("AE", "AESTDTC", 3, "2023-02-30"), "AE", "AESTDTC"),
    ("CNF-121", put("TR", "TRDY", 1, -4), "TR", "TRDY"),
    ("CNF-121", put("EX", "EXSTDY", 1, 0), "EX", "EXSTDY"),
    ("CNF-121", put("AE", "AESTDY", 1, 1), "AE", "AESTDY"),
    ("CNF-122", put("EX", "EPOCH", 1, "SCREENING"), "EX", "EPOCH"),
    ("CNF-122", put("EX", "EPOCH", 3, None), "EX", "EPOCH"),
    ("CNF-123", put("AE", "AEENDTC", 3, "2023-02-19"), "AE", "AEENDTC"),
    ("CNF-124", put("EX", "EXSTDTC", 2, "2023-06-02"), "EX", "EXSTDTC"),
    ("CNF-125", put("PR", "PRSTDTC", 2, "2023---20"), "PR", "PRSTDTC"),
    ("CNF-126", put("SV", "SVSTDTC", 3, "2023-01-09"), "SV", "SVSTDTC"),
    ("CNF-127", put("SE", "SEENDTC", 1, "2023-01-09"), "SE", "SEENDTC"),
    ("CNF-130", put("DM", "SEX", 1, "MALE"), "DM", "SEX"),
    ("CNF-130", put("AE", "AEOUT", 1, "Recovered"), "AE", "AEOUT"),
    ("CNF-131", put("TU", "TULOC", 1, "MY LIVER"), "TU", "TULOC"),
    ("CNF-131", put("RS", "RSSTRESC", 1, "GREAT"), "RS", "RSSTRESC"),
    ("CNF-132", put("TR", "TRLOBXFL", 1, "N"), "TR", "TRLOBXFL"),
    ("CNF-133", put("SUPPTR", "QNAM", 1, "TR-SLICE"), "SUPPTR", "QNAM"),
    ("CNF-140", put("TR", "TRLNKID", 1, "T02"), "TR", "TRLNKID"),
    ("CNF-140", put("TR", "TRLNKID", 3, "T01"), "TU", "TULNKID"),
    ("CNF-141", put("RS", "RSLNKGRP", 1, "A7"), "RS", "RSLNKGRP"),
    ("CNF-142", put("MI", "MIREFID", 1, "SP2"), "MI", "MIREFID"),
    ("CNF-143", put("EX", "EXLNKID", 1, "HA2"), "EX", "EXLNKID"),
    ("CNF-144", put("RELREC", "IDVAR", 2, "TRLINK"), "RELREC", "IDVAR"),
    ("CNF-144", put("RELREC", "RELID", 2, "OTHER"), "RELREC", "RELID"),
    ("CNF-145", put("SUPPTR", "IDVARVAL", 1, "9"), "SUPPTR", "IDVARVAL"),
    ("CNF-146", put("SUPPTR", "QVAL", 1, None), "SUPPTR", "QVAL"),
    ("CNF-146", repeat("SUPPTR", 1), "SUPPTR", "QNAM"),
    ("CNF-147", put("TR", "TREVAL", 2, "INDEPENDENT ASSESSOR"), "TR", "TRLNKGRP"),
    ("CNF-150", put("TR", "TRORRES", 2, "5"), "TR", "TRORRES"),
    ("CNF-150", put("TR", "TRSTAT", 2, None), "TR", "TRORRES"),
    ("CNF-150", put("TR", "TRSTRESC", 3, None), "TR", "TRSTRESC"),
    ("CNF-151", put("TR", "TRSTRESN", 1, 6.0), "TR", "TRSTRESN"),
    ("CNF-152", put("LB", "LBSTRESU", 1, None), "LB", "LBSTRESU"),
    ("CNF-154", put("TR", "TRLOBXFL", 3, "Y"), "TR", "TRLOBXFL"),
    ("CNF-155", put("MI", "MISPEC", 1, None), "MI", "MISPEC"),
    ("CNF-156", put("LB", "LBSTNRLO", 1, 50.0), "LB", "LBSTNRLO"),
    ("CNF-156", put("LB", "LBNRIND", 1, "NORMAL"), "LB", "LBNRIND"),
    ("CNF-157", put("TU", "TULOC", 1, None), "TU", "TULOC"),
    ("CNF-158", put("RS", "RSCAT", 1, None), "RS", "RSCAT"),
    ("CNF-160", put("DS", "DSSTDTC", 2, "2023-06-02"), "DS", "DSSTDTC"),
    ("CNF-161", put("DM", "DTHFL", 1, None), "DM", "DTHFL"),
    ("CNF-162", put("AE", "AETOXGR", 2, "4"), "AE", "AEOUT"),
    ("CNF-163", put("AE", "AESER", 2, "N"), "AE", "AESER"),
    ("CNF-164", put("DS", "DSDECOD", 4, "COMPLETED"), "AE", "AEACN"),
    ("CNF-165", put("EX", "EXDOSE", 1, 0.0), "EX", "EXDOSE"),
    ("CNF-165", put("EX", "EXENDTC", 1, "2023-01-20"), "EX", "EXENDTC"),
    ("CNF-166", put("EX", "EXSTDTC", 3, "2023-03-02"), "EX", "EXSTDTC"),
    ("CNF-167", put("DM", "ARMNRS", 2, "NOT ASSIGNED"), "DM", "ARMNRS"),
    ("CNF-168", put("RS", "RSSTRESC", 1, "SD"), "TU", "TUDTC"),
    ("CNF-169", put("SS", "SSSTRESC", 2, "DEAD"), "SS", "SSSTRESC"),
    ("CNF-170", put("DM", "RFICDTC", 2, "2023-01-21"), "DS", "DSSTDTC"),
    ("CNF-171", put("TS", "TSVAL", 1, "2023-01-03"), "TS", "TSVAL"),
    ("CNF-172", put("TR", "TRDTC", 3, "2023-04-20"), "TR", "TRDTC"),
]


def test_an_infusion_of_46_hours_that_ends_two_days_later_is_one_infusion() -> None:
    frames = study()
    start = dt.date.fromisoformat(str(frames["EX"]["EXSTDTC"][0]))
    put("EX", "EXENDTC", 1, (start + dt.timedelta(days=2)).isoformat())(frames)
    assert [f.message for f in conformance(frames) if f.check_id == "CNF-165"] == []


def test_a_study_that_breaks_no_rule_has_no_finding_and_no_skipped_rule() -> None:
    report = conformance(study())
    assert [(f.check_id, f.sheet, f.column, f.message) for f in report] == []
    assert {c.check_id: c.reason for c in report.checks if c.status is not Status.PASSED} == {}
    assert report.checked


@pytest.mark.parametrize(("rule_id", "change", "dataset", "column"), BROKEN, ids=[f"{r}-{i}" for i, (r, *_) in enumerate(BROKEN)])  # fmt: skip
def test_a_broken_rule_is_found_where_it_is_broken(
    rule_id: str, change: Callable[[Frames], None], dataset: str, column: str
) -> None:
    frames = study()
    change(frames)
    report = conformance(frames)
    assert report.complete, [c.traceback for c in report.checks if c.traceback]
    found = [f for f in report if f.check_id == rule_id]
    assert (dataset, column) in {(f.sheet, f.column) for f in found}


def test_every_rule_of_sdtm_has_a_case() -> None:
    discover("cdiscx.conform")
    known = {r.id for r in rules().values() if r.standard == "SDTM"}
    assert known - {r for r, *_ in BROKEN} == {"CNF-107", "CNF-153"}


def test_an_unknown_dataset_is_said_to_be_unknown() -> None:
    report = conformance({**study(), "XX": pl.DataFrame({"STUDYID": ["ABC"], "USUBJID": [A]})})
    assert [(f.check_id, f.sheet) for f in report] == [("CNF-107", "XX")]


def test_two_standard_units_of_one_test_are_found() -> None:
    frames = study()
    repeat("LB", 1)(frames)
    for change in (put("LB", "LBSEQ", 3, 3), put("LB", "LBDTC", 3, "2023-01-06"), put("LB", "LBSTRESU", 3, "mg/L")):
        change(frames)
    found = [(f.check_id, f.value, f.row) for f in conformance(frames) if f.check_id == "CNF-153"]
    assert found == [("CNF-153", "mg/L", 3)]


def test_a_rule_whose_dataset_is_absent_is_skipped_with_the_reason() -> None:
    frames = study()
    del frames["SE"]
    runs = {c.check_id: c for c in conformance(frames).checks}
    assert (runs["CNF-122"].status, runs["CNF-122"].reason) == (Status.SKIPPED, "dataset SE is not there")


def test_a_declared_extension_is_no_finding() -> None:
    frames = study()
    put("TU", "TULOC", 1, "MY LIVER")(frames)
    published = terminology.codelist("C74456")
    assert published is not None
    own: dict[str, Codelist] = {"C74456": terminology.extend(published, [Term("MY LIVER")])}
    assert [f.check_id for f in conformance(frames, codelists=own)] == []


def test_declared_keys_decide_over_the_guides() -> None:
    frames = study()
    assert [f.check_id for f in conformance(frames, keys={"EX": ("USUBJID", "EXTRT")})] == []
    found = [(f.check_id, f.row) for f in conformance(frames, keys={"EX": ("USUBJID", "EXSTDY", "EXDOSU")})]
    assert found == []
    assert [f.row for f in conformance(frames, keys={"EX": ("USUBJID",)})] == [2]


def test_multiple_is_accepted_in_the_closed_lists_that_the_guide_opens() -> None:
    frames = study()
    put("AE", "AEACN", 1, "MULTIPLE")(frames)
    assert [f.check_id for f in conformance(frames)] == []


def test_numbers_of_a_transport_file_are_floats_and_blanks_are_null() -> None:
    frames = {
        n: f.with_columns(pl.col(pl.Int64).cast(pl.Float64), pl.col(pl.String).fill_null(""))
        for n, f in study().items()
    }
    assert [(f.check_id, f.message) for f in conformance(frames)] == []


def test_a_finding_names_record_subject_and_value() -> None:
    frames = study()
    put("AE", "AEENDTC", 3, "2023-02-19")(frames)
    found = next(f for f in conformance(frames) if f.check_id == "CNF-123")
    assert (found.subject, found.row, found.value) == (B, 3, "2023-02-19")
    assert found.message == "AEENDTC 2023-02-19 is before AESTDTC 2023-02-20"


@pytest.mark.parametrize(
    ("name", "column"),
    [
        ("DM", "USUBJID"),
        ("DM", "RFSTDTC"),
        ("TR", "USUBJID"),
        ("TU", "TULNKID"),
        ("DS", "DSDECOD"),
        ("RELREC", "RELID"),
    ],
)
def test_a_column_that_is_absent_is_said_once_and_crashes_nothing(name: str, column: str) -> None:
    frames = study()
    drop(name, column)(frames)
    report = conformance(frames)
    assert report.complete, [c.traceback for c in report.checks if c.traceback]
    said = [f for f in report if f.check_id in ("CNF-101", "CNF-102") and (f.sheet, f.column) == (name, column)]
    assert len(said) == 1


def test_numbers_that_came_as_text_are_numbers() -> None:
    frames = {n: f.with_columns(pl.col(pl.Int64, pl.Float64).cast(pl.String)) for n, f in study().items()}
    assert [(f.check_id, f.message) for f in conformance(frames)] == []
