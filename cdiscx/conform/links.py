"""Rules of relations: TU-TR-RS, PR-MI, PR-EX, RELREC, supplemental qualifiers and their parents."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from cdiscx.conform.finished import Finished
from cdiscx.conform.rules import broken, rule, whole
from cdiscx.model.finding import Severity


def _without(
    data: Finished, child: str, child_key: str, parent: str, parent_key: str, say: str
) -> Iterator[pl.DataFrame]:
    """Records of `child` whose link value no record of `parent` of the same subject has."""
    if not (data.has(child, "USUBJID", child_key) and data.has(parent, "USUBJID", parent_key)):
        return
    known = data.frames[parent].select("USUBJID", pl.col(parent_key).alias(child_key)).unique()
    linked = data.frames[child].filter(pl.col(child_key).is_not_null())
    lost = linked.join(known, on=["USUBJID", child_key], how="anti", maintain_order="left")
    yield broken(child, lost, pl.lit(True), child_key, say)


@rule("CNF-140", "SDTM", "A tumour result has no identified tumour, or the other way round", "TU", "TR")
def tumour_links(data: Finished) -> Iterator[pl.DataFrame]:
    """TRLNKID is a TULNKID of the subject; every identified lesion, a new one too, has at least one result."""
    yield from _without(data, "TR", "TRLNKID", "TU", "TULNKID", "lesion {TRLNKID} has no record in TU")
    yield from _without(data, "TU", "TULNKID", "TR", "TRLNKID", "lesion {TULNKID} has no result in TR")


@rule("CNF-141", "SDTM", "A response rests on no assessment", "TR", "RS", severity=Severity.WARNING)
def response_links(data: Finished) -> Iterator[pl.DataFrame]:
    """RSLNKGRP is a TRLNKGRP of the subject."""
    yield from _without(data, "RS", "RSLNKGRP", "TR", "TRLNKGRP", "time point {RSLNKGRP} has no results in TR")


@rule("CNF-142", "SDTM", "A specimen belongs to no procedure", "PR", "MI", severity=Severity.WARNING)
def specimen_links(data: Finished) -> Iterator[pl.DataFrame]:
    """MIREFID is a PRLNKID of the subject."""
    yield from _without(data, "MI", "MIREFID", "PR", "PRLNKID", "specimen {MIREFID} has no procedure in PR")


@rule("CNF-143", "SDTM", "A dose belongs to no session", "PR", "EX")
def session_links(data: Finished) -> Iterator[pl.DataFrame]:
    """EXLNKID is a PRLNKID of the subject."""
    yield from _without(data, "EX", "EXLNKID", "PR", "PRLNKID", "session {EXLNKID} has no procedure in PR")


@rule("CNF-144", "SDTM", "A side of a relation does not exist", "RELREC")
def relations(data: Finished) -> Iterator[pl.DataFrame]:
    """RELREC: both sides name datasets and variables that are there; record-level rows name records that are there."""
    frame = data.frames["RELREC"]
    for row in frame.select("RDOMAIN", "IDVAR", "RELID").unique(maintain_order=True).to_dicts():
        if not data.has(row["RDOMAIN"], row["IDVAR"]):
            yield whole("RELREC", "IDVAR", f"relation {row['RELID']}: there is no {row['RDOMAIN']}.{row['IDVAR']}")
    sides = pl.struct("RDOMAIN", "IDVAR").n_unique().over("RELID", *_of_subject(frame))
    alone = pl.col("IDVARVAL").is_null() & (sides < 2)
    yield broken("RELREC", frame, alone, "RELID", "relation {RELID} has one side only")
    yield from _lost_records(data, "RELREC", frame)


def _of_subject(frame: pl.DataFrame) -> list[str]:
    return ["USUBJID"] if "USUBJID" in frame.columns else []


@rule("CNF-145", "SDTM", "A supplemental qualifier has no parent record")
def supplemental_parents(data: Finished) -> Iterator[pl.DataFrame]:
    """IDVAR and IDVARVAL find a record of the parent domain; DM is found by USUBJID alone."""
    for name, frame in data.frames.items():
        if name.startswith("SUPP") and {"RDOMAIN", "IDVAR", "IDVARVAL"} <= set(frame.columns):
            parents = [p for p in frame.get_column("RDOMAIN").drop_nulls().unique().sort() if p not in data.frames]
            for parent in parents:
                yield whole(name, "RDOMAIN", f"parent domain {parent} is not there")
            yield from _lost_records(data, name, frame)


def _lost_records(data: Finished, name: str, frame: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """Rows with an IDVARVAL that no record of the domain named has; rows of DM without a subject there."""
    for key, part in frame.partition_by("RDOMAIN", "IDVAR", as_dict=True, maintain_order=True).items():
        domain, variable = key
        column = variable if variable is not None else "USUBJID"
        if not isinstance(domain, str) or not isinstance(column, str) or not data.has(domain, column):
            continue
        given = "IDVARVAL" if variable is not None else "USUBJID"
        value = pl.col(column).cast(pl.String).str.replace(r"\.0$", "").alias("_value")
        known = data.frames[domain].select(pl.col("USUBJID").alias("_subject"), value).unique()
        rows = part.filter(pl.col(given).is_not_null() & pl.col("USUBJID").is_not_null())
        lost = rows.join(
            known, left_on=["USUBJID", given], right_on=["_subject", "_value"], how="anti", maintain_order="left"
        )
        yield broken(name, lost, pl.lit(True), given, f"no record of {{RDOMAIN}} has {column} {{{given}}}")


@rule("CNF-146", "SDTM", "A supplemental qualifier is blank or stands twice")
def supplemental_values(data: Finished) -> Iterator[pl.DataFrame]:
    """QVAL is never blank; one QNAM a parent record."""
    for name, frame in data.frames.items():
        if name.startswith("SUPP") and {"USUBJID", "IDVAR", "IDVARVAL", "QNAM", "QVAL"} <= set(frame.columns):
            yield broken(name, frame, pl.col("QVAL").is_null(), "QVAL", "{QNAM} is blank")
            again = ~pl.struct("USUBJID", "IDVAR", "IDVARVAL", "QNAM").is_first_distinct()
            yield broken(name, frame, again, "QNAM", "{QNAM} stands twice for {IDVAR} {IDVARVAL}")


@rule("CNF-147", "SDTM", "A link value is shared by two evaluators", severity=Severity.WARNING)
def shared_links(data: Finished) -> Iterator[pl.DataFrame]:
    """Mapping rule 2.7: dataset-level links must not mix readers."""
    for name, link in (("TU", "TULNKID"), ("TR", "TRLNKGRP")):
        who = f"{name}EVAL"
        if data.has(name, link, who, "USUBJID"):
            reader = [who, *([f"{name}EVALID"] if f"{name}EVALID" in data.frames[name].columns else [])]
            several = pl.struct(reader).n_unique().over("USUBJID", link) > 1
            first = data.frames[name].filter(pl.col(link).is_not_null())
            yield broken(name, first, several, link, f"{link} {{{link}}} is used by more than one evaluator")
