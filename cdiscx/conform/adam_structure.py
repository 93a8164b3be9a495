"""Rules of shape of ADaM datasets: required variables, subjects, keys, flags, copies of ADSL, terminology (ADaMIG 1.3)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

import polars as pl

from cdiscx.conform.finished import Finished
from cdiscx.conform.identity import not_one_to_one, same_keys, wrong_sequence
from cdiscx.conform.rules import broken, rule, whole
from cdiscx.conform.structure import other_study, too_long
from cdiscx.model.finding import Severity
from cdiscx.standards import guide

#: populations: Y or N, never blank (ADaMIG 1.3, 3.2.4); other flags are Y or blank, criterion flags may also be N
_POPULATIONS: Final = frozenset({"FASFL", "SAFFL", "ITTFL", "PPROTFL", "COMPLFL", "RANDFL", "ENRLFL"})
_CRITERION: Final = re.compile(r"^(CRIT\d+FL|MCRIT\d+MLFL|ANL\d\dFL)$")


def structure_of(name: str, frame: pl.DataFrame) -> str:
    """`ADSL`, `TTE`, `BDS` or `OCCDS`, told by the columns."""
    if name == "ADSL":
        return "ADSL"
    if "PARAMCD" in frame.columns:
        return "TTE" if "CNSR" in frame.columns else "BDS"
    return "OCCDS"


@rule("CNF-201", "ADaM", "A required variable is absent or blank")
def required(data: Finished) -> Iterator[pl.DataFrame]:
    """ADaMIG 1.3 core Req; an index in the name (TRTxxP) asks for at least one variable of the kind."""
    for name, frame in data.frames.items():
        for variable in guide.adam_variables(structure_of(name, frame)):
            if variable.core != "Req":
                continue
            pattern = re.compile(
                re.sub(r"xx|zz", r"\\d\\d", re.sub(r"(?<=[A-Z])[yw](?=[A-Z]|$)", r"\\d", variable.name))
            )
            present = [c for c in data.present[name] if pattern.fullmatch(c)]
            if not present:
                yield whole(name, variable.name, f"{name} has no {variable.name}, which is required")
            for column in present:
                yield broken(name, frame, pl.col(column).is_null(), column, f"{column} is required and blank")
        if "PARAMCD" in frame.columns and not {"AVAL", "AVALC"} & set(frame.columns):
            yield whole(name, "AVAL", f"{name} has neither AVAL nor AVALC")


@rule("CNF-202", "ADaM", "A name or a value is longer than a transport file can hold")
def sizes(data: Finished) -> Iterator[pl.DataFrame]:
    """SAS transport version 5: names up to 8 characters, text up to 200 bytes."""
    yield from too_long(data)


@rule("CNF-203", "ADaM", "STUDYID is not the same everywhere")
def study_identifier(data: Finished) -> Iterator[pl.DataFrame]:
    """One study, one STUDYID: the study file's where it is known, else ADSL's."""
    yield from other_study(data, "ADSL")


@rule("CNF-204", "ADaM", "A subject is not in ADSL, or stands there twice", "ADSL")
def subjects(data: Finished) -> Iterator[pl.DataFrame]:
    """ADSL has one record a subject, and every subject of every dataset."""
    subject_level = data.frames["ADSL"]
    known = subject_level.get_column("USUBJID").drop_nulls().unique().to_list()
    yield broken("ADSL", subject_level, ~pl.col("USUBJID").is_first_distinct(), "USUBJID", "{USUBJID} has another record in ADSL")  # fmt: skip
    for name, frame in data.subjects():
        yield broken(name, frame, ~pl.col("USUBJID").is_in(known), "USUBJID", "subject {USUBJID} is not in ADSL")


@rule("CNF-205", "ADaM", "PARAM and PARAMCD do not go together one to one")
def parameters(data: Finished) -> Iterator[pl.DataFrame]:
    """One code, one text within a dataset; the code is a variable name of up to 8 characters."""
    for name, frame in data.frames.items():
        if {"PARAM", "PARAMCD"} <= set(frame.columns):
            yield from not_one_to_one(name, frame, "PARAMCD", "PARAM")
            bad = ~pl.col("PARAMCD").str.contains(r"^[A-Z_][A-Z0-9_]{0,7}$")
            yield broken(name, frame, bad, "PARAMCD", "PARAMCD {PARAMCD} cannot be a variable name")
        if {"PARAMCD", "AVISIT", "AVISITN"} <= set(frame.columns):
            yield from not_one_to_one(name, frame, "AVISITN", "AVISIT", "PARAMCD")


@rule("CNF-206", "ADaM", "ASEQ is not a whole number, unique within the subject")
def sequence(data: Finished) -> Iterator[pl.DataFrame]:
    """ADaM derivations 1.4."""
    for name, frame in data.frames.items():
        if "ASEQ" in frame.columns:
            yield from wrong_sequence(name, frame, "ASEQ", "USUBJID")


@rule("CNF-211", "ADaM", "Two records have the same keys")
def duplicate_keys(data: Finished) -> Iterator[pl.DataFrame]:
    """The declared keys identify a record; undeclared ones are not guessed."""
    for name, frame in data.frames.items():
        yield from same_keys(name, frame, [k for k in data.keys.get(name, ()) if k in frame.columns])


@rule("CNF-207", "ADaM", "A variable copied from ADSL differs from ADSL", "ADSL")
def copies(data: Finished) -> Iterator[pl.DataFrame]:
    """A variable with the name of an ADSL variable has its value."""
    subject_level = data.frames["ADSL"].unique("USUBJID", keep="first", maintain_order=True)
    shared = [c for c in subject_level.columns if c not in ("USUBJID", "_row")]
    original = subject_level.select("USUBJID", *(pl.col(c).alias(f"_{c}") for c in shared))
    for name, frame in data.subjects():
        if name == "ADSL":
            continue
        joined = frame.join(original, on="USUBJID", how="inner", maintain_order="left")
        for column in (c for c in shared if c in frame.columns):
            one, other = pl.col(column), pl.col(f"_{column}")
            if frame.schema[column].is_numeric() and subject_level.schema[column].is_numeric():
                one, other = one.cast(pl.Float64), other.cast(pl.Float64)
            else:
                one, other = one.cast(pl.String), other.cast(pl.String)
            say = f"{column} is {{{column}}}, in ADSL {{_{column}}}"
            yield broken(name, joined, one.ne_missing(other), column, say)


@rule("CNF-208", "ADaM", "A flag has a value that it cannot have")
def flags(data: Finished) -> Iterator[pl.DataFrame]:
    """Population flags are Y or N; criterion flags Y, N or blank; other flags Y or blank, unless copied from ADSL."""
    subject_level = data.frames.get("ADSL", pl.DataFrame())
    for name, frame in data.frames.items():
        for column in (c for c in frame.columns if c.endswith("FL") and frame.schema[c] == pl.String):
            value = pl.col(column)
            if column in _POPULATIONS:
                wrong, said = ~value.is_in(["Y", "N"]).fill_null(False), "Y or N"
            elif _CRITERION.match(column) or name == "ADSL" or column in subject_level.columns:
                wrong, said = ~value.is_in(["Y", "N"]), "Y, N or blank"
            else:
                wrong, said = value != "Y", "Y or blank"
            yield broken(name, frame, wrong, column, f"{column} is {{{column}}}; it is {said}")


@rule("CNF-209", "ADaM", "A value is not in its closed codelist")
def closed_lists(data: Finished) -> Iterator[pl.DataFrame]:
    """Values of variables with a published list that is not extensible."""
    yield from _strangers(data, extensible=False)


@rule("CNF-210", "ADaM", "A value extends a codelist without being declared", severity=Severity.WARNING)
def open_lists(data: Finished) -> Iterator[pl.DataFrame]:
    """A sponsor's value of an extensible list stands in define.xml as extended. One finding a value."""
    yield from _strangers(data, extensible=True)


def _strangers(data: Finished, *, extensible: bool) -> Iterator[pl.DataFrame]:
    for name, frame in data.frames.items():
        structure = structure_of(name, frame)
        for column in frame.columns:
            variable = guide.adam_variable(structure, column)
            found = data.codelist(variable.codelist) if variable and variable.codelist else None
            if found is None or found.extensible != extensible or not found.terms or column.endswith("FL"):
                continue
            values = [t.value for t in found.terms] + ["MULTIPLE"] * (column == "RACE")
            outside = frame.filter(~pl.col(column).cast(pl.String).is_in(values))
            first = outside.unique(subset=[column], keep="first", maintain_order=True)
            yield broken(name, first, pl.lit(True), column, f"{column} {{{column}}} is not in codelist {found.id}")
