"""Rules of shape: the guide's variables, identifiers, sizes (SDTMIG 3.4; SAS transport version 5)."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from cdiscx.conform.finished import Finished, first_study
from cdiscx.conform.rules import broken, rule, whole
from cdiscx.model.finding import Severity
from cdiscx.standards import guide


@rule("CNF-101", "SDTM", "A required variable is absent or blank")
def required(data: Finished) -> Iterator[pl.DataFrame]:
    """SDTMIG 3.4, 4.1.5: a required variable is there and never null."""
    for name, frame in data.frames.items():
        for variable in guide.variables(name):
            if variable.core == "Req":
                if variable.name not in data.present[name]:
                    yield whole(name, variable.name, f"{name} has no {variable.name}, which is required")
                else:
                    say = f"{variable.name} is required and blank"
                    yield broken(name, frame, pl.col(variable.name).is_null(), variable.name, say)


@rule("CNF-102", "SDTM", "An expected variable is absent")
def expected(data: Finished) -> Iterator[pl.DataFrame]:
    """SDTMIG 3.4, 4.1.5: an expected variable is there even when it is empty."""
    for name, present in data.present.items():
        for variable in guide.variables(name):
            if variable.core == "Exp" and variable.name not in present:
                yield whole(name, variable.name, f"{name} has no {variable.name}, which is expected")


@rule("CNF-103", "SDTM", "A variable is not the guide's, or stands in another order")
def unknown(data: Finished) -> Iterator[pl.DataFrame]:
    """SDTMIG 3.4: no variable of the sponsor's own outside SUPP--; the order is the guide's."""
    for name, own in data.present.items():
        order = [v.name for v in guide.variables(name)]
        if not order:
            continue
        for column in own:
            if column not in order:
                yield whole(name, column, f"{column} is not a variable of {name} in the guide")
        known = [c for c in own if c in order]
        if known != sorted(known, key=order.index):
            yield whole(name, "", f"the variables of {name} do not stand in the guide's order")


@rule("CNF-104", "SDTM", "A name or a value is longer than a transport file can hold")
def sizes(data: Finished) -> Iterator[pl.DataFrame]:
    """SAS transport version 5: names up to 8 characters, text up to 200 bytes."""
    yield from too_long(data)


def too_long(data: Finished) -> Iterator[pl.DataFrame]:
    """Names beyond 8 characters and text beyond 200 bytes, of any standard."""
    for name, frame in data.frames.items():
        for column, kind in frame.schema.items():
            if column.startswith("_"):
                continue
            if len(column) > 8:
                yield whole(name, column, f"the name {column} has more than 8 characters")
            if kind == pl.String:
                say = f"{column} has more than 200 bytes"
                yield broken(name, frame, pl.col(column).str.len_bytes() > 200, column, say)


@rule("CNF-105", "SDTM", "DOMAIN or RDOMAIN is not that of the dataset")
def domain(data: Finished) -> Iterator[pl.DataFrame]:
    """DOMAIN is the dataset's name; RDOMAIN of SUPPAE is AE."""
    for name, frame in data.frames.items():
        column, expected_name = ("RDOMAIN", name[4:]) if name.startswith("SUPP") else ("DOMAIN", name)
        if column in frame.columns and name != "RELREC":
            say = f"{column} is {{{column}}} in dataset {name}"
            yield broken(name, frame, pl.col(column) != expected_name, column, say)


@rule("CNF-106", "SDTM", "STUDYID is not the same everywhere")
def study_identifier(data: Finished) -> Iterator[pl.DataFrame]:
    """One study, one STUDYID: the study file's where it is known, else DM's."""
    yield from other_study(data, "DM")


def other_study(data: Finished, reference: str) -> Iterator[pl.DataFrame]:
    """Records whose STUDYID is not the study's."""
    known = data.studyid or data.first_study or first_study(data.frames.get(reference))
    if known is None:
        return
    for name, frame in data.frames.items():
        if "STUDYID" in frame.columns:
            yield broken(name, frame, pl.col("STUDYID") != known, "STUDYID", f"STUDYID is {{STUDYID}}, not {known}")


@rule("CNF-107", "SDTM", "A dataset is not one of the guide", severity=Severity.WARNING)
def strange_dataset(data: Finished) -> Iterator[pl.DataFrame]:
    """A dataset that the tables of this version do not know cannot be judged."""
    for name in data.frames:
        if guide.dataset(name) is None:
            yield whole(name, "", f"{name} is no dataset that cdiscx knows; only the general rules looked at it")
